//! Passwords that are forgotten, and passwords that are changed.

use std::time::Duration;

use crate::common::{
    START, TestStore, after, at_once, email_key, hash, message_id, new_key, on_both_engines, restore_key,
};
use domain::{Customer, CustomerId, Digest, Timestamp};
use store::{ChangePassword, RestorePassword, RestoreRequest, Store, StoreError};
use testkit::Engine;

fn request(email: &str, now: Timestamp) -> RestoreRequest {
    let cool_down = Duration::from_secs(60);
    RestoreRequest {
        canonical_email: email.to_owned(),
        cool_down,
        max_mails_per_day: 20,
        message_id: message_id(),
        now,
    }
}

fn restore(key: &str, now: Timestamp) -> RestorePassword {
    RestorePassword {
        key: Digest::of(key),
        canonical_email: None,
        password_hash: hash("$argon2id$new"),
        confirm: false,
        message_id: message_id(),
        now,
    }
}

fn change(id: CustomerId, old: &str, new: &str) -> ChangePassword {
    ChangePassword { id, old: hash(old), new: hash(new), kept_bearer: None, message_id: message_id(), now: after(1) }
}

async fn stored_hash(store: &Store, id: CustomerId) -> String {
    store.find_login_by_id(id).await.unwrap().unwrap().password_hash.unwrap().expose().to_owned()
}

async fn is_live(store: &Store, key: &str) -> bool {
    store.is_restore_key_live(Digest::of(key), after(1)).await.unwrap()
}

