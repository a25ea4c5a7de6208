//! Signing up: a claim on an address, and a new message for claims that wait.

use std::time::Duration;

use diesel::prelude::*;
use domain::{
    Account, CustomerId, DoubleOptIn, EmailAddress, GuestId, Locale, MessageId, MessageKind, PasswordHash, Profile,
    Reregistration, Timestamp, canonical_phone,
};

use crate::StoreError;
use crate::budgets::budget_key;
use crate::carts::CartRules;
use crate::customers::NewCustomer;
use crate::engine::{Store, on_both, unit};
use crate::error::{Rollback, Unit};
use crate::rows::CustomerRow;
use crate::schema::consents;
use crate::timeline::Event;

/// A sign-up to be written. No `Debug`: it is personal throughout.
#[derive(Clone)]
pub struct NewClaim {
    /// The address that is claimed.
    pub email: EmailAddress,
    /// The hash of the password, where one was chosen.
    pub password_hash: Option<PasswordHash>,
    /// Name and such.
    pub profile: Profile,
    /// The language the customer is written to in.
    pub locale: Locale,
    /// The store they sign up in.
    pub store: String,
    /// What comes before `--<id>` in the reference.
    pub reference_prefix: String,
    /// Whether the telephone number must be nobody else's.
    pub phone_is_unique: bool,
    /// What they agreed to.
    pub consents: Vec<NewConsent>,
    /// Whether they are to confirm.
    pub double_opt_in: DoubleOptIn,
    /// Whether open claims on the address stand in the way.
    pub reregistration: Reregistration,
    /// Whether nobody may learn that the address is taken: then an ordinary claim is made, whose message is the notice.
    pub hide_taken: bool,
    /// Open claims on one address at most.
    pub max_open_claims: i64,
    /// The identity of the message that this causes.
    pub message_id: MessageId,
    /// How long the owner of a taken address is told no second time.
    pub notice_cool_down: Duration,
    /// The guest who signs up, and what holds for the cart that they take along.
    pub guest: Option<(GuestId, CartRules)>,
    /// When this happens.
    pub now: Timestamp,
}

/// Something that a customer agreed to when they signed up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewConsent {
    /// What: `terms`.
    pub purpose: &'static str,
    /// Through which door: `glue`.
    pub channel: &'static str,
}

/// What became of a sign-up.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one at a time, and it is taken apart at once")]
pub enum ClaimOutcome {
    /// It is stored, and its message with it.
    Inserted(Account),
    /// The address cannot be had. Its owner is told, unless they were told just before.
    Taken,
    /// The telephone number cannot be had, where it must be nobody else's.
    PhoneTaken,
}

/// A wish for new confirmation messages. `Debug` would show the address and is left out.
#[derive(Clone)]
pub struct Resend {
    /// The address, in canonical form.
    pub canonical_email: String,
    /// How long the next wish for this address is ignored.
    pub cool_down: Duration,
    /// How many mails to the address strangers may cause within 24 hours; at least 1. Beyond it none is sent.
    pub max_mails_per_day: i32,
    /// Identities for the messages that this may cause: one a claim.
    pub message_ids: [MessageId; 3],
    /// When this happens.
    pub now: Timestamp,
}

impl Store {
    /// Writes a claim, its consents, its first timeline line and the message that asks to confirm it, and binds the cart of
    /// the guest who signs up to it, with what earlier open claims of that guest took along. Without double
    /// opt-in the claim is confirmed at once, and settles the others on its address as a confirmation does.
    ///
    /// An address is taken when a confirmed account has it and `hide_taken` is off; when it has an open claim and
    /// `reregistration` is [`Reregistration::Reject`]; or when it has `max_open_claims` of them, with `hide_taken`
    /// too, for there is no claim to answer with.
    ///
    /// # Errors
    ///
    /// [`StoreError::OutboxFull`] when no message can be queued, whatever is known about the address.
    pub async fn insert_claim(&self, claim: NewClaim) -> Result<ClaimOutcome, StoreError> {
        let outbox_limit = self.inner.outbox_limit;
        match unit!(self, insert_claim(&claim, outbox_limit)) {
            Ok(Claimed::Row(row)) => Ok(ClaimOutcome::Inserted(row.into_account()?)),
            Ok(Claimed::PhoneTaken) => Ok(ClaimOutcome::PhoneTaken),
            Ok(Claimed::Taken) | Err(Rollback::Refused) => Ok(ClaimOutcome::Taken),
            Err(rollback) => Err(rollback.into()),
        }
    }

