//! Every unit of work, on SQLite and on PostgreSQL. PostgreSQL needs `VESTIBULE_TEST_POSTGRES`.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic is how a test fails")]

mod claims;
mod cleanup;
mod common;
mod customers;
mod engine;
mod links;
mod migrations;
mod outbox;
mod sessions;
