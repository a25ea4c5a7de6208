//! Section 7.3: when a guest's cart becomes a customer's. Whatever happens, no line is lost and none is doubled.

use serde_json::{Value, json};
use testkit::{
    BOOK, Basket, CAMERA, Engine, Expected, Gateway, LENS, PASSWORD, Request, STICKER, Session, Shopper, confirm,
    document, insert_cart, log_in, new_cart, on_both_databases, refresh, register, sign_up,
};

use crate::messages::{
    BLANK, bad_token, different, has_a_cart, no_cart, not_logged_in, taken, two_users, violations, wrong_type,
};
use crate::shop::{GUEST, OTHER_PASSWORD, Shop, changed, expect, settings, tag_of, with, with_password};

on_both_databases! {
    scenarios: [
        signing_up_takes_the_cart_along, signing_up_takes_an_empty_cart_along, signing_up_without_a_cart,
        without_the_header_nothing_moves, a_refused_sign_up_moves_nothing, what_comes_after_the_sign_up,
        logging_in_merges, logging_in_makes_the_cart_the_customers, logging_in_merges_into_the_first_of_several,
        logging_in_may_always_convert, logging_in_may_leave_the_cart, a_guests_cart_without_items_stays,
        other_doors_move_nothing, a_failed_login_moves_nothing, the_same_login_twice_doubles_nothing,
        a_merge_prices_anew, lines_without_a_price_stay, a_merge_asks_for_no_stock, lines_beyond_the_limits_stay,
        a_merge_changes_the_entity_tag, each_claim_has_its_own_cart, a_cart_that_comes_back_joins_the_new_one,
        a_second_sign_up_takes_the_cart_along, a_second_sign_up_takes_both_carts_along,
        a_confirmed_account_keeps_its_cart, a_taken_address_keeps_the_cart_with_its_guest,
        a_hardened_shop_moves_carts_alike, an_owner_who_signs_up_in_vain, without_double_opt_in,
        a_guest_may_log_in_as_somebody_else, whatever_settles_claims_returns_their_carts,
        what_finds_no_room_comes_back_later, converting_has_its_limit, a_merge_without_a_catalogue,
        shops_of_several_carts_bring_one_along, a_second_sign_up_in_another_currency,
    ]
}

const ADDRESS: &str = "mira.olsen@example.com";

/// A sign-up of a guest.
pub(crate) fn register_as(guest: &str, email: &str) -> Request {
    register(&sign_up(email)).header(GUEST, guest)
}

/// A login of a guest.
pub(crate) fn log_in_as(guest: &str, email: &str) -> Request {
    log_in(email, PASSWORD).header(GUEST, guest)
}

/// Carries out a sign-up and answers the key from its mail.
pub(crate) async fn key_of(gateway: &Gateway, sign_up: &Request, email: &str) -> String {
    gateway.send_for_mail(sign_up, email, "registration-confirmation").await.token
}

/// Logs in, with or without being a guest, as one who has carts.
pub(crate) async fn enter(gateway: &Gateway, login: &Request) -> Shopper {
    let answer = gateway.send(login).await.expect_status(201);
    Shopper::Customer(answer.text("/data/attributes/accessToken"))
}

/// Holds that a guest has no cart, and that none of this id can be reached.
async fn expect_gone(gateway: &Gateway, guest: &str, id: &str) {
    let guest = Shopper::guest(guest);
    assert_eq!(gateway.baskets(&guest).await, [], "7.3 the guest has no cart");
    expect(gateway, "7.3 nor reaches it", &guest.read(id), &no_cart()).await;
    expect(gateway, "7.3 nor changes it", &guest.add(id, CAMERA, 1), &no_cart()).await;
}

async fn signing_up_takes_the_cart_along(engine: Engine) {
    let gateway = settings(engine).start().await;
    let id = gateway.fill("guest-1", &[(CAMERA, 2), (LENS, 1)]).await;
    let bystander = gateway.fill("guest-2", &[(BOOK, 1)]).await;
    let key = key_of(&gateway, &register_as("guest-1", ADDRESS), ADDRESS).await;
    expect_gone(&gateway, "guest-1", &id).await;
    gateway.confirm(&key).await;
    expect_gone(&gateway, "guest-1", &id).await;
    let session = gateway.login(ADDRESS).await;
    let customer = session.shopper();
    assert_eq!(gateway.baskets(&customer).await, [Basket::of(&id, &[(CAMERA, 2), (LENS, 1)])], "7.3 the same uuid");
    expect_gone(&gateway, "guest-1", &id).await;
    assert_eq!(gateway.baskets(&Shopper::guest("guest-2")).await, [Basket::of(&bystander, &[(BOOK, 1)])]);
    // It is a cart like any other.
    tag_of(&gateway, &customer, &id).await;
    gateway.send(&customer.add(&id, LENS, 1)).await.expect_status(201);
    let list = gateway.send(&customer.list()).await.expect_status(200).json();
    assert_eq!(list["data"][0]["attributes"]["isDefault"], true);
    expect(&gateway, "7.2 in a shop of single carts", &insert_cart(&session, &new_cart()), &has_a_cart()).await;
}

async fn signing_up_takes_an_empty_cart_along(engine: Engine) {
    let gateway = settings(engine).start().await;
    let id = gateway.fill("guest-1", &[(CAMERA, 1)]).await;
    gateway.send(&Shopper::guest("guest-1").remove(&id, CAMERA)).await.expect_status(204);
    let key = key_of(&gateway, &register_as("guest-1", ADDRESS), ADDRESS).await;
    expect_gone(&gateway, "guest-1", &id).await;
    gateway.confirm(&key).await;
    let customer = gateway.login(ADDRESS).await.shopper();
    assert_eq!(gateway.baskets(&customer).await, [Basket::of(&id, &[])], "7.3 items are not required");
}

