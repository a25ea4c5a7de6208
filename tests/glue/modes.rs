//! JSON:API, chapters 1 to 7: the two ways to speak it, each switch in both of them and by profile, and what holds in both.

use serde_json::{Value, json};
use testkit::{
    Engine, Expected, Gateway, JSON_API, PASSWORD, Request, Row, Session, check, document, log_in, new_address,
    on_both_databases, refresh, row,
};

use crate::messages::{INVALID_PAGE, INVALID_TYPE, no_id, no_route, no_token};
use crate::shop::{BASE, Shop, settings};

on_both_databases! {
    tables: [
        switches_as_glue, switches_by_setting, switches_by_profile, media_types, documents, links, queries, errors,
        the_version_is_told_on_request,
    ]
    scenarios: [whoever_asks_too_often_is_told_when_to_come_back]
}

const UNKNOWN_PARAMETER: &str = "Query parameter is not supported.";
const UNKNOWN_PATH: &str = "Relationship path is not supported.";
const UNACCEPTABLE: &str = "Not acceptable.";
const UNSUPPORTED: &str = "Unsupported media type.";
const NO_METHOD: &str = "Method Not Allowed";

/// The name of the profile.
fn profile() -> String {
    format!("{BASE}/profiles/strict")
}

/// A request that asks for the profile, beside whatever else it accepts.
fn with_profile(request: Request) -> Request {
    request.also("Accept", &format!("{JSON_API};profile=\"{}\"", profile()))
}

/// A switch: what it is about, a request, and its answer in either way.
struct Switch {
    about: &'static str,
    request: Request,
    glue: Expected,
    strict: Expected,
    /// Whether asking for the profile would answer the question that the switch is about.
    is_by_setting_only: bool,
}

const fn switch(about: &'static str, request: Request, glue: Expected, strict: Expected) -> Switch {
    Switch { about, request, glue, strict, is_by_setting_only: false }
}

