//! Customers brought along from another shop: rows of text in, accounts out, all of them or none.

use std::collections::HashMap;
use std::sync::Arc;

use domain::{
    Clock, EmailAddress, EmailProblem, Gender, Locale, MAX_COMPANY_CHARACTERS, MAX_PHONE_CHARACTERS, MessageId,
    Password, PasswordHash, Profile, Randomness, Salutation, Timestamp,
};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::Deserialize;
use store::{ImportConflict, ImportConflictKind, ImportOutcome, ImportedCustomer, Store, StoreError};
use thiserror::Error;

use crate::line_problem::first_seen;
use crate::{AccountSettings, Hasher, HasherBusy, LineProblem, seconds};

const MAX_REFERENCE_CHARACTERS: usize = 64;
const MAX_NAME_CHARACTERS: usize = 100;
/// Whoever logs in with a longer one types for a long time; a bound keeps one field from filling the memory.
const MAX_PASSWORD_CHARACTERS: usize = 1024;
/// A day in another time zone may have begun already.
const AHEAD_OF_UTC_SECONDS: u64 = 86_400;

/// How fields begin that hold a hash, which is kept as it is.
const HASHES: [&str; 5] = ["$2a$", "$2b$", "$2y$", "$argon2id$", "pbkdf2_sha256$"];
/// How fields begin that hold a hash which no login could ever be checked against. Taken for a password in clear, it would lock
/// its customer out without a word.
const UNKNOWN_HASHES: [&str; 12] = [
    "$1$",
    "$2$",
    "$2x$",
    "$5$",
    "$6$",
    "$y$",
    "$P$",
    "$argon2",
    "argon2$",
    "bcrypt_sha256$",
    "pbkdf2_sha1$",
    "scrypt$",
];

/// The text fields of one customer, named as the columns of Spryker's `customer.csv`. Empty is not given. No `Debug`: all of
/// it is personal.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CustomerFields {
    /// The reference, 1 to 64 letters, digits, `-` or `_`; empty = a new one.
    pub customer_reference: String,
    /// The language the customer is written to in: `de_DE`; empty = the shop's.
    pub locale_name: String,
    /// Telephone number.
    pub phone: String,
    /// The address; the one field that must be there.
    pub email: String,
    /// `Mr`, `Ms`, `Mrs`, `Dr` or `n/a`.
    pub salutation: String,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// Company.
    pub company: String,
    /// `Male` or `Female`.
    pub gender: String,
    /// `1990-05-17`
    pub date_of_birth: String,
    /// The password in clear or hashed; empty = none is set. It is held to no policy: that is for new ones.
    pub password: String,
    /// When the address was confirmed, `2026-03-04` or `2026-03-04 10:15:00`; empty = it is not, and a mail asks for it.
    pub registered: String,
}

impl CustomerFields {
    /// The names of all fields, in the order of Spryker's file.
    pub const NAMES: [&str; 12] = [
        "customer_reference",
        "locale_name",
        "phone",
        "email",
        "salutation",
        "first_name",
        "last_name",
        "company",
        "gender",
        "date_of_birth",
        "password",
        "registered",
    ];
    /// The field that must be there.
    pub const REQUIRED: &str = "email";
}

/// One row of a file, as it could be read.
pub struct ImportRow {
    /// The line of the file on which it begins.
    pub line: u64,
    /// Its fields, or why they cannot be told apart.
    pub fields: Result<CustomerFields, String>,
}

impl From<ImportConflict> for LineProblem {
    fn from(ImportConflict { line, kind }: ImportConflict) -> Self {
        let problem = match kind {
            ImportConflictKind::ReferenceTaken => "customer_reference is that of a customer who is there already",
            ImportConflictKind::EmailTaken => "email is that of a confirmed account that is there already",
        };
        Self { line, problem: problem.to_owned() }
    }
}

