//! What is wrong with a file that is imported, line by line.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;

/// What is wrong with a row. The texts quote nothing of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineProblem {
    /// The line of the file on which the row begins.
    pub line: u64,
    /// What is wrong.
    pub problem: String,
}

impl fmt::Display for LineProblem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "line {}: {}", self.line, self.problem)
    }
}

/// A problem when an earlier row has the same value in `column`.
pub(crate) fn first_seen(
    column: &str,
    value: Option<&str>,
    line: u64,
    seen: &mut HashMap<String, u64>,
) -> Option<String> {
    match seen.entry(value?.to_owned()) {
        Entry::Occupied(earlier) => Some(format!("{column} is that of line {}, too", earlier.get())),
        Entry::Vacant(entry) => {
            entry.insert(line);
            None
        }
    }
}
