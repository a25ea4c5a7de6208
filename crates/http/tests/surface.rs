//! The server on a real socket, over real use cases and an embedded database: what only the whole shows. The reason phrase and
//! the exact headers are read off the wire.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test that panics has failed")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use application::{
    AccountSettings, Algorithm, Application, Catalogue, Hasher, HasherSettings, Parts, Signer, TokenSettings,
};
use domain::{Clock, Digest, LinkKey, MessageId, MovableClock, Randomness, SecretPurpose, ServerKey, SystemRandomness};
use http::{GlueSettings, HttpSettings, JsonApiMode, JsonApiSettings, Services};
use serde_json::{Value, json};
use store::{NewKey, Store, StoreSettings};
use testkit::default_settings;

const PASSWORD: &str = "Supp0rt!Supp0rt";
const KEY: &str = "607a17d1c673f461ca40002ea79fddc0";
const BASE: &str = "https://glue.example.com";

/// A server on a free port with a database and keys of its own; all of it goes when it is dropped.
struct Running {
    address: SocketAddr,
    store: Store,
    clock: Arc<MovableClock>,
    _folder: tempfile::TempDir,
}

impl Running {
    async fn start(change: impl FnOnce(&mut HttpSettings, &mut GlueSettings)) -> Self {
        Self::start_speaking(JsonApiSettings::default(), change).await
    }

    async fn start_speaking(
        jsonapi: JsonApiSettings,
        change: impl FnOnce(&mut HttpSettings, &mut GlueSettings),
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(MovableClock::default());
        let randomness: Arc<dyn Randomness> = Arc::new(SystemRandomness);
        let url = format!("sqlite://{}", folder.path().join("test.db").display());
        let settings = StoreSettings { url, outbox_limit: 100, ..default_settings("database") };
        let store = Store::open(&settings, tokio::runtime::Handle::current()).unwrap();
        store.migrate().await.unwrap();
        let tokens = TokenSettings { algorithm: Algorithm::EdDsa, ..default_settings("tokens") };
        let hasher = HasherSettings { threads: 2, ..default_settings("passwords") };
        let catalogue = Catalogue::new(store.clone(), &default_settings("catalogue"));
        catalogue.insert_demo(clock.now()).await.unwrap();
        let application = Application::new(Parts {
            store: store.clone(),
            hasher: Hasher::start(&hasher, Arc::clone(&randomness)).unwrap(),
            signer: Signer::load_or_generate(&folder.path().join("keys"), &tokens, clock.now()).unwrap(),
            server_key: ServerKey::from_bytes([7; 32]),
            clock: Arc::<MovableClock>::clone(&clock),
            randomness,
            accounts: AccountSettings { login_attempts: 3, ..default_settings("accounts") },
            catalogue,
            carts: default_settings("carts"),
            store_name: "DE".to_owned(),
            tokens,
            merchants: application::MerchantSettings::default(),
        });
        let mut http = HttpSettings {
            workers: 1,
            body_timeout_seconds: 1,
            requests_per_second: 0,
            request_burst: 1,
            ..default_settings("http")
        };
        let mut glue: GlueSettings = default_settings("glue");
        change(&mut http, &mut glue);
        let mailbox = mailer::Mailbox::open(&folder.path().join("mailbox"), 10).unwrap();
        let services = Services {
            application,
            mailbox: Some(Arc::new(mailbox)),
            movable_clock: Some(Arc::clone(&clock)),
            metrics: Arc::new(|| "metric 1\n".to_owned()),
            public_url: BASE.to_owned(),
            surfaces: Vec::new(),
            descriptions: Vec::new(),
            shutdown_seconds: 1,
        };
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        actix_web::rt::spawn(http::serve(listener, services, &http, &glue, jsonapi).unwrap());
        Self { address, store, clock, _folder: folder }
    }

    /// Sends a request as it stands and reads the answer to its end.
    async fn send(&self, head: &str, body: &str) -> Answer {
        self.send_to(&self.address.to_string(), head, body).await
    }

