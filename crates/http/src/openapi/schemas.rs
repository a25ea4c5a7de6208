//! Schemas of what goes in and out, made of declarations.
//!
//! What is shown keeps to its schema exactly. What is taken keeps to it as far as a schema can say: a constraint that it cannot
//! express is in the description of the field, and breaking it is still answered as the operation's errors say.

use serde_json::{Value, json};
use utoipa::openapi::schema::{AdditionalProperties, KnownFormat, SchemaFormat, SchemaType, Type};
use utoipa::openapi::{ArrayBuilder, ObjectBuilder, OneOfBuilder, Ref, RefOr, Schema};

use crate::constraints::{Constraint, Field};
use crate::declaration::{Attribute, Declaration, ForeignShape, Operation, Shape};

const COUNTRY: &str = "^[A-Za-z]{2}$";
/// What `.` and `\S` stand for in the loose rule for addresses.
const EMAIL: &str = r"^.+@\S+\.\S+$";
/// A day, or nothing.
const DATE_OR_EMPTY: &str = "^([0-9]{4}-[0-9]{2}-[0-9]{2})?$";
const PRINTABLE: &str = r"^[^\u0000-\u001f\u007f-\u009f]*$";
const DATE_TIME: &str = r"^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}$";
const NUMBER: &str = r"^[ \t\n\f\r]*[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?[ \t\n\f\r]*$";
const WHOLE_NUMBER: &str = r"^[ \t\n\f\r]*[+-]?[0-9]+[ \t\n\f\r]*$";

/// An object that has nothing but its properties.
pub fn closed() -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(false)))
}

pub fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

/// One of these texts and no other.
pub fn choice(texts: &[&str]) -> ObjectBuilder {
    text().enum_values(Some(texts.iter().copied()))
}

pub fn url() -> ObjectBuilder {
    text().format(Some(SchemaFormat::Custom("uri".to_owned())))
}

pub fn reference(name: &str) -> RefOr<Schema> {
    Ref::from_schema_name(name).into()
}

/// `refresh-tokens` as part of the name of a component: `RefreshTokens`.
pub fn pascal(kind: &str) -> String {
    kind.split('-')
        .map(|word| {
            let mut letters = word.chars();
            letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
        })
        .collect()
}

/// The attributes that a resource shows. Any may be missing: `fields[TYPE]` picks.
pub fn attributes(attributes: &[Attribute]) -> ObjectBuilder {
    attributes.iter().fold(closed(), |object, attribute| object.property(attribute.name, shown(attribute)))
}

/// An object that always has all of these.
pub fn complete(attributes: &[Attribute]) -> ObjectBuilder {
    attributes
        .iter()
        .fold(closed(), |object, attribute| object.property(attribute.name, shown(attribute)).required(attribute.name))
}

fn shown(attribute: &Attribute) -> RefOr<Schema> {
    match attribute.shape {
        Shape::List(members) => {
            let items = if members.is_empty() { ObjectBuilder::new() } else { complete(members) };
            let most = members.is_empty().then_some(0);
            ArrayBuilder::new().items(items).max_items(most).examples([example(attribute)]).into()
        }
        Shape::Object(members) => complete(members).into(),
        _ => plain(attribute).into(),
    }
}

/// What is neither an object nor a list.
fn plain(attribute: &Attribute) -> ObjectBuilder {
    let schema = match attribute.shape {
        Shape::Text | Shape::Choice(_) => text(),
        Shape::Email => text().format(Some(SchemaFormat::Custom("email".to_owned()))),
        Shape::Date => text().format(Some(SchemaFormat::KnownFormat(KnownFormat::Date))),
        Shape::DateTime => text().pattern(Some(DATE_TIME)),
        Shape::Boolean => ObjectBuilder::new().schema_type(Type::Boolean),
        Shape::Integer => ObjectBuilder::new().schema_type(Type::Integer),
        Shape::Number => ObjectBuilder::new().schema_type(Type::Number),
        Shape::Null | Shape::Object(_) | Shape::List(_) => ObjectBuilder::new().schema_type(Type::Null),
    };
    let schema = match attribute.shape {
        Shape::Choice(texts) => {
            let null = attribute.nullable.then_some(Value::Null);
            schema.enum_values(Some(texts.iter().map(|text| json!(text)).chain(null)))
        }
        _ => schema,
    };
    let types = match attribute.shape {
        Shape::Null => None,
        Shape::Boolean => Some(Type::Boolean),
        Shape::Integer => Some(Type::Integer),
        Shape::Number => Some(Type::Number),
        _ => Some(Type::String),
    };
    let schema = match types.filter(|_| attribute.nullable) {
        Some(own) => schema.schema_type(SchemaType::from_iter([own, Type::Null])),
        None => schema,
    };
    schema.examples([example(attribute)])
}

