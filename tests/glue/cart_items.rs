//! Sections 7.1 and 7.2: what goes into carts of guests and of customers, and what does not. What is wrong with single
//! fields is in `cart_fields`.

use serde_json::{Value, json};
use testkit::{
    Basket, CAMERA, DRONE, Engine, Expected, Gateway, LENS, Request, Row, SOLD_OUT, STICKER, Shopper, check, document,
    new_cart, on_both_databases, row,
};

use crate::guest_carts::{UNKNOWN, odd_ids};
use crate::messages::{named, no_cart, no_cart_id, no_document, no_id, no_item, not_added, not_changed, wrong_type};
use crate::shop::{BASE, Shop, only_customers_may, seen, settings};

on_both_databases! {
    tables: [adding, changing, removing, what_cannot_be_had, documents, as_many_lines_as_allowed, order_of_checks]
    scenarios: [an_item_is_complete_and_in_order, prices_are_those_of_the_last_change]
}

/// A guest and a customer, each with a cart of these products.
pub(crate) async fn both(gateway: &Gateway, items: &[(&str, u64)]) -> [(Shopper, String); 2] {
    let session = gateway.sign_in("mira.olsen@example.com").await;
    let of_a_guest = gateway.fill("guest-1", items).await;
    let of_a_customer = gateway.insert_cart(&session, &new_cart(), items).await;
    [(Shopper::guest("guest-1"), of_a_guest), (session.shopper(), of_a_customer)]
}

/// The cart as the answer to a request about an item.
fn shown(shopper: &Shopper, id: &str, status: u16, subtotal: u64) -> Expected {
    Expected::data(status)
        .at("/data/type", shopper.carts())
        .at("/data/id", id)
        .at("/data/attributes/totals/subtotal", subtotal)
        .at("/data/links/self", format!("{BASE}{}", shopper.path(id)))
        .nothing_at("/data/relationships")
        .nothing_at("/included")
}

async fn adding(engine: Engine) {
    let gateway = settings(engine).start().await;
    for (shopper, id) in both(&gateway, &[(CAMERA, 1)]).await {
        let added = |subtotal: u64| {
            shown(&shopper, &id, 201, subtotal).header("Location", &format!("{BASE}{}", shopper.path(&id)))
        };
        let with_query = shopper.sign(Request::post(
            &format!("{}?include={}&a=b", shopper.items_path(&id), shopper.items()),
            &document(shopper.items(), &json!({ "sku": STICKER, "quantity": 2 })),
        ));
        check(
            engine,
            gateway.client(),
            &[
                row("7.1, 7.2 POST: another product", shopper.add(&id, LENS, 2), added(9_999 + 9_100)),
                row("7.1, 7.2 POST: more of one that is there", shopper.add(&id, LENS, 3), added(9_999 + 5 * 4_550)),
                row("7.1, 7.2 POST: as many as there are", shopper.add(&id, LENS, 5), added(9_999 + 10 * 4_550)),
                row(
                    "1.8 POST: include in the answer, and links of another type without the query",
                    with_query,
                    Expected::data(201)
                        .at("/data/type", shopper.carts())
                        .at("/data/links/self", format!("{BASE}{}", shopper.path(&id)))
                        .at("/included/0/id", CAMERA)
                        .at("/included/1/id", LENS)
                        .at("/included/2/id", STICKER)
                        .at("/included/2/attributes/quantity", 2)
                        .at("/included/2/links/self", format!("{BASE}{}", shopper.item_path(&id, STICKER)))
                        .nothing_at("/included/3"),
                ),
                row(
                    "7.1, 7.2 an id in another case",
                    shopper.add(&id.to_uppercase(), STICKER, 1),
                    added(9_999 + 10 * 4_550 + 3),
                ),
            ],
        )
        .await;
        assert_eq!(gateway.basket(&shopper, &id).await, Basket::of(&id, &[(CAMERA, 1), (LENS, 10), (STICKER, 3)]));
    }
}

