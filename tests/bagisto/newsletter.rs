//! Section 10: the newsletter.

use serde_json::{Value, json};
use testkit::{Engine, on_both_databases};

use crate::shop::{Shop, UNAUTHENTICATED, Wanted, row, sign_up_with};

on_both_databases! {
    tables: [subscribing]
}

async fn subscribing(engine: Engine) {
    let shop = Shop::open_unverified(engine).await;
    let customer = shop.sign_up("john@example.com").await;
    let subscribed = sign_up_with("jane@example.com", &json!({ "subscribedToNewsLetter": true }));
    shop.send(&shop.register(&subscribed)).await.expect_status(201);
    let subscribe = |body: Value| shop.post("/api/shop/newsletters", &body).bearer(&customer.token);
    let email = |email: &str| subscribe(json!({ "customerEmail": email }));
    let taken = || Wanted::refused("The customer email has already been taken.");
    shop.check(&[
        row(
            "bagisto 38: no bearer",
            email("john@example.com").without("Authorization"),
            Wanted::exactly(201, json!({ "success": false, "message": UNAUTHENTICATED })),
        ),
        row(
            "bagisto 38: a bad bearer",
            email("john@example.com").bearer("1|x"),
            Wanted::exactly(201, json!({ "success": false, "message": UNAUTHENTICATED })),
        ),
        row(
            "bagisto 39: subscribed",
            email("john@example.com"),
            Wanted::exactly(
                201,
                json!({ "success": true, "message": "You have successfully subscribed to our newsletter." }),
            ),
        ),
        row("bagisto 39: again", email("john@example.com"), taken()),
        row("bagisto 39: in other case", subscribe(json!({ "customer_email": "JOHN@example.com" })), taken()),
        row("bagisto 39: whoever said so at sign-up", email("jane@example.com"), taken()),
        row("bagisto §10: missing", subscribe(json!({})), Wanted::refused("The customer email field is required.")),
        row(
            "bagisto §10: malformed",
            email("nope"),
            Wanted::refused("The customer email field must be a valid email address."),
        ),
    ])
    .await;
}
