//! What customers get to read, in every kind and language.

mod support;

use domain::{Code, LinkKey, MessageId, MessageKind, Timestamp};
use mailer::{Letter, LetterSecret};
use support::{CODE, KEY, NOW, customer, named_customer, open, parse, render, settings};

const LINK: &str = "https://shop.example/register/confirm?token=607a17d1c673f461ca40002ea79fddc0&_store=DE";

#[test]
fn the_confirmation_says_what_it_has_to_in_both_languages() {
    let folder = tempfile::tempdir().unwrap();
    let mailer = open(&settings(folder.path())).unwrap();
    let until = NOW.plus(std::time::Duration::from_secs(86_400));
    for (locale, subject, link_text, moments) in [
        (
            "en_US",
            "Thank you for signing up with Vestibule Demo Shop!",
            "Validate your email address",
            ["4 March 2026, 10:15 UTC", "5 March 2026, 10:15 UTC"],
        ),
        (
            "de_DE",
            "Vielen Dank für deine Anmeldung bei Vestibule Demo Shop!",
            "Bestätigen Sie Ihre E-Mail-Adresse",
            ["04.03.2026, 10:15 Uhr (UTC)", "05.03.2026, 10:15 Uhr (UTC)"],
        ),
    ] {
        let customer = customer("mira@example.com", locale, false);
        let mail = render(&mailer, MessageKind::RegistrationConfirmation, &customer, Some(until));
        let link = format!("{LINK}&_locale={locale}");
        assert_eq!(mail.subject, subject);
        assert_eq!(mail.link.as_deref(), Some(link.as_str()));
        assert_eq!((mail.token.as_deref(), mail.code.as_deref()), (Some(KEY), Some(CODE)));
        assert!(mail.text.lines().any(|line| line == format!("{link_text}: {link}")), "{}", mail.text);
        assert!(mail.html.contains(&format!("href=\"{}\"", link.replace('&', "&amp;"))), "{}", mail.html);
        assert!(mail.html.contains(&format!("<html lang=\"{}\">", &locale[..2])));
        for part in [&mail.text, &mail.html] {
            for wanted in [subject, link_text, CODE, moments[0], moments[1]] {
                assert!(part.contains(wanted), "{wanted} is not in {part}");
            }
        }
    }
}

#[test]
fn a_link_that_never_expires_names_no_end() {
    let folder = tempfile::tempdir().unwrap();
    let mailer = open(&settings(folder.path())).unwrap();
    let mail = render(&mailer, MessageKind::RegistrationConfirmation, &customer("a@example.com", "en_US", false), None);
    assert!(!mail.text.contains("until") && !mail.html.contains("until"));
}

#[test]
fn only_the_confirmation_carries_a_secret() {
    let folder = tempfile::tempdir().unwrap();
    let mailer = open(&settings(folder.path())).unwrap();
    for kind in MessageKind::ALL {
        for locale in ["en_US", "de_DE", "fr_FR"] {
            let mail = render(&mailer, kind, &customer("mira@example.com", locale, true), None);
            let carries = kind == MessageKind::RegistrationConfirmation;
            assert_eq!([mail.link.is_some(), mail.token.is_some(), mail.code.is_some()], [carries; 3], "{kind}");
            let raw = parse(mail.raw());
            let shown = raw.parts.values().any(|part| part.contains(CODE) || part.contains(KEY));
            assert_eq!(shown, carries, "{kind}");
            assert!(!mail.subject.is_empty() && mail.text.len() > 50 && mail.html.len() > 500);
            assert!(!mail.text.contains("{{") && !mail.text.contains("&#"), "{}", mail.text);
        }
    }
}

#[test]
fn a_secret_that_does_not_fit_the_kind_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mailer = open(&settings(folder.path())).unwrap();
    let (key, code) = (LinkKey::parse(KEY).unwrap(), Code::parse(CODE).unwrap());
    let customer = customer("mira@example.com", "en_US", false);
    let message_id = MessageId::from_stored("0".repeat(32));
    for kind in MessageKind::ALL {
        let wrong = if kind.secret().is_some() {
            None
        } else {
            Some(LetterSecret { key: &key, code: &code, expires_at: None })
        };
        let letter =
            Letter { kind, customer: &customer, secret: wrong, message_id: &message_id, requested_at: NOW, now: NOW };
        assert!(mailer.render(&letter).is_err(), "{kind}");
    }
}

#[test]
fn nothing_an_unconfirmed_registrant_typed_is_in_any_message() {
    let folder = tempfile::tempdir().unwrap();
    let mailer = open(&settings(folder.path())).unwrap();
    for kind in MessageKind::ALL {
        for locale in ["en_US", "de_DE"] {
            let mail = render(&mailer, kind, &customer("mira@example.com", locale, false), Some(NOW));
            let parsed = parse(mail.raw());
            assert!(mail.to.name.is_none());
            assert_eq!(parsed.header("To"), "mira@example.com");
            let everything = format!("{:?} {:?}", parsed.headers, parsed.parts);
            for typed in ["Firstword", "Lastword", "1984", "Female", "Dr"] {
                assert!(!everything.contains(typed), "{kind} {locale} shows {typed}");
            }
        }
    }
}

#[test]
fn a_confirmed_customer_is_addressed_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let mailer = open(&settings(folder.path())).unwrap();
    let mail = render(&mailer, MessageKind::RegistrationNotice, &customer("mira@example.com", "en_US", true), None);
    assert!(mail.text.starts_with("Hello Firstword Lastword,\n"), "{}", mail.text);
    assert_eq!(parse(mail.raw()).header("To"), "\"Firstword Lastword\" <mira@example.com>");
}

