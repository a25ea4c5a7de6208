//! Carts and what is in them. How they change hands is in `guest_carts`.
//!
//! A cart that changes is read, changed by `domain`, and written where its version is still the one that was read; else it is
//! read again. Whatever refuses does so before anything is written, and nobody waits for a cart that somebody else looks at.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use diesel::prelude::*;
use domain::{
    Cart, CartChanges, CartId, CartItem, CustomerId, GuestId, ItemRefusal, NewCart, Offer, Quantity, Sku, Timestamp,
};

use crate::StoreError;
use crate::cart_rows::{CartRow, Holding, ItemRow, StoredCart, day_of, load_carts};
use crate::engine::{Store, on_both, read, unit};
use crate::error::Unit;
use crate::planned::planned;
use crate::schema::{cart_items, carts};

/// Whose cart is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CartOwner {
    /// A guest's, who has one at most.
    Guest(GuestId),
    /// A customer's.
    Customer(CustomerId),
}

/// What holds for carts in this shop at this moment.
#[derive(Clone, Copy, Debug)]
pub struct CartRules {
    /// Lines in one cart at most.
    pub max_items: usize,
    /// Carts of one customer at most; 1 in a single-cart shop.
    pub max_carts: i64,
    /// How long a guest's cart is kept without a change.
    pub guest_cart_lifetime: Duration,
    /// Whether a guest sees a cart that came back because the claim that held it is gone. Where nobody may learn that a claim
    /// is gone, they do not until they sign up or log in.
    pub shows_returned: bool,
    /// When this happens.
    pub now: Timestamp,
}

impl CartRules {
    /// The moment of the last change of the guests' carts that are gone.
    pub(crate) fn expired_until(&self) -> Timestamp {
        self.now.minus(self.guest_cart_lifetime)
    }
}

/// What became of a new cart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InsertCart {
    /// It is stored, and the default one.
    Inserted(Cart),
    /// The customer has as many as they may.
    Full,
    /// The customer is gone.
    Gone,
}

/// What became of a cart that was to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangeCart<R> {
    /// It is as it was to be.
    Changed(Cart),
    /// The owner has no such cart.
    NotFound,
    /// It cannot be so, and is as it was.
    Refused(R),
}

/// Why a cart is not changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CartRefusal {
    /// It is not in the state that the caller knows.
    WrongTag,
    /// Its price mode stays while there are items.
    PriceModeFixed,
    /// This product has no price in the other currency.
    NoPrice(Sku),
}

/// Why an item is not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeItemRefusal {
    /// It is not in the cart.
    NotInCart,
    /// There cannot be so many.
    Item(ItemRefusal),
}

/// What became of a cart that was to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeleteCart {
    /// It is gone. Where it was the default one, the newest is now.
    Deleted,
    /// The customer has no such cart.
    NotFound,
    /// It is the only one the customer has.
    Last,
}

