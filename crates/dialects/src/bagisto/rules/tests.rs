use super::*;

const PASSWORD: &str = "Secret-1!";

fn today() -> Date {
    Date::constant(2026, 3, 4)
}

fn good() -> RegisterInput {
    let text = |text: &str| Some(text.to_owned());
    let fields = Fields {
        first_name: text("John"),
        last_name: text("Doe"),
        email: text("john@example.com"),
        password: text(PASSWORD),
        confirm_password: text(PASSWORD),
        ..Fields::default()
    };
    RegisterInput { fields, subscribed: false }
}

fn refusal(change: impl FnOnce(&mut Fields)) -> Option<String> {
    refusal_of(change, Taken::default())
}

fn refusal_of(change: impl FnOnce(&mut Fields), taken: Taken) -> Option<String> {
    let mut input = good();
    change(&mut input.fields);
    input.check(taken, today()).err()
}

fn read(body: &str) -> Result<RegisterInput, Unreadable> {
    RegisterInput::read(&Input::parse(body.as_bytes()).unwrap())
}

const NOTHING: &str = "The first name field must be a string. The first name field is required. The last name field must \
                       be a string. The last name field is required. The email field must be a valid email address. The \
                       email field is required. The password field must be at least 8 characters. The password field is \
                       required.";

#[test]
fn cases_10_and_11_nothing_and_blanks() {
    for body in ["{}", r#"{"firstName": null, "lastName": null, "email": null, "password": null}"#] {
        assert_eq!(read(body).unwrap().check(Taken::default(), today()).unwrap_err(), NOTHING, "{body}");
    }
    let required = "The first name field is required. The last name field is required. The email field is required. The \
                    password field is required.";
    for blank in ["", " ", "\t\n"] {
        let all = |input: &mut Fields| {
            for field in [&mut input.first_name, &mut input.last_name, &mut input.email, &mut input.password] {
                *field = Some(blank.to_owned());
            }
        };
        assert_eq!(refusal(all).as_deref(), Some(required), "{blank:?}");
    }
}

#[test]
fn a_field_that_is_missing_has_its_pair() {
    for (change, expected) in [
        (
            (|input| input.first_name = None) as fn(&mut Fields),
            "The first name field must be a string. The first name field is required.",
        ),
        (|input| input.last_name = None, "The last name field must be a string. The last name field is required."),
        (|input| input.email = None, "The email field must be a valid email address. The email field is required."),
        (
            |input| input.password = None,
            "The password field must be at least 8 characters. The password field is required.",
        ),
    ] {
        assert_eq!(refusal(change).as_deref(), Some(expected));
    }
}

#[test]
fn cases_12_to_20_one_thing_wrong() {
    let long = "x".repeat(256);
    let set = |field: &'static str, text: &str| {
        let text = Some(text.to_owned());
        move |input: &mut Fields| match field {
            "firstName" => input.first_name = text,
            "lastName" => input.last_name = text,
            "email" => input.email = text,
            "password" => {
                input.confirm_password.clone_from(&text);
                input.password = text;
            }
            "confirmPassword" => input.confirm_password = text,
            "phone" => input.phone = text,
            "gender" => input.gender = text,
            _ => input.date_of_birth = text,
        }
    };
    for (field, value, expected) in [
        ("email", "nope", Some("The email field must be a valid email address.")),
        ("email", "a@b@c.de", Some("The email field must be a valid email address.")),
        ("firstName", &*long, Some("The first name field must not be greater than 255 characters.")),
        ("lastName", &*long, Some("The last name field must not be greater than 255 characters.")),
        ("firstName", &long[..255], None),
        ("firstName", "a\0b", Some("The first name field format is invalid.")),
        ("password", "Ab1!", Some("The password field must be at least 8 characters.")),
        (
            "password",
            "password1!",
            Some("The password field must contain at least one uppercase and one lowercase letter."),
        ),
        (
            "password",
            "PASSWORD1!",
            Some("The password field must contain at least one uppercase and one lowercase letter."),
        ),
        ("password", "Password!", Some("The password field must contain at least one number.")),
        ("password", "Password1", Some("The password field must contain at least one symbol.")),
        ("password", "Password 1", Some("The password field must contain at least one symbol.")),
        (
            "password",
            "abc",
            Some(
                "The password field must be at least 8 characters. The password field must contain at least one uppercase \
                 and one lowercase letter. The password field must contain at least one number. The password field must \
                 contain at least one symbol.",
            ),
        ),
        ("password", "Äpfel-12", None),
        ("password", "Passwort€1", None),
        ("confirmPassword", "Secret-2!", Some(PASSWORDS_DIFFER)),
        ("phone", "+49 123", Some(PHONE_CHARACTERS)),
        ("phone", "49-123", Some(PHONE_CHARACTERS)),
        ("phone", "٣", Some(PHONE_CHARACTERS)),
        ("phone", "49123", None),
        ("phone", "", None),
        ("phone", &"1".repeat(256), Some("The phone field must not be greater than 255 characters.")),
        ("gender", "male", None),
        ("gender", " other ", None),
        ("gender", "", None),
        ("gender", "MALE", Some("Invalid gender value \"MALE\". Allowed values are: Male, Female, Other")),
        ("gender", "Robot", Some("Invalid gender value \"Robot\". Allowed values are: Male, Female, Other")),
        ("dateOfBirth", "1990-01-15", None),
        ("dateOfBirth", "2026-03-04", None),
        ("dateOfBirth", "", None),
        ("dateOfBirth", "2026-03-05", Some(DATE_OF_BIRTH)),
        ("dateOfBirth", "1990-02-30", Some(DATE_OF_BIRTH)),
        ("dateOfBirth", "15.01.1990", Some(DATE_OF_BIRTH)),
        ("dateOfBirth", "1990-1-15", Some(DATE_OF_BIRTH)),
        ("dateOfBirth", "1990-01-15T00:00:00", Some(DATE_OF_BIRTH)),
        ("dateOfBirth", "-990-01-15", Some(DATE_OF_BIRTH)),
    ] {
        assert_eq!(refusal(set(field, value)).as_deref(), expected, "{field} {value}");
    }
    assert_eq!(refusal(|input| input.confirm_password = None).as_deref(), Some(PASSWORDS_DIFFER));
}

