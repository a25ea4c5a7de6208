//! Merchants whose back ends bring users along: who they are, and the tokens that they are handed.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use domain::{
    ClientSecret, Clock, Digest, FamilyId, MAX_MERCHANT_NAME_CHARACTERS, MerchantId, MessageId, Password, PasswordHash,
    Randomness, RefreshToken,
};
use store::{
    Merchant, MerchantClient, NewMerchant, NewMerchantToken, NewOperator, NextRefreshToken, OperatorOutcome, Store,
};

use crate::login_lock::seconds_left;
use crate::{Application, Failure, Hasher, Verification, seconds};

/// What a token of a merchant's is good for; told with the refresh tokens, which keep it.
const SCOPE: &str = "users offline_access";

/// The shop's rules for merchants and their users.
#[derive(Clone, Copy, Debug)]
pub struct MerchantSettings {
    /// Seconds a code is good for.
    pub code_lifetime_seconds: u64,
    /// Seconds between two wishes for another code of one user; 0 = none.
    pub send_cool_down_seconds: u64,
    /// Such wishes within 24 hours; 0 = any number.
    pub sends_per_day: i32,
    /// Seconds a merchant's access token lives.
    pub token_lifetime_seconds: u64,
}

impl Default for MerchantSettings {
    /// What holds where nothing else is set.
    fn default() -> Self {
        Self { code_lifetime_seconds: 900, send_cool_down_seconds: 30, sends_per_day: 10, token_lifetime_seconds: 3600 }
    }
}

/// What a merchant is handed. No `Debug`: both tokens open the door.
pub struct MerchantTokens {
    /// A signed JWT.
    pub access_token: String,
    /// How long it lives, in seconds.
    pub expires_in_seconds: u64,
    /// Opaque; good for one exchange.
    pub refresh_token: Option<RefreshToken>,
}

/// Why a merchant was handed no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MerchantTokenError {
    /// No client has this name and secret, or its merchant is disabled. Which of these is not told.
    UnknownClient,
    /// No operator of the merchant has this name and password; or the refresh token is not one of the client's that is good.
    Refused,
    /// Too many wrong passwords came from this client address for this operator.
    Locked {
        /// How long none is looked at, in seconds.
        retry_after_seconds: u64,
    },
    /// It could not be carried out.
    Failure(Failure),
}

impl<F: Into<Failure>> From<F> for MerchantTokenError {
    fn from(failure: F) -> Self {
        Self::Failure(failure.into())
    }
}

/// A client that has shown its secret.
#[derive(Clone, Debug)]
pub struct KnownClient(MerchantClient);

/// A password that whoever tries to log in as an operator gave.
#[derive(Clone, Copy)]
pub struct OperatorLogin<'a> {
    /// Their name.
    pub username: &'a str,
    /// Their password.
    pub password: &'a Password,
    /// Where it comes from, for the lock; none outside a server.
    pub address: Option<IpAddr>,
    /// Whether a refresh token is wanted.
    pub wants_refresh_token: bool,
}

impl Application {
    /// The client of that name, if this is its secret.
    ///
    /// # Errors
    ///
    /// [`MerchantTokenError::UnknownClient`] if not.
    pub async fn find_merchant_client(&self, id: &str, secret: &Password) -> Result<KnownClient, MerchantTokenError> {
        let client = self.store().find_merchant_client(id).await?;
        let presented = Digest::of(secret.expose());
        let known = client.filter(|client| presented.is(client.secret.as_bytes()));
        known.map(KnownClient).ok_or(MerchantTokenError::UnknownClient)
    }

