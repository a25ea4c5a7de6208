//! Section 7.1: what carts and their lines come to, cent by cent, by gross and by net prices.

use serde_json::{Map, Value, json};
use testkit::{BOOK, CAMERA, DRONE, Engine, Gateway, LENS, STICKER, Session, Shopper, new_cart, on_both_databases};

use crate::shop::{settings, with};

on_both_databases! {
    scenarios: [
        by_gross_prices, by_net_prices, in_another_currency, several_lines, very_many, a_cart_without_items,
        conversion_between_currencies_keeps_no_old_price,
    ]
}

/// The amounts of a line: `taxRate`, then one piece and all pieces as priced, their tax, and as paid.
struct Line {
    rate: Value,
    price: [u64; 2],
    tax: [u64; 2],
    paid: [u64; 2],
}

/// Both price modes show all names; the one that is not the cart's is 0.
fn calculations(mode: &str, line: &Line) -> Value {
    let Line { rate, price: [unit, sum], tax: [unit_tax, sum_tax], paid: [unit_paid, sum_paid] } = line;
    let ([unit_net, sum_net], [unit_gross, sum_gross]) =
        if mode == "NET_MODE" { ([*unit, *sum], [0, 0]) } else { ([0, 0], [*unit, *sum]) };
    json!({
        "unitPrice": unit, "sumPrice": sum, "taxRate": rate,
        "unitNetPrice": unit_net, "sumNetPrice": sum_net, "unitGrossPrice": unit_gross, "sumGrossPrice": sum_gross,
        "unitTaxAmountFullAggregation": unit_tax, "sumTaxAmountFullAggregation": sum_tax,
        "sumSubtotalAggregation": sum, "unitSubtotalAggregation": unit,
        "unitProductOptionPriceAggregation": 0, "sumProductOptionPriceAggregation": 0,
        "unitDiscountAmountAggregation": 0, "sumDiscountAmountAggregation": 0,
        "unitDiscountAmountFullAggregation": 0, "sumDiscountAmountFullAggregation": 0,
        "unitPriceToPayAggregation": unit_paid, "sumPriceToPayAggregation": sum_paid,
    })
}

/// Tax, subtotal and what is paid.
fn totals(tax: u64, subtotal: u64, paid: u64) -> Value {
    json!({
        "expenseTotal": 0, "discountTotal": 0, "taxTotal": tax, "subtotal": subtotal, "grandTotal": paid,
        "priceToPay": paid,
    })
}

/// A guest and a customer with a cart each, of that price mode and currency, without items.
async fn carts(
    gateway: &Gateway,
    session: &Session,
    guest: &str,
    mode: &str,
    currency: &str,
) -> [(Shopper, String); 2] {
    let attributes = with(
        new_cart(),
        &[("priceMode", Some(json!(mode))), ("currency", Some(json!(currency))), ("name", Some(json!("A")))],
    );
    let of_a_customer = gateway.insert_cart(session, &attributes, &[]).await;
    let shopper = Shopper::guest(guest);
    let of_a_guest = gateway.fill(guest, &[(STICKER, 1)]).await;
    gateway.send(&shopper.remove(&of_a_guest, STICKER)).await.expect_status(204);
    gateway.send(&shopper.patch(&of_a_guest, &attributes)).await.expect_status(200);
    [(shopper, of_a_guest), (session.shopper(), of_a_customer)]
}

/// Holds a cart's totals and the calculations of its lines, names in their order, to what they must be.
async fn hold(gateway: &Gateway, shopper: &Shopper, id: &str, lines: &[Value], expected: &Value) {
    let cart = gateway.send(&shopper.read_whole(id)).await.expect_status(200).json();
    let shown: Vec<String> = cart["included"]
        .as_array()
        .map(|items| items.iter().map(|item| item["attributes"]["calculations"].to_string()).collect())
        .unwrap_or_default();
    let expected_lines: Vec<String> = lines.iter().map(Value::to_string).collect();
    assert_eq!(shown, expected_lines, "7.1 calculations of {id}");
    assert_eq!(cart["data"]["attributes"]["totals"].to_string(), expected.to_string(), "7.1 totals of {id}");
}

