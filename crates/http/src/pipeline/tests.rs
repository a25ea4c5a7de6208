//! The order of the checks, on resources made up for the purpose.

use super::*;
use crate::constraints::{Constraint, Field, World};
use crate::declaration::{Answer, Declaration, Pending};
use crate::routing::read_pairs;
use crate::settings::{JsonApiMode, JsonApiSettings};
use crate::wire::Wire;
use actix_web::http::header::HeaderValue;
use domain::{CustomerId, Timestamp};
use std::cell::RefCell;

const FIELDS: &[Field] = &[Field::required("name", &[Constraint::NotBlank])];

fn nothing<'a>() -> Pending<'a, Result<Answer, Refusal>> {
    Box::pin(async { Ok(Answer::NoContent) })
}

const fn public(verb: Verb) -> Operation {
    Operation::bare(verb, FIELDS, Access::Public(|_| nothing()))
}

const fn owned(verb: Verb, otherwise: Code) -> Operation {
    let access = Access::Token { ownership: Ownership::Caller { otherwise }, handler: |_, _| nothing() };
    Operation::bare(verb, FIELDS, access)
}

static CUSTOMERS: Declaration = Declaration {
    relationships: &["addresses"],
    ..Declaration::bare(
        "customers",
        &[],
        &[
            owned(Verb::Get, Code::CustomerNotFound),
            public(Verb::Post),
            owned(Verb::Patch, Code::Unauthorized),
            owned(Verb::Delete, Code::Unauthorized),
        ],
    )
};
static ADDRESSES: Declaration = Declaration::bare(
    "addresses",
    &["customers"],
    &[
        owned(Verb::Get, Code::Unauthorized),
        owned(Verb::Post, Code::Unauthorized),
        owned(Verb::Patch, Code::Unauthorized),
        owned(Verb::Delete, Code::Unauthorized),
    ],
);
static TOKENS: Declaration = Declaration::bare(
    "tokens",
    &[],
    &[Operation::bare(Verb::Delete, &[], Access::Token { ownership: Ownership::Any, handler: |_, _| nothing() })],
);
static FORM: Declaration = Declaration::bare(
    "form",
    &[],
    &[Operation::bare(
        Verb::Post,
        &[],
        Access::Foreign(|_| Box::pin(async { actix_web::HttpResponse::Ok().finish() })),
    )],
);

static LOGINS: Declaration = Declaration::bare(
    "logins",
    &[],
    &[Operation::bare(Verb::Post, FIELDS, Access::Login { username: "name", handler: |_| nothing() })],
);

static CARTS: Declaration = Declaration {
    relationships: &["items"],
    ..Declaration::bare(
        "carts",
        &[],
        &[
            Operation::bare(Verb::Get, &[], Access::Token { ownership: Ownership::Any, handler: |_, _| nothing() }),
            Operation::bare(Verb::Patch, FIELDS, Access::Tagged(|_, _, _| nothing())),
        ],
    )
};
static ITEMS: Declaration = Declaration {
    shows: Some(&CARTS),
    ..Declaration::bare(
        "items",
        &["carts"],
        &[
            Operation::bare(Verb::Post, FIELDS, Access::Guest(|_, _| nothing())),
            Operation::bare(Verb::Patch, FIELDS, Access::Guest(|_, _| nothing())),
            Operation::bare(Verb::Delete, &[], Access::Guest(|_, _| nothing())),
        ],
    )
};

fn pipeline(require_accept: bool) -> Pipeline {
    let de = Locale::parse("de_DE").unwrap();
    let settings = GlueSettings {
        enabled: true,
        cors_allow_origin: String::new(),
        require_accept,
        security_headers: true,
        locales: vec![de.clone()],
        default_locale: de,
        denied_passwords: std::collections::BTreeSet::new(),
        allowed_passwords: std::collections::BTreeSet::new(),
        leaked_passwords_url: String::new(),
    };
    Pipeline::new(Routes::new(&[&CUSTOMERS, &ADDRESSES, &TOKENS, &FORM, &LOGINS, &CARTS, &ITEMS]), &settings)
}

