//! `items`: what is in a cart of a customer. All but a removal answers with the cart.

use application::{Caller, Shopper};

use super::cart_shapes::{self, CHANGED_ITEM, EXAMPLE_SKU, ITEM, NEW_ITEM, OF_CUSTOMERS};
use super::carts::CARTS;
use crate::declaration::{Access, Answer, Call, Declaration, Operation, Ownership, Pending, Success, Verb};
use crate::errors::{Code, Refusal};

/// The resource.
pub(super) static CART_ITEMS: Declaration = Declaration {
    kind: OF_CUSTOMERS.item,
    parents: &[OF_CUSTOMERS.cart],
    summary: "Items in the carts of customers",
    attributes: ITEM,
    relationships: &[],
    example_id: Some(EXAMPLE_SKU),
    shows: Some(&CARTS),
    operations: &[
        Operation {
            verb: Verb::Post,
            summary: "Put a product into a cart of one's own; answers with the cart",
            fields: NEW_ITEM,
            refusals: &[
                Code::CartIdMissing,
                Code::CustomerNotFound,
                Code::CartNotFound,
                Code::ProductRefused,
                Code::ItemNotAdded,
            ],
            answers: Success::Created,
            access: Access::Token { ownership: Ownership::Any, handler: add },
        },
        Operation {
            verb: Verb::Patch,
            summary: "Change how many pieces there are of an item; answers with the cart",
            fields: CHANGED_ITEM,
            refusals: &[
                Code::CustomerNotFound,
                Code::CartNotFound,
                Code::ItemNotFound,
                Code::ProductRefused,
                Code::ItemNotUpdated,
            ],
            answers: Success::One,
            access: Access::Token { ownership: Ownership::Any, handler: change },
        },
        Operation {
            verb: Verb::Delete,
            summary: "Take an item out of a cart of one's own",
            fields: &[],
            refusals: &[Code::CustomerNotFound, Code::CartNotFound, Code::ItemNotFound],
            answers: Success::NoContent,
            access: Access::Token { ownership: Ownership::Any, handler: remove },
        },
    ],
};

fn add(call: Call<'_>, caller: Caller) -> Pending<'_, Result<Answer, Refusal>> {
    Box::pin(async move {
        let id = call.parent_id().ok_or(Code::CartIdMissing)?;
        cart_shapes::add_item(call, OF_CUSTOMERS, Shopper::Customer(&caller), Some(id)).await
    })
}

fn change(call: Call<'_>, caller: Caller) -> Pending<'_, Result<Answer, Refusal>> {
    Box::pin(async move { cart_shapes::change_item(call, OF_CUSTOMERS, Shopper::Customer(&caller)).await })
}

fn remove(call: Call<'_>, caller: Caller) -> Pending<'_, Result<Answer, Refusal>> {
    Box::pin(async move { cart_shapes::remove_item(call, Shopper::Customer(&caller)).await })
}
