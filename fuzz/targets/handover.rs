//! Any bytes as a cache from another process: nothing falls, nothing gets too large; what was taken in comes out the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nodens_core::handover::Importer;
use nodens_core::plan::{EnginePlan, StalePlan};

#[path = "../../crates/core/tests/common/mod.rs"]
mod common;
use common::*;

fn with_cache() -> EnginePlan {
    let mut cache = cache();
    cache.success.capacity = 64;
    cache.stale = Some(StalePlan {
        window_s: 60,
        is_verify: false,
        verify_timeout_ms: 0,
        response_ttl_s: 0,
        recheck_ms: 0,
        prefers_positive: false,
    });
    plan(block(Some(cache), vec![forward(1)]))
}

fn export(bench: &Bench) -> Vec<u8> {
    let mut out = Vec::new();
    let sink = |part: &[u8]| {
        out.extend_from_slice(part);
        true
    };
    bench.shared.export(bench.now, sink).expect("the sink takes all");
    out
}

fuzz_target!(|input: &[u8]| {
    let first = Bench::new(with_cache());
    // The head and the block are right more often than chance would have it: the first byte says what is left out.
    let mut bytes = input.to_vec();
    if let Some((choice @ 0..=191, rest)) = input.split_first().map(|(choice, rest)| (*choice, rest)) {
        bytes = export(&first)[..18].to_vec();
        if choice < 128 {
            bytes.extend_from_slice(b"\0\0\0\x05\x01.:53");
        }
        bytes.extend_from_slice(rest);
    }
    let mut importer = Importer::new(&first.shared);
    for piece in bytes.chunks(1 + usize::from(input.first().copied().unwrap_or(0))) {
        if importer.feed(piece, first.now).is_err() {
            break;
        }
    }
    assert!(first.number("coredns_cache_entries", &["success"]) <= 64.0, "over the capacity");

    let once = export(&first);
    let second = Bench::new(with_cache());
    let told = second.shared.import(second.now, &once).expect("what we wrote can be read");
    assert_eq!(told.refused, 0, "what we kept may be kept");
    assert_eq!(told.taken, importer.so_far().taken.min(told.taken));
    let twice = export(&second);
    assert_eq!(once.len(), twice.len(), "all of it is there");
    let third = Bench::new(with_cache());
    let _ = third.shared.import(third.now, &twice).expect("what we wrote can be read");
    assert_eq!(twice, export(&third), "handing over twice is handing over once");
});
