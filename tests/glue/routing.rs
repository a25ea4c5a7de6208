//! Sections 1.3 and 1.6: which paths there are, what may be done there, and what is told in advance.

use serde_json::json;
use testkit::{Engine, Expected, JSON_API, Request, check, document, new_address, on_both_databases, row, sign_up};

use crate::messages::{INCOMPLETE_PREFLIGHT, SHORT_CITY, named, no_id, no_route, no_token, not_own, wrong_type};
use crate::shop::{ALLOWED_HEADERS, Shop, changed, changed_address, preflight, settings};

on_both_databases! {
    tables: [routing, new_paths, empty_segments, preflights, configured_origin]
}

async fn routing(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let (reference, token) = (session.reference.as_str(), session.access_token.as_str());
    let own = || Expected::data(200).at("/data/0/id", reference);
    let body = document("customers", &sign_up("routing@example.com"));
    let rows = [
        row("1.3 a slash at the end", Request::get("/customers/").bearer(token), own()),
        row("1.3 slashes at the end", Request::get("/customers//").bearer(token), own()),
        row("1.3 slashes before", Request::get("//customers").bearer(token), own()),
        row(
            "1.3 a slash behind an id",
            Request::get(&format!("/customers/{reference}/")).bearer(token),
            Expected::data(200).at("/data/id", reference),
        ),
        row(
            "1.3 a slash behind a POST",
            Request::post("/customers/", &document("customers", &changed("slash@example.com", "gender", "x"))),
            Expected::violations(&["gender => The value you selected is not a valid choice."]),
        ),
        row("1.3 POST with an id", Request::post("/customers/DE--1", &body), no_route()),
        row("1.3 PUT is no method here", Request::new("PUT", "/customers").json(&body), no_route()),
        row("1.3 PUT with an id", Request::new("PUT", "/customers/DE--1").json(&body), no_route()),
        row("1.3 GET of what can only be posted", Request::get("/customer-confirmation"), no_route()),
        row("1.3 GET of a resend", Request::get("/customer-confirmation-resend"), no_route()),
        row(
            "1.3 PATCH of a confirmation",
            Request::patch("/customer-confirmation/x", &document("customer-confirmation", &json!({}))),
            no_route(),
        ),
        row("1.3 DELETE of a confirmation", Request::delete("/customer-confirmation/x"), no_route()),
        row("1.3 DELETE of an access token", Request::delete("/access-tokens/x"), no_route()),
        row(
            "1.3 PATCH of a refresh token",
            Request::patch("/refresh-tokens/x", &document("refresh-tokens", &json!({}))),
            no_route(),
        ),
        row(
            "1.3 POST of a confirmation with an id",
            Request::post(
                "/customer-confirmation/x",
                &document("customer-confirmation", &json!({ "registrationKey": "x" })),
            ),
            no_route(),
        ),
        row("1.3 HEAD is GET without a body", Request::new("HEAD", "/customers").bearer(token), {
            Expected::other(200).header("Content-Type", JSON_API)
        }),
        row("1.3 unknown method", Request::new("BREW", "/customers"), no_route()),
        row("1.3 unknown type", Request::get("/coffees"), no_route()),
        row("1.3 unknown type with an id", Request::get("/coffees/1"), no_route()),
        row("1.3 POST to an unknown type", Request::post("/coffees", &document("coffees", &json!({}))), no_route()),
        row("1.3 unknown child", Request::get("/customers/DE--1/coffees"), no_route()),
        row("1.3 a parent that is none", Request::get("/customers/DE--1/access-tokens"), no_route()),
        row(
            "1.3 a parent of what has none",
            Request::post("/customers/DE--1/customer-confirmation", &document("customer-confirmation", &json!({}))),
            no_route(),
        ),
        row("1.3 an empty segment before an unknown type", Request::get("/customers//coffees"), no_route()),
        row("1.3 a deep unknown path", Request::get("/a/b/c/d/e/f/g"), no_route()),
    ];
    check(engine, gateway.client(), &rows).await;
}

