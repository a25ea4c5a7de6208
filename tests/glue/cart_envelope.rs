//! Sections 1.1 and 1.8, and JSON:API, for carts: links, what stands beside a cart, sets of fields, and both ways to speak.

use serde_json::{Value, json};
use testkit::{
    CAMERA, Engine, Expected, GUEST, Gateway, JSON_API, LENS, Request, Shopper, add_guest_item, check, document,
    insert_cart, new_cart, on_both_databases, row,
};

use crate::cart_items::both;
use crate::messages::{INVALID_PAGE, no_tag, nobody, wrong_tag};
use crate::shop::{BASE, patch_now, settings, tag_of};

on_both_databases! {
    tables: [beside_a_cart, sets_of_fields, after_changes, to_the_letter, by_profile, errors]
}

const UNKNOWN_PATH: &str = "Relationship path is not supported.";

async fn beside_a_cart(engine: Engine) {
    let gateway = settings(engine).start().await;
    for (shopper, id) in both(&gateway, &[(CAMERA, 1), (LENS, 2)]).await {
        let (carts, items) = (shopper.carts(), shopper.items());
        let ask = |query: &str| shopper.sign(Request::get(&format!("{}?{query}", shopper.path(&id))));
        let linkage = json!([{ "type": items, "id": CAMERA }, { "type": items, "id": LENS }]);
        let included = |at: &str| {
            Expected::data(200)
                .at(&format!("{at}/id"), id.as_str())
                .at(&format!("{at}/attributes/currency"), "EUR")
                .at(&format!("{at}/relationships/{items}/data"), linkage.clone())
                .at("/included/0/type", items)
                .at("/included/0/id", CAMERA)
                .at("/included/0/attributes/quantity", 1)
                .at("/included/0/links/self", format!("{BASE}{}", shopper.item_path(&id, CAMERA)))
                .at("/included/1/id", LENS)
                .at("/included/1/attributes/quantity", 2)
                .at("/included/1/links/self", format!("{BASE}{}", shopper.item_path(&id, LENS)))
                .nothing_at("/included/2")
        };
        let alone = || {
            Expected::data(200)
                .at("/data/id", id.as_str())
                .nothing_at("/included")
                .nothing_at("/data/relationships")
                .nothing_at("/data/attributes/items")
        };
        let query = format!("include={items}");
        let other = if items == "items" { "guest-cart-items" } else { "items" };
        check(
            engine,
            gateway.client(),
            &[
                row("1.8 include: one cart", ask(&query), included("/data")),
                row(
                    "1.8 include: the list",
                    shopper.sign(Request::get(&format!("/{carts}?{query}"))),
                    included("/data/0"),
                ),
                row("1.8 include: unknown names beside it", ask(&format!("include=promotions,{items},coffees")), {
                    included("/data")
                }),
                row("1.8 include: twice", ask(&format!("include={items},{items}")), included("/data")),
                row("1.8 no include, nothing included", shopper.read(&id), alone()),
                row("1.8 an empty include", ask("include="), alone()),
                row("1.8 an unknown include", ask("include=coffees"), alone()),
                row("1.8 the items of others", ask(&format!("include={other}")), alone()),
                row("1.8 case counts", ask(&format!("include={}", items.to_uppercase())), alone()),
                row("1.1 the link of a cart repeats the query, those of items do not", ask(&query), {
                    included("/data").at("/data/links/self", format!("{BASE}{}?{query}", shopper.path(&id)))
                }),
                row("1.1 as the client wrote it", ask("fields%5Bcarts%5D=x&a=%20b"), {
                    alone().at("/data/links/self", format!("{BASE}{}?fields%5Bcarts%5D=x&a=%20b", shopper.path(&id)))
                }),
            ],
        )
        .await;
        gateway.send(&shopper.remove(&id, CAMERA)).await.expect_status(204);
        gateway.send(&shopper.remove(&id, LENS)).await.expect_status(204);
        check(
            engine,
            gateway.client(),
            &[row("1.8 include: nothing there", ask(&query), {
                Expected::data(200).at("/data/id", id.as_str()).nothing_at("/included")
            })],
        )
        .await;
    }
}

