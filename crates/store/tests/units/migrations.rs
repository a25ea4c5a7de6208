//! Both engines end in the same tables.

use std::collections::BTreeSet;
use std::fs;

use crate::common::{START, TestStore, at_once, claim, inserted, on_both_engines, settings};
use domain::canonical_phone;
use store::{Store, StoreError};
use testkit::{Engine, TestDatabase};
use tokio::runtime::Handle;

const NAMES: [&str; 4] = [
    "2026-11-20-000000_accounts",
    "2026-11-21-000000_customer_account",
    "2026-11-22-000000_carts",
    "2026-11-23-000000_dialects",
];

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

    async fn going_back_and_on_again_keeps_rows_and_numbers(store: &TestStore) {
        let mira = store.claim("mira@example.com").await;
        let key = store.key(mira.id, "key").await;
        store.claim("noor@example.com").await;
        store.execute("DELETE FROM customers WHERE email = 'noor@example.com'");
        let before = store.number("SELECT id AS value FROM outbox");
        store.execute(&format!(
            "INSERT INTO timeline (customer_id, at, kind) SELECT id, 1, 'imported' FROM customers WHERE id = {}",
            mira.id
        ));
        store.close().await;
        for statement in down(store.database.engine(), NAMES[1]) {
            store.execute(&statement);
        }
        store.execute("DELETE FROM __diesel_schema_migrations WHERE version LIKE '20261121%'");
        let fresh = Store::open(&settings(&store.database.url), Handle::current()).unwrap();
        assert_eq!(fresh.pending_migrations().await.unwrap(), [NAMES[1]]);
        assert_eq!(fresh.migrate().await.unwrap(), [NAMES[1]]);
        assert_eq!(store.lines(mira.id), ["registered"]);
        assert_eq!(store.number("SELECT id AS value FROM outbox"), before);
        let late = inserted(fresh.insert_claim(claim("late@example.com")).await.unwrap());
        assert!(late.id.0 > mira.id.0 + 1, "the number of who went is not given again");
        let message = store.number("SELECT max(id) AS value FROM outbox");
        assert!(message > before + 1, "nor is that of the message");
        assert_eq!(fresh.confirm_by_key(key, START).await.unwrap(), Some(mira.id));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn telephone_numbers_of_before_are_compared_as_those_of_today() {
    let numbers = ["+49 (40) 12-34", "0049 40/12.34", "00 49401234", "040/1234", "0001", "00", "+", "", "49"];
    for engine in Engine::ALL {
        let store = TestStore::create(engine).await;
        for (index, number) in numbers.iter().enumerate() {
            let mut new = claim(&format!("{index}@example.com"));
            new.profile.phone = Some((*number).to_owned());
            inserted(store.insert_claim(new).await.unwrap());
        }
        store.close().await;
        for statement in down(engine, NAMES[3]) {
            store.execute(&statement);
        }
        store.execute("DELETE FROM __diesel_schema_migrations WHERE version LIKE '20261123%'");
        let fresh = Store::open(&settings(&store.database.url), Handle::current()).unwrap();
        assert_eq!(fresh.migrate().await.unwrap(), [NAMES[3]]);
        let told = "SELECT phone || ' is ' || coalesce(phone_canonical, 'none') AS value FROM customers ORDER BY id";
        let expected = numbers
            .map(|number| format!("{number} is {}", canonical_phone(number).unwrap_or_else(|| "none".to_owned())));
        assert_eq!(store.texts(told), expected, "{engine}");
    }
}

/// The statements that undo a migration.
fn down(engine: Engine, name: &str) -> Vec<String> {
    let folder = if engine == Engine::Sqlite { "sqlite" } else { "postgres" };
    let path = format!("{}/../../migrations/{folder}/{name}/down.sql", env!("CARGO_MANIFEST_DIR"));
    fs::read_to_string(path).unwrap().split_inclusive(";\n").map(str::to_owned).collect()
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
