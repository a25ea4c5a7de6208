//! The use cases over a real database: what comes before what, and what each does to the others.
#![expect(clippy::unwrap_used, reason = "what is not there fails the test")]

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use application::{
    AccountSettings, AddressError, Algorithm, Application, AuthenticateError, Caller, Catalogue, ChangePasswordError,
    ChangePasswordForm, ConfirmError, ConfirmPage, ConfirmPageError, Hasher, HasherSettings, Login, OwnCustomerError,
    PageProof, Parts, RefreshError, Register, RestoreForm, RestorePasswordError, Signer, TokenPair, TokenSettings,
    UpdateCustomer, UpdateCustomerError,
};
use domain::{
    AddressChanges, AddressFields, Clock as _, Code, Country, EmailAddress, EmailProblem, LinkKey, Locale, MessageId,
    MovableClock, Password, PasswordPolicy, PasswordViolation, Profile, ProfileChanges, RegistrationForm,
    SecretPurpose, ServerKey, SystemRandomness,
};
use store::{KeyOutcome, Lease, NewKey, Store, StoreSettings};
use tempfile::TempDir;
use testkit::default_settings;
use tokio::runtime::Handle;

const PASSWORD: &str = "Vestibule-2nd-Door!";
const OTHER_PASSWORD: &str = "Vestibule-3rd-Door!";
const MIRA: &str = "mira@example.com";
const CLIENT: &str = "192.0.2.1";
const CODE: &str = "004711";

struct House {
    application: Application,
    store: Store,
    clock: Arc<MovableClock>,
    server_key: ServerKey,
    _folder: TempDir,
}

fn accounts() -> AccountSettings {
    AccountSettings {
        login_attempts: 3,
        login_block_seconds: 250,
        max_addresses: 2,
        email_changes_per_day: 2,
        ..default_settings("accounts")
    }
}

impl House {
    async fn build() -> Self {
        Self::build_with(accounts()).await
    }

    async fn build_with(accounts: AccountSettings) -> Self {
        let folder = TempDir::new().unwrap();
        let url = format!("sqlite://{}", folder.path().join("vestibule.db").display());
        let settings = StoreSettings { url, ..default_settings("database") };
        let store = Store::open(&settings, Handle::current()).unwrap();
        store.migrate().await.unwrap();
        let clock = Arc::new(MovableClock::default());
        let hasher = HasherSettings { memory_kib: 7_168, iterations: 5, threads: 2, ..default_settings("passwords") };
        let tokens = TokenSettings { algorithm: Algorithm::EdDsa, ..default_settings("tokens") };
        let application = Application::new(Parts {
            store: store.clone(),
            hasher: Hasher::start(&hasher, Arc::new(SystemRandomness)).unwrap(),
            signer: Signer::load_or_generate(&folder.path().join("keys"), &tokens, clock.now()).unwrap(),
            server_key: ServerKey::from_bytes([7; 32]),
            clock: Arc::<MovableClock>::clone(&clock),
            randomness: Arc::new(SystemRandomness),
            accounts,
            catalogue: Catalogue::new(store.clone(), &default_settings("catalogue")),
            carts: default_settings("carts"),
            store_name: "DE".to_owned(),
            tokens,
            merchants: application::MerchantSettings::default(),
        });
        Self { application, store, clock, server_key: ServerKey::from_bytes([7; 32]), _folder: folder }
    }

    /// Makes the secret of the oldest queued message, as the worker that sends it does.
    async fn key(&self, purpose: SecretPurpose) -> LinkKey {
        let now = self.clock.now();
        let lease = Lease { worker: "test".to_owned(), now, until: now.plus(Duration::from_secs(1)), limit: 100 };
        let messages = self.store.lease_messages(lease).await.unwrap();
        let message = messages.into_iter().rev().find(|message| message.kind.secret() == Some(purpose)).unwrap();
        let key = LinkKey::generate(&SystemRandomness);
        let lifetime = self.application.accounts().key_lifetime_seconds(purpose);
        let digest = key.digest();
        let new_key = NewKey {
            customer: message.customer.account().id,
            purpose,
            digest,
            code: Some(Code::parse(CODE).unwrap().digest(&digest, &self.server_key)),
            is_code: false,
            expires_at: Some(now.plus(Duration::from_secs(lifetime))),
            email: message.email,
            message: Some(message.id),
            notice_id: MessageId::generate(&SystemRandomness),
            notice_cool_down: Duration::ZERO,
            now,
        };
        assert_eq!(self.store.insert_key(new_key).await.unwrap(), KeyOutcome::Inserted);
        self.clock.advance(Duration::from_secs(2));
        key
    }

