//! The twelve bytes every message begins with.

use super::be16;

/// Length of a header.
pub const HEADER_LEN: usize = 12;
/// It is a response.
pub const QR: u16 = 0x8000;
/// Where the opcode stands.
pub const OPCODE_MASK: u16 = 0x7800;
/// From the zone's own server.
pub const AA: u16 = 0x0400;
/// Cut short.
pub const TC: u16 = 0x0200;
/// Recursion wanted.
pub const RD: u16 = 0x0100;
/// Recursion offered.
pub const RA: u16 = 0x0080;
/// Must be zero.
pub const Z: u16 = 0x0040;
/// Validated data.
pub const AD: u16 = 0x0020;
/// Validation not wanted.
pub const CD: u16 = 0x0010;
/// Where the rcode stands.
pub const RCODE_MASK: u16 = 0x000f;

/// A header, read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Message ID.
    pub id: u16,
    /// Flags, opcode and rcode.
    pub flags: u16,
    /// Counts of question, answer, authority, additional.
    pub counts: [u16; 4],
}

impl Header {
    /// Read the first twelve bytes.
    pub fn parse(message: &[u8]) -> Option<Self> {
        Some(Self {
            id: be16(message, 0)?,
            flags: be16(message, 2)?,
            counts: [be16(message, 4)?, be16(message, 6)?, be16(message, 8)?, be16(message, 10)?],
        })
    }

    /// Twelve bytes.
    pub fn compose(&self) -> [u8; HEADER_LEN] {
        let mut bytes = [0; HEADER_LEN];
        super::put(&mut bytes, 0, &self.id.to_be_bytes());
        super::put(&mut bytes, 2, &self.flags.to_be_bytes());
        for (place, count) in (4..).step_by(2).zip(self.counts) {
            super::put(&mut bytes, place, &count.to_be_bytes());
        }
        bytes
    }

    /// The opcode as a small number.
    pub fn opcode(&self) -> u16 {
        (self.flags & OPCODE_MASK) >> 11
    }
}
