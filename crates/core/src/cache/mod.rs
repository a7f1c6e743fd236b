//! A block's cache: look up and insert, with `now` as an argument. Shared by workers; a hit writes nothing but a bit.

pub mod entry;
pub mod key;
pub mod lifetime;
mod room;
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

impl Inserted {
    fn note_evicted(&mut self, side: Side) {
        if let Some(evicted) = self.evicted.get_mut(side as usize) {
            *evicted += 1;
        }
    }
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
            if self.budget.charge_kept(cost) {
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
            Err(entry) => {
                if let Some(evicted) = own.add(entry, now, &self.budget) {
                    self.let_go(&evicted, side);
                    inserted.note_evicted(side);
                }
            }
        }
        inserted.is_kept = true;
        inserted
    }

    fn count(&self, side: Side) -> &AtomicUsize {
        let [success, denial] = &self.counts;
        if side == Side::Success { success } else { denial }
    }

    /// How many entries a side may hold.
    pub fn capacity(&self, side: Side) -> usize {
        self.capacities.get(side as usize).map_or(0, |capacity| capacity.load(Ordering::Relaxed))
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
}

impl Drop for ResponseCache {
    fn drop(&mut self) {
        let bytes = self.bytes();
        self.budget.release(bytes);
    }
}
