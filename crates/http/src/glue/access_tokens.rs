//! `access-tokens`: log in.

use application::TokenPair;
use serde_json::{Value, json};

use crate::constraints::Constraint::{Email, NotBlank, Text};
use crate::constraints::Field;
use crate::declaration::{Access, Answer, Call, Declaration, Operation, Pending, Verb};
use crate::errors::{Code, Refusal};

/// The resource.
pub(super) static ACCESS_TOKENS: Declaration = Declaration {
    kind: "access-tokens",
    parents: &[],
    operations: &[
        Operation { verb: Verb::Get, fields: &[], access: Access::Public(list_none) },
        Operation {
            verb: Verb::Post,
            fields: &[Field::required("username", &[NotBlank, Email]), Field::required("password", &[NotBlank, Text])],
            access: Access::Public(log_in),
        },
    ],
};

fn log_in(mut call: Call<'_>) -> Pending<'_, Result<Answer, Refusal>> {
    Box::pin(async move {
        let username = call.input.text("username").unwrap_or_default();
        let password = call.input.password("password");
        let pair = call.context.application.authenticate(&username, &password).await?;
        let mut attributes = token_attributes(&pair);
        attributes.push(("idCompanyUser", Value::Null));
        Ok(Answer::Created(call.resource(None, attributes)))
    })
}

/// What both kinds of tokens show.
pub(super) fn token_attributes(pair: &TokenPair) -> Vec<(&'static str, Value)> {
    vec![
        ("tokenType", json!("Bearer")),
        ("expiresIn", json!(pair.expires_in_seconds)),
        ("accessToken", json!(pair.access_token)),
        ("refreshToken", json!(pair.refresh_token.expose())),
    ]
}

/// Tokens are handed out and not kept: the collection exists, and nothing is in it.
#[expect(clippy::needless_pass_by_value, reason = "all handlers are called alike")]
pub(super) fn list_none(call: Call<'_>) -> Pending<'_, Result<Answer, Refusal>> {
    let answer = if call.id.is_some() { Err(Code::NotFound.into()) } else { Ok(Answer::Many(Vec::new())) };
    Box::pin(async { answer })
}
