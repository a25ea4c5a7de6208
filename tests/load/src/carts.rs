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
use crate::{CONNECTIONS, Failure, ROUNDS, median, psql};

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
    updated_at = :now, changed_on = :day WHERE uuid = '00000000-0000-4000-8000-' || lpad(:i::text, 12, '0') \
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
pub(crate) fn seed_sqlite(file: &Path, range: std::ops::Range<usize>) -> Result<(), Failure> {
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
        for number in range {
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
pub(crate) const PRODUCT: &str = "INSERT INTO products (sku, abstract_sku, tax_rate, is_demo, updated_at) \
    VALUES ('bench', 'bench', 1900, FALSE, 1);
INSERT INTO product_prices (product_id, currency, gross, net) SELECT id, 'EUR', 9999, 8403 FROM products";

/// Carts on PostgreSQL, each with one item.
fn seed_postgres(url: &str, range: &std::ops::Range<usize>) -> Result<(), Failure> {
    let (now, day) = now();
    let (first, last) = (range.start, range.end.saturating_sub(1));
    psql(
        url,
        &format!(
            "INSERT INTO carts (uuid, guest, name, price_mode, currency, store, is_default, version, created_at, \
             updated_at, changed_on) SELECT '00000000-0000-4000-8000-' || lpad(i::text, 12, '0'), \
             sha256(convert_to('guest-' || i, 'UTF8')), 'Shopping cart', 'GROSS_MODE', 'EUR', 'DE', TRUE, 1, {now}, \
             {now}, {day} FROM generate_series({first}, {last}) AS i; \
             INSERT INTO cart_items (cart_id, sku, abstract_sku, quantity, unit_price, tax_rate) \
             SELECT id, '{SKU}', '{SKU}', 1, 9999, 1900 FROM carts \
             WHERE NOT EXISTS (SELECT 1 FROM cart_items WHERE cart_id = carts.id); VACUUM ANALYZE"
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

/// The medians of some rounds.
fn medians(rounds: Vec<[f64; 2]>) -> [f64; 2] {
    let (reads, adds) = rounds.into_iter().map(|[read, add]| (read, add)).unzip();
    [median(reads), median(adds)]
}

/// Measures on SQLite, whose gateway runs on `file`.
pub(crate) async fn on_sqlite(gateway: &Server, file: &Path, report: &mut Report) -> Result<(), Failure> {
    Connection::open(file)?.execute_batch(PRODUCT)?;
    let mut rates = Vec::new();
    for (begin, end) in [(0, FEW), (FEW, MANY)] {
        seed_sqlite(file, begin..end)?;
        let mut rounds = Vec::new();
        for _ in 0..ROUNDS {
            rounds.push(round(gateway.address, end).await?);
        }
        rates.push(medians(rounds));
    }
    let [[few_reads, few_adds], [many_reads, many_adds]] = rates.try_into().map_err(|_| "two runs")?;
    report.add(Figure::growth("SQLite: get-cart, a million carts", many_reads, few_reads, 1.3, "10 000 carts"));
    report.add(Figure::growth("SQLite: add-to-cart, a million carts", many_adds, few_adds, 1.3, "10 000 carts"));
    Ok(())
}

/// Measures on PostgreSQL.
pub(crate) async fn on_postgres(
    gateway: &Server,
    url: &str,
    folder: &Path,
    report: &mut Report,
) -> Result<(), Failure> {
    psql(url, PRODUCT)?;
    let (now, day) = now();
    let mut rates = Vec::new();
    for (begin, end) in [(0, FEW), (FEW, MANY)] {
        seed_postgres(url, &(begin..end))?;
        let (mut rounds, mut bare) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            rounds.push(round(gateway.address, end).await?);
            let script = |name, text: String| Script {
                name,
                text: format!("\\set i random(0, {})\n{text}", end - 1),
                each: REQUESTS / CONNECTIONS,
                variables: vec![("now", now.to_string()), ("day", day.to_string())],
            };
            let read = bare::run_pgbench(url, folder, CONNECTIONS, &script("read", format!("{READ};\n")))?;
            let add = bare::run_pgbench(url, folder, CONNECTIONS, &script("add", ADD.replace("{READ}", READ)))?;
            bare.push([read, add]);
        }
        rates.push((medians(rounds), medians(bare)));
    }
    let [(few, bare), (many, _)] = rates.try_into().map_err(|_| "two runs")?;
    let ([few_reads, few_adds], [many_reads, many_adds], [bare_reads, bare_adds]) = (few, many, bare);
    let against = "pgbench, same statements";
    report.add(Figure::ratio("PostgreSQL: get-cart", few_reads, bare_reads, 0.5, against));
    report.add(Figure::ratio("PostgreSQL: add-to-cart", few_adds, bare_adds, 0.5, against));
    report.add(Figure::growth("PostgreSQL: get-cart, a million carts", many_reads, few_reads, 1.3, "10 000 carts"));
    report.add(Figure::growth("PostgreSQL: add-to-cart, a million carts", many_adds, few_adds, 1.3, "10 000 carts"));
    Ok(())
}