    /// A token for a client itself.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn admit_merchant_client(&self, client: &KnownClient) -> Result<MerchantTokens, MerchantTokenError> {
        Ok(self.merchant_tokens(&client.0, None).await?)
    }

    /// A token for somebody who logs in for the client's merchant. Whoever is refused counts against the login lock.
    ///
    /// # Errors
    ///
    /// [`MerchantTokenError::Locked`] before all else, [`MerchantTokenError::Refused`] for whoever is not let in.
    pub async fn admit_operator(
        &self,
        client: &KnownClient,
        login: OperatorLogin<'_>,
    ) -> Result<MerchantTokens, MerchantTokenError> {
        let parts = self.parts();
        let address = login.address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        let lock = self.lock_of_operator(client.0.merchant, login.username, address);
        if let Some(retry_after_seconds) = self.seconds_locked(lock).await? {
            return Err(MerchantTokenError::Locked { retry_after_seconds });
        }
        let stored = self.store().find_operator(client.0.merchant, login.username).await?;
        let verification = parts.hasher.verify(login.password, stored.as_ref()).await?;
        if verification == Verification::Wrong {
            return Err(match self.count_wrong_password(lock).await? {
                Some(retry_after_seconds) => MerchantTokenError::Locked { retry_after_seconds },
                None => MerchantTokenError::Refused,
            });
        }
        let refresh_token = login.wants_refresh_token.then(|| RefreshToken::generate(&*parts.randomness));
        let token = refresh_token.as_ref().map(|token| NewMerchantToken {
            client: client.0.clone(),
            family: FamilyId::generate(&*parts.randomness),
            token: self.next_token(token),
            scope: SCOPE,
        });
        let now = parts.clock.now();
        if let Some(until) = self.store().admit_operator(token, lock, now).await? {
            return Err(MerchantTokenError::Locked { retry_after_seconds: seconds_left(until, now) });
        }
        if let (Verification::RightButOutdated, Some(stored)) = (verification, &stored) {
            self.replace_operator_hash(login, stored).await;
        }
        Ok(self.merchant_tokens(&client.0, refresh_token).await?)
    }

    /// Brings the hash of a password that was right up to date. Where that fails the old one stays, and the next login
    /// tries again.
    async fn replace_operator_hash(
        &self,
        OperatorLogin { username, password, .. }: OperatorLogin<'_>,
        old: &PasswordHash,
    ) {
        let Ok(new) = self.parts().hasher.hash(password).await else { return };
        if let Err(error) = self.store().update_operator_hash(username, old, &new).await {
            tracing::warn!(%error, "the hash of an operator's password could not be brought up to date");
        }
    }

    /// Exchanges a refresh token of the client's for a new pair, or for an access token alone. Showing it again revokes all
    /// its descendants.
    ///
    /// # Errors
    ///
    /// [`MerchantTokenError::Refused`] for whatever is not such a token.
    pub async fn refresh_merchant_token(
        &self,
        client: &KnownClient,
        refresh_token: &str,
        wants_refresh_token: bool,
    ) -> Result<MerchantTokens, MerchantTokenError> {
        if refresh_token.len() > RefreshToken::MAX_CHARACTERS {
            return Err(MerchantTokenError::Refused);
        }
        let next = wants_refresh_token.then(|| RefreshToken::generate(&*self.parts().randomness));
        let next_token = next.as_ref().map(|token| self.next_token(token));
        let presented = RefreshToken::digest_of_presented(refresh_token);
        let now = self.clock().now();
        if !self.store().rotate_merchant_token(&client.0.id, presented, next_token, now).await? {
            return Err(MerchantTokenError::Refused);
        }
        Ok(self.merchant_tokens(&client.0, next).await?)
    }

    /// Whose access token this is; `None` for whatever is no token of a merchant who is not disabled.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn verify_merchant_token(&self, jwt: &str) -> Result<Option<MerchantId>, Failure> {
        let Ok(merchant) = self.parts().signer.verify_for_merchant(jwt, self.clock().now()) else { return Ok(None) };
        Ok(self.store().is_merchant(merchant).await?.then_some(merchant))
    }

    fn next_token(&self, token: &RefreshToken) -> NextRefreshToken {
        let created_at = self.clock().now();
        let expires_at = created_at.plus(seconds(self.parts().tokens.refresh_lifetime_seconds));
        NextRefreshToken { digest: token.digest(), created_at, expires_at }
    }

    /// Signing with RSA takes most of a millisecond of computing, which is too long for an async worker.
    async fn merchant_tokens(
        &self,
        client: &MerchantClient,
        refresh_token: Option<RefreshToken>,
    ) -> Result<MerchantTokens, Failure> {
        let (application, client) = (self.clone(), client.clone());
        let signing = tokio::task::spawn_blocking(move || {
            let parts = application.parts();
            let lifetime = parts.merchants.token_lifetime_seconds;
            let now = parts.clock.now();
            parts.signer.sign_for_merchant(client.merchant, &client.id, lifetime, now, &*parts.randomness)
        });
        match signing.await {
            Ok(Ok(access_token)) => {
                let expires_in_seconds = self.parts().merchants.token_lifetime_seconds;
                Ok(MerchantTokens { access_token, expires_in_seconds, refresh_token })
            }
            Ok(Err(error)) => {
                tracing::error!(%error, "a merchant's access token could not be signed");
                Err(Failure::Internal)
            }
            Err(_) => Err(Failure::Internal),
        }
    }
}