async fn new_paths(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let (own, addresses, token) = (session.path(), session.addresses(), session.access_token.as_str());
    let empty = |kind: &str| document(kind, &json!({}));
    let get = |path: &str| Request::get(path).bearer(token);
    let put = |path: &str, kind: &str| Request::new("PUT", path).json(&empty(kind)).bearer(token);
    let address = document("addresses", &new_address());
    let rows = [
        row("1.3 PUT of a customer", put(&own, "customers"), no_route()),
        row("1.3 GET of a forgotten password", get("/customer-forgotten-password"), no_route()),
        row(
            "1.3 POST of a forgotten password with an id",
            Request::post("/customer-forgotten-password/x", &empty("customer-forgotten-password")),
            no_route(),
        ),
        row("1.3 DELETE of a forgotten password", Request::delete("/customer-forgotten-password/x"), no_route()),
        row("1.3 GET of a restored password", get("/customer-restore-password/x"), no_route()),
        row(
            "1.3 POST of a restored password",
            Request::post("/customer-restore-password", &empty("customer-restore-password")),
            no_route(),
        ),
        row("1.3 DELETE of a restored password", Request::delete("/customer-restore-password/x"), no_route()),
        row(
            "1.4 row 5: PATCH of a restored password without an id",
            Request::patch("/customer-restore-password", &empty("customer-restore-password")),
            no_id(),
        ),
        row("1.3 GET of a password", get(&format!("/customer-password/{}", session.reference)), no_route()),
        row(
            "1.3 POST of a password",
            Request::post("/customer-password", &empty("customer-password")).bearer(token),
            no_route(),
        ),
        row(
            "1.4 row 5: PATCH of a password without an id",
            Request::patch("/customer-password", &empty("customer-password")).bearer(token),
            no_id(),
        ),
        row("1.3 a password has no parent", get(&format!("{own}/customer-password")), no_route()),
        row("5 the parent of addresses is mandatory: all", get("/addresses"), no_route()),
        row(
            "5 the parent of addresses is mandatory: one",
            get("/addresses/7c0e4a35-1f57-5d0b-9a53-2f3f9f1f7f10"),
            no_route(),
        ),
        row(
            "5 the parent of addresses is mandatory: POST",
            Request::post("/addresses", &address).bearer(token),
            no_route(),
        ),
        row(
            "5 the parent of addresses is a customer",
            get(&format!("/customer-password/{}/addresses", session.reference)),
            no_route(),
        ),
        row(
            "1.3 POST of an address with an id",
            Request::post(&format!("{addresses}/x"), &address).bearer(token),
            no_route(),
        ),
        row("1.3 PUT of an address", put(&format!("{addresses}/x"), "addresses"), no_route()),
        row("1.3 below an address is nothing", get(&format!("{addresses}/x/customers")), no_route()),
        row("1.4 row 5: PATCH of all addresses", Request::patch(&addresses, &address).bearer(token), no_id()),
        row("1.4 row 5: DELETE of all addresses", Request::delete(&addresses).bearer(token), no_id()),
        row("1.4 row 5: before a missing token", Request::delete(&addresses), no_id()),
        row(
            "1.4 row 5: PATCH of a customer without an id",
            Request::patch("/customers", &empty("customers")).bearer(token),
            no_id(),
        ),
        row("1.4 row 5: DELETE of customers without an id", Request::delete("/customers").bearer(token), no_id()),
        row("1.3 a slash behind addresses", get(&format!("{addresses}/")), Expected::data(200).at("/data", json!([]))),
    ];
    check(engine, gateway.client(), &rows).await;
}

async fn empty_segments(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let token = session.access_token.as_str();
    let id = gateway.insert_address(&session, &new_address()).await;
    let (all, one) = ("/customers//addresses", format!("/customers//addresses/{id}"));
    let post = || Request::post(all, &document("addresses", &new_address()));
    let change = || Request::patch(&one, &document("addresses", &json!({ "city": "Bremen" })));
    let unchanged = Expected::data(200).at("/data/0/id", id.as_str()).at("/data/0/attributes/city", "Hamburg");
    check(
        engine,
        gateway.client(),
        &[
            row("1.3 an empty segment: GET", Request::get(all).bearer(token), not_own()),
            row("1.3 an empty segment: POST", post().bearer(token), not_own()),
            row("1.3 an empty segment: PATCH", change().bearer(token), no_id()),
            row("1.3 an empty segment: DELETE", Request::delete(&one).bearer(token), no_id()),
            row(
                "1.3 an empty segment: PATCH of all",
                Request::patch(all, &document("addresses", &json!({}))).bearer(token),
                no_id(),
            ),
            row("1.3 an empty segment: GET of one", Request::get(&one).bearer(token), not_own()),
            row("1.3 an empty segment: a missing token before ownership", Request::get(all), no_token()),
            row("1.3 an empty segment: a missing token before ownership, POST", post(), no_token()),
            row(
                "1.3 an empty segment: a violation before ownership",
                Request::post(all, &document("addresses", &changed_address("city", "x"))).bearer(token),
                named(&[("city", SHORT_CITY)]),
            ),
            row(
                "1.3 an empty segment: a wrong type before the id",
                Request::patch(&one, &document("customers", &json!({}))).bearer(token),
                wrong_type(),
            ),
            row("1.3 nothing of it did anything", Request::get(&session.addresses()).bearer(token), unchanged),
        ],
    )
    .await;
}

