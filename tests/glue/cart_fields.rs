//! Sections 1.10 and 7: what is wrong with the single fields of carts and of what goes into them.

use serde_json::{Value, json};
use testkit::{
    BOOK, CAMERA, Engine, Expected, Row, STICKER, Shopper, add_guest_item, check, insert_cart, new_cart,
    on_both_databases, post_guest_item, row,
};

use crate::cart_items::both;
use crate::messages::{
    BLANK, LONG_TEXT, MISSING, NO_INTEGER, NO_NUMBER, NO_TEXT, NOT_POSITIVE, NOT_PRINTABLE, TOO_MANY, named,
    no_currency, no_price_mode, violations, wrong_currency, wrong_price_mode, wrong_store,
};
use crate::shop::{Shop, patch_now, seen, settings, tag_of, with};

on_both_databases! {
    tables: [
        fields_of_items, quantities_that_pass, whole_numbers_are_whole_however_they_are_written, fields_of_the_first_item,
        fields_of_a_cart, fields_of_a_change, names,
    ]
}

/// What is wrong with a quantity, on POST and on PATCH alike.
fn wrong_quantities() -> Vec<(&'static str, Value, Vec<&'static str>)> {
    let number = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    vec![
        ("7.1 NotBlank: null", Value::Null, vec![BLANK]),
        ("7.1 NotBlank, numeric: empty", json!(""), vec![BLANK, NO_NUMBER]),
        ("7.1 NotBlank, numeric: false", json!(false), vec![BLANK, NO_NUMBER]),
        ("7.1 NotBlank, numeric: an empty list", json!([]), vec![BLANK, NO_NUMBER]),
        ("7.1 NotBlank, numeric: an empty object", json!({}), vec![BLANK, NO_NUMBER]),
        ("7.1 numeric: true", json!(true), vec![NO_NUMBER]),
        ("7.1 numeric: a text", json!("two"), vec![NO_NUMBER]),
        ("7.1 numeric: a blank", json!(" "), vec![NO_NUMBER]),
        ("7.1 numeric: a list", json!([1]), vec![NO_NUMBER]),
        ("7.1 numeric: an object", json!({ "x": 1 }), vec![NO_NUMBER]),
        ("7.1 numeric: a number and more", json!("2 pieces"), vec![NO_NUMBER]),
        ("7.1 numeric: two numbers", json!("1 2"), vec![NO_NUMBER]),
        ("7.1 numeric: a comma", json!("1,5"), vec![NO_NUMBER]),
        ("7.1 numeric: hexadecimal", json!("0x10"), vec![NO_NUMBER]),
        ("7.1 numeric: infinity", json!("inf"), vec![NO_NUMBER]),
        ("7.1 numeric: not a number", json!("NaN"), vec![NO_NUMBER]),
        ("7.1 numeric: other digits", json!("٣"), vec![NO_NUMBER]),
        ("7.1 above 0: zero", json!(0), vec![NOT_POSITIVE]),
        ("7.1 above 0: zero as a text", json!("0"), vec![NOT_POSITIVE]),
        ("7.1 above 0: minus zero", number("-0"), vec![NOT_POSITIVE]),
        ("7.1 above 0: zero with a fraction", number("0.0"), vec![NOT_POSITIVE]),
        ("7.1 above 0: minus one", json!(-1), vec![NOT_POSITIVE]),
        ("7.1 above 0: minus one as a text", json!("-1"), vec![NOT_POSITIVE]),
        ("7.1 above 0: the least number of 64 bits", json!(i64::MIN), vec![NOT_POSITIVE]),
        ("7.1 above 0: less than that", number("-99999999999999999999"), vec![NOT_POSITIVE]),
        ("7.1 whole: a half", number("0.5"), vec![NO_INTEGER]),
        ("7.1 whole: one and a half", number("1.5"), vec![NO_INTEGER]),
        ("7.1 whole: one and a half as a text", json!("1.5"), vec![NO_INTEGER]),
        ("7.1 whole: next to nothing", number("1e-300"), vec![NO_INTEGER]),
        ("7.1 above 0, whole: minus one and a half", number("-1.5"), vec![NOT_POSITIVE, NO_INTEGER]),
        ("7.1 at most: one more", json!(1_000_001), vec![TOO_MANY]),
        ("7.1 at most: one more as a text", json!("1000001"), vec![TOO_MANY]),
        ("7.1 at most: 2^31", json!(1_u64 << 31), vec![TOO_MANY]),
        ("7.1 at most: 2^32", json!(1_u64 << 32), vec![TOO_MANY]),
        ("7.1 at most: 2^32 and one", json!((1_u64 << 32) + 1), vec![TOO_MANY]),
        ("7.1 at most: the greatest number of 64 bits", json!(i64::MAX), vec![TOO_MANY]),
        ("7.1 at most: the greatest without a sign", json!(u64::MAX), vec![TOO_MANY]),
        ("7.1 at most: 2^64 and one", number("18446744073709551617"), vec![TOO_MANY]),
        ("7.1 at most: 2^64 and one as a text", json!("18446744073709551617"), vec![TOO_MANY]),
        ("7.1 at most: 10^300", number("1e300"), vec![TOO_MANY]),
    ]
}

