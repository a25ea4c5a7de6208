//! The texts of messages: one catalogue a locale, embedded, each replaceable by a file.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use domain::{Locale, Timestamp};

use crate::mailer::MailerError;
use crate::templates::{Source, list_files};

const EMBEDDED: [(&str, &str); 2] = [
    ("en_US", include_str!("../../../templates/locales/en_US.toml")),
    ("de_DE", include_str!("../../../templates/locales/de_DE.toml")),
];

/// The key of the form in which moments are written.
const MOMENT: &str = "moment";

/// The texts of one locale under keys such as `confirmation.link`.
#[derive(Debug)]
pub(crate) struct Catalogue {
    texts: BTreeMap<String, String>,
}

impl Catalogue {
    fn parse(source: &Source) -> Result<Self, MailerError> {
        let table: toml::Table = toml::from_str(&source.text).map_err(|error| {
            let line = error.span().map(|span| 1 + source.text.get(..span.start).unwrap_or("").matches('\n').count());
            source.error(line, error.message())
        })?;
        let mut texts = BTreeMap::new();
        flatten("", table, &mut texts).map_err(|problem| source.error(None, &problem))?;
        Ok(Self { texts })
    }

    /// The text under `key`, with `{name}` replaced by the parameter of that name.
    ///
    /// # Errors
    ///
    /// Names the key or the parameter that is missing.
    pub(crate) fn text(&self, key: &str, parameters: &BTreeMap<&str, String>) -> Result<String, String> {
        let mut rest = self.texts.get(key).ok_or_else(|| format!("there is no text `{key}`"))?.as_str();
        let mut text = String::with_capacity(rest.len());
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').ok_or_else(|| format!("text `{key}` has a {{ without a }}"))?;
            let value =
                parameters.get(name).ok_or_else(|| format!("text `{key}` wants `{name}`, which is not given"))?;
            text.push_str(before);
            text.push_str(value);
            rest = after;
        }
        text.push_str(rest);
        Ok(text)
    }

    /// A moment as people of this locale read it, in UTC.
    ///
    /// # Errors
    ///
    /// When the form under `moment` is missing or no strftime form.
    pub(crate) fn moment(&self, moment: Timestamp) -> Result<String, String> {
        let form = self.texts.get(MOMENT).ok_or_else(|| format!("there is no text `{MOMENT}`"))?;
        let moment = jiff::Timestamp::from_microsecond(moment.as_micros()).unwrap_or(jiff::Timestamp::MAX);
        jiff::fmt::strtime::format(form, &moment.to_zoned(jiff::tz::TimeZone::UTC))
            .map_err(|_| format!("text `{MOMENT}` is not a strftime form"))
    }
}

fn flatten(prefix: &str, table: toml::Table, texts: &mut BTreeMap<String, String>) -> Result<(), String> {
    for (name, value) in table {
        let key = format!("{prefix}{name}");
        match value {
            toml::Value::String(text) => {
                texts.insert(key, text);
            }
            toml::Value::Table(table) => flatten(&format!("{key}."), table, texts)?,
            _ => return Err(format!("`{key}` must be a text")),
        }
    }
    Ok(())
}

/// All catalogues.
#[derive(Debug)]
pub(crate) struct Locales {
    catalogues: BTreeMap<Locale, Arc<Catalogue>>,
    fallback: Locale,
}

impl Locales {
    /// The embedded texts, replaced and supplemented by those below `folder`.
    ///
    /// # Errors
    ///
    /// When a file cannot be read, is broken, or lacks a key that the embedded ones have; and when `fallback` has no texts.
    pub(crate) fn load(folder: Option<&Path>, fallback: &Locale) -> Result<Self, MailerError> {
        let mut sources: BTreeMap<Locale, Source> = EMBEDDED
            .into_iter()
            .filter_map(|(name, text)| {
                Some((Locale::parse(name)?, Source::embedded(&format!("locales/{name}.toml"), text)))
            })
            .collect();
        for path in folder.map_or_else(|| Ok(Vec::new()), |folder| list_files(&folder.join("locales"), "toml"))? {
            let name = path.file_stem().and_then(std::ffi::OsStr::to_str).unwrap_or_default();
            if name.contains('.') {
                // Texts of another part of the house, such as `pages.de_DE.toml`.
                continue;
            }
            let source = Source::read(&path)?;
            let Some(locale) = Locale::parse(name) else {
                return Err(source.error(None, "its name is not a locale such as de_DE.toml"));
            };
            sources.insert(locale, source);
        }
        let catalogues = sources
            .into_iter()
            .map(|(locale, source)| Ok((locale, (Catalogue::parse(&source)?, source))))
            .collect::<Result<BTreeMap<_, _>, MailerError>>()?;
        let wanted = Catalogue::parse(&Source::embedded(EMBEDDED[0].0, EMBEDDED[0].1))?;
        for (catalogue, source) in catalogues.values() {
            let missing: Vec<&str> =
                wanted.texts.keys().filter(|key| !catalogue.texts.contains_key(*key)).map(String::as_str).collect();
            if !missing.is_empty() {
                return Err(source.error(None, &format!("these texts are missing: {}", missing.join(", "))));
            }
        }
        if !catalogues.contains_key(fallback) {
            let known: Vec<&str> = catalogues.keys().map(Locale::as_str).collect();
            return Err(MailerError::Settings(format!(
                "mail.default_locale: there are no texts for {fallback}, only for {}",
                known.join(", ")
            )));
        }
        let catalogues = catalogues.into_iter().map(|(locale, (catalogue, _))| (locale, Arc::new(catalogue))).collect();
        Ok(Self { catalogues, fallback: fallback.clone() })
    }

