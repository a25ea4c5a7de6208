//! What tests stand on: databases of their own, real gateways on free ports, and tables of what they must answer.
//!
//! Development only. A helper that cannot do its work fails the test with a panic that says why.
#![expect(clippy::expect_used, clippy::missing_panics_doc, reason = "a helper that fails is a test that fails")]

mod cases;
mod database;
mod eml;
mod engine;
mod flows;
mod gateway;
mod http;
mod mailbox;
mod paths;

pub use cases::{Expected, Row, check, count_case, row};
pub use database::{POSTGRES_VARIABLE, TestDatabase};
pub use eml::{Eml, read_folder};
pub use engine::Engine;
pub use flows::{PASSWORD, Session, confirm, log_in, refresh, register, resend, sign_up};
pub use gateway::{Finished, Gateway, GatewayBuilder, eventually};
pub use http::{Answer, Client, JSON_API, Request, document, percent_encoded};
pub use mailbox::{Mail, Mailbox};
pub use paths::tools;

// Named here so that the bundled C libraries of the workspace are linked also where only this crate is built.
use libsqlite3_sys as _;
use openssl_sys as _;
use pq_sys as _;
