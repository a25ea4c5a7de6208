//! Every error that the Glue surface answers, in one table, and what each refusal of a use case becomes.

use std::borrow::Cow;

use application::{
    AddressError, AuthenticateError, CartError, ChangePasswordError, ConfirmError, Failure, OwnCustomerError,
    RefreshError, RegisterError, RestorePasswordError, UpdateCustomerError,
};
use domain::{EmailProblem, ItemRefusal, Locale, PasswordViolation, Quantity, RegistrationRefusal};
use jsonapi::{ErrorObject, Source};

use crate::headers;

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
    /// A query parameter that means nothing here.
    UnknownParameter: None, 400, "Unknown Query Parameter", "Query parameter is not supported.";
    /// `include` names what cannot be included.
    UnknownPath: None, 400, "Unknown Relationship Path", "Relationship path is not supported.";
    /// There is such a resource, but not with this method.
    MethodNotAllowed: None, 405, "Method Not Allowed", "Method Not Allowed";
    /// The document's type is not that of the URL; told by JSON:API's own status.
    TypeConflict: None, 409, "Type Conflict", "Invalid type.";
    /// The document's id is not that of the URL.
    IdConflict: None, 409, "Id Conflict", "Resource id is not that of the URL.";
    /// A client chose the id of a new resource.
    ClientId: None, 403, "Client-Generated Id", "Resource id must not be specified.";
    /// A client wants relationships replaced.
    RelationshipsRefused: None, 403, "Replacement Of Relationships", "Relationships cannot be replaced.";
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
    /// No `If-Match` where one is needed.
    EntityTagMissing: Some("005"), 428, "Entity Tag Missing", "If-Match header is missing.";
    /// The resource is not in the state that `If-Match` names.
    EntityTagWrong: Some("006"), 412, "Entity Tag Outdated", "If-Match header value is invalid.";
    /// No such cart, or somebody else's.
    CartNotFound: Some("101"), 404, "Cart Not Found", "Cart with given uuid not found.";
    /// A product is not sold, or not so many of it; the detail names it.
    ProductRefused: Some("102"), 422, "Product Not Available", "Product \"x\" not found";
    /// No such item in the cart.
    ItemNotFound: Some("103"), 404, "Item Not Found", "Item with the given group key not found in the cart.";
    /// An item is for no cart at all.
    CartIdMissing: Some("104"), 400, "Cart Id Missing", "Cart uuid is missing.";
    /// The customer's last cart stays.
    CartNotDeleted: Some("105"), 422, "Cart Not Deleted", "Cart could not be deleted.";
    /// As many carts as a customer may have.
    CartNotCreated: Some("107"), 422, "Cart Not Created", "Failed to create cart.";
    /// Nobody says which guest.
    GuestMissing: Some("109"), 400, "Guest Missing", "Anonymous customer unique id is empty.";
    /// The customer has the one cart that they may have.
    CartExists: Some("110"), 422, "Cart Exists", "Customer already has a cart.";
    /// The price mode cannot change while there are items.
    PriceModeFixed: Some("111"), 422, "Price Mode Fixed", "Can’t switch price mode when there are items in the cart.";
    /// Another store, or none that there is.
    StoreInvalid: Some("112"), 422, "Invalid Store", "Store data is invalid.";
    /// Told behind the reason.
    ItemNotAdded: Some("113"), 422, "Item Not Added", "Cart item could not be added.";
    /// Told behind the reason.
    ItemNotUpdated: Some("114"), 422, "Item Not Updated", "Cart item could not be updated.";
    /// A currency of blanks.
    CurrencyMissing: Some("116"), 422, "Currency Missing", "Currency is missing.";
    /// Not a currency of the shop.
    CurrencyIncorrect: Some("117"), 422, "Incorrect Currency", "Currency is incorrect.";
    /// A price mode of blanks.
    PriceModeMissing: Some("118"), 422, "Price Mode Missing", "Price mode is missing.";
    /// Not a price mode.
    PriceModeIncorrect: Some("119"), 422, "Incorrect Price Mode", "Price mode is incorrect.";
    /// A confirmed account has the address.
    EmailTaken: Some("400"), 422, "E-Mail Address Not Available", "If this email address is already in use, you will receive a password reset link. Otherwise you must first validate your e-mail address to finish registration. Please check your e-mail.";
    /// A registration failed for a reason of ours.
    RegistrationFailed: Some("401"), 500, "Registration Failed", "Can't register a customer.";
    /// No such customer, or another one.
    CustomerNotFound: Some("402"), 404, "Customer Not Found", "Customer not found.";
    /// No such address, or another customer's.
    AddressNotFound: Some("404"), 404, "Address Not Found", "Address was not found.";
    /// Password and repetition differ.
    PasswordsDiffer: Some("406"), 422, "Passwords Differ", "Value in field password should be identical to value in the confirmPassword field.";
    /// The new password and its repetition differ.
    NewPasswordsDiffer: Some("406"), 422, "Passwords Differ", "Value in field newPassword should be identical to value in the confirmPassword field.";
    /// A right password could not be replaced, because somebody else replaced it first.
    PasswordNotChanged: Some("407"), 400, "Password Not Changed", "Failed to change password.";
    /// Not the current password.
    WrongPassword: Some("408"), 400, "Wrong Password", "Invalid password";
    /// As many addresses as a customer may have.
    AddressNotSaved: Some("409"), 400, "Address Not Saved", "Failed to save customer address.";
    /// As many changes of the e-mail address as a customer may ask for.
    CustomerNotSaved: Some("410"), 400, "Customer Not Saved", "Failed to save customer.";
    /// Another customer's resource.
    Unauthorized: Some("411"), 403, "Unauthorized Request", "Unauthorized request.";
    /// The terms were not accepted.
    TermsNotAccepted: Some("413"), 400, "Terms Not Accepted", "Terms and Conditions was not accepted.";
    /// The one refusal of a key to set a new password.
    RestoreRefused: Some("415"), 422, "Invalid Restore Key", "Restore password key is not valid.";
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
    /// An empty confirmation key; a violation is told first.
    ConfirmationEmpty: Some("424"), 422, "Empty Confirmation Key", "Token is invalid.";
    /// A confirmation failed for a reason of ours, which is never told as the caller's fault.
    ConfirmationFailed: Some("425"), 422, "Confirmation Failed", "Failed to confirm a customer.";
    /// Another customer's carts.
    CartsUnauthorized: Some("802"), 403, "Unauthorized Request", "Unauthorized request.";
    /// The login lock is closed; the detail names how long it lasts.
    LoginLocked: Some("4401"), 429, "Too Many Logins", "Too many log in attempts from your address. Please wait 5 minutes before trying again.";
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
            Self::InvalidType | Self::TypeConflict => Some(Source::Pointer("/data/type".to_owned())),
            Self::IdConflict | Self::ClientId => Some(Source::Pointer("/data/id".to_owned())),
            Self::RelationshipsRefused => Some(Source::Pointer("/data/relationships".to_owned())),
            Self::UnknownPath => Some(Source::Parameter(Cow::Borrowed("include"))),
            Self::NotAcceptable | Self::UnsupportedAccept => Some(Source::Header("Accept")),
            Self::UnsupportedContentType => Some(Source::Header("Content-Type")),
            Self::InvalidAccessToken | Self::MissingAccessToken | Self::TwoIdentities => {
                Some(Source::Header("Authorization"))
            }
            Self::EntityTagMissing | Self::EntityTagWrong => Some(Source::Header("If-Match")),
            Self::GuestMissing => Some(Source::Header(headers::GUEST_AS_SPELLED)),
            Self::InvalidPage => Some(Source::Parameter(Cow::Borrowed("page"))),
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

    /// A refusal that blames a query parameter.
    pub fn of_parameter(code: Code, parameter: impl Into<Cow<'static, str>>) -> Self {
        ErrorObject { source: Some(Source::Parameter(parameter.into())), ..code.error() }.into()
    }

    /// A refusal to put an item into a cart ([`Code::ItemNotAdded`]) or to change one there ([`Code::ItemNotUpdated`]), which
    /// is told behind the reason.
    pub fn of_item(error: CartError, outcome: Code) -> Self {
        match error {
            CartError::ItemRefused { sku, reason } => {
                // An update has no other attribute.
                let attribute = match reason {
                    Some(ItemRefusal::OutOfStock(_) | ItemRefusal::TooMany) => "quantity",
                    _ if outcome == Code::ItemNotUpdated => "quantity",
                    _ => "sku",
                };
                vec![product_refused(item_detail(&sku, reason), attribute), outcome.error()].into()
            }
            error => error.into(),
        }
    }

    /// A refusal for too many requests.
    pub fn too_many_requests(retry_after_seconds: u64) -> Self {
        Self { errors: vec![Code::TooManyRequests.error()], retry_after_seconds: Some(retry_after_seconds) }
    }

    /// A refusal of a login. `block_minutes` is how long a lock lasts, whatever is left of it.
    pub fn of_login(error: AuthenticateError, locale: &Locale, block_minutes: u64) -> Self {
        match error {
            AuthenticateError::Refused => Code::AuthenticationFailed.into(),
            AuthenticateError::Failure(failure) => failure.into(),
            AuthenticateError::Locked { retry_after_seconds } => {
                let detail = lock_detail(locale, block_minutes).into();
                let error = ErrorObject { detail, ..Code::LoginLocked.error() };
                Self { errors: vec![error], retry_after_seconds: Some(retry_after_seconds) }
            }
        }
    }
}

