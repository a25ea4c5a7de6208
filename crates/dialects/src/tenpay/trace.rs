//! The identity by which a client's complaint is found: W3C's trace-parent.

use std::fmt;

use actix_web::http::header::HeaderMap;
use domain::Randomness;

/// `00-<32 hex>-<16 hex>-<2 hex>`: the trace of the request, and our part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TraceId {
    trace: String,
    span: String,
    sampled: bool,
}

impl TraceId {
    /// Goes on with the trace that a request belongs to, or begins one.
    pub(crate) fn of(headers: &HeaderMap, randomness: &dyn Randomness) -> Self {
        let mut brought = headers.get_all("traceparent");
        let one = brought.next().filter(|_| brought.next().is_none());
        let parent = one.and_then(|value| value.to_str().ok()).and_then(parse);
        let (trace, sampled) = parent.unwrap_or_else(|| (random_hex::<16>(randomness), false));
        Self { trace, span: random_hex::<8>(randomness), sampled }
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { trace, span, sampled } = self;
        write!(formatter, "00-{trace}-{span}-{:02x}", u8::from(*sampled))
    }
}

/// The trace that a `traceparent` names, and whether it is sampled. Later versions may say more behind what we know.
fn parse(text: &str) -> Option<(String, bool)> {
    let mut parts = text.split('-');
    let version = hex_digits(parts.next()?, 2)?;
    let trace = hex_digits(parts.next()?, 32)?;
    let parent = hex_digits(parts.next()?, 16)?;
    let flags = hex_digits(parts.next()?, 2)?;
    let is_zero = |text: &str| text.bytes().all(|byte| byte == b'0');
    if version == "ff" || (version == "00" && parts.next().is_some()) || is_zero(trace) || is_zero(parent) {
        return None;
    }
    let sampled = u8::from_str_radix(flags, 16).is_ok_and(|flags| flags & 1 == 1);
    Some((trace.to_owned(), sampled))
}

fn hex_digits(text: &str, count: usize) -> Option<&str> {
    let well_formed = text.len() == count && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    well_formed.then_some(text)
}

fn random_hex<const BYTES: usize>(randomness: &dyn Randomness) -> String {
    let mut bytes = [0; BYTES];
    randomness.fill(&mut bytes);
    hex::encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::{HeaderName, HeaderValue};
    use domain::SystemRandomness;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    fn trace_of(values: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(HeaderName::from_static("traceparent"), HeaderValue::from_str(value).unwrap());
        }
        TraceId::of(&headers, &SystemRandomness).to_string()
    }

    #[test]
    fn p5_a_valid_trace_goes_on_and_any_other_begins() {
        for (parent, continues) in [
            (format!("00-{TRACE}-00f067aa0ba902b7-00"), true),
            (format!("00-{TRACE}-00f067aa0ba902b7-01"), true),
            (format!("01-{TRACE}-00f067aa0ba902b7-01-more"), true),
            (format!("00-{TRACE}-00f067aa0ba902b7-00-more"), false),
            (format!("ff-{TRACE}-00f067aa0ba902b7-00"), false),
            (format!("00-{}-00f067aa0ba902b7-00", TRACE.to_uppercase()), false),
            (format!("00-{TRACE}-0000000000000000-00"), false),
            (format!("00-{}-00f067aa0ba902b7-00", "0".repeat(32)), false),
            (format!("00-{TRACE}-00f067aa0ba902b7"), false),
            (format!("00-{}-00f067aa0ba902b7-00", &TRACE[1..]), false),
            ("x".to_owned(), false),
            (String::new(), false),
        ] {
            let id = trace_of(&[&parent]);
            let parts: Vec<&str> = id.split('-').collect();
            let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
            assert_eq!((parts[0], lengths.as_slice()), ("00", [2, 32, 16, 2].as_slice()), "{id}");
            assert!(parts.iter().all(|part| hex_digits(part, part.len()).is_some()), "{id}");
            assert_eq!(parts[1] == TRACE, continues, "{parent}");
            assert_ne!(parts[2], "00f067aa0ba902b7", "our part of it is our own");
            assert_eq!(parts[3] == "01", continues && parent.contains("b7-01"), "{parent}");
        }
        let parent = format!("00-{TRACE}-00f067aa0ba902b7-00");
        assert!(!trace_of(&[&parent, &parent]).contains(TRACE), "one is enough");
        assert_ne!(trace_of(&[]), trace_of(&[]));
    }
}
