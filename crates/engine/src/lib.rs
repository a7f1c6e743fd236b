//! Sockets, threads and the clock around nodens-core. No DNS decisions.

#![deny(unsafe_code)]

pub mod error;
pub mod frames;
pub mod guests;
pub mod listener;
pub mod outgoing;
pub mod random;
pub mod slab;
pub mod sys;
pub mod tcp;
pub mod timers;
pub mod token;
pub mod udp;
pub mod upstream;
