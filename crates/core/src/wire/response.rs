//! An upstream's message: is it the answer to our question, what does it say, and how do we write it again.

use super::edns::Edns;
use super::encode::{Encoder, copy_name};
use super::header::{HEADER_LEN, Header, OPCODE_MASK, QR, TC};
use super::name::{NameBuffer, fold8};
use super::packed::Packed;
use super::record::{self, Record};
use super::{be16, be32, name, rtype};

/// A question, lower case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question<'q> {
    /// Lower-case wire name.
    pub qname: &'q [u8],
    /// Type.
    pub qtype: u16,
    /// Class.
    pub qclass: u16,
}

/// Whose answer is it?
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// It answers our question.
    Ours,
    /// A bare header with an error: the upstream did not understand us.
    Bare,
    /// It answers something else, or is no response at all.
    Stranger,
}

/// Compare a response's question with ours.
pub fn whose(response: &[u8], question: &Question<'_>) -> Whose {
    let Some(header) = Header::parse(response) else { return Whose::Stranger };
    if header.flags & QR == 0 || header.flags & OPCODE_MASK != 0 {
        return Whose::Stranger;
    }
    let [questions, answers, ..] = header.counts;
    if questions == 0 && answers == 0 {
        return Whose::Bare;
    }
    let end = HEADER_LEN + question.qname.len();
    let is_ours = questions == 1
        && response.get(HEADER_LEN..end).is_some_and(|theirs| theirs.eq_ignore_ascii_case(question.qname))
        && be16(response, end) == Some(question.qtype)
        && be16(response, end + 2) == Some(question.qclass);
    if is_ours { Whose::Ours } else { Whose::Stranger }
}

/// What a response says, as far as caching and choosing go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own about a message")]
pub struct Digest {
    /// Flags as they came.
    pub flags: u16,
    /// The whole rcode, with EDNS' upper bits.
    pub rcode: u16,
    /// Smallest TTL of any record but OPT.
    pub ttl_min: Option<u32>,
    /// The smaller of the SOA's TTL and its MINIMUM, if an SOA stands in authority (RFC 2308, 5).
    pub denial_ttl: Option<u32>,
    /// There is an answer record.
    pub has_answer: bool,
    /// There is an answer record of the type asked for.
    pub has_final: bool,
    /// NS in authority.
    pub has_ns: bool,
    /// There was an OPT.
    pub has_opt: bool,
    /// It said DO.
    pub is_do: bool,
    /// From when until when all signatures are valid (RFC 4034, 3.1.5), if there is one.
    pub signed: Option<(u32, u32)>,
    /// Made for one subnet only.
    pub is_scoped: bool,
    /// Where extended-error data stands in the response.
    pub ede: (usize, usize),
}

/// Cannot be parsed: the upstream's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// Read a response to our question and write it again, compressed and without OPT, into `encoder`.
pub fn digest(
    encoder: &mut Encoder,
    scratch: &mut NameBuffer,
    response: &[u8],
    question: &Question<'_>,
) -> Result<Digest, Malformed> {
    let header = Header::parse(response).ok_or(Malformed)?;
    let mut digest = Digest { flags: header.flags, rcode: header.flags & 0xf, ..Digest::default() };
    encoder.start();
    encoder.name(question.qname);
    encoder.bytes(&question.qtype.to_be_bytes());
    encoder.bytes(&question.qclass.to_be_bytes());
    let mut at = HEADER_LEN + question.qname.len() + 4;
    let [_, answers, authorities, additionals] = header.counts;
    let mut kept = [1_u16, 0, 0, 0];
    'sections: for (section, count) in [(1, answers), (2, authorities), (3, additionals)] {
        for _ in 0..count {
            let Some(record) = record::at(response, at) else {
                if header.flags & TC != 0 {
                    break 'sections; // cut in the middle of a record; what was whole is kept
                }
                return Err(Malformed);
            };
            at = record.end;
            if record.rtype == rtype::OPT {
                digest.note_opt(response, &record)?;
                continue;
            }
            digest.note(response, &record, section, question).ok_or(Malformed)?;
            copy_record(encoder, scratch, response, &record).ok_or(Malformed)?;
            if let Some(count) = kept.get_mut(section) {
                *count += 1;
            }
        }
    }
    let flags = (header.flags & !super::header::RCODE_MASK) | (digest.rcode & 0xf);
    encoder.patch(0, &Header { id: 0, flags, counts: kept }.compose());
    Ok(digest)
}

impl Digest {
    fn note_opt(&mut self, response: &[u8], record: &Record) -> Result<(), Malformed> {
        let edns = Edns::parse(response, record).ok_or(Malformed)?;
        self.has_opt = true;
        self.is_do = edns.is_do;
        self.rcode |= u16::from(edns.rcode_high) << 4;
        self.is_scoped |= edns.is_scoped(response);
        let ede = edns.extended_error(response);
        if !ede.is_empty() {
            let start = ede.as_ptr() as usize - response.as_ptr() as usize;
            self.ede = (start, start + ede.len());
        }
        Ok(())
    }

