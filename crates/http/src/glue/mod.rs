//! The Glue surface: its resources, and how a request gets to them.

mod access_tokens;
mod addresses;
mod cart_items;
mod cart_shapes;
mod carts;
mod customer_carts;
mod customer_confirmation;
mod customer_confirmation_resend;
mod customer_forgotten_password;
mod customer_password;
mod customer_restore_password;
mod customers;
mod guest_cart_items;
mod guest_carts;
mod refresh_tokens;
mod token;

use std::cell::{Cell, RefCell};
use std::net::{IpAddr, Ipv4Addr};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, CONTENT_LANGUAGE, CONTENT_TYPE, HeaderMap, HeaderValue,
};
use actix_web::web::{Bytes, Data, Payload};
use actix_web::{HttpMessage, HttpRequest, HttpResponse};
use application::{AuthenticateError, CartSettings, LeakedPasswords};
use domain::Locale;
use futures_util::FutureExt;
use jsonapi::link_query;

use crate::access_log::PathTemplate;
use crate::answer::Frame;
use crate::constraints::World;
use crate::declaration::{Call, Context, Declaration, ForeignCall, Verb};
use crate::errors::{Code, Refusal};
use crate::kit;
use crate::limits::{BodyLimits, read_body};
use crate::pipeline::{Admitted, Gate, Incoming, Pipeline};
use crate::routing::{Routes, read_pairs};
use crate::settings::GlueSettings;
use crate::wire::Wire;

/// Every resource of the surface, in a shop where a customer has one cart.
pub(crate) static DECLARATIONS: [&Declaration; 16] = with(&carts::CARTS);
/// Likewise, in a shop where customers can have several.
pub(crate) static DECLARATIONS_WITH_SEVERAL_CARTS: [&Declaration; 16] = with(&carts::SEVERAL_CARTS);

const fn with(carts: &'static Declaration) -> [&'static Declaration; 16] {
    [
        &customers::CUSTOMERS,
        &addresses::ADDRESSES,
        &customer_confirmation::CUSTOMER_CONFIRMATION,
        &customer_confirmation_resend::CUSTOMER_CONFIRMATION_RESEND,
        &customer_forgotten_password::CUSTOMER_FORGOTTEN_PASSWORD,
        &customer_restore_password::CUSTOMER_RESTORE_PASSWORD,
        &customer_password::CUSTOMER_PASSWORD,
        &access_tokens::ACCESS_TOKENS,
        &refresh_tokens::REFRESH_TOKENS,
        &token::TOKEN,
        &guest_carts::GUEST_CARTS,
        &guest_cart_items::ITEMS_OF_THE_CART,
        &guest_cart_items::GUEST_CART_ITEMS,
        carts,
        &customer_carts::CUSTOMER_CARTS,
        &cart_items::CART_ITEMS,
    ]
}

/// The resources that are served with these settings. Switched off, the surface has none and answers everything with 404.
pub(crate) fn declarations(settings: &GlueSettings, carts: &CartSettings) -> &'static [&'static Declaration] {
    match (settings.enabled, carts.multi_cart) {
        (false, _) => &[],
        (true, false) => &DECLARATIONS,
        (true, true) => &DECLARATIONS_WITH_SEVERAL_CARTS,
    }
}

/// The surface, ready to answer.
pub(crate) struct Glue {
    pipeline: Pipeline,
    wire: Arc<Wire>,
    context: Context,
    body_limits: BodyLimits,
    allow_origin: Option<HeaderValue>,
    leaked_passwords: Option<LeakedPasswords>,
}

impl Glue {
    /// The surface with these settings.
    pub(crate) fn new(
        settings: &GlueSettings,
        wire: Arc<Wire>,
        body_limits: BodyLimits,
        context: Context,
        leaked_passwords: Option<LeakedPasswords>,
    ) -> Self {
        let origin = Some(settings.cors_allow_origin.as_str()).filter(|origin| !origin.is_empty());
        Self {
            pipeline: Pipeline::new(Routes::new(declarations(settings, context.application.carts())), settings),
            wire,
            context,
            body_limits,
            allow_origin: origin.and_then(|origin| HeaderValue::from_str(origin).ok()),
            leaked_passwords,
        }
    }
}

/// Answers whatever no other surface has a route for.
pub(crate) async fn answer(request: HttpRequest, mut payload: Payload, glue: Data<Glue>) -> HttpResponse {
    let body = if Verb::reading_a_body(request.method()) {
        read_body(&mut payload, glue.body_limits).await
    } else {
        Ok(Bytes::new())
    };
    let uri = request.uri();
    let mut response =
        glue.answer(&request, uri.path(), uri.query().unwrap_or_default(), body.as_ref().map_err(|code| *code)).await;
    if let Some(origin) = &glue.allow_origin {
        response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        response.headers_mut().insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("ETag"));
    }
    response
}

