//! After a whole session nothing that opens a door lies in the database, in its journal or in the log.

use serde_json::{Value, json};
use testkit::{
    Engine, Gateway, PASSWORD, Request, Session, change_password, confirm, document, forgot_password, log_in,
    new_address, on_both_databases, patch_address, patch_customer, refresh, register, resend, restore_password,
    sign_up,
};

on_both_databases! {
    scenarios: [nothing_that_opens_a_door_is_kept]
}

const ADDRESS: &str = "mira.olsen@example.com";
const WRONG_PASSWORD: &str = "Wr0ng-Password-Nobody-Has!";
const RESTORED_PASSWORD: &str = "Rest0red-Password-Of-Hers!";
const CHANGED_PASSWORD: &str = "Chang3d-Password-Of-Hers!";
const NEW_ADDRESS: &str = "nora.bergson@example.org";
const STREET: &str = "Kieselgurstraße";
const OTHER_NEW_ADDRESS: &str = "nina.lundgren@example.net";
const SHOP_ADDRESS: &str = "nele.petersen@example.com";
const SHOP_PASSWORD: &str = "Sh0p-Password-Of-Hers!";
const SHOP_CHANGED_PASSWORD: &str = "Sh0p-Changed-Password!";
const SHOP_RESET_PASSWORD: &str = "Sh0p-Reset-Password!";

async fn nothing_that_opens_a_door_is_kept(engine: Engine) {
    let gateway = Gateway::on(engine).set("VESTIBULE__LOG__FILTER", "trace").start().await;
    let mut secrets = [PASSWORD, WRONG_PASSWORD, RESTORED_PASSWORD, CHANGED_PASSWORD].map(str::to_owned).to_vec();

    gateway.register(ADDRESS).await;
    let first = gateway.mailbox().wait_for(ADDRESS).await;
    gateway.send(&resend(ADDRESS)).await;
    let second = gateway.mailbox().wait_for_next(&first).await;
    for mail in [&first, &second] {
        secrets.extend([mail.token.clone(), mail.code.clone()]);
    }
    // In every wrong way too, because that is what is logged.
    for request in [
        log_in(ADDRESS, WRONG_PASSWORD),
        log_in(ADDRESS, PASSWORD),
        Request::get(&format!("/register/confirm?token={}", first.token)).header("Accept", "text/html"),
        Request::get(&format!("/customer-confirmation/{}", first.token)),
        Request::post("/customer-confirmation", &document("carts", &json!({ "registrationKey": first.token }))),
        confirm(&second.token),
        confirm(&second.token),
        register(&sign_up(ADDRESS)),
        Request::get(&format!("/customers?email={ADDRESS}")),
    ] {
        gateway.send(&request).await;
    }
    let session = gateway.login(ADDRESS).await;
    let refreshed = gateway.send(&refresh(&session.refresh_token)).await.expect_status(201);
    let next = refreshed.text("/data/attributes/refreshToken");
    for token in [&session.refresh_token, &next] {
        let answer =
            gateway.send(&Request::delete(&format!("/refresh-tokens/{token}")).bearer(&session.access_token)).await;
        assert_eq!(answer.status, 204);
    }
    secrets.extend([session.access_token, session.refresh_token, next]);
    secrets.extend(account_and_passwords(&gateway).await);
    secrets.extend(shop_api(&gateway, engine).await);
    gateway.until_all_mail_is_sent().await;

    let log = gateway.log();
    let mailbox = gateway.folder().join("mailbox");
    let mut places: Vec<(String, Vec<u8>)> = gateway
        .files()
        .into_iter()
        .filter(|(path, _)| !path.starts_with(&mailbox))
        .map(|(path, content)| (path.display().to_string(), content))
        .collect();
    places.push(("the tables".to_owned(), gateway.database().dump().into_bytes()));
    places.push(("the log".to_owned(), log.clone().into_bytes()));
    // The search itself must be able to find something.
    assert!(
        places.iter().any(|(_, content)| contains(content, NEW_ADDRESS.as_bytes())),
        "the address is in the database"
    );

    for secret in secrets.iter().filter(|secret| secret.len() > 6) {
        for form in forms(secret) {
            for (place, content) in &places {
                assert!(!contains(content, &form), "{secret} lies in {place}");
            }
        }
    }
    // Six digits stand anywhere by chance: those of a code are looked for where they would be a word.
    for code in secrets.iter().filter(|secret| secret.len() == 6) {
        for (place, content) in &places {
            assert!(!contains_word(content, code.as_bytes()), "the code {code} lies in {place}");
        }
    }
    assert!(!log.contains(STREET) && !log.contains("Mira"), "the log names where somebody lives:\n{log}");
    for address in [ADDRESS, NEW_ADDRESS, OTHER_NEW_ADDRESS, SHOP_ADDRESS] {
        let (name, _) = address.split_once('@').unwrap_or((address, ""));
        for form in [address.to_owned(), name.to_owned(), address.replace('@', "%40")] {
            assert!(!log.contains(&form), "the log names an address, {form}:\n{log}");
        }
    }
}

