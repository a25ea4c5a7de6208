//! `customers`: sign up; read, change and leave one's own account.

use std::sync::Arc;

use application::{Caller, Register, UpdateCustomer};
use domain::{Account, Confirmed, Gender, Profile, ProfileChanges, RegistrationForm, RegistrationRefusal, Salutation};
use jsonapi::Resource;
use serde_json::{Value, json};

use super::addresses;
use crate::constraints::Constraint::{
    Choice, Date, Email, FourClasses, IsTrue, MaxLength, MinLength, NotBlank, NotInFuture, NotLeaked, Printable, Text,
};
use crate::constraints::{Constraint, Field};
use crate::declaration::{
    Access, Answer, Attribute, Call, Declaration, Operation, Ownership, Pending, Shape, Success, Verb,
};
use crate::errors::{Code, Refusal};

/// The resource.
pub(super) static CUSTOMERS: Declaration = Declaration {
    kind: "customers",
    parents: &[],
    summary: "Accounts of customers",
    attributes: ATTRIBUTES,
    relationships: &[addresses::KIND],
    example_id: Some("DE--35"),
    shows: None,
    operations: &[
        Operation {
            verb: Verb::Get,
            summary: "Read one's own account",
            fields: &[],
            refusals: &[Code::CustomerNotFound],
            answers: Success::OneOrMany,
            access: Access::Token { ownership: Ownership::Caller { otherwise: Code::CustomerNotFound }, handler: read },
        },
        Operation {
            verb: Verb::Post,
            summary: "Sign up",
            fields: REGISTRATION,
            refusals: &[
                Code::TermsNotAccepted,
                Code::PasswordsDiffer,
                Code::PasswordCommon,
                Code::PasswordTooShort,
                Code::PasswordTooLong,
                Code::PasswordRepetition,
                Code::PasswordCharacterSet,
                Code::EmailInvalid,
                Code::EmailTaken,
                Code::EmailTooLong,
                Code::RegistrationFailed,
            ],
            answers: Success::Created,
            access: Access::Public(register),
        },
        Operation {
            verb: Verb::Patch,
            summary: "Change one's own account; another address is asked to confirm first",
            fields: CHANGES,
            refusals: &[
                Code::PasswordsDiffer,
                Code::CustomerNotFound,
                Code::EmailInvalid,
                Code::EmailTaken,
                Code::EmailTooLong,
                Code::CustomerNotSaved,
            ],
            answers: Success::One,
            access: Access::Token { ownership: OWN, handler: change },
        },
        Operation {
            verb: Verb::Delete,
            summary: "Leave: have one's own account anonymised",
            fields: &[],
            refusals: &[Code::CustomerNotFound],
            answers: Success::NoContent,
            access: Access::Token { ownership: OWN, handler: anonymise },
        },
    ],
};

/// Of what is changed, nobody is told whether there is such a one of somebody else's.
pub(super) const OWN: Ownership = Ownership::Caller { otherwise: Code::Unauthorized };

const ATTRIBUTES: &[Attribute] = &[
    Attribute::nullable("salutation", Shape::Choice(SALUTATIONS), "\"Ms\""),
    Attribute::nullable("firstName", Shape::Text, "\"Mira\""),
    Attribute::nullable("lastName", Shape::Text, "\"Olsen\""),
    Attribute::nullable("gender", Shape::Choice(GENDERS), "\"Female\""),
    Attribute::nullable("dateOfBirth", Shape::Date, "\"1990-05-17\""),
    Attribute::new("email", Shape::Email, "\"mira.olsen@example.com\""),
    Attribute::nullable("confirmPassword", Shape::Null, "null"),
    Attribute::nullable("acceptedTerms", Shape::Boolean, "null"),
    Attribute::new("createdAt", Shape::DateTime, "\"2026-03-04 10:15:00.123456\""),
    Attribute::new("updatedAt", Shape::DateTime, "\"2026-03-04 10:15:00.123456\""),
];

const GENDERS: &[&str] = &["Male", "Female"];
pub(super) const SALUTATIONS: &[&str] = &["Mr", "Mrs", "Ms", "Dr", "n/a"];

pub(super) const NAME: &[Constraint] = &[NotBlank, MaxLength(100), Printable];
const GENDER: &[Constraint] = &[NotBlank, Choice(GENDERS)];
pub(super) const SALUTATION: &[Constraint] = &[NotBlank, Choice(SALUTATIONS)];
const DATE_OF_BIRTH: &[Constraint] = &[Text, Date, NotInFuture];

/// A password that is set.
pub(super) const PASSWORD: &[Constraint] = &[NotBlank, MinLength(12), MaxLength(128), FourClasses, NotLeaked];
/// Its repetition.
pub(super) const PASSWORD_AGAIN: &[Constraint] = &[NotBlank, MinLength(12), MaxLength(128)];

const REGISTRATION: &[Field] = &[
    Field::required("email", &[NotBlank, Email]).example("\"mira.olsen@example.com\""),
    Field::required("gender", GENDER).example("\"Female\""),
    Field::required("salutation", SALUTATION).example("\"Ms\""),
    Field::required("firstName", NAME).example("\"Mira\""),
    Field::required("lastName", NAME).example("\"Olsen\""),
    Field::required("password", PASSWORD).example("\"Quiet-harbour-26\""),
    Field::required("confirmPassword", PASSWORD_AGAIN).example("\"Quiet-harbour-26\""),
    Field::required("acceptedTerms", &[IsTrue]).example("true"),
    Field::optional("dateOfBirth", DATE_OF_BIRTH).example("\"1990-05-17\""),
];