    /// Queues a confirmation message for each of the three newest open claims on an address, unless a confirmed
    /// account has it or the last wish was less than `cool_down` ago. Writes the same for known and unknown addresses
    /// but the messages.
    ///
    /// # Errors
    ///
    /// [`StoreError::OutboxFull`] when no message can be queued, whatever is known about the address.
    pub async fn queue_resend(&self, resend: Resend) -> Result<(), StoreError> {
        let outbox_limit = self.inner.outbox_limit;
        Ok(unit!(self, queue_resend(&resend, outbox_limit))?)
    }
}

impl<'a> NewCustomer<'a> {
    fn of(claim: &'a NewClaim, confirmed_at: Option<Timestamp>) -> Self {
        Self {
            id: None,
            reference: None,
            reference_prefix: &claim.reference_prefix,
            email: &claim.email,
            password_hash: claim.password_hash.as_ref(),
            profile: &claim.profile,
            locale: &claim.locale,
            store: &claim.store,
            confirmed_at,
            now: claim.now,
        }
    }
}

/// What came of a claim inside its unit.
#[expect(clippy::large_enum_variant, reason = "there is one at a time, and it is taken apart at once")]
pub(crate) enum Claimed {
    Row(CustomerRow),
    Taken,
    PhoneTaken,
}

/// What the customers on an address mean for a sign-up.
enum Standing {
    /// A confirmed account has it.
    Owned { owner: CustomerId },
    /// There is no room for another claim, or none is wanted.
    Full,
    /// It can be claimed.
    Free,
}

impl Standing {
    /// `claims` are the customers on the address, the confirmed one first, and more than `max_open_claims` if there
    /// are.
    fn of(claims: &[(i64, Option<i64>)], claim: &NewClaim) -> Self {
        let owner = claims.first().and_then(|(id, confirmed_at)| confirmed_at.map(|_| CustomerId(*id)));
        let open = claims.iter().filter(|(_, confirmed_at)| confirmed_at.is_none()).count();
        let open = i64::try_from(open).unwrap_or(i64::MAX);
        match owner {
            Some(owner) if !claim.hide_taken => Self::Owned { owner },
            _ if claim.reregistration == Reregistration::Reject && open > 0 => Self::Full,
            _ if open >= claim.max_open_claims => Self::Full,
            _ => Self::Free,
        }
    }
}

/// Whether the confirmed account comes first in `claims`.
fn is_owned(claims: &[(i64, Option<i64>)]) -> bool {
    claims.first().is_some_and(|(_, confirmed_at)| confirmed_at.is_some())
}

