//! Merchants who bring users along, and what the users are to them.

use std::fmt;

use zeroize::Zeroize;

use crate::{Digest, Marks, Randomness};

/// The number of a merchant. Positive, never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MerchantId(pub i64);

impl fmt::Display for MerchantId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// The number of a merchant's user, which is not the customer's. Positive, never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MerchantUserId(pub i32);

/// The longest name of a merchant or of one of their operators, in Unicode code points.
pub const MAX_MERCHANT_NAME_CHARACTERS: usize = 100;

/// What a merchant's client shows that it is one: 64 lower-case hex characters from 32 random bytes.
///
/// It has no `Debug` and no `Display`, so that it cannot slip into a log.
pub struct ClientSecret(String);

impl ClientSecret {
    /// A new secret.
    pub fn generate(randomness: &dyn Randomness) -> Self {
        let mut bytes = [0; 32];
        randomness.fill(&mut bytes);
        let secret = Self(hex::encode(bytes));
        bytes.zeroize();
        secret
    }

    /// The secret in clear, for whoever sets the client up.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// SHA-256 of the text. 256 random bits need no slower hash.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.0)
    }
}

impl Drop for ClientSecret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// What a merchant's user is at this moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MerchantUserState {
    /// There, and the address not shown to be theirs; or there is none.
    Registered,
    /// The address is theirs.
    Verified,
    /// An operator has suspended the account.
    Deactivated,
    /// The account is anonymised.
    Closed,
}

impl MerchantUserState {
    /// The state of a user who stands for a customer with these marks, or for none.
    pub const fn of(marks: Option<Marks>) -> Self {
        match marks {
            Some(Marks { anonymised_at: Some(_), .. }) => Self::Closed,
            Some(Marks { suspended_at: Some(_), .. }) => Self::Deactivated,
            Some(Marks { confirmed_at: Some(_), .. }) => Self::Verified,
            Some(_) | None => Self::Registered,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SystemRandomness, Timestamp};

    #[test]
    fn what_is_closed_or_switched_off_wins_over_the_rest() {
        let at = |set: bool| set.then(|| Timestamp::from_micros(1));
        for (confirmed, suspended, anonymised, expected) in [
            (false, false, false, MerchantUserState::Registered),
            (true, false, false, MerchantUserState::Verified),
            (false, true, false, MerchantUserState::Deactivated),
            (true, true, false, MerchantUserState::Deactivated),
            (true, false, true, MerchantUserState::Closed),
            (true, true, true, MerchantUserState::Closed),
        ] {
            let marks = Marks {
                confirmed_at: at(confirmed),
                suspended_at: at(suspended),
                anonymised_at: at(anonymised),
                tokens_ended_at: None,
            };
            assert_eq!(MerchantUserState::of(Some(marks)), expected, "{marks:?}");
        }
        assert_eq!(MerchantUserState::of(None), MerchantUserState::Registered);
    }

    #[test]
    fn a_secret_is_long_and_random() {
        let (one, other) = (ClientSecret::generate(&SystemRandomness), ClientSecret::generate(&SystemRandomness));
        assert_eq!(one.expose().len(), 64);
        assert_ne!(one.expose(), other.expose());
        assert_eq!(one.digest(), Digest::of(one.expose()));
    }
}
