//! Carts of guests and customers, and how a guest's becomes a customer's.

use std::time::Duration;

use domain::{
    Cart, CartChanges, CartId, Currency, CustomerId, GuestId, ItemRefusal, NewCart, Offer, PriceMode, Quantity, Sku,
    Timestamp,
};
use serde::Deserialize;
use store::{CartOwner, CartRefusal, CartRules, ChangeCart, ChangeItemRefusal, DeleteCart, InsertCart, TakeOver};

use crate::{Application, Caller, Enumeration, Failure, OwnCustomerError, seconds};

/// How often prices are looked up anew for a cart that got other items meanwhile.
const PRICING_ROUNDS: usize = 3;

/// How long a login waits at most for the prices of what the guest's cart holds in another currency.
const PRICING_AT_LOGIN: Duration = Duration::from_secs(2);

/// Lines in all carts of one customer at most: that many are read to show them.
const MOST_LINES: usize = 50_000;

const DAY_SECONDS: u64 = 86_400;

/// Section `[carts]` of the configuration.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CartSettings {
    /// Whether customers can have several carts.
    pub multi_cart: bool,
    /// What logging in does with the cart of the guest who logs in.
    pub at_login: GuestCartAtLogin,
    /// What prices can be in, by three letters; the first is that of guests' carts.
    pub currencies: Vec<String>,
    /// The price mode of guests' carts: `GROSS_MODE` or `NET_MODE`.
    pub price_mode: String,
    /// Lines in one cart at most.
    pub max_items: usize,
    /// Carts of one customer at most, where they can have several.
    pub max_carts: i64,
    /// Days that a guest's cart is kept without a change.
    pub guest_cart_days: u64,
}

/// What logging in does with the cart of the guest who logs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GuestCartAtLogin {
    /// Its items go to the customer's oldest cart; where there is none it becomes that.
    Merge,
    /// It becomes one more of the customer's.
    Convert,
    /// It stays the guest's.
    Leave,
}

impl CartSettings {
    /// Checks bounds.
    ///
    /// # Errors
    ///
    /// A sentence that names the key and what it may be.
    pub fn check(&self) -> Result<(), String> {
        let distinct =
            |index: usize, currency: &String| !self.currencies.iter().take(index).any(|known| known == currency);
        let currencies_fit = (1..=50).contains(&self.currencies.len())
            && self
                .currencies
                .iter()
                .enumerate()
                .all(|(index, text)| Currency::parse(text).is_some() && distinct(index, text));
        let rules = [
            (currencies_fit, "carts.currencies must name 1 to 50 different currencies by three upper-case letters"),
            (PriceMode::parse(&self.price_mode).is_some(), "carts.price_mode must be GROSS_MODE or NET_MODE"),
            ((1..=domain::MAX_ITEMS).contains(&self.max_items), "carts.max_items must be 1 to 1000"),
            ((1..=1000).contains(&self.max_carts), "carts.max_carts must be 1 to 1000"),
            (
                self.max_items.saturating_mul(usize::try_from(self.max_carts).unwrap_or(usize::MAX)) <= MOST_LINES,
                "carts.max_items times carts.max_carts must be at most 50000",
            ),
            ((1..=3650).contains(&self.guest_cart_days), "carts.guest_cart_days must be 1 to 3650"),
            (
                self.multi_cart || self.at_login != GuestCartAtLogin::Convert,
                "carts.at_login can be \"convert\" only with carts.multi_cart = true",
            ),
        ];
        rules.into_iter().find(|(held, _)| !held).map_or(Ok(()), |(_, rule)| Err(rule.to_owned()))
    }

    /// What holds for carts at a moment.
    pub const fn rules(&self, now: Timestamp) -> CartRules {
        CartRules {
            max_items: self.max_items,
            max_carts: if self.multi_cart { self.max_carts } else { 1 },
            guest_cart_lifetime: seconds(self.guest_cart_days * DAY_SECONDS),
            shows_returned: true,
            now,
        }
    }

