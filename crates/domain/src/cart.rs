//! Carts: what is in them, what that costs, and how two of them become one.
//!
//! Nothing here is lost or doubled: a line moves whole, its quantity is added, or it stays where it is.

use crate::identity::uuid_identity;
use crate::{Currency, Digest, Offer, PriceMode, Sku, TaxRate, UnitPrice};

uuid_identity! {
    /// The public identity of a cart: a random UUID, 36 characters, lower-case.
    CartId
}

/// Lines in a cart at most, whatever the settings say: with [`Quantity::MAX`] and [`UnitPrice`] their sum stays below
/// 2^63 cents.
pub const MAX_ITEMS: usize = 1_000;

/// What carts are called that nobody named.
const DEFAULT_NAME: &str = "Shopping cart";

/// A guest: the digest of what they send as `X-Anonymous-Customer-Unique-Id`. Whoever knows that text is the guest, so it
/// is kept nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GuestId(Digest);

impl GuestId {
    /// The guest who sends these bytes. `None` for none.
    pub fn of(header: &[u8]) -> Option<Self> {
        // One character a byte: two texts that differ have digests that differ, UTF-8 or not.
        let text: String = header.iter().copied().map(char::from).collect();
        (!text.is_empty()).then(|| Self(Digest::of(&text)))
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// How many pieces: 1 to 1 000 000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Quantity(u32);

impl Quantity {
    /// The most.
    pub const MAX: u32 = 1_000_000;

    /// Reads a number of pieces.
    pub fn new(pieces: u32) -> Option<Self> {
        (1..=Self::MAX).contains(&pieces).then_some(Self(pieces))
    }

    /// The pieces.
    pub const fn get(self) -> u32 {
        self.0
    }

    fn plus(self, more: Self) -> Option<Self> {
        Self::new(self.0.saturating_add(more.0))
    }
}

/// A line of a cart. Its group key, by which clients name it, is the SKU: there are no options that would tell two lines of
/// one product apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CartItem {
    /// The product.
    pub sku: Sku,
    /// The product of which it is a variant.
    pub abstract_sku: Sku,
    /// How many.
    pub quantity: Quantity,
    /// What one costs, in the cart's currency and price mode, as of the last time it was put in or changed.
    pub unit_price: UnitPrice,
    /// How it is taxed.
    pub tax_rate: TaxRate,
}

/// What a line comes to, in cents. Of gross and net the one that is not the cart's price mode is 0, as in Glue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineAmounts {
    /// One piece, before tax is added.
    pub unit_price: u64,
    /// All pieces, before tax is added.
    pub sum_price: u64,
    /// Tax in or on one piece.
    pub unit_tax: u64,
    /// Tax in or on all pieces.
    pub sum_tax: u64,
    /// One piece, as it is paid.
    pub unit_price_to_pay: u64,
    /// All pieces, as they are paid.
    pub sum_price_to_pay: u64,
}

impl CartItem {
    fn of(offer: &Offer, quantity: Quantity, unit_price: UnitPrice) -> Self {
        Self {
            sku: offer.sku.clone(),
            abstract_sku: offer.abstract_sku.clone(),
            quantity,
            unit_price,
            tax_rate: offer.tax_rate,
        }
    }

    /// What the line comes to in a cart of that price mode.
    pub fn amounts(&self, mode: PriceMode) -> LineAmounts {
        let unit_price = u64::from(self.unit_price.0);
        let sum_price = unit_price * u64::from(self.quantity.get());
        let unit_tax = self.tax_rate.tax_on(unit_price, mode);
        let sum_tax = self.tax_rate.tax_on(sum_price, mode);
        let (unit_added, sum_added) = match mode {
            PriceMode::Gross => (0, 0),
            PriceMode::Net => (unit_tax, sum_tax),
        };
        LineAmounts {
            unit_price,
            sum_price,
            unit_tax,
            sum_tax,
            unit_price_to_pay: unit_price + unit_added,
            sum_price_to_pay: sum_price + sum_added,
        }
    }
}

/// What a cart comes to, in cents. There are neither expenses nor discounts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// All lines, before tax is added.
    pub subtotal: u64,
    /// The tax of all lines.
    pub tax_total: u64,
    /// What is paid.
    pub grand_total: u64,
}

