//! `/customer/verify-account/{token}` and `/customer/resend/verification/{email}`: confirming an address, and another mail.
//!
//! Confirmation mails lead here where `mail.confirm_link` says so. Whatever is opened from a mail is opened by programs that follow
//! every link in one, too. Only a caller that asks for JSON is taken at its word; everybody else is shown the page with the button.

use std::net::{IpAddr, Ipv4Addr};

use actix_web::http::StatusCode;
use actix_web::http::header::{ACCEPT, CACHE_CONTROL, HeaderMap, HeaderName, HeaderValue, LOCATION};
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use application::{Application, ConfirmError, Failure, one_client};
use http::kit;

use super::door::{Door, RESENDS};
use super::{answer, shapes};

const REQUESTED_WITH: HeaderName = HeaderName::from_static("x-requested-with");

const VERIFIED: &str = "Your account has been verified, try to login now.";
const NOT_VERIFIED: &str = "We cannot verify your mail account.";
const SENT: &str = "Verification email sent";

/// Confirms for whoever asks for JSON; shows everybody else the page, unless the shop trusts its links.
pub(super) async fn verify(
    request: HttpRequest,
    token: Path<String>,
    application: Data<Application>,
    door: Data<Door>,
) -> HttpResponse {
    let wants_json = wants_json(request.headers());
    if !wants_json && !door.settings.confirm_by_get {
        return to_page(&door, &token, &request);
    }
    let verified = match application.confirm(&token).await {
        Ok(_) => true,
        Err(ConfirmError::Refused) => false,
        Err(ConfirmError::Failure(failure)) => return private(answer::failure(failure)),
    };
    if !wants_json {
        return redirect(&format!("{}?verified={}", door.settings.login_url, u8::from(verified)));
    }
    let (status, message) = if verified { (StatusCode::OK, VERIFIED) } else { (StatusCode::BAD_REQUEST, NOT_VERIFIED) };
    private(answer::done(status, &shapes::outcome(verified, message)))
}

/// `HEAD` consumes nothing, whoever asks.
pub(super) async fn lead_to_page(request: HttpRequest, token: Path<String>, door: Data<Door>) -> HttpResponse {
    to_page(&door, &token, &request)
}

/// Another mail, for an address that has open claims. Says the same whatever it finds.
pub(super) async fn resend(
    request: HttpRequest,
    email: Path<String>,
    application: Data<Application>,
    door: Data<Door>,
) -> HttpResponse {
    let client = kit::client_address(&request).unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    let allowance = door.resends.count(one_client(client), RESENDS, application.clock().now());
    if allowance.is_exceeded {
        return private(answer::too_many(allowance.reset_seconds));
    }
    let sent: Result<(), Failure> = application.resend_confirmation(&email).await;
    match sent {
        Err(failure) => private(answer::failure(failure)),
        Ok(()) if wants_json(request.headers()) => private(answer::done(StatusCode::OK, &shapes::outcome(true, SENT))),
        Ok(()) => redirect(&door.settings.login_url),
    }
}

/// Whether a caller is a program that knows what it does. Browsers that follow a link, and those that scan mails, accept
/// anything, or HTML before all else.
fn wants_json(headers: &HeaderMap) -> bool {
    let has = |name: HeaderName, value: &str| {
        headers.get(name).and_then(|given| given.to_str().ok()).is_some_and(|given| given.eq_ignore_ascii_case(value))
    };
    let accepts_json = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).is_some_and(|accept| {
        let first = accept.split(',').next().unwrap_or_default();
        first.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
    });
    accepts_json || has(REQUESTED_WITH, "XMLHttpRequest")
}

/// The page that confirms for a person, in the language of the mail. What is no key leads to the page that says so.
fn to_page(door: &Door, token: &str, request: &HttpRequest) -> HttpResponse {
    let plain = |text: &str| -> String {
        text.chars().filter(|character| character.is_ascii_alphanumeric() || *character == '_').take(64).collect()
    };
    let locale = request.query_string().split('&').find_map(|pair| pair.strip_prefix("_locale="));
    let locale = locale.map(|locale| format!("&_locale={}", plain(locale))).unwrap_or_default();
    redirect(&format!("{}/register/confirm?token={}{locale}", door.settings.public_url, plain(token)))
}

fn redirect(location: &str) -> HttpResponse {
    match HeaderValue::from_str(location) {
        Ok(location) => private(HttpResponse::Found().insert_header((LOCATION, location)).finish()),
        Err(_) => answer::failure(Failure::Internal),
    }
}

/// Paths with tokens and addresses are nobody else's.
fn private(mut answer: HttpResponse) -> HttpResponse {
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_programs_that_ask_for_json_get_it() {
        for (name, value, expected) in [
            ("accept", "application/json", true),
            ("accept", "application/json; charset=utf-8", true),
            ("accept", "application/json, text/plain, */*", true),
            ("accept", "text/html,application/json;q=0.9", false),
            ("accept", "*/*", false),
            ("accept", "application/vnd.api+json", false),
            ("x-requested-with", "XMLHttpRequest", true),
            ("x-requested-with", "com.example.mail", false),
            ("user-agent", "application/json", false),
        ] {
            let headers = [(HeaderName::from_static(name), HeaderValue::from_static(value))].into_iter().collect();
            assert_eq!(wants_json(&headers), expected, "{name}: {value}");
        }
    }
}
