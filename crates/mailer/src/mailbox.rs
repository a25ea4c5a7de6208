//! The mailbox: a folder of messages that people and test suites read.
//!
//! Each message is two files, `<id>.eml` as it would have travelled and `<id>.json` as it is shown. The second appears last and by
//! renaming, so that a message is there whole or not at all. Processes that share the folder share the mailbox: writers take
//! turns by a lock on the file `.lock`, so that ids grow in the order in which messages become visible and `after` misses none.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use domain::{EmailAddress, Randomness, SystemRandomness, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use crate::transport::file::{create_private_folder, write_private_file};

/// How often a waiting caller looks for what other processes wrote.
const POLL: Duration = Duration::from_millis(200);

/// The longest that anybody waits.
const MAX_WAIT: Duration = Duration::from_secs(300);

/// The largest file that is taken for a message.
const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024;

/// A message as the mailbox shows it. Its `Debug` leaves out everything but the id and the kind.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredMessage {
    /// Sortable: newer messages have greater ids.
    pub id: String,
    /// `mail` or `sms`.
    pub channel: String,
    /// What it says: `registration-confirmation` and so on.
    pub kind: String,
    /// The recipient's address or number.
    pub to: String,
    /// The sender's address or name.
    pub from: String,
    /// The subject of a mail.
    pub subject: Option<String>,
    /// When it was sent, RFC 3339 in UTC.
    pub sent_at: String,
    /// The plain text.
    pub text: Option<String>,
    /// The HTML text.
    pub html: Option<String>,
    /// The link in it that opens a door.
    pub link: Option<String>,
    /// The key in the link.
    pub token: Option<String>,
    /// The short code in it.
    pub code: Option<String>,
}

impl fmt::Debug for StoredMessage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("StoredMessage").field("id", &self.id).field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// Which messages are wanted.
#[derive(Clone, Default)]
pub struct MailboxFilter {
    /// Only those to this address, in whatever spelling, or number.
    pub to: Option<String>,
    /// Only those newer than the one of this id, which need not exist any more.
    pub after: Option<String>,
}

/// A folder of messages.
pub struct Mailbox {
    shelf: Arc<Shelf>,
    arrived: Notify,
}

/// What happens on blocking threads.
struct Shelf {
    folder: PathBuf,
    keep: usize,
    index: Mutex<Index>,
}

/// What is known of the folder, so that no file is read twice.
#[derive(Default)]
struct Index {
    entries: BTreeMap<String, Entry>,
    read_at: Option<Instant>,
    last_micros: i64,
}

enum Entry {
    Message { to: String, message: Arc<StoredMessage> },
    Unreadable,
}

impl Mailbox {
    /// Opens a folder, creating it if need be. The `keep` newest messages stay (one at least); older ones are deleted.
    ///
    /// # Errors
    ///
    /// When the folder cannot be created or written to.
    pub fn open(path: &Path, keep: usize) -> io::Result<Self> {
        create_private_folder(path)?;
        let shelf = Shelf { folder: path.to_owned(), keep: keep.max(1), index: Mutex::default() };
        shelf.lock_folder()?;
        Ok(Self { shelf: Arc::new(shelf), arrived: Notify::new() })
    }

    /// The messages that match, newest first.
    ///
    /// # Errors
    ///
    /// When the folder cannot be read.
    pub async fn list(&self, filter: &MailboxFilter) -> io::Result<Vec<StoredMessage>> {
        self.select(filter, Duration::ZERO).await
    }

    /// As [`Self::list`], but while nothing matches it waits until something does, for `at_most` (five minutes at most).
    ///
    /// # Errors
    ///
    /// When the folder cannot be read.
    pub async fn wait(&self, filter: &MailboxFilter, at_most: Duration) -> io::Result<Vec<StoredMessage>> {
        let deadline = tokio::time::Instant::now() + at_most.min(MAX_WAIT);
        let mut max_age = Duration::ZERO;
        loop {
            // Made before looking, it knows of everything that arrives from now on, also between the look and the wait.
            let arrived = self.arrived.notified();
            let found = self.select(filter, max_age).await?;
            let now = tokio::time::Instant::now();
            if !found.is_empty() || now >= deadline {
                return Ok(found);
            }
            // Ours are in the index at once; many who wait share one look at the folder for those of others.
            max_age = POLL / 2;
            let _ = tokio::time::timeout_at(deadline.min(now + POLL), arrived).await;
        }
    }

