//! Tables of requests and the answers that they must get, and the count of what was held on which database.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::Write as _;

use serde_json::Value;
use tokio::task_local;

use crate::{Answer, Client, Engine, JSON_API, Request, Wire, json_api, paths};

/// An error as an answer tells it: status, code and detail.
type ToldError = (u64, Option<String>, String);

task_local! {
    /// The errors that the scenario which is under way got where it expected them.
    static GOT: RefCell<Vec<ToldError>>;
}

/// One line of a table: what it holds, what is asked, and what must be answered.
#[derive(Clone, Debug)]
pub struct Row {
    /// The rule of the contract that this line holds: `1.4 row 6d: no token`.
    pub holds: &'static str,
    /// What is sent.
    pub request: Request,
    /// What must come back.
    pub expected: Expected,
}

/// A line of a table.
pub const fn row(holds: &'static str, request: Request, expected: Expected) -> Row {
    Row { holds, request, expected }
}

/// What an answer must be. Beside what is named here every answer is held to the rules of `generics`.
#[derive(Clone, Debug)]
pub struct Expected {
    status: u16,
    shape: Shape,
    headers: Vec<(&'static str, Option<String>)>,
    members: Vec<(String, Value)>,
    absent: Vec<&'static str>,
    fragments: Vec<String>,
    wire: Wire,
    content_type: String,
}

#[derive(Clone, Debug)]
enum Shape {
    /// A JSON:API document without errors.
    Data,
    /// Exactly these errors in this order, code and detail; all with the answer's status but those that name one.
    Errors(Vec<(u16, Option<&'static str>, String)>),
    /// No body and no `Content-Type`.
    Empty,
    /// Something that is not JSON:API.
    Other,
}

impl Expected {
    fn new(status: u16, shape: Shape) -> Self {
        Self {
            status,
            shape,
            headers: Vec::new(),
            members: Vec::new(),
            absent: Vec::new(),
            fragments: Vec::new(),
            wire: Wire::Glue,
            content_type: JSON_API.to_owned(),
        }
    }

    /// In a document that keeps JSON:API to the letter.
    #[must_use]
    pub const fn strictly(mut self) -> Self {
        self.wire = Wire::Strict;
        self
    }

    /// Likewise, because a profile was applied, which the answer names.
    #[must_use]
    pub fn by_profile(self, profile: &str) -> Self {
        Self { content_type: format!("{JSON_API};profile=\"{profile}\""), ..self.strictly() }
    }

    /// A document with data.
    pub fn data(status: u16) -> Self {
        Self::new(status, Shape::Data)
    }

    /// 204.
    pub fn no_content() -> Self {
        Self::new(204, Shape::Empty)
    }

    /// An answer that is not JSON:API.
    pub fn other(status: u16) -> Self {
        Self::new(status, Shape::Other)
    }

    /// One error with a code.
    pub fn error(status: u16, code: &'static str, detail: &str) -> Self {
        Self::new(status, Shape::Errors(vec![(status, Some(code), detail.to_owned())]))
    }

    /// One error without a code.
    pub fn generic(status: u16, detail: &str) -> Self {
        Self::new(status, Shape::Errors(vec![(status, None, detail.to_owned())]))
    }

    /// Field violations, each `<field> => <message>`, all of them in this order.
    pub fn violations(details: &[&str]) -> Self {
        Self::errors(&details.iter().map(|detail| (422, "901", *detail)).collect::<Vec<_>>())
    }

    /// These errors; the last one's status is the answer's.
    pub fn errors(errors: &[(u16, &'static str, &str)]) -> Self {
        let status = errors.last().map_or(400, |(status, ..)| *status);
        let errors = errors.iter().map(|(status, code, detail)| (*status, Some(*code), (*detail).to_owned())).collect();
        Self::new(status, Shape::Errors(errors))
    }

    /// And this header with this value.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, Some(value.to_owned())));
        self
    }

    /// And no such header.
    #[must_use]
    pub fn no_header(mut self, name: &'static str) -> Self {
        self.headers.push((name, None));
        self
    }

    /// And this value at this JSON pointer.
    #[must_use]
    pub fn at(mut self, pointer: &str, value: impl Into<Value>) -> Self {
        self.members.push((pointer.to_owned(), value.into()));
        self
    }

    /// And nothing at this JSON pointer.
    #[must_use]
    pub fn nothing_at(mut self, pointer: &'static str) -> Self {
        self.absent.push(pointer);
        self
    }

    /// And this text somewhere in the body.
    #[must_use]
    pub fn with(mut self, fragment: &str) -> Self {
        self.fragments.push(fragment.to_owned());
        self
    }

    /// Everything about an answer that is not as it must be; empty when all is well.
    pub fn problems(&self, answer: &Answer) -> Vec<String> {
        let mut problems = Vec::new();
        let mut differ = |what: &str, expected: &dyn std::fmt::Debug, actual: &dyn std::fmt::Debug| {
            problems.push(format!("{what}: expected {expected:?}, got {actual:?}"));
        };
        if answer.status != self.status {
            differ("status", &self.status, &answer.status);
        }
        let json: Option<Value> = serde_json::from_str(&answer.body).ok();
        match &self.shape {
            Shape::Errors(expected) => {
                let actual = answer.errors();
                let expected: Vec<_> = expected
                    .iter()
                    .map(|(status, code, detail)| (u64::from(*status), code.map(str::to_owned), detail.clone()))
                    .collect();
                if actual != expected {
                    differ("errors", &expected, &actual);
                }
            }
            Shape::Data
                if json.as_ref().is_none_or(|json| json.get("data").is_none() || json.get("errors").is_some()) =>
            {
                differ("document", &"data and no errors", &answer.body);
            }
            Shape::Empty if !answer.body.is_empty() => differ("body", &"", &answer.body),
            Shape::Empty | Shape::Data | Shape::Other => {}
        }
        for (name, value) in &self.headers {
            if answer.header(name) != value.as_deref() {
                differ(name, value, &answer.header(name));
            }
        }
        for (pointer, value) in &self.members {
            let actual = json.as_ref().and_then(|json| json.pointer(pointer));
            if actual != Some(value) {
                differ(pointer, value, &actual);
            }
        }
        for pointer in &self.absent {
            if let Some(actual) = json.as_ref().and_then(|json| json.pointer(pointer)) {
                differ(pointer, &"nothing", actual);
            }
        }
        for fragment in &self.fragments {
            if !answer.body.contains(fragment) {
                differ("body", fragment, &answer.body);
            }
        }
        if !matches!(self.shape, Shape::Other) {
            problems.extend(generics(answer, self.wire, &self.content_type));
        }
        if problems.is_empty() {
            GOT.try_with(|got| got.borrow_mut().extend(answer.errors())).ok();
        }
        problems
    }
}

/// What holds for every answer of the JSON:API surface: sections 1.1, 1.2 and 1.6.
fn generics(answer: &Answer, wire: Wire, content_type: &str) -> Vec<String> {
    let header = |name: &str| answer.header(name);
    let json: Option<Value> = serde_json::from_str(&answer.body).ok();
    let empty = answer.body.is_empty();
    let vary = header("vary").unwrap_or_default().to_ascii_lowercase();
    let rules = [
        ("1.2 the reason phrase", reason(answer.status) == answer.reason),
        ("1.5 the content type is exact", header("content-type") == (!empty).then_some(content_type)),
        (
            "1.6 Content-Language is a locale",
            empty || header("content-language").is_some_and(|locale| locale.len() == 5 && locale.contains('_')),
        ),
        (
            "1.6 WWW-Authenticate comes with 401 only",
            header("www-authenticate") == (answer.status == 401).then_some("Bearer realm=\"Access to shop API\""),
        ),
        ("1.6 X-Frame-Options", header("x-frame-options") == Some("SAMEORIGIN")),
        ("1.6 Content-Security-Policy", header("content-security-policy") == Some("frame-ancestors 'self'")),
        ("1.6 X-Content-Type-Options", header("x-content-type-options") == Some("nosniff")),
        ("1.6 X-XSS-Protection", header("x-xss-protection") == Some("1; mode=block")),
        ("1.6 Referrer-Policy", header("referrer-policy") == Some("same-origin")),
        ("1.6 no empty Permissions-Policy", header("permissions-policy").is_none()),
        ("Vary names Accept", empty || vary.split(',').any(|name| name.trim() == "accept")),
        ("a request id is answered", header("x-request-id").is_some_and(|id| !id.is_empty())),
        (
            "1.1 the status is that of the last error",
            answer.errors().last().is_none_or(|(status, ..)| *status == u64::from(answer.status)),
        ),
        ("JSON:API 1 a body is JSON", empty || json.is_some()),
    ];
    let broken = rules.iter().filter(|(_, held)| !held).map(|(rule, _)| format!("{rule}: {answer:?}"));
    broken.chain(json.iter().flat_map(|json| json_api::problems(json, wire))).collect()
}

/// The phrase that RFC 9110 gives a status.
const fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        204 => "No Content",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        408 => "Request Timeout",
        409 => "Conflict",
        412 => "Precondition Failed",
        413 => "Content Too Large",
        414 => "URI Too Long",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Content",
        428 => "Precondition Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        _ => "a status that this surface never sends",
    }
}

/// Sends every row of a table, one after the other, and counts those that hold.
///
/// # Panics
/// After the last row, with all that does not hold.
pub async fn check(engine: Engine, client: Client, rows: &[Row]) {
    let mut failures = String::new();
    let mut failed = 0;
    for Row { holds, request, expected } in rows {
        let answer = client.try_send(request).await;
        let problems = match &answer {
            Some(answer) => expected.problems(answer),
            None => vec!["no answer".to_owned()],
        };
        if problems.is_empty() {
            let got = answer.map(|answer| answer.errors()).unwrap_or_default();
            count_answered_case(engine, holds, &got);
        } else {
            failed += 1;
            write!(failures, "\n{holds}\n    {request}\n    {}\n", problems.join("\n    ")).expect("text grows");
        }
    }
    assert!(failed == 0, "{failed} of {} rows do not hold on {engine}:\n{failures}", rows.len());
}

/// Notes that one acceptance case held on that database, for the sum at the end of a run.
pub fn count_case(engine: Engine, holds: &str) {
    count_answered_case(engine, holds, &[]);
}

/// Runs a scenario and notes that it held, with the errors that it got where it expected them.
pub async fn count_scenario(engine: Engine, name: &str, scenario: impl Future<Output = ()>) {
    let got = GOT
        .scope(RefCell::default(), async {
            scenario.await;
            GOT.with(RefCell::take)
        })
        .await;
    count_answered_case(engine, name, &got);
}

/// Likewise, with the errors that the answer told: `holds`, then each error's status, code (`-` for none) and detail, with tabs
/// between all of them.
fn count_answered_case(engine: Engine, holds: &str, got: &[ToldError]) {
    let mut line = holds.to_owned();
    for (status, code, detail) in got {
        let code = code.as_deref().unwrap_or("-");
        write!(line, "\t{status}\t{code}\t{}", detail.replace(['\t', '\n'], " ")).expect("text grows");
    }
    line.push('\n');
    let folder = paths::kit().join("cases");
    fs::create_dir_all(&folder).expect("a folder for the count");
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(folder.join(format!("{engine}.log")))
        .expect("a file for the count");
    // One write, so that tests which run side by side do not mix their lines.
    file.write_all(line.as_bytes()).expect("a line of the count");
}

/// Makes each of these functions, which take the engine, a test on SQLite and a test on PostgreSQL.
///
/// `tables` count their rows themselves (through [`check`]); each of the `scenarios` is one case.
#[macro_export]
macro_rules! on_both_databases {
    ($(tables: [$($table:ident),* $(,)?])? $(scenarios: [$($scenario:ident),* $(,)?])?) => {
        $crate::on_both_databases!(@engine sqlite Sqlite [$($($table)*)?] [$($($scenario)*)?]);
        $crate::on_both_databases!(@engine postgres Postgres [$($($table)*)?] [$($($scenario)*)?]);
    };
    (@engine $module:ident $engine:ident [$($table:ident)*] [$($scenario:ident)*]) => {
        mod $module {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $table() {
                    super::$table($crate::Engine::$engine).await;
                }
            )*
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $scenario() {
                    let engine = $crate::Engine::$engine;
                    $crate::count_scenario(engine, stringify!($scenario), super::$scenario(engine)).await;
                }
            )*
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, reason: &str, body: &str) -> Answer {
        let headers = [
            ("content-type", JSON_API),
            ("content-language", "de_DE"),
            ("x-frame-options", "SAMEORIGIN"),
            ("content-security-policy", "frame-ancestors 'self'"),
            ("x-content-type-options", "nosniff"),
            ("x-xss-protection", "1; mode=block"),
            ("referrer-policy", "same-origin"),
            ("vary", "Origin, Accept"),
            ("x-request-id", "1"),
        ];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        Answer { status, reason: reason.to_owned(), headers, body: body.to_owned() }
    }

