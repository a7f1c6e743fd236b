//! A question in flight: who waits for it, whom we ask, until when.

use core::sync::atomic::Ordering;
use core::time::Duration;
use std::sync::Arc;

use super::inflight::Outcome;
use super::trouble::Trouble;
use crate::budget::Budget;
use crate::shared::compile::Compiled;
use crate::step::{Client, ExchangeId};
use crate::time::Moment;
use crate::wire::query::Asked;
use crate::wire::response::Question;

/// From a query's arrival to its answer, whatever upstreams do; under the 2 s we promise, for timers are late.
pub const TOTAL: Duration = Duration::from_millis(1_900);
/// The first attempt's share when there is somebody else to ask.
pub const FIRST: Duration = Duration::from_millis(600);
/// Attempts a question may make at most; two per upstream, if those are fewer.
pub const ATTEMPTS: usize = 4;
/// Clients that may wait for one question: some 4 MB; the memory budget may say no earlier.
pub const WAITERS: usize = 16_384;
/// Waiting clients that are answered in one go; others get their turn before the rest.
pub const BURST: usize = 256;
/// The same in bytes of their replies.
pub const BURST_BYTES: usize = 256 << 10;

/// A client that waits.
#[derive(Debug)]
pub struct Waiter {
    /// The way back.
    pub client: Client,
    /// What the query said.
    pub asked: Asked,
    /// The qname as spelt.
    pub qname: Box<[u8]>,
    /// Listener and zone, for counting.
    pub site: usize,
}

/// An exchange that may still bring something.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own about an exchange")]
pub struct Open {
    /// Its name.
    pub id: ExchangeId,
    /// Which forward of the block.
    pub forward: usize,
    /// Which upstream of that.
    pub upstream: usize,
    /// Over TCP.
    pub is_tcp: bool,
    /// With our OPT.
    pub has_edns: bool,
    /// It waits for a connection that is not there yet.
    pub is_dialing: bool,
    /// When it began.
    pub sent: Moment,
    /// Its time is over, though we still listen.
    pub is_late: bool,
}

/// A question in flight.
pub struct Pending {
    /// The plan it began with, and ends on.
    pub plan: Arc<Compiled>,
    /// Which block.
    pub block: usize,
    /// The block's identity over plans.
    pub identity: u64,
    /// Which forward of it is asked now.
    pub forward: usize,
    /// Listener and zone of who asked first.
    pub site: usize,
    /// Lower-case qname.
    pub qname: Box<[u8]>,
    /// Type.
    pub qtype: u16,
    /// Class.
    pub qclass: u16,
    /// The cache key's hash and bits.
    pub hash: u64,
    /// DO and CD.
    pub bits: u8,
    /// RD and CD as they go upstream.
    pub rd_cd: u16,
    /// What it is merged by.
    pub merge: u64,
    /// The first client spoke TCP.
    pub is_tcp: bool,
    /// Those who wait.
    pub waiters: Vec<Waiter>,
    /// When all is over.
    pub deadline: Moment,
    /// When the current attempt's time is over.
    pub attempt_ends: Moment,
    /// When those who wait get the stale answer.
    pub stale_at: Option<Moment>,
    /// Upstreams in the order to ask.
    pub order: Vec<usize>,
    /// Attempts made, and how many may be.
    pub attempts: (usize, usize),
    /// Free retries left (a connection that had just expired, an EDNS fallback, TC).
    pub free: u8,
    /// Exchanges that may still bring something.
    pub open: Vec<Open>,
    /// What to say if nothing better comes (`failover`, or a truncated answer).
    pub fallback: Option<Outcome>,
    /// What went wrong last.
    pub trouble: Option<Trouble>,
    /// Another worker asks; we wait.
    pub is_parked: bool,
    /// Counted against `max_concurrent` of so-and-so.
    pub loaded: Option<usize>,
    /// Bytes charged for it.
    pub charged: usize,
    /// The timer that is set for it.
    pub timer: Moment,
    /// Which use of its slot this is.
    pub serial: u32,
}

impl Pending {
    /// What is asked.
    pub fn question(&self) -> Question<'_> {
        Question { qname: &self.qname, qtype: self.qtype, qclass: self.qclass }
    }

    /// Give back the bytes it was charged for, and its place under `max_concurrent`.
    pub fn give_back(&self, budget: &Budget) {
        budget.release(self.charged);
        if let Some(number) = self.loaded
            && let Some(forward) = self.plan.blocks.get(self.block).and_then(|block| block.forwards.get(number))
        {
            forward.load.active.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// When to look at it again.
    pub fn wake(&self) -> Moment {
        let mut wake = self.deadline;
        if !self.is_parked && self.attempts.0 < self.attempts.1 {
            wake = wake.min(self.attempt_ends);
        }
        self.stale_at.map_or(wake, |at| wake.min(at))
    }
}
