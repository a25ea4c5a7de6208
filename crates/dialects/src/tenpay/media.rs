//! Which bodies are read.

/// Whether a body of this `Content-Type` is read as JSON: `application/json`, `text/json` or `application/*+json`, in UTF-8.
pub(crate) fn is_json(content_type: &str) -> bool {
    let mut parts = content_type.split(';').map(str::trim);
    let media_type = parts.next().unwrap_or_default().to_ascii_lowercase();
    let known = match media_type.split_once('/') {
        Some(("application" | "text", "json")) => true,
        Some(("application", subtype)) => subtype.strip_suffix("+json").is_some_and(|name| !name.is_empty()),
        _ => false,
    };
    known && parts.all(|parameter| charset(parameter).is_none_or(|charset| is_utf8(&charset)))
}

/// The value of the parameter `charset`; `None` of any other.
fn charset(parameter: &str) -> Option<String> {
    let (name, value) = parameter.split_once('=')?;
    let value = value.trim().trim_matches('"').to_ascii_lowercase();
    name.trim().eq_ignore_ascii_case("charset").then_some(value)
}

fn is_utf8(charset: &str) -> bool {
    matches!(charset, "utf-8" | "utf8")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g3_json_is_read_by_whatever_name() {
        for (content_type, expected) in [
            ("application/json", true),
            ("Application/JSON", true),
            ("application/json; charset=utf-8", true),
            ("application/json;charset=\"UTF-8\"", true),
            ("application/json; v=1.0", true),
            ("text/json", true),
            ("application/json-patch+json", true),
            ("application/merge-patch+json; charset=utf-8", true),
            ("application/vnd.api+json", true),
            ("application/+json", false),
            ("text/x+json", false),
            ("application/json; charset=utf-16", false),
            ("application/json; charset=iso-8859-1", false),
            ("text/plain", false),
            ("application/x-www-form-urlencoded", false),
            ("application/xml", false),
            ("json", false),
            ("", false),
        ] {
            assert_eq!(is_json(content_type), expected, "{content_type}");
        }
    }
}
