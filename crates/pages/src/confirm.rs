//! `/register/confirm?token=`: the page behind the link that confirms an address, of a registration or of an account that moves.
//!
//! Fetching it changes nothing. Its button counts only when the button's own handler answers the page's challenge on a click
//! that the browser vouches for; without JavaScript, the code from the same mail does.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use application::{Application, ConfirmPage, ConfirmPageError, PageProof};
use domain::Password;
use serde::Deserialize;
use serde_json::json;

use crate::visit::{Link, Notice, Topic, Visit, read_form};

const DONE: Notice = Notice::new(StatusCode::OK, "done");
const ALREADY: Notice = Notice::new(StatusCode::OK, "already");
const RESENT: Notice = Notice::new(StatusCode::OK, "resent");
const EXPIRED: Notice = Notice::new(StatusCode::GONE, "expired").offering_link();
/// Another link can only be had by whoever is logged in.
const CHANGE_EXPIRED: Notice = Notice::new(StatusCode::GONE, "expired");
pub(crate) const INVALID: Notice = Notice::new(StatusCode::NOT_FOUND, "invalid").offering_link();

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
    /// What the page was about; it chooses the words of the answer and nothing else.
    #[serde(default)]
    moves: String,
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

/// `GET` and `HEAD`: shows what the link is worth. Consumes nothing.
pub(crate) async fn show(
    application: web::Data<Application>,
    request: HttpRequest,
    link: web::Query<Link>,
) -> HttpResponse {
    let visit = Visit::new(Topic::Confirmation, &application, &request, &link.locale);
    open(&application, visit, &link.token, None).await
}

/// `POST`: confirms, if a person is there.
pub(crate) async fn submit(
    application: web::Data<Application>,
    request: HttpRequest,
    payload: web::Payload,
) -> HttpResponse {
    let form: Submission = match read_form(Topic::Confirmation, INVALID, &application, &request, payload).await {
        Ok(form) => form,
        Err(answer) => return answer,
    };
    let topic = if form.moves.is_empty() { Topic::Confirmation } else { Topic::EmailChange };
    let visit = Visit::new(topic, &application, &request, &form.lang);
    let proof = match form.code.trim() {
        "" => PageProof::Click { challenge: form.challenge, answer: form.answer },
        code => PageProof::Code(code.to_owned()),
    };
    let password = (!form.password.is_empty()).then(|| Password::new(form.password));
    match application.confirm_from_page(&form.token, proof, password.as_ref()).await {
        Ok(()) => visit.notice(DONE, &form.token),
        Err(ConfirmPageError::Failure(failure)) => visit.notice(failure.into(), &form.token),
        Err(error) => open(&application, visit.about(Topic::Confirmation), &form.token, problem(error)).await,
    }
}

/// `POST …/resend`: a new link, for a link that is too old or an address that has none. Says the same whatever it finds.
pub(crate) async fn resend(
    application: web::Data<Application>,
    request: HttpRequest,
    payload: web::Payload,
) -> HttpResponse {
    let form: ResendRequest = match read_form(Topic::Confirmation, INVALID, &application, &request, payload).await {
        Ok(form) => form,
        Err(answer) => return answer,
    };
    let resent = match form.email.trim() {
        "" => application.resend_for_link(&form.token).await,
        email => application.resend_confirmation(email).await,
    };
    Visit::new(Topic::Confirmation, &application, &request, &form.lang)
        .notice(resent.map_or_else(Notice::from, |()| RESENT), &form.token)
}

/// What was wrong with the last try, as the key of a text.
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
async fn open(application: &Application, visit: Visit<'_>, token: &str, problem: Option<&str>) -> HttpResponse {
    match application.confirm_page(token).await {
        Ok(ConfirmPage::Open { challenge, asks_password }) => {
            open_page(visit, token, &challenge, asks_password, problem)
        }
        Ok(ConfirmPage::EmailChange { challenge }) => {
            open_page(visit.about(Topic::EmailChange), token, &challenge, false, problem)
        }
        Ok(ConfirmPage::Confirmed) => visit.notice(ALREADY, token),
        Ok(ConfirmPage::Expired) => visit.notice(EXPIRED, token),
        Ok(ConfirmPage::EmailChangeExpired) => visit.about(Topic::EmailChange).notice(CHANGE_EXPIRED, ""),
        Ok(ConfirmPage::Unknown) => visit.notice(INVALID, ""),
        Err(failure) => visit.notice(failure.into(), token),
    }
}

fn open_page(
    visit: Visit<'_>,
    token: &str,
    challenge: &str,
    asks_password: bool,
    problem: Option<&str>,
) -> HttpResponse {
    let status = if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let moves = visit.topic == Topic::EmailChange;
    // Whoever has neither a button that works nor a code that is good needs another link. That of an account that moves can
    // only be had by whoever is logged in.
    let offers_link = !moves && matches!(problem, Some("use_code" | "no_tries_left"));
    let variables = json!({
        "open": true,
        "problem": problem,
        "token": token,
        "challenge": challenge,
        "moves": moves,
        "asks_password": asks_password,
        "notice": null,
        "offers_link": offers_link,
    });
    visit.page(status, &variables)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::Language;
    use crate::visit::tests::{LANGUAGES, html, text, visit};

    #[test]
    fn every_notice_is_said_in_every_language() {
        for language in LANGUAGES {
            for topic in [Topic::Confirmation, Topic::EmailChange] {
                for notice in [DONE, ALREADY, EXPIRED, CHANGE_EXPIRED, INVALID, RESENT] {
                    let visit = visit(topic, language);
                    let page = html(visit.notice(notice, ""));
                    assert!(page.contains(&text(visit, notice.key)), "{page}");
                    assert_eq!(page.contains("/register/confirm/resend"), notice.offers_link, "{page}");
                }
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
        for language in LANGUAGES {
            for error in errors {
                let visit = visit(Topic::Confirmation, language);
                let key = problem(error).unwrap();
                let page = html(open_page(visit, "k", "c", true, Some(key)));
                assert!(page.contains(&text(visit, key)) && page.contains("name=\"password\""), "{page}");
            }
        }
    }

    #[test]
    fn an_account_that_moves_has_words_of_its_own_and_no_second_link() {
        for language in LANGUAGES {
            let (moving, signing_up) = (visit(Topic::EmailChange, language), visit(Topic::Confirmation, language));
            for key in ["title", "intro", "button", "done", "use_code", "no_tries_left"] {
                assert_ne!(text(moving, key), text(signing_up, key), "{key}");
            }
            for problem in [None, Some("use_code"), Some("no_tries_left"), Some("wrong_code")] {
                let page = html(open_page(moving, "k", "c", false, problem));
                assert!(page.contains(&text(moving, problem.unwrap_or("intro"))), "{page}");
                assert!(!page.contains("/register/confirm/resend") && !page.contains("name=\"password\""), "{page}");
                assert_eq!(page.matches("name=\"moves\" value=\"1\"").count(), 2, "{page}");
            }
            assert!(!html(open_page(signing_up, "k", "c", false, None)).contains("name=\"moves\""));
        }
    }

    #[test]
    fn what_comes_in_goes_out_escaped() {
        let visit = visit(Topic::Confirmation, Language::English);
        let page = html(open_page(visit, "\"><script>", "c", false, None));
        assert!(!page.contains("\"><script>") && !page.contains("name=\"password\""), "{page}");
    }
}
