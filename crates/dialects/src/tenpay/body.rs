//! Reads JSON as the web defaults of ASP.NET do: names in any case, what is unknown ignored, numbers also as texts of digits,
//! and what cannot be read told by its JSON path.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

use super::errors::Errors;

const NOT_JSON: &str = "The body is not valid JSON.";
const NO_BODY: &str = "A non-empty request body is required.";
const NO_OBJECT: &str = "The JSON value could not be converted to an object.";
const NO_TEXT: &str = "The JSON value could not be converted to a string.";
const NO_INTEGER: &str = "The JSON value could not be converted to an integer.";

/// A byte order mark, which some clients put before their JSON.
const MARK: &[u8] = "\u{feff}".as_bytes();

/// An object whose members are read one by one.
pub(crate) struct Document<'a> {
    /// `$`, or the path of an object within.
    path: String,
    members: Members<'a>,
}

/// All members in their order, with those that are there twice.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;

        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Members<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(MembersVisitor)
    }
}

impl<'a> Document<'a> {
    /// Reads the body of a request.
    ///
    /// # Errors
    ///
    /// What is wrong with the body as a whole, at `$`.
    pub(crate) fn parse(body: &'a [u8]) -> Result<Self, Errors> {
        let body = body.strip_prefix(MARK).unwrap_or(body);
        let whole = |problem: &'static str| Errors::one("$", problem);
        if body.iter().all(u8::is_ascii_whitespace) {
            return Err(whole(NO_BODY));
        }
        let value: &RawValue = serde_json::from_slice(body).map_err(|_| whole(NOT_JSON))?;
        if value.get() == "null" {
            return Err(whole(NO_BODY));
        }
        Self::read(value, "$".to_owned()).ok_or_else(|| whole(NO_OBJECT))
    }

    /// `None` where it is no object.
    fn read(value: &'a RawValue, path: String) -> Option<Self> {
        serde_json::from_str(value.get()).ok().map(|members| Self { path, members })
    }

    /// The last member of that name that is not null.
    fn find(&self, name: &str) -> Option<&'a RawValue> {
        let named = |(existing, _): &&(String, &RawValue)| existing.eq_ignore_ascii_case(name);
        self.members.0.iter().rev().find(named).map(|(_, value)| *value).filter(|value| value.get() != "null")
    }

    fn path_of(&self, name: &str) -> String {
        format!("{}.{name}", self.path)
    }

    /// A text without NUL, which no database keeps; `None` where it is absent, null, or told in `errors` as no text.
    pub(crate) fn text(&self, name: &str, errors: &mut Errors) -> Option<String> {
        let value = self.find(name)?;
        let text = serde_json::from_str(value.get()).ok().filter(|text: &String| !text.contains('\0'));
        if text.is_none() {
            errors.add(self.path_of(name), NO_TEXT);
        }
        text
    }

    /// A whole number of 32 bits, also as a text of digits; `None` where it is absent, null, or told in `errors` as none.
    pub(crate) fn integer(&self, name: &str, errors: &mut Errors) -> Option<i32> {
        let value = self.find(name)?;
        let number = match serde_json::from_str(value.get()) {
            Ok(Value::Number(number)) => number.as_i64().and_then(|number| i32::try_from(number).ok()),
            Ok(Value::String(text)) => parse_digits(&text),
            _ => None,
        };
        if number.is_none() {
            errors.add(self.path_of(name), NO_INTEGER);
        }
        number
    }

    /// An object and its text as it came; `None` where it is absent, null, or told in `errors` as none.
    pub(crate) fn object(&self, name: &str, errors: &mut Errors) -> Option<(Self, &'a str)> {
        let value = self.find(name)?;
        let object = Self::read(value, self.path_of(name));
        if object.is_none() {
            errors.add(self.path_of(name), NO_OBJECT);
        }
        object.map(|object| (object, value.get()))
    }
}

