//! What all workers share: the plan in force, caches, beliefs about upstreams, counters, events and log lines.

pub mod compile;
pub mod entries;
pub mod registry;
mod samples;

use core::sync::atomic::{AtomicU64, Ordering};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};

use crate::budget::Budget;
use crate::counters::{Count, Sample, SiteCounters, WorkerCounters};
use crate::event::{Event, EventKind};
use crate::forward::inflight::Claims;
use crate::hash::Seed;
use crate::plan::EnginePlan;
use crate::plugin::log::LogRecord;
use crate::resolver::Resolver;
use crate::step::{ListenerId, UpstreamTransport};
use crate::time::Moment;
use compile::Compiled;
use registry::Registry;

/// Events kept for the control plane; more are counted and dropped.
const EVENTS: usize = 256;
/// Log lines kept per worker; more are counted and dropped.
const LOG_LINES: usize = 8_192;

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

impl Rejected {
    /// All of them, in order.
    pub const ALL: [Self; 12] = [
        Self::Short,
        Self::Oversize,
        Self::NotAQuery,
        Self::Opcode,
        Self::Counts,
        Self::Malformed,
        Self::Version,
        Self::Class,
        Self::Zone,
        Self::Connections,
        Self::ClientConnections,
        Self::ConnectionQueries,
    ];

    /// One word for labels.
    pub fn label(self) -> &'static str {
        match self {
            Self::Short => "short",
            Self::Oversize => "oversize",
            Self::NotAQuery => "not_a_query",
            Self::Opcode => "opcode",
            Self::Counts => "counts",
            Self::Malformed => "malformed",
            Self::Version => "version",
            Self::Class => "class",
            Self::Zone => "zone",
            Self::Connections => "connections",
            Self::ClientConnections => "client_connections",
            Self::ConnectionQueries => "connection_queries",
        }
    }
}

/// What one worker leaves for others to read.
#[derive(Default)]
pub(crate) struct Shelf {
    pub(crate) counters: WorkerCounters,
    sites: Mutex<Vec<Option<Arc<SiteCounters>>>>,
    log: Mutex<Vec<LogRecord>>,
}

impl Shelf {
    /// The counters of a site, made at its first query.
    pub(crate) fn site(&self, number: usize) -> Arc<SiteCounters> {
        let mut sites = self.sites.lock();
        if sites.len() <= number {
            sites.resize_with(number + 1, || None);
        }
        sites.get_mut(number).map(|place| Arc::clone(place.get_or_insert_default())).unwrap_or_default()
    }
}

type Waker = Box<dyn Fn() + Send + Sync>;

/// Everything workers share.
pub struct Shared {
    pub(crate) seed: Seed,
    pub(crate) chance: u64,
    pub(crate) budget: Arc<Budget>,
    pub(crate) claims: Claims,
    pub(crate) healthcheck_broken: Count,
    pub(crate) concurrent_rejects: Count,
    /// Unix seconds at the engine clock's origin; 0: not known.
    unix_origin_s: AtomicU64,
    generation: AtomicU64,
    current: RwLock<Arc<Compiled>>,
    registry: Mutex<Registry>,
    shelves: Mutex<Vec<Arc<Shelf>>>,
    events: Mutex<VecDeque<Event>>,
    events_dropped: Count,
    waker: RwLock<Option<Waker>>,
}

impl Shared {
    /// Compile the first plan. `seed` keys the hash and the policies' chance.
    #[expect(clippy::needless_pass_by_value, reason = "whoever hands a plan in is done with it")]
    pub fn new(plan: EnginePlan, seed: u64, now: Moment) -> Result<Arc<Self>, PlanError> {
        let budget = Arc::new(Budget::new(plan.memory_limit_bytes));
        let key = Seed::new(seed);
        let mut registry = Registry::new(key, Arc::clone(&budget));
        let compiled = compile::compile(&plan, 1, &mut registry)?;
        compile::take_up(&compiled, now);
        Ok(Arc::new(Self {
            seed: key,
            chance: seed,
            budget,
            claims: Claims::default(),
            healthcheck_broken: Count::default(),
            concurrent_rejects: Count::default(),
            unix_origin_s: AtomicU64::new(0),
            generation: AtomicU64::new(1),
            current: RwLock::new(Arc::new(compiled)),
            registry: Mutex::new(registry),
            shelves: Mutex::default(),
            events: Mutex::default(),
            events_dropped: Count::default(),
            waker: RwLock::default(),
        }))
    }

