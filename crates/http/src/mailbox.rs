//! The mailbox: a page for people who try the gateway, and a JSON interface for their test suites. Also the clock that test
//! suites move.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use actix_web::body::BoxBody;
use actix_web::dev::ServiceRequest;
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, HOST, HeaderValue, LOCATION};
use actix_web::http::uri::{Authority, Uri};
use actix_web::middleware::{Next, from_fn};
use actix_web::web::{self, Data, Path, Payload, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use domain::{Clock, MovableClock, Timestamp};
use handlebars::Handlebars;
use jsonapi::decode_pairs;
use mailer::{Mailbox, MailboxFilter, StoredMessage};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::errors::Code;
use crate::kit::{either_slash, html, is_cross_site, problem};
use crate::limits::{BodyLimits, read_body};

/// The longest a request waits for a message.
const MAX_WAIT: Duration = Duration::from_secs(30);

/// How far the clock is moved at once at most: ten years.
const MAX_ADVANCE_SECONDS: u64 = 10 * 366 * 86_400;

/// No scripts, neither ours nor a message's. Messages bring their own styles and images.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data: http: https:; form-action 'self'; \
                      base-uri 'none'; frame-ancestors 'none'";

static PAGE: LazyLock<Handlebars<'static>> = LazyLock::new(|| {
    let mut registry = Handlebars::new();
    registry.set_strict_mode(true);
    #[expect(clippy::expect_used, reason = "the template is embedded, and a test renders it")]
    registry
        .register_template_string("mailbox", include_str!("../../../templates/pages/mailbox.hbs"))
        .expect("the embedded template parses");
    registry
});

/// Adds the page and the interface for a mailbox, and the interface for a clock, as far as there are such.
pub(crate) fn provide(
    services: &mut ServiceConfig,
    mailbox: Option<Arc<Mailbox>>,
    clock: Option<Arc<MovableClock>>,
    public_url: &str,
) {
    if mailbox.is_none() && clock.is_none() {
        return;
    }
    let own = public_url.parse::<Uri>().ok().and_then(|url| url.host().map(str::to_owned));
    let scope = web::scope("/mailbox").configure(|services| {
        if let Some(mailbox) = mailbox {
            services.app_data(Data::from(mailbox)).configure(configure_messages);
        }
        if let Some(clock) = clock {
            services.app_data(Data::from(clock)).configure(configure_clock);
        }
    });
    services.service(scope.wrap(from_fn(move |request: ServiceRequest, next: Next<BoxBody>| {
        let is_own = is_own_host(request.headers().get(HOST), own.as_deref());
        async move {
            if is_own { next.call(request).await } else { Ok(request.into_response(MailboxError::OtherHost.answer())) }
        }
    })));
}

/// Whether a request is addressed to us under a name that is surely ours. A page elsewhere can make a name of its own lead here,
/// and what a browser then asks under that name the page may read.
fn is_own_host(header: Option<&HeaderValue>, own: Option<&str>) -> bool {
    let authority = header.and_then(|value| value.to_str().ok()).and_then(|text| text.parse::<Authority>().ok());
    authority.is_some_and(|authority| {
        let host = authority.host();
        let is_address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().is_ok();
        is_address || ["localhost"].into_iter().chain(own).any(|name| name.eq_ignore_ascii_case(host))
    })
}

fn configure_messages(services: &mut ServiceConfig) {
    for path in either_slash("") {
        services.service(web::resource(path).get(show).head(show));
    }
    for path in either_slash("/api/messages") {
        services.service(web::resource(path).get(list).head(list).delete(clear));
    }
    services
        .service(web::resource("/delete").post(clear_from_page))
        .service(web::resource("/messages/{id}/delete").post(delete_from_page))
        .service(web::resource("/api/messages/{id}").get(find).head(find).delete(delete))
        .service(web::resource("/api/messages/{id}/raw").get(raw).head(raw));
}

fn configure_clock(services: &mut ServiceConfig) {
    for path in either_slash("/api/clock") {
        services.service(web::resource(path).get(read_clock).head(read_clock).post(advance_clock));
    }
}

