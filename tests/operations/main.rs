//! What an operator sees: health, metrics, keys, the mailbox and its clock, start-up, shutdown.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "what is not there fails the test")]

mod mailbox;
mod running;
mod start_up;
