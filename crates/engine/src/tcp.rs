//! Connections of clients: framing, pipelining with replies out of order, and limits on everything.
//! size: a connection is one thing with one set of deadlines.
//!
//! Deadlines: the first message must be whole within `read` of accepting; later ones within `idle` of the last reply or
//! message. Bytes that complete no message move no deadline. A client that takes no bytes for `write` is closed.

use std::io::{ErrorKind, Read};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use nodens_core::Rejected;
use nodens_core::plan::ListenerPlan;
use nodens_core::step::{Client, ClientTransport, ListenerId};
use nodens_core::time::Moment;

use crate::frames::Frames;
use crate::guests::{Guests, Limits};
use crate::outgoing::{Outgoing, Wrote};
use crate::slab::{Key, Slab};
use crate::sys::{Epoll, Interest};
use crate::timers::{Alarm, Timers};
use crate::token::Token;

/// Connections accepted in one go, so that a flood of them does not keep queries waiting.
const ACCEPT_AT_ONCE: usize = 32;
/// A door is shut for so long when the process has no descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(250);
/// Bytes read from a client in one call; with [`QUERY`] it bounds what a connection holds before it is understood.
const READ_AT_ONCE: usize = 8 << 10;
/// What a query may measure: more than a header, less than nonsense (over UDP no more is read either).
const QUERY: std::ops::RangeInclusive<usize> = 12..=4096;
/// No reading while more than this waits to be written: about one reply of the largest size.
const OUTGOING_PAUSE: usize = 64 << 10;
/// A connection that owes more than this to a client who does not read is closed.
const OUTGOING_LIMIT: usize = 512 << 10;
/// The same for all connections of a worker together.
const OUTGOING_LIMIT_OF_ALL: usize = 16 << 20;

/// How long a client may take; from the `timeouts` directive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    read: Duration,
    idle: Duration,
    write: Duration,
}

impl Timeouts {
    /// The timeouts of a listener.
    pub fn of(plan: &ListenerPlan) -> Self {
        Self {
            read: Duration::from_millis(plan.tcp_read_timeout_ms),
            idle: Duration::from_millis(plan.tcp_idle_timeout_ms),
            write: Duration::from_millis(plan.tcp_write_timeout_ms),
        }
    }
}

/// A listening TCP socket.
#[derive(Debug)]
pub struct Door {
    socket: TcpListener,
    address: SocketAddr,
    listener: ListenerId,
    timeouts: Timeouts,
}

impl Door {
    /// Accept from a bound socket.
    pub fn new(socket: TcpListener, address: SocketAddr, listener: ListenerId, timeouts: Timeouts) -> Self {
        Self { socket, address, listener, timeouts }
    }

    /// To be waited for.
    pub fn socket(&self) -> &TcpListener {
        &self.socket
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// For connections from now on.
    pub fn set_timeouts(&mut self, timeouts: Timeouts) {
        self.timeouts = timeouts;
    }
}

/// A client's connection.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own about a connection")]
struct Connection {
    stream: TcpStream,
    remote: SocketAddr,
    local: SocketAddr,
    listener: ListenerId,
    timeouts: Timeouts,
    frames: Frames,
    outgoing: Outgoing,
    /// Queries that the resolver has and did not answer yet.
    unanswered: usize,
    deadline: Moment,
    write_deadline: Option<Moment>,
    alarm: Alarm,
    interest: Interest,
    is_dirty: bool,
    is_stalled: bool,
    /// The client will send nothing more.
    has_ended: bool,
    /// It sent what no client sends; it is closed at once.
    is_rude: bool,
}

impl Connection {
    fn next_deadline(&self) -> Moment {
        self.write_deadline.map_or(self.deadline, |write| write.min(self.deadline))
    }

    fn must_stall(&self, limits: &Limits) -> bool {
        self.unanswered >= limits.queries_per_connection || self.outgoing.len() > OUTGOING_PAUSE
    }

    fn is_done(&self) -> bool {
        self.has_ended && self.unanswered == 0 && self.outgoing.is_empty() && !self.frames.has_next()
    }

    fn wanted(&self) -> Interest {
        let read = if self.has_ended || self.is_stalled { Interest::NONE } else { Interest::READ };
        if self.outgoing.is_empty() { read } else { read.and(Interest::WRITE) }
    }
}

/// All connections of a worker.
pub struct Tcp {
    /// The listening sockets.
    pub doors: Slab<Door>,
    connections: Slab<Connection>,
    dirty: Vec<Key>,
    outgoing_of_all: usize,
    limits: Limits,
}

impl Tcp {
    /// Nothing yet.
    pub fn new(limits: Limits) -> Self {
        Self { doors: Slab::default(), connections: Slab::default(), dirty: Vec::new(), outgoing_of_all: 0, limits }
    }