async fn signing_up_without_a_cart(engine: Engine) {
    let gateway = settings(engine).start().await;
    for (guest, email) in [("guest-1", ADDRESS), ("", "nora@example.com")] {
        let key = key_of(&gateway, &register_as(guest, email), email).await;
        gateway.confirm(&key).await;
        let customer = enter(&gateway, &log_in_as(guest, email)).await;
        assert_eq!(gateway.baskets(&customer).await, [], "7.3 no cart comes from nowhere");
    }
}

async fn without_the_header_nothing_moves(engine: Engine) {
    let gateway = settings(engine).start().await;
    let id = gateway.fill("guest-1", &[(CAMERA, 1)]).await;
    let customer = gateway.sign_in(ADDRESS).await.shopper();
    assert_eq!(gateway.baskets(&customer).await, []);
    assert_eq!(gateway.baskets(&Shopper::guest("guest-1")).await, [Basket::of(&id, &[(CAMERA, 1)])]);
}

async fn a_refused_sign_up_moves_nothing(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let id = gateway.fill("guest-1", &[(CAMERA, 1)]).await;
    let guest = Shopper::guest("guest-1");
    let as_guest = |attributes: &Value| register(attributes).header(GUEST, "guest-1");
    let new = "new@example.com";
    let two_passwords = with(sign_up(new), &[("confirmPassword", Some(json!(OTHER_PASSWORD)))]);
    for (holds, request, expected) in [
        (
            "1.4 row 3",
            Request::post("/customers", &document("carts", &sign_up(new))).header(GUEST, "guest-1"),
            wrong_type(),
        ),
        ("1.4 row 6c", as_guest(&sign_up(new)).bearer(&session.access_token), two_users()),
        ("1.4 row 6e", register(&sign_up(new)).bearer("x"), bad_token()),
        ("1.10", as_guest(&changed(new, "firstName", "")), violations("firstName", &[BLANK])),
        ("2.2 406", as_guest(&two_passwords), different()),
        ("2.2 400", as_guest(&sign_up(&session.email)), taken()),
    ] {
        expect(&gateway, holds, &request, &expected).await;
        assert_eq!(gateway.baskets(&guest).await, [Basket::of(&id, &[(CAMERA, 1)])], "7.3 {holds}");
    }
}

async fn what_comes_after_the_sign_up(engine: Engine) {
    let gateway = settings(engine).start().await;
    let first = gateway.fill("guest-1", &[(CAMERA, 2)]).await;
    let key = key_of(&gateway, &register_as("guest-1", ADDRESS), ADDRESS).await;
    let second = gateway.fill("guest-1", &[(CAMERA, 1), (LENS, 1)]).await;
    assert_ne!(first, second, "7.3 the guest id has no cart: a new one is made");
    assert_eq!(gateway.baskets(&Shopper::guest("guest-1")).await, [Basket::of(&second, &[(CAMERA, 1), (LENS, 1)])]);
    gateway.confirm(&key).await;
    let customer = enter(&gateway, &log_in_as("guest-1", ADDRESS)).await;
    assert_eq!(gateway.baskets(&customer).await, [Basket::of(&first, &[(CAMERA, 3), (LENS, 1)])], "7.3 both, merged");
    expect_gone(&gateway, "guest-1", &second).await;
}

async fn logging_in_merges(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let own = gateway.insert_cart(&session, &new_cart(), &[(CAMERA, 2), (BOOK, 1)]).await;
    let id = gateway.fill("guest-1", &[(LENS, 1), (CAMERA, 3)]).await;
    let plain = gateway.send(&log_in(ADDRESS, PASSWORD)).await.expect_status(201).json();
    let answer = gateway.send(&log_in_as("guest-1", ADDRESS)).await.expect_status(201);
    let names = |json: &Value| json["data"]["attributes"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&answer.json()), names(&plain), "7.3 the answer is that of any login");
    let customer = Shopper::Customer(answer.text("/data/attributes/accessToken"));
    let merged = [Basket::of(&own, &[(CAMERA, 5), (BOOK, 1), (LENS, 1)])];
    assert_eq!(gateway.baskets(&customer).await, merged, "7.3 equal products add up, the customer's uuid stays");
    expect_gone(&gateway, "guest-1", &id).await;
    expect(&gateway, "7.3 the guest's cart is deleted", &customer.read(&id), &no_cart()).await;
    let again = gateway.fill("guest-1", &[(STICKER, 1)]).await;
    assert_ne!(again, id, "7.3 another cart");
}

async fn logging_in_makes_the_cart_the_customers(engine: Engine) {
    let Shop { gateway, .. } = Shop::open(engine).await;
    let id = gateway.fill("guest-1", &[(CAMERA, 3)]).await;
    let customer = enter(&gateway, &log_in_as("guest-1", ADDRESS)).await;
    assert_eq!(gateway.baskets(&customer).await, [Basket::of(&id, &[(CAMERA, 3)])], "7.3 the same uuid");
    expect_gone(&gateway, "guest-1", &id).await;
    let list = gateway.send(&customer.list()).await.expect_status(200).json();
    assert_eq!(list["data"][0]["attributes"]["isDefault"], true);
    assert_eq!(list["data"][0]["type"], "carts");
}

