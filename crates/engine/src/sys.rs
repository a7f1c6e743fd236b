//! What the standard library does not offer of Linux; the only file with `unsafe`, each block says why it is sound.
//! size: all of it stands in one place, to be read with suspicion.

#![expect(unsafe_code, reason = "recvmmsg, sendmmsg, epoll and friends have no safe form in the standard library")]

use std::io;
use std::mem::{MaybeUninit, size_of, zeroed};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::ptr::{addr_of_mut, null_mut};
use std::time::Duration;

use nodens_core::time::Moment;

/// Datagrams taken or given in one system call.
pub const BATCH: usize = 32;
/// The same, as the calls want it.
const BATCH_IN_C: libc::c_uint = 32;
/// The longest datagram we take or give; `bufsize` ends at 4096.
pub const DATAGRAM: usize = 4096;
/// Buffers stand this far apart: a stride of 4096 would put the heads of all of them into one set of the first-level cache.
const STRIDE: usize = DATAGRAM + 192;
/// Room for one packet-info message of either family.
const CONTROL: usize = 64;

/// An errno as an error, or the number of a call that went well.
fn checked(returned: libc::c_int) -> io::Result<libc::c_int> {
    if returned < 0 { Err(io::Error::last_os_error()) } else { Ok(returned) }
}

/// The engine's clock: `CLOCK_MONOTONIC`.
pub fn now() -> Moment {
    let (seconds, nanos) = read_clock(libc::CLOCK_MONOTONIC);
    Moment::from_nanos(seconds.saturating_mul(1_000_000_000).saturating_add(nanos))
}

/// The clock on the wall, in Unix seconds; may be set at any time.
pub fn unix_s() -> u64 {
    read_clock(libc::CLOCK_REALTIME).0
}

/// The same in milliseconds.
pub fn unix_ms() -> u64 {
    let (seconds, nanoseconds) = read_clock(libc::CLOCK_REALTIME);
    seconds.saturating_mul(1000).saturating_add(nanoseconds / 1_000_000)
}

fn read_clock(clock: libc::clockid_t) -> (u64, u64) {
    // SAFETY: all zeroes is a valid timespec.
    let mut time: libc::timespec = unsafe { zeroed() };
    // SAFETY: the pointer is to a live timespec; both clocks exist on every Linux.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    (u64::try_from(time.tv_sec).unwrap_or(0), u64::try_from(time.tv_nsec).unwrap_or(0))
}

/// Fill with secret bytes from the kernel.
pub fn fill_random(bytes: &mut [u8]) {
    let mut done = 0;
    while let Some(rest) = bytes.get_mut(done..).filter(|rest| !rest.is_empty()) {
        // SAFETY: the pointer and length are those of a live, exclusive slice.
        let got = unsafe { libc::getrandom(rest.as_mut_ptr().cast(), rest.len(), 0) };
        done += usize::try_from(got).unwrap_or(0); // only EINTR can fail here: ask again
    }
}

/// Raise the soft limit of open files to the hard one; what it is afterwards.
pub fn raise_file_limit() -> u64 {
    // SAFETY: all zeroes is a valid rlimit.
    let mut limit: libc::rlimit = unsafe { zeroed() };
    // SAFETY: the pointer is to a live rlimit.
    if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) } < 0 {
        return 1024;
    }
    let before = limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max;
    // SAFETY: the pointer is to a live rlimit.
    let was_refused = unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) } < 0;
    if was_refused { before } else { limit.rlim_cur }
}

/// Keep all signals away from this thread: they are the main thread's.
pub fn block_signals() {
    // SAFETY: all zeroes is a valid signal set.
    let mut all: libc::sigset_t = unsafe { zeroed() };
    // SAFETY: the pointers are to a live set; an old mask is not asked for.
    unsafe {
        libc::sigfillset(&raw mut all);
        libc::pthread_sigmask(libc::SIG_BLOCK, &raw const all, null_mut());
    }
}

/// Duplicate a descriptor that is a number to us; an error if it is not open. Children do not inherit the new one.
pub fn duplicate(descriptor: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: no pointers are passed; the kernel says whether the number is that of an open descriptor.
    let raw = checked(unsafe { libc::fcntl(descriptor, libc::F_DUPFD_CLOEXEC, 0) })?;
    // SAFETY: the descriptor is new and nobody else's.
    Ok(unsafe { OwnedFd::from_raw_fd(raw) })
}

