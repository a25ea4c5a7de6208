//! The page templates, embedded.

use std::sync::LazyLock;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use domain::Randomness;
use handlebars::Handlebars;
use serde_json::{Value, json};

use crate::language::Language;

static TEMPLATES: LazyLock<Handlebars<'static>> = LazyLock::new(|| {
    let mut registry = Handlebars::new();
    registry.set_strict_mode(true);
    let sources = [
        ("layout", include_str!("../../../templates/pages/layout.hbs")),
        ("confirm", include_str!("../../../templates/pages/confirm.hbs")),
        ("restore", include_str!("../../../templates/pages/restore.hbs")),
    ];
    for (name, source) in sources {
        #[expect(clippy::expect_used, reason = "the templates are embedded, and a test renders them all")]
        registry.register_template_string(name, source).expect("the embedded templates parse");
    }
    registry
});

/// Renders a page. `page` becomes the template's variables, beside `words`, which it knows as `t`.
///
/// The answer is not cached and tells nobody where it came from: its address may hold a key. Only the page's own script and
/// style run, by a nonce.
pub(crate) fn page(
    status: StatusCode,
    template: &str,
    language: Language,
    words: &Value,
    randomness: &dyn Randomness,
    page: &Value,
) -> HttpResponse {
    let mut bytes = [0; 16];
    randomness.fill(&mut bytes);
    let nonce = hex::encode(bytes);
    let context = json!({ "t": words, "lang": language.tag(), "nonce": nonce, "page": page });
    let html = match TEMPLATES.render(template, &context) {
        Ok(html) => html,
        Err(error) => {
            tracing::error!(%error, template, "a page could not be rendered");
            return HttpResponse::InternalServerError().finish();
        }
    };
    let policy = format!(
        "default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; form-action 'self'; base-uri 'none'; \
         frame-ancestors 'none'"
    );
    let mut answer = HttpResponse::build(status)
        .insert_header((CONTENT_SECURITY_POLICY, policy))
        .insert_header((REFERRER_POLICY, "no-referrer"))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((X_FRAME_OPTIONS, "DENY"))
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((CONTENT_LANGUAGE, language.tag()))
        .content_type("text/html; charset=utf-8")
        .body(html);
    if status == StatusCode::UNPROCESSABLE_ENTITY {
        answer.head_mut().reason = Some("Unprocessable Content");
    }
    answer
}
