//! Documents that carry resources.

use std::borrow::Cow;
use std::collections::HashSet;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde::ser::{SerializeMap, SerializeStruct};
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::{MEDIA_TYPE, Mode, Query};

/// A document with primary data.
#[derive(Debug, Serialize)]
pub struct Document<'a> {
    /// What speaks here, where that is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jsonapi: Option<Implementation>,
    /// The resource, or the collection.
    pub data: Data<'a>,
    /// Where the document came from, where it came from anywhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub links: Option<DocumentLinks<'a>>,
    /// Resources that those of `data` are related to. `None` is not the same as none of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub included: Option<&'a [Resource]>,
}

/// Primary data.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(untagged)]
pub enum Data<'a> {
    /// A single resource: an object.
    One(&'a Resource),
    /// A collection: an array, whatever its length.
    Many(&'a [Resource]),
}

impl<'a> Data<'a> {
    /// The resources, however many.
    pub const fn resources(self) -> &'a [Resource] {
        match self {
            Self::One(resource) => std::slice::from_ref(resource),
            Self::Many(resources) => resources,
        }
    }
}

/// The version of the specification that is spoken.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Implementation {
    version: &'static str,
}

impl Implementation {
    /// The one there is.
    pub const CURRENT: Self = Self { version: "1.1" };
}

/// A resource object.
#[derive(Debug, Serialize)]
pub struct Resource {
    /// The type, such as `customers`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The identity; `null` for resources that have none, such as tokens.
    pub id: Option<String>,
    /// The attributes.
    pub attributes: Attributes,
    /// What it is related to; not there when there is nothing to tell.
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "relationships_by_name")]
    pub relationships: Vec<Relationship>,
    /// Where the resource is, if it is anywhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub links: Option<Links>,
}

impl Resource {
    /// Keeps of the attributes and the relationships only what a query asks for (sparse fieldsets). A relationship that is
    /// included stays: else nothing would lead to what is included.
    pub fn keep_fields(&mut self, query: &Query) {
        let Some(names) = query.fields(self.kind) else { return };
        let is_named = |name: &str| names.iter().any(|kept| kept == name);
        self.attributes.0.retain(|(name, _)| is_named(name));
        self.relationships.retain(|relationship| is_named(relationship.name) || query.includes(relationship.name));
    }

    fn identity(&self) -> Option<(&str, &str)> {
        self.id.as_deref().map(|id| (self.kind, id))
    }

    fn related(&self) -> impl Iterator<Item = (&str, &str)> {
        let related = self.relationships.iter().flat_map(|relationship| &relationship.data);
        related.map(|identifier| (identifier.kind, identifier.id.as_str()))
    }
}

/// What a resource is related to under one name: to any number of others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relationship {
    /// The name.
    pub name: &'static str,
    /// An absolute URL at which the related resources are.
    pub related: Option<String>,
    /// The related resources.
    pub data: Vec<Identifier>,
}

impl Serialize for Relationship {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct RelatedLink<'a> {
            related: &'a str,
        }
        let mut object = serializer.serialize_struct("Relationship", 2)?;
        object.serialize_field("data", &self.data)?;
        if let Some(related) = &self.related {
            object.serialize_field("links", &RelatedLink { related })?;
        }
        object.end()
    }
}

fn relationships_by_name<S: Serializer>(relationships: &[Relationship], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(relationships.iter().map(|relationship| (relationship.name, relationship)))
}

/// Names a resource of the same document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Identifier {
    /// The type.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The identity.
    pub id: String,
}

/// The links of a resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Links {
    /// An absolute URL.
    #[serde(rename = "self")]
    pub itself: String,
}

