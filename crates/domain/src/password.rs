//! Passwords, their hashes, and the policy they are held to where they are set.

use std::collections::BTreeSet;

use secrecy::{ExposeSecret, SecretString};

/// A password in clear, wiped from memory when dropped. No `Display`, and `Debug` is redacted.
#[derive(Clone, Debug)]
pub struct Password(SecretString);

impl Password {
    /// Takes a password as it was typed. Nothing is trimmed or changed.
    pub fn new(text: String) -> Self {
        Self(SecretString::from(text))
    }

    /// The password in clear, for the hasher.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl PartialEq for Password {
    fn eq(&self, other: &Self) -> bool {
        subtle::ConstantTimeEq::ct_eq(self.expose().as_bytes(), other.expose().as_bytes()).into()
    }
}

/// A stored password hash: a PHC string, or a foreign format that a login replaces. `Debug` is redacted.
#[derive(Clone, Debug)]
pub struct PasswordHash(SecretString);

impl PasswordHash {
    /// Takes a hash as it is stored.
    pub fn from_stored(text: String) -> Self {
        Self(SecretString::from(text))
    }

    /// The text, for the verifier and the database.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

/// What a surface demands of a new password. Applied where a password is set, never at login.
#[derive(Clone, Debug)]
pub struct PasswordPolicy {
    /// Fewest characters, in Unicode code points.
    pub min_characters: usize,
    /// Most characters, in Unicode code points.
    pub max_characters: usize,
    /// Which characters are demanded.
    pub characters: CharacterSet,
    /// How many equal characters in a row are one too many; 0 allows any number.
    pub max_repetition: usize,
    /// Passwords that are refused, compared whole and in exact case.
    pub denied: BTreeSet<String>,
    /// Passwords that skip the policy, compared whole and in exact case.
    pub allowed: BTreeSet<String>,
}

/// Which characters a new password must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CharacterSet {
    /// Whatever there is.
    Any,
    /// One of each of Glue's four classes of ASCII characters, and nothing else: [`has_four_classes`].
    FourClasses,
    /// One of each kind, of any script: [`missing_characters`].
    EachKind,
}

impl CharacterSet {
    fn holds(self, text: &str) -> bool {
        match self {
            Self::Any => true,
            Self::FourClasses => has_four_classes(text),
            Self::EachKind => missing_characters(text) == MissingCharacters::default(),
        }
    }
}

/// The kinds of characters that a password does not have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MissingCharacters {
    /// A letter in upper case, or one in lower case.
    pub letter_case: bool,
    /// A digit.
    pub digit: bool,
    /// Anything that is neither letter, digit nor blank.
    pub symbol: bool,
}

/// What is wrong with a new password, in the order in which Glue reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordViolation {
    /// On the deny list (422).
    Common,
    /// Too few characters (418).
    TooShort,
    /// Too many characters (419).
    TooLong,
    /// The same character too often in a row (421).
    Repetition,
    /// Not of the demanded characters (420).
    CharacterSet,
}

impl PasswordPolicy {
    /// Glue's policy as the B2C demo shop wires it: 12 to 128 characters of four classes, never three equal ones in a row.
    pub fn glue() -> Self {
        Self {
            min_characters: 12,
            max_characters: 128,
            characters: CharacterSet::FourClasses,
            max_repetition: 3,
            denied: BTreeSet::from(["qwerty".to_owned()]),
            allowed: BTreeSet::new(),
        }
    }

    /// The policy of Bagisto's storefronts: 8 to 255 characters of each kind.
    pub const fn bagisto() -> Self {
        Self {
            min_characters: 8,
            max_characters: 255,
            characters: CharacterSet::EachKind,
            max_repetition: 0,
            denied: BTreeSet::new(),
            allowed: BTreeSet::new(),
        }
    }

    /// Everything that is wrong with `password`, in reporting order.
    pub fn violations(&self, password: &Password) -> Vec<PasswordViolation> {
        let text = password.expose();
        if self.allowed.contains(text) {
            return Vec::new();
        }
        let characters = text.chars().count();
        [
            (self.denied.contains(text), PasswordViolation::Common),
            (characters < self.min_characters, PasswordViolation::TooShort),
            (characters > self.max_characters, PasswordViolation::TooLong),
            (repeats(text, self.max_repetition), PasswordViolation::Repetition),
            (!self.characters.holds(text), PasswordViolation::CharacterSet),
        ]
        .into_iter()
        .filter_map(|(broken, violation)| broken.then_some(violation))
        .collect()
    }
}