async fn changing(engine: Engine) {
    let gateway = settings(engine).start().await;
    for (shopper, id) in both(&gateway, &[(CAMERA, 2), (LENS, 6)]).await {
        let changed = |subtotal: u64| shown(&shopper, &id, 200, subtotal).no_header("Location");
        let quoted = CAMERA.replace('_', "%5f");
        let with_query = shopper.sign(Request::patch(
            &format!("{}?include={}", shopper.item_path(&id, LENS), shopper.items()),
            &document(shopper.items(), &json!({ "quantity": 2 })),
        ));
        check(
            engine,
            gateway.client(),
            &[
                row("7.1, 7.2 PATCH: more", shopper.change(&id, LENS, 10), changed(19_998 + 45_500)),
                row("7.1, 7.2 PATCH: fewer", shopper.change(&id, LENS, 1), changed(19_998 + 4_550)),
                row("7.1, 7.2 PATCH: as many as there are", shopper.change(&id, LENS, 1), changed(19_998 + 4_550)),
                row("7.1, 7.2 PATCH: the quantity is set, not added", shopper.change(&id, CAMERA, 3), {
                    changed(29_997 + 4_550)
                }),
                row(
                    "7.1, 7.2 PATCH: a key in percent-encoding",
                    shopper.change(&id, &quoted, 1),
                    changed(9_999 + 4_550),
                ),
                row(
                    "1.10 PATCH: extra attributes are ignored",
                    shopper.patch_item(&id, LENS, &json!({ "sku": CAMERA, "quantity": 2, "groupKey": "x" })),
                    changed(9_999 + 9_100),
                ),
                row("1.8 PATCH: include in the answer", with_query, {
                    Expected::data(200)
                        .at("/data/id", id.as_str())
                        .at("/included/0/id", CAMERA)
                        .at("/included/0/attributes/quantity", 1)
                        .at("/included/1/id", LENS)
                        .at("/included/1/attributes/quantity", 2)
                        .nothing_at("/included/2")
                }),
                row("10 103 PATCH: not in the cart", shopper.change(&id, STICKER, 1), no_item()),
                row("10 103 PATCH: no product", shopper.change(&id, "nothing", 1), no_item()),
                row("10 103 PATCH: sold out and not in the cart", shopper.change(&id, SOLD_OUT, 1), no_item()),
                row("10 103 PATCH: a control character", shopper.change(&id, "%00", 1), no_item()),
                row("10 103 PATCH: a very long key", shopper.change(&id, &"a".repeat(5_000), 1), no_item()),
            ],
        )
        .await;
        assert_eq!(gateway.basket(&shopper, &id).await, Basket::of(&id, &[(CAMERA, 1), (LENS, 2)]));
    }
}

async fn removing(engine: Engine) {
    let gateway = settings(engine).start().await;
    for (shopper, id) in both(&gateway, &[(CAMERA, 2), (LENS, 6)]).await {
        check(
            engine,
            gateway.client(),
            &[
                row("10 103 DELETE: not in the cart", shopper.remove(&id, STICKER), no_item()),
                row("10 103 DELETE: no product", shopper.remove(&id, "nothing"), no_item()),
                row("10 103 DELETE: a very long key", shopper.remove(&id, &"a".repeat(5_000)), no_item()),
                row("7.1, 7.2 DELETE", shopper.remove(&id, CAMERA), Expected::no_content().no_header("ETag")),
                row("10 103 DELETE: again", shopper.remove(&id, CAMERA), no_item()),
                row("10 103 PATCH: gone", shopper.change(&id, CAMERA, 1), no_item()),
                row("7.1, 7.2 the other one stays", shopper.read(&id), {
                    Expected::data(200).at("/data/attributes/totals/subtotal", 6 * 4_550)
                }),
                row("7.1, 7.2 DELETE: the last one", shopper.remove(&id, LENS), Expected::no_content()),
                row("7.1, 7.2 the cart stays", shopper.read(&id), {
                    Expected::data(200).at("/data/attributes/totals/subtotal", 0).nothing_at("/included")
                }),
                row("7.1, 7.2 POST: again", shopper.add(&id, CAMERA, 1), shown(&shopper, &id, 201, 9_999)),
            ],
        )
        .await;
    }
}