/// The links of a document.
#[derive(Debug, Serialize)]
pub struct DocumentLinks<'a> {
    #[serde(rename = "self")]
    itself: Link<'a>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Link<'a> {
    Plain(Cow<'a, str>),
    Typed {
        href: Cow<'a, str>,
        #[serde(rename = "type")]
        media_type: &'a str,
    },
}

impl<'a> DocumentLinks<'a> {
    /// Says that the document is at `href`. `media_type` is told where a profile was applied.
    pub const fn to(href: Cow<'a, str>, media_type: Option<&'a str>) -> Self {
        let itself = match media_type {
            Some(media_type) => Link::Typed { href, media_type },
            None => Link::Plain(href),
        };
        Self { itself }
    }
}

/// The media type of documents to which a profile was applied.
pub fn media_type_with(profile: &str) -> String {
    format!("{MEDIA_TYPE};profile=\"{profile}\"")
}

/// Everything that does not stand for itself in a query, brackets among it.
const QUERY: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// Everything that does not stand for itself in a segment of a path.
const SEGMENT: &AsciiSet = &QUERY.add(b'%').add(b'/').add(b'?');

/// Likewise, but for brackets: Glue's clients write them as they are and find them so in links.
const BRACKETED_QUERY: &AsciiSet = &QUERY.remove(b'[').remove(b']');

/// A query as links repeat it.
pub fn link_query(raw_query: &str, mode: Mode) -> Cow<'_, str> {
    utf8_percent_encode(raw_query, if mode.encodes_links() { QUERY } else { BRACKETED_QUERY }).into()
}

/// An identity as a segment of a path.
pub fn link_segment(id: &str) -> Cow<'_, str> {
    utf8_percent_encode(id, SEGMENT).into()
}

/// Keeps of the resources to be included those that something in the document leads to, each once and none that is in
/// `data` already.
pub fn link_fully(data: Data<'_>, included: &mut Vec<Resource>) {
    if included.is_empty() {
        return;
    }
    let mut reached: HashSet<(&str, &str)> = data.resources().iter().flat_map(Resource::related).collect();
    // A resource can lead to others before it and behind it: go on until nothing new is reached.
    loop {
        let before = reached.len();
        let of_reached = included.iter().filter(|resource| resource.identity().is_some_and(|id| reached.contains(&id)));
        let further: Vec<_> = of_reached.flat_map(Resource::related).collect();
        reached.extend(further);
        if reached.len() == before {
            break;
        }
    }
    let mut seen: HashSet<(&str, &str)> = data.resources().iter().filter_map(Resource::identity).collect();
    let keep: Vec<bool> = included
        .iter()
        .map(|resource| resource.identity().is_some_and(|id| reached.contains(&id) && seen.insert(id)))
        .collect();
    let mut keep = keep.into_iter();
    included.retain(|_| keep.next().unwrap_or_default());
}

/// Attributes in the order in which they are shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attributes(Vec<(&'static str, Value)>);

impl Attributes {
    /// Takes attributes as they shall appear. Names must differ.
    pub const fn new(attributes: Vec<(&'static str, Value)>) -> Self {
        Self(attributes)
    }

    /// The names, in their order.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().map(|(name, _)| *name)
    }
}

