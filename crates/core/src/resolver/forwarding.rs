//! A question's journey upstream: join or begin, attempts and their times, until something settles it.

use core::sync::atomic::Ordering;
use std::sync::Arc;

use super::Resolver;
use super::asking::Ask;
use super::noting::site;
use crate::forward::inflight::Claim;
use crate::forward::question::{Pending, TOTAL, WAITERS, Waiter};
use crate::shared::compile::Block;
use crate::step::{Client, Steps};
use crate::time::Moment;
use crate::wire::edns::Ede;
use crate::wire::header::RD;
use crate::wire::query::Asked;
use crate::wire::rcode;

/// Bytes a waiter is charged for, beside its name.
const WAITER_COST: usize = size_of::<Waiter>() + 32;
/// Bytes a question is charged for, beside its name: its slot, its exchanges, its timers.
const QUESTION_COST: usize = size_of::<Pending>() + 512;
/// Free retries: a connection that had just expired, EDNS left out, TC taken to TCP.
const FREE: u8 = 3;
/// "Never" for a timer that is not set.
const NEVER: Moment = Moment::from_nanos(u64::MAX);

impl Resolver {
    /// Refresh an entry that nobody waits for, unless somebody does already.
    pub(super) fn refresh(&mut self, block: &Block, ask: Ask<'_>, now: Moment, steps: &mut Steps) {
        let merge = merge_key(block, &ask);
        if self.flying.find(merge).is_some()
            || (self.plan.workers > 1 && self.shared.claims.is_taken(merge, self.worker))
        {
            return;
        }
        if let Some(counters) = site(&mut self.sites, &self.shelf, ask.site) {
            counters.cache_prefetch.one();
        }
        self.forward(block, ask, None, now, steps);
    }

    /// Join the question in flight, or begin one.
    pub(super) fn forward(
        &mut self,
        block: &Block,
        ask: Ask<'_>,
        asker: Option<(&Client, &Asked, &[u8])>,
        now: Moment,
        steps: &mut Steps,
    ) {
        let waiter = asker.map(|(client, asked, qname)| Waiter {
            client: *client,
            asked: *asked,
            qname: qname.into(),
            site: ask.site,
        });
        let merge = merge_key(block, &ask);
        if let Some((slot, pending)) = self.flying.find(merge)
            && pending.question() == ask.key.question
        {
            let Some(waiter) = waiter else { return };
            let cost = WAITER_COST + waiter.qname.len();
            let is_room = pending.waiters.len() < WAITERS && self.charge(block, cost, now);
            if is_room && let Some(pending) = self.flying.get(slot) {
                pending.charged += cost;
                pending.waiters.push(waiter);
                if let Some(at) = ask.stale_at {
                    pending.stale_at = Some(pending.stale_at.map_or(at, |old| old.min(at)));
                }
                self.shelf.counters.merged.one();
                self.flying.set_timer(slot);
            } else {
                self.turn_away(
                    block,
                    &waiter,
                    &ask,
                    (rcode::SERVFAIL, Ede::NotReady),
                    "too many wait for it",
                    now,
                    steps,
                );
            }
            return;
        }
        self.begin(block, &ask, waiter, merge, now, steps);
    }

    fn begin(
        &mut self,
        block: &Block,
        ask: &Ask<'_>,
        waiter: Option<Waiter>,
        merge: u64,
        now: Moment,
        steps: &mut Steps,
    ) {
        let Some(number) = block.forward_for(ask.key.question.qname, 0) else {
            if let Some(waiter) = waiter {
                self.turn_away(block, &waiter, ask, (rcode::SERVFAIL, Ede::Other), "no next plugin found", now, steps);
            }
            return;
        };
        let cost =
            QUESTION_COST + ask.key.question.qname.len() + waiter.as_ref().map_or(0, |w| WAITER_COST + w.qname.len());
        let is_room = self.flying.has_room(block.identity) && self.charge(block, cost, now);
        if !is_room {
            if let Some(waiter) = waiter {
                let why = "too many questions in flight";
                self.turn_away(block, &waiter, ask, (rcode::SERVFAIL, Ede::NotReady), why, now, steps);
            }
            return;
        }
        let Some(loaded) = load(block, number) else {
            self.shared.budget.release(cost);
            self.shared.concurrent_rejects.add_shared(1);
            let maximum = block.forwards.get(number).map_or(0, |forward| forward.plan.max_concurrent);
            if let Some(waiter) = waiter {
                let why = format!("concurrent queries exceeded maximum {maximum}");
                self.turn_away(block, &waiter, ask, (rcode::REFUSED, Ede::Other), &why, now, steps);
            }
            return;
        };
        let is_parked = self.plan.workers > 1 && self.shared.claims.claim(merge, self.worker) == Claim::Theirs;
        let question = ask.key.question;
        let pending = Pending {
            plan: Arc::clone(&*self.plan),
            block: ask.block,
            identity: block.identity,
            forward: number,
            site: ask.site,
            qname: question.qname.into(),
            qtype: question.qtype,
            qclass: question.qclass,
            hash: ask.key.hash,
            bits: ask.key.bits,
            rd_cd: ask.rd_cd,
            merge,
            is_tcp: ask.is_tcp,
            waiters: waiter.into_iter().collect(),
            deadline: ask.received.plus(TOTAL),
            attempt_ends: NEVER,
            stale_at: ask.stale_at,
            order: Vec::new(),
            attempts: (0, 0),
            free: FREE,
            open: Vec::new(),
            fallback: None,
            trouble: None,
            is_parked,
            loaded: loaded.then_some(number),
            charged: cost,
            timer: NEVER,
            serial: 0,
        };
        let slot = self.flying.insert(pending);
        self.publish_in_flight();
        if !is_parked {
            self.begin_attempts(slot, now, steps);
        }
    }

    /// Charge for a question; cached answers make room if need be.
    fn charge(&self, block: &Block, cost: usize, now: Moment) -> bool {
        self.shared.budget.charge(cost)
            || block.cache.as_ref().is_some_and(|cache| cache.store.shed(now) && self.shared.budget.charge(cost))
    }
}

/// What makes two questions one question in flight.
fn merge_key(block: &Block, ask: &Ask<'_>) -> u64 {
    let word = block.identity << 1 | u64::from(ask.rd_cd & RD != 0);
    ask.key.hash ^ word.wrapping_mul(0xd6e8_feb8_6659_fd93)
}

/// Count against `max_concurrent`: None if it is reached, Some(false) if there is no limit.
fn load(block: &Block, number: usize) -> Option<bool> {
    let forward = block.forwards.get(number)?;
    if forward.plan.max_concurrent == 0 {
        return Some(false);
    }
    if forward.load.active.fetch_add(1, Ordering::Relaxed) < forward.plan.max_concurrent {
        return Some(true);
    }
    forward.load.active.fetch_sub(1, Ordering::Relaxed);
    None
}
