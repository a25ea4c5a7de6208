//! Refresh tokens: opaque, stored as digests, rotated on use, grouped in families that fall together.

use zeroize::Zeroize;

use crate::{Digest, Randomness};

/// An opaque refresh token: 64 lower-case hex characters from 32 random bytes.
///
/// It has no `Debug` and no `Display`, so that it cannot slip into a log.
pub struct RefreshToken(String);

impl RefreshToken {
    /// The longest text that is looked at; anything longer was never issued.
    pub const MAX_CHARACTERS: usize = 4096;

    /// A new token.
    pub fn generate(randomness: &dyn Randomness) -> Self {
        let mut bytes = [0; 32];
        randomness.fill(&mut bytes);
        let token = Self(hex::encode(bytes));
        bytes.zeroize();
        token
    }

    /// The token in clear, for the answer that hands it out.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// SHA-256 of the token's text.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.0)
    }

    /// The digest under which a presented token would be stored, whatever its shape.
    pub fn digest_of_presented(text: &str) -> Digest {
        Digest::of(text)
    }
}

impl Drop for RefreshToken {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// All refresh tokens that descend from one login, 32 hex characters. Reuse of a spent one revokes them together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FamilyId(String);

impl FamilyId {
    /// A new family.
    pub fn generate(randomness: &dyn Randomness) -> Self {
        let mut bytes = [0; 16];
        randomness.fill(&mut bytes);
        Self(hex::encode(bytes))
    }

    /// A family read back from the database.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The 32 hex characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
