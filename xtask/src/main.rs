//! `cargo xtask`: what a person would otherwise type by hand.

mod bench;
mod cluster;
mod command;
mod contracts;
mod gateway;
mod outside;
mod test;
mod tools;

use std::env;
use std::process::ExitCode;

use command::Outcome;

const HELP: &str = "\
cargo xtask test [--only STEP]... [--skip STEP]...
    Checks everything: fmt, clippy, docs, deny, tests, contracts, openapi-lint, postman, client, schemathesis. Installs or
    starts what it needs. The last line is the count.
cargo xtask contracts
    Lists every code of the wire with the acceptance cases that get it. Runs the tests first if no run left its cases.
cargo xtask bench [accounts|carts]
    Measures the gateway as ratios to the limits of this machine, on SQLite and on PostgreSQL. Needs a quiet machine.
cargo xtask postgres
    Starts a throw-away PostgreSQL and prints how tests find it. Ctrl-C stops and removes it.";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let (name, rest) = arguments.split_first().map_or(("help", &[][..]), |(name, rest)| (name.as_str(), rest));
    let outcome = match (name, rest) {
        ("test", steps) => test::run(steps),
        ("contracts", []) => contracts::run(),
        ("bench", [] | [_]) => bench::run(rest.first()),
        ("postgres", []) => postgres(),
        _ => {
            println!("{HELP}");
            return if name == "help" { ExitCode::SUCCESS } else { ExitCode::from(2) };
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn postgres() -> Outcome<()> {
    let cluster = cluster::Cluster::start(&tools::postgres_folder()?, cluster::Durability::None)?;
    println!("export {}={}", cluster::VARIABLE, cluster.url());
    println!("Ctrl-C stops it and removes its data.");
    cluster.wait()
}
