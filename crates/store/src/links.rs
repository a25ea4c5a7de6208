//! One-time secrets: the link that opens the second door, and the code beside it.

use std::time::Duration;

use diesel::prelude::*;
use domain::{
    CODE_TRIES, CodeDigest, Customer, CustomerId, Digest, EmailAddress, MessageId, MessageKind, PasswordHash,
    SecretPurpose, Timestamp,
};

use crate::budgets::budget_key;
use crate::engine::{Backend, Store, UnitTimer, on_both, read, unit};
use crate::error::{Rollback, Unit};
use crate::exceptions::{postgres::confirm_in_one_statement, sqlite::confirm_in_turn};
use crate::planned::planned;
use crate::rows::{CustomerRow, parse_email};
use crate::schema::{customers, one_time_secrets, outbox};
use crate::timeline::Event;
use crate::{Login, StoreError};

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
    /// Whether nobody gets the key, and the code alone opens the door. Of such codes only the newest is good.
    pub is_code: bool,
    /// When it ends; never if `None`.
    pub expires_at: Option<Timestamp>,
    /// The address that it is sent to and proves, for [`SecretPurpose::EmailChange`] only.
    pub email: Option<EmailAddress>,
    /// The message that carries it, if it comes from the outbox: once that is taken back, nobody wants the key.
    pub message: Option<i64>,
    /// The identity of the notice to an owner who was quicker than a claim.
    pub notice_id: MessageId,
    /// How long that owner is told no second time.
    pub notice_cool_down: Duration,
    /// When this happens.
    pub now: Timestamp,
}

/// What became of a new key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyOutcome {
    /// It is good from now on.
    Inserted,
    /// There is nothing left to open: the customer is gone; a claim is confirmed, or its address has an owner; an
    /// account is not to move any more, or its new address has an owner.
    Settled,
}

/// What became of a code that was typed in beside a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeOutcome {
    /// Right: the claim is confirmed, or the account has its new address.
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
    /// It moves an account to another address.
    EmailChange {
        /// The account.
        customer: Customer,
        /// The address that it was sent to.
        email: EmailAddress,
        /// How many wrong codes are still forgiven.
        code_tries_left: i32,
        /// Whether it is too late.
        expired: bool,
    },
    /// Never issued, or void.
    Unknown,
}

impl Store {
    /// Keeps the digests of a key that is about to be sent. The five newest live confirmation keys of a claim stay good
    /// beside each other, and one key of any other purpose, and one code without a link; older ones are void.
    ///
    /// A claim whose address got an owner can never be confirmed: it is removed, and the owner is told.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn insert_key(&self, key: NewKey) -> Result<KeyOutcome, StoreError> {
        match unit!(self, insert_key(&key)) {
            Err(Rollback::Refused) => Ok(KeyOutcome::Settled),
            outcome => Ok(outcome?),
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

    /// Consumes a key with the code beside it, and confirms its claim or moves its account to the new address. A wrong
    /// code costs a try, and leaves the link alone.
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
        let Some((row, secret)) = read!(self, find_secret(&key))? else { return Ok(LinkState::Unknown) };
        match secret.purpose()? {
            SecretPurpose::Confirmation => self.confirmation_link(row, &secret, now).await,
            SecretPurpose::EmailChange => email_change_link(row, &secret, now),
            SecretPurpose::Restore => Ok(LinkState::Unknown),
        }
    }

    async fn confirmation_link(
        &self,
        row: CustomerRow,
        secret: &SecretRow,
        now: Timestamp,
    ) -> Result<LinkState, StoreError> {
        if row.is_confirmed() {
            return Ok(LinkState::Confirmed { customer: row.into_customer()? });
        }
        if !row.is_open_claim() || secret.used_at.is_some() {
            return Ok(LinkState::Unknown);
        }
        if secret.is_expired(now) {
            return Ok(LinkState::Expired { customer: row.into_customer()? });
        }
        let address = row.email_canonical().to_owned();
        let open_claims = read!(self, count_open_claims(&address))?;
        let Login { customer, password_hash } = row.into_login()?;
        Ok(LinkState::Usable { customer, open_claims, password_hash, code_tries_left: secret.code_tries_left })
    }
}

