//! A cache goes over to another process: all that may goes, counts on, and is believed no further than it must be.

#![allow(clippy::unwrap_used, clippy::type_complexity, reason = "a test may fail loudly; its table is its type")]

mod common;
use common::*;

use nodens_core::handover::{Imported, Importer, Refused};
use nodens_core::plan::{CachePlan, EnginePlan, StalePlan};
use nodens_core::time::Moment;

fn stale(window_s: u32) -> StalePlan {
    StalePlan {
        window_s,
        is_verify: false,
        verify_timeout_ms: 0,
        response_ttl_s: 0,
        recheck_ms: 0,
        prefers_positive: false,
    }
}

fn of(cache: CachePlan) -> EnginePlan {
    plan(block(Some(cache), vec![forward(1)]))
}

fn export(bench: &Bench) -> Vec<u8> {
    let mut out = vec![];
    let sink = |part: &[u8]| {
        out.extend_from_slice(part);
        true
    };
    bench.shared.export(bench.now, sink).unwrap();
    out
}

fn learn(bench: &mut Bench, name: &str, flags: u16, records: &[Rr<'_>]) {
    assert_eq!(bench.ask(&query(1, name, 1, None)), None, "{name} is not known yet");
    bench.respond(flags, records);
    bench.replies.clear();
}

fn address(owner: &str, ttl: u32) -> Rr<'_> {
    (1, owner, 1, ttl, vec![192, 0, 2, 1])
}

/// Data, a denial and a failure, learnt at once.
fn taught(cache: CachePlan) -> Bench {
    let mut bench = Bench::new(of(cache));
    learn(&mut bench, "data.test.", 0, &[address("data.test.", 300)]);
    learn(&mut bench, "none.test.", 3, &[(2, "test.", 6, 100, soa(50))]);
    learn(&mut bench, "broken.test.", 2, &[]);
    bench
}

/// Another process on the same node, a while later.
fn other(plan: EnginePlan, now: Moment) -> Bench {
    let mut bench = Bench::new(plan);
    bench.now = now;
    bench
}

#[test]
fn what_was_known_is_known_after_it_and_ttls_went_on_counting() {
    let mut old = taught(cache());
    old.turn_ms(2_500);
    let bytes = export(&old);
    let mut new = other(of(cache()), old.now);
    new.turn_ms(1_000);
    old.turn_ms(1_000);
    assert_eq!(new.shared.import(new.now, &bytes), Ok(Imported { taken: 3, refused: 0 }));
    for (name, rcode, ttls) in [("DATA.test.", 0, vec![297]), ("none.test.", 3, vec![47]), ("broken.test.", 2, vec![])]
    {
        let there = read(&new.ask(&query(9, name, 1, None)).expect("a hit"));
        assert_eq!((there.rcode, there.ttls()), (rcode, ttls), "{name}");
        assert_eq!(there, read(&old.ask(&query(9, name, 1, None)).unwrap()), "{name}: as the old one says");
    }
    new.turn_ms(2_000);
    assert_eq!(
        new.ask(&query(9, "broken.test.", 1, None)),
        None,
        "five seconds after it was heard, not after it moved"
    );
    assert!(new.sent.len() == 1 && new.ask(&query(9, "other.test.", 1, None)).is_none());
}

#[test]
fn extended_errors_and_dnssec_bits_go_over_too() {
    let mut old = Bench::new(of(cache()));
    assert_eq!(old.ask(&query(1, "signed.test.", 1, Some((1232, true)))), None);
    let (exchange, _, message) = old.last_sent();
    let mut message = response(&message, 0, &[address("signed.test.", 300)]);
    message[11] = 1;
    message.extend_from_slice(&[0, 0, 41, 4, 208, 0, 0, 0x80, 0, 0, 6, 0, 15, 0, 2, 0, 4]);
    let _ = old.hear(exchange, &message);
    let mut new = other(of(cache()), old.now);
    assert_eq!(new.shared.import(new.now, &export(&old)), Ok(Imported { taken: 1, refused: 0 }));
    let there = read(&new.ask(&query(9, "signed.test.", 1, Some((1232, true)))).expect("a hit"));
    assert_eq!(there.ede, Some(4));
    assert_eq!(new.ask(&query(9, "signed.test.", 1, None)), None, "asked without DO it is another question");
}

