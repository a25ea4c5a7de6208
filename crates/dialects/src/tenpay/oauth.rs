//! The forms of the token endpoint, and its errors (RFC 6749).

use std::borrow::Cow;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::web::Query;
use application::Failure;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::Password;
use percent_encoding::percent_decode_str;
use serde::Serialize;

/// What a token of this door is good for.
pub(crate) const USERS: &str = "users";

/// Asks for a refresh token, too.
pub(crate) const OFFLINE: &str = "offline_access";

/// Who asks for a token: a client with its secret. No `Debug`.
#[derive(Clone, PartialEq)]
pub(crate) struct ClientCredentials {
    /// Its name.
    pub(crate) id: String,
    /// Its secret.
    pub(crate) secret: Password,
    /// Whether they came in the header, which a refusal answers with a challenge.
    pub(crate) in_header: bool,
}

/// What is asked for.
#[derive(Clone, PartialEq)]
pub(crate) enum Grant {
    /// A token for the client itself.
    ClientCredentials,
    /// A token for one of the merchant's operators.
    Password {
        /// Their name.
        username: String,
        /// Their password.
        password: Password,
    },
    /// Another token in exchange for a refresh token.
    Refresh {
        /// It.
        refresh_token: String,
    },
}

/// A request for a token, whose client is not known yet.
pub(crate) struct TokenRequest {
    /// Who asks.
    pub(crate) client: ClientCredentials,
    /// For what, read once the client is known.
    form: Form,
}

/// Why there is no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenError {
    /// Something is missing, there twice, or has control characters in it.
    InvalidRequest,
    /// No client has this name and secret.
    InvalidClient {
        /// Whether they came in the header.
        in_header: bool,
    },
    /// No operator has this name and password, or no refresh token is this one.
    InvalidGrant,
    /// The same, and none is looked at for a while.
    Locked {
        /// How long for, in seconds.
        retry_after_seconds: u64,
    },
    /// More requests than are answered.
    TooMany {
        /// How long for, in seconds.
        retry_after_seconds: u64,
    },
    /// A grant that is not offered.
    UnsupportedGrantType,
    /// A scope that the client may not ask for.
    InvalidScope,
    /// The form did not arrive: in time, or within the limit.
    Body(StatusCode),
    /// It could not be carried out.
    Failure(Failure),
}

#[derive(Serialize)]
struct ErrorDocument {
    error: &'static str,
}

impl TokenError {
    const fn row(self) -> (StatusCode, &'static str) {
        match self {
            Self::InvalidRequest => (StatusCode::BAD_REQUEST, "invalid_request"),
            Self::InvalidClient { in_header: false } => (StatusCode::BAD_REQUEST, "invalid_client"),
            Self::InvalidClient { in_header: true } => (StatusCode::UNAUTHORIZED, "invalid_client"),
            Self::InvalidGrant | Self::Locked { .. } => (StatusCode::BAD_REQUEST, "invalid_grant"),
            // RFC 6749 has no word for it; this one says that trying again later helps.
            Self::TooMany { .. } => (StatusCode::TOO_MANY_REQUESTS, "temporarily_unavailable"),
            Self::UnsupportedGrantType => (StatusCode::BAD_REQUEST, "unsupported_grant_type"),
            Self::InvalidScope => (StatusCode::BAD_REQUEST, "invalid_scope"),
            Self::Body(status) => (status, "invalid_request"),
            Self::Failure(Failure::Busy { .. }) => (StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable"),
            Self::Failure(Failure::Internal) => (StatusCode::INTERNAL_SERVER_ERROR, "server_error"),
        }
    }

    /// The answer.
    pub(crate) fn answer(self) -> HttpResponse {
        let (status, error) = self.row();
        let mut response = json(status, &ErrorDocument { error });
        match self {
            Self::InvalidClient { in_header: true } => {
                let challenge = HeaderValue::from_static("Basic realm=\"connect\", charset=\"UTF-8\"");
                response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
            }
            Self::Locked { retry_after_seconds }
            | Self::TooMany { retry_after_seconds }
            | Self::Failure(Failure::Busy { retry_after_seconds }) => {
                response.headers_mut().insert(RETRY_AFTER, retry_after_seconds.into());
            }
            _ => {}
        }
        response
    }
}

/// An answer in JSON that nobody keeps.
pub(crate) fn json(status: StatusCode, document: &impl Serialize) -> HttpResponse {
    HttpResponse::build(status)
        .content_type("application/json; charset=utf-8")
        .insert_header((CACHE_CONTROL, HeaderValue::from_static("no-store")))
        .body(serde_json::to_vec(document).unwrap_or_default())
}

/// The fields of a form that count. One without a value counts as left out (RFC 6749, 3.1).
#[derive(Default)]
struct Form {
    grant_type: Option<String>,
    scope: Option<String>,
    client_id: Option<String>,
    client_secret: Option<String>,
    username: Option<String>,
    password: Option<String>,
    refresh_token: Option<String>,
}

impl Form {
    /// Reads a form; a field that is there twice, or has control characters in it, makes it none.
    fn parse(body: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(body).ok()?;
        let pairs = Query::<Vec<(String, String)>>::from_query(text).ok()?.into_inner();
        let mut form = Self::default();
        for (name, value) in pairs {
            let field = match name.as_str() {
                "grant_type" => &mut form.grant_type,
                "scope" => &mut form.scope,
                "client_id" => &mut form.client_id,
                "client_secret" => &mut form.client_secret,
                "username" => &mut form.username,
                "password" => &mut form.password,
                "refresh_token" => &mut form.refresh_token,
                _ => continue,
            };
            if has_control_characters(&value) || (!value.is_empty() && field.replace(value).is_some()) {
                return None;
            }
        }
        Some(form)
    }
}

impl TokenRequest {
    /// Reads who asks. `authorization` is the header.
    ///
    /// # Errors
    ///
    /// [`TokenError::InvalidRequest`] for what is no such form, [`TokenError::InvalidClient`] where nobody is named.
    pub(crate) fn read(authorization: Option<&str>, content_type: &str, body: &[u8]) -> Result<Self, TokenError> {
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(TokenError::InvalidRequest);
        }
        let mut form = Form::parse(body).ok_or(TokenError::InvalidRequest)?;
        let (id, secret) = (form.client_id.take(), form.client_secret.take());
        let client = match authorization {
            None => {
                let named = id.zip(secret).ok_or(TokenError::InvalidClient { in_header: false })?;
                ClientCredentials { id: named.0, secret: Password::new(named.1), in_header: false }
            }
            Some(header) => {
                let named = read_basic(header).ok_or(TokenError::InvalidClient { in_header: true })?;
                // One way to say who asks is enough (RFC 6749, 2.3).
                if secret.is_some() || id.is_some_and(|id| id != named.0) {
                    return Err(TokenError::InvalidRequest);
                }
                ClientCredentials { id: named.0, secret: Password::new(named.1), in_header: true }
            }
        };
        Ok(Self { client, form })
    }