async fn shop(engine: Engine) -> (Gateway, Session) {
    let gateway = settings(engine).set("VESTIBULE__CARTS__MULTI_CART", "true").start().await;
    let session = gateway.sign_in("mira.olsen@example.com").await;
    (gateway, session)
}

/// Puts one product into carts of that kind and holds them to that line.
async fn hold_single(engine: Engine, mode: &str, currency: &str, cases: &[(&str, u64, Line)]) {
    let (gateway, session) = shop(engine).await;
    for (index, (sku, quantity, line)) in cases.iter().enumerate() {
        for (shopper, id) in carts(&gateway, &session, &format!("guest-{index}"), mode, currency).await {
            gateway.send(&shopper.add(&id, sku, *quantity)).await.expect_status(201);
            let expected = totals(line.tax[1], line.price[1], line.paid[1]);
            hold(&gateway, &shopper, &id, &[calculations(mode, line)], &expected).await;
        }
    }
}

/// A line whose prices hold their tax.
fn gross(rate: impl Into<Value>, price: [u64; 2], tax: [u64; 2]) -> Line {
    Line { rate: rate.into(), price, tax, paid: price }
}

/// A line to whose prices tax is added.
fn net(rate: impl Into<Value>, price: [u64; 2], tax: [u64; 2]) -> Line {
    Line { rate: rate.into(), price, tax, paid: [price[0] + tax[0], price[1] + tax[1]] }
}

async fn by_gross_prices(engine: Engine) {
    // The tax of all pieces is rounded once: three times 15.96 are 47.88, but of 299.97 it is 47.89.
    hold_single(
        engine,
        "GROSS_MODE",
        "EUR",
        &[
            (CAMERA, 1, gross(19, [9_999, 9_999], [1_596, 1_596])),
            (CAMERA, 3, gross(19, [9_999, 29_997], [1_596, 4_789])),
            (LENS, 7, gross(19, [4_550, 31_850], [726, 5_085])),
            (BOOK, 3, gross(7, [2_500, 7_500], [164, 491])),
            (STICKER, 1, gross(0, [1, 1], [0, 0])),
            (DRONE, 2, gross(19, [123_456, 246_912], [19_711, 39_423])),
        ],
    )
    .await;
}

async fn by_net_prices(engine: Engine) {
    hold_single(
        engine,
        "NET_MODE",
        "EUR",
        &[
            (CAMERA, 1, net(19, [8_403, 8_403], [1_597, 1_597])),
            (CAMERA, 3, net(19, [8_403, 25_209], [1_597, 4_790])),
            (LENS, 7, net(19, [3_824, 26_768], [727, 5_086])),
            (BOOK, 3, net(7, [2_336, 7_008], [164, 491])),
            (STICKER, 2, net(0, [1, 2], [0, 0])),
            (DRONE, 2, net(19, [103_745, 207_490], [19_712, 39_423])),
        ],
    )
    .await;
}

async fn in_another_currency(engine: Engine) {
    let gross_lines = [
        (CAMERA, 2, gross(19, [11_499, 22_998], [1_836, 3_672])),
        (LENS, 1, gross(19, [5_233, 5_233], [836, 836])),
        (STICKER, 1, gross(0, [1, 1], [0, 0])),
    ];
    hold_single(engine, "GROSS_MODE", "CHF", &gross_lines).await;
    let net_lines =
        [(CAMERA, 2, net(19, [9_663, 19_326], [1_836, 3_672])), (LENS, 1, net(19, [4_397, 4_397], [835, 835]))];
    hold_single(engine, "NET_MODE", "CHF", &net_lines).await;
}

