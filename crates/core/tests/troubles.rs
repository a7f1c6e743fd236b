//! What clients, log and cache are told when upstreams are missing, slow, wrong or asked by a crowd.
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
use nodens_core::plan::{ForwardPlan, LogClass, LogPlan, PrefetchPlan, Transport};
use nodens_core::step::{ClientTransport, Fault};

const A: u16 = 1;
const RRSIG: u16 = 46;

fn address() -> Vec<Rr<'static>> {
    vec![(1, "www.test.", A, 60, vec![1, 2, 3, 4])]
}

fn bench(forward: ForwardPlan) -> Bench {
    Bench::new(plan(block(Some(cache()), vec![forward])))
}

#[test]
fn a_forward_without_upstreams_answers_servfail_and_says_so_until_there_is_one() {
    let mut bench = bench(forward(0));
    for id in 0..2 {
        assert_eq!(bench.ask(&query(id, "www.test.", A, Some((1232, false)))), None);
        let reply = read(&bench.replies.pop().unwrap().1);
        assert_eq!((reply.id, reply.rcode, reply.ede), (id, 2, Some(22)), "never from the cache");
        assert_eq!(bench.log(), "[ERROR] plugin/errors: 2 www.test. A: no upstream\n");
    }
    assert!(bench.sent.is_empty());
    bench.shared.apply(plan(block(Some(cache()), vec![forward(1)])), bench.now).unwrap();
    bench.resolver.on_plan(bench.now, &mut bench.steps);
    bench.ask(&query(3, "www.test.", A, None));
    assert_eq!(bench.sent.len(), 1, "and then it is asked");
}

#[test]
fn ten_thousand_askers_of_one_name_are_one_query_upstream_and_get_ten_thousand_answers_in_bursts() {
    let mut bench = bench(forward(1));
    for id in 0..10_000 {
        assert_eq!(bench.ask(&query(id, "www.test.", A, None)), None);
    }
    assert_eq!((bench.sent.len(), bench.replies.len()), (1, 0));
    bench.turn_ms(20);
    let before = bench.number("nodens_memory_used_bytes", &[]);
    bench.respond(0, &address());
    assert_eq!(bench.replies.len(), 256, "others get their turn before the rest");
    assert_eq!(bench.resolver.in_flight(), 1, "it is not over for all");
    assert!(bench.ask(&query(1, "www.test.", A, None)).is_some(), "who comes now is a hit");
    bench.turn_ms(1);
    let mut ids: Vec<u16> = bench.replies.iter().map(|(_, reply)| read(reply).id).collect();
    ids.sort_unstable();
    assert_eq!(ids, (0..10_000).collect::<Vec<_>>());
    assert_eq!((bench.sent.len(), bench.resolver.in_flight()), (1, 0));
    assert_eq!(bench.number("nodens_overload_total", &[]), 0.0);
    let after = bench.number("nodens_memory_used_bytes", &[]);
    assert!(after < before / 100.0, "the waiters' memory is given back: {after} of {before}");
}

#[test]
fn long_answers_to_a_crowd_are_composed_a_few_at_a_time_and_their_room_is_given_back() {
    let mut bench = bench(forward(1));
    for handle in 0..100 {
        bench.ask_as(&query(1, "www.test.", 16, None), ClientTransport::Tcp, handle);
    }
    let text: Vec<u8> = [&[255][..], &[b'x'; 255]].concat().repeat(240);
    bench.respond(0, &[(1, "www.test.", 16, 60, text)]);
    assert_eq!(bench.replies.len(), 4, "some 256 KB of them");
    bench.turn_ms(1);
    assert_eq!(bench.replies.len(), 100);
    assert!(bench.steps.room() <= 256 << 10, "{}", bench.steps.room());
}

