//! Every error that the Glue surface answers, in one table, and what each refusal of a use case becomes.

use std::borrow::Cow;

use application::{AuthenticateError, ConfirmError, Failure, RefreshError, RegisterError};
use domain::{EmailProblem, PasswordViolation, RegistrationRefusal};
use jsonapi::{ErrorObject, Source};

/// Declares [`Code`] and its table from one list of rows.
macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident: $code:expr, $status:literal, $title:literal, $detail:literal;)*) => {
        /// A kind of error.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Code {
            $($(#[$doc])* $name,)*
        }

        impl Code {
            /// Every kind there is.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            const fn row(self) -> Row {
                match self {
                    $(Self::$name => Row { code: $code, status: $status, title: $title, detail: $detail },)*
                }
            }
        }
    };
}

/// What the wire says of a [`Code`].
struct Row {
    code: Option<&'static str>,
    status: u16,
    title: &'static str,
    detail: &'static str,
}

codes! {
    // Generic ones have no code.
    /// No such resource, or not with this method.
    NotFound: None, 404, "Not Found", "Not Found";
    /// The document's type is not that of the URL.
    InvalidType: None, 400, "Invalid Document", "Invalid type.";
    /// The body is no request document.
    InvalidDocument: None, 400, "Invalid Document", "Post data is invalid.";
    /// A resource must be named to be changed.
    IdMissing: None, 400, "Resource Id Missing", "Resource id is not specified.";
    /// A pre-flight request lacks one of its headers.
    PreflightIncomplete: None, 501, "Not Implemented", "One or more of the required headers (access-control-request-method, access-control-request-headers, origin) for the options method are missing.";
    /// A pre-flight request asks for a method or a header that is not offered.
    PreflightRefused: None, 403, "Not Allowed", "Not allowed.";
    /// `page[offset]` or `page[limit]` make no sense.
    InvalidPage: None, 400, "Invalid Pagination", "Pagination parameters are invalid.";
    /// There is no `Accept`, or only with an extension.
    NotAcceptable: None, 406, "Not Acceptable", "Not acceptable.";
    /// `Content-Type` is empty, or asks for an extension.
    UnsupportedContentType: None, 415, "Unsupported Media Type", "Unsupported media type.";
    /// `Accept` names nothing but another format.
    UnsupportedAccept: None, 415, "Unsupported Media Type", "Unsupported Media Type";
    /// A header that must be unique is there twice.
    HeaderRepeated: None, 400, "Repeated Header", "A header that may be given once only is given more than once.";
    /// The body did not arrive in time.
    BodyTimeout: None, 408, "Request Timeout", "Request Timeout";
    /// The body is longer than what is read.
    BodyTooLarge: None, 413, "Content Too Large", "Content Too Large";
    /// More requests from one address than are answered.
    TooManyRequests: None, 429, "Too Many Requests", "Too Many Requests";
    /// Something is broken.
    Internal: None, 500, "Internal Server Error", "Internal Server Error";
    /// Too much at once, or the database cannot be reached.
    Unavailable: None, 503, "Service Unavailable", "Service Unavailable";

    /// An access token that is not good.
    InvalidAccessToken: Some("001"), 401, "Invalid Access Token", "Invalid access token.";
    /// No access token where one is needed.
    MissingAccessToken: Some("002"), 403, "Missing Access Token", "Missing access token.";
    /// No login.
    AuthenticationFailed: Some("003"), 401, "Authentication Failed", "Failed to authenticate user.";
    /// No exchange of a refresh token.
    RefreshFailed: Some("004"), 401, "Refresh Failed", "Failed to refresh token.";
    /// Both an access token and a guest's identity.
    TwoIdentities: Some("005"), 400, "Two Identities", "Headers request error. A user can't act as logged and not logged user at the same time.";
    /// A confirmed account has the address.
    EmailTaken: Some("400"), 422, "E-Mail Address Not Available", "If this email address is already in use, you will receive a password reset link. Otherwise you must first validate your e-mail address to finish registration. Please check your e-mail.";
    /// A registration failed for a reason of ours.
    RegistrationFailed: Some("401"), 500, "Registration Failed", "Can't register a customer.";
    /// No such customer, or another one.
    CustomerNotFound: Some("402"), 404, "Customer Not Found", "Customer not found.";
    /// Password and repetition differ.
    PasswordsDiffer: Some("406"), 422, "Passwords Differ", "Value in field password should be identical to value in the confirmPassword field.";
    /// Another customer's resource.
    Unauthorized: Some("411"), 403, "Unauthorized Request", "Unauthorized request.";
    /// The terms were not accepted.
    TermsNotAccepted: Some("413"), 400, "Terms Not Accepted", "Terms and Conditions was not accepted.";
    /// Not an address.
    EmailInvalid: Some("416"), 422, "Invalid E-Mail Address", "Invalid Email address format.";
    /// An address that is too long to store.
    EmailTooLong: Some("417"), 422, "E-Mail Address Too Long", "Email is too long. It should have 100 characters or less.";
    /// Too few characters.
    PasswordTooShort: Some("418"), 400, "Password Too Short", "The password is too short.";
    /// Too many characters.
    PasswordTooLong: Some("419"), 400, "Password Too Long", "The password is too long.";
    /// Not of the demanded characters.
    PasswordCharacterSet: Some("420"), 400, "Invalid Password Characters", "The password character set is invalid.";
    /// One character too often in a row.
    PasswordRepetition: Some("421"), 400, "Repetitive Password", "The password contains sequence of the same character.";
    /// On the deny list.
    PasswordCommon: Some("422"), 400, "Common Password", "The password is listed as common.";
    /// The one refusal of a confirmation.
    ConfirmationRefused: Some("423"), 422, "Invalid Confirmation Key", "This email confirmation code is invalid or has been already used.";
    /// A field breaks a constraint; the detail is `<field> => <message>`.
    Violation: Some("901"), 422, "Invalid Attribute", "";
}

