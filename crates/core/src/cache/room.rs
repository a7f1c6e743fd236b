//! Who leaves a cache, and when: for newcomers, when their time is over, when limits were lowered.

use core::sync::atomic::Ordering;
use core::time::Duration;

use super::entry::Side;
use super::{Inserted, ResponseCache, SHARDS, Swept};
use crate::time::Moment;

/// Times an insert makes room before it gives up.
const TRIES: usize = 8;
/// Slots looked at per shard in one sweep.
const SWEEP_SLOTS: usize = 256;
/// Entries over a lowered limit that leave in one sweep; well under a millisecond's work.
const SHED_AT_ONCE: usize = 1_024;

impl ResponseCache {
    /// Reserve a place and bytes, evicting if need be.
    pub(super) fn make_room(&self, side: Side, cost: usize, now: Moment, inserted: &mut Inserted) -> bool {
        let capacity = self.capacity(side);
        if capacity == 0 {
            return false;
        }
        let count = self.count(side);
        for _ in 0..TRIES {
            if count.fetch_add(1, Ordering::Relaxed) < capacity {
                for _ in 0..TRIES {
                    if self.budget.charge_kept(cost) {
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
                inserted.note_evicted(side);
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
            self.len(side) > self.capacity(side) || (self.len(side) > 0 && self.budget.used() > self.budget.limit())
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
