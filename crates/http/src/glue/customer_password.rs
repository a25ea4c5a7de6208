//! `customer-password`: a new password for whoever knows the current one.

use application::{Caller, ChangePasswordForm};

use super::customers::{PASSWORD, PASSWORD_AGAIN};
use crate::constraints::Constraint::{NotBlank, Text};
use crate::constraints::Field;
use crate::declaration::{Access, Answer, Call, Declaration, Operation, Ownership, Pending, Success, Verb};
use crate::errors::{Code, Refusal};

/// The resource. Whose it is, is asked behind the fields.
pub(super) static CUSTOMER_PASSWORD: Declaration = Declaration {
    kind: "customer-password",
    parents: &[],
    summary: "Passwords of customers",
    attributes: &[],
    relationships: &[],
    example_id: None,
    shows: None,
    operations: &[Operation {
        verb: Verb::Patch,
        summary: "Change one's own password; the id is that of the customer",
        fields: FIELDS,
        refusals: &[
            Code::CustomerNotFound,
            Code::Unauthorized,
            Code::NewPasswordsDiffer,
            Code::WrongPassword,
            Code::PasswordCommon,
            Code::PasswordTooShort,
            Code::PasswordTooLong,
            Code::PasswordRepetition,
            Code::PasswordCharacterSet,
            Code::PasswordNotChanged,
        ],
        answers: Success::NoContent,
        access: Access::Token { ownership: Ownership::Any, handler: change },
    }],
};

const FIELDS: &[Field] = &[
    Field::required("password", &[NotBlank, Text]).example("\"Quiet-harbour-26\""),
    Field::required("newPassword", PASSWORD).example("\"Windy-harbour-27\""),
    Field::required("confirmPassword", PASSWORD_AGAIN).example("\"Windy-harbour-27\""),
];

fn change(mut call: Call<'_>, caller: Caller) -> Pending<'_, Result<Answer, Refusal>> {
    Box::pin(async move {
        let form = ChangePasswordForm {
            password: call.input.password("password"),
            new_password: call.input.password("newPassword"),
            confirm_password: call.input.password("confirmPassword"),
        };
        let Call { context, .. } = &call;
        let reference = call.id().unwrap_or_default();
        context.application.change_password(&caller, reference, form, &context.password_policy).await?;
        Ok(Answer::NoContent)
    })
}
