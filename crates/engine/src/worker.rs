//! One thread: wait, receive a batch, ask the resolver, do its steps, send a batch.
//! size: the loop and all it touches are one story, read from top to bottom.

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use nodens_core::step::{Answer, Fault, Heard, Step, Steps};
use nodens_core::time::Moment;
use nodens_core::{Rejected, Resolver, Shared};

use crate::error::Protocol;
use crate::events::Events;
use crate::guests::{Guests, Limits};
use crate::handover::Handed;
use crate::listener::Place;
use crate::orders::{Coming, Mailbox, Order};
use crate::slab::Key;
use crate::sys::{self, Epoll, Interest, Ready};
use crate::tcp::{Door, Tcp, Timeouts};
use crate::timers::Timers;
use crate::token::Token;
use crate::udp::{Asked, Ear, Udp};
use crate::upstream::{Upstream, datagram, stream};

/// The longest sleep of an idle worker: it turns at least once a second (its pulse), even if it is woken late.
const LONGEST_WAIT: Duration = Duration::from_millis(500);
/// Batches taken from one socket before others get their turn.
const BATCHES_AT_ONCE: usize = 4;
/// Datagrams heard on one upstream socket in a turn: a liar may send many.
const DATAGRAMS_AT_ONCE: usize = 8;
/// Rounds of faults and flushes in one turn; what is left waits for the next.
const ROUNDS_AT_ONCE: usize = 16;
/// A socket whose listener left stays so long, for the replies of queries in flight.
pub const FAREWELL: Duration = Duration::from_secs(3);
/// The same, when none is in flight: for what the kernel had already addressed to it. A worker that is to end waits as
/// long, also for the first queries of clients that it let in at the last moment.
const SHORT_FAREWELL: Duration = Duration::from_millis(20);
/// Rounds of accepting before a door is shut: more than its queue holds; a flood shall not keep it open.
const ROUNDS_AT_A_LAST_DOOR: usize = 64;
/// Bytes read from a stream in one call.
const SCRATCH: usize = 64 << 10;
/// The longest message.
const MESSAGE: usize = 65_535;

/// What all workers of an engine hold together.
pub struct Common {
    /// The logic's shared part.
    pub shared: Arc<Shared>,
    /// One for each worker.
    pub mailboxes: Vec<Mailbox>,
    /// Open connections.
    pub guests: Guests,
    /// For the control plane.
    pub events: Events,
}

/// A listener's sockets in a worker.
struct Listening {
    place: Place,
    ears: Vec<Key>,
    doors: Vec<Key>,
}

/// Set by the order to stop.
#[derive(Clone, Copy)]
struct Ending {
    /// Whatever is still open then is dropped.
    deadline: Moment,
    /// It does not end before.
    settled: Moment,
    /// Connections go on until they are idle.
    is_handed_over: bool,
}

/// Everything that does I/O, apart from the resolver, so that both can be borrowed at once.
struct Hands {
    common: Arc<Common>,
    epoll: Epoll,
    timers: Timers,
    udp: Udp,
    tcp: Tcp,
    upstream: Upstream,
}

impl Hands {
    /// Do what the resolver wants, in order.
    fn perform(&mut self, steps: &mut Steps, now: Moment) {
        for step in steps.iter() {
            match step {
                Step::Reply { client, message } => match client.transport {
                    nodens_core::step::ClientTransport::Udp => self.udp.send(steps.message(message), &client),
                    nodens_core::step::ClientTransport::Tcp => {
                        self.tcp.reply(client.handle, Some(steps.message(message)), now);
                    }
                },
                Step::Send { exchange, to, message } => {
                    let with = (&self.epoll, &mut self.timers);
                    self.upstream.send(exchange, &to, steps.message(message), now, with);
                }
                Step::Forget { exchange } => self.upstream.forget(exchange, now),
                Step::Nudge { worker } => {
                    if let Some(mailbox) = self.common.mailboxes.get(worker) {
                        mailbox.nudge();
                    }
                }
            }
        }
        steps.clear();
    }
}

