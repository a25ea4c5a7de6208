//! Access tokens: JWTs with the claims of Spryker's, signed by us and checked without a look at the database.

mod files;
mod keyring;

use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::{CustomerId, MerchantId, Randomness, Timestamp, TokenSubject};
use jsonwebtoken::{DecodingKey, Validation};
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use files::{generate_signing_key, load_or_generate_server_key};
pub use keyring::KeyError;
use keyring::{Key, KeyPair};

/// The longest token that is looked at, in bytes. Ours have less than one KiB.
const MAX_TOKEN_BYTES: usize = 8 * 1024;
/// `jti` has twice as many hex characters.
const JTI_BYTES: usize = 40;
/// How far the clock of the node that issued a token may be ahead of ours.
const CLOCK_LEEWAY: Duration = Duration::from_secs(5);
/// The claim `aud` of merchants' tokens. No setting can make it that of customers'.
const MERCHANT_AUDIENCE: &str = "merchants of this gateway";
/// The scope of a customer's token.
const CUSTOMER_SCOPE: &str = "customer";

/// Section `[tokens]` of the configuration.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenSettings {
    /// What new tokens are signed with. Keys of the other algorithm still verify.
    pub algorithm: Algorithm,
    /// The claim `aud`: the OAuth client that tokens are made for.
    pub audience: String,
    /// Seconds an access token lives.
    pub access_lifetime_seconds: u64,
    /// Seconds a refresh token lives.
    pub refresh_lifetime_seconds: u64,
}

impl TokenSettings {
    /// Checks bounds.
    ///
    /// # Errors
    ///
    /// A sentence that names the key and what it may be.
    pub fn check(&self) -> Result<(), String> {
        const MONTH: u64 = 31 * 86_400;
        const YEAR: u64 = 366 * 86_400;
        let audience_fits =
            (1..=100).contains(&self.audience.len()) && self.audience.chars().all(|c| c.is_ascii_graphic());
        let rules = [
            (audience_fits, "tokens.audience must be 1 to 100 ASCII characters without blanks"),
            (
                (1..=MONTH).contains(&self.access_lifetime_seconds),
                "tokens.access_lifetime_seconds must be 1 to 2678400 (31 days)",
            ),
            (
                (self.access_lifetime_seconds..=YEAR).contains(&self.refresh_lifetime_seconds),
                "tokens.refresh_lifetime_seconds must be at least tokens.access_lifetime_seconds and at most 31622400 (366 days)",
            ),
        ];
        rules.into_iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, text)| Err(text.to_owned()))
    }
}

/// How a token is signed. The names are those of RFC 7518 and RFC 8037.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Algorithm {
    /// `RS256`: RSA of at least 2048 bits, PKCS #1 v1.5, SHA-256.
    #[serde(rename = "RS256")]
    Rs256,
    /// `EdDSA` with Ed25519.
    #[serde(rename = "EdDSA")]
    EdDsa,
}

impl Algorithm {
    /// Every choice there is.
    pub const ALL: [Self; 2] = [Self::Rs256, Self::EdDsa];

    /// The name in a token's header.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::EdDsa => "EdDSA",
        }
    }

    const fn verified_as(self) -> jsonwebtoken::Algorithm {
        match self {
            Self::Rs256 => jsonwebtoken::Algorithm::RS256,
            Self::EdDsa => jsonwebtoken::Algorithm::EdDSA,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for Algorithm {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|algorithm| algorithm.as_str() == name);
        known.ok_or_else(|| "the algorithm must be RS256 or EdDSA".to_owned())
    }
}

/// Whose access token it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The customer's number.
    pub id: CustomerId,
    /// The customer's reference.
    pub reference: String,
    /// When the token was issued.
    pub issued_at: Timestamp,
}

/// Not an access token of ours that is good now. Why is not told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not a valid access token")]
pub struct InvalidAccessToken;