    async fn send_to(&self, host: &str, head: &str, body: &str) -> Answer {
        let (first, rest) = head.split_once('\n').unwrap_or((head, ""));
        let headers: String = rest.lines().fold(String::new(), |all, line| all + line.trim() + "\r\n");
        let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
        let request = format!("{first} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}{length}\r\n{body}");
        let address = self.address;
        let answered = actix_web::rt::task::spawn_blocking(move || {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
            stream.write_all(request.as_bytes()).unwrap();
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).unwrap();
            String::from_utf8(answer).unwrap()
        });
        Answer::parse(&answered.await.unwrap())
    }

    async fn post(&self, kind: &str, attributes: Value) -> Answer {
        let body = json!({"data": {"type": kind, "attributes": attributes}}).to_string();
        self.send(&format!("POST /{kind}\nContent-Type: application/json\nAccept: */*"), &body).await
    }

    /// Sends a document of that type with these headers.
    async fn write(&self, line: &str, kind: &str, headers: &str, attributes: Value) -> Answer {
        let body = json!({"data": {"type": kind, "attributes": attributes}}).to_string();
        self.send(&format!("{line}\nContent-Type: application/vnd.api+json\n{headers}"), &body).await
    }

    async fn register(&self, email: &str) -> Answer {
        self.post("customers", registration(email)).await
    }

    async fn log_in(&self, email: &str) -> Answer {
        self.post("access-tokens", json!({"username": email, "password": PASSWORD})).await
    }

    /// Registers and confirms with [`KEY`]; answers reference and tokens.
    async fn customer(&self, email: &str) -> (String, Value) {
        let id = self.register(email).await.body["data"]["id"].as_str().unwrap().to_owned();
        let number = id.rsplit("--").next().unwrap().parse().unwrap();
        let key = NewKey {
            customer: domain::CustomerId(number),
            purpose: SecretPurpose::Confirmation,
            digest: LinkKey::parse(KEY).unwrap().digest(),
            code: None,
            is_code: false,
            expires_at: None,
            email: None,
            message: None,
            notice_id: MessageId::generate(&SystemRandomness),
            notice_cool_down: Duration::ZERO,
            now: self.clock.now(),
        };
        self.store.insert_key(key).await.unwrap();
        assert_eq!(self.post("customer-confirmation", json!({"registrationKey": KEY})).await.status, 204);
        (id, self.log_in(email).await.body["data"]["attributes"].clone())
    }
}

fn registration(email: &str) -> Value {
    json!({
        "email": email, "gender": "Female", "salutation": "Ms", "firstName": "Mira", "lastName": "Olsen",
        "password": PASSWORD, "confirmPassword": PASSWORD, "acceptedTerms": true,
    })
}

struct Answer {
    status: u16,
    reason: String,
    headers: Vec<(String, String)>,
    text: String,
    body: Value,
}

