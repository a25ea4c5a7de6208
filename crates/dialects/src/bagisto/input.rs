//! Reading bodies: one JSON object, whose names may be spelled in camel case or in snake case.

use actix_web::http::header::{CONTENT_TYPE, HeaderMap};
use serde_json::{Map, Value};

/// Why a body is no input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// Nothing says what the body is.
    NoContentType,
    /// It is something else than JSON.
    ContentType(String),
    /// It is no JSON object.
    Syntax,
    /// A value has another type than its attribute.
    WrongType { attribute: &'static str, expected: &'static str, given: &'static str },
    /// It is longer than what is read.
    TooLarge,
    /// It did not arrive in time.
    Timeout,
}

/// Whether a body may be read as JSON.
///
/// # Errors
///
/// [`Unreadable::NoContentType`] and [`Unreadable::ContentType`].
pub(super) fn check_content_type(headers: &HeaderMap) -> Result<(), Unreadable> {
    let Some(value) = headers.get(CONTENT_TYPE).filter(|value| !value.is_empty()) else {
        return Err(Unreadable::NoContentType);
    };
    let text = String::from_utf8_lossy(value.as_bytes());
    let media_type = text.split(';').next().unwrap_or_default().trim();
    if media_type.eq_ignore_ascii_case("application/json") {
        Ok(())
    } else {
        Err(Unreadable::ContentType(media_type.to_owned()))
    }
}

/// What a client sent, under the names in snake case.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Input(Map<String, Value>);

impl Input {
    /// Reads a body. An empty one is an object without members. Of a name that is there twice, in whatever spelling, the last
    /// counts.
    ///
    /// # Errors
    ///
    /// [`Unreadable::Syntax`]
    pub(super) fn parse(body: &[u8]) -> Result<Self, Unreadable> {
        if body.trim_ascii().is_empty() {
            return Ok(Self::default());
        }
        match serde_json::from_slice(body) {
            Ok(Value::Object(members)) => {
                Ok(Self(members.into_iter().map(|(name, value)| (snake_case(&name), value)).collect()))
            }
            _ => Err(Unreadable::Syntax),
        }
    }

    /// A text; none where it is absent or null.
    ///
    /// # Errors
    ///
    /// [`Unreadable::WrongType`]
    pub(super) fn text(&self, attribute: &'static str) -> Result<Option<String>, Unreadable> {
        match self.value(attribute) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(other) => Err(wrong_type(attribute, "string", other)),
        }
    }

    /// A truth; none where it is absent or null.
    ///
    /// # Errors
    ///
    /// [`Unreadable::WrongType`]
    pub(super) fn flag(&self, attribute: &'static str) -> Result<Option<bool>, Unreadable> {
        match self.value(attribute) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(other) => Err(wrong_type(attribute, "bool", other)),
        }
    }

    /// Whatever is there; none where it is absent or null.
    pub(super) fn value(&self, attribute: &str) -> Option<&Value> {
        self.0.get(attribute).filter(|value| !value.is_null())
    }
}

fn wrong_type(attribute: &'static str, expected: &'static str, given: &Value) -> Unreadable {
    // As PHP calls them, to which an object is an array as well.
    let given = match given {
        Value::Null => "NULL",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "double",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) | Value::Object(_) => "array",
    };
    Unreadable::WrongType { attribute, expected, given }
}

/// `first_name`, of `firstName` as of `first_name`.
fn snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    for (index, character) in name.char_indices() {
        if character.is_ascii_uppercase() && index > 0 {
            snake.push('_');
        }
        snake.push(character.to_ascii_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;
    use proptest::prelude::*;

    fn read(body: &str) -> Result<Input, Unreadable> {
        Input::parse(body.as_bytes())
    }

    #[test]
    fn both_spellings_are_the_same_and_the_last_counts() {
        for (body, expected) in [
            (r#"{"firstName": "A"}"#, Some("A")),
            (r#"{"first_name": "A"}"#, Some("A")),
            (r#"{"firstName": "A", "first_name": "B"}"#, Some("B")),
            (r#"{"first_name": "B", "firstName": "A"}"#, Some("A")),
            (r#"{"firstName": null}"#, None),
            (r#"{"firstname": "A"}"#, None),
            (r#"{"password_confirmation": "A", "unknown": [1, {}]}"#, None),
            ("{}", None),
            ("", None),
            (" \n", None),
        ] {
            assert_eq!(read(body).unwrap().text("first_name"), Ok(expected.map(str::to_owned)), "{body}");
        }
        assert_eq!(
            read(r#"{"subscribedToNewsLetter": true}"#).unwrap().flag("subscribed_to_news_letter"),
            Ok(Some(true))
        );
    }

    #[test]
    fn what_is_no_object_is_a_syntax_error() {
        let deep = "[".repeat(100_000);
        for body in ["{bad", "[]", "1", "\"a\"", "null", "[1]", "{\"a\":1}}", "{\"a\":\"\\ud800\"}", &deep] {
            assert_eq!(read(body), Err(Unreadable::Syntax), "{body:.20}");
        }
        assert_eq!(Input::parse(b"{\"a\":\"\xff\"}"), Err(Unreadable::Syntax));
    }

    #[test]
    fn a_value_of_another_type_is_named() {
        for (value, given) in [
            ("1", "integer"),
            ("-1", "integer"),
            ("1.5", "double"),
            ("true", "boolean"),
            ("[]", "array"),
            ("{\"a\":1}", "array"),
        ] {
            let input = read(&format!("{{\"firstName\": {value}}}")).unwrap();
            let expected = Unreadable::WrongType { attribute: "first_name", expected: "string", given };
            assert_eq!(input.text("first_name"), Err(expected), "{value}");
        }
        for (value, given) in [("1", "integer"), ("\"true\"", "string"), ("[]", "array")] {
            let input = read(&format!("{{\"subscribed_to_news_letter\": {value}}}")).unwrap();
            let expected = Unreadable::WrongType { attribute: "subscribed_to_news_letter", expected: "bool", given };
            assert_eq!(input.flag("subscribed_to_news_letter"), Err(expected), "{value}");
        }
    }

    #[test]
    fn only_json_is_read() {
        let check = |value: Option<&str>| {
            let headers = value.map(|value| (CONTENT_TYPE, HeaderValue::from_str(value).unwrap()));
            check_content_type(&headers.into_iter().collect())
        };
        for good in ["application/json", "application/json; charset=utf-8", "Application/JSON ;charset=UTF-8"] {
            assert_eq!(check(Some(good)), Ok(()), "{good}");
        }
        for (bad, named) in [
            ("text/plain", "text/plain"),
            ("text/plain; charset=utf-8", "text/plain"),
            ("application/ld+json", "application/ld+json"),
            (";", ""),
        ] {
            assert_eq!(check(Some(bad)), Err(Unreadable::ContentType(named.to_owned())), "{bad}");
        }
        assert_eq!(check(None), Err(Unreadable::NoContentType));
        assert_eq!(check(Some("")), Err(Unreadable::NoContentType));
    }

    proptest! {
        #[test]
        fn reading_never_panics(body in any::<Vec<u8>>()) {
            let _ = Input::parse(&body);
        }
    }
}
