//! What a use case answers when it is not the caller's fault.

use store::StoreError;

use crate::HasherBusy;

/// A use case could not be carried out. Nothing was changed, and trying again is safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Too much at once, or the database cannot be reached: try again later (503).
    Busy {
        /// How long to wait, in seconds.
        retry_after_seconds: u64,
    },
    /// Something is broken; it has been logged (500).
    Internal,
}

impl From<HasherBusy> for Failure {
    fn from(_: HasherBusy) -> Self {
        tracing::warn!("the password hashing queue is full; raise passwords.queue or add a node");
        Self::Busy { retry_after_seconds: 2 }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Busy => {
                tracing::warn!("the database queue is full; raise database.queue or add a node");
                Self::Busy { retry_after_seconds: 1 }
            }
            StoreError::OutboxFull => {
                tracing::error!("the outbox is full; look at the mail transport or raise database.outbox_limit");
                Self::Busy { retry_after_seconds: 60 }
            }
            StoreError::Unavailable(_) => {
                tracing::error!(%error, "the database is unavailable");
                Self::Busy { retry_after_seconds: 5 }
            }
            StoreError::PendingMigrations(_)
            | StoreError::Corrupt { .. }
            | StoreError::Settings(_)
            | StoreError::Other(_) => {
                tracing::error!(%error, "a unit of work failed");
                Self::Internal
            }
        }
    }
}
