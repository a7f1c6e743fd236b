//! Connections to upstreams, against real listeners on loopback that behave in every way.
//! size: a bench and its table of deeds.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a test may fail loudly"
)]

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use nodens_core::Shared;
use nodens_core::plan::EnginePlan;
use nodens_core::step::{Destination, ExchangeId, Fault, UpstreamTransport};
use nodens_engine::sys::{self, Epoll};
use nodens_engine::timers::Timers;
use nodens_engine::token::Token;
use nodens_engine::upstream::Upstream;
use nodens_engine::upstream::stream::{Filled, Said};

const DEADLINE: Duration = Duration::from_secs(5);

/// The upstream side of a worker, and nothing else of it.
struct Bench {
    epoll: Epoll,
    timers: Timers,
    upstream: Upstream,
    answers: Vec<(u64, Vec<u8>)>,
    faults: Vec<(u64, Fault)>,
}

impl Bench {
    fn new() -> Self {
        let plan = EnginePlan {
            workers: 1,
            memory_limit_bytes: 1 << 24,
            max_tcp_connections: 1,
            max_tcp_connections_per_client: 1,
            max_queries_per_connection: 1,
            listeners: Vec::new(),
            blocks: Vec::new(),
        };
        let shared: Arc<Shared> = Shared::new(plan, 1, sys::now()).unwrap();
        let upstream = Upstream::new(shared, 256);
        Self {
            epoll: Epoll::new().unwrap(),
            timers: Timers::default(),
            upstream,
            answers: Vec::new(),
            faults: Vec::new(),
        }
    }

    fn ask(&mut self, exchange: u64, to: &Destination) {
        let with = (&self.epoll, &mut self.timers);
        self.upstream.send(ExchangeId(exchange), to, &query(exchange), sys::now(), with);
    }

    /// Turn as a worker does, until `is_enough`.
    fn turn_until(&mut self, is_enough: impl Fn(&Self) -> bool) {
        let until = Instant::now() + DEADLINE;
        let mut scratch = vec![0; 65536];
        loop {
            while let Some(key) = self.upstream.streams.next_dirty() {
                if let Err(fault) = self.upstream.streams.flush(key, &self.epoll) {
                    self.upstream.fail_stream(key, fault);
                }
            }
            while let Some((exchange, fault)) = self.upstream.next_fault() {
                self.faults.push((exchange.0, fault));
            }
            if is_enough(self) {
                return;
            }
            assert!(Instant::now() < until, "nothing more happens: {:?} {:?}", self.answers.len(), self.faults);
            let count = self.epoll.wait(Duration::from_millis(20));
            let now = sys::now();
            while let Some((when, token)) = self.timers.pop(now) {
                if let Token::TcpUpstream(key) = Token::from_word(token)
                    && self.upstream.streams.on_alarm(key, when, now, &mut self.timers)
                {
                    self.upstream.fail_stream(key, Fault::Closed);
                }
            }
            for index in 0..count {
                let Token::TcpUpstream(key) = Token::from_word(self.epoll.ready(index).unwrap().token) else {
                    continue;
                };
                let filled = self.upstream.streams.fill(key, now, &mut scratch);
                loop {
                    match self.upstream.streams.next_message(key, now) {
                        Said::Message(exchange, message) => {
                            self.answers.push((exchange.0, message[2..].to_vec()));
                            self.upstream.settle(exchange);
                        }
                        Said::Late => {}
                        Said::Stranger => self.upstream.fail_stream(key, Fault::Reset),
                        Said::Nothing => break,
                    }
                }
                match filled {
                    Filled::Alive => self.upstream.streams.mark(key),
                    Filled::Over(fault) => self.upstream.fail_stream(key, fault),
                }
            }
        }
    }
}

/// Twelve bytes of header with ID 0, and a body that tells who asked.
fn query(exchange: u64) -> Vec<u8> {
    let mut message = vec![0; 12];
    message.extend_from_slice(&exchange.to_be_bytes());
    message
}

