//! SQLite: one thread that writes and commits in groups, and a pool of connections that read.
//!
//! SQLite lets one connection write at a time, and a durable commit costs a flush of the disk whether it holds one
//! unit of work or many. Therefore one thread takes what is waiting, up to [`BATCH`] units, and commits it together.
//! It never waits for a batch to fill: while one is flushed the next one gathers by itself.

use std::fs::{self, OpenOptions};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread;

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::r2d2::CustomizeConnection;
use diesel::{Connection, QueryResult, RunQueryDsl, SqliteConnection, declare_sql_function};
use tokio::runtime::Handle;
use tokio::sync::{oneshot, watch};

use crate::checkpoint::{Checkpoints, Commits};
use crate::error::{Rollback, Unit, one_line};
use crate::planned::planned;
use crate::pool::{BoundedPool, Bounds, closed, connect, show_queue};
use crate::{StoreError, StoreSettings};

/// Units of work committed together at most.
const BATCH: usize = 64;

/// For the connection that writes. `synchronous = FULL` flushes the log at each commit: what was answered survives a
/// power cut. What the caches do not hold is read where the system has it in memory (`mmap_size`, in bytes), without a
/// copy. `secure_delete` overwrites what is deleted: of a customer who has left nothing may stay in the file. The log
/// beside it keeps older pages until [`Sqlite::empty_log`]. Checkpoints are made beside this connection; at 32 MiB it makes
/// one itself, so that the log begins anew however much is written.
const WRITER_PRAGMAS: &str = "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
    PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON; PRAGMA cache_size = -2000; PRAGMA mmap_size = 268435456; \
    PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = 8192; PRAGMA journal_size_limit = 67108864;";

const READER_PRAGMAS: &str = "PRAGMA busy_timeout = 5000; PRAGMA query_only = ON; PRAGMA cache_size = -1000; \
    PRAGMA mmap_size = 268435456; PRAGMA temp_store = MEMORY;";

pub(crate) struct Sqlite {
    /// Taken away when the store is closed; the thread ends when it has worked off what is left.
    units: RwLock<Option<SyncSender<Box<dyn QueuedUnit>>>>,
    waiting: Arc<AtomicUsize>,
    finished: watch::Receiver<bool>,
    readers: BoundedPool<SqliteConnection>,
    checkpoints: Checkpoints,
    path: String,
}

impl Sqlite {
    pub(crate) fn open(path: &Path, settings: &StoreSettings, runtime: Handle) -> Result<Self, StoreError> {
        create_file(path).map_err(|error| StoreError::Unavailable(format!("{}: {error}", path.display())))?;
        let path = path
            .to_str()
            .ok_or_else(|| StoreError::Settings("database.url must be a path in UTF-8".to_owned()))?
            .to_owned();
        let connection = connect_writer(&path)?;
        let checkpoints = Checkpoints::start(connect_writer(&path)?)?;
        let (sender, receiver) = sync_channel(settings.queue);
        let (finished_sender, finished) = watch::channel(false);
        let waiting = Arc::new(AtomicUsize::new(0));
        let writer = Writer {
            path: path.clone(),
            connection: Some(connection),
            units: receiver,
            waiting: Arc::clone(&waiting),
            commits: checkpoints.commits(),
        };
        thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || {
                writer.run();
                finished_sender.send_replace(true);
            })
            .map_err(|error| StoreError::Other(format!("the writer thread could not be started: {error}")))?;
        let bounds = Bounds { size: settings.readers, queue: settings.queue, wait: settings.wait() };
        let readers = BoundedPool::new(&path, Box::new(PrepareReader), &bounds, runtime);
        Ok(Self { units: RwLock::new(Some(sender)), waiting, finished, readers, checkpoints, path })
    }

    /// Where the file is.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut SqliteConnection) -> Unit<T> + Send + 'static,
    ) -> Unit<T> {
        self.readers.run(move |connections| work(&mut *connect(connections)?)).await
    }

    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl Fn(&mut SqliteConnection) -> Unit<T> + Send + 'static,
    ) -> Unit<T> {
        let (reply, answer) = oneshot::channel();
        self.queue(Box::new(Waiting { work, outcome: None, reply }))?;
        // The thread answers everyone; it would have to be killed not to.
        answer.await.unwrap_or_else(|_| Err(closed().into()))
    }

    fn queue(&self, unit: Box<dyn QueuedUnit>) -> Result<(), StoreError> {
        let units = self.units.read().unwrap_or_else(PoisonError::into_inner);
        let sender = units.as_ref().ok_or_else(closed)?;
        self.waiting.fetch_add(1, Ordering::Relaxed);
        sender.try_send(unit).map_err(|error| {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            match error {
                TrySendError::Full(_) => StoreError::Busy,
                TrySendError::Disconnected(_) => closed(),
            }
        })
    }

    /// Writes the log into the file and empties it.
    pub(crate) async fn empty_log(&self) -> Result<(), StoreError> {
        self.checkpoints.empty_log().await
    }

    pub(crate) async fn close(&self) {
        self.units.write().unwrap_or_else(PoisonError::into_inner).take();
        // An error means that the thread is gone, which is as good.
        let _ = self.finished.clone().wait_for(|finished| *finished).await;
        self.readers.close().await;
        // SQLite does this when the last connection is closed, but the pool may still hold some when the process ends.
        if let Err(error) = self.empty_log().await {
            tracing::warn!(%error, "the write-ahead log was not emptied; the next start works it off");
        }
    }
}