#[test]
fn html_escapes_what_customers_typed_and_plain_text_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let mailer = open(&settings(folder.path())).unwrap();
    let customer = named_customer("mira@example.com", "en_US", true, "<b>\"A\"</b>", "& {{letter.code}} {name}");
    let mail = render(&mailer, MessageKind::RegistrationNotice, &customer, None);
    assert!(mail.text.starts_with("Hello <b>\"A\"</b> & {{letter.code}} {name},"), "{}", mail.text);
    assert!(
        mail.html.contains("Hello &lt;b&gt;&quot;A&quot;&lt;/b&gt; &amp; {{letter.code}} {name},"),
        "{}",
        mail.html
    );
    assert!(!mail.html.contains("<b>"));
}

#[test]
fn nobody_can_add_a_header() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = settings(folder.path());
    let plain = open(&settings).unwrap();
    let honest = customer("mira@example.com", "en_US", true);
    let expected: Vec<String> = parse(render(&plain, MessageKind::RegistrationNotice, &honest, None).raw())
        .headers
        .into_iter()
        .map(|h| h.0)
        .collect();
    for evil in
        ["A\r\nBcc: x@example.com", "A\nBcc: x@example.com", "A\u{2028}B", "A\0B", "\"<x@example.com>, A", "Ä\r\n B\tC"]
    {
        let customer = named_customer("mira@example.com", "en_US", true, evil, evil);
        let mail = render(&plain, MessageKind::RegistrationNotice, &customer, None);
        let parsed = parse(mail.raw());
        let names: Vec<String> = parsed.headers.iter().map(|header| header.0.clone()).collect();
        assert_eq!(names, expected, "{evil:?}");
        assert!(parsed.header("To").ends_with(" <mira@example.com>"), "{}", parsed.header("To"));
        let header = parsed.header("To");
        assert!(header.starts_with('"') || header.starts_with("=?utf-8?"), "{header}");
        assert!(!mail.to.name.unwrap().contains(char::is_control));
    }
    settings.shop_name = "Shop\r\nBcc: x@example.com".to_owned();
    assert!(open(&settings).is_err());
    let letter = Letter {
        kind: MessageKind::RegistrationWelcome,
        customer: &honest,
        secret: None,
        message_id: &MessageId::from_stored("a>\r\nBcc: <x".to_owned()),
        requested_at: NOW,
        now: NOW,
    };
    assert!(plain.render(&letter).is_err());
}

#[test]
fn the_message_on_the_wire_has_both_parts_and_the_right_headers() {
    let folder = tempfile::tempdir().unwrap();
    let mailer = open(&settings(folder.path())).unwrap();
    for locale in ["en_US", "de_DE"] {
        let customer = customer("Mira@Bücher.example", locale, false);
        let mail = render(&mailer, MessageKind::RegistrationConfirmation, &customer, None);
        assert!(mail.raw().is_ascii());
        let parsed = parse(mail.raw());
        assert_eq!(parsed.parts.len(), 2);
        assert_eq!(parsed.parts["text/plain; charset=utf-8"], mail.text.trim_end_matches('\n'));
        assert_eq!(parsed.parts["text/html; charset=utf-8"], mail.html.trim_end_matches('\n'));
        assert_eq!(parsed.header("To"), "Mira@xn--bcher-kva.example");
        assert_eq!(parsed.header("From"), "\"Vestibule Demo Shop\" <noreply@vestibule.example>");
        assert_eq!(parsed.header("Date"), "Wed, 04 Mar 2026 10:15:00 +0000");
        assert_eq!(parsed.header("Auto-Submitted"), "auto-generated");
        assert_eq!(parsed.header("MIME-Version"), "1.0");
        assert_eq!(parsed.header("Message-ID"), mail.message_id);
        assert!(
            mail.message_id.ends_with("@vestibule.example>")
                && mail.message_id.len() == 1 + 32 + "@vestibule.example>".len()
        );
        assert!(parsed.headers.iter().all(|(name, _)| name != "List-Unsubscribe"));
    }
}

#[test]
fn the_same_letter_is_the_same_message() {
    let folder = tempfile::tempdir().unwrap();
    let mailer = open(&settings(folder.path())).unwrap();
    let customer = customer("mira@example.com", "de_DE", true);
    let message_id = MessageId::from_stored("0123456789abcdef0123456789abcdef".to_owned());
    let letter = Letter {
        kind: MessageKind::RegistrationWelcome,
        customer: &customer,
        secret: None,
        message_id: &message_id,
        requested_at: NOW,
        now: NOW,
    };
    assert!(mailer.render(&letter).unwrap().raw() == mailer.render(&letter).unwrap().raw());
}

#[test]
fn moments_at_the_ends_of_time_do_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    let mailer = open(&settings(folder.path())).unwrap();
    let customer = customer("mira@example.com", "en_US", true);
    for micros in [i64::MIN, -1, 0, i64::MAX] {
        let moment = Timestamp::from_micros(micros);
        let letter = Letter {
            kind: MessageKind::RegistrationWelcome,
            customer: &customer,
            secret: None,
            message_id: &MessageId::from_stored("0".repeat(32)),
            requested_at: moment,
            now: moment,
        };
        assert!(mailer.render(&letter).is_ok(), "{micros}");
    }
}