fn destination(address: SocketAddr) -> Destination {
    Destination {
        address,
        transport: UpstreamTransport::Tcp,
        pool: 1,
        source: None,
        expire_ms: 10_000,
        max_age_ms: 0,
        max_idle: 0,
    }
}

fn listen() -> (TcpListener, Destination) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = destination(listener.local_addr().unwrap());
    (listener, to)
}

/// One framed message.
fn take(stream: &mut TcpStream) -> Option<Vec<u8>> {
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    let mut head = [0; 2];
    stream.read_exact(&mut head).ok()?;
    let mut message = vec![0; usize::from(u16::from_be_bytes(head))];
    stream.read_exact(&mut message).ok()?;
    Some(message)
}

fn give(stream: &mut TcpStream, message: &[u8]) {
    let mut bytes = u16::try_from(message.len()).unwrap().to_be_bytes().to_vec();
    bytes.extend_from_slice(message);
    stream.write_all(&bytes).unwrap();
}

#[test]
fn answers_find_their_exchanges_though_they_come_out_of_order() {
    let (listener, to) = listen();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let asked: Vec<_> = (0..2).map(|_| take(&mut stream).unwrap()).collect();
        for message in asked.iter().rev() {
            give(&mut stream, message);
        }
        asked
    });
    let mut bench = Bench::new();
    bench.ask(1, &to);
    bench.ask(2, &to);
    bench.turn_until(|bench| bench.answers.len() == 2);
    assert_eq!(bench.answers, [(2, query(2)[2..].to_vec()), (1, query(1)[2..].to_vec())]);
    let asked = server.join().unwrap();
    assert_ne!(asked[0][..2], asked[1][..2], "two queries of one connection have two IDs");
    assert!(bench.upstream.is_empty());
}

#[test]
fn queries_spread_over_a_few_connections_before_they_queue_up_deep() {
    let (listener, to) = listen();
    let mut bench = Bench::new();
    for exchange in 0..8 {
        bench.ask(exchange, &to);
    }
    assert_eq!(bench.upstream.streams.len(), 4);
    for exchange in 8..256 {
        bench.ask(exchange, &to);
    }
    assert_eq!(bench.upstream.streams.len(), 4, "a few connections, 64 deep each while nothing is known");
    bench.ask(256, &to);
    assert_eq!(bench.upstream.streams.len(), 5, "only when all are deep there is one more");
    bench.ask(257, &Destination { pool: 2, ..to });
    assert_eq!(bench.upstream.streams.len(), 6, "another pool never shares");
    drop(listener);
}

/// What an upstream does to the connection after it took both queries, and what becomes of them.
#[test]
fn whoever_waits_on_a_connection_that_ends_is_told_once() {
    type Deed = fn(TcpStream);
    let rows: [(&str, Deed, Fault); 5] = [
        ("closed in good order", |stream| drop(stream.shutdown(Shutdown::Both)), Fault::Closed),
        ("closed in the middle of a message", |mut stream| stream.write_all(&[0, 99, 1]).unwrap(), Fault::Reset),
        ("reset", |stream| socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap(), Fault::Reset),
        ("an ID nobody used", |mut stream| give(&mut stream, &[0; 12]), Fault::Reset),
        ("a message without an ID", |mut stream| give(&mut stream, &[7]), Fault::Reset),
    ];
    for (what, deed, fault) in rows {
        let (listener, to) = listen();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let ids: Vec<_> = (0..2).map(|_| take(&mut stream).unwrap()[..2].to_vec()).collect();
            if ids.iter().all(|id| *id != [0, 0]) {
                deed(stream);
            }
        });
        let mut bench = Bench::new();
        bench.ask(1, &to);
        bench.ask(2, &to);
        bench.turn_until(|bench| bench.faults.len() == 2);
        server.join().unwrap();
        bench.faults.sort_by_key(|(exchange, _)| *exchange);
        assert_eq!(bench.faults, [(1, fault), (2, fault)], "{what}");
        assert!(bench.upstream.streams.is_empty() && bench.upstream.is_empty(), "{what}");
    }
}

