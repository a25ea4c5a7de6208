//! What no client should send to the resources of an account: every attribute with values of every kind. What exactly is answered
//! to which is in the tables of fields; here nothing may break, and nothing may be written that was refused.

use serde_json::{Map, Value, json};
use testkit::{
    Answer, Engine, Expected, Gateway, JSON_API, PASSWORD, Request, Session, check, document, new_address,
    on_both_databases, row,
};

use crate::messages::no_document;
use crate::shop::{OTHER_PASSWORD, Shop, expect};

on_both_databases! {
    tables: [bodies, queries]
    scenarios: [values_of_every_kind]
}

/// A call, and attributes with which it is understood but not carried out.
struct Call {
    method: &'static str,
    path: String,
    kind: &'static str,
    attributes: Value,
}

impl Call {
    fn request(&self, session: &Session, body: Vec<u8>) -> Request {
        let request = Request::new(self.method, &self.path).body(body).header("Content-Type", JSON_API);
        match self.kind {
            "customer-forgotten-password" | "customer-restore-password" => request,
            _ => request.bearer(&session.access_token),
        }
    }

    fn with(&self, name: &str, value: Value) -> Vec<u8> {
        let mut attributes: Map<String, Value> = self.attributes.as_object().unwrap().clone();
        attributes.insert(name.to_owned(), value);
        document(self.kind, &Value::Object(attributes)).to_string().into_bytes()
    }

