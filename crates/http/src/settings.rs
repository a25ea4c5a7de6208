//! Sections `[http]`, `[glue]` and `[jsonapi]` of the configuration. Defaults and explanations are in the configuration reference.

use std::collections::BTreeSet;

use domain::{Locale, PasswordPolicy};
use jsonapi::Mode;
use serde::Deserialize;

use crate::client_address::{ForwardedHeader, Network};

/// Section `[http]`: how the server treats connections and requests of all surfaces.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpSettings {
    /// Worker threads; 0 = one for each core.
    pub workers: usize,
    /// Connections at most for each worker.
    pub max_connections: usize,
    /// Seconds an idle connection is kept.
    pub keep_alive_seconds: u64,
    /// Seconds the head of a request may take to arrive.
    pub head_timeout_seconds: u64,
    /// Seconds the body of a request may take to arrive.
    pub body_timeout_seconds: u64,
    /// The longest body that is read, in bytes.
    pub body_limit_bytes: usize,
    /// Requests a second from one client address, in the long run; 0 = no limit.
    pub requests_per_second: u32,
    /// Requests from one client address at once.
    pub request_burst: u32,
    /// The proxies that are believed about whom a request comes from.
    pub trusted_proxies: Vec<Network>,
    /// The header in which they tell it.
    pub forwarded_header: ForwardedHeader,
}

impl HttpSettings {
    /// Checks bounds.
    ///
    /// # Errors
    ///
    /// A sentence that names the key and what it may be.
    pub fn check(&self) -> Result<(), String> {
        first_broken(&[
            (self.workers <= 1024, "http.workers must be 0 to 1024"),
            ((1..=1_000_000).contains(&self.max_connections), "http.max_connections must be 1 to 1000000"),
            (self.keep_alive_seconds <= 3600, "http.keep_alive_seconds must be at most 3600"),
            ((1..=600).contains(&self.head_timeout_seconds), "http.head_timeout_seconds must be 1 to 600"),
            ((1..=600).contains(&self.body_timeout_seconds), "http.body_timeout_seconds must be 1 to 600"),
            ((1024..=16_777_216).contains(&self.body_limit_bytes), "http.body_limit_bytes must be 1024 to 16777216"),
            (self.request_burst >= 1, "http.request_burst must be at least 1"),
        ])
    }
}

/// Section `[glue]`: the storefront API.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GlueSettings {
    /// Whether it is served.
    pub enabled: bool,
    /// `Access-Control-Allow-Origin`; empty = not sent.
    pub cors_allow_origin: String,
    /// Whether requests without `Accept` are refused with 406.
    pub require_accept: bool,
    /// Whether answers carry the security headers.
    pub security_headers: bool,
    /// The shop's locales.
    pub locales: Vec<Locale>,
    /// The locale when none of them is asked for.
    pub default_locale: Locale,
    /// New passwords that are refused as common, compared whole and in exact case.
    pub denied_passwords: BTreeSet<String>,
    /// New passwords that skip the policy, compared whole and in exact case. They must still have the form of a password.
    pub allowed_passwords: BTreeSet<String>,
    /// The service that knows leaked passwords; empty = none is asked.
    pub leaked_passwords_url: String,
}

impl GlueSettings {
    /// What the storefront API demands of a new password.
    pub fn password_policy(&self) -> PasswordPolicy {
        PasswordPolicy {
            denied: self.denied_passwords.clone(),
            allowed: self.allowed_passwords.clone(),
            ..PasswordPolicy::glue()
        }
    }

    /// Checks what types cannot.
    ///
    /// # Errors
    ///
    /// A sentence that names the key and what it may be.
    pub fn check(&self) -> Result<(), String> {
        first_broken(&[
            (self.locales.contains(&self.default_locale), "glue.default_locale must be one of glue.locales"),
            (
                self.cors_allow_origin.bytes().all(|byte| byte.is_ascii_graphic()),
                "glue.cors_allow_origin must be empty, * or one origin such as https://shop.example.com",
            ),
            (
                ["", "http://", "https://"].iter().any(|scheme| match *scheme {
                    "" => self.leaked_passwords_url.is_empty(),
                    scheme => self.leaked_passwords_url.starts_with(scheme),
                }),
                "glue.leaked_passwords_url must be empty or a URL such as https://api.pwnedpasswords.com/range/",
            ),
        ])
    }
}

/// Section `[jsonapi]`: how the storefront API speaks JSON:API.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JsonApiSettings {
    /// Which way, where a request does not ask for one.
    pub mode: JsonApiMode,
    /// Whether documents tell the version of the specification.
    pub version_member: bool,
}

/// A way to speak JSON:API.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JsonApiMode {
    /// As Spryker's Glue does.
    #[default]
    Glue,
    /// To the letter of the specification.
    Strict,
}

impl From<JsonApiMode> for Mode {
    fn from(mode: JsonApiMode) -> Self {
        match mode {
            JsonApiMode::Glue => Self::Glue,
            JsonApiMode::Strict => Self::Strict,
        }
    }
}

fn first_broken(rules: &[(bool, &str)]) -> Result<(), String> {
    rules.iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, text)| Err((*text).to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn glue(default_locale: &str, cors_allow_origin: &str) -> GlueSettings {
        GlueSettings {
            enabled: true,
            cors_allow_origin: cors_allow_origin.to_owned(),
            require_accept: false,
            security_headers: true,
            locales: vec![Locale::parse("de_DE").unwrap()],
            default_locale: Locale::parse(default_locale).unwrap(),
            denied_passwords: BTreeSet::new(),
            allowed_passwords: BTreeSet::new(),
            leaked_passwords_url: String::new(),
        }
    }

    #[test]
    fn what_cannot_work_is_named() {
        assert_eq!(glue("de_DE", "*").check(), Ok(()));
        assert!(glue("en_US", "").check().unwrap_err().contains("default_locale"));
        assert!(glue("de_DE", "a\r\nb").check().unwrap_err().contains("cors_allow_origin"));
    }
}
