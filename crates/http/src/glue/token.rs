//! `token`: the OAuth 2 door (RFC 6749). Forms in, plain JSON out, errors in OAuth's own shape.

use std::borrow::Cow;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use application::{AuthenticateError, Failure, Login, RefreshError, TokenPair};
use domain::{Locale, Password};
use jsonapi::decode_pairs;
use serde_json::{Value, json};

use crate::declaration::{
    Access, Attribute, Context, Declaration, ForeignCall, ForeignShape, Operation, Pending, Shape, Success, Verb,
};
use crate::errors::{Code, lock_detail};
use crate::headers::CHALLENGE;

/// The resource.
pub(super) static TOKEN: Declaration = Declaration {
    kind: "token",
    parents: &[],
    summary: "OAuth 2 tokens",
    attributes: &[],
    relationships: &[],
    example_id: None,
    shows: None,
    operations: &[Operation {
        verb: Verb::Post,
        summary: "Log in or stay logged in, as OAuth 2 says",
        fields: &[],
        refusals: &[],
        answers: Success::Foreign(&SHAPE),
        access: Access::Foreign(exchange),
    }],
};

/// What it takes and answers, for the API's description.
static SHAPE: ForeignShape = ForeignShape {
    forms: &[
        &[
            Attribute::new("grant_type", Shape::Choice(&["password"]), "\"password\""),
            Attribute::new("username", Shape::Text, "\"mira.olsen@example.com\""),
            Attribute::new("password", Shape::Text, "\"Quiet-harbour-26\""),
        ],
        &[
            Attribute::new("grant_type", Shape::Choice(&["refresh_token"]), "\"refresh_token\""),
            Attribute::new("refresh_token", Shape::Text, "\"Zk3mT0Yw6nq1\""),
        ],
    ],
    attributes: &[
        Attribute::new("access_token", Shape::Text, "\"eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIzNSJ9.c2ln\""),
        Attribute::new("token_type", Shape::Choice(&["Bearer"]), "\"Bearer\""),
        Attribute::new("expires_in", Shape::Integer, "1800"),
        Attribute::new("refresh_token", Shape::Text, "\"Zk3mT0Yw6nq1\""),
    ],
    error: &[
        Attribute::new("error", Shape::Text, "\"invalid_grant\""),
        Attribute::new("error_description", Shape::Text, "\"The user credentials were incorrect.\""),
    ],
    refusals: || TokenError::ALL.into_iter().map(|error| (error.row().0, error.document())).collect(),
};

/// Why there are no tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
enum TokenError {
    /// An `Authorization` that is sent along is not good.
    InvalidAccessToken,
    /// The form did not arrive.
    Body(Code),
    /// No grant that there is.
    Grant,
    /// A field is missing, or there twice.
    Request,
    /// Nobody may log in with these.
    Credentials,
    /// The login lock is closed.
    Locked {
        /// How long for, in seconds.
        retry_after_seconds: u64,
        /// The reader is told how long locks last.
        description: Cow<'static, str>,
    },
    /// No refresh token that is good.
    RefreshToken,
    /// It could not be carried out.
    Failure(Failure),
}

impl TokenError {
    /// One of each kind.
    const ALL: [Self; 10] = [
        Self::InvalidAccessToken,
        Self::Body(Code::BodyTimeout),
        Self::Body(Code::BodyTooLarge),
        Self::Grant,
        Self::Request,
        Self::Credentials,
        Self::Locked { retry_after_seconds: 1, description: Cow::Borrowed(Code::LoginLocked.detail()) },
        Self::RefreshToken,
        Self::Failure(Failure::Busy { retry_after_seconds: 1 }),
        Self::Failure(Failure::Internal),
    ];

    /// Why a login was refused. `block_minutes` is how long a lock lasts.
    fn of_login(error: AuthenticateError, locale: &Locale, block_minutes: u64) -> Self {
        match error {
            AuthenticateError::Refused => Self::Credentials,
            AuthenticateError::Locked { retry_after_seconds } => {
                let description = lock_detail(locale, block_minutes).into();
                Self::Locked { retry_after_seconds, description }
            }
            AuthenticateError::Failure(failure) => Self::Failure(failure),
        }
    }

    fn document(&self) -> Value {
        let (_, error, description) = self.row();
        json!({ "error": error, "error_description": description })
    }