/// A worker.
pub struct Worker {
    number: usize,
    hands: Hands,
    resolver: Resolver,
    steps: Steps,
    listening: Vec<Listening>,
    /// UDP sockets that may hold more than was taken.
    unfinished: Vec<Key>,
    scratch: Vec<u8>,
    reply: Vec<u8>,
    sockets: usize,
    /// Bytes of clients' connections, as the budget knows them.
    held: usize,
    now: Moment,
    /// When the clock on the wall is looked at again; the first worker does that.
    wall_clock_at: Moment,
    ending: Option<Ending>,
}

impl Worker {
    /// A worker without listeners. `sockets`: how many descriptors it may spend on upstreams.
    pub fn new(common: Arc<Common>, number: usize, sockets: usize, limits: Limits) -> io::Result<Self> {
        let epoll = Epoll::new()?;
        if let Some(mailbox) = common.mailboxes.get(number) {
            epoll.add(mailbox.bell(), Token::Bell.to_word(), Interest::READ)?;
        }
        let shared = Arc::clone(&common.shared);
        let resolver = shared.resolver(number, sys::now());
        let upstream = Upstream::new(shared, sockets);
        let (udp, tcp, timers) = (Udp::new(), Tcp::new(limits), Timers::default());
        Ok(Self {
            number,
            hands: Hands { common, epoll, timers, udp, tcp, upstream },
            resolver,
            steps: Steps::new(),
            listening: Vec::new(),
            unfinished: Vec::new(),
            scratch: vec![0; SCRATCH],
            reply: vec![0; MESSAGE],
            sockets,
            held: 0,
            now: sys::now(),
            wall_clock_at: Moment::START,
            ending: None,
        })
    }

    /// Take up a listener.
    pub fn listen(&mut self, coming: Coming) -> io::Result<()> {
        let Coming { place, address, id, sockets, more_doors, more_ears, timeouts } = coming;
        let mut ears = Vec::new();
        for ear in std::iter::once(sockets.udp).chain(more_ears) {
            ears.push(self.add_ear(Ear::new(ear, address, id))?);
        }
        let mut doors = Vec::new();
        for door in std::iter::once(sockets.tcp).chain(more_doors) {
            doors.push(self.add_door(Door::new(door, address, id, timeouts))?);
        }
        self.listening.push(Listening { place, ears, doors });
        Ok(())
    }

    fn add_ear(&mut self, new: Ear) -> io::Result<Key> {
        let ear = self.hands.udp.ears.insert_with(|_| new);
        if let Some(ear_now) = self.hands.udp.ears.get(ear) {
            self.hands.epoll.add(ear_now.socket(), Token::UdpListener(ear).to_word(), Interest::READ_EDGE)?;
        }
        Ok(ear)
    }

    fn add_door(&mut self, new: Door) -> io::Result<Key> {
        let door = self.hands.tcp.doors.insert_with(|_| new);
        if let Some(door_now) = self.hands.tcp.doors.get(door) {
            self.hands.epoll.add(door_now.socket(), Token::TcpListener(door).to_word(), Interest::READ)?;
        }
        Ok(door)
    }

    /// Hear nothing new on an ear; what it heard is answered, and it stays for its last replies.
    fn leave(&mut self, ear: Key, now: Moment) {
        if let Some(ear) = self.hands.udp.ears.get(ear) {
            ear.retire();
        }
        self.unfinished.push(ear);
        self.hands.timers.once(now.plus(FAREWELL), Token::UdpListener(ear).to_word());
    }

    /// Turn until told to stop. A panic is counted and told; the worker goes on with a new resolver.
    pub fn run(mut self) {
        loop {
            match catch_unwind(AssertUnwindSafe(|| self.turn())) {
                Ok(true) => {}
                Ok(false) => return,
                Err(panic) => self.recover(panic.as_ref()),
            }
        }
    }

