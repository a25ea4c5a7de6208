//! The carts of guests: the one they have, what becomes of it when they sign up or log in, and how it comes back.
//!
//! Whatever changes the hands of a guest's carts is serialised by the guest, so that there is one at most; what only changes
//! their content is not. A claim that is removed lets go of its cart by the foreign key, whoever removes it and why: such a
//! cart is *returned*, and is taken back the next time its guest is seen.

use diesel::prelude::*;
use domain::{Cart, CustomerId, GuestId, ItemRefusal, NewCart, Offer, Quantity, Sku};

use crate::StoreError;
use crate::budgets::budget_key;
use crate::cart_rows::{CartRow, ItemRow, StoredCart, day_of, load_carts};
use crate::carts::{CartOwner, CartRules, ChangeCart};
use crate::engine::{Store, on_both, read, unit};
use crate::error::Unit;
use crate::schema::{cart_items, carts, customers};

/// Carts that change hands at once at most, the newest ones: more come together only if somebody makes them on purpose.
const MOST_AT_ONCE: usize = 8;

/// The newest of some carts, oldest first, as they are given.
fn newest(mut rows: Vec<i64>) -> Vec<i64> {
    rows.split_off(rows.len().saturating_sub(MOST_AT_ONCE))
}

/// What stayed in a cart whose items were added to another one.
struct Rest {
    is_empty: bool,
    /// The products that stayed for want of a price.
    unpriced: Vec<Sku>,
}

impl Default for Rest {
    fn default() -> Self {
        Self { is_empty: true, unpriced: Vec::new() }
    }
}

/// What a login does with the cart of the guest who logs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TakeOver {
    /// Its items go to the customer's oldest cart; where there is none it becomes that.
    Merge,
    /// It becomes one more of the customer's, as long as they may have more; else its items go to the oldest one.
    Convert,
}

/// The cart that a guest has at present.
fn find_current(held: Vec<StoredCart>) -> Option<StoredCart> {
    held.into_iter().find(StoredCart::is_current)
}

/// Whether there is a returned cart that can be seen again: as the guest's own, or by adding some of it to that. What finds no
/// room there stays where it is, and is nothing to wait for.
fn can_take_back(held: &[StoredCart], rules: &CartRules) -> bool {
    let mut returned = held.iter().filter(|stored| !stored.is_current());
    match held.iter().find(|stored| stored.is_current()) {
        Some(current) => returned.any(|stored| can_pour(&stored.cart, &current.cart, rules)),
        None => returned.next().is_some(),
    }
}

/// Whether adding one cart to another changes anything: an empty one goes.
fn can_pour(from: &Cart, into: &Cart, rules: &CartRules) -> bool {
    let (mut rest, mut sum) = (from.clone(), into.clone());
    sum.absorb(&mut rest, &[], rules.max_items) || rest.items.is_empty()
}

impl Store {
    /// Puts pieces of a product into a guest's cart, which is made as `new` says where there is none.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn add_guest_item(
        &self,
        guest: GuestId,
        new: NewCart,
        offer: Offer,
        quantity: Quantity,
        rules: CartRules,
    ) -> Result<ChangeCart<ItemRefusal>, StoreError> {
        Ok(unit!(self, add_guest_item(&guest, &new, &offer, quantity, &rules))?)
    }

    /// Gives a customer the cart of the guest who logged in: also one that came back, and one that a claim of this guest on
    /// the customer's own address holds, which can never be confirmed. A cart without items stays where it is. Items that have
    /// no price in the customer's cart (unless `offers` tell it) or find no room there stay with the guest.
    ///
    /// Answers the products that stayed for want of a price.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn take_guest_cart(
        &self,
        customer: CustomerId,
        guest: GuestId,
        how: TakeOver,
        offers: Vec<Offer>,
        rules: CartRules,
    ) -> Result<Vec<Sku>, StoreError> {
        Ok(unit!(self, take_guest_cart(customer, &guest, how, &offers, &rules))?)
    }

    /// The cart of a guest, after what came back to them was taken back.
    pub(crate) async fn find_guest_cart(
        &self,
        guest: GuestId,
        rules: CartRules,
    ) -> Result<Option<StoredCart>, StoreError> {
        let held = read!(self, list_guest_carts(&guest, &rules))?;
        if !can_take_back(&held, &rules) {
            return Ok(find_current(held));
        }
        self.take_back_carts(guest, rules).await?;
        Ok(find_current(read!(self, list_guest_carts(&guest, &rules))?))
    }

    /// Makes returned carts the guest's again.
    pub(crate) async fn take_back_carts(&self, guest: GuestId, rules: CartRules) -> Result<(), StoreError> {
        unit!(self, take_back(&guest, &rules))?;
        Ok(())
    }

    /// How many carts of guests have not been changed for so long that they are gone.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn count_expired_carts(&self, rules: CartRules) -> Result<i64, StoreError> {
        Ok(read!(self, count_expired_carts(&rules))?)
    }

    /// Removes at most `limit` of them, and says how many.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn delete_expired_carts(&self, rules: CartRules, limit: i64) -> Result<usize, StoreError> {
        Ok(unit!(self, delete_expired_carts(&rules, limit))?)
    }
}