async fn sets_of_fields(engine: Engine) {
    let gateway = settings(engine).start().await;
    for (shopper, id) in both(&gateway, &[(CAMERA, 3)]).await {
        let (carts, items) = (shopper.carts(), shopper.items());
        let ask = |query: &str| shopper.sign(Request::get(&format!("{}?{query}", shopper.path(&id))));
        let shown =
            |attributes: Value| Expected::data(200).at("/data/id", id.as_str()).at("/data/attributes", attributes);
        check(
            engine,
            gateway.client(),
            &[
                row("1.8 fields of a cart", ask(&format!("fields[{carts}]=name,currency")), {
                    shown(json!({ "currency": "EUR", "name": "Shopping cart" }))
                }),
                row("1.8 unknown fields are ignored", ask(&format!("fields[{carts}]=colour,store")), {
                    shown(json!({ "store": "DE" }))
                }),
                row("1.8 nothing left is an empty object", ask(&format!("fields[{carts}]=")), shown(json!({}))),
                row("1.8 names within attributes are none of theirs", ask(&format!("fields[{carts}]=subtotal")), {
                    shown(json!({}))
                }),
                row("1.8 fields of what is in it", ask(&format!("include={items}&fields[{items}]=quantity,sku")), {
                    Expected::data(200)
                        .at("/data/attributes/store", "DE")
                        .at("/included/0/attributes", json!({ "sku": CAMERA, "quantity": 3 }))
                }),
                row(
                    "1.8 fields of both",
                    ask(&format!("include={items}&fields[{items}]=amount&fields[{carts}]=store")),
                    shown(json!({ "store": "DE" })).at("/included/0/attributes", json!({ "amount": null })),
                ),
                row("1.8 fields of other types", ask("fields[customers]=email"), {
                    Expected::data(200).at("/data/attributes/store", "DE").at("/data/attributes/currency", "EUR")
                }),
                row("1.8 fields of a list", shopper.sign(Request::get(&format!("/{carts}?fields[{carts}]=store"))), {
                    Expected::data(200).at("/data/0/attributes", json!({ "store": "DE" }))
                }),
                row("1.4 row 2b: before all", ask("page[limit]=0"), Expected::generic(400, INVALID_PAGE)),
                row("1.8 sort and filter mean nothing here", ask("sort=-name&filter[carts.name]=x"), {
                    Expected::data(200).at("/data/id", id.as_str())
                }),
            ],
        )
        .await;
    }
}

async fn after_changes(engine: Engine) {
    let gateway = settings(engine).start().await;
    let [(guest, of_a_guest), (customer, of_a_customer)] = both(&gateway, &[(CAMERA, 1)]).await;
    for (shopper, id) in [(&guest, &of_a_guest), (&customer, &of_a_customer)] {
        let (carts, items) = (shopper.carts(), shopper.items());
        let link = format!("{BASE}{}", shopper.path(id));
        let query = format!("include={items}&fields[{carts}]=store&fields[{items}]=quantity");
        let shown = |status: u16, quantity: u64, query: &str| {
            Expected::data(status)
                .at("/data/type", carts)
                .at("/data/attributes", json!({ "store": "DE" }))
                .at("/included/0/attributes", json!({ "quantity": quantity }))
                .at("/data/links/self", format!("{link}{query}"))
        };
        let add = document(items, &json!({ "sku": CAMERA, "quantity": 1 }));
        let change = document(items, &json!({ "quantity": 5 }));
        let cart = document(carts, &json!({ "currency": "EUR" }));
        check(
            engine,
            gateway.client(),
            &[
                row(
                    "JSON:API 67: in the answer to a POST; the link is of another type than what was asked for",
                    shopper.sign(Request::post(&format!("{}?{query}", shopper.items_path(id)), &add)),
                    shown(201, 2, "").header("Location", &link),
                ),
                row(
                    "JSON:API 67: in the answer to a PATCH of an item",
                    shopper.sign(Request::patch(&format!("{}?{query}", shopper.item_path(id, CAMERA)), &change)),
                    shown(200, 5, ""),
                ),
            ],
        )
        .await;
        let tagged = patch_tagged(&gateway, shopper, id, &cart, &query).await;
        let expected = shown(200, 5, &format!("?{query}"));
        check(engine, gateway.client(), &[row("JSON:API 67: in the answer to a PATCH of a cart", tagged, expected)])
            .await;
    }
    let session = gateway.sign_in("nora@example.com").await;
    let path = "/carts?fields[carts]=store&a=b";
    let created = gateway
        .send(&Request::post(path, &document("carts", &new_cart())).bearer(&session.access_token))
        .await
        .expect_status(201);
    let link = format!("{BASE}/carts/{}?fields[carts]=store&a=b", created.text("/data/id"));
    assert_eq!(created.text("/data/links/self"), link, "1.1 the link of a new cart repeats the query");
    assert_eq!(created.header("Location"), Some(link.as_str()), "JSON:API 83: and Location is the same");
}

