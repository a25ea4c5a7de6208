//! The states of a customer, each a type. The second door is here: only [`Confirmed::subject`] leads to a token.

use std::fmt;

use jiff::civil::Date;

use crate::{EmailAddress, Locale, Timestamp};

/// The number of a customer: Glue's `id_customer`. Positive, never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CustomerId(pub i64);

impl fmt::Display for CustomerId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// How a customer is addressed. The names are those of Glue's wire and of the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Salutation {
    /// `Mr`
    Mr,
    /// `Ms`
    Ms,
    /// `Mrs`
    Mrs,
    /// `Dr`
    Dr,
    /// `n/a`
    NotGiven,
}

impl Salutation {
    /// Every choice there is.
    pub const ALL: [Self; 5] = [Self::Mr, Self::Ms, Self::Mrs, Self::Dr, Self::NotGiven];

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mr => "Mr",
            Self::Ms => "Ms",
            Self::Mrs => "Mrs",
            Self::Dr => "Dr",
            Self::NotGiven => "n/a",
        }
    }

    /// The choice of that name, case-sensitive.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|choice| choice.as_str() == name)
    }
}

/// A customer's gender. The names are those of the wire and of the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gender {
    /// `Male`
    Male,
    /// `Female`
    Female,
    /// `Other`. Glue has no such choice, but shows it of whoever made it at another door.
    Other,
}

impl Gender {
    /// Every choice that all doors have.
    pub const ALL: [Self; 2] = [Self::Male, Self::Female];

    /// Every choice there is.
    const EVERY: [Self; 3] = [Self::Male, Self::Female, Self::Other];

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Male => "Male",
            Self::Female => "Female",
            Self::Other => "Other",
        }
    }

    /// The choice of that name, case-sensitive.
    pub fn parse(name: &str) -> Option<Self> {
        Self::EVERY.into_iter().find(|choice| choice.as_str() == name)
    }
}

/// What a customer told about themselves.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Profile {
    /// How to address them.
    pub salutation: Option<Salutation>,
    /// First name, at most 100 characters.
    pub first_name: Option<String>,
    /// Last name, at most 100 characters.
    pub last_name: Option<String>,
    /// Gender.
    pub gender: Option<Gender>,
    /// Day of birth.
    pub date_of_birth: Option<Date>,
    /// Telephone number as typed, at most [`MAX_PHONE_CHARACTERS`]. Glue does not show it.
    pub phone: Option<String>,
    /// Company, at most [`MAX_COMPANY_CHARACTERS`]. Glue does not show it.
    pub company: Option<String>,
    /// Whether they want the newsletter. Glue does not show it.
    pub subscribed_to_newsletter: bool,
}

/// The longest telephone number, in Unicode code points.
pub const MAX_PHONE_CHARACTERS: usize = 255;

/// The form in which two telephone numbers are the same: their ASCII digits, without the `00` that stands for a `+`. None of
/// what has no digits.
pub fn canonical_phone(as_typed: &str) -> Option<String> {
    let digits: String = as_typed.chars().filter(char::is_ascii_digit).collect();
    let digits = digits.strip_prefix("00").unwrap_or(&digits);
    (!digits.is_empty()).then(|| digits.to_owned())
}

/// The longest company name of a customer, in Unicode code points.
pub const MAX_COMPANY_CHARACTERS: usize = 100;

/// What is to change about a [`Profile`]. `None` leaves a value as it is; the day of birth alone can be taken away
/// again.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ProfileChanges {
    /// How to address them.
    pub salutation: Option<Salutation>,
    /// First name, at most 100 characters.
    pub first_name: Option<String>,
    /// Last name, at most 100 characters.
    pub last_name: Option<String>,
    /// Gender.
    pub gender: Option<Gender>,
    /// Day of birth; `Some(None)` takes it away.
    pub date_of_birth: Option<Option<Date>>,
}

impl ProfileChanges {
    /// The profile after the changes.
    #[must_use]
    pub fn apply_to(self, profile: Profile) -> Profile {
        Profile {
            salutation: self.salutation.or(profile.salutation),
            first_name: self.first_name.or(profile.first_name),
            last_name: self.last_name.or(profile.last_name),
            gender: self.gender.or(profile.gender),
            date_of_birth: self.date_of_birth.unwrap_or(profile.date_of_birth),
            phone: profile.phone,
            company: profile.company,
            subscribed_to_newsletter: profile.subscribed_to_newsletter,
        }
    }
}

