//! The one way in: every check of a request to the Glue surface, in the order in which they fire.
//!
//! The first stage that finds something wrong answers. A resource's handler runs only when all of them passed. Nothing here
//! waits for anything: the body has been read, and tokens are checked by computing.

use actix_web::http::Method;
use actix_web::http::header::{ACCEPT, ACCEPT_LANGUAGE, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, IF_MATCH};
use actix_web::web::Bytes;
use application::Caller;
use domain::{GuestId, Locale};
use jsonapi::{
    Accept, AcceptHeader, ContentType, Mode, Query, QueryProblem, RequestDocument, RequestProblem, read_content_type,
    read_request,
};
use serde_json::{Map, Value};

use crate::constraints::{World, check_fields};
use crate::declaration::{
    Access, EntityTag, ForeignHandler, GuestHandler, Input, Operation, Ownership, PublicHandler, TaggedHandler,
    TokenHandler, Verb,
};
use crate::errors::{Code, Refusal};
use crate::routing::{Pair, Route, Routes};
use crate::settings::GlueSettings;
use crate::{cors, headers, language};

/// The longest access token that is looked at, in bytes; anything longer was never issued.
const MAX_ACCESS_TOKEN: usize = 8192;

/// A request, read whole.
pub struct Incoming<'a> {
    /// The method.
    pub method: &'a Method,
    /// The path, as pairs.
    pub pairs: &'a [Pair<'a>],
    /// What stands behind the question mark.
    pub raw_query: &'a str,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// What `Accept` says.
    pub accept: AcceptHeader,
    /// How the request is read.
    pub mode: Mode,
    /// The body, or why there is none.
    pub body: Result<&'a Bytes, Code>,
}

impl Incoming<'_> {
    /// The method as resources know it.
    fn verb(&self) -> Option<Verb> {
        match *self.method {
            Method::GET | Method::HEAD => Some(Verb::Get),
            Method::POST => Some(Verb::Post),
            Method::PATCH => Some(Verb::Patch),
            Method::DELETE => Some(Verb::Delete),
            _ => None,
        }
    }
}

/// What the pipeline asks others.
pub struct Gate<'a> {
    /// Whose access token this is, if it is good.
    pub verify: &'a dyn Fn(&str) -> Option<Caller>,
    /// Told the user name of a login when it is time for the login lock. The lock is not asked here, for that would mean to
    /// wait: if a later check refuses, a closed lock is to be told instead, and if none does, logging in asks the lock anyway.
    pub note_login: &'a dyn Fn(&str),
    /// What constraints ask.
    pub world: World<'a>,
}

/// A request that passed.
pub enum Admitted<'a> {
    /// A pre-flight request of a browser, about this resource.
    Preflight(&'a Route),
    /// A request for this handler; of a guest, where one is named.
    Public(PublicHandler, Input, Query, Option<GuestId>),
    /// A request of a customer for this handler.
    Token(TokenHandler, Input, Query, Caller),
    /// Likewise, of one who knows the resource in that state.
    Tagged(TaggedHandler, Input, Query, Caller, EntityTag),
    /// A request of a guest for this handler.
    Guest(GuestHandler, Input, Query, GuestId),
    /// A request for a handler that does not speak JSON:API; whether an `Authorization` sent along is good.
    Foreign(ForeignHandler, bool),
}

/// Knows the resources and lets requests through to them.
pub struct Pipeline {
    routes: Routes,
    locales: Vec<Locale>,
    default_locale: Locale,
    require_accept: bool,
}

impl Pipeline {
    /// A pipeline in front of these resources.
    pub fn new(routes: Routes, settings: &GlueSettings) -> Self {
        Self {
            routes,
            locales: settings.locales.clone(),
            default_locale: settings.default_locale.clone(),
            require_accept: settings.require_accept,
        }
    }

    /// The resource that a path names.
    pub fn route(&self, pairs: &[Pair<'_>]) -> Option<&Route> {
        self.routes.find(pairs)
    }

    /// The language of the answer.
    pub fn locale(&self, headers: &HeaderMap) -> &Locale {
        let ranges = headers.get_all(ACCEPT_LANGUAGE).filter_map(|value| value.to_str().ok());
        language::negotiate(ranges, &self.locales, &self.default_locale)
    }

    /// Lets a request through, or says why not.
    ///
    /// # Errors
    ///
    /// Everything that the first stage with something to say says.
    pub fn admit<'a>(
        &'a self,
        route: Option<&'a Route>,
        incoming: &Incoming<'_>,
        gate: &Gate<'_>,
    ) -> Result<Admitted<'a>, Refusal> {
        // The checks of HTTP come first, even where there is no such resource.
        let is_preflight = *incoming.method == Method::OPTIONS;
        if is_preflight {
            cors::check_presence(incoming.headers)?;
        }
        let query = Query::parse(incoming.raw_query, incoming.mode).map_err(refuse_query)?;
        cors::check_offer(incoming.headers, route)?;
        let accept = self.check_accept(incoming)?;
        let found = route.zip(incoming.verb());
        let operation = found.and_then(|(route, verb)| route.operation(verb, incoming.pairs));
        let content_type = check_content_type(incoming, operation)?;
        if accept == Accept::OtherFormat {
            return Err(Code::UnsupportedAccept.into());
        }

