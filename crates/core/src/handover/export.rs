//! Caches -> bytes, a few entries at a time.

use super::{BLOCK, END, ENTRY, MAGIC, VERSION};
use crate::cache::entry::{Entry, Kind};
use crate::cache::transfer::Cursor;
use crate::shared::Shared;
use crate::time::Moment;

/// Bytes gathered before the sink gets them.
const CHUNK: usize = 32 << 10;

impl Shared {
    /// Write what the caches hold, fresh or stale, to `sink`, which is called without any lock held and ends the export by
    /// giving false. Gives the number of entries, or None if the sink ended it.
    pub fn export(&self, now: Moment, mut sink: impl FnMut(&[u8]) -> bool) -> Option<u64> {
        let mut out = Vec::with_capacity(2 * CHUNK);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&VERSION.to_be_bytes());
        out.extend_from_slice(&now.as_nanos().to_be_bytes());
        let mut count = 0_u64;
        let plan = self.current();
        for block in &plan.blocks {
            let Some(cached) = &block.cache else { continue };
            frame(&mut out, BLOCK, |out| out.extend_from_slice(block.plan.name.as_bytes()));
            let mut cursor = Cursor::default();
            while cached.store.walk(&mut cursor, now, |entry| {
                frame(&mut out, ENTRY, |out| put_entry(out, entry));
                count += 1;
            }) {
                if out.len() >= CHUNK {
                    if !sink(&out) {
                        return None;
                    }
                    out.clear();
                }
            }
        }
        frame(&mut out, END, |out| out.extend_from_slice(&count.to_be_bytes()));
        sink(&out).then_some(count)
    }
}

/// One frame; its length is written when its payload is there.
fn frame(out: &mut Vec<u8>, tag: u8, payload: impl FnOnce(&mut Vec<u8>)) {
    let at = out.len();
    out.extend_from_slice(&[0, 0, 0, 0, tag]);
    payload(out);
    let length = u32::try_from(out.len() - at - super::LENGTH).unwrap_or(u32::MAX);
    crate::wire::put(out, at, &length.to_be_bytes());
}

fn put_entry(out: &mut Vec<u8>, entry: &Entry) {
    let (stored, expires) = entry.times();
    let (hits, last_hit, is_hot) = entry.tally();
    let kind = match entry.kind() {
        Kind::Success => 0,
        Kind::Denial => 1,
        Kind::Failure => 2,
    };
    let packed = entry.packed();
    out.extend_from_slice(&[entry.bits, kind, u8::from(is_hot)]);
    out.extend_from_slice(&hits.to_be_bytes());
    out.extend_from_slice(&last_hit.to_be_bytes());
    out.extend_from_slice(&stored.as_nanos().to_be_bytes());
    out.extend_from_slice(&expires.as_nanos().to_be_bytes());
    out.push(u8::try_from(packed.ede().len()).unwrap_or(0));
    out.extend_from_slice(packed.ede());
    out.extend_from_slice(packed.message());
}
