//! Products that another service knows, asked one by one over HTTP.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::{Offer, Sku};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use moka::Expiry;
use moka::future::Cache;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use thiserror::Error;
use tokio::sync::Semaphore;
use ureq::Agent;
use ureq::http::Uri;

use super::CatalogueSettings;
use crate::product_fields::{MAX_PRODUCT_BYTES, UnknownMembers, product_of_json};
use crate::{Failure, http_client};

/// What stands in the URL where the product's identity comes.
const PLACEHOLDER: &str = "{sku}";
/// How long it is remembered at most that there is no such product: one that is new is not to be missed for long.
const UNKNOWN_LIFETIME: Duration = Duration::from_secs(10);
/// Questions on their way at once. Each occupies a thread, and the database needs threads of the same kind.
const MAX_ASKS: usize = 32;
/// Questions of one caller at once.
const MAX_ASKS_OF_ONE: usize = 8;
/// When whoever got no answer may try again.
const RETRY_AFTER_SECONDS: u64 = 5;
/// Everything but what RFC 3986 calls unreserved.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The service. A clone is the same one, with the same memory.
#[derive(Clone)]
pub(super) struct Service {
    agent: Agent,
    url: Arc<str>,
    /// For the log. The URL itself may hold a password.
    host: Arc<str>,
    timeout: Duration,
    asks: Arc<Semaphore>,
    answers: Cache<Sku, Answer>,
}

/// What the service says of a product; `None`: there is no such one.
type Answer = Option<Arc<Offer>>;

/// Why there is no answer. The texts are for the operator, and quote nothing of what was received.
#[derive(Debug, Error)]
enum Silence {
    #[error("{MAX_ASKS} questions are on their way, and none was answered in time")]
    Overloaded,
    #[error("{0}")]
    Transport(#[from] ureq::Error),
    #[error("it answers with status {0}")]
    Status(u16),
    #[error("it answers with what is no product: {}", .0.join("; "))]
    Malformed(Vec<String>),
    #[error("the thread that asked it panicked")]
    Panicked,
}

/// Whether products can be asked for at that URL: http(s), with the placeholder once, behind the host.
pub(super) fn fits(url: &str) -> bool {
    const STAND_IN: &str = "7ab0";
    let is_http = url.starts_with("http://") || url.starts_with("https://");
    let behind_host = |uri: &Uri| uri.path_and_query().is_some_and(|path| path.as_str().contains(STAND_IN));
    let uri = url.replace(PLACEHOLDER, STAND_IN).parse::<Uri>();
    is_http
        && url.matches(PLACEHOLDER).count() == 1
        && uri.is_ok_and(|uri| uri.host().is_some_and(|host| !host.is_empty()) && behind_host(&uri))
}

impl Service {
    pub(super) fn new(settings: &CatalogueSettings) -> Self {
        let timeout = Duration::from_millis(settings.timeout_milliseconds);
        let config = http_client::configure(timeout)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_idle_connections(MAX_ASKS)
            .max_idle_connections_per_host(MAX_ASKS)
            .build();
        let uri = settings.url.replace(PLACEHOLDER, "").parse::<Uri>().unwrap_or_default();
        Self {
            agent: config.new_agent(),
            url: settings.url.as_str().into(),
            host: uri.host().unwrap_or_default().into(),
            timeout,
            asks: Arc::new(Semaphore::new(MAX_ASKS)),
            answers: Cache::builder()
                .max_capacity(settings.cache_entries)
                .expire_after(Lifetimes::new(settings.cache_seconds))
                .build(),
        }
    }

    /// A product as it is remembered, or as the service knows it. Who asks for one while it is asked for gets the same
    /// answer.
    pub(super) async fn find_offer(&self, sku: &Sku) -> Result<Option<Offer>, Failure> {
        if [".", ".."].contains(&sku.as_str()) {
            // In a path they would name another place, encoded or not.
            return Ok(None);
        }
        let answer = self.answers.try_get_with_by_ref(sku, self.ask(sku)).await;
        answer.map(|offer| offer.as_deref().cloned()).map_err(|failure| *failure)
    }

