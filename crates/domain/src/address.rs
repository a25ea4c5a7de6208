//! Postal addresses in a customer's address book, and which of them are the defaults.

use std::fmt;

use crate::identity::uuid_identity;
use crate::{Country, Salutation, Timestamp};

uuid_identity! {
    /// The public identity of an address: a random UUID, 36 characters, lower-case.
    AddressId
}

/// What is written on a parcel. Lengths are in Unicode code points. No `Debug`: it is personal throughout.
#[derive(Clone, PartialEq, Eq)]
pub struct AddressFields {
    /// How to address them.
    pub salutation: Option<Salutation>,
    /// First name, at most 100.
    pub first_name: String,
    /// Last name, at most 100.
    pub last_name: String,
    /// Street, at most 255.
    pub address1: String,
    /// House number, at most 255.
    pub address2: String,
    /// Anything else that helps to find the door, at most 255.
    pub address3: Option<String>,
    /// Postal code, at most 15.
    pub zip_code: String,
    /// City, at most 255.
    pub city: String,
    /// Company, at most 255.
    pub company: Option<String>,
    /// Telephone number as typed, at most 255.
    pub phone: Option<String>,
    /// Country.
    pub country: Country,
}

/// An address in a customer's address book.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    /// Its identity.
    pub id: AddressId,
    /// What is written on a parcel.
    pub fields: AddressFields,
    /// Whether bills go there unless told otherwise. One address of a customer at most.
    pub is_default_billing: bool,
    /// Whether parcels go there unless told otherwise. One address of a customer at most.
    pub is_default_shipping: bool,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl fmt::Debug for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Address").field("id", &self.id).finish_non_exhaustive()
    }
}

/// What is to change about an address. `None` leaves a value as it is; `Some(None)` takes an optional one away.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct AddressChanges {
    /// How to address them.
    pub salutation: Option<Salutation>,
    /// First name, at most 100.
    pub first_name: Option<String>,
    /// Last name, at most 100.
    pub last_name: Option<String>,
    /// Street, at most 255.
    pub address1: Option<String>,
    /// House number, at most 255.
    pub address2: Option<String>,
    /// Anything else that helps to find the door, at most 255.
    pub address3: Option<Option<String>>,
    /// Postal code, at most 15.
    pub zip_code: Option<String>,
    /// City, at most 255.
    pub city: Option<String>,
    /// Company, at most 255.
    pub company: Option<Option<String>>,
    /// Telephone number as typed, at most 255.
    pub phone: Option<Option<String>>,
    /// Country.
    pub country: Option<Country>,
    /// Whether it is to become the default for bills. `false` changes nothing: a default ends when another one begins.
    pub default_billing: bool,
    /// Whether it is to become the default for parcels. `false` changes nothing.
    pub default_shipping: bool,
}

impl AddressChanges {
    /// What is written on a parcel after the changes.
    #[must_use]
    pub fn apply_to(self, fields: AddressFields) -> AddressFields {
        AddressFields {
            salutation: self.salutation.or(fields.salutation),
            first_name: self.first_name.unwrap_or(fields.first_name),
            last_name: self.last_name.unwrap_or(fields.last_name),
            address1: self.address1.unwrap_or(fields.address1),
            address2: self.address2.unwrap_or(fields.address2),
            address3: self.address3.unwrap_or(fields.address3),
            zip_code: self.zip_code.unwrap_or(fields.zip_code),
            city: self.city.unwrap_or(fields.city),
            company: self.company.unwrap_or(fields.company),
            phone: self.phone.unwrap_or(fields.phone),
            country: self.country.unwrap_or(fields.country),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fields() -> AddressFields {
        AddressFields {
            salutation: Some(Salutation::Ms),
            first_name: "Mira".to_owned(),
            last_name: "Olsen".to_owned(),
            address1: "Kieler Str.".to_owned(),
            address2: "75".to_owned(),
            address3: Some("Hinterhof".to_owned()),
            zip_code: "22525".to_owned(),
            city: "Hamburg".to_owned(),
            company: None,
            phone: Some("+49 40 1234".to_owned()),
            country: Country::parse("DE").unwrap(),
        }
    }

    #[test]
    fn what_is_not_changed_stays() {
        assert!(AddressChanges::default().apply_to(fields()) == fields());
        let changes = AddressChanges {
            city: Some("Kiel".to_owned()),
            address3: Some(None),
            company: Some(Some("Olsen & Co".to_owned())),
            country: Country::parse("DK"),
            ..AddressChanges::default()
        };
        let expected = AddressFields {
            city: "Kiel".to_owned(),
            address3: None,
            company: Some("Olsen & Co".to_owned()),
            country: Country::parse("DK").unwrap(),
            ..fields()
        };
        assert!(changes.apply_to(fields()) == expected);
    }

    #[test]
    fn nothing_personal_is_in_a_debug_text() {
        let moment = Timestamp::from_micros(1);
        let address = Address {
            id: AddressId::parse("ffffffff-ffff-4fff-bfff-ffffffffffff").unwrap(),
            fields: fields(),
            is_default_billing: true,
            is_default_shipping: true,
            created_at: moment,
            updated_at: moment,
        };
        let text = format!("{address:?}");
        assert!(text.contains("ffffffff") && !text.contains("Olsen"), "{text}");
    }

    proptest! {
        #[test]
        fn reading_an_identity_never_panics_and_is_stable(text in "\\PC{0,40}|[0-9a-fA-F-]{36}") {
            if let Some(id) = AddressId::parse(&text) {
                prop_assert_eq!(AddressId::parse(id.as_str()), Some(id));
            }
        }
    }
}
