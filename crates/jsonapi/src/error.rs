//! Documents that carry errors.

use std::borrow::Cow;

use serde::Serialize;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ErrorObject {
    /// The application's code. Text, because leading zeros count; left out where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'static str>,
    /// The HTTP status. A number, as Glue's clients expect it.
    pub status: u16,
    /// This case in words, which clients compare literally.
    pub detail: Cow<'static, str>,
    /// The kind of problem in words, always the same for one code.
    pub title: &'static str,
    /// What in the request is to blame.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
}

/// What in a request is to blame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Source {
    /// A JSON pointer (RFC 6901) to something that is in the request document.
    Pointer(String),
    /// The name of a query parameter.
    Parameter(&'static str),
    /// The name of a header.
    Header(&'static str),
}

/// A document that tells what is wrong: at least one error.
#[derive(Debug, Serialize)]
pub struct ErrorDocument<'a> {
    /// The errors, in the order in which they were found.
    pub errors: &'a [ErrorObject],
}

impl ErrorDocument<'_> {
    /// The status of the answer as a whole: that of the last error. 500 when there is none, which is a mistake of ours.
    pub fn status(&self) -> u16 {
        self.errors.last().map_or(500, |error| error.status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(code: Option<&'static str>, status: u16, source: Option<Source>) -> ErrorObject {
        ErrorObject { code, status, detail: Cow::Borrowed("Not Found"), title: "Not Found", source }
    }

    #[test]
    fn codes_are_texts_and_statuses_numbers() {
        let pointer = Source::Pointer("/data/attributes/email".to_owned());
        let text = serde_json::to_string(&error(Some("001"), 401, Some(pointer))).unwrap();
        assert_eq!(
            text,
            r#"{"code":"001","status":401,"detail":"Not Found","title":"Not Found","source":{"pointer":"/data/attributes/email"}}"#
        );
    }

    #[test]
    fn generic_errors_have_no_code_at_all() {
        let errors = [error(None, 404, None)];
        let text = serde_json::to_string(&ErrorDocument { errors: &errors }).unwrap();
        assert_eq!(text, r#"{"errors":[{"status":404,"detail":"Not Found","title":"Not Found"}]}"#);
    }

    #[test]
    fn the_last_error_decides_the_status() {
        let errors = [error(None, 400, None), error(None, 422, Some(Source::Header("Accept")))];
        assert_eq!(ErrorDocument { errors: &errors }.status(), 422);
        assert_eq!(ErrorDocument { errors: &[] }.status(), 500);
    }
}
