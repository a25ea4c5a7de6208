//! Refresh tokens: opaque, stored as digests, rotated on use, grouped in families that fall together.

use zeroize::Zeroize;

use crate::identity::hex_identity;
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

hex_identity! {
    /// All refresh tokens that descend from one login, 32 hex characters. Reuse of a spent one revokes them together.
    FamilyId
}