/// Why nothing was imported.
#[derive(Debug, Error)]
pub enum ImportError {
    /// Rows are wrong, all of them; or they meet customers who are there already, the first 50. In the order of their lines.
    #[error("{} problems", .0.len())]
    Rows(Vec<LineProblem>),
    /// A password could not be hashed.
    #[error("a password could not be hashed: {0}")]
    Hasher(#[from] HasherBusy),
    /// The database did not take them.
    #[error("{0}")]
    Store(#[from] StoreError),
}

/// What was imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Imported {
    /// Customers.
    pub customers: usize,
    /// Those among them who are sent a confirmation mail.
    pub unconfirmed: usize,
}

/// Brings customers along. It needs neither a signer nor a running gateway.
pub struct CustomerImport {
    /// Where they go.
    pub store: Store,
    /// Hashes the passwords that come in clear.
    pub hasher: Hasher,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Chance, for messages.
    pub randomness: Arc<dyn Randomness>,
    /// The shop's rules.
    pub accounts: AccountSettings,
    /// The store's name, such as `DE`.
    pub store_name: String,
    /// The language of customers who bring none.
    pub default_locale: Locale,
}

struct CheckedRow {
    line: u64,
    reference: Option<String>,
    email: EmailAddress,
    password: Option<GivenPassword>,
    profile: Profile,
    locale: Option<Locale>,
    registered: Option<Timestamp>,
}

enum GivenPassword {
    Clear(Password),
    Hashed(PasswordHash),
}

impl CustomerImport {
    /// Imports all rows or none. Customers whose address is not confirmed are sent the mail that asks for it, as if they had
    /// just signed up. `progress` is told how many of how many passwords are hashed, after each.
    ///
    /// # Errors
    ///
    /// [`ImportError::Rows`] with everything that is wrong; nothing was written then, nor in any other case.
    pub async fn run(
        &self,
        rows: Vec<ImportRow>,
        mut progress: impl FnMut(usize, usize),
    ) -> Result<Imported, ImportError> {
        let rows = check(rows, self.clock.now()).map_err(ImportError::Rows)?;
        let in_clear = |row: &CheckedRow| matches!(row.password, Some(GivenPassword::Clear(_)));
        let to_hash = rows.iter().filter(|row| in_clear(row)).count();
        let mut hashed = 0;
        let customers: Vec<ImportedCustomer> = stream::iter(rows)
            .map(|row| async move {
                let counts = in_clear(&row);
                self.customer(row).await.map(|customer| (customer, counts))
            })
            // As many as may wait for the hashing threads: more would be refused.
            .buffered(self.hasher.queue())
            .map_ok(|(customer, counts)| {
                if counts {
                    hashed += 1;
                    progress(hashed, to_hash);
                }
                customer
            })
            .try_collect()
            .await?;
        let unconfirmed = customers.iter().filter(|customer| customer.confirmed_at.is_none()).count();
        match self.store.import_customers(customers, self.clock.now()).await? {
            ImportOutcome::Imported(customers) => Ok(Imported { customers, unconfirmed }),
            ImportOutcome::Conflicts(conflicts) => {
                Err(ImportError::Rows(conflicts.into_iter().map(LineProblem::from).collect()))
            }
        }
    }