async fn preflights(engine: Engine) {
    let gateway = settings(engine).start().await;
    let incomplete = || Expected::generic(501, INCOMPLETE_PREFLIGHT);
    let refused = || Expected::generic(403, "Not allowed.");
    let allowed = |methods: &str| {
        Expected::other(200)
            .header("Access-Control-Allow-Methods", methods)
            .header("Access-Control-Allow-Headers", ALLOWED_HEADERS)
            .no_header("Access-Control-Allow-Origin")
            .no_header("Permissions-Policy")
            .header("X-Content-Type-Options", "nosniff")
    };
    let whole = || preflight("/customers", "POST", "content-type");
    check(
        engine,
        gateway.client(),
        &[
            row("1.4 row 2a: no pre-flight header", Request::options("/customers"), incomplete()),
            row("1.4 row 2a: no origin", whole().without("Origin"), incomplete()),
            row("1.4 row 2a: no method", whole().without("Access-Control-Request-Method"), incomplete()),
            row("1.4 row 2a: no headers", whole().without("Access-Control-Request-Headers"), incomplete()),
            row("1.4 row 2a: before 404", Request::options("/coffees"), incomplete()),
            row("1.4 row 2c: before 404", preflight("/coffees", "GET", "accept"), refused()),
            row("1.3 an unknown type, asked in advance", preflight("/coffees", "OPTIONS", "accept"), no_route()),
            row("1.4 row 2c: a method that is not offered", preflight("/customers", "PUT", "accept"), refused()),
            row("1.4 row 2c: not offered here", preflight("/customer-confirmation", "DELETE", "accept"), refused()),
            row("1.4 row 2c: a header that is not allowed", preflight("/customers", "POST", "x-evil"), refused()),
            row("1.4 row 2c: one of two is not allowed", preflight("/customers", "POST", "accept,x-evil"), refused()),
            row(
                "1.4 row 2c: the list is not trimmed",
                preflight("/customers", "POST", "accept, content-type"),
                refused(),
            ),
            row(
                "1.6 customer-confirmation offers POST",
                preflight("/customer-confirmation", "POST", "accept"),
                allowed("POST, OPTIONS"),
            ),
            row(
                "1.6 customer-confirmation-resend offers POST",
                preflight("/customer-confirmation-resend", "POST", "accept"),
                allowed("POST, OPTIONS"),
            ),
            row(
                "1.6 access-tokens offers GET and POST",
                preflight("/access-tokens", "POST", "content-type"),
                allowed("GET, POST, OPTIONS"),
            ),
            row(
                "1.6 refresh-tokens offers DELETE too",
                preflight("/refresh-tokens", "DELETE", "authorization,accept"),
                allowed("GET, POST, DELETE, OPTIONS"),
            ),
            row(
                "1.6 customers offers what it has",
                preflight("/customers", "POST", "content-type"),
                allowed("GET, POST, PATCH, DELETE, OPTIONS"),
            ),
            row(
                "1.6 methods are those of the type, with an id too",
                preflight("/customers/DE--1", "GET", "authorization"),
                allowed("GET, POST, PATCH, DELETE, OPTIONS"),
            ),
            row(
                "1.6 a customer may be deleted",
                preflight("/customers/DE--1", "DELETE", "authorization"),
                allowed("GET, POST, PATCH, DELETE, OPTIONS"),
            ),
            row(
                "1.6 addresses offers what it has",
                preflight("/customers/DE--1/addresses", "POST", "content-type"),
                allowed("GET, POST, PATCH, DELETE, OPTIONS"),
            ),
            row(
                "1.6 one address too",
                preflight("/customers/DE--1/addresses/x", "PATCH", "authorization,content-type"),
                allowed("GET, POST, PATCH, DELETE, OPTIONS"),
            ),
            row(
                "1.6 customer-forgotten-password offers POST",
                preflight("/customer-forgotten-password", "POST", "content-type"),
                allowed("POST, OPTIONS"),
            ),
            row(
                "1.6 customer-restore-password offers PATCH",
                preflight("/customer-restore-password/x", "PATCH", "content-type"),
                allowed("PATCH, OPTIONS"),
            ),
            row(
                "1.6 customer-password offers PATCH",
                preflight("/customer-password/DE--1", "PATCH", "authorization"),
                allowed("PATCH, OPTIONS"),
            ),
            row(
                "1.4 row 2c: not offered by a password",
                preflight("/customer-password/DE--1", "POST", "accept"),
                refused(),
            ),
            row(
                "1.6 customers takes the header of guests",
                preflight("/customers", "POST", "X-Anonymous-Customer-Unique-Id"),
                Expected::other(200),
            ),
        ],
    )
    .await;
}

async fn configured_origin(engine: Engine) {
    let gateway = settings(engine).set("VESTIBULE__GLUE__CORS_ALLOW_ORIGIN", "https://shop.example.com").start().await;
    let origin = "Access-Control-Allow-Origin";
    check(
        engine,
        gateway.client(),
        &[
            row(
                "1.6 a configured origin on a pre-flight",
                preflight("/customers", "POST", "content-type"),
                Expected::other(200).header(origin, "https://shop.example.com"),
            ),
            row(
                "1.6 a configured origin on an answer",
                Request::get("/access-tokens"),
                Expected::data(200).header(origin, "https://shop.example.com"),
            ),
            row(
                "1.6 a configured origin on an error",
                Request::get("/customers"),
                no_token().header(origin, "https://shop.example.com"),
            ),
        ],
    )
    .await;
}
