//! Who gets what: answers to those who wait, stale ones if nothing better came, and refusals.

use core::time::Duration;
use std::sync::Arc;

use super::Resolver;
use super::asking::Ask;
use super::looking::{limit, log_class, stale_ede};
use super::noting::{Finished, Speaker, site};
use super::settling::{key_of, question_message};
use crate::cache::Lookup;
use crate::cache::entry::Kind;
use crate::cache::key::Key;
use crate::counters::Source;
use crate::forward::inflight::Outcome;
use crate::forward::question::{BURST, BURST_BYTES, Pending, Waiter};
use crate::plan::LogClass;
use crate::shared::compile::{Block, Cached};
use crate::step::{Step, Steps};
use crate::time::Moment;
use crate::wire::edns::Ede;
use crate::wire::header::{QR, RA};
use crate::wire::packed::Packed;
use crate::wire::rcode;
use crate::wire::reply::{Serving, compose};
use crate::wire::response::Question;

/// Between two bursts of stale answers to one question.
const NEXT_BURST: Duration = Duration::from_millis(1);

impl Resolver {
    /// Give an outcome to those who wait: to the first of many now, to the others after others had their turn.
    pub(super) fn give(&mut self, block: &Block, pending: Pending, outcome: &Outcome, now: Moment, steps: &mut Steps) {
        let burst = burst(outcome);
        let first = pending.waiters.get(..burst).unwrap_or(&pending.waiters);
        self.give_to(block, &pending, first, outcome, now, steps);
        if pending.waiters.len() > burst {
            self.shared.budget.charge_anyway(pending.charged);
            self.owed.push_back(Owed { pending, outcome: outcome.clone(), given: burst, since: now });
        }
    }

    /// Give the next of those who are still owed an answer.
    pub(super) fn pay(&mut self, now: Moment, steps: &mut Steps) {
        let Some(mut owed) = self.owed.pop_front() else { return };
        let plan = Arc::clone(&owed.pending.plan);
        let rest = owed.pending.waiters.get(owed.given..).unwrap_or_default();
        let burst = burst(&owed.outcome);
        let next = rest.get(..burst).unwrap_or(rest);
        if let Some(block) = plan.blocks.get(owed.pending.block) {
            self.give_to(block, &owed.pending, next, &owed.outcome, now, steps);
        }
        owed.given += burst;
        if owed.given < owed.pending.waiters.len() {
            self.owed.push_back(owed);
        } else {
            self.shared.budget.release(owed.pending.charged);
        }
    }

    /// Give an outcome to these; a stale answer is better than a failure.
    fn give_to(
        &mut self,
        block: &Block,
        pending: &Pending,
        waiters: &[Waiter],
        outcome: &Outcome,
        now: Moment,
        steps: &mut Steps,
    ) {
        let is_good = matches!(outcome.packed.rcode(), rcode::NOERROR | rcode::NXDOMAIN) && outcome.failure.is_none();
        if !is_good && self.give_stale_to(block, pending, waiters, now, steps) {
            return;
        }
        let ttl = block
            .cache
            .as_ref()
            .filter(|cached| cached.covers(&pending.qname))
            .map(|_| u32::try_from(outcome.verdict.lifetime.as_secs()).unwrap_or(u32::MAX));
        let ede = outcome.failure.as_ref().map(|failure| failure.ede.data());
        let is_own = outcome.failure.is_some();
        for waiter in waiters {
            let parts = Parts {
                packed: &outcome.packed,
                ttl,
                ede: ede.as_ref().map_or(&[], |data| &data[..]),
                speaker: speaker(block, is_own),
                source: if is_own { Source::Error } else { Source::Miss },
                class: outcome.class,
                upstream: outcome.upstream.as_ref(),
            };
            self.answer(block, &pending.question(), waiter, &parts, now, steps);
            if let Some(failure) = &outcome.failure {
                self.note_error(block, &pending.question(), rcode::SERVFAIL, &failure.text, now);
            }
        }
    }

    /// The time upstream had is over: those who wait get the stale answer, the question goes on.
    pub(super) fn give_stale(&mut self, slot: usize, now: Moment, steps: &mut Steps) {
        let Some(pending) = self.flying.get(slot) else { return };
        let first = pending.waiters.len().saturating_sub(BURST);
        let waiters = pending.waiters.split_off(first);
        let plan = Arc::clone(&pending.plan);
        let Some(mut pending) = self.flying.borrow_out(slot) else { return };
        let is_given = plan
            .blocks
            .get(pending.block)
            .is_some_and(|block| self.give_stale_to(block, &pending, &waiters, now, steps));
        if !is_given {
            pending.waiters.extend(waiters);
        } else if !pending.waiters.is_empty() {
            pending.stale_at = Some(now.plus(NEXT_BURST));
        }
        self.flying.put_back(slot, pending);
    }

