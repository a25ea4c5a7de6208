//! Sections 1.1, 1.2 and 2.1: the shape of documents. What every answer must have is in the kit's `generics`.

use serde_json::{Value, json};
use testkit::{Engine, Expected, Request, check, confirm, log_in, on_both_databases, refresh, register, row, sign_up};

use crate::shop::{BASE, Shop, settings};

on_both_databases! {
    tables: [documents, self_links]
    scenarios: [attributes_are_complete_and_in_order, an_error_has_no_foreign_members]
}

async fn documents(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let (reference, token) = (session.reference.as_str(), session.access_token.as_str());
    let own = format!("{BASE}/customers/{reference}");
    let key = gateway.register_for_key("envelope@example.com").await;
    check(
        engine,
        gateway.client(),
        &[
            row(
                "1.1 a collection of one is an array with a link to itself",
                Request::get("/customers").bearer(token),
                Expected::data(200)
                    .at("/data/0/type", "customers")
                    .at("/data/0/id", reference)
                    .at("/data/0/links/self", own.as_str())
                    .at("/links/self", format!("{BASE}/customers"))
                    .nothing_at("/data/1"),
            ),
            row(
                "1.1 a URL with an id answers an object",
                Request::get(&format!("/customers/{reference}")).bearer(token),
                Expected::data(200)
                    .at("/data/type", "customers")
                    .at("/data/id", reference)
                    .at("/data/links/self", own.as_str()),
            ),
            row(
                "1.1 a POST answers an object",
                register(&sign_up("envelope-2@example.com")),
                Expected::data(201)
                    .at("/data/type", "customers")
                    .at("/data/attributes/email", "envelope-2@example.com"),
            ),
            row(
                "1.1 a token has no id, and a link to its type",
                log_in(&session.email, testkit::PASSWORD),
                Expected::data(201)
                    .at("/data/type", "access-tokens")
                    .at("/data/id", Value::Null)
                    .at("/data/links/self", format!("{BASE}/access-tokens")),
            ),
            row(
                "1.1 a refreshed token has no id, and a link to its type",
                refresh(&session.refresh_token),
                Expected::data(201)
                    .at("/data/type", "refresh-tokens")
                    .at("/data/id", Value::Null)
                    .at("/data/links/self", format!("{BASE}/refresh-tokens")),
            ),
            row(
                "1.1 an empty collection",
                Request::get("/access-tokens"),
                Expected::data(200).at("/data", json!([])).at("/links/self", format!("{BASE}/access-tokens")),
            ),
            row(
                "1.1 an empty collection, of the other tokens",
                Request::get("/refresh-tokens"),
                Expected::data(200).at("/data", json!([])).at("/links/self", format!("{BASE}/refresh-tokens")),
            ),
            row("1.1 204 has no body and no content type", confirm(&key), Expected::no_content()),
            row("1.2 DELETE is 204", Request::delete("/refresh-tokens/mine").bearer(token), Expected::no_content()),
        ],
    )
    .await;
}

async fn self_links(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let (reference, token) = (session.reference.as_str(), session.access_token.as_str());
    let own = format!("/customers/{reference}");
    let link = |path: &str| format!("{BASE}{path}");
    check(
        engine,
        gateway.client(),
        &[
            row(
                "1.1 the link of a resource repeats the query of the request",
                Request::get(&format!("{own}?include=addresses")).bearer(token),
                Expected::data(200).at("/data/links/self", link(&format!("{own}?include=addresses"))),
            ),
            row(
                "1.1 in a collection too, and so does the collection's own",
                Request::get("/customers?include=addresses").bearer(token),
                Expected::data(200)
                    .at("/data/0/links/self", link(&format!("{own}?include=addresses")))
                    .at("/links/self", link("/customers?include=addresses")),
            ),
            row(
                "1.1 as the client wrote it",
                Request::get(&format!("{own}?fields%5Bcustomers%5D=email")).bearer(token),
                Expected::data(200).at("/data/links/self", link(&format!("{own}?fields%5Bcustomers%5D=email"))),
            ),
            row(
                "1.1 brackets and all",
                Request::get(&format!("{own}?fields[customers]=email")).bearer(token),
                Expected::data(200).at("/data/links/self", link(&format!("{own}?fields[customers]=email"))),
            ),
            row(
                "1.1 no slash at the end, whatever was asked",
                Request::get(&format!("{own}/")).bearer(token),
                Expected::data(200).at("/data/links/self", link(&own)),
            ),
        ],
    )
    .await;
}

