//! `vestibule customers import`: reads the `customer.csv` of a Spryker shop.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use application::{CustomerFields, CustomerImport, Hasher, ImportError, ImportRow, Imported, LineProblem};
use csv::{ByteRecord, ReaderBuilder, StringRecord, Trim};
use domain::{SystemClock, SystemRandomness};

use crate::cli::Fatal;
use crate::serve::open_store;
use crate::settings::Settings;

/// The largest file that is read; a customer takes about 200 bytes.
const MAX_BYTES: u64 = 100_000_000;
/// The most customers at once: they are written in one unit of work.
const MAX_ROWS: usize = 1_000_000;
/// Problems that are told; whoever has more has one that repeats.
const MAX_PROBLEMS_TOLD: usize = 50;
/// After how many hashed passwords the next line of progress is written.
const PROGRESS_EVERY: usize = 500;

/// Imports the customers of `file`, all of them or none, and says how many.
///
/// # Errors
///
/// When the file, the database or the hasher cannot be used at all. What is wrong with rows is printed, and fails the command.
pub(crate) async fn import(settings: &Settings, file: &Path) -> Result<ExitCode, Fatal> {
    let name = file.display();
    let opened = File::open(file).map_err(|error| format!("cannot read {name}: {error}"))?;
    let rows = read(opened, MAX_BYTES, MAX_ROWS).map_err(|problem| format!("{name}: {problem}"))?;
    let randomness = Arc::new(SystemRandomness);
    let import = CustomerImport {
        store: open_store(settings).await?,
        hasher: Hasher::start(&settings.passwords, Arc::<SystemRandomness>::clone(&randomness))?,
        clock: Arc::new(SystemClock),
        randomness,
        accounts: settings.accounts.clone(),
        store_name: settings.store.name.clone(),
        default_locale: settings.glue.default_locale.clone(),
    };
    let progress = |hashed: usize, of: usize| {
        if hashed.is_multiple_of(PROGRESS_EVERY) {
            eprintln!("{hashed} of {of} passwords hashed");
        }
    };
    let outcome = import.run(rows, progress).await;
    import.store.close().await;
    match outcome {
        Ok(Imported { customers, unconfirmed }) => {
            println!("{customers} customers imported; {unconfirmed} of them are sent a confirmation mail");
            Ok(ExitCode::SUCCESS)
        }
        Err(ImportError::Rows(problems)) => {
            tell(&problems);
            eprintln!("vestibule: {name}: nothing was imported");
            Ok(ExitCode::FAILURE)
        }
        Err(error) => Err(format!("{error}; nothing was imported").into()),
    }
}

fn tell(problems: &[LineProblem]) {
    for problem in problems.iter().take(MAX_PROBLEMS_TOLD) {
        eprintln!("{problem}");
    }
    let more = problems.len().saturating_sub(MAX_PROBLEMS_TOLD);
    if more > 0 {
        eprintln!("and {more} more problems");
    }
}

/// Every row of a CSV file with a line of column names.
///
/// # Errors
///
/// What is wrong with the file as a whole.
fn read(file: impl Read, max_bytes: u64, max_rows: usize) -> Result<Vec<ImportRow>, String> {
    let mut content = Vec::new();
    // One byte more, so that a file that is too large can be told from one that just fits.
    file.take(max_bytes.saturating_add(1)).read_to_end(&mut content).map_err(|error| error.to_string())?;
    if u64::try_from(content.len()).is_ok_and(|length| length > max_bytes) {
        return Err(format!("the file is larger than {max_bytes} bytes: split it"));
    }
    end_lines_alike(&mut content);
    // Rows of another length are told with their lines, which the reader would not know.
    let mut reader = ReaderBuilder::new().trim(Trim::Headers).flexible(true).from_reader(content.as_slice());
    let header = reader.headers().map_err(|_| "line 1: the names of the columns are not UTF-8")?.clone();
    check_header(&header)?;
    let mut rows = Vec::new();
    let mut record = ByteRecord::new();
    while reader.read_byte_record(&mut record).map_err(|error| error.to_string())? {
        if rows.len() == max_rows {
            return Err(format!("the file has more than {max_rows} customers: split it"));
        }
        // The reader stands behind the row, and tells where it stood before empty lines, not behind them.
        let inside = record.as_slice().split(|byte| *byte == b'\n').skip(1).count();
        let line = reader.position().line().saturating_sub(1).saturating_sub(u64::try_from(inside).unwrap_or(0));
        rows.push(ImportRow { line, fields: read_row(&record, &header) });
    }
    Ok(rows)
}