/// All switches, for a customer with one address.
fn switches(session: &Session, address: &str) -> Vec<Switch> {
    let (own, token) = (session.path(), session.access_token.as_str());
    let ask = |path: &str| Request::get(path).bearer(token);
    let asked = |query: &str| ask(&format!("{own}?{query}"));
    let customer = || Expected::data(200).at("/data/id", session.reference.as_str());
    let conflict = |detail: &str, pointer: &str| Expected::generic(409, detail).at("/errors/0/source/pointer", pointer);
    let forbidden =
        |detail: &str, pointer: &str| Expected::generic(403, detail).at("/errors/0/source/pointer", pointer);
    let bad_query = |detail: &str, name: &str| Expected::generic(400, detail).at("/errors/0/source/parameter", name);
    let patched = |members: Value| {
        let mut document = document("customers", &json!({ "lastName": "Olsen" }));
        for (name, value) in members.as_object().unwrap() {
            document["data"][name] = value.clone();
        }
        Request::patch(&own, &document).bearer(token)
    };
    let mut identified = document("addresses", &new_address());
    identified["data"]["id"] = json!("7c0e4a35-1f57-5d0b-9a53-2f3f9f1f7f10");
    let login = document("access-tokens", &json!({ "username": session.email, "password": PASSWORD }));
    let typed = |content_type: &str| Request::post("/access-tokens", &login).header("Content-Type", content_type);
    let logged_in = || Expected::data(201).at("/data/type", "access-tokens");
    let accepting = |accept: &str| ask(&own).header("Accept", accept);
    let unsupported = || Expected::generic(415, UNSUPPORTED).at("/errors/0/source/header", "Content-Type");
    let by_setting = |switch: Switch| Switch { is_by_setting_only: true, ..switch };
    vec![
        switch(
            "switch 1: the status of an error",
            Request::get("/coffees"),
            no_route().at("/errors/0/status", 404),
            no_route().at("/errors/0/status", "404"),
        ),
        switch(
            "switch 1: the status of each of several errors",
            Request::post("/access-tokens", &document("access-tokens", &json!({}))),
            crate::messages::named(&[("username", crate::messages::MISSING), ("password", crate::messages::MISSING)])
                .at("/errors/1/status", 422),
            crate::messages::named(&[("username", crate::messages::MISSING), ("password", crate::messages::MISSING)])
                .at("/errors/1/status", "422"),
        ),
        switch(
            "switches 2 and 13: an access token",
            log_in(&session.email, PASSWORD),
            logged_in().at("/data/id", Value::Null).at("/data/links/self", format!("{BASE}/access-tokens")),
            logged_in().nothing_at("/data/links").nothing_at("/links").no_header("Location"),
        ),
        switch(
            "switches 2 and 13: a refresh token",
            refresh(&session.refresh_token),
            Expected::data(201).at("/data/id", Value::Null).at("/data/links/self", format!("{BASE}/refresh-tokens")),
            Expected::data(201).nothing_at("/data/links").nothing_at("/links").no_header("Location"),
        ),
        switch(
            "switch 3: a wrong type in a POST",
            Request::post("/access-tokens", &document("tokens", &json!({}))),
            Expected::generic(400, INVALID_TYPE),
            conflict(INVALID_TYPE, "/data/type"),
        ),
        switch(
            "switch 3: a wrong type in a PATCH",
            Request::patch(&own, &document("customer", &json!({}))).bearer(token),
            Expected::generic(400, INVALID_TYPE),
            conflict(INVALID_TYPE, "/data/type"),
        ),
        switch(
            "switch 4: an id for what is to be created",
            Request::post(&session.addresses(), &identified).bearer(token),
            Expected::data(201).at("/data/type", "addresses"),
            forbidden("Resource id must not be specified.", "/data/id"),
        ),
        switch(
            "switch 5: an id that is not that of the URL",
            patched(json!({ "id": "DE--4711" })),
            customer(),
            conflict("Resource id is not that of the URL.", "/data/id"),
        ),
        switch(
            "switch 5: an id that is no text",
            patched(json!({ "id": 1 })),
            customer(),
            conflict("Resource id is not that of the URL.", "/data/id"),
        ),
        switch("switch 5: the id of the URL", patched(json!({ "id": session.reference })), customer(), customer()),
        switch(
            "96: relationships of an update",
            patched(json!({ "relationships": { "addresses": { "data": [] } } })),
            customer(),
            forbidden("Relationships cannot be replaced.", "/data/relationships"),
        ),
        switch(
            "switch 6: an unknown path",
            asked("include=wishlists"),
            customer().nothing_at("/included"),
            bad_query(UNKNOWN_PATH, "include"),
        ),
        switch(
            "switch 6: an unknown path beside a known one",
            asked("include=addresses,addresses.customers"),
            customer().at("/included/0/id", address),
            bad_query(UNKNOWN_PATH, "include"),
        ),
        switch(
            "switch 6: include where nothing can be included",
            Request::get("/access-tokens?include="),
            Expected::data(200).nothing_at("/included"),
            bad_query(UNKNOWN_PATH, "include"),
        ),
        switch(
            "switch 7: nothing to include",
            asked("include="),
            customer().nothing_at("/included"),
            customer().at("/included", json!([])),
        ),
        switch("switch 8: sort", asked("sort=-lastName"), customer(), bad_query(UNKNOWN_PARAMETER, "sort")),
        switch(
            "switch 8: filter",
            asked("filter%5Bcustomers.email%5D=x"),
            customer(),
            bad_query(UNKNOWN_PARAMETER, "filter[customers.email]"),
        ),
        switch(
            "switch 8: a name that nobody knows",
            asked("fields[customers]=email&utm_source=x"),
            customer(),
            bad_query(UNKNOWN_PARAMETER, "utm_source"),
        ),
        switch(
            "switch 8: a page of what has none",
            asked("page[offset]=0&page[limit]=5"),
            customer(),
            bad_query(UNKNOWN_PARAMETER, "page[offset]"),
        ),
        switch("switch 9: a charset", typed("application/vnd.api+json; charset=utf-8"), logged_in(), unsupported()),
        switch("switch 9: a version", typed("application/vnd.api+json; version=1.0"), no_route(), unsupported()),
        by_setting(switch(
            "switch 10: only with a charset",
            accepting("application/vnd.api+json; charset=utf-8, */*"),
            customer(),
            Expected::generic(406, UNACCEPTABLE).at("/errors/0/source/header", "Accept"),
        )),
        by_setting(switch(
            "switch 10: only in a version",
            accepting("application/vnd.api+json; version=1.0"),
            no_route(),
            Expected::generic(406, UNACCEPTABLE),
        )),
        switch(
            "switch 10: a charset on one of two",
            accepting("application/vnd.api+json; charset=utf-8, application/vnd.api+json;q=0.1"),
            customer(),
            customer(),
        ),
        switch("switch 11: plain JSON", typed("application/json"), logged_in(), unsupported()),
        switch(
            "switch 11: no content type",
            Request::post("/access-tokens", &login).without("Content-Type"),
            logged_in(),
            unsupported(),
        ),
        switch(
            "switch 11: XML",
            typed("application/vnd.api+xml"),
            Expected::generic(400, crate::messages::INVALID_BODY),
            unsupported(),
        ),
        switch(
            "switch 12: a method that there is not",
            Request::new("PUT", "/customers"),
            no_route().no_header("Allow"),
            Expected::generic(405, NO_METHOD).header("Allow", "GET, HEAD, POST, OPTIONS"),
        ),
        switch(
            "switch 12, 89: POST with an id",
            Request::post("/customers/DE--1", &document("customers", &json!({}))),
            no_route(),
            Expected::generic(405, NO_METHOD).header("Allow", "GET, HEAD, PATCH, DELETE, OPTIONS"),
        ),
        switch("switch 12: a path that there is not", Request::new("PUT", "/coffees"), no_route(), no_route()),
        switch(
            "switch 12: an item of what has none",
            Request::get("/customer-confirmation/x"),
            no_route(),
            no_route().no_header("Allow"),
        ),
        switch(
            "switch 14: an offset alone",
            asked("page[offset]=10"),
            bad_query(INVALID_PAGE, "page"),
            bad_query(UNKNOWN_PARAMETER, "page[offset]"),
        ),
        switch(
            "switch 14: a limit alone",
            asked("page[limit]=10"),
            customer(),
            bad_query(UNKNOWN_PARAMETER, "page[limit]"),
        ),
        switch(
            "switch 14: an offset that is no number",
            asked("page[offset]=x&page[limit]=10"),
            bad_query(INVALID_PAGE, "page"),
            bad_query(INVALID_PAGE, "page[offset]"),
        ),
        switch(
            "switch 14: a limit of zero",
            asked("page[limit]=0"),
            bad_query(INVALID_PAGE, "page"),
            bad_query(INVALID_PAGE, "page[limit]"),
        ),
        switch(
            "switch 15: brackets in links",
            asked("fields[customers]=email"),
            customer().at("/data/links/self", format!("{BASE}{own}?fields[customers]=email")),
            customer().at("/data/links/self", format!("{BASE}{own}?fields%5Bcustomers%5D=email")),
        ),
        switch(
            "switch 15: what is encoded already",
            asked("fields%5bcustomers%5D=email"),
            customer().at("/data/links/self", format!("{BASE}{own}?fields%5bcustomers%5D=email")),
            customer().at("/data/links/self", format!("{BASE}{own}?fields%5bcustomers%5D=email")),
        ),
        switch(
            "92: PATCH without an id",
            Request::patch("/customers", &document("customers", &json!({}))),
            no_id(),
            no_id(),
        ),
        switch(
            "a form is no JSON:API",
            Request::form("/token?x=y", &[("grant_type", "none")]),
            Expected::other(400),
            Expected::other(400),
        ),
    ]
}