    fn give_stale_to(
        &mut self,
        block: &Block,
        pending: &Pending,
        waiters: &[Waiter],
        now: Moment,
        steps: &mut Steps,
    ) -> bool {
        let Some(cached) = block.cache.as_ref().filter(|cached| cached.covers(&pending.qname)) else { return false };
        let Some(stale) = &cached.plan.stale else { return false };
        let key = key_of(pending);
        let found = cached.store.look_up(&key, now, cached.prefers_positive(), |lookup| match lookup {
            Lookup::Stale { entry, .. } => Some((entry.packed().clone(), entry.kind(), stale_ede(entry))),
            Lookup::Fresh(entry) if entry.kind() != Kind::Failure => {
                Some((entry.packed().clone(), entry.kind(), stale_ede(entry)))
            }
            Lookup::Fresh(_) | Lookup::Absent => None,
        });
        let Some((packed, kind, ede)) = found else { return false };
        set_recheck(cached, &key, now);
        for waiter in waiters {
            if let Some(counters) = site(&mut self.sites, &self.shelf, waiter.site) {
                counters.cache_stale.one();
            }
            let parts = Parts {
                packed: &packed,
                ttl: Some(stale.response_ttl_s),
                ede: &ede,
                speaker: speaker(block, false),
                source: Source::Stale,
                class: log_class(kind),
                upstream: None,
            };
            self.answer(block, &pending.question(), waiter, &parts, now, steps);
        }
        true
    }

    /// Tell one client that it will not be.
    #[expect(clippy::too_many_arguments, reason = "who, what, why, when; a struct for two callers would say no more")]
    pub(super) fn turn_away(
        &mut self,
        block: &Block,
        waiter: &Waiter,
        ask: &Ask<'_>,
        (code, ede): (u16, Ede),
        why: &str,
        now: Moment,
        steps: &mut Steps,
    ) {
        self.shelf.counters.overload.add(u64::from(ede == Ede::NotReady));
        let question = ask.key.question;
        let mut message = question_message(&question);
        crate::wire::put(&mut message, 2, &(QR | RA | code).to_be_bytes());
        let packed = Packed::new(&message, &[], &ede.data(), message.len());
        let parts = Parts {
            packed: &packed,
            ttl: None,
            ede: &[],
            speaker: Speaker::Server,
            source: Source::Error,
            class: LogClass::Error,
            upstream: None,
        };
        self.answer(block, &question, waiter, &parts, now, steps);
        self.note_error(block, &question, code, why, now);
    }

    /// One reply to one client.
    fn answer(
        &mut self,
        block: &Block,
        question: &Question<'_>,
        waiter: &Waiter,
        parts: &Parts<'_>,
        now: Moment,
        steps: &mut Steps,
    ) {
        let own_size = block.plan.udp_size_limit;
        let limit = limit(&waiter.asked, waiter.client.transport, own_size);
        let serving =
            Serving { asked: &waiter.asked, qname: &waiter.qname, ttl: parts.ttl, limit, own_size, ede: parts.ede };
        let mut flags = 0;
        let message = steps.write(|out| {
            let start = out.len();
            let room = parts.packed.heap_len() + crate::wire::edns::OPT_LEN + 4 + usize::from(u8::MAX);
            out.resize(start + limit.min(room).max(512), 0);
            let reply = out.get_mut(start..).unwrap_or_default();
            let len = compose(parts.packed, &serving, reply);
            flags = crate::wire::be16(reply, 2).unwrap_or(0);
            out.truncate(start + len);
        });
        steps.push(Step::Reply { client: waiter.client, message });
        let finished = Finished {
            client: &waiter.client,
            asked: &waiter.asked,
            question: *question,
            site: waiter.site,
            flags,
            plain_len: parts.packed.plain_len(),
            speaker: parts.speaker,
            source: parts.source,
            class: parts.class,
            upstream: parts.upstream,
        };
        self.note_reply(Some(block), &finished, now);
    }
}

/// How many replies are composed in one go: fewer, if they are long.
fn burst(outcome: &Outcome) -> usize {
    (BURST_BYTES / outcome.packed.heap_len().max(1)).clamp(1, BURST)
}

/// A question that is over, some of whose askers have not been told yet.
pub(super) struct Owed {
    pub(super) pending: Pending,
    outcome: Outcome,
    given: usize,
    pub(super) since: Moment,
}

/// What goes to a client, and as what it counts.
struct Parts<'a> {
    packed: &'a Packed,
    ttl: Option<u32>,
    ede: &'a [u8],
    speaker: Speaker,
    source: Source,
    class: LogClass,
    upstream: Option<&'a Arc<str>>,
}

fn speaker(block: &Block, is_own: bool) -> Speaker {
    match (is_own, &block.cache) {
        (true, _) => Speaker::Server,
        (false, Some(_)) => Speaker::Cache,
        (false, None) => Speaker::Forward,
    }
}

/// A refresh failed: the answer we have is given for a while without asking again.
pub(super) fn set_recheck(cached: &Cached, key: &Key<'_>, now: Moment) {
    let pause = |ms| now.plus(Duration::from_millis(ms));
    cached.store.look_up(key, now, cached.prefers_positive(), |lookup| match lookup {
        Lookup::Stale { entry, .. } => {
            if let Some(stale) = cached.plan.stale.as_ref().filter(|stale| stale.recheck_ms > 0) {
                entry.set_recheck(pause(stale.recheck_ms));
            }
        }
        Lookup::Fresh(entry) if entry.kind() != Kind::Failure => entry.set_recheck(pause(cached.plan.servfail_ms)),
        Lookup::Fresh(_) | Lookup::Absent => {}
    });
}
