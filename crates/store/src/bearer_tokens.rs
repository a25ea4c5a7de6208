//! Bearer tokens: a row each, of which the token names the number; good until they are removed.

use diesel::prelude::*;
use domain::{Customer, CustomerId, Digest, PasswordHash, Timestamp};

use crate::engine::{Store, on_both, read, unit};
use crate::error::Unit;
use crate::rows::CustomerRow;
use crate::schema::{bearer_tokens, customers};
use crate::{LoginLock, NewTokenOutcome, StoreError};

/// How many of a customer's newest tokens are good beside each other.
const KEPT_TOKENS: i64 = 50;

/// A token that a login hands out.
#[derive(Clone, Debug)]
pub struct NewBearerToken {
    /// Of what is secret in the token.
    pub digest: Digest,
    /// Whose it is.
    pub customer: CustomerId,
    /// What the password was checked against.
    pub password_hash: PasswordHash,
    /// When this happens.
    pub now: Timestamp,
}

/// What became of a new token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BearerOutcome {
    /// It is kept, under this number.
    Inserted(i64),
    /// The login lock came down meanwhile: until when nobody is let in.
    Locked(Timestamp),
    /// The hash is another one by now: the password was changed or restored, or hashed anew. Or the customer is gone.
    PasswordReplaced,
}

impl Store {
    /// Keeps a token of a login, unless `lock` came down or the password was replaced meanwhile. The 50 newest of a
    /// customer are good beside each other; older ones are removed.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn insert_bearer_token(
        &self,
        token: NewBearerToken,
        lock: Option<LoginLock>,
    ) -> Result<BearerOutcome, StoreError> {
        Ok(unit!(self, insert_bearer_token(&token, lock.as_ref()))?)
    }

    /// Whose token it is, and when it was issued. `None` when there is no token of this number, or its digest is
    /// another.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn find_bearer_token(
        &self,
        number: i64,
        digest: Digest,
    ) -> Result<Option<(Customer, Timestamp)>, StoreError> {
        let Some((customer, token)) = read!(self, find_bearer_token(number))? else { return Ok(None) };
        if !digest.is(&token.digest) {
            return Ok(None);
        }
        Ok(Some((customer.into_customer()?, Timestamp::from_micros(token.created_at))))
    }

    /// Removes a token. `false` when there is none of this number, or its digest is another.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn delete_bearer_token(&self, number: i64, digest: Digest) -> Result<bool, StoreError> {
        Ok(unit!(self, delete_bearer_token(number, &digest))?)
    }
}

/// A row of `bearer_tokens`, as far as it is read back.
#[derive(Queryable, Selectable)]
#[diesel(table_name = bearer_tokens)]
pub(crate) struct BearerRow {
    digest: Vec<u8>,
    created_at: i64,
}

on_both! {
    use [sessions::{admit_login}];

    pub(super) fn insert_bearer_token(
        connection: &mut Connection,
        token: &NewBearerToken,
        lock: Option<&LoginLock>,
    ) -> Unit<BearerOutcome> {
        let NewBearerToken { digest, customer, password_hash, now } = token;
        match admit_login(connection, *customer, password_hash, lock, *now)? {
            NewTokenOutcome::Inserted => {}
            NewTokenOutcome::Locked(until) => return Ok(BearerOutcome::Locked(until)),
            NewTokenOutcome::PasswordReplaced => return Ok(BearerOutcome::PasswordReplaced),
        }
        let number: i64 = diesel::insert_into(bearer_tokens::table)
            .values((
                bearer_tokens::customer_id.eq(customer.0),
                bearer_tokens::digest.eq(digest.as_bytes()),
                bearer_tokens::created_at.eq(now.as_micros()),
            ))
            .returning(bearer_tokens::id)
            .get_result(connection)?;
        let newest: Vec<i64> = bearer_tokens::table
            .filter(bearer_tokens::customer_id.eq(customer.0))
            .order(bearer_tokens::id.desc())
            .limit(KEPT_TOKENS)
            .select(bearer_tokens::id)
            .load(connection)?;
        if let Some(oldest) = newest.last() {
            diesel::delete(bearer_tokens::table)
                .filter(bearer_tokens::customer_id.eq(customer.0))
                .filter(bearer_tokens::id.lt(oldest))
                .execute(connection)?;
        }
        Ok(BearerOutcome::Inserted(number))
    }

    pub(super) fn find_bearer_token(
        connection: &mut Connection,
        number: i64,
    ) -> Unit<Option<(CustomerRow, BearerRow)>> {
        Ok(customers::table
            .inner_join(bearer_tokens::table)
            .filter(bearer_tokens::id.eq(number))
            .select((CustomerRow::as_select(), BearerRow::as_select()))
            .first(connection)
            .optional()?)
    }

    pub(super) fn delete_bearer_token(connection: &mut Connection, number: i64, digest: &Digest) -> Unit<bool> {
        let row = bearer_tokens::table.find(number);
        let token: Option<BearerRow> = row.select(BearerRow::as_select()).first(connection).optional()?;
        if !token.is_some_and(|token| digest.is(&token.digest)) {
            return Ok(false);
        }
        Ok(diesel::delete(row).execute(connection)? == 1)
    }

    /// Removes all tokens of a customer but the one of that number.
    pub(crate) fn delete_bearer_tokens(connection: &mut Connection, customer: i64, but: Option<i64>) -> Unit<()> {
        diesel::delete(bearer_tokens::table)
            .filter(bearer_tokens::customer_id.eq(customer))
            .filter(bearer_tokens::id.ne(but.unwrap_or(0)))
            .execute(connection)?;
        Ok(())
    }
}
