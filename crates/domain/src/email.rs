//! E-mail addresses: what passes as one, and the canonical form in which two of them are the same.

use std::fmt;

use unicode_normalization::UnicodeNormalization;
use validator::ValidateEmail;

/// The longest address an account may have, in Unicode code points (Glue's code 417).
pub const MAX_EMAIL_CHARACTERS: usize = 100;

/// A syntactically valid address.
///
/// It remembers what was typed, which is where mail goes, and the canonical form, which is what identity is decided by: NFC,
/// the domain in IDNA A-labels, all lower-case. Tags (`+news`) and dots are never folded: they belong to the owner.
///
/// `Debug` and `Display` show a masked form, because addresses must not reach a log.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct EmailAddress {
    as_typed: String,
    canonical: String,
}

/// Why a text cannot be the address of a new account, in the order in which Glue reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmailProblem {
    /// Not an address.
    Invalid,
    /// A confirmed account has it.
    Taken,
    /// More than [`MAX_EMAIL_CHARACTERS`] characters.
    TooLong,
}

impl EmailAddress {
    /// Parses an address: a local part of RFC 6531's `Dot-string`, and a domain that IDNA accepts and that has a dot.
    ///
    /// Quoted local parts and address literals are refused: no shop's customer has one, and both are used to smuggle.
    ///
    /// # Errors
    ///
    /// [`EmailProblem::Invalid`] when the text is not such an address.
    pub fn parse(text: &str) -> Result<Self, EmailProblem> {
        let normal: String = text.nfc().collect();
        let (local, domain) = normal.rsplit_once('@').ok_or(EmailProblem::Invalid)?;
        let domain = idna::domain_to_ascii_strict(domain).map_err(|_| EmailProblem::Invalid)?;
        let valid = is_dot_string(local) && domain.contains('.') && format!("local@{domain}").validate_email();
        if !valid || local.len() > 64 || domain.len() > 253 {
            return Err(EmailProblem::Invalid);
        }
        let canonical = format!("{}@{domain}", local.to_lowercase());
        Ok(Self { as_typed: normal, canonical })
    }

    /// Parses an address that an account is to have.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it, in reporting order. Whether it is taken only the store can tell.
    pub fn parse_for_account(text: &str) -> Result<Self, Vec<EmailProblem>> {
        let too_long = text.chars().count() > MAX_EMAIL_CHARACTERS;
        match (Self::parse(text), too_long) {
            (Ok(email), false) => Ok(email),
            (Ok(_), true) => Err(vec![EmailProblem::TooLong]),
            (Err(problem), false) => Err(vec![problem]),
            (Err(problem), true) => Err(vec![problem, EmailProblem::TooLong]),
        }
    }

    /// An address read back from the database, where only valid ones are.
    pub fn from_stored(as_typed: String, canonical: String) -> Self {
        Self { as_typed, canonical }
    }

    /// The address as it was typed, in NFC: shown to its owner and written into envelopes.
    pub fn as_typed(&self) -> &str {
        &self.as_typed
    }

    /// The form in which addresses are compared.
    pub fn canonical(&self) -> &str {
        &self.canonical
    }

    /// `m***@e***.com`: enough for a person who knows the address to recognise it.
    pub fn masked(&self) -> String {
        let (local, domain) = self.canonical.rsplit_once('@').unwrap_or((&self.canonical, ""));
        let (name, top) = domain.rsplit_once('.').unwrap_or((domain, ""));
        let first = |part: &str| part.chars().next().map(String::from).unwrap_or_default();
        format!("{}***@{}***.{top}", first(local), first(name))
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.masked())
    }
}

/// `Dot-string` of RFC 5321, with the non-ASCII letters of RFC 6531.
fn is_dot_string(local: &str) -> bool {
    let is_atext = |character: char| {
        character.is_ascii_alphanumeric()
            || "!#$%&'*+-/=?^_`{|}~".contains(character)
            || (!character.is_ascii() && character.is_alphanumeric())
    };
    local.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atext))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_same_mailbox_has_one_canonical_form() {
        for (one, other) in [
            ("Mira.Olsen@Example.COM", "mira.olsen@example.com"),
            ("mira@BÜCHER.example", "mira@xn--bcher-kva.example"),
            ("mira@bu\u{308}cher.example", "mira@bücher.example"),
            ("JÖRG@example.com", "jo\u{308}rg@example.com"),
        ] {
            let (one, other) = (EmailAddress::parse(one).unwrap(), EmailAddress::parse(other).unwrap());
            assert_eq!(one.canonical(), other.canonical());
        }
    }

    #[test]
    fn tags_and_dots_stay_apart() {
        let plain = EmailAddress::parse("mira@example.com").unwrap();
        for other in ["mira+news@example.com", "m.ira@example.com"] {
            assert_ne!(plain.canonical(), EmailAddress::parse(other).unwrap().canonical());
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for wrong in [
            "",
            "mira",
            "@example.com",
            "mira@",
            "mira@localhost",
            "mira@example",
            "mira@@example.com",
            ".mira@example.com",
            "mira.@example.com",
            "mi..ra@example.com",
            "mi ra@example.com",
            "\"mira\"@example.com",
            "mira@[127.0.0.1]",
            "mira@example.com\r\nBcc: x@example.com",
            "mira\0@example.com",
            "mira@exa_mple.com",
            "mira@-example.com",
            "mira@example..com",
            "<mira@example.com>",
        ] {
            assert_eq!(EmailAddress::parse(wrong).err(), Some(EmailProblem::Invalid), "{wrong:?}");
        }
    }

    #[test]
    fn an_address_is_masked_wherever_it_might_be_logged() {
        let address = EmailAddress::parse("mira.olsen@example.com").unwrap();
        assert_eq!(format!("{address:?}"), "m***@e***.com");
    }

    proptest! {
        #[test]
        fn canonical_forms_are_stable(text in "\\PC{1,40}@\\PC{1,40}") {
            if let Ok(address) = EmailAddress::parse(&text) {
                let again = EmailAddress::parse(address.canonical()).unwrap();
                prop_assert_eq!(again.canonical(), address.canonical());
            }
        }

        #[test]
        fn parsing_never_panics(text in any::<String>()) {
            let _ = EmailAddress::parse(&text);
        }
    }
}
