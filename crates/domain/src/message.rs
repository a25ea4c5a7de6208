//! What customers are told by mail, and the identity of a message.

use std::fmt;

use crate::SecretPurpose;
use crate::identity::hex_identity;

/// The kinds of message that wait in the outbox. The names are those of the template folders and of the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MessageKind {
    /// Asks the owner of the address to confirm a registration. Carries a link key and a code.
    RegistrationConfirmation,
    /// Carries nothing but a code to the owner of an address that a merchant registered. No link opens anything.
    RegistrationCode,
    /// Thanks for a registration in a shop that runs without double opt-in.
    RegistrationWelcome,
    /// Tells the owner of a confirmed account that somebody tried to register their address again.
    RegistrationNotice,
    /// Lets the owner of the address choose a new password. Carries a link key.
    RestorePassword,
    /// Tells a customer that their password was changed or restored.
    PasswordChanged,
    /// Asks whoever reads the **new** address of an account to confirm that it is to move there. Carries a link key and
    /// a code.
    EmailChange,
    /// Tells the **old** address that somebody asked to move the account to another one.
    EmailChangeNotice,
}

impl MessageKind {
    /// Every kind there is.
    pub const ALL: [Self; 8] = [
        Self::RegistrationConfirmation,
        Self::RegistrationCode,
        Self::RegistrationWelcome,
        Self::RegistrationNotice,
        Self::RestorePassword,
        Self::PasswordChanged,
        Self::EmailChange,
        Self::EmailChangeNotice,
    ];

    /// The name in the database, in the mailbox and in `templates/mail/`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RegistrationConfirmation => "registration-confirmation",
            Self::RegistrationCode => "registration-code",
            Self::RegistrationWelcome => "registration-welcome",
            Self::RegistrationNotice => "registration-notice",
            Self::RestorePassword => "restore-password",
            Self::PasswordChanged => "password-changed",
            Self::EmailChange => "email-change",
            Self::EmailChangeNotice => "email-change-notice",
        }
    }

    /// The kind of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// Whether the secret in the message is nothing but a code.
    pub const fn is_code(self) -> bool {
        matches!(self, Self::RegistrationCode)
    }

    /// What the secret in the message opens, if it carries one. The secret is made when the message is sent.
    pub const fn secret(self) -> Option<SecretPurpose> {
        match self {
            Self::RegistrationConfirmation | Self::RegistrationCode => Some(SecretPurpose::Confirmation),
            Self::RestorePassword => Some(SecretPurpose::Restore),
            Self::EmailChange => Some(SecretPurpose::EmailChange),
            Self::RegistrationWelcome | Self::RegistrationNotice | Self::PasswordChanged | Self::EmailChangeNotice => {
                None
            }
        }
    }
}

impl fmt::Display for MessageKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

hex_identity! {
    /// The part of a `Message-ID` before the `@`: 32 hex characters, made with the outbox row and the same at each attempt, so
    /// that a mail server can recognise a message it was given twice (RFC 5322, 3.6.4).
    MessageId
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_their_kind() {
        for kind in MessageKind::ALL {
            assert_eq!(MessageKind::parse(kind.as_str()), Some(kind));
        }
        assert_eq!(MessageKind::parse("newsletter"), None);
    }
}