#[test]
fn a_crowd_that_the_budget_has_no_room_for_is_turned_away_not_the_cache() {
    let mut small = plan(block(Some(cache()), vec![forward(1)]));
    small.memory_limit_bytes = 1 << 20;
    let mut bench = Bench::new(small);
    for id in 0..10_000 {
        bench.ask(&query(id, "www.test.", A, Some((1232, false))));
    }
    let refused = bench.replies.len();
    assert!((1_000..9_000).contains(&refused), "{refused}");
    assert!(bench.replies.iter().all(|(_, reply)| (read(reply).rcode, read(reply).ede) == (2, Some(14))));
    assert!(bench.number("nodens_memory_used_bytes", &[]) <= f64::from(1 << 20));
    bench.respond(0, &address());
    bench.turn_ms(1);
    assert_eq!(bench.replies.len(), 10_000);
}

#[test]
fn a_crowd_gets_its_stale_answer_in_bursts_too() {
    let stale = nodens_core::plan::StalePlan {
        window_s: 3600,
        is_verify: true,
        verify_timeout_ms: 100,
        response_ttl_s: 0,
        recheck_ms: 0,
        prefers_positive: false,
    };
    let rules = nodens_core::plan::CachePlan { stale: Some(stale), ..cache() };
    let mut bench = Bench::new(plan(block(Some(rules), vec![forward(1)])));
    bench.ask(&query(1, "www.test.", A, None));
    bench.respond(0, &address());
    bench.turn_ms(61_000);
    bench.replies.clear();
    for id in 0..1_000 {
        bench.ask(&query(id, "www.test.", A, None));
    }
    bench.turn_ms(100);
    assert_eq!(bench.replies.len(), 256);
    bench.turn_ms(10);
    assert_eq!(bench.replies.len(), 1_000);
    assert!(bench.replies.iter().all(|(_, reply)| read(reply).ttls() == [0]));
}

#[test]
fn the_errors_line_names_phase_and_upstream() {
    let garbage = |query: &[u8]| [query, &[0xff]].concat();
    let table: [(&str, Transport, &dyn Fn(&mut Bench), &str); 7] = [
        ("silence over udp", Transport::Udp, &|_| (), "read udp 10.1.1.1:53: i/o timeout"),
        ("silence over tcp", Transport::Tcp, &|_| (), "read tcp 10.1.1.1:53: i/o timeout"),
        (
            "no handshake",
            Transport::Tcp,
            &|bench| {
                while bench.resolver.in_flight() > 0 {
                    let id = bench.last_sent().0;
                    bench.resolver.on_dialing(id, true);
                    bench.turn_ms(100);
                }
            },
            "dial tcp 10.1.1.1:53: i/o timeout",
        ),
        (
            "a closed port over tcp",
            Transport::Tcp,
            &|bench| {
                for _ in 0..2 {
                    bench.fault(bench.last_sent().0, Fault::Refused);
                }
            },
            "dial tcp 10.1.1.1:53: connect: connection refused",
        ),
        (
            "a closed port over udp",
            Transport::Udp,
            &|bench| {
                for _ in 0..2 {
                    bench.fault(bench.last_sent().0, Fault::Refused);
                }
            },
            "read udp 10.1.1.1:53: read: connection refused",
        ),
        (
            "a reset",
            Transport::Tcp,
            &|bench| {
                for _ in 0..2 {
                    bench.fault(bench.last_sent().0, Fault::Reset);
                }
            },
            "read tcp 10.1.1.1:53: read: connection reset by peer",
        ),
        (
            "garbage",
            Transport::Udp,
            &|bench| {
                for _ in 0..2 {
                    let (id, _, query) = bench.last_sent();
                    let mut message = response(&query, 0, &[(1, "www.test.", A, 1, vec![1, 2, 3, 4])]);
                    message.truncate(message.len() - 2);
                    let _ = bench.hear(id, &garbage(&message));
                }
            },
            "read udp 10.1.1.1:53: malformed response",
        ),
    ];
    for (name, transport, act, text) in table {
        let mut plan = forward(1);
        plan.transport = transport;
        plan.max_fails = 0;
        let mut bench = bench(plan);
        bench.ask(&query(1, "www.test.", A, None));
        act(&mut bench);
        bench.turn_ms(2_000);
        assert_eq!(bench.log(), format!("[ERROR] plugin/errors: 2 www.test. A: {text}\n"), "{name}");
    }
}

