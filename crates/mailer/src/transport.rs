//! How messages leave: the seam, what comes of an attempt, and the texts that may be kept about it.

pub(crate) mod file;
pub(crate) mod mailbox;
pub(crate) mod smtp;

use async_trait::async_trait;

use crate::message::RenderedMail;

/// Takes messages over.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Hands one message over. The same message may come again: at least once is the promise, exactly once is not.
    ///
    /// # Errors
    ///
    /// Whether trying again makes sense.
    async fn send(&self, mail: &RenderedMail) -> Result<Receipt, SendError>;
}

/// What the other side said when it took a message over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// One line without addresses, keys and codes: the SMTP answer, or where the message was put.
    pub answer: String,
}

/// Why a message was not handed over. The texts are one line without addresses, keys and codes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// It may work later.
    #[error("not sent: {0}")]
    Transient(String),
    /// It will never work.
    #[error("refused: {0}")]
    Permanent(String),
    /// The connection was lost after the text had been handed over and before it was acknowledged: it may have been delivered.
    #[error("unclear whether sent: {0}")]
    Ambiguous(String),
}

/// Characters that are kept of what another machine said.
const MAX_ANSWER_CHARACTERS: usize = 160;

/// One line of what another machine said about `mail`, without anything in it that is an address, a link, or this message's key
/// or code: mail servers like to quote all of them.
pub(crate) fn redact(text: &str, mail: &RenderedMail) -> String {
    let local_part = mail.to.email.canonical().rsplit_once('@').map_or("", |(local, _)| local);
    let secrets = [mail.token.as_deref(), mail.code.as_deref()].map(|secret| secret.unwrap_or_default().to_lowercase());
    let tells = |word: &str| {
        let word = word.to_lowercase();
        let bare = word.trim_matches(|character: char| !character.is_alphanumeric());
        word.contains(['@', '\u{ff20}'])
            || word.contains("://")
            || word.contains("%40")
            || bare == local_part
            || secrets.iter().any(|secret| !secret.is_empty() && word.contains(secret))
    };
    let words = text.split(|character: char| character.is_whitespace() || character.is_control());
    let line: Vec<&str> =
        words.filter(|word| !word.is_empty()).map(|word| if tells(word) { "[removed]" } else { word }).collect();
    line.join(" ").chars().take(MAX_ANSWER_CHARACTERS).collect()
}
