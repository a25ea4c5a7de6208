//! What the pages behind mailed links have in common: a visitor, the link they followed, and answers that are only a text.

use actix_web::error::{InternalError, QueryPayloadError};
use actix_web::http::StatusCode;
use actix_web::http::header::RETRY_AFTER;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use application::{Application, Failure};
use domain::Randomness;
use http::kit;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::language::Language;
use crate::templates;

/// What a page is about: which template it is made with, in which words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Topic {
    /// Confirming a registration.
    Confirmation,
    /// Confirming the new address of an account.
    EmailChange,
    /// Choosing a new password, and asking for a link that leads there.
    Restore,
}

impl Topic {
    /// The name of the template.
    pub(crate) const fn template(self) -> &'static str {
        match self {
            Self::Confirmation | Self::EmailChange => "confirm",
            Self::Restore => "restore",
        }
    }

    /// The sections of texts that the template finds as `t`. What is in a later one replaces what is in an earlier.
    pub(crate) const fn sections(self) -> &'static [&'static str] {
        match self {
            Self::Confirmation => &["common", "confirm"],
            Self::EmailChange => &["common", "confirm", "email_change"],
            Self::Restore => &["common", "restore"],
        }
    }
}

/// What a mailed link carries.
#[derive(Deserialize)]
pub(crate) struct Link {
    #[serde(default)]
    pub(crate) token: String,
    #[serde(default, rename = "_locale")]
    pub(crate) locale: String,
}

/// An answer that needs no more than a text.
#[derive(Clone, Copy)]
pub(crate) struct Notice {
    status: StatusCode,
    /// The key of the text.
    pub(crate) key: &'static str,
    /// Whether a new link is offered.
    pub(crate) offers_link: bool,
    retry_after_seconds: Option<u64>,
}

impl Notice {
    /// A text, and nothing to do but read it.
    pub(crate) const fn new(status: StatusCode, key: &'static str) -> Self {
        Self { status, key, offers_link: false, retry_after_seconds: None }
    }

    /// The same with the offer of a new link.
    pub(crate) const fn offering_link(self) -> Self {
        Self { offers_link: true, ..self }
    }

    /// The same with another status.
    const fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }
}

impl From<Failure> for Notice {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Busy { retry_after_seconds } => Self {
                retry_after_seconds: Some(retry_after_seconds),
                ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy")
            },
            Failure::Internal => Self::new(StatusCode::INTERNAL_SERVER_ERROR, "broken"),
        }
    }
}

/// Somebody who looks at a page.
#[derive(Clone, Copy)]
pub(crate) struct Visit<'a> {
    pub(crate) topic: Topic,
    pub(crate) language: Language,
    pub(crate) randomness: &'a dyn Randomness,
}

impl<'a> Visit<'a> {
    /// A visit in the language that `named` names, as a link or a form does, else in the browser's.
    pub(crate) fn new(topic: Topic, application: &'a Application, request: &HttpRequest, named: &str) -> Self {
        let language = Language::of(named).unwrap_or_else(|| Language::of_browser(request));
        Self { topic, language, randomness: application.randomness() }
    }

    /// The same visit to a page that is about something else.
    pub(crate) const fn about(self, topic: Topic) -> Self {
        Self { topic, ..self }
    }

    /// A page with these variables.
    pub(crate) fn page(self, status: StatusCode, variables: &Value) -> HttpResponse {
        let words = self.language.words(self.topic.sections());
        templates::page(status, self.topic.template(), self.language, &words, self.randomness, variables)
    }

    /// A page that is only a text. With an offered link it asks for one by `token`, or by the address where that is empty.
    pub(crate) fn notice(self, notice: Notice, token: &str) -> HttpResponse {
        let variables =
            json!({ "open": false, "notice": notice.key, "offers_link": notice.offers_link, "token": token });
        let mut answer = self.page(notice.status, &variables);
        if let Some(seconds) = notice.retry_after_seconds {
            answer.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        answer
    }
}

/// Reads a form, or answers what is no such form with the page for a link that is no good.
pub(crate) async fn read_form<T: DeserializeOwned>(
    topic: Topic,
    no_good: Notice,
    application: &Application,
    request: &HttpRequest,
    payload: Payload,
) -> Result<T, HttpResponse> {
    kit::form(request, payload)
        .await
        .map_err(|error| Visit::new(topic, application, request, "").notice(no_good.with_status(error.status()), ""))
}

/// Answers a query that cannot be read with the page for a link that is no good.
pub(crate) fn refuse_query(
    topic: Topic,
    no_good: Notice,
    error: QueryPayloadError,
    request: &HttpRequest,
) -> actix_web::Error {
    match request.app_data::<Data<Application>>() {
        Some(application) => {
            let visit = Visit::new(topic, application, request, "");
            let page = visit.notice(no_good.with_status(StatusCode::BAD_REQUEST), "");
            InternalError::from_response(error, page).into()
        }
        None => error.into(),
    }
}

/// What tests of pages share.
#[cfg(test)]
pub(crate) mod tests {
    use actix_web::body::MessageBody;
    use domain::SystemRandomness;

    use super::*;

    pub(crate) const LANGUAGES: [Language; 2] = [Language::English, Language::German];

    pub(crate) fn visit(topic: Topic, language: Language) -> Visit<'static> {
        Visit { topic, language, randomness: &SystemRandomness }
    }

    /// The page, which has to be one and not the sign that none could be rendered.
    pub(crate) fn html(answer: HttpResponse) -> String {
        let page = String::from_utf8(answer.into_body().try_into_bytes().unwrap().to_vec()).unwrap();
        assert!(page.starts_with("<!doctype html>"), "{page}");
        page
    }

    /// A text as a page of that topic shows it.
    pub(crate) fn text(visit: Visit<'_>, key: &str) -> String {
        handlebars::html_escape(visit.language.words(visit.topic.sections())[key].as_str().unwrap())
    }

    #[test]
    fn a_failure_is_told_and_says_when_to_come_back() {
        for topic in [Topic::Confirmation, Topic::EmailChange, Topic::Restore] {
            for language in LANGUAGES {
                let visit = visit(topic, language);
                let busy = visit.notice(Failure::Busy { retry_after_seconds: 7 }.into(), "k");
                assert_eq!(
                    (busy.status().as_u16(), busy.headers().get(RETRY_AFTER).unwrap()),
                    (503, &"7".parse().unwrap())
                );
                assert!(html(busy).contains(&text(visit, "busy")));
                let broken = visit.notice(Failure::Internal.into(), "k");
                assert!(!broken.headers().contains_key(RETRY_AFTER));
                assert!(html(broken).contains(&text(visit, "broken")));
            }
        }
    }
}
