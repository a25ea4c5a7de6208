//! JSON:API 1.1 as pure data and pure functions: documents out, documents in, errors, query parameters, media types.
//!
//! Nothing here knows HTTP's plumbing or any resource of ours. What comes in is text and bytes of whoever sends requests:
//! every function answers any input without a panic and in time linear in its length.

mod document;
mod error;
mod media;
mod query;
mod request;

pub use document::{Attributes, Data, Document, Links, Resource};
pub use error::{ErrorDocument, ErrorObject, Source};
pub use media::{Accept, ContentType, MEDIA_TYPE, read_accept, read_content_type};
pub use query::{MalformedPage, Page, Query, decode_pairs};
pub use request::{RequestDocument, RequestProblem, read_request};