fn email_change_link(row: CustomerRow, secret: &SecretRow, now: Timestamp) -> Result<LinkState, StoreError> {
    let Some(email) = secret.email()? else { return Ok(LinkState::Unknown) };
    if !row.is_confirmed() {
        return Ok(LinkState::Unknown);
    }
    if secret.used_at.is_none() {
        let (code_tries_left, expired) = (secret.code_tries_left, secret.is_expired(now));
        return Ok(LinkState::EmailChange { customer: row.into_customer()?, email, code_tries_left, expired });
    }
    let has_moved = row.email_canonical() == email.canonical();
    Ok(if has_moved { LinkState::Confirmed { customer: row.into_customer()? } } else { LinkState::Unknown })
}

/// A row of `one_time_secrets`, without what nobody reads back.
#[derive(Queryable, Selectable)]
#[diesel(table_name = one_time_secrets)]
pub(crate) struct SecretRow {
    purpose: String,
    code_tries_left: i32,
    expires_at: Option<i64>,
    used_at: Option<i64>,
    email: Option<String>,
}

impl SecretRow {
    fn purpose(&self) -> Result<SecretPurpose, StoreError> {
        let corrupt = StoreError::Corrupt { table: "one_time_secrets", column: "purpose" };
        SecretPurpose::parse(&self.purpose).ok_or(corrupt)
    }

    const fn is_expired(&self, now: Timestamp) -> bool {
        matches!(self.expires_at, Some(expires_at) if expires_at <= now.as_micros())
    }

    /// Whether it opens something at this moment.
    pub(crate) const fn is_live(&self, now: Timestamp) -> bool {
        self.used_at.is_none() && !self.is_expired(now)
    }

    /// The address that it proves, where that is not the customer's own.
    pub(crate) fn email(&self) -> Result<Option<EmailAddress>, StoreError> {
        self.email.as_deref().map(|email| parse_email(email, "one_time_secrets")).transpose()
    }
}

/// Whose secret it is, and the secret.
pub(crate) type Found = (CustomerRow, SecretRow);

