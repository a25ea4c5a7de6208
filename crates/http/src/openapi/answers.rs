//! What an operation can answer: what its handler shows, and every error that the pipeline, the server and the handler have
//! for it. The errors are made of the table that the real ones are made of.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use jsonapi::{ErrorDocument, ErrorObject, MEDIA_TYPE, Mode};
use serde_json::{Map, Value, json};
use utoipa::openapi::example::{Example, ExampleBuilder};
use utoipa::openapi::schema::Type;
use utoipa::openapi::{
    ArrayBuilder, Components, ComponentsBuilder, Content, ContentBuilder, HeaderBuilder, ObjectBuilder, Ref, RefOr,
    Response, ResponseBuilder, Responses, ResponsesBuilder,
};

use super::schemas::{self, pascal, reference};
use crate::constraints::{World, check_fields};
use crate::declaration::{Access, Declaration, ForeignShape, Operation, Ownership, Success, Verb};
use crate::errors::Code;

/// What can befall a request to any operation, in the order in which it is found.
const ALWAYS: &[Code] = &[
    Code::TooManyRequests,
    Code::InvalidPage,
    Code::PreflightRefused,
    Code::NotAcceptable,
    Code::HeaderRepeated,
    Code::UnsupportedContentType,
    Code::UnsupportedAccept,
    Code::NotFound,
    Code::Internal,
    Code::Unavailable,
];
/// And to one that speaks JSON:API.
const JSON_API: &[Code] = &[Code::TwoIdentities, Code::InvalidAccessToken];
/// And to one with a request document.
const WITH_DOCUMENT: &[Code] = &[Code::BodyTimeout, Code::BodyTooLarge, Code::InvalidDocument];
/// And to one that changes or removes what the path names.
const WITH_ID: &[Code] = &[Code::IdMissing];
/// And to one for customers who are logged in.
const WITH_TOKEN: &[Code] = &[Code::MissingAccessToken];

/// And for those of them who must say which state of a resource they know.
const WITH_ENTITY_TAG: &[Code] = &[Code::EntityTagMissing];
/// And for guests.
const OF_GUESTS: &[Code] = &[Code::GuestMissing];
/// And to a login.
const AT_LOGIN: &[Code] = &[Code::LoginLocked];
/// And in one of the ways to speak JSON:API: whether it is one in which the specification is kept, of which methods, and what.
const BY_MODE: &[(bool, &[Verb], &[Code])] = &[
    (false, &[Verb::Post, Verb::Patch], &[Code::InvalidType]),
    (true, &[Verb::Post, Verb::Patch], &[Code::TypeConflict]),
    (true, &[Verb::Post], &[Code::ClientId]),
    (true, &[Verb::Patch], &[Code::IdConflict, Code::RelationshipsRefused]),
    (true, &Verb::ALL, &[Code::UnknownParameter, Code::UnknownPath]),
];

/// The errors that an operation can answer beside violations of its fields. Each stands here once.
pub fn refusals(operation: &Operation, mode: Mode) -> Vec<Code> {
    let mut codes = ALWAYS.to_vec();
    let is_foreign = matches!(operation.access, Access::Foreign(_));
    for (applies, more) in [
        (!is_foreign, JSON_API),
        (!is_foreign && operation.verb.has_document(), WITH_DOCUMENT),
        (matches!(operation.verb, Verb::Patch | Verb::Delete), WITH_ID),
        (operation.access.needs_token(), WITH_TOKEN),
        (matches!(operation.access, Access::Tagged(_)), WITH_ENTITY_TAG),
        (matches!(operation.access, Access::Guest(_)), OF_GUESTS),
        (matches!(operation.access, Access::Login { .. }), AT_LOGIN),
        (true, operation.refusals),
    ] {
        if applies {
            codes.extend(more);
        }
    }
    let is_strict = mode != Mode::Glue;
    for (strict, verbs, more) in BY_MODE {
        if !is_foreign && *strict == is_strict && verbs.contains(&operation.verb) {
            codes.extend(*more);
        }
    }
    if let Access::Token { ownership: Ownership::Caller { otherwise }, .. } = operation.access {
        codes.push(otherwise);
    }
    let mut once: Vec<Code> = Vec::with_capacity(codes.len());
    for code in codes {
        if !once.contains(&code) {
            once.push(code);
        }
    }
    once
}

