//! The outbox: messages that wait, are leased by workers, and end as a line in the customer's timeline.

use diesel::dsl::{count_star, exists, min};
use diesel::prelude::*;
use diesel::result::Error;
use domain::{Customer, EmailAddress, MessageId, MessageKind, SecretPurpose, Timestamp};

use crate::StoreError;
use crate::engine::{Store, on_both, read, unit};
use crate::error::{Rollback, Unit};
use crate::rows::{CustomerRow, MessageRow, parse_email, parse_kind};
use crate::schema::{customers, outbox};
use crate::timeline::{Event, Mail};

/// Waits, or is being sent.
pub(crate) const QUEUED: &str = "queued";
/// Given up.
const DEAD: &str = "dead";

/// Notes are answers of foreign servers; that much of them is kept.
const MAX_NOTE_CHARACTERS: usize = 500;
/// Messages leased at once at most.
const MAX_LEASED: i64 = 1000;

/// A worker's wish for messages.
#[derive(Clone, Debug)]
pub struct Lease {
    /// The worker's name, unlike that of any other that runs.
    pub worker: String,
    /// When this happens.
    pub now: Timestamp,
    /// Until when nobody else gets them.
    pub until: Timestamp,
    /// How many at most; 1 to 1000.
    pub limit: i64,
}

/// A message that one worker has for itself for a while.
#[derive(Clone, Debug)]
pub struct LeasedMessage {
    /// The row.
    pub id: i64,
    /// What it says.
    pub kind: MessageKind,
    /// Whom it is about, and to whom it goes unless `email` says otherwise.
    pub customer: Customer,
    /// The address it goes to where that is not the customer's own.
    pub email: Option<EmailAddress>,
    /// Its identity, the same at each attempt.
    pub message_id: MessageId,
    /// Which attempt this is; 1 is the first.
    pub attempt: i32,
    /// When it was queued.
    pub created_at: Timestamp,
}

/// What an attempt came to. Of notes the first 500 characters are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finish {
    /// A mail server has it.
    Sent {
        /// Its answer.
        note: String,
    },
    /// It is tried again.
    Retry {
        /// When.
        due_at: Timestamp,
        /// Why.
        note: String,
    },
    /// It is given up, and stays to be looked at.
    Dead {
        /// Why.
        note: String,
    },
    /// It was no longer needed.
    Dropped,
}

/// How far the outbox is behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutboxStatus {
    /// Messages that wait or are being sent.
    pub queued: i64,
    /// Messages that were given up.
    pub dead: i64,
    /// For how long the oldest message has been due, in seconds; 0 when none is.
    pub oldest_due_seconds: i64,
}

impl Store {
    /// Gives a worker the messages that are due, the oldest first, and counts an attempt for each. A message that
    /// cannot be read is given up with a note, and holds up no other.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn lease_messages(&self, lease: Lease) -> Result<Vec<LeasedMessage>, StoreError> {
        Ok(unit!(self, lease_messages(&lease))?)
    }

    /// Ends an attempt. `false`, and nothing is changed, when the message is no longer leased to `worker` for that
    /// `attempt`: the lease ran out and another worker has it, or it is gone with its claim.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn finish_message(
        &self,
        id: i64,
        worker: &str,
        attempt: i32,
        finish: Finish,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let finished = Attempt { id, worker: worker.to_owned(), number: attempt };
        match unit!(self, finish_message(&finished, &finish, now)) {
            Ok(()) => Ok(true),
            Err(Rollback::Refused) => Ok(false),
            Err(rollback) => Err(rollback.into()),
        }
    }

    /// How far the outbox is behind.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn outbox_status(&self, now: Timestamp) -> Result<OutboxStatus, StoreError> {
        let (counts, oldest) = read!(self, outbox_status(now))?;
        let count = |wanted: &str| counts.iter().find(|(state, _)| state == wanted).map_or(0, |(_, count)| *count);
        let behind = oldest.map_or(0, |oldest| now.since(Timestamp::from_micros(oldest)).as_secs());
        Ok(OutboxStatus {
            queued: count(QUEUED),
            dead: count(DEAD),
            oldest_due_seconds: i64::try_from(behind).unwrap_or(i64::MAX),
        })
    }
}

