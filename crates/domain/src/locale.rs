//! The language and region a customer is spoken to in.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A locale as the storefront names it: `de_DE`, two lower-case letters, an underscore, two upper-case letters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Locale(String);

impl Locale {
    /// Reads `de_DE`; anything of another shape is refused.
    pub fn parse(name: &str) -> Option<Self> {
        let (language, region) = name.split_once('_')?;
        let well_formed = language.len() == 2
            && region.len() == 2
            && language.bytes().all(|byte| byte.is_ascii_lowercase())
            && region.bytes().all(|byte| byte.is_ascii_uppercase());
        well_formed.then(|| Self(name.to_owned()))
    }

    /// The name with underscore: `de_DE`, as in `Content-Language` of Glue's answers.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The language alone: `de`.
    pub fn language(&self) -> &str {
        self.0.split_once('_').map_or(self.0.as_str(), |(language, _)| language)
    }
}

impl fmt::Display for Locale {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl TryFrom<String> for Locale {
    type Error = String;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        Self::parse(&name).ok_or_else(|| format!("`{name}` is not a locale such as de_DE"))
    }
}

impl From<Locale> for String {
    fn from(locale: Locale) -> Self {
        locale.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_storefront_shape_is_a_locale() {
        assert_eq!(Locale::parse("de_DE").unwrap().language(), "de");
        for wrong in ["de", "de-DE", "DE_de", "de_DE_x", "d_DE", "../x", ""] {
            assert!(Locale::parse(wrong).is_none(), "{wrong}");
        }
    }
}
