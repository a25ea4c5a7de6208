//! Section 7 under haste: whatever is under way at the same moment, no piece is lost or doubled, and what can be done once
//! is done once.

use futures_util::future::join_all;
use serde_json::json;
use testkit::{
    Answer, Basket, CAMERA, Engine, Expected, Gateway, LENS, Request, Shopper, add_guest_item, insert_cart, new_cart,
    on_both_databases,
};

use crate::cart_conversion::{enter, log_in_as, register_as};
use crate::messages::{has_a_cart, no_item, too_many_carts, wrong_tag};
use crate::shop::{Shop, settings, tag_of, with};

on_both_databases! {
    scenarios: [
        many_first_items_make_one_cart, many_items_at_once_add_up, of_many_changes_with_one_tag_one_counts,
        of_many_first_carts_one_is_made, no_more_carts_than_allowed, no_more_pieces_than_there_are,
        of_many_removals_one_counts, adding_while_signing_up, adding_while_logging_in, many_logins_at_once,
        many_sign_ups_of_one_guest, signing_up_while_logging_in,
    ]
}

const ADDRESS: &str = "mira.olsen@example.com";

/// How many of the answers are of that status.
fn count(answers: &[Answer], status: u16) -> u64 {
    answers.iter().map(|answer| u64::from(answer.status == status)).sum()
}

/// How many answers are exactly that.
fn count_of(answers: &[Answer], expected: &Expected) -> usize {
    answers.iter().filter(|answer| expected.problems(answer).is_empty()).count()
}

fn total(baskets: &[Basket], sku: &str) -> u64 {
    baskets.iter().map(|basket| basket.quantity(sku)).sum()
}

async fn all(gateway: &Gateway, requests: &[Request]) -> Vec<Answer> {
    join_all(requests.iter().map(|request| gateway.send(request))).await
}

async fn many_first_items_make_one_cart(engine: Engine) {
    let gateway = settings(engine).start().await;
    for round in 0..4 {
        let guest = format!("guest-{round}");
        let requests: Vec<_> = (0..32)
            .map(|index| {
                add_guest_item(
                    &guest,
                    if index % 4 == 0 { LENS } else { CAMERA },
                    if index % 4 == 0 { 1 } else { index },
                )
            })
            .collect();
        let answers = all(&gateway, &requests).await;
        let ids: Vec<String> =
            answers.iter().filter(|answer| answer.status == 201).map(|answer| answer.text("/data/id")).collect();
        let cameras: u64 = (0..32).filter(|index| index % 4 != 0).sum();
        assert_eq!(ids.len(), 32, "each is put in: {answers:?}");
        assert!(ids.iter().all(|id| *id == ids[0]), "into one cart");
        let [basket] = &gateway.baskets(&Shopper::guest(&guest)).await[..] else { panic!("a guest has one cart") };
        assert_eq!((basket.quantity(CAMERA), basket.quantity(LENS)), (cameras, 8), "all of it: {basket:?}");
        assert_eq!(basket.items.len(), 2, "one line a product: {basket:?}");
    }
}

async fn many_items_at_once_add_up(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let customer = session.shopper();
    let id = gateway.insert_cart(&session, &new_cart(), &[]).await;
    let requests: Vec<_> = (0..32).map(|_| customer.add(&id, CAMERA, 3)).collect();
    let answers = all(&gateway, &requests).await;
    assert_eq!(count(&answers, 201), 32);
    assert_eq!(gateway.baskets(&customer).await, [Basket::of(&id, &[(CAMERA, 96)])]);
    let mut tags: Vec<_> = answers.iter().map(|answer| answer.header("ETag").unwrap_or_default()).collect();
    tags.sort_unstable();
    tags.dedup();
    assert_eq!(tags.len(), 32, "1.11 each change has its own tag");
}

async fn of_many_changes_with_one_tag_one_counts(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let customer = session.shopper();
    let id = gateway.insert_cart(&session, &new_cart(), &[(CAMERA, 1)]).await;
    for round in 0..4 {
        let tag = tag_of(&gateway, &customer, &id).await;
        let requests: Vec<_> = (0..16)
            .map(|index| customer.patch(&id, &json!({ "name": format!("{round}-{index}") })).header("If-Match", &tag))
            .collect();
        let answers = all(&gateway, &requests).await;
        assert_eq!((count(&answers, 200), count_of(&answers, &wrong_tag())), (1, 15), "1.11 {answers:?}");
        let winner = answers.iter().find(|answer| answer.status == 200).unwrap();
        let now = gateway.send(&customer.read(&id)).await;
        assert_eq!(now.text("/data/attributes/name"), winner.text("/data/attributes/name"), "1.11 what was answered");
        assert_eq!(now.header("ETag"), winner.header("ETag"));
    }
}

