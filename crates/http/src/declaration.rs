//! How a resource declares itself. The pipeline does the rest.
//!
//! A resource is a `static` [`Declaration`]: its type, where in the path it stands, and for each method who may call it, which
//! attributes it takes and the function that carries it out. A handler is called only when everything before it passed.

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::Method;
use actix_web::web::Bytes;
use application::{Application, Caller};
use domain::{Digest, GuestId, Locale, Password, PasswordPolicy, Quantity, parse_date};
use jiff::civil::Date;
use jsonapi::{Attributes, Identifier, Links, Mode, Query, Relationship, Resource, link_segment};
use serde_json::{Map, Value};

use crate::constraints::{Field, is_true, parse_pieces};
use crate::errors::{Code, Refusal};
use crate::routing::Pair;

/// A resource of the Glue surface.
#[derive(Debug)]
pub struct Declaration {
    /// The type: the path's segment and `data.type`.
    pub kind: &'static str,
    /// The types of the pairs before it in the path, outermost first.
    pub parents: &'static [&'static str],
    /// What it is, for readers of the API's description: a few words without a full stop.
    pub summary: &'static str,
    /// The attributes that answers show, in their order.
    pub attributes: &'static [Attribute],
    /// The relationships that answers can show.
    pub relationships: &'static [&'static str],
    /// An id as answers show it, for the API's description. None for what has none, such as tokens.
    pub example_id: Option<&'static str>,
    /// The resource that answers show in its place: whoever adds an item gets the cart.
    pub shows: Option<&'static Declaration>,
    /// What can be done.
    pub operations: &'static [Operation],
}

impl Declaration {
    /// The resource that answers show.
    pub fn shown(&self) -> &Self {
        self.shows.unwrap_or(self)
    }

    /// Whether an answer with exactly one of these resources names its state in `ETag`: there is an operation that asks for
    /// it.
    pub fn has_entity_tags(&self) -> bool {
        self.operations.iter().any(|operation| matches!(operation.access, Access::Tagged(_)))
    }
}

/// What one method of a resource does.
#[derive(Debug)]
pub struct Operation {
    /// The method.
    pub verb: Verb,
    /// What it does, for readers of the API's description: a few words without a full stop.
    pub summary: &'static str,
    /// The attributes it takes, in the order in which violations are told.
    pub fields: &'static [Field],
    /// What it can refuse with by itself, beside what the pipeline refuses and what can befall every use case.
    pub refusals: &'static [Code],
    /// What it answers when it is carried out.
    pub answers: Success,
    /// Who may call it, and what carries it out.
    pub access: Access,
}

/// An attribute that answers show. The API's description is made of these; what is shown is up to the handler.
#[derive(Clone, Copy, Debug)]
pub struct Attribute {
    /// The name on the wire.
    pub name: &'static str,
    /// What values it has.
    pub shape: Shape,
    /// Whether it can be `null` as well.
    pub nullable: bool,
    /// A value as JSON text. For an object it follows from its members.
    pub example: &'static str,
}

impl Attribute {
    /// An attribute that always has a value. `example` is JSON text.
    pub const fn new(name: &'static str, shape: Shape, example: &'static str) -> Self {
        Self { name, shape, nullable: false, example }
    }

    /// An attribute that can be `null`. `example` is JSON text.
    pub const fn nullable(name: &'static str, shape: Shape, example: &'static str) -> Self {
        Self { name, shape, nullable: true, example }
    }

    /// An object that always has these members.
    pub const fn object(name: &'static str, members: &'static [Self]) -> Self {
        Self { name, shape: Shape::Object(members), nullable: false, example: "null" }
    }

    /// A list of objects with these members; of none, and therefore always empty, where no members are named.
    pub const fn list(name: &'static str, members: &'static [Self]) -> Self {
        Self { name, shape: Shape::List(members), nullable: false, example: "[]" }
    }
}

