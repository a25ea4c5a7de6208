//! What JSON:API 1.1 demands of every document, whatever it is about.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

/// How a gateway speaks JSON:API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// As Glue does, with its two departures: the status of an error is a number, and a token has no id.
    Glue,
    /// To the letter.
    Strict,
    /// One way or the other.
    Either,
}

/// The types whose resources have no id in Glue.
const TOKENS: [&str; 2] = ["access-tokens", "refresh-tokens"];

/// Everything about a document that JSON:API does not allow; empty when all is well.
pub fn problems(document: &Value, wire: Wire) -> Vec<String> {
    let mut found = Problems { wire, list: Vec::new() };
    found.document(document);
    found.list
}

struct Problems {
    wire: Wire,
    list: Vec<String>,
}

type Object = Map<String, Value>;

impl Problems {
    fn rule(&mut self, held: bool, rule: &str, value: &dyn std::fmt::Debug) {
        if !held {
            self.list.push(format!("JSON:API {rule}: {value:?}"));
        }
    }

    /// The object that a value must be.
    fn object<'a>(&mut self, value: &'a Value, what: &str, known: &[&str]) -> Option<&'a Object> {
        let Some(object) = value.as_object() else {
            self.rule(false, &format!("{what} is an object"), value);
            return None;
        };
        let unknown: Vec<_> =
            object.keys().filter(|name| !known.is_empty() && !known.contains(&name.as_str())).collect();
        self.rule(unknown.is_empty(), &format!("{what} has defined members only"), &unknown);
        Some(object)
    }

    fn document(&mut self, document: &Value) {
        let known = ["data", "errors", "meta", "jsonapi", "links", "included"];
        let Some(object) = self.object(document, "20, 23 the root", &known) else { return };
        let has = |name: &str| object.contains_key(name);
        self.rule(has("data") || has("errors") || has("meta"), "21 data, errors or meta", document);
        self.rule(!(has("data") && has("errors")), "22 data and errors never together", document);
        self.rule(!has("included") || has("data"), "22 no included without data", document);
        if let Some(version) = object.get("jsonapi") {
            let object = self.object(version, "27 jsonapi", &["version", "meta"]);
            let is_text = object.is_some_and(|object| object.get("version").is_none_or(Value::is_string));
            self.rule(is_text, "27 the version is a text", version);
        }
        if let Some(links) = object.get("links") {
            self.links(links, &["self", "related", "first", "last", "prev", "next"]);
        }
        if let Some(errors) = object.get("errors") {
            self.errors(errors);
        }
        let data = object.get("data").map(list).unwrap_or_default();
        let included = object.get("included").map(list).unwrap_or_default();
        for resource in data.iter().chain(&included) {
            self.resource(resource);
        }
        self.rule(object.get("included").is_none_or(Value::is_array), "54 included is an array", document);
        self.linkage(&data, &included);
    }

    fn resource(&mut self, resource: &Value) {
        let known = ["type", "id", "attributes", "relationships", "links", "meta"];
        let Some(object) = self.object(resource, "40 a resource", &known) else { return };
        let kind = object.get("type").and_then(Value::as_str).unwrap_or_default();
        self.rule(is_member_name(kind), "33, 41 a type", resource);
        let waived = self.wire != Wire::Strict && TOKENS.contains(&kind) && object.get("id") == Some(&Value::Null);
        let missing = self.wire == Wire::Glue && TOKENS.contains(&kind) && !waived;
        self.rule(waived || object.get("id").is_some_and(Value::is_string), "40, 41 an id", resource);
        self.rule(!missing, "40 a token has no id in Glue", resource);
        let empty = Value::Object(Map::new());
        let attributes = object.get("attributes").unwrap_or(&empty);
        let relationships = object.get("relationships").unwrap_or(&empty);
        let mut fields = BTreeSet::from(["id", "type"]);
        for (value, what) in [(attributes, "44 attributes"), (relationships, "47 relationships")] {
            for name in self.object(value, what, &[]).into_iter().flat_map(Map::keys) {
                self.rule(is_member_name(name), "32 a member's name", name);
                self.rule(fields.insert(name), "45 one name for one field, and none for id or type", name);
            }
        }
        for relationship in relationships.as_object().into_iter().flat_map(Map::values) {
            let Some(object) = self.object(relationship, "47 a relationship", &["links", "data", "meta"]) else {
                continue;
            };
            self.rule(!object.is_empty(), "47 a relationship has links, data or meta", relationship);
            for identifier in object.get("data").map(list).unwrap_or_default() {
                let Some(object) = self.object(identifier, "49 an identifier", &["type", "id", "meta"]) else {
                    continue;
                };
                let is_text = |name| object.get(name).is_some_and(Value::is_string);
                self.rule(is_text("type") && is_text("id"), "49 an identifier has a type and an id", identifier);
            }
            if let Some(links) = object.get("links") {
                self.links(links, &["self", "related", "first", "last", "prev", "next"]);
            }
        }
        if let Some(links) = object.get("links") {
            self.links(links, &["self"]);
            let is_fleeting = self.wire == Wire::Strict && TOKENS.contains(&kind);
            self.rule(!is_fleeting, "51 nothing that cannot be fetched has a link to itself", resource);
        }
    }

    fn links(&mut self, links: &Value, known: &[&str]) {
        for link in self.object(links, "52 links", known).into_iter().flat_map(Map::values) {
            let href = match link {
                Value::Object(_) => {
                    let known = ["href", "rel", "title", "type", "hreflang", "describedby", "meta"];
                    let object = self.object(link, "53 a link", &known);
                    object.and_then(|object| object.get("href")).and_then(Value::as_str)
                }
                Value::Null => continue,
                link => link.as_str(),
            };
            let is_absolute = href.is_some_and(|href| href.starts_with("https://") || href.starts_with("http://"));
            self.rule(is_absolute, "52 a link is an absolute URL", link);
            let is_encoded = href.is_none_or(|href| !href.contains(['[', ']', ' ', '"', '<', '>', '|', '{', '}']));
            self.rule(self.wire != Wire::Strict || is_encoded, "52 a link is a URI", link);
        }
    }

    fn errors(&mut self, errors: &Value) {
        let list = errors.as_array().cloned().unwrap_or_default();
        self.rule(!list.is_empty(), "110 errors are an array of at least one", errors);
        let mut ids = BTreeSet::new();
        for error in &list {
            let known = ["id", "links", "status", "code", "title", "detail", "source", "meta"];
            let Some(object) = self.object(error, "111 an error", &known) else { continue };
            self.rule(!object.is_empty(), "111 an error has members", error);
            let status = object.get("status").unwrap_or(&Value::Null);
            let is_text =
                status.as_str().is_some_and(|text| text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit()));
            let held = match self.wire {
                Wire::Glue => status.is_u64(),
                Wire::Strict => is_text,
                Wire::Either => is_text || status.is_u64(),
            };
            self.rule(held, "112 the status", error);
            for name in ["id", "code", "title", "detail"] {
                let held = object.get(name).is_none_or(|value| value.as_str().is_some_and(|text| !text.is_empty()));
                self.rule(held, "113 to 115, 119 a text", error);
            }
            if let Some(id) = object.get("id") {
                self.rule(ids.insert(id.to_string()), "119 an error's own id", id);
            }
            if let Some(source) = object.get("source") {
                let object = self.object(source, "116 a source", &["pointer", "parameter", "header"]);
                let one_text = object.is_some_and(|object| object.len() == 1 && object.values().all(Value::is_string));
                self.rule(one_text, "116 a source is one text", source);
                let pointer = source.get("pointer").and_then(Value::as_str);
                self.rule(pointer.is_none_or(|pointer| pointer.starts_with("/data")), "117 a pointer", source);
            }
        }
    }

    /// Rule 54: each resource is there once, and something leads to whatever is included.
    fn linkage(&mut self, data: &[&Value], included: &[&Value]) {
        let mut resources: BTreeMap<(String, String), &Value> = BTreeMap::new();
        for resource in data.iter().chain(included) {
            if let Some(identity) = identity(resource) {
                self.rule(resources.insert(identity, resource).is_none(), "54 each resource once", resource);
            }
        }
        let mut reached: BTreeSet<(String, String)> = data.iter().filter_map(|resource| identity(resource)).collect();
        let mut ahead: Vec<_> = reached.iter().cloned().collect();
        while let Some(next) = ahead.pop() {
            let relationships = resources.get(&next).and_then(|resource| resource.get("relationships"));
            for relationship in relationships.and_then(Value::as_object).into_iter().flat_map(Map::values) {
                for further in relationship.get("data").map(list).unwrap_or_default() {
                    ahead.extend(identity(further).filter(|identity| reached.insert(identity.clone())));
                }
            }
        }
        for resource in included {
            let is_reached = identity(resource).is_some_and(|identity| reached.contains(&identity));
            self.rule(is_reached, "54 full linkage", resource);
        }
    }
}

