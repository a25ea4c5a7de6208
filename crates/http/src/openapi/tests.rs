//! The description is whole.

use super::*;
use crate::constraints::Constraint::{
    self, AtMost, Boolean, Choice, Date, Email, GreaterThanZero, Integer, IsTrue, MaxLength, MinLength, NotBlank,
    Numeric, Printable, Text,
};
use crate::constraints::Field;
use crate::declaration::{Attribute, Shape};
use crate::errors::Code;
use crate::glue::{DECLARATIONS, DECLARATIONS_WITH_SEVERAL_CARTS};
use jsonapi::ErrorDocument;
use serde_json::json;

const BASE: &str = "https://glue.example.com";

fn described() -> Value {
    serde_json::to_value(describe(&DECLARATIONS, BASE, Mode::Glue)).unwrap()
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
    let document = serde_json::to_value(describe(&DECLARATIONS, BASE, Mode::Strict)).unwrap();
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
    for declaration in DECLARATIONS.into_iter().chain(DECLARATIONS_WITH_SEVERAL_CARTS) {
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
    with(
        &[NotBlank, Numeric, GreaterThanZero, Integer, AtMost(9)],
        json!({
            "type": ["number", "string"], "exclusiveMinimum": 0, "maximum": 9, "multipleOf": 1, "minLength": 1,
            "pattern": r"^[ \t\n\f\r]*[+-]?[0-9]+[ \t\n\f\r]*$",
        }),
    );
}

#[test]
fn a_path_names_its_parents() {
    static ADDRESSES: Declaration = Declaration::bare("addresses", &["customers"], &[]);
    static ITEMS: Declaration = Declaration::bare("items", &["guest-carts"], &[]);
    assert_eq!(template(&ADDRESSES, true), "/customers/{customerId}/addresses/{id}");
    assert_eq!(template(&ADDRESSES, false), "/customers/{customerId}/addresses");
    assert_eq!(template(&ITEMS, false), "/guest-carts/{guestCartId}/items");
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

#[test]
fn declarations_of_one_kind_are_described_once_and_alike() {
    let document = described();
    let tags: Vec<_> = document["tags"].as_array().unwrap().iter().map(|tag| tag["name"].as_str().unwrap()).collect();
    for tag in &tags {
        assert_eq!(tags.iter().filter(|other| *other == tag).count(), 1, "{tag}");
    }
    for (place, declaration) in DECLARATIONS.iter().enumerate() {
        for other in DECLARATIONS.iter().skip(place + 1).filter(|other| other.kind == declaration.kind) {
            assert_eq!(declaration.summary, other.summary);
            assert_eq!(declaration.example_id, other.example_id);
            let of = |declaration: &Declaration, verb| {
                let operation = declaration.operations.iter().find(|operation| operation.verb == verb)?;
                serde_json::to_value(schemas::request(declaration.kind, operation.fields).build()).ok()
            };
            for verb in [Verb::Post, Verb::Patch] {
                let (one, another) = (of(declaration, verb), of(other, verb));
                assert!(one.is_none() || another.is_none() || one == another, "{} {verb:?}", declaration.kind);
            }
            // What is shown is described by one of them.
            assert!(declaration.attributes.is_empty() || other.attributes.is_empty(), "{}", declaration.kind);
        }
    }
}

#[test]
fn what_answers_with_a_cart_says_so() {
    let document = described();
    let schema = |path: &str, method: &str, status: &str| {
        document["paths"][path][method]["responses"][status]["content"][MEDIA_TYPE]["schema"]["$ref"].clone()
    };
    for (path, method, status, expected) in [
        ("/guest-cart-items", "post", "201", "GuestCartsDocument"),
        ("/guest-carts/{guestCartId}/guest-cart-items", "post", "201", "GuestCartsDocument"),
        ("/guest-carts/{guestCartId}/guest-cart-items/{id}", "patch", "200", "GuestCartsDocument"),
        ("/guest-carts", "get", "200", "GuestCartsCollection"),
        ("/guest-carts/{id}", "get", "200", "GuestCartsDocument"),
        ("/carts/{cartId}/items", "post", "201", "CartsDocument"),
        ("/carts/{cartId}/items/{id}", "patch", "200", "CartsDocument"),
        ("/customers/{customerId}/carts", "get", "200", "CartsCollection"),
    ] {
        assert_eq!(schema(path, method, status), format!("#/components/schemas/{expected}"), "{method} {path}");
        let headers = &document["paths"][path][method]["responses"][status]["headers"];
        assert_eq!(headers.get("ETag").is_some(), expected.starts_with("Carts"), "{method} {path}");
        assert_eq!(headers.get("Location").is_some(), status == "201", "{method} {path}");
    }
    let schemas = &document["components"]["schemas"];
    assert_eq!(schemas.get("ItemsDocument"), None);
    assert_eq!(schemas["Items"]["properties"]["id"]["type"], "string");
    assert_eq!(schemas["CartsDocument"]["properties"]["included"]["items"]["$ref"], "#/components/schemas/Items");
    let example = &document["paths"]["/customers/{customerId}/carts"]["get"]["responses"]["200"]["content"];
    assert_eq!(example[MEDIA_TYPE]["example"]["links"]["self"], format!("{BASE}/customers/DE--35/carts"));
    assert!(document["paths"]["/carts/{id}"]["delete"]["responses"]["204"]["headers"].get("ETag").is_none());
}

#[test]
fn headers_that_must_be_there_are_required() {
    let document = described();
    let required = |path: &str, method: &str| -> Vec<String> {
        let parameters = document["paths"][path][method]["parameters"].as_array().unwrap();
        let headers = parameters.iter().filter(|one| one["in"] == "header" && one["required"] == true);
        headers.map(|one| one["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(required("/guest-carts", "get"), ["X-Anonymous-Customer-Unique-Id"]);
    assert_eq!(required("/guest-cart-items", "post"), ["X-Anonymous-Customer-Unique-Id"]);
    assert_eq!(required("/carts/{id}", "patch"), ["If-Match"]);
    for (path, method) in [("/carts/{id}", "delete"), ("/carts", "post"), ("/customers", "post")] {
        assert!(required(path, method).is_empty(), "{method} {path}");
    }
    for (path, method, status, code) in [
        ("/guest-carts", "get", "400", "GuestMissing"),
        ("/carts/{id}", "patch", "428", "EntityTagMissing"),
        ("/carts/{id}", "patch", "412", "EntityTagWrong"),
    ] {
        let examples = &document["paths"][path][method]["responses"][status]["content"][MEDIA_TYPE]["examples"];
        assert!(examples.get(code).is_some(), "{method} {path} {code}");
    }
    let security = |path: &str, method: &str| document["paths"][path][method]["security"].clone();
    assert_eq!(security("/guest-carts", "get"), json!([]));
    assert_eq!(security("/carts/{id}", "patch"), json!([{ "bearer": [] }]));
}

#[test]
fn objects_and_lists_are_described_to_their_depth() {
    const PART: &[Attribute] =
        &[Attribute::new("rate", Shape::Number, "7.7"), Attribute::nullable("sum", Shape::Integer, "5")];
    let attributes = [Attribute::object("part", PART), Attribute::list("parts", PART), Attribute::list("none", &[])];
    let schema = serde_json::to_value(schemas::attributes(&attributes).build()).unwrap();
    let part = json!({
        "type": "object", "required": ["rate", "sum"], "additionalProperties": false,
        "properties": {
            "rate": { "type": "number", "examples": [7.7] },
            "sum": { "type": ["integer", "null"], "examples": [5] },
        },
    });
    assert_eq!(schema["properties"]["part"], part);
    assert_eq!(schema["properties"]["parts"], json!({"type": "array", "items": part, "examples": [[]]}));
    assert_eq!(schema["properties"]["none"]["maxItems"], 0);
    let example = schemas::example_of(&attributes);
    assert_eq!(example, json!({"part": {"rate": 7.7, "sum": 5}, "parts": [], "none": []}));
}

#[test]
fn a_shop_with_several_carts_demands_their_names() {
    let of = |declarations: &[&'static Declaration]| {
        let mut document = serde_json::to_value(describe(declarations, BASE, Mode::Glue)).unwrap();
        let mut required = document["components"]["schemas"]["CartsRequest"]["properties"]["data"]["properties"]
            ["attributes"]["required"]
            .take();
        required.as_array_mut().map(std::mem::take).unwrap()
    };
    assert_eq!(of(&DECLARATIONS), ["priceMode", "currency", "store"]);
    assert_eq!(of(&DECLARATIONS_WITH_SEVERAL_CARTS), ["priceMode", "currency", "store", "name"]);
    let refusals = |declarations: &[&'static Declaration]| {
        let carts = declarations.iter().find(|one| one.kind == "carts" && one.parents.is_empty()).unwrap();
        let post = carts.operations.iter().find(|operation| operation.verb == Verb::Post).unwrap();
        answers::refusals(post, Mode::Glue)
    };
    assert!(refusals(&DECLARATIONS).contains(&Code::CartExists));
    assert!(refusals(&DECLARATIONS_WITH_SEVERAL_CARTS).contains(&Code::CartNotCreated));
}
