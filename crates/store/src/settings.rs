//! Section `[database]` of the configuration.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use crate::{Engine, StoreError};

/// Which database, and how much of it at once. `Debug` leaves out the URL, which may hold a password.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreSettings {
    /// `sqlite://` and a path, relative to the working directory or absolute; or `postgres://`, which is given to
    /// libpq as it is, so that several hosts and `target_session_attrs` work.
    pub url: String,
    /// Connections that read a SQLite database beside the one that writes.
    pub readers: u32,
    /// Connections to PostgreSQL at most.
    pub connections: u32,
    /// Units of work that wait for their turn at most; more are refused as busy.
    pub queue: usize,
    /// Milliseconds that a unit of work waits for a connection at most.
    pub wait_milliseconds: u64,
    /// Milliseconds after which PostgreSQL gives up a statement.
    pub statement_timeout_milliseconds: u64,
    /// Queued messages at most; sign-ups and resends beyond it are refused.
    pub outbox_limit: i64,
}

impl StoreSettings {
    /// Checks bounds and the form of the URL.
    ///
    /// # Errors
    ///
    /// A sentence that names the key and what it may be.
    pub fn check(&self) -> Result<(), String> {
        self.place().map_err(|error| error.to_string())?;
        let rules = [
            ((1..=64).contains(&self.readers), "database.readers must be 1 to 64"),
            ((1..=1000).contains(&self.connections), "database.connections must be 1 to 1000"),
            ((1..=100_000).contains(&self.queue), "database.queue must be 1 to 100000"),
            ((10..=60_000).contains(&self.wait_milliseconds), "database.wait_milliseconds must be 10 to 60000"),
            (
                (10..=600_000).contains(&self.statement_timeout_milliseconds),
                "database.statement_timeout_milliseconds must be 10 to 600000",
            ),
            ((1..=100_000_000).contains(&self.outbox_limit), "database.outbox_limit must be 1 to 100000000"),
        ];
        rules.into_iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, text)| Err(text.to_owned()))
    }

    /// Which engine the URL names.
    ///
    /// # Errors
    ///
    /// [`StoreError::Settings`] when it names none.
    pub fn engine(&self) -> Result<Engine, StoreError> {
        Ok(match self.place()? {
            Place::File(_) => Engine::Sqlite,
            Place::Server => Engine::Postgres,
        })
    }

    pub(crate) const fn wait(&self) -> Duration {
        Duration::from_millis(self.wait_milliseconds)
    }

    pub(crate) fn place(&self) -> Result<Place, StoreError> {
        if let Some(path) = self.url.strip_prefix("sqlite://") {
            // Each connection would have a database of its own in memory.
            if path.is_empty() || path.contains(":memory:") || path.contains(['?', '\0']) {
                return Err(StoreError::Settings("database.url must name a file after sqlite://".to_owned()));
            }
            return Ok(Place::File(PathBuf::from(path)));
        }
        if self.url.starts_with("postgres://") || self.url.starts_with("postgresql://") {
            return Ok(Place::Server);
        }
        Err(StoreError::Settings("database.url must begin with sqlite:// or postgres://".to_owned()))
    }
}

/// Where the database is.
pub(crate) enum Place {
    File(PathBuf),
    Server,
}

impl fmt::Debug for StoreSettings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = self.url.split_once("://").map_or("?", |(scheme, _)| scheme);
        formatter
            .debug_struct("StoreSettings")
            .field("url", &format_args!("{scheme}://…"))
            .field("readers", &self.readers)
            .field("connections", &self.connections)
            .field("queue", &self.queue)
            .field("wait_milliseconds", &self.wait_milliseconds)
            .field("statement_timeout_milliseconds", &self.statement_timeout_milliseconds)
            .field("outbox_limit", &self.outbox_limit)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(url: &str) -> StoreSettings {
        StoreSettings {
            url: url.to_owned(),
            readers: 2,
            connections: 8,
            queue: 100,
            wait_milliseconds: 1000,
            statement_timeout_milliseconds: 1000,
            outbox_limit: 1000,
        }
    }

    #[test]
    fn the_url_decides_the_engine() {
        for (url, engine) in [
            ("sqlite://data/vestibule.db", Some(Engine::Sqlite)),
            ("sqlite:///var/lib/vestibule.db", Some(Engine::Sqlite)),
            ("postgres://user:secret@one,two/shop?target_session_attrs=read-write", Some(Engine::Postgres)),
            ("postgresql://localhost/shop", Some(Engine::Postgres)),
            ("sqlite://", None),
            ("sqlite://:memory:", None),
            ("mysql://localhost/shop", None),
            ("", None),
        ] {
            assert_eq!(settings(url).engine().ok(), engine, "{url}");
            assert_eq!(settings(url).check().is_ok(), engine.is_some(), "{url}");
        }
    }

    #[test]
    fn numbers_have_bounds() {
        let changes: [fn(&mut StoreSettings); 6] = [
            |settings| settings.readers = 0,
            |settings| settings.connections = 0,
            |settings| settings.queue = 0,
            |settings| settings.wait_milliseconds = 0,
            |settings| settings.statement_timeout_milliseconds = 0,
            |settings| settings.outbox_limit = 0,
        ];
        for change in changes {
            let mut settings = settings("sqlite://x.db");
            change(&mut settings);
            assert!(settings.check().unwrap_err().starts_with("database."));
        }
    }

    #[test]
    fn the_password_is_not_in_a_debug_text() {
        assert!(!format!("{:?}", settings("postgres://user:secret@host/shop")).contains("secret"));
    }
}
