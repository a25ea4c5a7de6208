//! What can be bought.

use std::collections::{BTreeMap, HashMap, HashSet};

use diesel::prelude::*;
use diesel::upsert::excluded;
use domain::{Currency, ImageUrl, Locale, Offer, Price, Product, ProductName, Sku, TaxRate, Timestamp, UnitPrice};

use crate::StoreError;
use crate::budgets::budget_key;
use crate::engine::{Store, on_both, read, unit};
use crate::error::Unit;
use crate::schema::{product_names, product_prices, products};

/// Products that one statement names at most.
const CHUNK: usize = 500;

/// Prices, or names, that one statement writes at most.
const ROWS: usize = 1000;

/// What an import does with products that it does not bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absent {
    /// They stay, save those of the demo catalogue.
    Kept,
    /// They are removed.
    Removed,
}

/// What an import changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProductChanges {
    /// Products that were not there before.
    pub added: usize,
    /// Products that were there, and were another way.
    pub changed: usize,
    /// Products that were there as they are.
    pub unchanged: usize,
    /// Products that go.
    pub removed: usize,
}

impl Store {
    /// A product, as far as a cart must know it.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn find_offer(&self, sku: &Sku) -> Result<Option<Offer>, StoreError> {
        let sku = sku.clone();
        Ok(into_offers(read!(self, find_offer(&sku))?)?.pop())
    }

    /// Those of some products that there are, in no particular order.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn find_offers(&self, skus: Vec<Sku>) -> Result<Vec<Offer>, StoreError> {
        into_offers(read!(self, find_offers(&skus))?)
    }

    /// Writes all products, or none. A product that is there already, by its SKU, is replaced whole. The products of the
    /// demo catalogue go. Two imports at once wait for each other.
    ///
    /// No SKU may be there twice, and all must keep the limits of [`Product`]. `progress` is told how many of how many
    /// are written, from the thread that writes; where a unit is run again it begins anew.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn import_products(
        &self,
        products: Vec<Product>,
        absent: Absent,
        now: Timestamp,
        progress: impl Fn(usize, usize) + Send + Sync + 'static,
    ) -> Result<ProductChanges, StoreError> {
        Ok(unit!(self, import_products(&products, absent, now, &progress))?)
    }

    /// What [`import_products`](Self::import_products) would change. Writes nothing.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn compare_products(
        &self,
        products: Vec<Product>,
        absent: Absent,
        progress: impl Fn(usize, usize) + Send + Sync + 'static,
    ) -> Result<ProductChanges, StoreError> {
        Ok(read!(self, compare_products(&products, absent, &progress))?)
    }

    /// Writes the products of the demo catalogue if there is no product at all. How many were written.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn insert_demo_products(&self, products: Vec<Product>, now: Timestamp) -> Result<usize, StoreError> {
        Ok(unit!(self, insert_demo_products(&products, now))?)
    }
}

/// A row of `products`, as far as a cart must know it.
#[derive(Queryable, Selectable)]
#[diesel(table_name = products)]
struct OfferRow {
    sku: String,
    abstract_sku: String,
    tax_rate: i32,
    stock: Option<i64>,
}

/// The rest of a row of `products`.
#[derive(Queryable, Selectable)]
#[diesel(table_name = products)]
struct ProductRow {
    id: i64,
    image: Option<String>,
    is_demo: bool,
}

/// A row of `product_prices`.
#[derive(Queryable, Selectable)]
#[diesel(table_name = product_prices)]
struct PriceRow {
    currency: String,
    gross: Option<i64>,
    net: Option<i64>,
}

/// A product with one of its prices, if it has any.
type PricedRow = (OfferRow, Option<PriceRow>);

/// A product that is there.
struct Stored {
    is_demo: bool,
    product: Product,
}

const fn corrupt(table: &'static str, column: &'static str) -> StoreError {
    StoreError::Corrupt { table, column }
}

