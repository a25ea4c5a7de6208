//! What the carts of guests and those of customers have in common: what they show, what they take, and what becomes of their
//! items.

use application::{CartForm, Shopper};
use domain::{Cart, CartItem, PriceMode, TaxRate};
use jsonapi::{Identifier, Relationship, Resource};
use serde_json::{Value, json};

use crate::constraints::Constraint::{self, AtMost, GreaterThanZero, Integer, NotBlank, Numeric, Text};
use crate::constraints::Field;
use crate::declaration::{Answer, Attribute, Call, EntityTag, Input, Shape};
use crate::errors::{Code, Refusal};

/// The types of carts of one sort.
#[derive(Clone, Copy, Debug)]
pub(super) struct Types {
    /// A cart.
    pub(super) cart: &'static str,
    /// An item of one, and what their relationship is called.
    pub(super) item: &'static str,
    /// Whether answers with one cart name its state.
    has_entity_tags: bool,
}

/// The carts of customers.
pub(super) const OF_CUSTOMERS: Types = Types { cart: "carts", item: "items", has_entity_tags: true };
/// The carts of guests.
pub(super) const OF_GUESTS: Types = Types { cart: "guest-carts", item: "guest-cart-items", has_entity_tags: false };

/// An example of a cart's id.
pub(super) const EXAMPLE_ID: &str = "6d1b5c1e-8f0e-4d3c-b6a0-0f2c7a9f4e11";
/// An example of an item's id.
pub(super) const EXAMPLE_SKU: &str = "001_25904006";

/// What a cart shows.
pub(super) const CART: &[Attribute] = &[
    Attribute::new("priceMode", Shape::Choice(PRICE_MODES), "\"GROSS_MODE\""),
    Attribute::new("currency", Shape::Text, "\"EUR\""),
    Attribute::new("store", Shape::Text, "\"DE\""),
    Attribute::new("name", Shape::Text, "\"Shopping cart\""),
    Attribute::new("isDefault", Shape::Boolean, "true"),
    Attribute::object(
        "totals",
        &[
            Attribute::nullable("expenseTotal", Shape::Integer, "0"),
            Attribute::nullable("discountTotal", Shape::Integer, "0"),
            Attribute::nullable("taxTotal", Shape::Integer, "1596"),
            Attribute::nullable("subtotal", Shape::Integer, "9999"),
            Attribute::nullable("grandTotal", Shape::Integer, "9999"),
            Attribute::nullable("priceToPay", Shape::Integer, "9999"),
        ],
    ),
    Attribute::list("discounts", &[]),
    Attribute::list("thresholds", &[]),
];

/// What an item shows.
pub(super) const ITEM: &[Attribute] = &[
    Attribute::new("sku", Shape::Text, "\"001_25904006\""),
    Attribute::new("quantity", Shape::Integer, "1"),
    Attribute::new("groupKey", Shape::Text, "\"001_25904006\""),
    Attribute::new("abstractSku", Shape::Text, "\"001\""),
    Attribute::nullable("amount", Shape::Null, "null"),
    Attribute::object(
        "calculations",
        &[
            Attribute::new("unitPrice", Shape::Integer, "9999"),
            Attribute::new("sumPrice", Shape::Integer, "9999"),
            Attribute::new("taxRate", Shape::Number, "19"),
            Attribute::new("unitNetPrice", Shape::Integer, "0"),
            Attribute::new("sumNetPrice", Shape::Integer, "0"),
            Attribute::new("unitGrossPrice", Shape::Integer, "9999"),
            Attribute::new("sumGrossPrice", Shape::Integer, "9999"),
            Attribute::new("unitTaxAmountFullAggregation", Shape::Integer, "1596"),
            Attribute::new("sumTaxAmountFullAggregation", Shape::Integer, "1596"),
            Attribute::new("sumSubtotalAggregation", Shape::Integer, "9999"),
            Attribute::new("unitSubtotalAggregation", Shape::Integer, "9999"),
            Attribute::new("unitProductOptionPriceAggregation", Shape::Integer, "0"),
            Attribute::new("sumProductOptionPriceAggregation", Shape::Integer, "0"),
            Attribute::new("unitDiscountAmountAggregation", Shape::Integer, "0"),
            Attribute::new("sumDiscountAmountAggregation", Shape::Integer, "0"),
            Attribute::new("unitDiscountAmountFullAggregation", Shape::Integer, "0"),
            Attribute::new("sumDiscountAmountFullAggregation", Shape::Integer, "0"),
            Attribute::new("unitPriceToPayAggregation", Shape::Integer, "9999"),
            Attribute::new("sumPriceToPayAggregation", Shape::Integer, "9999"),
        ],
    ),
    Attribute::list("selectedProductOptions", &[]),
];

