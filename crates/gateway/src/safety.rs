//! What is unsafe about a configuration: refused outright, or warned of.

use std::net::SocketAddr;

use mailer::TransportKind;

use crate::settings::Settings;

/// Whether anybody but this machine can reach an address.
pub(crate) fn is_public(address: SocketAddr) -> bool {
    !address.ip().is_loopback()
}

/// Refuses development features on a public address unless a setting asks for it twice.
///
/// # Errors
///
/// A sentence that names the settings.
pub(crate) fn refuse_public_development(settings: &Settings, address: SocketAddr) -> Result<(), String> {
    let asked_twice = settings.server.allow_public_development && settings.server.allow_public_development_really;
    if !is_public(address) || asked_twice {
        return Ok(());
    }
    let dangers = [
        (settings.mail.transport == TransportKind::Mailbox, "the mailbox shows every mail to everybody"),
        (settings.test_mode, "test mode lets everybody move the clock"),
    ];
    match dangers.into_iter().find(|(on, _)| *on) {
        None => Ok(()),
        Some((_, danger)) => Err(format!(
            "{danger}, and {address} is a public address: set mail.transport to \"smtp\" and test_mode to false, or bind to \
             127.0.0.1, or set server.allow_public_development and server.allow_public_development_really"
        )),
    }
}

/// Everything about a configuration that an operator of a real shop should know.
pub(crate) fn warnings(settings: &Settings, address: Option<SocketAddr>) -> Vec<String> {
    let url = &settings.server.public_url;
    let public = address.is_some_and(is_public);
    let checks = [
        (!settings.accounts.double_opt_in, "double opt-in is off: accounts work without a confirmed address"),
        (
            settings.dialects.bagisto && settings.dialects.confirm_by_get,
            "dialects.confirm_by_get is on: programs that scan mails confirm addresses that nobody has shown to be theirs",
        ),
        (settings.test_mode, "test mode is on: whoever reaches this address can move the clock"),
        (
            settings.mail.transport == TransportKind::Mailbox,
            "mail goes to the built-in mailbox and reaches nobody; set mail.transport to \"smtp\" for a real shop",
        ),
        (
            settings.mail.transport == TransportKind::File,
            "mail goes to files and reaches nobody; set mail.transport to \"smtp\" for a real shop",
        ),
        (public && url.is_empty(), "server.public_url is empty: links in mails lead to the bound address"),
        (public && url.starts_with("http://"), "server.public_url is not https: passwords and tokens travel in clear"),
        (
            settings.accounts.confirmation_lifetime_seconds == 0,
            "accounts.confirmation_lifetime_seconds is 0: confirmation links never expire",
        ),
        (
            settings.accounts.restore_lifetime_seconds == 0,
            "accounts.restore_lifetime_seconds is 0: links to set a new password never expire",
        ),
        (
            settings.accounts.login_attempts == 0,
            "accounts.login_attempts is 0: whoever has an address can guess its password without end",
        ),
        (
            settings.dialects.tenpay && settings.dialects.sends_per_day == 0,
            "dialects.sends_per_day is 0: only accounts.mails_per_address_per_day bounds how often a user's code can be guessed at",
        ),
    ];
    checks.into_iter().filter(|(applies, _)| *applies).map(|(_, text)| text.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsString;

    #[test]
    fn each_warning_comes_with_what_it_warns_of() {
        const GUESSING: &str = "dialects.sends_per_day is 0";
        for (variables, warning, warned) in [
            (&[][..], GUESSING, false),
            (&[("VESTIBULE__DIALECTS__SENDS_PER_DAY", "1")], GUESSING, false),
            (&[("VESTIBULE__DIALECTS__SENDS_PER_DAY", "0")], GUESSING, true),
            (&[("VESTIBULE__DIALECTS__SENDS_PER_DAY", "0"), ("VESTIBULE__DIALECTS__TENPAY", "false")], GUESSING, false),
            (&[], "accounts.login_attempts is 0", false),
            (&[("VESTIBULE__ACCOUNTS__LOGIN_ATTEMPTS", "0")], "accounts.login_attempts is 0", true),
            (&[], "double opt-in is off", false),
            (&[("VESTIBULE__ACCOUNTS__DOUBLE_OPT_IN", "false")], "double opt-in is off", true),
            (&[], "dialects.confirm_by_get is on", false),
            (&[("VESTIBULE__DIALECTS__CONFIRM_BY_GET", "true")], "dialects.confirm_by_get is on", true),
        ] {
            let set = variables.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
            let warnings = warnings(&Settings::load(None, set).unwrap(), None);
            assert_eq!(warnings.iter().any(|text| text.starts_with(warning)), warned, "{variables:?}: {warnings:?}");
        }
    }
}
