//! Directives that touch a query or an answer, a file each, by the directive's own name.

pub mod errors;
pub mod log;
pub mod names;
