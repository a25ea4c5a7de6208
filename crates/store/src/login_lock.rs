//! Locking logins out that were tried with too many wrong passwords, across nodes and doors.

use std::time::Duration;

use diesel::dsl::case_when;
use diesel::prelude::*;
use diesel::query_dsl::methods;
use diesel::sql_types::{BigInt, Integer};
use domain::{Digest, Timestamp};

use crate::StoreError;
use crate::engine::{Store, on_both, read, unit};
use crate::error::Unit;
use crate::schema::budgets;

/// What is counted, and how many are too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoginLock {
    /// Of whoever is locked out: a client and a user name, say.
    pub key: Digest,
    /// The wrong password that locks; at least 1.
    pub attempts: i32,
    /// How long wrong passwords are counted together, from the first on.
    pub window: Duration,
    /// How long it is locked, from the last that counted on.
    pub block: Duration,
}

impl Store {
    /// Until when it is locked, if it is at this moment.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn find_login_lock(&self, lock: &LoginLock, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let lock = *lock;
        Ok(read!(self, find_login_lock(&lock, now))?)
    }

    /// Counts a wrong password; the last one that is forgiven begins the block. `Some` tells until when it was locked
    /// already: then nothing is counted and the block is no longer than before, and whoever asks must not be told
    /// whether the password was right.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn count_failed_login(&self, lock: LoginLock, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        Ok(unit!(self, count_failed_login(&lock, now))?)
    }
}

on_both! {
    use [budgets::{spent_until}];

    pub(crate) fn find_login_lock(
        connection: &mut Connection,
        lock: &LoginLock,
        now: Timestamp,
    ) -> Unit<Option<Timestamp>> {
        spent_until(connection, &lock.key, lock.attempts, now)
    }

    /// One statement decides, so that of many at once each counts and none beyond the last.
    pub(super) fn count_failed_login(
        connection: &mut Connection,
        lock: &LoginLock,
        now: Timestamp,
    ) -> Unit<Option<Timestamp>> {
        let ends_after = |used: i32| {
            let duration = if used >= lock.attempts { lock.block } else { lock.window };
            now.plus(duration).as_micros()
        };
        let over = budgets::window_ends_at.le(now.as_micros());
        let is_last = budgets::used.ge(lock.attempts - 1);
        let count = diesel::insert_into(budgets::table)
            .values((
                budgets::key.eq(lock.key.as_bytes()),
                budgets::used.eq(1),
                budgets::window_ends_at.eq(ends_after(1)),
            ))
            .on_conflict(budgets::key)
            .do_update()
            .set((
                budgets::used.eq(case_when(over, 1.into_sql::<Integer>()).otherwise(budgets::used + 1)),
                budgets::window_ends_at.eq(case_when(over, ends_after(1).into_sql::<BigInt>())
                    .when(is_last, ends_after(lock.attempts).into_sql::<BigInt>())
                    .otherwise(budgets::window_ends_at)),
            ));
        let counted: Option<i32> = methods::FilterDsl::filter(count, over.or(budgets::used.lt(lock.attempts)))
            .returning(budgets::used)
            .get_result(connection)
            .optional()?;
        if counted.is_some() { Ok(None) } else { find_login_lock(connection, lock, now) }
    }
}
