//! Postal addresses in a customer's address book, and which of them are the defaults.

use std::fmt;

use crate::{Country, Randomness, Salutation, Timestamp};

/// The public identity of an address: a random UUID, 36 characters, lower-case.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AddressId(String);

impl AddressId {
    /// A new identity: version 4 of RFC 9562.
    pub fn generate(randomness: &dyn Randomness) -> Self {
        let mut bytes = [0; 16];
        randomness.fill(&mut bytes);
        let number = u128::from_be_bytes(bytes);
        let number = number & !(0xf << 76) | (0x4 << 76);
        let number = number & !(0b11 << 62) | (0b10 << 62);
        Self(format!(
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            number >> 96,
            (number >> 80) & 0xffff,
            (number >> 64) & 0xffff,
            (number >> 48) & 0xffff,
            number & 0xffff_ffff_ffff
        ))
    }

    /// Reads a UUID of any version, in either case. Whatever has another shape was never given.
    pub fn parse(text: &str) -> Option<Self> {
        let well_formed = text.len() == 36
            && text.bytes().enumerate().all(|(index, byte)| match index {
                8 | 13 | 18 | 23 => byte == b'-',
                _ => byte.is_ascii_hexdigit(),
            });
        well_formed.then(|| Self(text.to_ascii_lowercase()))
    }

    /// The 36 characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AddressId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
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
    use crate::SystemRandomness;

    struct Ones;

    impl Randomness for Ones {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(0xff);
        }
    }

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
    fn an_identity_is_a_uuid_of_version_4() {
        assert_eq!(AddressId::generate(&Ones).as_str(), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        let id = AddressId::generate(&SystemRandomness);
        assert_eq!(AddressId::parse(id.as_str()), Some(id.clone()));
        assert_eq!(AddressId::parse(&id.as_str().to_uppercase()), Some(id));
    }

    #[test]
    fn what_is_no_uuid_was_never_given() {
        for wrong in [
            "",
            "7c0e4a35",
            "7c0e4a351f575d0b9a532f3f9f1f7f10",
            "7c0e4a35-1f57-5d0b-9a53-2f3f9f1f7f1g",
            "7c0e4a35-1f57-5d0b-9a53-2f3f9f1f7f100",
            "7c0e4a35-1f57-5d0b-9a532-f3f9f1f7f10",
            "{c0e4a35-1f57-5d0b-9a53-2f3f9f1f7f1}",
        ] {
            assert_eq!(AddressId::parse(wrong), None, "{wrong}");
        }
        assert!(AddressId::parse("7c0e4a35-1f57-5d0b-9a53-2f3f9f1f7f10").is_some());
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
            id: AddressId::generate(&Ones),
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
