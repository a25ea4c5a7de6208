use proptest::prelude::*;

use super::*;
use crate::Price;

fn sku(text: &str) -> Sku {
    Sku::parse(text).unwrap()
}

fn currency(text: &str) -> Currency {
    Currency::parse(text).unwrap()
}

fn pieces(count: u32) -> Quantity {
    Quantity::new(count).unwrap()
}

fn cart() -> Cart {
    let id = CartId::parse("6d1b5c1e-8f0e-4d3c-b6a0-0f2c7a9f4e11").unwrap();
    let (price_mode, currency) = (PriceMode::Gross, currency("EUR"));
    Cart::new(NewCart { id, price_mode, currency, store: "DE".to_owned(), name: None }, true)
}

/// Costs 9999 gross and 8403 net in euros, 11499 gross in francs, at 19 %.
fn camera() -> Offer {
    let price = |cents| Some(UnitPrice(cents));
    Offer {
        sku: sku("camera"),
        abstract_sku: sku("cameras"),
        tax_rate: TaxRate::from_hundredths(1900).unwrap(),
        stock: None,
        prices: vec![
            Price { currency: currency("EUR"), gross: price(9999), net: price(8403) },
            Price { currency: currency("CHF"), gross: price(11499), net: None },
        ],
    }
}

/// Ten books at 2500 gross in euros and at 7 %.
fn book() -> Offer {
    let prices = vec![Price { currency: currency("EUR"), gross: Some(UnitPrice(2500)), net: None }];
    let tax_rate = TaxRate::from_hundredths(700).unwrap();
    Offer { sku: sku("book"), abstract_sku: sku("books"), tax_rate, stock: Some(10), prices }
}

fn lines(cart: &Cart) -> Vec<(&str, u32, u32)> {
    cart.items.iter().map(|item| (item.sku.as_str(), item.quantity.get(), item.unit_price.0)).collect()
}

#[test]
fn what_is_added_again_is_added_up() {
    let mut cart = cart();
    cart.add(&camera(), pieces(2), 10).unwrap();
    cart.add(&book(), pieces(1), 10).unwrap();
    cart.add(&Offer { prices: book().prices, ..camera() }, pieces(3), 10).unwrap();
    assert_eq!(lines(&cart), [("camera", 5, 2500), ("book", 1, 2500)], "at the latest price");
}

#[test]
fn what_does_not_fit_changes_nothing() {
    let mut cart = cart();
    cart.add(&book(), pieces(4), 1).unwrap();
    let before = cart.clone();
    assert_eq!(cart.add(&book(), pieces(7), 1), Err(ItemRefusal::OutOfStock(10)));
    assert_eq!(cart.add(&camera(), pieces(1), 1), Err(ItemRefusal::Full(1)));
    let unlimited = Offer { stock: None, ..book() };
    assert_eq!(cart.add(&unlimited, pieces(Quantity::MAX), 1), Err(ItemRefusal::TooMany));
    let elsewhere = Offer { prices: Vec::new(), ..book() };
    assert_eq!(cart.add(&elsewhere, pieces(1), 1), Err(ItemRefusal::NoPrice(currency("EUR"))));
    assert_eq!(cart, before);
    assert_eq!(cart.add(&book(), pieces(6), 1), Ok(()), "as many as there are");
}

