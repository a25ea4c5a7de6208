//! Carts as they are stored, with what only the database knows about them.

use diesel::prelude::*;
use domain::{Cart, CartId, CartItem, Currency, PriceMode, Quantity, Sku, TaxRate, Timestamp, UnitPrice};

use crate::StoreError;
use crate::carts::{CartOwner, CartRules};
use crate::schema::{cart_items, carts};

/// A row of `carts`.
#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = carts)]
pub(crate) struct CartRow {
    id: i64,
    uuid: String,
    customer_id: Option<i64>,
    guest: Option<Vec<u8>>,
    returns_to: Option<Vec<u8>>,
    name: String,
    price_mode: String,
    currency: String,
    store: String,
    is_default: bool,
    version: i64,
    created_at: i64,
    updated_at: i64,
}

/// A row of `cart_items`.
#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = cart_items)]
pub(crate) struct ItemRow {
    sku: String,
    abstract_sku: String,
    quantity: i32,
    unit_price: i64,
    tax_rate: i32,
}

impl ItemRow {
    fn into_item(self) -> Result<CartItem, StoreError> {
        let corrupt = |column| StoreError::Corrupt { table: "cart_items", column };
        let quantity = u32::try_from(self.quantity).ok().and_then(Quantity::new);
        let unit_price = u32::try_from(self.unit_price).ok().map(UnitPrice);
        let tax_rate = u16::try_from(self.tax_rate).ok().and_then(TaxRate::from_hundredths);
        Ok(CartItem {
            sku: Sku::parse(&self.sku).ok_or(corrupt("sku"))?,
            abstract_sku: Sku::parse(&self.abstract_sku).ok_or(corrupt("abstract_sku"))?,
            quantity: quantity.ok_or(corrupt("quantity"))?,
            unit_price: unit_price.ok_or(corrupt("unit_price"))?,
            tax_rate: tax_rate.ok_or(corrupt("tax_rate"))?,
        })
    }
}

/// How a cart stands to somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holding {
    /// It is theirs.
    Own,
    /// It was theirs until they signed up; the claim that took it is gone.
    Returned,
    /// It never was, or is gone.
    Foreign,
}

/// A cart with what only the database knows about it.
#[derive(Clone)]
pub(crate) struct StoredCart {
    /// The number of its row.
    pub(crate) row: i64,
    /// Whose it is, unless it is a guest's.
    pub(crate) customer: Option<i64>,
    guest: Option<Vec<u8>>,
    returns_to: Option<Vec<u8>>,
    /// When it was changed last, in microseconds.
    pub(crate) updated_at: i64,
    /// The cart.
    pub(crate) cart: Cart,
}

impl StoredCart {
    /// How it stands to an owner.
    pub(crate) fn holding(&self, owner: CartOwner, rules: &CartRules) -> Holding {
        let guest = match owner {
            CartOwner::Customer(customer) if self.customer == Some(customer.0) => return Holding::Own,
            CartOwner::Customer(_) => return Holding::Foreign,
            CartOwner::Guest(guest) => guest,
        };
        let is = |digest: &Option<Vec<u8>>| digest.as_deref() == Some(guest.as_bytes());
        match self.customer {
            None if self.updated_at <= rules.expired_until().as_micros() => Holding::Foreign,
            None if is(&self.guest) => Holding::Own,
            None if is(&self.returns_to) && rules.shows_returned => Holding::Returned,
            _ => Holding::Foreign,
        }
    }

    /// Whether it is the present cart of a guest.
    pub(crate) const fn is_current(&self) -> bool {
        self.guest.is_some()
    }
}

/// Groups the lines of carts that were read together, which come one cart after the other.
pub(crate) fn group(rows: Vec<(CartRow, Option<ItemRow>)>) -> Result<Vec<StoredCart>, StoreError> {
    let mut carts: Vec<StoredCart> = Vec::new();
    for (row, item) in rows {
        let item = item.map(ItemRow::into_item).transpose()?;
        match carts.last_mut() {
            Some(last) if last.row == row.id => last.cart.items.extend(item),
            _ => {
                let mut stored = row.into_stored()?;
                stored.cart.items.extend(item);
                carts.push(stored);
            }
        }
    }
    Ok(carts)
}

impl CartRow {
    fn into_stored(self) -> Result<StoredCart, StoreError> {
        let corrupt = |column| StoreError::Corrupt { table: "carts", column };
        let cart = Cart {
            id: CartId::parse(&self.uuid).ok_or(corrupt("uuid"))?,
            price_mode: PriceMode::parse(&self.price_mode).ok_or(corrupt("price_mode"))?,
            currency: Currency::parse(&self.currency).ok_or(corrupt("currency"))?,
            store: self.store,
            name: self.name,
            is_default: self.is_default,
            is_new: self.created_at == self.updated_at,
            version: self.version,
            items: Vec::new(),
        };
        let Self { id: row, customer_id: customer, guest, returns_to, updated_at, .. } = self;
        Ok(StoredCart { row, customer, guest, returns_to, updated_at, cart })
    }
}

/// The day of a moment, in days since 1970-01-01.
pub(crate) fn day_of(moment: Timestamp) -> i32 {
    i32::try_from(moment.as_micros().div_euclid(86_400_000_000)).unwrap_or(i32::MAX)
}

/// Reads the carts that fit, oldest first, each with its lines, in one statement.
macro_rules! load_carts {
    ($connection:expr, $filter:expr) => {
        $crate::cart_rows::group(
            carts::table
                .left_join(cart_items::table)
                .filter($filter)
                .order((carts::id, cart_items::id))
                .select((CartRow::as_select(), Option::<ItemRow>::as_select()))
                .load($connection)?,
        )?
    };
}
pub(crate) use load_carts;
