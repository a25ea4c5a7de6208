//! Products brought along from elsewhere: rows of a file in, a catalogue out, all of them or none.

use std::collections::HashMap;
use std::sync::Arc;

use domain::{Clock, Product};
use store::{Absent, ProductChanges, Store, StoreError};
use thiserror::Error;

use crate::LineProblem;
use crate::line_problem::first_seen;

/// One row of a file, as it could be read.
pub struct ProductRow {
    /// The line of the file on which it begins.
    pub line: u64,
    /// The product, or everything that is wrong with it.
    pub product: Result<Product, Vec<String>>,
}

/// Why nothing was imported.
#[derive(Debug, Error)]
pub enum ProductImportError {
    /// Rows are wrong, all of them, in the order of their lines.
    #[error("{} problems", .0.len())]
    Rows(Vec<LineProblem>),
    /// The database did not take them.
    #[error("{0}")]
    Store(#[from] StoreError),
}

/// Brings products along. It needs no running gateway.
pub struct ProductImport {
    /// Where they go.
    pub store: Store,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What becomes of products that the file does not have.
    pub absent: Absent,
    /// What the column or member is called that tells products apart.
    pub identity: &'static str,
}

impl ProductImport {
    /// Imports all rows or none. A product that is there already is replaced whole. `progress` is told how many of how many
    /// are written.
    ///
    /// # Errors
    ///
    /// [`ProductImportError::Rows`] with everything that is wrong; nothing was written then, nor in any other case.
    pub async fn run(
        &self,
        rows: Vec<ProductRow>,
        progress: impl Fn(usize, usize) + Send + Sync + 'static,
    ) -> Result<ProductChanges, ProductImportError> {
        let products = check(rows, self.identity)?;
        Ok(self.store.import_products(products, self.absent, self.clock.now(), progress).await?)
    }

    /// Tells what [`run`](Self::run) would do, and does nothing of it.
    ///
    /// # Errors
    ///
    /// Those of [`run`](Self::run).
    pub async fn rehearse(
        &self,
        rows: Vec<ProductRow>,
        progress: impl Fn(usize, usize) + Send + Sync + 'static,
    ) -> Result<ProductChanges, ProductImportError> {
        let products = check(rows, self.identity)?;
        Ok(self.store.compare_products(products, self.absent, progress).await?)
    }
}

/// All products, or everything that is wrong with their rows. `identity` is what their SKU is called.
fn check(rows: Vec<ProductRow>, identity: &str) -> Result<Vec<Product>, ProductImportError> {
    let mut products = Vec::with_capacity(rows.len());
    let mut problems = Vec::new();
    let mut skus = HashMap::new();
    for ProductRow { line, product } in rows {
        let found = match product {
            Ok(product) => {
                let twice = first_seen(identity, Some(product.offer.sku.as_str()), line, &mut skus);
                products.push(product);
                twice.into_iter().collect()
            }
            Err(found) => found,
        };
        problems.extend(found.into_iter().map(|problem| LineProblem { line, problem }));
    }
    if problems.is_empty() { Ok(products) } else { Err(ProductImportError::Rows(problems)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::product_fields::{UnknownMembers, product_of_json};

    fn row(line: u64, sku: &str) -> ProductRow {
        let json = serde_json::json!({ "sku": sku, "prices": { "EUR": { "net": 1 } }, "taxRate": 0 });
        ProductRow { line, product: product_of_json(json.to_string().as_bytes(), UnknownMembers::Told) }
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once_with_its_line() {
        let wrong = ProductRow { line: 3, product: Err(vec!["one".to_owned(), "two".to_owned()]) };
        let rows = vec![row(2, "a"), wrong, row(5, "b"), row(6, "a"), row(7, "A"), row(8, "a")];
        let Err(ProductImportError::Rows(problems)) = check(rows, "concrete_sku") else { panic!("it is in order") };
        let texts: Vec<_> = problems.iter().map(ToString::to_string).collect();
        let expected = [
            "line 3: one",
            "line 3: two",
            "line 6: concrete_sku is that of line 2, too",
            "line 8: concrete_sku is that of line 2, too",
        ];
        assert_eq!(texts, expected);
        let products = check(vec![row(2, "a"), row(3, "b")], "sku").ok().unwrap();
        assert_eq!(products.len(), 2);
    }
}
