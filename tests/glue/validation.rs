//! Section 1.10: what is wrong with single fields, all at once, in the order of the contract.

use serde_json::{Value, json};
use testkit::{Engine, Expected, Request, Row, check, confirm, document, on_both_databases, register, row, sign_up};

use crate::messages::{
    BLANK, CLASSES, LONG, LONG_NAME, MISSING, NO_CHOICE, NO_DATE, NO_TEXT, NOT_EMAIL, NOT_TRUE, SHORT, named,
    violations,
};
use crate::shop::{settings, sign_up_with, with_password};

on_both_databases! {
    tables: [sign_up_fields, what_passes, several_at_once, dates, other_resources]
}

/// Fields of a sign-up in the order in which their violations come.
const FIELDS: [&str; 8] =
    ["email", "gender", "salutation", "firstName", "lastName", "password", "confirmPassword", "acceptedTerms"];

/// A sign-up with one field changed, and what is wrong with that field.
fn field(holds: &'static str, name: &str, value: impl Into<Value>, messages: &[&str]) -> Row {
    let attributes = sign_up_with("fields@example.com", &[(name, Some(value.into()))]);
    row(holds, register(&attributes), violations(name, messages))
}

async fn sign_up_fields(engine: Engine) {
    let gateway = settings(engine).start().await;
    let mut rows = vec![
        field("1.10 NotBlank, Email: empty", "email", "", &[BLANK]),
        field("1.10 Email: no @", "email", "mira", &[NOT_EMAIL]),
        field("1.10 Email: no dot", "email", "a@b", &[NOT_EMAIL]),
        field("1.10 Email: nothing behind the dot", "email", "a@b.", &[NOT_EMAIL]),
        field("1.10 Email: nothing before the dot", "email", "a@.b", &[NOT_EMAIL]),
        field("1.10 Email: nothing before @", "email", "@example.com", &[NOT_EMAIL]),
        field("1.10 Email: a blank behind @", "email", "a@exam ple.com", &[NOT_EMAIL]),
        field("1.10 NotBlank, Choice: empty gender", "gender", "", &[BLANK, NO_CHOICE]),
        field("1.10 Choice: gender", "gender", "Other", &[NO_CHOICE]),
        field("1.10 Choice: case counts", "gender", "female", &[NO_CHOICE]),
        field("1.10 NotBlank, Choice: empty salutation", "salutation", "", &[BLANK, NO_CHOICE]),
        field("1.10 Choice: salutation", "salutation", "Sir", &[NO_CHOICE]),
        field("1.10 Choice: a blank behind it", "salutation", "Mr ", &[NO_CHOICE]),
        field("1.10 NotBlank: first name", "firstName", "", &[BLANK]),
        field("1.10 NotBlank: last name", "lastName", "", &[BLANK]),
        field("1.10 Length max: first name", "firstName", "x".repeat(101), &[LONG_NAME]),
        field("1.10 Length max: last name", "lastName", "ü".repeat(101), &[LONG_NAME]),
        field("1.10 NotBlank, Length min: empty password", "password", "", &[BLANK, SHORT]),
        field("1.10 Length min: password", "password", "Abcdef-1234", &[SHORT]),
        field("1.10 Length min and Regex", "password", "abc", &[SHORT, CLASSES]),
        field("1.10 Length max: password", "password", format!("{}aA1!", "xy".repeat(63)), &[LONG]),
        field("1.10 Length max and Regex", "password", "x".repeat(129), &[LONG, CLASSES]),
        field("1.10 Length counts code points", "password", format!("Aa1!{}", "ü".repeat(7)), &[SHORT, CLASSES]),
        field("2.2 Regex: no upper-case letter", "password", "vestibule-2nd-door!", &[CLASSES]),
        field("2.2 Regex: no lower-case letter", "password", "VESTIBULE-2ND-DOOR!", &[CLASSES]),
        field("2.2 Regex: no digit", "password", "Vestibule-Second-Door!", &[CLASSES]),
        field("2.2 Regex: no special character", "password", "Vestibule2ndDoor", &[CLASSES]),
        field("2.2 Regex: an umlaut", "password", "Vestibüle-2nd-Door!", &[CLASSES]),
        field("2.2 Regex: a blank", "password", "Vestibule 2nd Door!", &[CLASSES]),
        field("2.2 Regex: a quote", "password", "Vestibule-2nd-\"Door\"!", &[CLASSES]),
        field("2.2 Regex: an apostrophe", "password", "Vestibule-2nd-'Door'!", &[CLASSES]),
        field("2.2 Regex: a backtick", "password", "Vestibule-2nd-`Door`!", &[CLASSES]),
        field("1.10 NotBlank, Length min: empty repetition", "confirmPassword", "", &[BLANK, SHORT]),
        field("1.10 Length min: repetition, no Regex", "confirmPassword", "abc", &[SHORT]),
        field("1.10 Length max: repetition", "confirmPassword", "x".repeat(129), &[LONG]),
        field("1.10 IsTrue: false", "acceptedTerms", false, &[NOT_TRUE]),
        field("1.10 IsTrue: 0", "acceptedTerms", 0, &[NOT_TRUE]),
        field("1.10 IsTrue: a text", "acceptedTerms", "true", &[NOT_TRUE]),
        field("1.10 IsTrue: an empty text", "acceptedTerms", "", &[NOT_TRUE]),
    ];
    for name in FIELDS {
        rows.push(row(
            "1.10 a field that is absent, and no other message for it",
            register(&sign_up_with("fields@example.com", &[(name, None)])),
            violations(name, &[MISSING]),
        ));
        if name == "acceptedTerms" {
            continue;
        }
        rows.push(field("1.10 NotBlank: null", name, Value::Null, &[BLANK]));
        for other in [json!(5), json!(true), json!(["x"]), json!({ "x": 1 })] {
            rows.push(field("1.10 a text of another type", name, other, &[NO_TEXT]));
        }
        for empty in [json!([]), json!({}), json!(false)] {
            rows.push(field("1.10 another type that is blank too", name, empty, &[BLANK, NO_TEXT]));
        }
    }
    check(engine, gateway.client(), &rows).await;
}