impl From<jsonwebtoken::errors::Error> for InvalidAccessToken {
    fn from(_: jsonwebtoken::errors::Error) -> Self {
        Self
    }
}

/// A token could not be made.
#[derive(Debug, Error)]
pub enum SigningError {
    /// The claims have no JSON form.
    #[error("the claims of an access token have no JSON form: {0}")]
    Claims(#[from] serde_json::Error),
    /// The key refused.
    #[error("the signing key refused to sign")]
    Key,
}

/// Signs and checks access tokens with the keys of one folder.
pub struct Signer {
    signing: SigningKey,
    /// By `kid`.
    verifying: HashMap<String, VerifyingKey>,
    jwks: serde_json::Value,
    audience: String,
    access_lifetime_seconds: i64,
}

struct SigningKey {
    pair: KeyPair,
    /// The encoded header of every token, with the dot behind it.
    prefix: String,
}

struct VerifyingKey {
    key: DecodingKey,
    /// Name the key's one algorithm, so that no header can choose another, and for whom a token is.
    customers: Validation,
    merchants: Validation,
}

impl Signer {
    /// Reads every `*.pem` of `folder`. Each verifies tokens; of those for the configured algorithm the newest signs, which is
    /// the one whose name comes last.
    ///
    /// # Errors
    ///
    /// [`KeyError`] naming the file that cannot be used, or [`KeyError::NoSigningKey`] when none is for the algorithm.
    pub fn load(folder: &Path, settings: &TokenSettings) -> Result<Self, KeyError> {
        let mut keys = keyring::read(folder)?;
        let jwks = serde_json::json!({ "keys": keys.iter().rev().map(Key::jwk).collect::<Vec<_>>() });
        let verifying = keys.iter().map(|key| (key.kid.clone(), VerifyingKey::new(key, &settings.audience))).collect();
        let newest = keys.iter().rposition(|key| key.algorithm() == settings.algorithm);
        let newest = newest
            .ok_or_else(|| KeyError::NoSigningKey { folder: folder.to_owned(), algorithm: settings.algorithm })?;
        Ok(Self {
            signing: SigningKey::new(keys.swap_remove(newest)),
            verifying,
            jwks,
            audience: settings.audience.clone(),
            access_lifetime_seconds: i64::try_from(settings.access_lifetime_seconds).unwrap_or(i64::MAX),
        })
    }

    /// Like [`Signer::load`], and makes the first key of the configured algorithm where there is none. However many processes
    /// do this at once in one folder, they end up with the same keys.
    ///
    /// # Errors
    ///
    /// As [`Signer::load`]; or the folder cannot be written.
    pub fn load_or_generate(folder: &Path, settings: &TokenSettings, now: Timestamp) -> Result<Self, KeyError> {
        let is_missing = |loaded: &Result<Self, KeyError>| matches!(loaded, Err(KeyError::NoSigningKey { .. }));
        let loaded = Self::load(folder, settings);
        if !is_missing(&loaded) {
            return loaded;
        }
        let locked = files::LockedFolder::wait_for(folder)?;
        let loaded = Self::load(folder, settings);
        if !is_missing(&loaded) {
            return loaded;
        }
        locked.generate_signing_key(settings.algorithm, now)?;
        Self::load(folder, settings)
    }

    /// A token for a customer who is through both doors, good from this second on.
    ///
    /// # Errors
    ///
    /// [`SigningError`], which means that something is broken.
    pub fn sign(
        &self,
        subject: TokenSubject<'_>,
        now: Timestamp,
        randomness: &dyn Randomness,
    ) -> Result<String, SigningError> {
        let claims = IssuedClaims {
            aud: &self.audience,
            stamp: Stamp::new(self.access_lifetime_seconds, now, randomness),
            sub: serde_json::to_string(&IssuedSubject {
                id_company_user: None,
                id_agent: None,
                customer_reference: subject.reference(),
                id_customer: subject.id().0,
                permissions: None,
            })?,
            scopes: [CUSTOMER_SCOPE],
        };
        self.sign_claims(&claims)
    }

