//! `guest-cart-items`: what is in the cart of a guest. All but a removal answers with the cart.

use application::Shopper;
use domain::GuestId;

use super::cart_shapes::{self, CHANGED_ITEM, EXAMPLE_SKU, ITEM, NEW_ITEM, OF_GUESTS};
use super::guest_carts::GUEST_CARTS;
use crate::declaration::{Access, Answer, Call, Declaration, Operation, Pending, Success, Verb};
use crate::errors::{Code, Refusal};

/// The resource below its cart.
pub(super) static GUEST_CART_ITEMS: Declaration = Declaration {
    kind: OF_GUESTS.item,
    parents: &[OF_GUESTS.cart],
    summary: "Items in the carts of guests",
    attributes: ITEM,
    relationships: &[],
    example_id: Some(EXAMPLE_SKU),
    shows: Some(&GUEST_CARTS),
    operations: &[
        Operation {
            verb: Verb::Post,
            summary: "Put a product into one's own cart as a guest; answers with the cart",
            fields: NEW_ITEM,
            refusals: &[Code::CartIdMissing, Code::CartNotFound, Code::ProductRefused, Code::ItemNotAdded],
            answers: Success::Created,
            access: Access::Guest(add),
        },
        Operation {
            verb: Verb::Patch,
            summary: "Change how many pieces there are of an item as a guest; answers with the cart",
            fields: CHANGED_ITEM,
            refusals: &[Code::CartNotFound, Code::ItemNotFound, Code::ProductRefused, Code::ItemNotUpdated],
            answers: Success::One,
            access: Access::Guest(change),
        },
        Operation {
            verb: Verb::Delete,
            summary: "Take an item out of one's own cart as a guest",
            fields: &[],
            refusals: &[Code::CartNotFound, Code::ItemNotFound],
            answers: Success::NoContent,
            access: Access::Guest(remove),
        },
    ],
};

/// The resource by itself: a guest has one cart, which need not be named and is made on first use.
pub(super) static ITEMS_OF_THE_CART: Declaration = Declaration {
    kind: OF_GUESTS.item,
    parents: &[],
    summary: "Items in the carts of guests",
    attributes: &[],
    relationships: &[],
    example_id: Some(EXAMPLE_SKU),
    shows: Some(&GUEST_CARTS),
    operations: &[Operation {
        verb: Verb::Post,
        summary: "Put a product into one's own cart as a guest, which is made on first use; answers with the cart",
        fields: NEW_ITEM,
        refusals: &[Code::ProductRefused, Code::ItemNotAdded],
        answers: Success::Created,
        access: Access::Guest(add_to_the_cart),
    }],
};

fn add_to_the_cart(call: Call<'_>, guest: GuestId) -> Pending<'_, Result<Answer, Refusal>> {
    Box::pin(cart_shapes::add_item(call, OF_GUESTS, Shopper::Guest(guest), None))
}

fn add(call: Call<'_>, guest: GuestId) -> Pending<'_, Result<Answer, Refusal>> {
    Box::pin(async move {
        let id = call.parent_id().ok_or(Code::CartIdMissing)?;
        cart_shapes::add_item(call, OF_GUESTS, Shopper::Guest(guest), Some(id)).await
    })
}

fn change(call: Call<'_>, guest: GuestId) -> Pending<'_, Result<Answer, Refusal>> {
    Box::pin(cart_shapes::change_item(call, OF_GUESTS, Shopper::Guest(guest)))
}

fn remove(call: Call<'_>, guest: GuestId) -> Pending<'_, Result<Answer, Refusal>> {
    Box::pin(cart_shapes::remove_item(call, Shopper::Guest(guest)))
}
