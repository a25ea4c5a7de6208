//! Documents that carry resources.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::Value;

/// A document with primary data.
#[derive(Debug, Serialize)]
pub struct Document {
    /// The resource, or the collection.
    pub data: Data,
    /// Where the document came from.
    pub links: Links,
}

/// Primary data.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Data {
    /// A single resource: an object.
    One(Resource),
    /// A collection: an array, whatever its length.
    Many(Vec<Resource>),
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
    /// Where the resource is.
    pub links: Links,
}

/// The links of a document or of a resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Links {
    /// An absolute URL.
    #[serde(rename = "self")]
    pub itself: String,
}

/// Attributes in the order in which they are shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attributes(Vec<(&'static str, Value)>);

impl Attributes {
    /// Takes attributes as they shall appear. Names must differ.
    pub fn new(attributes: Vec<(&'static str, Value)>) -> Self {
        Self(attributes)
    }

    /// Drops all attributes but those named (sparse fieldsets). Names that there are none of do not matter.
    pub fn keep(&mut self, names: &[String]) {
        self.0.retain(|(name, _)| names.iter().any(|kept| kept == name));
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

    fn resource() -> Resource {
        Resource {
            kind: "customers",
            id: Some("DE--35".to_owned()),
            attributes: Attributes::new(vec![("lastName", json!("Olsen")), ("gender", Value::Null)]),
            links: Links { itself: "https://x.example/customers/DE--35".to_owned() },
        }
    }

    #[test]
    fn a_single_resource_is_an_object_with_its_attributes_in_order_and_complete() {
        let links = resource().links;
        let text = serde_json::to_string(&Document { data: Data::One(resource()), links }).unwrap();
        assert_eq!(
            text,
            r#"{"data":{"type":"customers","id":"DE--35","attributes":{"lastName":"Olsen","gender":null},"links":{"self":"https://x.example/customers/DE--35"}},"links":{"self":"https://x.example/customers/DE--35"}}"#
        );
    }

    #[test]
    fn a_collection_is_an_array_even_when_empty() {
        let links = Links { itself: "https://x.example/access-tokens".to_owned() };
        let text = serde_json::to_string(&Document { data: Data::Many(Vec::new()), links }).unwrap();
        assert_eq!(text, r#"{"data":[],"links":{"self":"https://x.example/access-tokens"}}"#);
    }

    #[test]
    fn sparse_fieldsets_leave_an_empty_object_when_nothing_remains() {
        let mut attributes = resource().attributes;
        attributes.keep(&["gender".to_owned(), "unknown".to_owned()]);
        assert_eq!(serde_json::to_string(&attributes).unwrap(), r#"{"gender":null}"#);
        attributes.keep(&[]);
        assert_eq!(serde_json::to_string(&attributes).unwrap(), "{}");
    }
}