/// A request as a table row: `METHOD /path?query`, headers as `name: value` lines, body.
struct Row<'a>(&'a str, &'a [&'a str], &'a str);

const OWN: &str = "authorization: Bearer good";
const BAD: &str = "authorization: Bearer bad";
const GUEST: &str = "x-anonymous-customer-unique-id: guest";
const TYPED: &str = r#"{"data":{"type":"customers","attributes":{"name":"Mira"}}}"#;
const TYPED_BAD_FIELD: &str = r#"{"data":{"type":"customers","attributes":{"name":""}}}"#;
const ADDRESS: &str = r#"{"data":{"type":"addresses","attributes":{"name":"x"}}}"#;
const ADDRESS_BAD_FIELD: &str = r#"{"data":{"type":"addresses","attributes":{}}}"#;
const WRONG_TYPE: &str = r#"{"data":{"type":"wrong"}}"#;
const XML: &str = "content-type: application/vnd.api+xml";
const PREFLIGHT: [&str; 3] =
    ["access-control-request-method: GET", "access-control-request-headers: accept", "origin: https://x.example"];

/// What becomes of a request: which kind of handler, or the status, code and detail of the last error with what it blames
/// beside headers. And the user name for the login lock.
fn outcome_with(pipeline: &Pipeline, row: &Row<'_>, body: Option<Code>, mode: JsonApiMode) -> (String, Option<String>) {
    let Row(line, header_lines, text) = row;
    let (method, url) = line.split_once(' ').unwrap();
    let (path, raw_query) = url.split_once('?').unwrap_or((url, ""));
    let mut headers = HeaderMap::new();
    for line in *header_lines {
        let (name, value) = line.split_once(": ").unwrap_or((line.trim_end_matches(':'), ""));
        headers.append(name.parse().unwrap(), HeaderValue::from_str(value).unwrap());
    }
    let caller = || Caller { id: CustomerId(1), reference: "DE--1".to_owned(), issued_at: Timestamp::from_micros(0) };
    let noted = RefCell::new(None);
    let gate = Gate {
        verify: &|token| (token == "good").then(caller),
        note_login: &|username| *noted.borrow_mut() = Some(username.to_owned()),
        world: World { today: &|| jiff::civil::date(2026, 3, 4), is_leaked: &|_| false },
    };
    let pairs = read_pairs(path);
    let bytes = Bytes::copy_from_slice(text.as_bytes());
    let wire = Wire::new(JsonApiSettings { mode, version_member: false }, "https://x.example");
    let accept = wire.read_accept(&headers);
    let incoming = Incoming {
        method: &method.parse().unwrap(),
        pairs: &pairs,
        raw_query,
        headers: &headers,
        accept,
        mode: wire.mode(accept),
        body: body.map_or(Ok(&bytes), Err),
    };
    let outcome = match pipeline.admit(pipeline.route(&pairs), &incoming, &gate) {
        Ok(Admitted::Preflight(route)) => format!("preflight {}", route.declaration.kind),
        Ok(Admitted::Public(.., None)) => "public".to_owned(),
        Ok(Admitted::Public(.., Some(guest))) => format!("public, {}", name(guest)),
        Ok(Admitted::Token(_, _, _, caller)) => format!("token {}", caller.reference),
        Ok(Admitted::Tagged(.., caller, EntityTag(tag))) => format!("token {} knows {tag}", caller.reference),
        Ok(Admitted::Guest(.., guest)) => name(guest).to_owned(),
        Ok(Admitted::Foreign(_, good)) => format!("foreign {good}"),
        Err(refusal) => {
            let error = refusal.errors.last().unwrap();
            format!("{} {} {}", error.status, error.code.unwrap_or("-"), error.detail)
        }
    };
    (outcome, noted.into_inner())
}

/// What a guest is called here.
fn name(guest: GuestId) -> &'static str {
    let is = |header: &[u8]| GuestId::of(header) == Some(guest);
    match () {
        () if is(b"guest") => "guest",
        () if is(b"\xff") => "guest of no text",
        () => "another guest",
    }
}

