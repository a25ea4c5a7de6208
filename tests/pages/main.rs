//! The pages behind mailed links, without a browser: what a mail scanner does to them, and what a person without JavaScript does.
#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "what is not there fails the test")]

mod confirm;
mod email_change;
mod restore;
mod visitor;
