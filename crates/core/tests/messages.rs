//! What is answered to messages of every sort, before any cache or upstream.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::expect_used, reason = "tests")]
#![allow(
    clippy::float_cmp,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "small numbers of tests"
)]
#![allow(clippy::type_complexity, clippy::needless_for_each, clippy::wildcard_imports, reason = "tests read better so")]

mod common;

use common::*;
use nodens_core::Rejected;
use nodens_core::step::{Client, ClientTransport};

const A: u16 = 1;

fn changed(change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut message = query(0x1234, "www.test.", A, None);
    change(&mut message);
    message
}

#[test]
fn a_message_that_is_no_query_gets_what_it_deserves() {
    let asked = || query(0x1234, "www.test.", A, None);
    let header_only = |flags: u16| Some((flags, false));
    let table = [
        ("too short", vec![0; 11], None, Rejected::Short),
        ("a response", changed(|m| m[2] |= 0x80), None, Rejected::NotAQuery),
        ("notify", changed(|m| m[2] |= 0x20), header_only(0xa184), Rejected::Opcode),
        ("update", changed(|m| m[2] |= 0x28), header_only(0xa984), Rejected::Opcode),
        ("two questions", changed(|m| m[5] = 2), header_only(0x8181), Rejected::Counts),
        ("no question", changed(|m| m[5] = 0), header_only(0x8181), Rejected::Counts),
        ("two answers", changed(|m| m[7] = 2), header_only(0x8181), Rejected::Counts),
        ("a cut question", asked()[..20].to_vec(), header_only(0x8181), Rejected::Malformed),
        ("a compressed question", changed(|m| m[12] = 0xc0), header_only(0x8181), Rejected::Malformed),
        ("a bare header", asked()[..12].to_vec(), header_only(0x8182), Rejected::Malformed),
        (
            "a cut OPT",
            query(0x1234, "www.test.", A, Some((1232, false)))[..30].to_vec(),
            Some((0x8181, true)),
            Rejected::Malformed,
        ),
    ];
    for (name, message, expected, reason) in table {
        let mut bench = Bench::new(plan(block(Some(cache()), vec![forward(1)])));
        let reply = bench.ask(&message);
        let seen = reply.map(|reply| {
            let reply = read(&reply);
            assert_eq!(reply.id, 0x1234, "{name}");
            (reply.flags, !reply.question.is_empty())
        });
        assert_eq!(seen, expected, "{name}");
        assert_eq!(bench.number("nodens_rejected_packets_total", &[reason.label()]), 1.0, "{name}");
        assert!(bench.sent.is_empty(), "{name}");
    }
}

