//! Sections 1.3 and 1.6 for carts: which paths there are, what may be done there, and what is told in advance.

use serde_json::json;
use testkit::{CAMERA, Engine, Expected, Request, Row, Shopper, check, document, new_cart, on_both_databases, row};

use crate::messages::{no_id, no_route};
use crate::shop::{ALLOWED_HEADERS, GUEST, Shop, preflight, settings};

on_both_databases! {
    tables: [paths_that_there_are_not, preflights, methods_to_the_letter]
}

async fn paths_that_there_are_not(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let (customer, guest) = (session.shopper(), Shopper::guest("guest-1"));
    let cart = gateway.insert_cart(&session, &new_cart(), &[(CAMERA, 1)]).await;
    let of_a_guest = gateway.fill("guest-1", &[(CAMERA, 1)]).await;
    let own = format!("{}/carts", session.path());
    let item = json!({ "sku": CAMERA, "quantity": 1 });
    let mut rows: Vec<Row> = Vec::new();
    for (shopper, id, top) in [(&customer, &cart, "/carts"), (&guest, &of_a_guest, "/guest-carts")] {
        let (one, all, line) = (shopper.path(id), shopper.items_path(id), shopper.item_path(id, CAMERA));
        let cart_body = document(shopper.carts(), &new_cart());
        let item_body = document(shopper.items(), &item);
        let sent = |request: Request| shopper.sign(request);
        rows.extend([
            row("1.3 POST of a cart with an id", sent(Request::post(&one, &cart_body)), no_route()),
            row("1.3 PUT of a cart", sent(Request::new("PUT", &one).json(&cart_body)), no_route()),
            row("1.3 PUT of carts", sent(Request::new("PUT", top).json(&cart_body)), no_route()),
            row("7 GET of items", sent(Request::get(&all)), no_route()),
            row("7 GET of one item", sent(Request::get(&line)), no_route()),
            row("1.3 HEAD of items", sent(Request::new("HEAD", &all)), Expected::other(404)),
            row("1.3 PUT of an item", sent(Request::new("PUT", &line).json(&item_body)), no_route()),
            row("1.3 POST of an item with an id", sent(Request::post(&line, &item_body)), no_route()),
            row("1.3 below an item is nothing", sent(Request::get(&format!("{line}/carts"))), no_route()),
            row("1.3 below a cart is nothing else", sent(Request::get(&format!("{one}/addresses"))), no_route()),
            row(
                "1.3 relationships have no URL",
                sent(Request::get(&format!("{one}/relationships/{}", shopper.items()))),
                no_route(),
            ),
        ]);
    }
    let guest_carts = || document("guest-carts", &new_cart());
    let of_guests = |request: Request| guest.sign(request);
    let of_customers = |request: Request| customer.sign(request);
    rows.extend([
        row("7.1 there is no POST /guest-carts", of_guests(Request::post("/guest-carts", &guest_carts())), no_route()),
        row("7.1 nor for a customer", of_customers(Request::post("/guest-carts", &guest_carts())), no_route()),
        row(
            "7.1 there is no DELETE of a guest's cart",
            of_guests(Request::delete(&guest.path(&of_a_guest))),
            no_route(),
        ),
        row("7.1 nor of all of them", of_guests(Request::delete("/guest-carts")), no_route()),
        row("7.1 GET /guest-cart-items", of_guests(Request::get("/guest-cart-items")), no_route()),
        row(
            "7.1 GET of one without its cart",
            of_guests(Request::get(&format!("/guest-cart-items/{CAMERA}"))),
            no_route(),
        ),
        row(
            "7.1 POST of one without its cart, with an id",
            of_guests(Request::post(&format!("/guest-cart-items/{CAMERA}"), &document("guest-cart-items", &item))),
            no_route(),
        ),
        row(
            "7.2 items have a parent: POST",
            of_customers(Request::post("/items", &document("items", &item))),
            no_route(),
        ),
        row("7.2 items have a parent: GET", of_customers(Request::get("/items")), no_route()),
        row("7.2 items have a parent: DELETE", of_customers(Request::delete(&format!("/items/{CAMERA}"))), no_route()),
        row(
            "1.3 a wrong parent: a guest's items of a customer's cart",
            of_customers(Request::post(
                &format!("/carts/{cart}/guest-cart-items"),
                &document("guest-cart-items", &item),
            )),
            no_route(),
        ),
        row(
            "1.3 a wrong parent: a customer's items of a guest's cart",
            of_guests(Request::post(&format!("/guest-carts/{of_a_guest}/items"), &document("items", &item))),
            no_route(),
        ),
        row(
            "7.2 POST below the customer",
            of_customers(Request::post(&own, &document("carts", &new_cart()))),
            no_route(),
        ),
        row("7.2 one below the customer", of_customers(Request::get(&format!("{own}/{cart}"))), no_route()),
        row("7.2 its items below the customer", of_customers(Request::get(&format!("{own}/{cart}/items"))), no_route()),
        row("7.2 DELETE below the customer", of_customers(Request::delete(&format!("{own}/{cart}"))), no_route()),
        row(
            "7.1 guests' carts below a customer",
            of_customers(Request::get(&format!("{}/guest-carts", session.path()))),
            no_route(),
        ),
        row("1.4 row 5: DELETE of carts", of_customers(Request::delete("/carts")), no_id()),
        row("1.3 slashes at the end", of_customers(Request::get("/carts//")), {
            Expected::data(200).at("/data/0/id", cart.as_str())
        }),
        row(
            "1.3 a slash behind an item",
            of_customers(Request::delete(&format!("{}/", customer.item_path(&cart, CAMERA)))),
            Expected::no_content(),
        ),
        row("7 nothing else did anything", guest.read(&of_a_guest), {
            Expected::data(200).at("/data/attributes/totals/subtotal", 9_999)
        }),
    ]);
    check(engine, gateway.client(), &rows).await;
}

