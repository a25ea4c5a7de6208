//! What clients are told when the database fails: never that they were wrong, and nothing of what is wrong inside.

use serde_json::json;
use testkit::{
    Engine, Expected, PASSWORD, Request, change_password, check, confirm, forgot_password, insert_address, log_in,
    new_address, on_both_databases, patch_customer, refresh, register, resend, restore_password, row, sign_up,
};

use crate::shop::{OTHER_PASSWORD, Shop, expect};

on_both_databases! {
    tables: [a_registration_that_fails, no_customers]
}

async fn a_registration_that_fails(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let failed = Expected::error(500, "401", "Can't register a customer.");
    let violation = Expected::violations(&["email => This value should not be blank."]);
    gateway.database().execute("ALTER TABLE consents RENAME TO consents_away");
    check(
        engine,
        gateway.client(),
        &[
            row("2.2 row 5: any other failure", register(&sign_up("nora@example.com")), failed.clone()),
            row("2.2 row 5: again", register(&sign_up("nora@example.com")), failed),
            row("2.2 row 5 after the others", register(&sign_up("")), violation),
            row("2.2 the rest goes on", log_in(&session.email, PASSWORD), Expected::data(201)),
        ],
    )
    .await;
    gateway.database().execute("ALTER TABLE consents_away RENAME TO consents");
    expect(&gateway, "nothing was written", &log_in("nora@example.com", PASSWORD), &crate::messages::not_logged_in())
        .await;
    let key = gateway.register_for_key("nora@example.com").await;
    gateway.until_all_mail_is_sent().await;
    assert_eq!(gateway.mailbox().list("nora@example.com").await.len(), 1, "no mail of what failed");
    gateway.confirm(&key).await;
}

async fn no_customers(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let token = session.access_token.as_str();
    let key = "0123456789abcdef0123456789abcdef";
    let broken = || Expected::generic(500, "Internal Server Error");
    gateway.database().execute("ALTER TABLE customers RENAME TO customers_away");
    check(
        engine,
        gateway.client(),
        &[
            row("1.4 500: reading", Request::get("/customers").bearer(token), broken()),
            row(
                "1.4 500: changing",
                patch_customer(&session.reference, &json!({ "firstName": "Nora" })).bearer(token),
                broken(),
            ),
            row("1.4 500: deleting", Request::delete(&session.path()).bearer(token), broken()),
            row("1.4 500: addresses", Request::get(&session.addresses()).bearer(token), broken()),
            row("1.4 500: a new address", insert_address(&session.reference, &new_address()).bearer(token), broken()),
            row(
                "1.4 500: a new password",
                change_password(&session.reference, PASSWORD, OTHER_PASSWORD).bearer(token),
                broken(),
            ),
            row("1.4 500: a forgotten password", forgot_password(&session.email), broken()),
            row("1.4 500: a login", log_in(&session.email, PASSWORD), broken()),
            row("1.4 500: a resend", resend(&session.email), broken()),
        ],
    )
    .await;
    // These need not look at customers before they know that the key is none.
    for request in [confirm(key), restore_password(key, OTHER_PASSWORD), refresh(&session.refresh_token)] {
        let answer = gateway.send(&request).await;
        assert!([401, 422, 500].contains(&answer.status), "{answer:?}");
        assert!(!answer.body.contains("customers_away") && !answer.body.contains("relation"), "{answer:?}");
    }
    gateway.database().execute("ALTER TABLE customers_away RENAME TO customers");
    check(
        engine,
        gateway.client(),
        &[
            row("1.4 and afterwards", Request::get("/customers").bearer(token), Expected::data(200)),
            row("1.4 and afterwards a login", log_in(&session.email, PASSWORD), Expected::data(201)),
        ],
    )
    .await;
    assert!(!gateway.log().contains("panicked"), "{}", gateway.log());
}
