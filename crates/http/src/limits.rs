//! How much of a client's request is read, and how many of its requests are answered.

use std::cell::{Cell, RefCell};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Payload as RawPayload, ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::web::{Bytes, BytesMut, Payload};
use actix_web::{HttpMessage, HttpRequest};
use application::one_client;
use domain::Timestamp;
use futures_util::{Stream, StreamExt};
use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};

use crate::errors::Code;
use crate::settings::HttpSettings;

/// After how many requests addresses that have been quiet are forgotten.
const SWEEP_EVERY: u32 = 10_000;

/// The limits of a request body.
#[derive(Clone, Copy, Debug)]
pub struct BodyLimits {
    /// Bytes at most.
    pub bytes: usize,
    /// How long it may take to arrive.
    pub timeout: Duration,
}

impl BodyLimits {
    /// What holds outside the server, as in a unit test.
    const MODEST: Self = Self { bytes: 65_536, timeout: Duration::from_secs(10) };

    /// The limits of the server that a request came to.
    pub fn of(request: &HttpRequest) -> Self {
        request.app_data().copied().unwrap_or(Self::MODEST)
    }

    /// The limits that are configured.
    pub const fn new(settings: &HttpSettings) -> Self {
        Self { bytes: settings.body_limit_bytes, timeout: Duration::from_secs(settings.body_timeout_seconds) }
    }
}

/// Reads a body.
///
/// # Errors
///
/// [`Code::BodyTooLarge`], [`Code::BodyTimeout`], or [`Code::InvalidDocument`] when the transfer breaks.
pub async fn read_body(payload: &mut Payload, limits: BodyLimits) -> Result<Bytes, Code> {
    tokio::time::timeout(limits.timeout, collect(payload, limits.bytes)).await.unwrap_or(Err(Code::BodyTimeout))
}

async fn collect(payload: &mut Payload, limit: usize) -> Result<Bytes, Code> {
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| Code::InvalidDocument)?;
        if chunk.len() > limit - body.len() {
            return Err(Code::BodyTooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// The body of a request, held until the request is answered. As long as it is held the server sees whether anybody read it to
/// its end, and closes the connection behind the answer if nobody did. Else it would go on reading for as long as the client
/// goes on sending.
pub struct HeldBody(Option<Rc<Held>>);

struct Held {
    payload: RefCell<RawPayload>,
    read_to_its_end: Cell<bool>,
}

impl HeldBody {
    /// Holds the body of a request, which its handler reads as ever.
    pub fn of(request: &mut ServiceRequest) -> Self {
        Self(match request.take_payload() {
            RawPayload::None => None,
            payload => {
                let body = Rc::new(Held { payload: RefCell::new(payload), read_to_its_end: Cell::new(false) });
                let read = ReadBody(Rc::clone(&body)).boxed_local();
                request.set_payload(RawPayload::Stream { payload: read });
                Some(body)
            }
        })
    }

    /// Lets the body go when its answer was sent.
    pub fn release_behind(self, response: ServiceResponse) -> ServiceResponse {
        match self.0 {
            None => response,
            Some(held) if held.read_to_its_end.get() => response,
            Some(held) => response.map_body(|_, body| BoxBody::new(BodyBeforeClose { body, _held: held })),
        }
    }
}

struct ReadBody(Rc<Held>);

impl Stream for ReadBody {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = Pin::new(&mut *self.0.payload.borrow_mut()).poll_next(context);
        if matches!(polled, Poll::Ready(None)) {
            self.0.read_to_its_end.set(true);
        }
        polled
    }
}

struct BodyBeforeClose {
    body: BoxBody,
    _held: Rc<Held>,
}

impl MessageBody for BodyBeforeClose {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_next(context)
    }
}

/// Counts requests by client address, on this node.
pub struct RequestLimiter {
    limiter: RateLimiter<IpAddr, DashMapStateStore<IpAddr>, OurClock, NoOpMiddleware<Duration>>,
    clock: OurClock,
    checked: AtomicU32,
}

/// Our time in the limiter's terms, so that a clock that a test moves moves the limits too.
#[derive(Clone)]
struct OurClock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock for OurClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        Duration::from_micros(u64::try_from((self.0)().as_micros()).unwrap_or(0))
    }
}

impl RequestLimiter {
    /// The limiter that is configured; `None` when requests are not limited.
    pub fn new(settings: &HttpSettings, now: Arc<dyn Fn() -> Timestamp + Send + Sync>) -> Option<Self> {
        let rate = NonZeroU32::new(settings.requests_per_second)?;
        let burst = NonZeroU32::new(settings.request_burst)?;
        let clock = OurClock(now);
        let quota = Quota::per_second(rate).allow_burst(burst);
        let limiter = RateLimiter::new(quota, DashMapStateStore::default(), clock.clone());
        Some(Self { limiter, clock, checked: AtomicU32::new(0) })
    }