/// A gateway and a customer with one address, whose id comes with them.
async fn open(gateway: Gateway) -> (Gateway, Session, String) {
    let session = gateway.sign_in("mira.olsen@example.com").await;
    let path = format!("/customers/{}/addresses", session.reference);
    let request = Request::post(&path, &document("addresses", &new_address())).bearer(&session.access_token);
    let id = gateway.send(&request).await.expect_status(201).text("/data/id");
    (gateway, session, id)
}

async fn switches_as_glue(engine: Engine) {
    let (gateway, session, address) = open(settings(engine).start().await).await;
    let rows: Vec<Row> =
        switches(&session, &address).into_iter().map(|switch| row(switch.about, switch.request, switch.glue)).collect();
    check(engine, gateway.client(), &rows).await;
}

async fn switches_by_setting(engine: Engine) {
    let gateway = settings(engine).set("VESTIBULE__JSONAPI__MODE", "strict").start().await;
    let (gateway, session, address) = open(gateway).await;
    let rows: Vec<Row> = switches(&session, &address)
        .into_iter()
        .map(|switch| row(switch.about, switch.request, switch.strict.strictly()))
        .collect();
    check(engine, gateway.client(), &rows).await;
}

async fn switches_by_profile(engine: Engine) {
    let (gateway, session, address) = open(settings(engine).start().await).await;
    let rows: Vec<Row> = switches(&session, &address)
        .into_iter()
        .filter(|switch| !switch.is_by_setting_only)
        .map(|switch| row(switch.about, with_profile(switch.request), switch.strict.by_profile(&profile())))
        .collect();
    check(engine, gateway.client(), &rows).await;
}

