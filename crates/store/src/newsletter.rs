//! Who gets the newsletter.

use diesel::prelude::*;
use domain::{CustomerId, EmailAddress, Timestamp};

use crate::StoreError;
use crate::budgets::budget_key;
use crate::engine::{Store, on_both, unit};
use crate::error::Unit;
use crate::schema::{customers, newsletter_subscriptions};

impl Store {
    /// Has the newsletter sent to an address, as a customer asks. `false` when a confirmed customer has asked that
    /// before.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn insert_subscription(
        &self,
        customer: CustomerId,
        email: EmailAddress,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        Ok(unit!(self, insert_subscription(customer, &email, now))?)
    }
}

on_both! {
    use [budgets::{serialise}];

    /// What open claims ask for does not count: whoever made them may have no right to the address.
    pub(super) fn insert_subscription(
        connection: &mut Connection,
        customer: CustomerId,
        email: &EmailAddress,
        now: Timestamp,
    ) -> Unit<bool> {
        serialise(connection, &budget_key("newsletter", email.canonical()), now)?;
        let asked: Option<i64> = newsletter_subscriptions::table
            .inner_join(customers::table)
            .filter(newsletter_subscriptions::email_canonical.eq(email.canonical()))
            .filter(customers::confirmed_at.is_not_null())
            .filter(customers::anonymised_at.is_null())
            .select(newsletter_subscriptions::id)
            .first(connection)
            .optional()?;
        if asked.is_some() {
            return Ok(false);
        }
        write_subscription(connection, customer.0, email, now)?;
        Ok(true)
    }

    /// Writes that a customer wants the newsletter at an address, unless it is written.
    pub(crate) fn write_subscription(
        connection: &mut Connection,
        customer: i64,
        email: &EmailAddress,
        now: Timestamp,
    ) -> Unit<()> {
        diesel::insert_into(newsletter_subscriptions::table)
            .values((
                newsletter_subscriptions::customer_id.eq(customer),
                newsletter_subscriptions::email.eq(email.as_typed()),
                newsletter_subscriptions::email_canonical.eq(email.canonical()),
                newsletter_subscriptions::created_at.eq(now.as_micros()),
            ))
            .on_conflict_do_nothing()
            .execute(connection)?;
        Ok(())
    }

    /// Ends what a customer asked for.
    pub(crate) fn delete_subscriptions(connection: &mut Connection, customer: i64) -> Unit<()> {
        diesel::delete(newsletter_subscriptions::table)
            .filter(newsletter_subscriptions::customer_id.eq(customer))
            .execute(connection)?;
        Ok(())
    }
}
