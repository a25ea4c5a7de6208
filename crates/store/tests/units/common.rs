//! A store on a database of its own, and short ways to fill it.

use std::future::Future;
use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use diesel::{PgConnection, QueryableByName, SqliteConnection, sql_query};
use domain::{
    Account, Code, CodeDigest, CustomerId, Digest, DoubleOptIn, EmailAddress, FamilyId, Locale, MessageId,
    PasswordHash, Profile, Reregistration, SecretPurpose, ServerKey, SystemRandomness, Timestamp,
};
use store::{
    CartRules, ClaimOutcome, KeyOutcome, NewClaim, NewConsent, NewKey, NewRefreshToken, NewTokenOutcome, Store,
    StoreSettings,
};
use testkit::{Engine, TestDatabase};
use tokio::runtime::Handle;

/// Runs each case on a fresh database of either kind.
macro_rules! on_both_engines {
    ($(async fn $name:ident($store:ident: &TestStore) $body:block)*) => {
        $(async fn $name($store: &TestStore) $body)*

        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(&crate::common::TestStore::create(testkit::Engine::Sqlite).await).await;
            })*
        }

        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(&crate::common::TestStore::create(testkit::Engine::Postgres).await).await;
            })*
        }
    };
}
pub(crate) use on_both_engines;

/// The moment at which tests begin.
pub const START: Timestamp = Timestamp::from_micros(1_772_619_300_123_456);

pub fn after(seconds: u64) -> Timestamp {
    START.plus(Duration::from_secs(seconds))
}

pub fn settings(url: &str) -> StoreSettings {
    StoreSettings {
        url: url.to_owned(),
        readers: 2,
        connections: 8,
        queue: 1000,
        wait_milliseconds: 20_000,
        statement_timeout_milliseconds: 20_000,
        outbox_limit: 1000,
    }
}

pub struct TestStore {
    pub store: Store,
    pub database: TestDatabase,
}

impl std::ops::Deref for TestStore {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    value: i64,
}

#[derive(QueryableByName)]
struct Texts {
    #[diesel(sql_type = Nullable<Text>)]
    value: Option<String>,
}

impl TestStore {
    /// A store on a fresh database with all tables.
    pub async fn create(engine: Engine) -> Self {
        Self::with(engine, |_| ()).await
    }

    pub async fn with(engine: Engine, change: impl FnOnce(&mut StoreSettings)) -> Self {
        let database = TestDatabase::create(engine);
        let mut settings = settings(&database.url);
        change(&mut settings);
        let store = Store::open(&settings, Handle::current()).unwrap();
        store.migrate().await.unwrap();
        Self { store, database }
    }

    /// A number straight from the database: `SELECT … AS value`.
    pub fn number(&self, sql: &str) -> i64 {
        match self.database.engine() {
            Engine::Sqlite => sql_query(sql).get_result::<Number>(&mut self.sqlite()).unwrap().value,
            Engine::Postgres => sql_query(sql).get_result::<Number>(&mut self.postgres()).unwrap().value,
        }
    }

    /// Texts straight from the database: `SELECT … AS value`.
    pub fn texts(&self, sql: &str) -> Vec<String> {
        let rows: Vec<Texts> = match self.database.engine() {
            Engine::Sqlite => sql_query(sql).load(&mut self.sqlite()).unwrap(),
            Engine::Postgres => sql_query(sql).load(&mut self.postgres()).unwrap(),
        };
        rows.into_iter().map(|row| row.value.unwrap_or_default()).collect()
    }

    /// A change behind the store's back.
    pub fn execute(&self, sql: &str) {
        match self.database.engine() {
            Engine::Sqlite => sql_query(sql).execute(&mut self.sqlite()).unwrap(),
            Engine::Postgres => sql_query(sql).execute(&mut self.postgres()).unwrap(),
        };
    }

    fn sqlite(&self) -> SqliteConnection {
        let mut connection = SqliteConnection::establish(self.database.url.strip_prefix("sqlite://").unwrap()).unwrap();
        sql_query("PRAGMA busy_timeout = 5000").execute(&mut connection).unwrap();
        connection
    }

    fn postgres(&self) -> PgConnection {
        PgConnection::establish(&self.database.url).unwrap()
    }

    /// An ordinary claim.
    pub async fn claim(&self, email: &str) -> Account {
        inserted(self.insert_claim(claim(email)).await.unwrap())
    }

    /// A key of a claim that is good for a day.
    pub async fn key(&self, customer: CustomerId, key: &str) -> Digest {
        assert_eq!(self.insert_key(new_key(customer, key)).await.unwrap(), KeyOutcome::Inserted);
        Digest::of(key)
    }

