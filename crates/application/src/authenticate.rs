//! Logging in, staying logged in, logging out.

use std::net::IpAddr;

use domain::{
    Confirmed, Customer, CustomerId, EmailAddress, FamilyId, GuestId, Password, PasswordHash, RefreshToken, Timestamp,
};
use store::{LoginLock, NewRefreshToken, NewTokenOutcome, NextRefreshToken};

use crate::login_lock::seconds_left;
use crate::{Application, Caller, Failure, InvalidAccessToken, Verification, seconds};

/// An attempt to log in.
#[derive(Clone, Copy)]
pub struct Login<'a> {
    /// The address, as typed.
    pub username: &'a str,
    /// The password.
    pub password: &'a Password,
    /// Where it comes from, for the lock.
    pub client: IpAddr,
    /// The guest who logs in: their cart becomes the customer's.
    pub guest: Option<GuestId>,
}

/// What a customer who is through both doors is handed. No `Debug`: both tokens open the account.
pub struct TokenPair {
    /// A signed JWT.
    pub access_token: String,
    /// Opaque; good for one rotation.
    pub refresh_token: RefreshToken,
    /// How long the access token lives, in seconds.
    pub expires_in_seconds: u64,
}

/// Why nobody was logged in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthenticateError {
    /// Unknown, wrong password, unconfirmed, suspended or anonymised. Which of these is not told.
    Refused,
    /// Too many wrong passwords came from this client for this account; whether this one was right is not told.
    Locked {
        /// How long none is looked at, in seconds.
        retry_after_seconds: u64,
    },
    /// It could not be carried out.
    Failure(Failure),
}

impl<F: Into<Failure>> From<F> for AuthenticateError {
    fn from(failure: F) -> Self {
        Self::Failure(failure.into())
    }
}

/// Why a refresh token was not exchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshError {
    /// Never issued, expired, revoked or used before; or its customer may not log in any more.
    Refused,
    /// It could not be carried out.
    Failure(Failure),
}

impl<F: Into<Failure>> From<F> for RefreshError {
    fn from(failure: F) -> Self {
        Self::Failure(failure.into())
    }
}

/// Why a login was refused, for the doors that tell it. Only whoever knows the password learns more than that it did not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginRefusal {
    /// No account, or another password.
    Credentials,
    /// An operator has suspended the account.
    Suspended,
    /// The address is not confirmed.
    Unconfirmed,
}

/// Why a login came to nothing.
pub(crate) enum LoginProblem {
    Refused(LoginRefusal),
    Locked { retry_after_seconds: u64 },
    Failure(Failure),
}

impl<F: Into<Failure>> From<F> for LoginProblem {
    fn from(failure: F) -> Self {
        Self::Failure(failure.into())
    }
}

impl From<LoginProblem> for AuthenticateError {
    fn from(problem: LoginProblem) -> Self {
        match problem {
            LoginProblem::Refused(_) => Self::Refused,
            LoginProblem::Locked { retry_after_seconds } => Self::Locked { retry_after_seconds },
            LoginProblem::Failure(failure) => Self::Failure(failure),
        }
    }
}

/// Somebody who may log in, and whose password was compared with this hash.
pub(crate) struct Known {
    pub(crate) customer: Confirmed,
    pub(crate) password_hash: PasswordHash,
}

impl Known {
    /// Whoever is behind a login, the password aside.
    pub(crate) fn new(customer: Customer, password_hash: Option<PasswordHash>) -> Result<Self, LoginRefusal> {
        let password_hash = password_hash.ok_or(LoginRefusal::Credentials)?;
        let Customer::Confirmed(customer) = customer else { return Err(LoginRefusal::Unconfirmed) };
        match customer.subject() {
            Ok(_) => Ok(Self { customer, password_hash }),
            Err(_) => Err(LoginRefusal::Suspended),
        }
    }
}

/// What a door hands out to those who log in. The lock, the hash and the order of checks are the same behind all doors.
pub(crate) trait LoginDoor {
    /// What is handed out.
    type Session: Send;

    /// Makes it, unless `lock` came down meanwhile. `None` when the password was replaced meanwhile.
    fn open(
        application: &Application,
        known: Known,
        lock: Option<LoginLock>,
    ) -> impl Future<Output = Result<Option<Self::Session>, LoginProblem>> + Send;
}

