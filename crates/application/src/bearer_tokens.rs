//! Bearer tokens: what a login at a door without JWTs hands out. They end when they are revoked.

use domain::{BearerSecret, Confirmed, CustomerId, PresentedToken};
use store::{BearerOutcome, LoginLock, NewBearerToken};

use crate::authenticate::{Known, LoginDoor, LoginProblem};
use crate::login_lock::seconds_left;
use crate::{Application, Caller, Failure, Login, LoginRefusal};

/// Somebody who has logged in. No `Debug`: the token opens the account.
pub struct BearerLogin {
    /// The customer.
    pub customer: Confirmed,
    /// `<number>|<48 letters and digits>`, in clear.
    pub token: String,
}

/// Why nobody was logged in, in the order in which it is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BearerLoginError {
    /// Too many wrong passwords came from this client for this account; whether this one was right is not told.
    Locked {
        /// How long none is looked at, in seconds.
        retry_after_seconds: u64,
    },
    /// No account and no password that fit, or an account that nobody may use.
    Refused(LoginRefusal),
    /// It could not be carried out.
    Failure(Failure),
}

/// Whose bearer token it is.
pub struct BearerCaller {
    /// The customer.
    pub customer: Confirmed,
    /// The number of the token.
    pub token: i64,
    caller: Caller,
}

impl BearerCaller {
    /// The customer as other use cases know them.
    pub const fn caller(&self) -> &Caller {
        &self.caller
    }
}

/// Why a bearer token is nobody's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BearerError {
    /// Never issued, or revoked; or its customer is gone.
    Unknown,
    /// Its customer is suspended.
    Suspended,
    /// It could not be carried out.
    Failure(Failure),
}

impl<F: Into<Failure>> From<F> for BearerError {
    fn from(failure: F) -> Self {
        Self::Failure(failure.into())
    }
}

impl From<LoginProblem> for BearerLoginError {
    fn from(problem: LoginProblem) -> Self {
        match problem {
            LoginProblem::Refused(refusal) => Self::Refused(refusal),
            LoginProblem::Locked { retry_after_seconds } => Self::Locked { retry_after_seconds },
            LoginProblem::Failure(failure) => Self::Failure(failure),
        }
    }
}

/// The door behind which bearer tokens are good.
struct Bearers;

impl LoginDoor for Bearers {
    type Session = BearerLogin;

    async fn open(
        application: &Application,
        known: Known,
        lock: Option<LoginLock>,
    ) -> Result<Option<BearerLogin>, LoginProblem> {
        application.issue_bearer(known, lock).await
    }
}

impl Application {
    /// Checks a password and hands out another bearer token, beside those that the customer has. Under the same lock and
    /// with the same work as [`authenticate`](Self::authenticate), but the reason is told to whoever knows the password.
    ///
    /// # Errors
    ///
    /// In the order of [`BearerLoginError`].
    pub async fn log_in_for_bearer(&self, login: Login<'_>) -> Result<BearerLogin, BearerLoginError> {
        Ok(self.let_in::<Bearers>(login).await?)
    }

    /// A bearer token for somebody who has just signed up, where that confirms; `None` where it does not.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn bearer_of_sign_up(&self, id: CustomerId) -> Result<Option<BearerLogin>, Failure> {
        let Some(login) = self.store().find_login_by_id(id).await? else { return Ok(None) };
        let Ok(known) = Known::new(login.customer, login.password_hash) else { return Ok(None) };
        match self.issue_bearer(known, None).await {
            Ok(issued) => Ok(issued),
            Err(LoginProblem::Failure(failure)) => Err(failure),
            Err(LoginProblem::Refused(_) | LoginProblem::Locked { .. }) => Ok(None),
        }
    }

    /// Whose a bearer token is.
    ///
    /// # Errors
    ///
    /// [`BearerError::Suspended`] only for a token that is otherwise good.
    pub async fn find_bearer(&self, presented: &str) -> Result<BearerCaller, BearerError> {
        let presented = PresentedToken::parse(presented).ok_or(BearerError::Unknown)?;
        let found = self.store().find_bearer_token(presented.number, presented.digest).await?;
        let (customer, issued_at) = found.ok_or(BearerError::Unknown)?;
        let customer = customer.confirmed().ok_or(BearerError::Unknown)?.clone();
        if customer.subject().is_err() {
            return Err(BearerError::Suspended);
        }
        customer.admits(issued_at).map_err(|_| BearerError::Unknown)?;
        let account = customer.account();
        let caller = Caller { id: account.id, reference: account.reference.clone(), issued_at };
        Ok(BearerCaller { customer, token: presented.number, caller })
    }

    /// Revokes one bearer token. `false` when there is no such token.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn revoke_bearer(&self, presented: &str) -> Result<bool, Failure> {
        let Some(presented) = PresentedToken::parse(presented) else { return Ok(false) };
        Ok(self.store().delete_bearer_token(presented.number, presented.digest).await?)
    }

    async fn issue_bearer(&self, known: Known, lock: Option<LoginLock>) -> Result<Option<BearerLogin>, LoginProblem> {
        let secret = BearerSecret::generate(self.randomness());
        let now = self.clock().now();
        let Known { customer, password_hash } = known;
        let id = customer.subject().map_err(|_| LoginProblem::Refused(LoginRefusal::Suspended))?.id();
        let token = NewBearerToken { digest: secret.digest(), customer: id, password_hash, now };
        match self.store().insert_bearer_token(token, lock).await? {
            BearerOutcome::Inserted(number) => Ok(Some(BearerLogin { token: secret.expose(number), customer })),
            BearerOutcome::PasswordReplaced => Ok(None),
            BearerOutcome::Locked(until) => Err(LoginProblem::Locked { retry_after_seconds: seconds_left(until, now) }),
        }
    }
}
