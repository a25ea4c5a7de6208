//! `addresses`: the address book of a customer.

use application::Caller;
use domain::{Address, AddressChanges, AddressFields, Country, Salutation};
use jsonapi::Resource;
use serde_json::{Value, json};

use super::customers::{NAME, OWN, SALUTATION, SALUTATIONS};
use crate::constraints::Constraint::{self, Boolean, MaxLength, MinLength, NotBlank, Printable};
use crate::constraints::Field;
use crate::declaration::{Access, Answer, Attribute, Call, Declaration, Operation, Pending, Shape, Success, Verb};
use crate::errors::{Code, Refusal};

/// The type.
pub(super) const KIND: &str = "addresses";

/// The type of what they are below.
const PARENT: &str = "customers";

/// The resource.
pub(super) static ADDRESSES: Declaration = Declaration {
    kind: KIND,
    parents: &[PARENT],
    summary: "Postal addresses of customers",
    attributes: ATTRIBUTES,
    relationships: &[],
    example_id: Some("7c0e4a35-1f57-4d0b-9a53-2f3f9f1f7f10"),
    shows: None,
    operations: &[
        Operation {
            verb: Verb::Get,
            summary: "Read one's own addresses",
            fields: &[],
            refusals: &[Code::CustomerNotFound, Code::AddressNotFound],
            answers: Success::OneOrMany,
            access: Access::Token { ownership: OWN, handler: read },
        },
        Operation {
            verb: Verb::Post,
            summary: "Add an address; the first is the default for everything",
            fields: NEW,
            refusals: &[Code::CustomerNotFound, Code::AddressNotSaved],
            answers: Success::Created,
            access: Access::Token { ownership: OWN, handler: add },
        },
        Operation {
            verb: Verb::Patch,
            summary: "Change an address, or make it a default",
            fields: CHANGES,
            refusals: &[Code::CustomerNotFound, Code::AddressNotFound],
            answers: Success::One,
            access: Access::Token { ownership: OWN, handler: change },
        },
        Operation {
            verb: Verb::Delete,
            summary: "Remove an address; no other one becomes a default in its place",
            fields: &[],
            refusals: &[Code::CustomerNotFound, Code::AddressNotFound],
            answers: Success::NoContent,
            access: Access::Token { ownership: OWN, handler: remove },
        },
    ],
};

const ATTRIBUTES: &[Attribute] = &[
    Attribute::nullable("salutation", Shape::Choice(SALUTATIONS), "\"Ms\""),
    Attribute::new("firstName", Shape::Text, "\"Mira\""),
    Attribute::new("lastName", Shape::Text, "\"Olsen\""),
    Attribute::new("address1", Shape::Text, "\"Kieler Str.\""),
    Attribute::new("address2", Shape::Text, "\"75\""),
    Attribute::nullable("address3", Shape::Text, "null"),
    Attribute::new("zipCode", Shape::Text, "\"22525\""),
    Attribute::new("city", Shape::Text, "\"Hamburg\""),
    Attribute::new("country", Shape::Text, "\"Germany\""),
    Attribute::new("iso2Code", Shape::Text, "\"DE\""),
    Attribute::nullable("company", Shape::Text, "null"),
    Attribute::nullable("phone", Shape::Text, "null"),
    Attribute::new("isDefaultShipping", Shape::Boolean, "true"),
    Attribute::new("isDefaultBilling", Shape::Boolean, "true"),
];

const LINE: &[Constraint] = &[NotBlank, MaxLength(255), Printable];
const OPTIONAL_LINE: &[Constraint] = &[MaxLength(255), Printable];
const ZIP_CODE: &[Constraint] = &[NotBlank, MaxLength(15), Printable];
const CITY: &[Constraint] = &[NotBlank, MinLength(3), MaxLength(255), Printable];
const COUNTRY: &[Constraint] = &[NotBlank, MaxLength(2), Constraint::Country];

/// What a new address takes.
const NEW: &[Field] = &fields(true);
/// What a change of one takes.
const CHANGES: &[Field] = &fields(false);

/// One table for both, which differ in what must be there. The country's name follows from its code and is not taken.
const fn fields(new: bool) -> [Field; 13] {
    const fn field(
        required: bool,
        name: &'static str,
        constraints: &'static [Constraint],
        example: &'static str,
    ) -> Field {
        Field { name, required, constraints, example }
    }
    [
        field(new, "salutation", SALUTATION, "\"Ms\""),
        field(new, "firstName", NAME, "\"Mira\""),
        field(new, "lastName", NAME, "\"Olsen\""),
        field(new, "address1", LINE, "\"Kieler Str.\""),
        field(new, "address2", LINE, "\"75\""),
        field(false, "address3", OPTIONAL_LINE, "null"),
        field(new, "zipCode", ZIP_CODE, "\"22525\""),
        field(new, "city", CITY, "\"Hamburg\""),
        field(false, "phone", OPTIONAL_LINE, "null"),
        field(new, "iso2Code", COUNTRY, "\"DE\""),
        field(new, "isDefaultShipping", &[Boolean], "true"),
        field(new, "isDefaultBilling", &[Boolean], "true"),
        field(false, "company", OPTIONAL_LINE, "null"),
    ]
}