/// What a closed login lock says: of all details, Glue translates this one only. `block_minutes` is how long a lock lasts,
/// whatever is left of it.
pub(crate) fn lock_detail(locale: &Locale, block_minutes: u64) -> String {
    match locale.language() {
        "de" => format!("Warten Sie bitte {block_minutes} Minuten, bevor Sie es erneut versuchen."),
        _ => format!(
            "Too many log in attempts from your address. Please wait {block_minutes} minutes before trying again."
        ),
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

impl From<OwnCustomerError> for Refusal {
    fn from(error: OwnCustomerError) -> Self {
        match error {
            OwnCustomerError::Gone => Code::CustomerNotFound.into(),
            OwnCustomerError::TokenEnded => Code::InvalidAccessToken.into(),
            OwnCustomerError::Failure(failure) => failure.into(),
        }
    }
}

impl From<UpdateCustomerError> for Refusal {
    fn from(error: UpdateCustomerError) -> Self {
        match error {
            UpdateCustomerError::Own(error) => error.into(),
            UpdateCustomerError::Email(problems) => about("email", problems.into_iter().map(email_code)),
            UpdateCustomerError::NotSaved => about("email", [Code::CustomerNotSaved]),
            UpdateCustomerError::Failure(failure) => failure.into(),
        }
    }
}

impl From<RestorePasswordError> for Refusal {
    fn from(error: RestorePasswordError) -> Self {
        match error {
            RestorePasswordError::PasswordsDiffer => about("confirmPassword", [Code::PasswordsDiffer]),
            RestorePasswordError::WeakPassword(violations) => {
                about("password", violations.into_iter().map(password_code))
            }
            RestorePasswordError::Refused => about("restorePasswordKey", [Code::RestoreRefused]),
            RestorePasswordError::Failure(failure) => failure.into(),
        }
    }
}

impl From<ChangePasswordError> for Refusal {
    fn from(error: ChangePasswordError) -> Self {
        match error {
            ChangePasswordError::Own(error) => error.into(),
            ChangePasswordError::NotOwn => Code::Unauthorized.into(),
            ChangePasswordError::PasswordsDiffer => about("confirmPassword", [Code::NewPasswordsDiffer]),
            ChangePasswordError::WrongPassword => about("password", [Code::WrongPassword]),
            ChangePasswordError::WeakPassword(violations) => {
                about("newPassword", violations.into_iter().map(password_code))
            }
            ChangePasswordError::NotSaved => Code::PasswordNotChanged.into(),
            ChangePasswordError::Failure(failure) => failure.into(),
        }
    }
}

impl From<AddressError> for Refusal {
    fn from(error: AddressError) -> Self {
        match error {
            AddressError::Own(error) => error.into(),
            AddressError::NotFound => Code::AddressNotFound.into(),
            AddressError::Full => Code::AddressNotSaved.into(),
            AddressError::Failure(failure) => failure.into(),
        }
    }
}

impl From<CartError> for Refusal {
    fn from(error: CartError) -> Self {
        match error {
            CartError::Own(error) => error.into(),
            CartError::NotFound => Code::CartNotFound.into(),
            CartError::ItemNotFound => Code::ItemNotFound.into(),
            CartError::WrongTag => Code::EntityTagWrong.into(),
            CartError::AlreadyHasCart => Code::CartExists.into(),
            CartError::TooManyCarts => Code::CartNotCreated.into(),
            CartError::LastCart => Code::CartNotDeleted.into(),
            CartError::PriceModeFixed => about("priceMode", [Code::PriceModeFixed]),
            CartError::StoreUnknown => about("store", [Code::StoreInvalid]),
            CartError::CurrencyUnknown => about("currency", [Code::CurrencyIncorrect]),
            CartError::PriceModeUnknown => about("priceMode", [Code::PriceModeIncorrect]),
            CartError::NoPrice { sku, currency } => {
                let detail = item_detail(sku.as_str(), Some(ItemRefusal::NoPrice(currency)));
                product_refused(detail, "currency").into()
            }
            CartError::ItemRefused { sku, reason } => product_refused(item_detail(&sku, reason), "sku").into(),
            CartError::Failure(failure) => failure.into(),
        }
    }
}

/// What is wrong with a product, for the person who wants it. `None`: there is no such product.
fn item_detail(sku: &str, reason: Option<ItemRefusal>) -> String {
    // Whatever is longer is no product, and need not be repeated whole.
    let end = sku.char_indices().nth(255).map_or(sku.len(), |(index, _)| index);
    let sku = sku.get(..end).unwrap_or_default();
    match reason {
        None => format!("Product \"{sku}\" not found"),
        Some(ItemRefusal::NoPrice(currency)) => format!("Product \"{sku}\" has no price in {currency}"),
        Some(ItemRefusal::OutOfStock(0)) => format!("Product \"{sku}\" is not available at the moment"),
        Some(ItemRefusal::OutOfStock(left)) => {
            format!("Product \"{sku}\" is only available in a quantity of {left}")
        }
        Some(ItemRefusal::TooMany) => {
            format!("Product \"{sku}\" can be ordered in a quantity of at most {}", Quantity::MAX)
        }
        Some(ItemRefusal::Full(most)) => format!("The cart holds at most {most} different products"),
    }
}

fn product_refused(detail: String, attribute: &str) -> ErrorObject {
    ErrorObject {
        detail: Cow::Owned(detail),
        source: Some(attribute_pointer(attribute)),
        ..Code::ProductRefused.error()
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
pub(crate) fn about(attribute: &str, codes: impl IntoIterator<Item = Code>) -> Refusal {
    let blame = |code: Code| ErrorObject { source: Some(attribute_pointer(attribute)), ..code.error() };
    codes.into_iter().map(blame).collect::<Vec<_>>().into()
}

fn attribute_pointer(attribute: &str) -> Source {
    Source::Pointer(format!("/data/attributes/{attribute}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{Currency, Sku};

    fn wire(refusal: impl Into<Refusal>) -> Vec<(&'static str, u16)> {
        refusal.into().errors.into_iter().map(|error| (error.code.unwrap_or(""), error.status)).collect()
    }

    #[test]
    fn each_code_has_one_title_and_status_but_for_one_and_one_has_two_details() {
        for code in Code::ALL {
            let error = code.error();
            assert!(!error.title.is_empty() && (400..=503).contains(&error.status), "{code:?}");
            let namesakes: Vec<_> = Code::ALL.iter().filter(|other| other.error().code == error.code).collect();
            let expected = if matches!(error.code, Some("005" | "406")) { 2 } else { 1 };
            assert!(error.code.is_none() || namesakes.len() == expected, "{code:?}");
            let alike = |other: &&Code| (other.status(), other.error().title) == (error.status, error.title);
            // Glue has two meanings for one code.
            let is_one_kind = error.code.is_some_and(|code| code != "005");
            assert!(!is_one_kind || namesakes.into_iter().all(|other| alike(&other)), "{code:?}");
            assert_eq!(error.detail.is_empty(), *code == Code::Violation, "{code:?}");
        }
    }

    #[test]
    fn the_reference_tells_every_detail_beside_its_status_and_code() {
        let reference = include_str!("../../../docs/src/reference/codes.md");
        for code in Code::ALL.iter().filter(|code| **code != Code::Violation) {
            let ErrorObject { code: number, status, detail, .. } = code.error();
            let told = reference.lines().any(|line| {
                let is_told = |text: &str| line.contains(text);
                is_told(&format!("`{detail}`")) && is_told(&status.to_string()) && number.is_none_or(is_told)
            });
            assert!(told, "{code:?}");
        }
    }

    fn of_login(error: AuthenticateError, locale: &str) -> Refusal {
        Refusal::of_login(error, &Locale::parse(locale).unwrap(), 5)
    }

    #[test]
    fn a_closed_lock_is_told_in_the_readers_language() {
        for (locale, detail) in [
            ("de_DE", "Warten Sie bitte 5 Minuten, bevor Sie es erneut versuchen."),
            ("en_US", Code::LoginLocked.detail()),
            ("fr_FR", Code::LoginLocked.detail()),
        ] {
            let refusal = of_login(AuthenticateError::Locked { retry_after_seconds: 17 }, locale);
            assert_eq!((&*refusal.errors[0].detail, refusal.retry_after_seconds), (detail, Some(17)), "{locale}");
            assert_eq!(wire(refusal), [("4401", 429)]);
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
        assert_eq!(wire(of_login(AuthenticateError::Refused, "de_DE")), [("003", 401)]);
        assert_eq!(wire(RefreshError::Refused), [("004", 401)]);
    }

    #[test]
    fn every_refusal_of_an_account_has_its_code() {
        use OwnCustomerError::{Gone, TokenEnded};
        use PasswordViolation::{Common, Repetition};
        let weak = || vec![Common, Repetition];
        let gone = [("402", 404)];
        let ended = [("001", 401)];
        assert_eq!((wire(Gone), wire(TokenEnded)), (gone.into(), ended.into()));
        assert_eq!(wire(UpdateCustomerError::Own(Gone)), gone);
        assert_eq!(wire(UpdateCustomerError::Email(vec![EmailProblem::Taken])), [("400", 422)]);
        assert_eq!(wire(UpdateCustomerError::NotSaved), [("410", 400)]);
        assert_eq!(wire(RestorePasswordError::PasswordsDiffer), [("406", 422)]);
        assert_eq!(wire(RestorePasswordError::WeakPassword(weak())), [("422", 400), ("421", 400)]);
        assert_eq!(wire(RestorePasswordError::Refused), [("415", 422)]);
        assert_eq!(wire(ChangePasswordError::Own(TokenEnded)), ended);
        assert_eq!(wire(ChangePasswordError::NotOwn), [("411", 403)]);
        assert_eq!(wire(ChangePasswordError::PasswordsDiffer), [("406", 422)]);
        assert_eq!(wire(ChangePasswordError::WrongPassword), [("408", 400)]);
        assert_eq!(wire(ChangePasswordError::WeakPassword(weak())), [("422", 400), ("421", 400)]);
        assert_eq!(wire(ChangePasswordError::NotSaved), [("407", 400)]);
        assert_eq!(wire(AddressError::Own(Gone)), gone);
        assert_eq!(wire(AddressError::NotFound), [("404", 404)]);
        assert_eq!(wire(AddressError::Full), [("409", 400)]);
    }

    #[test]
    fn every_refusal_of_a_cart_has_its_code() {
        use OwnCustomerError::{Gone, TokenEnded};
        let blamed = |attribute: &str| Some(attribute_pointer(attribute));
        let header = || Some(Source::Header("If-Match"));
        let no_price =
            CartError::NoPrice { sku: Sku::parse("003_26138343").unwrap(), currency: Currency::parse("CHF").unwrap() };
        for (error, code, status, source) in [
            (CartError::Own(Gone), "402", 404, None),
            (CartError::Own(TokenEnded), "001", 401, Some(Source::Header("Authorization"))),
            (CartError::NotFound, "101", 404, None),
            (CartError::ItemNotFound, "103", 404, None),
            (CartError::WrongTag, "006", 412, header()),
            (CartError::AlreadyHasCart, "110", 422, None),
            (CartError::TooManyCarts, "107", 422, None),
            (CartError::LastCart, "105", 422, None),
            (CartError::PriceModeFixed, "111", 422, blamed("priceMode")),
            (CartError::StoreUnknown, "112", 422, blamed("store")),
            (CartError::CurrencyUnknown, "117", 422, blamed("currency")),
            (CartError::PriceModeUnknown, "119", 422, blamed("priceMode")),
            (no_price, "102", 422, blamed("currency")),
            (CartError::ItemRefused { sku: "x".to_owned(), reason: None }, "102", 422, blamed("sku")),
        ] {
            let refusal = Refusal::from(error.clone());
            assert_eq!(wire(refusal.clone()), [(code, status)], "{error:?}");
            assert_eq!(refusal.errors[0].source, source, "{error:?}");
            // Only what a product is refused for has something behind it.
            let of_item = Refusal::of_item(error.clone(), Code::ItemNotAdded);
            assert_eq!(of_item == refusal, !matches!(error, CartError::ItemRefused { .. }), "{error:?}");
        }
        assert_eq!(Code::EntityTagMissing.error().source, header());
        assert_eq!(Code::GuestMissing.error().source, Some(Source::Header("X-Anonymous-Customer-Unique-Id")));
    }

    #[test]
    fn a_refused_item_is_told_with_the_reason_first() {
        let francs = ItemRefusal::NoPrice(Currency::parse("CHF").unwrap());
        for (reason, detail, blamed) in [
            (None, r#"Product "x" not found"#, "sku"),
            (Some(francs), r#"Product "x" has no price in CHF"#, "sku"),
            (Some(ItemRefusal::OutOfStock(0)), r#"Product "x" is not available at the moment"#, "quantity"),
            (Some(ItemRefusal::OutOfStock(3)), r#"Product "x" is only available in a quantity of 3"#, "quantity"),
            (Some(ItemRefusal::TooMany), r#"Product "x" can be ordered in a quantity of at most 1000000"#, "quantity"),
            (Some(ItemRefusal::Full(500)), "The cart holds at most 500 different products", "sku"),
        ] {
            for (outcome, code, blamed) in
                [(Code::ItemNotAdded, "113", blamed), (Code::ItemNotUpdated, "114", "quantity")]
            {
                let refusal = Refusal::of_item(CartError::ItemRefused { sku: "x".to_owned(), reason }, outcome);
                assert_eq!(refusal.errors[0].detail, detail, "{reason:?}");
                assert_eq!(refusal.errors[0].source, Some(attribute_pointer(blamed)), "{reason:?}");
                assert_eq!(refusal.errors[1], outcome.error(), "{reason:?}");
                assert_eq!(wire(refusal), [("102", 422), (code, 422)]);
            }
        }
    }

    #[test]
    fn what_differs_is_told_by_the_names_of_its_fields() {
        for (refusal, detail) in [
            (
                Refusal::from(RestorePasswordError::PasswordsDiffer),
                "Value in field password should be identical to value in the confirmPassword field.",
            ),
            (
                ChangePasswordError::PasswordsDiffer.into(),
                "Value in field newPassword should be identical to value in the confirmPassword field.",
            ),
        ] {
            assert_eq!(refusal.errors[0].detail, detail);
            let blamed = Source::Pointer("/data/attributes/confirmPassword".to_owned());
            assert_eq!(refusal.errors[0].source, Some(blamed));
        }
    }

    #[test]
    fn failures_are_never_the_callers_fault() {
        let busy = Failure::Busy { retry_after_seconds: 7 };
        for refusal in [
            Refusal::from(RegisterError::Failure(busy)),
            ConfirmError::Failure(busy).into(),
            of_login(AuthenticateError::Failure(busy), "de_DE"),
            RefreshError::Failure(busy).into(),
            OwnCustomerError::Failure(busy).into(),
            UpdateCustomerError::Failure(busy).into(),
            RestorePasswordError::Failure(busy).into(),
            ChangePasswordError::Failure(busy).into(),
            AddressError::Failure(busy).into(),
            CartError::Failure(busy).into(),
            Refusal::of_item(CartError::Failure(busy), Code::ItemNotAdded),
        ] {
            assert_eq!(refusal.retry_after_seconds, Some(7));
            assert_eq!(wire(refusal), [("", 503)]);
        }
        assert_eq!(wire(RegisterError::Failure(Failure::Internal)), [("401", 500)]);
        assert_eq!(wire(ConfirmError::Failure(Failure::Internal)), [("", 500)]);
        assert_eq!(wire(of_login(AuthenticateError::Failure(Failure::Internal), "de_DE")), [("", 500)]);
        assert_eq!(wire(RefreshError::Failure(Failure::Internal)), [("", 500)]);
        assert_eq!(wire(OwnCustomerError::Failure(Failure::Internal)), [("", 500)]);
        assert_eq!(wire(UpdateCustomerError::Failure(Failure::Internal)), [("", 500)]);
        assert_eq!(wire(RestorePasswordError::Failure(Failure::Internal)), [("", 500)]);
        assert_eq!(wire(ChangePasswordError::Failure(Failure::Internal)), [("", 500)]);
        assert_eq!(wire(AddressError::Failure(Failure::Internal)), [("", 500)]);
        assert_eq!(wire(CartError::Failure(Failure::Internal)), [("", 500)]);
    }
}