    /// A token for a merchant, good from this second on for `lifetime_seconds`. No customer's door takes it, and none of
    /// theirs is good where this one is.
    ///
    /// # Errors
    ///
    /// [`SigningError`], which means that something is broken.
    pub fn sign_for_merchant(
        &self,
        merchant: MerchantId,
        client: &str,
        lifetime_seconds: u64,
        now: Timestamp,
        randomness: &dyn Randomness,
    ) -> Result<String, SigningError> {
        self.sign_claims(&IssuedMerchantClaims {
            aud: MERCHANT_AUDIENCE,
            stamp: Stamp::new(i64::try_from(lifetime_seconds).unwrap_or(i64::MAX), now, randomness),
            sub: client,
            merchant_id: merchant.0,
        })
    }

    fn sign_claims(&self, claims: &impl Serialize) -> Result<String, SigningError> {
        let mut jwt = self.signing.prefix.clone();
        URL_SAFE_NO_PAD.encode_string(serde_json::to_vec(claims)?, &mut jwt);
        let signature = self.signing.pair.sign(jwt.as_bytes()).ok_or(SigningError::Key)?;
        jwt.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut jwt);
        Ok(jwt)
    }

    /// Which merchant's token this is, as [`Signer::verify`] tells whose a customer's is.
    ///
    /// # Errors
    ///
    /// [`InvalidAccessToken`] for whatever we did not sign for merchants, or not for now.
    pub fn verify_for_merchant(&self, jwt: &str, now: Timestamp) -> Result<MerchantId, InvalidAccessToken> {
        let VerifyingKey { key, merchants, .. } = self.verifying_key(jwt)?;
        let claims = jsonwebtoken::decode::<PresentedMerchantClaims>(jwt, key, merchants)?.claims;
        let issued_at = issued_at_if_good([&claims.iat, &claims.nbf, &claims.exp], now);
        issued_at.map(|_| MerchantId(claims.merchant_id)).ok_or(InvalidAccessToken)
    }

    fn verifying_key(&self, jwt: &str) -> Result<&VerifyingKey, InvalidAccessToken> {
        if jwt.len() > MAX_TOKEN_BYTES {
            return Err(InvalidAccessToken);
        }
        let header = jsonwebtoken::decode_header(jwt)?;
        // A critical extension must be understood, and we understand none.
        let kid = header.kid.filter(|_| header.crit.is_none()).ok_or(InvalidAccessToken)?;
        self.verifying.get(&kid).ok_or(InvalidAccessToken)
    }

    /// Whose token this is, if one of our keys signed it for our audience and it is good at `now`. It may begin up to five
    /// seconds later: the clocks of nodes differ.
    ///
    /// # Errors
    ///
    /// [`InvalidAccessToken`] in every other case.
    pub fn verify(&self, jwt: &str, now: Timestamp) -> Result<Caller, InvalidAccessToken> {
        let VerifyingKey { key, customers, .. } = self.verifying_key(jwt)?;
        let token = jsonwebtoken::decode::<PresentedClaims>(jwt, key, customers)?;
        token.claims.caller_at(now).ok_or(InvalidAccessToken)
    }

    /// The public keys as a JWK set (RFC 7517), newest first.
    pub fn jwks(&self) -> serde_json::Value {
        self.jwks.clone()
    }
}

impl SigningKey {
    fn new(key: Key) -> Self {
        let header = serde_json::json!({ "typ": "JWT", "alg": key.algorithm().as_str(), "kid": key.kid });
        let mut prefix = URL_SAFE_NO_PAD.encode(header.to_string());
        prefix.push('.');
        Self { pair: key.pair, prefix }
    }
}

