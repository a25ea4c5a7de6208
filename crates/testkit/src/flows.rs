//! The steps that most tests need before what they are about: sign up, confirm, log in.

use serde_json::{Value, json};

use crate::{Answer, Gateway, Request, document};

/// A password that every policy of the storefront takes.
pub const PASSWORD: &str = "Vestibule-2nd-Door!";

/// A confirmed customer who is logged in.
#[derive(Clone, Debug)]
pub struct Session {
    /// `DE--1`
    pub reference: String,
    /// The address.
    pub email: String,
    /// A good access token.
    pub access_token: String,
    /// A good refresh token.
    pub refresh_token: String,
}

/// The attributes of a sign-up that nothing is wrong with.
pub fn sign_up(email: &str) -> Value {
    json!({
        "salutation": "Ms", "firstName": "Mira", "lastName": "Olsen", "gender": "Female", "email": email,
        "password": PASSWORD, "confirmPassword": PASSWORD, "acceptedTerms": true,
    })
}

/// A sign-up with these attributes.
pub fn register(attributes: &Value) -> Request {
    Request::post("/customers", &document("customers", attributes))
}

/// A confirmation with that key.
pub fn confirm(token: &str) -> Request {
    Request::post("/customer-confirmation", &document("customer-confirmation", &json!({ "registrationKey": token })))
}

/// A request for another confirmation mail.
pub fn resend(email: &str) -> Request {
    let attributes = json!({ "email": email });
    Request::post("/customer-confirmation-resend", &document("customer-confirmation-resend", &attributes))
}

/// A login.
pub fn log_in(username: &str, password: &str) -> Request {
    let attributes = json!({ "username": username, "password": password });
    Request::post("/access-tokens", &document("access-tokens", &attributes))
}

/// A new pair of tokens for a refresh token.
pub fn refresh(token: &str) -> Request {
    Request::post("/refresh-tokens", &document("refresh-tokens", &json!({ "refreshToken": token })))
}

impl Gateway {
    /// Signs up with [`PASSWORD`] and answers the customer reference.
    pub async fn register(&self, email: &str) -> String {
        self.send(&register(&sign_up(email))).await.expect_status(201).text("/data/id")
    }

    /// Signs up and answers the key from the mail.
    pub async fn register_for_key(&self, email: &str) -> String {
        self.register(email).await;
        self.mailbox().wait_for(email).await.token
    }

    /// Confirms.
    pub async fn confirm(&self, token: &str) {
        let answer: Answer = self.send(&confirm(token)).await;
        assert_eq!(answer.status, 204, "{answer:?}");
    }

    /// Logs in with [`PASSWORD`].
    pub async fn login(&self, email: &str) -> Session {
        let answer = self.send(&log_in(email, PASSWORD)).await.expect_status(201);
        let access_token = answer.text("/data/attributes/accessToken");
        let own = self.send(&Request::get("/customers").bearer(&access_token)).await.expect_status(200);
        Session {
            reference: own.text("/data/0/id"),
            email: email.to_owned(),
            access_token,
            refresh_token: answer.text("/data/attributes/refreshToken"),
        }
    }

    /// All of it: signs up, confirms and logs in.
    pub async fn sign_in(&self, email: &str) -> Session {
        let key = self.register_for_key(email).await;
        self.confirm(&key).await;
        self.login(email).await
    }
}
