//! Setting another password: with a key from a mail, or with the current password.

use domain::{CustomerId, EmailAddress, LinkKey, MessageId, Password, PasswordHash, PasswordPolicy, PasswordViolation};
use store::{ChangePassword, RestorePassword, RestoreRequest};

use crate::customers::own_customer;
use crate::{Application, Caller, Failure, OwnCustomerError, Verification, seconds};

/// A new password for whoever holds the key from a mail.
pub struct RestoreForm {
    /// The key as it came in.
    pub key: String,
    /// The address that it must be for, at a door that asks for one.
    pub email: Option<EmailAddress>,
    /// The new password.
    pub password: Password,
    /// The new password again.
    pub confirm_password: Password,
}

/// Why no password was restored, in the order in which it is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RestorePasswordError {
    /// Password and repetition differ.
    PasswordsDiffer,
    /// The policy refuses the password, at least one reason.
    WeakPassword(Vec<PasswordViolation>),
    /// The key was never issued, is used, expired, void or for another address. Which of these is not told.
    Refused,
    /// It could not be carried out.
    Failure(Failure),
}

impl<F: Into<Failure>> From<F> for RestorePasswordError {
    fn from(failure: F) -> Self {
        Self::Failure(failure.into())
    }
}

/// A new password for a customer who is logged in.
pub struct ChangePasswordForm {
    /// The current password.
    pub password: Password,
    /// The new one.
    pub new_password: Password,
    /// The new one again.
    pub confirm_password: Password,
}

/// Why no password was changed, in the order in which it is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangePasswordError {
    /// The caller has no account to change.
    Own(OwnCustomerError),
    /// The account named is not the caller's.
    NotOwn,
    /// The new password and its repetition differ.
    PasswordsDiffer,
    /// Not the current password; or too many wrong ones were tried, and none is looked at for a while.
    WrongPassword,
    /// The policy refuses the new password, at least one reason.
    WeakPassword(Vec<PasswordViolation>),
    /// The password was changed by somebody else at the same moment.
    NotSaved,
    /// It could not be carried out.
    Failure(Failure),
}

impl<F: Into<Failure>> From<F> for ChangePasswordError {
    fn from(failure: F) -> Self {
        Self::Failure(failure.into())
    }
}

impl From<OwnCustomerError> for ChangePasswordError {
    fn from(error: OwnCustomerError) -> Self {
        match error {
            OwnCustomerError::Failure(failure) => Self::Failure(failure),
            error => Self::Own(error),
        }
    }
}

