//! CSV files with a line of column names, whose rows know their lines.

use std::collections::BTreeSet;
use std::io::Cursor;

use csv::{ByteRecord, Reader, ReaderBuilder, StringRecord, Trim};

/// A file whose column names have been read.
pub(super) struct CsvFile {
    reader: Reader<Cursor<Vec<u8>>>,
    header: StringRecord,
}

/// The columns that a file may have.
pub(super) struct Columns<'a> {
    /// Whether that is one.
    pub(super) is_known: fn(&str) -> bool,
    /// Names of columns, to find the one that is meant.
    pub(super) names: &'a [&'a str],
    /// Those that must be there.
    pub(super) required: &'a [&'a str],
    /// What names are made of. A text of other characters is not quoted: it is no name, but perhaps somebody's password.
    pub(super) is_letter: fn(u8) -> bool,
}

/// The longest text that may be a name.
const MAX_NAME_BYTES: usize = 40;

impl CsvFile {
    /// Reads the line of column names.
    ///
    /// # Errors
    ///
    /// When it is not UTF-8.
    pub(super) fn open(mut content: Vec<u8>) -> Result<Self, String> {
        end_lines_alike(&mut content);
        // Rows of another length are told with their lines, which the reader would not know.
        let mut reader = ReaderBuilder::new().trim(Trim::Headers).flexible(true).from_reader(Cursor::new(content));
        let header = reader.headers().map_err(|_| "line 1: the names of the columns are not UTF-8")?.clone();
        Ok(Self { reader, header })
    }

    /// The names of the columns, if they are in order.
    ///
    /// # Errors
    ///
    /// The first that is wrong with them.
    pub(super) fn check_header(&self, columns: &Columns<'_>) -> Result<&StringRecord, String> {
        let mut seen = BTreeSet::new();
        for column in &self.header {
            if !(columns.is_known)(column) {
                let is_letter = |byte| (columns.is_letter)(byte) || b";\t".contains(&byte);
                if column.len() > MAX_NAME_BYTES || !column.bytes().all(is_letter) {
                    return Err("line 1 must hold the names of the columns, separated by commas".to_owned());
                }
                let distance = |name: &&&str| strsim::damerau_levenshtein(column, name);
                let nearest = columns.names.iter().min_by_key(distance).copied().unwrap_or_default();
                let hint = if column.contains([';', '\t']) { "; columns are separated by commas" } else { "" };
                return Err(format!("line 1: unknown column `{column}`; did you mean `{nearest}`?{hint}"));
            }
            if !seen.insert(column) {
                return Err(format!("line 1: column `{column}` is there twice"));
            }
        }
        match columns.required.iter().find(|required| !seen.contains(**required)) {
            Some(required) => Err(format!("line 1: column `{required}` is missing")),
            None => Ok(&self.header),
        }
    }

    /// Every row, as `read` makes it of its line and of its fields or why they cannot be told apart.
    ///
    /// # Errors
    ///
    /// When there are more than `max_rows`; `things` is what they are.
    pub(super) fn rows<T>(
        mut self,
        max_rows: usize,
        things: &str,
        read: impl Fn(u64, Result<StringRecord, String>) -> T,
    ) -> Result<Vec<T>, String> {
        let mut rows = Vec::new();
        let mut record = ByteRecord::new();
        while self.reader.read_byte_record(&mut record).map_err(|error| error.to_string())? {
            if rows.len() == max_rows {
                return Err(format!("the file has more than {max_rows} {things}: split it"));
            }
            // The reader stands behind the row, and tells where it stood before empty lines, not behind them.
            let inside = record.as_slice().split(|byte| *byte == b'\n').skip(1).count();
            let behind = self.reader.position().line();
            let line = behind.saturating_sub(1).saturating_sub(u64::try_from(inside).unwrap_or(0));
            rows.push(read(line, self.fields(&record)));
        }
        Ok(rows)
    }

    fn fields(&self, record: &ByteRecord) -> Result<StringRecord, String> {
        if record.len() != self.header.len() {
            let (found, expected) = (record.len(), self.header.len());
            return Err(format!(
                "there are {found} fields, not {expected}; a comma in a field needs quotes around the field"
            ));
        }
        StringRecord::from_byte_record(record.clone()).map_err(|_| "the text is not UTF-8".to_owned())
    }
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
