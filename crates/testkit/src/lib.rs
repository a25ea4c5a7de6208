//! What tests stand on: databases of their own, real gateways on free ports, and tables of what they must answer.
//!
//! Development only. A helper that cannot do its work fails the test with a panic that says why.
#![expect(clippy::expect_used, clippy::missing_panics_doc, reason = "a helper that fails is a test that fails")]

mod carts;
mod cases;
mod catalogue_service;
mod database;
mod eml;
mod engine;
mod flows;
mod gateway;
mod http;
mod json_api;
mod leaked_passwords;
mod mailbox;
mod paths;
mod settings;

pub use carts::{
    BOOK, Basket, CAMERA, DRONE, GUEST, LENS, SOLD_OUT, STICKER, Shopper, add_guest_item, insert_cart, new_cart,
    post_guest_item,
};
pub use cases::{Expected, Row, check, count_case, count_scenario, row};
pub use catalogue_service::CatalogueService;
pub use database::{POSTGRES_VARIABLE, TestDatabase};
pub use eml::{Eml, read_folder};
pub use engine::Engine;
pub use flows::{
    PASSWORD, Session, change_password, confirm, forgot_password, insert_address, log_in, new_address, patch_address,
    patch_customer, refresh, register, resend, restore_password, sign_up,
};
pub use gateway::{Finished, Gateway, GatewayBuilder, eventually};
pub use http::{Answer, Client, JSON_API, Request, document, percent_encoded};
pub use json_api::Wire;
pub use leaked_passwords::{LEAKED_PASSWORD, service_of_leaked_passwords};
pub use mailbox::{Mail, Mailbox};
pub use paths::tools;
pub use settings::default_settings;

// Named here so that the bundled C libraries of the workspace are linked also where only this crate is built.
use libsqlite3_sys as _;
use openssl_sys as _;
use pq_sys as _;
