//! Bytes -> caches. Whoever wrote them, they can make a cache no larger, no answer older and no node fall.

use core::time::Duration;
use std::fmt;
use std::sync::Arc;

use super::{BLOCK, END, ENTRY, FIXED, FRAME_LIMIT, HEAD, LENGTH, MAGIC, VERSION};
use crate::cache::entry::{Entry, Kind};
use crate::cache::key::{CD, DO, Key};
use crate::cache::lifetime::judge;
use crate::shared::Shared;
use crate::shared::compile::Compiled;
use crate::time::Moment;
use crate::wire::be16;
use crate::wire::edns::EDE_MAX;
use crate::wire::encode::Encoder;
use crate::wire::header::HEADER_LEN;
use crate::wire::name::{NameBuffer, plain_end};
use crate::wire::packed::Packed;
use crate::wire::response::{Question, Whose, digest, whose};

/// An export older than this is not of a process that is just leaving, or its clock is not ours.
const AGE_LIMIT: Duration = Duration::from_secs(300);
/// A stream may be so many times as long as our memory limit: the process before us may have had more than we.
const EXCESS: usize = 4;
/// And never too short to say nothing.
const LEAST_LIMIT: usize = 1 << 20;

/// Why the rest of a stream is not looked at.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It does not begin as a cache does.
    Stranger,
    /// Another format.
    Version(u16),
    /// Its moments are not of our clock.
    Clock,
    /// A frame of no known kind, or too long.
    Frame,
    /// It ended too early, or counts wrong.
    Cut,
    /// More than any cache of ours could be.
    Long,
}

impl fmt::Display for Refused {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stranger => out.write_str("not a cache of nodens"),
            Self::Version(version) => write!(out, "of format {version}; expected {VERSION}"),
            Self::Clock => out.write_str("written by another clock, or too long ago"),
            Self::Frame => out.write_str("malformed"),
            Self::Cut => out.write_str("cut short"),
            Self::Long => out.write_str("longer than our memory allows"),
        }
    }
}

/// What became of the entries of a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// In our caches now.
    pub taken: u64,
    /// Unknown block, malformed, over, not allowed by our plan, known better, or no room.
    pub refused: u64,
}

/// Reads a stream piece by piece.
pub struct Importer {
    plan: Arc<Compiled>,
    shared: Arc<Shared>,
    waiting: Vec<u8>,
    room: usize,
    has_begun: bool,
    has_ended: bool,
    block: Option<usize>,
    imported: Imported,
    encoder: Encoder,
    scratch: NameBuffer,
    name: NameBuffer,
}

impl Importer {
    /// Read into the caches of the plan in force.
    pub fn new(shared: &Arc<Shared>) -> Self {
        Self {
            plan: shared.current(),
            shared: Arc::clone(shared),
            waiting: Vec::new(),
            room: shared.budget.limit().saturating_mul(EXCESS).max(LEAST_LIMIT),
            has_begun: false,
            has_ended: false,
            block: None,
            imported: Imported::default(),
            encoder: Encoder::default(),
            scratch: NameBuffer::default(),
            name: NameBuffer::default(),
        }
    }

    /// Take the next piece; whether the stream has come to its end. What follows the end is not looked at.
    pub fn feed(&mut self, piece: &[u8], now: Moment) -> Result<bool, Refused> {
        self.room = self.room.checked_sub(piece.len()).ok_or(Refused::Long)?;
        self.waiting.extend_from_slice(piece);
        let waiting = core::mem::take(&mut self.waiting);
        let rest = self.take_frames(&waiting, now)?;
        self.waiting.extend_from_slice(rest);
        Ok(self.has_ended)
    }

    /// What became of it; an error if its end never came.
    pub fn finish(&self) -> Result<Imported, Refused> {
        if self.has_ended { Ok(self.imported) } else { Err(Refused::Cut) }
    }

    /// What became of it so far.
    pub fn so_far(&self) -> Imported {
        self.imported
    }