    /// Whether one more request from this address is answered.
    ///
    /// # Errors
    ///
    /// After how many seconds it would be, at least 1.
    pub fn check(&self, address: IpAddr) -> Result<(), u64> {
        if self.checked.fetch_add(1, Ordering::Relaxed) % SWEEP_EVERY == SWEEP_EVERY - 1 {
            self.limiter.retain_recent();
        }
        self.limiter.check_key(&one_client(address)).map_err(|refused| {
            let wait = refused.wait_time_from(self.clock.now());
            (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client_address::ForwardedHeader;

    fn settings(requests_per_second: u32, request_burst: u32) -> HttpSettings {
        HttpSettings {
            workers: 1,
            max_connections: 1,
            keep_alive_seconds: 1,
            head_timeout_seconds: 1,
            body_timeout_seconds: 1,
            body_limit_bytes: 1024,
            requests_per_second,
            request_burst,
            trusted_proxies: Vec::new(),
            forwarded_header: ForwardedHeader::XForwardedFor,
        }
    }

    #[test]
    fn a_burst_is_answered_and_then_one_request_a_period_of_our_clock() {
        let moved = Arc::new(std::sync::Mutex::new(Duration::ZERO));
        let offset = Arc::clone(&moved);
        let start = Timestamp::from_micros(1_772_619_300_000_000);
        let now: Arc<dyn Fn() -> Timestamp + Send + Sync> = Arc::new(move || start.plus(*offset.lock().unwrap()));
        let limiter = RequestLimiter::new(&settings(1, 3), now).unwrap();
        let address: IpAddr = "192.0.2.7".parse().unwrap();
        for _ in 0..3 {
            assert_eq!(limiter.check(address), Ok(()));
        }
        assert_eq!(limiter.check(address), Err(1));
        assert_eq!(limiter.check("192.0.2.8".parse().unwrap()), Ok(()));
        *moved.lock().unwrap() = Duration::from_secs(1);
        assert_eq!(limiter.check(address), Ok(()));
        assert_eq!(limiter.check(address), Err(1));
    }

    #[test]
    fn addresses_of_one_ipv6_network_count_together() {
        let now: Arc<dyn Fn() -> Timestamp + Send + Sync> = Arc::new(|| Timestamp::from_micros(0));
        let limiter = RequestLimiter::new(&settings(1, 1), now).unwrap();
        for (address, passes) in [("2001:db8:1:2:3:4:5:6", true), ("2001:db8:1:2::1", false), ("2001:db8:1:3::1", true)]
        {
            assert_eq!(limiter.check(address.parse().unwrap()).is_ok(), passes, "{address}");
        }
    }

    #[test]
    fn zero_means_no_limit() {
        let now: Arc<dyn Fn() -> Timestamp + Send + Sync> = Arc::new(|| Timestamp::from_micros(0));
        assert!(RequestLimiter::new(&settings(0, 3), now).is_none());
    }

    #[actix_web::test]
    async fn a_body_is_read_up_to_its_limit() {
        use actix_web::{FromRequest, test::TestRequest};
        let limits = BodyLimits { bytes: 4, timeout: Duration::from_secs(60) };
        for (body, expected) in [
            ("", Ok(Bytes::new())),
            ("four", Ok(Bytes::from_static(b"four"))),
            ("fiver", Err(Code::BodyTooLarge)),
            (&*"x".repeat(100), Err(Code::BodyTooLarge)),
        ] {
            let (request, mut payload) = TestRequest::post().set_payload(body.to_owned()).to_http_parts();
            let mut payload = Payload::from_request(&request, &mut payload).await.unwrap();
            assert_eq!(read_body(&mut payload, limits).await, expected, "{body}");
        }
    }

    #[actix_web::test]
    async fn a_body_that_does_not_arrive_is_given_up() {
        use actix_web::{FromRequest, test::TestRequest};
        let (request, _) = TestRequest::post().to_http_parts();
        let mut payload = actix_web::dev::Payload::Stream { payload: futures_util::stream::pending().boxed_local() };
        let mut payload = Payload::from_request(&request, &mut payload).await.unwrap();
        let limits = BodyLimits { bytes: 4, timeout: Duration::ZERO };
        assert_eq!(read_body(&mut payload, limits).await, Err(Code::BodyTimeout));
    }
}