/// Makes the folder and the file, readable by their owner alone: SQLite gives its log the same permissions.
fn create_file(path: &Path) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(|_| ())
}

/// A connection that may write. The caller sees to it that there is one at a time.
pub(crate) fn connect_writer(path: &str) -> Result<SqliteConnection, StoreError> {
    let mut connection =
        SqliteConnection::establish(path).map_err(|error| StoreError::Unavailable(one_line(&error.to_string())))?;
    connection.batch_execute(WRITER_PRAGMAS)?;
    Ok(connection)
}

#[derive(Debug)]
struct PrepareReader;

impl CustomizeConnection<SqliteConnection, diesel::r2d2::Error> for PrepareReader {
    fn on_acquire(&self, connection: &mut SqliteConnection) -> Result<(), diesel::r2d2::Error> {
        connection.batch_execute(READER_PRAGMAS).map_err(diesel::r2d2::Error::QueryError)
    }
}

/// A unit of work whose result type the thread need not know.
trait QueuedUnit: Send {
    /// Does the work, again if it was undone, and tells what came of it.
    fn run(&mut self, connection: &mut SqliteConnection) -> Ran;

    /// Tells whoever waits what came of it. `lost` is why the whole batch was not committed.
    fn answer(self: Box<Self>, lost: Option<&StoreError>);
}

/// What came of a unit's work.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ran {
    /// It is to be kept.
    Done,
    /// The unit itself decided against it.
    Refused,
    /// A statement failed, or the unit panicked.
    Failed,
}

struct Waiting<T, F> {
    work: F,
    outcome: Option<Unit<T>>,
    reply: oneshot::Sender<Unit<T>>,
}

impl<T, F> QueuedUnit for Waiting<T, F>
where
    T: Send,
    F: Fn(&mut SqliteConnection) -> Unit<T> + Send,
{
    fn run(&mut self, connection: &mut SqliteConnection) -> Ran {
        // Nothing of the unit is looked at after a panic: what it wrote is undone.
        let outcome = catch_unwind(AssertUnwindSafe(|| (self.work)(connection)))
            .unwrap_or_else(|_| Err(StoreError::Other("a unit of work panicked".to_owned()).into()));
        let ran = match &outcome {
            Ok(_) => Ran::Done,
            Err(Rollback::Refused) => Ran::Refused,
            Err(Rollback::Database(_) | Rollback::Store(_)) => Ran::Failed,
        };
        self.outcome = Some(outcome);
        ran
    }

    fn answer(self: Box<Self>, lost: Option<&StoreError>) {
        let Self { outcome, reply, .. } = *self;
        let answer = match (lost, outcome) {
            (None, Some(outcome)) => outcome,
            (Some(error), _) => Err(error.clone().into()),
            (None, None) => Err(closed().into()),
        };
        // Whoever asked may have gone; the unit is committed all the same.
        let _ = reply.send(answer);
    }
}

struct Writer {
    path: String,
    connection: Option<SqliteConnection>,
    units: Receiver<Box<dyn QueuedUnit>>,
    waiting: Arc<AtomicUsize>,
    commits: Commits,
}

impl Writer {
    fn run(mut self) {
        let mut batch = Vec::with_capacity(BATCH);
        while let Ok(first) = self.units.recv() {
            batch.push(first);
            batch.extend(self.units.try_iter().take(BATCH - 1));
            show_queue(self.waiting.fetch_sub(batch.len(), Ordering::Relaxed).saturating_sub(batch.len()));
            let committed = self.commit(&mut batch);
            self.commits.add(batch.len());
            let lost = committed.as_ref().err();
            if let Some(error) = lost {
                tracing::error!(%error, units = batch.len(), "a batch of units of work was not committed");
                // Whatever state it is in, the next batch begins with a new one.
                self.connection = None;
            }
            for unit in batch.drain(..) {
                unit.answer(lost);
            }
        }
    }

