//! The transport `mailbox`: messages become readable by people and test suites.

use std::sync::Arc;

use async_trait::async_trait;
use domain::Clock;

use super::{Receipt, SendError, Transport};
use crate::mailbox::{Mailbox, StoredMessage};
use crate::message::RenderedMail;

/// Puts messages into a [`Mailbox`].
pub(crate) struct ToMailbox {
    pub(crate) mailbox: Arc<Mailbox>,
    pub(crate) clock: Arc<dyn Clock>,
}

#[async_trait]
impl Transport for ToMailbox {
    async fn send(&self, mail: &RenderedMail) -> Result<Receipt, SendError> {
        let now = self.clock.now();
        let message = StoredMessage {
            id: String::new(),
            channel: "mail".to_owned(),
            kind: mail.kind.as_str().to_owned(),
            to: mail.to.email.as_typed().to_owned(),
            from: mail.from.email.as_typed().to_owned(),
            subject: Some(mail.subject.clone()),
            sent_at: now.to_rfc3339(),
            text: Some(mail.text.clone()),
            html: Some(mail.html.clone()),
            link: mail.link.clone(),
            token: mail.token.clone(),
            code: mail.code.clone(),
        };
        match self.mailbox.insert(message, mail.raw().to_vec(), now).await {
            Ok(id) => Ok(Receipt { answer: format!("mailbox {id}") }),
            Err(error) => Err(SendError::Transient(format!("mailbox: {error}"))),
        }
    }
}
