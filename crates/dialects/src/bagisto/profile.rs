//! `GET /customer-profile`, `PUT /customer-profile-updates/{id}`, `POST /customer-profile-deletes/{id}`: one's own account. The
//! number in the path says nothing; the bearer token does.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use application::{
    Application, BearerCaller, BearerError, LeaveError, NewPassword, OwnCustomerError, UpdateCustomer, UpdateProfile,
    UpdateProfileError,
};
use domain::{Password, PasswordPolicy, ProfileChanges};
use serde_json::json;

use super::answer;
use super::door::{bearer, read};
use super::rules::{self, PASSWORDS_DIFFER, Taken, UpdateInput};
use super::shapes::{self, Shown};

const NO_TOKEN_TO_READ: &str = "Authentication token is required. Please provide token in query input";
const NO_TOKEN: &str = "No authentication token provided. Please provide token in Authorization header as \"Bearer \
                        <token>\" or in input.token field";
const BAD_TOKEN: &str = "Invalid or expired token";
const NOT_OWN: &str = "Unauthorized: Cannot update another customer profile";
const WRONG_PASSWORD: &str = "The current password you entered is incorrect";

const TOO_MANY_CHANGES: &str = "The email field cannot be changed again today.";

/// A list of one.
pub(super) async fn show(request: HttpRequest, application: Data<Application>) -> HttpResponse {
    answer::either(show_own(&request, &application).await)
}

async fn show_own(request: &HttpRequest, application: &Application) -> Result<HttpResponse, HttpResponse> {
    let caller = caller(request, application, NO_TOKEN_TO_READ).await?;
    let image = application.find_image(&caller).await.map_err(answer::failure)?;
    let shown = Shown { account: caller.customer.account(), is_verified: true };
    Ok(answer::done(StatusCode::OK, &shapes::profile(shown, image.as_deref())))
}

pub(super) async fn update(request: HttpRequest, payload: Payload, application: Data<Application>) -> HttpResponse {
    answer::either(update_own(&request, payload, &application).await)
}

async fn update_own(
    request: &HttpRequest,
    payload: Payload,
    application: &Application,
) -> Result<HttpResponse, HttpResponse> {
    let input = read(request, payload, UpdateInput::read).await?;
    let caller = caller(request, application, NO_TOKEN).await?;
    let own = caller.customer.account();
    if input.id.as_ref().is_some_and(|id| *id != own.id.to_string()) {
        return Err(answer::problem(StatusCode::UNAUTHORIZED, NOT_OWN));
    }
    let (email, phone) = input.fields.unique_values();
    let taken = application.find_taken(email.as_ref(), phone, Some(own.id)).await.map_err(answer::failure)?;
    let today = application.clock().now().date();
    let checked = input
        .check(Taken { email: taken.email, phone: taken.phone }, today)
        .map_err(|detail| answer::bad_request(&detail))?;
    let password = match (input.current_password, input.fields.password) {
        (Some(current), Some(new)) => Some(NewPassword {
            current: Password::new(current),
            new: Password::new(new),
            repetition: Password::new(input.fields.confirm_password.unwrap_or_default()),
        }),
        _ => None,
    };
    let change = UpdateProfile {
        account: UpdateCustomer {
            email: input.fields.email,
            changes: ProfileChanges {
                salutation: None,
                first_name: checked.first_name,
                last_name: checked.last_name,
                gender: checked.gender,
                date_of_birth: checked.date_of_birth.map(Some),
            },
        },
        phone: checked.phone,
        subscribed_to_newsletter: input.subscribed,
        image: input.image.map(Some).or(input.deletes_image.then_some(None)),
        password,
    };
    let updated = application
        .update_profile(&caller, change, &PasswordPolicy::bagisto())
        .await
        .map_err(|error| refuse(&error))?;
    let shown = Shown { account: updated.account(), is_verified: true };
    Ok(answer::done(StatusCode::OK, &shapes::updated(shown)))
}

/// Forgets who the caller is, if they know their password.
pub(super) async fn delete(request: HttpRequest, payload: Payload, application: Data<Application>) -> HttpResponse {
    answer::either(delete_own(&request, payload, &application).await)
}

async fn delete_own(
    request: &HttpRequest,
    payload: Payload,
    application: &Application,
) -> Result<HttpResponse, HttpResponse> {
    let password = read(request, payload, |input| input.text("password")).await?;
    let caller = caller(request, application, NO_TOKEN).await?;
    let password = password.filter(|password| !password.is_empty());
    let password = password.ok_or_else(|| answer::bad_request(WRONG_PASSWORD))?;
    match application.leave(&caller, &Password::new(password)).await {
        Ok(()) => Ok(answer::done(StatusCode::CREATED, &json!([]))),
        Err(LeaveError::WrongPassword) => Err(answer::bad_request(WRONG_PASSWORD)),
        Err(LeaveError::Own(error)) => Err(refuse_own(error)),
    }
}

/// Whose the bearer token is. `missing` says that there is none.
async fn caller(
    request: &HttpRequest,
    application: &Application,
    missing: &'static str,
) -> Result<BearerCaller, HttpResponse> {
    let unauthorized = |detail| answer::problem(StatusCode::UNAUTHORIZED, detail);
    let token = bearer(request.headers()).ok_or_else(|| unauthorized(missing))?;
    application.find_bearer(token).await.map_err(|error| match error {
        BearerError::Unknown | BearerError::Suspended => unauthorized(BAD_TOKEN),
        BearerError::Failure(failure) => answer::failure(failure),
    })
}

fn refuse_own(error: OwnCustomerError) -> HttpResponse {
    match error {
        OwnCustomerError::Gone | OwnCustomerError::TokenEnded => answer::problem(StatusCode::UNAUTHORIZED, BAD_TOKEN),
        OwnCustomerError::Failure(failure) => answer::failure(failure),
    }
}

fn refuse(error: &UpdateProfileError) -> HttpResponse {
    match error {
        UpdateProfileError::Own(error) => refuse_own(*error),
        // What was right is the current one no longer, if somebody else was quicker.
        UpdateProfileError::WrongPassword | UpdateProfileError::NotSaved => answer::bad_request(WRONG_PASSWORD),
        UpdateProfileError::PasswordsDiffer => answer::bad_request(PASSWORDS_DIFFER),
        // It was checked before, by the same policy.
        UpdateProfileError::WeakPassword(_) => answer::bad_request("Bad Request"),
        UpdateProfileError::EmailTaken => answer::bad_request(rules::EMAIL_TAKEN),
        UpdateProfileError::PhoneTaken => answer::bad_request(rules::PHONE_TAKEN),
        UpdateProfileError::TooManyEmailChanges => answer::bad_request(TOO_MANY_CHANGES),
        UpdateProfileError::Failure(failure) => answer::failure(*failure),
    }
}
