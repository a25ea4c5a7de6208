//! What happens in an interleaving: steps, made by chance and made fewer where they fail.

use crate::model::{ADDRESSES, GUESTS, Holder, Model, PRODUCTS};

/// What holds in a shop.
#[derive(Clone, Copy, Debug)]
pub struct Shop {
    /// Lines in one cart at most.
    pub max_items: usize,
    /// Carts of one customer at most.
    pub max_carts: usize,
    /// Whether a login adds the guest's items to a cart of the customer's, instead of the cart to their carts.
    pub merges: bool,
    /// Whether a sign-up on an address that has an owner looks like any other.
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

/// Chance that can be had again (SplitMix64).
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
    let guest = chance.below(GUESTS);
    let product = chance.below(PRODUCTS);
    let pieces = chance.pick(&[1, 2, 3, 5, 40, 600_000]);
    let owned: Vec<usize> = (0..ADDRESSES).filter(|address| model.owner_of(*address).is_some()).collect();
    let owner = if owned.is_empty() { chance.below(ADDRESSES) } else { chance.pick(&owned) };
    let add_first = Deed::AddFirst { guest, product, pieces };
    let on_cart = |chance: &mut Chance, make: &dyn Fn(Who, u32) -> Deed| {
        any_cart(model, chance).map_or(add_first, |(who, cart)| make(who, cart))
    };
    match chance.below(100) {
        0..22 => add_first,
        22..30 => on_cart(chance, &|who, cart| Deed::Add { who, cart, product, pieces }),
        30..38 => on_cart(chance, &|who, cart| Deed::Change { who, cart, product, pieces }),
        38..42 => on_cart(chance, &|who, cart| Deed::Remove { who, cart, product }),
        42..60 => any_sign_up(model, guest, chance),
        60..63 => any_claim(model, chance).map_or(add_first, |claim| Deed::Mail { claim }),
        63..77 => any_claim(model, chance).map_or(add_first, |claim| Deed::Confirm { claim }),
        77..80 => Deed::NewCart { address: owner },
        80..82 => on_cart(chance, &|_, cart| Deed::DropCart { address: owner, cart }),
        82..86 => Deed::List { who: chance.pick(&[Who::Guest(guest), Who::Customer(owner)]) },
        _ if owned.is_empty() => add_first,
        _ => Deed::LogIn { address: owner, guest: (!chance.once_in(8)).then_some(guest) },
    }
}

/// A sign-up, most often where somebody else has signed up and nobody has confirmed.
fn any_sign_up(model: &Model, guest: usize, chance: &mut Chance) -> Deed {
    let contended: Vec<usize> = model
        .claims()
        .filter(|(_, is_open)| *is_open)
        .filter_map(|(claim, _)| model.address_of(claim))
        .filter(|address| model.owner_of(*address).is_none())
        .collect();
    let is_anywhere = contended.is_empty() || chance.once_in(4);
    let address = if is_anywhere { chance.below(ADDRESSES) } else { chance.pick(&contended) };
    Deed::Register { address, guest: (!chance.once_in(8)).then_some(guest) }
}

/// A claim, most often one that is still open.
fn any_claim(model: &Model, chance: &mut Chance) -> Option<u32> {
    let wants_open = !chance.once_in(8);
    let claims: Vec<u32> =
        model.claims().filter(|(_, is_open)| *is_open || !wants_open).map(|(number, _)| number).collect();
    (!claims.is_empty()).then(|| chance.pick(&claims))
}

/// A cart, and most often somebody who may use it.
fn any_cart(model: &Model, chance: &mut Chance) -> Option<(Who, u32)> {
    if model.carts.is_empty() {
        return None;
    }
    let cart = &model.carts[chance.below(model.carts.len())];
    let anybody = chance.pick(&[Who::Guest(0), Who::Guest(1), Who::Customer(0), Who::Customer(1)]);
    let who = match cart.holder {
        _ if chance.once_in(5) => anybody,
        Holder::Guest(guest) | Holder::Returned(guest) => Who::Guest(guest),
        Holder::Customer(customer, _) => model.address_of(customer).map_or(anybody, Who::Customer),
    };
    Some((who, cart.number))
}
