//! What can go wrong between a plan and sockets.

use std::fmt;
use std::io;
use std::net::SocketAddr;

use nodens_core::PlanError;
use nodens_core::handover::Imported;

use crate::transfer::Trouble;

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
    /// The cache did not get out: the reader is to blame, mostly.
    Export {
        /// What went wrong.
        trouble: Trouble,
    },
    /// The cache did not get in: the writer is to blame, mostly.
    Import {
        /// What went wrong.
        trouble: Trouble,
        /// What became of the entries up to there.
        so_far: Imported,
    },
    /// A worker does not do what it is told: we are to blame.
    Hangs,
    /// Asked after the end.
    Stopped,
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bind { address, protocol, source } => write!(out, "{address}/{protocol}: cannot bind: {source}"),
            Self::Plan(PlanError { field, why }) => write!(out, "plan.{field}: {why}"),
            Self::Start(source) => write!(out, "engine: cannot start: {source}"),
            Self::Export { trouble: Trouble::Io(source) } => write!(out, "cache: cannot be written: {source}"),
            Self::Export { .. } => out.write_str("cache: cannot be written in time"),
            Self::Import { trouble: Trouble::Io(source), .. } => write!(out, "cache: cannot be read: {source}"),
            Self::Import { trouble: Trouble::Late, .. } => out.write_str("cache: cannot be read in time"),
            Self::Import { trouble: Trouble::Refused(refused), .. } => write!(out, "cache: refused: {refused}"),
            Self::Hangs => out.write_str("engine: a worker hangs"),
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
