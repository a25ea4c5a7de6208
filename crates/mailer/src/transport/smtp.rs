//! The transport `smtp`: conversations with a mail server, over connections that are kept.
//!
//! It says each command itself instead of leaving the whole conversation to the client library, because what a failure means
//! depends on where it happened:
//!
//! | Where                                  | 5xx answer | 4xx answer | anything else (lost, late, garbled) |
//! |----------------------------------------|------------|------------|-------------------------------------|
//! | connecting, TLS, greeting, logging in  | transient  | transient  | transient                           |
//! | `MAIL`, `RCPT`, `DATA`                 | permanent  | transient  | transient                           |
//! | the text and the dot at its end        | permanent  | transient  | ambiguous                           |
//!
//! A server that refuses *us* (a wrong password, no TLS) says nothing about the message: it stays queued until the settings are
//! right. That holds for the answers 530, 534, 535 and 538 to any command.

use std::error::Error as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use domain::EmailAddress;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt, Rset};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use lettre::transport::smtp::response::Response;
use tokio::sync::Semaphore;

use super::{Receipt, SendError, Transport, redact};
use crate::mailer::MailerError;
use crate::message::RenderedMail;
use crate::settings::{SmtpSettings, SmtpTls};

/// A connection that was idle for longer is not used again: servers hang up after a while.
const IDLE: Duration = Duration::from_secs(60);

/// The largest file that a password or certificates are read from.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// Answers by which a server refuses the session instead of the message (RFC 4954, 6).
const SESSION_CODES: [u16; 4] = [530, 534, 535, 538];

/// A mail server and the connections to it.
pub(crate) struct Smtp {
    host: String,
    port: u16,
    encryption: Encryption,
    credentials: Option<Credentials>,
    greeting: ClientId,
    step: Duration,
    places: Semaphore,
    idle: Mutex<Vec<Idle>>,
}

enum Encryption {
    StartTls(TlsParameters),
    Implicit(TlsParameters),
    None,
}

struct Idle {
    connection: AsyncSmtpConnection,
    since: Instant,
}

impl Smtp {
    /// Reads the password and the certificates. Connects to nothing.
    ///
    /// # Errors
    ///
    /// When a file cannot be read or holds no certificate.
    pub(crate) fn new(settings: &SmtpSettings, sender: &EmailAddress) -> Result<Self, MailerError> {
        let parameters = || tls_parameters(settings);
        let encryption = match settings.tls {
            SmtpTls::StartTls => Encryption::StartTls(parameters()?),
            SmtpTls::Tls => Encryption::Implicit(parameters()?),
            SmtpTls::None => Encryption::None,
        };
        let domain = sender.canonical().rsplit_once('@').map_or("localhost", |(_, domain)| domain);
        Ok(Self {
            host: settings.host.clone(),
            port: settings.port,
            encryption,
            credentials: credentials(settings)?,
            greeting: ClientId::Domain(domain.to_owned()),
            step: Duration::from_secs(settings.timeout_seconds),
            places: Semaphore::new(settings.pool_size),
            idle: Mutex::new(Vec::new()),
        })
    }

    /// Brings a conversation to the point where the server waits for the text.
    async fn announce(&self, mail: &RenderedMail) -> Result<AsyncSmtpConnection, SendError> {
        let mut connection =
            self.connection().await.map_err(|error| SendError::Transient(redact(&describe(&error), mail)))?;
        match envelope(&mut connection, mail).await {
            Ok(()) => Ok(connection),
            Err(refusal) => {
                // Left in the middle of a message, the connection is of no use; reset, it is.
                if connection.command(Rset).await.is_ok() {
                    self.keep(connection);
                }
                Err(refusal)
            }
        }
    }

    async fn connection(&self) -> Result<AsyncSmtpConnection, Error> {
        while let Some(mut connection) = self.take_idle() {
            if connection.test_connected().await {
                return Ok(connection);
            }
        }
        let implicit = match &self.encryption {
            Encryption::Implicit(parameters) => Some(parameters.clone()),
            Encryption::StartTls(_) | Encryption::None => None,
        };
        let server = (self.host.as_str(), self.port);
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(server, Some(self.step), &self.greeting, implicit, None).await?;
        if let Encryption::StartTls(parameters) = &self.encryption {
            connection.starttls(parameters.clone(), &self.greeting).await?;
        }
        if let Some(credentials) = &self.credentials {
            connection.auth(DEFAULT_MECHANISMS, credentials).await?;
        }
        Ok(connection)
    }

    fn take_idle(&self) -> Option<AsyncSmtpConnection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|idle| idle.since.elapsed() < IDLE);
        idle.pop().map(|idle| idle.connection)
    }

    fn keep(&self, connection: AsyncSmtpConnection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.push(Idle { connection, since: Instant::now() });
    }
}

