//! A real conversation with a real mail server: STARTTLS, a log-in, a certificate of an authority of the test's own.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "what is not there fails the test"
)]

use std::path::Path;
use std::process::Stdio;

use testkit::{
    Eml, Engine, Gateway, GatewayBuilder, PASSWORD, Request, eventually, log_in, on_both_databases, read_folder, tools,
};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

on_both_databases! {
    scenarios: [
        a_mail_arrives, a_wrong_password_sends_nothing_and_loses_nothing, an_untrusted_certificate_sends_nothing,
        a_refused_recipient_blocks_nobody, a_deferred_recipient_is_tried_again,
    ]
}

/// aiosmtpd, in a process of its own that ends with its standard input.
struct MailServer {
    _child: Child,
    port: String,
}

impl MailServer {
    async fn start(folder: &Path) -> Self {
        let python = tools().join("python/bin/python");
        assert!(python.exists(), "{} is not there: run `cargo xtask test`, which installs it", python.display());
        let mut child = Command::new(python)
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/smtp/server.py"))
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let said = BufReader::new(child.stdout.take().unwrap()).lines().next_line().await.unwrap();
        let port = said.as_deref().and_then(|line| line.strip_prefix("Listening on ")).expect("a port").to_owned();
        Self { _child: child, port }
    }

    fn settings(&self, gateway: GatewayBuilder) -> GatewayBuilder {
        let authority = gateway.path("ca.pem").display().to_string();
        gateway
            .set("VESTIBULE__MAIL__TRANSPORT", "smtp")
            .set("VESTIBULE__MAIL__SMTP__HOST", "localhost")
            .set("VESTIBULE__MAIL__SMTP__PORT", &self.port)
            .set("VESTIBULE__MAIL__SMTP__TLS", "starttls")
            .set("VESTIBULE__MAIL__SMTP__USERNAME", "vestibule")
            .set("VESTIBULE__MAIL__SMTP__PASSWORD", "mail-secret")
            .set("VESTIBULE__MAIL__SMTP__CA_FILE", &authority)
    }
}

async fn mail_to(gateway: &Gateway, address: &str) -> Eml {
    let folder = gateway.folder().join("mail");
    let find = || read_folder(&folder).into_iter().find(|mail| mail.header("X-Envelope-To") == Some(address));
    eventually(&format!("a mail to {address} arrives"), async || find().is_some()).await;
    find().unwrap()
}

async fn outbox(gateway: &Gateway, name: &str) -> i64 {
    gateway.send(&Request::get("/health/ready")).await.json()["outbox"][name].as_i64().unwrap()
}

async fn a_mail_arrives(engine: Engine) {
    let gateway = Gateway::on(engine);
    let server = MailServer::start(&gateway.path("")).await;
    let gateway = server.settings(gateway).start().await;
    for address in ["mira@example.com", "jörg@bücher.example"] {
        gateway.register(address).await;
    }
    let mail = mail_to(&gateway, "mira@example.com").await;
    assert_eq!(mail.header("X-Secured"), Some("True"), "{mail:?}");
    assert_eq!(mail.header("To"), Some("mira@example.com"), "the bare address until it is confirmed");
    assert!(mail.raw.contains("multipart/alternative") && mail.raw.contains("text/html"), "{mail:?}");
    assert!(mail.header("Message-ID").is_some() && mail.header("Date").is_some(), "{mail:?}");
    gateway.confirm(mail.token().expect("a link with a key")).await;
    assert_eq!(gateway.send(&log_in("mira@example.com", PASSWORD)).await.status, 201);
    eventually("the other mail arrives", async || read_folder(&gateway.folder().join("mail")).len() == 2).await;
}

async fn a_wrong_password_sends_nothing_and_loses_nothing(engine: Engine) {
    let gateway = Gateway::on(engine);
    let server = MailServer::start(&gateway.path("")).await;
    let gateway = server.settings(gateway).set("VESTIBULE__MAIL__SMTP__PASSWORD", "wrong-secret").start().await;
    gateway.register("mira@example.com").await;
    gateway.until_it_says("535").await;
    assert!(read_folder(&gateway.folder().join("mail")).is_empty());
    assert_eq!(outbox(&gateway, "queued").await, 1, "it waits for somebody to set the password right");
    assert!(
        !gateway.log().contains("wrong-secret") && !gateway.log().contains("mira@example.com"),
        "{}",
        gateway.log()
    );
    let gateway = gateway.stop().await.set("VESTIBULE__MAIL__SMTP__PASSWORD", "mail-secret").start().await;
    gateway.advance(3600).await;
    let mail = mail_to(&gateway, "mira@example.com").await;
    gateway.confirm(mail.token().unwrap()).await;
}

async fn an_untrusted_certificate_sends_nothing(engine: Engine) {
    let gateway = Gateway::on(engine);
    let server = MailServer::start(&gateway.path("")).await;
    let gateway = server.settings(gateway).set("VESTIBULE__MAIL__SMTP__CA_FILE", "").start().await;
    gateway.register("mira@example.com").await;
    gateway.until_it_says("certificate").await;
    assert!(read_folder(&gateway.folder().join("mail")).is_empty());
    assert_eq!(outbox(&gateway, "queued").await, 1);
}

async fn a_refused_recipient_blocks_nobody(engine: Engine) {
    let gateway = Gateway::on(engine);
    let server = MailServer::start(&gateway.path("")).await;
    let gateway = server.settings(gateway).start().await;
    gateway.register("nobody@example.com").await;
    gateway.register("mira@example.com").await;
    mail_to(&gateway, "mira@example.com").await;
    eventually("a permanent refusal is given up", async || outbox(&gateway, "dead").await == 1).await;
}

async fn a_deferred_recipient_is_tried_again(engine: Engine) {
    let gateway = Gateway::on(engine);
    let server = MailServer::start(&gateway.path("")).await;
    let gateway = server.settings(gateway).start().await;
    gateway.register("later@example.com").await;
    gateway.until_it_says("451").await;
    gateway.advance(3600).await;
    let mail = mail_to(&gateway, "later@example.com").await;
    gateway.confirm(mail.token().unwrap()).await;
}