    /// The currency of that name, if the shop has it.
    fn currency(&self, name: &str) -> Option<Currency> {
        self.currencies.iter().find(|known| *known == name).and_then(|known| Currency::parse(known))
    }
}

/// Whose carts.
#[derive(Clone, Copy)]
pub enum Shopper<'a> {
    /// A guest's.
    Guest(GuestId),
    /// A customer's.
    Customer(&'a Caller),
}

impl Shopper<'_> {
    const fn owner(self) -> CartOwner {
        match self {
            Self::Guest(guest) => CartOwner::Guest(guest),
            Self::Customer(caller) => CartOwner::Customer(caller.id),
        }
    }
}

/// What a cart is to be, as text. What is `None` stays, or is the shop's usual.
#[derive(Clone, Debug, Default)]
pub struct CartForm {
    /// `GROSS_MODE` or `NET_MODE`.
    pub price_mode: Option<String>,
    /// Three letters.
    pub currency: Option<String>,
    /// The store, which is this one.
    pub store: Option<String>,
    /// What its owner calls it, at most 255 characters.
    pub name: Option<String>,
}

/// Why nothing was done to a cart: it is as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CartError {
    /// The caller has no account (any more).
    Own(OwnCustomerError),
    /// The shopper has no such cart.
    NotFound,
    /// There is no such item in the cart.
    ItemNotFound,
    /// The cart is not in the state that the entity tag names.
    WrongTag,
    /// The customer has a cart, and the shop has one for each.
    AlreadyHasCart,
    /// The customer has as many carts as `carts.max_carts` allows.
    TooManyCarts,
    /// It is the customer's only cart.
    LastCart,
    /// The price mode cannot change while there are items.
    PriceModeFixed,
    /// Not this store.
    StoreUnknown,
    /// Not a currency of the shop.
    CurrencyUnknown,
    /// Not a price mode.
    PriceModeUnknown,
    /// A product in the cart is not sold in the other currency.
    NoPrice {
        /// The product.
        sku: Sku,
        /// The other currency.
        currency: Currency,
    },
    /// A product cannot be put in, or not so many of it.
    ItemRefused {
        /// What it was called.
        sku: String,
        /// Why; `None`: there is no such product.
        reason: Option<ItemRefusal>,
    },
    /// It could not be carried out.
    Failure(Failure),
}

impl<F: Into<Failure>> From<F> for CartError {
    fn from(failure: F) -> Self {
        Self::Failure(failure.into())
    }
}

impl From<OwnCustomerError> for CartError {
    fn from(error: OwnCustomerError) -> Self {
        match error {
            OwnCustomerError::Failure(failure) => Self::Failure(failure),
            error => Self::Own(error),
        }
    }
}

/// The cart as it is now, or why it is as it was.
fn changed<R>(outcome: ChangeCart<R>, refuse: impl FnOnce(R) -> CartError) -> Result<Cart, CartError> {
    match outcome {
        ChangeCart::Changed(cart) => Ok(cart),
        ChangeCart::NotFound => Err(CartError::NotFound),
        ChangeCart::Refused(reason) => Err(refuse(reason)),
    }
}

impl Application {
    /// The shop's rules for carts.
    pub fn carts(&self) -> &CartSettings {
        &self.parts().carts
    }

    /// What holds for carts at this moment.
    pub(crate) fn cart_rules(&self) -> CartRules {
        let shows_returned = self.accounts().enumeration != Enumeration::Hardened;
        CartRules { shows_returned, ..self.carts().rules(self.clock().now()) }
    }

    /// A guest is whoever they say; a customer must still be one.
    async fn check_shopper(&self, shopper: Shopper<'_>) -> Result<CartOwner, CartError> {
        if let Shopper::Customer(caller) = shopper {
            self.find_own_customer(caller).await?;
        }
        Ok(shopper.owner())
    }

