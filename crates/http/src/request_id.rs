//! The identity of a request, by which a client's complaint is found in the logs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use actix_web::http::header::{HeaderName, HeaderValue};
use domain::Randomness;

/// The header that carries it, both ways.
pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The longest identity that is taken over from a request.
const MAX_CHARACTERS: usize = 64;

/// 1 to 64 letters, digits, `.`, `_` or `-`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Gives requests their identities. Asking the operating system for chance with each request would cost more than all else
/// that is done with the identity, so it is asked once.
pub(crate) struct RequestIds {
    node: u64,
    /// Odd, so that multiplying by it maps different counts to different numbers and hides how many there were.
    step: u64,
    count: AtomicU64,
}

impl RequestIds {
    pub(crate) fn new(randomness: &dyn Randomness) -> Self {
        let number = || {
            let mut bytes = [0; 8];
            randomness.fill(&mut bytes);
            u64::from_le_bytes(bytes)
        };
        Self { node: number(), step: number() | 1, count: AtomicU64::new(number()) }
    }

    /// The identity that a request brings along, if it has the right form, else a new one of 32 hex characters.
    pub(crate) fn resolve(&self, header: Option<&HeaderValue>) -> RequestId {
        let brought = header.map(HeaderValue::as_bytes).and_then(|bytes| std::str::from_utf8(bytes).ok());
        if let Some(text) = brought.filter(|text| is_well_formed(text)) {
            return RequestId(text.into());
        }
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        RequestId(format!("{:016x}{:016x}", self.node, count.wrapping_mul(self.step)).into())
    }
}

fn is_well_formed(text: &str) -> bool {
    (1..=MAX_CHARACTERS).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::SystemRandomness;

    #[test]
    fn a_well_formed_identity_is_taken_over_and_any_other_replaced() {
        let ids = RequestIds::new(&SystemRandomness);
        let longest = "x".repeat(64);
        for text in ["a", "0b7c-4.x_Y", &longest] {
            let header = HeaderValue::from_str(text).unwrap();
            assert_eq!(ids.resolve(Some(&header)).as_str(), text);
        }
        let too_long = "x".repeat(65);
        for text in ["", "a b", "a\"b", "ä", &too_long] {
            let header = HeaderValue::from_bytes(text.as_bytes()).unwrap();
            let id = ids.resolve(Some(&header));
            assert!(id.as_str() != text && id.as_str().len() == 32, "{text}");
        }
    }

    #[test]
    fn no_two_requests_have_the_same_identity() {
        let ids = RequestIds::new(&SystemRandomness);
        let seen: std::collections::HashSet<_> = (0..1000).map(|_| ids.resolve(None).as_str().to_owned()).collect();
        assert_eq!(seen.len(), 1000);
        assert!(!seen.contains(RequestIds::new(&SystemRandomness).resolve(None).as_str()));
    }
}
