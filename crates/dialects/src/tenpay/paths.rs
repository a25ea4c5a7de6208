//! Which path is ours. Letters match in any case, and a slash at the end does not count.
//!
//! What is not known here is left to the other doors, which share the domain.

use std::borrow::Cow;

use actix_web::http::Method;
use percent_encoding::percent_decode_str;

/// One of the paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// `/connect/token`
    Token,
    /// `/User`
    Create,
    /// `/User/email/send-confirmation`
    SendConfirmation,
    /// `/User/email/confirm`
    Confirm,
    /// `/User/{id}/status`, with what stands for the id.
    Status(String),
}

/// Whether a path is worth being taken apart. Every request of the other doors is asked this, too.
fn may_be_ours(path: &str) -> bool {
    let first = path.split('/').next().unwrap_or_default();
    path.contains('%') || ["User", "connect", "api"].into_iter().any(|name| first.eq_ignore_ascii_case(name))
}

impl Endpoint {
    /// The endpoint at a path, as it came over the wire; `None` where there is none.
    pub(crate) fn find(path: &str) -> Option<Self> {
        let path = path.strip_prefix('/')?;
        let path = path.strip_suffix('/').unwrap_or(path);
        if !may_be_ours(path) {
            return None;
        }
        let decoded = path.split('/').map(|segment| percent_decode_str(segment).decode_utf8_lossy());
        let segments: Vec<Cow<'_, str>> = decoded.collect();
        let texts: Vec<&str> = segments.iter().map(AsRef::as_ref).collect();
        let is = |segment: &str, name: &str| segment.eq_ignore_ascii_case(name);
        match texts.as_slice() {
            [connect, token] if is(connect, "connect") && is(token, "token") => Some(Self::Token),
            [api, v1, rest @ ..] if is(api, "api") && is(v1, "v1") => Self::of_users(rest),
            segments => Self::of_users(segments),
        }
    }

    fn of_users(segments: &[&str]) -> Option<Self> {
        let is = |segment: &str, name: &str| segment.eq_ignore_ascii_case(name);
        let (user, rest) = segments.split_first()?;
        match rest {
            _ if !is(user, "User") => None,
            [] => Some(Self::Create),
            [email, confirm] if is(email, "email") && is(confirm, "confirm") => Some(Self::Confirm),
            [email, send] if is(email, "email") && is(send, "send-confirmation") => Some(Self::SendConfirmation),
            [id, status] if !id.is_empty() && is(status, "status") => Some(Self::Status((*id).to_owned())),
            _ => None,
        }
    }

    /// The path without what a client chose, for logs and metrics.
    pub(crate) const fn template(&self) -> &'static str {
        match self {
            Self::Token => "/connect/token",
            Self::Create => "/User",
            Self::SendConfirmation => "/User/email/send-confirmation",
            Self::Confirm => "/User/email/confirm",
            Self::Status(_) => "/User/{id}/status",
        }
    }

    /// Its methods, as `Allow` names them.
    pub(crate) const fn allow(&self) -> &'static str {
        match self {
            Self::Status(_) => "GET, HEAD",
            _ => "POST",
        }
    }

    /// Whether it has a method.
    pub(crate) fn has(&self, method: &Method) -> bool {
        self.allow().split(", ").any(|allowed| allowed == method.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g1_g2_paths_match_in_any_case_with_or_without_a_slash_and_an_alias() {
        let status = |id: &str| Some(Endpoint::Status(id.to_owned()));
        for (path, expected) in [
            ("/User", Some(Endpoint::Create)),
            ("/User/", Some(Endpoint::Create)),
            ("/user", Some(Endpoint::Create)),
            ("/api/v1/User", Some(Endpoint::Create)),
            ("/API/V1/USER/", Some(Endpoint::Create)),
            ("/User/email/confirm", Some(Endpoint::Confirm)),
            ("/user/EMAIL/Confirm/", Some(Endpoint::Confirm)),
            ("/%55ser/email/confirm", Some(Endpoint::Confirm)),
            ("/api/v1/User/email/send-confirmation", Some(Endpoint::SendConfirmation)),
            ("/User/7/status", status("7")),
            ("/user/abc/Status/", status("abc")),
            ("/User/%7Bid%7D/status", status("{id}")),
            ("/User/a%2Fb/status", status("a/b")),
            ("/connect/token", Some(Endpoint::Token)),
            ("/Connect/Token/", Some(Endpoint::Token)),
            ("/api/v1/connect/token", None),
            ("/connect/mtls/token", None),
            ("/User//status", None),
            ("/User//", None),
            ("//User", None),
            ("/Users", None),
            ("/users/7/status", None),
            ("/User/7", None),
            ("/User/7/status/x", None),
            ("/User/email", None),
            ("/api/v2/User", None),
            ("/api/shop/User", None),
            ("/customers", None),
            ("/", None),
            ("", None),
        ] {
            assert_eq!(Endpoint::find(path), expected, "{path}");
        }
    }

    #[test]
    fn p7_each_path_has_its_methods() {
        for (path, method, expected) in [
            ("/User", Method::POST, true),
            ("/User", Method::GET, false),
            ("/User/7/status", Method::GET, true),
            ("/User/7/status", Method::HEAD, true),
            ("/User/7/status", Method::POST, false),
            ("/connect/token", Method::OPTIONS, false),
        ] {
            assert_eq!(Endpoint::find(path).unwrap().has(&method), expected, "{method} {path}");
        }
    }
}
