//! Signing up, and asking for new messages.

use std::time::Duration;

use crate::common::{START, TestStore, after, at_once, claim, inserted, message_id, on_both_engines};
use domain::{Customer, DoubleOptIn, Gender, Profile, Reregistration, Salutation};
use store::{ClaimOutcome, Resend, StoreError};
use testkit::Engine;

fn is_taken(outcome: &ClaimOutcome) -> bool {
    matches!(outcome, ClaimOutcome::Taken)
}

fn resend(email: &str, now: domain::Timestamp) -> Resend {
    Resend {
        canonical_email: email.to_owned(),
        cool_down: Duration::from_secs(60),
        max_mails_per_day: 20,
        message_ids: [message_id(), message_id(), message_id()],
        now,
    }
}

const QUEUED: &str = "SELECT count(*) AS value FROM outbox";

on_both_engines! {
    async fn a_claim_is_answered_as_it_is_stored(store: &TestStore) {
        let mut new = claim("Mira.Olsen@bücher.example");
        new.profile = Profile {
            salutation: Some(Salutation::Mrs),
            first_name: Some("Mira".to_owned()),
            last_name: Some("Ölsen 😀".to_owned()),
            gender: Some(Gender::Female),
            date_of_birth: Some("1990-02-28".parse().unwrap()),
            phone: Some("+49 40 1234".to_owned()),
            company: Some("Olsen & Co".to_owned()),
            subscribed_to_newsletter: true,
        };
        let profile = new.profile.clone();
        let account = inserted(store.insert_claim(new).await.unwrap());
        assert_eq!(account.reference, format!("DE--{}", account.id));
        assert_eq!((account.created_at, account.updated_at), (START, START));
        let stored = store.find_customer(account.id).await.unwrap().unwrap();
        assert!(matches!(stored, Customer::Unconfirmed(_)));
        let stored = stored.account();
        assert_eq!(stored.reference, account.reference);
        assert_eq!(stored.email.as_typed(), "Mira.Olsen@bücher.example");
        assert_eq!(stored.email.canonical(), "mira.olsen@xn--bcher-kva.example");
        assert!(stored.profile == profile && account.profile == profile);
        assert_eq!((stored.locale.as_str(), stored.store.as_str()), ("de_DE", "DE"));
    }

    async fn a_claim_brings_its_consents_its_message_and_a_line(store: &TestStore) {
        let account = store.claim("mira@example.com").await;
        assert_eq!(store.texts("SELECT purpose || '/' || channel AS value FROM consents"), ["terms/glue"]);
        assert_eq!(store.texts("SELECT kind AS value FROM outbox"), ["registration-confirmation"]);
        assert_eq!(store.number("SELECT customer_id AS value FROM outbox"), account.id.0);
        assert_eq!(store.texts("SELECT kind AS value FROM timeline"), ["registered"]);
    }

    async fn numbers_are_never_used_twice(store: &TestStore) {
        let first = store.claim("mira@example.com").await;
        store.execute("DELETE FROM customers");
        assert!(store.claim("mira@example.com").await.id > first.id);
    }

    async fn an_imported_reference_wins(store: &TestStore) {
        let account = store.claim("mira@example.com").await;
        store.execute("UPDATE customers SET imported_reference = 'OLD-1'");
        assert_eq!(store.find_customer(account.id).await.unwrap().unwrap().account().reference, "OLD-1");
    }

    async fn several_claims_may_be_open_up_to_the_limit(store: &TestStore) {
        for _ in 0..8 {
            store.claim("mira@example.com").await;
        }
        assert!(is_taken(&store.insert_claim(claim("mira@example.com")).await.unwrap()));
        let hidden = store::NewClaim { hide_taken: true, ..claim("mira@example.com") };
        assert!(is_taken(&store.insert_claim(hidden).await.unwrap()));
        store.claim("other@example.com").await;
        assert_eq!(store.number(QUEUED), 9);
    }

    async fn at_the_same_moment_no_more_claims_fit(store: &TestStore) {
        let outcomes = at_once(64, |_| {
            let store = store.store.clone();
            async move { store.insert_claim(claim("mira@example.com")).await.unwrap() }
        })
        .await;
        assert_eq!(outcomes.iter().filter(|outcome| !is_taken(outcome)).count(), 8);
        assert_eq!(store.number("SELECT count(*) AS value FROM customers"), 8);
        assert_eq!(store.number(QUEUED), 8);
    }

    async fn with_reject_an_open_claim_takes_the_address(store: &TestStore) {
        store.claim("mira@example.com").await;
        let second = store::NewClaim { reregistration: Reregistration::Reject, ..claim("mira@example.com") };
        assert!(is_taken(&store.insert_claim(second).await.unwrap()));
        assert_eq!(store.number(QUEUED), 1);
    }

    async fn the_owner_of_a_taken_address_is_told_once_in_a_while(store: &TestStore) {
        let owner = store.account("mira@example.com").await;
        for (seconds, notices) in [(0, 1), (3599, 1), (3600, 2), (3601, 2)] {
            let again = store::NewClaim { now: after(seconds), ..claim("mira@example.com") };
            assert!(is_taken(&store.insert_claim(again).await.unwrap()));
            let told = format!(
                "SELECT count(*) AS value FROM outbox WHERE kind = 'registration-notice' AND customer_id = {}",
                owner.id
            );
            assert_eq!(store.number(&told), notices, "after {seconds} s");
        }
        assert_eq!(store.number("SELECT count(*) AS value FROM customers"), 1);
    }

    async fn a_hidden_taken_address_gets_a_claim_with_the_notice(store: &TestStore) {
        store.account("mira@example.com").await;
        let hidden = store::NewClaim { hide_taken: true, ..claim("mira@example.com") };
        let account = inserted(store.insert_claim(hidden).await.unwrap());
        assert!(matches!(store.find_customer(account.id).await.unwrap(), Some(Customer::Unconfirmed(_))));
        assert_eq!(store.texts("SELECT kind AS value FROM outbox"), ["registration-notice"]);
        assert_eq!(store.number("SELECT customer_id AS value FROM outbox"), account.id.0);
    }

    async fn without_double_opt_in_a_claim_is_confirmed_and_settles_the_others(store: &TestStore) {
        let open = store.claim("mira@example.com").await;
        let off = || store::NewClaim { double_opt_in: DoubleOptIn::Off, ..claim("mira@example.com") };
        let account = inserted(store.insert_claim(off()).await.unwrap());
        assert!(matches!(store.find_customer(account.id).await.unwrap(), Some(Customer::Confirmed(_))));
        assert!(store.find_customer(open.id).await.unwrap().is_none());
        assert_eq!(store.texts("SELECT kind AS value FROM outbox"), ["registration-welcome"]);
        assert!(is_taken(&store.insert_claim(off()).await.unwrap()));
    }

    async fn without_double_opt_in_one_of_many_at_once_wins(store: &TestStore) {
        let outcomes = at_once(16, |_| {
            let store = store.store.clone();
            let off = store::NewClaim { double_opt_in: DoubleOptIn::Off, ..claim("mira@example.com") };
            async move { store.insert_claim(off).await.unwrap() }
        })
        .await;
        assert_eq!(outcomes.iter().filter(|outcome| !is_taken(outcome)).count(), 1);
    }

    async fn a_resend_reaches_the_three_newest_claims_once_in_a_while(store: &TestStore) {
        let mut claims = Vec::new();
        for _ in 0..4 {
            claims.push(store.claim("mira@example.com").await.id.0);
        }
        store.execute("DELETE FROM outbox");
        for (seconds, messages) in [(0, 3), (59, 3), (60, 6)] {
            store.queue_resend(resend("mira@example.com", after(seconds))).await.unwrap();
            assert_eq!(store.number(QUEUED), messages, "after {seconds} s");
        }
        let oldest = format!("SELECT count(*) AS value FROM outbox WHERE customer_id = {}", claims[0]);
        assert_eq!(store.number(&oldest), 0);
    }

    async fn resends_at_the_same_moment_count_once(store: &TestStore) {
        store.claim("mira@example.com").await;
        store.execute("DELETE FROM outbox");
        at_once(32, |_| {
            let store = store.store.clone();
            async move { store.queue_resend(resend("mira@example.com", START)).await.unwrap() }
        })
        .await;
        assert_eq!(store.number(QUEUED), 1);
    }

    async fn a_resend_for_nobody_or_for_an_account_sends_nothing_but_counts(store: &TestStore) {
        store.account("mira@example.com").await;
        let hidden = store::NewClaim { hide_taken: true, ..claim("mira@example.com") };
        inserted(store.insert_claim(hidden).await.unwrap());
        store.execute("DELETE FROM outbox");
        store.execute("DELETE FROM budgets");
        store.queue_resend(resend("mira@example.com", START)).await.unwrap();
        store.queue_resend(resend("nobody@example.com", START)).await.unwrap();
        assert_eq!(store.number(QUEUED), 0);
        assert_eq!(store.number("SELECT count(*) AS value FROM budgets"), 4);
    }
}

async fn a_full_outbox_refuses_and_writes_nothing(engine: Engine) {
    let store = TestStore::with(engine, |settings| settings.outbox_limit = 2).await;
    store.claim("one@example.com").await;
    store.claim("two@example.com").await;
    let refused = store.insert_claim(claim("three@example.com")).await;
    assert!(matches!(refused, Err(StoreError::OutboxFull)), "{refused:?}");
    for email in ["one@example.com", "nobody@example.com"] {
        assert_eq!(store.queue_resend(resend(email, START)).await, Err(StoreError::OutboxFull));
    }
    assert_eq!(store.number("SELECT count(*) AS value FROM customers"), 2);
    assert_eq!(store.number("SELECT count(*) AS value FROM budgets"), 2);
    store.execute("DELETE FROM outbox");
    store.queue_resend(resend("one@example.com", START)).await.unwrap();
    assert_eq!(store.number(QUEUED), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_outbox_refuses_on_sqlite() {
    a_full_outbox_refuses_and_writes_nothing(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_outbox_refuses_on_postgresql() {
    a_full_outbox_refuses_and_writes_nothing(Engine::Postgres).await;
}
