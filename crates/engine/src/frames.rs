//! Messages on a stream: two bytes of length before each (RFC 1035, 4.2.2).

/// Bytes that came in and were not yet taken as messages. Holds no memory while it is empty.
#[derive(Debug, Default)]
pub struct Frames {
    bytes: Vec<u8>,
    taken: usize,
}

impl Frames {
    /// Add what was read.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.taken);
        self.taken = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole message.
    pub fn next_message(&mut self) -> Option<&[u8]> {
        let length = self.length()?;
        let start = self.taken + 2;
        self.taken = start + length;
        self.bytes.get(start..self.taken)
    }

    /// Whether [`Self::next_message`] would give one.
    pub fn has_next(&self) -> bool {
        self.length().is_some()
    }

    /// The length that the next message announces, whether it is here or not.
    pub fn announced(&self) -> Option<usize> {
        let (head, _) = self.bytes.get(self.taken..)?.split_first_chunk::<2>()?;
        Some(usize::from(u16::from_be_bytes(*head)))
    }

    /// The length of the next message, if all of it is here.
    fn length(&self) -> Option<usize> {
        self.announced().filter(|length| self.bytes.len() - self.taken - 2 >= *length)
    }

    /// Whether nothing waits, not even a part of a message.
    pub fn is_empty(&self) -> bool {
        self.taken == self.bytes.len()
    }

    /// Give the memory back if nothing waits.
    pub fn rest(&mut self) {
        if self.is_empty() {
            *self = Self::default();
        }
    }
}

/// Append a message to a stream's bytes; gives back false, and nothing is appended, if it is too long for a frame.
#[must_use]
pub fn frame(message: &[u8], into: &mut Vec<u8>) -> bool {
    let Ok(length) = u16::try_from(message.len()) else { return false };
    into.extend_from_slice(&length.to_be_bytes());
    into.extend_from_slice(message);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_out_whole_however_the_stream_was_cut() {
        let messages: [&[u8]; 4] = [b"first", b"", b"x", &[7; 700]];
        let mut stream = Vec::new();
        for message in messages {
            assert!(frame(message, &mut stream));
        }
        for size in [1, 2, 3, 5, 64, stream.len()] {
            let (mut frames, mut heard) = (Frames::default(), Vec::new());
            for piece in stream.chunks(size) {
                frames.feed(piece);
                while let Some(message) = frames.next_message() {
                    heard.push(message.to_vec());
                }
            }
            assert_eq!(heard, messages, "pieces of {size}");
            assert!(frames.is_empty());
        }
    }

    #[test]
    fn a_message_longer_than_a_frame_is_refused() {
        let mut stream = Vec::new();
        assert!(!frame(&vec![0; 65_536], &mut stream));
        assert!(stream.is_empty());
    }
}
