//! What customers change about themselves, and that they leave.

use std::time::Duration;

use crate::common::{
    FIRST_HASH, START, TestStore, after, at_once, claim, code, email_key, hash, inserted, message_id, new_key,
    on_both_engines, restore_key,
};
use domain::{
    Account, Customer, CustomerId, Digest, EmailAddress, Gender, Profile, ProfileChanges, Reregistration, Salutation,
    Timestamp,
};
use store::{
    ChangePassword, CodeOutcome, CustomerUpdate, Finish, Lease, LinkState, MoreChanges, Store, StoreError,
    UpdateOutcome,
};
use testkit::Engine;

pub fn update(id: CustomerId, email: Option<&str>, now: Timestamp) -> CustomerUpdate {
    CustomerUpdate {
        id,
        changes: ProfileChanges { first_name: Some("Mira".to_owned()), ..ProfileChanges::default() },
        more: MoreChanges::default(),
        email: email.map(|email| EmailAddress::parse(email).unwrap()),
        hide_taken: false,
        reregistration: Reregistration::Claim,
        message_ids: [message_id(), message_id()],
        cool_down: Duration::from_secs(60),
        notice_cool_down: Duration::from_secs(3600),
        max_email_changes_per_day: 5,
        max_mails_per_day: 20,
        now,
    }
}

async fn updated(store: &Store, update: CustomerUpdate) -> Account {
    match store.update_customer(update).await.unwrap() {
        UpdateOutcome::Updated(customer) => customer.account().clone(),
        outcome => panic!("{outcome:?}"),
    }
}

async fn email_of(store: &Store, id: CustomerId) -> String {
    store.find_customer(id).await.unwrap().unwrap().account().email.as_typed().to_owned()
}

/// A replacement such as anonymised customers get.
fn nobody(letter: char) -> EmailAddress {
    let text = letter.to_string().repeat(32);
    EmailAddress::parse(&format!("{text}@{text}.{text}")).unwrap()
}

const BEGUN: [&str; 2] = ["email-change New@example.com", "email-change-notice mira@example.com"];