        // Resources have no versions: whoever asks for one asks for what is not there.
        let versioned = accept == Accept::Versioned || content_type == ContentType::Versioned;
        if versioned {
            return Err(Code::NotFound.into());
        }
        if is_preflight {
            return route.map(Admitted::Preflight).ok_or_else(|| Code::NotFound.into());
        }
        let (route, operation) = route.zip(operation).ok_or_else(|| missing_operation(route, incoming))?;
        if let Access::Foreign(handler) = operation.access {
            return Ok(Admitted::Foreign(handler, read_caller(incoming.headers, gate).is_ok()));
        }
        query.check(route.declaration.shown().relationships, incoming.mode).map_err(refuse_query)?;

        let verb = operation.verb;
        let document =
            verb.has_document().then(|| read_document(incoming, content_type, route.declaration.kind)).transpose()?;
        if matches!(verb, Verb::Patch | Verb::Delete) && incoming.pairs.iter().any(|pair| pair.id.is_none()) {
            return Err(Code::IdMissing.into());
        }
        if let Some(document) = &document {
            check_identity(document, verb, incoming)?;
        }
        let guest = read_guest(incoming.headers);
        if matches!(operation.access, Access::Guest(_)) && guest.is_none() {
            return Err(Code::GuestMissing.into());
        }
        let attributes = document.map_or_else(Map::new, |document| document.attributes);
        if let Access::Login { username, .. } = operation.access
            && let Some(Value::String(username)) = attributes.get(username)
        {
            (gate.note_login)(username);
        }
        check_identities(incoming.headers)?;
        let caller = check_token(incoming.headers, operation, gate)?;
        if verb.has_document() {
            check_fields(operation.fields, &attributes, gate.world)?;
        }
        let input = Input::new(attributes);
        match (operation.access, caller) {
            (Access::Token { ownership, handler }, Some(caller)) => {
                check_ownership(ownership, verb, incoming.pairs, &caller)?;
                Ok(Admitted::Token(handler, input, query, caller))
            }
            (Access::Tagged(handler), Some(caller)) => {
                let tag = read_entity_tag(incoming.headers)?;
                Ok(Admitted::Tagged(handler, input, query, caller, tag))
            }
            (Access::Token { .. } | Access::Tagged(_), None) => Err(Code::MissingAccessToken.into()),
            (Access::Guest(handler), _) => guest
                .map(|guest| Admitted::Guest(handler, input, query, guest))
                .ok_or_else(|| Code::GuestMissing.into()),
            (Access::Public(handler) | Access::Login { handler, .. }, _) => {
                Ok(Admitted::Public(handler, input, query, guest))
            }
            (Access::Foreign(handler), _) => Ok(Admitted::Foreign(handler, true)),
        }
    }

    fn check_accept(&self, incoming: &Incoming<'_>) -> Result<Accept, Code> {
        if self.require_accept && !incoming.headers.contains_key(ACCEPT) {
            return Err(Code::NotAcceptable);
        }
        match incoming.accept.judge(incoming.mode) {
            Accept::Unacceptable => Err(Code::NotAcceptable),
            accept => Ok(accept),
        }
    }
}

fn refuse_query(problem: QueryProblem) -> Refusal {
    match problem {
        QueryProblem::MalformedPage(parameter) => Refusal::of_parameter(Code::InvalidPage, parameter),
        QueryProblem::Unknown(parameter) => Refusal::of_parameter(Code::UnknownParameter, parameter),
        QueryProblem::UnknownPath => Code::UnknownPath.into(),
    }
}

/// Why a path has no operation for the method: there is nothing at the path, or nothing of that method.
fn missing_operation(route: Option<&Route>, incoming: &Incoming<'_>) -> Code {
    match route {
        Some(route) if incoming.mode.tells_missing_methods() && !route.allowed_methods(incoming.pairs).is_empty() => {
            Code::MethodNotAllowed
        }
        _ => Code::NotFound,
    }
}

fn check_content_type(incoming: &Incoming<'_>, operation: Option<&Operation>) -> Result<ContentType, Refusal> {
    let header = sole_header(incoming.headers, &CONTENT_TYPE, "Content-Type")?;
    // What does not speak JSON:API is not held to its media type.
    let is_foreign = operation.is_some_and(|operation| matches!(operation.access, Access::Foreign(_)));
    match read_content_type(header, if is_foreign { Mode::Glue } else { incoming.mode }) {
        // Two common clients send the type along with requests that have no body; only an empty one is refused there.
        ContentType::Unsupported
            if incoming.verb().is_some_and(Verb::has_document) || header.is_some_and(|text| text.trim().is_empty()) =>
        {
            Err(Code::UnsupportedContentType.into())
        }
        content_type => Ok(content_type),
    }
}