    /// A refresh token of a customer.
    pub async fn log_in(&self, customer: CustomerId, text: &str) {
        let login = self.find_login_by_id(customer).await.unwrap().unwrap();
        let token = NewRefreshToken {
            digest: Digest::of(text),
            family: FamilyId::generate(&SystemRandomness),
            customer,
            password_hash: login.password_hash.unwrap(),
            created_at: START,
            expires_at: after(1000),
        };
        assert_eq!(self.insert_refresh_token(token, None).await.unwrap(), NewTokenOutcome::Inserted);
    }

    /// How many refresh tokens are good.
    pub fn live_tokens(&self) -> i64 {
        self.number("SELECT count(*) AS value FROM refresh_tokens WHERE revoked_at IS NULL")
    }

    /// What waits, as `kind address`, in order; the address where it is not the customer's own.
    pub fn queued(&self) -> Vec<String> {
        self.texts("SELECT trim(kind || ' ' || coalesce(email, '')) AS value FROM outbox ORDER BY id")
    }

    /// The kinds of a customer's lines, in order.
    pub fn lines(&self, customer: CustomerId) -> Vec<String> {
        self.texts(&format!("SELECT kind AS value FROM timeline WHERE customer_id = {customer} ORDER BY id"))
    }

    /// A confirmed account.
    pub async fn account(&self, email: &str) -> Account {
        let account = self.claim(email).await;
        let key = self.key(account.id, &format!("of {}", account.id)).await;
        assert_eq!(self.confirm_by_key(key, START).await.unwrap(), Some(account.id));
        account
    }
}

pub fn message_id() -> MessageId {
    MessageId::generate(&SystemRandomness)
}

pub fn claim(email: &str) -> NewClaim {
    NewClaim {
        email: EmailAddress::parse(email).unwrap(),
        password_hash: Some(hash(FIRST_HASH)),
        profile: Profile::default(),
        locale: Locale::parse("de_DE").unwrap(),
        store: "DE".to_owned(),
        reference_prefix: "DE".to_owned(),
        phone_is_unique: false,
        consents: vec![NewConsent { purpose: "terms", channel: "glue" }],
        double_opt_in: DoubleOptIn::Required,
        reregistration: Reregistration::Claim,
        hide_taken: false,
        max_open_claims: 8,
        message_id: message_id(),
        notice_cool_down: Duration::from_secs(3600),
        guest: None,
        now: START,
    }
}

/// The rules of a single-cart shop.
pub fn cart_rules(now: Timestamp) -> CartRules {
    CartRules {
        max_items: 500,
        max_carts: 1,
        guest_cart_lifetime: Duration::from_secs(30 * 86_400),
        shows_returned: true,
        now,
    }
}

pub fn new_key(customer: CustomerId, key: &str) -> NewKey {
    let digest = Digest::of(key);
    NewKey {
        customer,
        purpose: SecretPurpose::Confirmation,
        digest,
        code: Some(code(&digest, "123456")),
        is_code: false,
        expires_at: Some(after(86_400)),
        email: None,
        message: None,
        notice_id: message_id(),
        notice_cool_down: Duration::from_secs(3600),
        now: START,
    }
}

/// A key that restores a password.
pub fn restore_key(customer: CustomerId, key: &str) -> NewKey {
    NewKey { purpose: SecretPurpose::Restore, ..new_key(customer, key) }
}

/// A key that moves an account to another address.
pub fn email_key(customer: CustomerId, key: &str, email: &str) -> NewKey {
    let email = Some(EmailAddress::parse(email).unwrap());
    NewKey { purpose: SecretPurpose::EmailChange, email, ..new_key(customer, key) }
}

/// The hash of every claim of these tests.
pub const FIRST_HASH: &str = "$argon2id$test";

pub fn hash(text: &str) -> PasswordHash {
    PasswordHash::from_stored(text.to_owned())
}

pub fn code(key: &Digest, text: &str) -> CodeDigest {
    Code::parse(text).unwrap().digest(key, &ServerKey::from_bytes([7; 32]))
}

pub fn inserted(outcome: ClaimOutcome) -> Account {
    match outcome {
        ClaimOutcome::Inserted(account) => account,
        ClaimOutcome::Taken => panic!("the address is taken"),
        ClaimOutcome::PhoneTaken => panic!("the telephone number is taken"),
    }
}

/// Runs `count` futures at once and gathers what comes out of them.
pub async fn at_once<T, F>(count: usize, make: impl Fn(usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let tasks: Vec<_> = (0..count).map(|index| tokio::spawn(make(index))).collect();
    let mut outcomes = Vec::new();
    for task in tasks {
        outcomes.push(task.await.unwrap());
    }
    outcomes
}