async fn logging_in_merges_into_the_first_of_several(engine: Engine) {
    let gateway = settings(engine).set("VESTIBULE__CARTS__MULTI_CART", "true").start().await;
    let session = gateway.sign_in(ADDRESS).await;
    let called = |name: &str| with(new_cart(), &[("name", Some(json!(name)))]);
    let first = gateway.insert_cart(&session, &called("A"), &[(CAMERA, 1)]).await;
    let second = gateway.insert_cart(&session, &called("B"), &[(CAMERA, 1)]).await;
    gateway.fill("guest-1", &[(CAMERA, 1)]).await;
    let customer = enter(&gateway, &log_in_as("guest-1", ADDRESS)).await;
    let expected = [Basket::of(&first, &[(CAMERA, 2)]), Basket::of(&second, &[(CAMERA, 1)])];
    assert_eq!(gateway.baskets(&customer).await, expected, "7.3 the first cart");
}

async fn logging_in_may_always_convert(engine: Engine) {
    let gateway = settings(engine)
        .set("VESTIBULE__CARTS__MULTI_CART", "true")
        .set("VESTIBULE__CARTS__AT_LOGIN", "convert")
        .start()
        .await;
    let session = gateway.sign_in(ADDRESS).await;
    let called = with(new_cart(), &[("name", Some(json!("A")))]);
    let own = gateway.insert_cart(&session, &called, &[(CAMERA, 1)]).await;
    let first = gateway.fill("guest-1", &[(CAMERA, 2)]).await;
    let customer = enter(&gateway, &log_in_as("guest-1", ADDRESS)).await;
    let expected = [Basket::of(&own, &[(CAMERA, 1)]), Basket::of(&first, &[(CAMERA, 2)])];
    assert_eq!(gateway.baskets(&customer).await, expected, "7.3 an additional cart, the same uuid");
    expect_gone(&gateway, "guest-1", &first).await;
    let second = gateway.fill("guest-1", &[(CAMERA, 4)]).await;
    let customer = enter(&gateway, &log_in_as("guest-1", ADDRESS)).await;
    expect(&gateway, "7.3 GET /carts/{guestUuid}", &customer.read(&second), &Expected::data(200)).await;
    assert_eq!(gateway.baskets(&customer).await.len(), 3, "7.3 each time one more");
    let list = gateway.send(&customer.list()).await.expect_status(200).json();
    let defaults = list["data"].as_array().unwrap().iter().filter(|cart| cart["attributes"]["isDefault"] == true);
    assert_eq!(defaults.count(), 1, "7.2 exactly one is the default: {list}");
}

async fn logging_in_may_leave_the_cart(engine: Engine) {
    let gateway = settings(engine).set("VESTIBULE__CARTS__AT_LOGIN", "leave").start().await;
    let session = gateway.sign_in(ADDRESS).await;
    let id = gateway.fill("guest-1", &[(CAMERA, 1)]).await;
    let guest = Shopper::guest("guest-1");
    let customer = enter(&gateway, &log_in_as("guest-1", ADDRESS)).await;
    assert_eq!(gateway.baskets(&customer).await, [], "7.3 nothing, without a cart");
    let own = gateway.insert_cart(&session, &new_cart(), &[(LENS, 1)]).await;
    let customer = enter(&gateway, &log_in_as("guest-1", ADDRESS)).await;
    assert_eq!(gateway.baskets(&customer).await, [Basket::of(&own, &[(LENS, 1)])], "7.3 nothing, with one");
    assert_eq!(gateway.baskets(&guest).await, [Basket::of(&id, &[(CAMERA, 1)])]);
    // The sign-up takes it along all the same.
    let key = key_of(&gateway, &register_as("guest-1", "nora@example.com"), "nora@example.com").await;
    gateway.confirm(&key).await;
    let nora = gateway.login("nora@example.com").await.shopper();
    assert_eq!(gateway.baskets(&nora).await, [Basket::of(&id, &[(CAMERA, 1)])]);
}

async fn a_guests_cart_without_items_stays(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let id = gateway.fill("guest-1", &[(CAMERA, 1)]).await;
    let guest = Shopper::guest("guest-1");
    gateway.send(&guest.remove(&id, CAMERA)).await.expect_status(204);
    let customer = enter(&gateway, &log_in_as("guest-1", ADDRESS)).await;
    assert_eq!(gateway.baskets(&customer).await, [], "7.3 nothing");
    assert_eq!(gateway.baskets(&guest).await, [Basket::of(&id, &[])], "7.3 nothing");
    let own = gateway.insert_cart(&session, &new_cart(), &[(LENS, 1)]).await;
    let customer = enter(&gateway, &log_in_as("guest-1", ADDRESS)).await;
    assert_eq!(gateway.baskets(&customer).await, [Basket::of(&own, &[(LENS, 1)])], "7.3 nothing");
    assert_eq!(gateway.baskets(&guest).await, [Basket::of(&id, &[])], "7.3 nothing");
}

async fn other_doors_move_nothing(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let own = gateway.insert_cart(&session, &new_cart(), &[(LENS, 1)]).await;
    let id = gateway.fill("guest-1", &[(CAMERA, 1)]).await;
    let password = [("grant_type", "password"), ("username", ADDRESS), ("password", PASSWORD)];
    let oauth = gateway.send(&Request::form("/token", &password).header(GUEST, "guest-1")).await.expect_status(200);
    let second = oauth.json()["refresh_token"].as_str().unwrap().to_owned();
    let by_refresh = [("grant_type", "refresh_token"), ("refresh_token", second.as_str())];
    gateway.send(&Request::form("/token", &by_refresh).header(GUEST, "guest-1")).await.expect_status(200);
    gateway.send(&refresh(&session.refresh_token).header(GUEST, "guest-1")).await.expect_status(201);
    assert_eq!(gateway.baskets(&session.shopper()).await, [Basket::of(&own, &[(LENS, 1)])], "7.3 nothing");
    assert_eq!(gateway.baskets(&Shopper::guest("guest-1")).await, [Basket::of(&id, &[(CAMERA, 1)])], "7.3 nothing");
}

