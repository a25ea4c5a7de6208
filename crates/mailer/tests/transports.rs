//! What comes of handing a message over: to a folder of files, and to mail servers that behave badly at every step.
#![expect(clippy::unwrap_used, reason = "a test that finds nothing has failed")]

mod support;

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use mailer::{MailSettings, Mailer, SendError, TransportKind};
use support::{CODE, KEY, confirmation, open, settings};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

#[tokio::test]
async fn the_file_transport_writes_one_file_a_message() {
    let folder = tempfile::tempdir().unwrap();
    let settings = MailSettings { transport: TransportKind::File, ..settings(folder.path()) };
    let mailer = open(&settings).unwrap();
    assert!(mailer.mailbox().is_none());
    let (one, two) = (confirmation(&mailer, "a@example.com"), confirmation(&mailer, "b@example.com"));
    for mail in [&one, &two, &one] {
        let id = mail.message_id.trim_start_matches('<').split('@').next().unwrap();
        assert_eq!(mailer.send(mail).await.unwrap().answer, format!("file {id}.eml"));
        assert_eq!(fs::read(folder.path().join("mail").join(format!("{id}.eml"))).unwrap(), mail.raw());
    }
    assert_eq!(fs::read_dir(folder.path().join("mail")).unwrap().count(), 2);
}

#[tokio::test]
async fn a_folder_that_has_gone_is_a_reason_to_try_later() {
    let folder = tempfile::tempdir().unwrap();
    let settings = MailSettings { transport: TransportKind::File, ..settings(folder.path()) };
    let mailer = open(&settings).unwrap();
    fs::remove_dir_all(folder.path().join("mail")).unwrap();
    let error = mailer.send(&confirmation(&mailer, "a@example.com")).await.unwrap_err();
    assert!(matches!(error, SendError::Transient(_)), "{error}");
}

fn smtp(settings: MailSettings, port: u16) -> Mailer {
    let mut settings = MailSettings { transport: TransportKind::Smtp, ..settings };
    settings.smtp.port = port;
    settings.smtp.timeout_seconds = 2;
    open(&settings).unwrap()
}

#[tokio::test]
async fn a_refused_connection_is_transient_and_quick() {
    let folder = tempfile::tempdir().unwrap();
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let mailer = smtp(settings(folder.path()), port);
    let began = Instant::now();
    let error = mailer.send(&confirmation(&mailer, "a@example.com")).await.unwrap_err();
    assert!(matches!(&error, SendError::Transient(text) if text.contains("refused")), "{error}");
    assert!(began.elapsed() < Duration::from_secs(2));
}

/// How a server behaves when a command of this name, or `TEXT` for the text, comes.
#[derive(Clone, Copy)]
enum Turn {
    Says(&'static str),
    HangsUp,
    IsSilent,
}

/// A mail server that behaves except for the one turn. Returns its port and the number of connections it has had.
async fn misbehaving(at: &'static str, turn: Turn) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let connections = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&connections);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(async move {
                let (reader, mut writer) = stream.into_split();
                let mut lines = BufReader::new(reader).lines();
                let mut command = "CONNECT".to_owned();
                loop {
                    let answer = if command == at {
                        match turn {
                            Turn::Says(answer) => answer,
                            Turn::HangsUp => return,
                            Turn::IsSilent => std::future::pending().await,
                        }
                    } else {
                        match command.as_str() {
                            "CONNECT" => "220 mail.example",
                            "EHLO" => "250-mail.example\r\n250 AUTH PLAIN",
                            "AUTH" => "235 2.7.0 welcome",
                            "DATA" => "354 go on",
                            "TEXT" => "250 2.0.0 Ok: queued as 4B2F",
                            _ => "250 2.1.0 Ok",
                        }
                    };
                    writer.write_all(format!("{answer}\r\n").as_bytes()).await.unwrap();
                    let Ok(Some(line)) = lines.next_line().await else { return };
                    if command == "DATA" && answer.starts_with("354") {
                        while lines.next_line().await.unwrap().unwrap() != "." {}
                        "TEXT".clone_into(&mut command);
                    } else {
                        command = line.split([' ', ':']).next().unwrap().to_owned();
                    }
                }
            });
        }
    });
    (port, connections)
}

fn outcome(error: &SendError) -> &'static str {
    match error {
        SendError::Transient(_) => "transient",
        SendError::Permanent(_) => "permanent",
        SendError::Ambiguous(_) => "ambiguous",
    }
}

