//! PostgreSQL: a pool of connections, and units of work that are run again where that is what a conflict asks for.

use std::thread;
use std::time::Duration;

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::r2d2::{CustomizeConnection, R2D2Connection};
use diesel::{Connection, PgConnection};
use domain::{Randomness, SystemRandomness};
use tokio::runtime::Handle;

use crate::error::{Rollback, Unit, one_line};
use crate::pool::{BoundedPool, Bounds, Pool, Pooled, connect};
use crate::{StoreError, StoreSettings};

/// How often a unit is tried that meets others.
const TRIES: u32 = 5;

pub(crate) struct Postgres {
    pool: BoundedPool<PgConnection>,
    url: String,
}

impl Postgres {
    pub(crate) fn open(settings: &StoreSettings, runtime: Handle) -> Result<Self, StoreError> {
        let bounds = Bounds { size: settings.connections, queue: settings.queue, wait: settings.wait() };
        let prepare = Prepare { statement_timeout_milliseconds: settings.statement_timeout_milliseconds };
        let pool = BoundedPool::new(&settings.url, Box::new(prepare), &bounds, runtime);
        connect(pool.connections())?;
        Ok(Self { pool, url: settings.url.clone() })
    }

    /// A connection of one's own, without a statement timeout: for migrations.
    pub(crate) fn connect_alone(url: &str) -> Result<PgConnection, StoreError> {
        let mut connection =
            PgConnection::establish(url).map_err(|error| StoreError::Unavailable(one_line(&error.to_string())))?;
        connection.batch_execute("SET application_name = 'vestibule migrate'")?;
        Ok(connection)
    }

    /// What libpq is told.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Each statement is its own snapshot, so that reads need no transaction and its two round trips.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl Fn(&mut PgConnection) -> Unit<T> + Send + 'static,
    ) -> Unit<T> {
        self.pool
            .run(move |connections| retry(connections, |connection| work(connection).map_err(Failed::before_commit)))
            .await
    }

    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl Fn(&mut PgConnection) -> Unit<T> + Send + 'static,
    ) -> Unit<T> {
        self.pool.run(move |connections| retry(connections, |connection| in_transaction(connection, &work))).await
    }

    /// A unit that is one statement, and thereby a transaction, without the round trips of BEGIN and COMMIT. Nobody
    /// knows whether it happened when the connection breaks, so that it is not tried again then.
    pub(crate) async fn write_statement<T: Send + 'static>(
        &self,
        work: impl Fn(&mut PgConnection) -> Unit<T> + Send + 'static,
    ) -> Unit<T> {
        let attempt = move |connection: &mut PgConnection| {
            work(connection).map_err(|rollback| Failed { rollback, committing: true })
        };
        self.pool.run(move |connections| retry(connections, attempt)).await
    }

    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }
}

/// Runs on each new connection.
#[derive(Debug)]
struct Prepare {
    statement_timeout_milliseconds: u64,
}

impl CustomizeConnection<PgConnection, diesel::r2d2::Error> for Prepare {
    fn on_acquire(&self, connection: &mut PgConnection) -> Result<(), diesel::r2d2::Error> {
        let timeout = self.statement_timeout_milliseconds;
        connection
            .batch_execute(&format!("SET application_name = 'vestibule'; SET statement_timeout = {timeout}"))
            .map_err(diesel::r2d2::Error::QueryError)
    }
}

/// A try that came to nothing.
struct Failed {
    rollback: Rollback,
    /// Whether COMMIT was on its way: if the connection broke then, nobody knows whether it arrived.
    committing: bool,
}

impl Failed {
    const fn before_commit(rollback: Rollback) -> Self {
        Self { rollback, committing: false }
    }
}

/// READ COMMITTED, the default: units decide by conditional updates, unique indexes and row locks, not by snapshots.
fn in_transaction<T>(connection: &mut PgConnection, work: &impl Fn(&mut PgConnection) -> Unit<T>) -> Result<T, Failed> {
    let before_commit = |error| Failed::before_commit(Rollback::Database(error));
    AnsiTransactionManager::begin_transaction(connection).map_err(before_commit)?;
    match work(connection) {
        Ok(outcome) => match AnsiTransactionManager::commit_transaction(connection) {
            Ok(()) => Ok(outcome),
            Err(error) => Err(Failed { rollback: error.into(), committing: true }),
        },
        Err(rollback) => {
            // If this fails too, the pool sees a broken connection and lets go of it.
            let _ = AnsiTransactionManager::rollback_transaction(connection);
            Err(Failed::before_commit(rollback))
        }
    }
}

/// Runs a unit again when it met another one, and once on a new connection when the old one broke before COMMIT was
/// sent.
fn retry<T>(connections: &Pool<PgConnection>, attempt: impl Fn(&mut PgConnection) -> Result<T, Failed>) -> Unit<T> {
    let mut connection = connect(connections)?;
    let mut reconnected = false;
    let mut tries = 1;
    loop {
        let Failed { rollback, committing } = match attempt(&mut connection) {
            Ok(outcome) => return Ok(outcome),
            Err(failed) => failed,
        };
        if rollback.is_broken_connection() {
            discard(connection);
            if committing || reconnected {
                return Err(rollback);
            }
            reconnected = true;
            connection = reconnect(connections)?;
        } else if rollback.is_conflict() && tries < TRIES {
            back_off(tries);
            tries += 1;
        } else {
            return Err(rollback);
        }
    }
}

/// A connection that answers. After a restart of the server every idle one is broken, and each is thrown away when it
/// is found so.
fn reconnect(connections: &Pool<PgConnection>) -> Result<Pooled<PgConnection>, StoreError> {
    for _ in 0..connections.max_size() {
        let mut connection = connect(connections)?;
        if connection.ping().is_ok() {
            return Ok(connection);
        }
        discard(connection);
    }
    connect(connections)
}

/// r2d2 has no way to throw a connection away but to find it broken, and one with an open transaction is.
fn discard(mut connection: Pooled<PgConnection>) {
    let _ = AnsiTransactionManager::begin_transaction(&mut *connection);
}

/// A few milliseconds, by chance, so that two units that met do not meet again.
fn back_off(tries: u32) {
    let mut byte = [0];
    SystemRandomness.fill(&mut byte);
    let [chance] = byte;
    thread::sleep(Duration::from_micros(u64::from(chance) * 20 * u64::from(tries)));
}
