//! The Glue surface, held to its contract over HTTP, on both databases.
//!
//! Every row of a table begins with the section of the contract that it holds.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::too_many_lines,
    reason = "what is not there fails the test"
)]

mod bad_input;
mod confirmation;
mod customers;
mod double_opt_in;
mod envelope;
mod pipeline;
mod shop;
mod tokens;
mod validation;
