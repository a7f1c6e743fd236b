//! Python's `EnginePlan` read into `core::plan`: attributes of the same names, enums by their value.
//!
//! A field is named once here; its type is the one in `core::plan`. What does not fit is rejected with its path.

use std::net::IpAddr;

use nodens_core::plan::{
    BlockPlan, CachePlan, ConsolidatePlan, EnginePlan, ErrorsPlan, ForwardPlan, HealthCheckPlan, ListenerPlan,
    LogClass, LogPlan, Policy, PrefetchPlan, StalePlan, StorePlan, Transport, UpstreamPlan, ZonePlan,
};
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::error::rejected;

/// A Python value and where in the plan it stands.
pub(crate) struct At<'a, 'py> {
    value: &'a Bound<'py, PyAny>,
    path: String,
}

/// What can be read out of a plan.
pub(crate) trait Read: Sized {
    /// Read it, or say what does not fit.
    fn read(at: &At<'_, '_>) -> PyResult<Self>;
}

/// Read a whole plan.
pub(crate) fn read(plan: &Bound<'_, PyAny>) -> PyResult<EnginePlan> {
    EnginePlan::read(&At { value: plan, path: String::new() })
}

impl At<'_, '_> {
    fn refuse(&self, expected: &str) -> PyErr {
        let told = self.value.repr().map_or_else(|_| "?".to_owned(), |text| text.to_string());
        rejected(self.path.clone(), format!("expected {expected}: {told}"))
    }

    fn field<T: Read>(&self, name: &str) -> PyResult<T> {
        let dot = if self.path.is_empty() { "" } else { "." };
        let path = format!("{}{dot}{name}", self.path);
        match self.value.getattr(name) {
            Ok(value) => T::read(&At { value: &value, path }),
            Err(_) => Err(rejected(path, "expected a field of this name".to_owned())),
        }
    }

    fn text(&self) -> PyResult<String> {
        self.value.extract().map_err(|_| self.refuse("text"))
    }
}

macro_rules! read_structs {
    ($($name:ident { $($field:ident)* })*) => {
        $(impl Read for $name {
            fn read(at: &At<'_, '_>) -> PyResult<Self> {
                Ok(Self { $($field: at.field(stringify!($field))?),* })
            }
        })*
    };
}

read_structs! {
    StorePlan { capacity ttl_max_s ttl_min_s }
    PrefetchPlan { amount window_ms percent }
    StalePlan { window_s is_verify verify_timeout_ms response_ttl_s recheck_ms prefers_positive }
    CachePlan {
        zones success denial prefetch stale servfail_ms success_disabled_zones denial_disabled_zones keeps_ttl
    }
    UpstreamPlan { address scope_id port label }
    HealthCheckPlan { interval_ms domain is_recursion_desired }
    ForwardPlan {
        zone except_zones upstreams transport policy expire_ms max_fails max_connect_attempts max_concurrent
        health_check next_rcodes is_next_on_nodata failover_rcodes is_failfast read_timeout_ms max_age_ms
        max_idle_connections source_address
    }
    LogPlan { zone format classes }
    ConsolidatePlan { pattern period_ms level shows_first }
    ErrorsPlan { consolidate }
    BlockPlan { name zones_label has_metrics has_handler udp_size_limit cache forwards log errors loop_zone }
    ZonePlan { name block }
    ListenerPlan {
        address scope_id port is_dual_stack is_freebind label zones tcp_read_timeout_ms tcp_idle_timeout_ms
        tcp_write_timeout_ms
    }
    EnginePlan {
        workers memory_limit_bytes max_tcp_connections max_tcp_connections_per_client max_queries_per_connection
        listeners blocks
    }
}

macro_rules! read_values {
    ($($name:ty: $expected:literal)*) => {
        $(impl Read for $name {
            fn read(at: &At<'_, '_>) -> PyResult<Self> {
                at.value.extract().map_err(|_| at.refuse($expected))
            }
        })*
    };
}

read_values! {
    bool: "True or False"
    u16: "a number from 0 to 65535"
    u32: "a number from 0 to 4294967295"
    u64: "a number from 0 on"
    usize: "a number from 0 on"
    String: "text"
}

macro_rules! read_choices {
    ($($name:ident { $($text:literal => $choice:ident)* })*) => {
        $(impl Read for $name {
            fn read(at: &At<'_, '_>) -> PyResult<Self> {
                match at.text()?.as_str() {
                    $($text => Ok(Self::$choice),)*
                    _ => Err(at.refuse(concat!("one of", $(" `", $text, "`"),*))),
                }
            }
        })*
    };
}

read_choices! {
    Transport { "client" => Client "udp" => Udp "tcp" => Tcp }
    Policy { "random" => Random "round_robin" => RoundRobin "sequential" => Sequential }
    LogClass { "all" => All "success" => Success "denial" => Denial "error" => Error }
}

impl Read for IpAddr {
    fn read(at: &At<'_, '_>) -> PyResult<Self> {
        at.text()?.parse().map_err(|_| at.refuse("an IP address"))
    }
}

impl<T: Read> Read for Vec<T> {
    fn read(at: &At<'_, '_>) -> PyResult<Self> {
        let items = at.value.try_iter().map_err(|_| at.refuse("a tuple"))?;
        let numbered = items.enumerate();
        numbered.map(|(number, item)| T::read(&At { value: &item?, path: format!("{}[{number}]", at.path) })).collect()
    }
}

/// None is nothing, and so is an empty text (`source_address`).
impl<T: Read> Read for Option<T> {
    fn read(at: &At<'_, '_>) -> PyResult<Self> {
        let is_empty_text = at.value.cast::<PyString>().is_ok_and(|text| text.len().is_ok_and(|length| length == 0));
        if at.value.is_none() || is_empty_text { Ok(None) } else { T::read(at).map(Some) }
    }
}
