//! A customer's own account at a door that knows more of them, and asks for the password before it changes or leaves.

use domain::{Confirmed, EmailAddress, MessageId, Password, PasswordPolicy, PasswordViolation};
use store::{ChangePassword, MoreChanges, UpdateOutcome};

use crate::customers::own_customer;
use crate::{Application, BearerCaller, Failure, OwnCustomerError, UpdateCustomer, UpdateCustomerError};

/// What a customer wants changed, all of it or nothing. What is `None` stays.
#[derive(Default)]
pub struct UpdateProfile {
    /// Address, name and such.
    pub account: UpdateCustomer,
    /// The telephone number, which must be nobody else's.
    pub phone: Option<String>,
    /// Whether they want the newsletter.
    pub subscribed_to_newsletter: Option<bool>,
    /// A picture, as a data URI; `Some(None)` takes it away.
    pub image: Option<Option<String>>,
    /// A new password.
    pub password: Option<NewPassword>,
}

/// A new password in the place of the current one.
pub struct NewPassword {
    /// The current one.
    pub current: Password,
    /// The new one.
    pub new: Password,
    /// The new one again.
    pub repetition: Password,
}

/// Why a profile was not changed, in the order in which it is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpdateProfileError {
    /// There is no account to change.
    Own(OwnCustomerError),
    /// Not the current password; or too many wrong ones were tried, and none is looked at for a while.
    WrongPassword,
    /// The new password and its repetition differ.
    PasswordsDiffer,
    /// The policy refuses the new password, at least one reason.
    WeakPassword(Vec<PasswordViolation>),
    /// Another account has the telephone number.
    PhoneTaken,
    /// The address is none, or another account has it.
    EmailTaken,
    /// The customer has asked for as many changes of the address as a day allows.
    TooManyEmailChanges,
    /// The password was changed by somebody else at the same moment.
    NotSaved,
    /// It could not be carried out.
    Failure(Failure),
}

impl<F: Into<Failure>> From<F> for UpdateProfileError {
    fn from(failure: F) -> Self {
        Self::Failure(failure.into())
    }
}

impl From<UpdateCustomerError> for UpdateProfileError {
    fn from(error: UpdateCustomerError) -> Self {
        match error {
            UpdateCustomerError::Own(error) => Self::Own(error),
            UpdateCustomerError::Email(_) => Self::EmailTaken,
            UpdateCustomerError::NotSaved => Self::TooManyEmailChanges,
            UpdateCustomerError::Failure(failure) => Self::Failure(failure),
        }
    }
}

/// Why somebody has not left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaveError {
    /// Not the current password; or too many wrong ones were tried, and none is looked at for a while.
    WrongPassword,
    /// There is no account to leave.
    Own(OwnCustomerError),
}

impl<F: Into<Failure>> From<F> for LeaveError {
    fn from(failure: F) -> Self {
        Self::Own(OwnCustomerError::Failure(failure.into()))
    }
}

impl Application {
    /// Changes the caller's profile, all of it or nothing. Another address waits until it is confirmed, as with
    /// [`update_customer`](Self::update_customer); a new password ends all tokens but the one that is shown, and voids every
    /// change of the address but the one that is asked for with it.
    ///
    /// # Errors
    ///
    /// In the order of [`UpdateProfileError`].
    pub async fn update_profile(
        &self,
        caller: &BearerCaller,
        update: UpdateProfile,
        policy: &PasswordPolicy,
    ) -> Result<Confirmed, UpdateProfileError> {
        let password = match update.password {
            Some(password) => Some(self.prepare_password(caller, password, policy).await?),
            None => None,
        };
        let more = MoreChanges {
            phone: update.phone,
            subscribed_to_newsletter: update.subscribed_to_newsletter,
            image: update.image,
            password,
        };
        match self.change_account(caller.caller(), update.account, more).await? {
            UpdateOutcome::Updated(customer) => {
                own_customer(Some(customer), caller.caller()).map_err(UpdateProfileError::Own)
            }
            UpdateOutcome::Gone => Err(UpdateProfileError::Own(OwnCustomerError::Gone)),
            UpdateOutcome::EmailTaken => Err(UpdateProfileError::EmailTaken),
            UpdateOutcome::PhoneTaken => Err(UpdateProfileError::PhoneTaken),
            UpdateOutcome::TooManyEmailChanges => Err(UpdateProfileError::TooManyEmailChanges),
            UpdateOutcome::PasswordReplaced => Err(UpdateProfileError::NotSaved),
        }
    }

    async fn prepare_password(
        &self,
        caller: &BearerCaller,
        NewPassword { current, new, repetition }: NewPassword,
        policy: &PasswordPolicy,
    ) -> Result<ChangePassword, UpdateProfileError> {
        let id = caller.caller().id;
        let stored = self.store().find_login_by_id(id).await?.and_then(|login| login.password_hash);
        let checked = self.check_current_password(id, &current, stored).await?;
        let old = checked.ok_or(UpdateProfileError::WrongPassword)?;
        if new != repetition {
            return Err(UpdateProfileError::PasswordsDiffer);
        }
        let violations = policy.violations(&new);
        if !violations.is_empty() {
            return Err(UpdateProfileError::WeakPassword(violations));
        }
        let parts = self.parts();
        Ok(ChangePassword {
            id,
            old,
            new: parts.hasher.hash(&new).await?,
            kept_bearer: Some(caller.token),
            message_id: MessageId::generate(&*parts.randomness),
            now: parts.clock.now(),
        })
    }

    /// Forgets who the caller is, as [`anonymise`](Self::anonymise) does, if they know their password.
    ///
    /// # Errors
    ///
    /// [`LeaveError::WrongPassword`] before all else.
    pub async fn leave(&self, caller: &BearerCaller, password: &Password) -> Result<(), LeaveError> {
        let id = caller.caller().id;
        let stored = self.store().find_login_by_id(id).await?.and_then(|login| login.password_hash);
        if self.check_current_password(id, password, stored).await?.is_none() {
            return Err(LeaveError::WrongPassword);
        }
        self.anonymise(caller.caller()).await.map_err(LeaveError::Own)
    }

    /// The caller's picture, as a data URI.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn find_image(&self, caller: &BearerCaller) -> Result<Option<String>, Failure> {
        Ok(self.store().find_image(caller.caller().id).await?)
    }

    /// Has the newsletter sent to an address. `false` when a customer has asked that before.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn subscribe(&self, caller: &BearerCaller, email: &EmailAddress) -> Result<bool, Failure> {
        let now = self.clock().now();
        Ok(self.store().insert_subscription(caller.caller().id, email.clone(), now).await?)
    }
}
