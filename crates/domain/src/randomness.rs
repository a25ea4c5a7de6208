//! Chance, which comes in from outside.

use rand::TryRng;

/// A source of random bytes fit for secrets. The only one: `clippy.toml` forbids the ambient ones.
pub trait Randomness: Send + Sync + 'static {
    /// Fills `bytes` with unpredictable values.
    fn fill(&self, bytes: &mut [u8]);
}

/// The operating system's random source.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandomness;

impl Randomness for SystemRandomness {
    /// # Panics
    ///
    /// When the operating system has no randomness to give: no secret could be made, and a weak one must not be.
    #[expect(clippy::expect_used, reason = "going on would mean guessable secrets")]
    fn fill(&self, bytes: &mut [u8]) {
        rand::rngs::SysRng.try_fill_bytes(bytes).expect("the operating system provides randomness");
    }
}
