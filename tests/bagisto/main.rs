//! The shop API of Bagisto, held to its contract over HTTP, on both databases.
//!
//! Every row begins with the number of the case that it holds, or with the section of the contract that says so.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::too_many_lines,
    reason = "what is not there fails the test"
)]

mod cross_door;
mod keys;
mod newsletter;
mod passwords;
mod profile;
mod register;
mod shop;
mod tokens;
mod verification;