/// A JWT and a refresh token.
struct Pairs;

impl LoginDoor for Pairs {
    type Session = (CustomerId, TokenPair);

    async fn open(
        application: &Application,
        known: Known,
        lock: Option<LoginLock>,
    ) -> Result<Option<Self::Session>, LoginProblem> {
        application.issue_pair(known, lock).await
    }
}

/// Goes on where no lock is closed.
fn unlocked(seconds_left: Option<u64>) -> Result<(), LoginProblem> {
    match seconds_left {
        Some(retry_after_seconds) => Err(LoginProblem::Locked { retry_after_seconds }),
        None => Ok(()),
    }
}

impl Application {
    /// Checks a password and hands out tokens. One row is read and one hash computed, whatever is found.
    ///
    /// Whoever is refused counts against the login lock; while it is closed nothing is computed. Of logins under way at the
    /// same time no more are told apart than the lock forgives.
    ///
    /// # Errors
    ///
    /// [`AuthenticateError::Locked`] before all else, [`AuthenticateError::Refused`] for whoever is not let in.
    pub async fn authenticate(&self, login: Login<'_>) -> Result<TokenPair, AuthenticateError> {
        let (id, pair) = self.let_in::<Pairs>(login).await?;
        if let Some(guest) = login.guest {
            self.take_guest_cart(id, guest).await;
        }
        Ok(pair)
    }

    /// Lets somebody in by a door: checks the lock, then the password, then who it is.
    pub(crate) async fn let_in<Door: LoginDoor>(&self, login: Login<'_>) -> Result<Door::Session, LoginProblem> {
        let lock = self.lock_of_login(login.username, login.client);
        unlocked(self.seconds_locked(lock).await?)?;
        let mut reason = LoginRefusal::Credentials;
        // Where the password is replaced while it is checked, it is checked once more, against the new one.
        for _ in 0..2 {
            let opened = match self.check_password(login).await {
                Ok(known) => Door::open(self, known, lock).await,
                Err(problem) => Err(problem),
            };
            match opened {
                Ok(Some(session)) => return Ok(session),
                Ok(None) => {}
                Err(LoginProblem::Refused(refusal)) => {
                    reason = refusal;
                    break;
                }
                Err(problem) => return Err(problem),
            }
        }
        // Before any reason is told: of many guesses at once no more are told apart than the lock forgives.
        unlocked(self.count_wrong_password(lock).await?)?;
        Err(LoginProblem::Refused(reason))
    }

    async fn check_password(&self, Login { username, password, .. }: Login<'_>) -> Result<Known, LoginProblem> {
        let parts = self.parts();
        let login = match EmailAddress::parse(username) {
            Ok(email) => self.store().find_login(email.canonical()).await?,
            Err(_) => None,
        };
        let stored = login.as_ref().and_then(|login| login.password_hash.as_ref());
        let verification = parts.hasher.verify(password, stored).await?;
        let known = login.filter(|_| verification != Verification::Wrong);
        let Some((customer, stored)) = known.and_then(|login| Some((login.customer, login.password_hash?))) else {
            return Err(LoginProblem::Refused(LoginRefusal::Credentials));
        };
        let password_hash = match verification {
            Verification::RightButOutdated => self.replace_hash(customer.account().id, password, stored).await,
            _ => stored,
        };
        Known::new(customer, Some(password_hash)).map_err(LoginProblem::Refused)
    }

    async fn issue_pair(
        &self,
        Known { customer, password_hash }: Known,
        lock: Option<LoginLock>,
    ) -> Result<Option<(CustomerId, TokenPair)>, LoginProblem> {
        let parts = self.parts();
        let id = customer.account().id;
        let refresh_token = RefreshToken::generate(&*parts.randomness);
        let now = parts.clock.now();
        let pair = self.sign(Customer::Confirmed(customer), refresh_token, now).await?;
        let pair = pair.ok_or(LoginProblem::Refused(LoginRefusal::Suspended))?;
        let token = NewRefreshToken {
            digest: pair.refresh_token.digest(),
            family: FamilyId::generate(&*parts.randomness),
            customer: id,
            password_hash,
            created_at: now,
            expires_at: now.plus(seconds(parts.tokens.refresh_lifetime_seconds)),
        };
        match self.store().insert_refresh_token(token, lock).await? {
            NewTokenOutcome::Inserted => Ok(Some((id, pair))),
            NewTokenOutcome::PasswordReplaced => Ok(None),
            NewTokenOutcome::Locked(until) => {
                Err(LoginProblem::Locked { retry_after_seconds: seconds_left(until, now) })
            }
        }
    }