async fn of_many_first_carts_one_is_made(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let requests: Vec<_> = (0..16).map(|_| insert_cart(&session, &new_cart())).collect();
    let answers = all(&gateway, &requests).await;
    assert_eq!((count(&answers, 201), count_of(&answers, &has_a_cart())), (1, 15), "7.2 {answers:?}");
    assert_eq!(gateway.baskets(&session.shopper()).await.len(), 1);
}

async fn no_more_carts_than_allowed(engine: Engine) {
    let gateway = settings(engine)
        .set("VESTIBULE__CARTS__MULTI_CART", "true")
        .set("VESTIBULE__CARTS__MAX_CARTS", "3")
        .start()
        .await;
    let session = gateway.sign_in(ADDRESS).await;
    let attributes = with(new_cart(), &[("name", Some(json!("A")))]);
    let requests: Vec<_> = (0..16).map(|_| insert_cart(&session, &attributes)).collect();
    let answers = all(&gateway, &requests).await;
    assert_eq!((count(&answers, 201), count_of(&answers, &too_many_carts())), (3, 13), "7.2 {answers:?}");
    let list = gateway.send(&session.shopper().list()).await.json();
    let carts = list["data"].as_array().unwrap();
    let defaults = carts.iter().filter(|cart| cart["attributes"]["isDefault"] == true).count();
    assert_eq!((carts.len(), defaults), (3, 1), "7.2 {list}");
    // The last one stays, however many would delete it.
    let customer = session.shopper();
    let deletions: Vec<_> =
        carts.iter().map(|cart| customer.sign(Request::delete(&customer.path(cart["id"].as_str().unwrap())))).collect();
    let answers = all(&gateway, &deletions).await;
    assert_eq!((count(&answers, 204), count(&answers, 422)), (2, 1), "7.2 {answers:?}");
}

async fn no_more_pieces_than_there_are(engine: Engine) {
    let gateway = settings(engine).start().await;
    let id = gateway.fill("guest-1", &[(LENS, 1)]).await;
    let guest = Shopper::guest("guest-1");
    let requests: Vec<_> = (0..16).map(|_| guest.add(&id, LENS, 2)).collect();
    let answers = all(&gateway, &requests).await;
    assert_eq!((count(&answers, 201), count(&answers, 422)), (4, 12), "ten of them: {answers:?}");
    assert_eq!(gateway.baskets(&guest).await, [Basket::of(&id, &[(LENS, 9)])]);
}

async fn of_many_removals_one_counts(engine: Engine) {
    let gateway = settings(engine).start().await;
    let id = gateway.fill("guest-1", &[(CAMERA, 5), (LENS, 1)]).await;
    let guest = Shopper::guest("guest-1");
    let requests: Vec<_> = (0..16).map(|_| guest.remove(&id, CAMERA)).collect();
    let answers = all(&gateway, &requests).await;
    assert_eq!((count(&answers, 204), count_of(&answers, &no_item())), (1, 15), "7.1 {answers:?}");
    assert_eq!(gateway.baskets(&guest).await, [Basket::of(&id, &[(LENS, 1)])]);
}

async fn adding_while_signing_up(engine: Engine) {
    let gateway = settings(engine).start().await;
    for round in 0..4 {
        let (guest, email) = (format!("guest-{round}"), format!("mira-{round}@example.com"));
        gateway.fill(&guest, &[(CAMERA, 1)]).await;
        let mut requests: Vec<_> = (0..24).map(|_| add_guest_item(&guest, CAMERA, 1)).collect();
        requests.insert(8, register_as(&guest, &email));
        let answers = all(&gateway, &requests).await;
        let signed_up =
            answers.iter().filter(|answer| answer.header("Location").is_some_and(|at| at.contains("/customers/")));
        assert_eq!((count(&answers, 201), signed_up.count()), (25, 1), "7.3 {answers:?}");
        let key = gateway.mailbox().wait_for(&email).await.token;
        gateway.confirm(&key).await;
        let of_the_guest = gateway.baskets(&Shopper::guest(&guest)).await;
        let of_the_customer = gateway.baskets(&gateway.login(&email).await.shopper()).await;
        let sum = total(&of_the_guest, CAMERA) + total(&of_the_customer, CAMERA);
        assert_eq!(sum, 25, "7.3 {of_the_guest:?} {of_the_customer:?}");
        assert!(total(&of_the_customer, CAMERA) >= 1, "7.3 what was there before went along");
        let customer = enter(&gateway, &log_in_as(&guest, &email)).await;
        let merged = gateway.baskets(&customer).await;
        assert_eq!((merged.len(), total(&merged, CAMERA)), (1, 25), "7.3 in the end it is all in one: {merged:?}");
        assert_eq!(total(&gateway.baskets(&Shopper::guest(&guest)).await, CAMERA), 0);
    }
}

