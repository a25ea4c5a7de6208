//! Sections 1.3 to 1.9: which answer wins, content types, headers, languages, query parameters.

use serde_json::{Value, json};
use testkit::{
    Engine, Expected, Gateway, JSON_API, PASSWORD, Request, check, document, log_in, on_both_databases, register, row,
    sign_up,
};

use crate::shop::{BASE, Shop, changed, settings, sign_up_with};

on_both_databases! {
    tables: [
        routing, preflights, pagination, documents, headers_at_odds, access_tokens, order_of_checks, ownership, content_types,
        languages, query_parameters, a_strict_accept, configured_origin,
    ]
    scenarios: [an_expired_token_is_refused_everywhere, the_language_of_a_sign_up_is_that_of_its_mail]
}

const NOT_FOUND: &str = "Not Found";
const INVALID_BODY: &str = "Post data is invalid.";
const INVALID_TYPE: &str = "Invalid type.";
const INVALID_PAGE: &str = "Pagination parameters are invalid.";
const INVALID_TOKEN: &str = "Invalid access token.";
const MISSING_TOKEN: &str = "Missing access token.";
const MISSING_ID: &str = "Resource id is not specified.";
const TWO_USERS: &str = "Headers request error. A user can't act as logged and not logged user at the same time.";
const INCOMPLETE_PREFLIGHT: &str = "One or more of the required headers (access-control-request-method, \
                                    access-control-request-headers, origin) for the options method are missing.";
const GUEST: &str = "X-Anonymous-Customer-Unique-Id";

fn not_found() -> Expected {
    Expected::generic(404, NOT_FOUND)
}

fn refused_token() -> Expected {
    Expected::error(401, "001", INVALID_TOKEN)
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
        row("1.3 POST with an id", Request::post("/customers/DE--1", &body), not_found()),
        row("1.3 PUT is no method here", Request::new("PUT", "/customers").json(&body), not_found()),
        row("1.3 PUT with an id", Request::new("PUT", "/customers/DE--1").json(&body), not_found()),
        row("1.3 GET of what can only be posted", Request::get("/customer-confirmation"), not_found()),
        row("1.3 GET of a resend", Request::get("/customer-confirmation-resend"), not_found()),
        row(
            "1.3 PATCH of a confirmation",
            Request::patch("/customer-confirmation/x", &document("customer-confirmation", &json!({}))),
            not_found(),
        ),
        row("1.3 DELETE of a confirmation", Request::delete("/customer-confirmation/x"), not_found()),
        row("1.3 DELETE of an access token", Request::delete("/access-tokens/x"), not_found()),
        row(
            "1.3 PATCH of a refresh token",
            Request::patch("/refresh-tokens/x", &document("refresh-tokens", &json!({}))),
            not_found(),
        ),
        row(
            "1.3 POST of a confirmation with an id",
            Request::post(
                "/customer-confirmation/x",
                &document("customer-confirmation", &json!({ "registrationKey": "x" })),
            ),
            not_found(),
        ),
        row("1.3 HEAD is GET without a body", Request::new("HEAD", "/customers").bearer(token), {
            Expected::other(200).header("Content-Type", JSON_API)
        }),
        row("1.3 unknown method", Request::new("BREW", "/customers"), not_found()),
        row("1.3 unknown type", Request::get("/coffees"), not_found()),
        row("1.3 unknown type with an id", Request::get("/coffees/1"), not_found()),
        row("1.3 POST to an unknown type", Request::post("/coffees", &document("coffees", &json!({}))), not_found()),
        row("1.3 unknown child", Request::get("/customers/DE--1/coffees"), not_found()),
        row("1.3 a parent that is none", Request::get("/customers/DE--1/access-tokens"), not_found()),
        row(
            "1.3 a parent of what has none",
            Request::post("/customers/DE--1/customer-confirmation", &document("customer-confirmation", &json!({}))),
            not_found(),
        ),
        row("1.3 an empty segment before an unknown type", Request::get("/customers//coffees"), not_found()),
        row("1.3 a deep unknown path", Request::get("/a/b/c/d/e/f/g"), not_found()),
    ];
    check(engine, gateway.client(), &rows).await;
}

fn preflight(path: &str, method: &str, headers: &str) -> Request {
    Request::options(path)
        .header("Origin", "https://shop.example.com")
        .header("Access-Control-Request-Method", method)
        .header("Access-Control-Request-Headers", headers)
}

