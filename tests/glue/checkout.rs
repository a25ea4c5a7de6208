//! Section 8.2: registration at checkout, over the API, by people who change devices on the way.

use serde_json::json;
use testkit::{
    BOOK, Basket, CAMERA, Client, Engine, Expected, Gateway, LENS, PASSWORD, Request, Shopper, add_guest_item, confirm,
    document, log_in, on_both_databases, resend,
};

use crate::cart_conversion::{enter, key_of, log_in_as, register_as};
use crate::messages::not_logged_in;
use crate::shop::{BASE, expect, settings, tag_of};

on_both_databases! {
    scenarios: [
        from_a_guests_cart_to_the_customers_list, with_a_link_that_was_lost, when_the_shop_is_restarted_meanwhile,
        from_whichever_node, with_a_password_that_was_forgotten,
    ]
}

const ADDRESS: &str = "mira.olsen@example.com";

/// Confirms and logs in from a device that knows nothing of the guest, and answers what is in the list of carts.
async fn carts_on_another_device(device: &Client, gateway: &Gateway, key: &str) -> Vec<Basket> {
    let confirmed = device.send(&confirm(key)).await;
    assert_eq!(confirmed.status, 204, "8.2 POST /customer-confirmation: {confirmed:?}");
    let login = device.send(&log_in(ADDRESS, PASSWORD)).await.expect_status(201);
    gateway.baskets(&Shopper::Customer(login.text("/data/attributes/accessToken"))).await
}

async fn from_a_guests_cart_to_the_customers_list(engine: Engine) {
    let gateway = settings(engine).start().await;
    let (laptop, phone, desktop) = (gateway.client(), gateway.client(), gateway.client());
    let guest = Shopper::guest("7a4c2c5e-checkout");

    let filled = laptop.send(&add_guest_item("7a4c2c5e-checkout", CAMERA, 2)).await.expect_status(201);
    let id = filled.text("/data/id");
    laptop.send(&guest.add(&id, BOOK, 1)).await.expect_status(201);
    laptop.send(&guest.change(&id, CAMERA, 3)).await.expect_status(200);
    let before = laptop.send(&guest.read_whole(&id)).await.expect_status(200).json();

    let sign_up = register_as("7a4c2c5e-checkout", ADDRESS);
    let key = key_of(&gateway, &sign_up, ADDRESS).await;
    expect(
        &gateway,
        "8.2 no login before the confirmation",
        &log_in_as("7a4c2c5e-checkout", ADDRESS),
        &not_logged_in(),
    )
    .await;
    assert_eq!(phone.send(&confirm(&key)).await.status, 204, "8.2 confirmed on the phone");

    let login = desktop.send(&log_in(ADDRESS, PASSWORD)).await.expect_status(201);
    let customer = Shopper::Customer(login.text("/data/attributes/accessToken"));
    let list = desktop.send(&customer.sign(Request::get("/carts?include=items"))).await.expect_status(200).json();
    assert_eq!(list["data"].as_array().map(Vec::len), Some(1), "8.2 GET /carts: {list}");
    assert_eq!(list["data"][0]["id"], json!(id), "8.2 the same uuid");
    let attributes = |item: &serde_json::Value| item["attributes"].to_string();
    let items = |json: &serde_json::Value| -> Vec<String> {
        json["included"].as_array().unwrap().iter().map(attributes).collect()
    };
    assert_eq!(items(&list), items(&before), "8.2 the same items at the same prices");
    assert_eq!(attributes(&list["data"][0]), attributes(&before["data"]), "8.2 the same cart");
    assert_eq!(list["included"][0]["type"], "items");
    let link = format!("{BASE}/carts/{id}/items/{CAMERA}");
    assert_eq!(list["included"][0]["links"]["self"], json!(link), "1.1 items of carts have other links");

    // And it goes on as a cart of theirs.
    let tag = tag_of(&gateway, &customer, &id).await;
    let patch = customer.patch(&id, &json!({ "name": "Holidays" })).header("If-Match", &tag);
    expect(&gateway, "7.2", &patch, &Expected::data(200).at("/data/attributes/name", "Holidays")).await;
    let own = desktop.send(&customer.sign(Request::get("/customers"))).await.expect_status(200).text("/data/0/id");
    let below = customer.sign(Request::get(&format!("/customers/{own}/carts")));
    expect(&gateway, "7.2", &below, &Expected::data(200).at("/data/0/id", id.as_str()).nothing_at("/data/1")).await;
    assert_eq!(gateway.baskets(&guest).await, [], "8.2 on the laptop the guest has none any more");
    let laptop_again = enter(&gateway, &log_in_as("7a4c2c5e-checkout", ADDRESS)).await;
    assert_eq!(gateway.baskets(&laptop_again).await, [Basket::of(&id, &[(CAMERA, 3), (BOOK, 1)])]);
}

