//! What an operator sees: health, metrics, keys, the mailbox and its clock, start-up, shutdown, the import of customers and
//! of products.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "what is not there fails the test")]

mod carts;
mod import;
mod mailbox;
mod products;
mod request_limit;
mod running;
mod start_up;