    async fn customer(&self, row: CheckedRow) -> Result<ImportedCustomer, HasherBusy> {
        let password_hash = match row.password {
            None => None,
            Some(GivenPassword::Hashed(hash)) => Some(hash),
            Some(GivenPassword::Clear(password)) => Some(self.hasher.hash(&password).await?),
        };
        // Without double opt-in there is nothing that a mail could ask for.
        let confirmed_at = row.registered.or_else(|| (!self.accounts.double_opt_in).then(|| self.clock.now()));
        Ok(ImportedCustomer {
            line: row.line,
            reference: row.reference,
            email: row.email,
            password_hash,
            profile: row.profile,
            locale: row.locale.unwrap_or_else(|| self.default_locale.clone()),
            store: self.store_name.clone(),
            reference_prefix: self.accounts.reference_prefix_in(&self.store_name).to_owned(),
            confirmed_at,
            message_id: MessageId::generate(&*self.randomness),
        })
    }
}

/// All rows, parsed, or everything that is wrong with them.
fn check(rows: Vec<ImportRow>, now: Timestamp) -> Result<Vec<CheckedRow>, Vec<LineProblem>> {
    let mut checked = Vec::with_capacity(rows.len());
    let mut problems = Vec::new();
    let mut references = HashMap::new();
    let mut addresses = HashMap::new();
    for ImportRow { line, fields } in rows {
        let mut found = Vec::new();
        match fields {
            Ok(fields) => {
                if let Some(row) = check_row(line, &fields, now, &mut found) {
                    found.extend(first_seen("customer_reference", row.reference.as_deref(), line, &mut references));
                    found.extend(first_seen("email", Some(row.email.canonical()), line, &mut addresses));
                    checked.push(row);
                }
            }
            Err(problem) => found.push(problem),
        }
        problems.extend(found.into_iter().map(|problem| LineProblem { line, problem }));
    }
    if problems.is_empty() { Ok(checked) } else { Err(problems) }
}

/// Adds what is wrong to `problems`. `None` when there is no telling what the row is.
fn check_row(line: u64, fields: &CustomerFields, now: Timestamp, problems: &mut Vec<String>) -> Option<CheckedRow> {
    let mut columns = Columns { problems };
    let past = |text: &str| Timestamp::parse_glue(text).filter(|at| *at <= now.plus(seconds(AHEAD_OF_UTC_SECONDS)));
    let reference = columns.read(
        "customer_reference",
        &fields.customer_reference,
        "must be 1 to 64 letters, digits, `-` or `_`",
        parse_reference,
    );
    let locale = columns.read("locale_name", &fields.locale_name, "must be a locale such as de_DE", Locale::parse);
    let email = columns.email(&fields.email);
    let profile = Profile {
        salutation: columns.read("salutation", &fields.salutation, "must be Mr, Ms, Mrs, Dr or n/a", Salutation::parse),
        first_name: columns.text("first_name", &fields.first_name, MAX_NAME_CHARACTERS),
        last_name: columns.text("last_name", &fields.last_name, MAX_NAME_CHARACTERS),
        gender: columns.read("gender", &fields.gender, "must be Male, Female or Other", Gender::parse),
        date_of_birth: columns.read(
            "date_of_birth",
            &fields.date_of_birth,
            "must be a past day such as 1990-05-17",
            |text| past(text).filter(|_| !text.contains(' ')).map(Timestamp::date),
        ),
        phone: columns.text("phone", &fields.phone, MAX_PHONE_CHARACTERS),
        company: columns.text("company", &fields.company, MAX_COMPANY_CHARACTERS),
        ..Profile::default()
    };
    let password = columns.password(&fields.password);
    let registered = columns.read(
        "registered",
        &fields.registered,
        "must be a past day or time such as 2026-03-04 or 2026-03-04 10:15:00",
        past,
    );
    Some(CheckedRow { line, reference, email: email?, password, profile, locale, registered })
}

/// Reads the columns of one row and gathers what is wrong with them.
struct Columns<'a> {
    problems: &'a mut Vec<String>,
}

