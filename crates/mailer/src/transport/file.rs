//! The transport `file`: one `.eml` file a message, for whatever picks them up.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use domain::{Randomness, SystemRandomness};

use super::{Receipt, SendError, Transport};
use crate::message::RenderedMail;

/// A folder of messages.
pub(crate) struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Opens the folder and creates it if need be.
    ///
    /// # Errors
    ///
    /// When it cannot be created.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        create_private_folder(path)?;
        Ok(Self { path: path.to_owned() })
    }
}

#[async_trait]
impl Transport for Folder {
    /// Writes `<message id>.eml`, so that a message that is sent again takes its own place.
    async fn send(&self, mail: &RenderedMail) -> Result<Receipt, SendError> {
        let id = mail.message_id.trim_start_matches('<').split('@').next().unwrap_or_default();
        let name = format!("{id}.eml");
        let (folder, raw, target) = (self.path.clone(), mail.raw().to_vec(), name.clone());
        match tokio::task::spawn_blocking(move || write_durably(&folder, &target, &raw)).await {
            Ok(Ok(())) => Ok(Receipt { answer: format!("file {name}") }),
            Ok(Err(error)) => Err(SendError::Transient(format!("file: {error}"))),
            Err(_) => Err(SendError::Transient("file: the writing was interrupted".to_owned())),
        }
    }
}

/// Puts `name` into `folder` whole or not at all, and for good: written under another name, on the disk before it is renamed,
/// and the renaming on the disk before this returns.
fn write_durably(folder: &Path, name: &str, raw: &[u8]) -> io::Result<()> {
    let mut suffix = [0; 8];
    SystemRandomness.fill(&mut suffix);
    let temporary = folder.join(format!(".{name}.{}.tmp", hex::encode(suffix)));
    let written = write_private_file(&temporary, raw)
        .and_then(|file| file.sync_all())
        .and_then(|()| std::fs::rename(&temporary, folder.join(name)));
    if let Err(error) = written {
        // What cannot be removed either has a name that no reader takes for a message.
        let _ = std::fs::remove_file(&temporary);
        return Err(error);
    }
    // Elsewhere a folder cannot be opened as a file, and the file system keeps a renaming by itself.
    #[cfg(unix)]
    File::open(folder)?.sync_all()?;
    Ok(())
}

/// Creates a file that only this user can read, and that did not exist.
pub(crate) fn write_private_file(path: &Path, content: &[u8]) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(content)?;
    Ok(file)
}

/// Creates a folder, with those above it, that only this user can enter; one that is there stays as it is.
pub(crate) fn create_private_folder(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn the_same_name_again_replaces_the_file_and_leaves_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        write_durably(folder.path(), "a.eml", b"first, and longer").unwrap();
        write_durably(folder.path(), "a.eml", b"second").unwrap();
        assert_eq!(names(folder.path()), ["a.eml"]);
        assert_eq!(std::fs::read(folder.path().join("a.eml")).unwrap(), b"second");
    }

    #[test]
    fn a_failed_write_leaves_no_half_message() {
        let folder = tempfile::tempdir().unwrap();
        // A folder that stands where the file belongs makes the renaming fail.
        std::fs::create_dir_all(folder.path().join("a.eml/x")).unwrap();
        write_durably(folder.path(), "a.eml", b"text").unwrap_err();
        assert_eq!(names(folder.path()), ["a.eml"]);
    }

    #[cfg(unix)]
    #[test]
    fn only_the_user_can_read_messages() {
        use std::os::unix::fs::PermissionsExt;
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("data/mail");
        create_private_folder(&folder).unwrap();
        write_durably(&folder, "a.eml", b"text").unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&folder.join("a.eml"))), (0o700, 0o600));
    }
}