/// An example that stands in a declaration as JSON text.
fn read_example(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

fn example(attribute: &Attribute) -> Value {
    match attribute.shape {
        Shape::Object(members) => example_of(members),
        _ => read_example(attribute.example),
    }
}

/// An object of the examples of these attributes.
pub fn example_of(attributes: &[Attribute]) -> Value {
    attributes.iter().map(|attribute| (attribute.name.to_owned(), example(attribute))).collect::<Value>()
}

/// A resource as answers show it.
pub fn resource(declaration: &Declaration) -> ObjectBuilder {
    let id = if declaration.example_id.is_some() {
        text()
    } else {
        text().schema_type(SchemaType::from_iter([Type::String, Type::Null]))
    };
    let schema = closed()
        .property("type", choice(&[declaration.kind]))
        .required("type")
        .property("id", id)
        .required("id")
        .property("attributes", reference(&format!("{}Attributes", pascal(declaration.kind))))
        .required("attributes");
    let schema = if declaration.relationships.is_empty() {
        schema
    } else {
        let relationships =
            declaration.relationships.iter().fold(closed(), |object, name| object.property(*name, relationship(name)));
        schema.property("relationships", relationships)
    };
    schema.property("links", reference("Links"))
}

fn relationship(kind: &str) -> ObjectBuilder {
    let identifier = closed().property("type", choice(&[kind])).required("type").property("id", text()).required("id");
    closed()
        .property("links", closed().property("related", url()).required("related"))
        .property("data", ArrayBuilder::new().items(identifier))
        .required("data")
}

/// A document around primary data.
pub fn document(data: impl Into<RefOr<Schema>>, included: &[&str]) -> ObjectBuilder {
    let schema = closed().property("data", data).required("data").property("links", reference("Links"));
    let schema = match included {
        [] => schema,
        [kind] => schema.property("included", ArrayBuilder::new().items(reference(&pascal(kind)))),
        kinds => {
            let any = kinds.iter().fold(OneOfBuilder::new(), |any, kind| any.item(reference(&pascal(kind))));
            schema.property("included", ArrayBuilder::new().items(any))
        }
    };
    schema.property("jsonapi", reference("Version"))
}

/// What a request document must be.
pub fn request(kind: &str, fields: &[Field]) -> ObjectBuilder {
    let data = ObjectBuilder::new()
        .property("type", choice(&[kind]))
        .required("type")
        .property("attributes", taken(fields))
        .required("attributes");
    ObjectBuilder::new().property("data", data).required("data")
}

/// A request document that keeps to every constraint.
pub fn request_example(kind: &str, operation: &Operation) -> Value {
    let attributes: Value =
        operation.fields.iter().map(|field| (field.name.to_owned(), read_example(field.example))).collect();
    json!({ "data": { "type": kind, "attributes": attributes } })
}

/// A form in one of its shapes.
pub fn form(shape: &ForeignShape) -> RefOr<Schema> {
    let object = |form: &[Attribute]| {
        form.iter().fold(ObjectBuilder::new(), |object, field| {
            object.property(field.name, plain(field).min_length(Some(1))).required(field.name)
        })
    };
    shape.forms.iter().fold(OneOfBuilder::new(), |any, form| any.item(object(form))).into()
}

fn taken(fields: &[Field]) -> ObjectBuilder {
    fields.iter().fold(ObjectBuilder::new(), |object, field| {
        let object = object.property(field.name, taken_field(field));
        if field.required { object.required(field.name) } else { object }
    })
}

fn taken_field(field: &Field) -> ObjectBuilder {
    let mut object = ObjectBuilder::new().schema_type(SchemaType::AnyValue);
    let not_blank = field.constraints.iter().any(|constraint| matches!(constraint, Constraint::NotBlank));
    let mut types = Vec::new();
    let mut notes = Vec::new();
    for constraint in field.constraints {
        let (own, bounded, note) = describe(*constraint, not_blank, object);
        object = bounded;
        // Constraints of one field are about the same type; the first that names one has named it.
        if types.is_empty() {
            types = own;
        }
        notes.extend(note);
    }
    let takes_text = types.contains(&Type::String);
    if !not_blank && !types.is_empty() {
        types.push(Type::Null);
    }
    if not_blank && takes_text && object_min_length(field).is_none() {
        object = object.min_length(Some(1));
    }
    if !types.is_empty() {
        let single = (types.len() == 1).then(|| types.first().cloned()).flatten();
        object = match single {
            Some(own) => object.schema_type(own),
            None => object.schema_type(SchemaType::from_iter(types)),
        };
    }
    if !notes.is_empty() {
        object = object.description(Some(notes.join(" ")));
    }
    object.examples([read_example(field.example)])
}

fn object_min_length(field: &Field) -> Option<usize> {
    field.constraints.iter().find_map(|constraint| match constraint {
        Constraint::MinLength(least) => Some(*least),
        _ => None,
    })
}

/// The types that pass a constraint, the schema with what the constraint adds, and what a schema cannot say of it.
fn describe(
    constraint: Constraint,
    not_blank: bool,
    object: ObjectBuilder,
) -> (Vec<Type>, ObjectBuilder, Option<&'static str>) {
    let text = || vec![Type::String];
    match constraint {
        Constraint::NotBlank => (Vec::new(), object, None),
        Constraint::Text => (text(), object, None),
        Constraint::Email => {
            let object = if not_blank { object.pattern(Some(EMAIL)) } else { object };
            (text(), object, Some("The address of a mailbox."))
        }
        Constraint::MinLength(least) => (text(), object.min_length(Some(least)), None),
        Constraint::MaxLength(most) => (text(), object.max_length(Some(most)), None),
        Constraint::Choice(texts) => {
            let null = (!not_blank).then_some(Value::Null);
            (text(), object.enum_values(Some(texts.iter().map(|text| json!(text)).chain(null))), None)
        }
        Constraint::Country => {
            (text(), object.pattern(Some(COUNTRY)), Some("A country by its two letters (ISO 3166-1 alpha-2)."))
        }
        Constraint::FourClasses | Constraint::FourClassesOnRestore => (
            text(),
            object,
            Some(
                "At least one upper-case letter, one lower-case letter, one digit and one of `!@#$%^&*()_-+=[]{}|;:<>.,/?\\~`, and no other characters.",
            ),
        ),
        Constraint::NotLeaked => {
            (text(), object, Some("Not known to have leaked, where the shop asks a service that knows."))
        }
        Constraint::Printable => (text(), object.pattern(Some(PRINTABLE)), Some("No control characters.")),
        Constraint::Date => {
            let object = if not_blank {
                object.format(Some(SchemaFormat::KnownFormat(KnownFormat::Date)))
            } else {
                object.pattern(Some(DATE_OR_EMPTY))
            };
            (text(), object, Some("A day, `YYYY-MM-DD`."))
        }
        Constraint::NotInFuture => (text(), object, Some("Not in the future.")),
        Constraint::IsTrue => {
            let taken = [json!(true), json!(1), json!("1")].into_iter().chain((!not_blank).then_some(Value::Null));
            (Vec::new(), object.enum_values(Some(taken)), Some("Consent: `true`, `1` or `\"1\"`."))
        }
        Constraint::Boolean => (vec![Type::Boolean], object, None),
        Constraint::Numeric => {
            (vec![Type::Number, Type::String], object.pattern(Some(NUMBER)), Some("A number, or a text that is one."))
        }
        Constraint::GreaterThanZero => {
            (vec![Type::Number, Type::String], object.exclusive_minimum(Some(0)), Some("Above 0."))
        }
        Constraint::Integer => {
            let object = object.multiple_of(Some(1)).pattern(Some(WHOLE_NUMBER));
            (vec![Type::Number, Type::String], object, Some("Whole; as a text without a decimal point."))
        }
        Constraint::AtMost(most) => {
            // A bound of a schema holds for numbers only.
            (vec![Type::Number, Type::String], object.maximum(Some(most)), Some("The bound holds for a text, too."))
        }
        Constraint::Object(inner) => {
            let properties = taken(inner).build();
            let object =
                properties.properties.into_iter().fold(object, |object, (name, schema)| object.property(name, schema));
            let object = properties.required.into_iter().fold(object, ObjectBuilder::required);
            (vec![Type::Object], object, None)
        }
    }
}

/// A resource that answers could show, with its identity and the path to it.
pub fn resource_example(declaration: &Declaration, base_url: &str) -> Value {
    json!({
        "type": declaration.kind,
        "id": declaration.example_id,
        "attributes": example_of(declaration.attributes),
        "links": { "self": link_example(declaration, declaration.example_id, base_url) },
    })
}

/// The path to a resource, or to a collection.
pub fn link_example(declaration: &Declaration, id: Option<&str>, base_url: &str) -> String {
    const REFERENCE: &str = "DE--35";
    let parents = declaration.parents.iter().flat_map(|parent| [*parent, REFERENCE]);
    let segments: Vec<&str> = [base_url].into_iter().chain(parents).chain([declaration.kind]).chain(id).collect();
    segments.join("/")
}
