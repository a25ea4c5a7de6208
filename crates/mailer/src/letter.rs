//! What is to be written to whom, and the variables that templates see of it.

use domain::{
    Code, Confirmed, Customer, EmailAddress, Gender, LinkKey, Locale, MessageId, MessageKind, Profile, Salutation,
    SecretPurpose, Timestamp,
};
use serde::Serialize;

/// One message to write.
pub struct Letter<'a> {
    /// What it says.
    pub kind: MessageKind,
    /// Whom it is about, and to whom it goes unless `recipient` says otherwise.
    pub customer: &'a Customer,
    /// The address it goes to, where that is not the customer's own.
    pub recipient: Option<&'a EmailAddress>,
    /// What opens a door; there exactly when the kind carries a secret.
    pub secret: Option<LetterSecret<'a>>,
    /// The identity of the message, the same at each attempt.
    pub message_id: &'a MessageId,
    /// When what caused the message happened.
    pub requested_at: Timestamp,
    /// The present moment, which becomes the message's date.
    pub now: Timestamp,
}

/// The secret in a message.
pub struct LetterSecret<'a> {
    /// The key in the link.
    pub key: &'a LinkKey,
    /// The code for when the page's button does not work. Only messages that ask to confirm an address show it.
    pub code: &'a Code,
    /// Until when both are good; `None` is for ever.
    pub expires_at: Option<Timestamp>,
}

/// What a template can use. Names below `mail` are those that Spryker's templates know; below `letter` are ours.
#[derive(Serialize)]
pub(crate) struct LetterContext<'a> {
    pub(crate) mail: Mail<'a>,
    pub(crate) letter: Extras<'a>,
}

/// The variable `mail`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Mail<'a> {
    #[serde(rename = "type")]
    type_name: &'static str,
    store_name: &'a str,
    locale: LocaleName<'a>,
    customer: CustomerVariables<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LocaleName<'a> {
    locale_name: &'a str,
}

/// The variable `mail.customer`. What is not known is empty, so that no template fails on it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CustomerVariables<'a> {
    email: &'a str,
    id_customer: i64,
    customer_reference: &'a str,
    first_name: &'a str,
    last_name: &'a str,
    company: &'a str,
    gender: &'a str,
    date_of_birth: String,
    salutation: &'a str,
    phone: &'a str,
    registration_key: &'a str,
    confirmation_link: &'a str,
    restore_password_key: &'a str,
    restore_password_link: &'a str,
    restore_password_date: String,
    store_name: &'a str,
    locale: &'a str,
    created_at: String,
    updated_at: String,
}

/// The variable `letter`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Extras<'a> {
    /// The shop's name.
    pub(crate) shop_name: &'a str,
    /// The base of all links.
    pub(crate) storefront_url: &'a str,
    /// The language of the message: `de`.
    pub(crate) language: &'a str,
    /// The subject; empty while it is being rendered itself.
    pub(crate) subject: String,
    /// `First Last`; empty until the address is confirmed.
    pub(crate) recipient_name: String,
    /// The six-digit code; empty when the message has none.
    pub(crate) code: &'a str,
    /// When what caused the message happened, for people to read.
    pub(crate) requested_at: String,
    /// Until when the secret is good, for people to read; null is for ever.
    pub(crate) expires_at: Option<String>,
}

/// The name that Spryker's templates know a kind under; ours for what Spryker does not send.
const fn type_name(kind: MessageKind) -> &'static str {
    match kind {
        MessageKind::RegistrationConfirmation => "customer registration confirmation mail",
        MessageKind::RegistrationCode => "customer registration code mail",
        MessageKind::RegistrationWelcome => "customer registration mail",
        MessageKind::RegistrationNotice => "customer registration notice mail",
        MessageKind::RestorePassword => "customer restore password",
        MessageKind::PasswordChanged => "customer restored password confirmation",
        MessageKind::EmailChange => "customer email change mail",
        MessageKind::EmailChangeNotice => "customer email change notice mail",
    }
}

/// A link that opens a door, and what it is made of.
pub(crate) struct DoorLink<'a> {
    pub(crate) purpose: SecretPurpose,
    pub(crate) url: String,
    pub(crate) key: &'a LinkKey,
}

impl DoorLink<'_> {
    /// Key and address of a link for one of these purposes; empty for any other, and where there is none.
    fn parts<'a>(link: Option<&'a Self>, purposes: &[SecretPurpose]) -> (&'a str, &'a str) {
        link.filter(|link| purposes.contains(&link.purpose)).map_or(("", ""), |link| (link.key.expose(), &link.url))
    }
}

impl Letter<'_> {
    /// The address it goes to.
    pub(crate) fn recipient_address(&self) -> &EmailAddress {
        self.recipient.unwrap_or(&self.customer.account().email)
    }

    /// What may be repeated of the customer's own words: nothing until the address it goes to is known to be theirs.
    pub(crate) fn visible_profile(&self) -> Profile {
        let proven = self.customer.confirmed().filter(|_| self.kind != MessageKind::EmailChange);
        proven.map(Confirmed::account).map(|account| account.profile.clone()).unwrap_or_default()
    }

    /// The code that it shows.
    pub(crate) fn visible_code(&self) -> Option<&Code> {
        let shows_code = self.kind.secret().is_some_and(|purpose| purpose != SecretPurpose::Restore);
        self.secret.as_ref().filter(|_| shows_code).map(|secret| secret.code)
    }
}

/// `First Last`, either, or nothing.
pub(crate) fn full_name(profile: &Profile) -> String {
    let names = [profile.first_name.as_deref(), profile.last_name.as_deref()];
    crate::templates::one_line(&names.map(Option::unwrap_or_default).join(" "))
}

impl<'a> Mail<'a> {
    /// The variables of a letter in the language of `locale`. `profile` is the [`Letter::visible_profile`].
    pub(crate) fn of(
        letter: &'a Letter<'_>,
        profile: &'a Profile,
        locale: &'a Locale,
        link: Option<&'a DoorLink<'_>>,
    ) -> Self {
        let account = letter.customer.account();
        let (registration_key, confirmation_link) =
            DoorLink::parts(link, &[SecretPurpose::Confirmation, SecretPurpose::EmailChange]);
        let (restore_password_key, restore_password_link) = DoorLink::parts(link, &[SecretPurpose::Restore]);
        let restore_password_date = match letter.kind {
            MessageKind::RestorePassword => letter.requested_at.to_glue(),
            _ => String::new(),
        };
        Self {
            type_name: type_name(letter.kind),
            store_name: &account.store,
            locale: LocaleName { locale_name: locale.as_str() },
            customer: CustomerVariables {
                email: letter.recipient_address().as_typed(),
                id_customer: account.id.0,
                customer_reference: &account.reference,
                first_name: profile.first_name.as_deref().unwrap_or_default(),
                last_name: profile.last_name.as_deref().unwrap_or_default(),
                company: profile.company.as_deref().unwrap_or_default(),
                gender: profile.gender.map_or("", Gender::as_str),
                date_of_birth: profile.date_of_birth.map(|date| date.to_string()).unwrap_or_default(),
                salutation: profile.salutation.map_or("", Salutation::as_str),
                phone: profile.phone.as_deref().unwrap_or_default(),
                registration_key,
                confirmation_link,
                restore_password_key,
                restore_password_link,
                restore_password_date,
                store_name: &account.store,
                locale: account.locale.as_str(),
                created_at: account.created_at.to_glue(),
                updated_at: account.updated_at.to_glue(),
            },
        }
    }
}
