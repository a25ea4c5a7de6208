//! A sign-up, parsed: what remains of a form once everything that can be known without the database is known to be right.

use serde::Deserialize;

use crate::{EmailAddress, EmailProblem, Password, PasswordPolicy, PasswordViolation, Profile};

/// Whether an account must be confirmed before it can be used. Holds for all doors at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DoubleOptIn {
    /// The link in the mail opens the second door.
    Required,
    /// Signing up confirms.
    Off,
}

/// What a sign-up on an address does that has open claims but no confirmed account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reregistration {
    /// It is another claim; whichever is confirmed wins.
    Claim,
    /// It is refused as taken, as Glue does.
    Reject,
}

/// A sign-up as it came in: well-formed field by field, not yet checked as a whole.
#[derive(Clone)]
pub struct RegistrationForm {
    /// The address as typed.
    pub email: String,
    /// The password.
    pub password: Password,
    /// The password again.
    pub confirm_password: Password,
    /// Whether the terms were accepted.
    pub accepted_terms: bool,
    /// Name and such.
    pub profile: Profile,
}

/// A sign-up that may become a claim.
pub struct Registration {
    email: EmailAddress,
    password: Password,
    profile: Profile,
}

/// Why a sign-up is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegistrationRefusal {
    /// The terms were not accepted (413).
    TermsNotAccepted,
    /// Password and repetition differ (406).
    PasswordsDiffer,
    /// The policy refuses the password (418 to 422), at least one reason.
    WeakPassword(Vec<PasswordViolation>),
    /// The address cannot be had (416, 400, 417), at least one reason.
    Email(Vec<EmailProblem>),
}

impl Registration {
    /// Checks a form as a whole, in the order of Glue's section on registration.
    ///
    /// # Errors
    ///
    /// The first kind of refusal that applies, with all its reasons. Whether the address is taken only the store can tell.
    pub fn parse(form: RegistrationForm, policy: &PasswordPolicy) -> Result<Self, RegistrationRefusal> {
        if !form.accepted_terms {
            return Err(RegistrationRefusal::TermsNotAccepted);
        }
        if form.password != form.confirm_password {
            return Err(RegistrationRefusal::PasswordsDiffer);
        }
        let violations = policy.violations(&form.password);
        if !violations.is_empty() {
            return Err(RegistrationRefusal::WeakPassword(violations));
        }
        let email = EmailAddress::parse_for_account(&form.email).map_err(RegistrationRefusal::Email)?;
        Ok(Self { email, password: form.password, profile: form.profile })
    }

    /// The address.
    pub const fn email(&self) -> &EmailAddress {
        &self.email
    }

    /// The password, for the hasher.
    pub const fn password(&self) -> &Password {
        &self.password
    }

    /// Address and profile, once the password is hashed.
    pub fn into_parts(self) -> (EmailAddress, Profile) {
        (self.email, self.profile)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form() -> RegistrationForm {
        let password = Password::new("Supp0rt!Supp0rt".to_owned());
        RegistrationForm {
            email: "mira@example.com".to_owned(),
            confirm_password: password.clone(),
            password,
            accepted_terms: true,
            profile: Profile::default(),
        }
    }

    fn refusal(change: impl FnOnce(&mut RegistrationForm)) -> Option<RegistrationRefusal> {
        let mut form = form();
        change(&mut form);
        Registration::parse(form, &PasswordPolicy::glue()).err()
    }

    #[test]
    fn a_right_form_passes() {
        assert_eq!(refusal(|_| ()), None);
    }

    #[test]
    fn refusals_come_in_contract_order() {
        let spoil_email = |form: &mut RegistrationForm| form.email = format!("{}@@example.com", "x".repeat(100));
        let spoil_password = |form: &mut RegistrationForm| {
            form.password = Password::new("qwerty".to_owned());
            form.confirm_password = Password::new("qwerty".to_owned());
        };
        assert_eq!(
            refusal(spoil_email),
            Some(RegistrationRefusal::Email(vec![EmailProblem::Invalid, EmailProblem::TooLong]))
        );
        assert!(matches!(
            refusal(|form| {
                spoil_email(form);
                spoil_password(form);
            }),
            Some(RegistrationRefusal::WeakPassword(_))
        ));
        assert_eq!(
            refusal(|form| {
                spoil_password(form);
                form.confirm_password = Password::new("other".to_owned());
            }),
            Some(RegistrationRefusal::PasswordsDiffer)
        );
        assert_eq!(
            refusal(|form| {
                form.accepted_terms = false;
                form.confirm_password = Password::new("other".to_owned());
            }),
            Some(RegistrationRefusal::TermsNotAccepted)
        );
    }

    #[test]
    fn an_address_of_101_characters_is_too_long() {
        let address = |length: usize| format!("{}@{}.example.com", "a".repeat(60), "b".repeat(length - 73));
        assert_eq!(address(101).chars().count(), 101);
        assert_eq!(
            refusal(|form| form.email = address(101)),
            Some(RegistrationRefusal::Email(vec![EmailProblem::TooLong]))
        );
        assert_eq!(refusal(|form| form.email = address(100)), None);
    }
}
