//! What happens in an interleaving: steps, made by chance and made fewer where they fail.

use crate::model::{ADDRESSES, Cart, GUESTS, Holder, Model, PRODUCTS};

/// What holds in a shop.
#[derive(Clone, Copy, Debug)]
pub struct Shop {
    /// Lines in one cart at most.
    pub max_items: usize,
    /// Carts of one customer at most.
    pub max_carts: usize,
    /// Whether a login adds the guest's items to a cart of the customer's, instead of the cart to their carts.
    pub merges: bool,
    /// Whether a sign-up on an address that has an owner looks like any other; then guests do not see what came back, either.
    pub hide_taken: bool,
}

/// Whose cart is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// A guest's.
    Guest(usize),
    /// That of whoever owns an address.
    Customer(usize),
}

/// What somebody does. Carts and claims go by the number of the step that made them, so that steps can be left out.
#[derive(Clone, Copy, Debug)]
pub enum Deed {
    AddFirst { guest: usize, product: usize, pieces: u32 },
    Add { who: Who, cart: u32, product: usize, pieces: u32 },
    Change { who: Who, cart: u32, product: usize, pieces: u32 },
    Remove { who: Who, cart: u32, product: usize },
    Register { address: usize, guest: Option<usize> },
    Mail { claim: u32 },
    Confirm { claim: u32 },
    LogIn { address: usize, guest: Option<usize> },
    NewCart { address: usize },
    DropCart { address: usize, cart: u32 },
    List { who: Who },
}

/// A deed and its number.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    pub number: u32,
    pub deed: Deed,
}

/// Chance that can be had again (`SplitMix64`).
pub struct Chance(u64);

impl Chance {
    /// That of one interleaving of a run.
    pub const fn new(seed: u64, index: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(index.wrapping_mul(0xd129_0dbe_50b3_52d5)))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// One of `0..count`.
    pub fn below(&mut self, count: usize) -> usize {
        let count = u64::try_from(count).unwrap();
        usize::try_from(self.next() % count).unwrap()
    }

