//! Sockets, threads and the clock around nodens-core. No DNS decisions.

#![deny(unsafe_code)]

mod binding;
pub mod engine;
pub mod error;
pub mod events;
pub mod frames;
pub mod guests;
pub mod handover;
mod json;
pub mod listener;
pub mod logger;
pub mod orders;
pub mod outgoing;
pub mod random;
pub mod slab;
pub mod sys;
pub mod tcp;
pub mod timers;
pub mod token;
pub mod transfer;
pub mod udp;
pub mod upstream;
pub mod worker;

pub use engine::{Bound, Running, Stopped};
pub use error::{Error, Protocol};
pub use events::Told;
pub use handover::Handed;
pub use logger::log_as_json;