const PRICE_MODES: &[&str] = &["GROSS_MODE", "NET_MODE"];

const QUANTITY: &[Constraint] = &[NotBlank, Numeric, GreaterThanZero, Integer, AtMost(domain::Quantity::MAX)];

/// What a new item takes.
pub(super) const NEW_ITEM: &[Field] = &[
    Field::required("sku", &[NotBlank, Text]).example("\"001_25904006\""),
    Field::required("quantity", QUANTITY).example("1"),
];

/// What a change of an item takes.
pub(super) const CHANGED_ITEM: &[Field] = &[Field::required("quantity", QUANTITY).example("2")];

/// What a change of a cart takes.
pub(super) const CHANGED_CART: [Field; 3] = [
    Field::optional("priceMode", &[Text]).example("\"GROSS_MODE\""),
    Field::optional("currency", &[Text]).example("\"CHF\""),
    Field::optional("store", &[Text]).example("\"DE\""),
];

/// What a cart is to be. Blanks are nothing.
pub(super) fn form(input: &mut Input) -> CartForm {
    let mut given = |name| input.text(name).filter(|text| !text.trim().is_empty());
    CartForm { price_mode: given("priceMode"), currency: given("currency"), store: given("store"), name: given("name") }
}

/// Puts an item into the cart of that id; without one, into the guest's only one.
pub(super) async fn add_item(
    mut call: Call<'_>,
    types: Types,
    shopper: Shopper<'_>,
    id: Option<&str>,
) -> Result<Answer, Refusal> {
    let sku = call.input.text("sku").unwrap_or_default();
    let quantity = call.input.quantity("quantity").ok_or(Code::Internal)?;
    let added = call.context.application.add_item(shopper, id, &sku, quantity).await;
    let cart = added.map_err(|error| Refusal::of_item(error, Code::ItemNotAdded))?;
    Ok(one(&call, types, &cart, Answer::Created))
}

/// Changes how many pieces there are of the item that the path names.
pub(super) async fn change_item(call: Call<'_>, types: Types, shopper: Shopper<'_>) -> Result<Answer, Refusal> {
    let quantity = call.input.quantity("quantity").ok_or(Code::Internal)?;
    let (id, group_key) = item_of(&call);
    let changed = call.context.application.change_item(shopper, id, group_key, quantity).await;
    let cart = changed.map_err(|error| Refusal::of_item(error, Code::ItemNotUpdated))?;
    Ok(one(&call, types, &cart, Answer::One))
}

/// Takes the item out that the path names.
pub(super) async fn remove_item(call: Call<'_>, shopper: Shopper<'_>) -> Result<Answer, Refusal> {
    let (id, group_key) = item_of(&call);
    call.context.application.delete_item(shopper, id, group_key).await?;
    Ok(Answer::NoContent)
}

/// The cart and the item that the path names. Neither is missing where there is something to change.
fn item_of<'a>(call: &Call<'a>) -> (&'a str, &'a str) {
    (call.parent_id().unwrap_or_default(), call.id().unwrap_or_default())
}

/// Answers with one cart.
pub(super) fn one(call: &Call<'_>, types: Types, cart: &Cart, answer: fn(Resource) -> Answer) -> Answer {
    let (resource, items) = shown(call, types, cart);
    tagged(answer(resource).including(items), types, cart)
}

/// Answers with a collection of carts.
pub(super) fn many(call: &Call<'_>, types: Types, carts: &[Cart]) -> Answer {
    let (resources, items): (Vec<_>, Vec<_>) = carts.iter().map(|cart| shown(call, types, cart)).unzip();
    let answer = Answer::Many(resources).including(items.into_iter().flatten().collect());
    match carts {
        [only] => tagged(answer, types, only),
        _ => answer,
    }
}

fn tagged(answer: Answer, types: Types, cart: &Cart) -> Answer {
    if types.has_entity_tags { answer.tagged(EntityTag(cart.entity_tag())) } else { answer }
}

/// A cart, and its items where they are asked for.
fn shown(call: &Call<'_>, types: Types, cart: &Cart) -> (Resource, Vec<Resource>) {
    let mut resource = call.resource(types.cart, cart.id.to_string(), cart_attributes(cart));
    if !call.query.includes(types.item) {
        return (resource, Vec::new());
    }
    let data = cart.items.iter().map(|item| Identifier { kind: types.item, id: item.sku.to_string() }).collect();
    // There is no path at which the items of a cart could be read without it.
    resource.relationships.push(Relationship { name: types.item, related: None, data });
    (resource, cart.items.iter().map(|item| item_resource(call, types, cart, item)).collect())
}

