//! One account base: what is begun at this door goes on at the storefront API's, and back.

use serde_json::json;
use testkit::{Engine, Request, change_password, on_both_databases};

use crate::shop::{OTHER_PASSWORD, PASSWORD, Shop, sign_up_with};

on_both_databases! {
    scenarios: [from_bagisto_to_glue, from_glue_to_bagisto, restored_at_glue, changed_at_glue]
}

async fn from_bagisto_to_glue(engine: Engine) {
    let shop = Shop::open(engine).await;
    let body = sign_up_with("john@example.com", &json!({ "gender": "Other", "subscribedToNewsLetter": true }));
    shop.send(&shop.register(&body)).await.expect_status(201);
    let key = shop.gateway.mailbox().wait_for("john@example.com").await.token;
    shop.gateway.confirm(&key).await;
    let answer = shop.gateway.send(&testkit::log_in("john@example.com", PASSWORD)).await.expect_status(201);
    let token = answer.text("/data/attributes/accessToken");
    let own = shop.gateway.send(&Request::get("/customers").bearer(&token)).await.expect_status(200).json();
    let attributes = &own["data"][0]["attributes"];
    assert_eq!((&attributes["firstName"], &attributes["gender"]), (&json!("John"), &json!("Other")));
    assert!(!shop.is_valid(&token).await, "each door has tokens of its own");
    let bearer = shop.token_of("john@example.com", PASSWORD).await;
    shop.gateway.send(&Request::get("/customers").bearer(&bearer)).await.expect_status(401);
}

async fn from_glue_to_bagisto(engine: Engine) {
    let shop = Shop::open(engine).await;
    let key = shop.gateway.register_for_key("mira@example.com").await;
    let told = shop.send(&shop.login("mira@example.com", testkit::PASSWORD)).await.json();
    assert_eq!(told["message"], "Verify your email account first.");
    let verify = format!("/customer/verify-account/{key}");
    shop.gateway.send(&Request::get(&verify).header("Accept", "application/json")).await.expect_status(200);
    let token = shop.token_of("mira@example.com", testkit::PASSWORD).await;
    let profile = shop.send(&shop.profile(&token)).await.expect_status(200).json();
    assert_eq!((&profile[0]["firstName"], &profile[0]["gender"]), (&json!("Mira"), &json!("Female")));
    shop.gateway.login("mira@example.com").await;
}

async fn restored_at_glue(engine: Engine) {
    let shop = Shop::open_unverified(engine).await;
    let customer = shop.sign_up("john@example.com").await;
    let key = shop.gateway.restore_key("john@example.com").await;
    shop.gateway.send(&testkit::restore_password(&key, OTHER_PASSWORD)).await.expect_status(204);
    assert!(!shop.is_valid(&customer.token).await, "a restore ends all tokens");
    shop.token_of("john@example.com", OTHER_PASSWORD).await;
}

async fn changed_at_glue(engine: Engine) {
    let shop = Shop::open(engine).await;
    let session = shop.gateway.sign_in("mira@example.com").await;
    let bearer = shop.token_of("mira@example.com", testkit::PASSWORD).await;
    let change = change_password(&session.reference, testkit::PASSWORD, OTHER_PASSWORD).bearer(&session.access_token);
    shop.gateway.send(&change).await.expect_status(204);
    assert!(!shop.is_valid(&bearer).await, "a change ends all other tokens");
    let bearer = shop.token_of("mira@example.com", OTHER_PASSWORD).await;
    let leave = Request::delete(&session.path()).bearer(&session.access_token);
    shop.gateway.send(&leave).await.expect_status(204);
    assert!(!shop.is_valid(&bearer).await, "whoever has left has no tokens");
}
