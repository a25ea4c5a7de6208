//! `/register/confirm?token=`: the page behind the mailed link.
//!
//! Fetching it changes nothing. Its button counts only when the button's own handler answers the page's challenge on a click
//! that the browser vouches for; without JavaScript, the code from the same mail does.

use actix_web::error::{InternalError, QueryPayloadError};
use actix_web::http::StatusCode;
use actix_web::http::header::RETRY_AFTER;
use actix_web::{HttpRequest, HttpResponse, web};
use application::{Application, ConfirmPage, ConfirmPageError, Failure, PageProof};
use domain::{Password, Randomness};
use http::kit;
use serde::Deserialize;
use serde_json::json;

use crate::language::Language;
use crate::templates::page;

/// What the link carries.
#[derive(Deserialize)]
pub(crate) struct Link {
    #[serde(default)]
    token: String,
    #[serde(default, rename = "_locale")]
    locale: String,
}

/// What the page sends back.
#[derive(Deserialize)]
pub(crate) struct Submission {
    #[serde(default)]
    token: String,
    #[serde(default)]
    challenge: String,
    #[serde(default)]
    answer: String,
    #[serde(default)]
    code: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    lang: String,
}

/// Asks for a new link: by the old one, or by the address.
#[derive(Deserialize)]
pub(crate) struct ResendRequest {
    #[serde(default)]
    token: String,
    #[serde(default)]
    email: String,
    #[serde(default)]
    lang: String,
}

/// The answers that need no more than a text.
#[derive(Clone, Copy)]
enum Notice {
    Done,
    Already,
    Expired,
    Invalid,
    Resent,
    Busy { retry_after_seconds: u64 },
    Broken,
}

impl Notice {
    /// Status, key of the text in `confirm`, and whether a new link is offered.
    const fn shape(self) -> (StatusCode, &'static str, bool) {
        match self {
            Self::Done => (StatusCode::OK, "done", false),
            Self::Already => (StatusCode::OK, "already", false),
            Self::Expired => (StatusCode::GONE, "expired", true),
            Self::Invalid => (StatusCode::NOT_FOUND, "invalid", true),
            Self::Resent => (StatusCode::OK, "resent", false),
            Self::Busy { .. } => (StatusCode::SERVICE_UNAVAILABLE, "busy", false),
            Self::Broken => (StatusCode::INTERNAL_SERVER_ERROR, "broken", false),
        }
    }
}

impl From<Failure> for Notice {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Busy { retry_after_seconds } => Self::Busy { retry_after_seconds },
            Failure::Internal => Self::Broken,
        }
    }
}

/// `GET` and `HEAD`: shows what the link is worth. Consumes nothing.
pub(crate) async fn show(
    application: web::Data<Application>,
    request: HttpRequest,
    link: web::Query<Link>,
) -> HttpResponse {
    let language = Language::of(&link.locale).unwrap_or_else(|| Language::of_browser(&request));
    open(&application, language, &link.token, None).await
}

/// `POST`: confirms, if a person is there.
pub(crate) async fn submit(
    application: web::Data<Application>,
    request: HttpRequest,
    payload: web::Payload,
) -> HttpResponse {
    let form: Submission = match kit::form(&request, payload).await {
        Ok(form) => form,
        Err(error) => return odd(&application, &request, error.status()),
    };
    let language = Language::of(&form.lang).unwrap_or_else(|| Language::of_browser(&request));
    let proof = match form.code.trim() {
        "" => PageProof::Click { challenge: form.challenge, answer: form.answer },
        code => PageProof::Code(code.to_owned()),
    };
    let password = (!form.password.is_empty()).then(|| Password::new(form.password));
    match application.confirm_from_page(&form.token, proof, password.as_ref()).await {
        Ok(()) => notice(&application, language, Notice::Done, &form.token),
        Err(ConfirmPageError::Failure(failure)) => notice(&application, language, failure.into(), &form.token),
        Err(error) => open(&application, language, &form.token, problem(error)).await,
    }
}

/// `POST …/resend`: a new link, for a link that is too old or an address that has none. Says the same whatever it finds.
pub(crate) async fn resend(
    application: web::Data<Application>,
    request: HttpRequest,
    payload: web::Payload,
) -> HttpResponse {
    let form: ResendRequest = match kit::form(&request, payload).await {
        Ok(form) => form,
        Err(error) => return odd(&application, &request, error.status()),
    };
    let language = Language::of(&form.lang).unwrap_or_else(|| Language::of_browser(&request));
    let resent = match form.email.trim() {
        "" => application.resend_for_link(&form.token).await,
        email => application.resend_confirmation(email).await,
    };
    notice(&application, language, resent.map_or_else(Notice::from, |()| Notice::Resent), &form.token)
}

