//! Section 2.4: a new address is the customer's once its mailbox has shown that it is theirs, and not before.

use futures_util::future::join_all;
use serde_json::{Value, json};
use testkit::{
    Engine, Expected, Gateway, PASSWORD, Request, Session, change_password, check, confirm, log_in, on_both_databases,
    patch_customer, register, restore_password, row, sign_up,
};

use crate::messages::{no_restore_key, not_logged_in, spent_key, taken};
use crate::shop::{BASE, OTHER_PASSWORD, Shop, expect, settings};

on_both_databases! {
    tables: [the_way_of_a_new_address, a_rejecting_shop, a_limit_of_changes]
    scenarios: [
        both_addresses_are_told, only_the_newest_change_counts, the_same_change_again_brings_no_second_mail,
        an_address_that_somebody_else_confirmed_first, of_two_changes_to_one_address_one_wins,
        of_many_confirmations_of_one_change_one_counts, a_change_settles_the_claims_on_its_address,
        a_new_password_ends_a_change, a_change_ends_the_restore_keys_of_the_old_address, a_change_expires,
        a_hardened_shop_answers_alike,
    ]
}

const NEW: &str = "nora.berg@example.com";

fn to(session: &Session, email: &str) -> Request {
    patch_customer(&session.reference, &json!({ "email": email })).bearer(&session.access_token)
}

fn shown(email: &str) -> Expected {
    Expected::data(200).at("/data/attributes/email", email)
}

async fn the_way_of_a_new_address(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let read = || Request::get(&session.path()).bearer(&session.access_token);
    let changed = patch_customer(&session.reference, &json!({ "email": "Nora.Berg@example.com", "firstName": "Nora" }))
        .bearer(&session.access_token);
    check(
        engine,
        gateway.client(),
        &[
            row("2.4 asking for it", changed, shown(&session.email).at("/data/attributes/firstName", "Nora")),
            row("2.4 the old one is read", read(), shown(&session.email)),
            row("2.4 the old one opens", log_in(&session.email, PASSWORD), Expected::data(201)),
            row("2.4 the new one does not", log_in(NEW, PASSWORD), not_logged_in()),
        ],
    )
    .await;
    let mail = gateway.mailbox().wait_for_kind("Nora.Berg@example.com", "email-change", None).await;
    assert!(
        mail.token.len() == 32 && mail.token.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')),
        "{mail:?}"
    );
    check(
        engine,
        gateway.client(),
        &[
            row("2.4 confirming it", confirm(&mail.token), Expected::no_content()),
            row("2.4 confirming it again", confirm(&mail.token), spent_key()),
            row("2.4 the new one is read, as it was typed", read(), shown("Nora.Berg@example.com")),
            row("2.4 the new one opens", log_in(NEW, PASSWORD), Expected::data(201)),
            row("2.4 the old one does not", log_in(&session.email, PASSWORD), not_logged_in()),
            row("2.4 the new one is taken", register(&sign_up(NEW)), taken()),
            row("2.4 the old one is free", register(&sign_up(&session.email)), Expected::data(201)),
        ],
    )
    .await;
}

async fn both_addresses_are_told(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let notice = gateway.send_for_mail(&to(&session, NEW), &session.email, "email-change-notice").await;
    assert_eq!((notice.token.as_str(), notice.code.as_str()), ("", ""), "the notice opens nothing: {notice:?}");
    let mail = gateway.mailbox().wait_for_kind(NEW, "email-change", None).await;
    assert_ne!(notice.subject, mail.subject);
    assert!(mail.link.starts_with(&format!("{BASE}/register/confirm?token={}", mail.token)), "{}", mail.link);
    for part in [&mail.text, &notice.text, &notice.html] {
        assert!(!part.contains("{{"), "{part}");
    }
    assert!(!notice.text.contains(&mail.token) && !notice.html.contains(&mail.token));
    gateway.until_all_mail_is_sent().await;
    assert_eq!(gateway.mailbox().list(NEW).await.len(), 1);
    assert_eq!(gateway.mailbox().list(&session.email).await.len(), 2, "the sign-up's and the notice");
    gateway.confirm(&mail.token).await;
    assert_eq!(gateway.login(NEW).await.reference, session.reference);
}

