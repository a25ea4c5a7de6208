//! `/connect/token`: tokens for merchants.

use actix_web::http::StatusCode;
use actix_web::http::header::{AUTHORIZATION, CONTENT_TYPE};
use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse};
use application::{Application, MerchantTokenError, MerchantTokens, OperatorLogin};
use http::kit::{self, BodyError};
use serde_json::json;

use super::oauth::{self, Grant, Scope, TokenError, TokenRequest};

/// Answers a request for a token.
pub(super) async fn exchange(application: &Application, request: &HttpRequest, payload: Payload) -> HttpResponse {
    match hand_out(application, request, payload).await {
        Ok((tokens, scope)) => told(&tokens, scope),
        Err(error) => error.answer(),
    }
}

async fn hand_out(
    application: &Application,
    request: &HttpRequest,
    payload: Payload,
) -> Result<(MerchantTokens, Scope), TokenError> {
    let text = |name| request.headers().get(name).map(|value| value.to_str().unwrap_or_default());
    let body = kit::body(request, payload).await.map_err(|error| match error {
        BodyError::TooLarge => TokenError::Body(StatusCode::PAYLOAD_TOO_LARGE),
        BodyError::Timeout => TokenError::Body(StatusCode::REQUEST_TIMEOUT),
        BodyError::Broken => TokenError::InvalidRequest,
    })?;
    let wish = TokenRequest::read(text(AUTHORIZATION), text(CONTENT_TYPE).unwrap_or_default(), &body)?;
    let in_header = wish.client.in_header;
    let refused = |error| match error {
        MerchantTokenError::UnknownClient => TokenError::InvalidClient { in_header },
        MerchantTokenError::Refused => TokenError::InvalidGrant,
        MerchantTokenError::Locked { retry_after_seconds } => TokenError::Locked { retry_after_seconds },
        MerchantTokenError::Failure(failure) => TokenError::Failure(failure),
    };
    let client = application.find_merchant_client(&wish.client.id, &wish.client.secret).await.map_err(refused)?;
    let (grant, scope) = wish.into_grant()?;
    let tokens = match grant {
        Grant::ClientCredentials => application.admit_merchant_client(&client).await,
        Grant::Password { username, password } => {
            let login = OperatorLogin {
                username: &username,
                password: &password,
                address: kit::client_address(request),
                wants_refresh_token: scope.offline,
            };
            application.admit_operator(&client, login).await
        }
        Grant::Refresh { refresh_token } => {
            application.refresh_merchant_token(&client, &refresh_token, scope.offline).await
        }
    };
    Ok((tokens.map_err(refused)?, scope))
}

fn told(tokens: &MerchantTokens, scope: Scope) -> HttpResponse {
    let mut document = json!({
        "access_token": tokens.access_token,
        "expires_in": tokens.expires_in_seconds,
        "token_type": "Bearer",
        "scope": scope.as_str(),
    });
    if let (Some(token), Some(members)) = (&tokens.refresh_token, document.as_object_mut()) {
        members.insert("refresh_token".to_owned(), token.expose().into());
    }
    oauth::json(StatusCode::OK, &document)
}
