//! Server-rendered pages of the storefront.
//!
//! The first of them is the page behind the link in the confirmation mail.

mod confirm;
mod language;
mod templates;

use actix_web::web::{self, QueryConfig, ServiceConfig};
use http::kit::either_slash;

/// Adds the pages to the server.
pub fn configure(services: &mut ServiceConfig) {
    for path in either_slash("/register/confirm") {
        services.service(
            web::resource(path)
                .app_data(QueryConfig::default().error_handler(confirm::refuse))
                .route(web::get().to(confirm::show))
                .route(web::head().to(confirm::show))
                .route(web::post().to(confirm::submit)),
        );
    }
    for path in either_slash("/register/confirm/resend") {
        services.service(web::resource(path).route(web::post().to(confirm::resend)));
    }
}
