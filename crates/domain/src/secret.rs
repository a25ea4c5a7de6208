//! One-time secrets: link keys, the six-digit codes beside them, and the digests that are all the database ever sees.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

use crate::Randomness;

/// Wrong tries a code survives. The link beside it is not touched by them.
pub const CODE_TRIES: i32 = 5;

/// How many of a claim's newest confirmation keys stay good beside each other.
pub const KEPT_CONFIRMATION_KEYS: i64 = 5;

/// What a one-time secret opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SecretPurpose {
    /// Confirms the claim it was made for.
    Confirmation,
    /// Sets a new password.
    Restore,
    /// Moves the account to the address that it was sent to.
    EmailChange,
}

impl SecretPurpose {
    /// Every purpose there is.
    pub const ALL: [Self; 3] = [Self::Confirmation, Self::Restore, Self::EmailChange];

    /// The name in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Confirmation => "confirmation",
            Self::Restore => "restore",
            Self::EmailChange => "email-change",
        }
    }

    /// The purpose of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.as_str() == name)
    }

    /// How many of a customer's newest live keys for this stay good beside each other.
    pub const fn kept_keys(self) -> i64 {
        match self {
            Self::Confirmation => KEPT_CONFIRMATION_KEYS,
            Self::Restore | Self::EmailChange => 1,
        }
    }
}

/// A SHA-256 or HMAC-SHA-256 digest, 32 bytes: what is stored of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// SHA-256 of `text`.
    pub fn of(text: &str) -> Self {
        Self(Sha256::digest(text.as_bytes()).into())
    }

    /// A digest read back from the database; `None` where it has not 32 bytes.
    pub fn from_stored(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether these bytes are the same, compared in constant time.
    pub fn is(&self, stored: &[u8]) -> bool {
        self.0.ct_eq(stored).into()
    }
}

/// The key in a mailed link: 32 lower-case hex characters from 16 random bytes, Glue's `registrationKey`.
///
/// It has no `Debug` and no `Display`, so that it cannot slip into a log.
pub struct LinkKey(String);

impl LinkKey {
    /// A new key.
    pub fn generate(randomness: &dyn Randomness) -> Self {
        let mut bytes = [0; 16];
        randomness.fill(&mut bytes);
        let key = Self(hex::encode(bytes));
        bytes.zeroize();
        key
    }

    /// Reads a key as it comes in from a link or a request. Whatever has another shape was never issued.
    pub fn parse(text: &str) -> Option<Self> {
        let well_formed =
            text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        well_formed.then(|| Self(text.to_owned()))
    }

    /// The key in clear, for the message that carries it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// SHA-256 of the 32 characters. 128 random bits need no slower hash.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.0)
    }
}

impl Drop for LinkKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// The short code printed beside a link: six decimal digits, kept as text because leading zeros count.
pub struct Code(String);

impl Code {
    /// A new code, uniform over 000000 to 999999.
    pub fn generate(randomness: &dyn Randomness) -> Self {
        const CODES: u32 = 1_000_000;
        const FAIR: u32 = u32::MAX - u32::MAX % CODES;
        loop {
            let mut bytes = [0; 4];
            randomness.fill(&mut bytes);
            let number = u32::from_le_bytes(bytes);
            if number < FAIR {
                return Self(format!("{:06}", number % CODES));
            }
        }
    }

    /// Reads a code as a person types it; surrounding blanks do not count.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        (text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| Self(text.to_owned()))
    }

    /// The code in clear, for the message that carries it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// HMAC-SHA-256 of the code under the server key, bound to `key`: twenty bits alone would be guessed from the database,
    /// and the same code beside another link must not look the same.
    pub fn digest(&self, key: &Digest, server_key: &ServerKey) -> CodeDigest {
        CodeDigest(server_key.mac(&[b"code", key.as_bytes(), self.0.as_bytes()]))
    }
}

