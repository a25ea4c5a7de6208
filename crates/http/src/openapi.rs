//! The API's description (OpenAPI 3.1), made of the declarations that requests are checked against.
//!
//! An operation is described once it is declared, and cannot be described otherwise than it is served.

mod answers;
mod schemas;

use jsonapi::{MEDIA_TYPE, Mode};
use serde_json::Value;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::path::{
    HttpMethod, OperationBuilder, Parameter, ParameterBuilder, ParameterIn, PathItem, PathsBuilder,
};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::schema::Schema;
use utoipa::openapi::security::{Http, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::tag::{Tag, TagBuilder};
use utoipa::openapi::{
    ContactBuilder, InfoBuilder, LicenseBuilder, ObjectBuilder, OpenApi, OpenApiBuilder, RefOr, Required, ServerBuilder,
};

use crate::declaration::{Access, Declaration, Operation, Success, Verb};
use crate::headers::GUEST_AS_SPELLED;

/// The name of the one way to authenticate.
const BEARER: &str = "bearer";

const DESCRIPTION: &str =
    "Sign-up with double opt-in, login, the customer's own account, and carts of guests and customers, as a \
    storefront speaks to them. Documents are [JSON:API](https://jsonapi.org/format/1.1/).

Every path also answers `HEAD` where it answers `GET`, and `OPTIONS` for browsers of other origins. Attributes that an \
    operation does not declare mean nothing. What a schema here cannot say of a field is in the field's description: a \
    request may keep to its schema and still be refused, with one of the errors of its operation.

Who asks for the [profile](profiles/strict) gets JSON:API to the letter; this document tells what everybody else gets.";

/// Describes these resources, which are reached below `base_url` and answer in the way of `mode` where a request asks for none.
pub fn describe(declarations: &[&'static Declaration], base_url: &str, mode: Mode) -> OpenApi {
    let mut paths = PathsBuilder::new();
    for declaration in declarations {
        for operation in declaration.operations {
            for names_one in placed(operation) {
                let described = describe_operation(declaration, operation, *names_one, (base_url, mode));
                let method = match operation.verb {
                    Verb::Get => HttpMethod::Get,
                    Verb::Post => HttpMethod::Post,
                    Verb::Patch => HttpMethod::Patch,
                    Verb::Delete => HttpMethod::Delete,
                };
                paths = paths.path(template(declaration, *names_one), PathItem::new(method, described));
            }
        }
    }
    let mut components = answers::components(declarations, mode);
    components.add_security_scheme(BEARER, SecurityScheme::Http(bearer()));
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("Vestibule: storefront API")
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some(DESCRIPTION))
                .license(Some(
                    LicenseBuilder::new().name("MIT OR Apache-2.0").identifier(Some("MIT OR Apache-2.0")).build(),
                ))
                .contact(Some(ContactBuilder::new().name(Some("Whoever runs this gateway")).build())),
        )
        .servers(Some([ServerBuilder::new().url(base_url).build()]))
        .paths(paths)
        .components(Some(components))
        .tags(Some(tags(declarations)))
        .build()
}

/// At which of its paths an operation stands: at that of one resource (true), of the collection (false), or at both.
const fn placed(operation: &Operation) -> &'static [bool] {
    match (operation.verb, operation.answers) {
        (Verb::Patch | Verb::Delete, _) | (Verb::Get, Success::One) => &[true],
        (Verb::Get, Success::OneOrMany) => &[false, true],
        _ => &[false],
    }
}

/// `/customers/{customerId}/addresses/{id}`
fn template(declaration: &Declaration, names_one: bool) -> String {
    let mut path = String::new();
    for parent in declaration.parents {
        path.push('/');
        path.push_str(parent);
        path.push_str("/{");
        path.push_str(&id_of_parent(parent));
        path.push('}');
    }
    path.push('/');
    path.push_str(declaration.kind);
    if names_one {
        path.push_str("/{id}");
    }
    path
}

/// `guestCartId`, of `guest-carts`.
fn id_of_parent(kind: &str) -> String {
    let name = schemas::pascal(kind.trim_end_matches('s'));
    let mut letters = name.chars();
    let first = letters.next().into_iter().flat_map(char::to_lowercase);
    first.chain(letters).chain("Id".chars()).collect()
}

/// One for each kind: the first declaration of a kind that stands at several places tells what it is.
fn tags(declarations: &[&'static Declaration]) -> Vec<Tag> {
    let is_first = |place: usize, kind: &str| declarations.iter().take(place).all(|earlier| earlier.kind != kind);
    let told = declarations.iter().enumerate().filter(|(place, declaration)| is_first(*place, declaration.kind));
    let tag = |declaration: &Declaration| {
        TagBuilder::new().name(declaration.kind).description(Some(declaration.summary)).build()
    };
    told.map(|(_, declaration)| tag(declaration)).collect()
}

fn bearer() -> Http {
    HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some("An access token, of `POST /access-tokens` or `POST /token`."))
        .build()
}

