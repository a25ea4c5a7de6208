//! Media types: what a request's body is in, and what its sender can read.

use crate::Mode;

/// The media type of every document.
pub const MEDIA_TYPE: &str = "application/vnd.api+json";

/// What stands before the format in the family of media types that is negotiated about.
const FAMILY: &str = "application/vnd.api+";

/// What a `Content-Type` header says about a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentType {
    /// Read it as JSON: it is said to be JSON:API, or not said not to be.
    Json,
    /// Another format of the family (`application/vnd.api+xml`), which nothing here decodes: the body counts as absent.
    Undecodable,
    /// The header is there and empty, asks for an extension, none of which is supported, or is otherwise not what the mode
    /// demands of a body.
    Unsupported,
    /// Names a version of the resource: there are none.
    Versioned,
}

/// Reads `Content-Type`; `None` when there is no such header.
pub fn read_content_type(header: Option<&str>, mode: Mode) -> ContentType {
    let anything = if mode.demands_media_type() { ContentType::Unsupported } else { ContentType::Json };
    let Some(header) = header else { return anything };
    if header.trim().is_empty() {
        return ContentType::Unsupported;
    }
    let range = MediaRange::parse(header);
    let Some(format) = range.format else { return anything };
    let is_json = format.eq_ignore_ascii_case("json");
    if mode.refuses_body_parameters() && (range.foreign || range.weight.is_some() || !is_json) {
        ContentType::Unsupported
    } else if range.versioned {
        ContentType::Versioned
    } else if !is_json {
        ContentType::Undecodable
    } else if range.extended {
        ContentType::Unsupported
    } else {
        ContentType::Json
    }
}

/// What an `Accept` header says about the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accept {
    /// JSON:API will do.
    Json,
    /// Nothing but other formats of the family will do.
    OtherFormat,
    /// JSON:API would do only with an extension, and none is supported; or with parameters that the mode refuses.
    Unacceptable,
    /// Names a version of the resource: there are none.
    Versioned,
}

/// The media types that the values of all `Accept` headers name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a kind of media type that was named or not")]
pub struct AcceptHeader {
    /// One that is not of the family.
    plain: bool,
    /// JSON:API as it is.
    json: bool,
    /// JSON:API with parameters that are not its own.
    foreign: bool,
    /// JSON:API with an extension.
    extended: bool,
    /// Another format of the family.
    other_format: bool,
    /// A version.
    versioned: bool,
    /// JSON:API as it is, with the profile.
    with_profile: bool,
}

impl AcceptHeader {
    /// Reads the values of all `Accept` headers. `profile` is the URI of the profile that there is.
    pub fn read<T: AsRef<str>>(headers: impl IntoIterator<Item = T>, profile: &str) -> Self {
        let mut read = Self::default();
        for header in headers {
            for text in split_outside_quotes(header.as_ref(), ',').filter(|range| !range.trim().is_empty()) {
                let range = MediaRange::parse(text);
                read.versioned |= range.versioned;
                match range.format {
                    None => read.plain = true,
                    Some(format) if !format.eq_ignore_ascii_case("json") => read.other_format = true,
                    Some(_) if range.extended => read.extended = true,
                    Some(_) if range.foreign => read.foreign = true,
                    Some(_) => {
                        read.json = true;
                        read.with_profile |= !range.weighs_nothing() && range.names(profile);
                    }
                }
            }
        }
        read
    }

    /// How the request is read and answered: as it asks for, else as configured.
    pub const fn mode(self, configured: Mode) -> Mode {
        if self.with_profile { Mode::StrictByProfile } else { configured }
    }

    /// What the header says about the answer.
    pub const fn judge(self, mode: Mode) -> Accept {
        let takes_parameters = !mode.refuses_accept_parameters();
        if self.versioned && takes_parameters {
            Accept::Versioned
        } else if self.json || self.foreign && takes_parameters {
            Accept::Json
        } else if self.extended || self.foreign {
            Accept::Unacceptable
        } else if self.other_format && !self.plain {
            Accept::OtherFormat
        } else {
            Accept::Json
        }
    }
}

