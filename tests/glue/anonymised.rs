//! Section 2.5: what is left of a customer who is gone.

use serde_json::{Value, json};
use testkit::{
    Engine, Expected, Gateway, PASSWORD, Request, change_password, check, confirm, document, eventually,
    forgot_password, insert_address, log_in, new_address, on_both_databases, patch_address, patch_customer, refresh,
    register, resend, restore_password, row, sign_up,
};

use crate::messages::{
    BLANK, different, no_customer, no_restore_key, no_token, not_logged_in, not_own, not_refreshed, spent_key,
    violations,
};
use crate::shop::{OTHER_PASSWORD, Shop, settings, with};

on_both_databases! {
    tables: [nothing_is_left]
    scenarios: [the_database_has_no_trace, the_address_is_free, keys_of_the_one_who_is_gone]
}

async fn nothing_is_left(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let second = gateway.login(&session.email).await;
    let other = gateway.sign_in("other@example.com").await;
    let id = gateway.insert_address(&session, &new_address()).await;
    let (own, token) = (session.path(), session.access_token.as_str());
    let one = format!("{}/{id}", session.addresses());
    let gone = no_customer;
    let two_passwords = json!({ "password": PASSWORD, "confirmPassword": OTHER_PASSWORD });
    let change = |reference: &str| change_password(reference, PASSWORD, OTHER_PASSWORD).bearer(token);
    assert_eq!(gateway.send(&Request::delete(&own).bearer(token)).await.status, 204);
    check(
        engine,
        gateway.client(),
        &[
            row("2.5 GET /customers", Request::get("/customers").bearer(token), gone()),
            row("2.5 GET one's own", Request::get(&own).bearer(token), gone()),
            row("2.5 with addresses", Request::get(&format!("{own}?include=addresses")).bearer(token), gone()),
            row("2.5 with another token of theirs", Request::get(&own).bearer(&second.access_token), gone()),
            row("2.5 PATCH", patch_customer(&session.reference, &json!({ "firstName": "Nora" })).bearer(token), gone()),
            row(
                "2.5 PATCH of the address",
                patch_customer(&session.reference, &json!({ "email": "nora@example.com" })).bearer(token),
                gone(),
            ),
            row(
                "2.5 PATCH to a taken address",
                patch_customer(&session.reference, &json!({ "email": other.email })).bearer(token),
                gone(),
            ),
            row("2.4 406 before 402", patch_customer(&session.reference, &two_passwords).bearer(token), different()),
            row("2.4 901 before 402", patch_customer(&session.reference, &json!({ "firstName": "" })).bearer(token), {
                violations("firstName", &[BLANK])
            }),
            row("2.4 411 before 402", patch_customer(&other.reference, &json!({})).bearer(token), not_own()),
            row("2.5 DELETE again", Request::delete(&own).bearer(token), gone()),
            row("2.5 DELETE of another's", Request::delete(&other.path()).bearer(token), not_own()),
            row("4.3 a new password", change(&session.reference), gone()),
            row("4.3 402 before 411", change(&other.reference), gone()),
            row(
                "4.3 402 before 406",
                {
                    let attributes = json!({
                        "password": PASSWORD, "newPassword": OTHER_PASSWORD, "confirmPassword": "A-third-2nd-Door!",
                    });
                    let path = format!("/customer-password/{}", session.reference);
                    Request::patch(&path, &document("customer-password", &attributes)).bearer(token)
                },
                gone(),
            ),
            row("5 the list", Request::get(&session.addresses()).bearer(token), gone()),
            row("5 one", Request::get(&one).bearer(token), gone()),
            row("5 one that never was", Request::get(&format!("{}/x", session.addresses())).bearer(token), gone()),
            row("5 a new one", insert_address(&session.reference, &new_address()).bearer(token), gone()),
            row(
                "5 a change of one",
                patch_address(&session.reference, &id, &json!({ "city": "Kiel" })).bearer(token),
                gone(),
            ),
            row("5 no one", Request::delete(&one).bearer(token), gone()),
            row("5 another's", Request::get(&other.addresses()).bearer(token), not_own()),
            row("2.5 no token", Request::get(&own), no_token()),
            row("2.5 a refresh token", refresh(&session.refresh_token), not_refreshed()),
            row("2.5 another refresh token", refresh(&second.refresh_token), not_refreshed()),
            row("6.1 a login", log_in(&session.email, PASSWORD), not_logged_in()),
            row("4.1 a forgotten password", forgot_password(&session.email), Expected::no_content()),
            row("3 a resend", resend(&session.email), Expected::no_content()),
            row("2.5 nobody else", Request::get(&other.path()).bearer(&other.access_token), Expected::data(200)),
        ],
    )
    .await;
    gateway.until_all_mail_is_sent().await;
    assert_eq!(gateway.mailbox().list(&session.email).await.len(), 1, "2.5 no mail to who is gone");
}