    fn commit(&mut self, batch: &mut [Box<dyn QueuedUnit>]) -> Result<(), StoreError> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(connect_writer(&self.path)?),
        };
        run_batch(connection, batch).map_err(|error| match StoreError::from(error) {
            StoreError::Other(text) => StoreError::Unavailable(text),
            error => error,
        })
    }
}

/// One transaction around all. Most units are kept, and many of the others refuse before they write anything: neither
/// needs a savepoint, which costs as much as two statements and a copy of every page that the unit changes. Where there
/// is something to undo, everything is, and done once more with savepoints.
fn run_batch(connection: &mut SqliteConnection, batch: &mut [Box<dyn QueuedUnit>]) -> QueryResult<()> {
    AnsiTransactionManager::begin_transaction_sql(connection, "BEGIN IMMEDIATE")?;
    for unit in &mut *batch {
        let before = count_changes(connection)?;
        let untouched = match unit.run(connection) {
            Ran::Done => true,
            Ran::Refused => count_changes(connection)? == before,
            // SQLite may have rolled the transaction back by itself.
            Ran::Failed => false,
        };
        if !untouched {
            AnsiTransactionManager::rollback_transaction(connection)?;
            return run_batch_with_savepoints(connection, batch);
        }
    }
    AnsiTransactionManager::commit_transaction(connection)
}

/// How many rows this connection has written so far, by foreign keys too.
fn count_changes(connection: &mut SqliteConnection) -> QueryResult<i64> {
    planned!(diesel::select(total_changes())).get_result(connection)
}

/// One transaction around all, a savepoint around each. An error is about the batch: SQLite rolls the whole
/// transaction back by itself on a full disk and the like, which shows in that the savepoint is gone.
fn run_batch_with_savepoints(connection: &mut SqliteConnection, batch: &mut [Box<dyn QueuedUnit>]) -> QueryResult<()> {
    AnsiTransactionManager::begin_transaction_sql(connection, "BEGIN IMMEDIATE")?;
    for unit in batch {
        planned!(Savepoint::Begin).execute(connection)?;
        if unit.run(connection) != Ran::Done {
            planned!(Savepoint::RollBack).execute(connection)?;
        }
        planned!(Savepoint::Release).execute(connection)?;
    }
    AnsiTransactionManager::commit_transaction(connection)
}

#[declare_sql_function]
extern "SQL" {
    /// Rows that were inserted, changed or deleted since the connection was opened.
    fn total_changes() -> BigInt;
}

/// The savepoint around a unit of work. Planned once, because each unit needs two of these statements.
enum Savepoint {
    Begin,
    RollBack,
    Release,
}

