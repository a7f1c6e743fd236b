//! Clients' connections: framing, pipelining, limits and deadlines, with real sockets on loopback.
//! size: a bench and its table of deeds.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a test may fail loudly"
)]

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use nodens_core::Rejected;
use nodens_core::plan::ListenerPlan;
use nodens_core::step::ListenerId;
use nodens_engine::guests::{Guests, Limits};
use nodens_engine::listener::{self, Place};
use nodens_engine::slab::Key;
use nodens_engine::sys::{self, Epoll, Interest};
use nodens_engine::tcp::{Door, Tcp, Timeouts};
use nodens_engine::timers::Timers;
use nodens_engine::token::Token;

const DEADLINE: Duration = Duration::from_secs(5);
const ROOMY: Limits = Limits { connections: 100, connections_per_client: 100, queries_per_connection: 100 };

/// The client side of a worker, and nothing else of it. Queries are kept until the test answers them.
struct Bench {
    epoll: Epoll,
    timers: Timers,
    guests: Guests,
    tcp: Tcp,
    address: SocketAddr,
    asked: Vec<(u64, Vec<u8>)>,
    rejected: Vec<Rejected>,
    closed: Vec<bool>,
}

impl Bench {
    fn new(limits: Limits, (read, idle, write): (u64, u64, u64)) -> Self {
        let place = Place { address: "127.0.0.1:0".parse().unwrap(), is_dual_stack: false, is_freebind: false };
        let (address, mut sockets) = listener::bind(&place, 1, true).unwrap();
        let timeouts = Timeouts::of(&ListenerPlan {
            address: address.ip(),
            scope_id: 0,
            port: address.port(),
            is_dual_stack: false,
            is_freebind: false,
            label: String::new(),
            zones: Vec::new(),
            tcp_read_timeout_ms: read,
            tcp_idle_timeout_ms: idle,
            tcp_write_timeout_ms: write,
        });
        let (epoll, mut tcp) = (Epoll::new().unwrap(), Tcp::new(limits));
        let door = tcp.doors.insert_with(|_| Door::new(sockets.remove(0).tcp, address, ListenerId(1), timeouts));
        let token = Token::TcpListener(door).to_word();
        epoll.add(tcp.doors.get(door).unwrap().socket(), token, Interest::READ).unwrap();
        let (asked, rejected, closed) = (Vec::new(), Vec::new(), Vec::new());
        Self { epoll, timers: Timers::default(), guests: Guests::default(), tcp, address, asked, rejected, closed }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream
    }

    fn close(&mut self, key: Key) {
        self.closed.push(self.tcp.close(key, &self.guests));
    }

    fn answer(&mut self, number: usize, message: &[u8]) {
        let handle = self.asked[number].0;
        self.tcp.reply(handle, Some(message), sys::now());
    }

    /// Turn as a worker does, until `is_enough`.
    fn turn_until(&mut self, is_enough: impl Fn(&Self) -> bool) {
        let until = Instant::now() + DEADLINE;
        let mut scratch = vec![0; 65536];
        loop {
            let now = sys::now();
            while let Some((when, token)) = self.timers.pop(now) {
                if let Token::Connection(key) = Token::from_word(token)
                    && !self.tcp.on_alarm(key, when, now, &mut self.timers)
                {
                    self.close(key);
                }
            }
            while let Some(key) = self.tcp.next_dirty() {
                let rejected = &mut self.rejected;
                while let Some((query, client)) = self.tcp.next_query(key, now, |reason| rejected.push(reason)) {
                    let end = query.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
                    self.asked.push((client.handle, query[..end].to_vec()));
                }
                if !self.tcp.flush(key, now, &self.epoll, &mut self.timers) {
                    self.close(key);
                }
            }
            if is_enough(self) {
                return;
            }
            assert!(Instant::now() < until, "nothing more happens: {:?} {:?}", self.asked.len(), self.closed);
            let count = self.epoll.wait(Duration::from_millis(10));
            let now = sys::now();
            for index in 0..count {
                let ready = self.epoll.ready(index).unwrap();
                match Token::from_word(ready.token) {
                    Token::TcpListener(door) => {
                        let rejected = &mut self.rejected;
                        let with = (&self.epoll, &mut self.timers, &self.guests);
                        self.tcp.accept(door, now, with, |reason| rejected.push(reason));
                    }
                    Token::Connection(key) => {
                        if ready.is_readable() && !self.tcp.read(key, &mut scratch) {
                            self.close(key);
                        }
                        self.tcp.mark(key);
                    }
                    _ => {}
                }
            }
        }
    }
}

