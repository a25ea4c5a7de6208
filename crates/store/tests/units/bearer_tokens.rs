//! Bearer tokens.

use crate::common::{FIRST_HASH, START, TestStore, after, at_once, hash, message_id, on_both_engines, restore_key};
use domain::{CustomerId, Digest, EmailAddress};
use std::time::Duration;
use store::{BearerOutcome, ChangePassword, LoginLock, NewBearerToken, RestorePassword};

/// A token of a login whose password was checked against the first hash.
fn token(customer: CustomerId, text: &str) -> NewBearerToken {
    NewBearerToken { digest: Digest::of(text), customer, password_hash: hash(FIRST_HASH), now: START }
}

async fn insert(store: &TestStore, customer: CustomerId, text: &str) -> i64 {
    match store.insert_bearer_token(token(customer, text), None).await.unwrap() {
        BearerOutcome::Inserted(number) => number,
        outcome => panic!("{outcome:?}"),
    }
}

async fn is_good(store: &TestStore, number: i64, text: &str) -> bool {
    store.find_bearer_token(number, Digest::of(text)).await.unwrap().is_some()
}

fn change(customer: CustomerId, kept_bearer: Option<i64>) -> ChangePassword {
    ChangePassword {
        id: customer,
        old: hash(FIRST_HASH),
        new: hash("another"),
        kept_bearer,
        message_id: message_id(),
        now: after(1),
    }
}

on_both_engines! {
    async fn a_token_is_known_by_its_number_and_its_secret(store: &TestStore) {
        let account = store.account("mira@example.com").await;
        let (one, two) = (insert(store, account.id, "one").await, insert(store, account.id, "two").await);
        let (customer, issued_at) = store.find_bearer_token(one, Digest::of("one")).await.unwrap().unwrap();
        assert_eq!((customer.account().id, issued_at), (account.id, START));
        assert!(is_good(store, two, "two").await);
        for (number, text) in [(one, "two"), (two, "one"), (two + 1, "two"), (0, "one")] {
            assert!(!is_good(store, number, text).await, "{number} {text}");
            assert!(!store.delete_bearer_token(number, Digest::of(text)).await.unwrap(), "{number} {text}");
        }
        assert!(store.delete_bearer_token(one, Digest::of("one")).await.unwrap());
        assert!(!store.delete_bearer_token(one, Digest::of("one")).await.unwrap());
        assert!(!is_good(store, one, "one").await && is_good(store, two, "two").await);
        assert!(insert(store, account.id, "three").await > two, "no number is used twice");
    }

    async fn the_fifty_newest_are_kept_of_each_customer(store: &TestStore) {
        let (mira, noor) = (store.account("mira@example.com").await, store.account("noor@example.com").await);
        let other = insert(store, noor.id, "other").await;
        let mut numbers = Vec::new();
        for index in 0..52 {
            numbers.push(insert(store, mira.id, &index.to_string()).await);
        }
        for (index, good) in [(0, false), (1, false), (2, true), (51, true)] {
            assert_eq!(is_good(store, numbers[index], &index.to_string()).await, good, "{index}");
        }
        assert!(is_good(store, other, "other").await);
    }

    async fn a_lock_or_another_password_lets_nobody_in(store: &TestStore) {
        let account = store.account("mira@example.com").await;
        let lock = LoginLock {
            key: Digest::of("lock"),
            attempts: 1,
            window: Duration::from_secs(60),
            block: Duration::from_secs(60),
        };
        store.count_failed_login(lock, START).await.unwrap();
        let locked = store.insert_bearer_token(token(account.id, "a"), Some(lock)).await.unwrap();
        assert_eq!(locked, BearerOutcome::Locked(after(60)));
        store.execute("UPDATE customers SET password_hash = 'another'");
        let late = store.insert_bearer_token(token(account.id, "a"), None).await.unwrap();
        assert_eq!(late, BearerOutcome::PasswordReplaced);
        assert_eq!(store.number("SELECT count(*) AS value FROM bearer_tokens"), 0);
    }

    async fn a_new_password_ends_all_but_the_one_that_asks_for_it(store: &TestStore) {
        let (mira, noor) = (store.account("mira@example.com").await, store.account("noor@example.com").await);
        let other = insert(store, noor.id, "other").await;
        let (one, two) = (insert(store, mira.id, "one").await, insert(store, mira.id, "two").await);
        assert!(store.change_password(change(mira.id, Some(two))).await.unwrap());
        assert!(!is_good(store, one, "one").await && is_good(store, two, "two").await);
        let key = Digest::of("restore");
        store.insert_key(restore_key(mira.id, "restore")).await.unwrap();
        let restore = RestorePassword {
            key,
            canonical_email: None,
            password_hash: hash("third"),
            confirm: false,
            message_id: message_id(),
            now: after(2),
        };
        assert!(store.restore_password(restore).await.unwrap().is_some());
        assert!(!is_good(store, two, "two").await && is_good(store, other, "other").await);
    }

    async fn whoever_leaves_leaves_no_token(store: &TestStore) {
        let account = store.account("mira@example.com").await;
        let number = insert(store, account.id, "one").await;
        let replacement = EmailAddress::parse("x@y.example").unwrap();
        assert!(store.anonymise_customer(account.id, replacement, after(1)).await.unwrap());
        assert!(!is_good(store, number, "one").await);
        let late = store.insert_bearer_token(token(account.id, "a"), None).await.unwrap();
        assert_eq!(late, BearerOutcome::PasswordReplaced);
    }

    async fn no_login_at_the_same_moment_outlives_a_new_password(store: &TestStore) {
        for round in 0..8 {
            let account = store.account(&format!("mira-{round}@example.com")).await;
            at_once(16, |index| {
                let store = store.store.clone();
                async move {
                    if index == 8 {
                        assert!(store.change_password(change(account.id, None)).await.unwrap());
                    } else {
                        store.insert_bearer_token(token(account.id, &index.to_string()), None).await.unwrap();
                    }
                }
            })
            .await;
            let left = format!("SELECT count(*) AS value FROM bearer_tokens WHERE customer_id = {}", account.id);
            assert_eq!(store.number(&left), 0, "round {round}");
        }
    }
}
