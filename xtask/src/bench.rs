//! `cargo xtask bench`: measures the gateway against the limits of this machine.

use crate::cluster::{Cluster, Durability};
use crate::command::{Outcome, cargo, program, root, show};
use crate::tools;

/// Builds optimised, starts a durable PostgreSQL, and prints the table of ratios: of `accounts`, of `carts`, or of both.
/// Fails when a promise is missed.
pub fn run(part: Option<&String>) -> Outcome<()> {
    show(&mut cargo(&[
        "build",
        "--release",
        "--locked",
        "--package",
        "vestibule-gateway",
        "--package",
        "vestibule-load",
    ]))?;
    let programs = tools::postgres_folder()?;
    let cluster = Cluster::start(&programs, Durability::Full)?;
    let built = root().join("target/release");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let paths = std::iter::once(programs).chain(std::env::split_paths(&path));
    show(
        program(built.join("vestibule-load"), &[])
            .arg(built.join("vestibule"))
            .arg(cluster.url())
            .args(part)
            .env("PATH", std::env::join_paths(paths)?),
    )
}
