//! After a whole session nothing that opens a door lies in the database, in its journal or in the log.

use serde_json::json;
use testkit::{
    Engine, Gateway, PASSWORD, Request, confirm, document, log_in, on_both_databases, refresh, register, resend,
    sign_up,
};

on_both_databases! {
    scenarios: [nothing_that_opens_a_door_is_kept]
}

const ADDRESS: &str = "mira.olsen@example.com";
const WRONG_PASSWORD: &str = "Wr0ng-Password-Nobody-Has!";

async fn nothing_that_opens_a_door_is_kept(engine: Engine) {
    let gateway = Gateway::on(engine).set("VESTIBULE__LOG__FILTER", "debug").start().await;
    let mut secrets = vec![PASSWORD.to_owned(), WRONG_PASSWORD.to_owned()];

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
    assert!(places.iter().any(|(_, content)| contains(content, ADDRESS.as_bytes())), "the address is in the database");

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
    assert!(!log.contains(ADDRESS) && !log.contains("mira.olsen"), "the log names an address:\n{log}");
    assert!(!log.contains(&ADDRESS.replace('@', "%40")), "the log names an address:\n{log}");
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
