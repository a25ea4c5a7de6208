//! Hashes that customers bring along from other shops: bcrypt as PHP writes it, and Django's PBKDF2. Checked, never made.

use std::str::FromStr as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bcrypt::HashParts;
use domain::Password;
use pbkdf2::pbkdf2_hmac;
use sha2::{Digest as _, Sha256, Sha512};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// bcrypt looks at no more bytes of a password than this.
const BCRYPT_BYTES: usize = 72;
/// Doublings of bcrypt's work; 16 takes some seconds.
const MAX_BCRYPT_COST: u32 = 16;
const MAX_PBKDF2_ITERATIONS: u32 = 10_000_000;

/// A hash in a foreign format.
pub enum LegacyHash<'a> {
    /// `$2a$`, `$2b$` or `$2y$`.
    Bcrypt(&'a str),
    /// `pbkdf2_sha256$<iterations>$<salt>$<base64>`.
    Pbkdf2 {
        /// Rounds of HMAC-SHA-256.
        iterations: u32,
        /// Used as it stands, not decoded.
        salt: &'a str,
        /// The 32 bytes it must come to.
        output: Zeroizing<Vec<u8>>,
    },
}

impl<'a> LegacyHash<'a> {
    /// `None` for other formats, malformed strings and costs beyond all measure.
    pub fn parse(text: &'a str) -> Option<Self> {
        match text.strip_prefix("pbkdf2_sha256$") {
            Some(rest) => Self::parse_pbkdf2(rest),
            None => Self::parse_bcrypt(text),
        }
    }

    fn parse_bcrypt(text: &'a str) -> Option<Self> {
        let known = ["$2a$", "$2b$", "$2y$"].iter().any(|prefix| text.starts_with(prefix));
        let parts = HashParts::from_str(text).ok().filter(|_| known)?;
        (4..=MAX_BCRYPT_COST).contains(&parts.get_cost()).then_some(Self::Bcrypt(text))
    }

    fn parse_pbkdf2(rest: &'a str) -> Option<Self> {
        let mut fields = rest.split('$');
        let (Some(iterations), Some(salt), Some(output), None) =
            (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            return None;
        };
        let iterations = iterations.parse().ok().filter(|count| (1..=MAX_PBKDF2_ITERATIONS).contains(count))?;
        let output = Zeroizing::new(STANDARD.decode(output).ok()?);
        (output.len() == 32 && !salt.is_empty()).then_some(Self::Pbkdf2 { iterations, salt, output })
    }

    /// Whether this is the password's hash.
    pub fn matches(&self, password: &Password) -> bool {
        let password = password.expose();
        match self {
            Self::Bcrypt(hash) => matches_bcrypt(password, hash),
            Self::Pbkdf2 { iterations, salt, output } => {
                let mut computed = Zeroizing::new([0; 32]);
                pbkdf2_hmac::<Sha256>(password.as_bytes(), salt.as_bytes(), *iterations, &mut *computed);
                computed.ct_eq(output).into()
            }
        }
    }
}

/// Symfony digests what bcrypt would not see whole before it hashes it: long passwords, and those with a NUL byte. Laravel
/// cuts long ones off, so these may be either.
fn matches_bcrypt(password: &str, hash: &str) -> bool {
    let matches = |input: &[u8]| bcrypt::verify(input, hash).unwrap_or(false);
    let has_nul = password.contains('\0');
    let seen_whole = password.len() <= BCRYPT_BYTES && !has_nul;
    if seen_whole {
        return matches(password.as_bytes());
    }
    let digest = Zeroizing::new(STANDARD.encode(Sha512::digest(password.as_bytes())));
    matches(digest.as_bytes()) || (!has_nul && matches(password.as_bytes()))
}
