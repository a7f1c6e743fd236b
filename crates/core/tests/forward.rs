//! Forwarding, with upstreams that behave and upstreams that do not.
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
use nodens_core::plan::{ForwardPlan, Transport};
use nodens_core::step::{ClientTransport, Fault, Heard, UpstreamTransport};

const A: u16 = 1;

fn address() -> Vec<Rr<'static>> {
    vec![(1, "www.test.", A, 60, vec![1, 2, 3, 4])]
}

fn bench(forward: ForwardPlan) -> Bench {
    Bench::new(plan(block(Some(cache()), vec![forward])))
}

#[test]
fn identical_misses_are_one_question_upstream() {
    let mut bench = bench(forward(1));
    for id in 0..10 {
        assert_eq!(bench.ask(&query(id, "www.test.", A, None)), None);
    }
    assert_eq!((bench.sent.len(), bench.resolver.in_flight()), (1, 1));
    bench.respond(0, &address());
    let ids: Vec<u16> = bench.replies.iter().map(|(_, reply)| read(reply).id).collect();
    assert_eq!(ids, (0..10).collect::<Vec<_>>());
    assert_eq!((bench.resolver.in_flight(), bench.number("nodens_merged_queries_total", &[])), (0, 9.0));
}

#[test]
fn a_silent_upstream_ends_in_servfail_within_two_seconds_and_two_attempts() {
    let mut bench = bench(forward(1));
    bench.ask(&query(1, "www.test.", A, Some((1232, false))));
    bench.turn_ms(1_899);
    assert!(bench.replies.is_empty());
    bench.turn_ms(1);
    let reply = read(&bench.replies[0].1);
    assert_eq!((reply.rcode, reply.ede, reply.flags & 0x80), (2, Some(23), 0x80));
    let asked = bench.sent.iter().filter(|(_, _, message)| read(message).question.starts_with(&wire("www.test.")));
    assert_eq!(asked.count(), 2);
    assert_eq!(bench.log(), "[ERROR] plugin/errors: 2 www.test. A: read udp 10.1.1.1:53: i/o timeout\n");
    let kept = read(&bench.ask(&query(2, "www.test.", A, Some((1232, false)))).unwrap());
    assert_eq!((kept.rcode, kept.ede), (2, Some(13)), "the failure is kept (RFC 9520)");
}

#[test]
fn a_fault_goes_to_the_next_upstream_at_once_and_faults_everywhere_end_at_once() {
    let mut bench = bench(forward(2));
    bench.ask(&query(1, "www.test.", A, None));
    for (number, fault) in
        [Fault::Refused, Fault::Unreachable(113), Fault::Reset, Fault::NoRoom].into_iter().enumerate()
    {
        let (exchange, to, _) = bench.last_sent();
        assert_eq!(to.address.to_string(), format!("10.1.1.{}:53", number % 2 + 1));
        bench.fault(exchange, fault);
    }
    assert_eq!(bench.sent.len(), 4, "no storm");
    assert_eq!(read(&bench.replies[0].1).rcode, 2);
    assert_eq!(bench.resolver.in_flight(), 0);
}

#[test]
fn garbage_strangers_and_bare_headers_are_the_upstreams_fault() {
    let mut bench = bench(forward(2));
    bench.ask(&query(1, "www.test.", A, None));
    let (first, _, message) = bench.last_sent();
    let mut stranger = response(&message, 0, &[]);
    stranger[14] = b'x';
    assert_eq!(bench.hear(first, &stranger), Heard::Stranger, "over UDP we go on listening");
    assert_eq!(bench.hear(first, &message), Heard::Stranger, "a query is no response");
    let mut garbage = response(&message, 0, &address());
    garbage.truncate(garbage.len() - 2);
    assert_eq!(bench.hear(first, &garbage), Heard::Settled);
    let (second, to, message) = bench.last_sent();
    assert_eq!(to.address.to_string(), "10.1.1.2:53");
    let bare = [&[0, 0, 0x81, 0x81][..], &[0; 8]].concat();
    assert_eq!(bench.hear(second, &bare), Heard::Settled);
    let (third, to, without) = bench.last_sent();
    assert_eq!(to.address.to_string(), "10.1.1.2:53", "the same once more, without EDNS");
    assert_eq!((read(&message).opt, read(&without).opt), (Some((1232, false)), None));
    assert_eq!(bench.hear(third, &bare), Heard::Settled);
    assert_eq!(bench.last_sent().1.address.to_string(), "10.1.1.1:53");
    bench.respond(0, &address());
    assert_eq!(read(&bench.replies[0].1).rcode, 0);
}

