//! Section 2: storefront keys and their limits.

use serde_json::json;
use testkit::{Engine, Finished, Gateway, count_case, on_both_databases};

use crate::shop::{Shop, Wanted, call, create_key, row, settings, sign_up, with_body};

on_both_databases! {
    tables: [refusals, limits, one_limit_for_both_keys, networks]
    scenarios: [commands, a_door_that_is_shut]
}

/// Runs the operators' command beside the running gateway.
async fn run(gateway: &Gateway, engine: Engine, arguments: &[&str]) -> Finished {
    Gateway::on(engine).database(&gateway.database()).run(&[&["storefront-keys"], arguments].concat()).await
}

/// The key that a command made.
fn printed_key(made: &Finished) -> String {
    assert_eq!(made.code, Some(0), "{}", made.output);
    made.output.split_whitespace().find(|word| word.starts_with("pk_storefront_")).unwrap().to_owned()
}

fn invalid() -> Wanted {
    Wanted::key(403, json!({ "message": "Invalid or inactive shop API key", "error": "invalid_key" }))
        .no_header("X-RateLimit-Limit")
        .no_header("X-RateLimit-Remaining")
        .no_header("X-RateLimit-Reset")
}

async fn refusals(engine: Engine) {
    let shop = Shop::open(engine).await;
    let register = |key: &str| with_body(call("POST", "/api/shop/customers", key), &sign_up("john@example.com"));
    let missing = || {
        let body = json!({
            "message": "X-STOREFRONT-KEY header is required", "error": "missing_key",
            "header_name": "X-STOREFRONT-KEY", "key_type": "shop",
        });
        Wanted::key(401, body)
    };
    let expired = create_key(&shop.gateway, engine, "expired", &[]).await;
    shop.gateway.database().execute("UPDATE storefront_keys SET expires_at = 1 WHERE name = 'expired'");
    shop.check(&[
        row("bagisto 1, §2: no key", register("x").without("X-STOREFRONT-KEY"), missing()),
        row("bagisto 1: an empty key", register(""), missing()),
        row("bagisto 1: a key hides a bad body", register("").body("{bad"), missing()),
        row("bagisto 2: an unknown key", register("pk_storefront_nope"), invalid()),
        row("bagisto 2: half a key", register(shop.key.get(..30).unwrap()), invalid()),
        row("bagisto 2: an unknown key at an unknown call", call("GET", "/api/shop/nothing", "x"), invalid()),
        row("bagisto 3, §2, §12: an expired key", register(&expired), invalid()),
        row("bagisto 2: a good one", register(&shop.key), Wanted::done(201)),
    ])
    .await;
}

async fn limits(engine: Engine) {
    let shop = Shop::open(engine).await;
    let key = create_key(&shop.gateway, engine, "two", &["--limit", "2"]).await;
    let token_check = || with_body(call("POST", "/api/shop/verify-tokens", &key), &json!({}));
    for (request, remaining) in [(token_check(), "1"), (token_check().body("{bad"), "0")] {
        let answer = shop.send(&request).await;
        assert_eq!(answer.header("X-RateLimit-Limit"), Some("2"), "{answer:?}");
        assert_eq!(answer.header("X-RateLimit-Remaining"), Some(remaining), "{answer:?}");
        let reset: u64 = answer.header("X-RateLimit-Reset").unwrap().parse().unwrap();
        assert!((1..=60).contains(&reset), "{reset}");
    }
    count_case(engine, "bagisto 5: what is left falls by one, also by a call that is refused");
    let answer = shop.send(&token_check()).await.expect_status(429);
    let told = answer.json();
    let retry_after = told["retry_after"].as_u64().unwrap();
    assert!((1..=60).contains(&retry_after), "{told}");
    assert_eq!(answer.header("Retry-After"), Some(&*retry_after.to_string()));
    assert_eq!(
        told.to_string(),
        json!({ "message": "Rate limit exceeded", "error": "rate_limit_exceeded", "retry_after": retry_after })
            .to_string()
    );
    assert_eq!(answer.header("X-RateLimit-Remaining"), Some("0"));
    count_case(engine, "bagisto 4: one call too many");
    shop.gateway.advance(61).await;
    shop.send(&token_check()).await.expect_status(201);
    count_case(engine, "bagisto 4: the next window");
    let answer = shop.send(&with_body(shop.call("POST", "/api/shop/verify-tokens"), &json!({}))).await;
    for (name, expected) in [("X-RateLimit-Limit", "0"), ("X-RateLimit-Remaining", "-1"), ("X-RateLimit-Reset", "0")] {
        assert_eq!(answer.header(name), Some(expected));
    }
    count_case(engine, "bagisto 5: without a limit");
}