#[async_trait]
impl Transport for Smtp {
    async fn send(&self, mail: &RenderedMail) -> Result<Receipt, SendError> {
        let too_late = |what: &str| format!("{what} within {} seconds", self.step.as_secs());
        let announced = tokio::time::timeout(self.step, async {
            let place = self.places.acquire().await.map_err(|_| SendError::Transient("shutting down".to_owned()))?;
            Ok((place, self.announce(mail).await?))
        });
        let (_place, mut connection) = match announced.await {
            Ok(announced) => announced?,
            Err(_) => return Err(SendError::Transient(too_late("the mail server did not get as far as DATA"))),
        };
        match tokio::time::timeout(self.step, connection.message(mail.raw())).await {
            Ok(Ok(response)) => {
                self.keep(connection);
                Ok(Receipt { answer: redact(&answer(&response), mail) })
            }
            Ok(Err(error)) if error.status().is_some() => {
                self.keep(connection);
                Err(refusal(&error, mail))
            }
            Ok(Err(error)) => Err(SendError::Ambiguous(redact(&describe(&error), mail))),
            Err(_) => Err(SendError::Ambiguous(too_late("the mail server did not acknowledge the text"))),
        }
    }
}

/// `MAIL`, `RCPT` and `DATA`.
async fn envelope(connection: &mut AsyncSmtpConnection, mail: &RenderedMail) -> Result<(), SendError> {
    let mut parameters = Vec::new();
    let addresses = mail.envelope().from().into_iter().chain(mail.envelope().to());
    if !addresses.map(AsRef::<str>::as_ref).all(str::is_ascii) {
        if !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
            return Err(SendError::Permanent("the mail server takes no address beyond ASCII (SMTPUTF8)".to_owned()));
        }
        parameters.push(MailParameter::SmtpUtfEight);
    }
    if !mail.raw().is_ascii() {
        if !connection.server_info().supports_feature(Extension::EightBitMime) {
            return Err(SendError::Permanent("the mail server takes no text beyond ASCII (8BITMIME)".to_owned()));
        }
        parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
    }
    let refused = |error: Error| refusal(&error, mail);
    connection.command(Mail::new(mail.envelope().from().cloned(), parameters)).await.map_err(refused)?;
    for recipient in mail.envelope().to() {
        connection.command(Rcpt::new(recipient.clone(), Vec::new())).await.map_err(refused)?;
    }
    connection.command(Data).await.map_err(refused)?;
    Ok(())
}

fn refusal(error: &Error, mail: &RenderedMail) -> SendError {
    let text = redact(&describe(error), mail);
    let about_session = error.status().is_some_and(|code| SESSION_CODES.contains(&u16::from(code)));
    if error.is_permanent() && !about_session { SendError::Permanent(text) } else { SendError::Transient(text) }
}

/// The answer's code and text, or what went wrong instead of an answer.
fn describe(error: &Error) -> String {
    match error.status() {
        Some(code) => format!("{code} {}", error.source().map(ToString::to_string).unwrap_or_default()),
        None => error.to_string(),
    }
}

fn answer(response: &Response) -> String {
    let text: Vec<&str> = response.message().collect();
    format!("{} {}", response.code(), text.join(" "))
}

fn tls_parameters(settings: &SmtpSettings) -> Result<TlsParameters, MailerError> {
    let mut builder = TlsParameters::builder(settings.host.clone());
    if !settings.ca_file.is_empty() {
        let pem = read_file("mail.smtp.ca_file", &settings.ca_file)?;
        if !pem.contains("-----BEGIN CERTIFICATE-----") {
            return Err(MailerError::Settings(format!(
                "mail.smtp.ca_file: {} holds no PEM certificate",
                settings.ca_file
            )));
        }
        let certificates = Certificate::from_pem(pem.as_bytes()).map_err(|error| tls_error(&error))?;
        builder = builder.add_root_certificate(certificates);
    }
    builder.build_rustls().map_err(|error| tls_error(&error))
}

fn tls_error(error: &Error) -> MailerError {
    MailerError::Settings(format!("mail.smtp.tls: {error}"))
}

fn credentials(settings: &SmtpSettings) -> Result<Option<Credentials>, MailerError> {
    if settings.username.is_empty() {
        return Ok(None);
    }
    let password = if settings.password_file.is_empty() {
        settings.password.clone()
    } else {
        let text = read_file("mail.smtp.password_file", &settings.password_file)?;
        text.lines().next().unwrap_or_default().to_owned()
    };
    if password.is_empty() {
        return Err(MailerError::Settings("mail.smtp.password_file holds no password in its first line".to_owned()));
    }
    Ok(Some(Credentials::new(settings.username.clone(), password)))
}

fn read_file(setting: &str, path: &str) -> Result<String, MailerError> {
    use std::io::Read;
    let mut text = String::new();
    std::fs::File::open(Path::new(path))
        .and_then(|file| file.take(MAX_FILE_BYTES).read_to_string(&mut text))
        .map_err(|error| MailerError::Settings(format!("{setting}: {path} cannot be read: {error}")))?;
    Ok(text)
}