/// A cart that is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCart {
    /// Its identity.
    pub id: CartId,
    /// Whether its prices hold their tax.
    pub price_mode: PriceMode,
    /// What its prices are in.
    pub currency: Currency,
    /// The store, such as `DE`.
    pub store: String,
    /// What its owner calls it.
    pub name: Option<String>,
}

/// What is to be changed about a cart; what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CartChanges {
    /// Whether its prices hold their tax; cannot be changed while there are items.
    pub price_mode: Option<PriceMode>,
    /// What its prices are in; its items are priced anew.
    pub currency: Option<Currency>,
    /// What its owner calls it.
    pub name: Option<String>,
}

/// A cart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cart {
    /// Its identity.
    pub id: CartId,
    /// Whether its prices hold their tax.
    pub price_mode: PriceMode,
    /// What its prices are in.
    pub currency: Currency,
    /// The store, such as `DE`.
    pub store: String,
    /// What its owner calls it.
    pub name: String,
    /// Whether it is the one that its owner uses unless they say otherwise.
    pub is_default: bool,
    /// Whether nothing was done with it yet.
    pub is_new: bool,
    /// 1 at first, and one more with each change.
    pub version: i64,
    /// Its lines, oldest first; one a product.
    pub items: Vec<CartItem>,
}

/// Why a product is not put into a cart, or not so many of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemRefusal {
    /// It is not sold in the cart's currency and price mode.
    NoPrice(Currency),
    /// So many pieces are left, those in the cart included.
    OutOfStock(u32),
    /// More than [`Quantity::MAX`] of one product.
    TooMany,
    /// The cart holds as many lines as it may.
    Full(usize),
}

impl Cart {
    /// A new one without items.
    pub fn new(new: NewCart, is_default: bool) -> Self {
        let NewCart { id, price_mode, currency, store, name } = new;
        let name = name.unwrap_or_else(|| DEFAULT_NAME.to_owned());
        Self { id, price_mode, currency, store, name, is_default, is_new: true, version: 1, items: Vec::new() }
    }

    /// Names this state of the cart: 32 hex characters that change with each change.
    pub fn entity_tag(&self) -> String {
        let digest = Digest::of(&format!("{}|{}", self.id, self.version));
        let mut tag = hex::encode(digest.as_bytes());
        tag.truncate(32);
        tag
    }

    /// What it comes to; `None` for a cart that nothing was done with yet.
    pub fn totals(&self) -> Option<Totals> {
        if self.is_new && self.items.is_empty() {
            return None;
        }
        let mut totals = Totals::default();
        for amounts in self.items.iter().map(|item| item.amounts(self.price_mode)) {
            totals.subtotal += amounts.sum_price;
            totals.tax_total += amounts.sum_tax;
            totals.grand_total += amounts.sum_price_to_pay;
        }
        Some(totals)
    }

    /// The line of a product.
    pub fn item(&self, sku: &Sku) -> Option<&CartItem> {
        self.items.iter().find(|item| item.sku == *sku)
    }

    /// Puts pieces of a product in, to those that are there. The line then has today's price.
    ///
    /// # Errors
    ///
    /// Why it does not fit, into a cart of `max_items` lines at most; nothing is changed then.
    pub fn add(&mut self, offer: &Offer, quantity: Quantity, max_items: usize) -> Result<(), ItemRefusal> {
        let max_items = max_items.min(MAX_ITEMS);
        let sum = match self.item(&offer.sku) {
            Some(item) => item.quantity.plus(quantity).ok_or(ItemRefusal::TooMany)?,
            None if self.items.len() >= max_items => return Err(ItemRefusal::Full(max_items)),
            None => quantity,
        };
        self.put(offer, sum)
    }

