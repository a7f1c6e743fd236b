//! Properties: what is composed can be parsed, routes agree with a linear search, nothing breaks on random events.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::expect_used, reason = "tests")]
#![allow(
    clippy::float_cmp,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "small numbers of tests"
)]
#![allow(clippy::type_complexity, clippy::needless_for_each, clippy::wildcard_imports, reason = "tests read better so")]

mod common;

use std::collections::HashMap;

use common::*;
use nodens_core::hash::{Chance, Seed};
use nodens_core::route::Routes;
use nodens_core::step::{ClientTransport, Fault};
use nodens_core::wire::encode::Encoder;
use nodens_core::wire::name::{NameBuffer, is_under, parse, render};
use nodens_core::wire::response::{Question, digest};
use proptest::prelude::*;

fn name() -> impl Strategy<Value = String> {
    prop::collection::vec("[a-c]{1,3}", 0..5).prop_map(|labels| labels.join(".") + ".")
}

fn records() -> impl Strategy<Value = Vec<(usize, String, u16, u32, Vec<u8>)>> {
    let rdata =
        (prop::sample::select(vec![1_u16, 5, 2, 12, 15, 33, 16, 6, 64000]), name()).prop_map(|(rtype, target)| {
            let rdata = match rtype {
                1 => vec![1, 2, 3, 4],
                15 => [vec![0, 9], wire(&target)].concat(),
                33 => [vec![0, 1, 0, 2, 0, 53], wire(&target)].concat(),
                6 => [wire(&target), wire(&target), vec![7; 20]].concat(),
                16 => vec![3, b'a', b'b', b'c'],
                64000 => vec![0xc0, 0x0c, 1],
                _ => wire(&target),
            };
            (rtype, rdata)
        });
    prop::collection::vec((1_usize..=3, name(), rdata, any::<u32>()), 0..12).prop_map(|all| {
        all.into_iter().map(|(section, owner, (rtype, rdata), ttl)| (section, owner, rtype, ttl, rdata)).collect()
    })
}

/// RDATA with its names unpacked.
fn unpacked(message: &[u8], at: usize, rtype: u16, rdata: (usize, usize)) -> Vec<u8> {
    let (before, names) = match rtype {
        15 => (2, 1),
        33 => (6, 1),
        6 => (0, 2),
        2 | 5 | 12 => (0, 1),
        _ => return message[rdata.0..rdata.1].to_vec(),
    };
    let _ = at;
    let mut plain = message[rdata.0..rdata.0 + before].to_vec();
    let mut here = rdata.0 + before;
    let mut name = NameBuffer::default();
    for _ in 0..names {
        here = name.unpack(message, here).unwrap();
        plain.extend_from_slice(name.as_wire());
    }
    plain.extend_from_slice(&message[here..rdata.1]);
    plain
}

fn meaning(message: &[u8]) -> Vec<(Vec<u8>, u16, u32, Vec<u8>)> {
    use nodens_core::wire::{header::Header, name, record};
    let counts = Header::parse(message).unwrap().counts;
    let mut at = name::plain_end(message, 12).unwrap() + 4;
    let mut all = vec![];
    let mut owner = NameBuffer::default();
    for _ in 0..counts[1] + counts[2] + counts[3] {
        let record = record::at(message, at).unwrap();
        owner.unpack(message, record.start).unwrap();
        let rdata = unpacked(message, at, record.rtype, (record.rdata, record.end));
        all.push((owner.as_wire().to_vec(), record.rtype, record.ttl, rdata));
        at = record.end;
    }
    assert_eq!(at, message.len());
    all
}

proptest! {
    #[test]
    fn names_survive_parse_and_render(labels in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..20), 0..6)) {
        let mut wire = vec![];
        for label in &labels {
            wire.push(u8::try_from(label.len()).unwrap());
            wire.extend(label.iter().map(u8::to_ascii_lowercase));
        }
        wire.push(0);
        let mut text = String::new();
        render(&wire, &mut text);
        prop_assert_eq!(parse(&text), Some(wire));
    }

    #[test]
    fn a_message_written_again_means_the_same_and_is_not_longer(qname in name(), records in records()) {
        let asked = query(0, &qname, 1, None);
        let borrowed: Vec<Rr<'_>> = records.iter().map(|(s, o, t, l, d)| (*s, o.as_str(), *t, *l, d.clone())).collect();
        let message = response(&asked, 0, &borrowed);
        let mut encoder = Encoder::default();
        let wire = wire(&qname);
        let question = Question { qname: &wire, qtype: 1, qclass: 1 };
        let digest = digest(&mut encoder, &mut NameBuffer::default(), &message, &question).unwrap();
        let again = encoder.message().to_vec();
        prop_assert_eq!(meaning(&again), meaning(&message));
        prop_assert!(again.len() <= message.len());
        prop_assert_eq!(encoder.plain_len(), message.len());
        for at in encoder.ttls() {
            let at = usize::from(*at);
            prop_assert!(records.iter().any(|r| r.3.to_be_bytes() == again[at..at + 4]));
        }
        let packed = digest.pack(&encoder, &message);
        prop_assert_eq!(packed.message(), &again[..]);
    }

    #[test]
    fn a_response_of_any_bytes_is_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300), cut in 0_usize..80) {
        let asked = query(0, "a.b.", 1, None);
        let whole = response(&asked, 0, &[(1, "a.b.", 5, 5, wire("c.b.")), (2, "b.", 6, 5, soa(5))]);
        let wire = wire("a.b.");
        let question = Question { qname: &wire, qtype: 1, qclass: 1 };
        let mut encoder = Encoder::default();
        let mut mixed = whole[..whole.len() - cut.min(whole.len())].to_vec();
        mixed.extend_from_slice(&bytes);
        for message in [bytes, mixed] {
            if digest(&mut encoder, &mut NameBuffer::default(), &message, &question).is_ok() {
                meaning(encoder.message());
            }
        }
    }

    #[test]
    fn routes_agree_with_a_linear_search(zones in prop::collection::btree_set(name(), 0..12), asked in name()) {
        let mut routes = Routes::new(Seed::new(3));
        for zone in &zones {
            prop_assert!(routes.add(&wire(zone), zone.clone()));
        }
        let qname = wire(&asked);
        let found: Vec<&String> = zones.iter().filter(|zone| is_under(&qname, &wire(zone))).collect();
        prop_assert_eq!(routes.find(&qname), found.iter().copied().max_by_key(|zone| wire(zone).len()));
        let parent = found.iter().copied().filter(|zone| *zone != ".").min_by_key(|zone| wire(zone).len());
        prop_assert_eq!(routes.find_parent(&qname), parent.or(found.iter().copied().find(|zone| *zone == ".")));
    }

    #[test]
    fn a_query_of_any_bytes_gets_at_most_one_answer(bytes in prop::collection::vec(any::<u8>(), 0..200), flip in 0_usize..60, to in any::<u8>()) {
        let mut bench = Bench::new(plan(block(Some(cache()), vec![forward(1)])));
        let mut nearly = query(1, "www.test.", 1, Some((1232, true)));
        let at = flip % nearly.len();
        nearly[at] = to;
        for message in [bytes, nearly] {
            if let Some(reply) = bench.ask(&message) {
                read(&reply);
            }
        }
    }
}

