//! What we believe of an upstream: up, slow, down, looping. One belief per address, shared by workers and plans.

use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use core::time::Duration;

use std::sync::Arc;

use parking_lot::Mutex;

use crate::counters::{Count, Histogram, Plain};

/// Why an exchange brought nothing usable; the label of `nodens_upstream_faults_total`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failing {
    /// Nothing came in time.
    Timeout = 0,
    /// Nobody listens.
    Refused = 1,
    /// No way there.
    Unreachable = 2,
    /// The connection broke.
    Reset = 3,
    /// What came cannot be parsed, or answers another question.
    Garbage = 4,
    /// The upstream did not understand us.
    Bare = 5,
    /// The query came back to us.
    Loop = 6,
    /// We had no room.
    NoRoom = 7,
    /// There is no upstream to ask.
    Nobody = 8,
}

impl Failing {
    /// All of them, in order.
    pub const ALL: [Self; 9] = [
        Self::Timeout,
        Self::Refused,
        Self::Unreachable,
        Self::Reset,
        Self::Garbage,
        Self::Bare,
        Self::Loop,
        Self::NoRoom,
        Self::Nobody,
    ];

    /// One word for labels.
    pub fn label(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::Reset => "reset",
            Self::Garbage => "garbage",
            Self::Bare => "bare",
            Self::Loop => "loop",
            Self::NoRoom => "no_room",
            Self::Nobody => "nobody",
        }
    }

    /// The tail of an error line, worded as Go words it where there is a word.
    pub fn tail(self) -> &'static str {
        match self {
            Self::Timeout => "i/o timeout",
            Self::Refused => "connection refused",
            Self::Unreachable => "network is unreachable",
            Self::Reset => "connection reset by peer",
            Self::Garbage => "malformed response",
            Self::Bare => "response without a question",
            Self::Loop => "query came back to us",
            Self::NoRoom => "no socket or buffer left",
            Self::Nobody => "no upstream",
        }
    }
}

/// What we believe of one upstream.
#[derive(Debug, Default)]
pub struct Belief {
    /// `ip:port`, as metrics print it.
    pub label: Arc<str>,
    fails: AtomicU32,
    is_down: AtomicBool,
    is_probed: AtomicBool,
    srtt_ns: AtomicU64,
    is_loop: AtomicBool,
    token: [AtomicU64; 2],
    is_token_seen: AtomicBool,
    is_loop_probed: AtomicBool,
    durations: Mutex<Vec<(u16, Histogram<16>)>>,
    faults: [Count; Failing::ALL.len()],
    /// Health checks that failed.
    pub healthcheck_failures: Count,
    /// Queries on kept-open connections, by UDP and TCP.
    pub connection_hits: [Count; 2],
    /// Queries on new connections (or sockets).
    pub connection_misses: [Count; 2],
}

impl Belief {
    /// Nothing is known yet: believed up.
    pub fn new(label: Arc<str>) -> Self {
        Self { label, ..Self::default() }
    }

    /// Whether it may be asked with hope.
    pub fn is_up(&self) -> bool {
        !self.is_down.load(Ordering::Relaxed) && !self.is_loop()
    }

    /// Whether our queries to it come back to us.
    pub fn is_loop(&self) -> bool {
        self.is_loop.load(Ordering::Relaxed)
    }

    /// A usable response came. Gives true if it was believed down.
    pub fn note_answer(&self, took: Duration, rcode: u16) -> bool {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let old = self.srtt_ns.load(Ordering::Relaxed);
        let new = if old == 0 { nanos } else { old - old / 8 + nanos / 8 };
        self.srtt_ns.store(new, Ordering::Relaxed);
        let mut durations = self.durations.lock();
        let place = durations.iter().position(|(other, _)| *other == rcode).unwrap_or_else(|| {
            durations.push((rcode, Histogram::default()));
            durations.len() - 1
        });
        if let Some((_, histogram)) = durations.get(place) {
            histogram.note_time(took, 250_000);
        }
        drop(durations);
        self.note_up()
    }

    /// It answers. Gives true if that is news.
    pub fn note_up(&self) -> bool {
        if self.fails.load(Ordering::Relaxed) != 0 {
            self.fails.store(0, Ordering::Relaxed);
        }
        self.is_down.load(Ordering::Relaxed) && self.is_down.swap(false, Ordering::Relaxed)
    }

    /// An exchange failed. Gives true if the caller is to begin probing it.
    pub fn note_fault(&self, failing: Failing, max_fails: u32) -> bool {
        if let Some(count) = self.faults.get(failing as usize) {
            count.add_shared(1);
        }
        max_fails != 0 && failing != Failing::NoRoom && !self.is_probed.swap(true, Ordering::Relaxed)
    }

    /// A probe failed. Gives true if it is believed down from now on.
    pub fn note_probe_failed(&self, max_fails: u32) -> bool {
        self.healthcheck_failures.add_shared(1);
        let fails = self.fails.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        fails > max_fails && !self.is_down.swap(true, Ordering::Relaxed)
    }

    /// Nobody probes it any more.
    pub fn end_probing(&self) {
        self.is_probed.store(false, Ordering::Relaxed);
    }

    /// Become its one loop prober; false if somebody is.
    pub fn begin_loop_probing(&self) -> bool {
        !self.is_loop_probed.swap(true, Ordering::Relaxed)
    }

    /// No loop prober any more.
    pub fn end_loop_probing(&self) {
        self.is_loop_probed.store(false, Ordering::Relaxed);
    }

    /// Choose the next loop probe's name.
    pub fn set_token(&self, token: [u64; 2]) {
        self.is_token_seen.store(false, Ordering::Relaxed);
        for (place, value) in self.token.iter().zip(token) {
            place.store(value, Ordering::Relaxed);
        }
    }

    /// A query with these numbers came: is it our probe? Gives None if not, else whether the loop is news.
    pub fn see_token(&self, token: [u64; 2]) -> Option<bool> {
        let is_ours = self.token.iter().zip(token).all(|(place, value)| place.load(Ordering::Relaxed) == value);
        if !is_ours || token == [0, 0] {
            return None;
        }
        self.is_token_seen.store(true, Ordering::Relaxed);
        Some(!self.is_loop.swap(true, Ordering::Relaxed))
    }

    /// The probe was answered and did not come back. Gives true if a loop is gone.
    pub fn note_no_loop(&self) -> bool {
        !self.is_token_seen.load(Ordering::Relaxed) && self.is_loop.swap(false, Ordering::Relaxed)
    }

    /// Smoothed round trip.
    pub fn srtt(&self) -> Duration {
        Duration::from_nanos(self.srtt_ns.load(Ordering::Relaxed))
    }

    /// Exchange times by rcode.
    pub fn durations(&self) -> Vec<(u16, Plain)> {
        let mut all = Vec::new();
        for (rcode, histogram) in &*self.durations.lock() {
            let mut plain = Plain::default();
            histogram.sum_into(&mut plain);
            all.push((*rcode, plain));
        }
        all
    }

    /// Faults by reason.
    pub fn faults(&self) -> impl Iterator<Item = (Failing, u64)> + '_ {
        Failing::ALL.into_iter().zip(self.faults.iter().map(Count::get))
    }
}
