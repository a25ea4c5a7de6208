//! Passwords: forgotten and restored, or changed by who knows the old one.

use std::time::Duration;

use diesel::prelude::*;
use domain::{CustomerId, Digest, MessageId, MessageKind, PasswordHash, SecretPurpose, Timestamp};

use crate::StoreError;
use crate::budgets::budget_key;
use crate::engine::{Store, on_both, read, unit};
use crate::error::{Rollback, Unit};
use crate::schema::customers;
use crate::timeline::Event;

/// A wish for a key that restores a password. `Debug` would show the address and is left out.
#[derive(Clone)]
pub struct RestoreRequest {
    /// The address, in canonical form.
    pub canonical_email: String,
    /// How long the next wish for this address is ignored.
    pub cool_down: Duration,
    /// How many mails to the address strangers may cause within 24 hours; at least 1. Beyond it none is sent.
    pub max_mails_per_day: i32,
    /// The identity of the message that this may cause.
    pub message_id: MessageId,
    /// When this happens.
    pub now: Timestamp,
}

/// A new password for who has the key. `Debug` would show the address and is left out.
#[derive(Clone)]
pub struct RestorePassword {
    /// Of the key.
    pub key: Digest,
    /// The address, in canonical form, that the key must be for, where one was told.
    pub canonical_email: Option<String>,
    /// Of the new password.
    pub password_hash: PasswordHash,
    /// Whether an open claim is confirmed by it, too.
    pub confirm: bool,
    /// The identity of the message that tells the customer.
    pub message_id: MessageId,
    /// When this happens.
    pub now: Timestamp,
}

/// A new password for who knows the old one.
#[derive(Clone, Debug)]
pub struct ChangePassword {
    /// Whose it is.
    pub id: CustomerId,
    /// The hash that the old password was compared with.
    pub old: PasswordHash,
    /// Of the new password.
    pub new: PasswordHash,
    /// The number of the bearer token with which the customer asks for it: all others end.
    pub kept_bearer: Option<i64>,
    /// The identity of the message that tells the customer.
    pub message_id: MessageId,
    /// When this happens.
    pub now: Timestamp,
}

impl Store {
    /// Queues a message with a restore key for the one customer on an address whom a login is about: the confirmed
    /// account, else the newest open claim; unless the last wish was less than `cool_down` ago. Writes the same for
    /// known and unknown addresses but the message.
    ///
    /// # Errors
    ///
    /// [`StoreError::OutboxFull`] when no message can be queued, whatever is known about the address.
    pub async fn queue_restore(&self, request: RestoreRequest) -> Result<(), StoreError> {
        let outbox_limit = self.inner.outbox_limit;
        Ok(unit!(self, queue_restore(&request, outbox_limit))?)
    }

    /// Whether a restore key is good at this moment. Changes nothing.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn is_restore_key_live(&self, key: Digest, now: Timestamp) -> Result<bool, StoreError> {
        match read!(self, find_restore_key(&key, now)) {
            Ok(()) => Ok(true),
            Err(Rollback::Refused) => Ok(false),
            Err(rollback) => Err(rollback.into()),
        }
    }

    /// Consumes a restore key and sets the new password: ends all access tokens of earlier seconds, revokes all refresh
    /// and bearer tokens, voids the customer's other restore keys and a change of address under way, and tells the customer. With
    /// `confirm` an open claim becomes the account of its address. `None` is the one refusal: unknown, used, expired,
    /// void, for another address, or a lost race; nothing is changed then.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn restore_password(&self, restore: RestorePassword) -> Result<Option<CustomerId>, StoreError> {
        match unit!(self, restore_password(&restore)) {
            Ok(customer) => Ok(Some(CustomerId(customer))),
            Err(Rollback::Refused) => Ok(None),
            Err(rollback) => Err(rollback.into()),
        }
    }

    /// Sets a new password where the hash is still `old`; otherwise `false`, and nothing is changed. Revokes all
    /// refresh tokens and bearer tokens, voids restore keys and a change of address under way, and tells the customer.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn change_password(&self, change: ChangePassword) -> Result<bool, StoreError> {
        Ok(unit!(self, change_password(&change))?)
    }
}

