//! Sections 1.8, 2.3 and 5: addresses beside their customer, and sets of fields.

use serde_json::{Value, json};
use testkit::{Engine, Expected, Request, check, document, new_address, on_both_databases, row};

use crate::shop::{BASE, Shop, changed_address, expect};

on_both_databases! {
    tables: [beside_the_customer, sets_of_fields]
}

async fn beside_the_customer(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let ask = |query: &str| Request::get(&format!("{}?{query}", session.path())).bearer(&session.access_token);
    check(
        engine,
        gateway.client(),
        &[row("1.8 include: nothing there", ask("include=addresses"), Expected::data(200).nothing_at("/included"))],
    )
    .await;
    let first = gateway.insert_address(&session, &new_address()).await;
    let second = gateway.insert_address(&session, &changed_address("city", "Bremen")).await;
    let linkage = json!([{ "type": "addresses", "id": first }, { "type": "addresses", "id": second }]);
    let link = |id: &str| format!("{BASE}{}/{id}", session.addresses());
    let included = |at: &str| {
        Expected::data(200)
            .at(&format!("{at}/id"), session.reference.as_str())
            .at(&format!("{at}/attributes/firstName"), "Mira")
            .at(&format!("{at}/relationships/addresses/data"), linkage.clone())
            .at("/included/0/type", "addresses")
            .at("/included/0/id", first.as_str())
            .at("/included/0/attributes/city", "Hamburg")
            .at("/included/0/attributes/country", "Germany")
            .at("/included/0/links/self", link(&first))
            .at("/included/1/id", second.as_str())
            .at("/included/1/attributes/city", "Bremen")
            .at("/included/1/links/self", link(&second))
            .nothing_at("/included/2")
    };
    let changed = |query: &str| {
        Request::patch(&format!("{}?{query}", session.path()), &document("customers", &json!({})))
            .bearer(&session.access_token)
    };
    let alone = || Expected::data(200).nothing_at("/included").nothing_at("/data/relationships");
    check(
        engine,
        gateway.client(),
        &[
            row("2.3 include: one's own", ask("include=addresses"), included("/data")),
            row(
                "2.3 include: the collection",
                Request::get("/customers?include=addresses").bearer(&session.access_token),
                included("/data/0"),
            ),
            row("JSON:API 67: in the answer to a PATCH", changed("include=addresses"), included("/data")),
            row("1.8 include: unknown names beside it", ask("include=wishlists,addresses,coffees"), included("/data")),
            row("1.8 include: twice", ask("include=addresses,addresses"), included("/data")),
            row("1.8 include: in percent-encoding", ask("include=%61ddresses"), included("/data")),
            row("1.1 the link of the customer repeats the query", ask("include=addresses"), {
                included("/data").at("/data/links/self", format!("{BASE}{}?include=addresses", session.path()))
            }),
            row(
                "1.8 no include, nothing included",
                Request::get(&session.path()).bearer(&session.access_token),
                alone(),
            ),
            row("1.8 an empty include", ask("include="), alone()),
            row("1.8 an unknown include", ask("include=coffees"), alone()),
            row("1.8 case counts", ask("include=Addresses"), alone()),
            row(
                "1.8 fields of the customer, and what include names",
                ask("include=addresses&fields[customers]=email"),
                {
                    Expected::data(200)
                        .at("/data/attributes", json!({ "email": session.email }))
                        .at("/data/relationships/addresses/data", linkage.clone())
                        .at("/included/0/attributes/city", "Hamburg")
                },
            ),
            row("1.8 fields of what is included", ask("include=addresses&fields[addresses]=city,zipCode"), {
                Expected::data(200)
                    .at("/data/attributes/email", session.email.as_str())
                    .at("/included/0/attributes", json!({ "zipCode": "22525", "city": "Hamburg" }))
                    .at("/included/1/attributes", json!({ "zipCode": "22525", "city": "Bremen" }))
                    .at("/included/1/links/self", link(&second))
            }),
            row(
                "1.8 fields of both",
                ask("include=addresses&fields[addresses]=city&fields%5Bcustomers%5D=lastName"),
                {
                    Expected::data(200)
                        .at("/data/attributes", json!({ "lastName": "Olsen" }))
                        .at("/included/0/attributes", json!({ "city": "Hamburg" }))
                },
            ),
        ],
    )
    .await;
    let other = gateway.sign_in("other@example.com").await;
    let read = Request::get("/customers?include=addresses").bearer(&other.access_token);
    expect(&gateway, "2.3 include: nobody else's", &read, &Expected::data(200).nothing_at("/included")).await;
}

async fn sets_of_fields(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let id = gateway.insert_address(&session, &new_address()).await;
    let link = format!("{BASE}{}/{id}", session.addresses());
    let ask =
        |query: &str| Request::get(&format!("{}/{id}?{query}", session.addresses())).bearer(&session.access_token);
    let all = |query: &str| Request::get(&format!("{}?{query}", session.addresses())).bearer(&session.access_token);
    let shown = |attributes: Value| {
        Expected::data(200)
            .at("/data/id", id.as_str())
            .at("/data/attributes", attributes)
            .at("/data/links/self", link.as_str())
    };
    check(
        engine,
        gateway.client(),
        &[
            row(
                "1.8 fields of an address",
                ask("fields[addresses]=city,iso2Code"),
                shown(json!({ "city": "Hamburg", "iso2Code": "DE" })),
            ),
            row(
                "1.8 unknown fields are ignored",
                ask("fields[addresses]=colour,city"),
                shown(json!({ "city": "Hamburg" })),
            ),
            row("1.8 nothing left is an empty object", ask("fields[addresses]=colour"), shown(json!({}))),
            row("1.8 fields of another type", ask("fields[customers]=email"), {
                Expected::data(200).at("/data/attributes/city", "Hamburg").at("/data/attributes/zipCode", "22525")
            }),
            row("1.8 fields of a list", all("fields[addresses]=city"), {
                Expected::data(200)
                    .at("/data/0/attributes", json!({ "city": "Hamburg" }))
                    .at("/data/0/links/self", link.as_str())
            }),
            row(
                "1.8 fields of a new one",
                {
                    let path = format!("{}?fields[addresses]=city", session.addresses());
                    Request::post(&path, &document("addresses", &new_address())).bearer(&session.access_token)
                },
                Expected::data(201).at("/data/attributes", json!({ "city": "Hamburg" })),
            ),
            row("1.8 an include of what there is not", all("include=customers"), {
                Expected::data(200).at("/data/0/id", id.as_str()).nothing_at("/included")
            }),
            row("1.4 row 2b: before all", Request::get(&format!("{}?page[limit]=0", session.addresses())), {
                Expected::generic(400, crate::messages::INVALID_PAGE)
            }),
        ],
    )
    .await;
}
