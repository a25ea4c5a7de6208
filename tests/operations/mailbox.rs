//! The mailbox and the clock, as other people's test suites use them.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::{Answer, Engine, Gateway, Request, on_both_databases, percent_encoded};

on_both_databases! {
    scenarios: [messages_are_listed, waiting_ends_with_the_first_message, one_message, all_are_deleted, the_clock, no_clock_without_test_mode]
}

async fn messages(gateway: &Gateway, query: &str) -> Vec<Value> {
    let answer = gateway.send(&Request::get(&format!("/mailbox/api/messages{query}"))).await.expect_status(200);
    assert!(answer.header("Content-Type").unwrap().starts_with("application/json"), "{answer:?}");
    answer.json()["messages"].as_array().unwrap_or_else(|| panic!("{answer:?}")).clone()
}

async fn messages_are_listed(engine: Engine) {
    let gateway = Gateway::on(engine).start().await;
    assert!(messages(&gateway, "").await.is_empty());
    for address in ["first@example.com", "second+tag@example.com"] {
        gateway.register(address).await;
        gateway.mailbox().wait_for(address).await;
    }
    let all = messages(&gateway, "").await;
    let recipients: Vec<&Value> = all.iter().map(|message| &message["to"]).collect();
    assert_eq!(recipients, ["second+tag@example.com", "first@example.com"], "newest first");
    let one = messages(&gateway, &format!("?to={}", percent_encoded("second+tag@example.com"))).await;
    assert_eq!(one, all[..1]);
    assert!(messages(&gateway, "?to=nobody@example.com").await.is_empty());
    let oldest = all[1]["id"].as_str().unwrap();
    assert_eq!(messages(&gateway, &format!("?after={oldest}")).await, all[..1], "only newer ones");

    let message = all[0].as_object().unwrap();
    let names: Vec<&str> = message.keys().map(String::as_str).collect();
    let expected =
        ["id", "channel", "kind", "to", "from", "subject", "sentAt", "text", "html", "link", "token", "code"];
    assert!(expected.iter().all(|name| names.contains(name)) && names.len() == expected.len(), "{names:?}");
    assert_eq!(message["channel"], "mail");
    let (token, code) = (message["token"].as_str().unwrap(), message["code"].as_str().unwrap());
    assert!(message["link"].as_str().unwrap().contains(&format!("token={token}")));
    assert!(code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()), "{code}");
    assert!(message["text"].as_str().unwrap().contains(token) && message["html"].as_str().unwrap().contains(token));
    assert!(message["sentAt"].as_str().unwrap().ends_with('Z'));
}

async fn waiting_ends_with_the_first_message(engine: Engine) {
    let gateway = Gateway::on(engine).start().await;
    let begun = Instant::now();
    let (waited, _) =
        tokio::join!(messages(&gateway, "?to=mira@example.com&wait=30"), gateway.register("mira@example.com"));
    assert_eq!(waited.len(), 1);
    assert!(begun.elapsed() < Duration::from_secs(25), "as soon as there is one");
    let begun = Instant::now();
    assert!(messages(&gateway, "?to=nobody@example.com&wait=1").await.is_empty());
    assert!(begun.elapsed() >= Duration::from_secs(1), "no earlier than asked");
    for query in ["?wait=-1", "?wait=soon", "?wait=1.5"] {
        let answer = gateway.send(&Request::get(&format!("/mailbox/api/messages{query}"))).await;
        assert_eq!(answer.status, 400, "{query}: {answer:?}");
    }
}

async fn one_message(engine: Engine) {
    let gateway = Gateway::on(engine).start().await;
    gateway.register("mira@example.com").await;
    let mail = gateway.mailbox().wait_for("mira@example.com").await;
    let path = format!("/mailbox/api/messages/{}", mail.id);
    let found = gateway.send(&Request::get(&path)).await.expect_status(200);
    assert_eq!(found.text("/token"), mail.token);
    let raw = gateway.send(&Request::get(&format!("{path}/raw"))).await.expect_status(200);
    assert!(raw.header("Content-Type").unwrap().starts_with("message/rfc822"), "{raw:?}");
    let message = testkit::Eml::parse(raw.body.as_bytes());
    assert_eq!(message.token(), Some(mail.token.as_str()));
    assert!(message.header("Message-ID").is_some() && message.header("MIME-Version").is_some(), "{message:?}");
    for unknown in ["nothing", "..%2f..%2fetc%2fpasswd", "%00"] {
        for suffix in ["", "/raw"] {
            let answer = gateway.send(&Request::get(&format!("/mailbox/api/messages/{unknown}{suffix}"))).await;
            assert_eq!(answer.status, 404, "{unknown}: {answer:?}");
        }
    }
    let page = gateway.send(&Request::get("/mailbox").header("Accept", "text/html")).await.expect_status(200);
    assert!(page.header("Content-Type").unwrap().starts_with("text/html"), "{page:?}");
    assert!(page.body.contains("mira@example.com"), "{}", page.body);
}

async fn all_are_deleted(engine: Engine) {
    let gateway = Gateway::on(engine).start().await;
    gateway.register("mira@example.com").await;
    gateway.mailbox().wait_for("mira@example.com").await;
    let answer = gateway.send(&Request::delete("/mailbox/api/messages")).await;
    assert!((200..300).contains(&answer.status), "{answer:?}");
    assert!(messages(&gateway, "").await.is_empty());
}

async fn clock(gateway: &Gateway, advance: Option<&Value>) -> Answer {
    let request = match advance {
        Some(body) => Request::post("/mailbox/api/clock", body).header("Content-Type", "application/json"),
        None => Request::get("/mailbox/api/clock"),
    };
    gateway.send(&request).await
}

async fn the_clock(engine: Engine) {
    let gateway = Gateway::on(engine).start().await;
    let before = clock(&gateway, None).await.expect_status(200).text("/now");
    let after = clock(&gateway, Some(&json!({ "advance": 86_400 * 366 }))).await.expect_status(200).text("/now");
    let year = |time: &str| time.get(..4).unwrap().parse::<u32>().unwrap();
    assert_eq!(year(&after), year(&before) + 1, "{before} {after}");
    assert!(after.ends_with('Z'));
    for wrong in [json!({}), json!({ "advance": "soon" }), json!({ "advance": -1 }), json!(5)] {
        let answer = clock(&gateway, Some(&wrong)).await;
        assert_eq!(answer.status, 400, "{wrong}: {answer:?}");
    }
}

async fn no_clock_without_test_mode(engine: Engine) {
    let gateway = Gateway::on(engine).set("VESTIBULE__TEST_MODE", "false").start().await;
    assert_eq!(clock(&gateway, None).await.status, 404);
    assert_eq!(clock(&gateway, Some(&json!({ "advance": 5 }))).await.status, 404);
}
