//! What can be bought: the products of the database, or those that another service knows.

mod demo;
mod service;

use domain::{Offer, Sku, Timestamp};
use serde::Deserialize;
use store::{Store, StoreError};

use self::service::Service;
use crate::Failure;

/// Section `[catalogue]` of the configuration.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CatalogueSettings {
    /// Where another service is asked for a product, with `{sku}` in the place of its identity. Empty: the products are those
    /// of the database.
    pub url: String,
    /// Milliseconds that service may take to answer.
    pub timeout_milliseconds: u64,
    /// Seconds that its answers are kept; 0 = they are not.
    pub cache_seconds: u64,
    /// Its answers that are kept at most.
    pub cache_entries: u64,
    /// Whether a database without products gets the built-in ones.
    pub demo: bool,
}

impl CatalogueSettings {
    /// Checks bounds.
    ///
    /// # Errors
    ///
    /// A sentence that names the key and what it may be.
    pub fn check(&self) -> Result<(), String> {
        const DAY: u64 = 86_400;
        let rules = [
            (
                self.url.is_empty() || service::fits(&self.url),
                "catalogue.url must be empty or begin with http:// or https:// and have {sku} in its path or query, once",
            ),
            ((10..=60_000).contains(&self.timeout_milliseconds), "catalogue.timeout_milliseconds must be 10 to 60000"),
            (self.cache_seconds <= DAY, "catalogue.cache_seconds must be at most a day"),
            ((1..=1_000_000).contains(&self.cache_entries), "catalogue.cache_entries must be 1 to 1000000"),
        ];
        rules.into_iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, text)| Err(text.to_owned()))
    }
}

/// The products that carts are filled with. A clone is the same catalogue.
///
/// Another service may take as long to answer as `catalogue.timeout_milliseconds` says: it is asked before a unit of work,
/// never within one.
#[derive(Clone)]
pub struct Catalogue {
    source: Source,
}

#[derive(Clone)]
enum Source {
    Database { store: Store, demo: bool },
    Service(Service),
}

impl Catalogue {
    /// The catalogue that the settings, which have been checked, speak of.
    pub fn new(store: Store, settings: &CatalogueSettings) -> Self {
        let source = if settings.url.is_empty() {
            Source::Database { store, demo: settings.demo }
        } else {
            Source::Service(Service::new(settings))
        };
        Self { source }
    }

    /// A product, if there is such a one.
    ///
    /// # Errors
    ///
    /// When nobody can tell at this moment.
    pub async fn find_offer(&self, sku: &Sku) -> Result<Option<Offer>, Failure> {
        match &self.source {
            Source::Database { store, .. } => Ok(store.find_offer(sku).await?),
            Source::Service(service) => service.find_offer(sku).await,
        }
    }

    /// Those of some products that there are, in no particular order.
    ///
    /// # Errors
    ///
    /// When nobody can tell at this moment.
    pub async fn find_offers(&self, skus: &[Sku]) -> Result<Vec<Offer>, Failure> {
        match &self.source {
            Source::Database { store, .. } => Ok(store.find_offers(skus.to_vec()).await?),
            Source::Service(service) => service.find_offers(skus).await,
        }
    }

    /// Fills a database without products with those of the demo catalogue, where the settings want that. How many were
    /// written. Safe on several nodes at once.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn insert_demo(&self, now: Timestamp) -> Result<usize, StoreError> {
        match &self.source {
            Source::Database { store, demo: true } => store.insert_demo_products(demo::products(), now).await,
            Source::Database { .. } | Source::Service(_) => Ok(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_have_bounds() {
        let settings = |url: &str| CatalogueSettings {
            url: url.to_owned(),
            timeout_milliseconds: 1000,
            cache_seconds: 60,
            cache_entries: 10_000,
            demo: true,
        };
        for url in [
            "",
            "http://127.0.0.1:8080/{sku}",
            "https://user:secret@products.example/offers/{sku}/now?store=DE",
            "https://products.example?sku={sku}",
        ] {
            assert_eq!(settings(url).check(), Ok(()), "{url}");
        }
        for url in [
            "products.example/{sku}",
            "ftp://products.example/{sku}",
            "https://products.example/",
            "https://products.example/{sku}/{sku}",
            "https://{sku}.example/",
            "https:///{sku}",
            "https://products.example/#{sku}",
            "https://products.example/a b/{sku}",
        ] {
            let problem = settings(url).check().unwrap_err();
            assert!(problem.starts_with("catalogue.url "), "{url}: {problem}");
        }
        for (named, wrong) in [
            ("timeout_milliseconds", CatalogueSettings { timeout_milliseconds: 9, ..settings("") }),
            ("timeout_milliseconds", CatalogueSettings { timeout_milliseconds: 60_001, ..settings("") }),
            ("cache_seconds", CatalogueSettings { cache_seconds: 86_401, ..settings("") }),
            ("cache_entries", CatalogueSettings { cache_entries: 0, ..settings("") }),
            ("cache_entries", CatalogueSettings { cache_entries: 1_000_001, ..settings("") }),
        ] {
            assert!(wrong.check().unwrap_err().starts_with(&format!("catalogue.{named} ")), "{named}");
        }
    }
}
