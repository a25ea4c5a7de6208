//! Refresh tokens: kept as digests, exchanged once, and revoked by families.

use diesel::prelude::*;
use domain::{Customer, CustomerId, Digest, FamilyId, PasswordHash, Timestamp};

use crate::engine::{Store, on_both, unit};
use crate::error::{Rollback, Unit};
use crate::planned::planned;
use crate::rows::CustomerRow;
use crate::schema::{customers, refresh_tokens};
use crate::{LoginLock, StoreError};

/// The first refresh token of a family.
#[derive(Clone, Debug)]
pub struct NewRefreshToken {
    /// Of the token.
    pub digest: Digest,
    /// The family it begins.
    pub family: FamilyId,
    /// Whose it is.
    pub customer: CustomerId,
    /// What the password was checked against.
    pub password_hash: PasswordHash,
    /// When this happens.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// What became of the first refresh token of a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewTokenOutcome {
    /// It is kept.
    Inserted,
    /// The login lock came down meanwhile: until when nobody is let in.
    Locked(Timestamp),
    /// The hash is another one by now: the password was changed or restored, or hashed anew. Or the customer is gone.
    PasswordReplaced,
}

/// The refresh token that another one is exchanged for; of the same family and customer.
#[derive(Clone, Copy, Debug)]
pub struct NextRefreshToken {
    /// Of the token.
    pub digest: Digest,
    /// When this happens.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl Store {
    /// Keeps the refresh token of a login, unless `lock` came down or the password was replaced meanwhile. Guesses
    /// that are checked at the same time thereby tell no more than as many one after the other, and no login with an
    /// old password outlives the new one.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn insert_refresh_token(
        &self,
        token: NewRefreshToken,
        lock: Option<LoginLock>,
    ) -> Result<NewTokenOutcome, StoreError> {
        Ok(unit!(self, insert_refresh_token(&token, lock.as_ref()))?)
    }

    /// Exchanges a refresh token for the next one, and tells whose it is. `None` when it is unknown, expired, revoked
    /// or used, or its customer may not be handed tokens. A used one was copied by somebody: its whole family is
    /// revoked.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn rotate_refresh_token(
        &self,
        presented: Digest,
        next: NextRefreshToken,
    ) -> Result<Option<Customer>, StoreError> {
        match unit!(self, rotate_refresh_token(&presented, &next)) {
            Err(Rollback::Refused) => Ok(None),
            outcome => Ok(outcome?),
        }
    }

    /// Revokes a refresh token and its family, if it is the customer's.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn revoke_refresh_token(
        &self,
        customer: CustomerId,
        digest: Digest,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        Ok(unit!(self, revoke_refresh_token(customer, &digest, now))?)
    }

    /// Revokes all refresh tokens of a customer.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn revoke_refresh_tokens(&self, customer: CustomerId, now: Timestamp) -> Result<(), StoreError> {
        Ok(unit!(self, revoke_refresh_tokens(customer, now))?)
    }
}

