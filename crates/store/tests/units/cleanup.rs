//! Removing what has expired.

use std::time::Duration;

use crate::common::{FIRST_HASH, START, TestStore, after, hash, message_id, new_key, on_both_engines};
use domain::{Digest, FamilyId, SystemRandomness};
use store::{Deleted, NewKey, NewRefreshToken, Resend};

const WEEK: u64 = 7 * 86_400;

on_both_engines! {
    async fn what_has_expired_goes_and_the_rest_stays(store: &TestStore) {
        let account = store.claim("mira@example.com").await;
        store.key(account.id, "a day").await;
        store.insert_key(NewKey { expires_at: None, ..new_key(account.id, "forever") }).await.unwrap();
        for (text, lifetime) in [("short", 86_400), ("long", 10 * WEEK)] {
            let token = NewRefreshToken {
                digest: Digest::of(text),
                family: FamilyId::generate(&SystemRandomness),
                customer: account.id,
                password_hash: hash(FIRST_HASH),
                created_at: START,
                expires_at: after(lifetime),
            };
            store.insert_refresh_token(token, None).await.unwrap();
        }
        for (email, cool_down) in [("a@example.com", 60), ("b@example.com", 100 * WEEK)] {
            let resend = Resend {
                canonical_email: email.to_owned(),
                cool_down: Duration::from_secs(cool_down),
                max_mails_per_day: 20,
                message_ids: [message_id(), message_id(), message_id()],
                now: START,
            };
            store.queue_resend(resend).await.unwrap();
        }
        let early = store.delete_expired(after(86_400 + WEEK - 1), 100).await.unwrap();
        assert_eq!(early, Deleted { budgets: 4, secrets: 0, refresh_tokens: 0 }, "the sign-up, one resend, two mails");
        let late = store.delete_expired(after(86_400 + WEEK), 100).await.unwrap();
        assert_eq!(late, Deleted { budgets: 0, secrets: 1, refresh_tokens: 1 });
        assert_eq!(store.delete_expired(after(86_400 + WEEK), 100).await.unwrap(), Deleted::default());
    }

    async fn no_more_than_the_limit_goes_at_once(store: &TestStore) {
        for index in 0..5 {
            store.claim(&format!("mira{index}@example.com")).await;
        }
        let mut deleted = Vec::new();
        for _ in 0..4 {
            deleted.push(store.delete_expired(after(1), 2).await.unwrap().budgets);
        }
        assert_eq!(deleted, [2, 2, 1, 0]);
    }
}
