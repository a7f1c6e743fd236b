//! What makes two questions the same.

use crate::hash::Seed;
use crate::wire::name::NameBuffer;
use crate::wire::response::Question;

/// DNSSEC records wanted.
pub const DO: u8 = 1;
/// Validation not wanted.
pub const CD: u8 = 2;

/// Folded qname, qtype, qclass, DO and CD; with their hash.
#[derive(Clone, Copy, Debug)]
pub struct Key<'k> {
    /// The seeded hash of all the rest.
    pub hash: u64,
    /// The question, lower case.
    pub question: Question<'k>,
    /// `DO` and `CD`.
    pub bits: u8,
}

impl<'k> Key<'k> {
    /// The key of a question whose folded name is in `name`.
    pub fn new(seed: Seed, name: &'k NameBuffer, qtype: u16, qclass: u16, is_do: bool, is_cd: bool) -> Self {
        let bits = if is_do { DO } else { 0 } | if is_cd { CD } else { 0 };
        let qname = name.as_wire();
        let word = (qname.len() as u64) << 48 | u64::from(bits) << 40 | u64::from(qclass) << 16 | u64::from(qtype);
        Self { hash: seed.hash(name.padded(), word), question: Question { qname, qtype, qclass }, bits }
    }

    /// Whether a stored message answers this key's question.
    pub fn is_asked_in(&self, message: &[u8]) -> bool {
        let qname = self.question.qname;
        let end = crate::wire::header::HEADER_LEN + qname.len();
        let [t0, t1] = self.question.qtype.to_be_bytes();
        let [c0, c1] = self.question.qclass.to_be_bytes();
        message.get(crate::wire::header::HEADER_LEN..end) == Some(qname)
            && message.get(end..end + 4) == Some(&[t0, t1, c0, c1])
    }
}
