//! The in-flight table of one worker: questions, their exchanges, their timers.

use core::cmp::Reverse;
use std::collections::BinaryHeap;

use hashbrown::HashMap;

use crate::forward::question::Pending;
use crate::step::{ClientTransport, ExchangeId};
use crate::time::Moment;

/// Questions a worker may have in flight; at 2 s each that is 4,000 unanswered misses a second.
const QUESTIONS: usize = 8_192;

/// What an exchange is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// A question, by its slot.
    Question(usize),
    /// A probe, by its number.
    Probe(usize),
}

/// Everything in flight.
pub(super) struct Flying {
    slots: Vec<Option<Pending>>,
    free: Vec<usize>,
    by_merge: HashMap<u64, usize>,
    exchanges: HashMap<ExchangeId, Use>,
    timers: BinaryHeap<Reverse<(Moment, usize, u32)>>,
    next_exchange: u64,
    next_serial: u32,
    len: usize,
    by_block: HashMap<u64, usize>,
}

impl Flying {
    pub(super) fn new(worker: usize) -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
            by_merge: HashMap::new(),
            exchanges: HashMap::new(),
            timers: BinaryHeap::new(),
            next_exchange: (worker as u64) << 48,
            next_serial: 0,
            len: 0,
            by_block: HashMap::new(),
        }
    }

    /// Whether a block may begin one more: it never holds more than twice what it leaves to others.
    pub(super) fn has_room(&self, block: u64) -> bool {
        let held = self.by_block.get(&block).copied().unwrap_or(0);
        self.len < QUESTIONS && held < 2 * (QUESTIONS - self.len)
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn get(&mut self, slot: usize) -> Option<&mut Pending> {
        self.slots.get_mut(slot)?.as_mut()
    }

    /// The question that one with this merge key and name would join.
    pub(super) fn find(&mut self, merge: u64) -> Option<(usize, &mut Pending)> {
        let slot = *self.by_merge.get(&merge)?;
        Some((slot, self.slots.get_mut(slot)?.as_mut()?))
    }

    pub(super) fn insert(&mut self, mut pending: Pending) -> usize {
        self.next_serial = self.next_serial.wrapping_add(1);
        pending.serial = self.next_serial;
        let (merge, identity) = (pending.merge, pending.identity);
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        if let Some(place) = self.slots.get_mut(slot) {
            *place = Some(pending);
        }
        self.by_merge.insert(merge, slot);
        self.len += 1;
        *self.by_block.entry(identity).or_default() += 1;
        self.set_timer(slot);
        slot
    }

    /// Take a question out, with its exchanges.
    pub(super) fn remove(&mut self, slot: usize) -> Option<Pending> {
        let pending = self.slots.get_mut(slot)?.take()?;
        self.free.push(slot);
        self.by_merge.remove(&pending.merge);
        for open in &pending.open {
            self.exchanges.remove(&open.id);
        }
        self.len -= 1;
        if let Some(held) = self.by_block.get_mut(&pending.identity) {
            *held = held.saturating_sub(1);
        }
        if self.len == 0 {
            self.timers.clear();
        }
        Some(pending)
    }

    /// Take all questions out: the end.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = Pending> {
        self.len = 0;
        core::mem::take(&mut self.slots).into_iter().flatten()
    }

    /// Take a question in hand without ending it; `put_back` follows.
    pub(super) fn borrow_out(&mut self, slot: usize) -> Option<Pending> {
        self.slots.get_mut(slot)?.take()
    }

    /// Put a question back that was taken in hand.
    pub(super) fn put_back(&mut self, slot: usize, pending: Pending) {
        if let Some(place) = self.slots.get_mut(slot) {
            *place = Some(pending);
        }
    }

    pub(super) fn begin_exchange(&mut self, r#for: Use) -> ExchangeId {
        self.next_exchange += 1;
        let id = ExchangeId(self.next_exchange);
        self.exchanges.insert(id, r#for);
        id
    }

    pub(super) fn exchange(&self, id: ExchangeId) -> Option<Use> {
        self.exchanges.get(&id).copied()
    }

    pub(super) fn end_exchange(&mut self, id: ExchangeId) {
        self.exchanges.remove(&id);
    }

    /// Make sure that the question is looked at when it has to be.
    pub(super) fn set_timer(&mut self, slot: usize) {
        let Some(pending) = self.slots.get_mut(slot).and_then(Option::as_mut) else { return };
        let wake = pending.wake();
        if wake < pending.timer {
            pending.timer = wake;
            self.timers.push(Reverse((wake, slot, pending.serial)));
        }
    }

    pub(super) fn next_timer(&self) -> Option<Moment> {
        self.timers.peek().map(|Reverse((at, ..))| *at)
    }

    /// A question whose time to be looked at has come.
    pub(super) fn take_due(&mut self, now: Moment) -> Option<usize> {
        while let Some(Reverse((at, slot, serial))) = self.timers.peek().copied() {
            if at > now {
                return None;
            }
            self.timers.pop();
            let Some(pending) = self.get(slot).filter(|pending| pending.serial == serial) else { continue };
            if pending.timer != at {
                continue; // an earlier timer has taken its place
            }
            pending.timer = Moment::from_nanos(u64::MAX);
            if pending.wake() <= now {
                return Some(slot);
            }
            self.set_timer(slot);
        }
        None
    }

    pub(super) fn forget_client(&mut self, handle: u64) {
        for pending in self.slots.iter_mut().flatten() {
            pending
                .waiters
                .retain(|waiter| waiter.client.transport != ClientTransport::Tcp || waiter.client.handle != handle);
        }
    }
}
