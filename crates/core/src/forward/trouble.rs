//! What went wrong with an upstream, as clients (EDE) and the `errors` line are told.

use std::sync::Arc;

use super::inflight::Failure;
use super::upstream::Failing;
use crate::wire::edns::Ede;

/// The last thing that went wrong on a question's journey.
#[derive(Clone, Debug)]
pub struct Trouble {
    /// Whom we asked, as `ip:port`; empty if nobody.
    pub upstream: Arc<str>,
    /// Over TCP.
    pub is_tcp: bool,
    /// The connection was not there yet.
    pub is_dialing: bool,
    /// How it failed.
    pub failing: Failing,
}

impl Trouble {
    /// The phase and the upstream, worded as Go words them: `read udp 10.0.0.10:53: i/o timeout`.
    pub fn failure(&self) -> Failure {
        let Self { upstream, failing, .. } = self;
        let tail = failing.tail();
        let (verb, call) = match failing {
            Failing::Nobody => return Failure { ede: Ede::NoReachable, text: tail.into() },
            Failing::Loop => return Failure { ede: Ede::NoReachable, text: format!("{upstream}: {tail}") },
            Failing::Refused if !self.is_tcp => ("read", "read: "), // how a closed UDP port is noticed
            Failing::Refused | Failing::Unreachable | Failing::NoRoom => ("dial", "connect: "),
            Failing::Timeout if self.is_dialing => ("dial", ""),
            Failing::Reset if self.is_dialing => ("dial", "connect: "),
            Failing::Reset => ("read", "read: "),
            Failing::Timeout | Failing::Garbage | Failing::Bare => ("read", ""),
        };
        let transport = if self.is_tcp { "tcp" } else { "udp" };
        Failure { ede: Ede::Network, text: format!("{verb} {transport} {upstream}: {call}{tail}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_errors_line_names_the_phase_and_the_upstream() {
        let table = [
            (Failing::Timeout, false, false, "read udp 10.1.1.1:53: i/o timeout"),
            (Failing::Timeout, true, false, "read tcp 10.1.1.1:53: i/o timeout"),
            (Failing::Timeout, true, true, "dial tcp 10.1.1.1:53: i/o timeout"),
            (Failing::Refused, false, false, "read udp 10.1.1.1:53: read: connection refused"),
            (Failing::Refused, true, true, "dial tcp 10.1.1.1:53: connect: connection refused"),
            (Failing::Unreachable, false, false, "dial udp 10.1.1.1:53: connect: network is unreachable"),
            (Failing::Reset, true, false, "read tcp 10.1.1.1:53: read: connection reset by peer"),
            (Failing::Reset, true, true, "dial tcp 10.1.1.1:53: connect: connection reset by peer"),
            (Failing::Garbage, false, false, "read udp 10.1.1.1:53: malformed response"),
            (Failing::Bare, true, false, "read tcp 10.1.1.1:53: response without a question"),
            (Failing::NoRoom, true, true, "dial tcp 10.1.1.1:53: connect: no socket or buffer left"),
            (Failing::Loop, false, false, "10.1.1.1:53: query came back to us"),
            (Failing::Nobody, false, false, "no upstream"),
        ];
        for (failing, is_tcp, is_dialing, text) in table {
            let trouble = Trouble { upstream: "10.1.1.1:53".into(), is_tcp, is_dialing, failing };
            assert_eq!(trouble.failure().text, text);
        }
    }
}
