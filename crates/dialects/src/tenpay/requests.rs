//! What clients ask for, read and checked field by field.

use domain::EmailAddress;

use super::body::{Document, parse_digits};
use super::errors::Errors;

/// The longest `additionalData` that is kept, in bytes.
pub(crate) const MAX_ADDITIONAL_DATA_BYTES: usize = 16 * 1024;

const NO_ADDRESS: &str = "Invalid email address";
const EMAIL_REQUIRED: &str = "The Email field is required.";
const EMAIL_EMPTY: &str = "Email address is required";

/// A new user. No `Debug`: it is personal throughout.
#[derive(Clone)]
pub(crate) struct CreateUser {
    /// Whose.
    pub(crate) merchant: i32,
    /// Where the code goes; a user without address gets none.
    pub(crate) email: Option<EmailAddress>,
    /// What the merchant calls its own data.
    pub(crate) additional_type: Option<String>,
    /// It: an object as JSON text, as it was given.
    pub(crate) additional_data: Option<String>,
}

/// A wish for a code.
pub(crate) struct SendConfirmation {
    /// Which user.
    pub(crate) id: i32,
    /// The address that they are registered with, as the client knows it.
    pub(crate) email: EmailAddress,
}

/// A code. No `Debug`: it opens a door.
pub(crate) struct ConfirmEmail {
    /// Which user.
    pub(crate) id: i32,
    /// The code as it was typed.
    pub(crate) token: String,
    /// For whom it was asked; changes nothing.
    pub(crate) correlation: Correlation,
}

/// What a confirmation is for. Told on the wire, and remembered with the event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Correlation {
    /// The user.
    User,
    /// The user as the merchant's.
    Merchant,
}

impl CreateUser {
    /// Reads a body.
    ///
    /// # Errors
    ///
    /// What cannot be read, else what is not allowed.
    pub(crate) fn read(body: &[u8]) -> Result<Self, Errors> {
        let document = Document::parse(body)?;
        let mut unread = Errors::default();
        let merchant = document.integer("merchantId", &mut unread);
        let email = document.text("email", &mut unread);
        let additional = document.object("additionalData", &mut unread);
        let (additional_type, data) = match &additional {
            Some((within, _)) => (within.text("type", &mut unread), within.object("data", &mut unread)),
            None => (None, None),
        };
        let additional_data = data.map(|(_, text)| text.to_owned());
        unread.unless_empty(|| ())?;

        let mut refused = Errors::default();
        let merchant = at_least_one(merchant, "MerchantId", &mut refused);
        let email = email.and_then(|email| parse_email(&email, &mut refused));
        if additional.is_some_and(|(_, text)| text.len() > MAX_ADDITIONAL_DATA_BYTES) {
            let limit = format!("The AdditionalData field must be at most {MAX_ADDITIONAL_DATA_BYTES} bytes long.");
            refused.add("AdditionalData", limit);
        }
        refused.unless_empty(|| Self { merchant, email, additional_type, additional_data })
    }
}

impl SendConfirmation {
    /// Reads a body.
    ///
    /// # Errors
    ///
    /// What cannot be read, else what is not allowed.
    pub(crate) fn read(body: &[u8]) -> Result<Self, Errors> {
        let document = Document::parse(body)?;
        let mut unread = Errors::default();
        let id = document.integer("id", &mut unread);
        let email = document.text("email", &mut unread);
        unread.unless_empty(|| ())?;

        let mut refused = Errors::default();
        let id = at_least_one(id, "Id", &mut refused);
        if email.is_none() {
            refused.add("Email", EMAIL_REQUIRED);
        }
        let email = email.and_then(|email| parse_email(&email, &mut refused));
        match email {
            Some(email) => refused.unless_empty(|| Self { id, email }),
            None => Err(refused),
        }
    }

    /// The address is not the registered one.
    pub(crate) fn other_address() -> Errors {
        Errors::one("Email", "The Email field must be the registered address.")
    }
}

