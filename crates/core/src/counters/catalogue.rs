//! The engine's metric families: what each is called, what it means, how it is labelled.

/// What sort of numbers a family holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts per bucket, a sum and a count.
    Histogram,
}

/// One row of the catalogue.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Family {
    /// The name others see.
    pub name: &'static str,
    /// Counter, gauge or histogram.
    pub kind: Kind,
    /// The HELP text, as `CoreDNS` has it where the family is `CoreDNS`'.
    pub help: &'static str,
    /// Label names in exposition order.
    pub labels: &'static [&'static str],
    /// Upper bounds of a histogram's buckets, without +Inf.
    pub buckets: &'static [f64],
}

/// `CoreDNS`' time buckets: 0.00025 * 2^n seconds.
pub const TIME_BUCKETS: [f64; 16] =
    [0.00025, 0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1.024, 2.048, 4.096, 8.192];

/// `CoreDNS`' size buckets, bytes.
pub const SIZE_BUCKETS: [f64; 14] =
    [0.0, 100.0, 200.0, 300.0, 400.0, 511.0, 1023.0, 2047.0, 4095.0, 8291.0, 16000.0, 32000.0, 48000.0, 64000.0];

/// Our own, finer time buckets: 1 us * 2^n; a hit takes a few microseconds.
pub const FINE_BUCKETS: [f64; 22] = [
    0.000_001, 0.000_002, 0.000_004, 0.000_008, 0.000_016, 0.000_032, 0.000_064, 0.000_128, 0.000_256, 0.000_512,
    0.001_024, 0.002_048, 0.004_096, 0.008_192, 0.016_384, 0.032_768, 0.065_536, 0.131_072, 0.262_144, 0.524_288,
    1.048_576, 2.097_152,
];

const fn counter(name: &'static str, help: &'static str, labels: &'static [&'static str]) -> Family {
    Family { name, kind: Kind::Counter, help, labels, buckets: &[] }
}

const fn gauge(name: &'static str, help: &'static str, labels: &'static [&'static str]) -> Family {
    Family { name, kind: Kind::Gauge, help, labels, buckets: &[] }
}

const fn histogram(
    name: &'static str,
    help: &'static str,
    labels: &'static [&'static str],
    buckets: &'static [f64],
) -> Family {
    Family { name, kind: Kind::Histogram, help, labels, buckets }
}

macro_rules! catalogue {
    ($($index:ident = $family:expr;)*) => {
        /// Every family of the data plane; a [`crate::counters::Sample`] names one by its place here.
        pub const CATALOGUE: &[Family] = &[$($family),*];
        #[derive(Clone, Copy)]
        #[repr(usize)]
        /// Places in the catalogue.
        pub(crate) enum Row { $($index),* }
    };
}

const SVZ: &[&str] = &["server", "view", "zones"];
const STVZ: &[&str] = &["server", "type", "view", "zones"];
const ZONE: &[&str] = &["server", "view", "zone"];

