//! Section 9: the link in the mail, and another one.

use serde_json::json;
use testkit::{Answer, Engine, Request, count_case, on_both_databases};

use crate::shop::{PASSWORD, Shop, settings, sign_up};

on_both_databases! {
    tables: [
        for_callers_that_ask_for_json, for_browsers, for_browsers_of_a_shop_that_trusts_links, the_link_of_the_mail,
        resends, resends_of_a_network,
    ]
}

const VERIFIED: &str = "Your account has been verified, try to login now.";
const NOT_VERIFIED: &str = "We cannot verify your mail account.";
const SENT: &str = "Verification email sent";

fn get(path: &str) -> Request {
    Request::get(path).header("Accept", "text/html")
}

fn get_json(path: &str) -> Request {
    Request::get(path).header("Accept", "application/json")
}

fn outcome(answer: &Answer, status: u16, success: bool, message: &str) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(answer.json(), json!({ "success": success, "message": message }));
    assert_eq!(answer.header("Cache-Control"), Some("no-store"));
}

/// Signs up and answers the token of the link.
async fn token(shop: &Shop, email: &str) -> String {
    shop.send(&shop.register(&sign_up(email))).await.expect_status(201);
    shop.gateway.mailbox().wait_for(email).await.token
}

async fn for_callers_that_ask_for_json(engine: Engine) {
    let shop = Shop::open(engine).await;
    let path = format!("/customer/verify-account/{}", token(&shop, "john@example.com").await);
    outcome(&shop.gateway.send(&get_json(&path)).await, 200, true, VERIFIED);
    let told = shop.send(&shop.login("john@example.com", PASSWORD)).await.expect_status(201).json();
    assert!(told["success"] == true && !told["token"].as_str().unwrap().is_empty(), "{told}");
    count_case(engine, "bagisto 26: the link, then a login");
    outcome(&shop.gateway.send(&get_json(&path)).await, 400, false, NOT_VERIFIED);
    outcome(&shop.gateway.send(&get_json("/customer/verify-account/x")).await, 400, false, NOT_VERIFIED);
    count_case(engine, "bagisto 27: the same link again");
    let path = format!("/customer/verify-account/{}", token(&shop, "jane@example.com").await);
    let by_script = get(&path).header("Accept", "*/*").header("X-Requested-With", "XMLHttpRequest");
    outcome(&shop.gateway.send(&by_script).await, 200, true, VERIFIED);
    count_case(engine, "bagisto 26: a script of a page");
}

/// A program that follows links must not confirm.
async fn for_browsers(engine: Engine) {
    let shop = Shop::open(engine).await;
    let token = token(&shop, "john@example.com").await;
    let path = format!("/customer/verify-account/{token}");
    let head = Request::new("HEAD", &path).header("Accept", "application/json");
    for request in [get(&path), get(&path).header("Accept", "*/*"), head] {
        let answer = shop.gateway.send(&request).await.expect_status(302);
        let location = answer.header("Location").unwrap();
        assert!(location.ends_with(&format!("/register/confirm?token={token}")), "{location}");
    }
    for (query, kept) in [("_store=DE&_locale=de_DE", "de_DE"), ("_locale=x%0d%0a%26y", "x0d0a26y")] {
        let answer = shop.gateway.send(&get(&format!("{path}?{query}"))).await.expect_status(302);
        let location = answer.header("Location").unwrap();
        assert!(location.ends_with(&format!("?token={token}&_locale={kept}")), "{location}");
    }
    let told = shop.send(&shop.login("john@example.com", PASSWORD)).await.json();
    assert_eq!(told["message"], "Verify your email account first.");
    count_case(engine, "bagisto 26: a browser is led to a page with a button");
}

async fn for_browsers_of_a_shop_that_trusts_links(engine: Engine) {
    let builder = settings(engine)
        .set("VESTIBULE__DIALECTS__CONFIRM_BY_GET", "true")
        .set("VESTIBULE__DIALECTS__LOGIN_URL", "https://shop.example.com/login");
    let shop = Shop::start(builder, engine).await;
    let path = format!("/customer/verify-account/{}", token(&shop, "john@example.com").await);
    let head = Request::new("HEAD", &path).header("Accept", "text/html");
    assert_ne!(shop.gateway.send(&head).await.status, 200);
    for verified in ["1", "0"] {
        let answer = shop.gateway.send(&get(&path)).await.expect_status(302);
        assert_eq!(answer.header("Location"), Some(&*format!("https://shop.example.com/login?verified={verified}")));
    }
    shop.token_of("john@example.com", PASSWORD).await;
    count_case(engine, "bagisto 26: confirmed by a link alone");
}