    /// Exchanges a refresh token for a new pair. The old one is spent; showing it again revokes all its descendants.
    ///
    /// # Errors
    ///
    /// [`RefreshError::Refused`] for whatever is not a live refresh token of a customer who may log in.
    pub async fn refresh(&self, refresh_token: &str) -> Result<TokenPair, RefreshError> {
        let parts = self.parts();
        if refresh_token.len() > RefreshToken::MAX_CHARACTERS {
            return Err(RefreshError::Refused);
        }
        let next = RefreshToken::generate(&*parts.randomness);
        let now = parts.clock.now();
        let rotation = NextRefreshToken {
            digest: next.digest(),
            created_at: now,
            expires_at: now.plus(seconds(parts.tokens.refresh_lifetime_seconds)),
        };
        let presented = RefreshToken::digest_of_presented(refresh_token);
        let customer = self.store().rotate_refresh_token(presented, rotation).await?.ok_or(RefreshError::Refused)?;
        self.sign(customer, next, now).await?.ok_or(RefreshError::Refused)
    }

    /// Revokes one refresh token and its family, if it is the caller's; says nothing when it is not.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn revoke(&self, caller: &Caller, refresh_token: &str) -> Result<(), Failure> {
        let digest = RefreshToken::digest_of_presented(refresh_token);
        Ok(self.store().revoke_refresh_token(caller.id, digest, self.clock().now()).await?)
    }

    /// Revokes all refresh tokens of the caller.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn revoke_all(&self, caller: &Caller) -> Result<(), Failure> {
        Ok(self.store().revoke_refresh_tokens(caller.id, self.clock().now()).await?)
    }

    /// Whose access token this is, by signature and time alone.
    ///
    /// # Errors
    ///
    /// [`InvalidAccessToken`] for whatever we did not sign, or not for now.
    pub fn verify_access_token(&self, jwt: &str) -> Result<Caller, InvalidAccessToken> {
        self.parts().signer.verify(jwt, self.clock().now())
    }

    /// `None` when the customer may not be handed tokens. `now` is from before their refresh token was stored, so that a
    /// restore that comes after it ends the access token, too. Signing with RSA takes most of a millisecond of computing, which is
    /// too long for an async worker.
    async fn sign(
        &self,
        customer: Customer,
        refresh_token: RefreshToken,
        now: Timestamp,
    ) -> Result<Option<TokenPair>, Failure> {
        let application = self.clone();
        let signing = tokio::task::spawn_blocking(move || {
            let parts = application.parts();
            let subject = customer.confirmed()?.subject().ok()?;
            Some(parts.signer.sign(subject, now, &*parts.randomness))
        });
        match signing.await {
            Ok(None) => Ok(None),
            Ok(Some(Ok(access_token))) => {
                let expires_in_seconds = self.parts().tokens.access_lifetime_seconds;
                Ok(Some(TokenPair { access_token, refresh_token, expires_in_seconds }))
            }
            Ok(Some(Err(error))) => {
                tracing::error!(%error, "an access token could not be signed");
                Err(Failure::Internal)
            }
            Err(_) => Err(Failure::Internal),
        }
    }

    /// Brings a hash of older parameters or of a foreign kind up to date, now that the password is at hand, and answers the
    /// one that is stored. Where that fails the old one stays, and the next login tries again.
    async fn replace_hash(&self, id: CustomerId, password: &Password, old: PasswordHash) -> PasswordHash {
        let Ok(new) = self.parts().hasher.hash(password).await else { return old };
        match self.store().update_password_hash(id, &old, &new).await {
            Ok(true) => new,
            Ok(false) => old,
            Err(error) => {
                tracing::warn!(%error, "a password hash could not be brought up to date");
                old
            }
        }
    }
}
