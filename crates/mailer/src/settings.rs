//! The settings of section `[mail]`, with their bounds.

use std::fmt;
use std::net::IpAddr;
use std::ops::RangeInclusive;

use domain::{EmailAddress, Locale};
use serde::Deserialize;

use crate::links::{self, LinkPattern};

const TEXT_CHARACTERS: RangeInclusive<usize> = 1..=100;
const TIMEOUT_SECONDS: RangeInclusive<u64> = 1..=300;
const POOL_SIZE: RangeInclusive<usize> = 1..=64;
const KEEP: RangeInclusive<usize> = 1..=100_000;

/// Section `[mail]`. Every key has to be there: the defaults are those of `config/default.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailSettings {
    /// Where messages go.
    pub transport: TransportKind,
    /// The shop's name in subjects and texts, 1 to 100 characters.
    pub shop_name: String,
    /// The language of customers for whose locale there are no texts.
    pub default_locale: Locale,
    /// Where links lead: an http or https address without a slash at its end. Empty means the server's public address, which
    /// whoever makes a [`Mailer`](crate::Mailer) has to fill in.
    pub storefront_url: String,
    /// The link that confirms an address: `{storefront}`, and `%s` for the key and for the store, in this order.
    pub confirm_link: String,
    /// The link that leads to a new password, in the same form.
    pub restore_link: String,
    /// A folder whose `mail/` and `locales/` replace embedded files of the same name; empty for none.
    pub templates_path: String,
    /// Who writes.
    pub sender: SenderSettings,
    /// The transport `smtp`.
    pub smtp: SmtpSettings,
    /// The transport `file`.
    pub file: FileSettings,
    /// The transport `mailbox`.
    pub mailbox: MailboxSettings,
}

/// Where messages go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TransportKind {
    /// A folder that is shown as a page: for trying out and testing.
    Mailbox,
    /// A mail server.
    Smtp,
    /// A folder of `.eml` files, for whatever picks them up.
    File,
}

impl TransportKind {
    /// The name in the settings.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mailbox => "mailbox",
            Self::Smtp => "smtp",
            Self::File => "file",
        }
    }
}

impl fmt::Display for TransportKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Section `[mail.sender]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SenderSettings {
    /// The sender's name, 1 to 100 characters.
    pub name: String,
    /// The sender's address. Its domain is also that of message ids and of the greeting to the mail server.
    pub email: String,
}

/// Section `[mail.smtp]`. `Debug` leaves the password out.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmtpSettings {
    /// Name or IP address of the server.
    pub host: String,
    /// TCP port, 1 to 65535.
    pub port: u16,
    /// How the connection is encrypted.
    pub tls: SmtpTls,
    /// User name; empty to send without logging in.
    pub username: String,
    /// Password; empty when there is none, or when it comes from a file.
    pub password: String,
    /// A file that holds the password in its first line; empty for none.
    pub password_file: String,
    /// A PEM file of certificate authorities that are trusted beside the system's; empty for none.
    pub ca_file: String,
    /// How long connecting up to the `DATA` command may take, and how long handing the text over may take: seconds, 1 to 300.
    pub timeout_seconds: u64,
    /// Connections at most, 1 to 64.
    pub pool_size: usize,
}

/// How the connection to the mail server is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SmtpTls {
    /// Begins in clear and must be upgraded before anything is said.
    StartTls,
    /// From the first byte.
    Tls,
    /// Never: for a server on the same machine or a test.
    None,
}

impl fmt::Debug for SmtpSettings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SmtpSettings")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("tls", &self.tls)
            .finish_non_exhaustive()
    }
}

/// Section `[mail.file]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileSettings {
    /// The folder; it is created.
    pub path: String,
}

/// Section `[mail.mailbox]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailboxSettings {
    /// The folder; it is created. Processes that share it share the mailbox.
    pub path: String,
    /// How many messages are kept, 1 to 100000; older ones are deleted.
    pub keep: usize,
}

impl MailSettings {
    /// Checks every bound, and what has to fit together.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong, as a sentence that names the key.
    pub fn check(&self) -> Result<(), String> {
        let smtp = &self.smtp;
        let has_password = !smtp.password.is_empty() || !smtp.password_file.is_empty();
        let rules = [
            (
                is_line(&self.shop_name),
                "mail.shop_name must have 1 to 100 characters, none of them a control character",
            ),
            (
                is_line(&self.sender.name),
                "mail.sender.name must have 1 to 100 characters, none of them a control character",
            ),
            (EmailAddress::parse(&self.sender.email).is_ok(), "mail.sender.email is not a mail address"),
            (is_host(&smtp.host), "mail.smtp.host must be the name or the IP address of a mail server, without a port"),
            (smtp.port > 0, "mail.smtp.port must lie between 1 and 65535"),
            (TIMEOUT_SECONDS.contains(&smtp.timeout_seconds), "mail.smtp.timeout_seconds must lie between 1 and 300"),
            (POOL_SIZE.contains(&smtp.pool_size), "mail.smtp.pool_size must lie between 1 and 64"),
            (
                smtp.password.is_empty() || smtp.password_file.is_empty(),
                "mail.smtp.password and mail.smtp.password_file cannot both be set",
            ),
            (
                smtp.username.is_empty() != has_password,
                "mail.smtp.username needs mail.smtp.password or mail.smtp.password_file, and the other way round",
            ),
            (
                smtp.username.is_empty() || smtp.tls != SmtpTls::None || is_loopback(&smtp.host),
                "mail.smtp.username: a password is not sent over mail.smtp.tls = \"none\" unless mail.smtp.host is this machine",
            ),
            (!self.file.path.is_empty(), "mail.file.path must name a folder"),
            (!self.mailbox.path.is_empty(), "mail.mailbox.path must name a folder"),
            (KEEP.contains(&self.mailbox.keep), "mail.mailbox.keep must lie between 1 and 100000"),
        ];
        if let Some((_, text)) = rules.into_iter().find(|(kept, _)| !kept) {
            return Err(text.to_owned());
        }
        if !self.storefront_url.is_empty() {
            links::check_storefront(&self.storefront_url)?;
        }
        self.confirm_pattern()?;
        self.restore_pattern().map(drop)
    }

