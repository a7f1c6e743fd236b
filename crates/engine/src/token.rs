//! What an epoll token or an alarm is about, in one word: the kind above, the key below.

use crate::slab::Key;

/// The kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token {
    /// The bell: orders or a nudge.
    Bell,
    /// A UDP listening socket.
    UdpListener(Key),
    /// A TCP listening socket.
    TcpListener(Key),
    /// A client's connection.
    Connection(Key),
    /// A UDP exchange with an upstream.
    UdpUpstream(Key),
    /// A connection to an upstream.
    TcpUpstream(Key),
}

impl Token {
    /// Into a word.
    pub const fn to_word(self) -> u64 {
        let (kind, key) = match self {
            Self::Bell => (0, 0),
            Self::UdpListener(key) => (1, key.to_word()),
            Self::TcpListener(key) => (2, key.to_word()),
            Self::Connection(key) => (3, key.to_word()),
            Self::UdpUpstream(key) => (4, key.to_word()),
            Self::TcpUpstream(key) => (5, key.to_word()),
        };
        kind << 60 | key
    }

    /// Out of a word.
    pub const fn from_word(word: u64) -> Self {
        let key = Key::from_word(word);
        match word >> 60 {
            1 => Self::UdpListener(key),
            2 => Self::TcpListener(key),
            3 => Self::Connection(key),
            4 => Self::UdpUpstream(key),
            5 => Self::TcpUpstream(key),
            _ => Self::Bell,
        }
    }
}
