//! Users made here at the other doors, and the reverse.

use serde_json::{Value, json};
use testkit::{
    Engine, Expected, Gateway, PASSWORD, Request, check, confirm, count_case, forgot_password, log_in,
    on_both_databases, register, restore_password, row, sign_up,
};

use crate::ground::{
    Door, KIND, ask_status, confirm_code, insert_merchant, invalid_token, json_of, post, settings, status_of, token_of,
};

on_both_databases! {
    tables: [
        a_user_at_the_core, the_cores_key_here, one_form_voids_the_other, whoever_loses_follows, several_merchants_follow,
        an_account_that_moves_takes_along, without_double_opt_in, a_change_of_address,
    ]
    scenarios: [three_doors_one_account]
}

/// Sets a password through the core's restore flow.
async fn restore(door: &Door, email: &str) {
    let mail = door.gateway.send_for_mail(&forgot_password(email), email, "restore-password").await;
    door.gateway.send(&restore_password(&mail.token, PASSWORD)).await.expect_status(204);
}

fn refused() -> Expected {
    Expected::error(401, "003", "Failed to authenticate user.")
}

async fn a_user_at_the_core(engine: Engine) {
    let door = Door::open(engine).await;
    let user = door.create("mira@example.com").await;
    let client = door.gateway.client();
    check(
        engine,
        client,
        &[row(
            "10npay C10: no password, no login",
            log_in(&user.email, ""),
            Expected::violations(&["password => This value should not be blank."]),
        )],
    )
    .await;
    check(engine, client, &[row("10npay C10: whatever is tried", log_in(&user.email, PASSWORD), refused())]).await;
    restore(&door, &user.email).await;
    check(
        engine,
        client,
        &[
            row("10npay 25: no login before confirming", log_in(&user.email, PASSWORD), refused()),
            row(
                "10npay 25: confirmed by the code",
                door.own(confirm_code(user.id, &user.mail.code)),
                crate::ground::confirmed(),
            ),
            row("10npay 25, E10: a login behind it", log_in(&user.email, PASSWORD), Expected::data(201)),
        ],
    )
    .await;
    let session = door.gateway.login(&user.email).await;
    let own = door.gateway.send(&Request::get("/customers").bearer(&session.access_token)).await.expect_status(200);
    assert_eq!(own.text("/data/0/attributes/email"), user.email);
}

/// Made here, confirmed by the code, given a password at Glue, and logged in at Bagisto.
async fn three_doors_one_account(engine: Engine) {
    let door = Door::open(engine).await;
    let user = door.create("mira@example.com").await;
    door.gateway.send(&door.own(confirm_code(user.id, &user.mail.code))).await.expect_status(200);
    restore(&door, &user.email).await;
    let beside = Gateway::on(engine).database(&door.gateway.database());
    let made = beside.run(&["storefront-keys", "create", "--name", "tests"]).await;
    let key = made.output.lines().find(|line| line.starts_with("pk_storefront_")).unwrap();
    let login = post("/api/shop/customer/login", &json!({ "email": user.email, "password": PASSWORD }))
        .header("X-STOREFRONT-KEY", key);
    let told = door.gateway.send(&login).await.expect_status(201).json();
    assert_eq!(told["success"], true, "{told}");
    let profile = Request::get("/api/shop/customer-profile")
        .header("X-STOREFRONT-KEY", key)
        .bearer(told["token"].as_str().unwrap());
    let profile = door.gateway.send(&profile).await.expect_status(200).json();
    assert_eq!((&profile[0]["email"], &profile[0]["isVerified"]), (&json!(user.email), &json!("1")));
}

/// The core's resend sends the claim a link.
async fn key_of(door: &Door, email: &str) -> String {
    let request = testkit::resend(email);
    door.gateway.send_for_mail(&request, email, "registration-confirmation").await.token
}

async fn the_cores_key_here(engine: Engine) {
    let door = Door::open(engine).await;
    let user = door.create("mira@example.com").await;
    let key = key_of(&door, &user.email).await;
    assert!(!door.is_verified(user.id).await);
    check(
        engine,
        door.gateway.client(),
        &[
            row("10npay 25, E10: confirmed by the core's key", confirm(&key), Expected::no_content()),
            row("10npay 25, E10: verified here", door.own(ask_status(user.id)), json_of(status_of(true, 200))),
            row("10npay E10: the code is void", door.own(confirm_code(user.id, &user.mail.code)), invalid_token()),
        ],
    )
    .await;
}

