//! The steps that most tests need before what they are about: sign up, confirm, log in.

use serde_json::{Value, json};

use crate::{Answer, Gateway, Mail, Request, document};

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

/// A change of one's own account.
pub fn patch_customer(reference: &str, attributes: &Value) -> Request {
    Request::patch(&format!("/customers/{reference}"), &document("customers", attributes))
}

/// A request for a key that sets a new password.
pub fn forgot_password(email: &str) -> Request {
    let attributes = json!({ "email": email });
    Request::post("/customer-forgotten-password", &document("customer-forgotten-password", &attributes))
}

/// A new password, with the key from the mail.
pub fn restore_password(key: &str, password: &str) -> Request {
    let attributes = json!({ "restorePasswordKey": key, "password": password, "confirmPassword": password });
    Request::patch("/customer-restore-password/x", &document("customer-restore-password", &attributes))
}

/// A new password, with the present one.
pub fn change_password(reference: &str, present: &str, new: &str) -> Request {
    let attributes = json!({ "password": present, "newPassword": new, "confirmPassword": new });
    Request::patch(&format!("/customer-password/{reference}"), &document("customer-password", &attributes))
}

/// The attributes of an address that nothing is wrong with, and that asks for no default.
pub fn new_address() -> Value {
    json!({
        "salutation": "Ms", "firstName": "Mira", "lastName": "Olsen", "address1": "Kieler Str.", "address2": "75",
        "zipCode": "22525", "city": "Hamburg", "iso2Code": "DE", "isDefaultShipping": false, "isDefaultBilling": false,
    })
}

/// A new address of a customer.
pub fn insert_address(reference: &str, attributes: &Value) -> Request {
    Request::post(&format!("/customers/{reference}/addresses"), &document("addresses", attributes))
}

/// A change of an address.
pub fn patch_address(reference: &str, id: &str, attributes: &Value) -> Request {
    Request::patch(&format!("/customers/{reference}/addresses/{id}"), &document("addresses", attributes))
}

impl Session {
    /// `/customers/DE--1`
    pub fn path(&self) -> String {
        format!("/customers/{}", self.reference)
    }

    /// `/customers/DE--1/addresses`
    pub fn addresses(&self) -> String {
        format!("{}/addresses", self.path())
    }
}

impl Gateway {
    /// Sends a request that must be carried out, and answers the mail of that kind which it causes at that address.
    ///
    /// # Panics
    /// Where the request is refused or no such mail comes.
    pub async fn send_for_mail(&self, request: &Request, address: &str, kind: &str) -> Mail {
        let before = self.mailbox().list(address).await;
        let answer = self.send(request).await;
        assert!((200..300).contains(&answer.status), "{request}: {answer:?}");
        self.mailbox().wait_for_kind(address, kind, before.first()).await
    }

    /// Asks for a key that sets a new password, and answers it.
    pub async fn restore_key(&self, email: &str) -> String {
        self.send_for_mail(&forgot_password(email), email, "restore-password").await.token
    }

    /// Starts the change of a customer's address, and answers the key from the mail to the new one.
    pub async fn email_change_key(&self, session: &Session, new: &str) -> String {
        let change = patch_customer(&session.reference, &json!({ "email": new })).bearer(&session.access_token);
        self.send_for_mail(&change, new, "email-change").await.token
    }

    /// Adds an address and answers its id.
    pub async fn insert_address(&self, session: &Session, attributes: &Value) -> String {
        let request = insert_address(&session.reference, attributes).bearer(&session.access_token);
        self.send(&request).await.expect_status(201).text("/data/id")
    }

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
