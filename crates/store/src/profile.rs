//! What customers change about themselves: profile, address, and that they leave.

use std::time::Duration;

use diesel::prelude::*;
use domain::{
    Customer, CustomerId, Digest, EmailAddress, MessageId, MessageKind, ProfileChanges, Reregistration, SecretPurpose,
    Timestamp, canonical_phone,
};

use crate::budgets::{DAY, budget_key};
use crate::engine::{Store, on_both, read, unit};
use crate::error::{Rollback, Unit};
use crate::rows::CustomerRow;
use crate::schema::{addresses, carts, customer_images, customers, merchant_users, one_time_secrets, outbox, timeline};
use crate::timeline::Event;
use crate::{ChangePassword, StoreError};

/// What is to change about a customer. No `Debug`: it is personal throughout.
#[derive(Clone)]
pub struct CustomerUpdate {
    /// Whose.
    pub id: CustomerId,
    /// Name and such.
    pub changes: ProfileChanges,
    /// What is known of a customer at some doors only.
    pub more: MoreChanges,
    /// The address the account is to have, if it is to change. One that is the same in canonical form is written at
    /// once; another one has to be confirmed from its mailbox first.
    pub email: Option<EmailAddress>,
    /// Whether nobody may learn that the address is taken: then its owner is told, and nothing else comes of it.
    pub hide_taken: bool,
    /// Whether open claims on the address stand in the way.
    pub reregistration: Reregistration,
    /// Identities of the messages that this may cause: to the new address or to its owner, and to the old address.
    pub message_ids: [MessageId; 2],
    /// How long a wish for the same address causes no second message.
    pub cool_down: Duration,
    /// How long the owner of a taken address is told no second time.
    pub notice_cool_down: Duration,
    /// How many changes of address a customer may ask for within 24 hours; at least 1.
    pub max_email_changes_per_day: i32,
    /// How many mails to the new address strangers may cause within 24 hours; at least 1. Beyond it none is sent.
    pub max_mails_per_day: i32,
    /// When this happens.
    pub now: Timestamp,
}

/// What may change beside name and such. What is `None` stays.
#[derive(Clone, Default)]
pub struct MoreChanges {
    /// The telephone number, which must be nobody else's.
    pub phone: Option<String>,
    /// Whether they want the newsletter.
    pub subscribed_to_newsletter: Option<bool>,
    /// A picture, as a data URI; `Some(None)` takes it away.
    pub image: Option<Option<String>>,
    /// A new password.
    pub password: Option<ChangePassword>,
}

/// What became of an update.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one at a time, and it is taken apart at once")]
pub enum UpdateOutcome {
    /// It is stored. A new address is not the customer's yet.
    Updated(Customer),
    /// There is no such customer any more, or an open claim was to have another address.
    Gone,
    /// The address cannot be had, and nothing was changed.
    EmailTaken,
    /// Too many changes of address were asked for, and nothing was changed.
    TooManyEmailChanges,
    /// The telephone number cannot be had, and nothing was changed.
    PhoneTaken,
    /// The password was replaced meanwhile, and nothing was changed.
    PasswordReplaced,
}

/// What comes of a wish for another address.
enum Move {
    /// The customer is no account that could move.
    Gone,
    /// The address cannot be had.
    EmailTaken,
    /// Too many were asked for.
    TooMany,
    /// Nothing: there is no wish, its key is on its way, or no more mail may be sent there.
    Quiet,
    /// Two messages; the second tells the old address.
    Begun(First),
}

/// Whom the first message of a change of address goes to.
enum First {
    /// The new address, with the key.
    Target,
    /// Whoever has that address, where that is not to be seen.
    Owner(i64),
    /// Likewise, but they were told just before.
    Nobody,
}

impl Move {
    const fn refusal(&self) -> Option<UpdateOutcome> {
        match self {
            Self::Gone => Some(UpdateOutcome::Gone),
            Self::EmailTaken => Some(UpdateOutcome::EmailTaken),
            Self::TooMany => Some(UpdateOutcome::TooManyEmailChanges),
            Self::Quiet | Self::Begun(_) => None,
        }
    }
}

