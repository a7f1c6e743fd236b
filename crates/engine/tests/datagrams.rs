//! Datagrams by the batch, both families, and UDP exchanges with upstreams; real sockets on loopback.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a test may fail loudly"
)]

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nodens_core::step::{Client, Destination, ExchangeId, Fault, ListenerId, UpstreamTransport};
use nodens_engine::listener::{self, Place};
use nodens_engine::slab::Key;
use nodens_engine::sys::{self, Epoll, Inbox, Interest, Outbox, Sent};
use nodens_engine::udp::{Asked, Ear, Udp};
use nodens_engine::upstream::Datagrams;
use nodens_engine::upstream::datagram::Said;

const DEADLINE: Duration = Duration::from_secs(5);

fn socket(address: &str) -> UdpSocket {
    let socket = UdpSocket::bind(address).unwrap();
    socket.set_read_timeout(Some(DEADLINE)).unwrap();
    socket
}

#[test]
fn batches_of_every_size_arrive_whole_and_in_order() {
    for (ours, theirs) in [("127.0.0.1:0", "127.0.0.1:0"), ("[::1]:0", "[::1]:0")] {
        let (sender, receiver) = (socket(ours), socket(theirs));
        let (from, to) = (sender.local_addr().unwrap(), receiver.local_addr().unwrap());
        let (mut inbox, mut outbox) = (Inbox::new(), Outbox::new());
        for size in [1, 2, 31, 32] {
            for number in 0..size {
                let length = 1 + usize::from(number) * 100;
                outbox.room()[..length].fill(number);
                outbox.add(length, to, to.is_ipv6(), None);
            }
            assert_eq!(outbox.is_full(), size == 32);
            assert_eq!(outbox.flush(sender.as_fd()), Sent { taken: size.into(), refused: 0 });
            assert_eq!(inbox.receive(receiver.as_fd()).unwrap(), usize::from(size));
            for number in 0..size {
                let datagram = inbox.take(number.into()).unwrap();
                assert_eq!((datagram.bytes.len(), datagram.remote), (1 + usize::from(number) * 100, from));
                assert!(datagram.bytes.iter().all(|byte| *byte == number) && !datagram.is_cut);
            }
        }
    }
}

#[test]
fn a_batch_goes_on_after_a_datagram_that_the_kernel_refuses() {
    let (sender, receiver) = (socket("127.0.0.1:0"), socket("127.0.0.1:0"));
    let to = receiver.local_addr().unwrap();
    let mut outbox = Outbox::new();
    for (number, to) in [to, "127.0.0.1:0".parse().unwrap(), to].into_iter().enumerate() {
        outbox.room()[0] = u8::try_from(number).unwrap();
        outbox.add(1, to, false, None);
    }
    assert_eq!(outbox.flush(sender.as_fd()), Sent { taken: 2, refused: 1 });
    let mut byte = [9];
    let heard = [0, 1].map(|_| receiver.recv(&mut byte).map(|_| byte[0]).unwrap());
    assert_eq!(heard, [0, 2]);
}

#[test]
fn a_datagram_longer_than_we_read_is_told_as_cut() {
    let (sender, receiver) = (socket("127.0.0.1:0"), socket("127.0.0.1:0"));
    let mut inbox = Inbox::new();
    for (length, is_cut) in [(sys::DATAGRAM, false), (sys::DATAGRAM + 1, true)] {
        sender.send_to(&vec![1; length], receiver.local_addr().unwrap()).unwrap();
        assert_eq!(inbox.receive(receiver.as_fd()).unwrap(), 1);
        assert_eq!(inbox.take(0).unwrap().is_cut, is_cut, "{length}");
    }
}