    /// Once in so many times.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// One of these.
    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

impl Shop {
    /// Any kind of shop.
    pub fn any(chance: &mut Chance) -> Self {
        let (max_carts, merges) = chance.pick(&[(1, true), (1, true), (3, true), (3, false)]);
        let max_items = if chance.once_in(2) { PRODUCTS - 1 } else { 500 };
        Self { max_items, max_carts, merges, hide_taken: chance.once_in(3) }
    }
}

/// An interleaving of `count` steps. Most make sense where they stand: a model runs along.
pub fn generate(shop: Shop, count: u32, chance: &mut Chance) -> Vec<Step> {
    let mut model = Model::new(shop);
    let mut steps: Vec<Step> = Vec::new();
    for number in 1..=count {
        let again = steps.last().filter(|_| chance.once_in(8)).map(|step| step.deed);
        let deed = again.unwrap_or_else(|| any_deed(&model, chance));
        let step = Step { number, deed };
        model.apply(&step);
        steps.push(step);
    }
    steps
}

fn any_deed(model: &Model, chance: &mut Chance) -> Deed {
    let guest = any_guest(model, false, chance);
    let product = chance.below(PRODUCTS);
    let pieces = chance.pick(&[1, 2, 3, 600_000]);
    let add_first = Deed::AddFirst { guest, product, pieces };
    let sign_up = any_sign_up(model, chance);
    let claim = any_claim(model, chance);
    let confirmed: Vec<usize> = (0..ADDRESSES).filter(|address| model.owner_of(*address).is_some()).collect();
    let owned = (!confirmed.is_empty()).then(|| chance.pick(&confirmed));
    let (who, cart, line) = any_cart(model, chance).unwrap_or((Who::Guest(guest), 1, product));
    match (chance.below(100), claim, owned) {
        (0..22, ..) => add_first,
        (22..27, ..) => Deed::Add { who, cart, product, pieces },
        (27..32, ..) => Deed::Change { who, cart, product: line, pieces },
        (32..35, ..) => Deed::Remove { who, cart, product: line },
        (35..52, ..) => sign_up,
        (52..70, Some(claim), _) => Deed::Confirm { claim },
        (70..72, Some(claim), _) => Deed::Mail { claim },
        (72..75, ..) => Deed::List { who: Who::Guest(guest) },
        (75..92, _, Some(address)) => Deed::LogIn { address, guest: (!chance.once_in(8)).then_some(guest) },
        (92..95, _, Some(address)) => Deed::NewCart { address },
        (95..98, _, Some(address)) => {
            Deed::DropCart { address, cart: any_cart_of(model, address, chance).unwrap_or(cart) }
        }
        (98.., _, Some(address)) => Deed::List { who: Who::Customer(address) },
        _ if chance.once_in(2) => sign_up,
        _ => add_first,
    }
}

/// A guest, most often one who has a cart, or one who has none.
fn any_guest(model: &Model, with_cart: bool, chance: &mut Chance) -> usize {
    let is_meant = |guest: &usize| model.carts.iter().any(|cart| cart.holder == Holder::Guest(*guest)) == with_cart;
    let meant: Vec<usize> = (0..GUESTS).filter(is_meant).collect();
    if meant.is_empty() || chance.once_in(3) { chance.below(GUESTS) } else { chance.pick(&meant) }
}

/// A sign-up, most often of a guest with a cart, on an address on which somebody else has signed up.
fn any_sign_up(model: &Model, chance: &mut Chance) -> Deed {
    let guest = any_guest(model, true, chance);
    let contended: Vec<usize> = open_claims(model).filter_map(|claim| model.address_of(claim)).collect();
    let is_anywhere = contended.is_empty() || chance.once_in(4);
    let address = if is_anywhere { chance.below(ADDRESSES) } else { chance.pick(&contended) };
    Deed::Register { address, guest: (!chance.once_in(8)).then_some(guest) }
}

/// A claim that is still open, most often one that has a rival; seldom one that is not open any more.
fn any_claim(model: &Model, chance: &mut Chance) -> Option<u32> {
    let open: Vec<u32> = open_claims(model).collect();
    let has_rival = |claim: &u32| {
        let address = model.address_of(*claim);
        open.iter().filter(|other| model.address_of(**other) == address).count() > 1
    };
    let contended: Vec<u32> = open.iter().copied().filter(has_rival).collect();
    let any: Vec<u32> = model.claims().map(|(claim, _)| claim).collect();
    let from = match chance.below(8) {
        0 => any,
        1 | 2 => open,
        _ => contended,
    };
    (!from.is_empty()).then(|| chance.pick(&from))
}

fn open_claims(model: &Model) -> impl Iterator<Item = u32> {
    model.claims().filter(|(_, is_open)| *is_open).map(|(claim, _)| claim)
}

/// A cart of the customer on an address.
fn any_cart_of(model: &Model, address: usize, chance: &mut Chance) -> Option<u32> {
    let customer = model.owner_of(address)?;
    let is_theirs = |cart: &&Cart| matches!(cart.holder, Holder::Customer(holder, _) if holder == customer);
    let carts: Vec<u32> = model.carts.iter().filter(is_theirs).map(|cart| cart.number).collect();
    (!carts.is_empty()).then(|| chance.pick(&carts))
}

/// A cart, most often with somebody who may use it and a product that is in it.
fn any_cart(model: &Model, chance: &mut Chance) -> Option<(Who, u32, usize)> {
    if model.carts.is_empty() {
        return None;
    }
    let cart = &model.carts[chance.below(model.carts.len())];
    let anybody = chance.pick(&[Who::Guest(0), Who::Guest(1), Who::Customer(0), Who::Customer(1)]);
    let who = match cart.holder {
        _ if chance.once_in(6) => anybody,
        Holder::Guest(guest) | Holder::Returned(guest) => Who::Guest(guest),
        Holder::Customer(customer, guest) => match model.address_of(customer) {
            Some(address) if model.owner_of(address) == Some(customer) => Who::Customer(address),
            _ => Who::Guest(guest.unwrap_or_default()),
        },
    };
    let is_any = cart.lines.is_empty() || chance.once_in(8);
    let product = if is_any { chance.below(PRODUCTS) } else { chance.pick(&cart.lines).0 };
    Some((who, cart.number, product))
}
