//! The mail that a gateway has sent, read as a test suite outside would read it.

use serde_json::Value;

use crate::http::percent_encoded;
use crate::{Client, Request};

/// A mailbox behind its JSON API.
#[derive(Clone, Copy, Debug)]
pub struct Mailbox {
    client: Client,
}

/// One message, with what was found in it.
#[derive(Clone, Debug)]
pub struct Mail {
    /// Its name in the mailbox.
    pub id: String,
    /// What it is for: `registration-confirmation`.
    pub kind: String,
    /// The recipient.
    pub to: String,
    /// The subject line.
    pub subject: String,
    /// The plain part.
    pub text: String,
    /// The HTML part.
    pub html: String,
    /// The link that it asks to open; empty where there is none.
    pub link: String,
    /// The key in that link; empty where there is none.
    pub token: String,
    /// The short code; empty where there is none.
    pub code: String,
}

impl Mail {
    fn from_json(message: &Value) -> Self {
        let text = |name: &str| message.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        Self {
            id: text("id"),
            kind: text("kind"),
            to: text("to"),
            subject: text("subject"),
            text: text("text"),
            html: text("html"),
            link: text("link"),
            token: text("token"),
            code: text("code"),
        }
    }
}

impl Mailbox {
    pub(crate) const fn new(client: Client) -> Self {
        Self { client }
    }

    /// The newest message to that address, waiting for the first.
    ///
    /// # Panics
    /// Where none comes.
    pub async fn wait_for(&self, address: &str) -> Mail {
        self.newest(address, "&wait=30").await.unwrap_or_else(|| panic!("no mail to {address} in thirty seconds"))
    }

    /// The newest message to that address after that one, waiting for it.
    ///
    /// # Panics
    /// Where none comes.
    pub async fn wait_for_next(&self, after: &Mail) -> Mail {
        let filter = format!("&wait=30&after={}", after.id);
        let next = self.newest(&after.to, &filter).await;
        next.unwrap_or_else(|| panic!("no further mail to {} in thirty seconds", after.to))
    }

    /// The newest message of that kind to that address after that one, or after none, waiting for it.
    ///
    /// # Panics
    /// Where none comes.
    pub async fn wait_for_kind(&self, address: &str, kind: &str, after: Option<&Mail>) -> Mail {
        let mut seen = after.map(|mail| mail.id.clone());
        loop {
            let filter = seen.map_or_else(String::new, |id| format!("&after={id}"));
            let newer = self.query(address, &format!("&wait=30{filter}")).await;
            let newest = newer.first().unwrap_or_else(|| panic!("no {kind} mail to {address} in thirty seconds"));
            seen = Some(newest.id.clone());
            if let Some(found) = newer.into_iter().find(|mail| mail.kind == kind) {
                return found;
            }
        }
    }

    /// What is there for that address now, newest first.
    pub async fn list(&self, address: &str) -> Vec<Mail> {
        self.query(address, "").await
    }

    async fn newest(&self, address: &str, filter: &str) -> Option<Mail> {
        self.query(address, filter).await.into_iter().next()
    }

    async fn query(&self, address: &str, filter: &str) -> Vec<Mail> {
        let path = format!("/mailbox/api/messages?to={}{filter}", percent_encoded(address));
        let answer = self.client.send(&Request::get(&path)).await.expect_status(200);
        let json = answer.json();
        let messages = json.get("messages").and_then(Value::as_array);
        messages.unwrap_or_else(|| panic!("no messages in {answer:?}")).iter().map(Mail::from_json).collect()
    }
}