#[tokio::test]
async fn what_a_failure_means_depends_on_where_it_happens() {
    use Turn::{HangsUp, IsSilent, Says};
    for (at, turn, expected) in [
        ("CONNECT", Says("554 5.3.2 no"), "transient"),
        ("CONNECT", HangsUp, "transient"),
        ("CONNECT", IsSilent, "transient"),
        ("EHLO", Says("421 4.3.0 busy"), "transient"),
        ("AUTH", Says("535 5.7.8 wrong password"), "transient"),
        ("MAIL", Says("451 4.3.0 later"), "transient"),
        ("MAIL", Says("530 5.7.0 log in first"), "transient"),
        ("MAIL", Says("550 5.7.1 not from you"), "permanent"),
        ("RCPT", Says("450 4.2.1 greylisted"), "transient"),
        ("RCPT", Says("550 5.1.1 unknown"), "permanent"),
        ("RCPT", HangsUp, "transient"),
        ("RCPT", IsSilent, "transient"),
        ("DATA", Says("554 5.5.1 no"), "permanent"),
        ("DATA", Says("complete nonsense"), "transient"),
        ("TEXT", Says("452 4.3.1 disk full"), "transient"),
        ("TEXT", Says("552 5.3.4 too big"), "permanent"),
        ("TEXT", Says("complete nonsense"), "ambiguous"),
        ("TEXT", HangsUp, "ambiguous"),
        ("TEXT", IsSilent, "ambiguous"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let (port, _) = misbehaving(at, turn).await;
        let mut settings = settings(folder.path());
        settings.smtp.username = "user".to_owned();
        settings.smtp.password = "hunter2".to_owned();
        let mailer = smtp(settings, port);
        let began = Instant::now();
        let error = mailer.send(&confirmation(&mailer, "mira@example.com")).await.unwrap_err();
        assert_eq!(outcome(&error), expected, "{at}: {error}");
        assert!(began.elapsed() < Duration::from_secs(10), "{at}");
        if let Says(answer) = turn
            && answer.starts_with(|character: char| character.is_ascii_digit())
        {
            assert!(error.to_string().ends_with(answer), "{at}: {error}");
        }
    }
}

#[tokio::test]
async fn a_connection_serves_many_messages_also_after_a_refusal() {
    let folder = tempfile::tempdir().unwrap();
    let (port, connections) = misbehaving("VRFY", Turn::HangsUp).await;
    let mailer = smtp(settings(folder.path()), port);
    for _ in 0..5 {
        let receipt = mailer.send(&confirmation(&mailer, "mira@example.com")).await.unwrap();
        assert_eq!(receipt.answer, "250 2.0.0 Ok: queued as 4B2F");
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
    let (port, connections) = misbehaving("RCPT", Turn::Says("550 5.1.1 unknown")).await;
    let mailer = smtp(settings(folder.path()), port);
    for _ in 0..5 {
        mailer.send(&confirmation(&mailer, "mira@example.com")).await.unwrap_err();
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_connection_that_the_server_closed_meanwhile_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let (port, connections) = misbehaving("NOOP", Turn::HangsUp).await;
    let mailer = smtp(settings(folder.path()), port);
    for expected in 1..=3 {
        mailer.send(&confirmation(&mailer, "mira@example.com")).await.unwrap();
        assert_eq!(connections.load(Ordering::SeqCst), expected);
    }
}

#[tokio::test]
async fn no_more_connections_than_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let (port, connections) = misbehaving("VRFY", Turn::HangsUp).await;
    let mut settings = settings(folder.path());
    settings.smtp.pool_size = 2;
    let mailer = Arc::new(smtp(settings, port));
    let senders: Vec<_> = (0..20)
        .map(|_| {
            let mailer = Arc::clone(&mailer);
            tokio::spawn(async move { mailer.send(&confirmation(&mailer, "mira@example.com")).await.unwrap() })
        })
        .collect();
    for sender in senders {
        sender.await.unwrap();
    }
    assert!(connections.load(Ordering::SeqCst) <= 2);
}

#[tokio::test]
async fn texts_about_an_attempt_carry_neither_addresses_nor_secrets() {
    let quoted = "550 5.7.1 <Mira@example.com> user mira: spam https://shop.example/x mira%40example.com \
        key=607A17D1C673F461CA40002EA79FDDC0, code 004711";
    let folder = tempfile::tempdir().unwrap();
    let (port, _) = misbehaving("TEXT", Turn::Says(quoted)).await;
    let mailer = smtp(settings(folder.path()), port);
    let text = mailer.send(&confirmation(&mailer, "mira@example.com")).await.unwrap_err().to_string().to_lowercase();
    assert!(
        text.contains("550 5.7.1 [removed] user [removed] spam [removed] [removed] [removed] code [removed]"),
        "{text}"
    );
    for secret in ["mira", "@", KEY, CODE, "token="] {
        assert!(!text.contains(secret), "{secret} is in {text}");
    }
}

#[tokio::test]
async fn a_server_without_starttls_gets_neither_password_nor_message() {
    let folder = tempfile::tempdir().unwrap();
    let (port, _) = misbehaving("VRFY", Turn::HangsUp).await;
    let mut settings = settings(folder.path());
    settings.smtp.tls = mailer::SmtpTls::StartTls;
    settings.smtp.username = "user".to_owned();
    settings.smtp.password = "hunter2".to_owned();
    let mailer = smtp(settings, port);
    let error = mailer.send(&confirmation(&mailer, "mira@example.com")).await.unwrap_err();
    assert!(matches!(&error, SendError::Transient(text) if text.contains("STARTTLS")), "{error}");
}

#[tokio::test]
async fn files_that_smtp_needs_are_read_at_start_up() {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("password");
    let empty = folder.path().join("empty");
    fs::write(&secret, "hunter2\n").unwrap();
    fs::write(&empty, "\n").unwrap();
    let path = |path: &std::path::Path| path.display().to_string();
    for (password_file, ca_file, expected) in [
        (path(&secret), String::new(), None),
        (path(&empty), String::new(), Some("mail.smtp.password_file")),
        ("/no/such/file".to_owned(), String::new(), Some("mail.smtp.password_file")),
        (path(&secret), "/no/such/file".to_owned(), Some("mail.smtp.ca_file")),
        (path(&secret), path(&secret), Some("mail.smtp.ca_file")),
    ] {
        let mut settings = MailSettings { transport: TransportKind::Smtp, ..settings(folder.path()) };
        settings.smtp.tls = mailer::SmtpTls::StartTls;
        settings.smtp.username = "user".to_owned();
        settings.smtp.password_file = password_file;
        settings.smtp.ca_file = ca_file;
        let text = open(&settings).err().map(|error| error.to_string());
        match expected {
            None => assert_eq!(text, None),
            Some(key) => assert!(text.as_ref().is_some_and(|text| text.contains(key)), "{key}: {text:?}"),
        }
    }
}
