//! What can be bought, as a catalogue knows it: an offer, what it is called, what it looks like.

use std::collections::BTreeMap;

use crate::{Locale, Offer};

/// What a product is called in one language: 1 to 255 characters on one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProductName(String);

impl ProductName {
    /// The most.
    pub const MAX_CHARACTERS: usize = 255;

    /// Reads one.
    pub fn parse(text: &str) -> Option<Self> {
        let length = text.chars().count();
        let fits = (1..=Self::MAX_CHARACTERS).contains(&length) && !text.contains(char::is_control);
        fits.then(|| Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Where a picture of a product is: an absolute http(s) URL of at most 2000 ASCII characters, so that a page may show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageUrl(String);

impl ImageUrl {
    /// The most.
    pub const MAX_CHARACTERS: usize = 2000;

    /// Reads one.
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
        let has_host = rest.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '[');
        let fits = text.len() <= Self::MAX_CHARACTERS && text.bytes().all(|byte| byte.is_ascii_graphic());
        (has_host && fits).then(|| Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A product of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    /// What a cart must know: at least one price, and prices in [`Self::MAX_CURRENCIES`] at most.
    pub offer: Offer,
    /// What it is called, in [`Self::MAX_NAMES`] languages at most.
    pub names: BTreeMap<Locale, ProductName>,
    /// Where a picture is.
    pub image: Option<ImageUrl>,
}

impl Product {
    /// Currencies in which a product has a price at most.
    pub const MAX_CURRENCIES: usize = 20;
    /// Languages in which a product has a name at most.
    pub const MAX_NAMES: usize = 50;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_pictures_have_bounds() {
        assert_eq!(ProductName::parse("Kamera \u{201e}Ü\u{201c}").unwrap().as_str(), "Kamera \u{201e}Ü\u{201c}");
        assert!(ProductName::parse(&"ü".repeat(255)).is_some());
        for text in ["", "a\nb", &"ü".repeat(256)] {
            assert_eq!(ProductName::parse(text), None, "{text:?}");
        }
        let long = |length: usize| format!("https://cdn.example/{}", "a".repeat(length - 20));
        for text in ["http://a/b.png", "https://cdn.example/x?y=1#z", "https://[::1]/a", &long(2000)] {
            assert_eq!(ImageUrl::parse(text).unwrap().as_str(), text);
        }
        for text in
            ["", "/a.png", "https://", "https:///a", "javascript:alert(1)", "https://a/b c", "https://a/ü", &long(2001)]
        {
            assert_eq!(ImageUrl::parse(text), None, "{text:?}");
        }
    }
}
