//! Opaque tokens of storefronts: the keys with which they name themselves, and the bearer tokens that they hold for customers.

use zeroize::Zeroize;

use crate::{Digest, Randomness};

/// Random letters and digits of a secret.
const RANDOM_CHARACTERS: usize = 40;

/// The hexadecimal digits behind them, by which scanners of source code recognise it.
const CHECKSUM_CHARACTERS: usize = 8;

/// What stands behind the bar: 40 random letters and digits, and their CRC-32 in hexadecimal.
///
/// It has no `Debug` and no `Display`, so that it cannot slip into a log.
pub struct BearerSecret(String);

impl BearerSecret {
    /// A new secret.
    pub fn generate(randomness: &dyn Randomness) -> Self {
        let mut text = letters_and_digits(RANDOM_CHARACTERS, randomness);
        let checksum = checksum(&text);
        text.push_str(&checksum);
        Self(text)
    }

    /// The token, for the answer that hands it out. `number` is that of its row.
    pub fn expose(&self, number: i64) -> String {
        format!("{number}|{}", self.0)
    }

    /// SHA-256 of the secret.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.0)
    }
}

impl Drop for BearerSecret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// What the keys of storefronts begin with.
const STOREFRONT_KEY_PREFIX: &str = "pk_storefront_";

/// How much of a key people are shown, to tell it from others: the prefix and four random characters.
const SHOWN_CHARACTERS: usize = STOREFRONT_KEY_PREFIX.len() + 4;

/// The key with which a storefront names itself: `pk_storefront_` and 32 letters and digits. It has no `Debug` and no
/// `Display`.
pub struct StorefrontKey(String);

impl StorefrontKey {
    /// The longest text that is looked at; anything longer was never issued.
    pub const MAX_CHARACTERS: usize = 256;

    /// A new key.
    pub fn generate(randomness: &dyn Randomness) -> Self {
        Self(format!("{STOREFRONT_KEY_PREFIX}{}", letters_and_digits(32, randomness)))
    }

    /// The key in clear, for whoever has it made.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// How it begins.
    pub fn beginning(&self) -> &str {
        self.0.get(..SHOWN_CHARACTERS).unwrap_or_default()
    }

    /// SHA-256 of the key.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.0)
    }
}

impl Drop for StorefrontKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// A token as a client shows it: the number of the row that it names, and the digest that the row must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PresentedToken {
    /// The number of the row.
    pub number: i64,
    /// Of the secret.
    pub digest: Digest,
}

impl PresentedToken {
    /// Reads a token. Whatever has another shape was never issued.
    pub fn parse(text: &str) -> Option<Self> {
        let (number, secret) = text.split_once('|')?;
        let is_number = (1..=19).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit());
        let number = is_number.then(|| number.parse().ok())??;
        let is_secret = secret.len() == RANDOM_CHARACTERS + CHECKSUM_CHARACTERS
            && secret.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let (random, behind) = is_secret.then(|| secret.split_at(RANDOM_CHARACTERS))?;
        (behind == checksum(random)).then(|| Self { number, digest: Digest::of(secret) })
    }
}

/// Uniform over all texts of so many letters and digits of ASCII.
pub(crate) fn letters_and_digits(count: usize, randomness: &dyn Randomness) -> String {
    const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    // Room for a checksum, so that no copy of a secret is left behind where it grows.
    let mut text = String::with_capacity(count + CHECKSUM_CHARACTERS);
    let mut bytes = [0; 64];
    while text.len() < count {
        randomness.fill(&mut bytes);
        // Six bits of each byte; the two numbers beyond the alphabet stand for nothing.
        let fair = bytes.iter().filter_map(|byte| ALPHABET.get(usize::from(*byte >> 2)));
        text.extend(fair.take(count - text.len()).map(|byte| char::from(*byte)));
    }
    bytes.zeroize();
    text
}

/// In hexadecimal, eight digits.
fn checksum(text: &str) -> String {
    format!("{:08x}", crc32(text.as_bytes()))
}

/// CRC-32 of IEEE 802.3, as zip and PHP compute it.
fn crc32(bytes: &[u8]) -> u32 {
    const POLYNOMIAL: u32 = 0xEDB8_8320;
    let checksum = bytes.iter().fold(u32::MAX, |checksum, byte| {
        (0..8).fold(checksum ^ u32::from(*byte), |checksum, _| {
            (checksum >> 1) ^ (POLYNOMIAL & (checksum & 1).wrapping_neg())
        })
    });
    !checksum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SystemRandomness;
    use proptest::prelude::*;

    #[test]
    fn the_checksum_is_that_of_php() {
        for (text, expected) in
            [("", 0), ("123456789", 0xCBF4_3926), ("The quick brown fox jumps over the lazy dog", 0x414F_A339)]
        {
            assert_eq!(crc32(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn a_token_is_a_number_a_bar_and_48_characters() {
        let secret = BearerSecret::generate(&SystemRandomness);
        let token = secret.expose(12);
        let (number, behind) = token.split_once('|').unwrap();
        assert_eq!((number, behind.len()), ("12", 48));
        assert!(behind.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{token}");
        assert_eq!(PresentedToken::parse(&token), Some(PresentedToken { number: 12, digest: secret.digest() }));
        assert_ne!(token, BearerSecret::generate(&SystemRandomness).expose(12));
    }

    #[test]
    fn what_has_another_shape_was_never_issued() {
        let token = BearerSecret::generate(&SystemRandomness).expose(1);
        let secret = token.split_once('|').unwrap().1;
        for wrong in [
            String::new(),
            "1|".to_owned(),
            "1|x".to_owned(),
            secret.to_owned(),
            format!("|{secret}"),
            format!("-1|{secret}"),
            format!("+1|{secret}"),
            format!("1|{secret}x"),
            format!(" 1|{secret}"),
            format!("99999999999999999999|{secret}"),
            format!("9999999999999999999|{secret}"),
            format!("1|ä{}", secret.get(2..).unwrap()),
            format!("1|{}00000000", secret.get(..40).unwrap()),
        ] {
            assert_eq!(PresentedToken::parse(&wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_storefront_key_tells_no_more_than_its_beginning() {
        let key = StorefrontKey::generate(&SystemRandomness);
        let random = key.expose().strip_prefix("pk_storefront_").unwrap();
        assert!(random.len() == 32 && random.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{random}");
        assert_eq!(key.beginning(), format!("pk_storefront_{}", &random[..4]));
    }

    #[test]
    fn every_letter_and_digit_comes_up() {
        let text = letters_and_digits(20_000, &SystemRandomness);
        let seen: std::collections::BTreeSet<_> = text.chars().collect();
        assert_eq!((text.len(), seen.len()), (20_000, 62));
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in any::<String>()) {
            let _ = PresentedToken::parse(&text);
        }
    }
}
