//! The cache as clients see it.
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

const A: u16 = 1;

fn address(ttl: u32) -> Vec<Rr<'static>> {
    vec![(1, "www.test.", A, ttl, vec![1, 2, 3, 4])]
}

#[test]
fn a_miss_is_forwarded_and_the_next_query_is_a_hit_with_the_rest_of_its_lifetime() {
    let mut bench = Bench::new(plan(block(Some(cache()), vec![forward(1)])));
    assert_eq!(bench.ask(&query(7, "WwW.test.", A, None)), None);
    let (_, to, sent) = bench.last_sent();
    assert_eq!(to.transport, nodens_core::step::UpstreamTransport::Udp);
    assert_eq!(read(&sent).question[..10], wire("www.test.")[..], "asked in lower case");
    bench.respond(0, &address(30));
    let (client, reply) = bench.replies.pop().unwrap();
    assert_eq!((client.handle, read(&reply).id, read(&reply).ttls()), (1, 7, vec![30]));
    assert_eq!(&reply[12..22], b"\x03WwW\x04test\0");
    bench.turn_ms(3_500);
    let hit = bench.ask(&query(8, "wWw.Test.", A, Some((4096, false)))).unwrap();
    let hit_read = read(&hit);
    assert_eq!((hit_read.id, hit_read.rcode, hit_read.ttls()), (8, 0, vec![27]));
    assert_eq!(hit_read.opt, Some((1232, false)));
    assert_eq!(&hit[12..22], b"\x03wWw\x04Test\0");
    assert_eq!(bench.sent.len(), 1);
    bench.turn_ms(26_500);
    assert_eq!(bench.ask(&query(9, "www.test.", A, None)), None, "its lifetime is over");
    assert_eq!(bench.number("coredns_cache_hits_total", &["success"]), 1.0);
    assert_eq!(bench.number("coredns_cache_misses_total", &[]), 2.0);
}

fn with_stale(is_verify: bool, timeout: u64, recheck: u64) -> nodens_core::plan::CachePlan {
    let stale = nodens_core::plan::StalePlan {
        window_s: 3600,
        is_verify,
        verify_timeout_ms: timeout,
        response_ttl_s: 7,
        recheck_ms: recheck,
        prefers_positive: false,
    };
    nodens_core::plan::CachePlan { stale: Some(stale), ..cache() }
}

#[test]
fn a_denial_lives_by_the_smaller_of_soa_ttl_and_minimum() {
    let mut bench = Bench::new(plan(block(Some(cache()), vec![forward(1)])));
    for (name, flags) in [("no.test.", 3), ("nodata.test.", 0)] {
        bench.ask(&query(1, name, A, None));
        bench.respond(flags, &[(2, "test.", 6, 300, soa(9))]);
        assert_eq!(read(&bench.replies.pop().unwrap().1).ttls(), [9], "{name}");
        bench.turn_ms(8_999);
        assert_eq!(read(&bench.ask(&query(1, name, A, None)).unwrap()).ttls(), [1], "{name}");
        bench.turn_ms(1);
        assert_eq!(bench.ask(&query(1, name, A, None)), None, "{name}");
        bench.respond(flags, &[(2, "test.", 6, 300, soa(9))]);
    }
}

#[test]
fn keys_differ_in_type_class_do_and_cd_but_not_in_case_or_rd() {
    let mut bench = Bench::new(plan(block(Some(cache()), vec![forward(1)])));
    bench.ask(&query(1, "www.test.", A, None));
    bench.respond(0, &address(60));
    assert!(bench.ask(&query(1, "WWW.test.", A, None)).is_some());
    assert!(bench.ask(&query(1, "www.test.", A, Some((1232, false)))).is_some());
    let mut no_rd = query(1, "www.test.", A, None);
    no_rd[2] = 0;
    assert_eq!(read(&bench.ask(&no_rd).unwrap()).flags & 0x0100, 0);
    assert!(bench.ask(&query(1, "www.test.", 28, None)).is_none(), "type");
    assert!(bench.ask(&query(1, "www.test.", A, Some((1232, true)))).is_none(), "DO");
    let mut cd = query(1, "www.test.", A, None);
    cd[3] = 0x10;
    assert!(bench.ask(&cd).is_none(), "CD");
    let mut chaos = query(1, "www.test.", A, None);
    *chaos.last_mut().unwrap() = 3;
    assert!(bench.ask(&chaos).is_none(), "class");
}