/// Ends each line with a line feed alone, the last one, too: only then does the reader count them.
fn end_lines_alike(content: &mut Vec<u8>) {
    let mut after_return = false;
    content.retain_mut(|byte| {
        let is_kept = !(after_return && *byte == b'\n');
        after_return = *byte == b'\r';
        if after_return {
            *byte = b'\n';
        }
        is_kept
    });
    content.push(b'\n');
}

fn read_row(record: &ByteRecord, header: &StringRecord) -> Result<CustomerFields, String> {
    if record.len() != header.len() {
        let (found, expected) = (record.len(), header.len());
        return Err(format!(
            "there are {found} fields, not {expected}; a comma in a field needs quotes around the field"
        ));
    }
    let record = StringRecord::from_byte_record(record.clone()).map_err(|_| "the text is not UTF-8")?;
    record.deserialize(Some(header)).map_err(|_| "the fields cannot be read".to_owned())
}

fn check_header(header: &StringRecord) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    for column in header {
        if !CustomerFields::NAMES.contains(&column) {
            // What has another form is no name, but perhaps somebody's password.
            let is_name =
                column.len() <= 40 && column.bytes().all(|byte| byte.is_ascii_lowercase() || b"_;\t".contains(&byte));
            if !is_name {
                return Err("line 1 must hold the names of the columns, separated by commas".to_owned());
            }
            let distance = |name: &&str| strsim::damerau_levenshtein(column, name);
            let nearest = CustomerFields::NAMES.into_iter().min_by_key(distance).unwrap_or_default();
            let hint = if column.contains([';', '\t']) { "; columns are separated by commas" } else { "" };
            return Err(format!("line 1: unknown column `{column}`; did you mean `{nearest}`?{hint}"));
        }
        if !seen.insert(column) {
            return Err(format!("line 1: column `{column}` is there twice"));
        }
    }
    let required = CustomerFields::REQUIRED;
    if seen.contains(required) { Ok(()) } else { Err(format!("line 1: column `{required}` is missing")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: impl AsRef<[u8]>) -> Result<Vec<ImportRow>, String> {
        read(text.as_ref(), 10_000, 3)
    }

    #[test]
    fn columns_come_in_any_order_and_rows_know_their_lines() {
        let text = "\u{feff}password, email\r\n\" a,\"\"b\"\"\nc \",mira@example.com\r\n\r\nx,tom@example.com\n";
        let found = rows(text).unwrap();
        let lines: Vec<_> = found.iter().map(|row| row.line).collect();
        assert_eq!(lines, [2, 5]);
        for text in ["email\na\n\n\nb\n", "email\r\na\r\n\r\n\r\nb", "email\ra\r\r\rb\r"] {
            let lines: Vec<_> = rows(text).unwrap().iter().map(|row| row.line).collect();
            assert_eq!(lines, [2, 5], "{text:?}");
        }
        let fields: Vec<_> = found.into_iter().map(|row| row.fields.unwrap()).collect();
        assert_eq!((fields[0].email.as_str(), fields[0].password.as_str()), ("mira@example.com", " a,\"b\"\nc "));
        assert_eq!((fields[1].email.as_str(), fields[1].registered.as_str()), ("tom@example.com", ""));
    }

    #[test]
    fn a_bad_row_does_not_hide_the_next() {
        let rows = rows(b"email,phone\na\n\xff\xfe,1\nb@example.com,2\n").unwrap();
        let found: Vec<_> = rows.iter().map(|row| (row.line, row.fields.is_ok())).collect();
        assert_eq!(found, [(2, false), (3, false), (4, true)]);
    }

    #[test]
    fn a_header_is_checked_before_all_else() {
        for (text, fragments) in [
            ("", ["line 1", "`email` is missing"]),
            ("phone\n1\n", ["line 1", "`email` is missing"]),
            ("email,fist_name\n", ["`fist_name`", "`first_name`"]),
            ("email,phone,email\n", ["`email`", "twice"]),
            ("email;phone\n", ["unknown column", "commas"]),
            ("Supp0rt!Supp0rt,mira\n", ["line 1", "names of the columns"]),
        ] {
            let problem = rows(text).err().unwrap();
            assert!(fragments.iter().all(|fragment| problem.contains(fragment)), "{problem}");
            assert!(!problem.contains("Supp0rt"), "{problem}");
        }
    }

    #[test]
    fn there_are_limits() {
        let of = |count: usize| format!("email\n{}", "a@example.com\n".repeat(count));
        assert_eq!(rows(of(3)).unwrap().len(), 3);
        assert!(rows(of(4)).err().unwrap().contains("more than 3"));
        assert!(rows(format!("email\n{}", "a".repeat(9_994))).is_ok());
        assert!(rows(format!("email\n{}", "a".repeat(9_995))).err().unwrap().contains("larger than 10000"));
    }
}
