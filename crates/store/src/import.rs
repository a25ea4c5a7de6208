//! Bringing customers along from another shop.

use std::collections::HashSet;

use diesel::prelude::*;
use domain::{EmailAddress, Locale, MessageId, MessageKind, PasswordHash, Profile, Timestamp};

use crate::StoreError;
use crate::customers::NewCustomer;
use crate::engine::{Store, on_both, unit};
use crate::error::{Rollback, Unit};
use crate::schema::customers;
use crate::timeline::Event;

/// Conflicts that are told at most.
const MAX_CONFLICTS: usize = 50;

/// Values that one statement asks for at most.
const CHUNK: usize = 500;

/// The highest number that a reference gives to a customer. It leaves room above it, and fits the numbers of JSON.
const MAX_NUMBER: i64 = 1_000_000_000_000;

/// A customer of another shop. No `Debug`: it is personal throughout.
#[derive(Clone)]
pub struct ImportedCustomer {
    /// Where it comes from, for the conflicts.
    pub line: u64,
    /// The reference they have there. Where it ends in `--` and a number, the customer gets that number if it is free.
    pub reference: Option<String>,
    /// The address.
    pub email: EmailAddress,
    /// The hash of their password, in any format that a login can check.
    pub password_hash: Option<PasswordHash>,
    /// Name and such.
    pub profile: Profile,
    /// The language they are written to in.
    pub locale: Locale,
    /// The store they belong to.
    pub store: String,
    /// What comes before `--<id>` in the reference of one who has none.
    pub reference_prefix: String,
    /// When the address was confirmed; otherwise they are asked to.
    pub confirmed_at: Option<Timestamp>,
    /// The identity of the message that asks them to.
    pub message_id: MessageId,
}

/// A line that cannot be imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImportConflict {
    /// Which.
    pub line: u64,
    /// Why.
    pub kind: ImportConflictKind,
}

/// Why a line cannot be imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportConflictKind {
    /// A customer has the reference, or an earlier line.
    ReferenceTaken,
    /// A confirmed account has the address, or an earlier line.
    EmailTaken,
}

/// What became of an import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImportOutcome {
    /// All are there; how many.
    Imported(usize),
    /// Nothing was written, because of these: the first 50, in the order of the lines.
    Conflicts(Vec<ImportConflict>),
}

impl Store {
    /// Writes all customers or none. Confirmed ones settle the open claims on their addresses; the others are claims
    /// whose owners are asked to confirm. Customers who sign up later get numbers above all
    /// that were brought along.
    ///
    /// # Errors
    ///
    /// [`StoreError::OutboxFull`] when there is no room for the messages to all who are asked, and
    /// [`StoreError::Busy`] also when one of the addresses was confirmed at the same moment.
    pub async fn import_customers(
        &self,
        customers: Vec<ImportedCustomer>,
        now: Timestamp,
    ) -> Result<ImportOutcome, StoreError> {
        let outbox_limit = self.inner.outbox_limit;
        match unit!(self, import_customers(&customers, outbox_limit, now)) {
            // Somebody confirmed one of the addresses at this moment, and will be found the next time.
            Err(Rollback::Refused) => Err(StoreError::Busy),
            outcome => Ok(outcome?),
        }
    }
}

impl ImportedCustomer {
    /// The number at the end of the reference.
    fn number(&self) -> Option<i64> {
        let (_, digits) = self.reference.as_deref()?.rsplit_once("--")?;
        let number = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())??;
        (1..=MAX_NUMBER).contains(&number).then_some(number)
    }

    /// The row, with the number if it may have it.
    fn to_new(&self, id: Option<i64>, now: Timestamp) -> NewCustomer<'_> {
        NewCustomer {
            id,
            reference: self.reference.as_deref(),
            reference_prefix: &self.reference_prefix,
            email: &self.email,
            password_hash: self.password_hash.as_ref(),
            profile: &self.profile,
            locale: &self.locale,
            store: &self.store,
            confirmed_at: self.confirmed_at,
            now,
        }
    }
}

