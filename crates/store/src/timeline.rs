//! What happened to a customer, line by line.

use diesel::prelude::*;
use domain::{MessageKind, Timestamp};

use crate::engine::on_both;
use crate::error::Unit;
use crate::planned::planned;
use crate::schema::timeline;

/// A line in a customer's timeline.
pub(crate) enum Event {
    /// Signed up.
    Registered,
    /// Came through the second door.
    Confirmed,
    /// Set a new password with a key that was mailed.
    PasswordRestored,
    /// Set a new password in place of the old one.
    PasswordChanged,
    /// Moved to another address.
    EmailChanged,
    /// Left.
    Anonymised,
    /// Was brought along from another shop.
    Imported,
    /// A message was handed to a mail server.
    MailSent(Mail),
    /// A message was given up.
    MailDead(Mail),
}

/// The message that a line is about.
pub(crate) struct Mail {
    pub(crate) kind: MessageKind,
    /// Masked: the line outlives the address.
    pub(crate) address: String,
    pub(crate) note: String,
}

impl Event {
    const fn name(&self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::Confirmed => "confirmed",
            Self::PasswordRestored => "password-restored",
            Self::PasswordChanged => "password-changed",
            Self::EmailChanged => "email-changed",
            Self::Anonymised => "anonymised",
            Self::Imported => "imported",
            Self::MailSent(_) => "mail-sent",
            Self::MailDead(_) => "mail-dead",
        }
    }

    const fn mail(&self) -> Option<&Mail> {
        match self {
            Self::MailSent(mail) | Self::MailDead(mail) => Some(mail),
            Self::Registered
            | Self::Confirmed
            | Self::PasswordRestored
            | Self::PasswordChanged
            | Self::EmailChanged
            | Self::Anonymised
            | Self::Imported => None,
        }
    }
}

on_both! {
    /// Adds a line.
    pub(crate) fn record(connection: &mut Connection, customer: i64, now: Timestamp, event: &Event) -> Unit<()> {
        let mail = event.mail();
        planned!(diesel::insert_into(timeline::table).values((
            timeline::customer_id.eq(customer),
            timeline::at.eq(now.as_micros()),
            timeline::kind.eq(event.name()),
            timeline::message.eq(mail.map(|mail| mail.kind.as_str())),
            timeline::address.eq(mail.map(|mail| mail.address.as_str())),
            timeline::note.eq(mail.map(|mail| mail.note.as_str())),
        )))
        .execute(connection)?;
        Ok(())
    }
}