/// Ask a wildcard listener at `to`, from a connected socket, which only hears a reply whose source is right.
fn ask_and_reply(udp: &mut Udp, ear: Key, to: SocketAddr, by_steps: bool) -> (Client, Vec<u8>) {
    let asker = socket(if to.is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" });
    asker.connect(to).unwrap();
    asker.send(b"question").unwrap();
    assert_eq!(udp.receive(ear), 1);
    let Some(Asked::Query { query, client, reply }) = udp.asked(ear, 0, sys::now()) else { panic!("no query") };
    assert_eq!(query, b"question");
    assert_eq!(client.remote, asker.local_addr().unwrap());
    if by_steps {
        udp.send(b"answer", &client);
    } else {
        reply[..6].copy_from_slice(b"answer");
        udp.reply(6, &client);
    }
    udp.flush();
    let mut heard = vec![0; 100];
    let count = asker.recv(&mut heard).unwrap();
    heard.truncate(count);
    (client, heard)
}

#[test]
fn a_reply_of_a_wildcard_listener_comes_from_the_address_that_was_asked() {
    let rows: [(&str, bool, &[&str]); 3] = [
        ("0.0.0.0:0", false, &["127.0.0.1", "127.0.0.2", "127.3.2.1"]),
        ("[::]:0", false, &["::1"]),
        ("[::]:0", true, &["::1", "127.0.0.1", "127.9.9.9"]),
    ];
    for (address, is_dual_stack, asked) in rows {
        let place = Place { address: address.parse().unwrap(), is_dual_stack, is_freebind: false };
        let (address, mut sockets) = listener::bind(&place, 1, true).unwrap();
        let mut udp = Udp::new();
        let ear = udp.ears.insert_with(|_| Ear::new(sockets.remove(0).udp, address, ListenerId(7)));
        for ip in asked {
            let to = SocketAddr::new(ip.parse::<IpAddr>().unwrap(), address.port());
            for by_steps in [false, true] {
                let (client, heard) = ask_and_reply(&mut udp, ear, to, by_steps);
                assert_eq!((client.local, client.listener, &heard[..]), (to, ListenerId(7), &b"answer"[..]));
                assert_ne!(client.interface, 0);
            }
        }
    }
}

#[test]
fn replies_for_two_listeners_leave_through_their_own_sockets() {
    let mut udp = Udp::new();
    let ears = ["127.0.0.1:0", "127.0.0.2:0"].map(|address| {
        let place = Place { address: address.parse().unwrap(), is_dual_stack: false, is_freebind: false };
        let (address, mut sockets) = listener::bind(&place, 1, true).unwrap();
        (udp.ears.insert_with(|_| Ear::new(sockets.remove(0).udp, address, ListenerId(0))), address)
    });
    for (ear, address) in ears.into_iter().cycle().take(6) {
        assert_eq!(ask_and_reply(&mut udp, ear, address, true).1, b"answer");
    }
}

// ------------ Towards upstreams ------------

fn destination(address: SocketAddr) -> Destination {
    Destination {
        address,
        transport: UpstreamTransport::Udp,
        pool: 0,
        source: None,
        expire_ms: 0,
        max_age_ms: 0,
        max_idle: 0,
    }
}

fn wait(epoll: &mut Epoll) {
    let until = Instant::now() + DEADLINE;
    while epoll.wait(Duration::from_millis(20)) == 0 {
        assert!(Instant::now() < until, "nothing to hear");
    }
}

#[test]
fn only_the_right_id_from_the_right_address_is_heard() {
    for address in ["127.0.0.1:0", "[::1]:0"] {
        let (server, liar) = (socket(address), socket(address));
        let mut epoll = Epoll::new().unwrap();
        let mut datagrams = Datagrams::new(4);
        let to = destination(server.local_addr().unwrap());
        let key = datagrams.send(ExchangeId(5), &to, b"\0\0rest", 0x1234, &epoll).unwrap();
        let mut query = [0; 64];
        let (count, asker) = server.recv_from(&mut query).unwrap();
        assert_eq!(&query[..count], b"\x12\x34rest");
        liar.send_to(b"\x12\x34lie", asker).unwrap();
        server.send_to(b"\x12\x35wrong", asker).unwrap();
        server.send_to(b"\x12\x34right", asker).unwrap();
        let mut scratch = vec![0; 4096];
        wait(&mut epoll);
        assert_eq!(datagrams.receive(key, &mut scratch), Said::Stranger);
        assert_eq!(datagrams.receive(key, &mut scratch), Said::Message(ExchangeId(5), b"\x12\x34right"));
        assert_eq!(datagrams.receive(key, &mut scratch), Said::Nothing);
        assert_eq!(datagrams.strangers(), 1);
        assert_eq!(datagrams.remove(key), Some(ExchangeId(5)));
        assert_eq!(datagrams.receive(key, &mut scratch), Said::Nothing);
    }
}

#[test]
fn a_closed_port_is_a_refusal_as_soon_as_the_kernel_says_so() {
    let gone = socket("127.0.0.1:0").local_addr().unwrap();
    let mut epoll = Epoll::new().unwrap();
    let mut datagrams = Datagrams::new(4);
    let key = datagrams.send(ExchangeId(1), &destination(gone), b"\0\0", 1, &epoll).unwrap();
    wait(&mut epoll);
    assert_eq!(datagrams.receive(key, &mut [0; 64]), Said::Fault(Fault::Refused));
}

#[test]
fn every_query_has_a_port_of_its_own_and_there_are_only_so_many() {
    let server = socket("127.0.0.1:0");
    let to = destination(server.local_addr().unwrap());
    let epoll = Epoll::new().unwrap();
    let mut datagrams = Datagrams::new(3);
    let mut ports = std::collections::HashSet::new();
    let other = Destination { pool: 1, ..to };
    for (exchange, to) in [(0, &to), (1, &to), (2, &other)] {
        datagrams.send(ExchangeId(exchange), to, b"\0\0", 1, &epoll).unwrap();
        if exchange == 1 {
            let greedy = datagrams.send(ExchangeId(9), to, b"\0\0", 1, &epoll);
            assert_eq!(greedy, Err(Fault::NoRoom), "one pool leaves a third to the others");
        }
        ports.insert(server.recv_from(&mut [0; 64]).unwrap().1.port());
    }
    assert_eq!(ports.len(), 3);
    assert_eq!(datagrams.send(ExchangeId(3), &to, b"\0\0", 1, &epoll), Err(Fault::NoRoom));
}

#[test]
fn a_source_address_is_kept_to() {
    let server = socket("127.0.0.1:0");
    let to = Destination { source: Some([127, 0, 0, 77].into()), ..destination(server.local_addr().unwrap()) };
    let epoll = Epoll::new().unwrap();
    Datagrams::new(1).send(ExchangeId(0), &to, b"\0\0", 1, &epoll).unwrap();
    assert_eq!(server.recv_from(&mut [0; 64]).unwrap().1.ip(), IpAddr::from([127, 0, 0, 77]));
    let nowhere = Destination { source: Some([192, 0, 2, 1].into()), ..to };
    let refused = Datagrams::new(1).send(ExchangeId(0), &nowhere, b"\0\0", 1, &epoll);
    assert_eq!(refused, Err(Fault::Unreachable(99)));
}

#[test]
fn a_bell_wakes_once_however_often_it_was_rung() {
    let mut epoll = Epoll::new().unwrap();
    let bell = sys::Bell::new().unwrap();
    epoll.add(&bell, 3, Interest::READ).unwrap();
    assert_eq!(epoll.wait(Duration::ZERO), 0);
    bell.ring();
    bell.ring();
    assert_eq!((epoll.wait(DEADLINE), epoll.ready(0).unwrap().token), (1, 3));
    bell.hush();
    assert_eq!(epoll.wait(Duration::ZERO), 0);
}
