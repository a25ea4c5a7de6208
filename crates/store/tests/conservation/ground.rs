//! A database, and what lies in it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Bool, Integer, Nullable, Text};
use diesel::{PgConnection, QueryableByName, SqliteConnection, sql_query};
use store::{Store, StoreSettings};
use tempfile::TempDir;
use testkit::{Engine, TestDatabase};
use tokio::runtime::Handle;

use crate::world::{Row, product_of};

/// A store on a database of its own.
pub struct Ground {
    pub store: Store,
    place: Place,
}

enum Place {
    /// In memory, if there is a file system there: what is asked is not whether files keep.
    File {
        path: String,
        _removed_on_drop: TempDir,
    },
    Server(Arc<TestDatabase>),
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    uuid: String,
    #[diesel(sql_type = Nullable<BigInt>)]
    customer_id: Option<i64>,
    #[diesel(sql_type = Nullable<Binary>)]
    guest: Option<Vec<u8>>,
    #[diesel(sql_type = Nullable<Binary>)]
    returns_to: Option<Vec<u8>>,
    #[diesel(sql_type = Bool)]
    is_default: bool,
    #[diesel(sql_type = Nullable<Text>)]
    sku: Option<String>,
    #[diesel(sql_type = Nullable<Integer>)]
    quantity: Option<i32>,
}

impl Ground {
    pub async fn open(engine: Engine) -> Self {
        let (url, place) = match engine {
            Engine::Sqlite => {
                let memory = Path::new("/dev/shm");
                let folder = std::env::temp_dir();
                let folder = TempDir::new_in(if memory.is_dir() { memory } else { &folder }).unwrap();
                let path = folder.path().join("carts.db").to_str().unwrap().to_owned();
                (format!("sqlite://{path}"), Place::File { path, _removed_on_drop: folder })
            }
            Engine::Postgres => {
                let database = TestDatabase::create(engine);
                (database.url.clone(), Place::Server(Arc::new(database)))
            }
        };
        let settings = StoreSettings {
            url,
            readers: 2,
            connections: 8,
            queue: 10_000,
            wait_milliseconds: 60_000,
            statement_timeout_milliseconds: 20_000,
            outbox_limit: 1_000_000,
        };
        let store = Store::open(&settings, Handle::current()).unwrap();
        store.migrate().await.unwrap();
        Self { store, place }
    }

    /// Every cart whose UUID begins so.
    pub fn carts(&self, prefix: &str) -> BTreeMap<String, Row> {
        let sql = format!(
            "SELECT uuid, customer_id, guest, returns_to, is_default, sku, quantity
             FROM carts LEFT JOIN cart_items ON cart_items.cart_id = carts.id
             WHERE uuid LIKE '{prefix}%' ORDER BY carts.id, cart_items.id"
        );
        let lines: Vec<Line> = match &self.place {
            Place::File { path, .. } => sql_query(sql).load(&mut sqlite(path)).unwrap(),
            Place::Server(database) => sql_query(sql).load(&mut postgres(database)).unwrap(),
        };
        let mut carts = BTreeMap::new();
        for Line { uuid, customer_id: customer, guest, returns_to, is_default, sku, quantity } in lines {
            let row = carts.entry(uuid).or_insert(Row { customer, guest, returns_to, is_default, lines: Vec::new() });
            row.lines.extend(sku.map(|sku| (product_of(&sku), u32::try_from(quantity.unwrap()).unwrap())));
        }
        carts
    }

    /// Forgets everybody and everything.
    pub fn clear(&self) {
        for table in ["carts", "customers", "budgets"] {
            match &self.place {
                Place::File { path, .. } => sql_query(format!("DELETE FROM {table}")).execute(&mut sqlite(path)),
                Place::Server(database) => {
                    sql_query(format!("TRUNCATE {table} CASCADE")).execute(&mut postgres(database))
                }
            }
            .unwrap();
        }
    }
}

fn sqlite(path: &str) -> SqliteConnection {
    let mut connection = SqliteConnection::establish(path).unwrap();
    sql_query("PRAGMA busy_timeout = 5000").execute(&mut connection).unwrap();
    sql_query("PRAGMA foreign_keys = ON").execute(&mut connection).unwrap();
    connection
}

fn postgres(database: &TestDatabase) -> PgConnection {
    PgConnection::establish(&database.url).unwrap()
}