    fn refused() -> Answer {
        answer(422, "Unprocessable Content", r#"{"errors":[{"code":"423","status":422,"detail":"no"}]}"#)
    }

    #[test]
    fn what_is_right_has_no_problems() {
        assert_eq!(Expected::error(422, "423", "no").problems(&refused()), Vec::<String>::new());
        let data = answer(200, "OK", r#"{"data":{"type":"customers","id":"1"}}"#);
        let expected =
            Expected::data(200).at("/data/id", "1").nothing_at("/included").with("id").header("Vary", "Origin, Accept");
        assert_eq!(expected.problems(&data), Vec::<String>::new());
    }

    #[test]
    fn to_the_letter_other_things_are_right() {
        let mut answer = refused();
        answer.body = answer.body.replace("422,", "\"422\",");
        let expected = || Expected::error(422, "423", "no");
        assert_eq!(expected().strictly().problems(&answer), Vec::<String>::new());
        assert!(!expected().problems(&answer).is_empty());
        assert!(!expected().by_profile("https://x.example/p").problems(&answer).is_empty());
        answer.headers[0].1 = format!("{JSON_API};profile=\"https://x.example/p\"");
        assert_eq!(expected().by_profile("https://x.example/p").problems(&answer), Vec::<String>::new());
    }

    #[test]
    fn whatever_is_wrong_is_a_problem() {
        for expected in [
            Expected::error(400, "423", "no"),
            Expected::error(422, "424", "no"),
            Expected::error(422, "423", "No"),
            Expected::generic(422, "no"),
            Expected::errors(&[(422, "423", "no"), (422, "423", "no")]),
            Expected::data(422),
            Expected::no_content(),
            Expected::error(422, "423", "no").at("/errors/0/status", "422"),
            Expected::error(422, "423", "no").nothing_at("/errors/0/code"),
            Expected::error(422, "423", "no").with("yes"),
            Expected::error(422, "423", "no").header("Vary", "*"),
            Expected::error(422, "423", "no").no_header("Vary"),
        ] {
            assert!(!expected.problems(&refused()).is_empty(), "{expected:?}");
        }
    }

    #[test]
    fn every_answer_is_held_to_what_holds_for_all() {
        let expected = Expected::error(422, "423", "no");
        for name in refused().headers.iter().map(|(name, _)| name) {
            let mut without = refused();
            without.headers.retain(|(existing, _)| existing != name);
            assert!(!expected.problems(&without).is_empty(), "without {name}");
        }
        let mut spoilt = [refused(), refused(), refused(), refused()];
        spoilt[0].reason = "Unprocessable Entity".to_owned();
        spoilt[1].headers[0].1 = format!("{JSON_API}; charset=utf-8");
        spoilt[2].headers.push(("www-authenticate".to_owned(), "Bearer".to_owned()));
        spoilt[3].body = spoilt[3].body.replace("422,", "\"422\",");
        for answer in spoilt {
            assert!(!expected.problems(&answer).is_empty(), "{answer:?}");
        }
    }
}