async fn a_failed_login_moves_nothing(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let id = gateway.fill("guest-1", &[(CAMERA, 1)]).await;
    gateway.register("open@example.com").await;
    let as_guest = |email: &str, password: &str| log_in(email, password).header(GUEST, "guest-1");
    for (holds, request, expected) in [
        ("a wrong password", as_guest(ADDRESS, OTHER_PASSWORD), not_logged_in()),
        ("nobody", as_guest("nobody@example.com", PASSWORD), not_logged_in()),
        ("not confirmed", as_guest("open@example.com", PASSWORD), not_logged_in()),
        ("no password", as_guest(ADDRESS, ""), violations("password", &[BLANK])),
        ("two users", as_guest(ADDRESS, PASSWORD).bearer(&session.access_token), two_users()),
    ] {
        expect(&gateway, holds, &request, &expected).await;
        assert_eq!(gateway.baskets(&session.shopper()).await, [], "7.3 {holds}");
        assert_eq!(gateway.baskets(&Shopper::guest("guest-1")).await, [Basket::of(&id, &[(CAMERA, 1)])], "7.3 {holds}");
    }
    for _ in 0..10 {
        gateway.send(&as_guest(ADDRESS, OTHER_PASSWORD)).await;
    }
    assert_eq!(gateway.send(&as_guest(ADDRESS, PASSWORD)).await.status, 429, "6.5 the lock");
    assert_eq!(gateway.baskets(&session.shopper()).await, [], "7.3 the lock");
}

async fn the_same_login_twice_doubles_nothing(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let own = gateway.insert_cart(&session, &new_cart(), &[(CAMERA, 1)]).await;
    gateway.fill("guest-1", &[(CAMERA, 1), (LENS, 2)]).await;
    for _ in 0..3 {
        let customer = enter(&gateway, &log_in_as("guest-1", ADDRESS)).await;
        assert_eq!(gateway.baskets(&customer).await, [Basket::of(&own, &[(CAMERA, 2), (LENS, 2)])]);
    }
}

async fn a_merge_prices_anew(engine: Engine) {
    let gateway = settings(engine).start().await;
    for (index, (change, subtotal)) in [
        (json!({ "currency": "CHF" }), 3 * 11_499),
        (json!({ "priceMode": "NET_MODE" }), 3 * 8_403),
        (json!({ "priceMode": "NET_MODE", "currency": "CHF" }), 3 * 9_663),
    ]
    .into_iter()
    .enumerate()
    {
        let (email, guest) = (format!("mira-{index}@example.com"), format!("guest-{index}"));
        let session = gateway.sign_in(&email).await;
        let changes: Vec<(&str, Option<Value>)> =
            change.as_object().unwrap().iter().map(|(name, value)| (name.as_str(), Some(value.clone()))).collect();
        let own = gateway.insert_cart(&session, &with(new_cart(), &changes), &[(CAMERA, 1)]).await;
        gateway.fill(&guest, &[(CAMERA, 2)]).await;
        let customer = enter(&gateway, &log_in_as(&guest, &email)).await;
        let shown = Expected::data(200).at("/data/attributes/totals/subtotal", subtotal);
        expect(&gateway, "7.3 in the currency and price mode of the customer's", &customer.read(&own), &shown).await;
        assert_eq!(gateway.baskets(&Shopper::guest(&guest)).await, []);
    }
}

async fn lines_without_a_price_stay(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let in_francs = with(new_cart(), &[("currency", Some(json!("CHF")))]);
    let own = gateway.insert_cart(&session, &in_francs, &[(CAMERA, 1)]).await;
    let id = gateway.fill("guest-1", &[(BOOK, 2), (CAMERA, 2)]).await;
    for _ in 0..2 {
        let customer = enter(&gateway, &log_in_as("guest-1", ADDRESS)).await;
        assert_eq!(gateway.baskets(&customer).await, [Basket::of(&own, &[(CAMERA, 3)])], "7.3 what has a price moves");
        let left = gateway.baskets(&Shopper::guest("guest-1")).await;
        assert_eq!(left, [Basket::of(&id, &[(BOOK, 2)])], "7.3 what has none stays");
    }
}

async fn a_merge_asks_for_no_stock(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let own = gateway.insert_cart(&session, &new_cart(), &[(LENS, 6)]).await;
    gateway.fill("guest-1", &[(LENS, 6)]).await;
    let customer = enter(&gateway, &log_in_as("guest-1", ADDRESS)).await;
    assert_eq!(gateway.baskets(&customer).await, [Basket::of(&own, &[(LENS, 12)])], "7.3 no line is lost");
    assert_eq!(gateway.baskets(&Shopper::guest("guest-1")).await, []);
}

async fn lines_beyond_the_limits_stay(engine: Engine) {
    let gateway = settings(engine).set("VESTIBULE__CARTS__MAX_ITEMS", "2").start().await;
    let session = gateway.sign_in(ADDRESS).await;
    let own = gateway.insert_cart(&session, &new_cart(), &[(STICKER, 999_999)]).await;
    let id = gateway.fill("guest-1", &[(STICKER, 2), (CAMERA, 1)]).await;
    let customer = enter(&gateway, &log_in_as("guest-1", ADDRESS)).await;
    let expected = [Basket::of(&own, &[(STICKER, 999_999), (CAMERA, 1)])];
    assert_eq!(gateway.baskets(&customer).await, expected, "7.3 what fits moves");
    let left = gateway.baskets(&Shopper::guest("guest-1")).await;
    assert_eq!(left, [Basket::of(&id, &[(STICKER, 2)])], "7.3 what does not stays, whole");

    gateway.fill("guest-1", &[(LENS, 1)]).await;
    let customer = enter(&gateway, &log_in_as("guest-1", ADDRESS)).await;
    assert_eq!(gateway.baskets(&customer).await, expected, "7.3 there is no room for a third line");
    let left = gateway.baskets(&Shopper::guest("guest-1")).await;
    assert_eq!(left, [Basket::of(&id, &[(STICKER, 2), (LENS, 1)])]);
}