async fn what_passes(engine: Engine) {
    let gateway = settings(engine).start().await;
    let created = || Expected::data(201);
    let with = |name: &str, value: Value| {
        let address = format!("passes-{}@example.com", name.to_lowercase());
        register(&sign_up_with(&address, &[(name, Some(value))]))
    };
    let long = format!("{}aA1!", "xy".repeat(62));
    check(
        engine,
        gateway.client(),
        &[
            row("1.10 NotBlank: \"0\"", with("firstName", json!("0")), created().at("/data/attributes/firstName", "0")),
            row("1.10 NotBlank: a blank of spaces", with("lastName", json!("  ")), created()),
            row("1.10 Length max: a hundred code points", with("firstName", json!("ü".repeat(100))), created()),
            row("1.10 Length min: twelve", register(&with_password("twelve@example.com", "Abcdef-12345")), created()),
            row("1.10 Length max: 128", register(&with_password("long@example.com", &long)), created()),
            row(
                "2.2 Regex: every special character",
                register(&with_password("special@example.com", "Aa1!@#$%^&*()_-+=[]{}|;:<>.,/?\\~")),
                created(),
            ),
            row(
                "2.2 Choice: n/a",
                with("salutation", json!("n/a")),
                created().at("/data/attributes/salutation", "n/a"),
            ),
            row("2.2 Choice: Dr", with("salutation", json!("Dr")), created()),
            row("2.2 Choice: Male", with("gender", json!("Male")), created().at("/data/attributes/gender", "Male")),
            row("1.10 IsTrue: 1", with("acceptedTerms", json!(1)), created()),
            row(
                "1.10 IsTrue: \"1\"",
                register(&sign_up_with("terms@example.com", &[("acceptedTerms", Some(json!("1")))])),
                created().at("/data/attributes/acceptedTerms", true),
            ),
            row(
                "1.10 extra attributes are ignored",
                with("colour", json!({ "red": [1] })),
                created().nothing_at("/data/attributes/colour"),
            ),
        ],
    )
    .await;
}

