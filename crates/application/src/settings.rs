//! The shop's rules for accounts.

use domain::{DoubleOptIn, Reregistration};
use serde::Deserialize;

/// Section `[accounts]` of the configuration.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountSettings {
    /// Whether an account must be confirmed before it can be used, through whichever door.
    pub double_opt_in: bool,
    /// What a sign-up on an address with open claims does.
    pub reregistration: Reregistration,
    /// Whether answers tell known from unknown addresses.
    pub enumeration: Enumeration,
    /// Open claims on one address at most.
    pub max_open_claims: i64,
    /// Seconds a confirmation link is good for; 0 = for ever.
    pub confirmation_lifetime_seconds: u64,
    /// Seconds between two resends to one address.
    pub resend_cool_down_seconds: u64,
    /// Seconds between two notices to the owner of an address that others try to register.
    pub notice_cool_down_seconds: u64,
    /// What customer references begin with; empty = the store's name.
    pub reference_prefix: String,
}

impl AccountSettings {
    /// The rule of the second door.
    pub const fn double_opt_in(&self) -> DoubleOptIn {
        if self.double_opt_in { DoubleOptIn::Required } else { DoubleOptIn::Off }
    }

    /// Checks bounds.
    ///
    /// # Errors
    ///
    /// A sentence that names the key and what it may be.
    pub fn check(&self) -> Result<(), String> {
        const YEAR: u64 = 366 * 86_400;
        let prefix_fits = self.reference_prefix.len() <= 32
            && self
                .reference_prefix
                .chars()
                .all(|character| character.is_ascii_alphanumeric() || "_-".contains(character));
        let rules = [
            ((1..=1000).contains(&self.max_open_claims), "accounts.max_open_claims must be 1 to 1000"),
            (
                self.confirmation_lifetime_seconds <= YEAR,
                "accounts.confirmation_lifetime_seconds must be at most a year",
            ),
            (self.resend_cool_down_seconds <= 86_400, "accounts.resend_cool_down_seconds must be at most a day"),
            (self.notice_cool_down_seconds <= YEAR, "accounts.notice_cool_down_seconds must be at most a year"),
            (prefix_fits, "accounts.reference_prefix must be at most 32 letters, digits, `_` or `-`"),
        ];
        rules.into_iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, text)| Err(text.to_owned()))
    }
}

/// Whether registration, login and resend answer alike for known and unknown addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Enumeration {
    /// Each contract's own answers.
    Glue,
    /// The same answer, the same work.
    Hardened,
}