/// What was wrong with the last try, as the key of a text in `confirm`.
const fn problem(error: ConfirmPageError) -> Option<&'static str> {
    match error {
        ConfirmPageError::NotAPerson => Some("use_code"),
        ConfirmPageError::WrongCode { tries_left: 0 } => Some("no_tries_left"),
        ConfirmPageError::WrongCode { .. } => Some("wrong_code"),
        ConfirmPageError::WrongPassword => Some("wrong_password"),
        ConfirmPageError::Refused | ConfirmPageError::Failure(_) => None,
    }
}

/// The page as the link's state has it; `problem` names the text that says what was wrong with the last try.
async fn open(application: &Application, language: Language, token: &str, problem: Option<&str>) -> HttpResponse {
    match application.confirm_page(token).await {
        Ok(ConfirmPage::Open { challenge, asks_password }) => {
            open_page(application.randomness(), language, token, &challenge, asks_password, problem)
        }
        Ok(ConfirmPage::Confirmed) => notice(application, language, Notice::Already, token),
        Ok(ConfirmPage::Expired) => notice(application, language, Notice::Expired, token),
        Ok(ConfirmPage::Unknown) => notice(application, language, Notice::Invalid, ""),
        Err(failure) => notice(application, language, failure.into(), token),
    }
}

fn open_page(
    randomness: &dyn Randomness,
    language: Language,
    token: &str,
    challenge: &str,
    asks_password: bool,
    problem: Option<&str>,
) -> HttpResponse {
    let status = if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    // Whoever has neither a button that works nor a code that is good needs another link.
    let offers_link = matches!(problem, Some("use_code" | "no_tries_left"));
    let variables = json!({
        "open": true,
        "problem": problem,
        "token": token,
        "challenge": challenge,
        "asks_password": asks_password,
        "notice": null,
        "offers_link": offers_link,
    });
    page(status, "confirm", language, randomness, &variables)
}

fn notice(application: &Application, language: Language, notice: Notice, token: &str) -> HttpResponse {
    notice_page(application.randomness(), language, notice, token)
}

fn notice_page(randomness: &dyn Randomness, language: Language, notice: Notice, token: &str) -> HttpResponse {
    let (status, key, offers_link) = notice.shape();
    let variables = json!({
        "open": false,
        "problem": null,
        "token": token,
        "challenge": "",
        "asks_password": false,
        "notice": key,
        "offers_link": offers_link,
    });
    let mut answer = page(status, "confirm", language, randomness, &variables);
    if let Notice::Busy { retry_after_seconds } = notice {
        answer.headers_mut().insert(RETRY_AFTER, retry_after_seconds.into());
    }
    answer
}

/// What whoever sends something else than a link or a form is shown: the page for a link that is no good.
fn odd(application: &Application, request: &HttpRequest, status: StatusCode) -> HttpResponse {
    let mut page = notice(application, Language::of_browser(request), Notice::Invalid, "");
    *page.status_mut() = status;
    page
}

/// The same for a query that cannot be read.
pub(crate) fn refuse(error: QueryPayloadError, request: &HttpRequest) -> actix_web::Error {
    match request.app_data::<web::Data<Application>>() {
        Some(application) => {
            let page = odd(application, request, StatusCode::BAD_REQUEST);
            InternalError::from_response(error, page).into()
        }
        None => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::body::MessageBody;
    use domain::SystemRandomness;

    fn html(answer: HttpResponse) -> String {
        assert!(!answer.status().is_server_error() || answer.status() == StatusCode::SERVICE_UNAVAILABLE);
        String::from_utf8(answer.into_body().try_into_bytes().unwrap().to_vec()).unwrap()
    }

    fn text(language: Language, key: &str) -> String {
        handlebars::html_escape(language.texts()["confirm"][key].as_str().unwrap())
    }

    #[test]
    fn every_notice_is_said_in_every_language() {
        for language in [Language::English, Language::German] {
            for notice in [
                Notice::Done,
                Notice::Already,
                Notice::Expired,
                Notice::Invalid,
                Notice::Resent,
                Notice::Busy { retry_after_seconds: 1 },
            ] {
                let page = html(notice_page(&SystemRandomness, language, notice, ""));
                assert!(page.contains(&text(language, notice.shape().1)), "{page}");
                assert_eq!(page.contains("/register/confirm/resend"), notice.shape().2, "{page}");
            }
        }
    }

    #[test]
    fn every_problem_is_said_above_a_form_that_still_works() {
        let errors = [
            ConfirmPageError::NotAPerson,
            ConfirmPageError::WrongCode { tries_left: 0 },
            ConfirmPageError::WrongCode { tries_left: 3 },
            ConfirmPageError::WrongPassword,
        ];
        for language in [Language::English, Language::German] {
            for error in errors {
                let key = problem(error).unwrap();
                let page = html(open_page(&SystemRandomness, language, "k", "c", true, Some(key)));
                assert!(page.contains(&text(language, key)) && page.contains("name=\"password\""), "{page}");
            }
        }
    }

    #[test]
    fn what_comes_in_goes_out_escaped() {
        let page = html(open_page(&SystemRandomness, Language::English, "\"><script>", "c", false, None));
        assert!(!page.contains("\"><script>") && !page.contains("name=\"password\""), "{page}");
    }
}
