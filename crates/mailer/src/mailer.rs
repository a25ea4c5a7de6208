//! The mailer: letters in, messages out.

use std::path::Path;
use std::sync::Arc;

use domain::{
    Account, Clock, Code, Customer, CustomerId, EmailAddress, LinkKey, Locale, Marks, MessageId, MessageKind, Profile,
    SecretPurpose, Timestamp,
};

use crate::letter::{DoorLink, Extras, Letter, LetterContext, LetterSecret, Mail, full_name};
use crate::links::{self, LinkPattern};
use crate::locales::Locales;
use crate::mailbox::Mailbox;
use crate::message::{Correspondent, Draft, RenderedMail};
use crate::settings::{MailSettings, TransportKind};
use crate::templates::{Templates, one_line};
use crate::transport::file::Folder;
use crate::transport::mailbox::ToMailbox;
use crate::transport::smtp::Smtp;
use crate::transport::{Receipt, SendError, Transport};

/// Why there is no mailer, or no message. Texts name settings, files and lines, never what is in a message.
#[derive(Debug, thiserror::Error)]
pub enum MailerError {
    /// A setting is out of bounds or does not fit the others.
    #[error("{0}")]
    Settings(String),
    /// A template or a file of texts is broken.
    #[error("{file}: {problem}")]
    Template {
        /// The file, and the line where it is known.
        file: String,
        /// What is wrong.
        problem: String,
    },
    /// A folder that messages are put into cannot be used.
    #[error("{setting}: the folder cannot be used: {problem}")]
    Folder {
        /// The setting that names the folder.
        setting: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// A letter cannot become a message.
    #[error("the message cannot be written: {0}")]
    Message(String),
}

/// Renders letters and sends them.
pub struct Mailer {
    shop_name: String,
    storefront_url: String,
    confirm_link: LinkPattern,
    restore_link: LinkPattern,
    sender: Correspondent,
    locales: Locales,
    templates: Templates,
    transport: Box<dyn Transport>,
    mailbox: Option<Arc<Mailbox>>,
}

impl Mailer {
    /// Checks the settings, reads templates and texts, renders every message in every language once to see that they work, and
    /// makes the transport ready. Connects to nothing.
    ///
    /// # Errors
    ///
    /// What has to be put right before messages can be sent.
    pub fn new(settings: &MailSettings, clock: Arc<dyn Clock>) -> Result<Self, MailerError> {
        settings.check().map_err(MailerError::Settings)?;
        links::check_storefront(&settings.storefront_url).map_err(MailerError::Settings)?;
        let confirm_link = settings.confirm_pattern().map_err(MailerError::Settings)?;
        let restore_link = settings.restore_pattern().map_err(MailerError::Settings)?;
        let folder = templates_folder(&settings.templates_path)?;
        let email = EmailAddress::parse(&settings.sender.email)
            .map_err(|_| MailerError::Settings("mail.sender.email is not a mail address".to_owned()))?;
        let locales = Locales::load(folder, &settings.default_locale)?;
        let templates = Templates::load(folder, &locales)?;
        let (transport, mailbox) = open_transport(settings, &email, clock)?;
        let mailer = Self {
            shop_name: one_line(&settings.shop_name),
            storefront_url: settings.storefront_url.clone(),
            confirm_link,
            restore_link,
            sender: Correspondent { email, name: Some(one_line(&settings.sender.name)) },
            locales,
            templates,
            transport,
            mailbox,
        };
        mailer.rehearse()?;
        Ok(mailer)
    }

    /// Writes a letter in the customer's language.
    ///
    /// # Errors
    ///
    /// When the kind wants a secret and there is none, or the letter has no form as a message.
    pub fn render(&self, letter: &Letter<'_>) -> Result<RenderedMail, MailerError> {
        self.render_in(self.locales.pick(&letter.customer.account().locale), letter)
    }

    /// Hands a message to the transport. Over SMTP it answers within twice `mail.smtp.timeout_seconds`.
    ///
    /// # Errors
    ///
    /// Whether trying again makes sense, with a text that carries no address and no secret.
    pub async fn send(&self, mail: &RenderedMail) -> Result<Receipt, SendError> {
        self.transport.send(mail).await
    }

    /// The mailbox, when that is where messages go.
    pub fn mailbox(&self) -> Option<Arc<Mailbox>> {
        self.mailbox.clone()
    }

