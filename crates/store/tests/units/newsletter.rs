//! Newsletters, telephone numbers, and what else other doors know of a customer.

use crate::common::{FIRST_HASH, START, TestStore, after, at_once, claim, hash, inserted, message_id, on_both_engines};
use crate::profile::update;
use domain::{Account, DoubleOptIn, EmailAddress, Profile};
use store::{ChangePassword, ClaimOutcome, CustomerUpdate, MoreChanges, NewClaim, Taken, UniqueValues, UpdateOutcome};

fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).unwrap()
}

/// A sign-up that confirms at once, with a telephone number that must be nobody else's.
fn with_phone(email: &str, phone: &str) -> NewClaim {
    let mut new = claim(email);
    new.double_opt_in = DoubleOptIn::Off;
    new.phone_is_unique = true;
    new.profile = Profile { phone: Some(phone.to_owned()), ..Profile::default() };
    new
}

fn with(account: &Account, more: MoreChanges) -> CustomerUpdate {
    CustomerUpdate { more, ..update(account.id, None, after(1)) }
}

fn with_new_phone(account: &Account, phone: &str) -> CustomerUpdate {
    with(account, MoreChanges { phone: Some(phone.to_owned()), ..MoreChanges::default() })
}

async fn taken(store: &TestStore, email: Option<&str>, phone: Option<&str>, but: Option<&Account>) -> Taken {
    let values = UniqueValues {
        canonical_email: email.map(str::to_owned),
        canonical_phone: phone.map(str::to_owned),
        but: but.map(|account| account.id),
        reregistration: domain::Reregistration::Claim,
    };
    store.find_taken(values).await.unwrap()
}

