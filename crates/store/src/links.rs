//! One-time secrets: the link that opens the second door, and the code beside it.

use diesel::prelude::*;
use domain::{
    CODE_TRIES, CodeDigest, Customer, CustomerId, Digest, KEPT_CONFIRMATION_KEYS, MessageKind, PasswordHash,
    SecretPurpose, Timestamp,
};

use crate::StoreError;
use crate::engine::{Backend, Store, UnitTimer, on_both, read, unit};
use crate::error::{Rollback, Unit};
use crate::exceptions::{postgres::confirm_in_one_statement, sqlite::confirm_in_turn};
use crate::planned::planned;
use crate::rows::CustomerRow;
use crate::schema::{customers, one_time_secrets, outbox};
use crate::timeline::Event;

/// A link key that is about to be sent, as digests.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// Whose it is.
    pub customer: CustomerId,
    /// What it opens.
    pub purpose: SecretPurpose,
    /// Of the key.
    pub digest: Digest,
    /// Of the code beside it, if there is one.
    pub code: Option<CodeDigest>,
    /// When it ends; never if `None`.
    pub expires_at: Option<Timestamp>,
    /// When this happens.
    pub now: Timestamp,
}

/// What became of a new key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyOutcome {
    /// It is good from now on.
    Inserted,
    /// The customer is gone or confirmed, or their address has an owner: there is nothing left to open.
    Settled,
}

/// What became of a code that was typed in beside a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeOutcome {
    /// Right: the claim is confirmed.
    Confirmed(CustomerId),
    /// Wrong.
    Wrong {
        /// How many wrong ones are still forgiven.
        tries_left: i32,
    },
    /// Not looked at: the link is no good (any more), has no code, or no try is left.
    Refused,
}

/// What a link is good for at this moment.
#[derive(Clone, Debug)]
pub enum LinkState {
    /// It opens the door.
    Usable {
        /// The claim.
        customer: Customer,
        /// How many open claims there are on the address, this one included.
        open_claims: i64,
        /// The password that was chosen with this claim.
        password_hash: Option<PasswordHash>,
        /// How many wrong codes are still forgiven.
        code_tries_left: i32,
    },
    /// Its customer is through.
    Confirmed {
        /// The customer.
        customer: Customer,
    },
    /// Too late, and a new one can be had.
    Expired {
        /// The claim.
        customer: Customer,
    },
    /// Never issued, or void.
    Unknown,
}

impl Store {
    /// Keeps the digests of a confirmation key that is about to be sent. The claim's five newest live keys stay good
    /// beside each other; older ones are void.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn insert_key(&self, key: NewKey) -> Result<KeyOutcome, StoreError> {
        match unit!(self, insert_key(&key)) {
            Ok(()) => Ok(KeyOutcome::Inserted),
            Err(Rollback::Refused) => Ok(KeyOutcome::Settled),
            Err(rollback) => Err(rollback.into()),
        }
    }

    /// Forgets a key whose message certainly reached nobody, so that it does not count among the five that stay good.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn delete_key(&self, key: Digest) -> Result<(), StoreError> {
        Ok(unit!(self, delete_key(&key))?)
    }

    /// Consumes a key and confirms its claim: removes the other claims on the address, voids the claim's other keys,
    /// and takes back its queued confirmation messages. `None` is the one refusal: unknown, used, expired, void, or a
    /// lost race; nothing is changed then.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn confirm_by_key(&self, key: Digest, now: Timestamp) -> Result<Option<CustomerId>, StoreError> {
        let _timer = UnitTimer::start("confirm_by_key");
        let outcome = match &self.inner.backend {
            Backend::Sqlite(backend) => backend.write(move |connection| confirm_in_turn(connection, &key, now)).await,
            // Six statements as one: it saves as many round trips, and what confirms is what must be quick.
            Backend::Postgres(backend) => {
                backend.write_statement(move |connection| confirm_in_one_statement(connection, &key, now)).await
            }
        };
        match outcome {
            Ok(customer) => Ok(Some(CustomerId(customer))),
            Err(Rollback::Refused) => Ok(None),
            Err(rollback) => Err(rollback.into()),
        }
    }

    /// The same with the code beside the link. A wrong one costs a try, and leaves the link alone.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn confirm_by_key_and_code(
        &self,
        key: Digest,
        code: CodeDigest,
        now: Timestamp,
    ) -> Result<CodeOutcome, StoreError> {
        match unit!(self, confirm_by_key_and_code(&key, &code, now)) {
            Err(Rollback::Refused) => Ok(CodeOutcome::Refused),
            outcome => Ok(outcome?),
        }
    }

    /// What a link is good for. Changes nothing.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn find_link(&self, key: Digest, now: Timestamp) -> Result<LinkState, StoreError> {
        let Some((row, secret)) = read!(self, find_link(&key))? else { return Ok(LinkState::Unknown) };
        if row.is_confirmed() {
            return Ok(LinkState::Confirmed { customer: row.into_customer()? });
        }
        if !row.is_open_claim() || secret.used_at.is_some() {
            return Ok(LinkState::Unknown);
        }
        if secret.expires_at.is_some_and(|expires_at| expires_at <= now.as_micros()) {
            return Ok(LinkState::Expired { customer: row.into_customer()? });
        }
        let address = row.email_canonical().to_owned();
        let open_claims = read!(self, count_open_claims(&address))?;
        let (customer, password_hash) = row.into_login()?;
        Ok(LinkState::Usable { customer, open_claims, password_hash, code_tries_left: secret.code_tries_left })
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = one_time_secrets)]
struct SecretRow {
    code_tries_left: i32,
    expires_at: Option<i64>,
    used_at: Option<i64>,
}

