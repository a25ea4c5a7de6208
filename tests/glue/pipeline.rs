//! Section 1.4: which answer wins.

use serde_json::{Value, json};
use testkit::{
    Engine, Expected, JSON_API, Request, check, document, log_in, on_both_databases, register, row, sign_up,
};

use crate::messages::{
    INCOMPLETE_PREFLIGHT, INVALID_PAGE, bad_token, no_customer, no_document, no_id, no_route, no_token, two_users,
    wrong_type,
};
use crate::shop::{GUEST, Shop, preflight, settings, sign_up_with};

on_both_databases! {
    tables: [documents, headers_at_odds, access_tokens, order_of_checks, ownership]
    scenarios: [an_expired_token_is_refused_everywhere]
}

async fn documents(engine: Engine) {
    let gateway = settings(engine).start().await;
    let post = |body: Value| Request::post("/customers", &body);
    let text = |body: &str| Request::new("POST", "/customers").body(body).header("Content-Type", JSON_API);
    let attributes = sign_up("documents@example.com");
    let typed = |path: &str, kind: &str| Request::post(path, &document(kind, &json!({})));
    check(
        engine,
        gateway.client(),
        &[
            row("1.4 row 3: another type", typed("/customers", "customer"), wrong_type()),
            row("1.4 row 3: an empty type", typed("/customers", ""), wrong_type()),
            row("1.4 row 3: case counts", typed("/customers", "Customers"), wrong_type()),
            row("1.4 row 3: a type that is no text", post(json!({ "data": { "type": 5, "attributes": {} } })), wrong_type()),
            row("1.4 row 3: before missing attributes", post(json!({ "data": { "type": "carts" } })), wrong_type()),
            row("1.4 row 3: customer-confirmation", typed("/customer-confirmation", "customers"), wrong_type()),
            row("1.4 row 3: customer-confirmation-resend", typed("/customer-confirmation-resend", "customers"), wrong_type()),
            row("1.4 row 3: access-tokens", typed("/access-tokens", "refresh-tokens"), wrong_type()),
            row("1.4 row 3: refresh-tokens", typed("/refresh-tokens", "access-tokens"), wrong_type()),
            row("1.4 row 4: no body", Request::new("POST", "/customers"), no_document()),
            row("1.4 row 4: an empty body", text(""), no_document()),
            row("1.4 row 4: not JSON", text("salutation=Ms"), no_document()),
            row("1.4 row 4: broken JSON", text(r#"{"data":{"type":"customers","attributes":{"#), no_document()),
            row("1.4 row 4: an array", post(json!([])), no_document()),
            row("1.4 row 4: null", post(Value::Null), no_document()),
            row("1.4 row 4: no data", post(json!({ "type": "customers" })), no_document()),
            row("1.4 row 4: data is null", post(json!({ "data": null })), no_document()),
            row("1.4 row 4: data is a list", post(json!({ "data": [{ "type": "customers", "attributes": {} }] })), no_document()),
            row("1.4 row 4: data is a text", post(json!({ "data": "customers" })), no_document()),
            row("1.4 row 4: no type", post(json!({ "data": { "attributes": attributes } })), no_document()),
            row("1.4 row 4: type is null", post(json!({ "data": { "type": null, "attributes": attributes } })), no_document()),
            row("1.4 row 4: no attributes", post(json!({ "data": { "type": "customers" } })), no_document()),
            row("1.4 row 4: attributes are null", post(json!({ "data": { "type": "customers", "attributes": null } })), no_document()),
            row(
                "1.4 row 4: no attributes are not invalid",
                typed("/customer-confirmation", "customer-confirmation"),
                Expected::violations(&["registrationKey => This field is missing."]),
            ),
            row(
                "1.4 row 4: further members are ignored",
                post(json!({
                    "meta": {}, "jsonapi": { "version": "1.1" },
                    "data": { "id": "DE--99", "lid": "x", "type": "customers", "relationships": {}, "attributes": attributes },
                })),
                Expected::data(201).at("/data/id", "DE--1"),
            ),
            row("1.4 row 5: DELETE without an id", Request::delete("/refresh-tokens"), no_id()),
            row("1.4 row 5: an empty id", Request::delete("/refresh-tokens/"), no_id()),
        ],
    )
    .await;
}

async fn headers_at_odds(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let token = session.access_token.as_str();
    let sign_up = register(&sign_up("at-odds@example.com"));
    check(
        engine,
        gateway.client(),
        &[
            row("1.4 row 6c: at customers", sign_up.clone().bearer(token).header(GUEST, "guest-1"), two_users()),
            row(
                "1.4 row 6c: at access-tokens",
                log_in("x@example.com", "x").bearer(token).header(GUEST, "guest-1"),
                two_users(),
            ),
            row(
                "1.4 row 6c: at a read",
                Request::get("/customers").bearer(token).header(GUEST, "guest-1"),
                two_users(),
            ),
            row("1.4 row 6c: before a bad token", sign_up.clone().bearer("x").header(GUEST, "guest-1"), two_users()),
            row(
                "1.4 row 6c: an empty guest is none",
                Request::get("/customers").bearer(token).header(GUEST, ""),
                Expected::data(200),
            ),
            row("1.9 a guest may sign up", sign_up.header(GUEST, "any text / at all"), Expected::data(201)),
        ],
    )
    .await;
}

async fn access_tokens(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let token = session.access_token.as_str();
    let read = |value: &str| Request::get("/customers").header("Authorization", value);
    let (head, signature) = token.rsplit_once('.').unwrap();
    let flipped: String = signature.chars().rev().collect();
    let unsigned = format!("eyJ0eXAiOiJKV1QiLCJhbGciOiJub25lIn0.{}.", head.split('.').nth(1).unwrap());
    check(
        engine,
        gateway.client(),
        &[
            row("1.4 row 6d: a collection", Request::get("/customers"), no_token()),
            row("1.4 row 6d: one resource", Request::get("/customers/DE--1"), no_token()),
            row("1.4 row 6d: one that is not there", Request::get("/customers/DE--999"), no_token()),
            row("1.4 row 6d: a refresh token", Request::delete("/refresh-tokens/mine"), no_token()),
            row("1.4 row 6e: garbage", read("garbage"), bad_token()),
            row("1.4 row 6e: a scheme alone", read("Bearer"), bad_token()),
            row("1.4 row 6e: a token alone", read(token), bad_token()),
            row("6.2 another scheme", read(&format!("Basic {token}")), bad_token()),
            row("1.4 row 6e: not a token", read("Bearer x"), bad_token()),
            row("1.4 row 6e: three parts of nothing", read("Bearer a.b.c"), bad_token()),
            row("1.4 row 6e: another signature", read(&format!("Bearer {head}.{flipped}")), bad_token()),
            row("1.4 row 6e: no signature", read(&format!("Bearer {head}.")), bad_token()),
            row("1.4 row 6e: an algorithm of none", read(&format!("Bearer {unsigned}")), bad_token()),
            row("1.4 row 6e: a refresh token is none", read(&format!("Bearer {}", session.refresh_token)), bad_token()),
            row("1.4 row 6e: at a public POST", register(&sign_up("x@example.com")).bearer("x"), bad_token()),
            row("1.4 row 6e: at a login", log_in("x@example.com", "x").bearer("x"), bad_token()),
            row("1.4 row 6e: at a public GET", Request::get("/access-tokens").bearer("x"), bad_token()),
            row("1.4 row 6e: at a confirmation", testkit::confirm("x").bearer("x"), bad_token()),
            row("1.9 blanks between scheme and token", read(&format!("Bearer   {token}")), Expected::data(200)),
            row("6.2 the scheme in lower case", read(&format!("bearer {token}")), Expected::data(200)),
            row(
                "1.4 row 6e: a good token at a public POST",
                register(&sign_up("good-token@example.com")).bearer(token),
                Expected::data(201),
            ),
        ],
    )
    .await;
}

async fn order_of_checks(engine: Engine) {
    let gateway = settings(engine).start().await;
    let empty_type = |request: Request| request.header("Content-Type", "");
    let wrong = Request::post("/customers", &document("carts", &json!({})));
    let broken = Request::new("POST", "/customers").body("{").header("Content-Type", JSON_API);
    check(
        engine,
        gateway.client(),
        &[
            row(
                "1.4 2a before 2b",
                preflight("/customers?page[limit]=0", "POST", "accept").without("Origin"),
                Expected::generic(501, INCOMPLETE_PREFLIGHT),
            ),
            row(
                "1.4 2b before 2c",
                preflight("/customers?page[limit]=0", "PUT", "accept"),
                Expected::generic(400, INVALID_PAGE),
            ),
            row(
                "1.4 2c before 2e",
                empty_type(preflight("/customers", "PUT", "accept")),
                Expected::generic(403, "Not allowed."),
            ),
            row(
                "1.4 2b before 2e",
                empty_type(Request::post("/customers?page[limit]=0", &json!({}))),
                Expected::generic(400, INVALID_PAGE),
            ),
            row(
                "1.4 2e before 404",
                empty_type(Request::post("/coffees", &json!({}))),
                Expected::generic(415, "Unsupported media type."),
            ),
            row("1.4 2e before 3", empty_type(wrong.clone()), Expected::generic(415, "Unsupported media type.")),
            row("1.4 404 before 3", Request::post("/customers/DE--1", &document("carts", &json!({}))), no_route()),
            row("1.4 404 before 6e", Request::get("/coffees").bearer("x"), no_route()),
            row("1.4 3 before 6c", wrong.clone().bearer("x").header(GUEST, "guest-1"), wrong_type()),
            row("1.4 3 before 6e", wrong.bearer("x"), wrong_type()),
            row("1.4 4 before 6c", broken.clone().bearer("x").header(GUEST, "guest-1"), no_document()),
            row("1.4 4 before 6e", broken.bearer("x"), no_document()),
            row("1.4 5 before 6d", Request::delete("/refresh-tokens"), no_id()),
            row("1.4 5 before 6e", Request::delete("/refresh-tokens").bearer("x"), no_id()),
            row("1.4 6e before 6f", register(&json!({})).bearer("x"), bad_token()),
            row(
                "1.4 6f before the logic: a violation, and passwords that differ",
                register(&sign_up_with(
                    "order@example.com",
                    &[("firstName", Some(json!(""))), ("confirmPassword", Some(json!("Another-2nd-Door!")))],
                )),
                Expected::violations(&["firstName => This value should not be blank."]),
            ),
            row(
                "6.1 6f before 003",
                log_in("nobody@example.com", ""),
                Expected::violations(&["password => This value should not be blank."]),
            ),
        ],
    )
    .await;
}

async fn ownership(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let other = gateway.sign_in("other@example.com").await;
    let read = |reference: &str| Request::get(&format!("/customers/{reference}")).bearer(&session.access_token);
    check(
        engine,
        gateway.client(),
        &[
            row(
                "1.4 row 8, 2.3: one's own",
                read(&session.reference),
                Expected::data(200).at("/data/id", session.reference.as_str()),
            ),
            row("1.4 row 8, 2.3: another's", read(&other.reference), no_customer()),
            row("2.3 one that is not there", read("DE--4711"), no_customer()),
            row("2.3 mine is no alias", read("mine"), no_customer()),
            row("2.3 no reference at all", read("%00"), no_customer()),
        ],
    )
    .await;
}

async fn an_expired_token_is_refused_everywhere(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let read = Request::get("/customers").bearer(&session.access_token);
    gateway.advance(28_790).await;
    assert_eq!(gateway.send(&read).await.status, 200, "6.2 good until it expires");
    gateway.advance(20).await;
    for request in [read, register(&sign_up("x@example.com")).bearer(&session.access_token)] {
        let problems = bad_token().problems(&gateway.send(&request).await);
        assert!(problems.is_empty(), "1.4 row 6e: {problems:?}");
    }
}
