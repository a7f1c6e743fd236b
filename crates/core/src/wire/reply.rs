//! Composes what goes to a client: kept answers, aged; and what we say ourselves.

use super::edns::OurOpt;
use super::header::{AA, AD, CD, HEADER_LEN, Header, OPCODE_MASK, QR, RA, RCODE_MASK, RD, TC, Z};
use super::packed::Packed;
use super::query::Asked;
use super::{be16, put, record};

/// How one client wants an answer served.
#[derive(Clone, Copy, Debug)]
pub struct Serving<'a> {
    /// What the query said.
    pub asked: &'a Asked,
    /// The qname as the client spelt it.
    pub qname: &'a [u8],
    /// TTL for every record; None leaves them as upstream sent them.
    pub ttl: Option<u32>,
    /// Largest reply.
    pub limit: usize,
    /// The UDP size we say we take.
    pub own_size: u16,
    /// Extended error of ours; else upstream's is passed on.
    pub ede: &'a [u8],
}

/// Write a kept answer for one client; gives its length. Whole records that do not fit are left out, and TC is set
/// where they are missed.
pub fn compose(packed: &Packed, serving: &Serving<'_>, out: &mut [u8]) -> usize {
    let asked = serving.asked;
    let opt = asked.edns.map(|(_, is_do)| OurOpt {
        size: serving.own_size,
        is_do,
        rcode_high: 0,
        ede: if serving.ede.is_empty() { packed.ede() } else { serving.ede },
    });
    let room = serving.limit.min(out.len());
    let stored = packed.message();
    let reserved = opt.map_or(0, |_| super::edns::OPT_LEN);
    let mut flags = packed.flags() & (QR | AA | TC | RA | AD | RCODE_MASK) | asked.flags & (RD | CD);
    if !asked.wants_ad() {
        flags &= !AD;
    }
    let mut end = if stored.len() + reserved <= room {
        put(out, 0, stored);
        stored.len()
    } else {
        let (end, is_cut) = copy_whole_records(stored, out, room.saturating_sub(reserved), asked.is_do());
        if is_cut {
            flags |= TC;
        }
        end
    };
    put(out, 0, &asked.id.to_be_bytes());
    put(out, 2, &flags.to_be_bytes());
    put(out, HEADER_LEN, serving.qname);
    if let Some(ttl) = serving.ttl {
        for at in packed.ttls().take_while(|at| *at < end) {
            put(out, at, &ttl.to_be_bytes());
        }
    }
    if let Some(opt) = opt {
        end = append_opt(out, end, room, &opt);
    }
    end
}

/// Append our OPT, without the extended error if that does not fit, and count it.
fn append_opt(out: &mut [u8], end: usize, room: usize, opt: &OurOpt<'_>) -> usize {
    let opt = if end + opt.length() > room { OurOpt { ede: &[], ..*opt } } else { *opt };
    let after = opt.compose(out, end);
    if after > end {
        let count = be16(out, 10).unwrap_or(0).saturating_add(1);
        put(out, 10, &count.to_be_bytes());
    }
    after
}

/// Copy header, question and as many whole records as fit; the counts say how many. Gives the end, and whether something
/// that the reply needs was left out: of the additional section never, of authority only a denial's SOA or proofs for
/// who asked for them (RFC 2181, 9).
fn copy_whole_records(stored: &[u8], out: &mut [u8], room: usize, is_do: bool) -> (usize, bool) {
    let Some(header) = Header::parse(stored) else { return (0, false) };
    let [_, answers, authorities, additionals] = header.counts;
    let mut end = super::response::question_end(stored).unwrap_or(HEADER_LEN);
    let mut copy = |count: u16| {
        let mut kept = 0;
        while kept < count
            && let Some(record) = record::at(stored, end)
            && record.end <= room
        {
            end = record.end;
            kept += 1;
        }
        kept
    };
    let answer = copy(answers);
    let authority = if answer == answers { copy(authorities) } else { 0 };
    let additional = if authority == authorities && answer == answers { copy(additionals) } else { 0 };
    let is_cut = answer < answers || (authority < authorities && (answers == 0 || is_do));
    put(out, 0, stored.get(..end).unwrap_or_default());
    put(out, 0, &Header { counts: [1, answer, authority, additional], ..header }.compose());
    (end, is_cut)
}

/// Write a reply of our own without records: header, question, and OPT if the query had one.
pub fn compose_own(asked: &Asked, question: &[u8], rcode: u16, own_size: u16, ede: &[u8], out: &mut [u8]) -> usize {
    let flags = QR | RA | asked.flags & (OPCODE_MASK | RD | CD) | rcode & RCODE_MASK;
    let questions = u16::from(!question.is_empty());
    put(out, 0, &Header { id: asked.id, flags, counts: [questions, 0, 0, 0] }.compose());
    put(out, HEADER_LEN, question);
    let end = HEADER_LEN + question.len();
    match asked.edns {
        Some((_, is_do)) => {
            let rcode_high = u8::try_from(rcode >> 4).unwrap_or(0);
            append_opt(out, end, out.len(), &OurOpt { size: own_size, is_do, rcode_high, ede })
        }
        None => end,
    }
}

/// Write a bare error to a message whose question could not be used.
pub fn compose_refusal(message: &[u8], rcode: u16, question: &[u8], out: &mut [u8]) -> usize {
    let Some(header) = Header::parse(message) else { return 0 };
    let keeps_opcode = rcode == super::rcode::NOTIMP;
    let mut flags = header.flags & !(AA | Z | RCODE_MASK) | QR | RA | rcode & RCODE_MASK;
    if !keeps_opcode {
        flags &= !OPCODE_MASK;
    }
    let questions = u16::from(!question.is_empty());
    put(out, 0, &Header { id: header.id, flags, counts: [questions, 0, 0, 0] }.compose());
    put(out, HEADER_LEN, question);
    HEADER_LEN + question.len()
}

/// Write the query that goes upstream: ID 0, lower-case name, our OPT. RD and CD as asked; AD says we understand it.
pub fn compose_query(question: &super::response::Question<'_>, rd_cd: u16, opt: Option<OurOpt<'_>>, out: &mut Vec<u8>) {
    let flags = rd_cd & (RD | CD) | AD;
    let additionals = u16::from(opt.is_some());
    out.extend_from_slice(&Header { id: 0, flags, counts: [1, 0, 0, additionals] }.compose());
    out.extend_from_slice(question.qname);
    out.extend_from_slice(&question.qtype.to_be_bytes());
    out.extend_from_slice(&question.qclass.to_be_bytes());
    if let Some(opt) = opt {
        let mut bytes = [0; super::edns::OPT_LEN];
        let end = opt.compose(&mut bytes, 0);
        out.extend_from_slice(bytes.get(..end).unwrap_or_default());
    }
}
