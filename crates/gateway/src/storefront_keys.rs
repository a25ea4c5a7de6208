//! `vestibule storefront-keys`: the keys with which storefronts of the shop API name themselves.

use std::process::ExitCode;
use std::sync::Arc;

use application::StorefrontKeys;
use clap::Subcommand;
use domain::{SystemClock, SystemRandomness};
use http::Network;
use serde_json::json;

use crate::cli::Fatal;
use crate::serve::open_store;
use crate::settings::Settings;

/// What to do with them.
#[derive(Subcommand)]
pub(crate) enum StorefrontKeysCommand {
    /// Make a key and print it, this once
    Create {
        /// What to call it; no other key in use has the name
        #[arg(long)]
        name: String,
        /// Requests in one window of time (`dialects.storefront_window_seconds`), at most 5000; 0 = no limit
        #[arg(long, default_value_t = 100)]
        limit: u32,
        /// A network or an address that may use it, such as 192.0.2.0/24; may be given more than once; none = all may
        #[arg(long, value_name = "CIDR")]
        allow_ip: Vec<String>,
        /// Print an object with name and key
        #[arg(long)]
        json: bool,
    },
    /// Show all keys, without what is secret about them
    List,
    /// Put a new key in the place of one, print it, and let the old one be good for a week
    Rotate {
        /// The name
        name: String,
    },
    /// Switch a key off at once
    Disable {
        /// The name
        name: String,
    },
}

/// Carries out a command.
///
/// # Errors
///
/// A line that says what is wrong with the arguments, or that the database cannot be used.
pub(crate) async fn run(settings: &Settings, command: StorefrontKeysCommand) -> Result<ExitCode, Fatal> {
    let keys = StorefrontKeys {
        store: open_store(settings).await?,
        clock: Arc::new(SystemClock),
        randomness: Arc::new(SystemRandomness),
    };
    let done = carry_out(&keys, command).await;
    keys.store.close().await;
    done.map(|()| ExitCode::SUCCESS)
}

async fn carry_out(keys: &StorefrontKeys, command: StorefrontKeysCommand) -> Result<(), Fatal> {
    match command {
        StorefrontKeysCommand::Create { name, limit, allow_ip, json } => {
            if let Some(wrong) = allow_ip.iter().find(|network| Network::parse(network).is_none()) {
                return Err(format!("`{wrong}` is neither an address nor a network such as 192.0.2.0/24").into());
            }
            let key = keys.create(&name, limit, allow_ip).await?;
            if json {
                println!("{}", json!({ "name": name.trim(), "key": key.expose() }));
            } else {
                println!("{}", key.expose());
                println!("Keep it: it is not shown again.");
            }
        }
        StorefrontKeysCommand::List => list(keys).await?,
        StorefrontKeysCommand::Rotate { name } => {
            println!("{}", keys.rotate(&name).await?.expose());
            println!("Keep it: it is not shown again. The old one is good for seven days.");
        }
        StorefrontKeysCommand::Disable { name } => {
            let count = keys.disable(&name).await?;
            println!("{count} switched off");
        }
    }
    Ok(())
}

async fn list(keys: &StorefrontKeys) -> Result<(), Fatal> {
    for line in keys.list().await? {
        let limit = match line.access.limit {
            0 => "no limit".to_owned(),
            limit => format!("{limit} requests"),
        };
        let networks = match line.access.networks.as_slice() {
            [] => "from anywhere".to_owned(),
            networks => format!("from {}", networks.join(" ")),
        };
        let state = match (line.is_disabled, line.is_superseded, line.expires_at) {
            (true, ..) => "switched off".to_owned(),
            (_, true, Some(end)) => format!("superseded, ends {end}"),
            (_, true, None) => "superseded".to_owned(),
            (_, _, Some(end)) => format!("ends {end}"),
            _ => "in use".to_owned(),
        };
        println!("{}\t{}…\t{limit}\t{networks}\t{state}", line.access.name, line.beginning);
    }
    Ok(())
}
