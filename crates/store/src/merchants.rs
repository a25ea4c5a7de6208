//! Merchants: their clients, operators and refresh tokens.

use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error};
use domain::{Digest, FamilyId, MerchantId, PasswordHash, Timestamp};

use crate::engine::{Store, on_both, read, unit};
use crate::error::{Rollback, Unit};
use crate::schema::{merchant_clients, merchant_operators, merchant_refresh_tokens, merchants};
use crate::{LoginLock, NextRefreshToken, StoreError};

/// A merchant with its first client.
#[derive(Clone, Debug)]
pub struct NewMerchant {
    /// What people call it; unlike that of any other.
    pub name: String,
    /// The client's name.
    pub client: String,
    /// Of the client's secret.
    pub secret: Digest,
    /// When this happens.
    pub now: Timestamp,
}

/// A merchant, as whoever runs the gateway sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merchant {
    /// The number.
    pub id: MerchantId,
    /// The name.
    pub name: String,
    /// The names of its clients, in order.
    pub clients: Vec<String>,
    /// The names of the people who log in for it, in order.
    pub operators: Vec<String>,
    /// Whether none of its clients and tokens is good.
    pub is_disabled: bool,
}

/// A client of a merchant who is not disabled.
#[derive(Clone, Debug)]
pub struct MerchantClient {
    /// Its name.
    pub id: String,
    /// Whose.
    pub merchant: MerchantId,
    /// Of its secret.
    pub secret: Digest,
}

/// Somebody who is to log in for a merchant.
#[derive(Clone, Debug)]
pub struct NewOperator {
    /// The merchant's name.
    pub merchant: String,
    /// Their name, unlike that of any other operator of any merchant.
    pub username: String,
    /// Of their password.
    pub password_hash: PasswordHash,
    /// When this happens.
    pub now: Timestamp,
}

/// Why nobody was added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperatorOutcome {
    /// They were.
    Inserted,
    /// There is no such merchant.
    UnknownMerchant,
    /// Somebody has the name.
    NameTaken,
}

/// The first refresh token of a family of a merchant's.
#[derive(Clone, Debug)]
pub struct NewMerchantToken {
    /// The client that it was handed to.
    pub client: MerchantClient,
    /// The family it begins.
    pub family: FamilyId,
    /// Of the token, and its times.
    pub token: NextRefreshToken,
    /// What it is good for.
    pub scope: &'static str,
}

impl Store {
    /// Writes a merchant with a client. `None` when the name is taken.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn insert_merchant(&self, merchant: NewMerchant) -> Result<Option<MerchantId>, StoreError> {
        match unit!(self, insert_merchant(&merchant)) {
            Err(Rollback::Refused) => Ok(None),
            outcome => Ok(Some(MerchantId(outcome?))),
        }
    }

    /// All merchants in the order of their numbers.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn list_merchants(&self) -> Result<Vec<Merchant>, StoreError> {
        Ok(read!(self, list_merchants())?)
    }

    /// Disables a merchant, and revokes what it was handed. `false` when there is none of that name.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn disable_merchant(&self, name: &str, now: Timestamp) -> Result<bool, StoreError> {
        let name = name.to_owned();
        Ok(unit!(self, disable_merchant(&name, now))?)
    }

    /// Adds somebody who logs in for a merchant.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn insert_operator(&self, operator: NewOperator) -> Result<OperatorOutcome, StoreError> {
        match unit!(self, insert_operator(&operator)) {
            Err(Rollback::Refused) => Ok(OperatorOutcome::NameTaken),
            outcome => Ok(outcome?),
        }
    }

    /// Whether there is a merchant of that number who is not disabled.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn is_merchant(&self, id: MerchantId) -> Result<bool, StoreError> {
        Ok(read!(self, is_merchant(id))?)
    }

    /// The client of that name, unless its merchant is disabled.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn find_merchant_client(&self, id: &str) -> Result<Option<MerchantClient>, StoreError> {
        let id = id.to_owned();
        Ok(read!(self, find_merchant_client(&id))?)
    }

    /// What the password of a merchant's operator is checked against.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn find_operator(
        &self,
        merchant: MerchantId,
        username: &str,
    ) -> Result<Option<PasswordHash>, StoreError> {
        let username = username.to_owned();
        let hash: Option<String> = read!(self, find_operator(merchant, &username))?;
        Ok(hash.map(PasswordHash::from_stored))
    }

    /// Until when `lock` is closed, if it is; else keeps a refresh token, where there is one. Guesses that are checked
    /// at the same time thereby tell no more than as many one after the other.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn admit_operator(
        &self,
        token: Option<NewMerchantToken>,
        lock: Option<LoginLock>,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        Ok(unit!(self, admit_operator(token.as_ref(), lock.as_ref(), now))?)
    }

    /// Replaces the hash of an operator's password by another of the same password. `false` when it is no longer `old`.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn update_operator_hash(
        &self,
        username: &str,
        old: &PasswordHash,
        new: &PasswordHash,
    ) -> Result<bool, StoreError> {
        let (username, old, new) = (username.to_owned(), old.clone(), new.clone());
        Ok(unit!(self, update_operator_hash(&username, &old, &new))?)
    }

    /// Spends a refresh token of a client, for the next one where there is one. `false` when it is unknown, expired,
    /// revoked or used. A used one was copied by somebody: its whole family is revoked.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn rotate_merchant_token(
        &self,
        client: &str,
        presented: Digest,
        next: Option<NextRefreshToken>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let client = client.to_owned();
        Ok(unit!(self, rotate_merchant_token(&client, &presented, next.as_ref(), now))?)
    }
}

