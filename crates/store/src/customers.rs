//! Reading accounts, and what may change about them.

use diesel::prelude::*;
use domain::{Customer, CustomerId, PasswordHash};

use crate::StoreError;
use crate::engine::{Store, on_both, read, unit};
use crate::error::Unit;
use crate::planned::planned;
use crate::rows::CustomerRow;
use crate::schema::customers;

/// What a login is checked against. `Debug` shows neither address nor hash.
#[derive(Clone, Debug)]
pub struct Login {
    /// Who would be logged in.
    pub customer: Customer,
    /// The hash of their password, if one is set.
    pub password_hash: Option<PasswordHash>,
}

impl Store {
    /// The one customer whom a login on this address is about: the confirmed account, else the newest open claim.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn find_login(&self, canonical_email: &str) -> Result<Option<Login>, StoreError> {
        let canonical_email = canonical_email.to_owned();
        let row = read!(self, find_login(&canonical_email))?;
        row.map(|row| row.into_login().map(|(customer, password_hash)| Login { customer, password_hash })).transpose()
    }

    /// The customer of that number.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn find_customer(&self, id: CustomerId) -> Result<Option<Customer>, StoreError> {
        read!(self, find_customer(id))?.map(CustomerRow::into_customer).transpose()
    }

    /// Replaces the hash of a password by another of the same password. `false` when it is no longer `old`: the
    /// password was changed meanwhile. Leaves `updated_at` alone, for nothing changed that anyone could see.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn update_password_hash(
        &self,
        id: CustomerId,
        old: &PasswordHash,
        new: &PasswordHash,
    ) -> Result<bool, StoreError> {
        let (old, new) = (old.clone(), new.clone());
        Ok(unit!(self, update_password_hash(id, &old, &new))?)
    }
}

on_both! {
    pub(super) fn find_login(connection: &mut Connection, canonical_email: &str) -> Unit<Option<CustomerRow>> {
        Ok(customers::table
            .filter(customers::email_canonical.eq(canonical_email))
            .filter(customers::anonymised_at.is_null())
            .order((customers::confirmed_at.is_null(), customers::id.desc()))
            .select(CustomerRow::as_select())
            .first(connection)
            .optional()?)
    }

    pub(super) fn find_customer(connection: &mut Connection, id: CustomerId) -> Unit<Option<CustomerRow>> {
        Ok(customers::table.find(id.0).select(CustomerRow::as_select()).first(connection).optional()?)
    }

    pub(super) fn update_password_hash(
        connection: &mut Connection,
        id: CustomerId,
        old: &PasswordHash,
        new: &PasswordHash,
    ) -> Unit<bool> {
        let row = customers::table.find(id.0).filter(customers::password_hash.eq(old.expose()));
        let updated = diesel::update(row).set(customers::password_hash.eq(new.expose())).execute(connection)?;
        Ok(updated == 1)
    }

    /// The customers on an address who are not anonymised, the confirmed one first, then the newest, at most `limit`.
    pub(crate) fn find_claims(
        connection: &mut Connection,
        canonical_email: &str,
        limit: i64,
    ) -> Unit<Vec<(i64, Option<i64>)>> {
        Ok(customers::table
            .filter(customers::email_canonical.eq(canonical_email))
            .filter(customers::anonymised_at.is_null())
            .order((customers::confirmed_at.is_null(), customers::id.desc()))
            .limit(limit)
            .select((customers::id, customers::confirmed_at))
            .load(connection)?)
    }

    /// Whether a confirmed, not anonymised account has the address.
    pub(crate) fn is_address_confirmed(connection: &mut Connection, canonical_email: &str) -> Unit<bool> {
        let first = find_claims(connection, canonical_email, 1)?;
        Ok(first.iter().any(|(_, confirmed_at)| confirmed_at.is_some()))
    }

    /// Removes the open claims on an address, with all that hangs on them.
    pub(crate) fn settle_address(connection: &mut Connection, canonical_email: &str) -> Unit<()> {
        planned!(
            diesel::delete(customers::table)
                .filter(customers::email_canonical.eq(canonical_email))
                .filter(customers::confirmed_at.is_null())
                .filter(customers::anonymised_at.is_null())
        )
        .execute(connection)?;
        Ok(())
    }
}