async fn what_cannot_be_had(engine: Engine) {
    let gateway = settings(engine).start().await;
    for (shopper, id) in both(&gateway, &[(CAMERA, 2), (LENS, 6), (STICKER, 999_999)]).await {
        let before = seen(&gateway, &shopper, &id).await;
        let mut rows: Vec<Row> = Vec::new();
        let long = "9".repeat(256);
        for unknown in [
            "nothing",
            "001",
            "25904006",
            " 001_25904006",
            "001_25904006 ",
            "001_25904006\u{200b}",
            "ß_25904006",
            " ",
            "0",
            "'; DROP TABLE carts; --",
            "<b>%s</b>",
            &long,
        ] {
            // No more of it is told than a SKU may have.
            let detail = format!("Product \"{}\" not found", unknown.chars().take(255).collect::<String>());
            rows.push(row("10 102, 113 no such product", shopper.add(&id, unknown, 1), not_added(&detail)));
        }
        let only = |sku: &str, left: u64| format!("Product \"{sku}\" is only available in a quantity of {left}");
        let at_most = |sku: &str| format!("Product \"{sku}\" can be ordered in a quantity of at most 1000000");
        rows.extend([
            row("10 102, 113 sold out", shopper.add(&id, SOLD_OUT, 1), {
                not_added(&format!("Product \"{SOLD_OUT}\" is not available at the moment"))
            }),
            row("10 102, 113 more than there are", shopper.add(&id, DRONE, 4), not_added(&only(DRONE, 3))),
            row("10 102, 113 with those in the cart more than there are", shopper.add(&id, LENS, 5), {
                not_added(&only(LENS, 10))
            }),
            row("10 102, 113 with those in the cart more than can be", shopper.add(&id, STICKER, 2), {
                not_added(&at_most(STICKER))
            }),
            row("10 102, 113 likewise, by far", shopper.add(&id, CAMERA, 1_000_000), not_added(&at_most(CAMERA))),
            row("10 102, 114 more than there are", shopper.change(&id, LENS, 11), not_changed(&only(LENS, 10))),
            row("10 102, 114 by far", shopper.change(&id, LENS, 1_000_000), not_changed(&only(LENS, 10))),
        ]);
        check(engine, gateway.client(), &rows).await;
        assert_eq!(seen(&gateway, &shopper, &id).await, before, "7.1, 7.2 nothing of it changed the cart");
        check(
            engine,
            gateway.client(),
            &[
                row("7.1, 7.2 as many as can be", shopper.add(&id, STICKER, 1), Expected::data(201)),
                row("7.1, 7.2 as many as there are", shopper.add(&id, DRONE, 3), Expected::data(201)),
                row("7.1, 7.2 and those too", shopper.add(&id, LENS, 4), Expected::data(201)),
            ],
        )
        .await;
    }
}

