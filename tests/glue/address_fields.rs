//! Section 5: what is wrong with the single fields of an address.

use serde_json::{Value, json};
use testkit::{
    Engine, Expected, Request, Row, check, document, insert_address, new_address, on_both_databases, patch_address, row,
};

use crate::messages::{
    BLANK, LONG_COUNTRY, LONG_NAME, LONG_TEXT, LONG_ZIP_CODE, MISSING, NO_BOOLEAN, NO_CHOICE, NO_TEXT, NOT_PRINTABLE,
    SHORT_CITY, named, no_document, violations, wrong_type,
};
use crate::shop::{Shop, changed_address, with};

on_both_databases! {
    tables: [fields_of_a_new_address, fields_of_a_change, what_passes, documents]
}

/// The fields that a new address must have, in the order in which their violations come.
const REQUIRED: [&str; 10] = [
    "salutation",
    "firstName",
    "lastName",
    "address1",
    "address2",
    "zipCode",
    "city",
    "iso2Code",
    "isDefaultShipping",
    "isDefaultBilling",
];

const TEXTS: [&str; 8] = ["salutation", "firstName", "lastName", "address1", "address2", "zipCode", "city", "iso2Code"];

/// What is wrong with a field, on POST and on PATCH alike.
fn wrong_values() -> Vec<(&'static str, &'static str, Value, Vec<&'static str>)> {
    let long = |length: usize| json!("x".repeat(length));
    let mut values = vec![
        ("5 NotBlank, Choice: empty", "salutation", json!(""), vec![BLANK, NO_CHOICE]),
        ("5 Choice", "salutation", json!("Sir"), vec![NO_CHOICE]),
        ("5 Choice: case counts", "salutation", json!("ms"), vec![NO_CHOICE]),
        ("5 NotBlank", "firstName", json!(""), vec![BLANK]),
        ("5 Length max 100", "firstName", long(101), vec![LONG_NAME]),
        ("5 NotBlank", "lastName", json!(""), vec![BLANK]),
        ("5 Length max 100", "lastName", json!("ü".repeat(101)), vec![LONG_NAME]),
        ("5 NotBlank", "address1", json!(""), vec![BLANK]),
        ("5 Length max 255", "address1", long(256), vec![LONG_TEXT]),
        ("5 NotBlank", "address2", json!(""), vec![BLANK]),
        ("5 Length max 255", "address2", long(256), vec![LONG_TEXT]),
        ("5 Length max 255", "address3", long(256), vec![LONG_TEXT]),
        ("5 NotBlank", "zipCode", json!(""), vec![BLANK]),
        ("5 Length max 15", "zipCode", long(16), vec![LONG_ZIP_CODE]),
        ("5 NotBlank, Length min 3: empty", "city", json!(""), vec![BLANK, SHORT_CITY]),
        ("5 Length min 3", "city", json!("Ul"), vec![SHORT_CITY]),
        ("5 Length max 255", "city", long(256), vec![LONG_TEXT]),
        ("5 Length max 255", "phone", long(256), vec![LONG_TEXT]),
        ("5 Length max 255, as API Platform has it", "company", long(256), vec![LONG_TEXT]),
        ("5 NotBlank: an empty country", "iso2Code", json!(""), vec![BLANK]),
        ("5 Length max 2", "iso2Code", json!("DEU"), vec![LONG_COUNTRY]),
        ("5 an unknown country", "iso2Code", json!("XX"), vec![NO_CHOICE]),
        ("5 not a code of ISO 3166-1", "iso2Code", json!("UK"), vec![NO_CHOICE]),
        ("5 digits", "iso2Code", json!("49"), vec![NO_CHOICE]),
        ("5 Type bool: a text", "isDefaultShipping", json!("true"), vec![NO_BOOLEAN]),
        ("5 Type bool: empty", "isDefaultShipping", json!(""), vec![NO_BOOLEAN]),
        ("5 Type bool: a number", "isDefaultBilling", json!(1), vec![NO_BOOLEAN]),
        ("5 Type bool: a list", "isDefaultBilling", json!([true]), vec![NO_BOOLEAN]),
        ("5 Type bool: an object", "isDefaultBilling", json!({ "x": true }), vec![NO_BOOLEAN]),
    ];
    for name in TEXTS {
        values.push(("5 NotBlank: null", name, Value::Null, vec![BLANK]));
        for other in [json!(5), json!(true), json!(["x"]), json!({ "x": 1 })] {
            values.push(("1.10 a text of another type", name, other, vec![NO_TEXT]));
        }
    }
    for name in ["address3", "phone", "company"] {
        for other in [json!(5), json!(true), json!(["x"]), json!({ "x": 1 })] {
            values.push(("1.10 a text of another type", name, other, vec![NO_TEXT]));
        }
    }
    for name in ["firstName", "lastName", "address1", "address2", "address3", "zipCode", "city", "phone", "company"] {
        for text in ["Ham\0burg", "Ham\r\nburg", "Ham\u{85}burg"] {
            values.push(("a control character", name, json!(text), vec![NOT_PRINTABLE]));
        }
    }
    values
}

