//! Sections 7.1 and 2.5: guests' carts that nobody changes go after a month, customers' carts with the customer.

use serde_json::json;
use testkit::{
    Basket, CAMERA, Engine, Expected, LENS, PASSWORD, Request, Shopper, check, insert_cart, log_in, new_cart,
    on_both_databases, row,
};

use crate::cart_conversion::{enter, key_of, log_in_as, register_as};
use crate::messages::{no_cart, no_customer, not_own_carts};
use crate::shop::{Shop, expect, settings};

on_both_databases! {
    tables: [nothing_of_a_customer_who_is_gone]
    scenarios: [
        a_guests_cart_goes_after_a_month, every_change_keeps_it, as_many_days_as_set, what_has_expired_does_not_come_along,
        a_customers_cart_stays, the_database_has_no_trace_of_a_customers_cart,
    ]
}

const DAY: u64 = 86_400;
const ADDRESS: &str = "mira.olsen@example.com";

async fn a_guests_cart_goes_after_a_month(engine: Engine) {
    let gateway = settings(engine).start().await;
    let id = gateway.fill("guest-1", &[(CAMERA, 1)]).await;
    let guest = Shopper::guest("guest-1");
    gateway.advance(29 * DAY).await;
    let there = Expected::data(200).at("/data/0/id", id.as_str());
    expect(&gateway, "7.1 there after 29 days", &guest.list(), &there).await;
    gateway.advance(DAY - 600).await;
    expect(&gateway, "7.1 there after almost 30: to look at it changes nothing", &guest.list(), &there).await;
    gateway.advance(1_200).await;
    let none = Expected::data(200).at("/data", json!([]));
    expect(&gateway, "7.1 gone after 30", &guest.list(), &none).await;
    for (holds, request) in [
        ("GET", guest.read(&id)),
        ("PATCH", guest.patch(&id, &json!({ "currency": "CHF" }))),
        ("POST of an item", guest.add(&id, CAMERA, 1)),
        ("PATCH of an item", guest.change(&id, CAMERA, 1)),
        ("DELETE of an item", guest.remove(&id, CAMERA)),
    ] {
        expect(&gateway, &format!("7.1 gone: {holds}"), &request, &no_cart()).await;
    }
    let next = gateway.fill("guest-1", &[(LENS, 1)]).await;
    assert_ne!(next, id, "7.1 another cart");
    assert_eq!(gateway.baskets(&guest).await, [Basket::of(&next, &[(LENS, 1)])], "7.1 without what was in the old one");
}

async fn every_change_keeps_it(engine: Engine) {
    let gateway = settings(engine).start().await;
    let guest = Shopper::guest("guest-1");
    let id = gateway.fill("guest-1", &[(CAMERA, 1)]).await;
    for request in [
        guest.add(&id, LENS, 1),
        guest.change(&id, LENS, 2),
        guest.remove(&id, LENS),
        guest.patch(&id, &json!({ "currency": "CHF" })),
        testkit::add_guest_item("guest-1", CAMERA, 1),
    ] {
        gateway.advance(29 * DAY).await;
        let answer = gateway.send(&request).await;
        assert!((200..300).contains(&answer.status), "7.1 {request}: {answer:?}");
    }
    gateway.advance(29 * DAY).await;
    assert_eq!(gateway.baskets(&guest).await, [Basket::of(&id, &[(CAMERA, 2)])]);
    gateway.send(&guest.add(&id, "nothing", 1)).await.expect_status(422);
    gateway.advance(2 * DAY).await;
    assert_eq!(gateway.baskets(&guest).await, [], "7.1 what was refused is no change");
}

async fn as_many_days_as_set(engine: Engine) {
    let gateway = settings(engine).set("VESTIBULE__CARTS__GUEST_CART_DAYS", "2").start().await;
    let id = gateway.fill("guest-1", &[(CAMERA, 1)]).await;
    gateway.advance(2 * DAY - 600).await;
    assert_eq!(gateway.baskets(&Shopper::guest("guest-1")).await, [Basket::of(&id, &[(CAMERA, 1)])]);
    gateway.advance(1_200).await;
    assert_eq!(gateway.baskets(&Shopper::guest("guest-1")).await, []);
}