/// A number of 32 bits in decimal digits, with a minus before them at most.
pub(crate) fn parse_digits(text: &str) -> Option<i32> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let well_formed = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    well_formed.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn errors_of(body: &str) -> Value {
        let document = Document::parse(body.as_bytes());
        let errors = match document {
            Ok(document) => {
                let mut errors = Errors::default();
                document.integer("id", &mut errors);
                document.text("token", &mut errors);
                if let Some((within, _)) = document.object("data", &mut errors) {
                    within.text("type", &mut errors);
                    within.object("data", &mut errors);
                }
                errors
            }
            Err(errors) => errors,
        };
        serde_json::to_value(errors).unwrap()
    }

    #[test]
    fn what_cannot_be_read_is_told_by_its_path() {
        for (holds, body, expected) in [
            ("E5 broken JSON", "{\"id\":1,", json!({"$": [NOT_JSON]})),
            ("E5 something behind the document", "{} x", json!({"$": [NOT_JSON]})),
            ("E5 a member without quotes", "{id:1}", json!({"$": [NOT_JSON]})),
            ("E5 a comma too many", "{\"id\":1,}", json!({"$": [NOT_JSON]})),
            ("E5 no document", " \n", json!({"$": [NO_BODY]})),
            ("E5 nothing", "", json!({"$": [NO_BODY]})),
            ("E5 null", "null", json!({"$": [NO_BODY]})),
            ("E5 a list", "[1]", json!({"$": [NO_OBJECT]})),
            ("E5 a text", "\"x\"", json!({"$": [NO_OBJECT]})),
            ("E5 a token that is a number", r#"{"token":123456}"#, json!({"$.token": [NO_TEXT]})),
            ("G4 a text is no number, whatever its case", r#"{"TOKEN":7}"#, json!({"$.token": [NO_TEXT]})),
            ("E5 a token that is a list", r#"{"token":[]}"#, json!({"$.token": [NO_TEXT]})),
            ("E5 a lone half of a pair", r#"{"token":"\ud800"}"#, json!({"$.token": [NO_TEXT]})),
            ("P8 a NUL", r#"{"token":"a\u0000b"}"#, json!({"$.token": [NO_TEXT]})),
            ("E5 an id that is a word", r#"{"id":"x"}"#, json!({"$.id": [NO_INTEGER]})),
            ("E5 an id that is true", r#"{"id":true}"#, json!({"$.id": [NO_INTEGER]})),
            ("E5 an id with a fraction", r#"{"id":1.0}"#, json!({"$.id": [NO_INTEGER]})),
            ("E5 an id with an exponent", r#"{"id":1e2}"#, json!({"$.id": [NO_INTEGER]})),
            ("G6 an id above int32", r#"{"id":2147483648}"#, json!({"$.id": [NO_INTEGER]})),
            ("G6 the same in digits", r#"{"id":"2147483648"}"#, json!({"$.id": [NO_INTEGER]})),
            ("G4 digits with blanks", r#"{"id":" 1"}"#, json!({"$.id": [NO_INTEGER]})),
            ("G4 no digits at all", r#"{"id":""}"#, json!({"$.id": [NO_INTEGER]})),
            ("C3 data that is a list", r#"{"data":[]}"#, json!({"$.data": [NO_OBJECT]})),
            (
                "C3 a path within",
                r#"{"data":{"type":1,"data":2}}"#,
                json!({"$.data.type": [NO_TEXT], "$.data.data": [NO_OBJECT]}),
            ),
            ("E5 all that is wrong", r#"{"token":1,"id":"x"}"#, json!({"$.id": [NO_INTEGER], "$.token": [NO_TEXT]})),
            ("G4 what is unknown is ignored", r#"{"other":[{}],"id":null}"#, json!({})),
            ("E1 a right one", r#"{"id":1,"token":"x","data":{"type":null}}"#, json!({})),
        ] {
            assert_eq!(errors_of(body), expected, "{holds}");
        }
    }

    #[test]
    fn what_is_right_is_read() {
        let body = "\u{feff}{\"ID\":\"172\",\"id\":null,\"iD\":-5,\"Token\":\"a\\u0301\",\"Data\": {\"x\": 1.50} }";
        let document = Document::parse(body.as_bytes()).unwrap();
        let mut errors = Errors::default();
        assert_eq!(document.integer("id", &mut errors), Some(-5), "the last of one name counts");
        assert_eq!(document.text("token", &mut errors).as_deref(), Some("a\u{301}"));
        assert_eq!(document.object("data", &mut errors).unwrap().1, "{\"x\": 1.50}", "C3 kept as given");
        assert_eq!(document.text("absent", &mut errors), None);
        assert!(errors.is_empty());
        for (text, expected) in [("0172", Some(172)), ("-1", Some(-1)), ("2147483647", Some(i32::MAX)), ("+1", None)] {
            assert_eq!(parse_digits(text), expected, "{text}");
        }
    }

    #[test]
    fn depth_brings_nothing_down() {
        let deep = format!("{{\"data\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(errors_of(&deep), json!({"$.data": [NO_OBJECT]}));
    }
}
