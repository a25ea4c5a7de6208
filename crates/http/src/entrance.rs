//! What every request to every surface goes through: it gets an identity and a client address, is counted against its
//! client's limit, and leaves with the security headers and a line in the log.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Instant;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::HeaderValue;
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest, HttpResponse};
use domain::Locale;
use tracing::Instrument;

use crate::answer::Frame;
use crate::client_address::{self, ForwardedHeader, Network};
use crate::errors::Refusal;
use crate::kit::ClientAddress;
use crate::limits::{HeldBody, RequestLimiter};
use crate::request_id::{self, RequestId, RequestIds};
use crate::server::TooManyRequests;
use crate::wire::Wire;
use crate::{access_log, headers};

/// What the entrance needs to know.
pub(crate) struct Entrance {
    pub(crate) ids: RequestIds,
    pub(crate) limiter: Option<RequestLimiter>,
    pub(crate) trusted_proxies: Vec<Network>,
    pub(crate) forwarded_header: ForwardedHeader,
    /// How the surfaces with words of their own refuse one request too many.
    pub(crate) too_many: Vec<TooManyRequests>,
    pub(crate) security_headers: bool,
    pub(crate) locale: Locale,
    pub(crate) wire: Arc<Wire>,
}

impl Entrance {
    /// Sees a request in and its answer out.
    pub(crate) async fn pass<B: MessageBody + 'static>(
        &self,
        mut request: ServiceRequest,
        next: Next<B>,
    ) -> Result<ServiceResponse, Error> {
        let arrived = Instant::now();
        let method = request.method().clone();
        let id = self.ids.resolve(request.headers().get(request_id::HEADER));
        let peer = request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip());
        let address = client_address::find(peer, request.headers(), &self.trusted_proxies, self.forwarded_header);
        request.extensions_mut().insert(id.clone());
        request.extensions_mut().insert(ClientAddress(address));
        let body = HeldBody::of(&mut request);

        let limited = self.limiter.as_ref().and_then(|limiter| limiter.check(address).err());
        let mut response = if let Some(seconds) = limited {
            let refusal = self.refuse(request.request(), &id, seconds);
            request.into_response(refusal)
        } else {
            let span = tracing::info_span!("request", id = id.as_str());
            next.call(request).instrument(span).await?.map_into_boxed_body()
        };

        if let Ok(value) = HeaderValue::from_str(id.as_str()) {
            response.headers_mut().insert(request_id::HEADER, value);
        }
        if self.security_headers {
            headers::add_security(response.headers_mut());
        }
        let path = access_log::path_template(response.request());
        access_log::record(&method, path, response.status(), &id, arrived.elapsed());
        Ok(body.release_behind(response))
    }

    /// Refuses one request too many, in the words of the surface that it is for.
    fn refuse(&self, request: &HttpRequest, id: &RequestId, seconds: u64) -> HttpResponse {
        self.too_many.iter().find_map(|refuse| refuse(request, seconds)).unwrap_or_else(|| {
            let mode = self.wire.mode(self.wire.read_accept(request.headers()));
            let frame = Frame::bare(&self.wire, mode, id, &self.locale);
            frame.render_refusal(&Refusal::too_many_requests(seconds))
        })
    }
}