#[test]
fn there_can_always_be_fewer() {
    let mut cart = cart();
    cart.add(&book(), pieces(10), 10).unwrap();
    let dearer = Offer {
        stock: Some(0),
        tax_rate: TaxRate::from_hundredths(1900).unwrap(),
        prices: vec![Price { currency: currency("EUR"), gross: Some(UnitPrice(3000)), net: None }],
        ..book()
    };
    cart.set_quantity(&sku("book"), Some(&dearer), pieces(9)).unwrap();
    assert_eq!(lines(&cart), [("book", 9, 3000)], "sold out, and at today's price");
    assert_eq!(cart.items[0].tax_rate.hundredths(), 1900, "and tax");
    cart.set_quantity(&sku("book"), None, pieces(8)).unwrap();
    assert_eq!(lines(&cart), [("book", 8, 3000)], "not sold any more");
    assert_eq!(cart.set_quantity(&sku("book"), None, pieces(9)), Err(Some(ItemRefusal::NoPrice(currency("EUR")))));
    assert_eq!(cart.set_quantity(&sku("book"), Some(&dearer), pieces(9)), Err(Some(ItemRefusal::OutOfStock(0))));
    assert_eq!(cart.set_quantity(&sku("camera"), Some(&camera()), pieces(1)), Err(None));
    assert_eq!(lines(&cart), [("book", 8, 3000)]);
    assert!(cart.remove(&sku("book")) && !cart.remove(&sku("book")));
}

#[test]
fn another_currency_has_other_prices_or_is_none() {
    let mut cart = cart();
    cart.add(&camera(), pieces(2), 10).unwrap();
    cart.add(&book(), pieces(1), 10).unwrap();
    let before = cart.clone();
    assert_eq!(cart.change_currency(currency("CHF"), &[camera(), book()]), Err(sku("book")));
    assert_eq!(cart.change_currency(currency("CHF"), &[]), Err(sku("camera")));
    assert_eq!(cart.change_currency(currency("EUR"), &[]), Ok(()), "the same one");
    assert_eq!(cart, before);
    cart.remove(&sku("book"));
    cart.change_currency(currency("CHF"), &[camera()]).unwrap();
    assert_eq!((lines(&cart), cart.currency), (vec![("camera", 2, 11499)], currency("CHF")));
}

#[test]
fn two_carts_become_one() {
    let (mut own, mut other) = (cart(), cart());
    own.add(&camera(), pieces(2), 10).unwrap();
    other.add(&camera(), pieces(3), 10).unwrap();
    other.add(&book(), pieces(10), 10).unwrap();
    assert!(own.absorb(&mut other, &[], 10));
    assert_eq!(lines(&own), [("camera", 5, 9999), ("book", 10, 2500)]);
    assert!(other.items.is_empty() && !own.absorb(&mut other, &[], 10));
}

#[test]
fn what_finds_no_room_or_no_price_stays_whole() {
    let filled = || {
        let mut filled = cart();
        filled.add(&camera(), pieces(3), 10).unwrap();
        filled.add(&book(), pieces(1), 10).unwrap();
        filled
    };
    let mut own = cart();
    own.add(&camera(), pieces(Quantity::MAX - 2), 10).unwrap();
    let mut other = filled();
    assert!(!own.absorb(&mut other, &[], 1), "too many of one, no line for the other");
    assert_eq!((own.items.len(), lines(&other)), (1, lines(&filled())));

    let mut francs = Cart { currency: currency("CHF"), ..cart() };
    let mut other = filled();
    assert!(!francs.absorb(&mut other, &[], 10), "no offers");
    assert!(francs.absorb(&mut other, &[camera(), book()], 10));
    assert_eq!(lines(&francs), [("camera", 3, 11499)]);
    assert_eq!(lines(&other), [("book", 1, 2500)], "not sold in francs");

    let mut net = Cart { price_mode: PriceMode::Net, ..cart() };
    let mut other = filled();
    assert!(net.absorb(&mut other, &[camera(), book()], 10));
    assert_eq!((lines(&net), lines(&other)), (vec![("camera", 3, 8403)], vec![("book", 1, 2500)]));
}

