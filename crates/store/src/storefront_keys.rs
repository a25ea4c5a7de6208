//! The keys with which storefronts name themselves.

use std::time::Duration;

use diesel::prelude::*;
use domain::{Digest, Timestamp};

use crate::StoreError;
use crate::engine::{Store, on_both, read, unit};
use crate::error::Unit;
use crate::schema::storefront_keys;

/// A key to be written.
#[derive(Clone, Debug)]
pub struct NewStorefrontKey {
    /// What people call it; no other key in use has the name.
    pub name: String,
    /// Of the key.
    pub digest: Digest,
    /// How it begins.
    pub beginning: String,
    /// Requests in one window of time; 0 = no limit.
    pub limit: u32,
    /// The networks that may use it; none = all.
    pub networks: Vec<String>,
    /// When this happens.
    pub now: Timestamp,
}

/// A key in the place of another one of the same name, limit and networks.
#[derive(Clone, Debug)]
pub struct RotatedStorefrontKey {
    /// The name.
    pub name: String,
    /// Of the new key.
    pub digest: Digest,
    /// How it begins.
    pub beginning: String,
    /// How long the new key is good.
    pub lifetime: Duration,
    /// How long the old one still is.
    pub grace: Duration,
    /// When this happens.
    pub now: Timestamp,
}

/// What a key that is good lets its bearer do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorefrontAccess {
    /// What the key is called. Where one has just taken the place of another, both are.
    pub name: String,
    /// Requests in one window of time, with both of them together; 0 = no limit.
    pub limit: u32,
    /// The networks that may use it; none = all.
    pub networks: Vec<String>,
}

/// A key as people are shown it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorefrontKeyLine {
    /// How it begins.
    pub beginning: String,
    /// What it is called, and what it lets its bearer do.
    pub access: StorefrontAccess,
    /// When it ends; never if `None`.
    pub expires_at: Option<Timestamp>,
    /// Whether a newer key has taken its name.
    pub is_superseded: bool,
    /// Whether it was switched off.
    pub is_disabled: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Store {
    /// Keeps a new key. `false` when another one in use has its name.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn insert_storefront_key(&self, key: NewStorefrontKey) -> Result<bool, StoreError> {
        Ok(unit!(self, insert_storefront_key(&key))?)
    }

    /// What a key is good for at this moment. `None` when it is unknown, switched off or expired.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn find_storefront_key(
        &self,
        digest: Digest,
        now: Timestamp,
    ) -> Result<Option<StorefrontAccess>, StoreError> {
        let row = read!(self, find_storefront_key(&digest, now))?;
        row.map(|row| Ok(row.into_line()?.access)).transpose()
    }

    /// All keys, by name and age.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn list_storefront_keys(&self) -> Result<Vec<StorefrontKeyLine>, StoreError> {
        read!(self, list_storefront_keys())?.into_iter().map(KeyRow::into_line).collect()
    }

    /// Puts a key in the place of the one that has its name, which is good for a while yet. `false` when there is none
    /// that is not switched off.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn rotate_storefront_key(&self, key: RotatedStorefrontKey) -> Result<bool, StoreError> {
        Ok(unit!(self, rotate_storefront_key(&key))?)
    }

    /// Switches off every key that has or had this name, and tells how many were not yet.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn disable_storefront_keys(&self, name: &str, now: Timestamp) -> Result<usize, StoreError> {
        let name = name.to_owned();
        Ok(unit!(self, disable_storefront_keys(&name, now))?)
    }
}

/// A row of `storefront_keys`, without the digest.
#[derive(Queryable, Selectable)]
#[diesel(table_name = storefront_keys)]
pub(crate) struct KeyRow {
    id: i64,
    name: String,
    beginning: String,
    request_limit: i32,
    allowed_networks: String,
    expires_at: Option<i64>,
    superseded_at: Option<i64>,
    disabled_at: Option<i64>,
    created_at: i64,
}

