//! `token`: the OAuth 2 door (RFC 6749). Forms in, plain JSON out, errors in OAuth's own shape.

use std::borrow::Cow;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use application::{AuthenticateError, Failure, RefreshError, TokenPair};
use domain::Password;
use jsonapi::decode_pairs;
use serde_json::json;

use crate::declaration::{Access, Context, Declaration, ForeignCall, Operation, Pending, Verb};
use crate::errors::Code;
use crate::headers::CHALLENGE;

/// The resource.
pub(super) static TOKEN: Declaration = Declaration {
    kind: "token",
    parents: &[],
    operations: &[Operation { verb: Verb::Post, fields: &[], access: Access::Foreign(exchange) }],
};

/// Why there are no tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    /// No refresh token that is good.
    RefreshToken,
    /// It could not be carried out.
    Failure(Failure),
}

impl TokenError {
    /// Status, error and description.
    const fn row(self) -> (u16, &'static str, &'static str) {
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
            Self::RefreshToken => (400, "invalid_request", "The refresh token is invalid."),
            Self::Failure(Failure::Busy { .. }) => (503, "temporarily_unavailable", "Service Unavailable"),
            Self::Failure(Failure::Internal) => (500, "server_error", "Internal Server Error"),
        }
    }

    fn render(self) -> HttpResponse {
        let (status, error, description) = self.row();
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = HttpResponse::build(status)
            .insert_header((CACHE_CONTROL, HeaderValue::from_static("no-store")))
            .json(json!({ "error": error, "error_description": description }));
        match self {
            Self::InvalidAccessToken => response.headers_mut().insert(WWW_AUTHENTICATE, CHALLENGE),
            Self::Failure(Failure::Busy { retry_after_seconds }) => {
                response.headers_mut().insert(RETRY_AFTER, retry_after_seconds.into())
            }
            _ => return response,
        };
        response
    }
}

impl From<AuthenticateError> for TokenError {
    fn from(error: AuthenticateError) -> Self {
        match error {
            AuthenticateError::Refused => Self::Credentials,
            AuthenticateError::Failure(failure) => Self::Failure(failure),
        }
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
            application.authenticate(&username, &Password::new(password.into_owned())).await?
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
        for (error, status, name) in [
            (TokenError::InvalidAccessToken, 401, "invalid_request"),
            (TokenError::Body(Code::BodyTooLarge), 413, "invalid_request"),
            (TokenError::Grant, 400, "invalid_grant"),
            (TokenError::Request, 400, "invalid_request"),
            (AuthenticateError::Refused.into(), 400, "invalid_grant"),
            (RefreshError::Refused.into(), 400, "invalid_request"),
            (AuthenticateError::Failure(busy).into(), 503, "temporarily_unavailable"),
            (RefreshError::Failure(Failure::Internal).into(), 500, "server_error"),
        ] {
            let response = error.render();
            assert_eq!(response.status().as_u16(), status, "{error:?}");
            assert_eq!(response.headers().get("content-type").unwrap(), "application/json");
            assert_eq!(response.headers().contains_key("www-authenticate"), status == 401);
            assert_eq!(response.headers().contains_key("retry-after"), status == 503);
            let body: serde_json::Value =
                serde_json::from_slice(&to_bytes(response.into_body()).await.unwrap()).unwrap();
            assert_eq!(body["error"], name);
            assert_eq!(body.as_object().unwrap().len(), 2);
        }
    }
}
