//! What this machine can do without us: the same statements on the bare database, the same hash on bare threads.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use rusqlite::{Connection, params};

use crate::{Failure, client, seed};

/// Units of work in one commit, as in the store.
const GROUP: usize = 64;

/// Consumes a key: the one conditional UPDATE.
const CONSUME: &str = "UPDATE one_time_secrets SET used_at = ?1 WHERE digest = ?2 AND purpose = 'confirmation' \
                       AND used_at IS NULL AND (expires_at IS NULL OR expires_at > ?1) RETURNING customer_id";
const PROMOTE: &str = "UPDATE customers SET confirmed_at = ?1, updated_at = ?1 WHERE id = ?2 AND confirmed_at IS NULL \
                       AND anonymised_at IS NULL RETURNING email_canonical";
const DROP_LOSERS: &str = "DELETE FROM customers WHERE email_canonical = ?1 AND id <> ?2 AND confirmed_at IS NULL \
                           AND anonymised_at IS NULL";
const VOID: &str = "UPDATE one_time_secrets SET used_at = ?1 WHERE customer_id = ?2 AND purpose = 'confirmation' \
                    AND used_at IS NULL";
const UNQUEUE: &str =
    "DELETE FROM outbox WHERE customer_id = ?1 AND kind = 'registration-confirmation' AND state = 'queued'";
const RECORD: &str = "INSERT INTO timeline (customer_id, at, kind) VALUES (?1, ?2, 'confirmed')";

/// Confirmations a second of one thread that writes to SQLite, 64 to a commit, with `synchronous=FULL`.
pub(crate) fn sqlite_group_commit(file: &Path, keys: std::ops::Range<usize>) -> Result<f64, Failure> {
    let connection = Connection::open(file)?;
    connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;")?;
    connection.set_prepared_statement_cache_capacity(32);
    let digests: Vec<[u8; 32]> = keys.map(digest).collect::<Result<_, _>>()?;
    let now = 1_800_000_000_000_000_i64;
    let started = Instant::now();
    for group in digests.chunks(GROUP) {
        connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        for digest in group {
            let id: i64 = connection.prepare_cached(CONSUME)?.query_row(params![now, digest], |row| row.get(0))?;
            let email: String = connection.prepare_cached(PROMOTE)?.query_row(params![now, id], |row| row.get(0))?;
            connection.prepare_cached(DROP_LOSERS)?.execute(params![email, id])?;
            connection.prepare_cached(VOID)?.execute(params![now, id])?;
            connection.prepare_cached(UNQUEUE)?.execute(params![id])?;
            connection.prepare_cached(RECORD)?.execute(params![id, now])?;
        }
        connection.prepare_cached("COMMIT")?.execute([])?;
    }
    Ok(client::rate(digests.len(), started.elapsed()))
}

fn digest(number: usize) -> Result<[u8; 32], Failure> {
    let key = domain::LinkKey::parse(&seed::key(number)).ok_or("a seed key is none")?;
    Ok(key.digest().as_bytes().to_owned().try_into().map_err(|_| "a digest has 32 bytes")?)
}

/// What pgbench is to do over and over.
pub(crate) struct Script {
    /// What the file is called.
    pub(crate) name: &'static str,
    /// The script.
    pub(crate) text: String,
    /// How often each connection does it.
    pub(crate) each: usize,
    /// What its variables are at first.
    pub(crate) variables: Vec<(&'static str, String)>,
}

const CONFIRM: &str = r"\set n :n + 1
\set i :first + :client_id * :each + :n
BEGIN;
UPDATE one_time_secrets SET used_at = 1800000000000000 WHERE digest = sha256(convert_to(lpad((:i)::text, 32, '0'), 'UTF8')) AND purpose = 'confirmation' AND used_at IS NULL AND (expires_at IS NULL OR expires_at > 1800000000000000) RETURNING customer_id AS customer \gset
UPDATE customers SET confirmed_at = 1800000000000000, updated_at = 1800000000000000 WHERE id = :customer AND confirmed_at IS NULL AND anonymised_at IS NULL;
DELETE FROM customers WHERE email_canonical = 'customer' || (:i)::text || '@example.com' AND id <> :customer AND confirmed_at IS NULL AND anonymised_at IS NULL;
UPDATE one_time_secrets SET used_at = 1800000000000000 WHERE customer_id = :customer AND purpose = 'confirmation' AND used_at IS NULL;
DELETE FROM outbox WHERE customer_id = :customer AND kind = 'registration-confirmation' AND state = 'queued';
INSERT INTO timeline (customer_id, at, kind) VALUES (:customer, 1800000000000000, 'confirmed');
COMMIT;
";

/// Confirmations a second of pgbench with `clients` connections and keys from `first` on.
pub(crate) fn pgbench(url: &str, folder: &Path, clients: usize, each: usize, first: usize) -> Result<f64, Failure> {
    let variables = vec![("n", "-1".to_owned()), ("each", each.to_string()), ("first", first.to_string())];
    run_pgbench(url, folder, clients, &Script { name: "confirm", text: CONFIRM.to_owned(), each, variables })
}

/// How often a second pgbench runs a script with `clients` connections and prepared statements.
pub(crate) fn run_pgbench(url: &str, folder: &Path, clients: usize, script: &Script) -> Result<f64, Failure> {
    let file = folder.join(script.name).with_extension("sql");
    std::fs::write(&file, &script.text)?;
    let output = Command::new("pgbench")
        .args(["-n", "-M", "prepared", "-j", "2"])
        .args(["-c", &clients.to_string(), "-t", &script.each.to_string()])
        .args(script.variables.iter().flat_map(|(name, value)| ["-D".to_owned(), format!("{name}={value}")]))
        .arg("-f")
        .arg(&file)
        .arg(url)
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let rate = text.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse::<f64>().ok());
    rate.filter(|_| output.status.success())
        .ok_or_else(|| format!("pgbench: {text}{}", String::from_utf8_lossy(&output.stderr)).into())
}

/// Argon2id hashes a second of as many bare threads as there are cores, each with its own memory, for `duration`.
pub(crate) fn argon2id(duration: Duration) -> Result<f64, Failure> {
    let threads = std::thread::available_parallelism()?.get();
    let started = Instant::now();
    let workers: Vec<_> = (0..threads).map(|_| std::thread::spawn(move || hash_until(started, duration))).collect();
    let mut count = 0;
    for worker in workers {
        count += worker.join().map_err(|_| "a hashing thread panicked")?.map_err(|error| error.to_string())?;
    }
    Ok(client::rate(count, started.elapsed()))
}

fn hash_until(started: Instant, duration: Duration) -> Result<usize, argon2::Error> {
    let parameters = Params::new(19_456, 2, 1, Some(32))?;
    let mut memory = vec![Block::default(); parameters.block_count()];
    let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters);
    let mut count = 0;
    while started.elapsed() < duration {
        let mut output = [0; 32];
        hasher.hash_password_into_with_memory(b"Supp0rt!Supp0rt", b"0123456789abcdef", &mut output, &mut memory)?;
        count += 1;
    }
    Ok(count)
}