    /// Those of some products that the service knows.
    pub(super) async fn find_offers(&self, skus: &[Sku]) -> Result<Vec<Offer>, Failure> {
        let distinct: BTreeSet<&Sku> = skus.iter().collect();
        let offers = stream::iter(distinct).map(|sku| self.find_offer(sku)).buffer_unordered(MAX_ASKS_OF_ONE);
        let offers: Vec<Option<Offer>> = offers.try_collect().await?;
        Ok(offers.into_iter().flatten().collect())
    }

    async fn ask(&self, sku: &Sku) -> Result<Answer, Failure> {
        let begun = Instant::now();
        let answer = self.ask_in_time(sku, begun).await;
        let outcome = match &answer {
            Ok(Some(_)) => "known",
            Ok(None) => "unknown",
            Err(_) => "failed",
        };
        metrics::histogram!("vestibule_catalogue_ask_seconds", "outcome" => outcome).record(begun.elapsed());
        answer.map_err(|silence| {
            tracing::warn!(host = %self.host, %sku, problem = %silence, "the catalogue's service is of no help; look at it or at catalogue.url");
            Failure::Busy { retry_after_seconds: RETRY_AFTER_SECONDS }
        })
    }

    async fn ask_in_time(&self, sku: &Sku, begun: Instant) -> Result<Answer, Silence> {
        let permit = Arc::clone(&self.asks).acquire_owned();
        let permit = tokio::time::timeout(self.timeout, permit).await.ok().and_then(Result::ok);
        let permit = permit.ok_or(Silence::Overloaded)?;
        let left = self.timeout.saturating_sub(begun.elapsed());
        let (service, sku) = (self.clone(), sku.clone());
        let answer = tokio::task::spawn_blocking(move || {
            let _until_then = permit;
            service.ask_now(&sku, left)
        });
        answer.await.unwrap_or(Err(Silence::Panicked))
    }

    fn ask_now(&self, sku: &Sku, timeout: Duration) -> Result<Answer, Silence> {
        let encoded = utf8_percent_encode(sku.as_str(), ENCODED).to_string();
        let request = self.agent.get(self.url.replace(PLACEHOLDER, &encoded)).header("Accept", "application/json");
        let mut response = request.config().timeout_global(Some(timeout)).build().call()?;
        match response.status().as_u16() {
            200 => {
                let body = response.body_mut().with_config().limit(MAX_PRODUCT_BYTES).read_to_vec()?;
                let product = product_of_json(&body, UnknownMembers::PassedOver).map_err(Silence::Malformed)?;
                // A service that takes other spellings has no product of this one.
                Ok((product.offer.sku == *sku).then(|| Arc::new(product.offer)))
            }
            404 => Ok(None),
            status => Err(Silence::Status(status)),
        }
    }
}

/// How long answers are kept.
struct Lifetimes {
    known: Duration,
    unknown: Duration,
}

impl Lifetimes {
    fn new(cache_seconds: u64) -> Self {
        let known = Duration::from_secs(cache_seconds);
        Self { known, unknown: known.min(UNKNOWN_LIFETIME) }
    }

    const fn of(&self, answer: &Answer) -> Duration {
        if answer.is_some() { self.known } else { self.unknown }
    }
}

impl Expiry<Sku, Answer> for Lifetimes {
    fn expire_after_create(&self, _: &Sku, answer: &Answer, _: Instant) -> Option<Duration> {
        Some(self.of(answer))
    }

    fn expire_after_update(&self, _: &Sku, answer: &Answer, _: Instant, _: Option<Duration>) -> Option<Duration> {
        Some(self.of(answer))
    }
}

#[cfg(test)]
mod tests;