    /// The shopper's carts, oldest first; a guest has one at most.
    ///
    /// # Errors
    ///
    /// When the caller has no account.
    pub async fn list_carts(&self, shopper: Shopper<'_>) -> Result<Vec<Cart>, CartError> {
        let owner = self.check_shopper(shopper).await?;
        Ok(self.store().list_carts(owner, self.cart_rules()).await?)
    }

    /// One of the shopper's carts.
    ///
    /// # Errors
    ///
    /// When the caller has no account, or no such cart.
    pub async fn find_cart(&self, shopper: Shopper<'_>, id: &str) -> Result<Cart, CartError> {
        let owner = self.check_shopper(shopper).await?;
        let id = CartId::parse(id).ok_or(CartError::NotFound)?;
        self.store().find_cart(owner, &id, self.cart_rules()).await?.ok_or(CartError::NotFound)
    }

    /// Opens a cart for a customer. It is their default one.
    ///
    /// # Errors
    ///
    /// In this order: no account, what is wrong with the form, too many carts.
    pub async fn insert_cart(&self, caller: &Caller, form: CartForm) -> Result<Cart, CartError> {
        self.find_own_customer(caller).await?;
        let changes = self.read_form(form)?;
        let mut new = self.usual_cart()?;
        new.price_mode = changes.price_mode.unwrap_or(new.price_mode);
        new.currency = changes.currency.unwrap_or(new.currency);
        new.name = changes.name;
        match self.store().insert_cart(caller.id, new, self.cart_rules()).await? {
            InsertCart::Inserted(cart) => Ok(cart),
            InsertCart::Full if self.carts().multi_cart => Err(CartError::TooManyCarts),
            InsertCart::Full => Err(CartError::AlreadyHasCart),
            InsertCart::Gone => Err(OwnCustomerError::Gone.into()),
        }
    }

    /// Changes one of the shopper's carts, whose present entity tag must be `tag`, if that is given. In another currency its
    /// items have other prices.
    ///
    /// # Errors
    ///
    /// With a tag, whatever cart it is not the tag of is [`CartError::WrongTag`], also one that the shopper does not have.
    pub async fn update_cart(
        &self,
        shopper: Shopper<'_>,
        id: &str,
        form: CartForm,
        tag: Option<&str>,
    ) -> Result<Cart, CartError> {
        let owner = self.check_shopper(shopper).await?;
        let missing = || if tag.is_some() { CartError::WrongTag } else { CartError::NotFound };
        let id = CartId::parse(id).ok_or_else(missing)?;
        let known = self.store().find_cart(owner, &id, self.cart_rules()).await?.ok_or_else(missing)?;
        if tag.is_some_and(|tag| tag != known.entity_tag()) {
            return Err(CartError::WrongTag);
        }
        let changes = self.read_form(form)?;
        let mut offers = self.offers_of(&known, changes.currency).await?;
        let refuse = |refusal| match refusal {
            CartRefusal::WrongTag => CartError::WrongTag,
            CartRefusal::PriceModeFixed => CartError::PriceModeFixed,
            CartRefusal::NoPrice(sku) => {
                CartError::NoPrice { sku, currency: changes.currency.unwrap_or(known.currency) }
            }
        };
        for _ in 0..PRICING_ROUNDS {
            let tag = tag.map(str::to_owned);
            let outcome =
                self.store().update_cart(owner, &id, changes.clone(), tag, offers.clone(), self.cart_rules()).await?;
            match (outcome, changes.currency) {
                // Put in meanwhile, or the cart was in this currency before.
                (ChangeCart::Refused(CartRefusal::NoPrice(sku)), Some(_))
                    if offers.iter().all(|offer| offer.sku != sku) =>
                {
                    match self.parts().catalogue.find_offer(&sku).await? {
                        Some(offer) => offers.push(offer),
                        None => return Err(refuse(CartRefusal::NoPrice(sku))),
                    }
                }
                (ChangeCart::NotFound, _) => return Err(missing()),
                (outcome, _) => return changed(outcome, refuse),
            }
        }
        Err(CartError::Failure(Failure::Busy { retry_after_seconds: 1 }))
    }

