//! What may be done so often in so much time, counted across nodes.

use std::time::Duration;

use diesel::prelude::*;
use domain::{Digest, Timestamp};

use crate::engine::on_both;
use crate::error::Unit;
use crate::schema::budgets;

/// The time in which mails to one address and wishes of one customer are counted.
pub(crate) const DAY: Duration = Duration::from_secs(24 * 3600);

/// The budget of one action about one address or customer, in canonical form. What it is about is not kept.
pub(crate) fn budget_key(action: &str, about: &str) -> Digest {
    Digest::of(&format!("{action}|{about}"))
}

/// What may be done `limit` times in each `window`.
pub(crate) struct Budget {
    pub(crate) key: Digest,
    pub(crate) window: Duration,
    pub(crate) limit: i32,
}

on_both! {
    /// Takes one from each of these, or none from any where one is spent: then it tells when the last of those ends.
    ///
    /// Whoever spends them holds a lock that all others who do wait for, so that what is there when it is looked at is
    /// there when it is taken.
    pub(crate) fn spend_budgets(
        connection: &mut Connection,
        wanted: &[Budget],
        now: Timestamp,
    ) -> Unit<Option<Timestamp>> {
        let mut last = None;
        for Budget { key, limit, .. } in wanted {
            last = last.max(spent_until(connection, key, *limit, now)?);
        }
        if last.is_none() {
            for Budget { key, window, limit } in wanted {
                spend_budget(connection, key, *window, *limit, now)?;
            }
        }
        Ok(last)
    }

    /// When the window ends in which all of the budget `key` is spent; `None` where something is left of it.
    pub(crate) fn spent_until(
        connection: &mut Connection,
        key: &Digest,
        limit: i32,
        now: Timestamp,
    ) -> Unit<Option<Timestamp>> {
        let ends_at: Option<i64> = budgets::table
            .find(key.as_bytes())
            .filter(budgets::used.ge(limit))
            .filter(budgets::window_ends_at.gt(now.as_micros()))
            .select(budgets::window_ends_at)
            .first(connection)
            .optional()?;
        Ok(ends_at.map(Timestamp::from_micros))
    }

    /// Takes one from the budget `key`, which holds `limit` in each `window`. A window begins with the first that is
    /// taken.
    ///
    /// Whoever loses a race for the last one gets `false`: each statement is conditional on the row as it is.
    pub(crate) fn spend_budget(
        connection: &mut Connection,
        key: &Digest,
        window: Duration,
        limit: i32,
        now: Timestamp,
    ) -> Unit<bool> {
        let window_ends_at = now.plus(window).as_micros();
        let now = now.as_micros();
        let row = budgets::table.filter(budgets::key.eq(key.as_bytes()));
        let restarted = diesel::update(row.filter(budgets::window_ends_at.le(now)))
            .set((budgets::used.eq(1), budgets::window_ends_at.eq(window_ends_at)))
            .execute(connection)?;
        if restarted == 1 {
            return Ok(true);
        }
        let taken = diesel::update(row.filter(budgets::window_ends_at.gt(now)).filter(budgets::used.lt(limit)))
            .set(budgets::used.eq(budgets::used + 1))
            .execute(connection)?;
        if taken == 1 {
            return Ok(true);
        }
        let begun = diesel::insert_into(budgets::table)
            .values((
                budgets::key.eq(key.as_bytes()),
                budgets::used.eq(1),
                budgets::window_ends_at.eq(window_ends_at),
            ))
            .on_conflict_do_nothing()
            .execute(connection)?;
        Ok(begun == 1)
    }

    /// Takes one from the mails that strangers may cause to one address within a day, known here or not.
    pub(crate) fn spend_mail_budget(
        connection: &mut Connection,
        canonical_email: &str,
        limit: i32,
        now: Timestamp,
    ) -> Unit<bool> {
        spend_budget(connection, &budget_key("mail", canonical_email), DAY, limit, now)
    }

    /// Makes units that name the same `key` wait for each other until they are committed. Under READ COMMITTED, two
    /// that count rows before they insert one would else both find room. A lock on a row works on every engine, and
    /// the row is one that the clean-up knows; on SQLite it costs a statement that is not needed there.
    pub(crate) fn serialise(connection: &mut Connection, key: &Digest, now: Timestamp) -> Unit<()> {
        diesel::insert_into(budgets::table)
            .values((
                budgets::key.eq(key.as_bytes()),
                budgets::used.eq(0),
                budgets::window_ends_at.eq(now.as_micros()),
            ))
            .on_conflict(budgets::key)
            .do_update()
            .set(budgets::window_ends_at.eq(now.as_micros()))
            .execute(connection)?;
        Ok(())
    }
}
