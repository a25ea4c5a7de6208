//! `cargo xtask contracts`: every code of the wire, and the acceptance cases that got it.

use std::collections::BTreeMap;
use std::fs;

use crate::command::{Outcome, root};
use crate::test::{self, Count};

/// The databases that cases are held on, as their logs are named.
pub const ENGINES: [&str; 2] = ["SQLite", "PostgreSQL"];

/// The other doors: what their cases are named by, and the lists of their contracts' numbers.
const DOORS: [(&str, &str); 2] = [("10npay", "tenpay.txt"), ("bagisto", "bagisto.txt")];

/// As many cases of a code are named.
const NAMED: usize = 3;

/// Lists the codes. Runs the tests first where no run has left its cases.
pub fn run() -> Outcome<()> {
    if ENGINES.iter().any(|engine| read_cases(engine).is_empty()) {
        test::test(&mut Count::default())?;
    }
    check(&mut Count::default())
}

/// Lists the codes with the cases that got them; an error if one has none.
pub fn check(count: &mut Count) -> Outcome<()> {
    let list = root().join("tests/contracts/codes.txt");
    let text = fs::read_to_string(&list).map_err(|error| format!("{}: {error}", list.display()))?;
    let codes: Vec<Known<'_>> = parse_codes(&text)?;
    let cases = ENGINES.map(|engine| (engine, read_cases(engine)));
    let (report, missing) = compare(&codes, &cases);
    println!("{report}");
    if missing > 0 {
        return Err(format!("{missing} codes without a case, or cases without a code").into());
    }
    count.pass(codes.len().try_into()?);
    check_doors(&cases, count)
}

/// Lists the numbers of each other door's contract with the cases that are named by them; an error if one has none.
fn check_doors(cases: &[(&str, Vec<Case>)], count: &mut Count) -> Outcome<()> {
    let mut missing = 0;
    for (door, file) in DOORS {
        let list = root().join("tests/contracts").join(file);
        let text = fs::read_to_string(&list).map_err(|error| format!("{}: {error}", list.display()))?;
        let numbers: Vec<&str> =
            text.lines().filter(|line| !line.starts_with('#')).flat_map(str::split_whitespace).collect();
        let (report, without) = compare_numbers(door, &numbers, cases);
        println!("{report}");
        missing += without;
        count.pass((numbers.len() - without.min(numbers.len())).try_into()?);
    }
    if missing == 0 {
        Ok(())
    } else {
        Err(format!("{missing} numbers without a case, or cases without a number").into())
    }
}

/// What to print, and how many numbers have no case on one of the databases, or are no number of the contract.
fn compare_numbers(door: &str, numbers: &[&str], cases: &[(&str, Vec<Case>)]) -> (String, usize) {
    let mut report = Vec::new();
    let mut missing = 0;
    for number in numbers {
        report.push(format!("{door} {number}"));
        for (engine, cases) in cases {
            let mut held: Vec<&str> = Vec::new();
            for case in cases.iter().filter(|case| case.numbers(door).any(|named| named == *number)) {
                if !held.contains(&case.holds.as_str()) {
                    held.push(&case.holds);
                }
            }
            missing += usize::from(held.is_empty());
            report.push(format!("    {engine}: {}", if held.is_empty() { "NO CASE".to_owned() } else { name(&held) }));
        }
    }
    let mut unlisted = BTreeMap::new();
    for (engine, cases) in cases {
        for case in cases {
            for number in case.numbers(door).filter(|number| !numbers.contains(number)) {
                unlisted.entry(number).or_insert_with(|| format!("    {engine}: {}", case.holds));
            }
        }
    }
    missing += unlisted.len();
    report.extend(unlisted.iter().map(|(number, case)| format!("{door} {number} NOT IN THE LIST\n{case}")));
    (report.join("\n"), missing)
}

/// The first of these names.
fn name(cases: &[&str]) -> String {
    let named = cases.iter().take(NAMED).copied().collect::<Vec<_>>().join("; ");
    let more = cases.len().saturating_sub(NAMED);
    if more == 0 { named } else { format!("{named}; and {more} more") }
}

/// The acceptance cases that the last run held on that database.
pub fn read_cases(engine: &str) -> Vec<Case> {
    let log = root().join("target/testkit/cases").join(format!("{engine}.log"));
    fs::read_to_string(log).unwrap_or_default().lines().map(Case::parse).collect()
}

/// An acceptance case, and the errors of the answer that it got.
#[derive(Debug, PartialEq, Eq)]
pub struct Case {
    holds: String,
    /// Status, code and detail.
    errors: Vec<[String; 3]>,
}

impl Case {
    fn parse(line: &str) -> Self {
        let mut parts = line.split('\t').map(str::to_owned);
        let holds = parts.next().unwrap_or_default();
        let mut errors = Vec::new();
        while let (Some(status), Some(code), Some(detail)) = (parts.next(), parts.next(), parts.next()) {
            errors.push([status, code, detail]);
        }
        Self { holds, errors }
    }

    /// The numbers of a door's contract that it is named by: those of `10npay 5, C6: not an address`.
    fn numbers<'a>(&'a self, door: &str) -> impl Iterator<Item = &'a str> {
        let named = self.holds.strip_prefix(door).and_then(|rest| rest.strip_prefix(' ')?.split_once(':'));
        named.into_iter().flat_map(|(numbers, _)| numbers.split(", "))
    }
}

