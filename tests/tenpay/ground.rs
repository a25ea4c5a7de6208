//! A gateway with a merchant, and short ways to ask it.

use serde_json::{Value, json};
use testkit::{Answer, Engine, Expected, Gateway, GatewayBuilder, Mail, Request};

/// What the mail with a code is called.
pub const KIND: &str = "registration-code";

/// A merchant, as the command line makes one.
#[derive(Clone, Debug)]
pub struct Merchant {
    pub id: i64,
    pub client: String,
    pub secret: String,
}

/// A gateway, a merchant and a token of theirs.
pub struct Door {
    pub gateway: Gateway,
    pub merchant: Merchant,
    pub token: String,
}

/// A user with an address, and the mail with the first code.
pub struct User {
    pub id: i64,
    pub email: String,
    pub mail: Mail,
}

pub fn settings(engine: Engine) -> GatewayBuilder {
    Gateway::on(engine)
        .set("VESTIBULE__DIALECTS__TENPAY", "true")
        .set("VESTIBULE__DIALECTS__SEND_COOL_DOWN_SECONDS", "0")
        .set("VESTIBULE__DIALECTS__SENDS_PER_DAY", "0")
        .set("VESTIBULE__ACCOUNTS__MAILS_PER_ADDRESS_PER_DAY", "1000")
}

/// Runs a command on the database of a gateway that runs.
pub async fn command(gateway: &Gateway, engine: Engine, arguments: &[&str]) -> String {
    let finished = Gateway::on(engine).database(&gateway.database()).run(arguments).await;
    assert_eq!(finished.code, Some(0), "{}", finished.output);
    finished.output
}

pub async fn insert_merchant(gateway: &Gateway, engine: Engine, name: &str) -> Merchant {
    let output = command(gateway, engine, &["merchants", "create", "--name", name, "--json"]).await;
    let line = output.lines().find(|line| line.starts_with('{')).unwrap_or_else(|| panic!("no JSON in {output}"));
    let made: Value = serde_json::from_str(line).unwrap();
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    Merchant { id: made["merchantId"].as_i64().unwrap(), client: text("clientId"), secret: text("clientSecret") }
}

/// A request for a token, with the client in the form.
pub fn ask_token(merchant: &Merchant, fields: &[(&str, &str)]) -> Request {
    let client = [("client_id", merchant.client.as_str()), ("client_secret", merchant.secret.as_str())];
    Request::form("/connect/token", &[&client, fields].concat())
}

pub async fn token_of(gateway: &Gateway, merchant: &Merchant) -> String {
    let answer = gateway.send(&ask_token(merchant, &[("grant_type", "client_credentials")])).await;
    answer.expect_status(200).text("/access_token")
}

/// A `POST` of JSON without a token.
pub fn post(path: &str, body: &Value) -> Request {
    post_text(path, &body.to_string())
}

/// Likewise, whatever it is.
pub fn post_text(path: &str, body: &str) -> Request {
    Request::new("POST", path)
        .header("Accept", "application/json")
        .header("Content-Type", "application/json")
        .body(body)
}

pub fn send_code(id: i64, email: &str) -> Request {
    post("/User/email/send-confirmation", &json!({ "id": id, "email": email }))
}

pub fn confirm_code(id: i64, code: &str) -> Request {
    post("/User/email/confirm", &json!({ "id": id, "token": code, "correlationType": 0 }))
}

pub fn ask_status(id: i64) -> Request {
    Request::get(&format!("/User/{id}/status")).header("Accept", "application/json")
}

/// A code that is not this one.
pub fn other_than(code: &str) -> String {
    format!("{:06}", (code.parse::<u32>().unwrap() + 1) % 1_000_000)
}

impl Door {
    pub async fn open(engine: Engine) -> Self {
        Self::with(engine, settings(engine)).await
    }

    pub async fn with(engine: Engine, settings: GatewayBuilder) -> Self {
        let gateway = settings.start().await;
        let merchant = insert_merchant(&gateway, engine, "Harbour Toys").await;
        let token = token_of(&gateway, &merchant).await;
        Self { gateway, merchant, token }
    }

    /// With the merchant's token.
    pub fn own(&self, request: Request) -> Request {
        request.bearer(&self.token)
    }

    pub async fn send(&self, request: Request) -> Answer {
        self.gateway.send(&self.own(request)).await
    }

    pub fn new_user(&self, email: impl Into<Value>) -> Request {
        post("/User", &json!({ "merchantId": self.merchant.id, "email": email.into() }))
    }

