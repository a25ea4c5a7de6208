//! `vestibule doctor`: looks at everything a gateway needs before it is needed.

use std::net::ToSocketAddrs;
use std::process::ExitCode;
use std::sync::Arc;

use application::{KeyError, Signer};
use domain::SystemClock;
use mailer::Mailer;
use store::Store;

use crate::cli::Fatal;
use crate::safety;
use crate::settings::Settings;

/// Prints a line for each finding. Fails when the gateway would not start.
///
/// # Errors
///
/// Never for a finding.
pub(crate) async fn examine(settings: &Settings) -> Result<ExitCode, Fatal> {
    let address = settings.server.bind.to_socket_addrs().ok().and_then(|mut addresses| addresses.next());
    let bind = match address {
        Some(address) => safety::refuse_public_development(settings, address),
        None => Err(format!("server.bind `{}` is not an address", settings.server.bind)),
    };
    let findings = [
        ("address", bind.map(|()| settings.server.bind.clone())),
        ("database", database(settings).await),
        ("keys", keys(settings)),
        ("mail", mail(settings)),
    ];
    for (subject, finding) in &findings {
        match finding {
            Ok(text) => println!("ok       {subject}: {text}"),
            Err(text) => println!("FAILED   {subject}: {text}"),
        }
    }
    for warning in safety::warnings(settings, address) {
        println!("warning  {warning}");
    }
    let failed = findings.iter().any(|(_, finding)| finding.is_err());
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

async fn database(settings: &Settings) -> Result<String, String> {
    let store =
        Store::open(&settings.database, tokio::runtime::Handle::current()).map_err(|error| error.to_string())?;
    store.ping().await.map_err(|error| error.to_string())?;
    let pending = store.pending_migrations().await.map_err(|error| error.to_string())?;
    match (store.engine(), pending.is_empty()) {
        (engine, true) => Ok(format!("{engine} answers, nothing is pending")),
        (store::Engine::Sqlite, false) => Ok("SQLite answers; the next start brings its tables up to date".to_owned()),
        (store::Engine::Postgres, false) => Err(store::StoreError::PendingMigrations(pending).to_string()),
    }
}

fn keys(settings: &Settings) -> Result<String, String> {
    let folder = settings.keys.path.display();
    match Signer::load(&settings.keys.path, &settings.tokens) {
        Ok(_) => Ok(format!("the signing keys in {folder} are in order")),
        Err(KeyError::NoSigningKey { .. }) => Ok(format!("no signing key in {folder} yet; the next start makes one")),
        Err(error) => Err(error.to_string()),
    }
}

fn mail(settings: &Settings) -> Result<String, String> {
    let mut mail = settings.mail.clone();
    if mail.storefront_url.is_empty() {
        mail.storefront_url = format!("http://{}", settings.server.bind);
    }
    Mailer::new(&mail, Arc::new(SystemClock)).map_err(|error| error.to_string())?;
    Ok(format!("templates are in order, mail goes to {}", settings.mail.transport))
}
