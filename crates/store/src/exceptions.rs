//! Where the SQL of the two engines differs. Each function has both arms; there are to be fewer than ten.
//!
//! SQLite has one writer, so that nothing happens at the same time there: its arms need no locks.

/// On SQLite.
pub(crate) mod sqlite {
    use diesel::SqliteConnection;
    use diesel::prelude::*;
    use diesel::sql_types::BigInt;
    use domain::{Digest, SecretPurpose, Timestamp};

    use crate::error::{Rollback, Unit};
    use crate::links::sqlite::promote;
    use crate::planned::planned;
    use crate::schema::{one_time_secrets, outbox};

    /// Each engine has its own catalogue.
    pub(crate) const PRESENCE: &str = "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' \
        AND name = '__diesel_schema_migrations') AS present";

    /// Consumes a key and confirms its claim, statement by statement: between two of them lies no round trip here.
    pub(crate) fn confirm_in_turn(connection: &mut SqliteConnection, key: &Digest, now: Timestamp) -> Unit<i64> {
        let presented = one_time_secrets::table
            .filter(one_time_secrets::digest.eq(key.as_bytes()))
            .filter(one_time_secrets::purpose.eq(SecretPurpose::Confirmation.as_str()))
            .filter(one_time_secrets::used_at.is_null())
            .filter(one_time_secrets::expires_at.is_null().or(one_time_secrets::expires_at.gt(now.as_micros())));
        let customer = planned!(
            diesel::update(presented)
                .set(one_time_secrets::used_at.eq(now.as_micros()))
                .returning(one_time_secrets::customer_id)
        )
        .get_result(connection)
        .optional()?
        .ok_or(Rollback::Refused)?;
        promote(connection, customer, now)?;
        Ok(customer)
    }

    /// Nobody else writes now.
    #[expect(clippy::unnecessary_wraps, reason = "the other arm can fail")]
    pub(crate) fn lock_claims(_connection: &mut SqliteConnection, _canonical_email: &str) -> Unit<()> {
        Ok(())
    }

    /// Has new customers numbered above `number`. SQLite keeps the last number given in a table, which has no row
    /// before the first customer.
    pub(crate) fn raise_numbers(connection: &mut SqliteConnection, number: i64) -> Unit<()> {
        let raised = diesel::sql_query("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'customers'")
            .bind::<BigInt, _>(number)
            .execute(connection)?;
        if raised == 0 {
            diesel::sql_query("INSERT INTO sqlite_sequence (name, seq) VALUES ('customers', ?)")
                .bind::<BigInt, _>(number)
                .execute(connection)?;
        }
        Ok(())
    }

    /// The oldest messages that may be leased.
    pub(crate) fn due_messages(connection: &mut SqliteConnection, now: Timestamp, limit: i64) -> Unit<Vec<i64>> {
        let now = now.as_micros();
        Ok(outbox::table
            .filter(outbox::state.eq(crate::outbox::QUEUED))
            .filter(outbox::due_at.le(now))
            .filter(outbox::leased_until.is_null().or(outbox::leased_until.le(now)))
            .order((outbox::due_at, outbox::id))
            .limit(limit)
            .select(outbox::id)
            .load(connection)?)
    }
}

/// On PostgreSQL.
pub(crate) mod postgres {
    use diesel::pg::Pg;
    use diesel::prelude::*;
    use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
    use diesel::sql_types::{BigInt, Binary};
    use diesel::{PgConnection, QueryResult};
    use domain::{Digest, Timestamp};

    use crate::error::{Rollback, Unit};
    use crate::schema::{customers, outbox};

    /// Each engine has its own catalogue.
    pub(crate) const PRESENCE: &str = "SELECT to_regclass('__diesel_schema_migrations') IS NOT NULL AS present";