on_both! {
    use [
        budgets::{serialise},
        carts::{end_default, insert_cart, write_cart},
        customers::{lock_customer},
    ];

    /// The cart that a guest has, and those that came back where they are shown, oldest first.
    pub(crate) fn list_guest_carts(
        connection: &mut Connection,
        guest: &GuestId,
        rules: &CartRules,
    ) -> Unit<Vec<StoredCart>> {
        let held = list_held_carts(connection, guest, rules)?;
        Ok(held.into_iter().filter(|stored| stored.is_current() || rules.shows_returned).collect())
    }

    /// The cart that a guest has, and those that came back, oldest first.
    fn list_held_carts(connection: &mut Connection, guest: &GuestId, rules: &CartRules) -> Unit<Vec<StoredCart>> {
        let returned = carts::returns_to.eq(guest.as_bytes()).and(carts::customer_id.is_null());
        let is_held = carts::guest.eq(guest.as_bytes()).or(returned);
        Ok(load_carts!(connection, is_held.and(carts::updated_at.gt(rules.expired_until().as_micros()))))
    }

    pub(super) fn add_guest_item(
        connection: &mut Connection,
        guest: &GuestId,
        new: &NewCart,
        offer: &Offer,
        quantity: Quantity,
        rules: &CartRules,
    ) -> Unit<ChangeCart<ItemRefusal>> {
        loop {
            let held = list_guest_carts(connection, guest, rules)?;
            if can_take_back(&held, rules) && take_back(connection, guest, rules)? {
                continue;
            }
            let current = find_current(held);
            let mut cart = current.as_ref().map_or_else(|| Cart::new(new.clone(), true), |stored| stored.cart.clone());
            if let Err(refusal) = cart.add(offer, quantity, rules.max_items) {
                return Ok(ChangeCart::Refused(refusal));
            }
            let written = match current {
                Some(current) => write_cart(connection, &current, &mut cart, rules.now)?,
                None => insert_guest_cart(connection, guest, &cart, rules)?,
            };
            if written {
                return Ok(ChangeCart::Changed(cart));
            }
        }
    }

    /// Writes the first cart of a guest. `false` when somebody else was quicker.
    fn insert_guest_cart(
        connection: &mut Connection,
        guest: &GuestId,
        cart: &Cart,
        rules: &CartRules,
    ) -> Unit<bool> {
        serialise_guest(connection, guest, rules)?;
        if !make_room(connection, guest, rules)? {
            return Ok(false);
        }
        insert_cart(connection, CartOwner::Guest(*guest), cart, rules.now)?;
        Ok(true)
    }

    /// Clears away the cart of a guest that is gone. `false` when they have one.
    fn make_room(connection: &mut Connection, guest: &GuestId, rules: &CartRules) -> Unit<bool> {
        let own = carts::table.filter(carts::guest.eq(guest.as_bytes()));
        diesel::delete(own)
            .filter(carts::updated_at.le(rules.expired_until().as_micros()))
            .execute(connection)?;
        Ok(own.count().get_result::<i64>(connection)? == 0)
    }

    pub(crate) fn serialise_guest(connection: &mut Connection, guest: &GuestId, rules: &CartRules) -> Unit<()> {
        serialise(connection, &budget_key("guest-cart", &hex::encode(guest.as_bytes())), rules.now)
    }

    /// Locks a cart until the end of the unit, and tells what it is under that lock.
    fn lock_cart(connection: &mut Connection, row: i64) -> Unit<Option<StoredCart>> {
        let locked = diesel::update(carts::table.find(row)).set(carts::version.eq(carts::version)).execute(connection)?;
        if locked == 0 {
            return Ok(None);
        }
        Ok(load_carts!(connection, carts::id.eq(row)).pop())
    }

    /// Makes returned carts the guest's again: the first one as it is where they have none at present, others by adding
    /// them to it. Whether there was anything to do.
    pub(crate) fn take_back(connection: &mut Connection, guest: &GuestId, rules: &CartRules) -> Unit<bool> {
        serialise_guest(connection, guest, rules)?;
        let held = list_guest_carts(connection, guest, rules)?;
        if !can_take_back(&held, rules) {
            return Ok(false);
        }
        let (current, returned): (Vec<_>, Vec<_>) = held.into_iter().partition(StoredCart::is_current);
        let mut returned = returned.into_iter();
        let target = if let Some(current) = current.first() {
            current.row
        } else {
            let Some(first) = returned.next() else { return Ok(false) };
            if !make_room(connection, guest, rules)? {
                return Ok(true);
            }
            diesel::update(carts::table.find(first.row))
                .set((
                    carts::guest.eq(Some(guest.as_bytes())),
                    carts::returns_to.eq(None::<&[u8]>),
                    carts::is_default.eq(true),
                    carts::version.eq(carts::version + 1),
                ))
                .execute(connection)?;
            first.row
        };
        for row in newest(returned.map(|stored| stored.row).collect()) {
            pour(connection, row, target, &[], rules)?;
        }
        Ok(true)
    }

    /// Adds the items of one cart to another, and removes the first once it is empty. What stays in it is answered.
    fn pour(
        connection: &mut Connection,
        source: i64,
        target: i64,
        offers: &[Offer],
        rules: &CartRules,
    ) -> Unit<Rest> {
        let Some(from) = lock_cart(connection, source)? else { return Ok(Rest::default()) };
        let Some(to) = lock_cart(connection, target)? else { return Ok(Rest::default()) };
        let (mut rest, mut sum) = (from.cart.clone(), to.cart.clone());
        let has_moved = sum.absorb(&mut rest, offers, rules.max_items);
        if has_moved {
            write_cart(connection, &to, &mut sum, rules.now)?;
        }
        if rest.items.is_empty() {
            diesel::delete(carts::table.find(source)).execute(connection)?;
        } else if has_moved {
            write_cart(connection, &from, &mut rest, rules.now)?;
        }
        let lacks_price = |sku: &Sku| !rest.is_priced_like(&sum) && offers.iter().all(|offer| offer.sku != *sku);
        let unpriced = rest.items.iter().map(|item| item.sku.clone()).filter(lacks_price).collect();
        Ok(Rest { is_empty: rest.items.is_empty(), unpriced })
    }

    /// Makes a cart a customer's, as the default one.
    fn hand_over(
        connection: &mut Connection,
        row: i64,
        customer: i64,
        returns_to: Option<&GuestId>,
        rules: &CartRules,
    ) -> Unit<()> {
        end_default(connection, customer)?;
        diesel::update(carts::table.find(row))
            .set((
                carts::customer_id.eq(customer),
                carts::guest.eq(None::<&[u8]>),
                carts::returns_to.eq(returns_to.map(GuestId::as_bytes)),
                carts::is_default.eq(true),
                carts::version.eq(carts::version + 1),
                carts::updated_at.eq(rules.now.as_micros()),
                carts::changed_on.eq(day_of(rules.now)),
            ))
            .execute(connection)?;
        Ok(())
    }

    /// The newest carts that a guest filled and that open claims took along with them. The claims are locked: none of them is
    /// confirmed while its cart changes hands. `canonical_email`: only of claims on that address, and only with items.
    fn list_claimed_carts(
        connection: &mut Connection,
        guest: &GuestId,
        canonical_email: Option<&str>,
    ) -> Unit<Vec<i64>> {
        let mut candidates = carts::table
            .inner_join(customers::table)
            .filter(carts::returns_to.eq(guest.as_bytes()))
            .filter(customers::confirmed_at.is_null())
            .filter(customers::anonymised_at.is_null())
            .order(customers::id.desc())
            .limit(i64::try_from(MOST_AT_ONCE).unwrap_or_default())
            .select((carts::id, customers::id))
            .into_boxed();
        if let Some(email) = canonical_email {
            let filled = cart_items::table.filter(cart_items::cart_id.eq(carts::id));
            candidates =
                candidates.filter(customers::email_canonical.eq(email.to_owned())).filter(diesel::dsl::exists(filled));
        }
        let mut candidates: Vec<(i64, i64)> = candidates.load(connection)?;
        // In the order in which a confirmation locks them.
        candidates.reverse();
        let mut rows = Vec::new();
        for (row, claim) in candidates {
            if lock_customer(connection, claim)?.is_some_and(|claim| claim.is_open_claim()) {
                rows.push(row);
            }
        }
        rows.sort_unstable();
        Ok(rows)
    }

    /// Gives a new claim the cart of the guest who signed up, and adds to it what came back and what earlier open claims of the
    /// same guest took along. What cannot be added goes back to the guest.
    ///
    /// The guest is serialised already.
    pub(crate) fn bind_guest_carts(
        connection: &mut Connection,
        claim: i64,
        guest: &GuestId,
        rules: &CartRules,
    ) -> Unit<()> {
        let held = list_held_carts(connection, guest, rules)?;
        let (current, returned): (Vec<_>, Vec<_>) = held.into_iter().partition(StoredCart::is_current);
        let claimed = list_claimed_carts(connection, guest, None)?;
        // One without items is no good to add others to: they may be in another currency.
        let (filled, empty): (Vec<_>, Vec<_>) = current.into_iter().partition(|stored| !stored.cart.items.is_empty());
        let returned = newest(returned.into_iter().map(|stored| stored.row).collect());
        let mut rows = filled.iter().map(|stored| stored.row).chain(returned).chain(claimed);
        let Some(first) = rows.next().or_else(|| empty.first().map(|stored| stored.row)) else { return Ok(()) };
        hand_over(connection, first, claim, Some(guest), rules)?;
        let others: Vec<i64> = rows.chain(empty.iter().map(|stored| stored.row)).filter(|row| *row != first).collect();
        for row in others {
            if !pour(connection, row, first, &[], rules)?.is_empty {
                let back = (carts::customer_id.eq(None::<i64>), carts::version.eq(carts::version + 1));
                diesel::update(carts::table.find(row)).set(back).execute(connection)?;
            }
        }
        Ok(())
    }

    pub(super) fn take_guest_cart(
        connection: &mut Connection,
        customer: CustomerId,
        guest: &GuestId,
        how: TakeOver,
        offers: &[Offer],
        rules: &CartRules,
    ) -> Unit<Vec<Sku>> {
        // In the order in which a sign-up locks them.
        serialise_guest(connection, guest, rules)?;
        let Some(account) = lock_customer(connection, customer.0)? else { return Ok(Vec::new()) };
        let held = list_held_carts(connection, guest, rules)?;
        let filled = held.iter().filter(|stored| !stored.cart.items.is_empty());
        let mut rows = newest(filled.map(|stored| stored.row).collect());
        rows.extend(list_claimed_carts(connection, guest, Some(account.email_canonical()))?);
        let mut unpriced = Vec::new();
        for row in rows {
            let own: Vec<i64> = carts::table
                .filter(carts::customer_id.eq(customer.0))
                .order(carts::id)
                .select(carts::id)
                .load(connection)?;
            let has_room = i64::try_from(own.len()).unwrap_or(i64::MAX) < rules.max_carts;
            match own.first().filter(|_| how == TakeOver::Merge || !has_room) {
                Some(target) => unpriced.extend(pour(connection, row, *target, offers, rules)?.unpriced),
                None => hand_over(connection, row, customer.0, None, rules)?,
            }
        }
        Ok(unpriced)
    }

    pub(super) fn count_expired_carts(connection: &mut Connection, rules: &CartRules) -> Unit<i64> {
        Ok(carts::table
            .filter(carts::customer_id.is_null())
            .filter(carts::changed_on.le(day_of(rules.expired_until())))
            .filter(carts::updated_at.le(rules.expired_until().as_micros()))
            .count()
            .get_result(connection)?)
    }

    pub(super) fn delete_expired_carts(connection: &mut Connection, rules: &CartRules, limit: i64) -> Unit<usize> {
        let day = day_of(rules.expired_until());
        let until = rules.expired_until().as_micros();
        let old = diesel::alias!(carts as old_carts);
        let expired = old
            .filter(old.field(carts::customer_id).is_null())
            .filter(old.field(carts::changed_on).le(day))
            .filter(old.field(carts::updated_at).le(until))
            .limit(limit)
            .select(old.field(carts::id));
        // Looked at again, for its guest or a customer may have come back to it since.
        Ok(diesel::delete(carts::table.filter(carts::id.eq_any(expired)))
            .filter(carts::customer_id.is_null())
            .filter(carts::updated_at.le(until))
            .execute(connection)?)
    }
}
