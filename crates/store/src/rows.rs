//! Rows as they are stored, and the domain's values that they stand for.

use diesel::prelude::*;
use domain::{
    Account, Customer, CustomerId, EmailAddress, Gender, Locale, Marks, MessageId, MessageKind, PasswordHash, Profile,
    Salutation, Timestamp,
};

use crate::schema::{customers, outbox};
use crate::{LeasedMessage, Login, StoreError};

/// A row of `customers`, without what nobody reads back.
#[derive(Queryable, Selectable)]
#[diesel(table_name = customers)]
pub(crate) struct CustomerRow {
    id: i64,
    reference: String,
    email: String,
    email_canonical: String,
    password_hash: Option<String>,
    salutation: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    gender: Option<String>,
    date_of_birth: Option<String>,
    phone: Option<String>,
    company: Option<String>,
    locale: String,
    store: String,
    confirmed_at: Option<i64>,
    suspended_at: Option<i64>,
    anonymised_at: Option<i64>,
    tokens_ended_at: Option<i64>,
    subscribed_to_newsletter: bool,
    created_at: i64,
    updated_at: i64,
}

const fn corrupt(table: &'static str, column: &'static str) -> StoreError {
    StoreError::Corrupt { table, column }
}

/// Reads an optional text that has to parse if it is there.
fn parsed<T>(
    text: Option<&str>,
    parse: impl FnOnce(&str) -> Option<T>,
    column: &'static str,
) -> Result<Option<T>, StoreError> {
    text.map(|text| parse(text).ok_or_else(|| corrupt("customers", column))).transpose()
}

impl CustomerRow {
    /// The number.
    pub(crate) const fn id(&self) -> i64 {
        self.id
    }

    /// The canonical address.
    pub(crate) fn email_canonical(&self) -> &str {
        &self.email_canonical
    }

    /// Whether it can (still) be confirmed.
    pub(crate) const fn is_open_claim(&self) -> bool {
        self.confirmed_at.is_none() && self.anonymised_at.is_none()
    }

    /// Whether it is the confirmed account of its address.
    pub(crate) const fn is_confirmed(&self) -> bool {
        self.confirmed_at.is_some() && self.anonymised_at.is_none()
    }

    /// Whether the customer has left.
    pub(crate) const fn is_anonymised(&self) -> bool {
        self.anonymised_at.is_some()
    }

    pub(crate) fn into_account(self) -> Result<Account, StoreError> {
        Ok(Account {
            id: CustomerId(self.id),
            reference: self.reference,
            email: EmailAddress::from_stored(self.email, self.email_canonical),
            profile: Profile {
                salutation: parsed(self.salutation.as_deref(), Salutation::parse, "salutation")?,
                first_name: self.first_name,
                last_name: self.last_name,
                gender: parsed(self.gender.as_deref(), Gender::parse, "gender")?,
                date_of_birth: parsed(self.date_of_birth.as_deref(), |text| text.parse().ok(), "date_of_birth")?,
                phone: self.phone,
                company: self.company,
                subscribed_to_newsletter: self.subscribed_to_newsletter,
            },
            locale: Locale::parse(&self.locale).ok_or_else(|| corrupt("customers", "locale"))?,
            store: self.store,
            created_at: Timestamp::from_micros(self.created_at),
            updated_at: Timestamp::from_micros(self.updated_at),
        })
    }

    pub(crate) fn into_customer(self) -> Result<Customer, StoreError> {
        let at = |micros: Option<i64>| micros.map(Timestamp::from_micros);
        let marks = Marks {
            confirmed_at: at(self.confirmed_at),
            suspended_at: at(self.suspended_at),
            anonymised_at: at(self.anonymised_at),
            tokens_ended_at: at(self.tokens_ended_at),
        };
        Ok(Customer::from_marks(self.into_account()?, marks))
    }

    /// The customer, and the hash of the password if one is set.
    pub(crate) fn into_login(mut self) -> Result<Login, StoreError> {
        let password_hash = self.password_hash.take().map(PasswordHash::from_stored);
        Ok(Login { customer: self.into_customer()?, password_hash })
    }
}

/// A row of `outbox`, as far as a worker needs it.
#[derive(Queryable, Selectable)]
#[diesel(table_name = outbox)]
pub(crate) struct MessageRow {
    id: i64,
    kind: String,
    message_id: String,
    attempts: i32,
    created_at: i64,
    email: Option<String>,
}

impl MessageRow {
    pub(crate) fn into_message(self, customer: CustomerRow) -> Result<LeasedMessage, StoreError> {
        Ok(LeasedMessage {
            id: self.id,
            kind: parse_kind(&self.kind)?,
            customer: customer.into_customer()?,
            email: self.email.as_deref().map(|email| parse_email(email, "outbox")).transpose()?,
            message_id: MessageId::from_stored(self.message_id),
            attempt: self.attempts,
            created_at: Timestamp::from_micros(self.created_at),
        })
    }
}

/// An address that is stored only as it was typed.
pub(crate) fn parse_email(as_typed: &str, table: &'static str) -> Result<EmailAddress, StoreError> {
    EmailAddress::parse(as_typed).map_err(|_| corrupt(table, "email"))
}

/// The kind of message of that stored name.
pub(crate) fn parse_kind(name: &str) -> Result<MessageKind, StoreError> {
    MessageKind::parse(name).ok_or_else(|| corrupt("outbox", "kind"))
}