/// Wait for one descriptor, at most so long; whether it is ready (or broken, which reading or writing will tell).
pub fn wait_for(descriptor: impl AsFd, interest: Interest, at_most: Duration) -> io::Result<bool> {
    let events = if interest == Interest::WRITE { libc::POLLOUT } else { libc::POLLIN };
    let mut one = libc::pollfd { fd: descriptor.as_fd().as_raw_fd(), events, revents: 0 };
    let millis = i32::try_from(at_most.as_micros().div_ceil(1000)).unwrap_or(i32::MAX);
    // SAFETY: one live pollfd.
    match checked(unsafe { libc::poll(&raw mut one, 1, millis) }) {
        Ok(count) => Ok(count > 0),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(false),
        Err(error) => Err(error),
    }
}

/// Ask the kernel to tell each datagram's destination.
pub fn receive_packet_info(socket: BorrowedFd<'_>, is_v6: bool) -> io::Result<()> {
    let (level, name) =
        if is_v6 { (libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO) } else { (libc::IPPROTO_IP, libc::IP_PKTINFO) };
    set_option(socket, level, name)
}

/// Let `connect` choose the port, so that many sockets may be bound to one source address.
pub fn bind_without_port(socket: BorrowedFd<'_>) -> io::Result<()> {
    set_option(socket, libc::IPPROTO_IP, libc::IP_BIND_ADDRESS_NO_PORT)
}

fn set_option(socket: BorrowedFd<'_>, level: libc::c_int, name: libc::c_int) -> io::Result<()> {
    let on: libc::c_int = 1;
    // SAFETY: the value is a live c_int of the length given.
    checked(unsafe {
        libc::setsockopt(socket.as_raw_fd(), level, name, (&raw const on).cast(), length_of::<libc::c_int>())
    })?;
    Ok(())
}

/// The length of a type as the socket calls want it.
#[expect(clippy::cast_possible_truncation, reason = "the types are a few bytes long")]
const fn length_of<T>() -> libc::socklen_t {
    size_of::<T>() as libc::socklen_t
}

// ------------ Waiting ------------

/// `EPOLLET` is the sign bit of libc's type.
#[expect(clippy::cast_sign_loss, reason = "the sign bit is what is meant")]
const EDGE: u32 = libc::EPOLLET as u32;

/// What to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interest(u32);

impl Interest {
    /// Nothing but errors.
    pub const NONE: Self = Self(0);
    /// Bytes to read.
    pub const READ: Self = Self(libc::EPOLLIN as u32);
    /// Room to write.
    pub const WRITE: Self = Self(libc::EPOLLOUT as u32);
    /// New bytes to read, told once; whoever asks for it reads until nothing is left.
    pub const READ_EDGE: Self = Self(libc::EPOLLIN as u32 | EDGE);

    /// Both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// One socket that is ready.
#[derive(Clone, Copy, Debug)]
pub struct Ready {
    /// As given to [`Epoll::add`].
    pub token: u64,
    events: u32,
}

impl Ready {
    /// Reading will not block; errors count, since reading tells them.
    pub fn is_readable(self) -> bool {
        self.events & (libc::EPOLLIN | libc::EPOLLHUP | libc::EPOLLERR) as u32 != 0
    }

    /// Writing will not block; errors count, since writing tells them.
    pub fn is_writable(self) -> bool {
        self.events & (libc::EPOLLOUT | libc::EPOLLHUP | libc::EPOLLERR) as u32 != 0
    }
}

/// An epoll set and the room for what it tells.
pub struct Epoll {
    set: OwnedFd,
    events: Vec<libc::epoll_event>,
}

impl Epoll {
    /// An empty set.
    pub fn new() -> io::Result<Self> {
        // SAFETY: no pointers are passed.
        let raw = checked(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })?;
        // SAFETY: the descriptor is new and nobody else's.
        let set = unsafe { OwnedFd::from_raw_fd(raw) };
        Ok(Self { set, events: vec![libc::epoll_event { events: 0, u64: 0 }; 256] })
    }

