//! `POST /newsletters`: an address that is to get the newsletter.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use application::{Application, BearerError};

use super::door::{bearer, read};
use super::rules::check_newsletter;
use super::sessions::UNAUTHENTICATED;
use super::{answer, shapes};

const TAKEN: &str = "The customer email has already been taken.";
const SUBSCRIBED: &str = "You have successfully subscribed to our newsletter.";

pub(super) async fn subscribe(request: HttpRequest, payload: Payload, application: Data<Application>) -> HttpResponse {
    let email = read(&request, payload, |input| input.text("customer_email")).await;
    let email = match email {
        Ok(email) => email,
        Err(refusal) => return refusal,
    };
    let caller = match bearer(request.headers()) {
        Some(token) => application.find_bearer(token).await,
        None => Err(BearerError::Unknown),
    };
    let caller = match caller {
        Ok(caller) => caller,
        Err(BearerError::Failure(failure)) => return answer::failure(failure),
        Err(BearerError::Unknown | BearerError::Suspended) => {
            return answer::done(StatusCode::CREATED, &shapes::outcome(false, UNAUTHENTICATED));
        }
    };
    let email = match check_newsletter(email.as_deref()) {
        Ok(email) => email,
        Err(detail) => return answer::bad_request(&detail),
    };
    match application.subscribe(&caller, &email).await {
        Ok(true) => answer::done(StatusCode::CREATED, &shapes::outcome(true, SUBSCRIBED)),
        Ok(false) => answer::bad_request(TAKEN),
        Err(failure) => answer::failure(failure),
    }
}