impl Store {
    /// The carts of a customer, or the one of a guest if there is one, oldest first.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn list_carts(&self, owner: CartOwner, rules: CartRules) -> Result<Vec<Cart>, StoreError> {
        let stored = match owner {
            CartOwner::Customer(customer) => read!(self, list_customer_carts(customer.0))?,
            CartOwner::Guest(guest) => self.find_guest_cart(guest, rules).await?.into_iter().collect(),
        };
        Ok(stored.into_iter().map(|stored| stored.cart).collect())
    }

    /// A cart, if it is the owner's.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn find_cart(&self, owner: CartOwner, id: &CartId, rules: CartRules) -> Result<Option<Cart>, StoreError> {
        let id = id.clone();
        let Some(stored) = read!(self, find_stored_cart(&id))? else { return Ok(None) };
        match (stored.holding(owner, &rules), owner) {
            (Holding::Own, _) => Ok(Some(stored.cart)),
            // It is found again under the same identity, unless it was added to the guest's present one.
            (Holding::Returned, CartOwner::Guest(guest)) => {
                self.take_back_carts(guest, rules).await?;
                let id = stored.cart.id;
                let stored = read!(self, find_stored_cart(&id))?;
                Ok(stored.filter(|stored| stored.holding(owner, &rules) == Holding::Own).map(|stored| stored.cart))
            }
            _ => Ok(None),
        }
    }

    /// Adds a cart to a customer's, as the default one.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn insert_cart(
        &self,
        customer: CustomerId,
        new: NewCart,
        rules: CartRules,
    ) -> Result<InsertCart, StoreError> {
        Ok(unit!(self, insert_customer_cart(customer, &new, &rules))?)
    }

    /// Changes a cart whose present entity tag is `tag`, if that is given. Items are priced by `offers` where the currency
    /// changes.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn update_cart(
        &self,
        owner: CartOwner,
        id: &CartId,
        changes: CartChanges,
        tag: Option<String>,
        offers: Vec<Offer>,
        rules: CartRules,
    ) -> Result<ChangeCart<CartRefusal>, StoreError> {
        let id = id.clone();
        Ok(unit!(self, update_cart(owner, &id, &changes, tag.as_deref(), &offers, &rules))?)
    }

    /// Removes a customer's cart, unless it is the only one.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn delete_cart(&self, customer: CustomerId, id: &CartId) -> Result<DeleteCart, StoreError> {
        let id = id.clone();
        Ok(unit!(self, delete_cart(customer, &id))?)
    }

    /// Puts pieces of a product into a cart, to those that are there.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn add_item(
        &self,
        owner: CartOwner,
        id: &CartId,
        offer: Offer,
        quantity: Quantity,
        rules: CartRules,
    ) -> Result<ChangeCart<ItemRefusal>, StoreError> {
        let id = id.clone();
        Ok(unit!(self, add_item(owner, &id, &offer, quantity, &rules))?)
    }

    /// Sets how many pieces of a product are in a cart. Of one that is not sold any more (`offer` is `None`) there can be
    /// fewer.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn change_item(
        &self,
        owner: CartOwner,
        id: &CartId,
        sku: Sku,
        offer: Option<Offer>,
        quantity: Quantity,
        rules: CartRules,
    ) -> Result<ChangeCart<ChangeItemRefusal>, StoreError> {
        let id = id.clone();
        Ok(unit!(self, change_item(owner, &id, &sku, offer.as_ref(), quantity, &rules))?)
    }

    /// Takes a product out of a cart. Refused where it is not in it.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn delete_item(
        &self,
        owner: CartOwner,
        id: &CartId,
        sku: Sku,
        rules: CartRules,
    ) -> Result<ChangeCart<()>, StoreError> {
        let id = id.clone();
        Ok(unit!(self, delete_item(owner, &id, &sku, &rules))?)
    }
}

/// What is to be done to a cart; refuses before anything is changed.
pub(crate) type Decide<'a, R> = &'a dyn Fn(&mut Cart) -> Result<(), R>;

