//! Filling and reading carts: against pgbench with the same statements, and with a hundred times as many carts.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use domain::{Clock, GuestId, SystemClock};
use rusqlite::{Connection, params};
use serde_json::json;

use crate::bare::{self, Script};
use crate::client::{drive, get_as_guest, post_as_guest};
use crate::process::Server;
use crate::report::{Figure, Report};
use crate::{CONNECTIONS, Failure, ROUNDS, median, psql, seed};

/// Carts at first.
const FEW: usize = 10_000;
/// Carts then.
const MANY: usize = 1_000_000;
/// Requests in one round.
const REQUESTS: usize = 6_400;
/// What is added.
const SKU: &str = "bench";
/// A step that meets all of some carts in an order that no cache foresees: a prime.
const STRIDE: usize = 7_919;

/// Reads a cart with its items.
const READ: &str = "SELECT c.id, c.uuid, c.customer_id, c.guest, c.returns_to, c.name, c.price_mode, c.currency, c.store, \
    c.is_default, c.version, c.created_at, c.updated_at, i.sku, i.abstract_sku, i.quantity, i.unit_price, i.tax_rate \
    FROM carts c LEFT OUTER JOIN cart_items i ON i.cart_id = c.id \
    WHERE c.uuid = '00000000-0000-4000-8000-' || lpad(:i::text, 12, '0') ORDER BY i.id";

/// The product, the cart, its next version, its line.
const ADD: &str = "SELECT p.sku, p.abstract_sku, p.tax_rate, p.stock, r.currency, r.gross, r.net \
    FROM products p LEFT OUTER JOIN product_prices r ON r.product_id = p.id WHERE p.sku = 'bench';
BEGIN;
{READ};
UPDATE carts SET name = 'Shopping cart', price_mode = 'GROSS_MODE', currency = 'EUR', version = version + 1, \
    updated_at = :now WHERE uuid = '00000000-0000-4000-8000-' || lpad(:i::text, 12, '0') \
    RETURNING id AS cart \\gset
UPDATE cart_items SET quantity = quantity + 1, unit_price = 9999, tax_rate = 1900, abstract_sku = 'bench' \
    WHERE cart_id = :cart AND sku = 'bench' RETURNING id;
COMMIT;
";

/// The time in microseconds, and the day, as carts are stamped with them.
fn now() -> (i64, i64) {
    let micros = SystemClock.now().as_micros();
    (micros, micros / 86_400_000_000)
}

