//! Which resource a path names, and by which of its operations.
//!
//! A path is trimmed of slashes and read as pairs of a type and an id. It is never redirected. actix could not do this: it
//! knows neither empty segments nor a 404 for a method that a path does not have.

use std::borrow::Cow;
use std::sync::Arc;

use percent_encoding::percent_decode_str;

use crate::declaration::{Declaration, Operation, Verb};

/// A type and perhaps an id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair<'a> {
    /// The type, decoded.
    pub kind: Cow<'a, str>,
    /// The id, decoded; none where the segment is absent or empty.
    pub id: Option<Cow<'a, str>>,
}

/// Reads a path, as it came over the wire, as pairs. `/` is no pair at all.
pub fn read_pairs(path: &str) -> Vec<Pair<'_>> {
    let path = path.trim_matches('/');
    if path.is_empty() {
        return Vec::new();
    }
    let decode = |segment| percent_decode_str(segment).decode_utf8_lossy();
    let mut segments = path.split('/');
    let mut pairs = Vec::with_capacity(2);
    while let Some(kind) = segments.next() {
        let id = segments.next().filter(|id| !id.is_empty()).map(decode);
        pairs.push(Pair { kind: decode(kind), id });
    }
    pairs
}

/// A resource with the names under which logs and metrics know it.
#[derive(Debug)]
pub struct Route {
    /// The resource.
    pub declaration: &'static Declaration,
    /// `/customers`
    collection_template: Arc<str>,
    /// `/customers/{id}`
    item_template: Arc<str>,
}

impl Route {
    fn new(declaration: &'static Declaration) -> Self {
        let segments = [declaration.parents, &[declaration.kind]].concat();
        let collection_template = format!("/{}", segments.join("/{id}/"));
        let item_template = format!("{collection_template}/{{id}}").into();
        Self { declaration, collection_template: collection_template.into(), item_template }
    }

