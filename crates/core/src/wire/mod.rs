//! Bytes <-> meaning: DNS messages as they stand on the wire (RFC 1035, 6891, 8914).

pub mod edns;
pub mod encode;
pub mod header;
pub mod name;
pub mod packed;
pub mod query;
pub mod record;
pub mod reply;
pub mod response;

/// Two bytes, most significant first.
pub(crate) fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    let pair = bytes.get(at..at.checked_add(2)?)?;
    Some(u16::from_be_bytes(pair.try_into().ok()?))
}

/// Four bytes, most significant first.
pub(crate) fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_be_bytes(four.try_into().ok()?))
}

/// Write `part` at `at`; false if there is no room.
pub(crate) fn put(bytes: &mut [u8], at: usize, part: &[u8]) -> bool {
    let Some(room) = at.checked_add(part.len()).and_then(|end| bytes.get_mut(at..end)) else { return false };
    room.copy_from_slice(part);
    true
}

/// RR types that mean something to us.
pub mod rtype {
    /// Canonical name.
    pub const CNAME: u16 = 5;
    /// Start of authority.
    pub const SOA: u16 = 6;
    /// Name server.
    pub const NS: u16 = 2;
    /// Host information; the loop probe's type.
    pub const HINFO: u16 = 13;
    /// EDNS.
    pub const OPT: u16 = 41;
    /// Delegation signer: asked of the parent.
    pub const DS: u16 = 43;
    /// RR set signature.
    pub const RRSIG: u16 = 46;
    /// Delegation of a subtree.
    pub const DNAME: u16 = 39;
    /// Incremental transfer.
    pub const IXFR: u16 = 251;
    /// Transfer.
    pub const AXFR: u16 = 252;
    /// Anything there is.
    pub const ANY: u16 = 255;
}

/// Response codes.
pub mod rcode {
    /// All well.
    pub const NOERROR: u16 = 0;
    /// The query made no sense.
    pub const FORMERR: u16 = 1;
    /// We, or all upstreams, failed.
    pub const SERVFAIL: u16 = 2;
    /// There is no such name.
    pub const NXDOMAIN: u16 = 3;
    /// Not something we do.
    pub const NOTIMP: u16 = 4;
    /// We will not.
    pub const REFUSED: u16 = 5;
    /// EDNS version we do not know.
    pub const BADVERS: u16 = 16;
}
