//! The page behind the mailed link, where a person opens the second door.
//!
//! Mail scanners fetch links, run the page's script and submit its form. Therefore a link alone confirms nothing here: it
//! takes either a click that the browser vouches for, shown by a proof that only the button's handler computes, or the short
//! code printed in the same mail.

use domain::{Code, Digest, LinkKey, Password, Timestamp};
use store::{CodeOutcome, LinkState};

use crate::{Application, ConfirmError, Failure, Verification, seconds};

/// How long a page may lie open before its button no longer works.
const CHALLENGE_LIFETIME_SECONDS: u64 = 3600;

/// What the page behind a link shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfirmPage {
    /// A button, and a field for the code.
    Open {
        /// What the button's handler answers to.
        challenge: String,
        /// Whether the password chosen at sign-up is asked for, because several claims are open on the address.
        asks_password: bool,
    },
    /// The same for a link that moves an account to the address that it was sent to. No password is asked for.
    EmailChange {
        /// What the button's handler answers to.
        challenge: String,
    },
    /// Done before: please log in.
    Confirmed,
    /// Too late: a new link can be had.
    Expired,
    /// Too late to move the account: only its owner can ask for that again.
    EmailChangeExpired,
    /// Never issued, or void.
    Unknown,
}

/// What shows that a person is at the page.
pub enum PageProof {
    /// The answer to the challenge, given by the button's handler on a trusted click.
    Click {
        /// The challenge as it was shown.
        challenge: String,
        /// Its answer.
        answer: String,
    },
    /// The code printed in the mail.
    Code(String),
}

/// Why the page did not confirm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfirmPageError {
    /// The link is no good (any more).
    Refused,
    /// No trusted click, or a page that lay open too long.
    NotAPerson,
    /// The code is not that of the mail.
    WrongCode {
        /// How many tries are left.
        tries_left: i32,
    },
    /// The password is not the one chosen at sign-up.
    WrongPassword,
    /// It could not be carried out.
    Failure(Failure),
}

impl<F: Into<Failure>> From<F> for ConfirmPageError {
    fn from(failure: F) -> Self {
        Self::Failure(failure.into())
    }
}

