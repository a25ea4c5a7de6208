//! A gateway with this door open, a storefront key, and the requests and answers of its storefronts.

use std::fmt::Write as _;

use serde_json::{Value, json};
use testkit::{Answer, Engine, Gateway, GatewayBuilder, Request, count_case};

/// A password that this door takes, and Glue's too.
pub(crate) const PASSWORD: &str = "Secret-Pass-123!";

/// Another one.
pub(crate) const OTHER_PASSWORD: &str = "Other-Secret-456?";

/// What most calls say without a good token.
pub(crate) const UNAUTHENTICATED: &str = "Unauthenticated. Please login to perform this action";

/// A gateway with a key that is good for any number of calls.
pub(crate) struct Shop {
    pub(crate) gateway: Gateway,
    pub(crate) key: String,
    pub(crate) engine: Engine,
}

/// A customer of this door who is logged in.
pub(crate) struct Customer {
    pub(crate) id: i64,
    pub(crate) email: String,
    pub(crate) token: String,
}

/// How the gateways of these tables are set up.
pub(crate) fn settings(engine: Engine) -> GatewayBuilder {
    Gateway::on(engine).set("VESTIBULE__DIALECTS__BAGISTO", "true")
}

/// Makes a storefront key with the command that operators use, beside the running gateway.
pub(crate) async fn create_key(gateway: &Gateway, engine: Engine, name: &str, more: &[&str]) -> String {
    let arguments = [&["storefront-keys", "create", "--name", name, "--json"], more].concat();
    let made = Gateway::on(engine).database(&gateway.database()).run(&arguments).await;
    assert_eq!(made.code, Some(0), "{}", made.output);
    let told = made.output.lines().find(|line| line.starts_with('{')).unwrap_or_default().to_owned();
    let told: Value = serde_json::from_str(&told).unwrap_or_else(|error| panic!("{error} in {}", made.output));
    assert_eq!(told["name"], name);
    told["key"].as_str().unwrap().to_owned()
}

impl Shop {
    /// With e-mail verification, as it is by default.
    pub(crate) async fn open(engine: Engine) -> Self {
        Self::start(settings(engine), engine).await
    }

    /// Without.
    pub(crate) async fn open_unverified(engine: Engine) -> Self {
        Self::start(settings(engine).set("VESTIBULE__ACCOUNTS__DOUBLE_OPT_IN", "false"), engine).await
    }

    pub(crate) async fn start(builder: GatewayBuilder, engine: Engine) -> Self {
        let gateway = builder.start().await;
        let key = create_key(&gateway, engine, "tests", &["--limit", "0"]).await;
        Self { gateway, key, engine }
    }

    /// A call with the key.
    pub(crate) fn call(&self, method: &str, path: &str) -> Request {
        call(method, path, &self.key)
    }

    /// A call with the key and a body.
    pub(crate) fn post(&self, path: &str, body: &Value) -> Request {
        with_body(self.call("POST", path), body)
    }

    pub(crate) fn register(&self, body: &Value) -> Request {
        self.post("/api/shop/customers", body)
    }

    pub(crate) fn login(&self, email: &str, password: &str) -> Request {
        self.post("/api/shop/customer/login", &json!({ "email": email, "password": password }))
    }

    pub(crate) fn verify(&self, token: &str) -> Request {
        self.post("/api/shop/verify-tokens", &json!({})).bearer(token)
    }

    pub(crate) fn profile(&self, token: &str) -> Request {
        self.call("GET", "/api/shop/customer-profile").bearer(token)
    }

    pub(crate) fn update(&self, token: &str, id: i64, body: &Value) -> Request {
        let request = self.call("PUT", &format!("/api/shop/customer-profile-updates/{id}"));
        with_body(request, body).bearer(token)
    }

    pub(crate) async fn send(&self, request: &Request) -> Answer {
        let answer = self.gateway.send(request).await;
        let problems = problems_of_all(&answer);
        assert!(problems.is_empty(), "{request}\n    {problems}\n{answer:?}");
        answer
    }

    /// Signs up where that confirms, and answers who it is.
    pub(crate) async fn sign_up(&self, email: &str) -> Customer {
        let answer = self.send(&self.register(&sign_up(email))).await.expect_status(201);
        let told = answer.json();
        Customer { id: told["id"].as_i64().unwrap(), email: email.to_owned(), token: answer.text("/token") }
    }

    /// Logs in and answers the token.
    pub(crate) async fn token_of(&self, email: &str, password: &str) -> String {
        let answer = self.send(&self.login(email, password)).await.expect_status(201);
        assert_eq!(answer.json()["success"], true, "{answer:?}");
        answer.text("/token")
    }

    pub(crate) async fn is_valid(&self, token: &str) -> bool {
        self.send(&self.verify(token)).await.expect_status(201).json()["isValid"] == true
    }

    /// Holds each row, one after the other, and counts it.
    pub(crate) async fn check(&self, rows: &[Row]) {
        let mut failures = String::new();
        for Row { holds, request, wanted } in rows {
            let answer = self.gateway.send(request).await;
            let problems = format!("{}{}", problems_of_all(&answer), wanted.problems(&answer));
            if problems.is_empty() {
                count_case(self.engine, holds);
            } else {
                write!(failures, "\n{holds}\n    {request}\n{problems}").unwrap();
            }
        }
        assert!(failures.is_empty(), "on {}:{failures}", self.engine);
    }
}

