//! The two ways to speak JSON:API, and everything in which they differ.

/// The way in which one request is read and answered.
///
/// Spryker's Glue predates JSON:API 1.1 and departs from it in a few points that its clients rely on. Each of these points is
/// a method here, which tells whether the specification is kept; nothing else depends on the mode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// As Glue speaks it.
    #[default]
    Glue,
    /// JSON:API 1.1 to the letter.
    Strict,
    /// Likewise, because the request asks for the profile. The answer says so.
    StrictByProfile,
}

/// The switches.
impl Mode {
    const fn is_strict(self) -> bool {
        !matches!(self, Self::Glue)
    }

    /// Whether the answer names the profile that was applied.
    pub const fn names_the_profile(self) -> bool {
        matches!(self, Self::StrictByProfile)
    }

    /// `errors[].status` is a text, rather than a number.
    pub const fn status_is_text(self) -> bool {
        self.is_strict()
    }

    /// Resources that are kept nowhere, such as tokens, have an identity all the same, rather than `null`.
    pub const fn identifies_everything(self) -> bool {
        self.is_strict()
    }

    /// A `type` that is not served here is a conflict, rather than a bad request.
    pub const fn wrong_type_conflicts(self) -> bool {
        self.is_strict()
    }

    /// An `id` that a client chose for a new resource is refused, rather than ignored.
    pub const fn refuses_client_ids(self) -> bool {
        self.is_strict()
    }

    /// An `id` that is not that of the URL is a conflict, rather than ignored.
    pub const fn wrong_id_conflicts(self) -> bool {
        self.is_strict()
    }

    /// `relationships` of an update are refused, rather than ignored.
    pub const fn refuses_relationships(self) -> bool {
        self.is_strict()
    }

    /// `include` with a path that there is none of is refused, rather than ignored.
    pub const fn refuses_unknown_paths(self) -> bool {
        self.is_strict()
    }

    /// Whoever asks for `include` gets `included`, even if it is empty.
    pub const fn shows_empty_included(self) -> bool {
        self.is_strict()
    }

    /// Query parameters that mean nothing here are refused, rather than ignored.
    pub const fn refuses_unknown_parameters(self) -> bool {
        self.is_strict()
    }

    /// JSON:API's media type takes no parameters but `ext` and `profile` on a body. Else `charset` is accepted, and
    /// `version` asks for a version of the resource.
    pub const fn refuses_body_parameters(self) -> bool {
        self.is_strict()
    }

    /// An `Accept` in which all that is JSON:API has other parameters than `ext` and `profile` is refused, rather than
    /// answered.
    pub const fn refuses_accept_parameters(self) -> bool {
        self.is_strict()
    }

    /// A body must be said to be JSON:API, rather than be read as JSON whatever it is said to be.
    pub const fn demands_media_type(self) -> bool {
        self.is_strict()
    }

    /// A method that a path does not have is told from a path that there is none of.
    pub const fn tells_missing_methods(self) -> bool {
        self.is_strict()
    }

    /// Resources that cannot be fetched have no link to themselves.
    pub const fn links_only_what_is_there(self) -> bool {
        self.is_strict()
    }

    /// Each parameter of a page may stand alone, and the one at fault is named; else an offset needs a limit.
    pub const fn reads_pages_singly(self) -> bool {
        self.is_strict()
    }

    /// Links are percent-encoded, rather than repeat a query as it was written.
    pub const fn encodes_links(self) -> bool {
        self.is_strict()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_profile_is_named() {
        assert!(Mode::StrictByProfile.names_the_profile());
        assert!(!Mode::Strict.names_the_profile() && !Mode::Glue.names_the_profile());
    }

    #[test]
    fn glue_is_the_default_and_strict_the_same_however_it_was_chosen() {
        assert!(!Mode::default().status_is_text());
        assert!(Mode::Strict.status_is_text() && Mode::StrictByProfile.status_is_text());
    }
}
