//! A stored answer: how long it is good for, and who asked for it lately.

use core::sync::atomic::{AtomicBool, AtomicU16, AtomicU32, Ordering};
use core::time::Duration;

use crate::time::Moment;
use crate::wire::packed::Packed;

const _: () = assert!(size_of::<Option<Entry>>() == 64);

/// Tenths of a second since the clock's origin: fine enough for pauses and rechecks, and half as long.
fn tenths(moment: Moment) -> u32 {
    u32::try_from(moment.as_nanos() / 100_000_000).unwrap_or(u32::MAX)
}

/// What sort of answer it is; decides the store and what it may shadow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Data.
    Success,
    /// NXDOMAIN or NODATA.
    Denial,
    /// SERVFAIL and the like (RFC 9520); never shadows data.
    Failure,
}

/// The two stores of a cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Data.
    Success = 0,
    /// Denials and failures.
    Denial = 1,
}

impl Kind {
    /// Which store keeps it.
    pub fn side(self) -> Side {
        match self {
            Self::Success => Side::Success,
            Self::Denial | Self::Failure => Side::Denial,
        }
    }
}

/// A stored answer. One cache line, so that a look at it is one trip to memory.
#[derive(Debug)]
#[repr(align(64))]
pub struct Entry {
    pub(super) hash: u64,
    pub(super) packed: Packed,
    stored: Moment,
    expires: Moment,
    recheck: AtomicU32,
    last_hit: AtomicU32,
    hits: AtomicU16,
    pub(crate) bits: u8,
    kind: Kind,
    pub(super) is_hot: AtomicBool,
}

impl Entry {
    /// Keep `packed` from `now` for `lifetime`.
    pub fn new(hash: u64, bits: u8, kind: Kind, packed: Packed, now: Moment, lifetime: Duration) -> Self {
        Self {
            hash,
            packed,
            stored: now,
            expires: now.plus(lifetime),
            recheck: AtomicU32::new(0),
            last_hit: AtomicU32::new(0),
            hits: AtomicU16::new(0),
            bits,
            kind,
            is_hot: AtomicBool::new(false),
        }
    }

    /// The encoded answer.
    pub fn packed(&self) -> &Packed {
        &self.packed
    }

    /// What sort it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether its lifetime is not over.
    pub fn is_fresh(&self, now: Moment) -> bool {
        now < self.expires
    }

    /// Whether its lifetime and the stale window are over.
    pub fn is_over(&self, now: Moment, stale_window: Duration) -> bool {
        let window = if self.kind == Kind::Failure { Duration::ZERO } else { stale_window };
        now >= self.expires.plus(window)
    }

    /// Its lifetime in whole seconds, at least 1.
    pub fn lifetime_s(&self) -> u32 {
        u32::try_from(self.expires.since(self.stored).as_secs()).unwrap_or(u32::MAX).max(1)
    }

    /// Its lifetime less its age, whole seconds; at least 1 while it is fresh.
    pub fn remaining_s(&self, now: Moment) -> u32 {
        let age = u32::try_from(now.since(self.stored).as_secs()).unwrap_or(u32::MAX);
        self.lifetime_s().saturating_sub(age).max(1)
    }

    /// Give it a second chance when the store is full. Written only if that is news.
    pub fn touch(&self) {
        if !self.is_hot.load(Ordering::Relaxed) {
            self.is_hot.store(true, Ordering::Relaxed);
        }
    }

    /// Count a hit for prefetch; the count starts again after a pause of `window`. Gives the count.
    pub fn count_hit(&self, now: Moment, window: Duration) -> u32 {
        let now = tenths(now);
        let last = self.last_hit.swap(now, Ordering::Relaxed);
        let is_pause = u128::from(now.saturating_sub(last)) * 100 > window.as_millis();
        let hits = if is_pause { 1 } else { self.hits.load(Ordering::Relaxed).saturating_add(1) };
        self.hits.store(hits, Ordering::Relaxed);
        hits.into()
    }

    /// Take over the hit count of the entry it replaces.
    pub(super) fn inherit(&self, old: &Self) {
        self.hits.store(old.hits.load(Ordering::Relaxed), Ordering::Relaxed);
        self.last_hit.store(old.last_hit.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// After a failed refresh: do not ask again before `until`.
    pub fn set_recheck(&self, until: Moment) {
        self.recheck.store(tenths(until), Ordering::Relaxed);
    }

    /// Whether a refresh may be tried.
    pub fn may_refresh(&self, now: Moment) -> bool {
        tenths(now) >= self.recheck.load(Ordering::Relaxed)
    }

    /// When it was stored, and when its lifetime ends.
    pub fn times(&self) -> (Moment, Moment) {
        (self.stored, self.expires)
    }

    /// Who asked for it: hits, the last one in tenths of a second, and whether somebody asked lately.
    pub(crate) fn tally(&self) -> (u16, u32, bool) {
        (self.hits.load(Ordering::Relaxed), self.last_hit.load(Ordering::Relaxed), self.is_hot.load(Ordering::Relaxed))
    }

    /// Go on counting where another process was.
    pub(crate) fn resume(&self, (hits, last_hit, is_hot): (u16, u32, bool), now: Moment) {
        self.hits.store(hits, Ordering::Relaxed);
        self.last_hit.store(last_hit.min(tenths(now)), Ordering::Relaxed);
        self.is_hot.store(is_hot, Ordering::Relaxed);
    }

    /// Bytes it holds on the heap, with the allocator's own.
    pub(crate) fn cost(&self) -> usize {
        self.packed.heap_len().next_multiple_of(16) + 16
    }
}