impl Columns<'_> {
    fn read<T>(&mut self, column: &str, text: &str, rule: &str, parse: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let text = text.trim();
        if text.is_empty() {
            return None;
        }
        let parsed = parse(text);
        if parsed.is_none() {
            self.problems.push(format!("{column} {rule}"));
        }
        parsed
    }

    fn text(&mut self, column: &str, text: &str, max_characters: usize) -> Option<String> {
        let rule = format!("must be at most {max_characters} characters, on one line");
        self.read(column, text, &rule, |text| {
            let fits = text.chars().count() <= max_characters && !text.contains(char::is_control);
            fits.then(|| text.to_owned())
        })
    }

    fn email(&mut self, text: &str) -> Option<EmailAddress> {
        if text.trim().is_empty() {
            self.problems.push("email is missing".to_owned());
            return None;
        }
        let found = EmailAddress::parse_for_account(text.trim()).map_err(|problems| {
            self.problems.extend(problems.into_iter().map(|problem| match problem {
                EmailProblem::TooLong => "email must be at most 100 characters".to_owned(),
                EmailProblem::Invalid | EmailProblem::Taken => "email is not an e-mail address".to_owned(),
            }));
        });
        found.ok()
    }

    /// Blanks belong to a password.
    fn password(&mut self, text: &str) -> Option<GivenPassword> {
        let begins_as = |prefixes: &[&str]| prefixes.iter().any(|prefix| text.starts_with(prefix));
        if text.is_empty() {
            return None;
        }
        if begins_as(&HASHES) {
            let hash = PasswordHash::from_stored(text.to_owned());
            if Hasher::understands(&hash) {
                return Some(GivenPassword::Hashed(hash));
            }
            self.problems.push("password begins as a hash, but is malformed or demands absurd work".to_owned());
        } else if begins_as(&UNKNOWN_HASHES) {
            self.problems.push(
                "password is a hash that cannot be checked here: leave it empty, and let the customer restore it"
                    .to_owned(),
            );
        } else if text.chars().count() > MAX_PASSWORD_CHARACTERS || text.contains(char::is_control) {
            // A quote that nothing ends makes a password of all lines behind it.
            let rule = format!("password must be at most {MAX_PASSWORD_CHARACTERS} characters, on one line");
            self.problems
                .push(format!("{rule}; one that begins with a quote needs quotes around it, and its own doubled"));
        } else {
            return Some(GivenPassword::Clear(Password::new(text.to_owned())));
        }
        None
    }
}