/// All answers of an operation at a path that names a resource, or a collection.
pub fn responses(
    declaration: &Declaration,
    operation: &Operation,
    names_one: bool,
    (base_url, mode): (&str, Mode),
) -> Responses {
    let told = |errors: &[ErrorObject]| {
        serde_json::to_value(ErrorDocument { jsonapi: None, errors, id: None, mode }).unwrap_or_default()
    };
    let mut by_status: BTreeMap<u16, Answers> = BTreeMap::new();
    for code in refusals(operation, mode) {
        by_status.entry(code.status()).or_default().json_api.push((format!("{code:?}"), told(&[code.error()])));
    }
    if let Some(violations) = violations(operation) {
        let name = format!("{:?}", Code::Violation);
        by_status.entry(Code::Violation.status()).or_default().json_api.push((name, told(&violations)));
    }
    if let Success::Foreign(shape) = operation.answers {
        for (number, (status, document)) in (shape.refusals)().into_iter().enumerate() {
            by_status.entry(status).or_default().foreign.push((format!("{status}-{number}"), document));
        }
    }
    let (status, success) = success(declaration, operation, names_one, base_url);
    let refused = by_status
        .into_iter()
        .map(|(status, answers)| (status.to_string(), answers.response(status, declaration, operation)));
    ResponsesBuilder::new().response(status.to_string(), success).responses_from_iter(refused).build()
}

/// Errors of one status, each an example with a name.
#[derive(Default)]
struct Answers {
    json_api: Vec<(String, Value)>,
    foreign: Vec<(String, Value)>,
}

impl Answers {
    fn response(self, status: u16, declaration: &Declaration, operation: &Operation) -> Response {
        let response = ResponseBuilder::new().description(phrase(status));
        let response = with_headers(response, status);
        let response = match self.json_api.as_slice() {
            [] => response,
            _ => response.content(MEDIA_TYPE, examples(reference("Errors"), self.json_api)),
        };
        let response = match (self.foreign.as_slice(), operation.answers) {
            ([], _) => response,
            (_, Success::Foreign(_)) => {
                let schema = reference(&format!("{}Error", pascal(declaration.kind)));
                response.content("application/json", examples(schema, self.foreign))
            }
            _ => response,
        };
        response.build()
    }
}

fn examples(schema: RefOr<utoipa::openapi::Schema>, documents: Vec<(String, Value)>) -> Content {
    let documents = documents.into_iter().map(|(name, document)| {
        let summary = document.pointer("/errors/0/title").and_then(Value::as_str).unwrap_or_default().to_owned();
        let example: Example = ExampleBuilder::new().summary(summary).value(Some(document)).build();
        (name, RefOr::T(example))
    });
    ContentBuilder::new().schema(Some(schema)).examples_from_iter(documents).build()
}

/// What the real check says of an empty request, or of one with nothing but `null`, if fields are told at all.
fn violations(operation: &Operation) -> Option<Vec<ErrorObject>> {
    let world = World { today: &|| jiff::civil::Date::MAX, is_leaked: &|_| false };
    let nothing = Map::new();
    let nulls: Map<String, Value> = operation.fields.iter().map(|field| (field.name.to_owned(), Value::Null)).collect();
    let numbers: Map<String, Value> =
        operation.fields.iter().map(|field| (field.name.to_owned(), json!([0]))).collect();
    [nothing, nulls, numbers].iter().find_map(|attributes| check_fields(operation.fields, attributes, world).err())
}

