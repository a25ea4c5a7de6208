//! Merchants, their users, and codes without links.

use std::time::Duration;

use crate::common::{
    START, TestStore, after, at_once, claim, code, email_key, hash, inserted, message_id, new_key, on_both_engines,
};
use domain::{
    CodeDigest, CustomerId, Digest, FamilyId, MerchantId, MerchantUserId, MerchantUserState, SystemRandomness,
};
use store::{
    CodeOutcome, CodeRequest, CodeRequestOutcome, KeyOutcome, Lease, LoginLock, NewKey, NewMerchant, NewMerchantToken,
    NewMerchantUser, NewOperator, NextRefreshToken, OperatorOutcome,
};

const EMAIL: &str = "mira@example.com";

impl TestStore {
    async fn merchant(&self, name: &str) -> MerchantId {
        let (client, secret) = (format!("client of {name}"), Digest::of(name));
        let merchant = NewMerchant { name: name.to_owned(), client, secret, now: START };
        self.insert_merchant(merchant).await.unwrap().unwrap()
    }

    async fn user(&self, merchant: MerchantId, email: &str) -> MerchantUserId {
        self.insert_merchant_user(new_user(merchant, Some(email))).await.unwrap().unwrap()
    }

    async fn customer(&self, merchant: MerchantId, user: MerchantUserId) -> CustomerId {
        self.find_merchant_user(merchant, user).await.unwrap().unwrap().customer.unwrap().id
    }

    async fn state(&self, merchant: MerchantId, user: MerchantUserId) -> MerchantUserState {
        self.find_merchant_user(merchant, user).await.unwrap().unwrap().state()
    }

    /// A code without a link, whose message is not from the outbox.
    async fn code(&self, customer: CustomerId, key: &str) -> Digest {
        assert_eq!(self.insert_key(code_key(customer, key, None)).await.unwrap(), KeyOutcome::Settled, "no message");
        let lease = Lease { worker: "one".to_owned(), now: after(1), until: after(2), limit: 100 };
        let leased = self.lease_messages(lease).await.unwrap();
        let message = leased.into_iter().find(|message| message.customer.account().id == customer);
        let message = message.unwrap().id;
        assert_eq!(self.insert_key(code_key(customer, key, Some(message))).await.unwrap(), KeyOutcome::Inserted);
        Digest::of(key)
    }
}

fn new_user(merchant: MerchantId, email: Option<&str>) -> NewMerchantUser {
    NewMerchantUser {
        merchant,
        additional_type: Some("onboarding".to_owned()),
        additional_data: Some("{\"n\": 1.50}".to_owned()),
        claim: email.map(claim),
        now: START,
    }
}

fn code_key(customer: CustomerId, key: &str, message: Option<i64>) -> NewKey {
    NewKey {
        is_code: true,
        expires_at: Some(after(900)),
        message: Some(message.unwrap_or(-1)),
        ..new_key(customer, key)
    }
}

fn right(key: &Digest) -> CodeDigest {
    code(key, "123456")
}

fn wish(merchant: MerchantId, user: MerchantUserId, now: u64) -> CodeRequest {
    CodeRequest {
        merchant,
        user,
        canonical_email: EMAIL.to_owned(),
        message_id: message_id(),
        cool_down: Duration::from_secs(30),
        max_per_day: 2,
        max_mails_per_day: 20,
        notice_cool_down: Duration::from_secs(3600),
        now: after(now),
    }
}

