//! Several tabs of two browsers act at the same time, on the same guests, claims and customers. Nobody can say then which
//! cart is whose. But every piece can be told apart: quantities are powers of four, another one each time, so that a sum shows
//! what is in it, how often.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use testkit::Engine;
use tokio::sync::Mutex;

use crate::ground::Ground;
use crate::model::{ADDRESSES, GUESTS, Outcome, PRODUCTS};
use crate::script::{Chance, Deed, Shop, Step, Who};
use crate::world::{Row, World};
use crate::{interleavings, seed};

/// Tabs that act at once.
const TABS: usize = 4;

/// Distinct quantities of a product: the sum of all stays below what a line may have.
const DIGITS: u32 = 10;

/// The product of which pieces are taken out again, too.
const TAKEN_OUT: usize = 1;

/// Worlds under way at once in one database.
const WORLDS: usize = 16;

/// Worlds that share a database until it is cleared.
const ROUND: u64 = 500;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_sqlite() {
    run(Engine::Sqlite, interleavings(5_000)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgres() {
    run(Engine::Postgres, interleavings(500)).await;
}

async fn run(engine: Engine, count: u64) {
    let begun = Instant::now();
    let ground = Arc::new(Ground::open(engine).await);
    let mut steps = 0;
    for first in (0..count).step_by(usize::try_from(ROUND).unwrap()) {
        let (next, end) = (Arc::new(AtomicU64::new(first)), count.min(first + ROUND));
        let tasks: Vec<_> = (0..WORLDS)
            .map(|_| {
                let (ground, next) = (Arc::clone(&ground), Arc::clone(&next));
                tokio::spawn(async move {
                    let mut steps = 0;
                    loop {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        if index >= end {
                            return steps;
                        }
                        steps += play(&ground, index).await;
                    }
                })
            })
            .collect();
        for task in tasks {
            steps += task.await.unwrap();
        }
        ground.clear();
    }
    let seconds = begun.elapsed().as_secs_f64();
    println!("{engine:?}: {count} worlds of {TABS} tabs that act at once, {steps} steps in {seconds:.1} s");
}

/// What the tabs of a world share.
struct Shared {
    world: World,
    /// Whether customers remove carts here, with whatever is in them.
    drops_carts: bool,
    next_step: u32,
    /// Carts that somebody saw.
    carts: BTreeSet<u32>,
    claims: Vec<u32>,
    /// How many quantities of each product were given out.
    digits: [u32; PRODUCTS],
    /// Those of them that were put in.
    put_in: [BTreeSet<u32>; PRODUCTS],
    /// What happened, for whoever must find out why it fails.
    log: Vec<String>,
}

async fn play(ground: &Arc<Ground>, index: u64) -> usize {
    let mut chance = Chance::new(seed(), index);
    let shop = Shop::any(&mut chance);
    let shared = Arc::new(Mutex::new(Shared {
        world: World::new(ground.store.clone(), shop, u32::try_from(index).unwrap()),
        drops_carts: chance.once_in(4),
        next_step: 1,
        carts: BTreeSet::new(),
        claims: Vec::new(),
        digits: [0; PRODUCTS],
        put_in: [const { BTreeSet::new() }; PRODUCTS],
        log: Vec::new(),
    }));
    if chance.once_in(2) {
        begin_with_a_customer(&mut *shared.lock().await).await;
    }
    let tabs: Vec<_> = (0..TABS)
        .map(|tab| {
            let (shared, chance) =
                (Arc::clone(&shared), Chance::new(seed(), index * 1000 + u64::try_from(tab).unwrap()));
            tokio::spawn(use_tab(tab, shared, chance))
        })
        .collect();
    for tab in tabs {
        if let Err(error) = tab.await {
            panic!("in world {index} of seed {}, in {shop:?}\n{error}\n{}", seed(), shared.lock().await.log.join("\n"));
        }
    }
    let shared = shared.lock().await;
    // Again when what came back was taken back.
    for seen in [false, true] {
        if seen {
            for guest in 0..GUESTS {
                let list = Step { number: 0, deed: Deed::List { who: Who::Guest(guest) } };
                shared.world.act(&list).await.unwrap();
            }
        }
        let carts = ground.carts(&shared.world.prefix());
        if let Some(what) = fault(&shared, shop, &carts) {
            let carts: Vec<String> = carts.iter().map(|(uuid, row)| format!("{uuid} {row:?}")).collect();
            let (log, carts) = (shared.log.join("\n"), carts.join("\n"));
            panic!("{what}\nin world {index} of seed {}, in {shop:?}\n{log}\n{carts}", seed());
        }
    }
    shared.log.len()
}

/// Has somebody confirmed and with a cart, so that there is more to log in to.
async fn begin_with_a_customer(shared: &mut Shared) {
    let claim = shared.next_step;
    for deed in [Deed::Register { address: 0, guest: None }, Deed::Confirm { claim }, Deed::NewCart { address: 0 }] {
        let step = Step { number: shared.next_step, deed };
        shared.next_step += 1;
        let (outcome, learned) = shared.world.act(&step).await.unwrap();
        if let Some(learned) = learned {
            shared.world.learn(learned);
        }
        if let Outcome::Cart(cart, _) = outcome {
            shared.carts.insert(cart);
        }
    }
}

async fn use_tab(tab: usize, shared: Arc<Mutex<Shared>>, mut chance: Chance) {
    for _ in 0..chance.pick(&[3, 4, 5, 6]) {
        let (world, step) = {
            let mut shared = shared.lock().await;
            let deed = any_deed(tab, &mut shared, &mut chance);
            let step = Step { number: shared.next_step, deed };
            shared.next_step += 1;
            (shared.world.clone(), step)
        };
        let done = world.act(&step).await;
        let mut shared = shared.lock().await;
        let (outcome, learned) = match done {
            Ok(done) => done,
            Err(what) => panic!("tab {tab}: {what}"),
        };
        shared.log.push(format!("  tab {tab}: {step:?}: {outcome:?}"));
        if let Some(learned) = learned {
            shared.world.learn(learned);
        }
        match (step.deed, &outcome) {
            (Deed::Register { .. }, Outcome::Done) => shared.claims.push(step.number),
            (Deed::AddFirst { product, pieces, .. } | Deed::Add { product, pieces, .. }, Outcome::Cart(_, lines)) => {
                let shown = lines.iter().find(|(own, _)| *own == product).map_or(0, |(_, sum)| sum / pieces % 4);
                assert_eq!(shown, 1, "tab {tab}: {step:?} shows {lines:?}");
                shared.put_in[product].insert(pieces);
            }
            (Deed::Change { product, pieces, .. }, Outcome::Cart(_, lines)) => {
                assert!(lines.contains(&(product, pieces)), "tab {tab}: {step:?} shows {lines:?}");
                shared.put_in[product].insert(pieces);
            }
            _ => {}
        }
        match outcome {
            Outcome::Cart(cart, _) => drop(shared.carts.insert(cart)),
            Outcome::Carts(carts) => shared.carts.extend(carts.into_iter().map(|(cart, _)| cart)),
            _ => {}
        }
    }
}

fn any_deed(tab: usize, shared: &mut Shared, chance: &mut Chance) -> Deed {
    // Two tabs of one browser are one guest.
    let guest = if chance.once_in(10) { chance.below(GUESTS) } else { tab % GUESTS };
    let address = chance.below(ADDRESSES);
    let who = if chance.once_in(3) { Who::Customer(address) } else { Who::Guest(guest) };
    let carts: Vec<u32> = shared.carts.iter().copied().collect();
    let cart = if carts.is_empty() { 1 } else { chance.pick(&carts) };
    let claim = if shared.claims.is_empty() { 0 } else { chance.pick(&shared.claims) };
    let mut piece = |product: usize| {
        let digit = shared.digits[product];
        (digit < DIGITS).then(|| {
            shared.digits[product] += 1;
            4_u32.pow(digit)
        })
    };
    let product = chance.below(PRODUCTS);
    let list = Deed::List { who };
    match chance.below(100) {
        0..28 => piece(product).map_or(list, |pieces| Deed::AddFirst { guest, product, pieces }),
        28..40 => piece(product).map_or(list, |pieces| Deed::Add { who, cart, product, pieces }),
        40..46 => piece(TAKEN_OUT).map_or(list, |pieces| Deed::Change { who, cart, product: TAKEN_OUT, pieces }),
        46..50 => Deed::Remove { who, cart, product: TAKEN_OUT },
        50..66 => Deed::Register { address, guest: Some(guest) },
        66..68 => Deed::Mail { claim },
        68..80 => Deed::Confirm { claim },
        80..92 => Deed::LogIn { address, guest: Some(guest) },
        92..95 => Deed::NewCart { address },
        95..97 if shared.drops_carts => Deed::DropCart { address, cart },
        _ => list,
    }
}

/// What is not as it must be, if anything is.
fn fault(shared: &Shared, shop: Shop, carts: &BTreeMap<String, Row>) -> Option<String> {
    for (product, put_in) in shared.put_in.iter().enumerate() {
        let lines = carts.values().flat_map(|cart| &cart.lines).filter(|(own, _)| *own == product);
        let sum: u32 = lines.map(|(_, pieces)| pieces).sum();
        let may_lack = product == TAKEN_OUT || shared.drops_carts;
        for digit in 0..=DIGITS {
            let pieces = 4_u32.pow(digit);
            let times = if digit == DIGITS { sum / pieces } else { sum / pieces % 4 };
            match (times, put_in.contains(&pieces)) {
                (1, true) | (0, false) => {}
                (0, true) if may_lack => {}
                (times, true) => return Some(format!("{pieces} of product {product} are there {times} times")),
                (_, false) => return Some(format!("nobody put {pieces} of product {product} in")),
            }
        }
    }
    let mut defaults: BTreeMap<i64, (usize, usize)> = BTreeMap::new();
    for (uuid, row) in carts {
        let mut products: Vec<usize> = row.lines.iter().map(|(product, _)| *product).collect();
        products.sort_unstable();
        products.dedup();
        if products.len() < row.lines.len() {
            return Some(format!("{uuid} has two lines of a product"));
        }
        match (row.customer, &row.guest, &row.returns_to) {
            (Some(customer), None, _) => {
                let (count, default) = defaults.entry(customer).or_default();
                *count += 1;
                *default += usize::from(row.is_default);
            }
            (None, Some(_), None) | (None, None, Some(_)) => {}
            _ => return Some(format!("{uuid} is nobody's, or two people's")),
        }
    }
    let mut guests: Vec<_> = carts.values().filter_map(|row| row.guest.as_ref()).collect();
    let count = guests.len();
    guests.sort_unstable();
    guests.dedup();
    if guests.len() < count {
        return Some("a guest has two carts".to_owned());
    }
    let wrong = defaults.iter().find(|(_, (count, default))| *default != 1 || (shop.max_carts == 1 && *count > 1));
    wrong.map(|(customer, (count, default))| format!("customer {customer} has {count} carts, {default} default ones"))
}