fn item_resource(call: &Call<'_>, types: Types, cart: &Cart, item: &CartItem) -> Resource {
    let parent = (types.cart, cart.id.as_str());
    let mut resource = call.nested(parent, types.item, item.sku.to_string(), item_attributes(item, cart.price_mode));
    if call.mode.links_only_what_is_there() {
        resource.links = None;
    }
    resource
}

/// All attributes of a cart in their order.
fn cart_attributes(cart: &Cart) -> Vec<(&'static str, Value)> {
    let totals = cart.totals();
    // There are neither, and a cart that nothing was done with does not say so.
    let none = totals.map(|_| 0);
    vec![
        ("priceMode", json!(cart.price_mode.as_str())),
        ("currency", json!(cart.currency.as_str())),
        ("store", json!(cart.store)),
        ("name", json!(cart.name)),
        ("isDefault", json!(cart.is_default)),
        (
            "totals",
            json!({
                "expenseTotal": none,
                "discountTotal": none,
                "taxTotal": totals.map(|totals| totals.tax_total),
                "subtotal": totals.map(|totals| totals.subtotal),
                "grandTotal": totals.map(|totals| totals.grand_total),
                "priceToPay": totals.map(|totals| totals.grand_total),
            }),
        ),
        ("discounts", json!([])),
        ("thresholds", json!([])),
    ]
}

/// All attributes of an item in their order. There are no product options and no discounts.
fn item_attributes(item: &CartItem, mode: PriceMode) -> Vec<(&'static str, Value)> {
    let amounts = item.amounts(mode);
    let [net, gross] = match mode {
        PriceMode::Net => [(amounts.unit_price, amounts.sum_price), (0, 0)],
        PriceMode::Gross => [(0, 0), (amounts.unit_price, amounts.sum_price)],
    };
    vec![
        ("sku", json!(item.sku.as_str())),
        ("quantity", json!(item.quantity.get())),
        ("groupKey", json!(item.sku.as_str())),
        ("abstractSku", json!(item.abstract_sku.as_str())),
        ("amount", Value::Null),
        (
            "calculations",
            json!({
                "unitPrice": amounts.unit_price,
                "sumPrice": amounts.sum_price,
                "taxRate": percent(item.tax_rate),
                "unitNetPrice": net.0,
                "sumNetPrice": net.1,
                "unitGrossPrice": gross.0,
                "sumGrossPrice": gross.1,
                "unitTaxAmountFullAggregation": amounts.unit_tax,
                "sumTaxAmountFullAggregation": amounts.sum_tax,
                "sumSubtotalAggregation": amounts.sum_price,
                "unitSubtotalAggregation": amounts.unit_price,
                "unitProductOptionPriceAggregation": 0,
                "sumProductOptionPriceAggregation": 0,
                "unitDiscountAmountAggregation": 0,
                "sumDiscountAmountAggregation": 0,
                "unitDiscountAmountFullAggregation": 0,
                "sumDiscountAmountFullAggregation": 0,
                "unitPriceToPayAggregation": amounts.unit_price_to_pay,
                "sumPriceToPayAggregation": amounts.sum_price_to_pay,
            }),
        ),
        ("selectedProductOptions", json!([])),
    ]
}

