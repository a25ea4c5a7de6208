//! JSON:API 1.1 as pure data and pure functions: documents out, documents in, errors, query parameters, media types.
//!
//! Nothing here knows HTTP's plumbing or any resource of ours. What comes in is text and bytes of whoever sends requests:
//! every function answers any input without a panic and in time linear in its length.

mod document;
mod error;
mod media;
mod mode;
mod query;
mod request;

pub use document::{
    Attributes, Data, Document, DocumentLinks, Identifier, Implementation, Links, Relationship, Resource, link_fully,
    link_query, link_segment, media_type_with,
};
pub use error::{ErrorDocument, ErrorObject, Source};
pub use media::{Accept, AcceptHeader, ContentType, MEDIA_TYPE, read_content_type};
pub use mode::Mode;
pub use query::{Page, Query, QueryProblem, decode_pairs};
pub use request::{RequestDocument, RequestProblem, read_request};