impl QueryFragment<diesel::sqlite::Sqlite> for Savepoint {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, diesel::sqlite::Sqlite>) -> QueryResult<()> {
        out.push_sql(match self {
            Self::Begin => "SAVEPOINT unit",
            Self::RollBack => "ROLLBACK TO unit",
            Self::Release => "RELEASE unit",
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use diesel::prelude::*;
    use diesel::sql_query;
    use tempfile::TempDir;

    use super::*;
    use crate::error::Rollback;

    diesel::table! {
        notes (text) {
            text -> Text,
        }
    }

    struct Fixture {
        store: Arc<Sqlite>,
        _folder: TempDir,
    }

    impl Fixture {
        fn open(queue: usize) -> Self {
            let folder = TempDir::new().unwrap();
            let path = folder.path().join("test.db");
            let settings = StoreSettings {
                url: String::new(),
                readers: 1,
                connections: 1,
                queue,
                wait_milliseconds: 1000,
                statement_timeout_milliseconds: 1000,
                outbox_limit: 1,
            };
            let store = Sqlite::open(&path, &settings, Handle::current()).unwrap();
            let mut connection = connect_writer(store.path()).unwrap();
            connection.batch_execute("CREATE TABLE notes (text TEXT NOT NULL UNIQUE)").unwrap();
            Self { store: Arc::new(store), _folder: folder }
        }

        /// Keeps the thread busy until the sender is dropped, so that what is queued meanwhile makes one batch.
        async fn hold(&self) -> mpsc::Sender<()> {
            let (sender, receiver) = mpsc::channel::<()>();
            let (begun, mut beginning) = tokio::sync::mpsc::unbounded_channel();
            let store = Arc::clone(&self.store);
            tokio::spawn(async move {
                store
                    .write(move |_| {
                        begun.send(()).unwrap();
                        let _ = receiver.recv();
                        Ok(())
                    })
                    .await
            });
            beginning.recv().await.unwrap();
            sender
        }

        /// Runs one unit for each statement, all in one batch, in this order.
        async fn batch(&self, statements: &[&'static str]) -> Vec<Result<usize, StoreError>> {
            let hold = self.hold().await;
            let mut answers = Vec::new();
            for &statement in statements {
                let (reply, answer) = oneshot::channel();
                let work = move |connection: &mut SqliteConnection| -> Unit<usize> {
                    assert!(statement != PANIC, "as asked");
                    let mut rows = 0;
                    for part in statement.split(';') {
                        if part == REFUSE {
                            return Err(Rollback::Refused);
                        }
                        rows = sql_query(part).execute(connection)?;
                    }
                    Ok(rows)
                };
                self.store.queue(Box::new(Waiting { work, outcome: None, reply })).unwrap();
                answers.push(answer);
            }
            drop(hold);
            let mut outcomes = Vec::new();
            for answer in answers {
                outcomes.push(answer.await.unwrap().map_err(StoreError::from));
            }
            outcomes
        }

        async fn notes(&self) -> i64 {
            self.store.read(|connection| Ok(notes::table.count().get_result(connection)?)).await.unwrap()
        }
    }

    const PANIC: &str = "";
    const REFUSE: &str = " refuse";

    fn is_unavailable(outcome: &Result<usize, StoreError>) -> bool {
        matches!(outcome, Err(StoreError::Unavailable(_)))
    }

    #[tokio::test]
    async fn a_failing_unit_in_a_batch_fails_alone() {
        let fixture = Fixture::open(100);
        let outcomes = fixture
            .batch(&[
                "INSERT INTO notes VALUES ('a')",
                "INSERT INTO nowhere VALUES ('b')",
                "INSERT INTO notes VALUES ('a')",
                "INSERT INTO notes VALUES ('c'); INSERT INTO notes VALUES ('a')",
                PANIC,
                "INSERT INTO notes VALUES ('d')",
            ])
            .await;
        let done: Vec<bool> = outcomes.iter().map(Result::is_ok).collect();
        assert_eq!(done, [true, false, false, false, false, true], "{outcomes:?}");
        assert_eq!(outcomes[4], Err(StoreError::Other("a unit of work panicked".to_owned())));
        assert_eq!(fixture.notes().await, 2);
    }

    #[tokio::test]
    async fn what_a_unit_wrote_before_it_refused_is_undone_and_nothing_else() {
        let fixture = Fixture::open(100);
        for refuses in ["UPDATE notes SET text = 'x' WHERE text = 'nothing'; refuse", "DELETE FROM notes; refuse"] {
            let outcomes =
                fixture.batch(&["INSERT INTO notes VALUES ('a')", refuses, "INSERT INTO notes VALUES ('b')"]).await;
            let done: Vec<bool> = outcomes.iter().map(Result::is_ok).collect();
            assert_eq!((done, fixture.notes().await), (vec![true, false, true], 2), "{refuses}");
            assert_eq!(fixture.batch(&["DELETE FROM notes"]).await, [Ok(2)]);
        }
    }

    #[tokio::test]
    async fn a_secret_that_is_twice_in_a_batch_is_consumed_once() {
        let fixture = Fixture::open(100);
        fixture.batch(&["INSERT INTO notes VALUES ('secret')"]).await;
        let consume = "DELETE FROM notes WHERE text = 'secret'";
        let outcomes = fixture.batch(&[consume, consume, consume]).await;
        assert_eq!(outcomes, [Ok(1), Ok(0), Ok(0)]);
    }

    #[tokio::test]
    async fn where_sqlite_rolls_back_by_itself_the_whole_batch_fails_and_the_next_does_not() {
        let fixture = Fixture::open(100);
        let outcomes = fixture
            .batch(&[
                "INSERT INTO notes VALUES ('a')",
                "INSERT OR ROLLBACK INTO notes VALUES ('a')",
                "INSERT INTO notes VALUES ('b')",
            ])
            .await;
        assert!(outcomes.iter().all(is_unavailable), "{outcomes:?}");
        assert_eq!(fixture.notes().await, 0);
        assert_eq!(fixture.batch(&["INSERT INTO notes VALUES ('c')"]).await, [Ok(1)]);
        assert_eq!(fixture.notes().await, 1);
    }

    #[tokio::test]
    async fn a_full_disk_is_unavailable_until_there_is_room() {
        let fixture = Fixture::open(100);
        let big = "INSERT INTO notes VALUES (hex(randomblob(1000000)))";
        assert_eq!(fixture.batch(&["PRAGMA max_page_count = 20"]).await.len(), 1);
        let outcomes = fixture.batch(&[big, big]).await;
        assert!(outcomes.iter().all(is_unavailable), "{outcomes:?}");
        assert_eq!(fixture.notes().await, 0);
        fixture.batch(&["PRAGMA max_page_count = 1000000"]).await;
        assert_eq!(fixture.batch(&[big]).await, [Ok(1)]);
        assert_eq!(fixture.notes().await, 1);
    }

    #[tokio::test]
    async fn when_the_commit_fails_everybody_is_told() {
        let fixture = Fixture::open(100);
        fixture
            .batch(&[
                "CREATE TABLE parents (id INTEGER PRIMARY KEY)",
                "CREATE TABLE children (parent REFERENCES parents (id) DEFERRABLE INITIALLY DEFERRED)",
            ])
            .await;
        let outcomes = fixture.batch(&["INSERT INTO notes VALUES ('a')", "INSERT INTO children VALUES (1)"]).await;
        assert!(outcomes.iter().all(is_unavailable), "{outcomes:?}");
        assert_eq!(fixture.notes().await, 0);
        assert_eq!(fixture.batch(&["INSERT INTO notes VALUES ('b')"]).await, [Ok(1)]);
    }

    #[tokio::test]
    async fn a_full_queue_is_busy_at_once() {
        let fixture = Fixture::open(2);
        let hold = fixture.hold().await;
        let mut answers = Vec::new();
        for _ in 0..2 {
            let (reply, answer) = oneshot::channel();
            let work = |_: &mut SqliteConnection| -> Unit<()> { Ok(()) };
            fixture.store.queue(Box::new(Waiting { work, outcome: None, reply })).unwrap();
            answers.push(answer);
        }
        let refused = fixture.store.write(|_| Ok(())).await;
        assert!(matches!(refused, Err(Rollback::Store(StoreError::Busy))));
        drop(hold);
        for answer in answers {
            answer.await.unwrap().unwrap();
        }
        fixture.store.write(|_| Ok(())).await.unwrap();
    }

    #[tokio::test]
    async fn what_is_committed_comes_into_the_file_by_itself() {
        let fixture = Fixture::open(100);
        fixture.batch(&["INSERT INTO notes VALUES ('worked off')"]).await;
        let is_in_file = || fs::read(fixture.store.path()).unwrap().windows(10).any(|bytes| bytes == b"worked off");
        assert!(!is_in_file(), "a commit writes the log");
        for _ in 0..500 {
            if is_in_file() {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        panic!("it stayed in the log");
    }

    #[tokio::test]
    async fn a_checkpoint_leaves_nothing_in_the_log() {
        let fixture = Fixture::open(100);
        let log = format!("{}-wal", fixture.store.path());
        fixture.batch(&["INSERT INTO notes VALUES ('a')"]).await;
        // A connection that stays open, as the pool's may when the process ends.
        fixture.notes().await;
        assert_ne!(fs::metadata(&log).unwrap().len(), 0);
        fixture.store.empty_log().await.unwrap();
        assert_eq!(fs::metadata(&log).unwrap().len(), 0);
        fixture.batch(&["DELETE FROM notes"]).await;
        assert_ne!(fs::metadata(&log).unwrap().len(), 0);
        fixture.store.close().await;
        assert!(fs::metadata(&log).map_or(0, |log| log.len()) == 0);
    }

    #[tokio::test]
    async fn whoever_reads_for_long_keeps_the_log() {
        let fixture = Fixture::open(100);
        let mut backup = connect_writer(fixture.store.path()).unwrap();
        fixture.batch(&["INSERT INTO notes VALUES ('a')"]).await;
        backup.batch_execute("BEGIN; SELECT * FROM notes").unwrap();
        fixture.batch(&["INSERT INTO notes VALUES ('b')"]).await;
        assert_eq!(fixture.store.empty_log().await, Err(StoreError::Busy));
        assert_eq!(fixture.batch(&["INSERT INTO notes VALUES ('c')"]).await, [Ok(1)]);
        drop(backup);
        fixture.store.empty_log().await.unwrap();
    }

    #[tokio::test]
    async fn readers_cannot_write() {
        let fixture = Fixture::open(100);
        let outcome =
            fixture.store.read(|connection| Ok(sql_query("INSERT INTO notes VALUES ('a')").execute(connection)?)).await;
        assert!(outcome.is_err());
    }
}