/// Why the interface does not do what it was asked.
enum MailboxError {
    /// The request makes no sense; what would.
    Request(&'static str),
    /// No such message.
    Unknown,
    /// A page of another site sent the request.
    CrossSite,
    /// The request is addressed to a name that may be anybody's.
    OtherHost,
    /// The body did not arrive.
    Body(Code),
    /// The folder cannot be used.
    Folder(std::io::Error),
}

impl From<std::io::Error> for MailboxError {
    fn from(error: std::io::Error) -> Self {
        Self::Folder(error)
    }
}

impl MailboxError {
    fn answer(&self) -> HttpResponse {
        match self {
            Self::Request(detail) => problem(StatusCode::BAD_REQUEST, detail),
            Self::Unknown => problem(StatusCode::NOT_FOUND, "There is no such message."),
            Self::CrossSite => problem(StatusCode::FORBIDDEN, "Requests of other sites are not carried out."),
            Self::OtherHost => problem(
                StatusCode::FORBIDDEN,
                "The mailbox answers under localhost, an IP address or the host of server.public_url.",
            ),
            Self::Body(code) => {
                problem(StatusCode::from_u16(code.status()).unwrap_or(StatusCode::BAD_REQUEST), code.detail())
            }
            Self::Folder(error) => {
                tracing::error!(%error, "the mailbox folder cannot be used; look at mail.mailbox.path");
                problem(StatusCode::INTERNAL_SERVER_ERROR, "The mailbox folder cannot be used; the log says why.")
            }
        }
    }
}

/// What a handler here answers: actix turns neither into anything else.
type Answered = Result<HttpResponse, MailboxError>;

fn finish(answered: Answered) -> HttpResponse {
    answered.unwrap_or_else(|error| error.answer())
}

fn refuse_other_sites(request: &HttpRequest) -> Result<(), MailboxError> {
    if is_cross_site(request) { Err(MailboxError::CrossSite) } else { Ok(()) }
}

async fn list(request: HttpRequest, mailbox: Data<Mailbox>) -> HttpResponse {
    finish(list_messages(request.query_string(), &mailbox).await)
}

async fn list_messages(query: &str, mailbox: &Mailbox) -> Answered {
    let (filter, wait) = read_filter(query)?;
    let messages = match wait {
        Some(wait) => mailbox.wait(&filter, wait).await?,
        None => mailbox.list(&filter).await?,
    };
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(json!({ "messages": messages })))
}

/// Reads `to`, `wait` and `after`; each may be absent or empty. Longer waits are cut to [`MAX_WAIT`].
fn read_filter(query: &str) -> Result<(MailboxFilter, Option<Duration>), MailboxError> {
    let mut filter = MailboxFilter::default();
    let mut wait = None;
    for (name, value) in decode_pairs(query) {
        let value = Some(value.into_owned()).filter(|value| !value.is_empty());
        match &*name {
            "to" => filter.to = value,
            "after" => filter.after = value,
            "wait" => wait = value.as_deref().map(read_wait).transpose()?,
            _ => (),
        }
    }
    Ok((filter, wait))
}

fn read_wait(text: &str) -> Result<Duration, MailboxError> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    // More digits than a number holds is a long wait all the same.
    let seconds = || text.parse().unwrap_or(u64::MAX);
    if digits {
        Ok(Duration::from_secs(seconds()).min(MAX_WAIT))
    } else {
        Err(MailboxError::Request("wait must be a whole number of seconds, 0 to 30."))
    }
}

async fn find(id: Path<String>, mailbox: Data<Mailbox>) -> HttpResponse {
    let found = async {
        let message = mailbox.find(&id).await?.ok_or(MailboxError::Unknown)?;
        Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(message))
    };
    finish(found.await)
}

async fn raw(id: Path<String>, mailbox: Data<Mailbox>) -> HttpResponse {
    let found = async {
        let message = mailbox.raw(&id).await?.ok_or(MailboxError::Unknown)?;
        Ok(HttpResponse::Ok().insert_header((CONTENT_TYPE, "message/rfc822")).body(message))
    };
    finish(found.await)
}

async fn clear(request: HttpRequest, mailbox: Data<Mailbox>) -> HttpResponse {
    let cleared = async {
        refuse_other_sites(&request)?;
        mailbox.clear().await?;
        Ok(HttpResponse::NoContent().finish())
    };
    finish(cleared.await)
}

async fn delete(request: HttpRequest, id: Path<String>, mailbox: Data<Mailbox>) -> HttpResponse {
    let deleted = async {
        refuse_other_sites(&request)?;
        if mailbox.delete(&id).await? { Ok(HttpResponse::NoContent().finish()) } else { Err(MailboxError::Unknown) }
    };
    finish(deleted.await)
}

async fn clear_from_page(request: HttpRequest, mailbox: Data<Mailbox>) -> HttpResponse {
    let cleared = async {
        refuse_other_sites(&request)?;
        mailbox.clear().await?;
        Ok(back_to_page())
    };
    finish(cleared.await)
}

async fn delete_from_page(request: HttpRequest, id: Path<String>, mailbox: Data<Mailbox>) -> HttpResponse {
    let deleted = async {
        refuse_other_sites(&request)?;
        // Deleted by somebody else meanwhile: just as well.
        let _ = mailbox.delete(&id).await?;
        Ok(back_to_page())
    };
    finish(deleted.await)
}

fn back_to_page() -> HttpResponse {
    HttpResponse::SeeOther().insert_header((LOCATION, "/mailbox")).finish()
}

