//! The API's description, held against what the gateway really shows.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "what is not there fails the test")]

use serde_json::{Map, Value, json};
use testkit::{
    Answer, CAMERA, Engine, Gateway, PASSWORD, Request, Session, Shopper, add_guest_item, insert_address, insert_cart,
    log_in, new_address, new_cart, on_both_databases, refresh, register, sign_up,
};

on_both_databases! {
    scenarios: [what_is_shown_is_described, the_reader_is_there]
}

fn names(attributes: &Map<String, Value>) -> Vec<&str> {
    attributes.keys().map(String::as_str).collect()
}

/// Both in the same order, within objects too: clients that print what they get print it as the description has it.
fn hold_object(described: &Value, shown: &Value, schema: &str) {
    let (described, shown) = (described["properties"].as_object().unwrap(), shown.as_object().unwrap());
    assert_eq!(names(shown), names(described), "{schema}");
    for (name, value) in shown.iter().filter(|(_, value)| value.is_object()) {
        hold_object(&described[name], value, &format!("{schema}.{name}"));
    }
}

/// Holds the attributes at a JSON pointer of an answer to their schema.
fn hold(description: &Value, schema: &str, answer: &Answer, pointer: &str) {
    let described = &description["components"]["schemas"][format!("{schema}Attributes")];
    hold_object(described, answer.json().pointer(&format!("{pointer}/attributes")).unwrap(), schema);
}

async fn what_is_shown_is_described(engine: Engine) {
    let gateway = Gateway::on(engine).start().await;
    let description = gateway.send(&Request::get("/openapi.json")).await.expect_status(200).json();
    let session = gateway.sign_in("mira.olsen@example.com").await;
    let Session { reference, access_token, refresh_token, email } = &session;
    let as_customer = |request: Request| request.bearer(access_token);
    let address = insert_address(reference, &new_address());
    for (schema, request) in [
        ("Customers", register(&sign_up("nora@example.com"))),
        ("Customers", as_customer(Request::get(&session.path()))),
        ("AccessTokens", log_in(email, PASSWORD)),
        ("RefreshTokens", refresh(refresh_token)),
        ("Addresses", as_customer(address)),
        ("Carts", insert_cart(&session, &new_cart())),
        ("GuestCarts", add_guest_item("guest-1", CAMERA, 1)),
    ] {
        hold(&description, schema, &gateway.send(&request).await, "/data");
    }
    let [cart] = &gateway.baskets(&session.shopper()).await[..] else { panic!("a customer has one cart") };
    gateway.send(&session.shopper().add(&cart.id, CAMERA, 1)).await.expect_status(201);
    for (schema, shopper) in [("Items", session.shopper()), ("GuestCartItems", Shopper::guest("guest-1"))] {
        let [cart] = &gateway.baskets(&shopper).await[..] else { panic!("everybody has one cart") };
        let whole = gateway.send(&shopper.read_whole(&cart.id)).await.expect_status(200);
        hold(&description, schema, &whole, "/included/0");
    }
    // Whatever has attributes stands above.
    let schemas = description["components"]["schemas"].as_object().unwrap();
    let with_attributes: Vec<_> = schemas.keys().filter_map(|name| name.strip_suffix("Attributes")).collect();
    let all =
        ["AccessTokens", "Addresses", "Carts", "Customers", "GuestCartItems", "GuestCarts", "Items", "RefreshTokens"];
    assert_eq!(with_attributes, all);
    assert_eq!(description["servers"], json!([{ "url": gateway.url("") }]));
}

async fn the_reader_is_there(engine: Engine) {
    let gateway = Gateway::on(engine).start().await;
    for path in ["/docs", "/docs/"] {
        let page = gateway.send(&Request::get(path).header("Accept", "text/html")).await.expect_status(200);
        assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'self';"), "{policy}");
        assert!(page.body.contains("docs/swagger-initializer.js"));
    }
}
