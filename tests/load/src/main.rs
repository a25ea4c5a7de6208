//! Measures the gateway against the limits of the machine it runs on, and prints each figure as a ratio.
//!
//! `vestibule-load <gateway binary> <postgres URL> [accounts|carts]`. Loads loopback only, and only a gateway it started
//! itself.

mod bare;
mod bare_json;
mod carts;
mod client;
mod process;
mod report;
mod seed;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use client::{ask, drive, get, post};
use process::Server;
use report::{Figure, Report};

/// Whatever stops the measurement.
pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Connections of each run.
const CONNECTIONS: usize = 64;
/// Confirmations on SQLite in one round, over HTTP and bare alike.
const SQLITE_CONFIRMATIONS: usize = 6_000;
/// Rounds that alternate between HTTP and bare; the medians are compared, because the machine's own rate jumps about.
const ROUNDS: usize = 5;
/// Confirmations on PostgreSQL, over HTTP and by pgbench alike.
const POSTGRES_CONFIRMATIONS: usize = 12_800;
/// Reads of a customer's own account in one round.
const READS: usize = 12_000;
/// Registrations and logins.
const HASHES: usize = 600;
/// How long the bare hash runs.
const HASH_TIME: Duration = Duration::from_secs(4);
const PASSWORD: &str = "Supp0rt!Supp0rt";

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    if let (Some(bare_json::COMMAND), Some(document)) = (arguments.next().as_deref(), arguments.next()) {
        return match bare_json::serve(&document).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(&*error),
        };
    }
    match measure().await {
        Ok(report) => {
            report.print();
            if report.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => fail(&*error),
    }
}

fn fail(error: &dyn std::error::Error) -> ExitCode {
    eprintln!("vestibule-load: {error}");
    ExitCode::FAILURE
}

async fn measure() -> Result<Report, Failure> {
    let mut arguments = std::env::args_os().skip(1);
    // Absolute, because each gateway runs in a folder of its own.
    let binary = arguments.next().map(PathBuf::from).ok_or("the path of the gateway is missing")?.canonicalize()?;
    let url = arguments.next().and_then(|url| url.into_string().ok()).ok_or("the URL of PostgreSQL is missing")?;
    let (accounts, carts) = match arguments.next() {
        None => (true, true),
        Some(part) if part == "accounts" => (true, false),
        Some(part) if part == "carts" => (false, true),
        Some(_) => return Err("what is measured is accounts or carts".into()),
    };
    let mut report = Report::default();
    if accounts {
        on_sqlite(&binary, &mut report).await?;
        on_postgres(&binary, &url, &mut report).await?;
    }
    if carts {
        carts::on_sqlite(&binary, &mut report).await?;
        carts::on_postgres(&binary, &url, &mut report).await?;
    }
    Ok(report)
}

