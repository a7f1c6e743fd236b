//! How many TCP connections there are, in all and of each client; shared by all workers.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use nodens_core::Rejected;
use nodens_core::plan::EnginePlan;

use crate::sys;

/// Unanswered queries on one connection, whatever the plan says: a client that pipelines more waits in its own socket.
const UNANSWERED_LIMIT: usize = 256;

/// How much clients may take. From the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections in all.
    pub connections: usize,
    /// Connections of one address.
    pub connections_per_client: usize,
    /// Unanswered queries on one connection.
    pub queries_per_connection: usize,
    /// Bytes that a worker's connections may hold, heard and to be written.
    pub bytes: usize,
}

/// Workers, at most; a node's DNS needs a few.
const WORKERS_LIMIT: usize = 64;
/// Descriptors that are nobody's: listeners, logs, the control plane and its HTTP clients.
const OTHER_FILES: usize = 64;
/// Bytes that a worker's connections may hold: a quarter of the memory budget, all workers together, within these bounds.
const BYTES: (usize, usize) = (1 << 20, 16 << 20);

/// How many workers a plan has.
pub fn workers_of(plan: &EnginePlan) -> usize {
    plan.workers.clamp(1, WORKERS_LIMIT)
}

/// Descriptors that one worker may spend on upstreams, of so many in all: half of what clients leave.
pub fn sockets_for_upstreams(plan: &EnginePlan, files: usize) -> usize {
    let ours = files.saturating_sub(plan.max_tcp_connections).max(files / 2);
    (ours / 2 / workers_of(plan)).clamp(16, 8192)
}

impl Limits {
    /// The limits of a plan; at least one of each. 0 unanswered queries: the operator wishes no limit, ours holds.
    pub fn of(plan: &EnginePlan) -> Self {
        Self::within(plan, usize::try_from(sys::raise_file_limit()).unwrap_or(usize::MAX))
    }

    /// The same, where the process may have so many descriptors: clients get what upstreams and others leave.
    fn within(plan: &EnginePlan, files: usize) -> Self {
        let workers = workers_of(plan);
        let others = sockets_for_upstreams(plan, files) * workers + OTHER_FILES;
        let (least, most) = BYTES;
        Self {
            connections: plan.max_tcp_connections.min(files.saturating_sub(others)).max(1),
            bytes: (plan.memory_limit_bytes / 4 / workers).clamp(least, most),
            connections_per_client: plan.max_tcp_connections_per_client.max(1),
            queries_per_connection: match plan.max_queries_per_connection {
                0 => UNANSWERED_LIMIT,
                wished => wished.min(UNANSWERED_LIMIT),
            },
        }
    }
}

/// The book of open connections. Touched when one comes and when it leaves, never for a query.
#[derive(Debug, Default)]
pub struct Guests(Mutex<Book>);

#[derive(Debug, Default)]
struct Book {
    total: usize,
    by_client: HashMap<IpAddr, usize>,
}

impl Guests {
    /// Write a connection into the book, or say why not.
    pub fn admit(&self, client: IpAddr, limits: &Limits) -> Result<(), Rejected> {
        let mut book = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if book.total >= limits.connections {
            return Err(Rejected::Connections);
        }
        let of_client = book.by_client.entry(client).or_default();
        if *of_client >= limits.connections_per_client {
            return Err(Rejected::ClientConnections);
        }
        *of_client += 1;
        book.total += 1;
        Ok(())
    }

    /// Strike one out.
    pub fn leave(&self, client: IpAddr) {
        let mut book = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        book.total = book.total.saturating_sub(1);
        if let Some(of_client) = book.by_client.get_mut(&client) {
            *of_client = of_client.saturating_sub(1);
            if *of_client == 0 {
                book.by_client.remove(&client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_get_no_descriptor_that_upstreams_or_we_ourselves_need() {
        let mut plan = EnginePlan {
            workers: 2,
            memory_limit_bytes: 48 << 20,
            max_tcp_connections: 2048,
            max_tcp_connections_per_client: 256,
            max_queries_per_connection: 0,
            listeners: Vec::new(),
            blocks: Vec::new(),
        };
        for (workers, files, connections, sockets) in
            [(2, 1 << 20, 2048, 8192), (2, 1024, 704, 128), (2, 256, 128, 32), (4, 128, 1, 16), (1, 8, 1, 16)]
        {
            plan.workers = workers;
            let found = (Limits::within(&plan, files).connections, sockets_for_upstreams(&plan, files));
            assert_eq!(found, (connections, sockets), "{workers} workers, {files} files");
        }
    }

    #[test]
    fn one_client_cannot_take_the_room_of_all_and_all_cannot_take_more_than_there_is() {
        let limits = Limits { connections: 3, connections_per_client: 2, queries_per_connection: 1, bytes: 1 };
        let [greedy, other, late] = [1, 2, 3].map(|last| IpAddr::from([127, 0, 0, last]));
        let guests = Guests::default();
        assert_eq!(guests.admit(greedy, &limits), Ok(()));
        assert_eq!(guests.admit(greedy, &limits), Ok(()));
        assert_eq!(guests.admit(greedy, &limits), Err(Rejected::ClientConnections));
        assert_eq!(guests.admit(other, &limits), Ok(()));
        assert_eq!(guests.admit(late, &limits), Err(Rejected::Connections));
        guests.leave(greedy);
        assert_eq!(guests.admit(late, &limits), Ok(()));
        guests.leave(greedy);
        guests.leave(other);
        guests.leave(late);
        assert!(guests.0.lock().unwrap().by_client.is_empty());
    }
}
