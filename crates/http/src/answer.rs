//! The one way out: what a handler or a refusal becomes on the wire.

use std::borrow::Cow;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ALLOW, CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_TYPE,
    ETAG, HeaderValue, LINK, LOCATION, RETRY_AFTER, VARY, WWW_AUTHENTICATE,
};
use domain::Locale;
use jsonapi::{Data, Document, DocumentLinks, ErrorDocument, Mode, Query, Resource, link_fully};
use serde::Serialize;

use crate::cors;
use crate::declaration::{Answer, EntityTag, link, with_query};
use crate::errors::Refusal;
use crate::headers::CHALLENGE;
use crate::request_id::RequestId;
use crate::routing::{Pair, Route};
use crate::wire::Wire;

/// How much room a document is given at first, in bytes: enough for a customer.
const USUAL_DOCUMENT: usize = 1024;

/// What an answer takes over from its request.
pub struct Frame<'a> {
    /// How JSON:API is spoken.
    pub wire: &'a Wire,
    /// Which way of these.
    pub mode: Mode,
    /// The identity of the request, where it is known.
    pub request_id: Option<&'a RequestId>,
    /// The language.
    pub locale: &'a Locale,
    /// Where clients reach the gateway.
    pub base_url: &'a str,
    /// The resource, where the path names one.
    pub route: Option<&'a Route>,
    /// The path.
    pub pairs: &'a [Pair<'a>],
    /// The query as links repeat it.
    pub link_query: &'a str,
}

impl<'a> Frame<'a> {
    /// The frame where nothing is known of a request but what it accepts.
    pub const fn bare(wire: &'a Wire, mode: Mode, request_id: &'a RequestId, locale: &'a Locale) -> Self {
        Self { wire, mode, request_id: Some(request_id), locale, base_url: "", route: None, pairs: &[], link_query: "" }
    }

    /// Renders what the handler of a resource answers.
    pub fn render(&self, answer: Answer, query: &Query) -> HttpResponse {
        self.render_with(answer, Vec::new(), query)
    }

    fn render_with(&self, answer: Answer, included: Vec<Resource>, query: &Query) -> HttpResponse {
        match answer {
            Answer::NoContent => HttpResponse::NoContent().insert_header((CACHE_CONTROL, "no-store")).finish(),
            Answer::One(resource) => self.render_one(StatusCode::OK, resource, included, query),
            Answer::Created(resource) => {
                // Tokens are nowhere: nothing can be read at their link.
                let link = resource.links.as_ref().filter(|_| resource.id.is_some());
                let location = link.and_then(|links| HeaderValue::from_str(&links.itself).ok());
                let mut response = self.render_one(StatusCode::CREATED, resource, included, query);
                if let Some(location) = location {
                    response.headers_mut().insert(LOCATION, location);
                }
                response
            }
            Answer::Many(mut resources) => {
                for resource in &mut resources {
                    resource.keep_fields(query);
                }
                let itself = with_query(link(self.base_url, &self.collection()), self.link_query);
                self.render_data(StatusCode::OK, Data::Many(&resources), Some(itself.into()), included, query)
            }
            Answer::Including(answer, more) => self.render_with(*answer, more, query),
            Answer::Tagged(answer, EntityTag(tag)) => {
                let mut response = self.render_with(*answer, included, query);
                if let Ok(quoted) = HeaderValue::from_str(&format!("\"{tag}\"")) {
                    response.headers_mut().insert(ETAG, quoted);
                }
                response
            }
        }
    }

    fn render_one(
        &self,
        status: StatusCode,
        mut resource: Resource,
        included: Vec<Resource>,
        query: &Query,
    ) -> HttpResponse {
        resource.keep_fields(query);
        let itself = resource.links.as_ref().map(|links| {
            // The link of what stands at the top and is of the requested type repeats the query by itself.
            if self.link_query.is_empty() || links.itself.contains('?') {
                Cow::Borrowed(links.itself.as_str())
            } else {
                Cow::Owned(with_query(links.itself.clone(), self.link_query))
            }
        });
        self.render_data(status, Data::One(&resource), itself, included, query)
    }

