//! Reading accounts, and what may change about them.

use diesel::dsl::exists;
use diesel::prelude::*;
use domain::{
    Customer, CustomerId, EmailAddress, Gender, Locale, PasswordHash, Profile, Reregistration, Salutation, Timestamp,
    canonical_phone,
};

use crate::StoreError;
use crate::engine::{Store, on_both, read, unit};
use crate::error::{Rollback, Unit};
use crate::planned::planned;
use crate::rows::CustomerRow;
use crate::schema::{customers, merchant_users};

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
        read!(self, find_login(&canonical_email))?.map(CustomerRow::into_login).transpose()
    }

    /// What a password of the customer of that number is checked against.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn find_login_by_id(&self, id: CustomerId) -> Result<Option<Login>, StoreError> {
        read!(self, find_customer(id))?.map(CustomerRow::into_login).transpose()
    }

    /// The customer of that number.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn find_customer(&self, id: CustomerId) -> Result<Option<Customer>, StoreError> {
        read!(self, find_customer(id))?.map(CustomerRow::into_customer).transpose()
    }

    /// Which values other accounts have. Others may take them in the next moment: whatever writes them looks again.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn find_taken(&self, values: UniqueValues) -> Result<Taken, StoreError> {
        Ok(read!(self, find_taken(&values))?)
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

/// What no other account may have.
#[derive(Clone)]
pub struct UniqueValues {
    /// An address, in canonical form.
    pub canonical_email: Option<String>,
    /// A telephone number, in canonical form.
    pub canonical_phone: Option<String>,
    /// Whose account may have them.
    pub but: Option<CustomerId>,
    /// Whether open claims on the address stand in the way.
    pub reregistration: Reregistration,
}

/// Which of them another account has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// The address.
    pub email: bool,
    /// The telephone number.
    pub phone: bool,
}

/// A row to be written.
pub(crate) struct NewCustomer<'a> {
    /// The next one if `None`.
    pub(crate) id: Option<i64>,
    /// The whole of it; made of prefix and number if `None`.
    pub(crate) reference: Option<&'a str>,
    pub(crate) reference_prefix: &'a str,
    pub(crate) email: &'a EmailAddress,
    pub(crate) password_hash: Option<&'a PasswordHash>,
    pub(crate) profile: &'a Profile,
    pub(crate) locale: &'a Locale,
    pub(crate) store: &'a str,
    pub(crate) confirmed_at: Option<Timestamp>,
    pub(crate) now: Timestamp,
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

    /// Refuses when another claim on the address was confirmed at this very moment.
    pub(crate) fn insert_customer(connection: &mut Connection, new: &NewCustomer<'_>) -> Unit<CustomerRow> {
        let profile = new.profile;
        diesel::insert_into(customers::table)
            .values((
                new.id.map(|id| customers::id.eq(id)),
                (
                    customers::reference_prefix.eq(new.reference_prefix),
                    customers::imported_reference.eq(new.reference),
                    customers::email.eq(new.email.as_typed()),
                    customers::email_canonical.eq(new.email.canonical()),
                    customers::password_hash.eq(new.password_hash.map(PasswordHash::expose)),
                    customers::locale.eq(new.locale.as_str()),
                    customers::store.eq(new.store),
                    customers::confirmed_at.eq(new.confirmed_at.map(Timestamp::as_micros)),
                    customers::created_at.eq(new.now.as_micros()),
                    customers::updated_at.eq(new.now.as_micros()),
                ),
                (
                    customers::salutation.eq(profile.salutation.map(Salutation::as_str)),
                    customers::first_name.eq(&profile.first_name),
                    customers::last_name.eq(&profile.last_name),
                    customers::gender.eq(profile.gender.map(Gender::as_str)),
                    customers::date_of_birth.eq(profile.date_of_birth.map(|date| date.to_string())),
                    customers::phone.eq(&profile.phone),
                    customers::phone_canonical.eq(profile.phone.as_deref().and_then(canonical_phone)),
                    customers::company.eq(&profile.company),
                    customers::subscribed_to_newsletter.eq(profile.subscribed_to_newsletter),
                ),
            ))
            .returning(CustomerRow::as_returning())
            .get_result(connection)
            .map_err(Rollback::lost_race)
    }

    /// Makes units that name the same customer wait for each other until they are committed, and tells what the row is
    /// under that lock. `None` when the customer is gone or anonymised. An update that changes nothing locks on every
    /// engine.
    pub(crate) fn lock_customer(connection: &mut Connection, id: i64) -> Unit<Option<CustomerRow>> {
        let row = customers::table.find(id).filter(customers::anonymised_at.is_null());
        Ok(planned!(diesel::update(row)
            .set(customers::updated_at.eq(customers::updated_at))
            .returning(CustomerRow::as_returning()))
            .get_result(connection)
            .optional()?)
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

    /// Whether a confirmed, not anonymised account has the telephone number, in canonical form. What `but` has already
    /// is not taken from them, whoever else has it.
    pub(crate) fn is_phone_taken(connection: &mut Connection, canonical_phone: &str, but: Option<i64>) -> Unit<bool> {
        let has_it = customers::table.filter(customers::phone_canonical.eq(canonical_phone));
        if let Some(but) = but
            && diesel::select(exists(has_it.filter(customers::id.eq(but)))).get_result(connection)?
        {
            return Ok(false);
        }
        let owner = has_it.filter(customers::confirmed_at.is_not_null()).filter(customers::anonymised_at.is_null());
        Ok(diesel::select(exists(owner)).get_result(connection)?)
    }

    pub(super) fn find_taken(connection: &mut Connection, values: &UniqueValues) -> Unit<Taken> {
        let but = values.but.map(|customer| customer.0);
        let owner = match &values.canonical_email {
            Some(email) => find_claims(connection, email, 1)?.into_iter().next(),
            None => None,
        };
        let email = owner.is_some_and(|(id, confirmed_at)| {
            Some(id) != but && (confirmed_at.is_some() || values.reregistration == Reregistration::Reject)
        });
        let phone = match &values.canonical_phone {
            Some(phone) => is_phone_taken(connection, phone, but)?,
            None => false,
        };
        Ok(Taken { email, phone })
    }

    /// Removes the open claims on an address, with all that hangs on them but the merchants' users, whose numbers it
    /// answers: they are to follow the winner. Mostly there is none, which takes one statement to see.
    pub(crate) fn settle_address(connection: &mut Connection, canonical_email: &str) -> Unit<Vec<i64>> {
        let losers: Vec<i64> = planned!(
            customers::table
                .filter(customers::email_canonical.eq(canonical_email))
                .filter(customers::confirmed_at.is_null())
                .filter(customers::anonymised_at.is_null())
                .select(customers::id)
        )
        .load(connection)?;
        if losers.is_empty() {
            return Ok(losers);
        }
        let users = merchant_users::table
            .filter(merchant_users::customer_id.eq_any(&losers))
            .select(merchant_users::id)
            .load(connection)?;
        let open = customers::table
            .filter(customers::id.eq_any(&losers))
            .filter(customers::confirmed_at.is_null())
            .filter(customers::anonymised_at.is_null());
        diesel::delete(open).execute(connection)?;
        Ok(users)
    }
}
