//! `POST /forgot-passwords` and `PUT /customers/reset-password`.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use application::{Application, RestoreForm, RestorePasswordError};
use domain::{Password, PasswordPolicy};
use serde_json::json;

use super::door::read;
use super::rules::{PASSWORDS_DIFFER, ResetInput, is_blank, password_sentences};
use super::{answer, shapes};

/// Says the same whatever it finds.
pub(super) async fn forgot(request: HttpRequest, payload: Payload, application: Data<Application>) -> HttpResponse {
    let email = read(&request, payload, |input| input.text("email")).await;
    let email = match email {
        Ok(email) => email.filter(|email| !is_blank(email)),
        Err(refusal) => return refusal,
    };
    let Some(email) = email else {
        return answer::done(StatusCode::CREATED, &shapes::outcome(false, "Email is required"));
    };
    match application.request_restore(&email).await {
        Ok(()) => {
            answer::done(StatusCode::CREATED, &shapes::outcome(true, "Reset link sent successfully to your email"))
        }
        Err(failure) => answer::failure(failure),
    }
}

/// A new password for whoever holds the token from the mail and says whose it is.
pub(super) async fn reset(request: HttpRequest, payload: Payload, application: Data<Application>) -> HttpResponse {
    let input = read(&request, payload, ResetInput::read).await;
    let input = match input {
        Ok(input) => input,
        Err(refusal) => return refusal,
    };
    let email = match input.check() {
        Ok(email) => email,
        Err(detail) => return answer::bad_request(&detail),
    };
    let password = Password::new(input.password.unwrap_or_default());
    let form = RestoreForm {
        key: input.token.unwrap_or_default(),
        email: Some(email),
        confirm_password: Password::new(input.repetition.unwrap_or_default()),
        password,
    };
    let sentences = password_sentences(form.password.expose());
    match application.restore_password(form, &PasswordPolicy::bagisto()).await {
        Ok(()) => answer::done(StatusCode::OK, &json!({ "message": "Password has been successfully reset" })),
        Err(RestorePasswordError::PasswordsDiffer) => answer::bad_request(PASSWORDS_DIFFER),
        Err(RestorePasswordError::WeakPassword(_)) => answer::bad_request(&sentences.join(" ")),
        Err(RestorePasswordError::Refused) => answer::bad_request("This password reset token is invalid."),
        Err(RestorePasswordError::Failure(failure)) => answer::failure(failure),
    }
}