/// A name that is taken is the unit's own refusal.
fn taken(error: Error) -> Rollback {
    match error {
        Error::DatabaseError(DatabaseErrorKind::UniqueViolation, _) => Rollback::Refused,
        error => error.into(),
    }
}

on_both! {
    use [login_lock::{find_login_lock}];

    pub(super) fn insert_merchant(connection: &mut Connection, merchant: &NewMerchant) -> Unit<i64> {
        let now = merchant.now.as_micros();
        let id: i64 = diesel::insert_into(merchants::table)
            .values((merchants::name.eq(&merchant.name), merchants::created_at.eq(now)))
            .returning(merchants::id)
            .get_result(connection)
            .map_err(taken)?;
        diesel::insert_into(merchant_clients::table)
            .values((
                merchant_clients::client_id.eq(&merchant.client),
                merchant_clients::merchant_id.eq(id),
                merchant_clients::secret_digest.eq(merchant.secret.as_bytes()),
                merchant_clients::created_at.eq(now),
            ))
            .execute(connection)?;
        Ok(id)
    }

    pub(super) fn list_merchants(connection: &mut Connection) -> Unit<Vec<Merchant>> {
        let rows: Vec<(i64, String, Option<i64>)> = merchants::table
            .order(merchants::id)
            .select((merchants::id, merchants::name, merchants::disabled_at))
            .load(connection)?;
        let clients: Vec<(i64, String)> = merchant_clients::table
            .order(merchant_clients::client_id)
            .select((merchant_clients::merchant_id, merchant_clients::client_id))
            .load(connection)?;
        let operators: Vec<(i64, String)> = merchant_operators::table
            .order(merchant_operators::username)
            .select((merchant_operators::merchant_id, merchant_operators::username))
            .load(connection)?;
        let of = |names: &[(i64, String)], id: i64| {
            names.iter().filter(|(merchant, _)| *merchant == id).map(|(_, name)| name.clone()).collect()
        };
        Ok(rows
            .into_iter()
            .map(|(id, name, disabled_at)| Merchant {
                id: MerchantId(id),
                name,
                clients: of(&clients, id),
                operators: of(&operators, id),
                is_disabled: disabled_at.is_some(),
            })
            .collect())
    }

    pub(super) fn disable_merchant(connection: &mut Connection, name: &str, now: Timestamp) -> Unit<bool> {
        let merchant: Option<i64> = diesel::update(merchants::table.filter(merchants::name.eq(name)))
            .set(merchants::disabled_at.eq(now.as_micros()))
            .returning(merchants::id)
            .get_result(connection)
            .optional()?;
        let Some(merchant) = merchant else { return Ok(false) };
        diesel::update(merchant_refresh_tokens::table)
            .filter(merchant_refresh_tokens::merchant_id.eq(merchant))
            .filter(merchant_refresh_tokens::revoked_at.is_null())
            .set(merchant_refresh_tokens::revoked_at.eq(now.as_micros()))
            .execute(connection)?;
        Ok(true)
    }

    pub(super) fn insert_operator(connection: &mut Connection, operator: &NewOperator) -> Unit<OperatorOutcome> {
        let merchant: Option<i64> = merchants::table
            .filter(merchants::name.eq(&operator.merchant))
            .select(merchants::id)
            .first(connection)
            .optional()?;
        let Some(merchant) = merchant else { return Ok(OperatorOutcome::UnknownMerchant) };
        diesel::insert_into(merchant_operators::table)
            .values((
                merchant_operators::username.eq(&operator.username),
                merchant_operators::merchant_id.eq(merchant),
                merchant_operators::password_hash.eq(operator.password_hash.expose()),
                merchant_operators::created_at.eq(operator.now.as_micros()),
            ))
            .execute(connection)
            .map_err(taken)?;
        Ok(OperatorOutcome::Inserted)
    }

    pub(super) fn is_merchant(connection: &mut Connection, id: MerchantId) -> Unit<bool> {
        let merchant = merchants::table.find(id.0).filter(merchants::disabled_at.is_null());
        Ok(merchant.select(merchants::id).first::<i64>(connection).optional()?.is_some())
    }

    pub(super) fn find_merchant_client(connection: &mut Connection, id: &str) -> Unit<Option<MerchantClient>> {
        let row: Option<(i64, Vec<u8>)> = merchant_clients::table
            .inner_join(merchants::table)
            .filter(merchant_clients::client_id.eq(id))
            .filter(merchants::disabled_at.is_null())
            .select((merchant_clients::merchant_id, merchant_clients::secret_digest))
            .first(connection)
            .optional()?;
        let Some((merchant, digest)) = row else { return Ok(None) };
        let corrupt = StoreError::Corrupt { table: "merchant_clients", column: "secret_digest" };
        let secret = Digest::from_stored(&digest).ok_or(corrupt)?;
        Ok(Some(MerchantClient { id: id.to_owned(), merchant: MerchantId(merchant), secret }))
    }

    pub(super) fn find_operator(
        connection: &mut Connection,
        merchant: MerchantId,
        username: &str,
    ) -> Unit<Option<String>> {
        Ok(merchant_operators::table
            .find(username)
            .filter(merchant_operators::merchant_id.eq(merchant.0))
            .select(merchant_operators::password_hash)
            .first(connection)
            .optional()?)
    }

    pub(super) fn update_operator_hash(
        connection: &mut Connection,
        username: &str,
        old: &PasswordHash,
        new: &PasswordHash,
    ) -> Unit<bool> {
        let row = merchant_operators::table
            .find(username)
            .filter(merchant_operators::password_hash.eq(old.expose()));
        let updated = diesel::update(row)
            .set(merchant_operators::password_hash.eq(new.expose()))
            .execute(connection)?;
        Ok(updated == 1)
    }

    pub(super) fn admit_operator(
        connection: &mut Connection,
        token: Option<&NewMerchantToken>,
        lock: Option<&LoginLock>,
        now: Timestamp,
    ) -> Unit<Option<Timestamp>> {
        if let Some(lock) = lock
            && let Some(until) = find_login_lock(connection, lock, now)?
        {
            return Ok(Some(until));
        }
        if let Some(NewMerchantToken { client, family, token, scope }) = token {
            insert_token(connection, token, family.as_str(), client.merchant.0, &client.id, scope)?;
        }
        Ok(None)
    }

    fn insert_token(
        connection: &mut Connection,
        token: &NextRefreshToken,
        family: &str,
        merchant: i64,
        client: &str,
        scope: &str,
    ) -> Unit<()> {
        diesel::insert_into(merchant_refresh_tokens::table)
            .values((
                merchant_refresh_tokens::digest.eq(token.digest.as_bytes()),
                merchant_refresh_tokens::family.eq(family),
                merchant_refresh_tokens::merchant_id.eq(merchant),
                merchant_refresh_tokens::client_id.eq(client),
                merchant_refresh_tokens::scope.eq(scope),
                merchant_refresh_tokens::created_at.eq(token.created_at.as_micros()),
                merchant_refresh_tokens::expires_at.eq(token.expires_at.as_micros()),
            ))
            .execute(connection)?;
        Ok(())
    }

    pub(super) fn rotate_merchant_token(
        connection: &mut Connection,
        client: &str,
        presented: &Digest,
        next: Option<&NextRefreshToken>,
        now: Timestamp,
    ) -> Unit<bool> {
        let now = now.as_micros();
        let of_client = || {
            merchant_refresh_tokens::table
                .find(presented.as_bytes())
                .filter(merchant_refresh_tokens::client_id.eq(client))
        };
        let live = of_client()
            .filter(merchant_refresh_tokens::used_at.is_null())
            .filter(merchant_refresh_tokens::revoked_at.is_null())
            .filter(merchant_refresh_tokens::expires_at.gt(now));
        let spent: Option<(String, i64, String)> = diesel::update(live)
            .set(merchant_refresh_tokens::used_at.eq(now))
            .returning((
                merchant_refresh_tokens::family,
                merchant_refresh_tokens::merchant_id,
                merchant_refresh_tokens::scope,
            ))
            .get_result(connection)
            .optional()?;
        if let Some((family, merchant, scope)) = spent {
            if let Some(next) = next {
                insert_token(connection, next, &family, merchant, client, &scope)?;
            }
            return Ok(true);
        }
        let used: Option<String> = of_client()
            .filter(merchant_refresh_tokens::used_at.is_not_null())
            .select(merchant_refresh_tokens::family)
            .first(connection)
            .optional()?;
        if let Some(family) = used {
            let of_family = merchant_refresh_tokens::table
                .filter(merchant_refresh_tokens::family.eq(family))
                .filter(merchant_refresh_tokens::revoked_at.is_null());
            // Until none is left: an exchange under way holds its token, and when it is through there is another one.
            while diesel::update(of_family.clone()).set(merchant_refresh_tokens::revoked_at.eq(now)).execute(connection)? > 0 {}
        }
        Ok(false)
    }
}