/// A shop whose mails lead here, and whose browsers are confirmed by that.
async fn the_link_of_the_mail(engine: Engine) {
    let builder = settings(engine)
        .set("VESTIBULE__DIALECTS__CONFIRM_BY_GET", "true")
        .set("VESTIBULE__DIALECTS__LOGIN_URL", "https://shop.example.com/login")
        .set("VESTIBULE__MAIL__CONFIRM_LINK", "https://api.example.com/customer/verify-account/%s");
    let shop = Shop::start(builder, engine).await;
    for (email, json) in [("john@example.com", false), ("jane@example.com", true)] {
        shop.send(&shop.register(&sign_up(email))).await.expect_status(201);
        let link = shop.gateway.mailbox().wait_for(email).await.link;
        let path = link.strip_prefix("https://api.example.com").unwrap();
        if json {
            outcome(&shop.gateway.send(&get_json(path)).await, 200, true, VERIFIED);
        } else {
            let answer = shop.gateway.send(&get(path)).await.expect_status(302);
            assert_eq!(answer.header("Location"), Some("https://shop.example.com/login?verified=1"), "{link}");
        }
        shop.token_of(email, PASSWORD).await;
        outcome(&shop.gateway.send(&get_json(path)).await, 400, false, NOT_VERIFIED);
    }
    count_case(engine, "bagisto 26, §9: the link as it is mailed");
}

/// Whoever has one IPv6 address of a network has them all.
async fn resends_of_a_network(engine: Engine) {
    let gateway = settings(engine).set("VESTIBULE__HTTP__TRUSTED_PROXIES", "127.0.0.1").start().await;
    let from =
        |address: &str| get_json("/customer/resend/verification/nobody@example.com").header("X-Forwarded-For", address);
    for last in 1..=6 {
        gateway.send(&from(&format!("2001:db8:1:2::{last}"))).await.expect_status(200);
    }
    gateway.send(&from("2001:db8:1:2:ffff::7")).await.expect_status(429);
    for other in ["2001:db8:1:3::1", "192.0.2.1"] {
        gateway.send(&from(other)).await.expect_status(200);
    }
    count_case(engine, "bagisto 29, §9: the addresses of one network are one client");
}

async fn resends(engine: Engine) {
    let shop = Shop::open(engine).await;
    let first = token(&shop, "john@example.com").await;
    let resend = |email: &str| format!("/customer/resend/verification/{email}");
    outcome(&shop.gateway.send(&get_json(&resend("nobody@example.com"))).await, 200, true, SENT);
    shop.gateway.until_all_mail_is_sent().await;
    assert!(shop.gateway.mailbox().list("nobody@example.com").await.is_empty());
    count_case(engine, "bagisto 28: an unknown address");
    let before = shop.gateway.mailbox().wait_for("john@example.com").await;
    outcome(&shop.gateway.send(&get_json(&resend("john@example.com"))).await, 200, true, SENT);
    assert_ne!(shop.gateway.mailbox().wait_for_next(&before).await.token, first);
    let longer = shop.gateway.send(&get_json("/customer/resend/verification-email/nobody%40example.com")).await;
    outcome(&longer, 200, true, SENT);
    shop.gateway.send(&get(&resend("nobody@example.com"))).await.expect_status(302);
    for _ in 0..2 {
        shop.gateway.send(&get_json(&resend("nobody@example.com"))).await.expect_status(200);
    }
    let seventh = shop.gateway.send(&get_json(&resend("nobody@example.com"))).await.expect_status(429);
    assert!(seventh.header("Retry-After").is_some(), "{seventh:?}");
    count_case(engine, "bagisto 29: seven in a minute");
    shop.gateway.advance(61).await;
    shop.gateway.send(&get_json(&resend("nobody@example.com"))).await.expect_status(200);
    count_case(engine, "bagisto 29: a minute later");
}