fn outcome_of(pipeline: &Pipeline, row: &Row<'_>, body: Option<Code>) -> String {
    outcome_with(pipeline, row, body, JsonApiMode::Glue).0
}

fn outcome(line: &str, headers: &[&str], body: &str) -> String {
    outcome_of(&pipeline(false), &Row(line, headers, body), None)
}

fn strict_outcome(line: &str, headers: &[&str], body: &str) -> String {
    outcome_with(&pipeline(false), &Row(line, headers, body), None, JsonApiMode::Strict).0
}

const NOT_FOUND: &str = "404 - Not Found";
const INVALID_DATA: &str = "400 - Post data is invalid.";
const INVALID_TYPE: &str = "400 - Invalid type.";
const NO_ID: &str = "400 - Resource id is not specified.";
const INVALID_TOKEN: &str = "401 001 Invalid access token.";
const MISSING_TOKEN: &str = "403 002 Missing access token.";
const BOTH: &str = "400 005 Headers request error. A user can't act as logged and not logged user at the same time.";
const BLANK: &str = "422 901 name => This value should not be blank.";
const MISSING: &str = "422 901 name => This field is missing.";
const UNAUTHORIZED: &str = "403 411 Unauthorized request.";
const NO_CUSTOMER: &str = "404 402 Customer not found.";
const BAD_PAGE: &str = "400 - Pagination parameters are invalid.";
const EMPTY_TYPE: &str = "415 - Unsupported media type.";

#[test]
fn routing_is_told_after_the_checks_of_http_and_before_all_others() {
    for (line, headers, body, expected) in [
        ("GET /unknown", &[][..], "", NOT_FOUND),
        ("PUT /customers", &[], TYPED, NOT_FOUND),
        ("TRACE /customers", &[], "", NOT_FOUND),
        ("POST /customers/DE--1", &[], TYPED, NOT_FOUND),
        ("GET /tokens", &[], "", NOT_FOUND),
        ("GET /addresses", &[OWN], "", NOT_FOUND),
        ("GET /", &[], "", NOT_FOUND),
        ("POST /unknown", &[BAD], WRONG_TYPE, NOT_FOUND),
        ("GET /unknown?page[offset]=x", &[], "", BAD_PAGE),
        ("GET /unknown", &["content-type:"], "", EMPTY_TYPE),
        ("POST /customers", &["content-type: application/vnd.api+json; version=1.0"], TYPED, NOT_FOUND),
        ("POST /customers", &["accept: application/vnd.api+json; version=1.0"], TYPED, NOT_FOUND),
        ("POST /customers", &["accept: application/vnd.api+json; version=1"], TYPED, "public"),
        ("POST /customers/", &[], TYPED, "public"),
        ("POST //customers//", &[], TYPED, "public"),
        ("HEAD /customers", &[OWN], "", "token DE--1"),
    ] {
        assert_eq!(outcome(line, headers, body), expected, "{line} {headers:?}");
    }
}

#[test]
fn the_checks_of_http_have_their_own_order() {
    let [method, names, origin] = PREFLIGHT;
    let incomplete = "501 - One or more of the required headers (access-control-request-method, access-control-request-headers, origin) for the options method are missing.";
    for (line, headers, expected) in [
        ("OPTIONS /customers", &[][..], incomplete),
        ("OPTIONS /customers?page[offset]=x", &[method, names], incomplete),
        ("OPTIONS /customers?page[offset]=1", &PREFLIGHT, BAD_PAGE),
        ("OPTIONS /customers", &PREFLIGHT, "preflight customers"),
        ("OPTIONS /customers/DE--1/addresses/7", &PREFLIGHT, "preflight addresses"),
        ("OPTIONS /tokens", &PREFLIGHT, "403 - Not allowed."),
        ("OPTIONS /unknown", &PREFLIGHT, "403 - Not allowed."),
        ("OPTIONS /unknown", &["access-control-request-method: OPTIONS", names, origin], NOT_FOUND),
        (
            "OPTIONS /customers",
            &[method, "access-control-request-headers: accept, origin", origin],
            "403 - Not allowed.",
        ),
        ("OPTIONS /customers", &[method, names, origin, "content-type:"], EMPTY_TYPE),
        ("GET /customers?page[limit]=0", &["content-type:"], BAD_PAGE),
        ("GET /customers", &["accept: application/vnd.api+xml", "content-type:"], EMPTY_TYPE),
        ("GET /customers", &["accept: application/vnd.api+xml"], "415 - Unsupported Media Type"),
        ("GET /customers", &["accept: application/vnd.api+json;ext=x", "content-type:"], "406 - Not acceptable."),
        ("GET /customers", &[OWN, "content-type: application/vnd.api+json;ext=x"], "token DE--1"),
        ("POST /customers", &["content-type: application/vnd.api+json;ext=x"], EMPTY_TYPE),
        (
            "POST /customers",
            &["content-type: application/json", "content-type: text/plain"],
            "400 - A header that may be given once only is given more than once.",
        ),
    ] {
        assert_eq!(outcome(line, headers, TYPED), expected, "{line} {headers:?}");
    }
}