/// How many messages there are in each state.
type Counts = Vec<(String, i64)>;

/// Makes a line of a message's end.
type ToEvent = fn(Mail) -> Event;

/// A lease as its holder knows it.
struct Attempt {
    id: i64,
    worker: String,
    number: i32,
}

/// The first part of a note, without what a database or a terminal chokes on.
fn shorten(note: &str) -> String {
    note.chars()
        .take(MAX_NOTE_CHARACTERS)
        .map(|character| if character.is_control() { ' ' } else { character })
        .collect()
}

on_both! {
    use [exceptions::{due_messages}, timeline::{record}];

    /// Queues a message to a customer, due at once.
    pub(crate) fn queue_message(
        connection: &mut Connection,
        kind: MessageKind,
        customer: i64,
        message_id: &MessageId,
        now: Timestamp,
    ) -> Unit<()> {
        queue_message_to(connection, None, kind, customer, message_id, now)
    }

    /// Queues a message about a customer, to another address than theirs.
    pub(crate) fn queue_message_to(
        connection: &mut Connection,
        email: Option<&str>,
        kind: MessageKind,
        customer: i64,
        message_id: &MessageId,
        now: Timestamp,
    ) -> Unit<()> {
        diesel::insert_into(outbox::table)
            .values((
                outbox::kind.eq(kind.as_str()),
                outbox::customer_id.eq(customer),
                outbox::message_id.eq(message_id.as_str()),
                outbox::state.eq(QUEUED),
                outbox::attempts.eq(0),
                outbox::due_at.eq(now.as_micros()),
                outbox::created_at.eq(now.as_micros()),
                outbox::email.eq(email),
            ))
            .execute(connection)?;
        Ok(())
    }

    /// Whether a message waits or is being sent.
    pub(crate) fn is_queued(connection: &mut Connection, id: i64) -> Unit<bool> {
        let message = outbox::table.find(id).filter(outbox::state.eq(QUEUED));
        Ok(diesel::select(exists(message)).get_result(connection)?)
    }

    /// Deletes what waits for a customer of the kinds whose secrets open one of `purposes`.
    pub(crate) fn take_back_messages(
        connection: &mut Connection,
        customer: i64,
        purposes: &[SecretPurpose],
    ) -> Unit<()> {
        let opens = |kind: &MessageKind| kind.secret().is_some_and(|purpose| purposes.contains(&purpose));
        let kinds = MessageKind::ALL.into_iter().filter(opens).map(MessageKind::as_str);
        diesel::delete(outbox::table)
            .filter(outbox::customer_id.eq(customer))
            .filter(outbox::kind.eq_any(kinds))
            .filter(outbox::state.eq(QUEUED))
            .execute(connection)?;
        Ok(())
    }

    /// Ends the unit when `limit` messages wait. Looks at that many index entries at most; nodes that do so at once may
    /// overshoot by one each.
    pub(crate) fn refuse_full_outbox(connection: &mut Connection, limit: i64) -> Unit<()> {
        let last_place: Option<i64> = outbox::table
            .filter(outbox::state.eq(QUEUED))
            .select(outbox::id)
            .limit(1)
            .offset(limit.saturating_sub(1))
            .first(connection)
            .optional()?;
        if last_place.is_some() { Err(StoreError::OutboxFull.into()) } else { Ok(()) }
    }

    pub(super) fn lease_messages(connection: &mut Connection, lease: &Lease) -> Unit<Vec<LeasedMessage>> {
        let due = due_messages(connection, lease.now, lease.limit.clamp(1, MAX_LEASED))?;
        if due.is_empty() {
            return Ok(Vec::new());
        }
        diesel::update(outbox::table.filter(outbox::id.eq_any(&due)))
            .set((
                outbox::leased_until.eq(lease.until.as_micros()),
                outbox::leased_by.eq(&lease.worker),
                outbox::attempts.eq(outbox::attempts + 1),
            ))
            .execute(connection)?;
        let mut messages = Vec::with_capacity(due.len());
        for id in due {
            match read_message(connection, id) {
                Ok(message) => messages.push(message),
                Err(Rollback::Store(error)) => bury(connection, id, &error)?,
                Err(rollback) => return Err(rollback),
            }
        }
        Ok(messages)
    }

    /// A row at a time: one that cannot be read would else spoil the others of the same answer.
    fn read_message(connection: &mut Connection, id: i64) -> Unit<LeasedMessage> {
        let row: Result<(MessageRow, CustomerRow), Error> = outbox::table
            .inner_join(customers::table)
            .filter(outbox::id.eq(id))
            .select((MessageRow::as_select(), CustomerRow::as_select()))
            .first(connection);
        match row {
            Ok((message, customer)) => Ok(message.into_message(customer)?),
            Err(error @ (Error::DeserializationError(_) | Error::NotFound)) => Err(StoreError::from(error).into()),
            Err(error) => Err(error.into()),
        }
    }

    /// Gives up a message that cannot be read.
    fn bury(connection: &mut Connection, id: i64, error: &StoreError) -> Unit<()> {
        tracing::error!(%error, outbox.id = id, "a message cannot be read and was given up");
        diesel::update(outbox::table.find(id))
            .set((
                outbox::state.eq(DEAD),
                outbox::note.eq(shorten(&error.to_string())),
                outbox::leased_until.eq(None::<i64>),
                outbox::leased_by.eq(None::<&str>),
            ))
            .execute(connection)?;
        Ok(())
    }

    /// The line comes before the row: whoever confirms or deletes a customer locks it before its messages, and so must
    /// we.
    pub(super) fn finish_message(
        connection: &mut Connection,
        attempt: &Attempt,
        finish: &Finish,
        now: Timestamp,
    ) -> Unit<()> {
        let leased = outbox::table
            .filter(outbox::id.eq(attempt.id))
            .filter(outbox::state.eq(QUEUED))
            .filter(outbox::leased_by.eq(&attempt.worker))
            .filter(outbox::attempts.eq(attempt.number));
        let event: Option<(&str, ToEvent)> = match finish {
            Finish::Sent { note } => Some((note, Event::MailSent)),
            Finish::Dead { note } => Some((note, Event::MailDead)),
            Finish::Retry { .. } | Finish::Dropped => None,
        };
        if let Some((note, event)) = event {
            let (customer, kind, email, own): (i64, String, Option<String>, (String, String)) = leased
                .inner_join(customers::table)
                .select((
                    outbox::customer_id,
                    outbox::kind,
                    outbox::email,
                    (customers::email, customers::email_canonical),
                ))
                .first(connection)
                .optional()?
                .ok_or(Rollback::Refused)?;
            let recipient = match email {
                Some(email) => parse_email(&email, "outbox")?,
                None => EmailAddress::from_stored(own.0, own.1),
            };
            let mail = Mail {
                kind: parse_kind(&kind)?,
                address: recipient.masked(),
                note: shorten(note),
            };
            record(connection, customer, now, &event(mail))?;
        }
        let free = (outbox::leased_until.eq(None::<i64>), outbox::leased_by.eq(None::<&str>));
        let finished = match finish {
            Finish::Sent { .. } | Finish::Dropped => diesel::delete(leased).execute(connection)?,
            Finish::Retry { due_at, note } => diesel::update(leased)
                .set((outbox::due_at.eq(due_at.as_micros()), outbox::note.eq(shorten(note)), free))
                .execute(connection)?,
            Finish::Dead { note } => diesel::update(leased)
                .set((outbox::state.eq(DEAD), outbox::note.eq(shorten(note)), free))
                .execute(connection)?,
        };
        if finished == 1 { Ok(()) } else { Err(Rollback::Refused) }
    }

    pub(super) fn outbox_status(connection: &mut Connection, now: Timestamp) -> Unit<(Counts, Option<i64>)> {
        let counts = outbox::table.group_by(outbox::state).select((outbox::state, count_star())).load(connection)?;
        let oldest = outbox::table
            .filter(outbox::state.eq(QUEUED))
            .filter(outbox::due_at.le(now.as_micros()))
            .select(min(outbox::due_at))
            .get_result(connection)?;
        Ok((counts, oldest))
    }
}
