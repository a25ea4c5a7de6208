//! What operators and other services ask: health, metrics, public keys.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actix_web::guard::{Any, Get, Head};
use actix_web::http::StatusCode;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpResponse, Route};
use application::{Application, Readiness};
use serde_json::{Value, json};

use crate::kit::either_slash;

/// Renders the metrics of this process in Prometheus' text form.
pub type RenderMetrics = Arc<dyn Fn() -> String + Send + Sync>;

/// Adds the routes.
pub(crate) fn configure(services: &mut ServiceConfig) {
    for path in either_slash("/health/live") {
        services.service(web::resource(path).route(reading().to(live)));
    }
    for path in either_slash("/health/ready") {
        services.service(web::resource(path).route(reading().to(ready)));
    }
    for path in either_slash("/metrics") {
        services.service(web::resource(path).route(reading().to(metrics)));
    }
    for path in either_slash("/.well-known/jwks.json") {
        services.service(web::resource(path).route(reading().to(jwks)));
    }
}

/// A route for GET and HEAD.
pub(crate) fn reading() -> Route {
    web::route().guard(Any(Get()).or(Head()))
}

/// This process answers.
async fn live() -> HttpResponse {
    HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(json!({ "status": "ok" }))
}

/// Whether the log tells already that the database is out of reach. Anybody may ask for readiness, as often as they like.
static OUTAGE_IS_LOGGED: AtomicBool = AtomicBool::new(false);

/// Logs an outage once, when it is first seen; answers whether it did.
fn log_outage(database: &Result<(), String>, is_logged: &AtomicBool) -> bool {
    let was_logged = is_logged.swap(database.is_err(), Ordering::Relaxed);
    match database {
        Err(problem) if !was_logged => {
            tracing::warn!(problem, "not ready: the database is unavailable");
            true
        }
        _ => false,
    }
}

/// This process can do its work: its database answers and has every migration.
async fn ready(application: Data<Application>) -> HttpResponse {
    let readiness = application.readiness().await;
    log_outage(&readiness.database, &OUTAGE_IS_LOGGED);
    let status = if readiness.is_ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    HttpResponse::build(status).insert_header((CACHE_CONTROL, "no-store")).json(describe(&readiness))
}

fn describe(readiness: &Readiness) -> Value {
    json!({
        "status": if readiness.is_ready() { "ok" } else { "unavailable" },
        "database": match &readiness.database {
            Ok(()) => "ok",
            // What the database says may name hosts and users: that is for the log.
            Err(_) => "unavailable",
        },
        "migrations": match readiness.pending_migrations.as_slice() {
            [] => json!("ok"),
            pending => json!({ "pending": pending }),
        },
        "outbox": readiness.outbox.map(|outbox| json!({
            "queued": outbox.queued,
            "dead": outbox.dead,
            "oldestDueSeconds": outbox.oldest_due_seconds,
        })),
    })
}

async fn metrics(render: Data<RenderMetrics>) -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(render())
}

/// The keys with which access tokens are checked (RFC 7517).
async fn jwks(application: Data<Application>) -> HttpResponse {
    HttpResponse::Ok().insert_header((CACHE_CONTROL, "public, max-age=300")).json(application.jwks())
}

#[cfg(test)]
mod tests {
    use super::*;
    use application::OutboxReadiness;

    #[test]
    fn readiness_names_what_is_wrong() {
        let outbox = OutboxReadiness { queued: 3, dead: 1, oldest_due_seconds: 12 };
        let ready = Readiness { database: Ok(()), pending_migrations: Vec::new(), outbox: Some(outbox) };
        assert_eq!(
            describe(&ready),
            json!({"status": "ok", "database": "ok", "migrations": "ok",
                   "outbox": {"queued": 3, "dead": 1, "oldestDueSeconds": 12}})
        );
        let behind = Readiness { pending_migrations: vec!["0002_x".to_owned()], ..ready };
        assert_eq!(describe(&behind)["migrations"], json!({"pending": ["0002_x"]}));
        let gone =
            Readiness { database: Err("no host db.internal".to_owned()), pending_migrations: Vec::new(), outbox: None };
        assert_eq!(
            describe(&gone),
            json!({"status": "unavailable", "database": "unavailable", "migrations": "ok", "outbox": null})
        );
    }

    #[test]
    fn an_outage_is_logged_once() {
        let is_logged = AtomicBool::new(false);
        let gone = Err("gone".to_owned());
        for (database, expected) in
            [(&Ok(()), false), (&gone, true), (&gone, false), (&Ok(()), false), (&gone, true), (&gone, false)]
        {
            assert_eq!(log_outage(database, &is_logged), expected);
        }
    }
}