    /// A user without a mail that anybody waits for.
    pub async fn insert(&self, email: impl Into<Value>) -> i64 {
        let answer = self.send(self.new_user(email)).await.expect_status(201);
        answer.json()["id"].as_i64().unwrap()
    }

    /// A fresh user.
    pub async fn create(&self, email: &str) -> User {
        let id = self.insert(email).await;
        let mail = self.gateway.mailbox().wait_for_kind(email, KIND, None).await;
        User { id, email: email.to_owned(), mail }
    }

    /// A user who is confirmed.
    pub async fn create_verified(&self, email: &str) -> User {
        let user = self.create(email).await;
        self.send(confirm_code(user.id, &user.mail.code)).await.expect_status(200);
        user
    }

    /// Asks for another code and waits for its mail.
    pub async fn resend(&self, user: &User, after: &Mail) -> Mail {
        self.send(send_code(user.id, &user.email)).await.expect_status(204);
        self.gateway.mailbox().wait_for_kind(&user.email, KIND, Some(after)).await
    }

    pub async fn status(&self, id: i64) -> Value {
        self.send(ask_status(id)).await.expect_status(200).json()
    }

    pub async fn is_verified(&self, id: i64) -> bool {
        let status = self.status(id).await;
        let verified = status["isEmailVerified"].as_bool().unwrap();
        assert_eq!(status["status"], if verified { 200 } else { 50 }, "{status}");
        verified
    }

    /// How many mails lie there for an address once all are sent.
    pub async fn mails(&self, email: &str) -> usize {
        self.gateway.until_all_mail_is_sent().await;
        self.gateway.mailbox().list(email).await.len()
    }
}

/// The six members.
pub fn status_of(verified: bool, status: u16) -> Value {
    json!({
        "isEmailVerified": verified, "isPhoneNumberVerified": false, "isScaVerified": false, "isAdditionalData": false,
        "isOptionalKyc": false, "status": status,
    })
}

const FIELDS: &str = "One or more validation errors occurred.";

fn problem(status: u16, section: &str, title: &str) -> Expected {
    Expected::other(status)
        .header("Content-Type", "application/problem+json; charset=utf-8")
        .at("/type", format!("https://tools.ietf.org/html/{section}"))
        .at("/title", title)
        .at("/status", status)
        .with("\"traceId\":\"00-")
}

/// 400: these messages for this field.
pub fn wrong(field: &str, messages: &[&str]) -> Expected {
    problem(400, "rfc7231#section-6.5.1", FIELDS).at("/errors", json!({ field: messages }))
}

/// 400: a rule of the business.
pub fn ruled_out(message: &str) -> Expected {
    problem(400, "rfc7231#section-6.5.1", "Bad Request").at("/errors", json!({ "Error": [message] }))
}

pub fn invalid_token() -> Expected {
    ruled_out("Invalid token.")
}

pub fn unknown() -> Expected {
    problem(404, "rfc7231#section-6.5.4", "Not Found").nothing_at("/errors")
}

pub fn unsupported() -> Expected {
    problem(415, "rfc7231#section-6.5.13", "Unsupported Media Type").nothing_at("/errors")
}

pub fn too_many() -> Expected {
    problem(429, "rfc6585#section-4", "Too Many Requests").nothing_at("/errors")
}

pub fn too_large() -> Expected {
    problem(413, "rfc7231#section-6.5.11", "Payload Too Large").nothing_at("/errors")
}

/// 401 with an empty body; `sent` says whether a token was.
pub fn unauthorized(sent: bool) -> Expected {
    let challenge = if sent {
        "Bearer error=\"invalid_token\", error_description=\"The token is malformed, expired or not for this merchant API\""
    } else {
        "Bearer"
    };
    bare(401).header("WWW-Authenticate", challenge)
}

/// An answer without a body.
pub fn bare(status: u16) -> Expected {
    Expected::other(status).header("Content-Length", "0").no_header("Content-Type")
}

pub fn no_content() -> Expected {
    Expected::other(204).no_header("Content-Type")
}

/// 200 with JSON.
pub fn json_of(body: Value) -> Expected {
    Expected::other(200).header("Content-Type", "application/json; charset=utf-8").at("", body)
}

pub fn confirmed() -> Expected {
    json_of(json!({ "success": true, "message": "", "code": 200 }))
}

pub fn created() -> Expected {
    Expected::other(201).header("Content-Type", "application/json; charset=utf-8")
}

/// An answer without what differs from request to request.
pub fn without_trace(answer: &Answer) -> (u16, Value) {
    let mut body = answer.json();
    body.as_object_mut().unwrap().remove("traceId").unwrap();
    (answer.status, body)
}
