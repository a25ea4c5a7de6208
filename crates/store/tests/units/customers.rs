//! Reading accounts.

use crate::common::{START, TestStore, at_once, claim, hash, inserted, on_both_engines};
use domain::CustomerId;
use store::StoreError;

on_both_engines! {
    async fn a_login_is_about_the_account_else_the_newest_claim(store: &TestStore) {
        assert!(store.find_login("mira@example.com").await.unwrap().is_none());
        let first = store.claim("mira@example.com").await;
        let second = store.claim("mira@example.com").await;
        let found = store.find_login("mira@example.com").await.unwrap().unwrap();
        assert_eq!(found.customer.account().id, second.id);
        assert_eq!(found.password_hash.unwrap().expose(), "$argon2id$test");
        let key = store.key(first.id, "key").await;
        store.confirm_by_key(key, START).await.unwrap().unwrap();
        let hidden = store::NewClaim { hide_taken: true, ..claim("mira@example.com") };
        inserted(store.insert_claim(hidden).await.unwrap());
        let found = store.find_login("mira@example.com").await.unwrap().unwrap();
        assert_eq!(found.customer.account().id, first.id);
        store.execute("UPDATE customers SET anonymised_at = 1");
        assert!(store.find_login("mira@example.com").await.unwrap().is_none());
    }

    async fn a_login_by_number_is_of_whoever_has_it(store: &TestStore) {
        let account = store.account("mira@example.com").await;
        let login = store.find_login_by_id(account.id).await.unwrap().unwrap();
        assert_eq!(login.customer.account().reference, account.reference);
        assert_eq!(login.password_hash.unwrap().expose(), "$argon2id$test");
        assert!(store.find_login_by_id(CustomerId(account.id.0 + 1)).await.unwrap().is_none());
    }

    async fn nobody_is_found_under_a_number_never_given(store: &TestStore) {
        assert!(store.find_customer(CustomerId(1)).await.unwrap().is_none());
    }

    async fn a_hash_is_replaced_only_where_it_is_still_the_old_one(store: &TestStore) {
        let account = store.account("mira@example.com").await;
        let replace = |old: &'static str, new: &'static str| {
            let store = store.store.clone();
            async move { store.update_password_hash(account.id, &hash(old), &hash(new)).await.unwrap() }
        };
        assert!(replace("$argon2id$test", "new").await);
        assert!(!replace("$argon2id$test", "newer").await);
        let outcomes = at_once(16, |_| replace("new", "newest")).await;
        assert_eq!(outcomes.iter().filter(|replaced| **replaced).count(), 1);
        let found = store.find_login("mira@example.com").await.unwrap().unwrap();
        assert_eq!(found.password_hash.unwrap().expose(), "newest");
        assert_eq!(found.customer.account().updated_at, account.updated_at);
    }

    async fn a_value_that_cannot_be_read_is_named(store: &TestStore) {
        let account = store.claim("mira@example.com").await;
        store.execute("UPDATE customers SET locale = 'klingon'");
        let error = store.find_customer(account.id).await.unwrap_err();
        assert_eq!(error, StoreError::Corrupt { table: "customers", column: "locale" });
        assert_eq!(error.to_string(), "customers.locale holds a value that cannot be read");
    }
}
