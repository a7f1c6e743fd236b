//! A block's cache: look up and insert, with `now` as an argument. Shared by workers; a hit writes nothing but a bit.

pub mod entry;
pub mod key;
pub mod lifetime;
pub mod shard;
pub mod transfer;

use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use core::time::Duration;
use std::sync::Arc;

use parking_lot::RwLock;

use crate::budget::Budget;
use crate::plan::CachePlan;
use crate::time::Moment;
use entry::{Entry, Kind, Side};
use key::Key;
use shard::Table;

/// Shards of a cache: two or four workers seldom meet in one of sixteen.
const SHARDS: usize = 16;
/// Times an insert makes room before it gives up.
const TRIES: usize = 8;
/// Slots looked at per shard in one sweep.
const SWEEP_SLOTS: usize = 256;
/// Entries over a lowered limit that leave in one sweep; well under a millisecond's work.
const SHED_AT_ONCE: usize = 1_024;

/// What the cache knows about a question at one moment.
#[must_use]
#[derive(Debug)]
pub enum Lookup<'c> {
    /// May be given out.
    Fresh(&'c Entry),
    /// Past its lifetime, inside the stale window (RFC 8767). `is_failing`: upstream has just failed; do not ask again.
    Stale {
        /// The answer.
        entry: &'c Entry,
        /// A fresh failure stands beside it.
        is_failing: bool,
    },
    /// Ask upstream.
    Absent,
}

/// What a sweep leaves to be done.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Swept {
    /// Nothing: the cache is empty.
    Empty,
    /// Entries, whose time will come.
    Kept,
    /// More entries than the limits allow: sweep again soon.
    Over,
}

/// What became of an insert.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Inserted {
    /// It is in.
    pub is_kept: bool,
    /// So many had to leave, by side.
    pub evicted: [usize; 2],
}

#[repr(align(128))]
#[derive(Default)]
struct Shard(RwLock<[Table; 2]>);

/// The cache of one block.
pub struct ResponseCache {
    shards: [Shard; SHARDS],
    counts: [AtomicUsize; 2],
    capacities: [AtomicUsize; 2],
    bytes: AtomicUsize,
    stale_ns: AtomicU64,
    hand: AtomicUsize,
    sweep: AtomicUsize,
    budget: Arc<Budget>,
}

impl ResponseCache {
    /// An empty cache; it holds no memory yet.
    pub fn new(budget: Arc<Budget>) -> Self {
        Self {
            shards: Default::default(),
            counts: Default::default(),
            capacities: Default::default(),
            bytes: AtomicUsize::new(0),
            stale_ns: AtomicU64::new(0),
            hand: AtomicUsize::new(0),
            sweep: AtomicUsize::new(0),
            budget,
        }
    }

    /// Take up changed limits; what is over them leaves with the next sweeps.
    pub fn set_limits(&self, plan: &CachePlan) {
        let [success, denial] = &self.capacities;
        success.store(plan.success.capacity, Ordering::Relaxed);
        denial.store(plan.denial.capacity, Ordering::Relaxed);
        let window = plan.stale.as_ref().map_or(0, |stale| u64::from(stale.window_s) * 1_000_000_000);
        self.stale_ns.store(window, Ordering::Relaxed);
    }

    /// Neither the index's bits (low) nor its tags (high).
    fn shard(&self, hash: u64) -> Option<&RwLock<[Table; 2]>> {
        self.shards.get((hash >> 40) as usize % SHARDS).map(|shard| &shard.0)
    }