    /// What is needed to price a cart in another currency.
    async fn offers_of(&self, cart: &Cart, currency: Option<Currency>) -> Result<Vec<Offer>, CartError> {
        if currency.is_none_or(|currency| currency == cart.currency) {
            return Ok(Vec::new());
        }
        let skus: Vec<Sku> = cart.items.iter().map(|item| item.sku.clone()).collect();
        Ok(self.parts().catalogue.find_offers(&skus).await?)
    }

    /// Removes one of the caller's carts.
    ///
    /// # Errors
    ///
    /// When the caller has no account, no such cart, or no other.
    pub async fn delete_cart(&self, caller: &Caller, id: &str) -> Result<(), CartError> {
        self.find_own_customer(caller).await?;
        let id = CartId::parse(id).ok_or(CartError::NotFound)?;
        match self.store().delete_cart(caller.id, &id).await? {
            DeleteCart::Deleted => Ok(()),
            DeleteCart::NotFound => Err(CartError::NotFound),
            DeleteCart::Last => Err(CartError::LastCart),
        }
    }

    /// Puts pieces of a product into the cart of that id; without one, into the guest's, which is made on first use.
    ///
    /// # Errors
    ///
    /// In this order: no account, no such cart, no such product, or why it does not fit.
    pub async fn add_item(
        &self,
        shopper: Shopper<'_>,
        id: Option<&str>,
        sku: &str,
        quantity: Quantity,
    ) -> Result<Cart, CartError> {
        let refuse = |reason| CartError::ItemRefused { sku: sku.to_owned(), reason };
        let offer = async {
            let Some(known) = Sku::parse(sku) else { return Err(refuse(None)) };
            self.parts().catalogue.find_offer(&known).await?.ok_or_else(|| refuse(None))
        };
        if let (Shopper::Guest(guest), None) = (shopper, id) {
            let new = self.usual_cart()?;
            let outcome = self.store().add_guest_item(guest, new, offer.await?, quantity, self.cart_rules()).await?;
            return changed(outcome, |refusal| refuse(Some(refusal)));
        }
        let owner = self.check_shopper(shopper).await?;
        let id = id.and_then(CartId::parse).ok_or(CartError::NotFound)?;
        let offer = match offer.await {
            Ok(offer) => offer,
            Err(error) => return Err(self.after_cart(owner, &id, error).await?),
        };
        let outcome = self.store().add_item(owner, &id, offer, quantity, self.cart_rules()).await?;
        changed(outcome, |refusal| refuse(Some(refusal)))
    }

    /// What is wrong with a request about a cart that is wrong anyway: the cart is missed before all else.
    async fn after_cart(&self, owner: CartOwner, id: &CartId, error: CartError) -> Result<CartError, Failure> {
        let cart = self.store().find_cart(owner, id, self.cart_rules()).await?;
        Ok(cart.map_or(CartError::NotFound, |_| error))
    }

    /// Sets how many pieces of a product are in one of the shopper's carts. There can be fewer even of one that is not sold
    /// any more.
    ///
    /// # Errors
    ///
    /// In this order: no account, no such cart, no such item, or why there cannot be so many.
    pub async fn change_item(
        &self,
        shopper: Shopper<'_>,
        id: &str,
        group_key: &str,
        quantity: Quantity,
    ) -> Result<Cart, CartError> {
        let owner = self.check_shopper(shopper).await?;
        let id = CartId::parse(id).ok_or(CartError::NotFound)?;
        let Some(sku) = Sku::parse(group_key) else {
            return Err(self.after_cart(owner, &id, CartError::ItemNotFound).await?);
        };
        let offer = self.parts().catalogue.find_offer(&sku).await?;
        let is_sold = offer.is_some();
        let outcome = self.store().change_item(owner, &id, sku, offer, quantity, self.cart_rules()).await?;
        changed(outcome, |refusal| match refusal {
            ChangeItemRefusal::NotInCart => CartError::ItemNotFound,
            ChangeItemRefusal::Item(reason) => {
                CartError::ItemRefused { sku: group_key.to_owned(), reason: is_sold.then_some(reason) }
            }
        })
    }

