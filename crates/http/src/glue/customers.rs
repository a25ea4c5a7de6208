//! `customers`: sign up, and read one's own account.

use std::sync::Arc;

use application::{Caller, Register};
use domain::{Account, Gender, Profile, RegistrationForm, Salutation};
use serde_json::{Value, json};

use crate::constraints::Constraint::{
    Choice, Date, Email, FourClasses, IsTrue, MaxLength, MinLength, NotBlank, NotInFuture, NotLeaked, Printable, Text,
};
use crate::constraints::{Constraint, Field};
use crate::declaration::{Access, Answer, Call, Declaration, Operation, Ownership, Pending, Verb};
use crate::errors::{Code, Refusal};

/// The resource.
pub(super) static CUSTOMERS: Declaration = Declaration {
    kind: "customers",
    parents: &[],
    operations: &[
        Operation {
            verb: Verb::Get,
            fields: &[],
            access: Access::Token { ownership: Ownership::Caller { otherwise: Code::CustomerNotFound }, handler: read },
        },
        Operation { verb: Verb::Post, fields: REGISTRATION, access: Access::Public(register) },
    ],
};

const NAME: &[Constraint] = &[NotBlank, MaxLength(100), Printable];

const REGISTRATION: &[Field] = &[
    Field::required("email", &[NotBlank, Email]),
    Field::required("gender", &[NotBlank, Choice(&["Male", "Female"])]),
    Field::required("salutation", &[NotBlank, Choice(&["Mr", "Mrs", "Ms", "Dr", "n/a"])]),
    Field::required("firstName", NAME),
    Field::required("lastName", NAME),
    Field::required("password", &[NotBlank, MinLength(12), MaxLength(128), FourClasses, NotLeaked]),
    Field::required("confirmPassword", &[NotBlank, MinLength(12), MaxLength(128)]),
    Field::required("acceptedTerms", &[IsTrue]),
    Field::optional("dateOfBirth", &[Text, Date, NotInFuture]),
];

fn register(mut call: Call<'_>) -> Pending<'_, Result<Answer, Refusal>> {
    Box::pin(async move {
        let input = &mut call.input;
        let form = RegistrationForm {
            email: input.text("email").unwrap_or_default(),
            password: input.password("password"),
            confirm_password: input.password("confirmPassword"),
            accepted_terms: input.is_true("acceptedTerms"),
            profile: Profile {
                salutation: input.text("salutation").as_deref().and_then(Salutation::parse),
                first_name: input.text("firstName"),
                last_name: input.text("lastName"),
                gender: input.text("gender").as_deref().and_then(Gender::parse),
                date_of_birth: input.date("dateOfBirth"),
            },
        };
        let request = Register {
            form,
            policy: Arc::clone(&call.context.password_policy),
            locale: call.locale.clone(),
            channel: "glue",
        };
        let account = call.context.application.register(request).await?;
        Ok(Answer::Created(call.resource(Some(account.reference.clone()), attributes(&account, json!(true)))))
    })
}

fn read(call: Call<'_>, caller: Caller) -> Pending<'_, Result<Answer, Refusal>> {
    Box::pin(async move {
        let customer = call.context.application.find_own_customer(&caller).await?.ok_or(Code::CustomerNotFound)?;
        let account = customer.account();
        // Consent is kept apart from the account; only the answer to a sign-up repeats it.
        let resource = call.resource(Some(account.reference.clone()), attributes(account, Value::Null));
        Ok(match call.id {
            Some(_) => Answer::One(resource),
            None => Answer::Many(vec![resource]),
        })
    })
}

/// All attributes in their order. There is no `password`, and its repetition is always empty.
fn attributes(account: &Account, accepted_terms: Value) -> Vec<(&'static str, Value)> {
    let profile = &account.profile;
    vec![
        ("salutation", json!(profile.salutation.map(Salutation::as_str))),
        ("firstName", json!(profile.first_name)),
        ("lastName", json!(profile.last_name)),
        ("gender", json!(profile.gender.map(Gender::as_str))),
        ("dateOfBirth", json!(profile.date_of_birth.map(|date| date.to_string()))),
        ("email", json!(account.email.as_typed())),
        ("confirmPassword", Value::Null),
        ("acceptedTerms", accepted_terms),
        ("createdAt", json!(account.created_at.to_glue())),
        ("updatedAt", json!(account.updated_at.to_glue())),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{CustomerId, EmailAddress, Locale, Timestamp};

    #[test]
    fn choices_on_the_wire_are_those_of_the_domain() {
        let choices = |name: &str| {
            let field = REGISTRATION.iter().find(|field| field.name == name).unwrap();
            field.constraints.iter().find_map(|constraint| match constraint {
                Choice(choices) => Some(choices.to_vec()),
                _ => None,
            })
        };
        let mut salutations = Salutation::ALL.map(Salutation::as_str).to_vec();
        let mut offered = choices("salutation").unwrap();
        salutations.sort_unstable();
        offered.sort_unstable();
        assert_eq!(offered, salutations);
        assert_eq!(choices("gender").unwrap(), Gender::ALL.map(Gender::as_str));
    }

    #[test]
    fn attributes_are_complete_in_order_and_without_a_password() {
        let account = Account {
            id: CustomerId(35),
            reference: "DE--35".to_owned(),
            email: EmailAddress::parse("Mira.Olsen@example.com").unwrap(),
            profile: Profile { first_name: Some("Mira".to_owned()), ..Profile::default() },
            locale: Locale::parse("de_DE").unwrap(),
            store: "DE".to_owned(),
            created_at: Timestamp::from_micros(1_772_619_300_123_456),
            updated_at: Timestamp::from_micros(1_772_619_300_123_456),
        };
        let text = serde_json::to_string(&jsonapi::Attributes::new(attributes(&account, Value::Null))).unwrap();
        assert_eq!(
            text,
            r#"{"salutation":null,"firstName":"Mira","lastName":null,"gender":null,"dateOfBirth":null,"email":"Mira.Olsen@example.com","confirmPassword":null,"acceptedTerms":null,"createdAt":"2026-03-04 10:15:00.123456","updatedAt":"2026-03-04 10:15:00.123456"}"#
        );
    }
}
