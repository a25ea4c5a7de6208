//! What the calls of this door share, and what each of them passes first.

use std::net::IpAddr;
use std::time::Duration;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{
    ACCEPT_LANGUAGE, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, AUTHORIZATION, HeaderMap, HeaderName, ORIGIN,
};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::web::{Data, Payload};
use actix_web::{Error, HttpRequest, HttpResponse};
use application::Application;
use domain::Locale;
use http::{Network, kit};

use super::answer::{self, KeyRefusal};
use super::input::{Input, Unreadable, check_content_type};
use super::window::{Allowance, Windows};

const STOREFRONT_KEY: HeaderName = HeaderName::from_static("x-storefront-key");
const LOCALE: HeaderName = HeaderName::from_static("x-locale");

/// Resends that one client, or one IPv6 network of clients, may ask for in [`RESEND_WINDOW`].
pub(super) const RESENDS: u32 = 6;
const RESEND_WINDOW: Duration = Duration::from_secs(60);

/// What the calls share.
pub(super) struct Door {
    pub(super) settings: Settings,
    over_tls: bool,
    /// By the names of keys: one that takes the place of another goes on where that one is.
    keys: Windows<String>,
    pub(super) resends: Windows<IpAddr>,
}

/// How this door is set up.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where clients reach the gateway, without a slash at the end.
    pub public_url: String,
    /// Where a browser is sent that has confirmed an address, or tried to.
    pub login_url: String,
    /// Whether a mailed link confirms without a page in between, for browsers too.
    pub confirm_by_get: bool,
    /// How long the calls of a storefront key are counted together.
    pub storefront_window: Duration,
    /// The shop's locales, and the one of those who ask for none of them.
    pub locales: Vec<Locale>,
    /// See `locales`.
    pub default_locale: Locale,
}

impl Door {
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            over_tls: settings.public_url.starts_with("https://"),
            keys: Windows::new(settings.storefront_window),
            resends: Windows::new(RESEND_WINDOW),
            settings,
        }
    }

    /// Refuses what a client sends beyond the limit of all doors together.
    pub(super) fn refuse_many(&self, retry_after_seconds: u64) -> HttpResponse {
        let mut answer = answer::too_many(retry_after_seconds);
        answer::decorate(answer.headers_mut(), self.over_tls);
        answer
    }

    /// The locale that a request asks for, by the header of this door's or by that of HTTP.
    pub(super) fn locale(&self, headers: &HeaderMap) -> &Locale {
        let name = if headers.contains_key(LOCALE) { LOCALE } else { ACCEPT_LANGUAGE };
        let asked = headers.get_all(name).filter_map(|value| value.to_str().ok()).map(|value| value.replace('_', "-"));
        kit::negotiate_locale(asked, &self.settings.locales, &self.settings.default_locale)
    }
}

/// Every call below `/api/shop`: what browsers ask first, the storefront key, its limit, and the headers of the answer.
pub(super) async fn pass<B: MessageBody + 'static>(
    door: Data<Door>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse, Error> {
    let mut response = if is_preflight(&request) {
        let answer = preflight(request.headers());
        request.into_response(answer)
    } else {
        match admit(&door, &request).await {
            Err(refusal) => request.into_response(refusal),
            Ok(allowance) if allowance.is_exceeded => {
                let mut answer = answer::too_many(allowance.reset_seconds);
                answer::tell_allowance(answer.headers_mut(), allowance);
                request.into_response(answer)
            }
            Ok(allowance) => {
                let mut response = next.call(request).await?.map_into_boxed_body();
                answer::tell_allowance(response.headers_mut(), allowance);
                response
            }
        }
    };
    answer::decorate(response.headers_mut(), door.over_tls);
    Ok(response)
}