    /// The texts of a locale that [`Self::pick`] or [`Self::iter`] named.
    ///
    /// # Errors
    ///
    /// When there are none.
    pub(crate) fn catalogue(&self, locale: &Locale) -> Result<&Catalogue, MailerError> {
        let found = self.catalogues.get(locale).map(Arc::as_ref);
        found.ok_or_else(|| MailerError::Message(format!("there are no texts for {locale}")))
    }

    /// Every locale with its texts.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Locale, &Arc<Catalogue>)> {
        self.catalogues.iter()
    }

    /// The locale whose texts a customer gets: their own, else one of the same language (the default one first), else the default.
    pub(crate) fn pick(&self, wanted: &Locale) -> &Locale {
        let same_language = || {
            [&self.fallback]
                .into_iter()
                .chain(self.catalogues.keys())
                .find(|locale| locale.language() == wanted.language())
        };
        self.catalogues.get_key_value(wanted).map(|(own, _)| own).or_else(same_language).unwrap_or(&self.fallback)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locale(name: &str) -> Locale {
        Locale::parse(name).unwrap()
    }

    #[test]
    fn embedded_catalogues_have_the_same_keys_and_the_same_parameters() {
        let locales = Locales::load(None, &locale("de_DE")).unwrap();
        let shape = |catalogue: &Catalogue| -> Vec<(String, Vec<String>)> {
            let parameters = |text: &str| {
                let mut names: Vec<String> =
                    text.split('{').skip(1).map(|part| part.split('}').next().unwrap().to_owned()).collect();
                names.sort();
                names
            };
            catalogue.texts.iter().map(|(key, text)| (key.clone(), parameters(text))).collect()
        };
        let shapes: Vec<_> = locales.catalogues.values().map(|catalogue| shape(catalogue)).collect();
        assert_eq!(shapes.len(), 2);
        assert!(shapes.windows(2).all(|pair| pair[0] == pair[1]), "{shapes:#?}");
    }

    #[test]
    fn a_customer_gets_their_own_locale_or_language_or_the_default() {
        let locales = Locales::load(None, &locale("de_DE")).unwrap();
        for (wanted, given) in [("en_US", "en_US"), ("en_GB", "en_US"), ("de_AT", "de_DE"), ("fr_FR", "de_DE")] {
            assert_eq!(locales.pick(&locale(wanted)).as_str(), given, "{wanted}");
        }
    }

    #[test]
    fn a_default_without_texts_is_a_start_up_error() {
        let text = Locales::load(None, &locale("fr_FR")).unwrap_err().to_string();
        assert!(text.contains("mail.default_locale") && text.contains("de_DE, en_US"), "{text}");
    }

    #[test]
    fn moments_are_written_for_people() {
        let locales = Locales::load(None, &locale("de_DE")).unwrap();
        let moment = Timestamp::from_micros(1_772_619_300_123_456);
        assert_eq!(locales.catalogues[&locale("en_US")].moment(moment).unwrap(), "4 March 2026, 10:15 UTC");
        assert_eq!(locales.catalogues[&locale("de_DE")].moment(moment).unwrap(), "04.03.2026, 10:15 Uhr (UTC)");
        assert!(locales.catalogues[&locale("de_DE")].moment(Timestamp::from_micros(i64::MAX)).is_ok());
    }

    #[test]
    fn parameters_are_put_in_once_and_never_read_again() {
        let catalogue = Catalogue::parse(&Source::embedded("x", "a = \"{name}, {name}!\"\nb = \"{\"")).unwrap();
        let parameters = BTreeMap::from([("name", "{name}".to_owned())]);
        assert_eq!(catalogue.text("a", &parameters).unwrap(), "{name}, {name}!");
        for (key, part) in [("a", "wants `name`"), ("b", "without a }"), ("c", "no text `c`")] {
            assert!(catalogue.text(key, &BTreeMap::new()).unwrap_err().contains(part), "{key}");
        }
    }
}
