//! Whom we ask, for how long, and who is asked next when that fails.

use core::sync::atomic::Ordering;
use core::time::Duration;
use std::sync::Arc;

use super::Resolver;
use super::flying::Use;
use crate::event::EventKind;
use crate::forward::policy::order;
use crate::forward::question::{ATTEMPTS, FIRST, Open};
use crate::forward::trouble::Trouble;
use crate::forward::upstream::Failing;
use crate::plan::Transport;
use crate::shared::compile::Forward;
use crate::step::{ExchangeId, Fault, Step, Steps};
use crate::time::Moment;
use crate::wire::edns::OurOpt;
use crate::wire::reply;

impl Resolver {
    /// Order the upstreams of the current forward and ask the first.
    pub(super) fn begin_attempts(&mut self, slot: usize, now: Moment, steps: &mut Steps) {
        let Some(pending) = self.flying.get(slot) else { return };
        let plan = Arc::clone(&pending.plan);
        let Some(forward) = plan.blocks.get(pending.block).and_then(|block| block.forwards.get(pending.forward)) else {
            return self.fail(slot, now, steps);
        };
        let turn = forward.load.turn.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        let ups = &forward.upstreams;
        let is_up = |number: usize| ups.get(number).is_some_and(|upstream| upstream.belief.is_up());
        let mut list = order(forward.plan.policy, ups.len(), turn, &mut self.chance, is_up);
        list.retain(|number| ups.get(*number).is_some_and(|upstream| !upstream.belief.is_loop()));
        let is_all_down = !list.iter().any(|number| is_up(*number));
        let mut most = (2 * list.len()).min(ATTEMPTS);
        if forward.plan.max_connect_attempts > 0 {
            most = most.min(forward.plan.max_connect_attempts as usize);
        }
        if ups.is_empty() {
            pending.trouble = Some(trouble(&Arc::default(), Failing::Nobody));
        } else if list.is_empty() {
            let label = ups.first().map_or_else(Arc::default, |upstream| Arc::clone(&upstream.belief.label));
            pending.trouble = Some(trouble(&label, Failing::Loop));
        } else if is_all_down {
            self.shared.healthcheck_broken.add_shared(1);
            if forward.plan.is_failfast {
                most = 0;
            }
        }
        pending.order = list;
        pending.attempts = (0, most);
        self.attempt(slot, now, steps);
    }

    /// Ask the next upstream; if there is none left and nothing may come any more, give up.
    pub(super) fn attempt(&mut self, slot: usize, now: Moment, steps: &mut Steps) {
        let Some(pending) = self.flying.get(slot) else { return };
        let (made, most) = pending.attempts;
        if made < most && now < pending.deadline && !pending.order.is_empty() {
            let upstream = pending.order.get(made % pending.order.len()).copied().unwrap_or(0);
            pending.attempts.0 += 1;
            let left = u32::try_from(most - made).unwrap_or(1);
            let remaining = pending.deadline.since(now);
            let is_first_of_several = made == 0 && pending.order.len() > 1;
            let share = if is_first_of_several { FIRST.min(remaining / 2) } else { remaining / left };
            let plan = Arc::clone(&pending.plan);
            let Some(forward) = plan.blocks.get(pending.block).and_then(|block| block.forwards.get(pending.forward))
            else {
                return self.fail(slot, now, steps);
            };
            let read = forward.plan.read_timeout_ms;
            let share = if read > 0 { share.min(Duration::from_millis(read)) } else { share };
            pending.attempt_ends = now.plus(share);
            let is_tcp = match forward.plan.transport {
                Transport::Client => pending.is_tcp,
                Transport::Udp => false,
                Transport::Tcp => true,
            };
            self.send(slot, forward, upstream, is_tcp, true, now, steps);
        } else if pending.open.is_empty() {
            self.fail(slot, now, steps);
        } else {
            self.flying.set_timer(slot);
        }
    }

    /// One exchange with one upstream.
    #[expect(clippy::too_many_arguments, reason = "what to send, to whom and how; all of it differs from call to call")]
    pub(super) fn send(
        &mut self,
        slot: usize,
        forward: &Forward,
        number: usize,
        is_tcp: bool,
        has_edns: bool,
        now: Moment,
        steps: &mut Steps,
    ) {
        let Some(upstream) = forward.upstreams.get(number) else { return };
        let id = self.flying.begin_exchange(Use::Question(slot));
        let Some(pending) = self.flying.get(slot) else { return };
        let own_size = pending.plan.blocks.get(pending.block).map_or(1232, |block| block.plan.udp_size_limit);
        let is_do = pending.bits & crate::cache::key::DO != 0;
        let opt = has_edns.then_some(OurOpt { size: own_size, is_do, rcode_high: 0, ede: &[] });
        let message = steps.write(|out| reply::compose_query(&pending.question(), pending.rd_cd, opt, out));
        pending.open.push(Open {
            id,
            forward: pending.forward,
            upstream: number,
            is_tcp,
            has_edns,
            is_dialing: false,
            sent: now,
            is_late: false,
        });
        let to = if is_tcp { upstream.tcp } else { upstream.udp };
        steps.push(Step::Send { exchange: id, to, message });
        self.flying.set_timer(slot);
    }

