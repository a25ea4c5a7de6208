//! Pre-flight requests, and what browsers of other origins may see.

use actix_web::http::header::{
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, HeaderMap, HeaderName, ORIGIN,
};

use crate::errors::Code;
use crate::routing::Route;

/// The headers that a browser may be told to send, as they are announced: Glue's, and the one without which no browser of
/// another origin could change a cart.
pub const ALLOWED_HEADERS: &str = "accept, content-type, content-language, accept-language, authorization, \
                                   X-Anonymous-Customer-Unique-Id, access-control-allow-origin, if-match";

/// Whether a pre-flight request has all of its headers.
///
/// # Errors
///
/// [`Code::PreflightIncomplete`].
pub fn check_presence(headers: &HeaderMap) -> Result<(), Code> {
    let required = [ACCESS_CONTROL_REQUEST_METHOD, ACCESS_CONTROL_REQUEST_HEADERS, ORIGIN];
    if required.iter().all(|name| headers.contains_key(name)) { Ok(()) } else { Err(Code::PreflightIncomplete) }
}

/// Whether a request that asks for a method and headers in advance may go on. Without a resource no method is offered.
///
/// # Errors
///
/// [`Code::PreflightRefused`].
pub fn check_offer(headers: &HeaderMap, route: Option<&Route>) -> Result<(), Code> {
    let method = read(headers, &ACCESS_CONTROL_REQUEST_METHOD);
    let method_offered =
        method.is_none_or(|method| allowed_methods(route).any(|offered| offered.eq_ignore_ascii_case(method)));
    // The list is not trimmed: `accept, origin` asks for a header whose name begins with a blank.
    let headers_offered = read(headers, &ACCESS_CONTROL_REQUEST_HEADERS).is_none_or(|names| {
        names.is_empty()
            || names
                .split(',')
                .all(|name| ALLOWED_HEADERS.split(", ").any(|allowed| allowed.eq_ignore_ascii_case(name)))
    });
    if method_offered && headers_offered { Ok(()) } else { Err(Code::PreflightRefused) }
}

/// The methods of a resource as they are announced: `GET, POST, OPTIONS`.
pub fn announced_methods(route: &Route) -> String {
    allowed_methods(Some(route)).collect::<Vec<_>>().join(", ")
}

fn allowed_methods(route: Option<&Route>) -> impl Iterator<Item = &'static str> {
    route.into_iter().flat_map(Route::verbs).map(crate::declaration::Verb::as_str).chain(["OPTIONS"])
}

/// A header's text; one that is no text is none that was offered.
fn read<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap_or("\0"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::declaration::{Access, Answer, Declaration, Operation, Verb};
    use crate::routing::{Routes, read_pairs};
    use actix_web::http::header::HeaderValue;

    static THINGS: Declaration = Declaration::bare(
        "things",
        &[],
        &[
            Operation::bare(Verb::Post, &[], Access::Public(|_| Box::pin(async { Ok(Answer::NoContent) }))),
            Operation::bare(Verb::Get, &[], Access::Public(|_| Box::pin(async { Ok(Answer::NoContent) }))),
        ],
    );

    fn headers(pairs: &[(HeaderName, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn a_pre_flight_request_needs_all_three_headers() {
        let all = [
            (ACCESS_CONTROL_REQUEST_METHOD, "GET"),
            (ACCESS_CONTROL_REQUEST_HEADERS, "accept"),
            (ORIGIN, "https://x.example"),
        ];
        assert_eq!(check_presence(&headers(&all)), Ok(()));
        for missing in 0..all.len() {
            let some: Vec<_> =
                all.iter().enumerate().filter(|(index, _)| *index != missing).map(|(_, pair)| pair.clone()).collect();
            assert_eq!(check_presence(&headers(&some)), Err(Code::PreflightIncomplete));
        }
    }

    #[test]
    fn methods_and_headers_must_be_on_offer_and_the_list_is_not_trimmed() {
        let routes = Routes::new(&[&THINGS]);
        let route = routes.find(&read_pairs("/things"));
        for (method, names, expected) in [
            ("GET", "accept", true),
            ("POST", "accept,Content-Type,x-anonymous-customer-unique-id", true),
            ("OPTIONS", "authorization", true),
            ("GET", "If-Match,authorization", true),
            ("DELETE", "accept", false),
            ("PUT", "accept", false),
            ("GET", "accept, authorization", false),
            ("GET", "x-other", false),
            ("GET", "", true),
        ] {
            let headers = headers(&[(ACCESS_CONTROL_REQUEST_METHOD, method), (ACCESS_CONTROL_REQUEST_HEADERS, names)]);
            assert_eq!(check_offer(&headers, route).is_ok(), expected, "{method} {names}");
        }
        assert_eq!(check_offer(&headers(&[(ACCESS_CONTROL_REQUEST_METHOD, "GET")]), None), Err(Code::PreflightRefused));
        assert_eq!(check_offer(&headers(&[]), route), Ok(()));
        assert_eq!(announced_methods(route.unwrap()), "GET, POST, OPTIONS");
    }
}
