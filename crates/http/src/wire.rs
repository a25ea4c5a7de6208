//! How JSON:API is spoken on the wire: as configured, or as a request asks for.

use actix_web::http::header::{ACCEPT, HeaderMap, HeaderValue};
use jsonapi::{AcceptHeader, Implementation, MEDIA_TYPE, Mode, media_type_with};

use crate::settings::JsonApiSettings;

/// Where the profile that asks for the specification to the letter is explained. Its URL is its name.
pub const PROFILE_PATH: &str = "/profiles/strict";

/// The ways of the wire, made once.
pub struct Wire {
    configured: Mode,
    profile: String,
    profile_media_type: String,
    profile_content_type: HeaderValue,
    implementation: Option<Implementation>,
    description_link: Option<HeaderValue>,
}

impl Wire {
    /// The ways that are configured, of a gateway that clients reach at `base_url`.
    pub fn new(settings: JsonApiSettings, base_url: &str) -> Self {
        let profile = format!("{base_url}{PROFILE_PATH}");
        let profile_media_type = media_type_with(&profile);
        let plain = HeaderValue::from_static(MEDIA_TYPE);
        Self {
            configured: settings.mode.into(),
            profile_content_type: HeaderValue::from_str(&profile_media_type).unwrap_or(plain),
            profile,
            profile_media_type,
            implementation: settings.version_member.then_some(Implementation::CURRENT),
            description_link: HeaderValue::from_str(&format!("<{base_url}/openapi.json>; rel=\"describedby\"")).ok(),
        }
    }

    /// Reads what a request accepts.
    pub fn read_accept(&self, headers: &HeaderMap) -> AcceptHeader {
        AcceptHeader::read(headers.get_all(ACCEPT).filter_map(|value| value.to_str().ok()), &self.profile)
    }

    /// How a request that accepts this is read and answered.
    pub const fn mode(&self, accept: AcceptHeader) -> Mode {
        accept.mode(self.configured)
    }

    /// `Content-Type` of documents.
    pub fn content_type(&self, mode: Mode) -> HeaderValue {
        if mode.names_the_profile() { self.profile_content_type.clone() } else { HeaderValue::from_static(MEDIA_TYPE) }
    }

    /// The media type that a document says it has; none where the header says enough.
    pub fn told_media_type(&self, mode: Mode) -> Option<&str> {
        mode.names_the_profile().then_some(self.profile_media_type.as_str())
    }

    /// What documents say of the version, if they do.
    pub const fn implementation(&self) -> Option<Implementation> {
        self.implementation
    }

    /// The `Link` to the description of all documents.
    pub const fn description_link(&self) -> Option<&HeaderValue> {
        self.description_link.as_ref()
    }
}
