//! Messages as they go over the wire, read far enough to find whom they are for and the key in their link.

use std::fs;
use std::path::Path;

/// A message of RFC 5322.
#[derive(Clone, Debug)]
pub struct Eml {
    /// As it came, with one kind of line break.
    pub raw: String,
    /// With quoted-printable undone, wherever it may be meant.
    pub decoded: String,
}

impl Eml {
    /// Reads a message.
    pub fn parse(bytes: &[u8]) -> Self {
        Self { raw: String::from_utf8_lossy(bytes).replace("\r\n", "\n"), decoded: decode(bytes) }
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let head = self.raw.split("\n\n").next()?;
        head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// The key in its link.
    pub fn token(&self) -> Option<&str> {
        // A part that is not encoded must not be decoded either: `=01` is the beginning of a key there.
        [&self.raw, &self.decoded].into_iter().find_map(|text| {
            let (_, rest) = text.split_once("token=")?;
            rest.get(..32).filter(|token| token.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')))
        })
    }
}

/// The whole messages in a folder of `.eml` files, oldest name first.
pub fn read_folder(folder: &Path) -> Vec<Eml> {
    let mut paths: Vec<_> = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "eml"));
    paths.sort();
    paths.iter().filter_map(|path| fs::read(path).ok()).map(|bytes| Eml::parse(&bytes)).collect()
}

/// Quoted-printable undone, with one kind of line break.
fn decode(bytes: &[u8]) -> String {
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&byte, behind)) = rest.split_first() {
        let (replacement, length) = match (byte, behind) {
            (b'=', [b'\r', b'\n', ..]) => (None, 3),
            (b'=', [b'\n', ..]) => (None, 2),
            (b'=', [high, low, ..])
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() && !high.is_ascii_lowercase() =>
            {
                (from_hex([*high, *low]), 3)
            }
            (b'\r', [b'\n', ..]) => (None, 1),
            _ => (Some(byte), 1),
        };
        decoded.extend(replacement);
        rest = rest.get(length..).unwrap_or_default();
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

fn from_hex(digits: [u8; 2]) -> Option<u8> {
    u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_behind_the_encoding() {
        for body in [
            "link: https://x/?token=0123456789abcdef0123456789abcdef&_store=DE",
            "link: https://x/?token=3D0123456789abcdef01=\r\n23456789abcdef&_store=3DDE",
        ] {
            let message = Eml::parse(format!("To: mira@example.com\r\nSubject: x\r\n\r\n{body}\r\n").as_bytes());
            assert_eq!(message.token(), Some("0123456789abcdef0123456789abcdef"));
            assert_eq!(message.header("to"), Some("mira@example.com"));
        }
    }
}
