//! Whether this node can do its work.

use crate::Application;

/// What a load balancer and an operator want to know.
pub struct Readiness {
    /// Whether the database answers; else what to look at.
    pub database: Result<(), String>,
    /// Migrations that have not been applied.
    pub pending_migrations: Vec<String>,
    /// The outbox, when the database answers.
    pub outbox: Option<OutboxReadiness>,
}

/// How far the outbox is behind.
#[derive(Clone, Copy, Debug)]
pub struct OutboxReadiness {
    /// Messages that wait.
    pub queued: i64,
    /// Messages that were given up.
    pub dead: i64,
    /// How long the oldest message has been due, in seconds; 0 when none is.
    pub oldest_due_seconds: i64,
}

impl Readiness {
    /// Whether requests should be sent here.
    pub fn is_ready(&self) -> bool {
        self.database.is_ok() && self.pending_migrations.is_empty()
    }
}

impl Application {
    /// Asks the database how things are.
    pub async fn readiness(&self) -> Readiness {
        if let Err(error) = self.store().ping().await {
            return Readiness { database: Err(error.to_string()), pending_migrations: Vec::new(), outbox: None };
        }
        let pending_migrations = match self.store().pending_migrations().await {
            Ok(pending) => pending,
            Err(error) => {
                return Readiness { database: Err(error.to_string()), pending_migrations: Vec::new(), outbox: None };
            }
        };
        let outbox = self.store().outbox_status(self.clock().now()).await.ok().map(|status| OutboxReadiness {
            queued: status.queued,
            dead: status.dead,
            oldest_due_seconds: status.oldest_due_seconds,
        });
        Readiness { database: Ok(()), pending_migrations, outbox }
    }
}
