//! Refresh tokens.

use crate::common::{FIRST_HASH, START, TestStore, after, at_once, hash, message_id, on_both_engines};
use domain::{CustomerId, Digest, FamilyId, SystemRandomness, Timestamp};
use store::{ChangePassword, NewRefreshToken, NewTokenOutcome, NextRefreshToken};

fn next(text: &str, now: Timestamp) -> NextRefreshToken {
    NextRefreshToken { digest: Digest::of(text), created_at: now, expires_at: after(1000) }
}

/// The refresh token of a login whose password was checked against the first hash.
fn first(customer: CustomerId, text: &str) -> NewRefreshToken {
    NewRefreshToken {
        digest: Digest::of(text),
        family: FamilyId::generate(&SystemRandomness),
        customer,
        password_hash: hash(FIRST_HASH),
        created_at: START,
        expires_at: after(1000),
    }
}

async fn rotates(store: &TestStore, from: &str, to: &str) -> bool {
    store.rotate_refresh_token(Digest::of(from), next(to, after(1))).await.unwrap().is_some()
}

on_both_engines! {
    async fn a_login_with_a_password_that_was_replaced_meanwhile_gets_no_token(store: &TestStore) {
        let account = store.account("mira@example.com").await;
        assert_eq!(store.insert_refresh_token(first(account.id, "a1"), None).await.unwrap(), NewTokenOutcome::Inserted);
        let before = store.number("SELECT updated_at AS value FROM customers");
        store.execute("UPDATE customers SET password_hash = 'another'");
        let late = store.insert_refresh_token(first(account.id, "a2"), None).await.unwrap();
        assert_eq!(late, NewTokenOutcome::PasswordReplaced);
        assert_eq!(store.number("SELECT updated_at AS value FROM customers"), before, "a login is no change");
        assert!(rotates(store, "a1", "a3").await && !rotates(store, "a2", "a4").await);
    }

    async fn no_login_at_the_same_moment_outlives_a_new_password(store: &TestStore) {
        for round in 0..8 {
            let account = store.account(&format!("mira-{round}@example.com")).await;
            at_once(16, |index| {
                let store = store.store.clone();
                async move {
                    if index == 8 {
                        let change = ChangePassword {
                            id: account.id,
                            old: hash(FIRST_HASH),
                            new: hash("another"),
                            kept_bearer: None,
                            message_id: message_id(),
                            now: after(1),
                        };
                        assert!(store.change_password(change).await.unwrap());
                    } else {
                        store.insert_refresh_token(first(account.id, &format!("{round} {index}")), None).await.unwrap();
                    }
                }
            })
            .await;
            assert_eq!(store.live_tokens(), 0, "round {round}");
        }
    }

    async fn a_token_is_exchanged_once_and_reuse_revokes_its_family(store: &TestStore) {
        let account = store.account("mira@example.com").await;
        store.log_in(account.id, "a1").await;
        store.log_in(account.id, "b1").await;
        let customer = store.rotate_refresh_token(Digest::of("a1"), next("a2", after(1))).await.unwrap().unwrap();
        assert_eq!(customer.account().id, account.id);
        assert!(rotates(store, "a2", "a3").await);
        assert!(!rotates(store, "a1", "x").await, "used");
        assert!(!rotates(store, "a3", "a4").await, "revoked with its family");
        assert!(rotates(store, "b1", "b2").await, "another login");
        assert!(!rotates(store, "never", "x").await);
    }

    async fn of_many_exchanges_at_once_at_most_one_counts_and_the_family_falls(store: &TestStore) {
        let account = store.account("mira@example.com").await;
        store.log_in(account.id, "a1").await;
        let outcomes = at_once(32, |index| {
            let store = store.store.clone();
            async move {
                let next = next(&format!("next {index}"), after(1));
                store.rotate_refresh_token(Digest::of("a1"), next).await.unwrap().is_some()
            }
        })
        .await;
        assert_eq!(outcomes.iter().filter(|exchanged| **exchanged).count(), 1);
        assert_eq!(store.number("SELECT count(*) AS value FROM refresh_tokens WHERE revoked_at IS NULL"), 0);
    }

    async fn an_expired_token_is_refused(store: &TestStore) {
        let account = store.account("mira@example.com").await;
        store.log_in(account.id, "a1").await;
        let late = NextRefreshToken { digest: Digest::of("a2"), created_at: after(1000), expires_at: after(2000) };
        assert!(store.rotate_refresh_token(Digest::of("a1"), late).await.unwrap().is_none());
    }

    async fn who_may_not_log_in_gets_no_next_token_and_keeps_the_old_one(store: &TestStore) {
        let account = store.account("mira@example.com").await;
        store.log_in(account.id, "a1").await;
        for mark in ["suspended_at = 1", "suspended_at = NULL, anonymised_at = 1"] {
            store.execute(&format!("UPDATE customers SET {mark}"));
            assert!(!rotates(store, "a1", "a2").await, "{mark}");
        }
        store.execute("UPDATE customers SET anonymised_at = NULL, confirmed_at = NULL");
        assert!(!rotates(store, "a1", "a2").await, "unconfirmed");
        store.execute("UPDATE customers SET confirmed_at = 1");
        assert!(rotates(store, "a1", "a2").await);
    }

    async fn a_token_is_revoked_with_its_family_by_its_customer_alone(store: &TestStore) {
        let (mira, noor) = (store.account("mira@example.com").await, store.account("noor@example.com").await);
        store.log_in(mira.id, "a1").await;
        store.log_in(mira.id, "b1").await;
        assert!(rotates(store, "a1", "a2").await);
        store.revoke_refresh_token(noor.id, Digest::of("a1"), after(2)).await.unwrap();
        assert!(rotates(store, "a2", "a3").await, "not hers to revoke");
        store.revoke_refresh_token(mira.id, Digest::of("a1"), after(2)).await.unwrap();
        store.revoke_refresh_token(mira.id, Digest::of("never"), after(2)).await.unwrap();
        assert!(!rotates(store, "a3", "a4").await);
        assert!(rotates(store, "b1", "b2").await);
    }

    async fn all_tokens_of_a_customer_are_revoked_and_no_other_ones(store: &TestStore) {
        let (mira, noor) = (store.account("mira@example.com").await, store.account("noor@example.com").await);
        for (customer, text) in [(mira.id, "a"), (mira.id, "b"), (noor.id, "c")] {
            store.log_in(customer, text).await;
        }
        store.revoke_refresh_tokens(mira.id, after(2)).await.unwrap();
        for (text, lives) in [("a", false), ("b", false), ("c", true)] {
            assert_eq!(rotates(store, text, &format!("{text}2")).await, lives, "{text}");
        }
    }

    async fn no_exchange_slips_through_a_revocation(store: &TestStore) {
        let account = store.account("mira@example.com").await;
        for round in 0..8 {
            store.log_in(account.id, &format!("{round} 0")).await;
            at_once(2, |index| {
                let (store, id) = (store.store.clone(), account.id);
                async move {
                    if index == 1 {
                        return store.revoke_refresh_tokens(id, after(2)).await.unwrap();
                    }
                    for step in 0..20 {
                        let (from, to) = (format!("{round} {step}"), format!("{round} {}", step + 1));
                        let rotation = store.rotate_refresh_token(Digest::of(&from), next(&to, after(1)));
                        if rotation.await.unwrap().is_none() {
                            return;
                        }
                    }
                }
            })
            .await;
            let revoked = "SELECT count(*) AS value FROM refresh_tokens WHERE revoked_at IS NOT NULL";
            let live = "SELECT count(*) AS value FROM refresh_tokens WHERE revoked_at IS NULL";
            assert!(store.number(revoked) > 0);
            assert_eq!(store.number(live), 0, "round {round}");
        }
    }
}
