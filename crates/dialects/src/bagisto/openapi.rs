//! The description of this door, as its part of the gateway's one document.

use serde_json::{Map, Value, json};
use utoipa::openapi::OpenApi;

use crate::openapi::{content, read_document};

/// The tag of all operations.
const TAG: &str = "bagisto";

/// What a call reads.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Body {
    /// Nothing.
    None,
    /// An object of that schema.
    Of(&'static str),
}

/// Who may call.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    /// Whoever opens a mail.
    Anybody,
    /// A storefront with a key.
    Storefront,
    /// The same; what a customer would be told needs a bearer token.
    StorefrontOrCustomer,
    /// The same, for a customer.
    Customer,
}

struct Call {
    id: &'static str,
    method: &'static str,
    path: &'static str,
    summary: &'static str,
    access: Access,
    body: Body,
    /// Status and schema of what is answered where all goes well.
    success: (u16, &'static str),
    /// What else can be answered, beside what can befall every call.
    refusals: &'static [u16],
}

const fn call(
    (method, path): (&'static str, &'static str),
    (id, summary): (&'static str, &'static str),
    (access, body): (Access, Body),
    success: (u16, &'static str),
    refusals: &'static [u16],
) -> Call {
    Call { id, method, path, summary, access, body, success, refusals }
}

const EMPTY: Body = Body::Of("BagistoNothing");

const CALLS: [Call; 20] = [
    call(
        ("post", "/api/shop/customers"),
        (
            "bagisto-register",
            "Sign up. Where addresses are to be verified, the token is empty. Mails are in the language of `X-Locale`, else \
             `Accept-Language`.",
        ),
        (Access::Storefront, Body::Of("BagistoRegistration")),
        (201, "BagistoCustomer"),
        &[400],
    ),
    call(
        ("post", "/api/shop/customer/login"),
        ("bagisto-login", "Log in. A refusal has the same status, and `success` is false."),
        (Access::Storefront, Body::Of("BagistoLogin")),
        (201, "BagistoSession"),
        &[400],
    ),
    call(
        ("post", "/api/shop/customers/login"),
        ("bagisto-login-alias", "Log in, at the address of the documentation."),
        (Access::Storefront, Body::Of("BagistoLogin")),
        (201, "BagistoSession"),
        &[400],
    ),
    call(
        ("post", "/api/shop/verify-tokens"),
        ("bagisto-verify-token", "Whose the bearer token is. One that is nobody's has the same status."),
        (Access::StorefrontOrCustomer, EMPTY),
        (201, "BagistoTokenOwner"),
        &[],
    ),
    call(
        ("get", "/api/shop/customers/verify-token"),
        ("bagisto-verify-token-alias", "Whose the bearer token is, at the address of the documentation."),
        (Access::Customer, Body::None),
        (200, "BagistoTokenOwner"),
        &[],
    ),
    call(
        ("post", "/api/shop/customer/logout"),
        ("bagisto-logout", "End the token that is shown, and no other."),
        (Access::StorefrontOrCustomer, EMPTY),
        (201, "BagistoOutcome"),
        &[],
    ),
    call(
        ("post", "/api/shop/customers/logout"),
        ("bagisto-logout-alias", "End the token that is shown, at the address of the documentation."),
        (Access::StorefrontOrCustomer, EMPTY),
        (201, "BagistoOutcome"),
        &[],
    ),
    call(
        ("get", "/api/shop/customer-profile"),
        ("bagisto-profile", "One's own profile, as a list of one."),
        (Access::Customer, Body::None),
        (200, "BagistoProfiles"),
        &[],
    ),
    call(
        ("get", "/api/shop/customers/profile"),
        ("bagisto-profile-alias", "One's own profile, at the address of the documentation."),
        (Access::Customer, Body::None),
        (200, "BagistoProfiles"),
        &[],
    ),
    call(
        ("put", "/api/shop/customer-profile-updates/{id}"),
        ("bagisto-update-profile", "Change one's own profile. What is blank stays; the number in the path is ignored."),
        (Access::Customer, Body::Of("BagistoProfileUpdate")),
        (200, "BagistoUpdatedProfile"),
        &[400],
    ),
    call(
        ("put", "/api/shop/customers/profile"),
        ("bagisto-update-profile-alias", "Change one's own profile, at the address of the documentation."),
        (Access::Customer, Body::Of("BagistoProfileUpdate")),
        (200, "BagistoUpdatedProfile"),
        &[400],
    ),
    call(
        ("post", "/api/shop/customer-profile-deletes/{id}"),
        ("bagisto-delete-profile", "Leave. The number in the path is ignored."),
        (Access::Customer, Body::Of("BagistoPassword")),
        (201, "BagistoNobody"),
        &[400],
    ),
    call(
        ("delete", "/api/shop/customers/profile"),
        ("bagisto-delete-profile-alias", "Leave, at the address of the documentation."),
        (Access::Customer, Body::Of("BagistoPassword")),
        (201, "BagistoNobody"),
        &[400],
    ),
    call(
        ("post", "/api/shop/forgot-passwords"),
        ("bagisto-forgot-password", "Have a link mailed to set a new password. Says the same for every address."),
        (Access::Storefront, Body::Of("BagistoEmail")),
        (201, "BagistoOutcome"),
        &[],
    ),
    call(
        ("post", "/api/shop/customers/forgot-password"),
        ("bagisto-forgot-password-alias", "Have a link mailed, at the address of the documentation."),
        (Access::Storefront, Body::Of("BagistoEmail")),
        (201, "BagistoOutcome"),
        &[],
    ),
    call(
        ("put", "/api/shop/customers/reset-password"),
        ("bagisto-reset-password", "Set a new password with the token from the mail and the address that it went to."),
        (Access::Storefront, Body::Of("BagistoReset")),
        (200, "BagistoMessage"),
        &[400],
    ),
    call(
        ("post", "/api/shop/newsletters"),
        ("bagisto-subscribe", "Have the newsletter sent to an address."),
        (Access::StorefrontOrCustomer, Body::Of("BagistoSubscription")),
        (201, "BagistoOutcome"),
        &[400],
    ),
    call(
        ("get", "/customer/verify-account/{token}"),
        ("bagisto-verify-account", "Confirm an address. Only for callers that ask for JSON; others are led to a page."),
        (Access::Anybody, Body::None),
        (200, "BagistoOutcome"),
        &[302, 400],
    ),
    call(
        ("get", "/customer/resend/verification/{email}"),
        ("bagisto-resend", "Send another confirmation mail, if one is waited for. Six a minute for one client."),
        (Access::Anybody, Body::None),
        (200, "BagistoOutcome"),
        &[302],
    ),
    call(
        ("get", "/customer/resend/verification-email/{email}"),
        ("bagisto-resend-alias", "Send another confirmation mail, at a longer address."),
        (Access::Anybody, Body::None),
        (200, "BagistoOutcome"),
        &[302],
    ),
];

/// This door's operations and schemas.
pub fn describe() -> OpenApi {
    read_document(TAG, document())
}

fn document() -> Value {
    let mut paths = Map::new();
    for call in &CALLS {
        let path = paths.entry(call.path).or_insert_with(|| json!({}));
        if let Value::Object(operations) = path {
            operations.insert(call.method.to_owned(), operation(call));
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": { "title": "Shop API of Bagisto", "version": env!("CARGO_PKG_VERSION") },
        "tags": [{ "name": TAG, "description": "The shop API of Bagisto, for storefronts with a key." }],
        "paths": paths,
        "components": {
            "schemas": schemas(),
            "securitySchemes": {
                "storefrontKey": {
                    "type": "apiKey", "in": "header", "name": "X-STOREFRONT-KEY",
                    "description": "A key of `vestibule storefront-keys create`.",
                },
                "storefrontBearer": {
                    "type": "http", "scheme": "bearer",
                    "description": "A token of `POST /api/shop/customer/login`.",
                },
            },
        },
    })
}

fn operation(call: &Call) -> Value {
    let security = match call.access {
        Access::Anybody => json!([]),
        Access::Storefront => json!([{ "storefrontKey": [] }]),
        Access::StorefrontOrCustomer => {
            json!([{ "storefrontKey": [], "storefrontBearer": [] }, { "storefrontKey": [] }])
        }
        Access::Customer => json!([{ "storefrontKey": [], "storefrontBearer": [] }]),
    };
    let mut operation = Map::new();
    operation.insert("operationId".to_owned(), json!(call.id));
    operation.insert("tags".to_owned(), json!([TAG]));
    operation.insert("summary".to_owned(), json!(call.summary));
    operation.insert("security".to_owned(), security);
    operation.insert("responses".to_owned(), responses(call));
    if let Some((_, name)) = call.path.split_once('{') {
        let name = name.trim_end_matches('}');
        let schema = json!({ "type": "string", "minLength": 1 });
        let parameter = json!({ "name": name, "in": "path", "required": true, "schema": schema });
        operation.insert("parameters".to_owned(), json!([parameter]));
    }
    if let Body::Of(schema) = call.body {
        let body = json!({ "required": true, "content": content("application/json", schema) });
        operation.insert("requestBody".to_owned(), body);
    }
    Value::Object(operation)
}

/// What can be answered, by status.
fn responses(call: &Call) -> Value {
    let mut responses = Map::new();
    let mut tell = |status: u16, description: &str, content: Value| {
        responses.insert(status.to_string(), json!({ "description": description, "content": content }));
    };
    let problem = || content("application/json", "BagistoProblem");
    let framework = || content("application/problem+json", "BagistoProblem");
    tell(
        call.success.0,
        "Done, or refused where `success` or `isValid` is false.",
        content("application/json", call.success.1),
    );
    for status in call.refusals {
        match status {
            302 => tell(302, "A browser is led to a page.", json!({})),
            // The links of mails tell what is wrong as they tell what is right.
            _ if call.access == Access::Anybody => {
                tell(*status, "The link is no good.", content("application/json", "BagistoOutcome"));
            }
            _ => tell(*status, "The input breaks a rule.", problem()),
        }
    }
    if call.body != Body::None {
        tell(408, "The body did not arrive in time.", framework());
        tell(413, "The body is too large.", framework());
        tell(415, "The body is no JSON.", framework());
        tell(422, "The body cannot be read, or a value has another type.", problem());
    }
    if call.access == Access::Anybody {
        tell(404, "Nothing is there.", json!({}));
    } else {
        tell(
            401,
            "There is no storefront key, or no good bearer token.",
            content("application/json", "BagistoRefusal"),
        );
        tell(403, "The storefront key is no good.", content("application/json", "BagistoRefusal"));
        tell(404, "Nothing is there.", framework());
    }
    tell(429, "Too many requests, or too many wrong passwords.", content("application/json", "BagistoRefusal"));
    tell(500, "Something is broken.", problem());
    tell(503, "Try again later.", problem());
    Value::Object(responses)
}

fn schemas() -> Value {
    let text = || json!({ "type": "string" });
    let flag = || json!({ "type": "boolean" });
    let number = || json!({ "type": "integer" });
    let nullable = || json!({ "type": ["string", "null"] });
    let optional = || json!({ "type": ["string", "null"], "maxLength": 255 });
    let nothing = || json!({ "type": "null" });
    let object = |properties: Value, required: &[&str]| json!({ "type": "object", "properties": properties, "required": required });
    let all = |properties: Value| {
        let required: Vec<String> = properties.as_object().into_iter().flat_map(Map::keys).cloned().collect();
        json!({ "type": "object", "properties": properties, "required": required })
    };
    json!({
        "BagistoNothing": object(json!({ "deviceToken": nullable() }), &[]),
        "BagistoRegistration": object(
            json!({
                "firstName": { "type": "string", "maxLength": 255, "examples": ["John"] },
                "lastName": { "type": "string", "maxLength": 255, "examples": ["Doe"] },
                "email": { "type": "string", "maxLength": 100, "examples": ["john@example.com"] },
                "password": { "type": "string", "maxLength": 255, "examples": ["Secret-Pass-123!"] },
                "confirmPassword": { "type": "string", "maxLength": 255, "examples": ["Secret-Pass-123!"] },
                "phone": optional(), "gender": optional(), "dateOfBirth": optional(),
                "subscribedToNewsLetter": { "type": ["boolean", "null"] }, "deviceToken": nullable(),
            }),
            &["firstName", "lastName", "email", "password", "confirmPassword"],
        ),
        "BagistoCustomer": all(json!({
            "id": number(), "firstName": text(), "lastName": text(), "gender": nullable(), "dateOfBirth": nullable(),
            "email": text(), "phone": nullable(), "status": number(), "apiToken": text(), "customerGroupId": nothing(),
            "channelId": nothing(), "subscribedToNewsLetter": flag(), "isVerified": number(), "isSuspended": number(),
            "token": text(), "rememberToken": nothing(), "deviceToken": nothing(), "name": text(),
        })),
        "BagistoLogin": object(
            json!({ "email": text(), "password": text(), "deviceToken": nullable() }),
            &["email", "password"],
        ),
        "BagistoSession": all(json!({
            "id": number(), "_id": number(), "apiToken": text(), "token": text(), "message": text(), "success": flag(),
        })),
        "BagistoTokenOwner": all(json!({
            "id": number(), "firstName": text(), "lastName": text(), "email": text(), "isValid": flag(), "message": text(),
        })),
        "BagistoProfiles": {
            "type": "array", "minItems": 1, "maxItems": 1,
            "items": all(json!({
                "id": text(), "firstName": text(), "lastName": text(), "email": text(), "phone": nullable(),
                "gender": nullable(), "dateOfBirth": nullable(), "password": nothing(), "confirmPassword": nothing(),
                "status": text(), "subscribedToNewsLetter": flag(), "isVerified": text(), "isSuspended": text(),
                "image": nullable(), "success": nothing(), "message": nothing(),
            })),
        },
        "BagistoProfileUpdate": object(
            json!({
                "firstName": optional(), "lastName": optional(), "email": optional(), "phone": optional(),
                "gender": optional(), "dateOfBirth": optional(),
                "subscribedToNewsLetter": { "type": ["boolean", "null"] }, "image": nullable(),
                "deleteImage": { "type": ["boolean", "null"] }, "currentPassword": nullable(), "password": optional(),
                "confirmPassword": nullable(),
            }),
            &[],
        ),
        "BagistoUpdatedProfile": object(
            json!({
                "id": text(), "_id": text(), "firstName": text(), "lastName": text(), "email": text(), "phone": text(),
                "gender": text(), "dateOfBirth": text(), "status": text(), "subscribedToNewsLetter": flag(),
                "isVerified": text(), "isSuspended": text(), "success": flag(), "message": text(),
            }),
            &["id", "_id", "email", "status", "subscribedToNewsLetter", "isVerified", "isSuspended", "success", "message"],
        ),
        "BagistoPassword": object(json!({ "password": nullable() }), &[]),
        "BagistoNobody": { "type": "array", "maxItems": 0, "items": {} },
        "BagistoEmail": object(json!({ "email": nullable() }), &[]),
        "BagistoReset": object(
            json!({ "token": text(), "email": text(), "password": text(), "passwordConfirmation": text() }),
            &["token", "email", "password", "passwordConfirmation"],
        ),
        "BagistoMessage": all(json!({ "message": text() })),
        "BagistoSubscription": object(json!({ "customerEmail": nullable() }), &[]),
        "BagistoOutcome": all(json!({ "success": flag(), "message": text() })),
        "BagistoProblem": all(json!({ "type": text(), "title": text(), "status": number(), "detail": text() })),
        "BagistoRefusal": {
            "type": "object",
            "description": "A refusal of a storefront key or of a limit, or a problem.",
            "properties": {
                "message": text(), "error": text(), "header_name": text(), "key_type": text(), "retry_after": number(),
                "type": text(), "title": text(), "status": number(), "detail": text(),
            },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bagisto::PATHS;

    #[test]
    fn every_path_is_described_and_no_other() {
        let description = describe();
        let described: Vec<&str> = description.paths.paths.keys().map(String::as_str).collect();
        for (path, methods, _) in PATHS {
            let path = format!("/api/shop{path}");
            let item = serde_json::to_value(description.paths.paths.get(&path)).unwrap();
            for method in methods.split(", ") {
                assert!(item.get(method.to_lowercase()).is_some(), "{method} {path}");
            }
        }
        assert_eq!(described.len(), PATHS.len() + 3, "and those of the mails");
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
