//! `vestibule carts purge`: removes the carts that guests left behind.

use std::process::ExitCode;

use domain::{Clock, SystemClock};

use crate::cli::Fatal;
use crate::serve::open_store;
use crate::settings::Settings;

/// Carts removed in one unit of work, so that a purge never holds up shoppers; each can have hundreds of items.
const BATCH: i64 = 20;

/// Removes what `carts.guest_cart_days` says is gone, or only counts it, and says how many.
///
/// # Errors
///
/// When the database cannot be used.
pub(crate) async fn purge(settings: &Settings, dry_run: bool) -> Result<ExitCode, Fatal> {
    let store = open_store(settings).await?;
    let rules = settings.carts.rules(SystemClock.now());
    let days = settings.carts.guest_cart_days;
    if dry_run {
        let count = store.count_expired_carts(rules).await?;
        println!("{count} guest carts were not changed for {days} days; nothing was removed");
    } else {
        let mut count = 0;
        loop {
            let removed = store.delete_expired_carts(rules, BATCH).await?;
            count += removed;
            if removed == 0 {
                break;
            }
        }
        println!("{count} guest carts removed that were not changed for {days} days");
    }
    store.close().await;
    Ok(ExitCode::SUCCESS)
}