/// One media type with its parameters, as far as it matters here.
struct MediaRange<'a> {
    /// What stands behind `application/vnd.api+`, for members of that family.
    format: Option<&'a str>,
    /// Has an extension.
    extended: bool,
    /// Names a version.
    versioned: bool,
    /// Has parameters other than extensions, profiles and a weight.
    foreign: bool,
    /// The profiles, with blanks between them.
    profiles: Option<&'a str>,
    /// The weight, which has a meaning where media types are asked for only.
    weight: Option<&'a str>,
}

impl<'a> MediaRange<'a> {
    fn parse(text: &'a str) -> Self {
        let mut parts = split_outside_quotes(text, ';').map(str::trim);
        let essence = parts.next().unwrap_or_default();
        let in_family = essence.get(..FAMILY.len()).is_some_and(|start| start.eq_ignore_ascii_case(FAMILY));
        let format = in_family.then(|| essence.get(FAMILY.len()..).unwrap_or_default());
        let mut range =
            Self { format, extended: false, versioned: false, foreign: false, profiles: None, weight: None };
        if !in_family {
            return range;
        }
        for parameter in parts.filter(|parameter| !parameter.is_empty()) {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let name = name.trim();
            let is = |known: &str| name.eq_ignore_ascii_case(known);
            if is("ext") {
                range.extended |= !unquote(value).trim().is_empty();
            } else if is("profile") {
                range.profiles = Some(unquote(value));
            } else if is("q") {
                range.weight = Some(value.trim());
            } else {
                range.foreign = true;
                range.versioned |= is("version") && is_version(value);
            }
        }
        range
    }
}

impl MediaRange<'_> {
    /// Whether it is named to be ruled out.
    fn weighs_nothing(&self) -> bool {
        self.weight.is_some_and(|weight| weight.parse() == Ok(0.0_f32))
    }

    /// Whether it is asked for with this profile.
    fn names(&self, profile: &str) -> bool {
        self.profiles.is_some_and(|uris| uris.split_ascii_whitespace().any(|uri| uri == profile))
    }
}

/// Whether a text begins with at least two digits that a point may part. A single digit is no version: Glue's pattern
/// does not match it either.
fn is_version(text: &str) -> bool {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    match digits(text) {
        0 => false,
        1 => text.get(1..).and_then(|rest| rest.strip_prefix('.')).is_some_and(|rest| digits(rest) > 0),
        _ => true,
    }
}

fn unquote(text: &str) -> &str {
    let text = text.trim();
    text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text)
}

