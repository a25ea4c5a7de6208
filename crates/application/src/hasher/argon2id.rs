//! Argon2id (RFC 9106) in PHC strings: today's format.

use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use domain::{Password, PasswordHash, Randomness};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::pool::Memory;

const SALT_BYTES: usize = 16;
const HASH_BYTES: usize = 32;
/// A shorter one would be met by chance.
const MIN_STORED_HASH_BYTES: usize = 16;

const MAX_MEMORY_KIB: u32 = 1 << 20;
const MAX_WORK_KIB: u64 = 8 << 20;
const MAX_LANES: u32 = 64;

/// Whether a hash of these parameters is done within seconds and a gigabyte.
pub fn is_affordable(memory_kib: u32, iterations: u32, lanes: u32) -> bool {
    memory_kib <= MAX_MEMORY_KIB
        && u64::from(memory_kib) * u64::from(iterations) <= MAX_WORK_KIB
        && (1..=MAX_LANES).contains(&lanes)
}

/// How new passwords are hashed.
pub struct Recipe {
    params: Params,
    dummy_salt: [u8; SALT_BYTES],
}

impl Recipe {
    /// `None` when Argon2 does not define these parameters: less than 8 KiB a lane.
    pub fn new(memory_kib: u32, iterations: u32, lanes: u32, randomness: &dyn Randomness) -> Option<Self> {
        let params = Params::new(memory_kib, iterations, lanes, Some(HASH_BYTES)).ok()?;
        let mut dummy_salt = [0; SALT_BYTES];
        randomness.fill(&mut dummy_salt);
        Some(Self { params, dummy_salt })
    }

    /// Blocks of 1 KiB that one hash needs.
    pub const fn blocks(&self) -> usize {
        self.params.block_count()
    }

    /// A PHC string; `None` when there is no memory.
    pub fn hash(&self, password: &Password, randomness: &dyn Randomness, memory: &mut Memory) -> Option<PasswordHash> {
        let mut salt = [0; SALT_BYTES];
        randomness.fill(&mut salt);
        let mut output = Zeroizing::new([0; HASH_BYTES]);
        compute(&self.params, Version::V0x13, password, &salt, &mut *output, memory)?;
        let (memory_kib, iterations, lanes) = (self.params.m_cost(), self.params.t_cost(), self.params.p_cost());
        let mut phc = format!("$argon2id$v=19$m={memory_kib},t={iterations},p={lanes}$");
        STANDARD_NO_PAD.encode_string(salt, &mut phc);
        phc.push('$');
        STANDARD_NO_PAD.encode_string(*output, &mut phc);
        Some(PasswordHash::from_stored(phc))
    }

    /// The same work as a hash, with nothing to show for it. `None` when there is no memory.
    pub fn work_for_nothing(&self, password: &Password, memory: &mut Memory) -> Option<()> {
        let mut output = Zeroizing::new([0; HASH_BYTES]);
        compute(&self.params, Version::V0x13, password, &self.dummy_salt, &mut *output, memory)
    }
}

/// An Argon2id hash as it is stored, whatever its parameters.
pub struct Argon2idHash {
    params: Params,
    version: Version,
    salt: Vec<u8>,
    output: Zeroizing<Vec<u8>>,
}

impl Argon2idHash {
    /// `None` for other formats, malformed strings and parameters that are not affordable.
    pub fn parse(text: &str) -> Option<Self> {
        let hash = argon2::PasswordHash::new(text).ok()?;
        if hash.algorithm != ARGON2ID_IDENT {
            return None;
        }
        let params = Params::try_from(&hash).ok()?;
        if !is_affordable(params.m_cost(), params.t_cost(), params.p_cost()) {
            return None;
        }
        // Strings without a version are older than the field.
        let version = hash.version.map_or(Ok(Version::V0x10), Version::try_from).ok()?;
        let salt = hash.salt?.to_vec();
        let output = Zeroizing::new(hash.hash?.as_bytes().to_vec());
        let is_long_enough = salt.len() >= argon2::MIN_SALT_LEN && output.len() >= MIN_STORED_HASH_BYTES;
        is_long_enough.then_some(Self { params, version, salt, output })
    }

    /// Whether this is the password's hash; `None` when there is no memory.
    pub fn matches(&self, password: &Password, memory: &mut Memory) -> Option<bool> {
        let mut output = Zeroizing::new(vec![0; self.output.len()]);
        compute(&self.params, self.version, password, &self.salt, &mut output, memory)?;
        Some(output.ct_eq(&self.output).into())
    }

    /// Whether it would be made the same way today.
    pub fn follows(&self, recipe: &Recipe) -> bool {
        self.params == recipe.params && self.version == Version::V0x13 && self.salt.len() >= SALT_BYTES
    }
}

fn compute(
    params: &Params,
    version: Version,
    password: &Password,
    salt: &[u8],
    output: &mut [u8],
    memory: &mut Memory,
) -> Option<()> {
    let blocks = memory.blocks(params.block_count())?;
    Argon2::new(Algorithm::Argon2id, version, params.clone())
        .hash_password_into_with_memory(password.expose().as_bytes(), salt, output, blocks)
        .inspect_err(|error| tracing::error!(%error, "Argon2id refused its input"))
        .ok()
}
