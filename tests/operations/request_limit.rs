//! One request too many is refused in the words of the door that it came to.

use testkit::{Answer, Engine, Gateway, Request, on_both_databases};

on_both_databases! {
    scenarios: [each_door_refuses_in_its_own_words]
}

async fn each_door_refuses_in_its_own_words(engine: Engine) {
    let gateway = Gateway::on(engine)
        .set("VESTIBULE__HTTP__REQUESTS_PER_SECOND", "1")
        .set("VESTIBULE__HTTP__REQUEST_BURST", "4")
        .start()
        .await;
    let until_refused = async |path: &str| -> Answer {
        let request = Request::get(path);
        // However slow this is: asking twenty times at once takes less than the seconds that would refill it.
        let asked = futures_util::future::join_all((0..20).map(|_| gateway.send(&request))).await;
        asked.into_iter().find(|answer| answer.status == 429).unwrap()
    };
    for (path, media_type, body) in [
        ("/access-tokens", "application/vnd.api+json", r#""status":429"#),
        ("/api/shops", "application/vnd.api+json", r#""status":429"#),
        ("/api/shop", "application/json", r#""error":"rate_limit_exceeded""#),
        ("/api/shop/customer-profile", "application/json", r#""retry_after":1"#),
        (
            "/User/1/status",
            "application/problem+json; charset=utf-8",
            r#""title":"Too Many Requests","status":429,"traceId":"00-"#,
        ),
        ("/api/v1/user/email/confirm", "application/problem+json; charset=utf-8", r#""status":429"#),
        ("/connect/token", "application/json; charset=utf-8", r#"{"error":"temporarily_unavailable"}"#),
    ] {
        let refused = until_refused(path).await;
        assert_eq!(refused.header("Content-Type"), Some(media_type), "{path}");
        assert_eq!(refused.header("Retry-After"), Some("1"), "{path}");
        assert!(refused.body.contains(body), "{path}: {}", refused.body);
        let origins = refused.header("Access-Control-Allow-Origin");
        assert_eq!(origins, path.starts_with("/api/shop").then_some("*").filter(|_| path != "/api/shops"), "{path}");
    }
}
