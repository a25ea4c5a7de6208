//! What happens after the answer: the outbox is worked off, and what has expired is cleaned up.
//!
//! A worker leases a batch of messages in one short unit of work, does the slow thing with no unit open, and finishes each
//! message on the condition that the lease is still its own. Any number of nodes may run workers.

mod backoff;
mod cleanup;
mod depth;
mod outbox;

use std::sync::Arc;

use application::Application;
use mailer::Mailer;
use serde::Deserialize;
use store::Store;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Section `[jobs]` of the configuration.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobSettings {
    /// Messages leased at once.
    pub batch: i64,
    /// Seconds a lease lasts; longer than the slowest delivery.
    pub lease_seconds: u64,
    /// Milliseconds between two looks at the outbox when nothing announces work.
    pub poll_milliseconds: u64,
    /// Attempts before a message is given up.
    pub max_attempts: i32,
    /// Seconds before the second attempt; doubles with each further one.
    pub first_retry_seconds: u64,
    /// Seconds between two attempts at most.
    pub max_retry_seconds: u64,
    /// Seconds between two clean-ups.
    pub cleanup_interval_seconds: u64,
}

impl JobSettings {
    /// Checks bounds.
    ///
    /// # Errors
    ///
    /// A sentence that names the key and what it may be.
    pub fn check(&self) -> Result<(), String> {
        let rules = [
            ((1..=1000).contains(&self.batch), "jobs.batch must be 1 to 1000"),
            ((10..=86_400).contains(&self.lease_seconds), "jobs.lease_seconds must be 10 to 86400"),
            ((10..=60_000).contains(&self.poll_milliseconds), "jobs.poll_milliseconds must be 10 to 60000"),
            ((1..=100).contains(&self.max_attempts), "jobs.max_attempts must be 1 to 100"),
            ((1..=86_400).contains(&self.first_retry_seconds), "jobs.first_retry_seconds must be 1 to 86400"),
            (
                (self.first_retry_seconds..=604_800).contains(&self.max_retry_seconds),
                "jobs.max_retry_seconds must be jobs.first_retry_seconds to a week",
            ),
            (
                (1..=604_800).contains(&self.cleanup_interval_seconds),
                "jobs.cleanup_interval_seconds must be 1 to a week",
            ),
        ];
        rules.into_iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, text)| Err(text.to_owned()))
    }
}

/// The background work of one node.
pub struct Jobs {
    cancellation: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

impl Jobs {
    /// Starts the workers on the current runtime.
    pub fn start(application: Application, store: Store, mailer: Arc<Mailer>, settings: JobSettings) -> Self {
        let cancellation = CancellationToken::new();
        let outbox = outbox::Worker::new(application.clone(), store.clone(), mailer, settings.clone());
        let depth = depth::run(application.clone(), store.clone(), cancellation.clone());
        let cleanup = cleanup::run(application, store, settings, cancellation.clone());
        let tasks = vec![tokio::spawn(outbox.run(cancellation.clone())), tokio::spawn(depth), tokio::spawn(cleanup)];
        Self { cancellation, tasks }
    }

    /// Lets each worker finish what it has in hand, then returns.
    pub async fn stop(self) {
        self.cancellation.cancel();
        for task in self.tasks {
            if task.await.is_err() {
                tracing::error!("a background task had panicked");
            }
        }
    }
}