    /// One turn of the loop; false when it was the last.
    fn turn(&mut self) -> bool {
        let count = self.hands.epoll.wait(self.until_next());
        let now = self.tick();
        if self.number == 0 && self.wall_clock_at <= now {
            self.hands.common.shared.set_wall_clock(sys::unix_s(), now);
            self.wall_clock_at = now.plus(LONGEST_WAIT);
        }
        for ear in std::mem::take(&mut self.unfinished) {
            self.hear(ear, now);
        }
        for index in 0..count {
            if let Some(ready) = self.hands.epoll.ready(index) {
                self.on_ready(ready, now);
            }
        }
        let now = self.now; // as of the last batch: what is due a few microseconds later is due in the next turn
        if self.resolver.next_wake().is_some_and(|due| due <= now) {
            self.resolver.on_time(now, &mut self.steps);
            self.hands.perform(&mut self.steps, now);
        }
        while let Some((when, token)) = self.hands.timers.pop(now) {
            self.on_alarm(Token::from_word(token), when, now);
        }
        for exchange in self.hands.upstream.streams.take_stuck() {
            self.resolver.on_stuck(exchange, now, &mut self.steps);
            self.hands.perform(&mut self.steps, now);
        }
        self.finish(now);
        if let Some(mailbox) = self.hands.common.mailboxes.get(self.number) {
            mailbox.note_turn();
        }
        !self.is_done(now)
    }

    /// Look at the clock: once a wait and once a batch.
    fn tick(&mut self) -> Moment {
        self.now = sys::now();
        self.now
    }

    fn until_next(&self) -> Duration {
        if !self.unfinished.is_empty() || self.hands.upstream.has_fault() {
            return Duration::ZERO;
        }
        let end = self.ending.map(|ending| if self.now < ending.settled { ending.settled } else { ending.deadline });
        let due = [self.resolver.next_wake(), self.hands.timers.next(), end].into_iter().flatten().min();
        due.map_or(LONGEST_WAIT, |due| due.since(self.now).min(LONGEST_WAIT))
    }

    fn is_done(&self, now: Moment) -> bool {
        self.ending.is_some_and(|ending| {
            let is_quiet = || {
                let tcp = &self.hands.tcp;
                let may_part = if ending.is_handed_over { !tcp.has_guests() } else { !tcp.is_being_told() };
                self.unfinished.is_empty() && self.resolver.in_flight() == 0 && !tcp.owes() && may_part
            };
            ending.deadline <= now || (ending.settled <= now && is_quiet())
        })
    }

    fn on_ready(&mut self, ready: Ready, now: Moment) {
        match Token::from_word(ready.token) {
            Token::Bell => self.on_bell(now),
            Token::UdpListener(ear) => self.hear(ear, now),
            Token::TcpListener(door) => drop(self.accept(door, now)),
            Token::Connection(key) => {
                if ready.is_readable() && !self.hands.tcp.read(key, now, &mut self.scratch) {
                    self.close(key);
                }
                self.hands.tcp.mark(key);
            }
            Token::UdpUpstream(key) => self.on_datagram(key, now),
            Token::TcpUpstream(key) => self.on_stream(key, now),
        }
    }

    /// Take datagrams of clients, answer them.
    fn hear(&mut self, ear: Key, received: Moment) {
        for _ in 0..BATCHES_AT_ONCE {
            let count = self.hands.udp.receive(ear);
            if count == 0 {
                return;
            }
            let now = self.tick();
            for index in 0..count {
                match self.hands.udp.asked(ear, index, received) {
                    Some(Asked::Query { query, client, reply }) => {
                        let answer = self.resolver.on_query(query, &client, now, reply, &mut self.steps);
                        if let Answer::Reply(length) = answer {
                            self.hands.udp.reply(length, &client);
                        }
                    }
                    Some(Asked::Oversize) => self.reject(Rejected::Oversize),
                    None => {}
                }
                if !self.steps.is_empty() {
                    self.hands.perform(&mut self.steps, now);
                }
            }
            self.hands.udp.flush();
            if count < Udp::batch() {
                return;
            }
        }
        self.unfinished.push(ear);
    }

