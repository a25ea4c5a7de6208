//! A customer's own account: reading it, changing it, leaving.

use domain::{Confirmed, Customer, EmailAddress, EmailProblem, MessageId, ProfileChanges};
use store::{CustomerUpdate, MoreChanges, UpdateOutcome};

use crate::{Application, Caller, Enumeration, Failure, seconds};

/// Of each of the three parts of the address that an anonymised account is left with; as hex it is twice as long.
const ANONYMOUS_PART_BYTES: usize = 16;

/// Why a caller with a good access token has no account to work on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnCustomerError {
    /// The account is gone or anonymised.
    Gone,
    /// The token is no longer good: the account is suspended, or its password was restored after the token was issued.
    TokenEnded,
    /// It could not be carried out.
    Failure(Failure),
}

impl<F: Into<Failure>> From<F> for OwnCustomerError {
    fn from(failure: F) -> Self {
        Self::Failure(failure.into())
    }
}

/// What a customer wants changed about their account. What is `None` stays.
#[derive(Clone, Default)]
pub struct UpdateCustomer {
    /// Another address, as typed. It takes effect once it is confirmed; another spelling of the present one at once.
    pub email: Option<String>,
    /// Name and such.
    pub changes: ProfileChanges,
}

/// Why an account was not changed. Nothing of the change was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpdateCustomerError {
    /// There is no account to change.
    Own(OwnCustomerError),
    /// The address cannot be had, at least one reason.
    Email(Vec<EmailProblem>),
    /// The customer has asked for as many changes of the address as a day allows.
    NotSaved,
    /// It could not be carried out.
    Failure(Failure),
}

impl<F: Into<Failure>> From<F> for UpdateCustomerError {
    fn from(failure: F) -> Self {
        Self::Failure(failure.into())
    }
}

impl From<OwnCustomerError> for UpdateCustomerError {
    fn from(error: OwnCustomerError) -> Self {
        match error {
            OwnCustomerError::Failure(failure) => Self::Failure(failure),
            error => Self::Own(error),
        }
    }
}

impl Application {
    /// The caller's own account.
    ///
    /// # Errors
    ///
    /// [`OwnCustomerError::Gone`] and [`OwnCustomerError::TokenEnded`], in that order.
    pub async fn find_own_customer(&self, caller: &Caller) -> Result<Confirmed, OwnCustomerError> {
        own_customer(self.store().find_customer(caller.id).await?, caller)
    }

    /// Changes the caller's account, all of it or nothing. Another address gets a mail with a link that makes it the
    /// account's, and the present one a mail that says so; the account answers with the present one until then.
    ///
    /// # Errors
    ///
    /// In this order: no account, what is wrong with the address, too many changes of it.
    pub async fn update_customer(
        &self,
        caller: &Caller,
        request: UpdateCustomer,
    ) -> Result<Confirmed, UpdateCustomerError> {
        match self.change_account(caller, request, MoreChanges::default()).await? {
            UpdateOutcome::Updated(customer) => Ok(own_customer(Some(customer), caller)?),
            UpdateOutcome::Gone => Err(OwnCustomerError::Gone.into()),
            UpdateOutcome::EmailTaken => Err(UpdateCustomerError::Email(vec![EmailProblem::Taken])),
            UpdateOutcome::TooManyEmailChanges | UpdateOutcome::PhoneTaken | UpdateOutcome::PasswordReplaced => {
                Err(UpdateCustomerError::NotSaved)
            }
        }
    }

    /// What is known of a customer at some doors only is `more`.
    pub(crate) async fn change_account(
        &self,
        caller: &Caller,
        request: UpdateCustomer,
        more: MoreChanges,
    ) -> Result<UpdateOutcome, UpdateCustomerError> {
        let parts = self.parts();
        self.find_own_customer(caller).await?;
        let email = request.email.as_deref().map(EmailAddress::parse_for_account).transpose();
        let email = email.map_err(UpdateCustomerError::Email)?;
        let accounts = &parts.accounts;
        let message_id = || MessageId::generate(&*parts.randomness);
        let update = CustomerUpdate {
            id: caller.id,
            changes: request.changes,
            more,
            email,
            reregistration: accounts.reregistration,
            hide_taken: accounts.enumeration == Enumeration::Hardened,
            message_ids: [message_id(), message_id()],
            cool_down: seconds(accounts.resend_cool_down_seconds),
            notice_cool_down: seconds(accounts.notice_cool_down_seconds),
            max_email_changes_per_day: accounts.email_changes_per_day,
            max_mails_per_day: accounts.mails_per_address_per_day,
            now: parts.clock.now(),
        };
        let outcome = self.store().update_customer(update).await?;
        self.announce_message();
        Ok(outcome)
    }

    /// Forgets who the caller is: the row stays for what refers to it, with a random address and nothing else in it. All
    /// secrets and refresh tokens of the account are void.
    ///
    /// # Errors
    ///
    /// When there is no account (any more).
    pub async fn anonymise(&self, caller: &Caller) -> Result<(), OwnCustomerError> {
        self.find_own_customer(caller).await?;
        let replacement = self.anonymous_address();
        let anonymised = self.store().anonymise_customer(caller.id, replacement, self.clock().now()).await?;
        if anonymised { Ok(()) } else { Err(OwnCustomerError::Gone) }
    }

    /// `<32 hex>@<32 hex>.<32 hex>`: an address that is nobody's, unlike any other.
    fn anonymous_address(&self) -> EmailAddress {
        let part = || {
            let mut bytes = [0; ANONYMOUS_PART_BYTES];
            self.randomness().fill(&mut bytes);
            hex::encode(bytes)
        };
        let address = format!("{}@{}.{}", part(), part(), part());
        EmailAddress::from_stored(address.clone(), address)
    }
}

/// The caller's account among what the database has under their number.
pub(crate) fn own_customer(customer: Option<Customer>, caller: &Caller) -> Result<Confirmed, OwnCustomerError> {
    let Some(Customer::Confirmed(confirmed)) = customer else { return Err(OwnCustomerError::Gone) };
    confirmed.admits(caller.issued_at).map_err(|_| OwnCustomerError::TokenEnded)?;
    Ok(confirmed)
}
