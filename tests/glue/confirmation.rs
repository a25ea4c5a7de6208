//! Section 3: the second door. What is wrong with single fields is in `validation`.

use serde_json::json;
use testkit::{Engine, Expected, PASSWORD, Request, check, confirm, document, log_in, on_both_databases, resend, row};

use crate::messages::SPENT_KEY;
use crate::shop::settings;

on_both_databases! {
    tables: [keys, resends]
    scenarios: [
        a_key_expires, a_key_for_ever, a_resend_brings_another_key_and_keeps_the_first, resends_have_a_cool_down,
        the_fifth_newest_key_is_kept_and_the_sixth_is_not,
    ]
}

fn refused() -> Expected {
    Expected::error(422, "423", SPENT_KEY)
}

async fn keys(engine: Engine) {
    let gateway = settings(engine).start().await;
    let key = gateway.register_for_key("mira@example.com").await;
    assert!(key.len() == 32 && key.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')), "9 the key: {key}");
    let other_key = gateway.register_for_key("other@example.com").await;
    let extra = json!({ "registrationKey": other_key, "email": "mira@example.com" });
    let failed = || Expected::error(401, "003", "Failed to authenticate user.");
    check(
        engine,
        gateway.client(),
        &[
            row("6.1 before confirming", log_in("mira@example.com", PASSWORD), failed()),
            row("3 an unknown key", confirm("0123456789abcdef0123456789abcdef"), refused()),
            row("3 a key of another form", confirm("x"), refused()),
            row("3 a key with more behind it", confirm(&format!("{key} ")), refused()),
            row("3 half a key", confirm(key.get(..16).unwrap()), refused()),
            row("3 a very long key", confirm(&key.repeat(100)), refused()),
            row("3 a wildcard", confirm("%"), refused()),
            row(
                "3 a wrong type",
                Request::post("/customer-confirmation", &document("customers", &json!({ "registrationKey": key }))),
                Expected::generic(400, "Invalid type."),
            ),
            row(
                "3 a GET consumes nothing",
                Request::get(&format!("/customer-confirmation/{key}")),
                Expected::generic(404, "Not Found"),
            ),
            row("3 still not confirmed", log_in("mira@example.com", PASSWORD), failed()),
            row("3 confirmed", confirm(&key), Expected::no_content()),
            row("3 used already", confirm(&key), refused()),
            row("3 used already, again", confirm(&key), refused()),
            row("3 no log-in by itself, but a log-in now", log_in("mira@example.com", PASSWORD), Expected::data(201)),
            row(
                "3 other attributes are ignored",
                Request::post("/customer-confirmation", &document("customer-confirmation", &extra)),
                Expected::no_content(),
            ),
            row("3 whose key it is decides", log_in("other@example.com", PASSWORD), Expected::data(201)),
        ],
    )
    .await;
}

async fn resends(engine: Engine) {
    let gateway = settings(engine).start().await;
    gateway.register_for_key("open@example.com").await;
    gateway.sign_in("confirmed@example.com").await;
    check(
        engine,
        gateway.client(),
        &[
            row("3 resend: an open claim", resend("open@example.com"), Expected::no_content()),
            row("3 resend: too soon", resend("open@example.com"), Expected::no_content()),
            row("3 resend: an unknown address", resend("nobody@example.com"), Expected::no_content()),
            row("3 resend: a confirmed account", resend("confirmed@example.com"), Expected::no_content()),
            row("3 resend: what passes and is no address", resend("a..b@example.com"), Expected::no_content()),
        ],
    )
    .await;
}

async fn a_key_expires(engine: Engine) {
    let gateway = settings(engine).start().await;
    let keys =
        [gateway.register_for_key("early@example.com").await, gateway.register_for_key("late@example.com").await];
    gateway.advance(24 * 3600 - 60).await;
    gateway.confirm(&keys[0]).await;
    gateway.advance(120).await;
    let problems = refused().problems(&gateway.send(&confirm(&keys[1])).await);
    assert!(problems.is_empty(), "3 an expired key: {problems:?}");
    assert_eq!(gateway.send(&log_in("late@example.com", PASSWORD)).await.status, 401);
    // No dead end: a new mail brings a new key.
    let old = gateway.mailbox().wait_for("late@example.com").await;
    assert_eq!(gateway.send(&resend("late@example.com")).await.status, 204);
    let new = gateway.mailbox().wait_for_next(&old).await;
    gateway.confirm(&new.token).await;
    gateway.login("late@example.com").await;
}

async fn a_key_for_ever(engine: Engine) {
    let gateway = settings(engine).set("VESTIBULE__ACCOUNTS__CONFIRMATION_LIFETIME_SECONDS", "0").start().await;
    let key = gateway.register_for_key("mira@example.com").await;
    for _ in 0..2 {
        gateway.advance(10 * 365 * 86_400).await;
    }
    gateway.confirm(&key).await;
}

async fn a_resend_brings_another_key_and_keeps_the_first(engine: Engine) {
    let gateway = settings(engine).start().await;
    for (address, confirms_with_the_first) in [("first@example.com", true), ("second@example.com", false)] {
        gateway.register(address).await;
        let first = gateway.mailbox().wait_for(address).await;
        assert_eq!(gateway.send(&resend(address)).await.status, 204);
        let second = gateway.mailbox().wait_for_next(&first).await;
        assert_ne!(first.token, second.token, "a key is made when its mail is sent");
        let (used, left) =
            if confirms_with_the_first { (first.token, second.token) } else { (second.token, first.token) };
        gateway.confirm(&used).await;
        assert_eq!(gateway.send(&confirm(&left)).await.status, 422, "a confirmation voids all keys");
    }
}

async fn resends_have_a_cool_down(engine: Engine) {
    let gateway = settings(engine).start().await;
    let address = "mira@example.com";
    gateway.register(address).await;
    let first = gateway.mailbox().wait_for(address).await;
    assert_eq!(gateway.send(&resend(address)).await.status, 204);
    let second = gateway.mailbox().wait_for_next(&first).await;
    for spelling in [address, "MIRA@EXAMPLE.COM"] {
        assert_eq!(gateway.send(&resend(spelling)).await.status, 204);
    }
    gateway.until_all_mail_is_sent().await;
    assert_eq!(gateway.mailbox().list(address).await.len(), 2, "none in the cool-down");
    gateway.advance(61).await;
    assert_eq!(gateway.send(&resend(address)).await.status, 204);
    let third = gateway.mailbox().wait_for_next(&second).await;
    gateway.confirm(&third.token).await;
}

async fn the_fifth_newest_key_is_kept_and_the_sixth_is_not(engine: Engine) {
    let gateway = settings(engine).start().await;
    let address = "mira@example.com";
    gateway.register(address).await;
    let mut mails = vec![gateway.mailbox().wait_for(address).await];
    for _ in 0..5 {
        gateway.advance(61).await;
        assert_eq!(gateway.send(&resend(address)).await.status, 204);
        mails.push(gateway.mailbox().wait_for_next(&mails[mails.len() - 1]).await);
    }
    assert_eq!(gateway.send(&confirm(&mails[0].token)).await.status, 422, "the sixth newest");
    assert_eq!(gateway.send(&confirm(&mails[1].token)).await.status, 204, "the fifth newest");
}
