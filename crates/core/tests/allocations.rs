//! A hit allocates nothing.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::expect_used, reason = "tests")]
#![allow(
    clippy::float_cmp,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "small numbers of tests"
)]
#![allow(clippy::type_complexity, clippy::needless_for_each, clippy::wildcard_imports, reason = "tests read better so")]
#![allow(unsafe_code, reason = "a counting allocator can be had no other way; it only counts and passes on")]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use common::*;
use nodens_core::step::{Answer, ClientTransport, Steps};

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn a_hit_allocates_nothing() {
    let mut bench = Bench::new(plan(block(Some(cache()), vec![forward(1)])));
    let messages =
        [query(1, "www.test.", 1, None), query(2, "Www.Test.", 1, Some((1232, false))), query(3, "no.test.", 28, None)];
    bench.ask(&messages[0]);
    bench.respond(0, &[(1, "www.test.", 1, 60, vec![1, 2, 3, 4])]);
    bench.ask(&messages[2]);
    bench.respond(3, &[(2, "test.", 6, 60, soa(60))]);
    let client = bench.client(ClientTransport::Udp, 1);
    let mut reply = vec![0; 4096];
    let mut steps = Steps::new();
    let before = COUNT.with(Cell::get);
    assert!(before > 0, "the allocator counts");
    for message in &messages {
        for _ in 0..100 {
            let answer = bench.resolver.on_query(message, &client, bench.now, &mut reply, &mut steps);
            assert!(matches!(answer, Answer::Reply(_)));
        }
    }
    assert_eq!(COUNT.with(Cell::get), before);
}