impl KeyRow {
    fn into_line(self) -> Result<StorefrontKeyLine, StoreError> {
        let corrupt = |_| StoreError::Corrupt { table: "storefront_keys", column: "request_limit" };
        Ok(StorefrontKeyLine {
            access: StorefrontAccess {
                name: self.name,
                limit: self.request_limit.try_into().map_err(corrupt)?,
                networks: self
                    .allowed_networks
                    .split(',')
                    .filter(|network| !network.is_empty())
                    .map(str::to_owned)
                    .collect(),
            },
            beginning: self.beginning,
            expires_at: self.expires_at.map(Timestamp::from_micros),
            is_superseded: self.superseded_at.is_some(),
            is_disabled: self.disabled_at.is_some(),
            created_at: Timestamp::from_micros(self.created_at),
        })
    }
}

on_both! {
    pub(super) fn insert_storefront_key(connection: &mut Connection, key: &NewStorefrontKey) -> Unit<bool> {
        let inserted = diesel::insert_into(storefront_keys::table)
            .values((
                storefront_keys::name.eq(&key.name),
                storefront_keys::digest.eq(key.digest.as_bytes()),
                storefront_keys::beginning.eq(&key.beginning),
                storefront_keys::request_limit.eq(i32::try_from(key.limit).unwrap_or(i32::MAX)),
                storefront_keys::allowed_networks.eq(key.networks.join(",")),
                storefront_keys::created_at.eq(key.now.as_micros()),
            ))
            .on_conflict_do_nothing()
            .execute(connection)?;
        Ok(inserted == 1)
    }

    pub(super) fn find_storefront_key(
        connection: &mut Connection,
        digest: &Digest,
        now: Timestamp,
    ) -> Unit<Option<KeyRow>> {
        Ok(storefront_keys::table
            .filter(storefront_keys::digest.eq(digest.as_bytes()))
            .filter(storefront_keys::disabled_at.is_null())
            .filter(storefront_keys::expires_at.is_null().or(storefront_keys::expires_at.gt(now.as_micros())))
            .select(KeyRow::as_select())
            .first(connection)
            .optional()?)
    }

    pub(super) fn list_storefront_keys(connection: &mut Connection) -> Unit<Vec<KeyRow>> {
        Ok(storefront_keys::table
            .order((storefront_keys::name, storefront_keys::id))
            .select(KeyRow::as_select())
            .load(connection)?)
    }

    /// The old one lives no longer than it would have anyway.
    pub(super) fn rotate_storefront_key(connection: &mut Connection, key: &RotatedStorefrontKey) -> Unit<bool> {
        let now = key.now.as_micros();
        let current = storefront_keys::table
            .filter(storefront_keys::name.eq(&key.name))
            .filter(storefront_keys::superseded_at.is_null())
            .filter(storefront_keys::disabled_at.is_null());
        let superseded: Option<KeyRow> = diesel::update(current)
            .set(storefront_keys::superseded_at.eq(now))
            .returning(KeyRow::as_returning())
            .get_result(connection)
            .optional()?;
        let Some(old) = superseded else { return Ok(false) };
        let ends_at = key.now.plus(key.grace).as_micros();
        diesel::update(storefront_keys::table.find(old.id))
            .set(storefront_keys::expires_at.eq(old.expires_at.map_or(ends_at, |earlier| earlier.min(ends_at))))
            .execute(connection)?;
        diesel::insert_into(storefront_keys::table)
            .values((
                storefront_keys::name.eq(&key.name),
                storefront_keys::digest.eq(key.digest.as_bytes()),
                storefront_keys::beginning.eq(&key.beginning),
                storefront_keys::request_limit.eq(old.request_limit),
                storefront_keys::allowed_networks.eq(old.allowed_networks),
                storefront_keys::expires_at.eq(key.now.plus(key.lifetime).as_micros()),
                storefront_keys::created_at.eq(now),
            ))
            .execute(connection)?;
        Ok(true)
    }

    pub(super) fn disable_storefront_keys(connection: &mut Connection, name: &str, now: Timestamp) -> Unit<usize> {
        let keys = storefront_keys::table
            .filter(storefront_keys::name.eq(name))
            .filter(storefront_keys::disabled_at.is_null());
        Ok(diesel::update(keys).set(storefront_keys::disabled_at.eq(now.as_micros())).execute(connection)?)
    }
}