impl Serialize for Attributes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn resource(kind: &'static str, id: &str, related: &[&str]) -> Resource {
        let identify = |id: &&str| Identifier { kind: "addresses", id: (*id).to_owned() };
        let relationships = if related.is_empty() {
            Vec::new()
        } else {
            vec![Relationship {
                name: "addresses",
                related: Some(format!("https://x.example/{kind}/{id}/addresses")),
                data: related.iter().map(identify).collect(),
            }]
        };
        Resource {
            kind,
            id: Some(id.to_owned()),
            attributes: Attributes::new(vec![("lastName", json!("Olsen")), ("gender", Value::Null)]),
            relationships,
            links: Some(Links { itself: format!("https://x.example/{kind}/{id}") }),
        }
    }

    fn document(data: Data<'_>) -> Document<'_> {
        let links = Some(DocumentLinks::to(Cow::Borrowed("https://x.example/y"), None));
        Document { jsonapi: None, data, links, included: None }
    }

    #[test]
    fn a_single_resource_is_an_object_with_its_attributes_in_order_and_complete() {
        let customer = resource("customers", "DE--35", &[]);
        assert_eq!(
            serde_json::to_string(&document(Data::One(&customer))).unwrap(),
            r#"{"data":{"type":"customers","id":"DE--35","attributes":{"lastName":"Olsen","gender":null},"links":{"self":"https://x.example/customers/DE--35"}},"links":{"self":"https://x.example/y"}}"#
        );
    }

    #[test]
    fn a_collection_is_an_array_even_when_empty() {
        let text = serde_json::to_string(&document(Data::Many(&[]))).unwrap();
        assert_eq!(text, r#"{"data":[],"links":{"self":"https://x.example/y"}}"#);
    }

    #[test]
    fn what_is_optional_is_left_out_or_shown() {
        let token = Resource { id: None, links: None, ..resource("tokens", "", &[]) };
        let media_type = media_type_with("https://x.example/p");
        let document = Document {
            jsonapi: Some(Implementation::CURRENT),
            data: Data::One(&token),
            links: Some(DocumentLinks::to(Cow::Borrowed("https://x.example/y"), Some(&media_type))),
            included: Some(&[]),
        };
        assert_eq!(
            serde_json::to_value(&document).unwrap(),
            json!({
                "jsonapi": {"version": "1.1"},
                "data": {"type": "tokens", "id": null, "attributes": {"lastName": "Olsen", "gender": null}},
                "links": {"self": {
                    "href": "https://x.example/y",
                    "type": "application/vnd.api+json;profile=\"https://x.example/p\"",
                }},
                "included": [],
            })
        );
    }

    #[test]
    fn relationships_are_objects_by_name() {
        let customer = resource("customers", "DE--35", &["7", "8"]);
        assert_eq!(
            serde_json::to_value(&customer).unwrap()["relationships"],
            json!({"addresses": {
                "data": [{"type": "addresses", "id": "7"}, {"type": "addresses", "id": "8"}],
                "links": {"related": "https://x.example/customers/DE--35/addresses"},
            }})
        );
    }

    #[test]
    fn sparse_fieldsets_keep_attributes_and_relationships_that_are_named_or_included() {
        for (query, attributes, relationships) in [
            ("", &["lastName", "gender"][..], 1),
            ("fields[addresses]=", &["lastName", "gender"], 1),
            ("fields[customers]=gender,unknown", &["gender"], 0),
            ("fields[customers]=addresses", &[], 1),
            ("fields[customers]=", &[], 0),
            ("fields[customers]=&include=addresses", &[], 1),
        ] {
            let mut customer = resource("customers", "DE--35", &["7"]);
            customer.keep_fields(&Query::parse(query, Mode::Glue).unwrap());
            assert_eq!(customer.attributes.names().collect::<Vec<_>>(), attributes, "{query}");
            assert_eq!(customer.relationships.len(), relationships, "{query}");
        }
        let mut customer = resource("customers", "DE--35", &[]);
        customer.keep_fields(&Query::parse("fields[customers]=", Mode::Glue).unwrap());
        assert_eq!(serde_json::to_value(&customer).unwrap()["attributes"], json!({}));
    }

    #[test]
    fn what_is_included_is_linked_and_there_once() {
        let customer = resource("customers", "DE--35", &["7", "8"]);
        let mut included = vec![
            resource("addresses", "10", &[]),
            resource("addresses", "9", &["10"]),
            resource("addresses", "7", &[]),
            resource("addresses", "8", &["9", "7"]),
            resource("addresses", "7", &[]),
            resource("addresses", "11", &["12"]),
            resource("addresses", "12", &["11"]),
            resource("customers", "DE--35", &[]),
        ];
        link_fully(Data::One(&customer), &mut included);
        let ids: Vec<_> = included.iter().filter_map(|resource| resource.id.as_deref()).collect();
        assert_eq!(ids, ["10", "9", "7", "8"]);
        let mut primary = vec![resource("addresses", "7", &[])];
        link_fully(Data::Many(&[resource("addresses", "7", &["7"])]), &mut primary);
        assert!(primary.is_empty());
    }

    #[test]
    fn links_repeat_a_query_as_it_was_written_but_for_what_no_link_may_have() {
        let raw = "fields[customers]=a%20b|c&include=x";
        assert_eq!(link_query(raw, Mode::Glue), "fields[customers]=a%20b%7Cc&include=x");
        assert_eq!(link_query(raw, Mode::Strict), "fields%5Bcustomers%5D=a%20b%7Cc&include=x");
        assert_eq!(link_segment("DE--35"), "DE--35");
        assert_eq!(link_segment("a/b?c%ä"), "a%2Fb%3Fc%25%C3%A4");
    }
}