    /// The pattern in `confirm_link`.
    pub(crate) fn confirm_pattern(&self) -> Result<LinkPattern, String> {
        LinkPattern::parse("mail.confirm_link", &self.confirm_link, &self.storefront_url)
    }

    /// The pattern in `restore_link`.
    pub(crate) fn restore_pattern(&self) -> Result<LinkPattern, String> {
        LinkPattern::parse("mail.restore_link", &self.restore_link, &self.storefront_url)
    }
}

fn is_line(text: &str) -> bool {
    TEXT_CHARACTERS.contains(&text.chars().count()) && !text.trim().is_empty() && !text.chars().any(char::is_control)
}

fn is_host(host: &str) -> bool {
    url::Host::parse(host).is_ok() || host.parse::<IpAddr>().is_ok()
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The defaults, as a user's file would spell them.
    pub(crate) const DEFAULTS: &str = r#"
        transport = "mailbox"
        shop_name = "Vestibule Demo Shop"
        default_locale = "de_DE"
        storefront_url = "https://shop.example"
        confirm_link = "{storefront}/register/confirm?token=%s&_store=%s"
        restore_link = "{storefront}/password/restore?token=%s&_store=%s"
        templates_path = ""
        sender = { name = "Vestibule Demo Shop", email = "noreply@vestibule.example" }
        smtp = { host = "localhost", port = 587, tls = "starttls", username = "", password = "", password_file = "", ca_file = "", timeout_seconds = 20, pool_size = 4 }
        file = { path = "data/mail" }
        mailbox = { path = "data/mailbox", keep = 1000 }
    "#;

    pub(crate) fn defaults() -> MailSettings {
        toml::from_str(DEFAULTS).unwrap()
    }

    type Change = fn(&mut MailSettings);

    #[test]
    fn the_defaults_keep_every_rule() {
        assert_eq!(defaults().check(), Ok(()));
        assert_eq!(MailSettings { storefront_url: String::new(), ..defaults() }.check(), Ok(()));
    }

    #[test]
    fn every_broken_rule_names_its_key() {
        let cases: &[(&str, Change)] = &[
            ("mail.shop_name", |s| s.shop_name.clear()),
            ("mail.shop_name", |s| s.shop_name = "Shop\r\nBcc: x@example.com".to_owned()),
            ("mail.shop_name", |s| s.shop_name = "x".repeat(101)),
            ("mail.sender.name", |s| s.sender.name = "  ".to_owned()),
            ("mail.sender.email", |s| s.sender.email = "noreply".to_owned()),
            ("mail.smtp.host", |s| s.smtp.host = "smtp.example.com:25".to_owned()),
            ("mail.smtp.host", |s| s.smtp.host.clear()),
            ("mail.smtp.port", |s| s.smtp.port = 0),
            ("mail.smtp.timeout_seconds", |s| s.smtp.timeout_seconds = 301),
            ("mail.smtp.pool_size", |s| s.smtp.pool_size = 0),
            ("mail.smtp.username", |s| s.smtp.username = "me".to_owned()),
            ("mail.smtp.username", |s| s.smtp.password = "secret".to_owned()),
            ("mail.smtp.password", |s| {
                s.smtp.password = "secret".to_owned();
                s.smtp.password_file = "file".to_owned();
            }),
            ("mail.smtp.tls", |s| {
                s.smtp.username = "me".to_owned();
                s.smtp.password = "secret".to_owned();
                s.smtp.tls = SmtpTls::None;
                s.smtp.host = "smtp.example.com".to_owned();
            }),
            ("mail.file.path", |s| s.file.path.clear()),
            ("mail.mailbox.path", |s| s.mailbox.path.clear()),
            ("mail.mailbox.keep", |s| s.mailbox.keep = 0),
            ("mail.storefront_url", |s| s.storefront_url = "shop.example".to_owned()),
            ("mail.confirm_link", |s| s.confirm_link = "{storefront}/confirm".to_owned()),
            ("mail.restore_link", |s| s.restore_link = "/password/restore?token=%s".to_owned()),
        ];
        for (key, change) in cases {
            let mut settings = defaults();
            change(&mut settings);
            let text = settings.check().unwrap_err();
            assert!(text.contains(key), "{key}: {text}");
            assert!(!text.contains("secret"), "{text}");
        }
    }

    #[test]
    fn a_password_may_go_in_clear_to_this_machine_only() {
        for (host, allowed) in [("localhost", true), ("127.0.0.1", true), ("::1", true), ("10.0.0.1", false)] {
            let mut settings = defaults();
            settings.smtp.host = host.to_owned();
            settings.smtp.tls = SmtpTls::None;
            settings.smtp.username = "me".to_owned();
            settings.smtp.password = "secret".to_owned();
            assert_eq!(settings.check().is_ok(), allowed, "{host}");
        }
    }

    #[test]
    fn unknown_keys_are_refused() {
        let text = format!("{DEFAULTS}\ntransprot = \"smtp\"");
        assert!(toml::from_str::<MailSettings>(&text).unwrap_err().to_string().contains("transprot"));
    }

    #[test]
    fn the_password_is_in_no_debug_text() {
        let mut settings = defaults();
        settings.smtp.password = "hunter2".to_owned();
        assert!(!format!("{settings:?}").contains("hunter2"));
    }
}
