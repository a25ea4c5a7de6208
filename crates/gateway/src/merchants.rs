//! `vestibule merchants`: who may bring users along.

use std::process::ExitCode;
use std::sync::Arc;

use application::{Hasher, Merchants};
use domain::{SystemClock, SystemRandomness};
use serde_json::json;

use crate::cli::{Fatal, MerchantsCommand, OperatorsCommand};
use crate::serve::open_store;
use crate::settings::Settings;

/// Runs one of the commands.
///
/// # Errors
///
/// What is wrong with a name, or with the database.
pub(crate) async fn run(settings: &Settings, command: MerchantsCommand) -> Result<ExitCode, Fatal> {
    let merchants = Merchants {
        store: open_store(settings).await?,
        clock: Arc::new(SystemClock),
        randomness: Arc::new(SystemRandomness),
    };
    let done = carry_out(settings, &merchants, command).await;
    merchants.store.close().await;
    done.map(|()| ExitCode::SUCCESS)
}

async fn carry_out(settings: &Settings, merchants: &Merchants, command: MerchantsCommand) -> Result<(), Fatal> {
    match command {
        MerchantsCommand::Create { name, json } => {
            let made = merchants.create(&name).await?;
            if json {
                let line = json!({
                    "merchantId": made.id.0,
                    "clientId": made.client,
                    "clientSecret": made.secret.expose(),
                });
                println!("{line}");
            } else {
                println!("merchant: {}", made.id);
                println!("client: {}", made.client);
                println!("secret: {}", made.secret.expose());
                println!("The secret is told this once.");
            }
        }
        MerchantsCommand::List => {
            for merchant in merchants.list().await? {
                let state = if merchant.is_disabled { " (disabled)" } else { "" };
                println!("{} {}{state}", merchant.id, merchant.name);
                println!("    clients: {}", merchant.clients.join(", "));
                if !merchant.operators.is_empty() {
                    println!("    operators: {}", merchant.operators.join(", "));
                }
            }
        }
        MerchantsCommand::Disable { name } => {
            merchants.disable(&name).await?;
            println!("{name} is disabled: its clients, their tokens and its operators are no good any more");
        }
        MerchantsCommand::Operators(OperatorsCommand::Add { name, username }) => {
            let hasher = Hasher::start(&settings.passwords, Arc::new(SystemRandomness))?;
            let password = merchants.add_operator(&hasher, &name, &username).await?;
            println!("operator: {username}");
            println!("password: {}", password.expose());
            println!("The password is told this once.");
        }
    }
    Ok(())
}
