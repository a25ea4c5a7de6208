//! Both engines end in the same tables.

use std::collections::BTreeSet;
use std::fs;

use crate::common::{START, TestStore, at_once, on_both_engines, settings};
use store::{Store, StoreError};
use testkit::{Engine, TestDatabase};
use tokio::runtime::Handle;

const NAMES: [&str; 1] = ["2026-11-20-000000_accounts"];

fn folder(engine: &str) -> Vec<String> {
    let folder = format!("{}/../../migrations/{engine}", env!("CARGO_MANIFEST_DIR"));
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn both_folders_carry_the_same_names() {
    assert_eq!(folder("sqlite"), NAMES);
    assert_eq!(folder("postgres"), NAMES);
}

#[tokio::test(flavor = "multi_thread")]
async fn both_end_in_the_same_tables_columns_and_nullability() {
    let sqlite = TestStore::create(Engine::Sqlite).await;
    let postgres = TestStore::create(Engine::Postgres).await;
    let of_sqlite = sqlite.texts(
        "SELECT tables.name || '.' || columns.name || CASE WHEN columns.\"notnull\" THEN '' ELSE ' null' END AS value
         FROM sqlite_master AS tables, pragma_table_xinfo(tables.name) AS columns
         WHERE tables.type = 'table' AND tables.name NOT LIKE 'sqlite_%'
             AND tables.name NOT LIKE '\\_\\_%' ESCAPE '\\'",
    );
    // The lock is PostgreSQL's alone: SQLite locks its file.
    let of_postgres = postgres.texts(
        "SELECT table_name || '.' || column_name || CASE is_nullable WHEN 'NO' THEN '' ELSE ' null' END AS value
         FROM information_schema.columns
         WHERE table_schema = 'public' AND table_name <> 'migration_lock' AND table_name NOT LIKE '\\_\\_%'",
    );
    let sorted = |names: Vec<String>| names.into_iter().collect::<BTreeSet<_>>();
    let (of_sqlite, of_postgres) = (sorted(of_sqlite), sorted(of_postgres));
    assert!(of_sqlite.len() > 50 && of_sqlite.contains("customers.password_hash null"), "{of_sqlite:?}");
    assert_eq!(of_sqlite, of_postgres);
}

on_both_engines! {
    async fn a_migration_is_applied_once_and_pending_again_when_forgotten(store: &TestStore) {
        assert_eq!(store.pending_migrations().await.unwrap(), Vec::<String>::new());
        assert_eq!(store.migrate().await.unwrap(), Vec::<String>::new());
        store.execute("DELETE FROM __diesel_schema_migrations");
        let store = Store::open(&settings(&store.database.url), Handle::current()).unwrap();
        assert_eq!(store.pending_migrations().await.unwrap(), NAMES);
        let error = store.migrate().await.unwrap_err();
        assert!(matches!(&error, StoreError::Other(text) if text.contains("customers")), "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_pending_is_named_until_it_is_applied() {
    for engine in Engine::ALL {
        let database = TestDatabase::create(engine);
        let store = Store::open(&settings(&database.url), Handle::current()).unwrap();
        assert_eq!(store.pending_migrations().await.unwrap(), NAMES);
        assert_eq!(store.migrate().await.unwrap(), NAMES);
        assert_eq!(store.pending_migrations().await.unwrap(), Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn several_that_migrate_at_once_apply_it_once() {
    for engine in Engine::ALL {
        let database = TestDatabase::create(engine);
        let url = database.url.clone();
        let applied = at_once(4, move |_| {
            let store = Store::open(&settings(&url), Handle::current()).unwrap();
            async move { store.migrate().await.unwrap() }
        })
        .await;
        let mut counts: Vec<usize> = applied.iter().map(Vec::len).collect();
        counts.sort_unstable();
        assert_eq!(counts, [0, 0, 0, NAMES.len()], "{engine}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_tables_a_unit_fails_without_saying_more_than_which() {
    for engine in Engine::ALL {
        let database = TestDatabase::create(engine);
        let store = Store::open(&settings(&database.url), Handle::current()).unwrap();
        let error = store.outbox_status(START).await.unwrap_err();
        assert!(matches!(&error, StoreError::Other(text) if text.contains("outbox")), "{error:?}");
    }
}