    /// Build a plan off to the side, then publish it. Caches (by block name), beliefs and counters live on.
    #[expect(clippy::needless_pass_by_value, reason = "whoever hands a plan in is done with it")]
    pub fn apply(&self, plan: EnginePlan, now: Moment) -> Result<(), PlanError> {
        let mut registry = self.registry.lock();
        let compiled = compile::compile(&plan, self.generation() + 1, &mut registry)?;
        compile::take_up(&compiled, now);
        self.budget.set_limit(plan.memory_limit_bytes);
        *self.current.write() = Arc::new(compiled);
        self.generation.fetch_add(1, Ordering::Release);
        Ok(())
    }

    /// What a clock on the wall says at `now`, in Unix seconds; to be said again now and then, for such clocks are set.
    pub fn set_wall_clock(&self, unix_s: u64, now: Moment) {
        self.unix_origin_s.store(unix_s.saturating_sub(now.since(Moment::START).as_secs()), Ordering::Relaxed);
    }

    /// Unix seconds at a moment, as signatures count them (modulo 2^32), if anybody has told us.
    pub(crate) fn unix_s(&self, now: Moment) -> Option<u32> {
        let origin = self.unix_origin_s.load(Ordering::Relaxed);
        let seconds = origin.wrapping_add(now.since(Moment::START).as_secs());
        (origin > 0).then(|| u32::try_from(seconds & u64::from(u32::MAX)).unwrap_or(0))
    }

    /// Changes with each `apply`.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// The plan in force.
    pub(crate) fn current(&self) -> Arc<Compiled> {
        Arc::clone(&self.current.read())
    }

    /// A listener's number; the same address keeps it over plans. A link-local address carries its scope.
    pub fn listener_id(&self, address: SocketAddr) -> ListenerId {
        self.registry.lock().listener_id(address)
    }

    /// A worker's own machine.
    pub fn resolver(self: &Arc<Self>, worker: usize, now: Moment) -> Resolver {
        Resolver::new(Arc::clone(self), worker, now)
    }

    /// What a worker counts in.
    pub(crate) fn shelf(&self, worker: usize) -> Arc<Shelf> {
        let mut shelves = self.shelves.lock();
        if shelves.len() <= worker {
            shelves.resize_with(worker + 1, Arc::default);
        }
        shelves.get(worker).cloned().unwrap_or_default()
    }

    /// All numbers at this moment.
    pub fn samples(&self) -> Vec<Sample> {
        samples::collect(self)
    }

    /// The oldest rare event not yet taken.
    pub fn take_event(&self) -> Option<Event> {
        self.events.lock().pop_front()
    }

    pub(crate) fn note_event(&self, kind: EventKind, message: String) {
        let mut events = self.events.lock();
        if events.len() < EVENTS {
            events.push_back(Event::new(kind, message));
        } else {
            self.events_dropped.add_shared(1);
        }
    }

    /// Move all waiting log lines to the end of `into`.
    pub fn take_log(&self, into: &mut Vec<LogRecord>) {
        let shelves: Vec<_> = self.shelves.lock().clone();
        for shelf in shelves {
            into.append(&mut shelf.log.lock());
        }
    }

    /// Leave a line; the waker is called if it is the first to wait.
    pub(crate) fn note_log(&self, from: &Shelf, record: LogRecord) {
        let mut log = from.log.lock();
        if log.len() >= LOG_LINES {
            from.counters.log_dropped.one();
            return;
        }
        log.push(record);
        let is_first = log.len() == 1;
        drop(log);
        if is_first && let Some(wake) = &*self.waker.read() {
            wake();
        }
    }

    /// `wake` is called (from a worker) when log lines begin to wait.
    pub fn set_log_waker(&self, wake: Box<dyn Fn() + Send + Sync>) {
        *self.waker.write() = Some(wake);
    }

    /// Count what the engine turned away.
    pub fn note_rejected(&self, worker: usize, reason: Rejected) {
        if let Some(count) = self.shelf(worker).counters.rejected.get(reason as usize) {
            count.add_shared(1);
        }
    }

    /// Count how many queries went to an upstream over new connections (or sockets), and how many over kept-open ones.
    /// False if a plan is being compiled just now: a worker does not wait for that, it tells later.
    #[must_use]
    pub fn note_connections(&self, to: (SocketAddr, UpstreamTransport), misses: u64, hits: u64) -> bool {
        let Some(registry) = self.registry.try_lock() else { return false };
        let Some(belief) = registry.known_belief(&to.0) else { return true };
        for ([udp, tcp], by) in [(&belief.connection_misses, misses), (&belief.connection_hits, hits)] {
            if to.1 == UpstreamTransport::Udp { udp } else { tcp }.add_shared(by);
        }
        true
    }

    /// Bytes that the engine holds for clients' connections: they were so many, they are so many now.
    pub fn note_buffers(&self, before: usize, now: usize) {
        self.budget.charge_anyway(now.saturating_sub(before));
        self.budget.release(before.saturating_sub(now));
    }
}
