//! Password hashes: made with Argon2id, checked in every format that customers bring along, on threads of their own.
//!
//! The threads run at lower priority than those that answer requests, and their queue is bounded: a flood of sign-ups makes
//! sign-ups wait or be refused, and nothing else.

mod argon2id;
mod legacy;
mod pool;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use domain::{Password, PasswordHash, Randomness};
use serde::Deserialize;
use thiserror::Error;

use argon2id::{Argon2idHash, Recipe};
use legacy::LegacyHash;
use pool::{Limits, Memory, Pool};

/// Section `[passwords]` of the configuration: what a hash costs, and who computes it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HasherSettings {
    /// Memory of one hash, in KiB.
    pub memory_kib: u32,
    /// Passes over that memory.
    pub iterations: u32,
    /// Lanes of the memory. They are computed one after the other: this changes the hash, not its speed.
    pub parallelism: u32,
    /// Hashing threads; 0 = as many as the machine has cores.
    pub threads: usize,
    /// Passwords that may wait for a thread; one more is refused.
    pub queue: usize,
    /// Seconds without work after which a thread gives its memory back.
    pub release_memory_after_seconds: u64,
}

/// The weakest parameters OWASP calls sufficient, as (passes, least KiB).
const WEAKEST: [(u32, u32); 4] = [(2, 19_456), (3, 12_288), (4, 9_216), (5, 7_168)];

impl HasherSettings {
    /// Checks bounds.
    ///
    /// # Errors
    ///
    /// A sentence that names the key and what it may be.
    pub fn check(&self) -> Result<(), String> {
        let strong = WEAKEST.iter().any(|&(passes, kib)| self.iterations >= passes && self.memory_kib >= kib);
        let affordable = argon2id::is_affordable(self.memory_kib, self.iterations, self.parallelism);
        let rules = [
            (
                strong,
                "passwords.memory_kib and passwords.iterations are too weak: at least 19456 KiB with 2 iterations, \
                 12288 with 3, 9216 with 4, or 7168 with 5",
            ),
            ((1..=16).contains(&self.parallelism), "passwords.parallelism must be 1 to 16"),
            (
                affordable,
                "passwords.memory_kib must be at most 1048576 (1 GiB), and memory_kib times iterations at most 8388608",
            ),
            (self.threads <= 256, "passwords.threads must be at most 256; 0 means as many as there are cores"),
            ((1..=65_536).contains(&self.queue), "passwords.queue must be 1 to 65536"),
            (
                (1..=86_400).contains(&self.release_memory_after_seconds),
                "passwords.release_memory_after_seconds must be 1 to 86400",
            ),
        ];
        rules.into_iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, text)| Err(text.to_owned()))
    }

    fn threads(&self) -> usize {
        match self.threads {
            0 => std::thread::available_parallelism().map_or(1, NonZeroUsize::get),
            threads => threads,
        }
    }
}

/// Why the hashing threads did not start.
#[derive(Debug, Error)]
pub enum HasherError {
    /// A setting is out of bounds.
    #[error("{0}")]
    Settings(String),
    /// The operating system gave no thread.
    #[error("cannot start a password hashing thread: {0}")]
    Thread(#[from] std::io::Error),
}

/// The password was not looked at: the queue is full, or there was no memory for the computation. Try again later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the password hashing queue is full")]
pub struct HasherBusy;

/// What a password check found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verification {
    /// Not the password; or there is none, or what is stored is no hash.
    Wrong,
    /// The password.
    Right,
    /// The password, but hashed in another format or with other parameters than today's: time to hash it anew.
    RightButOutdated,
}

/// The hashing threads. Clones share them; they end with the last clone.
#[derive(Clone)]
pub struct Hasher {
    pool: Arc<Pool>,
    recipe: Arc<Recipe>,
    randomness: Arc<dyn Randomness>,
}

