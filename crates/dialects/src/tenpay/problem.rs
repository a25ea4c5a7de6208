//! Problem documents: what every refusal with a body is told in.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, RETRY_AFTER};
use application::Failure;
use serde::Serialize;

use super::errors::Errors;
use super::trace::TraceId;

/// The title of what is wrong with fields.
const FIELDS: &str = "One or more validation errors occurred.";

/// The key of what is wrong with no field.
const RULE: &str = "Error";

/// Why a request is refused, or was not carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    status: StatusCode,
    title: &'static str,
    errors: Option<Errors>,
    retry_after_seconds: Option<u64>,
}

#[derive(Serialize)]
struct Document<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    errors: Option<&'a Errors>,
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    status: u16,
    #[serde(rename = "traceId")]
    trace_id: String,
}

impl Problem {
    const fn bare(status: StatusCode, title: &'static str) -> Self {
        Self { status, title, errors: None, retry_after_seconds: None }
    }

    /// Fields are wrong.
    pub(crate) fn fields(errors: Errors) -> Self {
        Self { errors: Some(errors), ..Self::bare(StatusCode::BAD_REQUEST, FIELDS) }
    }

    /// A rule of the business stands against it.
    pub(crate) fn rule(message: &'static str) -> Self {
        let errors = Some(Errors::one(RULE, message));
        Self { errors, ..Self::bare(StatusCode::BAD_REQUEST, "Bad Request") }
    }

    /// There is no such user, for this merchant.
    pub(crate) const fn not_found() -> Self {
        Self::bare(StatusCode::NOT_FOUND, "Not Found")
    }

    /// The body is of a type that is not read.
    pub(crate) const fn unsupported_media_type() -> Self {
        Self::bare(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Unsupported Media Type")
    }

    /// The body is longer than what is read.
    pub(crate) const fn too_large() -> Self {
        Self::bare(StatusCode::PAYLOAD_TOO_LARGE, "Payload Too Large")
    }

    /// The body did not arrive in time.
    pub(crate) const fn timeout() -> Self {
        Self::bare(StatusCode::REQUEST_TIMEOUT, "Request Timeout")
    }

    /// Too much was asked for.
    pub(crate) fn too_many(retry_after_seconds: u64) -> Self {
        let retry_after_seconds = Some(retry_after_seconds);
        Self { retry_after_seconds, ..Self::bare(StatusCode::TOO_MANY_REQUESTS, "Too Many Requests") }
    }

    /// What is wrong is not the request.
    pub(crate) fn failure(failure: Failure) -> Self {
        match failure {
            Failure::Busy { retry_after_seconds } => Self {
                retry_after_seconds: Some(retry_after_seconds),
                ..Self::bare(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable")
            },
            Failure::Internal => {
                Self::bare(StatusCode::INTERNAL_SERVER_ERROR, "An error occurred while processing your request.")
            }
        }
    }

    /// The answer, whose trace is in the log, too.
    pub(crate) fn answer(&self, trace: &TraceId) -> HttpResponse {
        let trace_id = trace.to_string();
        let status = self.status.as_u16();
        tracing::info!(trace_id, status, "answered with a problem document");
        let document =
            Document { errors: self.errors.as_ref(), kind: kind(status), title: self.title, status, trace_id };
        let mut response = HttpResponse::build(self.status);
        response.content_type("application/problem+json; charset=utf-8").insert_header((CACHE_CONTROL, "no-store"));
        if let Some(seconds) = self.retry_after_seconds {
            response.insert_header((RETRY_AFTER, seconds.to_string()));
        }
        response.body(serde_json::to_vec(&document).unwrap_or_default())
    }
}

/// Where a status is explained.
const fn kind(status: u16) -> &'static str {
    match status {
        404 => "https://tools.ietf.org/html/rfc7231#section-6.5.4",
        408 => "https://tools.ietf.org/html/rfc7231#section-6.5.7",
        413 => "https://tools.ietf.org/html/rfc7231#section-6.5.11",
        415 => "https://tools.ietf.org/html/rfc7231#section-6.5.13",
        429 => "https://tools.ietf.org/html/rfc6585#section-4",
        500 => "https://tools.ietf.org/html/rfc7231#section-6.6.1",
        503 => "https://tools.ietf.org/html/rfc7231#section-6.6.4",
        _ => "https://tools.ietf.org/html/rfc7231#section-6.5.1",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::body::MessageBody;
    use actix_web::http::header::HeaderMap;
    use domain::SystemRandomness;
    use serde_json::{Value, json};

    #[test]
    fn problems_have_their_members_and_no_others() {
        let section = |name: &str| format!("https://tools.ietf.org/html/rfc7231#section-{name}");
        for (holds, problem, expected) in [
            (
                "P1 P2 a field",
                Problem::fields(Errors::one("Token", "The Token field is required.")),
                json!({"errors": {"Token": ["The Token field is required."]}, "type": section("6.5.1"), "title": FIELDS, "status": 400}),
            ),
            (
                "P2 E3 a rule",
                Problem::rule("Invalid token."),
                json!({"errors": {"Error": ["Invalid token."]}, "type": section("6.5.1"), "title": "Bad Request", "status": 400}),
            ),
            ("P4", Problem::not_found(), json!({"type": section("6.5.4"), "title": "Not Found", "status": 404})),
            (
                "P3 G3",
                Problem::unsupported_media_type(),
                json!({"type": section("6.5.13"), "title": "Unsupported Media Type", "status": 415}),
            ),
            (
                "P8",
                Problem::too_large(),
                json!({"type": section("6.5.11"), "title": "Payload Too Large", "status": 413}),
            ),
            (
                "P3 R6",
                Problem::too_many(7),
                json!({"type": "https://tools.ietf.org/html/rfc6585#section-4", "title": "Too Many Requests", "status": 429}),
            ),
            (
                "P3 G9",
                Problem::failure(Failure::Internal),
                json!({"type": section("6.6.1"), "title": "An error occurred while processing your request.", "status": 500}),
            ),
            (
                "G9",
                Problem::failure(Failure::Busy { retry_after_seconds: 5 }),
                json!({"type": section("6.6.4"), "title": "Service Unavailable", "status": 503}),
            ),
        ] {
            let trace = TraceId::of(&HeaderMap::new(), &SystemRandomness);
            let response = problem.answer(&trace);
            let header = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
            assert_eq!(
                header("content-type").as_deref(),
                Some("application/problem+json; charset=utf-8"),
                "P6 {holds}"
            );
            let retry = [429, 503].contains(&response.status().as_u16());
            assert_eq!(header("retry-after").is_some(), retry, "{holds}");
            let status = response.status().as_u16();
            let body = response.into_body().try_into_bytes().unwrap();
            let mut document: Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(document["status"], status, "{holds}");
            let told = document.as_object_mut().unwrap().shift_remove("traceId");
            assert_eq!(told, Some(json!(trace.to_string())), "P5 {holds}");
            assert_eq!(document, expected, "{holds}");
        }
    }
}