/// Moves the account to another address and sets its password in both ways, each in every wrong way too. Answers the secrets of it.
async fn account_and_passwords(gateway: &Gateway) -> Vec<String> {
    let session = gateway.login(ADDRESS).await;
    let id = gateway.insert_address(&session, &new_address()).await;
    let moved = patch_address(&session.reference, &id, &json!({ "address1": STREET })).bearer(&session.access_token);
    gateway.send(&moved).await.expect_status(200);
    let Session { reference, access_token, refresh_token, .. } = session;
    let mail = |request: Request, address: &'static str, kind: &'static str| async move {
        let mail = gateway.send_for_mail(&request, address, kind).await;
        assert!(!mail.token.is_empty(), "{mail:?}");
        mail
    };
    let patch = |email: &str, token: &str| patch_customer(&reference, &json!({ "email": email })).bearer(token);
    let superseded = mail(patch(OTHER_NEW_ADDRESS, &access_token), OTHER_NEW_ADDRESS, "email-change").await;
    let change = mail(patch(NEW_ADDRESS, &access_token), NEW_ADDRESS, "email-change").await;
    let first = mail(forgot_password(ADDRESS), ADDRESS, "restore-password").await;
    for request in [
        patch(NEW_ADDRESS, "x"),
        patch_customer("DE--4711", &json!({ "email": NEW_ADDRESS })).bearer(&access_token),
        Request::patch(&format!("/customers/{NEW_ADDRESS}"), &document("customers", &json!({}))).bearer(&access_token),
        confirm(&superseded.token),
        restore_password(&change.token, RESTORED_PASSWORD),
        confirm(&first.token),
        Request::get(&format!("/password/restore?token={}", first.token)).header("Accept", "text/html"),
        Request::patch(&format!("/customer-restore-password/{}", first.token), &document("customers", &json!({}))),
        Request::patch("/customer-restore-password/x", &json!({ "restorePasswordKey": first.token })),
        log_in(NEW_ADDRESS, PASSWORD),
        register(&sign_up(NEW_ADDRESS)),
        Request::get(&format!("/register/confirm?token={}", change.token)).header("Accept", "text/html"),
        confirm(&change.token),
        confirm(&change.token),
        restore_password(&first.token, RESTORED_PASSWORD),
    ] {
        gateway.send(&request).await;
    }
    assert_eq!(gateway.send(&log_in(NEW_ADDRESS, PASSWORD)).await.status, 201, "the address is moved");
    gateway.advance(61).await;
    let second = mail(forgot_password(NEW_ADDRESS), NEW_ADDRESS, "restore-password").await;
    for status in [204, 422] {
        assert_eq!(gateway.send(&restore_password(&second.token, RESTORED_PASSWORD)).await.status, status);
    }
    let login = gateway.send(&log_in(NEW_ADDRESS, RESTORED_PASSWORD)).await.expect_status(201);
    let token = login.text("/data/attributes/accessToken");
    for (present, status) in [(WRONG_PASSWORD, 400), (RESTORED_PASSWORD, 204)] {
        let request = change_password(&reference, present, CHANGED_PASSWORD).bearer(&token);
        assert_eq!(gateway.send(&request).await.status, status);
    }
    let mails = [superseded, change, first, second];
    let tokens = [access_token, refresh_token, token, login.text("/data/attributes/refreshToken")];
    mails
        .into_iter()
        .flat_map(|mail| [mail.token, mail.code])
        .filter(|secret| !secret.is_empty())
        .chain(tokens)
        .collect()
}