impl Store {
    /// Changes a customer's profile, and begins a change of their address: a key is queued for the new address, and a
    /// notice for the old one. A change that was under way to another address is void then.
    ///
    /// An address is taken when a confirmed account has it, or when it has an open claim and `reregistration` is
    /// [`Reregistration::Reject`].
    ///
    /// # Errors
    ///
    /// [`StoreError::OutboxFull`] when another address is asked for and no message can be queued.
    pub async fn update_customer(&self, update: CustomerUpdate) -> Result<UpdateOutcome, StoreError> {
        let outbox_limit = self.inner.outbox_limit;
        match unit!(self, update_customer(&update, outbox_limit)) {
            Err(Rollback::Refused) => Ok(UpdateOutcome::PasswordReplaced),
            outcome => Ok(outcome?),
        }
    }

    /// A customer's picture, as a data URI.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn find_image(&self, customer: CustomerId) -> Result<Option<String>, StoreError> {
        Ok(read!(self, find_image(customer))?)
    }

    /// Consumes a key that was sent to a new address, and moves the account there: removes the open claims on it and
    /// voids everything that was mailed to the old one. `None` is the one refusal: unknown, used, expired, void, or the
    /// address has an owner meanwhile; nothing is changed then.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn confirm_email_change(&self, key: Digest, now: Timestamp) -> Result<Option<CustomerId>, StoreError> {
        match unit!(self, confirm_email_change(&key, now)) {
            Ok(customer) => Ok(Some(CustomerId(customer))),
            Err(Rollback::Refused) => Ok(None),
            Err(rollback) => Err(rollback.into()),
        }
    }

    /// Takes from a customer all that says who they are, and everything they could come back with. The row stays for
    /// what refers to it, under the address `replacement`. `false` when they are gone already.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn anonymise_customer(
        &self,
        id: CustomerId,
        replacement: EmailAddress,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        Ok(unit!(self, anonymise_customer(id, &replacement, now))?)
    }
}