async fn show(request: HttpRequest, mailbox: Data<Mailbox>) -> HttpResponse {
    finish(render_page(request.query_string(), &mailbox).await)
}

async fn render_page(query: &str, mailbox: &Mailbox) -> Answered {
    let mut chosen = String::new();
    let mut view = View::Html;
    let mut to = String::new();
    for (name, value) in decode_pairs(query) {
        match &*name {
            "message" => chosen = value.into_owned(),
            "view" => view = View::parse(&value),
            "to" => to = value.trim().to_owned(),
            _ => (),
        }
    }
    let filter = MailboxFilter { to: Some(to.clone()).filter(|to| !to.is_empty()), after: None };
    let messages = mailbox.list(&filter).await?;
    let raw = match view {
        View::Raw => mailbox.raw(&chosen).await?,
        View::Html | View::Text => None,
    };
    let message = messages.iter().find(|message| message.id == chosen);
    Ok(render(&messages, message, view, raw.as_deref(), &to))
}

/// How a message is looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum View {
    Html,
    Text,
    Raw,
}

impl View {
    const ALL: [(Self, &'static str, &'static str); 3] =
        [(Self::Html, "html", "Message"), (Self::Text, "text", "Text"), (Self::Raw, "raw", "Headers and source")];

    fn parse(name: &str) -> Self {
        Self::ALL.into_iter().find(|(_, own, _)| *own == name).map_or(Self::Html, |(view, ..)| view)
    }
}

fn render(
    messages: &[StoredMessage],
    chosen: Option<&StoredMessage>,
    view: View,
    raw: Option<&[u8]>,
    to: &str,
) -> HttpResponse {
    let entries: Vec<Value> = messages
        .iter()
        .map(|message| {
            json!({
                "title": title(message),
                "to": message.to,
                "channel": message.channel,
                "sent_at": message.sent_at,
                "href": href(&message.id, View::Html, to),
                "chosen": chosen.is_some_and(|chosen| chosen.id == message.id),
            })
        })
        .collect();
    let context = json!({
        "count": messages.len(),
        "one": messages.len() == 1,
        "to": to,
        "messages": entries,
        "message": chosen.map(|message| describe(message, view, raw, to)),
    });
    match PAGE.render("mailbox", &context) {
        Ok(page) => html(StatusCode::OK, POLICY, page),
        Err(error) => {
            tracing::error!(%error, "the mailbox page could not be rendered");
            problem(StatusCode::INTERNAL_SERVER_ERROR, "The page could not be rendered; the log says why.")
        }
    }
}

/// The chosen message, with the one part that is looked at.
fn describe(message: &StoredMessage, view: View, raw: Option<&[u8]>, to: &str) -> Value {
    let views: Vec<Value> = View::ALL
        .into_iter()
        .map(|(own, _, name)| json!({ "name": name, "href": href(&message.id, own, to), "chosen": own == view }))
        .collect();
    let html = message.html.as_deref().filter(|_| view == View::Html);
    let plain: Option<Cow<'_, str>> = match view {
        View::Html if html.is_some() => None,
        View::Html | View::Text => message.text.as_deref().map(Cow::Borrowed),
        View::Raw => raw.map(String::from_utf8_lossy),
    };
    let link_is_web =
        message.link.as_deref().is_some_and(|link| link.starts_with("https://") || link.starts_with("http://"));
    json!({
        "id": utf8_percent_encode(&message.id, NON_ALPHANUMERIC).to_string(),
        "title": title(message),
        "from": message.from,
        "to": message.to,
        "sent_at": message.sent_at,
        "kind": message.kind,
        "link": message.link,
        "link_is_web": link_is_web,
        "token": message.token,
        "code": message.code,
        "views": views,
        "html": html,
        "plain": plain,
    })
}

fn title(message: &StoredMessage) -> &str {
    message.subject.as_deref().filter(|subject| !subject.is_empty()).unwrap_or("(no subject)")
}

fn href(id: &str, view: View, to: &str) -> String {
    let name = View::ALL.into_iter().find(|(own, ..)| *own == view).map_or("html", |(_, name, _)| name);
    let encode = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
    format!("/mailbox?message={}&view={name}&to={}", encode(id), encode(to))
}

async fn read_clock(clock: Data<MovableClock>) -> HttpResponse {
    tell_time(clock.now())
}

async fn advance_clock(request: HttpRequest, mut payload: Payload, clock: Data<MovableClock>) -> HttpResponse {
    let advanced = async {
        refuse_other_sites(&request)?;
        let body = read_body(&mut payload, BodyLimits::of(&request)).await.map_err(MailboxError::Body)?;
        Ok(tell_time(clock.advance(read_advance(&body)?)))
    };
    finish(advanced.await)
}

