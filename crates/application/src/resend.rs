//! A new confirmation mail for whoever lost the first.

use domain::{EmailAddress, MessageId};
use store::Resend;

use crate::{Application, Failure, seconds};

impl Application {
    /// Sends each open claim on an address a new link, unless that happened less than the cool-down ago.
    ///
    /// Silent about whether there is such a claim, and about the cool-down.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn resend_confirmation(&self, email: &str) -> Result<(), Failure> {
        match EmailAddress::parse(email) {
            Ok(email) => self.resend_to(&email).await,
            Err(_) => Ok(()),
        }
    }

    pub(crate) async fn resend_to(&self, email: &EmailAddress) -> Result<(), Failure> {
        let parts = self.parts();
        let message_id = || MessageId::generate(&*parts.randomness);
        let resend = Resend {
            canonical_email: email.canonical().to_owned(),
            cool_down: seconds(parts.accounts.resend_cool_down_seconds),
            max_mails_per_day: parts.accounts.mails_per_address_per_day,
            message_ids: [message_id(), message_id(), message_id()],
            now: parts.clock.now(),
        };
        self.store().queue_resend(resend).await?;
        self.announce_message();
        Ok(())
    }
}
