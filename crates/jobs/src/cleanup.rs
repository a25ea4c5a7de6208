//! Removes what has expired, a little at a time.

use std::time::Duration;

use application::Application;
use store::Store;
use tokio_util::sync::CancellationToken;

use crate::JobSettings;

/// Rows removed from each table in one unit of work, so that a clean-up never holds up registrations.
const BATCH: i64 = 500;
/// Carts removed in one unit of work; each can have hundreds of items.
const CARTS: i64 = 20;

pub(crate) async fn run(
    application: Application,
    store: Store,
    settings: JobSettings,
    cancellation: CancellationToken,
) {
    let mut interval = tokio::time::interval(Duration::from_secs(settings.cleanup_interval_seconds));
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = cancellation.cancelled() => return,
            _ = interval.tick() => {}
        }
        delete_expired_carts(&application, &store, &cancellation).await;
        while !cancellation.is_cancelled() {
            match store.delete_expired(application.clock().now(), BATCH).await {
                Ok(deleted) => {
                    let counts = [deleted.budgets, deleted.secrets, deleted.refresh_tokens];
                    if counts.iter().any(|count| *count > 0) {
                        tracing::info!(
                            budgets = deleted.budgets,
                            secrets = deleted.secrets,
                            refresh_tokens = deleted.refresh_tokens,
                            "expired rows removed"
                        );
                    }
                    let full = usize::try_from(BATCH).unwrap_or(usize::MAX);
                    if counts.iter().all(|count| *count < full) {
                        break;
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "expired rows could not be removed; the next clean-up tries again");
                    break;
                }
            }
        }
        if let Err(error) = store.empty_log().await {
            tracing::warn!(%error, "the database's log could not be emptied; the next clean-up tries again");
        }
    }
}

/// Removes the carts of guests that are gone.
async fn delete_expired_carts(application: &Application, store: &Store, cancellation: &CancellationToken) {
    let mut count = 0;
    while !cancellation.is_cancelled() {
        let rules = application.carts().rules(application.clock().now());
        match store.delete_expired_carts(rules, CARTS).await {
            Ok(0) => break,
            Ok(removed) => count += removed,
            Err(error) => {
                tracing::warn!(%error, "guests' carts could not be removed; the next clean-up tries again");
                break;
            }
        }
    }
    if count > 0 {
        tracing::info!(guest_carts = count, "expired guests' carts removed");
    }
}