async fn several_at_once(engine: Engine) {
    let gateway = settings(engine).start().await;
    let all_missing = FIELDS.map(|name| (name, MISSING));
    let all_empty = json!({
        "acceptedTerms": false, "confirmPassword": "", "password": "", "lastName": "", "firstName": "", "salutation": "",
        "gender": "", "email": "",
    });
    check(
        engine,
        gateway.client(),
        &[
            row("1.10 everything missing, in order", register(&json!({})), named(&all_missing)),
            row(
                "1.10 everything empty, fields in order, then constraints",
                register(&all_empty),
                Expected::violations(&[
                    "email => This value should not be blank.",
                    "gender => This value should not be blank.",
                    "gender => The value you selected is not a valid choice.",
                    "salutation => This value should not be blank.",
                    "salutation => The value you selected is not a valid choice.",
                    "firstName => This value should not be blank.",
                    "lastName => This value should not be blank.",
                    "password => This value should not be blank.",
                    "password => This value is too short. It should have 12 characters or more.",
                    "confirmPassword => This value should not be blank.",
                    "confirmPassword => This value is too short. It should have 12 characters or more.",
                    "acceptedTerms => This value should be true.",
                ]),
            ),
            row(
                "1.1 two violations",
                register(&sign_up_with("x", &[("acceptedTerms", Some(json!(false)))])),
                Expected::violations(&[
                    "email => This value is not a valid email address.",
                    "acceptedTerms => This value should be true.",
                ]),
            ),
        ],
    )
    .await;
}

async fn dates(engine: Engine) {
    let gateway = settings(engine).start().await;
    let born = |day: Value| register(&sign_up_with("born@example.com", &[("dateOfBirth", Some(day))]));
    let wrong = |holds: &'static str, day: &str| field(holds, "dateOfBirth", day, &[NO_DATE]);
    check(
        engine,
        gateway.client(),
        &[
            wrong("1.10 Date: no such day", "1990-02-30"),
            wrong("1.10 Date: no leap year", "2023-02-29"),
            wrong("1.10 Date: another order", "30.01.1990"),
            wrong("1.10 Date: one digit", "1990-1-1"),
            wrong("1.10 Date: with a time", "1990-01-01T00:00:00"),
            wrong("1.10 Date: no date", "yesterday"),
            field("1.10 Date: a number", "dateOfBirth", 19_900_228, &[NO_TEXT]),
            field("1.10 Date: a list", "dateOfBirth", json!(["1990-02-28"]), &[NO_TEXT]),
            wrong("2.2 Date: in the future", "2999-01-01"),
            row(
                "2.2 Date: null",
                born(Value::Null),
                Expected::data(201).at("/data/attributes/dateOfBirth", Value::Null),
            ),
            row(
                "2.2 Date: a day",
                born(json!("1990-02-28")),
                Expected::data(201).at("/data/attributes/dateOfBirth", "1990-02-28"),
            ),
            row(
                "2.2 Date: a leap day",
                born(json!("2000-02-29")),
                Expected::data(201).at("/data/attributes/dateOfBirth", "2000-02-29"),
            ),
        ],
    )
    .await;
}

