//! Users whom merchants bring along, and the codes with which they confirm.

use domain::{Code, EmailAddress, Locale, MerchantId, MerchantUserId, MessageId};
use store::{CodeOutcome, CodeRequest, CodeRequestOutcome, MerchantUser, NewMerchantUser};

use crate::login_lock::seconds_left;
use crate::{Application, Failure, seconds};

/// What the timeline says of a code that was asked for as the merchant's.
const FOR_MERCHANT: &str = "as a merchant's user";

/// A user to be made. No `Debug`: it is personal throughout.
#[derive(Clone)]
pub struct MerchantUserForm {
    /// The address, if they have one.
    pub email: Option<EmailAddress>,
    /// What the merchant calls its own data.
    pub additional_type: Option<String>,
    /// It: an object as JSON text.
    pub additional_data: Option<String>,
    /// The language they are written to in.
    pub locale: Locale,
}

/// Why there is no new user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CreateMerchantUserError {
    /// The address cannot be had.
    Taken,
    /// It could not be carried out.
    Failure(Failure),
}

impl<F: Into<Failure>> From<F> for CreateMerchantUserError {
    fn from(failure: F) -> Self {
        Self::Failure(failure.into())
    }
}

/// Why no code is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendCodeError {
    /// The merchant has no such user.
    Unknown,
    /// The address is another one.
    OtherAddress,
    /// The user has no address, or the account is suspended or left.
    WrongState,
    /// Too many were asked for.
    TooMany {
        /// When the next may be, in seconds.
        retry_after_seconds: u64,
    },
    /// It could not be carried out.
    Failure(Failure),
}

impl<F: Into<Failure>> From<F> for SendCodeError {
    fn from(failure: F) -> Self {
        Self::Failure(failure.into())
    }
}

/// Why a code confirmed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfirmMerchantUserError {
    /// The merchant has no such user.
    Unknown,
    /// Wrong, expired, replaced or used up. Which of these is not told.
    Refused,
    /// It could not be carried out.
    Failure(Failure),
}

impl<F: Into<Failure>> From<F> for ConfirmMerchantUserError {
    fn from(failure: F) -> Self {
        Self::Failure(failure.into())
    }
}

impl Application {
    /// Makes a user of a merchant and, where they have an address, a claim on it without a password, and queues the mail with
    /// the code, in one unit of work.
    ///
    /// # Errors
    ///
    /// [`CreateMerchantUserError::Taken`] when the address cannot be had; nothing was written then, save that the owner of a
    /// confirmed account is told.
    pub async fn create_merchant_user(
        &self,
        merchant: MerchantId,
        form: MerchantUserForm,
    ) -> Result<MerchantUserId, CreateMerchantUserError> {
        let MerchantUserForm { email, additional_type, additional_data, locale } = form;
        let claim = email.map(|email| self.bare_claim(email, locale));
        let now = self.clock().now();
        let user = NewMerchantUser { merchant, additional_type, additional_data, claim, now };
        let id = self.store().insert_merchant_user(user).await?;
        self.announce_message();
        id.ok_or(CreateMerchantUserError::Taken)
    }

    /// A user of a merchant.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn find_merchant_user(
        &self,
        merchant: MerchantId,
        user: MerchantUserId,
    ) -> Result<Option<MerchantUser>, Failure> {
        Ok(self.store().find_merchant_user(merchant, user).await?)
    }

    /// Sends a user another code, and voids the older ones; nothing for who is confirmed. Silent about an address that had
    /// an owner before, or has had its mails for the day: no code goes there. `email` is the address as the merchant knows it.
    ///
    /// # Errors
    ///
    /// What stands against it; nothing was changed then.
    pub async fn send_merchant_user_code(
        &self,
        merchant: MerchantId,
        user: MerchantUserId,
        email: &EmailAddress,
    ) -> Result<(), SendCodeError> {
        let parts = self.parts();
        let now = parts.clock.now();
        let request = CodeRequest {
            merchant,
            user,
            canonical_email: email.canonical().to_owned(),
            message_id: MessageId::generate(&*parts.randomness),
            cool_down: seconds(parts.merchants.send_cool_down_seconds),
            max_per_day: parts.merchants.sends_per_day,
            max_mails_per_day: parts.accounts.mails_per_address_per_day,
            notice_cool_down: seconds(parts.accounts.notice_cool_down_seconds),
            now,
        };
        match self.store().queue_code(request).await? {
            CodeRequestOutcome::Queued => {
                self.announce_message();
                Ok(())
            }
            CodeRequestOutcome::Verified => Ok(()),
            CodeRequestOutcome::Unknown => Err(SendCodeError::Unknown),
            CodeRequestOutcome::OtherAddress => Err(SendCodeError::OtherAddress),
            CodeRequestOutcome::WrongState => Err(SendCodeError::WrongState),
            CodeRequestOutcome::TooMany { until } => {
                Err(SendCodeError::TooMany { retry_after_seconds: seconds_left(until, now) })
            }
        }
    }

    /// Confirms a user's claim by a code, as a link would. `for_merchant` is noted with the event and changes nothing.
    ///
    /// # Errors
    ///
    /// [`ConfirmMerchantUserError::Refused`], the one refusal where there is such a user.
    pub async fn confirm_merchant_user(
        &self,
        merchant: MerchantId,
        user: MerchantUserId,
        code: &str,
        for_merchant: bool,
    ) -> Result<(), ConfirmMerchantUserError> {
        let now = self.clock().now();
        let user = self.store().find_merchant_user(merchant, user).await?.ok_or(ConfirmMerchantUserError::Unknown)?;
        // A mistyped shape costs no try: it cannot be a guess.
        let code = Code::parse(code).ok_or(ConfirmMerchantUserError::Refused)?;
        let customer = user.customer.ok_or(ConfirmMerchantUserError::Refused)?.id;
        let key = self.store().find_code(customer, now).await?.ok_or(ConfirmMerchantUserError::Refused)?;
        let digest = code.digest(&key, self.server_key());
        match self.store().confirm_by_code(key, digest, for_merchant.then_some(FOR_MERCHANT), now).await? {
            CodeOutcome::Confirmed(_) => Ok(()),
            CodeOutcome::Wrong { .. } | CodeOutcome::Refused => Err(ConfirmMerchantUserError::Refused),
        }
    }
}
