//! The headers of answers.

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

/// What a 401 asks for.
pub const CHALLENGE: HeaderValue = HeaderValue::from_static("Bearer realm=\"Access to shop API\"");

/// The header that carries a guest's identity.
pub const GUEST: HeaderName = HeaderName::from_static("x-anonymous-customer-unique-id");

/// Its name as documents spell it.
pub const GUEST_AS_SPELLED: &str = "X-Anonymous-Customer-Unique-Id";

/// What keeps browsers from doing more with an answer than they should.
const SECURITY: [(HeaderName, HeaderValue); 5] = [
    (HeaderName::from_static("x-frame-options"), HeaderValue::from_static("SAMEORIGIN")),
    (HeaderName::from_static("content-security-policy"), HeaderValue::from_static("frame-ancestors 'self'")),
    (HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff")),
    (HeaderName::from_static("x-xss-protection"), HeaderValue::from_static("1; mode=block")),
    (HeaderName::from_static("referrer-policy"), HeaderValue::from_static("same-origin")),
];

/// Adds the security headers that an answer does not have of its own.
pub fn add_security(headers: &mut HeaderMap) {
    for (name, value) in SECURITY {
        if !headers.contains_key(&name) {
            headers.insert(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answers_own_policy_stays() {
        let mut headers = HeaderMap::new();
        let name = HeaderName::from_static("content-security-policy");
        headers.insert(name.clone(), HeaderValue::from_static("default-src 'none'"));
        add_security(&mut headers);
        assert_eq!(headers.get(&name).unwrap(), "default-src 'none'");
        assert_eq!(headers.get("x-frame-options").unwrap(), "SAMEORIGIN");
        assert_eq!(headers.len(), SECURITY.len());
    }
}