/// What values an attribute has.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// Any text.
    Text,
    /// One of these texts.
    Choice(&'static [&'static str]),
    /// The address of a mailbox.
    Email,
    /// A day, `YYYY-MM-DD`.
    Date,
    /// A moment in UTC, `YYYY-MM-DD hh:mm:ss.uuuuuu`.
    DateTime,
    /// `true` or `false`.
    Boolean,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// An object with these members, all of them.
    Object(&'static [Attribute]),
    /// A list of such objects.
    List(&'static [Attribute]),
    /// Nothing but `null`.
    Null,
}

/// What an operation answers when it is carried out.
#[derive(Clone, Copy, Debug)]
pub enum Success {
    /// 204.
    NoContent,
    /// 201 with the new resource.
    Created,
    /// 200 with one resource, which the path names.
    One,
    /// 200 with a collection; there are no resources of their own in it that a path could name.
    Many,
    /// 200 with one resource where the path names it, else with a collection.
    OneOrMany,
    /// 200 in a shape of its own.
    Foreign(&'static ForeignShape),
}

/// What an operation that is no JSON:API takes and answers, for readers of the API's description.
#[derive(Debug)]
pub struct ForeignShape {
    /// The forms it takes, one at a time. All fields of a form must be there.
    pub forms: &'static [&'static [Attribute]],
    /// What it answers when it is carried out.
    pub attributes: &'static [Attribute],
    /// What an error has.
    pub error: &'static [Attribute],
    /// The errors by itself: each one's status and document.
    pub refusals: fn() -> Vec<(u16, Value)>,
}

#[cfg(test)]
impl Declaration {
    /// A resource that nobody reads about.
    pub(crate) const fn bare(
        kind: &'static str,
        parents: &'static [&'static str],
        operations: &'static [Operation],
    ) -> Self {
        Self {
            kind,
            parents,
            summary: "",
            attributes: &[],
            relationships: &[],
            example_id: None,
            shows: None,
            operations,
        }
    }
}

#[cfg(test)]
impl Operation {
    /// An operation that nobody reads about.
    pub(crate) const fn bare(verb: Verb, fields: &'static [Field], access: Access) -> Self {
        Self { verb, summary: "", fields, refusals: &[], answers: Success::NoContent, access }
    }
}

/// The methods a resource can have. A `HEAD` is a `GET` whose answer has no body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Reads.
    Get,
    /// Creates, or does something.
    Post,
    /// Changes.
    Patch,
    /// Removes.
    Delete,
}

impl Verb {
    /// Every method, in the order in which `Access-Control-Allow-Methods` names them.
    pub const ALL: [Self; 4] = [Self::Get, Self::Post, Self::Patch, Self::Delete];

    /// The method's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    /// Whether a request of this HTTP method has a body that is read.
    pub(crate) fn reading_a_body(method: &Method) -> bool {
        method == Method::POST || method == Method::PATCH
    }

    /// Whether a request document comes with it.
    pub const fn has_document(self) -> bool {
        matches!(self, Self::Post | Self::Patch)
    }
}

/// Who may call an operation, and what carries it out.
#[derive(Clone, Copy, Debug)]
pub enum Access {
    /// Anybody; an access token that is sent along must be good all the same.
    Public(PublicHandler),
    /// Likewise, to log in. While the login lock is closed for an account and a client, that is told before anything about
    /// the request's headers and fields.
    Login {
        /// The attribute that names the account.
        username: &'static str,
        /// What carries it out.
        handler: PublicHandler,
    },
    /// The bearer of an access token.
    Token {
        /// Whose resource it must be.
        ownership: Ownership,
        /// What carries it out.
        handler: TokenHandler,
    },
    /// The bearer of an access token, who names with `If-Match` the state of the resource that they know. Whose it is, the
    /// handler asks.
    Tagged(TaggedHandler),
    /// A guest, by what they send as `X-Anonymous-Customer-Unique-Id`.
    Guest(GuestHandler),
    /// Anybody, with a body that is no JSON:API: the handler reads it and shapes the answer itself.
    Foreign(ForeignHandler),
}

impl Access {
    /// Whether an access token is needed.
    pub const fn needs_token(self) -> bool {
        matches!(self, Self::Token { .. } | Self::Tagged(_))
    }
}