on_both! {
    use [
        bearer_tokens::{delete_bearer_tokens},
        budgets::{spend_budget, spend_mail_budget},
        customers::{find_claims, lock_customer},
        exceptions::{lock_claims},
        links::{consume_key, find_live_secret, promote, void_keys},
        outbox::{queue_message, refuse_full_outbox},
        sessions::{revoke_refresh_tokens},
        timeline::{record},
    ];

    pub(super) fn queue_restore(connection: &mut Connection, request: &RestoreRequest, outbox_limit: i64) -> Unit<()> {
        refuse_full_outbox(connection, outbox_limit)?;
        let budget = budget_key("restore", &request.canonical_email);
        if !spend_budget(connection, &budget, request.cool_down, 1, request.now)?
            || !spend_mail_budget(connection, &request.canonical_email, request.max_mails_per_day, request.now)?
        {
            return Ok(());
        }
        match find_claims(connection, &request.canonical_email, 1)?.first() {
            Some((customer, _)) => {
                queue_message(connection, MessageKind::RestorePassword, *customer, &request.message_id, request.now)
            }
            None => Ok(()),
        }
    }

    /// Refuses when it is not good at this moment.
    pub(super) fn find_restore_key(connection: &mut Connection, key: &Digest, now: Timestamp) -> Unit<()> {
        let (row, _) = find_live_secret(connection, key, SecretPurpose::Restore, now)?;
        if row.is_anonymised() { Err(Rollback::Refused) } else { Ok(()) }
    }

    /// The customer is locked before the key: so does everybody who voids keys.
    pub(super) fn restore_password(connection: &mut Connection, restore: &RestorePassword) -> Unit<i64> {
        let RestorePassword { key, password_hash, now, .. } = restore;
        let (row, _) = find_live_secret(connection, key, SecretPurpose::Restore, *now)?;
        if restore.confirm {
            lock_claims(connection, row.email_canonical())?;
        }
        let row = lock_customer(connection, row.id())?.ok_or(Rollback::Refused)?;
        if restore.canonical_email.as_ref().is_some_and(|email| email != row.email_canonical()) {
            return Err(Rollback::Refused);
        }
        consume_key(connection, key, SecretPurpose::Restore, *now)?;
        diesel::update(customers::table.find(row.id()))
            .set((
                customers::password_hash.eq(password_hash.expose()),
                customers::tokens_ended_at.eq(now.as_micros()),
                customers::updated_at.eq(now.as_micros()),
            ))
            .execute(connection)?;
        if restore.confirm && row.is_open_claim() {
            promote(connection, row.id(), *now)?;
        }
        end_old_password(connection, row.id(), None, &restore.message_id, *now)?;
        record(connection, row.id(), *now, &Event::PasswordRestored)?;
        Ok(row.id())
    }

    pub(crate) fn change_password(connection: &mut Connection, change: &ChangePassword) -> Unit<bool> {
        let account = customers::table
            .find(change.id.0)
            .filter(customers::confirmed_at.is_not_null())
            .filter(customers::anonymised_at.is_null())
            .filter(customers::password_hash.eq(change.old.expose()));
        let changed = diesel::update(account)
            .set((
                customers::password_hash.eq(change.new.expose()),
                customers::updated_at.eq(change.now.as_micros()),
            ))
            .execute(connection)?;
        if changed == 0 {
            return Ok(false);
        }
        end_old_password(connection, change.id.0, change.kept_bearer, &change.message_id, change.now)?;
        record(connection, change.id.0, change.now, &Event::PasswordChanged)?;
        Ok(true)
    }

    /// Ends what the old password led to, and tells the customer.
    fn end_old_password(
        connection: &mut Connection,
        customer: i64,
        kept_bearer: Option<i64>,
        message_id: &MessageId,
        now: Timestamp,
    ) -> Unit<()> {
        revoke_refresh_tokens(connection, CustomerId(customer), now)?;
        delete_bearer_tokens(connection, customer, kept_bearer)?;
        void_keys(connection, customer, &[SecretPurpose::Restore, SecretPurpose::EmailChange], now)?;
        queue_message(connection, MessageKind::PasswordChanged, customer, message_id, now)
    }
}
