//! The links in messages: built from settings, never from a request.

use domain::{LinkKey, Locale};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

/// What RFC 3986 calls unreserved stays as it is; everything else is percent-encoded.
const QUERY_VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

const STOREFRONT: &str = "{storefront}";

/// The pattern of a link that opens a door, for the key of a message to be put in.
#[derive(Debug)]
pub(crate) struct LinkPattern {
    pieces: Vec<Piece>,
}

#[derive(Debug)]
enum Piece {
    Text(String),
    Key,
    Store,
}

impl LinkPattern {
    /// Reads a printf-style pattern: the first `%s` is the key, the second, which may be missing, the store; `%%` is a percent
    /// sign. The pattern begins with `{storefront}` or is an http or https address itself. `setting` is the name that errors go by.
    ///
    /// # Errors
    ///
    /// A sentence that names the setting and what is wrong with it.
    pub(crate) fn parse(setting: &str, pattern: &str, storefront: &str) -> Result<Self, String> {
        let wrong = |what: &str| Err(format!("{setting} {what}"));
        if pattern.chars().any(|character| character.is_whitespace() || character.is_control()) {
            return wrong("must not contain blanks or control characters");
        }
        let (base, rest) = match pattern.strip_prefix(STOREFRONT) {
            Some(rest) => (storefront, rest),
            None if pattern.starts_with("https://") || pattern.starts_with("http://") => ("", pattern),
            None => return wrong("must begin with {storefront}, http:// or https://"),
        };
        let mut places = [Piece::Key, Piece::Store].into_iter();
        let mut text = base.to_owned();
        let mut pieces = Vec::new();
        let mut characters = rest.chars();
        while let Some(character) = characters.next() {
            if character != '%' {
                text.push(character);
                continue;
            }
            match characters.next() {
                Some('%') => text.push('%'),
                Some('s') => {
                    let Some(place) = places.next() else {
                        return wrong("has more than two %s: the first is the key, the second the store");
                    };
                    pieces.extend([Piece::Text(std::mem::take(&mut text)), place]);
                }
                _ => return wrong("has a % that is followed by neither s nor another %"),
            }
        }
        pieces.push(Piece::Text(text));
        if places.len() == 2 {
            return wrong("lacks %s, the place of the key");
        }
        Ok(Self { pieces })
    }

    /// The link for one message. The locale is appended to it, so that the page speaks the customer's language.
    pub(crate) fn build(&self, key: &LinkKey, store: &str, locale: &Locale) -> String {
        let mut link = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => link.push_str(text),
                Piece::Key => link.push_str(key.expose()),
                Piece::Store => link.extend(utf8_percent_encode(store, QUERY_VALUE)),
            }
        }
        link.push_str(if link.contains('?') { "&_locale=" } else { "?_locale=" });
        link.push_str(locale.as_str());
        link
    }
}

/// Checks the base of all links.
///
/// # Errors
///
/// A sentence that names the setting and what is wrong with it.
pub(crate) fn check_storefront(text: &str) -> Result<(), String> {
    let wrong = |what: &str| Err(format!("mail.storefront_url {what}"));
    let Ok(address) = Url::parse(text) else {
        return wrong("is not an address such as https://shop.example");
    };
    let has_extras = !address.username().is_empty()
        || address.password().is_some()
        || address.query().is_some()
        || address.fragment().is_some();
    if !["http", "https"].contains(&address.scheme()) || !text.starts_with(&format!("{}://", address.scheme())) {
        wrong("must begin with http:// or https://")
    } else if has_extras || text.contains(|character: char| character.is_whitespace() || character.is_control()) {
        wrong("must have neither user, query, fragment nor blanks")
    } else if text.ends_with('/') {
        wrong("must not end with a slash")
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(pattern: &str, store: &str) -> String {
        let key = LinkKey::parse("607a17d1c673f461ca40002ea79fddc0").unwrap();
        let link = LinkPattern::parse("mail.confirm_link", pattern, "https://shop.example/de%20x").unwrap();
        link.build(&key, store, &Locale::parse("de_DE").unwrap())
    }

    #[test]
    fn the_default_pattern_is_that_of_the_storefront() {
        assert_eq!(
            build("{storefront}/register/confirm?token=%s&_store=%s", "DE"),
            "https://shop.example/de%20x/register/confirm?token=607a17d1c673f461ca40002ea79fddc0&_store=DE&_locale=de_DE"
        );
    }

    #[test]
    fn patterns_may_leave_the_store_out_and_need_no_query() {
        assert_eq!(
            build("https://other.example/c/%s/100%%", "DE"),
            "https://other.example/c/607a17d1c673f461ca40002ea79fddc0/100%?_locale=de_DE"
        );
    }

    #[test]
    fn a_store_cannot_break_out_of_its_parameter() {
        let link = build("{storefront}/c?token=%s&_store=%s", "D&E=ü \"/");
        assert!(link.contains("_store=D%26E%3D%C3%BC%20%22%2F&_locale=de_DE"), "{link}");
    }

    #[test]
    fn broken_patterns_say_what_is_wrong() {
        for (pattern, part) in [
            ("{storefront}/confirm", "lacks %s"),
            ("{storefront}/%s/%s/%s", "more than two"),
            ("{storefront}/%s?x=%d", "followed by neither"),
            ("{storefront}/%s%", "followed by neither"),
            ("/confirm?token=%s", "must begin with"),
            ("javascript:%s", "must begin with"),
            ("{storefront}/a b?%s", "blanks"),
        ] {
            let text = LinkPattern::parse("mail.restore_link", pattern, "https://shop.example").unwrap_err();
            assert!(text.contains(part) && text.contains("mail.restore_link"), "{pattern}: {text}");
        }
    }

    #[test]
    fn the_storefront_is_a_bare_web_address() {
        for right in ["https://shop.example", "http://127.0.0.1:8080", "https://shop.example/de", "http://[::1]:8080"] {
            assert_eq!(check_storefront(right), Ok(()), "{right}");
        }
        for wrong in [
            "",
            "shop.example",
            "ftp://shop.example",
            "https:shop.example",
            "https://shop.example/",
            "https://me:pw@shop.example",
            "https://shop.example?a",
            "https://shop.example#a",
            "https://shop.example/a b",
            "https://shop.example/\r\nBcc:x",
        ] {
            assert!(check_storefront(wrong).unwrap_err().contains("mail.storefront_url"), "{wrong}");
        }
    }
}
