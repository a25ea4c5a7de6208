//! The use cases: register, confirm, resend, authenticate, refresh, restore, read and change one's account, fill carts,
//! import.
//!
//! A surface parses its own shape into `domain` values, calls one method of [`Application`], and turns the outcome back into
//! its own words. This crate owns the slow things (hashing, signing) and does them with no unit of work open; what must be
//! atomic is one call of `store`. It knows neither HTTP nor SQL.

mod addresses;
mod authenticate;
mod bearer_tokens;
mod carts;
mod catalogue;
mod confirm;
mod confirm_page;
mod customers;
mod failure;
mod hasher;
mod http_client;
mod import;
mod leaked_passwords;
mod line_problem;
mod login_lock;
mod merchant_users;
mod merchants;
mod passwords;
mod product_fields;
mod product_import;
mod profile;
mod readiness;
mod register;
mod resend;
mod settings;
mod signer;
mod storefront_keys;

use std::sync::Arc;
use std::time::Duration;

use domain::{Clock, MessageKind, Randomness, SecretPurpose, ServerKey};
use store::Store;
use tokio::sync::Notify;

pub use addresses::AddressError;
pub use authenticate::{AuthenticateError, Login, LoginRefusal, RefreshError, TokenPair};
pub use bearer_tokens::{BearerCaller, BearerError, BearerLogin, BearerLoginError};
pub use carts::{CartError, CartForm, CartSettings, GuestCartAtLogin, Shopper};
pub use catalogue::{Catalogue, CatalogueSettings};
pub use confirm::ConfirmError;
pub use confirm_page::{ConfirmPage, ConfirmPageError, PageProof};
pub use customers::{OwnCustomerError, UpdateCustomer, UpdateCustomerError};
pub use failure::Failure;
pub use hasher::{Hasher, HasherBusy, HasherError, HasherSettings, Verification};
pub use import::{CustomerFields, CustomerImport, ImportError, ImportRow, Imported};
pub use leaked_passwords::LeakedPasswords;
pub use line_problem::LineProblem;
pub use login_lock::one_client;
pub use merchant_users::{ConfirmMerchantUserError, CreateMerchantUserError, MerchantUserForm, SendCodeError};
pub use merchants::{
    CreatedMerchant, KnownClient, MerchantError, MerchantSettings, MerchantTokenError, MerchantTokens, Merchants,
    OperatorLogin,
};
pub use passwords::{ChangePasswordError, ChangePasswordForm, RestoreForm, RestorePasswordError};
pub use product_fields::{MAX_PRODUCT_BYTES, ProductField, UnknownMembers, product_of_json, product_of_row};
pub use product_import::{ProductImport, ProductImportError, ProductRow};
pub use profile::{LeaveError, NewPassword, UpdateProfile, UpdateProfileError};
pub use readiness::{OutboxReadiness, Readiness};
pub use register::{Register, RegisterError, SignUpError, SignUpRules};
pub use settings::{AccountSettings, Enumeration};
pub use signer::{
    Algorithm, Caller, InvalidAccessToken, KeyError, Signer, SigningError, TokenSettings, generate_signing_key,
    load_or_generate_server_key,
};

pub use storefront_keys::{MAX_STOREFRONT_LIMIT, StorefrontKeyError, StorefrontKeys};

/// What an [`Application`] is made of.
pub struct Parts {
    /// Where accounts are.
    pub store: Store,
    /// The pool that hashes passwords.
    pub hasher: Hasher,
    /// Issues and checks access tokens.
    pub signer: Signer,
    /// The key under which short secrets and page challenges are hashed.
    pub server_key: ServerKey,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub randomness: Arc<dyn Randomness>,
    /// The shop's rules.
    pub accounts: AccountSettings,
    /// What can be bought.
    pub catalogue: Catalogue,
    /// The shop's rules for carts.
    pub carts: CartSettings,
    /// The store's name, such as `DE`.
    pub store_name: String,
    /// How long tokens live.
    pub tokens: TokenSettings,
    /// The shop's rules for merchants and their users.
    pub merchants: MerchantSettings,
}

/// All use cases over one store. Cheap to clone.
#[derive(Clone)]
pub struct Application {
    inner: Arc<Inner>,
}

struct Inner {
    parts: Parts,
    message_queued: Notify,
}

impl Application {
    /// Puts the parts together.
    pub fn new(parts: Parts) -> Self {
        Self { inner: Arc::new(Inner { parts, message_queued: Notify::new() }) }
    }

    /// The time, for surfaces that check dates.
    pub fn clock(&self) -> &dyn Clock {
        &*self.inner.parts.clock
    }

    /// Chance, for surfaces that need identifiers.
    pub fn randomness(&self) -> &dyn Randomness {
        &*self.inner.parts.randomness
    }

    /// The key under which codes are hashed, for the worker that makes them.
    pub fn server_key(&self) -> &ServerKey {
        &self.inner.parts.server_key
    }

    /// The shop's rules.
    pub fn accounts(&self) -> &AccountSettings {
        &self.inner.parts.accounts
    }

    /// How long a secret of a message of that kind is good, in seconds; 0 = for ever.
    pub fn secret_lifetime_seconds(&self, kind: MessageKind, purpose: SecretPurpose) -> u64 {
        if kind.is_code() {
            self.parts().merchants.code_lifetime_seconds
        } else {
            self.accounts().key_lifetime_seconds(purpose)
        }
    }

    /// Returns once a message was queued on this node since the last call: spares the outbox worker its poll.
    pub async fn message_queued(&self) {
        self.inner.message_queued.notified().await;
    }

    /// The public keys of access tokens as a JWK set (RFC 7517).
    pub fn jwks(&self) -> serde_json::Value {
        self.inner.parts.signer.jwks()
    }

    fn parts(&self) -> &Parts {
        &self.inner.parts
    }

    fn store(&self) -> &Store {
        &self.inner.parts.store
    }

    fn announce_message(&self) {
        self.inner.message_queued.notify_one();
    }
}

const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}