fn uuid(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

fn guest(number: usize) -> String {
    format!("guest-{number}")
}

/// The carts that a round asks for, one after the other.
fn numbers(count: usize) -> impl Iterator<Item = usize> {
    (0..REQUESTS).map(move |step| (step * STRIDE) % count)
}

/// Carts on SQLite, each with one item.
fn seed_sqlite(file: &Path, count: usize) -> Result<(), Failure> {
    let (now, day) = now();
    let mut connection = Connection::open(file)?;
    let transaction = connection.transaction()?;
    {
        let mut carts = transaction.prepare(
            "INSERT INTO carts (uuid, guest, name, price_mode, currency, store, is_default, version, created_at, \
             updated_at, changed_on) VALUES (?1, ?2, 'Shopping cart', 'GROSS_MODE', 'EUR', 'DE', TRUE, 1, ?3, ?3, ?4)",
        )?;
        let mut items = transaction.prepare(
            "INSERT INTO cart_items (cart_id, sku, abstract_sku, quantity, unit_price, tax_rate) \
             VALUES (?1, ?2, ?2, 1, 9999, 1900)",
        )?;
        for number in 0..count {
            let guest = GuestId::of(guest(number).as_bytes()).ok_or("a guest has no identity")?;
            carts.execute(params![uuid(number), guest.as_bytes(), now, day])?;
            items.execute(params![transaction.last_insert_rowid(), SKU])?;
        }
    }
    transaction.commit()?;
    connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")?;
    Ok(())
}

/// The product that carts are filled with.
const PRODUCT: &str = "INSERT INTO products (sku, abstract_sku, tax_rate, is_demo, updated_at) \
    VALUES ('bench', 'bench', 1900, FALSE, 1);
INSERT INTO product_prices (product_id, currency, gross, net) SELECT id, 'EUR', 9999, 8403 FROM products \
    WHERE sku = 'bench'";

/// Carts on PostgreSQL, each with one item.
fn seed_postgres(url: &str, count: usize) -> Result<(), Failure> {
    let (now, day) = now();
    let last = count - 1;
    psql(
        url,
        &format!(
            "INSERT INTO carts (uuid, guest, name, price_mode, currency, store, is_default, version, created_at, \
             updated_at, changed_on) SELECT '00000000-0000-4000-8000-' || lpad(i::text, 12, '0'), \
             sha256(convert_to('guest-' || i, 'UTF8')), 'Shopping cart', 'GROSS_MODE', 'EUR', 'DE', TRUE, 1, {now}, \
             {now}, {day} FROM generate_series(0, {last}) AS i; \
             INSERT INTO cart_items (cart_id, sku, abstract_sku, quantity, unit_price, tax_rate) \
             SELECT id, '{SKU}', '{SKU}', 1, 9999, 1900 FROM carts; VACUUM ANALYZE"
        ),
    )
}

/// The rates of reading and of filling, one round of each.
async fn round(address: SocketAddr, count: usize) -> Result<[f64; 2], Failure> {
    let reads = numbers(count).map(|number| get_as_guest(&format!("/guest-carts/{}", uuid(number)), &guest(number)));
    let attributes = json!({ "sku": SKU, "quantity": 1 });
    let adds = numbers(count).map(|number| {
        let path = format!("/guest-carts/{}/guest-cart-items", uuid(number));
        post_as_guest(&path, "guest-cart-items", &attributes, &guest(number))
    });
    let read = drive(address, CONNECTIONS, Arc::new(reads.collect()), 200).await?.rate();
    let add = drive(address, CONNECTIONS, Arc::new(adds.collect()), 201).await?.rate();
    Ok([read, add])
}

/// The rates of some rounds.
#[derive(Default)]
struct Rounds {
    reads: Vec<f64>,
    adds: Vec<f64>,
}

impl Rounds {
    fn push(&mut self, [read, add]: [f64; 2]) {
        self.reads.push(read);
        self.adds.push(add);
    }

    fn medians(self) -> [f64; 2] {
        [median(self.reads), median(self.adds)]
    }
}

/// How the rates with many carts compare with those with few.
fn report_growth(report: &mut Report, names: [&'static str; 2], few: [f64; 2], many: [f64; 2]) {
    for ((name, few), many) in names.into_iter().zip(few).zip(many) {
        report.add(Figure::growth(name, many, few, 1.3, "10 000 carts"));
    }
}

/// A gateway on a SQLite file of its own.
async fn start_on_sqlite(binary: &Path, folder: &Path, count: usize) -> Result<Server, Failure> {
    let file = folder.join("load.db");
    let gateway = Server::gateway(binary, folder, &format!("sqlite://{}", file.display())).await?;
    Connection::open(&file)?.execute_batch(PRODUCT)?;
    seed_sqlite(&file, count)?;
    Ok(gateway)
}

/// Measures on SQLite: two gateways, one with few carts and one with many, in turn.
pub(crate) async fn on_sqlite(binary: &Path, report: &mut Report) -> Result<(), Failure> {
    let folders = [tempfile::tempdir()?, tempfile::tempdir()?];
    let few = start_on_sqlite(binary, folders[0].path(), FEW).await?;
    let many = start_on_sqlite(binary, folders[1].path(), MANY).await?;
    let (mut few_rounds, mut many_rounds) = (Rounds::default(), Rounds::default());
    for _ in 0..ROUNDS {
        few_rounds.push(round(few.address, FEW).await?);
        many_rounds.push(round(many.address, MANY).await?);
    }
    let names = ["SQLite: get-cart, a million carts", "SQLite: add-to-cart, a million carts"];
    report_growth(report, names, few_rounds.medians(), many_rounds.medians());
    few.stop().await?;
    many.stop().await?;
    Ok(())
}

/// A database of that name beside the one of `url`, with tables, product and carts, and a gateway on it.
async fn start_on_postgres(
    binary: &Path,
    folder: &Path,
    url: &str,
    name: &str,
    count: usize,
) -> Result<(Server, String), Failure> {
    psql(url, &format!("CREATE DATABASE {name}"))?;
    let (server, _) = url.rsplit_once('/').ok_or("the URL of PostgreSQL names no database")?;
    let url = format!("{server}/{name}");
    seed::open(&url).await?.close().await;
    psql(&url, PRODUCT)?;
    seed_postgres(&url, count)?;
    Ok((Server::gateway(binary, folder, &url).await?, url))
}

/// Measures on PostgreSQL: two gateways likewise, and pgbench on the same carts, in turn.
pub(crate) async fn on_postgres(binary: &Path, url: &str, report: &mut Report) -> Result<(), Failure> {
    let folders = [tempfile::tempdir()?, tempfile::tempdir()?];
    let (few, few_url) = start_on_postgres(binary, folders[0].path(), url, "few_carts", FEW).await?;
    let (many, many_url) = start_on_postgres(binary, folders[1].path(), url, "many_carts", MANY).await?;
    let (now, _) = now();
    let pgbench = |url: &str, name, statements: &str, count: usize| {
        let script = Script {
            name,
            text: format!("\\set i random(0, {})\n{statements}", count - 1),
            each: REQUESTS / CONNECTIONS,
            variables: vec![("now", now.to_string())],
        };
        bare::run_pgbench(url, folders[0].path(), CONNECTIONS, &script)
    };
    let (read, add) = (format!("{READ};\n"), ADD.replace("{READ}", READ));
    let (mut few_rounds, mut many_rounds) = (Rounds::default(), Rounds::default());
    let (mut bare_few, mut bare_many) = (Rounds::default(), Rounds::default());
    for _ in 0..ROUNDS {
        few_rounds.push(round(few.address, FEW).await?);
        many_rounds.push(round(many.address, MANY).await?);
        bare_few.push([pgbench(&few_url, "read", &read, FEW)?, pgbench(&few_url, "add", &add, FEW)?]);
        bare_many.push([pgbench(&many_url, "read", &read, MANY)?, pgbench(&many_url, "add", &add, MANY)?]);
    }
    let [few_reads, few_adds] = few_rounds.medians();
    let [bare_reads, bare_adds] = bare_few.medians();
    let against = "pgbench, same statements";
    report.add(Figure::ratio("PostgreSQL: get-cart", few_reads, bare_reads, 0.5, against));
    report.add(Figure::ratio("PostgreSQL: add-to-cart", few_adds, bare_adds, 0.5, against));
    let names = ["PostgreSQL: get-cart, a million carts", "PostgreSQL: add-to-cart, a million carts"];
    report_growth(report, names, [few_reads, few_adds], many_rounds.medians());
    let [many_reads, many_adds] = bare_many.medians();
    report.note(format!(
        "PostgreSQL by itself, with a million carts instead of 10 000: get-cart {:.2}, add-to-cart {:.2} times as dear.",
        bare_reads / many_reads,
        bare_adds / many_adds,
    ));
    few.stop().await?;
    many.stop().await?;
    Ok(())
}
