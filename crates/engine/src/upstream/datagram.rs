//! UDP exchanges: a socket, a port and an ID of their own for each, so that a liar must guess both.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsFd;

use nodens_core::step::{Destination, ExchangeId, Fault};
use socket2::{Domain, SockAddr, Socket, Type};

use super::fault_of;
use crate::slab::{Key, Slab};
use crate::sys::{self, Epoll, Interest};
use crate::token::Token;

/// One exchange.
#[derive(Debug)]
struct Datagram {
    socket: UdpSocket,
    exchange: ExchangeId,
    id: u16,
    pool: u64,
}

/// A pool never holds more than so many times what is left to others.
const SHARE: usize = 2;

/// What a socket said.
#[derive(Debug, PartialEq, Eq)]
pub enum Said<'b> {
    /// A message with our ID.
    Message(ExchangeId, &'b [u8]),
    /// A message with another ID: not for us.
    Stranger,
    /// Nothing more.
    Nothing,
    /// It never will.
    Fault(Fault),
}

/// All UDP exchanges of a worker.
#[derive(Debug)]
pub struct Datagrams {
    open: Slab<Datagram>,
    limit: usize,
    /// Sockets by pool: one whose upstream is silent leaves some to the others.
    by_pool: HashMap<u64, usize>,
    draft: Vec<u8>,
    strangers: u64,
}

impl Datagrams {
    /// None yet, and at most so many.
    pub fn new(limit: usize) -> Self {
        Self { open: Slab::default(), limit: limit.max(1), by_pool: HashMap::new(), draft: Vec::new(), strangers: 0 }
    }

    /// Ask over a fresh socket.
    pub fn send(
        &mut self,
        exchange: ExchangeId,
        to: &Destination,
        message: &[u8],
        id: u16,
        epoll: &Epoll,
    ) -> Result<Key, Fault> {
        let held = self.by_pool.get(&to.pool).copied().unwrap_or(0);
        let left = self.limit.saturating_sub(self.open.len());
        if held >= SHARE * left {
            return Err(Fault::NoRoom);
        }
        let socket = connect(to).map_err(|error| fault_of(&error))?;
        self.draft.clear();
        self.draft.extend_from_slice(&id.to_be_bytes());
        self.draft.extend_from_slice(message.get(2..).unwrap_or_default());
        socket.send(&self.draft).map_err(|error| fault_of(&error))?;
        let key = self.open.insert_with(|_| Datagram { socket, exchange, id, pool: to.pool });
        let token = Token::UdpUpstream(key).to_word();
        let watched = self.open.get(key).map(|new| epoll.add(&new.socket, token, Interest::READ));
        if watched.is_some_and(|watched| watched.is_err()) {
            self.open.remove(key); // not counted yet
            return Err(Fault::NoRoom);
        }
        *self.by_pool.entry(to.pool).or_default() += 1;
        Ok(key)
    }

    /// Hear one datagram.
    pub fn receive<'b>(&mut self, key: Key, scratch: &'b mut [u8]) -> Said<'b> {
        let Some(open) = self.open.get(key) else { return Said::Nothing };
        match open.socket.recv(scratch) {
            Ok(count) => {
                let message = scratch.get(..count).unwrap_or_default();
                if message.starts_with(&open.id.to_be_bytes()) {
                    return Said::Message(open.exchange, message);
                }
                self.strangers += 1;
                Said::Stranger
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Said::Nothing,
            Err(error) => Said::Fault(fault_of(&error)),
        }
    }

    /// Close one.
    pub fn remove(&mut self, key: Key) -> Option<ExchangeId> {
        let open = self.open.remove(key)?;
        if let Some(held) = self.by_pool.get_mut(&open.pool) {
            *held -= 1;
            if *held == 0 {
                self.by_pool.remove(&open.pool);
            }
        }
        Some(open.exchange)
    }

    /// Messages with a wrong ID, so far.
    pub fn strangers(&self) -> u64 {
        self.strangers
    }
}

fn connect(to: &Destination) -> std::io::Result<UdpSocket> {
    let domain = Domain::for_address(to.address);
    let socket = Socket::new(domain, Type::DGRAM.nonblocking().cloexec(), None)?;
    if let Some(source) = to.source {
        sys::bind_without_port(socket.as_fd())?;
        socket.bind(&SockAddr::from(SocketAddr::new(source, 0)))?;
    }
    socket.connect(&SockAddr::from(to.address))?;
    Ok(socket.into())
}
