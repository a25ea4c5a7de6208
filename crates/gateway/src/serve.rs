//! Wires the house together, serves until told to stop, and leaves in order.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use application::{Application, Catalogue, Hasher, Parts, Signer, load_or_generate_server_key};
use domain::{Clock, MovableClock, Randomness, SystemClock, SystemRandomness};
use jobs::Jobs;
use mailer::Mailer;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use store::{Engine, Store, StoreError};
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::Fatal;
use crate::settings::Settings;
use crate::{safety, screen};

/// How often the metrics recorder folds what it has gathered.
const METRICS_UPKEEP: Duration = Duration::from_secs(5);

/// Serves until SIGTERM or SIGINT, then finishes requests, then units of work.
///
/// # Errors
///
/// A line for the operator when the gateway cannot start.
pub(crate) async fn serve(mut settings: Settings) -> Result<(), Fatal> {
    let bind = settings.server.bind.clone();
    let listener = TcpListener::bind(&bind)
        .map_err(|error| format!("cannot listen on {bind}: {error}; free the port or change server.bind"))?;
    let address = listener.local_addr()?;
    safety::refuse_public_development(&settings, address)?;
    let public_url = match settings.server.public_url.as_str() {
        "" => format!("http://{address}"),
        url => url.to_owned(),
    };
    if settings.mail.storefront_url.is_empty() {
        settings.mail.storefront_url.clone_from(&public_url);
    }

    let metrics = record_metrics()?;
    let movable_clock = settings.test_mode.then(|| Arc::new(MovableClock::default()));
    let clock: Arc<dyn Clock> = match &movable_clock {
        Some(clock) => Arc::<MovableClock>::clone(clock),
        None => Arc::new(SystemClock),
    };
    let randomness: Arc<dyn Randomness> = Arc::new(SystemRandomness);

    let store = open_store(&settings).await?;
    let signer = Signer::load_or_generate(&settings.keys.path, &settings.tokens, clock.now())?;
    let mailer = Arc::new(Mailer::new(&settings.mail, Arc::clone(&clock))?);
    let catalogue = Catalogue::new(store.clone(), &settings.catalogue);
    let demo_products = catalogue.insert_demo(clock.now()).await?;
    if demo_products > 0 {
        tracing::info!(demo_products, "the demo catalogue was inserted; `vestibule products import` takes its place");
    }
    let application = Application::new(Parts {
        store: store.clone(),
        hasher: Hasher::start(&settings.passwords, Arc::clone(&randomness))?,
        signer,
        server_key: load_or_generate_server_key(&settings.keys.path, &*randomness)?,
        clock,
        randomness,
        accounts: settings.accounts.clone(),
        carts: settings.carts.clone(),
        catalogue,
        store_name: settings.store.name.clone(),
        tokens: settings.tokens.clone(),
        merchants: settings.dialects.merchants(),
    });
    let jobs = Jobs::start(application.clone(), store.clone(), Arc::clone(&mailer), settings.jobs.clone());
    let services = http::Services {
        application,
        mailbox: mailer.mailbox(),
        movable_clock,
        metrics: Arc::new(move || metrics.render()),
        public_url: public_url.clone(),
        surfaces: surfaces(&settings, &public_url),
        descriptions: [
            (settings.dialects.bagisto, dialects::bagisto::describe as fn() -> _),
            (settings.dialects.tenpay, dialects::tenpay::describe),
        ]
        .into_iter()
        .filter_map(|(is_open, describe)| is_open.then_some(describe))
        .collect(),
        shutdown_seconds: settings.server.shutdown_seconds,
    };
    let server = http::serve(listener, services, &settings.http, &settings.glue, settings.jsonapi)?;
    screen::show(&settings, address, &public_url, store.engine());

    let shutdown = Duration::from_secs(settings.server.shutdown_seconds);
    let handle = server.handle();
    let mut serving = tokio::spawn(server);
    let ended = tokio::select! {
        ended = &mut serving => ended,
        () = told_to_stop()? => {
            tracing::info!("stopping: finishing requests");
            handle.stop(true).await;
            serving.await
        }
    };
    // What is not delivered by then is delivered when its lease has run out.
    if tokio::time::timeout(shutdown, jobs.stop()).await.is_err() {
        tracing::warn!("deliveries under way were left to another node");
    }
    store.close().await;
    tracing::info!("stopped");
    Ok(ended??)
}

/// The doors beside the storefront API that are open.
fn surfaces(settings: &Settings, public_url: &str) -> Vec<http::Surface> {
    let mut surfaces: Vec<http::Surface> = vec![http::Surface::new(pages::configure)];
    if settings.dialects.bagisto {
        let glue = &settings.glue;
        let door = settings.dialects.bagisto(public_url, &glue.locales, &glue.default_locale);
        surfaces.push(dialects::bagisto::surface(door));
    }
    if settings.dialects.tenpay {
        surfaces.push(dialects::tenpay::surface(dialects::tenpay::Settings {
            email_activates: settings.dialects.email_activates,
            locales: settings.glue.locales.clone(),
            default_locale: settings.glue.default_locale.clone(),
        }));
    }
    surfaces
}

/// Opens the database and brings SQLite's up to date.
///
/// # Errors
///
/// A line for the operator: it cannot be reached, or migrations are pending on PostgreSQL.
pub(crate) async fn open_store(settings: &Settings) -> Result<Store, Fatal> {
    let store = Store::open(&settings.database, tokio::runtime::Handle::current()).map_err(|error| match error {
        StoreError::Unavailable(_) => format!("{error}; start it, or change database.url"),
        error => error.to_string(),
    })?;
    match store.engine() {
        Engine::Sqlite => {
            for name in store.migrate().await? {
                tracing::info!(name, "migration applied");
            }
        }
        Engine::Postgres => {
            let pending = store.pending_migrations().await?;
            if !pending.is_empty() {
                return Err(StoreError::PendingMigrations(pending).into());
            }
        }
    }
    Ok(store)
}

fn record_metrics() -> Result<PrometheusHandle, Fatal> {
    const SECONDS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS)?
        .install_recorder()?;
    let upkeep = handle.clone();
    tokio::spawn(async move {
        let mut interval = tokio::time::interval(METRICS_UPKEEP);
        loop {
            interval.tick().await;
            upkeep.run_upkeep();
        }
    });
    Ok(handle)
}

fn told_to_stop() -> std::io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