    async fn register(&self, email: &str) {
        let form = RegistrationForm {
            email: email.to_owned(),
            password: password(PASSWORD),
            confirm_password: password(PASSWORD),
            accepted_terms: true,
            profile: Profile { first_name: Some("Mira".to_owned()), ..Profile::default() },
        };
        let policy = Arc::new(PasswordPolicy::glue());
        let locale = Locale::parse("de_DE").unwrap();
        self.application.register(Register { form, policy, locale, channel: "glue", guest: None }).await.unwrap();
    }

    async fn confirmed(&self, email: &str) {
        self.register(email).await;
        let key = self.key(SecretPurpose::Confirmation).await;
        self.application.confirm(key.expose()).await.unwrap();
    }

    async fn log_in(&self, email: &str, text: &str) -> Result<TokenPair, AuthenticateError> {
        self.log_in_from(CLIENT, email, text).await
    }

    async fn log_in_from(&self, client: &str, email: &str, text: &str) -> Result<TokenPair, AuthenticateError> {
        let client: IpAddr = client.parse().unwrap();
        self.application.authenticate(Login { username: email, password: &password(text), client, guest: None }).await
    }

    fn caller(&self, pair: &TokenPair) -> Caller {
        self.application.verify_access_token(&pair.access_token).unwrap()
    }

    /// A confirmed customer who is logged in.
    async fn signed_in(&self, email: &str) -> (Caller, TokenPair) {
        self.confirmed(email).await;
        let pair = self.log_in(email, PASSWORD).await.ok().unwrap();
        (self.caller(&pair), pair)
    }

    async fn change_password(&self, caller: &Caller, current: &str, new: &str) -> Result<(), ChangePasswordError> {
        let form = ChangePasswordForm {
            password: password(current),
            new_password: password(new),
            confirm_password: password(new),
        };
        self.application.change_password(caller, &caller.reference, form, &PasswordPolicy::glue()).await
    }

    async fn restore(&self, key: &str, new: &str) -> Result<(), RestorePasswordError> {
        let form =
            RestoreForm { key: key.to_owned(), email: None, password: password(new), confirm_password: password(new) };
        self.application.restore_password(form, &PasswordPolicy::glue()).await
    }

    async fn ask_for_email(&self, caller: &Caller, email: &str) -> Result<(), UpdateCustomerError> {
        let request = UpdateCustomer { email: Some(email.to_owned()), changes: ProfileChanges::default() };
        self.application.update_customer(caller, request).await.map(|_| ())
    }

    async fn own_email(&self, caller: &Caller) -> String {
        self.application.find_own_customer(caller).await.unwrap().account().email.as_typed().to_owned()
    }
}

fn password(text: &str) -> Password {
    Password::new(text.to_owned())
}