/// A change of a cart with that query; a guest's needs no entity tag.
async fn patch_tagged(gateway: &Gateway, shopper: &Shopper, id: &str, body: &Value, query: &str) -> Request {
    let request = shopper.sign(Request::patch(&format!("{}?{query}", shopper.path(id)), body));
    match shopper {
        Shopper::Guest(_) => request,
        Shopper::Customer(_) => request.header("If-Match", &tag_of(gateway, shopper, id).await),
    }
}

async fn to_the_letter(engine: Engine) {
    let gateway = settings(engine).set("VESTIBULE__JSONAPI__MODE", "strict").start().await;
    let session = gateway.sign_in("mira.olsen@example.com").await;
    let data = |status: u16| Expected::data(status).strictly();
    let bad_query =
        |name: &str, detail: &str| Expected::generic(400, detail).strictly().at("/errors/0/source/parameter", name);
    let created = gateway.send(&insert_cart(&session, &new_cart())).await.expect_status(201);
    assert!(data(201).at("/data/type", "carts").problems(&created).is_empty(), "{created:?}");
    let of_a_customer = created.text("/data/id");
    let added = gateway.send(&add_guest_item("guest-1", CAMERA, 1)).await.expect_status(201);
    assert!(data(201).at("/data/type", "guest-carts").problems(&added).is_empty(), "{added:?}");
    let of_a_guest = added.text("/data/id");
    gateway.send(&Shopper::guest("guest-1").remove(&of_a_guest, CAMERA)).await.expect_status(204);
    for (shopper, id) in [(Shopper::guest("guest-1"), of_a_guest), (session.shopper(), of_a_customer)] {
        let (carts, items) = (shopper.carts(), shopper.items());
        let ask = |query: &str| shopper.sign(Request::get(&format!("{}?{query}", shopper.path(&id))));
        let list = |query: &str| shopper.sign(Request::get(&format!("/{carts}?{query}")));
        let post = |body: &Value| shopper.sign(Request::post(&shopper.items_path(&id), body));
        let mut identified = document(items, &json!({ "sku": CAMERA, "quantity": 1 }));
        identified["data"]["id"] = json!(CAMERA);
        let wrong = document("addresses", &json!({}));
        let other_id = json!({ "data": { "type": items, "id": "x", "attributes": { "quantity": 2 } } });
        let own_id = json!({ "data": { "type": items, "id": CAMERA, "attributes": { "quantity": 2 } } });
        let with_items = format!("include={items}");
        check(
            engine,
            gateway.client(),
            &[
                row("switch 6: an unknown path", ask("include=coffees"), bad_query("include", UNKNOWN_PATH)),
                row("switch 6: the items of others", ask("include=addresses"), bad_query("include", UNKNOWN_PATH)),
                row("switch 6: a path that is too long", ask(&format!("include={items}.products")), {
                    bad_query("include", UNKNOWN_PATH)
                }),
                row("switch 7: nothing to include", ask(&with_items), data(200).at("/included", json!([]))),
                row("switch 7: nothing to include in a list", list(&with_items), data(200).at("/included", json!([]))),
                row("switch 8: sort", ask("sort=name"), bad_query("sort", "Query parameter is not supported.")),
                row("switch 4: an id for what is to be created", post(&identified), {
                    Expected::generic(403, "Resource id must not be specified.")
                        .strictly()
                        .at("/errors/0/source/pointer", "/data/id")
                }),
                row("switch 3: a wrong type", post(&wrong), {
                    Expected::generic(409, "Invalid type.").strictly().at("/errors/0/source/pointer", "/data/type")
                }),
                row(
                    "switch 9: a charset",
                    shopper.add(&id, CAMERA, 1).header("Content-Type", "application/vnd.api+json; charset=utf-8"),
                    Expected::generic(415, "Unsupported media type.").strictly(),
                ),
                row("switch 1: statuses of two errors", shopper.add(&id, "nothing", 1), {
                    crate::messages::not_added("Product \"nothing\" not found")
                        .strictly()
                        .at("/errors/0/status", "422")
                        .at("/errors/1/status", "422")
                }),
                row(
                    "an item",
                    shopper.add(&id, CAMERA, 1),
                    data(201).at("/data/type", carts).at("/data/id", id.as_str()),
                ),
                row("switch 7: something to include", ask(&with_items), data(200).at("/included/0/id", CAMERA)),
                row("switch 15: brackets in links", ask(&format!("fields[{carts}]=store")), {
                    data(200).at("/data/links/self", format!("{BASE}{}?fields%5B{carts}%5D=store", shopper.path(&id)))
                }),
                row(
                    "switch 5: an id that is not that of the URL",
                    shopper.sign(Request::patch(&shopper.item_path(&id, CAMERA), &other_id)),
                    Expected::generic(409, "Resource id is not that of the URL.").strictly(),
                ),
                row(
                    "switch 5: the id of the URL",
                    shopper.sign(Request::patch(&shopper.item_path(&id, CAMERA), &own_id)),
                    data(200).at("/data/id", id.as_str()),
                ),
                row("DELETE", shopper.remove(&id, CAMERA), Expected::no_content().strictly()),
            ],
        )
        .await;
    }
    let customer = session.shopper();
    let [cart] = &gateway.baskets(&customer).await[..] else { panic!("a customer has one cart") };
    check(
        engine,
        gateway.client(),
        &[
            row("1.11 to the letter: no tag", customer.patch(&cart.id, &json!({})), no_tag().strictly()),
            row("1.11 to the letter: a wrong tag", customer.patch(&cart.id, &json!({})).header("If-Match", "x"), {
                wrong_tag().strictly()
            }),
            row("1.11 to the letter", patch_now(&gateway, &customer, &cart.id, &json!({ "currency": "CHF" })).await, {
                data(200).at("/data/attributes/currency", "CHF")
            }),
            row("1.4 row 6a to the letter", Request::get("/guest-carts"), nobody().strictly()),
        ],
    )
    .await;
}

