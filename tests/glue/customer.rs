//! Sections 2.4 and 2.5: changing one's account, and deleting it. What a new address takes is in `email_change`.

use serde_json::{Value, json};
use testkit::{
    Engine, Expected, PASSWORD, Request, Row, check, document, log_in, on_both_databases, patch_customer, row,
};

use crate::messages::{
    BLANK, CLASSES, LONG, LONG_ADDRESS, LONG_NAME, NO_ADDRESS, NO_CHOICE, NO_DATE, NO_TEXT, NOT_EMAIL, NOT_PRINTABLE,
    SHORT, bad_token, different, named, no_document, no_id, no_route, no_token, not_logged_in, not_own, taken,
    two_users, violations, wrong_type,
};
use crate::shop::{BASE, GUEST, OTHER_PASSWORD, Shop};

on_both_databases! {
    tables: [changes, what_never_changes, fields, order_of_checks, addresses_of_mail, all_or_nothing, deleting]
    scenarios: [a_change_has_its_time]
}

async fn changes(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let patch = |attributes: Value| patch_customer(&session.reference, &attributes).bearer(&session.access_token);
    let query = |query: &str| {
        Request::patch(&format!("{}?{query}", session.path()), &document("customers", &json!({ "firstName": "Nora" })))
            .bearer(&session.access_token)
    };
    let shown = |members: &[(&str, Value)]| {
        let whole = Expected::data(200)
            .at("/data/type", "customers")
            .at("/data/id", session.reference.as_str())
            .at("/data/attributes/email", session.email.as_str())
            .at("/data/attributes/acceptedTerms", Value::Null)
            .at("/data/attributes/confirmPassword", Value::Null)
            .no_header("Location");
        members
            .iter()
            .fold(whole, |expected, (name, value)| expected.at(&format!("/data/attributes/{name}"), value.clone()))
    };
    let own_link = |link: String| Expected::data(200).at("/data/links/self", link);
    check(
        engine,
        gateway.client(),
        &[
            row(
                "2.4 only what is present changes",
                patch(json!({ "firstName": "Nora" })),
                shown(&[("firstName", json!("Nora")), ("lastName", json!("Olsen")), ("gender", json!("Female"))]),
            ),
            row(
                "2.4 several at once",
                patch(json!({
                    "salutation": "Dr", "lastName": "Berg", "gender": "Male", "dateOfBirth": "1990-05-17",
                })),
                shown(&[
                    ("salutation", json!("Dr")),
                    ("firstName", json!("Nora")),
                    ("lastName", json!("Berg")),
                    ("gender", json!("Male")),
                    ("dateOfBirth", json!("1990-05-17")),
                ]),
            ),
            row("2.4 nothing", patch(json!({})), shown(&[("lastName", json!("Berg"))])),
            row(
                "1.12 the salutation n/a",
                patch(json!({ "salutation": "n/a" })),
                shown(&[("salutation", json!("n/a"))]),
            ),
            row("2.4 a date may go", patch(json!({ "dateOfBirth": null })), shown(&[("dateOfBirth", Value::Null)])),
            row(
                "2.4 a leap day",
                patch(json!({ "dateOfBirth": "2000-02-29" })),
                shown(&[("dateOfBirth", json!("2000-02-29"))]),
            ),
            row(
                "1.10 Length counts code points",
                patch(json!({ "firstName": "ü".repeat(100) })),
                shown(&[("firstName", json!("ü".repeat(100)))]),
            ),
            row("1.10 NotBlank: \"0\"", patch(json!({ "firstName": "0" })), shown(&[("firstName", json!("0"))])),
            row(
                "1.10 extra attributes are ignored",
                patch(json!({ "colour": { "red": [1] }, "lastName": "Lund" })),
                shown(&[("lastName", json!("Lund"))]).nothing_at("/data/attributes/colour"),
            ),
            row(
                "1.1 the link of a resource repeats the query of the request",
                query("fields[customers]=firstName"),
                own_link(format!("{BASE}{}?fields[customers]=firstName", session.path()))
                    .at("/data/attributes", json!({ "firstName": "Nora" })),
            ),
            row("1.1 the link without a query", patch(json!({})), own_link(format!("{BASE}{}", session.path()))),
            row(
                "2.3 what was changed is read",
                Request::get(&session.path()).bearer(&session.access_token),
                shown(&[("firstName", json!("Nora")), ("lastName", json!("Lund")), ("salutation", json!("n/a"))]),
            ),
        ],
    )
    .await;
}

