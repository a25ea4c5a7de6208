//! Every unit of work, on SQLite and on PostgreSQL. PostgreSQL needs `VESTIBULE_TEST_POSTGRES`.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic is how a test fails")]

mod addresses;
mod claims;
mod cleanup;
mod common;
mod customers;
mod engine;
mod import;
mod links;
mod login_lock;
mod migrations;
mod outbox;
mod products;
mod profile;
mod restore;
mod sessions;
