//! Sections 5 and 6: logging in, checking tokens, logging out.

use serde_json::{Value, json};
use testkit::{Engine, count_case, on_both_databases};

use crate::shop::{OTHER_PASSWORD, PASSWORD, Shop, UNAUTHENTICATED, Wanted, row, sign_up};

on_both_databases! {
    tables: [logins, token_checks]
    scenarios: [too_many_wrong_passwords, fifty_tokens_are_kept, a_suspension_ends_tokens]
}

fn refused(message: &str) -> Wanted {
    let body = json!({ "id": 0, "_id": 0, "apiToken": "", "token": "", "message": message, "success": false });
    Wanted::exactly(201, body)
}

fn no_token(message: &str) -> Wanted {
    let body = json!({ "id": 0, "firstName": "", "lastName": "", "email": "", "isValid": false, "message": message });
    Wanted::exactly(201, body)
}

async fn logins(engine: Engine) {
    let shop = Shop::open(engine).await;
    let email = "john@example.com";
    let registered = shop.send(&shop.register(&sign_up(email))).await.expect_status(201).json();
    let login = |body: Value| shop.post("/api/shop/customer/login", &body);
    let both = "The email field is required. The password field is required.";
    shop.check(&[
        row(
            "bagisto 25: the right password, not verified",
            shop.login(email, PASSWORD),
            refused("Verify your email account first."),
        ),
        row(
            "bagisto 25: a wrong password, not verified",
            shop.login(email, OTHER_PASSWORD),
            refused("Invalid email or password"),
        ),
        row(
            "bagisto §5: an unknown address",
            shop.login("nobody@example.com", PASSWORD),
            refused("Invalid email or password"),
        ),
        row("bagisto 30: nothing", login(json!({})), Wanted::refused(both)),
        row("bagisto 30: empty strings", login(json!({ "email": "", "password": "" })), Wanted::refused(both)),
        row(
            "bagisto 30: no address and a short password",
            login(json!({ "email": "nope", "password": "abc" })),
            Wanted::refused(
                "The email field must be a valid email address. The password field must be at least 6 characters.",
            ),
        ),
        row(
            "bagisto 30: a number for an address",
            login(json!({ "email": 1, "password": PASSWORD })),
            Wanted::problem(
                422,
                "Unprocessable Entity",
                "The type of the \"email\" attribute must be \"string\", \"integer\" given.",
            ),
        ),
    ])
    .await;
    let key = shop.gateway.mailbox().wait_for(email).await.token;
    shop.gateway.confirm(&key).await;
    for path in ["/api/shop/customer/login", "/api/shop/customers/login"] {
        let body = json!({ "email": "JOHN@example.com", "password": PASSWORD, "deviceToken": "x" });
        let told = shop.send(&shop.post(path, &body)).await.expect_status(201).json();
        let expected = json!({
            "id": registered["id"], "_id": registered["id"], "apiToken": registered["apiToken"], "token": told["token"],
            "message": "You have logged in successfully", "success": true,
        });
        assert_eq!(told.to_string(), expected.to_string(), "{path}");
        assert!(shop.is_valid(told["token"].as_str().unwrap()).await);
    }
    count_case(engine, "bagisto §5: logged in, at both addresses");
    shop.gateway.database().execute("UPDATE customers SET suspended_at = 1");
    shop.check(&[
        row("bagisto §5: suspended", shop.login(email, PASSWORD), refused("Your account has been suspended")),
        row(
            "bagisto §5: suspended, wrong password",
            shop.login(email, OTHER_PASSWORD),
            refused("Invalid email or password"),
        ),
    ])
    .await;
}

