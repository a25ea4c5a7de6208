//! Query parameters: `include`, `fields[TYPE]`, `page[offset]` and `page[limit]`.
//!
//! Brackets arrive raw or percent-encoded, `+` is a blank, the last of several parameters with one name wins, and parameters
//! that nobody knows mean nothing.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// What a query asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    include: Option<Vec<String>>,
    fields: Vec<(String, Vec<String>)>,
    page: Option<Page>,
}

/// A part of a collection. Only a query with both parameters asks for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Resources to skip.
    pub offset: i64,
    /// Resources to show, at least 1.
    pub limit: i64,
}

/// `page[offset]` or `page[limit]` is no integer, the limit is not positive, or the offset is alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MalformedPage;

impl Query {
    /// Reads what stands behind the question mark.
    ///
    /// # Errors
    ///
    /// [`MalformedPage`]; nothing else can be wrong with a query.
    pub fn parse(query: &str) -> Result<Self, MalformedPage> {
        let mut parsed = Self::default();
        let (mut offset, mut limit) = (None, None);
        for (name, value) in decode_pairs(query) {
            match &*name {
                "include" => parsed.include = Some(split_list(&value)),
                "page[offset]" => offset = Some(value),
                "page[limit]" => limit = Some(value),
                _ => {
                    if let Some(kind) = name.strip_prefix("fields[").and_then(|rest| rest.strip_suffix(']')) {
                        parsed.fields.push((kind.to_owned(), split_list(&value)));
                    }
                }
            }
        }
        let offset = offset.map(|text| parse_integer(&text)).transpose()?;
        let limit = limit.map(|text| parse_integer(&text)).transpose()?;
        parsed.page = match (offset, limit) {
            (Some(_), None) => return Err(MalformedPage),
            (_, Some(limit)) if limit <= 0 => return Err(MalformedPage),
            (Some(offset), Some(limit)) => Some(Page { offset, limit }),
            (None, _) => None,
        };
        Ok(parsed)
    }

    /// Whether a relationship is to be included.
    pub fn includes(&self, relationship: &str) -> bool {
        self.include.as_ref().is_some_and(|paths| paths.iter().any(|path| path == relationship))
    }

    /// The attributes that shall be shown of a type; `None` shows all.
    pub fn fields(&self, kind: &str) -> Option<&[String]> {
        // The last of several wins: searching from the end keeps parsing linear.
        self.fields.iter().rev().find(|(named, _)| named == kind).map(|(_, names)| names.as_slice())
    }

    /// The part of the collection that is asked for.
    pub const fn page(&self) -> Option<Page> {
        self.page
    }
}

/// The decoded pairs of an `application/x-www-form-urlencoded` text, which is what queries and forms are written in. Bytes
/// that are no UTF-8 become U+FFFD.
pub fn decode_pairs(text: &str) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(name), decode(value))
    })
}

fn decode(text: &str) -> Cow<'_, str> {
    if text.contains('+') {
        let spaced = text.replace('+', " ");
        return Cow::Owned(percent_decode_str(&spaced).decode_utf8_lossy().into_owned());
    }
    percent_decode_str(text).decode_utf8_lossy()
}

fn split_list(value: &str) -> Vec<String> {
    value.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

fn parse_integer(text: &str) -> Result<i64, MalformedPage> {
    text.trim().parse().map_err(|_| MalformedPage)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn include_is_a_list_of_names() {
        let query = Query::parse("include=addresses,wishlists").unwrap();
        assert!(query.includes("addresses") && query.includes("wishlists") && !query.includes("carts"));
        assert!(!Query::parse("include=").unwrap().includes(""));
        assert!(!Query::parse("").unwrap().includes("addresses"));
    }

    #[test]
    fn fields_are_kept_by_type_however_the_brackets_are_written() {
        for query in [
            "fields[customers]=email,gender",
            "fields%5Bcustomers%5D=email%2Cgender",
            "fields%5bcustomers]=email,+gender",
        ] {
            let query = Query::parse(query).unwrap();
            assert_eq!(query.fields("customers").unwrap(), ["email", "gender"]);
            assert_eq!(query.fields("addresses"), None);
        }
        assert!(Query::parse("fields[customers]=").unwrap().fields("customers").unwrap().is_empty());
    }

    #[test]
    fn the_last_of_several_parameters_wins() {
        let query = Query::parse("fields[a]=x&include=b&fields[a]=y&include=c").unwrap();
        assert_eq!(query.fields("a").unwrap(), ["y"]);
        assert!(query.includes("c") && !query.includes("b"));
    }

    #[test]
    fn a_page_needs_an_offset_and_a_positive_limit() {
        let page = |offset, limit| Some(Page { offset, limit });
        for (query, expected) in [
            ("", Ok(None)),
            ("page=3", Ok(None)),
            ("page[limit]=5", Ok(None)),
            ("page[offset]=10&page[limit]=5", Ok(page(10, 5))),
            ("page%5Boffset%5D=-1&page%5Blimit%5D=5", Ok(page(-1, 5))),
            ("page[offset]=10", Err(MalformedPage)),
            ("page[limit]=0", Err(MalformedPage)),
            ("page[offset]=0&page[limit]=-1", Err(MalformedPage)),
            ("page[offset]=a&page[limit]=5", Err(MalformedPage)),
            ("page[offset]=1&page[limit]=5.5", Err(MalformedPage)),
            ("page[limit]=", Err(MalformedPage)),
            ("page[limit]=99999999999999999999", Err(MalformedPage)),
        ] {
            assert_eq!(Query::parse(query).map(|parsed| parsed.page()), expected, "{query}");
        }
    }

    #[test]
    fn sorts_filters_and_unknown_parameters_mean_nothing() {
        assert_eq!(Query::parse("sort=-name&filter[customers.name]=x&&=&x"), Ok(Query::default()));
    }

    proptest! {
        #[test]
        fn parsing_never_panics(query in any::<String>()) {
            let _ = Query::parse(&query);
        }

        #[test]
        fn what_was_encoded_comes_back(name in "\\PC{1,20}", value in "\\PC{0,20}") {
            let encode = |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
            let text = format!("{}={}", encode(&name), encode(&value));
            let pairs: Vec<_> = decode_pairs(&text).collect();
            prop_assert_eq!(pairs, [(Cow::Borrowed(name.as_str()), Cow::Borrowed(value.as_str()))]);
        }
    }
}
