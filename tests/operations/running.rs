//! A gateway that runs, and one that is told to stop.

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use serde_json::Value;
use testkit::{Engine, Gateway, Request, eventually, on_both_databases, register, sign_up};

on_both_databases! {
    scenarios: [
        health_is_told, metrics_are_told, the_public_keys_are_told, every_answer_has_a_request_id, it_finishes_what_it_has_begun,
        what_was_told_is_there_after_a_restart,
    ]
}

async fn health_is_told(engine: Engine) {
    let gateway = Gateway::on(engine).start().await;
    gateway.send(&Request::get("/health/live")).await.expect_status(200);
    let ready = gateway.send(&Request::get("/health/ready")).await.expect_status(200).json();
    assert_eq!(ready.pointer("/outbox/queued").and_then(Value::as_i64), Some(0), "{ready}");
    for name in ["dead", "oldestDueSeconds"] {
        assert!(ready.pointer(&format!("/outbox/{name}")).is_some_and(Value::is_i64), "{name}: {ready}");
    }
}

async fn metrics_are_told(engine: Engine) {
    let gateway = Gateway::on(engine).start().await;
    gateway.sign_in("mira@example.com").await;
    let metrics = gateway.send(&Request::get("/metrics")).await.expect_status(200);
    assert!(metrics.header("Content-Type").unwrap().starts_with("text/plain"), "{metrics:?}");
    let samples = metrics.body.lines().filter(|line| line.starts_with("vestibule_") || line.starts_with("http_"));
    assert!(samples.clone().count() > 0, "{}", metrics.body);
    for gauge in [
        "vestibule_outbox_messages{state=\"queued\"} ",
        "vestibule_outbox_messages{state=\"dead\"} 0",
        "vestibule_outbox_oldest_due_seconds ",
    ] {
        assert!(metrics.body.contains(gauge), "no {gauge} in {}", metrics.body);
    }
    for secret in ["mira@example.com", testkit::PASSWORD] {
        assert!(!metrics.body.contains(secret), "{}", metrics.body);
    }
}

async fn the_public_keys_are_told(engine: Engine) {
    let gateway = Gateway::on(engine).start().await;
    let answer = gateway.send(&Request::get("/.well-known/jwks.json")).await.expect_status(200);
    let json = answer.json();
    let key = json.pointer("/keys/0").unwrap();
    assert_eq!((&key["kty"], &key["alg"], &key["use"]), (&"RSA".into(), &"RS256".into(), &"sig".into()), "{key}");
    for private in ["d", "p", "q", "dp", "dq", "qi"] {
        assert!(key.get(private).is_none(), "a private part: {private}");
    }
}

async fn every_answer_has_a_request_id(engine: Engine) {
    let gateway = Gateway::on(engine).start().await;
    let mut seen = Vec::new();
    for path in ["/customers", "/coffees", "/health/live"] {
        let answer = gateway.send(&Request::get(path)).await;
        let id = answer.header("X-Request-Id").unwrap_or_else(|| panic!("{answer:?}")).to_owned();
        assert!(!seen.contains(&id), "{id} twice");
        seen.push(id);
    }
    eventually("each id is in the log", async || seen.iter().take(2).all(|id| gateway.log().contains(id))).await;
}

async fn it_finishes_what_it_has_begun(engine: Engine) {
    let gateway = Gateway::on(engine).start().await;
    let requests: Vec<Request> =
        (0..12).map(|index| register(&sign_up(&format!("mira-{index}@example.com")))).collect();
    let client = gateway.client();
    let mut answers: FuturesUnordered<_> = requests.iter().map(|request| client.send(request)).collect();
    // Hashing takes its time: when the first is answered, the others are in hand.
    assert_eq!(answers.next().await.unwrap().status, 201);
    gateway.ask_to_stop();
    while let Some(answer) = answers.next().await {
        assert_eq!(answer.status, 201, "{answer:?}");
    }
    drop(answers);
    let again = gateway.stopped().await.start().await;
    for index in 0..12 {
        let address = format!("mira-{index}@example.com");
        again.confirm(&again.mailbox().wait_for(&address).await.token).await;
    }
}

async fn what_was_told_is_there_after_a_restart(engine: Engine) {
    let gateway = Gateway::on(engine).start().await;
    let session = gateway.sign_in("mira@example.com").await;
    let gateway = gateway.stop().await.start().await;
    let own = gateway.send(&Request::get("/customers").bearer(&session.access_token)).await.expect_status(200);
    assert_eq!(own.text("/data/0/id"), session.reference);
    gateway.send(&testkit::refresh(&session.refresh_token)).await.expect_status(201);
}

/// On SQLite the database is a part of the process.
#[tokio::test]
async fn a_database_that_is_gone_is_told_in_the_contracts_shape() {
    let gateway = Gateway::on(Engine::Postgres).start().await;
    let session = gateway.sign_in("mira@example.com").await;
    gateway.database().vanish();
    for request in [
        register(&sign_up("other@example.com")),
        testkit::confirm("0123456789abcdef0123456789abcdef"),
        testkit::log_in("mira@example.com", testkit::PASSWORD),
        Request::get("/customers").bearer(&session.access_token),
    ] {
        let answer = gateway.send(&request).await;
        assert_eq!((answer.status, answer.reason.as_str()), (503, "Service Unavailable"), "{request}: {answer:?}");
        assert_eq!(answer.header("Content-Type"), Some(testkit::JSON_API), "{answer:?}");
        assert!(answer.header("Retry-After").is_some() && answer.errors().len() == 1, "{answer:?}");
    }
    for _ in 0..2 {
        let ready = gateway.send(&Request::get("/health/ready")).await.expect_status(503).json();
        let nothing_more = serde_json::json!({
            "status": "unavailable", "database": "unavailable", "migrations": "ok", "outbox": null,
        });
        assert_eq!(ready, nothing_more, "what the database says is for the log");
    }
    eventually("the log says why", async || gateway.log().contains("not ready")).await;
    assert_eq!(gateway.log().matches("not ready").count(), 1, "once: {}", gateway.log());
    gateway.send(&Request::get("/health/live")).await.expect_status(200);
    assert!(!gateway.log().contains("panicked"), "{}", gateway.log());
    testkit::count_case(Engine::Postgres, "a_database_that_is_gone_is_told_in_the_contracts_shape");
}
