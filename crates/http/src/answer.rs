//! The one way out: what a handler or a refusal becomes on the wire.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_TYPE,
    HeaderValue, LOCATION, RETRY_AFTER, VARY, WWW_AUTHENTICATE,
};
use domain::Locale;
use jsonapi::{Data, Document, ErrorDocument, MEDIA_TYPE, Query, Resource};
use serde::Serialize;

use crate::cors;
use crate::declaration::{Answer, self_link};
use crate::errors::Refusal;
use crate::headers::CHALLENGE;
use crate::routing::Route;

/// What an answer takes over from its request.
pub struct Frame<'a> {
    /// The language.
    pub locale: &'a Locale,
    /// Where clients reach the gateway.
    pub base_url: &'a str,
    /// What stands behind the question mark.
    pub raw_query: &'a str,
}

impl Frame<'_> {
    /// Renders what a handler of a resource of type `kind` answers.
    pub fn render(&self, answer: Answer, kind: &str, query: &Query) -> HttpResponse {
        match answer {
            Answer::NoContent => HttpResponse::NoContent().insert_header((CACHE_CONTROL, "no-store")).finish(),
            Answer::One(resource) => self.render_one(StatusCode::OK, resource, query),
            Answer::Created(resource) => {
                // Tokens are nowhere: nothing can be read at their link.
                let location =
                    resource.id.is_some().then(|| HeaderValue::from_str(&resource.links.itself).ok()).flatten();
                let mut response = self.render_one(StatusCode::CREATED, resource, query);
                if let Some(location) = location {
                    response.headers_mut().insert(LOCATION, location);
                }
                response
            }
            Answer::Many(mut resources) => {
                for resource in &mut resources {
                    keep_fields(resource, query);
                }
                let links = self_link(self.base_url, kind, None, self.raw_query);
                self.write(StatusCode::OK, &Document { data: Data::Many(resources), links })
            }
        }
    }

    fn render_one(&self, status: StatusCode, mut resource: Resource, query: &Query) -> HttpResponse {
        keep_fields(&mut resource, query);
        let links = resource.links.clone();
        self.write(status, &Document { data: Data::One(resource), links })
    }

    /// Renders a refusal.
    pub fn render_refusal(&self, refusal: &Refusal) -> HttpResponse {
        let document = ErrorDocument { errors: &refusal.errors };
        let status = StatusCode::from_u16(document.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = self.write(status, &document);
        if refusal.errors.iter().any(|error| error.status == 401) {
            response.headers_mut().insert(WWW_AUTHENTICATE, CHALLENGE);
        }
        if let Some(seconds) = refusal.retry_after_seconds {
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
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
        let Ok(body) = serde_json::to_vec(document) else {
            tracing::error!("a document could not be written");
            return HttpResponse::InternalServerError().finish();
        };
        let mut response = HttpResponse::build(status);
        if let Some(reason) = reason(status) {
            response.reason(reason);
        }
        response
            .insert_header((CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE)))
            .insert_header((VARY, HeaderValue::from_static("Accept, Accept-Language")))
            .insert_header((CACHE_CONTROL, HeaderValue::from_static("no-store")))
            .insert_header((CONTENT_LANGUAGE, self.locale.as_str()))
            .body(body)
    }
}

/// A refusal where nothing is known of the request yet.
pub fn bare_refusal(refusal: &Refusal, locale: &Locale) -> HttpResponse {
    Frame { locale, base_url: "", raw_query: "" }.render_refusal(refusal)
}

/// The reason phrases of RFC 9110 that the HTTP library has older ones for; clients compare them.
const fn reason(status: StatusCode) -> Option<&'static str> {
    match status {
        StatusCode::UNPROCESSABLE_ENTITY => Some("Unprocessable Content"),
        StatusCode::PAYLOAD_TOO_LARGE => Some("Content Too Large"),
        _ => None,
    }
}