/// What is wrong with a text that must be there.
fn wrong_texts() -> Vec<(&'static str, Value, Vec<&'static str>)> {
    vec![
        ("1.10 NotBlank: null", Value::Null, vec![BLANK]),
        ("1.10 NotBlank: empty", json!(""), vec![BLANK]),
        ("1.10 NotBlank and no text: false", json!(false), vec![BLANK, NO_TEXT]),
        ("1.10 NotBlank and no text: an empty list", json!([]), vec![BLANK, NO_TEXT]),
        ("1.10 NotBlank and no text: an empty object", json!({}), vec![BLANK, NO_TEXT]),
        ("1.10 a number", json!(5), vec![NO_TEXT]),
        ("1.10 true", json!(true), vec![NO_TEXT]),
        ("1.10 a list", json!([CAMERA]), vec![NO_TEXT]),
        ("1.10 an object", json!({ "sku": CAMERA }), vec![NO_TEXT]),
    ]
}

fn new_item() -> Value {
    json!({ "sku": CAMERA, "quantity": 1 })
}

/// What is wrong with what is to be put into a cart, whatever the path.
fn wrong_items(post: impl Fn(&Value) -> testkit::Request) -> Vec<Row> {
    let mut rows = vec![
        row("7.1 no SKU", post(&with(new_item(), &[("sku", None)])), violations("sku", &[MISSING])),
        row("7.1 no quantity", post(&with(new_item(), &[("quantity", None)])), violations("quantity", &[MISSING])),
        row("7.1 nothing at all, in order", post(&json!({})), named(&[("sku", MISSING), ("quantity", MISSING)])),
        row(
            "7.1 everything wrong, fields in order, then constraints",
            post(&json!({ "quantity": "", "sku": "" })),
            named(&[("sku", BLANK), ("quantity", BLANK), ("quantity", NO_NUMBER)]),
        ),
        row("7.1 case counts", post(&json!({ "SKU": CAMERA, "Quantity": 1 })), {
            named(&[("sku", MISSING), ("quantity", MISSING)])
        }),
        row(
            "7.1 before 102: a product that there is not",
            post(&json!({ "sku": "nothing", "quantity": 0 })),
            violations("quantity", &[NOT_POSITIVE]),
        ),
    ];
    for (holds, value, messages) in wrong_quantities() {
        rows.push(row(holds, post(&with(new_item(), &[("quantity", Some(value))])), violations("quantity", &messages)));
    }
    for (holds, value, messages) in wrong_texts() {
        rows.push(row(holds, post(&with(new_item(), &[("sku", Some(value))])), violations("sku", &messages)));
    }
    rows
}

async fn fields_of_items(engine: Engine) {
    let gateway = settings(engine).start().await;
    for (shopper, id) in both(&gateway, &[(CAMERA, 2)]).await {
        let before = seen(&gateway, &shopper, &id).await;
        let mut rows = wrong_items(|attributes| shopper.post_item(&id, attributes));
        let patch = |attributes: &Value| shopper.patch_item(&id, CAMERA, attributes);
        rows.push(row("7.1 PATCH: no quantity", patch(&json!({})), violations("quantity", &[MISSING])));
        rows.push(row("7.1 PATCH: a SKU is no quantity", patch(&json!({ "sku": BOOK })), {
            violations("quantity", &[MISSING])
        }));
        for (holds, value, messages) in wrong_quantities() {
            rows.push(row(holds, patch(&json!({ "quantity": value })), violations("quantity", &messages)));
        }
        rows.push(row("1.4 row 6f before row 9: not in the cart", shopper.change(&id, BOOK, 0), {
            violations("quantity", &[NOT_POSITIVE])
        }));
        check(engine, gateway.client(), &rows).await;
        assert_eq!(seen(&gateway, &shopper, &id).await, before, "7.1, 7.2 nothing of it changed the cart");
    }
}