on_both_engines! {
    async fn a_users_claim_is_confirmed_by_its_code_and_by_no_other_merchant(store: &TestStore) {
        let (one, other) = (store.merchant("one").await, store.merchant("other").await);
        let user = store.user(one, EMAIL).await;
        assert!(store.find_merchant_user(other, user).await.unwrap().is_none());
        assert_eq!(store.queued(), ["registration-code"]);
        assert_eq!(store.state(one, user).await, MerchantUserState::Registered);
        let customer = store.customer(one, user).await;
        let key = store.code(customer, "first").await;
        assert_eq!(store.find_code(customer, after(899)).await.unwrap(), Some(key));
        assert_eq!(store.find_code(customer, after(900)).await.unwrap(), None, "too late");
        let outcome = store.confirm_by_code(key, right(&key), Some("a note"), after(1)).await.unwrap();
        assert_eq!(outcome, CodeOutcome::Confirmed(customer));
        assert_eq!(store.state(one, user).await, MerchantUserState::Verified);
        assert!(store.queued().is_empty(), "its message is taken back");
        assert_eq!(store.texts("SELECT note AS value FROM timeline WHERE kind = 'confirmed'"), ["a note"]);
        let again = store.confirm_by_code(key, right(&key), None, after(1)).await.unwrap();
        assert_eq!(again, CodeOutcome::Refused);
        let kept = store.texts("SELECT additional_type || additional_data AS value FROM merchant_users");
        assert_eq!(kept, ["onboarding{\"n\": 1.50}"]);
    }

    async fn a_code_and_the_links_keep_apart_until_one_of_them_confirms(store: &TestStore) {
        let merchant = store.merchant("one").await;
        let user = store.user(merchant, EMAIL).await;
        let customer = store.customer(merchant, user).await;
        let first = store.code(customer, "first").await;
        let mut links = Vec::new();
        for index in 0..6 {
            links.push(store.key(customer, &format!("link {index}")).await);
        }
        assert_eq!(store.find_code(customer, after(1)).await.unwrap(), Some(first), "links void no code");
        store.execute("UPDATE outbox SET leased_until = NULL");
        let second = store.code(customer, "second").await;
        assert_eq!(store.find_code(customer, after(1)).await.unwrap(), Some(second), "only the newest is good");
        let live = "SELECT count(*) AS value FROM one_time_secrets WHERE used_at IS NULL";
        assert_eq!(store.number(live), 6, "five links and a code");
        assert_eq!(store.confirm_by_key(links[5], after(1)).await.unwrap(), Some(customer));
        assert_eq!(store.number(live), 0);
        assert_eq!(store.find_code(customer, after(1)).await.unwrap(), None);
    }

    async fn of_twenty_confirmations_at_once_one_counts(store: &TestStore) {
        let merchant = store.merchant("one").await;
        let user = store.user(merchant, EMAIL).await;
        let customer = store.customer(merchant, user).await;
        let key = store.code(customer, "key").await;
        let outcomes = at_once(20, |_| {
            let store = store.store.clone();
            async move { store.confirm_by_code(key, right(&key), None, after(1)).await.unwrap() }
        })
        .await;
        let confirmed = |outcome: &&CodeOutcome| matches!(outcome, CodeOutcome::Confirmed(_));
        assert_eq!(outcomes.iter().filter(confirmed).count(), 1, "{outcomes:?}");
        assert!(outcomes.iter().all(|outcome| !matches!(outcome, CodeOutcome::Wrong { .. })), "{outcomes:?}");
        assert_eq!(store.lines(customer).iter().filter(|line| *line == "confirmed").count(), 1);
    }

    async fn two_hundred_guesses_at_once_use_five_tries(store: &TestStore) {
        let merchant = store.merchant("one").await;
        let user = store.user(merchant, EMAIL).await;
        let customer = store.customer(merchant, user).await;
        let key = store.code(customer, "key").await;
        let outcomes = at_once(200, |_| {
            let store = store.store.clone();
            async move { store.confirm_by_code(key, code(&key, "000000"), None, after(1)).await.unwrap() }
        })
        .await;
        let wrong = outcomes.iter().filter(|outcome| matches!(outcome, CodeOutcome::Wrong { .. })).count();
        assert_eq!(wrong, 5, "{outcomes:?}");
        assert_eq!(store.confirm_by_code(key, right(&key), None, after(1)).await.unwrap(), CodeOutcome::Refused);
        store.execute("UPDATE outbox SET leased_until = NULL");
        let next = store.code(customer, "next").await;
        let outcome = store.confirm_by_code(next, right(&next), None, after(1)).await.unwrap();
        assert_eq!(outcome, CodeOutcome::Confirmed(customer), "the count begins anew");
    }

    async fn users_of_claims_that_lose_follow_the_winner_however_it_wins(store: &TestStore) {
        let merchants = [store.merchant("one").await, store.merchant("two").await];
        for (index, way) in ["link", "code", "sign-up", "move", "overtaken"].into_iter().enumerate() {
            let email = format!("{way}@example.com");
            let mut users = Vec::new();
            for merchant in merchants {
                users.push((merchant, store.user(merchant, &email).await));
            }
            let bystander = store.user(merchants[0], &format!("bystander{index}@example.com")).await;
            let winner = match way {
                "link" => {
                    let winner = store.claim(&email).await.id;
                    let key = store.key(winner, way).await;
                    assert_eq!(store.confirm_by_key(key, after(1)).await.unwrap(), Some(winner));
                    winner
                }
                "code" => {
                    let winner = store.customer(users[1].0, users[1].1).await;
                    let key = store.code(winner, way).await;
                    store.confirm_by_code(key, right(&key), None, after(1)).await.unwrap();
                    winner
                }
                "sign-up" => {
                    let off = store::NewClaim { double_opt_in: domain::DoubleOptIn::Off, ..claim(&email) };
                    inserted(store.insert_claim(off).await.unwrap()).id
                }
                "move" => {
                    let account = store.account("old@example.com").await;
                    store.insert_key(email_key(account.id, way, &email)).await.unwrap();
                    store.confirm_email_change(Digest::of(way), after(1)).await.unwrap().unwrap()
                }
                _ => {
                    let owner = store.claim("other-owner@example.com").await.id;
                    let key = store.key(owner, way).await;
                    store.confirm_by_key(key, after(1)).await.unwrap().unwrap();
                    store.execute(&format!("UPDATE customers SET email_canonical = '{email}' WHERE id = {owner}"));
                    for (merchant, user) in &users {
                        let loser = store.customer(*merchant, *user).await;
                        let key = new_key(loser, &format!("late {loser}"));
                        assert_eq!(store.insert_key(key).await.unwrap(), KeyOutcome::Settled);
                    }
                    owner
                }
            };
            for (merchant, user) in users {
                assert_eq!(store.customer(merchant, user).await, winner, "{way}");
                assert_eq!(store.state(merchant, user).await, MerchantUserState::Verified, "{way}");
            }
            assert_ne!(store.customer(merchants[0], bystander).await, winner, "{way}");
        }
        assert_eq!(store.number("SELECT count(*) AS value FROM merchant_users WHERE customer_id IS NULL"), 0);
    }

    async fn an_address_is_had_by_one_user_of_a_merchant(store: &TestStore) {
        let (one, other) = (store.merchant("one").await, store.merchant("other").await);
        let outcomes = at_once(8, |_| {
            let store = store.store.clone();
            async move { store.insert_merchant_user(new_user(one, Some(EMAIL))).await.unwrap() }
        })
        .await;
        assert_eq!(outcomes.iter().flatten().count(), 1);
        assert!(store.insert_merchant_user(new_user(other, Some(EMAIL))).await.unwrap().is_some(), "claims elsewhere");
        store.account("nora@example.com").await;
        assert!(store.insert_merchant_user(new_user(one, Some("nora@example.com"))).await.unwrap().is_none());
        let nobody = store.insert_merchant_user(new_user(one, None)).await.unwrap().unwrap();
        assert!(store.find_merchant_user(one, nobody).await.unwrap().unwrap().customer.is_none());
        let numbers = store.texts("SELECT CAST(id AS TEXT) AS value FROM merchant_users ORDER BY id");
        assert_eq!(numbers.last(), Some(&nobody.0.to_string()));
    }

    async fn wishes_for_codes_are_counted_and_void_what_was_sent(store: &TestStore) {
        let merchant = store.merchant("one").await;
        let user = store.user(merchant, EMAIL).await;
        let customer = store.customer(merchant, user).await;
        let key = store.code(customer, "key").await;
        let other = CodeRequest { canonical_email: "nora@example.com".to_owned(), ..wish(merchant, user, 2) };
        assert_eq!(store.queue_code(other).await.unwrap(), CodeRequestOutcome::OtherAddress);
        let unknown = wish(merchant, MerchantUserId(7), 2);
        assert_eq!(store.queue_code(unknown).await.unwrap(), CodeRequestOutcome::Unknown);
        assert_eq!(store.find_code(customer, after(2)).await.unwrap(), Some(key));
        assert_eq!(store.queue_code(wish(merchant, user, 2)).await.unwrap(), CodeRequestOutcome::Queued);
        assert_eq!(store.find_code(customer, after(2)).await.unwrap(), None, "void at that moment");
        assert_eq!(store.queued(), ["registration-code"], "the one that waited is taken back");
        let too_soon = store.queue_code(wish(merchant, user, 31)).await.unwrap();
        assert_eq!(too_soon, CodeRequestOutcome::TooMany { until: after(32) });
        assert_eq!(store.queue_code(wish(merchant, user, 32)).await.unwrap(), CodeRequestOutcome::Queued);
        for (now, why) in [(33, "both are spent"), (62, "the day is"), (63, "no refusal begins a cool-down")] {
            let too_many = store.queue_code(wish(merchant, user, now)).await.unwrap();
            assert_eq!(too_many, CodeRequestOutcome::TooMany { until: after(86_402) }, "{why}");
        }
        store.execute("UPDATE customers SET suspended_at = 1");
        assert_eq!(store.queue_code(wish(merchant, user, 100)).await.unwrap(), CodeRequestOutcome::WrongState);
        store.execute("UPDATE customers SET suspended_at = NULL, confirmed_at = 1");
        assert_eq!(store.queue_code(wish(merchant, user, 100)).await.unwrap(), CodeRequestOutcome::Verified);
        let nobody = store.insert_merchant_user(new_user(merchant, None)).await.unwrap().unwrap();
        assert_eq!(store.queue_code(wish(merchant, nobody, 100)).await.unwrap(), CodeRequestOutcome::WrongState);
    }

    async fn a_refusal_takes_nothing_from_the_day(store: &TestStore) {
        let merchant = store.merchant("one").await;
        let user = store.user(merchant, EMAIL).await;
        for (now, granted) in [(2, true), (3, false), (31, false), (32, true), (86_402, true)] {
            let outcome = store.queue_code(wish(merchant, user, now)).await.unwrap();
            assert_eq!(outcome == CodeRequestOutcome::Queued, granted, "{now}: {outcome:?}");
        }
    }

    async fn codes_count_among_the_mails_that_an_address_may_be_sent(store: &TestStore) {
        let merchant = store.merchant("one").await;
        let user = store.user(merchant, EMAIL).await;
        let customer = store.customer(merchant, user).await;
        let limited = |now: u64| CodeRequest {
            cool_down: Duration::ZERO, max_per_day: 0, max_mails_per_day: 1, ..wish(merchant, user, now)
        };
        assert_eq!(store.queue_code(limited(1)).await.unwrap(), CodeRequestOutcome::Queued);
        let key = store.code(customer, "key").await;
        store.execute("DELETE FROM outbox");
        assert_eq!(store.queue_code(limited(3)).await.unwrap(), CodeRequestOutcome::Queued, "in silence");
        assert!(store.queued().is_empty());
        assert_eq!(store.find_code(customer, after(3)).await.unwrap(), Some(key), "the last one stays good");
        assert_eq!(store.queue_code(limited(86_401)).await.unwrap(), CodeRequestOutcome::Queued);
        assert_eq!(store.queued(), ["registration-code"]);
    }

    async fn a_user_on_the_address_of_an_account_never_stands_for_it(store: &TestStore) {
        let merchant = store.merchant("one").await;
        let owner = store.account(EMAIL).await.id;
        let hidden = store::NewClaim { hide_taken: true, ..claim(EMAIL) };
        let user = NewMerchantUser { claim: Some(hidden), ..new_user(merchant, None) };
        let user = store.insert_merchant_user(user).await.unwrap().unwrap();
        let customer = store.customer(merchant, user).await;
        assert_ne!(customer, owner);
        store.execute("DELETE FROM outbox");
        assert_eq!(store.queue_code(wish(merchant, user, 2)).await.unwrap(), CodeRequestOutcome::Queued);
        let told = format!("registration-notice of {owner}");
        let queued = "SELECT kind || ' of ' || customer_id AS value FROM outbox";
        assert_eq!(store.texts(queued), [told.as_str()], "no code, and the owner is told");
        let too_soon = store.queue_code(wish(merchant, user, 31)).await.unwrap();
        assert_eq!(too_soon, CodeRequestOutcome::TooMany { until: after(32) }, "as of an address that is free");
        assert_eq!(store.queue_code(wish(merchant, user, 32)).await.unwrap(), CodeRequestOutcome::Queued);
        assert_eq!(store.texts(queued), [told], "told once");
        let too_many = store.queue_code(wish(merchant, user, 62)).await.unwrap();
        assert_eq!(too_many, CodeRequestOutcome::TooMany { until: after(86_402) });
        assert_eq!(store.state(merchant, user).await, MerchantUserState::Registered);
        assert_eq!(store.number("SELECT count(*) AS value FROM budgets WHERE used = 2"), 2, "wishes, and mails");
    }

    async fn whoever_was_there_before_the_owner_follows_them(store: &TestStore) {
        let merchant = store.merchant("one").await;
        let user = store.user(merchant, EMAIL).await;
        let customer = store.customer(merchant, user).await;
        store.code(customer, "first").await;
        // As if neither had seen the other: the owner was confirmed at the moment at which the claim was made.
        let owner = store.account("nora@example.com").await.id;
        store.execute(&format!("UPDATE customers SET email_canonical = '{EMAIL}' WHERE id = {owner}"));
        store.execute("DELETE FROM outbox");
        assert_eq!(store.queue_code(wish(merchant, user, 2)).await.unwrap(), CodeRequestOutcome::Queued);
        assert_eq!(store.queued(), ["registration-code"]);
        assert_eq!(store.insert_key(code_key(customer, "second", None)).await.unwrap(), KeyOutcome::Settled);
        assert_eq!(store.customer(merchant, user).await, owner);
        assert_eq!(store.state(merchant, user).await, MerchantUserState::Verified);
    }

    async fn a_code_that_waits_while_an_owner_appears_is_left_to_its_worker(store: &TestStore) {
        let merchant = store.merchant("one").await;
        let user = store.user(merchant, EMAIL).await;
        let customer = store.customer(merchant, user).await;
        let owner = store.account("nora@example.com").await.id;
        store.execute(&format!("UPDATE customers SET email_canonical = '{EMAIL}' WHERE id = {owner}"));
        assert_eq!(store.queue_code(wish(merchant, user, 2)).await.unwrap(), CodeRequestOutcome::Queued);
        assert_eq!(store.queued(), ["registration-code", "registration-notice"]);
        assert_eq!(store.insert_key(code_key(customer, "first", None)).await.unwrap(), KeyOutcome::Settled);
        assert_eq!(store.customer(merchant, user).await, owner);
    }

    async fn of_wishes_at_once_one_is_granted(store: &TestStore) {
        let merchant = store.merchant("one").await;
        let user = store.user(merchant, EMAIL).await;
        let outcomes = at_once(16, |_| {
            let store = store.store.clone();
            async move { store.queue_code(wish(merchant, user, 2)).await.unwrap() }
        })
        .await;
        let queued = outcomes.iter().filter(|outcome| **outcome == CodeRequestOutcome::Queued).count();
        assert_eq!(queued, 1, "{outcomes:?}");
        assert_eq!(store.queued(), ["registration-code"]);
    }

    async fn merchants_have_names_clients_and_operators_until_they_are_disabled(store: &TestStore) {
        let one = store.merchant("one").await;
        let again = NewMerchant {
            name: "one".to_owned(), client: "x".to_owned(), secret: Digest::of("x"), now: START,
        };
        assert!(store.insert_merchant(again).await.unwrap().is_none());
        let operator = |merchant: &str, username: &str| NewOperator {
            merchant: merchant.to_owned(),
            username: username.to_owned(),
            password_hash: hash("$argon2id$operator"),
            now: START,
        };
        assert_eq!(store.insert_operator(operator("one", "ines")).await.unwrap(), OperatorOutcome::Inserted);
        assert_eq!(store.insert_operator(operator("one", "ines")).await.unwrap(), OperatorOutcome::NameTaken);
        assert_eq!(store.insert_operator(operator("two", "otto")).await.unwrap(), OperatorOutcome::UnknownMerchant);
        let other = store.merchant("other").await;
        assert!(store.find_operator(one, "ines").await.unwrap().is_some());
        assert!(store.find_operator(other, "ines").await.unwrap().is_none(), "another merchant's");
        let client = store.find_merchant_client("client of one").await.unwrap().unwrap();
        assert_eq!((client.merchant, client.secret), (one, Digest::of("one")));
        let (old, new) = (hash("$argon2id$operator"), hash("$argon2id$newer"));
        assert!(!store.update_operator_hash("ines", &new, &old).await.unwrap(), "it is another one");
        assert!(store.update_operator_hash("ines", &old, &new).await.unwrap());
        assert!(!store.update_operator_hash("ines", &old, &new).await.unwrap(), "once");
        assert_eq!(store.find_operator(one, "ines").await.unwrap().unwrap().expose(), new.expose());
        let listed = store.list_merchants().await.unwrap();
        assert_eq!((listed.len(), listed[0].operators.join(","), listed[0].is_disabled), (2, "ines".to_owned(), false));
        assert!(store.is_merchant(one).await.unwrap());
        assert!(store.disable_merchant("one", after(1)).await.unwrap());
        assert!(!store.disable_merchant("nobody", after(1)).await.unwrap());
        assert!(!store.is_merchant(one).await.unwrap());
        assert!(store.find_merchant_client("client of one").await.unwrap().is_none());
        assert!(store.find_merchant_client("client of other").await.unwrap().is_some());
    }

    async fn a_merchants_refresh_token_is_good_once_and_falls_with_its_family(store: &TestStore) {
        store.merchant("one").await;
        let client = store.find_merchant_client("client of one").await.unwrap().unwrap();
        let next = |text: &str| NextRefreshToken { digest: Digest::of(text), created_at: after(1), expires_at: after(100) };
        let first = NewMerchantToken {
            client: client.clone(), family: FamilyId::generate(&SystemRandomness), token: next("1"), scope: "users",
        };
        assert_eq!(store.admit_operator(Some(first), None, after(1)).await.unwrap(), None);
        let rotate = |from: &'static str, to: &'static str, client: &'static str| {
            store.store.rotate_merchant_token(client, Digest::of(from), Some(next(to)), after(1))
        };
        assert!(!rotate("1", "x", "client of other").await.unwrap(), "another client's");
        assert!(rotate("1", "2", "client of one").await.unwrap());
        assert!(!rotate("1", "y", "client of one").await.unwrap(), "used");
        assert!(!rotate("2", "3", "client of one").await.unwrap(), "its family is revoked");
        let week = 7 * 86_400;
        for (now, deleted) in [(100 + week - 1, 0), (100 + week, 2)] {
            let done = store.delete_expired(after(now), 100).await.unwrap();
            assert_eq!(done.refresh_tokens, deleted);
        }
        let last = NewMerchantToken {
            client: client.clone(), family: FamilyId::generate(&SystemRandomness), token: next("last"), scope: "users",
        };
        store.admit_operator(Some(last), None, after(1)).await.unwrap();
        let spend = || store.store.rotate_merchant_token("client of one", Digest::of("last"), None, after(1));
        assert!(spend().await.unwrap(), "without a successor");
        assert_eq!(store.number("SELECT count(*) AS value FROM merchant_refresh_tokens"), 1);
        assert!(!spend().await.unwrap(), "spent all the same");
        let lock = LoginLock {
            key: Digest::of("lock"), attempts: 1, window: Duration::from_secs(60), block: Duration::from_secs(60),
        };
        store.count_failed_login(lock, after(1)).await.unwrap();
        assert_eq!(store.admit_operator(None, Some(lock), after(1)).await.unwrap(), Some(after(61)));
    }
}