impl OfferRow {
    fn into_offer(self) -> Result<Offer, StoreError> {
        let rate = u16::try_from(self.tax_rate).ok().and_then(TaxRate::from_hundredths);
        let stock = self.stock.map(u32::try_from).transpose();
        Ok(Offer {
            sku: Sku::parse(&self.sku).ok_or(corrupt("products", "sku"))?,
            abstract_sku: Sku::parse(&self.abstract_sku).ok_or(corrupt("products", "abstract_sku"))?,
            tax_rate: rate.ok_or(corrupt("products", "tax_rate"))?,
            stock: stock.map_err(|_| corrupt("products", "stock"))?,
            prices: Vec::new(),
        })
    }
}

impl PriceRow {
    fn into_price(self) -> Result<Price, StoreError> {
        let cents = |cents: Option<i64>, column| {
            let cents = cents.map(u32::try_from).transpose();
            cents.map(|cents| cents.map(UnitPrice)).map_err(|_| corrupt("product_prices", column))
        };
        Ok(Price {
            currency: Currency::parse(&self.currency).ok_or(corrupt("product_prices", "currency"))?,
            gross: cents(self.gross, "gross")?,
            net: cents(self.net, "net")?,
        })
    }
}

/// Rows of one product stand together.
fn into_offers(rows: Vec<PricedRow>) -> Result<Vec<Offer>, StoreError> {
    let mut offers: Vec<Offer> = Vec::new();
    for (product, price) in rows {
        if offers.last().is_none_or(|last| last.sku.as_str() != product.sku) {
            offers.push(product.into_offer()?);
        }
        if let (Some(offer), Some(price)) = (offers.last_mut(), price) {
            offer.prices.push(price.into_price()?);
        }
    }
    Ok(offers)
}

impl Stored {
    fn read(
        (row, offer): (ProductRow, OfferRow),
        prices: Vec<PriceRow>,
        names: Vec<(String, String)>,
    ) -> Result<Self, StoreError> {
        let mut offer = offer.into_offer()?;
        offer.prices = prices.into_iter().map(PriceRow::into_price).collect::<Result<_, _>>()?;
        let parse = |(locale, name): (String, String)| {
            let locale = Locale::parse(&locale).ok_or(corrupt("product_names", "locale"))?;
            Ok((locale, ProductName::parse(&name).ok_or(corrupt("product_names", "name"))?))
        };
        let names = names.into_iter().map(parse).collect::<Result<BTreeMap<_, _>, StoreError>>()?;
        let image = row.image.map(|image| ImageUrl::parse(&image).ok_or(corrupt("products", "image"))).transpose()?;
        Ok(Self { is_demo: row.is_demo, product: Product { offer, names, image } })
    }

    /// Whether an import of `product` would change nothing. In which order prices come says nothing.
    fn is_as(&self, product: &Product) -> bool {
        let sorted = |product: &Product| {
            let mut product = product.clone();
            product.offer.prices.sort_by_key(|price| price.currency);
            product
        };
        !self.is_demo && sorted(&self.product) == sorted(product)
    }
}

/// Values by the product that they belong to.
fn by_product<T>(rows: Vec<(i64, T)>) -> HashMap<i64, Vec<T>> {
    let mut grouped: HashMap<i64, Vec<T>> = HashMap::new();
    for (product, row) in rows {
        grouped.entry(product).or_default().push(row);
    }
    grouped
}

/// Those of `products` that are not as they are `stored`, and how many of them are of which kind.
fn find_changed<'a>(
    products: &'a [Product],
    stored: &HashMap<String, Stored>,
    changes: &mut ProductChanges,
) -> Vec<&'a Product> {
    let differs = |product: &&Product| match stored.get(product.offer.sku.as_str()) {
        None => {
            changes.added += 1;
            true
        }
        Some(stored) if stored.is_as(product) => {
            changes.unchanged += 1;
            false
        }
        Some(_) => {
            changes.changed += 1;
            true
        }
    };
    products.iter().filter(differs).collect()
}

