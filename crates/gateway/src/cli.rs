//! The command line.

use std::path::PathBuf;
use std::process::ExitCode;

use application::generate_signing_key;
use clap::{Parser, Subcommand};
use domain::{Clock, SystemClock};
use store::Store;

use crate::import::ProductsFile;
use crate::settings::{DEFAULT_TOML, Settings};
use crate::storefront_keys::StorefrontKeysCommand;
use crate::{carts, doctor, import, logging, merchants, serve, storefront_keys};

/// Registers a shop's customers with double opt-in, over Spryker Glue's storefront API.
#[derive(Parser)]
#[command(version, about)]
pub(crate) struct Arguments {
    /// A TOML file whose settings win over the defaults; environment variables `VESTIBULE__SECTION__KEY` win over both
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Run the gateway (the default)
    Serve,
    /// Bring the database's tables up to date
    Migrate,
    /// Look at the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Check settings, database, keys and mail, and warn of everything unsafe
    Doctor,
    /// Manage the keys that sign access tokens
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Bring customers along from another shop
    #[command(subcommand)]
    Customers(CustomersCommand),
    /// Say what can be bought
    #[command(subcommand)]
    Products(ProductsCommand),
    /// Manage the keys with which storefronts of the shop API name themselves
    #[command(subcommand)]
    StorefrontKeys(StorefrontKeysCommand),
    /// Look after carts
    #[command(subcommand)]
    Carts(CartsCommand),
    /// Say which merchants may bring users along, with six-digit codes
    #[command(subcommand)]
    Merchants(MerchantsCommand),
}

#[derive(Subcommand)]
enum ConfigCommand {
    /// Check the settings and say what is wrong
    Check,
    /// Print every setting with its default and a comment
    Default,
}

#[derive(Subcommand)]
enum KeysCommand {
    /// Make a new signing key; it signs from the next start on, and the older ones still verify
    Generate,
}

#[derive(Subcommand)]
enum CustomersCommand {
    /// Import all customers of a CSV file with the columns of Spryker's customer.csv, or none if anything is wrong with it
    Import {
        /// The file: UTF-8, commas, a line of column names
        file: PathBuf,
    },
}

#[derive(Subcommand)]
enum ProductsCommand {
    /// Import all products of a file, or none if anything is wrong with it; those that are there already are replaced
    Import {
        /// The file: .csv with a line of column names, or .ndjson (.jsonl) with a JSON object a line; UTF-8
        file: PathBuf,
        /// Remove the products that the file does not have
        #[arg(long)]
        replace: bool,
        /// Check everything, say what would change, and write nothing
        #[arg(long)]
        dry_run: bool,
    },
}

#[derive(Subcommand)]
enum CartsCommand {
    /// Remove the carts of guests that were not changed for `carts.guest_cart_days`, as the hourly clean-up does
    Purge {
        /// Only say how many there are
        #[arg(long)]
        dry_run: bool,
    },
}

#[derive(Subcommand)]
pub(crate) enum MerchantsCommand {
    /// Make a merchant with a client, whose secret is printed this once
    Create {
        /// What you call it; unlike that of any other
        #[arg(long)]
        name: String,
        /// Print one line of JSON: merchantId, clientId, clientSecret
        #[arg(long)]
        json: bool,
    },
    /// List them with their clients and operators
    List,
    /// Disable one: neither its clients nor their tokens are good any more
    Disable {
        /// Its name
        name: String,
    },
    /// Look after the people who log in for a merchant
    #[command(subcommand)]
    Operators(OperatorsCommand),
}

#[derive(Subcommand)]
pub(crate) enum OperatorsCommand {
    /// Add one, whose password is printed this once
    Add {
        /// The merchant's name
        name: String,
        /// What they log in with; unlike that of any other operator
        username: String,
    },
}

/// What ends the program: one line that says what to do.
pub(crate) type Fatal = Box<dyn std::error::Error>;

/// Runs one command to its end.
///
/// # Errors
///
/// A text for the operator.
pub(crate) fn run(arguments: Arguments) -> Result<ExitCode, Fatal> {
    if let Some(Command::Config(ConfigCommand::Default)) = arguments.command {
        print!("{DEFAULT_TOML}");
        return Ok(ExitCode::SUCCESS);
    }
    let settings = Settings::load(arguments.config.as_deref(), std::env::vars_os())?;
    match arguments.command.unwrap_or(Command::Serve) {
        Command::Serve => {
            logging::start(&settings.log)?;
            runtime()?.block_on(serve::serve(settings))?;
        }
        Command::Migrate => {
            let runtime = runtime()?;
            let store = Store::open(&settings.database, runtime.handle().clone())?;
            let applied = runtime.block_on(store.migrate())?;
            for name in &applied {
                println!("applied {name}");
            }
            println!("{}: {} applied, nothing pending", store.engine(), applied.len());
        }
        Command::Config(ConfigCommand::Check | ConfigCommand::Default) => println!("the configuration is in order"),
        Command::Doctor => return runtime()?.block_on(doctor::examine(&settings)),
        Command::Keys(KeysCommand::Generate) => {
            let file = generate_signing_key(&settings.keys.path, settings.tokens.algorithm, SystemClock.now())?;
            println!("{}", file.display());
        }
        Command::Customers(CustomersCommand::Import { file }) => {
            return runtime()?.block_on(import::import_customers(&settings, &file));
        }
        Command::Products(ProductsCommand::Import { file, replace, dry_run }) => {
            let file = ProductsFile { path: file, replace, dry_run };
            return runtime()?.block_on(import::import_products(&settings, file));
        }
        Command::Carts(CartsCommand::Purge { dry_run }) => {
            return runtime()?.block_on(carts::purge(&settings, dry_run));
        }
        Command::StorefrontKeys(command) => return runtime()?.block_on(storefront_keys::run(&settings, command)),
        Command::Merchants(command) => return runtime()?.block_on(merchants::run(&settings, command)),
    }
    Ok(ExitCode::SUCCESS)
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).thread_name("vestibule").enable_all().build()
}
