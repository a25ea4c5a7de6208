//! What a field may hold: every constraint, its message, and the order in which violations are told.
//!
//! All violations of all fields are told at once, by field in the order of the declaration, then by constraint in the order of
//! the field. A missing field has no other violation. Attributes that are not declared mean nothing.

use std::borrow::Cow;

use domain::{Country, has_four_classes, parse_date};
use jiff::civil::Date;
use jsonapi::{ErrorObject, Source};
use serde_json::{Map, Value};

use crate::errors::Code;

/// The message of [`Constraint::NotLeaked`].
const LEAKED: &str =
    "This password has been leaked in a data breach, it must not be used. Please use another password.";

/// The message of [`Constraint::FourClasses`].
const FOUR_CLASSES: &str = r"Your password must include at least one uppercase letter, one lowercase letter, one number, and one special character from the following list: !@#$%^&*()_-+=[]{}|;:<>.,/?\~. Non-Latin and other special characters are not allowed.";
/// The message of [`Constraint::FourClassesOnRestore`].
const FOUR_CLASSES_ON_RESTORE: &str = r"Your password must include at least one uppercase letter, one lowercase letter, one number, and one special character from the following list: !@#$%^&*()_-+=[]{}|;:<>.,/?\~ Non-Latin and other special characters are not allowed.";
/// The message of [`Constraint::Choice`] and [`Constraint::Country`].
const NO_CHOICE: &str = "The value you selected is not a valid choice.";
/// Tells that a value is not of the type of its field.
const NOT_A_STRING: &str = "This value should be of type string.";

/// An attribute that a resource takes.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// The name on the wire.
    pub name: &'static str,
    /// Whether it must be there.
    pub required: bool,
    /// What its value must keep to, in the order in which violations are told.
    pub constraints: &'static [Constraint],
    /// A value that keeps to it, as JSON text, for readers of the API's description.
    pub example: &'static str,
}

impl Field {
    /// A field that must be there.
    pub const fn required(name: &'static str, constraints: &'static [Constraint]) -> Self {
        Self { name, required: true, constraints, example: "null" }
    }

    /// A field that may be left out.
    pub const fn optional(name: &'static str, constraints: &'static [Constraint]) -> Self {
        Self { name, required: false, constraints, example: "null" }
    }

    /// The same field with a value that keeps to it, as JSON text.
    #[must_use]
    pub const fn example(self, example: &'static str) -> Self {
        Self { example, ..self }
    }
}

/// What a value must keep to. All but [`Constraint::NotBlank`] pass `null`.
#[derive(Clone, Copy, Debug)]
pub enum Constraint {
    /// Not `null`, `""`, `[]`, `{}` or `false`. A text of blanks is not blank.
    NotBlank,
    /// A text. Said once in place of what the text rules behind it would say.
    Text,
    /// A text that looks like an address; passes `""`.
    Email,
    /// A text of at least so many code points.
    MinLength(usize),
    /// A text of at most so many code points.
    MaxLength(usize),
    /// One of these texts.
    Choice(&'static [&'static str]),
    /// A country by its two letters (ISO 3166-1), in either case; passes `""` and longer texts, of which others tell.
    Country,
    /// A password of Glue's four classes of characters; passes `""`.
    FourClasses,
    /// Likewise, in the words with which Glue says it of a restored password.
    FourClassesOnRestore,
    /// A password that is not known to have leaked; passes `""`.
    NotLeaked,
    /// A text without control characters: what is stored ends up in mails and logs.
    Printable,
    /// A day, `YYYY-MM-DD`; passes `""`.
    Date,
    /// A day that is not in the future; passes what is no day.
    NotInFuture,
    /// `true`, `1` or `"1"`.
    IsTrue,
    /// `true` or `false`.
    Boolean,
    /// A number, or a text that is one.
    Numeric,
    /// A number above 0; passes what is no number.
    GreaterThanZero,
    /// A whole number, as a text without a decimal point; passes what is no number.
    Integer,
    /// A number of at most so much; passes what is no number.
    AtMost(u32),
    /// An object with these fields, whose names are told as `outer.inner`.
    Object(&'static [Field]),
}

/// What constraints ask about the world.
#[derive(Clone, Copy)]
pub struct World<'a> {
    /// The day in UTC.
    pub today: &'a dyn Fn() -> Date,
    /// Whether a password is known to have leaked.
    pub is_leaked: &'a dyn Fn(&str) -> bool,
}

