//! Opening, closing, and what happens when the database does not keep up or goes away.

use std::time::{Duration, Instant};

use crate::common::{START, TestStore, after, at_once, claim, message_id, on_both_engines, settings};
use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use store::{Store, StoreError};
use testkit::{Engine, TestDatabase};
use tokio::runtime::Handle;

fn is_unavailable<T>(outcome: &Result<T, StoreError>) -> bool {
    matches!(outcome, Err(StoreError::Unavailable(_)))
}

on_both_engines! {
    async fn a_store_answers_until_it_is_closed(store: &TestStore) {
        store.ping().await.unwrap();
        store.close().await;
        assert!(is_unavailable(&store.ping().await));
        assert!(is_unavailable(&store.insert_claim(claim("mira@example.com")).await));
        store.close().await;
    }

    async fn closing_finishes_what_waits(store: &TestStore) {
        let outcomes = at_once(65, |index| {
            let store = store.store.clone();
            async move {
                if index == 32 {
                    store.close().await;
                    return None;
                }
                Some(store.insert_claim(claim(&format!("mira{index}@example.com"))).await)
            }
        })
        .await;
        let written = outcomes.iter().flatten().filter(|outcome| outcome.is_ok()).count();
        assert!(outcomes.iter().flatten().all(|outcome| outcome.is_ok() || is_unavailable(outcome)));
        assert_eq!(store.number("SELECT count(*) AS value FROM customers"), i64::try_from(written).unwrap());
    }

    async fn a_unit_whose_caller_has_gone_is_done_or_not_but_never_half(store: &TestStore) {
        for index in 0..20 {
            let store = store.store.clone();
            let claim = claim(&format!("mira{index}@example.com"));
            let unit = tokio::spawn(async move { store.insert_claim(claim).await });
            tokio::task::yield_now().await;
            unit.abort();
        }
        store.claim("last@example.com").await;
        store.close().await;
        let claims = store.number("SELECT count(*) AS value FROM customers");
        for table in ["consents", "outbox", "timeline"] {
            assert_eq!(store.number(&format!("SELECT count(*) AS value FROM {table}")), claims, "{table}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_cannot_be_is_unavailable() {
    let error = Store::open(&settings("sqlite:///proc/nowhere/vestibule.db"), Handle::current()).unwrap_err();
    assert!(
        matches!(&error, StoreError::Unavailable(text) if text.contains("/proc/nowhere/vestibule.db")),
        "{error:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_out_of_bounds_are_refused() {
    let settings = store::StoreSettings { queue: 0, ..settings("sqlite://x.db") };
    let error = Store::open(&settings, Handle::current()).unwrap_err();
    assert_eq!(error, StoreError::Settings("database.queue must be 1 to 100000".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_sqlite_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/folder/vestibule.db");
    let store = Store::open(&settings(&format!("sqlite://{}", path.display())), Handle::current()).unwrap();
    store.migrate().await.unwrap();
    store.insert_claim(claim("mira@example.com")).await.unwrap();
    for file in [path.clone(), path.with_extension("db-wal")] {
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600, "{}", file.display());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_server_is_unavailable_in_time() {
    let settings =
        store::StoreSettings { wait_milliseconds: 300, ..settings("postgres://vestibule:secret@127.0.0.1:1/nowhere") };
    let started = Instant::now();
    let error = Store::open(&settings, Handle::current()).unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(3));
    assert!(matches!(&error, StoreError::Unavailable(text) if text.contains("127.0.0.1")), "{error:?}");
    assert!(!error.to_string().contains("secret"));
}

#[tokio::test(flavor = "multi_thread")]
async fn several_hosts_are_left_to_libpq() {
    let database = TestDatabase::create(Engine::Postgres);
    let (before, after) = database.url.split_once('@').unwrap();
    let url = format!("{before}@127.0.0.1:1,{after}?target_session_attrs=read-write");
    let store = Store::open(&settings(&url), Handle::current()).unwrap();
    store.ping().await.unwrap();
}

/// Holds the only connection of a store by a lock on a table, and lets go of it when dropped.
fn lock_customers(url: &str) -> PgConnection {
    let mut connection = PgConnection::establish(url).unwrap();
    connection.batch_execute("BEGIN; LOCK TABLE customers IN ACCESS EXCLUSIVE MODE").unwrap();
    connection
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_pool_is_busy_at_once_and_one_that_stays_full_in_time() {
    let store = TestStore::with(Engine::Postgres, |settings| {
        settings.connections = 1;
        settings.queue = 2;
        settings.wait_milliseconds = 1000;
    })
    .await;
    let lock = lock_customers(&store.database.url);
    let started = Instant::now();
    let (sender, mut outcomes) = tokio::sync::mpsc::unbounded_channel();
    for _ in 0..8 {
        let (store, sender) = (store.store.clone(), sender.clone());
        tokio::spawn(async move { sender.send(store.find_login("mira@example.com").await.map(|_| ())).unwrap() });
    }
    // One has the connection and waits for the lock, two wait for the connection, and for the others there is no place.
    for _ in 0..5 {
        assert_eq!(outcomes.recv().await.unwrap(), Err(StoreError::Busy));
    }
    assert!(started.elapsed() < Duration::from_millis(900));
    for _ in 0..2 {
        assert_eq!(outcomes.recv().await.unwrap(), Err(StoreError::Busy));
    }
    assert!(started.elapsed() >= Duration::from_secs(1));
    drop(lock);
    assert_eq!(outcomes.recv().await.unwrap(), Ok(()));
    store.ping().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_takes_too_long_is_given_up() {
    let store = TestStore::with(Engine::Postgres, |settings| settings.statement_timeout_milliseconds = 100).await;
    let lock = lock_customers(&store.database.url);
    let outcome = store.insert_claim(claim("mira@example.com")).await;
    assert!(is_unavailable(&outcome), "{outcome:?}");
    drop(lock);
    store.claim("mira@example.com").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_were_cut_are_replaced_without_an_error() {
    let store = TestStore::create(Engine::Postgres).await;
    at_once(16, |_| {
        let store = store.store.clone();
        async move { store.ping().await.unwrap() }
    })
    .await;
    let cut = "SELECT count(pg_terminate_backend(pid)) AS value FROM pg_stat_activity
               WHERE datname = current_database() AND pid <> pg_backend_pid()";
    assert!(store.number(cut) > 0);
    store.claim("mira@example.com").await;
    assert!(store.number(cut) > 0);
    assert!(store.find_login("mira@example.com").await.unwrap().is_some());
    assert_eq!(store.number("SELECT count(*) AS value FROM customers"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_connection_carries_the_name_and_the_timeout() {
    let store = TestStore::create(Engine::Postgres).await;
    let named = "SELECT count(*) AS value FROM pg_stat_activity
                 WHERE datname = current_database() AND application_name = 'vestibule'";
    assert!(store.number(named) > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_goes_away_is_unavailable_and_comes_back() {
    let store = TestStore::with(Engine::Postgres, |settings| settings.wait_milliseconds = 500).await;
    let account = store.claim("mira@example.com").await;
    let name = store.texts("SELECT current_database() AS value").remove(0);
    let server = std::env::var("VESTIBULE_TEST_POSTGRES").unwrap();
    let mut administrator = PgConnection::establish(&server).unwrap();
    let cut = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'");
    administrator.batch_execute(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false; {cut}")).unwrap();
    let outcome = store.find_customer(account.id).await;
    assert!(is_unavailable(&outcome), "{outcome:?}");
    let outcome = store.queue_resend(store::Resend {
        canonical_email: "mira@example.com".to_owned(),
        cool_down: Duration::from_secs(1),
        max_mails_per_day: 20,
        message_ids: [message_id(), message_id(), message_id()],
        now: after(1),
    });
    assert!(is_unavailable(&outcome.await));
    administrator.batch_execute(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true")).unwrap();
    let key = store.key(account.id, "key").await;
    assert_eq!(store.confirm_by_key(key, START).await.unwrap(), Some(account.id));
}
