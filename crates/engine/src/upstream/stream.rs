//! TCP exchanges: kept-open, pipelined connections, a few for each upstream and pool.
//!
//! `CoreDNS` answers one connection strictly in order, so queries are spread over a few connections before they queue up on
//! one. A connection that twice in a row gave no answer, or left too many behind, gets no more queries and goes.
//! size: a pool and its connections decide together.

use std::collections::{HashMap, VecDeque};
use std::io::{ErrorKind, Read};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::time::Duration;

use nodens_core::step::{Destination, ExchangeId, Fault};
use nodens_core::time::Moment;
use socket2::{Domain, SockAddr, Socket, Type};

use super::fault_of;
use super::pooled::Pooled;
use crate::frames::Frames;
use crate::outgoing::{Outgoing, Wrote};
use crate::random::Random;
use crate::slab::{Key, Slab};
use crate::sys::{self, Epoll, Interest};
use crate::timers::{Alarm, Timers};
use crate::token::Token;

/// Connections to one upstream in one pool that are opened before queries queue up - unless one is stuck: there are slow
/// names about, and the next query may be one, so none is put behind another.
const FEW: usize = 4;
/// From this depth on a query rather goes over a new connection, while there are few.
const SHALLOW: usize = 2;
/// Connections to one upstream in one pool that move, at most.
const MANY: usize = 32;
/// Connections to one upstream in one pool, at most: each slow name may hold one, until others need it.
const ALL: usize = 64;
/// Nothing must have moved for so long on a connection that has to go: names that take a quarter of a second are common.
const GIVE_UP: Duration = Duration::from_millis(250);
/// Unanswered queries on one connection, at most; far below the 65536 IDs there are.
const DEPTH_LIMIT: usize = 512;
/// Bytes that may wait for a connection to take them.
const OUTGOING_LIMIT: usize = 256 << 10;
/// Unanswered in a row, after which a connection is believed dead.
const SILENT_LIMIT: u32 = 2;
/// Unanswered in all, after which a connection is believed lossy.
const FORGOTTEN_LIMIT: usize = 16;

/// IDs that were settled last on a connection: an upstream that answers twice is late, not out of step.
const SETTLED_KEPT: usize = 64;

/// A query on a connection.
#[derive(Clone, Copy, Debug)]
struct Asked {
    /// Nobody, where it was forgotten and its answer may still come.
    exchange: Option<ExchangeId>,
    since: Moment,
    /// Those of one moment stand in this order.
    serial: u64,
    /// It was told that it is stuck.
    is_told: bool,
}

/// Queries of different pools never share a connection.
type Pool = (SocketAddr, u64, Option<IpAddr>);

#[derive(Debug)]
struct Stream {
    socket: TcpStream,
    pool: Pool,
    is_open: bool,
    /// Gets no more queries; closes when nobody waits.
    is_leaving: bool,
    /// What was asked under which ID.
    asked: HashMap<u16, Asked>,
    /// When it last gave an answer, or had nothing to answer.
    moved: Moment,
    /// When a query on it was forgotten last: until something comes, it is still at that one.
    forgot: Option<Moment>,
    /// IDs that are over, the latest last; not used again yet.
    settled: VecDeque<u16>,
    waiting: usize,
    silent: u32,
    frames: Frames,
    outgoing: Outgoing,
    is_dirty: bool,
    interest: Interest,
    opened: Moment,
    used: Moment,
    expire: Duration,
    max_age: Option<Duration>,
    /// Idle connections to this upstream in this pool, at most.
    max_idle: usize,
    alarm: Alarm,
}

impl Stream {
    /// Nothing came for so long, though something was asked; or not since somebody gave up.
    fn is_stuck(&self, patience: Duration, now: Moment) -> bool {
        let has_given_up = self.forgot.is_some_and(|forgot| self.moved <= forgot);
        !self.asked.is_empty() && (has_given_up || now.since(self.moved) >= patience)
    }

    /// Tell those behind the first, which is the one that an upstream answering in order is at.
    fn tell_stuck(&mut self, pooled: &mut Pooled, now: Moment, stuck: &mut Vec<ExchangeId>) {
        let head = self.asked.iter().min_by_key(|(_, asked)| (asked.since, asked.serial)).map(|(id, _)| *id);
        for (id, asked) in &mut self.asked {
            let is_behind = Some(*id) != head || !self.is_open;
            if is_behind && !asked.is_told && asked.exchange.is_some() && pooled.may_go_round(now) {
                asked.is_told = true;
                stuck.extend(asked.exchange);
            }
        }
    }

