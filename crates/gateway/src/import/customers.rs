//! `vestibule customers import`: reads the `customer.csv` of a Spryker shop.

use std::io::Read;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use application::{CustomerFields, CustomerImport, Hasher, ImportError, ImportRow, Imported};
use domain::{SystemClock, SystemRandomness};

use super::csv_file::{Columns, CsvFile};
use super::{Limits, read_content, read_file, tell};
use crate::cli::Fatal;
use crate::serve::open_store;
use crate::settings::Settings;

/// After how many hashed passwords the next line of progress is written.
const PROGRESS_EVERY: usize = 500;

const COLUMNS: Columns<'_> = Columns {
    is_known: |column| CustomerFields::NAMES.contains(&column),
    names: &CustomerFields::NAMES,
    required: &[CustomerFields::REQUIRED],
    is_letter: |byte| byte.is_ascii_lowercase() || byte == b'_',
};

/// Imports the customers of `file`, all of them or none, and says how many.
///
/// # Errors
///
/// When the file, the database or the hasher cannot be used at all. What is wrong with rows is printed, and fails the command.
pub(crate) async fn import(settings: &Settings, file: &Path) -> Result<ExitCode, Fatal> {
    let rows = read_file(file, read)?;
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
            tell(file, &problems);
            Ok(ExitCode::FAILURE)
        }
        Err(error) => Err(format!("{error}; nothing was imported").into()),
    }
}

/// Every row of a CSV file with a line of column names.
///
/// # Errors
///
/// What is wrong with the file as a whole.
fn read(file: impl Read, limits: Limits) -> Result<Vec<ImportRow>, String> {
    let file = CsvFile::open(read_content(file, limits.bytes)?)?;
    let header = file.check_header(&COLUMNS)?.clone();
    file.rows(limits.rows, "customers", |line, fields| {
        let read = |record: csv::StringRecord| record.deserialize(Some(&header));
        let fields = fields.and_then(|record| read(record).map_err(|_| "the fields cannot be read".to_owned()));
        ImportRow { line, fields }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: impl AsRef<[u8]>) -> Result<Vec<ImportRow>, String> {
        read(text.as_ref(), Limits { bytes: 10_000, rows: 3 })
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
