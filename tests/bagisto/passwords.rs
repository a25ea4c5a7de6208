//! Section 8: forgotten passwords.

use serde_json::{Value, json};
use testkit::{Engine, count_case, on_both_databases};

use crate::shop::{OTHER_PASSWORD, PASSWORD, Shop, Wanted, row, with_body};

on_both_databases! {
    tables: [asking, resetting]
}

async fn asking(engine: Engine) {
    let shop = Shop::open_unverified(engine).await;
    let customer = shop.sign_up("john@example.com").await;
    let forgot = |email: Value| shop.post("/api/shop/forgot-passwords", &json!({ "email": email }));
    let sent =
        || Wanted::exactly(201, json!({ "success": true, "message": "Reset link sent successfully to your email" }));
    let required = || Wanted::exactly(201, json!({ "success": false, "message": "Email is required" }));
    shop.check(&[
        row("bagisto 37: a known address", forgot(json!(customer.email)), sent()),
        row("bagisto 37: an unknown address", forgot(json!("nobody@example.com")), sent()),
        row("bagisto 37: again", forgot(json!(customer.email)), sent()),
        row("bagisto 37: no address at all", forgot(json!("nope")), sent()),
        row("bagisto §8: empty", forgot(json!("")), required()),
        row("bagisto §8: missing", forgot(Value::Null), required()),
        row(
            "bagisto §8: at its other address",
            shop.post("/api/shop/customers/forgot-password", &json!({ "email": "nobody@example.com" })),
            sent(),
        ),
    ])
    .await;
    shop.gateway.until_all_mail_is_sent().await;
    let mails = shop.gateway.mailbox().list(&customer.email).await;
    assert_eq!(mails.iter().filter(|mail| mail.kind == "restore-password").count(), 1);
    assert!(shop.gateway.mailbox().list("nobody@example.com").await.is_empty());
    count_case(engine, "bagisto 37: one mail");
}

async fn resetting(engine: Engine) {
    let shop = Shop::open_unverified(engine).await;
    let customer = shop.sign_up("john@example.com").await;
    let forgot = shop.post("/api/shop/forgot-passwords", &json!({ "email": customer.email }));
    let key = shop.gateway.send_for_mail(&forgot, &customer.email, "restore-password").await.token;
    let reset_of = |email: &str, token: &str, password: &str, repetition: &str| {
        let body = json!({ "token": token, "email": email, "password": password, "passwordConfirmation": repetition });
        with_body(shop.call("PUT", "/api/shop/customers/reset-password"), &body)
    };
    let reset =
        |token: &str, password: &str, repetition: &str| reset_of("JOHN@example.com", token, password, repetition);
    shop.sign_up("jane@example.com").await;
    let invalid = || Wanted::refused("This password reset token is invalid.");
    shop.check(&[
        row(
            "bagisto §8: a token that never was",
            reset("0123456789abcdef0123456789abcdef", OTHER_PASSWORD, OTHER_PASSWORD),
            invalid(),
        ),
        row(
            "bagisto §8: two passwords",
            reset(&key, OTHER_PASSWORD, PASSWORD),
            Wanted::refused("Password and confirm password do not match"),
        ),
        row(
            "bagisto §8: a weak one",
            reset(&key, "Password1", "Password1"),
            Wanted::refused("The password field must contain at least one symbol."),
        ),
        row(
            "bagisto §8: for another's address",
            reset_of("jane@example.com", &key, OTHER_PASSWORD, OTHER_PASSWORD),
            invalid(),
        ),
        row(
            "bagisto §8: for an unknown address",
            reset_of("nobody@example.com", &key, OTHER_PASSWORD, OTHER_PASSWORD),
            invalid(),
        ),
        row(
            "bagisto §8: reset",
            reset(&key, OTHER_PASSWORD, OTHER_PASSWORD),
            Wanted::exactly(200, json!({ "message": "Password has been successfully reset" })),
        ),
        row("bagisto §8: once", reset(&key, PASSWORD, PASSWORD), invalid()),
        row("bagisto §8: all tokens are dead", shop.verify(&customer.token), Wanted::done(201).at("/isValid", false)),
        row(
            "bagisto §8: the new password logs in",
            shop.login(&customer.email, OTHER_PASSWORD),
            Wanted::done(201).at("/success", true),
        ),
    ])
    .await;
}