    /// Other limits, for what comes from now on.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Let in who waits at a door. `reject` is told of each one turned away.
    pub fn accept(
        &mut self,
        door: Key,
        now: Moment,
        (epoll, timers, guests): (&Epoll, &mut Timers, &Guests),
        mut reject: impl FnMut(Rejected),
    ) -> usize {
        let mut count = 0;
        while count < ACCEPT_AT_ONCE {
            let Some(open) = self.doors.get(door) else { break };
            let (stream, remote) = match open.socket.accept() {
                Ok(guest) => guest,
                Err(error) if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::ConnectionAborted) => continue,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => {
                    // No descriptor or no memory: the queue would wake us without end, so look away for a moment.
                    if epoll.change(&open.socket, Token::TcpListener(door).to_word(), Interest::NONE).is_ok() {
                        timers.once(now.plus(ACCEPT_PAUSE), Token::TcpListener(door).to_word());
                    }
                    reject(Rejected::Connections);
                    break;
                }
            };
            count += 1;
            let remote = canonical(remote);
            let (address, listener, timeouts) = (open.address, open.listener, open.timeouts);
            let mut admitted = guests.admit(remote.ip(), &self.limits);
            if admitted == Err(Rejected::Connections) && self.close_idlest(guests) {
                admitted = guests.admit(remote.ip(), &self.limits);
            }
            if let Err(reason) = admitted {
                reject(reason);
                continue;
            }
            let local = if address.ip().is_unspecified() { stream.local_addr().map(canonical) } else { Ok(address) };
            let usable = stream.set_nonblocking(true).and_then(|()| stream.set_nodelay(true)).and(local);
            let Ok(local) = usable else {
                guests.leave(remote.ip());
                continue;
            };
            let key = self.connections.insert_with(|_| Connection {
                stream,
                remote,
                local,
                listener,
                timeouts,
                frames: Frames::default(),
                outgoing: Outgoing::default(),
                unanswered: 0,
                deadline: now.plus(timeouts.read),
                write_deadline: None,
                alarm: Alarm::default(),
                interest: Interest::READ,
                is_dirty: false,
                is_stalled: false,
                has_ended: false,
                is_rude: false,
            });
            let Some(new) = self.connections.get_mut(key) else { continue };
            let token = Token::Connection(key).to_word();
            if epoll.add(&new.stream, token, Interest::READ).is_err() {
                self.connections.remove(key);
                guests.leave(remote.ip());
                continue;
            }
            timers.ensure(&mut new.alarm, new.deadline, token);
        }
        count
    }

    /// A full house: who has been idle longest makes room (RFC 7766, 6.2.3). False if nobody is.
    fn close_idlest(&mut self, guests: &Guests) -> bool {
        let is_idle = |one: &Connection| one.unanswered == 0 && one.outgoing.is_empty();
        let deadline = |key: &Key| self.connections.get(*key).filter(|one| is_idle(one)).map(|one| one.deadline);
        let idlest = self.connections.keys().into_iter().filter_map(|key| Some((deadline(&key)?, key))).min();
        idlest.is_some_and(|(_, key)| {
            !self.close(key, guests) // it owed nothing, so nobody has to be told
        })
    }

    /// Look at a door again after a pause.
    pub fn reopen(&self, door: Key, epoll: &Epoll) {
        if let Some(open) = self.doors.get(door) {
            let _ = epoll.change(&open.socket, Token::TcpListener(door).to_word(), Interest::READ);
        }
    }

    /// Read once. False: the connection is broken and must be closed.
    #[must_use]
    pub fn read(&mut self, key: Key, scratch: &mut [u8]) -> bool {
        let Some(connection) = self.connections.get_mut(key) else { return true };
        if connection.has_ended {
            return false; // nothing but an error wakes us then
        }
        if connection.is_stalled {
            return true;
        }
        let room = scratch.len().min(READ_AT_ONCE);
        match (&connection.stream).read(scratch.get_mut(..room).unwrap_or_default()) {
            Ok(0) => connection.has_ended = true,
            Ok(count) => connection.frames.feed(scratch.get(..count).unwrap_or_default()),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(_) => return false,
        }
        self.mark(key);
        true
    }

    /// The next whole query, unless too many are unanswered or too much waits to be written.
    pub fn next_query(&mut self, key: Key, now: Moment, mut reject: impl FnMut(Rejected)) -> Option<(&[u8], Client)> {
        let connection = self.connections.get_mut(key)?;
        let is_full = connection.unanswered >= self.limits.queries_per_connection;
        let was_stalled = connection.is_stalled;
        connection.is_stalled = connection.must_stall(&self.limits);
        if connection.is_stalled {
            if is_full && !was_stalled {
                reject(Rejected::ConnectionQueries);
            }
            return None;
        }
        let client = Client {
            remote: connection.remote,
            local: connection.local,
            interface: 0,
            transport: ClientTransport::Tcp,
            listener: connection.listener,
            handle: key.to_word(),
            received: now,
        };
        if let Some(length) = connection.frames.announced().filter(|length| !QUERY.contains(length)) {
            connection.is_rude = true;
            reject(if length < *QUERY.start() { Rejected::Short } else { Rejected::Oversize });
            return None;
        }
        let query = connection.frames.next_message()?;
        connection.unanswered += 1;
        connection.deadline = now.plus(connection.timeouts.idle);
        Some((query, client))
    }