async fn other_resources(engine: Engine) {
    let gateway = settings(engine).start().await;
    let post = |kind: &str, attributes: Value| Request::post(&format!("/{kind}"), &document(kind, &attributes));
    let key = |value: Value| post("customer-confirmation", json!({ "registrationKey": value }));
    let resend = |value: Value| post("customer-confirmation-resend", json!({ "email": value }));
    let refresh = |value: Value| post("refresh-tokens", json!({ "refreshToken": value }));
    check(
        engine,
        gateway.client(),
        &[
            row(
                "3 a key that is missing",
                post("customer-confirmation", json!({})),
                Expected::violations(&["registrationKey => This field is missing."]),
            ),
            row(
                "3 a key under another name",
                post("customer-confirmation", json!({ "registrationkey": "x" })),
                Expected::violations(&["registrationKey => This field is missing."]),
            ),
            row(
                "3 a blank key",
                confirm(""),
                Expected::violations(&["registrationKey => This value should not be blank."]),
            ),
            row(
                "3 a key of null",
                key(Value::Null),
                Expected::violations(&["registrationKey => This value should not be blank."]),
            ),
            row(
                "3 a key of false",
                key(json!(false)),
                Expected::violations(&[
                    "registrationKey => This value should not be blank.",
                    "registrationKey => This value should be of type string.",
                ]),
            ),
            row(
                "3 a key that is a number",
                key(json!(5)),
                Expected::violations(&["registrationKey => This value should be of type string."]),
            ),
            row(
                "3 a key that is a list",
                key(json!(["x"])),
                Expected::violations(&["registrationKey => This value should be of type string."]),
            ),
            row(
                "3 resend: missing",
                post("customer-confirmation-resend", json!({})),
                Expected::violations(&["email => This field is missing."]),
            ),
            row(
                "3 resend: blank",
                resend(json!("")),
                Expected::violations(&["email => This value should not be blank."]),
            ),
            row(
                "3 resend: null",
                resend(Value::Null),
                Expected::violations(&["email => This value should not be blank."]),
            ),
            row(
                "3 resend: no address",
                resend(json!("mira")),
                Expected::violations(&["email => This value is not a valid email address."]),
            ),
            row(
                "3 resend: 256 characters",
                resend(json!(format!("{}@example.com", "a".repeat(244)))),
                Expected::violations(&["email => This value is too long. It should have 255 characters or less."]),
            ),
            row(
                "3 resend: a list",
                resend(json!(["a@b.c"])),
                Expected::violations(&["email => This value should be of type string."]),
            ),
            row(
                "6.1 nothing",
                post("access-tokens", json!({})),
                Expected::violations(&["username => This field is missing.", "password => This field is missing."]),
            ),
            row(
                "6.1 both empty, in either order",
                post("access-tokens", json!({ "password": "", "username": "" })),
                Expected::violations(&[
                    "username => This value should not be blank.",
                    "password => This value should not be blank.",
                ]),
            ),
            row(
                "6.1 a user name that is no address",
                post("access-tokens", json!({ "username": "mira", "password": "x" })),
                Expected::violations(&["username => This value is not a valid email address."]),
            ),
            row(
                "6.1 a user name of null",
                post("access-tokens", json!({ "username": null, "password": null })),
                Expected::violations(&[
                    "username => This value should not be blank.",
                    "password => This value should not be blank.",
                ]),
            ),
            row(
                "6.1 a password that is a number",
                post("access-tokens", json!({ "username": "mira@example.com", "password": 12 })),
                Expected::violations(&["password => This value should be of type string."]),
            ),
            row(
                "6.3 missing",
                post("refresh-tokens", json!({})),
                Expected::violations(&["refreshToken => This field is missing."]),
            ),
            row(
                "6.3 blank",
                refresh(json!("")),
                Expected::violations(&["refreshToken => This value should not be blank."]),
            ),
            row(
                "6.3 null",
                refresh(Value::Null),
                Expected::violations(&["refreshToken => This value should not be blank."]),
            ),
            row(
                "6.3 an object",
                refresh(json!({ "x": 1 })),
                Expected::violations(&["refreshToken => This value should be of type string."]),
            ),
            row("1.10 a good sign-up after all that", register(&sign_up("fine@example.com")), Expected::data(201)),
        ],
    )
    .await;
}
