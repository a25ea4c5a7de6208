//! The gateway over HTTP: the server with its limits and its log, the Glue surface, the mailbox, and what operators ask.
//!
//! A request enters by `entrance`, which every surface shares. Explicit routes (operations, mailbox, the surfaces of other
//! crates) are matched first; whatever is left is the Glue surface's, which dispatches by itself: `routing` finds the
//! resource's `declaration`, `pipeline` makes every check in its order, the resource's handler calls one use case, and
//! `answer` renders what comes of it. `wire` knows how JSON:API is spoken: as Glue does or to the letter, as configured or as a
//! request asks for.

mod access_log;
mod answer;
mod client_address;
pub mod constraints;
mod cors;
pub mod declaration;
mod entrance;
pub mod errors;
mod glue;
mod headers;
pub mod kit;
mod language;
mod limits;
mod mailbox;
mod openapi;
mod operations;
mod pipeline;
mod profile;
mod reader;
mod request_id;
mod routing;
mod server;
mod settings;
mod wire;

pub use client_address::{ForwardedHeader, Network};
pub use operations::RenderMetrics;
pub use request_id::RequestId;
pub use server::{Services, Surface, serve};
pub use settings::{GlueSettings, HttpSettings, JsonApiMode, JsonApiSettings};
