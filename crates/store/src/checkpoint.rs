//! Writing SQLite's log back into the file, beside the thread that commits.
//!
//! A checkpoint copies pages from the log to where they belong, all over the file, and waits for the disk. Done by whoever
//! commits, as SQLite does by itself, it holds up everybody who waits for the next commit. Here another thread keeps the log
//! nearly worked off, and what is left for SQLite's own checkpoint is little.

use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::{QueryResult, QueryableByName, RunQueryDsl, SqliteConnection};
use tokio::sync::oneshot;

use crate::StoreError;
use crate::pool::closed;

/// Units of work after which the log is worked off at once: some thousands of pages. Each time costs two waits for the disk.
const UNITS: usize = 2_048;

/// How long fewer units wait for it. Whoever reads looks into the log for each page as long as something is in it.
const DELAY: Duration = Duration::from_millis(200);

/// The thread that makes all checkpoints: SQLite refuses a second one at the same time. It ends when this is dropped.
pub(crate) struct Checkpoints(Arc<Shared>);

/// Tells that thread what was committed.
pub(crate) struct Commits(Arc<Shared>);

#[derive(Default)]
struct Shared {
    orders: Mutex<Orders>,
    changed: Condvar,
}

/// What the thread is to do.
#[derive(Default)]
struct Orders {
    /// Units of work that were committed and not looked at yet.
    units: usize,
    /// Who waits for the log to be emptied.
    waiting: Vec<oneshot::Sender<Result<(), StoreError>>>,
    is_closed: bool,
}

impl Orders {
    const fn is_none(&self) -> bool {
        self.units == 0 && !self.is_urgent()
    }

    const fn is_urgent(&self) -> bool {
        self.units >= UNITS || !self.waiting.is_empty() || self.is_closed
    }
}

impl Shared {
    fn orders(&self) -> MutexGuard<'_, Orders> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for orders, and takes them up.
    fn take(&self) -> Orders {
        let orders = self.changed.wait_while(self.orders(), |orders| orders.is_none());
        let orders = orders.unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(orders, DELAY, |orders| !orders.is_urgent());
        let (mut orders, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let is_closed = orders.is_closed;
        mem::replace(&mut *orders, Orders { is_closed, ..Orders::default() })
    }
}

impl Checkpoints {
    /// Starts the thread, with a connection of its own.
    pub(crate) fn start(mut connection: SqliteConnection) -> Result<Self, StoreError> {
        // Emptying the log waits for others that read, a backup for instance, and nobody writes meanwhile.
        connection.batch_execute("PRAGMA busy_timeout = 1000")?;
        let shared = Arc::new(Shared::default());
        let orders = Arc::clone(&shared);
        thread::Builder::new()
            .name("sqlite-checkpoint".to_owned())
            .spawn(move || run(connection, &orders))
            .map_err(|error| StoreError::Other(format!("the checkpoint thread could not be started: {error}")))?;
        Ok(Self(shared))
    }

    /// For the thread that commits.
    pub(crate) fn commits(&self) -> Commits {
        Commits(Arc::clone(&self.0))
    }

    /// Writes the log into the file and empties it. Waits a second for those who read, then [`StoreError::Busy`].
    pub(crate) async fn empty_log(&self) -> Result<(), StoreError> {
        let (reply, answer) = oneshot::channel();
        self.0.orders().waiting.push(reply);
        self.0.changed.notify_one();
        answer.await.unwrap_or_else(|_| Err(closed()))
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        self.0.orders().is_closed = true;
        self.0.changed.notify_one();
    }
}

impl Commits {
    /// So many units of work were committed.
    pub(crate) fn add(&self, units: usize) {
        let mut orders = self.0.orders();
        let before = orders.units;
        orders.units += units;
        if before == 0 || (before < UNITS && orders.units >= UNITS) {
            self.0.changed.notify_one();
        }
    }
}

fn run(mut connection: SqliteConnection, shared: &Shared) {
    loop {
        let orders = shared.take();
        if orders.waiting.is_empty() && orders.is_closed {
            return;
        }
        if orders.waiting.is_empty() {
            // Copies what can be copied without anybody waiting.
            if let Err(error) = connection.batch_execute("PRAGMA wal_checkpoint(PASSIVE)") {
                tracing::warn!(%error, "the write-ahead log was not worked off; a later commit does it");
            }
            continue;
        }
        let outcome = empty_log(&mut connection);
        for reply in orders.waiting {
            // Whoever asked may have gone.
            let _ = reply.send(outcome.clone());
        }
    }
}

fn empty_log(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let outcome: QueryResult<Outcome> = diesel::sql_query("PRAGMA wal_checkpoint(TRUNCATE)").get_result(connection);
    if outcome?.busy == 0 { Ok(()) } else { Err(StoreError::Busy) }
}

/// What `PRAGMA wal_checkpoint` answers.
#[derive(QueryableByName)]
struct Outcome {
    /// 1 where somebody still read what was to be overwritten.
    #[diesel(sql_type = diesel::sql_types::Integer)]
    busy: i32,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take_up(orders: Orders) -> (usize, usize, bool) {
        let shared = Shared { orders: Mutex::new(orders), changed: Condvar::new() };
        let taken = shared.take();
        let left = shared.orders();
        assert_eq!((left.units, left.waiting.len()), (0, 0), "nothing is done twice");
        (taken.units, taken.waiting.len(), taken.is_closed)
    }

    #[test]
    fn whatever_is_ordered_is_taken_up() {
        let (reply, _answer) = oneshot::channel();
        for (orders, expected) in [
            (Orders { units: 1, ..Orders::default() }, (1, 0, false)),
            (Orders { units: UNITS, ..Orders::default() }, (UNITS, 0, false)),
            (Orders { waiting: vec![reply], ..Orders::default() }, (0, 1, false)),
            (Orders { is_closed: true, ..Orders::default() }, (0, 0, true)),
        ] {
            assert_eq!(take_up(orders), expected);
        }
    }
}