impl Answer {
    fn parse(answer: &str) -> Self {
        let (head, text) = answer.split_once("\r\n\r\n").expect("an answer");
        let mut lines = head.lines();
        let (_, status) = lines.next().unwrap().split_once(' ').unwrap();
        let (status, reason) = status.split_once(' ').unwrap();
        let headers =
            lines.filter_map(|line| line.split_once(": ")).map(|(name, value)| (name.to_lowercase(), value.to_owned()));
        Self {
            status: status.parse().unwrap(),
            reason: reason.to_owned(),
            headers: headers.collect(),
            text: text.to_owned(),
            body: serde_json::from_str(text).unwrap_or(Value::Null),
        }
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// Status, code and detail of the only error.
    fn error(&self) -> (u16, &str, &str) {
        assert_eq!(self.body["errors"].as_array().map(Vec::len), Some(1), "{}", self.text);
        let error = &self.body["errors"][0];
        assert_eq!(error["status"], self.status);
        (self.status, error["code"].as_str().unwrap_or("-"), error["detail"].as_str().unwrap())
    }
}

#[actix_web::test]
async fn a_customer_comes_through_both_doors_and_reads_their_account() {
    let server = Running::start(|_, _| ()).await;
    let registered = server.register("mira@example.com").await;
    assert_eq!((registered.status, registered.reason.as_str()), (201, "Created"));
    assert_eq!(registered.header("content-type"), Some("application/vnd.api+json"));
    assert_eq!(registered.header("content-language"), Some("de_DE"));
    assert_eq!(registered.header("x-frame-options"), Some("SAMEORIGIN"));
    let data = &registered.body["data"];
    let link = format!("{BASE}/customers/{}", data["id"].as_str().unwrap());
    assert_eq!(
        (registered.header("location"), data["links"]["self"].as_str()),
        (Some(link.as_str()), Some(link.as_str()))
    );
    assert_eq!(data["attributes"]["acceptedTerms"], true);
    assert!(data["attributes"].get("password").is_none() && data["attributes"]["confirmPassword"].is_null());

    assert_eq!(server.log_in("mira@example.com").await.error(), (401, "003", "Failed to authenticate user."));

    let (id, tokens) = server.customer("mira@example.com").await;
    let refused = server.post("customer-confirmation", json!({"registrationKey": KEY})).await;
    assert_eq!(refused.error(), (422, "423", "This email confirmation code is invalid or has been already used."));
    assert_eq!(refused.reason, "Unprocessable Content");

    assert_eq!((tokens["tokenType"].as_str(), tokens["expiresIn"].as_u64()), (Some("Bearer"), Some(28_800)));
    assert!(tokens.as_object().unwrap().contains_key("idCompanyUser"));
    let bearer = format!("Authorization: Bearer {}", tokens["accessToken"].as_str().unwrap());
    let one = server.send(&format!("GET /customers/{id}/\n{bearer}"), "").await;
    assert_eq!((one.status, one.body["data"]["id"].as_str()), (200, Some(id.as_str())));
    assert!(one.body["data"]["attributes"]["acceptedTerms"].is_null());
    let sparse = server.send(&format!("GET /customers?fields%5Bcustomers%5D=email\n{bearer}"), "").await;
    assert_eq!(sparse.body["data"][0]["attributes"], json!({"email": "mira@example.com"}));
    assert_eq!(sparse.body["links"]["self"], format!("{BASE}/customers?fields%5Bcustomers%5D=email"));
    for other in ["mine", "DE--4711"] {
        let answer = server.send(&format!("GET /customers/{other}\n{bearer}"), "").await;
        assert_eq!(answer.error(), (404, "402", "Customer not found."));
    }
    let head = server.send(&format!("HEAD /customers/{id}\n{bearer}"), "").await;
    assert_eq!((head.status, head.text.as_str()), (200, ""));
    assert_eq!(head.header("content-type"), Some("application/vnd.api+json"));

    let taken = server.register("MIRA@example.com").await;
    assert_eq!((taken.status, taken.error().1), (422, "400"));
}

#[actix_web::test]
async fn refresh_tokens_are_exchanged_once_and_revoked_silently() {
    let server = Running::start(|_, _| ()).await;
    let (_, tokens) = server.customer("mira@example.com").await;
    let bearer = format!("Authorization: Bearer {}", tokens["accessToken"].as_str().unwrap());
    let first = tokens["refreshToken"].as_str().unwrap();
    let exchanged = server.post("refresh-tokens", json!({"refreshToken": first})).await;
    assert_eq!((exchanged.status, &exchanged.body["data"]["id"]), (201, &Value::Null));
    assert_eq!(exchanged.body["data"]["links"]["self"], format!("{BASE}/refresh-tokens"));
    assert_eq!(exchanged.header("location"), None);
    let reused = server.post("refresh-tokens", json!({"refreshToken": first})).await;
    assert_eq!(reused.error(), (401, "004", "Failed to refresh token."));
    assert_eq!(reused.header("www-authenticate"), Some("Bearer realm=\"Access to shop API\""));

    let form = format!("grant_type=password&username=mira%40example.com&password={PASSWORD}");
    let head = "POST /token\nContent-Type: application/x-www-form-urlencoded";
    let granted = server.send(head, &form).await;
    assert_eq!((granted.status, granted.header("content-type")), (200, Some("application/json")));
    let refresh = granted.body["refresh_token"].as_str().unwrap();
    for path in ["unknown".to_owned(), "x".repeat(7000), refresh.to_owned(), "mine".to_owned()] {
        let revoked = server.send(&format!("DELETE /refresh-tokens/{path}\n{bearer}"), "").await;
        assert_eq!((revoked.status, revoked.text.as_str()), (204, ""));
        assert_eq!((revoked.header("content-type"), revoked.header("content-length")), (None, None));
    }
    let spent = server.send(head, &format!("grant_type=refresh_token&refresh_token={refresh}")).await;
    assert_eq!(
        (spent.status, spent.body),
        (400, json!({"error": "invalid_request", "error_description": "The refresh token is invalid."}))
    );
    let bad = server.send(&format!("{head}\nAuthorization: Bearer x"), &form).await;
    assert_eq!((bad.status, bad.body["error_description"].as_str()), (401, Some("Invalid access token.")));
    for kind in ["access-tokens", "refresh-tokens"] {
        let empty = server.send(&format!("GET /{kind}"), "").await;
        assert_eq!(empty.body, json!({"data": [], "links": {"self": format!("{BASE}/{kind}")}}));
        assert_eq!(server.send(&format!("GET /{kind}/x"), "").await.error(), (404, "-", "Not Found"));
    }
}

#[actix_web::test]
async fn refusals_of_a_registration_come_all_at_once_and_in_order() {
    let server = Running::start(|_, _| ()).await;
    let refused = |change: Value| {
        let mut attributes = registration("mira@example.com");
        for (name, value) in change.as_object().unwrap() {
            attributes[name] = value.clone();
        }
        let server = &server;
        async move {
            let answer = server.post("customers", attributes).await;
            let errors = answer.body["errors"].as_array().unwrap().clone();
            let codes: Vec<_> = errors.iter().map(|error| error["code"].as_str().unwrap().to_owned()).collect();
            (answer.status, codes.join(" "))
        }
    };
    let long = format!("{}@{}.{}.example.com", "a".repeat(60), "b".repeat(40), "c".repeat(40));
    for (change, status, codes) in [
        (json!({"acceptedTerms": null, "confirmPassword": "0ther!Supp0rt"}), 400, "413"),
        (json!({"confirmPassword": "0ther!Supp0rt"}), 422, "406"),
        (json!({"password": "Aaaa!1234567", "confirmPassword": "Aaaa!1234567", "email": long}), 400, "421"),
        (json!({"email": "a b@example.com"}), 422, "416"),
        (json!({"email": long}), 422, "417"),
        (json!({"email": format!("a b{long}")}), 422, "416 417"),
        (json!({"email": 5, "gender": "", "firstName": "a\nb", "acceptedTerms": false}), 422, "901 901 901 901 901"),
        (json!({"dateOfBirth": "2999-01-01"}), 422, "901"),
        (json!({"email": "mira\u{0}@example.com"}), 422, "416"),
    ] {
        assert_eq!(refused(change.clone()).await, (status, codes.to_owned()), "{change}");
    }
    let blank = server.post("customers", json!({})).await;
    assert_eq!(blank.body["errors"].as_array().unwrap().len(), 8);
    assert_eq!(blank.body["errors"][0]["detail"], "email => This field is missing.");
    assert_eq!(blank.body["errors"][0]["source"], json!({"pointer": "/data/attributes"}));
    assert_eq!(server.post("customer-confirmation-resend", json!({"email": "a@b.de"})).await.status, 204);
    assert_eq!(server.post("customer-confirmation-resend", json!({"email": "a"})).await.error().1, "901");
}

#[actix_web::test]
async fn bad_input_gets_an_answer_of_the_contract() {
    let server = Running::start(|_, _| ()).await;
    let head = "POST /customers\nX-Request-Id: my-id.1";
    let huge = server.send(head, &"x".repeat(200_000)).await;
    assert_eq!(huge.error(), (413, "-", "Content Too Large"));
    assert_eq!(huge.header("x-request-id"), Some("my-id.1"));
    let broken = server.send(head, "{\"data\":").await;
    assert_eq!(broken.error(), (400, "-", "Post data is invalid."));
    assert_eq!(broken.body["errors"][0].get("source"), None);
    let unknown = server.send("PUT /customers//", "").await;
    assert_eq!(unknown.error(), (404, "-", "Not Found"));
    assert_eq!(unknown.header("x-request-id").map(str::len), Some(32));
    assert_eq!(server.send("GET /customers", "").await.error(), (403, "002", "Missing access token."));
    let expired = server.send("POST /customers\nAuthorization: Bearer e30.e30.e30", "").await;
    assert_eq!(expired.error(), (400, "-", "Post data is invalid."));
    let language = server.send("GET /customers\nAccept-Language: fr, en;q=0.5", "").await;
    assert_eq!(language.header("content-language"), Some("en_US"));
    let endless = server.send("POST /customers\nTransfer-Encoding: chunked", "").await;
    assert_eq!(endless.error(), (408, "-", "Request Timeout"));
    assert_eq!(server.send("POST /mailbox/api/clock\nTransfer-Encoding: chunked", "").await.status, 408);
}

/// The connection ends behind each of these answers, else they would be waited for without end.
#[actix_web::test]
async fn nobody_waits_for_a_body_that_is_not_read() {
    let server = Running::start(|_, _| ()).await;
    let server = &server;
    let requests = [
        ("GET /access-tokens", 200),
        ("HEAD /access-tokens", 200),
        ("DELETE /refresh-tokens", 400),
        ("PUT /customers", 404),
        ("OPTIONS /customers", 501),
        ("BREW /customers", 404),
        ("GET /health/live", 200),
        ("POST /health/live", 405),
        ("POST /mailbox/delete", 303),
    ];
    let answered = requests.into_iter().flat_map(|(request, status)| {
        ["Transfer-Encoding: chunked", "Content-Length: 1000"].map(|body| async move {
            let answer = server.send(&format!("{request}\n{body}"), "").await;
            assert_eq!(answer.status, status, "{request} {body}");
        })
    });
    futures_util::future::join_all(answered).await;
    let limited = Running::start(|http, _| http.requests_per_second = 1).await;
    let mut statuses = Vec::new();
    while statuses.len() < 10 && !statuses.contains(&429) {
        limited.send("GET /health/live", "").await;
        statuses.push(limited.send("POST /customers\nTransfer-Encoding: chunked", "").await.status);
    }
    assert_eq!(statuses.last(), Some(&429), "{statuses:?}");
}

#[actix_web::test]
async fn browsers_learn_what_they_may_ask() {
    let server = Running::start(|_, glue| glue.cors_allow_origin = "https://shop.example.com".to_owned()).await;
    let preflight = server
        .send(
            "OPTIONS /customers\nOrigin: https://shop.example.com\nAccess-Control-Request-Method: POST\nAccess-Control-Request-Headers: content-type,authorization",
            "",
        )
        .await;
    assert_eq!((preflight.status, &preflight.body), (200, &json!({"data": []})));
    assert_eq!(preflight.header("access-control-allow-methods"), Some("GET, POST, PATCH, DELETE, OPTIONS"));
    assert_eq!(preflight.header("access-control-allow-origin"), Some("https://shop.example.com"));
    assert!(preflight.header("access-control-allow-headers").unwrap().starts_with("accept, content-type"));
    let incomplete = server.send("OPTIONS /customers", "").await;
    assert_eq!(incomplete.status, 501);
}

#[actix_web::test]
async fn a_client_that_asks_too_often_is_told_when_to_come_back() {
    let server = Running::start(|http, _| {
        http.requests_per_second = 1;
        http.request_burst = 3;
    })
    .await;
    for _ in 0..3 {
        assert_eq!(server.send("GET /health/live", "").await.status, 200);
    }
    // Not more than one request a second of the server's clock refills: a burst of ten cannot pass.
    let mut refused = None;
    for _ in 0..10 {
        let answer = server.send("GET /access-tokens", "").await;
        if answer.status == 429 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("a refusal");
    assert_eq!(refused.error(), (429, "-", "Too Many Requests"));
    assert_eq!(refused.header("retry-after"), Some("1"));
    server.clock.advance(Duration::from_secs(10));
    assert_eq!(server.send("GET /access-tokens", "").await.status, 200);
}

#[actix_web::test]
async fn a_closed_login_lock_is_told_before_whatever_comes_after_it() {
    let server = Running::start(|_, _| ()).await;
    server.customer("mira@example.com").await;
    let try_with = |password: &'static str| {
        server.post("access-tokens", json!({"username": "mira@example.com", "password": password}))
    };
    for _ in 0..3 {
        assert_eq!(try_with("wrong").await.error(), (401, "003", "Failed to authenticate user."));
    }
    let locked = try_with(PASSWORD).await;
    assert_eq!(locked.error(), (429, "4401", "Warten Sie bitte 5 Minuten, bevor Sie es erneut versuchen."));
    assert_eq!(locked.header("retry-after"), Some("300"));
    assert_eq!(try_with("").await.error().1, "4401");
    let body = json!({"data": {"type": "access-tokens", "attributes": {"username": "MIRA@example.com"}}}).to_string();
    let head = "POST /access-tokens\nAuthorization: Bearer x\nX-Anonymous-Customer-Unique-Id: guest";
    let english = server.send(&format!("{head}\nAccept-Language: en"), &body).await;
    assert_eq!(
        english.error(),
        (429, "4401", "Too many log in attempts from your address. Please wait 5 minutes before trying again.")
    );
    let other = body.replace("MIRA", "other");
    assert_eq!(server.send(head, &other).await.error().1, "005");
    let untyped = body.replace("access-tokens", "tokens");
    assert_eq!(server.send(head, &untyped).await.error(), (400, "-", "Invalid type."));
    server.clock.advance(Duration::from_secs(300));
    assert_eq!(try_with(PASSWORD).await.status, 201);
}

#[actix_web::test]
async fn the_letter_of_json_api_is_kept_by_setting_and_by_profile() {
    let profile = format!("application/vnd.api+json;profile=\"{BASE}/profiles/strict\"");
    let strict = JsonApiSettings { mode: JsonApiMode::Strict, version_member: true };
    let server = Running::start_speaking(strict, |_, _| ()).await;
    let refused = server.send("PUT /access-tokens", "").await;
    assert_eq!((refused.status, refused.header("allow")), (405, Some("GET, HEAD, POST, OPTIONS")));
    assert_eq!(refused.header("content-type"), Some("application/vnd.api+json"));
    let id = refused.header("x-request-id").unwrap();
    assert_eq!(
        refused.body,
        json!({"jsonapi": {"version": "1.1"}, "errors": [
            {"status": "405", "detail": "Method Not Allowed", "title": "Method Not Allowed", "id": id},
        ]})
    );
    let empty = server.send("GET /access-tokens", "").await;
    assert_eq!(empty.body["jsonapi"], json!({"version": "1.1"}));
    assert_eq!(empty.header("link"), Some("<https://glue.example.com/openapi.json>; rel=\"describedby\""));

    let server = Running::start(|_, _| ()).await;
    let by_profile = server.send(&format!("GET /access-tokens\nAccept: {profile}"), "").await;
    assert_eq!(by_profile.header("content-type"), Some(profile.as_str()));
    let itself = json!({"href": format!("{BASE}/access-tokens"), "type": profile});
    assert_eq!(by_profile.body, json!({"data": [], "links": {"self": itself}}));
    let plain = server.send("PUT /access-tokens", "").await;
    assert_eq!((plain.error(), plain.header("allow")), ((404, "-", "Not Found"), None));
    for path in ["/profiles/strict", "/profiles/strict/"] {
        let page = server.send(&format!("GET {path}"), "").await;
        assert!(page.status == 200 && page.text.contains("The strict profile"), "{path}");
        assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    }
}

#[actix_web::test]
async fn a_client_that_asks_too_often_is_told_so_in_its_own_way() {
    let server = Running::start(|http, _| http.requests_per_second = 1).await;
    let head = format!("GET /access-tokens\nAccept: application/vnd.api+json;profile=\"{BASE}/profiles/strict\"");
    let mut answer = server.send(&head, "").await;
    for _ in 0..10 {
        if answer.status == 429 {
            break;
        }
        answer = server.send(&head, "").await;
    }
    assert_eq!((answer.status, &answer.body["errors"][0]["status"]), (429, &json!("429")));
}

#[actix_web::test]
async fn operators_and_test_suites_have_their_own_doors() {
    let server = Running::start(|_, _| ()).await;
    assert_eq!(server.send("GET /health/live", "").await.body, json!({"status": "ok"}));
    let ready = server.send("GET /health/ready/", "").await;
    assert_eq!((ready.status, ready.body["database"].as_str()), (200, Some("ok")));
    assert_eq!(server.send("GET /metrics", "").await.text, "metric 1\n");
    assert_eq!(server.send("GET /.well-known/jwks.json", "").await.body["keys"].as_array().map(Vec::len), Some(1));

    assert_eq!(server.send("GET /mailbox/api/messages", "").await.body, json!({"messages": []}));
    let page = server.send("GET /mailbox/", "").await;
    assert!(page.status == 200 && page.text.contains("No messages."));
    assert!(page.header("content-security-policy").unwrap().starts_with("default-src 'none'"));
    for (request, status) in [
        ("GET /mailbox/api/messages?wait=x", 400),
        ("GET /mailbox/api/messages/..%2F..%2Fetc", 404),
        ("GET /mailbox/api/messages/x/raw", 404),
        ("DELETE /mailbox/api/messages/x", 404),
        ("DELETE /mailbox/api/messages", 204),
        ("DELETE /mailbox/api/messages\nSec-Fetch-Site: cross-site", 403),
    ] {
        assert_eq!(server.send(request, "").await.status, status, "{request}");
    }

    for (path, status) in [("/mailbox", 403), ("/mailbox/api/clock", 403), ("/health/live", 200)] {
        let rebound = server.send_to("evil.example:8080", &format!("GET {path}"), "").await;
        assert_eq!(rebound.status, status, "{path}");
    }

    let before = server.clock.now();
    let moved = server.send("POST /mailbox/api/clock\nContent-Type: application/json", "{\"advance\": 3600}").await;
    assert!(moved.body["now"].as_str().unwrap().ends_with('Z'));
    assert!(server.clock.now().since(before) >= Duration::from_secs(3600));
    assert_eq!(server.send("POST /mailbox/api/clock", "{\"advance\": -1}").await.status, 400);
}

const GUEST: &str = "X-Anonymous-Customer-Unique-Id: 3f8a0d52";
const CAMERA: &str = "001_25904006";

fn pieces(quantity: u32) -> Value {
    json!({"sku": CAMERA, "quantity": quantity})
}

#[actix_web::test]
async fn a_guest_fills_a_cart_and_takes_it_along() {
    let server = Running::start(|_, _| ()).await;
    let head = "POST /guest-cart-items?include=guest-cart-items";
    let added = server.write(head, "guest-cart-items", GUEST, pieces(2)).await;
    assert_eq!((added.status, &added.body["data"]["type"]), (201, &json!("guest-carts")), "{}", added.text);
    let id = added.body["data"]["id"].as_str().unwrap();
    let cart = format!("{BASE}/guest-carts/{id}");
    assert_eq!(added.header("location"), Some(&*cart));
    assert_eq!((added.header("etag"), &added.body["data"]["links"]["self"]), (None, &json!(cart)));
    assert_eq!(added.body["links"]["self"], format!("{cart}?include=guest-cart-items"));
    let items = &added.body["data"]["relationships"]["guest-cart-items"];
    assert_eq!(*items, json!({"data": [{"type": "guest-cart-items", "id": CAMERA}]}));
    assert_eq!(added.body["included"][0]["links"]["self"], format!("{cart}/guest-cart-items/{CAMERA}"));
    assert_eq!(added.body["included"][0]["attributes"]["calculations"]["sumPriceToPayAggregation"], 19_998);

    let item = format!("/guest-carts/{id}/guest-cart-items/{CAMERA}");
    let changed = server.write(&format!("PATCH {item}"), "guest-cart-items", GUEST, json!({"quantity": "3"})).await;
    assert_eq!((changed.status, &changed.body["data"]["attributes"]["totals"]["grandTotal"]), (200, &json!(29_997)));
    let unknown = json!({"sku": "x", "quantity": 1});
    let refused = server.write("POST /guest-cart-items", "guest-cart-items", GUEST, unknown).await;
    let errors = refused.body["errors"].as_array().unwrap();
    assert_eq!(
        (refused.status, errors[0]["code"].as_str(), errors[1]["code"].as_str()),
        (422, Some("102"), Some("113"))
    );
    let nowhere = server.write("POST /guest-carts//guest-cart-items", "guest-cart-items", GUEST, pieces(1)).await;
    assert_eq!(nowhere.error(), (400, "104", "Cart uuid is missing."));
    let nobody = server.send("GET /guest-carts", "").await;
    assert_eq!(nobody.error(), (400, "109", "Anonymous customer unique id is empty."));
    assert_eq!(nobody.body["errors"][0]["source"], json!({"header": "X-Anonymous-Customer-Unique-Id"}));
    let other = server.send(&format!("GET /guest-carts/{id}\n{GUEST}x"), "").await;
    assert_eq!(other.error(), (404, "101", "Cart with given uuid not found."));
    let own = server.send(&format!("GET /guest-carts?include=items\n{GUEST}"), "").await;
    assert_eq!((own.body["data"].as_array().unwrap().len(), own.header("etag")), (1, None));
    assert_eq!(own.body["data"][0]["links"]["self"], format!("{cart}?include=items"));

    let (_, tokens) = server.customer("mira@example.com").await;
    let login = json!({"username": "mira@example.com", "password": PASSWORD});
    assert_eq!(server.write("POST /access-tokens", "access-tokens", GUEST, login).await.status, 201);
    let bearer = format!("Authorization: Bearer {}", tokens["accessToken"].as_str().unwrap());
    assert_eq!(server.send(&format!("GET /carts/{id}\n{bearer}"), "").await.status, 200);
    assert_eq!(server.send(&format!("GET /guest-carts\n{GUEST}"), "").await.body["data"], json!([]));
    assert_eq!(server.send(&format!("DELETE {item}\n{GUEST}"), "").await.error().1, "101");

    let other_guest = "X-Anonymous-Customer-Unique-Id: 4711";
    let second = server.write("POST /guest-cart-items", "guest-cart-items", other_guest, pieces(1)).await;
    let signed_up = server.write("POST /customers", "customers", other_guest, registration("nora@example.com")).await;
    assert_eq!((second.status, signed_up.status), (201, 201));
    assert_eq!(server.send(&format!("GET /guest-carts\n{other_guest}"), "").await.body["data"], json!([]));
}

#[actix_web::test]
async fn a_cart_of_a_customer_is_changed_by_who_knows_its_state() {
    let server = Running::start(|_, _| ()).await;
    let (reference, tokens) = server.customer("mira@example.com").await;
    let bearer = &*format!("Authorization: Bearer {}", tokens["accessToken"].as_str().unwrap());
    let new = || json!({"priceMode": "GROSS_MODE", "currency": "EUR", "store": "DE"});
    for (change, code) in
        [("priceMode", "118"), ("currency", "116"), ("store", "112")].map(|(name, code)| (json!({ name: " " }), code))
    {
        let mut attributes = new();
        attributes.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        assert_eq!(server.write("POST /carts", "carts", bearer, attributes).await.error().1, code, "{change}");
    }
    let opened = server.write("POST /carts?include=items", "carts", bearer, new()).await;
    let id = opened.body["data"]["id"].as_str().unwrap();
    let path = format!("/carts/{id}");
    assert_eq!(opened.header("location"), Some(&*format!("{BASE}{path}?include=items")));
    assert_eq!(opened.body["data"]["relationships"]["items"], json!({"data": []}));
    assert_eq!(opened.body["data"]["attributes"]["totals"]["grandTotal"], Value::Null);
    let tag = opened.header("etag").unwrap();
    assert!(tag.len() == 34 && tag.starts_with('"') && tag.ends_with('"'), "{tag}");
    assert_eq!(server.write("POST /carts", "carts", bearer, new()).await.error().1, "110");

    for collection in ["/carts", &format!("/customers/{reference}/carts")] {
        let listed = server.send(&format!("GET {collection}\n{bearer}"), "").await;
        assert_eq!((listed.status, listed.header("etag")), (200, Some(tag)), "{collection}");
        assert_eq!(listed.body["data"][0]["id"], id);
        assert_eq!(listed.body["links"]["self"], format!("{BASE}{collection}"));
    }
    let francs = json!({"currency": "CHF", "priceMode": "", "store": null});
    let patch = format!("PATCH {path}");
    let untagged = server.write(&patch, "carts", bearer, francs.clone()).await;
    assert_eq!(
        (untagged.error(), &*untagged.reason),
        ((428, "005", "If-Match header is missing."), "Precondition Required")
    );
    for wrong in ["\"0\"", "W/\"0\"", "*"] {
        let headers = format!("{bearer}\nIf-Match: {wrong}");
        let outdated = server.write(&patch, "carts", &headers, francs.clone()).await;
        assert_eq!(outdated.error(), (412, "006", "If-Match header value is invalid."), "{wrong}");
    }
    let changed = server.write(&patch, "carts", &format!("{bearer}\nIf-Match: {tag}"), francs.clone()).await;
    assert_eq!((changed.status, &changed.body["data"]["attributes"]["currency"]), (200, &json!("CHF")));
    let newer = changed.header("etag").unwrap();
    assert_ne!(newer, tag);
    let unquoted = format!("{bearer}\nIf-Match: {}", newer.trim_matches('"'));
    let missing = server.write("PATCH /carts/7", "carts", &unquoted, francs.clone()).await;
    assert_eq!(missing.error().1, "006");
    assert_eq!(server.write(&patch, "carts", &unquoted, francs).await.status, 200);

    let added = server.write(&format!("POST {path}/items?include=items"), "items", bearer, pieces(2)).await;
    assert_eq!((added.status, &added.body["data"]["type"]), (201, &json!("carts")));
    assert!(added.header("etag").is_some_and(|tag| tag != newer));
    assert_eq!(added.header("location"), Some(&*format!("{BASE}{path}")));
    let itself = &added.body["included"][0]["links"]["self"];
    assert_eq!(*itself, format!("{BASE}{path}/items/{CAMERA}"));
    let strict = format!("Accept: application/vnd.api+json;profile=\"{BASE}/profiles/strict\"\n{bearer}");
    let letter = server.send(&format!("GET {path}?include=items\n{strict}"), "").await;
    assert_eq!((letter.status, letter.body["included"][0].get("links")), (200, None));
    let read = server.send(&format!("GET {path}/items\n{strict}"), "").await;
    assert_eq!((read.status, read.header("allow")), (405, Some("POST, OPTIONS")));

    let item = format!("{path}/items/{CAMERA}");
    let most = json!({"quantity": 1_000_001});
    let too_many = server.write(&format!("PATCH {item}"), "items", bearer, most).await;
    assert_eq!(too_many.error().2, "quantity => This value should be less than or equal to 1000000.");
    assert_eq!(server.write(&format!("PATCH {item}x"), "items", bearer, json!({"quantity": 1})).await.error().1, "103");
    assert_eq!(server.send(&format!("DELETE {item}\n{bearer}"), "").await.status, 204);
    assert_eq!(
        server.send(&format!("DELETE {path}/items/\n{bearer}"), "").await.error().2,
        "Resource id is not specified."
    );
    assert_eq!(server.send(&format!("DELETE {path}\n{bearer}"), "").await.error().1, "105");
    let others = server.send(&format!("GET /customers/DE--4711/carts\n{bearer}"), "").await;
    assert_eq!(others.error(), (403, "802", "Unauthorized request."));
    assert_eq!(server.send(&format!("GET /customers/{reference}/carts/{id}\n{bearer}"), "").await.error().0, 404);
    assert_eq!(server.write("POST /carts//items", "items", bearer, pieces(1)).await.error().1, "104");
}

#[actix_web::test]
async fn switched_off_the_storefront_api_is_not_there() {
    let server = Running::start(|_, glue| glue.enabled = false).await;
    assert_eq!(server.register("mira@example.com").await.error(), (404, "-", "Not Found"));
    assert_eq!(server.send("GET /health/live", "").await.status, 200);
}

#[test]
fn the_key_of_these_tests_is_one_that_could_be_issued() {
    assert_eq!(LinkKey::parse(KEY).unwrap().digest(), Digest::of(KEY));
}
