//! The shop's rules for accounts.

use domain::{DoubleOptIn, Reregistration, SecretPurpose};
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
    /// Seconds a link to set a new password is good for; 0 = for ever.
    pub restore_lifetime_seconds: u64,
    /// Seconds between two such links to one address.
    pub restore_cool_down_seconds: u64,
    /// Whether setting a new password with a mailed link confirms the address, too.
    pub restore_confirms: bool,
    /// Wrong passwords, from one client for one account, that close the login lock; 0 = there is no lock.
    pub login_attempts: i32,
    /// Seconds from the first wrong password in which they are counted together.
    pub login_window_seconds: u64,
    /// Seconds that a closed login lock stays closed.
    pub login_block_seconds: u64,
    /// Addresses in one customer's book at most.
    pub max_addresses: i64,
    /// Changes of the e-mail address that one customer may ask for in 24 hours.
    pub email_changes_per_day: i32,
    /// Mails to one address that strangers can cause within 24 hours: resends, restores and changes of address.
    pub mails_per_address_per_day: i32,
    /// What customer references begin with; empty = the store's name.
    pub reference_prefix: String,
}

impl AccountSettings {
    /// The rule of the second door.
    pub const fn double_opt_in(&self) -> DoubleOptIn {
        if self.double_opt_in { DoubleOptIn::Required } else { DoubleOptIn::Off }
    }

    /// Seconds that a key for this is good for; 0 = for ever.
    pub const fn key_lifetime_seconds(&self, purpose: SecretPurpose) -> u64 {
        match purpose {
            SecretPurpose::Confirmation | SecretPurpose::EmailChange => self.confirmation_lifetime_seconds,
            SecretPurpose::Restore => self.restore_lifetime_seconds,
        }
    }

    /// What the references of new customers of a store begin with.
    pub fn reference_prefix_in<'a>(&'a self, store_name: &'a str) -> &'a str {
        if self.reference_prefix.is_empty() { store_name } else { &self.reference_prefix }
    }

    /// Checks bounds.
    ///
    /// # Errors
    ///
    /// A sentence that names the key and what it may be.
    pub fn check(&self) -> Result<(), String> {
        const DAY: u64 = 86_400;
        const YEAR: u64 = 366 * DAY;
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
            (self.resend_cool_down_seconds <= DAY, "accounts.resend_cool_down_seconds must be at most a day"),
            (self.notice_cool_down_seconds <= YEAR, "accounts.notice_cool_down_seconds must be at most a year"),
            (self.restore_lifetime_seconds <= YEAR, "accounts.restore_lifetime_seconds must be at most a year"),
            (self.restore_cool_down_seconds <= DAY, "accounts.restore_cool_down_seconds must be at most a day"),
            ((0..=1_000_000).contains(&self.login_attempts), "accounts.login_attempts must be 0 to 1000000"),
            ((1..=DAY).contains(&self.login_window_seconds), "accounts.login_window_seconds must be 1 to a day"),
            ((1..=DAY).contains(&self.login_block_seconds), "accounts.login_block_seconds must be 1 to a day"),
            ((1..=10_000).contains(&self.max_addresses), "accounts.max_addresses must be 1 to 10000"),
            ((1..=1000).contains(&self.email_changes_per_day), "accounts.email_changes_per_day must be 1 to 1000"),
            (
                (1..=1000).contains(&self.mails_per_address_per_day),
                "accounts.mails_per_address_per_day must be 1 to 1000",
            ),
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
