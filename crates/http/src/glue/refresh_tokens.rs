//! `refresh-tokens`: stay logged in, log out.

use application::Caller;
use domain::RefreshToken;

use super::access_tokens::{list_none, token_attributes};
use crate::constraints::Constraint::{NotBlank, Text};
use crate::constraints::Field;
use crate::declaration::{Access, Answer, Call, Declaration, Operation, Ownership, Pending, Verb};
use crate::errors::Refusal;

/// The id that stands for all of the caller's.
const MINE: &str = "mine";

/// The resource.
pub(super) static REFRESH_TOKENS: Declaration = Declaration {
    kind: "refresh-tokens",
    parents: &[],
    operations: &[
        Operation { verb: Verb::Get, fields: &[], access: Access::Public(list_none) },
        Operation {
            verb: Verb::Post,
            fields: &[Field::required("refreshToken", &[NotBlank, Text])],
            access: Access::Public(refresh),
        },
        Operation {
            verb: Verb::Delete,
            fields: &[],
            access: Access::Token { ownership: Ownership::Any, handler: revoke },
        },
    ],
};

fn refresh(mut call: Call<'_>) -> Pending<'_, Result<Answer, Refusal>> {
    Box::pin(async move {
        let token = call.input.text("refreshToken").unwrap_or_default();
        let pair = call.context.application.refresh(&token).await?;
        Ok(Answer::Created(call.resource(None, token_attributes(&pair))))
    })
}

/// Done, whatever the token: whether there is such a one, and whose, is not told.
#[expect(clippy::needless_pass_by_value, reason = "all handlers are called alike")]
fn revoke(call: Call<'_>, caller: Caller) -> Pending<'_, Result<Answer, Refusal>> {
    Box::pin(async move {
        let application = &call.context.application;
        match call.id.unwrap_or_default() {
            MINE => application.revoke_all(&caller).await?,
            token if token.len() > RefreshToken::MAX_CHARACTERS => (),
            token => application.revoke(&caller, token).await?,
        }
        Ok(Answer::NoContent)
    })
}
