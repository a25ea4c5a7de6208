//! Removing what no longer means anything.

use std::time::Duration;

use diesel::prelude::*;

use crate::StoreError;
use crate::carts::CartRules;
use crate::engine::{Store, on_both, unit};
use crate::error::Unit;
use crate::schema::{budgets, one_time_secrets, refresh_tokens};

/// How long what has expired is still known: an old link is told apart from one that never was.
const KEPT_AFTER_EXPIRY: Duration = Duration::from_secs(7 * 24 * 3600);

/// How many rows a clean-up removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deleted {
    /// Budgets whose window has ended.
    pub budgets: usize,
    /// One-time secrets that expired over seven days ago.
    pub secrets: usize,
    /// Refresh tokens that expired over seven days ago.
    pub refresh_tokens: usize,
    /// Guests' carts that were not changed for longer than they are kept.
    pub guest_carts: usize,
}

impl Store {
    /// Removes what has expired by `rules.now`, at most `limit` rows from each table, so that nothing else waits for long.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn delete_expired(&self, rules: CartRules, limit: i64) -> Result<Deleted, StoreError> {
        Ok(unit!(self, delete_expired(&rules, limit))?)
    }
}

on_both! {
    use [guest_carts::{delete_expired_carts}];

    pub(super) fn delete_expired(connection: &mut Connection, rules: &CartRules, limit: i64) -> Unit<Deleted> {
        let now = rules.now;
        let forgotten = now.minus(KEPT_AFTER_EXPIRY).as_micros();
        let (old_budgets, old_secrets, old_tokens) = diesel::alias!(
            budgets as old_budgets,
            one_time_secrets as old_secrets,
            refresh_tokens as old_tokens
        );
        let ended = old_budgets
            .filter(old_budgets.field(budgets::window_ends_at).le(now.as_micros()))
            .limit(limit)
            .select(old_budgets.field(budgets::key));
        let secrets = old_secrets
            .filter(old_secrets.field(one_time_secrets::expires_at).le(forgotten))
            .limit(limit)
            .select(old_secrets.field(one_time_secrets::id));
        let tokens = old_tokens
            .filter(old_tokens.field(refresh_tokens::expires_at).le(forgotten))
            .limit(limit)
            .select(old_tokens.field(refresh_tokens::digest));
        Ok(Deleted {
            // Looked at again, for a budget may have been taken up since.
            budgets: diesel::delete(budgets::table.filter(budgets::key.eq_any(ended)))
                .filter(budgets::window_ends_at.le(now.as_micros()))
                .execute(connection)?,
            secrets: diesel::delete(one_time_secrets::table.filter(one_time_secrets::id.eq_any(secrets)))
                .execute(connection)?,
            refresh_tokens: diesel::delete(refresh_tokens::table.filter(refresh_tokens::digest.eq_any(tokens)))
                .execute(connection)?,
            guest_carts: delete_expired_carts(connection, rules, limit)?,
        })
    }
}
