//! `access-tokens`: log in.

use application::{Login, TokenPair};
use serde_json::{Value, json};

use crate::constraints::Constraint::{Email, NotBlank, Text};
use crate::constraints::Field;
use crate::declaration::{Access, Answer, Attribute, Call, Declaration, Operation, Pending, Shape, Success, Verb};
use crate::errors::{Code, Refusal};

/// The resource.
pub(super) static ACCESS_TOKENS: Declaration = Declaration {
    kind: "access-tokens",
    parents: &[],
    summary: "Logins",
    attributes: &[
        TOKEN_ATTRIBUTES[0],
        TOKEN_ATTRIBUTES[1],
        TOKEN_ATTRIBUTES[2],
        TOKEN_ATTRIBUTES[3],
        Attribute::nullable("idCompanyUser", Shape::Null, "null"),
    ],
    relationships: &[],
    example_id: None,
    shows: None,
    operations: &[
        LIST_NONE,
        Operation {
            verb: Verb::Post,
            summary: "Log in",
            fields: &[
                Field::required("username", &[NotBlank, Email]).example("\"mira.olsen@example.com\""),
                Field::required("password", &[NotBlank, Text]).example("\"Quiet-harbour-26\""),
            ],
            refusals: &[Code::LoginLocked, Code::AuthenticationFailed],
            answers: Success::Created,
            access: Access::Login { username: "username", handler: log_in },
        },
    ],
};

fn log_in(mut call: Call<'_>) -> Pending<'_, Result<Answer, Refusal>> {
    Box::pin(async move {
        let username = call.input.text("username").unwrap_or_default();
        let password = call.input.password("password");
        let application = &call.context.application;
        let login = Login { username: &username, password: &password, client: call.client, guest: call.guest };
        let pair = application
            .authenticate(login)
            .await
            .map_err(|error| Refusal::of_login(error, call.locale, application.login_block_minutes()))?;
        let mut attributes = token_attributes(&pair);
        attributes.push(("idCompanyUser", Value::Null));
        Ok(Answer::Created(call.fleeting(&pair.access_token, attributes)))
    })
}

/// What both kinds of tokens show, for the API's description.
pub(super) const TOKEN_ATTRIBUTES: [Attribute; 4] = [
    Attribute::new("tokenType", Shape::Choice(&["Bearer"]), "\"Bearer\""),
    Attribute::new("expiresIn", Shape::Integer, "1800"),
    Attribute::new("accessToken", Shape::Text, "\"eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIzNSJ9.c2ln\""),
    Attribute::new("refreshToken", Shape::Text, "\"Zk3mT0Yw6nq1\""),
];

/// What both kinds of tokens show.
pub(super) fn token_attributes(pair: &TokenPair) -> Vec<(&'static str, Value)> {
    vec![
        ("tokenType", json!("Bearer")),
        ("expiresIn", json!(pair.expires_in_seconds)),
        ("accessToken", json!(pair.access_token)),
        ("refreshToken", json!(pair.refresh_token.expose())),
    ]
}

/// Lists what is always empty.
pub(super) const LIST_NONE: Operation = Operation {
    verb: Verb::Get,
    summary: "List nothing: tokens are handed out and not kept",
    fields: &[],
    refusals: &[],
    answers: Success::Many,
    access: Access::Public(list_none),
};

/// Tokens are handed out and not kept: the collection exists, and nothing is in it.
#[expect(clippy::needless_pass_by_value, reason = "all handlers are called alike")]
fn list_none(call: Call<'_>) -> Pending<'_, Result<Answer, Refusal>> {
    let answer = if call.id().is_some() { Err(Code::NotFound.into()) } else { Ok(Answer::Many(Vec::new())) };
    Box::pin(async { answer })
}
