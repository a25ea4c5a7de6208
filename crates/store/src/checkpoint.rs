//! Writing SQLite's log back into the file, beside the thread that writes.
//!
//! A checkpoint copies pages from the log to where they belong, all over the file, and waits for the disk. Done by whoever
//! commits, as SQLite does by itself, it holds up everybody who waits for the next commit. Here another thread keeps the log
//! nearly worked off, and what is left for SQLite's own checkpoint is little.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use diesel::connection::SimpleConnection;
use diesel::{QueryResult, QueryableByName, RunQueryDsl, SqliteConnection};
use tokio::sync::oneshot;

use crate::StoreError;
use crate::pool::closed;

/// Units of work after which the log is worth working off: about a thousand pages.
const UNITS: usize = 256;

/// Orders checkpoints from the one thread that makes them: SQLite refuses a second one at the same time.
#[derive(Clone)]
pub(crate) struct Checkpoints {
    orders: Sender<Order>,
    /// Whether there is an order that the thread has not taken up yet.
    is_asked: Arc<AtomicBool>,
}

enum Order {
    /// As much as can be copied without anybody waiting.
    Some,
    /// All, and then the log is emptied.
    All(oneshot::Sender<Result<(), StoreError>>),
}

impl Checkpoints {
    /// Starts the thread, which ends when nobody can ask it any more.
    pub(crate) fn start(connection: SqliteConnection) -> Result<Self, StoreError> {
        let (orders, receiver) = channel();
        let is_asked = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&is_asked);
        thread::Builder::new()
            .name("sqlite-checkpoint".to_owned())
            .spawn(move || run(connection, &receiver, &asked))
            .map_err(|error| StoreError::Other(format!("the checkpoint thread could not be started: {error}")))?;
        Ok(Self { orders, is_asked })
    }

    /// Has the log worked off some time soon.
    fn ask(&self) {
        if !self.is_asked.swap(true, Ordering::Relaxed) {
            // Where the thread is gone, SQLite's own checkpoints do.
            let _ = self.orders.send(Order::Some);
        }
    }

    /// Writes the log into the file and empties it. Waits as long as any writer for those who read.
    pub(crate) async fn empty_log(&self) -> Result<(), StoreError> {
        let (reply, answer) = oneshot::channel();
        self.orders.send(Order::All(reply)).map_err(|_| closed())?;
        answer.await.unwrap_or_else(|_| Err(closed()))
    }
}

/// Counts units of work, for the thread that commits them.
pub(crate) struct CommitCounter {
    checkpoints: Checkpoints,
    units: usize,
}

impl CommitCounter {
    pub(crate) const fn new(checkpoints: Checkpoints) -> Self {
        Self { checkpoints, units: 0 }
    }

    /// So many were committed.
    pub(crate) fn add(&mut self, units: usize) {
        self.units += units;
        if self.units >= UNITS {
            self.units = 0;
            self.checkpoints.ask();
        }
    }
}

fn run(mut connection: SqliteConnection, orders: &Receiver<Order>, is_asked: &AtomicBool) {
    while let Ok(order) = orders.recv() {
        match order {
            Order::Some => {
                is_asked.store(false, Ordering::Relaxed);
                if let Err(error) = connection.batch_execute("PRAGMA wal_checkpoint(PASSIVE)") {
                    tracing::warn!(%error, "the write-ahead log was not worked off; a later commit does it");
                }
            }
            Order::All(reply) => {
                // Whoever asked may have gone.
                let _ = reply.send(empty_log(&mut connection));
            }
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
