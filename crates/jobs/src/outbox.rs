//! Works off the outbox.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use application::Application;
use domain::{Code, LinkKey, MessageId, SecretPurpose, Timestamp};
use futures_util::{FutureExt, StreamExt, stream};
use mailer::{Letter, LetterSecret, Mailer, SendError};
use store::{Finish, KeyOutcome, Lease, LeasedMessage, NewKey, Store, StoreError};
use tokio_util::sync::CancellationToken;

use crate::{JobSettings, backoff};

/// Deliveries under way at once on one node.
const CONCURRENCY: usize = 4;

/// How long a worker waits for more once a message is announced: messages that follow each other closely are leased, and
/// their keys stored, together. Nobody notices it in a mail.
const GATHER: Duration = Duration::from_millis(50);

pub(crate) struct Worker {
    application: Application,
    store: Store,
    mailer: Arc<Mailer>,
    settings: JobSettings,
    name: String,
}

/// What a delivery came to.
struct Outcome {
    finish: Finish,
    label: &'static str,
}

impl Outcome {
    fn sent(answer: String) -> Self {
        Self { finish: Finish::Sent { note: answer }, label: "sent" }
    }

    fn dropped() -> Self {
        Self { finish: Finish::Dropped, label: "dropped" }
    }

    fn dead(note: String) -> Self {
        Self { finish: Finish::Dead { note }, label: "dead" }
    }
}

struct MintedSecret {
    key: LinkKey,
    code: Code,
    expires_at: Option<Timestamp>,
}

impl Worker {
    pub(crate) fn new(application: Application, store: Store, mailer: Arc<Mailer>, settings: JobSettings) -> Self {
        let name = MessageId::generate(application.randomness()).as_str().to_owned();
        Self { application, store, mailer, settings, name }
    }

    /// Delivers until cancelled. What is under way by then is finished; what is leased and not begun is put back.
    pub(crate) async fn run(self, cancellation: CancellationToken) {
        while !cancellation.is_cancelled() {
            match self.lease().await {
                Ok(messages) if messages.is_empty() => self.idle(&cancellation).await,
                Ok(messages) => {
                    stream::iter(messages)
                        .for_each_concurrent(CONCURRENCY, |message| self.handle(message, &cancellation))
                        .await;
                }
                Err(error) => {
                    tracing::warn!(%error, "the outbox could not be read; trying again");
                    self.idle(&cancellation).await;
                }
            }
        }
    }

    async fn lease(&self) -> Result<Vec<LeasedMessage>, StoreError> {
        let now = self.application.clock().now();
        let until = now.plus(Duration::from_secs(self.settings.lease_seconds));
        self.store.lease_messages(Lease { worker: self.name.clone(), now, until, limit: self.settings.batch }).await
    }

    /// Waits for a message queued on this node, or for the next poll. The poll is jittered so that nodes do not ask in step.
    async fn idle(&self, cancellation: &CancellationToken) {
        let mut byte = [0];
        self.application.randomness().fill(&mut byte);
        let [chance] = byte;
        let poll = self.settings.poll_milliseconds;
        let pause = Duration::from_millis(poll * 3 / 4 + poll / 2 * u64::from(chance) / 255);
        tokio::select! {
            () = cancellation.cancelled() => {}
            () = self.application.message_queued() => tokio::time::sleep(GATHER).await,
            () = tokio::time::sleep(pause) => {}
        }
    }

    async fn handle(&self, message: LeasedMessage, cancellation: &CancellationToken) {
        let delivery =
            async { if cancellation.is_cancelled() { Ok(self.put_back()) } else { self.deliver(&message).await } };
        // A message that brings the worker down must not keep the others from their turn.
        let outcome = match AssertUnwindSafe(delivery).catch_unwind().await {
            Ok(Ok(outcome)) => outcome,
            Err(_) => self.put_off(&message, "the delivery panicked".to_owned()),
            Ok(Err(error)) => {
                // The lease runs out by itself, and the message is tried again then.
                tracing::warn!(%error, outbox.id = message.id, "a message could not be prepared");
                return;
            }
        };
        metrics::counter!("vestibule_messages_total", "kind" => message.kind.as_str(), "outcome" => outcome.label)
            .increment(1);
        let now = self.application.clock().now();
        match self.store.finish_message(message.id, &self.name, message.attempt, outcome.finish, now).await {
            Ok(true) => {}
            Ok(false) => tracing::warn!(outbox.id = message.id, "the lease ran out before the message was finished"),
            Err(error) => tracing::warn!(%error, outbox.id = message.id, "a message could not be finished"),
        }
    }