    /// What `confirm_in_turn` does on SQLite, as one statement that is its own transaction: one round trip instead of
    /// eight.
    struct Confirm<'a> {
        digest: &'a [u8],
        now: i64,
    }

    /// Up to the first place for the digest, which is `$1` from there on.
    const CONFIRM_UP_TO_DIGEST: &str = "WITH presented AS MATERIALIZED (
        SELECT secrets.customer_id, customers.email_canonical
        FROM one_time_secrets AS secrets JOIN customers ON customers.id = secrets.customer_id
        WHERE secrets.digest = ";

    /// Up to the first place for the time, which is `$2` from there on.
    const CONFIRM_UP_TO_TIME: &str = "
            AND secrets.purpose = 'confirmation' AND secrets.used_at IS NULL
            AND (secrets.expires_at IS NULL OR secrets.expires_at > ";

    /// All parts see the database as it was at the beginning. Where it has changed meanwhile, PostgreSQL waits and
    /// looks at the conditions of a row again: `claims` locks all claims on the address in one order, so that of two
    /// that are confirmed at once the second finds itself gone instead of each deleting what the other holds, and
    /// `consumed` holds only if the key is still unused and its claim still open under that lock. `ARRAY` has `claims`
    /// read to its end. `NO KEY` lets those through who write something for the customer. Merchants' users of the claims that
    /// lose follow the winner; the deletion looks for those who stood for a loser only when all parts are done.
    const CONFIRM_REST: &str = ")
    ), claims AS MATERIALIZED (
        SELECT id FROM customers
        WHERE email_canonical = (SELECT email_canonical FROM presented)
            AND confirmed_at IS NULL AND anonymised_at IS NULL
        ORDER BY id FOR NO KEY UPDATE
    ), consumed AS (
        UPDATE one_time_secrets SET used_at = $2
        WHERE digest = $1 AND purpose = 'confirmation' AND used_at IS NULL
            AND customer_id = (SELECT customer_id FROM presented)
            AND customer_id = ANY (ARRAY(SELECT id FROM claims))
        RETURNING customer_id
    ), promoted AS (
        UPDATE customers SET confirmed_at = $2, updated_at = $2
        WHERE id = (SELECT customer_id FROM consumed) AND confirmed_at IS NULL AND anonymised_at IS NULL
        RETURNING id
    ), followed AS (
        UPDATE merchant_users SET customer_id = (SELECT id FROM promoted)
        WHERE EXISTS (SELECT FROM promoted)
            AND customer_id = ANY (ARRAY(SELECT id FROM claims WHERE id <> (SELECT id FROM promoted)))
    ), settled AS (
        DELETE FROM customers
        WHERE email_canonical = (SELECT email_canonical FROM presented) AND id <> (SELECT id FROM promoted)
            AND confirmed_at IS NULL AND anonymised_at IS NULL
    ), voided AS (
        UPDATE one_time_secrets SET used_at = $2
        WHERE customer_id = (SELECT id FROM promoted) AND digest <> $1
            AND purpose = 'confirmation' AND used_at IS NULL
    ), taken_back AS (
        DELETE FROM outbox
        WHERE customer_id = (SELECT id FROM promoted) AND kind IN ('registration-confirmation', 'registration-code')
            AND state = 'queued'
    ), told AS (
        INSERT INTO timeline (customer_id, at, kind) SELECT id, $2, 'confirmed' FROM promoted
    )
    SELECT id FROM promoted";

    // Not `sql_query`, which diesel plans anew each time.
    impl QueryFragment<Pg> for Confirm<'_> {
        fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
            out.push_sql(CONFIRM_UP_TO_DIGEST);
            out.push_bind_param::<Binary, _>(&self.digest)?;
            out.push_sql(CONFIRM_UP_TO_TIME);
            out.push_bind_param::<BigInt, _>(&self.now)?;
            out.push_sql(CONFIRM_REST);
            Ok(())
        }
    }

    impl QueryId for Confirm<'_> {
        type QueryId = Confirm<'static>;
        const HAS_STATIC_QUERY_ID: bool = true;
    }

    impl Query for Confirm<'_> {
        type SqlType = BigInt;
    }

    impl RunQueryDsl<PgConnection> for Confirm<'_> {}

    /// Consumes a key and confirms its claim.
    pub(crate) fn confirm_in_one_statement(connection: &mut PgConnection, key: &Digest, now: Timestamp) -> Unit<i64> {
        Confirm { digest: key.as_bytes(), now: now.as_micros() }
            .get_result(connection)
            .optional()
            .map_err(Rollback::lost_race)?
            .ok_or(Rollback::Refused)
    }

    /// Locks the open claims on an address in one order, so that two units that remove them at once wait for each other
    /// instead of each deleting what the other holds. `FOR UPDATE` is what SQLite lacks.
    pub(crate) fn lock_claims(connection: &mut PgConnection, canonical_email: &str) -> Unit<()> {
        customers::table
            .filter(customers::email_canonical.eq(canonical_email))
            .filter(customers::confirmed_at.is_null())
            .order(customers::id)
            .select(customers::id)
            .for_no_key_update()
            .load::<i64>(connection)?;
        Ok(())
    }

    /// Has new customers numbered above `number`. Not undone with the unit, which leaves a gap.
    pub(crate) fn raise_numbers(connection: &mut PgConnection, number: i64) -> Unit<()> {
        diesel::sql_query(
            "SELECT setval('customers_id_seq', $1) FROM customers_id_seq WHERE last_value < $1 OR NOT is_called",
        )
        .bind::<BigInt, _>(number)
        .execute(connection)?;
        Ok(())
    }

    /// The oldest messages that may be leased and that no other worker is leasing at this moment: `SKIP LOCKED` is
    /// what SQLite lacks.
    pub(crate) fn due_messages(connection: &mut PgConnection, now: Timestamp, limit: i64) -> Unit<Vec<i64>> {
        let now = now.as_micros();
        Ok(outbox::table
            .filter(outbox::state.eq(crate::outbox::QUEUED))
            .filter(outbox::due_at.le(now))
            .filter(outbox::leased_until.is_null().or(outbox::leased_until.le(now)))
            .order((outbox::due_at, outbox::id))
            .limit(limit)
            .select(outbox::id)
            .for_update()
            .skip_locked()
            .load(connection)?)
    }
}