async fn by_profile(engine: Engine) {
    let gateway = settings(engine).start().await;
    let profile = format!("{BASE}/profiles/strict");
    let with_profile = |request: Request| request.also("Accept", &format!("{JSON_API};profile=\"{profile}\""));
    for (shopper, id) in both(&gateway, &[(CAMERA, 1)]).await {
        check(
            engine,
            gateway.client(),
            &[
                row("12: a cart, its link and its profile", with_profile(shopper.read(&id)), {
                    Expected::data(200)
                        .by_profile(&profile)
                        .at("/data/links/self", format!("{BASE}{}", shopper.path(&id)))
                        .at("/links/self/href", format!("{BASE}{}", shopper.path(&id)))
                }),
                row("12: with what is in it", with_profile(shopper.read_whole(&id)), {
                    Expected::data(200).by_profile(&profile).at("/included/0/id", CAMERA)
                }),
                row(
                    "12: a method that there is not",
                    with_profile(shopper.sign(Request::get(&shopper.items_path(&id)))),
                    {
                        Expected::generic(405, "Method Not Allowed")
                            .by_profile(&profile)
                            .header("Allow", "POST, OPTIONS")
                    },
                ),
            ],
        )
        .await;
    }
}

async fn errors(engine: Engine) {
    let gateway = settings(engine).start().await;
    for (shopper, id) in both(&gateway, &[(CAMERA, 1)]).await {
        check(
            engine,
            gateway.client(),
            &[
                row("JSON:API 117, 120: all fields at once, each with its pointer", shopper.add(&id, "", 0), {
                    Expected::violations(&[
                        "sku => This value should not be blank.",
                        "quantity => This value should be greater than 0.",
                    ])
                    .at("/errors/0/source", json!({ "pointer": "/data/attributes/sku" }))
                    .at("/errors/1/source", json!({ "pointer": "/data/attributes/quantity" }))
                }),
                row(
                    "JSON:API 119: each error has its own id",
                    shopper.add(&id, "nothing", 1).header("X-Request-Id", "my-request.1"),
                    {
                        crate::messages::not_added("Product \"nothing\" not found")
                            .at("/errors/0/id", "my-request.1")
                            .at("/errors/1/id", "my-request.1.1")
                    },
                ),
            ],
        )
        .await;
    }
    let no_header = |name: &str, expected: Expected| expected.at("/errors/0/source/header", name);
    let session = gateway.login("mira.olsen@example.com").await;
    let [cart] = &gateway.baskets(&session.shopper()).await[..] else { panic!("a customer has one cart") };
    let patch = || session.shopper().patch(&cart.id, &json!({}));
    check(
        engine,
        gateway.client(),
        &[
            row(
                "JSON:API 118: the header at fault: a guest's",
                Request::get("/guest-carts"),
                no_header(GUEST, nobody()),
            ),
            row("JSON:API 118: the header at fault: no tag", patch(), no_header("If-Match", no_tag())),
            row("JSON:API 118: the header at fault: a wrong tag", patch().header("If-Match", "x"), {
                no_header("If-Match", wrong_tag())
            }),
        ],
    )
    .await;
}