    fn takes_more(&self, now: Moment) -> bool {
        let is_old = self.max_age.is_some_and(|age| now.since(self.opened) >= age);
        !self.is_leaving && !is_old
    }
}

/// A connection that may be chosen: whether it is stuck, how deep it is, which.
type Choice = (bool, usize, Key);

/// Take the less deep one.
fn better(chosen: &mut Option<Choice>, other: Choice) {
    if chosen.is_none_or(|(_, depth, _)| other.1 < depth) {
        *chosen = Some(other);
    }
}

/// What a pool offers to one more query.
struct Best {
    choice: Option<Choice>,
    moving: usize,
    all: usize,
    patience: Duration,
    deep: usize,
    /// Of those that are stuck, the one where nothing moved for longest.
    worst: Option<(Moment, Key)>,
}

/// Where a query went.
#[derive(Clone, Copy, Debug)]
pub struct Sent {
    /// Over which connection.
    pub stream: Key,
    /// Under which ID.
    pub id: u16,
    /// Whether the connection was there before.
    pub is_reused: bool,
}

/// What a connection said.
#[derive(Debug, PartialEq, Eq)]
pub enum Said<'b> {
    /// An answer to an exchange.
    Message(ExchangeId, &'b [u8]),
    /// An answer that nobody waits for any more.
    Late,
    /// Something nobody asked: the stream is out of step.
    Stranger,
    /// Nothing more.
    Nothing,
}

/// How reading went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filled {
    /// The connection lives.
    Alive,
    /// It is over: closed in good order, or not.
    Over(Fault),
}

/// All connections of a worker to upstreams.
#[derive(Debug)]
pub struct Streams {
    all: Slab<Stream>,
    pools: HashMap<Pool, Pooled>,
    stuck: Vec<ExchangeId>,
    given_up: Vec<Key>,
    serial: u64,
    dirty: Vec<Key>,
    dialing: Vec<(ExchangeId, bool)>,
    limit: usize,
}

impl Streams {
    /// None yet, and at most so many.
    pub fn new(limit: usize) -> Self {
        Self {
            all: Slab::default(),
            pools: HashMap::new(),
            stuck: Vec::new(),
            given_up: Vec::new(),
            serial: 0,
            dirty: Vec::new(),
            dialing: Vec::new(),
            limit: limit.max(1),
        }
    }

    /// Exchanges that wait for a connection to be made since this was asked last, and those that no longer do.
    pub fn take_dialing(&mut self) -> Vec<(ExchangeId, bool)> {
        std::mem::take(&mut self.dialing)
    }

    /// Exchanges found stuck behind others since this was asked last.
    pub fn take_stuck(&mut self) -> Vec<ExchangeId> {
        std::mem::take(&mut self.stuck)
    }

    /// A connection that had to go, for others had to be asked; who waits on it waits for its own deadline.
    pub fn take_given_up(&mut self) -> Option<Key> {
        self.given_up.pop()
    }

    /// Whether there are some.
    pub fn has_stuck(&self) -> bool {
        !self.stuck.is_empty()
    }

    /// Connections to a destination that are not stuck.
    pub fn moving(&mut self, to: &Destination, now: Moment) -> usize {
        self.best(&(to.address, to.pool, to.source), now).moving
    }

