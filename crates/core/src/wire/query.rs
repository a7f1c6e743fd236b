//! A client's message: is it a query we can work on, and what does it ask?

use super::edns::{Edns, SIZE_MIN};
use super::header::{AD, CD, HEADER_LEN, Header, QR, RD};
use super::{be16, name, rcode, record, rtype};
use crate::shared::Rejected;

/// A query that makes sense so far.
#[derive(Clone, Copy, Debug)]
pub struct Query<'m> {
    /// The qname as the client spelt it, on the wire.
    pub qname: &'m [u8],
    /// What kind of record.
    pub qtype: u16,
    /// Which class.
    pub qclass: u16,
    /// What the reply needs to know.
    pub asked: Asked,
}

/// What a reply needs to know of its query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Message ID.
    pub id: u16,
    /// Flags as they came.
    pub flags: u16,
    /// The OPT's size and DO, if there was one.
    pub edns: Option<(u16, bool)>,
    /// EDNS version.
    pub version: u8,
    /// Bytes of the query.
    pub size: u16,
}

impl Asked {
    /// DNSSEC records wanted.
    pub fn is_do(&self) -> bool {
        self.edns.is_some_and(|(_, is_do)| is_do)
    }

    /// Validation not wanted.
    pub fn is_cd(&self) -> bool {
        self.flags & CD != 0
    }

    /// Recursion wanted.
    pub fn is_rd(&self) -> bool {
        self.flags & RD != 0
    }

    /// AD is understood (RFC 6840, 5.7).
    pub fn wants_ad(&self) -> bool {
        self.is_do() || self.flags & AD != 0
    }

    /// The UDP size the client can take.
    pub fn udp_size(&self) -> u16 {
        self.edns.map_or(SIZE_MIN, |(size, _)| size.max(SIZE_MIN))
    }
}

/// A message that is no query for us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Say nothing.
    Silent(Rejected),
    /// Only a header goes back, with this rcode and these flags kept.
    HeaderOnly(Rejected, u16),
    /// The question was read before the trouble began: it is echoed, up to this byte.
    WithQuestion(Rejected, u16, usize),
}

/// Read a client's message.
pub fn parse(message: &[u8]) -> Result<Query<'_>, Refusal> {
    let header = Header::parse(message).ok_or(Refusal::Silent(Rejected::Short))?;
    if header.flags & QR != 0 {
        return Err(Refusal::Silent(Rejected::NotAQuery));
    }
    if header.opcode() != 0 {
        return Err(Refusal::HeaderOnly(Rejected::Opcode, rcode::NOTIMP));
    }
    let [questions, answers, authorities, additionals] = header.counts;
    if questions != 1 || answers > 1 || authorities > 1 || additionals > 2 {
        return Err(Refusal::HeaderOnly(Rejected::Counts, rcode::FORMERR));
    }
    if message.len() == HEADER_LEN {
        return Err(Refusal::HeaderOnly(Rejected::Malformed, rcode::SERVFAIL));
    }
    let malformed = Refusal::HeaderOnly(Rejected::Malformed, rcode::FORMERR);
    let name_end = name::plain_end(message, HEADER_LEN).ok_or(malformed)?;
    let qname = message.get(HEADER_LEN..name_end).ok_or(malformed)?;
    let qtype = be16(message, name_end).ok_or(malformed)?;
    let qclass = be16(message, name_end + 2).ok_or(malformed)?;
    let question_end = name_end + 4;
    let edns = find_opt(message, question_end, answers + authorities + additionals).ok_or(Refusal::WithQuestion(
        Rejected::Malformed,
        rcode::FORMERR,
        question_end,
    ))?;
    Ok(Query {
        qname,
        qtype,
        qclass,
        asked: Asked {
            id: header.id,
            flags: header.flags,
            edns: edns.map(|edns| (edns.size, edns.is_do)),
            version: edns.map_or(0, |edns| edns.version),
            size: u16::try_from(message.len()).unwrap_or(u16::MAX),
        },
    })
}

/// The last OPT of at most `count` records; records missing at the end are tolerated, cut ones are not (None).
#[expect(clippy::option_option, reason = "outer: could it be read at all; inner: was there one")]
fn find_opt(message: &[u8], mut at: usize, count: u16) -> Option<Option<Edns>> {
    let mut found = None;
    for _ in 0..count {
        if at >= message.len() {
            break;
        }
        let record = record::at(message, at)?;
        if record.rtype == rtype::OPT {
            if record.fixed != record.start + 1 {
                return None; // an OPT belongs to the root
            }
            found = Some(Edns::parse(message, &record)?);
        }
        at = record.end;
    }
    Some(found)
}