#[test]
fn a_stale_answer_goes_over_as_long_as_both_would_give_it() {
    let rows = [("both", Some(60), 1), ("the new one keeps none", None, 0), ("a shorter window", Some(4), 0)];
    for (name, window, taken) in rows {
        let mut old = Bench::new(of(CachePlan { stale: Some(stale(60)), ..cache() }));
        learn(&mut old, "data.test.", 0, &[address("data.test.", 10)]);
        old.turn_ms(15_000);
        let new = other(of(CachePlan { stale: window.map(stale), ..cache() }), old.now);
        let told = new.shared.import(new.now, &export(&old));
        assert_eq!(told, Ok(Imported { taken, refused: 1 - taken }), "{name}");
    }
    let mut old = Bench::new(of(cache()));
    learn(&mut old, "data.test.", 0, &[address("data.test.", 10)]);
    old.turn_ms(15_000);
    let new = other(of(CachePlan { stale: Some(stale(60)), ..cache() }), old.now);
    assert_eq!(new.shared.import(new.now, &export(&old)), Ok(Imported::default()), "what is over is not even sent");
}

#[test]
fn the_new_plan_rules_over_what_comes() {
    let all = Imported { taken: 3, refused: 0 };
    let some = |taken| Imported { taken, refused: 3 - taken };
    let rows: [(&str, EnginePlan, Imported); 6] = [
        ("the same", of(cache()), all),
        ("no cache", plan(block(None, vec![forward(1)])), some(0)),
        ("another zone", of(CachePlan { zones: vec!["cluster.local.".into()], ..cache() }), some(0)),
        ("no denials", of(CachePlan { denial_disabled_zones: vec!["test.".into()], ..cache() }), some(1)),
        ("no failures", of(CachePlan { servfail_ms: 0, ..cache() }), some(2)),
        ("no data", of(CachePlan { success: store(0, 3600), ..cache() }), some(2)),
    ];
    for (name, plan, told) in rows {
        let old = taught(cache());
        let new = other(plan, old.now);
        assert_eq!(new.shared.import(new.now, &export(&old)), Ok(told), "{name}");
    }
    let mut renamed = of(cache());
    renamed.blocks[0].name = "test.:53".into();
    let old = taught(cache());
    let new = other(renamed, old.now);
    assert_eq!(new.shared.import(new.now, &export(&old)), Ok(some(0)), "another block");

    let mut new = other(of(CachePlan { success: store(10, 20), ..cache() }), old.now);
    assert_eq!(new.shared.import(new.now, &export(&old)), Ok(all));
    let there = read(&new.ask(&query(9, "data.test.", 1, None)).expect("a hit"));
    assert_eq!(there.ttls(), [20], "no longer than the new plan allows");
}

#[test]
fn a_smaller_cache_and_a_smaller_budget_are_kept_to() {
    let mut old = Bench::new(of(cache()));
    let names: Vec<String> = (0..1_000).map(|number| format!("n{number}.test.")).collect();
    for name in &names {
        learn(&mut old, name, 0, &[address(name, 300)]);
    }
    let bytes = export(&old);
    let new = other(of(CachePlan { success: store(100, 3600), ..cache() }), old.now);
    let _ = new.shared.import(new.now, &bytes).unwrap();
    assert!((1.0..=100.0).contains(&new.number("coredns_cache_entries", &["success"])));

    let mut small = of(cache());
    small.memory_limit_bytes = 64 << 10;
    let new = other(small, old.now);
    let told = new.shared.import(new.now, &bytes).unwrap();
    assert_eq!(told.taken + told.refused, 1_000);
    assert!(new.number("coredns_cache_entries", &["success"]) < 900.0);
}

#[test]
fn what_the_new_one_has_learnt_itself_stays() {
    let mut old = taught(cache());
    let mut new = other(of(cache()), old.now);
    old.turn_ms(1_000);
    new.turn_ms(1_000);
    new.ask(&query(1, "data.test.", 1, None));
    new.respond(0, &[(1, "data.test.", 1, 40, vec![192, 0, 2, 77])]);
    assert_eq!(new.shared.import(new.now, &export(&old)), Ok(Imported { taken: 2, refused: 1 }));
    let there = read(&new.ask(&query(9, "data.test.", 1, None)).expect("a hit"));
    assert_eq!(there.records[0].4, [192, 0, 2, 77]);
}