async fn keys_of_the_one_who_is_gone(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let change = gateway.email_change_key(&session, "nora@example.com").await;
    let restore = gateway.restore_key(&session.email).await;
    assert_eq!(gateway.send(&Request::delete(&session.path()).bearer(&session.access_token)).await.status, 204);
    for (key, request, expected) in [
        ("the key of a change", confirm(&change), spent_key()),
        ("a restore key", restore_password(&restore, OTHER_PASSWORD), no_restore_key()),
    ] {
        let problems = expected.problems(&gateway.send(&request).await);
        assert!(problems.is_empty(), "2.5 {key}: {problems:?}");
    }
    for email in [session.email.as_str(), "nora@example.com"] {
        for password in [PASSWORD, OTHER_PASSWORD] {
            assert_eq!(gateway.send(&log_in(email, password)).await.status, 401);
        }
    }
}

async fn the_address_is_free(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let before = gateway.mailbox().list(&session.email).await;
    assert_eq!(gateway.send(&Request::delete(&session.path()).bearer(&session.access_token)).await.status, 204);
    let again = gateway.send(&register(&sign_up(&session.email))).await.expect_status(201);
    assert_ne!(again.text("/data/id"), session.reference, "2.5 another account");
    let key = gateway.mailbox().wait_for_kind(&session.email, "registration-confirmation", before.first()).await.token;
    gateway.confirm(&key).await;
    let new = gateway.login(&session.email).await;
    assert_ne!(new.reference, session.reference);
    let old = gateway.send(&Request::get("/customers").bearer(&session.access_token)).await;
    assert!(no_customer().problems(&old).is_empty(), "2.5 the old token is not the new account's: {old:?}");
}

async fn the_database_has_no_trace(engine: Engine) {
    let gateway = settings(engine).set("VESTIBULE__JOBS__CLEANUP_INTERVAL_SECONDS", "1").start().await;
    let email = "Mirabella.Olsensen@example.com";
    let own = json!({
        "firstName": "Mirabellissima", "lastName": "Olsensensen", "dateOfBirth": "1987-06-05", "email": email,
    });
    let names: Vec<(&str, Option<Value>)> =
        own.as_object().unwrap().iter().map(|(name, value)| (name.as_str(), Some(value.clone()))).collect();
    let merchant = insert_merchant_user(&gateway, engine, email).await;
    let before = gateway.mailbox().wait_for_kind(email, "registration-code", None).await;
    let registered = gateway.send(&register(&with(sign_up(email), &names))).await.expect_status(201);
    let mail = gateway.mailbox().wait_for_kind(email, "registration-confirmation", Some(&before)).await;
    gateway.confirm(&mail.token).await;
    let session = gateway.login(email).await;
    assert_eq!(registered.text("/data/id"), session.reference);
    tell_the_shop_api(&gateway, engine, email).await;
    let address = json!({
        "firstName": "Mirabellissima", "address1": "Kieselgurstraße", "city": "Quakenbrück", "phone": "+49 555 987654321",
        "company": "Olsensensen & Söhne",
    });
    let address: Vec<(&str, Option<Value>)> =
        address.as_object().unwrap().iter().map(|(name, value)| (name.as_str(), Some(value.clone()))).collect();
    gateway.insert_address(&session, &with(new_address(), &address)).await;
    gateway.email_change_key(&session, "Norabella.Bergensen@example.com").await;
    gateway.restore_key(email).await;
    // Locks, notices and wrong tries leave rows too.
    gateway.send(&log_in(email, "Wrong-2nd-Door!")).await;
    gateway.send(&register(&sign_up(email))).await.expect_status(422);
    gateway.until_all_mail_is_sent().await;

    let traces = [
        "mirabella",
        "olsensen",
        "norabella",
        "bergensen",
        "kieselgur",
        "quakenbr",
        "987654321",
        "1987-06-05",
        "123454321",
        "r2x1y2tzdgfkda",
        "quirinella",
        "tintagella",
        "zwillingstyp",
        // A mask leaves the first letter and the domain.
        "example.com",
    ];
    let found = || {
        let rows = gateway.database().dump().to_lowercase();
        traces.into_iter().filter(|trace| rows.contains(trace)).collect::<Vec<_>>()
    };
    assert_eq!(found(), traces, "the search itself must be able to find something");
    assert_eq!(gateway.send(&Request::delete(&session.path()).bearer(&session.access_token)).await.status, 204);
    assert_eq!(found(), Vec::<&str>::new(), "2.5 {}", gateway.database().dump());
    let log = gateway.log().to_lowercase();
    assert!(["mirabella", "norabella"].iter().all(|name| !log.contains(name)), "{log}");
    let left = gateway.database().dump();
    assert!(left.contains(&session.reference), "2.5 the row stays: {left}");
    let status = Request::get(&format!("/User/{}/status", merchant.user)).header("Accept", "application/json");
    let status = gateway.send(&status.bearer(&merchant.token)).await.expect_status(200);
    assert_eq!(status.json()["status"], 350, "the merchant's user stays, and is closed: {status:?}");
    // Deleted rows can outlive their table's knowledge of them: on SQLite the files themselves are searched, first as the
    // next clean-up leaves them and then as the gateway does.
    let database = gateway.database();
    let Some(file) = database.url.strip_prefix("sqlite://") else { return };
    let kept = || {
        // The log first: what leaves it meanwhile is in the file.
        let content: String = [format!("{file}-wal"), file.to_owned()]
            .iter()
            .filter_map(|path| std::fs::read(path).ok())
            .map(|content| String::from_utf8_lossy(&content).to_lowercase())
            .collect();
        assert!(
            content.contains(&session.reference.to_lowercase()),
            "the search itself must be able to find something"
        );
        traces.into_iter().filter(|trace| content.contains(trace)).collect::<Vec<_>>()
    };
    eventually("2.5 a clean-up leaves nothing in the files", async || kept().is_empty()).await;
    gateway.stop().await;
    assert_eq!(kept(), Vec::<&str>::new(), "2.5 the files keep what was deleted");
}

