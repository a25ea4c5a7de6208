//! Which language a page speaks, and its texts.

use std::sync::LazyLock;

use actix_web::HttpRequest;
use actix_web::http::header::ACCEPT_LANGUAGE;
use serde_json::{Map, Value};

/// A language the pages are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    English,
    German,
}

static ENGLISH: LazyLock<Value> = LazyLock::new(|| texts(include_str!("../../../templates/locales/pages.en_US.toml")));
static GERMAN: LazyLock<Value> = LazyLock::new(|| texts(include_str!("../../../templates/locales/pages.de_DE.toml")));

impl Language {
    /// The language of a locale such as `de_DE`, or of a tag such as `de-AT`.
    pub(crate) fn of(name: &str) -> Option<Self> {
        match name.get(..2)?.to_ascii_lowercase().as_str() {
            "en" => Some(Self::English),
            "de" => Some(Self::German),
            _ => None,
        }
    }

    /// What the browser prefers; English when it prefers nothing we have.
    pub(crate) fn of_browser(request: &HttpRequest) -> Self {
        let header = request.headers().get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        header.split(',').find_map(|tag| Self::of(tag.trim())).unwrap_or(Self::English)
    }

    /// The tag for `<html lang>`.
    pub(crate) const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }

    /// The texts of these sections in one. What is in a later section replaces what is in an earlier.
    pub(crate) fn words(self, sections: &[&str]) -> Value {
        let texts: &Value = match self {
            Self::English => &ENGLISH,
            Self::German => &GERMAN,
        };
        let merged: Map<String, Value> = sections
            .iter()
            .filter_map(|section| texts.get(section)?.as_object())
            .flatten()
            .map(|(key, text)| (key.clone(), text.clone()))
            .collect();
        Value::Object(merged)
    }
}

#[expect(clippy::expect_used, reason = "the texts are embedded, and a test reads them all")]
fn texts(toml: &str) -> Value {
    toml::from_str(toml).expect("the embedded texts are TOML")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(value: &Value, prefix: &str) -> Vec<String> {
        value.as_object().map_or_else(
            || vec![prefix.to_owned()],
            |object| object.iter().flat_map(|(key, value)| keys(value, &format!("{prefix}.{key}"))).collect(),
        )
    }

    #[test]
    fn every_text_exists_in_every_language() {
        let (mut english, mut german) = (keys(&ENGLISH, ""), keys(&GERMAN, ""));
        english.sort();
        german.sort();
        assert_eq!(english, german);
    }

    #[test]
    fn the_browser_decides() {
        let of = |header: &str| {
            Language::of_browser(
                &actix_web::test::TestRequest::default().insert_header((ACCEPT_LANGUAGE, header)).to_http_request(),
            )
        };
        assert_eq!(of("fr, de-AT;q=0.8, en;q=0.5"), Language::German);
        assert_eq!(of("fr"), Language::English);
        assert_eq!(of(""), Language::English);
    }
}