#[test]
fn an_address_has_at_most_100_characters() {
    let address = format!("{}@{}.example.com", "a".repeat(60), "b".repeat(28));
    let too_long = "The email field must not be greater than 100 characters.";
    assert_eq!(address.len(), 101);
    assert_eq!(refusal(|input| input.email = Some(address.clone())).as_deref(), Some(too_long));
    assert_eq!(refusal(|input| input.email = Some(address[1..].to_owned())), None);
}

#[test]
fn cases_13_and_14_taken_values_stand_among_the_others() {
    let both = Taken { email: true, phone: true };
    let with_phone = |input: &mut Fields| input.phone = Some("+49 123".to_owned());
    assert_eq!(
        refusal_of(|_| (), Taken { email: true, phone: false }).as_deref(),
        Some("The email has already been taken.")
    );
    assert_eq!(
        refusal_of(with_phone, both).as_deref(),
        Some("The email has already been taken. The phone has already been taken."),
        "before its characters are looked at"
    );
    let wrong = |input: &mut Fields| {
        input.email = Some("nope".to_owned());
        input.password = Some("Ab1!".to_owned());
    };
    let expected = "The email field must be a valid email address. The password field must be at least 8 characters.";
    assert_eq!(refusal_of(wrong, both).as_deref(), Some(expected), "what is wrong is not looked up");
    let mut input = good();
    wrong(&mut input.fields);
    assert!(input.fields.unique_values() == (None, None));
    with_phone(&mut input.fields);
    assert_eq!(input.fields.unique_values().1, Some("+49 123"));
}

#[test]
fn each_step_runs_only_if_the_earlier_ones_found_nothing() {
    let mut input = good();
    input.fields.confirm_password = None;
    input.fields.date_of_birth = Some("x".to_owned());
    input.fields.gender = Some("x".to_owned());
    input.fields.phone = Some("x".to_owned());
    input.fields.first_name = None;
    let check = |input: &RegisterInput| input.check(Taken::default(), today()).err();
    assert!(check(&input).unwrap().starts_with("The first name field"));
    input.fields.first_name = Some("John".to_owned());
    assert_eq!(check(&input).as_deref(), Some(PHONE_CHARACTERS));
    input.fields.phone = None;
    assert!(check(&input).unwrap().starts_with("Invalid gender"));
    input.fields.gender = None;
    assert_eq!(check(&input).as_deref(), Some(DATE_OF_BIRTH));
    input.fields.date_of_birth = None;
    assert_eq!(check(&input).as_deref(), Some(PASSWORDS_DIFFER));
}

#[test]
fn case_16_gender_is_normalised() {
    for (text, expected) in [("male", Gender::Male), (" Female", Gender::Female), ("other", Gender::Other)] {
        let mut input = good();
        input.fields.gender = Some(text.to_owned());
        assert_eq!(input.check(Taken::default(), today()).unwrap().gender, Some(expected), "{text}");
    }
}

