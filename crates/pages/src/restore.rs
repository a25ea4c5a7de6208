//! `/password/restore?token=`: the page behind the link that leads to a new password; and `/password/forgotten`, which sends one.
//!
//! Fetching them changes nothing. A password that is good, typed twice, uses the link up: nothing that merely follows links or
//! submits forms as they stand types one.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use application::{Application, RestoreForm, RestorePasswordError};
use domain::{Password, PasswordViolation};
use http::kit::PasswordRules;
use serde::Deserialize;
use serde_json::json;

use crate::visit::{Link, Notice, Topic, Visit, read_form};

const DONE: Notice = Notice::new(StatusCode::OK, "done");
const FORGOTTEN: Notice = Notice::new(StatusCode::OK, "forgotten").offering_link();
const SENT: Notice = Notice::new(StatusCode::OK, "sent");
pub(crate) const INVALID: Notice = Notice::new(StatusCode::NOT_FOUND, "invalid").offering_link();

/// What the page sends back.
#[derive(Deserialize)]
pub(crate) struct Submission {
    #[serde(default)]
    token: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    confirm_password: String,
    #[serde(default)]
    lang: String,
}

/// Asks for a link.
#[derive(Deserialize)]
pub(crate) struct ForgottenRequest {
    #[serde(default)]
    email: String,
    #[serde(default)]
    lang: String,
}

/// `GET` and `HEAD`: a form, if the link is good. Consumes nothing.
pub(crate) async fn show(
    application: web::Data<Application>,
    request: HttpRequest,
    link: web::Query<Link>,
) -> HttpResponse {
    let visit = Visit::new(Topic::Restore, &application, &request, &link.locale);
    open(&application, visit, &link.token, &[]).await
}

/// `POST`: sets the password.
pub(crate) async fn submit(
    application: web::Data<Application>,
    rules: web::Data<PasswordRules>,
    request: HttpRequest,
    payload: web::Payload,
) -> HttpResponse {
    let form: Submission = match read_form(Topic::Restore, INVALID, &application, &request, payload).await {
        Ok(form) => form,
        Err(answer) => return answer,
    };
    let visit = Visit::new(Topic::Restore, &application, &request, &form.lang);
    let token = form.token;
    let restore = RestoreForm {
        key: token.clone(),
        email: None,
        password: Password::new(form.password),
        confirm_password: Password::new(form.confirm_password),
    };
    // Others are asked about no password but one that would be set.
    let would_be_set = rules.asks_about_leaks()
        && restore.password == restore.confirm_password
        && rules.policy().violations(&restore.password).is_empty()
        && application.restore_link_is_live(&token).await == Ok(true);
    if would_be_set && rules.is_leaked(&restore.password).await {
        return open(&application, visit, &token, &["leaked"]).await;
    }
    match application.restore_password(restore, rules.policy()).await {
        Ok(()) => visit.notice(DONE, ""),
        Err(RestorePasswordError::Refused) => visit.notice(INVALID, ""),
        Err(RestorePasswordError::Failure(failure)) => visit.notice(failure.into(), ""),
        Err(error) => open(&application, visit, &token, &problems(&error)).await,
    }
}

/// `GET /password/forgotten`: asks for the address.
pub(crate) async fn show_forgotten(application: web::Data<Application>, request: HttpRequest) -> HttpResponse {
    Visit::new(Topic::Restore, &application, &request, "").notice(FORGOTTEN, "")
}

/// `POST /password/forgotten`: sends a link, if there is an account. Says the same whether or not there is one.
pub(crate) async fn request(
    application: web::Data<Application>,
    request: HttpRequest,
    payload: web::Payload,
) -> HttpResponse {
    let form: ForgottenRequest = match read_form(Topic::Restore, INVALID, &application, &request, payload).await {
        Ok(form) => form,
        Err(answer) => return answer,
    };
    let requested = application.request_restore(form.email.trim()).await;
    Visit::new(Topic::Restore, &application, &request, &form.lang)
        .notice(requested.map_or_else(Notice::from, |()| SENT), "")
}