async fn on_sqlite(binary: &Path, report: &mut Report) -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("load.db");
    let url = format!("sqlite://{}", file.display());
    let store = seed::open(&url).await?;
    seed::claims(&store, 2 * ROUNDS * SQLITE_CONFIRMATIONS, None).await?;
    store.close().await;
    drop(store);
    empty_sqlite_outbox(&file)?;

    let first = Server::gateway(binary, folder.path(), &url).await?;
    first.stop().await?;
    let gateway = Server::gateway(binary, folder.path(), &url).await?;
    report.add(Figure::at_most("cold start to first answer", milliseconds(gateway.first_answer), 100.0, "ms"));
    tokio::time::sleep(Duration::from_secs(2)).await;
    let megabytes = f64::from(u32::try_from(gateway.resident_bytes()? / 1024)?) / 1024.0;
    report.add(Figure::at_most("idle memory before the first hash", megabytes, 30.0, "MB"));

    let (mut confirm, mut bare, mut worst) = (Vec::new(), Vec::new(), Duration::ZERO);
    for round in 0..ROUNDS {
        let (begin, middle) = (2 * round * SQLITE_CONFIRMATIONS, (2 * round + 1) * SQLITE_CONFIRMATIONS);
        let run = drive(gateway.address, CONNECTIONS, confirmations(begin..middle), 204).await?;
        worst = worst.max(run.worst());
        confirm.push(run.rate());
        bare.push(bare::sqlite_group_commit(&file, middle..middle + SQLITE_CONFIRMATIONS)?);
    }
    report.add(Figure::at_most("SQLite: confirm, worst answer", milliseconds(worst), 100.0, "ms"));
    let against = "bare group commit, same statements";
    report.add(Figure::ratio("SQLite: confirm", median(confirm), median(bare), 0.6, against));

    // The machine's own rate drifts, so each run is compared with the mean of the bare ones before and after it.
    let before = bare::argon2id(HASH_TIME)?;
    let registrations = drive(gateway.address, 16, Arc::new((0..HASHES).map(registration).collect()), 201).await?;
    let between = bare::argon2id(HASH_TIME)?;
    let login = login(&sign_up_and_confirm(&gateway, folder.path()).await?);
    let logins = drive(gateway.address, 16, Arc::new(vec![login.clone(); HASHES]), 201).await?;
    let after = bare::argon2id(HASH_TIME)?;
    report.add(Figure::ratio("register", registrations.rate(), before.midpoint(between), 0.85, "bare Argon2id"));
    report.add(Figure::ratio("log in", logins.rate(), between.midpoint(after), 0.85, "bare Argon2id"));
    read_own_account(&gateway, "SQLite: GET /customers/{ref}", &login, 0.15, report).await?;
    gateway.stop().await?;
    Ok(())
}

/// Reads a customer's own account with a good token, and the same document from the bare framework, in turn.
async fn read_own_account(
    gateway: &Server,
    name: &'static str,
    login: &[u8],
    at_least: f64,
    report: &mut Report,
) -> Result<(), Failure> {
    let tokens = ask(gateway.address, login, 201).await?;
    let token = tokens.pointer("/data/attributes/accessToken").and_then(|token| token.as_str());
    let own = ask(gateway.address, &get("/customers", token), 200).await?;
    let reference = own.pointer("/data/0/id").and_then(|id| id.as_str()).ok_or("a customer has no reference")?;
    let account = get(&format!("/customers/{reference}"), token);
    let document = ask(gateway.address, &account, 200).await?;
    let bare = Server::bare_json(&document.to_string()).await?;
    let nothing = ask(gateway.address, &get("/access-tokens", None), 200).await?;
    let bare_nothing = Server::bare_json(&nothing.to_string()).await?;
    let runs = [
        (bare.address, get("/", None)),
        (bare_nothing.address, get("/", None)),
        (gateway.address, get("/access-tokens", None)),
        (gateway.address, get("/access-tokens", token)),
        (gateway.address, account),
    ];
    let mut rates = runs.each_ref().map(|_| Vec::new());
    for _ in 0..ROUNDS {
        for ((address, request), rates) in runs.iter().zip(&mut rates) {
            rates.push(drive(*address, CONNECTIONS, Arc::new(vec![request.clone(); READS]), 200).await?.rate());
        }
    }
    bare.stop().await?;
    bare_nothing.stop().await?;
    let [bare, bare_nothing, checked, verified, read] = rates.map(median);
    report.add(Figure::ratio(name, read, bare, at_least, "bare actix-web JSON"));
    // Each does all that the one before it does, and one thing more.
    let mut before = 0.0;
    let steps = [
        ("HTTP with an empty document", bare_nothing),
        ("checks and headers", checked),
        ("the token's signature", verified),
        ("the database and the customer's document", read),
    ];
    let parts = steps.map(|(what, rate)| {
        let microseconds = 1_000_000.0 / rate;
        let part = format!("{:.1} {what}", microseconds - before);
        before = microseconds;
        part
    });
    let parts = parts.join(", ");
    report.note(format!("{name}: {:.1} µs a request, of which {parts}.", 1_000_000.0 / read));
    Ok(())
}

