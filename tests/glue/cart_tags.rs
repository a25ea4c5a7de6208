//! Section 1.11: entity tags of carts, which keep two clients from undoing each other's changes unseen.

use serde_json::{Value, json};
use testkit::{
    Answer, CAMERA, Engine, Expected, Gateway, LENS, Request, Shopper, add_guest_item, check, document, insert_cart,
    new_cart, on_both_databases, row,
};

use crate::guest_carts::{UNKNOWN, odd_ids};
use crate::messages::{
    NO_TEXT, bad_token, no_cart, no_document, no_id, no_tag, no_token, price_mode_is_fixed, repeated_header, two_users,
    violations, wrong_tag, wrong_type,
};
use crate::shop::{GUEST, Shop, expect, seen, settings, tag_of, with};

on_both_databases! {
    tables: [what_a_client_may_send, order_of_checks, foreign_and_unknown_carts]
    scenarios: [
        which_answers_have_one, every_change_makes_another, nothing_else_does, deletion_asks_for_none, it_is_told_to_browsers,
    ]
}

/// A change of a cart, for which its present tag is there.
type Step<'a> = &'a dyn Fn(&str) -> Request;

/// The tag of an answer, without its quotes.
fn read_tag(answer: &Answer) -> String {
    let tag = answer.header("ETag").unwrap_or_else(|| panic!("1.11 no entity tag: {answer:?}"));
    let inner = tag.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or_else(|| panic!("1.6 {tag}"));
    let is_hex = inner.len() == 32 && inner.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    assert!(is_hex, "1.11 a tag is 32 hex characters in quotes: {tag}");
    inner.to_owned()
}

async fn which_answers_have_one(engine: Engine) {
    let gateway = settings(engine).set("VESTIBULE__CARTS__MULTI_CART", "true").start().await;
    let session = gateway.sign_in("mira.olsen@example.com").await;
    let customer = session.shopper();
    let named = with(new_cart(), &[("name", Some(json!("A")))]);
    let has_none = async |holds: &str, request: &Request| {
        let answer = gateway.send(request).await;
        assert_eq!(answer.header("ETag"), None, "1.11 {holds}: {answer:?}");
        answer
    };
    let own_list = customer.sign(Request::get(&format!("{}/carts", session.path())));
    has_none("no carts", &customer.list()).await;
    has_none("no carts of a customer", &own_list).await;
    has_none("a refused POST", &insert_cart(&session, &json!({}))).await;
    let created = gateway.send(&insert_cart(&session, &named)).await.expect_status(201);
    let id = created.text("/data/id");
    let mut latest = read_tag(&created);
    for (holds, request, changes) in [
        ("GET", customer.read(&id), false),
        ("GET with fields", customer.sign(Request::get(&format!("/carts/{id}?fields[carts]="))), false),
        ("HEAD", customer.sign(Request::new("HEAD", &format!("/carts/{id}"))), false),
        ("GET of exactly one", customer.list(), false),
        ("GET of exactly one, below the customer", own_list.clone(), false),
        ("POST of an item", customer.add(&id, CAMERA, 1), true),
        ("PATCH of an item", customer.change(&id, CAMERA, 2), true),
        ("GET with what is in it", customer.read_whole(&id), false),
    ] {
        let tag = read_tag(&gateway.send(&request).await);
        assert_eq!(tag != latest, changes, "1.11 {holds}");
        latest = tag;
    }
    let patch = customer.patch(&id, &json!({ "name": "B" })).header("If-Match", &latest);
    latest = read_tag(&gateway.send(&patch).await.expect_status(200));
    assert_eq!(tag_of(&gateway, &customer, &id).await, format!("\"{latest}\""), "1.11 PATCH answers the new one");

    has_none("a refused PATCH", &patch).await.expect_status(412);
    has_none("a refused POST of an item", &customer.add(&id, "nothing", 1)).await.expect_status(422);
    has_none("a cart that is not there", &customer.read(UNKNOWN)).await.expect_status(404);
    has_none("DELETE of an item", &customer.remove(&id, CAMERA)).await.expect_status(204);
    has_none("the customer", &customer.sign(Request::get("/customers"))).await.expect_status(200);
    let second = read_tag(&gateway.send(&insert_cart(&session, &named)).await.expect_status(201));
    assert_ne!(second, latest, "1.11 each cart has its own");
    has_none("two carts", &customer.list()).await.expect_status(200);
    has_none("two carts, below the customer", &own_list).await.expect_status(200);
    read_tag(&gateway.send(&customer.read(&id)).await.expect_status(200));

    let guest = Shopper::guest("guest-1");
    let of_a_guest = has_none("a guest's item", &add_guest_item("guest-1", CAMERA, 1)).await.text("/data/id");
    for request in [
        guest.list(),
        guest.read(&of_a_guest),
        guest.patch(&of_a_guest, &json!({ "currency": "CHF" })),
        guest.add(&of_a_guest, LENS, 1),
        guest.change(&of_a_guest, LENS, 2),
        guest.remove(&of_a_guest, LENS),
    ] {
        let answer = has_none("a guest's cart", &request).await;
        assert!((200..300).contains(&answer.status), "{request}: {answer:?}");
    }
}