/// An error that the contract knows.
#[derive(Debug, PartialEq, Eq)]
struct Known<'a> {
    status: &'a str,
    code: &'a str,
    section: &'a str,
    detail: &'a str,
    /// Why no request gets it.
    unreachable: Option<&'a str>,
}

impl Known<'_> {
    fn is(&self, [status, code, detail]: &[String; 3]) -> bool {
        self.status == status && self.code == code && matches(self.detail, detail)
    }
}

/// Whether a text is that pattern, in which `*` stands for anything.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, rest)) => text.strip_prefix(head).is_some_and(|tail| {
            tail.char_indices()
                .map(|(index, _)| index)
                .chain([tail.len()])
                .any(|index| tail.get(index..).is_some_and(|tail| matches(rest, tail)))
        }),
    }
}

fn parse_codes(text: &str) -> Outcome<Vec<Known<'_>>> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| parse_code(line).ok_or_else(|| format!("codes.txt: what does `{line}` mean?").into())).collect()
}

fn parse_code(line: &str) -> Option<Known<'_>> {
    let (line, unreachable) = match line.strip_prefix('!') {
        None => (line, None),
        Some(rest) => {
            let (line, reason) = rest.rsplit_once('#')?;
            (line, Some(reason.trim()).filter(|reason| !reason.is_empty()))
        }
    };
    let (status, rest) = line.trim().split_once(' ')?;
    let (code, rest) = rest.trim_start().split_once(' ')?;
    let (section, detail) = rest.trim_start().split_once(' ')?;
    Some(Known { status, code, section, detail: detail.trim(), unreachable })
}

/// What to print, and how many codes have no case on one of the databases. Whatever a case got and the list does not have counts
/// too: the list would not be whole.
fn compare(codes: &[Known<'_>], cases: &[(&str, Vec<Case>)]) -> (String, usize) {
    let mut report = Vec::new();
    let mut missing = 0;
    for known in codes {
        let Known { status, code, section, detail, unreachable } = known;
        report.push(format!("{status} {code:<4} {section:<5} {detail}"));
        for (engine, cases) in cases {
            let mut got: Vec<&str> = Vec::new();
            for case in cases.iter().filter(|case| case.errors.iter().any(|error| known.is(error))) {
                if !got.contains(&case.holds.as_str()) {
                    got.push(&case.holds);
                }
            }
            match (got.as_slice(), unreachable) {
                ([], Some(reason)) => report.push(format!("    {engine}: cannot be got: {reason}")),
                ([], None) => {
                    missing += 1;
                    report.push(format!("    {engine}: NO CASE"));
                }
                (got, _) => report.push(format!("    {engine}: {}", name(got))),
            }
        }
    }
    let got = cases.iter().flat_map(|(engine, cases)| cases.iter().map(move |case| (engine, case)));
    let mut unlisted: BTreeMap<&[String; 3], String> = BTreeMap::new();
    for (engine, case) in got {
        for error in case.errors.iter().filter(|error| !codes.iter().any(|known| known.is(error))) {
            unlisted.entry(error).or_insert_with(|| format!("    {engine}: {}", case.holds));
        }
    }
    missing += unlisted.len();
    report.extend(unlisted.iter().map(|(error, case)| format!("{} NOT IN THE LIST\n{case}", error.join(" "))));
    (report.join("\n"), missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "\
# A remark.

422 901  1.10  * => This value is too short. *
404 -    1.3   Not Found
! 400 414 10   Gender is not valid.  # 901 says so first
";

    fn judged(line: &str) -> (String, usize) {
        compare(&parse_codes(LIST).unwrap(), &[("SQLite", vec![Case::parse(line)])])
    }

    #[test]
    fn a_code_is_held_by_a_case_that_got_it() {
        let line = "1.10 short\t422\t901\tpassword => This value is too short. It should have 12\t404\t-\tNot Found";
        let (report, missing) = judged(line);
        assert_eq!(missing, 0, "{report}");
        assert!(report.contains("SQLite: 1.10 short") && report.contains("cannot be got: 901 says so first"));
    }

    #[test]
    fn a_code_without_a_case_is_missing_and_so_is_one_that_the_list_does_not_have() {
        let (report, missing) = judged("1.3 unknown\t404\t-\tNot Found");
        assert_eq!(missing, 1, "{report}");
        let (report, missing) = judged("1.3 unknown\t404\t-\tNot found");
        assert_eq!(missing, 3, "{report}");
        assert!(report.contains("404 - Not found NOT IN THE LIST"));
    }

    #[test]
    fn a_number_is_held_by_a_case_that_is_named_by_it() {
        let cases = [("SQLite", vec![Case::parse("10npay 5, C6: no address"), Case::parse("6.1 another door's")])];
        assert_eq!(compare_numbers("10npay", &["5", "C6"], &cases).1, 0);
        let (report, missing) = compare_numbers("10npay", &["5", "7"], &cases);
        assert_eq!(missing, 2, "{report}");
        assert!(report.contains("SQLite: NO CASE") && report.contains("C6 NOT IN THE LIST"), "{report}");
    }

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, text, expected) in [
            ("* => b", "a => b", true),
            ("* => b", "a => bc", false),
            ("* => b *", "a => b c", true),
            ("a", "a", true),
            ("a", "ab", false),
            ("*", "", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn lines_that_mean_nothing_are_told() {
        assert!(parse_codes("404 - 1.3 Not Found").is_ok());
        assert!(parse_codes("404").is_err());
        assert!(parse_codes("! 404 - 1.3 Not Found").is_err());
    }
}