fn identity(resource: &Value) -> Option<(String, String)> {
    let text = |name| resource.get(name).and_then(Value::as_str).map(str::to_owned);
    Some((text("type")?, text("id")?))
}

/// What is an array, one or none in JSON:API.
fn list(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(values) => values.iter().collect(),
        Value::Null => Vec::new(),
        value => vec![value],
    }
}

/// Whether the rule for member names and types allows a text.
fn is_member_name(name: &str) -> bool {
    let is_global = |character: char| character.is_ascii_alphanumeric() || !character.is_ascii();
    let ends = [name.chars().next(), name.chars().next_back()];
    ends.into_iter().all(|end| end.is_some_and(is_global))
        && name.chars().all(|character| is_global(character) || "-_ ".contains(character))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn customer(id: &str, related: &[&str]) -> Value {
        let data: Vec<_> = related.iter().map(|id| json!({"type": "addresses", "id": id})).collect();
        json!({
            "type": "customers", "id": id, "attributes": {"email": null},
            "relationships": {"addresses": {"data": data, "links": {"related": "https://x.example/customers/1/addresses"}}},
            "links": {"self": format!("https://x.example/customers/{id}")},
        })
    }

    fn address(id: &str) -> Value {
        json!({"type": "addresses", "id": id, "attributes": {}})
    }

    fn error(change: &Value) -> Value {
        let mut error = json!({"status": 422, "code": "901", "detail": "x"});
        for (name, value) in change.as_object().unwrap() {
            error[name] = value.clone();
        }
        json!({"errors": [error]})
    }

    #[test]
    fn what_the_specification_allows_is_no_problem() {
        let token = json!({"type": "access-tokens", "id": "1", "attributes": {}});
        for document in [
            json!({"data": []}),
            json!({"data": null}),
            json!({"meta": {}}),
            json!({"jsonapi": {"version": "1.1"}, "data": [customer("1", &[]), customer("2", &[])], "included": []}),
            json!({"data": customer("1", &["7"]), "included": [address("7")]}),
            json!({"data": token, "links": {"self": {"href": "https://x.example/y", "type": "a/b"}}}),
            error(&json!({"status": "422", "id": "1", "title": "x", "source": {"pointer": "/data/type"}})),
        ] {
            assert_eq!(problems(&document, Wire::Strict), Vec::<String>::new());
        }
    }

    #[test]
    fn what_it_does_not_allow_is_one() {
        for document in [
            json!([]),
            json!({}),
            json!({"data": null, "extra": 1}),
            json!({"data": null, "errors": []}),
            json!({"meta": {}, "included": []}),
            json!({"data": null, "jsonapi": "1.1"}),
            json!({"data": null, "links": []}),
            json!({"data": null, "links": {"self": "/customers"}}),
            json!({"data": {"type": "customers", "id": 1, "attributes": {}}}),
            json!({"data": {"type": "customers", "id": null}}),
            json!({"data": {"type": "-customers", "id": "1"}}),
            json!({"data": {"type": "customers", "id": "1", "attributes": []}}),
            json!({"data": {"type": "customers", "id": "1", "attributes": {"id": 1}}}),
            json!({"data": {"type": "customers", "id": "1", "attributes": {"a.b": 1}}}),
            json!({"data": {"type": "customers", "id": "1", "email": 1}}),
            json!({"data": {"type": "customers", "id": "1", "attributes": {"a": 1}, "relationships": {"a": {"meta": {}}}}}),
            json!({"data": {"type": "customers", "id": "1", "relationships": {"a": {}}}}),
            json!({"data": {"type": "customers", "id": "1", "relationships": {"a": {"data": [{"type": "x"}]}}}}),
            json!({"data": {"type": "customers", "id": "1", "links": {"self": {"rel": "x"}}}}),
            json!({"data": [customer("1", &[]), customer("1", &[])]}),
            json!({"data": customer("1", &["7"]), "included": [address("8")]}),
            json!({"data": customer("1", &["7"]), "included": [address("7"), address("7")]}),
            json!({"errors": []}),
            json!({"errors": {}}),
            error(&json!({"code": 901})),
            error(&json!({"status": 422.5})),
            error(&json!({"message": "x"})),
            error(&json!({"source": {}})),
            error(&json!({"source": {"pointer": "email"}})),
            json!({"errors": [{"status": 400, "id": "1"}, {"status": 400, "id": "1"}]}),
        ] {
            assert!(!problems(&document, Wire::Glue).is_empty(), "{document}");
        }
    }

    #[test]
    fn glue_departs_from_it_in_two_points_and_must() {
        let token = |id: Value| json!({"data": {"type": "access-tokens", "id": id, "attributes": {}}});
        for (document, glue, strict) in [
            (token(Value::Null), true, false),
            (token(json!("1")), false, true),
            (error(&json!({})), true, false),
            (error(&json!({"status": "422"})), false, true),
            (json!({"data": [], "links": {"self": "https://x.example/y?a[b]=c"}}), true, false),
        ] {
            assert_eq!(problems(&document, Wire::Glue).is_empty(), glue, "{document}");
            assert_eq!(problems(&document, Wire::Strict).is_empty(), strict, "{document}");
            assert_eq!(problems(&document, Wire::Either), Vec::<String>::new());
        }
    }
}
