//! Section 5: the addresses of a customer. What is wrong with fields is in `address_fields`, which of them are defaults in
//! `address_defaults`, and what stands beside the customer in `included_addresses`.

use futures_util::future::join_all;
use serde_json::{Value, json};
use testkit::{
    Engine, Expected, Request, Session, check, document, insert_address, new_address, on_both_databases, patch_address,
    row,
};

use crate::messages::{NO_CHOICE, bad_token, no_id, no_such_address, no_token, not_own, two_users, violations};
use crate::shop::{BASE, GUEST, Shop, changed_address, expect, settings, with};

on_both_databases! {
    tables: [reading, changing, order_of_checks, foreign_addresses]
    scenarios: [an_answer_is_complete_and_in_order, as_many_as_allowed]
}

const UNKNOWN: &str = "7c0e4a35-1f57-4d0b-9a53-2f3f9f1f7f10";

fn read(session: &Session, id: &str) -> Request {
    Request::get(&format!("{}/{id}", session.addresses())).bearer(&session.access_token)
}

pub(crate) fn delete(session: &Session, id: &str) -> Request {
    Request::delete(&format!("{}/{id}", session.addresses())).bearer(&session.access_token)
}

pub(crate) fn patch(session: &Session, id: &str, attributes: &Value) -> Request {
    patch_address(&session.reference, id, attributes).bearer(&session.access_token)
}

pub(crate) fn list(session: &Session) -> Request {
    Request::get(&session.addresses()).bearer(&session.access_token)
}

