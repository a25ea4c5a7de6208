//! After a whole session nothing that opens a door lies in the database, in its journal or in the log.

use serde_json::json;
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
    for address in [ADDRESS, NEW_ADDRESS, OTHER_NEW_ADDRESS] {
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
