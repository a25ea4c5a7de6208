//! The signing keys of a folder: one PEM file each, whose name without `.pem` is the key's `kid`.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use serde_json::json;
use thiserror::Error;
use zeroize::Zeroizing;

use super::Algorithm;

/// Larger files hold no key. An RSA key of 8192 bits has 6.5 KiB.
const MAX_FILE_BYTES: u64 = 16 * 1024;
const MIN_RSA_BYTES: usize = 2048 / 8;
const MAX_KID_BYTES: usize = 128;

/// Why there are no keys to work with. Names the file or folder to look at, and nothing of its content.
#[derive(Debug, Error)]
pub enum KeyError {
    /// A file or folder cannot be read.
    #[error("cannot read {path}: {source}", path = path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file or folder cannot be written.
    #[error("cannot write {path}: {source}", path = path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A `.pem` file without a key we can sign with.
    #[error(
        "{path} holds no usable private key: it must be one unencrypted RSA key of 2048 to 8192 bits or one Ed25519 key, in PEM",
        path = path.display()
    )]
    NotAKey {
        /// Which.
        path: PathBuf,
    },
    /// A `.pem` file whose name cannot be a `kid`.
    #[error(
        "{path} cannot name a key: file names of keys are letters, digits, `.`, `_` and `-`, at most 128, before `.pem`",
        path = path.display()
    )]
    NotAName {
        /// Which.
        path: PathBuf,
    },
    /// There is no key for the configured algorithm.
    #[error("{folder} has no {algorithm} key; `vestibule keys generate` makes one", folder = folder.display())]
    NoSigningKey {
        /// Where it was looked for.
        folder: PathBuf,
        /// For what.
        algorithm: Algorithm,
    },
    /// The server key's file has another content than a key.
    #[error("{path} must hold 64 hexadecimal characters", path = path.display())]
    NotAServerKey {
        /// Which.
        path: PathBuf,
    },
    /// The crypto library made no key.
    #[error("cannot generate an {0} key")]
    Generation(Algorithm),
}

impl KeyError {
    pub(super) fn read(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Read { path: path.to_owned(), source }
    }

    pub(super) fn write(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Write { path: path.to_owned(), source }
    }
}

/// A private key and its name.
pub struct Key {
    /// The name of the file without `.pem`.
    pub kid: String,
    /// The key.
    pub pair: KeyPair,
}

/// A private key. It is parsed once: that takes as long as a signature.
pub enum KeyPair {
    /// Signs `RS256`.
    Rsa(RsaKeyPair),
    /// Signs `EdDSA`.
    Ed25519(Ed25519KeyPair),
}

/// All keys of `folder`, oldest name first. A folder that does not exist has none.
pub fn read(folder: &Path) -> Result<Vec<Key>, KeyError> {
    let entries = match folder.read_dir() {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(KeyError::read(folder)(error)),
    };
    let mut keys = Vec::new();
    for entry in entries {
        let path = entry.map_err(KeyError::read(folder))?.path();
        if path.extension().is_some_and(|extension| extension == "pem") {
            keys.push(read_key(&path)?);
        }
    }
    keys.sort_by(|one, other| one.kid.cmp(&other.kid));
    Ok(keys)
}

fn read_key(path: &Path) -> Result<Key, KeyError> {
    let kid = path.file_stem().and_then(|stem| stem.to_str()).filter(|stem| is_kid(stem));
    let kid = kid.ok_or_else(|| KeyError::NotAName { path: path.to_owned() })?.to_owned();
    let mut text = Zeroizing::new(Vec::with_capacity(4096));
    let file = File::open(path).map_err(KeyError::read(path))?;
    file.take(MAX_FILE_BYTES).read_to_end(&mut text).map_err(KeyError::read(path))?;
    let pair = KeyPair::from_pem(&text).ok_or_else(|| KeyError::NotAKey { path: path.to_owned() })?;
    Ok(Key { kid, pair })
}

fn is_kid(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=MAX_KID_BYTES).contains(&name.len()) && name.bytes().all(is_plain)
}

impl KeyPair {
    /// Takes PKCS #8 as we and `openssl genpkey` write it, and PKCS #1 as `openssl genrsa -traditional` does.
    fn from_pem(text: &[u8]) -> Option<Self> {
        let pem = pem::parse(text).ok()?;
        let der = pem.contents();
        let rsa = match pem.tag() {
            "PRIVATE KEY" => RsaKeyPair::from_pkcs8(der),
            "RSA PRIVATE KEY" => RsaKeyPair::from_der(der),
            _ => return None,
        };
        match rsa {
            Ok(pair) => (pair.public_modulus_len() >= MIN_RSA_BYTES).then_some(Self::Rsa(pair)),
            Err(_) => Ed25519KeyPair::from_pkcs8(der).ok().map(Self::Ed25519),
        }
    }

    /// The raw signature; `None` when the library refuses.
    pub fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).ok()?;
                Some(signature)
            }
            Self::Ed25519(pair) => pair.try_sign(message).ok().map(|signature| signature.as_ref().to_vec()),
        }
    }
}

impl Key {
    /// What the key signs.
    pub const fn algorithm(&self) -> Algorithm {
        match self.pair {
            KeyPair::Rsa(_) => Algorithm::Rs256,
            KeyPair::Ed25519(_) => Algorithm::EdDsa,
        }
    }

    /// The public half, for checking tokens.
    pub fn decoding_key(&self) -> DecodingKey {
        match &self.pair {
            KeyPair::Rsa(pair) => DecodingKey::from_rsa_der(pair.public_key().as_ref()),
            KeyPair::Ed25519(pair) => DecodingKey::from_ed_der(pair.public_key().as_ref()),
        }
    }

    /// The public half, for everybody (RFC 7517, RFC 8037).
    pub fn jwk(&self) -> serde_json::Value {
        let (kid, alg) = (&self.kid, self.algorithm().as_str());
        match &self.pair {
            KeyPair::Rsa(pair) => {
                let public = pair.public_key();
                let n = URL_SAFE_NO_PAD.encode(public.modulus().big_endian_without_leading_zero());
                let e = URL_SAFE_NO_PAD.encode(public.exponent().big_endian_without_leading_zero());
                json!({ "kty": "RSA", "use": "sig", "alg": alg, "kid": kid, "n": n, "e": e })
            }
            KeyPair::Ed25519(pair) => {
                let x = URL_SAFE_NO_PAD.encode(pair.public_key());
                json!({ "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": alg, "kid": kid, "x": x })
            }
        }
    }
}
