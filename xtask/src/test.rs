//! `cargo xtask test`: every check there is, one after the other, and the count.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::cluster::{self, Cluster, Durability};
use crate::command::{Outcome, cargo, program, quiet, root, show};
use crate::{contracts, outside, tools};

/// Tests that ran, and steps and tests that failed.
#[derive(Clone, Copy, Default)]
pub struct Count {
    passed: u64,
    failed: u64,
}

impl Count {
    /// So many more passed.
    pub const fn pass(&mut self, more: u64) {
        self.passed += more;
    }
}

type Step = (&'static str, fn(&mut Count) -> Outcome<()>);

const STEPS: [Step; 10] = [
    ("fmt", format),
    ("clippy", lint),
    ("docs", document),
    ("deny", deny),
    ("tests", test),
    ("contracts", contracts),
    ("openapi-lint", outside::lint_description),
    ("postman", outside::run_collection),
    ("client", outside::run_client),
    ("schemathesis", outside::fuzz),
];

/// Runs the steps, all but those skipped, or only those named.
pub fn run(arguments: &[String]) -> Outcome<()> {
    let selection = Selection::parse(arguments)?;
    let mut count = Count::default();
    for (name, step) in STEPS.iter().filter(|(name, _)| selection.holds(name)) {
        println!("--- {name}");
        let begun = Instant::now();
        let outcome = step(&mut count);
        let seconds = begun.elapsed().as_secs_f64();
        match outcome {
            Ok(()) => println!("--- {name}: {seconds:.1} s"),
            Err(error) => {
                println!("--- {name}: FAILED after {seconds:.1} s: {error}");
                count.failed += 1;
            }
        }
    }
    // A failed test fails its step too; it is counted once.
    println!("{} passed, {} failed", count.passed, count.failed);
    if count.failed == 0 { Ok(()) } else { std::process::exit(1) }
}

#[derive(Default)]
struct Selection {
    only: Vec<String>,
    skip: Vec<String>,
}

impl Selection {
    fn parse(arguments: &[String]) -> Outcome<Self> {
        let mut selection = Self::default();
        for pair in arguments.chunks(2) {
            let list = match pair {
                [option, step] if STEPS.iter().any(|(name, _)| name == step) => match option.as_str() {
                    "--only" => Some((&mut selection.only, step)),
                    "--skip" => Some((&mut selection.skip, step)),
                    _ => None,
                },
                _ => None,
            };
            let names = STEPS.map(|(name, _)| name).join(", ");
            let (list, step) = list.ok_or_else(|| format!("--only and --skip take one of {names}"))?;
            list.push(step.clone());
        }
        Ok(selection)
    }

    fn holds(&self, name: &str) -> bool {
        (self.only.is_empty() || self.only.iter().any(|only| only == name))
            && !self.skip.iter().any(|skip| skip == name)
    }
}

fn format(_: &mut Count) -> Outcome<()> {
    show(&mut cargo(&["fmt", "--all", "--check"]))
}

fn lint(_: &mut Count) -> Outcome<()> {
    show(&mut cargo(&["clippy", "--quiet", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]))
}

fn document(_: &mut Count) -> Outcome<()> {
    let arguments = ["doc", "--quiet", "--workspace", "--no-deps", "--document-private-items", "--locked"];
    show(cargo(&arguments).env("RUSTDOCFLAGS", "-D warnings"))
}

fn deny(_: &mut Count) -> Outcome<()> {
    tools::install_deny()?;
    show(&mut cargo(&["deny", "--log-level", "error", "check", "bans", "licenses", "sources"]))?;
    // Their database lies on the net: a machine that cannot reach it checks the rest all the same.
    match quiet(&mut program("timeout", &["120", "cargo", "deny", "fetch", "db"])) {
        Ok(()) => show(&mut cargo(&["deny", "--log-level", "error", "check", "--disable-fetch", "advisories"])),
        Err(error) => {
            let said = error.to_string();
            let reason = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default().trim();
            println!("advisories skipped: their database cannot be fetched ({reason})");
            Ok(())
        }
    }
}

/// Checks the cases that the step before this one held.
fn contracts(count: &mut Count) -> Outcome<()> {
    contracts::check(count)
}

/// Runs all tests on both databases. What held is in `target/testkit/cases` afterwards.
pub fn test(count: &mut Count) -> Outcome<()> {
    let cluster = Cluster::start(&tools::postgres_folder()?, Durability::None)?;
    tools::install_smtp_server()?;
    let kit = root().join("target/testkit");
    if kit.exists() {
        fs::remove_dir_all(&kit).map_err(|error| format!("{}: {error}", kit.display()))?;
    }
    show(&mut cargo(&["build", "--quiet", "--package", "vestibule-gateway", "--locked"]))?;
    let outcome = run_tests(&cluster.url(), count);
    let [sqlite, postgres] = contracts::ENGINES.map(|engine| contracts::read_cases(engine).len());
    println!("acceptance cases: {sqlite} on SQLite, {postgres} on PostgreSQL");
    outcome
}

fn run_tests(postgres: &str, count: &mut Count) -> Outcome<()> {
    let mut tests = cargo(&["test", "--workspace", "--no-fail-fast", "--locked"]);
    run_counted(tests.env(cluster::VARIABLE, postgres), count)
}

/// Runs a program that tells results as Rust's tests do (`test result: ok. 12 passed; 0 failed`), shows its output and counts.
pub fn run_counted(command: &mut Command, count: &mut Count) -> Outcome<()> {
    let before = count.failed;
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    for line in child.stdout.take().into_iter().flat_map(|output| BufReader::new(output).lines()) {
        let line = line?;
        println!("{line}");
        if let Some((passed, failed)) = parse_result(&line) {
            count.passed += passed;
            count.failed += failed;
        }
    }
    let status = child.wait()?;
    // A failed test is counted already; what is left are programs that were not built or did not end.
    if status.success() || count.failed > before { Ok(()) } else { Err(format!("no result ({status})").into()) }
}

/// Passed and failed, of a line such as `test result: ok. 12 passed; 0 failed; …`, coloured or not.
fn parse_result(line: &str) -> Option<(u64, u64)> {
    let plain = without_colour(line);
    let (_, counts) = plain.strip_prefix("test result: ")?.split_once(". ")?;
    let number = |name: &str| {
        let part = counts.split("; ").find_map(|part| part.strip_suffix(name))?;
        part.trim().parse().ok()
    };
    Some((number("passed")?, number("failed")?))
}

fn without_colour(line: &str) -> String {
    let mut parts = line.split('\u{1b}');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |plain, part| plain + part.split_once('m').map_or("", |(_, rest)| rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_read_whatever_their_colour() {
        for (line, expected) in [
            (
                "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s",
                Some((12, 0)),
            ),
            ("test result: \u{1b}[31mFAILED\u{1b}(B\u{1b}[m. 3 passed; 2 failed; 0 ignored", Some((3, 2))),
            ("test envelope::sqlite::unknown_paths ... ok", None),
        ] {
            assert_eq!(parse_result(line), expected, "{line}");
        }
    }

    #[test]
    fn steps_are_selected() {
        let selected = |arguments: &[&str]| {
            let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
            let selection = Selection::parse(&arguments).ok()?;
            Some(STEPS.iter().filter(|(name, _)| selection.holds(name)).map(|(name, _)| *name).collect::<Vec<_>>())
        };
        assert_eq!(selected(&["--only", "tests"]), Some(vec!["tests"]));
        let rest = ["fmt", "clippy", "tests", "contracts", "openapi-lint", "postman", "client", "schemathesis"];
        assert_eq!(selected(&["--skip", "deny", "--skip", "docs"]), Some(rest.to_vec()));
        assert_eq!(selected(&["--skip", "everything"]), None);
        assert_eq!(selected(&["--skip"]), None);
    }
}