fn outcome(result: Result<TokenPair, AuthenticateError>) -> Option<AuthenticateError> {
    result.err()
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_passwords_close_the_lock_for_one_client_and_one_account() {
    let house = House::build().await;
    house.confirmed(MIRA).await;
    house.confirmed("tom@example.com").await;
    assert_eq!(house.application.login_block_minutes(), 5);
    for spelling in [MIRA, "Mira@Example.com", "MIRA@EXAMPLE.COM"] {
        assert_eq!(outcome(house.log_in(spelling, "wrong").await), Some(AuthenticateError::Refused), "{spelling}");
    }
    let locked = outcome(house.log_in(MIRA, PASSWORD).await);
    assert!(
        matches!(locked, Some(AuthenticateError::Locked { retry_after_seconds: 248..=250 })),
        "the right password, too: {locked:?}"
    );
    let left = house.application.login_lock("mira@EXAMPLE.com", CLIENT.parse().unwrap()).await.unwrap();
    assert!(left.is_some_and(|seconds| (248..=250).contains(&seconds)), "{left:?}");
    assert!(house.log_in_from("192.0.2.2", MIRA, PASSWORD).await.is_ok(), "another client");
    assert!(house.log_in("tom@example.com", PASSWORD).await.is_ok(), "another account");
    house.clock.advance(Duration::from_secs(251));
    assert!(house.log_in(MIRA, PASSWORD).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_of_no_attempts_is_none() {
    let house = House::build_with(AccountSettings { login_attempts: 0, ..accounts() }).await;
    house.confirmed(MIRA).await;
    for _ in 0..4 {
        assert_eq!(outcome(house.log_in(MIRA, "wrong").await), Some(AuthenticateError::Refused));
    }
    assert!(house.log_in(MIRA, PASSWORD).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_account_is_counted_alike() {
    let house = House::build().await;
    house.register("claim@example.com").await;
    for username in ["nobody@example.com", "claim@example.com", "no address", "NO ADDRESS"] {
        let expected = if username == "NO ADDRESS" { 0 } else { 3 };
        for _ in 0..expected {
            let refused = outcome(house.log_in(username, PASSWORD).await);
            assert_eq!(refused, Some(AuthenticateError::Refused), "{username}");
        }
        let locked = outcome(house.log_in(username, PASSWORD).await);
        assert!(matches!(locked, Some(AuthenticateError::Locked { .. })), "{username}: {locked:?}");
    }
}

/// However many are tried at once, no more of them are told to be wrong than the lock forgives.
#[tokio::test(flavor = "multi_thread")]
async fn guesses_at_once_learn_no_more_than_guesses_in_turn() {
    let house = House::build().await;
    house.confirmed(MIRA).await;
    let guesses = (0..20).map(|_| house.log_in(MIRA, "wrong"));
    let outcomes: Vec<_> = futures_util::future::join_all(guesses).await.into_iter().map(outcome).collect();
    let refused = outcomes.iter().filter(|outcome| **outcome == Some(AuthenticateError::Refused)).count();
    assert_eq!(refused, 3, "{outcomes:?}");
    let locked = outcomes.iter().filter(|outcome| matches!(outcome, Some(AuthenticateError::Locked { .. })));
    assert_eq!(locked.count(), 17, "{outcomes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_password_ends_what_was_issued_before() {
    let house = House::build().await;
    let (caller, pair) = house.signed_in(MIRA).await;
    house.application.request_restore("Mira@Example.com").await.unwrap();
    house.application.request_restore("nobody@example.com").await.unwrap();
    house.application.request_restore("no address").await.unwrap();
    let key = house.key(SecretPurpose::Restore).await;
    assert_eq!(house.application.restore_link_is_live(key.expose()).await, Ok(true));
    assert_eq!(house.application.confirm(key.expose()).await, Err(ConfirmError::Refused), "it confirms nothing");

    let differ = RestoreForm {
        key: "unknown".to_owned(),
        email: None,
        password: password("x"),
        confirm_password: password("y"),
    };
    let policy = PasswordPolicy::glue();
    let refused = house.application.restore_password(differ, &policy).await;
    assert_eq!(refused, Err(RestorePasswordError::PasswordsDiffer));
    let weak = house.restore("unknown", "qwerty").await;
    assert!(matches!(weak, Err(RestorePasswordError::WeakPassword(_))), "{weak:?}");
    assert_eq!(house.restore("unknown", OTHER_PASSWORD).await, Err(RestorePasswordError::Refused));

    house.restore(key.expose(), OTHER_PASSWORD).await.unwrap();
    assert_eq!(house.restore(key.expose(), OTHER_PASSWORD).await, Err(RestorePasswordError::Refused), "once");
    assert_eq!(house.application.restore_link_is_live(key.expose()).await, Ok(false));
    let ended = house.application.find_own_customer(&caller).await.err();
    assert_eq!(ended, Some(OwnCustomerError::TokenEnded));
    assert_eq!(
        house.change_password(&caller, OTHER_PASSWORD, PASSWORD).await,
        Err(ChangePasswordError::Own(OwnCustomerError::TokenEnded))
    );
    let refreshed = house.application.refresh(pair.refresh_token.expose()).await.err();
    assert_eq!(refreshed, Some(RefreshError::Refused));
    assert_eq!(outcome(house.log_in(MIRA, PASSWORD).await), Some(AuthenticateError::Refused));
    let again = house.caller(&house.log_in(MIRA, OTHER_PASSWORD).await.ok().unwrap());
    assert!(house.application.find_own_customer(&again).await.is_ok(), "a token of the same second");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_key_ends_after_its_lifetime_and_confirms_only_by_setting() {
    for confirms in [false, true] {
        let house = House::build_with(AccountSettings { restore_confirms: confirms, ..accounts() }).await;
        house.register(MIRA).await;
        house.application.request_restore(MIRA).await.unwrap();
        let key = house.key(SecretPurpose::Restore).await;
        house.restore(key.expose(), OTHER_PASSWORD).await.unwrap();
        assert_eq!(house.log_in(MIRA, OTHER_PASSWORD).await.is_ok(), confirms);

        house.clock.advance(Duration::from_secs(61));
        house.application.request_restore(MIRA).await.unwrap();
        let late = house.key(SecretPurpose::Restore).await;
        house.clock.advance(Duration::from_secs(7_200));
        assert_eq!(house.restore(late.expose(), PASSWORD).await, Err(RestorePasswordError::Refused));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_changed_by_who_knows_it() {
    let house = House::build().await;
    let (caller, pair) = house.signed_in(MIRA).await;
    let policy = PasswordPolicy::glue();
    let attempt = async |reference: &str, current: &str, new: &str, repeated: &str| {
        let form = ChangePasswordForm {
            password: password(current),
            new_password: password(new),
            confirm_password: password(repeated),
        };
        house.application.change_password(&caller, reference, form, &policy).await.unwrap_err()
    };
    let own = caller.reference.as_str();
    // Each is wrong in all that comes after it, too.
    assert_eq!(attempt("DE--0", "wrong", "qwerty", "other").await, ChangePasswordError::NotOwn);
    assert_eq!(attempt(own, "wrong", "qwerty", "other").await, ChangePasswordError::PasswordsDiffer);
    assert_eq!(attempt(own, "wrong", "qwerty", "qwerty").await, ChangePasswordError::WrongPassword);
    let weak = attempt(own, PASSWORD, "qwerty", "qwerty").await;
    assert!(
        matches!(&weak, ChangePasswordError::WeakPassword(reasons) if reasons.contains(&PasswordViolation::Common)),
        "{weak:?}"
    );
    house.change_password(&caller, PASSWORD, OTHER_PASSWORD).await.unwrap();
    assert!(house.application.find_own_customer(&caller).await.is_ok(), "access tokens go on");
    let refreshed = house.application.refresh(pair.refresh_token.expose()).await.err();
    assert_eq!(refreshed, Some(RefreshError::Refused), "refresh tokens do not");
    assert!(house.log_in(MIRA, OTHER_PASSWORD).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_current_password_cannot_be_guessed_without_end() {
    let house = House::build().await;
    let (caller, _) = house.signed_in(MIRA).await;
    for _ in 0..3 {
        let wrong = house.change_password(&caller, "wrong", OTHER_PASSWORD).await;
        assert_eq!(wrong, Err(ChangePasswordError::WrongPassword));
    }
    let right = house.change_password(&caller, PASSWORD, OTHER_PASSWORD).await;
    assert_eq!(right, Err(ChangePasswordError::WrongPassword), "not looked at");
    assert!(house.log_in(MIRA, PASSWORD).await.is_ok(), "the login has a lock of its own");
    house.clock.advance(Duration::from_secs(251));
    house.change_password(&caller, PASSWORD, OTHER_PASSWORD).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_moves_once_it_is_confirmed() {
    let house = House::build().await;
    house.confirmed("taken@example.com").await;
    let (caller, _) = house.signed_in(MIRA).await;
    for (email, problems) in [
        ("nobody", vec![EmailProblem::Invalid]),
        ("Taken@example.com", vec![EmailProblem::Taken]),
        (&format!("{}@{}.example.com", "a".repeat(60), "b".repeat(28)), vec![EmailProblem::TooLong]),
    ] {
        let refused = house.ask_for_email(&caller, email).await;
        assert_eq!(refused, Err(UpdateCustomerError::Email(problems)), "{email}");
    }
    house.ask_for_email(&caller, "MIRA@example.com").await.unwrap();
    assert_eq!(house.own_email(&caller).await, "MIRA@example.com", "another spelling takes effect at once");

    house.ask_for_email(&caller, "new@example.com").await.unwrap();
    assert_eq!(house.own_email(&caller).await, "MIRA@example.com");
    let key = house.key(SecretPurpose::EmailChange).await;
    assert!(matches!(house.application.confirm_page(key.expose()).await, Ok(ConfirmPage::EmailChange { .. })));
    let mistyped = house.application.confirm_from_page(key.expose(), PageProof::Code("000000".to_owned()), None).await;
    assert_eq!(mistyped, Err(ConfirmPageError::WrongCode { tries_left: 4 }));
    house.application.confirm_from_page(key.expose(), PageProof::Code(CODE.to_owned()), None).await.unwrap();
    assert_eq!(house.own_email(&caller).await, "new@example.com");
    assert_eq!(house.application.confirm(key.expose()).await, Err(ConfirmError::Refused), "once");
    assert!(house.log_in("new@example.com", PASSWORD).await.is_ok());

    house.ask_for_email(&caller, "newer@example.com").await.unwrap();
    let key = house.key(SecretPurpose::EmailChange).await;
    let page = house.application.confirm_page(key.expose()).await.unwrap();
    let ConfirmPage::EmailChange { challenge } = page else { panic!("{page:?}") };
    let answer = challenge.chars().rev().collect();
    house.application.confirm_from_page(key.expose(), PageProof::Click { challenge, answer }, None).await.unwrap();
    assert_eq!(house.own_email(&caller).await, "newer@example.com");
    assert_eq!(house.ask_for_email(&caller, "third@example.com").await, Err(UpdateCustomerError::NotSaved));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_key_moves_no_address() {
    let house = House::build().await;
    let (caller, _) = house.signed_in(MIRA).await;
    house.ask_for_email(&caller, "new@example.com").await.unwrap();
    let key = house.key(SecretPurpose::EmailChange).await;
    house.clock.advance(Duration::from_secs(86_400));
    assert_eq!(house.application.confirm_page(key.expose()).await, Ok(ConfirmPage::EmailChangeExpired));
    let code = PageProof::Code(CODE.to_owned());
    let refused = house.application.confirm_from_page(key.expose(), code, None).await;
    assert_eq!(refused, Err(ConfirmPageError::Refused));
    assert_eq!(house.application.confirm(key.expose()).await, Err(ConfirmError::Refused));
    house.application.resend_for_link(key.expose()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_left_is_gone_from_everything() {
    let house = House::build().await;
    let (caller, pair) = house.signed_in(MIRA).await;
    house.application.anonymise(&caller).await.unwrap();
    let gone = OwnCustomerError::Gone;
    assert_eq!(house.application.anonymise(&caller).await, Err(gone));
    assert_eq!(house.application.find_own_customer(&caller).await.err(), Some(gone));
    assert_eq!(house.ask_for_email(&caller, "nobody").await, Err(UpdateCustomerError::Own(gone)), "before the address");
    let changed = house.change_password(&caller, "wrong", "x").await;
    assert_eq!(changed, Err(ChangePasswordError::Own(gone)));
    assert_eq!(house.application.list_addresses(&caller).await.err(), Some(AddressError::Own(gone)));
    let refreshed = house.application.refresh(pair.refresh_token.expose()).await.err();
    assert_eq!(refreshed, Some(RefreshError::Refused));
    let stored = house.store.find_customer(caller.id).await.unwrap().unwrap();
    let email: &EmailAddress = &stored.account().email;
    let parts: Vec<&str> = email.as_typed().split(['@', '.']).collect();
    let is_hex = |part: &&str| part.len() == 32 && part.bytes().all(|byte| b"0123456789abcdef".contains(&byte));
    assert!(parts.len() == 3 && parts.iter().all(is_hex), "{parts:?}");
    house.confirmed(MIRA).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_book_is_its_owners_and_has_an_end() {
    let house = House::build().await;
    let (mira, _) = house.signed_in(MIRA).await;
    let (tom, _) = house.signed_in("tom@example.com").await;
    let fields = || AddressFields {
        salutation: None,
        first_name: "Mira".to_owned(),
        last_name: "Olsen".to_owned(),
        address1: "Kieler Str.".to_owned(),
        address2: "75".to_owned(),
        address3: None,
        zip_code: "22525".to_owned(),
        city: "Hamburg".to_owned(),
        company: None,
        phone: None,
        country: Country::parse("DE").unwrap(),
    };
    let application = &house.application;
    let first = application.insert_address(&mira, fields(), false, false).await.unwrap();
    assert!(first.is_default_billing && first.is_default_shipping, "the first is both");
    let second = application.insert_address(&mira, fields(), true, false).await.unwrap();
    assert_eq!(application.insert_address(&mira, fields(), true, true).await.err(), Some(AddressError::Full));
    let listed = application.list_addresses(&mira).await.unwrap();
    let defaults: Vec<_> =
        listed.iter().map(|address| (address.is_default_billing, address.is_default_shipping)).collect();
    assert_eq!(defaults, [(false, true), (true, false)]);

    let id = second.id.as_str();
    for id in [id, "no-uuid", ""] {
        let missing = Some(AddressError::NotFound);
        assert_eq!(application.find_address(&tom, id).await.err(), missing, "{id}");
        assert_eq!(application.update_address(&tom, id, AddressChanges::default()).await.err(), missing, "{id}");
        assert_eq!(application.delete_address(&tom, id).await.err(), missing, "{id}");
    }
    let changes = AddressChanges { city: Some("Kiel".to_owned()), ..AddressChanges::default() };
    assert_eq!(application.update_address(&mira, id, changes).await.unwrap().fields.city, "Kiel");
    assert_eq!(application.find_address(&mira, id).await.unwrap().fields.city, "Kiel");
    application.delete_address(&mira, id).await.unwrap();
    assert_eq!(application.delete_address(&mira, id).await.err(), Some(AddressError::NotFound));
}
