//! What input is held to, in Laravel's sentences and order.

use base64::Engine as _;
use domain::{
    EmailAddress, EmailProblem, Gender, MAX_EMAIL_CHARACTERS, MAX_PHONE_CHARACTERS, PasswordPolicy, missing_characters,
    parse_date,
};
use jiff::civil::Date;

use super::input::{Input, Unreadable};

/// The longest name, in Unicode code points.
const MAX_NAME_CHARACTERS: usize = 255;

/// The shortest password that is looked at when somebody logs in.
const MIN_LOGIN_CHARACTERS: usize = 6;

pub(super) const PASSWORDS_DIFFER: &str = "Password and confirm password do not match";
pub(super) const EMAIL_TAKEN: &str = "The email has already been taken.";
pub(super) const PHONE_TAKEN: &str = "The phone has already been taken.";
const CURRENT_REQUIRED: &str = "Current password is required to change your password";
const PHONE_CHARACTERS: &str = "Mobile number can only contain digits. Special characters are not allowed";
const DATE_OF_BIRTH: &str = "The date of birth field must be a valid date.";

/// Which unique values other accounts have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) email: bool,
    pub(super) phone: bool,
}

/// Whether a field may be left out, and with it be blank.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Presence {
    Required,
    Optional,
}

/// What a sign-up and a change of a profile both tell, as texts of which nothing else is known.
#[derive(Clone, Default)]
pub(super) struct Fields {
    pub(super) first_name: Option<String>,
    pub(super) last_name: Option<String>,
    pub(super) email: Option<String>,
    pub(super) password: Option<String>,
    pub(super) confirm_password: Option<String>,
    pub(super) phone: Option<String>,
    pub(super) gender: Option<String>,
    pub(super) date_of_birth: Option<String>,
}

/// What of a profile is told or changed, checked. What is blank is none.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct CheckedProfile {
    pub(super) first_name: Option<String>,
    pub(super) last_name: Option<String>,
    pub(super) phone: Option<String>,
    pub(super) gender: Option<Gender>,
    pub(super) date_of_birth: Option<Date>,
}

impl Fields {
    fn read(text: impl Fn(&'static str) -> Result<Option<String>, Unreadable>) -> Result<Self, Unreadable> {
        Ok(Self {
            first_name: text("first_name")?,
            last_name: text("last_name")?,
            email: text("email")?,
            password: text("password")?,
            confirm_password: text("confirm_password")?,
            phone: text("phone")?,
            gender: text("gender")?,
            date_of_birth: text("date_of_birth")?,
        })
    }

    /// The address and the telephone number that nobody else may have, where nothing else is wrong with them.
    pub(super) fn unique_values(&self) -> (Option<EmailAddress>, Option<&str>) {
        let email = self.email.as_deref().and_then(|text| EmailAddress::parse_for_account(text).ok());
        let phone = told(self.phone.as_deref()).filter(|text| text.chars().count() <= MAX_PHONE_CHARACTERS);
        (email, phone)
    }

    /// Everything in the order of the steps, save what the two differ in; the first step that finds something ends it.
    fn check(&self, presence: Presence, taken: Taken, today: Date) -> Result<CheckedProfile, String> {
        refuse(&[
            name("first name", self.first_name.as_deref(), presence),
            name("last name", self.last_name.as_deref(), presence),
            email(self.email.as_deref(), presence, taken.email),
            new_password(self.password.as_deref(), presence),
            phone(self.phone.as_deref(), taken.phone),
        ])?;
        let phone = told(self.phone.as_deref());
        if phone.is_some_and(|phone| !phone.bytes().all(|byte| byte.is_ascii_digit())) {
            return Err(PHONE_CHARACTERS.to_owned());
        }
        let gender = told(self.gender.as_deref()).map(parse_gender).transpose()?;
        let past = |text| parse_date(text).filter(|date| *date <= today).ok_or_else(|| DATE_OF_BIRTH.to_owned());
        let date_of_birth = told(self.date_of_birth.as_deref()).map(past).transpose()?;
        let owned = |text: Option<&str>| told(text).map(str::to_owned);
        Ok(CheckedProfile {
            first_name: owned(self.first_name.as_deref()),
            last_name: owned(self.last_name.as_deref()),
            phone: owned(phone),
            gender,
            date_of_birth,
        })
    }
}

/// A sign-up.
#[derive(Clone, Default)]
pub(super) struct RegisterInput {
    pub(super) fields: Fields,
    pub(super) subscribed: bool,
}

impl RegisterInput {
    /// Takes the fields out of a body. `status`, `isVerified`, `isSuspended` and what else a client might like to set are no
    /// fields.
    pub(super) fn read(input: &Input) -> Result<Self, Unreadable> {
        let read = Self {
            fields: Fields::read(|attribute| input.text(attribute))?,
            subscribed: input.flag("subscribed_to_news_letter")?.unwrap_or_default(),
        };
        input.text("device_token")?;
        Ok(read)
    }