async fn a_merge_changes_the_entity_tag(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let own = gateway.insert_cart(&session, &new_cart(), &[(CAMERA, 1)]).await;
    let before = tag_of(&gateway, &session.shopper(), &own).await;
    gateway.fill("guest-1", &[(CAMERA, 1)]).await;
    enter(&gateway, &log_in_as("guest-1", ADDRESS)).await;
    let after = tag_of(&gateway, &session.shopper(), &own).await;
    assert_ne!(before, after, "1.11 another session sees that the cart is not what it was");
    enter(&gateway, &log_in_as("guest-1", ADDRESS)).await;
    assert_eq!(tag_of(&gateway, &session.shopper(), &own).await, after, "1.11 nothing came");
}

/// Signs guests up on one address, each with a password and a cart of their own, and answers the carts' ids and the keys.
async fn claims(gateway: &Gateway) -> (Vec<String>, Vec<String>) {
    let (mut ids, mut keys) = (Vec::new(), Vec::new());
    for index in 0..3_u64 {
        let guest = format!("guest-{index}");
        ids.push(gateway.fill(&guest, &[(CAMERA, index + 1)]).await);
        let request = register(&with_password(ADDRESS, &password_of(index))).header(GUEST, &guest);
        keys.push(key_of(gateway, &request, ADDRESS).await);
    }
    (ids, keys)
}

fn password_of(index: u64) -> String {
    format!("Vestibule-{index}-Door!")
}

async fn each_claim_has_its_own_cart(engine: Engine) {
    let gateway = settings(engine).start().await;
    let (ids, keys) = claims(&gateway).await;
    for (index, id) in ids.iter().enumerate() {
        expect_gone(&gateway, &format!("guest-{index}"), id).await;
    }
    gateway.confirm(&keys[1]).await;
    let customer = enter(&gateway, &log_in(ADDRESS, &password_of(1))).await;
    assert_eq!(gateway.baskets(&customer).await, [Basket::of(&ids[1], &[(CAMERA, 2)])], "7.3 the winner's own cart");
    for (guest, quantity) in [(0, 1), (2, 3)] {
        let back = gateway.baskets(&Shopper::guest(&format!("guest-{guest}"))).await;
        let expected = [Basket::of(&ids[guest], &[(CAMERA, quantity)])];
        assert_eq!(back, expected, "7.3 a loser's cart is back with its guest, under the same uuid");
        expect(&gateway, "7.3 and no customer's", &customer.read(&ids[guest]), &no_cart()).await;
    }
    expect_gone(&gateway, "guest-1", &ids[1]).await;
    // What is back is a guest's cart like any other, and can go along again.
    let guest = Shopper::guest("guest-0");
    gateway.send(&guest.add(&ids[0], LENS, 1)).await.expect_status(201);
    let key = key_of(&gateway, &register_as("guest-0", "nora@example.com"), "nora@example.com").await;
    gateway.confirm(&key).await;
    let nora = gateway.login("nora@example.com").await.shopper();
    assert_eq!(gateway.baskets(&nora).await, [Basket::of(&ids[0], &[(CAMERA, 1), (LENS, 1)])]);
    // And the one that is merged is not there twice.
    let customer = enter(&gateway, &log_in(ADDRESS, &password_of(1)).header(GUEST, "guest-2")).await;
    assert_eq!(gateway.baskets(&customer).await, [Basket::of(&ids[1], &[(CAMERA, 5)])]);
    expect_gone(&gateway, "guest-2", &ids[2]).await;
}

async fn a_cart_that_comes_back_joins_the_new_one(engine: Engine) {
    let gateway = settings(engine).start().await;
    let (_, keys) = claims(&gateway).await;
    let present = gateway.fill("guest-0", &[(LENS, 1), (CAMERA, 10)]).await;
    gateway.confirm(&keys[1]).await;
    let [basket] = &gateway.baskets(&Shopper::guest("guest-0")).await[..] else { panic!("a guest has one cart") };
    assert_eq!(basket.id, present, "7.3 the cart that the guest is using keeps its uuid");
    assert_eq!((basket.quantity(CAMERA), basket.quantity(LENS)), (11, 1), "7.3 and has all of it");
    // However the guest goes on, it is there once: here by logging in without having looked.
    gateway.fill("guest-2", &[(LENS, 2)]).await;
    let customer = enter(&gateway, &log_in(ADDRESS, &password_of(1)).header(GUEST, "guest-2")).await;
    let [basket] = &gateway.baskets(&customer).await[..] else { panic!("a customer has one cart") };
    assert_eq!((basket.quantity(CAMERA), basket.quantity(LENS)), (5, 2));
    assert_eq!(gateway.baskets(&Shopper::guest("guest-2")).await, []);
}

