//! Queries of our own: health checks of an upstream after a fault, and the loop probe.

use core::time::Duration;
use std::fmt::Write as _;
use std::sync::Arc;

use super::Resolver;
use super::flying::Use;
use crate::event::EventKind;
use crate::forward::upstream::Belief;
use crate::plan::Transport;
use crate::shared::compile::{Forward, Upstream};
use crate::step::{Client, Destination, ExchangeId, Heard, Step, Steps};
use crate::time::Moment;
use crate::wire::header::{Header, QR, RD};
use crate::wire::name::{parse, render};
use crate::wire::response::Question;
use crate::wire::{reply, rtype};

/// How long a probe may take (as `CoreDNS`' health check).
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);
/// A loop probe that got no answer is sent again after so long, so many times.
const LOOP_RETRY: (Duration, u32) = (Duration::from_secs(1), 30);
/// A looping upstream is probed again so often.
const LOOP_RECHECK: Duration = Duration::from_secs(60);

/// A probe's purpose.
enum Purpose {
    /// Does it answer? Until it does.
    Health { max_fails: u32, interval: Duration, qname: Vec<u8>, rd: u16 },
    /// Do our queries come back to us?
    Loop { zone: Vec<u8>, tries: u32 },
}

/// A probe of one upstream.
struct Probe {
    belief: Arc<Belief>,
    to: Destination,
    purpose: Purpose,
    exchange: Option<ExchangeId>,
    wake: Moment,
}

impl Drop for Probe {
    fn drop(&mut self) {
        match self.purpose {
            Purpose::Health { .. } => self.belief.end_probing(),
            Purpose::Loop { .. } => self.belief.end_loop_probing(),
        }
    }
}

/// The probes this worker runs.
#[derive(Default)]
pub(super) struct Probes {
    list: Vec<Option<Probe>>,
}

impl Probes {
    pub(super) fn next_wake(&self) -> Option<Moment> {
        self.list.iter().flatten().map(|probe| probe.wake).min()
    }

    fn add(&mut self, probe: Probe) {
        match self.list.iter_mut().find(|place| place.is_none()) {
            Some(place) => *place = Some(probe),
            None => self.list.push(Some(probe)),
        }
    }

    fn get(&mut self, number: usize) -> Option<&mut Probe> {
        self.list.get_mut(number)?.as_mut()
    }

    fn end(&mut self, number: usize) {
        if let Some(place) = self.list.get_mut(number) {
            *place = None;
        }
    }
}

impl Resolver {
    /// Begin to probe an upstream that failed; the caller has made sure that nobody else does.
    pub(super) fn begin_health_probe(&mut self, forward: &Forward, upstream: &Upstream, now: Moment) {
        let check = &forward.plan.health_check;
        self.probes.add(Probe {
            belief: Arc::clone(&upstream.belief),
            to: if forward.plan.transport == Transport::Tcp { upstream.tcp } else { upstream.udp },
            purpose: Purpose::Health {
                max_fails: forward.plan.max_fails,
                interval: Duration::from_millis(check.interval_ms.max(10)),
                qname: parse(&check.domain).unwrap_or_else(|| vec![0]),
                rd: if check.is_recursion_desired { RD } else { 0 },
            },
            exchange: None,
            wake: now,
        });
    }

    /// Ask each upstream of each block with `loop` whether it asks us; one worker does.
    pub(super) fn begin_loop_probes(&mut self, now: Moment) {
        let plan = Arc::clone(&self.plan);
        for block in &plan.blocks {
            let Some(zone) = &block.loop_zone else { continue };
            for forward in block.forwards.iter().filter(|forward| forward.takes(zone)) {
                for upstream in forward.upstreams.iter().filter(|upstream| upstream.belief.begin_loop_probing()) {
                    self.probes.add(Probe {
                        belief: Arc::clone(&upstream.belief),
                        to: if forward.plan.transport == Transport::Tcp { upstream.tcp } else { upstream.udp },
                        purpose: Purpose::Loop { zone: zone.clone(), tries: 0 },
                        exchange: None,
                        wake: now,
                    });
                }
            }
        }
    }

    /// The plan changed: loop probes begin again, and upstreams that are gone are not probed.
    pub(super) fn end_probes(&mut self, steps: &mut Steps) {
        let plan = Arc::clone(&self.plan);
        let stays = |belief: &Arc<Belief>| {
            let mut upstreams =
                plan.blocks.iter().flat_map(|block| &block.forwards).flat_map(|forward| &forward.upstreams);
            upstreams.any(|upstream| Arc::ptr_eq(&upstream.belief, belief))
        };
        for place in &mut self.probes.list {
            let Some(probe) = place else { continue };
            if matches!(probe.purpose, Purpose::Loop { .. }) || !stays(&probe.belief) {
                if let Some(exchange) = probe.exchange {
                    self.flying.end_exchange(exchange);
                    steps.push(Step::Forget { exchange });
                }
                *place = None;
            }
        }
    }

    /// Send probes that are due, give up those that got no answer.
    pub(super) fn run_probes(&mut self, now: Moment, steps: &mut Steps) {
        for number in 0..self.probes.list.len() {
            let Some(probe) = self.probes.get(number).filter(|probe| probe.wake <= now) else { continue };
            if let Some(exchange) = probe.exchange {
                steps.push(Step::Forget { exchange });
                self.fail_probe(number, exchange, now);
            } else {
                self.send_probe(number, now, steps);
            }
        }
    }

