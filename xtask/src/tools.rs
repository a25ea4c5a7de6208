//! Programs that the tests need beside Cargo, installed where they are missing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::command::{Outcome, cargo, find, is_root, program, quiet, root, show};

const CARGO_DENY: &str = "0.20.2";
/// The server, and the certificates that it shows.
const SMTP_SERVER: [&str; 2] = ["aiosmtpd==1.4.6", "trustme==1.2.1"];

/// The folder with `initdb` and `postgres`, from the `PATH`, from Debian's place, or installed now.
pub fn postgres_folder() -> Outcome<PathBuf> {
    if let Some(folder) = installed_postgres() {
        return Ok(folder);
    }
    install_package("postgresql")?;
    installed_postgres().ok_or_else(|| "no PostgreSQL server in PATH nor /usr/lib/postgresql/*/bin".into())
}

fn installed_postgres() -> Option<PathBuf> {
    let whole = |folder: &Path| ["initdb", "postgres", "pg_isready"].iter().all(|name| folder.join(name).is_file());
    let in_path = find("initdb").and_then(|path| fs::canonicalize(path).ok()?.parent().map(Path::to_owned));
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .collect();
    versions.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    in_path.into_iter().chain(versions.into_iter().map(|(_, folder)| folder)).find(|folder| whole(folder))
}

/// A real SMTP server, from Python's registry, in an environment of its own below `target`.
pub fn install_smtp_server() -> Outcome<()> {
    let folder = root().join("target/tools/python");
    let python = folder.join("bin/python");
    if quiet(&mut program(&python, &["-c", "import aiosmtpd, trustme"])).is_ok() {
        return Ok(());
    }
    let mut make = program("python3", &["-m", "venv", "--clear"]);
    make.arg(&folder);
    if quiet(&mut make).is_err() {
        install_package("python3-venv")?;
        quiet(&mut make)?;
    }
    let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    quiet(program(&python, &install).args(SMTP_SERVER))
}

/// `cargo deny`.
pub fn install_deny() -> Outcome<()> {
    if quiet(&mut cargo(&["deny", "--version"])).is_ok() {
        return Ok(());
    }
    println!("installing cargo-deny {CARGO_DENY}, once");
    show(&mut cargo(&["install", "--quiet", "--locked", "cargo-deny", "--version", CARGO_DENY]))
}

fn install_package(name: &str) -> Outcome<()> {
    let missing = format!("{name} is missing: install it with `apt-get install {name}`");
    if find("apt-get").is_none() {
        return Err(missing.into());
    }
    let steps: [&[&str]; 2] = [&["apt-get", "update"], &["apt-get", "install", "-y", "--no-install-recommends", name]];
    for step in steps {
        let (leader, rest): (&str, &[&str]) = if is_root() { ("env", &[]) } else { ("sudo", &["-n", "env"]) };
        println!("{}", step.join(" "));
        let mut command = program(leader, rest);
        command.arg("DEBIAN_FRONTEND=noninteractive").args(step).stdout(Stdio::null());
        show(&mut command).map_err(|error| format!("{missing} ({error})"))?;
    }
    Ok(())
}
