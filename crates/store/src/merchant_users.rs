//! Users as merchants know them, and the codes with which they confirm.

use std::time::Duration;

use diesel::dsl::exists;
use diesel::prelude::*;
use domain::{
    CodeDigest, CustomerId, Digest, EmailAddress, Marks, MerchantId, MerchantUserId, MerchantUserState, MessageId,
    MessageKind, SecretPurpose, Timestamp,
};

use crate::budgets::{Budget, DAY, budget_key};
use crate::claims::Claimed;
use crate::engine::{Store, on_both, read, unit};
use crate::error::{Rollback, Unit};
use crate::schema::{customers, merchant_users, one_time_secrets, outbox, timeline};
use crate::{CodeOutcome, NewClaim, StoreError};

/// A merchant's user to be written. No `Debug`: it is personal throughout.
#[derive(Clone)]
pub struct NewMerchantUser {
    /// Whose.
    pub merchant: MerchantId,
    /// What the merchant calls its own data.
    pub additional_type: Option<String>,
    /// It: an object as JSON text.
    pub additional_data: Option<String>,
    /// The sign-up, if they have an address. The message that asks to confirm it carries nothing but a code.
    pub claim: Option<NewClaim>,
    /// When this happens.
    pub now: Timestamp,
}

/// A merchant's user, and the customer that they stand for.
#[derive(Clone, Debug)]
pub struct MerchantUser {
    /// The number.
    pub id: MerchantUserId,
    /// None where they have no address.
    pub customer: Option<MerchantCustomer>,
}

/// What a merchant may learn of a customer.
#[derive(Clone, Debug)]
pub struct MerchantCustomer {
    /// The number.
    pub id: CustomerId,
    /// The address.
    pub email: EmailAddress,
    /// When what decides their state happened.
    pub marks: Marks,
}

impl MerchantUser {
    /// What they are at this moment.
    pub fn state(&self) -> MerchantUserState {
        MerchantUserState::of(self.customer.as_ref().map(|customer| customer.marks))
    }

    /// Whether their address was ever confirmed.
    pub fn is_email_verified(&self) -> bool {
        self.customer.as_ref().is_some_and(|customer| customer.marks.confirmed_at.is_some())
    }
}

/// A wish for another code.
#[derive(Clone)]
pub struct CodeRequest {
    /// Whose user.
    pub merchant: MerchantId,
    /// Which one.
    pub user: MerchantUserId,
    /// The address as the merchant knows it, in canonical form.
    pub canonical_email: String,
    /// The identity of the message that this causes.
    pub message_id: MessageId,
    /// How long the next wish is refused; the first after the sign-up never is.
    pub cool_down: Duration,
    /// Wishes within 24 hours at most; 0 = any number.
    pub max_per_day: i32,
    /// How many mails to the address strangers may cause within 24 hours; at least 1. Beyond it none is sent.
    pub max_mails_per_day: i32,
    /// How long the owner of a taken address is told no second time.
    pub notice_cool_down: Duration,
    /// When this happens.
    pub now: Timestamp,
}

/// What became of a wish for another code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeRequestOutcome {
    /// It is on its way, and the older ones are void. Or there is none, and nobody may learn why: the address has an
    /// owner who was there before, or has had its mails for the day.
    Queued,
    /// The address is confirmed: there is nothing to send.
    Verified,
    /// The merchant has no such user.
    Unknown,
    /// The address is another one.
    OtherAddress,
    /// The user has no address, or the account is suspended or left.
    WrongState,
    /// Too many were asked for; nothing is changed.
    TooMany {
        /// When the next may be.
        until: Timestamp,
    },
}

impl Store {
    /// Writes a merchant's user and, where they have an address, the claim on it with the message that carries the
    /// code. `None` when the address is taken, as [`Store::insert_claim`] has it, or by an open claim of the same
    /// merchant.
    ///
    /// # Errors
    ///
    /// [`StoreError::OutboxFull`] when no message can be queued, whatever is known about the address.
    pub async fn insert_merchant_user(&self, user: NewMerchantUser) -> Result<Option<MerchantUserId>, StoreError> {
        let outbox_limit = self.inner.outbox_limit;
        match unit!(self, insert_merchant_user(&user, outbox_limit)) {
            Ok(Some(id)) => Ok(Some(user_id(id)?)),
            Ok(None) | Err(Rollback::Refused) => Ok(None),
            Err(rollback) => Err(rollback.into()),
        }
    }