#[test]
fn an_uncacheable_response_is_passed_on_and_asked_again() {
    for (name, flags, records) in [
        ("nxdomain without soa", 3, vec![]),
        ("refused", 5, vec![]),
        ("a chain that leads nowhere", 0, vec![(1, "www.test.", 5, 60, wire("x.test."))]),
    ] {
        let mut bench = Bench::new(plan(block(Some(cache()), vec![forward(1)])));
        bench.ask(&query(1, "www.test.", A, None));
        bench.respond(flags, &records);
        assert_eq!(read(&bench.replies[0].1).rcode, flags, "{name}");
        assert_eq!(bench.ask(&query(1, "www.test.", A, None)), None, "{name}");
    }
}

#[test]
fn a_failure_is_kept_for_servfail_and_never_shadows_data() {
    let mut bench = Bench::new(plan(block(Some(with_stale(true, 0, 0)), vec![forward(1)])));
    bench.ask(&query(1, "bad.test.", A, None));
    bench.respond(2, &[]);
    let kept = read(&bench.ask(&query(1, "bad.test.", A, Some((1232, false)))).unwrap());
    assert_eq!((kept.rcode, kept.ede), (2, Some(13)));
    bench.turn_ms(5_000);
    assert_eq!(bench.ask(&query(1, "bad.test.", A, None)), None);
    bench.respond(0, &[(1, "bad.test.", A, 10, vec![1, 2, 3, 4])]);
    bench.turn_ms(10_000);
    assert_eq!(bench.ask(&query(2, "bad.test.", A, Some((1232, false)))), None, "verify asks first");
    bench.replies.clear();
    bench.respond(2, &[]);
    let stale = read(&bench.replies[0].1);
    assert_eq!((stale.rcode, stale.ede, stale.ttls()), (0, Some(3), vec![7]));
    let again = read(&bench.ask(&query(2, "bad.test.", A, None)).unwrap());
    assert_eq!((again.rcode, again.ttls()), (0, vec![7]), "the failure beside it does not shadow it");
}

#[test]
fn a_newer_denial_takes_the_place_of_older_data_and_the_other_way_round() {
    let mut bench = Bench::new(plan(block(Some(with_stale(false, 0, 0)), vec![forward(1)])));
    bench.ask(&query(1, "www.test.", A, None));
    bench.respond(0, &address(10));
    bench.turn_ms(10_000);
    let stale = read(&bench.ask(&query(1, "www.test.", A, Some((1232, false)))).unwrap());
    assert_eq!((stale.ttls(), stale.ede), (vec![7], Some(3)), "at once");
    assert_eq!(bench.sent.len(), 2, "and one refresh");
    bench.ask(&query(1, "www.test.", A, None));
    assert_eq!(bench.sent.len(), 2, "but not two");
    bench.respond(3, &[(2, "test.", 6, 5, soa(5))]);
    assert_eq!(read(&bench.ask(&query(1, "www.test.", A, None)).unwrap()).rcode, 3);
    assert_eq!(bench.number("coredns_cache_entries", &["success"]), 0.0);
    bench.turn_ms(5_000);
    let stale = read(&bench.ask(&query(1, "www.test.", A, Some((1232, false)))).unwrap());
    assert_eq!((stale.rcode, stale.ede), (3, Some(19)));
    bench.respond(0, &address(10));
    assert_eq!(read(&bench.ask(&query(1, "www.test.", A, None)).unwrap()).rcode, 0);
    assert_eq!(bench.number("coredns_cache_entries", &["denial"]), 0.0);
}

#[test]
fn verify_gives_the_stale_answer_after_its_timeout_and_keeps_the_late_response() {
    let mut bench = Bench::new(plan(block(Some(with_stale(true, 300, 0)), vec![forward(1)])));
    bench.ask(&query(1, "www.test.", A, None));
    bench.respond(0, &address(10));
    bench.turn_ms(10_000);
    bench.replies.clear();
    assert_eq!(bench.ask(&query(5, "www.test.", A, None)), None);
    bench.turn_ms(299);
    assert!(bench.replies.is_empty());
    bench.turn_ms(1);
    assert_eq!(read(&bench.replies[0].1).ttls(), [7]);
    bench.respond(0, &address(20));
    assert_eq!(bench.replies.len(), 1, "nobody is answered twice");
    assert_eq!(read(&bench.ask(&query(6, "www.test.", A, None)).unwrap()).ttls(), [20]);
}