/// A query, as long as the shortest there is.
fn framed(message: &[u8]) -> Vec<u8> {
    let padding = vec![0; 12_usize.saturating_sub(message.len())];
    let length = u16::try_from(message.len() + padding.len()).unwrap();
    [&length.to_be_bytes()[..], message, &padding].concat()
}

fn take(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut head = [0; 2];
    stream.read_exact(&mut head).ok()?;
    let mut message = vec![0; usize::from(u16::from_be_bytes(head))];
    stream.read_exact(&mut message).ok()?;
    Some(message)
}

#[test]
fn pipelined_queries_may_be_answered_out_of_order_even_after_the_client_ended() {
    let mut bench = Bench::new(ROOMY, (5000, 5000, 5000));
    let mut client = bench.connect();
    client.write_all(&[framed(b"first"), framed(b"second")].concat()).unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    bench.turn_until(|bench| bench.asked.len() == 2);
    assert_eq!(bench.asked.iter().map(|(_, query)| &query[..]).collect::<Vec<_>>(), [&b"first"[..], b"second"]);
    bench.answer(1, b"to the second");
    bench.turn_until(|bench| !bench.tcp.owes());
    assert_eq!(take(&mut client).unwrap(), b"to the second");
    bench.answer(0, b"to the first");
    bench.turn_until(|bench| bench.closed == [false]);
    assert_eq!((take(&mut client).unwrap(), take(&mut client)), (b"to the first".to_vec(), None));
}

#[test]
fn a_query_that_comes_byte_by_byte_is_heard_once_it_is_whole() {
    let mut bench = Bench::new(ROOMY, (5000, 5000, 5000));
    let mut client = bench.connect();
    client.set_nodelay(true).unwrap();
    for byte in framed(b"whole") {
        client.write_all(&[byte]).unwrap();
        let turns = std::cell::Cell::new(0);
        bench.turn_until(|_| turns.replace(turns.get() + 1) == 1);
    }
    bench.turn_until(|bench| bench.asked.len() == 1);
    assert_eq!(bench.asked[0].1, b"whole");
}

#[test]
fn too_many_connections_are_closed_at_once_and_counted_with_their_reason() {
    for is_everybody in [true, false] {
        let (limits, reason) = if is_everybody {
            (Limits { connections: 2, ..ROOMY }, Rejected::Connections)
        } else {
            (Limits { connections_per_client: 2, ..ROOMY }, Rejected::ClientConnections)
        };
        let mut bench = Bench::new(limits, (5000, 5000, 5000));
        let mut clients: Vec<_> = (0..2).map(|_| bench.connect()).collect();
        for client in &mut clients {
            client.write_all(&framed(b"busy")).unwrap();
        }
        bench.turn_until(|bench| bench.asked.len() == 2);
        clients.push(bench.connect());
        bench.turn_until(|bench| !bench.rejected.is_empty());
        assert_eq!(bench.rejected, [reason]);
        assert_eq!(take(&mut clients[2]), None);
        bench.answer(0, b"done");
        bench.answer(1, b"done");
        drop(clients.remove(0));
        bench.turn_until(|bench| bench.closed.len() == 1);
        let mut next = bench.connect();
        next.write_all(&framed(b"room again")).unwrap();
        bench.turn_until(|bench| bench.asked.len() == 3);
    }
}

#[test]
fn beyond_the_limit_of_unanswered_queries_nothing_is_read_until_some_are_answered() {
    let mut bench = Bench::new(Limits { queries_per_connection: 3, ..ROOMY }, (5000, 5000, 5000));
    let mut client = bench.connect();
    for number in 0..10_u8 {
        client.write_all(&framed(&[number])).unwrap();
    }
    for answered in 0..10 {
        let expected = (answered + 3).min(10);
        bench.turn_until(|bench| bench.asked.len() == expected);
        bench.answer(answered, &[u8::try_from(answered).unwrap()]);
    }
    bench.turn_until(|bench| !bench.tcp.owes());
    let heard: Vec<_> = (0..10).map(|_| take(&mut client).unwrap()[0]).collect();
    assert_eq!(heard, (0..10).collect::<Vec<_>>());
    assert!(bench.rejected.iter().all(|reason| *reason == Rejected::ConnectionQueries) && !bench.rejected.is_empty());
}

