//! The login lock.

use std::time::Duration;

use crate::common::{FIRST_HASH, START, TestStore, after, at_once, hash, on_both_engines};
use domain::{Digest, FamilyId, SystemRandomness, Timestamp};
use store::{LoginLock, NewRefreshToken, NewTokenOutcome, Store};

fn lock(key: &str, attempts: i32) -> LoginLock {
    let (window, block) = (Duration::from_secs(600), Duration::from_secs(300));
    LoginLock { key: Digest::of(key), attempts, window, block }
}

/// Whether a wrong password is told to be wrong.
async fn is_told(store: &Store, lock: LoginLock, now: Timestamp) -> bool {
    store.count_failed_login(lock, now).await.unwrap().is_none()
}

on_both_engines! {
    async fn the_last_that_is_forgiven_begins_the_block(store: &TestStore) {
        let lock = lock("mira", 10);
        for seconds in 0..10 {
            assert_eq!(store.find_login_lock(&lock, after(seconds)).await.unwrap(), None, "{seconds}");
            assert!(is_told(store, lock, after(seconds)).await, "{seconds}");
        }
        let until = Some(after(9 + 300));
        assert_eq!(store.find_login_lock(&lock, after(9)).await.unwrap(), until);
        for seconds in [10, 200, 308] {
            assert_eq!(store.count_failed_login(lock, after(seconds)).await.unwrap(), until, "not extended");
        }
        assert_eq!(store.find_login_lock(&lock, after(308)).await.unwrap(), until);
        assert_eq!(store.find_login_lock(&lock, after(309)).await.unwrap(), None);
        for seconds in 309..318 {
            assert!(is_told(store, lock, after(seconds)).await);
            assert_eq!(store.find_login_lock(&lock, after(seconds)).await.unwrap(), None, "begun anew");
        }
    }

    async fn a_window_that_is_over_starts_anew(store: &TestStore) {
        let lock = lock("mira", 3);
        assert!(is_told(store, lock, START).await);
        assert!(is_told(store, lock, after(599)).await);
        assert!(is_told(store, lock, after(600)).await, "the first of the next window");
        assert!(is_told(store, lock, after(601)).await);
        assert_eq!(store.find_login_lock(&lock, after(601)).await.unwrap(), None);
        assert!(is_told(store, lock, after(1199)).await);
        assert_eq!(store.find_login_lock(&lock, after(1199)).await.unwrap(), Some(after(1199 + 300)));
    }

    async fn a_single_attempt_locks_at_once_and_nobody_else(store: &TestStore) {
        let lock = |key| lock(key, 1);
        assert!(is_told(store, lock("mira"), START).await);
        assert_eq!(store.find_login_lock(&lock("mira"), START).await.unwrap(), Some(after(300)));
        assert_eq!(store.find_login_lock(&lock("noor"), START).await.unwrap(), None);
        assert!(!is_told(store, lock("mira"), after(299)).await);
        assert!(is_told(store, lock("mira"), after(300)).await);
        assert_eq!(store.find_login_lock(&lock("mira"), after(300)).await.unwrap(), Some(after(600)));
    }

    async fn of_32_wrong_passwords_at_once_ten_are_told(store: &TestStore) {
        for round in 0..4 {
            let outcomes = at_once(32, |_| {
                let (store, lock) = (store.store.clone(), lock(&round.to_string(), 10));
                async move { is_told(&store, lock, START).await }
            })
            .await;
            assert_eq!(outcomes.iter().filter(|told| **told).count(), 10, "round {round}");
        }
    }

    async fn whoever_is_locked_out_meanwhile_gets_no_token(store: &TestStore) {
        let customer = store.account("mira@example.com").await.id;
        let lock = lock("mira", 2);
        let log_in = |text: &'static str| {
            let token = NewRefreshToken {
                digest: Digest::of(text),
                family: FamilyId::generate(&SystemRandomness),
                customer,
                password_hash: hash(FIRST_HASH),
                created_at: after(1),
                expires_at: after(1000),
            };
            store.insert_refresh_token(token, Some(lock))
        };
        assert!(is_told(store, lock, START).await);
        assert_eq!(log_in("early").await.unwrap(), NewTokenOutcome::Inserted);
        assert!(is_told(store, lock, after(1)).await);
        assert_eq!(log_in("late").await.unwrap(), NewTokenOutcome::Locked(after(301)));
        assert_eq!(store.number("SELECT count(*) AS value FROM refresh_tokens"), 1);
    }

    async fn a_clean_up_forgets_a_lock_only_when_it_is_over(store: &TestStore) {
        let lock = lock("mira", 1);
        assert!(is_told(store, lock, START).await);
        assert_eq!(store.delete_expired(after(299), 100).await.unwrap().budgets, 0);
        assert_eq!(store.find_login_lock(&lock, after(299)).await.unwrap(), Some(after(300)));
        assert_eq!(store.delete_expired(after(300), 100).await.unwrap().budgets, 1);
        assert_eq!(store.find_login_lock(&lock, after(300)).await.unwrap(), None);
    }
}
