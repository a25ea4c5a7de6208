//! The page behind the link that leads to a new password, and the one that sends such a link.

use testkit::{
    Answer, Engine, Gateway, LEAKED_PASSWORD, Mail, PASSWORD, Request, forgot_password, log_in, on_both_databases,
    service_of_leaked_passwords,
};

use crate::visitor::{field, open, page, scan};

on_both_databases! {
    scenarios: [
        a_scanner_sets_nothing_and_spoils_nothing, a_new_password_is_set_once, a_password_that_is_no_good_is_told,
        a_link_that_is_no_good_leads_to_a_new_one, a_leaked_password_is_told, what_is_no_form_changes_nothing,
    ]
}

const ADDRESS: &str = "mira@example.com";
const NEW: &str = "Another-2nd-Door!";

async fn forgotten_on(gateway: &Gateway) -> Mail {
    gateway.sign_in(ADDRESS).await;
    gateway.send_for_mail(&forgot_password(ADDRESS), ADDRESS, "restore-password").await
}

/// A customer who has forgotten the password, and the mail with the way to a new one.
async fn forgotten(engine: Engine) -> (Gateway, Mail) {
    let gateway = Gateway::on(engine).start().await;
    let mail = forgotten_on(&gateway).await;
    (gateway, mail)
}

/// Fills in the form of the page, in English.
async fn choose(gateway: &Gateway, token: &str, password: &str, again: &str) -> Answer {
    let fields = [("token", token), ("lang", "en"), ("password", password), ("confirm_password", again)];
    gateway.send(&Request::form("/password/restore", &fields).header("Accept", "text/html")).await
}

async fn assert_opens(gateway: &Gateway, password: &str) {
    for each in [PASSWORD, NEW] {
        let opens = gateway.send(&log_in(ADDRESS, each)).await.status == 201;
        assert_eq!(opens, each == password, "log in with {each}");
    }
}

async fn a_scanner_sets_nothing_and_spoils_nothing(engine: Engine) {
    let (gateway, mail) = forgotten(engine).await;
    scan(&gateway, &mail).await;
    assert_opens(&gateway, PASSWORD).await;
    let set = choose(&gateway, &mail.token, NEW, NEW).await.expect_status(200);
    assert!(set.body.contains("Your password was changed successfully"), "{}", set.body);
    assert_opens(&gateway, NEW).await;
}

async fn a_new_password_is_set_once(engine: Engine) {
    let (gateway, mail) = forgotten(engine).await;
    for _ in 0..2 {
        let shown = open(&gateway, &mail).await.expect_status(200);
        assert!(shown.body.contains("Neues Passwort wählen"), "the language of the customer: {}", shown.body);
        assert_eq!(field(&shown.body, "token"), mail.token);
        assert!(
            !shown.body.contains(ADDRESS) && !shown.body.contains("Mira"),
            "nothing of the account: {}",
            shown.body
        );
        assert_eq!(shown.header("Cache-Control"), Some("no-store"));
        assert_eq!(shown.header("Referrer-Policy"), Some("no-referrer"));
    }
    choose(&gateway, &mail.token, NEW, NEW).await.expect_status(200);
    assert_opens(&gateway, NEW).await;
    let told = gateway.mailbox().wait_for_kind(ADDRESS, "password-changed", Some(&mail)).await;
    assert_eq!((told.link.as_str(), told.token.as_str()), ("", ""));
    let used = open(&gateway, &mail).await.expect_status(404);
    assert!(!used.body.contains("name=\"password\""), "{}", used.body);
    let again = choose(&gateway, &mail.token, PASSWORD, PASSWORD).await.expect_status(404);
    assert!(again.body.contains("has been used already"), "{}", again.body);
    assert_opens(&gateway, NEW).await;
}

async fn a_password_that_is_no_good_is_told(engine: Engine) {
    let (gateway, mail) = forgotten(engine).await;
    for (password, again, told) in [
        (NEW, "Another-3rd-Door!", "The two passwords differ."),
        (NEW, "", "The two passwords differ."),
        ("", "", "The password is too short."),
        ("Short-1!", "Short-1!", "The password is too short."),
        ("no-upper-case-1", "no-upper-case-1", "lacks a kind of character"),
        ("Aaa-111-bbb-222!", "Aaa-111-bbb-222!", "three times in a row"),
        ("qwerty", "qwerty", "one of the most common ones"),
        (&"Ab1!".repeat(33), &"Ab1!".repeat(33), "The password is too long."),
    ] {
        let answer = choose(&gateway, &mail.token, password, again).await.expect_status(422);
        assert!(answer.body.contains(told), "{told} is not in {}", answer.body);
        assert_eq!(field(&answer.body, "token"), mail.token, "the form still works");
        assert!(password.is_empty() || !answer.body.contains(&format!("\"{password}\"")), "{}", answer.body);
    }
    assert_opens(&gateway, PASSWORD).await;
    choose(&gateway, &mail.token, NEW, NEW).await.expect_status(200);
    assert_opens(&gateway, NEW).await;
}