    /// Status, error and description.
    fn row(&self) -> (u16, &'static str, &str) {
        match self {
            Self::InvalidAccessToken => (401, "invalid_request", "Invalid access token."),
            Self::Body(code) => (code.status(), "invalid_request", code.detail()),
            Self::Grant => (
                400,
                "invalid_grant",
                "The provided authorization grant (e.g., authorization code, resource owner credentials) or refresh token is invalid, expired, revoked, does not match the redirection URI used in the authorization request, or was issued to another client.",
            ),
            Self::Request => (
                400,
                "invalid_request",
                "The request is missing a required parameter, includes an invalid parameter value, includes a parameter more than once, or is otherwise malformed.",
            ),
            Self::Credentials => (400, "invalid_grant", "The user credentials were incorrect."),
            Self::Locked { description, .. } => (Code::LoginLocked.status(), "invalid_grant", description),
            Self::RefreshToken => (400, "invalid_request", "The refresh token is invalid."),
            Self::Failure(Failure::Busy { .. }) => (503, "temporarily_unavailable", "Service Unavailable"),
            Self::Failure(Failure::Internal) => (500, "server_error", "Internal Server Error"),
        }
    }

    fn render(&self) -> HttpResponse {
        let (status, ..) = self.row();
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = HttpResponse::build(status)
            .insert_header((CACHE_CONTROL, HeaderValue::from_static("no-store")))
            .json(self.document());
        match self {
            Self::InvalidAccessToken => response.headers_mut().insert(WWW_AUTHENTICATE, CHALLENGE),
            Self::Failure(Failure::Busy { retry_after_seconds }) | Self::Locked { retry_after_seconds, .. } => {
                response.headers_mut().insert(RETRY_AFTER, (*retry_after_seconds).into())
            }
            _ => return response,
        };
        response
    }
}

impl From<RefreshError> for TokenError {
    fn from(error: RefreshError) -> Self {
        match error {
            RefreshError::Refused => Self::RefreshToken,
            RefreshError::Failure(failure) => Self::Failure(failure),
        }
    }
}

/// What a form asks for.
#[derive(Debug, PartialEq, Eq)]
enum Grant<'a> {
    Password { username: Cow<'a, str>, password: Cow<'a, str> },
    Refresh { refresh_token: Cow<'a, str> },
}

/// Reads a form. A field without a value counts as left out (RFC 6749, 3.1).
fn read_grant<'a>(content_type: Option<&str>, body: &'a [u8]) -> Result<Grant<'a>, TokenError> {
    let essence = content_type.and_then(|header| header.split(';').next()).unwrap_or_default().trim();
    let form = if essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        std::str::from_utf8(body).map_err(|_| TokenError::Request)?
    } else {
        ""
    };
    let [mut grant_type, mut username, mut password, mut refresh_token] = [const { None }; 4];
    for (name, value) in decode_pairs(form) {
        let field = match &*name {
            "grant_type" => &mut grant_type,
            "username" => &mut username,
            "password" => &mut password,
            "refresh_token" => &mut refresh_token,
            _ => continue,
        };
        if field.replace(value).is_some() {
            return Err(TokenError::Request);
        }
    }
    let given = |field: Option<Cow<'a, str>>| field.filter(|value| !value.is_empty()).ok_or(TokenError::Request);
    match grant_type.as_deref() {
        Some("password") => Ok(Grant::Password { username: given(username)?, password: given(password)? }),
        Some("refresh_token") => Ok(Grant::Refresh { refresh_token: given(refresh_token)? }),
        _ => Err(TokenError::Grant),
    }
}