async fn an_answer_is_complete_and_in_order(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let request = insert_address(&session.reference, &new_address()).bearer(&session.access_token);
    let created = gateway.send(&request).await.expect_status(201);
    let id = created.text("/data/id");
    let shape: String =
        id.chars().map(|character| if matches!(character, '0'..='9' | 'a'..='f') { 'x' } else { character }).collect();
    assert_eq!(shape, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", "5 the id is a UUID");
    let link = format!("{BASE}{}/{id}", session.addresses());
    let json = created.json();
    assert_eq!(json.pointer("/data/links/self"), Some(&json!(link)), "5 the link");
    assert_eq!(created.header("Location"), Some(link.as_str()), "the address of what was made");
    assert_eq!(json.pointer("/data/type"), Some(&json!("addresses")));
    let attributes = json.pointer("/data/attributes").unwrap();
    let expected = json!({
        "salutation": "Ms", "firstName": "Mira", "lastName": "Olsen", "address1": "Kieler Str.", "address2": "75",
        "address3": null, "zipCode": "22525", "city": "Hamburg", "country": "Germany", "iso2Code": "DE", "company": null,
        "phone": null, "isDefaultShipping": true, "isDefaultBilling": true,
    });
    assert_eq!(attributes.to_string(), expected.to_string(), "5 the attributes and their order");
    for answer in [read(&session, &id), patch(&session, &id, &json!({}))] {
        let answer = gateway.send(&answer).await.expect_status(200).json();
        assert_eq!(answer.pointer("/data/attributes").unwrap().to_string(), expected.to_string());
        assert_eq!(answer.pointer("/data/links/self"), Some(&json!(link)));
    }
}

async fn reading(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let own_link = format!("{BASE}{}", session.addresses());
    let empty = Expected::data(200).at("/data", json!([])).at("/links/self", own_link.as_str()).nothing_at("/included");
    check(engine, gateway.client(), &[row("5 none is an empty list", list(&session), empty)]).await;

    let first = gateway.insert_address(&session, &new_address()).await;
    let second = gateway.insert_address(&session, &changed_address("city", "Bremen")).await;
    assert_ne!(first, second);
    let one = |id: &str, city: &str| {
        Expected::data(200)
            .at("/data/type", "addresses")
            .at("/data/id", id)
            .at("/data/attributes/city", city)
            .at("/data/links/self", format!("{own_link}/{id}"))
    };
    check(
        engine,
        gateway.client(),
        &[
            row(
                "5 the list, oldest first",
                list(&session),
                Expected::data(200)
                    .at("/data/0/id", first.as_str())
                    .at("/data/1/id", second.as_str())
                    .at("/data/1/attributes/city", "Bremen")
                    .at("/data/0/links/self", format!("{own_link}/{first}"))
                    .at("/links/self", own_link.as_str())
                    .nothing_at("/data/2")
                    .nothing_at("/data/0/relationships"),
            ),
            row("5 the first", read(&session, &first), one(&first, "Hamburg")),
            row("5 the second", read(&session, &second), one(&second, "Bremen")),
            row("5 one that is not there", read(&session, UNKNOWN), no_such_address()),
            row("5 no UUID", read(&session, "x"), no_such_address()),
            row("5 mine is no alias", read(&session, "mine"), no_such_address()),
            row("5 a control character", read(&session, "%00"), no_such_address()),
            row("5 a very long id", read(&session, &"a".repeat(5_000)), no_such_address()),
            row(
                "1.1 the link of an address carries no query",
                Request::get(&format!("{}/{first}?include=customers&colour=blue", session.addresses()))
                    .bearer(&session.access_token),
                one(&first, "Hamburg"),
            ),
        ],
    )
    .await;
}

async fn changing(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let id = gateway.insert_address(&session, &with(new_address(), &[("company", Some(json!("Lund")))])).await;
    let shown = |members: &[(&str, Value)]| {
        let whole = Expected::data(200).at("/data/id", id.as_str());
        members
            .iter()
            .fold(whole, |expected, (name, value)| expected.at(&format!("/data/attributes/{name}"), value.clone()))
    };
    check(
        engine,
        gateway.client(),
        &[
            row("5 PATCH: only what is present changes", patch(&session, &id, &json!({ "city": "Bremen" })), {
                shown(&[("city", json!("Bremen")), ("zipCode", json!("22525")), ("company", json!("Lund"))])
            }),
            row("5 PATCH: the country follows its code", patch(&session, &id, &json!({ "iso2Code": "FR" })), {
                shown(&[("iso2Code", json!("FR")), ("country", json!("France"))])
            }),
            row("5 PATCH: the country is ignored", patch(&session, &id, &json!({ "country": "Atlantis" })), {
                shown(&[("iso2Code", json!("FR")), ("country", json!("France"))])
            }),
            row(
                "5 PATCH: what is optional may go",
                patch(&session, &id, &json!({ "company": null, "phone": null })),
                shown(&[("company", Value::Null), ("phone", Value::Null)]),
            ),
            row(
                "5 PATCH: what is optional may come",
                patch(&session, &id, &json!({ "phone": "1", "address3": "2" })),
                shown(&[("phone", json!("1")), ("address3", json!("2"))]),
            ),
            row("5 PATCH: nothing", patch(&session, &id, &json!({})), shown(&[("city", json!("Bremen"))])),
            row(
                "5 PATCH: one that is not there",
                patch(&session, UNKNOWN, &json!({ "city": "Kiel" })),
                no_such_address(),
            ),
            row("5 PATCH: no UUID", patch(&session, "x", &json!({ "city": "Kiel" })), no_such_address()),
            row("5 PATCH: 901 before 404", patch(&session, UNKNOWN, &json!({ "salutation": "Sir" })), {
                violations("salutation", &[NO_CHOICE])
            }),
            row(
                "5 what was changed is read",
                read(&session, &id),
                shown(&[("city", json!("Bremen")), ("phone", json!("1"))]),
            ),
            row("5 DELETE: one that is not there", delete(&session, UNKNOWN), no_such_address()),
            row("5 DELETE: no UUID", delete(&session, "x"), no_such_address()),
            row("5 DELETE", delete(&session, &id), Expected::no_content()),
            row("5 DELETE: gone already", delete(&session, &id), no_such_address()),
            row("5 gone", read(&session, &id), no_such_address()),
            row("5 PATCH: gone", patch(&session, &id, &json!({ "city": "Kiel" })), no_such_address()),
            row("5 none is left", list(&session), Expected::data(200).at("/data", json!([]))),
        ],
    )
    .await;
}

async fn order_of_checks(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let id = gateway.insert_address(&session, &new_address()).await;
    let (all, one) = (session.addresses(), format!("{}/{id}", session.addresses()));
    let post = || insert_address(&session.reference, &new_address());
    let change = || patch_address(&session.reference, &id, &json!({ "city": "Kiel" }));
    let mut rows = vec![
        row(
            "5 PATCH without a UUID",
            Request::patch(&all, &document("addresses", &json!({}))).bearer(&session.access_token),
            no_id(),
        ),
        row("5 DELETE without a UUID", Request::delete(&all).bearer(&session.access_token), no_id()),
        row("5 DELETE without a UUID: before a missing token", Request::delete(&all), no_id()),
        row("1.4 row 6d before row 6f", insert_address(&session.reference, &json!({})), no_token()),
        row("1.4 row 6e before row 6f", insert_address(&session.reference, &json!({})).bearer("x"), bad_token()),
    ];
    for request in [Request::get(&all), Request::get(&one), post(), change(), Request::delete(&one)] {
        rows.push(row("1.4 row 6d: no token", request.clone(), no_token()));
        rows.push(row("1.4 row 6e: a bad token", request.clone().bearer("x"), bad_token()));
        rows.push(row(
            "1.4 row 6c: two users",
            request.bearer(&session.access_token).header(GUEST, "guest-1"),
            two_users(),
        ));
    }
    rows.push(row(
        "5 all is as it was",
        read(&session, &id),
        Expected::data(200).at("/data/attributes/city", "Hamburg"),
    ));
    check(engine, gateway.client(), &rows).await;
}

async fn foreign_addresses(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let other = gateway.sign_in("other@example.com").await;
    let foreign = gateway.insert_address(&other, &new_address()).await;
    let mut rows = Vec::new();
    for reference in [other.reference.as_str(), "DE--4711", "mine", "%00"] {
        let all = format!("/customers/{reference}/addresses");
        for id in [foreign.as_str(), UNKNOWN] {
            let one = format!("{all}/{id}");
            let requests = [
                Request::get(&all),
                insert_address(reference, &new_address()),
                Request::get(&one),
                patch_address(reference, id, &json!({ "city": "Kiel" })),
                Request::delete(&one),
            ];
            rows.extend(requests.map(|request| {
                row(
                    "5 a foreign or unknown customer, before the address",
                    request.bearer(&session.access_token),
                    not_own(),
                )
            }));
        }
        let wrong = insert_address(reference, &changed_address("salutation", "Sir")).bearer(&session.access_token);
        rows.push(row("1.4 row 6f before row 8", wrong, violations("salutation", &[NO_CHOICE])));
    }
    rows.extend([
        row("5 one's own customer, a foreign address: GET", read(&session, &foreign), no_such_address()),
        row("5 one's own customer, a foreign address: PATCH", patch(&session, &foreign, &json!({ "city": "Kiel" })), {
            no_such_address()
        }),
        row("5 one's own customer, a foreign address: DELETE", delete(&session, &foreign), no_such_address()),
        row("5 nothing of it did anything", read(&other, &foreign), {
            Expected::data(200).at("/data/attributes/city", "Hamburg").at("/data/attributes/isDefaultBilling", true)
        }),
        row(
            "5 nor added anything",
            list(&other),
            Expected::data(200).at("/data/0/id", foreign.as_str()).nothing_at("/data/1"),
        ),
        row("5 nor here", list(&session), Expected::data(200).at("/data", json!([]))),
    ]);
    check(engine, gateway.client(), &rows).await;
}

async fn as_many_as_allowed(engine: Engine) {
    let gateway = settings(engine).set("VESTIBULE__ACCOUNTS__MAX_ADDRESSES", "3").start().await;
    let session = gateway.sign_in("mira.olsen@example.com").await;
    let request = insert_address(&session.reference, &new_address()).bearer(&session.access_token);
    let answers = join_all((0..8).map(|_| gateway.send(&request))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 3, "as many as accounts.max_addresses");
    let full = Expected::error(400, "409", "Failed to save customer address.");
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        let problems = full.problems(answer);
        assert!(problems.is_empty(), "10 one too many: {problems:?}");
    }
    let ids = gateway.send(&list(&session)).await.expect_status(200);
    expect(&gateway, "one goes", &delete(&session, &ids.text("/data/0/id")), &Expected::no_content()).await;
    expect(&gateway, "another comes", &request, &Expected::data(201)).await;
}
