//! `customer-forgotten-password`: a link to set a new password. Says nothing about who has an account.

use crate::constraints::Constraint::{Email, MaxLength, NotBlank};
use crate::constraints::Field;
use crate::declaration::{Access, Answer, Call, Declaration, Operation, Pending, Success, Verb};
use crate::errors::Refusal;

/// The resource.
pub(super) static CUSTOMER_FORGOTTEN_PASSWORD: Declaration = Declaration {
    kind: "customer-forgotten-password",
    parents: &[],
    summary: "Links to set a new password",
    attributes: &[],
    relationships: &[],
    example_id: None,
    shows: None,
    operations: &[Operation {
        verb: Verb::Post,
        summary: "Have a link to set a new password sent, if there is such an account",
        fields: &[Field::required("email", &[NotBlank, Email, MaxLength(255)]).example("\"mira.olsen@example.com\"")],
        refusals: &[],
        answers: Success::NoContent,
        access: Access::Public(forget),
    }],
};

fn forget(mut call: Call<'_>) -> Pending<'_, Result<Answer, Refusal>> {
    Box::pin(async move {
        let email = call.input.text("email").unwrap_or_default();
        call.context.application.request_restore(&email).await?;
        Ok(Answer::NoContent)
    })
}