fn random_life(seed: u64, limit: usize) {
    let mut chance = Chance::new(seed);
    let mut rules = cache();
    rules.stale = seed.is_multiple_of(2).then_some(nodens_core::plan::StalePlan {
        window_s: 60,
        is_verify: seed.is_multiple_of(4),
        verify_timeout_ms: 200,
        response_ttl_s: 0,
        recheck_ms: 500,
        prefers_positive: false,
    });
    let mut planned = plan(block(Some(rules), vec![forward(1 + (seed % 3) as u8)]));
    planned.memory_limit_bytes = limit;
    let mut bench = Bench::new(planned.clone());
    let mut waiting: HashMap<u16, nodens_core::time::Moment> = HashMap::new();
    let mut id = 0_u16;
    for _ in 0..1_500 {
        match chance.below(10) {
            0..=3 => {
                id = id.wrapping_add(1);
                let name = format!("n{}.test.", chance.below(20));
                let transport = if chance.below(4) == 0 { ClientTransport::Tcp } else { ClientTransport::Udp };
                if let Some(reply) = bench.ask_as(&query(id, &name, 1, Some((1232, false))), transport, 1) {
                    assert_eq!(read(&reply).id, id);
                } else {
                    waiting.insert(id, bench.now);
                }
            }
            4..=6 if !bench.sent.is_empty() => {
                let (exchange, _, message) =
                    bench.sent[bench.sent.len() - 1 - chance.below(bench.sent.len().min(8))].clone();
                let flags = [0, 0, 0, 2, 3, 5, 0x200][chance.below(7)];
                let owner = [(1, "n1.test.", 1, chance.below(30) as u32, vec![1, 2, 3, 4])];
                let mut answer = response(&message, flags, if flags == 0 { &owner } else { &[] });
                if chance.below(5) == 0 {
                    answer.truncate(chance.below(answer.len()));
                }
                let _ = bench.hear(exchange, &answer);
            }
            7 if !bench.sent.is_empty() => {
                let (exchange, ..) = bench.sent[bench.sent.len() - 1 - chance.below(bench.sent.len().min(8))].clone();
                let faults = [Fault::Refused, Fault::Closed, Fault::Reset, Fault::NoRoom, Fault::Unreachable(101)];
                bench.fault(exchange, faults[chance.below(5)]);
            }
            8 if chance.below(20) == 0 => {
                bench.shared.apply(planned.clone(), bench.now).unwrap();
                bench.resolver.on_plan(bench.now, &mut bench.steps);
                bench.collect();
            }
            _ => bench.turn_ms(chance.below(400) as u64),
        }
        check(&mut bench, &mut waiting);
        assert!(bench.number("nodens_memory_used_bytes", &[]) <= (limit + (64 << 10)) as f64);
    }
    bench.turn_ms(2_000);
    check(&mut bench, &mut waiting);
    assert!(waiting.is_empty(), "every query was answered");
    bench.turn_ms(2_000);
    assert_eq!(bench.resolver.in_flight(), 0);
    bench.turn_ms(4_000_000);
    assert_eq!(bench.number("coredns_cache_entries", &[]), 0.0);
    assert_eq!(bench.number("nodens_memory_used_bytes", &[]), 0.0, "all is given back");
}

fn check(bench: &mut Bench, waiting: &mut HashMap<u16, nodens_core::time::Moment>) {
    for (_, reply) in std::mem::take(&mut bench.replies) {
        waiting.remove(&read(&reply).id).expect("one answer per query");
    }
    for asked in waiting.values() {
        assert!(bench.now.since(*asked).as_millis() <= 1_900);
    }
}

#[test]
fn whatever_happens_each_query_gets_one_answer_in_time_and_all_memory_is_given_back() {
    for seed in 0..12 {
        random_life(seed, if seed % 3 == 0 { 40 << 10 } else { 4 << 20 });
    }
}
