//! The engine's metric catalogue, and counters that one worker writes and anybody reads.

mod catalogue;
mod worker;

pub(crate) use catalogue::Row;
pub use catalogue::{CATALOGUE, FINE_BUCKETS, Family, Kind, SIZE_BUCKETS, TIME_BUCKETS};
pub use worker::{Histogram, Plain, SiteCounters, Source, WorkerCounters};
pub(crate) use worker::{RCODES, TYPES};

use core::sync::atomic::{AtomicU64, Ordering};

/// What a sample holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A counter or a gauge.
    Number(f64),
    /// A histogram: a count per bucket (not cumulative, without +Inf: `count` less their sum), the sum and the count.
    Histogram {
        /// Observations per bucket, in the order of the family's bounds.
        buckets: Vec<u64>,
        /// Sum of all observations.
        sum: f64,
        /// Number of observations.
        count: u64,
    },
}

/// One line (or histogram) of a scrape.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Place in [`CATALOGUE`].
    pub family: usize,
    /// Label values, in the family's order.
    pub labels: Vec<String>,
    /// The number.
    pub value: Value,
}

/// A counter that one thread writes (a load and a store, no locked instruction) and anybody reads.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// Add, as the only writer.
    pub fn add(&self, by: u64) {
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(by), Ordering::Relaxed);
    }

    /// Add one, as the only writer.
    pub fn one(&self) {
        self.add(1);
    }

    /// Add where several threads may write (rare events only).
    pub fn add_shared(&self, by: u64) {
        self.0.fetch_add(by, Ordering::Relaxed);
    }

    /// Read.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
