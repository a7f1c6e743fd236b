//! The last turns of a worker, driven by hand: what had come before the order to stop is answered.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use nodens_core::Shared;
use nodens_engine::events::Events;
use nodens_engine::guests::{Guests, Limits};
use nodens_engine::listener::{self, Place};
use nodens_engine::orders::{Coming, Mailbox, Order};
use nodens_engine::sys;
use nodens_engine::tcp::Timeouts;
use nodens_engine::worker::{Common, Worker};

#[path = "../../core/tests/common/mod.rs"]
mod common;

/// A worker that listens on loopback and refuses every question, and its letter box.
fn worker() -> (Worker, Arc<Common>, SocketAddr) {
    let mut plan = common::plan(common::block(None, vec![]));
    plan.listeners[0].address = [127, 0, 0, 1].into();
    plan.listeners[0].port = 0;
    plan.listeners[0].zones.clear();
    let (place, timeouts, limits) =
        (Place::of(&plan.listeners[0]), Timeouts::of(&plan.listeners[0]), Limits::of(&plan));
    let shared = Shared::new(plan, 1, sys::now()).unwrap();
    let (address, mut sockets) = listener::bind(&place, 1, true).unwrap();
    let id = shared.listener_id(place.address);
    let all = Arc::new(Common {
        events: Events::new(Arc::clone(&shared)),
        shared,
        mailboxes: vec![Mailbox::new().unwrap()],
        guests: Guests::default(),
    });
    let mut worker = Worker::new(Arc::clone(&all), 0, 64, limits).unwrap();
    let sockets = sockets.remove(0);
    worker.listen(Coming { place, address, id, sockets, more_doors: vec![], more_ears: vec![], timeouts }).unwrap();
    (worker, all, address)
}

#[test]
fn whoever_came_before_the_order_to_stop_is_let_in_and_answered() {
    let (worker, all, address) = worker();
    // The bell rings first: the worker hears of its end before it sees who waits.
    let deadline = sys::now().plus(Duration::from_secs(5));
    all.mailboxes[0].put(Order::Stop { deadline, is_handed_over: false });
    let query = common::query(0x1234, "a.test.", 1, None);
    let framed = [&u16::try_from(query.len()).unwrap().to_be_bytes()[..], &query].concat();
    let mut streams: Vec<_> = (0..9).map(|_| TcpStream::connect(address).unwrap()).collect();
    let askers: Vec<_> = (0..300).map(|_| UdpSocket::bind("127.0.0.1:0").unwrap()).collect();
    for stream in &mut streams {
        stream.write_all(&framed).unwrap();
    }
    for asker in &askers {
        assert_eq!(asker.send_to(&query, address).unwrap(), query.len());
    }
    worker.run();
    let mut heard = [0; 512];
    for mut stream in streams {
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        assert!(stream.read(&mut heard).unwrap() > 4);
        assert_eq!(heard[2..4], query[..2]);
    }
    for (number, asker) in askers.iter().enumerate() {
        asker.set_nonblocking(true).unwrap();
        assert!(asker.recv(&mut heard).is_ok(), "datagram {number}");
    }
}

#[test]
fn a_released_worker_leaves_what_waits_to_who_shares_its_sockets() {
    let (worker, all, address) = worker();
    let (to, lent) = std::sync::mpsc::channel();
    let deadline = sys::now().plus(Duration::from_secs(5));
    all.mailboxes[0].put(Order::Lend { to });
    all.mailboxes[0].put(Order::Stop { deadline, is_handed_over: true });
    let asker = UdpSocket::bind("127.0.0.1:0").unwrap();
    asker.send_to(b"question", address).unwrap();
    let _stream = TcpStream::connect(address).unwrap();
    worker.run();
    let mut lent = lent.recv().unwrap().into_iter().map(|handed| handed.socket);
    let (ear, door): (UdpSocket, std::net::TcpListener) = (lent.next().unwrap().into(), lent.next().unwrap().into());
    assert_eq!(ear.recv(&mut [0; 64]).unwrap(), 8, "still there, and not deaf");
    asker.send_to(b"another", address).unwrap();
    assert!(ear.set_nonblocking(false).and_then(|()| ear.recv(&mut [0; 64])).is_ok_and(|length| length == 7));
    assert!(door.accept().is_ok());
}
