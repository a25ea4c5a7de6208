//! Section 7.1: `POST /guest-cart-items`, which makes the guest's cart. What holds for all items is in `cart_items`.

use serde_json::json;
use testkit::{
    Basket, CAMERA, Engine, Expected, GUEST, LENS, Request, SOLD_OUT, Shopper, add_guest_item, check, document,
    on_both_databases, row,
};

use crate::messages::not_added;
use crate::shop::{BASE, settings};

on_both_databases! {
    tables: [the_first_item_makes_the_cart, what_is_refused_makes_none, shops_of_another_kind]
    scenarios: [one_cart_whatever_the_path]
}

async fn the_first_item_makes_the_cart(engine: Engine) {
    let gateway = settings(engine).start().await;
    let shown = |subtotal: u64| {
        Expected::data(201)
            .at("/data/type", "guest-carts")
            .at("/data/attributes/priceMode", "GROSS_MODE")
            .at("/data/attributes/currency", "EUR")
            .at("/data/attributes/store", "DE")
            .at("/data/attributes/name", "Shopping cart")
            .at("/data/attributes/isDefault", true)
            .at("/data/attributes/totals/grandTotal", subtotal)
            .nothing_at("/data/relationships")
            .nothing_at("/included")
            .no_header("ETag")
    };
    check(
        engine,
        gateway.client(),
        &[
            row("7.1 the first item makes the cart", add_guest_item("guest-1", CAMERA, 1), shown(9_999)),
            row("7.1 the second is added to it", add_guest_item("guest-1", LENS, 2), shown(9_999 + 2 * 4_550)),
            row("7.1 more of the first", add_guest_item("guest-1", CAMERA, 2), shown(3 * 9_999 + 2 * 4_550)),
            row("7.1 another guest has a cart of their own", add_guest_item("guest-2", LENS, 1), shown(4_550)),
            row(
                "1.8 include in the answer",
                Request::post(
                    "/guest-cart-items?include=guest-cart-items",
                    &document("guest-cart-items", &json!({ "sku": CAMERA, "quantity": 1 })),
                )
                .header(GUEST, "guest-3"),
                Expected::data(201)
                    .at(
                        "/data/relationships/guest-cart-items/data",
                        json!([{ "type": "guest-cart-items", "id": CAMERA }]),
                    )
                    .at("/included/0/type", "guest-cart-items")
                    .at("/included/0/id", CAMERA)
                    .at("/included/0/attributes/quantity", 1)
                    .nothing_at("/included/1"),
            ),
        ],
    )
    .await;
    let path = "/guest-cart-items?include=guest-cart-items&a=b";
    let item = document("guest-cart-items", &json!({ "sku": CAMERA, "quantity": 1 }));
    let created = gateway.send(&Request::post(path, &item).header(GUEST, "guest-3")).await.expect_status(201);
    let id = created.text("/data/id");
    assert_eq!(created.text("/data/links/self"), format!("{BASE}/guest-carts/{id}"), "1.1 of another type: no query");
    assert_eq!(created.header("Location"), Some(format!("{BASE}/guest-carts/{id}").as_str()), "JSON:API 83");
    let link = format!("{BASE}/guest-carts/{id}/guest-cart-items/{CAMERA}");
    assert_eq!(created.text("/included/0/links/self"), link, "1.1 the link of an item");
}

async fn what_is_refused_makes_none(engine: Engine) {
    let gateway = settings(engine).start().await;
    let guest = Shopper::guest("guest-1");
    let none = || row("7.1 no cart is made", guest.list(), Expected::data(200).at("/data", json!([])));
    check(
        engine,
        gateway.client(),
        &[
            row("10 102, 113: unknown", add_guest_item("guest-1", "nothing", 1), {
                not_added("Product \"nothing\" not found")
            }),
            none(),
            row("10 102, 113: sold out", add_guest_item("guest-1", SOLD_OUT, 1), {
                not_added(&format!("Product \"{SOLD_OUT}\" is not available at the moment"))
            }),
            none(),
            row("10 102, 113: too many", add_guest_item("guest-1", LENS, 11), {
                not_added(&format!("Product \"{LENS}\" is only available in a quantity of 10"))
            }),
            none(),
            row("1.10 a violation", add_guest_item("guest-1", CAMERA, 0), {
                crate::messages::violations("quantity", &[crate::messages::NOT_POSITIVE])
            }),
            none(),
        ],
    )
    .await;
}

async fn shops_of_another_kind(engine: Engine) {
    let gateway = settings(engine)
        .set("VESTIBULE__STORE__NAME", "CH")
        .set("VESTIBULE__CARTS__CURRENCIES", "CHF,EUR")
        .set("VESTIBULE__CARTS__PRICE_MODE", "NET_MODE")
        .start()
        .await;
    check(
        engine,
        gateway.client(),
        &[row(
            "7.1 in the store's default currency and price mode",
            add_guest_item("guest-1", CAMERA, 1),
            Expected::data(201)
                .at("/data/attributes/priceMode", "NET_MODE")
                .at("/data/attributes/currency", "CHF")
                .at("/data/attributes/store", "CH")
                .at("/data/attributes/totals/subtotal", 9_663)
                .at("/data/attributes/totals/grandTotal", 11_499),
        )],
    )
    .await;
    let multi_cart = settings(engine).set("VESTIBULE__CARTS__MULTI_CART", "true").start().await;
    let guest = Shopper::guest("guest-1");
    check(
        engine,
        multi_cart.client(),
        &[
            row(
                "7.1 a guest's name is a default, in shops of several carts too",
                add_guest_item("guest-1", CAMERA, 1),
                {
                    Expected::data(201)
                        .at("/data/attributes/name", "Shopping cart")
                        .at("/data/attributes/isDefault", true)
                },
            ),
            row("7.1 more", add_guest_item("guest-1", LENS, 1), Expected::data(201)),
            row("7.1 a guest has a single cart", guest.list(), Expected::data(200).nothing_at("/data/1")),
        ],
    )
    .await;
}

async fn one_cart_whatever_the_path(engine: Engine) {
    let gateway = settings(engine).start().await;
    let guest = Shopper::guest("guest-1");
    let id = gateway.fill("guest-1", &[(CAMERA, 1)]).await;
    gateway.send(&guest.add(&id, CAMERA, 2)).await.expect_status(201);
    gateway.send(&guest.add(&id.to_uppercase(), LENS, 1)).await.expect_status(201);
    gateway.fill("guest-1", &[(LENS, 2)]).await;
    assert_eq!(
        gateway.baskets(&guest).await,
        [Basket::of(&id, &[(CAMERA, 3), (LENS, 3)])],
        "7.1 equal products add up"
    );
    gateway.send(&guest.remove(&id, CAMERA)).await.expect_status(204);
    gateway.send(&guest.remove(&id, LENS)).await.expect_status(204);
    assert_eq!(gateway.baskets(&guest).await, [Basket::of(&id, &[])], "7.1 an empty cart stays");
    assert_eq!(gateway.fill("guest-1", &[(LENS, 1)]).await, id, "7.1 and is filled again");
}