async fn fields_of_a_new_address(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let post = |attributes: &Value| insert_address(&session.reference, attributes).bearer(&session.access_token);
    let mut rows: Vec<Row> = wrong_values()
        .into_iter()
        .map(|(holds, name, value, messages)| {
            row(holds, post(&changed_address(name, value)), violations(name, &messages))
        })
        .collect();
    for name in REQUIRED {
        let without = with(new_address(), &[(name, None)]);
        rows.push(row("5 one is missing", post(&without), violations(name, &[MISSING])));
    }
    let all_missing = REQUIRED.map(|name| (name, MISSING));
    rows.push(row("5 everything missing, in order", post(&json!({})), named(&all_missing)));
    let all_wrong = json!({
        "isDefaultBilling": "", "isDefaultShipping": "", "iso2Code": "XX", "phone": "x".repeat(256), "city": "", "zipCode": "",
        "address3": "x".repeat(256), "address2": "", "address1": "", "lastName": "", "firstName": "", "salutation": "",
    });
    rows.push(row(
        "5 everything wrong, fields in order, then constraints",
        post(&all_wrong),
        named(&[
            ("salutation", BLANK),
            ("salutation", NO_CHOICE),
            ("firstName", BLANK),
            ("lastName", BLANK),
            ("address1", BLANK),
            ("address2", BLANK),
            ("address3", LONG_TEXT),
            ("zipCode", BLANK),
            ("city", BLANK),
            ("city", SHORT_CITY),
            ("phone", LONG_TEXT),
            ("iso2Code", NO_CHOICE),
            ("isDefaultShipping", NO_BOOLEAN),
            ("isDefaultBilling", NO_BOOLEAN),
        ]),
    ));
    let list = Request::get(&session.addresses()).bearer(&session.access_token);
    rows.push(row("5 nothing of it was written", list, Expected::data(200).at("/data", json!([]))));
    check(engine, gateway.client(), &rows).await;
}

async fn fields_of_a_change(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let id = gateway.insert_address(&session, &new_address()).await;
    let patch = |attributes: &Value| patch_address(&session.reference, &id, attributes).bearer(&session.access_token);
    let mut rows: Vec<Row> = wrong_values()
        .into_iter()
        .map(|(holds, name, value, messages)| row(holds, patch(&json!({ name: value })), violations(name, &messages)))
        .collect();
    rows.push(row("5 nothing is missing in a PATCH", patch(&json!({})), Expected::data(200)));
    let read = Request::get(&format!("{}/{id}", session.addresses())).bearer(&session.access_token);
    let attributes = read_attributes();
    rows.push(row("5 nothing of it was written", read, Expected::data(200).at("/data/attributes", attributes)));
    check(engine, gateway.client(), &rows).await;
}

fn read_attributes() -> Value {
    json!({
        "salutation": "Ms", "firstName": "Mira", "lastName": "Olsen", "address1": "Kieler Str.", "address2": "75",
        "address3": null, "zipCode": "22525", "city": "Hamburg", "country": "Germany", "iso2Code": "DE", "company": null,
        "phone": null, "isDefaultShipping": true, "isDefaultBilling": true,
    })
}

