//! Section 7.1: a guest's cart, and who is a guest at all. What goes into it is in `guest_cart_items` and `cart_items`.

use serde_json::{Value, json};
use testkit::{
    BOOK, CAMERA, Engine, Expected, GUEST, JSON_API, Request, Row, Shopper, add_guest_item, check, document, new_cart,
    on_both_databases, row,
};

use crate::messages::{
    MISSING, NO_TEXT, bad_token, named, no_cart, no_cart_id, no_document, no_id, no_route, nobody, price_mode_is_fixed,
    repeated_header, two_users, violations, wrong_currency, wrong_price_mode, wrong_store, wrong_type,
};
use crate::shop::{BASE, Shop, expect, seen, settings};

on_both_databases! {
    tables: [reading, changing, refused_changes, nobody_in_particular, order_of_checks, foreign_carts]
    scenarios: [
        an_answer_is_complete_and_in_order, a_change_of_currency_is_all_or_nothing, whoever_sends_the_same_is_the_same,
    ]
}

pub(crate) const UNKNOWN: &str = "7c0e4a35-1f57-4d0b-9a53-2f3f9f1f7f10";

/// Whatever else can stand where a cart's id should.
pub(crate) fn odd_ids() -> [String; 6] {
    let texts = ["x", "mine", "%00", "%27%20OR%201=1", "7c0e4a35-1f57-4d0b-9a53-2f3f9f1f7f1"];
    let [one, two, three, four, five] = texts.map(str::to_owned);
    [one, two, three, four, five, "a".repeat(5_000)]
}