#[test]
fn a_missing_accept_is_refused_only_on_request() {
    let strict = pipeline(true);
    let row = |headers| Row("POST /customers", headers, TYPED);
    assert_eq!(outcome_of(&strict, &row(&[]), None), "406 - Not acceptable.");
    assert_eq!(outcome_of(&strict, &row(&["accept: */*"]), None), "public");
    assert_eq!(outcome_of(&pipeline(false), &row(&[]), None), "public");
}

#[test]
fn documents_are_read_before_identities() {
    for (line, headers, body, expected) in [
        ("POST /customers", &[BAD][..], WRONG_TYPE, INVALID_TYPE),
        ("PATCH /customers", &[], WRONG_TYPE, INVALID_TYPE),
        ("POST /customers", &[BAD], "", INVALID_DATA),
        ("POST /customers", &[XML, BAD], TYPED, INVALID_DATA),
        ("POST /customers", &["content-type: application/json"], TYPED, "public"),
        ("PATCH /customers", &[], "{}", INVALID_DATA),
        ("PATCH /customers", &[], TYPED, NO_ID),
        ("DELETE /customers", &[BAD], "", NO_ID),
        ("DELETE /tokens", &[], "", NO_ID),
        ("PATCH /customers//addresses/7", &[], ADDRESS, NO_ID),
        ("DELETE /customers//addresses/7", &[OWN, GUEST], "", NO_ID),
    ] {
        assert_eq!(outcome(line, headers, body), expected, "{line} {headers:?} {body}");
    }
}

#[test]
fn a_body_that_was_not_read_is_told_where_it_is_needed() {
    let answer = |line| outcome_of(&pipeline(false), &Row(line, &[BAD], ""), Some(Code::BodyTooLarge));
    assert_eq!(answer("POST /customers"), "413 - Content Too Large");
    assert_eq!(answer("POST /unknown"), NOT_FOUND);
}