    /// How many connections there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Put a query on the best connection, or on a new one. It leaves with [`Self::flush`], all of a round in one write.
    #[expect(clippy::too_many_arguments, reason = "what a query is, when it is, and the three things it may need")]
    pub fn send(
        &mut self,
        exchange: ExchangeId,
        to: &Destination,
        message: &[u8],
        now: Moment,
        random: &mut Random,
        epoll: &Epoll,
        timers: &mut Timers,
    ) -> Result<Sent, Fault> {
        let pool = (to.address, to.pool, to.source);
        let Best { choice: best, moving, all, patience, deep, worst } = self.best(&pool, now);
        let depth = best.map_or(usize::MAX, |(is_stuck, depth, _)| if is_stuck { usize::MAX } else { depth });
        let (shallow, few) = if worst.is_some() { (1, MANY) } else { (SHALLOW, FEW) };
        let mut wants_new = (depth >= shallow && moving < few) || (depth >= deep && moving < MANY);
        if wants_new && all >= ALL {
            wants_new = self.give_up(&pool, worst, now);
        }
        let opened = if wants_new { Some(self.open(pool, to, now, epoll, timers)) } else { None };
        let (key, is_reused) = match (opened, best) {
            (Some(Ok(key)), _) => (key, false),
            (_, Some((_, depth, key))) if depth < DEPTH_LIMIT => (key, true),
            (Some(Err(fault)), _) => return Err(fault),
            _ => return Err(Fault::NoRoom),
        };
        let stream = self.all.get_mut(key).ok_or(Fault::NoRoom)?;
        if stream.outgoing.len() + message.len() > OUTGOING_LIMIT || !stream.outgoing.add(message) {
            return Err(Fault::NoRoom);
        }
        let mut id = random.next_id();
        while stream.asked.contains_key(&id) || stream.settled.contains(&id) {
            id = random.next_id();
        }
        if let Some(head) = stream.outgoing.last_mut(message.len()).and_then(|bytes| bytes.get_mut(..2)) {
            head.copy_from_slice(&id.to_be_bytes());
        }
        if stream.asked.is_empty() {
            stream.moved = now;
            timers.ensure(&mut stream.alarm, now.plus(patience), Token::TcpUpstream(key).to_word());
        }
        self.serial += 1;
        stream.asked.insert(id, Asked { exchange: Some(exchange), since: now, serial: self.serial, is_told: false });
        stream.waiting += 1;
        stream.used = now;
        if !stream.is_open {
            self.dialing.push((exchange, true));
        }
        if !stream.is_dirty {
            stream.is_dirty = true;
            self.dirty.push(key);
        }
        Ok(Sent { stream: key, id, is_reused })
    }

    /// None is free, and there are as many as may be: of those that are stuck, the one where nothing moved for longest makes room.
    fn give_up(&mut self, pool: &Pool, worst: Option<(Moment, Key)>, now: Moment) -> bool {
        let Some((_, key)) = worst.filter(|(moved, _)| now.since(*moved) >= GIVE_UP) else { return false };
        if !self.pools.get_mut(pool).is_some_and(|pooled| pooled.may_go_round(now)) {
            return false;
        }
        self.given_up.push(key);
        if let Some(stream) = self.all.get_mut(key) {
            stream.is_leaving = true;
        }
        true
    }

    /// The connection with the fewest unanswered queries, rather one that moves. Old ones are sent off.
    fn best(&mut self, pool: &Pool, now: Moment) -> Best {
        let unknown = Pooled::default();
        let pooled = self.pools.get(pool).unwrap_or(&unknown);
        let (patience, deep) = (pooled.patience(), pooled.deep());
        let mut found = Best { choice: None, moving: 0, all: 0, patience, deep, worst: None };
        let (mut spare, mut stuck) = (None, None);
        for key in &pooled.keys {
            let Some(stream) = self.all.get_mut(*key) else { continue };
            if !stream.takes_more(now) {
                stream.is_leaving = true;
                continue;
            }
            let (moved, depth) = (stream.moved, stream.asked.len());
            found.all += 1;
            if stream.is_stuck(patience, now) {
                if found.worst.is_none_or(|(other, _)| moved < other) {
                    found.worst = Some((moved, *key));
                }
                better(&mut stuck, (true, depth, *key));
            } else {
                found.moving += 1;
                better(if found.moving <= FEW { &mut found.choice } else { &mut spare }, (false, depth, *key));
            }
        }
        // What a bad moment left over is not used without need, so that it expires and the few fill their packets.
        let is_enough = found.worst.is_none() && found.choice.is_some_and(|(_, depth, _)| depth < deep);
        if let Some(spare) = spare.filter(|_| !is_enough) {
            better(&mut found.choice, spare);
        }
        found.choice = found.choice.or(stuck);
        found
    }

    fn open(
        &mut self,
        pool: Pool,
        to: &Destination,
        now: Moment,
        epoll: &Epoll,
        timers: &mut Timers,
    ) -> Result<Key, Fault> {
        if self.all.len() >= self.limit {
            return Err(Fault::NoRoom);
        }
        let socket = connect(to).map_err(|error| fault_of(&error))?;
        let interest = Interest::READ.and(Interest::WRITE);
        let key = self.all.insert_with(|_| Stream {
            socket,
            pool,
            is_open: false,
            is_leaving: false,
            asked: HashMap::new(),
            moved: now,
            forgot: None,
            settled: VecDeque::new(),
            waiting: 0,
            silent: 0,
            frames: Frames::default(),
            outgoing: Outgoing::default(),
            is_dirty: false,
            interest,
            opened: now,
            used: now,
            expire: Duration::from_millis(to.expire_ms),
            max_age: (to.max_age_ms > 0).then(|| Duration::from_millis(to.max_age_ms)),
            max_idle: if to.max_idle == 0 { usize::MAX } else { to.max_idle },
            alarm: Alarm::default(),
        });
        let token = Token::TcpUpstream(key).to_word();
        let Some(stream) = self.all.get_mut(key) else { return Err(Fault::NoRoom) };
        if epoll.add(&stream.socket, token, interest).is_err() {
            self.all.remove(key);
            return Err(Fault::NoRoom);
        }
        let due = now.plus(stream.expire);
        timers.ensure(&mut stream.alarm, due, token);
        self.pools.entry(pool).or_default().keys.push(key);
        Ok(key)
    }

