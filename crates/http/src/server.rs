//! The server: all surfaces on one listener.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::middleware::from_fn;
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use application::{Application, LeakedPasswords};
use domain::MovableClock;
use mailer::Mailbox;
use utoipa::openapi::OpenApi;

use crate::declaration::Context;
use crate::entrance::Entrance;
use crate::glue::{self, Glue};
use crate::kit::PasswordRules;
use crate::limits::{BodyLimits, RequestLimiter};
use crate::mailbox;
use crate::openapi;
use crate::operations::{self, RenderMetrics};
use crate::profile;
use crate::reader::Reader;
use crate::request_id::RequestIds;
use crate::settings::{GlueSettings, HttpSettings, JsonApiSettings};
use crate::wire::Wire;

/// Refuses a request that is one too many in so many seconds' time, if it is for that surface.
pub(crate) type TooManyRequests = Arc<dyn Fn(&HttpRequest, u64) -> Option<HttpResponse> + Send + Sync>;

/// What one of several interfaces serves.
#[derive(Clone)]
pub struct Surface {
    configure: Arc<dyn Fn(&mut ServiceConfig) + Send + Sync>,
    too_many: Option<TooManyRequests>,
}

impl Surface {
    /// A surface that adds these routes to the application of each worker.
    pub fn new(configure: impl Fn(&mut ServiceConfig) + Send + Sync + 'static) -> Self {
        Self { configure: Arc::new(configure), too_many: None }
    }

    /// Has it refuse in its own words what a client sends beyond `http.requests_per_second`: `refuse` answers the requests
    /// that are for this surface, and is told after how many seconds the next one is welcome.
    #[must_use]
    pub fn refusing_with(
        mut self,
        refuse: impl Fn(&HttpRequest, u64) -> Option<HttpResponse> + Send + Sync + 'static,
    ) -> Self {
        self.too_many = Some(Arc::new(refuse));
        self
    }
}

/// What the server serves.
pub struct Services {
    /// The use cases.
    pub application: Application,
    /// The mailbox, when mail goes there.
    pub mailbox: Option<Arc<Mailbox>>,
    /// The clock, when test suites may move it.
    pub movable_clock: Option<Arc<MovableClock>>,
    /// Renders the metrics.
    pub metrics: RenderMetrics,
    /// Where clients reach the gateway: absolute, without a slash at the end.
    pub public_url: String,
    /// The other surfaces. Each adds its routes, which go before the storefront API's; handlers find the use cases as
    /// `web::Data<Application>`, and what new passwords are held to as `web::Data<PasswordRules>`.
    pub surfaces: Vec<Surface>,
    /// Tell what they add to the one description of all interfaces.
    pub descriptions: Vec<fn() -> OpenApi>,
    /// How long requests may take to finish at shutdown, in seconds.
    pub shutdown_seconds: u64,
}

/// Serves on a listener. The server runs while it is awaited, and stops by its handle; it takes no signals.
///
/// # Errors
///
/// When the listener cannot be used.
pub fn serve(
    listener: TcpListener,
    services: Services,
    settings: &HttpSettings,
    glue_settings: &GlueSettings,
    jsonapi_settings: JsonApiSettings,
) -> std::io::Result<Server> {
    let shutdown_seconds = services.shutdown_seconds;
    let configure = surfaces(services, settings, glue_settings, jsonapi_settings);
    let server = HttpServer::new(move || {
        let configure = configure.clone();
        let entrance = Arc::clone(&configure.entrance);
        App::new()
            .wrap(from_fn(move |request, next| {
                let entrance = Arc::clone(&entrance);
                async move { entrance.pass(request, next).await }
            }))
            .configure(|services| configure.add_to(services))
    })
    .max_connections(settings.max_connections)
    .keep_alive(Duration::from_secs(settings.keep_alive_seconds))
    .client_request_timeout(Duration::from_secs(settings.head_timeout_seconds))
    .shutdown_timeout(shutdown_seconds)
    .disable_signals();
    let server = if settings.workers == 0 { server } else { server.workers(settings.workers) };
    Ok(server.listen(listener)?.run())
}

/// All surfaces with what they share, to be added to the application of each worker.
#[derive(Clone)]
struct Surfaces {
    entrance: Arc<Entrance>,
    glue: Data<Glue>,
    reader: Reader,
    application: Data<Application>,
    password_rules: Data<PasswordRules>,
    metrics: Data<RenderMetrics>,
    mailbox: Option<Arc<Mailbox>>,
    movable_clock: Option<Arc<MovableClock>>,
    public_url: Arc<str>,
    others: Vec<Surface>,
    body_limits: BodyLimits,
}

fn surfaces(
    services: Services,
    settings: &HttpSettings,
    glue_settings: &GlueSettings,
    jsonapi_settings: JsonApiSettings,
) -> Surfaces {
    let wire = Arc::new(Wire::new(jsonapi_settings, &services.public_url));
    let application = services.application;
    let time = application.clone();
    let body_limits = BodyLimits::new(settings);
    let entrance = Entrance {
        ids: RequestIds::new(application.randomness()),
        limiter: RequestLimiter::new(settings, Arc::new(move || time.clock().now())),
        trusted_proxies: settings.trusted_proxies.clone(),
        forwarded_header: settings.forwarded_header,
        too_many: services.surfaces.iter().filter_map(|surface| surface.too_many.clone()).collect(),
        security_headers: glue_settings.security_headers,
        locale: glue_settings.default_locale.clone(),
        wire: Arc::clone(&wire),
    };
    let public_url: Arc<str> = services.public_url.into();
    let policy = Arc::new(glue_settings.password_policy());
    let leaked = LeakedPasswords::new(&glue_settings.leaked_passwords_url);
    let context = Context {
        application: application.clone(),
        base_url: Arc::clone(&public_url),
        password_policy: Arc::clone(&policy),
    };
    let declarations = glue::declarations(glue_settings, application.carts());
    let reader = Reader::new({
        let (public_url, mode) = (Arc::clone(&public_url), jsonapi_settings.mode);
        let others = services.descriptions;
        move || {
            let mut description = openapi::describe(declarations, &public_url, mode.into());
            for describe in &others {
                description.merge(describe());
            }
            description
        }
    });
    Surfaces {
        entrance: Arc::new(entrance),
        glue: Data::new(Glue::new(glue_settings, wire, body_limits, context, leaked.clone())),
        reader,
        application: Data::new(application),
        password_rules: Data::new(PasswordRules::new(policy, leaked)),
        metrics: Data::new(services.metrics),
        mailbox: services.mailbox,
        movable_clock: services.movable_clock,
        public_url,
        others: services.surfaces,
        body_limits,
    }
}

impl Surfaces {
    /// Explicit routes first; the storefront API answers the rest.
    fn add_to(&self, services: &mut ServiceConfig) {
        services
            .app_data(Data::clone(&self.application))
            .app_data(Data::clone(&self.password_rules))
            .app_data(Data::clone(&self.metrics))
            .app_data(Data::clone(&self.glue))
            .app_data(self.body_limits)
            .configure(operations::configure)
            .configure(profile::configure);
        self.reader.add_to(services);
        mailbox::provide(services, self.mailbox.clone(), self.movable_clock.clone(), &self.public_url);
        for surface in &self.others {
            services.configure(|services| (surface.configure)(services));
        }
        services.default_service(web::to(glue::answer));
    }
}
