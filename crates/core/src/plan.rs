//! What to run, as plain values: the same tree as `nodens.plan.EnginePlan`, field for field.
//!
//! Names and units are documented there (`python/nodens/plan/model.py`). Zones are presentation format, lower case,
//! with the final dot. Ranges are checked when a plan is taken up ([`crate::shared::Shared::apply`]).

#![expect(missing_docs, reason = "each field is documented on the Python side, where people write plans")]

use std::net::IpAddr;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    Client,
    Udp,
    Tcp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    Random,
    RoundRobin,
    Sequential,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogClass {
    All,
    Success,
    Denial,
    Error,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorePlan {
    pub capacity: usize,
    pub ttl_max_s: u32,
    pub ttl_min_s: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrefetchPlan {
    pub amount: u32,
    pub window_ms: u64,
    pub percent: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StalePlan {
    pub window_s: u32,
    pub is_verify: bool,
    pub verify_timeout_ms: u64,
    pub response_ttl_s: u32,
    pub recheck_ms: u64,
    pub prefers_positive: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CachePlan {
    pub zones: Vec<String>,
    pub success: StorePlan,
    pub denial: StorePlan,
    pub prefetch: Option<PrefetchPlan>,
    pub stale: Option<StalePlan>,
    pub servfail_ms: u64,
    pub success_disabled_zones: Vec<String>,
    pub denial_disabled_zones: Vec<String>,
    pub keeps_ttl: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamPlan {
    pub address: IpAddr,
    pub scope_id: u32,
    pub port: u16,
    pub label: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthCheckPlan {
    pub interval_ms: u64,
    pub domain: String,
    pub is_recursion_desired: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForwardPlan {
    pub zone: String,
    pub except_zones: Vec<String>,
    pub upstreams: Vec<UpstreamPlan>,
    pub transport: Transport,
    pub policy: Policy,
    pub expire_ms: u64,
    pub max_fails: u32,
    pub max_connect_attempts: u32,
    pub max_concurrent: usize,
    pub health_check: HealthCheckPlan,
    pub next_rcodes: Vec<u16>,
    pub is_next_on_nodata: bool,
    pub failover_rcodes: Vec<u16>,
    pub is_failfast: bool,
    pub read_timeout_ms: u64,
    pub max_age_ms: u64,
    pub max_idle_connections: usize,
    pub source_address: Option<IpAddr>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPlan {
    pub zone: String,
    pub format: String,
    pub classes: Vec<LogClass>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsolidatePlan {
    pub pattern: String,
    pub period_ms: u64,
    pub level: String,
    pub shows_first: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorsPlan {
    pub consolidate: Vec<ConsolidatePlan>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockPlan {
    pub name: String,
    pub zones_label: String,
    pub has_metrics: bool,
    pub has_handler: bool,
    pub udp_size_limit: u16,
    pub cache: Option<CachePlan>,
    pub forwards: Vec<ForwardPlan>,
    pub log: Vec<LogPlan>,
    pub errors: Option<ErrorsPlan>,
    pub loop_zone: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZonePlan {
    pub name: String,
    pub block: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenerPlan {
    pub address: IpAddr,
    pub scope_id: u32,
    pub port: u16,
    pub is_dual_stack: bool,
    pub is_freebind: bool,
    pub label: String,
    pub zones: Vec<ZonePlan>,
    pub tcp_read_timeout_ms: u64,
    pub tcp_idle_timeout_ms: u64,
    pub tcp_write_timeout_ms: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnginePlan {
    pub workers: usize,
    pub memory_limit_bytes: usize,
    pub max_tcp_connections: usize,
    pub max_tcp_connections_per_client: usize,
    pub max_queries_per_connection: usize,
    pub listeners: Vec<ListenerPlan>,
    pub blocks: Vec<BlockPlan>,
}
