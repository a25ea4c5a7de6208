//! Query parameters: `include`, `fields[TYPE]`, `page[offset]` and `page[limit]`.
//!
//! Brackets arrive raw or percent-encoded, `+` is a blank, and the last of several parameters with one name wins. Parameters
//! that nobody knows mean nothing, or are refused.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use crate::Mode;

const OFFSET: &str = "page[offset]";
const LIMIT: &str = "page[limit]";

/// What a query asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    include: Option<Vec<String>>,
    fields: Vec<(String, Vec<String>)>,
    page: Option<Page>,
    unknown: Option<String>,
}

/// A part of a collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Resources to skip; none unless asked for.
    pub offset: Option<i64>,
    /// Resources to show, at least 1; all the others unless asked for.
    pub limit: Option<i64>,
}

/// What is wrong with a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QueryProblem {
    /// `page[offset]` or `page[limit]`, which is named, is no integer, or too small, or needs the other. It is `page` where
    /// the mode does not tell them apart.
    MalformedPage(&'static str),
    /// A parameter that means nothing here.
    Unknown(String),
    /// `include` names what cannot be included.
    UnknownPath,
}

impl Query {
    /// Reads what stands behind the question mark.
    ///
    /// # Errors
    ///
    /// [`QueryProblem::MalformedPage`]; what else can be wrong depends on the resource, see [`Query::check`].
    pub fn parse(query: &str, mode: Mode) -> Result<Self, QueryProblem> {
        let mut parsed = Self::default();
        let (mut offset, mut limit) = (None, None);
        for (name, value) in decode_pairs(query) {
            match &*name {
                "include" => parsed.include = Some(split_list(&value)),
                OFFSET => offset = Some(value),
                LIMIT => limit = Some(value),
                _ => match name
                    .strip_prefix("fields[")
                    .and_then(|rest| rest.strip_suffix(']'))
                    .filter(|kind| !kind.contains(['[', ']']))
                {
                    Some(kind) => parsed.fields.push((kind.to_owned(), split_list(&value))),
                    None if parsed.unknown.is_none() => parsed.unknown = Some(name.into_owned()),
                    None => (),
                },
            }
        }
        let singly = mode.reads_pages_singly();
        let blame = |parameter| QueryProblem::MalformedPage(if singly { parameter } else { "page" });
        let read = |text: Option<Cow<'_, str>>, parameter| {
            text.map(|text| text.trim().parse::<i64>()).transpose().map_err(|_| blame(parameter))
        };
        let (offset, limit) = (read(offset, OFFSET)?, read(limit, LIMIT)?);
        if limit.is_some_and(|limit| limit <= 0) || !singly && offset.is_some() && limit.is_none() {
            return Err(blame(LIMIT));
        }
        if singly && offset.is_some_and(|offset| offset < 0) {
            return Err(blame(OFFSET));
        }
        let asked = if singly { offset.is_some() || limit.is_some() } else { offset.is_some() && limit.is_some() };
        parsed.page = asked.then_some(Page { offset, limit });
        Ok(parsed)
    }

    /// Whether a resource with these relationships, which is not read in parts, can give what is asked for.
    ///
    /// # Errors
    ///
    /// What the mode refuses: [`QueryProblem::Unknown`] and [`QueryProblem::UnknownPath`].
    pub fn check(&self, relationships: &[&str], mode: Mode) -> Result<(), QueryProblem> {
        if mode.refuses_unknown_parameters() {
            if let Some(unknown) = &self.unknown {
                return Err(QueryProblem::Unknown(unknown.clone()));
            }
            if let Some(page) = self.page {
                return Err(QueryProblem::Unknown(if page.offset.is_some() { OFFSET } else { LIMIT }.to_owned()));
            }
        }
        let is_known = |path: &String| relationships.contains(&path.as_str());
        match &self.include {
            // Where nothing can be included, the parameter itself is unknown, whatever its value.
            Some(paths)
                if mode.refuses_unknown_paths() && (relationships.is_empty() || !paths.iter().all(is_known)) =>
            {
                Err(QueryProblem::UnknownPath)
            }
            _ => Ok(()),
        }
    }

    /// Whether a relationship is to be included.
    pub fn includes(&self, relationship: &str) -> bool {
        self.include.as_ref().is_some_and(|paths| paths.iter().any(|path| path == relationship))
    }

    /// Whether anything is to be included, were it nothing.
    pub const fn asks_to_include(&self) -> bool {
        self.include.is_some()
    }

    /// The fields that shall be shown of a type; `None` shows all.
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(query: &str) -> Query {
        Query::parse(query, Mode::Glue).unwrap()
    }

    #[test]
    fn include_is_a_list_of_names() {
        let query = read("include=addresses,wishlists");
        assert!(query.includes("addresses") && query.includes("wishlists") && !query.includes("carts"));
        assert!(!read("include=").includes(""));
        assert!(!read("").includes("addresses"));
    }

    #[test]
    fn fields_are_kept_by_type_however_the_brackets_are_written() {
        for query in [
            "fields[customers]=email,gender",
            "fields%5Bcustomers%5D=email%2Cgender",
            "fields%5bcustomers]=email,+gender",
        ] {
            let query = read(query);
            assert_eq!(query.fields("customers").unwrap(), ["email", "gender"]);
            assert_eq!(query.fields("addresses"), None);
        }
        assert!(read("fields[customers]=").fields("customers").unwrap().is_empty());
    }

    #[test]
    fn the_last_of_several_parameters_wins() {
        let query = read("fields[a]=x&include=b&fields[a]=y&include=c");
        assert_eq!(query.fields("a").unwrap(), ["y"]);
        assert!(query.includes("c") && !query.includes("b"));
    }

    #[test]
    fn a_page_is_read_as_glue_does_or_each_parameter_for_itself() {
        let page = |offset, limit| Ok(Some(Page { offset, limit }));
        let malformed = |parameter| Err(QueryProblem::MalformedPage(parameter));
        let glue = || malformed("page");
        for (query, by_glue, by_letter) in [
            ("", Ok(None), Ok(None)),
            ("page[limit]=5", Ok(None), page(None, Some(5))),
            ("page[offset]=10&page[limit]=5", page(Some(10), Some(5)), page(Some(10), Some(5))),
            ("page%5Boffset%5D=-1&page%5Blimit%5D=5", page(Some(-1), Some(5)), malformed(OFFSET)),
            ("page[offset]=10", glue(), page(Some(10), None)),
            ("page[limit]=0", glue(), malformed(LIMIT)),
            ("page[offset]=0&page[limit]=-1", glue(), malformed(LIMIT)),
            ("page[offset]=a&page[limit]=5", glue(), malformed(OFFSET)),
            ("page[offset]=1&page[limit]=5.5", glue(), malformed(LIMIT)),
            ("page[limit]=", glue(), malformed(LIMIT)),
            ("page[limit]=99999999999999999999", glue(), malformed(LIMIT)),
        ] {
            let read = |mode| Query::parse(query, mode).map(|parsed| parsed.page());
            assert_eq!(read(Mode::Glue), by_glue, "{query}");
            assert_eq!(read(Mode::Strict), by_letter, "{query}");
        }
    }

    #[test]
    fn what_means_nothing_is_ignored_or_refused_by_name() {
        let unknown = |name: &str| Err(QueryProblem::Unknown(name.to_owned()));
        let path = || Err(QueryProblem::UnknownPath);
        for (query, relationships, expected) in [
            ("", &[][..], Ok(())),
            ("fields[customers]=x&fields[unknown]=y", &[], Ok(())),
            ("sort=-name", &[], unknown("sort")),
            ("fields[customers][]=x", &[], unknown("fields[customers][]")),
            ("&x&y", &[], unknown("x")),
            ("=", &[], unknown("")),
            ("filter%5Bcustomers.name%5D=x&sort=x", &[], unknown("filter[customers.name]")),
            ("page=3", &[], unknown("page")),
            ("page[limit]=3", &[], unknown(LIMIT)),
            ("page[offset]=3&page[limit]=3", &[], unknown(OFFSET)),
            ("include=addresses", &["addresses"], Ok(())),
            ("include=", &["addresses"], Ok(())),
            ("include=addresses,carts", &["addresses"], path()),
            ("include=addresses.customers", &["addresses"], path()),
            ("include=addresses", &[], path()),
            ("include=", &[], path()),
        ] {
            let check = |mode| Query::parse(query, mode).unwrap().check(relationships, mode);
            assert_eq!(check(Mode::Strict), expected, "{query}");
            assert_eq!(check(Mode::Glue), Ok(()), "{query}");
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics(query in any::<String>()) {
            let _ = (Query::parse(&query, Mode::Glue), Query::parse(&query, Mode::Strict));
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