    /// One message.
    ///
    /// # Errors
    ///
    /// When its file cannot be read.
    pub async fn find(&self, id: &str) -> io::Result<Option<StoredMessage>> {
        let id = id.to_owned();
        self.blocking(move |shelf| Ok(shelf.file(&id, "json").as_deref().map(read_message).transpose()?.flatten()))
            .await
    }

    /// One message as it would have travelled.
    ///
    /// # Errors
    ///
    /// When its file cannot be read.
    pub async fn raw(&self, id: &str) -> io::Result<Option<Vec<u8>>> {
        let id = id.to_owned();
        self.blocking(move |shelf| Ok(shelf.file(&id, "eml").as_deref().map(read_file).transpose()?.flatten())).await
    }

    /// Deletes one message. Whether there was one.
    ///
    /// # Errors
    ///
    /// When its files cannot be deleted.
    pub async fn delete(&self, id: &str) -> io::Result<bool> {
        let id = id.to_owned();
        self.blocking(move |shelf| shelf.delete(&id)).await
    }

    /// Deletes all messages.
    ///
    /// # Errors
    ///
    /// When a file cannot be deleted.
    pub async fn clear(&self) -> io::Result<()> {
        self.blocking(Shelf::clear).await
    }

    /// Puts a message in and gives it its id, which follows the time `now` and is always greater than those before it.
    pub(crate) async fn insert(&self, message: StoredMessage, raw: Vec<u8>, now: Timestamp) -> io::Result<String> {
        let id = self.blocking(move |shelf| shelf.insert(message, &raw, now)).await?;
        self.arrived.notify_waiters();
        Ok(id)
    }

    async fn select(&self, filter: &MailboxFilter, max_age: Duration) -> io::Result<Vec<StoredMessage>> {
        let filter = filter.clone();
        self.blocking(move |shelf| shelf.select(&filter, max_age)).await
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Shelf) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let folder = Arc::clone(&self.shelf);
        tokio::task::spawn_blocking(move || work(&folder)).await.map_err(io::Error::other)?
    }
}

impl Shelf {
    fn select(&self, filter: &MailboxFilter, max_age: Duration) -> io::Result<Vec<StoredMessage>> {
        let wanted = filter.to.as_deref().map(comparable);
        let mut index = self.index();
        if index.read_at.is_none_or(|read_at| read_at.elapsed() >= max_age) {
            self.refresh(&mut index)?;
        }
        let newer = |id: &String| filter.after.as_ref().is_none_or(|after| id > after);
        Ok(index
            .entries
            .iter()
            .rev()
            .take_while(|(id, _)| newer(id))
            .filter_map(|(_, entry)| match entry {
                Entry::Message { to, message } if wanted.as_ref().is_none_or(|wanted| wanted == to) => {
                    Some(StoredMessage::clone(message))
                }
                Entry::Message { .. } | Entry::Unreadable => None,
            })
            .collect())
    }

    fn insert(&self, mut message: StoredMessage, raw: &[u8], now: Timestamp) -> io::Result<String> {
        let _turn = self.lock_folder()?;
        let mut index = self.index();
        let files = self.refresh(&mut index)?;
        let newest = index.entries.keys().next_back().and_then(|id| id.split('-').next()?.parse().ok()).unwrap_or(0);
        let micros = now.as_micros().max(index.last_micros.max(newest).saturating_add(1));
        let mut suffix = [0; 4];
        SystemRandomness.fill(&mut suffix);
        let id = format!("{micros:019}-{}", hex::encode(suffix));
        message.id.clone_from(&id);
        let temporary = self.folder.join(format!("{id}.tmp"));
        write_private_file(&self.folder.join(format!("{id}.eml")), raw)?;
        write_private_file(&temporary, &serde_json::to_vec(&message)?)?;
        fs::rename(&temporary, self.folder.join(format!("{id}.json")))?;
        index.last_micros = micros;
        index.entries.insert(id.clone(), Entry::of(message));
        self.prune(&mut index, &files)?;
        Ok(id)
    }