fn success(declaration: &Declaration, operation: &Operation, names_one: bool, base_url: &str) -> (u16, Response) {
    let of = declaration.shown();
    let resource = || schemas::resource_example(of, base_url);
    let kind = pascal(of.kind);
    let one = || {
        let itself = resource().pointer("/links/self").cloned().unwrap_or_default();
        let example = json!({ "data": resource(), "links": { "self": itself } });
        shown(reference(&format!("{kind}Document")), example)
    };
    let many = || {
        let collection = schemas::link_example(declaration, None, base_url);
        let shown_resources = if of.example_id.is_some() { vec![resource()] } else { Vec::new() };
        let example = json!({ "data": shown_resources, "links": { "self": collection } });
        shown(reference(&format!("{kind}Collection")), example)
    };
    let (status, description, content) = match (operation.answers, names_one) {
        (Success::NoContent, _) => (204, "Done; there is nothing to show.", None),
        (Success::Created, _) => (201, "This is new.", Some((MEDIA_TYPE, one()))),
        (Success::One, _) | (Success::OneOrMany, true) => (200, "This is it.", Some((MEDIA_TYPE, one()))),
        (Success::Many | Success::OneOrMany, _) => (200, "These are they.", Some((MEDIA_TYPE, many()))),
        (Success::Foreign(shape), _) => {
            let example = schemas::example_of(shape.attributes);
            (200, "Done.", Some(("application/json", shown(reference(&kind), example))))
        }
    };
    let response = with_headers(ResponseBuilder::new().description(description), status);
    let shows_one = matches!(operation.answers, Success::Created | Success::One | Success::OneOrMany);
    let is_tagged = of.has_entity_tags() && (shows_one || matches!(operation.answers, Success::Many));
    let response = [(status == 201 && of.example_id.is_some(), LOCATION.0), (is_tagged, ENTITY_TAG_HEADER.0)]
        .into_iter()
        .filter(|(applies, _)| *applies)
        .fold(response, |response, (_, name)| response.header_ref(name, header_reference(name)));
    let response = match content {
        Some((media_type, content)) => response.content(media_type, content),
        None => response,
    };
    (status, response.build())
}

fn shown(schema: RefOr<utoipa::openapi::Schema>, example: Value) -> Content {
    ContentBuilder::new().schema(Some(schema)).example(Some(example)).build()
}

fn phrase(status: u16) -> String {
    match status {
        413 => "Content Too Large",
        422 => "Unprocessable Content",
        _ => StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or_default(),
    }
    .to_owned()
}