impl Application {
    /// Sends whoever has this address a link to set a new password: the confirmed account, else the newest open claim.
    ///
    /// Silent about whether there is such an account, and about the cool-down.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn request_restore(&self, email: &str) -> Result<(), Failure> {
        let Ok(email) = EmailAddress::parse(email) else { return Ok(()) };
        let parts = self.parts();
        let request = RestoreRequest {
            canonical_email: email.canonical().to_owned(),
            cool_down: seconds(parts.accounts.restore_cool_down_seconds),
            max_mails_per_day: parts.accounts.mails_per_address_per_day,
            message_id: MessageId::generate(&*parts.randomness),
            now: parts.clock.now(),
        };
        self.store().queue_restore(request).await?;
        self.announce_message();
        Ok(())
    }

    /// Whether a key from a mail would restore a password now. Changes nothing, however often it is asked.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn restore_link_is_live(&self, key: &str) -> Result<bool, Failure> {
        let Some(key) = LinkKey::parse(key) else { return Ok(false) };
        Ok(self.store().is_restore_key_live(key.digest(), self.clock().now()).await?)
    }

    /// Sets a new password with the key from a mail, logs the customer out everywhere, and tells them. Confirms nothing,
    /// unless the shop takes the key for proof of the address.
    ///
    /// # Errors
    ///
    /// [`RestorePasswordError::Refused`] is the one refusal of a key, and comes after what is wrong with the password.
    pub async fn restore_password(
        &self,
        form: RestoreForm,
        policy: &PasswordPolicy,
    ) -> Result<(), RestorePasswordError> {
        let parts = self.parts();
        if form.password != form.confirm_password {
            return Err(RestorePasswordError::PasswordsDiffer);
        }
        let violations = policy.violations(&form.password);
        if !violations.is_empty() {
            return Err(RestorePasswordError::WeakPassword(violations));
        }
        let key = LinkKey::parse(&form.key).ok_or(RestorePasswordError::Refused)?.digest();
        // Nobody makes us hash for a key that opens nothing.
        if !self.store().is_restore_key_live(key, parts.clock.now()).await? {
            return Err(RestorePasswordError::Refused);
        }
        let restore = RestorePassword {
            key,
            canonical_email: form.email.map(|email| email.canonical().to_owned()),
            password_hash: parts.hasher.hash(&form.password).await?,
            confirm: parts.accounts.restore_confirms,
            message_id: MessageId::generate(&*parts.randomness),
            now: parts.clock.now(),
        };
        let restored = self.store().restore_password(restore).await?;
        self.announce_message();
        restored.map(|_| ()).ok_or(RestorePasswordError::Refused)
    }

    /// Sets a new password for the caller, who knows the current one, ends their refresh tokens, and tells them.
    /// `reference` is the account that the caller named.
    ///
    /// Wrong current passwords are counted for each customer, with the limits of the login lock; while it is closed every
    /// password is wrong.
    ///
    /// # Errors
    ///
    /// In the order of [`ChangePasswordError`].
    pub async fn change_password(
        &self,
        caller: &Caller,
        reference: &str,
        form: ChangePasswordForm,
        policy: &PasswordPolicy,
    ) -> Result<(), ChangePasswordError> {
        let parts = self.parts();
        let login = self.store().find_login_by_id(caller.id).await?;
        let (customer, current) = login.map(|login| (login.customer, login.password_hash)).unzip();
        let current = current.flatten();
        let own = own_customer(customer, caller)?;
        if own.account().reference != reference {
            return Err(ChangePasswordError::NotOwn);
        }
        if form.new_password != form.confirm_password {
            return Err(ChangePasswordError::PasswordsDiffer);
        }
        let checked = self.check_current_password(caller.id, &form.password, current).await?;
        let old = checked.ok_or(ChangePasswordError::WrongPassword)?;
        let violations = policy.violations(&form.new_password);
        if !violations.is_empty() {
            return Err(ChangePasswordError::WeakPassword(violations));
        }
        let change = ChangePassword {
            id: caller.id,
            old,
            new: parts.hasher.hash(&form.new_password).await?,
            kept_bearer: None,
            message_id: MessageId::generate(&*parts.randomness),
            now: parts.clock.now(),
        };
        let changed = self.store().change_password(change).await?;
        self.announce_message();
        if changed { Ok(()) } else { Err(ChangePasswordError::NotSaved) }
    }

    /// The hash of the current password, if this is it. Wrong ones are counted for each customer; while too many were tried,
    /// every password is wrong.
    pub(crate) async fn check_current_password(
        &self,
        id: CustomerId,
        password: &Password,
        current: Option<PasswordHash>,
    ) -> Result<Option<PasswordHash>, Failure> {
        let lock = self.lock_of_customer(id);
        if self.seconds_locked(lock).await?.is_some() {
            return Ok(None);
        }
        let verification = self.parts().hasher.verify(password, current.as_ref()).await?;
        let Some(hash) = current.filter(|_| verification != Verification::Wrong) else {
            self.count_wrong_password(lock).await?;
            return Ok(None);
        };
        // Others may have guessed at the same time: a right one among too many must not be told apart.
        Ok(if self.seconds_locked(lock).await?.is_some() { None } else { Some(hash) })
    }
}
