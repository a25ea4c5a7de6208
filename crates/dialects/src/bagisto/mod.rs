//! The shop API of Bagisto, below `/api/shop`: sign-up, login, profile, newsletter, for storefronts with a key; and the two
//! addresses of its confirmation mails.

mod answer;
mod customers;
mod door;
mod input;
mod newsletters;
mod openapi;
mod passwords;
mod profile;
mod rules;
mod sessions;
mod shapes;
mod verification;
mod window;

use actix_web::http::StatusCode;
use actix_web::http::header::ALLOW;
use actix_web::middleware::from_fn;
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{Resource, Scope};
use http::Surface;
use http::kit::either_slash;

pub use door::Settings;
pub use openapi::describe;

use door::Door;

const SHOP: &str = "/api/shop";

/// A path below [`SHOP`], the methods it has, and their handlers.
type Path = (&'static str, &'static str, Routes);

type Routes = fn(Resource) -> Resource;

/// All that is served. A path of the shop's code stands before that of its documentation.
const PATHS: [Path; 15] = [
    ("/customers", "POST", |path| path.route(web::post().to(customers::register))),
    ("/customer/login", "POST", |path| path.route(web::post().to(sessions::log_in))),
    ("/customers/login", "POST", |path| path.route(web::post().to(sessions::log_in))),
    ("/verify-tokens", "POST", |path| path.route(web::post().to(sessions::verify))),
    ("/customers/verify-token", "GET", |path| path.route(web::get().to(sessions::look_at))),
    ("/customer/logout", "POST", |path| path.route(web::post().to(sessions::log_out))),
    ("/customers/logout", "POST", |path| path.route(web::post().to(sessions::log_out))),
    ("/customer-profile", "GET", |path| path.route(web::get().to(profile::show))),
    ("/customers/profile", "GET, PUT, DELETE", |path| {
        path.route(web::get().to(profile::show))
            .route(web::put().to(profile::update))
            .route(web::delete().to(profile::delete))
    }),
    ("/customer-profile-updates/{id}", "PUT", |path| path.route(web::put().to(profile::update))),
    ("/customer-profile-deletes/{id}", "POST", |path| path.route(web::post().to(profile::delete))),
    ("/forgot-passwords", "POST", |path| path.route(web::post().to(passwords::forgot))),
    ("/customers/forgot-password", "POST", |path| path.route(web::post().to(passwords::forgot))),
    ("/customers/reset-password", "PUT", |path| path.route(web::put().to(passwords::reset))),
    ("/newsletters", "POST", |path| path.route(web::post().to(newsletters::subscribe))),
];

/// What mails lead to, below `/customer`, where other doors have paths, too.
const PAGES: [(&str, Routes); 3] = [
    ("/verify-account/{token}", |path| {
        path.route(web::get().to(verification::verify)).route(web::head().to(verification::lead_to_page))
    }),
    ("/resend/verification/{email}", |path| path.route(web::get().to(verification::resend))),
    ("/resend/verification-email/{email}", |path| path.route(web::get().to(verification::resend))),
];

/// This door, to be added to the application of each worker. What it counts is counted for all of them together.
pub fn surface(settings: Settings) -> Surface {
    let door = Data::new(Door::new(settings));
    let refusing = Data::clone(&door);
    Surface::new(move |services| add_to(services, &door)).refusing_with(move |request, seconds| {
        let is_below = request.path().strip_prefix(SHOP).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        is_below.then(|| refusing.refuse_many(seconds))
    })
}

fn add_to(services: &mut ServiceConfig, door: &Data<Door>) {
    services.service(PAGES.into_iter().fold(
        web::scope("/customer").app_data(Data::clone(door)),
        |pages, (path, routes)| {
            either_slash(path).into_iter().fold(pages, |pages, path| pages.service(routes(web::resource(path))))
        },
    ));
    let shared = Data::clone(door);
    let shop = PATHS.into_iter().fold(web::scope(SHOP), add_path);
    services.service(
        shop.app_data(Data::clone(door))
            .default_service(web::to(door::not_found))
            .wrap(from_fn(move |request, next| door::pass(Data::clone(&shared), request, next))),
    );
}

fn add_path(shop: Scope, (path, methods, routes): Path) -> Scope {
    either_slash(path).into_iter().fold(shop, |shop, path| {
        let refuse_method = move || async move {
            let mut answer = answer::framework_problem(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed");
            answer.headers_mut().insert(ALLOW, actix_web::http::header::HeaderValue::from_static(methods));
            answer
        };
        shop.service(routes(web::resource(path)).default_service(web::to(refuse_method)))
    })
}
