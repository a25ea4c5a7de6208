//! Signing up.

use std::sync::Arc;

use domain::{
    Account, CustomerId, EmailAddress, EmailProblem, GuestId, Locale, MessageId, PasswordPolicy, Profile, Registration,
    RegistrationForm, RegistrationRefusal, canonical_phone,
};
use store::{ClaimOutcome, NewClaim, NewConsent, Taken, UniqueValues};

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

/// What a door asks of those who sign up, where doors differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignUpRules {
    /// Whether it asks for consent to the terms, which is then recorded.
    pub asks_for_terms: bool,
    /// Whether a telephone number must be nobody else's.
    pub phone_is_unique: bool,
}

impl SignUpRules {
    const GLUE: Self = Self { asks_for_terms: true, phone_is_unique: false };
}

/// Why there is no new claim, at a door with rules of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignUpError {
    /// The sign-up breaks a rule.
    Refused(RegistrationRefusal),
    /// Another account has the telephone number.
    PhoneTaken,
    /// It could not be carried out.
    Failure(Failure),
}

impl From<RegisterError> for SignUpError {
    fn from(error: RegisterError) -> Self {
        match error {
            RegisterError::Refused(refusal) => Self::Refused(refusal),
            RegisterError::Failure(failure) => Self::Failure(failure),
        }
    }
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
        match self.claim(request, SignUpRules::GLUE).await? {
            ClaimOutcome::Inserted(account) => Ok(account),
            ClaimOutcome::Taken | ClaimOutcome::PhoneTaken => Err(RegisterError::Refused(taken())),
        }
    }

    /// The same at a door that asks for less, or for more. Where it does not ask for the terms, `accepted_terms` is true.
    ///
    /// # Errors
    ///
    /// As for [`register`](Self::register), and [`SignUpError::PhoneTaken`].
    pub async fn sign_up(&self, request: Register, rules: SignUpRules) -> Result<Account, SignUpError> {
        match self.claim(request, rules).await? {
            ClaimOutcome::Inserted(account) => Ok(account),
            ClaimOutcome::Taken => Err(SignUpError::Refused(taken())),
            ClaimOutcome::PhoneTaken => Err(SignUpError::PhoneTaken),
        }
    }

    /// Which values that must be nobody else's other accounts have; the account `but` may have them. In a shop that does
    /// not tell who has an account no address is taken.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn find_taken(
        &self,
        email: Option<&EmailAddress>,
        phone: Option<&str>,
        but: Option<CustomerId>,
    ) -> Result<Taken, Failure> {
        let accounts = self.accounts();
        let email = email.filter(|_| accounts.enumeration == Enumeration::Glue);
        let values = UniqueValues {
            canonical_email: email.map(|email| email.canonical().to_owned()),
            canonical_phone: phone.and_then(canonical_phone),
            but,
            reregistration: accounts.reregistration,
        };
        if values.canonical_email.is_none() && values.canonical_phone.is_none() {
            return Ok(Taken::default());
        }
        Ok(self.store().find_taken(values).await?)
    }

    async fn claim(&self, request: Register, door: SignUpRules) -> Result<ClaimOutcome, RegisterError> {
        let parts = self.parts();
        let registration = Registration::parse(request.form, &request.policy).map_err(RegisterError::Refused)?;
        let password_hash = parts.hasher.hash(registration.password()).await?;
        let (email, profile) = registration.into_parts();
        let rules = self.cart_rules();
        let claim = NewClaim {
            password_hash: Some(password_hash),
            profile,
            consents: door
                .asks_for_terms
                .then_some(NewConsent { purpose: "terms", channel: request.channel })
                .into_iter()
                .collect(),
            phone_is_unique: door.phone_is_unique,
            guest: request.guest.map(|guest| (guest, rules)),
            ..self.bare_claim(email, request.locale)
        };
        let outcome = self.store().insert_claim(claim).await?;
        self.announce_message();
        Ok(outcome)
    }

    /// A claim on an address of somebody of whom nothing else is known, by the shop's rules.
    pub(crate) fn bare_claim(&self, email: EmailAddress, locale: Locale) -> NewClaim {
        let parts = self.parts();
        let accounts = &parts.accounts;
        NewClaim {
            email,
            password_hash: None,
            profile: Profile::default(),
            locale,
            store: parts.store_name.clone(),
            reference_prefix: accounts.reference_prefix_in(&parts.store_name).to_owned(),
            consents: Vec::new(),
            phone_is_unique: false,
            double_opt_in: accounts.double_opt_in(),
            reregistration: accounts.reregistration,
            hide_taken: accounts.enumeration == Enumeration::Hardened,
            max_open_claims: accounts.max_open_claims,
            message_id: MessageId::generate(&*parts.randomness),
            notice_cool_down: seconds(accounts.notice_cool_down_seconds),
            guest: None,
            now: parts.clock.now(),
        }
    }
}

fn taken() -> RegistrationRefusal {
    RegistrationRefusal::Email(vec![EmailProblem::Taken])
}
