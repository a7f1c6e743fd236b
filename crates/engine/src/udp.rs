//! Datagrams of clients: received and sent by the batch.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::fd::AsFd;

use nodens_core::step::{Client, ClientTransport, ListenerId};
use nodens_core::time::Moment;

use crate::slab::{Key, Slab};
use crate::sys::{BATCH, Inbox, Outbox, Sent};

/// The port of the discard protocol (RFC 863).
const DISCARD: u16 = 9;

/// A listening UDP socket.
#[derive(Debug)]
pub struct Ear {
    socket: UdpSocket,
    address: SocketAddr,
    listener: ListenerId,
    /// Another process reads from it now.
    is_released: bool,
    /// Another process has been given it and may hear on it.
    is_lent: bool,
}

impl Ear {
    /// Listen with a bound socket.
    pub fn new(socket: UdpSocket, address: SocketAddr, listener: ListenerId) -> Self {
        Self { socket, address, listener, is_released: false, is_lent: false }
    }

    /// To be waited for.
    pub fn socket(&self) -> &UdpSocket {
        &self.socket
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// For whom it hears.
    pub fn listener(&self) -> ListenerId {
        self.listener
    }

    /// Hear for another listener from now on.
    pub fn hand_over(&mut self, heir: ListenerId) {
        self.listener = heir;
    }

    /// Remember that another process has it, too.
    pub fn lend(&mut self) {
        self.is_lent = true;
    }

    /// Read nothing more from it: another process does. Replies still leave.
    pub fn release(&mut self) {
        self.is_released = true;
    }

    /// Hear nothing new, so that what comes finds whoever has this address now; what waits can still be read, and
    /// replies still leave. A connected UDP socket hears its peer alone, and nobody of ours sends from the discard port.
    ///
    /// Not if it was ever lent: whoever was given it may serve with it, though he never said so, and would be made deaf.
    pub fn retire(&self) {
        if self.is_lent {
            return;
        }
        let ip = match self.address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        };
        let mut peer = self.address;
        peer.set_ip(ip);
        peer.set_port(DISCARD);
        let _ = self.socket.connect(peer); // without a route nothing comes here anyway
    }
}

/// A client's datagram, and where its reply may be written.
pub enum Asked<'b> {
    /// A message.
    Query {
        /// What it says.
        query: &'b [u8],
        /// Who says it.
        client: Client,
        /// Room for the reply; [`Udp::reply`] sends it.
        reply: &'b mut [u8],
    },
    /// More than we read.
    Oversize,
}

/// All listening UDP sockets of a worker, with one batch of room each way.
pub struct Udp {
    /// The sockets.
    pub ears: Slab<Ear>,
    inbox: Inbox,
    outbox: Outbox,
    /// Whose datagrams wait in the outbox.
    sender: Option<Key>,
    refused: u64,
}

impl Udp {
    /// No sockets yet.
    pub fn new() -> Self {
        Self { ears: Slab::default(), inbox: Inbox::new(), outbox: Outbox::new(), sender: None, refused: 0 }
    }

    /// Take what waits on a socket, at most [`BATCH`]; fewer means that nothing is left.
    pub fn receive(&mut self, ear: Key) -> usize {
        let Some(ear) = self.ears.get(ear).filter(|ear| !ear.is_released) else { return 0 };
        // An error here is an ICMP message about a reply of ours, or nothing to read: neither is news.
        self.inbox.receive(ear.socket.as_fd()).unwrap_or(0)
    }

    /// One datagram of the last [`Self::receive`], each once.
    pub fn asked(&mut self, ear_key: Key, index: usize, received: Moment) -> Option<Asked<'_>> {
        if self.outbox.is_full() || self.sender.is_some_and(|sender| sender != ear_key) {
            self.flush();
        }
        let ear = self.ears.get(ear_key)?;
        let datagram = self.inbox.take(index)?;
        if datagram.is_cut {
            return Some(Asked::Oversize);
        }
        let local = datagram.local.map_or(ear.address, |ip| SocketAddr::new(ip, ear.address.port()));
        let client = Client {
            remote: datagram.remote,
            local,
            interface: datagram.interface,
            transport: ClientTransport::Udp,
            listener: ear.listener,
            handle: ear_key.to_word(),
            received,
        };
        Some(Asked::Query { query: datagram.bytes, client, reply: self.outbox.room() })
    }

    /// Send the bytes written into the room of the last [`Self::asked`].
    pub fn reply(&mut self, length: usize, client: &Client) {
        let key = Key::from_word(client.handle);
        let Some(ear) = self.ears.get(key) else { return };
        let source = ear.address.ip().is_unspecified().then(|| client.local.ip());
        self.outbox.add(length, client.remote, ear.address.is_ipv6(), source);
        self.sender = Some(key);
    }

    /// Send a message that was composed elsewhere.
    pub fn send(&mut self, message: &[u8], client: &Client) {
        if self.outbox.is_full() || self.sender.is_some_and(|sender| sender.to_word() != client.handle) {
            self.flush();
        }
        match self.outbox.room().get_mut(..message.len()) {
            Some(room) => room.copy_from_slice(message),
            None => return self.refused += 1, // longer than any size we grant a client
        }
        self.reply(message.len(), client);
    }

    /// Give everything to the kernel.
    pub fn flush(&mut self) {
        if self.outbox.is_empty() {
            return;
        }
        match self.sender.take().and_then(|sender| self.ears.get(sender)) {
            Some(ear) => {
                let Sent { refused, .. } = self.outbox.flush(ear.socket.as_fd());
                self.refused += refused as u64;
            }
            None => self.outbox.clear(),
        }
    }

    /// Forget replies that wait.
    pub fn drop_replies(&mut self) {
        self.outbox.clear();
        self.sender = None;
    }

    /// Replies that the kernel did not take, so far.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// As many as one system call takes.
    pub const fn batch() -> usize {
        BATCH
    }
}

impl Default for Udp {
    fn default() -> Self {
        Self::new()
    }
}