async fn a_second_sign_up_takes_the_cart_along(engine: Engine) {
    let gateway = settings(engine).start().await;
    let mistyped = "mira.olsen@exmaple.com";
    let id = gateway.fill("guest-1", &[(CAMERA, 2)]).await;
    let wrong = key_of(&gateway, &register_as("guest-1", mistyped), mistyped).await;
    let right = key_of(&gateway, &register_as("guest-1", ADDRESS), ADDRESS).await;
    expect_gone(&gateway, "guest-1", &id).await;
    // Whoever has the mistyped mailbox may confirm it, and gets no cart.
    gateway.confirm(&wrong).await;
    let stranger = gateway.login(mistyped).await.shopper();
    assert_eq!(gateway.baskets(&stranger).await, [], "7.3 the newer claim has it");
    gateway.confirm(&right).await;
    let customer = gateway.login(ADDRESS).await.shopper();
    assert_eq!(gateway.baskets(&customer).await, [Basket::of(&id, &[(CAMERA, 2)])], "7.3 the same uuid");
}

async fn a_second_sign_up_takes_both_carts_along(engine: Engine) {
    let gateway = settings(engine).start().await;
    let mistyped = "mira.olsen@exmaple.com";
    gateway.fill("guest-1", &[(CAMERA, 2), (BOOK, 1)]).await;
    key_of(&gateway, &register_as("guest-1", mistyped), mistyped).await;
    gateway.fill("guest-1", &[(CAMERA, 1), (LENS, 1)]).await;
    let key = key_of(&gateway, &register_as("guest-1", ADDRESS), ADDRESS).await;
    assert_eq!(gateway.baskets(&Shopper::guest("guest-1")).await, []);
    gateway.confirm(&key).await;
    let customer = gateway.login(ADDRESS).await.shopper();
    let baskets = gateway.baskets(&customer).await;
    let sum = |sku: &str| baskets.iter().map(|basket| basket.quantity(sku)).sum::<u64>();
    assert_eq!([sum(CAMERA), sum(LENS), sum(BOOK)], [3, 1, 1], "7.3 no line is lost: {baskets:?}");
    assert_eq!(baskets.len(), 1, "7.2 in a shop of single carts: {baskets:?}");
}

async fn a_confirmed_account_keeps_its_cart(engine: Engine) {
    let gateway = settings(engine).start().await;
    let id = gateway.fill("guest-1", &[(CAMERA, 2)]).await;
    let key = key_of(&gateway, &register_as("guest-1", ADDRESS), ADDRESS).await;
    gateway.confirm(&key).await;
    // Somebody else at the same machine, or one who steals the guest's identity.
    let second = key_of(&gateway, &register_as("guest-1", "nora@example.com"), "nora@example.com").await;
    gateway.confirm(&second).await;
    let nora = enter(&gateway, &log_in_as("guest-1", "nora@example.com")).await;
    assert_eq!(gateway.baskets(&nora).await, [], "7.3 what is confirmed is settled");
    let mira = gateway.login(ADDRESS).await.shopper();
    assert_eq!(gateway.baskets(&mira).await, [Basket::of(&id, &[(CAMERA, 2)])]);
}

async fn a_taken_address_keeps_the_cart_with_its_guest(engine: Engine) {
    for (setting, value) in [("REREGISTRATION", "claim"), ("REREGISTRATION", "reject"), ("MAX_OPEN_CLAIMS", "1")] {
        let gateway = settings(engine).set(&format!("VESTIBULE__ACCOUNTS__{setting}"), value).start().await;
        if value == "claim" {
            gateway.sign_in(ADDRESS).await;
        } else {
            gateway.register(ADDRESS).await;
        }
        let id = gateway.fill("guest-1", &[(CAMERA, 2)]).await;
        expect(&gateway, "2.2 400", &register_as("guest-1", ADDRESS), &taken()).await;
        let kept = gateway.baskets(&Shopper::guest("guest-1")).await;
        assert_eq!(kept, [Basket::of(&id, &[(CAMERA, 2)])], "7.3 registration did not succeed: {setting} {value}");
    }
}

async fn a_hardened_shop_moves_carts_alike(engine: Engine) {
    let gateway = settings(engine).set("VESTIBULE__ACCOUNTS__ENUMERATION", "hardened").start().await;
    let owner = gateway.sign_in(ADDRESS).await;
    let mut seen = Vec::new();
    for (guest, email) in [("guest-1", ADDRESS), ("guest-2", "unknown@example.com")] {
        let id = gateway.fill(guest, &[(CAMERA, 2)]).await;
        gateway.send(&register_as(guest, email)).await.expect_status(201);
        let guest = Shopper::guest(guest);
        let list = gateway.send(&guest.list()).await.json();
        seen.push((list, gateway.send(&guest.read(&id)).await.status));
    }
    assert_eq!(seen[0], seen[1], "whether an address is known shows in nothing, not in the guest's cart either");
    assert_eq!(gateway.baskets(&owner.shopper()).await, [], "7.3 nobody puts anything into the owner's cart");
    // What was signed up in vain is not lost.
    let key = key_of(&gateway, &register_as("guest-1", "nora@example.com"), "nora@example.com").await;
    gateway.confirm(&key).await;
    let nora = gateway.login("nora@example.com").await.shopper();
    let baskets = gateway.baskets(&nora).await;
    assert_eq!(baskets.iter().map(|basket| basket.quantity(CAMERA)).sum::<u64>(), 2, "7.3 {baskets:?}");
}