impl ConfirmEmail {
    /// Reads a body.
    ///
    /// # Errors
    ///
    /// What cannot be read, else what is not allowed.
    pub(crate) fn read(body: &[u8]) -> Result<Self, Errors> {
        let document = Document::parse(body)?;
        let mut unread = Errors::default();
        let id = document.integer("id", &mut unread);
        let token = document.text("token", &mut unread);
        let correlation = document.integer("correlationType", &mut unread);
        unread.unless_empty(|| ())?;

        let mut refused = Errors::default();
        let id = at_least_one(id, "Id", &mut refused);
        let token = token.filter(|token| !token.trim().is_empty()).unwrap_or_else(|| {
            refused.add("Token", "The Token field is required.");
            String::new()
        });
        let correlation = match correlation {
            None | Some(0) => Correlation::User,
            Some(1) => Correlation::Merchant,
            Some(_) => {
                refused.add("CorrelationType", "The CorrelationType field must be 0 or 1.");
                Correlation::User
            }
        };
        refused.unless_empty(|| Self { id, token, correlation })
    }
}

/// Reads the id of a path.
///
/// # Errors
///
/// When it is no number that a user can have.
pub(crate) fn path_id(text: &str) -> Result<i32, Errors> {
    let id = parse_digits(text).filter(|id| *id >= 1);
    id.ok_or_else(|| Errors::one("id", format!("The value '{text}' is not valid.")))
}

/// The number; 0 with an error where it is missing or smaller than 1.
fn at_least_one(number: Option<i32>, field: &'static str, errors: &mut Errors) -> i32 {
    match number {
        Some(number) if number >= 1 => number,
        Some(_) => {
            errors.add(field, format!("The {field} field must be between 1 and {}.", i32::MAX));
            0
        }
        None => {
            errors.add(field, format!("The {field} field is required."));
            0
        }
    }
}

