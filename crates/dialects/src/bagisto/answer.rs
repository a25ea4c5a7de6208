//! What every answer of this door looks like: problems of four members, refusals of keys, and the headers of all.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use application::Failure;
use serde_json::{Value, json};

use super::input::Unreadable;
use super::window::Allowance;

/// The header that carries the storefront key, as it is spelled.
pub(super) const KEY_HEADER: &str = "X-STOREFRONT-KEY";

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// What Laravel's middleware puts on every answer below `/api`.
const ALWAYS: [(HeaderName, HeaderValue); 8] = [
    (HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff")),
    (HeaderName::from_static("x-frame-options"), HeaderValue::from_static("DENY")),
    (HeaderName::from_static("x-xss-protection"), HeaderValue::from_static("1; mode=block")),
    (HeaderName::from_static("referrer-policy"), HeaderValue::from_static("strict-origin-when-cross-origin")),
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static(
            "geolocation=(), microphone=(), camera=(), payment=(), usb=(), magnetometer=(), gyroscope=(), accelerometer=()",
        ),
    ),
    (
        HeaderName::from_static("content-security-policy"),
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
    ),
    (HeaderName::from_static("vary"), HeaderValue::from_static("Accept")),
    (HeaderName::from_static("access-control-allow-origin"), HeaderValue::from_static("*")),
];

const TRANSPORT_SECURITY: (HeaderName, HeaderValue) = (
    HeaderName::from_static("strict-transport-security"),
    HeaderValue::from_static("max-age=31536000; includeSubDomains; preload"),
);

/// An answer that all went as it should.
pub(super) fn done(status: StatusCode, body: &Value) -> HttpResponse {
    HttpResponse::build(status).content_type("application/json; charset=utf-8").body(body.to_string())
}

/// Whichever answer it came to.
pub(super) fn either(answer: Result<HttpResponse, HttpResponse>) -> HttpResponse {
    answer.unwrap_or_else(|refusal| refusal)
}

/// A problem that a use case or a rule has with a request.
pub(super) fn problem(status: StatusCode, detail: &str) -> HttpResponse {
    HttpResponse::build(status).content_type("application/json").body(envelope(status, detail))
}

/// Input that breaks a rule.
pub(super) fn bad_request(detail: &str) -> HttpResponse {
    problem(StatusCode::BAD_REQUEST, detail)
}

/// A problem that the framework has with a request before anybody looks at what it is about.
pub(super) fn framework_problem(status: StatusCode, detail: &str) -> HttpResponse {
    HttpResponse::build(status).content_type("application/problem+json").body(envelope(status, detail))
}

fn envelope(status: StatusCode, detail: &str) -> String {
    let number = status.as_u16();
    json!({ "type": format!("/errors/{number}"), "title": title(status), "status": number, "detail": detail })
        .to_string()
}

/// The reason phrase, as Symfony has it.
fn title(status: StatusCode) -> &'static str {
    match status {
        StatusCode::UNPROCESSABLE_ENTITY => "Unprocessable Entity",
        StatusCode::PAYLOAD_TOO_LARGE => "Content Too Large",
        status => status.canonical_reason().unwrap_or_default(),
    }
}

/// A body that is no input.
pub(super) fn unreadable(reason: &Unreadable) -> HttpResponse {
    let unsupported = StatusCode::UNSUPPORTED_MEDIA_TYPE;
    match reason {
        Unreadable::NoContentType => framework_problem(unsupported, "The \"Content-Type\" header must exist."),
        Unreadable::ContentType(given) => framework_problem(
            unsupported,
            &format!("The content-type \"{given}\" is not supported. Supported MIME types are \"application/json\"."),
        ),
        Unreadable::Syntax => problem(StatusCode::UNPROCESSABLE_ENTITY, "Syntax error"),
        Unreadable::WrongType { attribute, expected, given } => problem(
            StatusCode::UNPROCESSABLE_ENTITY,
            &format!("The type of the \"{attribute}\" attribute must be \"{expected}\", \"{given}\" given."),
        ),
        Unreadable::TooLarge => framework_problem(StatusCode::PAYLOAD_TOO_LARGE, "The body is too large."),
        Unreadable::Timeout => framework_problem(StatusCode::REQUEST_TIMEOUT, "The body did not arrive in time."),
    }
}

