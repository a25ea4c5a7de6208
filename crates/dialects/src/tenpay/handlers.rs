//! Answers the requests of this door.

use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, AUTHORIZATION, CONTENT_TYPE, HeaderMap, LOCATION, WWW_AUTHENTICATE};
use actix_web::web::{Bytes, Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use application::{Application, ConfirmMerchantUserError, CreateMerchantUserError, MerchantUserForm, SendCodeError};
use domain::{MerchantId, MerchantUserId, MerchantUserState};
use http::kit::{self, BodyError};
use serde_json::json;

use super::Settings;
use super::connect;
use super::media::is_json;
use super::oauth::{TokenError, json};
use super::paths::Endpoint;
use super::problem::Problem;
use super::requests::{ConfirmEmail, Correlation, CreateUser, SendConfirmation, path_id};
use super::trace::TraceId;

const INVALID_TOKEN: &str = "Bearer error=\"invalid_token\", \
                             error_description=\"The token is malformed, expired or not for this merchant API\"";

/// Why there is no answer of the handler's own.
pub(super) enum Refusal {
    /// No good token; whether one was sent.
    Unauthorized { sent: bool },
    /// Another merchant's.
    Forbidden,
    /// With a document.
    Problem(Problem),
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

/// Answers a request whose path is one of ours.
pub(super) async fn answer(
    application: Data<Application>,
    door: Data<Settings>,
    request: HttpRequest,
    payload: Payload,
) -> HttpResponse {
    let Some(endpoint) = Endpoint::find(request.uri().path()) else { return HttpResponse::NotFound().finish() };
    kit::name_path(&request, endpoint.template());
    if !endpoint.has(request.method()) {
        return HttpResponse::MethodNotAllowed().insert_header((ALLOW, endpoint.allow())).finish();
    }
    let outcome = match endpoint {
        Endpoint::Token => return connect::exchange(&application, &request, payload).await,
        Endpoint::Create => create(&application, &door, &request, payload).await,
        Endpoint::SendConfirmation => send_confirmation(&application, &request, payload).await,
        Endpoint::Confirm => confirm(&application, &request, payload).await,
        Endpoint::Status(id) => status(&application, &door, &request, &id).await,
    };
    outcome.unwrap_or_else(|refusal| match refusal {
        Refusal::Unauthorized { sent } => {
            let challenge = if sent { INVALID_TOKEN } else { "Bearer" };
            HttpResponse::Unauthorized().insert_header((WWW_AUTHENTICATE, challenge)).finish()
        }
        Refusal::Forbidden => HttpResponse::Forbidden().finish(),
        Refusal::Problem(problem) => problem.answer(&TraceId::of(request.headers(), application.randomness())),
    })
}

/// Refuses what a client sends beyond the limit of all doors together, if it is for this one.
pub(super) fn refuse_many(request: &HttpRequest, retry_after_seconds: u64) -> Option<HttpResponse> {
    if Endpoint::find(request.uri().path())? == Endpoint::Token {
        return Some(TokenError::TooMany { retry_after_seconds }.answer());
    }
    let application = request.app_data::<Data<Application>>()?;
    let trace = TraceId::of(request.headers(), application.randomness());
    Some(Problem::too_many(retry_after_seconds).answer(&trace))
}

async fn create(
    application: &Application,
    door: &Settings,
    request: &HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Refusal> {
    let merchant = authorize(application, request.headers()).await?;
    let body = read_body(request, payload).await?;
    let user = CreateUser::read(&body).map_err(Problem::fields)?;
    if i64::from(user.merchant) != merchant.0 {
        return Err(Refusal::Forbidden);
    }
    let form = MerchantUserForm {
        email: user.email,
        additional_type: user.additional_type,
        additional_data: user.additional_data,
        locale: door.locale(request.headers()).clone(),
    };
    let id = application.create_merchant_user(merchant, form).await.map_err(|error| match error {
        CreateMerchantUserError::Taken => Problem::rule("Email already registered"),
        CreateMerchantUserError::Failure(failure) => Problem::failure(failure),
    })?;
    let mut response = json(StatusCode::CREATED, &json!({ "id": id.0 }));
    if let Ok(place) = format!("/User/{}/status", id.0).try_into() {
        response.headers_mut().insert(LOCATION, place);
    }
    Ok(response)
}

async fn send_confirmation(
    application: &Application,
    request: &HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Refusal> {
    let merchant = authorize(application, request.headers()).await?;
    let body = read_body(request, payload).await?;
    let wish = SendConfirmation::read(&body).map_err(Problem::fields)?;
    let sent = application.send_merchant_user_code(merchant, MerchantUserId(wish.id), &wish.email).await;
    sent.map_err(|error| match error {
        SendCodeError::Unknown => Problem::not_found(),
        SendCodeError::OtherAddress => Problem::fields(SendConfirmation::other_address()),
        SendCodeError::WrongState => Problem::rule("Invalid user state"),
        SendCodeError::TooMany { retry_after_seconds } => Problem::too_many(retry_after_seconds),
        SendCodeError::Failure(failure) => Problem::failure(failure),
    })?;
    Ok(HttpResponse::NoContent().finish())
}

async fn confirm(application: &Application, request: &HttpRequest, payload: Payload) -> Result<HttpResponse, Refusal> {
    let merchant = authorize(application, request.headers()).await?;
    let body = read_body(request, payload).await?;
    let asked = ConfirmEmail::read(&body).map_err(Problem::fields)?;
    let for_merchant = asked.correlation == Correlation::Merchant;
    let confirmed =
        application.confirm_merchant_user(merchant, MerchantUserId(asked.id), &asked.token, for_merchant).await;
    confirmed.map_err(|error| match error {
        ConfirmMerchantUserError::Unknown => Problem::not_found(),
        ConfirmMerchantUserError::Refused => Problem::rule("Invalid token."),
        ConfirmMerchantUserError::Failure(failure) => Problem::failure(failure),
    })?;
    Ok(json(StatusCode::OK, &json!({ "success": true, "message": "", "code": 200 })))
}

async fn status(
    application: &Application,
    door: &Settings,
    request: &HttpRequest,
    id: &str,
) -> Result<HttpResponse, Refusal> {
    let merchant = authorize(application, request.headers()).await?;
    let id = path_id(id).map_err(Problem::fields)?;
    let user = application.find_merchant_user(merchant, MerchantUserId(id)).await.map_err(Problem::failure)?;
    let user = user.ok_or_else(Problem::not_found)?;
    let document = json!({
        "isEmailVerified": user.is_email_verified(),
        "isPhoneNumberVerified": false,
        "isScaVerified": false,
        "isAdditionalData": false,
        "isOptionalKyc": false,
        "status": number_of(user.state(), door.email_activates),
    });
    Ok(json(StatusCode::OK, &document))
}

/// The number of a state on the wire.
pub(super) const fn number_of(state: MerchantUserState, email_activates: bool) -> u16 {
    match state {
        MerchantUserState::Registered => 50,
        MerchantUserState::Verified if email_activates => 200,
        MerchantUserState::Verified => 150,
        MerchantUserState::Deactivated => 300,
        MerchantUserState::Closed => 350,
    }
}

/// Whose token a request carries.
async fn authorize(application: &Application, headers: &HeaderMap) -> Result<MerchantId, Refusal> {
    let mut values = headers.get_all(AUTHORIZATION);
    let header = values.next().ok_or(Refusal::Unauthorized { sent: false })?;
    let Ok(text) = header.to_str().map(str::trim) else { return Err(Refusal::Unauthorized { sent: true }) };
    let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
    if !scheme.eq_ignore_ascii_case("Bearer") {
        return Err(Refusal::Unauthorized { sent: false });
    }
    if values.next().is_some() {
        return Err(Refusal::Unauthorized { sent: true });
    }
    let merchant = application.verify_merchant_token(token.trim()).await.map_err(Problem::failure)?;
    merchant.ok_or(Refusal::Unauthorized { sent: true })
}

/// The body, if it is of a type that is read.
async fn read_body(request: &HttpRequest, payload: Payload) -> Result<Bytes, Problem> {
    let mut types = request.headers().get_all(CONTENT_TYPE);
    let content_type = types.next().and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_json = is_json(content_type) && types.next().is_none();
    match kit::body(request, payload).await {
        Ok(body) if is_json || body.is_empty() => Ok(body),
        Err(BodyError::TooLarge) if is_json => Err(Problem::too_large()),
        Err(BodyError::Timeout) => Err(Problem::timeout()),
        Err(BodyError::Broken) if is_json => Ok(Bytes::new()),
        _ => Err(Problem::unsupported_media_type()),
    }
}
