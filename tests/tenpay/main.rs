//! The onboarding API of 10npay over HTTP. Rows are named by the numbers of its contract: acceptance cases, then rules.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "what is not there fails the test")]

mod acceptance;
mod at_once;
mod doors;
mod ground;
mod rules;
mod tokens;