/// What every customer has, whatever their state.
#[derive(Clone)]
pub struct Account {
    /// The number.
    pub id: CustomerId,
    /// The public identity, `<prefix>--<id>` unless imported.
    pub reference: String,
    /// The address.
    pub email: EmailAddress,
    /// Name and such.
    pub profile: Profile,
    /// The language they are written to in.
    pub locale: Locale,
    /// The store they signed up in.
    pub store: String,
    /// When they signed up.
    pub created_at: Timestamp,
    /// When anything about them last changed.
    pub updated_at: Timestamp,
}

impl fmt::Debug for Account {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Account").field("id", &self.id).finish_non_exhaustive()
    }
}

/// When the things that decide a customer's state happened, as the database knows them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// When the address was confirmed.
    pub confirmed_at: Option<Timestamp>,
    /// When an operator suspended the account. Independent of the state: a suspended customer may confirm, and stays suspended.
    pub suspended_at: Option<Timestamp>,
    /// When the account was anonymised.
    pub anonymised_at: Option<Timestamp>,
    /// Access tokens that were issued in an earlier second are no longer good: the password was restored then.
    pub tokens_ended_at: Option<Timestamp>,
}

/// A customer in one of three states.
#[derive(Clone, Debug)]
pub enum Customer {
    /// Signed up; the mailbox is not shown to be theirs.
    Unconfirmed(Unconfirmed),
    /// Through both doors.
    Confirmed(Confirmed),
    /// Gone; the row stays for what refers to it.
    Anonymised(Anonymised),
}

impl Customer {
    /// The customer that an account with these marks is.
    pub fn from_marks(account: Account, marks: Marks) -> Self {
        match (marks.anonymised_at, marks.confirmed_at) {
            (Some(_), _) => Self::Anonymised(Anonymised { account }),
            (None, Some(confirmed_at)) => {
                let suspended = marks.suspended_at.is_some();
                Self::Confirmed(Confirmed { account, confirmed_at, suspended, tokens_ended_at: marks.tokens_ended_at })
            }
            (None, None) => Self::Unconfirmed(Unconfirmed { account }),
        }
    }

    /// What every state has.
    pub const fn account(&self) -> &Account {
        match self {
            Self::Unconfirmed(Unconfirmed { account })
            | Self::Confirmed(Confirmed { account, .. })
            | Self::Anonymised(Anonymised { account }) => account,
        }
    }

    /// The customer if they are through both doors.
    pub const fn confirmed(&self) -> Option<&Confirmed> {
        match self {
            Self::Confirmed(confirmed) => Some(confirmed),
            Self::Unconfirmed(_) | Self::Anonymised(_) => None,
        }
    }
}

/// A claim: somebody signed up with an address and has not shown that it is theirs.
#[derive(Clone, Debug)]
pub struct Unconfirmed {
    account: Account,
}

/// A customer whose mailbox is known to be theirs.
#[derive(Clone, Debug)]
#[expect(clippy::struct_field_names, reason = "`confirmed_at` is its name in the database, too")]
pub struct Confirmed {
    account: Account,
    confirmed_at: Timestamp,
    suspended: bool,
    tokens_ended_at: Option<Timestamp>,
}

/// A customer who has left.
#[derive(Clone, Debug)]
pub struct Anonymised {
    account: Account,
}

/// The account is confirmed, and an operator has suspended it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Suspended;

/// An access token is no longer good, although it has not expired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenEnded;

impl Confirmed {
    /// What a token issuer takes. There is no other way to make one.
    ///
    /// # Errors
    ///
    /// [`Suspended`] when an operator has suspended the account.
    pub const fn subject(&self) -> Result<TokenSubject<'_>, Suspended> {
        if self.suspended { Err(Suspended) } else { Ok(TokenSubject { account: &self.account }) }
    }

    /// Whether an access token of this customer that was issued at `issued_at` is still good. Tokens tell the time in
    /// whole seconds, and clients log in as soon as they have restored a password: a token of the same second is good.
    ///
    /// # Errors
    ///
    /// [`TokenEnded`] when the account is suspended, or its tokens were ended in a later second.
    pub fn admits(&self, issued_at: Timestamp) -> Result<(), TokenEnded> {
        let ended = self.tokens_ended_at.is_some_and(|ended_at| issued_at.as_seconds() < ended_at.as_seconds());
        if self.suspended || ended { Err(TokenEnded) } else { Ok(()) }
    }

    /// When the address was confirmed.
    pub const fn confirmed_at(&self) -> Timestamp {
        self.confirmed_at
    }

    /// The account.
    pub const fn account(&self) -> &Account {
        &self.account
    }
}

