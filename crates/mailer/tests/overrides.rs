//! Templates and texts from a folder take the place of embedded ones; broken ones stop the start and say where.
#![expect(clippy::unwrap_used, reason = "a test that finds nothing has failed")]

mod support;

use std::fs;
use std::path::Path;

use domain::MessageKind;
use mailer::MailSettings;
use support::{CODE, KEY, customer, open, render, settings};

/// Settings whose templates folder holds this one file.
fn with_file(folder: &Path, path: &str, text: &str) -> MailSettings {
    let templates = folder.join("templates");
    let file = templates.join(path);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, text).unwrap();
    MailSettings { templates_path: templates.display().to_string(), ..settings(folder) }
}

/// An embedded text with one replacement.
fn english(from: &str, to: &str) -> String {
    let text = include_str!("../../../templates/locales/en_US.toml");
    assert!(text.contains(from));
    text.replace(from, to)
}

#[test]
fn one_file_is_replaced_and_the_others_stay() {
    let folder = tempfile::tempdir().unwrap();
    let all = "{{mail.type}}|{{mail.storeName}}|{{mail.locale.localeName}}|{{mail.customer.email}}|{{mail.customer.idCustomer}}|\
        {{mail.customer.customerReference}}|{{mail.customer.firstName}}|{{mail.customer.lastName}}|{{mail.customer.company}}|\
        {{mail.customer.gender}}|{{mail.customer.dateOfBirth}}|{{mail.customer.salutation}}|{{mail.customer.phone}}|\
        {{mail.customer.registrationKey}}|{{mail.customer.confirmationLink}}|{{mail.customer.restorePasswordKey}}|\
        {{mail.customer.restorePasswordLink}}|{{mail.customer.restorePasswordDate}}|{{mail.customer.storeName}}|\
        {{mail.customer.locale}}|{{mail.customer.createdAt}}|{{mail.customer.updatedAt}}";
    let settings = with_file(folder.path(), "mail/registration-notice/body.txt.hbs", all);
    let mailer = open(&settings).unwrap();
    let mail = render(&mailer, MessageKind::RegistrationNotice, &customer("Mira@example.com", "en_GB", true), None);
    assert_eq!(
        mail.text,
        "customer registration notice mail|DE|en_US|Mira@example.com|35|DE--35|Firstword|Lastword|Firmword|Female|1984-05-06|\
         Dr|+49 40 7654321||||||DE|en_GB|2026-03-04 10:15:00.000000|2026-03-04 10:15:00.000000"
    );
    assert!(mail.html.contains("there is nothing to do"));
    let other = render(&mailer, MessageKind::RegistrationWelcome, &customer("mira@example.com", "en_US", true), None);
    assert!(other.text.contains("Your account is ready"));
}

/// What a template can show of a key depends on what the key opens.
#[test]
fn a_key_is_in_the_variables_of_its_purpose() {
    let folder = tempfile::tempdir().unwrap();
    let body = "{{mail.type}}|{{mail.customer.registrationKey}}|{{mail.customer.confirmationLink}}|{{letter.code}}|\
        {{mail.customer.restorePasswordKey}}|{{mail.customer.restorePasswordLink}}|{{mail.customer.restorePasswordDate}}";
    let mut settings = settings(folder.path());
    for kind in MessageKind::ALL {
        settings = with_file(folder.path(), &format!("mail/{kind}/body.txt.hbs"), body);
    }
    let mailer = open(&settings).unwrap();
    let confirmation =
        format!("{KEY}|https://shop.example/register/confirm?token={KEY}&_store=DE&_locale=en_US|{CODE}|||");
    let code = format!("||{CODE}|||");
    let restore = format!(
        "|||{KEY}|https://shop.example/password/restore?token={KEY}&_store=DE&_locale=en_US|2026-03-04 10:15:00.000000"
    );
    for (kind, name, variables) in [
        (MessageKind::RegistrationConfirmation, "customer registration confirmation mail", confirmation.as_str()),
        (MessageKind::RegistrationCode, "customer registration code mail", code.as_str()),
        (MessageKind::RegistrationWelcome, "customer registration mail", "|||||"),
        (MessageKind::RegistrationNotice, "customer registration notice mail", "|||||"),
        (MessageKind::RestorePassword, "customer restore password", &restore),
        (MessageKind::PasswordChanged, "customer restored password confirmation", "|||||"),
        (MessageKind::EmailChange, "customer email change mail", &confirmation),
        (MessageKind::EmailChangeNotice, "customer email change notice mail", "|||||"),
    ] {
        let mail = render(&mailer, kind, &customer("mira@example.com", "en_US", true), None);
        assert_eq!(mail.text, format!("{name}|{variables}"));
    }
}

