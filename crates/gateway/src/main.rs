//! The binary `vestibule`: command line, configuration, wiring, shutdown.

mod carts;
mod cli;
mod doctor;
mod environment;
mod import;
mod logging;
mod merchants;
mod safety;
mod screen;
mod serve;
mod settings;
mod storefront_keys;

use std::process::ExitCode;

use clap::Parser;

/// Requests allocate on one thread and free on another, which the system's allocator is slow at. Without huge pages, which
/// would double the memory of an idle gateway.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match cli::run(cli::Arguments::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("vestibule: {error}");
            ExitCode::FAILURE
        }
    }
}
