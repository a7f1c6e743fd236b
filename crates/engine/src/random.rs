//! Secret numbers for message IDs, drawn from the kernel a page at a time.

use crate::sys;

/// Bytes drawn at once.
const PAGE: usize = 512;

/// A page of secret bytes.
pub struct Random {
    page: [u8; PAGE],
    used: usize,
}

impl Random {
    /// An empty page.
    pub const fn new() -> Self {
        Self { page: [0; PAGE], used: PAGE }
    }

    /// A number nobody can guess.
    pub fn next_id(&mut self) -> u16 {
        if self.used + 2 > PAGE {
            sys::fill_random(&mut self.page);
            self.used = 0;
        }
        let id = self.page.get(self.used..self.used + 2).map_or(0, |two| {
            let mut pair = [0; 2];
            pair.copy_from_slice(two);
            u16::from_ne_bytes(pair)
        });
        self.used += 2;
        id
    }
}

impl Default for Random {
    fn default() -> Self {
        Self::new()
    }
}

/// A seed for hashes and policies.
pub fn seed() -> u64 {
    let mut bytes = [0; 8];
    sys::fill_random(&mut bytes);
    u64::from_ne_bytes(bytes)
}