    /// Takes a product out of one of the shopper's carts.
    ///
    /// # Errors
    ///
    /// In this order: no account, no such cart, no such item.
    pub async fn delete_item(&self, shopper: Shopper<'_>, id: &str, group_key: &str) -> Result<(), CartError> {
        let owner = self.check_shopper(shopper).await?;
        let id = CartId::parse(id).ok_or(CartError::NotFound)?;
        let Some(sku) = Sku::parse(group_key) else {
            return Err(self.after_cart(owner, &id, CartError::ItemNotFound).await?);
        };
        let outcome = self.store().delete_item(owner, &id, sku, self.cart_rules()).await?;
        changed(outcome, |()| CartError::ItemNotFound).map(drop)
    }

    /// Gives a customer the cart of the guest who logged in as them, as `carts.at_login` says. A login does not fail because of
    /// it: what cannot be moved stays with the guest.
    pub(crate) async fn take_guest_cart(&self, customer: CustomerId, guest: GuestId) {
        let how = match self.carts().at_login {
            GuestCartAtLogin::Merge => TakeOver::Merge,
            GuestCartAtLogin::Convert => TakeOver::Convert,
            GuestCartAtLogin::Leave => return,
        };
        if let Err(failure) = self.try_take_guest_cart(customer, guest, how).await {
            tracing::warn!(
                ?failure,
                "the cart of a guest who logged in stayed the guest's; look at the database and the catalogue"
            );
        }
    }

    async fn try_take_guest_cart(&self, customer: CustomerId, guest: GuestId, how: TakeOver) -> Result<(), Failure> {
        let unpriced = self.store().take_guest_cart(customer, guest, how, Vec::new(), self.cart_rules()).await?;
        if unpriced.is_empty() {
            return Ok(());
        }
        // Whoever logs in waits for this.
        let pricing = tokio::time::timeout(PRICING_AT_LOGIN, self.parts().catalogue.find_offers(&unpriced));
        let Ok(offers) = pricing.await else { return Err(Failure::Busy { retry_after_seconds: 1 }) };
        let offers = offers?;
        self.store().take_guest_cart(customer, guest, how, offers, self.cart_rules()).await?;
        Ok(())
    }

    /// What carts are when nobody says otherwise.
    fn usual_cart(&self) -> Result<NewCart, Failure> {
        let parts = self.parts();
        let settings = &parts.carts;
        // The settings were checked: neither is ever missing.
        let currency = settings.currencies.first().and_then(|currency| Currency::parse(currency));
        Ok(NewCart {
            id: CartId::generate(&*parts.randomness),
            price_mode: PriceMode::parse(&settings.price_mode).ok_or(Failure::Internal)?,
            currency: currency.ok_or(Failure::Internal)?,
            store: parts.store_name.clone(),
            name: None,
        })
    }

    fn read_form(&self, form: CartForm) -> Result<CartChanges, CartError> {
        let parts = self.parts();
        let price_mode = form.price_mode.map(|name| PriceMode::parse(&name).ok_or(CartError::PriceModeUnknown));
        let currency = form.currency.map(|name| parts.carts.currency(&name).ok_or(CartError::CurrencyUnknown));
        let changes =
            CartChanges { price_mode: price_mode.transpose()?, currency: currency.transpose()?, name: form.name };
        if form.store.is_some_and(|store| store != parts.store_name) {
            return Err(CartError::StoreUnknown);
        }
        Ok(changes)
    }
}