catalogue! {
    CacheEntries = gauge("coredns_cache_entries", "The number of elements in the cache.", STVZ);
    CacheRequests = counter("coredns_cache_requests_total", "The count of cache requests.", SVZ);
    CacheHits = counter("coredns_cache_hits_total", "The count of cache hits.", STVZ);
    CacheMisses = counter("coredns_cache_misses_total",
        "The count of cache misses. Deprecated, derive misses from cache hits/requests counters.", SVZ);
    CachePrefetch = counter("coredns_cache_prefetch_total", "The number of times the cache has prefetched a cached item.", SVZ);
    CacheDrops = counter("coredns_cache_drops_total",
        "The number responses that are not cached, because the reply is malformed.", SVZ);
    CacheServedStale = counter("coredns_cache_served_stale_total",
        "The number of requests served from stale cache entries.", SVZ);
    CacheEvictions = counter("coredns_cache_evictions_total", "The count of cache evictions.", STVZ);
    Requests = counter("coredns_dns_requests_total", "Counter of DNS requests made per zone, protocol and family.",
        &["family", "proto", "server", "type", "view", "zone"]);
    RequestDuration = histogram("coredns_dns_request_duration_seconds",
        "Histogram of the time (in seconds) each request took per zone.", ZONE, &TIME_BUCKETS);
    RequestSize = histogram("coredns_dns_request_size_bytes",
        "Size of the EDNS0 UDP buffer in bytes (64K for TCP) per zone and protocol.",
        &["proto", "server", "view", "zone"], &SIZE_BUCKETS);
    ResponseSize = histogram("coredns_dns_response_size_bytes", "Size of the returned response in bytes.",
        &["proto", "server", "view", "zone"], &SIZE_BUCKETS);
    DoRequests = counter("coredns_dns_do_requests_total", "Counter of DNS requests with DO bit set per zone.", ZONE);
    Responses = counter("coredns_dns_responses_total", "Counter of response status codes.",
        &["plugin", "rcode", "server", "view", "zone"]);
    Panics = counter("coredns_panics_total", "A metrics that counts the number of panics.", &[]);
    HealthcheckBroken = counter("coredns_forward_healthcheck_broken_total",
        "Counter of the number of complete failures of the healthchecks.", &[]);
    ConcurrentRejects = counter("coredns_forward_max_concurrent_rejects_total",
        "Counter of the number of queries rejected because the concurrent queries were at maximum.", &[]);
    ProxyDuration = histogram("coredns_proxy_request_duration_seconds", "Histogram of the time each request took.",
        &["proxy_name", "rcode", "to"], &TIME_BUCKETS);
    HealthcheckFailures = counter("coredns_proxy_healthcheck_failures_total",
        "Counter of the number of failed healthchecks.", &["proxy_name", "to"]);
    ConnectionHits = counter("coredns_proxy_conn_cache_hits_total",
        "Counter of connection cache hits per upstream and protocol.", &["proto", "proxy_name", "to"]);
    ConnectionMisses = counter("coredns_proxy_conn_cache_misses_total",
        "Counter of connection cache misses per upstream and protocol.", &["proto", "proxy_name", "to"]);
    ResponseDuration = histogram("nodens_response_duration_seconds",
        "Time from a query's arrival to its response, by where the response came from.", &["source"], &FINE_BUCKETS);
    RejectedPackets = counter("nodens_rejected_packets_total",
        "Messages that were dropped or answered with an error before any zone was looked up.", &["reason"]);
    CacheBytes = gauge("nodens_cache_bytes", "Memory held by cached answers.", &[]);
    MemoryUsed = gauge("nodens_memory_used_bytes", "Memory held by cached answers and questions in flight together.", &[]);
    MemoryLimit = gauge("nodens_memory_limit_bytes", "The bound of cached answers and questions in flight together.", &[]);
    CacheLimit = gauge("nodens_cache_entries_limit",
        "How many elements a cache may hold: at the limit each new one makes an old one leave.", STVZ);
    NotKept = counter("nodens_not_kept_total", "Answers not cached, because there was no room in the memory budget.", &[]);
    InFlight = gauge("nodens_questions_in_flight", "Questions for which an upstream is being asked.", &[]);
    Merged = counter("nodens_merged_queries_total", "Queries that joined a question already in flight.", &[]);
    Overload = counter("nodens_overload_total", "Queries refused because too many questions were in flight.", &[]);
    LogDropped = counter("nodens_log_dropped_total", "Log lines dropped because nobody took them in time.", &[]);
    EventsDropped = counter("nodens_events_dropped_total", "Events dropped because nobody took them in time.", &[]);
    UpstreamUp = gauge("nodens_upstream_up", "Whether an upstream is believed to answer.", &["to"]);
    UpstreamRtt = gauge("nodens_upstream_rtt_seconds", "Smoothed time an upstream takes to answer.", &["to"]);
    UpstreamFaults = counter("nodens_upstream_faults_total", "Exchanges that brought no usable response.",
        &["reason", "to"]);
}
