//! Media types: what a request's body is in, and what its sender can read.

/// The media type of every document.
pub const MEDIA_TYPE: &str = "application/vnd.api+json";

/// What stands before the format in the family of media types that is negotiated about.
const FAMILY: &str = "application/vnd.api+";

/// What a `Content-Type` header says about a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentType {
    /// Read it as JSON: the header is absent, or names JSON:API, or anything outside JSON:API's family.
    Json,
    /// Another format of the family (`application/vnd.api+xml`), which nothing here decodes: the body counts as absent.
    Undecodable,
    /// The header is there and empty, or asks for an extension: no extension is supported.
    Unsupported,
    /// Names a version of the resource: there are none.
    Versioned,
}

/// What an `Accept` header says about the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accept {
    /// JSON:API will do.
    Json,
    /// Nothing but other formats of the family will do.
    OtherFormat,
    /// JSON:API would do only with an extension, and none is supported.
    Extended,
    /// Names a version of the resource: there are none.
    Versioned,
}

/// Reads `Content-Type`; `None` when there is no such header.
pub fn read_content_type(header: Option<&str>) -> ContentType {
    let Some(header) = header else { return ContentType::Json };
    if header.trim().is_empty() {
        return ContentType::Unsupported;
    }
    match MediaRange::parse(header) {
        MediaRange { format: Some(format), extended, versioned } => {
            if versioned {
                ContentType::Versioned
            } else if !format.eq_ignore_ascii_case("json") {
                ContentType::Undecodable
            } else if extended {
                ContentType::Unsupported
            } else {
                ContentType::Json
            }
        }
        MediaRange { format: None, .. } => ContentType::Json,
    }
}

/// Reads the values of all `Accept` headers; no value means that anything will do.
pub fn read_accept<T: AsRef<str>>(headers: impl IntoIterator<Item = T>) -> Accept {
    let (mut plain, mut json, mut extended, mut other_format) = (false, false, false, false);
    for header in headers {
        for range in split_outside_quotes(header.as_ref(), ',').filter(|range| !range.trim().is_empty()) {
            let range = MediaRange::parse(range);
            if range.versioned {
                return Accept::Versioned;
            }
            match range.format {
                None => plain = true,
                Some(format) if !format.eq_ignore_ascii_case("json") => other_format = true,
                Some(_) if range.extended => extended = true,
                Some(_) => json = true,
            }
        }
    }
    if extended && !json {
        Accept::Extended
    } else if other_format && !json && !plain {
        Accept::OtherFormat
    } else {
        Accept::Json
    }
}

/// One media type with its parameters, as far as it matters here.
struct MediaRange<'a> {
    /// What stands behind `application/vnd.api+`, for members of that family.
    format: Option<&'a str>,
    extended: bool,
    versioned: bool,
}

impl<'a> MediaRange<'a> {
    fn parse(text: &'a str) -> Self {
        let mut parts = split_outside_quotes(text, ';').map(str::trim);
        let essence = parts.next().unwrap_or_default();
        let in_family = essence.get(..FAMILY.len()).is_some_and(|start| start.eq_ignore_ascii_case(FAMILY));
        let mut range = Self {
            format: in_family.then(|| essence.get(FAMILY.len()..).unwrap_or_default()),
            extended: false,
            versioned: false,
        };
        if in_family {
            for (name, value) in parts.filter_map(|parameter| parameter.split_once('=')) {
                range.extended |= name.trim().eq_ignore_ascii_case("ext") && !unquote(value).trim().is_empty();
                range.versioned |= name.trim().eq_ignore_ascii_case("version") && is_version(value);
            }
        }
        range
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

    #[test]
    fn whatever_is_not_of_the_family_is_read_as_json() {
        for (header, expected) in [
            (None, ContentType::Json),
            (Some(""), ContentType::Unsupported),
            (Some("  "), ContentType::Unsupported),
            (Some("application/json"), ContentType::Json),
            (Some("text/plain; version=1.0"), ContentType::Json),
            (Some("nonsense"), ContentType::Json),
            (Some("application/vnd.api+json"), ContentType::Json),
            (Some("Application/Vnd.Api+JSON; charset=utf-8"), ContentType::Json),
            (Some("application/vnd.api+json; profile=\"https://x.example/p\""), ContentType::Json),
            (Some("application/vnd.api+xml"), ContentType::Undecodable),
            (Some("application/vnd.api+json; ext=\"https://x.example/e\""), ContentType::Unsupported),
            (Some("application/vnd.api+json; ext=\"\""), ContentType::Json),
            (Some("application/vnd.api+json; version=1.0"), ContentType::Versioned),
            (Some("application/vnd.api+json;version=10"), ContentType::Versioned),
            (Some("application/vnd.api+json; version=1"), ContentType::Json),
            (Some("application/vnd.api+json; version=1."), ContentType::Json),
            (Some("application/vnd.api+json; version=x"), ContentType::Json),
        ] {
            assert_eq!(read_content_type(header), expected, "{header:?}");
        }
    }

    #[test]
    fn accept_is_lenient_save_for_what_cannot_be_given() {
        for (header, expected) in [
            ("", Accept::Json),
            ("*/*", Accept::Json),
            ("application/json", Accept::Json),
            ("text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", Accept::Json),
            ("application/vnd.api+json", Accept::Json),
            ("application/vnd.api+json;q=0.5", Accept::Json),
            ("application/vnd.api+json; charset=utf-8", Accept::Json),
            ("application/vnd.api+json; profile=\"https://x.example/a,b;version=1.0\"", Accept::Json),
            ("application/vnd.api+xml", Accept::OtherFormat),
            ("application/vnd.api+xml, application/vnd.api+json", Accept::Json),
            ("application/vnd.api+xml, */*", Accept::Json),
            ("application/vnd.api+json; ext=\"https://x.example/e\"", Accept::Extended),
            ("application/vnd.api+json; ext=\"https://x.example/e\", application/json", Accept::Extended),
            ("application/vnd.api+json; ext=\"https://x.example/e\", application/vnd.api+json", Accept::Json),
            ("application/vnd.api+json; version=1.0", Accept::Versioned),
            ("application/vnd.api+json; version=1", Accept::Json),
        ] {
            assert_eq!(read_accept([header]), expected, "{header}");
        }
        assert_eq!(read_accept::<&str>([]), Accept::Json);
        assert_eq!(read_accept(["application/vnd.api+xml", "application/vnd.api+json"]), Accept::Json);
    }

    proptest! {
        #[test]
        fn reading_never_panics(header in any::<String>()) {
            let _ = (read_content_type(Some(&header)), read_accept([&header]));
        }
    }
}