    /// What is asked for, and whether a refresh token is to come with it.
    ///
    /// # Errors
    ///
    /// What is missing, not offered or not allowed.
    pub(crate) fn into_grant(self) -> Result<(Grant, Scope), TokenError> {
        let Form { grant_type, scope, username, password, refresh_token, .. } = self.form;
        let grant = match grant_type.as_deref().ok_or(TokenError::InvalidRequest)? {
            "client_credentials" => Grant::ClientCredentials,
            "password" => {
                let (username, password) = username.zip(password).ok_or(TokenError::InvalidRequest)?;
                Grant::Password { username, password: Password::new(password) }
            }
            "refresh_token" => Grant::Refresh { refresh_token: refresh_token.ok_or(TokenError::InvalidRequest)? },
            _ => return Err(TokenError::UnsupportedGrantType),
        };
        let may_stay = grant != Grant::ClientCredentials;
        Ok((grant, Scope::read(scope.as_deref(), may_stay)?))
    }
}

/// What a token is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scope {
    /// Whether it can be exchanged for another one.
    pub(crate) offline: bool,
}

impl Scope {
    /// Reads a scope; all that is allowed where none is named. A client that has its secret at hand needs no refresh token
    /// (RFC 6749, 4.4.3).
    fn read(scope: Option<&str>, may_stay: bool) -> Result<Self, TokenError> {
        let Some(scope) = scope else { return Ok(Self { offline: may_stay }) };
        let mut read = Self { offline: false };
        let mut named = false;
        for name in scope.split_ascii_whitespace() {
            match name {
                USERS => named = true,
                OFFLINE if may_stay => read.offline = true,
                _ => return Err(TokenError::InvalidScope),
            }
        }
        if named { Ok(read) } else { Err(TokenError::InvalidScope) }
    }

    /// As it is told.
    pub(crate) const fn as_str(self) -> &'static str {
        if self.offline { "users offline_access" } else { USERS }
    }
}

/// Whether a text holds what is in no name, secret or token of anybody's. One of them is NUL, which not every database takes.
fn has_control_characters(text: &str) -> bool {
    text.chars().any(char::is_control)
}