/// A use case that could not be carried out.
pub(super) fn failure(failure: Failure) -> HttpResponse {
    match failure {
        Failure::Busy { retry_after_seconds } => {
            let mut answer = problem(StatusCode::SERVICE_UNAVAILABLE, "Please try again later.");
            insert_number(answer.headers_mut(), RETRY_AFTER, retry_after_seconds);
            answer
        }
        Failure::Internal => problem(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error"),
    }
}

/// Why a storefront key lets nobody in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyRefusal {
    /// There is none.
    Missing,
    /// Unknown, switched off or expired.
    Invalid,
    /// It may not be used from that address.
    Address,
}

/// Refuses a storefront key, in the words of its own.
pub(super) fn refuse_key(refusal: KeyRefusal) -> HttpResponse {
    let (status, body) = match refusal {
        KeyRefusal::Missing => (
            StatusCode::UNAUTHORIZED,
            json!({
                "message": format!("{KEY_HEADER} header is required"),
                "error": "missing_key",
                "header_name": KEY_HEADER,
                "key_type": "shop",
            }),
        ),
        KeyRefusal::Invalid => {
            (StatusCode::FORBIDDEN, json!({ "message": "Invalid or inactive shop API key", "error": "invalid_key" }))
        }
        KeyRefusal::Address => {
            (StatusCode::FORBIDDEN, json!({ "message": "IP address not allowed for this key", "error": "invalid_key" }))
        }
    };
    HttpResponse::build(status).content_type("application/json").body(body.to_string())
}

/// Too many calls, or too many wrong passwords.
pub(super) fn too_many(retry_after_seconds: u64) -> HttpResponse {
    let body = json!({
        "message": "Rate limit exceeded",
        "error": "rate_limit_exceeded",
        "retry_after": retry_after_seconds,
    });
    let mut answer =
        HttpResponse::build(StatusCode::TOO_MANY_REQUESTS).content_type("application/json").body(body.to_string());
    insert_number(answer.headers_mut(), RETRY_AFTER, retry_after_seconds);
    answer
}

/// Tells what is left of a key's limit.
pub(super) fn tell_allowance(headers: &mut HeaderMap, allowance: Allowance) {
    insert_number(headers, LIMIT, allowance.limit.into());
    let unlimited = HeaderValue::from_static("-1");
    headers.insert(REMAINING, allowance.remaining.map_or(unlimited, HeaderValue::from));
    insert_number(headers, RESET, allowance.reset_seconds);
}

