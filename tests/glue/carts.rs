//! Section 7.2: the carts of a customer, in shops of one cart and of several. What goes into them is in `cart_items`,
//! entity tags in `cart_tags`.

use serde_json::{Value, json};
use testkit::{
    BOOK, Basket, CAMERA, Engine, Expected, Gateway, LENS, Request, Session, Shopper, check, document, insert_cart,
    new_cart, on_both_databases, row,
};

use crate::guest_carts::{UNKNOWN, odd_ids};
use crate::messages::{
    NO_TEXT, bad_token, has_a_cart, last_cart, no_cart, no_document, no_id, no_token, not_own_carts,
    price_mode_is_fixed, too_many_carts, two_users, violations, wrong_type,
};
use crate::shop::{BASE, GUEST, Shop, expect, only_customers_may, patch_now, seen, settings, tag_of, with};

on_both_databases! {
    tables: [creating, reading, below_the_customer, changing, deleting, order_of_checks, several_carts]
    scenarios: [a_cart_is_complete_and_in_order, the_newest_cart_is_the_default, two_carts_may_hold_the_same_product]
}

/// A gateway of a shop in which customers have several carts, and a customer.
async fn several(engine: Engine, most: &str) -> (Gateway, Session) {
    let gateway = settings(engine)
        .set("VESTIBULE__CARTS__MULTI_CART", "true")
        .set("VESTIBULE__CARTS__MAX_CARTS", most)
        .start()
        .await;
    let session = gateway.sign_in("mira.olsen@example.com").await;
    (gateway, session)
}

fn called(name: &str) -> Value {
    with(new_cart(), &[("name", Some(json!(name)))])
}

/// Whether each of a customer's carts is the default one, by their names, oldest first.
async fn defaults(gateway: &Gateway, customer: &Shopper) -> Vec<(String, bool)> {
    let list = gateway.send(&customer.list()).await.expect_status(200).json();
    let told = |cart: &Value| {
        let attributes = &cart["attributes"];
        (attributes["name"].as_str().unwrap().to_owned(), attributes["isDefault"].as_bool().unwrap())
    };
    list["data"].as_array().unwrap().iter().map(told).collect()
}

async fn a_cart_is_complete_and_in_order(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let customer = session.shopper();
    let created = gateway.send(&insert_cart(&session, &new_cart())).await.expect_status(201);
    let id = created.text("/data/id");
    let link = format!("{BASE}/carts/{id}");
    let cart = |totals: Value| {
        json!({
            "type": "carts", "id": id,
            "attributes": {
                "priceMode": "GROSS_MODE", "currency": "EUR", "store": "DE", "name": "Shopping cart",
                "isDefault": true, "totals": totals, "discounts": [], "thresholds": [],
            },
            "links": { "self": link },
        })
        .to_string()
    };
    let none = json!({
        "expenseTotal": null, "discountTotal": null, "taxTotal": null, "subtotal": null, "grandTotal": null,
        "priceToPay": null,
    });
    assert_eq!(created.json()["data"].to_string(), cart(none.clone()), "7.1, 7.2 a brand-new cart");
    assert_eq!(created.header("Location"), Some(link.as_str()), "JSON:API 83");
    let read = gateway.send(&customer.read(&id)).await.expect_status(200);
    assert_eq!(read.json()["data"].to_string(), cart(none), "7.1, 7.2 as long as nothing was done with it");
    let amounts = |tax: u64, sum: u64| {
        json!({
            "expenseTotal": 0, "discountTotal": 0, "taxTotal": tax, "subtotal": sum, "grandTotal": sum,
            "priceToPay": sum,
        })
    };
    let added = gateway.send(&customer.add(&id, CAMERA, 1)).await.expect_status(201);
    assert_eq!(added.json()["data"].to_string(), cart(amounts(1_596, 9_999)), "7.2 POST of an item answers the cart");
    let changed = gateway.send(&customer.change(&id, CAMERA, 2)).await.expect_status(200);
    assert_eq!(changed.json()["data"].to_string(), cart(amounts(3_193, 19_998)), "7.2 and so does its PATCH");
    gateway.send(&customer.remove(&id, CAMERA)).await.expect_status(204);
    let read = gateway.send(&customer.read(&id)).await.expect_status(200);
    assert_eq!(read.json()["data"].to_string(), cart(amounts(0, 0)), "7.1 zeros after the last item went");
}

