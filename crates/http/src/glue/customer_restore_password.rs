//! `customer-restore-password`: a new password for whoever holds the key from a mail.

use application::RestoreForm;

use super::customers::PASSWORD_AGAIN;
use crate::constraints::Constraint::{FourClassesOnRestore, MaxLength, MinLength, NotBlank, NotLeaked, Text};
use crate::constraints::Field;
use crate::declaration::{Access, Answer, Call, Declaration, Operation, Pending, Success, Verb};
use crate::errors::{Code, Refusal};

/// The resource. The id in its path must be there and means nothing: the key is among the attributes.
pub(super) static CUSTOMER_RESTORE_PASSWORD: Declaration = Declaration {
    kind: "customer-restore-password",
    parents: &[],
    summary: "New passwords instead of forgotten ones",
    attributes: &[],
    relationships: &[],
    example_id: None,
    shows: None,
    operations: &[Operation {
        verb: Verb::Patch,
        summary: "Set a new password with the key that was mailed; any id will do",
        fields: FIELDS,
        refusals: &[
            Code::PasswordsDiffer,
            Code::PasswordCommon,
            Code::PasswordTooShort,
            Code::PasswordTooLong,
            Code::PasswordRepetition,
            Code::PasswordCharacterSet,
            Code::RestoreRefused,
        ],
        answers: Success::NoContent,
        access: Access::Public(restore),
    }],
};

const FIELDS: &[Field] = &[
    Field::required("restorePasswordKey", &[NotBlank, Text]).example("\"0123456789abcdef0123456789abcdef\""),
    Field::required("password", &[NotBlank, MinLength(12), MaxLength(128), FourClassesOnRestore, NotLeaked])
        .example("\"Quiet-harbour-26\""),
    Field::required("confirmPassword", PASSWORD_AGAIN).example("\"Quiet-harbour-26\""),
];

fn restore(mut call: Call<'_>) -> Pending<'_, Result<Answer, Refusal>> {
    Box::pin(async move {
        let form = RestoreForm {
            key: call.input.text("restorePasswordKey").unwrap_or_default(),
            email: None,
            password: call.input.password("password"),
            confirm_password: call.input.password("confirmPassword"),
        };
        call.context.application.restore_password(form, &call.context.password_policy).await?;
        Ok(Answer::NoContent)
    })
}
