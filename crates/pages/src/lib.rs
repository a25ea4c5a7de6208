//! Server-rendered pages of the storefront.
//!
//! The first of them is the page behind the link in the confirmation mail.

mod confirm;
mod language;
mod templates;

use actix_web::web::{self, ServiceConfig};

/// Adds the pages to the server.
pub fn configure(services: &mut ServiceConfig) {
    for path in ["/register/confirm", "/register/confirm/"] {
        services.service(
            web::resource(path)
                .route(web::get().to(confirm::show))
                .route(web::head().to(confirm::show))
                .route(web::post().to(confirm::submit)),
        );
    }
    services.service(web::resource("/register/confirm/resend").route(web::post().to(confirm::resend)));
}
