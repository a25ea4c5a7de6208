//! The description of this door, as its part of the gateway's one document.

use serde_json::{Map, Value, json};
use utoipa::openapi::OpenApi;

use crate::openapi::{content, read_document};

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
    read_document(TAG, document())
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
                "merchantClient": {
                    "type": "http", "scheme": "basic",
                    "description": "Name and secret of a merchant's client, both written like a form's values (RFC 6749, 2.3.1).",
                },
            },
        },
    })
}

fn operation((_, _, id, summary, request, (status, answer), more): Call) -> Value {
    let mut responses = Map::new();
    let mut success = Map::new();
    success.insert("description".to_owned(), "Done.".into());
    if let Some(schema) = answer {
        success.insert("content".to_owned(), content("application/json; charset=utf-8", schema));
    }
    if status == 201 {
        let place = header("Location", "Where the status is: `/User/2072/status`.", "string");
        success.insert("headers".to_owned(), place);
    }
    responses.insert(status.to_string(), success.into());
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

/// A header of an answer.
fn header(name: &str, description: &str, kind: &str) -> Value {
    json!({ name: { "description": description, "schema": { "type": kind } } })
}

/// How long to wait.
fn retry_after() -> Value {
    header("Retry-After", "Seconds after which to try again.", "integer")
}

/// What says how to name oneself.
fn challenge() -> Value {
    header("WWW-Authenticate", "What is asked for.", "string")
}

/// A refusal: with a document, but for those that have no body.
fn refused(status: u16) -> Value {
    match status {
        401 => json!({ "description": "No good token of a merchant. Without a body.", "headers": challenge() }),
        403 => json!({ "description": "Another merchant's. Without a body." }),
        429 => json!({
            "description": "Too many.",
            "content": content("application/problem+json; charset=utf-8", "TenpayProblem"),
            "headers": retry_after(),
        }),
        503 => json!({
            "description": "Not carried out.",
            "content": content("application/problem+json; charset=utf-8", "TenpayProblem"),
            "headers": retry_after(),
        }),
        _ => json!({
            "description": "Refused, or not carried out.",
            "content": content("application/problem+json; charset=utf-8", "TenpayProblem"),
        }),
    }
}

fn token_operation() -> Value {
    let mut responses = Map::new();
    let told = |schema: &str, headers: &Value| {
        let content = content("application/json; charset=utf-8", schema);
        json!({ "description": "As OAuth 2 says.", "content": content, "headers": headers })
    };
    responses.insert("200".to_owned(), told("TenpayTokens", &json!({})));
    for status in [400, 401, 408, 413, 429, 500, 503] {
        let headers = match status {
            // Where the login lock is closed.
            400 | 429 | 503 => retry_after(),
            401 => challenge(),
            _ => json!({}),
        };
        responses.insert(status.to_string(), told("TenpayTokenError", &headers));
    }
    json!({
        "tags": [TAG],
        "operationId": "10npay-token",
        "summary": "A token for a merchant's client, or for somebody who logs in for the merchant.",
        "description": "The client names itself by Basic authentication, or by `client_id` and `client_secret` in the form. A wrong \
                        name or secret is 401 with a challenge in the first case, 400 in the second.",
        "security": [{ "merchantClient": [] }, {}],
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
                "correlationType": {
                    "type": ["integer", "null"], "enum": [0, 1, null],
                    "description": "For whom it is asked: 0 the user, 1 the merchant. Noted with the event.",
                },
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
                "status": { "type": "integer", "enum": [50, 150, 200, 300, 350] },
            },
        },
        "TenpayTokenRequest": {
            "type": "object",
            "required": ["grant_type"],
            "properties": {
                "grant_type": { "type": "string", "enum": ["client_credentials", "password", "refresh_token"] },
                "client_id": text(), "client_secret": text(), "username": text(), "password": text(), "refresh_token": text(),
                "scope": {
                    "type": "string", "examples": ["users"],
                    "description": "`users`, and `offline_access` for a refresh token. Left out: all that the grant allows.",
                },
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
    use crate::tenpay::handlers::number_of;
    use crate::tenpay::paths::Endpoint;
    use actix_web::http::Method;
    use domain::MerchantUserState;

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
    fn t2_each_number_of_a_status_can_be_told() {
        use MerchantUserState::{Closed, Deactivated, Registered, Verified};
        let states = [Registered, Verified, Deactivated, Closed];
        let mut told: Vec<u16> =
            states.into_iter().flat_map(|state| [number_of(state, true), number_of(state, false)]).collect();
        told.sort_unstable();
        told.dedup();
        assert_eq!(schemas()["TenpayStatus"]["properties"]["status"]["enum"], json!(told));
    }

    #[test]
    fn b1_a_client_names_itself_in_the_header_or_in_the_form() {
        let description = serde_json::to_value(describe()).unwrap();
        let operation = &description["paths"]["/connect/token"]["post"];
        assert_eq!(operation["security"], json!([{ "merchantClient": [] }, {}]));
        assert_eq!(description["components"]["securitySchemes"]["merchantClient"]["scheme"], "basic");
        let form = &operation["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"];
        assert_eq!(form["$ref"], "#/components/schemas/TenpayTokenRequest");
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