#[test]
fn a_stream_that_is_not_ours_or_not_whole_is_refused() {
    let old = taught(cache());
    let good = export(&old);
    let with = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        bytes
    };
    let later = Moment::from_nanos(old.now.as_nanos() + 301_000_000_000);
    let rows: [(&str, Vec<u8>, Moment, Result<Imported, Refused>); 11] = [
        ("whole", good.clone(), old.now, Ok(Imported { taken: 3, refused: 0 })),
        ("with something behind it", [&good[..], b"more"].concat(), old.now, Ok(Imported { taken: 3, refused: 0 })),
        ("nothing", vec![], old.now, Err(Refused::Cut)),
        ("another magic", with(0, b'X'), old.now, Err(Refused::Stranger)),
        ("a text", b"hello".to_vec(), old.now, Err(Refused::Stranger)),
        ("another version", with(9, 2), old.now, Err(Refused::Version(2))),
        ("from the future", good.clone(), Moment::from_nanos(1), Err(Refused::Clock)),
        ("from long ago", good.clone(), later, Err(Refused::Clock)),
        ("a frame of no kind", with(22, 9), old.now, Err(Refused::Frame)),
        ("a frame too long", with(18, 1), old.now, Err(Refused::Frame)),
        ("cut at the end", good[..good.len() - 1].to_vec(), old.now, Err(Refused::Cut)),
    ];
    for (name, bytes, now, told) in rows {
        let new = other(of(cache()), now);
        assert_eq!(new.shared.import(now, &bytes), told, "{name}");
    }
    for length in 0..good.len() {
        let new = other(of(cache()), old.now);
        assert_eq!(new.shared.import(old.now, &good[..length]), Err(Refused::Cut), "the first {length} bytes");
    }
    let mut without_one = good.clone();
    let first = 18 + 4 + 5; // head, then the block's frame
    let length = 4 + usize::from(u16::from_be_bytes([good[first + 2], good[first + 3]]));
    without_one.drain(first..first + length);
    let new = other(of(cache()), old.now);
    assert_eq!(new.shared.import(old.now, &without_one), Err(Refused::Cut), "an entry is missing");
}

#[test]
fn an_entry_that_lies_is_refused_alone() {
    let mut old = Bench::new(of(cache()));
    learn(&mut old, "data.test.", 0, &[address("data.test.", 300)]);
    old.turn_ms(1_000);
    let good = export(&old);
    let entry = 18 + 4 + 5 + 4 + 1; // head, block, length, tag
    let message = entry + 26;
    let one = |at: usize, byte: u8| (at, vec![byte]);
    let rows: [(&str, (usize, Vec<u8>), u64); 14] = [
        ("nothing changed", one(entry, 0), 1),
        ("bits of no meaning", one(entry, 4), 0),
        ("a kind that it is not", one(entry + 1, 1), 0),
        ("a kind that there is not", one(entry + 1, 3), 0),
        ("hotter than hot", one(entry + 2, 2), 0),
        (
            "stored in the future",
            (entry + 9, old.now.plus(std::time::Duration::from_nanos(1)).as_nanos().to_be_bytes().to_vec()),
            0,
        ),
        ("over before it began", (entry + 17, vec![0; 8]), 0),
        ("half an extended error", one(entry + 25, 1), 0),
        ("an extended error over the end", one(entry + 25, 255), 0),
        ("no response", one(message + 2, 0), 0),
        ("truncated", one(message + 2, 0x83), 0),
        ("two questions", one(message + 5, 2), 0),
        ("more answers than there are", one(message + 7, 2), 0),
        ("a name in upper case", one(message + 13, b'D'), 0),
    ];
    for (name, (at, change), taken) in rows {
        let mut bytes = good.clone();
        bytes[at..at + change.len()].copy_from_slice(&change);
        let new = other(of(cache()), old.now);
        assert_eq!(new.shared.import(new.now, &bytes), Ok(Imported { taken, refused: 1 - taken }), "{name}");
    }
    let mut forever = good.clone();
    forever[entry + 17..entry + 25].fill(0xff);
    let mut new = other(of(cache()), old.now);
    assert_eq!(new.shared.import(new.now, &forever), Ok(Imported { taken: 1, refused: 0 }));
    let there = read(&new.ask(&query(9, "data.test.", 1, None)).expect("a hit"));
    assert_eq!(there.ttls(), [299], "no longer than its own records say");
}

#[test]
fn a_stream_may_come_byte_by_byte_and_has_a_bound() {
    let old = taught(cache());
    let new = other(of(cache()), old.now);
    let mut importer = Importer::new(&new.shared);
    let bytes = export(&old);
    for (number, byte) in bytes.iter().enumerate() {
        assert_eq!(importer.feed(&[*byte], new.now), Ok(number + 1 == bytes.len()));
    }
    assert_eq!(importer.finish(), Ok(Imported { taken: 3, refused: 0 }));

    let mut importer = Importer::new(&new.shared);
    let head = &bytes[..18];
    assert_eq!(importer.feed(head, new.now), Ok(false));
    let unknown = [&[0, 0, 1, 0, 2][..], &[0; 255]].concat().repeat(256);
    let refused = std::iter::from_fn(|| Some(importer.feed(&unknown, new.now))).take(10_000).find(Result::is_err);
    assert_eq!(refused, Some(Err(Refused::Long)));
}

#[test]
fn export_import_export_is_the_same_and_a_sink_may_end_it() {
    let old = taught(cache());
    let first = other(of(cache()), old.now);
    let _ = first.shared.import(first.now, &export(&old)).unwrap();
    assert_eq!(export(&first), export(&old));
    assert_eq!(old.shared.export(old.now, |_| false), None);
}