#[test]
fn over_tcp_a_stranger_ends_the_exchange() {
    let mut bench = bench(ForwardPlan { transport: Transport::Tcp, ..forward(2) });
    bench.ask(&query(1, "www.test.", A, None));
    let (first, to, message) = bench.last_sent();
    assert_eq!(to.transport, UpstreamTransport::Tcp);
    let mut stranger = response(&message, 0, &[]);
    stranger[14] = b'x';
    assert_eq!(bench.hear(first, &stranger), Heard::Stranger);
    assert_eq!(bench.last_sent().1.address.to_string(), "10.1.1.2:53");
    bench.respond(0, &address());
    assert_eq!(bench.replies.len(), 1);
}

#[test]
fn a_connection_that_had_expired_is_no_fault() {
    let mut bench = bench(ForwardPlan { transport: Transport::Tcp, ..forward(2) });
    bench.ask(&query(1, "www.test.", A, None));
    let (first, ..) = bench.last_sent();
    bench.fault(first, Fault::Closed);
    assert_eq!(bench.last_sent().1.address.to_string(), "10.1.1.1:53");
    assert_eq!(bench.number("nodens_upstream_faults_total", &[]), 0.0);
}

#[test]
fn a_truncated_udp_response_is_asked_again_over_tcp() {
    let mut bench = bench(forward(1));
    bench.ask(&query(1, "www.test.", A, None));
    bench.respond(0x0200, &[]);
    let (_, to, _) = bench.last_sent();
    assert_eq!(to.transport, UpstreamTransport::Tcp);
    bench.respond(0, &address());
    assert_eq!((read(&bench.replies[0].1).records.len(), bench.replies.len()), (1, 1));
}

#[test]
fn a_late_answer_of_the_first_upstream_is_still_taken() {
    let mut bench = bench(forward(2));
    bench.ask(&query(1, "www.test.", A, None));
    let (first, _, message) = bench.last_sent();
    bench.turn_ms(700);
    let asked =
        bench.sent.iter().filter(|(_, to, m)| to.address.to_string() == "10.1.1.2:53" && m.len() == message.len());
    assert_eq!(asked.count(), 1);
    assert_eq!(bench.hear(first, &response(&message, 0, &address())), Heard::Settled);
    assert_eq!(read(&bench.replies[0].1).rcode, 0);
    assert_eq!(bench.forgotten.len(), 1, "the other exchange is forgotten");
}

#[test]
fn transport_is_the_clients_unless_planned_otherwise() {
    for (planned, client, expected) in [
        (Transport::Client, ClientTransport::Udp, UpstreamTransport::Udp),
        (Transport::Client, ClientTransport::Tcp, UpstreamTransport::Tcp),
        (Transport::Udp, ClientTransport::Tcp, UpstreamTransport::Udp),
        (Transport::Tcp, ClientTransport::Udp, UpstreamTransport::Tcp),
    ] {
        let mut bench = bench(ForwardPlan { transport: planned, ..forward(1) });
        bench.ask_as(&query(1, "www.test.", A, None), client, 3);
        assert_eq!(bench.last_sent().1.transport, expected, "{planned:?} {client:?}");
    }
}

