//! `customer-confirmation`: the second door.

use crate::constraints::Constraint::{NotBlank, Text};
use crate::constraints::Field;
use crate::declaration::{Access, Answer, Call, Declaration, Operation, Pending, Success, Verb};
use crate::errors::{Code, Refusal};

/// The resource.
pub(super) static CUSTOMER_CONFIRMATION: Declaration = Declaration {
    kind: "customer-confirmation",
    parents: &[],
    summary: "Proof that a mailbox is the customer's",
    attributes: &[],
    relationships: &[],
    example_id: None,
    shows: None,
    operations: &[Operation {
        verb: Verb::Post,
        summary: "Confirm an address with the key that was mailed to it",
        fields: &[Field::required("registrationKey", &[NotBlank, Text]).example("\"QW7eHkRM2Tn0YzJ5dXc4bA\"")],
        refusals: &[Code::ConfirmationRefused],
        answers: Success::NoContent,
        access: Access::Public(confirm),
    }],
};

fn confirm(mut call: Call<'_>) -> Pending<'_, Result<Answer, Refusal>> {
    Box::pin(async move {
        let key = call.input.text("registrationKey").unwrap_or_default();
        call.context.application.confirm(&key).await?;
        Ok(Answer::NoContent)
    })
}
