//! Listening sockets from the process before us, and to the one after: the same kernel sockets, so that nothing is lost.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::os::fd::{AsFd, OwnedFd, RawFd};

use socket2::{SockRef, Type};

use crate::error::Protocol;
use crate::listener::Place;
use crate::sys;

/// A listening socket and what is said of it.
#[derive(Debug)]
pub struct Handed {
    /// Where it listens.
    pub address: IpAddr,
    /// On which port.
    pub port: u16,
    /// For what.
    pub protocol: Protocol,
    /// The socket.
    pub socket: OwnedFd,
}

impl Handed {
    /// Duplicate a descriptor that somebody passes us; he goes on to own his.
    pub fn duplicate(address: IpAddr, port: u16, protocol: Protocol, descriptor: RawFd) -> io::Result<Self> {
        Ok(Self { address, port, protocol, socket: sys::duplicate(descriptor)? })
    }

    /// Duplicate a socket of ours.
    pub fn of(address: SocketAddr, protocol: Protocol, socket: &impl AsFd) -> io::Result<Self> {
        let socket = socket.as_fd().try_clone_to_owned()?;
        Ok(Self { address: address.ip(), port: address.port(), protocol, socket })
    }

    /// Whether it is what is said of it, and what a listener at `place` needs. A connected UDP socket is deaf.
    fn fits(&self, place: &Place) -> io::Result<bool> {
        let socket = SockRef::from(&self.socket);
        let is_udp = self.protocol == Protocol::Udp;
        let (kind, protocol) =
            if is_udp { (Type::DGRAM, socket2::Protocol::UDP) } else { (Type::STREAM, socket2::Protocol::TCP) };
        Ok(SocketAddr::new(self.address, self.port).ip() == place.address.ip()
            && self.port == place.address.port()
            && socket.local_addr()?.as_socket() == Some(place.address)
            && socket.r#type()? == kind
            && socket.protocol()? == Some(protocol)
            && socket.reuse_port()?
            && socket.is_listener()? != is_udp
            && (!is_udp || socket.peer_addr().is_err())
            && (place.address.is_ipv4() || socket.only_v6()? != place.is_dual_stack))
    }
}

/// Take those out of `handed` that belong to a listener. Whatever is odd about one leaves it where it is.
pub fn adopt(place: &Place, handed: &mut Vec<Handed>) -> (Vec<UdpSocket>, Vec<TcpListener>) {
    let (mut udp, mut tcp) = (Vec::new(), Vec::new());
    for one in std::mem::take(handed) {
        if !one.fits(place).unwrap_or(false) || make_usable(place, &one).is_err() {
            handed.push(one);
            continue;
        }
        match one.protocol {
            Protocol::Udp => udp.push(one.socket.into()),
            Protocol::Tcp => tcp.push(one.socket.into()),
        }
    }
    (udp, tcp)
}

/// What we ask of our own sockets, we ask of those, too.
fn make_usable(place: &Place, handed: &Handed) -> io::Result<()> {
    SockRef::from(&handed.socket).set_nonblocking(true)?;
    if handed.protocol == Protocol::Udp && place.address.ip().is_unspecified() {
        sys::receive_packet_info(handed.socket.as_fd(), place.address.is_ipv6())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listener;

    fn place(address: SocketAddr) -> Place {
        Place { address, is_dual_stack: false, is_freebind: false }
    }

    /// A listener for one worker on a port of its own.
    fn bound(address: &str) -> (Place, listener::Sockets) {
        let planned = place(address.parse().unwrap());
        let (address, mut sockets) = listener::bind(&planned, 1, true).unwrap();
        (place(address), sockets.remove(0))
    }

    #[test]
    fn sockets_that_are_what_they_claim_are_taken_and_still_hear() {
        for address in ["127.0.0.1:0", "[::1]:0", "0.0.0.0:0"] {
            let (place, theirs) = bound(address);
            let mut handed = vec![
                Handed::of(place.address, Protocol::Udp, &theirs.udp).unwrap(),
                Handed::of(place.address, Protocol::Tcp, &theirs.tcp).unwrap(),
            ];
            let (udp, tcp) = adopt(&place, &mut handed);
            assert_eq!((udp.len(), tcp.len(), handed.len()), (1, 1, 0), "{address}");
            assert_eq!(udp[0].local_addr().unwrap(), place.address);
            assert_eq!(tcp[0].local_addr().unwrap(), place.address);
        }
    }

    #[test]
    fn a_socket_that_is_not_what_it_claims_is_left_alone() {
        let (ours, theirs) = bound("127.0.0.1:0");
        let (elsewhere, other) = bound("127.0.0.2:0");
        let (_, deaf) = bound("127.0.0.1:0");
        deaf.udp.connect(("127.0.0.1", 9)).unwrap();
        let selfish = UdpSocket::bind("127.0.0.1:0").unwrap();
        let client = std::net::TcpStream::connect(ours.address).unwrap();
        let file = std::fs::File::open("/dev/null").unwrap();
        let at = |socket: &UdpSocket| place(socket.local_addr().unwrap());
        let udp = |claim: &Place, socket: &dyn Fn() -> OwnedFd| Handed {
            address: claim.address.ip(),
            port: claim.address.port(),
            protocol: Protocol::Udp,
            socket: socket(),
        };
        let dup = |socket: &dyn AsFd| socket.as_fd().try_clone_to_owned().unwrap();
        let rows = [
            ("another address than claimed", ours, udp(&ours, &|| dup(&other.udp))),
            ("another claim than the plan has", ours, udp(&elsewhere, &|| dup(&theirs.udp))),
            ("another protocol than claimed", ours, udp(&ours, &|| dup(&theirs.tcp))),
            ("a deaf one", at(&deaf.udp), udp(&at(&deaf.udp), &|| dup(&deaf.udp))),
            ("one that shares with nobody", at(&selfish), udp(&at(&selfish), &|| dup(&selfish))),
            ("no socket at all", ours, udp(&ours, &|| dup(&file))),
            ("a connection", ours, Handed { protocol: Protocol::Tcp, ..udp(&ours, &|| dup(&client)) }),
        ];
        for (name, place, handed) in rows {
            let mut handed = vec![handed];
            let (udp, tcp) = adopt(&place, &mut handed);
            assert_eq!((udp.len(), tcp.len(), handed.len()), (0, 0, 1), "{name}");
        }
    }

    #[test]
    fn a_descriptor_that_is_not_open_is_an_error() {
        assert!(Handed::duplicate([127, 0, 0, 1].into(), 53, Protocol::Udp, 1_000_000).is_err());
        assert!(Handed::duplicate([127, 0, 0, 1].into(), 53, Protocol::Udp, -1).is_err());
    }
}
