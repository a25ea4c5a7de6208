//! `vestibule products import`: reads a catalogue from a CSV file, or from one with a JSON object a line.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use application::{
    ProductField, ProductImport, ProductImportError, ProductRow, UnknownMembers, product_of_json, product_of_row,
};
use domain::SystemClock;
use indicatif::{ProgressBar, ProgressStyle};
use store::{Absent, ProductChanges};

use super::csv_file::{Columns, CsvFile};
use super::{Limits, read_content, read_file, tell};
use crate::cli::Fatal;
use crate::serve::open_store;
use crate::settings::Settings;

const COLUMNS: Columns<'_> = Columns {
    is_known: |column| ProductField::of_column(column).is_some(),
    names: &ProductField::COLUMNS,
    required: &ProductField::REQUIRED_COLUMNS,
    is_letter: |byte| byte.is_ascii_alphanumeric() || b"_.".contains(&byte),
};

/// What is to be done with a file of products.
pub(crate) struct ProductsFile {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// Whether products go that it does not have.
    pub(crate) replace: bool,
    /// Whether everything is checked and nothing written.
    pub(crate) dry_run: bool,
}

/// How a file tells its products.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Csv,
    Ndjson,
}

impl Format {
    fn of(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?.to_ascii_lowercase();
        match extension.as_str() {
            "csv" => Some(Self::Csv),
            "ndjson" | "jsonl" => Some(Self::Ndjson),
            _ => None,
        }
    }

    /// What the field is called that tells products apart.
    const fn identity(self) -> &'static str {
        match self {
            Self::Csv => "concrete_sku",
            Self::Ndjson => "sku",
        }
    }

    fn read(self, file: impl Read, limits: Limits) -> Result<Vec<ProductRow>, String> {
        let content = read_content(file, limits.bytes)?;
        let rows = match self {
            Self::Csv => read_csv(content, limits.rows)?,
            Self::Ndjson => read_ndjson(&content, limits.rows)?,
        };
        // With --replace it would empty the shop.
        if rows.is_empty() { Err("the file has no products".to_owned()) } else { Ok(rows) }
    }
}

