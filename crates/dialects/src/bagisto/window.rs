//! How many calls a storefront or a client has left, counted on this node.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use domain::Timestamp;

/// As many windows are kept at most.
const MAX_WINDOWS: usize = 10_000;

/// As many go where all are open still and another one is to begin: those that end soonest.
const DROPPED_WINDOWS: usize = 1_000;

/// The calls of each caller in its present window.
pub(super) struct Windows<Caller> {
    length: Duration,
    open: Mutex<HashMap<Caller, Window>>,
}

#[derive(Clone, Copy)]
struct Window {
    used: u32,
    ends_at: Timestamp,
}

/// What a call leaves of its key's limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Allowance {
    /// Calls in a window; 0 = any number.
    pub(super) limit: u32,
    /// Calls that are left in this one; none where there may be any number.
    pub(super) remaining: Option<u32>,
    /// Whole seconds until it ends, at least 1; 0 where there may be any number.
    pub(super) reset_seconds: u64,
    /// Whether this call was one too many.
    pub(super) is_exceeded: bool,
}

impl<Caller: Eq + Hash> Windows<Caller> {
    pub(super) fn new(length: Duration) -> Self {
        Self { length, open: Mutex::new(HashMap::new()) }
    }

    /// Counts a call. A limit of 0 means that there may be any number.
    pub(super) fn count(&self, caller: Caller, limit: u32, now: Timestamp) -> Allowance {
        if limit == 0 {
            return Allowance { limit, remaining: None, reset_seconds: 0, is_exceeded: false };
        }
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.len() >= MAX_WINDOWS && !open.contains_key(&caller) {
            make_room(&mut open, now);
        }
        let fresh = Window { used: 0, ends_at: now.plus(self.length) };
        let window = open.entry(caller).or_insert(fresh);
        if window.ends_at <= now {
            *window = fresh;
        }
        window.used = window.used.saturating_add(1);
        let reset = window.ends_at.since(now).as_micros().div_ceil(1_000_000);
        Allowance {
            limit,
            remaining: Some(limit.saturating_sub(window.used)),
            reset_seconds: u64::try_from(reset).unwrap_or(u64::MAX),
            is_exceeded: window.used > limit,
        }
    }
}

/// Forgets the windows that have ended, and where that is not enough those that end soonest.
fn make_room<Caller>(open: &mut HashMap<Caller, Window>, now: Timestamp) {
    open.retain(|_, window| window.ends_at > now);
    if open.len() < MAX_WINDOWS {
        return;
    }
    let mut ends: Vec<Timestamp> = open.values().map(|window| window.ends_at).collect();
    let (sooner, &mut last, _) = ends.select_nth_unstable(DROPPED_WINDOWS - 1);
    let mut at_last = DROPPED_WINDOWS - sooner.iter().filter(|end| **end < last).count();
    open.retain(|_, window| match window.ends_at.cmp(&last) {
        Ordering::Less => false,
        Ordering::Equal if at_last > 0 => {
            at_last -= 1;
            false
        }
        Ordering::Equal | Ordering::Greater => true,
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_micros(milliseconds * 1000)
    }

    #[test]
    fn a_window_begins_with_its_first_call_and_ends_for_good() {
        let windows = Windows::new(Duration::from_secs(60));
        for (now, remaining, reset_seconds, is_exceeded) in [
            (0, 1, 60, false),
            (500, 0, 60, false),
            (1_000, 0, 59, true),
            (59_999, 0, 1, true),
            (60_000, 1, 60, false),
            (200_000, 1, 60, false),
            (200_001, 0, 60, false),
            (200_002, 0, 60, true),
        ] {
            let expected = Allowance { limit: 2, remaining: Some(remaining), reset_seconds, is_exceeded };
            assert_eq!(windows.count(7, 2, at(now)), expected, "{now}");
        }
        assert!(!windows.count(8, 2, at(200_003)).is_exceeded, "each key has its own");
    }

    #[test]
    fn there_are_only_so_many_windows() {
        let windows = Windows::new(Duration::from_secs(60));
        for caller in 0..2 * MAX_WINDOWS {
            windows.count(caller, 1, at(0));
        }
        assert!(windows.open.lock().unwrap().len() <= MAX_WINDOWS);
        windows.count(0, 1, at(60_000));
        for caller in 0..MAX_WINDOWS {
            windows.count(caller, 1, at(60_000));
        }
        assert!(windows.count(1, 1, at(60_001)).is_exceeded, "those that have ended go first");
    }

    #[test]
    fn whoever_fills_the_windows_ends_only_those_that_end_soonest() {
        let windows = Windows::new(Duration::from_secs(60));
        for caller in 0..MAX_WINDOWS {
            // The first half ends a second after the other one.
            let begins = if caller < MAX_WINDOWS / 2 { 1_000 } else { 0 };
            windows.count(caller, 1, at(begins));
        }
        windows.count(MAX_WINDOWS, 1, at(2_000));
        assert_eq!(windows.open.lock().unwrap().len(), MAX_WINDOWS - DROPPED_WINDOWS + 1);
        for caller in (0..MAX_WINDOWS / 2).chain([MAX_WINDOWS]) {
            assert!(windows.count(caller, 1, at(2_000)).is_exceeded, "{caller} began late");
        }
    }

    #[test]
    fn without_a_limit_nothing_is_counted() {
        let windows = Windows::new(Duration::from_secs(60));
        for _ in 0..3 {
            let expected = Allowance { limit: 0, remaining: None, reset_seconds: 0, is_exceeded: false };
            assert_eq!(windows.count(7, 0, at(0)), expected);
        }
        assert_eq!(windows.count(7, 1, at(0)).remaining, Some(0));
    }
}
