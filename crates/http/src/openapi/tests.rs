//! The description is whole.

use super::*;
use crate::constraints::Constraint::{
    self, Boolean, Choice, Date, Email, IsTrue, MaxLength, MinLength, NotBlank, Printable, Text,
};
use crate::constraints::Field;
use crate::errors::Code;
use crate::glue::DECLARATIONS;
use jsonapi::ErrorDocument;
use serde_json::json;

const BASE: &str = "https://glue.example.com";

fn described() -> Value {
    serde_json::to_value(describe(DECLARATIONS, BASE, Mode::Glue)).unwrap()
}

#[test]
fn every_operation_is_described_at_its_paths_with_all_that_it_can_answer() {
    let document = described();
    for declaration in DECLARATIONS {
        assert!(!declaration.summary.is_empty(), "{}", declaration.kind);
        for operation in declaration.operations {
            for names_one in placed(operation) {
                let path = template(declaration, *names_one);
                let method = operation.verb.as_str().to_lowercase();
                let described = &document["paths"][&path][&method];
                assert_eq!(described["summary"], operation.summary, "{method} {path}");
                assert!(!operation.summary.is_empty(), "{method} {path}");
                for code in answers::refusals(operation, Mode::Glue) {
                    let content = &described["responses"][code.status().to_string()]["content"][MEDIA_TYPE];
                    let example = &content["examples"][format!("{code:?}")]["value"];
                    let told = ErrorDocument { jsonapi: None, errors: &[code.error()], id: None, mode: Mode::Glue };
                    assert_eq!(*example, serde_json::to_value(told).unwrap(), "{method} {path}");
                }
                assert_eq!(
                    described["responses"].get("422").is_some(),
                    !operation.fields.is_empty() || operation.refusals.iter().any(|code| code.status() == 422),
                    "{method} {path}"
                );
            }
        }
    }
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["servers"], json!([{ "url": BASE }]));
}

#[test]
fn to_the_letter_other_errors_are_answered() {
    let document = serde_json::to_value(describe(DECLARATIONS, BASE, Mode::Strict)).unwrap();
    let post = &document["paths"]["/customers"]["post"]["responses"];
    assert_eq!(post["409"]["content"][MEDIA_TYPE]["examples"]["TypeConflict"]["value"]["errors"][0]["status"], "409");
    assert!(post["400"]["content"][MEDIA_TYPE]["examples"].get("InvalidType").is_none());
    assert_eq!(document["components"]["schemas"]["Error"]["properties"]["status"]["type"], "string");
    let get = &document["paths"]["/customers"]["get"]["responses"];
    assert!(get.get("409").is_none() && get["400"]["content"][MEDIA_TYPE]["examples"].get("UnknownPath").is_some());
}

#[test]
fn every_reference_leads_somewhere() {
    fn walk(value: &Value, references: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                references.extend(members.get("$ref").and_then(Value::as_str).map(str::to_owned));
                members.values().for_each(|member| walk(member, references));
            }
            Value::Array(elements) => elements.iter().for_each(|element| walk(element, references)),
            _ => (),
        }
    }
    let document = described();
    let mut references = Vec::new();
    walk(&document, &mut references);
    assert!(references.len() > 50);
    for reference in references {
        let pointer = reference.strip_prefix('#').expect("references stay inside the document");
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}

#[test]
fn examples_of_requests_keep_to_every_constraint() {
    let world = crate::constraints::World { today: &|| jiff::civil::date(2026, 3, 4), is_leaked: &|_| false };
    for declaration in DECLARATIONS {
        for operation in declaration.operations.iter().filter(|operation| operation.verb.has_document()) {
            let example = schemas::request_example(declaration.kind, operation);
            let Value::Object(attributes) = &example["data"]["attributes"] else { panic!("attributes") };
            let problems = crate::constraints::check_fields(operation.fields, attributes, world).err();
            assert_eq!(problems, None, "{} {}", operation.verb.as_str(), declaration.kind);
        }
    }
}

#[test]
fn a_field_says_what_its_constraints_say() {
    let taken = |field: Field| {
        let fields: &'static [Field] = Box::leak(Box::new([field]));
        let mut schema = serde_json::to_value(schemas::request("things", fields).build()).unwrap();
        schema["properties"]["data"]["properties"]["attributes"]["properties"]["field"].take()
    };
    let with = |constraints: &'static [Constraint], expected: Value| {
        let mut schema = taken(Field::optional("field", constraints));
        for ignored in ["description", "examples"] {
            schema.as_object_mut().unwrap().shift_remove(ignored);
        }
        assert_eq!(schema, expected, "{constraints:?}");
    };
    with(&[NotBlank, Text], json!({"type": "string", "minLength": 1}));
    with(&[Text], json!({"type": ["string", "null"]}));
    with(&[NotBlank, MinLength(12), MaxLength(128)], json!({"type": "string", "minLength": 12, "maxLength": 128}));
    with(&[NotBlank, Choice(&["Mr", "Ms"])], json!({"type": "string", "enum": ["Mr", "Ms"], "minLength": 1}));
    with(&[Choice(&["Mr"])], json!({"type": ["string", "null"], "enum": ["Mr", null]}));
    with(&[NotBlank, Email], json!({"type": "string", "pattern": r"^.+@\S+\.\S+$", "minLength": 1}));
    with(
        &[MaxLength(5), Printable],
        json!({
            "type": ["string", "null"], "maxLength": 5, "pattern": r"^[^\u0000-\u001f\u007f-\u009f]*$",
        }),
    );
    with(
        &[Text, Date],
        json!({
            "type": ["string", "null"], "pattern": "^([0-9]{4}-[0-9]{2}-[0-9]{2})?$",
        }),
    );
    with(&[Boolean], json!({"type": ["boolean", "null"]}));
    with(&[IsTrue], json!({"enum": [true, 1, "1", null]}));
}

#[test]
fn a_path_names_its_parents() {
    static ADDRESSES: Declaration = Declaration::bare("addresses", &["customers"], &[]);
    assert_eq!(template(&ADDRESSES, true), "/customers/{customerId}/addresses/{id}");
    assert_eq!(template(&ADDRESSES, false), "/customers/{customerId}/addresses");
}

#[test]
fn each_refusal_of_an_operation_is_told_once() {
    for operation in DECLARATIONS.iter().flat_map(|declaration| declaration.operations) {
        let codes = answers::refusals(operation, Mode::Glue);
        for code in &codes {
            assert_eq!(codes.iter().filter(|other| *other == code).count(), 1, "{code:?}");
        }
        assert!(!codes.contains(&Code::PreflightIncomplete));
    }
}