async fn only_the_newest_change_counts(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let first = gateway.email_change_key(&session, "first@example.com").await;
    let second = gateway.email_change_key(&session, "second@example.com").await;
    expect(&gateway, "the change before", &confirm(&first), &spent_key()).await;
    gateway.confirm(&second).await;
    expect(&gateway, "the change before, afterwards", &confirm(&first), &spent_key()).await;
    gateway.login("second@example.com").await;
    expect(&gateway, "the address before", &log_in("first@example.com", PASSWORD), &not_logged_in()).await;
}

async fn the_same_change_again_brings_no_second_mail(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let first = gateway.email_change_key(&session, NEW).await;
    for spelling in [NEW, "NORA.Berg@example.com"] {
        expect(&gateway, "again", &to(&session, spelling), &shown(&session.email)).await;
    }
    gateway.until_all_mail_is_sent().await;
    assert_eq!(gateway.mailbox().list(NEW).await.len(), 1, "none in the cool-down");
    gateway.advance(61).await;
    let second = gateway.email_change_key(&session, NEW).await;
    expect(&gateway, "only the newest key is good", &confirm(&first), &spent_key()).await;
    gateway.confirm(&second).await;
}

async fn an_address_that_somebody_else_confirmed_first(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let change = gateway.email_change_key(&session, NEW).await;
    let before = gateway.mailbox().list(NEW).await;
    gateway.register(NEW).await;
    let claim = gateway.mailbox().wait_for_kind(NEW, "registration-confirmation", before.first()).await.token;
    gateway.confirm(&claim).await;
    expect(&gateway, "the race is lost", &confirm(&change), &spent_key()).await;
    assert_eq!(gateway.login(&session.email).await.reference, session.reference, "all is as it was");
    assert_ne!(gateway.login(NEW).await.reference, session.reference);
    expect(&gateway, "it is taken now", &to(&session, NEW), &taken()).await;
}

async fn of_two_changes_to_one_address_one_wins(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let other = gateway.sign_in("other@example.com").await;
    let first = gateway.email_change_key(&session, NEW).await;
    let second = gateway.email_change_key(&other, NEW).await;
    let requests = [confirm(&first), confirm(&second)];
    let answers = join_all((0..32).map(|index| gateway.send(&requests[index % 2]))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 204).count(), 1);
    for answer in answers.iter().filter(|answer| answer.status != 204) {
        let problems = spent_key().problems(answer);
        assert!(problems.is_empty(), "a lost race is a refusal: {problems:?}");
    }
    let winner = gateway.login(NEW).await.reference;
    assert!([&session.reference, &other.reference].contains(&&winner));
    let loser = if winner == session.reference { &other } else { &session };
    assert_eq!(gateway.login(&loser.email).await.reference, loser.reference, "the loser keeps the old address");
}

async fn of_many_confirmations_of_one_change_one_counts(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let key = confirm(&gateway.email_change_key(&session, NEW).await);
    let answers = join_all((0..32).map(|_| gateway.send(&key))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 204).count(), 1);
    assert!(answers.iter().all(|answer| [204, 422].contains(&answer.status)), "{answers:?}");
    gateway.login(NEW).await;
}

async fn a_change_settles_the_claims_on_its_address(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let claim = gateway.register_for_key(NEW).await;
    let change = gateway.email_change_key(&session, NEW).await;
    gateway.confirm(&change).await;
    expect(&gateway, "a claim that came to nothing", &confirm(&claim), &spent_key()).await;
    assert_eq!(gateway.login(NEW).await.reference, session.reference);
}

async fn a_new_password_ends_a_change(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let key = gateway.email_change_key(&session, NEW).await;
    let change = change_password(&session.reference, PASSWORD, OTHER_PASSWORD).bearer(&session.access_token);
    assert_eq!(gateway.send(&change).await.status, 204);
    expect(&gateway, "4.3: whoever knew the old password asked for it", &confirm(&key), &spent_key()).await;

    let other = gateway.sign_in("other@example.com").await;
    let key = gateway.email_change_key(&other, "another@example.com").await;
    let restore = gateway.restore_key(&other.email).await;
    assert_eq!(gateway.send(&restore_password(&restore, OTHER_PASSWORD)).await.status, 204);
    expect(&gateway, "4.2: whoever had the account asked for it", &confirm(&key), &spent_key()).await;
    expect(&gateway, "the address is as it was", &log_in(&other.email, OTHER_PASSWORD), &Expected::data(201)).await;
}

async fn a_change_ends_the_restore_keys_of_the_old_address(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let change = gateway.email_change_key(&session, NEW).await;
    let restore = gateway.restore_key(&session.email).await;
    gateway.confirm(&change).await;
    let request = restore_password(&restore, OTHER_PASSWORD);
    expect(&gateway, "a key that lies in the old mailbox", &request, &no_restore_key()).await;
    gateway.login(NEW).await;
}