/// The lines that name what is taken, or what an earlier one names.
fn find_conflicts(
    customers: &[ImportedCustomer],
    mut references: HashSet<String>,
    mut emails: HashSet<String>,
) -> Vec<ImportConflict> {
    let mut conflicts = Vec::new();
    for customer in customers {
        let ImportedCustomer { line, reference, email, .. } = customer;
        let reference_is_new = reference.as_ref().is_none_or(|reference| references.insert(reference.clone()));
        let email_is_new = emails.insert(email.canonical().to_owned());
        for (is_new, kind) in
            [(reference_is_new, ImportConflictKind::ReferenceTaken), (email_is_new, ImportConflictKind::EmailTaken)]
        {
            if !is_new {
                conflicts.push(ImportConflict { line: *line, kind });
            }
        }
    }
    conflicts.truncate(MAX_CONFLICTS);
    conflicts
}

on_both! {
    use [
        customers::{insert_customer, settle_address},
        exceptions::{lock_claims, raise_numbers},
        merchant_users::{follow_winner},
        outbox::{queue_message, refuse_full_outbox},
        timeline::{record},
    ];

    pub(super) fn import_customers(
        connection: &mut Connection,
        imported: &[ImportedCustomer],
        outbox_limit: i64,
        now: Timestamp,
    ) -> Unit<ImportOutcome> {
        let (references, emails) = (list_references(connection, imported)?, list_emails(connection, imported)?);
        let conflicts = find_conflicts(imported, references, emails);
        if !conflicts.is_empty() {
            return Ok(ImportOutcome::Conflicts(conflicts));
        }
        let asked = imported.iter().filter(|customer| customer.confirmed_at.is_none()).count();
        let room = outbox_limit.saturating_sub(i64::try_from(asked).unwrap_or(i64::MAX));
        if room < 0 {
            return Err(StoreError::OutboxFull.into());
        }
        if asked > 0 {
            refuse_full_outbox(connection, room + 1)?;
        }
        let mut numbers = list_numbers(connection, imported)?;
        if let Some(highest) = imported.iter().filter_map(ImportedCustomer::number).max() {
            // Before those without a number: the next one may be what a later line names.
            raise_numbers(connection, highest)?;
        }
        for customer in imported {
            let id = customer.number().filter(|number| numbers.insert(*number));
            import_customer(connection, customer, id, now)?;
        }
        Ok(ImportOutcome::Imported(imported.len()))
    }

    fn import_customer(
        connection: &mut Connection,
        customer: &ImportedCustomer,
        id: Option<i64>,
        now: Timestamp,
    ) -> Unit<()> {
        let losers = if customer.confirmed_at.is_some() {
            let address = customer.email.canonical();
            lock_claims(connection, address)?;
            settle_address(connection, address)?
        } else {
            Vec::new()
        };
        let id = insert_customer(connection, &customer.to_new(id, now))?.id();
        follow_winner(connection, &losers, id)?;
        record(connection, id, now, &Event::Imported)?;
        if customer.confirmed_at.is_none() {
            queue_message(connection, MessageKind::RegistrationConfirmation, id, &customer.message_id, now)?;
        }
        Ok(())
    }

    /// Those of the references that there are.
    fn list_references(connection: &mut Connection, imported: &[ImportedCustomer]) -> Unit<HashSet<String>> {
        let mut found = HashSet::new();
        for chunk in imported.chunks(CHUNK) {
            let wanted = chunk.iter().filter_map(|customer| customer.reference.as_deref());
            let rows: Vec<String> = customers::table
                .filter(customers::reference.eq_any(wanted))
                .select(customers::reference)
                .load(connection)?;
            found.extend(rows);
        }
        Ok(found)
    }

    /// Those of the addresses that a confirmed account has.
    fn list_emails(connection: &mut Connection, imported: &[ImportedCustomer]) -> Unit<HashSet<String>> {
        let mut found = HashSet::new();
        for chunk in imported.chunks(CHUNK) {
            let rows: Vec<String> = customers::table
                .filter(customers::email_canonical.eq_any(chunk.iter().map(|customer| customer.email.canonical())))
                .filter(customers::confirmed_at.is_not_null())
                .filter(customers::anonymised_at.is_null())
                .select(customers::email_canonical)
                .load(connection)?;
            found.extend(rows);
        }
        Ok(found)
    }

    /// Those of the numbers that customers have.
    fn list_numbers(connection: &mut Connection, imported: &[ImportedCustomer]) -> Unit<HashSet<i64>> {
        let mut found = HashSet::new();
        for chunk in imported.chunks(CHUNK) {
            let wanted = chunk.iter().filter_map(ImportedCustomer::number);
            let rows: Vec<i64> =
                customers::table.filter(customers::id.eq_any(wanted)).select(customers::id).load(connection)?;
            found.extend(rows);
        }
        Ok(found)
    }
}
