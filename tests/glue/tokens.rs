//! Sections 6.1 to 6.4: tokens.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use testkit::{Engine, Expected, Gateway, PASSWORD, Request, Session, check, log_in, on_both_databases, refresh, row};

use crate::messages::{not_logged_in, not_refreshed};
use crate::shop::{BASE, Shop, settings};

on_both_databases! {
    tables: [logging_in, refreshing, revoking, oauth]
    scenarios: [
        claims_of_an_access_token, a_refresh_token_works_once, a_reused_refresh_token_revokes_its_family,
        a_refresh_token_expires, all_of_a_callers_refresh_tokens, an_answer_of_the_token_endpoint,
        one_of_many_refreshes_of_one_token_wins,
    ]
}

async fn logging_in(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    gateway.register("open@example.com").await;
    let good = || {
        Expected::data(201)
            .at("/data/type", "access-tokens")
            .at("/data/id", Value::Null)
            .at("/data/attributes/tokenType", "Bearer")
            .at("/data/attributes/expiresIn", 28800)
            .at("/data/attributes/idCompanyUser", Value::Null)
            .at("/data/links/self", format!("{BASE}/access-tokens"))
            .no_header("Location")
    };
    check(
        engine,
        gateway.client(),
        &[
            row("6.1 a confirmed customer", log_in(&session.email, PASSWORD), good()),
            row("6.1 the case of an address does not count", log_in("MIRA.Olsen@example.com", PASSWORD), good()),
            row("6.1 a wrong password", log_in(&session.email, "Another-2nd-Door!"), not_logged_in()),
            row("6.1 the case of a password counts", log_in(&session.email, &PASSWORD.to_uppercase()), not_logged_in()),
            row("6.1 a blank behind the password", log_in(&session.email, &format!("{PASSWORD} ")), not_logged_in()),
            row("6.1 an unknown user", log_in("nobody@example.com", PASSWORD), not_logged_in()),
            row("6.1 what passes and is no address", log_in("a..b@example.com", PASSWORD), not_logged_in()),
            row("6.1 unconfirmed", log_in("open@example.com", PASSWORD), not_logged_in()),
            row("6.1 no policy at a login", log_in(&session.email, "x"), not_logged_in()),
            row(
                "6.1 both headers",
                log_in(&session.email, PASSWORD)
                    .bearer(&session.access_token)
                    .header("X-Anonymous-Customer-Unique-Id", "guest"),
                Expected::error(
                    400,
                    "005",
                    "Headers request error. A user can't act as logged and not logged user at the same time.",
                ),
            ),
            row(
                "6.1 a bad header on this public call",
                log_in(&session.email, PASSWORD).bearer("x"),
                Expected::error(401, "001", "Invalid access token."),
            ),
            row(
                "6.1 a good one is no hindrance",
                log_in(&session.email, PASSWORD).bearer(&session.access_token),
                good(),
            ),
            row(
                "6.1 none of them can be read",
                Request::get("/access-tokens/anything"),
                Expected::generic(404, "Not Found"),
            ),
            row(
                "6.1 the collection of them",
                Request::get("/access-tokens"),
                Expected::data(200).at("/data", json!([])).at("/links/self", format!("{BASE}/access-tokens")),
            ),
        ],
    )
    .await;
}