/// Imports the products of a file, all of them or none, and says what that changed, or would change.
///
/// # Errors
///
/// When the file or the database cannot be used at all. What is wrong with rows is printed, and fails the command.
pub(crate) async fn import(settings: &Settings, file: ProductsFile) -> Result<ExitCode, Fatal> {
    let ProductsFile { path, replace, dry_run } = file;
    let format = Format::of(&path)
        .ok_or_else(|| format!("{}: the name of the file must end in .csv, .ndjson or .jsonl", path.display()))?;
    let rows = read_file(&path, |file, limits| format.read(file, limits))?;
    let count = rows.len();
    let import = ProductImport {
        store: open_store(settings).await?,
        clock: Arc::new(SystemClock),
        absent: if replace { Absent::Removed } else { Absent::Kept },
        identity: format.identity(),
    };
    let bar = progress_bar(count, if dry_run { "compared" } else { "written" });
    let progress = {
        let bar = bar.clone();
        move |done: usize, _| bar.set_position(u64::try_from(done).unwrap_or(u64::MAX))
    };
    let outcome = if dry_run { import.rehearse(rows, progress).await } else { import.run(rows, progress).await };
    import.store.close().await;
    bar.finish_and_clear();
    match outcome {
        Ok(changes) => {
            println!("{}", sum_up(count, changes, dry_run));
            if !settings.catalogue.url.is_empty() {
                eprintln!("vestibule: no shop sells them while catalogue.url names another catalogue");
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(ProductImportError::Rows(problems)) => {
            tell(&path, &problems);
            Ok(ExitCode::FAILURE)
        }
        Err(error) => Err(format!("{error}; nothing was imported").into()),
    }
}

fn sum_up(count: usize, changes: ProductChanges, dry_run: bool) -> String {
    let ProductChanges { added, changed, unchanged, removed } = changes;
    let (what, would_be) = if dry_run { ("in order", " would be") } else { ("imported", "") };
    let changes = format!("{added}{would_be} added, {changed} changed, {unchanged} unchanged, {removed} removed");
    let end = if dry_run { "; nothing was written" } else { "" };
    format!("{count} products {what}: {changes}{end}")
}

/// Drawn on a terminal, nowhere else.
fn progress_bar(count: usize, done: &str) -> ProgressBar {
    let bar = ProgressBar::new(u64::try_from(count).unwrap_or(u64::MAX));
    let style = ProgressStyle::with_template(&format!("{{wide_bar}} {{pos}} of {{len}} products {done} {{eta}}"));
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn read_csv(content: Vec<u8>, max_rows: usize) -> Result<Vec<ProductRow>, String> {
    let file = CsvFile::open(content)?;
    let fields: Vec<_> = file.check_header(&COLUMNS)?.iter().filter_map(ProductField::of_column).collect();
    if !fields.iter().any(|field| matches!(field, ProductField::Price(..))) {
        return Err("line 1: a column with prices such as `price_gross.EUR` is missing".to_owned());
    }
    file.rows(max_rows, "products", |line, row| {
        let product = row.map_err(|problem| vec![problem]).and_then(|row| product_of_row(&fields, &row));
        ProductRow { line, product }
    })
}

fn read_ndjson(content: &[u8], max_rows: usize) -> Result<Vec<ProductRow>, String> {
    let content = content.strip_prefix("\u{feff}".as_bytes()).unwrap_or(content);
    let mut rows = Vec::new();
    for (line, json) in (1..).zip(content.split(|byte| *byte == b'\n')) {
        if json.trim_ascii().is_empty() {
            continue;
        }
        if rows.len() == max_rows {
            return Err(format!("the file has more than {max_rows} products: split it"));
        }
        rows.push(ProductRow { line, product: product_of_json(json, UnknownMembers::Told) });
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { bytes: 10_000, rows: 3 };

    fn lines(format: Format, text: impl AsRef<[u8]>) -> Result<Vec<(u64, bool)>, String> {
        let rows = format.read(text.as_ref(), LIMITS)?;
        Ok(rows.iter().map(|row| (row.line, row.product.is_ok())).collect())
    }

    #[test]
    fn the_name_of_the_file_tells_its_format() {
        for (name, format) in [
            ("products.csv", Some(Format::Csv)),
            ("a.b/PRODUCTS.CSV", Some(Format::Csv)),
            ("products.ndjson", Some(Format::Ndjson)),
            ("products.jsonl", Some(Format::Ndjson)),
            ("products.json", None),
            ("products.xlsx", None),
            ("csv", None),
            (".csv", None),
        ] {
            assert_eq!(Format::of(Path::new(name)), format, "{name}");
        }
    }

    #[test]
    fn rows_know_their_lines_and_a_bad_one_does_not_hide_the_next() {
        let csv = "\u{feff}tax_rate, price_net.EUR,concrete_sku,name.de_DE\r\n19,1,a,\"x\"\r\n\r\n19,,b,\"two\r\nlines\"\n7.7,3,c,\n";
        assert_eq!(lines(Format::Csv, csv).unwrap(), [(2, true), (4, false), (6, true)]);
        let json = |sku: &str| format!(r#"{{"sku":"{sku}","prices":{{"EUR":{{"gross":1}}}},"taxRate":19}}"#);
        let ndjson = format!("\u{feff}{}\r\n\n  \n{{oh\n{}", json("a"), json("b"));
        assert_eq!(lines(Format::Ndjson, ndjson).unwrap(), [(1, true), (4, false), (5, true)]);
    }

    #[test]
    fn a_header_is_checked_before_all_else() {
        for (text, fragments) in [
            ("", ["line 1", "`concrete_sku` is missing"]),
            ("concrete_sku,price_net.EUR\n", ["line 1", "`tax_rate` is missing"]),
            ("concrete_sku,tax_rate,name.de_DE\n", ["line 1", "`price_gross.EUR` is missing"]),
            ("concrete_sku,tax_rate,price_gros.EUR\n", ["`price_gros.EUR`", "`price_gross.EUR`"]),
            ("concrete_sku,tax_rate,price_net.eur\n", ["`price_net.eur`", "`price_net.EUR`"]),
            ("concrete_sku,tax_rate,name.de\n", ["`name.de`", "`name.de_DE`"]),
            ("concrete_sku,tax_rate,stock,stock\n", ["`stock`", "twice"]),
            ("concrete_sku;tax_rate\n", ["unknown column", "commas"]),
        ] {
            let problem = lines(Format::Csv, text).unwrap_err();
            assert!(fragments.iter().all(|fragment| problem.contains(fragment)), "{problem}");
        }
    }

    #[test]
    fn there_are_limits() {
        let csv = |count: usize| format!("concrete_sku,tax_rate,price_net.EUR\n{}", "a,19,1\n".repeat(count));
        let ndjson = |count: usize| "{}\n".repeat(count);
        for (format, of) in [(Format::Csv, &csv as &dyn Fn(usize) -> String), (Format::Ndjson, &ndjson)] {
            assert!(lines(format, of(0)).unwrap_err().contains("no products"));
            assert_eq!(lines(format, of(3)).unwrap().len(), 3);
            assert!(lines(format, of(4)).unwrap_err().contains("more than 3 products"));
        }
        assert!(lines(Format::Ndjson, "x".repeat(10_001)).unwrap_err().contains("larger than 10000"));
    }

    #[test]
    fn the_sum_says_what_happened_or_would() {
        let changes = ProductChanges { added: 1, changed: 2, unchanged: 3, removed: 4 };
        let text = sum_up(6, changes, false);
        assert_eq!(text, "6 products imported: 1 added, 2 changed, 3 unchanged, 4 removed");
        let text = sum_up(6, changes, true);
        assert!(text.contains("1 would be added") && text.ends_with("nothing was written"), "{text}");
    }
}