async fn on_postgres(binary: &Path, url: &str, report: &mut Report) -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let store = seed::open(url).await?;
    seed::claims(&store, 2 * POSTGRES_CONFIRMATIONS, None).await?;
    store.close().await;
    drop(store);
    psql(url, "DELETE FROM outbox; VACUUM ANALYZE")?;

    let bare =
        bare::pgbench(url, folder.path(), CONNECTIONS, POSTGRES_CONFIRMATIONS / CONNECTIONS, POSTGRES_CONFIRMATIONS)?;
    let gateway = Server::gateway(binary, folder.path(), url).await?;
    let run = drive(gateway.address, CONNECTIONS, confirmations(0..POSTGRES_CONFIRMATIONS), 204).await?;
    report.add(Figure::ratio("PostgreSQL: confirm", run.rate(), bare, 0.55, "pgbench, same statements"));
    let login = login(&sign_up_and_confirm(&gateway, folder.path()).await?);
    read_own_account(&gateway, "PostgreSQL: GET /customers/{ref}", &login, 0.08, report).await?;
    gateway.stop().await?;
    Ok(())
}

fn confirmations(keys: std::ops::Range<usize>) -> Arc<Vec<Vec<u8>>> {
    let confirm = |number| {
        post("/customer-confirmation", "customer-confirmation", &json!({ "registrationKey": seed::key(number) }))
    };
    Arc::new(keys.map(confirm).collect())
}

fn registration(number: usize) -> Vec<u8> {
    sign_up(&format!("new{number}@example.com"))
}

fn sign_up(email: &str) -> Vec<u8> {
    let attributes = json!({
        "email": email, "gender": "Female", "salutation": "Ms", "firstName": "Mira", "lastName": "Olsen",
        "password": PASSWORD, "confirmPassword": PASSWORD, "acceptedTerms": true,
    });
    post("/customers", "customers", &attributes)
}

fn login(email: &str) -> Vec<u8> {
    post("/access-tokens", "access-tokens", &json!({ "username": email, "password": PASSWORD }))
}

/// Signs up over HTTP and confirms with the key from the mail's file. Tells the address.
async fn sign_up_and_confirm(gateway: &Server, folder: &Path) -> Result<String, Failure> {
    let email = "login@example.com".to_owned();
    drive(gateway.address, 1, Arc::new(vec![sign_up(&email)]), 201).await?;
    let key = loop {
        if let Some(key) = find_key(&folder.join("data/mail"), &email)? {
            break key;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    let confirm = post("/customer-confirmation", "customer-confirmation", &json!({ "registrationKey": key }));
    drive(gateway.address, 1, Arc::new(vec![confirm]), 204).await?;
    Ok(email)
}

fn find_key(folder: &Path, email: &str) -> Result<Option<String>, Failure> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != "eml") {
            continue;
        }
        // Quoted-printable: `=3D` is an equals sign, and `=` at the end of a line continues it.
        let text = std::fs::read_to_string(path)?.replace("=\r\n", "").replace("=3D", "=");
        if text.contains(email)
            && let Some(key) = text.split("token=").nth(1).and_then(|rest| rest.get(..32))
        {
            return Ok(Some(key.to_owned()));
        }
    }
    Ok(None)
}

fn empty_sqlite_outbox(file: &Path) -> Result<(), Failure> {
    rusqlite::Connection::open(file)?.execute("DELETE FROM outbox", [])?;
    Ok(())
}

fn psql(url: &str, statements: &str) -> Result<(), Failure> {
    for statement in statements.split(';').filter(|statement| !statement.trim().is_empty()) {
        let status = std::process::Command::new("psql").args([url, "-q", "-c", statement]).status()?;
        if !status.success() {
            return Err("psql failed".into());
        }
    }
    Ok(())
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates.get(rates.len() / 2).copied().unwrap_or_default()
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