    /// # Errors
    ///
    /// The whole text of the refusal.
    pub(super) fn check(&self, taken: Taken, today: Date) -> Result<CheckedProfile, String> {
        let profile = self.fields.check(Presence::Required, taken, today)?;
        if self.fields.password != self.fields.confirm_password {
            return Err(PASSWORDS_DIFFER.to_owned());
        }
        Ok(profile)
    }
}

/// A change of a profile. What is blank or absent stays.
#[derive(Clone, Default)]
pub(super) struct UpdateInput {
    pub(super) id: Option<String>,
    pub(super) fields: Fields,
    pub(super) subscribed: Option<bool>,
    pub(super) image: Option<String>,
    pub(super) deletes_image: bool,
    pub(super) current_password: Option<String>,
}

impl UpdateInput {
    pub(super) fn read(input: &Input) -> Result<Self, Unreadable> {
        let text = |attribute| Ok(input.text(attribute)?.filter(|text| !is_blank(text)));
        Ok(Self {
            id: input.value("id").map(|id| id.as_str().map_or_else(|| id.to_string(), str::to_owned)),
            fields: Fields::read(text)?,
            subscribed: input.flag("subscribed_to_news_letter")?,
            image: text("image")?,
            deletes_image: input.flag("delete_image")?.unwrap_or_default(),
            current_password: text("current_password")?,
        })
    }

    /// As for a sign-up; that the two new passwords are the same is looked at once the current one is known to be right.
    ///
    /// # Errors
    ///
    /// The whole text of the refusal.
    pub(super) fn check(&self, taken: Taken, today: Date) -> Result<CheckedProfile, String> {
        let profile = self.fields.check(Presence::Optional, taken, today)?;
        if self.image.as_deref().is_some_and(|image| !is_picture(image)) {
            return Err("The image field must be an image.".to_owned());
        }
        if self.fields.password.is_some() && self.current_password.is_none() {
            return Err(CURRENT_REQUIRED.to_owned());
        }
        Ok(profile)
    }
}

/// A login.
pub(super) struct LoginInput {
    pub(super) email: String,
    pub(super) password: String,
}

impl LoginInput {
    pub(super) fn read(input: &Input) -> Result<(Option<String>, Option<String>), Unreadable> {
        let read = (input.text("email")?, input.text("password")?);
        input.text("device_token")?;
        Ok(read)
    }

    /// # Errors
    ///
    /// The whole text of the refusal.
    pub(super) fn check((email, password): (Option<String>, Option<String>)) -> Result<Self, String> {
        let email_sentences = match told(email.as_deref()) {
            None => vec![required("email")],
            Some(text) if EmailAddress::parse(text).is_err() => vec![invalid_email("email")],
            Some(_) => Vec::new(),
        };
        let password_sentences = match told(password.as_deref()) {
            None => vec![required("password")],
            Some(text) if text.chars().count() < MIN_LOGIN_CHARACTERS => vec![too_short(MIN_LOGIN_CHARACTERS)],
            Some(_) => Vec::new(),
        };
        refuse(&[email_sentences, password_sentences])?;
        Ok(Self { email: email.unwrap_or_default(), password: password.unwrap_or_default() })
    }
}

/// A new password for whoever holds the token from a mail.
#[derive(Clone, Default)]
pub(super) struct ResetInput {
    pub(super) token: Option<String>,
    pub(super) email: Option<String>,
    pub(super) password: Option<String>,
    pub(super) repetition: Option<String>,
}

impl ResetInput {
    pub(super) fn read(input: &Input) -> Result<Self, Unreadable> {
        Ok(Self {
            token: input.text("token")?,
            email: input.text("email")?,
            password: input.text("password")?,
            repetition: input.text("password_confirmation")?,
        })
    }

    /// The address that the token must be for.
    ///
    /// # Errors
    ///
    /// The whole text of the refusal.
    pub(super) fn check(&self) -> Result<EmailAddress, String> {
        let token = if told(self.token.as_deref()).is_some() { Vec::new() } else { vec![required("token")] };
        let password = new_password(self.password.as_deref(), Presence::Required);
        refuse(&[token, email(self.email.as_deref(), Presence::Required, false), password])?;
        if self.password != self.repetition {
            return Err(PASSWORDS_DIFFER.to_owned());
        }
        EmailAddress::parse_for_account(self.email.as_deref().unwrap_or_default()).map_err(|_| invalid_email("email"))
    }
}

/// The address that is to get the newsletter.
///
/// # Errors
///
/// The whole text of the refusal.
pub(super) fn check_newsletter(customer_email: Option<&str>) -> Result<EmailAddress, String> {
    let text = told(customer_email).ok_or_else(|| required("customer email"))?;
    EmailAddress::parse_for_account(text).map_err(|problems| match problems.first() {
        Some(EmailProblem::TooLong) => too_long("customer email", MAX_EMAIL_CHARACTERS),
        _ => invalid_email("customer email"),
    })
}

/// Whether a text is nothing but blanks, which counts as nothing.
pub(super) fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}