    /// Watch a socket.
    pub fn add(&self, socket: impl AsFd, token: u64, interest: Interest) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_ADD, &socket.as_fd(), token, interest)
    }

    /// Watch it for something else.
    pub fn change(&self, socket: impl AsFd, token: u64, interest: Interest) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_MOD, &socket.as_fd(), token, interest)
    }

    /// Watch it no more.
    pub fn remove(&self, socket: impl AsFd) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_DEL, &socket.as_fd(), 0, Interest::NONE)
    }

    fn control(&self, what: libc::c_int, socket: &BorrowedFd<'_>, token: u64, interest: Interest) -> io::Result<()> {
        let mut event = libc::epoll_event { events: interest.0, u64: token };
        // SAFETY: the event is live, both descriptors are open.
        checked(unsafe { libc::epoll_ctl(self.set.as_raw_fd(), what, socket.as_raw_fd(), &raw mut event) })?;
        Ok(())
    }

    /// Wait, at most so long; rounds up to milliseconds. Being interrupted is an empty answer.
    pub fn wait(&mut self, at_most: Duration) -> usize {
        let millis = i32::try_from(at_most.as_micros().div_ceil(1000)).unwrap_or(1000);
        let room = i32::try_from(self.events.len()).unwrap_or(1);
        // SAFETY: the pointer and length are those of our own vector.
        let got = unsafe { libc::epoll_wait(self.set.as_raw_fd(), self.events.as_mut_ptr(), room, millis) };
        usize::try_from(got).unwrap_or(0)
    }

    /// One of those that the last [`Self::wait`] told.
    pub fn ready(&self, index: usize) -> Option<Ready> {
        self.events.get(index).map(|event| Ready { token: event.u64, events: event.events })
    }
}

/// A bell that wakes a worker from its wait.
#[derive(Debug)]
pub struct Bell(OwnedFd);

impl Bell {
    /// A silent bell.
    pub fn new() -> io::Result<Self> {
        // SAFETY: no pointers are passed.
        let raw = checked(unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) })?;
        // SAFETY: the descriptor is new and nobody else's.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(raw) }))
    }

    /// Ring; ringing twice is ringing once.
    pub fn ring(&self) {
        let one = 1_u64;
        // SAFETY: eight live bytes, as an eventfd wants them.
        unsafe { libc::write(self.0.as_raw_fd(), (&raw const one).cast(), size_of::<u64>()) };
    }

    /// Make it silent again.
    pub fn hush(&self) {
        let mut count = 0_u64;
        // SAFETY: eight live bytes, as an eventfd wants them.
        unsafe { libc::read(self.0.as_raw_fd(), (&raw mut count).cast(), size_of::<u64>()) };
    }
}

impl AsFd for Bell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

// ------------ Datagrams by the batch ------------

/// Control bytes, aligned as `cmsghdr` wants.
#[repr(C, align(8))]
struct Control([u8; CONTROL]);

/// All that one recvmmsg or sendmmsg points into. Lives at one address from birth to death.
#[repr(C)]
struct Slots {
    headers: [libc::mmsghdr; BATCH],
    pieces: [libc::iovec; BATCH],
    names: [libc::sockaddr_in6; BATCH],
    controls: [Control; BATCH],
    buffers: [[u8; STRIDE]; BATCH],
}

/// An owned pointer to [`Slots`], never a long-lived reference: the kernel and the headers point into it.
struct Room(*mut Slots);

impl Room {
    fn new() -> Self {
        // All zeroes is a valid `Slots`: integers, null pointers, bytes.
        let room = Self(Box::into_raw(Box::new(MaybeUninit::<Slots>::zeroed())).cast());
        for index in 0..BATCH {
            // SAFETY: index is below BATCH; all pointers stay inside the allocation, which lives as long as `room`.
            unsafe {
                let piece = addr_of_mut!((*room.0).pieces).cast::<libc::iovec>().add(index);
                (*piece).iov_base = addr_of_mut!((*room.0).buffers).cast::<[u8; STRIDE]>().add(index).cast();
                (*piece).iov_len = DATAGRAM;
                let header = &raw mut (*room.header(index)).msg_hdr;
                (*header).msg_iov = piece;
                (*header).msg_iovlen = 1;
                (*header).msg_name = addr_of_mut!((*room.0).names).cast::<libc::sockaddr_in6>().add(index).cast();
                (*header).msg_control = addr_of_mut!((*room.0).controls).cast::<Control>().add(index).cast();
            }
        }
        room
    }

