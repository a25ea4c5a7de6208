//! The page behind the name of the profile that asks for JSON:API to the letter.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{self, ServiceConfig};

use crate::kit::{either_slash, html};
use crate::operations::reading;
use crate::wire::PROFILE_PATH;

const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'self'";

const PAGE: &str = include_str!("profile.html");

/// Adds the routes.
pub(crate) fn configure(services: &mut ServiceConfig) {
    for path in either_slash(PROFILE_PATH) {
        services.service(web::resource(path).route(reading().to(explain)));
    }
}

async fn explain() -> HttpResponse {
    html(StatusCode::OK, POLICY, PAGE.to_owned())
}
