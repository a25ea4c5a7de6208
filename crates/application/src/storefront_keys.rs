//! The keys with which storefronts name themselves.

use std::sync::Arc;
use std::time::Duration;

use domain::{Clock, Digest, Randomness, StorefrontKey};
use store::{NewStorefrontKey, RotatedStorefrontKey, Store, StorefrontAccess, StorefrontKeyLine};

use crate::{Application, Failure};

/// The longest name of a key, in Unicode code points.
const MAX_NAME_CHARACTERS: usize = 64;

/// The most requests in one window that a limit can name.
pub const MAX_STOREFRONT_LIMIT: u32 = 5_000;

/// The most networks that a list can name.
const MAX_NETWORKS: usize = 64;

const DAY: Duration = Duration::from_secs(86_400);

/// How long a key that takes the place of another one is good.
const ROTATED_LIFETIME: Duration = DAY.saturating_mul(365);

/// How long the one whose place it takes still is.
const GRACE: Duration = DAY.saturating_mul(7);

/// Looks after storefront keys, for an operator.
pub struct StorefrontKeys {
    /// Where they are.
    pub store: Store,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub randomness: Arc<dyn Randomness>,
}

/// Why a key was not made, or none was found.
#[derive(Debug, thiserror::Error)]
pub enum StorefrontKeyError {
    /// The name is none.
    #[error("a name has 1 to {MAX_NAME_CHARACTERS} characters, none of them a control character")]
    Name,
    /// The limit is beyond what is allowed.
    #[error("a limit is at most {MAX_STOREFRONT_LIMIT}; 0 means that there is none")]
    Limit,
    /// The list of networks is too long.
    #[error("at most {MAX_NETWORKS} networks can be named")]
    Networks,
    /// Another key in use has the name.
    #[error("there is a key named `{0}`; `storefront-keys rotate` puts a new one in its place")]
    Taken(String),
    /// No key has the name.
    #[error("no key in use is named `{0}`")]
    Unknown(String),
    /// The database failed.
    #[error("{0}")]
    Store(#[from] store::StoreError),
}

impl StorefrontKeys {
    /// Makes a key. It is told this once; only its digest is kept. `networks` are addresses or networks, read already.
    ///
    /// # Errors
    ///
    /// What is wrong with name, limit or networks.
    pub async fn create(
        &self,
        name: &str,
        limit: u32,
        networks: Vec<String>,
    ) -> Result<StorefrontKey, StorefrontKeyError> {
        let name = name.trim();
        if !(1..=MAX_NAME_CHARACTERS).contains(&name.chars().count()) || name.chars().any(char::is_control) {
            return Err(StorefrontKeyError::Name);
        }
        if limit > MAX_STOREFRONT_LIMIT {
            return Err(StorefrontKeyError::Limit);
        }
        if networks.len() > MAX_NETWORKS {
            return Err(StorefrontKeyError::Networks);
        }
        let key = StorefrontKey::generate(&*self.randomness);
        let new = NewStorefrontKey {
            name: name.to_owned(),
            digest: key.digest(),
            beginning: key.beginning().to_owned(),
            limit,
            networks,
            now: self.clock.now(),
        };
        if self.store.insert_storefront_key(new).await? {
            Ok(key)
        } else {
            Err(StorefrontKeyError::Taken(name.to_owned()))
        }
    }

    /// All keys, by name and age.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn list(&self) -> Result<Vec<StorefrontKeyLine>, StorefrontKeyError> {
        Ok(self.store.list_storefront_keys().await?)
    }

    /// Puts a new key in the place of another one, which is good for a week yet; the new one is for a year.
    ///
    /// # Errors
    ///
    /// [`StorefrontKeyError::Unknown`]
    pub async fn rotate(&self, name: &str) -> Result<StorefrontKey, StorefrontKeyError> {
        let key = StorefrontKey::generate(&*self.randomness);
        let rotated = RotatedStorefrontKey {
            name: name.trim().to_owned(),
            digest: key.digest(),
            beginning: key.beginning().to_owned(),
            lifetime: ROTATED_LIFETIME,
            grace: GRACE,
            now: self.clock.now(),
        };
        if self.store.rotate_storefront_key(rotated).await? {
            Ok(key)
        } else {
            Err(StorefrontKeyError::Unknown(name.to_owned()))
        }
    }

    /// Switches off all keys that have or had a name, at once, and tells how many.
    ///
    /// # Errors
    ///
    /// [`StorefrontKeyError::Unknown`]
    pub async fn disable(&self, name: &str) -> Result<usize, StorefrontKeyError> {
        match self.store.disable_storefront_keys(name.trim(), self.clock.now()).await? {
            0 => Err(StorefrontKeyError::Unknown(name.to_owned())),
            count => Ok(count),
        }
    }
}

impl Application {
    /// What a storefront key is good for; `None` when it is good for nothing.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn find_storefront_key(&self, key: &str) -> Result<Option<StorefrontAccess>, Failure> {
        if key.len() > StorefrontKey::MAX_CHARACTERS {
            return Ok(None);
        }
        Ok(self.store().find_storefront_key(Digest::of(key), self.clock().now()).await?)
    }
}