/// Whose resource a protected operation must be about.
#[derive(Clone, Copy, Debug)]
pub enum Ownership {
    /// The path does not name a customer, or the handler decides.
    Any,
    /// The customer whom the first pair of the path names must be the caller. Not asked where a whole collection is read.
    Caller {
        /// What another customer's resource answers.
        otherwise: Code,
    },
}

/// Work that is under way.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;
/// Carries out a public operation.
pub type PublicHandler = for<'a> fn(Call<'a>) -> Pending<'a, Result<Answer, Refusal>>;
/// Carries out an operation of a customer who is logged in.
pub type TokenHandler = for<'a> fn(Call<'a>, Caller) -> Pending<'a, Result<Answer, Refusal>>;
/// Likewise, of a customer who knows the resource in the state of this entity tag.
pub type TaggedHandler = for<'a> fn(Call<'a>, Caller, EntityTag) -> Pending<'a, Result<Answer, Refusal>>;
/// Carries out an operation of a guest.
pub type GuestHandler = for<'a> fn(Call<'a>, GuestId) -> Pending<'a, Result<Answer, Refusal>>;
/// Carries out an operation that does not speak JSON:API.
pub type ForeignHandler = for<'a> fn(ForeignCall<'a>) -> Pending<'a, HttpResponse>;

/// The state of a resource that a client says it knows: the value of `If-Match` without the quotes around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntityTag(pub String);

/// What every handler can use.
#[derive(Clone)]
pub struct Context {
    /// The use cases.
    pub application: Application,
    /// Where clients reach the gateway: absolute, without a slash at the end.
    pub base_url: Arc<str>,
    /// What is demanded of a new password.
    pub password_policy: Arc<PasswordPolicy>,
}

/// How many bytes of a secret's digest identify it to its owner. Nobody can come from them to the secret.
const FINGERPRINT_BYTES: usize = 16;

/// A request that passed every check, on its way to its handler.
pub struct Call<'a> {
    /// What it can use.
    pub context: &'a Context,
    /// The type of the resource.
    pub kind: &'static str,
    /// The path.
    pub pairs: &'a [Pair<'a>],
    /// The attributes, which keep to their declaration.
    pub input: Input,
    /// The language that was negotiated.
    pub locale: &'a Locale,
    /// The query.
    pub query: &'a Query,
    /// The query as links repeat it.
    pub link_query: &'a str,
    /// How the answer is told.
    pub mode: Mode,
    /// Whom it comes from.
    pub client: IpAddr,
    /// The guest who sends it, where one is named.
    pub guest: Option<GuestId>,
}