/// 19 for 19 %, 7.7 for 7.7 %.
fn percent(rate: TaxRate) -> Value {
    let hundredths = rate.hundredths();
    if hundredths.is_multiple_of(100) { json!(hundredths / 100) } else { json!(f64::from(hundredths) / 100.0) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{CartId, Currency, NewCart, Offer, Price, Quantity, Sku, UnitPrice};
    use serde_json::Map;

    fn cart(price_mode: PriceMode) -> Cart {
        let new = NewCart {
            id: CartId::parse(EXAMPLE_ID).unwrap(),
            price_mode,
            currency: Currency::parse("EUR").unwrap(),
            store: "DE".to_owned(),
            name: None,
        };
        Cart::new(new, true)
    }

    fn filled(price_mode: PriceMode) -> Cart {
        let mut cart = cart(price_mode);
        let price = |cents| Some(UnitPrice(cents));
        let offer = Offer {
            sku: Sku::parse(EXAMPLE_SKU).unwrap(),
            abstract_sku: Sku::parse("001").unwrap(),
            tax_rate: TaxRate::from_hundredths(1900).unwrap(),
            stock: None,
            prices: vec![Price { currency: cart.currency, gross: price(9999), net: price(8403) }],
        };
        cart.add(&offer, Quantity::new(2).unwrap(), 10).unwrap();
        cart
    }

    fn text(attributes: Vec<(&'static str, Value)>) -> String {
        serde_json::to_string(&jsonapi::Attributes::new(attributes)).unwrap()
    }

    #[test]
    fn attributes_of_a_cart_are_complete_and_in_order() {
        assert_eq!(
            text(cart_attributes(&filled(PriceMode::Gross))),
            r#"{"priceMode":"GROSS_MODE","currency":"EUR","store":"DE","name":"Shopping cart","isDefault":true,"totals":{"expenseTotal":0,"discountTotal":0,"taxTotal":3193,"subtotal":19998,"grandTotal":19998,"priceToPay":19998},"discounts":[],"thresholds":[]}"#
        );
        assert_eq!(
            text(cart_attributes(&cart(PriceMode::Net))),
            r#"{"priceMode":"NET_MODE","currency":"EUR","store":"DE","name":"Shopping cart","isDefault":true,"totals":{"expenseTotal":null,"discountTotal":null,"taxTotal":null,"subtotal":null,"grandTotal":null,"priceToPay":null},"discounts":[],"thresholds":[]}"#
        );
    }

    #[test]
    fn attributes_of_an_item_are_complete_and_in_order() {
        let shown = |mode| text(item_attributes(&filled(mode).items[0], mode));
        assert_eq!(
            shown(PriceMode::Gross),
            r#"{"sku":"001_25904006","quantity":2,"groupKey":"001_25904006","abstractSku":"001","amount":null,"calculations":{"unitPrice":9999,"sumPrice":19998,"taxRate":19,"unitNetPrice":0,"sumNetPrice":0,"unitGrossPrice":9999,"sumGrossPrice":19998,"unitTaxAmountFullAggregation":1596,"sumTaxAmountFullAggregation":3193,"sumSubtotalAggregation":19998,"unitSubtotalAggregation":9999,"unitProductOptionPriceAggregation":0,"sumProductOptionPriceAggregation":0,"unitDiscountAmountAggregation":0,"sumDiscountAmountAggregation":0,"unitDiscountAmountFullAggregation":0,"sumDiscountAmountFullAggregation":0,"unitPriceToPayAggregation":9999,"sumPriceToPayAggregation":19998},"selectedProductOptions":[]}"#
        );
        assert_eq!(
            shown(PriceMode::Net),
            r#"{"sku":"001_25904006","quantity":2,"groupKey":"001_25904006","abstractSku":"001","amount":null,"calculations":{"unitPrice":8403,"sumPrice":16806,"taxRate":19,"unitNetPrice":8403,"sumNetPrice":16806,"unitGrossPrice":0,"sumGrossPrice":0,"unitTaxAmountFullAggregation":1597,"sumTaxAmountFullAggregation":3193,"sumSubtotalAggregation":16806,"unitSubtotalAggregation":8403,"unitProductOptionPriceAggregation":0,"sumProductOptionPriceAggregation":0,"unitDiscountAmountAggregation":0,"sumDiscountAmountAggregation":0,"unitDiscountAmountFullAggregation":0,"sumDiscountAmountFullAggregation":0,"unitPriceToPayAggregation":10000,"sumPriceToPayAggregation":19999},"selectedProductOptions":[]}"#
        );
    }

    #[test]
    fn what_is_declared_is_what_is_shown() {
        fn names(attributes: &[Attribute]) -> Vec<String> {
            let of = |attribute: &Attribute| {
                let members = match attribute.shape {
                    Shape::Object(members) => names(members),
                    _ => Vec::new(),
                };
                [attribute.name.to_owned()].into_iter().chain(members).collect::<Vec<_>>()
            };
            attributes.iter().flat_map(of).collect()
        }
        fn names_shown(attributes: &[(&'static str, Value)]) -> Vec<String> {
            let of = |(name, value): &(&'static str, Value)| {
                let members = value.as_object().into_iter().flat_map(Map::keys).cloned();
                [(*name).to_owned()].into_iter().chain(members).collect::<Vec<_>>()
            };
            attributes.iter().flat_map(of).collect()
        }
        let cart = filled(PriceMode::Gross);
        assert_eq!(names(CART), names_shown(&cart_attributes(&cart)));
        assert_eq!(names(ITEM), names_shown(&item_attributes(&cart.items[0], cart.price_mode)));
        assert_eq!(PRICE_MODES, PriceMode::ALL.map(PriceMode::as_str));
    }

    #[test]
    fn a_tax_rate_is_a_number_of_percent() {
        for (hundredths, expected) in [(1900, "19"), (770, "7.7"), (0, "0"), (1, "0.01"), (10_000, "100")] {
            assert_eq!(percent(TaxRate::from_hundredths(hundredths).unwrap()).to_string(), expected);
        }
    }

    #[test]
    fn blanks_are_nothing() {
        let attributes = json!({"priceMode": "  ", "currency": "", "store": null, "name": " Party "});
        let Value::Object(attributes) = attributes else { panic!("an object") };
        let form = form(&mut Input::new(attributes));
        assert_eq!((form.price_mode, form.currency, form.store), (None, None, None));
        assert_eq!(form.name.as_deref(), Some(" Party "));
    }
}