async fn creating(engine: Engine) {
    let gateway = settings(engine).start().await;
    let made = |mode: &str, currency: &str, name: &str| {
        Expected::data(201)
            .at("/data/type", "carts")
            .at("/data/attributes/priceMode", mode)
            .at("/data/attributes/currency", currency)
            .at("/data/attributes/store", "DE")
            .at("/data/attributes/name", name)
            .at("/data/attributes/isDefault", true)
            .at("/data/attributes/totals/grandTotal", Value::Null)
            .nothing_at("/data/relationships")
            .nothing_at("/included")
    };
    let cases = [
        ("7.2 POST", new_cart(), made("GROSS_MODE", "EUR", "Shopping cart")),
        ("7.2 POST: another price mode", with(new_cart(), &[("priceMode", Some(json!("NET_MODE")))]), {
            made("NET_MODE", "EUR", "Shopping cart")
        }),
        ("7.2 POST: another currency", with(new_cart(), &[("currency", Some(json!("CHF")))]), {
            made("GROSS_MODE", "CHF", "Shopping cart")
        }),
        ("7.2 POST: a name in a shop of single carts", called("Presents"), made("GROSS_MODE", "EUR", "Presents")),
        ("7.2 POST: a name of null", with(new_cart(), &[("name", Some(Value::Null))]), {
            made("GROSS_MODE", "EUR", "Shopping cart")
        }),
        ("7.2 POST: an empty name", called(""), made("GROSS_MODE", "EUR", "Shopping cart")),
        (
            "1.10 POST: extra attributes are ignored",
            with(new_cart(), &[("isDefault", Some(json!(false))), ("totals", Some(json!({ "grandTotal": 1 })))]),
            made("GROSS_MODE", "EUR", "Shopping cart"),
        ),
    ];
    for (index, (holds, attributes, expected)) in cases.into_iter().enumerate() {
        let session = gateway.sign_in(&format!("mira-{index}@example.com")).await;
        let second = row("10 110 POST: a second one", insert_cart(&session, &new_cart()), has_a_cart());
        check(engine, gateway.client(), &[row(holds, insert_cart(&session, &attributes), expected), second]).await;
        assert_eq!(gateway.baskets(&session.shopper()).await.len(), 1, "7.2 there is one");
    }
}

async fn reading(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let customer = session.shopper();
    let none = Expected::data(200).at("/data", json!([])).at("/links/self", format!("{BASE}/carts")).no_header("ETag");
    check(engine, gateway.client(), &[row("7.2 GET /carts: none", customer.list(), none)]).await;
    let id = gateway.insert_cart(&session, &new_cart(), &[(CAMERA, 1)]).await;
    let other = gateway.sign_in("other@example.com").await;
    let foreign = gateway.insert_cart(&other, &new_cart(), &[(LENS, 1)]).await;
    let link = format!("{BASE}/carts/{id}");
    let shown = |at: &str, query: &str| {
        Expected::data(200)
            .at(&format!("{at}/type"), "carts")
            .at(&format!("{at}/id"), id.as_str())
            .at(&format!("{at}/attributes/totals/grandTotal"), 9_999)
            .at(&format!("{at}/links/self"), format!("{link}{query}"))
    };
    let ask = |path: &str| customer.sign(Request::get(path));
    let mut rows = vec![
        row("7.2 GET /carts: one", customer.list(), {
            shown("/data/0", "").at("/links/self", format!("{BASE}/carts")).nothing_at("/data/1")
        }),
        row("7.2 GET one", customer.read(&id), shown("/data", "").nothing_at("/data/relationships")),
        row("7.2 GET one: its id in another case", customer.read(&id.to_uppercase()), shown("/data", "")),
        row("7.2 GET one: a slash at the end", ask(&format!("/carts/{id}/")), shown("/data", "")),
        row("1.1 the link repeats the query", ask(&format!("/carts/{id}?a=b")), shown("/data", "?a=b")),
        row("1.1 the links of a list repeat the query", ask("/carts?a=b"), {
            shown("/data/0", "?a=b").at("/links/self", format!("{BASE}/carts?a=b"))
        }),
        row("7.2 GET one that is not there", customer.read(UNKNOWN), no_cart()),
        row("7.2 GET one: another customer's", customer.read(&foreign), no_cart()),
        row("7.2 GET one: and the other way round", other.shopper().read(&id), no_cart()),
    ];
    rows.extend(odd_ids().map(|odd| row("7.2 GET one: no UUID", customer.read(&odd), no_cart())));
    check(engine, gateway.client(), &rows).await;
}