    /// The header of a slot; `index` below BATCH.
    fn header(&self, index: usize) -> *mut libc::mmsghdr {
        debug_assert!(index < BATCH);
        // SAFETY: callers stay below BATCH, so the pointer stays inside the array.
        unsafe { addr_of_mut!((*self.0).headers).cast::<libc::mmsghdr>().add(index) }
    }

    /// The buffer of a slot; `index` below BATCH.
    fn buffer(&self, index: usize) -> *mut u8 {
        debug_assert!(index < BATCH);
        // SAFETY: as above.
        unsafe { addr_of_mut!((*self.0).buffers).cast::<[u8; STRIDE]>().add(index).cast() }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        // SAFETY: made by Box::into_raw in `new`, given back once.
        drop(unsafe { Box::from_raw(self.0.cast::<MaybeUninit<Slots>>()) });
    }
}

/// One datagram that came in.
pub struct Datagram<'b> {
    /// What it says.
    pub bytes: &'b [u8],
    /// Who sent it; an IPv4-mapped address is told as IPv4.
    pub remote: SocketAddr,
    /// Where it was sent to, if the socket tells.
    pub local: Option<IpAddr>,
    /// The interface it came in by, if the socket tells; else 0.
    pub interface: u32,
    /// It was longer than we take.
    pub is_cut: bool,
}

/// Room for datagrams that come in.
pub struct Inbox(Room);

impl Inbox {
    /// Room for a batch.
    pub fn new() -> Self {
        let room = Room::new();
        for index in 0..BATCH {
            Self::reset(&room, index);
        }
        Self(room)
    }

    /// Give the kernel back its room for name and control; it overwrites the lengths with what it used.
    fn reset(room: &Room, index: usize) {
        // SAFETY: index is below BATCH; nobody else holds a pointer now.
        unsafe {
            let header = &raw mut (*room.header(index)).msg_hdr;
            (*header).msg_namelen = length_of::<libc::sockaddr_in6>();
            (*header).msg_controllen = CONTROL;
        }
    }

    /// Take what is there, at most a batch. Never blocks.
    pub fn receive(&mut self, socket: BorrowedFd<'_>) -> io::Result<usize> {
        // SAFETY: the headers point into our room, which outlives the call; BATCH is their number.
        let got =
            unsafe { libc::recvmmsg(socket.as_raw_fd(), self.0.header(0), BATCH_IN_C, libc::MSG_DONTWAIT, null_mut()) };
        checked(got).map(|count| usize::try_from(count).unwrap_or(0).min(BATCH))
    }

    /// One of those that the last [`Self::receive`] took; each may be taken once, in any order.
    pub fn take(&mut self, index: usize) -> Option<Datagram<'_>> {
        if index >= BATCH {
            return None;
        }
        // SAFETY: index is below BATCH. The kernel wrote `msg_len` <= DATAGRAM bytes, a name and controls within our room;
        // the borrow of `self` keeps the next `receive` away while the bytes are looked at.
        unsafe {
            let header = self.0.header(index);
            let length = ((*header).msg_len as usize).min(DATAGRAM);
            let bytes = std::slice::from_raw_parts(self.0.buffer(index).cast_const(), length);
            let remote = read_name((*header).msg_hdr.msg_name.cast());
            let (local, interface) = read_packet_info(&raw const (*header).msg_hdr);
            let is_cut = (*header).msg_hdr.msg_flags & libc::MSG_TRUNC != 0;
            Self::reset(&self.0, index);
            Some(Datagram { bytes, remote, local, interface, is_cut })
        }
    }
}

impl Default for Inbox {
    fn default() -> Self {
        Self::new()
    }
}

/// What became of a batch that was sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// Datagrams the kernel took.
    pub taken: usize,
    /// Datagrams it refused.
    pub refused: usize,
}

/// Room for datagrams that go out.
pub struct Outbox {
    slots: Room,
    count: usize,
}

