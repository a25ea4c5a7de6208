//! Storefront keys.

use crate::common::{START, TestStore, after, at_once, on_both_engines};
use domain::{Digest, Timestamp};
use std::time::Duration;
use store::{NewStorefrontKey, RotatedStorefrontKey, StorefrontAccess};

const WEEK: u64 = 7 * 86_400;
const YEAR: u64 = 365 * 86_400;

fn new(name: &str, key: &str) -> NewStorefrontKey {
    NewStorefrontKey {
        name: name.to_owned(),
        digest: Digest::of(key),
        beginning: key.to_owned(),
        limit: 100,
        networks: vec!["192.0.2.0/24".to_owned(), "2001:db8::7".to_owned()],
        now: START,
    }
}

fn rotated(name: &str, key: &str, now: Timestamp) -> RotatedStorefrontKey {
    RotatedStorefrontKey {
        name: name.to_owned(),
        digest: Digest::of(key),
        beginning: key.to_owned(),
        lifetime: Duration::from_secs(YEAR),
        grace: Duration::from_secs(WEEK),
        now,
    }
}

async fn find(store: &TestStore, key: &str, now: Timestamp) -> Option<StorefrontAccess> {
    store.find_storefront_key(Digest::of(key), now).await.unwrap()
}

on_both_engines! {
    async fn a_key_is_known_by_its_digest_and_has_a_name_of_its_own(store: &TestStore) {
        assert!(store.insert_storefront_key(new("app", "one")).await.unwrap());
        assert!(!store.insert_storefront_key(new("app", "two")).await.unwrap());
        let without = NewStorefrontKey { limit: 0, networks: Vec::new(), ..new("web", "three") };
        assert!(store.insert_storefront_key(without).await.unwrap());
        let access = find(store, "one", START).await.unwrap();
        let networks = vec!["192.0.2.0/24".to_owned(), "2001:db8::7".to_owned()];
        assert_eq!(access, StorefrontAccess { name: "app".to_owned(), limit: 100, networks });
        let access = find(store, "three", after(10 * YEAR)).await.unwrap();
        assert_eq!(access, StorefrontAccess { name: "web".to_owned(), limit: 0, networks: Vec::new() });
        assert_eq!(find(store, "two", START).await, None);
    }

    async fn a_new_key_takes_the_name_and_the_old_one_ends_within_a_week(store: &TestStore) {
        assert!(store.insert_storefront_key(new("app", "one")).await.unwrap());
        assert!(!store.rotate_storefront_key(rotated("other", "two", after(1))).await.unwrap());
        assert!(store.rotate_storefront_key(rotated("app", "two", after(1))).await.unwrap());
        let (old, new) = (find(store, "one", after(1)).await.unwrap(), find(store, "two", after(1)).await.unwrap());
        assert_eq!(old, new);
        assert!(find(store, "one", after(WEEK)).await.is_some() && find(store, "one", after(WEEK + 1)).await.is_none());
        assert!(find(store, "two", after(YEAR)).await.is_some() && find(store, "two", after(YEAR + 1)).await.is_none());
        assert!(store.rotate_storefront_key(rotated("app", "three", after(2))).await.unwrap());
        assert!(find(store, "two", after(WEEK + 2)).await.is_none(), "the second, too");
        assert!(find(store, "one", after(WEEK + 1)).await.is_none(), "the first lives no longer");
        let lines = store.list_storefront_keys().await.unwrap();
        let told: Vec<_> = lines.iter().map(|line| (line.beginning.as_str(), line.is_superseded)).collect();
        assert_eq!(told, [("one", true), ("two", true), ("three", false)]);
    }

    async fn a_name_is_switched_off_with_all_its_keys(store: &TestStore) {
        assert!(store.insert_storefront_key(new("app", "one")).await.unwrap());
        assert!(store.insert_storefront_key(new("web", "other")).await.unwrap());
        assert!(store.rotate_storefront_key(rotated("app", "two", after(1))).await.unwrap());
        assert_eq!(store.disable_storefront_keys("app", after(2)).await.unwrap(), 2);
        assert_eq!(store.disable_storefront_keys("app", after(2)).await.unwrap(), 0);
        for (key, good) in [("one", false), ("two", false), ("other", true)] {
            assert_eq!(find(store, key, after(3)).await.is_some(), good, "{key}");
        }
        assert!(!store.rotate_storefront_key(rotated("app", "three", after(3))).await.unwrap());
    }

    async fn the_name_of_a_key_that_is_switched_off_is_free(store: &TestStore) {
        for key in ["one", "two"] {
            assert!(store.insert_storefront_key(new("app", key)).await.unwrap(), "{key}");
            assert!(!store.insert_storefront_key(new("app", "another")).await.unwrap(), "beside {key}");
            assert_eq!(store.disable_storefront_keys("app", after(1)).await.unwrap(), 1);
        }
        assert!(store.insert_storefront_key(new("app", "three")).await.unwrap());
        assert!(store.rotate_storefront_key(rotated("app", "four", after(2))).await.unwrap());
        for (key, good) in [("one", false), ("two", false), ("three", true), ("four", true)] {
            assert_eq!(find(store, key, after(3)).await.is_some(), good, "{key}");
        }
    }

    async fn of_many_that_rotate_at_once_each_has_its_turn(store: &TestStore) {
        assert!(store.insert_storefront_key(new("app", "key")).await.unwrap());
        let outcomes = at_once(8, |index| {
            let store = store.store.clone();
            async move { store.rotate_storefront_key(rotated("app", &format!("key {index}"), after(1))).await.unwrap() }
        })
        .await;
        assert!(outcomes.contains(&true));
        let in_use = "SELECT count(*) AS value FROM storefront_keys WHERE superseded_at IS NULL";
        assert_eq!(store.number(in_use), 1);
    }
}