#[test]
fn the_query_log_can_name_the_upstream_that_was_asked() {
    let mut logging = block(Some(cache()), vec![forward(2)]);
    logging.errors = None;
    let format = "{name} {/forward/upstream} {/no/such}".into();
    logging.log = vec![LogPlan { zone: ".".into(), format, classes: vec![LogClass::All] }];
    let mut bench = Bench::new(plan(logging));
    bench.ask(&query(1, "www.test.", A, None));
    bench.fault(bench.last_sent().0, Fault::Refused);
    bench.respond(0, &address());
    bench.ask(&query(2, "www.test.", A, None));
    bench.ask(&query(3, "lost.test.", A, None));
    bench.turn_ms(1_900);
    assert_eq!(bench.log(), "[INFO] www.test. 10.1.1.2:53 -\n[INFO] www.test. - -\n[INFO] lost.test. 10.1.1.2:53 -\n");
}

#[test]
fn a_response_signed_for_another_time_is_given_but_not_kept() {
    let signed = |from: u32, until: u32| {
        let mut rdata = vec![0, 1, 8, 2, 0, 0, 0, 60];
        rdata.extend_from_slice(&until.to_be_bytes());
        rdata.extend_from_slice(&from.to_be_bytes());
        rdata.extend_from_slice(&[0, 1, 0, 9, 9, 9]);
        rdata
    };
    let now = 1_800_000_000_u32;
    for (name, clock, from, until, is_kept) in [
        ("valid now", Some(now), now - 10, now + 10, true),
        ("expired", Some(now), now - 10, now - 1, false),
        ("not yet valid", Some(now), now + 1, now + 10, false),
        ("nobody knows the time", None, now - 10, now - 1, true),
    ] {
        let mut bench = bench(forward(1));
        if let Some(now) = clock {
            bench.shared.set_wall_clock(now.into(), bench.now);
        }
        let message = query(1, "www.test.", A, Some((1232, true)));
        bench.ask(&message);
        let (id, _, asked) = bench.last_sent();
        let records = [address(), vec![(1, "www.test.", RRSIG, 60, signed(from, until))]].concat();
        let mut heard = response(&asked, 0, &records);
        heard[11] = 1;
        heard.extend_from_slice(&[0, 0, 41, 4, 208, 0, 0, 0x80, 0, 0, 0]);
        let _ = bench.hear(id, &heard);
        assert_eq!(read(&bench.replies[0].1).records.len(), 2, "{name}");
        assert_eq!(bench.ask(&message).is_some(), is_kept, "{name}");
    }
}

#[test]
fn the_wall_clock_goes_on_with_the_engines() {
    let mut bench = bench(forward(1));
    let now = 1_800_000_000_u32;
    bench.shared.set_wall_clock(now.into(), bench.now);
    bench.turn_ms(20_000);
    let message = query(1, "www.test.", A, Some((1232, true)));
    bench.ask(&message);
    let (id, _, asked) = bench.last_sent();
    let mut rdata = vec![0, 1, 8, 2, 0, 0, 0, 60];
    rdata.extend_from_slice(&(now + 10).to_be_bytes());
    rdata.extend_from_slice(&now.to_be_bytes());
    rdata.extend_from_slice(&[0, 1, 0, 9]);
    let mut heard = response(&asked, 0, &[(1, "www.test.", RRSIG, 60, rdata)]);
    heard[11] = 1;
    heard.extend_from_slice(&[0, 0, 41, 4, 208, 0, 0, 0x80, 0, 0, 0]);
    let _ = bench.hear(id, &heard);
    assert_eq!(bench.ask(&message), None);
}

