//! What the tests of this crate share: settings, customers, letters, and a reader of MIME messages.
#![expect(dead_code, reason = "each test binary uses its own part of this")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that finds nothing has failed")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use domain::{
    Account, Code, Customer, CustomerId, EmailAddress, Gender, LinkKey, Locale, Marks, MessageId, MessageKind, Profile,
    Salutation, SystemClock, SystemRandomness, Timestamp,
};
use mailer::{Letter, LetterSecret, MailSettings, Mailer, MailerError, RenderedMail};

pub const KEY: &str = "607a17d1c673f461ca40002ea79fddc0";
pub const CODE: &str = "004711";
/// 2026-03-04T10:15:00Z
pub const NOW: Timestamp = Timestamp::from_micros(1_772_619_300_000_000);

/// The defaults with every folder below `folder`.
pub fn settings(folder: &Path) -> MailSettings {
    let folder = folder.display();
    toml::from_str(&format!(
        r#"
        transport = "mailbox"
        shop_name = "Vestibule Demo Shop"
        default_locale = "de_DE"
        storefront_url = "https://shop.example"
        confirm_link = "{{storefront}}/register/confirm?token=%s&_store=%s"
        restore_link = "{{storefront}}/password/restore?token=%s&_store=%s"
        templates_path = ""
        [sender]
        name = "Vestibule Demo Shop"
        email = "noreply@vestibule.example"
        [smtp]
        host = "127.0.0.1"
        port = 587
        tls = "none"
        username = ""
        password = ""
        password_file = ""
        ca_file = ""
        timeout_seconds = 20
        pool_size = 4
        [file]
        path = '{folder}/mail'
        [mailbox]
        path = '{folder}/mailbox'
        keep = 1000
        "#
    ))
    .unwrap()
}

pub fn open(settings: &MailSettings) -> Result<Mailer, MailerError> {
    Mailer::new(settings, Arc::new(SystemClock))
}

/// A customer whose every word is easy to find again.
pub fn customer(email: &str, locale: &str, confirmed: bool) -> Customer {
    named_customer(email, locale, confirmed, "Firstword", "Lastword")
}

pub fn named_customer(email: &str, locale: &str, confirmed: bool, first: &str, last: &str) -> Customer {
    let account = Account {
        id: CustomerId(35),
        reference: "DE--35".to_owned(),
        email: EmailAddress::parse(email).unwrap(),
        profile: Profile {
            salutation: Some(Salutation::Dr),
            first_name: Some(first.to_owned()),
            last_name: Some(last.to_owned()),
            gender: Some(Gender::Female),
            date_of_birth: Some("1984-05-06".parse().unwrap()),
            phone: Some("+49 40 7654321".to_owned()),
            company: Some("Firmword".to_owned()),
            subscribed_to_newsletter: false,
        },
        locale: Locale::parse(locale).unwrap(),
        store: "DE".to_owned(),
        created_at: NOW,
        updated_at: NOW,
    };
    Customer::from_marks(account, Marks { confirmed_at: confirmed.then_some(NOW), ..Marks::default() })
}

/// Renders a message of this kind to the customer's own address, with [`KEY`] and [`CODE`] where the kind carries a secret.
pub fn render(mailer: &Mailer, kind: MessageKind, customer: &Customer, expires_at: Option<Timestamp>) -> RenderedMail {
    render_to(mailer, None, kind, customer, expires_at)
}

/// The same to another address.
pub fn render_to(
    mailer: &Mailer,
    recipient: Option<&str>,
    kind: MessageKind,
    customer: &Customer,
    expires_at: Option<Timestamp>,
) -> RenderedMail {
    let recipient = recipient.map(|email| EmailAddress::parse(email).unwrap());
    let (key, code) = (LinkKey::parse(KEY).unwrap(), Code::parse(CODE).unwrap());
    let letter = Letter {
        kind,
        customer,
        recipient: recipient.as_ref(),
        secret: kind.secret().map(|_| LetterSecret { key: &key, code: &code, expires_at }),
        message_id: &MessageId::generate(&SystemRandomness),
        requested_at: NOW,
        now: NOW,
    };
    mailer.render(&letter).unwrap()
}

/// A confirmation to `email`, as it is most often needed.
pub fn confirmation(mailer: &Mailer, email: &str) -> RenderedMail {
    render(mailer, MessageKind::RegistrationConfirmation, &customer(email, "en_US", false), None)
}

/// A message taken apart again: its headers as they stand, and the decoded bodies of its parts by content type.
pub struct Parsed {
    pub headers: Vec<(String, String)>,
    pub parts: BTreeMap<String, String>,
}

impl Parsed {
    pub fn header(&self, name: &str) -> &str {
        let found: Vec<_> = self.headers.iter().filter(|(header, _)| header == name).collect();
        assert_eq!(found.len(), 1, "{name} in {:?}", self.headers);
        &found[0].1
    }
}

pub fn parse(raw: &[u8]) -> Parsed {
    let raw = std::str::from_utf8(raw).unwrap();
    assert!(!raw.replace("\r\n", "").contains(['\r', '\n']), "a line does not end in CRLF");
    let (head, body) = raw.split_once("\r\n\r\n").unwrap();
    let headers = headers(head);
    let content_type = &headers.iter().find(|(name, _)| name == "Content-Type").unwrap().1;
    assert!(content_type.starts_with("multipart/alternative"), "{content_type}");
    let boundary = content_type.split("boundary=\"").nth(1).unwrap().trim_end_matches('"');
    let mut pieces: Vec<&str> = body.split(&format!("--{boundary}")).collect();
    assert_eq!(pieces.pop().unwrap().trim(), "--", "the message does not end with its boundary");
    let parts = pieces.into_iter().skip(1).map(|piece| {
        let (head, body) = piece.trim_start_matches("\r\n").split_once("\r\n\r\n").unwrap();
        let headers: BTreeMap<_, _> = self::headers(head).into_iter().collect();
        (headers["Content-Type"].clone(), decode(&headers["Content-Transfer-Encoding"], body))
    });
    Parsed { parts: parts.collect(), headers }
}

fn headers(head: &str) -> Vec<(String, String)> {
    let unfolded = head.replace("\r\n ", " ").replace("\r\n\t", " ");
    let split = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned())).unwrap();
    unfolded.split("\r\n").map(split).collect()
}

fn decode(encoding: &str, body: &str) -> String {
    let text = match encoding {
        "7bit" => body.to_owned(),
        "quoted-printable" => {
            let joined = body.replace("=\r\n", "");
            let mut bytes = Vec::new();
            let mut rest = joined.as_bytes();
            while let Some((&byte, after)) = rest.split_first() {
                if byte == b'=' {
                    bytes.push(u8::from_str_radix(std::str::from_utf8(&after[..2]).unwrap(), 16).unwrap());
                    rest = &after[2..];
                } else {
                    bytes.push(byte);
                    rest = after;
                }
            }
            String::from_utf8(bytes).unwrap()
        }
        other => panic!("unexpected encoding {other}"),
    };
    text.replace("\r\n", "\n").trim_end_matches('\n').to_owned()
}