impl Hasher {
    /// Starts the threads. They take their memory at their first hash.
    ///
    /// # Errors
    ///
    /// [`HasherError`] when a setting is out of bounds or a thread cannot be had.
    pub fn start(settings: &HasherSettings, randomness: Arc<dyn Randomness>) -> Result<Self, HasherError> {
        let release_after = Duration::from_secs(settings.release_memory_after_seconds);
        Self::start_with(settings, randomness, release_after)
    }

    fn start_with(
        settings: &HasherSettings,
        randomness: Arc<dyn Randomness>,
        release_after: Duration,
    ) -> Result<Self, HasherError> {
        settings.check().map_err(HasherError::Settings)?;
        let recipe = Recipe::new(settings.memory_kib, settings.iterations, settings.parallelism, &*randomness)
            .ok_or_else(|| HasherError::Settings("Argon2 does not define these parameters".to_owned()))?;
        let limits =
            Limits { threads: settings.threads(), queue: settings.queue, usual_blocks: recipe.blocks(), release_after };
        Ok(Self { pool: Arc::new(Pool::start(&limits)?), recipe: Arc::new(recipe), randomness })
    }

    /// How many passwords may wait for a thread.
    pub fn queue(&self) -> usize {
        self.pool.capacity()
    }

    /// Whether a password can be checked against this text: it is a hash in a known format, of parameters that can be paid.
    pub fn understands(hash: &PasswordHash) -> bool {
        StoredHash::parse(hash.expose()).is_some()
    }

    /// Hashes a new password with a salt of its own. Takes tens of milliseconds, and longer when others wait.
    ///
    /// # Errors
    ///
    /// [`HasherBusy`] at once when the queue is full.
    pub async fn hash(&self, password: &Password) -> Result<PasswordHash, HasherBusy> {
        let (recipe, randomness) = (Arc::clone(&self.recipe), Arc::clone(&self.randomness));
        let password = password.clone();
        self.pool.run(move |memory| recipe.hash(&password, &*randomness, memory)).await
    }

    /// Checks a password against what is stored. `None`, and whatever is no hash, costs the same as a hash of today's
    /// parameters, so that time does not tell who has an account.
    ///
    /// # Errors
    ///
    /// [`HasherBusy`] at once when the queue is full.
    pub async fn verify(&self, password: &Password, stored: Option<&PasswordHash>) -> Result<Verification, HasherBusy> {
        let recipe = Arc::clone(&self.recipe);
        let (password, stored) = (password.clone(), stored.cloned());
        self.pool.run(move |memory| verify(&recipe, &password, stored.as_ref(), memory)).await
    }
}

/// `None` when there is no memory for the computation.
fn verify(
    recipe: &Recipe,
    password: &Password,
    stored: Option<&PasswordHash>,
    memory: &mut Memory,
) -> Option<Verification> {
    match stored.map(|stored| StoredHash::parse(stored.expose())) {
        Some(Some(StoredHash::Argon2id(hash))) => Some(match (hash.matches(password, memory)?, hash.follows(recipe)) {
            (false, _) => Verification::Wrong,
            (true, true) => Verification::Right,
            (true, false) => Verification::RightButOutdated,
        }),
        Some(Some(StoredHash::Legacy(hash))) => {
            Some(if hash.matches(password) { Verification::RightButOutdated } else { Verification::Wrong })
        }
        unusable => {
            if unusable.is_some() {
                tracing::warn!("a stored password hash is malformed or demands absurd work: nobody can log in with it");
            }
            recipe.work_for_nothing(password, memory)?;
            Some(Verification::Wrong)
        }
    }
}

enum StoredHash<'a> {
    Argon2id(Argon2idHash),
    Legacy(LegacyHash<'a>),
}

impl<'a> StoredHash<'a> {
    /// `None` for what is no hash, and for one whose computation would keep a thread from everybody else.
    fn parse(text: &'a str) -> Option<Self> {
        Argon2idHash::parse(text).map(Self::Argon2id).or_else(|| LegacyHash::parse(text).map(Self::Legacy))
    }
}

#[cfg(test)]
mod tests;