on_both! {
    use [
        budgets::{serialise, spend_budget, spend_mail_budget},
        customers::{find_claims, insert_customer, is_phone_taken, settle_address},
        guest_carts::{bind_guest_carts, serialise_guest},
        merchant_users::{follow_winner},
        newsletter::{write_subscription},
        outbox::{queue_message, refuse_full_outbox},
        timeline::{record},
    ];

    pub(super) fn insert_claim(
        connection: &mut Connection,
        claim: &NewClaim,
        outbox_limit: i64,
    ) -> Unit<Claimed> {
        insert_claim_asking(connection, claim, MessageKind::RegistrationConfirmation, outbox_limit)
    }

    /// Likewise; a message of the kind `asks` is what the owner of the address confirms with.
    pub(crate) fn insert_claim_asking(
        connection: &mut Connection,
        claim: &NewClaim,
        asks: MessageKind,
        outbox_limit: i64,
    ) -> Unit<Claimed> {
        let canonical = claim.email.canonical();
        refuse_full_outbox(connection, outbox_limit)?;
        serialise(connection, &budget_key("sign-up", canonical), claim.now)?;
        if let Some((guest, rules)) = &claim.guest {
            serialise_guest(connection, guest, rules)?;
        }
        let claims = find_claims(connection, canonical, claim.max_open_claims.saturating_add(1))?;
        match Standing::of(&claims, claim) {
            Standing::Free if has_taken_phone(connection, claim)? => Ok(Claimed::PhoneTaken),
            Standing::Free => insert_free_claim(connection, claim, asks, is_owned(&claims)).map(Claimed::Row),
            Standing::Full => Ok(Claimed::Taken),
            Standing::Owned { owner } => {
                let budget = budget_key("notice", canonical);
                if spend_budget(connection, &budget, claim.notice_cool_down, 1, claim.now)? {
                    let notice = MessageKind::RegistrationNotice;
                    queue_message(connection, notice, owner.0, &claim.message_id, claim.now)?;
                }
                Ok(Claimed::Taken)
            }
        }
    }

    /// Whether another account has the telephone number, where that matters. Of two that sign up with it at once the
    /// second waits.
    fn has_taken_phone(connection: &mut Connection, claim: &NewClaim) -> Unit<bool> {
        let phone = claim.profile.phone.as_deref().and_then(canonical_phone).filter(|_| claim.phone_is_unique);
        let Some(phone) = phone else { return Ok(false) };
        serialise(connection, &budget_key("phone", &phone), claim.now)?;
        is_phone_taken(connection, &phone, None)
    }

    fn insert_free_claim(
        connection: &mut Connection,
        claim: &NewClaim,
        asks: MessageKind,
        owned: bool,
    ) -> Unit<CustomerRow> {
        let (message, confirmed_at) = match claim.double_opt_in {
            _ if owned => (MessageKind::RegistrationNotice, None),
            DoubleOptIn::Required => (asks, None),
            DoubleOptIn::Off => (MessageKind::RegistrationWelcome, Some(claim.now)),
        };
        let losers = if confirmed_at.is_some() {
            // Before the insertion: a confirmation under way holds these rows, and would wait for ours with them in
            // hand.
            settle_address(connection, claim.email.canonical())?
        } else {
            Vec::new()
        };
        let row = insert_customer(connection, &NewCustomer::of(claim, confirmed_at))?;
        let account = row.id();
        follow_winner(connection, &losers, account)?;
        for consent in &claim.consents {
            diesel::insert_into(consents::table)
                .values((
                    consents::customer_id.eq(account),
                    consents::purpose.eq(consent.purpose),
                    consents::channel.eq(consent.channel),
                    consents::given_at.eq(claim.now.as_micros()),
                ))
                .execute(connection)?;
        }
        if claim.profile.subscribed_to_newsletter {
            write_subscription(connection, account, &claim.email, claim.now)?;
        }
        record(connection, account, claim.now, &Event::Registered)?;
        if confirmed_at.is_some() {
            record(connection, account, claim.now, &Event::Confirmed)?;
        }
        if let Some((guest, rules)) = &claim.guest {
            bind_guest_carts(connection, account, guest, rules)?;
        }
        queue_message(connection, message, account, &claim.message_id, claim.now)?;
        Ok(row)
    }

    pub(super) fn queue_resend(connection: &mut Connection, resend: &Resend, outbox_limit: i64) -> Unit<()> {
        refuse_full_outbox(connection, outbox_limit)?;
        let budget = budget_key("resend", &resend.canonical_email);
        if !spend_budget(connection, &budget, resend.cool_down, 1, resend.now)?
            || !spend_mail_budget(connection, &resend.canonical_email, resend.max_mails_per_day, resend.now)?
        {
            return Ok(());
        }
        let newest = find_claims(connection, &resend.canonical_email, 3)?;
        if is_owned(&newest) {
            return Ok(());
        }
        for ((claim, _), message_id) in newest.iter().zip(&resend.message_ids) {
            queue_message(connection, MessageKind::RegistrationConfirmation, *claim, message_id, resend.now)?;
        }
        Ok(())
    }
}
