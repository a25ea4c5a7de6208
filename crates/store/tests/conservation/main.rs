//! Whatever happens in whatever order, no piece that was put into a cart is lost or doubled: not when its guest signs up, once
//! or twice, when claims win and lose, when somebody logs in, nor when two browsers do all that at once.
//!
//! `VESTIBULE_TEST_SEED` has it all happen in other orders, `VESTIBULE_TEST_INTERLEAVINGS` more (or fewer) times. PostgreSQL
//! needs `VESTIBULE_TEST_POSTGRES`.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic is how a test fails")]

mod at_once;
mod ground;
mod in_turn;
mod model;
mod script;
mod world;

/// A number from the environment, or the usual one.
fn setting(variable: &str, usual: u64) -> u64 {
    std::env::var(variable).map_or(usual, |text| text.parse().unwrap())
}

fn seed() -> u64 {
    setting("VESTIBULE_TEST_SEED", 1)
}

fn interleavings(usual: u64) -> u64 {
    setting("VESTIBULE_TEST_INTERLEAVINGS", usual)
}
