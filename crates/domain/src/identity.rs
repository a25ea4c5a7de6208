//! Random identities.

use crate::Randomness;

/// A new UUID of version 4 (RFC 9562): 36 characters, lower-case.
pub(crate) fn generate_uuid(randomness: &dyn Randomness) -> String {
    let mut bytes = [0; 16];
    randomness.fill(&mut bytes);
    let number = u128::from_be_bytes(bytes);
    let number = number & !(0xf << 76) | (0x4 << 76);
    let number = number & !(0b11 << 62) | (0b10 << 62);
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        number >> 96,
        (number >> 80) & 0xffff,
        (number >> 64) & 0xffff,
        (number >> 48) & 0xffff,
        number & 0xffff_ffff_ffff
    )
}

/// Reads a UUID of any version, in either case.
pub(crate) fn parse_uuid(text: &str) -> Option<String> {
    let well_formed = text.len() == 36
        && text.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        });
    well_formed.then(|| text.to_ascii_lowercase())
}

/// Declares the public identity of a kind of thing: a random UUID.
macro_rules! uuid_identity {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub struct $name(String);

        impl $name {
            /// A new identity: version 4 of RFC 9562.
            pub fn generate(randomness: &dyn $crate::Randomness) -> Self {
                Self($crate::identity::generate_uuid(randomness))
            }

            /// Reads a UUID of any version, in either case. Whatever has another shape was never given.
            pub fn parse(text: &str) -> Option<Self> {
                $crate::identity::parse_uuid(text).map(Self)
            }

            /// The 36 characters.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(&self.0)
            }
        }
    };
}
pub(crate) use uuid_identity;

/// Declares an identity that only this system reads: 32 random hex characters.
macro_rules! hex_identity {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub struct $name(String);

        impl $name {
            /// A new identity.
            pub fn generate(randomness: &dyn $crate::Randomness) -> Self {
                let mut bytes = [0; 16];
                randomness.fill(&mut bytes);
                Self(hex::encode(bytes))
            }

            /// An identity read back from the database.
            pub fn from_stored(text: String) -> Self {
                Self(text)
            }

            /// The 32 hex characters.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
    };
}
pub(crate) use hex_identity;

#[cfg(test)]
mod tests {
    use crate::{Randomness, SystemRandomness};

    uuid_identity! {
        /// Of anything.
        Id
    }

    struct Ones;

    impl Randomness for Ones {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(0xff);
        }
    }

    #[test]
    fn an_identity_is_a_uuid_of_version_4() {
        assert_eq!(Id::generate(&Ones).as_str(), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        let id = Id::generate(&SystemRandomness);
        assert_eq!(Id::parse(id.as_str()), Some(id.clone()));
        assert_eq!(Id::parse(&id.as_str().to_uppercase()), Some(id));
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
            assert_eq!(Id::parse(wrong), None, "{wrong}");
        }
        assert!(Id::parse("7c0e4a35-1f57-5d0b-9a53-2f3f9f1f7f10").is_some());
    }
}
