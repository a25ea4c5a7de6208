//! `guest-carts`: the cart of a guest. It is made by putting something in, and nobody removes it by hand.

use application::{CartForm, Shopper};
use domain::GuestId;

use super::cart_shapes::{self, CART, CHANGED_CART, EXAMPLE_ID, OF_GUESTS};
use crate::declaration::{Access, Answer, Call, Declaration, Operation, Pending, Success, Verb};
use crate::errors::{Code, Refusal};

/// The resource.
pub(super) static GUEST_CARTS: Declaration = Declaration {
    kind: OF_GUESTS.cart,
    parents: &[],
    summary: "Carts of guests",
    attributes: CART,
    relationships: &[OF_GUESTS.item],
    example_id: Some(EXAMPLE_ID),
    shows: None,
    operations: &[
        Operation {
            verb: Verb::Get,
            summary: "Read one's own cart as a guest; there is one at most",
            fields: &[],
            refusals: &[Code::CartNotFound],
            answers: Success::OneOrMany,
            access: Access::Guest(read),
        },
        Operation {
            verb: Verb::Patch,
            summary: "Change the currency or the price mode of one's own cart as a guest",
            fields: &CHANGED_CART,
            refusals: &[
                Code::CartNotFound,
                Code::PriceModeIncorrect,
                Code::CurrencyIncorrect,
                Code::StoreInvalid,
                Code::PriceModeFixed,
                Code::ProductRefused,
            ],
            answers: Success::One,
            access: Access::Guest(change),
        },
    ],
};

fn read(call: Call<'_>, guest: GuestId) -> Pending<'_, Result<Answer, Refusal>> {
    Box::pin(async move {
        let application = &call.context.application;
        if let Some(id) = call.id() {
            let cart = application.find_cart(Shopper::Guest(guest), id).await?;
            return Ok(cart_shapes::one(&call, OF_GUESTS, &cart, Answer::One));
        }
        let carts = application.list_carts(Shopper::Guest(guest)).await?;
        Ok(cart_shapes::many(&call, OF_GUESTS, &carts))
    })
}

fn change(mut call: Call<'_>, guest: GuestId) -> Pending<'_, Result<Answer, Refusal>> {
    Box::pin(async move {
        // A guest has one cart, which needs no name.
        let form = CartForm { name: None, ..cart_shapes::form(&mut call.input) };
        let id = call.id().unwrap_or_default();
        let cart = call.context.application.update_cart(Shopper::Guest(guest), id, form, None).await?;
        Ok(cart_shapes::one(&call, OF_GUESTS, &cart, Answer::One))
    })
}