async fn claims_of_an_access_token(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let parts: Vec<&str> = session.access_token.split('.').collect();
    let decode = |part: &str| serde_json::from_slice::<Value>(&BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    let (header, claims) = (decode(parts[0]), decode(parts[1]));
    assert_eq!((&header["typ"], &header["alg"]), (&json!("JWT"), &json!("RS256")), "6.2 the header");
    let names: Vec<&String> = claims.as_object().unwrap().keys().collect();
    assert_eq!(names, ["aud", "jti", "iat", "nbf", "exp", "sub", "scopes"], "6.2 the claims");
    assert_eq!(claims["aud"], "frontend");
    assert_eq!(claims["scopes"], json!(["customer"]));
    let id = claims["jti"].as_str().unwrap();
    assert!(id.len() == 80 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "6.2 jti: {id}");
    let times: Vec<u64> = ["iat", "nbf", "exp"].iter().map(|name| claims[name].as_u64().unwrap()).collect();
    assert_eq!((times[1] - times[0], times[2] - times[0]), (0, 28_800), "6.2 the lifetime");
    let subject =
        r#"{"id_company_user":null,"id_agent":null,"customer_reference":"DE--1","id_customer":1,"permissions":null}"#;
    assert_eq!(claims["sub"], subject, "6.2 the subject is a document in a text");

    let keys = gateway.send(&Request::get("/.well-known/jwks.json")).await.expect_status(200).json();
    let published = keys["keys"].as_array().unwrap().iter().any(|key| key["kid"] == header["kid"]);
    assert!(published && header["kid"].is_string(), "{header} is not among {keys}");
}

async fn refreshing(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    check(
        engine,
        gateway.client(),
        &[
            row("6.3 garbage", refresh("x"), not_refreshed()),
            row("6.3 a very long one", refresh(&"def50200".repeat(500)), not_refreshed()),
            row("6.3 an access token", refresh(&session.access_token), not_refreshed()),
            row(
                "6.3 a bad header on this public call",
                refresh(&session.refresh_token).bearer("x"),
                Expected::error(401, "001", "Invalid access token."),
            ),
            row(
                "6.3 a good one",
                refresh(&session.refresh_token),
                Expected::data(201)
                    .at("/data/type", "refresh-tokens")
                    .at("/data/id", Value::Null)
                    .at("/data/attributes/tokenType", "Bearer")
                    .at("/data/attributes/expiresIn", 28800)
                    .at("/data/links/self", format!("{BASE}/refresh-tokens"))
                    .no_header("Location"),
            ),
            row("6.3 used already", refresh(&session.refresh_token), not_refreshed()),
            row(
                "6.3 none of them can be read",
                Request::get("/refresh-tokens/anything"),
                Expected::generic(404, "Not Found"),
            ),
            row(
                "6.3 the collection of them",
                Request::get("/refresh-tokens"),
                Expected::data(200).at("/data", json!([])).at("/links/self", format!("{BASE}/refresh-tokens")),
            ),
        ],
    )
    .await;
}

async fn refreshed(gateway: &Gateway, token: &str) -> Option<String> {
    let answer = gateway.send(&refresh(token)).await;
    if answer.status == 201 {
        return Some(answer.text("/data/attributes/refreshToken"));
    }
    let problems = not_refreshed().problems(&answer);
    assert!(problems.is_empty(), "{problems:?}");
    None
}

async fn a_refresh_token_works_once(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let answer = gateway.send(&refresh(&session.refresh_token)).await.expect_status(201);
    let names: Vec<String> =
        answer.json().pointer("/data/attributes").unwrap().as_object().unwrap().keys().cloned().collect();
    assert_eq!(names, ["tokenType", "expiresIn", "accessToken", "refreshToken"], "6.3 the attributes");
    let (access, next) = (answer.text("/data/attributes/accessToken"), answer.text("/data/attributes/refreshToken"));
    assert_ne!(next, session.refresh_token);
    gateway.send(&Request::get("/customers").bearer(&access)).await.expect_status(200);
    assert!(refreshed(&gateway, &next).await.is_some());
}

async fn a_reused_refresh_token_revokes_its_family(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let untouched = gateway.login(&session.email).await;
    let next = refreshed(&gateway, &session.refresh_token).await.unwrap();
    assert_eq!(refreshed(&gateway, &session.refresh_token).await, None, "used already");
    assert_eq!(refreshed(&gateway, &next).await, None, "whoever holds the next may be the thief");
    assert!(refreshed(&gateway, &untouched.refresh_token).await.is_some(), "another log-in is another family");
}

async fn one_of_many_refreshes_of_one_token_wins(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let answers = futures_util::future::join_all((0..16).map(|_| refreshed(&gateway, &session.refresh_token))).await;
    assert_eq!(answers.iter().flatten().count(), 1);
}

async fn a_refresh_token_expires(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    gateway.advance(27 * 86_400).await;
    let next = refreshed(&gateway, &session.refresh_token).await.unwrap();
    gateway.advance(32 * 86_400).await;
    assert_eq!(refreshed(&gateway, &next).await, None);
}

async fn revoking(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let other = gateway.sign_in("other@example.com").await;
    let revoke = |token: &str, caller: &Session| {
        Request::delete(&format!("/refresh-tokens/{token}")).bearer(&caller.access_token)
    };
    let gone = Expected::no_content;
    check(
        engine,
        gateway.client(),
        &[
            row(
                "6.3 DELETE without a token",
                Request::delete("/refresh-tokens/mine"),
                Expected::error(403, "002", "Missing access token."),
            ),
            row(
                "6.3 DELETE with a bad token",
                Request::delete("/refresh-tokens/mine").bearer("x"),
                Expected::error(401, "001", "Invalid access token."),
            ),
            row(
                "6.3 DELETE without an id",
                Request::delete("/refresh-tokens").bearer(&session.access_token),
                Expected::generic(400, "Resource id is not specified."),
            ),
            row("6.3 DELETE of an unknown one", revoke("x", &session), gone()),
            row("6.3 DELETE of a very long one", revoke(&"def50200".repeat(375), &session), gone()),
            row("6.3 DELETE of another's", revoke(&other.refresh_token, &session), gone()),
            row("6.3 which stays usable", refresh(&other.refresh_token), Expected::data(201)),
            row("6.3 DELETE of one's own", revoke(&session.refresh_token, &session), gone()),
            row("6.3 which is of no use then", refresh(&session.refresh_token), not_refreshed()),
            row("6.3 DELETE of it again", revoke(&session.refresh_token, &session), gone()),
            row(
                "6.2 an access token lives on",
                Request::get("/customers").bearer(&session.access_token),
                Expected::data(200).at("/data/0/id", session.reference.as_str()),
            ),
        ],
    )
    .await;
}

async fn all_of_a_callers_refresh_tokens(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let second = gateway.login(&session.email).await;
    let other = gateway.sign_in("other@example.com").await;
    let answer = gateway.send(&Request::delete("/refresh-tokens/mine").bearer(&session.access_token)).await;
    assert_eq!(answer.status, 204, "{answer:?}");
    for (token, usable) in [(session.refresh_token, false), (second.refresh_token, false), (other.refresh_token, true)]
    {
        assert_eq!(refreshed(&gateway, &token).await.is_some(), usable);
    }
}

const INVALID_GRANT: &str = "The provided authorization grant (e.g., authorization code, resource owner credentials) or refresh \
                             token is invalid, expired, revoked, does not match the redirection URI used in the authorization \
                             request, or was issued to another client.";
const INVALID_REQUEST: &str = "The request is missing a required parameter, includes an invalid parameter value, includes a \
                               parameter more than once, or is otherwise malformed.";
const WRONG_USER: &str = "The user credentials were incorrect.";
const WRONG_TOKEN: &str = "The refresh token is invalid.";

async fn oauth(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    gateway.register("open@example.com").await;
    let email = session.email.as_str();
    let ask = |fields: &[(&str, &str)]| Request::form("/token", fields);
    let password = |username: &str, password: &str| {
        ask(&[("grant_type", "password"), ("username", username), ("password", password)])
    };
    let token = |token: &str| ask(&[("grant_type", "refresh_token"), ("refresh_token", token)]);
    let refused = |status: u16, error: &str, description: &str| {
        Expected::other(status)
            .header("Content-Type", "application/json")
            .at("", json!({ "error": error, "error_description": description }))
    };
    let good = || {
        Expected::other(200)
            .header("Content-Type", "application/json")
            .at("/token_type", "Bearer")
            .at("/expires_in", 28800)
    };
    let invalid_request = || refused(400, "invalid_request", INVALID_REQUEST);
    check(
        engine,
        gateway.client(),
        &[
            row("6.4 a password", password(email, PASSWORD), good()),
            row("6.4 the case of an address does not count", password("MIRA.OLSEN@EXAMPLE.COM", PASSWORD), good()),
            row(
                "6.4 no grant type",
                ask(&[("username", email), ("password", PASSWORD)]),
                refused(400, "invalid_grant", INVALID_GRANT),
            ),
            row(
                "6.4 another grant type",
                ask(&[("grant_type", "client_credentials")]),
                refused(400, "invalid_grant", INVALID_GRANT),
            ),
            row("6.4 nothing at all", ask(&[]), refused(400, "invalid_grant", INVALID_GRANT)),
            row("6.4 a wrong password", password(email, "wrong"), refused(400, "invalid_grant", WRONG_USER)),
            row(
                "6.4 an unknown user",
                password("nobody@example.com", PASSWORD),
                refused(400, "invalid_grant", WRONG_USER),
            ),
            row("6.4 a user that is no address", password("mira", PASSWORD), refused(400, "invalid_grant", WRONG_USER)),
            row("6.4 unconfirmed", password("open@example.com", PASSWORD), refused(400, "invalid_grant", WRONG_USER)),
            row("6.4 no user", ask(&[("grant_type", "password"), ("password", PASSWORD)]), invalid_request()),
            row("6.4 no refresh token", ask(&[("grant_type", "refresh_token")]), invalid_request()),
            row("6.4 no password", ask(&[("grant_type", "password"), ("username", email)]), invalid_request()),
            row("6.4 a bad refresh token", token("x"), refused(400, "invalid_request", WRONG_TOKEN)),
            row(
                "6.4 an access token is none",
                token(&session.access_token),
                refused(400, "invalid_request", WRONG_TOKEN),
            ),
            row("6.4 a refresh token", token(&session.refresh_token), good()),
            row("6.4 used already", token(&session.refresh_token), refused(400, "invalid_request", WRONG_TOKEN)),
            row(
                "6.4 a bad Authorization header",
                password(email, PASSWORD).bearer("x"),
                refused(401, "invalid_request", "Invalid access token."),
            ),
            row("6.4 a good one is no hindrance", password(email, PASSWORD).bearer(&session.access_token), good()),
            row(
                "6.4 the pipeline does not apply: both headers",
                password(email, PASSWORD)
                    .bearer(&session.access_token)
                    .header("X-Anonymous-Customer-Unique-Id", "guest"),
                good(),
            ),
            row(
                "6.4 the pipeline does not apply: JSON is no form",
                Request::post("/token", &json!({ "grant_type": "password", "username": email, "password": PASSWORD })),
                refused(400, "invalid_grant", INVALID_GRANT),
            ),
            row(
                "6.4 a field twice",
                ask(&[("grant_type", "password"), ("username", email), ("username", "x"), ("password", PASSWORD)]),
                invalid_request(),
            ),
            row("1.3 GET /token", Request::get("/token"), Expected::generic(404, "Not Found")),
        ],
    )
    .await;
}

async fn an_answer_of_the_token_endpoint(engine: Engine) {
    let gateway = settings(engine).start().await;
    let session = gateway.sign_in("mira@example.com").await;
    let fields = [("grant_type", "password"), ("username", session.email.as_str()), ("password", PASSWORD)];
    let answer = gateway.send(&Request::form("/token", &fields)).await.expect_status(200);
    let names: Vec<String> = answer.json().as_object().unwrap().keys().cloned().collect();
    assert_eq!(names, ["access_token", "token_type", "expires_in", "refresh_token"], "6.4 the members");
    gateway
        .send(&Request::get("/customers").bearer(&answer.text("/access_token")))
        .await
        .expect_status(200)
        .text("/data/0/id");
    assert!(
        refreshed(&gateway, &answer.text("/refresh_token")).await.is_some(),
        "one kind of refresh token for both doors"
    );
}