#[test]
fn after_a_failed_refresh_the_stale_answer_is_given_without_asking_again() {
    let mut bench = Bench::new(plan(block(
        Some(nodens_core::plan::CachePlan { servfail_ms: 0, ..with_stale(false, 0, 3_000) }),
        vec![forward(1)],
    )));
    bench.ask(&query(1, "www.test.", A, None));
    bench.respond(0, &address(10));
    bench.turn_ms(10_000);
    assert!(bench.ask(&query(1, "www.test.", A, None)).is_some());
    bench.respond(2, &[]);
    let sent = bench.sent.len();
    bench.turn_ms(2_999);
    assert!(bench.ask(&query(1, "www.test.", A, None)).is_some());
    assert_eq!(bench.sent.len(), sent);
    bench.turn_ms(1);
    assert!(bench.ask(&query(1, "www.test.", A, None)).is_some());
    assert_eq!(bench.sent.len(), sent + 1);
}

#[test]
fn a_popular_answer_is_refreshed_once_before_it_ends() {
    let prefetch = nodens_core::plan::PrefetchPlan { amount: 2, window_ms: 60_000, percent: 20 };
    let rules = nodens_core::plan::CachePlan { prefetch: Some(prefetch), ..cache() };
    let mut bench = Bench::new(plan(block(Some(rules), vec![forward(1)])));
    bench.ask(&query(1, "www.test.", A, None));
    bench.respond(0, &address(20));
    bench.turn_ms(1_000);
    for _ in 0..3 {
        assert!(bench.ask(&query(1, "www.test.", A, None)).is_some());
    }
    assert_eq!(bench.sent.len(), 1, "too early");
    bench.turn_ms(15_500);
    for _ in 0..3 {
        assert!(bench.ask(&query(1, "www.test.", A, None)).is_some());
    }
    assert_eq!(bench.sent.len(), 2, "one refresh in flight");
    assert_eq!(bench.number("coredns_cache_prefetch_total", &[]), 1.0);
    bench.respond(0, &address(20));
    assert_eq!(read(&bench.ask(&query(1, "www.test.", A, None)).unwrap()).ttls(), [20]);
}

#[test]
fn a_full_store_keeps_hot_names_and_expired_entries_leave() {
    let rules = nodens_core::plan::CachePlan { success: store(50, 3600), ..cache() };
    let mut bench = Bench::new(plan(block(Some(rules), vec![forward(1)])));
    for number in 0..500 {
        let name = format!("n{number}.test.");
        bench.ask(&query(1, &name, A, None));
        bench.respond(0, &[(1, &name, A, 60, vec![1, 2, 3, 4])]);
        assert!(bench.ask(&query(1, "n0.test.", A, None)).is_some(), "hot, after {number}");
    }
    assert_eq!(bench.number("coredns_cache_entries", &["success"]), 50.0);
    assert_eq!(bench.number("nodens_cache_entries_limit", &["success"]), 50.0);
    assert_eq!(bench.number("coredns_cache_evictions_total", &["success"]), 450.0);
    bench.turn_ms(62_000);
    assert_eq!(bench.number("coredns_cache_entries", &["success"]), 0.0);
    assert_eq!((bench.number("nodens_cache_bytes", &[]), bench.number("nodens_memory_used_bytes", &[])), (0.0, 0.0));
}

#[test]
fn the_cache_lives_on_over_plans_and_an_entry_is_small() {
    let first = plan(block(Some(cache()), vec![forward(1)]));
    let mut bench = Bench::new(first.clone());
    for number in 0..5_000 {
        let name = format!("service-{number}.default.svc.cluster.local.");
        bench.ask(&query(1, &name, A, None));
        bench.respond(0, &[(1, &name, A, 60, vec![1, 2, 3, 4])]);
    }
    let bytes = bench.number("nodens_cache_bytes", &[]) / 5_000.0;
    assert!(bytes <= 700.0, "{bytes} bytes an entry");
    bench.shared.apply(first, bench.now).unwrap();
    bench.resolver.on_plan(bench.now, &mut bench.steps);
    assert!(bench.ask(&query(1, "service-7.default.svc.cluster.local.", A, None)).is_some());
}

