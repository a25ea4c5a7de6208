//! Bringing along what another shop has, from files: customers and products.

mod csv_file;
mod customers;
mod products;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use application::LineProblem;

use crate::cli::Fatal;

pub(crate) use customers::import as import_customers;
pub(crate) use products::{ProductsFile, import as import_products};

/// The largest file that is read, in bytes, and the most rows: they are written in one unit of work.
#[derive(Clone, Copy)]
struct Limits {
    bytes: u64,
    rows: usize,
}

/// A customer takes about 200 bytes, a product some 500.
const LIMITS: Limits = Limits { bytes: 100_000_000, rows: 1_000_000 };

/// Problems that are told; whoever has more has one that repeats.
const MAX_PROBLEMS_TOLD: usize = 50;

/// The rows of a file, read by `read`, whose problems are about the file as a whole.
fn read_file<T>(file: &Path, read: impl FnOnce(File, Limits) -> Result<T, String>) -> Result<T, Fatal> {
    let name = file.display();
    let opened = File::open(file).map_err(|error| format!("cannot read {name}: {error}"))?;
    Ok(read(opened, LIMITS).map_err(|problem| format!("{name}: {problem}"))?)
}

/// All of a file.
///
/// # Errors
///
/// When it cannot be read, or is larger than `max_bytes`.
fn read_content(file: impl Read, max_bytes: u64) -> Result<Vec<u8>, String> {
    let mut content = Vec::new();
    // One byte more, so that a file that is too large can be told from one that just fits.
    file.take(max_bytes.saturating_add(1)).read_to_end(&mut content).map_err(|error| error.to_string())?;
    if u64::try_from(content.len()).is_ok_and(|length| length > max_bytes) {
        return Err(format!("the file is larger than {max_bytes} bytes: split it"));
    }
    Ok(content)
}

/// Prints what is wrong with the rows of `file`, of which nothing was imported.
fn tell(file: &Path, problems: &[LineProblem]) {
    for problem in problems.iter().take(MAX_PROBLEMS_TOLD) {
        eprintln!("{problem}");
    }
    let more = problems.len().saturating_sub(MAX_PROBLEMS_TOLD);
    if more > 0 {
        eprintln!("and {more} more problems");
    }
    eprintln!("vestibule: {}: nothing was imported", file.display());
}