/// A header of answers: its name, of which statuses, what for, and an example.
type HeaderRow = (&'static str, fn(u16) -> bool, &'static str, &'static str);

const HEADERS: [HeaderRow; 7] = [
    ("X-Request-Id", |_| true, "The identity of the request, as the log knows it.", "4f9c1c5e8a7b4d0e"),
    ("Cache-Control", |_| true, "Answers are nobody's to keep.", "no-store"),
    ("Content-Language", |status| status != 204, "The locale that was negotiated.", "de_DE"),
    (
        "Link",
        |status| status != 204,
        "Where this description is.",
        "<https://glue.example.com/openapi.json>; rel=\"describedby\"",
    ),
    ("Vary", |status| status != 204, "What an answer depends on beside its URL.", "Accept, Accept-Language"),
    ("WWW-Authenticate", |status| status == 401, "How to authenticate.", "Bearer realm=\"Access to shop API\""),
    ("Retry-After", |status| matches!(status, 429 | 503), "Seconds to wait before another attempt makes sense.", "1"),
];
const LOCATION: (&str, &str, &str) =
    ("Location", "Where the new resource is.", "https://glue.example.com/customers/DE--35");
/// An entity tag as headers carry it.
pub const ENTITY_TAG: &str = "\"cc89022a51522f705b7fb5b4ba02ab0d\"";
const ENTITY_TAG_HEADER: (&str, &str, &str) =
    ("ETag", "The state of the resource that is shown; left out unless exactly one is.", ENTITY_TAG);

fn header_reference(name: &str) -> Ref {
    Ref::new(format!("#/components/headers/{name}"))
}

fn with_headers(response: ResponseBuilder, status: u16) -> ResponseBuilder {
    HEADERS
        .iter()
        .filter(|(_, applies, ..)| applies(status))
        .fold(response, |response, (name, ..)| response.header_ref(*name, header_reference(name)))
}

/// The parts that responses refer to.
pub fn components(declarations: &[&'static Declaration], mode: Mode) -> Components {
    let header = |description: &str, example: &str| {
        HeaderBuilder::new()
            .schema(Some(schemas::text()))
            .description(Some(description))
            .example(Some(json!(example)))
            .build()
    };
    let mut components = ComponentsBuilder::new()
        .schema("Links", schemas::closed().property("self", schemas::url()).required("self"))
        .schema("Version", schemas::closed().property("version", schemas::choice(&["1.1"])).required("version"))
        .schema("Error", error(mode))
        .schema(
            "Errors",
            schemas::closed()
                .property("errors", ArrayBuilder::new().items(reference("Error")).min_items(Some(1)))
                .required("errors")
                .property("jsonapi", reference("Version")),
        );
    for (name, description, example) in [LOCATION, ENTITY_TAG_HEADER] {
        components = components.header(name, RefOr::T(header(description, example)));
    }
    for (name, _, description, example) in HEADERS {
        components = components.header(name, RefOr::T(header(description, example)));
    }
    for declaration in declarations {
        components = add_schemas(components, declaration);
    }
    components.build()
}

fn add_schemas(mut components: ComponentsBuilder, declaration: &Declaration) -> ComponentsBuilder {
    let kind = pascal(declaration.kind);
    for operation in declaration.operations {
        if operation.verb.has_document() && !matches!(operation.access, Access::Foreign(_)) {
            components = components
                .schema(request_name(declaration, operation), schemas::request(declaration.kind, operation.fields));
        }
        if let Success::Foreign(ForeignShape { attributes, error, .. }) = operation.answers {
            components = components
                .schema(kind.as_str(), schemas::complete(attributes))
                .schema(format!("{kind}Error"), schemas::complete(error));
        }
    }
    if !declaration.attributes.is_empty() {
        components = components
            .schema(format!("{kind}Attributes"), schemas::attributes(declaration.attributes))
            .schema(kind.as_str(), schemas::resource(declaration));
    }
    let of = declaration.shown();
    if of.attributes.is_empty() {
        return components;
    }
    let kind = pascal(of.kind);
    let answers =
        |wanted: fn(Success) -> bool| declaration.operations.iter().any(|operation| wanted(operation.answers));
    if answers(|success| matches!(success, Success::Created | Success::One | Success::OneOrMany)) {
        let document = schemas::document(reference(&kind), of.relationships);
        components = components.schema(format!("{kind}Document"), document);
    }
    if answers(|success| matches!(success, Success::Many | Success::OneOrMany)) {
        let resources = ArrayBuilder::new().items(reference(&kind));
        let document = schemas::document(resources, of.relationships);
        components = components.schema(format!("{kind}Collection"), document);
    }
    components
}

/// The name of the schema of what an operation takes.
pub fn request_name(declaration: &Declaration, operation: &Operation) -> String {
    let verb = match operation.verb {
        Verb::Patch => "Changes",
        _ => "Request",
    };
    format!("{}{verb}", pascal(declaration.kind))
}

fn error(mode: Mode) -> ObjectBuilder {
    let status = if mode.status_is_text() {
        schemas::text().pattern(Some("^[45][0-9]{2}$"))
    } else {
        ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(400)).maximum(Some(599))
    };
    let source = ["pointer", "parameter", "header"]
        .into_iter()
        .fold(schemas::closed(), |object, name| object.property(name, schemas::text()))
        .min_properties(Some(1))
        .max_properties(Some(1));
    schemas::closed()
        .property(
            "code",
            schemas::text().pattern(Some("^[0-9]{3,4}$")).description(Some("Left out where there is none.")),
        )
        .property("status", status.description(Some("The last error's is that of the answer.")))
        .required("status")
        .property("detail", schemas::text())
        .required("detail")
        .property("title", schemas::text())
        .required("title")
        .property("source", source)
        .property(
            "id",
            schemas::text()
                .description(Some("This error of this answer, as the log knows it. Left out where it is not known.")),
        )
}