impl Application {
    /// What to show behind a link. Changes nothing, however often it is asked.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn confirm_page(&self, key: &str) -> Result<ConfirmPage, Failure> {
        let Some(key) = LinkKey::parse(key) else { return Ok(ConfirmPage::Unknown) };
        let now = self.clock().now();
        Ok(match self.store().find_link(key.digest(), now).await? {
            LinkState::Usable { open_claims, password_hash, .. } => ConfirmPage::Open {
                challenge: self.challenge(&key.digest(), now),
                asks_password: open_claims > 1 && password_hash.is_some(),
            },
            LinkState::Confirmed { .. } => ConfirmPage::Confirmed,
            LinkState::Expired { .. } => ConfirmPage::Expired,
            LinkState::EmailChange { expired: false, .. } => {
                ConfirmPage::EmailChange { challenge: self.challenge(&key.digest(), now) }
            }
            LinkState::EmailChange { expired: true, .. } => ConfirmPage::EmailChangeExpired,
            LinkState::Unknown => ConfirmPage::Unknown,
        })
    }

    /// Confirms for a person at the page. `password` is looked at only where the page asks for it.
    ///
    /// # Errors
    ///
    /// What is missing; the link stays good.
    pub async fn confirm_from_page(
        &self,
        key: &str,
        proof: PageProof,
        password: Option<&Password>,
    ) -> Result<(), ConfirmPageError> {
        let key = LinkKey::parse(key).ok_or(ConfirmPageError::Refused)?;
        let now = self.clock().now();
        let (asked_for, code_tries_left) = match self.store().find_link(key.digest(), now).await? {
            LinkState::Usable { open_claims, password_hash, code_tries_left, .. } => {
                (password_hash.filter(|_| open_claims > 1), code_tries_left)
            }
            LinkState::EmailChange { expired: false, code_tries_left, .. } => (None, code_tries_left),
            LinkState::EmailChange { expired: true, .. }
            | LinkState::Confirmed { .. }
            | LinkState::Expired { .. }
            | LinkState::Unknown => return Err(ConfirmPageError::Refused),
        };
        // What costs nothing comes before what costs a hash.
        if let PageProof::Click { challenge, answer } = &proof
            && !self.is_trusted_click(&key.digest(), challenge, answer, now)
        {
            return Err(ConfirmPageError::NotAPerson);
        }
        if let Some(hash) = asked_for {
            let password = password.ok_or(ConfirmPageError::WrongPassword)?;
            let verification = self.parts().hasher.verify(password, Some(&hash)).await?;
            if verification == Verification::Wrong {
                return Err(ConfirmPageError::WrongPassword);
            }
        }
        match proof {
            PageProof::Click { .. } => self.confirm(key.expose()).await.map(|_| ()).map_err(|error| match error {
                ConfirmError::Refused => ConfirmPageError::Refused,
                ConfirmError::Failure(failure) => ConfirmPageError::Failure(failure),
            }),
            PageProof::Code(code) => self.confirm_by_code(&key, &code, code_tries_left, now).await,
        }
    }

    /// Sends the claims on a link's address a new link, whether this one has expired or not.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn resend_for_link(&self, key: &str) -> Result<(), Failure> {
        let Some(key) = LinkKey::parse(key) else { return Ok(()) };
        match self.store().find_link(key.digest(), self.clock().now()).await? {
            LinkState::Usable { customer, .. } | LinkState::Expired { customer } => {
                self.resend_to(&customer.account().email).await
            }
            LinkState::Confirmed { .. } | LinkState::EmailChange { .. } | LinkState::Unknown => Ok(()),
        }
    }

    /// `tries_left` is what the link allowed when it was looked at.
    async fn confirm_by_code(
        &self,
        key: &LinkKey,
        code: &str,
        tries_left: i32,
        now: Timestamp,
    ) -> Result<(), ConfirmPageError> {
        let out_of_tries = ConfirmPageError::WrongCode { tries_left: 0 };
        if tries_left <= 0 {
            return Err(out_of_tries);
        }
        // A mistyped shape costs no try: it cannot be a guess.
        let code = Code::parse(code).ok_or(ConfirmPageError::WrongCode { tries_left })?;
        let digest = code.digest(&key.digest(), self.server_key());
        match self.store().confirm_by_key_and_code(key.digest(), digest, now).await? {
            CodeOutcome::Confirmed(_) => Ok(()),
            CodeOutcome::Wrong { tries_left } => Err(ConfirmPageError::WrongCode { tries_left }),
            // The link is good, so it can only be that somebody else used up the tries or the link meanwhile.
            CodeOutcome::Refused => Err(out_of_tries),
        }
    }

    fn challenge(&self, key: &Digest, issued_at: Timestamp) -> String {
        let issued = issued_at.as_micros();
        let mac = self.server_key().mac(&[b"confirm page", key.as_bytes(), &issued.to_be_bytes()]);
        format!("{issued}-{}", hex::encode(mac.as_bytes()))
    }

    /// The answer is the challenge read backwards. Its secrecy protects nothing; that only a handler of a trusted event gives
    /// it does.
    fn is_trusted_click(&self, key: &Digest, challenge: &str, answer: &str, now: Timestamp) -> bool {
        let Some((issued, mac)) = challenge.split_once('-') else { return false };
        let Ok(issued) = issued.parse::<i64>() else { return false };
        let age = now.since(Timestamp::from_micros(issued));
        self.server_key().verify(&[b"confirm page", key.as_bytes(), &issued.to_be_bytes()], mac)
            && age <= seconds(CHALLENGE_LIFETIME_SECONDS)
            && challenge.chars().rev().eq(answer.chars())
    }
}