async fn what_has_expired_does_not_come_along(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let own = gateway.insert_cart(&session, &new_cart(), &[(LENS, 1)]).await;
    for guest in ["guest-1", "guest-2"] {
        gateway.fill(guest, &[(CAMERA, 1)]).await;
    }
    gateway.advance(31 * DAY).await;
    let customer = enter(&gateway, &log_in_as("guest-1", ADDRESS)).await;
    assert_eq!(gateway.baskets(&customer).await, [Basket::of(&own, &[(LENS, 1)])], "7.1 gone is gone, at a login");
    let key = key_of(&gateway, &register_as("guest-2", "nora@example.com"), "nora@example.com").await;
    gateway.confirm(&key).await;
    let nora = gateway.login("nora@example.com").await.shopper();
    assert_eq!(gateway.baskets(&nora).await, [], "7.1 and at a sign-up");
}

async fn a_customers_cart_stays(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let id = gateway.insert_cart(&session, &new_cart(), &[(CAMERA, 1)]).await;
    gateway.advance(400 * DAY).await;
    let customer = enter(&gateway, &log_in(ADDRESS, PASSWORD)).await;
    assert_eq!(gateway.baskets(&customer).await, [Basket::of(&id, &[(CAMERA, 1)])]);
}

async fn nothing_of_a_customer_who_is_gone(engine: Engine) {
    let gateway = settings(engine).start().await;
    let id = gateway.fill("guest-1", &[(CAMERA, 1)]).await;
    let key = key_of(&gateway, &register_as("guest-1", ADDRESS), ADDRESS).await;
    gateway.confirm(&key).await;
    let session = gateway.login(ADDRESS).await;
    let other = gateway.sign_in("other@example.com").await;
    let customer = session.shopper();
    assert_eq!(gateway.baskets(&customer).await, [Basket::of(&id, &[(CAMERA, 1)])]);
    gateway.send(&Request::delete(&session.path()).bearer(&session.access_token)).await.expect_status(204);
    let own = customer.sign(Request::get(&format!("{}/carts", session.path())));
    let others = customer.sign(Request::get(&format!("{}/carts", other.path())));
    let delete = customer.sign(Request::delete(&customer.path(&id)));
    check(
        engine,
        gateway.client(),
        &[
            row("2.5 the list of carts", customer.list(), no_customer()),
            row("2.5 the list of carts, below the customer", own, no_customer()),
            row("2.5 another's", others, not_own_carts()),
            row("2.5 a cart", customer.read(&id), no_customer()),
            row("2.5 a new one", insert_cart(&session, &new_cart()), no_customer()),
            row("2.5 no one", delete, no_customer()),
            row("2.5 an item", customer.add(&id, CAMERA, 1), no_customer()),
            row("2.5 a change of an item", customer.change(&id, CAMERA, 1), no_customer()),
            row("2.5 no item", customer.remove(&id, CAMERA), no_customer()),
            row("2.5 it is not the guest's again", Shopper::guest("guest-1").list(), {
                Expected::data(200).at("/data", json!([]))
            }),
            row("2.5 nor to be reached by its id", Shopper::guest("guest-1").read(&id), no_cart()),
        ],
    )
    .await;
    let key = key_of(&gateway, &register_as("guest-1", ADDRESS), ADDRESS).await;
    gateway.confirm(&key).await;
    let again = gateway.login(ADDRESS).await.shopper();
    assert_eq!(gateway.baskets(&again).await, [], "2.5 another account on the address has nothing of it");
}

async fn the_database_has_no_trace_of_a_customers_cart(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let attributes = crate::shop::with(new_cart(), &[("name", Some(json!("Kieselgurhalter")))]);
    let id = gateway.insert_cart(&session, &attributes, &[(CAMERA, 123_457)]).await;
    let traces = [id.as_str(), "Kieselgurhalter", "123457"];
    let found = || {
        let rows = gateway.database().dump();
        traces.into_iter().filter(|trace| rows.contains(trace)).collect::<Vec<_>>()
    };
    assert_eq!(found(), traces, "the search itself must be able to find something");
    gateway.send(&Request::delete(&session.path()).bearer(&session.access_token)).await.expect_status(204);
    assert_eq!(found(), Vec::<&str>::new(), "2.5 what somebody wanted to buy says much about them");
}