async fn media_types(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let get = |accept: &str| Request::get("/access-tokens").header("Accept", accept);
    let login = || log_in(&session.email, PASSWORD);
    let none = || Expected::data(200).at("/data", json!([]));
    let other = format!("{JSON_API};profile=\"https://example.com/other {}\"", profile());
    check(
        engine,
        gateway.client(),
        &[
            row("chapter 1: the plain type does not switch", get(JSON_API), none()),
            row("12: one of several profiles", get(&other), none().by_profile(&profile())),
            row("12: an unknown profile", get(&format!("{JSON_API};profile=\"https://example.com/other\"")), none()),
            row("9: a profile of another type", get(&format!("application/json;profile=\"{}\"", profile())), none()),
            row(
                "8: only with an extension",
                get("application/vnd.api+json;ext=\"https://example.com/e\""),
                Expected::generic(406, UNACCEPTABLE).at("/errors/0/source/header", "Accept"),
            ),
            row(
                "7, 8: with an extension or plainly",
                get("application/vnd.api+json;ext=\"https://example.com/e\", application/vnd.api+json;q=0.1"),
                none(),
            ),
            row(
                "5: a body with an extension",
                login().header("Content-Type", "application/vnd.api+json;ext=\"https://example.com/e\""),
                Expected::generic(415, UNSUPPORTED).at("/errors/0/source/header", "Content-Type"),
            ),
            row(
                "6: a body with a profile",
                login().header("Content-Type", &format!("{JSON_API};profile=\"https://example.com/p\"")),
                Expected::data(201),
            ),
            row(
                "6: a body with our profile does not switch",
                login().header("Content-Type", &other),
                Expected::data(201).at("/data/id", Value::Null),
            ),
            row(
                "15: a content type without a body",
                Request::get("/access-tokens").header("Content-Type", "text/plain"),
                none(),
            ),
            row(
                "11: an empty content type without a body",
                Request::get("/access-tokens").header("Content-Type", ""),
                Expected::generic(415, UNSUPPORTED),
            ),
            row("13: Vary by setting or not", get(JSON_API), none().header("Vary", "Accept, Accept-Language")),
            row(
                "73: HEAD",
                Request::new("HEAD", "/access-tokens"),
                Expected::other(200).header("Content-Type", JSON_API),
            ),
            row("73: HEAD of nothing", Request::new("HEAD", "/coffees"), Expected::other(404)),
            row(
                "the profile is explained at its name",
                Request::get("/profiles/strict"),
                Expected::other(200).header("Content-Type", "text/html; charset=utf-8").with("profile"),
            ),
        ],
    )
    .await;
    let refused = gateway.send(&Request::new("HEAD", "/coffees")).await;
    assert_eq!(refused.body, "", "73: HEAD has no body");
}

