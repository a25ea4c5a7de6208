//! `POST /customers`: signing up.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::LOCATION;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use application::{Application, BearerLogin, Enumeration, Register, SignUpError, SignUpRules};
use domain::{
    Account, DoubleOptIn, EmailProblem, Password, PasswordPolicy, Profile, RegistrationForm, RegistrationRefusal,
};

use super::answer;
use super::door::{Door, read};
use super::rules::{self, RegisterInput, Taken};
use super::shapes::{self, Shown};

/// The name of this door in records.
const CHANNEL: &str = "bagisto";

const RULES: SignUpRules = SignUpRules { asks_for_terms: false, phone_is_unique: true };

pub(super) async fn register(
    request: HttpRequest,
    payload: Payload,
    application: Data<Application>,
    door: Data<Door>,
) -> HttpResponse {
    answer::either(sign_up(&request, payload, &application, &door).await)
}

async fn sign_up(
    request: &HttpRequest,
    payload: Payload,
    application: &Application,
    door: &Door,
) -> Result<HttpResponse, HttpResponse> {
    let input = read(request, payload, RegisterInput::read).await?;
    let (email, phone) = input.fields.unique_values();
    let taken = application.find_taken(email.as_ref(), phone, None).await.map_err(answer::failure)?;
    let taken = Taken { email: taken.email, phone: taken.phone };
    let today = application.clock().now().date();
    // Where nothing but the address is wrong the sign-up goes on to be refused: whoever has the address is told of it.
    let checked = input
        .check(Taken { email: false, ..taken }, today)
        .or_else(|_| input.check(taken, today))
        .map_err(|detail| answer::bad_request(&detail))?;
    let password = Password::new(input.fields.password.unwrap_or_default());
    let form = RegistrationForm {
        email: input.fields.email.unwrap_or_default(),
        confirm_password: password.clone(),
        password,
        accepted_terms: true,
        profile: Profile {
            first_name: checked.first_name,
            last_name: checked.last_name,
            gender: checked.gender,
            date_of_birth: checked.date_of_birth,
            phone: checked.phone,
            subscribed_to_newsletter: input.subscribed,
            ..Profile::default()
        },
    };
    let request = Register {
        form,
        policy: Arc::new(PasswordPolicy::bagisto()),
        locale: door.locale(request.headers()).clone(),
        channel: CHANNEL,
        guest: None,
    };
    let account = application.sign_up(request, RULES).await.map_err(refuse)?;
    Ok(tell(application, &account).await)
}

/// Whoever is through at once gets a token at once.
async fn tell(application: &Application, account: &Account) -> HttpResponse {
    let accounts = application.accounts();
    // Where nobody is to learn who has an account, whoever made a claim on a taken address is told what all others are.
    let is_verified = accounts.double_opt_in() == DoubleOptIn::Off && accounts.enumeration == Enumeration::Glue;
    let bearer = if is_verified { first_bearer(application, account).await } else { None };
    let token = bearer.as_ref().map_or("", |bearer| bearer.token.as_str());
    let api_token = shapes::api_token(account.id, application.server_key());
    let shown = Shown { account, is_verified };
    let mut answer = answer::done(StatusCode::CREATED, &shapes::registered(shown, &api_token, token));
    if let Ok(location) = format!("/api/shop/customers/{}", account.id).parse() {
        answer.headers_mut().insert(LOCATION, location);
    }
    answer
}

/// None where it cannot be had: the account is there all the same, and whoever signs up again would find the address taken.
async fn first_bearer(application: &Application, account: &Account) -> Option<BearerLogin> {
    match application.bearer_of_sign_up(account.id).await {
        Ok(bearer) => bearer,
        Err(failure) => {
            tracing::warn!(?failure, customer.id = account.id.0, "a sign-up got no token");
            None
        }
    }
}

/// What was right when it was checked and is not any more, or is a rule of all doors.
fn refuse(error: SignUpError) -> HttpResponse {
    match error {
        SignUpError::Refused(RegistrationRefusal::Email(problems)) if problems == [EmailProblem::Taken] => {
            answer::bad_request(rules::EMAIL_TAKEN)
        }
        SignUpError::PhoneTaken => answer::bad_request(rules::PHONE_TAKEN),
        SignUpError::Refused(refusal) => {
            tracing::error!(?refusal, "a sign-up was refused that had been checked");
            answer::bad_request("Bad Request")
        }
        SignUpError::Failure(failure) => answer::failure(failure),
    }
}