/// Signs up at the shop API, logs in, and sets the password in both ways, each in wrong ways too. Answers the secrets of it.
async fn shop_api(gateway: &Gateway, engine: Engine) -> Vec<String> {
    let beside = Gateway::on(engine).database(&gateway.database());
    let made = beside.run(&["storefront-keys", "create", "--name", "tests", "--limit", "0"]).await;
    let key = made.output.split_whitespace().find(|word| word.starts_with("pk_storefront_"));
    let key = key.unwrap_or_else(|| panic!("no key in {}", made.output)).to_owned();
    let call = |method: &str, path: &str, body: &Value| {
        let request = Request::new(method, path).header("Accept", "application/json").header("X-STOREFRONT-KEY", &key);
        request.header("Content-Type", "application/json").body(body.to_string())
    };
    let sign_up = json!({
        "firstName": "Mira", "lastName": "Petersen", "email": SHOP_ADDRESS, "password": SHOP_PASSWORD,
        "confirmPassword": SHOP_PASSWORD,
    });
    let sign_up = call("POST", "/api/shop/customers", &sign_up);
    let registered = gateway.send(&sign_up).await.expect_status(201);
    let confirmation = gateway.mailbox().wait_for(SHOP_ADDRESS).await;
    let log_in = |password: &str| {
        call("POST", "/api/shop/customer/login", &json!({ "email": SHOP_ADDRESS, "password": password }))
    };
    let verify = format!("/customer/verify-account/{}", confirmation.token);
    for request in [
        sign_up.clone().header("X-STOREFRONT-KEY", &format!("{key}{key}")),
        sign_up.clone().header("Content-Type", "text/plain"),
        sign_up.clone().body(format!("{{\"password\": \"{SHOP_PASSWORD}\"")),
        log_in(SHOP_PASSWORD),
        Request::get(&verify).header("Accept", "text/html"),
        Request::get(&format!("/customer/resend/verification/{SHOP_ADDRESS}")).header("Accept", "application/json"),
        Request::get(&verify).header("Accept", "application/json"),
        Request::get(&verify).header("Accept", "application/json"),
        sign_up,
        log_in(WRONG_PASSWORD),
    ] {
        gateway.send(&request).await;
    }
    let token = gateway.send(&log_in(SHOP_PASSWORD)).await.expect_status(201).text("/token");
    let change = |current: &str, password: &str| {
        let body = json!({ "currentPassword": current, "password": password, "confirmPassword": password });
        call("PUT", "/api/shop/customer-profile-updates/1", &body)
    };
    let nothing = json!({});
    for request in [
        call("POST", "/api/shop/verify-tokens", &nothing).bearer(&token),
        call("GET", &format!("/api/shop/customers/{}", token.replace('|', "%7C")), &nothing).bearer(&token),
        change(WRONG_PASSWORD, SHOP_CHANGED_PASSWORD).bearer(&token),
        change(SHOP_PASSWORD, SHOP_CHANGED_PASSWORD).bearer(&format!("{token}x")),
    ] {
        gateway.send(&request).await;
    }
    gateway.send(&change(SHOP_PASSWORD, SHOP_CHANGED_PASSWORD).bearer(&token)).await.expect_status(200);
    let forgot = call("POST", "/api/shop/forgot-passwords", &json!({ "email": SHOP_ADDRESS }));
    let restore = gateway.send_for_mail(&forgot, SHOP_ADDRESS, "restore-password").await;
    for (email, status) in [(NEW_ADDRESS, 400), (SHOP_ADDRESS, 200), (SHOP_ADDRESS, 400)] {
        let body = json!({
            "token": restore.token, "email": email, "password": SHOP_RESET_PASSWORD,
            "passwordConfirmation": SHOP_RESET_PASSWORD,
        });
        gateway.send(&call("PUT", "/api/shop/customers/reset-password", &body)).await.expect_status(status);
    }
    let other = gateway.send(&log_in(SHOP_RESET_PASSWORD)).await.expect_status(201).text("/token");
    gateway.send(&call("POST", "/api/shop/customer/logout", &nothing).bearer(&other)).await.expect_status(201);
    let passwords = [SHOP_PASSWORD, SHOP_CHANGED_PASSWORD, SHOP_RESET_PASSWORD].map(str::to_owned);
    let behind_the_bar =
        [&token, &other].map(|token| token.split_once('|').map_or_else(String::new, |(_, secret)| secret.to_owned()));
    [confirmation.token, confirmation.code, restore.token, registered.text("/apiToken"), key]
        .into_iter()
        .chain(passwords)
        .chain(behind_the_bar)
        .collect()
}

/// A secret as text, as the bytes that it is the hex form of, and as the hex form of its text.
fn forms(secret: &str) -> Vec<Vec<u8>> {
    let digits = hex::decode(secret).ok();
    let hex = hex::encode(secret);
    // PostgreSQL shows bytes as hex, where bytes that the secret is the hex form of are the secret again.
    [Some(secret.as_bytes().to_vec()), digits, Some(hex.into_bytes())].into_iter().flatten().collect()
}

fn contains(content: &[u8], wanted: &[u8]) -> bool {
    content.windows(wanted.len()).any(|window| window == wanted)
}

fn contains_word(content: &[u8], wanted: &[u8]) -> bool {
    let is_part = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    content.windows(wanted.len()).enumerate().any(|(start, window)| {
        let before = start.checked_sub(1).and_then(|at| content.get(at));
        window == wanted && !is_part(before) && !is_part(content.get(start + wanted.len()))
    })
}