#[test]
fn deadlines_close_who_says_nothing_who_dribbles_and_who_idles_but_not_who_waits() {
    type Deed = fn(&mut TcpStream);
    type Row = (&'static str, (u64, u64, u64), Deed, usize, bool);
    let rows: [Row; 4] = [
        ("says nothing", (40, 5000, 5000), |_| (), 0, true),
        ("begins and does not end", (40, 5000, 5000), |client| client.write_all(&[0, 19, 1]).unwrap(), 0, true),
        ("idles after a reply", (5000, 40, 5000), |client| client.write_all(&framed(b"q")).unwrap(), 1, true),
        ("waits for a reply", (5000, 40, 5000), |client| client.write_all(&framed(b"q")).unwrap(), 1, false),
    ];
    for (who, timeouts, deed, queries, closes) in rows {
        let mut bench = Bench::new(ROOMY, timeouts);
        let mut client = bench.connect();
        deed(&mut client);
        bench.turn_until(|bench| bench.asked.len() == queries);
        if queries > 0 && closes {
            bench.answer(0, b"a");
        }
        let begin = Instant::now();
        if closes {
            bench.turn_until(|bench| bench.closed == [false]);
            assert!(begin.elapsed() > Duration::from_millis(20), "{who}: closed too early");
        } else {
            bench.turn_until(|_| begin.elapsed() > Duration::from_millis(150));
            assert!(bench.closed.is_empty(), "{who}");
        }
    }
}

/// A client who asks and never reads; replies of the largest size are given as soon as queries are heard.
fn glut(bench: &mut Bench, queries: usize, is_patient: bool) -> usize {
    let mut client = bench.connect();
    for _ in 0..queries {
        client.write_all(&framed(b"q")).unwrap();
    }
    if is_patient {
        bench.turn_until(|bench| bench.asked.len() == queries);
    }
    let mut answered = 0;
    let until = Instant::now() + DEADLINE;
    while bench.closed.is_empty() {
        assert!(Instant::now() < until, "still open after {answered} replies");
        let turns = std::cell::Cell::new(0);
        bench.turn_until(|_| turns.replace(turns.get() + 1) == 1);
        while answered < bench.asked.len() && bench.closed.is_empty() {
            bench.answer(answered, &vec![0; 65_000]);
            answered += 1;
        }
    }
    answered
}

#[test]
fn a_client_who_does_not_read_is_closed_in_time_and_reading_pauses_before() {
    let mut bench = Bench::new(ROOMY, (5000, 5000, 50));
    let answered = glut(&mut bench, 400, false);
    assert_eq!(bench.closed, [false]);
    assert!(answered < 400, "{answered}");
}

#[test]
fn a_client_who_does_not_read_is_closed_when_it_is_owed_too_much() {
    let mut bench = Bench::new(Limits { queries_per_connection: 400, ..ROOMY }, (5000, 5000, 60_000));
    assert_eq!(glut(&mut bench, 400, true), 400);
}

#[test]
fn a_full_house_lets_in_who_comes_and_lets_go_who_idles_longest() {
    let mut bench = Bench::new(Limits { connections: 2, ..ROOMY }, (5000, 5000, 5000));
    let mut idle = bench.connect();
    bench.turn_until(|bench| bench.tcp.keys().len() == 1);
    let mut later = bench.connect();
    later.write_all(&framed(b"later")).unwrap();
    bench.turn_until(|bench| bench.asked.len() == 1);
    bench.answer(0, b"done");
    let mut new = bench.connect();
    new.write_all(&framed(b"new")).unwrap();
    bench.turn_until(|bench| bench.asked.len() == 2);
    assert_eq!(take(&mut idle), None);
    assert_eq!((take(&mut later).unwrap(), bench.rejected.len()), (b"done".to_vec(), 0));
}

#[test]
fn who_sends_what_no_client_sends_is_closed_before_it_costs_memory() {
    for (what, sent, reason) in [
        ("nothing at all", vec![0, 0], Rejected::Short),
        ("less than a header", vec![0, 11], Rejected::Short),
        ("a promise of 64 KB", vec![0xff, 0xff], Rejected::Oversize),
        ("one byte more than is read", vec![0x10, 0x01], Rejected::Oversize),
    ] {
        let mut bench = Bench::new(ROOMY, (5000, 5000, 5000));
        let mut client = bench.connect();
        client.write_all(&[framed(b"first"), sent].concat()).unwrap();
        bench.turn_until(|bench| !bench.closed.is_empty());
        assert_eq!((bench.asked.len(), bench.rejected.as_slice()), (1, &[reason][..]), "{what}");
        assert_eq!(take(&mut client), None);
    }
}