#[test]
fn nobody_home_is_a_refusal_at_once() {
    let (listener, to) = listen();
    drop(listener);
    let mut bench = Bench::new();
    bench.ask(1, &to);
    bench.turn_until(|bench| !bench.faults.is_empty());
    assert_eq!(bench.faults, [(1, Fault::Refused)]);
}

#[test]
fn a_close_with_nobody_waiting_is_no_fault_and_the_next_query_opens_anew() {
    let (listener, to) = listen();
    let server = std::thread::spawn(move || {
        for _ in 0..2 {
            let (mut stream, _) = listener.accept().unwrap();
            let message = take(&mut stream).unwrap();
            give(&mut stream, &message);
        }
    });
    let mut bench = Bench::new();
    for exchange in 1..=2 {
        bench.ask(exchange, &to);
        bench.turn_until(|bench| bench.answers.len() as u64 == exchange && bench.upstream.streams.is_empty());
    }
    assert_eq!(bench.faults, []);
    server.join().unwrap();
}

#[test]
fn a_connection_is_kept_and_used_again() {
    let (listener, to) = listen();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        while let Some(message) = take(&mut stream) {
            give(&mut stream, &message);
        }
    });
    let mut bench = Bench::new();
    for exchange in 1..=20 {
        bench.ask(exchange, &to);
        bench.turn_until(|bench| bench.answers.len() as u64 == exchange);
        assert_eq!(bench.upstream.streams.len(), 1);
    }
    drop(bench);
    server.join().unwrap();
}

#[test]
fn a_connection_that_twice_gave_no_answer_is_closed() {
    let (listener, to) = listen();
    let mut bench = Bench::new();
    bench.ask(1, &to);
    bench.upstream.forget(ExchangeId(1), sys::now());
    bench.turn_until(|bench| bench.upstream.streams.is_empty()); // it was still connecting, and nobody waits
    bench.ask(2, &to);
    bench.turn_until(|bench| bench.upstream.streams.len() == 1);
    let held: Vec<_> = (0..2).map(|_| listener.accept().unwrap().0).collect();
    let mut second = held.into_iter().next_back().unwrap();
    take_while_turning(&mut bench, &mut second);
    bench.ask(3, &to);
    bench.upstream.forget(ExchangeId(2), sys::now());
    bench.turn_until(|bench| bench.upstream.streams.len() == 1);
    bench.upstream.forget(ExchangeId(3), sys::now());
    bench.turn_until(|bench| bench.upstream.streams.is_empty());
    assert_eq!(bench.faults, []);
}

/// Let the connection open and its query out, and take that.
fn take_while_turning(bench: &mut Bench, stream: &mut TcpStream) {
    stream.set_nonblocking(true).unwrap();
    let stream = &*stream;
    bench.turn_until(|_| stream.peek(&mut [0; 4]).is_ok());
}

#[test]
fn a_late_answer_falls_to_the_floor_and_the_connection_lives() {
    let (listener, to) = listen();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let late = take(&mut stream).unwrap();
        let message = take(&mut stream).unwrap();
        give(&mut stream, &late);
        give(&mut stream, &message);
        take(&mut stream)
    });
    let mut bench = Bench::new();
    bench.ask(1, &to);
    bench.ask(2, &to);
    bench.upstream.forget(ExchangeId(1), sys::now());
    bench.turn_until(|bench| bench.answers.len() == 1);
    assert_eq!(bench.answers[0].0, 2);
    assert_eq!((bench.upstream.streams.len(), bench.faults.len()), (1, 0));
    drop(bench);
    server.join().unwrap();
}

#[test]
fn an_idle_connection_expires() {
    let (listener, to) = listen();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let message = take(&mut stream).unwrap();
        give(&mut stream, &message);
        take(&mut stream)
    });
    let mut bench = Bench::new();
    bench.ask(1, &Destination { expire_ms: 30, ..to });
    bench.turn_until(|bench| bench.answers.len() == 1 && bench.upstream.streams.is_empty());
    assert_eq!(server.join().unwrap(), None);
}