#[test]
fn a_prefetch_that_failed_waits_before_the_next() {
    let prefetch = PrefetchPlan { amount: 1, window_ms: 60_000, percent: 50 };
    let rules = nodens_core::plan::CachePlan { prefetch: Some(prefetch), ..cache() };
    let mut bench = Bench::new(plan(block(Some(rules), vec![forward(1)])));
    bench.ask(&query(1, "www.test.", A, None));
    bench.respond(0, &address());
    bench.turn_ms(40_000);
    for _ in 0..3 {
        assert!(bench.ask(&query(1, "www.test.", A, None)).is_some());
        if bench.sent.len() == 2 {
            bench.respond(2, &[]);
            bench.sent.push(bench.last_sent());
        }
        bench.turn_ms(1_000);
    }
    assert_eq!(bench.number("coredns_cache_prefetch_total", &[]), 1.0);
    bench.turn_ms(5_000);
    assert!(bench.ask(&query(1, "www.test.", A, None)).is_some());
    assert_eq!(bench.number("coredns_cache_prefetch_total", &[]), 2.0);
}

#[test]
fn a_lowered_capacity_is_reached_soon_and_in_bounded_steps() {
    let sized = |count| nodens_core::plan::CachePlan { success: store(count, 3600), ..cache() };
    let mut bench = Bench::new(plan(block(Some(sized(5_000)), vec![forward(1)])));
    for number in 0..5_000 {
        let name = format!("n{number}.test.");
        bench.ask(&query(1, &name, A, None));
        bench.respond(0, &[(1, &name, A, 3600, vec![1, 2, 3, 4])]);
    }
    let entries = |bench: &Bench| bench.number("coredns_cache_entries", &["success"]);
    assert!(entries(&bench) > 4_990.0);
    bench.shared.apply(plan(block(Some(sized(1_000)), vec![forward(1)])), bench.now).unwrap();
    bench.resolver.on_plan(bench.now, &mut bench.steps);
    bench.turn_ms(60);
    assert!(entries(&bench) > 3_000.0, "not all in one go: {}", entries(&bench));
    bench.turn_ms(1_000);
    assert!(entries(&bench) <= 1_000.0, "{}", entries(&bench));
    assert!(entries(&bench) > 900.0, "and no more than that: {}", entries(&bench));
}

#[test]
fn a_resolver_that_ends_in_the_middle_gives_everything_back() {
    let mut limited = forward(1);
    limited.max_concurrent = 1;
    let mut planned = plan(block(Some(cache()), vec![limited]));
    planned.workers = 2;
    let mut first = Bench::new(planned);
    let mut second = Bench::of(&first.shared, 1, first.now);
    first.ask(&query(1, "www.test.", A, None));
    assert!(first.number("nodens_memory_used_bytes", &[]) > 0.0);
    let shared = std::sync::Arc::clone(&first.shared);
    first.resolver = shared.resolver(0, first.now); // as the engine does after a panic
    assert_eq!(first.number("nodens_memory_used_bytes", &[]), 0.0);
    assert_eq!(first.number("nodens_questions_in_flight", &[]), 0.0);
    second.ask_as(&query(2, "www.test.", A, None), ClientTransport::Udp, 1);
    assert_eq!(second.sent.len(), 1, "nobody else is believed to ask it, and there is room under the limit");
}

#[test]
fn what_a_query_without_rd_learns_is_nobody_elses_word_unless_it_is_authoritative() {
    let nodata = || vec![(2, "test.", 6, 60, soa(60))];
    for (name, flags, records, is_kept) in [
        ("servfail", 2, vec![], false),
        ("nxdomain with a soa", 3, nodata(), true),
        ("data without authority", 0, address(), false),
        ("data with authority", 0x400, address(), true),
    ] {
        let mut bench = bench(forward(1));
        let mut asked = query(1, "www.test.", A, None);
        asked[2] = 0;
        bench.ask(&asked);
        bench.respond(flags, &records);
        assert_eq!(bench.ask(&query(2, "www.test.", A, None)).is_some(), is_kept, "{name}");
    }
    let mut bench = bench(forward(1));
    let mut asked = query(1, "www.test.", A, None);
    asked[2] = 0;
    bench.ask(&asked);
    bench.turn_ms(1_900);
    assert_eq!(bench.ask(&query(2, "www.test.", A, None)), None, "silence to it is not kept");
}

