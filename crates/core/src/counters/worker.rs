//! The counters that one worker writes: per site (listener and zone), and for itself.

use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;

use super::{Count, SIZE_BUCKETS};

/// Query types with a label of their own, as `CoreDNS` has them.
pub(crate) const TYPES: [(u16, &str); 18] = [
    (28, "AAAA"),
    (1, "A"),
    (5, "CNAME"),
    (48, "DNSKEY"),
    (43, "DS"),
    (15, "MX"),
    (50, "NSEC3"),
    (47, "NSEC"),
    (2, "NS"),
    (12, "PTR"),
    (46, "RRSIG"),
    (6, "SOA"),
    (33, "SRV"),
    (16, "TXT"),
    (65, "HTTPS"),
    (251, "IXFR"),
    (252, "AXFR"),
    (255, "ANY"),
];
/// Rcodes counted one by one (up to BADCOOKIE); others share the last place.
pub(crate) const RCODES: usize = 25;
/// Reasons of `Rejected`.
pub(crate) const REASONS: usize = 12;

/// A histogram with N bounded buckets and one for what is over them.
#[derive(Debug)]
pub struct Histogram<const N: usize> {
    buckets: [Count; N],
    over: Count,
    sum: AtomicU64,
}

impl<const N: usize> Default for Histogram<N> {
    fn default() -> Self {
        Self { buckets: core::array::from_fn(|_| Count::default()), over: Count::default(), sum: AtomicU64::new(0) }
    }
}

impl<const N: usize> Histogram<N> {
    /// Note a time, for buckets of `base` * 2^n nanoseconds.
    pub fn note_time(&self, time: Duration, base: u64) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let place = 64 - (nanos.saturating_sub(1) / base).leading_zeros() as usize;
        self.note(place, nanos);
    }

    fn note(&self, place: usize, value: u64) {
        self.buckets.get(place).unwrap_or(&self.over).one();
        self.sum.store(self.sum.load(Ordering::Relaxed).wrapping_add(value), Ordering::Relaxed);
    }

    /// Add into plain numbers.
    pub fn sum_into(&self, total: &mut Plain) {
        total.buckets.resize(N, 0);
        for (count, into) in self.buckets.iter().zip(&mut total.buckets) {
            *into += count.get();
        }
        total.count += self.buckets.iter().map(Count::get).sum::<u64>() + self.over.get();
        total.sum += self.sum.load(Ordering::Relaxed);
    }
}

impl Histogram<14> {
    /// Note a size in bytes.
    pub fn note_size(&self, bytes: usize) {
        let size = u32::try_from(bytes).unwrap_or(u32::MAX);
        self.note(SIZE_BUCKETS.partition_point(|bound| *bound < f64::from(size)), u64::from(size));
    }
}

/// A histogram as plain numbers; `sum` in nanoseconds or bytes.
#[derive(Clone, Debug, Default)]
pub struct Plain {
    pub(crate) buckets: Vec<u64>,
    pub(crate) sum: u64,
    pub(crate) count: u64,
}

/// What one worker counts at one site.
#[derive(Debug, Default)]
pub struct SiteCounters {
    /// By family, protocol and type (the last place: other).
    pub requests: [[[Count; TYPES.len() + 1]; 2]; 2],
    /// Arrival to reply.
    pub duration: Histogram<16>,
    /// By protocol.
    pub request_size: [Histogram<14>; 2],
    /// By protocol.
    pub response_size: [Histogram<14>; 2],
    /// Queries with DO.
    pub do_requests: Count,
    /// By who answered (`cache`, the server itself, `forward`) and rcode.
    pub responses: [[Count; RCODES]; 3],
    /// Queries that the cache saw.
    pub cache_requests: Count,
    /// By side.
    pub cache_hits: [Count; 2],
    /// Queries that it could not answer.
    pub cache_misses: Count,
    /// Refreshes begun.
    pub cache_prefetch: Count,
    /// Responses too malformed to keep.
    pub cache_drops: Count,
    /// Answers given past their lifetime.
    pub cache_stale: Count,
    /// By side.
    pub cache_evictions: [Count; 2],
    /// Answers that found no room.
    pub not_kept: Count,
}

/// Where a response came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The cache.
    Hit = 0,
    /// An upstream.
    Miss = 1,
    /// The cache, past its lifetime.
    Stale = 2,
    /// We said it ourselves.
    Error = 3,
}

/// What one worker counts for itself.
#[derive(Debug, Default)]
pub struct WorkerCounters {
    /// By source.
    pub durations: [Histogram<22>; 4],
    /// By reason.
    pub rejected: [Count; REASONS],
    /// Queries that joined a question in flight.
    pub merged: Count,
    /// Queries refused for lack of room.
    pub overload: Count,
    /// Log lines dropped.
    pub log_dropped: Count,
    /// Questions in flight now.
    pub in_flight: AtomicU64,
}
