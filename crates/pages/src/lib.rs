//! Server-rendered pages of the storefront: those behind the links in mails, where a person confirms an address or chooses a
//! new password.

mod confirm;
mod language;
mod restore;
mod templates;
mod visit;

use actix_web::web::{self, QueryConfig, ServiceConfig};
use http::kit::either_slash;

use crate::visit::{Topic, refuse_query};

/// Adds the pages to the server.
pub fn configure(services: &mut ServiceConfig) {
    for path in either_slash("/register/confirm") {
        let queries = QueryConfig::default()
            .error_handler(|error, request| refuse_query(Topic::Confirmation, confirm::INVALID, error, request));
        services.service(
            web::resource(path)
                .app_data(queries)
                .route(web::get().to(confirm::show))
                .route(web::head().to(confirm::show))
                .route(web::post().to(confirm::submit)),
        );
    }
    for path in either_slash("/register/confirm/resend") {
        services.service(web::resource(path).route(web::post().to(confirm::resend)));
    }
    for path in either_slash("/password/restore") {
        let queries = QueryConfig::default()
            .error_handler(|error, request| refuse_query(Topic::Restore, restore::INVALID, error, request));
        services.service(
            web::resource(path)
                .app_data(queries)
                .route(web::get().to(restore::show))
                .route(web::head().to(restore::show))
                .route(web::post().to(restore::submit)),
        );
    }
    for path in either_slash("/password/forgotten") {
        services.service(
            web::resource(path)
                .route(web::get().to(restore::show_forgotten))
                .route(web::head().to(restore::show_forgotten))
                .route(web::post().to(restore::request)),
        );
    }
}