/// Checks attributes against their declaration.
///
/// # Errors
///
/// All violations, in reporting order.
pub fn check_fields(
    fields: &'static [Field],
    attributes: &Map<String, Value>,
    world: World<'_>,
) -> Result<(), Vec<ErrorObject>> {
    let mut violations = Vec::new();
    check_object(fields, attributes, &Place::Root, world, &mut violations);
    if violations.is_empty() { Ok(()) } else { Err(violations) }
}

/// Where in the attributes a field is.
enum Place<'a> {
    Root,
    Within(&'a Place<'a>, &'static str),
}

impl Place<'_> {
    /// `outer.inner`, as violations name it.
    fn dotted(&self, name: &str) -> String {
        match self {
            Self::Root => name.to_owned(),
            Self::Within(outer, own) => format!("{}.{name}", outer.dotted(own)),
        }
    }

    /// The JSON pointer of this place.
    fn pointer(&self) -> String {
        match self {
            Self::Root => "/data/attributes".to_owned(),
            Self::Within(outer, own) => format!("{}/{own}", outer.pointer()),
        }
    }
}

fn check_object(
    fields: &'static [Field],
    attributes: &Map<String, Value>,
    place: &Place<'_>,
    world: World<'_>,
    violations: &mut Vec<ErrorObject>,
) {
    for field in fields {
        let Some(value) = attributes.get(field.name) else {
            if field.required {
                violations.push(violation(&place.dotted(field.name), "This field is missing.", place.pointer()));
            }
            continue;
        };
        let mut mistyped = false;
        for constraint in field.constraints {
            if let Constraint::Object(inner) = constraint {
                let within = Place::Within(place, field.name);
                match value {
                    Value::Object(object) => check_object(inner, object, &within, world, violations),
                    Value::Null => (),
                    _ => violations.push(violation(
                        &place.dotted(field.name),
                        "This value should be of type object.",
                        within.pointer(),
                    )),
                }
                continue;
            }
            let message = match (constraint.takes_text(), value) {
                (true, Value::Null) => None,
                (true, Value::String(text)) => constraint.check_text(text, world),
                (true, _) if mistyped => None,
                (true, _) => {
                    mistyped = true;
                    Some(Cow::Borrowed(NOT_A_STRING))
                }
                (false, value) => constraint.check_value(value),
            };
            if let Some(message) = message {
                let pointer = Place::Within(place, field.name).pointer();
                violations.push(violation(&place.dotted(field.name), &message, pointer));
            }
        }
    }
}

fn violation(field: &str, message: &str, pointer: String) -> ErrorObject {
    ErrorObject {
        detail: Cow::Owned(format!("{field} => {message}")),
        source: Some(Source::Pointer(pointer)),
        ..Code::Violation.error()
    }
}

impl Constraint {
    const fn takes_text(self) -> bool {
        match self {
            Self::Text
            | Self::Email
            | Self::MinLength(_)
            | Self::MaxLength(_)
            | Self::Choice(_)
            | Self::Country
            | Self::FourClasses
            | Self::FourClassesOnRestore
            | Self::NotLeaked
            | Self::Printable
            | Self::Date
            | Self::NotInFuture => true,
            Self::NotBlank
            | Self::IsTrue
            | Self::Boolean
            | Self::Numeric
            | Self::GreaterThanZero
            | Self::Integer
            | Self::AtMost(_)
            | Self::Object(_) => false,
        }
    }