on_both! {
    use [customers::{is_address_confirmed, settle_address}, exceptions::{lock_claims_beside}, timeline::{record}];

    pub(super) fn insert_key(connection: &mut Connection, key: &NewKey) -> Unit<()> {
        let address: String = customers::table
            .find(key.customer.0)
            .filter(customers::confirmed_at.is_null())
            .filter(customers::anonymised_at.is_null())
            .select(customers::email_canonical)
            .first(connection)
            .optional()?
            .ok_or(Rollback::Refused)?;
        if is_address_confirmed(connection, &address)? {
            return Err(Rollback::Refused);
        }
        let now = key.now.as_micros();
        diesel::insert_into(one_time_secrets::table)
            .values((
                one_time_secrets::customer_id.eq(key.customer.0),
                one_time_secrets::purpose.eq(key.purpose.as_str()),
                one_time_secrets::digest.eq(key.digest.as_bytes()),
                one_time_secrets::code_digest.eq(key.code.as_ref().map(CodeDigest::as_bytes)),
                one_time_secrets::code_tries_left.eq(CODE_TRIES),
                one_time_secrets::expires_at.eq(key.expires_at.map(Timestamp::as_micros)),
                one_time_secrets::created_at.eq(now),
            ))
            .execute(connection)?;
        let live = diesel::alias!(one_time_secrets as live);
        let expires_at = live.field(one_time_secrets::expires_at);
        let beyond_the_newest = live
            .filter(live.field(one_time_secrets::customer_id).eq(key.customer.0))
            .filter(live.field(one_time_secrets::purpose).eq(key.purpose.as_str()))
            .filter(live.field(one_time_secrets::used_at).is_null())
            .filter(expires_at.is_null().or(expires_at.gt(now)))
            .order(live.field(one_time_secrets::id).desc())
            // SQLite knows no OFFSET without LIMIT. There is one too many at most, unless tasks crossed.
            .limit(100)
            .offset(KEPT_CONFIRMATION_KEYS)
            .select(live.field(one_time_secrets::id));
        planned!(diesel::update(one_time_secrets::table.filter(one_time_secrets::id.eq_any(beyond_the_newest)))
            .set(one_time_secrets::used_at.eq(now))
            .returning(one_time_secrets::id))
            .load::<i64>(connection)?;
        Ok(())
    }

    pub(super) fn delete_key(connection: &mut Connection, key: &Digest) -> Unit<()> {
        diesel::delete(one_time_secrets::table)
            .filter(one_time_secrets::digest.eq(key.as_bytes()))
            .filter(one_time_secrets::used_at.is_null())
            .execute(connection)?;
        Ok(())
    }

    pub(super) fn confirm_by_key_and_code(
        connection: &mut Connection,
        key: &Digest,
        code: &CodeDigest,
        now: Timestamp,
    ) -> Unit<CodeOutcome> {
        lock_claims_beside(connection, key)?;
        let presented = one_time_secrets::table
            .filter(one_time_secrets::digest.eq(key.as_bytes()))
            .filter(one_time_secrets::purpose.eq(SecretPurpose::Confirmation.as_str()))
            .filter(one_time_secrets::used_at.is_null())
            .filter(one_time_secrets::expires_at.is_null().or(one_time_secrets::expires_at.gt(now.as_micros())))
            .filter(one_time_secrets::code_tries_left.gt(0));
        let right = presented.filter(one_time_secrets::code_digest.eq(code.as_bytes()));
        let consumed: Option<i64> = planned!(diesel::update(right)
            .set(one_time_secrets::used_at.eq(now.as_micros()))
            .returning(one_time_secrets::customer_id))
            .get_result(connection)
            .optional()?;
        if let Some(customer) = consumed {
            promote(connection, customer, now)?;
            return Ok(CodeOutcome::Confirmed(CustomerId(customer)));
        }
        // A link without a code has nothing that could be wrong: NULL is not unequal to anything.
        let wrong = presented.filter(one_time_secrets::code_digest.ne(code.as_bytes()));
        let tries_left = planned!(diesel::update(wrong)
            .set(one_time_secrets::code_tries_left.eq(one_time_secrets::code_tries_left - 1))
            .returning(one_time_secrets::code_tries_left))
            .get_result(connection)
            .optional()?
            .ok_or(Rollback::Refused)?;
        Ok(CodeOutcome::Wrong { tries_left })
    }

    /// Makes an open claim the account of its address. Refuses when it is none any more, or another one was quicker.
    pub(crate) fn promote(connection: &mut Connection, customer: i64, now: Timestamp) -> Unit<()> {
        let now_micros = now.as_micros();
        let open = customers::table
            .find(customer)
            .filter(customers::confirmed_at.is_null())
            .filter(customers::anonymised_at.is_null());
        let address: String = planned!(diesel::update(open)
            .set((customers::confirmed_at.eq(now_micros), customers::updated_at.eq(now_micros)))
            .returning(customers::email_canonical))
            .get_result(connection)
            .optional()
            .map_err(Rollback::lost_race)?
            .ok_or(Rollback::Refused)?;
        settle_address(connection, &address)?;
        planned!(diesel::update(one_time_secrets::table)
            .filter(one_time_secrets::customer_id.eq(customer))
            .filter(one_time_secrets::purpose.eq(SecretPurpose::Confirmation.as_str()))
            .filter(one_time_secrets::used_at.is_null())
            .set(one_time_secrets::used_at.eq(now_micros))
            .returning(one_time_secrets::id))
            .load::<i64>(connection)?;
        planned!(
            diesel::delete(outbox::table)
                .filter(outbox::customer_id.eq(customer))
                .filter(outbox::kind.eq(MessageKind::RegistrationConfirmation.as_str()))
                .filter(outbox::state.eq(crate::outbox::QUEUED))
        )
        .execute(connection)?;
        record(connection, customer, now, &Event::Confirmed)
    }

    pub(super) fn find_link(connection: &mut Connection, key: &Digest) -> Unit<Option<(CustomerRow, SecretRow)>> {
        Ok(one_time_secrets::table
            .inner_join(customers::table)
            .filter(one_time_secrets::digest.eq(key.as_bytes()))
            .filter(one_time_secrets::purpose.eq(SecretPurpose::Confirmation.as_str()))
            .select((CustomerRow::as_select(), SecretRow::as_select()))
            .first(connection)
            .optional()?)
    }

    pub(super) fn count_open_claims(connection: &mut Connection, canonical_email: &str) -> Unit<i64> {
        Ok(customers::table
            .filter(customers::email_canonical.eq(canonical_email))
            .filter(customers::confirmed_at.is_null())
            .filter(customers::anonymised_at.is_null())
            .count()
            .get_result(connection)?)
    }
}