on_both! {
    use [
        budgets::{spend_budget},
        customers::{find_claims, is_address_confirmed, lock_customer, settle_address},
        exceptions::{lock_claims},
        outbox::{is_queued, queue_message, take_back_messages},
        merchant_users::{follow_owner, follow_winner},
        profile::{move_account},
        timeline::{record},
    ];

    pub(super) fn insert_key(connection: &mut Connection, key: &NewKey) -> Unit<KeyOutcome> {
        match key.purpose {
            SecretPurpose::Confirmation => {
                if is_overtaken(connection, key)? {
                    return Ok(KeyOutcome::Settled);
                }
                if key.is_code {
                    drop(lock_wanting(connection, key)?);
                }
            }
            SecretPurpose::Restore => drop(lock_wanting(connection, key)?),
            SecretPurpose::EmailChange => {
                let email = key.email.as_ref().ok_or(Rollback::Refused)?;
                let row = lock_wanting(connection, key)?;
                if !row.is_confirmed() || is_address_confirmed(connection, email.canonical())? {
                    return Err(Rollback::Refused);
                }
            }
        }
        write_key(connection, key)?;
        Ok(KeyOutcome::Inserted)
    }

    /// Whether the address of an open claim has an owner. The claim is removed then, and the owner told. Refuses when
    /// there is no such claim any more.
    fn is_overtaken(connection: &mut Connection, key: &NewKey) -> Unit<bool> {
        let claim = customers::table
            .find(key.customer.0)
            .filter(customers::confirmed_at.is_null())
            .filter(customers::anonymised_at.is_null());
        let address: String =
            claim.select(customers::email_canonical).first(connection).optional()?.ok_or(Rollback::Refused)?;
        let Some((owner, Some(_))) = find_claims(connection, &address, 1)?.into_iter().next() else {
            return Ok(false);
        };
        let budget = budget_key("notice", &address);
        follow_owner(connection, key.customer.0, owner)?;
        // Counted, for another worker may have removed it meanwhile, and told the owner.
        if diesel::delete(claim).execute(connection)? == 1
            && spend_budget(connection, &budget, key.notice_cool_down, 1, key.now)?
        {
            queue_message(connection, MessageKind::RegistrationNotice, owner, &key.notice_id, key.now)?;
        }
        Ok(true)
    }

    /// The customer, locked: whoever takes the message back locks them, too, so that no key slips in behind them.
    /// Refuses when they are gone, or the message is.
    fn lock_wanting(connection: &mut Connection, key: &NewKey) -> Unit<CustomerRow> {
        let row = lock_customer(connection, key.customer.0)?.ok_or(Rollback::Refused)?;
        match key.message {
            Some(message) if !is_queued(connection, message)? => Err(Rollback::Refused),
            _ => Ok(row),
        }
    }

    fn write_key(connection: &mut Connection, key: &NewKey) -> Unit<()> {
        let now = key.now.as_micros();
        diesel::insert_into(one_time_secrets::table)
            .values((
                one_time_secrets::customer_id.eq(key.customer.0),
                one_time_secrets::purpose.eq(key.purpose.as_str()),
                one_time_secrets::digest.eq(key.digest.as_bytes()),
                one_time_secrets::code_digest.eq(key.code.as_ref().map(CodeDigest::as_bytes)),
                one_time_secrets::is_code.eq(key.is_code),
                one_time_secrets::code_tries_left.eq(CODE_TRIES),
                one_time_secrets::expires_at.eq(key.expires_at.map(Timestamp::as_micros)),
                one_time_secrets::created_at.eq(now),
                one_time_secrets::email.eq(key.email.as_ref().map(EmailAddress::as_typed)),
            ))
            .execute(connection)?;
        let live = diesel::alias!(one_time_secrets as live);
        let expires_at = live.field(one_time_secrets::expires_at);
        let beyond_the_newest = live
            .filter(live.field(one_time_secrets::customer_id).eq(key.customer.0))
            .filter(live.field(one_time_secrets::purpose).eq(key.purpose.as_str()))
            .filter(live.field(one_time_secrets::is_code).eq(key.is_code))
            .filter(live.field(one_time_secrets::used_at).is_null())
            .filter(expires_at.is_null().or(expires_at.gt(now)))
            .order(live.field(one_time_secrets::id).desc())
            // SQLite knows no OFFSET without LIMIT. There is one too many at most, unless tasks crossed.
            .limit(100)
            .offset(if key.is_code { 1 } else { key.purpose.kept_keys() })
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

    pub(crate) fn confirm_by_key_and_code(
        connection: &mut Connection,
        key: &Digest,
        code: &CodeDigest,
        now: Timestamp,
    ) -> Unit<CodeOutcome> {
        let (row, secret) = find_secret(connection, key)?.ok_or(Rollback::Refused)?;
        let purpose = secret.purpose()?;
        // Tries never come back: whoever guesses on holds up nobody.
        if secret.code_tries_left <= 0 {
            return Err(Rollback::Refused);
        }
        match purpose {
            SecretPurpose::Confirmation => lock_claims(connection, row.email_canonical())?,
            SecretPurpose::EmailChange => drop(lock_customer(connection, row.id())?),
            SecretPurpose::Restore => return Err(Rollback::Refused),
        }
        let presented = one_time_secrets::table
            .filter(one_time_secrets::digest.eq(key.as_bytes()))
            .filter(one_time_secrets::used_at.is_null())
            .filter(one_time_secrets::expires_at.is_null().or(one_time_secrets::expires_at.gt(now.as_micros())))
            .filter(one_time_secrets::code_tries_left.gt(0));
        // The database compares digests byte by byte, in a time that may tell how far they agree. That tells nobody
        // anything: both are under the server key, so whoever guesses a code cannot choose what its digest begins with.
        // In exchange the comparison is the same statement as the consumption, and no two guesses come between.
        let right = presented.filter(one_time_secrets::code_digest.eq(code.as_bytes()));
        let consumed: Option<i64> = planned!(diesel::update(right)
            .set(one_time_secrets::used_at.eq(now.as_micros()))
            .returning(one_time_secrets::customer_id))
            .get_result(connection)
            .optional()?;
        if let Some(customer) = consumed {
            if purpose == SecretPurpose::EmailChange {
                let email = secret.email()?.ok_or(Rollback::Refused)?;
                move_account(connection, customer, &email, now)?;
            } else {
                promote(connection, customer, now)?;
            }
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
        let losers = settle_address(connection, &address)?;
        follow_winner(connection, &losers, customer)?;
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
                .filter(
                    outbox::kind
                        .eq(MessageKind::RegistrationConfirmation.as_str())
                        .or(outbox::kind.eq(MessageKind::RegistrationCode.as_str())),
                )
                .filter(outbox::state.eq(crate::outbox::QUEUED))
        )
        .execute(connection)?;
        record(connection, customer, now, &Event::Confirmed)
    }

    pub(crate) fn find_secret(connection: &mut Connection, key: &Digest) -> Unit<Option<Found>> {
        Ok(one_time_secrets::table
            .inner_join(customers::table)
            .filter(one_time_secrets::digest.eq(key.as_bytes()))
            .select((CustomerRow::as_select(), SecretRow::as_select()))
            .first(connection)
            .optional()?)
    }

    /// A secret for `purpose` that opens something at this moment. Refuses when it does not.
    pub(crate) fn find_live_secret(
        connection: &mut Connection,
        key: &Digest,
        purpose: SecretPurpose,
        now: Timestamp,
    ) -> Unit<Found> {
        find_secret(connection, key)?
            .filter(|(_, secret)| secret.is_live(now) && secret.purpose == purpose.as_str())
            .ok_or(Rollback::Refused)
    }

    /// Takes a key that is good at this moment. Refuses when it is not.
    pub(crate) fn consume_key(
        connection: &mut Connection,
        key: &Digest,
        purpose: SecretPurpose,
        now: Timestamp,
    ) -> Unit<()> {
        let presented = one_time_secrets::table
            .filter(one_time_secrets::digest.eq(key.as_bytes()))
            .filter(one_time_secrets::purpose.eq(purpose.as_str()))
            .filter(one_time_secrets::used_at.is_null())
            .filter(one_time_secrets::expires_at.is_null().or(one_time_secrets::expires_at.gt(now.as_micros())));
        planned!(diesel::update(presented)
            .set(one_time_secrets::used_at.eq(now.as_micros()))
            .returning(one_time_secrets::id))
            .get_result::<i64>(connection)
            .optional()?
            .map(drop)
            .ok_or(Rollback::Refused)
    }

    /// Voids a customer's keys for `purposes`, and takes back the messages that would bring new ones.
    pub(crate) fn void_keys(
        connection: &mut Connection,
        customer: i64,
        purposes: &[SecretPurpose],
        now: Timestamp,
    ) -> Unit<()> {
        diesel::update(one_time_secrets::table)
            .filter(one_time_secrets::customer_id.eq(customer))
            .filter(one_time_secrets::purpose.eq_any(purposes.iter().map(|purpose| purpose.as_str())))
            .filter(one_time_secrets::used_at.is_null())
            .set(one_time_secrets::used_at.eq(now.as_micros()))
            .execute(connection)?;
        take_back_messages(connection, customer, purposes)
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
