//! Other systems' doors to the same accounts: wire shapes in, use cases called, their words out.
//!
//! A dialect turns what its clients send into the same `domain` values as the Glue surface, calls the same use cases, and says
//! the outcome as its system would. It knows no SQL and holds no rule of its own.

pub mod bagisto;
mod openapi;
mod settings;
pub mod tenpay;

pub use settings::DialectSettings;