on_both! {
    use [
        bearer_tokens::{delete_bearer_tokens},
        budgets::{serialise, spend_budget, spend_mail_budget},
        customers::{find_claims, is_phone_taken, lock_customer, settle_address},
        exceptions::{lock_claims},
        links::{consume_key, find_live_secret, void_keys},
        merchant_users::{follow_winner},
        newsletter::{delete_subscriptions, write_subscription},
        outbox::{queue_message, queue_message_to, refuse_full_outbox},
        restore::{change_password},
        sessions::{revoke_refresh_tokens},
        timeline::{record},
    ];

    pub(super) fn update_customer(
        connection: &mut Connection,
        update: &CustomerUpdate,
        outbox_limit: i64,
    ) -> Unit<UpdateOutcome> {
        let Some(row) = lock_customer(connection, update.id.0)? else {
            return Ok(UpdateOutcome::Gone);
        };
        let more = &update.more;
        let phone = more.phone.as_deref().and_then(canonical_phone);
        if let Some(phone) = &phone {
            serialise(connection, &budget_key("phone", phone), update.now)?;
            if is_phone_taken(connection, phone, Some(update.id.0))? {
                return Ok(UpdateOutcome::PhoneTaken);
            }
        }
        let (same, other): (Vec<_>, Vec<_>) =
            update.email.iter().partition(|email| email.canonical() == row.email_canonical());
        let target = other.first();
        let step = match target {
            Some(target) => decide_move(connection, &row, target, update, outbox_limit)?,
            None => Move::Quiet,
        };
        if let Some(outcome) = step.refusal() {
            return Ok(outcome);
        }
        let changes = &update.changes;
        let row: CustomerRow = diesel::update(customers::table.find(update.id.0))
            .set((
                changes.salutation.map(|salutation| customers::salutation.eq(salutation.as_str())),
                changes.first_name.as_ref().map(|name| customers::first_name.eq(name)),
                changes.last_name.as_ref().map(|name| customers::last_name.eq(name)),
                changes.gender.map(|gender| customers::gender.eq(gender.as_str())),
                changes.date_of_birth.map(|date| customers::date_of_birth.eq(date.map(|date| date.to_string()))),
                more.phone.as_ref().map(|as_typed| customers::phone.eq(as_typed)),
                more.phone.as_ref().map(|_| customers::phone_canonical.eq(&phone)),
                more.subscribed_to_newsletter.map(|wanted| customers::subscribed_to_newsletter.eq(wanted)),
                same.first().map(|email| customers::email.eq(email.as_typed())),
                customers::updated_at.eq(update.now.as_micros()),
            ))
            .returning(CustomerRow::as_returning())
            .get_result(connection)?;
        let customer = row.into_customer()?;
        match more.subscribed_to_newsletter {
            Some(true) => write_subscription(connection, update.id.0, &customer.account().email, update.now)?,
            Some(false) => delete_subscriptions(connection, update.id.0)?,
            None => {}
        }
        if let Some(image) = &more.image {
            write_image(connection, update.id.0, image.as_deref())?;
        }
        if let Some(change) = &more.password
            && !change_password(connection, change)?
        {
            // With all that was written before.
            return Err(Rollback::Refused);
        }
        // Behind the password: a new one voids every change of address that was begun before it.
        if let (Some(target), Move::Begun(first)) = (target, &step) {
            queue_move(connection, first, customer.account().email.as_typed(), target, update)?;
        }
        Ok(UpdateOutcome::Updated(customer))
    }

    fn write_image(connection: &mut Connection, customer: i64, image: Option<&str>) -> Unit<()> {
        diesel::delete(customer_images::table.find(customer)).execute(connection)?;
        if let Some(image) = image {
            diesel::insert_into(customer_images::table)
                .values((customer_images::customer_id.eq(customer), customer_images::data.eq(image)))
                .execute(connection)?;
        }
        Ok(())
    }

    pub(super) fn find_image(connection: &mut Connection, customer: CustomerId) -> Unit<Option<String>> {
        Ok(customer_images::table
            .find(customer.0)
            .select(customer_images::data)
            .first(connection)
            .optional()?)
    }

    /// What comes of a wish for another address. Writes nothing but what is counted.
    fn decide_move(
        connection: &mut Connection,
        row: &CustomerRow,
        target: &EmailAddress,
        update: &CustomerUpdate,
        outbox_limit: i64,
    ) -> Unit<Move> {
        let (customer, now) = (row.id(), update.now);
        if !row.is_confirmed() {
            return Ok(Move::Gone);
        }
        refuse_full_outbox(connection, outbox_limit)?;
        let first = find_claims(connection, target.canonical(), 1)?.into_iter().next();
        let owner = first.and_then(|(id, confirmed_at)| confirmed_at.map(|_| id));
        let taken = owner.is_some() || (first.is_some() && update.reregistration == Reregistration::Reject);
        if taken && !update.hide_taken {
            return Ok(Move::EmailTaken);
        }
        let again = budget_key(&format!("email-change|{customer}"), target.canonical());
        let is_new = spend_budget(connection, &again, update.cool_down, 1, now)?;
        // The same whether or not the address is taken, whatever was asked for in between. Beside a new password the key
        // of the wish before is void, and another one has to be sent.
        if !is_new && update.more.password.is_none() {
            return Ok(Move::Quiet);
        }
        let budget = budget_key("email-changes", &customer.to_string());
        if !spend_budget(connection, &budget, DAY, update.max_email_changes_per_day, now)? {
            return Ok(Move::TooMany);
        }
        if !spend_mail_budget(connection, target.canonical(), update.max_mails_per_day, now)? {
            return Ok(Move::Quiet);
        }
        if !taken {
            return Ok(Move::Begun(First::Target));
        }
        let notice = budget_key("notice", target.canonical());
        Ok(Move::Begun(match owner {
            Some(owner) if spend_budget(connection, &notice, update.notice_cool_down, 1, now)? => First::Owner(owner),
            _ => First::Nobody,
        }))
    }

    /// Voids the wish before, and queues what this one causes.
    fn queue_move(
        connection: &mut Connection,
        first: &First,
        old_email: &str,
        target: &EmailAddress,
        update: &CustomerUpdate,
    ) -> Unit<()> {
        let (customer, now) = (update.id.0, update.now);
        let [to_first, to_old] = &update.message_ids;
        void_keys(connection, customer, &[SecretPurpose::EmailChange], now)?;
        match first {
            First::Target => {
                let to = Some(target.as_typed());
                queue_message_to(connection, to, MessageKind::EmailChange, customer, to_first, now)?;
            }
            First::Owner(owner) => {
                queue_message(connection, MessageKind::RegistrationNotice, *owner, to_first, now)?;
            }
            First::Nobody => {}
        }
        queue_message_to(connection, Some(old_email), MessageKind::EmailChangeNotice, customer, to_old, now)
    }

    pub(super) fn confirm_email_change(connection: &mut Connection, key: &Digest, now: Timestamp) -> Unit<i64> {
        let (row, secret) = find_live_secret(connection, key, SecretPurpose::EmailChange, now)?;
        let email = secret.email()?.ok_or(Rollback::Refused)?;
        lock_customer(connection, row.id())?;
        consume_key(connection, key, SecretPurpose::EmailChange, now)?;
        move_account(connection, row.id(), &email, now)?;
        Ok(row.id())
    }

    /// Gives an account another address. Its row is locked already. Refuses when it is none any more, or the address
    /// has an owner.
    pub(crate) fn move_account(
        connection: &mut Connection,
        customer: i64,
        email: &EmailAddress,
        now: Timestamp,
    ) -> Unit<()> {
        // The claims come first: a confirmation under way holds them, and would wait for our address with them in hand.
        lock_claims(connection, email.canonical())?;
        let losers = settle_address(connection, email.canonical())?;
        let account = customers::table
            .find(customer)
            .filter(customers::confirmed_at.is_not_null())
            .filter(customers::anonymised_at.is_null());
        let moved = diesel::update(account)
            .set((
                customers::email.eq(email.as_typed()),
                customers::email_canonical.eq(email.canonical()),
                customers::updated_at.eq(now.as_micros()),
            ))
            .execute(connection)
            .map_err(Rollback::lost_race)?;
        if moved == 0 {
            return Err(Rollback::Refused);
        }
        follow_winner(connection, &losers, customer)?;
        void_keys(connection, customer, &SecretPurpose::ALL, now)?;
        record(connection, customer, now, &Event::EmailChanged)
    }

    pub(super) fn anonymise_customer(
        connection: &mut Connection,
        id: CustomerId,
        replacement: &EmailAddress,
        now: Timestamp,
    ) -> Unit<bool> {
        let no_text = None::<&str>;
        let row = customers::table.find(id.0).filter(customers::anonymised_at.is_null());
        let anonymised = diesel::update(row)
            .set((
                customers::email.eq(replacement.as_typed()),
                customers::email_canonical.eq(replacement.canonical()),
                customers::password_hash.eq(no_text),
                customers::salutation.eq(no_text),
                customers::first_name.eq(no_text),
                customers::last_name.eq(no_text),
                customers::gender.eq(no_text),
                customers::date_of_birth.eq(no_text),
                customers::phone.eq(no_text),
                customers::phone_canonical.eq(no_text),
                customers::subscribed_to_newsletter.eq(false),
                customers::company.eq(no_text),
                customers::anonymised_at.eq(now.as_micros()),
                customers::updated_at.eq(now.as_micros()),
            ))
            .execute(connection)?;
        if anonymised == 0 {
            return Ok(false);
        }
        diesel::delete(addresses::table.filter(addresses::customer_id.eq(id.0))).execute(connection)?;
        diesel::delete(customer_images::table.find(id.0)).execute(connection)?;
        diesel::update(merchant_users::table.filter(merchant_users::customer_id.eq(id.0)))
            .set((merchant_users::additional_type.eq(no_text), merchant_users::additional_data.eq(no_text)))
            .execute(connection)?;
        delete_subscriptions(connection, id.0)?;
        delete_bearer_tokens(connection, id.0, None)?;
        diesel::delete(carts::table.filter(carts::customer_id.eq(id.0))).execute(connection)?;
        diesel::delete(one_time_secrets::table.filter(one_time_secrets::customer_id.eq(id.0))).execute(connection)?;
        // Before the lines: a worker that just sent one adds its line before it lets go of the message.
        diesel::delete(outbox::table.filter(outbox::customer_id.eq(id.0))).execute(connection)?;
        diesel::update(timeline::table.filter(timeline::customer_id.eq(id.0)))
            .set((timeline::address.eq(no_text), timeline::note.eq(no_text)))
            .execute(connection)?;
        revoke_refresh_tokens(connection, id, now)?;
        record(connection, id.0, now, &Event::Anonymised)?;
        Ok(true)
    }
}