/// A text that says something.
fn told(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !is_blank(text))
}

/// All sentences of one step in one text.
fn refuse(fields: &[Vec<String>]) -> Result<(), String> {
    let sentences = fields.concat();
    if sentences.is_empty() { Ok(()) } else { Err(sentences.join(" ")) }
}

/// Trimmed, and with its first letter raised; the others are taken as they are.
fn parse_gender(text: &str) -> Result<Gender, String> {
    let mut letters = text.trim().chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    let normal: String = first.into_iter().chain(letters).collect();
    Gender::parse(&normal)
        .ok_or_else(|| format!("Invalid gender value \"{text}\". Allowed values are: Male, Female, Other"))
}

/// A data URI of a picture of a kind that browsers show and that runs no script.
fn is_picture(text: &str) -> bool {
    let kinds = ["png", "jpeg", "gif", "webp"];
    let data = kinds.iter().find_map(|kind| text.strip_prefix(&format!("data:image/{kind};base64,")));
    data.is_some_and(|data| !data.is_empty() && base64::engine::general_purpose::STANDARD.decode(data).is_ok())
}

/// What stands where a text is needed. A field that is absent breaks two of Laravel's rules, a blank one the second.
fn absent(value: Option<&str>, presence: Presence, type_rule: String, field: &str) -> Vec<String> {
    match (presence, value) {
        (Presence::Optional, _) => Vec::new(),
        (Presence::Required, None) => vec![type_rule, required(field)],
        (Presence::Required, Some(_)) => vec![required(field)],
    }
}

fn name(field: &str, value: Option<&str>, presence: Presence) -> Vec<String> {
    match told(value) {
        None => absent(value, presence, format!("The {field} field must be a string."), field),
        Some(text) if text.chars().count() > MAX_NAME_CHARACTERS => vec![too_long(field, MAX_NAME_CHARACTERS)],
        Some(text) if text.chars().any(char::is_control) => vec![format!("The {field} field format is invalid.")],
        Some(_) => Vec::new(),
    }
}

fn email(value: Option<&str>, presence: Presence, is_taken: bool) -> Vec<String> {
    let Some(text) = told(value) else { return absent(value, presence, invalid_email("email"), "email") };
    match EmailAddress::parse_for_account(text) {
        Ok(_) if is_taken => vec![EMAIL_TAKEN.to_owned()],
        Ok(_) => Vec::new(),
        Err(problems) => problems
            .into_iter()
            .map(|problem| match problem {
                EmailProblem::TooLong => too_long("email", MAX_EMAIL_CHARACTERS),
                EmailProblem::Invalid | EmailProblem::Taken => invalid_email("email"),
            })
            .collect(),
    }
}

fn new_password(value: Option<&str>, presence: Presence) -> Vec<String> {
    told(value).map_or_else(
        || absent(value, presence, too_short(PasswordPolicy::bagisto().min_characters), "password"),
        password_sentences,
    )
}

/// What is wrong with a new password.
pub(super) fn password_sentences(text: &str) -> Vec<String> {
    let characters = text.chars().count();
    let missing = missing_characters(text);
    let policy = PasswordPolicy::bagisto();
    [
        (characters < policy.min_characters, too_short(policy.min_characters)),
        (characters > policy.max_characters, too_long("password", policy.max_characters)),
        (
            missing.letter_case,
            "The password field must contain at least one uppercase and one lowercase letter.".to_owned(),
        ),
        (missing.digit, "The password field must contain at least one number.".to_owned()),
        (missing.symbol, "The password field must contain at least one symbol.".to_owned()),
    ]
    .into_iter()
    .filter_map(|(applies, sentence)| applies.then_some(sentence))
    .collect()
}

/// Its characters are a later step's.
fn phone(value: Option<&str>, is_taken: bool) -> Vec<String> {
    match told(value) {
        Some(text) if text.chars().count() > MAX_PHONE_CHARACTERS => vec![too_long("phone", MAX_PHONE_CHARACTERS)],
        Some(_) if is_taken => vec![PHONE_TAKEN.to_owned()],
        _ => Vec::new(),
    }
}

fn required(field: &str) -> String {
    format!("The {field} field is required.")
}

fn invalid_email(field: &str) -> String {
    format!("The {field} field must be a valid email address.")
}

fn too_short(characters: usize) -> String {
    format!("The password field must be at least {characters} characters.")
}

fn too_long(field: &str, characters: usize) -> String {
    format!("The {field} field must not be greater than {characters} characters.")
}

#[cfg(test)]
mod tests;
