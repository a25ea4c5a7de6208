//! A gateway as most tables need it: with the address that its links name, and a customer who is logged in.

use serde_json::{Map, Value, json};
use testkit::{Engine, Gateway, GatewayBuilder, Session, sign_up};

/// The public address of every gateway in these tables.
pub(crate) const BASE: &str = "https://glue.example.com";

/// Of a confirmed account.
pub(crate) const TAKEN: &str = "If this email address is already in use, you will receive a password reset link. Otherwise \
                                you must first validate your e-mail address to finish registration. Please check your e-mail.";

pub(crate) const SPENT_KEY: &str = "This email confirmation code is invalid or has been already used.";

/// A gateway with one customer who is confirmed and logged in.
pub(crate) struct Shop {
    pub(crate) gateway: Gateway,
    pub(crate) session: Session,
}

/// How the gateways of these tables are set up.
pub(crate) fn settings(engine: Engine) -> GatewayBuilder {
    Gateway::on(engine).set("VESTIBULE__SERVER__PUBLIC_URL", BASE)
}

impl Shop {
    pub(crate) async fn open(engine: Engine) -> Self {
        let gateway = settings(engine).start().await;
        let session = gateway.sign_in("mira.olsen@example.com").await;
        Self { gateway, session }
    }
}

/// A good sign-up with these attributes changed; without those that are `None`.
pub(crate) fn sign_up_with(email: &str, changes: &[(&str, Option<Value>)]) -> Value {
    let mut attributes = sign_up(email);
    let fields: &mut Map<String, Value> = attributes.as_object_mut().unwrap_or_else(|| unreachable!("it is an object"));
    for (name, value) in changes {
        match value {
            Some(value) => fields.insert((*name).to_owned(), value.clone()),
            None => fields.shift_remove(*name),
        };
    }
    attributes
}

/// One attribute changed.
pub(crate) fn changed(email: &str, name: &str, value: impl Into<Value>) -> Value {
    sign_up_with(email, &[(name, Some(value.into()))])
}

/// The same text as password and as its repetition.
pub(crate) fn with_password(email: &str, password: &str) -> Value {
    sign_up_with(email, &[("password", Some(json!(password))), ("confirmPassword", Some(json!(password)))])
}