/// Whether the storefront key lets a request in, and what it leaves of the key's limit.
async fn admit(door: &Door, request: &ServiceRequest) -> Result<Allowance, HttpResponse<BoxBody>> {
    let given = request.headers().get(STOREFRONT_KEY).filter(|value| !value.is_empty());
    let given = given.ok_or_else(|| answer::refuse_key(KeyRefusal::Missing))?;
    let refused = || answer::refuse_key(KeyRefusal::Invalid);
    let given = given.to_str().map_err(|_| refused())?;
    let application = request.app_data::<Data<Application>>().ok_or_else(refused)?;
    let key = application.find_storefront_key(given).await.map_err(answer::failure)?.ok_or_else(refused)?;
    let client = kit::client_address(request.request());
    if !may_come_from(client, &key.networks) {
        return Err(answer::refuse_key(KeyRefusal::Address));
    }
    Ok(door.keys.count(key.name, key.limit, application.clock().now()))
}

/// A key without a list may come from anywhere, and whoever is on this machine may use any.
fn may_come_from(client: Option<IpAddr>, networks: &[String]) -> bool {
    let Some(client) = client else { return networks.is_empty() };
    let is_in = |text: &String| Network::parse(text).is_some_and(|network| network.contains(client));
    networks.is_empty() || client.to_canonical().is_loopback() || networks.iter().any(is_in)
}

fn is_preflight(request: &ServiceRequest) -> bool {
    let headers = request.headers();
    *request.method() == Method::OPTIONS
        && headers.contains_key(ORIGIN)
        && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// Any method with any header: what is asked for is what is allowed.
fn preflight(headers: &HeaderMap) -> HttpResponse {
    let mut answer = HttpResponse::NoContent().finish();
    for (asked, allowed) in [
        (ACCESS_CONTROL_REQUEST_METHOD, ACCESS_CONTROL_ALLOW_METHODS),
        (ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_ALLOW_HEADERS),
    ] {
        if let Some(value) = headers.get(asked) {
            answer.headers_mut().insert(allowed, value.clone());
        }
    }
    answer
}

/// Reads what a call is about, as `fields` takes it out of the body.
pub(super) async fn read<T>(
    request: &HttpRequest,
    payload: Payload,
    fields: impl FnOnce(&Input) -> Result<T, Unreadable>,
) -> Result<T, HttpResponse> {
    let read = read_input(request, payload).await.and_then(|input| fields(&input));
    read.map_err(|reason| answer::unreadable(&reason))
}

async fn read_input(request: &HttpRequest, payload: Payload) -> Result<Input, Unreadable> {
    let is_typed = check_content_type(request.headers());
    if request.method() != Method::DELETE {
        is_typed.clone()?;
    }
    let body = kit::body(request, payload).await.map_err(|error| match error {
        kit::BodyError::TooLarge => Unreadable::TooLarge,
        kit::BodyError::Timeout => Unreadable::Timeout,
        kit::BodyError::Broken => Unreadable::Syntax,
    })?;
    if !body.is_empty() {
        is_typed?;
    }
    Input::parse(&body)
}

/// The bearer token, as it was sent.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ").filter(|token| !token.is_empty())
}

/// Nothing is there.
pub(super) async fn not_found() -> HttpResponse {
    answer::framework_problem(StatusCode::NOT_FOUND, "Not Found")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_good_on_its_networks_and_on_this_machine() {
        let networks = ["192.0.2.0/24".to_owned(), "2001:db8::7".to_owned()];
        for (client, expected) in [
            ("192.0.2.9", true),
            ("::ffff:192.0.2.9", true),
            ("2001:db8::7", true),
            ("2001:db8::8", false),
            ("198.51.100.1", false),
            ("127.0.0.1", true),
            ("::1", true),
        ] {
            let client: IpAddr = client.parse().unwrap();
            assert_eq!(may_come_from(Some(client), &networks), expected, "{client}");
            assert!(may_come_from(Some(client), &[]), "{client}");
        }
        assert!(!may_come_from(None, &networks));
    }
}
