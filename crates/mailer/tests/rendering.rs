//! What customers get to read, in every kind and language.

mod support;

use domain::{Code, LinkKey, MessageId, MessageKind, Timestamp};
use mailer::{Letter, LetterSecret};
use support::{CODE, KEY, NOW, customer, named_customer, open, parse, render, render_to, settings};

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
    for kind in MessageKind::ALL.into_iter().filter(|kind| kind.secret().is_some()) {
        let mail = render(&mailer, kind, &customer("a@example.com", "en_US", false), None);
        assert!(!mail.text.contains("used until") && !mail.html.contains("used until"), "{kind}");
    }
}

#[test]
fn only_what_opens_a_door_carries_a_secret() {
    let folder = tempfile::tempdir().unwrap();
    let mailer = open(&settings(folder.path())).unwrap();
    for kind in MessageKind::ALL {
        for locale in ["en_US", "de_DE", "fr_FR"] {
            let mail = render(&mailer, kind, &customer("mira@example.com", locale, true), None);
            let has_key = kind.secret().is_some() && !kind.is_code();
            let has_code = kind.secret().is_some() && kind != MessageKind::RestorePassword;
            assert_eq!(
                [mail.link.is_some(), mail.token.is_some(), mail.code.is_some()],
                [has_key, has_key, has_code],
                "{kind}"
            );
            for part in parse(mail.raw()).parts.values() {
                assert_eq!([part.contains(KEY), part.contains(CODE)], [has_key, has_code], "{kind}");
            }
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
        let letter = Letter {
            kind,
            customer: &customer,
            recipient: None,
            secret: wrong,
            message_id: &message_id,
            requested_at: NOW,
            now: NOW,
        };
        assert!(mailer.render(&letter).is_err(), "{kind}");
    }
}

/// What [`customer`] has typed about themselves.
const TYPED: [&str; 7] = ["Firstword", "Lastword", "1984", "Female", "Dr", "Firmword", "7654321"];

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
            for typed in TYPED {
                assert!(!everything.contains(typed), "{kind} {locale} shows {typed}");
            }
        }
    }
}

/// The subject of every kind, what its text must name, and the text beside its link.
#[test]
fn every_kind_says_what_it_has_to_in_both_languages() {
    let folder = tempfile::tempdir().unwrap();
    let mailer = open(&settings(folder.path())).unwrap();
    let until = NOW.plus(std::time::Duration::from_secs(7_200));
    let restore = "https://shop.example/password/restore?token=607a17d1c673f461ca40002ea79fddc0&_store=DE";
    let (shop, at, um) = ("Vestibule Demo Shop", "4 March 2026, 10:15 UTC", "04.03.2026, 10:15 Uhr (UTC)");
    let (at_end, um_end) = ("4 March 2026, 12:15 UTC", "04.03.2026, 12:15 Uhr (UTC)");
    for (kind, locale, subject, parts, link_text, link) in [
        (
            MessageKind::RestorePassword,
            "en_US",
            "New password for your Vestibule Demo Shop account",
            [shop, at, at_end, "You did not ask for it?"],
            "Change Password",
            restore,
        ),
        (
            MessageKind::RestorePassword,
            "de_DE",
            "Neues Passwort für deinen Vestibule Demo Shop Account",
            [shop, um, um_end, "Sie haben kein neues Passwort angefordert?"],
            "Passwort ändern",
            restore,
        ),
        (
            MessageKind::PasswordChanged,
            "en_US",
            "Your password was changed successfully!",
            [shop, at, "It was not you?", "“Forgotten password”"],
            "",
            "",
        ),
        (
            MessageKind::PasswordChanged,
            "de_DE",
            "Dein Passwort wurde erfolgreich geändert!",
            [shop, um, "Sie waren es nicht?", "„Passwort vergessen“"],
            "",
            "",
        ),
        (
            MessageKind::EmailChange,
            "en_US",
            "Confirm the new email address of your Vestibule Demo Shop account",
            [at, at_end, CODE, "You know nothing of this?"],
            "Validate your email address",
            LINK,
        ),
        (
            MessageKind::EmailChange,
            "de_DE",
            "Bestätigen Sie die neue E-Mail-Adresse Ihres Kontos bei Vestibule Demo Shop",
            [um, um_end, CODE, "Sie wissen davon nichts?"],
            "Bestätigen Sie Ihre E-Mail-Adresse",
            LINK,
        ),
        (
            MessageKind::EmailChangeNotice,
            "en_US",
            "A new email address for your Vestibule Demo Shop account",
            [at, "Nothing changes before", "It was not you?", "change your password"],
            "",
            "",
        ),
        (
            MessageKind::EmailChangeNotice,
            "de_DE",
            "Eine neue E-Mail-Adresse für Ihr Konto bei Vestibule Demo Shop",
            [um, "Es ändert sich nichts", "Sie waren es nicht?", "ändern Sie bitte sofort Ihr Passwort"],
            "",
            "",
        ),
    ] {
        let mail = render(&mailer, kind, &customer("mira@example.com", locale, true), Some(until));
        assert_eq!(mail.subject, subject);
        for part in parts {
            assert!(mail.text.contains(part), "{part} is not in {}", mail.text);
            assert!(mail.html.contains(part), "{part} is not in {}", mail.html);
        }
        let link = if link.is_empty() { None } else { Some(format!("{link}&_locale={locale}")) };
        assert_eq!(mail.link, link, "{kind}");
        if let Some(link) = link {
            assert!(mail.text.lines().any(|line| line == format!("{link_text}: {link}")), "{}", mail.text);
            assert!(mail.html.contains(&format!("href=\"{}\"", link.replace('&', "&amp;"))), "{}", mail.html);
            assert!(mail.html.contains(&format!(">{link_text}</a>")), "{}", mail.html);
        }
    }
}

/// Whoever reads the new address has not shown that they are the customer: they learn neither who it is nor the old address.
#[test]
fn a_new_address_learns_nothing_of_the_account() {
    let folder = tempfile::tempdir().unwrap();
    let mailer = open(&settings(folder.path())).unwrap();
    let mira = customer("mira@example.com", "en_US", true);
    let new = Some("Nora@example.com");
    let mail = render_to(&mailer, new, MessageKind::EmailChange, &mira, Some(NOW));
    let parsed = parse(mail.raw());
    assert_eq!((parsed.header("To"), mail.to.name.as_deref()), ("Nora@example.com", None));
    let everything = format!("{:?} {:?}", parsed.headers, parsed.parts);
    for typed in TYPED.into_iter().chain(["mira@example.com"]) {
        assert!(!everything.contains(typed), "shows {typed}");
    }
    // The customer may have moved before the old address is told: it does not learn where.
    let moved = customer("nora@example.com", "en_US", true);
    let notice = render_to(&mailer, Some("mira@example.com"), MessageKind::EmailChangeNotice, &moved, None);
    let parsed = parse(notice.raw());
    assert_eq!(parsed.header("To"), "\"Firstword Lastword\" <mira@example.com>");
    assert!(!format!("{:?} {:?}", parsed.headers, parsed.parts).contains("nora@example.com"));
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
        recipient: None,
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
        recipient: None,
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
            recipient: None,
            secret: None,
            message_id: &MessageId::from_stored("0".repeat(32)),
            requested_at: moment,
            now: moment,
        };
        assert!(mailer.render(&letter).is_ok(), "{micros}");
    }
}