async fn what_never_changes(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let other = gateway.sign_in("other@example.com").await;
    let read = Request::get(&session.path()).bearer(&session.access_token);
    let created = gateway.send(&read).await.expect_status(200).text("/data/attributes/createdAt");
    let patch = |attributes: Value| patch_customer(&session.reference, &attributes).bearer(&session.access_token);
    let with_id = |id: &str| {
        let body = json!({ "data": { "type": "customers", "id": id, "attributes": { "firstName": "Nora" } } });
        Request::patch(&session.path(), &body).bearer(&session.access_token)
    };
    let times = json!({ "createdAt": "2001-01-01 00:00:00.000000", "updatedAt": "2001-01-01 00:00:00.000000" });
    let foreign_read = Request::get(&other.path()).bearer(&other.access_token);
    check(
        engine,
        gateway.client(),
        &[
            row("2.4 times", patch(times), Expected::data(200).at("/data/attributes/createdAt", created.as_str())),
            row(
                "2.4 the password",
                patch(json!({ "password": OTHER_PASSWORD, "confirmPassword": OTHER_PASSWORD })),
                Expected::data(200).nothing_at("/data/attributes/password"),
            ),
            row("2.4 the repetition alone", patch(json!({ "confirmPassword": OTHER_PASSWORD })), Expected::data(200)),
            row("2.4 a password of null", patch(json!({ "password": null })), Expected::data(200)),
            row("2.4 the old password opens", log_in(&session.email, PASSWORD), Expected::data(201)),
            row("2.4 the other one does not", log_in(&session.email, OTHER_PASSWORD), not_logged_in()),
            row(
                "2.4 consent",
                patch(json!({ "acceptedTerms": false })),
                Expected::data(200).at("/data/attributes/acceptedTerms", Value::Null),
            ),
            row(
                "JSON:API switch 5: the URL wins over data.id",
                with_id(&other.reference),
                Expected::data(200).at("/data/id", session.reference.as_str()).at("/data/attributes/firstName", "Nora"),
            ),
            row("2.4 nobody else", foreign_read, Expected::data(200).at("/data/attributes/firstName", "Mira")),
        ],
    )
    .await;
}

async fn fields(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let patch = |attributes: Value| patch_customer(&session.reference, &attributes).bearer(&session.access_token);
    let field = |holds: &'static str, name: &str, value: Value, messages: &[&str]| {
        row(holds, patch(json!({ name: value })), violations(name, messages))
    };
    let both = |password: &str| patch(json!({ "password": password, "confirmPassword": password }));
    let mut rows: Vec<Row> = vec![
        field("2.4 Email: no dot", "email", json!("a@b"), &[NOT_EMAIL]),
        field("2.4 NotBlank, Email: empty", "email", json!(""), &[BLANK]),
        field("2.4 NotBlank, Choice: empty gender", "gender", json!(""), &[BLANK, NO_CHOICE]),
        field("2.4 Choice: gender", "gender", json!("female"), &[NO_CHOICE]),
        field("2.4 NotBlank, Choice: empty salutation", "salutation", json!(""), &[BLANK, NO_CHOICE]),
        field("2.4 Choice: salutation", "salutation", json!("Sir"), &[NO_CHOICE]),
        field("2.4 NotBlank: first name", "firstName", json!(""), &[BLANK]),
        field("2.4 NotBlank: last name", "lastName", json!(""), &[BLANK]),
        field("2.4 Length max: first name", "firstName", json!("x".repeat(101)), &[LONG_NAME]),
        field("2.4 Length max: last name", "lastName", json!("ü".repeat(101)), &[LONG_NAME]),
        field("a control character in a name", "firstName", json!("Mi\0ra"), &[NOT_PRINTABLE]),
        field("2.4 Date: no such day", "dateOfBirth", json!("1990-02-30"), &[NO_DATE]),
        field("2.4 Date: another order", "dateOfBirth", json!("30.01.1990"), &[NO_DATE]),
        field("2.4 Date: in the future, as on POST", "dateOfBirth", json!("2999-01-01"), &[NO_DATE]),
        field("2.4 Length min: an empty password", "password", json!(""), &[SHORT]),
        row(
            "2.4 Length min, Regex: a password and its repetition",
            both("abc"),
            named(&[("password", SHORT), ("password", CLASSES), ("confirmPassword", SHORT)]),
        ),
        row(
            "2.4 Length max, Regex: a password and its repetition",
            both(&"x".repeat(129)),
            named(&[("password", LONG), ("password", CLASSES), ("confirmPassword", LONG)]),
        ),
        row(
            "2.4 all violations at once, in order",
            patch(json!({ "lastName": "", "firstName": "", "salutation": "Sir", "gender": "x", "email": "x" })),
            named(&[
                ("email", NOT_EMAIL),
                ("gender", NO_CHOICE),
                ("salutation", NO_CHOICE),
                ("firstName", BLANK),
                ("lastName", BLANK),
            ]),
        ),
    ];
    for name in ["email", "gender", "salutation", "firstName", "lastName"] {
        rows.push(field("2.4 null is blank", name, Value::Null, &[BLANK]));
        for other in [json!(5), json!(true), json!(["x"]), json!({ "x": 1 })] {
            rows.push(field("1.10 a text of another type", name, other, &[NO_TEXT]));
        }
    }
    rows.push(row(
        "2.4 nothing of it was written",
        Request::get(&session.path()).bearer(&session.access_token),
        Expected::data(200)
            .at("/data/attributes/firstName", "Mira")
            .at("/data/attributes/lastName", "Olsen")
            .at("/data/attributes/dateOfBirth", Value::Null),
    ));
    check(engine, gateway.client(), &rows).await;
}