#[test]
fn failover_asks_the_next_and_gives_the_last_answer_when_all_say_so() {
    let mut bench = bench(ForwardPlan { failover_rcodes: vec![2], ..forward(2) });
    bench.ask(&query(1, "www.test.", A, None));
    bench.respond(2, &[]);
    assert_eq!(bench.last_sent().1.address.to_string(), "10.1.1.2:53");
    bench.respond(2, &[]);
    assert_eq!((bench.sent.len(), read(&bench.replies[0].1).rcode), (2, 2));
    let mut both = Bench::new(plan(block(None, vec![ForwardPlan { next_rcodes: vec![3], ..forward(1) }, forward(2)])));
    both.ask(&query(1, "www.test.", A, None));
    both.respond(3, &[]);
    assert_eq!(both.sent.len(), 2, "the next forward");
    both.respond(0, &address());
    assert_eq!(read(&both.replies[0].1).rcode, 0);
}

#[test]
fn except_hands_names_on_and_a_name_nobody_takes_is_servfail() {
    let first = ForwardPlan { zone: "test.".into(), except_zones: vec!["out.test.".into()], ..forward(1) };
    let mut bench = bench(first);
    for (name, is_sent) in [("a.test.", true), ("test.", true), ("x.out.test.", false), ("other.", false)] {
        let before = bench.sent.len();
        bench.replies.clear();
        bench.ask(&query(1, name, A, None));
        assert_eq!(bench.sent.len() > before, is_sent, "{name}");
        assert_eq!(bench.replies.first().map(|(_, reply)| read(reply).rcode), (!is_sent).then_some(2), "{name}");
    }
}

#[test]
fn over_max_concurrent_is_refused_and_counted() {
    let mut bench = bench(ForwardPlan { max_concurrent: 1, ..forward(1) });
    bench.ask(&query(1, "a.test.", A, None));
    bench.ask(&query(2, "b.test.", A, None));
    assert_eq!(read(&bench.replies[0].1).rcode, 5);
    assert_eq!(bench.number("coredns_forward_max_concurrent_rejects_total", &[]), 1.0);
    let (exchange, ..) = bench.last_sent();
    for _ in 0..2 {
        let (last, ..) = bench.last_sent();
        bench.fault(last, Fault::Refused);
    }
    let _ = exchange;
    bench.ask(&query(3, "c.test.", A, None));
    assert_eq!(bench.replies.len(), 2, "room again");
}

#[test]
fn an_upstream_goes_down_after_failed_probes_is_asked_last_and_comes_back() {
    let mut bench = bench(forward(2));
    bench.ask(&query(1, "www.test.", A, None));
    bench.turn_ms(600);
    bench.turn_ms(6_000);
    let event = bench.shared.take_event().unwrap();
    assert_eq!((event.kind(), event.message().contains("10.1.1.")), ("upstream_down", true));
    assert_eq!(bench.number("nodens_upstream_up", &["10.1.1.1:53"]), 0.0);
    let probe = bench
        .sent
        .iter()
        .rfind(|(_, to, m)| read(m).question == [0, 0, 2, 0, 1] && to.address.to_string() == "10.1.1.1:53")
        .unwrap()
        .clone();
    let _ = bench.hear(probe.0, &response(&probe.2, 0, &[]));
    bench.turn_ms(1_000);
    let probe = bench
        .sent
        .iter()
        .rfind(|(_, to, m)| read(m).question == [0, 0, 2, 0, 1] && to.address.to_string() == "10.1.1.1:53")
        .unwrap()
        .clone();
    let _ = bench.hear(probe.0, &response(&probe.2, 0, &[]));
    let mut last = None;
    while let Some(event) = bench.shared.take_event() {
        last = Some(event);
    }
    assert_eq!(last.unwrap().kind(), "upstream_up");
    assert_eq!(bench.number("nodens_upstream_up", &["10.1.1.1:53"]), 1.0);
    bench.ask(&query(1, "x.test.", A, None));
    assert_eq!(bench.last_sent().1.address.to_string(), "10.1.1.1:53");
}