async fn an_answer_is_complete_and_in_order(engine: Engine) {
    let gateway = settings(engine).start().await;
    let guest = Shopper::guest("guest-1");
    let created = gateway.send(&add_guest_item("guest-1", CAMERA, 1)).await.expect_status(201);
    let id = created.text("/data/id");
    let shape: String =
        id.chars().map(|character| if matches!(character, '0'..='9' | 'a'..='f') { 'x' } else { character }).collect();
    assert_eq!(shape, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", "7.1 the id is a UUID");
    let expected = json!({
        "type": "guest-carts", "id": id,
        "attributes": {
            "priceMode": "GROSS_MODE", "currency": "EUR", "store": "DE", "name": "Shopping cart", "isDefault": true,
            "totals": {
                "expenseTotal": 0, "discountTotal": 0, "taxTotal": 1596, "subtotal": 9999, "grandTotal": 9999,
                "priceToPay": 9999,
            },
            "discounts": [], "thresholds": [],
        },
        "links": { "self": format!("{BASE}/guest-carts/{id}") },
    });
    for (holds, answer) in [
        ("7.1 POST", created.clone()),
        ("7.1 GET", gateway.send(&guest.read(&id)).await.expect_status(200)),
        ("7.1 PATCH", gateway.send(&guest.patch(&id, &json!({}))).await.expect_status(200)),
    ] {
        assert_eq!(answer.json()["data"].to_string(), expected.to_string(), "{holds}");
        assert_eq!(answer.header("ETag"), None, "1.11 a guest's cart has no entity tag");
    }
    let list = gateway.send(&guest.list()).await.expect_status(200).json();
    assert_eq!(list["data"].to_string(), json!([expected]).to_string(), "7.1 the list");
    assert_eq!(created.header("Location"), Some(format!("{BASE}/guest-carts/{id}").as_str()), "JSON:API 83");
}

async fn reading(engine: Engine) {
    let gateway = settings(engine).start().await;
    let guest = Shopper::guest("guest-1");
    let none = || Expected::data(200).at("/data", json!([])).at("/links/self", format!("{BASE}/guest-carts"));
    check(engine, gateway.client(), &[row("7.1 GET /guest-carts: none", guest.list(), none())]).await;
    let id = gateway.fill("guest-1", &[(CAMERA, 1)]).await;
    let link = format!("{BASE}/guest-carts/{id}");
    let shown = |at: &str, query: &str| {
        Expected::data(200)
            .at(&format!("{at}/type"), "guest-carts")
            .at(&format!("{at}/id"), id.as_str())
            .at(&format!("{at}/attributes/currency"), "EUR")
            .at(&format!("{at}/links/self"), format!("{link}{query}"))
            .no_header("ETag")
    };
    let mut rows = vec![
        row("7.1 GET /guest-carts: one", guest.list(), {
            shown("/data/0", "").at("/links/self", format!("{BASE}/guest-carts")).nothing_at("/data/1")
        }),
        row("7.1 GET one", guest.read(&id), shown("/data", "").nothing_at("/data/relationships")),
        row("7.1 GET one, a slash at the end", guest.sign(Request::get(&format!("/guest-carts/{id}/"))), {
            shown("/data", "")
        }),
        row("1.1 the link repeats the query", guest.sign(Request::get(&format!("/guest-carts/{id}?a=b"))), {
            shown("/data", "?a=b")
        }),
        row("1.1 the links of a list repeat the query", guest.sign(Request::get("/guest-carts?a=b")), {
            shown("/data/0", "?a=b").at("/links/self", format!("{BASE}/guest-carts?a=b"))
        }),
        row("1.3 HEAD is GET without a body", guest.sign(Request::new("HEAD", &format!("/guest-carts/{id}"))), {
            Expected::other(200).header("Content-Type", JSON_API)
        }),
        row("1.9 If-Match means nothing to a read", guest.read(&id).header("If-Match", "x"), shown("/data", "")),
        row("7.1 GET /guest-carts: another guest has none", Shopper::guest("guest-2").list(), none()),
        row("7.1 GET one: another guest's", Shopper::guest("guest-2").read(&id), no_cart()),
        row("7.1 GET one: a guest in another case", Shopper::guest("Guest-1").read(&id), no_cart()),
        row("7.1 GET one that is not there", guest.read(UNKNOWN), no_cart()),
    ];
    rows.extend(odd_ids().map(|odd| row("7.1 GET one: no UUID", guest.read(&odd), no_cart())));
    check(engine, gateway.client(), &rows).await;
}

async fn changing(engine: Engine) {
    let gateway = settings(engine).start().await;
    let guest = Shopper::guest("guest-1");
    let id = gateway.fill("guest-1", &[(CAMERA, 2)]).await;
    let shown = |currency: &str, subtotal: u64| {
        Expected::data(200)
            .at("/data/type", "guest-carts")
            .at("/data/id", id.as_str())
            .at("/data/attributes/priceMode", "GROSS_MODE")
            .at("/data/attributes/currency", currency)
            .at("/data/attributes/store", "DE")
            .at("/data/attributes/totals/subtotal", subtotal)
            .no_header("ETag")
    };
    let ignored = |holds, attributes: Value| row(holds, guest.patch(&id, &attributes), shown("EUR", 19_998));
    check(
        engine,
        gateway.client(),
        &[
            ignored("7.1 PATCH: nothing", json!({})),
            ignored("7.1 PATCH: what is as it is", new_cart()),
            ignored("7.1 PATCH: a blank currency is ignored", json!({ "currency": "" })),
            ignored("7.1 PATCH: a currency of null is ignored", json!({ "currency": null })),
            ignored("7.1 PATCH: a blank price mode is ignored", json!({ "priceMode": "" })),
            ignored("7.1 PATCH: a price mode of null is ignored", json!({ "priceMode": null })),
            ignored("7.1 PATCH: a blank store is ignored", json!({ "store": "" })),
            ignored("7.1 PATCH: a store of null is ignored", json!({ "store": null })),
            ignored("7.1 PATCH: blanks are ignored", json!({ "currency": " ", "priceMode": "  ", "store": "\t" })),
            ignored("7.1 PATCH: a guest's cart keeps its name", json!({ "name": "Presents" })),
            ignored("1.10 PATCH: extra attributes are ignored", json!({ "totals": { "subtotal": 1 }, "colour": [1] })),
            ignored("7.1 PATCH: the price mode that it has, with items", json!({ "priceMode": "GROSS_MODE" })),
            row(
                "7.1 PATCH: another currency prices the items anew",
                guest.patch(&id, &json!({ "currency": "CHF" })),
                shown("CHF", 22_998).at("/data/attributes/totals/taxTotal", 3_672),
            ),
            row("7.1 PATCH: what was changed is read", guest.read(&id), shown("CHF", 22_998)),
            row(
                "7.1 PATCH: and back",
                guest.patch(&id, &json!({ "currency": "EUR", "priceMode": "" })),
                shown("EUR", 19_998),
            ),
            row(
                "1.11 PATCH of a guest's cart asks for no entity tag and looks at none",
                guest.patch(&id, &json!({})).header("If-Match", "\"x\""),
                shown("EUR", 19_998),
            ),
            row(
                "7.1 PATCH: the price mode while there are items",
                guest.patch(&id, &json!({ "priceMode": "NET_MODE" })),
                price_mode_is_fixed(),
            ),
            row("7.1 DELETE of the only item", guest.remove(&id, CAMERA), Expected::no_content()),
            row(
                "7.1 PATCH: the price mode of an empty cart",
                guest.patch(&id, &json!({ "priceMode": "NET_MODE", "currency": "CHF" })),
                Expected::data(200)
                    .at("/data/attributes/priceMode", "NET_MODE")
                    .at("/data/attributes/currency", "CHF")
                    .at("/data/attributes/totals/subtotal", 0),
            ),
            row(
                "7.1 PATCH: what comes then has those prices",
                guest.add(&id, CAMERA, 1),
                Expected::data(201).at("/data/attributes/totals/subtotal", 9_663),
            ),
            row("7.1 the same by the only cart", add_guest_item("guest-1", CAMERA, 1), {
                Expected::data(201).at("/data/id", id.as_str()).at("/data/attributes/totals/subtotal", 19_326)
            }),
        ],
    )
    .await;
}

async fn refused_changes(engine: Engine) {
    let gateway = settings(engine).start().await;
    let guest = Shopper::guest("guest-1");
    let id = gateway.fill("guest-1", &[(CAMERA, 2), (BOOK, 1)]).await;
    let before = seen(&gateway, &guest, &id).await;
    let patch = |attributes: Value| guest.patch(&id, &attributes);
    let mut rows = vec![
        row("7.1 PATCH: the price mode while there are items", patch(json!({ "priceMode": "NET_MODE" })), {
            price_mode_is_fixed()
        }),
        row("10 102 PATCH: a currency that an item has no price in", patch(json!({ "currency": "CHF" })), {
            Expected::error(422, "102", &format!("Product \"{BOOK}\" has no price in CHF"))
        }),
        row("7.1 PATCH: one that is not there", guest.patch(UNKNOWN, &json!({})), no_cart()),
        row("7.1 PATCH: another guest's", Shopper::guest("guest-2").patch(&id, &json!({})), no_cart()),
        row("1.4 row 3: PATCH", guest.sign(Request::patch(&guest.path(&id), &document("carts", &json!({})))), {
            wrong_type()
        }),
        row("1.4 row 4: PATCH without a body", guest.sign(Request::new("PATCH", &guest.path(&id))), no_document()),
        row(
            "1.4 row 5: PATCH without an id",
            guest.sign(Request::patch("/guest-carts", &document("guest-carts", &json!({})))),
            no_id(),
        ),
        row(
            "1.4 row 6f before row 9: PATCH of one that is not there",
            guest.patch(UNKNOWN, &json!({ "currency": 5 })),
            violations("currency", &[NO_TEXT]),
        ),
    ];
    for store in ["AT", "de", "DE ", "DEE"] {
        rows.push(row("10 112 PATCH: another store", patch(json!({ "store": store })), wrong_store()));
    }
    for currency in ["USD", "eur", "EURO", "EUR ", "€", "\u{0}"] {
        rows.push(row("10 117 PATCH: a currency that is none here", patch(json!({ "currency": currency })), {
            wrong_currency()
        }));
    }
    for mode in ["NET", "gross_mode", "GROSS_MODE ", "1"] {
        rows.push(row("10 119 PATCH: a price mode that is none", patch(json!({ "priceMode": mode })), {
            wrong_price_mode()
        }));
    }
    for name in ["priceMode", "currency", "store"] {
        for other in [json!(5), json!(true), json!(["EUR"]), json!({ "x": "EUR" })] {
            rows.push(row("1.10 PATCH: a text of another type", patch(json!({ name: other })), {
                violations(name, &[NO_TEXT])
            }));
        }
    }
    check(engine, gateway.client(), &rows).await;
    assert_eq!(seen(&gateway, &guest, &id).await, before, "7.1 nothing of it changed the cart");
}

/// Every operation on a guest's cart, without a guest.
fn operations(id: &str) -> [(&'static str, Request); 7] {
    let item = || document("guest-cart-items", &json!({ "sku": CAMERA, "quantity": 1 }));
    let (cart, items) = (format!("/guest-carts/{id}"), format!("/guest-carts/{id}/guest-cart-items"));
    let one = format!("{items}/{CAMERA}");
    [
        ("GET /guest-carts", Request::get("/guest-carts")),
        ("GET /guest-carts/{id}", Request::get(&cart)),
        ("PATCH /guest-carts/{id}", Request::patch(&cart, &document("guest-carts", &json!({})))),
        ("POST /guest-cart-items", Request::post("/guest-cart-items", &item())),
        ("POST /guest-carts/{id}/guest-cart-items", Request::post(&items, &item())),
        ("PATCH /guest-carts/{id}/guest-cart-items/{item}", Request::patch(&one, &item())),
        ("DELETE /guest-carts/{id}/guest-cart-items/{item}", Request::delete(&one)),
    ]
}

async fn nobody_in_particular(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let token = session.access_token.as_str();
    let id = gateway.fill("guest-1", &[(CAMERA, 1)]).await;
    let guest = Shopper::guest("guest-1");
    let before = seen(&gateway, &guest, &id).await;
    let mut rows: Vec<Row> = Vec::new();
    for (_, request) in operations(&id) {
        rows.extend([
            row("1.4 row 6a: no guest", request.clone(), nobody()),
            row("1.4 row 6a: an empty guest", request.clone().header(GUEST, ""), nobody()),
            row("1.4 row 6a: a guest of blanks, which HTTP takes away", request.clone().header(GUEST, "   "), nobody()),
            row("1.4 row 6a before row 6e: a bad token", request.clone().bearer("x"), nobody()),
            row("1.4 row 6a: a token is no guest", request.clone().bearer(token), nobody()),
            row("1.4 row 6a: an empty guest and a token", request.clone().bearer(token).header(GUEST, ""), nobody()),
            row("1.4 row 6c: two users", request.clone().bearer(token).header(GUEST, "guest-1"), two_users()),
            row("1.4 row 6c before row 6e", request.clone().bearer("x").header(GUEST, "guest-1"), two_users()),
            row("1.4 two guests", request.header(GUEST, "guest-1").also(GUEST, "guest-2"), repeated_header()),
        ]);
    }
    rows.push(row("1.4 row 6c: an empty token is none", guest.read(&id).header("Authorization", ""), {
        Expected::data(200).at("/data/id", id.as_str())
    }));
    check(engine, gateway.client(), &rows).await;
    assert_eq!(seen(&gateway, &guest, &id).await, before, "7.1 nothing of it changed the cart");
}

async fn order_of_checks(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let id = gateway.fill("guest-1", &[(CAMERA, 1)]).await;
    let guest = Shopper::guest("guest-1");
    let items = guest.items_path(&id);
    let wrong = |path: &str| Request::post(path, &document("items", &json!({})));
    let empty = || document("guest-cart-items", &json!({}));
    let both_missing = || named(&[("sku", MISSING), ("quantity", MISSING)]);
    let good = || document("guest-cart-items", &json!({ "sku": CAMERA, "quantity": 1 }));
    check(
        engine,
        gateway.client(),
        &[
            row(
                "1.4 row 1 before row 6a",
                Request::post("/guest-carts", &document("guest-carts", &json!({}))),
                no_route(),
            ),
            row("1.4 row 3 before row 6a", wrong("/guest-cart-items"), wrong_type()),
            row("1.4 row 3 before row 6a: of a cart", wrong(&items), wrong_type()),
            row("1.4 row 4 before row 6a", Request::new("POST", "/guest-cart-items"), no_document()),
            row("1.4 row 5 before row 6a: PATCH", Request::patch(&items, &good()), no_id()),
            row("1.4 row 5 before row 6a: DELETE", Request::delete(&items), no_id()),
            row(
                "1.4 row 5 before row 6a: an empty segment",
                Request::delete(&format!("/guest-carts//guest-cart-items/{CAMERA}")),
                no_id(),
            ),
            row("1.4 row 6a before row 6f", Request::post("/guest-cart-items", &empty()), nobody()),
            row("1.4 row 6a before row 6f: of a cart", Request::post(&items, &empty()), nobody()),
            row("1.4 row 6a before row 9", Request::get(&format!("/guest-carts/{UNKNOWN}")), nobody()),
            row(
                "1.4 row 6c before row 6f",
                Request::post(&items, &empty()).header(GUEST, "guest-1").bearer(&session.access_token),
                two_users(),
            ),
            row(
                "1.4 row 6f before row 9: a cart that is not there",
                guest.post_item(UNKNOWN, &json!({})),
                both_missing(),
            ),
            row(
                "1.4 row 6f before row 9: another guest's",
                Shopper::guest("guest-2").post_item(&id, &json!({})),
                both_missing(),
            ),
            row(
                "10 104 POST into no cart",
                guest.sign(Request::post("/guest-carts//guest-cart-items", &good())),
                no_cart_id(),
            ),
            row("1.4 row 6a before 104", Request::post("/guest-carts//guest-cart-items", &good()), nobody()),
            row(
                "1.4 row 6f before 104",
                guest.sign(Request::post("/guest-carts//guest-cart-items", &empty())),
                both_missing(),
            ),
            row(
                "1.3 an empty segment: PATCH of an item",
                guest.sign(Request::patch(&format!("/guest-carts//guest-cart-items/{CAMERA}"), &good())),
                no_id(),
            ),
            row("1.4 row 5: DELETE of all items", guest.sign(Request::delete(&items)), no_id()),
            row("1.4 row 5: PATCH of all items", guest.sign(Request::patch(&items, &good())), no_id()),
            row(
                "1.4 row 6e: a bad token of somebody who is no guest",
                session.shopper().sign(Request::get("/carts")).bearer("x"),
                bad_token(),
            ),
            row(
                "7.1 all is as it was",
                guest.read(&id),
                Expected::data(200).at("/data/attributes/totals/subtotal", 9_999),
            ),
        ],
    )
    .await;
}

async fn foreign_carts(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let customer = session.shopper();
    let of_a_customer = gateway.insert_cart(&session, &new_cart(), &[(CAMERA, 1)]).await;
    let of_a_guest = gateway.fill("guest-1", &[(CAMERA, 1)]).await;
    let (guest, other) = (Shopper::guest("guest-1"), Shopper::guest("guest-2"));
    gateway.fill("guest-2", &[(CAMERA, 5)]).await;
    let mut rows = Vec::new();
    let foreign = [
        ("7.1 another guest's", &other, of_a_guest.as_str()),
        ("7.1 a customer's, for a guest", &guest, of_a_customer.as_str()),
        ("7.2 a guest's, for a customer", &customer, of_a_guest.as_str()),
        ("7.1 one that is not there", &guest, UNKNOWN),
    ];
    for (holds, shopper, id) in foreign {
        rows.extend([
            row(holds, shopper.read(id), no_cart()),
            row(holds, shopper.add(id, CAMERA, 1), no_cart()),
            row(holds, shopper.change(id, CAMERA, 5), no_cart()),
            row(holds, shopper.change(id, BOOK, 5), no_cart()),
            row(holds, shopper.remove(id, CAMERA), no_cart()),
        ]);
        if let Shopper::Guest(_) = shopper {
            rows.push(row(holds, shopper.patch(id, &json!({ "currency": "CHF" })), no_cart()));
        }
    }
    for odd in odd_ids() {
        rows.extend([
            row("7.1 no UUID: POST", guest.add(&odd, CAMERA, 1), no_cart()),
            row("7.1 no UUID: PATCH of an item", guest.change(&odd, CAMERA, 1), no_cart()),
            row("7.1 no UUID: DELETE of an item", guest.remove(&odd, CAMERA), no_cart()),
            row("7.1 no UUID: PATCH", guest.patch(&odd, &json!({})), no_cart()),
        ]);
    }
    let as_before = |holds, shopper: &Shopper, id: &str| {
        row(holds, shopper.read(id), Expected::data(200).at("/data/attributes/totals/subtotal", 9_999))
    };
    rows.extend([
        as_before("7.1 nothing of it did anything", &guest, &of_a_guest),
        as_before("7.2 nor to the customer's", &customer, &of_a_customer),
    ]);
    check(engine, gateway.client(), &rows).await;
}

async fn a_change_of_currency_is_all_or_nothing(engine: Engine) {
    let gateway = settings(engine).start().await;
    let guest = Shopper::guest("guest-1");
    let id = gateway.fill("guest-1", &[(CAMERA, 1), (BOOK, 1)]).await;
    let to_francs = guest.patch(&id, &json!({ "currency": "CHF" }));
    let refused = Expected::error(422, "102", &format!("Product \"{BOOK}\" has no price in CHF"));
    expect(&gateway, "10 102: one of two has no price", &to_francs, &refused).await;
    let kept =
        Expected::data(200).at("/data/attributes/currency", "EUR").at("/data/attributes/totals/subtotal", 12_499);
    expect(&gateway, "7.1 nothing was changed", &guest.read(&id), &kept).await;
    expect(&gateway, "7.1 it goes", &guest.remove(&id, BOOK), &Expected::no_content()).await;
    let changed = Expected::data(200).at("/data/attributes/totals/subtotal", 11_499);
    expect(&gateway, "7.1 then it is changed", &to_francs, &changed).await;
    let refused = crate::messages::not_added(&format!("Product \"{BOOK}\" has no price in CHF"));
    expect(&gateway, "10 102, 113", &add_guest_item("guest-1", BOOK, 1), &refused).await;
}

async fn whoever_sends_the_same_is_the_same(engine: Engine) {
    let gateway = settings(engine).start().await;
    let endless = "0123456789abcdef".repeat(256);
    let identities = [
        "guest-1",
        "Guest-1",
        "guest-1x",
        "anonymous:guest-1",
        "0",
        "a guest with blanks, \"quotes\" and 'more'; --",
        "7c0e4a35-1f57-4d0b-9a53-2f3f9f1f7f10",
        "Gästin-東京-🛒",
        "%00",
        &endless,
        &format!("{endless}x"),
    ];
    let mut ids = Vec::new();
    for (index, identity) in identities.iter().enumerate() {
        let quantity = u64::try_from(index).unwrap() + 1;
        ids.push(gateway.fill(identity, &[(CAMERA, quantity)]).await);
    }
    for (index, identity) in identities.iter().enumerate() {
        let quantity = u64::try_from(index).unwrap() + 1;
        let baskets = gateway.baskets(&Shopper::guest(identity)).await;
        assert_eq!(baskets, [testkit::Basket::of(&ids[index], &[(CAMERA, quantity)])], "1.9 {identity}");
    }
    // Blanks around a header are none of its value.
    let blanks = gateway.baskets(&Shopper::guest("  guest-1\t")).await;
    assert_eq!(blanks, [testkit::Basket::of(&ids[0], &[(CAMERA, 1)])], "1.9 blanks around");
    let post = |identity: &[u8]| {
        let body = document("guest-cart-items", &json!({ "sku": CAMERA, "quantity": 77 })).to_string();
        let head = format!(
            "POST /guest-cart-items HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: {JSON_API}\r\n\
             Content-Length: {}\r\n{GUEST}: ",
            body.len()
        );
        [head.as_bytes(), identity, b"\r\n\r\n", body.as_bytes()].concat()
    };
    // Bytes that are no UTF-8 are an identity as good as any, and each its own.
    for identity in [&b"G\xe4stin"[..], b"G\xfcstin", b"\xff\xfe"] {
        let added = gateway.client().send_bytes(&post(identity)).await.expect_status(201);
        assert_eq!(added.json()["data"]["attributes"]["totals"]["subtotal"], 77 * 9_999, "1.9 {identity:?}");
    }
    let log = gateway.log();
    let rows = gateway.database().dump();
    for trace in ["Guest-1", "guest-1x", "東京", "quotes", "0123456789abcdef0123456789abcdef0123456789abcdef"] {
        assert!(!log.contains(trace) && !rows.contains(trace), "whoever knows {trace} is that guest");
    }
}