/// What is wrong with the new password, as keys of texts, in the order in which it is told.
fn problems(error: &RestorePasswordError) -> Vec<&'static str> {
    match error {
        RestorePasswordError::PasswordsDiffer => vec!["differ"],
        RestorePasswordError::WeakPassword(violations) => violations.iter().copied().map(problem).collect(),
        RestorePasswordError::Refused | RestorePasswordError::Failure(_) => Vec::new(),
    }
}

const fn problem(violation: PasswordViolation) -> &'static str {
    match violation {
        PasswordViolation::Common => "common_password",
        PasswordViolation::TooShort => "too_short",
        PasswordViolation::TooLong => "too_long",
        PasswordViolation::Repetition => "repetition",
        PasswordViolation::CharacterSet => "character_set",
    }
}

/// The page as the link's state has it, with what was wrong with the last try.
async fn open(application: &Application, visit: Visit<'_>, token: &str, problems: &[&'static str]) -> HttpResponse {
    match application.restore_link_is_live(token).await {
        Ok(true) => form_page(visit, token, problems),
        Ok(false) => visit.notice(INVALID, ""),
        Err(failure) => visit.notice(failure.into(), ""),
    }
}

fn form_page(visit: Visit<'_>, token: &str, problems: &[&'static str]) -> HttpResponse {
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let variables = json!({
        "open": true,
        "problems": problems,
        "token": token,
        "notice": null,
        "offers_link": false,
    });
    visit.page(status, &variables)
}

#[cfg(test)]
mod tests {
    use domain::PasswordPolicy;

    use super::*;
    use crate::language::Language;
    use crate::visit::tests::{LANGUAGES, html, text, visit};

    #[test]
    fn every_notice_is_said_in_every_language() {
        for language in LANGUAGES {
            let visit = visit(Topic::Restore, language);
            for notice in [DONE, FORGOTTEN, SENT, INVALID] {
                let page = html(visit.notice(notice, ""));
                assert!(page.contains(&text(visit, notice.key)) && !page.contains("name=\"password\""), "{page}");
                assert_eq!(page.contains("action=\"/password/forgotten\""), notice.offers_link, "{page}");
            }
        }
    }

    #[test]
    fn every_problem_is_said_above_a_form_that_still_works() {
        use PasswordViolation::{CharacterSet, Common, Repetition, TooLong, TooShort};
        let every = RestorePasswordError::WeakPassword(vec![Common, TooShort, TooLong, Repetition, CharacterSet]);
        for language in LANGUAGES {
            let visit = visit(Topic::Restore, language);
            for keys in [problems(&RestorePasswordError::PasswordsDiffer), problems(&every), vec!["leaked"]] {
                let answer = form_page(visit, "k", &keys);
                assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
                let page = html(answer);
                assert_eq!(page.matches("role=\"alert\"").count(), keys.len(), "{page}");
                let mut rest = page.as_str();
                for key in keys {
                    let told = text(visit, key);
                    rest = rest.split_once(&told).unwrap_or_else(|| panic!("{key} is not in {rest}")).1;
                }
                assert!(rest.contains("name=\"password\"") && rest.contains("name=\"confirm_password\""), "{page}");
            }
        }
    }

    #[test]
    fn the_texts_name_the_numbers_of_the_policy() {
        let policy = PasswordPolicy::glue();
        for language in LANGUAGES {
            let visit = visit(Topic::Restore, language);
            let (least, most) = (policy.min_characters.to_string(), policy.max_characters.to_string());
            assert!(text(visit, "rules").contains(&least) && text(visit, "rules").contains(&most));
            assert!(text(visit, "too_short").contains(&least) && text(visit, "too_long").contains(&most));
        }
    }

    #[test]
    fn what_comes_in_goes_out_escaped() {
        let page = html(form_page(visit(Topic::Restore, Language::English), "\"><script>", &[]));
        assert!(!page.contains("\"><script>"), "{page}");
    }
}