#[test]
fn a_query_that_comes_back_marks_its_upstream_as_a_loop() {
    let mut looping = block(Some(cache()), vec![forward(1)]);
    looping.loop_zone = Some(".".into());
    let mut bench = Bench::new(plan(looping));
    bench.turn_ms(1);
    let (exchange, _, probe) = bench.last_sent();
    assert_eq!(bench.ask(&probe).map(|reply| read(&reply).rcode), Some(5));
    assert_eq!(bench.shared.take_event().unwrap().kind(), "loop_found");
    let _ = bench.hear(exchange, &response(&probe, 5, &[]));
    bench.ask(&query(1, "www.test.", A, Some((1232, false))));
    let reply = read(&bench.replies[0].1);
    assert_eq!((reply.rcode, reply.ede), (2, Some(22)));
    bench.turn_ms(60_000);
    let (exchange, _, probe) = bench.last_sent();
    let _ = bench.hear(exchange, &response(&probe, 3, &[]));
    assert_eq!(bench.shared.take_event().unwrap().kind(), "loop_gone");
    bench.ask(&query(1, "other.test.", A, None));
    bench.respond(0, &[]);
    assert_eq!(bench.replies.len(), 2);
}

#[test]
fn two_workers_ask_once_and_both_answer() {
    let mut two = plan(block(Some(cache()), vec![forward(1)]));
    two.workers = 2;
    let mut one = Bench::new(two);
    let mut other = Bench::of(&one.shared, 1, one.now);
    one.ask(&query(1, "www.test.", A, None));
    other.ask(&query(2, "www.test.", A, None));
    assert_eq!((one.sent.len(), other.sent.len()), (1, 0));
    one.respond(0, &address());
    assert_eq!(one.nudged, [1]);
    other.resolver.on_nudge(other.now, &mut other.steps);
    other.collect();
    assert_eq!(read(&other.replies[0].1).id, 2);
    assert_eq!(other.resolver.in_flight(), 0);
}

#[test]
fn a_tcp_client_that_went_away_is_not_answered() {
    let mut bench = bench(forward(1));
    bench.ask_as(&query(1, "www.test.", A, None), ClientTransport::Tcp, 9);
    bench.ask_as(&query(2, "www.test.", A, None), ClientTransport::Tcp, 10);
    bench.resolver.forget_client(9);
    bench.respond(0, &address());
    assert_eq!(bench.replies.iter().map(|(client, _)| client.handle).collect::<Vec<_>>(), [10]);
}

#[test]
fn an_extended_error_of_upstream_is_passed_on() {
    let mut bench = bench(forward(1));
    bench.ask(&query(1, "www.test.", A, Some((1232, false))));
    let (exchange, _, message) = bench.last_sent();
    let mut with_ede = response(&message, 0, &address());
    with_ede[11] = 1;
    with_ede.extend_from_slice(&[0, 0, 41, 4, 0xd0, 0, 0, 0, 0, 0, 8, 0, 15, 0, 4, 0, 29, b'o', b'k']);
    assert_eq!(bench.hear(exchange, &with_ede), Heard::Settled);
    assert_eq!(read(&bench.replies[0].1).ede, Some(29));
    assert_eq!(read(&bench.ask(&query(1, "www.test.", A, Some((1232, false)))).unwrap()).ede, Some(29));
    assert_eq!(read(&bench.ask(&query(1, "www.test.", A, None)).unwrap()).opt, None);
}

#[test]
fn an_answer_that_may_not_be_kept_still_serves_the_other_worker() {
    let mut two = plan(block(Some(cache()), vec![forward(1)]));
    two.workers = 2;
    let mut one = Bench::new(two);
    let mut other = Bench::of(&one.shared, 1, one.now);
    one.ask(&query(1, "www.test.", A, None));
    other.ask(&query(2, "WWW.test.", A, None));
    one.respond(5, &[]);
    other.resolver.on_nudge(other.now, &mut other.steps);
    other.collect();
    let reply = read(&other.replies[0].1);
    assert_eq!((reply.id, reply.rcode, other.sent.len()), (2, 5, 0));
    assert_eq!(&other.replies[0].1[12..16], b"\x03WWW");
}
