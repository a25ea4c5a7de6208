//! The onboarding API of 10npay: `/User…` and `/connect/token`.
//!
//! A merchant's back end makes users and confirms their addresses by codes. The paths match in any case, which no route can:
//! `paths` knows them, and what it does not know goes on to the other doors.

mod body;
mod connect;
mod errors;
mod handlers;
mod media;
mod oauth;
mod openapi;
mod paths;
mod problem;
mod requests;
mod trace;

use actix_web::guard::fn_guard;
use actix_web::http::header::{ACCEPT_LANGUAGE, HeaderMap};
use actix_web::web::{self, Data, ServiceConfig};
use domain::Locale;
use http::{Surface, kit};

pub use openapi::describe;

use paths::Endpoint;

/// How this door is set up.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Whether a confirmed address is all that a user needs.
    pub email_activates: bool,
    /// The shop's locales, and the one of those who ask for none of them.
    pub locales: Vec<Locale>,
    /// See `locales`.
    pub default_locale: Locale,
}

impl Settings {
    /// The locale that a request asks for.
    fn locale(&self, headers: &HeaderMap) -> &Locale {
        let asked = headers.get_all(ACCEPT_LANGUAGE).filter_map(|value| value.to_str().ok());
        kit::negotiate_locale(asked, &self.locales, &self.default_locale)
    }
}

/// This door, to be added to the application of each worker.
pub fn surface(settings: Settings) -> Surface {
    let settings = Data::new(settings);
    let configure = move |services: &mut ServiceConfig| {
        let is_ours = fn_guard(|request| Endpoint::find(request.head().uri.path()).is_some());
        let door = web::scope("").guard(is_ours).app_data(Data::clone(&settings));
        services.service(door.default_service(web::to(handlers::answer)));
    };
    Surface::new(configure).refusing_with(handlers::refuse_many)
}
