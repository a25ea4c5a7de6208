//! Every unit of work, on SQLite and on PostgreSQL. PostgreSQL needs `VESTIBULE_TEST_POSTGRES`.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic is how a test fails")]

mod addresses;
mod bearer_tokens;
mod carts;
mod claims;
mod cleanup;
mod common;
mod customers;
mod engine;
mod guest_carts;
mod import;
mod links;
mod login_lock;
mod merchants;
mod migrations;
mod newsletter;
mod outbox;
mod products;
mod profile;
mod restore;
mod sessions;
mod storefront_keys;
