//! One-time secrets: links and the codes beside them.

use crate::common::{
    START, TestStore, after, at_once, claim, code, email_key, inserted, message_id, new_key, on_both_engines,
    restore_key,
};
use domain::{CustomerId, Digest};
use store::{CodeOutcome, KeyOutcome, Lease, LinkState, NewKey};

on_both_engines! {
    async fn a_key_confirms_its_claim_and_settles_the_rest(store: &TestStore) {
        let rival = store.claim("mira@example.com").await;
        let account = store.claim("mira@example.com").await;
        let other = store.claim("other@example.com").await;
        let rival_key = store.key(rival.id, "rival").await;
        let (first, second) = (store.key(account.id, "first").await, store.key(account.id, "second").await);
        assert_eq!(store.confirm_by_key(first, after(1)).await.unwrap(), Some(account.id));
        let customer = store.find_customer(account.id).await.unwrap().unwrap();
        assert_eq!(customer.confirmed().unwrap().confirmed_at(), after(1));
        assert_eq!(customer.account().updated_at, after(1));
        assert!(store.find_customer(rival.id).await.unwrap().is_none());
        for void in [first, second, rival_key, Digest::of("never issued")] {
            assert_eq!(store.confirm_by_key(void, after(2)).await.unwrap(), None);
        }
        assert_eq!(store.number("SELECT customer_id AS value FROM outbox"), other.id.0);
        assert_eq!(store.texts("SELECT kind AS value FROM timeline WHERE kind = 'confirmed'").len(), 1);
    }

    async fn an_expired_key_is_refused_and_one_without_expiry_never_is(store: &TestStore) {
        let account = store.claim("mira@example.com").await;
        let key = store.key(account.id, "a day").await;
        assert_eq!(store.confirm_by_key(key, after(86_400)).await.unwrap(), None);
        let forever = NewKey { expires_at: None, ..new_key(account.id, "forever") };
        store.insert_key(forever).await.unwrap();
        assert_eq!(store.confirm_by_key(Digest::of("forever"), after(1 << 31)).await.unwrap(), Some(account.id));
    }

    async fn of_64_confirmations_of_one_key_one_counts(store: &TestStore) {
        let account = store.claim("mira@example.com").await;
        let key = store.key(account.id, "key").await;
        let outcomes = at_once(64, |_| {
            let store = store.store.clone();
            async move { store.confirm_by_key(key, after(1)).await.unwrap() }
        })
        .await;
        assert_eq!(outcomes.iter().flatten().collect::<Vec<_>>(), [&account.id]);
    }

    async fn of_the_claims_on_an_address_that_are_confirmed_at_once_one_wins(store: &TestStore) {
        for round in 0..4 {
            let email = format!("mira{round}@example.com");
            let mut keys = Vec::new();
            for index in 0..8 {
                let account = store.claim(&email).await;
                keys.push(store.key(account.id, &format!("{round} {index}")).await);
            }
            let outcomes = at_once(32, |index| {
                let (store, key) = (store.store.clone(), keys[index % 8]);
                async move { store.confirm_by_key(key, after(1)).await.unwrap() }
            })
            .await;
            let winners: Vec<CustomerId> = outcomes.into_iter().flatten().collect();
            assert_eq!(winners.len(), 1);
            let owner = store.find_login(&email).await.unwrap().unwrap().customer;
            assert_eq!(owner.confirmed().unwrap().account().id, winners[0]);
        }
        assert_eq!(store.number("SELECT count(*) AS value FROM customers"), 4);
    }

    async fn sign_ups_resends_and_confirmations_at_once_fail_nobody(store: &TestStore) {
        let account = store.claim("mira@example.com").await;
        let key = store.key(account.id, "key").await;
        let rival = store.claim("mira@example.com").await.id;
        at_once(48, |index| {
            let store = store.store.clone();
            async move {
                match index % 4 {
                    0 => drop(store.insert_claim(claim("mira@example.com")).await.unwrap()),
                    1 => drop(store.insert_key(new_key(rival, &format!("rival {index}"))).await.unwrap()),
                    2 => drop(store.confirm_by_key(key, after(1)).await.unwrap()),
                    _ => {
                        let resend = store::Resend {
                            canonical_email: "mira@example.com".to_owned(),
                            cool_down: std::time::Duration::ZERO,
                            max_mails_per_day: 1000,
                            message_ids: [message_id(), message_id(), message_id()],
                            now: after(index as u64),
                        };
                        store.queue_resend(resend).await.unwrap();
                    }
                }
            }
        })
        .await;
        let owner = store.find_login("mira@example.com").await.unwrap().unwrap().customer;
        assert_eq!(owner.confirmed().unwrap().account().id, account.id);
    }

    async fn a_claim_cannot_be_confirmed_where_an_account_is(store: &TestStore) {
        store.account("mira@example.com").await;
        let hidden = store::NewClaim { hide_taken: true, ..claim("mira@example.com") };
        let late = inserted(store.insert_claim(hidden).await.unwrap());
        // A key that slipped in all the same.
        let other = store.claim("other@example.com").await;
        let key = store.key(other.id, "slipped").await;
        let (late, other) = (late.id, other.id);
        store.execute(&format!("UPDATE one_time_secrets SET customer_id = {late} WHERE customer_id = {other}"));
        assert_eq!(store.confirm_by_key(key, after(1)).await.unwrap(), None);
        assert_eq!(
            store.number("SELECT count(*) AS value FROM one_time_secrets WHERE used_at IS NULL"),
            1,
            "a refused confirmation consumes nothing"
        );
    }

    async fn a_claim_whose_address_got_an_owner_goes_and_the_owner_is_told(store: &TestStore) {
        let owner = store.account("mira@example.com").await;
        for (seconds, notices) in [(0, 1), (3599, 1), (3600, 2)] {
            let hidden = store::NewClaim { hide_taken: true, ..claim("mira@example.com") };
            let late = inserted(store.insert_claim(hidden).await.unwrap());
            store.execute(&format!("DELETE FROM outbox WHERE customer_id = {}", late.id));
            let key = NewKey { now: after(seconds), ..new_key(late.id, "late") };
            assert_eq!(store.insert_key(key).await.unwrap(), KeyOutcome::Settled);
            assert!(store.find_customer(late.id).await.unwrap().is_none());
            assert_eq!(store.queued(), vec!["registration-notice"; notices], "after {seconds} s");
        }
        let told = format!("SELECT count(*) AS value FROM outbox WHERE customer_id = {}", owner.id);
        assert_eq!(store.number(&told), 2);
        assert!(store.find_customer(owner.id).await.unwrap().is_some());
    }

    async fn of_restore_keys_and_of_keys_to_an_address_the_newest_is_good(store: &TestStore) {
        let account = store.account("mira@example.com").await;
        for name in ["1", "2"] {
            assert_eq!(store.insert_key(restore_key(account.id, &format!("r{name}"))).await, Ok(KeyOutcome::Inserted));
            let key = email_key(account.id, &format!("e{name}"), "new@example.com");
            assert_eq!(store.insert_key(key).await, Ok(KeyOutcome::Inserted));
        }
        for (name, is_good) in [("r1", false), ("r2", true)] {
            assert_eq!(store.is_restore_key_live(Digest::of(name), after(1)).await, Ok(is_good), "{name}");
        }
        for (name, is_good) in [("e1", false), ("e2", true)] {
            let state = store.find_link(Digest::of(name), after(1)).await.unwrap();
            assert_eq!(matches!(state, LinkState::EmailChange { expired: false, .. }), is_good, "{name}: {state:?}");
        }
    }

    async fn a_key_is_for_those_who_can_use_it(store: &TestStore) {
        let (mira, noor) = (store.account("mira@example.com").await, store.account("noor@example.com").await);
        let claim = store.claim("claim@example.com").await;
        for (key, outcome) in [
            (restore_key(claim.id, "1"), KeyOutcome::Inserted),
            (restore_key(mira.id, "2"), KeyOutcome::Inserted),
            (restore_key(CustomerId(4711), "3"), KeyOutcome::Settled),
            (email_key(claim.id, "4", "new@example.com"), KeyOutcome::Settled),
            (email_key(mira.id, "5", "Noor@example.com"), KeyOutcome::Settled),
            (NewKey { email: None, ..email_key(mira.id, "6", "new@example.com") }, KeyOutcome::Settled),
            (email_key(mira.id, "7", "claim@example.com"), KeyOutcome::Inserted),
        ] {
            let what = format!("{:?} of {}", key.purpose, key.customer);
            assert_eq!(store.insert_key(key).await.unwrap(), outcome, "{what}");
        }
        store.execute(&format!("UPDATE customers SET anonymised_at = 1 WHERE id = {}", noor.id));
        for key in [restore_key(noor.id, "8"), email_key(noor.id, "9", "new@example.com")] {
            assert_eq!(store.insert_key(key).await.unwrap(), KeyOutcome::Settled);
        }
    }

    async fn a_message_that_was_taken_back_brings_no_key(store: &TestStore) {
        let account = store.account("mira@example.com").await;
        store.execute(&format!(
            "INSERT INTO outbox (kind, customer_id, message_id, state, attempts, due_at, created_at)
             VALUES ('restore-password', {}, 'a', 'queued', 0, 1, 1)",
            account.id
        ));
        let message = Some(store.number("SELECT id AS value FROM outbox"));
        for (outcome, name) in [(KeyOutcome::Inserted, "1"), (KeyOutcome::Settled, "2")] {
            for key in [restore_key(account.id, name), email_key(account.id, &format!("e{name}"), "new@example.com")] {
                assert_eq!(store.insert_key(NewKey { message, ..key }).await.unwrap(), outcome);
            }
            store.execute("DELETE FROM outbox");
        }
    }

    async fn a_key_opens_only_what_it_is_for(store: &TestStore) {
        let account = store.account("mira@example.com").await;
        let claim = store.claim("claim@example.com").await;
        store.key(claim.id, "confirmation").await;
        store.insert_key(restore_key(account.id, "restore")).await.unwrap();
        store.insert_key(email_key(account.id, "email-change", "new@example.com")).await.unwrap();
        let (confirmation, restore, change) =
            (Digest::of("confirmation"), Digest::of("restore"), Digest::of("email-change"));
        assert_eq!(store.confirm_by_key(restore, after(1)).await.unwrap(), None);
        assert_eq!(store.confirm_by_key(change, after(1)).await.unwrap(), None);
        assert_eq!(store.confirm_email_change(confirmation, after(1)).await.unwrap(), None);
        assert_eq!(store.confirm_email_change(restore, after(1)).await.unwrap(), None);
        let outcome = store.confirm_by_key_and_code(restore, code(&restore, "123456"), after(1)).await.unwrap();
        assert_eq!(outcome, CodeOutcome::Refused);
        for key in [confirmation, change] {
            assert!(!store.is_restore_key_live(key, after(1)).await.unwrap());
        }
        assert!(matches!(store.find_link(restore, after(1)).await.unwrap(), LinkState::Unknown));
        assert_eq!(store.number("SELECT count(*) AS value FROM one_time_secrets WHERE used_at IS NULL"), 3);
    }

    async fn a_suspended_claim_may_be_confirmed_and_stays_suspended(store: &TestStore) {
        let account = store.claim("mira@example.com").await;
        let key = store.key(account.id, "key").await;
        store.execute("UPDATE customers SET suspended_at = 1");
        assert_eq!(store.confirm_by_key(key, after(1)).await.unwrap(), Some(account.id));
        let customer = store.find_customer(account.id).await.unwrap().unwrap();
        assert!(customer.confirmed().unwrap().subject().is_err());
    }

    async fn the_five_newest_live_keys_stay_good(store: &TestStore) {
        let account = store.claim("mira@example.com").await;
        let expired = NewKey { expires_at: Some(after(1)), ..new_key(account.id, "expired") };
        store.insert_key(expired).await.unwrap();
        for index in 0..7 {
            store.insert_key(NewKey { now: after(2), ..new_key(account.id, &index.to_string()) }).await.unwrap();
        }
        for index in 0..7 {
            let state = store.find_link(Digest::of(&index.to_string()), after(3)).await.unwrap();
            assert_eq!(matches!(state, LinkState::Usable { .. }), index >= 2, "{index}: {state:?}");
        }
        let state = store.find_link(Digest::of("expired"), after(3)).await.unwrap();
        assert!(matches!(state, LinkState::Expired { .. }), "{state:?}");
    }

    async fn a_key_that_reached_nobody_does_not_count(store: &TestStore) {
        let account = store.claim("mira@example.com").await;
        let delivered = store.key(account.id, "delivered").await;
        for index in 0..7 {
            let lost = store.key(account.id, &index.to_string()).await;
            store.delete_key(lost).await.unwrap();
            assert_eq!(store.confirm_by_key(lost, after(1)).await.unwrap(), None);
        }
        assert_eq!(store.confirm_by_key(delivered, after(1)).await.unwrap(), Some(account.id));
        store.delete_key(delivered).await.unwrap();
        let state = store.find_link(delivered, after(2)).await.unwrap();
        assert!(matches!(state, LinkState::Confirmed { .. }), "a used key stays: {state:?}");
    }

    async fn nobody_who_is_settled_gets_a_key(store: &TestStore) {
        let account = store.account("mira@example.com").await;
        for customer in [account.id, CustomerId(4711)] {
            assert_eq!(store.insert_key(new_key(customer, "late")).await.unwrap(), KeyOutcome::Settled);
        }
    }

    async fn a_link_tells_its_state_and_stays_as_it_is(store: &TestStore) {
        let account = store.claim("mira@example.com").await;
        store.claim("mira@example.com").await;
        let key = store.key(account.id, "key").await;
        for _ in 0..2 {
            match store.find_link(key, after(1)).await.unwrap() {
                LinkState::Usable { customer, open_claims, password_hash, code_tries_left } => {
                    assert_eq!(customer.account().id, account.id);
                    assert_eq!((open_claims, code_tries_left), (2, 5));
                    assert_eq!(password_hash.unwrap().expose(), "$argon2id$test");
                }
                state => panic!("{state:?}"),
            }
        }
        assert!(matches!(store.find_link(key, after(86_400)).await.unwrap(), LinkState::Expired { .. }));
        assert!(matches!(store.find_link(Digest::of("never"), after(1)).await.unwrap(), LinkState::Unknown));
        store.confirm_by_key(key, after(1)).await.unwrap().unwrap();
        assert!(matches!(store.find_link(key, after(2)).await.unwrap(), LinkState::Confirmed { .. }));
        store.execute("UPDATE customers SET anonymised_at = 1");
        assert!(matches!(store.find_link(key, after(2)).await.unwrap(), LinkState::Unknown));
    }

    async fn wrong_codes_cost_tries_and_leave_the_link_alone(store: &TestStore) {
        let account = store.claim("mira@example.com").await;
        let key = store.key(account.id, "key").await;
        for tries_left in (0..5).rev() {
            let outcome = store.confirm_by_key_and_code(key, code(&key, "000000"), after(1)).await.unwrap();
            assert_eq!(outcome, CodeOutcome::Wrong { tries_left });
        }
        for text in ["000000", "123456"] {
            let outcome = store.confirm_by_key_and_code(key, code(&key, text), after(1)).await.unwrap();
            assert_eq!(outcome, CodeOutcome::Refused);
        }
        assert_eq!(store.confirm_by_key(key, after(1)).await.unwrap(), Some(account.id));
    }

    async fn a_right_code_confirms_like_the_link(store: &TestStore) {
        let rival = store.claim("mira@example.com").await;
        let account = store.claim("mira@example.com").await;
        let key = store.key(account.id, "key").await;
        let right = code(&key, "123456");
        assert_eq!(store.confirm_by_key_and_code(key, right, after(86_400)).await.unwrap(), CodeOutcome::Refused);
        let outcome = store.confirm_by_key_and_code(key, right, after(1)).await.unwrap();
        assert_eq!(outcome, CodeOutcome::Confirmed(account.id));
        assert!(store.find_customer(rival.id).await.unwrap().is_none());
        assert_eq!(store.confirm_by_key_and_code(key, right, after(1)).await.unwrap(), CodeOutcome::Refused);
        assert_eq!(store.confirm_by_key(key, after(1)).await.unwrap(), None);
    }

    async fn a_link_without_a_code_has_none_to_guess(store: &TestStore) {
        let account = store.claim("mira@example.com").await;
        store.insert_key(NewKey { code: None, ..new_key(account.id, "key") }).await.unwrap();
        let key = Digest::of("key");
        let outcome = store.confirm_by_key_and_code(key, code(&key, "123456"), after(1)).await.unwrap();
        assert_eq!(outcome, CodeOutcome::Refused);
    }

    async fn two_hundred_guesses_at_once_spend_five_tries(store: &TestStore) {
        let account = store.claim("mira@example.com").await;
        let key = store.key(account.id, "key").await;
        let outcomes = at_once(200, |_| {
            let store = store.store.clone();
            async move { store.confirm_by_key_and_code(key, code(&key, "000000"), after(1)).await.unwrap() }
        })
        .await;
        let mut left: Vec<i32> = outcomes
            .into_iter()
            .filter_map(|outcome| match outcome {
                CodeOutcome::Wrong { tries_left } => Some(tries_left),
                CodeOutcome::Refused => None,
                CodeOutcome::Confirmed(_) => panic!("a wrong code confirmed"),
            })
            .collect();
        left.sort_unstable();
        assert_eq!(left, [0, 1, 2, 3, 4]);
        assert_eq!(store.number("SELECT CAST(code_tries_left AS BIGINT) AS value FROM one_time_secrets"), 0);
    }

    async fn a_confirmation_takes_back_messages_that_a_worker_holds(store: &TestStore) {
        let account = store.claim("mira@example.com").await;
        let key = store.key(account.id, "key").await;
        let lease = Lease { worker: "one".to_owned(), now: START, until: after(60), limit: 8 };
        let message = store.lease_messages(lease).await.unwrap().remove(0);
        store.confirm_by_key(key, after(1)).await.unwrap().unwrap();
        let sent = store::Finish::Sent { note: "250 ok".to_owned() };
        assert!(!store.finish_message(message.id, "one", message.attempt, sent, after(2)).await.unwrap());
    }
}
