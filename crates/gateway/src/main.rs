//! The binary `vestibule`: command line, configuration, wiring, shutdown.

mod cli;
mod doctor;
mod environment;
mod logging;
mod safety;
mod screen;
mod serve;
mod settings;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match cli::run(cli::Arguments::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("vestibule: {error}");
            ExitCode::FAILURE
        }
    }
}