async fn fields_of_the_first_item(engine: Engine) {
    let gateway = settings(engine).start().await;
    let mut rows = wrong_items(|attributes| post_guest_item("guest-1", attributes));
    rows.push(row(
        "7.1 no cart was made",
        Shopper::guest("guest-1").list(),
        Expected::data(200).at("/data", json!([])),
    ));
    rows.push(row(
        "1.10 extra attributes are ignored",
        {
            let extra =
                [("colour", Some(json!({ "red": 1 }))), ("currency", Some(json!("CHF"))), ("id", Some(json!(5)))];
            post_guest_item("guest-1", &with(new_item(), &extra))
        },
        Expected::data(201).at("/data/attributes/currency", "EUR"),
    ));
    check(engine, gateway.client(), &rows).await;
}

async fn quantities_that_pass(engine: Engine) {
    let gateway = settings(engine).start().await;
    for (shopper, id) in both(&gateway, &[(STICKER, 1)]).await {
        let shown = |subtotal: u64| Expected::data(201).at("/data/attributes/totals/subtotal", subtotal);
        check(
            engine,
            gateway.client(),
            &[
                row("1.10 numeric texts pass", shopper.add(&id, STICKER, "2"), shown(3)),
                row("1.10 in a PATCH too", shopper.change(&id, STICKER, "5"), {
                    Expected::data(200).at("/data/attributes/totals/subtotal", 5)
                }),
                row("7.1 as many as can be", shopper.change(&id, STICKER, 1_000_000), {
                    Expected::data(200).at("/data/attributes/totals/subtotal", 1_000_000)
                }),
                row("7.1 likewise as a text", shopper.change(&id, STICKER, "1000000"), {
                    Expected::data(200).at("/data/attributes/totals/subtotal", 1_000_000)
                }),
            ],
        )
        .await;
    }
}

async fn whole_numbers_are_whole_however_they_are_written(engine: Engine) {
    let gateway = settings(engine).start().await;
    let number = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let whole = |guest: &str, value| {
        let two = Expected::data(201).at("/data/attributes/totals/subtotal", 19_998);
        row("7.1 a whole number, however it is written", add_guest_item(guest, CAMERA, value), two)
    };
    let fraction = |guest: &str, value| {
        let request = add_guest_item(guest, CAMERA, value);
        row("7.1 a text with more than digits", request, violations("quantity", &[NO_INTEGER]))
    };
    check(
        engine,
        gateway.client(),
        &[
            whole("guest-1", number("2.0")),
            whole("guest-2", number("2e0")),
            whole("guest-3", number("0.2e1")),
            whole("guest-4", json!("+2")),
            whole("guest-5", json!(" 2")),
            fraction("guest-6", json!("2.0")),
            fraction("guest-7", json!("2e0")),
        ],
    )
    .await;
}

async fn fields_of_a_cart(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let post = |attributes: &Value| insert_cart(&session, attributes);
    let one = |name: &str, value: Value| post(&with(new_cart(), &[(name, Some(value))]));
    let mut rows = vec![
        row("7.2 everything is missing, in order", post(&json!({})), {
            named(&[("priceMode", MISSING), ("currency", MISSING), ("store", MISSING)])
        }),
        row(
            "7.2 everything is blank, in order",
            post(&json!({ "store": "", "currency": "", "priceMode": "" })),
            named(&[("priceMode", BLANK), ("currency", BLANK), ("store", BLANK)]),
        ),
        row(
            "7.2 before the logic",
            post(&json!({ "priceMode": "x", "currency": "x", "store": "" })),
            violations("store", &[BLANK]),
        ),
        row("10 116 a currency of blanks", one("currency", json!("  ")), no_currency()),
        row("10 118 a price mode of blanks", one("priceMode", json!("  ")), no_price_mode()),
        row("10 112 a store of blanks", one("store", json!("  ")), wrong_store()),
    ];
    for name in ["priceMode", "currency", "store"] {
        rows.push(row("7.2 one is missing", post(&with(new_cart(), &[(name, None)])), violations(name, &[MISSING])));
        for (holds, value, messages) in wrong_texts() {
            rows.push(row(holds, one(name, value), violations(name, &messages)));
        }
    }
    for currency in ["USD", "eur", "EURO", "€", "EUR "] {
        rows.push(row("10 117 a currency that is none here", one("currency", json!(currency)), wrong_currency()));
    }
    for mode in ["GROSS", "net_mode", "x", "NET_MODE "] {
        rows.push(row("10 119 a price mode that is none", one("priceMode", json!(mode)), wrong_price_mode()));
    }
    for store in ["AT", "de", "x"] {
        rows.push(row("10 112 another store", one("store", json!(store)), wrong_store()));
    }
    for (holds, value, messages) in wrong_names() {
        rows.push(row(holds, one("name", value), violations("name", &messages)));
    }
    let none =
        row("7.2 none of them made a cart", session.shopper().list(), Expected::data(200).at("/data", json!([])));
    rows.push(none);
    check(engine, gateway.client(), &rows).await;
}