#[test]
fn identities_are_checked_before_fields_and_fields_before_ownership() {
    for (line, headers, body, expected) in [
        ("POST /customers", &[BAD, GUEST][..], TYPED_BAD_FIELD, BOTH),
        ("GET /customers", &["authorization: x", GUEST], "", BOTH),
        ("POST /customers", &["authorization:", GUEST], TYPED, "public, guest"),
        ("POST /customers", &[OWN, "x-anonymous-customer-unique-id:"], TYPED, "public"),
        (
            "POST /customers",
            &[GUEST, GUEST],
            TYPED,
            "400 - A header that may be given once only is given more than once.",
        ),
        ("GET /customers", &[], "", MISSING_TOKEN),
        ("GET /customers", &["authorization:"], "", MISSING_TOKEN),
        ("GET /customers", &[BAD], "", INVALID_TOKEN),
        ("POST /customers", &[BAD], TYPED_BAD_FIELD, INVALID_TOKEN),
        ("PATCH /customers/DE--2", &[], TYPED_BAD_FIELD, MISSING_TOKEN),
        ("PATCH /customers/DE--2", &[OWN], TYPED_BAD_FIELD, BLANK),
        ("POST /customers", &[], TYPED_BAD_FIELD, BLANK),
        ("POST /customers//addresses", &[OWN], ADDRESS_BAD_FIELD, MISSING),
        ("POST /customers//addresses", &[OWN], ADDRESS, UNAUTHORIZED),
        ("GET /customers//addresses", &[OWN], "", UNAUTHORIZED),
        ("GET /customers/DE--2/addresses", &[OWN], "", UNAUTHORIZED),
        ("GET /customers/DE--2/addresses/7", &[OWN], "", UNAUTHORIZED),
        ("GET /customers/DE--1/addresses", &[OWN], "", "token DE--1"),
        ("PATCH /customers/DE--2", &[OWN], TYPED, UNAUTHORIZED),
        ("DELETE /customers/DE--2", &[OWN], "", UNAUTHORIZED),
        ("GET /customers/DE--2", &[OWN], "", NO_CUSTOMER),
        ("GET /customers/mine", &[OWN], "", NO_CUSTOMER),
        ("GET /customers/de--1", &[OWN], "", NO_CUSTOMER),
        ("GET /customers/DE--1", &[OWN], "", "token DE--1"),
        ("GET /customers", &[OWN], "", "token DE--1"),
        ("PATCH /customers/DE--1", &[OWN], TYPED, "token DE--1"),
        ("DELETE /tokens/whatever", &[OWN], "", "token DE--1"),
    ] {
        assert_eq!(outcome(line, headers, body), expected, "{line} {headers:?} {body}");
    }
}

const NO_GUEST: &str = "400 109 Anonymous customer unique id is empty.";
const NO_TAG: &str = "428 005 If-Match header is missing.";
const REPEATED: &str = "400 - A header that may be given once only is given more than once.";

#[test]
fn a_guest_is_asked_for_behind_the_document_and_before_all_other_identities() {
    let empty = "x-anonymous-customer-unique-id:";
    let item = r#"{"data":{"type":"items","attributes":{"name":"x"}}}"#;
    let bad_field = r#"{"data":{"type":"items","attributes":{}}}"#;
    for (line, headers, body, expected) in [
        ("POST /carts/7/items", &[][..], WRONG_TYPE, INVALID_TYPE),
        ("POST /carts/7/items", &[], "{}", INVALID_DATA),
        ("PATCH /carts//items/7", &[], item, NO_ID),
        ("DELETE /carts/7/items", &[], "", NO_ID),
        ("POST /carts/7/items", &[], item, NO_GUEST),
        ("POST /carts/7/items", &[empty], item, NO_GUEST),
        ("POST /carts/7/items", &[empty, empty], item, NO_GUEST),
        ("POST /carts/7/items", &[BAD], bad_field, NO_GUEST),
        ("DELETE /carts/7/items/7", &[OWN], "", NO_GUEST),
        ("POST /carts/7/items", &[BAD, GUEST], bad_field, BOTH),
        ("POST /carts/7/items", &[GUEST, GUEST], bad_field, REPEATED),
        ("POST /carts/7/items", &[empty, GUEST], item, REPEATED),
        ("POST /carts/7/items", &["authorization:", "authorization:", GUEST], item, INVALID_TOKEN),
        ("POST /carts/7/items", &[GUEST], bad_field, MISSING),
        ("POST /carts/7/items", &[GUEST], item, "guest"),
        ("POST /carts//items", &[GUEST], item, "guest"),
        ("POST /carts/7/items", &["authorization:", GUEST], item, "guest"),
        ("PATCH /carts/7/items/7", &[GUEST], item, "guest"),
        ("DELETE /carts/7/items/7", &["x-anonymous-customer-unique-id: Guest"], "", "another guest"),
        ("POST /customers", &[GUEST], TYPED, "public, guest"),
        ("POST /customers", &[empty], TYPED, "public"),
    ] {
        assert_eq!(outcome(line, headers, body), expected, "{line} {headers:?} {body}");
    }
}

#[test]
fn a_guest_is_bytes() {
    let mut headers = HeaderMap::new();
    headers.insert(headers::GUEST, HeaderValue::from_bytes(b"\xff").unwrap());
    assert_eq!(read_guest(&headers).map(name), Some("guest of no text"));
}