    fn send_probe(&mut self, number: usize, now: Moment, steps: &mut Steps) {
        let token = [self.chance.draw() >> 1, self.chance.draw() >> 1];
        let exchange = self.flying.begin_exchange(Use::Probe(number));
        let Some(probe) = self.probes.get(number) else { return };
        let (qname, qtype, rd) = match &mut probe.purpose {
            Purpose::Health { qname, rd, .. } => (qname.clone(), rtype::NS, *rd),
            Purpose::Loop { zone, tries } => {
                probe.belief.set_token(token);
                *tries += 1;
                (token_name(token, zone), rtype::HINFO, RD)
            }
        };
        let question = Question { qname: &qname, qtype, qclass: 1 };
        let message = steps.write(|out| reply::compose_query(&question, rd, None, out));
        probe.exchange = Some(exchange);
        probe.wake = now.plus(PROBE_TIMEOUT);
        steps.push(Step::Send { exchange, to: probe.to, message });
    }

    /// Any message that has a header says that the upstream lives.
    pub(super) fn hear_probe(&mut self, number: usize, id: ExchangeId, response: &[u8], now: Moment) -> Heard {
        if Header::parse(response).is_none_or(|header| header.flags & QR == 0) {
            return Heard::Stranger;
        }
        self.flying.end_exchange(id);
        let Some(probe) = self.probes.get(number) else { return Heard::Settled };
        probe.exchange = None;
        let belief = Arc::clone(&probe.belief);
        match &mut probe.purpose {
            Purpose::Health { .. } => {
                self.probes.end(number);
                if belief.note_up() {
                    self.tell_up(&belief.label);
                }
            }
            Purpose::Loop { tries, .. } => {
                *tries = 0;
                if belief.note_no_loop() {
                    let message =
                        format!("upstream {}: our queries come back no more; it is asked again", belief.label);
                    self.shared.note_event(EventKind::LoopGone, message);
                }
                if belief.is_loop() {
                    probe.wake = now.plus(LOOP_RECHECK);
                } else {
                    self.probes.end(number);
                }
            }
        }
        Heard::Settled
    }

    /// A probe brought nothing.
    pub(super) fn fail_probe(&mut self, number: usize, id: ExchangeId, now: Moment) {
        self.flying.end_exchange(id);
        let Some(probe) = self.probes.get(number).filter(|probe| probe.exchange == Some(id)) else { return };
        probe.exchange = None;
        let belief = Arc::clone(&probe.belief);
        match &probe.purpose {
            Purpose::Health { max_fails, interval, .. } => {
                probe.wake = now.plus(*interval);
                if belief.note_probe_failed(*max_fails) {
                    let message = format!("upstream {}: does not answer; asked last until it does", belief.label);
                    self.shared.note_event(EventKind::UpstreamDown, message);
                }
            }
            Purpose::Loop { .. } if belief.is_loop() => probe.wake = now.plus(LOOP_RECHECK),
            Purpose::Loop { tries, .. } if *tries < LOOP_RETRY.1 => probe.wake = now.plus(LOOP_RETRY.0),
            Purpose::Loop { .. } => self.probes.end(number),
        }
    }

    /// Whether a HINFO query is our own loop probe; if so, the upstream it went to is not asked any more.
    pub(super) fn is_own_probe(&self, question: &Question<'_>, client: &Client) -> bool {
        let Some(token) = read_token(question.qname) else { return false };
        for block in self.plan.blocks.iter().filter(|block| block.loop_zone.is_some()) {
            for upstream in block.forwards.iter().flat_map(|forward| &forward.upstreams) {
                let Some(is_news) = upstream.belief.see_token(token) else { continue };
                if is_news {
                    let mut text = format!("upstream {}: our queries come back to us; ", upstream.belief.label);
                    let _ = write!(text, "not asked until that ends: Loop ({} -> {}) ", client.remote, client.local);
                    text.push_str("detected for zone \"");
                    render(block.loop_zone.as_deref().unwrap_or(&[0]), &mut text);
                    text.push_str("\", see https://coredns.io/plugins/loop#troubleshooting. Query: \"HINFO ");
                    render(question.qname, &mut text);
                    text.push('"');
                    self.shared.note_event(EventKind::LoopFound, text);
                }
                return true;
            }
        }
        false
    }
}

/// `<number>.<number>.<zone>`.
fn token_name(token: [u64; 2], zone: &[u8]) -> Vec<u8> {
    let mut name = Vec::with_capacity(42 + zone.len());
    for number in token {
        let digits = number.to_string();
        name.push(u8::try_from(digits.len()).unwrap_or(0));
        name.extend_from_slice(digits.as_bytes());
    }
    name.extend_from_slice(zone);
    name
}

fn read_token(qname: &[u8]) -> Option<[u64; 2]> {
    let mut token = [0; 2];
    let mut rest = qname;
    for number in &mut token {
        let length = usize::from(*rest.first()?);
        *number = core::str::from_utf8(rest.get(1..=length)?).ok()?.parse().ok()?;
        rest = rest.get(1 + length..)?;
    }
    Some(token)
}
