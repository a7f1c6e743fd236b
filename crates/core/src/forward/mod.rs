//! One question's journey upstream.

pub mod inflight;
pub mod policy;
pub mod question;
pub mod trouble;
pub mod upstream;
