//! A cache's entries on their way out and in: to the process after us, from the one before us.

use core::sync::atomic::Ordering;
use core::time::Duration;

use super::entry::{Entry, Kind};
use super::key::Key;
use super::{ResponseCache, SHARDS};
use crate::time::Moment;

/// Slots shown under one lock: some microseconds, so that an insert is not kept waiting.
pub(crate) const SLOTS_AT_ONCE: usize = 64;

/// How far a walk through a cache has come.
#[derive(Debug, Default)]
pub struct Cursor {
    shard: usize,
    side: usize,
    slot: usize,
}

impl Cursor {
    /// A walk that goes on at a shard, a side and a slot.
    pub fn at([shard, side, slot]: [usize; 3]) -> Self {
        Self { shard, side, slot }
    }

    /// Where it is.
    pub fn place(&self) -> [usize; 3] {
        [self.shard, self.side, self.slot]
    }
}

impl ResponseCache {
    /// Show a few entries that are not over; false when the walk has ended. Data of a shard comes before its denials.
    /// What comes or leaves meanwhile may be missed or shown.
    pub fn walk(&self, cursor: &mut Cursor, now: Moment, mut show: impl FnMut(&Entry)) -> bool {
        let window = Duration::from_nanos(self.stale_ns.load(Ordering::Relaxed));
        let Some(shard) = self.shards.get(cursor.shard) else { return false };
        let sides = shard.0.read();
        let has_more = sides.get(cursor.side).is_some_and(|table| {
            let (entries, has_more) = table.part(cursor.slot, SLOTS_AT_ONCE);
            entries.filter(|entry| !entry.is_over(now, window)).for_each(&mut show);
            has_more
        });
        drop(sides);
        match (has_more, cursor.side) {
            (true, _) => cursor.slot += SLOTS_AT_ONCE,
            (false, 0) => (cursor.side, cursor.slot) = (1, 0),
            (false, _) => *cursor = Cursor { shard: cursor.shard + 1, side: 0, slot: 0 },
        }
        cursor.shard < SHARDS
    }

    /// Keep an entry from another process, unless it is over or we know something newer; whether it is in.
    pub fn adopt(&self, key: &Key<'_>, entry: Entry, now: Moment, prefers_positive: bool) -> bool {
        let window = Duration::from_nanos(self.stale_ns.load(Ordering::Relaxed));
        if entry.is_over(now, window) {
            return false;
        }
        let (stored, side, kind) = (entry.times().0, entry.kind().side(), entry.kind());
        let is_it = |entry: &Entry| entry.bits == key.bits && key.is_asked_in(entry.packed.message());
        let Some(shard) = self.shard(key.hash) else { return false };
        let is_known = {
            let sides = shard.read();
            sides.iter().filter_map(|table| table.find(key.hash, is_it)).any(|known| {
                let may_stand_beside = known.kind().side() != side && (kind == Kind::Failure || prefers_positive);
                known.times().0 >= stored && !may_stand_beside
            })
        };
        !is_known && self.insert(key, entry, now, prefers_positive).is_kept
    }
}