    /// Sets how many pieces of a product are in the cart, at today's price. Fewer can always be had, even of a product that
    /// is not sold any more (`offer` is `None`).
    ///
    /// # Errors
    ///
    /// `None` for a product that is not in the cart, else why there cannot be so many; nothing is changed then.
    pub fn set_quantity(
        &mut self,
        sku: &Sku,
        offer: Option<&Offer>,
        quantity: Quantity,
    ) -> Result<(), Option<ItemRefusal>> {
        let item = self.items.iter_mut().find(|item| item.sku == *sku).ok_or(None)?;
        let is_more = quantity > item.quantity;
        let unit_price = offer.and_then(|offer| offer.price_in(self.currency, self.price_mode));
        match offer.zip(unit_price) {
            Some((offer, _)) if is_more => self.put(offer, quantity).map_err(Some),
            None if is_more => Err(Some(ItemRefusal::NoPrice(self.currency))),
            Some((offer, unit_price)) => {
                *item = CartItem::of(offer, quantity, unit_price);
                Ok(())
            }
            None => {
                item.quantity = quantity;
                Ok(())
            }
        }
    }

    /// Takes a product out; `false` when it was not in.
    pub fn remove(&mut self, sku: &Sku) -> bool {
        let before = self.items.len();
        self.items.retain(|item| item.sku != *sku);
        self.items.len() < before
    }

    /// Prices all lines in another currency.
    ///
    /// # Errors
    ///
    /// The first product that `offers` have no price for; nothing is changed then.
    pub fn change_currency(&mut self, currency: Currency, offers: &[Offer]) -> Result<(), Sku> {
        if currency == self.currency {
            return Ok(());
        }
        let price = |item: &CartItem| {
            let offer = offers.iter().find(|offer| offer.sku == item.sku)?;
            let unit_price = offer.price_in(currency, self.price_mode)?;
            Some(CartItem::of(offer, item.quantity, unit_price))
        };
        let items: Result<Vec<_>, _> =
            self.items.iter().map(|item| price(item).ok_or_else(|| item.sku.clone())).collect();
        self.items = items?;
        self.currency = currency;
        Ok(())
    }

    /// Takes over the lines of another cart: what is in both is added up. A line for which there is no price here (the
    /// currencies or price modes differ and `offers` does not help), that would make more than [`Quantity::MAX`] or more than
    /// `max_items` lines stays in the other cart, whole.
    ///
    /// Stock is not asked: both carts were filled with what there was, and a cart reserves nothing. Answers whether anything
    /// moved.
    pub fn absorb(&mut self, other: &mut Self, offers: &[Offer], max_items: usize) -> bool {
        let before = other.items.len();
        let is_priced_alike = self.is_priced_like(other);
        for line in std::mem::take(&mut other.items) {
            let moving = if is_priced_alike { Some(line.clone()) } else { self.priced_here(&line, offers) };
            if !moving.is_some_and(|moving| self.take_in(moving, max_items)) {
                other.items.push(line);
            }
        }
        other.items.len() < before
    }

    /// Whether what a line costs in one of them is what it costs in the other.
    pub fn is_priced_like(&self, other: &Self) -> bool {
        (self.currency, self.price_mode) == (other.currency, other.price_mode)
    }

    fn priced_here(&self, line: &CartItem, offers: &[Offer]) -> Option<CartItem> {
        let offer = offers.iter().find(|offer| offer.sku == line.sku)?;
        let unit_price = offer.price_in(self.currency, self.price_mode)?;
        Some(CartItem::of(offer, line.quantity, unit_price))
    }

    /// Adds a line, or says that there is no room.
    fn take_in(&mut self, line: CartItem, max_items: usize) -> bool {
        let has_room = self.items.len() < max_items.min(MAX_ITEMS);
        match self.items.iter_mut().find(|item| item.sku == line.sku) {
            Some(item) => item.quantity.plus(line.quantity).map(|sum| item.quantity = sum).is_some(),
            None if has_room => {
                self.items.push(line);
                true
            }
            None => false,
        }
    }

    /// Sets the line of a product, or says why there cannot be so many.
    fn put(&mut self, offer: &Offer, quantity: Quantity) -> Result<(), ItemRefusal> {
        let unit_price = offer.price_in(self.currency, self.price_mode).ok_or(ItemRefusal::NoPrice(self.currency))?;
        if let Some(left) = offer.stock
            && left < quantity.get()
        {
            return Err(ItemRefusal::OutOfStock(left));
        }
        let line = CartItem::of(offer, quantity, unit_price);
        match self.items.iter_mut().find(|item| item.sku == offer.sku) {
            Some(item) => *item = line,
            None => self.items.push(line),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
