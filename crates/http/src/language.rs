//! Which of the shop's locales an answer is in.

use domain::Locale;

/// The locale that the values of all `Accept-Language` headers ask for.
///
/// Their ranges are looked up by descending weight (RFC 4647, 3.4): a range fits a locale (`de-DE`), else it is cut
/// from the end until it fits the language of one (`de-AT` finds `de`). Without a fit it is the default.
pub fn negotiate<'a>(
    accept_language: impl IntoIterator<Item = impl AsRef<str>>,
    locales: &'a [Locale],
    default: &'a Locale,
) -> &'a Locale {
    let mut best: Option<(u16, &Locale)> = None;
    for header in accept_language {
        for range in header.as_ref().split(',') {
            let mut parts = range.split(';').map(str::trim);
            let tag = parts.next().unwrap_or_default();
            let weight = parts
                .find_map(|parameter| parameter.strip_prefix("q=").or_else(|| parameter.strip_prefix("Q=")))
                .map_or(1000, thousandths);
            if weight == 0 || best.is_some_and(|(heaviest, _)| heaviest >= weight) {
                continue;
            }
            if let Some(locale) = look_up(tag, locales, default) {
                best = Some((weight, locale));
            }
        }
    }
    best.map_or(default, |(_, locale)| locale)
}

fn look_up<'a>(tag: &str, locales: &'a [Locale], default: &'a Locale) -> Option<&'a Locale> {
    if tag == "*" {
        return Some(default);
    }
    let mut subtags = tag.split('-');
    let (language, region) = (subtags.next().unwrap_or_default(), subtags.next());
    let of_language = |locale: &&Locale| locale.language().eq_ignore_ascii_case(language);
    let of_region = |locale: &&Locale| {
        let wanted = locale.as_str().split_once('_').map(|(_, region)| region);
        region.zip(wanted).is_some_and(|(region, wanted)| region.eq_ignore_ascii_case(wanted))
    };
    locales
        .iter()
        .filter(of_language)
        .find(of_region)
        .or_else(|| Some(default).filter(of_language))
        .or_else(|| locales.iter().find(of_language))
}

/// A weight of RFC 9110, 12.4.2, in thousandths; what is none weighs nothing.
fn thousandths(text: &str) -> u16 {
    let text = text.trim();
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > 3 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return 0;
    }
    let fraction = format!("{fraction:0<3}").parse().unwrap_or(0);
    match whole {
        "1" => 1000,
        "0" => fraction,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_heaviest_range_that_fits_wins() {
        let locales = ["de_DE", "en_US", "en_GB"].map(|name| Locale::parse(name).unwrap());
        for (header, expected) in [
            ("", "de_DE"),
            ("*", "de_DE"),
            ("fr", "de_DE"),
            ("nonsense;;q=,", "de_DE"),
            ("en", "en_US"),
            ("EN-us", "en_US"),
            ("en-GB", "en_GB"),
            ("en-AU", "en_US"),
            ("de-AT", "de_DE"),
            ("fr, en;q=0.5", "en_US"),
            ("de;q=0.4, en;q=0.8", "en_US"),
            ("en;q=0.8,de;q=0.9", "de_DE"),
            ("en, de", "en_US"),
            ("en;q=0", "de_DE"),
            ("en;q=0, en-GB;q=0.1", "en_GB"),
            ("fr-CH, fr;q=0.9, en;q=0.8, de;q=0.7, *;q=0.5", "en_US"),
            ("en;q=2", "de_DE"),
            ("en;q=0.9999", "de_DE"),
            ("en-Latn-GB", "en_US"),
        ] {
            assert_eq!(negotiate([header], &locales, &locales[0]).as_str(), expected, "{header}");
        }
    }

    #[test]
    fn several_headers_are_one_list() {
        let locales = ["de_DE", "en_US"].map(|name| Locale::parse(name).unwrap());
        assert_eq!(negotiate(["fr", "de;q=0.1, en"], &locales, &locales[0]).as_str(), "en_US");
    }

    #[test]
    fn the_default_stands_for_its_language() {
        let locales = ["en_US", "en_GB"].map(|name| Locale::parse(name).unwrap());
        assert_eq!(negotiate(["en"], &locales, &locales[1]).as_str(), "en_GB");
    }

    proptest! {
        #[test]
        fn negotiating_never_panics(header in any::<String>()) {
            let locales = [Locale::parse("de_DE").unwrap()];
            prop_assert_eq!(negotiate([header.as_str()], &locales, &locales[0]).as_str(), "de_DE");
        }
    }
}