async fn below_the_customer(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let customer = session.shopper();
    let own = format!("{}/carts", session.path());
    let other = gateway.sign_in("other@example.com").await;
    gateway.insert_cart(&other, &new_cart(), &[(LENS, 1)]).await;
    let none = Expected::data(200).at("/data", json!([])).at("/links/self", format!("{BASE}{own}"));
    check(engine, gateway.client(), &[row("7.2 none", customer.sign(Request::get(&own)), none)]).await;
    let id = gateway.insert_cart(&session, &new_cart(), &[(CAMERA, 1)]).await;
    let ask = |path: &str| customer.sign(Request::get(path));
    let mut rows = vec![
        row("7.2 one", ask(&own), {
            Expected::data(200)
                .at("/data/0/type", "carts")
                .at("/data/0/id", id.as_str())
                .at("/data/0/attributes/totals/grandTotal", 9_999)
                .at("/data/0/links/self", format!("{BASE}/carts/{id}"))
                .at("/links/self", format!("{BASE}{own}"))
                .nothing_at("/data/1")
        }),
        row("7.2 with what is in it", ask(&format!("{own}?include=items")), {
            Expected::data(200)
                .at("/data/0/relationships/items/data", json!([{ "type": "items", "id": CAMERA }]))
                .at("/included/0/id", CAMERA)
                .at("/links/self", format!("{BASE}{own}?include=items"))
        }),
        row("7.2 no token", Request::get(&own), no_token()),
        row("7.2 a bad token", Request::get(&own).bearer("x"), bad_token()),
        row("1.4 row 6c: two users", ask(&own).header(GUEST, "guest-1"), two_users()),
        row("1.3 an empty segment", ask("/customers//carts"), not_own_carts()),
        row("1.3 an empty segment: a missing token before ownership", Request::get("/customers//carts"), no_token()),
    ];
    for reference in [other.reference.as_str(), "DE--4711", "mine", "%00"] {
        rows.push(row("10 802 another customer's, or nobody's", ask(&format!("/customers/{reference}/carts")), {
            not_own_carts()
        }));
    }
    check(engine, gateway.client(), &rows).await;
}

async fn changing(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let customer = session.shopper();
    let id = gateway.insert_cart(&session, &new_cart(), &[]).await;
    let shown = |mode: &str, currency: &str, name: &str, subtotal: Option<u64>| {
        Expected::data(200)
            .at("/data/type", "carts")
            .at("/data/id", id.as_str())
            .at("/data/attributes/priceMode", mode)
            .at("/data/attributes/currency", currency)
            .at("/data/attributes/name", name)
            .at("/data/attributes/totals/subtotal", subtotal.map_or(Value::Null, Value::from))
            .no_header("Location")
    };
    let cart = "Shopping cart";
    for (holds, attributes, expected) in [
        ("7.2 PATCH: the price mode of an empty cart", json!({ "priceMode": "NET_MODE" }), {
            shown("NET_MODE", "EUR", cart, Some(0))
        }),
        ("7.2 PATCH: the currency of an empty cart", json!({ "currency": "CHF" }), {
            shown("NET_MODE", "CHF", cart, Some(0))
        }),
        ("7.2 PATCH: all at once", new_cart(), shown("GROSS_MODE", "EUR", cart, Some(0))),
        ("7.2 PATCH: the name", json!({ "name": "Presents" }), shown("GROSS_MODE", "EUR", "Presents", Some(0))),
    ] {
        let request = patch_now(&gateway, &customer, &id, &attributes).await;
        check(engine, gateway.client(), &[row(holds, request, expected)]).await;
    }
    gateway.send(&customer.add(&id, CAMERA, 2)).await.expect_status(201);
    for (holds, attributes, expected) in [
        ("7.2 PATCH: another currency prices the items anew", json!({ "currency": "CHF" }), {
            shown("GROSS_MODE", "CHF", "Presents", Some(22_998))
        }),
        ("7.2 PATCH: the store that it has", json!({ "store": "DE" }), {
            shown("GROSS_MODE", "CHF", "Presents", Some(22_998))
        }),
        (
            "7.2 PATCH: the price mode that it has, with items",
            json!({ "priceMode": "GROSS_MODE", "currency": "EUR" }),
            shown("GROSS_MODE", "EUR", "Presents", Some(19_998)),
        ),
    ] {
        let request = patch_now(&gateway, &customer, &id, &attributes).await;
        check(engine, gateway.client(), &[row(holds, request, expected)]).await;
    }
    gateway.send(&customer.add(&id, BOOK, 1)).await.expect_status(201);
    let before = seen(&gateway, &customer, &id).await;
    let tag = tag_of(&gateway, &customer, &id).await;
    let patch = |attributes: Value| customer.patch(&id, &attributes).header("If-Match", &tag);
    check(
        engine,
        gateway.client(),
        &[
            row("10 111 PATCH: the price mode while there are items", patch(json!({ "priceMode": "NET_MODE" })), {
                price_mode_is_fixed()
            }),
            row(
                "10 111 PATCH: with a name that would be good",
                patch(json!({ "name": "X", "priceMode": "NET_MODE" })),
                price_mode_is_fixed(),
            ),
            row("10 102 PATCH: a currency that an item has no price in", patch(json!({ "currency": "CHF" })), {
                Expected::error(422, "102", &format!("Product \"{BOOK}\" has no price in CHF"))
            }),
        ],
    )
    .await;
    assert_eq!(seen(&gateway, &customer, &id).await, before, "7.2 nothing of it changed the cart");
}