    /// What is known of `key`; `then` sees it under a read lock.
    pub fn look_up<R>(
        &self,
        key: &Key<'_>,
        now: Moment,
        prefers_positive: bool,
        then: impl FnOnce(Lookup<'_>) -> R,
    ) -> R {
        let Some(shard) = self.shard(key.hash) else { return then(Lookup::Absent) };
        let window = Duration::from_nanos(self.stale_ns.load(Ordering::Relaxed));
        let sides = shard.read();
        let [success, denial] = &*sides;
        let is_it = |entry: &Entry| entry.bits == key.bits && key.is_asked_in(entry.packed.message());
        let data = success.find(key.hash, is_it).filter(|entry| !entry.is_over(now, window));
        if let Some(entry) = data.filter(|entry| entry.is_fresh(now)) {
            return then(Lookup::Fresh(entry));
        }
        let denied = denial.find(key.hash, is_it).filter(|entry| !entry.is_over(now, window));
        then(match (data, denied) {
            (Some(entry), Some(other))
                if other.is_fresh(now) && (other.kind() == Kind::Failure || prefers_positive) =>
            {
                Lookup::Stale { entry, is_failing: true }
            }
            (_, Some(entry)) if entry.is_fresh(now) => Lookup::Fresh(entry),
            (Some(entry), _) | (None, Some(entry)) => Lookup::Stale { entry, is_failing: false },
            (None, None) => Lookup::Absent,
        })
    }

    /// Keep an answer. A denial takes the place of older data unless data is preferred; data that of an older denial.
    pub fn insert(&self, key: &Key<'_>, entry: Entry, now: Moment, prefers_positive: bool) -> Inserted {
        let mut inserted = Inserted::default();
        let kind = entry.kind();
        let side = kind.side();
        let Some(shard) = self.shard(key.hash) else { return inserted };
        let cost = entry.cost();
        let entry = {
            let mut sides = shard.write();
            let [success, denial] = &mut *sides;
            let is_it = |entry: &Entry| entry.bits == key.bits && key.is_asked_in(entry.packed.message());
            let (own, other) = if side == Side::Success { (success, denial) } else { (denial, success) };
            let clears_other = match kind {
                Kind::Success => true,
                Kind::Denial => !prefers_positive,
                Kind::Failure => false,
            };
            if clears_other && let Some(old) = other.remove(key.hash, is_it) {
                self.let_go(&old, if side == Side::Success { Side::Denial } else { Side::Success });
            }
            // A failure never takes the place of a denial that is still good.
            if kind == Kind::Failure
                && own.find(key.hash, is_it).is_some_and(|old| old.kind() == Kind::Denial && old.is_fresh(now))
            {
                return inserted;
            }
            if self.budget.charge(cost) {
                match own.replace(entry, is_it) {
                    Ok(old) => {
                        self.bytes.fetch_add(cost, Ordering::Relaxed);
                        self.bytes.fetch_sub(old.cost(), Ordering::Relaxed);
                        self.budget.release(old.cost());
                        inserted.is_kept = true;
                        return inserted;
                    }
                    Err(entry) => {
                        self.budget.release(cost);
                        entry
                    }
                }
            } else {
                entry
            }
        };
        if !self.make_room(side, cost, now, &mut inserted) {
            return inserted;
        }
        let mut sides = shard.write();
        let [success, denial] = &mut *sides;
        let own = if side == Side::Success { success } else { denial };
        let is_it = |entry: &Entry| entry.bits == key.bits && key.is_asked_in(entry.packed.message());
        self.bytes.fetch_add(cost, Ordering::Relaxed);
        match own.replace(entry, is_it) {
            Ok(old) => self.let_go(&old, side), // another worker was first; one count and its bytes go back
            Err(entry) => own.add(entry, &self.budget),
        }
        inserted.is_kept = true;
        inserted
    }

    fn count(&self, side: Side) -> &AtomicUsize {
        let [success, denial] = &self.counts;
        if side == Side::Success { success } else { denial }
    }

    /// Entries on a side.
    pub fn len(&self, side: Side) -> usize {
        self.count(side).load(Ordering::Relaxed)
    }

    /// Bytes held by entries and tables.
    pub fn bytes(&self) -> usize {
        let tables: usize =
            self.shards.iter().map(|shard| shard.0.read().iter().map(Table::charged).sum::<usize>()).sum();
        tables + self.bytes.load(Ordering::Relaxed)
    }

    fn let_go(&self, entry: &Entry, side: Side) {
        self.count(side).fetch_sub(1, Ordering::Relaxed);
        self.bytes.fetch_sub(entry.cost(), Ordering::Relaxed);
        self.budget.release(entry.cost());
    }

    /// Reserve a place and bytes, evicting if need be.
    fn make_room(&self, side: Side, cost: usize, now: Moment, inserted: &mut Inserted) -> bool {
        let capacity = self.capacities.get(side as usize).map_or(0, |capacity| capacity.load(Ordering::Relaxed));
        if capacity == 0 {
            return false;
        }
        let count = self.count(side);
        for _ in 0..TRIES {
            if count.fetch_add(1, Ordering::Relaxed) < capacity {
                for _ in 0..TRIES {
                    if self.budget.charge(cost) {
                        return true;
                    }
                    let other = if side == Side::Success { Side::Denial } else { Side::Success };
                    if !self.evict(side, now, inserted) && !self.evict(other, now, inserted) {
                        break;
                    }
                }
                count.fetch_sub(1, Ordering::Relaxed);
                return false;
            }
            count.fetch_sub(1, Ordering::Relaxed);
            if !self.evict(side, now, inserted) {
                return false;
            }
        }
        false
    }

    /// Let one entry of a side go; shards take turns, and only in the last round a hot one has to leave.
    fn evict(&self, side: Side, now: Moment, inserted: &mut Inserted) -> bool {
        if self.len(side) == 0 {
            return false;
        }
        for turn in 0..3 * SHARDS {
            let hand = self.hand.fetch_add(1, Ordering::Relaxed) % SHARDS;
            let Some(shard) = self.shards.get(hand) else { continue };
            let left = shard.0.write().get_mut(side as usize).and_then(|table| table.evict(now, turn >= 2 * SHARDS));
            if let Some(entry) = left {
                self.let_go(&entry, side);
                if let Some(evicted) = inserted.evicted.get_mut(side as usize) {
                    *evicted += 1;
                }
                return true;
            }
        }
        false
    }

    /// Make room for something else in the budget; gives whether anything left.
    pub fn shed(&self, now: Moment) -> bool {
        let mut inserted = Inserted::default();
        let mut has_shed = false;
        for _ in 0..TRIES {
            has_shed |= self.evict(Side::Denial, now, &mut inserted) || self.evict(Side::Success, now, &mut inserted);
        }
        has_shed
    }

    /// Forget the data of a key: upstream said that there is none, in a way that may not be kept.
    pub fn forget_data(&self, key: &Key<'_>) {
        let Some(shard) = self.shard(key.hash) else { return };
        let mut sides = shard.write();
        let [success, _] = &mut *sides;
        let is_it = |entry: &Entry| entry.bits == key.bits && key.is_asked_in(entry.packed.message());
        if let Some(old) = success.remove(key.hash, is_it) {
            self.let_go(&old, Side::Success);
        }
    }

    /// Let those go whose time is over, a bounded part of one shard after the other; then those over lowered limits.
    pub fn sweep(&self, now: Moment) -> Swept {
        let window = Duration::from_nanos(self.stale_ns.load(Ordering::Relaxed));
        for _ in 0..SHARDS {
            let hand = self.sweep.fetch_add(1, Ordering::Relaxed) % SHARDS;
            let Some(shard) = self.shards.get(hand) else { continue };
            if shard.0.read().iter().all(|table| table.charged() == 0) {
                continue;
            }
            let mut sides = shard.0.write();
            let [success, denial] = &mut *sides;
            for (table, side) in [(success, Side::Success), (denial, Side::Denial)] {
                table.sweep(now, window, SWEEP_SLOTS, &self.budget, |entry| self.let_go(&entry, side));
            }
        }
        let is_over = self.shed_over_limits(now);
        match self.len(Side::Success) + self.len(Side::Denial) {
            0 => Swept::Empty,
            _ if is_over => Swept::Over,
            _ => Swept::Kept,
        }
    }

    /// Let a bounded number go of what is over a capacity or the budget; gives whether there is more.
    fn shed_over_limits(&self, now: Moment) -> bool {
        let mut inserted = Inserted::default();
        let sides = [Side::Success, Side::Denial];
        let is_over = |side: Side| {
            let capacity = self.capacities.get(side as usize).map_or(0, |capacity| capacity.load(Ordering::Relaxed));
            self.len(side) > capacity || (self.len(side) > 0 && self.budget.used() > self.budget.limit())
        };
        for _ in 0..SHED_AT_ONCE {
            let Some(side) = sides.into_iter().rev().find(|side| is_over(*side)) else { return false };
            if !self.evict(side, now, &mut inserted) {
                return false;
            }
        }
        sides.into_iter().any(is_over)
    }
}

impl Drop for ResponseCache {
    fn drop(&mut self) {
        let bytes = self.bytes();
        self.budget.release(bytes);
    }
}