const CHANGES: &[Field] = &[
    Field::optional("email", &[NotBlank, Email]).example("\"mira.olsen@example.com\""),
    Field::optional("gender", GENDER).example("\"Female\""),
    Field::optional("salutation", SALUTATION).example("\"Ms\""),
    Field::optional("firstName", NAME).example("\"Mira\""),
    Field::optional("lastName", NAME).example("\"Lund\""),
    Field::optional("dateOfBirth", DATE_OF_BIRTH).example("\"1990-05-17\""),
    // Checked as everywhere, and without effect: `customer-password` changes it.
    Field::optional("password", &[MinLength(12), MaxLength(128), FourClasses, NotLeaked])
        .example("\"Quiet-harbour-26\""),
    Field::optional("confirmPassword", &[MinLength(12), MaxLength(128)]).example("\"Quiet-harbour-26\""),
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
                ..Profile::default()
            },
        };
        let request = Register {
            form,
            policy: Arc::clone(&call.context.password_policy),
            locale: call.locale.clone(),
            channel: "glue",
            guest: call.guest,
        };
        let account = call.context.application.register(request).await?;
        let (resource, related) = shown(&call, &account, json!(true), None).await?;
        Ok(Answer::Created(resource).including(related))
    })
}

fn read(call: Call<'_>, caller: Caller) -> Pending<'_, Result<Answer, Refusal>> {
    Box::pin(async move {
        let customer = call.context.application.find_own_customer(&caller).await?;
        let (resource, related) = shown(&call, customer.account(), Value::Null, Some(&customer)).await?;
        let answer = match call.id() {
            Some(_) => Answer::One(resource),
            None => Answer::Many(vec![resource]),
        };
        Ok(answer.including(related))
    })
}

fn change(mut call: Call<'_>, caller: Caller) -> Pending<'_, Result<Answer, Refusal>> {
    Box::pin(async move {
        let input = &mut call.input;
        let [password, again] = ["password", "confirmPassword"].map(|name| input.password(name));
        if !password.expose().is_empty() && password != again {
            return Err(RegistrationRefusal::PasswordsDiffer.into());
        }
        let changes = ProfileChanges {
            salutation: input.text("salutation").as_deref().and_then(Salutation::parse),
            first_name: input.text("firstName"),
            last_name: input.text("lastName"),
            gender: input.text("gender").as_deref().and_then(Gender::parse),
            date_of_birth: input.date_change("dateOfBirth"),
        };
        let request = UpdateCustomer { email: input.text("email"), changes };
        let customer = call.context.application.update_customer(&caller, request).await?;
        let (resource, related) = shown(&call, customer.account(), Value::Null, Some(&customer)).await?;
        Ok(Answer::One(resource).including(related))
    })
}

#[expect(clippy::needless_pass_by_value, reason = "all handlers are called alike")]
fn anonymise(call: Call<'_>, caller: Caller) -> Pending<'_, Result<Answer, Refusal>> {
    Box::pin(async move {
        call.context.application.anonymise(&caller).await?;
        Ok(Answer::NoContent)
    })
}

/// An account, and its addresses where they are asked for. Whoever has just signed up has none.
///
/// Consent is kept apart from the account; only the answer to a sign-up repeats it.
async fn shown(
    call: &Call<'_>,
    account: &Account,
    accepted_terms: Value,
    customer: Option<&Confirmed>,
) -> Result<(Resource, Vec<Resource>), Refusal> {
    let reference = account.reference.as_str();
    let mut resource = call.resource(call.kind, reference.to_owned(), attributes(account, accepted_terms));
    if !call.query.includes(addresses::KIND) {
        return Ok((resource, Vec::new()));
    }
    let addresses = match customer {
        Some(customer) => call.context.application.addresses_of(customer).await?,
        None => Vec::new(),
    };
    let ids = addresses.iter().map(|address| address.id.to_string());
    resource.relationships.push(call.relationship(reference, addresses::KIND, ids));
    Ok((resource, addresses.iter().map(|address| addresses::resource(call, reference, address)).collect()))
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
    fn fields_are_told_in_order_and_none_need_change() {
        let names = |fields: &[Field]| fields.iter().map(|field| field.name).collect::<Vec<_>>();
        assert_eq!(
            names(CHANGES),
            ["email", "gender", "salutation", "firstName", "lastName", "dateOfBirth", "password", "confirmPassword"]
        );
        assert!(CHANGES.iter().all(|field| !field.required));
        assert_eq!(
            names(REGISTRATION),
            [
                "email",
                "gender",
                "salutation",
                "firstName",
                "lastName",
                "password",
                "confirmPassword",
                "acceptedTerms",
                "dateOfBirth"
            ]
        );
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
        let shown = jsonapi::Attributes::new(attributes(&account, Value::Null));
        let declared: Vec<_> = ATTRIBUTES.iter().map(|attribute| attribute.name).collect();
        assert_eq!(shown.names().collect::<Vec<_>>(), declared);
        let text = serde_json::to_string(&shown).unwrap();
        assert_eq!(
            text,
            r#"{"salutation":null,"firstName":"Mira","lastName":null,"gender":null,"dateOfBirth":null,"email":"Mira.Olsen@example.com","confirmPassword":null,"acceptedTerms":null,"createdAt":"2026-03-04 10:15:00.123456","updatedAt":"2026-03-04 10:15:00.123456"}"#
        );
    }
}