    fn reject(&self, reason: Rejected) {
        self.hands.common.shared.note_rejected(self.number, reason);
    }

    fn accept(&mut self, door: Key, now: Moment) -> usize {
        let Hands { common, epoll, timers, tcp, .. } = &mut self.hands;
        let number = self.number;
        tcp.accept(door, now, (epoll, timers, &common.guests), |reason| common.shared.note_rejected(number, reason))
    }

    /// Answer the whole queries that a connection holds.
    fn serve(&mut self, key: Key, now: Moment) {
        loop {
            let Self { hands: Hands { tcp, common, .. }, resolver, steps, reply, number, .. } = self;
            let reject = |reason| common.shared.note_rejected(*number, reason);
            let Some((query, client)) = tcp.next_query(key, now, reject) else { return };
            match resolver.on_query(query, &client, now, reply, steps) {
                Answer::Reply(length) => tcp.reply(client.handle, Some(reply.get(..length).unwrap_or_default()), now),
                Answer::Silence => tcp.reply(client.handle, None, now),
                Answer::Later => {}
            }
            self.hands.perform(&mut self.steps, now);
        }
    }

    fn close(&mut self, key: Key) {
        if self.hands.tcp.close(key, &self.hands.common.guests) {
            self.resolver.forget_client(key.to_word());
        }
    }

    fn on_datagram(&mut self, key: Key, now: Moment) {
        for _ in 0..DATAGRAMS_AT_ONCE {
            match self.hands.upstream.datagrams.receive(key, &mut self.scratch) {
                datagram::Said::Message(exchange, message) => {
                    let heard = self.resolver.on_response(exchange, message, now, &mut self.steps);
                    if heard == Heard::Settled {
                        self.hands.upstream.settle(exchange);
                    }
                    self.hands.perform(&mut self.steps, now);
                    if heard == Heard::Settled {
                        return;
                    }
                }
                datagram::Said::Stranger => {}
                datagram::Said::Nothing => return,
                datagram::Said::Fault(fault) => return self.hands.upstream.fail_datagram(key, fault),
            }
        }
    }

    fn on_stream(&mut self, key: Key, now: Moment) {
        let filled = self.hands.upstream.streams.fill(key, now, &mut self.scratch);
        loop {
            match self.hands.upstream.streams.next_message(key, now) {
                stream::Said::Message(exchange, message) => {
                    match self.resolver.on_response(exchange, message, now, &mut self.steps) {
                        Heard::Settled => self.hands.upstream.settle(exchange),
                        Heard::Stranger => self.hands.upstream.fail_stream(key, Fault::Reset),
                    }
                    self.hands.perform(&mut self.steps, now);
                }
                stream::Said::Late => {}
                stream::Said::Stranger => self.hands.upstream.fail_stream(key, Fault::Reset),
                stream::Said::Nothing => break,
            }
        }
        match filled {
            stream::Filled::Alive => self.hands.upstream.streams.mark(key),
            stream::Filled::Over(fault) => self.hands.upstream.fail_stream(key, fault),
        }
    }

    fn on_alarm(&mut self, token: Token, when: Moment, now: Moment) {
        let Hands { epoll, timers, udp, tcp, upstream, .. } = &mut self.hands;
        match token {
            Token::Connection(key) => {
                if !tcp.on_alarm(key, when, now, timers) {
                    self.close(key);
                }
            }
            Token::TcpUpstream(key) => {
                if upstream.streams.on_alarm(key, when, now, timers) {
                    upstream.fail_stream(key, Fault::Closed);
                }
            }
            Token::TcpListener(door) => tcp.reopen(door, epoll),
            Token::UdpListener(ear) => {
                udp.flush(); // replies of this very turn may wait to leave through it
                if let Some(ear) = udp.ears.remove(ear) {
                    let _ = epoll.remove(ear.socket()); // closing is not enough where another process has it, too
                }
            }
            Token::Bell | Token::UdpUpstream(_) => {}
        }
    }

