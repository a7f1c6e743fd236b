//! What came back: is it ours, what is it worth, who gets it.

use core::time::Duration;
use std::sync::Arc;

use super::Resolver;
use super::noting::site;
use crate::cache::entry::Kind;
use crate::cache::key::Key;
use crate::cache::lifetime::{Verdict, judge, log_class as class_of};
use crate::forward::inflight::{Failure, News, Outcome};
use crate::forward::question::{Open, Pending};
use crate::forward::trouble::Trouble;
use crate::forward::upstream::Failing;
use crate::plan::LogClass;
use crate::step::{ExchangeId, Heard, Step, Steps};
use crate::time::Moment;
use crate::wire::edns::Ede;
use crate::wire::header::{HEADER_LEN, Header, QR, RA, TC};
use crate::wire::packed::Packed;
use crate::wire::rcode;
use crate::wire::response::{Digest, Question, Whose, digest, whose};

/// What is to be done with a response to our question.
enum Next {
    /// Give it to those who wait.
    Settle,
    /// Ask the same upstream again: over TCP, or without EDNS.
    Again { is_tcp: bool, has_edns: bool },
    /// Keep it in case nothing better comes, and ask the next upstream.
    Failover,
    /// Keep it in case nothing better comes, and ask the next forward.
    OtherForward(usize),
}

impl Resolver {
    /// A response to one of a question's exchanges.
    pub(super) fn hear(
        &mut self,
        slot: usize,
        id: ExchangeId,
        response: &[u8],
        now: Moment,
        steps: &mut Steps,
    ) -> Heard {
        let Some(pending) = self.flying.get(slot) else { return Heard::Settled };
        let Some(open) = pending.open.iter().find(|open| open.id == id).copied() else { return Heard::Settled };
        match whose(response, &pending.question()) {
            Whose::Stranger if !open.is_tcp => return Heard::Stranger,
            Whose::Stranger => {
                self.take_open(slot, id);
                self.blame(slot, &open, Failing::Garbage, now);
                self.go_on(slot, &open, now, steps);
                return Heard::Stranger;
            }
            Whose::Bare => {
                self.take_open(slot, id);
                if self.ask_again(slot, &open, open.is_tcp, false, open.has_edns, now, steps) {
                    return Heard::Settled;
                }
                self.blame(slot, &open, Failing::Bare, now);
                self.go_on(slot, &open, now, steps);
                return Heard::Settled;
            }
            Whose::Ours => {}
        }
        let digested = digest(&mut self.encoder, &mut self.scratch, response, &pending.question());
        self.take_open(slot, id);
        match digested {
            Ok(digest) if digest.rcode < 16 => self.weigh(slot, &open, &digest, response, now, steps),
            _ => {
                self.count_drop(slot);
                self.blame(slot, &open, Failing::Garbage, now);
                self.go_on(slot, &open, now, steps);
            }
        }
        Heard::Settled
    }

    fn count_drop(&mut self, slot: usize) {
        let Some(number) = self.flying.get(slot).map(|pending| pending.site) else { return };
        if let Some(counters) = site(&mut self.sites, &self.shelf, number) {
            counters.cache_drops.one();
        }
    }

    /// Ask the same upstream once more, at no charge; false if that has been done often enough.
    #[expect(clippy::too_many_arguments, reason = "what to send, to whom and how; all of it differs from call to call")]
    fn ask_again(
        &mut self,
        slot: usize,
        open: &Open,
        is_tcp: bool,
        has_edns: bool,
        is_different: bool,
        now: Moment,
        steps: &mut Steps,
    ) -> bool {
        let Some(pending) = self.flying.get(slot).filter(|pending| is_different && pending.free > 0) else {
            return false;
        };
        pending.free -= 1;
        let plan = Arc::clone(&pending.plan);
        let forward = plan.blocks.get(pending.block).and_then(|block| block.forwards.get(open.forward));
        forward.map(|forward| self.send(slot, forward, open.upstream, is_tcp, has_edns, now, steps)).is_some()
    }

    /// A sensible response: choose what becomes of it.
    fn weigh(&mut self, slot: usize, open: &Open, digest: &Digest, response: &[u8], now: Moment, steps: &mut Steps) {
        let Some(pending) = self.flying.get(slot) else { return };
        let plan = Arc::clone(&pending.plan);
        let Some(block) = plan.blocks.get(pending.block) else { return };
        let Some(forward) = block.forwards.get(open.forward) else { return };
        if let Some(upstream) = forward.upstreams.get(open.upstream)
            && upstream.belief.note_answer(now.since(open.sent), digest.rcode)
        {
            self.tell_up(&upstream.belief.label);
        }
        let Some(pending) = self.flying.get(slot) else { return };
        let is_nodata = digest.rcode == rcode::NOERROR && !digest.has_final;
        let is_next = forward.plan.next_rcodes.contains(&digest.rcode) || (is_nodata && forward.plan.is_next_on_nodata);
        let next = if digest.flags & TC != 0 && !open.is_tcp {
            Next::Again { is_tcp: true, has_edns: open.has_edns }
        } else if matches!(digest.rcode, rcode::FORMERR | rcode::NOTIMP) && !digest.has_opt && open.has_edns {
            Next::Again { is_tcp: open.is_tcp, has_edns: false }
        } else if is_next && let Some(number) = block.forward_for(&pending.qname, open.forward + 1) {
            Next::OtherForward(number)
        } else if forward.plan.failover_rcodes.contains(&digest.rcode)
            && (pending.attempts.0 < pending.attempts.1.min(pending.order.len()) || !pending.open.is_empty())
        {
            Next::Failover
        } else {
            Next::Settle
        };
        let cached = block.cache.as_ref().filter(|cached| cached.covers(&pending.qname));
        let outcome = Outcome {
            packed: digest.pack(&self.encoder, response),
            verdict: cached.map_or(PASS, |cached| judge(digest, &cached.plan, self.shared.unix_s(now))),
            class: class_of(digest.rcode, digest.has_answer, digest.denial_ttl.is_some()),
            upstream: forward.upstreams.get(open.upstream).map(|upstream| Arc::clone(&upstream.belief.label)),
            failure: None,
        };
        match next {
            Next::Settle => self.settle(slot, outcome, now, steps),
            Next::Again { is_tcp, has_edns } => {
                let is_different = is_tcp != open.is_tcp || has_edns != open.has_edns;
                if self.ask_again(slot, open, is_tcp, has_edns, is_different, now, steps) {
                    if let Some(pending) = self.flying.get(slot) {
                        pending.fallback = Some(outcome);
                    }
                } else {
                    self.settle(slot, outcome, now, steps);
                }
            }
            Next::Failover => {
                pending.fallback = Some(outcome);
                self.go_on(slot, open, now, steps);
            }
            Next::OtherForward(number) => {
                pending.fallback = Some(outcome);
                pending.forward = number;
                self.begin_attempts(slot, now, steps);
            }
        }
    }

