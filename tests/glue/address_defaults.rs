//! Section 5: which address is the default of shipping and which of billing.

use futures_util::future::join_all;
use serde_json::{Value, json};
use testkit::{Engine, Gateway, Request, Session, insert_address, new_address, on_both_databases};

use crate::addresses::{delete, list, patch};
use crate::shop::{Shop, with};

on_both_databases! {
    scenarios: [
        the_first_is_the_default, a_new_default_demotes_the_old, deleting_promotes_none, of_many_at_once_one_is_the_default,
    ]
}

/// Of every address its city and whether it is the default of shipping and of billing, oldest first.
async fn defaults(gateway: &Gateway, session: &Session) -> Vec<(String, bool, bool)> {
    let json = gateway.send(&list(session)).await.expect_status(200).json();
    let flag = |address: &Value, name: &str| address["attributes"][name].as_bool().unwrap();
    json["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|address| {
            let city = address["attributes"]["city"].as_str().unwrap().to_owned();
            (city, flag(address, "isDefaultShipping"), flag(address, "isDefaultBilling"))
        })
        .collect()
}

fn in_city(city: &str, shipping: bool, billing: bool) -> Value {
    with(
        new_address(),
        &[
            ("city", Some(json!(city))),
            ("isDefaultShipping", Some(json!(shipping))),
            ("isDefaultBilling", Some(json!(billing))),
        ],
    )
}

fn default_of(city: &str, shipping: bool, billing: bool) -> (String, bool, bool) {
    (city.to_owned(), shipping, billing)
}

async fn the_first_is_the_default(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let first = gateway.insert_address(&session, &in_city("Aachen", false, false)).await;
    gateway.insert_address(&session, &in_city("Bremen", false, false)).await;
    let expected = [default_of("Aachen", true, true), default_of("Bremen", false, false)];
    assert_eq!(defaults(&gateway, &session).await, expected, "5 the first is both, the second neither");
    let wish = patch(&session, &first, &json!({ "isDefaultShipping": false, "isDefaultBilling": false }));
    gateway.send(&wish).await.expect_status(200);
    assert_eq!(defaults(&gateway, &session).await, expected, "5 false never takes a default away");
    let null = patch(&session, &first, &json!({ "isDefaultShipping": null }));
    gateway.send(&null).await.expect_status(200);
    assert_eq!(defaults(&gateway, &session).await, expected, "5 nor does null");
}

async fn a_new_default_demotes_the_old(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    gateway.insert_address(&session, &in_city("Aachen", true, true)).await;
    let second = gateway.insert_address(&session, &in_city("Bremen", true, false)).await;
    let expected = [default_of("Aachen", false, true), default_of("Bremen", true, false)];
    assert_eq!(defaults(&gateway, &session).await, expected, "5 POST: each kind by itself");
    let wish = patch(&session, &second, &json!({ "isDefaultBilling": true }));
    let answer = gateway.send(&wish).await.expect_status(200).json();
    assert_eq!(answer.pointer("/data/attributes/isDefaultBilling"), Some(&json!(true)));
    let expected = [default_of("Aachen", false, false), default_of("Bremen", true, true)];
    assert_eq!(defaults(&gateway, &session).await, expected, "5 PATCH");
    // Another customer's are theirs.
    let other = gateway.sign_in("other@example.com").await;
    gateway.insert_address(&other, &in_city("Celle", true, true)).await;
    assert_eq!(defaults(&gateway, &session).await, expected, "5 defaults are a customer's own");
}

async fn deleting_promotes_none(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let first = gateway.insert_address(&session, &in_city("Aachen", true, true)).await;
    let second = gateway.insert_address(&session, &in_city("Bremen", false, false)).await;
    assert_eq!(gateway.send(&delete(&session, &first)).await.status, 204);
    assert_eq!(defaults(&gateway, &session).await, [default_of("Bremen", false, false)], "5 no promotion");
    // The customer has none now, so that the next one is.
    gateway
        .send(&insert_address(&session.reference, &in_city("Celle", false, false)).bearer(&session.access_token))
        .await;
    let expected = [default_of("Bremen", false, false), default_of("Celle", true, true)];
    assert_eq!(defaults(&gateway, &session).await, expected, "5 a default where there is none yet");
    gateway.send(&patch(&session, &second, &json!({ "isDefaultShipping": true }))).await.expect_status(200);
    let expected = [default_of("Bremen", true, false), default_of("Celle", false, true)];
    assert_eq!(defaults(&gateway, &session).await, expected);
}

async fn of_many_at_once_one_is_the_default(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let cities: Vec<String> = (0..16).map(|index| format!("City {index}")).collect();
    let requests: Vec<Request> = cities
        .iter()
        .enumerate()
        .map(|(index, city)| {
            let attributes = in_city(city, index % 2 == 0, index % 4 == 0);
            insert_address(&session.reference, &attributes).bearer(&session.access_token)
        })
        .collect();
    for answer in join_all(requests.iter().map(|request| gateway.send(request))).await {
        assert_eq!(answer.status, 201, "{answer:?}");
    }
    let all = defaults(&gateway, &session).await;
    assert_eq!(all.len(), cities.len());
    assert_eq!(all.iter().filter(|(_, shipping, _)| *shipping).count(), 1, "5 one default of shipping: {all:?}");
    assert_eq!(all.iter().filter(|(.., billing)| *billing).count(), 1, "5 one default of billing: {all:?}");
}
