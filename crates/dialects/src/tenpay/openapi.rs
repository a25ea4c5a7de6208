//! The description of this door, as its part of the gateway's one document.

use serde_json::{Map, Value, json};
use utoipa::openapi::OpenApi;

/// The tag of all operations.
const TAG: &str = "10npay";

/// What can befall every call for users, beside what it was made for.
const ALWAYS: [u16; 7] = [400, 401, 408, 413, 429, 500, 503];

/// A call for users: method, path, operation, summary, request schema, success with schema, further refusals.
type Call = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    Option<&'static str>,
    (u16, Option<&'static str>),
    &'static [u16],
);

const CALLS: [Call; 4] = [
    (
        "post",
        "/User",
        "10npay-create",
        "Make a user of the merchant. One with an address is sent a six-digit code.",
        Some("TenpayCreateUser"),
        (201, Some("TenpayUser")),
        &[403, 415],
    ),
    (
        "post",
        "/User/email/send-confirmation",
        "10npay-send-confirmation",
        "Send another code; older ones are void. Nothing is sent to who is confirmed.",
        Some("TenpaySendConfirmation"),
        (204, None),
        &[404, 415],
    ),
    (
        "post",
        "/User/email/confirm",
        "10npay-confirm",
        "Confirm the address by the code of the newest mail. Five wrong ones void it.",
        Some("TenpayConfirmEmail"),
        (200, Some("TenpaySuccess")),
        &[404, 415],
    ),
    (
        "get",
        "/User/{id}/status",
        "10npay-status",
        "What the user is at this moment.",
        None,
        (200, Some("TenpayStatus")),
        &[404],
    ),
];

/// Describes this door.
pub fn describe() -> OpenApi {
    serde_json::from_value(document()).unwrap_or_else(|problem| {
        tracing::error!(%problem, "the description of the 10npay door could not be made");
        OpenApi::default()
    })
}

fn document() -> Value {
    let mut paths = Map::new();
    for call in CALLS {
        paths.insert(call.1.to_owned(), json!({ call.0: operation(call) }));
    }
    paths.insert("/connect/token".to_owned(), json!({ "post": token_operation() }));
    json!({
        "openapi": "3.1.0",
        "info": { "title": "10npay", "version": "1" },
        "tags": [{
            "name": TAG,
            "description": "10npay's onboarding: a merchant's back end makes users and confirms their addresses by six-digit codes. \
                            Paths match in any case; `/api/v1` may stand before `/User`.",
        }],
        "paths": paths,
        "components": {
            "schemas": schemas(),
            "securitySchemes": {
                "merchant": {
                    "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
                    "description": "A merchant's access token, of `POST /connect/token`.",
                },
            },
        },
    })
}

fn content(media_type: &str, schema: &str) -> Value {
    json!({ media_type: { "schema": { "$ref": format!("#/components/schemas/{schema}") } } })
}

fn operation((_, _, id, summary, request, (status, answer), more): Call) -> Value {
    let mut responses = Map::new();
    let success = match answer {
        Some(schema) => {
            json!({ "description": "Done.", "content": content("application/json; charset=utf-8", schema) })
        }
        None => json!({ "description": "Done." }),
    };
    responses.insert(status.to_string(), success);
    for refusal in ALWAYS.iter().chain(more) {
        responses.insert(refusal.to_string(), refused(*refusal));
    }
    let mut operation = json!({
        "tags": [TAG],
        "operationId": id,
        "summary": summary,
        "security": [{ "merchant": [] }],
        "responses": responses,
    });
    if let Some(members) = operation.as_object_mut() {
        match request {
            Some(schema) => {
                members.insert(
                    "requestBody".to_owned(),
                    json!({ "required": true, "content": content("application/json", schema) }),
                );
            }
            None => {
                members.insert(
                    "parameters".to_owned(),
                    json!([{
                        "name": "id", "in": "path", "required": true, "description": "Which user.", "schema": id_schema(),
                    }]),
                );
            }
        }
    }
    operation
}

/// A refusal: with a document, but for those that have no body. The limit of requests is told as the main door does.
fn refused(status: u16) -> Value {
    match status {
        401 => json!({ "description": "No good token of a merchant." }),
        403 => json!({ "description": "Another merchant's." }),
        429 => {
            let mut media_types = content("application/problem+json; charset=utf-8", "TenpayProblem");
            if let Some(media_types) = media_types.as_object_mut() {
                media_types.insert("application/vnd.api+json".to_owned(), json!({ "schema": { "type": "object" } }));
            }
            json!({ "description": "Too many.", "content": media_types })
        }
        _ => json!({
            "description": "Refused, or not carried out.",
            "content": content("application/problem+json; charset=utf-8", "TenpayProblem"),
        }),
    }
}

