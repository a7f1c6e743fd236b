//! Bytes on their way into a stream that takes them when it likes.

use std::io::{ErrorKind, Write};
use std::net::TcpStream;

use crate::frames::frame;

/// Memory kept for the next message when everything is written.
const KEPT: usize = 4096;

/// Bytes to be written; bounded by who fills it.
#[derive(Debug, Default)]
pub struct Outgoing {
    bytes: Vec<u8>,
    written: usize,
}

/// How a write went.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrote {
    /// Nothing is left.
    All,
    /// The kernel took some bytes (or none) and has no room for more.
    Some(usize),
    /// The stream is broken.
    Broken,
}

impl Outgoing {
    /// Add a message with its length before it; false if it is too long for a frame.
    #[must_use]
    pub fn add(&mut self, message: &[u8]) -> bool {
        frame(message, &mut self.bytes)
    }

    /// The bytes of the last message that was added, to be changed in place. `length` is its length.
    pub fn last_mut(&mut self, length: usize) -> Option<&mut [u8]> {
        let start = self.bytes.len().checked_sub(length)?;
        self.bytes.get_mut(start..)
    }

    /// How many bytes wait.
    pub fn len(&self) -> usize {
        self.bytes.len() - self.written
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Write what the kernel takes.
    pub fn write_to(&mut self, mut stream: &TcpStream) -> Wrote {
        let before = self.written;
        while let Some(rest) = self.bytes.get(self.written..).filter(|rest| !rest.is_empty()) {
            match stream.write(rest) {
                Ok(0) => return Wrote::Broken,
                Ok(count) => self.written += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    let progress = self.written - before;
                    self.bytes.drain(..self.written);
                    self.written = 0;
                    return Wrote::Some(progress);
                }
                Err(_) => return Wrote::Broken,
            }
        }
        self.bytes.clear();
        self.bytes.shrink_to(KEPT);
        self.written = 0;
        Wrote::All
    }
}