async fn preflights(engine: Engine) {
    let gateway = settings(engine).start().await;
    let incomplete = || Expected::generic(501, INCOMPLETE_PREFLIGHT);
    let refused = || Expected::generic(403, "Not allowed.");
    let allowed = |methods: &str| {
        Expected::other(200)
            .header("Access-Control-Allow-Methods", methods)
            .header(
                "Access-Control-Allow-Headers",
                "accept, content-type, content-language, accept-language, authorization, \
                 X-Anonymous-Customer-Unique-Id, access-control-allow-origin",
            )
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
            row("1.3 an unknown type, asked in advance", preflight("/coffees", "OPTIONS", "accept"), not_found()),
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
                allowed("GET, POST, OPTIONS"),
            ),
            row(
                "1.6 methods are those of the type, with an id too",
                preflight("/customers/DE--1", "GET", "authorization"),
                allowed("GET, POST, OPTIONS"),
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
                Expected::error(403, "002", MISSING_TOKEN).header(origin, "https://shop.example.com"),
            ),
        ],
    )
    .await;
}

async fn pagination(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let ask = |query: &str| Request::get(&format!("/customers?{query}")).bearer(&session.access_token);
    let refused = || Expected::generic(400, INVALID_PAGE);
    let answered = || Expected::data(200).at("/data/0/id", session.reference.as_str());
    check(
        engine,
        gateway.client(),
        &[
            row("1.4 row 2b: an offset that is no number", ask("page[offset]=x&page[limit]=10"), refused()),
            row("1.4 row 2b: a limit that is no number", ask("page[offset]=0&page[limit]=ten"), refused()),
            row("1.4 row 2b: a limit of zero", ask("page[offset]=0&page[limit]=0"), refused()),
            row("1.4 row 2b: a limit below zero", ask("page[offset]=0&page[limit]=-1"), refused()),
            row("1.4 row 2b: an offset alone", ask("page[offset]=10"), refused()),
            row("1.4 row 2b: a limit of zero alone", ask("page[limit]=0"), refused()),
            row("1.4 row 2b: brackets in percent-encoding", ask("page%5Boffset%5D=x&page%5Blimit%5D=10"), refused()),
            row("1.4 row 2b: before 404", Request::get("/coffees?page[limit]=0"), refused()),
            row("1.4 row 2b: before a missing token", Request::get("/customers?page[limit]=0"), refused()),
            row("1.8 a limit alone has no effect", ask("page[limit]=10"), answered()),
            row(
                "1.8 a page of what has no total",
                ask("page[offset]=0&page[limit]=10"),
                answered().nothing_at("/links/next"),
            ),
        ],
    )
    .await;
}

async fn documents(engine: Engine) {
    let gateway = settings(engine).start().await;
    let post = |body: Value| Request::post("/customers", &body);
    let text = |body: &str| Request::new("POST", "/customers").body(body).header("Content-Type", JSON_API);
    let wrong_type = || Expected::generic(400, INVALID_TYPE);
    let invalid = || Expected::generic(400, INVALID_BODY);
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
            row("1.4 row 4: no body", Request::new("POST", "/customers"), invalid()),
            row("1.4 row 4: an empty body", text(""), invalid()),
            row("1.4 row 4: not JSON", text("salutation=Ms"), invalid()),
            row("1.4 row 4: broken JSON", text(r#"{"data":{"type":"customers","attributes":{"#), invalid()),
            row("1.4 row 4: an array", post(json!([])), invalid()),
            row("1.4 row 4: null", post(Value::Null), invalid()),
            row("1.4 row 4: no data", post(json!({ "type": "customers" })), invalid()),
            row("1.4 row 4: data is null", post(json!({ "data": null })), invalid()),
            row("1.4 row 4: data is a list", post(json!({ "data": [{ "type": "customers", "attributes": {} }] })), invalid()),
            row("1.4 row 4: data is a text", post(json!({ "data": "customers" })), invalid()),
            row("1.4 row 4: no type", post(json!({ "data": { "attributes": attributes } })), invalid()),
            row("1.4 row 4: type is null", post(json!({ "data": { "type": null, "attributes": attributes } })), invalid()),
            row("1.4 row 4: no attributes", post(json!({ "data": { "type": "customers" } })), invalid()),
            row("1.4 row 4: attributes are null", post(json!({ "data": { "type": "customers", "attributes": null } })), invalid()),
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
            row("1.4 row 5: DELETE without an id", Request::delete("/refresh-tokens"), Expected::generic(400, MISSING_ID)),
            row("1.4 row 5: an empty id", Request::delete("/refresh-tokens/"), Expected::generic(400, MISSING_ID)),
        ],
    )
    .await;
}