impl Code {
    /// The HTTP status.
    pub const fn status(self) -> u16 {
        self.row().status
    }

    /// The detail where it is always the same text.
    pub const fn detail(self) -> &'static str {
        self.row().detail
    }

    /// The error object with the usual detail.
    pub fn error(self) -> ErrorObject {
        let Row { code, status, title, detail } = self.row();
        ErrorObject { code, status, detail: Cow::Borrowed(detail), title, source: self.usual_source() }
    }

    /// What is to blame, where that is always the same.
    fn usual_source(self) -> Option<Source> {
        match self {
            Self::InvalidType => Some(Source::Pointer("/data/type".to_owned())),
            Self::NotAcceptable | Self::UnsupportedAccept => Some(Source::Header("Accept")),
            Self::UnsupportedContentType => Some(Source::Header("Content-Type")),
            Self::InvalidAccessToken | Self::MissingAccessToken | Self::TwoIdentities => {
                Some(Source::Header("Authorization"))
            }
            Self::InvalidPage => Some(Source::Parameter("page")),
            _ => None,
        }
    }
}

/// Why a request is not carried out: at least one error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The errors, in reporting order. The last one's status is that of the answer.
    pub errors: Vec<ErrorObject>,
    /// How long the caller should wait, in seconds, where waiting helps.
    pub retry_after_seconds: Option<u64>,
}

impl Refusal {
    /// A refusal that blames a header.
    pub fn of_header(code: Code, header: &'static str) -> Self {
        ErrorObject { source: Some(Source::Header(header)), ..code.error() }.into()
    }

    /// A refusal for too many requests.
    pub fn too_many_requests(retry_after_seconds: u64) -> Self {
        Self { errors: vec![Code::TooManyRequests.error()], retry_after_seconds: Some(retry_after_seconds) }
    }
}

impl From<Code> for Refusal {
    fn from(code: Code) -> Self {
        code.error().into()
    }
}

impl From<ErrorObject> for Refusal {
    fn from(error: ErrorObject) -> Self {
        vec![error].into()
    }
}

impl From<Vec<ErrorObject>> for Refusal {
    fn from(errors: Vec<ErrorObject>) -> Self {
        Self { errors, retry_after_seconds: None }
    }
}

impl FromIterator<Code> for Refusal {
    fn from_iter<T: IntoIterator<Item = Code>>(codes: T) -> Self {
        codes.into_iter().map(Code::error).collect::<Vec<_>>().into()
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Busy { retry_after_seconds } => {
                Self { errors: vec![Code::Unavailable.error()], retry_after_seconds: Some(retry_after_seconds) }
            }
            Failure::Internal => Code::Internal.into(),
        }
    }
}

impl From<RegisterError> for Refusal {
    fn from(error: RegisterError) -> Self {
        match error {
            RegisterError::Refused(refusal) => refusal.into(),
            RegisterError::Failure(Failure::Internal) => Code::RegistrationFailed.into(),
            RegisterError::Failure(busy @ Failure::Busy { .. }) => busy.into(),
        }
    }
}

impl From<RegistrationRefusal> for Refusal {
    fn from(refusal: RegistrationRefusal) -> Self {
        match refusal {
            RegistrationRefusal::TermsNotAccepted => about("acceptedTerms", [Code::TermsNotAccepted]),
            RegistrationRefusal::PasswordsDiffer => about("confirmPassword", [Code::PasswordsDiffer]),
            RegistrationRefusal::WeakPassword(violations) => {
                about("password", violations.into_iter().map(password_code))
            }
            RegistrationRefusal::Email(problems) => about("email", problems.into_iter().map(email_code)),
        }
    }
}

