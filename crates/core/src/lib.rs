//! What a DNS cache on a node decides, told as the journey of a query. No I/O, no clock, no threads.

#![forbid(unsafe_code)]

pub mod plan;
pub mod step;
pub mod time;