async fn several_lines(engine: Engine) {
    let (gateway, session) = shop(engine).await;
    for (guest, mode, camera, book, expected) in [
        (
            "guest-1",
            "GROSS_MODE",
            gross(19, [9_999, 29_997], [1_596, 4_789]),
            gross(7, [2_500, 7_500], [164, 491]),
            totals(4_789 + 491, 29_997 + 7_500, 29_997 + 7_500),
        ),
        (
            "guest-2",
            "NET_MODE",
            net(19, [8_403, 25_209], [1_597, 4_790]),
            net(7, [2_336, 7_008], [164, 491]),
            totals(4_790 + 491, 25_209 + 7_008, 25_209 + 7_008 + 4_790 + 491),
        ),
    ] {
        for (shopper, id) in carts(&gateway, &session, guest, mode, "EUR").await {
            for (sku, quantity) in [(CAMERA, 1), (BOOK, 3), (CAMERA, 2)] {
                gateway.send(&shopper.add(&id, sku, quantity)).await.expect_status(201);
            }
            // Lines stand in the order in which they came, and the tax of each is rounded by itself.
            hold(&gateway, &shopper, &id, &[calculations(mode, &camera), calculations(mode, &book)], &expected).await;
            gateway.send(&shopper.remove(&id, CAMERA)).await.expect_status(204);
            let left = totals(book.tax[1], book.price[1], book.paid[1]);
            hold(&gateway, &shopper, &id, &[calculations(mode, &book)], &left).await;
        }
    }
}

async fn very_many(engine: Engine) {
    // Cents beyond 32 bits.
    let million = 1_000_000;
    let gross_line = [(CAMERA, million, gross(19, [9_999, 9_999_000_000], [1_596, 1_596_478_992]))];
    hold_single(engine, "GROSS_MODE", "EUR", &gross_line).await;
    let net_line = [(CAMERA, million, net(19, [8_403, 8_403_000_000], [1_597, 1_596_570_000]))];
    hold_single(engine, "NET_MODE", "EUR", &net_line).await;
}

async fn a_cart_without_items(engine: Engine) {
    let (gateway, session) = shop(engine).await;
    let attributes = with(new_cart(), &[("name", Some(json!("A")))]);
    let id = gateway.insert_cart(&session, &attributes, &[]).await;
    let customer = session.shopper();
    let names = ["expenseTotal", "discountTotal", "taxTotal", "subtotal", "grandTotal", "priceToPay"];
    let nulls: Map<String, Value> = names.into_iter().map(|name| (name.to_owned(), Value::Null)).collect();
    hold(&gateway, &customer, &id, &[], &Value::Object(nulls)).await;
    gateway.send(&customer.add(&id, CAMERA, 1)).await.expect_status(201);
    gateway.send(&customer.remove(&id, CAMERA)).await.expect_status(204);
    hold(&gateway, &customer, &id, &[], &totals(0, 0, 0)).await;
    let guest = Shopper::guest("guest-1");
    let of_a_guest = gateway.fill("guest-1", &[(CAMERA, 1)]).await;
    gateway.send(&guest.remove(&of_a_guest, CAMERA)).await.expect_status(204);
    hold(&gateway, &guest, &of_a_guest, &[], &totals(0, 0, 0)).await;
}

async fn conversion_between_currencies_keeps_no_old_price(engine: Engine) {
    let (gateway, _) = shop(engine).await;
    let guest = Shopper::guest("guest-1");
    let id = gateway.fill("guest-1", &[(CAMERA, 2), (LENS, 1)]).await;
    for (currency, camera, lens, expected) in [
        (
            "CHF",
            gross(19, [11_499, 22_998], [1_836, 3_672]),
            gross(19, [5_233, 5_233], [836, 836]),
            totals(3_672 + 836, 22_998 + 5_233, 22_998 + 5_233),
        ),
        (
            "EUR",
            gross(19, [9_999, 19_998], [1_596, 3_193]),
            gross(19, [4_550, 4_550], [726, 726]),
            totals(3_193 + 726, 19_998 + 4_550, 19_998 + 4_550),
        ),
    ] {
        gateway.send(&guest.patch(&id, &json!({ "currency": currency }))).await.expect_status(200);
        let lines = [calculations("GROSS_MODE", &camera), calculations("GROSS_MODE", &lens)];
        hold(&gateway, &guest, &id, &lines, &expected).await;
    }
}