async fn documents(engine: Engine) {
    let gateway = settings(engine).start().await;
    for (shopper, id) in both(&gateway, &[(CAMERA, 1)]).await {
        let before = seen(&gateway, &shopper, &id).await;
        let (all, one) = (shopper.items_path(&id), shopper.item_path(&id, CAMERA));
        let post = |body: &Value| shopper.sign(Request::post(&all, body));
        let patch = |body: &Value| shopper.sign(Request::patch(&one, body));
        let bare = json!({ "data": { "type": shopper.items() } });
        let item = json!({ "sku": CAMERA, "quantity": 1 });
        check(
            engine,
            gateway.client(),
            &[
                row("1.4 row 3: POST", post(&document(shopper.carts(), &item)), wrong_type()),
                row("1.4 row 3: POST of the other kind of item", post(&document("cart-items", &item)), wrong_type()),
                row("1.4 row 3: PATCH", patch(&document(shopper.carts(), &item)), wrong_type()),
                row("1.4 row 4: POST without attributes", post(&bare), no_document()),
                row("1.4 row 4: PATCH without attributes", patch(&bare), no_document()),
                row("1.4 row 4: POST without a body", shopper.sign(Request::new("POST", &all)), no_document()),
                row("1.4 row 4: PATCH without a body", shopper.sign(Request::new("PATCH", &one)), no_document()),
                row(
                    "1.4 row 4: POST of a list",
                    post(&json!({ "data": [{ "type": shopper.items(), "attributes": item }] })),
                    no_document(),
                ),
                row(
                    "1.4 row 5: PATCH without an item",
                    shopper.sign(Request::patch(&all, &document(shopper.items(), &item))),
                    no_id(),
                ),
                row("1.4 row 5: DELETE without an item", shopper.sign(Request::delete(&all)), no_id()),
                row(
                    "1.3 an empty segment: PATCH",
                    shopper.sign(Request::patch(&shopper.item_path("", CAMERA), &document(shopper.items(), &item))),
                    no_id(),
                ),
                row(
                    "1.3 an empty segment: DELETE",
                    shopper.sign(Request::delete(&shopper.item_path("", CAMERA))),
                    no_id(),
                ),
                row("10 104 an empty segment: POST", shopper.add("", CAMERA, 1), no_cart_id()),
                row("1.10 nothing is there", post(&document(shopper.items(), &json!({}))), {
                    named(&[("sku", crate::messages::MISSING), ("quantity", crate::messages::MISSING)])
                }),
            ],
        )
        .await;
        assert_eq!(seen(&gateway, &shopper, &id).await, before, "7.1, 7.2 nothing of it changed the cart");
    }
}

async fn as_many_lines_as_allowed(engine: Engine) {
    let gateway = settings(engine).set("VESTIBULE__CARTS__MAX_ITEMS", "2").start().await;
    let full = || not_added("The cart holds at most 2 different products");
    for (shopper, id) in both(&gateway, &[(CAMERA, 1), (LENS, 1)]).await {
        check(
            engine,
            gateway.client(),
            &[
                row("10 102, 113 one line too many", shopper.add(&id, STICKER, 1), full()),
                row("7.2 more of those that are there", shopper.add(&id, LENS, 1), Expected::data(201)),
                row("7.2 one goes", shopper.remove(&id, CAMERA), Expected::no_content()),
                row("7.2 another comes", shopper.add(&id, STICKER, 1), Expected::data(201)),
                row("10 102, 113 full again", shopper.add(&id, CAMERA, 1), full()),
            ],
        )
        .await;
        assert_eq!(gateway.basket(&shopper, &id).await, Basket::of(&id, &[(LENS, 2), (STICKER, 1)]));
    }
}