#[test]
fn an_entity_tag_is_asked_for_behind_the_fields() {
    let cart = r#"{"data":{"type":"carts","attributes":{"name":"x"}}}"#;
    let bad_field = r#"{"data":{"type":"carts","attributes":{"name":""}}}"#;
    for (line, headers, body, expected) in [
        ("PATCH /carts", &[OWN][..], cart, NO_ID),
        ("PATCH /carts/7", &[], cart, MISSING_TOKEN),
        ("PATCH /carts/7", &[BAD], bad_field, INVALID_TOKEN),
        ("PATCH /carts/7", &[OWN], bad_field, BLANK),
        ("PATCH /carts/7", &[OWN], cart, NO_TAG),
        ("PATCH /carts/7", &[OWN, "if-match:"], cart, NO_TAG),
        ("PATCH /carts/7", &[OWN, "if-match: \"a\"", "if-match: \"a\""], cart, REPEATED),
        ("PATCH /carts/7", &[OWN, "if-match: \"a\"", "if-match: \"a\""], bad_field, BLANK),
        ("PATCH /carts/7", &[OWN, "if-match: \"cc89\""], cart, "token DE--1 knows cc89"),
        ("PATCH /carts/7", &[OWN, "if-match: cc89"], cart, "token DE--1 knows cc89"),
        ("PATCH /carts/7", &[OWN, "if-match: W/\"cc89\""], cart, "token DE--1 knows W/\"cc89\""),
        ("PATCH /carts/7", &[OWN, "if-match: \"a\", \"b\""], cart, "token DE--1 knows a\", \"b"),
        ("PATCH /carts/7", &[OWN, "if-match: \""], cart, "token DE--1 knows \""),
        ("PATCH /carts/7", &[OWN, "if-match: \"\""], cart, "token DE--1 knows "),
        ("GET /carts/7", &[OWN], "", "token DE--1"),
    ] {
        assert_eq!(outcome(line, headers, body), expected, "{line} {headers:?} {body}");
    }
}

#[test]
fn a_bearer_token_is_one_scheme_and_one_token_in_one_header() {
    let long = format!("authorization: Bearer {}", "x".repeat(MAX_ACCESS_TOKEN + 1));
    for (header, expected) in [
        ("authorization: Bearer good", "token DE--1"),
        ("authorization: bearer good", "token DE--1"),
        ("authorization: BEARER   good", "token DE--1"),
        ("authorization: good", INVALID_TOKEN),
        ("authorization: Bearer", INVALID_TOKEN),
        ("authorization: Basic good", INVALID_TOKEN),
        ("authorization: Bearer good good", INVALID_TOKEN),
        ("authorization: Bearer gööd", INVALID_TOKEN),
        (&long, INVALID_TOKEN),
    ] {
        assert_eq!(outcome("GET /customers", &[header], ""), expected, "{header:.60}");
    }
    assert_eq!(outcome("GET /customers", &[OWN, OWN], ""), INVALID_TOKEN);
}

#[test]
fn what_speaks_no_json_api_skips_documents_and_identities() {
    for (headers, expected) in [
        (&[][..], "foreign true"),
        (&[OWN], "foreign true"),
        (&[BAD], "foreign false"),
        (&[GUEST, OWN], "foreign true"),
        (&["content-type:"], EMPTY_TYPE),
    ] {
        assert_eq!(outcome("POST /form", headers, "a=b"), expected, "{headers:?}");
    }
    assert_eq!(outcome("GET /form", &[], ""), NOT_FOUND);
}

#[test]
fn header_problems_name_their_header() {
    let pipeline = pipeline(false);
    let pairs = read_pairs("/customers");
    let headers = HeaderMap::new();
    let gate = Gate {
        verify: &|_| None,
        note_login: &|_| (),
        world: World { today: &|| jiff::civil::date(2026, 3, 4), is_leaked: &|_| false },
    };
    let body = Bytes::new();
    let incoming = Incoming {
        method: &Method::GET,
        pairs: &pairs,
        raw_query: "",
        headers: &headers,
        accept: AcceptHeader::default(),
        mode: Mode::Glue,
        body: Ok(&body),
    };
    let refusal = pipeline.admit(pipeline.route(&pairs), &incoming, &gate).err().unwrap();
    assert_eq!(refusal.errors[0].source, Some(jsonapi::Source::Header("Authorization")));
}

