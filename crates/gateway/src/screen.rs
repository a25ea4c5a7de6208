//! What a person sees who starts the gateway.

use std::net::SocketAddr;

use crate::safety;
use crate::settings::Settings;

/// Prints where everything is and what is unsafe. The line `Listening on` is stable: scripts read the port from it.
pub(crate) fn show(settings: &Settings, address: SocketAddr, public_url: &str, engine: store::Engine) {
    let version = env!("CARGO_PKG_VERSION");
    println!("Vestibule {version}");
    println!("Listening on http://{address}");
    let mut lines = vec![
        ("Glue API", format!("{public_url}/customers")),
        ("API docs", format!("{public_url}/docs")),
        ("Database", engine.to_string()),
        ("Mail", settings.mail.transport.to_string()),
        ("Keys", settings.keys.path.display().to_string()),
        ("Health", format!("{public_url}/health/ready")),
        ("Metrics", format!("{public_url}/metrics")),
    ];
    if settings.mail.transport == mailer::TransportKind::Mailbox {
        lines.insert(1, ("Mailbox", format!("{public_url}/mailbox")));
    }
    for (name, value) in lines {
        println!("  {name:<10}{value}");
    }
    for warning in safety::warnings(settings, Some(address)) {
        println!("  Warning: {warning}");
    }
}
