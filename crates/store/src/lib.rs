//! Everything that outlives a request, on SQLite or on PostgreSQL.
//!
//! A public method of [`Store`] is **one atomic unit of work**: it happens whole or not at all, whatever fails. This
//! is the only crate that knows diesel, and nothing of it shows. Times come in from outside; no statement asks the
//! database for them.
//!
//! Each query is written once: `on_both!` compiles it for either engine. Where the SQL must differ, `exceptions` has
//! two arms.

mod addresses;
mod bearer_tokens;
mod budgets;
mod cart_rows;
mod carts;
mod checkpoint;
mod claims;
mod cleanup;
mod customers;
mod engine;
mod error;
mod exceptions;
mod guest_carts;
mod import;
mod links;
mod login_lock;
mod merchant_users;
mod merchants;
mod migrations;
mod newsletter;
mod outbox;
mod planned;
mod pool;
mod postgres;
mod products;
mod profile;
mod restore;
mod rows;
mod schema;
mod sessions;
mod settings;
mod sqlite;
mod storefront_keys;
mod timeline;

// Named so that their features are part of the build: all three libraries are compiled in.
use libsqlite3_sys as _;
use openssl_sys as _;
use pq_sys as _;

pub use addresses::{InsertAddress, NewAddress};
pub use bearer_tokens::{BearerOutcome, NewBearerToken};
pub use carts::{CartOwner, CartRefusal, CartRules, ChangeCart, ChangeItemRefusal, DeleteCart, InsertCart};
pub use claims::{ClaimOutcome, NewClaim, NewConsent, Resend};
pub use cleanup::Deleted;
pub use customers::{Login, Taken, UniqueValues};
pub use engine::{Engine, Store};
pub use error::StoreError;
pub use guest_carts::TakeOver;
pub use import::{ImportConflict, ImportConflictKind, ImportOutcome, ImportedCustomer};
pub use links::{CodeOutcome, KeyOutcome, LinkState, NewKey};
pub use login_lock::LoginLock;
pub use merchant_users::{CodeRequest, CodeRequestOutcome, MerchantCustomer, MerchantUser, NewMerchantUser};
pub use merchants::{Merchant, MerchantClient, NewMerchant, NewMerchantToken, NewOperator, OperatorOutcome};
pub use outbox::{Finish, Lease, LeasedMessage, OutboxStatus};
pub use products::{Absent, ProductChanges};
pub use profile::{CustomerUpdate, MoreChanges, UpdateOutcome};
pub use restore::{ChangePassword, RestorePassword, RestoreRequest};
pub use sessions::{NewRefreshToken, NewTokenOutcome, NextRefreshToken};
pub use settings::StoreSettings;
pub use storefront_keys::{NewStorefrontKey, RotatedStorefrontKey, StorefrontAccess, StorefrontKeyLine};