async fn a_change_expires(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let key = gateway.email_change_key(&session, NEW).await;
    gateway.advance(24 * 3600 + 60).await;
    expect(&gateway, "an expired key", &confirm(&key), &spent_key()).await;
    let session = gateway.login(&session.email).await;
    let key = gateway.email_change_key(&session, NEW).await;
    gateway.advance(24 * 3600 - 60).await;
    gateway.confirm(&key).await;
}

async fn a_rejecting_shop(engine: Engine) {
    let gateway = settings(engine).set("VESTIBULE__ACCOUNTS__REREGISTRATION", "reject").start().await;
    let session = gateway.sign_in("mira.olsen@example.com").await;
    gateway.register("open@example.com").await;
    check(
        engine,
        gateway.client(),
        &[
            row("2.4 to the letter: an open claim counts", to(&session, "open@example.com"), taken()),
            row("2.4 to the letter: an address that nobody has", to(&session, NEW), shown(&session.email)),
        ],
    )
    .await;
}

async fn a_limit_of_changes(engine: Engine) {
    let gateway = settings(engine).set("VESTIBULE__ACCOUNTS__EMAIL_CHANGES_PER_DAY", "2").start().await;
    let session = gateway.sign_in("mira.olsen@example.com").await;
    let not_saved = || Expected::error(400, "410", "Failed to save customer.");
    let with_name = patch_customer(&session.reference, &json!({ "email": "third@example.com", "firstName": "Nora" }))
        .bearer(&session.access_token);
    check(
        engine,
        gateway.client(),
        &[
            row("2.4 one change", to(&session, "first@example.com"), shown(&session.email)),
            row("2.4 another", to(&session, "second@example.com"), shown(&session.email)),
            row("2.4 one too many a day", with_name, not_saved()),
            row("2.4 nothing is written", Request::get(&session.path()).bearer(&session.access_token), {
                shown(&session.email).at("/data/attributes/firstName", "Mira")
            }),
            row(
                "2.4 a name may still change",
                patch_customer(&session.reference, &json!({ "firstName": "Nora" })).bearer(&session.access_token),
                Expected::data(200).at("/data/attributes/firstName", "Nora"),
            ),
        ],
    )
    .await;
    gateway.until_all_mail_is_sent().await;
    assert!(gateway.mailbox().list("third@example.com").await.is_empty());
    gateway.advance(24 * 3600 + 60).await;
    let session = gateway.login(&session.email).await;
    let key = gateway.email_change_key(&session, "third@example.com").await;
    gateway.confirm(&key).await;
}

async fn attributes_after(gateway: &Gateway, session: &Session, email: &str) -> Value {
    let request = patch_customer(&session.reference, &json!({ "email": email, "lastName": "Berg" }));
    let answer = gateway.send(&request.bearer(&session.access_token)).await.expect_status(200);
    let mut attributes = answer.json().pointer("/data/attributes").unwrap().clone();
    attributes.as_object_mut().unwrap().shift_remove("updatedAt");
    attributes
}

async fn a_hardened_shop_answers_alike(engine: Engine) {
    let gateway = settings(engine).set("VESTIBULE__ACCOUNTS__ENUMERATION", "hardened").start().await;
    let session = gateway.sign_in("mira.olsen@example.com").await;
    let owner = gateway.sign_in("owner@example.com").await;
    let before = gateway.mailbox().list(&owner.email).await;
    let known = attributes_after(&gateway, &session, &owner.email).await;
    let unknown = attributes_after(&gateway, &session, "nobody@example.com").await;
    assert_eq!(known, unknown);
    assert_eq!((&known["email"], &known["lastName"]), (&json!(session.email), &json!("Berg")));
    let notice = gateway.mailbox().wait_for_kind(&owner.email, "registration-notice", before.first()).await;
    assert_eq!((notice.token.as_str(), notice.code.as_str()), ("", ""), "the notice opens nothing: {notice:?}");
    assert_eq!(gateway.login(&owner.email).await.reference, owner.reference);
    let notices = gateway.mailbox().list(&session.email).await;
    gateway.until_all_mail_is_sent().await;
    assert!(
        notices.iter().all(|mail| mail.token.is_empty() || mail.kind == "registration-confirmation"),
        "{notices:?}"
    );
}
