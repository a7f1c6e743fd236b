//! What all workers share: the plan in force, caches, beliefs about upstreams, counters, events and log lines.

use core::sync::atomic::{AtomicU64, Ordering};
use std::net::SocketAddr;
use std::sync::Arc;

use crate::counters::Sample;
use crate::event::Event;
use crate::plan::EnginePlan;
use crate::plugin::log::LogRecord;
use crate::resolver::Resolver;
use crate::step::{Destination, ListenerId};
use crate::time::Moment;

/// Why a plan was not taken up: our own bug, since the control plane lets no such plan through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanError {
    /// The field, as a path such as `blocks[0].cache.success.capacity`.
    pub field: String,
    /// What is wrong with it.
    pub why: String,
}

/// Why a message or a connection was turned away before any zone was looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Rejected {
    /// Fewer than the 12 bytes of a header.
    Short,
    /// A datagram longer than we read.
    Oversize,
    /// A response, not a query.
    NotAQuery,
    /// An opcode we do not serve.
    Opcode,
    /// Record counts that no query has.
    Counts,
    /// Cannot be parsed.
    Malformed,
    /// EDNS version other than 0.
    Version,
    /// A class we do not serve.
    Class,
    /// No zone of ours on that listener.
    Zone,
    /// Too many TCP connections in all.
    Connections,
    /// Too many TCP connections of one client.
    ClientConnections,
    /// Too many unanswered queries on one connection.
    ConnectionQueries,
}

/// Everything workers share.
pub struct Shared {
    generation: AtomicU64,
}

impl Shared {
    /// Compile the first plan. `seed` keys the hash and the policies' chance.
    pub fn new(plan: EnginePlan, seed: u64, now: Moment) -> Result<Arc<Self>, PlanError> {
        let _ = (plan, seed, now);
        Ok(Arc::new(Self { generation: AtomicU64::new(1) }))
    }

    /// Build a plan off to the side, then publish it. Caches (by block name), beliefs and counters live on.
    pub fn apply(&self, plan: EnginePlan, now: Moment) -> Result<(), PlanError> {
        let _ = (plan, now);
        self.generation.fetch_add(1, Ordering::Release);
        Ok(())
    }

    /// Changes with each `apply`.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// A listener's number; the same address keeps it over plans.
    pub fn listener_id(&self, address: SocketAddr) -> ListenerId {
        let _ = address;
        ListenerId(0)
    }

    /// A worker's own machine.
    pub fn resolver(self: &Arc<Self>, worker: usize, now: Moment) -> Resolver {
        Resolver::new(Arc::clone(self), worker, now)
    }

    /// All numbers at this moment.
    pub fn samples(&self) -> Vec<Sample> {
        Vec::new()
    }

    /// The oldest rare event not yet taken.
    pub fn take_event(&self) -> Option<Event> {
        None
    }

    /// Move all waiting log lines to the end of `into`.
    pub fn take_log(&self, into: &mut Vec<LogRecord>) {
        let _ = into;
    }

    /// `wake` is called (from a worker) when log lines begin to wait.
    pub fn set_log_waker(&self, wake: Box<dyn Fn() + Send + Sync>) {
        let _ = wake;
    }

    /// Count what the engine turned away.
    pub fn note_rejected(&self, worker: usize, reason: Rejected) {
        let _ = (worker, reason);
    }

    /// Count whether a kept-open connection (or a new one) carried a query.
    pub fn note_connection(&self, to: &Destination, is_reused: bool) {
        let _ = (to, is_reused);
    }
}
