//! Numbered places for sockets: a key of something that left never finds what came after it.

/// A place's number and how often it was used before, in one word.
///
/// 28 bits of generation above 32 bits of index: the four bits above are free for what an epoll token tells besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(u64);

/// The bits of a word that a key uses.
const KEY_BITS: u32 = 60;
const INDEX_BITS: u32 = 32;
const GENERATION_MASK: u64 = (1 << (KEY_BITS - INDEX_BITS)) - 1;

impl Key {
    fn new(index: usize, generation: u64) -> Self {
        Self((generation & GENERATION_MASK) << INDEX_BITS | index as u64 & u64::from(u32::MAX))
    }

    /// As one word, the upper four bits zero.
    pub const fn to_word(self) -> u64 {
        self.0
    }

    /// Out of one word; the upper four bits are ignored.
    pub const fn from_word(word: u64) -> Self {
        Self(word & ((1 << KEY_BITS) - 1))
    }

    #[expect(clippy::cast_possible_truncation, reason = "the lower 32 bits are the index")]
    const fn index(self) -> usize {
        self.0 as u32 as usize
    }

    const fn generation(self) -> u64 {
        self.0 >> INDEX_BITS
    }
}

/// Things with keys. Places are used again; memory stays as large as the most things at one time.
#[derive(Debug)]
pub struct Slab<T> {
    places: Vec<(u64, Option<T>)>,
    free: Vec<usize>,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self { places: Vec::new(), free: Vec::new() }
    }
}

impl<T> Slab<T> {
    /// How many things there are.
    pub fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Put a thing somewhere; `make` is told its key.
    pub fn insert_with(&mut self, make: impl FnOnce(Key) -> T) -> Key {
        let index = self.free.pop().unwrap_or_else(|| {
            self.places.push((0, None));
            self.places.len() - 1
        });
        let Some((generation, place)) = self.places.get_mut(index) else {
            unreachable!("a free place is a place");
        };
        let key = Key::new(index, *generation);
        *place = Some(make(key));
        key
    }

    /// The thing of this key, if it is still there.
    pub fn get(&self, key: Key) -> Option<&T> {
        self.places.get(key.index()).filter(|(generation, _)| *generation == key.generation())?.1.as_ref()
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        self.places.get_mut(key.index()).filter(|(generation, _)| *generation == key.generation())?.1.as_mut()
    }

    /// Take the thing away; its key finds nothing from now on.
    pub fn remove(&mut self, key: Key) -> Option<T> {
        let (generation, place) = self.places.get_mut(key.index()).filter(|(now, _)| *now == key.generation())?;
        let thing = place.take()?;
        *generation = (*generation + 1) & GENERATION_MASK;
        self.free.push(key.index());
        Some(thing)
    }

    /// All keys.
    pub fn keys(&self) -> Vec<Key> {
        let places = self.places.iter().enumerate();
        places.filter(|(_, (_, thing))| thing.is_some()).map(|(index, (now, _))| Key::new(index, *now)).collect()
    }

    /// All things.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.places.iter().filter_map(|(_, thing)| thing.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_of_something_that_left_never_finds_what_came_after_it() {
        let mut slab = Slab::default();
        let first = slab.insert_with(|_| "first");
        assert_eq!(slab.remove(first), Some("first"));
        let second = slab.insert_with(|_| "second");
        assert_eq!(slab.get(first), None);
        assert_eq!(slab.remove(first), None);
        assert_eq!(slab.get(second), Some(&"second"));
        assert_eq!((slab.len(), slab.places.len()), (1, 1));
    }

    #[test]
    fn a_key_survives_its_way_through_a_word_with_other_things_in_the_upper_bits() {
        let mut slab = Slab::default();
        for round in 0..100 {
            let key = slab.insert_with(|_| round);
            assert_eq!(Key::from_word(key.to_word() | 0xf << 60), key);
            slab.remove(key);
        }
    }
}
