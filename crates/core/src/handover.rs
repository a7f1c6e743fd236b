//! What the caches know, as bytes for the process after us. Nothing in such bytes is believed without a look.
//!
//! ```text
//! stream := magic (8)  version (2)  moment of the export (8)  frame*
//! frame  := length of the rest (4)  tag (1)  payload
//! block  := tag 1, the block's name; the entries that follow are its
//! entry  := tag 2, bits (1)  kind (1)  hot (1)  hits (2)  last hit (4)  stored (8)  expires (8)
//!           length of EDE (1)  EDE  message
//! end    := tag 3, number of entries (8)
//! ```
//!
//! Numbers have their most significant byte first. Moments are those of the node's own clock, which both processes read,
//! so that TTLs go on counting while the bytes are on their way. TTL offsets are not handed over: the reader walks each
//! message as if an upstream had just sent it, and judges it by its own plan.

mod export;
mod import;

pub use import::{Imported, Importer, Refused};

/// What a stream begins with.
const MAGIC: &[u8; 8] = b"NODENS\x00C";
/// Changes with the format, or when an old cache would mislead a new program.
const VERSION: u16 = 1;
/// Magic, version, moment.
const HEAD: usize = 18;
/// A frame's length word.
const LENGTH: usize = 4;
/// What an entry has before its EDE and message.
const FIXED: usize = 26;
/// Longest frame: the longest message and all that goes with it.
const FRAME_LIMIT: usize = 1 + FIXED + 255 + 65_535;

const BLOCK: u8 = 1;
const ENTRY: u8 = 2;
const END: u8 = 3;