    /// A merchant's user.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn find_merchant_user(
        &self,
        merchant: MerchantId,
        user: MerchantUserId,
    ) -> Result<Option<MerchantUser>, StoreError> {
        Ok(read!(self, find_merchant_user(merchant, user))?)
    }

    /// Voids all codes of a user and queues a message with a new one.
    ///
    /// A claim on an address that had an owner when it was made gets none: whatever carried one would find the owner,
    /// and have the user stand for somebody who never confirmed anything here. The owner is told instead, unless they
    /// were told just before.
    ///
    /// # Errors
    ///
    /// [`StoreError::OutboxFull`] when no message can be queued.
    pub async fn queue_code(&self, request: CodeRequest) -> Result<CodeRequestOutcome, StoreError> {
        let outbox_limit = self.inner.outbox_limit;
        Ok(unit!(self, queue_code(&request, outbox_limit))?)
    }

    /// What the newest live code of a customer is bound to; `None` where none is live.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn find_code(&self, customer: CustomerId, now: Timestamp) -> Result<Option<Digest>, StoreError> {
        Ok(read!(self, find_code(customer, now))?)
    }

    /// Consumes a code, as [`Store::confirm_by_key_and_code`] does, and notes with the event for whom it was asked.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn confirm_by_code(
        &self,
        key: Digest,
        code: CodeDigest,
        note: Option<&'static str>,
        now: Timestamp,
    ) -> Result<CodeOutcome, StoreError> {
        match unit!(self, confirm_by_code(&key, &code, note, now)) {
            Err(Rollback::Refused) => Ok(CodeOutcome::Refused),
            outcome => Ok(outcome?),
        }
    }
}

/// Numbers of this door have 32 bits, which the table sees to.
fn user_id(id: i64) -> Result<MerchantUserId, StoreError> {
    let corrupt = StoreError::Corrupt { table: "merchant_users", column: "id" };
    i32::try_from(id).map(MerchantUserId).map_err(|_| corrupt)
}

/// Number, address, and when the customer was confirmed, suspended and anonymised.
type CustomerColumns = (i64, String, String, Option<i64>, Option<i64>, Option<i64>);

fn customer_of((id, email, canonical, confirmed, suspended, anonymised): CustomerColumns) -> MerchantCustomer {
    let at = |micros: Option<i64>| micros.map(Timestamp::from_micros);
    MerchantCustomer {
        id: CustomerId(id),
        email: EmailAddress::from_stored(email, canonical),
        marks: Marks {
            confirmed_at: at(confirmed),
            suspended_at: at(suspended),
            anonymised_at: at(anonymised),
            tokens_ended_at: None,
        },
    }
}

