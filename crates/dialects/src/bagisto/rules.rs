//! What input is held to, in Laravel's sentences and order.

use base64::Engine as _;
use domain::{
    EmailAddress, EmailProblem, Gender, MAX_EMAIL_CHARACTERS, MAX_PHONE_CHARACTERS, PasswordPolicy, missing_characters,
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

/// A sign-up, with values of the right types and nothing else known of them.
#[derive(Clone, Default)]
pub(super) struct RegisterInput {
    pub(super) first_name: Option<String>,
    pub(super) last_name: Option<String>,
    pub(super) email: Option<String>,
    pub(super) password: Option<String>,
    pub(super) confirm_password: Option<String>,
    pub(super) phone: Option<String>,
    pub(super) gender: Option<String>,
    pub(super) date_of_birth: Option<String>,
    pub(super) subscribed: bool,
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

impl RegisterInput {
    /// Takes the fields out of a body. `status`, `isVerified`, `isSuspended` and what else a client might like to set are no
    /// fields.
    pub(super) fn read(input: &Input) -> Result<Self, Unreadable> {
        let read = Self {
            first_name: input.text("first_name")?,
            last_name: input.text("last_name")?,
            email: input.text("email")?,
            password: input.text("password")?,
            confirm_password: input.text("confirm_password")?,
            phone: input.text("phone")?,
            gender: input.text("gender")?,
            date_of_birth: input.text("date_of_birth")?,
            subscribed: input.flag("subscribed_to_news_letter")?.unwrap_or_default(),
        };
        input.text("device_token")?;
        Ok(read)
    }

    /// The address and the telephone number that nobody else may have, where nothing else is wrong with them.
    pub(super) fn unique_values(&self) -> (Option<EmailAddress>, Option<&str>) {
        unique_values(self.email.as_deref(), self.phone.as_deref())
    }

    /// Everything in the order of the steps; the first step that finds something ends it.
    ///
    /// # Errors
    ///
    /// The whole text of the refusal.
    pub(super) fn check(&self, taken: Taken, today: Date) -> Result<CheckedProfile, String> {
        let fields = [
            name("first name", self.first_name.as_deref(), Presence::Required),
            name("last name", self.last_name.as_deref(), Presence::Required),
            email(self.email.as_deref(), Presence::Required, taken.email),
            new_password(self.password.as_deref(), Presence::Required),
            phone(self.phone.as_deref(), taken.phone),
        ];
        refuse(&fields)?;
        let profile = check_profile(
            (self.first_name.as_deref(), self.last_name.as_deref()),
            self.phone.as_deref(),
            self.gender.as_deref(),
            self.date_of_birth.as_deref(),
            today,
        )?;
        if self.password != self.confirm_password {
            return Err(PASSWORDS_DIFFER.to_owned());
        }
        Ok(profile)
    }
}

/// A change of a profile. What is blank or absent stays.
#[derive(Clone, Default)]
pub(super) struct UpdateInput {
    pub(super) id: Option<String>,
    pub(super) first_name: Option<String>,
    pub(super) last_name: Option<String>,
    pub(super) email: Option<String>,
    pub(super) phone: Option<String>,
    pub(super) gender: Option<String>,
    pub(super) date_of_birth: Option<String>,
    pub(super) subscribed: Option<bool>,
    pub(super) image: Option<String>,
    pub(super) deletes_image: bool,
    pub(super) current_password: Option<String>,
    pub(super) password: Option<String>,
    pub(super) confirm_password: Option<String>,
}

impl UpdateInput {
    pub(super) fn read(input: &Input) -> Result<Self, Unreadable> {
        let text = |attribute| Ok(input.text(attribute)?.filter(|text| !is_blank(text)));
        Ok(Self {
            id: input.value("id").map(|id| id.as_str().map_or_else(|| id.to_string(), str::to_owned)),
            first_name: text("first_name")?,
            last_name: text("last_name")?,
            email: text("email")?,
            phone: text("phone")?,
            gender: text("gender")?,
            date_of_birth: text("date_of_birth")?,
            subscribed: input.flag("subscribed_to_news_letter")?,
            image: text("image")?,
            deletes_image: input.flag("delete_image")?.unwrap_or_default(),
            current_password: text("current_password")?,
            password: text("password")?,
            confirm_password: text("confirm_password")?,
        })
    }

    pub(super) fn unique_values(&self) -> (Option<EmailAddress>, Option<&str>) {
        unique_values(self.email.as_deref(), self.phone.as_deref())
    }

    /// As for a sign-up; that a new password comes with the current one is checked before the two new ones are compared.
    ///
    /// # Errors
    ///
    /// The whole text of the refusal.
    pub(super) fn check(&self, taken: Taken, today: Date) -> Result<CheckedProfile, String> {
        let fields = [
            name("first name", self.first_name.as_deref(), Presence::Optional),
            name("last name", self.last_name.as_deref(), Presence::Optional),
            email(self.email.as_deref(), Presence::Optional, taken.email),
            new_password(self.password.as_deref(), Presence::Optional),
            phone(self.phone.as_deref(), taken.phone),
        ];
        refuse(&fields)?;
        let profile = check_profile(
            (self.first_name.as_deref(), self.last_name.as_deref()),
            self.phone.as_deref(),
            self.gender.as_deref(),
            self.date_of_birth.as_deref(),
            today,
        )?;
        if let Some(image) = &self.image
            && !is_picture(image)
        {
            return Err("The image field must be an image.".to_owned());
        }
        if self.password.is_some() && self.current_password.is_none() {
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
        let email_sentences = match email.as_deref() {
            None => vec![required("email")],
            Some(text) if is_blank(text) => vec![required("email")],
            Some(text) if EmailAddress::parse(text).is_err() => vec![invalid_email("email")],
            Some(_) => Vec::new(),
        };
        let password_sentences = match password.as_deref() {
            None => vec![required("password")],
            Some(text) if is_blank(text) => vec![required("password")],
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

    /// # Errors
    ///
    /// The whole text of the refusal.
    pub(super) fn check(&self) -> Result<(), String> {
        let token = match self.token.as_deref() {
            Some(token) if !is_blank(token) => Vec::new(),
            _ => vec![required("token")],
        };
        let password = new_password(self.password.as_deref(), Presence::Required);
        refuse(&[token, email(self.email.as_deref(), Presence::Required, false), password])?;
        if self.password == self.repetition { Ok(()) } else { Err(PASSWORDS_DIFFER.to_owned()) }
    }
}

/// The address that is to get the newsletter.
///
/// # Errors
///
/// The whole text of the refusal.
pub(super) fn check_newsletter(customer_email: Option<&str>) -> Result<EmailAddress, String> {
    match customer_email {
        None => Err(required("customer email")),
        Some(text) if is_blank(text) => Err(required("customer email")),
        Some(text) => EmailAddress::parse_for_account(text).map_err(|problems| match problems.first() {
            Some(EmailProblem::TooLong) => too_long("customer email", MAX_EMAIL_CHARACTERS),
            _ => invalid_email("customer email"),
        }),
    }
}

/// Whether a text is nothing but blanks, which counts as nothing.
pub(super) fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}

fn unique_values<'a>(email: Option<&str>, phone: Option<&'a str>) -> (Option<EmailAddress>, Option<&'a str>) {
    let email = email.and_then(|text| EmailAddress::parse_for_account(text).ok());
    let phone = phone.filter(|text| !is_blank(text) && text.chars().count() <= MAX_PHONE_CHARACTERS);
    (email, phone)
}

/// All sentences of one step in one text.
fn refuse(fields: &[Vec<String>]) -> Result<(), String> {
    let sentences = fields.concat();
    if sentences.is_empty() { Ok(()) } else { Err(sentences.join(" ")) }
}

/// The steps behind the first: the characters of the telephone number, gender, day of birth.
fn check_profile(
    (first_name, last_name): (Option<&str>, Option<&str>),
    phone: Option<&str>,
    gender: Option<&str>,
    date_of_birth: Option<&str>,
    today: Date,
) -> Result<CheckedProfile, String> {
    let told = |text: Option<&str>| text.filter(|text| !is_blank(text)).map(str::to_owned);
    let phone = told(phone);
    if phone.as_ref().is_some_and(|phone| !phone.bytes().all(|byte| byte.is_ascii_digit())) {
        return Err(PHONE_CHARACTERS.to_owned());
    }
    let gender = match gender.filter(|text| !is_blank(text)) {
        None => None,
        Some(text) => Some(
            normal_gender(text)
                .ok_or_else(|| format!("Invalid gender value \"{text}\". Allowed values are: Male, Female, Other"))?,
        ),
    };
    let date_of_birth = match date_of_birth.filter(|text| !is_blank(text)) {
        None => None,
        Some(text) => Some(past_date(text, today).ok_or_else(|| DATE_OF_BIRTH.to_owned())?),
    };
    Ok(CheckedProfile { first_name: told(first_name), last_name: told(last_name), phone, gender, date_of_birth })
}

/// Trimmed, and with its first letter raised; the others are taken as they are.
fn normal_gender(text: &str) -> Option<Gender> {
    let mut letters = text.trim().chars();
    let first = letters.next()?.to_ascii_uppercase();
    Gender::parse(&std::iter::once(first).chain(letters).collect::<String>())
}

/// A data URI of a picture of a kind that browsers show and that runs no script.
fn is_picture(text: &str) -> bool {
    let kinds = ["png", "jpeg", "gif", "webp"];
    let data = kinds.iter().find_map(|kind| text.strip_prefix(&format!("data:image/{kind};base64,")));
    data.is_some_and(|data| !data.is_empty() && base64::engine::general_purpose::STANDARD.decode(data).is_ok())
}

/// `YYYY-MM-DD`, a day of the calendar that has begun.
fn past_date(text: &str, today: Date) -> Option<Date> {
    let is_plain = text.len() == 10
        && text.bytes().enumerate().all(|(index, byte)| match index {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    let date: Date = is_plain.then(|| text.parse().ok())??;
    (date <= today).then_some(date)
}

fn name(field: &str, value: Option<&str>, presence: Presence) -> Vec<String> {
    match value {
        None if presence == Presence::Optional => Vec::new(),
        None => vec![format!("The {field} field must be a string."), required(field)],
        Some(text) if is_blank(text) && presence == Presence::Optional => Vec::new(),
        Some(text) if is_blank(text) => vec![required(field)],
        Some(text) if text.chars().count() > MAX_NAME_CHARACTERS => vec![too_long(field, MAX_NAME_CHARACTERS)],
        Some(text) if text.chars().any(char::is_control) => vec![format!("The {field} field format is invalid.")],
        Some(_) => Vec::new(),
    }
}

fn email(value: Option<&str>, presence: Presence, is_taken: bool) -> Vec<String> {
    let text = match value {
        None if presence == Presence::Optional => return Vec::new(),
        None => return vec![invalid_email("email"), required("email")],
        Some(text) if is_blank(text) && presence == Presence::Optional => return Vec::new(),
        Some(text) if is_blank(text) => return vec![required("email")],
        Some(text) => text,
    };
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
    match value {
        None if presence == Presence::Optional => Vec::new(),
        None => vec![too_short(PasswordPolicy::bagisto().min_characters), required("password")],
        Some(text) if is_blank(text) && presence == Presence::Optional => Vec::new(),
        Some(text) if is_blank(text) => vec![required("password")],
        Some(text) => password_sentences(text),
    }
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
    match value.filter(|text| !is_blank(text)) {
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