    fn take_frames<'b>(&mut self, mut bytes: &'b [u8], now: Moment) -> Result<&'b [u8], Refused> {
        if !self.has_begun {
            let Some((head, rest)) = bytes.split_at_checked(HEAD) else {
                let known = bytes.len().min(MAGIC.len());
                return if bytes.get(..known) == MAGIC.get(..known) { Ok(bytes) } else { Err(Refused::Stranger) };
            };
            begin(head, now)?;
            self.has_begun = true;
            bytes = rest;
        }
        while !self.has_ended {
            let Some((length, rest)) = bytes.split_first_chunk::<LENGTH>() else { break };
            let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
            if length > FRAME_LIMIT {
                return Err(Refused::Frame);
            }
            let Some((frame, rest)) = rest.split_at_checked(length) else { break };
            self.take_frame(frame, now)?;
            bytes = rest;
        }
        Ok(bytes)
    }

    fn take_frame(&mut self, frame: &[u8], now: Moment) -> Result<(), Refused> {
        match frame.split_first() {
            Some((&BLOCK, name)) => {
                let is_it = |block: &crate::shared::compile::Block| block.plan.name.as_bytes() == name;
                self.block = self.plan.blocks.iter().position(is_it);
            }
            Some((&ENTRY, entry)) => match self.take_entry(entry, now) {
                Some(()) => self.imported.taken += 1,
                None => self.imported.refused += 1,
            },
            Some((&END, count)) => {
                let Imported { taken, refused } = self.imported;
                if count != (taken + refused).to_be_bytes() {
                    return Err(Refused::Cut);
                }
                self.has_ended = true;
            }
            _ => return Err(Refused::Frame),
        }
        Ok(())
    }

    /// None: refused.
    fn take_entry(&mut self, bytes: &[u8], now: Moment) -> Option<()> {
        let cached = self.plan.blocks.get(self.block?)?.cache.as_ref()?;
        let (fixed, rest) = bytes.split_first_chunk::<FIXED>()?;
        let [bits, kind, hot, h0, h1, l0, l1, l2, l3, times @ .., ede_len] = *fixed;
        let (stored, expires) = times_of(&times)?;
        let (ede, message) = rest.split_at_checked(ede_len.into())?;
        if bits & !(DO | CD) != 0 || hot > 1 || ede.len() == 1 || ede.len() > EDE_MAX || stored > now {
            return None;
        }
        let end = plain_end(message, HEADER_LEN)?;
        let qname = message.get(HEADER_LEN..end)?;
        self.name.fold_from(qname);
        let question = Question { qname, qtype: be16(message, end)?, qclass: be16(message, end + 2)? };
        if self.name.as_wire() != qname || whose(message, &question) != Whose::Ours {
            return None;
        }
        let told = digest(&mut self.encoder, &mut self.scratch, message, &question).ok()?;
        let verdict = judge(&told, &cached.plan, self.shared.unix_s(now));
        let kind = [Kind::Success, Kind::Denial, Kind::Failure].get(usize::from(kind)).copied()?;
        if verdict.kind != Some(kind) || !cached.covers(qname) || !cached.may_keep(kind.side(), qname) {
            return None;
        }
        let lifetime = expires.since(stored).min(verdict.lifetime);
        let packed = Packed::new(self.encoder.message(), self.encoder.ttls(), ede, self.encoder.plain_len());
        let (is_do, is_cd) = (bits & DO != 0, bits & CD != 0);
        let key = Key::new(self.shared.seed, &self.name, question.qtype, question.qclass, is_do, is_cd);
        let entry = Entry::new(key.hash, bits, kind, packed, stored, lifetime);
        entry.resume((u16::from_be_bytes([h0, h1]), u32::from_be_bytes([l0, l1, l2, l3]), hot == 1), now);
        cached.store.adopt(&key, entry, now, cached.prefers_positive()).then_some(())
    }
}

/// Look at a stream's head.
fn begin(head: &[u8], now: Moment) -> Result<(), Refused> {
    let rest = head.strip_prefix(MAGIC).ok_or(Refused::Stranger)?;
    let (version, moment) = rest.split_first_chunk::<2>().ok_or(Refused::Stranger)?;
    let version = u16::from_be_bytes(*version);
    if version != VERSION {
        return Err(Refused::Version(version));
    }
    let exported = Moment::from_nanos(u64::from_be_bytes(moment.try_into().map_err(|_| Refused::Stranger)?));
    if exported > now || now.since(exported) > AGE_LIMIT {
        return Err(Refused::Clock);
    }
    Ok(())
}

/// When an entry was stored and when its lifetime ends; None if the end comes first.
fn times_of(bytes: &[u8]) -> Option<(Moment, Moment)> {
    let (words, _) = bytes.as_chunks::<8>();
    let [stored, expires] = words else { return None };
    let [stored, expires] = [stored, expires].map(|word| Moment::from_nanos(u64::from_be_bytes(*word)));
    (stored <= expires).then_some((stored, expires))
}

impl Shared {
    /// Take in a whole stream at once. What was taken before a refusal stays.
    pub fn import(self: &Arc<Self>, now: Moment, bytes: &[u8]) -> Result<Imported, Refused> {
        let mut importer = Importer::new(self);
        let _ = importer.feed(bytes, now)?;
        importer.finish()
    }
}
