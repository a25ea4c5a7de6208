//! The order of the checks, on resources made up for the purpose.

use super::*;
use crate::constraints::{Constraint, Field, World};
use crate::declaration::{Answer, Declaration, Pending};
use crate::routing::read_pairs;
use actix_web::http::header::HeaderValue;
use domain::CustomerId;

const FIELDS: &[Field] = &[Field::required("name", &[Constraint::NotBlank])];

fn nothing<'a>() -> Pending<'a, Result<Answer, Refusal>> {
    Box::pin(async { Ok(Answer::NoContent) })
}

const fn public(verb: Verb) -> Operation {
    Operation { verb, fields: FIELDS, access: Access::Public(|_| nothing()) }
}

const fn owned(verb: Verb, otherwise: Code) -> Operation {
    let access = Access::Token { ownership: Ownership::Caller { otherwise }, handler: |_, _| nothing() };
    Operation { verb, fields: FIELDS, access }
}

static CUSTOMERS: Declaration = Declaration {
    kind: "customers",
    parents: &[],
    operations: &[
        owned(Verb::Get, Code::CustomerNotFound),
        public(Verb::Post),
        owned(Verb::Patch, Code::Unauthorized),
        owned(Verb::Delete, Code::Unauthorized),
    ],
};
static ADDRESSES: Declaration = Declaration {
    kind: "addresses",
    parents: &["customers"],
    operations: &[
        owned(Verb::Get, Code::Unauthorized),
        owned(Verb::Post, Code::Unauthorized),
        owned(Verb::Patch, Code::Unauthorized),
        owned(Verb::Delete, Code::Unauthorized),
    ],
};
static TOKENS: Declaration = Declaration {
    kind: "tokens",
    parents: &[],
    operations: &[Operation {
        verb: Verb::Delete,
        fields: &[],
        access: Access::Token { ownership: Ownership::Any, handler: |_, _| nothing() },
    }],
};
static FORM: Declaration = Declaration {
    kind: "form",
    parents: &[],
    operations: &[Operation {
        verb: Verb::Post,
        fields: &[],
        access: Access::Foreign(|_| Box::pin(async { actix_web::HttpResponse::Ok().finish() })),
    }],
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
    Pipeline::new(Routes::new(&[&CUSTOMERS, &ADDRESSES, &TOKENS, &FORM]), &settings)
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

/// What becomes of a request: which kind of handler, or the status, code and detail of the last error.
fn outcome_of(pipeline: &Pipeline, row: &Row<'_>, body: Option<Code>) -> String {
    let Row(line, header_lines, text) = row;
    let (method, url) = line.split_once(' ').unwrap();
    let (path, raw_query) = url.split_once('?').unwrap_or((url, ""));
    let mut headers = HeaderMap::new();
    for line in *header_lines {
        let (name, value) = line.split_once(": ").unwrap_or((line.trim_end_matches(':'), ""));
        headers.append(name.parse().unwrap(), HeaderValue::from_str(value).unwrap());
    }
    let gate = Gate {
        verify: &|token| (token == "good").then(|| Caller { id: CustomerId(1), reference: "DE--1".to_owned() }),
        world: World { today: &|| jiff::civil::date(2026, 3, 4), is_leaked: &|_| false },
    };
    let pairs = read_pairs(path);
    let bytes = Bytes::copy_from_slice(text.as_bytes());
    let incoming = Incoming {
        method: &method.parse().unwrap(),
        pairs: &pairs,
        raw_query,
        headers: &headers,
        body: body.map_or(Ok(&bytes), Err),
    };
    match pipeline.admit(pipeline.route(&pairs), &incoming, &gate) {
        Ok(Admitted::Preflight(route)) => format!("preflight {}", route.declaration.kind),
        Ok(Admitted::Public(..)) => "public".to_owned(),
        Ok(Admitted::Token(_, _, _, caller)) => format!("token {}", caller.reference),
        Ok(Admitted::Foreign(_, good)) => format!("foreign {good}"),
        Err(refusal) => {
            let error = refusal.errors.last().unwrap();
            format!("{} {} {}", error.status, error.code.unwrap_or("-"), error.detail)
        }
    }
}

fn outcome(line: &str, headers: &[&str], body: &str) -> String {
    outcome_of(&pipeline(false), &Row(line, headers, body), None)
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
        ("POST /customers", &["authorization:", GUEST], TYPED, "public"),
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
    let gate =
        Gate { verify: &|_| None, world: World { today: &|| jiff::civil::date(2026, 3, 4), is_leaked: &|_| false } };
    let body = Bytes::new();
    let incoming = Incoming { method: &Method::GET, pairs: &pairs, raw_query: "", headers: &headers, body: Ok(&body) };
    let refusal = pipeline.admit(pipeline.route(&pairs), &incoming, &gate).err().unwrap();
    assert_eq!(refusal.errors[0].source, Some(jsonapi::Source::Header("Authorization")));
}
