//! `carts` below `customers`: the same carts, reached by their owner.

use application::{Caller, Shopper};

use super::cart_shapes::{self, EXAMPLE_ID, OF_CUSTOMERS};
use super::carts::CARTS;
use crate::declaration::{Access, Answer, Call, Declaration, Operation, Ownership, Pending, Success, Verb};
use crate::errors::{Code, Refusal};

/// The resource. What is in the collection stands at the top, where it is read and changed.
pub(super) static CUSTOMER_CARTS: Declaration = Declaration {
    kind: OF_CUSTOMERS.cart,
    parents: &["customers"],
    summary: "Carts of customers",
    attributes: &[],
    relationships: &[],
    example_id: Some(EXAMPLE_ID),
    shows: Some(&CARTS),
    operations: &[Operation {
        verb: Verb::Get,
        summary: "Read one's own carts, oldest first",
        fields: &[],
        refusals: &[Code::CustomerNotFound],
        answers: Success::Many,
        access: Access::Token { ownership: Ownership::Caller { otherwise: Code::CartsUnauthorized }, handler: read },
    }],
};

fn read(call: Call<'_>, caller: Caller) -> Pending<'_, Result<Answer, Refusal>> {
    Box::pin(async move {
        if call.id().is_some() {
            return Err(Code::NotFound.into());
        }
        let carts = call.context.application.list_carts(Shopper::Customer(&caller)).await?;
        Ok(cart_shapes::many(&call, OF_CUSTOMERS, &carts))
    })
}