    /// The path without anything that a client chose: paths can hold tokens.
    pub fn template(&self, pairs: &[Pair<'_>]) -> Arc<str> {
        Arc::clone(if names_one(pairs) { &self.item_template } else { &self.collection_template })
    }

    /// The operation of a method; an item cannot be posted to.
    pub fn operation(&self, verb: Verb, pairs: &[Pair<'_>]) -> Option<&'static Operation> {
        if verb == Verb::Post && names_one(pairs) {
            return None;
        }
        self.declaration.operations.iter().find(|operation| operation.verb == verb)
    }

    /// The methods that a path of this resource has, as `Allow` names them; none where there is nothing at the path. An item
    /// is not posted to, and only an item is changed or removed.
    pub fn allowed_methods(&self, pairs: &[Pair<'_>]) -> Vec<&'static str> {
        let is_there = |verb: &Verb| match verb {
            Verb::Get => true,
            Verb::Post => !names_one(pairs),
            Verb::Patch | Verb::Delete => names_one(pairs),
        };
        let mut methods: Vec<_> = self.verbs().filter(is_there).flat_map(methods_of).copied().collect();
        if !methods.is_empty() {
            methods.push("OPTIONS");
        }
        methods
    }

    /// The methods there are, in the order of [`Verb::ALL`].
    pub fn verbs(&self) -> impl Iterator<Item = Verb> {
        Verb::ALL.into_iter().filter(|verb| self.declaration.operations.iter().any(|operation| operation.verb == *verb))
    }
}

/// Whether a path ends with an id.
fn names_one(pairs: &[Pair<'_>]) -> bool {
    pairs.last().is_some_and(|pair| pair.id.is_some())
}

const fn methods_of(verb: Verb) -> &'static [&'static str] {
    match verb {
        Verb::Get => &["GET", "HEAD"],
        Verb::Post => &["POST"],
        Verb::Patch => &["PATCH"],
        Verb::Delete => &["DELETE"],
    }
}

/// All resources that are served.
#[derive(Debug)]
pub struct Routes(Vec<Route>);

impl Routes {
    /// Serves these resources.
    pub fn new(declarations: &[&'static Declaration]) -> Self {
        Self(declarations.iter().map(|declaration| Route::new(declaration)).collect())
    }

    /// The resource that pairs name, if there is one with these parents.
    pub fn find(&self, pairs: &[Pair<'_>]) -> Option<&Route> {
        let (last, parents) = pairs.split_last()?;
        self.0.iter().find(|route| {
            route.declaration.kind == last.kind
                && route.declaration.parents.len() == parents.len()
                && route.declaration.parents.iter().zip(parents).all(|(expected, pair)| *expected == pair.kind)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::declaration::{Access, Answer};
    use proptest::prelude::*;

    const fn operation(verb: Verb) -> Operation {
        Operation::bare(verb, &[], Access::Public(|_| Box::pin(async { Ok(Answer::NoContent) })))
    }

    static CUSTOMERS: Declaration = Declaration::bare("customers", &[], &[operation(Verb::Post), operation(Verb::Get)]);
    static ADDRESSES: Declaration = Declaration::bare(
        "addresses",
        &["customers"],
        &[operation(Verb::Get), operation(Verb::Post), operation(Verb::Patch), operation(Verb::Delete)],
    );

    static CONFIRMATION: Declaration = Declaration::bare("confirmation", &[], &[operation(Verb::Post)]);

    fn routes() -> Routes {
        Routes::new(&[&CUSTOMERS, &ADDRESSES])
    }

    #[test]
    fn paths_are_pairs_however_many_slashes_surround_them() {
        let pair = |kind: &'static str, id: Option<&'static str>| Pair { kind: kind.into(), id: id.map(Cow::Borrowed) };
        for (path, expected) in [
            ("/", vec![]),
            ("", vec![]),
            ("//", vec![]),
            ("/customers", vec![pair("customers", None)]),
            ("/customers/", vec![pair("customers", None)]),
            ("//customers//", vec![pair("customers", None)]),
            ("/customers/DE--1", vec![pair("customers", Some("DE--1"))]),
            ("/%63ustomers/DE%2D%2D1/", vec![pair("customers", Some("DE--1"))]),
            ("/customers/a%2Fb", vec![pair("customers", Some("a/b"))]),
            ("/customers//addresses", vec![pair("customers", None), pair("addresses", None)]),
            ("/customers//addresses/7", vec![pair("customers", None), pair("addresses", Some("7"))]),
            ("/customers/DE--1/addresses", vec![pair("customers", Some("DE--1")), pair("addresses", None)]),
            ("/customers/x//y", vec![pair("customers", Some("x")), pair("", Some("y"))]),
        ] {
            assert_eq!(read_pairs(path), expected, "{path}");
        }
    }

    #[test]
    fn only_declared_paths_and_methods_are_found() {
        let routes = routes();
        let found = |verb, path| {
            let pairs = read_pairs(path);
            routes
                .find(&pairs)
                .and_then(|route| route.operation(verb, &pairs).map(|_| route.template(&pairs).to_string()))
        };
        for (verb, path, expected) in [
            (Verb::Get, "/customers", Some("/customers")),
            (Verb::Get, "/customers/", Some("/customers")),
            (Verb::Get, "/customers/secret", Some("/customers/{id}")),
            (Verb::Post, "/customers", Some("/customers")),
            (Verb::Post, "/customers/DE--1", None),
            (Verb::Patch, "/customers/DE--1", None),
            (Verb::Patch, "/customers", None),
            (Verb::Get, "/unknown", None),
            (Verb::Get, "/", None),
            (Verb::Get, "/Customers", None),
            (Verb::Get, "/addresses", None),
            (Verb::Get, "/addresses/1/customers", None),
            (Verb::Get, "/unknown/1/addresses", None),
            (Verb::Get, "/customers//addresses", Some("/customers/{id}/addresses")),
            (Verb::Delete, "/customers//addresses/7", Some("/customers/{id}/addresses/{id}")),
            (Verb::Post, "/customers/DE--1/addresses/7", None),
            (Verb::Get, "/customers/DE--1/relationships/addresses", None),
        ] {
            assert_eq!(found(verb, path).as_deref(), expected, "{verb:?} {path}");
        }
    }

    #[test]
    fn a_path_has_the_methods_that_can_be_used_there() {
        let routes = routes();
        for (path, expected) in [
            ("/customers", "GET HEAD POST OPTIONS"),
            ("/customers/DE--1", "GET HEAD OPTIONS"),
            ("/customers/DE--1/addresses", "GET HEAD POST OPTIONS"),
            ("/customers/DE--1/addresses/7", "GET HEAD PATCH DELETE OPTIONS"),
        ] {
            let pairs = read_pairs(path);
            assert_eq!(routes.find(&pairs).unwrap().allowed_methods(&pairs).join(" "), expected, "{path}");
        }
        let pairs = read_pairs("/confirmation/x");
        assert!(Routes::new(&[&CONFIRMATION]).find(&pairs).unwrap().allowed_methods(&pairs).is_empty());
    }

    #[test]
    fn methods_are_named_in_one_order() {
        let routes = routes();
        let verbs: Vec<_> = routes.find(&read_pairs("/customers")).unwrap().verbs().collect();
        assert_eq!(verbs, [Verb::Get, Verb::Post]);
    }

    proptest! {
        #[test]
        fn reading_never_panics(path in any::<String>()) {
            let pairs = read_pairs(&path);
            let _ = routes().find(&pairs);
        }
    }
}