async fn without_double_opt_in(engine: Engine) {
    let gateway = settings(engine).set("VESTIBULE__ACCOUNTS__DOUBLE_OPT_IN", "false").start().await;
    let id = gateway.fill("guest-1", &[(CAMERA, 2)]).await;
    gateway.send(&register_as("guest-1", ADDRESS)).await.expect_status(201);
    expect_gone(&gateway, "guest-1", &id).await;
    let customer: Session = gateway.login(ADDRESS).await;
    assert_eq!(gateway.baskets(&customer.shopper()).await, [Basket::of(&id, &[(CAMERA, 2)])], "7.3 at once");
    // The account is settled: nothing returns, and nothing is taken from it.
    let second = gateway.fill("guest-1", &[(LENS, 1)]).await;
    gateway.send(&register_as("guest-1", "nora@example.com")).await.expect_status(201);
    let nora = gateway.login("nora@example.com").await.shopper();
    assert_eq!(gateway.baskets(&nora).await, [Basket::of(&second, &[(LENS, 1)])]);
    assert_eq!(gateway.baskets(&customer.shopper()).await, [Basket::of(&id, &[(CAMERA, 2)])]);
    expect(&gateway, "2.2 400", &register_as("guest-1", ADDRESS), &taken()).await;
}

async fn a_guest_may_log_in_as_somebody_else(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let id = gateway.fill("guest-1", &[(CAMERA, 2)]).await;
    // Signed up by mistake, having an account.
    let key = key_of(&gateway, &register_as("guest-1", "nora@example.com"), "nora@example.com").await;
    let customer = enter(&gateway, &log_in_as("guest-1", &session.email)).await;
    let of_mira = gateway.baskets(&customer).await;
    assert_eq!(gateway.send(&confirm(&key)).await.status, 204);
    let of_nora = gateway.baskets(&gateway.login("nora@example.com").await.shopper()).await;
    // Whichever account has it, it is there once.
    let all: Vec<_> = of_mira.into_iter().chain(of_nora).filter(|basket| !basket.items.is_empty()).collect();
    assert_eq!(all, [Basket::of(&id, &[(CAMERA, 2)])], "7.3 no line is lost and none is doubled");
}

async fn an_owner_who_signs_up_in_vain(engine: Engine) {
    for enumeration in ["glue", "hardened"] {
        let gateway = settings(engine).set("VESTIBULE__ACCOUNTS__ENUMERATION", enumeration).start().await;
        let owner = gateway.sign_in(ADDRESS).await;
        let own = gateway.insert_cart(&owner, &new_cart(), &[(LENS, 1)]).await;
        gateway.fill("guest-1", &[(CAMERA, 2)]).await;
        let answer = gateway.send(&register_as("guest-1", ADDRESS)).await;
        assert_eq!(answer.status, if enumeration == "glue" { 422 } else { 201 }, "2.2 {answer:?}");
        // They remember that they have an account, as the notice says.
        let customer = enter(&gateway, &log_in_as("guest-1", ADDRESS)).await;
        let merged = [Basket::of(&own, &[(LENS, 1), (CAMERA, 2)])];
        assert_eq!(gateway.baskets(&customer).await, merged, "7.3 {enumeration}: no line is lost");
    }
}

async fn whatever_settles_claims_returns_their_carts(engine: Engine) {
    let gateway = settings(engine).set("VESTIBULE__ACCOUNTS__RESTORE_CONFIRMS", "true").start().await;
    let session = gateway.sign_in("nora@example.com").await;
    let id = gateway.fill("guest-1", &[(CAMERA, 2)]).await;
    key_of(&gateway, &register_as("guest-1", ADDRESS), ADDRESS).await;
    let change = gateway.email_change_key(&session, ADDRESS).await;
    assert_eq!(gateway.baskets(&Shopper::guest("guest-1")).await, [], "7.3 nothing is settled yet");
    gateway.confirm(&change).await;
    let back = gateway.baskets(&Shopper::guest("guest-1")).await;
    assert_eq!(back, [Basket::of(&id, &[(CAMERA, 2)])], "2.4 another account's change of address");
    assert_eq!(gateway.baskets(&session.shopper()).await, []);

    let other = "other@example.com";
    let (first, second) = (id, gateway.fill("guest-2", &[(LENS, 1)]).await);
    key_of(&gateway, &register_as("guest-1", other), other).await;
    key_of(&gateway, &register_as("guest-2", other), other).await;
    let key = gateway.restore_key(other).await;
    let set = testkit::restore_password(&key, OTHER_PASSWORD);
    expect(&gateway, "4.2", &set, &Expected::no_content()).await;
    let customer = enter(&gateway, &log_in(other, OTHER_PASSWORD)).await;
    assert_eq!(gateway.baskets(&customer).await, [Basket::of(&second, &[(LENS, 1)])], "4.2 the newest claim");
    let back = gateway.baskets(&Shopper::guest("guest-1")).await;
    assert_eq!(back, [Basket::of(&first, &[(CAMERA, 2)])], "4.2 a password restored in a shop where that confirms");
}

async fn what_finds_no_room_comes_back_later(engine: Engine) {
    let gateway = settings(engine).set("VESTIBULE__CARTS__MAX_ITEMS", "2").start().await;
    let guest = Shopper::guest("guest-1");
    gateway.fill("guest-1", &[(CAMERA, 1), (LENS, 1)]).await;
    key_of(&gateway, &register_as("guest-1", ADDRESS), ADDRESS).await;
    let present = gateway.fill("guest-1", &[(BOOK, 1), (STICKER, 1)]).await;
    let winner = register(&with_password(ADDRESS, OTHER_PASSWORD));
    let key = key_of(&gateway, &winner, ADDRESS).await;
    gateway.confirm(&key).await;
    assert_eq!(gateway.baskets(&guest).await, [Basket::of(&present, &[(BOOK, 1), (STICKER, 1)])], "7.3 it is full");
    for (gone, back) in [(BOOK, vec![STICKER, CAMERA]), (STICKER, vec![CAMERA, LENS])] {
        gateway.send(&guest.remove(&present, gone)).await.expect_status(204);
        let [basket] = &gateway.baskets(&guest).await[..] else { panic!("a guest has one cart") };
        let skus: Vec<&str> = basket.items.iter().map(|(sku, _)| sku.as_str()).collect();
        assert_eq!(skus, back, "7.3 what found no room is not lost: it comes when there is some");
    }
}