impl Glue {
    async fn answer(
        &self,
        request: &HttpRequest,
        path: &str,
        raw_query: &str,
        body: Result<&Bytes, Code>,
    ) -> HttpResponse {
        let headers = request.headers();
        let pairs = read_pairs(path);
        let route = self.pipeline.route(&pairs);
        if let Some(route) = route {
            request.extensions_mut().insert(PathTemplate(route.template(&pairs)));
        }
        let locale = self.pipeline.locale(headers);
        let accept = self.wire.read_accept(headers);
        let mode = self.wire.mode(accept);
        let request_id = kit::request_id(request);
        let link_query = link_query(raw_query, mode);
        let frame = Frame {
            wire: &self.wire,
            mode,
            request_id: request_id.as_ref(),
            locale,
            base_url: &self.context.base_url,
            route,
            pairs: &pairs,
            link_query: &link_query,
        };
        let client = kit::client_address(request).unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        let application = &self.context.application;
        let incoming = Incoming { method: request.method(), pairs: &pairs, raw_query, headers, accept, mode, body };
        let login = Cell::new(None);
        let admit = |is_leaked: &dyn Fn(&str) -> bool| {
            let world = World { today: &|| application.clock().now().date(), is_leaked };
            let verify = |token: &str| application.verify_access_token(token).ok();
            let note_login = |username: &str| login.set(Some(username.to_owned()));
            self.pipeline.admit(route, &incoming, &Gate { verify: &verify, note_login: &note_login, world })
        };
        let admitted = match &self.leaked_passwords {
            None => admit(&|_| false),
            Some(service) => {
                // Nothing in the pipeline waits. Therefore it first tells which passwords it would ask about, and goes over
                // the request again only if one of them has leaked.
                let candidates = RefCell::new(Vec::new());
                let admitted = admit(&|password| {
                    candidates.borrow_mut().push(password.to_owned());
                    false
                });
                let leaked = service.leaked_among(candidates.into_inner()).await;
                if leaked.is_empty() {
                    admitted
                } else {
                    admit(&|password| leaked.iter().any(|known| known == password))
                }
            }
        };
        let admitted = match admitted {
            Ok(admitted) => admitted,
            Err(refusal) => {
                let refusal = self.locked_out(login.take(), client, locale).await.unwrap_or(refusal);
                return frame.render_refusal(&refusal);
            }
        };
        let kind = route.map_or("", |route| route.declaration.kind);
        let call = |input, query, guest| Call {
            context: &self.context,
            kind,
            pairs: &pairs,
            input,
            locale,
            query,
            link_query: &link_query,
            mode,
            client,
            guest,
        };
        let (outcome, query) = match admitted {
            Admitted::Preflight(route) => return frame.render_preflight(route),
            Admitted::Foreign(handler, authorization_is_good) => {
                let content_type = read_text(headers);
                let context = &self.context;
                let call = ForeignCall { context, content_type, body, authorization_is_good, locale, client };
                let answered = AssertUnwindSafe(handler(call)).catch_unwind().await;
                let mut response = answered.unwrap_or_else(|_| frame.render_refusal(&after_panic()));
                if let Ok(language) = HeaderValue::from_str(locale.as_str()) {
                    response.headers_mut().insert(CONTENT_LANGUAGE, language);
                }
                return response;
            }
            Admitted::Public(handler, input, query, guest) => {
                (AssertUnwindSafe(handler(call(input, &query, guest))).catch_unwind().await, query)
            }
            Admitted::Token(handler, input, query, caller) => {
                (AssertUnwindSafe(handler(call(input, &query, None), caller)).catch_unwind().await, query)
            }
            Admitted::Tagged(handler, input, query, caller, tag) => {
                (AssertUnwindSafe(handler(call(input, &query, None), caller, tag)).catch_unwind().await, query)
            }
            Admitted::Guest(handler, input, query, guest) => {
                (AssertUnwindSafe(handler(call(input, &query, Some(guest)), guest)).catch_unwind().await, query)
            }
        };
        match outcome.unwrap_or_else(|_| Err(after_panic())) {
            Ok(answer) => frame.render(answer, &query),
            Err(refusal) => frame.render_refusal(&refusal),
        }
    }

    /// What a login that came as far as the login lock is told in place of what a later check found, if the lock is closed.
    async fn locked_out(&self, username: Option<String>, client: IpAddr, locale: &Locale) -> Option<Refusal> {
        let application = &self.context.application;
        let error = match application.login_lock(&username?, client).await {
            Ok(None) => return None,
            Ok(Some(retry_after_seconds)) => AuthenticateError::Locked { retry_after_seconds },
            Err(failure) => AuthenticateError::Failure(failure),
        };
        Some(Refusal::of_login(error, locale, application.login_block_minutes()))
    }
}

/// A handler that panics is a mistake of ours. Its client gets an answer, and the others are not disturbed.
fn after_panic() -> Refusal {
    tracing::error!("a request handler panicked");
    Code::Internal.into()
}

fn read_text(headers: &HeaderMap) -> Option<&str> {
    headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok())
}
