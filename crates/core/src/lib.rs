//! What a DNS cache on a node decides, told as the journey of a query. No I/O, no clock, no threads.

#![forbid(unsafe_code)]

pub mod budget;
pub mod cache;
pub mod counters;
pub mod event;
pub mod forward;
pub mod handover;
pub mod hash;
pub mod plan;
pub mod plugin;
pub mod resolver;
pub mod route;
pub mod shared;
pub mod step;
pub mod time;
pub mod wire;

pub use counters::{CATALOGUE, Family, Kind, Sample, Value};
pub use event::{Event, EventKind};
pub use plugin::log::LogRecord;
pub use resolver::Resolver;
pub use shared::{PlanError, Rejected, Shared};