async fn order_of_checks(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let other = gateway.sign_in("other@example.com").await;
    let patch = |reference: &str, attributes: Value| patch_customer(reference, &attributes);
    let own = |attributes: Value| patch(&session.reference, attributes).bearer(&session.access_token);
    let foreign = |attributes: Value| patch(&other.reference, attributes).bearer(&session.access_token);
    let two_passwords = || json!({ "password": PASSWORD, "confirmPassword": OTHER_PASSWORD });
    let with_id = format!("/customers/{}", session.reference);
    let of = |reference: &str| patch(reference, json!({ "firstName": "Nora" })).bearer(&session.access_token);
    check(
        engine,
        gateway.client(),
        &[
            row("1.4 row 3", Request::patch(&with_id, &document("customer", &json!({}))), wrong_type()),
            row(
                "1.4 row 4: no attributes",
                Request::patch(&with_id, &json!({ "data": { "type": "customers" } })),
                no_document(),
            ),
            row("1.4 row 4: no body", Request::new("PATCH", &with_id).bearer(&session.access_token), no_document()),
            row(
                "1.4 row 3 before row 5",
                Request::patch("/customers", &document("customer", &json!({}))),
                wrong_type(),
            ),
            row("1.4 row 5, 2.4 without an id", patch("", json!({})).bearer(&session.access_token), no_id()),
            row("1.4 row 5 before row 6d", patch("", json!({})), no_id()),
            row("1.4 row 6c", own(json!({})).header(GUEST, "guest-1"), two_users()),
            row("1.4 row 6d: no token", patch(&session.reference, json!({})), no_token()),
            row("1.4 row 6e: a bad token", patch(&session.reference, json!({})).bearer("x"), bad_token()),
            row("1.4 row 6d before row 6f", patch(&session.reference, json!({ "gender": "x" })), no_token()),
            row("1.4 row 8: another's", foreign(json!({ "firstName": "Nora" })), not_own()),
            row("1.4 row 8: one that is not there", of("DE--4711"), not_own()),
            row("1.4 row 8: mine is no alias", of("mine"), not_own()),
            row("1.4 row 6f before row 8", foreign(json!({ "gender": "x" })), violations("gender", &[NO_CHOICE])),
            row("2.4 411 before 406", foreign(two_passwords()), not_own()),
            row(
                "2.4 901 before 406",
                own(json!({
                    "firstName": "", "password": PASSWORD, "confirmPassword": OTHER_PASSWORD,
                })),
                violations("firstName", &[BLANK]),
            ),
            row("2.4 passwords differ", own(two_passwords()), different()),
            row("2.4 a password without its repetition", own(json!({ "password": PASSWORD })), different()),
            row(
                "2.4 406 before 400",
                own(json!({
                    "email": other.email, "password": PASSWORD, "confirmPassword": OTHER_PASSWORD,
                })),
                different(),
            ),
            row(
                "2.4 406 before 416",
                own(json!({
                    "email": "a..b@example.com", "password": PASSWORD, "confirmPassword": OTHER_PASSWORD,
                })),
                different(),
            ),
            row("1.3 POST with an id", Request::post(&with_id, &document("customers", &json!({}))), no_route()),
            row("2.4 nothing of it was written", Request::get(&with_id).bearer(&session.access_token), {
                Expected::data(200).at("/data/attributes/firstName", "Mira")
            }),
        ],
    )
    .await;
}