on_both! {
    use [
        budgets::{serialise, spend_budget, spend_budgets, spend_mail_budget},
        claims::{insert_claim_asking},
        customers::{find_claims, lock_customer},
        links::{confirm_by_key_and_code},
        outbox::{queue_message, refuse_full_outbox},
    ];

    pub(super) fn insert_merchant_user(
        connection: &mut Connection,
        user: &NewMerchantUser,
        outbox_limit: i64,
    ) -> Unit<Option<i64>> {
        let mut customer = None;
        if let Some(claim) = &user.claim {
            let canonical = claim.email.canonical();
            serialise(connection, &budget_key("sign-up", canonical), user.now)?;
            if has_open_claim(connection, user.merchant, canonical)? {
                return Ok(None);
            }
            let inserted = insert_claim_asking(connection, claim, MessageKind::RegistrationCode, outbox_limit)?;
            let Claimed::Row(row) = inserted else { return Ok(None) };
            customer = Some(row.id());
        }
        let id = diesel::insert_into(merchant_users::table)
            .values((
                merchant_users::merchant_id.eq(user.merchant.0),
                merchant_users::customer_id.eq(customer),
                merchant_users::additional_type.eq(&user.additional_type),
                merchant_users::additional_data.eq(&user.additional_data),
                merchant_users::created_at.eq(user.now.as_micros()),
            ))
            .returning(merchant_users::id)
            .get_result(connection)?;
        Ok(Some(id))
    }

    /// Whether one of the merchant's users waits on that address.
    fn has_open_claim(connection: &mut Connection, merchant: MerchantId, canonical_email: &str) -> Unit<bool> {
        let claims = merchant_users::table
            .inner_join(customers::table)
            .filter(merchant_users::merchant_id.eq(merchant.0))
            .filter(customers::email_canonical.eq(canonical_email))
            .filter(customers::confirmed_at.is_null())
            .filter(customers::anonymised_at.is_null());
        Ok(diesel::select(exists(claims)).get_result(connection)?)
    }

    pub(super) fn find_merchant_user(
        connection: &mut Connection,
        merchant: MerchantId,
        user: MerchantUserId,
    ) -> Unit<Option<MerchantUser>> {
        let found: Option<Option<CustomerColumns>> = merchant_users::table
            .left_join(customers::table)
            .filter(merchant_users::id.eq(i64::from(user.0)))
            .filter(merchant_users::merchant_id.eq(merchant.0))
            .select(
                (
                    customers::id,
                    customers::email,
                    customers::email_canonical,
                    customers::confirmed_at,
                    customers::suspended_at,
                    customers::anonymised_at,
                )
                    .nullable(),
            )
            .first(connection)
            .optional()?;
        Ok(found.map(|customer| MerchantUser { id: user, customer: customer.map(customer_of) }))
    }

    pub(super) fn queue_code(
        connection: &mut Connection,
        request: &CodeRequest,
        outbox_limit: i64,
    ) -> Unit<CodeRequestOutcome> {
        let Some(user) = find_merchant_user(connection, request.merchant, request.user)? else {
            return Ok(CodeRequestOutcome::Unknown);
        };
        let verified = match user.state() {
            MerchantUserState::Deactivated | MerchantUserState::Closed => return Ok(CodeRequestOutcome::WrongState),
            MerchantUserState::Verified => true,
            MerchantUserState::Registered => false,
        };
        let Some(customer) = user.customer else { return Ok(CodeRequestOutcome::WrongState) };
        if customer.email.canonical() != request.canonical_email {
            return Ok(CodeRequestOutcome::OtherAddress);
        }
        // Seen once more under the lock: another form may have confirmed it meanwhile.
        let is_open = |connection: &mut Connection| {
            Ok::<_, Rollback>(lock_customer(connection, customer.id.0)?.is_some_and(|row| row.is_open_claim()))
        };
        if verified || !is_open(connection)? {
            return Ok(CodeRequestOutcome::Verified);
        }
        refuse_full_outbox(connection, outbox_limit)?;
        let about = request.user.0.to_string();
        let mut limits = vec![
            Budget { key: budget_key("code", &about), window: request.cool_down, limit: 1 },
            Budget { key: budget_key("codes", &about), window: DAY, limit: request.max_per_day },
        ];
        limits.retain(|budget| budget.limit > 0 && budget.window > Duration::ZERO);
        if let Some(until) = spend_budgets(connection, &limits, request.now)? {
            return Ok(CodeRequestOutcome::TooMany { until });
        }
        let canonical = customer.email.canonical();
        if !spend_mail_budget(connection, canonical, request.max_mails_per_day, request.now)? {
            return Ok(CodeRequestOutcome::Queued);
        }
        if let Some(owner) = find_earlier_owner(connection, customer.id, canonical)? {
            let budget = budget_key("notice", canonical);
            if spend_budget(connection, &budget, request.notice_cool_down, 1, request.now)? {
                let notice = MessageKind::RegistrationNotice;
                queue_message(connection, notice, owner, &request.message_id, request.now)?;
            }
            return Ok(CodeRequestOutcome::Queued);
        }
        diesel::update(one_time_secrets::table)
            .filter(one_time_secrets::customer_id.eq(customer.id.0))
            .filter(one_time_secrets::is_code.eq(true))
            .filter(one_time_secrets::used_at.is_null())
            .set(one_time_secrets::used_at.eq(request.now.as_micros()))
            .execute(connection)?;
        // One that waits would bring a code that is older than ours.
        diesel::delete(outbox::table)
            .filter(outbox::customer_id.eq(customer.id.0))
            .filter(outbox::kind.eq(MessageKind::RegistrationCode.as_str()))
            .filter(outbox::state.eq(crate::outbox::QUEUED))
            .execute(connection)?;
        let kind = MessageKind::RegistrationCode;
        queue_message(connection, kind, customer.id.0, &request.message_id, request.now)?;
        Ok(CodeRequestOutcome::Queued)
    }

    /// The owner of the address of an open claim, if they were there before it. One that was made before them has had a
    /// code or a link; it lost a race, and whatever carries the next code has its users follow.
    fn find_earlier_owner(
        connection: &mut Connection,
        claim: CustomerId,
        canonical_email: &str,
    ) -> Unit<Option<i64>> {
        let Some((owner, Some(_))) = find_claims(connection, canonical_email, 1)?.into_iter().next() else {
            return Ok(None);
        };
        let asked = one_time_secrets::table
            .filter(one_time_secrets::customer_id.eq(claim.0))
            .filter(one_time_secrets::purpose.eq(SecretPurpose::Confirmation.as_str()));
        let was_asked: bool = diesel::select(exists(asked)).get_result(connection)?;
        Ok((!was_asked).then_some(owner))
    }

    pub(super) fn find_code(connection: &mut Connection, customer: CustomerId, now: Timestamp) -> Unit<Option<Digest>> {
        let digest: Option<Vec<u8>> = one_time_secrets::table
            .filter(one_time_secrets::customer_id.eq(customer.0))
            .filter(one_time_secrets::purpose.eq(SecretPurpose::Confirmation.as_str()))
            .filter(one_time_secrets::is_code.eq(true))
            .filter(one_time_secrets::code_tries_left.gt(0))
            .filter(one_time_secrets::used_at.is_null())
            .filter(one_time_secrets::expires_at.is_null().or(one_time_secrets::expires_at.gt(now.as_micros())))
            .order(one_time_secrets::id.desc())
            .select(one_time_secrets::digest)
            .first(connection)
            .optional()?;
        let corrupt = StoreError::Corrupt { table: "one_time_secrets", column: "digest" };
        Ok(digest.map(|digest| Digest::from_stored(&digest).ok_or(corrupt)).transpose()?)
    }

    pub(super) fn confirm_by_code(
        connection: &mut Connection,
        key: &Digest,
        code: &CodeDigest,
        note: Option<&str>,
        now: Timestamp,
    ) -> Unit<CodeOutcome> {
        let outcome = confirm_by_key_and_code(connection, key, code, now)?;
        if let (CodeOutcome::Confirmed(customer), Some(note)) = (outcome, note) {
            diesel::update(timeline::table)
                .filter(timeline::customer_id.eq(customer.0))
                .filter(timeline::kind.eq("confirmed"))
                .set(timeline::note.eq(note))
                .execute(connection)?;
        }
        Ok(outcome)
    }

    /// Has users whose claims lost stand for the winner.
    pub(crate) fn follow_winner(connection: &mut Connection, users: &[i64], winner: i64) -> Unit<()> {
        if !users.is_empty() {
            diesel::update(merchant_users::table.filter(merchant_users::id.eq_any(users)))
                .set(merchant_users::customer_id.eq(winner))
                .execute(connection)?;
        }
        Ok(())
    }

    /// Has the users of a claim stand for the owner of its address, who was confirmed while it was made.
    pub(crate) fn follow_owner(connection: &mut Connection, claim: i64, owner: i64) -> Unit<()> {
        diesel::update(merchant_users::table.filter(merchant_users::customer_id.eq(claim)))
            .set(merchant_users::customer_id.eq(owner))
            .execute(connection)?;
        Ok(())
    }
}
