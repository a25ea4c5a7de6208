//! `customer-confirmation`: the second door.

use crate::constraints::Constraint::{NotBlank, Text};
use crate::constraints::Field;
use crate::declaration::{Access, Answer, Call, Declaration, Operation, Pending, Verb};
use crate::errors::Refusal;

/// The resource.
pub(super) static CUSTOMER_CONFIRMATION: Declaration = Declaration {
    kind: "customer-confirmation",
    parents: &[],
    operations: &[Operation {
        verb: Verb::Post,
        fields: &[Field::required("registrationKey", &[NotBlank, Text])],
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