    /// A question's time for something has come.
    pub(super) fn look_at(&mut self, slot: usize, now: Moment, steps: &mut Steps) {
        let Some(pending) = self.flying.get(slot) else { return };
        if now >= pending.deadline {
            if pending.trouble.is_none() || pending.open.iter().any(|open| !open.is_late) {
                self.blame_late(slot, now);
            }
            return self.fail(slot, now, steps);
        }
        if pending.stale_at.is_some_and(|at| at <= now) {
            pending.stale_at = None;
            self.give_stale(slot, now, steps);
        }
        let Some(pending) = self.flying.get(slot) else { return };
        if !pending.is_parked && pending.attempt_ends <= now && pending.attempts.0 < pending.attempts.1 {
            self.blame_late(slot, now);
            self.attempt(slot, now, steps);
        } else {
            self.flying.set_timer(slot);
        }
    }

    /// Those whose time is over are blamed, once; we go on listening to them.
    fn blame_late(&mut self, slot: usize, now: Moment) {
        let Some(pending) = self.flying.get(slot) else { return };
        let late: Vec<Open> = pending.open.iter().filter(|open| !open.is_late).copied().collect();
        for open in &mut pending.open {
            open.is_late = true;
        }
        for open in late {
            self.blame(slot, &open, Failing::Timeout, now);
        }
    }

    /// Note an upstream's fault; health checks begin.
    pub(super) fn blame(&mut self, slot: usize, open: &Open, failing: Failing, now: Moment) {
        let Some(pending) = self.flying.get(slot) else { return };
        let plan = Arc::clone(&pending.plan);
        let forward = plan.blocks.get(pending.block).and_then(|block| block.forwards.get(open.forward));
        let Some((forward, upstream)) =
            forward.and_then(|forward| Some((forward, forward.upstreams.get(open.upstream)?)))
        else {
            return;
        };
        let (is_tcp, is_dialing) = (open.is_tcp, open.is_dialing);
        pending.trouble = Some(Trouble { upstream: Arc::clone(&upstream.belief.label), is_tcp, is_dialing, failing });
        if upstream.belief.note_fault(failing, forward.plan.max_fails) {
            self.begin_health_probe(forward, upstream, now);
        }
    }

    /// The engine says that nothing will come.
    pub(super) fn note_exchange_fault(
        &mut self,
        slot: usize,
        id: ExchangeId,
        fault: Fault,
        now: Moment,
        steps: &mut Steps,
    ) {
        let Some(open) = self.take_open(slot, id) else { return };
        let Some(pending) = self.flying.get(slot) else { return };
        if fault == Fault::Closed && pending.free > 0 {
            pending.free -= 1;
            let plan = Arc::clone(&pending.plan);
            if let Some(forward) = plan.blocks.get(pending.block).and_then(|block| block.forwards.get(open.forward)) {
                return self.send(slot, forward, open.upstream, open.is_tcp, open.has_edns, now, steps);
            }
        }
        let failing = match fault {
            Fault::Refused => Failing::Refused,
            Fault::Unreachable(_) => Failing::Unreachable,
            Fault::Closed | Fault::Reset => Failing::Reset,
            Fault::NoRoom => Failing::NoRoom,
        };
        if fault == Fault::NoRoom {
            pending.attempts.1 = pending.attempts.1.min(pending.order.len()); // asking the same again makes no room
        }
        if !open.is_late {
            self.blame(slot, &open, failing, now);
        }
        self.go_on(slot, &open, now, steps);
    }

    /// Ask the same upstream in parallel with an exchange that is stuck; whichever is answered first counts.
    pub(super) fn pass_by(&mut self, slot: usize, id: ExchangeId, now: Moment, steps: &mut Steps) {
        let Some(pending) = self.flying.get(slot).filter(|pending| pending.free > 0) else { return };
        let Some(open) = pending.open.last().filter(|open| open.id == id).copied() else { return };
        pending.free -= 1;
        let plan = Arc::clone(&pending.plan);
        if let Some(forward) = plan.blocks.get(pending.block).and_then(|block| block.forwards.get(open.forward)) {
            self.send(slot, forward, open.upstream, open.is_tcp, open.has_edns, now, steps);
        }
    }

    /// After a fault: the next upstream at once, unless another exchange has taken over already.
    pub(super) fn go_on(&mut self, slot: usize, failed: &Open, now: Moment, steps: &mut Steps) {
        let Some(pending) = self.flying.get(slot) else { return };
        if failed.is_late && !pending.open.is_empty() {
            return;
        }
        self.attempt(slot, now, steps);
    }

    /// End an exchange of a question.
    pub(super) fn take_open(&mut self, slot: usize, id: ExchangeId) -> Option<Open> {
        self.flying.end_exchange(id);
        let pending = self.flying.get(slot)?;
        let place = pending.open.iter().position(|open| open.id == id)?;
        Some(pending.open.swap_remove(place))
    }

    /// Tell of an upstream that answers again.
    pub(super) fn tell_up(&self, label: &str) {
        self.shared.note_event(EventKind::UpstreamUp, format!("upstream {label}: answers again"));
    }
}

/// Trouble before anything was sent.
fn trouble(upstream: &Arc<str>, failing: Failing) -> Trouble {
    Trouble { upstream: Arc::clone(upstream), is_tcp: false, is_dialing: false, failing }
}