    /// Tell faults, write what waits, until there is nothing left to tell or write.
    fn finish(&mut self, now: Moment) {
        for _ in 0..ROUNDS_AT_ONCE {
            let mut is_quiet = true;
            self.tell_dialing();
            while let Some((exchange, fault)) = self.hands.upstream.next_fault() {
                self.resolver.on_fault(exchange, fault, now, &mut self.steps);
                self.hands.perform(&mut self.steps, now);
                is_quiet = false;
            }
            while let Some(key) = self.hands.tcp.next_dirty() {
                let now = self.tick(); // a reply's time is measured from the read
                self.serve(key, now);
                let Hands { epoll, timers, tcp, .. } = &mut self.hands;
                if !tcp.flush(key, now, epoll, timers) {
                    self.close(key);
                }
            }
            while let Some(key) = self.hands.tcp.hungriest() {
                self.close(key);
            }
            while let Some(key) = self.hands.upstream.streams.next_dirty() {
                if let Err(fault) = self.hands.upstream.streams.flush(key, &self.hands.epoll) {
                    self.hands.upstream.fail_stream(key, fault);
                    is_quiet = false;
                }
            }
            if is_quiet {
                break;
            }
        }
        self.tell_dialing();
        self.hands.upstream.tell_connections();
        let held = self.hands.tcp.held();
        if held != self.held {
            self.hands.common.shared.note_buffers(self.held, held);
            self.held = held;
        }
        self.hands.udp.flush();
    }

    /// Tell which exchanges wait for a connection to be made.
    fn tell_dialing(&mut self) {
        for (exchange, is_dialing) in self.hands.upstream.streams.take_dialing() {
            self.resolver.on_dialing(exchange, is_dialing);
        }
    }

    fn on_bell(&mut self, now: Moment) {
        let common = Arc::clone(&self.hands.common);
        let Some(mailbox) = common.mailboxes.get(self.number) else { return };
        mailbox.bell().hush();
        if mailbox.was_nudged() {
            self.resolver.on_nudge(now, &mut self.steps);
            self.hands.perform(&mut self.steps, now);
        }
        for order in mailbox.take() {
            match order {
                Order::Apply { come, stay, limits, done } => {
                    self.apply(come, &stay, limits, now);
                    done.pass();
                }
                #[cfg(test)]
                Order::Panic => panic!("told to"),
                Order::Lend { to } => drop(to.send(self.lend())),
                Order::Release { done } => {
                    self.release();
                    done.pass();
                }
                Order::Stop { deadline, is_handed_over } => self.stop(deadline, is_handed_over, now),
            }
        }
    }

    fn apply(&mut self, come: Vec<Coming>, stay: &[(Place, Timeouts)], limits: Limits, now: Moment) {
        self.hands.tcp.set_limits(limits);
        let (kept, left): (Vec<_>, Vec<_>) = std::mem::take(&mut self.listening)
            .into_iter()
            .partition(|listening| stay.iter().any(|(place, _)| *place == listening.place));
        self.listening = kept;
        for listening in &self.listening {
            let timeouts = stay.iter().find(|(place, _)| *place == listening.place).map(|(_, timeouts)| *timeouts);
            for door in &listening.doors {
                if let (Some(door), Some(timeouts)) = (self.hands.tcp.doors.get_mut(*door), timeouts) {
                    door.set_timeouts(timeouts);
                }
            }
        }
        for coming in come {
            if let Err(error) = self.listen(coming) {
                let message = format!("worker {}: cannot listen: {error}", self.number);
                self.hands.common.events.tell("listener lost", message);
            }
        }
        for listening in &left {
            for &key in &listening.ears {
                if let Some(ear) = self.hands.udp.ears.get(key) {
                    ear.retire();
                }
                self.hear(key, now); // what was asked before is answered as before
            }
            for door in &listening.doors {
                self.shut(*door, now);
            }
        }
        self.resolver.on_plan(now, &mut self.steps);
        self.hands.perform(&mut self.steps, now);
        for Listening { ears, place, .. } in left {
            // Its last replies leave from the address that was asked; a datagram that was on its way in is still heard.
            let heir = self.listening.iter().find(|other| other.place.overlaps(&place));
            let heir = heir.and_then(|heir| self.hands.udp.ears.get(*heir.ears.first()?)).map(Ear::listener);
            let stay = if self.resolver.in_flight() == 0 { SHORT_FAREWELL } else { FAREWELL };
            for ear in ears {
                if let (Some(old), Some(heir)) = (self.hands.udp.ears.get_mut(ear), heir) {
                    old.hand_over(heir);
                }
                self.hands.timers.once(now.plus(stay), Token::UdpListener(ear).to_word());
            }
        }
    }

