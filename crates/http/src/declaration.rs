//! How a resource declares itself. The pipeline does the rest.
//!
//! A resource is a `static` [`Declaration`]: its type, where in the path it stands, and for each method who may call it, which
//! attributes it takes and the function that carries it out. A handler is called only when everything before it passed.

use std::pin::Pin;
use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::Method;
use actix_web::web::Bytes;
use application::{Application, Caller};
use domain::{Locale, Password, PasswordPolicy};
use jiff::civil::Date;
use jsonapi::{Attributes, Links, Query, Resource};
use serde_json::{Map, Value};

use crate::constraints::{Field, is_true, parse_date};
use crate::errors::{Code, Refusal};

/// A resource of the Glue surface.
#[derive(Debug)]
pub struct Declaration {
    /// The type: the path's segment and `data.type`.
    pub kind: &'static str,
    /// The types of the pairs before it in the path, outermost first.
    pub parents: &'static [&'static str],
    /// What can be done.
    pub operations: &'static [Operation],
}

/// What one method of a resource does.
#[derive(Debug)]
pub struct Operation {
    /// The method.
    pub verb: Verb,
    /// The attributes it takes, in the order in which violations are told.
    pub fields: &'static [Field],
    /// Who may call it, and what carries it out.
    pub access: Access,
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
    /// The bearer of an access token.
    Token {
        /// Whose resource it must be.
        ownership: Ownership,
        /// What carries it out.
        handler: TokenHandler,
    },
    /// Anybody, with a body that is no JSON:API: the handler reads it and shapes the answer itself.
    Foreign(ForeignHandler),
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
/// Carries out an operation that does not speak JSON:API.
pub type ForeignHandler = for<'a> fn(ForeignCall<'a>) -> Pending<'a, HttpResponse>;

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

/// A request that passed every check, on its way to its handler.
pub struct Call<'a> {
    /// What it can use.
    pub context: &'a Context,
    /// The type of the resource.
    pub kind: &'static str,
    /// The id at the end of the path.
    pub id: Option<&'a str>,
    /// The attributes, which keep to their declaration.
    pub input: Input,
    /// The language that was negotiated.
    pub locale: &'a Locale,
    /// The query.
    pub query: &'a Query,
    /// The query as the client wrote it.
    pub raw_query: &'a str,
}

impl Call<'_> {
    /// A resource of the requested type. Its link repeats the query, as does Glue's.
    pub fn resource(&self, id: Option<String>, attributes: Vec<(&'static str, Value)>) -> Resource {
        let links = self_link(&self.context.base_url, self.kind, id.as_deref(), self.raw_query);
        Resource { kind: self.kind, id, attributes: Attributes::new(attributes), links }
    }
}

/// `{base}/{kind}/{id}?{query}`, without what is not there.
pub(crate) fn self_link(base: &str, kind: &str, id: Option<&str>, raw_query: &str) -> Links {
    let mut itself = format!("{base}/{kind}");
    for (separator, part) in [('/', id.unwrap_or_default()), ('?', raw_query)] {
        if !part.is_empty() {
            itself.push(separator);
            itself.push_str(part);
        }
    }
    Links { itself }
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn links_are_absolute_and_repeat_the_query_as_it_was_written() {
        for (id, query, expected) in [
            (Some("DE--35"), "", "https://glue.example.com/customers/DE--35"),
            (None, "", "https://glue.example.com/customers"),
            (
                Some("DE--35"),
                "fields[customers]=a%20b",
                "https://glue.example.com/customers/DE--35?fields[customers]=a%20b",
            ),
        ] {
            assert_eq!(self_link("https://glue.example.com", "customers", id, query).itself, expected);
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
}