    /// Read once.
    pub fn fill(&mut self, key: Key, now: Moment, scratch: &mut [u8]) -> Filled {
        let Some(stream) = self.all.get_mut(key) else { return Filled::Alive };
        if !stream.is_open {
            match stream.socket.take_error() {
                Ok(None) if stream.socket.peer_addr().is_ok() => {
                    stream.is_open = true;
                    stream.moved = now;
                    let waiting = stream.asked.values().filter_map(|asked| asked.exchange);
                    self.dialing.extend(waiting.map(|exchange| (exchange, false)));
                }
                Ok(None) => return Filled::Alive,
                Ok(Some(error)) | Err(error) => return Filled::Over(fault_of(&error)),
            }
        }
        match stream.socket.read(scratch) {
            Ok(0) if stream.frames.is_empty() => Filled::Over(Fault::Closed),
            Ok(0) => Filled::Over(Fault::Reset),
            Ok(count) => {
                stream.frames.feed(scratch.get(..count).unwrap_or_default());
                Filled::Alive
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Filled::Alive,
            Err(_) => Filled::Over(Fault::Reset),
        }
    }

    /// The next message of a connection.
    pub fn next_message(&mut self, key: Key, now: Moment) -> Said<'_> {
        let Some(stream) = self.all.get_mut(key) else { return Said::Nothing };
        let Some(message) = stream.frames.next_message() else {
            return Said::Nothing;
        };
        let Some((id, _)) = message.split_first_chunk::<2>() else { return Said::Stranger };
        let id = u16::from_be_bytes(*id);
        stream.used = now;
        let asked = stream.asked.get(&id).copied();
        if let Some(asked) = asked {
            if let Some(pooled) = self.pools.get_mut(&stream.pool).filter(|_| asked.exchange.is_some()) {
                pooled.note_answer(asked.since, stream.moved, now);
            }
            stream.moved = now;
        }
        match asked {
            Some(Asked { exchange: Some(exchange), .. }) => Said::Message(exchange, message),
            Some(Asked { exchange: None, .. }) => {
                stream.asked.remove(&id);
                note_settled(&mut stream.settled, id);
                stream.silent = 0;
                Said::Late
            }
            None if stream.settled.contains(&id) => Said::Late,
            None => Said::Stranger,
        }
    }

    /// An answer was good: its ID is free again.
    pub fn settle(&mut self, key: Key, id: u16) {
        let Some(stream) = self.all.get_mut(key) else { return };
        if stream.asked.remove(&id).is_some_and(|asked| asked.exchange.is_some()) {
            note_settled(&mut stream.settled, id);
            stream.waiting -= 1;
            stream.silent = 0;
        }
        self.note_idle(key);
        self.mark(key);
    }

    /// Nobody waits for this ID any more; its answer may still come.
    pub fn forget(&mut self, key: Key, id: u16, now: Moment) {
        let Some(stream) = self.all.get_mut(key) else { return };
        let Some(place) = stream.asked.get_mut(&id) else { return };
        if place.exchange.take().is_some() {
            stream.waiting -= 1;
            stream.silent += 1;
            stream.forgot = Some(now);
        }
        let forgotten = stream.asked.len() - stream.waiting;
        stream.is_leaving |= stream.silent >= SILENT_LIMIT || forgotten >= FORGOTTEN_LIMIT;
        let patience = self.pools.get(&stream.pool).map_or(Duration::MAX, Pooled::patience);
        stream.is_leaving |= stream.waiting == 0 && (!stream.is_open || now.since(stream.moved) >= patience);
        self.note_idle(key);
        self.mark(key);
    }

