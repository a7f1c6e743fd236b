//! EDNS: the OPT record, its size and DO, and extended errors (RFC 6891, 8914).

use super::record::Record;
use super::{be16, put};

/// Bytes of an OPT record without options.
pub const OPT_LEN: usize = 11;
/// Smallest UDP size that anyone may advertise (RFC 6891, 6.2.3).
pub const SIZE_MIN: u16 = 512;
/// Option code of an extended error.
const EDE_OPTION: u16 = 15;
/// Option code of client subnet.
const ECS_OPTION: u16 = 8;
/// The DO flag among the OPT's TTL bits.
const DO: u32 = 0x8000;
/// Longest extended-error text that is kept; more is somebody's essay.
pub const EDE_MAX: usize = 130;

/// What an OPT record said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edns {
    /// The UDP size its sender can take.
    pub size: u16,
    /// EDNS version.
    pub version: u8,
    /// Upper eight bits of the rcode.
    pub rcode_high: u8,
    /// DNSSEC records wanted (or there).
    pub is_do: bool,
    /// Where its options stand.
    pub options: (usize, usize),
}

impl Edns {
    /// Read an OPT record; None if its options are cut short.
    pub fn parse(message: &[u8], record: &Record) -> Option<Self> {
        let [rcode_high, version, ..] = record.ttl.to_be_bytes();
        let edns = Self {
            size: record.class,
            version,
            rcode_high,
            is_do: record.ttl & DO != 0,
            options: (record.rdata, record.end),
        };
        edns.walk(message, |_, _| ()).then_some(edns)
    }

    /// Show each option (code, data) to `visit`; false if they are cut short.
    fn walk<'m>(&self, message: &'m [u8], mut visit: impl FnMut(u16, &'m [u8])) -> bool {
        let (mut at, end) = self.options;
        while at < end {
            let (Some(code), Some(length)) = (be16(message, at), be16(message, at + 2)) else { return false };
            let next = at + 4 + usize::from(length);
            let Some(data) = message.get(at + 4..next).filter(|_| next <= end) else { return false };
            visit(code, data);
            at = next;
        }
        true
    }

    /// The first extended error: its code and text, as they stand.
    pub fn extended_error<'m>(&self, message: &'m [u8]) -> &'m [u8] {
        let mut found: &[u8] = &[];
        self.walk(message, |code, data| {
            if code == EDE_OPTION && data.len() >= 2 && found.is_empty() {
                found = data.get(..EDE_MAX).unwrap_or(data);
            }
        });
        found
    }

    /// Whether the response was made for a part of the network only (a client-subnet scope over 0).
    pub fn is_scoped(&self, message: &[u8]) -> bool {
        let mut is_scoped = false;
        self.walk(message, |code, data| is_scoped |= code == ECS_OPTION && data.get(3).is_some_and(|scope| *scope > 0));
        is_scoped
    }
}

/// Extended errors that we say ourselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum Ede {
    /// Something without a code of its own.
    Other = 0,
    /// A stale answer (RFC 8767).
    Stale = 3,
    /// A kept failure (RFC 9520).
    CachedError = 13,
    /// Starting, or too busy.
    NotReady = 14,
    /// A stale NXDOMAIN.
    StaleNxdomain = 19,
    /// Not something we do.
    NotSupported = 21,
    /// No upstream could be asked.
    NoReachable = 22,
    /// Upstreams did not answer, or not sensibly.
    Network = 23,
}

impl Ede {
    /// The option's data: the code, no text.
    pub fn data(self) -> [u8; 2] {
        (self as u16).to_be_bytes()
    }
}

/// What our own OPT says.
#[derive(Clone, Copy, Debug)]
pub struct OurOpt<'e> {
    /// The UDP size we take.
    pub size: u16,
    /// Echoed from the query.
    pub is_do: bool,
    /// Upper eight bits of the rcode.
    pub rcode_high: u8,
    /// Extended error data, or empty.
    pub ede: &'e [u8],
}

impl OurOpt<'_> {
    /// Bytes it takes.
    pub fn length(&self) -> usize {
        OPT_LEN + if self.ede.is_empty() { 0 } else { 4 + self.ede.len() }
    }

    /// Write at `at`; gives the end, or `at` if there is no room.
    pub fn compose(&self, out: &mut [u8], at: usize) -> usize {
        let end = at + self.length();
        if end > out.len() {
            return at;
        }
        let [s0, s1] = self.size.to_be_bytes();
        let rdlength = u16::try_from(self.length() - OPT_LEN).unwrap_or(0).to_be_bytes();
        let flags = if self.is_do { 0x80 } else { 0 };
        put(out, at, &[0, 0, 41, s0, s1, self.rcode_high, 0, flags, 0, rdlength[0], rdlength[1]]);
        if !self.ede.is_empty() {
            let length = u16::try_from(self.ede.len()).unwrap_or(0).to_be_bytes();
            put(out, at + OPT_LEN, &[0, 15, length[0], length[1]]);
            put(out, at + OPT_LEN + 4, self.ede);
        }
        end
    }
}
