//! What can go wrong between a plan and sockets.

use std::fmt;
use std::io;
use std::net::SocketAddr;

use nodens_core::PlanError;

/// The protocol of a listening socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Datagrams.
    Udp,
    /// Connections.
    Tcp,
}

impl fmt::Display for Protocol {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
        })
    }
}

/// Why an engine could not be bound, started or given another plan. It runs on as before.
#[derive(Debug)]
pub enum Error {
    /// A listening address could not be taken: the node is to blame.
    Bind {
        /// Which address.
        address: SocketAddr,
        /// Over what.
        protocol: Protocol,
        /// What the kernel said.
        source: io::Error,
    },
    /// A field of the plan is out of range: we are to blame.
    Plan(PlanError),
    /// The kernel gave no thread, or nothing to wait with: the node is to blame.
    Start(io::Error),
    /// Asked after the end.
    Stopped,
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bind { address, protocol, source } => write!(out, "{address}/{protocol}: cannot bind: {source}"),
            Self::Plan(PlanError { field, why }) => write!(out, "plan.{field}: {why}"),
            Self::Start(source) => write!(out, "engine: cannot start: {source}"),
            Self::Stopped => out.write_str("engine: has stopped"),
        }
    }
}

impl std::error::Error for Error {}

impl From<PlanError> for Error {
    fn from(error: PlanError) -> Self {
        Self::Plan(error)
    }
}
