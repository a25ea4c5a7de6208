//! `refresh-tokens`: stay logged in, log out.

use application::Caller;
use domain::RefreshToken;

use super::access_tokens::{LIST_NONE, TOKEN_ATTRIBUTES, token_attributes};
use crate::constraints::Constraint::{NotBlank, Text};
use crate::constraints::Field;
use crate::declaration::{Access, Answer, Call, Declaration, Operation, Ownership, Pending, Success, Verb};
use crate::errors::{Code, Refusal};

/// The id that stands for all of the caller's.
const MINE: &str = "mine";

/// The resource.
pub(super) static REFRESH_TOKENS: Declaration = Declaration {
    kind: "refresh-tokens",
    parents: &[],
    summary: "Sessions",
    attributes: &TOKEN_ATTRIBUTES,
    relationships: &[],
    example_id: None,
    shows: None,
    operations: &[
        LIST_NONE,
        Operation {
            verb: Verb::Post,
            summary: "Stay logged in: exchange a refresh token for new tokens",
            fields: &[Field::required("refreshToken", &[NotBlank, Text]).example("\"Zk3mT0Yw6nq1\"")],
            refusals: &[Code::RefreshFailed],
            answers: Success::Created,
            access: Access::Public(refresh),
        },
        Operation {
            verb: Verb::Delete,
            summary: "Log out: end one session, or all of one's own with the id `mine`",
            fields: &[],
            refusals: &[],
            answers: Success::NoContent,
            access: Access::Token { ownership: Ownership::Any, handler: revoke },
        },
    ],
};

fn refresh(mut call: Call<'_>) -> Pending<'_, Result<Answer, Refusal>> {
    Box::pin(async move {
        let token = call.input.text("refreshToken").unwrap_or_default();
        let pair = call.context.application.refresh(&token).await?;
        Ok(Answer::Created(call.fleeting(pair.refresh_token.expose(), token_attributes(&pair))))
    })
}

/// Done, whatever the token: whether there is such a one, and whose, is not told.
fn revoke(call: Call<'_>, caller: Caller) -> Pending<'_, Result<Answer, Refusal>> {
    Box::pin(async move {
        let application = &call.context.application;
        match call.id().unwrap_or_default() {
            MINE => application.revoke_all(&caller).await?,
            token if token.len() > RefreshToken::MAX_CHARACTERS => (),
            token => application.revoke(&caller, token).await?,
        }
        Ok(Answer::NoContent)
    })
}
