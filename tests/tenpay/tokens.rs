//! `/connect/token`, and what its tokens are good for.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use testkit::{Engine, Expected, Gateway, PASSWORD, Request, check, count_case, on_both_databases, row};

use crate::ground::{
    Door, Merchant, ask_status, ask_token, bare, command, confirm_code, post_text, send_code, settings, unauthorized,
};

on_both_databases! {
    tables: [
        clients, control_characters, operators, an_outdated_hash, refreshing, tokens_of_other_doors,
        a_merchant_that_is_disabled, switched_off, secrets,
    ]
}

const GRANT: (&str, &str) = ("grant_type", "client_credentials");

fn refused(status: u16, error: &str) -> Expected {
    Expected::other(status)
        .header("Content-Type", "application/json; charset=utf-8")
        .header("Cache-Control", "no-store")
        .at("", json!({ "error": error }))
}

fn good(scope: &str) -> Expected {
    Expected::other(200)
        .header("Content-Type", "application/json; charset=utf-8")
        .header("Cache-Control", "no-store")
        .at("/token_type", "Bearer")
        .at("/expires_in", 3600)
        .at("/scope", scope)
}

fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(format!("{id}:{secret}")))
}

async fn clients(engine: Engine) {
    let Door { gateway, merchant, .. } = Door::open(engine).await;
    let in_header =
        |id: &str, secret: &str| Request::form("/connect/token", &[GRANT]).header("Authorization", &basic(id, secret));
    let challenged =
        || refused(401, "invalid_client").header("WWW-Authenticate", "Basic realm=\"connect\", charset=\"UTF-8\"");
    let unknown = Merchant { client: "nobody".to_owned(), ..merchant.clone() };
    check(
        engine,
        gateway.client(),
        &[
            row(
                "10npay B1, B4: a client in the form",
                ask_token(&merchant, &[GRANT]),
                good("users").nothing_at("/refresh_token"),
            ),
            row("10npay B1: a client in the header", in_header(&merchant.client, &merchant.secret), good("users")),
            row("10npay B2: a scope", ask_token(&merchant, &[GRANT, ("scope", "users")]), good("users")),
            row("10npay B5: an unknown client", ask_token(&unknown, &[GRANT]), refused(400, "invalid_client")),
            row("10npay B5: a wrong secret in the header", in_header(&merchant.client, "wrong"), challenged()),
            row("10npay B5: a client without a secret", in_header(&merchant.client, ""), challenged()),
            row("10npay B5: nobody", Request::form("/connect/token", &[GRANT]), refused(400, "invalid_client")),
            row("10npay B5: no grant", ask_token(&merchant, &[]), refused(400, "invalid_request")),
            row("10npay B5: a grant twice", ask_token(&merchant, &[GRANT, GRANT]), refused(400, "invalid_request")),
            row(
                "10npay B5: another grant",
                ask_token(&merchant, &[("grant_type", "authorization_code")]),
                refused(400, "unsupported_grant_type"),
            ),
            row(
                "10npay B5: another scope",
                ask_token(&merchant, &[GRANT, ("scope", "users everything")]),
                refused(400, "invalid_scope"),
            ),
            row(
                "10npay B5: JSON is no form",
                post_text("/connect/token", r#"{"grant_type":"client_credentials"}"#),
                refused(400, "invalid_request"),
            ),
            row(
                "10npay G2: other letters and a slash",
                Request::form("/Connect/TOKEN/", &[GRANT])
                    .header("Authorization", &basic(&merchant.client, &merchant.secret)),
                good("users"),
            ),
            row("10npay P7: GET", Request::get("/connect/token"), bare(405).header("Allow", "POST")),
            row("10npay B3: no mutual TLS", Request::form("/connect/mtls/token", &[GRANT]), Expected::other(404)),
        ],
    )
    .await;
}

/// Of which NUL is what PostgreSQL takes in no text.
async fn control_characters(engine: Engine) {
    let Door { gateway, merchant, .. } = Door::open(engine).await;
    let in_form = |name: &str, value: &str| {
        let mut fields = vec![
            ("client_id", merchant.client.as_str()),
            ("client_secret", merchant.secret.as_str()),
            ("grant_type", "password"),
            ("username", "ines"),
            ("password", "wrong"),
        ];
        fields.retain(|(existing, _)| *existing != name);
        fields.push((name, value));
        Request::form("/connect/token", &fields)
    };
    let refresh = |token: &str| ask_token(&merchant, &[("grant_type", "refresh_token"), ("refresh_token", token)]);
    let in_header =
        |id: &str, secret: &str| Request::form("/connect/token", &[GRANT]).header("Authorization", &basic(id, secret));
    let (request, challenged) = (|| refused(400, "invalid_request"), || refused(401, "invalid_client"));
    check(
        engine,
        gateway.client(),
        &[
            row("10npay B5, G9: a client with a NUL", in_form("client_id", "\0"), request()),
            row("10npay B5, G9: one within its name", in_form("client_id", "merchant\0"), request()),
            row("10npay B5, G9: a secret with a NUL", in_form("client_secret", "\0"), request()),
            row("10npay B5, G9: a client with a NUL in the header", in_header("%00", "x"), challenged()),
            row("10npay B5, G9: the same as it stands", in_header("\0", "x"), challenged()),
            row("10npay B5, G9: a secret with a NUL in the header", in_header(&merchant.client, "%00"), challenged()),
            row("10npay B5, G9: an operator with a NUL", in_form("username", "\0"), request()),
            row("10npay B5, G9: a line break", in_form("username", "ines\r\n"), request()),
            row("10npay B5, G9: a password with a NUL", in_form("password", "\0"), request()),
            row("10npay B5, G9: a refresh token with a NUL", refresh("\0"), request()),
            row("10npay B5, G9: a grant with a NUL", in_form("grant_type", "password\0"), request()),
            row("10npay B5, G9: a scope with a NUL", in_form("scope", "users\0"), request()),
            row(
                "10npay B1, G9: a field that does not count",
                ask_token(&merchant, &[GRANT, ("x", "\0")]),
                good("users"),
            ),
        ],
    )
    .await;
}

/// What the command prints for a new operator.
async fn insert_operator(gateway: &Gateway, engine: Engine, merchant: &str, username: &str) -> String {
    let output = command(gateway, engine, &["merchants", "operators", "add", merchant, username]).await;
    let password = output.lines().find_map(|line| line.strip_prefix("password: "));
    password.unwrap_or_else(|| panic!("no password in {output}")).to_owned()
}

async fn operators(engine: Engine) {
    let door = Door::open(engine).await;
    let Door { gateway, merchant, .. } = &door;
    let password = insert_operator(gateway, engine, "Harbour Toys", "ines").await;
    let customer = gateway.sign_in("mira@example.com").await;
    let ask = |username: &str, password: &str, scope: &str| {
        let fields = [("grant_type", "password"), ("username", username), ("password", password), ("scope", scope)];
        ask_token(merchant, &fields)
    };
    check(
        engine,
        gateway.client(),
        &[
            row("10npay B2: an operator", ask("ines", &password, ""), good("users offline_access")),
            row(
                "10npay B2: who does not stay",
                ask("ines", &password, "users"),
                good("users").nothing_at("/refresh_token"),
            ),
            row("10npay B5: a wrong password", ask("ines", "wrong", ""), refused(400, "invalid_grant")),
            row("10npay B5: an unknown operator", ask("nobody", &password, ""), refused(400, "invalid_grant")),
            row("10npay B2: a customer is none", ask(&customer.email, PASSWORD, ""), refused(400, "invalid_grant")),
            row(
                "10npay B5: no password",
                ask_token(merchant, &[("grant_type", "password"), ("username", "ines")]),
                refused(400, "invalid_request"),
            ),
        ],
    )
    .await;
    let token = gateway.send(&ask("ines", &password, "users")).await.text("/access_token");
    let created = gateway.send(&door.new_user("nora@example.com").bearer(&token)).await;
    assert_eq!(created.status, 201, "{created:?}");
    for _ in 0..20 {
        gateway.send(&ask("ines", "wrong", "")).await.expect_status(400);
    }
    let locked = gateway.send(&ask("ines", &password, "")).await.expect_status(400);
    assert!(locked.header("Retry-After").is_some(), "{locked:?}");
    assert_eq!(gateway.login(&customer.email).await.reference, customer.reference, "a lock of its own");
    count_case(engine, "10npay B2: the login lock holds for operators");
}

/// The hash is one that another system made, of `Supp0rt!Supp0rt`.
async fn an_outdated_hash(engine: Engine) {
    let Door { gateway, merchant, .. } = Door::open(engine).await;
    insert_operator(&gateway, engine, "Harbour Toys", "ines").await;
    let database = gateway.database();
    let outdated = "$2y$05$abcdefghijklmnopqrstuuqvgTFVZER.oSE8p1kTiCN9lPxhombsK";
    database.execute(&format!("UPDATE merchant_operators SET password_hash = '{outdated}'"));
    let ask = |password: &str| {
        ask_token(&merchant, &[("grant_type", "password"), ("username", "ines"), ("password", password)])
    };
    let refused = row("10npay B5: a wrong password of an old hash", ask("wrong"), refused(400, "invalid_grant"));
    check(engine, gateway.client(), &[refused]).await;
    assert!(database.dump().contains(outdated));
    let first = row("10npay B2: an operator with an old hash", ask("Supp0rt!Supp0rt"), good("users offline_access"));
    check(engine, gateway.client(), &[first]).await;
    let dump = database.dump();
    let of_ines = dump.lines().find(|line| line.starts_with("merchant_operators: ")).unwrap();
    assert!(!of_ines.contains(outdated) && of_ines.contains("$argon2id$"), "{of_ines}");
    let next = row("10npay B9: whose hash is of today", ask("Supp0rt!Supp0rt"), good("users offline_access"));
    check(engine, gateway.client(), &[next]).await;
    assert_eq!(database.dump().lines().find(|line| line.starts_with("merchant_operators: ")), Some(of_ines), "once");
}

async fn refreshing(engine: Engine) {
    let Door { gateway, merchant, .. } = Door::open(engine).await;
    let password = insert_operator(&gateway, engine, "Harbour Toys", "ines").await;
    let fields = [("grant_type", "password"), ("username", "ines"), ("password", password.as_str())];
    let log_in = async || gateway.send(&ask_token(&merchant, &fields)).await.expect_status(200).text("/refresh_token");
    let first = log_in().await;
    let ask = |token: &str| ask_token(&merchant, &[("grant_type", "refresh_token"), ("refresh_token", token)]);
    let stranger = crate::ground::insert_merchant(&gateway, engine, "Stranger").await;
    let foreign = ask_token(&stranger, &[("grant_type", "refresh_token"), ("refresh_token", &first)]);
    let next = {
        let refused_one = row("10npay B6: another merchant's refresh token", foreign, refused(400, "invalid_grant"));
        check(engine, gateway.client(), &[refused_one]).await;
        gateway.send(&ask(&first)).await.expect_status(200)
    };
    let second = next.text("/refresh_token");
    assert_ne!(first, second);
    let status = gateway.send(&ask_status(1).bearer(&next.text("/access_token"))).await;
    assert_eq!(status.status, 404, "a good token: {status:?}");
    count_case(engine, "10npay B2: a refresh token");
    let customer = gateway.sign_in("mira@example.com").await;
    let narrowed = log_in().await;
    let to_users = [("grant_type", "refresh_token"), ("refresh_token", narrowed.as_str()), ("scope", "users")];
    check(
        engine,
        gateway.client(),
        &[
            row(
                "10npay B2, B4: a narrower scope brings no further refresh token",
                ask_token(&merchant, &to_users),
                good("users").nothing_at("/refresh_token"),
            ),
            row("10npay B5: and spends the old one", ask(&narrowed), refused(400, "invalid_grant")),
            row("10npay B5: a customer's refresh token", ask(&customer.refresh_token), refused(400, "invalid_grant")),
            row("10npay B5: a refresh token twice", ask(&first), refused(400, "invalid_grant")),
            row("10npay B5: which ends the one behind it", ask(&second), refused(400, "invalid_grant")),
            row(
                "10npay B5: no refresh token",
                ask_token(&merchant, &[("grant_type", "refresh_token")]),
                refused(400, "invalid_request"),
            ),
        ],
    )
    .await;
}

async fn tokens_of_other_doors(engine: Engine) {
    let door = Door::open(engine).await;
    let customer = door.gateway.sign_in("mira@example.com").await;
    let user = door.create("nora@example.com").await;
    let create = door.new_user("olga@example.com");
    let mut spoilt = door.token.clone();
    let place = spoilt.len() - 6..spoilt.len() - 5;
    let other = if &spoilt[place.clone()] == "A" { "B" } else { "A" };
    spoilt.replace_range(place, other);
    check(
        engine,
        door.gateway.client(),
        &[
            row("10npay B7: a customer's token, create", create.bearer(&customer.access_token), unauthorized(true)),
            row(
                "10npay B7: a customer's token, send",
                send_code(user.id, &user.email).bearer(&customer.access_token),
                unauthorized(true),
            ),
            row(
                "10npay B7: a customer's token, confirm",
                confirm_code(user.id, &user.mail.code).bearer(&customer.access_token),
                unauthorized(true),
            ),
            row(
                "10npay B7: a customer's token, status",
                ask_status(user.id).bearer(&customer.access_token),
                unauthorized(true),
            ),
            row("10npay B7: another signature", ask_status(user.id).bearer(&spoilt), unauthorized(true)),
            row(
                "10npay B7: another scheme",
                ask_status(user.id).header("Authorization", "Basic eDp5"),
                unauthorized(false),
            ),
            row(
                "10npay B7: a merchant's token is no customer's",
                Request::get("/customers").bearer(&door.token),
                Expected::error(401, "001", "Invalid access token."),
            ),
            row("10npay B8: a bad body without a token", post_text("/User", "{"), unauthorized(false)),
            row(
                "10npay B8: a body of another type without a token",
                post_text("/User/email/confirm", "<x/>").header("Content-Type", "application/xml"),
                unauthorized(false),
            ),
        ],
    )
    .await;
}

async fn a_merchant_that_is_disabled(engine: Engine) {
    let door = Door::open(engine).await;
    let user = door.create("mira@example.com").await;
    let listed = command(&door.gateway, engine, &["merchants", "list"]).await;
    assert!(listed.contains("Harbour Toys") && !listed.contains(&door.merchant.secret), "{listed}");
    command(&door.gateway, engine, &["merchants", "disable", "Harbour Toys"]).await;
    check(
        engine,
        door.gateway.client(),
        &[
            row("10npay B7: a token of a merchant who is disabled", door.own(ask_status(user.id)), unauthorized(true)),
            row(
                "10npay B5: a client who is disabled",
                ask_token(&door.merchant, &[GRANT]),
                refused(400, "invalid_client"),
            ),
        ],
    )
    .await;
    let again = Gateway::on(engine).database(&door.gateway.database());
    let finished = again.run(&["merchants", "create", "--name", "Harbour Toys", "--json"]).await;
    assert_eq!(finished.code, Some(1), "a name is had once: {}", finished.output);
}

async fn switched_off(engine: Engine) {
    let gateway = settings(engine).set("VESTIBULE__DIALECTS__TENPAY", "false").start().await;
    for request in [
        post_text("/User", "{}"),
        post_text("/api/v1/User", "{}"),
        post_text("/User/email/confirm", "{}"),
        ask_status(1),
        Request::form("/connect/token", &[GRANT]),
    ] {
        let answer = gateway.send(&request.header("Accept", "*/*")).await.expect_status(404);
        let media_type = answer.header("Content-Type").unwrap_or_default();
        assert!(media_type.starts_with("application/vnd.api+json"), "{answer:?}");
    }
    count_case(engine, "10npay G1: a door that is switched off leaves its paths to others");
}

async fn secrets(engine: Engine) {
    let door = Door::open(engine).await;
    let user = door.create("mira@example.com").await;
    let password = insert_operator(&door.gateway, engine, "Harbour Toys", "ines").await;
    let fields = [("grant_type", "password"), ("username", "ines"), ("password", password.as_str())];
    let refresh = door.gateway.send(&ask_token(&door.merchant, &fields)).await.text("/refresh_token");
    door.send(confirm_code(user.id, &crate::ground::other_than(&user.mail.code))).await.expect_status(400);
    let log = door.gateway.log();
    // Bytes are shown as hex digits, in capitals or not.
    let dump = door.gateway.database().dump().to_lowercase();
    assert!(dump.contains(&hex::encode(Sha256::digest(&door.merchant.secret))), "what is there is found: {dump}");
    for secret in [&door.merchant.secret, &door.token, &password, &refresh] {
        assert!(!log.contains(secret.as_str()), "in the log");
        for form in [secret.to_lowercase(), hex::encode(secret)] {
            assert!(!dump.contains(&form), "in the tables");
        }
        for (path, content) in door.gateway.files() {
            let found = content.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "in {}", path.display());
        }
    }
    // Six digits stand anywhere by chance, within longer numbers and digests: here they would be a word.
    let code = user.mail.code.as_str();
    for (place, content) in [("the tables", &dump), ("the log", &log)] {
        let mut words = content.split(|character: char| !character.is_ascii_alphanumeric());
        assert!(!words.any(|word| word == code), "the code {code} lies in {place}: {content}");
    }
    for unkeyed in [hex::encode(code), hex::encode(Sha256::digest(code))] {
        assert!(!dump.contains(&unkeyed), "what the code can be guessed from lies in the tables: {dump}");
    }
    assert!(!log.contains(&user.email), "{log}");
    count_case(engine, "10npay B9, K5: secrets are stored as digests and never logged");
}
