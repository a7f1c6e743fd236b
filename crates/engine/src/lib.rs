//! Sockets, threads and the clock around nodens-core. No DNS decisions.

#![deny(unsafe_code)]

pub mod slab;
pub mod sys;
pub mod tcp;
pub mod timers;
pub mod udp;
pub mod upstream;