#[test]
fn the_login_lock_is_asked_between_the_document_and_the_headers() {
    let typed = |attributes: &str| format!(r#"{{"data":{{"type":"logins","attributes":{attributes}}}}}"#);
    for (line, headers, body, expected) in [
        ("POST /logins", &[][..], typed(r#"{"name":"mira"}"#), ("public", Some("mira"))),
        ("POST /logins", &[BAD, GUEST], typed(r#"{"name":"mira"}"#), (BOTH, Some("mira"))),
        ("POST /logins", &[BAD], typed(r#"{"name":"mira"}"#), (INVALID_TOKEN, Some("mira"))),
        ("POST /logins", &[], typed(r#"{"name":""}"#), (BLANK, Some(""))),
        ("POST /logins", &[], typed(r#"{"name":5}"#), ("public", None)),
        ("POST /logins", &[], typed("{}"), (MISSING, None)),
        ("POST /logins", &[], r#"{"data":{"type":"logins"}}"#.to_owned(), (INVALID_DATA, None)),
        ("POST /logins", &[], WRONG_TYPE.to_owned(), (INVALID_TYPE, None)),
        ("POST /logins/x", &[], typed(r#"{"name":"mira"}"#), (NOT_FOUND, None)),
        ("POST /customers", &[], TYPED.to_owned(), ("public", None)),
    ] {
        let row = Row(line, headers, &body);
        let (outcome, noted) = outcome_with(&pipeline(false), &row, None, JsonApiMode::Glue);
        assert_eq!((outcome.as_str(), noted.as_deref()), expected, "{line} {headers:?} {body}");
    }
}

const JSON: &str = "content-type: application/vnd.api+json";
const NOT_ACCEPTABLE: &str = "406 - Not acceptable.";

#[test]
fn what_glue_lets_pass_is_refused_to_the_letter() {
    let with = |members: &str| format!(r#"{{"data":{{"type":"customers","attributes":{{"name":"Mira"}},{members}}}}}"#);
    let (own_id, other_id, no_text) = (with(r#""id":"DE--1""#), with(r#""id":"DE--2""#), with(r#""id":1"#));
    let related = with(r#""id":"DE--1","relationships":{"addresses":{"data":[]}}"#);
    for (line, headers, body, glue, strict) in [
        ("POST /customers", &[JSON][..], WRONG_TYPE, INVALID_TYPE, "409 - Invalid type."),
        ("POST /customers", &[JSON], "{}", INVALID_DATA, INVALID_DATA),
        ("POST /customers", &[JSON], &own_id, "public", "403 - Resource id must not be specified."),
        ("POST /customers", &[JSON], &no_text, "public", "403 - Resource id must not be specified."),
        ("PATCH /customers/DE--1", &[JSON, OWN], &own_id, "token DE--1", "token DE--1"),
        ("PATCH /customers/DE--1", &[JSON, OWN], TYPED, "token DE--1", "token DE--1"),
        ("PATCH /customers/DE--1", &[JSON, OWN], &other_id, "token DE--1", "409 - Resource id is not that of the URL."),
        ("PATCH /customers/DE--1", &[JSON, OWN], &no_text, "token DE--1", "409 - Resource id is not that of the URL."),
        ("PATCH /customers/DE--1", &[JSON, OWN], &related, "token DE--1", "403 - Relationships cannot be replaced."),
        ("GET /customers?include=carts", &[OWN], "", "token DE--1", "400 - Relationship path is not supported."),
        ("GET /customers?include=addresses", &[OWN], "", "token DE--1", "token DE--1"),
        ("GET /customers?sort=name", &[OWN], "", "token DE--1", "400 - Query parameter is not supported."),
        ("GET /customers?fields[x]=y", &[OWN], "", "token DE--1", "token DE--1"),
        ("GET /customers?page[limit]=1", &[OWN], "", "token DE--1", "400 - Query parameter is not supported."),
        ("GET /customers?page[limit]=0", &[OWN], "", BAD_PAGE, BAD_PAGE),
        ("DELETE /tokens/x?include=addresses", &[OWN], "", "token DE--1", "400 - Relationship path is not supported."),
        ("DELETE /carts/7/items/7?include=items", &[GUEST], "", "guest", "guest"),
        ("DELETE /carts/7/items/7?include=carts", &[GUEST], "", "guest", "400 - Relationship path is not supported."),
        ("GET /carts/7/items", &[GUEST], "", NOT_FOUND, "405 - Method Not Allowed"),
        ("POST /carts/7/items", &[JSON, GUEST], TYPED, INVALID_TYPE, "409 - Invalid type."),
        ("POST /customers", &["content-type: application/vnd.api+json; charset=utf-8"], TYPED, "public", EMPTY_TYPE),
        ("POST /customers", &["content-type: application/vnd.api+json; version=1.0"], TYPED, NOT_FOUND, EMPTY_TYPE),
        ("POST /customers", &["content-type: application/json"], TYPED, "public", EMPTY_TYPE),
        ("POST /customers", &[XML], TYPED, INVALID_DATA, EMPTY_TYPE),
        ("POST /customers", &[], TYPED, "public", EMPTY_TYPE),
        ("GET /customers", &[OWN], "", "token DE--1", "token DE--1"),
        ("GET /customers", &[OWN, "content-type: application/json"], "", "token DE--1", "token DE--1"),
        ("GET /customers", &[OWN, "accept: application/vnd.api+json; x=y"], "", "token DE--1", NOT_ACCEPTABLE),
        ("GET /customers", &[OWN, "accept: application/vnd.api+json; version=1.0"], "", NOT_FOUND, NOT_ACCEPTABLE),
        ("GET /customers", &[OWN, "accept: */*"], "", "token DE--1", "token DE--1"),
        ("PUT /customers", &[], "", NOT_FOUND, "405 - Method Not Allowed"),
        ("POST /customers/DE--1", &[JSON], TYPED, NOT_FOUND, "405 - Method Not Allowed"),
        ("POST /form/x", &[JSON], TYPED, NOT_FOUND, NOT_FOUND),
        ("GET /unknown", &[], "", NOT_FOUND, NOT_FOUND),
        ("PATCH /customers", &[JSON], TYPED, NO_ID, NO_ID),
        ("POST /form?x=y", &["content-type: application/x-www-form-urlencoded"], "a=b", "foreign true", "foreign true"),
    ] {
        assert_eq!(outcome(line, headers, body), glue, "{line} {headers:?} {body}");
        assert_eq!(strict_outcome(line, headers, body), strict, "{line} {headers:?} {body}");
    }
}

#[test]
fn the_profile_brings_the_letter_for_one_request() {
    let accept = "accept: application/vnd.api+json;profile=\"https://x.example/profiles/strict\"";
    assert_eq!(outcome("PUT /customers", &[accept], ""), "405 - Method Not Allowed");
    assert_eq!(outcome("PUT /customers", &["accept: application/vnd.api+json"], ""), NOT_FOUND);
}

#[test]
fn a_query_is_blamed_by_the_name_of_the_parameter() {
    for (mode, raw_query, parameter) in [
        (Mode::Glue, "page[offset]=x", "page"),
        (Mode::Strict, "page[offset]=x", "page[offset]"),
        (Mode::Strict, "page[limit]=0", "page[limit]"),
        (Mode::Strict, "filter[a]=b", "filter[a]"),
        (Mode::Strict, "include=x", "include"),
    ] {
        let problem = Query::parse(raw_query, mode).and_then(|query| query.check(&["addresses"], mode)).unwrap_err();
        let source = refuse_query(problem).errors.remove(0).source;
        assert_eq!(source, Some(jsonapi::Source::Parameter(parameter.into())), "{raw_query}");
    }
}
