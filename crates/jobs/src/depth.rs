//! Tells the metrics how far the outbox is behind.

use std::time::Duration;

use application::Application;
use metrics::gauge;
use store::Store;
use tokio_util::sync::CancellationToken;

/// Between two looks; no shorter than Prometheus usually asks.
const INTERVAL: Duration = Duration::from_secs(10);

pub(crate) async fn run(application: Application, store: Store, cancellation: CancellationToken) {
    let mut interval = tokio::time::interval(INTERVAL);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = cancellation.cancelled() => return,
            _ = interval.tick() => {}
        }
        // What a look cannot find out the last one has told; the health of the database is told elsewhere.
        let Ok(status) = store.outbox_status(application.clock().now()).await else { continue };
        for (state, count) in [("queued", status.queued), ("dead", status.dead)] {
            gauge!("vestibule_outbox_messages", "state" => state).set(u32::try_from(count).unwrap_or(u32::MAX));
        }
        let behind = u32::try_from(status.oldest_due_seconds).unwrap_or(u32::MAX);
        gauge!("vestibule_outbox_oldest_due_seconds").set(behind);
    }
}