    fn check_text(self, text: &str, world: World<'_>) -> Option<Cow<'static, str>> {
        let plain = |broken: bool, message: &'static str| broken.then_some(Cow::Borrowed(message));
        match self {
            Self::Email => plain(!text.is_empty() && !is_email(text), "This value is not a valid email address."),
            Self::MinLength(least) => (text.chars().count() < least).then(|| {
                let unit = characters(least);
                Cow::Owned(format!("This value is too short. It should have {least} {unit} or more."))
            }),
            Self::MaxLength(most) => (text.chars().count() > most).then(|| {
                let unit = characters(most);
                Cow::Owned(format!("This value is too long. It should have {most} {unit} or less."))
            }),
            Self::Choice(choices) => plain(!choices.contains(&text), NO_CHOICE),
            Self::Country => {
                plain((1..=2).contains(&text.chars().count()) && Country::parse(text).is_none(), NO_CHOICE)
            }
            Self::FourClasses => plain(!text.is_empty() && !has_four_classes(text), FOUR_CLASSES),
            Self::FourClassesOnRestore => plain(!text.is_empty() && !has_four_classes(text), FOUR_CLASSES_ON_RESTORE),
            Self::NotLeaked => plain(!text.is_empty() && (world.is_leaked)(text), LEAKED),
            Self::Printable => plain(text.chars().any(char::is_control), "This value is not valid."),
            Self::Date => plain(!text.is_empty() && parse_date(text).is_none(), "This value is not a valid date."),
            Self::NotInFuture => {
                plain(parse_date(text).is_some_and(|date| date > (world.today)()), "This value is not a valid date.")
            }
            _ => None,
        }
    }

    fn check_value(self, value: &Value) -> Option<Cow<'static, str>> {
        let plain = |broken: bool, message: &'static str| broken.then_some(Cow::Borrowed(message));
        if let Self::NotBlank = self {
            return plain(is_blank(value), "This value should not be blank.");
        }
        if value.is_null() {
            return None;
        }
        let number = || parse_number(value);
        match self {
            Self::IsTrue => plain(!is_true(value), "This value should be true."),
            Self::Boolean => plain(!value.is_boolean(), "This value should be of type bool."),
            Self::Numeric => plain(number().is_none(), "This value should be of type numeric."),
            Self::GreaterThanZero => {
                plain(number().is_some_and(|number| number <= 0.0), "This value should be greater than 0.")
            }
            Self::Integer => plain(number().is_some() && !is_whole(value), "This value should be of type integer."),
            Self::AtMost(most) => number()
                .is_some_and(|number| number > f64::from(most))
                .then(|| Cow::Owned(format!("This value should be less than or equal to {most}."))),
            _ => None,
        }
    }
}

const fn characters(count: usize) -> &'static str {
    if count == 1 { "character" } else { "characters" }
}

fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(elements) => elements.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(true) | Value::Number(_) => false,
    }
}

/// What Glue takes for consent: `true`, `1` or `"1"`.
pub(crate) fn is_true(value: &Value) -> bool {
    match value {
        Value::Bool(flag) => *flag,
        Value::Number(number) => number.as_u64() == Some(1),
        Value::String(text) => text == "1",
        Value::Null | Value::Array(_) | Value::Object(_) => false,
    }
}

fn parse_number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        // Rust also reads `inf` and `nan`, which are no numbers to anybody else.
        Value::String(text) => text.trim_ascii().parse().ok().filter(|number: &f64| number.is_finite()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Whether what is a number is a whole one: 2 and 2.0, and as a text `2` only.
fn is_whole(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.as_f64().is_some_and(|number| number.fract() == 0.0),
        Value::String(text) => {
            let text = text.trim_ascii();
            let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
            !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
        }
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => false,
    }
}

/// Reads a whole number that is not negative.
pub(crate) fn parse_pieces(value: &Value) -> Option<u32> {
    let number = parse_number(value).filter(|_| is_whole(value))?;
    // `as` would turn what does not fit into something that does.
    format!("{number:.0}").parse().ok()
}