#[test]
fn totals_are_those_of_the_lines() {
    let mut cart = cart();
    assert_eq!(cart.totals(), None, "nothing was done with it");
    cart.add(&camera(), pieces(1), 10).unwrap();
    cart.add(&book(), pieces(2), 10).unwrap();
    let totals = Totals { subtotal: 14_999, tax_total: 1_596 + 327, grand_total: 14_999 };
    assert_eq!(cart.totals(), Some(totals));
    let mut net = Cart { price_mode: PriceMode::Net, ..self::cart() };
    net.add(&camera(), pieces(2), 10).unwrap();
    assert_eq!(net.totals(), Some(Totals { subtotal: 16_806, tax_total: 3_193, grand_total: 19_999 }));
    let emptied = Cart { is_new: false, ..self::cart() };
    assert_eq!(emptied.totals(), Some(Totals::default()));
}

#[test]
fn the_dearest_cart_does_not_overflow() {
    let mut cart = Cart { price_mode: PriceMode::Net, ..cart() };
    let item = CartItem {
        sku: sku("x"),
        abstract_sku: sku("x"),
        quantity: pieces(Quantity::MAX),
        unit_price: UnitPrice(u32::MAX),
        tax_rate: TaxRate::from_hundredths(10_000).unwrap(),
    };
    cart.items = vec![item; MAX_ITEMS];
    let line = u64::from(u32::MAX) * 1_000_000;
    let totals = Totals { subtotal: line * 1_000, tax_total: line * 1_000, grand_total: line * 2_000 };
    assert_eq!(cart.totals(), Some(totals));
    assert!(i64::try_from(totals.grand_total).is_ok(), "and can be told in JSON by anybody who reads 64 bits");
}

#[test]
fn a_tag_names_one_state_of_one_cart() {
    let one = cart();
    let tag = one.entity_tag();
    assert!(tag.len() == 32 && tag.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')));
    assert_eq!(tag, Cart { name: "x".to_owned(), ..one.clone() }.entity_tag());
    assert_ne!(tag, Cart { version: 2, ..one.clone() }.entity_tag());
    let other = CartId::parse("6d1b5c1e-8f0e-4d3c-b6a0-0f2c7a9f4e12").unwrap();
    assert_ne!(tag, Cart { id: other, ..one }.entity_tag());
}

#[test]
fn guests_are_told_apart_by_every_byte() {
    assert!(GuestId::of(b"").is_none());
    assert_eq!(GuestId::of(b"a"), GuestId::of(b"a"));
    for other in [&b"A"[..], b"a ", &[0xc3, 0xa4], &[0xe4]] {
        assert_ne!(GuestId::of(b"a"), GuestId::of(other));
    }
    assert_ne!(GuestId::of(&[0xff]), GuestId::of(&[0xfe]), "UTF-8 or not");
}

proptest! {
    #[test]
    fn merging_conserves_every_product(
        own in proptest::collection::vec((0..6_u32, 1..=Quantity::MAX), 0..6),
        other in proptest::collection::vec((0..6_u32, 1..=Quantity::MAX), 0..6),
        max_items in 1..8_usize,
    ) {
        let filled = |lines: &[(u32, u32)]| {
            let mut filled = cart();
            for (product, count) in lines {
                let offer = Offer { sku: sku(&format!("p{product}")), ..camera() };
                // What does not fit is not in it.
                let _ = filled.add(&offer, pieces(*count), MAX_ITEMS);
            }
            filled
        };
        let count = |carts: [&Cart; 2], product: u32| -> u64 {
            let wanted = sku(&format!("p{product}"));
            carts.iter().filter_map(|cart| cart.item(&wanted)).map(|item| u64::from(item.quantity.get())).sum()
        };
        let (mut one, mut rest) = (filled(&own), filled(&other));
        let before: Vec<u64> = (0..6).map(|product| count([&one, &rest], product)).collect();
        let lines_before = one.items.len();
        let moved = one.absorb(&mut rest, &[], max_items);
        let after: Vec<u64> = (0..6).map(|product| count([&one, &rest], product)).collect();
        prop_assert_eq!(&before, &after);
        prop_assert!(one.items.len() <= max_items.max(lines_before));
        prop_assert!(moved || one == filled(&own));
    }
}