/// Proof that a customer may be handed tokens.
#[derive(Clone, Copy, Debug)]
pub struct TokenSubject<'a> {
    account: &'a Account,
}

impl TokenSubject<'_> {
    /// The customer's number.
    pub const fn id(&self) -> CustomerId {
        self.account.id
    }

    /// The customer's reference.
    pub fn reference(&self) -> &str {
        &self.account.reference
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account() -> Account {
        let moment = Timestamp::from_micros(1);
        Account {
            id: CustomerId(35),
            reference: "DE--35".to_owned(),
            email: EmailAddress::parse("mira@example.com").unwrap(),
            profile: Profile::default(),
            locale: Locale::parse("de_DE").unwrap(),
            store: "DE".to_owned(),
            created_at: moment,
            updated_at: moment,
        }
    }

    fn marks(confirmed: bool, suspended: bool, anonymised: bool) -> Marks {
        let at = |set: bool| set.then(|| Timestamp::from_micros(2));
        Marks {
            confirmed_at: at(confirmed),
            suspended_at: at(suspended),
            anonymised_at: at(anonymised),
            tokens_ended_at: None,
        }
    }

    #[test]
    fn only_a_confirmed_customer_who_is_neither_suspended_nor_gone_gets_a_subject() {
        for (confirmed, suspended, anonymised, allowed) in [
            (false, false, false, false),
            (true, false, false, true),
            (true, true, false, false),
            (false, true, false, false),
            (true, false, true, false),
            (true, true, true, false),
        ] {
            let customer = Customer::from_marks(account(), marks(confirmed, suspended, anonymised));
            let subject = customer.confirmed().and_then(|confirmed| confirmed.subject().ok());
            assert_eq!(subject.is_some(), allowed, "{confirmed} {suspended} {anonymised}");
        }
    }

    #[test]
    fn a_token_ends_with_a_suspension_and_with_a_later_second() {
        let confirmed = |suspended: bool, ended: Option<i64>| {
            let tokens_ended_at = ended.map(Timestamp::from_micros);
            let marks = Marks { tokens_ended_at, ..marks(true, suspended, false) };
            Customer::from_marks(account(), marks).confirmed().cloned().unwrap()
        };
        let issued_at = Timestamp::from_micros(10_000_000);
        for (suspended, ended, good) in [
            (false, None, true),
            (true, None, false),
            (false, Some(9_999_999), true),
            (false, Some(10_000_000), true),
            (false, Some(10_999_999), true),
            (false, Some(11_000_000), false),
            (true, Some(1), false),
        ] {
            assert_eq!(confirmed(suspended, ended).admits(issued_at).is_ok(), good, "{suspended} {ended:?}");
        }
    }

    #[test]
    fn what_is_not_changed_stays() {
        let profile = Profile {
            salutation: Some(Salutation::Ms),
            first_name: Some("Mira".to_owned()),
            date_of_birth: Some(Date::constant(1990, 2, 28)),
            phone: Some("+49 40 1234".to_owned()),
            company: Some("Olsen & Co".to_owned()),
            ..Profile::default()
        };
        assert!(ProfileChanges::default().apply_to(profile.clone()) == profile);
        let changes = ProfileChanges {
            last_name: Some("Olsen".to_owned()),
            gender: Some(Gender::Female),
            date_of_birth: Some(None),
            ..ProfileChanges::default()
        };
        let expected = Profile {
            last_name: Some("Olsen".to_owned()),
            gender: Some(Gender::Female),
            date_of_birth: None,
            ..profile.clone()
        };
        assert!(changes.apply_to(profile) == expected);
    }

    #[test]
    fn telephone_numbers_are_compared_by_their_digits() {
        for (as_typed, expected) in [
            ("+49 (40) 12-34", Some("49401234")),
            ("0049401234", Some("49401234")),
            ("49401234", Some("49401234")),
            ("040/1234", Some("0401234")),
            ("+", None),
            ("00", None),
            ("", None),
        ] {
            assert_eq!(canonical_phone(as_typed).as_deref(), expected, "{as_typed}");
        }
    }

    #[test]
    fn a_gender_is_known_by_its_name() {
        for gender in Gender::EVERY {
            assert_eq!(Gender::parse(gender.as_str()), Some(gender));
        }
        assert_eq!(Gender::parse("other"), None);
    }

    #[test]
    fn nothing_personal_is_in_a_debug_text() {
        let text = format!("{:?}", Customer::from_marks(account(), Marks::default()));
        assert!(text.contains("35") && !text.contains("mira"), "{text}");
    }
}