on_both_engines! {
    async fn a_wish_reaches_the_account_else_the_newest_claim_once_in_a_while(store: &TestStore) {
        store.claim("mira@example.com").await;
        let newest = store.claim("mira@example.com").await;
        store.execute("DELETE FROM outbox");
        for (seconds, messages) in [(0, 1), (59, 1), (60, 2)] {
            store.queue_restore(request("mira@example.com", after(seconds))).await.unwrap();
            assert_eq!(store.queued(), vec!["restore-password"; messages], "after {seconds} s");
        }
        let own = format!("SELECT count(*) AS value FROM outbox WHERE customer_id = {}", newest.id);
        assert_eq!(store.number(&own), 2);
        let account = store.account("noor@example.com").await;
        store.queue_restore(request("noor@example.com", START)).await.unwrap();
        let own = format!("SELECT count(*) AS value FROM outbox WHERE customer_id = {}", account.id);
        assert_eq!(store.number(&own), 1);
    }

    async fn a_wish_for_nobody_writes_as_much_but_the_message(store: &TestStore) {
        store.account("mira@example.com").await;
        store.execute("DELETE FROM budgets");
        for email in ["mira@example.com", "nobody@example.com"] {
            store.queue_restore(request(email, START)).await.unwrap();
        }
        assert_eq!(store.number("SELECT count(*) AS value FROM budgets"), 4);
        assert_eq!(store.queued(), ["restore-password"]);
    }

    async fn wishes_at_the_same_moment_count_once(store: &TestStore) {
        store.account("mira@example.com").await;
        at_once(32, |_| {
            let store = store.store.clone();
            async move { store.queue_restore(request("mira@example.com", START)).await.unwrap() }
        })
        .await;
        assert_eq!(store.queued(), ["restore-password"]);
    }

    async fn a_key_sets_the_password_and_ends_what_the_old_one_led_to(store: &TestStore) {
        let account = store.account("mira@example.com").await;
        store.log_in(account.id, "token").await;
        store.queue_restore(request("mira@example.com", START)).await.unwrap();
        store.insert_key(restore_key(account.id, "key")).await.unwrap();
        store.insert_key(email_key(account.id, "move", "new@example.com")).await.unwrap();
        assert!(is_live(store, "key").await);
        assert_eq!(store.restore_password(restore("key", after(5))).await.unwrap(), Some(account.id));
        assert_eq!(stored_hash(store, account.id).await, "$argon2id$new");
        let customer = store.find_customer(account.id).await.unwrap().unwrap();
        assert_eq!(customer.account().updated_at, after(5));
        let confirmed = customer.confirmed().unwrap();
        assert!(confirmed.admits(after(4)).is_err());
        assert!(confirmed.admits(after(5)).is_ok());
        assert_eq!(store.live_tokens(), 0);
        assert_eq!(store.queued(), ["password-changed"]);
        assert_eq!(store.lines(account.id), ["registered", "confirmed", "password-restored"]);
        assert!(!is_live(store, "key").await);
        assert_eq!(store.restore_password(restore("key", after(6))).await.unwrap(), None);
        assert_eq!(store.confirm_email_change(Digest::of("move"), after(6)).await.unwrap(), None);
    }

    async fn a_key_is_good_only_for_the_address_that_is_told(store: &TestStore) {
        let account = store.account("mira@example.com").await;
        store.account("noor@example.com").await;
        store.insert_key(restore_key(account.id, "key")).await.unwrap();
        let of = |email: &str| RestorePassword { canonical_email: Some(email.to_owned()), ..restore("key", after(1)) };
        for other in ["noor@example.com", "nobody@example.com", ""] {
            assert_eq!(store.restore_password(of(other)).await.unwrap(), None, "{other}");
        }
        assert!(is_live(store, "key").await, "a refusal consumes nothing");
        assert_eq!(store.restore_password(of("mira@example.com")).await.unwrap(), Some(account.id));
    }

    async fn a_restored_claim_is_open_still_unless_that_confirms_it(store: &TestStore) {
        for confirm in [false, true] {
            let email = format!("mira-{confirm}@example.com");
            let rival = store.claim(&email).await;
            let claim = store.claim(&email).await;
            let key = format!("key {confirm}");
            store.insert_key(restore_key(claim.id, &key)).await.unwrap();
            let restored = store.restore_password(RestorePassword { confirm, ..restore(&key, after(5)) }).await;
            assert_eq!(restored.unwrap(), Some(claim.id));
            assert_eq!(stored_hash(store, claim.id).await, "$argon2id$new");
            let customer = store.find_customer(claim.id).await.unwrap().unwrap();
            assert_eq!(matches!(customer, Customer::Confirmed(_)), confirm);
            assert_eq!(store.find_customer(rival.id).await.unwrap().is_none(), confirm);
            let lines = store.lines(claim.id);
            assert_eq!(lines.contains(&"confirmed".to_owned()), confirm, "{lines:?}");
            assert_eq!(lines.last().map(String::as_str), Some("password-restored"));
        }
    }

    async fn a_claim_whose_address_has_an_owner_is_not_confirmed_by_a_restore(store: &TestStore) {
        let claim = store.claim("mira@example.com").await;
        store.insert_key(restore_key(claim.id, "key")).await.unwrap();
        let owner = store.account("noor@example.com").await;
        store.execute(&format!("UPDATE customers SET email_canonical = 'mira@example.com' WHERE id = {}", owner.id));
        let with = RestorePassword { confirm: true, ..restore("key", after(1)) };
        assert_eq!(store.restore_password(with).await.unwrap(), None);
        assert_eq!(stored_hash(store, claim.id).await, "$argon2id$test");
        assert!(is_live(store, "key").await, "a refusal consumes nothing");
    }

    async fn what_is_no_live_restore_key_is_refused_and_changes_nothing(store: &TestStore) {
        let account = store.account("mira@example.com").await;
        store.insert_key(restore_key(account.id, "key")).await.unwrap();
        let used = format!("of {}", account.id);
        for (key, now) in [("never", after(1)), ("key", after(86_400)), (used.as_str(), after(1))] {
            assert_eq!(store.restore_password(restore(key, now)).await.unwrap(), None, "{key}");
            assert!(!store.is_restore_key_live(Digest::of(key), now).await.unwrap(), "{key}");
        }
        store.insert_key(new_key(store.claim("noor@example.com").await.id, "confirmation")).await.unwrap();
        assert_eq!(store.restore_password(restore("confirmation", after(1))).await.unwrap(), None);
        store.execute("UPDATE customers SET anonymised_at = 1");
        assert_eq!(store.restore_password(restore("key", after(1))).await.unwrap(), None);
        assert!(!is_live(store, "key").await);
        assert_eq!(stored_hash(store, account.id).await, "$argon2id$test");
        assert_eq!(store.number("SELECT count(*) AS value FROM one_time_secrets WHERE used_at IS NULL"), 2);
    }

    async fn of_many_restores_with_one_key_at_once_one_counts(store: &TestStore) {
        for round in 0..4 {
            let account = store.account(&format!("mira{round}@example.com")).await;
            let key = format!("key {round}");
            store.insert_key(restore_key(account.id, &key)).await.unwrap();
            let outcomes = at_once(16, |index| {
                let store = store.store.clone();
                let password_hash = hash(&format!("hash {index}"));
                let restore = RestorePassword { password_hash, ..restore(&key, after(1)) };
                async move { store.restore_password(restore).await.unwrap() }
            })
            .await;
            let winners: Vec<usize> = (0..16).filter(|index| outcomes[*index].is_some()).collect();
            assert_eq!(winners.len(), 1);
            assert_eq!(stored_hash(store, account.id).await, format!("hash {}", winners[0]));
        }
        assert_eq!(store.queued(), ["password-changed"; 4]);
    }

    async fn restores_that_confirm_and_confirmations_at_once_leave_one_account(store: &TestStore) {
        let mut keys = Vec::new();
        for index in 0..4 {
            let claim = store.claim("mira@example.com").await;
            store.insert_key(restore_key(claim.id, &format!("restore {index}"))).await.unwrap();
            keys.push(store.key(claim.id, &format!("confirm {index}")).await);
        }
        at_once(16, |index| {
            let (store, key) = (store.store.clone(), keys[index % 4]);
            async move {
                if index % 8 < 4 {
                    let restore = restore(&format!("restore {}", index % 4), after(1));
                    store.restore_password(RestorePassword { confirm: true, ..restore }).await.unwrap();
                } else {
                    store.confirm_by_key(key, after(1)).await.unwrap();
                }
            }
        })
        .await;
        assert_eq!(store.number("SELECT count(*) AS value FROM customers"), 1);
        assert_eq!(store.number("SELECT count(*) AS value FROM customers WHERE confirmed_at IS NOT NULL"), 1);
    }

    async fn a_password_is_changed_where_the_old_one_is_still_there(store: &TestStore) {
        let account = store.account("mira@example.com").await;
        store.log_in(account.id, "token").await;
        store.queue_restore(request("mira@example.com", START)).await.unwrap();
        store.insert_key(restore_key(account.id, "key")).await.unwrap();
        store.insert_key(email_key(account.id, "move", "new@example.com")).await.unwrap();
        assert!(!store.change_password(change(account.id, "other", "new")).await.unwrap());
        assert!(is_live(store, "key").await);
        assert!(store.change_password(change(account.id, "$argon2id$test", "new")).await.unwrap());
        assert_eq!(stored_hash(store, account.id).await, "new");
        assert!(!is_live(store, "key").await);
        assert_eq!(store.live_tokens(), 0);
        assert_eq!(store.queued(), ["password-changed"]);
        assert_eq!(store.lines(account.id), ["registered", "confirmed", "password-changed"]);
        assert_eq!(store.confirm_email_change(Digest::of("move"), after(2)).await.unwrap(), None);
        let customer = store.find_customer(account.id).await.unwrap().unwrap();
        assert_eq!(customer.account().updated_at, after(1));
        assert!(customer.confirmed().unwrap().admits(START).is_ok(), "access tokens live on");
    }

    async fn of_many_changes_at_once_one_counts(store: &TestStore) {
        let account = store.account("mira@example.com").await;
        let outcomes = at_once(16, |index| {
            let store = store.store.clone();
            async move {
                store.change_password(change(account.id, "$argon2id$test", &index.to_string())).await.unwrap()
            }
        })
        .await;
        assert_eq!(outcomes.iter().filter(|changed| **changed).count(), 1);
        assert_eq!(store.queued(), ["password-changed"]);
    }

    async fn only_a_confirmed_customer_changes_a_password(store: &TestStore) {
        let claim = store.claim("mira@example.com").await;
        assert!(!store.change_password(change(claim.id, "$argon2id$test", "new")).await.unwrap());
        assert!(!store.change_password(change(CustomerId(4711), "$argon2id$test", "new")).await.unwrap());
        store.execute("UPDATE customers SET confirmed_at = 1, anonymised_at = 1");
        assert!(!store.change_password(change(claim.id, "$argon2id$test", "new")).await.unwrap());
    }
}

async fn a_full_outbox_refuses(engine: Engine) {
    let store = TestStore::with(engine, |settings| settings.outbox_limit = 1).await;
    store.claim("mira@example.com").await;
    for email in ["mira@example.com", "nobody@example.com"] {
        assert_eq!(store.queue_restore(request(email, START)).await, Err(StoreError::OutboxFull));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_outbox_refuses_on_sqlite() {
    a_full_outbox_refuses(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_outbox_refuses_on_postgresql() {
    a_full_outbox_refuses(Engine::Postgres).await;
}
