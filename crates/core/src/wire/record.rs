//! Walks the records of a message, unpacking nothing.

use super::{be16, be32, name};

/// Where one record stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// First byte of the owner name.
    pub start: usize,
    /// First byte of the fixed part (type, class, TTL, RDLENGTH).
    pub fixed: usize,
    /// RR type.
    pub rtype: u16,
    /// RR class.
    pub class: u16,
    /// TTL as it stands.
    pub ttl: u32,
    /// First byte of RDATA.
    pub rdata: usize,
    /// One after the last byte of RDATA.
    pub end: usize,
}

/// The record at `at`, if it is whole.
pub fn at(message: &[u8], at: usize) -> Option<Record> {
    let fixed = name::skip(message, at)?;
    let rdata = fixed.checked_add(10)?;
    let end = rdata.checked_add(usize::from(be16(message, fixed + 8)?))?;
    message.get(..end)?;
    Some(Record {
        start: at,
        fixed,
        rtype: be16(message, fixed)?,
        class: be16(message, fixed + 2)?,
        ttl: be32(message, fixed + 4)?,
        rdata,
        end,
    })
}