#[test]
fn the_memory_budget_holds() {
    let mut small = plan(block(Some(cache()), vec![forward(1)]));
    small.memory_limit_bytes = 64 << 10;
    let mut bench = Bench::new(small);
    for number in 0..2_000 {
        let name = format!("n{number}.test.");
        bench.ask(&query(1, &name, A, None));
        if number % 2 == 0 {
            bench.respond(0, &[(1, &name, A, 60, vec![1, 2, 3, 4])]);
        }
        assert!(bench.number("nodens_memory_used_bytes", &[]) <= f64::from(80 << 10));
        bench.turn_ms(10);
    }
    bench.turn_ms(3_000);
    assert_eq!(bench.resolver.in_flight(), 0);
}

#[test]
fn disabled_zones_and_foreign_zones_are_not_cached() {
    let rules = nodens_core::plan::CachePlan {
        zones: vec!["test.".into()],
        success_disabled_zones: vec!["off.test.".into()],
        ..cache()
    };
    let mut bench = Bench::new(plan(block(Some(rules), vec![forward(1)])));
    for (name, is_cached) in [("www.test.", true), ("a.off.test.", false), ("www.other.", false)] {
        bench.ask(&query(1, name, A, None));
        bench.respond(0, &[(1, name, A, 60, vec![1, 2, 3, 4])]);
        assert_eq!(bench.ask(&query(1, name, A, None)).is_some(), is_cached, "{name}");
    }
}

#[test]
fn keepttl_keeps_and_without_a_cache_ttls_are_upstreams() {
    let rules = nodens_core::plan::CachePlan { keeps_ttl: true, ..cache() };
    let mut bench = Bench::new(plan(block(Some(rules), vec![forward(1)])));
    bench.ask(&query(1, "www.test.", A, None));
    bench.respond(0, &address(60));
    bench.turn_ms(30_000);
    assert_eq!(read(&bench.ask(&query(1, "www.test.", A, None)).unwrap()).ttls(), [60]);
    let mut bench = Bench::new(plan(block(None, vec![forward(1)])));
    bench.ask(&query(1, "www.test.", A, None));
    bench.respond(0, &[(1, "www.test.", A, 60, vec![1, 2, 3, 4]), (1, "www.test.", A, 0, vec![1, 2, 3, 5])]);
    assert_eq!(read(&bench.replies[0].1).ttls(), [60, 0]);
}

#[test]
fn ad_goes_to_those_who_understand_it() {
    let mut bench = Bench::new(plan(block(Some(cache()), vec![forward(1)])));
    bench.ask(&query(1, "www.test.", A, None));
    bench.respond(0x0420, &address(60));
    assert_eq!(read(&bench.replies[0].1).flags & 0x0420, 0x0400, "AA kept, AD not asked for");
    let mut asks_ad = query(1, "www.test.", A, None);
    asks_ad[3] = 0x20;
    assert_eq!(read(&bench.ask(&asks_ad).unwrap()).flags & 0x0420, 0x0420);
}

#[test]
fn a_large_answer_is_cut_at_whole_records() {
    let mut bench = Bench::new(plan(block(Some(cache()), vec![forward(1)])));
    let records: Vec<Rr<'_>> = (0..40).map(|n| (1, "www.test.", A, 60, vec![1, 2, 3, n])).collect();
    bench.ask(&query(1, "www.test.", A, None));
    bench.respond(0, &records);
    let cut = read(&bench.replies[0].1);
    assert!(bench.replies[0].1.len() <= 512);
    assert_eq!((cut.records.len(), cut.flags & 0x0200), (30, 0x0200));
    assert_eq!(read(&bench.ask(&query(1, "www.test.", A, Some((4096, false)))).unwrap()).records.len(), 40);
    let tcp = bench.ask_as(&query(1, "www.test.", A, None), nodens_core::step::ClientTransport::Tcp, 5).unwrap();
    assert_eq!((read(&tcp).records.len(), read(&tcp).flags & 0x0200), (40, 0));
}

#[test]
fn with_prefer_positive_data_outlives_a_newer_denial() {
    let mut rules = with_stale(false, 0, 0);
    if let Some(stale) = &mut rules.stale {
        stale.prefers_positive = true;
    }
    let mut bench = Bench::new(plan(block(Some(rules), vec![forward(1)])));
    bench.ask(&query(1, "www.test.", A, None));
    bench.respond(0, &address(10));
    bench.turn_ms(10_000);
    assert!(bench.ask(&query(1, "www.test.", A, None)).is_some());
    bench.respond(3, &[(2, "test.", 6, 30, soa(30))]);
    let reply = read(&bench.ask(&query(1, "www.test.", A, Some((1232, false)))).unwrap());
    assert_eq!((reply.rcode, reply.ttls(), reply.ede), (0, vec![7], Some(3)));
}
