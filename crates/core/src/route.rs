//! Longest-suffix match: qname -> zone.

use hashbrown::HashTable;

use crate::hash::Seed;
use crate::wire::name::suffixes;

/// The zones served on one listener, each with what serves it.
#[derive(Debug)]
pub struct Routes<T> {
    table: HashTable<(u64, Box<[u8]>, T)>,
    lengths: [u64; 4],
    seed: Seed,
}

impl<T> Routes<T> {
    /// No zones yet.
    pub fn new(seed: Seed) -> Self {
        Self { table: HashTable::new(), lengths: [0; 4], seed }
    }

    /// Add a zone (lower case, wire form); false if it is there already.
    pub fn add(&mut self, zone: &[u8], target: T) -> bool {
        if self.exact(zone).is_some() {
            return false;
        }
        if let Some(word) = self.lengths.get_mut(zone.len() / 64) {
            *word |= 1 << (zone.len() % 64);
        }
        let hash = self.seed.hash(zone, 0);
        self.table.insert_unique(hash, (hash, zone.into(), target), |(hash, ..)| *hash);
        true
    }

    fn exact(&self, zone: &[u8]) -> Option<&T> {
        if !self.has_length(zone.len()) {
            return None;
        }
        let hash = self.seed.hash(zone, 0);
        self.table.find(hash, |(other, name, _)| *other == hash && **name == *zone).map(|(_, _, target)| target)
    }

    /// The longest zone that a lower-case name is in. Only suffixes as long as some zone are hashed.
    pub fn find(&self, qname: &[u8]) -> Option<&T> {
        let mut rest = qname;
        loop {
            if self.has_length(rest.len())
                && let Some(target) = self.exact(rest)
            {
                return Some(target);
            }
            match rest.split_first()? {
                (0, _) => return None,
                (length, after) => rest = after.get(usize::from(*length)..)?,
            }
        }
    }

    fn has_length(&self, length: usize) -> bool {
        self.lengths.get(length / 64).is_some_and(|word| word >> (length % 64) & 1 == 1)
    }

    /// What serves each zone.
    pub fn targets(&self) -> impl Iterator<Item = &T> {
        self.table.iter().map(|(_, _, target)| target)
    }

    /// For DS: the shortest zone but the root (the parent answers); the root if there is no other.
    pub fn find_parent(&self, qname: &[u8]) -> Option<&T> {
        let shortest = suffixes(qname).filter(|suffix| suffix.len() > 1).filter_map(|suffix| self.exact(suffix)).last();
        shortest.or_else(|| self.exact(&[0]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::name::parse;

    #[test]
    fn the_longest_zone_wins_and_ds_goes_to_the_parent() {
        let mut routes = Routes::new(Seed::new(1));
        for zone in [".", "local.", "cluster.local.", "10.in-addr.arpa."] {
            assert!(routes.add(&parse(zone).unwrap(), zone));
            assert!(!routes.add(&parse(zone).unwrap(), zone));
        }
        for (name, found, parent) in [
            ("a.cluster.local.", "cluster.local.", "local."),
            ("cluster.local.", "cluster.local.", "local."),
            ("xcluster.local.", "local.", "local."),
            ("example.com.", ".", "."),
            (".", ".", "."),
            ("1.10.in-addr.arpa.", "10.in-addr.arpa.", "10.in-addr.arpa."),
        ] {
            let name = parse(name).unwrap();
            assert_eq!(routes.find(&name), Some(&found));
            assert_eq!(routes.find_parent(&name), Some(&parent));
        }
        assert_eq!(Routes::<u8>::new(Seed::new(1)).find(b"\0"), None);
    }
}
