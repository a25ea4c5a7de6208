//! The API's description, and a page to read it and to try it out with. Everything comes from this process.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::web::{self, Bytes, Data, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use utoipa::openapi::OpenApi;
use utoipa_swagger_ui::Config;

use crate::kit;
use crate::operations::reading;

/// Relative, so that it holds wherever a proxy puts this gateway.
const DOCUMENT: &str = "openapi.json";

/// The reader sets styles on its elements; it runs no script but its own files, and asks nobody but this gateway.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                      font-src 'self'; connect-src 'self'; base-uri 'self'; form-action 'none'; \
                      frame-ancestors 'self'";

/// How long browsers keep the reader's files and the description, which change with the version of the gateway only.
const KEPT: &str = "public, max-age=300";

/// What is served, shared by all workers.
#[derive(Clone)]
pub(crate) struct Reader {
    document: Arc<Document>,
    config: Arc<Config<'static>>,
}

/// The description, which is made when somebody first asks for it: that takes more memory than all else at the start.
struct Document {
    describe: Box<dyn Fn() -> OpenApi + Send + Sync>,
    bytes: OnceLock<Bytes>,
}

impl Document {
    fn bytes(&self) -> Bytes {
        let write = || {
            serde_json::to_vec(&(self.describe)()).unwrap_or_else(|problem| {
                tracing::error!(%problem, "the API's description could not be written");
                Vec::new()
            })
        };
        self.bytes.get_or_init(|| write().into()).clone()
    }
}

impl Reader {
    /// Serves what `describe` makes.
    pub(crate) fn new(describe: impl Fn() -> OpenApi + Send + Sync + 'static) -> Self {
        let document = Document { describe: Box::new(describe), bytes: OnceLock::new() };
        let config = Config::from(DOCUMENT)
            .use_base_layout()
            .deep_linking(true)
            .display_request_duration(true)
            .validator_url("none");
        Self { document: Arc::new(document), config: Arc::new(config) }
    }

    /// Adds the routes.
    pub(crate) fn add_to(&self, services: &mut ServiceConfig) {
        services.app_data(Data::new(self.clone()));
        for path in kit::either_slash("/openapi.json") {
            services.service(web::resource(path).route(reading().to(document)));
        }
        for path in kit::either_slash("/docs") {
            services.service(web::resource(path).route(reading().to(page)));
        }
        services.service(web::resource("/docs/{file}").route(reading().to(file)));
    }
}

async fn document(reader: Data<Reader>) -> HttpResponse {
    let known = reader.document.bytes.get().cloned();
    let document = match known {
        Some(document) => Ok(document),
        None => web::block(move || reader.document.bytes()).await,
    };
    match document {
        Ok(document) => HttpResponse::Ok()
            .insert_header((CONTENT_TYPE, "application/json"))
            .insert_header((CACHE_CONTROL, KEPT))
            .body(document),
        Err(_) => HttpResponse::InternalServerError().finish(),
    }
}

/// The page finds its files, and the description, from `/docs` as well as from `/docs/`.
async fn page(request: HttpRequest) -> HttpResponse {
    let base = if request.path().ends_with('/') { "../" } else { "./" };
    let body = format!(
        r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="UTF-8">
<title>Storefront API</title>
<base href="{base}">
<link rel="stylesheet" href="docs/swagger-ui.css">
<link rel="icon" type="image/png" href="docs/favicon-32x32.png" sizes="32x32">
</head>
<body>
<div id="swagger-ui"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/swagger-ui-standalone-preset.js"></script>
<script src="docs/swagger-initializer.js"></script>
</body>
</html>
"#
    );
    kit::html(StatusCode::OK, POLICY, body)
}

async fn file(reader: Data<Reader>, name: Path<String>) -> HttpResponse {
    match utoipa_swagger_ui::serve(&name, Arc::clone(&reader.config)) {
        Ok(Some(file)) => HttpResponse::Ok()
            .insert_header((CONTENT_TYPE, file.content_type))
            .insert_header((CACHE_CONTROL, KEPT))
            .body(match file.bytes {
                Cow::Borrowed(bytes) => Bytes::from_static(bytes),
                Cow::Owned(bytes) => bytes.into(),
            }),
        _ => HttpResponse::NotFound().finish(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::App;
    use actix_web::body::to_bytes;
    use actix_web::test::{TestRequest, call_service, init_service};
    use jsonapi::Mode;

    async fn get(path: &str) -> (u16, String, String) {
        let base_url = "https://glue.example.com";
        let reader = Reader::new(move || crate::openapi::describe(&crate::glue::DECLARATIONS, base_url, Mode::Glue));
        let app = init_service(App::new().configure(|services| reader.add_to(services))).await;
        let response = call_service(&app, TestRequest::get().uri(path).to_request()).await;
        let content_type = response.headers().get("content-type").map(|value| value.to_str().unwrap().to_owned());
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body()).await.unwrap();
        (status, content_type.unwrap_or_default(), String::from_utf8_lossy(&body).into_owned())
    }

    #[actix_web::test]
    async fn the_page_and_all_it_needs_come_from_here() {
        for (page, base) in [("/docs", "./"), ("/docs/", "../")] {
            let (status, content_type, body) = get(page).await;
            assert_eq!((status, content_type.as_str()), (200, "text/html; charset=utf-8"), "{page}");
            assert!(body.contains(&format!("<base href=\"{base}\">")), "{page}");
            assert!(!body.contains("http"), "{page}");
            for attribute in body.split(['"', '>']).filter(|text| text.starts_with("docs/")) {
                let (status, content_type, content) = get(&format!("/{attribute}")).await;
                assert_eq!(status, 200, "{attribute}");
                assert!(!content.is_empty() && !content_type.is_empty(), "{attribute}");
            }
        }
        assert!(get("/docs/swagger-initializer.js").await.2.contains("openapi.json"));
        assert_eq!(get("/docs/nothing.js").await.0, 404);
    }

    #[actix_web::test]
    async fn the_description_is_json() {
        let (status, content_type, body) = get("/openapi.json").await;
        assert_eq!((status, content_type.as_str()), (200, "application/json"));
        let document: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(document.get("openapi"), Some(&serde_json::json!("3.1.0")));
    }
}