#[test]
fn the_layout_and_the_texts_can_be_replaced_and_locales_added() {
    let folder = tempfile::tempdir().unwrap();
    with_file(folder.path(), "mail/layout.txt.hbs", "<<{{> @partial-block}}>>");
    with_file(folder.path(), "locales/pages.de_DE.toml", "none of ours");
    let settings = with_file(
        folder.path(),
        "locales/fr_FR.toml",
        &english("Thank you for signing up with {shop}!", "Merci pour votre inscription chez {shop} !"),
    );
    let mailer = open(&settings).unwrap();
    let mail = render(&mailer, MessageKind::RegistrationWelcome, &customer("mira@example.com", "fr_CH", true), None);
    assert_eq!(mail.subject, "Merci pour votre inscription chez Vestibule Demo Shop !");
    assert!(mail.text.starts_with("<<Merci"), "{}", mail.text);
}

#[test]
fn broken_files_stop_the_start_and_name_file_and_line() {
    let body = "mail/registration-welcome/body.txt.hbs";
    let layout = "mail/layout.html.hbs";
    for (path, text, parts) in [
        (body, "one\n{{#if x}}\nthree".to_owned(), vec!["body.txt.hbs, line"]),
        (body, "one\n\n{{mail.customer.nickname}}".to_owned(), vec!["body.txt.hbs, line 3", "mail.customer.nickname"]),
        (body, "one\n{{t \"no.such.text\"}}".to_owned(), vec!["body.txt.hbs, line 2", "no.such.text"]),
        (body, "{{t \"thanks\"}}".to_owned(), vec!["body.txt.hbs, line 1", "shop"]),
        (body, "{{t \"thanks\" shop=letter.nothing}}".to_owned(), vec!["body.txt.hbs, line 1", "letter.nothing"]),
        (layout, "one\n{{letter.nothing}}".to_owned(), vec!["layout.html.hbs, line 2", "letter.nothing"]),
        ("mail/button.html.hbs", "one\n{{nothing}}".to_owned(), vec!["button.html.hbs, line 2", "nothing"]),
        (layout, "x".repeat(300_000), vec!["layout.html.hbs", "256 KiB"]),
        ("mail/registration-welcome/body.htm.hbs", String::new(), vec!["body.htm.hbs", "could replace"]),
        ("mail/registration-welcom/body.txt.hbs", String::new(), vec!["registration-welcom", "could replace"]),
        ("locales/de_DE.toml", "a = \"b\"\nc = [\n".to_owned(), vec!["de_DE.toml, line"]),
        ("locales/de_DE.toml", "a = 1".to_owned(), vec!["de_DE.toml", "`a` must be a text"]),
        ("locales/de_DE.toml", english("not_yours", "not_mine"), vec!["de_DE.toml", "notice.not_yours"]),
        ("locales/german.toml", String::new(), vec!["german.toml", "not a locale"]),
        ("locales/en_US.toml", english("{moment}.", "{momnt}."), vec!["momnt"]),
        ("locales/en_US.toml", english("%H:%M", "%H:%"), vec!["moment"]),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let text =
            open(&with_file(folder.path(), path, &text)).err().unwrap_or_else(|| panic!("{path} passed")).to_string();
        for part in parts {
            assert!(text.contains(part), "{path}: {part} is not in {text}");
        }
        assert!(!text.contains('\n'), "{text}");
    }
}

#[test]
fn a_folder_that_is_not_there_stops_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let settings = MailSettings { templates_path: "/no/such/folder".to_owned(), ..settings(folder.path()) };
    assert!(open(&settings).err().unwrap().to_string().contains("mail.templates_path"));
}

#[test]
fn links_follow_their_settings() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = settings(folder.path());
    settings.confirm_link = "https://account.example/c/%s".to_owned();
    let mail = support::confirmation(&open(&settings).unwrap(), "mira@example.com");
    assert_eq!(mail.link.unwrap(), format!("https://account.example/c/{KEY}?_locale=en_US"));
    settings.restore_link = "{storefront}/new-password/%s".to_owned();
    let mira = customer("mira@example.com", "en_US", true);
    let mail = render(&open(&settings).unwrap(), MessageKind::RestorePassword, &mira, None);
    assert_eq!(mail.link.unwrap(), format!("https://shop.example/new-password/{KEY}?_locale=en_US"));
    settings.storefront_url = String::new();
    assert!(open(&settings).err().unwrap().to_string().contains("mail.storefront_url"));
}
