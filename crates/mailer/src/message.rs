//! A rendered message, and its form on the wire (RFC 5322, MIME).

use std::time::{Duration, UNIX_EPOCH};

use domain::{EmailAddress, MessageId, MessageKind, Timestamp};
use lettre::address::Envelope;
use lettre::message::header::{Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::{Address, Message};

use crate::mailer::MailerError;

/// The last moment that the date of a message can express: the end of the year 9999, in seconds.
const LAST_SECOND: u64 = 253_402_300_799;

/// Somebody a message comes from or goes to.
#[derive(Clone)]
pub struct Correspondent {
    /// The address.
    pub email: EmailAddress,
    /// The name shown beside it, one line.
    pub name: Option<String>,
}

/// A message that is ready to go. It carries a secret and an address in clear and has therefore no `Debug`.
pub struct RenderedMail {
    /// What it says.
    pub kind: MessageKind,
    /// `<32 hex characters@domain of the sender>`, the same at each attempt.
    pub message_id: String,
    /// Who writes.
    pub from: Correspondent,
    /// To whom. There is no name until the address is confirmed.
    pub to: Correspondent,
    /// The subject, one line.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The HTML text.
    pub html: String,
    /// The date.
    pub date: Timestamp,
    /// The link that opens a door.
    pub link: Option<String>,
    /// The key in the link.
    pub token: Option<String>,
    /// The six-digit code.
    pub code: Option<String>,
    raw: Vec<u8>,
    envelope: Envelope,
}

/// The parts of a [`RenderedMail`] that come from outside of this module.
pub(crate) struct Draft<'a> {
    pub(crate) kind: MessageKind,
    pub(crate) message_id: &'a MessageId,
    pub(crate) from: Correspondent,
    pub(crate) to: Correspondent,
    pub(crate) subject: String,
    pub(crate) text: String,
    pub(crate) html: String,
    pub(crate) date: Timestamp,
    pub(crate) link: Option<String>,
    pub(crate) token: Option<String>,
    pub(crate) code: Option<String>,
}

impl RenderedMail {
    /// The message as it travels: RFC 5322, lines ended by CRLF.
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// The addresses of the SMTP envelope.
    pub(crate) fn envelope(&self) -> &Envelope {
        &self.envelope
    }

    /// Writes a draft as a message.
    ///
    /// # Errors
    ///
    /// When the message id is not made of letters, digits, dots and hyphens, or an address has no form on the wire.
    pub(crate) fn compose(draft: Draft<'_>) -> Result<Self, MailerError> {
        let local_id = draft.message_id.as_str();
        let well_formed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if local_id.is_empty() || local_id.len() > 64 || !local_id.bytes().all(well_formed) {
            return Err(MailerError::Message(
                "its message id has other characters than letters, digits, hyphens".to_owned(),
            ));
        }
        let (from, to) = (wire_address(&draft.from.email)?, wire_address(&draft.to.email)?);
        let message_id = format!("<{local_id}@{}>", from.domain());
        let seconds = u64::try_from(draft.date.as_seconds()).unwrap_or(0).min(LAST_SECOND);
        let parts = MultiPart::builder()
            .kind(lettre::message::MultiPartKind::Alternative)
            .boundary(format!("part-{local_id}"))
            .singlepart(SinglePart::plain(draft.text.clone()))
            .singlepart(SinglePart::html(draft.html.clone()));
        let message = Message::builder()
            .from(Mailbox::new(draft.from.name.clone(), from.clone()))
            .to(Mailbox::new(draft.to.name.clone(), to.clone()))
            .subject(draft.subject.clone())
            .message_id(Some(message_id.clone()))
            .date(UNIX_EPOCH + Duration::from_secs(seconds))
            .header(AutoSubmitted)
            .multipart(parts)
            .map_err(|error| MailerError::Message(error.to_string()))?;
        Ok(Self {
            kind: draft.kind,
            message_id,
            from: draft.from,
            to: draft.to,
            subject: draft.subject,
            text: draft.text,
            html: draft.html,
            date: draft.date,
            link: draft.link,
            token: draft.token,
            code: draft.code,
            raw: message.formatted(),
            envelope: message.envelope().clone(),
        })
    }
}

/// The address as mail servers take it: the owner's spelling before the `@`, the domain in A-labels after it, so that only an
/// address whose local part is not ASCII needs a server that knows SMTPUTF8.
fn wire_address(email: &EmailAddress) -> Result<Address, MailerError> {
    let local = email.as_typed().rsplit_once('@').map_or("", |(local, _)| local);
    let domain = email.canonical().rsplit_once('@').map_or("", |(_, domain)| domain);
    Address::new(local, domain).map_err(|_| MailerError::Message("an address has no form on the wire".to_owned()))
}

/// Tells other machines that no person wrote this, so that none of them answers (RFC 3834).
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}