on_both! {
    use [customers::{lock_customer}, guest_carts::{take_back}];

    /// A cart, whoever it belongs to.
    pub(crate) fn find_stored_cart(connection: &mut Connection, id: &CartId) -> Unit<Option<StoredCart>> {
        Ok(load_carts!(connection, carts::uuid.eq(id.as_str())).pop())
    }

    /// A customer's carts, oldest first.
    pub(crate) fn list_customer_carts(connection: &mut Connection, customer: i64) -> Unit<Vec<StoredCart>> {
        Ok(load_carts!(connection, carts::customer_id.eq(customer)))
    }

    /// Writes a new cart with its items, whose guest or customer must have room for it.
    pub(crate) fn insert_cart(connection: &mut Connection, owner: CartOwner, cart: &Cart, now: Timestamp) -> Unit<()> {
        let (customer, guest) = match &owner {
            CartOwner::Customer(customer) => (Some(customer.0), None),
            CartOwner::Guest(guest) => (None, Some(guest.as_bytes())),
        };
        let row: i64 = diesel::insert_into(carts::table)
            .values((
                carts::uuid.eq(cart.id.as_str()),
                carts::customer_id.eq(customer),
                carts::guest.eq(guest),
                carts::name.eq(&cart.name),
                carts::price_mode.eq(cart.price_mode.as_str()),
                carts::currency.eq(cart.currency.as_str()),
                carts::store.eq(&cart.store),
                carts::is_default.eq(cart.is_default),
                carts::version.eq(cart.version),
                carts::created_at.eq(now.as_micros()),
                carts::updated_at.eq(now.as_micros()),
                carts::changed_on.eq(day_of(now)),
            ))
            .returning(carts::id)
            .get_result(connection)?;
        write_items(connection, row, &[], &cart.items)
    }

    /// Makes the items of a cart what they are to be.
    pub(crate) fn write_items(
        connection: &mut Connection,
        row: i64,
        before: &[CartItem],
        after: &[CartItem],
    ) -> Unit<()> {
        let known: HashMap<&Sku, &CartItem> = before.iter().map(|item| (&item.sku, item)).collect();
        let kept: HashSet<&Sku> = after.iter().map(|item| &item.sku).collect();
        for item in after.iter().filter(|item| known.get(&item.sku) != Some(item)) {
            let values = (
                cart_items::quantity.eq(i32::try_from(item.quantity.get()).unwrap_or(i32::MAX)),
                cart_items::unit_price.eq(i64::from(item.unit_price.0)),
                cart_items::tax_rate.eq(i32::from(item.tax_rate.hundredths())),
                cart_items::abstract_sku.eq(item.abstract_sku.as_str()),
            );
            if known.contains_key(&item.sku) {
                planned!(diesel::update(
                    cart_items::table
                        .filter(cart_items::cart_id.eq(row))
                        .filter(cart_items::sku.eq(item.sku.as_str()))
                )
                .set(values)
                .returning(cart_items::id))
                .get_result::<i64>(connection)?;
            } else {
                diesel::insert_into(cart_items::table)
                    .values((cart_items::cart_id.eq(row), cart_items::sku.eq(item.sku.as_str()), values))
                    .execute(connection)?;
            }
        }
        for item in before.iter().filter(|item| !kept.contains(&item.sku)) {
            diesel::delete(cart_items::table)
                .filter(cart_items::cart_id.eq(row))
                .filter(cart_items::sku.eq(item.sku.as_str()))
                .execute(connection)?;
        }
        Ok(())
    }

    /// Writes a cart that was changed, as its next version. `false` when somebody else was quicker.
    pub(crate) fn write_cart(
        connection: &mut Connection,
        stored: &StoredCart,
        cart: &mut Cart,
        now: Timestamp,
    ) -> Unit<bool> {
        cart.version = stored.cart.version.saturating_add(1);
        cart.is_new = false;
        // Later than it was made, by however little: that tells it from a new one.
        let changed_at = now.max(Timestamp::from_micros(stored.updated_at.saturating_add(1)));
        let day = day_of(changed_at);
        let as_read = diesel::update(carts::table.find(stored.row).filter(carts::version.eq(stored.cart.version)));
        let changes = (
            carts::name.eq(&cart.name),
            carts::price_mode.eq(cart.price_mode.as_str()),
            carts::currency.eq(cart.currency.as_str()),
            carts::version.eq(cart.version),
            carts::updated_at.eq(changed_at.as_micros()),
        );
        // The day is indexed: SQLite writes a page of the index even where the day is what it was.
        let written: QueryResult<i64> = if day == day_of(Timestamp::from_micros(stored.updated_at)) {
            planned!(as_read.set(changes).returning(carts::id)).get_result(connection)
        } else {
            planned!(as_read.set((changes, carts::changed_on.eq(day))).returning(carts::id)).get_result(connection)
        };
        let written = written.optional()?;
        if written.is_none() {
            return Ok(false);
        }
        write_items(connection, stored.row, &stored.cart.items, &cart.items)?;
        Ok(true)
    }

    /// Changes a cart of an owner.
    fn change_cart<R>(
        connection: &mut Connection,
        owner: CartOwner,
        id: &CartId,
        rules: &CartRules,
        decide: Decide<'_, R>,
    ) -> Unit<ChangeCart<R>> {
        loop {
            let Some(stored) = find_stored_cart(connection, id)? else { return Ok(ChangeCart::NotFound) };
            match (stored.holding(owner, rules), owner) {
                (Holding::Own, _) => {}
                (Holding::Returned, CartOwner::Guest(guest)) if take_back(connection, &guest, rules)? => continue,
                _ => return Ok(ChangeCart::NotFound),
            }
            let mut cart = stored.cart.clone();
            if let Err(refusal) = decide(&mut cart) {
                return Ok(ChangeCart::Refused(refusal));
            }
            if write_cart(connection, &stored, &mut cart, rules.now)? {
                return Ok(ChangeCart::Changed(cart));
            }
        }
    }

    pub(super) fn insert_customer_cart(
        connection: &mut Connection,
        customer: CustomerId,
        new: &NewCart,
        rules: &CartRules,
    ) -> Unit<InsertCart> {
        if lock_customer(connection, customer.0)?.is_none() {
            return Ok(InsertCart::Gone);
        }
        let own: i64 = carts::table.filter(carts::customer_id.eq(customer.0)).count().get_result(connection)?;
        if own >= rules.max_carts {
            return Ok(InsertCart::Full);
        }
        end_default(connection, customer.0)?;
        let cart = Cart::new(new.clone(), true);
        insert_cart(connection, CartOwner::Customer(customer), &cart, rules.now)?;
        Ok(InsertCart::Inserted(cart))
    }

    /// Makes room for a new default cart.
    pub(crate) fn end_default(connection: &mut Connection, customer: i64) -> Unit<()> {
        diesel::update(carts::table)
            .filter(carts::customer_id.eq(customer))
            .filter(carts::is_default)
            .set((carts::is_default.eq(false), carts::version.eq(carts::version + 1)))
            .execute(connection)?;
        Ok(())
    }

    pub(super) fn update_cart(
        connection: &mut Connection,
        owner: CartOwner,
        id: &CartId,
        changes: &CartChanges,
        tag: Option<&str>,
        offers: &[Offer],
        rules: &CartRules,
    ) -> Unit<ChangeCart<CartRefusal>> {
        change_cart(connection, owner, id, rules, &|cart| {
            if tag.is_some_and(|tag| tag != cart.entity_tag()) {
                return Err(CartRefusal::WrongTag);
            }
            if let Some(price_mode) = changes.price_mode {
                if price_mode != cart.price_mode && !cart.items.is_empty() {
                    return Err(CartRefusal::PriceModeFixed);
                }
                cart.price_mode = price_mode;
            }
            if let Some(currency) = changes.currency {
                cart.change_currency(currency, offers).map_err(CartRefusal::NoPrice)?;
            }
            if let Some(name) = &changes.name {
                cart.name.clone_from(name);
            }
            Ok(())
        })
    }

    pub(super) fn delete_cart(connection: &mut Connection, customer: CustomerId, id: &CartId) -> Unit<DeleteCart> {
        if lock_customer(connection, customer.0)?.is_none() {
            return Ok(DeleteCart::NotFound);
        }
        let own: Vec<(i64, String, bool)> = carts::table
            .filter(carts::customer_id.eq(customer.0))
            .order(carts::id.desc())
            .select((carts::id, carts::uuid, carts::is_default))
            .load(connection)?;
        let Some((row, _, was_default)) = own.iter().find(|(_, uuid, _)| uuid == id.as_str()) else {
            return Ok(DeleteCart::NotFound);
        };
        let Some((newest, ..)) = own.iter().find(|(other, ..)| other != row) else {
            return Ok(DeleteCart::Last);
        };
        diesel::delete(carts::table.find(row)).execute(connection)?;
        if *was_default {
            diesel::update(carts::table.find(newest))
                .set((carts::is_default.eq(true), carts::version.eq(carts::version + 1)))
                .execute(connection)?;
        }
        Ok(DeleteCart::Deleted)
    }

    pub(super) fn add_item(
        connection: &mut Connection,
        owner: CartOwner,
        id: &CartId,
        offer: &Offer,
        quantity: Quantity,
        rules: &CartRules,
    ) -> Unit<ChangeCart<ItemRefusal>> {
        change_cart(connection, owner, id, rules, &|cart| cart.add(offer, quantity, rules.max_items))
    }

    pub(super) fn change_item(
        connection: &mut Connection,
        owner: CartOwner,
        id: &CartId,
        sku: &Sku,
        offer: Option<&Offer>,
        quantity: Quantity,
        rules: &CartRules,
    ) -> Unit<ChangeCart<ChangeItemRefusal>> {
        change_cart(connection, owner, id, rules, &|cart| {
            cart.set_quantity(sku, offer, quantity)
                .map_err(|refusal| refusal.map_or(ChangeItemRefusal::NotInCart, ChangeItemRefusal::Item))
        })
    }

    pub(super) fn delete_item(
        connection: &mut Connection,
        owner: CartOwner,
        id: &CartId,
        sku: &Sku,
        rules: &CartRules,
    ) -> Unit<ChangeCart<()>> {
        change_cart(connection, owner, id, rules, &|cart| if cart.remove(sku) { Ok(()) } else { Err(()) })
    }
}