async fn with_a_link_that_was_lost(engine: Engine) {
    let gateway = settings(engine).start().await;
    let id = gateway.fill("guest-1", &[(CAMERA, 1)]).await;
    let lost = key_of(&gateway, &register_as("guest-1", ADDRESS), ADDRESS).await;
    // Beyond the link's life, and beyond that of a guest's cart: this one is a claim's.
    gateway.advance(40 * 86_400).await;
    assert_eq!(gateway.send(&confirm(&lost)).await.status, 422, "3 an expired key");
    let key = gateway.send_for_mail(&resend(ADDRESS), ADDRESS, "registration-confirmation").await.token;
    let carts = carts_on_another_device(&gateway.client(), &gateway, &key).await;
    assert_eq!(carts, [Basket::of(&id, &[(CAMERA, 1)])], "8.2 the cart waits for its claim");
}

async fn when_the_shop_is_restarted_meanwhile(engine: Engine) {
    let gateway = settings(engine).start().await;
    let id = gateway.fill("guest-1", &[(CAMERA, 1)]).await;
    let gateway = gateway.kill().await.start().await;
    gateway.send(&Shopper::guest("guest-1").add(&id, LENS, 2)).await.expect_status(201);
    let key = key_of(&gateway, &register_as("guest-1", ADDRESS), ADDRESS).await;
    let gateway = gateway.kill().await.start().await;
    let carts = carts_on_another_device(&gateway.client(), &gateway, &key).await;
    assert_eq!(carts, [Basket::of(&id, &[(CAMERA, 1), (LENS, 2)])], "8.2 what was answered is there");
}

async fn from_whichever_node(engine: Engine) {
    // On SQLite there is one node; it is asked twice.
    let first = settings(engine).start().await;
    let second = match engine {
        Engine::Postgres => Some(
            settings(engine)
                .database(&first.database())
                .set("VESTIBULE__MAIL__MAILBOX__PATH", &first.folder().join("mailbox").display().to_string())
                .start()
                .await,
        ),
        Engine::Sqlite => None,
    };
    let other = second.as_ref().unwrap_or(&first);
    let id = first.fill("guest-1", &[(CAMERA, 1)]).await;
    assert_eq!(other.fill("guest-1", &[(CAMERA, 1)]).await, id, "one cart, whichever node is asked");
    let key = key_of(&first, &register_as("guest-1", ADDRESS), ADDRESS).await;
    assert_eq!(other.baskets(&Shopper::guest("guest-1")).await, []);
    let carts = carts_on_another_device(&other.client(), other, &key).await;
    assert_eq!(carts, [Basket::of(&id, &[(CAMERA, 2)])]);
    let customer = enter(&first, &log_in(ADDRESS, PASSWORD)).await;
    let tag = tag_of(other, &customer, &id).await;
    let patch = customer.patch(&id, &json!({ "currency": "CHF" })).header("If-Match", &tag);
    expect(&first, "1.11 a tag of one node is good on the other", &patch, &Expected::data(200)).await;
}

async fn with_a_password_that_was_forgotten(engine: Engine) {
    let gateway = settings(engine).start().await;
    let id = gateway.fill("guest-1", &[(CAMERA, 1)]).await;
    let key = key_of(&gateway, &register_as("guest-1", ADDRESS), ADDRESS).await;
    let restore = gateway.restore_key(ADDRESS).await;
    let set = json!({ "restorePasswordKey": restore, "password": PASSWORD, "confirmPassword": PASSWORD });
    let set = Request::patch("/customer-restore-password/x", &document("customer-restore-password", &set));
    expect(&gateway, "4.2", &set, &Expected::no_content()).await;
    let carts = carts_on_another_device(&gateway.client(), &gateway, &key).await;
    assert_eq!(carts, [Basket::of(&id, &[(CAMERA, 1)])], "8.2 the claim's cart stays the claim's");
}
