//! The lock on guessing passwords: so many wrong ones from one client for one account, then none is looked at for a while.
//!
//! It is one for all doors and all nodes, for it is a row in the database.

use std::net::{IpAddr, Ipv6Addr};

use domain::{CustomerId, Digest, EmailAddress, MerchantId, Timestamp};
use store::LoginLock;

use crate::{Application, Failure, seconds};

/// As much of what was typed as a user name tells two accounts apart; no address is longer.
const MAX_USERNAME_CHARACTERS: usize = 320;

/// How much of an IPv6 address is one client: whoever has one address of a /64 has them all.
const IPV6_CLIENT_BITS: u32 = 64;

impl Application {
    /// For how many more seconds nobody can log in with this user name from this client, whatever the password; `None` when
    /// there is no lock. Spellings of one address share a lock, and so do the IPv6 addresses of one /64.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn login_lock(&self, username: &str, client: IpAddr) -> Result<Option<u64>, Failure> {
        self.seconds_locked(self.lock_of_login(username, client)).await
    }

    /// How long a lock lasts, in minutes begun: the number that its text names, whatever is left of the lock.
    pub fn login_block_minutes(&self) -> u64 {
        self.accounts().login_block_seconds.div_ceil(60)
    }

    /// The lock that a login counts in; none when the shop wants no lock.
    pub(crate) fn lock_of_login(&self, username: &str, client: IpAddr) -> Option<LoginLock> {
        let account = match EmailAddress::parse(username) {
            Ok(email) => email.canonical().to_owned(),
            Err(_) => username.to_lowercase().chars().take(MAX_USERNAME_CHARACTERS).collect(),
        };
        self.lock(&format!("login|{}|{account}", one_client(client)))
    }

    /// The lock that a login of somebody who works for a merchant counts in.
    pub(crate) fn lock_of_operator(&self, merchant: MerchantId, username: &str, client: IpAddr) -> Option<LoginLock> {
        let name: String = username.chars().take(MAX_USERNAME_CHARACTERS).collect();
        self.lock(&format!("operator|{}|{merchant}|{name}", one_client(client)))
    }

    /// The lock that wrong current passwords of a customer who is logged in count in.
    pub(crate) fn lock_of_customer(&self, id: CustomerId) -> Option<LoginLock> {
        self.lock(&format!("current password|{id}"))
    }

    /// For how many more seconds that lock is closed.
    pub(crate) async fn seconds_locked(&self, lock: Option<LoginLock>) -> Result<Option<u64>, Failure> {
        let Some(lock) = lock else { return Ok(None) };
        let now = self.clock().now();
        let until = self.store().find_login_lock(&lock, now).await?;
        Ok(until.map(|until| seconds_left(until, now)))
    }

    /// Counts a wrong password. `Some` with the seconds left when the lock was closed by others meanwhile: this one was not
    /// counted, and its outcome must not be told.
    pub(crate) async fn count_wrong_password(&self, lock: Option<LoginLock>) -> Result<Option<u64>, Failure> {
        let Some(lock) = lock else { return Ok(None) };
        let now = self.clock().now();
        let until = self.store().count_failed_login(lock, now).await?;
        Ok(until.map(|until| seconds_left(until, now)))
    }

    fn lock(&self, name: &str) -> Option<LoginLock> {
        let accounts = self.accounts();
        (accounts.login_attempts > 0).then(|| LoginLock {
            key: Digest::of(name),
            attempts: accounts.login_attempts,
            window: seconds(accounts.login_window_seconds),
            block: seconds(accounts.login_block_seconds),
        })
    }
}

/// Whole seconds, at least one: whoever waits that long is not told to wait again.
pub(crate) fn seconds_left(until: Timestamp, now: Timestamp) -> u64 {
    until.since(now).as_micros().div_ceil(1_000_000).try_into().unwrap_or(u64::MAX).max(1)
}

/// The address that stands for all that one client can have: itself, or the /64 that it is in.
pub fn one_client(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let network = address.to_bits() & (u128::MAX << (Ipv6Addr::BITS - IPV6_CLIENT_BITS));
            IpAddr::V6(Ipv6Addr::from_bits(network))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_has_an_ipv6_network_is_one_client() {
        let client = |text: &str| one_client(text.parse().unwrap());
        for (one, other, same) in [
            ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", true),
            ("2001:db8:1:2::1", "2001:db8:1:3::1", false),
            ("192.0.2.1", "192.0.2.2", false),
            ("::ffff:192.0.2.1", "192.0.2.1", true),
        ] {
            assert_eq!(client(one) == client(other), same, "{one} {other}");
        }
    }

    #[test]
    fn what_is_left_of_a_lock_is_rounded_up() {
        let now = Timestamp::from_micros(0);
        for (micros, expected) in [(300_000_000, 300), (299_000_001, 300), (1_000, 1), (1, 1), (0, 1)] {
            assert_eq!(seconds_left(Timestamp::from_micros(micros), now), expected, "{micros}");
        }
    }
}
