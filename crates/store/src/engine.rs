//! The two engines behind one [`Store`], and the macros with which a query is written once for both.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use diesel::prelude::*;
use diesel::sql_types::Integer;
use tokio::runtime::Handle;

use crate::error::Unit;
use crate::postgres::Postgres;
use crate::settings::Place;
use crate::sqlite::Sqlite;
use crate::{StoreError, StoreSettings};

/// A kind of database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// SQLite, one file beside one gateway.
    Sqlite,
    /// PostgreSQL, a server that any number of gateways share.
    Postgres,
}

impl fmt::Display for Engine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        })
    }
}

/// The accounts' database. A clone is the same store.
#[derive(Clone)]
pub struct Store {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) backend: Backend,
    pub(crate) outbox_limit: i64,
    pub(crate) runtime: Handle,
    /// Whether it is known that no migration is pending, which does not change while this runs.
    pub(crate) migrated: AtomicBool,
}

pub(crate) enum Backend {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

impl Store {
    /// Opens the database. A SQLite file and its folder are made where they are missing; a PostgreSQL server must
    /// answer once, and is connected to as need arises. No table is made: see [`migrate`](Self::migrate).
    ///
    /// `runtime` is where the blocking work is done. Blocks for `wait_milliseconds` at most when a server does not
    /// answer.
    ///
    /// # Errors
    ///
    /// [`StoreError::Settings`] for settings out of bounds, [`StoreError::Unavailable`] when the database cannot be
    /// opened.
    pub fn open(settings: &StoreSettings, runtime: Handle) -> Result<Self, StoreError> {
        settings.check().map_err(StoreError::Settings)?;
        let backend = match settings.place()? {
            Place::File(path) => Backend::Sqlite(Sqlite::open(&path, settings, runtime.clone())?),
            Place::Server => Backend::Postgres(Postgres::open(settings, runtime.clone())?),
        };
        let migrated = AtomicBool::new(false);
        Ok(Self { inner: Arc::new(Inner { backend, outbox_limit: settings.outbox_limit, runtime, migrated }) })
    }

    /// Which kind of database it is.
    pub fn engine(&self) -> Engine {
        match self.inner.backend {
            Backend::Sqlite(_) => Engine::Sqlite,
            Backend::Postgres(_) => Engine::Postgres,
        }
    }

    /// Whether the database answers a question.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] or [`StoreError::Busy`] when it does not.
    pub async fn ping(&self) -> Result<(), StoreError> {
        Ok(read!(self, ping())?)
    }

    /// On SQLite, writes the log into the file and empties it: until then it keeps earlier copies of what was changed or
    /// deleted. On PostgreSQL the server sees to its own log.
    ///
    /// # Errors
    ///
    /// [`StoreError::Busy`] where others did not stop reading, [`StoreError::Unavailable`] where the file cannot be
    /// written. The log is then worked off later.
    pub async fn empty_log(&self) -> Result<(), StoreError> {
        match &self.inner.backend {
            Backend::Sqlite(backend) => backend.empty_log().await,
            Backend::Postgres(_) => Ok(()),
        }
    }

    /// Refuses new units of work, finishes those that wait, and lets go of the database.
    pub async fn close(&self) {
        match &self.inner.backend {
            Backend::Sqlite(backend) => backend.close().await,
            Backend::Postgres(backend) => backend.close().await,
        }
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Store({})", self.engine())
    }
}

/// Compiles functions once for each engine, into the modules `sqlite` and `postgres`. In them, `Connection` is the
/// engine's. The line `use [module::{function}];` brings in what such a block of another file shares.
macro_rules! on_both {
    (use [$($module:ident::{$($function:ident),+}),* $(,)?]; $($item:item)*) => {
        pub(crate) mod sqlite {
            use super::*;
            $(use $crate::$module::sqlite::{$($function),+};)*
            type Connection = diesel::SqliteConnection;
            $($item)*
        }
        pub(crate) mod postgres {
            use super::*;
            $(use $crate::$module::postgres::{$($function),+};)*
            type Connection = diesel::PgConnection;
            $($item)*
        }
    };
    ($($item:item)*) => {
        $crate::engine::on_both! { use []; $($item)* }
    };
}
pub(crate) use on_both;

/// Runs a function of `on_both!` as a unit of work: alone, whole or not at all, again where it met another one.
macro_rules! unit {
    ($store:expr, $function:ident($($argument:expr),*)) => {{
        let _timer = $crate::engine::UnitTimer::start(stringify!($function));
        match &$store.inner.backend {
            $crate::engine::Backend::Sqlite(backend) => {
                backend.write(move |connection| sqlite::$function(connection, $($argument),*)).await
            }
            $crate::engine::Backend::Postgres(backend) => {
                backend.write(move |connection| postgres::$function(connection, $($argument),*)).await
            }
        }
    }};
}
pub(crate) use unit;

/// Runs a function of `on_both!` that only reads.
macro_rules! read {
    ($store:expr, $function:ident($($argument:expr),*)) => {{
        let _timer = $crate::engine::UnitTimer::start(stringify!($function));
        match &$store.inner.backend {
            $crate::engine::Backend::Sqlite(backend) => {
                backend.read(move |connection| sqlite::$function(connection, $($argument),*)).await
            }
            $crate::engine::Backend::Postgres(backend) => {
                backend.read(move |connection| postgres::$function(connection, $($argument),*)).await
            }
        }
    }};
}
pub(crate) use read;

/// Records how long a unit of work took, waiting included, also when it fails.
pub(crate) struct UnitTimer {
    unit: &'static str,
    started: Instant,
}

impl UnitTimer {
    pub(crate) fn start(unit: &'static str) -> Self {
        Self { unit, started: Instant::now() }
    }
}

impl Drop for UnitTimer {
    fn drop(&mut self) {
        metrics::histogram!("vestibule_store_unit_seconds", "unit" => self.unit).record(self.started.elapsed());
    }
}

on_both! {
    pub(super) fn ping(connection: &mut Connection) -> Unit<()> {
        diesel::select(1.into_sql::<Integer>()).get_result::<i32>(connection)?;
        Ok(())
    }
}
