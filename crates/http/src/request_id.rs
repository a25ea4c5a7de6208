//! The identity of a request, by which a client's complaint is found in the logs.

use std::sync::Arc;

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
    /// The identity that a request brings along, if it has the right form, else a new one.
    pub fn resolve(header: Option<&HeaderValue>, randomness: &dyn Randomness) -> Self {
        let brought = header.map(HeaderValue::as_bytes).and_then(|bytes| std::str::from_utf8(bytes).ok());
        if let Some(text) = brought.filter(|text| is_well_formed(text)) {
            return Self(text.into());
        }
        let mut bytes = [0; 16];
        randomness.fill(&mut bytes);
        Self(hex::encode(bytes).into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
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
        let longest = "x".repeat(64);
        for text in ["a", "0b7c-4.x_Y", &longest] {
            let header = HeaderValue::from_str(text).unwrap();
            assert_eq!(RequestId::resolve(Some(&header), &SystemRandomness).as_str(), text);
        }
        let too_long = "x".repeat(65);
        for text in ["", "a b", "a\"b", "ä", &too_long] {
            let header = HeaderValue::from_bytes(text.as_bytes()).unwrap();
            let id = RequestId::resolve(Some(&header), &SystemRandomness);
            assert!(id.as_str() != text && id.as_str().len() == 32, "{text}");
        }
        let new = || RequestId::resolve(None, &SystemRandomness);
        assert_ne!(new(), new());
    }
}