#[test]
fn an_old_connection_gets_no_more_queries() {
    let (_listener, to) = listen();
    let to = Destination { max_age_ms: 1, ..to };
    let mut bench = Bench::new();
    bench.ask(1, &to);
    let begin = Instant::now();
    bench.turn_until(|_| begin.elapsed() > Duration::from_millis(2));
    bench.ask(2, &to);
    assert_eq!(bench.upstream.streams.len(), 2);
    bench.upstream.forget(ExchangeId(1), sys::now());
    bench.turn_until(|bench| bench.upstream.streams.len() == 1);
}

#[test]
fn no_more_connections_stay_idle_than_may() {
    for (max_idle, left) in [(0, 4), (2, 2), (1, 1)] {
        let (listener, to) = listen();
        let to = Destination { max_idle, ..to };
        let server = std::thread::spawn(move || {
            let mut streams: Vec<_> = (0..4).map(|_| listener.accept().unwrap().0).collect();
            for stream in &mut streams {
                for _ in 0..2 {
                    let message = take(stream).unwrap();
                    give(stream, &message);
                }
            }
            for stream in &mut streams {
                assert_eq!(take(stream), None);
            }
        });
        let mut bench = Bench::new();
        for exchange in 0..8 {
            bench.ask(exchange, &to);
        }
        bench.turn_until(|bench| bench.answers.len() == 8 && bench.upstream.streams.len() == left);
        assert_eq!(bench.faults, []);
        drop(bench);
        server.join().unwrap();
    }
}

#[test]
fn an_upstream_that_answers_twice_is_late_not_out_of_step() {
    let (listener, to) = listen();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        for _ in 0..2 {
            let message = take(&mut stream).unwrap();
            give(&mut stream, &message);
            give(&mut stream, &message);
        }
        take(&mut stream)
    });
    let mut bench = Bench::new();
    bench.ask(1, &to);
    bench.ask(2, &to);
    bench.turn_until(|bench| bench.answers.len() == 2);
    assert_eq!((bench.upstream.streams.len(), bench.faults.len()), (1, 0));
    drop(bench);
    assert_eq!(server.join().unwrap(), None);
}

#[test]
fn who_waits_for_a_connection_is_said_and_that_it_is_there() {
    let (listener, to) = listen();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let message = take(&mut stream).unwrap();
        give(&mut stream, &message);
        stream
    });
    let mut bench = Bench::new();
    bench.ask(1, &to);
    assert_eq!(bench.upstream.streams.take_dialing(), [(ExchangeId(1), true)]);
    bench.turn_until(|bench| bench.answers.len() == 1);
    assert_eq!(bench.upstream.streams.take_dialing(), [(ExchangeId(1), false)]);
    bench.ask(2, &to);
    assert_eq!(bench.upstream.streams.take_dialing(), [], "over an open connection nobody dials");
    drop(server.join().unwrap());
}

/// Answers every connection in order, as `CoreDNS` does; those whose first byte is set it never answers.
fn serial() -> Destination {
    let (listener, to) = listen();
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            std::thread::spawn(move || {
                while let Some(message) = take(&mut stream) {
                    if message[12] != 0 {
                        let _ = std::io::copy(&mut stream, &mut std::io::sink());
                        return;
                    }
                    give(&mut stream, &message);
                }
            });
        }
    });
    to
}

const fn slow(number: u64) -> u64 {
    1 << 56 | number
}

