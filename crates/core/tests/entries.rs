//! What a look at the caches tells: each entry once, what it is, how long it has; a page at a time.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod common;
use common::*;

use nodens_core::cache::entry::Kind;
use nodens_core::plan::{CachePlan, StalePlan};
use nodens_core::shared::entries::{Bookmark, PAGE, Row};

fn of(rules: CachePlan) -> Bench {
    Bench::new(plan(block(Some(rules), vec![forward(1)])))
}

fn learn(bench: &mut Bench, name: &str, flags: u16, records: &[Rr<'_>]) {
    assert_eq!(bench.ask(&query(1, name, 1, None)), None, "{name} is not known yet");
    bench.respond(flags, records);
    bench.replies.clear();
}

fn address(owner: &str, ttl: u32) -> Rr<'_> {
    (1, owner, 1, ttl, vec![192, 0, 2, 1])
}

/// Everything, page by page; no page is longer than it may be.
fn look(bench: &Bench) -> Vec<Row> {
    let mut rows = vec![];
    let mut next = Some(Bookmark::default());
    while let Some(from) = next {
        let page = bench.shared.page(from, bench.now);
        assert!(page.rows.len() <= PAGE, "{}", page.rows.len());
        rows.extend(page.rows);
        next = page.next;
    }
    rows.sort_by(|one, other| one.qname.cmp(&other.qname));
    rows
}

#[test]
fn a_look_tells_what_each_entry_is_and_how_long_it_has() {
    let mut bench = of(cache());
    learn(&mut bench, "Data.test.", 0, &[address("data.test.", 300)]);
    learn(&mut bench, "none.test.", 3, &[(2, "test.", 6, 100, soa(50))]);
    learn(&mut bench, "nodata.test.", 0, &[(2, "test.", 6, 100, soa(40))]);
    learn(&mut bench, "broken.test.", 2, &[]);
    bench.turn_ms(3_500);
    let told: Vec<_> = look(&bench)
        .into_iter()
        .map(|row| {
            assert_eq!((row.qtype.as_str(), row.qclass.as_str(), row.is_do, row.is_cd), ("A", "IN", false, false));
            assert!(row.size > 64 && row.size < 400, "{}", row.size);
            (row.qname, row.kind, row.rcode, row.remaining_s, row.lifetime_s)
        })
        .collect();
    let expected = [
        ("broken.test.", Kind::Failure, "SERVFAIL", 2, 5),
        ("data.test.", Kind::Success, "NOERROR", 297, 300),
        ("nodata.test.", Kind::Denial, "NOERROR", 37, 40),
        ("none.test.", Kind::Denial, "NXDOMAIN", 47, 50),
    ];
    let expected: Vec<_> =
        expected.map(|(name, kind, rcode, left, of)| (name.into(), kind, rcode.into(), left, of)).into();
    assert_eq!(told, expected);
}

#[test]
fn an_entry_is_told_as_stale_after_its_lifetime_and_not_at_all_after_the_window() {
    let stale = StalePlan {
        window_s: 60,
        is_verify: false,
        verify_timeout_ms: 0,
        response_ttl_s: 0,
        recheck_ms: 0,
        prefers_positive: false,
    };
    for (rules, after_ms, told) in [
        (cache(), 29_999, Some(1)),
        (cache(), 30_000, None),
        (CachePlan { stale: Some(stale.clone()), ..cache() }, 30_000, Some(0)),
        (CachePlan { stale: Some(stale.clone()), ..cache() }, 42_000, Some(-12)),
        (CachePlan { stale: Some(stale), ..cache() }, 90_000, None),
    ] {
        let mut bench = of(rules);
        learn(&mut bench, "data.test.", 0, &[address("data.test.", 30)]);
        bench.now = bench.now.plus(core::time::Duration::from_millis(after_ms));
        let left: Vec<_> = look(&bench).into_iter().map(|row| row.remaining_s).collect();
        assert_eq!(left, Vec::from_iter(told), "{after_ms} ms");
    }
}

#[test]
fn the_same_question_with_do_is_another_entry() {
    let mut bench = of(cache());
    learn(&mut bench, "data.test.", 0, &[address("data.test.", 300)]);
    assert_eq!(bench.ask(&query(1, "data.test.", 1, Some((1232, true)))), None);
    bench.respond(0, &[address("data.test.", 300)]);
    let told: Vec<_> = look(&bench).into_iter().map(|row| row.is_do).collect();
    assert!(told.contains(&true) && told.contains(&false), "{told:?}");
}

#[test]
fn pages_are_bounded_and_tell_every_entry_once() {
    let mut bench = of(CachePlan { success: store(5_000, 3600), ..cache() });
    let mut names: Vec<_> = (0..3_000).map(|number| format!("name-{number}.test.")).collect();
    for name in &names {
        learn(&mut bench, name, 0, &[address(name, 300)]);
    }
    names.sort();
    let told: Vec<_> = look(&bench).into_iter().map(|row| row.qname).collect();
    assert_eq!(told, names);
}

#[test]
fn a_bookmark_that_leads_nowhere_ends_the_look() {
    let bench = of(cache());
    for from in [Bookmark { block: 7, place: [0; 3] }, Bookmark { block: usize::MAX, place: [usize::MAX; 3] }] {
        let page = bench.shared.page(from, bench.now);
        assert!(page.rows.is_empty() && page.next.is_none());
    }
    for place in [[99, 0, 0], [usize::MAX; 3], [0, 9, 0], [0, 0, usize::MAX]] {
        assert!(bench.shared.page(Bookmark { block: 0, place }, bench.now).rows.is_empty(), "{place:?}");
    }
}

#[test]
fn what_would_move_a_cursor_is_told_in_numbers() {
    let mut bench = of(cache());
    learn(&mut bench, "a\u{1b}[2jb.test.", 0, &[]);
    assert_eq!(look(&bench).first().map(|row| row.qname.clone()).unwrap(), "a\\027[2jb.test.");
}