async fn attributes_are_complete_and_in_order(engine: Engine) {
    let gateway = settings(engine).start().await;
    let created = gateway.send(&register(&sign_up("Mira.Olsen@Example.com"))).await.expect_status(201);
    let json = created.json();
    let attributes = json.pointer("/data/attributes").and_then(Value::as_object).unwrap();
    let names: Vec<&str> = attributes.keys().map(String::as_str).filter(|name| *name != "password").collect();
    let expected = [
        "salutation",
        "firstName",
        "lastName",
        "gender",
        "dateOfBirth",
        "email",
        "confirmPassword",
        "acceptedTerms",
        "createdAt",
        "updatedAt",
    ];
    assert_eq!(names, expected, "2.1 the order of attributes");
    for (name, value) in [
        ("salutation", json!("Ms")),
        ("firstName", json!("Mira")),
        ("lastName", json!("Olsen")),
        ("gender", json!("Female")),
        ("dateOfBirth", Value::Null),
        ("email", json!("Mira.Olsen@Example.com")),
        ("confirmPassword", Value::Null),
        ("acceptedTerms", json!(true)),
    ] {
        assert_eq!(attributes[name], value, "2.1 {name}");
    }
    assert!(attributes.get("password").is_none_or(Value::is_null), "2.1 a password is never shown");
    for name in ["createdAt", "updatedAt"] {
        let time = attributes[name].as_str().unwrap();
        let shape: String =
            time.chars().map(|character| if character.is_ascii_digit() { '0' } else { character }).collect();
        assert_eq!(shape, "0000-00-00 00:00:00.000000", "2.1 {name}");
    }
    let link = json.pointer("/data/links/self").and_then(Value::as_str);
    assert_eq!(created.header("Location"), link, "the address of what was made");
    assert_eq!(link, Some(format!("{BASE}/customers/DE--1").as_str()), "2.1 the reference");

    gateway.confirm(&gateway.mailbox().wait_for("Mira.Olsen@Example.com").await.token).await;
    let session = gateway.login("mira.olsen@example.com").await;
    let read = gateway.send(&Request::get("/customers/DE--1").bearer(&session.access_token)).await.expect_status(200);
    let read = read.json();
    let later = read.pointer("/data/attributes").and_then(Value::as_object).unwrap();
    assert_eq!(later["acceptedTerms"], Value::Null, "2.1 the terms are not stored with the customer");
    assert!(later.keys().filter(|name| *name != "password").eq(&names), "2.1 the same attributes");
    assert_eq!(later["createdAt"], attributes["createdAt"]);
}

async fn an_error_has_no_foreign_members(engine: Engine) {
    let gateway = settings(engine).start().await;
    let requests = [
        Request::get("/nothing"),
        Request::get("/customers"),
        register(&json!({})),
        confirm("0123456789abcdef0123456789abcdef"),
        log_in("nobody@example.com", "wrong"),
    ];
    for request in requests {
        let json = gateway.send(&request).await.json();
        assert!(json.as_object().unwrap().keys().eq(["errors"]), "{request}: {json}");
        for error in json["errors"].as_array().unwrap() {
            let known = ["id", "status", "code", "title", "detail", "source"];
            assert!(error.as_object().unwrap().keys().all(|name| known.contains(&name.as_str())), "{request}: {error}");
            assert!(error["status"].is_u64() && error["detail"].is_string(), "{request}: {error}");
        }
    }
}
