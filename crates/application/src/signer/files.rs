//! Makes keys and their files, so that processes which share a folder never see half a key and never make two where one was
//! meant.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{Ed25519KeyPair, RsaKeyPair};
use domain::{Randomness, ServerKey, Timestamp};
use pem::Pem;
use zeroize::Zeroizing;

use super::{Algorithm, KeyError};

const LOCK_FILE: &str = ".lock";
const UNFINISHED_FILE: &str = ".unfinished";
const SERVER_KEY_FILE: &str = "server.key";

/// Makes a key and writes it to `<kid>.pem` in `folder`, which is made if need be. The name is the time, so that the newest
/// comes last. Running processes use it after a restart.
///
/// # Errors
///
/// [`KeyError`] when the folder or the file cannot be written.
pub fn generate_signing_key(folder: &Path, algorithm: Algorithm, now: Timestamp) -> Result<PathBuf, KeyError> {
    LockedFolder::wait_for(folder)?.generate_signing_key(algorithm, now)
}

fn generate_pem(algorithm: Algorithm) -> Option<Zeroizing<String>> {
    let der: Pkcs8V1Der<'_> = match algorithm {
        Algorithm::Rs256 => RsaKeyPair::generate(KeySize::Rsa2048).ok()?.as_der().ok()?,
        Algorithm::EdDsa => Ed25519KeyPair::generate().ok()?.as_der().ok()?,
    };
    Some(Zeroizing::new(pem::encode(&Pem::new("PRIVATE KEY", der.as_ref()))))
}

/// Reads `server.key` from `folder`: 64 hex characters. Where there is none it is made; however many processes do this at once,
/// they end up with the same key.
///
/// # Errors
///
/// [`KeyError`] when the file cannot be read or written, or holds something else.
pub fn load_or_generate_server_key(folder: &Path, randomness: &dyn Randomness) -> Result<ServerKey, KeyError> {
    let path = folder.join(SERVER_KEY_FILE);
    if let Some(key) = read_server_key(&path)? {
        return Ok(key);
    }
    let folder = LockedFolder::wait_for(folder)?;
    if let Some(key) = read_server_key(&path)? {
        return Ok(key);
    }
    let key = ServerKey::generate(randomness);
    let text = Zeroizing::new(format!("{}\n", hex::encode(key.expose())));
    folder.publish(&path, text.as_bytes())?;
    Ok(key)
}

fn read_server_key(path: &Path) -> Result<Option<ServerKey>, KeyError> {
    let text = match fs::read(path) {
        Ok(text) => Zeroizing::new(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(KeyError::read(path)(error)),
    };
    let mut bytes = Zeroizing::new([0; 32]);
    hex::decode_to_slice(text.trim_ascii(), &mut *bytes)
        .map_err(|_| KeyError::NotAServerKey { path: path.to_owned() })?;
    Ok(Some(ServerKey::from_bytes(*bytes)))
}

/// A folder of keys that nobody else writes to meanwhile. The system ends the lock when the process dies.
pub struct LockedFolder {
    path: PathBuf,
    _lock: File,
}

impl LockedFolder {
    /// Waits for the lock; makes the folder, open to its owner alone, if need be.
    pub fn wait_for(path: &Path) -> Result<Self, KeyError> {
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(KeyError::write(path))?;
        let lock_path = path.join(LOCK_FILE);
        let lock = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&lock_path);
        let lock = lock.and_then(|file| file.lock().map(|()| file)).map_err(KeyError::write(&lock_path))?;
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// See [`generate_signing_key`].
    pub fn generate_signing_key(&self, algorithm: Algorithm, now: Timestamp) -> Result<PathBuf, KeyError> {
        let pem = generate_pem(algorithm).ok_or(KeyError::Generation(algorithm))?;
        let mut moment = now;
        let path = loop {
            let kid: String = moment.to_rfc3339().chars().filter(char::is_ascii_alphanumeric).collect();
            let path = self.path.join(format!("{kid}.pem"));
            if !path.exists() {
                break path;
            }
            moment = moment.plus(Duration::from_micros(1));
        };
        self.publish(&path, pem.as_bytes())?;
        Ok(path)
    }

    /// Brings `path` into being with all its content, or not at all.
    fn publish(&self, path: &Path, content: &[u8]) -> Result<(), KeyError> {
        let unfinished = self.path.join(UNFINISHED_FILE);
        write_private(&unfinished, content).map_err(KeyError::write(&unfinished))?;
        fs::rename(&unfinished, path).map_err(KeyError::write(path))?;
        // Without this a power cut could take the name back, and with it every token signed meanwhile.
        File::open(&self.path).and_then(|folder| folder.sync_all()).map_err(KeyError::write(&self.path))
    }
}

fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(path)?;
    file.write_all(content)?;
    file.sync_all()
}
