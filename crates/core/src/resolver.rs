//! A worker's machine: events in, steps out. No I/O, no clock.

use std::sync::Arc;

use crate::shared::Shared;
use crate::step::{Answer, Client, ExchangeId, Fault, Heard, Steps};
use crate::time::Moment;

/// One worker's part of the engine's logic.
pub struct Resolver {
    shared: Arc<Shared>,
    worker: usize,
}

impl Resolver {
    pub(crate) fn new(shared: Arc<Shared>, worker: usize, _now: Moment) -> Self {
        Self { shared, worker }
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
        let _ = (query, client, now, reply, steps, &self.shared, self.worker);
        Answer::Silence
    }

    /// An upstream's message came for an exchange (its ID has been checked).
    pub fn on_response(&mut self, exchange: ExchangeId, response: &[u8], now: Moment, steps: &mut Steps) -> Heard {
        let _ = (exchange, response, now, steps);
        Heard::Settled
    }

    /// Nothing will come for an exchange.
    pub fn on_fault(&mut self, exchange: ExchangeId, fault: Fault, now: Moment, steps: &mut Steps) {
        let _ = (exchange, fault, now, steps);
    }

    /// When `on_time` is due.
    pub fn next_wake(&self) -> Option<Moment> {
        None
    }

    /// Time has passed.
    pub fn on_time(&mut self, now: Moment, steps: &mut Steps) {
        let _ = (now, steps);
    }

    /// The generation changed: take the new plan up. What is in flight ends on the plan it began with.
    pub fn on_plan(&mut self, now: Moment, steps: &mut Steps) {
        let _ = (now, steps);
    }

    /// Another worker finished a question that this one has waiters for.
    pub fn on_nudge(&mut self, now: Moment, steps: &mut Steps) {
        let _ = (now, steps);
    }

    /// A TCP connection went away: its waiters are dropped.
    pub fn forget_client(&mut self, handle: u64) {
        let _ = handle;
    }

    /// Questions for which somebody waits, here.
    pub fn in_flight(&self) -> usize {
        0
    }
}