async fn deleting(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let customer = session.shopper();
    let id = gateway.insert_cart(&session, &new_cart(), &[(CAMERA, 1)]).await;
    let other = gateway.sign_in("other@example.com").await;
    let foreign = gateway.insert_cart(&other, &new_cart(), &[(LENS, 1)]).await;
    let before = seen(&gateway, &customer, &id).await;
    let delete = |id: &str| customer.sign(Request::delete(&customer.path(id)));
    let mut rows = vec![
        row("10 105 DELETE: the last one", delete(&id), last_cart()),
        row("7.2 DELETE: one that is not there", delete(UNKNOWN), no_cart()),
        row("7.2 DELETE: another customer's", delete(&foreign), no_cart()),
        row("1.4 row 5: DELETE without an id", customer.sign(Request::delete("/carts")), no_id()),
        row("1.4 row 5 before row 6d", Request::delete("/carts"), no_id()),
        row("1.4 row 6d: DELETE", Request::delete(&customer.path(&id)), no_token()),
        row("1.4 row 6e: DELETE", Request::delete(&customer.path(&id)).bearer("x"), bad_token()),
    ];
    rows.extend(odd_ids().map(|odd| row("7.2 DELETE: no UUID", delete(&odd), no_cart())));
    check(engine, gateway.client(), &rows).await;
    assert_eq!(seen(&gateway, &customer, &id).await, before, "7.2 nothing of it changed the cart");
    assert_eq!(gateway.baskets(&other.shopper()).await, [Basket::of(&foreign, &[(LENS, 1)])]);
}

async fn order_of_checks(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let customer = session.shopper();
    let id = gateway.insert_cart(&session, &new_cart(), &[(CAMERA, 1)]).await;
    let before = seen(&gateway, &customer, &id).await;
    let one = customer.path(&id);
    let post = |body: &Value| customer.sign(Request::post("/carts", body));
    let patch = |body: &Value| customer.sign(Request::patch(&one, body));
    let bare = json!({ "data": { "type": "carts" } });
    let mut rows = vec![
        row("1.4 row 3: POST", post(&document("guest-carts", &new_cart())), wrong_type()),
        row("1.4 row 3: PATCH", patch(&document("guest-carts", &new_cart())), wrong_type()),
        row("1.4 row 3 before row 6d", post(&document("cart", &json!({}))).without("Authorization"), wrong_type()),
        row("1.4 row 4: POST", post(&bare), no_document()),
        row("1.4 row 4: PATCH", patch(&bare), no_document()),
        row("1.4 row 4: POST without a body", customer.sign(Request::new("POST", "/carts")), no_document()),
        row(
            "1.4 row 5: PATCH without an id",
            customer.sign(Request::patch("/carts", &document("carts", &json!({})))),
            no_id(),
        ),
        row("1.4 row 6f before 110", insert_cart(&session, &with(new_cart(), &[("store", Some(json!(5)))])), {
            violations("store", &[NO_TEXT])
        }),
    ];
    for request in [
        customer.list(),
        customer.read(&id),
        insert_cart(&session, &new_cart()),
        insert_cart(&session, &json!({})),
        customer.patch(&id, &json!({ "currency": "CHF" })),
        customer.patch(&id, &json!({ "currency": 5 })),
        customer.sign(Request::delete(&one)),
    ] {
        rows.extend(only_customers_may(&request));
    }
    rows.push(row("1.4 row 6c: an empty guest is none", customer.read(&id).header(GUEST, ""), Expected::data(200)));
    check(engine, gateway.client(), &rows).await;
    assert_eq!(seen(&gateway, &customer, &id).await, before, "7.2 nothing of it changed the cart");
}