async fn order_of_checks(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let id = gateway.insert_cart(&session, &new_cart(), &[(CAMERA, 1)]).await;
    let customer = session.shopper();
    let other = gateway.sign_in("other@example.com").await.shopper();
    let unsigned = Shopper::Customer("x".to_owned());
    let both_missing = || named(&[("sku", crate::messages::MISSING), ("quantity", crate::messages::MISSING)]);
    let mut rows = Vec::new();
    for request in [
        customer.add(&id, LENS, 1),
        customer.post_item(&id, &json!({})),
        customer.change(&id, CAMERA, 5),
        customer.patch_item(&id, CAMERA, &json!({})),
        customer.remove(&id, CAMERA),
        customer.add(UNKNOWN, LENS, 1),
    ] {
        rows.extend(only_customers_may(&request));
    }
    rows.extend([
        row("1.4 row 5 before row 6e", unsigned.remove(&id, ""), no_id()),
        row(
            "1.4 row 6f before row 9: a cart that is not there",
            customer.post_item(UNKNOWN, &json!({})),
            both_missing(),
        ),
        row("1.4 row 6f before row 9: another customer's", other.post_item(&id, &json!({})), both_missing()),
        row("1.4 row 6f before 104", customer.post_item("", &json!({})), both_missing()),
    ]);
    for (holds, shopper, cart) in
        [("7.2 another customer's", &other, id.as_str()), ("7.2 one that is not there", &customer, UNKNOWN)]
    {
        rows.extend([
            row(holds, shopper.add(cart, CAMERA, 1), no_cart()),
            row(holds, shopper.change(cart, CAMERA, 5), no_cart()),
            row(holds, shopper.change(cart, "nothing", 5), no_cart()),
            row(holds, shopper.remove(cart, CAMERA), no_cart()),
        ]);
    }
    for odd in odd_ids() {
        rows.push(row("7.2 no UUID", customer.add(&odd, CAMERA, 1), no_cart()));
    }
    rows.push(row("7.2 all is as it was", customer.read(&id), {
        Expected::data(200).at("/data/attributes/totals/subtotal", 9_999)
    }));
    check(engine, gateway.client(), &rows).await;
}

async fn an_item_is_complete_and_in_order(engine: Engine) {
    let gateway = settings(engine).start().await;
    for (shopper, id) in both(&gateway, &[(CAMERA, 3)]).await {
        let answer = gateway.send(&shopper.read_whole(&id)).await.expect_status(200).json();
        let expected = json!({
            "type": shopper.items(), "id": CAMERA,
            "attributes": {
                "sku": CAMERA, "quantity": 3, "groupKey": CAMERA, "abstractSku": "001", "amount": null,
                "calculations": {
                    "unitPrice": 9_999, "sumPrice": 29_997, "taxRate": 19, "unitNetPrice": 0, "sumNetPrice": 0,
                    "unitGrossPrice": 9_999, "sumGrossPrice": 29_997, "unitTaxAmountFullAggregation": 1_596,
                    "sumTaxAmountFullAggregation": 4_789, "sumSubtotalAggregation": 29_997,
                    "unitSubtotalAggregation": 9_999, "unitProductOptionPriceAggregation": 0,
                    "sumProductOptionPriceAggregation": 0, "unitDiscountAmountAggregation": 0,
                    "sumDiscountAmountAggregation": 0, "unitDiscountAmountFullAggregation": 0,
                    "sumDiscountAmountFullAggregation": 0, "unitPriceToPayAggregation": 9_999,
                    "sumPriceToPayAggregation": 29_997,
                },
                "selectedProductOptions": [],
            },
            "links": { "self": format!("{BASE}{}", shopper.item_path(&id, CAMERA)) },
        });
        assert_eq!(answer["included"][0].to_string(), expected.to_string(), "7.1 an item");
    }
}

async fn prices_are_those_of_the_last_change(engine: Engine) {
    let gateway = settings(engine).start().await;
    for (shopper, id) in both(&gateway, &[(CAMERA, 1), (LENS, 1)]).await {
        gateway.database().execute("UPDATE cart_items SET unit_price = 1000");
        let subtotal = async |request: &Request| {
            let answer = gateway.send(request).await;
            answer.json()["data"]["attributes"]["totals"]["subtotal"].as_u64()
        };
        assert_eq!(subtotal(&shopper.read(&id)).await, Some(2_000), "a line keeps its price");
        assert_eq!(subtotal(&shopper.add(&id, CAMERA, 1)).await, Some(2 * 9_999 + 1_000), "more of it: today's price");
        assert_eq!(
            subtotal(&shopper.change(&id, LENS, 2)).await,
            Some(2 * 9_999 + 2 * 4_550),
            "changed: today's price"
        );
    }
}
