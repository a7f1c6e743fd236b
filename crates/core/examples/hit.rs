//! What a hit costs, without sockets: `cargo run --release --example hit [names]`.
#![allow(clippy::disallowed_methods, reason = "a measurement needs a clock")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::expect_used, reason = "a tool for us")]
#![allow(
    clippy::float_cmp,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "small numbers of tests"
)]
#![allow(clippy::type_complexity, clippy::needless_for_each, clippy::wildcard_imports, reason = "tests read better so")]
#![allow(missing_docs, reason = "the helpers are those of the tests")]

#[path = "../tests/common/mod.rs"]
mod common;

use std::time::Instant;

use common::{Bench, block, cache, forward, plan, query, store};
use nodens_core::step::{Answer, ClientTransport, Steps};

fn main() {
    let count: usize = std::env::args().nth(1).map_or(1_000, |text| text.parse().unwrap());
    let mut rules = cache();
    rules.success = store(count, 3600);
    let mut planned = plan(block(Some(rules), vec![forward(1)]));
    planned.memory_limit_bytes = 2 << 30;
    let mut bench = Bench::new(planned);
    for number in 0..count {
        let name = format!("service-{number:07}.default.svc.cluster.local.");
        let message = query(1, &name, 1, Some((1232, false)));
        bench.ask(&message);
        bench.respond(0, &[(1, &name, 1, 3600, vec![10, 96, 1, 2])]);
        bench.sent.clear();
        bench.replies.clear();
    }
    // One query whose digits change: a list of a million would cost more to read than the cache does.
    let mut asked = query(1, "service-0000000.default.svc.cluster.local.", 1, Some((1232, false)));
    let client = bench.client(ClientTransport::Udp, 1);
    let mut reply = vec![0; 4096];
    let mut steps = Steps::new();
    let rounds: u128 = std::env::args().nth(2).map_or(2_000_000, |text| text.parse().unwrap());
    let mut at = 0;
    for round in 0..3 {
        let begun = Instant::now();
        for _ in 0..rounds {
            at = (at + 7919) % count;
            spell(at, &mut asked[21..28]);
            let answer = bench.resolver.on_query(&asked, &client, bench.now, &mut reply, &mut steps);
            assert!(matches!(answer, Answer::Reply(_)));
        }
        println!("round {round}: {} ns a hit, {count} names", begun.elapsed().as_nanos() / rounds);
    }
    let bytes = bench.number("nodens_cache_bytes", &[]);
    println!("{} bytes an entry", bytes / count as f64);
}

/// Write a number in decimal, with leading zeroes.
fn spell(mut number: usize, digits: &mut [u8]) {
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}