impl Drop for Code {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// What is stored of a [`Code`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CodeDigest(Digest);

impl CodeDigest {
    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// The 32-byte key under which short or signed values are hashed. Every node of a shop has the same one.
#[derive(Clone)]
pub struct ServerKey([u8; 32]);

impl ServerKey {
    /// A new key.
    pub fn generate(randomness: &dyn Randomness) -> Self {
        let mut bytes = [0; 32];
        randomness.fill(&mut bytes);
        Self(bytes)
    }

    /// A key read from its file.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes, for the file that keeps them.
    pub const fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// HMAC-SHA-256 over `parts`, each preceded by its length so that no two lists of parts collide.
    #[expect(clippy::expect_used, clippy::missing_panics_doc, reason = "HMAC takes keys of any length")]
    pub fn mac(&self, parts: &[&[u8]]) -> Digest {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        Digest(mac.finalize().into_bytes().into())
    }

    /// Whether `claimed` (hex) is the MAC of `parts`, compared in constant time.
    pub fn verify(&self, parts: &[&[u8]], claimed: &str) -> bool {
        let expected = hex::encode(self.mac(parts).as_bytes());
        expected.as_bytes().ct_eq(claimed.as_bytes()).into()
    }
}

impl Drop for ServerKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SystemRandomness;

    #[test]
    fn names_lead_back_to_their_purpose() {
        for purpose in SecretPurpose::ALL {
            assert_eq!(SecretPurpose::parse(purpose.as_str()), Some(purpose));
        }
        assert_eq!(SecretPurpose::parse("anything"), None);
    }

    #[test]
    fn a_link_key_is_32_lower_case_hex_characters() {
        let key = LinkKey::generate(&SystemRandomness);
        assert!(LinkKey::parse(key.expose()).is_some());
        for wrong in [
            "",
            "abc",
            "0123456789ABCDEF0123456789ABCDEF",
            "0123456789abcdef0123456789abcdeg",
            "0123456789abcdef0123456789abcdef0",
        ] {
            assert!(LinkKey::parse(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn the_digest_is_sha_256_of_the_text() {
        let key = LinkKey::parse("607a17d1c673f461ca40002ea79fddc0").unwrap();
        assert_eq!(
            hex::encode(key.digest().as_bytes()),
            "eb62b863a3664e4c153448c0080a8c2081fc260e1756f6d9909ab4c5ce2e9214"
        );
    }

    struct Scripted(std::sync::Mutex<Vec<[u8; 4]>>);

    impl Randomness for Scripted {
        fn fill(&self, bytes: &mut [u8]) {
            let next = self.0.lock().unwrap().remove(0);
            bytes.copy_from_slice(&next);
        }
    }

    #[test]
    fn codes_keep_leading_zeros_and_reject_the_biased_tail() {
        let script = Scripted(std::sync::Mutex::new(vec![u32::MAX.to_le_bytes(), 4711_u32.to_le_bytes()]));
        assert_eq!(Code::generate(&script).expose(), "004711");
    }

    #[test]
    fn codes_are_compared_as_text_after_trimming() {
        assert_eq!(Code::parse(" 004711\n").unwrap().expose(), "004711");
        for wrong in ["4711", "00471a", "0047111", "٠٠٤٧١١"] {
            assert!(Code::parse(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn a_code_digest_depends_on_the_server_key_and_on_the_link() {
        let (one, two) = (ServerKey::from_bytes([1; 32]), ServerKey::from_bytes([2; 32]));
        let code = Code::parse("123456").unwrap();
        let (link, other_link) = (Digest::of("a"), Digest::of("b"));
        assert_eq!(code.digest(&link, &one), code.digest(&link, &one));
        assert_ne!(code.digest(&link, &one), code.digest(&link, &two));
        assert_ne!(code.digest(&link, &one), code.digest(&other_link, &one));
    }

    #[test]
    fn macs_of_differently_split_parts_differ() {
        let key = ServerKey::from_bytes([7; 32]);
        assert_ne!(key.mac(&[b"ab", b"c"]), key.mac(&[b"a", b"bc"]));
        assert!(key.verify(&[b"ab"], &hex::encode(key.mac(&[b"ab"]).as_bytes())));
        assert!(!key.verify(&[b"ab"], ""));
    }
}
