//! Listening sockets: one for UDP and one for TCP per listener and worker, all on one address and port.

use std::net::{IpAddr, SocketAddr, SocketAddrV6, TcpListener, UdpSocket};
use std::os::fd::AsFd;

use nodens_core::plan::ListenerPlan;
use socket2::{Domain, SockAddr, Socket, Type};

use crate::error::{Error, Protocol};
use crate::sys;

/// Asked of the kernel for each UDP socket; it gives less where `rmem_max` is less.
const RECEIVE_BUFFER: usize = 1 << 20;
/// Connections that may wait to be accepted, per worker.
const BACKLOG: i32 = 1024;
/// A port the kernel chose for UDP may be taken for TCP: choose so often.
const PORT_ATTEMPTS: usize = 16;

/// What makes two listeners the same sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// Address and port as planned; the port may be 0.
    pub address: SocketAddr,
    /// Whether both families are meant.
    pub is_dual_stack: bool,
    /// Whether the address may be missing.
    pub is_freebind: bool,
}

impl Place {
    /// Where a plan's listener stands.
    pub fn of(plan: &ListenerPlan) -> Self {
        let address = match plan.address {
            IpAddr::V4(ip) => SocketAddr::from((ip, plan.port)),
            IpAddr::V6(ip) => SocketAddr::V6(SocketAddrV6::new(ip, plan.port, 0, plan.scope_id)),
        };
        Self { address, is_dual_stack: plan.is_dual_stack, is_freebind: plan.is_freebind }
    }

    /// Whether sockets of both could hear the same packet.
    pub fn overlaps(&self, other: &Self) -> bool {
        let (one, two) = (self.address.ip(), other.address.ip());
        self.address.port() == other.address.port() && (one == two || one.is_unspecified() || two.is_unspecified())
    }
}

/// One worker's sockets of one listener.
#[derive(Debug)]
pub struct Sockets {
    /// For datagrams.
    pub udp: UdpSocket,
    /// For connections.
    pub tcp: TcpListener,
}

/// Bind a listener for so many workers; gives the real address. `is_alone`: nothing else of ours may be in the way, so
/// that a stranger who shares its port (`SO_REUSEPORT`) is noticed instead of sharing our queries.
pub fn bind(place: &Place, workers: usize, is_alone: bool) -> Result<(SocketAddr, Vec<Sockets>), Error> {
    let mut attempts = PORT_ATTEMPTS;
    loop {
        attempts -= 1;
        let can_try_again = place.address.port() == 0 && attempts > 0;
        match bind_once(place, workers, is_alone) {
            Err(Error::Bind { protocol: Protocol::Tcp, .. }) if can_try_again => {}
            done => return done,
        }
    }
}

fn bind_once(place: &Place, workers: usize, is_alone: bool) -> Result<(SocketAddr, Vec<Sockets>), Error> {
    let mut address = place.address;
    let mut all = Vec::with_capacity(workers);
    for worker in 0..workers.max(1) {
        let is_first_alone = is_alone && worker == 0;
        let udp: UdpSocket = open(place, address, Protocol::Udp, is_first_alone)?.into();
        if address.port() == 0 {
            let port =
                udp.local_addr().map_err(|source| Error::Bind { address, protocol: Protocol::Udp, source })?.port();
            address.set_port(port);
        }
        let tcp: TcpListener = open(place, address, Protocol::Tcp, is_first_alone)?.into();
        all.push(Sockets { udp, tcp });
    }
    Ok((address, all))
}

/// Bind one more UDP socket beside those that hold the address.
pub fn one_more_ear(place: &Place, address: SocketAddr) -> Result<UdpSocket, Error> {
    open(place, address, Protocol::Udp, false).map(Into::into)
}

/// Bind one more TCP socket beside those that hold the address.
pub fn one_more_door(place: &Place, address: SocketAddr) -> Result<TcpListener, Error> {
    open(place, address, Protocol::Tcp, false).map(Into::into)
}

fn open(place: &Place, address: SocketAddr, protocol: Protocol, is_alone: bool) -> Result<Socket, Error> {
    let opened = || {
        let is_v6 = address.is_ipv6();
        let domain = if is_v6 { Domain::IPV6 } else { Domain::IPV4 };
        let kind = if protocol == Protocol::Udp { Type::DGRAM } else { Type::STREAM };
        let socket = Socket::new(domain, kind.nonblocking().cloexec(), None)?;
        if is_v6 {
            socket.set_only_v6(!place.is_dual_stack)?;
        }
        if place.is_freebind {
            if is_v6 { socket.set_freebind_v6(true)? } else { socket.set_freebind_v4(true)? }
        }
        if protocol == Protocol::Tcp {
            socket.set_reuse_address(true)?; // connections of our predecessor may linger
        }
        socket.set_reuse_port(!is_alone)?;
        socket.bind(&SockAddr::from(address))?;
        socket.set_reuse_port(true)?;
        if protocol == Protocol::Tcp {
            socket.listen(BACKLOG)?;
        } else {
            if address.ip().is_unspecified() {
                sys::receive_packet_info(socket.as_fd(), is_v6)?;
            }
            let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER); // less will do
        }
        Ok(socket)
    };
    opened().map_err(|source| Error::Bind { address, protocol, source })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loopback(port: u16) -> Place {
        Place { address: ([127, 0, 0, 1], port).into(), is_dual_stack: false, is_freebind: false }
    }

    #[test]
    fn all_workers_share_the_one_port_that_the_kernel_chose() {
        let (address, sockets) = bind(&loopback(0), 3, true).unwrap();
        assert_ne!(address.port(), 0);
        assert_eq!(sockets.len(), 3);
        for one in &sockets {
            assert_eq!(one.udp.local_addr().unwrap(), address);
            assert_eq!(one.tcp.local_addr().unwrap(), address);
        }
    }

    #[test]
    fn a_stranger_on_the_port_is_noticed_even_if_it_would_share() {
        let (address, _held) = bind(&loopback(0), 1, true).unwrap();
        let refused = bind(&loopback(address.port()), 1, true).unwrap_err();
        assert_eq!(refused.to_string(), format!("{address}/udp: cannot bind: Address already in use (os error 98)"));
    }

    #[test]
    fn an_address_that_does_not_exist_needs_freebind() {
        let mut place = Place { address: ([192, 0, 2, 53], 0).into(), ..loopback(0) };
        assert!(matches!(bind(&place, 1, true), Err(Error::Bind { protocol: Protocol::Udp, .. })));
        place.is_freebind = true;
        assert!(bind(&place, 1, true).is_ok());
    }

    #[test]
    fn a_v6_wildcard_leaves_v4_alone_unless_it_is_dual_stack() {
        let v6 = Place { address: "[::]:0".parse().unwrap(), is_dual_stack: false, is_freebind: false };
        let (address, _held) = bind(&v6, 1, true).unwrap();
        let v4 = Place { address: ([0, 0, 0, 0], address.port()).into(), ..v6 };
        assert!(bind(&v4, 1, true).is_ok());
        let (address, _held) = bind(&Place { is_dual_stack: true, ..v6 }, 1, true).unwrap();
        let v4 = Place { address: ([0, 0, 0, 0], address.port()).into(), ..v6 };
        assert!(bind(&v4, 1, true).is_err());
    }
}
