//! Bounded storage: a slab of entries with a hash index and a CLOCK hand. Knows no DNS.

use core::sync::atomic::Ordering;
use core::time::Duration;

use hashbrown::HashTable;

use super::entry::Entry;
use crate::budget::Budget;
use crate::time::Moment;

/// Entries looked at per eviction before the hand gives up and another shard is tried.
const HAND_REACH: usize = 16;

/// One side of one shard. Empty, it holds no memory.
#[derive(Default)]
pub struct Table {
    index: HashTable<u32>,
    slots: Vec<Option<Entry>>,
    free: Vec<u32>,
    hand: usize,
    sweep: usize,
    charged: usize,
}

impl Table {
    fn slot(&self, number: u32) -> Option<&Entry> {
        self.slots.get(number as usize)?.as_ref()
    }

    /// Find by hash and whatever else counts.
    pub fn find(&self, hash: u64, is_it: impl Fn(&Entry) -> bool) -> Option<&Entry> {
        let number = self.index.find(hash, |number| self.slot(*number).is_some_and(|e| e.hash == hash && is_it(e)))?;
        self.slot(*number)
    }

    /// Put an entry in the place of the equal one; gives the old one, or the new one back if there is none.
    pub fn replace(&mut self, entry: Entry, is_it: impl Fn(&Entry) -> bool) -> Result<Entry, Entry> {
        let hash = entry.hash;
        let slots = &mut self.slots;
        let found = self.index.find(hash, |number| {
            slots.get(*number as usize).and_then(Option::as_ref).is_some_and(|e| e.hash == hash && is_it(e))
        });
        match found.and_then(|number| slots.get_mut(*number as usize)?.as_mut()) {
            Some(place) => {
                entry.inherit(place);
                Ok(core::mem::replace(place, entry))
            }
            None => Err(entry),
        }
    }

    /// Add an entry that is not there yet. Where the table would have to grow and the budget has no room for that, another
    /// entry leaves its slot to it, and is given back.
    pub fn add(&mut self, entry: Entry, now: Moment, budget: &Budget) -> Option<Entry> {
        let hash = entry.hash;
        let mut evicted = None;
        if self.free.is_empty() && self.slots.len() == self.slots.capacity() {
            let more = (self.slots.len() / 4).max(8);
            let bytes = more * size_of::<Option<Entry>>();
            if budget.charge_kept(bytes) {
                self.slots.reserve_exact(more);
                self.charged += bytes;
            } else {
                evicted = self.evict(now, false).or_else(|| self.evict(now, true));
            }
        }
        let number = if let Some(number) = self.free.pop() {
            if let Some(slot) = self.slots.get_mut(number as usize) {
                *slot = Some(entry);
            }
            number
        } else {
            let number = u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
            self.slots.push(Some(entry));
            number
        };
        let slots = &self.slots;
        self.index.insert_unique(hash, number, |number| {
            slots.get(*number as usize).and_then(Option::as_ref).map_or(0, |e| e.hash)
        });
        self.recharge(budget);
        evicted
    }

    fn take(&mut self, number: u32) -> Option<Entry> {
        let entry = self.slots.get_mut(number as usize)?.take()?;
        if let Ok(found) = self.index.find_entry(entry.hash, |other| *other == number) {
            found.remove();
        }
        self.free.push(number);
        Some(entry)
    }

    /// Remove by hash and whatever else counts.
    pub fn remove(&mut self, hash: u64, is_it: impl Fn(&Entry) -> bool) -> Option<Entry> {
        let number = *self.index.find(hash, |n| self.slot(*n).is_some_and(|e| e.hash == hash && is_it(e)))?;
        self.take(number)
    }

    /// Let one go: an expired one if the hand meets it, else the first that nobody asked for since the last round.
    pub fn evict(&mut self, now: Moment, is_forced: bool) -> Option<Entry> {
        for _ in 0..HAND_REACH.min(self.slots.len()) {
            let number = self.hand;
            self.hand = if number + 1 < self.slots.len() { number + 1 } else { 0 };
            let Some(entry) = self.slots.get(number).and_then(Option::as_ref) else { continue };
            let is_spared = entry.is_fresh(now) && entry.is_hot.swap(false, Ordering::Relaxed) && !is_forced;
            if !is_spared {
                return self.take(u32::try_from(number).ok()?);
            }
        }
        None
    }

    /// Look at up to `count` slots and let those go whose time is over; `leaves` gets them.
    pub fn sweep(
        &mut self,
        now: Moment,
        window: Duration,
        count: usize,
        budget: &Budget,
        mut leaves: impl FnMut(Entry),
    ) {
        for _ in 0..count.min(self.slots.len()) {
            let number = self.sweep;
            self.sweep = if number + 1 < self.slots.len() { number + 1 } else { 0 };
            if self.slots.get(number).and_then(Option::as_ref).is_some_and(|entry| entry.is_over(now, window))
                && let Some(entry) = u32::try_from(number).ok().and_then(|number| self.take(number))
            {
                leaves(entry);
            }
        }
        if self.index.is_empty() && self.charged > 0 {
            let charged = self.charged;
            *self = Self::default();
            budget.release(charged);
        }
    }

    /// The entries of up to `count` slots, and whether more slots follow.
    pub fn part(&self, from: usize, count: usize) -> (impl Iterator<Item = &Entry>, bool) {
        let end = from.saturating_add(count).min(self.slots.len());
        let part = self.slots.get(from..end).unwrap_or_default();
        (part.iter().flatten(), end < self.slots.len())
    }

    /// Keep the account of the tables themselves honest.
    fn recharge(&mut self, budget: &Budget) {
        let held = self.slots.capacity() * size_of::<Option<Entry>>()
            + self.free.capacity() * size_of::<u32>()
            + self.index.allocation_size();
        if held > self.charged {
            budget.charge_anyway(held - self.charged);
            self.charged = held;
        }
    }

    /// Bytes of the tables themselves.
    pub fn charged(&self) -> usize {
        self.charged
    }
}