async fn token_checks(engine: Engine) {
    let shop = Shop::open_unverified(engine).await;
    let customer = shop.sign_up("john@example.com").await;
    let other = shop.token_of(&customer.email, PASSWORD).await;
    let logout = |token: &str| shop.post("/api/shop/customer/logout", &json!({ "deviceToken": "x" })).bearer(token);
    let valid = || {
        Wanted::exactly(
            201,
            json!({
                "id": customer.id, "firstName": "John", "lastName": "Doe", "email": "john@example.com", "isValid": true,
                "message": "Token is valid",
            }),
        )
    };
    let (number, secret) = customer.token.split_once('|').unwrap();
    let empty = shop.verify(&customer.token).body("");
    let logged_out = || Wanted::exactly(201, json!({ "success": true, "message": "Logged out successfully" }));
    let not_logged_out = || Wanted::exactly(201, json!({ "success": false, "message": UNAUTHENTICATED }));
    shop.check(&[
        row("bagisto 23: a live bearer", shop.verify(&customer.token), valid()),
        row("bagisto 23: with an empty body", empty, valid()),
        row("bagisto 24: none", shop.verify("x").without("Authorization"), no_token(UNAUTHENTICATED)),
        row("bagisto 24: garbage", shop.verify("x"), no_token(UNAUTHENTICATED)),
        row("bagisto 24: the number alone", shop.verify(&format!("{number}|x")), no_token(UNAUTHENTICATED)),
        row("bagisto 24: the secret alone", shop.verify(secret), no_token(UNAUTHENTICATED)),
        row(
            "bagisto 24: another number",
            shop.verify(&format!("{}|{secret}", other.split_once('|').unwrap().0)),
            no_token(UNAUTHENTICATED),
        ),
        row(
            "bagisto 24: another scheme",
            shop.verify("x").header("Authorization", &format!("bearer {}", customer.token)),
            no_token(UNAUTHENTICATED),
        ),
        row("bagisto 36: logged out", logout(&customer.token), logged_out()),
        row("bagisto 36: the token is dead", shop.verify(&customer.token), no_token(UNAUTHENTICATED)),
        row("bagisto 36: and nothing to log out", logout(&customer.token), not_logged_out()),
        row("bagisto 36: only that one", shop.verify(&other), valid()),
        row("bagisto §6: no token to log out", logout("1|x"), not_logged_out()),
        row(
            "bagisto §6: at its other address",
            shop.post("/api/shop/customers/logout", &json!({})).bearer(&other),
            logged_out(),
        ),
    ])
    .await;
}

async fn too_many_wrong_passwords(engine: Engine) {
    let shop = Shop::open_unverified(engine).await;
    let customer = shop.sign_up("john@example.com").await;
    let mut refused = 0;
    let locked = loop {
        let answer = shop.send(&shop.login(&customer.email, OTHER_PASSWORD)).await;
        if answer.status != 201 {
            break answer.expect_status(429);
        }
        refused += 1;
        assert!(refused < 100, "there is no lock");
    };
    let told = locked.json();
    assert_eq!(told["error"], "rate_limit_exceeded");
    assert_eq!(locked.header("Retry-After"), Some(&*told["retry_after"].to_string()));
    shop.send(&shop.login(&customer.email, PASSWORD)).await.expect_status(429);
    let glue = testkit::log_in(&customer.email, PASSWORD);
    assert_ne!(shop.gateway.send(&glue).await.status, 201, "one lock for all doors");
    shop.gateway.advance(told["retry_after"].as_u64().unwrap() + 1).await;
    shop.token_of(&customer.email, PASSWORD).await;
}

async fn fifty_tokens_are_kept(engine: Engine) {
    let shop = Shop::open_unverified(engine).await;
    let customer = shop.sign_up("john@example.com").await;
    let second = shop.token_of(&customer.email, PASSWORD).await;
    for _ in 0..48 {
        shop.token_of(&customer.email, PASSWORD).await;
    }
    assert!(shop.is_valid(&customer.token).await && shop.is_valid(&second).await, "fifty");
    let newest = shop.token_of(&customer.email, PASSWORD).await;
    assert!(!shop.is_valid(&customer.token).await, "the oldest");
    assert!(shop.is_valid(&second).await && shop.is_valid(&newest).await);
}

async fn a_suspension_ends_tokens(engine: Engine) {
    let shop = Shop::open_unverified(engine).await;
    let customer = shop.sign_up("john@example.com").await;
    shop.gateway.database().execute("UPDATE customers SET suspended_at = 1");
    let told = shop.send(&shop.verify(&customer.token)).await.expect_status(201).json();
    assert_eq!((&told["isValid"], &told["id"]), (&json!(false), &json!(0)));
    assert_eq!(told["message"], "Customer account is suspended");
    shop.send(&shop.profile(&customer.token)).await.expect_status(401);
    shop.gateway.database().execute("UPDATE customers SET suspended_at = NULL, anonymised_at = 1");
    assert_eq!(shop.send(&shop.verify(&customer.token)).await.json()["message"], UNAUTHENTICATED);
}