/// Something, `@`, then neither blanks nor an end without a dot that has something on both sides.
///
/// Loose on purpose: what passes here and is still no address is told by the registration itself. Linear in the length.
fn is_email(text: &str) -> bool {
    let last_blank = text.char_indices().rev().find(|(_, character)| character.is_whitespace()).map(|(index, _)| index);
    let first_at = text
        .match_indices('@')
        .map(|(index, _)| index)
        .find(|index| *index > 0 && last_blank.is_none_or(|blank| blank < *index));
    let last_dot = text.char_indices().rev().skip(1).find(|(_, character)| *character == '.').map(|(index, _)| index);
    match (first_at, last_dot) {
        (Some(at), Some(dot)) => dot > at + 1 && !text.get(..at).is_some_and(|local| local.contains('\n')),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    const WORLD: World<'_> =
        World { today: &|| jiff::civil::date(2026, 3, 4), is_leaked: &|password| password == "Leaked-2nd-Door!" };

    #[test]
    fn a_leaked_password_is_told_last() {
        const RULES: &[Constraint] = &[Constraint::NotBlank, Constraint::MinLength(20), Constraint::NotLeaked];
        assert_eq!(messages(RULES, json!("Leaked-2nd-Door!")).last().map(String::as_str), Some(LEAKED));
        assert_eq!(messages(RULES, json!("Leaked-2nd-Door!")).len(), 2);
        assert!(!messages(RULES, json!("")).iter().any(|message| message == LEAKED));
        assert!(messages(RULES, json!("Another-password-2026!")).is_empty());
    }

    const BLANK: &str = "This value should not be blank.";
    const INVALID_EMAIL: &str = "This value is not a valid email address.";
    const SHORT: &str = "This value is too short. It should have 12 characters or more.";
    const LONG: &str = "This value is too long. It should have 128 characters or less.";
    const CHOICE: &str = "The value you selected is not a valid choice.";
    const BAD_DATE: &str = "This value is not a valid date.";

    fn messages(constraints: &'static [Constraint], value: Value) -> Vec<String> {
        let fields: &'static [Field] = Box::leak(Box::new([Field::required("field", constraints)]));
        let attributes = Map::from_iter([("field".to_owned(), value)]);
        match check_fields(fields, &attributes, WORLD) {
            Ok(()) => Vec::new(),
            Err(errors) => errors
                .into_iter()
                .map(|error| error.detail.strip_prefix("field => ").expect("names the field").to_owned())
                .collect(),
        }
    }

    #[test]
    fn blank_is_what_php_takes_for_empty_save_zero() {
        for blank in [json!(null), json!(""), json!([]), json!({}), json!(false)] {
            assert_eq!(messages(&[Constraint::NotBlank], blank.clone()), [BLANK], "{blank}");
        }
        for filled in [json!("0"), json!(" "), json!(0), json!(true), json!([0]), json!({"a": 1})] {
            assert!(messages(&[Constraint::NotBlank], filled.clone()).is_empty(), "{filled}");
        }
    }

    #[test]
    fn each_constraint_skips_null_and_says_its_message() {
        const PASSWORD: &[Constraint] =
            &[Constraint::NotBlank, Constraint::MinLength(12), Constraint::MaxLength(128), Constraint::FourClasses];
        const GENDER: &[Constraint] = &[Constraint::NotBlank, Constraint::Choice(&["Male", "Female"])];
        const EMAIL: &[Constraint] = &[Constraint::NotBlank, Constraint::Email];
        const COUNTRY: &[Constraint] = &[Constraint::NotBlank, Constraint::MaxLength(2), Constraint::Country];
        const RESTORED: &[Constraint] = &[Constraint::FourClassesOnRestore];
        const LONG_CODE: &str = "This value is too long. It should have 2 characters or less.";
        let four_classes = FOUR_CLASSES;
        let cases: [(&'static [Constraint], Value, &[&str]); 44] = [
            (PASSWORD, json!(""), &[BLANK, SHORT]),
            (PASSWORD, json!(null), &[BLANK]),
            (PASSWORD, json!("Supp0rt!Supp0rt"), &[]),
            (PASSWORD, json!("äöü"), &[SHORT, four_classes]),
            (PASSWORD, json!("Ab1!".repeat(33)), &[LONG]),
            (GENDER, json!(""), &[BLANK, CHOICE]),
            (GENDER, json!("male"), &[CHOICE]),
            (GENDER, json!("Male"), &[]),
            (EMAIL, json!(""), &[BLANK]),
            (EMAIL, json!("mira"), &[INVALID_EMAIL]),
            (RESTORED, json!("äöü"), &[FOUR_CLASSES_ON_RESTORE]),
            (RESTORED, json!("Supp0rt!Supp0rt"), &[]),
            (RESTORED, json!(""), &[]),
            (COUNTRY, json!("DE"), &[]),
            (COUNTRY, json!("de"), &[]),
            (COUNTRY, json!("XX"), &[CHOICE]),
            (COUNTRY, json!("D"), &[CHOICE]),
            (COUNTRY, json!("DEU"), &[LONG_CODE]),
            (COUNTRY, json!(""), &[BLANK]),
            (COUNTRY, json!(null), &[BLANK]),
            (COUNTRY, json!(49), &[NOT_A_STRING]),
            (&[Constraint::MinLength(1)], json!(""), &["This value is too short. It should have 1 character or more."]),
            (
                &[Constraint::MaxLength(1)],
                json!("ab"),
                &["This value is too long. It should have 1 character or less."],
            ),
            (&[Constraint::MaxLength(2)], json!("ää"), &[]),
            (&[Constraint::IsTrue], json!(null), &[]),
            (&[Constraint::IsTrue], json!(true), &[]),
            (&[Constraint::IsTrue], json!(1), &[]),
            (&[Constraint::IsTrue], json!("1"), &[]),
            (&[Constraint::IsTrue], json!(false), &["This value should be true."]),
            (&[Constraint::IsTrue], json!("true"), &["This value should be true."]),
            (&[Constraint::IsTrue], json!(""), &["This value should be true."]),
            (&[Constraint::IsTrue], json!([]), &["This value should be true."]),
            (&[Constraint::Boolean], json!(""), &["This value should be of type bool."]),
            (&[Constraint::Boolean], json!(null), &[]),
            (&[Constraint::Numeric], json!("1"), &[]),
            (&[Constraint::Numeric], json!("nan"), &["This value should be of type numeric."]),
            (&[Constraint::GreaterThanZero], json!(0), &["This value should be greater than 0."]),
            (&[Constraint::GreaterThanZero], json!(2), &[]),
            (&[Constraint::Date], json!("2024-02-30"), &[BAD_DATE]),
            (&[Constraint::Date, Constraint::NotInFuture], json!("2026-03-04"), &[]),
            (&[Constraint::Date, Constraint::NotInFuture], json!("2026-03-05"), &[BAD_DATE]),
            (&[Constraint::Date, Constraint::NotInFuture], json!(""), &[]),
            (&[Constraint::Printable], json!("a\r\nb"), &["This value is not valid."]),
            (&[Constraint::Printable], json!("Zoë 'Zo' O’Neil"), &[]),
        ];
        for (constraints, value, expected) in cases {
            assert_eq!(messages(constraints, value.clone()), expected, "{constraints:?} {value}");
        }
    }

    #[test]
    fn a_quantity_is_a_whole_number_above_0_and_not_too_large() {
        const QUANTITY: &[Constraint] = &[
            Constraint::NotBlank,
            Constraint::Numeric,
            Constraint::GreaterThanZero,
            Constraint::Integer,
            Constraint::AtMost(1_000_000),
        ];
        const NOT_NUMERIC: &str = "This value should be of type numeric.";
        const NOT_POSITIVE: &str = "This value should be greater than 0.";
        const NOT_WHOLE: &str = "This value should be of type integer.";
        const TOO_MANY: &str = "This value should be less than or equal to 1000000.";
        let cases: [(Value, &[&str]); 21] = [
            (json!(null), &[BLANK]),
            (json!(""), &[BLANK, NOT_NUMERIC]),
            (json!(false), &[BLANK, NOT_NUMERIC]),
            (json!(true), &[NOT_NUMERIC]),
            (json!([2]), &[NOT_NUMERIC]),
            (json!("two"), &[NOT_NUMERIC]),
            (json!("1e999"), &[NOT_NUMERIC]),
            (json!(0), &[NOT_POSITIVE]),
            (json!("-2"), &[NOT_POSITIVE]),
            (json!(-0.5), &[NOT_POSITIVE, NOT_WHOLE]),
            (json!(1.5), &[NOT_WHOLE]),
            (json!("1.5"), &[NOT_WHOLE]),
            (json!("1.0"), &[NOT_WHOLE]),
            (json!("1e2"), &[NOT_WHOLE]),
            (json!(1_000_001), &[TOO_MANY]),
            (json!("1000000.5"), &[NOT_WHOLE, TOO_MANY]),
            (json!(18_446_744_073_709_551_615_u64), &[TOO_MANY]),
            (json!(1_000_000), &[]),
            (json!(2.0), &[]),
            (json!("2"), &[]),
            (json!(" +2 "), &[]),
        ];
        for (value, expected) in cases {
            assert_eq!(messages(QUANTITY, value.clone()), expected, "{value}");
        }
    }

    #[test]
    fn a_restored_password_is_refused_without_a_full_stop_behind_the_list() {
        assert_eq!(FOUR_CLASSES_ON_RESTORE, FOUR_CLASSES.replacen(r"\~. Non", r"\~ Non", 1));
        assert_ne!(FOUR_CLASSES_ON_RESTORE, FOUR_CLASSES);
    }

    #[test]
    fn a_wrong_type_is_told_once_behind_blank_and_instead_of_text_rules() {
        const NAME: &[Constraint] = &[Constraint::NotBlank, Constraint::MinLength(3), Constraint::Printable];
        assert_eq!(messages(NAME, json!(5)), [NOT_A_STRING]);
        assert_eq!(messages(NAME, json!(true)), [NOT_A_STRING]);
        assert_eq!(messages(NAME, json!(["x"])), [NOT_A_STRING]);
        assert_eq!(messages(NAME, json!([])), [BLANK, NOT_A_STRING]);
        assert_eq!(messages(NAME, json!(false)), [BLANK, NOT_A_STRING]);
        assert_eq!(messages(NAME, json!(null)), [BLANK]);
    }

    #[test]
    fn a_missing_field_says_only_that_and_points_at_what_is_there() {
        const FIELDS: &[Field] = &[
            Field::required("email", &[Constraint::NotBlank, Constraint::Email]),
            Field::optional("nickname", &[Constraint::MaxLength(3)]),
            Field::required("gender", &[Constraint::NotBlank]),
        ];
        let attributes = Map::from_iter([("gender".to_owned(), json!("")), ("extra".to_owned(), json!([]))]);
        let errors = check_fields(FIELDS, &attributes, WORLD).unwrap_err();
        let told: Vec<_> = errors.iter().map(|error| (&*error.detail, error.source.clone().unwrap())).collect();
        assert_eq!(
            told,
            [
                ("email => This field is missing.", Source::Pointer("/data/attributes".to_owned())),
                ("gender => This value should not be blank.", Source::Pointer("/data/attributes/gender".to_owned())),
            ]
        );
        assert!(errors.iter().all(|error| error.code == Some("901") && error.status == 422));
    }

    #[test]
    fn nested_fields_are_named_with_a_dot() {
        const CITY: &[Field] = &[Field::required("city", &[Constraint::NotBlank])];
        const FIELDS: &[Field] = &[Field::required("address", &[Constraint::NotBlank, Constraint::Object(CITY)])];
        let check = |value: Value| {
            let attributes = Map::from_iter([("address".to_owned(), value)]);
            check_fields(FIELDS, &attributes, WORLD)
                .err()
                .unwrap_or_default()
                .into_iter()
                .map(|error| (error.detail.into_owned(), error.source.unwrap()))
                .collect::<Vec<_>>()
        };
        let pointer = |path: &str| Source::Pointer(format!("/data/attributes{path}"));
        assert_eq!(
            check(json!({"city": ""})),
            [("address.city => This value should not be blank.".to_owned(), pointer("/address/city"))]
        );
        assert_eq!(
            check(json!({"town": "x"})),
            [("address.city => This field is missing.".to_owned(), pointer("/address"))]
        );
        assert_eq!(
            check(json!("Berlin")),
            [("address => This value should be of type object.".to_owned(), pointer("/address"))]
        );
        assert!(check(json!({"city": "Berlin"})).is_empty());
    }

    #[test]
    fn the_email_rule_is_loose() {
        for passes in ["a@b.c", "a@@b.c", "a b@c.de", "mira@exa_mple.com", "x@y@z.de", "ä@ö.ü", "a@b..c"] {
            assert!(is_email(passes), "{passes}");
        }
        for fails in
            ["", "a", "a@b", "@b.c", "a@.c", "a@b.", "a@b c.de", "a@b.de\n", "a\nb@c.de", "a@b .de", "@", "@.", "a@."]
        {
            assert!(!is_email(fails), "{fails:?}");
        }
    }

    proptest! {
        #[test]
        fn the_loose_rule_is_the_pattern_it_stands_for(text in "[a.@ \\n]{0,8}") {
            // ^.+@\S+\.\S+$, tried at every position.
            let matches = text.match_indices('@').any(|(at, _)| {
                let (local, rest) = (&text[..at], &text[at + 1..]);
                !local.is_empty() && !local.contains('\n') && !rest.contains(char::is_whitespace)
                    && rest.match_indices('.').any(|(dot, _)| dot > 0 && dot + 1 < rest.len())
            });
            prop_assert_eq!(is_email(&text), matches);
        }

        #[test]
        fn checking_never_panics(text in any::<String>()) {
            let _ = (is_email(&text), parse_date(&text), messages(&[Constraint::FourClasses, Constraint::Printable], json!(text)));
        }
    }
}