on_both_engines! {
    async fn an_address_is_subscribed_once_whoever_asks(store: &TestStore) {
        let (mira, noor) = (store.account("mira@example.com").await, store.account("noor@example.com").await);
        let subscribe = async |account: &Account, email: &str| {
            store.insert_subscription(account.id, address(email), START).await.unwrap()
        };
        assert!(subscribe(&mira, "mira@example.com").await);
        assert!(!subscribe(&mira, "MIRA@example.com").await && !subscribe(&noor, "mira@example.com").await);
        assert!(subscribe(&noor, "noor@example.com").await);
        assert!(store.anonymise_customer(mira.id, address("x@y.example"), after(1)).await.unwrap());
        let left = store.texts("SELECT email AS value FROM newsletter_subscriptions");
        assert_eq!(left, ["noor@example.com"], "the row goes with the customer");
        assert!(subscribe(&noor, "mira@example.com").await);
    }

    async fn open_claims_take_no_subscription(store: &TestStore) {
        let noor = store.account("noor@example.com").await;
        let mut wants = claim("mira@example.com");
        wants.profile.subscribed_to_newsletter = true;
        for _ in 0..2 {
            assert!(inserted(store.insert_claim(wants.clone()).await.unwrap()).profile.subscribed_to_newsletter);
            wants.message_id = message_id();
        }
        assert_eq!(store.number("SELECT count(*) AS value FROM newsletter_subscriptions"), 2);
        assert!(store.insert_subscription(noor.id, address("mira@example.com"), START).await.unwrap());
        assert!(!store.insert_subscription(noor.id, address("mira@example.com"), START).await.unwrap());
    }

    async fn of_many_subscriptions_at_once_one_counts(store: &TestStore) {
        let accounts = [store.account("mira@example.com").await.id, store.account("noor@example.com").await.id];
        let outcomes = at_once(16, |index| {
            let (store, id) = (store.store.clone(), accounts[index % 2]);
            async move { store.insert_subscription(id, address("x@example.com"), START).await.unwrap() }
        })
        .await;
        assert_eq!(outcomes.iter().filter(|begun| **begun).count(), 1);
    }

    async fn a_telephone_number_is_taken_by_a_confirmed_account(store: &TestStore) {
        let mut open = with_phone("open@example.com", "0049 40 1");
        open.double_opt_in = DoubleOptIn::Required;
        inserted(store.insert_claim(open).await.unwrap());
        let mira = inserted(store.insert_claim(with_phone("mira@example.com", "+49 (40) 1")).await.unwrap());
        assert_eq!(taken(store, None, Some("49401"), None).await, Taken { email: false, phone: true });
        assert_eq!(taken(store, None, Some("49401"), Some(&mira)).await, Taken::default());
        assert_eq!(taken(store, Some("mira@example.com"), None, None).await, Taken { email: true, phone: false });
        assert_eq!(taken(store, Some("open@example.com"), Some("49402"), None).await, Taken::default());
        let again = store.insert_claim(with_phone("noor@example.com", "49401")).await.unwrap();
        assert!(matches!(again, ClaimOutcome::PhoneTaken));
        let tom = store.account("tom@example.com").await;
        let refused = store.update_customer(with_new_phone(&tom, "0049401")).await.unwrap();
        assert!(matches!(refused, UpdateOutcome::PhoneTaken));
        let UpdateOutcome::Updated(changed) = store.update_customer(with_new_phone(&tom, "49402")).await.unwrap() else {
            panic!("a number that nobody has");
        };
        assert_eq!(changed.account().profile.phone.as_deref(), Some("49402"));
        assert!(taken(store, None, Some("49402"), None).await.phone);
        assert!(store.anonymise_customer(tom.id, address("x@y.example"), after(1)).await.unwrap());
        assert!(!taken(store, None, Some("49402"), None).await.phone);
    }

    async fn a_telephone_number_that_one_has_is_not_taken_from_them(store: &TestStore) {
        let mira = inserted(store.insert_claim(with_phone("mira@example.com", "49401")).await.unwrap());
        let elsewhere = NewClaim { phone_is_unique: false, ..with_phone("tom@example.com", "49401") };
        let tom = inserted(store.insert_claim(elsewhere).await.unwrap());
        for account in [&mira, &tom] {
            assert_eq!(taken(store, None, Some("49401"), Some(account)).await, Taken::default());
            let outcome = store.update_customer(with_new_phone(account, "0049 401")).await.unwrap();
            assert!(matches!(outcome, UpdateOutcome::Updated(_)), "{outcome:?}");
        }
        let noor = store.account("noor@example.com").await;
        assert!(taken(store, None, Some("49401"), Some(&noor)).await.phone);
    }

    async fn of_many_sign_ups_with_one_telephone_number_one_counts(store: &TestStore) {
        let outcomes = at_once(12, |index| {
            let store = store.store.clone();
            async move { store.insert_claim(with_phone(&format!("{index}@example.com"), "49401")).await.unwrap() }
        })
        .await;
        assert_eq!(outcomes.iter().filter(|outcome| matches!(outcome, ClaimOutcome::Inserted(_))).count(), 1);
    }

    async fn a_flag_and_a_picture_change(store: &TestStore) {
        let mira = store.account("mira@example.com").await;
        let more = |subscribed: bool, image: Option<&str>| MoreChanges {
            subscribed_to_newsletter: Some(subscribed),
            image: Some(image.map(str::to_owned)),
            ..MoreChanges::default()
        };
        for (subscribed, image) in [(true, Some("data:a")), (true, Some("data:b")), (false, None)] {
            let outcome = store.update_customer(with(&mira, more(subscribed, image))).await.unwrap();
            let UpdateOutcome::Updated(customer) = outcome else { panic!("a change") };
            assert_eq!(customer.account().profile.subscribed_to_newsletter, subscribed);
            assert_eq!(store.find_image(mira.id).await.unwrap().as_deref(), image);
            let rows = store.number("SELECT count(*) AS value FROM newsletter_subscriptions");
            assert_eq!(rows, i64::from(subscribed));
        }
    }

    async fn a_password_that_was_replaced_meanwhile_undoes_the_whole_change(store: &TestStore) {
        let mira = store.account("mira@example.com").await;
        let change = |old: &str| ChangePassword {
            id: mira.id,
            old: hash(old),
            new: hash("new"),
            kept_bearer: None,
            message_id: message_id(),
            now: after(1),
        };
        let more = |old: &str| MoreChanges {
            subscribed_to_newsletter: Some(true),
            phone: Some("49401".to_owned()),
            password: Some(change(old)),
            ..MoreChanges::default()
        };
        let outcome = store.update_customer(with(&mira, more("another"))).await.unwrap();
        assert!(matches!(outcome, UpdateOutcome::PasswordReplaced));
        assert_eq!(store.number("SELECT count(*) AS value FROM customers WHERE phone IS NOT NULL"), 0);
        assert_eq!(store.number("SELECT count(*) AS value FROM newsletter_subscriptions"), 0);
        let outcome = store.update_customer(with(&mira, more(FIRST_HASH))).await.unwrap();
        assert!(matches!(outcome, UpdateOutcome::Updated(_)));
        assert_eq!(store.number("SELECT count(*) AS value FROM customers WHERE password_hash = 'new'"), 1);
        assert_eq!(store.lines(mira.id).last().map(String::as_str), Some("password-changed"));
    }
}