async fn converting_has_its_limit(engine: Engine) {
    let gateway = settings(engine)
        .set("VESTIBULE__CARTS__MULTI_CART", "true")
        .set("VESTIBULE__CARTS__AT_LOGIN", "convert")
        .set("VESTIBULE__CARTS__MAX_CARTS", "2")
        .start()
        .await;
    let session = gateway.sign_in(ADDRESS).await;
    for _ in 0..4 {
        gateway.fill("guest-1", &[(CAMERA, 1)]).await;
        enter(&gateway, &log_in_as("guest-1", ADDRESS)).await;
    }
    let of_the_customer = gateway.baskets(&session.shopper()).await;
    let of_the_guest = gateway.baskets(&Shopper::guest("guest-1")).await;
    let sum = of_the_customer.iter().chain(&of_the_guest).map(|basket| basket.quantity(CAMERA)).sum::<u64>();
    assert_eq!(sum, 4, "7.3 no line is lost: {of_the_customer:?} {of_the_guest:?}");
    assert_eq!(of_the_customer.len(), 2, "no more than carts.max_carts, by logging in neither: {of_the_customer:?}");
}

async fn a_merge_without_a_catalogue(engine: Engine) {
    let gateway = settings(engine).start().await;
    let in_francs = with(new_cart(), &[("currency", Some(json!("CHF")))]);
    for (index, attributes) in [new_cart(), in_francs].iter().enumerate() {
        let session = gateway.sign_in(&format!("mira-{index}@example.com")).await;
        gateway.insert_cart(&session, attributes, &[(CAMERA, 1)]).await;
        gateway.fill(&format!("guest-{index}"), &[(CAMERA, 2)]).await;
    }
    // Nobody listens there.
    let gateway = gateway.stop().await.set("VESTIBULE__CATALOGUE__URL", "http://127.0.0.1:9/{sku}").start().await;
    for (index, [of_the_customer, of_the_guest]) in [[3, 0], [1, 2]].into_iter().enumerate() {
        let (email, guest) = (format!("mira-{index}@example.com"), format!("guest-{index}"));
        let customer = enter(&gateway, &log_in_as(&guest, &email)).await;
        let sum = async |shopper: &Shopper| -> u64 {
            gateway.baskets(shopper).await.iter().map(|basket| basket.quantity(CAMERA)).sum()
        };
        assert_eq!(sum(&customer).await, of_the_customer, "7.3 the login does not fail");
        assert_eq!(sum(&Shopper::guest(&guest)).await, of_the_guest, "7.3 what cannot be priced stays");
    }
    assert_eq!(
        gateway.send(&testkit::add_guest_item("guest-9", CAMERA, 1)).await.status,
        503,
        "7.1 nothing can be sold"
    );
}

async fn shops_of_several_carts_bring_one_along(engine: Engine) {
    let gateway = settings(engine).set("VESTIBULE__CARTS__MULTI_CART", "true").start().await;
    let mistyped = "mira.olsen@exmaple.com";
    gateway.fill("guest-1", &[(CAMERA, 2)]).await;
    key_of(&gateway, &register_as("guest-1", mistyped), mistyped).await;
    let present = gateway.fill("guest-1", &[(CAMERA, 1)]).await;
    let key = key_of(&gateway, &register_as("guest-1", ADDRESS), ADDRESS).await;
    gateway.confirm(&key).await;
    let customer = gateway.login(ADDRESS).await.shopper();
    assert_eq!(gateway.baskets(&customer).await, [Basket::of(&present, &[(CAMERA, 3)])], "7.3 a guest has one cart");
    assert_eq!(gateway.baskets(&Shopper::guest("guest-1")).await, []);
}

async fn a_second_sign_up_in_another_currency(engine: Engine) {
    let gateway = settings(engine).start().await;
    let (mistyped, guest) = ("mira.olsen@exmaple.com", Shopper::guest("guest-1"));
    let first = gateway.fill("guest-1", &[(CAMERA, 2), (BOOK, 1)]).await;
    let wrong = key_of(&gateway, &register_as("guest-1", mistyped), mistyped).await;
    let second = gateway.fill("guest-1", &[(LENS, 1)]).await;
    gateway.send(&guest.patch(&second, &json!({ "currency": "CHF" }))).await.expect_status(200);
    let key = key_of(&gateway, &register_as("guest-1", ADDRESS), ADDRESS).await;
    for key in [wrong, key] {
        gateway.confirm(&key).await;
    }
    let stranger = gateway.login(mistyped).await.shopper();
    assert_eq!(gateway.baskets(&stranger).await, [], "7.3 nothing is left with the mistyped address");
    // A sign-up prices nothing anew: what is in another currency goes back, and comes along with the login.
    let customer = gateway.login(ADDRESS).await.shopper();
    assert_eq!(gateway.baskets(&customer).await, [Basket::of(&second, &[(LENS, 1)])]);
    assert_eq!(gateway.baskets(&guest).await, [Basket::of(&first, &[(CAMERA, 2), (BOOK, 1)])]);
    let customer = enter(&gateway, &log_in_as("guest-1", ADDRESS)).await;
    assert_eq!(gateway.baskets(&customer).await, [Basket::of(&second, &[(LENS, 1), (CAMERA, 2)])]);
    assert_eq!(gateway.baskets(&guest).await, [Basket::of(&first, &[(BOOK, 1)])], "7.3 what has no price stays");
}
