//! Claims that wait to be confirmed, written through the store as a registration would.

use std::sync::Arc;
use std::time::Duration;

use domain::{
    Clock, CustomerId, DoubleOptIn, EmailAddress, LinkKey, Locale, MessageId, PasswordHash, Profile, Reregistration,
    SecretPurpose, SystemClock, SystemRandomness,
};
use store::{ClaimOutcome, NewClaim, NewConsent, NewKey, Store, StoreSettings};

use crate::Failure;

/// Units of work under way at once while seeding.
const PARALLEL: usize = 256;

/// The key of the claim with this number. Countable, so that a baseline can name it in SQL.
pub(crate) fn key(number: usize) -> String {
    format!("{number:032}")
}

/// The address of the claim with this number.
pub(crate) fn email(number: usize) -> String {
    format!("customer{number}@example.com")
}

/// Opens the store of `url`, with its tables.
pub(crate) async fn open(url: &str) -> Result<Store, Failure> {
    let settings = StoreSettings {
        url: url.to_owned(),
        readers: 2,
        connections: 16,
        queue: 4096,
        wait_milliseconds: 60_000,
        statement_timeout_milliseconds: 60_000,
        outbox_limit: 10_000_000,
    };
    let store = Store::open(&settings, tokio::runtime::Handle::current())?;
    store.migrate().await?;
    Ok(store)
}

/// Makes the claims `0..count`, each with one key.
pub(crate) async fn claims(store: &Store, count: usize, password_hash: Option<PasswordHash>) -> Result<(), Failure> {
    let next = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let tasks: Vec<_> = (0..PARALLEL)
        .map(|_| {
            let (store, next, hash) = (store.clone(), Arc::clone(&next), password_hash.clone());
            tokio::spawn(async move {
                loop {
                    let number = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    if number >= count {
                        return Ok::<_, Failure>(());
                    }
                    let customer = claim(&store, number, hash.clone()).await?;
                    give_key(&store, number, customer).await?;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await??;
    }
    Ok(())
}

async fn claim(store: &Store, number: usize, password_hash: Option<PasswordHash>) -> Result<CustomerId, Failure> {
    let claim = NewClaim {
        email: EmailAddress::parse(&email(number)).map_err(|_| "a seed address is none")?,
        password_hash,
        profile: Profile::default(),
        locale: Locale::parse("de_DE").ok_or("a seed locale is none")?,
        store: "DE".to_owned(),
        reference_prefix: "DE".to_owned(),
        phone_is_unique: false,
        consents: vec![NewConsent { purpose: "terms", channel: "glue" }],
        double_opt_in: DoubleOptIn::Required,
        reregistration: Reregistration::Claim,
        hide_taken: false,
        max_open_claims: 8,
        message_id: MessageId::generate(&SystemRandomness),
        notice_cool_down: Duration::from_secs(60),
        guest: None,
        now: SystemClock.now(),
    };
    match store.insert_claim(claim).await? {
        ClaimOutcome::Inserted(account) => Ok(account.id),
        ClaimOutcome::Taken | ClaimOutcome::PhoneTaken => Err("a seed address is taken".into()),
    }
}

async fn give_key(store: &Store, number: usize, customer: CustomerId) -> Result<(), Failure> {
    let digest = LinkKey::parse(&key(number)).ok_or("a seed key is none")?.digest();
    let key = NewKey {
        customer,
        purpose: SecretPurpose::Confirmation,
        digest,
        code: None,
        expires_at: None,
        email: None,
        message: None,
        notice_id: MessageId::generate(&SystemRandomness),
        notice_cool_down: Duration::ZERO,
        is_code: false,
        now: SystemClock.now(),
    };
    store.insert_key(key).await?;
    Ok(())
}