/// Looks after merchants, for whoever runs the gateway.
pub struct Merchants {
    /// Where they are.
    pub store: Store,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub randomness: Arc<dyn Randomness>,
}

/// A merchant that was made. No `Debug`: the secret is told this once.
pub struct CreatedMerchant {
    /// The number.
    pub id: MerchantId,
    /// The name of its client.
    pub client: String,
    /// The client's secret; only its digest is kept.
    pub secret: ClientSecret,
}

/// Why a merchant was not made, or none was found.
#[derive(Debug, thiserror::Error)]
pub enum MerchantError {
    /// The name is none.
    #[error("a name has 1 to {MAX_MERCHANT_NAME_CHARACTERS} characters, none of them a control character")]
    Name,
    /// Another merchant has the name.
    #[error("there is a merchant of this name")]
    Taken,
    /// No merchant has the name.
    #[error("there is no merchant of this name")]
    Unknown,
    /// Another operator has the name.
    #[error("there is an operator of this name, of this merchant or another one")]
    OperatorTaken,
    /// The password was not hashed.
    #[error("{0}")]
    Busy(#[from] crate::HasherBusy),
    /// The database failed.
    #[error("{0}")]
    Store(#[from] store::StoreError),
}

impl Merchants {
    /// Makes a merchant with a client.
    ///
    /// # Errors
    ///
    /// What is wrong with the name.
    pub async fn create(&self, name: &str) -> Result<CreatedMerchant, MerchantError> {
        let secret = ClientSecret::generate(&*self.randomness);
        let client = format!("merchant-{}", &MessageId::generate(&*self.randomness).as_str());
        let merchant = NewMerchant {
            name: checked_name(name)?,
            client: client.clone(),
            secret: secret.digest(),
            now: self.clock.now(),
        };
        let id = self.store.insert_merchant(merchant).await?.ok_or(MerchantError::Taken)?;
        Ok(CreatedMerchant { id, client, secret })
    }

    /// All merchants.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn list(&self) -> Result<Vec<Merchant>, MerchantError> {
        Ok(self.store.list_merchants().await?)
    }

    /// Disables a merchant: neither its clients nor their tokens are good any more.
    ///
    /// # Errors
    ///
    /// [`MerchantError::Unknown`] when there is none of this name.
    pub async fn disable(&self, name: &str) -> Result<(), MerchantError> {
        let found = self.store.disable_merchant(name.trim(), self.clock.now()).await?;
        if found { Ok(()) } else { Err(MerchantError::Unknown) }
    }

    /// Adds somebody who logs in for a merchant, with a password that is made here and told this once.
    ///
    /// # Errors
    ///
    /// What is wrong with either name.
    pub async fn add_operator(
        &self,
        hasher: &Hasher,
        merchant: &str,
        username: &str,
    ) -> Result<Password, MerchantError> {
        let secret = ClientSecret::generate(&*self.randomness);
        let password = Password::new(secret.expose().chars().take(24).collect());
        let operator = NewOperator {
            merchant: checked_name(merchant)?,
            username: checked_name(username)?,
            password_hash: hasher.hash(&password).await?,
            now: self.clock.now(),
        };
        match self.store.insert_operator(operator).await? {
            OperatorOutcome::Inserted => Ok(password),
            OperatorOutcome::UnknownMerchant => Err(MerchantError::Unknown),
            OperatorOutcome::NameTaken => Err(MerchantError::OperatorTaken),
        }
    }
}

fn checked_name(name: &str) -> Result<String, MerchantError> {
    let name = name.trim();
    let fits =
        (1..=MAX_MERCHANT_NAME_CHARACTERS).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    if fits { Ok(name.to_owned()) } else { Err(MerchantError::Name) }
}