fn token_operation() -> Value {
    let mut responses = Map::new();
    let told = |schema: &str| json!({ "description": "As OAuth 2 says.", "content": content("application/json; charset=utf-8", schema) });
    responses.insert("200".to_owned(), told("TenpayTokens"));
    for status in [400, 401, 408, 413, 500, 503] {
        responses.insert(status.to_string(), told("TenpayTokenError"));
    }
    responses.insert(
        "429".to_owned(),
        json!({ "description": "Too many.", "content": { "application/vnd.api+json": { "schema": { "type": "object" } } } }),
    );
    json!({
        "tags": [TAG],
        "operationId": "10npay-token",
        "summary": "A token for a merchant's client, or for somebody who logs in for the merchant.",
        "security": [],
        "requestBody": { "required": true, "content": content("application/x-www-form-urlencoded", "TenpayTokenRequest") },
        "responses": responses,
    })
}

fn id_schema() -> Value {
    json!({ "type": "integer", "format": "int32", "minimum": 1, "maximum": i32::MAX, "examples": [2072] })
}

fn schemas() -> Value {
    let text = || json!({ "type": "string" });
    let flag = || json!({ "type": "boolean" });
    let nullable = |kind: &str| json!({ "type": [kind, "null"] });
    let email = || json!({ "type": "string", "maxLength": 100, "examples": ["mira.olsen@example.com"] });
    json!({
        "TenpayCreateUser": {
            "type": "object",
            "required": ["merchantId"],
            "properties": {
                "merchantId": id_schema(),
                "email": { "type": ["string", "null"], "maxLength": 100, "examples": ["mira.olsen@example.com"] },
                "additionalData": {
                    "type": ["object", "null"],
                    "description": "At most 16 KiB, kept as given.",
                    "properties": { "type": nullable("string"), "data": nullable("object") },
                },
            },
        },
        "TenpayUser": { "type": "object", "required": ["id"], "properties": { "id": id_schema() } },
        "TenpaySendConfirmation": {
            "type": "object",
            "required": ["id", "email"],
            "properties": { "id": id_schema(), "email": email() },
        },
        "TenpayConfirmEmail": {
            "type": "object",
            "required": ["id", "token"],
            "properties": {
                "id": id_schema(),
                "token": { "type": "string", "description": "Six digits.", "minLength": 1, "examples": ["004711"] },
                "correlationType": { "type": ["integer", "null"], "enum": [0, 1, null] },
            },
        },
        "TenpaySuccess": {
            "type": "object",
            "required": ["success", "message", "code"],
            "properties": { "success": flag(), "message": text(), "code": { "type": "integer" } },
        },
        "TenpayStatus": {
            "type": "object",
            "required": [
                "isEmailVerified", "isPhoneNumberVerified", "isScaVerified", "isAdditionalData", "isOptionalKyc", "status",
            ],
            "properties": {
                "isEmailVerified": flag(), "isPhoneNumberVerified": flag(), "isScaVerified": flag(),
                "isAdditionalData": flag(), "isOptionalKyc": flag(),
                "status": { "type": "integer", "enum": [50, 150, 200, 300, 350, 400] },
            },
        },
        "TenpayTokenRequest": {
            "type": "object",
            "required": ["grant_type"],
            "properties": {
                "grant_type": { "type": "string", "enum": ["client_credentials", "password", "refresh_token"] },
                "client_id": text(), "client_secret": text(), "username": text(), "password": text(),
                "refresh_token": text(), "scope": text(),
            },
        },
        "TenpayTokens": {
            "type": "object",
            "required": ["access_token", "expires_in", "token_type", "scope"],
            "properties": {
                "access_token": text(), "expires_in": { "type": "integer" }, "token_type": { "type": "string", "enum": ["Bearer"] },
                "scope": text(), "refresh_token": text(),
            },
        },
        "TenpayTokenError": { "type": "object", "required": ["error"], "properties": { "error": text() } },
        "TenpayProblem": {
            "type": "object",
            "required": ["type", "title", "status", "traceId"],
            "properties": {
                "errors": {
                    "type": "object",
                    "additionalProperties": { "type": "array", "items": { "type": "string" } },
                },
                "type": text(), "title": text(), "status": { "type": "integer" }, "traceId": text(),
            },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tenpay::paths::Endpoint;
    use actix_web::http::Method;

    #[test]
    fn every_path_is_described_as_it_is_served() {
        let description = serde_json::to_value(describe()).unwrap();
        let paths = description["paths"].as_object().unwrap();
        assert_eq!(paths.len(), 5);
        for (path, item) in paths {
            let endpoint = Endpoint::find(&path.replace("{id}", "7")).unwrap();
            assert_eq!(endpoint.template(), path);
            for method in item.as_object().unwrap().keys().filter(|name| ["get", "post"].contains(&name.as_str())) {
                assert!(
                    endpoint.has(&Method::from_bytes(method.to_uppercase().as_bytes()).unwrap()),
                    "{method} {path}"
                );
            }
        }
    }

    #[test]
    fn every_schema_that_is_named_is_there() {
        let document = document();
        let text = document.to_string();
        for name in text.split("#/components/schemas/").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(document["components"]["schemas"].get(name).is_some(), "{name}");
        }
    }
}