async fn headers_at_odds(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let token = session.access_token.as_str();
    let refused = || Expected::error(400, "005", TWO_USERS);
    let sign_up = register(&sign_up("at-odds@example.com"));
    check(
        engine,
        gateway.client(),
        &[
            row("1.4 row 6c: at customers", sign_up.clone().bearer(token).header(GUEST, "guest-1"), refused()),
            row(
                "1.4 row 6c: at access-tokens",
                log_in("x@example.com", "x").bearer(token).header(GUEST, "guest-1"),
                refused(),
            ),
            row("1.4 row 6c: at a read", Request::get("/customers").bearer(token).header(GUEST, "guest-1"), refused()),
            row("1.4 row 6c: before a bad token", sign_up.clone().bearer("x").header(GUEST, "guest-1"), refused()),
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
    let missing = || Expected::error(403, "002", MISSING_TOKEN);
    let read = |value: &str| Request::get("/customers").header("Authorization", value);
    let (head, signature) = token.rsplit_once('.').unwrap();
    let flipped: String = signature.chars().rev().collect();
    let unsigned = format!("eyJ0eXAiOiJKV1QiLCJhbGciOiJub25lIn0.{}.", head.split('.').nth(1).unwrap());
    check(
        engine,
        gateway.client(),
        &[
            row("1.4 row 6d: a collection", Request::get("/customers"), missing()),
            row("1.4 row 6d: one resource", Request::get("/customers/DE--1"), missing()),
            row("1.4 row 6d: one that is not there", Request::get("/customers/DE--999"), missing()),
            row("1.4 row 6d: a refresh token", Request::delete("/refresh-tokens/mine"), missing()),
            row("1.4 row 6e: garbage", read("garbage"), refused_token()),
            row("1.4 row 6e: a scheme alone", read("Bearer"), refused_token()),
            row("1.4 row 6e: a token alone", read(token), refused_token()),
            row("6.2 another scheme", read(&format!("Basic {token}")), refused_token()),
            row("1.4 row 6e: not a token", read("Bearer x"), refused_token()),
            row("1.4 row 6e: three parts of nothing", read("Bearer a.b.c"), refused_token()),
            row("1.4 row 6e: another signature", read(&format!("Bearer {head}.{flipped}")), refused_token()),
            row("1.4 row 6e: no signature", read(&format!("Bearer {head}.")), refused_token()),
            row("1.4 row 6e: an algorithm of none", read(&format!("Bearer {unsigned}")), refused_token()),
            row(
                "1.4 row 6e: a refresh token is none",
                read(&format!("Bearer {}", session.refresh_token)),
                refused_token(),
            ),
            row("1.4 row 6e: at a public POST", register(&sign_up("x@example.com")).bearer("x"), refused_token()),
            row("1.4 row 6e: at a login", log_in("x@example.com", "x").bearer("x"), refused_token()),
            row("1.4 row 6e: at a public GET", Request::get("/access-tokens").bearer("x"), refused_token()),
            row("1.4 row 6e: at a confirmation", testkit::confirm("x").bearer("x"), refused_token()),
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
            row("1.4 404 before 3", Request::post("/customers/DE--1", &document("carts", &json!({}))), not_found()),
            row("1.4 404 before 6e", Request::get("/coffees").bearer("x"), not_found()),
            row(
                "1.4 3 before 6c",
                wrong.clone().bearer("x").header(GUEST, "guest-1"),
                Expected::generic(400, INVALID_TYPE),
            ),
            row("1.4 3 before 6e", wrong.bearer("x"), Expected::generic(400, INVALID_TYPE)),
            row(
                "1.4 4 before 6c",
                broken.clone().bearer("x").header(GUEST, "guest-1"),
                Expected::generic(400, INVALID_BODY),
            ),
            row("1.4 4 before 6e", broken.bearer("x"), Expected::generic(400, INVALID_BODY)),
            row("1.4 5 before 6d", Request::delete("/refresh-tokens"), Expected::generic(400, MISSING_ID)),
            row("1.4 5 before 6e", Request::delete("/refresh-tokens").bearer("x"), Expected::generic(400, MISSING_ID)),
            row("1.4 6e before 6f", register(&json!({})).bearer("x"), refused_token()),
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
    let not_found = || Expected::error(404, "402", "Customer not found.");
    check(
        engine,
        gateway.client(),
        &[
            row(
                "1.4 row 8, 2.3: one's own",
                read(&session.reference),
                Expected::data(200).at("/data/id", session.reference.as_str()),
            ),
            row("1.4 row 8, 2.3: another's", read(&other.reference), not_found()),
            row("2.3 one that is not there", read("DE--4711"), not_found()),
            row("2.3 mine is no alias", read("mine"), not_found()),
            row("2.3 no reference at all", read("%00"), not_found()),
        ],
    )
    .await;
}

async fn content_types(engine: Engine) {
    let gateway = settings(engine).start().await;
    let body = document("access-tokens", &json!({ "username": "nobody@example.com", "password": PASSWORD }));
    let post = || Request::post("/access-tokens", &body);
    let typed = |value: &str| post().header("Content-Type", value);
    let accepting = |value: &str| post().header("Accept", value);
    let read = || Expected::error(401, "003", "Failed to authenticate user.");
    check(
        engine,
        gateway.client(),
        &[
            row(
                "1.5 plain JSON, as the acceptance client posts it",
                typed("application/json").header("Accept", "*/*"),
                read(),
            ),
            row("1.5 no content type", post().without("Content-Type"), read()),
            row("1.5 any other type is read as JSON", typed("text/plain"), read()),
            row("1.5 a charset", typed("application/vnd.api+json; charset=utf-8"), read()),
            row("1.5 XML has no decoder", typed("application/vnd.api+xml"), Expected::generic(400, INVALID_BODY)),
            row("1.4 row 2e: an empty content type", typed(""), Expected::generic(415, "Unsupported media type.")),
            row(
                "1.5 an answer in XML",
                accepting("application/vnd.api+xml"),
                Expected::generic(415, "Unsupported Media Type"),
            ),
            row("1.5 an answer in HTML is JSON all the same", accepting("text/html"), read()),
            row("1.5 an answer in anything", accepting("*/*"), read()),
            row("1.4 row 2d: no Accept is accepted", post().without("Accept"), read()),
            row("1.5 a version: no route", typed("application/vnd.api+json; version=1.0"), not_found()),
            row("1.5 a version in Accept: no route", accepting("application/vnd.api+json; version=1.0"), not_found()),
            row("1.5 a version of two digits", typed("application/vnd.api+json; version=12"), not_found()),
            row("1.5 one digit is no version", typed("application/vnd.api+json; version=1"), read()),
            row(
                "1.5 an extension that is not known",
                typed("application/vnd.api+json; ext=\"https://example.com/ext\""),
                Expected::generic(415, "Unsupported media type."),
            ),
            row(
                "1.5 an answer with an extension that is not known",
                accepting("application/vnd.api+json; ext=\"https://example.com/ext\""),
                Expected::generic(406, "Not acceptable."),
            ),
            row(
                "1.5 a profile never matters",
                typed("application/vnd.api+json; profile=\"https://example.com/p\""),
                read(),
            ),
        ],
    )
    .await;
}

async fn a_strict_accept(engine: Engine) {
    let gateway = settings(engine).set("VESTIBULE__GLUE__REQUIRE_ACCEPT", "true").start().await;
    let refused = || Expected::generic(406, "Not acceptable.");
    check(
        engine,
        gateway.client(),
        &[
            row("1.4 row 2d: no Accept, strictly", Request::get("/access-tokens").without("Accept"), refused()),
            row("1.4 2d before 404", Request::get("/coffees").without("Accept"), refused()),
            row(
                "1.4 2b before 2d",
                Request::get("/access-tokens?page[limit]=0").without("Accept"),
                Expected::generic(400, INVALID_PAGE),
            ),
            row(
                "1.4 2c before 2d",
                preflight("/access-tokens", "PUT", "accept").without("Accept"),
                Expected::generic(403, "Not allowed."),
            ),
            row(
                "1.4 2d before 2e",
                Request::post("/access-tokens", &json!({})).without("Accept").header("Content-Type", ""),
                refused(),
            ),
            row(
                "1.4 row 2d: any Accept will do",
                Request::get("/access-tokens").header("Accept", "*/*"),
                Expected::data(200),
            ),
        ],
    )
    .await;
}

async fn languages(engine: Engine) {
    let gateway = settings(engine).start().await;
    let speaking = |languages: &str| Request::get("/access-tokens").header("Accept-Language", languages);
    let spoken = |locale: &str| Expected::data(200).header("Content-Language", locale);
    check(
        engine,
        gateway.client(),
        &[
            row("1.7 no header: the store's own", Request::get("/access-tokens"), spoken("de_DE")),
            row("1.7 a language", speaking("en"), spoken("en_US")),
            row("1.7 a locale", speaking("de-DE"), spoken("de_DE")),
            row("1.7 another locale", speaking("en-US"), spoken("en_US")),
            row("1.7 the heaviest wins", speaking("de;q=0.3, en;q=0.9"), spoken("en_US")),
            row("1.7 no weight is the heaviest", speaking("en;q=0.9, de"), spoken("de_DE")),
            row("1.7 the first of what is known", speaking("fr, en;q=0.5"), spoken("en_US")),
            row("1.7 nothing known: the store's own", speaking("fr"), spoken("de_DE")),
            row("1.7 anything: the store's own", speaking("*"), spoken("de_DE")),
            row("1.7 nonsense: the store's own", speaking(";;,q=,en=1"), spoken("de_DE")),
            row(
                "1.7 details are not translated",
                Request::get("/customers").header("Accept-Language", "de"),
                Expected::error(403, "002", MISSING_TOKEN).header("Content-Language", "de_DE"),
            ),
            row(
                "1.6 an error has a language too",
                Request::get("/coffees").header("Accept-Language", "en"),
                not_found().header("Content-Language", "en_US"),
            ),
        ],
    )
    .await;
}

async fn query_parameters(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let ask =
        |query: &str| Request::get(&format!("/customers/{}?{query}", session.reference)).bearer(&session.access_token);
    let whole = || {
        Expected::data(200)
            .at("/data/attributes/email", session.email.as_str())
            .at("/data/attributes/firstName", "Mira")
    };
    check(
        engine,
        gateway.client(),
        &[
            row(
                "1.8 nothing is included unasked",
                ask(""),
                whole().nothing_at("/included").nothing_at("/data/relationships"),
            ),
            row("1.8 unknown relations are ignored", ask("include=coffees,wishlists"), whole().nothing_at("/included")),
            row("1.8 an empty include", ask("include="), whole()),
            row("1.8 sort is ignored", ask("sort=email,-createdAt"), whole()),
            row("1.8 filter is ignored", ask("filter[customers.email]=x"), whole()),
            row("1.8 unknown parameters are ignored", ask("colour=blue"), whole()),
            row(
                "1.8 a set of fields",
                ask("fields[customers]=email,firstName"),
                Expected::data(200).at("/data/attributes", json!({ "firstName": "Mira", "email": session.email })),
            ),
            row(
                "1.8 in percent-encoding",
                ask("fields%5Bcustomers%5D=lastName"),
                Expected::data(200).at("/data/attributes", json!({ "lastName": "Olsen" })),
            ),
            row(
                "1.8 unknown fields are ignored",
                ask("fields[customers]=email,colour"),
                Expected::data(200).at("/data/attributes", json!({ "email": session.email })),
            ),
            row(
                "1.8 nothing left is an empty object",
                ask("fields[customers]=colour"),
                Expected::data(200).at("/data/attributes", json!({})).at("/data/type", "customers"),
            ),
            row("1.8 the fields of another type", ask("fields[addresses]=city"), whole()),
            row(
                "1.8 fields of a login",
                Request::post(
                    "/access-tokens?fields[access-tokens]=tokenType",
                    &document("access-tokens", &json!({ "username": session.email, "password": PASSWORD })),
                ),
                Expected::data(201).at("/data/attributes", json!({ "tokenType": "Bearer" })),
            ),
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
        let problems = refused_token().problems(&gateway.send(&request).await);
        assert!(problems.is_empty(), "1.4 row 6e: {problems:?}");
    }
}

async fn the_language_of_a_sign_up_is_that_of_its_mail(engine: Engine) {
    let gateway: Gateway = settings(engine).start().await;
    for (language, locale, phrase) in
        [("de", "de_DE", "Bestätigen Sie Ihre E-Mail-Adresse"), ("en-US", "en_US", "Validate your email address")]
    {
        let address = format!("{locale}@example.com");
        gateway.send(&register(&sign_up(&address)).header("Accept-Language", language)).await.expect_status(201);
        let mail = gateway.mailbox().wait_for(&address).await;
        assert!(mail.text.contains(phrase) && mail.html.contains(phrase), "1.7, 9: {mail:?}");
        let link = format!("{BASE}/register/confirm?token={}&_store=DE&_locale={locale}", mail.token);
        assert_eq!(mail.link, link, "9 the link");
        assert!(mail.text.contains(&link), "9 the text part has the link too: {}", mail.text);
    }
}
