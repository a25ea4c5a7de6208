//! A gateway as most tables need it: with the address that its links name, and a customer who is logged in.

use serde_json::{Map, Value, json};
use testkit::{Engine, Expected, Gateway, GatewayBuilder, Request, Row, Session, Shopper, new_address, row, sign_up};

use crate::messages::{bad_token, no_token, two_users};

/// The header of guests.
pub(crate) use testkit::GUEST;

/// The public address of every gateway in these tables.
pub(crate) const BASE: &str = "https://glue.example.com";

/// Another password that every policy takes.
pub(crate) const OTHER_PASSWORD: &str = "Another-2nd-Door!";

/// A password that passes the fields and not the policy.
pub(crate) const REPETITIVE_PASSWORD: &str = "Vestibule-222-Door!";

/// The headers that scripts of other origins may send: those of Glue, and the one without which they could change no cart.
pub(crate) const ALLOWED_HEADERS: &str = "accept, content-type, content-language, accept-language, authorization, \
                                          X-Anonymous-Customer-Unique-Id, access-control-allow-origin, if-match";

/// A gateway with one customer who is confirmed and logged in.
pub(crate) struct Shop {
    pub(crate) gateway: Gateway,
    pub(crate) session: Session,
}

/// How the gateways of these tables are set up.
pub(crate) fn settings(engine: Engine) -> GatewayBuilder {
    Gateway::on(engine).set("VESTIBULE__SERVER__PUBLIC_URL", BASE)
}

/// A gateway with lists of passwords that are denied, and allowed although the policy refuses them.
pub(crate) fn with_listed_passwords(engine: Engine) -> GatewayBuilder {
    settings(engine)
        .set("VESTIBULE__GLUE__DENIED_PASSWORDS", "Common-2nd-Door!,Common-222-Door!")
        .set("VESTIBULE__GLUE__ALLOWED_PASSWORDS", "Allowed-222-Door!")
}

impl Shop {
    pub(crate) async fn open(engine: Engine) -> Self {
        let gateway = settings(engine).start().await;
        let session = gateway.sign_in("mira.olsen@example.com").await;
        Self { gateway, session }
    }
}

/// What holds, for a good request with a token, of every call that only customers may make.
pub(crate) fn only_customers_may(request: &Request) -> [Row; 5] {
    let guest = |request: &Request| request.clone().header(GUEST, "guest-1");
    let unsigned = request.clone().without("Authorization");
    [
        row("1.4 row 6d: a guest is no customer", guest(&unsigned), no_token()),
        row("1.4 row 6d: no token", unsigned, no_token()),
        row("1.4 row 6e: a bad token", request.clone().bearer("x"), bad_token()),
        row("1.4 row 6c: two users", guest(request), two_users()),
        row("1.4 row 6c before row 6e", guest(request).bearer("x"), two_users()),
    ]
}

/// These attributes with these changed; without those that are `None`.
pub(crate) fn with(mut attributes: Value, changes: &[(&str, Option<Value>)]) -> Value {
    let fields: &mut Map<String, Value> = attributes.as_object_mut().unwrap_or_else(|| unreachable!("it is an object"));
    for (name, value) in changes {
        match value {
            Some(value) => fields.insert((*name).to_owned(), value.clone()),
            None => fields.shift_remove(*name),
        };
    }
    attributes
}

/// A good sign-up with these attributes changed; without those that are `None`.
pub(crate) fn sign_up_with(email: &str, changes: &[(&str, Option<Value>)]) -> Value {
    with(sign_up(email), changes)
}

/// One attribute changed.
pub(crate) fn changed(email: &str, name: &str, value: impl Into<Value>) -> Value {
    sign_up_with(email, &[(name, Some(value.into()))])
}

/// A good address with one attribute changed.
pub(crate) fn changed_address(name: &str, value: impl Into<Value>) -> Value {
    with(new_address(), &[(name, Some(value.into()))])
}

/// The same text as password and as its repetition.
pub(crate) fn with_password(email: &str, password: &str) -> Value {
    sign_up_with(email, &[("password", Some(json!(password))), ("confirmPassword", Some(json!(password)))])
}

/// Sends a request and holds its answer to what it must be.
pub(crate) async fn expect(gateway: &Gateway, holds: &str, request: &Request, expected: &Expected) {
    let problems = expected.problems(&gateway.send(request).await);
    assert!(problems.is_empty(), "{holds}\n    {request}\n    {}", problems.join("\n    "));
}

/// All that a shopper sees of a cart, its entity tag included.
pub(crate) async fn seen(gateway: &Gateway, shopper: &Shopper, id: &str) -> (Value, Option<String>) {
    let answer = gateway.send(&shopper.read_whole(id)).await.expect_status(200);
    (answer.json(), answer.header("ETag").map(str::to_owned))
}

/// The entity tag of a customer's cart as it is now.
pub(crate) async fn tag_of(gateway: &Gateway, shopper: &Shopper, id: &str) -> String {
    seen(gateway, shopper, id).await.1.unwrap_or_else(|| panic!("1.11 a customer's cart without an entity tag"))
}

/// A change of a customer's cart as it is now.
pub(crate) async fn patch_now(gateway: &Gateway, shopper: &Shopper, id: &str, attributes: &Value) -> Request {
    shopper.patch(id, attributes).header("If-Match", &tag_of(gateway, shopper, id).await)
}

/// A pre-flight request.
pub(crate) fn preflight(path: &str, method: &str, headers: &str) -> Request {
    Request::options(path)
        .header("Origin", "https://shop.example.com")
        .header("Access-Control-Request-Method", method)
        .header("Access-Control-Request-Headers", headers)
}
