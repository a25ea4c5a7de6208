//! Step by step: after each one carts are exactly what the model says they are.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use testkit::Engine;
use tokio::sync::Mutex;

use crate::ground::Ground;
use crate::model::{Model, Moves};
use crate::script::{Chance, Shop, Step, generate};
use crate::world::{HAS_NO_END, Row, World};
use crate::{interleavings, seed};

/// Interleavings under way at once in one database.
const TASKS: usize = 64;

/// Interleavings that share a database until it is looked through and cleared.
const ROUND: u64 = 500;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_sqlite() {
    run(Engine::Sqlite, interleavings(100_000), 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgres() {
    run(Engine::Postgres, interleavings(2_000), 1).await;
}

/// An interleaving that did not go as it was to.
struct Failure {
    index: u64,
    what: String,
}

/// Carts by UUID, as they must be.
type Expected = BTreeMap<String, Row>;

/// What was done so far.
#[derive(Default)]
struct Done {
    interleavings: u64,
    steps: usize,
    moves: Moves,
}

async fn run(engine: Engine, count: u64, databases: usize) {
    let begun = Instant::now();
    let next = Arc::new(AtomicU64::new(0));
    let done = Arc::new(Mutex::new(Done::default()));
    let mut tasks = Vec::new();
    for _ in 0..databases {
        let (next, done) = (Arc::clone(&next), Arc::clone(&done));
        tasks.push(tokio::spawn(async move {
            let ground = Arc::new(Ground::open(engine).await);
            loop {
                let first = next.fetch_add(ROUND, Ordering::Relaxed);
                if first >= count {
                    return;
                }
                let failures = round(&ground, first, count.min(first + ROUND), &done).await;
                if !failures.is_empty() {
                    report(engine, failures).await;
                }
                ground.clear();
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let Done { interleavings, steps, moves } = *done.lock().await;
    let seconds = begun.elapsed().as_secs_f64();
    println!("{engine:?}: {interleavings} interleavings of {steps} steps in {seconds:.1} s: {moves:?}");
    assert_eq!(interleavings, count);
    let Moves { bound, rebound, returned, taken_back, handed_over, poured, poured_in_part, kept_out } = moves;
    let kinds = [bound, rebound, returned, taken_back, handed_over, poured, poured_in_part, kept_out];
    assert!(count < 10_000 || kinds.iter().all(|count| *count > 0), "no such thing happened: {moves:?}");
}

/// Interleavings `first..end`, and a look through the database at the end.
async fn round(ground: &Arc<Ground>, first: u64, end: u64, done: &Arc<Mutex<Done>>) -> Vec<Failure> {
    let next = Arc::new(AtomicU64::new(first));
    let expected = Arc::new(Mutex::new(Expected::new()));
    let tasks: Vec<_> = (0..TASKS)
        .map(|_| {
            let (ground, next, expected) = (Arc::clone(ground), Arc::clone(&next), Arc::clone(&expected));
            let done = Arc::clone(done);
            tokio::spawn(async move {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= end {
                        return None;
                    }
                    let (shop, steps) = interleaving(index);
                    match play(&ground, shop, &steps, u32::try_from(index).unwrap(), false).await {
                        Ok((carts, moves)) => {
                            expected.lock().await.extend(carts);
                            let mut done = done.lock().await;
                            done.interleavings += 1;
                            done.steps += steps.len();
                            done.moves = done.moves.plus(moves);
                        }
                        Err(what) => return Some(Failure { index, what }),
                    }
                }
            })
        })
        .collect();
    let mut failures = Vec::new();
    for task in tasks {
        failures.extend(task.await.unwrap());
    }
    if failures.is_empty()
        && let Some(what) = difference(&*expected.lock().await, &ground.carts(""))
    {
        let prefix = what.split('-').next().unwrap_or_default();
        failures.push(Failure { index: u64::from_str_radix(prefix, 16).unwrap(), what });
    }
    failures
}

fn interleaving(index: u64) -> (Shop, Vec<Step>) {
    let mut chance = Chance::new(seed(), index);
    let shop = Shop::any(&mut chance);
    let count = chance.pick(&[6, 8, 10, 12]);
    (shop, generate(shop, count, &mut chance))
}

/// Does the steps, and tells the carts that there must be then; or what is not as it was to be. `looks`: whether all carts
/// are looked at after each step, not only what the step shows.
async fn play(
    ground: &Ground,
    shop: Shop,
    steps: &[Step],
    number: u32,
    looks: bool,
) -> Result<(Expected, Moves), String> {
    let mut model = Model::new(shop);
    let mut world = World::new(ground.store.clone(), shop, number);
    for step in steps {
        let expected = model.apply(step);
        let (outcome, learned) = world.act(step).await?;
        if outcome != expected {
            return Err(format!("{step:?}\n  must come to {expected:?}\n  but comes to {outcome:?}"));
        }
        if let Some(learned) = learned {
            world.learn(learned);
        }
        if looks && let Some(what) = difference(&rows(&model, &world), &ground.carts(&world.prefix())) {
            return Err(format!("after {step:?}: {what}"));
        }
    }
    Ok((rows(&model, &world), model.moves))
}

fn rows(model: &Model, world: &World) -> Expected {
    model.carts.iter().map(|cart| (world.uuid(cart.number), world.row(cart))).collect()
}

/// The first cart that is not as it must be.
fn difference(expected: &Expected, found: &Expected) -> Option<String> {
    let mut uuids = expected.keys().chain(found.keys());
    let uuid = uuids.find(|uuid| expected.get(*uuid) != found.get(*uuid))?;
    Some(format!("{uuid}\n  must be {:?}\n  but is  {:?}", expected.get(uuid), found.get(uuid)))
}

/// Finds an interleaving that fails by itself, leaves out what is not needed for that, and fails.
async fn report(engine: Engine, failures: Vec<Failure>) {
    let mut ground = Ground::open(engine).await;
    let mut number = 0;
    // A step without an end blocks the database, and with it steps of others.
    for Failure { index, what } in failures {
        let (shop, mut steps) = interleaving(index);
        let seed = seed();
        number += 1;
        let Err(mut alone) = play(&ground, shop, &steps, number, true).await else {
            println!("interleaving {index} of seed {seed} goes well by itself, though among others: {what}");
            continue;
        };
        let mut at = steps.len();
        while at > 0 && !alone.ends_with(HAS_NO_END) {
            at -= 1;
            number += 1;
            let mut fewer = steps.clone();
            fewer.remove(at);
            match play(&ground, shop, &fewer, number, true).await {
                Err(what) if what.ends_with(HAS_NO_END) => ground = Ground::open(engine).await,
                Err(what) => (steps, alone) = (fewer, what),
                Ok(_) => {}
            }
        }
        let steps: Vec<String> = steps.iter().map(|step| format!("  {step:?}")).collect();
        panic!("interleaving {index} of seed {seed} in {shop:?}\n{}\n{alone}", steps.join("\n"));
    }
    panic!("interleavings fail only among others");
}