#[test]
fn a_status_question_from_the_address_it_asks_is_answered_and_counted_nowhere() {
    let status = |flags: u8| [0x12, 0x34, flags, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let table = [
        ("our own", status(0x10), "169.254.20.10:40000", 0.0),
        ("a stranger's", status(0x10), "10.1.2.3:40000", 1.0),
        ("ours, with another opcode", status(0x20), "169.254.20.10:40000", 1.0),
        ("ours, with a question", [0x12, 0x34, 0x10, 0, 0, 1, 0, 0, 0, 0, 0, 0], "169.254.20.10:40000", 1.0),
    ];
    for (name, message, remote, counted) in table {
        let mut bench = Bench::new(plan(block(Some(cache()), vec![forward(1)])));
        let client = Client { remote: remote.parse().unwrap(), ..bench.client(ClientTransport::Udp, 7) };
        let reply = read(&bench.ask_by(&message, client).unwrap());
        assert_eq!((reply.id, reply.rcode), (0x1234, 4), "{name}");
        assert_eq!(bench.number("nodens_rejected_packets_total", &[]), counted, "{name}");
        assert_eq!(bench.number("coredns_dns_requests_total", &[]), 0.0, "{name}");
    }
}

#[test]
fn records_missing_at_the_end_and_trailing_bytes_are_tolerated() {
    for message in [changed(|m| m[11] = 1), changed(|m| m.extend([1, 2, 3]))] {
        let mut bench = Bench::new(plan(block(Some(cache()), vec![forward(1)])));
        assert_eq!(bench.ask(&message), None);
        assert_eq!(bench.sent.len(), 1);
    }
}

#[test]
fn edns_is_ours_not_an_echo() {
    let mut bench = Bench::new(plan(block(Some(cache()), vec![forward(1)])));
    let mut version = query(1, "www.test.", A, Some((4096, true)));
    let at = version.len() - 5;
    version[at] = 1;
    let reply = read(&bench.ask(&version).unwrap());
    assert_eq!((reply.rcode, reply.opt), (16, Some((1232, true))), "BADVERS, with our size");
    let mut cookie = query(1, "www.test.", A, Some((65535, false)));
    let at = cookie.len() - 1;
    cookie[at] = 12;
    cookie.extend_from_slice(&[0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8]);
    bench.ask(&cookie);
    assert_eq!(bench.last_sent().2.len(), query(1, "www.test.", A, Some((0, false))).len(), "no cookie goes upstream");
    bench.respond(0, &[(1, "www.test.", A, 60, vec![1, 2, 3, 4])]);
    assert_eq!(read(&bench.replies[0].1).opt, Some((1232, false)));
    assert_eq!(bench.replies[0].1.len(), 12 + 14 + 16 + 11, "compressed, and nothing echoed");
}

#[test]
fn queries_we_do_not_serve_are_refused_with_ra() {
    let closed = || {
        let mut block = block(None, vec![]);
        block.has_handler = false;
        plan(block)
    };
    let mut transfer = Bench::new(plan(block(Some(cache()), vec![forward(1)])));
    let reply = read(&transfer.ask(&query(1, "test.", 252, Some((1232, false)))).unwrap());
    assert_eq!((reply.rcode, reply.ede), (4, Some(21)));
    let mut bench = Bench::new(closed());
    let mut chaos = query(1, "version.bind.", 16, None);
    *chaos.last_mut().unwrap() = 3;
    for (name, message) in [("no handler", query(1, "www.test.", A, None)), ("class", chaos)] {
        let reply = read(&bench.ask(&message).unwrap());
        assert_eq!((reply.rcode, reply.flags & 0x80), (5, 0x80), "{name}");
    }
    let mut narrow = plan(block(Some(cache()), vec![forward(1)]));
    narrow.listeners[0].zones[0].name = "cluster.local.".into();
    let mut bench = Bench::new(narrow);
    assert_eq!(read(&bench.ask(&query(1, "www.test.", A, None)).unwrap()).rcode, 5);
    assert_eq!(bench.number("coredns_dns_responses_total", &["dropped", "REFUSED"]), 1.0);
    assert_eq!(bench.ask(&query(1, "A.Cluster.LOCAL.", A, None)), None);
}

#[test]
fn a_plan_that_makes_no_sense_names_its_field() {
    let good = plan(block(Some(cache()), vec![forward(1)]));
    let mut workers = good.clone();
    workers.workers = 0;
    let mut zone = good.clone();
    zone.listeners[0].zones[0].block = 7;
    let mut name = good.clone();
    name.blocks[0].forwards[0].zone = "a..b.".into();
    for (plan, field) in
        [(workers, "workers"), (zone, "listeners[0].zones[0].block"), (name, "blocks[0].forwards[0].zone")]
    {
        let now = nodens_core::time::Moment::START;
        assert_eq!(nodens_core::Shared::new(plan.clone(), 1, now).err().unwrap().field, field);
        let running = nodens_core::Shared::new(good.clone(), 1, now).unwrap();
        assert!(running.apply(plan, now).is_err());
        assert_eq!(running.generation(), 1, "the running plan goes on");
    }
}

#[test]
fn the_query_log_tells_of_hits_misses_and_failures() {
    let mut logging = block(Some(cache()), vec![forward(1)]);
    logging.errors = None;
    logging.log = vec![nodens_core::plan::LogPlan {
        zone: ".".into(),
        format: "{remote}:{port} - {>id} \"{type} {class} {name} {proto} {size} {>do} {>bufsize}\" {rcode} {>rflags} {rsize} {duration}".into(),
        classes: vec![nodens_core::plan::LogClass::All],
    }];
    let mut bench = Bench::new(plan(logging));
    bench.ask(&query(7, "Google.com.", A, None));
    bench.turn_ms(2);
    bench.respond(0, &[(1, "google.com.", A, 60, vec![1, 2, 3, 4])]);
    bench.ask(&query(8, "google.com.", A, Some((4096, true))));
    bench.turn_ms(1_900);
    assert_eq!(
        bench.log(),
        "[INFO] 10.0.0.9:4000 - 7 \"A IN google.com. udp 28 false 512\" NOERROR qr,rd,ra 54 0.002s\n\
         [INFO] 10.0.0.9:4000 - 8 \"A IN google.com. udp 39 true 4096\" SERVFAIL qr,rd,ra 28 1.9s\n"
    );
}