    /// Let in all who wait, then close a listening TCP socket.
    fn shut(&mut self, door: Key, now: Moment) {
        for _ in 0..ROUNDS_AT_A_LAST_DOOR {
            if self.accept(door, now) == 0 {
                break;
            }
        }
        self.remove_door(door);
    }

    fn remove_door(&mut self, door: Key) {
        if let Some(door) = self.hands.tcp.doors.remove(door) {
            let _ = self.hands.epoll.remove(door.socket()); // closing is not enough where another process has it, too
        }
    }

    /// Duplicates of what listens; one that cannot be duplicated is bound anew by whoever gets the others.
    fn lend(&mut self) -> Vec<Handed> {
        let mut lent = Vec::new();
        for listening in &self.listening {
            for key in &listening.ears {
                if let Some(ear) = self.hands.udp.ears.get_mut(*key) {
                    ear.lend();
                    lent.extend(Handed::of(ear.address(), Protocol::Udp, ear.socket()));
                }
            }
            for door in listening.doors.iter().filter_map(|door| self.hands.tcp.doors.get(*door)) {
                lent.extend(Handed::of(door.address(), Protocol::Tcp, door.socket()));
            }
        }
        lent
    }

    /// Read no more from the listening sockets. Ears stay for the replies of queries in flight.
    fn release(&mut self) {
        for Listening { ears, doors, .. } in std::mem::take(&mut self.listening) {
            for key in ears {
                if let Some(ear) = self.hands.udp.ears.get_mut(key) {
                    ear.release(); // this very turn may still be told that it has something to say
                    let _ = self.hands.epoll.remove(ear.socket());
                }
            }
            for door in doors {
                self.remove_door(door);
            }
        }
    }

    fn stop(&mut self, deadline: Moment, is_handed_over: bool, now: Moment) {
        if is_handed_over {
            self.release();
        }
        for Listening { ears, doors, .. } in std::mem::take(&mut self.listening) {
            for ear in ears {
                self.leave(ear, now);
            }
            for door in doors {
                self.shut(door, now);
            }
        }
        self.ending = Some(Ending { deadline, settled: now.plus(SHORT_FAREWELL), is_handed_over });
    }

    /// After a panic: what was half done is dropped, what listens goes on.
    fn recover(&mut self, panic: &(dyn Any + Send)) {
        let what = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        let message = format!("worker {}: panicked: {}", self.number, what.unwrap_or("no message"));
        let common = Arc::clone(&self.hands.common);
        common.events.tell("worker panicked", message);
        if let Some(mailbox) = common.mailboxes.get(self.number) {
            mailbox.note_panic();
        }
        self.steps.clear();
        self.hands.udp.drop_replies();
        for key in self.hands.tcp.keys() {
            let _ = self.hands.tcp.close(key, &common.guests);
        }
        self.hands.upstream = Upstream::new(Arc::clone(&common.shared), self.sockets);
        self.resolver = common.shared.resolver(self.number, sys::now());
        for mailbox in &common.mailboxes {
            mailbox.nudge(); // those who waited for what we asked begin to ask themselves
        }
        // An edge-triggered socket tells nothing of what it held before the panic.
        self.unfinished = self.hands.udp.ears.keys();
    }
}