/// A call with that key.
pub(crate) fn call(method: &str, path: &str, key: &str) -> Request {
    Request::new(method, path).header("Accept", "application/json").header("X-STOREFRONT-KEY", key)
}

pub(crate) fn with_body(request: Request, body: &Value) -> Request {
    request.body(body.to_string()).header("Content-Type", "application/json")
}

/// The four fields that a sign-up needs, and the repetition of the password.
pub(crate) fn sign_up(email: &str) -> Value {
    json!({
        "firstName": "John", "lastName": "Doe", "email": email, "password": PASSWORD, "confirmPassword": PASSWORD,
    })
}

/// The same with these members.
pub(crate) fn sign_up_with(email: &str, more: &Value) -> Value {
    let mut body = sign_up(email);
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

/// One line of a table.
pub(crate) struct Row {
    holds: &'static str,
    request: Request,
    wanted: Wanted,
}

pub(crate) const fn row(holds: &'static str, request: Request, wanted: Wanted) -> Row {
    Row { holds, request, wanted }
}

/// What an answer must be.
pub(crate) struct Wanted {
    status: u16,
    content_type: &'static str,
    whole: Option<Value>,
    members: Vec<(&'static str, Value)>,
    absent: Vec<&'static str>,
    headers: Vec<(&'static str, Option<String>)>,
}

impl Wanted {
    fn new(status: u16, content_type: &'static str) -> Self {
        Self { status, content_type, whole: None, members: vec![], absent: vec![], headers: vec![] }
    }

    /// An answer to what went well.
    pub(crate) fn done(status: u16) -> Self {
        Self::new(status, "application/json; charset=utf-8")
    }

    /// That, and nothing else.
    pub(crate) fn exactly(status: u16, body: Value) -> Self {
        Self { whole: Some(body), ..Self::done(status) }
    }

    /// A problem of four members.
    pub(crate) fn problem(status: u16, title: &str, detail: &str) -> Self {
        let body = json!({ "type": format!("/errors/{status}"), "title": title, "status": status, "detail": detail });
        Self { whole: Some(body), ..Self::new(status, "application/json") }
    }

    /// Input that breaks a rule.
    pub(crate) fn refused(detail: &str) -> Self {
        Self::problem(400, "Bad Request", detail)
    }

    /// A problem that the framework would have.
    pub(crate) fn framework(status: u16, title: &str, detail: &str) -> Self {
        Self { content_type: "application/problem+json", ..Self::problem(status, title, detail) }
    }

    /// The shape of storefront keys and limits.
    pub(crate) fn key(status: u16, body: Value) -> Self {
        Self { whole: Some(body), ..Self::new(status, "application/json") }
    }

    /// With that at a JSON pointer.
    pub(crate) fn at(mut self, pointer: &'static str, value: impl Into<Value>) -> Self {
        self.members.push((pointer, value.into()));
        self
    }

    /// Without anything there.
    pub(crate) fn nothing_at(mut self, pointer: &'static str) -> Self {
        self.absent.push(pointer);
        self
    }

    pub(crate) fn no_header(mut self, name: &'static str) -> Self {
        self.headers.push((name, None));
        self
    }

    fn problems(&self, answer: &Answer) -> String {
        let mut problems = String::new();
        let mut note = |holds: bool, what: &str| {
            if !holds {
                writeln!(problems, "    {what}: {answer:?}").unwrap();
            }
        };
        note(answer.status == self.status, &format!("the status is not {}", self.status));
        note(answer.header("content-type") == Some(self.content_type), "the content type");
        let json: Value = serde_json::from_str(&answer.body).unwrap_or_default();
        if let Some(whole) = &self.whole {
            // As texts, for the order of members counts.
            let (told, wanted) = (json.to_string(), whole.to_string());
            note(told == wanted, &format!("the body is not {wanted}"));
        }
        for (pointer, value) in &self.members {
            note(json.pointer(pointer) == Some(value), &format!("{pointer} is not {value}"));
        }
        for pointer in &self.absent {
            note(json.pointer(pointer).is_none(), &format!("{pointer} is there"));
        }
        for (name, value) in &self.headers {
            note(answer.header(name) == value.as_deref(), &format!("{name} is not {value:?}"));
        }
        problems
    }
}

/// What is wrong with an answer that no answer below `/api` may have.
fn problems_of_all(answer: &Answer) -> String {
    let mut problems = String::new();
    for (name, value) in [
        ("X-Content-Type-Options", "nosniff"),
        ("X-Frame-Options", "DENY"),
        ("X-XSS-Protection", "1; mode=block"),
        ("Referrer-Policy", "strict-origin-when-cross-origin"),
        (
            "Permissions-Policy",
            "geolocation=(), microphone=(), camera=(), payment=(), usb=(), magnetometer=(), gyroscope=(), accelerometer=()",
        ),
        ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
        ("Vary", "Accept"),
        ("Access-Control-Allow-Origin", "*"),
    ] {
        if answer.header(name) != Some(value) {
            writeln!(problems, "    {name} is not {value}").unwrap();
        }
    }
    let is_key_failure = matches!(answer.status, 401 | 403) && answer.body.contains("_key\"");
    for name in ["X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"] {
        let number = answer.header(name).map(|value| value.parse::<i64>().is_ok());
        if number != (!is_key_failure).then_some(true) {
            writeln!(problems, "    {name} is {:?}", answer.header(name)).unwrap();
        }
    }
    problems
}