#[test]
fn a_shortage_of_ours_is_not_kept_and_not_tried_over_and_over() {
    for count in 1..=2 {
        let mut bench = bench(forward(count));
        bench.ask(&query(1, "www.test.", A, None));
        for _ in 0..count {
            bench.fault(bench.last_sent().0, Fault::NoRoom);
        }
        assert_eq!((read(&bench.replies[0].1).rcode, bench.sent.len()), (2, usize::from(count)));
        assert_eq!(bench.ask(&query(2, "www.test.", A, None)), None);
        assert_eq!(bench.sent.len(), usize::from(count) + 1, "asked anew");
    }
}

#[test]
fn one_silent_zone_leaves_room_for_questions_of_another() {
    let mut planned = plan(block(None, vec![forward(1)]));
    let mut other = block(None, vec![forward(1)]);
    other.name = "fine.test.:53".into();
    planned.blocks.push(other);
    planned.memory_limit_bytes = 64 << 20;
    planned.listeners[0].zones.push(nodens_core::plan::ZonePlan { name: "fine.test.".into(), block: 1 });
    let mut bench = Bench::new(planned);
    for number in 0..9_000 {
        bench.ask(&query(1, &format!("n{number}.hole.test."), A, None));
    }
    assert!(!bench.replies.is_empty(), "the silent zone has more than its share");
    assert!(bench.sent.len() > 5_000, "of which it has enough");
    let before = bench.sent.len();
    for number in 0..500 {
        bench.ask(&query(1, &format!("n{number}.fine.test."), A, None));
    }
    assert_eq!(bench.sent.len(), before + 500);
}

#[test]
fn who_is_stuck_behind_others_is_asked_for_over_another_connection() {
    let mut plan = forward(1);
    plan.transport = Transport::Tcp;
    let mut bench = bench(plan);
    bench.ask(&query(1, "www.test.", A, None));
    let first = bench.last_sent().0;
    bench.turn_ms(100);
    for _ in 0..5 {
        bench.resolver.on_stuck(first, bench.now, &mut bench.steps);
        bench.collect();
    }
    assert_eq!(bench.sent.len(), 2, "once, while that is under way");
    bench.respond(0, &address());
    assert_eq!((bench.replies.len(), bench.forgotten.as_slice()), (1, &[first][..]));
}

#[test]
fn a_full_cache_turns_no_query_away_and_keeps_to_the_budget() {
    let mut settings = cache();
    settings.success.capacity = 1_000_000;
    let mut wanted = plan(block(Some(settings), vec![forward(1)]));
    wanted.memory_limit_bytes = 4 << 20;
    let mut bench = Bench::new(wanted);
    for number in 0..60_000_u32 {
        let message = query(1, &format!("name-{number:x}.test."), 1, None);
        assert!(bench.ask(&message).is_none(), "a question of its own");
        bench.respond(0, &[(1, &format!("name-{number:x}.test."), 1, 3600, vec![10, 0, 0, 1])]);
        let (_, reply) = bench.replies.pop().expect("an answer");
        assert_eq!(read(&reply).rcode, 0, "query {number}");
        bench.sent.clear();
        if number % 1_000 == 0 {
            bench.turn_ms(1);
            let used = bench.number("nodens_memory_used_bytes", &[]);
            assert!(used <= f64::from(4 << 20), "{used} bytes after {number} queries");
        }
    }
    assert!(bench.number("coredns_cache_entries", &["success"]) > 8_000.0, "and it is no small cache");
}
