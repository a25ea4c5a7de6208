//! What the descriptions of all doors have in common.

use serde_json::{Value, json};
use utoipa::openapi::OpenApi;

/// Turns a door's document into its part of the gateway's one.
pub(crate) fn read_document(door: &'static str, document: Value) -> OpenApi {
    serde_json::from_value(document).unwrap_or_else(|problem| {
        tracing::error!(%problem, door, "the description of a door could not be made");
        OpenApi::default()
    })
}

/// A body of that media type and schema.
pub(crate) fn content(media_type: &str, schema: &str) -> Value {
    json!({ media_type: { "schema": { "$ref": format!("#/components/schemas/{schema}") } } })
}
