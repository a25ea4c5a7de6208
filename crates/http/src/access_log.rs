//! One line and one measurement a request.

use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpMessage;
use actix_web::HttpRequest;
use actix_web::http::{Method, StatusCode};

use crate::request_id::RequestId;

/// The path of a request without anything that its client chose: paths and queries can hold tokens, keys and addresses.
#[derive(Clone, Debug)]
pub struct PathTemplate(pub Arc<str>);

/// What a path is called that nobody serves.
const UNKNOWN: &str = "unknown";

/// The name under which a request's path is known: what its handler said, else its route's pattern.
pub(crate) fn path_template(request: &HttpRequest) -> Arc<str> {
    if let Some(PathTemplate(template)) = request.extensions().get() {
        return Arc::clone(template);
    }
    request.match_pattern().map_or_else(|| UNKNOWN.into(), Into::into)
}

/// Writes the line, and counts the request.
pub(crate) fn record(method: &Method, path: Arc<str>, status: StatusCode, id: &RequestId, duration: Duration) {
    let method = known_method(method);
    let status = status.as_u16();
    let milliseconds = duration.as_secs_f64() * 1000.0;
    tracing::info!(target: "access", method, path = &*path, status, milliseconds, request_id = id.as_str(), "answered");
    metrics::histogram!(
        "vestibule_http_request_duration_seconds",
        "method" => method,
        "path" => path,
        "status" => status_class(status),
    )
    .record(duration.as_secs_f64());
}

/// A client can make methods up; a metric must not have a series for each.
fn known_method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PATCH => "PATCH",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

const fn status_class(status: u16) -> &'static str {
    match status {
        100..=199 => "1xx",
        200..=299 => "2xx",
        300..=399 => "3xx",
        400..=499 => "4xx",
        _ => "5xx",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_makes_up_is_no_label() {
        assert_eq!(known_method(&Method::from_bytes(b"X-RANDOM").unwrap()), "other");
        assert_eq!(status_class(429), "4xx");
    }
}
