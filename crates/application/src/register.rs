//! Signing up.

use std::sync::Arc;

use domain::{
    Account, EmailProblem, GuestId, Locale, MessageId, PasswordPolicy, Registration, RegistrationForm,
    RegistrationRefusal,
};
use store::{ClaimOutcome, NewClaim, NewConsent};

use crate::{Application, Enumeration, Failure, seconds};

/// A sign-up through one of the doors.
pub struct Register {
    /// The form, well-formed field by field.
    pub form: RegistrationForm,
    /// What the door demands of a password.
    pub policy: Arc<PasswordPolicy>,
    /// The language the customer is written to in.
    pub locale: Locale,
    /// The door, for the record of consent: `glue`.
    pub channel: &'static str,
    /// The guest who signs up: their cart becomes the claim's.
    pub guest: Option<GuestId>,
}

/// Why there is no new claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegisterError {
    /// The sign-up breaks a rule.
    Refused(RegistrationRefusal),
    /// It could not be carried out.
    Failure(Failure),
}

impl<F: Into<Failure>> From<F> for RegisterError {
    fn from(failure: F) -> Self {
        Self::Failure(failure.into())
    }
}

impl Application {
    /// Makes a claim on an address, binds the guest's cart to it, and queues the mail that asks its owner to confirm, in one
    /// unit of work.
    ///
    /// # Errors
    ///
    /// [`RegisterError::Refused`] with everything that is wrong; nothing was written then, save that the owner of a confirmed
    /// account is told.
    pub async fn register(&self, request: Register) -> Result<Account, RegisterError> {
        let parts = self.parts();
        let registration = Registration::parse(request.form, &request.policy).map_err(RegisterError::Refused)?;
        let password_hash = parts.hasher.hash(registration.password()).await?;
        let (email, profile) = registration.into_parts();
        let accounts = &parts.accounts;
        let rules = self.cart_rules();
        let claim = NewClaim {
            email,
            password_hash: Some(password_hash),
            profile,
            locale: request.locale,
            store: parts.store_name.clone(),
            reference_prefix: accounts.reference_prefix_in(&parts.store_name).to_owned(),
            consents: vec![NewConsent { purpose: "terms", channel: request.channel }],
            double_opt_in: accounts.double_opt_in(),
            reregistration: accounts.reregistration,
            hide_taken: accounts.enumeration == Enumeration::Hardened,
            max_open_claims: accounts.max_open_claims,
            message_id: MessageId::generate(&*parts.randomness),
            notice_cool_down: seconds(accounts.notice_cool_down_seconds),
            guest: request.guest.map(|guest| (guest, rules)),
            now: rules.now,
        };
        let outcome = self.store().insert_claim(claim).await?;
        self.announce_message();
        match outcome {
            ClaimOutcome::Inserted(account) => Ok(account),
            ClaimOutcome::Taken => Err(RegisterError::Refused(RegistrationRefusal::Email(vec![EmailProblem::Taken]))),
        }
    }
}
