//! The page behind the link of a registration.

use testkit::{Engine, Gateway, Mail, PASSWORD, Request, confirm, log_in, on_both_databases, register, sign_up};

use crate::visitor::{click, field, open, page, scan, submit};

on_both_databases! {
    scenarios: [
        a_scanner_confirms_nothing_and_spoils_nothing, the_code_confirms, five_wrong_codes_leave_the_link_alone,
        spent_codes_lead_to_a_new_one,
        a_link_that_was_used_says_so, an_expired_link_leads_to_a_new_one, several_claims_ask_for_their_password,
        a_forged_answer_confirms_nothing,
    ]
}

const ADDRESS: &str = "mira@example.com";

async fn signed_up(engine: Engine) -> (Gateway, Mail) {
    let gateway = Gateway::on(engine).start().await;
    gateway.send(&register(&sign_up(ADDRESS)).header("Accept-Language", "en")).await.expect_status(201);
    let mail = gateway.mailbox().wait_for(ADDRESS).await;
    (gateway, mail)
}

async fn a_scanner_confirms_nothing_and_spoils_nothing(engine: Engine) {
    let (gateway, mail) = signed_up(engine).await;
    scan(&gateway, &mail).await;
    assert!(!logs_in(&gateway).await, "a scanner has confirmed");
    gateway.confirm(&mail.token).await;
    assert!(logs_in(&gateway).await);
}

async fn logs_in(gateway: &Gateway) -> bool {
    gateway.send(&log_in(ADDRESS, PASSWORD)).await.status == 201
}

async fn a_forged_answer_confirms_nothing(engine: Engine) {
    let (gateway, mail) = signed_up(engine).await;
    let forged = "0123456789abcdef".repeat(4);
    let answer: String = forged.chars().rev().collect();
    for (challenge, answer) in [(forged.as_str(), answer.as_str()), ("", ""), ("x", "x")] {
        submit(&gateway, &[("token", &mail.token), ("challenge", challenge), ("answer", answer)]).await;
    }
    assert!(!logs_in(&gateway).await);
    // The page's own challenge, answered as its button answers it, does confirm; but not after an hour.
    let shown = open(&gateway, &mail).await;
    let challenge = field(&shown.body, "challenge").to_owned();
    let answer: String = challenge.chars().rev().collect();
    let old_click = [("token", mail.token.as_str()), ("challenge", challenge.as_str()), ("answer", answer.as_str())];
    gateway.advance(3_700).await;
    submit(&gateway, &old_click).await;
    assert!(!logs_in(&gateway).await, "a page that lay open too long");
    click(&gateway, &mail).await.expect_status(200);
    assert!(logs_in(&gateway).await);
}

async fn the_code_confirms(engine: Engine) {
    let (gateway, mail) = signed_up(engine).await;
    let shown = open(&gateway, &mail).await;
    assert!(shown.body.contains("Confirm your email address"), "the language of the customer: {}", shown.body);
    assert!(shown.body.contains("name=\"code\""), "{}", shown.body);
    let done = submit(&gateway, &[("token", &mail.token), ("code", &mail.code)]).await.expect_status(200);
    assert!(done.body.contains("Please log"), "{}", done.body);
    assert!(logs_in(&gateway).await);
}

async fn five_wrong_codes_leave_the_link_alone(engine: Engine) {
    let (gateway, mail) = signed_up(engine).await;
    let wrong = if mail.code == "000000" { "111111" } else { "000000" };
    for _ in 0..5 {
        submit(&gateway, &[("token", &mail.token), ("code", wrong)]).await;
    }
    let answer = submit(&gateway, &[("token", &mail.token), ("code", &mail.code)]).await;
    assert!(!logs_in(&gateway).await, "the code is spent");
    assert!(answer.body.contains("tried too often") && answer.body.contains("/register/confirm/resend"), "{answer:?}");
    gateway.confirm(&mail.token).await;
}

/// Nobody is stuck who has no button that works and no code that is good.
async fn spent_codes_lead_to_a_new_one(engine: Engine) {
    let (gateway, mail) = signed_up(engine).await;
    let wrong = if mail.code == "000000" { "111111" } else { "000000" };
    for _ in 0..6 {
        submit(&gateway, &[("token", &mail.token), ("code", wrong)]).await;
    }
    gateway.send(&Request::form("/register/confirm/resend/", &[("token", &mail.token)])).await.expect_status(200);
    let next = gateway.mailbox().wait_for_next(&mail).await;
    submit(&gateway, &[("token", &next.token), ("code", &next.code)]).await;
    assert!(logs_in(&gateway).await);
}

async fn a_link_that_was_used_says_so(engine: Engine) {
    let (gateway, mail) = signed_up(engine).await;
    gateway.confirm(&mail.token).await;
    let shown = open(&gateway, &mail).await;
    assert!(shown.body.contains("already confirmed") && !shown.body.contains("name=\"code\""), "{}", shown.body);
    let unknown = gateway.send(&page("/register/confirm?token=0123456789abcdef0123456789abcdef")).await;
    assert!((400..500).contains(&unknown.status), "{unknown:?}");
    for odd in
        ["", "?token=", "?token=%00", "?token=%ff", "?token=%3Cscript%3Ealert(1)%3C/script%3E", "?token=a&token=b"]
    {
        let answer = gateway.send(&page(&format!("/register/confirm{odd}"))).await;
        assert!((400..500).contains(&answer.status), "{odd}: {answer:?}");
        assert!(!answer.body.contains("<script>alert"), "{}", answer.body);
    }
}

async fn an_expired_link_leads_to_a_new_one(engine: Engine) {
    let (gateway, mail) = signed_up(engine).await;
    gateway.advance(25 * 3600).await;
    let shown = open(&gateway, &mail).await;
    assert!(shown.body.contains("/register/confirm/resend"), "{}", shown.body);
    let form = [("token", mail.token.as_str())];
    gateway
        .send(&Request::form("/register/confirm/resend", &form).header("Accept", "text/html"))
        .await
        .expect_status(200);
    let next = gateway.mailbox().wait_for_next(&mail).await;
    gateway.send(&confirm(&next.token)).await.expect_status(204);
}

async fn several_claims_ask_for_their_password(engine: Engine) {
    let (gateway, mail) = signed_up(engine).await;
    gateway.register(ADDRESS).await;
    let shown = open(&gateway, &mail).await;
    assert!(shown.body.contains("name=\"password\""), "{}", shown.body);
    for password in ["", "Thiefs-2nd-Door!"] {
        submit(&gateway, &[("token", &mail.token), ("code", &mail.code), ("password", password)]).await;
        assert!(!logs_in(&gateway).await, "confirmed with the password {password:?}");
    }
    submit(&gateway, &[("token", &mail.token), ("code", &mail.code), ("password", PASSWORD)]).await.expect_status(200);
    assert!(logs_in(&gateway).await);
}