    fn render_in(&self, locale: &Locale, letter: &Letter<'_>) -> Result<RenderedMail, MailerError> {
        if letter.kind.secret().is_some() != letter.secret.is_some() {
            return Err(MailerError::Message(format!("{} does not fit the secret it was given", letter.kind)));
        }
        let profile = letter.visible_profile();
        let name = full_name(&profile);
        let link = self.link(letter);
        let code = letter.visible_code();
        let catalogue = self.locales.catalogue(locale)?;
        let moment = |moment| catalogue.moment(moment).map_err(MailerError::Message);
        let context = LetterContext {
            mail: Mail::of(letter, &profile, locale, link.as_ref()),
            letter: Extras {
                shop_name: &self.shop_name,
                storefront_url: &self.storefront_url,
                language: locale.language(),
                subject: String::new(),
                recipient_name: name.clone(),
                code: code.map_or("", Code::expose),
                requested_at: moment(letter.requested_at)?,
                expires_at: letter.secret.as_ref().and_then(|secret| secret.expires_at).map(moment).transpose()?,
            },
        };
        let rendered = self.templates.render(letter.kind, locale, context)?;
        RenderedMail::compose(Draft {
            kind: letter.kind,
            message_id: letter.message_id,
            from: self.sender.clone(),
            to: Correspondent { email: letter.recipient_address().clone(), name: (!name.is_empty()).then_some(name) },
            subject: rendered.subject,
            text: rendered.text,
            html: rendered.html,
            date: letter.now,
            token: link.as_ref().map(|link| link.key.expose().to_owned()),
            link: link.map(|link| link.url),
            code: code.map(|code| code.expose().to_owned()),
        })
    }

    /// The link of a letter that carries a secret with one.
    fn link<'a>(&self, letter: &Letter<'a>) -> Option<DoorLink<'a>> {
        let (purpose, secret) = letter.kind.secret().filter(|_| !letter.kind.is_code()).zip(letter.secret.as_ref())?;
        let pattern = match purpose {
            SecretPurpose::Confirmation | SecretPurpose::EmailChange => &self.confirm_link,
            SecretPurpose::Restore => &self.restore_link,
        };
        let account = letter.customer.account();
        let url = pattern.build(secret.key, &account.store, &account.locale);
        Some(DoorLink { purpose, url, key: secret.key })
    }

    /// Renders every message in every language, before and after confirmation, with and without an expiry: whatever a template
    /// or a text gets wrong shows at start-up, not when a customer waits.
    fn rehearse(&self) -> Result<(), MailerError> {
        let moment = Timestamp::from_micros(0);
        let message_id = MessageId::from_stored("0".repeat(32));
        let (Some(key), Some(code)) = (LinkKey::parse(&"0".repeat(32)), Code::parse("000000")) else {
            return Ok(());
        };
        for (locale, _) in self.locales.iter() {
            let account = Account {
                id: CustomerId(1),
                reference: "DE--1".to_owned(),
                email: self.sender.email.clone(),
                profile: Profile {
                    first_name: Some("First".to_owned()),
                    last_name: Some("Last".to_owned()),
                    ..Profile::default()
                },
                locale: locale.clone(),
                store: "DE".to_owned(),
                created_at: moment,
                updated_at: moment,
            };
            for kind in MessageKind::ALL {
                for decided_at in [None, Some(moment)] {
                    let marks = Marks { confirmed_at: decided_at, ..Marks::default() };
                    let secret = || LetterSecret { key: &key, code: &code, expires_at: decided_at };
                    self.render_in(
                        locale,
                        &Letter {
                            kind,
                            customer: &Customer::from_marks(account.clone(), marks),
                            recipient: None,
                            secret: kind.secret().map(|_| secret()),
                            message_id: &message_id,
                            requested_at: moment,
                            now: moment,
                        },
                    )?;
                }
            }
        }
        Ok(())
    }
}

fn templates_folder(path: &str) -> Result<Option<&Path>, MailerError> {
    match Path::new(path) {
        _ if path.is_empty() => Ok(None),
        folder if folder.is_dir() => Ok(Some(folder)),
        _ => Err(MailerError::Settings(format!("mail.templates_path: {path} is not a folder"))),
    }
}

type OpenTransport = (Box<dyn Transport>, Option<Arc<Mailbox>>);

fn open_transport(
    settings: &MailSettings,
    sender: &EmailAddress,
    clock: Arc<dyn Clock>,
) -> Result<OpenTransport, MailerError> {
    let unusable = |setting| move |error: std::io::Error| MailerError::Folder { setting, problem: error.to_string() };
    match settings.transport {
        TransportKind::Smtp => Ok((Box::new(Smtp::new(&settings.smtp, sender)?), None)),
        TransportKind::File => {
            let folder = Folder::open(Path::new(&settings.file.path)).map_err(unusable("mail.file.path"))?;
            Ok((Box::new(folder), None))
        }
        TransportKind::Mailbox => {
            let mailbox = Mailbox::open(Path::new(&settings.mailbox.path), settings.mailbox.keep)
                .map(Arc::new)
                .map_err(unusable("mail.mailbox.path"))?;
            Ok((Box::new(ToMailbox { mailbox: Arc::clone(&mailbox), clock }), Some(mailbox)))
        }
    }
}