fn read(call: Call<'_>, caller: Caller) -> Pending<'_, Result<Answer, Refusal>> {
    Box::pin(async move {
        let application = &call.context.application;
        let shown = |address: &Address| resource(&call, &caller.reference, address);
        if let Some(id) = call.id() {
            return Ok(Answer::One(shown(&application.find_address(&caller, id).await?)));
        }
        let addresses = application.list_addresses(&caller).await?;
        Ok(Answer::Many(addresses.iter().map(shown).collect()))
    })
}

fn add(mut call: Call<'_>, caller: Caller) -> Pending<'_, Result<Answer, Refusal>> {
    Box::pin(async move {
        let input = &mut call.input;
        let default_billing = input.is_true("isDefaultBilling");
        let default_shipping = input.is_true("isDefaultShipping");
        let country = input.text("iso2Code").as_deref().and_then(Country::parse).ok_or(Code::Internal)?;
        let fields = AddressFields {
            salutation: input.text("salutation").as_deref().and_then(Salutation::parse),
            first_name: input.text("firstName").unwrap_or_default(),
            last_name: input.text("lastName").unwrap_or_default(),
            address1: input.text("address1").unwrap_or_default(),
            address2: input.text("address2").unwrap_or_default(),
            address3: input.text("address3"),
            zip_code: input.text("zipCode").unwrap_or_default(),
            city: input.text("city").unwrap_or_default(),
            company: input.text("company"),
            phone: input.text("phone"),
            country,
        };
        let application = &call.context.application;
        let address = application.insert_address(&caller, fields, default_billing, default_shipping).await?;
        Ok(Answer::Created(resource(&call, &caller.reference, &address)))
    })
}

fn change(mut call: Call<'_>, caller: Caller) -> Pending<'_, Result<Answer, Refusal>> {
    Box::pin(async move {
        let id = call.id().unwrap_or_default();
        let input = &mut call.input;
        let changes = AddressChanges {
            salutation: input.text("salutation").as_deref().and_then(Salutation::parse),
            first_name: input.text("firstName"),
            last_name: input.text("lastName"),
            address1: input.text("address1"),
            address2: input.text("address2"),
            address3: input.text_change("address3"),
            zip_code: input.text("zipCode"),
            city: input.text("city"),
            company: input.text_change("company"),
            phone: input.text_change("phone"),
            country: input.text("iso2Code").as_deref().and_then(Country::parse),
            default_billing: input.is_true("isDefaultBilling"),
            default_shipping: input.is_true("isDefaultShipping"),
        };
        let address = call.context.application.update_address(&caller, id, changes).await?;
        Ok(Answer::One(resource(&call, &caller.reference, &address)))
    })
}

fn remove(call: Call<'_>, caller: Caller) -> Pending<'_, Result<Answer, Refusal>> {
    Box::pin(async move {
        call.context.application.delete_address(&caller, call.id().unwrap_or_default()).await?;
        Ok(Answer::NoContent)
    })
}

/// An address of the customer with this reference.
pub(super) fn resource(call: &Call<'_>, reference: &str, address: &Address) -> Resource {
    call.nested((PARENT, reference), KIND, address.id.to_string(), attributes(address))
}

/// All attributes in their order.
fn attributes(address: &Address) -> Vec<(&'static str, Value)> {
    let fields = &address.fields;
    vec![
        ("salutation", json!(fields.salutation.map(Salutation::as_str))),
        ("firstName", json!(fields.first_name)),
        ("lastName", json!(fields.last_name)),
        ("address1", json!(fields.address1)),
        ("address2", json!(fields.address2)),
        ("address3", json!(fields.address3)),
        ("zipCode", json!(fields.zip_code)),
        ("city", json!(fields.city)),
        ("country", json!(fields.country.name())),
        ("iso2Code", json!(fields.country.code())),
        ("company", json!(fields.company)),
        ("phone", json!(fields.phone)),
        ("isDefaultShipping", json!(address.is_default_shipping)),
        ("isDefaultBilling", json!(address.is_default_billing)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{AddressId, Timestamp};

    #[test]
    fn attributes_are_complete_in_order_and_as_declared() {
        let moment = Timestamp::from_micros(1);
        let address = Address {
            id: AddressId::parse("7c0e4a35-1f57-5d0b-9a53-2f3f9f1f7f10").unwrap(),
            fields: AddressFields {
                salutation: Some(Salutation::Ms),
                first_name: "Mira".to_owned(),
                last_name: "Olsen".to_owned(),
                address1: "Kieler Str.".to_owned(),
                address2: "75".to_owned(),
                address3: None,
                zip_code: "22525".to_owned(),
                city: "Hamburg".to_owned(),
                company: None,
                phone: None,
                country: Country::parse("de").unwrap(),
            },
            is_default_billing: false,
            is_default_shipping: true,
            created_at: moment,
            updated_at: moment,
        };
        let shown = jsonapi::Attributes::new(attributes(&address));
        assert_eq!(
            serde_json::to_string(&shown).unwrap(),
            r#"{"salutation":"Ms","firstName":"Mira","lastName":"Olsen","address1":"Kieler Str.","address2":"75","address3":null,"zipCode":"22525","city":"Hamburg","country":"Germany","iso2Code":"DE","company":null,"phone":null,"isDefaultShipping":true,"isDefaultBilling":false}"#
        );
        let declared: Vec<_> = ATTRIBUTES.iter().map(|attribute| attribute.name).collect();
        assert_eq!(shown.names().collect::<Vec<_>>(), declared);
    }

    #[test]
    fn a_new_address_must_have_what_a_change_may_have() {
        let rows = |fields: &[Field]| fields.iter().map(|field| (field.name, field.required)).collect::<Vec<_>>();
        let expected = [
            ("salutation", true),
            ("firstName", true),
            ("lastName", true),
            ("address1", true),
            ("address2", true),
            ("address3", false),
            ("zipCode", true),
            ("city", true),
            ("phone", false),
            ("iso2Code", true),
            ("isDefaultShipping", true),
            ("isDefaultBilling", true),
            ("company", false),
        ];
        assert_eq!(rows(NEW), expected);
        assert_eq!(rows(CHANGES), expected.map(|(name, _)| (name, false)));
    }
}