async fn one_form_voids_the_other(engine: Engine) {
    let door = Door::open(engine).await;
    let user = door.create("mira@example.com").await;
    let key = key_of(&door, &user.email).await;
    door.send(confirm_code(user.id, &user.mail.code)).await.expect_status(200);
    let refused = Expected::error(422, "423", "This email confirmation code is invalid or has been already used.");
    check(engine, door.gateway.client(), &[row("10npay E10: the core's key is void", confirm(&key), refused)]).await;
}

async fn whoever_loses_follows(engine: Engine) {
    let door = Door::open(engine).await;
    let user = door.create("mira@example.com").await;
    let request = register(&sign_up(&user.email));
    let mail = door.gateway.send_for_mail(&request, &user.email, "registration-confirmation").await;
    door.gateway.confirm(&mail.token).await;
    check(
        engine,
        door.gateway.client(),
        &[
            row(
                "10npay C11: verified, for the winner is",
                door.own(ask_status(user.id)),
                json_of(status_of(true, 200)),
            ),
            row("10npay C11: the loser's code", door.own(confirm_code(user.id, &user.mail.code)), invalid_token()),
        ],
    )
    .await;
    door.gateway.login(&user.email).await;
}

async fn several_merchants_follow(engine: Engine) {
    let door = Door::open(engine).await;
    let user = door.create("mira@example.com").await;
    let other = insert_merchant(&door.gateway, engine, "Other").await;
    let token = token_of(&door.gateway, &other).await;
    let body = serde_json::json!({ "merchantId": other.id, "email": user.email });
    let answer = door.gateway.send(&post("/User", &body).bearer(&token)).await.expect_status(201);
    let theirs = answer.json()["id"].as_i64().unwrap();
    assert_ne!(theirs, user.id);
    let mail = door.gateway.mailbox().wait_for_kind(&user.email, KIND, Some(&user.mail)).await;
    door.gateway.send(&confirm_code(theirs, &mail.code).bearer(&token)).await.expect_status(200);
    check(
        engine,
        door.gateway.client(),
        &[
            row(
                "10npay C11: another merchant's claim wins",
                door.own(ask_status(user.id)),
                json_of(status_of(true, 200)),
            ),
            row("10npay C11: and theirs", ask_status(theirs).bearer(&token), json_of(status_of(true, 200))),
        ],
    )
    .await;
}

async fn an_account_that_moves_takes_along(engine: Engine) {
    let door = Door::open(engine).await;
    let session = door.gateway.sign_in("old@example.com").await;
    let user = door.create("mira@example.com").await;
    let change = testkit::patch_customer(&session.reference, &serde_json::json!({ "email": "mira@example.com" }));
    let change = change.bearer(&session.access_token);
    let mail = door.gateway.send_for_mail(&change, "mira@example.com", "email-change").await;
    door.gateway.send(&confirm(&mail.token)).await.expect_status(204);
    assert!(door.is_verified(user.id).await, "the address has an owner, who is shown to be");
    count_case(engine, "10npay C11: an account that moves to the address wins, too");
}

async fn without_double_opt_in(engine: Engine) {
    let door = Door::with(engine, settings(engine).set("VESTIBULE__ACCOUNTS__DOUBLE_OPT_IN", "false")).await;
    let id = door.insert("mira@example.com").await;
    assert!(door.is_verified(id).await);
    let nobody = door.insert(Value::Null).await;
    assert!(!door.is_verified(nobody).await);
    door.gateway.mailbox().wait_for_kind("mira@example.com", "registration-welcome", None).await;
    count_case(engine, "10npay C10: without double opt-in a sign-up confirms here as well");
}

async fn a_change_of_address(engine: Engine) {
    let door = Door::open(engine).await;
    let user = door.create_verified("mira@example.com").await;
    restore(&door, &user.email).await;
    let session = door.gateway.login(&user.email).await;
    let change = testkit::patch_customer(&session.reference, &serde_json::json!({ "email": "nora@example.com" }));
    let change = change.bearer(&session.access_token);
    let mail = door.gateway.send_for_mail(&change, "nora@example.com", "email-change").await;
    assert!(door.is_verified(user.id).await, "while it waits");
    door.gateway.send(&confirm(&mail.token)).await.expect_status(204);
    assert!(door.is_verified(user.id).await, "and after it");
    count_case(engine, "10npay T4: verified while a change of address waits");
}