async fn every_change_makes_another(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let customer = session.shopper();
    let id = gateway.insert_cart(&session, &new_cart(), &[]).await;
    let mut tags = vec![tag_of(&gateway, &customer, &id).await];
    let with_tag = |attributes: Value, tag: &str| customer.patch(&id, &attributes).header("If-Match", tag);
    let steps: [(&str, Step<'_>); 9] = [
        ("PATCH of the currency", &|tag| with_tag(json!({ "currency": "CHF" }), tag)),
        ("PATCH of the price mode", &|tag| with_tag(json!({ "priceMode": "NET_MODE" }), tag)),
        ("PATCH of the name", &|tag| with_tag(json!({ "name": "X" }), tag)),
        ("back again", &|tag| {
            with_tag(json!({ "currency": "EUR", "priceMode": "GROSS_MODE", "name": "Shopping cart" }), tag)
        }),
        ("an item comes", &|_| customer.add(&id, CAMERA, 1)),
        ("more of it", &|_| customer.add(&id, CAMERA, 1)),
        ("fewer of it", &|_| customer.change(&id, CAMERA, 1)),
        ("it goes", &|_| customer.remove(&id, CAMERA)),
        ("it comes back", &|_| customer.add(&id, CAMERA, 1)),
    ];
    for (holds, step) in steps {
        let answer = gateway.send(&step(&tags[tags.len() - 1])).await;
        assert!((200..300).contains(&answer.status), "{holds}: {answer:?}");
        let tag = tag_of(&gateway, &customer, &id).await;
        assert!(answer.status == 204 || answer.header("ETag") == Some(tag.as_str()), "1.11 {holds}: {answer:?}");
        assert!(!tags.contains(&tag), "1.11 {holds}: another tag, and none that was there before");
        tags.push(tag);
    }
    let present = tags.pop().unwrap();
    for old in tags {
        expect(&gateway, "1.11 an old tag", &with_tag(json!({ "name": "Y" }), &old), &wrong_tag()).await;
    }
    expect(&gateway, "1.11 the present one", &with_tag(json!({ "name": "Y" }), &present), &Expected::data(200)).await;
}

async fn nothing_else_does(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let customer = session.shopper();
    let id = gateway.insert_cart(&session, &new_cart(), &[(CAMERA, 1)]).await;
    let tag = tag_of(&gateway, &customer, &id).await;
    for request in [
        customer.list(),
        customer.read(&id),
        customer.read_whole(&id),
        insert_cart(&session, &new_cart()),
        customer.patch(&id, &json!({ "name": "X" })),
        customer.patch(&id, &json!({ "currency": "USD" })).header("If-Match", &tag),
        customer.patch(&id, &json!({ "priceMode": "NET_MODE" })).header("If-Match", &tag),
        customer.add(&id, "nothing", 1),
        customer.add(&id, CAMERA, 0),
        customer.change(&id, LENS, 1),
        customer.remove(&id, LENS),
        customer.sign(Request::delete(&customer.path(&id))),
    ] {
        gateway.send(&request).await;
        assert_eq!(tag_of(&gateway, &customer, &id).await, tag, "1.11 {request}");
    }
    let again = gateway.login(&session.email).await;
    assert_eq!(tag_of(&gateway, &again.shopper(), &id).await, tag, "1.11 a login");
    let builder = gateway.stop().await;
    let gateway = builder.start().await;
    assert_eq!(tag_of(&gateway, &customer, &id).await, tag, "1.11 it is the same after a restart");
}

async fn what_a_client_may_send(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let customer = session.shopper();
    let id = gateway.insert_cart(&session, &new_cart(), &[(CAMERA, 1)]).await;
    let before = seen(&gateway, &customer, &id).await;
    let quoted = tag_of(&gateway, &customer, &id).await;
    let bare = quoted.trim_matches('"').to_owned();
    let patch = || customer.patch(&id, &json!({ "name": "X" }));
    let mut rows = vec![
        row("1.11 no If-Match", patch(), no_tag()),
        row("1.11 an empty If-Match is none", patch().header("If-Match", ""), no_tag()),
        row("1.4 two of them", patch().header("If-Match", &quoted).also("If-Match", &quoted), repeated_header()),
    ];
    for value in [
        format!("W/{quoted}"),
        format!("W/{bare}"),
        format!("{quoted}, {quoted}"),
        format!("{quoted},\"x\""),
        format!("\"x\", {quoted}"),
        "*".to_owned(),
        "\"*\"".to_owned(),
        "\"\"".to_owned(),
        format!("\"{quoted}\""),
        format!("'{bare}'"),
        bare.to_uppercase(),
        format!("{bare}0"),
        bare[..31].to_owned(),
        format!("\"{bare} \""),
        "0".repeat(32),
        id.clone(),
        "x".repeat(5_000),
        "ä".to_owned(),
    ] {
        rows.push(row("1.11 another If-Match", patch().header("If-Match", &value), wrong_tag()));
    }
    check(engine, gateway.client(), &rows).await;
    assert_eq!(seen(&gateway, &customer, &id).await, before, "1.11 nothing of it changed the cart");
    for (holds, form) in [
        ("1.9 If-Match with quotes", quoted.as_str()),
        ("1.9 If-Match without quotes", bare.as_str()),
        ("1.9 If-Match with blanks around", &format!("  {quoted} ")),
    ] {
        let now = tag_of(&gateway, &customer, &id).await;
        let value = form.replace(&bare, now.trim_matches('"'));
        check(engine, gateway.client(), &[row(holds, patch().header("If-Match", &value), Expected::data(200))]).await;
    }
}

async fn order_of_checks(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let customer = session.shopper();
    let id = gateway.insert_cart(&session, &new_cart(), &[(CAMERA, 1)]).await;
    let tag = tag_of(&gateway, &customer, &id).await;
    let one = customer.path(&id);
    let patch = |attributes: Value| customer.patch(&id, &attributes);
    let stale = |attributes: Value| patch(attributes).header("If-Match", "\"x\"");
    check(
        engine,
        gateway.client(),
        &[
            row(
                "1.4 row 3 before row 6h",
                customer.sign(Request::patch(&one, &document("cart", &json!({})))),
                wrong_type(),
            ),
            row("1.4 row 4 before row 6h", customer.sign(Request::new("PATCH", &one)), no_document()),
            row(
                "1.4 row 5 before row 6h",
                customer.sign(Request::patch("/carts", &document("carts", &json!({})))),
                no_id(),
            ),
            row("1.4 row 6c before row 6h", patch(json!({})).header(GUEST, "guest-1"), two_users()),
            row("1.4 row 6d before row 6h", patch(json!({})).without("Authorization"), no_token()),
            row("1.4 row 6e before row 6h", patch(json!({})).bearer("x"), bad_token()),
            row(
                "1.4 row 6f before row 6h: no tag",
                patch(json!({ "currency": 5 })),
                violations("currency", &[NO_TEXT]),
            ),
            row(
                "1.4 row 6f before row 6h: a wrong tag",
                stale(json!({ "currency": 5 })),
                violations("currency", &[NO_TEXT]),
            ),
            row("1.4 row 6h: no tag before 117", patch(json!({ "currency": "USD" })), no_tag()),
            row("1.4 row 6h: no tag before 119", patch(json!({ "priceMode": "x" })), no_tag()),
            row("1.4 row 6h: no tag before 112", patch(json!({ "store": "AT" })), no_tag()),
            row("1.4 row 6h: no tag before 111", patch(json!({ "priceMode": "NET_MODE" })), no_tag()),
            row("1.4 row 6h: a wrong tag before 117", stale(json!({ "currency": "USD" })), wrong_tag()),
            row("1.4 row 6h: a wrong tag before 119", stale(json!({ "priceMode": "x" })), wrong_tag()),
            row("1.4 row 6h: a wrong tag before 112", stale(json!({ "store": "AT" })), wrong_tag()),
            row("1.4 row 6h: a wrong tag before 111", stale(json!({ "priceMode": "NET_MODE" })), wrong_tag()),
            row("1.4 row 6h: a wrong tag before 116", stale(json!({ "currency": " " })), wrong_tag()),
            row("1.4 row 6h, then row 9", patch(json!({ "priceMode": "NET_MODE" })).header("If-Match", &tag), {
                price_mode_is_fixed()
            }),
            row("1.4 row 6h is about carts only: an item", customer.change(&id, CAMERA, 2), Expected::data(200)),
            row("1.4 row 6h: an item, with an old tag", customer.change(&id, CAMERA, 2).header("If-Match", "\"x\""), {
                Expected::data(200)
            }),
            row(
                "1.4 row 6h: a read, with an old tag",
                customer.read(&id).header("If-Match", "\"x\""),
                Expected::data(200),
            ),
            row(
                "1.4 row 6h: a customer needs none",
                testkit::patch_customer(&session.reference, &json!({ "firstName": "Nora" }))
                    .bearer(&session.access_token),
                Expected::data(200),
            ),
        ],
    )
    .await;
    gateway.send(&Request::delete(&session.path()).bearer(&session.access_token)).await.expect_status(204);
    check(
        engine,
        gateway.client(),
        &[row("1.4 row 6h before row 7: the customer is gone", patch(json!({})), no_tag())],
    )
    .await;
}

async fn foreign_and_unknown_carts(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let customer = session.shopper();
    let own = gateway.insert_cart(&session, &new_cart(), &[(CAMERA, 1)]).await;
    let other = gateway.sign_in("other@example.com").await;
    let foreign = gateway.insert_cart(&other, &new_cart(), &[(CAMERA, 1)]).await;
    let of_a_guest = gateway.fill("guest-1", &[(CAMERA, 1)]).await;
    let own_tag = tag_of(&gateway, &customer, &own).await;
    let foreign_tag = tag_of(&gateway, &other.shopper(), &foreign).await;
    let patch = |id: &str| customer.patch(id, &json!({ "name": "X" }));
    let mut rows = vec![row("1.11 another cart's tag", patch(&own).header("If-Match", &foreign_tag), wrong_tag())];
    for id in [foreign.as_str(), of_a_guest.as_str(), UNKNOWN] {
        rows.push(row("1.11 a cart that is not there, or another's: no tag", patch(id), no_tag()));
        for tag in [own_tag.as_str(), &foreign_tag, "*", "x"] {
            let request = patch(id).header("If-Match", tag);
            rows.push(row("1.11 a cart that is not there, or another's: whatever the tag", request, wrong_tag()));
        }
    }
    for odd in odd_ids() {
        rows.push(row("1.11 no UUID: no tag", patch(&odd), no_tag()));
        rows.push(row("1.11 no UUID: a tag", patch(&odd).header("If-Match", &own_tag), wrong_tag()));
    }
    rows.push(row("1.11 nothing of it did anything", other.shopper().read(&foreign).header("If-Match", "x"), {
        Expected::data(200).at("/data/attributes/name", "Shopping cart").header("ETag", &foreign_tag)
    }));
    check(engine, gateway.client(), &rows).await;
}

async fn deletion_asks_for_none(engine: Engine) {
    let gateway = settings(engine).set("VESTIBULE__CARTS__MULTI_CART", "true").start().await;
    let session = gateway.sign_in("mira.olsen@example.com").await;
    let customer = session.shopper();
    let named = with(new_cart(), &[("name", Some(json!("A")))]);
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(gateway.insert_cart(&session, &named, &[]).await);
    }
    let delete = |id: &str| customer.sign(Request::delete(&customer.path(id)));
    expect(&gateway, "1.11 DELETE without a tag", &delete(&ids[0]), &Expected::no_content()).await;
    let stale = delete(&ids[1]).header("If-Match", "\"x\"");
    expect(&gateway, "1.11 DELETE with another tag", &stale, &Expected::no_content()).await;
    expect(&gateway, "1.11 one that is gone is 101, not 006", &stale, &no_cart()).await;
}

async fn it_is_told_to_browsers(engine: Engine) {
    let gateway: Gateway =
        settings(engine).set("VESTIBULE__GLUE__CORS_ALLOW_ORIGIN", "https://shop.example.com").start().await;
    let session = gateway.sign_in("mira.olsen@example.com").await;
    let created = gateway.send(&insert_cart(&session, &new_cart())).await.expect_status(201);
    assert_eq!(
        created.header("Access-Control-Expose-Headers"),
        Some("ETag"),
        "1.6 scripts of other origins may read it"
    );
    read_tag(&created);
}
