//! The page behind the link that moves an account to another address.

use serde_json::json;
use testkit::{Engine, Gateway, Mail, PASSWORD, Session, log_in, on_both_databases, patch_customer};

use crate::visitor::{click, field, open, scan, submit};

on_both_databases! {
    scenarios: [
        a_scanner_moves_nothing, the_button_moves_the_account, the_code_moves_the_account, five_wrong_codes_leave_the_link_alone,
        a_link_that_was_replaced, a_link_that_is_too_old,
    ]
}

const OLD: &str = "mira@example.com";
const NEW: &str = "nora@example.com";

/// A customer who is moving, and the mail to the new address.
async fn moving(engine: Engine) -> (Gateway, Session, Mail) {
    let gateway = Gateway::on(engine).start().await;
    let session = gateway.sign_in(OLD).await;
    let mail = ask(&gateway, &session, NEW).await;
    (gateway, session, mail)
}

async fn ask(gateway: &Gateway, session: &Session, email: &str) -> Mail {
    let change = patch_customer(&session.reference, &json!({ "email": email })).bearer(&session.access_token);
    gateway.send_for_mail(&change, email, "email-change").await
}

async fn logs_in(gateway: &Gateway, email: &str) -> bool {
    gateway.send(&log_in(email, PASSWORD)).await.status == 201
}

async fn assert_moved(gateway: &Gateway, moved: bool) {
    assert_eq!((logs_in(gateway, OLD).await, logs_in(gateway, NEW).await), (!moved, moved));
}

async fn a_scanner_moves_nothing(engine: Engine) {
    let (gateway, _, mail) = moving(engine).await;
    scan(&gateway, &mail).await;
    assert_moved(&gateway, false).await;
    gateway.confirm(&mail.token).await;
    assert_moved(&gateway, true).await;
}

async fn the_button_moves_the_account(engine: Engine) {
    let (gateway, _, mail) = moving(engine).await;
    let shown = open(&gateway, &mail).await.expect_status(200);
    let german = "Neue E-Mail-Adresse bestätigen";
    assert!(shown.body.contains(german) && shown.body.contains("name=\"moves\" value=\"1\""), "{}", shown.body);
    assert!(!shown.body.contains(OLD) && !shown.body.contains("Mira"), "nothing of the account: {}", shown.body);
    let unpressed = submit(&gateway, &[("token", &mail.token), ("moves", "1")]).await.expect_status(422);
    assert!(unpressed.body.contains("name=\"code\""), "{}", unpressed.body);
    assert_moved(&gateway, false).await;
    let done = click(&gateway, &mail).await.expect_status(200);
    assert!(done.body.contains("neue E-Mail-Adresse ist"), "{}", done.body);
    assert_moved(&gateway, true).await;
    let used = open(&gateway, &mail).await.expect_status(200);
    assert!(used.body.contains("bereits bestätigt") && !used.body.contains("name=\"code\""), "{}", used.body);
}

async fn the_code_moves_the_account(engine: Engine) {
    let (gateway, _, mail) = moving(engine).await;
    let code = [("token", mail.token.as_str()), ("moves", "1"), ("code", mail.code.as_str()), ("lang", "en")];
    let done = submit(&gateway, &code).await.expect_status(200);
    assert!(done.body.contains("Your new email address is confirmed"), "{}", done.body);
    assert_moved(&gateway, true).await;
}

async fn five_wrong_codes_leave_the_link_alone(engine: Engine) {
    let (gateway, _, mail) = moving(engine).await;
    let wrong = if mail.code == "000000" { "111111" } else { "000000" };
    for _ in 0..5 {
        submit(&gateway, &[("token", &mail.token), ("code", wrong)]).await.expect_status(422);
    }
    let spent = submit(&gateway, &[("token", &mail.token), ("code", &mail.code), ("lang", "en")]).await;
    assert!(spent.body.contains("log in and ask for the change again"), "{}", spent.body);
    assert!(!spent.body.contains("/register/confirm/resend"), "only its owner can ask again: {}", spent.body);
    assert_moved(&gateway, false).await;
    click(&gateway, &mail).await.expect_status(200);
    assert_moved(&gateway, true).await;
}

async fn a_link_that_was_replaced(engine: Engine) {
    let (gateway, session, mail) = moving(engine).await;
    let shown = open(&gateway, &mail).await.expect_status(200);
    let (challenge, lang) = (field(&shown.body, "challenge"), ("lang", "en"));
    let answer: String = challenge.chars().rev().collect();
    let elsewhere = ask(&gateway, &session, "elsewhere@example.com").await;
    let fields = [("token", mail.token.as_str()), ("challenge", challenge), ("answer", &answer), ("moves", "1"), lang];
    let refused = submit(&gateway, &fields).await.expect_status(404);
    assert!(refused.body.contains("invalid or has been already used"), "{}", refused.body);
    assert_moved(&gateway, false).await;
    click(&gateway, &elsewhere).await.expect_status(200);
    assert!(logs_in(&gateway, "elsewhere@example.com").await);
}

async fn a_link_that_is_too_old(engine: Engine) {
    let (gateway, _, mail) = moving(engine).await;
    gateway.advance(25 * 3600).await;
    let shown = open(&gateway, &mail).await.expect_status(410);
    assert!(!shown.body.contains("name=\"code\"") && !shown.body.contains("resend"), "{}", shown.body);
    submit(&gateway, &[("token", &mail.token), ("code", &mail.code)]).await.expect_status(410);
    assert_moved(&gateway, false).await;
    // The way out is to ask again.
    let session = gateway.login(OLD).await;
    let next = ask(&gateway, &session, NEW).await;
    click(&gateway, &next).await.expect_status(200);
    assert_moved(&gateway, true).await;
}
