//! Why a unit of work did not happen.

use diesel::result::{DatabaseErrorInformation, DatabaseErrorKind, Error};
use thiserror::Error as ThisError;

/// A unit of work did not happen; nothing of it was kept. The texts name what an operator must look at, never data.
#[derive(Clone, Debug, PartialEq, Eq, ThisError)]
pub enum StoreError {
    /// Too much at once: the queue is full, or no connection came free in time. Trying again later is safe.
    #[error("too many units of work are waiting for the database")]
    Busy,
    /// As many messages wait as `database.outbox_limit` allows.
    #[error("the outbox is full")]
    OutboxFull,
    /// The database cannot be reached or cannot write.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// The database lacks these migrations.
    #[error("migrations are pending: {}; run `vestibule migrate`", .0.join(", "))]
    PendingMigrations(Vec<String>),
    /// A stored value is not one that could have been written here.
    #[error("{table}.{column} holds a value that cannot be read")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
    },
    /// A setting is wrong.
    #[error("{0}")]
    Settings(String),
    /// Anything else: a bug, or a database that is not as the migrations left it.
    #[error("{0}")]
    Other(String),
}

/// Why a unit was rolled back.
#[derive(Debug)]
pub(crate) enum Rollback {
    /// The unit itself decided so; the caller knows what it means.
    Refused,
    /// A statement failed.
    Database(Error),
    /// It came to something that the caller is told.
    Store(StoreError),
}

/// What comes out of a unit of work.
pub(crate) type Unit<T> = Result<T, Rollback>;

impl Rollback {
    /// The same, save that two accounts on one address are the unit's own refusal: somebody else was quicker.
    pub(crate) fn lost_race(error: Error) -> Self {
        match error {
            Error::DatabaseError(DatabaseErrorKind::UniqueViolation, information)
                if breaks(&*information, &CONFIRMED_EMAIL) =>
            {
                Self::Refused
            }
            error => Self::Database(error),
        }
    }

    /// Whether running the unit again may succeed: it met another one that was written at the same time. A broken
    /// foreign key is one of these, because units look before they write: the row went in between. So is a number that
    /// an import took at the same moment: the next one is free.
    pub(crate) fn is_conflict(&self) -> bool {
        match self {
            Self::Database(Error::DatabaseError(kind, information)) => match kind {
                DatabaseErrorKind::SerializationFailure | DatabaseErrorKind::ForeignKeyViolation => true,
                DatabaseErrorKind::Unknown => is_deadlock(&**information),
                DatabaseErrorKind::UniqueViolation => NUMBERS.iter().any(|index| breaks(&**information, index)),
                _ => false,
            },
            _ => false,
        }
    }

    /// Whether the connection is of no more use: it is closed, or leads to a server that only reads (any more).
    pub(crate) const fn is_broken_connection(&self) -> bool {
        matches!(
            self,
            Self::Database(
                Error::BrokenTransactionManager
                    | Error::DatabaseError(
                        DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::ReadOnlyTransaction,
                        _
                    )
            )
        )
    }
}

/// A unique index, by its name and by what SQLite says instead: the columns.
type UniqueIndex = (&'static str, &'static str);

const CONFIRMED_EMAIL: UniqueIndex = ("customers_confirmed_email", "customers.email_canonical");

/// What an identity, or the reference that is made of it, must not share.
const NUMBERS: [UniqueIndex; 2] = [("customers_pkey", "customers.id"), ("customers_reference", "customers.reference")];

fn breaks(information: &(dyn DatabaseErrorInformation + Send + Sync), (name, columns): &UniqueIndex) -> bool {
    match information.constraint_name() {
        Some(constraint) => constraint == *name,
        None => information.message().ends_with(columns),
    }
}

/// diesel does not pass on the code 40P01, and PostgreSQL translates the message, but never the name of the lock.
fn is_deadlock(information: &(dyn DatabaseErrorInformation + Send + Sync)) -> bool {
    let details = information.details().unwrap_or_default();
    information.message() == "deadlock detected" || details.contains("ShareLock") || details.contains("ExclusiveLock")
}

impl From<Error> for Rollback {
    fn from(error: Error) -> Self {
        Self::Database(error)
    }
}

impl From<StoreError> for Rollback {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Rollback> for StoreError {
    fn from(rollback: Rollback) -> Self {
        match rollback {
            Rollback::Store(error) => error,
            Rollback::Database(error) => error.into(),
            Rollback::Refused => Self::Other("a unit of work refused without saying what that means".to_owned()),
        }
    }
}

/// Messages of SQLite (which does not translate them) and of PostgreSQL that mean: the database, not the statement.
const UNAVAILABLE: [&str; 7] = [
    "database or disk is full",
    "disk I/O error",
    "database is locked",
    "unable to open database file",
    "attempt to write a readonly database",
    "file is not a database",
    "canceling statement due to statement timeout",
];

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        match error {
            Error::DatabaseError(kind, information) => {
                let message = information.message();
                match kind {
                    DatabaseErrorKind::SerializationFailure => Self::Busy,
                    DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::ReadOnlyTransaction => {
                        Self::Unavailable(one_line(message))
                    }
                    DatabaseErrorKind::Unknown if is_deadlock(&*information) => Self::Busy,
                    DatabaseErrorKind::Unknown if UNAVAILABLE.iter().any(|text| message.contains(text)) => {
                        Self::Unavailable(one_line(message))
                    }
                    _ => Self::Other(one_line(message)),
                }
            }
            Error::BrokenTransactionManager => Self::Unavailable("the connection broke".to_owned()),
            // The texts of these may quote the value.
            Error::DeserializationError(_) => Self::Other("a stored value could not be read".to_owned()),
            Error::SerializationError(_) => Self::Other("a value could not be written".to_owned()),
            error => Self::Other(one_line(&error.to_string())),
        }
    }
}

/// libpq's messages have several lines.
pub(crate) fn one_line(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}
