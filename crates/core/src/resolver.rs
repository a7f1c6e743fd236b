//! A worker's machine: events in, steps out. No I/O, no clock.

mod asking;
mod attempting;
mod flying;
mod forwarding;
mod giving;
mod keeping;
mod looking;
mod noting;
mod probing;
mod settling;

use core::sync::atomic::Ordering;
use core::time::Duration;
use std::collections::VecDeque;
use std::sync::Arc;

use crate::cache::Swept;
use crate::counters::SiteCounters;
use crate::hash::Chance;
use crate::shared::compile::Compiled;
use crate::shared::{Shared, Shelf};
use crate::step::{Answer, Client, ExchangeId, Fault, Heard, Steps};
use crate::time::Moment;
use crate::wire::encode::Encoder;
use crate::wire::name::NameBuffer;
use flying::{Flying, Use};
use giving::Owed;
use probing::Probes;

/// How often caches are looked through for what is over.
const SWEEP_EVERY: Duration = Duration::from_secs(1);
/// The same, while more is kept than may be.
const SHED_EVERY: Duration = Duration::from_millis(50);

/// One worker's part of the engine's logic.
pub struct Resolver {
    shared: Arc<Shared>,
    shelf: Arc<Shelf>,
    worker: usize,
    /// In an `Arc` of its own, so that workers do not count references in one shared place on every query.
    #[expect(clippy::redundant_allocation, reason = "one allocation per plan and worker buys a private count")]
    plan: Arc<Arc<Compiled>>,
    sites: Vec<Option<Arc<SiteCounters>>>,
    flying: Flying,
    probes: Probes,
    chance: Chance,
    /// Lent out while a query is worked on.
    name: Option<Box<NameBuffer>>,
    scratch: NameBuffer,
    encoder: Encoder,
    sweep_at: Option<Moment>,
    errors_at: Option<Moment>,
    owed: VecDeque<Owed>,
}

impl Resolver {
    pub(crate) fn new(shared: Arc<Shared>, worker: usize, now: Moment) -> Self {
        let plan = Arc::new(shared.current());
        let mut resolver = Self {
            shelf: shared.shelf(worker),
            worker,
            plan,
            sites: Vec::new(),
            flying: Flying::new(worker),
            probes: Probes::default(),
            chance: Chance::new(shared.chance ^ (worker as u64).rotate_left(32)),
            name: Some(Box::default()),
            scratch: NameBuffer::default(),
            encoder: Encoder::default(),
            sweep_at: Some(now.plus(SWEEP_EVERY)),
            errors_at: None,
            owed: VecDeque::new(),
            shared,
        };
        resolver.begin_loop_probes(now);
        resolver
    }

    /// A client's message came. `reply` has 65535 bytes for TCP, at least 4096 for UDP.
    pub fn on_query(
        &mut self,
        query: &[u8],
        client: &Client,
        now: Moment,
        reply: &mut [u8],
        steps: &mut Steps,
    ) -> Answer {
        self.ask(query, client, now, reply, steps)
    }

    /// An upstream's message came for an exchange (its ID has been checked).
    pub fn on_response(&mut self, exchange: ExchangeId, response: &[u8], now: Moment, steps: &mut Steps) -> Heard {
        match self.flying.exchange(exchange) {
            Some(Use::Question(slot)) => self.hear(slot, exchange, response, now, steps),
            Some(Use::Probe(number)) => self.hear_probe(number, exchange, response, now),
            None => Heard::Settled,
        }
    }

    /// Nothing will come for an exchange.
    pub fn on_fault(&mut self, exchange: ExchangeId, fault: Fault, now: Moment, steps: &mut Steps) {
        match self.flying.exchange(exchange) {
            Some(Use::Question(slot)) => self.note_exchange_fault(slot, exchange, fault, now, steps),
            Some(Use::Probe(number)) => self.fail_probe(number, exchange, now),
            None => {}
        }
    }

    /// An exchange waits for a connection to be made, or no longer does; only for the words of an `errors` line.
    pub fn on_dialing(&mut self, exchange: ExchangeId, is_dialing: bool) {
        if let Some(Use::Question(slot)) = self.flying.exchange(exchange)
            && let Some(pending) = self.flying.get(slot)
            && let Some(open) = pending.open.iter_mut().find(|open| open.id == exchange)
        {
            open.is_dialing = is_dialing;
        }
    }

    /// An exchange waits behind another that its connection cannot get past: ask once more, over a connection that moves.
    pub fn on_stuck(&mut self, exchange: ExchangeId, now: Moment, steps: &mut Steps) {
        if let Some(Use::Question(slot)) = self.flying.exchange(exchange) {
            self.pass_by(slot, exchange, now, steps);
        }
    }

    /// When `on_time` is due.
    pub fn next_wake(&self) -> Option<Moment> {
        let owed = self.owed.front().map(|owed| owed.since);
        let due = [self.flying.next_timer(), self.probes.next_wake(), self.sweep_at, self.errors_at, owed];
        due.into_iter().flatten().min()
    }

    /// Time has passed.
    pub fn on_time(&mut self, now: Moment, steps: &mut Steps) {
        self.pay(now, steps);
        while let Some(slot) = self.flying.take_due(now) {
            self.look_at(slot, now, steps);
        }
        self.run_probes(now, steps);
        if self.sweep_at.is_some_and(|at| at <= now) {
            let caches = self.plan.blocks.iter().filter_map(|block| block.cache.as_ref());
            self.sweep_at = match caches.map(|cache| cache.store.sweep(now)).max() {
                None | Some(Swept::Empty) => None,
                Some(Swept::Kept) => Some(now.plus(SWEEP_EVERY)),
                Some(Swept::Over) => Some(now.plus(SHED_EVERY)),
            };
        }
        if self.errors_at.is_some_and(|at| at <= now) {
            self.print_consolidated(now);
        }
    }

    /// The generation changed: take the new plan up. What is in flight ends on the plan it began with.
    pub fn on_plan(&mut self, now: Moment, steps: &mut Steps) {
        let plan = self.shared.current();
        if plan.generation == self.plan.generation {
            return;
        }
        self.plan = Arc::new(plan);
        self.sweep_at = Some(now.plus(SHED_EVERY));
        self.end_probes(steps);
        self.begin_loop_probes(now);
    }

    /// Another worker finished a question that this one has waiters for.
    pub fn on_nudge(&mut self, now: Moment, steps: &mut Steps) {
        for news in self.shared.claims.take_news(self.worker) {
            self.take_news(&news, now, steps);
        }
    }

    /// A TCP connection went away: its waiters are dropped.
    pub fn forget_client(&mut self, handle: u64) {
        self.flying.forget_client(handle);
    }

    /// Questions that are not over for everybody, here.
    pub fn in_flight(&self) -> usize {
        self.flying.len() + self.owed.len()
    }

    fn publish_in_flight(&self) {
        self.shelf.counters.in_flight.store(self.flying.len() as u64, Ordering::Relaxed);
    }
}

impl Drop for Resolver {
    /// What was in flight holds no memory, no place under `max_concurrent` and no claim any more (a panic may end us so).
    fn drop(&mut self) {
        for owed in &self.owed {
            self.shared.budget.release(owed.pending.charged);
        }
        for pending in self.flying.drain() {
            pending.give_back(&self.shared.budget);
            self.shared.claims.settle(pending.merge, self.worker, || None, |_| ());
        }
        self.publish_in_flight();
    }
}
