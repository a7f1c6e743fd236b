//! What the engine tells its workers, and the bell that makes them listen.

use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use nodens_core::step::ListenerId;
use nodens_core::time::Moment;
use std::sync::Arc;

use crate::guests::Limits;
use crate::handover::Handed;
use crate::listener::{Place, Sockets};
use crate::sys::Bell;
use crate::tcp::Timeouts;

/// A listener that a worker takes up.
#[derive(Debug)]
pub struct Coming {
    /// Which.
    pub place: Place,
    /// Its real address.
    pub address: SocketAddr,
    /// Its number.
    pub id: ListenerId,
    /// The worker's own sockets of it.
    pub sockets: Sockets,
    /// More doors, handed over by a process that had more workers: who waits there must be let in.
    pub more_doors: Vec<TcpListener>,
    /// More ears, likewise: until the process before us has left, closing one to new queries would make it deaf, too.
    pub more_ears: Vec<UdpSocket>,
    /// For its connections.
    pub timeouts: Timeouts,
}

/// What a worker is to do when it has time.
#[derive(Debug)]
pub enum Order {
    /// Take up another plan.
    Apply {
        /// Listeners that come.
        come: Vec<Coming>,
        /// Listeners that stay, with their timeouts now.
        stay: Vec<(Place, Timeouts)>,
        /// For connections from now on.
        limits: Limits,
        /// Told when it is done.
        done: Arc<Latch>,
    },
    /// Duplicate the listening sockets for the process after us.
    Lend {
        /// Who collects them.
        to: Sender<Vec<Handed>>,
    },
    /// Read no more from the listening sockets: the process after us does.
    Release {
        /// Told when it is done.
        done: Arc<Latch>,
    },
    /// Answer what is here, until the deadline, then end.
    Stop {
        /// Until when.
        deadline: Moment,
        /// The listening sockets are the next process's; connections go on until they are idle.
        is_handed_over: bool,
    },
    /// Break, as a bug would.
    #[cfg(test)]
    Panic,
}

/// A worker's letter box. Others put in, the worker takes out.
#[derive(Debug)]
pub struct Mailbox {
    bell: Bell,
    orders: Mutex<Vec<Order>>,
    is_nudged: AtomicBool,
    turns: AtomicU64,
    panics: AtomicU64,
}

impl Mailbox {
    /// An empty one.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            bell: Bell::new()?,
            orders: Mutex::default(),
            is_nudged: AtomicBool::new(false),
            turns: AtomicU64::new(0),
            panics: AtomicU64::new(0),
        })
    }

    /// To be waited for.
    pub fn bell(&self) -> &Bell {
        &self.bell
    }

    /// Put an order in.
    pub fn put(&self, order: Order) {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner).push(order);
        self.bell.ring();
    }

    /// Take all orders out.
    pub fn take(&self) -> Vec<Order> {
        std::mem::take(&mut *self.orders.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Another worker has learnt something this one waits for.
    pub fn nudge(&self) {
        if !self.is_nudged.swap(true, Ordering::AcqRel) {
            self.bell.ring();
        }
    }

    /// Whether that happened since this was asked last.
    pub fn was_nudged(&self) -> bool {
        self.is_nudged.swap(false, Ordering::AcqRel)
    }

    /// Count a turn of the worker's loop.
    pub fn note_turn(&self) {
        self.turns.store(self.turns.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
    }

    /// Turns so far.
    pub fn turns(&self) -> u64 {
        self.turns.load(Ordering::Relaxed)
    }

    /// Count a panic.
    pub fn note_panic(&self) {
        self.panics.fetch_add(1, Ordering::Relaxed);
    }

    /// Panics so far.
    pub fn panics(&self) -> u64 {
        self.panics.load(Ordering::Relaxed)
    }
}

/// Opens when so many have passed it.
#[derive(Debug)]
pub struct Latch {
    missing: Mutex<usize>,
    bell: Condvar,
}

impl Latch {
    /// Opens after `count` calls of [`Self::pass`].
    pub fn new(count: usize) -> Self {
        Self { missing: Mutex::new(count), bell: Condvar::new() }
    }

    /// One more.
    pub fn pass(&self) {
        let mut missing = self.missing.lock().unwrap_or_else(PoisonError::into_inner);
        *missing = missing.saturating_sub(1);
        self.bell.notify_all();
    }

    /// Wait until it is open, at most so long; whether it is.
    pub fn wait(&self, at_most: Duration) -> bool {
        let until = Instant::now() + at_most;
        let missing = self.missing.lock().unwrap_or_else(PoisonError::into_inner);
        let left = until.saturating_duration_since(Instant::now());
        let waited = self.bell.wait_timeout_while(missing, left, |missing| *missing > 0);
        *waited.unwrap_or_else(PoisonError::into_inner).0 == 0
    }
}