async fn documents(engine: Engine) {
    let (gateway, session, address) = open(settings(engine).start().await).await;
    let (own, token) = (session.path(), session.access_token.as_str());
    let asked = |query: &str| Request::get(&format!("{own}?{query}")).bearer(token);
    let post = |members: Value| {
        let mut document = members;
        document["data"]["attributes"] = new_address();
        Request::post(&session.addresses(), &document).bearer(token)
    };
    check(
        engine,
        gateway.client(),
        &[
            row(
                "24, 34, 43: what is unknown is ignored",
                post(json!({
                    "meta": {}, "jsonapi": { "version": "9.9", "ext": ["https://example.com/e"] }, "@context": 1,
                    "data": { "type": "addresses", "lid": "1", "@type": "x", "meta": {}, "links": {} },
                })),
                Expected::data(201).nothing_at("/data/lid"),
            ),
            row("27: no version unless set", Request::get("/access-tokens"), {
                Expected::data(200).nothing_at("/jsonapi")
            }),
            row("28: a single resource's document has a link to itself", asked(""), {
                Expected::data(200).at("/links/self", format!("{BASE}{own}"))
            }),
            row("29: with the profile the link tells the type", with_profile(asked("")), {
                Expected::data(200)
                    .by_profile(&profile())
                    .at("/links/self/href", format!("{BASE}{own}"))
                    .at("/links/self/type", format!("{JSON_API};profile=\"{}\"", profile()))
                    .at("/data/links/self", format!("{BASE}{own}"))
            }),
            row("30: the description is linked in a header", asked(""), {
                Expected::data(200)
                    .nothing_at("/links/describedby")
                    .header("Link", &format!("<{BASE}/openapi.json>; rel=\"describedby\""))
            }),
            row(
                "31: case counts",
                Request::patch(&own, &document("customers", &json!({ "lastname": "X" }))).bearer(token),
                Expected::data(200).at("/data/attributes/lastName", "Olsen"),
            ),
            row("47, 50: a relationship has a link to what is related", asked("include=addresses"), {
                Expected::data(200).at(
                    "/data/relationships/addresses/links",
                    json!({ "related": format!("{BASE}{}", session.addresses()) }),
                )
            }),
            row("50: which can be read", Request::get(&session.addresses()).bearer(token), {
                Expected::data(200).at("/data/0/id", address.as_str())
            }),
            row(
                "55: no relationship has a URL of its own",
                Request::get(&format!("{own}/relationships/addresses")).bearer(token),
                no_route(),
            ),
            row(
                "90: PATCH without an id in the document",
                Request::patch(&own, &document("customers", &json!({}))).bearer(token),
                Expected::data(200).at("/data/id", session.reference.as_str()),
            ),
        ],
    )
    .await;
}

async fn links(engine: Engine) {
    let (gateway, session, address) = open(settings(engine).start().await).await;
    let token = session.access_token.as_str();
    let (all, one) = (session.addresses(), format!("{}/{address}", session.addresses()));
    check(
        engine,
        gateway.client(),
        &[
            row("28: a list below another repeats the query", Request::get(&format!("{all}?a=b")).bearer(token), {
                Expected::data(200)
                    .at("/links/self", format!("{BASE}{all}?a=b"))
                    .at("/data/0/links/self", format!("{BASE}{one}"))
            }),
            row(
                "28: a resource below another repeats it in its document",
                Request::get(&format!("{one}?a=b")).bearer(token),
                {
                    Expected::data(200)
                        .at("/links/self", format!("{BASE}{one}?a=b"))
                        .at("/data/links/self", format!("{BASE}{one}"))
                },
            ),
        ],
    )
    .await;
    let path = format!("{all}?fields[addresses]=city");
    let created = gateway
        .send(&Request::post(&path, &document("addresses", &new_address())).bearer(token))
        .await
        .expect_status(201);
    let link = created.text("/data/links/self");
    assert_eq!(created.header("Location"), Some(link.as_str()), "83: where a new resource is");
    assert_eq!(link, format!("{BASE}{all}/{}", created.text("/data/id")), "83: below its customer");
    let read = gateway.send(&Request::get(&link.replace(BASE, "")).bearer(token)).await.expect_status(200);
    assert_eq!(read.text("/data/id"), created.text("/data/id"), "51: a link to itself leads there");
}

async fn queries(engine: Engine) {
    let (gateway, session, address) = open(settings(engine).start().await).await;
    let (own, token) = (session.path(), session.access_token.as_str());
    let asked = |query: &str| Request::get(&format!("{own}?{query}")).bearer(token);
    let email = || Expected::data(200).at("/data/attributes", json!({ "email": session.email }));
    check(
        engine,
        gateway.client(),
        &[
            row("68: no fields", asked("fields[customers]="), {
                Expected::data(200).at("/data/attributes", json!({})).at("/data/id", session.reference.as_str())
            }),
            row("68: no fields but what is included", asked("fields[customers]=&include=addresses"), {
                Expected::data(200)
                    .at("/data/attributes", json!({}))
                    .at("/data/relationships/addresses/data/0/id", address.as_str())
                    .at("/included/0/id", address.as_str())
            }),
            row("68: no fields of what is included", asked("include=addresses&fields[addresses]="), {
                Expected::data(200).at("/included/0/attributes", json!({}))
            }),
            row("69: unknown fields and types", asked("fields[customers]=email,x&fields[x]=y"), email()),
            row("69: to the letter, too", with_profile(asked("fields[customers]=email,x&fields[x]=y")), {
                email().by_profile(&profile())
            }),
            row("75: brackets in percent-encoding", asked("fields%5Bcustomers%5D=email"), email()),
            row("75: one bracket in percent-encoding", asked("fields%5bcustomers]=email"), email()),
            row("75: a plus is a blank", asked("fields[customers]=+email+"), email()),
            row("75: a comma in percent-encoding", asked("fields[customers]=x%2Cemail"), email()),
            row("76: the last of several fields", asked("fields[customers]=lastName&fields[customers]=email"), email()),
            row("76: the last of several includes", asked("include=addresses&include=x"), {
                Expected::data(200).nothing_at("/included")
            }),
            row(
                "67: include in the answer to a PATCH",
                {
                    let request =
                        Request::patch(&format!("{own}?include=addresses"), &document("customers", &json!({})));
                    request.bearer(token)
                },
                Expected::data(200).at("/included/0/id", address.as_str()),
            ),
            row(
                "7, 67: to the letter, even if a new customer has none",
                {
                    let request = testkit::register(&testkit::sign_up("new@example.com"));
                    with_profile(request)
                },
                Expected::data(201).by_profile(&profile()).nothing_at("/included"),
            ),
        ],
    )
    .await;
}