#[test]
fn case_21_no_caller_verifies_themselves() {
    let body = r#"{"firstName": "J", "isVerified": "x", "status": [], "isSuspended": 1, "token": 1, "customerGroupId": {},
                   "channelId": "x", "image": 1}"#;
    assert!(read(body).is_ok());
}

#[test]
fn texts_of_another_type_are_named_by_their_attribute() {
    for (name, attribute) in [
        ("firstName", "first_name"),
        ("lastName", "last_name"),
        ("email", "email"),
        ("password", "password"),
        ("confirmPassword", "confirm_password"),
        ("phone", "phone"),
        ("gender", "gender"),
        ("dateOfBirth", "date_of_birth"),
        ("deviceToken", "device_token"),
    ] {
        let expected = Unreadable::WrongType { attribute, expected: "string", given: "integer" };
        assert_eq!(read(&format!("{{\"{name}\": 1}}")).err(), Some(expected), "{name}");
    }
}

#[test]
fn case_30_a_login_is_checked_with_sentences_of_its_own() {
    let check = |email: Option<&str>, password: Option<&str>| {
        LoginInput::check((email.map(str::to_owned), password.map(str::to_owned))).err()
    };
    let both = "The email field is required. The password field is required.";
    assert_eq!(check(None, None).as_deref(), Some(both));
    assert_eq!(check(Some(""), Some(" ")).as_deref(), Some(both));
    assert_eq!(
        check(Some("nope"), Some("abc")).as_deref(),
        Some("The email field must be a valid email address. The password field must be at least 6 characters.")
    );
    assert_eq!(check(Some("john@example.com"), Some("abcdef")), None);
}

#[test]
fn a_profile_takes_less_and_leaves_what_is_blank() {
    let check = |body: &str| {
        let input = UpdateInput::read(&Input::parse(body.as_bytes()).unwrap()).unwrap();
        input.check(Taken::default(), today())
    };
    for body in
        ["{}", r#"{"firstName": "", "email": " ", "phone": null, "gender": "", "password": "", "dateOfBirth": ""}"#]
    {
        assert_eq!(check(body), Ok(CheckedProfile::default()), "{body}");
    }
    for (body, expected) in [
        (r#"{"password": "New-Secret-1"}"#, CURRENT_REQUIRED),
        (r#"{"password": "New-Secret-1", "phone": "x"}"#, PHONE_CHARACTERS),
        (r#"{"password": "Ab1!", "currentPassword": "x"}"#, "The password field must be at least 8 characters."),
        (r#"{"email": "nope"}"#, "The email field must be a valid email address."),
        (r#"{"gender": "x"}"#, "Invalid gender value \"x\". Allowed values are: Male, Female, Other"),
        (r#"{"dateOfBirth": "1990-02-30"}"#, DATE_OF_BIRTH),
    ] {
        assert_eq!(check(body), Err(expected.to_owned()), "{body}");
    }
    let ids = |body: &str| UpdateInput::read(&Input::parse(body.as_bytes()).unwrap()).unwrap().id;
    assert_eq!(
        (ids(r#"{"id": 12}"#), ids(r#"{"id": "12"}"#), ids("{}")),
        (Some("12".to_owned()), Some("12".to_owned()), None)
    );
}

#[test]
fn a_reset_is_held_to_the_same_password() {
    let check = |body: &str| ResetInput::read(&Input::parse(body.as_bytes()).unwrap()).unwrap().check().err();
    assert_eq!(
        check("{}").as_deref(),
        Some(
            "The token field is required. The email field must be a valid email address. The email field is required. The \
             password field must be at least 8 characters. The password field is required."
        )
    );
    let body = |password: &str, repetition: &str| {
        format!(
            r#"{{"token": "x", "email": "john@example.com", "password": "{password}", "passwordConfirmation": "{repetition}"}}"#
        )
    };
    assert_eq!(check(&body(PASSWORD, "other")).as_deref(), Some(PASSWORDS_DIFFER));
    assert_eq!(check(&body("Ab1!", "other")).as_deref(), Some("The password field must be at least 8 characters."));
    assert_eq!(check(&body(PASSWORD, PASSWORD)), None);
}

#[test]
fn a_newsletter_goes_to_an_address() {
    for (email, expected) in [
        (None, Some("The customer email field is required.")),
        (Some(""), Some("The customer email field is required.")),
        (Some("nope"), Some("The customer email field must be a valid email address.")),
        (Some("john@example.com"), None),
    ] {
        assert_eq!(check_newsletter(email).err().as_deref(), expected, "{email:?}");
    }
}