async fn a_link_that_is_no_good_leads_to_a_new_one(engine: Engine) {
    const SENT: &str = "If there is an account associated with this email address, you will receive an email with further \
                        instructions";
    let (gateway, mail) = forgotten(engine).await;
    gateway.advance(7_201).await;
    for target in [
        format!("/password/restore?token={}", mail.token),
        "/password/restore".to_owned(),
        "/password/restore?token=".to_owned(),
        "/password/restore/?token=0123456789abcdef0123456789abcdef".to_owned(),
        "/password/restore?token=%00".to_owned(),
        "/password/restore?token=%ff".to_owned(),
        "/password/restore?token=%3Cscript%3Ealert(1)%3C/script%3E".to_owned(),
        "/password/restore?token=a&token=b".to_owned(),
    ] {
        let shown = gateway.send(&page(&target)).await;
        assert!((400..500).contains(&shown.status), "{target}: {shown:?}");
        assert!(shown.body.contains("action=\"/password/forgotten\""), "{target}: {}", shown.body);
        assert!(!shown.body.contains("name=\"password\"") && !shown.body.contains("<script>alert"), "{}", shown.body);
    }
    choose(&gateway, &mail.token, NEW, NEW).await.expect_status(404);
    assert_opens(&gateway, PASSWORD).await;
    let asked = gateway.send(&page("/password/forgotten")).await.expect_status(200);
    assert!(asked.body.contains("name=\"email\""), "{}", asked.body);
    let form = |email: &str| {
        Request::form("/password/forgotten", &[("email", email), ("lang", "en")]).header("Accept", "text/html")
    };
    for unknown in ["nobody@example.com", "", "nonsense"] {
        let answer = gateway.send(&form(unknown)).await.expect_status(200);
        assert!(answer.body.contains(SENT), "{}", answer.body);
    }
    let before = gateway.mailbox().list(ADDRESS).await;
    let answer = gateway.send(&form(ADDRESS)).await.expect_status(200);
    assert!(answer.body.contains(SENT), "{}", answer.body);
    let next = gateway.mailbox().wait_for_kind(ADDRESS, "restore-password", before.first()).await;
    choose(&gateway, &next.token, NEW, NEW).await.expect_status(200);
    assert_opens(&gateway, NEW).await;
}

async fn a_leaked_password_is_told(engine: Engine) {
    let service = service_of_leaked_passwords();
    let gateway = Gateway::on(engine).set("VESTIBULE__GLUE__LEAKED_PASSWORDS_URL", &service).start().await;
    let mail = forgotten_on(&gateway).await;
    let leaked = choose(&gateway, &mail.token, LEAKED_PASSWORD, LEAKED_PASSWORD).await.expect_status(422);
    assert!(leaked.body.contains("leaked in a data breach"), "{}", leaked.body);
    assert_opens(&gateway, PASSWORD).await;
    choose(&gateway, &mail.token, NEW, NEW).await.expect_status(200);
    assert_opens(&gateway, NEW).await;
}

async fn what_is_no_form_changes_nothing(engine: Engine) {
    let (gateway, mail) = forgotten(engine).await;
    let query = format!("/password/restore?token={}&password={NEW}&confirm_password={NEW}", mail.token);
    gateway.send(&page(&query)).await.expect_status(200);
    let document = serde_json::json!({ "token": mail.token, "password": NEW, "confirm_password": NEW });
    let json = Request::post("/password/restore", &document).header("Content-Type", "application/json");
    gateway.send(&json).await.expect_status(415);
    gateway.send(&Request::form("/password/restore", &[("token", &mail.token)])).await.expect_status(422);
    let twice = [("token", mail.token.as_str()), ("password", NEW), ("password", NEW), ("confirm_password", NEW)];
    gateway.send(&Request::form("/password/restore", &twice)).await.expect_status(400);
    assert_opens(&gateway, PASSWORD).await;
    choose(&gateway, &mail.token, NEW, NEW).await.expect_status(200);
    assert_opens(&gateway, NEW).await;
}
