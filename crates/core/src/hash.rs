//! One seeded 64-bit hash for names: the cache, the routes and the claims use the same.

/// Odd constant of the mixing step (from the golden ratio).
const K: u64 = 0x9e37_79b9_7f4a_7c15;

/// A hash keyed with a secret of this process, so that nobody can choose names that collide.
#[derive(Clone, Copy, Debug)]
pub struct Seed(u64, u64);

impl Seed {
    /// Spread a seed over the two keys.
    pub fn new(seed: u64) -> Self {
        Self(mix(seed ^ K, K), mix(seed, !K) | 1)
    }

    /// Hash bytes whose length is a multiple of eight (zero-padded), and a word that tells what else counts.
    pub fn hash(self, padded: &[u8], word: u64) -> u64 {
        let (chunks, rest) = padded.as_chunks::<8>();
        let mut state = self.0 ^ word;
        for chunk in chunks {
            state = mix(state ^ u64::from_le_bytes(*chunk), self.1);
        }
        if !rest.is_empty() {
            let mut last = [0; 8];
            crate::wire::put(&mut last, 0, rest);
            state = mix(state ^ u64::from_le_bytes(last), self.1);
        }
        mix(state ^ padded.len() as u64, K)
    }
}

/// Multiply to 128 bits and fold the halves.
fn mix(a: u64, b: u64) -> u64 {
    let wide = u128::from(a) * u128::from(b);
    #[expect(clippy::cast_possible_truncation, reason = "the halves are what is wanted")]
    let folded = (wide as u64) ^ ((wide >> 64) as u64);
    folded
}

/// A small generator for policies and probe names; chance, not secrecy.
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    /// Start from a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(K);
        mix(self.0 ^ (self.0 >> 31), 0xbf58_476d_1ce4_e5b9)
    }

    /// A number under `bound` (0 if that is 0).
    pub fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.draw() % (bound.max(1) as u64)).unwrap_or(0)
    }
}