impl From<ConfirmError> for Refusal {
    fn from(error: ConfirmError) -> Self {
        match error {
            ConfirmError::Refused => about("registrationKey", [Code::ConfirmationRefused]),
            ConfirmError::Failure(failure) => failure.into(),
        }
    }
}

impl From<AuthenticateError> for Refusal {
    fn from(error: AuthenticateError) -> Self {
        match error {
            AuthenticateError::Refused => Code::AuthenticationFailed.into(),
            AuthenticateError::Failure(failure) => failure.into(),
        }
    }
}

impl From<RefreshError> for Refusal {
    fn from(error: RefreshError) -> Self {
        match error {
            RefreshError::Refused => about("refreshToken", [Code::RefreshFailed]),
            RefreshError::Failure(failure) => failure.into(),
        }
    }
}

/// What the policy's complaint is on the wire.
pub(crate) const fn password_code(violation: PasswordViolation) -> Code {
    match violation {
        PasswordViolation::Common => Code::PasswordCommon,
        PasswordViolation::TooShort => Code::PasswordTooShort,
        PasswordViolation::TooLong => Code::PasswordTooLong,
        PasswordViolation::Repetition => Code::PasswordRepetition,
        PasswordViolation::CharacterSet => Code::PasswordCharacterSet,
    }
}

/// What a complaint about an address is on the wire.
pub(crate) const fn email_code(problem: EmailProblem) -> Code {
    match problem {
        EmailProblem::Invalid => Code::EmailInvalid,
        EmailProblem::Taken => Code::EmailTaken,
        EmailProblem::TooLong => Code::EmailTooLong,
    }
}

/// Errors that blame one attribute.
fn about(attribute: &str, codes: impl IntoIterator<Item = Code>) -> Refusal {
    let blame = |code: Code| ErrorObject {
        source: Some(Source::Pointer(format!("/data/attributes/{attribute}"))),
        ..code.error()
    };
    codes.into_iter().map(blame).collect::<Vec<_>>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(refusal: impl Into<Refusal>) -> Vec<(&'static str, u16)> {
        refusal.into().errors.into_iter().map(|error| (error.code.unwrap_or(""), error.status)).collect()
    }

    #[test]
    fn each_code_has_one_title_and_the_coded_ones_no_two_rows() {
        for code in Code::ALL {
            let error = code.error();
            assert!(!error.title.is_empty() && (400..=503).contains(&error.status), "{code:?}");
            let namesakes = Code::ALL.iter().filter(|other| other.error().code == error.code).count();
            assert!(error.code.is_none() || namesakes == 1, "{code:?}");
            assert_eq!(error.detail.is_empty(), *code == Code::Violation, "{code:?}");
        }
    }

    #[test]
    fn every_password_violation_has_its_code() {
        use PasswordViolation::{CharacterSet, Common, Repetition, TooLong, TooShort};
        let refusal = RegistrationRefusal::WeakPassword(vec![Common, TooShort, TooLong, Repetition, CharacterSet]);
        assert_eq!(
            wire(RegisterError::Refused(refusal)),
            [("422", 400), ("418", 400), ("419", 400), ("421", 400), ("420", 400)]
        );
    }

    #[test]
    fn every_address_problem_has_its_code() {
        use EmailProblem::{Invalid, Taken, TooLong};
        let refusal = RegistrationRefusal::Email(vec![Invalid, Taken, TooLong]);
        assert_eq!(wire(RegisterError::Refused(refusal)), [("416", 422), ("400", 422), ("417", 422)]);
    }

    #[test]
    fn every_other_refusal_has_its_code() {
        assert_eq!(wire(RegisterError::Refused(RegistrationRefusal::TermsNotAccepted)), [("413", 400)]);
        assert_eq!(wire(RegisterError::Refused(RegistrationRefusal::PasswordsDiffer)), [("406", 422)]);
        assert_eq!(wire(ConfirmError::Refused), [("423", 422)]);
        assert_eq!(wire(AuthenticateError::Refused), [("003", 401)]);
        assert_eq!(wire(RefreshError::Refused), [("004", 401)]);
    }

    #[test]
    fn failures_are_never_the_callers_fault() {
        let busy = Failure::Busy { retry_after_seconds: 7 };
        for refusal in [
            Refusal::from(RegisterError::Failure(busy)),
            ConfirmError::Failure(busy).into(),
            AuthenticateError::Failure(busy).into(),
            RefreshError::Failure(busy).into(),
        ] {
            assert_eq!(refusal.retry_after_seconds, Some(7));
            assert_eq!(wire(refusal), [("", 503)]);
        }
        assert_eq!(wire(RegisterError::Failure(Failure::Internal)), [("401", 500)]);
        assert_eq!(wire(ConfirmError::Failure(Failure::Internal)), [("", 500)]);
        assert_eq!(wire(AuthenticateError::Failure(Failure::Internal)), [("", 500)]);
        assert_eq!(wire(RefreshError::Failure(Failure::Internal)), [("", 500)]);
    }
}