async fn preflights(engine: Engine) {
    let gateway = settings(engine).start().await;
    let allowed = |methods: &str| {
        Expected::other(200)
            .header("Access-Control-Allow-Methods", methods)
            .header("Access-Control-Allow-Headers", ALLOWED_HEADERS)
            .no_header("ETag")
    };
    let refused = || Expected::generic(403, "Not allowed.");
    let of_carts = "GET, POST, PATCH, DELETE, OPTIONS";
    check(
        engine,
        gateway.client(),
        &[
            row("1.6 carts", preflight("/carts", "POST", "authorization"), allowed(of_carts)),
            row("1.6 one cart", preflight("/carts/x", "DELETE", "authorization"), allowed(of_carts)),
            row("1.6 carts below the customer", preflight("/customers/DE--1/carts", "GET", "authorization"), {
                Expected::other(200)
            }),
            row(
                "1.6 items",
                preflight("/carts/x/items", "POST", "content-type"),
                allowed("POST, PATCH, DELETE, OPTIONS"),
            ),
            row("1.6 one item", preflight("/carts/x/items/y", "PATCH", "content-type"), {
                allowed("POST, PATCH, DELETE, OPTIONS")
            }),
            row("1.6 guest-carts", preflight("/guest-carts", "GET", GUEST), allowed("GET, PATCH, OPTIONS")),
            row("1.6 one guest's cart", preflight("/guest-carts/x", "PATCH", GUEST), allowed("GET, PATCH, OPTIONS")),
            row("1.6 guest-cart-items", preflight("/guest-cart-items", "POST", GUEST), {
                Expected::other(200).with("{\"data\":[]}")
            }),
            row("1.6 guest-cart-items of a cart", preflight("/guest-carts/x/guest-cart-items", "POST", GUEST), {
                allowed("POST, PATCH, DELETE, OPTIONS")
            }),
            row("1.6 one of them", preflight("/guest-carts/x/guest-cart-items/y", "DELETE", GUEST), {
                allowed("POST, PATCH, DELETE, OPTIONS")
            }),
            row("1.4 row 2c: no POST of guests' carts", preflight("/guest-carts", "POST", GUEST), refused()),
            row("1.4 row 2c: no DELETE of guests' carts", preflight("/guest-carts/x", "DELETE", GUEST), refused()),
            row("1.4 row 2c: no GET of items", preflight("/carts/x/items", "GET", "accept"), refused()),
            row("1.4 row 2c: no GET of guests' items", preflight("/guest-cart-items", "GET", GUEST), refused()),
            row("1.4 row 2c: no PUT of carts", preflight("/carts", "PUT", "accept"), refused()),
            row("1.4 row 2c: no header but those", preflight("/carts", "POST", "x-evil"), refused()),
            row(
                "1.11 scripts of other origins may send entity tags",
                preflight("/carts/x", "PATCH", "authorization,content-type,if-match"),
                allowed(of_carts),
            ),
            row(
                "1.4 row 6a is not about a pre-flight",
                preflight("/guest-carts", "GET", "accept"),
                Expected::other(200),
            ),
        ],
    )
    .await;
}

async fn methods_to_the_letter(engine: Engine) {
    let gateway = settings(engine).set("VESTIBULE__JSONAPI__MODE", "strict").start().await;
    let session = gateway.sign_in("mira.olsen@example.com").await;
    let (customer, guest) = (session.shopper(), Shopper::guest("guest-1"));
    let missing = |allow: &str| Expected::generic(405, "Method Not Allowed").strictly().header("Allow", allow);
    let nothing = || no_route().strictly().no_header("Allow");
    let put = |path: &str| Request::new("PUT", path);
    check(
        engine,
        gateway.client(),
        &[
            row("switch 12: PUT /carts", customer.sign(put("/carts")), missing("GET, HEAD, POST, OPTIONS")),
            row(
                "switch 12: PUT /carts/{id}",
                customer.sign(put("/carts/x")),
                missing("GET, HEAD, PATCH, DELETE, OPTIONS"),
            ),
            row(
                "switch 12: POST /carts/{id}",
                customer.sign(Request::post("/carts/x", &document("carts", &json!({})))),
                missing("GET, HEAD, PATCH, DELETE, OPTIONS"),
            ),
            row(
                "switch 12: POST /guest-carts",
                guest.sign(Request::post("/guest-carts", &document("guest-carts", &json!({})))),
                missing("GET, HEAD, OPTIONS"),
            ),
            row("switch 12: DELETE /guest-carts/{id}", guest.sign(Request::delete("/guest-carts/x")), {
                missing("GET, HEAD, PATCH, OPTIONS")
            }),
            row(
                "switch 12: GET /guest-cart-items",
                guest.sign(Request::get("/guest-cart-items")),
                missing("POST, OPTIONS"),
            ),
            row(
                "switch 12: GET /carts/{id}/items",
                customer.sign(Request::get("/carts/x/items")),
                missing("POST, OPTIONS"),
            ),
            row("switch 12: GET /carts/{id}/items/{item}", customer.sign(Request::get("/carts/x/items/y")), {
                missing("PATCH, DELETE, OPTIONS")
            }),
            row(
                "switch 12: POST /customers/{id}/carts",
                customer.sign(Request::post("/customers/x/carts", &document("carts", &json!({})))),
                missing("GET, HEAD, OPTIONS"),
            ),
            row("switch 12: a path that there is not", customer.sign(put("/items")), nothing()),
            row("switch 12: a wrong parent", customer.sign(put("/guest-carts/x/items")), nothing()),
        ],
    )
    .await;
}