/// Splits at a separator that does not stand within a quoted string.
fn split_outside_quotes(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |character| {
        if escaped {
            escaped = false;
        } else if quoted && character == '\\' {
            escaped = true;
        } else if character == '"' {
            quoted = !quoted;
        } else {
            return !quoted && character == separator;
        }
        false
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PROFILE: &str = "https://x.example/profiles/strict";

    #[test]
    fn a_body_is_read_as_json_unless_that_is_ruled_out() {
        use ContentType::{Json, Undecodable, Unsupported, Versioned};
        for (header, glue, strict) in [
            (None, Json, Unsupported),
            (Some(""), Unsupported, Unsupported),
            (Some("  "), Unsupported, Unsupported),
            (Some("application/json"), Json, Unsupported),
            (Some("text/plain; version=1.0"), Json, Unsupported),
            (Some("nonsense"), Json, Unsupported),
            (Some("application/vnd.api+json"), Json, Json),
            (Some("Application/Vnd.Api+JSON; charset=utf-8"), Json, Unsupported),
            (Some("application/vnd.api+json; profile=\"https://x.example/p\""), Json, Json),
            (Some("application/vnd.api+xml"), Undecodable, Unsupported),
            (Some("application/vnd.api+json; ext=\"https://x.example/e\""), Unsupported, Unsupported),
            (Some("application/vnd.api+json; ext=\"\""), Json, Json),
            (Some("application/vnd.api+json;"), Json, Json),
            (Some("application/vnd.api+json; q=1"), Json, Unsupported),
            (Some("application/vnd.api+json; version=1.0"), Versioned, Unsupported),
            (Some("application/vnd.api+json;version=10"), Versioned, Unsupported),
            (Some("application/vnd.api+json; version=1"), Json, Unsupported),
            (Some("application/vnd.api+json; version=1."), Json, Unsupported),
            (Some("application/vnd.api+json; version=x"), Json, Unsupported),
        ] {
            assert_eq!(read_content_type(header, Mode::Glue), glue, "{header:?}");
            assert_eq!(read_content_type(header, Mode::Strict), strict, "{header:?}");
        }
    }

    #[test]
    fn accept_is_lenient_save_for_what_cannot_be_given() {
        use Accept::{Json, OtherFormat, Unacceptable, Versioned};
        for (header, glue, strict) in [
            ("", Json, Json),
            ("*/*", Json, Json),
            ("application/json", Json, Json),
            ("text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", Json, Json),
            ("application/vnd.api+json", Json, Json),
            ("application/vnd.api+json;q=0.5", Json, Json),
            ("application/vnd.api+json; charset=utf-8", Json, Unacceptable),
            ("application/vnd.api+json; charset=utf-8, */*", Json, Unacceptable),
            ("application/vnd.api+json; charset=utf-8, application/vnd.api+json", Json, Json),
            ("application/vnd.api+json; profile=\"https://x.example/a,b;version=1.0\"", Json, Json),
            ("application/vnd.api+xml", OtherFormat, OtherFormat),
            ("application/vnd.api+xml, application/vnd.api+json", Json, Json),
            ("application/vnd.api+xml, application/vnd.api+json; charset=utf-8", Json, Unacceptable),
            ("application/vnd.api+xml, */*", Json, Json),
            ("application/vnd.api+json; ext=\"https://x.example/e\"", Unacceptable, Unacceptable),
            ("application/vnd.api+json; ext=\"https://x.example/e\", application/json", Unacceptable, Unacceptable),
            ("application/vnd.api+json; ext=\"https://x.example/e\", application/vnd.api+json", Json, Json),
            ("application/vnd.api+json; ext=x, application/vnd.api+json; charset=utf-8", Json, Unacceptable),
            ("application/vnd.api+json; version=1.0", Versioned, Unacceptable),
            ("application/vnd.api+json; version=1", Json, Unacceptable),
        ] {
            let read = AcceptHeader::read([header], PROFILE);
            assert_eq!(read.judge(Mode::Glue), glue, "{header}");
            assert_eq!(read.judge(Mode::Strict), strict, "{header}");
        }
        assert_eq!(AcceptHeader::read::<&str>([], PROFILE).judge(Mode::Strict), Json);
        let both = AcceptHeader::read(["application/vnd.api+xml", "application/vnd.api+json"], PROFILE);
        assert_eq!(both.judge(Mode::Glue), Json);
    }

    #[test]
    fn the_profile_is_applied_when_it_is_asked_for() {
        let by = |parameters: &str| format!("application/vnd.api+json;{parameters}");
        for (header, expected) in [
            (by(&format!("profile=\"{PROFILE}\"")), true),
            (by(&format!(" Profile = \"https://x.example/other {PROFILE}\";q=0.3")), true),
            (by(&format!("profile=\"{PROFILE}\";q=0")), false),
            (by(&format!("profile=\"{PROFILE}\"; q=0.000")), false),
            (format!("*/*, {}", by(&format!("profile=\"{PROFILE}\""))), true),
            (by(&format!("profile=\"{PROFILE}x\"")), false),
            (by(&format!("profile=\"{PROFILE}\";charset=utf-8")), false),
            (by(&format!("profile=\"{PROFILE}\";ext=\"https://x.example/e\"")), false),
            (format!("application/json;profile=\"{PROFILE}\""), false),
            ("application/vnd.api+json".to_owned(), false),
        ] {
            let read = AcceptHeader::read([&header], PROFILE);
            assert_eq!(read.mode(Mode::Glue) == Mode::StrictByProfile, expected, "{header}");
            assert_eq!(read.mode(Mode::Strict) == Mode::Strict, !expected, "{header}");
        }
    }

    proptest! {
        #[test]
        fn reading_never_panics(header in any::<String>()) {
            for mode in [Mode::Glue, Mode::Strict] {
                let _ = (read_content_type(Some(&header), mode), AcceptHeader::read([&header], PROFILE).judge(mode));
            }
        }
    }
}
