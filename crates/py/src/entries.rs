//! What the caches hold, as plain rows.

use nodens_core::cache::entry::Kind;
use nodens_core::shared::entries::{Bookmark, Page, Row};

/// A bookmark as it crosses: block, shard, side, slot.
pub(crate) type Place = (usize, usize, usize, usize);

/// An entry as it crosses, in the order of `Row`'s fields.
pub(crate) type EntryRow = (String, String, String, &'static str, String, bool, bool, i64, u32, usize);

/// A page as it crosses: the block's name, its zones, rows, where to go on.
pub(crate) type PageRow = (String, String, Vec<EntryRow>, Option<Place>);

/// Read a bookmark.
pub(crate) fn bookmark((block, shard, side, slot): Place) -> Bookmark {
    Bookmark { block, place: [shard, side, slot] }
}

/// Write a page.
pub(crate) fn page(page: Page) -> PageRow {
    let next = page.next.map(|Bookmark { block, place: [shard, side, slot] }| (block, shard, side, slot));
    (page.block, page.zones, page.rows.into_iter().map(row).collect(), next)
}

fn row(row: Row) -> EntryRow {
    let kind = match row.kind {
        Kind::Success => "success",
        Kind::Denial => "denial",
        Kind::Failure => "failure",
    };
    let Row { qname, qtype, qclass, rcode, is_do, is_cd, remaining_s, lifetime_s, size, .. } = row;
    (qname, qtype, qclass, kind, rcode, is_do, is_cd, remaining_s, lifetime_s, size)
}