    /// Nothing will come of it: what was kept for that case, else SERVFAIL.
    pub(super) fn fail(&mut self, slot: usize, now: Moment, steps: &mut Steps) {
        let Some(pending) = self.flying.get(slot) else { return };
        if let Some(fallback) = pending.fallback.take() {
            return self.settle(slot, fallback, now, steps);
        }
        let failure = match &pending.trouble {
            None => Failure { ede: Ede::NoReachable, text: "no healthy proxies".into() },
            Some(trouble) => trouble.failure(),
        };
        let is_anybody = |trouble: &&Trouble| trouble.failing != Failing::Nobody;
        let upstream = pending.trouble.as_ref().filter(is_anybody).map(|trouble| Arc::clone(&trouble.upstream));
        let is_ours = pending.trouble.as_ref().is_some_and(|trouble| trouble.failing == Failing::NoRoom);
        let servfail_ms = match (upstream.as_ref().filter(|_| !is_ours), pending.plan.blocks.get(pending.block)) {
            (None, _) => 0, // nobody was asked, or we had no room: that may be over in a moment
            (_, block) => block.and_then(|block| block.cache.as_ref()).map_or(0, |cached| cached.plan.servfail_ms),
        };
        let outcome = Outcome {
            packed: servfail(&pending.question()),
            verdict: Verdict { kind: Some(Kind::Failure), lifetime: Duration::from_millis(servfail_ms) },
            class: LogClass::Error,
            upstream,
            failure: Some(failure),
        };
        self.settle(slot, outcome, now, steps);
    }

    /// The end of a question: keep the answer, give it to those who wait, tell other workers.
    pub(super) fn settle(&mut self, slot: usize, outcome: Outcome, now: Moment, steps: &mut Steps) {
        let Some(pending) = self.take(slot, steps) else { return };
        let plan = Arc::clone(&pending.plan);
        let Some(block) = plan.blocks.get(pending.block) else { return };
        self.keep(block, &pending, &outcome, now);
        let merge = pending.merge;
        self.give(block, pending, &outcome, now, steps);
        if plan.workers > 1 {
            let shared = Arc::clone(&self.shared);
            shared.claims.settle(merge, self.worker, || Some(outcome), |worker| steps.push(Step::Nudge { worker }));
        }
    }

    /// Take a question out of the table and give back what it held.
    fn take(&mut self, slot: usize, steps: &mut Steps) -> Option<Pending> {
        let pending = self.flying.remove(slot)?;
        for open in &pending.open {
            steps.push(Step::Forget { exchange: open.id });
        }
        pending.give_back(&self.shared.budget);
        self.publish_in_flight();
        Some(pending)
    }

    /// Another worker's question is over, and ours with it.
    pub(super) fn take_news(&mut self, news: &News, now: Moment, steps: &mut Steps) {
        let Some((slot, pending)) = self.flying.find(news.key) else { return };
        if !pending.is_parked {
            return;
        }
        let outcome = news.outcome.as_ref().filter(|outcome| key_of(pending).is_asked_in(outcome.packed.message()));
        if let Some(outcome) = outcome.cloned() {
            let Some(pending) = self.take(slot, steps) else { return };
            let plan = Arc::clone(&pending.plan);
            if let Some(block) = plan.blocks.get(pending.block) {
                self.give(block, pending, &outcome, now, steps);
            }
        } else {
            pending.is_parked = false;
            self.begin_attempts(slot, now, steps);
        }
    }
}

/// Passed on as it is.
const PASS: Verdict = Verdict { kind: None, lifetime: Duration::ZERO };

pub(super) fn key_of(pending: &Pending) -> Key<'_> {
    Key { hash: pending.hash, question: pending.question(), bits: pending.bits }
}

pub(super) fn question_message(question: &Question<'_>) -> Vec<u8> {
    let mut message = Vec::with_capacity(HEADER_LEN + question.qname.len() + 4);
    message.extend_from_slice(&Header { id: 0, flags: QR | RA, counts: [1, 0, 0, 0] }.compose());
    message.extend_from_slice(question.qname);
    message.extend_from_slice(&question.qtype.to_be_bytes());
    message.extend_from_slice(&question.qclass.to_be_bytes());
    message
}

/// SERVFAIL, as the cache keeps it.
fn servfail(question: &Question<'_>) -> Packed {
    let mut message = question_message(question);
    crate::wire::put(&mut message, 2, &(QR | RA | rcode::SERVFAIL).to_be_bytes());
    Packed::new(&message, &[], &[], message.len())
}
