//! Bringing the tables up to date.

use std::sync::atomic::Ordering;

use diesel::backend::Backend as DieselBackend;
use diesel::connection::SimpleConnection;
use diesel::migration::{Migration, MigrationSource, MigrationVersion};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::Bool;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::engine::{Backend, Store, on_both, read};
use crate::error::Unit;
use crate::postgres::Postgres;
use crate::sqlite::connect_writer;
use crate::{Engine, StoreError};

const SQLITE: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");

diesel::table! {
    // diesel's own record of what was applied.
    __diesel_schema_migrations (version) {
        version -> Text,
    }
}

impl Store {
    /// Applies what is missing, and tells the names of what was applied. Two at once are safe: the second waits, and
    /// finds nothing left to do.
    ///
    /// # Errors
    ///
    /// [`StoreError::Other`] with the database's message when a migration fails; those before it stay applied.
    pub async fn migrate(&self) -> Result<Vec<String>, StoreError> {
        let inner = self.inner.clone();
        let work = move || match &inner.backend {
            Backend::Sqlite(backend) => migrate_sqlite(backend.path()),
            Backend::Postgres(backend) => migrate_postgres(backend.url()),
        };
        let applied = self.inner.runtime.spawn_blocking(work).await;
        applied.unwrap_or_else(|_| Err(StoreError::Other("the migration panicked".to_owned())))
    }

    /// The names of the migrations that this database lacks. Writes nothing, and asks the database no more once there
    /// are none.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] or [`StoreError::Busy`] when the database does not answer.
    pub async fn pending_migrations(&self) -> Result<Vec<String>, StoreError> {
        if self.inner.migrated.load(Ordering::Relaxed) {
            return Ok(Vec::new());
        }
        let applied = read!(self, list_applied_versions())?;
        let known = match self.engine() {
            Engine::Sqlite => versions::<diesel::sqlite::Sqlite>(&SQLITE)?,
            Engine::Postgres => versions::<diesel::pg::Pg>(&POSTGRES)?,
        };
        let pending: Vec<String> =
            known.into_iter().filter(|(version, _)| !applied.contains(version)).map(|(_, name)| name).collect();
        self.inner.migrated.store(pending.is_empty(), Ordering::Relaxed);
        Ok(pending)
    }
}

/// Version and name of each embedded migration, in order.
fn versions<DB: DieselBackend>(source: &EmbeddedMigrations) -> Result<Vec<(String, String)>, StoreError> {
    let mut migrations: Vec<Box<dyn Migration<DB>>> = source.migrations().map_err(|error| failed(&*error))?;
    migrations.sort_by_key(|migration| migration.name().version().to_string());
    Ok(migrations
        .iter()
        .map(|migration| (migration.name().version().to_string(), migration.name().to_string()))
        .collect())
}

/// A connection of its own, so that the writer's batches go on; SQLite lets one of the two write at a time.
fn migrate_sqlite(path: &str) -> Result<Vec<String>, StoreError> {
    let mut connection = connect_writer(path)?;
    connection.immediate_transaction(|connection| apply::<diesel::sqlite::Sqlite>(connection, &SQLITE))
}

/// The row is locked by a connection that does nothing else, so that each migration is a transaction of its own.
/// Should this process die, its connection closes, and the lock with it.
fn migrate_postgres(url: &str) -> Result<Vec<String>, StoreError> {
    let mut keeper = Postgres::connect_alone(url)?;
    // Two that make the table at once: one of them fails on the catalogue's unique index, and finds it made.
    let make = "CREATE TABLE IF NOT EXISTS migration_lock (id INTEGER NOT NULL PRIMARY KEY)";
    if keeper.batch_execute(make).is_err() {
        keeper.batch_execute(make)?;
    }
    keeper.batch_execute("INSERT INTO migration_lock (id) VALUES (1) ON CONFLICT DO NOTHING")?;
    keeper.transaction(|keeper| {
        keeper.batch_execute("SELECT id FROM migration_lock WHERE id = 1 FOR UPDATE")?;
        apply::<diesel::pg::Pg>(&mut Postgres::connect_alone(url)?, &POSTGRES)
    })
}

fn apply<DB: DieselBackend>(
    connection: &mut impl MigrationHarness<DB>,
    source: &EmbeddedMigrations,
) -> Result<Vec<String>, StoreError> {
    let names = versions::<DB>(source)?;
    // The embedded source is not `Copy`, and a reference to it is no source.
    let applied = connection.run_pending_migrations(Borrowed(source)).map_err(|error| failed(&*error))?;
    let name = |version: MigrationVersion<'_>| {
        let version = version.to_string();
        names.iter().find(|(known, _)| *known == version).map_or(version.clone(), |(_, name)| name.clone())
    };
    Ok(applied.into_iter().map(name).collect())
}

struct Borrowed<'a>(&'a EmbeddedMigrations);

impl<DB: DieselBackend> MigrationSource<DB> for Borrowed<'_> {
    fn migrations(&self) -> diesel::migration::Result<Vec<Box<dyn Migration<DB>>>> {
        self.0.migrations()
    }
}

fn failed(error: &dyn std::error::Error) -> StoreError {
    StoreError::Other(format!("a migration failed: {}", crate::error::one_line(&error.to_string())))
}

#[derive(QueryableByName)]
struct Presence {
    #[diesel(sql_type = Bool)]
    present: bool,
}

on_both! {
    use [exceptions::{PRESENCE}];

    /// None where nothing was ever applied. diesel's harness would make its table first, which a role without that
    /// right, or a probe, must not.
    pub(super) fn list_applied_versions(connection: &mut Connection) -> Unit<Vec<String>> {
        let Presence { present } = sql_query(PRESENCE).get_result(connection)?;
        if !present {
            return Ok(Vec::new());
        }
        Ok(__diesel_schema_migrations::table.select(__diesel_schema_migrations::version).load(connection)?)
    }
}