    /// One that nobody waits for any more goes, if enough others are idle.
    fn note_idle(&mut self, key: Key) {
        let Some(stream) = self.all.get(key).filter(|stream| stream.waiting == 0) else { return };
        let (max_idle, pool) = (stream.max_idle, stream.pool);
        if max_idle == usize::MAX {
            return;
        }
        let is_idle = |key: &&Key| self.all.get(**key).is_some_and(|other| other.waiting == 0 && !other.is_leaving);
        let idle = self.pools.get(&pool).map_or(0, |pooled| pooled.keys.iter().filter(is_idle).count());
        if idle > max_idle
            && let Some(stream) = self.all.get_mut(key)
        {
            stream.is_leaving = true;
        }
    }

    /// See to it that [`Self::flush`] looks at this one.
    pub fn mark(&mut self, key: Key) {
        if let Some(stream) = self.all.get_mut(key)
            && !stream.is_dirty
        {
            stream.is_dirty = true;
            self.dirty.push(key);
        }
    }

    /// One that has something to be written or decided; each once per round.
    pub fn next_dirty(&mut self) -> Option<Key> {
        while let Some(key) = self.dirty.pop() {
            if let Some(stream) = self.all.get_mut(key) {
                stream.is_dirty = false;
                return Some(key);
            }
        }
        None
    }

    /// Write what waits. A fault: the connection is over.
    pub fn flush(&mut self, key: Key, epoll: &Epoll) -> Result<(), Fault> {
        let Some(stream) = self.all.get_mut(key) else { return Ok(()) };
        if stream.is_leaving && stream.waiting == 0 {
            return Err(Fault::Closed);
        }
        if !stream.is_open {
            return Ok(());
        }
        stream.frames.rest();
        if !stream.outgoing.is_empty() && stream.outgoing.write_to(&stream.socket) == Wrote::Broken {
            return Err(Fault::Reset);
        }
        let wanted = if stream.outgoing.is_empty() { Interest::READ } else { Interest::READ.and(Interest::WRITE) };
        if wanted != stream.interest {
            stream.interest = wanted;
            let token = Token::TcpUpstream(key).to_word();
            epoll.change(&stream.socket, token, wanted).map_err(|_| Fault::Reset)?;
        }
        Ok(())
    }

    /// An alarm rang. True: the connection was idle for too long and must be closed.
    #[must_use]
    pub fn on_alarm(&mut self, key: Key, when: Moment, now: Moment, timers: &mut Timers) -> bool {
        let Some(stream) = self.all.get_mut(key) else { return false };
        if !stream.alarm.rang(when) {
            return false;
        }
        let idle_until = stream.used.plus(stream.expire);
        if stream.waiting == 0 && idle_until <= now {
            return true;
        }
        let mut next = if idle_until <= now { now.plus(stream.expire) } else { idle_until };
        if stream.waiting > 0
            && let Some(pooled) = self.pools.get_mut(&stream.pool)
        {
            let patience = pooled.patience();
            if now.since(stream.moved) >= patience {
                stream.tell_stuck(pooled, now, &mut self.stuck);
                next = next.min(now.plus(patience));
            } else {
                next = next.min(stream.moved.plus(patience));
            }
        }
        timers.ensure(&mut stream.alarm, next, Token::TcpUpstream(key).to_word());
        false
    }

    /// Close; gives those who still waited.
    pub fn close(&mut self, key: Key) -> Vec<ExchangeId> {
        let Some(stream) = self.all.remove(key) else { return Vec::new() };
        if let Some(pooled) = self.pools.get_mut(&stream.pool) {
            pooled.keys.retain(|other| *other != key);
            if pooled.keys.is_empty() {
                self.pools.remove(&stream.pool);
            }
        }
        stream.asked.into_values().filter_map(|asked| asked.exchange).collect()
    }
}

/// An ID is over.
fn note_settled(settled: &mut VecDeque<u16>, id: u16) {
    if settled.len() >= SETTLED_KEPT {
        settled.pop_front();
    }
    settled.push_back(id);
}

fn connect(to: &Destination) -> std::io::Result<TcpStream> {
    let domain = Domain::for_address(to.address);
    let socket = Socket::new(domain, Type::STREAM.nonblocking().cloexec(), None)?;
    socket.set_tcp_nodelay(true)?;
    if let Some(source) = to.source {
        sys::bind_without_port(socket.as_fd())?;
        socket.bind(&SockAddr::from(SocketAddr::new(source, 0)))?;
    }
    match socket.connect(&SockAddr::from(to.address)) {
        Ok(()) => Ok(socket.into()),
        Err(error) if error.raw_os_error() == Some(libc::EINPROGRESS) => Ok(socket.into()),
        Err(error) => Err(error),
    }
}
