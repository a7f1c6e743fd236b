//! Random clients, upstreams and time: every query gets exactly one answer within two seconds, and nothing is left over.
#![no_main]

use std::collections::HashMap;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use nodens_core::plan::{PrefetchPlan, StalePlan};
use nodens_core::step::{ClientTransport, Fault};

#[path = "../../crates/core/tests/common/mod.rs"]
mod common;
use common::*;

/// What clients ask for; few names, so that they meet each other and the cache.
const NAMES: [&str; 6] = ["a.test.", "b.test.", "C.test.", "a.b.test.", "www.example.", "."];
/// The promise: two seconds from a query to its answer.
const PROMISE: Duration = Duration::from_secs(2);

/// Reads numbers off the input; zeros when it is used up.
struct Dice<'d>(&'d [u8]);

impl Dice<'_> {
    fn roll(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn chunk(&mut self) -> Vec<u8> {
        let length = usize::from(self.roll()).min(self.0.len());
        let (chunk, rest) = self.0.split_at(length);
        self.0 = rest;
        chunk.to_vec()
    }
}

fuzz_target!(|input: &[u8]| {
    let mut dice = Dice(input);
    let setting = dice.roll();
    let mut cache = cache();
    if setting & 1 != 0 {
        cache.stale = Some(StalePlan {
            window_s: 60,
            is_verify: setting & 2 != 0,
            verify_timeout_ms: u64::from(setting >> 6) * 200,
            response_ttl_s: 0,
            recheck_ms: 0,
            prefers_positive: setting & 4 != 0,
        });
    }
    if setting & 8 != 0 {
        cache.prefetch = Some(PrefetchPlan { amount: 1, window_ms: 60_000, percent: 50 });
    }
    let mut forwards = forward(1 + (setting >> 4 & 3));
    forwards.max_concurrent = usize::from(dice.roll());
    let mut bench = Bench::new(plan(block((setting & 16 != 0).then_some(cache), vec![forwards])));
    let mut waiting = HashMap::new();

    let mut handle = 0;
    while !dice.0.is_empty() {
        match dice.roll() % 8 {
            0 | 1 => {
                handle += 1;
                let edns = (dice.roll() & 1 != 0).then_some((u16::from(dice.roll()) * 16, dice.roll() & 1 != 0));
                let name = NAMES[usize::from(dice.roll()) % NAMES.len()];
                let message = query(handle as u16, name, u16::from(dice.roll() % 40), edns);
                let transport = if dice.roll() & 1 == 0 { ClientTransport::Udp } else { ClientTransport::Tcp };
                if bench.ask_as(&message, transport, handle).is_none() {
                    waiting.insert(handle, bench.now);
                }
            }
            2 => {
                handle += 1;
                let chunk = dice.chunk();
                let _ = bench.ask_as(&chunk, ClientTransport::Udp, handle); // no query: silence is fine
            }
            3 | 4 if !bench.sent.is_empty() => {
                let (exchange, _, message) = bench.sent[usize::from(dice.roll()) % bench.sent.len()].clone();
                let rdata = dice.chunk();
                let section = 1 + usize::from(dice.roll() % 3);
                let rtype = [1, 2, 5, 6, 12, 15, 33, 41, 46][usize::from(dice.roll()) % 9];
                let flags = u16::from(dice.roll() & 15) | u16::from(dice.roll() & 6) << 8;
                let records = [(section, "a.test.", rtype, u32::from(dice.roll()), rdata)];
                let mut message = response(&message, flags, &records);
                if dice.roll() & 7 == 0 {
                    let at = usize::from(dice.roll()) % message.len();
                    message[at] ^= dice.roll();
                }
                let _ = bench.hear(exchange, &message);
            }
            5 if !bench.sent.is_empty() => {
                let (exchange, ..) = bench.sent[usize::from(dice.roll()) % bench.sent.len()];
                let fault = [Fault::Refused, Fault::Unreachable(113), Fault::Closed, Fault::Reset, Fault::NoRoom];
                bench.fault(exchange, fault[usize::from(dice.roll()) % fault.len()]);
            }
            6 => bench.turn_ms(u64::from(dice.roll())),
            7 => bench.turn_ms(u64::from(dice.roll()) * 50),
            _ => {}
        }
        settle(&mut bench, &mut waiting);
    }
    bench.turn(PROMISE);
    settle(&mut bench, &mut waiting);
    assert!(waiting.is_empty(), "a query was left without an answer");
    bench.turn(PROMISE);
    assert_eq!(bench.resolver.in_flight(), 0, "nothing is left in flight");
});

/// Take the replies in: each belongs to one who waits, and came in time.
fn settle(bench: &mut Bench, waiting: &mut HashMap<u64, nodens_core::time::Moment>) {
    for (client, message) in std::mem::take(&mut bench.replies) {
        read(&message);
        // Garbage that was a query after all is not waited for, but may be answered.
        if let Some(since) = waiting.remove(&client.handle) {
            assert!(bench.now.since(since) <= PROMISE + Duration::from_secs(13), "late");
        }
    }
    for since in waiting.values() {
        assert!(bench.now.since(*since) <= PROMISE, "a query waits for longer than we promise");
    }
    bench.sent.truncate(256);
}