/// The address; `None` with an error where it is none. Blanks around it do not count.
fn parse_email(text: &str, errors: &mut Errors) -> Option<EmailAddress> {
    let text = text.trim();
    if text.is_empty() {
        errors.add("Email", EMAIL_REQUIRED);
        errors.add("Email", EMAIL_EMPTY);
        return None;
    }
    let email = EmailAddress::parse_for_account(text).ok();
    if email.is_none() {
        errors.add("Email", NO_ADDRESS);
    }
    email
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn refused<T>(read: Result<T, Errors>) -> Value {
        read.map_or_else(|errors| serde_json::to_value(errors).unwrap(), |_| Value::Null)
    }

    #[test]
    fn a_new_user_is_checked() {
        let required = "The MerchantId field is required.";
        for (holds, body, expected) in [
            ("C1 right", json!({"merchantId": 1, "email": "a@example.com"}), Value::Null),
            ("C2 no address", json!({"merchantId": 1, "email": null}), Value::Null),
            ("C8 no member", json!({"merchantId": "1"}), Value::Null),
            ("C8 no merchant", json!({"email": "a@example.com"}), json!({"MerchantId": [required]})),
            ("C8 null is none", json!({"merchantId": null}), json!({"MerchantId": [required]})),
            (
                "C1 at least 1",
                json!({"merchantId": 0}),
                json!({"MerchantId": ["The MerchantId field must be between 1 and 2147483647."]}),
            ),
            ("C6", json!({"merchantId": 1, "email": "not-an-address"}), json!({"Email": [NO_ADDRESS]})),
            (
                "C6 too long",
                json!({"merchantId": 1, "email": format!("{}@example.com", "a".repeat(90))}),
                json!({"Email": [NO_ADDRESS]}),
            ),
            ("C7", json!({"merchantId": 1, "email": ""}), json!({"Email": [EMAIL_REQUIRED, EMAIL_EMPTY]})),
            ("C7 blanks", json!({"merchantId": 1, "email": "  "}), json!({"Email": [EMAIL_REQUIRED, EMAIL_EMPTY]})),
            ("P2 all that is wrong", json!({"email": "x"}), json!({"MerchantId": [required], "Email": [NO_ADDRESS]})),
            (
                "E5 what cannot be read comes first",
                json!({"email": 7}),
                json!({"$.email": ["The JSON value could not be converted to a string."]}),
            ),
            (
                "C3 data that is no object",
                json!({"merchantId": 1, "additionalData": {"type": "x", "data": []}}),
                json!({"$.additionalData.data": ["The JSON value could not be converted to an object."]}),
            ),
            (
                "C3 too much",
                json!({"merchantId": 1, "additionalData": {"data": {"x": "y".repeat(MAX_ADDITIONAL_DATA_BYTES)}}}),
                json!({"AdditionalData": ["The AdditionalData field must be at most 16384 bytes long."]}),
            ),
        ] {
            assert_eq!(refused(CreateUser::read(body.to_string().as_bytes())), expected, "{holds}");
        }
    }

    #[test]
    fn c3_c9_data_is_kept_as_given_and_the_address_trimmed() {
        let body = br#"{"MerchantID":"7","Email":" A@Example.com ","additionalData": {"Type":null,"data":{"n":1.50}}}"#;
        let Ok(user) = CreateUser::read(body) else { panic!("a right body") };
        assert_eq!(user.merchant, 7);
        assert_eq!(user.email.unwrap().canonical(), "a@example.com");
        assert_eq!((user.additional_type, user.additional_data.as_deref()), (None, Some(r#"{"n":1.50}"#)));
        let just_fits = MAX_ADDITIONAL_DATA_BYTES - r#"{"data":{"x":""}}"#.len();
        let body = format!(r#"{{"merchantId":7,"additionalData":{{"data":{{"x":"{}"}}}}}}"#, "y".repeat(just_fits));
        assert!(CreateUser::read(body.as_bytes()).is_ok());
    }

    #[test]
    fn a_wish_for_a_code_is_checked() {
        for (holds, body, expected) in [
            ("R1 right", json!({"id": 1, "email": "a@example.com"}), Value::Null),
            ("R1 no id", json!({"email": "a@example.com"}), json!({"Id": ["The Id field is required."]})),
            ("R1 no address", json!({"id": 1}), json!({"Email": [EMAIL_REQUIRED]})),
            ("R1 null is none", json!({"id": 1, "email": null}), json!({"Email": [EMAIL_REQUIRED]})),
            ("R4 empty", json!({"id": 1, "email": ""}), json!({"Email": [EMAIL_REQUIRED, EMAIL_EMPTY]})),
            ("R4 malformed", json!({"id": 1, "email": "x"}), json!({"Email": [NO_ADDRESS]})),
            (
                "R4 both",
                json!({"id": 0, "email": "x"}),
                json!({"Id": ["The Id field must be between 1 and 2147483647."], "Email": [NO_ADDRESS]}),
            ),
        ] {
            assert_eq!(refused(SendConfirmation::read(body.to_string().as_bytes())), expected, "{holds}");
        }
    }

    #[test]
    fn a_code_is_checked() {
        let token = json!({"Token": ["The Token field is required."]});
        let integer = "The JSON value could not be converted to an integer.";
        for (holds, body, expected) in [
            ("E1 right", json!({"id": 1, "token": "004711"}), Value::Null),
            ("E1 with a correlation", json!({"id": 1, "token": "004711", "correlationType": 1}), Value::Null),
            ("E6 null counts as absent", json!({"id": 1, "token": "x", "correlationType": null}), Value::Null),
            ("G4 digits", json!({"id": "1", "token": "x", "correlationType": "1"}), Value::Null),
            ("E4 missing", json!({"id": 1}), token.clone()),
            ("E4 null", json!({"id": 1, "token": null}), token.clone()),
            ("E4 empty", json!({"id": 1, "token": ""}), token.clone()),
            ("E4 blanks", json!({"id": 1, "token": " \n"}), token),
            ("E1 no id", json!({"token": "x"}), json!({"Id": ["The Id field is required."]})),
            (
                "E6 an id below 1",
                json!({"id": -1, "token": "x"}),
                json!({"Id": ["The Id field must be between 1 and 2147483647."]}),
            ),
            (
                "E6 another correlation",
                json!({"id": 1, "token": "x", "correlationType": 2}),
                json!({"CorrelationType": ["The CorrelationType field must be 0 or 1."]}),
            ),
            (
                "E5 a correlation that is a word",
                json!({"id": 1, "token": "x", "correlationType": "x"}),
                json!({"$.correlationType": [integer]}),
            ),
        ] {
            assert_eq!(refused(ConfirmEmail::read(body.to_string().as_bytes())), expected, "{holds}");
        }
        let body = json!({"id": 1, "token": "004711", "correlationType": 1}).to_string();
        let Ok(request) = ConfirmEmail::read(body.as_bytes()) else { panic!("a right body") };
        assert_eq!((request.id, request.token.as_str(), request.correlation), (1, "004711", Correlation::Merchant));
    }

    #[test]
    fn t6_the_id_of_a_path_is_a_number_that_a_user_can_have() {
        assert_eq!(path_id("2147483647"), Ok(i32::MAX));
        for wrong in ["abc", "{id}", "0", "-1", "2147483648", "+1", "1.0", " 1"] {
            let expected = json!({"id": [format!("The value '{wrong}' is not valid.")]});
            assert_eq!(refused(path_id(wrong)), expected);
        }
    }
}