    /// Deletes what is older than the messages that are kept, also what a crash left half written.
    fn prune(&self, index: &mut Index, files: &[(String, PathBuf)]) -> io::Result<()> {
        while index.entries.len() > self.keep {
            index.entries.pop_first();
        }
        let Some(oldest) = index.entries.keys().next().filter(|_| index.entries.len() == self.keep) else {
            return Ok(());
        };
        files.iter().filter(|(id, _)| id < oldest).try_for_each(|(_, path)| remove(path).map(drop))
    }

    fn delete(&self, id: &str) -> io::Result<bool> {
        let (Some(json), Some(eml)) = (self.file(id, "json"), self.file(id, "eml")) else {
            return Ok(false);
        };
        self.index().entries.remove(id);
        let existed = remove(&json)?;
        remove(&eml)?;
        Ok(existed)
    }

    fn clear(&self) -> io::Result<()> {
        let _turn = self.lock_folder()?;
        let mut index = self.index();
        self.refresh(&mut index)?.iter().try_for_each(|(_, path)| remove(path).map(drop))?;
        index.entries.clear();
        Ok(())
    }

    /// Brings the index up to date with the folder and tells all files that belong to messages.
    fn refresh(&self, index: &mut Index) -> io::Result<Vec<(String, PathBuf)>> {
        let read_at = Instant::now();
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            if let Some(id) = path.file_stem().and_then(std::ffi::OsStr::to_str).filter(|id| is_id(id)) {
                files.push((id.to_owned(), path));
            }
        }
        files.sort();
        let is_message = |path: &Path| path.extension().is_some_and(|extension| extension == "json");
        let mut messages: BTreeMap<&String, &PathBuf> =
            files.iter().filter(|(_, path)| is_message(path)).map(|(id, path)| (id, path)).collect();
        while messages.len() > self.keep {
            messages.pop_first();
        }
        index.entries.retain(|id, _| messages.contains_key(id));
        for (id, path) in messages {
            if index.entries.contains_key(id) {
                continue;
            }
            match read_message(path) {
                Ok(Some(message)) => {
                    index.entries.insert(id.clone(), Entry::of(message));
                }
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(id, kind = ?error.kind(), "a file in the mailbox cannot be read as a message");
                    index.entries.insert(id.clone(), Entry::Unreadable);
                }
            }
        }
        index.read_at = Some(read_at);
        Ok(files)
    }

    /// The file of a message; `None` for what cannot be an id, so that no request leads out of the folder.
    fn file(&self, id: &str, extension: &str) -> Option<PathBuf> {
        is_id(id).then(|| self.folder.join(format!("{id}.{extension}")))
    }

    fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the turn to write; it ends when the file is dropped. Where the file system knows no locks everybody has it.
    fn lock_folder(&self) -> io::Result<File> {
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(self.folder.join(".lock"))?;
        match file.lock() {
            Err(error) if error.kind() != io::ErrorKind::Unsupported => Err(error),
            _ => Ok(file),
        }
    }
}

impl Entry {
    fn of(message: StoredMessage) -> Self {
        Self::Message { to: comparable(&message.to), message: Arc::new(message) }
    }
}

/// Digits, lower-case hex letters and hyphens: what ids are made of.
fn is_id(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte) || byte == b'-';
    (1..=64).contains(&text.len()) && text.bytes().all(allowed)
}

/// The form in which recipients are compared.
fn comparable(to: &str) -> String {
    EmailAddress::parse(to.trim()).map_or_else(|_| to.trim().to_lowercase(), |email| email.canonical().to_owned())
}

fn read_message(path: &Path) -> io::Result<Option<StoredMessage>> {
    let Some(bytes) = read_file(path)? else {
        return Ok(None);
    };
    let mut message: StoredMessage = serde_json::from_slice(&bytes)?;
    // The name is what requests go by, whatever a person wrote into the file.
    path.file_stem().and_then(std::ffi::OsStr::to_str).unwrap_or_default().clone_into(&mut message.id);
    Ok(Some(message))
}

fn read_file(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    match File::open(path).and_then(|file| file.take(MAX_FILE_BYTES).read_to_end(&mut bytes)) {
        Ok(_) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether there was such a file.
fn remove(path: &Path) -> io::Result<bool> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}