async fn errors(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let fields = Request::post("/access-tokens", &document("access-tokens", &json!({ "username": "x" })));
    check(
        engine,
        gateway.client(),
        &[
            row("114, 118: a title and the header at fault", Request::get("/customers"), {
                no_token().at("/errors/0/title", "Missing Access Token").at("/errors/0/source/header", "Authorization")
            }),
            row("117, 120: all fields at once, each with its pointer", fields.clone(), {
                Expected::violations(&[
                    "username => This value is not a valid email address.",
                    "password => This field is missing.",
                ])
                .at("/errors/0/source", json!({ "pointer": "/data/attributes/username" }))
                .at("/errors/1/source", json!({ "pointer": "/data/attributes" }))
            }),
            row("117: broken JSON points at nothing", Request::new("POST", "/access-tokens").body("{"), {
                Expected::generic(400, crate::messages::INVALID_BODY).nothing_at("/errors/0/source")
            }),
            row("119: an error's id is the request's", fields.clone().header("X-Request-Id", "my-request.1"), {
                Expected::violations(&[
                    "username => This value is not a valid email address.",
                    "password => This field is missing.",
                ])
                .header("X-Request-Id", "my-request.1")
                .at("/errors/0/id", "my-request.1")
                .at("/errors/1/id", "my-request.1.1")
            }),
            row("122: a 401 asks for a token", Request::get("/customers").bearer("x"), {
                Expected::error(401, "001", "Invalid access token.").at("/errors/0/source/header", "Authorization")
            }),
            row(
                "126: a slash at the end",
                Request::get("/customers/").bearer(&session.access_token),
                Expected::data(200),
            ),
        ],
    )
    .await;
}

async fn the_version_is_told_on_request(engine: Engine) {
    let gateway = settings(engine).set("VESTIBULE__JSONAPI__VERSION_MEMBER", "true").start().await;
    let version = || json!({ "version": "1.1" });
    check(
        engine,
        gateway.client(),
        &[
            row("27: with data", Request::get("/access-tokens"), Expected::data(200).at("/jsonapi", version())),
            row("27: with errors", Request::get("/coffees"), no_route().at("/jsonapi", version())),
        ],
    )
    .await;
}

async fn whoever_asks_too_often_is_told_when_to_come_back(engine: Engine) {
    let gateway = settings(engine)
        .set("VESTIBULE__HTTP__REQUESTS_PER_SECOND", "1")
        .set("VESTIBULE__HTTP__REQUEST_BURST", "4")
        .start()
        .await;
    let until_refused = async |request: Request| {
        // However slow this is: asking twenty times at once takes less than the seconds that would refill it.
        let asked = futures_util::future::join_all((0..20).map(|_| gateway.send(&request))).await;
        asked.into_iter().find(|answer| answer.status == 429).unwrap()
    };
    let refused = until_refused(Request::get("/access-tokens")).await;
    assert_eq!(refused.header("Retry-After"), Some("1"), "122: when to come back");
    assert_eq!(refused.json()["errors"][0]["status"], 429, "switch 1: as a number");
    let refused = until_refused(with_profile(Request::get("/access-tokens"))).await;
    assert_eq!(refused.json()["errors"][0]["status"], "429", "switch 1: as a text");
}