/// What is wrong with a cart's name wherever it may stand.
fn wrong_names() -> Vec<(&'static str, Value, Vec<&'static str>)> {
    vec![
        ("7.2 a long name", json!("ü".repeat(256)), vec![LONG_TEXT]),
        ("7.2 a name with a control character", json!("Shopping\ncart"), vec![NOT_PRINTABLE]),
        ("7.2 a name with a NUL", json!("Shopping\0cart"), vec![NOT_PRINTABLE]),
        ("1.10 a name that is a number", json!(5), vec![NO_TEXT]),
        ("1.10 a name that is a list", json!(["x"]), vec![NO_TEXT]),
        ("1.10 a name that is an object", json!({ "x": 1 }), vec![NO_TEXT]),
    ]
}

async fn fields_of_a_change(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let customer = session.shopper();
    let id = gateway.insert_cart(&session, &new_cart(), &[(CAMERA, 1)]).await;
    let before = seen(&gateway, &customer, &id).await;
    let tag = tag_of(&gateway, &customer, &id).await;
    let patch = |name: &str, value: Value| customer.patch(&id, &json!({ name: value })).header("If-Match", &tag);
    let mut rows = Vec::new();
    for name in ["priceMode", "currency", "store"] {
        for value in [json!(5), json!(true), json!(["EUR"]), json!({ "x": "EUR" })] {
            rows.push(row("1.10 a text of another type", patch(name, value), violations(name, &[NO_TEXT])));
        }
    }
    for (holds, value, messages) in wrong_names() {
        rows.push(row(holds, patch("name", value), violations("name", &messages)));
    }
    rows.extend([
        row("10 117 a currency that is none here", patch("currency", json!("USD")), wrong_currency()),
        row("10 119 a price mode that is none", patch("priceMode", json!("NET")), wrong_price_mode()),
        row("10 112 another store", patch("store", json!("AT")), wrong_store()),
    ]);
    check(engine, gateway.client(), &rows).await;
    assert_eq!(seen(&gateway, &customer, &id).await, before, "7.2 nothing of it changed the cart");
    for (name, value) in [
        ("priceMode", json!("")),
        ("priceMode", Value::Null),
        ("currency", json!("")),
        ("currency", Value::Null),
        ("store", json!("")),
        ("store", Value::Null),
        ("name", json!("")),
        ("name", Value::Null),
        ("priceMode", json!("  ")),
        ("currency", json!("  ")),
        ("store", json!("  ")),
        ("name", json!("  ")),
        ("colour", json!([1])),
    ] {
        let request = patch_now(&gateway, &customer, &id, &json!({ name: value })).await;
        let expected = Expected::data(200)
            .at("/data/attributes", before.0["data"]["attributes"].clone())
            .at("/data/id", id.as_str());
        check(engine, gateway.client(), &[row("7.1, 7.2 blank values are ignored", request, expected)]).await;
    }
}

async fn names(engine: Engine) {
    let gateway = settings(engine).set("VESTIBULE__CARTS__MULTI_CART", "true").start().await;
    let session = gateway.sign_in("mira.olsen@example.com").await;
    let post = |attributes: &Value| insert_cart(&session, attributes);
    let called = |name: Value| post(&with(new_cart(), &[("name", Some(name))]));
    let mut rows = vec![
        row("7.2 a name is needed in shops of several carts", post(&new_cart()), violations("name", &[MISSING])),
        row("7.2 a name of null", called(Value::Null), violations("name", &[BLANK])),
        row("7.2 an empty name", called(json!("")), violations("name", &[BLANK])),
        row("7.2 everything is missing, in order", post(&json!({})), {
            named(&[("priceMode", MISSING), ("currency", MISSING), ("store", MISSING), ("name", MISSING)])
        }),
    ];
    for (holds, value, messages) in wrong_names() {
        rows.push(row(holds, called(value), violations("name", &messages)));
    }
    for name in ["ü".repeat(255), "東京 <b>'; DROP TABLE carts; --".to_owned(), "0".to_owned()] {
        let expected = Expected::data(201).at("/data/attributes/name", name.as_str());
        rows.push(row("7.2 a name that passes", called(json!(name)), expected));
    }
    check(engine, gateway.client(), &rows).await;
}