impl<'a> Call<'a> {
    /// The id at the end of the path.
    pub fn id(&self) -> Option<&'a str> {
        self.pairs.last().and_then(|pair| pair.id.as_deref())
    }

    /// The id of what the end of the path is below.
    pub fn parent_id(&self) -> Option<&'a str> {
        let [.., parent, _] = self.pairs else { return None };
        parent.id.as_deref()
    }

    /// A resource that stands at the top. If it is of the requested type, its link repeats the query, as does Glue's.
    pub fn resource(&self, kind: &'static str, id: String, attributes: Vec<(&'static str, Value)>) -> Resource {
        let repeated = if kind == self.kind { self.link_query } else { "" };
        let itself = with_query(link(&self.context.base_url, &[(kind, Some(&id))]), repeated);
        resource(kind, Some(id), attributes, Some(itself))
    }

    /// A resource that stands below another, of whatever type.
    pub fn nested(
        &self,
        parent: (&'static str, &str),
        kind: &'static str,
        id: String,
        attributes: Vec<(&'static str, Value)>,
    ) -> Resource {
        let itself = link(&self.context.base_url, &[(parent.0, Some(parent.1)), (kind, Some(&id))]);
        resource(kind, Some(id), attributes, Some(itself))
    }

    /// A resource of the requested type that is handed out and kept nowhere: a token. `secret` is what is handed out.
    pub fn fleeting(&self, secret: &str, attributes: Vec<(&'static str, Value)>) -> Resource {
        let fingerprint = || {
            let digest = Digest::of(secret);
            hex::encode(digest.as_bytes().get(..FINGERPRINT_BYTES).unwrap_or_default())
        };
        let id = self.mode.identifies_everything().then(fingerprint);
        let itself = || with_query(link(&self.context.base_url, &[(self.kind, None)]), self.link_query);
        resource(self.kind, id, attributes, (!self.mode.links_only_what_is_there()).then(itself))
    }

    /// What a resource of the requested type is related to: the resources below it of the type `kind`, which is also the
    /// relationship's name.
    pub fn relationship(&self, id: &str, kind: &'static str, ids: impl Iterator<Item = String>) -> Relationship {
        let related = link(&self.context.base_url, &[(self.kind, Some(id)), (kind, None)]);
        let data = ids.map(|id| Identifier { kind, id }).collect();
        Relationship { name: kind, related: Some(related), data }
    }
}

fn resource(
    kind: &'static str,
    id: Option<String>,
    attributes: Vec<(&'static str, Value)>,
    itself: Option<String>,
) -> Resource {
    let links = itself.map(|itself| Links { itself });
    Resource { kind, id, attributes: Attributes::new(attributes), relationships: Vec::new(), links }
}

/// `{base}/{kind}/{id}/{kind}/{id}`, without the ids that are not there.
pub(crate) fn link(base: &str, path: &[(&str, Option<&str>)]) -> String {
    let mut link = String::with_capacity(base.len() + 64);
    link.push_str(base);
    for (kind, id) in path {
        link.push('/');
        link.push_str(kind);
        if let Some(id) = id {
            link.push('/');
            link.push_str(&link_segment(id));
        }
    }
    link
}

/// `{link}?{query}`, or the link alone.
pub(crate) fn with_query(mut link: String, link_query: &str) -> String {
    if !link_query.is_empty() {
        link.push('?');
        link.push_str(link_query);
    }
    link
}

/// A request to an operation that does not speak JSON:API.
pub struct ForeignCall<'a> {
    /// What it can use.
    pub context: &'a Context,
    /// `Content-Type`, if it is one text.
    pub content_type: Option<&'a str>,
    /// The body, or why there is none.
    pub body: Result<&'a Bytes, Code>,
    /// Whether an `Authorization` that is sent along is good; true where there is none.
    pub authorization_is_good: bool,
    /// The language that was negotiated.
    pub locale: &'a Locale,
    /// Whom it comes from.
    pub client: IpAddr,
}

/// What a handler answers.
#[derive(Debug)]
pub enum Answer {
    /// 204: done, and nothing to show.
    NoContent,
    /// 201: this is new.
    Created(Resource),
    /// 200: this is it.
    One(Resource),
    /// 200: these are they.
    Many(Vec<Resource>),
    /// One of the others, with resources that its own are related to.
    Including(Box<Self>, Vec<Resource>),
    /// One of the others, whose only resource is in this state.
    Tagged(Box<Self>, EntityTag),
}

impl Answer {
    /// Names the state of the resource that is shown, in `ETag`.
    #[must_use]
    pub fn tagged(self, tag: EntityTag) -> Self {
        Self::Tagged(Box::new(self), tag)
    }

    /// Adds resources to be included. Those that no relationship leads to are left out, and so are all of them where the
    /// query does not ask for any.
    #[must_use]
    pub fn including(self, related: Vec<Resource>) -> Self {
        if related.is_empty() { self } else { Self::Including(Box::new(self), related) }
    }
}

/// Attributes that keep to their declaration. Whatever is absent, `null` or `""` reads as nothing.
#[derive(Debug, Default)]
pub struct Input(Map<String, Value>);

impl Input {
    /// Takes attributes that were checked.
    pub(crate) fn new(checked: Map<String, Value>) -> Self {
        Self(checked)
    }

    /// Takes a text out.
    pub fn text(&mut self, name: &str) -> Option<String> {
        match self.0.swap_remove(name) {
            Some(Value::String(text)) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    /// Takes a text out that may be taken away: `None` where it is absent, `Some(None)` where it is `null` or `""`.
    pub fn text_change(&mut self, name: &str) -> Option<Option<String>> {
        self.0.contains_key(name).then(|| self.text(name))
    }

    /// Reads how many pieces.
    pub fn quantity(&self, name: &str) -> Option<Quantity> {
        self.0.get(name).and_then(parse_pieces).and_then(Quantity::new)
    }

    /// Takes a password out.
    pub fn password(&mut self, name: &str) -> Password {
        Password::new(self.text(name).unwrap_or_default())
    }

    /// Reads consent.
    pub fn is_true(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(is_true)
    }

    /// Reads a day.
    pub fn date(&self, name: &str) -> Option<Date> {
        self.0.get(name)?.as_str().and_then(parse_date)
    }

    /// Reads a day that may be taken away: `None` where it is absent, `Some(None)` where it is `null` or `""`.
    pub fn date_change(&self, name: &str) -> Option<Option<Date>> {
        self.0.contains_key(name).then(|| self.date(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn links_are_absolute_and_repeat_the_query() {
        const BASE: &str = "https://glue.example.com";
        for (path, query, expected) in [
            (&[("customers", Some("DE--35"))][..], "", "/customers/DE--35"),
            (&[("customers", None)], "", "/customers"),
            (&[("customers", Some("DE--35")), ("addresses", None)], "", "/customers/DE--35/addresses"),
            (&[("customers", Some("a b/c"))], "", "/customers/a%20b%2Fc"),
            (&[("customers", Some("DE--35"))], "fields[customers]=a%20b", "/customers/DE--35?fields[customers]=a%20b"),
        ] {
            assert_eq!(with_query(link(BASE, path), query), format!("{BASE}{expected}"));
        }
    }

    #[test]
    fn input_reads_what_is_there_and_nothing_else() {
        let attributes = json!({"name": "Mira", "empty": "", "terms": 1, "born": "2000-02-29", "none": null});
        let Value::Object(attributes) = attributes else { panic!("an object") };
        let mut input = Input::new(attributes);
        assert_eq!(input.text("name").as_deref(), Some("Mira"));
        for absent in ["name", "empty", "none", "other"] {
            assert_eq!(input.text(absent), None, "{absent}");
        }
        assert!(input.is_true("terms") && !input.is_true("other"));
        assert_eq!(input.date("born").unwrap().to_string(), "2000-02-29");
        assert_eq!(input.password("other").expose(), "");
    }

    #[test]
    fn a_quantity_is_read_from_numbers_and_texts() {
        for (value, expected) in [
            (json!(1), Some(1)),
            (json!("2"), Some(2)),
            (json!(" +3\n"), Some(3)),
            (json!(4.0), Some(4)),
            (json!("0005"), Some(5)),
            (json!(1_000_000), Some(1_000_000)),
            (json!(1_000_001), None),
            (json!(4_294_967_297_u64), None),
            (json!(1.5), None),
            (json!("1.0"), None),
            (json!("1e3"), None),
            (json!(0), None),
            (json!(-1), None),
            (json!(1e300), None),
            (json!(null), None),
            (json!([1]), None),
        ] {
            let input = Input::new(Map::from_iter([("quantity".to_owned(), value.clone())]));
            assert_eq!(input.quantity("quantity").map(Quantity::get), expected, "{value}");
            assert_eq!(input.quantity("other"), None);
        }
    }

    #[test]
    fn what_is_taken_away_is_told_from_what_is_not_there() {
        let attributes = json!({"a": "x", "b": "", "c": null, "born": "2000-02-29", "unborn": null});
        let Value::Object(attributes) = attributes else { panic!("an object") };
        let mut input = Input::new(attributes);
        assert_eq!(input.text_change("a"), Some(Some("x".to_owned())));
        assert_eq!(["b", "c"].map(|name| input.text_change(name)), [Some(None), Some(None)]);
        assert_eq!(input.text_change("d"), None);
        assert_eq!(input.date_change("born"), Some(Some(jiff::civil::date(2000, 2, 29))));
        assert_eq!((input.date_change("unborn"), input.date_change("d")), (Some(None), None));
    }
}