    async fn deliver(&self, message: &LeasedMessage) -> Result<Outcome, StoreError> {
        let secret = match message.kind.secret() {
            None => None,
            Some(purpose) => match self.mint(message, purpose).await? {
                Some(secret) => Some(secret),
                None => return Ok(Outcome::dropped()),
            },
        };
        let letter = Letter {
            kind: message.kind,
            customer: &message.customer,
            recipient: message.email.as_ref(),
            secret: secret.as_ref().map(|secret| LetterSecret {
                key: &secret.key,
                code: &secret.code,
                expires_at: secret.expires_at,
            }),
            message_id: &message.message_id,
            requested_at: message.created_at,
            now: self.application.clock().now(),
        };
        let mail = match self.mailer.render(&letter) {
            Ok(mail) => mail,
            Err(error) => {
                tracing::error!(%error, outbox.id = message.id, kind = %message.kind, "a mail could not be rendered");
                return Ok(Outcome::dead(format!("not rendered: {error}")));
            }
        };
        Ok(match self.mailer.send(&mail).await {
            Ok(receipt) => Outcome::sent(receipt.answer),
            Err(SendError::Permanent(answer)) => {
                tracing::error!(outbox.id = message.id, kind = %message.kind, answer, "a mail was refused for good");
                Outcome::dead(answer)
            }
            Err(SendError::Transient(answer)) => {
                // Nobody has this key. Kept, it would push out one that somebody has.
                if let Some(secret) = &secret {
                    self.store.delete_key(secret.key.digest()).await?;
                }
                self.put_off(message, answer)
            }
            Err(SendError::Ambiguous(answer)) => self.put_off(message, format!("maybe sent: {answer}")),
        })
    }

    /// Makes the secret of a message and stores its digests. `None` when the customer no longer needs one.
    async fn mint(&self, message: &LeasedMessage, purpose: SecretPurpose) -> Result<Option<MintedSecret>, StoreError> {
        let now = self.application.clock().now();
        let lifetime = self.application.secret_lifetime_seconds(message.kind, purpose);
        let expires_at = (lifetime > 0).then(|| now.plus(Duration::from_secs(lifetime)));
        let key = LinkKey::generate(self.application.randomness());
        let code = Code::generate(self.application.randomness());
        let digest = key.digest();
        let code_digest = code.digest(&digest, self.application.server_key());
        let new_key = NewKey {
            customer: message.customer.account().id,
            purpose,
            digest,
            // The page that sets a password has nothing to type a code into.
            code: (purpose != SecretPurpose::Restore).then_some(code_digest),
            is_code: message.kind.is_code(),
            expires_at,
            email: message.email.clone(),
            message: Some(message.id),
            notice_id: MessageId::generate(self.application.randomness()),
            notice_cool_down: Duration::from_secs(self.application.accounts().notice_cool_down_seconds),
            now,
        };
        Ok(match self.store.insert_key(new_key).await? {
            KeyOutcome::Inserted => Some(MintedSecret { key, code, expires_at }),
            KeyOutcome::Settled => None,
        })
    }

    fn put_back(&self) -> Outcome {
        let due_at = self.application.clock().now();
        Outcome { finish: Finish::Retry { due_at, note: "put back when a node stopped".to_owned() }, label: "put back" }
    }

    fn put_off(&self, message: &LeasedMessage, answer: String) -> Outcome {
        let Some(delay) = backoff::delay(message.attempt, &self.settings, self.application.randomness()) else {
            tracing::error!(outbox.id = message.id, kind = %message.kind, answer, "a mail was given up");
            return Outcome::dead(answer);
        };
        tracing::warn!(
            outbox.id = message.id,
            kind = %message.kind,
            attempt = message.attempt,
            retry_seconds = delay.as_secs(),
            answer,
            "a mail was put off"
        );
        let due_at = self.application.clock().now().plus(delay);
        Outcome { finish: Finish::Retry { due_at, note: answer }, label: "put off" }
    }
}
