//! The texts of the contract, and violations made of them.

use testkit::Expected;

pub(crate) const BLANK: &str = "This value should not be blank.";
pub(crate) const MISSING: &str = "This field is missing.";
pub(crate) const NOT_EMAIL: &str = "This value is not a valid email address.";
pub(crate) const SHORT: &str = "This value is too short. It should have 12 characters or more.";
pub(crate) const LONG: &str = "This value is too long. It should have 128 characters or less.";
pub(crate) const LONG_NAME: &str = "This value is too long. It should have 100 characters or less.";
pub(crate) const NO_CHOICE: &str = "The value you selected is not a valid choice.";
pub(crate) const NOT_TRUE: &str = "This value should be true.";
pub(crate) const NO_DATE: &str = "This value is not a valid date.";
pub(crate) const NO_TEXT: &str = "This value should be of type string.";
pub(crate) const CLASSES: &str = "Your password must include at least one uppercase letter, one lowercase letter, one number, and one special \
                       character from the following list: !@#$%^&*()_-+=[]{}|;:<>.,/?\\~. Non-Latin and other special characters \
                       are not allowed.";

pub(crate) const SHORT_CITY: &str = "This value is too short. It should have 3 characters or more.";
pub(crate) const LONG_ZIP_CODE: &str = "This value is too long. It should have 15 characters or less.";
pub(crate) const LONG_COUNTRY: &str = "This value is too long. It should have 2 characters or less.";
pub(crate) const LONG_TEXT: &str = "This value is too long. It should have 255 characters or less.";
pub(crate) const NO_BOOLEAN: &str = "This value should be of type bool.";
pub(crate) const NOT_PRINTABLE: &str = "This value is not valid.";

pub(crate) const NO_NUMBER: &str = "This value should be of type numeric.";
pub(crate) const NOT_POSITIVE: &str = "This value should be greater than 0.";
pub(crate) const NO_INTEGER: &str = "This value should be of type integer.";
pub(crate) const TOO_MANY: &str = "This value should be less than or equal to 1000000.";

/// Of a confirmed account.
pub(crate) const TAKEN: &str = "If this email address is already in use, you will receive a password reset link. Otherwise \
                                you must first validate your e-mail address to finish registration. Please check your e-mail.";
pub(crate) const SPENT_KEY: &str = "This email confirmation code is invalid or has been already used.";
pub(crate) const DIFFERENT: &str = "Value in field password should be identical to value in the confirmPassword field.";
pub(crate) const COMMON: &str = "The password is listed as common.";
pub(crate) const REPETITION: &str = "The password contains sequence of the same character.";
pub(crate) const NO_ADDRESS: &str = "Invalid Email address format.";
pub(crate) const LONG_ADDRESS: &str = "Email is too long. It should have 100 characters or less.";

pub(crate) const INVALID_BODY: &str = "Post data is invalid.";
pub(crate) const INVALID_TYPE: &str = "Invalid type.";
pub(crate) const INVALID_PAGE: &str = "Pagination parameters are invalid.";
pub(crate) const INCOMPLETE_PREFLIGHT: &str = "One or more of the required headers (access-control-request-method, \
                                    access-control-request-headers, origin) for the options method are missing.";
pub(crate) const MISSING_ID: &str = "Resource id is not specified.";
pub(crate) const TWO_USERS: &str =
    "Headers request error. A user can't act as logged and not logged user at the same time.";

/// What is wrong with one field.
pub(crate) fn violations(field: &str, messages: &[&str]) -> Expected {
    named(&messages.iter().map(|message| (field, *message)).collect::<Vec<_>>())
}

/// What is wrong with which fields, in order.
pub(crate) fn named(violations: &[(&str, &str)]) -> Expected {
    let details: Vec<String> = violations.iter().map(|(field, message)| format!("{field} => {message}")).collect();
    Expected::violations(&details.iter().map(String::as_str).collect::<Vec<_>>())
}

/// 404, no code.
pub(crate) fn no_route() -> Expected {
    Expected::generic(404, "Not Found")
}

/// 400: a PATCH or DELETE must name what it is about.
pub(crate) fn no_id() -> Expected {
    Expected::generic(400, MISSING_ID)
}

/// 400: the document is of another type.
pub(crate) fn wrong_type() -> Expected {
    Expected::generic(400, INVALID_TYPE)
}

/// 400: there is no such document.
pub(crate) fn no_document() -> Expected {
    Expected::generic(400, INVALID_BODY)
}

