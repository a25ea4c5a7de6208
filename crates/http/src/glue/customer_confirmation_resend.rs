//! `customer-confirmation-resend`: a new link for whoever lost the first. Says nothing about who has an account.

use crate::constraints::Constraint::{Email, MaxLength, NotBlank};
use crate::constraints::Field;
use crate::declaration::{Access, Answer, Call, Declaration, Operation, Pending, Success, Verb};
use crate::errors::Refusal;

/// The resource.
pub(super) static CUSTOMER_CONFIRMATION_RESEND: Declaration = Declaration {
    kind: "customer-confirmation-resend",
    parents: &[],
    summary: "Another confirmation link",
    attributes: &[],
    relationships: &[],
    example_id: None,
    shows: None,
    operations: &[Operation {
        verb: Verb::Post,
        summary: "Have the confirmation link sent again, if there is anything to confirm",
        fields: &[Field::required("email", &[NotBlank, Email, MaxLength(255)]).example("\"mira.olsen@example.com\"")],
        refusals: &[],
        answers: Success::NoContent,
        access: Access::Public(resend),
    }],
};

fn resend(mut call: Call<'_>) -> Pending<'_, Result<Answer, Refusal>> {
    Box::pin(async move {
        let email = call.input.text("email").unwrap_or_default();
        call.context.application.resend_confirmation(&email).await?;
        Ok(Answer::NoContent)
    })
}