/// The text of a header that may be given once. One that is no text reads as a text that means nothing to anybody.
fn sole_header<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
    spelled: &'static str,
) -> Result<Option<&'a str>, Refusal> {
    let mut values = headers.get_all(name);
    match (values.next(), values.next()) {
        (first, None) => Ok(first.map(|value| value.to_str().unwrap_or("?"))),
        _ => Err(Refusal::of_header(Code::HeaderRepeated, spelled)),
    }
}

fn read_document(incoming: &Incoming<'_>, content_type: ContentType, kind: &str) -> Result<RequestDocument, Code> {
    let body = incoming.body?;
    if content_type == ContentType::Undecodable {
        return Err(Code::InvalidDocument);
    }
    read_request(body, kind).map_err(|problem| match problem {
        RequestProblem::WrongType if incoming.mode.wrong_type_conflicts() => Code::TypeConflict,
        RequestProblem::WrongType => Code::InvalidType,
        RequestProblem::Malformed => Code::InvalidDocument,
    })
}

/// Whether a document is about the resource of the URL, and about nothing that it cannot change.
fn check_identity(document: &RequestDocument, verb: Verb, incoming: &Incoming<'_>) -> Result<(), Code> {
    let mode = incoming.mode;
    let own = incoming.pairs.last().and_then(|pair| pair.id.as_deref());
    match (verb, &document.id) {
        (Verb::Post, Some(_)) if mode.refuses_client_ids() => Err(Code::ClientId),
        (Verb::Patch, Some(id)) if mode.wrong_id_conflicts() && id.as_str() != own => Err(Code::IdConflict),
        (Verb::Patch, _) if mode.refuses_relationships() && document.has_relationships => {
            Err(Code::RelationshipsRefused)
        }
        _ => Ok(()),
    }
}

fn check_identities(headers: &HeaderMap) -> Result<(), Refusal> {
    let is_there = |name: &HeaderName| headers.get_all(name).any(|value| !value.is_empty());
    if is_there(&AUTHORIZATION) && is_there(&headers::GUEST) {
        return Err(Code::TwoIdentities.into());
    }
    sole_header(headers, &headers::GUEST, headers::GUEST_AS_SPELLED).map(|_| ())
}

/// The guest whom a request names. Only one whose header stands there once is let through.
fn read_guest(headers: &HeaderMap) -> Option<GuestId> {
    headers.get_all(&headers::GUEST).find_map(|value| GuestId::of(value.as_bytes()))
}

/// The state of the resource that a client knows. Its quotes may be left out.
fn read_entity_tag(headers: &HeaderMap) -> Result<EntityTag, Refusal> {
    let header = sole_header(headers, &IF_MATCH, "If-Match")?.filter(|text| !text.is_empty());
    let text = header.ok_or(Code::EntityTagMissing)?;
    let unquoted = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    Ok(EntityTag(unquoted.unwrap_or(text).to_owned()))
}

fn check_token(headers: &HeaderMap, operation: &Operation, gate: &Gate<'_>) -> Result<Option<Caller>, Code> {
    match (read_caller(headers, gate)?, operation.access) {
        (None, access) if access.needs_token() => Err(Code::MissingAccessToken),
        (caller, _) => Ok(caller),
    }
}

/// Whose access token comes along. An empty header is none; two are not to be trusted.
fn read_caller(headers: &HeaderMap, gate: &Gate<'_>) -> Result<Option<Caller>, Code> {
    let mut values = headers.get_all(AUTHORIZATION);
    let header = match (values.next(), values.next()) {
        (None, _) => return Ok(None),
        (Some(value), None) if value.is_empty() => return Ok(None),
        (Some(value), None) => value.to_str().map_err(|_| Code::InvalidAccessToken)?,
        (Some(_), Some(_)) => return Err(Code::InvalidAccessToken),
    };
    let mut words = header.split_whitespace();
    match (words.next(), words.next(), words.next()) {
        (Some(scheme), Some(token), None)
            if scheme.eq_ignore_ascii_case("Bearer") && token.len() <= MAX_ACCESS_TOKEN =>
        {
            (gate.verify)(token).map(Some).ok_or(Code::InvalidAccessToken)
        }
        _ => Err(Code::InvalidAccessToken),
    }
}

fn check_ownership(ownership: Ownership, verb: Verb, pairs: &[Pair<'_>], caller: &Caller) -> Result<(), Code> {
    let Ownership::Caller { otherwise } = ownership else { return Ok(()) };
    match (verb, pairs) {
        (Verb::Get, [Pair { id: None, .. }]) => Ok(()),
        (_, [Pair { id: Some(id), .. }, ..]) if *id == caller.reference => Ok(()),
        _ => Err(otherwise),
    }
}

#[cfg(test)]
mod tests;