on_both! {
    use [login_lock::{find_login_lock}];

    pub(super) fn insert_refresh_token(
        connection: &mut Connection,
        token: &NewRefreshToken,
        lock: Option<&LoginLock>,
    ) -> Unit<NewTokenOutcome> {
        let NewRefreshToken { digest, family, customer, password_hash, created_at, expires_at } = token;
        let outcome = admit_login(connection, *customer, password_hash, lock, *created_at)?;
        if outcome == NewTokenOutcome::Inserted {
            let next = NextRefreshToken { digest: *digest, created_at: *created_at, expires_at: *expires_at };
            insert_token(connection, &next, family.as_str(), customer.0)?;
        }
        Ok(outcome)
    }

    /// Whether a token may be inserted for a customer whose password was compared with this hash.
    pub(crate) fn admit_login(
        connection: &mut Connection,
        customer: CustomerId,
        password_hash: &PasswordHash,
        lock: Option<&LoginLock>,
        now: Timestamp,
    ) -> Unit<NewTokenOutcome> {
        if let Some(lock) = lock
            && let Some(until) = find_login_lock(connection, lock, now)?
        {
            return Ok(NewTokenOutcome::Locked(until));
        }
        // Whoever replaces the password waits for this row, and then revokes what is inserted, or was there first.
        let same_password = customers::table
            .find(customer.0)
            .filter(customers::password_hash.eq(password_hash.expose()))
            .filter(customers::anonymised_at.is_null());
        let locked: Option<i64> = planned!(diesel::update(same_password)
            .set(customers::updated_at.eq(customers::updated_at))
            .returning(customers::id))
            .get_result(connection)
            .optional()?;
        Ok(if locked.is_some() { NewTokenOutcome::Inserted } else { NewTokenOutcome::PasswordReplaced })
    }

    fn insert_token(
        connection: &mut Connection,
        token: &NextRefreshToken,
        family: &str,
        customer: i64,
    ) -> Unit<()> {
        diesel::insert_into(refresh_tokens::table)
            .values((
                refresh_tokens::digest.eq(token.digest.as_bytes()),
                refresh_tokens::family.eq(family),
                refresh_tokens::customer_id.eq(customer),
                refresh_tokens::created_at.eq(token.created_at.as_micros()),
                refresh_tokens::expires_at.eq(token.expires_at.as_micros()),
            ))
            .execute(connection)?;
        Ok(())
    }

    pub(super) fn rotate_refresh_token(
        connection: &mut Connection,
        presented: &Digest,
        next: &NextRefreshToken,
    ) -> Unit<Option<Customer>> {
        let now = next.created_at.as_micros();
        let live = refresh_tokens::table
            .find(presented.as_bytes())
            .filter(refresh_tokens::used_at.is_null())
            .filter(refresh_tokens::revoked_at.is_null())
            .filter(refresh_tokens::expires_at.gt(now));
        let spent: Option<(String, i64)> = planned!(diesel::update(live)
            .set(refresh_tokens::used_at.eq(now))
            .returning((refresh_tokens::family, refresh_tokens::customer_id)))
            .get_result(connection)
            .optional()?;
        let Some((family, customer)) = spent else {
            revoke_if_used(connection, presented, now)?;
            return Ok(None);
        };
        let row: CustomerRow =
            customers::table.find(customer).select(CustomerRow::as_select()).first(connection)?;
        let customer = row.into_customer()?;
        let id = customer.confirmed().and_then(|confirmed| confirmed.subject().ok()).ok_or(Rollback::Refused)?.id();
        insert_token(connection, next, &family, id.0)?;
        Ok(Some(customer))
    }

    fn revoke_if_used(connection: &mut Connection, presented: &Digest, now: i64) -> Unit<()> {
        let family: Option<String> = refresh_tokens::table
            .find(presented.as_bytes())
            .filter(refresh_tokens::used_at.is_not_null())
            .select(refresh_tokens::family)
            .first(connection)
            .optional()?;
        family.map_or(Ok(()), |family| revoke_family(connection, &family, now))
    }

    /// Until none is left: an exchange under way holds its token, and when it is through there is another one.
    fn revoke_family(connection: &mut Connection, family: &str, now: i64) -> Unit<()> {
        let live = refresh_tokens::table
            .filter(refresh_tokens::family.eq(family))
            .filter(refresh_tokens::revoked_at.is_null());
        while diesel::update(live).set(refresh_tokens::revoked_at.eq(now)).execute(connection)? > 0 {}
        Ok(())
    }

    pub(super) fn revoke_refresh_token(
        connection: &mut Connection,
        customer: CustomerId,
        digest: &Digest,
        now: Timestamp,
    ) -> Unit<()> {
        let family: Option<String> = refresh_tokens::table
            .find(digest.as_bytes())
            .filter(refresh_tokens::customer_id.eq(customer.0))
            .select(refresh_tokens::family)
            .first(connection)
            .optional()?;
        family.map_or(Ok(()), |family| revoke_family(connection, &family, now.as_micros()))
    }

    pub(crate) fn revoke_refresh_tokens(connection: &mut Connection, customer: CustomerId, now: Timestamp) -> Unit<()> {
        let live = refresh_tokens::table
            .filter(refresh_tokens::customer_id.eq(customer.0))
            .filter(refresh_tokens::revoked_at.is_null());
        while diesel::update(live).set(refresh_tokens::revoked_at.eq(now.as_micros())).execute(connection)? > 0 {}
        Ok(())
    }
}
