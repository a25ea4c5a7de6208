//! Removing what no longer means anything.

use std::time::Duration;

use diesel::prelude::*;
use domain::Timestamp;

use crate::StoreError;
use crate::engine::{Store, on_both, unit};
use crate::error::Unit;
use crate::schema::{budgets, merchant_refresh_tokens, one_time_secrets, refresh_tokens};

/// How long what has expired is still known: an old link is told apart from one that never was.
const KEPT_AFTER_EXPIRY: Duration = Duration::from_secs(7 * 24 * 3600);

/// How many rows a clean-up removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deleted {
    /// Budgets whose window has ended.
    pub budgets: usize,
    /// One-time secrets that expired over seven days ago.
    pub secrets: usize,
    /// Refresh tokens, of customers and of merchants, that expired over seven days ago.
    pub refresh_tokens: usize,
}

impl Store {
    /// Removes what has expired, at most `limit` rows from each table, so that nothing else waits for long.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn delete_expired(&self, now: Timestamp, limit: i64) -> Result<Deleted, StoreError> {
        Ok(unit!(self, delete_expired(now, limit))?)
    }
}

on_both! {
    pub(super) fn delete_expired(connection: &mut Connection, now: Timestamp, limit: i64) -> Unit<Deleted> {
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
        let old_merchant_tokens = diesel::alias!(merchant_refresh_tokens as old_merchant_tokens);
        let merchant_tokens = old_merchant_tokens
            .filter(old_merchant_tokens.field(merchant_refresh_tokens::expires_at).le(forgotten))
            .limit(limit)
            .select(old_merchant_tokens.field(merchant_refresh_tokens::digest));
        let of_merchants = merchant_refresh_tokens::table
            .filter(merchant_refresh_tokens::digest.eq_any(merchant_tokens));
        Ok(Deleted {
            // Looked at again, for a budget may have been taken up since.
            budgets: diesel::delete(budgets::table.filter(budgets::key.eq_any(ended)))
                .filter(budgets::window_ends_at.le(now.as_micros()))
                .execute(connection)?,
            secrets: diesel::delete(one_time_secrets::table.filter(one_time_secrets::id.eq_any(secrets)))
                .execute(connection)?,
            refresh_tokens: diesel::delete(refresh_tokens::table.filter(refresh_tokens::digest.eq_any(tokens)))
                .execute(connection)?
                + diesel::delete(of_merchants).execute(connection)?,
        })
    }
}