/// A merchant's user, and a token of that merchant.
struct MerchantUser {
    user: i64,
    token: String,
}

/// A body of JSON, as doors other than this one take it.
fn send_json(method: &str, path: &str, body: &Value) -> Request {
    let request = Request::new(method, path).header("Accept", "application/json");
    request.header("Content-Type", "application/json").body(body.to_string())
}

/// Has a merchant make a user on an address, with what only merchants tell.
async fn insert_merchant_user(gateway: &Gateway, engine: Engine, email: &str) -> MerchantUser {
    let made: Value = {
        let beside = Gateway::on(engine).database(&gateway.database());
        let made = beside.run(&["merchants", "create", "--name", "Harbour Toys", "--json"]).await;
        let line = made.output.lines().find(|line| line.starts_with('{')).unwrap_or_default();
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {}", made.output))
    };
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", made["clientId"].as_str().unwrap()),
        ("client_secret", made["clientSecret"].as_str().unwrap()),
    ];
    let token = gateway.send(&Request::form("/connect/token", &fields)).await.expect_status(200).text("/access_token");
    let user = json!({
        "merchantId": made["merchantId"], "email": email,
        "additionalData": { "type": "zwillingstyp", "data": { "nickname": "Tintagella" } },
    });
    let user = gateway.send(&send_json("POST", "/User", &user).bearer(&token)).await.expect_status(201);
    MerchantUser { user: user.json()["id"].as_i64().unwrap(), token }
}

/// Tells the shop API what only it asks for: a telephone number, a picture, and two addresses for the newsletter.
async fn tell_the_shop_api(gateway: &Gateway, engine: Engine, email: &str) {
    let beside = Gateway::on(engine).database(&gateway.database());
    let made = beside.run(&["storefront-keys", "create", "--name", "tests"]).await;
    let key = made.output.split_whitespace().find(|word| word.starts_with("pk_storefront_")).unwrap();
    let send = async |method: &str, path: &str, body: &Value, token: &str| {
        let request = send_json(method, path, body).header("X-STOREFRONT-KEY", key).bearer(token);
        gateway.send(&request).await
    };
    let login = json!({ "email": email, "password": PASSWORD });
    let token = send("POST", "/api/shop/customer/login", &login, "").await.expect_status(201).text("/token");
    let more = json!({
        "phone": "0049123454321", "subscribedToNewsLetter": true, "image": "data:image/png;base64,R2x1Y2tzdGFkdA==",
    });
    send("PUT", "/api/shop/customers/profile", &more, &token).await.expect_status(200);
    let newsletter = json!({ "customerEmail": "Quirinella@example.com" });
    send("POST", "/api/shop/newsletters", &newsletter, &token).await.expect_status(201);
}