/// Name and secret of `Basic …`. Both are written like a form's values (RFC 6749, 2.3.1).
fn read_basic(header: &str) -> Option<(String, String)> {
    let (scheme, encoded) = header.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("Basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8().ok().map(Cow::into_owned);
    let is_one = |text: &String| !text.is_empty() && !has_control_characters(text);
    Some((decode(id)?, decode(secret)?)).filter(|(id, secret)| is_one(id) && is_one(secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: &str = "application/x-www-form-urlencoded";

    fn basic(text: &str) -> String {
        format!("Basic {}", STANDARD.encode(text))
    }

    fn outcome(authorization: Option<&str>, content_type: &str, body: &str) -> Result<Scope, TokenError> {
        TokenRequest::read(authorization, content_type, body.as_bytes())?.into_grant().map(|(_, scope)| scope)
    }

    #[test]
    fn forms_are_read_and_refused() {
        let (own, both) = (Ok(Scope { offline: false }), Ok(Scope { offline: true }));
        let header = basic("c:s");
        let client = |rest: &str| format!("client_id=c&client_secret=s&{rest}");
        let in_form = Err(TokenError::InvalidClient { in_header: false });
        let in_header = Err(TokenError::InvalidClient { in_header: true });
        let request = Err(TokenError::InvalidRequest);
        for (holds, authorization, body, expected) in [
            ("B1 in the form", None, client("grant_type=client_credentials"), own),
            ("B1 in the header", Some(&*header), "grant_type=client_credentials".to_owned(), own),
            ("B1 named in both", Some(&*header), "client_id=c&grant_type=client_credentials".to_owned(), own),
            ("B5 secrets in both", Some(&*header), client("grant_type=client_credentials"), request),
            ("B5 names that differ", Some(&*header), "client_id=d&grant_type=client_credentials".to_owned(), request),
            ("B5 nobody", None, "grant_type=client_credentials".to_owned(), in_form),
            ("B5 no secret", None, "client_id=c&grant_type=client_credentials".to_owned(), in_form),
            (
                "B5 an empty secret",
                None,
                "client_id=c&client_secret=&grant_type=client_credentials".to_owned(),
                in_form,
            ),
            ("B5 no Basic", Some("Bearer x"), "grant_type=client_credentials".to_owned(), in_header),
            ("B5 no base64", Some("Basic ?"), "grant_type=client_credentials".to_owned(), in_header),
            ("B5 no grant", None, client(""), request),
            ("B5 a field twice", None, client("grant_type=password&grant_type=password"), request),
            ("B5 a NUL", None, client("grant_type=password&username=%00&password=p"), request),
            ("B5 a new line", None, client("grant_type=refresh_token&refresh_token=r%0A"), request),
            ("B1 in a field that does not count", None, client("grant_type=client_credentials&x=%00"), own),
            ("B5 a NUL in the header", Some(&*basic("c%00:s")), "grant_type=client_credentials".to_owned(), in_header),
            ("B5 another grant", None, client("grant_type=authorization_code"), Err(TokenError::UnsupportedGrantType)),
            ("B2 an operator", None, client("grant_type=password&username=o&password=p"), both),
            (
                "B2 an operator who does not stay",
                None,
                client("grant_type=password&username=o&password=p&scope=users"),
                own,
            ),
            ("B5 an operator without a password", None, client("grant_type=password&username=o"), request),
            ("B2 a refresh token", None, client("grant_type=refresh_token&refresh_token=r"), both),
            ("B5 no refresh token", None, client("grant_type=refresh_token"), request),
            ("B2 a scope", None, client("grant_type=client_credentials&scope=users"), own),
            (
                "B5 an unknown scope",
                None,
                client("grant_type=client_credentials&scope=users+x"),
                Err(TokenError::InvalidScope),
            ),
            (
                "B5 a client needs no refresh token",
                None,
                client("grant_type=client_credentials&scope=users+offline_access"),
                Err(TokenError::InvalidScope),
            ),
            (
                "B5 a scope without the door",
                None,
                client("grant_type=password&username=o&password=p&scope=offline_access"),
                Err(TokenError::InvalidScope),
            ),
        ] {
            assert_eq!(outcome(authorization, FORM, &body), expected, "{holds}");
        }
        assert_eq!(outcome(None, "application/json", "{}"), request, "B1 JSON is no form");
    }

    #[test]
    fn b1_name_and_secret_may_be_written_like_a_forms_values() {
        assert!(read_basic(&basic("a%3Ab:c+d%2B")) == Some(("a:b".to_owned(), "c d+".to_owned())));
        assert!(read_basic(&basic("only")).is_none() && read_basic(&basic(":s")).is_none());
    }

    #[test]
    fn b5_errors_have_their_status() {
        for (error, status, challenge) in [
            (TokenError::InvalidClient { in_header: false }, 400, false),
            (TokenError::InvalidClient { in_header: true }, 401, true),
            (TokenError::InvalidGrant, 400, false),
            (TokenError::Locked { retry_after_seconds: 7 }, 400, false),
            (TokenError::UnsupportedGrantType, 400, false),
            (TokenError::InvalidScope, 400, false),
            (TokenError::InvalidRequest, 400, false),
            (TokenError::Failure(Failure::Internal), 500, false),
        ] {
            let response = error.answer();
            assert_eq!(response.status().as_u16(), status, "{error:?}");
            assert_eq!(response.headers().contains_key("www-authenticate"), challenge, "{error:?}");
            assert_eq!(response.headers().get("cache-control").unwrap(), "no-store", "B4");
        }
    }
}
