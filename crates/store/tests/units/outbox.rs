//! Leasing and finishing messages.

use std::collections::BTreeSet;

use crate::common::{START, TestStore, after, at_once, on_both_engines};
use domain::MessageKind;
use store::{Finish, Lease, LeasedMessage, OutboxStatus};

async fn lease(store: &store::Store, worker: &str, seconds: u64, limit: i64) -> Vec<LeasedMessage> {
    let lease = Lease { worker: worker.to_owned(), now: after(seconds), until: after(seconds + 60), limit };
    store.lease_messages(lease).await.unwrap()
}

fn sent() -> Finish {
    Finish::Sent { note: "250 2.0.0 ok".to_owned() }
}

on_both_engines! {
    async fn a_message_comes_with_its_customer_and_is_sent_once(store: &TestStore) {
        let account = store.claim("Mira@example.com").await;
        let message = lease(store, "one", 0, 8).await.remove(0);
        assert_eq!(message.kind, MessageKind::RegistrationConfirmation);
        assert_eq!(message.customer.account().reference, account.reference);
        assert_eq!((message.attempt, message.created_at), (1, START));
        assert_eq!(message.message_id.as_str().len(), 32);
        assert!(lease(store, "two", 59, 8).await.is_empty());
        assert!(store.finish_message(message.id, "one", 1, sent(), after(5)).await.unwrap());
        assert!(!store.finish_message(message.id, "one", 1, sent(), after(5)).await.unwrap());
        assert!(lease(store, "two", 999, 8).await.is_empty());
        let line = "SELECT message || ' ' || address || ' ' || note AS value FROM timeline WHERE kind = 'mail-sent'";
        assert_eq!(store.texts(line), ["registration-confirmation m***@e***.com 250 2.0.0 ok"]);
    }

    async fn a_lease_that_ran_out_is_anothers(store: &TestStore) {
        store.claim("mira@example.com").await;
        let first = lease(store, "one", 0, 8).await.remove(0);
        let second = lease(store, "two", 60, 8).await.remove(0);
        assert_eq!((second.id, second.attempt), (first.id, 2));
        assert_eq!(second.message_id, first.message_id);
        assert!(!store.finish_message(first.id, "one", 1, sent(), after(61)).await.unwrap());
        assert!(!store.finish_message(first.id, "two", 1, sent(), after(61)).await.unwrap());
        assert!(store.finish_message(second.id, "two", 2, sent(), after(61)).await.unwrap());
    }

    async fn a_lease_that_ran_out_but_is_nobody_elses_may_be_finished(store: &TestStore) {
        store.claim("mira@example.com").await;
        let message = lease(store, "one", 0, 8).await.remove(0);
        assert!(store.finish_message(message.id, "one", 1, sent(), after(600)).await.unwrap());
    }

    async fn workers_at_once_never_share_a_message(store: &TestStore) {
        for index in 0..40 {
            store.claim(&format!("mira{index}@example.com")).await;
        }
        let batches = at_once(8, |index| {
            let store = store.store.clone();
            async move {
                let worker = index.to_string();
                let mut ids = Vec::new();
                loop {
                    let batch = lease(&store, &worker, 0, 4).await;
                    if batch.is_empty() {
                        return ids;
                    }
                    ids.extend(batch.iter().map(|message| message.id));
                }
            }
        })
        .await;
        let ids: Vec<i64> = batches.into_iter().flatten().collect();
        assert!(ids.len() <= 40);
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
        let rest = lease(store, "last", 0, 100).await.len();
        assert_eq!(ids.len() + rest, 40);
        assert_eq!(store.number("SELECT CAST(max(attempts) AS BIGINT) AS value FROM outbox"), 1);
    }

    async fn the_oldest_due_come_first_and_no_more_than_asked_for(store: &TestStore) {
        let mut ids = Vec::new();
        for index in 0..3 {
            ids.push(store.claim(&format!("mira{index}@example.com")).await.id);
        }
        store.execute(&format!("UPDATE outbox SET due_at = 1 WHERE customer_id = {}", ids[2]));
        store.execute(&format!("UPDATE outbox SET due_at = {} WHERE customer_id = {}", after(99).as_micros(), ids[0]));
        let leased = |messages: Vec<LeasedMessage>| {
            messages.iter().map(|message| message.customer.account().id).collect::<Vec<_>>()
        };
        assert_eq!(leased(lease(store, "one", 0, 1).await), [ids[2]]);
        assert_eq!(leased(lease(store, "one", 0, 8).await), [ids[1]]);
        assert_eq!(leased(lease(store, "one", 99, 8).await), [ids[2], ids[1], ids[0]]);
    }

    async fn a_retry_waits_until_it_is_due(store: &TestStore) {
        store.claim("mira@example.com").await;
        let message = lease(store, "one", 0, 8).await.remove(0);
        let retry = Finish::Retry { due_at: after(30), note: "451 later".to_owned() };
        assert!(store.finish_message(message.id, "one", 1, retry, after(1)).await.unwrap());
        assert!(lease(store, "one", 29, 8).await.is_empty());
        assert_eq!(lease(store, "one", 30, 8).await.remove(0).attempt, 2);
        assert_eq!(store.texts("SELECT kind AS value FROM timeline"), ["registered"]);
    }

    async fn a_dead_message_stays_and_a_dropped_one_goes(store: &TestStore) {
        store.claim("one@example.com").await;
        store.claim("two@example.com").await;
        let messages = lease(store, "one", 0, 8).await;
        let dead = Finish::Dead { note: format!("550 no\u{0}such user {}", "x".repeat(600)) };
        assert!(store.finish_message(messages[0].id, "one", 1, dead, after(1)).await.unwrap());
        assert!(store.finish_message(messages[1].id, "one", 1, Finish::Dropped, after(1)).await.unwrap());
        let status = store.outbox_status(after(1)).await.unwrap();
        assert_eq!(status, OutboxStatus { queued: 0, dead: 1, oldest_due_seconds: 0 });
        assert!(lease(store, "one", 999, 8).await.is_empty());
        let note = store.texts("SELECT note AS value FROM timeline WHERE kind = 'mail-dead'").remove(0);
        assert!(note.starts_with("550 no such user x") && note.chars().count() == 500, "{note}");
    }

    async fn the_status_counts_what_is_due(store: &TestStore) {
        let empty = OutboxStatus { queued: 0, dead: 0, oldest_due_seconds: 0 };
        assert_eq!(store.outbox_status(START).await.unwrap(), empty);
        store.claim("one@example.com").await;
        store.claim("two@example.com").await;
        let status = store.outbox_status(after(75)).await.unwrap();
        assert_eq!(status, OutboxStatus { queued: 2, dead: 0, oldest_due_seconds: 75 });
    }

    async fn a_message_that_cannot_be_read_holds_up_no_other(store: &TestStore) {
        let poisoned = store.claim("one@example.com").await;
        store.claim("two@example.com").await;
        store.execute(&format!("UPDATE customers SET locale = 'klingon' WHERE id = {}", poisoned.id));
        let messages = lease(store, "one", 0, 8).await;
        assert_eq!(messages.len(), 1);
        assert_ne!(messages[0].customer.account().id, poisoned.id);
        assert_eq!(store.outbox_status(START).await.unwrap().dead, 1);
        let note = "SELECT note AS value FROM outbox WHERE state = 'dead'";
        assert_eq!(store.texts(note), ["customers.locale holds a value that cannot be read"]);
    }
}
