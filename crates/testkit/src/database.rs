//! A database of one test's own.

use std::env;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl, SqliteConnection, sql_query};
use tempfile::TempDir;

use crate::Engine;

/// The variable that names a PostgreSQL server in which tests may create databases.
pub const POSTGRES_VARIABLE: &str = "VESTIBULE_TEST_POSTGRES";

/// A fresh, empty database. It is removed when this is dropped, whoever is still connected to it.
#[derive(Debug)]
pub struct TestDatabase {
    /// What `database.url` takes.
    pub url: String,
    engine: Engine,
    place: Place,
}

#[derive(Debug)]
enum Place {
    Folder { _removed_on_drop: TempDir },
    Server { url: String, name: String },
}

impl TestDatabase {
    /// A new database of that kind.
    ///
    /// # Panics
    /// Without a PostgreSQL server to create it in.
    pub fn create(engine: Engine) -> Self {
        match engine {
            Engine::Sqlite => {
                let folder = TempDir::with_prefix("vestibule-").expect("a temporary folder");
                let url = format!("sqlite://{}", folder.path().join("vestibule.db").display());
                Self { url, engine, place: Place::Folder { _removed_on_drop: folder } }
            }
            Engine::Postgres => {
                let server = server_url();
                let name = unused_name();
                let mut connection = connect(&server);
                // A killed run may have left one behind under a process id that is ours now.
                for statement in
                    [format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"), format!("CREATE DATABASE {name}")]
                {
                    connection.batch_execute(&statement).expect("a new PostgreSQL database");
                }
                Self { url: with_database(&server, &name), engine, place: Place::Server { url: server, name } }
            }
        }
    }

    /// Which kind it is.
    pub const fn engine(&self) -> Engine {
        self.engine
    }
}

impl TestDatabase {
    /// Takes it away under whoever uses it. Of SQLite nothing: its file belongs to the process that has it open.
    pub fn vanish(&self) {
        if let Place::Server { url, name } = &self.place {
            let drop = format!("DROP DATABASE {name} WITH (FORCE)");
            connect(url).batch_execute(&drop).expect("a database that can be dropped");
        }
    }

    /// Runs these statements in it, beside whoever uses it.
    ///
    /// # Panics
    /// Where they cannot be run.
    pub fn execute(&self, statements: &str) {
        let done = match self.engine {
            Engine::Sqlite => self.connect_to_file().batch_execute(statements),
            Engine::Postgres => connect(&self.url).batch_execute(statements),
        };
        done.unwrap_or_else(|error| panic!("{error} in {statements}"));
    }

    /// Every row of every table as text.
    pub fn dump(&self) -> String {
        match self.engine {
            Engine::Sqlite => {
                let mut connection = self.connect_to_file();
                dump(
                    |query| sql_query(query).load::<Text>(&mut connection).expect("rows as text"),
                    "SELECT name AS text FROM sqlite_master WHERE type = 'table'",
                    |table| format!("SELECT name AS text FROM pragma_table_xinfo('{table}')"),
                    |column| format!("quote(\"{column}\")"),
                )
            }
            Engine::Postgres => {
                let mut connection = connect(&self.url);
                dump(
                    |query| sql_query(query).load::<Text>(&mut connection).expect("rows as text"),
                    "SELECT table_name::text AS text FROM information_schema.tables WHERE table_schema = 'public'",
                    |table| {
                        format!(
                            "SELECT column_name::text AS text FROM information_schema.columns \
                             WHERE table_schema = 'public' AND table_name = '{table}'"
                        )
                    },
                    |column| format!("coalesce(\"{column}\"::text, 'NULL')"),
                )
            }
        }
    }

    /// The same, but for the budgets: those that have ended go with the next clean-up, of which nothing tells.
    pub fn dump_but_budgets(&self) -> String {
        self.dump().lines().filter(|row| !row.starts_with("budgets: ")).collect::<Vec<_>>().join("\n")
    }

    fn connect_to_file(&self) -> SqliteConnection {
        let path = self.url.trim_start_matches("sqlite://");
        let mut connection = SqliteConnection::establish(path).expect("the file of a test's database");
        // The gateway may be writing at this very moment.
        connection.batch_execute("PRAGMA busy_timeout = 10000").expect("a setting of SQLite");
        connection
    }
}

/// Every row of every table, its columns side by side.
fn dump(
    mut query: impl FnMut(String) -> Vec<Text>,
    tables: &str,
    columns_of: impl Fn(&str) -> String,
    as_text: impl Fn(&str) -> String,
) -> String {
    let mut rows = Vec::new();
    for Text { text: table } in query(tables.to_owned()) {
        let columns: Vec<String> = query(columns_of(&table)).iter().map(|column| as_text(&column.text)).collect();
        let row = columns.join(" || ',' || ");
        rows.extend(query(format!("SELECT '{table}: ' || {row} AS text FROM \"{table}\"")));
    }
    rows.into_iter().map(|row| row.text).collect::<Vec<_>>().join("\n")
}

#[derive(QueryableByName)]
struct Text {
    #[diesel(sql_type = diesel::sql_types::Text)]
    text: String,
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        match &self.place {
            Place::Folder { .. } => {}
            // Not worth a panic: the server is thrown away too.
            Place::Server { url, name } => {
                if let Ok(mut connection) = PgConnection::establish(url) {
                    connection.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).ok();
                }
            }
        }
    }
}

fn server_url() -> String {
    env::var(POSTGRES_VARIABLE).unwrap_or_else(|_| {
        panic!(
            "{POSTGRES_VARIABLE} is not set: run `cargo xtask test`, or `cargo xtask postgres` and export the line it \
             prints"
        )
    })
}

fn connect(url: &str) -> PgConnection {
    PgConnection::establish(url).unwrap_or_else(|error| panic!("{POSTGRES_VARIABLE}: {error}"))
}

fn unused_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    format!("vestibule_test_{}_{}", process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// The server's URL with another database in its path.
fn with_database(url: &str, name: &str) -> String {
    let (address, parameters) =
        url.split_once('?').map_or((url, String::new()), |(address, rest)| (address, format!("?{rest}")));
    let authority = address.find("://").map_or(0, |at| at + 3);
    let end = address[authority..].find('/').map_or(address.len(), |at| authority + at);
    format!("{}/{name}{parameters}", &address[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_database_of_a_url_is_replaced() {
        for (url, expected) in [
            ("postgres://u@h:1/postgres", "postgres://u@h:1/x"),
            ("postgres://u@h:1", "postgres://u@h:1/x"),
            (
                "postgres://u@h1,h2/p?target_session_attrs=read-write",
                "postgres://u@h1,h2/x?target_session_attrs=read-write",
            ),
        ] {
            assert_eq!(with_database(url, "x"), expected);
        }
    }
}