/// A key that is on its way out and the one in its place are one storefront.
async fn one_limit_for_both_keys(engine: Engine) {
    let shop = Shop::open(engine).await;
    let old = create_key(&shop.gateway, engine, "three", &["--limit", "3"]).await;
    let token_check = |key: &str| with_body(call("POST", "/api/shop/verify-tokens", key), &json!({}));
    assert_eq!(shop.send(&token_check(&old)).await.header("X-RateLimit-Remaining"), Some("2"));
    let new = printed_key(&run(&shop.gateway, engine, &["rotate", "three"]).await);
    for (key, status, remaining) in [(&new, 201, "1"), (&old, 201, "0"), (&new, 429, "0"), (&old, 429, "0")] {
        let answer = shop.send(&token_check(key)).await;
        assert_eq!((answer.status, answer.header("X-RateLimit-Remaining")), (status, Some(remaining)), "{answer:?}");
    }
    count_case(engine, "bagisto 4, §2: one limit for both keys of a name");
}

async fn networks(engine: Engine) {
    let gateway = settings(engine).set("VESTIBULE__HTTP__TRUSTED_PROXIES", "127.0.0.1").start().await;
    let key =
        create_key(&gateway, engine, "office", &["--allow-ip", "192.0.2.0/24", "--allow-ip", "2001:db8::7"]).await;
    let from = |address: &str| {
        let request = call("POST", "/api/shop/verify-tokens", &key).header("X-Forwarded-For", address);
        with_body(request, &json!({}))
    };
    for (address, status) in
        [("192.0.2.9", 201), ("2001:db8::7", 201), ("198.51.100.1", 403), ("2001:db8::8", 403), ("127.0.0.1", 201)]
    {
        let answer = gateway.send(&from(address)).await;
        assert_eq!(answer.status, status, "{address} {answer:?}");
        if status == 403 {
            let expected = json!({ "message": "IP address not allowed for this key", "error": "invalid_key" });
            assert_eq!(answer.json(), expected);
        }
    }
    count_case(engine, "bagisto §2: the networks of a key");
}

async fn commands(engine: Engine) {
    let shop = Shop::open(engine).await;
    let run = async |arguments: &[&str]| run(&shop.gateway, engine, arguments).await;
    let works = async |key: &str| {
        let request = with_body(call("POST", "/api/shop/verify-tokens", key), &json!({}));
        shop.gateway.send(&request).await.status == 201
    };
    let first = create_key(&shop.gateway, engine, "app", &[]).await;
    let random = first.strip_prefix("pk_storefront_").unwrap();
    assert!(random.len() == 32 && random.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{first}");
    assert!(works(&first).await);
    let again = run(&["create", "--name", "app"]).await;
    assert!(again.code != Some(0) && again.output.contains("app"), "{}", again.output);
    for refused in [
        &["create", "--name", ""][..],
        &["create", "--name", "x", "--limit", "5001"],
        &["create", "--name", "x", "--allow-ip", "x"],
    ] {
        assert_ne!(run(refused).await.code, Some(0), "{refused:?}");
    }
    let list = run(&["list"]).await;
    assert!(list.code == Some(0) && list.output.contains("app") && !list.output.contains(random), "{}", list.output);

    let rotated = run(&["rotate", "app"]).await;
    let second = printed_key(&rotated);
    assert!(second != first && works(&first).await && works(&second).await, "both for seven days");
    shop.gateway.advance(8 * 86_400).await;
    assert!(!works(&first).await && works(&second).await, "the old one no longer");
    shop.gateway.advance(365 * 86_400).await;
    assert!(!works(&second).await, "a year is the life of the new one");

    let third = create_key(&shop.gateway, engine, "other", &[]).await;
    assert!(works(&third).await);
    assert_eq!(run(&["disable", "other"]).await.code, Some(0));
    assert!(!works(&third).await, "at once");
    assert_ne!(run(&["rotate", "other"]).await.code, Some(0), "no key in use has the name");
    let fourth = create_key(&shop.gateway, engine, "other", &[]).await;
    assert!(!works(&third).await && works(&fourth).await, "the name is free again");
    let fifth = printed_key(&run(&["rotate", "other"]).await);
    assert_ne!(run(&["disable", "nobody"]).await.code, Some(0));
    assert_ne!(run(&["rotate", "nobody"]).await.code, Some(0));
    let dump = shop.gateway.database().dump();
    for key in [&first, &second, &third, &fourth, &fifth] {
        assert!(!dump.contains(key.as_str()), "only a digest is kept");
    }
}

async fn a_door_that_is_shut(engine: Engine) {
    let gateway = Gateway::on(engine).set("VESTIBULE__DIALECTS__BAGISTO", "false").start().await;
    for path in ["/api/shop/customers", "/api/shop/customer-profile", "/customer/verify-account/x"] {
        let answer = gateway.send(&call("GET", path, "x")).await;
        assert_eq!(answer.status, 404, "{answer:?}");
        assert_eq!(answer.header("X-Frame-Options"), Some("SAMEORIGIN"), "it is the storefront API's");
    }
}