fn parse_reference(text: &str) -> Option<String> {
    let fits = text.len() <= MAX_REFERENCE_CHARACTERS
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    fits.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_772_619_300_000_000);

    fn row(change: impl FnOnce(&mut CustomerFields)) -> CustomerFields {
        let mut fields = CustomerFields { email: "mira@example.com".to_owned(), ..CustomerFields::default() };
        change(&mut fields);
        fields
    }

    fn problems(fields: CustomerFields) -> Vec<String> {
        let rows = vec![ImportRow { line: 2, fields: Ok(fields) }];
        let found = check(rows, NOW).err().unwrap_or_default();
        assert!(found.iter().all(|problem| problem.line == 2));
        found.into_iter().map(|problem| problem.problem).collect()
    }

    #[test]
    fn an_address_is_enough() {
        assert_eq!(problems(row(|_| ())), [""; 0]);
        assert_eq!(problems(CustomerFields::default()), ["email is missing"]);
    }

    #[test]
    fn each_column_has_its_rule() {
        type Change = fn(&mut CustomerFields, String);
        let cases: [(&str, Change, &[&str], &[&str]); 11] = [
            (
                "customer_reference",
                |fields, text| fields.customer_reference = text,
                &["DE--35", "a", "_", " DE--1 "],
                &["DE 35", "DE/35", "Ä", "x".repeat(65).leak()],
            ),
            ("locale_name", |fields, text| fields.locale_name = text, &["de_DE"], &["german", "DE_de"]),
            (
                "phone",
                |fields, text| fields.phone = text,
                &["030/1234567", "1".repeat(255).leak()],
                &["1".repeat(256).leak()],
            ),
            (
                "email",
                |fields, text| fields.email = text,
                &["Mira.Olsen@Example.com"],
                &["mira", format!("{}@{}.example.com", "a".repeat(60), "b".repeat(28)).leak()],
            ),
            ("salutation", |fields, text| fields.salutation = text, &["Mr", "n/a"], &["mr", "Herr"]),
            (
                "first_name",
                |fields, text| fields.first_name = text,
                &["Mira", "ü".repeat(100).leak()],
                &["a\nb", "ü".repeat(101).leak()],
            ),
            (
                "password",
                |fields, text| fields.password = text,
                &["change123", " a,\"b\" ", "ü".repeat(1024).leak()],
                &["secret\nnoor@example.com,other", "ü".repeat(1025).leak()],
            ),
            ("company", |fields, text| fields.company = text, &["Olsen & Co"], &["x".repeat(101).leak()]),
            ("gender", |fields, text| fields.gender = text, &["Male", "Female"], &["weiblich"]),
            (
                "date_of_birth",
                |fields, text| fields.date_of_birth = text,
                &["1990-05-17"],
                &["17.05.1990", "1990-02-30", "2126-01-01", "1990-05-17 00:00:00"],
            ),
            (
                "registered",
                |fields, text| fields.registered = text,
                &["2017-01-01", "2017-01-01 10:00:00", "2017-01-01 10:00:00.123456", "2026-03-05"],
                &["yes", "2026-03-06"],
            ),
        ];
        for (column, change, right, wrong) in cases {
            for text in right {
                assert_eq!(problems(row(|fields| change(fields, (*text).to_owned()))), [""; 0], "{column} {text:?}");
            }
            for text in wrong {
                let found = problems(row(|fields| change(fields, (*text).to_owned())));
                assert!(matches!(&*found, [one] if one.starts_with(column)), "{column} {text:?}: {found:?}");
                assert!(!found.concat().contains(text), "the value is quoted: {found:?}");
            }
        }
    }

    #[test]
    fn hashes_are_kept_and_everything_else_is_a_password_in_clear() {
        let bcrypt = "$2y$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy";
        let argon2 = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        let password = |text: &str| {
            let mut found = Vec::new();
            let password = Columns { problems: &mut found }.password(text);
            (password, found.len())
        };
        for hash in [bcrypt, argon2] {
            assert!(
                matches!(password(hash), (Some(GivenPassword::Hashed(kept)), 0) if kept.expose() == hash),
                "{hash}"
            );
        }
        for clear in ["change123", "x", " with blanks ", "$money$", "2y$"] {
            let expected = Password::new(clear.to_owned());
            assert!(matches!(password(clear), (Some(GivenPassword::Clear(kept)), 0) if kept == expected), "{clear}");
        }
        for wrong in ["$2y$10$short", "$argon2id$v=19$x", "$argon2i$v=19$m=16,t=2,p=1$c2FsdA$aGFzaA", "$6$salt$hash"] {
            assert!(matches!(password(wrong), (None, 1)), "{wrong}");
        }
        assert!(matches!(password(""), (None, 0)));
        assert!(matches!(password(&"x".repeat(1025)), (None, 1)));
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once_with_its_line() {
        let rows = vec![
            ImportRow { line: 2, fields: Ok(row(|fields| fields.customer_reference = "DE--1".to_owned())) },
            ImportRow { line: 3, fields: Err("has 3 fields, not 12".to_owned()) },
            ImportRow {
                line: 4,
                fields: Ok(row(|fields| {
                    fields.email = "MIRA@example.com".to_owned();
                    fields.customer_reference = "DE--1".to_owned();
                    fields.gender = "x".to_owned();
                })),
            },
        ];
        let found = check(rows, NOW).err().unwrap();
        let texts: Vec<_> = found.iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "line 3: has 3 fields, not 12",
                "line 4: gender must be Male, Female or Other",
                "line 4: customer_reference is that of line 2, too",
                "line 4: email is that of line 2, too",
            ]
        );
    }

    #[test]
    fn the_names_are_those_of_the_fields() {
        for name in CustomerFields::NAMES {
            let fields: CustomerFields = serde_json::from_value(serde_json::json!({ name: "x" })).unwrap();
            let values = [
                &fields.customer_reference,
                &fields.locale_name,
                &fields.phone,
                &fields.email,
                &fields.salutation,
                &fields.first_name,
                &fields.last_name,
                &fields.company,
                &fields.gender,
                &fields.date_of_birth,
                &fields.password,
                &fields.registered,
            ];
            assert_eq!(values.into_iter().filter(|value| *value == "x").count(), 1, "{name}");
        }
        assert!(CustomerFields::NAMES.contains(&CustomerFields::REQUIRED));
    }
}
