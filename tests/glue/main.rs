//! The Glue surface, held to its contract over HTTP, on both databases.
//!
//! Every row of a table begins with the section of the contract that it holds.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::too_many_lines,
    reason = "what is not there fails the test"
)]

mod address_defaults;
mod address_fields;
mod addresses;
mod anonymised;
mod at_once;
mod bad_attributes;
mod bad_input;
mod broken_database;
mod cart_amounts;
mod cart_conversion;
mod cart_envelope;
mod cart_expiry;
mod cart_fields;
mod cart_items;
mod cart_routing;
mod cart_tags;
mod carts;
mod carts_at_once;
mod checkout;
mod confirmation;
mod customer;
mod customers;
mod double_opt_in;
mod email_change;
mod envelope;
mod guest_cart_items;
mod guest_carts;
mod included_addresses;
mod login_lock;
mod messages;
mod modes;
mod negotiation;
mod password_fields;
mod passwords;
mod pipeline;
mod routing;
mod shop;
mod tokens;
mod validation;