#[test]
fn a_slow_query_holds_up_nobody_but_for_a_moment() {
    let to = serial();
    let mut bench = Bench::new();
    bench.ask(1, &to);
    bench.turn_until(|bench| bench.answers.len() == 1);
    bench.ask(slow(1), &to);
    bench.ask(2, &to);
    assert_eq!(bench.upstream.streams.len(), 1, "this one is put behind a slow one");
    bench.turn_until(|bench| bench.upstream.streams.has_stuck());
    assert_eq!(bench.upstream.streams.take_stuck(), [ExchangeId(2)], "who is first in line is not told");
    assert_eq!(bench.upstream.streams.moving(&to, sys::now()), 0);
    bench.ask(3, &to);
    assert_eq!(bench.upstream.streams.len(), 2, "a connection that is stuck takes no more");
    bench.turn_until(|bench| bench.answers.iter().any(|(exchange, _)| *exchange == 3));
    for exchange in [slow(1), 2] {
        bench.upstream.forget(ExchangeId(exchange), sys::now());
    }
    bench.turn_until(|bench| bench.upstream.streams.len() == 1);
    assert_eq!(bench.faults, [], "those that are stuck and that nobody waits for go");
}

#[test]
fn a_connection_with_a_forgotten_query_takes_no_more_until_something_comes() {
    let (listener, to) = listen();
    let mut bench = Bench::new();
    bench.ask(1, &to);
    let (mut stream, _) = listener.accept().unwrap();
    take_while_turning(&mut bench, &mut stream);
    stream.set_nonblocking(false).unwrap();
    let first = take(&mut stream).unwrap();
    bench.upstream.forget(ExchangeId(1), sys::now());
    bench.ask(2, &to);
    assert_eq!(bench.upstream.streams.len(), 2);
    give(&mut stream, &first);
    let begin = Instant::now();
    bench.turn_until(|bench| begin.elapsed() > Duration::from_millis(30) && bench.upstream.streams.len() == 2);
    bench.ask(3, &to);
    assert_eq!(bench.upstream.streams.len(), 2, "it is free again");
}

#[test]
fn however_many_names_are_slow_others_are_answered_and_connections_are_bounded() {
    const ROUNDS: u64 = 40;
    let to = serial();
    let mut bench = Bench::new();
    let mut longest = Duration::ZERO;
    for round in 0..ROUNDS {
        for number in 0..3 {
            bench.ask(slow(round * 3 + number), &to);
        }
        bench.ask(round, &to);
        let begin = Instant::now();
        let is_answered = |bench: &Bench| bench.answers.iter().any(|(exchange, _)| exchange & 0xffff == round);
        for again in 1.. {
            bench.turn_until(|bench| {
                bench.upstream.streams.has_stuck()
                    || (is_answered(bench) && begin.elapsed() > Duration::from_millis(20))
            });
            if is_answered(&bench) && begin.elapsed() > Duration::from_millis(20) {
                break;
            }
            for ExchangeId(exchange) in bench.upstream.streams.take_stuck() {
                if exchange < slow(0) {
                    bench.ask(exchange & 0xffff | again << 16, &to); // as the resolver does
                }
            }
        }
        longest = longest.max(begin.elapsed());
        assert!(bench.upstream.streams.len() <= 64, "{}", bench.upstream.streams.len());
    }
    assert!(longest < Duration::from_millis(800), "{longest:?}");
    assert_eq!(bench.faults, []);
    assert!(bench.upstream.len() < 100, "those given up are forgotten: {}", bench.upstream.len());
}

#[test]
fn an_upstream_that_answers_nobody_is_not_gone_round_for_long() {
    let (_listener, to) = listen();
    let mut bench = Bench::new();
    for exchange in 0..200 {
        bench.ask(exchange, &to);
    }
    let begin = Instant::now();
    bench.turn_until(|_| begin.elapsed() > Duration::from_millis(350));
    assert_eq!(bench.upstream.streams.take_stuck().len(), 32, "a few, in case only this connection is at fault");
    for exchange in 200..800 {
        bench.ask(exchange, &to);
    }
    assert!(bench.upstream.streams.len() <= 64, "{}", bench.upstream.streams.len());
    bench.turn_until(|_| begin.elapsed() > Duration::from_millis(700));
    assert!(!bench.upstream.streams.has_stuck());
}
