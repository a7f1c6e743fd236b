//! What the caches hold, to be looked at: a page at a time, beside serving. Never on a query's path.

use super::Shared;
use crate::cache::entry::{Entry, Kind};
use crate::cache::key;
use crate::cache::transfer::{Cursor, SLOTS_AT_ONCE};
use crate::plugin::names::{class_name, rcode_name, type_name};
use crate::time::Moment;
use crate::wire::be16;
use crate::wire::header::HEADER_LEN;
use crate::wire::name::{NAME_MAX, plain_end, render};

/// Entries of a page at most: what is held of a look at any time, some tens of kilobytes.
pub const PAGE: usize = 256;
const _: () = assert!(PAGE >= SLOTS_AT_ONCE);

/// Where a look goes on: the block's number, and the place in its cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bookmark {
    /// As the plan numbers it.
    pub block: usize,
    /// Shard, side, slot.
    pub place: [usize; 3],
}

/// Some entries of one block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The block's name, which stays over plans.
    pub block: String,
    /// Its zones, as metrics label them.
    pub zones: String,
    /// At most `PAGE`; perhaps none.
    pub rows: Vec<Row>,
    /// Where to go on, if there is more.
    pub next: Option<Bookmark>,
}

/// An entry as it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Presentation form: nothing in it can move a terminal's cursor.
    pub qname: String,
    /// By name, or `TYPE999`.
    pub qtype: String,
    /// By name, or `CLASS9`.
    pub qclass: String,
    /// What sort it is.
    pub kind: Kind,
    /// By name.
    pub rcode: String,
    /// Kept for those who want DNSSEC records.
    pub is_do: bool,
    /// Kept for those who want no validation.
    pub is_cd: bool,
    /// Whole seconds until its lifetime ends; not positive: so long ago it ended, and it is stale.
    pub remaining_s: i64,
    /// Its lifetime when it was stored, which its TTLs were.
    pub lifetime_s: u32,
    /// What it takes, with the allocator's own.
    pub size: usize,
}

/// What is noted of an entry while its shard is locked; the question is in a buffer that has the room.
struct Seen {
    question_end: usize,
    kind: Kind,
    rcode: u16,
    bits: u8,
    remaining_s: i64,
    lifetime_s: u32,
    size: usize,
}

impl Shared {
    /// Give a page of what the caches hold, fresh or stale, from a bookmark on. A shard is locked, for reading, while
    /// `SLOTS_AT_ONCE` of its slots are noted: no allocation, no text. What comes or leaves meanwhile may be missed or
    /// told twice, and so may be what a new plan moves.
    pub fn page(&self, from: Bookmark, now: Moment) -> Page {
        let plan = self.current();
        let Some(block) = plan.blocks.get(from.block) else { return Page::default() };
        let after = (from.block + 1 < plan.blocks.len()).then(|| Bookmark { block: from.block + 1, place: [0; 3] });
        let mut page = Page {
            block: block.plan.name.clone(),
            zones: block.plan.zones_label.clone(),
            rows: Vec::new(),
            next: after,
        };
        let Some(cached) = &block.cache else { return page };
        let mut cursor = Cursor::at(from.place);
        let mut seen = Vec::with_capacity(PAGE);
        let mut questions = Vec::with_capacity(PAGE * (NAME_MAX + 4));
        while cached.store.walk(&mut cursor, now, |entry| seen.push(note(entry, now, &mut questions))) {
            if seen.len() + SLOTS_AT_ONCE > PAGE {
                page.next = Some(Bookmark { block: from.block, place: cursor.place() });
                break;
            }
        }
        let mut begin = 0;
        page.rows = seen
            .iter()
            .map(|each| {
                let question = questions.get(begin..each.question_end).unwrap_or_default();
                begin = each.question_end;
                row(question, each)
            })
            .collect();
        page
    }
}

fn note(entry: &Entry, now: Moment, questions: &mut Vec<u8>) -> Seen {
    let message = entry.packed().message();
    let name_end = plain_end(message, HEADER_LEN).unwrap_or(HEADER_LEN);
    questions.extend_from_slice(message.get(HEADER_LEN..name_end + 4).unwrap_or_default());
    let (_, expires) = entry.times();
    let remaining_s = if entry.is_fresh(now) {
        i64::from(entry.remaining_s(now))
    } else {
        -i64::try_from(now.since(expires).as_secs()).unwrap_or(i64::MAX)
    };
    Seen {
        question_end: questions.len(),
        kind: entry.kind(),
        rcode: entry.packed().rcode(),
        bits: entry.bits,
        remaining_s,
        lifetime_s: entry.lifetime_s(),
        size: size_of::<Entry>() + entry.cost(),
    }
}

fn row(question: &[u8], seen: &Seen) -> Row {
    let (qname, rest) = question.split_at(question.len().saturating_sub(4));
    let mut text = String::new();
    render(qname, &mut text);
    Row {
        qname: text,
        qtype: type_name(be16(rest, 0).unwrap_or(0)),
        qclass: class_name(be16(rest, 2).unwrap_or(0)),
        kind: seen.kind,
        rcode: rcode_name(seen.rcode, "RCODE"),
        is_do: seen.bits & key::DO != 0,
        is_cd: seen.bits & key::CD != 0,
        remaining_s: seen.remaining_s,
        lifetime_s: seen.lifetime_s,
        size: seen.size,
    }
}