    /// A query got its reply, or never will (`None`).
    pub fn reply(&mut self, handle: u64, message: Option<&[u8]>, now: Moment) {
        let key = Key::from_word(handle);
        let Some(connection) = self.connections.get_mut(key) else { return };
        connection.unanswered = connection.unanswered.saturating_sub(1);
        connection.deadline = now.plus(connection.timeouts.idle);
        if let Some(message) = message {
            let before = connection.outgoing.len();
            let _ = connection.outgoing.add(message); // the resolver composes no message longer than a frame
            self.outgoing_of_all += connection.outgoing.len() - before;
        }
        self.mark(key);
    }

    /// See to it that this connection is looked at before the round ends.
    pub fn mark(&mut self, key: Key) {
        if let Some(connection) = self.connections.get_mut(key)
            && !connection.is_dirty
        {
            connection.is_dirty = true;
            self.dirty.push(key);
        }
    }

    /// One that has something to be written or decided; each once per round.
    pub fn next_dirty(&mut self) -> Option<Key> {
        while let Some(key) = self.dirty.pop() {
            if let Some(connection) = self.connections.get_mut(key) {
                connection.is_dirty = false;
                return Some(key);
            }
        }
        None
    }

    /// Write what waits, wait for what is next. False: it is over (done, broken, or too slow) and must be closed.
    #[must_use]
    pub fn flush(&mut self, key: Key, now: Moment, epoll: &Epoll, timers: &mut Timers) -> bool {
        let Some(connection) = self.connections.get_mut(key) else { return true };
        let before = connection.outgoing.len();
        if before > 0 {
            match connection.outgoing.write_to(&connection.stream) {
                Wrote::All => connection.write_deadline = None,
                Wrote::Some(0) if connection.write_deadline.is_some() => {}
                Wrote::Some(_) => connection.write_deadline = Some(now.plus(connection.timeouts.write)),
                Wrote::Broken => return false,
            }
            self.outgoing_of_all = self.outgoing_of_all.saturating_sub(before - connection.outgoing.len());
        }
        let left = connection.outgoing.len();
        if connection.is_rude
            || left > OUTGOING_LIMIT
            || (left > 0 && self.outgoing_of_all > OUTGOING_LIMIT_OF_ALL)
            || connection.is_done()
        {
            return false;
        }
        connection.frames.rest();
        let token = Token::Connection(key).to_word();
        let wanted = connection.wanted();
        if wanted != connection.interest {
            connection.interest = wanted;
            if epoll.change(&connection.stream, token, wanted).is_err() {
                return false;
            }
        }
        let next = connection.next_deadline();
        timers.ensure(&mut connection.alarm, next, token);
        if connection.is_stalled && !connection.must_stall(&self.limits) {
            self.mark(key); // what was written made room: queries that wait here have their turn now
        }
        true
    }

    /// An alarm rang. False: a deadline has passed and the connection must be closed.
    #[must_use]
    pub fn on_alarm(&mut self, key: Key, when: Moment, now: Moment, timers: &mut Timers) -> bool {
        let Some(connection) = self.connections.get_mut(key) else { return true };
        if !connection.alarm.rang(when) {
            return true;
        }
        if connection.write_deadline.is_some_and(|deadline| deadline <= now) {
            return false;
        }
        if connection.deadline <= now {
            if connection.unanswered == 0 {
                return false;
            }
            connection.deadline = now.plus(connection.timeouts.idle); // they wait for us
        }
        let next = connection.next_deadline();
        timers.ensure(&mut connection.alarm, next, Token::Connection(key).to_word());
        true
    }

    /// Close; whether the resolver has queries of it.
    #[must_use]
    pub fn close(&mut self, key: Key, guests: &Guests) -> bool {
        let Some(connection) = self.connections.remove(key) else { return false };
        self.outgoing_of_all = self.outgoing_of_all.saturating_sub(connection.outgoing.len());
        guests.leave(connection.remote.ip());
        connection.unanswered > 0
    }

    /// Whether the connection may go on with queries that wait in it.
    pub fn is_waiting(&self, key: Key) -> bool {
        self.connections.get(key).is_some_and(|connection| connection.frames.has_next())
    }

    /// Whether some client has begun to say something that was not taken in yet.
    pub fn is_being_told(&self) -> bool {
        let is_telling = |connection: &Connection| {
            let has_unread = || matches!(connection.stream.peek(&mut [0]), Ok(1..));
            !connection.frames.is_empty() || (!connection.has_ended && has_unread())
        };
        self.connections.iter().any(is_telling)
    }

    /// Whether there is any connection.
    pub fn has_guests(&self) -> bool {
        !self.connections.is_empty()
    }

    /// Whether some reply still waits to be written.
    pub fn owes(&self) -> bool {
        self.outgoing_of_all > 0
    }

    /// The connections there are.
    pub fn keys(&self) -> Vec<Key> {
        self.connections.keys()
    }
}

/// An IPv4-mapped address as IPv4.
fn canonical(address: SocketAddr) -> SocketAddr {
    match address.ip().to_canonical() {
        IpAddr::V4(ip) => SocketAddr::from((ip, address.port())),
        IpAddr::V6(_) => address,
    }
}