fn exchange(call: ForeignCall<'_>) -> Pending<'_, HttpResponse> {
    Box::pin(async move {
        match grant(&call).await {
            Ok(pair) => {
                HttpResponse::Ok().insert_header((CACHE_CONTROL, HeaderValue::from_static("no-store"))).json(json!({
                    "access_token": pair.access_token,
                    "token_type": "Bearer",
                    "expires_in": pair.expires_in_seconds,
                    "refresh_token": pair.refresh_token.expose(),
                }))
            }
            Err(error) => error.render(),
        }
    })
}

async fn grant(call: &ForeignCall<'_>) -> Result<TokenPair, TokenError> {
    if !call.authorization_is_good {
        return Err(TokenError::InvalidAccessToken);
    }
    let body = call.body.map_err(TokenError::Body)?;
    let Context { application, .. } = call.context;
    Ok(match read_grant(call.content_type, body)? {
        Grant::Password { username, password } => {
            let password = Password::new(password.into_owned());
            // A guest's cart stays the guest's, as in Glue.
            let login = Login { username: &username, password: &password, client: call.client, guest: None };
            let outcome = application.authenticate(login).await;
            outcome.map_err(|error| TokenError::of_login(error, call.locale, application.login_block_minutes()))?
        }
        Grant::Refresh { refresh_token } => application.refresh(&refresh_token).await?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::body::to_bytes;

    const FORM: Option<&str> = Some("application/x-www-form-urlencoded; charset=utf-8");

    #[test]
    fn forms_are_read_as_oauth_says() {
        let password = |username: &'static str, password: &'static str| {
            Ok(Grant::Password { username: username.into(), password: password.into() })
        };
        for (form, expected) in [
            ("grant_type=password&username=a%40b.c&password=x+y%2B", password("a@b.c", "x y+")),
            ("client_id=frontend&grant_type=password&username=a&password=b", password("a", "b")),
            ("grant_type=refresh_token&refresh_token=abc", Ok(Grant::Refresh { refresh_token: "abc".into() })),
            ("", Err(TokenError::Grant)),
            ("username=a&password=b", Err(TokenError::Grant)),
            ("grant_type=&username=a&password=b", Err(TokenError::Grant)),
            ("grant_type=client_credentials", Err(TokenError::Grant)),
            ("grant_type=password&username=a", Err(TokenError::Request)),
            ("grant_type=password&password=b", Err(TokenError::Request)),
            ("grant_type=password&username=a&password=", Err(TokenError::Request)),
            ("grant_type=refresh_token", Err(TokenError::Request)),
            ("grant_type=password&username=a&username=b&password=c", Err(TokenError::Request)),
        ] {
            assert_eq!(read_grant(FORM, form.as_bytes()), expected, "{form}");
        }
        let form = b"grant_type=password&username=a&password=b";
        assert_eq!(read_grant(Some("application/json"), form), Err(TokenError::Grant));
        assert_eq!(read_grant(None, form), Err(TokenError::Grant));
        assert_eq!(read_grant(FORM, b"\xff"), Err(TokenError::Request));
    }

    #[actix_web::test]
    async fn errors_have_two_members_and_are_plain_json() {
        let busy = Failure::Busy { retry_after_seconds: 7 };
        let of_login = |error| TokenError::of_login(error, &Locale::parse("de_DE").unwrap(), 5);
        for (error, status, name) in [
            (TokenError::InvalidAccessToken, 401, "invalid_request"),
            (TokenError::Body(Code::BodyTooLarge), 413, "invalid_request"),
            (TokenError::Grant, 400, "invalid_grant"),
            (TokenError::Request, 400, "invalid_request"),
            (of_login(AuthenticateError::Refused), 400, "invalid_grant"),
            (of_login(AuthenticateError::Locked { retry_after_seconds: 7 }), 429, "invalid_grant"),
            (RefreshError::Refused.into(), 400, "invalid_request"),
            (of_login(AuthenticateError::Failure(busy)), 503, "temporarily_unavailable"),
            (RefreshError::Failure(Failure::Internal).into(), 500, "server_error"),
        ] {
            let response = error.render();
            assert_eq!(response.status().as_u16(), status, "{error:?}");
            assert_eq!(response.headers().get("content-type").unwrap(), "application/json");
            assert_eq!(response.headers().contains_key("www-authenticate"), status == 401);
            let wait = response.headers().get("retry-after").map(|seconds| seconds.to_str().unwrap());
            assert_eq!(wait, matches!(status, 429 | 503).then_some("7"));
            let body: Value = serde_json::from_slice(&to_bytes(response.into_body()).await.unwrap()).unwrap();
            assert_eq!(body["error"], name);
            assert_eq!(body.as_object().unwrap().len(), 2);
        }
    }

    #[test]
    fn a_closed_lock_is_described_in_the_readers_language() {
        for (locale, description) in [
            ("de_DE", "Warten Sie bitte 5 Minuten, bevor Sie es erneut versuchen."),
            ("en_US", Code::LoginLocked.detail()),
        ] {
            let locked = AuthenticateError::Locked { retry_after_seconds: 17 };
            let error = TokenError::of_login(locked, &Locale::parse(locale).unwrap(), 5);
            assert_eq!(error.document()["error_description"], description);
        }
    }
}