async fn what_passes(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let with_field = |name: &str, value: Value| {
        insert_address(&session.reference, &changed_address(name, value)).bearer(&session.access_token)
    };
    let shown = |name: &str, value: Value| Expected::data(201).at(&format!("/data/attributes/{name}"), value);
    let passes =
        |holds: &'static str, name: &str, value: Value| row(holds, with_field(name, value.clone()), shown(name, value));
    check(
        engine,
        gateway.client(),
        &[
            passes("1.12 the salutation n/a", "salutation", json!("n/a")),
            passes("5 Length max 100", "firstName", json!("ü".repeat(100))),
            passes("5 Length max 255", "address1", json!("ü".repeat(255))),
            passes("5 NotBlank: a blank of spaces", "address2", json!(" ")),
            passes("5 NotBlank: \"0\"", "address2", json!("0")),
            passes("5 address3", "address3", json!("c/o Lund")),
            passes("5 address3 of null", "address3", Value::Null),
            passes("5 Length max 15", "zipCode", json!("123456789012345")),
            passes("5 Length min 3", "city", json!("Ulm")),
            passes("5 three code points", "city", json!("Åmå")),
            passes("5 phone", "phone", json!("+49 40 123456")),
            passes("5 phone of null", "phone", Value::Null),
            passes("5 company", "company", json!("Lund & Söhne")),
            passes("5 company of null", "company", Value::Null),
            passes("any script is an address", "city", json!("東京都 Ørsta")),
            passes("markup is an address and stays one", "address1", json!("<b>'; DROP TABLE addresses; --")),
            row("5 another country", with_field("iso2Code", json!("AT")), {
                shown("iso2Code", json!("AT")).at("/data/attributes/country", "Austria")
            }),
            row("5 the case of a code does not count", with_field("iso2Code", json!("de")), {
                shown("iso2Code", json!("DE")).at("/data/attributes/country", "Germany")
            }),
            row(
                "5 the country is derived",
                with_field("country", json!("Atlantis")),
                shown("country", json!("Germany")),
            ),
            row(
                "5 the country is ignored, whatever it is",
                with_field("country", json!(["x"])),
                shown("country", json!("Germany")),
            ),
            row(
                "5 Type bool skips null",
                with_field("isDefaultShipping", Value::Null),
                shown("isDefaultShipping", json!(false)),
            ),
            row("1.10 extra attributes are ignored", with_field("colour", json!({ "red": [1] })), {
                Expected::data(201).nothing_at("/data/attributes/colour")
            }),
        ],
    )
    .await;
}

async fn documents(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let token = session.access_token.as_str();
    let id = gateway.insert_address(&session, &new_address()).await;
    let one = format!("{}/{id}", session.addresses());
    let post = |body: &Value| Request::post(&session.addresses(), body).bearer(token);
    let patch = |body: &Value| Request::patch(&one, body).bearer(token);
    let without_attributes = json!({ "data": { "type": "addresses" } });
    check(
        engine,
        gateway.client(),
        &[
            row("1.4 row 3: POST", post(&document("customers", &new_address())), wrong_type()),
            row("1.4 row 3: PATCH", patch(&document("address", &json!({}))), wrong_type()),
            row("1.4 row 4: POST without attributes", post(&without_attributes), no_document()),
            row("1.4 row 4: PATCH without attributes", patch(&without_attributes), no_document()),
            row("1.4 row 4: POST without a body", Request::new("POST", &session.addresses()).bearer(token), no_document()),
            row("1.4 row 4: PATCH without a body", Request::new("PATCH", &one).bearer(token), no_document()),
            row("JSON:API switch 4: an id sent with a create is ignored", {
                post(&json!({ "data": { "type": "addresses", "id": id, "attributes": changed_address("city", "Bremen") } }))
            }, Expected::data(201).at("/data/attributes/city", "Bremen")),
            row("JSON:API switch 4: nothing was overwritten", Request::get(&one).bearer(token), {
                Expected::data(200).at("/data/attributes/city", "Hamburg")
            }),
            row("JSON:API switch 5: the URL wins over data.id", {
                patch(&json!({ "data": { "type": "addresses", "id": "x", "attributes": { "city": "Kiel" } } }))
            }, Expected::data(200).at("/data/id", id.as_str()).at("/data/attributes/city", "Kiel")),
        ],
    )
    .await;
}
