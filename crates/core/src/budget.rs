//! One bound in bytes over all caches and all questions in flight.

use core::sync::atomic::{AtomicUsize, Ordering};

/// What is used and what may be. Touched when something is kept or let go, never on a hit.
#[derive(Debug, Default)]
pub struct Budget {
    used: AtomicUsize,
    limit: AtomicUsize,
}

impl Budget {
    /// A bound of so many bytes.
    pub fn new(limit: usize) -> Self {
        Self { used: AtomicUsize::new(0), limit: AtomicUsize::new(limit) }
    }

    /// Change the bound; what is over it leaves as new things come.
    pub fn set_limit(&self, limit: usize) {
        self.limit.store(limit, Ordering::Relaxed);
    }

    /// Take bytes, if there is room.
    #[must_use]
    pub fn charge(&self, bytes: usize) -> bool {
        let before = self.used.fetch_add(bytes, Ordering::Relaxed);
        if before.saturating_add(bytes) <= self.limit() {
            return true;
        }
        self.release(bytes);
        false
    }

    /// Take bytes for something that is kept, if there is room. An eighth stays free of what is kept: a full cache must not
    /// turn queries away.
    #[must_use]
    pub fn charge_kept(&self, bytes: usize) -> bool {
        let limit = self.limit();
        let before = self.used.fetch_add(bytes, Ordering::Relaxed);
        if before.saturating_add(bytes) <= limit - limit / 8 {
            return true;
        }
        self.release(bytes);
        false
    }

    /// Take bytes that are already spent, room or not (tables that had to grow; small beside the rest).
    pub fn charge_anyway(&self, bytes: usize) {
        self.used.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Give bytes back.
    pub fn release(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Bytes in use.
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// The bound.
    pub fn limit(&self) -> usize {
        self.limit.load(Ordering::Relaxed)
    }
}
