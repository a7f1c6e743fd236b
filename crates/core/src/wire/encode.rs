//! Writes a message again, with its names compressed: what an upstream sent becomes what we keep.

use super::name::{NameBuffer, suffixes};
use super::{be16, put};

/// Slots of the table of names already written; a name that finds its slot taken is written in full.
const TABLE: usize = 512;
/// Offsets a compression pointer can name.
const POINTER_MAX: usize = 0x3fff;

/// The message being written. Kept by the worker and used again.
pub struct Encoder {
    out: Vec<u8>,
    ttls: Vec<u16>,
    table: Box<[u16; TABLE]>,
    plain_len: usize,
}

impl Default for Encoder {
    fn default() -> Self {
        Self { out: Vec::new(), ttls: Vec::new(), table: Box::new([0; TABLE]), plain_len: 0 }
    }
}

impl Encoder {
    /// Begin again, with room for a header.
    pub fn start(&mut self) {
        self.out.clear();
        self.out.extend_from_slice(&[0; super::header::HEADER_LEN]);
        self.ttls.clear();
        self.table.fill(0);
        self.plain_len = super::header::HEADER_LEN;
    }

    /// What is written so far.
    pub fn message(&self) -> &[u8] {
        &self.out
    }

    /// Where TTLs stand.
    pub fn ttls(&self) -> &[u16] {
        &self.ttls
    }

    /// Length had nothing been compressed.
    pub fn plain_len(&self) -> usize {
        self.plain_len
    }

    /// Write over bytes already written.
    pub fn patch(&mut self, at: usize, part: &[u8]) {
        put(&mut self.out, at, part);
    }

    /// Append bytes as they are.
    pub fn bytes(&mut self, part: &[u8]) {
        self.out.extend_from_slice(part);
        self.plain_len += part.len();
    }

    /// Append a name in full.
    pub fn name_plain(&mut self, name: &[u8]) {
        self.bytes(name);
    }

    /// Append a name, the shortest way.
    pub fn name(&mut self, name: &[u8]) {
        self.plain_len += name.len();
        let mut hashes = [0_u32; 128];
        hash_suffixes(name, &mut hashes);
        for (suffix, hash) in suffixes(name).zip(hashes) {
            let length = usize::from(suffix.first().copied().unwrap_or(0));
            if length == 0 {
                self.out.push(0);
                return;
            }
            let slot = hash as usize % TABLE;
            let known = self.table.get(slot).copied().unwrap_or(0);
            if known != 0 && is_name_at(&self.out, usize::from(known), suffix) {
                self.out.extend_from_slice(&(known | 0xc000).to_be_bytes());
                return;
            }
            if self.out.len() <= POINTER_MAX
                && known == 0
                && let (Some(entry), Ok(at)) = (self.table.get_mut(slot), u16::try_from(self.out.len()))
            {
                *entry = at;
            }
            self.out.extend_from_slice(suffix.get(..=length).unwrap_or_default());
        }
    }

    /// Append type, class and TTL of a record and room for its RDLENGTH; gives where that stands. None: too long.
    pub fn record_head(&mut self, rtype: u16, class: u16, ttl: u32) -> Option<usize> {
        self.bytes(&rtype.to_be_bytes());
        self.bytes(&class.to_be_bytes());
        self.ttls.push(u16::try_from(self.out.len()).ok()?);
        self.bytes(&ttl.to_be_bytes());
        let at = self.out.len();
        self.bytes(&[0, 0]);
        Some(at)
    }

    /// Fill in the RDLENGTH that stands at `at`.
    pub fn record_end(&mut self, at: usize) -> Option<()> {
        let length = u16::try_from(self.out.len() - at - 2).ok()?;
        u16::try_from(self.out.len()).ok()?;
        self.patch(at, &length.to_be_bytes());
        Some(())
    }
}

/// A hash per suffix, computed from the root upwards so that equal suffixes have equal hashes.
fn hash_suffixes(name: &[u8], hashes: &mut [u32; 128]) {
    let count = suffixes(name).count();
    let mut starts = [0_u8; 128];
    for (start, suffix) in starts.iter_mut().zip(suffixes(name)) {
        *start = u8::try_from(name.len() - suffix.len()).unwrap_or(0);
    }
    let mut hash = 0x811c_9dc5_u32;
    for (start, slot) in starts.iter().zip(hashes.iter_mut()).take(count).rev() {
        let start = usize::from(*start);
        let length = usize::from(name.get(start).copied().unwrap_or(0));
        for byte in name.get(start..=start + length).unwrap_or_default() {
            hash = (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
        }
        *slot = hash ^ (hash >> 15);
    }
}

/// Whether the (compressed) name at `at` is `name`, byte for byte.
fn is_name_at(message: &[u8], mut at: usize, mut name: &[u8]) -> bool {
    for _ in 0..256 {
        let Some(length) = message.get(at).copied() else { return false };
        if length >= 192 {
            let Some(pointer) = be16(message, at) else { return false };
            at = usize::from(pointer & 0x3fff);
            continue;
        }
        let step = 1 + usize::from(length);
        let (Some(here), Some(there)) = (message.get(at..at + step), name.get(..step)) else { return false };
        if here != there {
            return false;
        }
        if length == 0 {
            return true;
        }
        at += step;
        name = name.get(step..).unwrap_or_default();
    }
    false
}

/// Unpack the name at `at` and append it; gives where it ended.
pub fn copy_name(
    encoder: &mut Encoder,
    scratch: &mut NameBuffer,
    message: &[u8],
    at: usize,
    may_compress: bool,
) -> Option<usize> {
    let end = scratch.unpack(message, at)?;
    if may_compress {
        encoder.name(scratch.as_wire());
    } else {
        encoder.name_plain(scratch.as_wire());
    }
    Some(end)
}