fn keep_fields(resource: &mut Resource, query: &Query) {
    if let Some(names) = query.fields(resource.kind) {
        resource.attributes.keep(names);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errors::Code;
    use actix_web::body::to_bytes;
    use jsonapi::{Attributes, Links};
    use serde_json::{Value, json};

    fn resource(id: Option<&str>) -> Resource {
        let attributes = vec![("email", json!("mira@example.com")), ("gender", Value::Null)];
        let itself = self_link("https://glue.example.com", "customers", id, "").itself;
        Resource {
            kind: "customers",
            id: id.map(str::to_owned),
            attributes: Attributes::new(attributes),
            links: Links { itself },
        }
    }

    async fn render(answer: Answer, raw_query: &str) -> (HttpResponse, Value) {
        let locale = Locale::parse("de_DE").unwrap();
        let frame = Frame { locale: &locale, base_url: "https://glue.example.com", raw_query };
        split(frame.render(answer, "customers", &Query::parse(raw_query).unwrap())).await
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
        let (response, body) = render(Answer::Created(resource(Some("DE--35"))), "").await;
        assert_eq!(response.status(), 201);
        assert_eq!(header(&response, "content-type"), Some("application/vnd.api+json"));
        assert_eq!(header(&response, "content-language"), Some("de_DE"));
        assert!(header(&response, "vary").unwrap().contains("Accept"));
        assert_eq!(header(&response, "location"), body["data"]["links"]["self"].as_str());
        assert_eq!(body["links"], body["data"]["links"]);
    }

    #[actix_web::test]
    async fn a_token_has_no_id_and_no_location() {
        let (response, body) = render(Answer::Created(resource(None)), "").await;
        assert_eq!(header(&response, "location"), None);
        assert_eq!(body["data"]["id"], Value::Null);
        assert!(body["data"].as_object().unwrap().contains_key("id"));
        assert_eq!(body["data"]["links"]["self"], "https://glue.example.com/customers");
    }

    #[actix_web::test]
    async fn a_collection_is_an_array_whose_link_repeats_the_query() {
        let (response, body) = render(Answer::Many(vec![resource(Some("DE--35"))]), "fields[customers]=gender").await;
        assert_eq!(response.status(), 200);
        assert_eq!(body["data"][0]["attributes"], json!({"gender": null}));
        assert_eq!(body["links"]["self"], "https://glue.example.com/customers?fields[customers]=gender");
        let (_, body) = render(Answer::One(resource(Some("DE--35"))), "fields[customers]=").await;
        assert_eq!(body["data"]["attributes"], json!({}));
    }

    #[actix_web::test]
    async fn nothing_has_no_type_and_no_language() {
        let (response, body) = render(Answer::NoContent, "").await;
        assert_eq!((response.status().as_u16(), body), (204, Value::Null));
        assert_eq!((header(&response, "content-type"), header(&response, "content-language")), (None, None));
    }

    #[actix_web::test]
    async fn a_refusal_has_the_status_of_its_last_error_and_the_phrase_of_rfc_9110() {
        let locale = Locale::parse("de_DE").unwrap();
        let refusal: Refusal = [Code::PasswordTooShort, Code::EmailTaken].into_iter().collect();
        let (response, body) = split(bare_refusal(&refusal, &locale)).await;
        assert_eq!(response.status(), 422);
        assert_eq!(response.head().reason(), "Unprocessable Content");
        assert_eq!(body["errors"][0]["code"], "418");
        assert_eq!(body["errors"][1]["status"], 422);
    }

    #[actix_web::test]
    async fn a_401_asks_for_a_token_and_a_busy_answer_for_patience() {
        let locale = Locale::parse("de_DE").unwrap();
        let (response, _) = split(bare_refusal(&Code::InvalidAccessToken.into(), &locale)).await;
        assert_eq!(header(&response, "www-authenticate"), Some("Bearer realm=\"Access to shop API\""));
        let busy = Refusal { retry_after_seconds: Some(7), ..Code::Unavailable.into() };
        let (response, body) = split(bare_refusal(&busy, &locale)).await;
        assert_eq!((response.status().as_u16(), header(&response, "retry-after")), (503, Some("7")));
        assert_eq!(body["errors"][0]["detail"], "Service Unavailable");
        assert_eq!(header(&response, "www-authenticate"), None);
    }
}