    fn render_data(
        &self,
        status: StatusCode,
        data: Data<'_>,
        itself: Option<Cow<'_, str>>,
        mut included: Vec<Resource>,
        query: &Query,
    ) -> HttpResponse {
        if query.asks_to_include() {
            for resource in &mut included {
                resource.keep_fields(query);
            }
            link_fully(data, &mut included);
        } else {
            included.clear();
        }
        let is_told = !included.is_empty() || query.asks_to_include() && self.mode.shows_empty_included();
        let document = Document {
            jsonapi: self.wire.implementation(),
            data,
            links: itself.map(|href| DocumentLinks::to(href, self.wire.told_media_type(self.mode))),
            included: is_told.then_some(&*included),
        };
        self.write(status, &document)
    }

    /// The path of the collection that was asked for.
    fn collection(&self) -> Vec<(&str, Option<&str>)> {
        let last = self.pairs.len().saturating_sub(1);
        let is_parent = |place| place < last;
        let pairs = self.pairs.iter().enumerate();
        pairs.map(|(place, pair)| (&*pair.kind, pair.id.as_deref().filter(|_| is_parent(place)))).collect()
    }

    /// Renders a refusal.
    pub fn render_refusal(&self, refusal: &Refusal) -> HttpResponse {
        let document = ErrorDocument {
            jsonapi: self.wire.implementation(),
            errors: &refusal.errors,
            id: self.request_id.map(RequestId::as_str),
            mode: self.mode,
        };
        let status = StatusCode::from_u16(document.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = self.write(status, &document);
        if refusal.errors.iter().any(|error| error.status == 401) {
            response.headers_mut().insert(WWW_AUTHENTICATE, CHALLENGE);
        }
        if let Some(seconds) = refusal.retry_after_seconds {
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        if status == StatusCode::METHOD_NOT_ALLOWED {
            let methods = self.route.map(|route| route.allowed_methods(self.pairs).join(", ")).unwrap_or_default();
            if let Ok(methods) = HeaderValue::from_str(&methods) {
                response.headers_mut().insert(ALLOW, methods);
            }
        }
        response
    }

    /// Renders the answer to a pre-flight request.
    pub fn render_preflight(&self, route: &Route) -> HttpResponse {
        #[derive(Serialize)]
        struct Nothing {
            data: [(); 0],
        }
        let mut response = self.write(StatusCode::OK, &Nothing { data: [] });
        if let Ok(methods) = HeaderValue::from_str(&cors::announced_methods(route)) {
            response.headers_mut().insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
        }
        response.headers_mut().insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(cors::ALLOWED_HEADERS));
        response
    }

    fn write(&self, status: StatusCode, document: &impl Serialize) -> HttpResponse {
        let mut body = Vec::with_capacity(USUAL_DOCUMENT);
        if serde_json::to_writer(&mut body, document).is_err() {
            tracing::error!("a document could not be written");
            return HttpResponse::InternalServerError().finish();
        }
        let mut response = HttpResponse::build(status);
        if let Some(reason) = reason(status) {
            response.reason(reason);
        }
        if let Some(description) = self.wire.description_link() {
            response.insert_header((LINK, description.clone()));
        }
        response
            .insert_header((CONTENT_TYPE, self.wire.content_type(self.mode)))
            .insert_header((VARY, HeaderValue::from_static("Accept, Accept-Language")))
            .insert_header((CACHE_CONTROL, HeaderValue::from_static("no-store")))
            .insert_header((CONTENT_LANGUAGE, self.locale.as_str()))
            .body(body)
    }
}

/// The reason phrases of RFC 9110 that the HTTP library has older ones for; clients compare them.
const fn reason(status: StatusCode) -> Option<&'static str> {
    match status {
        StatusCode::UNPROCESSABLE_ENTITY => Some("Unprocessable Content"),
        StatusCode::PAYLOAD_TOO_LARGE => Some("Content Too Large"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::declaration::{Access, Declaration, Operation, Verb};
    use crate::errors::Code;
    use crate::routing::{Routes, read_pairs};
    use crate::settings::JsonApiSettings;
    use actix_web::body::to_bytes;
    use jsonapi::{Attributes, Identifier, Links, Relationship};
    use serde_json::{Value, json};

    const BASE: &str = "https://glue.example.com";

    static ADDRESSES: Declaration = Declaration::bare(
        "addresses",
        &["customers"],
        &[
            Operation::bare(Verb::Get, &[], Access::Public(|_| Box::pin(async { Ok(Answer::NoContent) }))),
            Operation::bare(Verb::Patch, &[], Access::Public(|_| Box::pin(async { Ok(Answer::NoContent) }))),
        ],
    );

    fn resource(kind: &'static str, id: Option<&str>) -> Resource {
        let attributes = vec![("email", json!("mira@example.com")), ("gender", Value::Null)];
        Resource {
            kind,
            id: id.map(str::to_owned),
            attributes: Attributes::new(attributes),
            relationships: Vec::new(),
            links: Some(Links { itself: link(BASE, &[(kind, id)]) }),
        }
    }

    /// A customer with two addresses, of which one is to be included, and one of somebody else.
    fn compound() -> Answer {
        let identify = |id: &str| Identifier { kind: "addresses", id: id.to_owned() };
        let data = vec![identify("7"), identify("8")];
        let relationships = vec![Relationship { name: "addresses", related: None, data }];
        let customer = Resource { relationships, ..resource("customers", Some("DE--35")) };
        Answer::One(customer).including(vec![resource("addresses", Some("7")), resource("addresses", Some("9"))])
    }

    async fn render_at(path: &str, answer: Answer, raw_query: &str, mode: Mode) -> (HttpResponse, Value) {
        let locale = Locale::parse("de_DE").unwrap();
        let wire = Wire::new(JsonApiSettings::default(), BASE);
        let pairs = read_pairs(path);
        let link_query = jsonapi::link_query(raw_query, mode);
        let frame = Frame {
            wire: &wire,
            mode,
            request_id: None,
            locale: &locale,
            base_url: BASE,
            route: None,
            pairs: &pairs,
            link_query: &link_query,
        };
        split(frame.render(answer, &Query::parse(raw_query, mode).unwrap())).await
    }

    async fn render(answer: Answer, raw_query: &str) -> (HttpResponse, Value) {
        render_at("/customers", answer, raw_query, Mode::Glue).await
    }

    async fn refuse(refusal: impl Into<Refusal>, mode: Mode) -> (HttpResponse, Value) {
        let locale = Locale::parse("de_DE").unwrap();
        let wire = Wire::new(JsonApiSettings { version_member: true, ..JsonApiSettings::default() }, BASE);
        let routes = Routes::new(&[&ADDRESSES]);
        let pairs = read_pairs("/customers/DE--35/addresses/7");
        let frame = Frame {
            wire: &wire,
            mode,
            request_id: None,
            locale: &locale,
            base_url: BASE,
            route: routes.find(&pairs),
            pairs: &pairs,
            link_query: "",
        };
        split(frame.render_refusal(&refusal.into())).await
    }

    async fn split(response: HttpResponse) -> (HttpResponse, Value) {
        let (response, body) = response.into_parts();
        let body = to_bytes(body).await.unwrap();
        (response.set_body(actix_web::body::BoxBody::new(())), serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    fn header<'a>(response: &'a HttpResponse, name: &str) -> Option<&'a str> {
        response.headers().get(name).map(|value| value.to_str().unwrap())
    }

    #[actix_web::test]
    async fn a_created_resource_says_where_it_is() {
        let (response, body) = render(Answer::Created(resource("customers", Some("DE--35"))), "").await;
        assert_eq!(response.status(), 201);
        assert_eq!(header(&response, "content-type"), Some("application/vnd.api+json"));
        assert_eq!(header(&response, "content-language"), Some("de_DE"));
        assert_eq!(header(&response, "link"), Some("<https://glue.example.com/openapi.json>; rel=\"describedby\""));
        assert!(header(&response, "vary").unwrap().contains("Accept"));
        assert_eq!(header(&response, "location"), body["data"]["links"]["self"].as_str());
        assert_eq!(body["links"], body["data"]["links"]);
    }

    #[actix_web::test]
    async fn a_token_has_no_id_and_no_location() {
        let (response, body) = render(Answer::Created(resource("tokens", None)), "").await;
        assert_eq!(header(&response, "location"), None);
        assert_eq!(body["data"]["id"], Value::Null);
        assert!(body["data"].as_object().unwrap().contains_key("id"));
        assert_eq!(body["data"]["links"]["self"], "https://glue.example.com/tokens");
        let nowhere = Resource { links: None, ..resource("tokens", Some("1")) };
        let (response, body) = render(Answer::Created(nowhere), "").await;
        assert_eq!((header(&response, "location"), body.get("links")), (None, None));
    }

    #[actix_web::test]
    async fn a_collection_is_an_array_whose_link_repeats_the_query() {
        let customers = || Answer::Many(vec![resource("customers", Some("DE--35"))]);
        let (response, body) = render(customers(), "fields[customers]=gender").await;
        assert_eq!(response.status(), 200);
        assert_eq!(body["data"][0]["attributes"], json!({"gender": null}));
        assert_eq!(body["links"]["self"], "https://glue.example.com/customers?fields[customers]=gender");
        let (_, body) = render(Answer::One(resource("customers", Some("DE--35"))), "fields[customers]=").await;
        assert_eq!(body["data"]["attributes"], json!({}));
        let (_, body) = render_at("/customers/a%20b/addresses", customers(), "a=[b]", Mode::Strict).await;
        assert_eq!(body["links"]["self"], "https://glue.example.com/customers/a%20b/addresses?a=%5Bb%5D");
    }

    #[actix_web::test]
    async fn a_document_of_what_stands_below_another_repeats_the_query_at_the_top_only() {
        let path = "/customers/DE--35/addresses/7";
        let (_, body) = render_at(path, Answer::One(resource("addresses", Some("7"))), "a=b", Mode::Glue).await;
        assert_eq!(body["data"]["links"]["self"], "https://glue.example.com/addresses/7");
        assert_eq!(body["links"]["self"], "https://glue.example.com/addresses/7?a=b");
    }

    #[actix_web::test]
    async fn a_document_of_another_type_repeats_the_query_at_the_top_only() {
        let link_to = |query: &str| Some(Links { itself: format!("{BASE}/carts/7{query}") });
        let cart = |query: &str| Resource { links: link_to(query), ..resource("carts", Some("7")) };
        for (of, expected) in [("", "/carts/7?a=b"), ("?a=b", "/carts/7?a=b")] {
            let (response, body) = render_at("/items", Answer::Created(cart(of)), "a=b", Mode::Glue).await;
            assert_eq!(body["links"]["self"], format!("{BASE}{expected}"));
            assert_eq!(header(&response, "location"), Some(&*format!("{BASE}/carts/7{of}")));
        }
    }

    #[actix_web::test]
    async fn an_entity_tag_is_quoted_and_changes_nothing_else() {
        let tag = || EntityTag("cc89".to_owned());
        let (response, body) = render(compound().tagged(tag()), "include=addresses").await;
        assert_eq!(header(&response, "etag"), Some("\"cc89\""));
        let (untagged, same) = render(compound(), "include=addresses").await;
        assert_eq!((header(&untagged, "etag"), same), (None, body));
        let tagged_first = Answer::Created(resource("carts", Some("7"))).tagged(tag()).including(vec![]);
        let (response, _) = render(tagged_first, "").await;
        assert_eq!((response.status().as_u16(), header(&response, "etag")), (201, Some("\"cc89\"")));
    }

    #[actix_web::test]
    async fn what_is_asked_for_and_linked_is_included_with_the_fields_that_are_asked_for() {
        let (_, body) = render(compound(), "include=addresses&fields[addresses]=gender&fields[customers]=").await;
        assert_eq!(body["data"]["relationships"]["addresses"]["data"][1], json!({"type": "addresses", "id": "8"}));
        assert_eq!(body["included"].as_array().unwrap().len(), 1);
        assert_eq!(body["included"][0]["attributes"], json!({"gender": null}));
        let (_, body) = render(compound(), "").await;
        assert_eq!(body.get("included"), None);
    }

    #[actix_web::test]
    async fn an_empty_included_is_shown_to_the_letter_only() {
        for (mode, query, expected) in [
            (Mode::Glue, "include=addresses", None),
            (Mode::Strict, "include=addresses", Some(json!([]))),
            (Mode::Strict, "", None),
        ] {
            let answer = Answer::One(resource("customers", Some("DE--35")));
            let (_, body) = render_at("/customers/DE--35", answer, query, mode).await;
            assert_eq!(body.get("included"), expected.as_ref(), "{mode:?} {query}");
        }
    }

    #[actix_web::test]
    async fn an_applied_profile_is_named_in_header_and_document() {
        const TYPE: &str = "application/vnd.api+json;profile=\"https://glue.example.com/profiles/strict\"";
        let answer = Answer::One(resource("customers", Some("DE--35")));
        let (response, body) = render_at("/customers/DE--35", answer, "", Mode::StrictByProfile).await;
        assert_eq!(header(&response, "content-type"), Some(TYPE));
        let itself = json!({"href": "https://glue.example.com/customers/DE--35", "type": TYPE});
        assert_eq!(body["links"]["self"], itself);
        assert_eq!(body["data"]["links"]["self"], "https://glue.example.com/customers/DE--35");
    }

    #[actix_web::test]
    async fn nothing_has_no_type_and_no_language() {
        let (response, body) = render(Answer::NoContent, "").await;
        assert_eq!((response.status().as_u16(), body), (204, Value::Null));
        assert_eq!((header(&response, "content-type"), header(&response, "content-language")), (None, None));
    }

    #[actix_web::test]
    async fn a_refusal_has_the_status_of_its_last_error_and_the_phrase_of_rfc_9110() {
        let refusal = || [Code::PasswordTooShort, Code::EmailTaken].into_iter().collect::<Refusal>();
        let (response, body) = refuse(refusal(), Mode::Glue).await;
        assert_eq!(response.status(), 422);
        assert_eq!(response.head().reason(), "Unprocessable Content");
        assert_eq!(body["errors"][0]["code"], "418");
        assert_eq!(body["errors"][1]["status"], 422);
        assert_eq!(body["jsonapi"], json!({"version": "1.1"}));
        let (_, body) = refuse(refusal(), Mode::Strict).await;
        assert_eq!(body["errors"][1]["status"], "422");
    }

    #[actix_web::test]
    async fn a_401_asks_for_a_token_a_busy_answer_for_patience_and_a_405_for_other_methods() {
        let (response, _) = refuse(Code::InvalidAccessToken, Mode::Glue).await;
        assert_eq!(header(&response, "www-authenticate"), Some("Bearer realm=\"Access to shop API\""));
        let busy = Refusal { retry_after_seconds: Some(7), ..Code::Unavailable.into() };
        let (response, body) = refuse(busy, Mode::Glue).await;
        assert_eq!((response.status().as_u16(), header(&response, "retry-after")), (503, Some("7")));
        assert_eq!(body["errors"][0]["detail"], "Service Unavailable");
        assert_eq!((header(&response, "www-authenticate"), header(&response, "allow")), (None, None));
        let (response, _) = refuse(Code::MethodNotAllowed, Mode::Strict).await;
        assert_eq!((response.status().as_u16(), header(&response, "allow")), (405, Some("GET, HEAD, PATCH, OPTIONS")));
    }
}
