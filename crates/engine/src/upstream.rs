//! Towards upstreams: a fresh socket for each UDP query, kept-open connections for TCP.
//!
//! What fails is put on a list of faults, and the worker tells the resolver; nothing here decides what comes next.

pub mod datagram;
mod pooled;
pub mod stream;

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use nodens_core::Shared;
use nodens_core::step::{Destination, ExchangeId, Fault, UpstreamTransport};
use nodens_core::time::Moment;

use crate::random::Random;
use crate::slab::Key;
use crate::sys::Epoll;
use crate::timers::Timers;

pub use datagram::Datagrams;
pub use stream::Streams;

/// Where an exchange is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Datagram(Key),
    Stream(Key, u16),
}

/// All exchanges of a worker.
pub struct Upstream {
    /// Those over UDP.
    pub datagrams: Datagrams,
    /// Those over TCP.
    pub streams: Streams,
    ways: HashMap<ExchangeId, Way>,
    faults: Vec<(ExchangeId, Fault)>,
    random: Random,
    shared: Arc<Shared>,
}

impl Upstream {
    /// No exchanges yet. `sockets`: how many descriptors this worker may spend on them.
    pub fn new(shared: Arc<Shared>, sockets: usize) -> Self {
        Self {
            datagrams: Datagrams::new(sockets / 2),
            streams: Streams::new(sockets / 2),
            ways: HashMap::new(),
            faults: Vec::new(),
            random: Random::new(),
            shared,
        }
    }

    /// Ask. What cannot be asked becomes a fault.
    pub fn send(
        &mut self,
        exchange: ExchangeId,
        to: &Destination,
        message: &[u8],
        now: Moment,
        (epoll, timers): (&Epoll, &mut Timers),
    ) {
        let sent = match to.transport {
            UpstreamTransport::Udp => {
                let id = self.random.next_id();
                self.datagrams.send(exchange, to, message, id, epoll).map(Way::Datagram)
            }
            UpstreamTransport::Tcp => {
                let random = &mut self.random;
                let sent = self.streams.send(exchange, to, message, now, random, epoll, timers);
                while let Some(key) = self.streams.take_given_up() {
                    for lost in self.streams.close(key) {
                        self.ways.remove(&lost);
                    }
                }
                sent.map(|sent| {
                    self.shared.note_connection(to, sent.is_reused);
                    Way::Stream(sent.stream, sent.id)
                })
            }
        };
        match sent {
            Ok(way) => drop(self.ways.insert(exchange, way)),
            Err(fault) => self.faults.push((exchange, fault)),
        }
    }

    /// Nobody waits for this exchange any more.
    pub fn forget(&mut self, exchange: ExchangeId, now: Moment) {
        match self.ways.remove(&exchange) {
            Some(Way::Datagram(key)) => drop(self.datagrams.remove(key)),
            Some(Way::Stream(key, id)) => self.streams.forget(key, id, now),
            None => {}
        }
    }

    /// The exchange is over, its answer was good.
    pub fn settle(&mut self, exchange: ExchangeId) {
        match self.ways.remove(&exchange) {
            Some(Way::Datagram(key)) => drop(self.datagrams.remove(key)),
            Some(Way::Stream(key, id)) => self.streams.settle(key, id),
            None => {}
        }
    }

    /// A UDP exchange failed.
    pub fn fail_datagram(&mut self, key: Key, fault: Fault) {
        if let Some(exchange) = self.datagrams.remove(key) {
            self.ways.remove(&exchange);
            self.faults.push((exchange, fault));
        }
    }

    /// A connection is no good any more: all who wait on it are told.
    pub fn fail_stream(&mut self, key: Key, fault: Fault) {
        for exchange in self.streams.close(key) {
            self.ways.remove(&exchange);
            self.faults.push((exchange, fault));
        }
    }

    /// The next fault to be told.
    pub fn next_fault(&mut self) -> Option<(ExchangeId, Fault)> {
        self.faults.pop()
    }

    /// Whether there is one.
    pub fn has_fault(&self) -> bool {
        !self.faults.is_empty()
    }

    /// Exchanges under way.
    pub fn len(&self) -> usize {
        self.ways.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ways.is_empty()
    }
}

/// What an error of the kernel means for an exchange that has not begun.
fn fault_of(error: &io::Error) -> Fault {
    match error.raw_os_error() {
        Some(libc::ECONNREFUSED) => Fault::Refused,
        Some(libc::ECONNRESET | libc::EPIPE) | None => Fault::Reset,
        Some(libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM | libc::EAGAIN) => Fault::NoRoom,
        Some(errno) => Fault::Unreachable(errno),
    }
}