async fn addresses_of_mail(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    gateway.sign_in("jörg@bücher.example").await;
    let email =
        |email: &str| patch_customer(&session.reference, &json!({ "email": email })).bearer(&session.access_token);
    let long = format!("{}@{}.example.com", "a".repeat(60), "b".repeat(28));
    let long_and_wrong = format!("a..b@{}.{}.com", "b".repeat(60), "c".repeat(60));
    let shown = |email: &str| Expected::data(200).at("/data/attributes/email", email);
    let no_address = || Expected::error(422, "416", NO_ADDRESS);
    check(
        engine,
        gateway.client(),
        &[
            row("2.4 a confirmed account has it", email("jörg@bücher.example"), taken()),
            row("2.4 whatever the spelling", email("JÖRG@xn--bcher-kva.example"), taken()),
            row("2.4 two dots", email("a..b@example.com"), no_address()),
            row("2.4 a control character", email("a\0@example.com"), no_address()),
            row("2.4 101 characters", email(&long), Expected::error(422, "417", LONG_ADDRESS)),
            row(
                "2.4 all that fails",
                email(&long_and_wrong),
                Expected::errors(&[(422, "416", NO_ADDRESS), (422, "417", LONG_ADDRESS)]),
            ),
            row("2.4 one's own", email(&session.email), shown(&session.email)),
            row("2.4 one's own in another spelling", email("Mira.OLSEN@example.com"), shown("Mira.OLSEN@example.com")),
            row("2.4 which counts at once", Request::get(&session.path()).bearer(&session.access_token), {
                shown("Mira.OLSEN@example.com")
            }),
            row("2.4 a login in either", log_in(&session.email, PASSWORD), Expected::data(201)),
        ],
    )
    .await;
    gateway.until_all_mail_is_sent().await;
    let mails = gateway.mailbox().list(&session.email).await;
    assert_eq!(mails.len(), 1, "the sign-up's own mail and no other: {mails:?}");
}

async fn all_or_nothing(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let other = gateway.sign_in("other@example.com").await;
    let patch = |email: &str| {
        patch_customer(&session.reference, &json!({ "firstName": "Nora", "email": email }))
            .bearer(&session.access_token)
    };
    let unchanged = || Expected::data(200).at("/data/0/attributes/firstName", "Mira");
    let read = || Request::get("/customers").bearer(&session.access_token);
    check(
        engine,
        gateway.client(),
        &[
            row("2.4 a taken address", patch(&other.email), taken()),
            row("JSON:API 80: nothing is written", read(), unchanged()),
            row("2.4 no address", patch("a..b@example.com"), Expected::error(422, "416", NO_ADDRESS)),
            row("JSON:API 80: nothing is written here either", read(), unchanged()),
        ],
    )
    .await;
}

async fn deleting(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let other = gateway.sign_in("other@example.com").await;
    let delete = |path: &str| Request::delete(path).bearer(&session.access_token);
    check(
        engine,
        gateway.client(),
        &[
            row("2.5 without an id", delete("/customers"), no_id()),
            row("2.5 400 before 403", Request::delete("/customers"), no_id()),
            row("2.5 no token", Request::delete(&session.path()), no_token()),
            row("2.5 a bad token", Request::delete(&session.path()).bearer("x"), bad_token()),
            row("2.5 both headers", delete(&session.path()).header(GUEST, "guest-1"), two_users()),
            row("2.5 another's", delete(&other.path()), not_own()),
            row("2.5 one that is not there", delete("/customers/DE--4711"), not_own()),
            row("2.5 mine is no alias", delete("/customers/mine"), not_own()),
            row(
                "2.5 all are there still",
                Request::get(&other.path()).bearer(&other.access_token),
                Expected::data(200),
            ),
            row("2.5 one's own", delete(&session.path()), Expected::no_content()),
            row("2.5 gone", delete(&session.path()), crate::messages::no_customer()),
            row("2.5 nobody else", Request::get(&other.path()).bearer(&other.access_token), Expected::data(200)),
        ],
    )
    .await;
}

async fn a_change_has_its_time(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let read = Request::get(&session.path()).bearer(&session.access_token);
    let before = gateway.send(&read).await.expect_status(200);
    gateway.advance(3600).await;
    let patch = patch_customer(&session.reference, &json!({ "firstName": "Nora" })).bearer(&session.access_token);
    let after = gateway.send(&patch).await.expect_status(200);
    let (created, updated) = ("/data/attributes/createdAt", "/data/attributes/updatedAt");
    assert_eq!(after.text(created), before.text(created), "2.4 the time of the sign-up stays");
    assert!(after.text(updated) > before.text(updated), "2.4 {after:?} is later than {before:?}");
    let names = |answer: &testkit::Answer| {
        let json = answer.json();
        json.pointer("/data/attributes").unwrap().as_object().unwrap().keys().cloned().collect::<Vec<_>>()
    };
    assert_eq!(names(&after), names(&before), "2.4 the full resource, in its order");
    assert_eq!(gateway.send(&read).await.text(updated), after.text(updated), "2.4 the answer is what is stored");
}
