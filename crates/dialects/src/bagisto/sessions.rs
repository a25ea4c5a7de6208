//! `POST /customer/login`, `POST /verify-tokens`, `POST /customer/logout`: bearer tokens.

use std::net::{IpAddr, Ipv4Addr};

use actix_web::http::StatusCode;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use application::{Application, BearerError, BearerLoginError, Login, LoginRefusal};
use domain::Password;
use http::kit;

use super::answer;
use super::door::{bearer, read};
use super::rules::LoginInput;
use super::shapes;

/// What most calls say without a good token.
pub(super) const UNAUTHENTICATED: &str = "Unauthenticated. Please login to perform this action";
const SUSPENDED: &str = "Customer account is suspended";

const fn message(refusal: LoginRefusal) -> &'static str {
    match refusal {
        LoginRefusal::Credentials => "Invalid email or password",
        LoginRefusal::Suspended => "Your account has been suspended",
        LoginRefusal::Unconfirmed => "Verify your email account first.",
    }
}

/// Answers success and refusal with the same status, as the shop does.
pub(super) async fn log_in(request: HttpRequest, payload: Payload, application: Data<Application>) -> HttpResponse {
    let fields = read(&request, payload, LoginInput::read).await;
    let checked = match fields.map(LoginInput::check) {
        Ok(Ok(checked)) => checked,
        Ok(Err(detail)) => return answer::bad_request(&detail),
        Err(refusal) => return refusal,
    };
    let login = Login {
        username: &checked.email,
        password: &Password::new(checked.password),
        client: kit::client_address(&request).unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
        guest: None,
    };
    match application.log_in_for_bearer(login).await {
        Ok(session) => {
            let id = session.customer.account().id;
            let api_token = shapes::api_token(id, application.server_key());
            answer::done(StatusCode::CREATED, &shapes::logged_in(id, &api_token, &session.token))
        }
        Err(BearerLoginError::Refused(refusal)) => {
            answer::done(StatusCode::CREATED, &shapes::not_logged_in(message(refusal)))
        }
        Err(BearerLoginError::Locked { retry_after_seconds }) => answer::too_many(retry_after_seconds),
        Err(BearerLoginError::Failure(failure)) => answer::failure(failure),
    }
}

/// Whose the bearer token is, told as a resource that is made: the shop's own way.
pub(super) async fn verify(request: HttpRequest, payload: Payload, application: Data<Application>) -> HttpResponse {
    if let Err(refusal) = read(&request, payload, |input| input.text("device_token")).await {
        return refusal;
    }
    match find(&request, &application).await {
        Ok(body) => answer::done(StatusCode::CREATED, &body),
        Err(Refused::Token(message)) => answer::done(StatusCode::CREATED, &shapes::invalid_token(message)),
        Err(Refused::Failure(failure)) => failure,
    }
}

/// The same by `GET`, as the shop's documentation has it.
pub(super) async fn look_at(request: HttpRequest, application: Data<Application>) -> HttpResponse {
    match find(&request, &application).await {
        Ok(body) => answer::done(StatusCode::OK, &body),
        Err(Refused::Token(message)) => answer::problem(StatusCode::UNAUTHORIZED, message),
        Err(Refused::Failure(failure)) => failure,
    }
}

enum Refused {
    Token(&'static str),
    Failure(HttpResponse),
}

async fn find(request: &HttpRequest, application: &Application) -> Result<serde_json::Value, Refused> {
    let token = bearer(request.headers()).ok_or(Refused::Token(UNAUTHENTICATED))?;
    match application.find_bearer(token).await {
        Ok(caller) => Ok(shapes::valid_token(caller.customer.account())),
        Err(BearerError::Unknown) => Err(Refused::Token(UNAUTHENTICATED)),
        Err(BearerError::Suspended) => Err(Refused::Token(SUSPENDED)),
        Err(BearerError::Failure(failure)) => Err(Refused::Failure(answer::failure(failure))),
    }
}

/// Ends the token that is shown, and no other.
pub(super) async fn log_out(request: HttpRequest, payload: Payload, application: Data<Application>) -> HttpResponse {
    if let Err(refusal) = read(&request, payload, |input| input.text("device_token")).await {
        return refusal;
    }
    let revoked = match bearer(request.headers()) {
        Some(token) => application.revoke_bearer(token).await,
        None => Ok(false),
    };
    match revoked {
        Ok(true) => answer::done(StatusCode::CREATED, &shapes::outcome(true, "Logged out successfully")),
        Ok(false) => answer::done(StatusCode::CREATED, &shapes::outcome(false, UNAUTHENTICATED)),
        Err(failure) => answer::failure(failure),
    }
}