impl VerifyingKey {
    fn new(key: &Key, audience: &str) -> Self {
        let validation = |audience: &str| {
            let mut validation = Validation::new(key.algorithm().verified_as());
            validation.set_audience(&[audience]);
            validation.set_required_spec_claims(&["aud"]);
            // The library would ask the system's clock; we ask ours.
            validation.validate_exp = false;
            validation.validate_nbf = false;
            validation
        };
        Self { key: key.decoding_key(), customers: validation(audience), merchants: validation(MERCHANT_AUDIENCE) }
    }
}

/// The claims that tell tokens apart and say when they are good.
#[derive(Serialize)]
struct Stamp {
    jti: String,
    iat: i64,
    nbf: i64,
    exp: i64,
}

impl Stamp {
    fn new(lifetime_seconds: i64, now: Timestamp, randomness: &dyn Randomness) -> Self {
        let mut jti = [0; JTI_BYTES];
        randomness.fill(&mut jti);
        let iat = now.as_seconds();
        Self { jti: hex::encode(jti), iat, nbf: iat, exp: iat.saturating_add(lifetime_seconds) }
    }
}

#[derive(Serialize)]
struct IssuedMerchantClaims<'a> {
    aud: &'a str,
    #[serde(flatten)]
    stamp: Stamp,
    /// The client.
    sub: &'a str,
    merchant_id: i64,
}

/// In the order in which Spryker issues them.
#[derive(Serialize)]
struct IssuedClaims<'a> {
    aud: &'a str,
    #[serde(flatten)]
    stamp: Stamp,
    /// An [`IssuedSubject`] as JSON, in a string.
    sub: String,
    scopes: [&'a str; 1],
}

#[derive(Serialize)]
struct IssuedSubject<'a> {
    id_company_user: Option<&'a str>,
    id_agent: Option<i64>,
    customer_reference: &'a str,
    id_customer: i64,
    permissions: Option<&'a str>,
}

/// Claims whose signature and audience are right. Not flattened: each request reads them.
#[derive(Deserialize)]
struct PresentedClaims {
    iat: NumericDate,
    nbf: NumericDate,
    exp: NumericDate,
    sub: String,
    scopes: Vec<String>,
}

#[derive(Deserialize)]
struct PresentedMerchantClaims {
    iat: NumericDate,
    nbf: NumericDate,
    exp: NumericDate,
    merchant_id: i64,
}

/// When a token was issued, if it is good at `now`.
fn issued_at_if_good([issued_at, not_before, expires_at]: [&NumericDate; 3], now: Timestamp) -> Option<Timestamp> {
    let issued_at = issued_at.timestamp()?;
    let soon = now.plus(CLOCK_LEEWAY);
    let is_good = issued_at <= soon && not_before.timestamp()? <= soon && now < expires_at.timestamp()?;
    is_good.then_some(issued_at)
}

#[derive(Deserialize)]
struct PresentedSubject {
    customer_reference: String,
    id_customer: i64,
}

impl PresentedClaims {
    fn caller_at(&self, now: Timestamp) -> Option<Caller> {
        let issued_at = issued_at_if_good([&self.iat, &self.nbf, &self.exp], now)?;
        if !self.scopes.iter().any(|scope| scope == CUSTOMER_SCOPE) {
            return None;
        }
        let subject: PresentedSubject = serde_json::from_str(&self.sub).ok()?;
        Some(Caller { id: CustomerId(subject.id_customer), reference: subject.customer_reference, issued_at })
    }
}

/// Seconds since 1970, whole or with a fraction: newer JWT libraries write microseconds.
#[derive(Deserialize)]
struct NumericDate(serde_json::Number);

impl NumericDate {
    fn timestamp(&self) -> Option<Timestamp> {
        const MICROS: i64 = 1_000_000;
        if let Some(seconds) = self.0.as_i64() {
            return Some(Timestamp::from_micros(seconds.saturating_mul(MICROS)));
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the cast saturates, and nothing finer than microseconds counts"
        )]
        self.0.as_f64().map(|seconds| Timestamp::from_micros((seconds * 1e6).round() as i64))
    }
}

#[cfg(test)]
mod tests;