    /// A document whose one attribute is written just so.
    fn raw(&self, attribute: &[u8]) -> Vec<u8> {
        let head = format!(r#"{{"data":{{"type":"{}","attributes":{{"#, self.kind);
        [head.as_bytes(), attribute, b"}}}"].concat()
    }
}

async fn calls(gateway: &Gateway, session: &Session) -> Vec<Call> {
    let id = gateway.insert_address(session, &new_address()).await;
    let call = |method, path: String, kind, attributes| Call { method, path, kind, attributes };
    vec![
        call(
            "PATCH",
            session.path(),
            "customers",
            json!({
                "salutation": "Ms", "firstName": "Mira", "lastName": "Olsen", "gender": "Female", "email": session.email,
                "dateOfBirth": null, "password": PASSWORD, "confirmPassword": PASSWORD,
            }),
        ),
        call(
            "POST",
            "/customer-forgotten-password".into(),
            "customer-forgotten-password",
            json!({ "email": "nobody@example.com" }),
        ),
        call(
            "PATCH",
            "/customer-restore-password/x".into(),
            "customer-restore-password",
            json!({
                "restorePasswordKey": "0123456789abcdef0123456789abcdef", "password": OTHER_PASSWORD, "confirmPassword": OTHER_PASSWORD,
            }),
        ),
        call(
            "PATCH",
            format!("/customer-password/{}", session.reference),
            "customer-password",
            json!({
                "password": PASSWORD, "newPassword": OTHER_PASSWORD, "confirmPassword": "A-third-2nd-Door!",
            }),
        ),
        call("POST", session.addresses(), "addresses", with_all(&new_address())),
        call("PATCH", format!("{}/{id}", session.addresses()), "addresses", with_all(&new_address())),
    ]
}

fn with_all(address: &Value) -> Value {
    let mut all = address.as_object().unwrap().clone();
    for name in ["address3", "phone", "company", "country"] {
        all.insert(name.to_owned(), Value::Null);
    }
    Value::Object(all)
}

fn values() -> Vec<Value> {
    let mut nested = json!("x");
    for _ in 0..60 {
        nested = json!([{ "x": nested }]);
    }
    vec![
        json!(0),
        json!(-1),
        json!(5.5),
        json!(u64::MAX),
        json!(true),
        json!(false),
        Value::Null,
        json!([]),
        json!({}),
        json!(["x"]),
        json!([null]),
        json!({ "x": null }),
        nested,
        json!(""),
        json!(" "),
        json!("x".repeat(10_000)),
        json!("ü".repeat(10_000)),
        json!("\0"),
        json!("a\r\nBcc: b@example.com"),
        json!("\u{1b}[31m"),
        json!("\u{202e}x"),
        json!("\u{feff}"),
        json!("\u{ffff}"),
        json!("😀".repeat(50)),
        json!("e\u{301}".repeat(60)),
        json!("%s%n{{x}}${x}"),
        json!("'; DROP TABLE customers; --"),
        json!("../../etc/passwd"),
        json!("NaN"),
        json!("a@b.c"),
        json!("1990-05-17"),
    ]
}

/// An answer of the contract's kind: done, or refused with reasons.
fn assert_clear(what: &str, answer: &Answer) {
    let done = [200, 201, 204].contains(&answer.status);
    let errors = answer.errors();
    let refused = [400, 422].contains(&answer.status)
        && answer.header("Content-Type") == Some(JSON_API)
        && !errors.is_empty()
        && errors.iter().all(|(_, _, detail)| !detail.is_empty() && detail.len() < 1_000);
    assert!(done || refused, "{what}: {answer:?}");
}

async fn values_of_every_kind(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    for call in calls(&gateway, &session).await {
        let names: Vec<String> = call.attributes.as_object().unwrap().keys().cloned().collect();
        for name in &names {
            // Everything that is a good new address of mail would be one of too many changes.
            for value in values().into_iter().filter(|value| name != "email" || value != "a@b.c") {
                let shown = value.to_string().chars().take(80).collect::<String>();
                let what = format!("{} {} {name} = {shown}", call.method, call.path);
                let answer = gateway.send(&call.request(&session, call.with(name, value))).await;
                assert_clear(&what, &answer);
            }
        }
    }
    let log = gateway.log();
    assert!(!log.contains("panicked") && !log.contains("ERROR"), "{log}");
    let read = Request::get(&session.path()).bearer(&session.access_token);
    let whole = Expected::data(200).at("/data/attributes/email", session.email.as_str());
    expect(&gateway, "the account is there still", &read, &whole).await;
    gateway.login(&session.email).await;
}

async fn bodies(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let deep = format!("\"x\":{}{}", "[".repeat(20_000), "]".repeat(20_000));
    let mut rows = Vec::new();
    for call in calls(&gateway, &session).await {
        let send = |attribute: &[u8]| call.request(&session, call.raw(attribute));
        for (holds, attribute) in [
            ("1.4 row 4: nested without end", deep.as_bytes()),
            ("1.4 row 4: bytes that are no UTF-8", b"\"city\":\"\xff\xfe\"".as_slice()),
            ("1.4 row 4: half a surrogate pair", br#""city":"\ud800""#),
            ("1.4 row 4: the other half", br#""city":"\udc00x""#),
            ("1.4 row 4: a control character in clear", b"\"city\":\"a\0b\""),
            ("1.4 row 4: a number beyond all numbers", br#""city":1e999"#),
            ("1.4 row 4: a comma too many", br#""city":"x","#),
            ("1.4 row 4: no quotes", br"city: x"),
            // Two readers could take it for two different requests.
            ("1.4 row 4: a name twice", br#""city":"Kiel","city":"Bremen""#),
        ] {
            rows.push(row(holds, send(attribute), no_document()));
        }
    }
    check(engine, gateway.client(), &rows).await;
}

async fn queries(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    gateway.insert_address(&session, &new_address()).await;
    let mut rows = Vec::new();
    for query in [
        "include=addresses.customers.addresses",
        "include[]=addresses",
        "include=%00",
        "include=,,,",
        "include=*",
        "fields[addresses]=%00",
        "fields[%00]=x",
        "fields[]=x",
        "fields=x",
        "fields[addresses][]=city",
        "fields[customers]=",
        "include=addresses&fields[addresses]=",
        "&&&",
        "=",
        "%",
        "%zz=%zz",
        "sort=%00",
        "filter[addresses.city]=x",
    ] {
        for path in [session.path(), session.addresses()] {
            let request = Request::get(&format!("{path}?{query}")).bearer(&session.access_token);
            rows.push(row("1.8 what is not understood is ignored", request, Expected::data(200)));
        }
    }
    let long = format!("{}?include={}", session.path(), "addresses,".repeat(500));
    rows.push(row("1.8 the same five hundred times", Request::get(&long).bearer(&session.access_token), {
        Expected::data(200).at("/included/0/type", "addresses").nothing_at("/included/1")
    }));
    check(engine, gateway.client(), &rows).await;
}
