//! The rules of double opt-in, as types and pure functions.
//!
//! Whatever a surface, a database or a mail server does, these hold: an address is compared in one canonical form, a
//! password is checked against a policy where it is set, a one-time secret is random and leaves only its digest behind,
//! and nobody but a [`Confirmed`] customer who is not suspended can be handed a token ([`Confirmed::subject`]).
//!
//! No I/O, no async, no database, no HTTP. Time and chance come in through [`Clock`] and [`Randomness`].

mod address;
mod cart;
mod clock;
mod country;
mod customer;
mod date;
mod email;
mod identity;
mod locale;
mod merchant;
mod message;
mod offer;
mod opaque_token;
mod password;
mod product;
mod randomness;
mod registration;
mod secret;
mod session;

pub use address::{Address, AddressChanges, AddressFields, AddressId};
pub use cart::{
    Cart, CartChanges, CartId, CartItem, GuestId, ItemRefusal, LineAmounts, MAX_ITEMS, NewCart, Quantity, Totals,
};
pub use clock::{Clock, MovableClock, SystemClock, Timestamp};
pub use country::Country;
pub use customer::{
    Account, Anonymised, Confirmed, Customer, CustomerId, Gender, MAX_COMPANY_CHARACTERS, MAX_PHONE_CHARACTERS, Marks,
    Profile, ProfileChanges, Salutation, Suspended, TokenEnded, TokenSubject, Unconfirmed, canonical_phone,
};
pub use date::parse_date;
pub use email::{EmailAddress, EmailProblem, MAX_EMAIL_CHARACTERS};
pub use locale::Locale;
pub use merchant::{ClientSecret, MAX_MERCHANT_NAME_CHARACTERS, MerchantId, MerchantUserId, MerchantUserState};
pub use message::{MessageId, MessageKind};
pub use offer::{Currency, Offer, Price, PriceMode, Sku, TaxRate, UnitPrice};
pub use opaque_token::{BearerSecret, PresentedToken, StorefrontKey};
pub use password::{
    CharacterSet, MissingCharacters, Password, PasswordHash, PasswordPolicy, PasswordViolation, has_four_classes,
    missing_characters,
};
pub use product::{ImageUrl, Product, ProductName};
pub use randomness::{Randomness, SystemRandomness};
pub use registration::{DoubleOptIn, Registration, RegistrationForm, RegistrationRefusal, Reregistration};
pub use secret::{CODE_TRIES, Code, CodeDigest, Digest, KEPT_CONFIRMATION_KEYS, LinkKey, SecretPurpose, ServerKey};
pub use session::{FamilyId, RefreshToken};