/// The characters that Glue counts as special.
const SPECIAL: &str = r"!@#$%^&*()_-+=[]{}|;:<>.,/?\~";

/// Whether a password has an upper-case and a lower-case letter, a digit and a special character, all ASCII, and nothing else:
/// the regular expression of Glue's registration, change and restore.
pub fn has_four_classes(text: &str) -> bool {
    let has = |class: fn(&char) -> bool| text.chars().any(|character| class(&character));
    let is_special = |character: &char| SPECIAL.contains(*character);
    has(char::is_ascii_uppercase)
        && has(char::is_ascii_lowercase)
        && has(char::is_ascii_digit)
        && text.chars().any(|character| is_special(&character))
        && text.chars().all(|character| character.is_ascii_alphanumeric() || is_special(&character))
}

/// The kinds of characters that a password does not have, of letters of both cases, digits, and symbols of any script.
pub fn missing_characters(text: &str) -> MissingCharacters {
    let has = |kind: fn(char) -> bool| text.chars().any(kind);
    let is_symbol =
        |character: char| !character.is_alphanumeric() && !character.is_whitespace() && !character.is_control();
    MissingCharacters {
        letter_case: !(has(char::is_uppercase) && has(char::is_lowercase)),
        digit: !has(char::is_numeric),
        symbol: !has(is_symbol),
    }
}

fn repeats(text: &str, limit: usize) -> bool {
    let mut run = 0;
    let mut previous = None;
    text.chars().any(|character| {
        run = if previous == Some(character) { run + 1 } else { 1 };
        previous = Some(character);
        limit > 0 && run >= limit
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn violations(text: &str) -> Vec<PasswordViolation> {
        PasswordPolicy::glue().violations(&Password::new(text.to_owned()))
    }

    #[test]
    fn glue_names_everything_that_is_wrong_in_order() {
        use PasswordViolation::{CharacterSet, Common, Repetition, TooLong, TooShort};
        for (password, expected) in [
            ("Supp0rt!Supp0rt", vec![]),
            ("qwerty", vec![Common, TooShort, CharacterSet]),
            ("my-Qwerty-passw0rd", vec![]),
            ("Aaaa1!aaaaaaaa", vec![Repetition]),
            ("Abcdefghijk1", vec![CharacterSet]),
            ("Abcdefghijk1 !", vec![CharacterSet]),
            ("Äbcdefghijk1!X", vec![CharacterSet]),
            ("Ab1!Ab1!Ab1", vec![TooShort]),
        ] {
            assert_eq!(violations(password), expected, "{password}");
        }
        assert_eq!(violations(&"Ab1!".repeat(33)), [TooLong]);
        assert_eq!(violations(&"Ab1!".repeat(32)), []);
    }

    #[test]
    fn length_counts_code_points() {
        let policy = PasswordPolicy { characters: CharacterSet::Any, min_characters: 3, ..PasswordPolicy::glue() };
        assert_eq!(policy.violations(&Password::new("üöä".to_owned())), []);
    }

    #[test]
    fn the_allow_list_skips_the_policy() {
        let policy = PasswordPolicy { allowed: BTreeSet::from(["change123".to_owned()]), ..PasswordPolicy::glue() };
        assert_eq!(policy.violations(&Password::new("change123".to_owned())), []);
        assert!(!policy.violations(&Password::new("change124".to_owned())).is_empty());
    }

    #[test]
    fn neither_passwords_nor_hashes_show_in_debug_texts() {
        let texts = format!(
            "{:?} {:?}",
            Password::new("hunter2".to_owned()),
            PasswordHash::from_stored("$argon2id$x".to_owned())
        );
        assert!(!texts.contains("hunter2") && !texts.contains("argon2id"), "{texts}");
    }

    #[test]
    fn bagisto_asks_for_each_kind_of_any_script() {
        use PasswordViolation::{CharacterSet, TooLong, TooShort};
        let long = format!("Aa1!{}", "x".repeat(252));
        for (text, expected) in [
            ("Secret-1", vec![]),
            ("Äpfel-12", vec![]),
            ("aaaaAAA1€", vec![]),
            ("Secret-", vec![TooShort, CharacterSet]),
            ("secret-1", vec![CharacterSet]),
            ("Secret 12", vec![CharacterSet]),
            (&long, vec![TooLong]),
            (&long[..255], vec![]),
        ] {
            assert_eq!(PasswordPolicy::bagisto().violations(&Password::new(text.to_owned())), expected, "{text}");
        }
        let missing = MissingCharacters { letter_case: true, digit: true, symbol: false };
        assert_eq!(missing_characters("-a-"), missing);
    }
}