impl Outbox {
    /// Room for a batch.
    pub fn new() -> Self {
        Self { slots: Room::new(), count: 0 }
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Whether [`Self::flush`] must come first.
    pub fn is_full(&self) -> bool {
        self.count >= BATCH
    }

    /// Forget what waits.
    pub fn clear(&mut self) {
        self.count = 0;
    }

    /// The buffer of the next datagram: write into it, then [`Self::add`]. Empty when full.
    pub fn room(&mut self) -> &mut [u8] {
        if self.is_full() {
            return &mut [];
        }
        // SAFETY: count is below BATCH; DATAGRAM bytes stand there, and the borrow of `self` makes them ours alone.
        unsafe { std::slice::from_raw_parts_mut(self.slots.buffer(self.count), DATAGRAM) }
    }

    /// Add the datagram written into [`Self::room`]. `is_v6` is the socket's family, `source` the address to send from.
    pub fn add(&mut self, length: usize, to: SocketAddr, is_v6: bool, source: Option<IpAddr>) {
        if self.is_full() {
            return;
        }
        // SAFETY: count is below BATCH; name and control have room for what is written, and nobody else looks.
        unsafe {
            let header = &raw mut (*self.slots.header(self.count)).msg_hdr;
            (*(*header).msg_iov).iov_len = length.min(DATAGRAM);
            (*header).msg_namelen = write_name((*header).msg_name.cast(), to, is_v6);
            (*header).msg_controllen =
                source.map_or(0, |source| write_packet_info((*header).msg_control.cast(), source, is_v6));
        }
        self.count += 1;
    }

    /// Send all; a datagram that the kernel refuses is left out, the others go.
    pub fn flush(&mut self, socket: BorrowedFd<'_>) -> Sent {
        let mut sent = Sent::default();
        let mut at = 0;
        while at < self.count {
            let left = libc::c_uint::try_from(self.count - at).unwrap_or(0);
            // SAFETY: the headers from `at` to `count` were written by `add` and point into our room.
            let got = unsafe {
                libc::sendmmsg(socket.as_raw_fd(), self.slots.header(at), left, libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL)
            };
            match checked(got) {
                Ok(count) => {
                    let count = usize::try_from(count).unwrap_or(0).max(1);
                    sent.taken += count;
                    at += count;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => {
                    sent.refused += 1;
                    at += 1;
                }
            }
        }
        self.count = 0;
        sent
    }
}

impl Default for Outbox {
    fn default() -> Self {
        Self::new()
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the kernel's numbers are 2 and 10")]
const FAMILY_V4: libc::sa_family_t = libc::AF_INET as libc::sa_family_t;
#[expect(clippy::cast_possible_truncation, reason = "the kernel's numbers are 2 and 10")]
const FAMILY_V6: libc::sa_family_t = libc::AF_INET6 as libc::sa_family_t;

/// An address as the kernel wrote it. `name` points to a live `sockaddr_in6`-sized room.
unsafe fn read_name(name: *const libc::sockaddr_in6) -> SocketAddr {
    // SAFETY: both forms fit into the room, and every bit pattern is a valid one of either.
    unsafe {
        if i32::from((*name).sin6_family) == libc::AF_INET {
            let name = name.cast::<libc::sockaddr_in>();
            let ip = Ipv4Addr::from(u32::from_be((*name).sin_addr.s_addr));
            return SocketAddr::V4(SocketAddrV4::new(ip, u16::from_be((*name).sin_port)));
        }
        let ip = Ipv6Addr::from((*name).sin6_addr.s6_addr);
        let port = u16::from_be((*name).sin6_port);
        match ip.to_ipv4_mapped() {
            Some(ip) => SocketAddr::V4(SocketAddrV4::new(ip, port)),
            None => SocketAddr::V6(SocketAddrV6::new(ip, port, 0, (*name).sin6_scope_id)),
        }
    }
}

/// Write an address as a socket of this family wants it; gives the length. `name` points to a live `sockaddr_in6`.
unsafe fn write_name(name: *mut libc::sockaddr_in6, to: SocketAddr, is_v6: bool) -> libc::socklen_t {
    let (ip, scope) = match to {
        SocketAddr::V4(to) if !is_v6 => {
            // SAFETY: a `sockaddr_in` is shorter than the room.
            unsafe {
                name.cast::<libc::sockaddr_in>().write(libc::sockaddr_in {
                    sin_family: FAMILY_V4,
                    sin_port: to.port().to_be(),
                    sin_addr: libc::in_addr { s_addr: u32::from(*to.ip()).to_be() },
                    sin_zero: [0; 8],
                });
            }
            return length_of::<libc::sockaddr_in>();
        }
        SocketAddr::V4(to) => (to.ip().to_ipv6_mapped(), 0),
        SocketAddr::V6(to) => (*to.ip(), to.scope_id()),
    };
    // SAFETY: the room is a `sockaddr_in6`.
    unsafe {
        name.write(libc::sockaddr_in6 {
            sin6_family: FAMILY_V6,
            sin6_port: to.port().to_be(),
            sin6_flowinfo: 0,
            sin6_addr: libc::in6_addr { s6_addr: ip.octets() },
            sin6_scope_id: scope,
        });
    }
    length_of::<libc::sockaddr_in6>()
}

/// The destination and the interface out of the control messages. `header` was filled by the kernel.
unsafe fn read_packet_info(header: *const libc::msghdr) -> (Option<IpAddr>, u32) {
    // SAFETY: the kernel wrote well-formed control messages of `msg_controllen` bytes; the CMSG macros stay inside.
    unsafe {
        if (*header).msg_controllen == 0 {
            return (None, 0);
        }
        let mut message = libc::CMSG_FIRSTHDR(header);
        while !message.is_null() {
            match ((*message).cmsg_level, (*message).cmsg_type) {
                (libc::IPPROTO_IP, libc::IP_PKTINFO) => {
                    let info = libc::CMSG_DATA(message).cast::<libc::in_pktinfo>().read_unaligned();
                    let ip = Ipv4Addr::from(u32::from_be(info.ipi_addr.s_addr));
                    return (Some(IpAddr::V4(ip)), u32::try_from(info.ipi_ifindex).unwrap_or(0));
                }
                (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) => {
                    let info = libc::CMSG_DATA(message).cast::<libc::in6_pktinfo>().read_unaligned();
                    let ip = Ipv6Addr::from(info.ipi6_addr.s6_addr).to_canonical();
                    return (Some(ip), info.ipi6_ifindex);
                }
                _ => message = libc::CMSG_NXTHDR(header, message),
            }
        }
    }
    (None, 0)
}

/// Write where to send from; gives the length. `control` points to CONTROL live, aligned bytes.
unsafe fn write_packet_info(control: *mut libc::cmsghdr, source: IpAddr, is_v6: bool) -> usize {
    // SAFETY: one header and one packet info of either family are shorter than CONTROL.
    unsafe {
        if let (IpAddr::V4(source), false) = (source, is_v6) {
            (*control).cmsg_level = libc::IPPROTO_IP;
            (*control).cmsg_type = libc::IP_PKTINFO;
            (*control).cmsg_len = libc::CMSG_LEN(length_of::<libc::in_pktinfo>()) as usize;
            libc::CMSG_DATA(control).cast::<libc::in_pktinfo>().write_unaligned(libc::in_pktinfo {
                ipi_ifindex: 0,
                ipi_spec_dst: libc::in_addr { s_addr: u32::from(source).to_be() },
                ipi_addr: libc::in_addr { s_addr: 0 },
            });
            return libc::CMSG_SPACE(length_of::<libc::in_pktinfo>()) as usize;
        }
        let source = match source {
            IpAddr::V4(source) => source.to_ipv6_mapped(),
            IpAddr::V6(source) => source,
        };
        (*control).cmsg_level = libc::IPPROTO_IPV6;
        (*control).cmsg_type = libc::IPV6_PKTINFO;
        (*control).cmsg_len = libc::CMSG_LEN(length_of::<libc::in6_pktinfo>()) as usize;
        libc::CMSG_DATA(control).cast::<libc::in6_pktinfo>().write_unaligned(libc::in6_pktinfo {
            ipi6_addr: libc::in6_addr { s6_addr: source.octets() },
            ipi6_ifindex: 0,
        });
        libc::CMSG_SPACE(length_of::<libc::in6_pktinfo>()) as usize
    }
}
