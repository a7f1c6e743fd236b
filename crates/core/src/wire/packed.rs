//! An answer as it is kept: encoded, question first, no OPT, ID 0, with the places of its TTLs and its extended error.

use super::be16;
use super::header::RCODE_MASK;

/// One allocation: message, then TTL offsets (two bytes each), then extended-error data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packed {
    bytes: Box<[u8]>,
    ttl_count: u16,
    ede_len: u8,
    plain_len: u16,
}

impl Packed {
    /// Put the parts together.
    pub fn new(message: &[u8], ttls: &[u16], ede: &[u8], plain_len: usize) -> Self {
        let ede = ede.get(..usize::from(u8::MAX)).unwrap_or(ede);
        let mut bytes = Vec::with_capacity(message.len() + 2 * ttls.len() + ede.len());
        bytes.extend_from_slice(message);
        for at in ttls {
            bytes.extend_from_slice(&at.to_be_bytes());
        }
        bytes.extend_from_slice(ede);
        Self {
            bytes: bytes.into_boxed_slice(),
            ttl_count: u16::try_from(ttls.len()).unwrap_or(u16::MAX),
            ede_len: u8::try_from(ede.len()).unwrap_or(0),
            plain_len: u16::try_from(plain_len).unwrap_or(u16::MAX),
        }
    }

    fn split(&self) -> (usize, usize) {
        let ede = self.bytes.len().saturating_sub(usize::from(self.ede_len));
        (ede.saturating_sub(2 * usize::from(self.ttl_count)), ede)
    }

    /// The message.
    pub fn message(&self) -> &[u8] {
        self.bytes.get(..self.split().0).unwrap_or_default()
    }

    /// Where TTLs stand in it, in order.
    pub fn ttls(&self) -> impl Iterator<Item = usize> + '_ {
        let (message, ede) = self.split();
        let (pairs, _) = self.bytes.get(message..ede).unwrap_or_default().as_chunks::<2>();
        pairs.iter().map(|pair| usize::from(u16::from_be_bytes(*pair)))
    }

    /// Extended-error data from upstream, or empty.
    pub fn ede(&self) -> &[u8] {
        self.bytes.get(self.split().1..).unwrap_or_default()
    }

    /// Flags as stored.
    pub fn flags(&self) -> u16 {
        be16(&self.bytes, 2).unwrap_or(0)
    }

    /// The rcode.
    pub fn rcode(&self) -> u16 {
        self.flags() & RCODE_MASK
    }

    /// Length without compression, as logs and metrics of `CoreDNS` count it.
    pub fn plain_len(&self) -> usize {
        usize::from(self.plain_len)
    }

    /// Bytes on the heap.
    pub fn heap_len(&self) -> usize {
        self.bytes.len()
    }
}
