//! What pages and other surfaces need that is not theirs alone.

use std::net::IpAddr;
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, HeaderValue};
use actix_web::web::{Bytes, Payload, Query};
use actix_web::{HttpMessage, HttpRequest, HttpResponse};
use application::LeakedPasswords;
use domain::{Password, PasswordPolicy};
use serde::de::DeserializeOwned;

use crate::access_log::PathTemplate;
use crate::errors::Code;
use crate::limits::{BodyLimits, read_body};
use crate::request_id::RequestId;

pub use crate::language::negotiate as negotiate_locale;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Whom a request comes from, as far as proxies that are trusted say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

/// The client's address, by which tries are counted. None outside the server, as in a unit test.
pub fn client_address(request: &HttpRequest) -> Option<IpAddr> {
    request.extensions().get().map(|ClientAddress(address)| *address)
}

/// Has logs and metrics know a request by this path, which holds nothing that a client chose. For handlers that match paths
/// themselves.
pub fn name_path(request: &HttpRequest, template: &'static str) {
    request.extensions_mut().insert(PathTemplate(template.into()));
}

/// The identity of a request, for messages that a person may report. None outside the server.
pub fn request_id(request: &HttpRequest) -> Option<RequestId> {
    request.extensions().get().cloned()
}

/// Whether a browser sends a request because another site told it to. Such a request must not change anything that no
/// secret guards. Clients that are no browsers never do.
pub fn is_cross_site(request: &HttpRequest) -> bool {
    request.headers().get(SEC_FETCH_SITE).is_some_and(|site| site == "cross-site" || site == "same-site")
}

/// What the shop holds a new password to. Handlers find it as `web::Data<PasswordRules>`.
pub struct PasswordRules {
    policy: Arc<PasswordPolicy>,
    leaked: Option<LeakedPasswords>,
}

impl PasswordRules {
    pub(crate) const fn new(policy: Arc<PasswordPolicy>, leaked: Option<LeakedPasswords>) -> Self {
        Self { policy, leaked }
    }

    /// The policy.
    pub fn policy(&self) -> &PasswordPolicy {
        &self.policy
    }

    /// Whether a service is asked which passwords have leaked.
    pub const fn asks_about_leaks(&self) -> bool {
        self.leaked.is_some()
    }

    /// Whether a password is known to have leaked, as far as a service is asked. Takes half a second at most.
    pub async fn is_leaked(&self, password: &Password) -> bool {
        match &self.leaked {
            Some(service) => service.contains(password.expose()).await,
            None => false,
        }
    }
}

/// Why there is no form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormError {
    /// It did not arrive in time.
    Timeout,
    /// It is longer than what is read.
    TooLarge,
    /// The body is of another type than forms are.
    NoForm,
    /// It broke off, or its fields are not those that are asked for.
    Malformed,
}

impl FormError {
    /// The status of an answer that says so.
    pub const fn status(self) -> StatusCode {
        match self {
            Self::Timeout => StatusCode::REQUEST_TIMEOUT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NoForm => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Malformed => StatusCode::BAD_REQUEST,
        }
    }
}

/// Why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyError {
    /// It did not arrive in time.
    Timeout,
    /// It is longer than what is read.
    TooLarge,
    /// It broke off.
    Broken,
}

/// Reads a body within the server's limits of size and time.
///
/// # Errors
///
/// [`BodyError`]
pub async fn body(request: &HttpRequest, mut payload: Payload) -> Result<Bytes, BodyError> {
    read_body(&mut payload, BodyLimits::of(request)).await.map_err(|code| match code {
        Code::BodyTimeout => BodyError::Timeout,
        Code::BodyTooLarge => BodyError::TooLarge,
        _ => BodyError::Broken,
    })
}

/// Reads a form (`application/x-www-form-urlencoded`) within the server's limits of size and time.
///
/// # Errors
///
/// [`FormError`]
pub async fn form<T: DeserializeOwned>(request: &HttpRequest, payload: Payload) -> Result<T, FormError> {
    if !request.content_type().eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(FormError::NoForm);
    }
    let body = body(request, payload).await.map_err(|error| match error {
        BodyError::Timeout => FormError::Timeout,
        BodyError::TooLarge => FormError::TooLarge,
        BodyError::Broken => FormError::Malformed,
    })?;
    let text = std::str::from_utf8(&body).map_err(|_| FormError::Malformed)?;
    // A form is written like a query.
    Query::from_query(text).map(Query::into_inner).map_err(|_| FormError::Malformed)
}

/// A page that is not cached and may do what its content security policy allows.
pub fn html(status: StatusCode, content_security_policy: &'static str, body: String) -> HttpResponse {
    HttpResponse::build(status)
        .content_type("text/html; charset=utf-8")
        .insert_header((CONTENT_SECURITY_POLICY, HeaderValue::from_static(content_security_policy)))
        .insert_header((CACHE_CONTROL, HeaderValue::from_static("no-store")))
        .body(body)
}

/// A problem (RFC 9457), for interfaces that are not JSON:API. `detail` tells a developer what to do.
pub fn problem(status: StatusCode, detail: &str) -> HttpResponse {
    HttpResponse::build(status).content_type("application/problem+json").body(
        serde_json::json!({
            "status": status.as_u16(),
            "title": status.canonical_reason().unwrap_or_default(),
            "detail": detail,
        })
        .to_string(),
    )
}

/// A path with and without a slash at its end, neither of which is redirected to the other. Each gets a route of its own: one
/// with two patterns has no name in logs and metrics.
pub fn either_slash(path: &str) -> [String; 2] {
    [path.to_owned(), format!("{path}/")]
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[test]
    fn only_a_browser_sent_by_another_site_is_cross_site() {
        let is_cross = |site: Option<&str>| {
            let request = TestRequest::default();
            let request = match site {
                Some(site) => request.insert_header(("sec-fetch-site", site)),
                None => request,
            };
            is_cross_site(&request.to_http_request())
        };
        assert!(is_cross(Some("cross-site")) && is_cross(Some("same-site")));
        assert!(!is_cross(Some("same-origin")) && !is_cross(Some("none")) && !is_cross(None));
    }

    #[actix_web::test]
    async fn a_form_is_read_if_it_is_one() {
        use actix_web::FromRequest;
        const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";
        let long = format!("token={}", "x".repeat(65_536));
        for (content_type, body, expected) in [
            (FORM, "token=a+b%2Bc&other=1", Ok("a b+c")),
            (FORM, "other=1", Err(FormError::Malformed)),
            (FORM, "", Err(FormError::Malformed)),
            (FORM, &*long, Err(FormError::TooLarge)),
            ("application/json", "token=a", Err(FormError::NoForm)),
        ] {
            let request = TestRequest::post().insert_header(("content-type", content_type));
            let (request, mut payload) = request.set_payload(body.to_owned()).to_http_parts();
            let payload = Payload::from_request(&request, &mut payload).await.unwrap();
            let read = form::<std::collections::HashMap<String, String>>(&request, payload).await;
            let token = read.and_then(|fields| fields.get("token").cloned().ok_or(FormError::Malformed));
            assert_eq!(token, expected.map(str::to_owned), "{content_type}");
        }
    }

    #[test]
    fn outside_the_server_nothing_is_known_of_a_request() {
        let request = TestRequest::default().to_http_request();
        assert_eq!((client_address(&request), request_id(&request)), (None, None));
    }
}