/// 403 / 002
pub(crate) fn no_token() -> Expected {
    Expected::error(403, "002", "Missing access token.")
}

/// 401 / 001
pub(crate) fn bad_token() -> Expected {
    Expected::error(401, "001", "Invalid access token.")
}

/// 400 / 005
pub(crate) fn two_users() -> Expected {
    Expected::error(400, "005", TWO_USERS)
}

/// 401 / 003
pub(crate) fn not_logged_in() -> Expected {
    Expected::error(401, "003", "Failed to authenticate user.")
}

/// 401 / 004
pub(crate) fn not_refreshed() -> Expected {
    Expected::error(401, "004", "Failed to refresh token.")
        .header("WWW-Authenticate", "Bearer realm=\"Access to shop API\"")
}

/// 422 / 400
pub(crate) fn taken() -> Expected {
    Expected::error(422, "400", TAKEN)
}

/// 404 / 402
pub(crate) fn no_customer() -> Expected {
    Expected::error(404, "402", "Customer not found.")
}

/// 404 / 404
pub(crate) fn no_such_address() -> Expected {
    Expected::error(404, "404", "Address was not found.")
}

/// 422 / 406
pub(crate) fn different() -> Expected {
    Expected::error(422, "406", DIFFERENT)
}

/// 403 / 411
pub(crate) fn not_own() -> Expected {
    Expected::error(403, "411", "Unauthorized request.")
}

/// 422 / 415
pub(crate) fn no_restore_key() -> Expected {
    Expected::error(422, "415", "Restore password key is not valid.")
}

/// 422 / 423
pub(crate) fn spent_key() -> Expected {
    Expected::error(422, "423", SPENT_KEY)
}

/// 400: a header that may be given once only came twice.
pub(crate) fn repeated_header() -> Expected {
    Expected::generic(400, "A header that may be given once only is given more than once.")
}

/// 404 / 101
pub(crate) fn no_cart() -> Expected {
    Expected::error(404, "101", "Cart with given uuid not found.")
}

/// 404 / 103
pub(crate) fn no_item() -> Expected {
    Expected::error(404, "103", "Item with the given group key not found in the cart.")
}

/// 400 / 104
pub(crate) fn no_cart_id() -> Expected {
    Expected::error(400, "104", "Cart uuid is missing.")
}

/// 422 / 105
pub(crate) fn last_cart() -> Expected {
    Expected::error(422, "105", "Cart could not be deleted.")
}

/// 422 / 107
pub(crate) fn too_many_carts() -> Expected {
    Expected::error(422, "107", "Failed to create cart.")
}

/// 400 / 109
pub(crate) fn nobody() -> Expected {
    Expected::error(400, "109", "Anonymous customer unique id is empty.")
}

/// 422 / 110
pub(crate) fn has_a_cart() -> Expected {
    Expected::error(422, "110", "Customer already has a cart.")
}

/// 422 / 111
pub(crate) fn price_mode_is_fixed() -> Expected {
    Expected::error(422, "111", "Can’t switch price mode when there are items in the cart.")
}

/// 422 / 112
pub(crate) fn wrong_store() -> Expected {
    Expected::error(422, "112", "Store data is invalid.")
}

/// 422 / 102 and 113
pub(crate) fn not_added(detail: &str) -> Expected {
    Expected::errors(&[(422, "102", detail), (422, "113", "Cart item could not be added.")])
}

/// 422 / 102 and 114
pub(crate) fn not_changed(detail: &str) -> Expected {
    Expected::errors(&[(422, "102", detail), (422, "114", "Cart item could not be updated.")])
}

/// 422 / 116
pub(crate) fn no_currency() -> Expected {
    Expected::error(422, "116", "Currency is missing.")
}

/// 422 / 117
pub(crate) fn wrong_currency() -> Expected {
    Expected::error(422, "117", "Currency is incorrect.")
}

/// 422 / 118
pub(crate) fn no_price_mode() -> Expected {
    Expected::error(422, "118", "Price mode is missing.")
}

/// 422 / 119
pub(crate) fn wrong_price_mode() -> Expected {
    Expected::error(422, "119", "Price mode is incorrect.")
}

/// 403 / 802
pub(crate) fn not_own_carts() -> Expected {
    Expected::error(403, "802", "Unauthorized request.")
}

/// 428 / 005
pub(crate) fn no_tag() -> Expected {
    Expected::error(428, "005", "If-Match header is missing.")
}

/// 412 / 006
pub(crate) fn wrong_tag() -> Expected {
    Expected::error(412, "006", "If-Match header value is invalid.")
}