on_both! {
    use [budgets::{serialise}];

    pub(super) fn find_offer(connection: &mut Connection, sku: &Sku) -> Unit<Vec<PricedRow>> {
        Ok(products::table
            .left_join(product_prices::table)
            .filter(products::sku.eq(sku.as_str()))
            .select((OfferRow::as_select(), Option::<PriceRow>::as_select()))
            .load(connection)?)
    }

    pub(super) fn find_offers(connection: &mut Connection, skus: &[Sku]) -> Unit<Vec<PricedRow>> {
        Ok(products::table
            .left_join(product_prices::table)
            .filter(products::sku.eq_any(skus.iter().map(Sku::as_str)))
            .order(products::id)
            .select((OfferRow::as_select(), Option::<PriceRow>::as_select()))
            .load(connection)?)
    }

    pub(super) fn import_products(
        connection: &mut Connection,
        imported: &[Product],
        absent: Absent,
        now: Timestamp,
        progress: &dyn Fn(usize, usize),
    ) -> Unit<ProductChanges> {
        serialise(connection, &budget_key("products", ""), now)?;
        let leaving = list_leaving(connection, imported, absent)?;
        for chunk in leaving.chunks(CHUNK) {
            diesel::delete(products::table.filter(products::id.eq_any(chunk))).execute(connection)?;
        }
        let mut changes = ProductChanges { removed: leaving.len(), ..ProductChanges::default() };
        for (index, chunk) in imported.chunks(CHUNK).enumerate() {
            let stored = list_stored(connection, chunk)?;
            write_products(connection, &find_changed(chunk, &stored, &mut changes), false, now)?;
            progress(index * CHUNK + chunk.len(), imported.len());
        }
        Ok(changes)
    }

    pub(super) fn compare_products(
        connection: &mut Connection,
        imported: &[Product],
        absent: Absent,
        progress: &dyn Fn(usize, usize),
    ) -> Unit<ProductChanges> {
        let removed = list_leaving(connection, imported, absent)?.len();
        let mut changes = ProductChanges { removed, ..ProductChanges::default() };
        for (index, chunk) in imported.chunks(CHUNK).enumerate() {
            find_changed(chunk, &list_stored(connection, chunk)?, &mut changes);
            progress(index * CHUNK + chunk.len(), imported.len());
        }
        Ok(changes)
    }

    pub(super) fn insert_demo_products(
        connection: &mut Connection,
        demo: &[Product],
        now: Timestamp,
    ) -> Unit<usize> {
        // Most databases have products: a look comes before the lock.
        if !is_empty(connection)? {
            return Ok(0);
        }
        serialise(connection, &budget_key("products", ""), now)?;
        if !is_empty(connection)? {
            return Ok(0);
        }
        for chunk in demo.chunks(CHUNK) {
            write_products(connection, &chunk.iter().collect::<Vec<_>>(), true, now)?;
        }
        Ok(demo.len())
    }

    fn is_empty(connection: &mut Connection) -> Unit<bool> {
        let first: Option<i64> = products::table.select(products::id).first(connection).optional()?;
        Ok(first.is_none())
    }

    /// The products that go because they are not among those that are imported.
    fn list_leaving(connection: &mut Connection, imported: &[Product], absent: Absent) -> Unit<Vec<i64>> {
        let all = products::table.select((products::id, products::sku));
        let rows: Vec<(i64, String)> = match absent {
            Absent::Kept => all.filter(products::is_demo).load(connection)?,
            Absent::Removed => all.load(connection)?,
        };
        let staying: HashSet<&str> = imported.iter().map(|product| product.offer.sku.as_str()).collect();
        Ok(rows.into_iter().filter(|(_, sku)| !staying.contains(sku.as_str())).map(|(id, _)| id).collect())
    }

    /// Those of some products that are there, by their SKUs.
    fn list_stored(connection: &mut Connection, imported: &[Product]) -> Unit<HashMap<String, Stored>> {
        let rows: Vec<(ProductRow, OfferRow)> = products::table
            .filter(products::sku.eq_any(imported.iter().map(|product| product.offer.sku.as_str())))
            .select((ProductRow::as_select(), OfferRow::as_select()))
            .load(connection)?;
        let ids: Vec<i64> = rows.iter().map(|(row, _)| row.id).collect();
        let prices: Vec<(i64, PriceRow)> = product_prices::table
            .filter(product_prices::product_id.eq_any(&ids))
            .select((product_prices::product_id, PriceRow::as_select()))
            .load(connection)?;
        let names: Vec<(i64, (String, String))> = product_names::table
            .filter(product_names::product_id.eq_any(&ids))
            .select((product_names::product_id, (product_names::locale, product_names::name)))
            .load(connection)?;
        let (mut prices, mut names) = (by_product(prices), by_product(names));
        let mut stored = HashMap::with_capacity(rows.len());
        for row in rows {
            let (id, sku) = (row.0.id, row.1.sku.clone());
            let read = Stored::read(row, prices.remove(&id).unwrap_or_default(), names.remove(&id).unwrap_or_default());
            stored.insert(sku, read?);
        }
        Ok(stored)
    }

    /// Writes products, as many as one statement may name, in the place of those that are there.
    fn write_products(connection: &mut Connection, written: &[&Product], is_demo: bool, now: Timestamp) -> Unit<()> {
        if written.is_empty() {
            return Ok(());
        }
        let rows: Vec<_> = written
            .iter()
            .map(|product| {
                (
                    products::sku.eq(product.offer.sku.as_str()),
                    products::abstract_sku.eq(product.offer.abstract_sku.as_str()),
                    products::tax_rate.eq(i32::from(product.offer.tax_rate.hundredths())),
                    products::stock.eq(product.offer.stock.map(i64::from)),
                    products::image.eq(product.image.as_ref().map(ImageUrl::as_str)),
                    products::is_demo.eq(is_demo),
                    products::updated_at.eq(now.as_micros()),
                )
            })
            .collect();
        diesel::insert_into(products::table)
            .values(&rows)
            .on_conflict(products::sku)
            .do_update()
            .set((
                products::abstract_sku.eq(excluded(products::abstract_sku)),
                products::tax_rate.eq(excluded(products::tax_rate)),
                products::stock.eq(excluded(products::stock)),
                products::image.eq(excluded(products::image)),
                products::is_demo.eq(excluded(products::is_demo)),
                products::updated_at.eq(excluded(products::updated_at)),
            ))
            .execute(connection)?;
        let ids: Vec<(String, i64)> = products::table
            .filter(products::sku.eq_any(written.iter().map(|product| product.offer.sku.as_str())))
            .select((products::sku, products::id))
            .load(connection)?;
        replace_prices_and_names(connection, written, &ids.into_iter().collect())
    }

    /// Writes what belongs to products whose numbers are `ids`, in the place of what there is of them.
    fn replace_prices_and_names(
        connection: &mut Connection,
        written: &[&Product],
        ids: &HashMap<String, i64>,
    ) -> Unit<()> {
        let all: Vec<i64> = ids.values().copied().collect();
        diesel::delete(product_prices::table.filter(product_prices::product_id.eq_any(&all))).execute(connection)?;
        diesel::delete(product_names::table.filter(product_names::product_id.eq_any(&all))).execute(connection)?;
        let mut prices = Vec::new();
        let mut names = Vec::new();
        for product in written {
            let Some(&id) = ids.get(product.offer.sku.as_str()) else { continue };
            prices.extend(product.offer.prices.iter().map(|price| {
                (
                    product_prices::product_id.eq(id),
                    product_prices::currency.eq(price.currency.as_str()),
                    product_prices::gross.eq(price.gross.map(|UnitPrice(cents)| i64::from(cents))),
                    product_prices::net.eq(price.net.map(|UnitPrice(cents)| i64::from(cents))),
                )
            }));
            names.extend(product.names.iter().map(|(locale, name)| {
                (
                    product_names::product_id.eq(id),
                    product_names::locale.eq(locale.as_str()),
                    product_names::name.eq(name.as_str()),
                )
            }));
        }
        for chunk in prices.chunks(ROWS) {
            diesel::insert_into(product_prices::table).values(chunk).execute(connection)?;
        }
        for chunk in names.chunks(ROWS) {
            diesel::insert_into(product_names::table).values(chunk).execute(connection)?;
        }
        Ok(())
    }
}