fn describe_operation(
    declaration: &Declaration,
    operation: &Operation,
    names_one: bool,
    (base_url, mode): (&str, Mode),
) -> utoipa::openapi::path::Operation {
    let parts = [declaration.parents, &[declaration.kind]].concat().join("-");
    let method = operation.verb.as_str().to_ascii_lowercase();
    let identity = if names_one { "-id" } else { "" };
    let security = match operation.access {
        access if access.needs_token() => vec![SecurityRequirement::new(BEARER, Vec::<String>::new())],
        _ => Vec::new(),
    };
    OperationBuilder::new()
        .operation_id(Some(format!("{method}-{parts}{identity}")))
        .tag(declaration.kind)
        .summary(Some(operation.summary))
        .parameters(Some(parameters(declaration, operation, names_one)))
        .request_body(request_body(declaration, operation))
        .responses(answers::responses(declaration, operation, names_one, (base_url, mode)))
        .securities(Some(security))
        .build()
}

fn parameters(declaration: &Declaration, operation: &Operation, names_one: bool) -> Vec<Parameter> {
    let build = |name: &str, place: ParameterIn, required: Required, description: &str, schema: ObjectBuilder| {
        ParameterBuilder::new()
            .name(name)
            .parameter_in(place)
            .required(required)
            .description(Some(description))
            .schema(Some(schema))
            .build()
    };
    // Of what is in the path the library itself says that it is required.
    let parameter = |name: &str, place: ParameterIn, description: &str, schema: ObjectBuilder| {
        build(name, place, Required::False, description, schema)
    };
    let header = |name: &str, description: &str, example: &str| {
        let schema = schemas::text().min_length(Some(1)).examples([Value::from(example)]);
        build(name, ParameterIn::Header, Required::True, description, schema)
    };
    let of = declaration.shown();
    let id = || schemas::text().min_length(Some(1));
    let mut parameters: Vec<Parameter> = declaration
        .parents
        .iter()
        .map(|parent| parameter(&id_of_parent(parent), ParameterIn::Path, &format!("Of which of the {parent}."), id()))
        .collect();
    if names_one {
        parameters.push(parameter("id", ParameterIn::Path, "Which one.", id()));
    }
    let shows = !of.attributes.is_empty() && !matches!(operation.answers, Success::NoContent);
    if shows {
        for kind in [&[of.kind], of.relationships].concat() {
            let description =
                format!("Which attributes of {kind} to show, with commas between them. All, if not given.");
            parameters.push(parameter(&format!("fields[{kind}]"), ParameterIn::Query, &description, schemas::text()));
        }
    }
    if shows && !of.relationships.is_empty() {
        let description = format!("What to include, with commas: {}.", of.relationships.join(", "));
        parameters.push(parameter("include", ParameterIn::Query, &description, schemas::text()));
    }
    parameters.push(parameter(
        "Accept-Language",
        ParameterIn::Header,
        "The language of the answer and, at a sign-up, of the customer's mail.",
        schemas::text().examples([Value::from("de-DE, en;q=0.5")]),
    ));
    match operation.access {
        Access::Foreign(_) => (),
        Access::Guest(_) => parameters.push(header(
            GUEST_AS_SPELLED,
            "Which guest: any text that nobody else can guess. Not together with an access token.",
            "3f8a0d52-9c1e-4b7f-8a66-5d1f0e2c7b94",
        )),
        _ => parameters.push(parameter(
            GUEST_AS_SPELLED,
            ParameterIn::Header,
            "The identity of a guest. Not together with an access token.",
            schemas::text(),
        )),
    }
    if matches!(operation.access, Access::Tagged(_)) {
        parameters.push(header(
            "If-Match",
            "The state that is to be changed: the `ETag` of the last answer with it. The quotes may be left out.",
            answers::ENTITY_TAG,
        ));
    }
    parameters
}

fn request_body(declaration: &Declaration, operation: &Operation) -> Option<RequestBody> {
    let body = RequestBodyBuilder::new().required(Some(Required::True));
    let body = match operation.answers {
        Success::Foreign(shape) => {
            let example = shape.forms.first().map(|form| schemas::example_of(form));
            let content = ContentBuilder::new().schema(Some(schemas::form(shape))).example(example).build();
            body.content("application/x-www-form-urlencoded", content)
        }
        _ if operation.verb.has_document() => {
            let schema: RefOr<Schema> = schemas::reference(&answers::request_name(declaration, operation));
            let example = schemas::request_example(declaration.kind, operation);
            let content = || ContentBuilder::new().schema(Some(schema.clone())).example(Some(example.clone())).build();
            body.content(MEDIA_TYPE, content()).content("application/json", content())
        }
        _ => return None,
    };
    Some(body.build())
}

#[cfg(test)]
mod tests;
