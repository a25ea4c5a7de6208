//! Documents that carry errors.

use std::borrow::Cow;

use serde::ser::{SerializeSeq, SerializeStruct};
use serde::{Serialize, Serializer};

use crate::{Implementation, Mode};

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorObject {
    /// The application's code. Text, because leading zeros count; left out where there is none.
    pub code: Option<&'static str>,
    /// The HTTP status.
    pub status: u16,
    /// This case in words, which clients compare literally.
    pub detail: Cow<'static, str>,
    /// The kind of problem in words, always the same for one code.
    pub title: &'static str,
    /// What in the request is to blame.
    pub source: Option<Source>,
}

/// What in a request is to blame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Source {
    /// A JSON pointer (RFC 6901) to something that is in the request document.
    Pointer(String),
    /// The name of a query parameter.
    Parameter(Cow<'static, str>),
    /// The name of a header.
    Header(&'static str),
}

/// A document that tells what is wrong: at least one error.
#[derive(Clone, Copy, Debug)]
pub struct ErrorDocument<'a> {
    /// What speaks here, where that is told.
    pub jsonapi: Option<Implementation>,
    /// The errors, in the order in which they were found.
    pub errors: &'a [ErrorObject],
    /// The identity of the request, from which each error gets one of its own; none where it is not known.
    pub id: Option<&'a str>,
    /// How it is told.
    pub mode: Mode,
}

impl ErrorDocument<'_> {
    /// The status of the answer as a whole: that of the last error. 500 when there is none, which is a mistake of ours.
    pub fn status(&self) -> u16 {
        self.errors.last().map_or(500, |error| error.status)
    }
}

impl Serialize for ErrorDocument<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut document = serializer.serialize_struct("ErrorDocument", 2)?;
        if let Some(jsonapi) = &self.jsonapi {
            document.serialize_field("jsonapi", jsonapi)?;
        }
        document.serialize_field("errors", &Errors(self))?;
        document.end()
    }
}

struct Errors<'a>(&'a ErrorDocument<'a>);

impl Serialize for Errors<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(document) = self;
        let mut errors = serializer.serialize_seq(Some(document.errors.len()))?;
        for (place, error) in document.errors.iter().enumerate() {
            errors.serialize_element(&ErrorAt { document, place, error })?;
        }
        errors.end()
    }
}

/// An error where it stands in its document.
struct ErrorAt<'a> {
    document: &'a ErrorDocument<'a>,
    place: usize,
    error: &'a ErrorObject,
}

impl Serialize for ErrorAt<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { document: ErrorDocument { id, mode, .. }, place, error } = *self;
        let mut object = serializer.serialize_struct("ErrorObject", 6)?;
        if let Some(code) = error.code {
            object.serialize_field("code", code)?;
        }
        if mode.status_is_text() {
            object.serialize_field("status", &Text(format_args!("{}", error.status)))?;
        } else {
            object.serialize_field("status", &error.status)?;
        }
        object.serialize_field("detail", &error.detail)?;
        object.serialize_field("title", error.title)?;
        if let Some(source) = &error.source {
            object.serialize_field("source", source)?;
        }
        if let Some(id) = id {
            match place {
                0 => object.serialize_field("id", id)?,
                place => object.serialize_field("id", &Text(format_args!("{id}.{place}")))?,
            }
        }
        object.end()
    }
}

/// A text that is made while it is written.
struct Text<'a>(std::fmt::Arguments<'a>);

impl Serialize for Text<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn error(code: Option<&'static str>, status: u16, source: Option<Source>) -> ErrorObject {
        ErrorObject { code, status, detail: Cow::Borrowed("Not Found"), title: "Not Found", source }
    }

    fn document(errors: &[ErrorObject], mode: Mode) -> ErrorDocument<'_> {
        ErrorDocument { jsonapi: None, errors, id: None, mode }
    }

    #[test]
    fn codes_are_texts_and_statuses_numbers() {
        let errors = [error(Some("001"), 401, Some(Source::Pointer("/data/attributes/email".to_owned())))];
        assert_eq!(
            serde_json::to_string(&document(&errors, Mode::Glue)).unwrap(),
            r#"{"errors":[{"code":"001","status":401,"detail":"Not Found","title":"Not Found","source":{"pointer":"/data/attributes/email"}}]}"#
        );
    }

    #[test]
    fn generic_errors_have_no_code_at_all() {
        let errors = [error(None, 404, None)];
        let text = serde_json::to_string(&document(&errors, Mode::Glue)).unwrap();
        assert_eq!(text, r#"{"errors":[{"status":404,"detail":"Not Found","title":"Not Found"}]}"#);
    }

    #[test]
    fn to_the_letter_a_status_is_a_text() {
        let errors = [error(None, 404, None)];
        let text = serde_json::to_string(&document(&errors, Mode::Strict)).unwrap();
        assert_eq!(text, r#"{"errors":[{"status":"404","detail":"Not Found","title":"Not Found"}]}"#);
    }

    #[test]
    fn each_error_has_an_identity_of_its_own() {
        let errors = [error(None, 400, None), error(None, 400, None)];
        let jsonapi = Some(Implementation::CURRENT);
        let document = ErrorDocument { jsonapi, id: Some("abc"), ..document(&errors, Mode::Glue) };
        let json = serde_json::to_value(document).unwrap();
        assert_eq!((&json["errors"][0]["id"], &json["errors"][1]["id"]), (&json!("abc"), &json!("abc.1")));
        assert_eq!(json["jsonapi"], json!({"version": "1.1"}));
    }

    #[test]
    fn the_last_error_decides_the_status() {
        let errors = [error(None, 400, None), error(None, 422, Some(Source::Header("Accept")))];
        assert_eq!(document(&errors, Mode::Glue).status(), 422);
        assert_eq!(document(&[], Mode::Glue).status(), 500);
    }
}