    fn note(&mut self, response: &[u8], record: &Record, section: usize, question: &Question<'_>) -> Option<()> {
        let ttl = if record.ttl > i32::MAX as u32 { 0 } else { record.ttl }; // RFC 2181, 8
        self.ttl_min = Some(self.ttl_min.map_or(ttl, |least| least.min(ttl)));
        if record.rtype == rtype::RRSIG {
            if record.end < record.rdata + 18 {
                return None;
            }
            let (until, from) = (be32(response, record.rdata + 8)?, be32(response, record.rdata + 12)?);
            self.signed = Some(self.signed.map_or((from, until), |(old_from, old_until)| {
                (
                    if is_before(old_from, from) { from } else { old_from },
                    if is_before(until, old_until) { until } else { old_until },
                )
            }));
        }
        match (section, record.rtype) {
            (1, found) => {
                self.has_answer = true;
                self.has_final |= found == question.qtype || question.qtype == rtype::ANY;
            }
            (2, rtype::SOA) => {
                let minimum = be32(response, record.end.checked_sub(4).filter(|at| *at >= record.rdata)?)?;
                self.denial_ttl = Some(ttl.min(minimum));
            }
            (2, rtype::NS) => self.has_ns = true,
            _ => {}
        }
        Some(())
    }

    /// Whether some signature is not yet, or no longer, valid. `unix_s`: what a clock on the wall says.
    pub fn is_badly_signed(&self, unix_s: u32) -> bool {
        self.is_do && self.signed.is_some_and(|(from, until)| is_before(unix_s, from) || is_before(until, unix_s))
    }

    /// Put what `encoder` holds into one allocation.
    pub fn pack(&self, encoder: &Encoder, response: &[u8]) -> Packed {
        let ede = response.get(self.ede.0..self.ede.1).unwrap_or_default();
        Packed::new(encoder.message(), encoder.ttls(), ede, encoder.plain_len())
    }
}

/// Serial number arithmetic (RFC 1982): times wrap round in 2106.
fn is_before(a: u32, b: u32) -> bool {
    a != b && b.wrapping_sub(a) < 1 << 31
}

/// What RDATA of a type is made of; names in it may be compressed only in the types of RFC 1035 (RFC 3597, 4).
enum Shape {
    /// Bytes.
    Opaque,
    /// So many bytes, so many names, then the rest.
    Names { before: usize, names: usize, may_compress: bool },
    /// NAPTR: four bytes, three strings, a name.
    Naptr,
}

fn shape(rtype: u16) -> Shape {
    match rtype {
        2..=5 | 7..=9 | 12 => Shape::Names { before: 0, names: 1, may_compress: true },
        6 | 14 => Shape::Names { before: 0, names: 2, may_compress: true },
        15 => Shape::Names { before: 2, names: 1, may_compress: true },
        17 => Shape::Names { before: 0, names: 2, may_compress: false },
        18 | 21 | 36 => Shape::Names { before: 2, names: 1, may_compress: false },
        24 => Shape::Names { before: 18, names: 1, may_compress: false },
        26 => Shape::Names { before: 2, names: 2, may_compress: false },
        30 | rtype::DNAME => Shape::Names { before: 0, names: 1, may_compress: false },
        33 => Shape::Names { before: 6, names: 1, may_compress: false },
        35 => Shape::Naptr,
        _ => Shape::Opaque,
    }
}

fn copy_record(encoder: &mut Encoder, scratch: &mut NameBuffer, message: &[u8], record: &Record) -> Option<()> {
    copy_name(encoder, scratch, message, record.start, true)?;
    let length_at = encoder.record_head(record.rtype, record.class, record.ttl)?;
    let (mut at, names, may_compress) = match shape(record.rtype) {
        Shape::Opaque => (record.rdata, 0, false),
        Shape::Names { before, names, may_compress } => {
            encoder.bytes(message.get(record.rdata..record.rdata + before)?);
            (record.rdata + before, names, may_compress)
        }
        Shape::Naptr => {
            let mut end = record.rdata + 4;
            for _ in 0..3 {
                end += 1 + usize::from(*message.get(end)?);
            }
            encoder.bytes(message.get(record.rdata..end)?);
            (end, 1, false)
        }
    };
    for _ in 0..names {
        at = copy_name(encoder, scratch, message, at, may_compress)?;
    }
    let rest = message.get(at..record.end)?; // None if a name ran over the record's end
    if record.rtype == rtype::SOA && rest.len() != 20 {
        return None;
    }
    encoder.bytes(rest);
    encoder.record_end(length_at)
}

/// Lower-case a question's name in place; used where a whole message of ours is made from a client's.
pub fn fold_in_place(name: &mut [u8]) {
    let (chunks, rest) = name.as_chunks_mut::<8>();
    for chunk in chunks {
        *chunk = fold8(u64::from_le_bytes(*chunk)).to_le_bytes();
    }
    rest.make_ascii_lowercase();
}

/// Where the question of a stored message ends.
pub fn question_end(message: &[u8]) -> Option<usize> {
    Some(name::skip(message, HEADER_LEN)? + 4)
}