/// Adds what every answer below `/api` has. Browsers are told to stay with TLS only where clients reach the gateway by it.
pub(super) fn decorate(headers: &mut HeaderMap, over_tls: bool) {
    for (name, value) in ALWAYS.into_iter().chain(over_tls.then_some(TRANSPORT_SECURITY)) {
        headers.insert(name, value);
    }
    if !headers.contains_key(CONTENT_TYPE) {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
}

fn insert_number(headers: &mut HeaderMap, name: HeaderName, number: u64) {
    headers.insert(name, number.into());
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::body::{MessageBody, to_bytes};

    fn body(answer: HttpResponse) -> String {
        String::from_utf8(answer.into_body().try_into_bytes().unwrap().to_vec()).unwrap()
    }

    fn content_type(answer: &HttpResponse) -> &str {
        answer.headers().get(CONTENT_TYPE).unwrap().to_str().unwrap()
    }

    #[test]
    fn a_problem_has_four_members_in_order() {
        for (status, title) in [
            (400, "Bad Request"),
            (401, "Unauthorized"),
            (403, "Forbidden"),
            (404, "Not Found"),
            (422, "Unprocessable Entity"),
        ] {
            let answer = problem(StatusCode::from_u16(status).unwrap(), "Why \"so\"");
            assert_eq!((answer.status().as_u16(), content_type(&answer)), (status, "application/json"));
            assert_eq!(
                body(answer),
                format!(r#"{{"type":"/errors/{status}","title":"{title}","status":{status},"detail":"Why \"so\""}}"#)
            );
        }
    }

    #[test]
    fn cases_22_and_40_what_cannot_be_read() {
        let wrong = Unreadable::WrongType { attribute: "first_name", expected: "string", given: "integer" };
        for (reason, status, kind, detail) in [
            (Unreadable::Syntax, 422, "application/json", "Syntax error"),
            (
                wrong,
                422,
                "application/json",
                "The type of the \"first_name\" attribute must be \"string\", \"integer\" given.",
            ),
            (Unreadable::NoContentType, 415, "application/problem+json", "The \"Content-Type\" header must exist."),
            (
                Unreadable::ContentType("text/plain".to_owned()),
                415,
                "application/problem+json",
                "The content-type \"text/plain\" is not supported. Supported MIME types are \"application/json\".",
            ),
            (Unreadable::TooLarge, 413, "application/problem+json", "The body is too large."),
            (Unreadable::Timeout, 408, "application/problem+json", "The body did not arrive in time."),
        ] {
            let answer = unreadable(&reason);
            assert_eq!((answer.status().as_u16(), content_type(&answer)), (status, kind), "{reason:?}");
            let told: Value = serde_json::from_str(&body(answer)).unwrap();
            assert_eq!(told["detail"], detail);
        }
    }

    #[actix_web::test]
    async fn cases_1_to_4_refusals_of_keys_have_a_shape_of_their_own() {
        for (answer, status, expected) in [
            (
                refuse_key(KeyRefusal::Missing),
                401,
                r#"{"message":"X-STOREFRONT-KEY header is required","error":"missing_key","header_name":"X-STOREFRONT-KEY","key_type":"shop"}"#,
            ),
            (
                refuse_key(KeyRefusal::Invalid),
                403,
                r#"{"message":"Invalid or inactive shop API key","error":"invalid_key"}"#,
            ),
            (
                refuse_key(KeyRefusal::Address),
                403,
                r#"{"message":"IP address not allowed for this key","error":"invalid_key"}"#,
            ),
            (too_many(7), 429, r#"{"message":"Rate limit exceeded","error":"rate_limit_exceeded","retry_after":7}"#),
        ] {
            assert_eq!((answer.status().as_u16(), content_type(&answer)), (status, "application/json"));
            let retry_after = answer.headers().get(RETRY_AFTER).map(|value| value.to_str().unwrap().to_owned());
            assert_eq!(retry_after.as_deref(), (status == 429).then_some("7"));
            assert_eq!(to_bytes(answer.into_body()).await.unwrap(), expected);
        }
    }

    #[test]
    fn the_headers_of_all_answers() {
        for over_tls in [false, true] {
            let mut headers = HeaderMap::new();
            decorate(&mut headers, over_tls);
            for (name, value) in ALWAYS {
                assert_eq!(headers.get(&name), Some(&value), "{name}");
            }
            assert_eq!(headers.contains_key("strict-transport-security"), over_tls);
        }
        let mut headers = HeaderMap::new();
        tell_allowance(
            &mut headers,
            Allowance { limit: 100, remaining: Some(99), reset_seconds: 60, is_exceeded: false },
        );
        let told = |headers: &HeaderMap| {
            [LIMIT, REMAINING, RESET].map(|name| headers.get(name).unwrap().to_str().unwrap().to_owned())
        };
        assert_eq!(told(&headers), ["100", "99", "60"]);
        tell_allowance(&mut headers, Allowance { limit: 0, remaining: None, reset_seconds: 0, is_exceeded: false });
        assert_eq!(told(&headers), ["0", "-1", "0"]);
    }

    #[test]
    fn a_failure_is_never_the_callers() {
        assert_eq!(failure(Failure::Internal).status(), 500);
        let busy = failure(Failure::Busy { retry_after_seconds: 3 });
        assert_eq!((busy.status().as_u16(), busy.headers().get(RETRY_AFTER).unwrap().to_str().unwrap()), (503, "3"));
    }
}
