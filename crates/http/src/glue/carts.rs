//! `carts`: the carts of a customer; one, or several where the shop is so.

use application::{Caller, Shopper};

use super::cart_shapes::{self, CART, CHANGED_CART, EXAMPLE_ID, OF_CUSTOMERS};
use crate::constraints::Constraint::{self, MaxLength, NotBlank, Printable, Text};
use crate::constraints::Field;
use crate::declaration::{Access, Answer, Call, Declaration, EntityTag, Operation, Ownership, Pending, Success, Verb};
use crate::errors::{Code, Refusal, about};

/// The resource in a shop where a customer has one cart.
pub(super) static CARTS: Declaration = declare(OF_ONE);
/// The resource in a shop where customers can have several, which they name.
pub(super) static SEVERAL_CARTS: Declaration = declare(OF_SEVERAL);

const fn declare(operations: &'static [Operation]) -> Declaration {
    Declaration {
        kind: OF_CUSTOMERS.cart,
        parents: &[],
        summary: "Carts of customers",
        attributes: CART,
        relationships: &[OF_CUSTOMERS.item],
        example_id: Some(EXAMPLE_ID),
        shows: None,
        operations,
    }
}

const OF_ONE: &[Operation] = &operations(NEW_ONE, ONE_REFUSALS);
const OF_SEVERAL: &[Operation] = &operations(NEW_OF_SEVERAL, SEVERAL_REFUSALS);

const fn operations(new: &'static [Field], new_refusals: &'static [Code]) -> [Operation; 4] {
    [
        Operation {
            verb: Verb::Get,
            summary: "Read one's own carts, oldest first",
            fields: &[],
            refusals: &[Code::CustomerNotFound, Code::CartNotFound],
            answers: Success::OneOrMany,
            access: Access::Token { ownership: Ownership::Any, handler: read },
        },
        Operation {
            verb: Verb::Post,
            summary: "Open a cart, which becomes the default one",
            fields: new,
            refusals: new_refusals,
            answers: Success::Created,
            access: Access::Token { ownership: Ownership::Any, handler: open },
        },
        Operation {
            verb: Verb::Patch,
            summary: "Change a cart of one's own; in another currency its items have other prices",
            fields: CHANGES,
            refusals: &[
                Code::CustomerNotFound,
                Code::EntityTagWrong,
                Code::PriceModeIncorrect,
                Code::CurrencyIncorrect,
                Code::StoreInvalid,
                Code::PriceModeFixed,
                Code::ProductRefused,
            ],
            answers: Success::One,
            access: Access::Tagged(change),
        },
        Operation {
            verb: Verb::Delete,
            summary: "Remove a cart of one's own that is not the last",
            fields: &[],
            refusals: &[Code::CustomerNotFound, Code::CartNotFound, Code::CartNotDeleted],
            answers: Success::NoContent,
            access: Access::Token { ownership: Ownership::Any, handler: remove },
        },
    ]
}

const NEW_ONE: &[Field] = &fields_of_new(false);
const NEW_OF_SEVERAL: &[Field] = &fields_of_new(true);

const fn fields_of_new(is_one_of_several: bool) -> [Field; 4] {
    let name = if is_one_of_several { Field::required("name", NAME_AMONG_SEVERAL) } else { NAME };
    [
        Field::required("priceMode", CHOSEN).example("\"GROSS_MODE\""),
        Field::required("currency", CHOSEN).example("\"EUR\""),
        Field::required("store", CHOSEN).example("\"DE\""),
        name.example("\"Party\""),
    ]
}

const CHANGES: &[Field] = &[CHANGED_CART[0], CHANGED_CART[1], CHANGED_CART[2], NAME.example("\"Party\"")];

const CHOSEN: &[Constraint] = &[NotBlank, Text];
const NAME: Field = Field::optional("name", &[MaxLength(255), Printable]);
const NAME_AMONG_SEVERAL: &[Constraint] = &[NotBlank, MaxLength(255), Printable];

const ONE_REFUSALS: &[Code] = &new_refusals(Code::CartExists);
const SEVERAL_REFUSALS: &[Code] = &new_refusals(Code::CartNotCreated);

const fn new_refusals(too_many: Code) -> [Code; 7] {
    [
        Code::PriceModeMissing,
        Code::CurrencyMissing,
        Code::CustomerNotFound,
        Code::PriceModeIncorrect,
        Code::CurrencyIncorrect,
        Code::StoreInvalid,
        too_many,
    ]
}

fn read(call: Call<'_>, caller: Caller) -> Pending<'_, Result<Answer, Refusal>> {
    Box::pin(async move {
        let application = &call.context.application;
        if let Some(id) = call.id() {
            let cart = application.find_cart(Shopper::Customer(&caller), id).await?;
            return Ok(cart_shapes::one(&call, OF_CUSTOMERS, &cart, Answer::One));
        }
        let carts = application.list_carts(Shopper::Customer(&caller)).await?;
        Ok(cart_shapes::many(&call, OF_CUSTOMERS, &carts))
    })
}

fn open(mut call: Call<'_>, caller: Caller) -> Pending<'_, Result<Answer, Refusal>> {
    Box::pin(async move {
        let form = cart_shapes::form(&mut call.input);
        // They are there, but they may be blanks.
        for (given, attribute, otherwise) in [
            (&form.price_mode, "priceMode", Code::PriceModeMissing),
            (&form.currency, "currency", Code::CurrencyMissing),
            (&form.store, "store", Code::StoreInvalid),
        ] {
            if given.is_none() {
                return Err(about(attribute, [otherwise]));
            }
        }
        let cart = call.context.application.insert_cart(&caller, form).await?;
        Ok(cart_shapes::one(&call, OF_CUSTOMERS, &cart, Answer::Created))
    })
}

fn change(mut call: Call<'_>, caller: Caller, known: EntityTag) -> Pending<'_, Result<Answer, Refusal>> {
    Box::pin(async move {
        let form = cart_shapes::form(&mut call.input);
        let id = call.id().unwrap_or_default();
        let shopper = Shopper::Customer(&caller);
        let cart = call.context.application.update_cart(shopper, id, form, Some(&known.0)).await?;
        Ok(cart_shapes::one(&call, OF_CUSTOMERS, &cart, Answer::One))
    })
}

fn remove(call: Call<'_>, caller: Caller) -> Pending<'_, Result<Answer, Refusal>> {
    Box::pin(async move {
        call.context.application.delete_cart(&caller, call.id().unwrap_or_default()).await?;
        Ok(Answer::NoContent)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_cart_has_a_name_where_there_are_several() {
        let rows = |declaration: &Declaration| {
            let post = declaration.operations.iter().find(|operation| operation.verb == Verb::Post).unwrap();
            post.fields.iter().map(|field| (field.name, field.required)).collect::<Vec<_>>()
        };
        let expected =
            |name_required| [("priceMode", true), ("currency", true), ("store", true), ("name", name_required)];
        assert_eq!(rows(&CARTS), expected(false));
        assert_eq!(rows(&SEVERAL_CARTS), expected(true));
        assert!(CHANGES.iter().all(|field| !field.required));
    }
}
