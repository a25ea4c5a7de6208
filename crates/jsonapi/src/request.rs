//! Request documents: `data.type` and `data.attributes` of a create or an update.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// What a request to create or to change a resource says.
#[derive(Debug, PartialEq)]
pub struct RequestDocument {
    /// `data.id`, whatever it is; none where it is absent or `null`.
    pub id: Option<Value>,
    /// `data.attributes`, perhaps empty.
    pub attributes: Map<String, Value>,
    /// Whether `data.relationships` names any.
    pub has_relationships: bool,
}

/// Why a body is no request document, in the order of precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestProblem {
    /// `data.type` is there and is not the type of the URL.
    WrongType,
    /// No JSON, a name twice in one object, nested deeper than 128, or no `data`, `data.type` or `data.attributes` object.
    Malformed,
}

/// Reads a request document that must be about resources of type `kind`. Members it does not know are ignored.
///
/// An object that has a name twice is refused: two readers could take it for two different requests.
///
/// # Errors
///
/// What the first problem is.
pub fn read_request(body: &[u8], kind: &str) -> Result<RequestDocument, RequestProblem> {
    let UniqueNames(document) = serde_json::from_slice(body).map_err(|_| RequestProblem::Malformed)?;
    let Value::Object(mut document) = document else { return Err(RequestProblem::Malformed) };
    let Some(Value::Object(mut data)) = document.swap_remove("data") else { return Err(RequestProblem::Malformed) };
    match data.get("type") {
        None | Some(Value::Null) => return Err(RequestProblem::Malformed),
        Some(Value::String(named)) if named == kind => (),
        Some(_) => return Err(RequestProblem::WrongType),
    }
    let Some(Value::Object(attributes)) = data.swap_remove("attributes") else {
        return Err(RequestProblem::Malformed);
    };
    let id = data.swap_remove("id").filter(|id| !id.is_null());
    let has_relationships =
        data.get("relationships").and_then(Value::as_object).is_some_and(|relationships| !relationships.is_empty());
    Ok(RequestDocument { id, attributes, has_relationships })
}

/// A JSON value in which no object has a name twice. Depth is limited by `serde_json` itself.
struct UniqueNames(Value);

impl<'de> Deserialize<'de> for UniqueNames {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UniqueNamesVisitor).map(Self)
    }
}

struct UniqueNamesVisitor;

impl<'de> Visitor<'de> for UniqueNamesVisitor {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON without repeated names")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(UniqueNames(element)) = elements.next_element()? {
            array.push(element);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some((name, UniqueNames(value))) = members.next_entry::<String, _>()? {
            if object.insert(name, value).is_some() {
                return Err(A::Error::custom("a name stands twice in one object"));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn read(body: &str) -> Result<RequestDocument, RequestProblem> {
        read_request(body.as_bytes(), "customers")
    }

    #[test]
    fn a_well_formed_document_yields_its_attributes() {
        let document = read(
            r#"{"meta":{},"data":{"type":"customers","id":"x","lid":"1","attributes":{"email":"a@b.c","n":[1,-2,2.5,null,true]}}}"#,
        )
        .unwrap();
        assert_eq!(document.id, Some(json!("x")));
        assert_eq!(Value::Object(document.attributes), json!({"email": "a@b.c", "n": [1, -2, 2.5, null, true]}));
        assert!(read(r#"{"data":{"type":"customers","attributes":{}}}"#).unwrap().attributes.is_empty());
    }

    #[test]
    fn what_the_mode_may_refuse_is_told_of() {
        let with = |members: &str| {
            let document = read(&format!(r#"{{"data":{{"type":"customers","attributes":{{}}{members}}}}}"#)).unwrap();
            (document.id, document.has_relationships)
        };
        for (members, expected) in [
            ("", (None, false)),
            (r#","id":null,"relationships":null"#, (None, false)),
            (r#","id":5,"relationships":{}"#, (Some(json!(5)), false)),
            (r#","id":"","relationships":{"addresses":{"data":[]}}"#, (Some(json!("")), true)),
        ] {
            assert_eq!(with(members), expected, "{members}");
        }
    }

    #[test]
    fn another_type_is_told_before_anything_else_that_is_missing() {
        for body in [
            r#"{"data":{"type":"customer","attributes":{}}}"#,
            r#"{"data":{"type":"Customers"}}"#,
            r#"{"data":{"type":""}}"#,
            r#"{"data":{"type":5}}"#,
            r#"{"data":{"type":["customers"]}}"#,
        ] {
            assert_eq!(read(body), Err(RequestProblem::WrongType), "{body}");
        }
    }

    #[test]
    fn what_is_no_request_document_is_malformed() {
        let deep = format!(
            r#"{{"data":{{"type":"customers","attributes":{{"x":{}{}}}}}}}"#,
            "[".repeat(30_000),
            "]".repeat(30_000)
        );
        for body in [
            "",
            " ",
            "null",
            "[]",
            "{}",
            "{",
            "x",
            r#"{"data":null}"#,
            r#"{"data":[]}"#,
            r#"{"data":"customers"}"#,
            r#"{"data":{}}"#,
            r#"{"data":{"attributes":{}}}"#,
            r#"{"data":{"type":null,"attributes":{}}}"#,
            r#"{"data":{"type":"customers"}}"#,
            r#"{"data":{"type":"customers","attributes":null}}"#,
            r#"{"data":{"type":"customers","attributes":[]}}"#,
            r#"{"data":{"type":"customers","attributes":"x"}}"#,
            r#"{"data":{"type":"customers","attributes":{}}} trailing"#,
            r#"{"data":{"type":"customers","attributes":{"a":"\ud800"}}}"#,
            r#"{"data":{"type":"customers","attributes":{"a":"\udc00x"}}}"#,
            r#"{"data":{"type":"customers","attributes":{"a":1e999}}}"#,
            r#"{"data":{"type":"customers","attributes":{"a":1,"a":2}}}"#,
            r#"{"data":{"type":"x","type":"customers","attributes":{}}}"#,
            r#"{"data":{"type":"customers","attributes":{"a":{"b":1,"\u0062":2}}}}"#,
            &deep,
        ] {
            assert_eq!(read(body), Err(RequestProblem::Malformed), "{body:.80}");
        }
        assert_eq!(read_request(b"{\"data\":\"\xff\"}", "customers"), Err(RequestProblem::Malformed));
    }

    #[test]
    fn escaped_pairs_and_nul_are_legal_json() {
        let document = read(r#"{"data":{"type":"customers","attributes":{"a":"\ud83d\ude00\u0000"}}}"#).unwrap();
        assert_eq!(document.attributes.get("a"), Some(&json!("😀\0")));
    }

    proptest! {
        #[test]
        fn reading_never_panics(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read_request(&body, "customers");
        }

        #[test]
        fn any_text_comes_through_unchanged(text in any::<String>()) {
            let body = json!({"data": {"type": "customers", "attributes": {"text": text}}}).to_string();
            let document = read(&body).unwrap();
            prop_assert_eq!(document.attributes.get("text"), Some(&json!(text)));
        }
    }
}