async fn several_carts(engine: Engine) {
    let (gateway, session) = several(engine, "3").await;
    let customer = session.shopper();
    let other = gateway.sign_in("other@example.com").await;
    let made =
        |name: &str| Expected::data(201).at("/data/attributes/name", name).at("/data/attributes/isDefault", true);
    check(
        engine,
        gateway.client(),
        &[
            row("7.2 the first of several", insert_cart(&session, &called("First")), made("First")),
            row("7.2 the second, of the same name", insert_cart(&session, &called("First")), made("First")),
            row("7.2 the third", insert_cart(&session, &called("Third")), made("Third")),
            row("10 107 one too many", insert_cart(&session, &called("Fourth")), too_many_carts()),
            row("7.2 another customer may", insert_cart(&other, &called("First")), made("First")),
            row("7.2 all of them", customer.list(), {
                Expected::data(200)
                    .at("/data/0/attributes/name", "First")
                    .at("/data/1/attributes/name", "First")
                    .at("/data/2/attributes/name", "Third")
                    .nothing_at("/data/3")
                    .no_header("ETag")
            }),
        ],
    )
    .await;
    let ids: Vec<String> = gateway.baskets(&customer).await.into_iter().map(|basket| basket.id).collect();
    let delete = |id: &str| customer.sign(Request::delete(&customer.path(id)));
    check(
        engine,
        gateway.client(),
        &[
            row("7.2 DELETE of one of several", delete(&ids[1]), Expected::no_content()),
            row("7.2 DELETE: gone already", delete(&ids[1]), no_cart()),
            row("7.2 gone", customer.read(&ids[1]), no_cart()),
            row("7.2 nothing goes into it", customer.add(&ids[1], CAMERA, 1), no_cart()),
            row("7.2 there is room again", insert_cart(&session, &called("Fourth")), made("Fourth")),
            row("7.2 DELETE of another", delete(&ids[0]), Expected::no_content()),
            row("7.2 DELETE of the last but one", delete(&ids[2]), Expected::no_content()),
        ],
    )
    .await;
    let [last] = &gateway.baskets(&customer).await[..] else { panic!("one cart is left") };
    check(engine, gateway.client(), &[row("10 105 DELETE of the last one", delete(&last.id), last_cart())]).await;
}

async fn the_newest_cart_is_the_default(engine: Engine) {
    let (gateway, session) = several(engine, "10").await;
    let customer = session.shopper();
    let mut ids = Vec::new();
    for name in ["A", "B", "C"] {
        ids.push(gateway.insert_cart(&session, &called(name), &[]).await);
    }
    let is =
        |states: &[(&str, bool)]| -> Vec<_> { states.iter().map(|(name, is)| ((*name).to_owned(), *is)).collect() };
    assert_eq!(defaults(&gateway, &customer).await, is(&[("A", false), ("B", false), ("C", true)]));
    let rename = patch_now(&gateway, &customer, &ids[0], &json!({ "name": "A2" })).await;
    let expected = Expected::data(200).at("/data/attributes/name", "A2").at("/data/attributes/isDefault", false);
    expect(&gateway, "7.2 PATCH leaves the default alone", &rename, &expected).await;
    gateway.send(&customer.sign(Request::delete(&customer.path(&ids[2])))).await.expect_status(204);
    assert_eq!(defaults(&gateway, &customer).await, is(&[("A2", false), ("B", true)]), "7.2 the newest that is left");
    gateway.send(&customer.sign(Request::delete(&customer.path(&ids[0])))).await.expect_status(204);
    assert_eq!(defaults(&gateway, &customer).await, is(&[("B", true)]));
    gateway.insert_cart(&session, &called("D"), &[]).await;
    assert_eq!(defaults(&gateway, &customer).await, is(&[("B", false), ("D", true)]));
}

async fn two_carts_may_hold_the_same_product(engine: Engine) {
    let (gateway, session) = several(engine, "10").await;
    let customer = session.shopper();
    let first = gateway.insert_cart(&session, &called("A"), &[(CAMERA, 1), (LENS, 1)]).await;
    let second = gateway.insert_cart(&session, &called("B"), &[(CAMERA, 2)]).await;
    let expected = [Basket::of(&first, &[(CAMERA, 1), (LENS, 1)]), Basket::of(&second, &[(CAMERA, 2)])];
    assert_eq!(gateway.baskets(&customer).await, expected);
    // In one document a resource of that type and id is there once (JSON:API 54), which the client checks of every answer.
    let whole = gateway.send(&customer.sign(Request::get("/carts?include=items"))).await.expect_status(200).json();
    for (place, items) in [(0, 2), (1, 1)] {
        let named = &whole["data"][place]["relationships"]["items"]["data"];
        assert_eq!(named.as_array().map(Vec::len), Some(items), "7.2 each cart names its own: {whole}");
    }
}
