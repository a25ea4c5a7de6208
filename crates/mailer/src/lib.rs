//! What is told to customers by mail, and how it gets out.
//!
//! A [`Letter`] (what kind of message, to whom, with which secret) is rendered in the customer's language from templates and
//! texts that are part of the binary and can be replaced file by file, and handed to one of three transports: an SMTP server,
//! a folder of `.eml` files, or the [`Mailbox`], in which people and test suites read what was sent. No database.
//!
//! What somebody typed into a registration form appears in no message before the address is confirmed, so that the form cannot
//! be used to send a stranger's words to anybody.

mod letter;
mod links;
mod locales;
mod mailbox;
mod mailer;
mod message;
mod settings;
mod templates;
mod transport;

pub use letter::{Letter, LetterSecret};
pub use mailbox::{Mailbox, MailboxFilter, StoredMessage};
pub use mailer::{Mailer, MailerError};
pub use message::{Correspondent, RenderedMail};
pub use settings::{FileSettings, MailSettings, MailboxSettings, SenderSettings, SmtpSettings, SmtpTls, TransportKind};
pub use transport::{Receipt, SendError, Transport};
