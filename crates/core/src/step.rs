//! What goes in and what comes out: the vocabulary between the resolver and whoever does its I/O.

use std::net::SocketAddr;

use crate::time::Moment;

/// How a client reached us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientTransport {
    /// One datagram; the reply is limited by the client's EDNS size.
    Udp,
    /// A connection; the reply may be as long as a message can be.
    Tcp,
}

/// A listener's identity over reloads: the same address and port keep the same number ([`crate::shared::Shared::listener_id`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ListenerId(pub u32);

/// Who asked, over what, and where the reply goes. Plain data: the engine can find the way back from it alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client {
    /// The client's address.
    pub remote: SocketAddr,
    /// The address the query was sent to (packet info, or the connection's own end).
    pub local: SocketAddr,
    /// Interface the datagram came in by; 0 if unknown.
    pub interface: u32,
    /// UDP or TCP.
    pub transport: ClientTransport,
    /// Which listener heard it.
    pub listener: ListenerId,
    /// The engine's own handle: which socket, or which connection. The resolver only gives it back.
    pub handle: u64,
    /// When it arrived (`now` is when it is worked on).
    pub received: Moment,
}

/// One question's attempt towards one upstream. Never reused while anything may still arrive for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ExchangeId(pub u64);

/// How to reach an upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UpstreamTransport {
    /// A datagram from a fresh socket, with a random port.
    Udp,
    /// A kept-open, pipelined connection.
    Tcp,
}

/// Where a query goes: the engine keys its pools by `(address, pool)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Destination {
    /// The upstream; a link-local one carries its scope.
    pub address: SocketAddr,
    /// UDP or TCP.
    pub transport: UpstreamTransport,
    /// Queries of different pools never share a connection (slow internet names must not hold up Service names).
    /// The same block and forward keep the same number over reloads.
    pub pool: u64,
    /// Bind here first, if set.
    pub source: Option<std::net::IpAddr>,
    /// Idle connections are closed after so many milliseconds.
    pub expire_ms: u64,
    /// Connections older than this are replaced; 0: never.
    pub max_age_ms: u64,
    /// Idle connections kept to this upstream, at most, in this pool; 0: as many as there are.
    pub max_idle: usize,
}

/// Bytes of a message inside [`Steps`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// One thing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Give a client its answer.
    Reply {
        /// The way back.
        client: Client,
        /// The message, ready to send.
        message: Span,
    },
    /// Ask an upstream. The engine sets the message ID (random for UDP, free on the connection for TCP), checks it on the
    /// way back and reports with `on_response` or `on_fault`, once. It gives up by itself never: deadlines are the resolver's.
    Send {
        /// To be named in the report.
        exchange: ExchangeId,
        /// Whom to ask.
        to: Destination,
        /// The query; its ID is 0.
        message: Span,
    },
    /// Nobody waits for this exchange any more: close its UDP socket, or let its late TCP answer fall to the floor.
    Forget {
        /// Which.
        exchange: ExchangeId,
    },
    /// Wake another worker, which waits for what this one has just learnt ([`crate::resolver::Resolver::on_nudge`]).
    Nudge {
        /// The worker's number.
        worker: usize,
    },
}

/// Bytes of messages that [`Steps`] holds on to for the next event.
const ROOM_KEPT: usize = 256 << 10;

/// What to do now, in order; owned by the worker and used again for every event, so that nothing is allocated in a steady state.
#[derive(Debug, Default)]
pub struct Steps {
    list: Vec<Step>,
    bytes: Vec<u8>,
}

impl Steps {
    /// An empty list.
    pub fn new() -> Self {
        Self::default()
    }

    /// Forget all, keep the room - but not that of a rare burst.
    pub fn clear(&mut self) {
        self.list.clear();
        self.bytes.clear();
        if self.bytes.capacity() > ROOM_KEPT {
            self.bytes.shrink_to(ROOM_KEPT);
        }
    }

    /// Bytes that are held.
    pub fn room(&self) -> usize {
        self.bytes.capacity()
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The steps, in order.
    pub fn iter(&self) -> impl Iterator<Item = Step> + '_ {
        self.list.iter().copied()
    }

    /// The bytes of a message.
    pub fn message(&self, span: Span) -> &[u8] {
        self.bytes.get(span.start..span.end).unwrap_or_default()
    }

    /// Add a step without a message.
    pub fn push(&mut self, step: Step) {
        self.list.push(step);
    }

    /// Add a message, written by `write` at the end of the given buffer, and get its span.
    pub fn write(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> Span {
        let start = self.bytes.len();
        write(&mut self.bytes);
        Span { start, end: self.bytes.len() }
    }
}

/// What became of a query.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// So many bytes of the reply buffer are to be sent back at once.
    Reply(usize),
    /// A `Step::Reply` will follow, now or later.
    Later,
    /// Say nothing (not a query, or a plugin's wish).
    Silence,
}

/// What an exchange made of a response.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// The exchange is over.
    Settled,
    /// Not the answer to our question: over UDP keep listening, over TCP the connection is no good.
    Stranger,
}

/// Why nothing came back from an upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// No connection: refused (ECONNREFUSED, or ICMP port unreachable).
    Refused,
    /// No connection: no route, no permission, no local port. The errno.
    Unreachable(i32),
    /// The connection was closed in good order while we waited (an idle one may just have expired: ask again).
    Closed,
    /// The connection was reset or broke while we waited.
    Reset,
    /// The engine has no room for one more (sockets, buffers).
    NoRoom,
}