fn read_advance(body: &[u8]) -> Result<Duration, MailboxError> {
    let seconds = serde_json::from_slice(body).ok().and_then(|body: Value| body.get("advance")?.as_u64());
    seconds
        .filter(|seconds| *seconds <= MAX_ADVANCE_SECONDS)
        .map(Duration::from_secs)
        .ok_or(MailboxError::Request("Send {\"advance\": <whole seconds>}, 0 to ten years. Clocks do not go back."))
}

fn tell_time(now: Timestamp) -> HttpResponse {
    HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(json!({ "now": now.to_rfc3339() }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::body::to_bytes;

    fn message(id: &str) -> StoredMessage {
        StoredMessage {
            id: id.to_owned(),
            channel: "mail".to_owned(),
            kind: "registration-confirmation".to_owned(),
            to: "mira@example.com".to_owned(),
            from: "shop@example.com".to_owned(),
            subject: Some("<b>Hello & welcome</b>".to_owned()),
            sent_at: "2026-03-04T10:15:00.000000Z".to_owned(),
            text: Some("plain <script>alert(1)</script>".to_owned()),
            html: Some("<p class=\"x\">Hi</p><script>alert(1)</script>".to_owned()),
            link: Some("javascript:alert(1)".to_owned()),
            token: None,
            code: Some("004711".to_owned()),
        }
    }

    async fn page(view: View, chosen: bool) -> String {
        let messages = [message("1"), message("2")];
        let chosen = chosen.then(|| &messages[0]);
        let response = render(&messages, chosen, view, Some(b"Subject: <x>\r\n\r\nraw"), "\"><script>");
        assert_eq!(response.status(), 200);
        let policy = response.headers().get("content-security-policy").unwrap().to_str().unwrap().to_owned();
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("script-src"), "{policy}");
        String::from_utf8(to_bytes(response.into_body()).await.unwrap().to_vec()).unwrap()
    }

    #[actix_web::test]
    async fn everything_on_the_page_is_escaped_and_messages_sit_in_a_sandbox() {
        for view in [View::Html, View::Text, View::Raw] {
            let page = page(view, true).await;
            assert!(
                !page.contains("<script") && !page.contains("<b>Hello") && !page.contains("href=\"javascript:"),
                "{page}"
            );
            assert_eq!(page.contains("<iframe sandbox="), view == View::Html);
            assert_eq!(page.contains("plain &lt;script&gt;"), view == View::Text);
            assert_eq!(page.contains("Subject: &lt;x&gt;"), view == View::Raw);
            assert!(page.contains("004711"));
        }
        assert!(page(View::Html, false).await.contains("Choose a message."));
    }

    #[test]
    fn only_names_that_are_surely_ours_are_answered() {
        let is_own = |host: &'static str| is_own_host(Some(&HeaderValue::from_static(host)), Some("shop.example.com"));
        for host in ["localhost", "LOCALHOST:8080", "127.0.0.1:8080", "[::1]:8080", "192.0.2.7", "Shop.example.com:1"] {
            assert!(is_own(host), "{host}");
        }
        for host in ["", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example:8080", "example.com", "a b"]
        {
            assert!(!is_own(host), "{host}");
        }
        assert!(!is_own_host(None, Some("shop.example.com")));
        assert!(!is_own_host(Some(&HeaderValue::from_static("shop.example.com")), None));
    }

    #[test]
    fn filters_are_optional_and_waits_are_cut() {
        let read = |query: &str| read_filter(query).map(|(filter, wait)| (filter.to, filter.after, wait)).ok();
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        assert_eq!(read(""), Some((None, None, None)));
        assert_eq!(
            read("to=mira%2Bnews%40example.com&wait=5&after=7"),
            Some((Some("mira+news@example.com".to_owned()), Some("7".to_owned()), seconds(5)))
        );
        assert_eq!(read("to=&wait=&after=&other=x"), Some((None, None, None)));
        assert_eq!(read("wait=0"), Some((None, None, seconds(0))));
        for long in ["wait=31", "wait=99999999999999999999999"] {
            assert_eq!(read(long), Some((None, None, seconds(30))), "{long}");
        }
        for wrong in ["wait=-1", "wait=1.5", "wait=x", "wait=1s"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_clock_only_goes_forward_and_not_too_far() {
        let read = |body: &str| read_advance(body.as_bytes()).ok().map(|advance| advance.as_secs());
        assert_eq!(read(r#"{"advance": 3600}"#), Some(3600));
        assert_eq!(read(r#"{"advance": 0}"#), Some(0));
        for wrong in [
            "",
            "{}",
            "[]",
            r#"{"advance":-1}"#,
            r#"{"advance":1.5}"#,
            r#"{"advance":"1"}"#,
            r#"{"advance":316224001}"#,
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