on_both_engines! {
    async fn an_update_keeps_what_it_does_not_name(store: &TestStore) {
        let mut new = claim("mira@example.com");
        new.profile = Profile {
            salutation: Some(Salutation::Mrs),
            last_name: Some("Olsen".to_owned()),
            date_of_birth: Some("1990-02-28".parse().unwrap()),
            phone: Some("+49 40 1234".to_owned()),
            ..Profile::default()
        };
        let account = inserted(store.insert_claim(new).await.unwrap());
        let changes = ProfileChanges {
            salutation: Some(Salutation::Dr),
            gender: Some(Gender::Female),
            date_of_birth: Some(None),
            ..ProfileChanges::default()
        };
        let update = CustomerUpdate { changes: changes.clone(), ..update(account.id, None, after(5)) };
        let after_it = updated(store, update).await;
        assert!(after_it.profile == changes.apply_to(account.profile));
        assert_eq!((after_it.created_at, after_it.updated_at), (START, after(5)));
        let stored = store.find_customer(account.id).await.unwrap().unwrap();
        assert!(stored.account().profile == after_it.profile);
        assert!(store.queued() == ["registration-confirmation"]);
    }

    async fn the_same_address_is_only_respelled(store: &TestStore) {
        let account = store.account("mira@example.com").await;
        let respelled = updated(store, update(account.id, Some("Mira@Example.com"), after(1))).await;
        assert_eq!(respelled.email.as_typed(), "Mira@Example.com");
        assert_eq!(respelled.email.canonical(), "mira@example.com");
        assert!(store.queued().is_empty());
    }

    async fn another_address_is_asked_before_it_is_the_customers(store: &TestStore) {
        let account = store.account("mira@example.com").await;
        let same = updated(store, update(account.id, Some("New@example.com"), after(1))).await;
        assert_eq!(same.email.as_typed(), "mira@example.com");
        assert_eq!(same.profile.first_name.as_deref(), Some("Mira"));
        assert_eq!(store.queued(), BEGUN);
        let lease = Lease { worker: "one".to_owned(), now: after(1), until: after(60), limit: 8 };
        let messages = store.lease_messages(lease).await.unwrap();
        let recipients: Vec<_> = messages.iter().map(|message| message.email.as_ref().unwrap().as_typed()).collect();
        assert_eq!(recipients, ["New@example.com", "mira@example.com"]);
        for message in messages {
            let sent = Finish::Sent { note: "250".to_owned() };
            assert!(store.finish_message(message.id, "one", 1, sent, after(2)).await.unwrap());
        }
        let lines = "SELECT message || ' ' || address AS value FROM timeline WHERE kind = 'mail-sent' ORDER BY id";
        assert_eq!(store.texts(lines), ["email-change n***@e***.com", "email-change-notice m***@e***.com"]);
    }

    async fn a_taken_address_changes_nothing_at_all(store: &TestStore) {
        let account = store.account("mira@example.com").await;
        store.account("noor@example.com").await;
        store.claim("claim@example.com").await;
        let reject = CustomerUpdate {
            reregistration: Reregistration::Reject,
            ..update(account.id, Some("claim@example.com"), after(1))
        };
        for update in [update(account.id, Some("Noor@example.com"), after(1)), reject] {
            let outcome = store.update_customer(update).await.unwrap();
            assert!(matches!(outcome, UpdateOutcome::EmailTaken), "{outcome:?}");
        }
        let stored = store.find_customer(account.id).await.unwrap().unwrap();
        assert_eq!((stored.account().profile.first_name.as_deref(), stored.account().updated_at), (None, START));
        assert_eq!(store.queued(), ["registration-confirmation"]);
        updated(store, update(account.id, Some("claim@example.com"), after(1))).await;
        assert_eq!(store.queued().len(), 3, "an open claim does not take it");
    }

    async fn a_hidden_taken_address_looks_like_any_other_and_its_owner_is_told(store: &TestStore) {
        let account = store.account("mira@example.com").await;
        let noor = store.account("noor@example.com").await;
        store.insert_key(email_key(account.id, "other", "other@example.com")).await.unwrap();
        let hidden = |seconds| CustomerUpdate {
            hide_taken: true,
            ..update(account.id, Some("noor@example.com"), after(seconds))
        };
        let told = ["registration-notice", "email-change-notice mira@example.com"];
        for (seconds, expected) in [(0, &told[..]), (59, &told[..])] {
            assert_eq!(updated(store, hidden(seconds)).await.profile.first_name.as_deref(), Some("Mira"));
            assert_eq!(store.queued(), expected, "after {seconds} s");
        }
        let owner = "SELECT customer_id AS value FROM outbox WHERE kind = 'registration-notice'";
        assert_eq!(store.number(owner), noor.id.0);
        updated(store, hidden(60)).await;
        assert_eq!(store.queued().len(), 3, "the owner is told once in an hour");
        assert_eq!(email_of(store, account.id).await, "mira@example.com");
        assert_eq!(store.confirm_email_change(Digest::of("other"), after(61)).await.unwrap(), None, "void as ever");
    }

    async fn wishes_in_turn_do_not_tell_a_hidden_taken_address_from_a_free_one(store: &TestStore) {
        let mut seen = Vec::new();
        store.account("taken@example.com").await;
        for (name, target) in [("mira", "taken@example.com"), ("noor", "free@example.com")] {
            let account = store.account(&format!("{name}@example.com")).await;
            store.execute("DELETE FROM outbox");
            let own = format!("{name}+own@example.com");
            for (second, email) in [(0, target), (1, &*own), (2, target)] {
                updated(store, CustomerUpdate { hide_taken: true, ..update(account.id, Some(email), after(second)) }).await;
            }
            let visible = store.queued().into_iter().filter(|message| message.contains(name)).collect::<Vec<_>>();
            seen.push(visible.join(", ").replace(name, "customer"));
        }
        assert_eq!(seen[0], seen[1]);
        assert_eq!(seen[0].matches("email-change-notice").count(), 2, "{seen:?}");
    }

    async fn no_more_mails_to_one_address_than_a_day_allows(store: &TestStore) {
        for index in 0..3 {
            let account = store.account(&format!("mira{index}@example.com")).await;
            let wish = update(account.id, Some("stranger@example.com"), after(index));
            updated(store, CustomerUpdate { max_mails_per_day: 2, ..wish }).await;
        }
        assert_eq!(store.queued().iter().filter(|message| message.contains("stranger")).count(), 2);
        let restore = |seconds| store::RestoreRequest {
            canonical_email: "stranger@example.com".to_owned(),
            cool_down: Duration::ZERO,
            max_mails_per_day: 2,
            message_id: message_id(),
            now: after(seconds),
        };
        store.claim("stranger@example.com").await;
        store.execute("DELETE FROM outbox");
        store.queue_restore(restore(86_399)).await.unwrap();
        assert!(store.queued().is_empty(), "{:?}", store.queued());
        store.queue_restore(restore(86_400)).await.unwrap();
        assert_eq!(store.queued(), ["restore-password"]);
    }

    async fn who_is_gone_changes_nothing(store: &TestStore) {
        let account = store.account("mira@example.com").await;
        let claim = store.claim("claim@example.com").await;
        store.execute(&format!("UPDATE customers SET anonymised_at = 1 WHERE id = {}", account.id));
        for update in [
            update(account.id, None, after(1)),
            update(CustomerId(4711), None, after(1)),
            update(claim.id, Some("new@example.com"), after(1)),
        ] {
            let outcome = store.update_customer(update).await.unwrap();
            assert!(matches!(outcome, UpdateOutcome::Gone), "{outcome:?}");
        }
        assert_eq!(store.texts("SELECT first_name AS value FROM customers"), ["", ""]);
    }

    async fn the_same_wish_again_causes_no_second_message_for_a_while(store: &TestStore) {
        let account = store.account("mira@example.com").await;
        let wish = |seconds| update(account.id, Some("New@example.com"), after(seconds));
        updated(store, wish(0)).await;
        updated(store, wish(59)).await;
        assert_eq!(store.queued(), BEGUN);
        // Sent meanwhile.
        store.execute("DELETE FROM outbox");
        store.insert_key(email_key(account.id, "key", "new@example.com")).await.unwrap();
        updated(store, wish(59)).await;
        assert!(store.queued().is_empty());
        let state = store.find_link(Digest::of("key"), after(59)).await.unwrap();
        assert!(matches!(state, LinkState::EmailChange { .. }), "{state:?}");
        updated(store, wish(60)).await;
        assert_eq!(store.queued(), BEGUN);
        assert!(matches!(store.find_link(Digest::of("key"), after(60)).await.unwrap(), LinkState::Unknown));
    }

    async fn another_wish_takes_the_place_of_the_one_before(store: &TestStore) {
        let account = store.account("mira@example.com").await;
        updated(store, update(account.id, Some("one@example.com"), after(0))).await;
        store.insert_key(email_key(account.id, "one", "one@example.com")).await.unwrap();
        updated(store, update(account.id, Some("two@example.com"), after(1))).await;
        let notice = "email-change-notice mira@example.com";
        assert_eq!(store.queued(), [notice, "email-change two@example.com", notice]);
        assert_eq!(store.confirm_email_change(Digest::of("one"), after(2)).await.unwrap(), None);
        updated(store, update(account.id, Some("one@example.com"), after(59))).await;
        assert_eq!(store.queued(), [notice, "email-change two@example.com", notice], "the first was just asked for");
        updated(store, update(account.id, Some("one@example.com"), after(60))).await;
        assert_eq!(store.queued(), [notice, notice, "email-change one@example.com", notice]);
    }

    async fn no_more_wishes_than_a_day_allows(store: &TestStore) {
        let account = store.account("mira@example.com").await;
        for index in 0..5 {
            updated(store, update(account.id, Some(&format!("new{index}@example.com")), after(index))).await;
        }
        let again = update(account.id, Some("new5@example.com"), after(86_399));
        let changes = ProfileChanges { first_name: Some("Noor".to_owned()), ..ProfileChanges::default() };
        let outcome = store.update_customer(CustomerUpdate { changes, ..again }).await.unwrap();
        assert!(matches!(outcome, UpdateOutcome::TooManyEmailChanges), "{outcome:?}");
        let stored = store.find_customer(account.id).await.unwrap().unwrap();
        assert_eq!(stored.account().profile.first_name.as_deref(), Some("Mira"));
        assert!(store.queued().contains(&"email-change new4@example.com".to_owned()));
        updated(store, update(account.id, Some("new5@example.com"), after(86_400))).await;
        let other = store.account("noor@example.com").await;
        updated(store, update(other.id, Some("new6@example.com"), after(1))).await;
    }

    async fn a_wish_beside_a_new_password_outlives_it(store: &TestStore) {
        let account = store.account("mira@example.com").await;
        store.account("taken@example.com").await;
        store.insert_key(email_key(account.id, "before", "before@example.com")).await.unwrap();
        let password = |old: &str, new: &str| MoreChanges {
            password: Some(ChangePassword {
                id: account.id,
                old: hash(old),
                new: hash(new),
                kept_bearer: None,
                message_id: message_id(),
                now: after(1),
            }),
            ..MoreChanges::default()
        };
        let both = |email: &str, more: MoreChanges| CustomerUpdate {
            more,
            hide_taken: true,
            ..update(account.id, Some(email), after(1))
        };
        let refused = store.update_customer(both("New@example.com", password("another", "new"))).await.unwrap();
        assert!(matches!(refused, UpdateOutcome::PasswordReplaced), "{refused:?}");
        assert!(store.queued().is_empty(), "{:?}", store.queued());
        let state = store.find_link(Digest::of("before"), after(1)).await.unwrap();
        assert!(matches!(state, LinkState::EmailChange { .. }), "what is refused voids nothing: {state:?}");

        updated(store, both("New@example.com", password(FIRST_HASH, "new"))).await;
        let begun = ["password-changed", BEGUN[0], BEGUN[1]];
        assert_eq!(store.queued(), begun, "what was refused was not counted");
        assert!(matches!(store.find_link(Digest::of("before"), after(1)).await.unwrap(), LinkState::Unknown));
        store.execute("DELETE FROM outbox");
        updated(store, both("New@example.com", password("new", "newer"))).await;
        assert_eq!(store.queued(), begun, "the new password voids the wish of a moment ago");
        store.execute("DELETE FROM outbox");
        updated(store, both("taken@example.com", password("newer", "newest"))).await;
        assert_eq!(store.queued(), ["password-changed", "registration-notice", BEGUN[1]]);
        store.execute("DELETE FROM outbox");
        updated(store, both("taken@example.com", password("newest", "last"))).await;
        assert_eq!(store.queued(), ["password-changed", BEGUN[1]], "the owner was told");
    }

    async fn a_confirmed_wish_moves_the_account_and_voids_what_went_to_the_old_address(store: &TestStore) {
        let account = store.account("mira@example.com").await;
        let rival = store.claim("new@example.com").await;
        store.execute("DELETE FROM outbox");
        updated(store, update(account.id, Some("New@example.com"), after(1))).await;
        store.execute("UPDATE outbox SET email = email");
        let restore = store::RestoreRequest {
            canonical_email: "mira@example.com".to_owned(),
            cool_down: Duration::ZERO,
            max_mails_per_day: 20,
            message_id: message_id(),
            now: after(1),
        };
        store.queue_restore(restore).await.unwrap();
        store.insert_key(restore_key(account.id, "restore")).await.unwrap();
        store.insert_key(email_key(account.id, "key", "New@example.com")).await.unwrap();
        store.log_in(account.id, "token").await;
        match store.find_link(Digest::of("key"), after(2)).await.unwrap() {
            LinkState::EmailChange { customer, email, code_tries_left, expired } => {
                assert_eq!(customer.account().id, account.id);
                assert_eq!((email.as_typed(), code_tries_left, expired), ("New@example.com", 5, false));
            }
            state => panic!("{state:?}"),
        }
        assert_eq!(store.confirm_email_change(Digest::of("key"), after(2)).await.unwrap(), Some(account.id));
        let customer = store.find_customer(account.id).await.unwrap().unwrap();
        assert_eq!(customer.account().email.as_typed(), "New@example.com");
        assert_eq!(customer.account().updated_at, after(2));
        assert_eq!(store.find_login("new@example.com").await.unwrap().unwrap().customer.account().id, account.id);
        assert!(store.find_login("mira@example.com").await.unwrap().is_none());
        assert!(store.find_customer(rival.id).await.unwrap().is_none());
        assert!(!store.is_restore_key_live(Digest::of("restore"), after(2)).await.unwrap());
        assert_eq!(store.queued(), ["email-change-notice mira@example.com"]);
        assert_eq!(store.lines(account.id), ["registered", "confirmed", "email-changed"]);
        assert_eq!(store.live_tokens(), 1);
        assert_eq!(store.confirm_email_change(Digest::of("key"), after(3)).await.unwrap(), None);
        let state = store.find_link(Digest::of("key"), after(3)).await.unwrap();
        assert!(matches!(state, LinkState::Confirmed { .. }), "{state:?}");
    }

    async fn a_wish_is_confirmed_by_its_code_and_a_wrong_one_costs_a_try(store: &TestStore) {
        let account = store.account("mira@example.com").await;
        store.insert_key(email_key(account.id, "key", "New@example.com")).await.unwrap();
        let key = Digest::of("key");
        let outcome = store.confirm_by_key_and_code(key, code(&key, "000000"), after(1)).await.unwrap();
        assert_eq!(outcome, CodeOutcome::Wrong { tries_left: 4 });
        let outcome = store.confirm_by_key_and_code(key, code(&key, "123456"), after(86_400)).await.unwrap();
        assert_eq!(outcome, CodeOutcome::Refused);
        let outcome = store.confirm_by_key_and_code(key, code(&key, "123456"), after(1)).await.unwrap();
        assert_eq!(outcome, CodeOutcome::Confirmed(account.id));
        assert_eq!(email_of(store, account.id).await, "New@example.com");
        assert_eq!(store.confirm_email_change(key, after(2)).await.unwrap(), None);
    }

    async fn a_wish_whose_address_got_an_owner_is_refused_and_stays(store: &TestStore) {
        let account = store.account("mira@example.com").await;
        store.insert_key(email_key(account.id, "key", "new@example.com")).await.unwrap();
        store.account("new@example.com").await;
        let key = Digest::of("key");
        assert_eq!(store.confirm_email_change(key, after(1)).await.unwrap(), None);
        let outcome = store.confirm_by_key_and_code(key, code(&key, "123456"), after(1)).await.unwrap();
        assert_eq!(outcome, CodeOutcome::Refused);
        assert_eq!(email_of(store, account.id).await, "mira@example.com");
        assert_eq!(store.number("SELECT count(*) AS value FROM one_time_secrets WHERE used_at IS NULL"), 1);
    }

    async fn an_expired_or_unknown_wish_is_refused(store: &TestStore) {
        let account = store.account("mira@example.com").await;
        store.insert_key(email_key(account.id, "key", "new@example.com")).await.unwrap();
        assert_eq!(store.confirm_email_change(Digest::of("key"), after(86_400)).await.unwrap(), None);
        assert_eq!(store.confirm_email_change(Digest::of("never"), after(1)).await.unwrap(), None);
        let state = store.find_link(Digest::of("key"), after(86_400)).await.unwrap();
        assert!(matches!(state, LinkState::EmailChange { expired: true, .. }), "{state:?}");
        store.execute("UPDATE customers SET anonymised_at = 1");
        assert_eq!(store.confirm_email_change(Digest::of("key"), after(1)).await.unwrap(), None);
        assert!(matches!(store.find_link(Digest::of("key"), after(1)).await.unwrap(), LinkState::Unknown));
    }

    async fn a_wish_and_a_claim_confirmed_at_once_leave_one_owner(store: &TestStore) {
        for round in 0..8 {
            let account = store.account(&format!("mira{round}@example.com")).await;
            let target = format!("new{round}@example.com");
            let mut keys = Vec::new();
            for index in 0..3 {
                let claim = store.claim(&target).await;
                keys.push(store.key(claim.id, &format!("{round} {index}")).await);
            }
            let (name, wish) = (format!("wish {round}"), Digest::of(&format!("wish {round}")));
            store.insert_key(email_key(account.id, &name, &target)).await.unwrap();
            let outcomes = at_once(16, |index| {
                let (store, key) = (store.store.clone(), keys[index % 3]);
                async move {
                    if index % 4 == 0 {
                        store.confirm_email_change(wish, after(1)).await.unwrap()
                    } else {
                        store.confirm_by_key(key, after(1)).await.unwrap()
                    }
                }
            })
            .await;
            let winners: Vec<CustomerId> = outcomes.into_iter().flatten().collect();
            assert_eq!(winners.len(), 1, "round {round}");
            let owner = store.find_login(&target).await.unwrap().unwrap().customer;
            assert_eq!(owner.confirmed().unwrap().account().id, winners[0]);
            let on_target = format!("SELECT count(*) AS value FROM customers WHERE email_canonical = '{target}'");
            assert_eq!(store.number(&on_target), 1, "round {round}");
        }
    }

    async fn two_accounts_that_move_to_one_address_at_once_leave_one_owner(store: &TestStore) {
        let mut accounts = Vec::new();
        for index in 0..8 {
            let account = store.account(&format!("mira{index}@example.com")).await;
            store.insert_key(email_key(account.id, &index.to_string(), "new@example.com")).await.unwrap();
            accounts.push(account.id);
        }
        let outcomes = at_once(8, |index| {
            let store = store.store.clone();
            async move { store.confirm_email_change(Digest::of(&index.to_string()), after(1)).await.unwrap() }
        })
        .await;
        assert_eq!(outcomes.iter().flatten().count(), 1);
    }

    async fn wishes_at_the_same_moment_leave_one_pending(store: &TestStore) {
        let account = store.account("mira@example.com").await;
        at_once(16, |index| {
            let store = store.store.clone();
            let wish = update(account.id, Some(&format!("new{}@example.com", index % 4)), after(1));
            async move { store.update_customer(wish).await.unwrap() }
        })
        .await;
        let pending = "SELECT count(*) AS value FROM outbox WHERE kind = 'email-change'";
        assert_eq!(store.number(pending), 1);
    }

    async fn whoever_leaves_leaves_nothing_behind(store: &TestStore) {
        let mut new = claim("mira@example.com");
        new.profile = Profile {
            salutation: Some(Salutation::Mrs),
            first_name: Some("Mira".to_owned()),
            last_name: Some("Olsen".to_owned()),
            gender: Some(Gender::Female),
            date_of_birth: Some("1990-02-28".parse().unwrap()),
            phone: Some("+49 40 1234".to_owned()),
            company: Some("Olsen & Co".to_owned()),
            subscribed_to_newsletter: true,
        };
        let account = inserted(store.insert_claim(new).await.unwrap());
        let lease = Lease { worker: "one".to_owned(), now: START, until: after(60), limit: 8 };
        let message = store.lease_messages(lease).await.unwrap().remove(0);
        let sent = Finish::Sent { note: "250 mira".to_owned() };
        assert!(store.finish_message(message.id, "one", 1, sent, START).await.unwrap());
        let key = store.key(account.id, "key").await;
        store.confirm_by_key(key, START).await.unwrap().unwrap();
        store.insert_key(restore_key(account.id, "restore")).await.unwrap();
        store.log_in(account.id, "token").await;
        updated(store, update(account.id, Some("new@example.com"), after(1))).await;
        store.execute(&format!(
            "INSERT INTO addresses (uuid, customer_id, first_name, last_name, address1, address2, zip_code, city,
                 iso2_code, is_default_billing, is_default_shipping, created_at, updated_at)
             VALUES ('a', {}, 'Mira', 'Olsen', 'Str.', '1', '1', 'Kiel', 'DE', TRUE, TRUE, 1, 1)",
            account.id
        ));
        let other = store.account("noor@example.com").await;
        store.execute("INSERT INTO merchants (name, created_at) VALUES ('one', 1)");
        for customer in [account.id, other.id] {
            store.execute(&format!(
                "INSERT INTO customer_images (customer_id, data) VALUES ({customer}, 'data:a')"
            ));
            store.execute(&format!(
                "INSERT INTO merchant_users (merchant_id, customer_id, additional_type, additional_data, created_at)
                 SELECT id, {customer}, 'person', '{{\"name\": \"Mira\"}}', 1 FROM merchants"
            ));
        }
        assert!(store.anonymise_customer(account.id, nobody('a'), after(2)).await.unwrap());
        assert!(!store.anonymise_customer(account.id, nobody('b'), after(3)).await.unwrap());
        assert!(!store.anonymise_customer(CustomerId(4711), nobody('c'), after(3)).await.unwrap());
        let login = store.find_login_by_id(account.id).await.unwrap().unwrap();
        assert!(login.password_hash.is_none());
        assert!(matches!(login.customer, Customer::Anonymised(_)));
        let left = login.customer.account();
        assert!(left.profile == Profile::default());
        assert_eq!(left.email.canonical(), nobody('a').canonical());
        assert_eq!((&left.reference, left.updated_at), (&account.reference, after(2)));
        let own = |table: &str| format!("SELECT count(*) AS value FROM {table} WHERE customer_id = {}", account.id);
        for table in ["addresses", "one_time_secrets", "outbox", "newsletter_subscriptions", "customer_images"] {
            assert_eq!(store.number(&own(table)), 0, "{table}");
        }
        let told = "(additional_type IS NOT NULL OR additional_data IS NOT NULL)";
        assert_eq!(store.number(&format!("{} AND {told}", own("merchant_users"))), 0);
        assert_eq!(store.number(&own("merchant_users")), 1, "the merchant's number stays");
        let kept = format!("SELECT count(*) AS value FROM merchant_users WHERE {told}");
        assert_eq!(store.number(&kept), 1, "another customer's stays");
        assert_eq!(store.number(&format!("{} AND (address IS NOT NULL OR note IS NOT NULL)", own("timeline"))), 0);
        assert_eq!(store.lines(account.id), ["registered", "mail-sent", "confirmed", "anonymised"]);
        assert_eq!(store.live_tokens(), 0);
        assert!(store.find_customer(other.id).await.unwrap().unwrap().confirmed().is_some());
        store.account("mira@example.com").await;
    }

    async fn of_many_who_anonymise_at_once_one_does(store: &TestStore) {
        let account = store.account("mira@example.com").await;
        let outcomes = at_once(8, |_| {
            let store = store.store.clone();
            async move { store.anonymise_customer(account.id, nobody('a'), after(1)).await.unwrap() }
        })
        .await;
        assert_eq!(outcomes.iter().filter(|gone| **gone).count(), 1);
    }

    async fn whatever_else_happens_at_once_whoever_leaves_is_gone(store: &TestStore) {
        let account = store.account("mira@example.com").await;
        store.insert_key(restore_key(account.id, "restore")).await.unwrap();
        store.insert_key(email_key(account.id, "wish", "new@example.com")).await.unwrap();
        at_once(24, |index| {
            let (store, id) = (store.store.clone(), account.id);
            async move {
                match index % 6 {
                    0 => drop(store.anonymise_customer(id, nobody('a'), after(1)).await.unwrap()),
                    1 => drop(store.update_customer(update(id, Some("other@example.com"), after(1))).await.unwrap()),
                    2 => drop(store.confirm_email_change(Digest::of("wish"), after(1)).await.unwrap()),
                    3 => drop(store.insert_key(restore_key(id, &index.to_string())).await.unwrap()),
                    4 => drop(store.insert_key(new_key(id, &index.to_string())).await.unwrap()),
                    _ => {
                        let restore = store::RestorePassword {
                            key: Digest::of("restore"),
                            canonical_email: None,
                            password_hash: hash("new"),
                            confirm: false,
                            message_id: message_id(),
                            now: after(1),
                        };
                        store.restore_password(restore).await.unwrap();
                    }
                }
            }
        })
        .await;
        assert_eq!(email_of(store, account.id).await, nobody('a').as_typed());
        for table in ["outbox", "one_time_secrets"] {
            assert_eq!(store.number(&format!("SELECT count(*) AS value FROM {table}")), 0, "{table}");
        }
        assert!(store.find_login_by_id(account.id).await.unwrap().unwrap().password_hash.is_none());
    }
}

async fn a_full_outbox_stops_a_move_and_nothing_else(engine: Engine) {
    let store = TestStore::with(engine, |settings| settings.outbox_limit = 2).await;
    let account = store.account("mira@example.com").await;
    for email in ["one@example.com", "two@example.com"] {
        store.claim(email).await;
    }
    let outcome = store.update_customer(update(account.id, Some("new@example.com"), after(1))).await;
    assert!(matches!(outcome, Err(StoreError::OutboxFull)), "{outcome:?}");
    updated(&store, update(account.id, Some("MIRA@example.com"), after(1))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_outbox_stops_a_move_on_sqlite() {
    a_full_outbox_stops_a_move_and_nothing_else(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_outbox_stops_a_move_on_postgresql() {
    a_full_outbox_stops_a_move_and_nothing_else(Engine::Postgres).await;
}
