//! The cache as clients see it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::expect_used, reason = "tests")]

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