async fn adding_while_logging_in(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let own = gateway.insert_cart(&session, &new_cart(), &[(CAMERA, 1)]).await;
    let customer = session.shopper();
    let mut expected = 1;
    for round in 0..4 {
        let guest = format!("guest-{round}");
        gateway.fill(&guest, &[(CAMERA, 1)]).await;
        let mut requests: Vec<_> = (0..24)
            .map(|index| if index % 3 == 0 { customer.add(&own, CAMERA, 1) } else { add_guest_item(&guest, CAMERA, 1) })
            .collect();
        requests.insert(6, log_in_as(&guest, ADDRESS));
        requests.insert(12, log_in_as(&guest, ADDRESS));
        let answers = all(&gateway, &requests).await;
        assert_eq!(count(&answers, 201), 26, "7.3 {answers:?}");
        expected += 25;
        let sum = total(&gateway.baskets(&customer).await, CAMERA)
            + total(&gateway.baskets(&Shopper::guest(&guest)).await, CAMERA);
        assert_eq!(sum, expected, "7.3 round {round}");
        enter(&gateway, &log_in_as(&guest, ADDRESS)).await;
        assert_eq!(gateway.baskets(&customer).await, [Basket::of(&own, &[(CAMERA, expected)])], "7.3 round {round}");
    }
}

async fn many_logins_at_once(engine: Engine) {
    let gateway = settings(engine).start().await;
    for (round, has_a_cart) in [true, false].into_iter().enumerate() {
        let (guest, email) = (format!("guest-{round}"), format!("mira-{round}@example.com"));
        let session = gateway.sign_in(&email).await;
        if has_a_cart {
            gateway.insert_cart(&session, &new_cart(), &[(CAMERA, 1)]).await;
        }
        gateway.fill(&guest, &[(CAMERA, 2), (LENS, 3)]).await;
        let requests: Vec<_> = (0..12).map(|_| log_in_as(&guest, &email)).collect();
        let answers = all(&gateway, &requests).await;
        assert_eq!(count(&answers, 201), 12, "7.3 none fails: {answers:?}");
        let baskets = gateway.baskets(&session.shopper()).await;
        let cameras = if has_a_cart { 3 } else { 2 };
        assert_eq!((baskets.len(), total(&baskets, CAMERA), total(&baskets, LENS)), (1, cameras, 3), "7.3 {baskets:?}");
        assert_eq!(gateway.baskets(&Shopper::guest(&guest)).await, []);
    }
}

async fn many_sign_ups_of_one_guest(engine: Engine) {
    let gateway = settings(engine).start().await;
    let id = gateway.fill("guest-1", &[(CAMERA, 2)]).await;
    let emails: Vec<String> = (0..8).map(|index| format!("mira-{index}@example.com")).collect();
    let requests: Vec<_> = emails.iter().map(|email| register_as("guest-1", email)).collect();
    let answers = all(&gateway, &requests).await;
    assert_eq!(count(&answers, 201), 8, "{answers:?}");
    let mut owners = Vec::new();
    for email in &emails {
        let key = gateway.mailbox().wait_for(email).await.token;
        gateway.confirm(&key).await;
        owners.extend(gateway.baskets(&gateway.login(email).await.shopper()).await);
    }
    assert_eq!(owners, [Basket::of(&id, &[(CAMERA, 2)])], "7.3 it went with one of them");
    assert_eq!(gateway.baskets(&Shopper::guest("guest-1")).await, []);
}

async fn signing_up_while_logging_in(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    for round in 0..4 {
        let (guest, email) = (format!("guest-{round}"), format!("nora-{round}@example.com"));
        gateway.fill(&guest, &[(CAMERA, 1)]).await;
        let before = total(&gateway.baskets(&session.shopper()).await, CAMERA);
        let answers = all(&gateway, &[register_as(&guest, &email), log_in_as(&guest, ADDRESS)]).await;
        assert_eq!(count(&answers, 201), 2, "{answers:?}");
        gateway.confirm(&gateway.mailbox().wait_for(&email).await.token).await;
        let of_nora = total(&gateway.baskets(&gateway.login(&email).await.shopper()).await, CAMERA);
        let of_mira = total(&gateway.baskets(&session.shopper()).await, CAMERA);
        let of_the_guest = total(&gateway.baskets(&Shopper::guest(&guest)).await, CAMERA);
        assert_eq!(of_nora + of_mira + of_the_guest, before + 1, "7.3 it is somewhere, once");
    }
}
