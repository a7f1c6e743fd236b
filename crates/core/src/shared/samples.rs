//! Sums what workers counted into samples, in catalogue order.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Rejected, Shared};
use crate::cache::entry::Side;
use crate::counters::{Count, Histogram, Plain, RCODES, Row, Sample, SiteCounters, TYPES, Value};
use crate::plugin::names::rcode_name;

/// Samples being summed: by family and labels.
#[derive(Default)]
struct Sums {
    numbers: BTreeMap<(usize, Vec<String>), f64>,
    histograms: BTreeMap<(usize, Vec<String>), (Plain, f64)>,
}

impl Sums {
    #[expect(clippy::cast_precision_loss, reason = "counters are shown as floats; 2^53 is far away")]
    fn add(&mut self, row: Row, labels: &[&str], value: u64) {
        if value > 0 {
            self.set(row, labels, value as f64);
        }
    }

    /// Add even if it is zero.
    fn set(&mut self, row: Row, labels: &[&str], value: f64) {
        let labels = labels.iter().map(|label| (*label).to_owned()).collect();
        *self.numbers.entry((row as usize, labels)).or_default() += value;
    }

    /// Add a histogram; `unit` makes its sum the unit that is shown.
    fn add_plain(&mut self, row: Row, labels: &[&str], plain: &Plain, unit: f64) {
        if plain.count == 0 {
            return;
        }
        let labels = labels.iter().map(|label| (*label).to_owned()).collect();
        let (total, into_unit) = self.histograms.entry((row as usize, labels)).or_default();
        *into_unit = unit;
        total.buckets.resize(plain.buckets.len(), 0);
        for (into, count) in total.buckets.iter_mut().zip(&plain.buckets) {
            *into += count;
        }
        total.sum += plain.sum;
        total.count += plain.count;
    }

    fn add_histogram<const N: usize>(&mut self, row: Row, labels: &[&str], histogram: &Histogram<N>, unit: f64) {
        let mut plain = Plain::default();
        histogram.sum_into(&mut plain);
        self.add_plain(row, labels, &plain, unit);
    }
}

const SECONDS: f64 = 1e-9;
const BYTES: f64 = 1.0;

/// All samples at this moment.
#[expect(clippy::cast_precision_loss, reason = "sizes are shown as floats; 2^53 is far away")]
pub(super) fn collect(shared: &Shared) -> Vec<Sample> {
    let mut sums = Sums::default();
    collect_workers(shared, &mut sums);
    collect_caches(shared, &mut sums);
    collect_upstreams(shared, &mut sums);
    for (row, value) in [
        (Row::Panics, 0),
        (Row::HealthcheckBroken, shared.healthcheck_broken.get()),
        (Row::ConcurrentRejects, shared.concurrent_rejects.get()),
        (Row::EventsDropped, shared.events_dropped.get()),
        (Row::MemoryUsed, shared.budget.used() as u64),
        (Row::MemoryLimit, shared.budget.limit() as u64),
    ] {
        sums.set(row, &[], value as f64);
    }
    let numbers = sums.numbers.into_iter().map(|((family, labels), number)| Sample {
        family,
        labels,
        value: Value::Number(number),
    });
    let histograms = sums.histograms.into_iter().map(|((family, labels), (plain, unit))| Sample {
        family,
        labels,
        value: Value::Histogram { buckets: plain.buckets, sum: plain.sum as f64 * unit, count: plain.count },
    });
    let mut samples: Vec<Sample> = numbers.chain(histograms).collect();
    samples.sort_by_key(|sample| sample.family); // stable: labels stay in order within a family
    samples
}

#[expect(clippy::cast_precision_loss, reason = "counters are shown as floats; 2^53 is far away")]
fn collect_workers(shared: &Shared, sums: &mut Sums) {
    let shelves = shared.shelves.lock().clone();
    let sites = shared.registry.lock().sites().to_vec();
    for shelf in &shelves {
        let counters = &shelf.counters;
        for (source, histogram) in ["hit", "miss", "stale", "error"].iter().zip(&counters.durations) {
            sums.add_histogram(Row::ResponseDuration, &[source], histogram, SECONDS);
        }
        for (reason, count) in Rejected::ALL.iter().zip(&counters.rejected) {
            sums.set(Row::RejectedPackets, &[reason.label()], count.get() as f64);
        }
        sums.set(Row::Merged, &[], counters.merged.get() as f64);
        sums.set(Row::Overload, &[], counters.overload.get() as f64);
        sums.set(Row::LogDropped, &[], counters.log_dropped.get() as f64);
        sums.set(Row::InFlight, &[], counters.in_flight.load(core::sync::atomic::Ordering::Relaxed) as f64);
        let counted: Vec<Option<Arc<SiteCounters>>> = shelf.sites.lock().clone();
        for (site, counters) in sites.iter().zip(&counted) {
            if let Some(counters) = counters {
                collect_site(&site.server, &site.zone, &site.zones, counters, sums);
            }
        }
    }
}

fn collect_site(server: &str, zone: &str, zones: &str, counters: &SiteCounters, sums: &mut Sums) {
    let protocols = ["udp", "tcp"];
    for (family, by_protocol) in ["1", "2"].iter().zip(&counters.requests) {
        for (protocol, by_type) in protocols.iter().zip(by_protocol) {
            let names = TYPES.iter().map(|(_, name)| *name).chain(["other"]);
            for (name, count) in names.zip(by_type) {
                sums.add(Row::Requests, &[family, protocol, server, name, "", zone], count.get());
            }
        }
    }
    let by_zone = [server, "", zone];
    sums.add_histogram(Row::RequestDuration, &by_zone, &counters.duration, SECONDS);
    for (protocol, histogram) in protocols.iter().zip(&counters.request_size) {
        sums.add_histogram(Row::RequestSize, &[protocol, server, "", zone], histogram, BYTES);
    }
    for (protocol, histogram) in protocols.iter().zip(&counters.response_size) {
        sums.add_histogram(Row::ResponseSize, &[protocol, server, "", zone], histogram, BYTES);
    }
    sums.add(Row::DoRequests, &by_zone, counters.do_requests.get());
    for (plugin, by_rcode) in ["cache", "", "forward"].iter().zip(&counters.responses) {
        for (rcode, count) in (0..RCODES).zip(by_rcode) {
            let name = rcode_name(u16::try_from(rcode).unwrap_or(u16::MAX), "RCODE");
            sums.add(Row::Responses, &[plugin, &name, server, "", zone], count.get());
        }
    }
    let by_zones = [server, "", zones];
    sums.add(Row::CacheRequests, &by_zones, counters.cache_requests.get());
    sums.add(Row::CacheMisses, &by_zones, counters.cache_misses.get());
    sums.add(Row::CachePrefetch, &by_zones, counters.cache_prefetch.get());
    sums.add(Row::CacheDrops, &by_zones, counters.cache_drops.get());
    sums.add(Row::CacheServedStale, &by_zones, counters.cache_stale.get());
    let by_side = |row, counts: &[Count; 2], sums: &mut Sums| {
        for (side, count) in ["success", "denial"].iter().zip(counts) {
            sums.add(row, &[server, side, "", zones], count.get());
        }
    };
    by_side(Row::CacheHits, &counters.cache_hits, sums);
    by_side(Row::CacheEvictions, &counters.cache_evictions, sums);
    sums.add(Row::NotKept, &[], counters.not_kept.get());
}

#[expect(clippy::cast_precision_loss, reason = "counts are shown as floats; 2^53 is far away")]
fn collect_caches(shared: &Shared, sums: &mut Sums) {
    let plan = shared.current();
    let registry = shared.registry.lock();
    for listener in plan.listeners.iter().flatten() {
        let mut seen = std::collections::BTreeSet::new();
        for (block, site) in listener.routes.targets().map(|target| (target.block, target.site)) {
            if !seen.insert(block) {
                continue; // one sample per block, however many zones it has here
            }
            let (Some(block), Some(site)) = (plan.blocks.get(block), registry.sites().get(site)) else { continue };
            let Some(cache) = &block.cache else { continue };
            for (label, side) in [("success", Side::Success), ("denial", Side::Denial)] {
                let labels = [site.server.as_str(), label, "", site.zones.as_str()];
                sums.set(Row::CacheEntries, &labels, cache.store.len(side) as f64);
                sums.set(Row::CacheLimit, &labels, cache.store.capacity(side) as f64);
            }
        }
    }
    let bytes: usize =
        plan.blocks.iter().filter_map(|block| block.cache.as_ref()).map(|cache| cache.store.bytes()).sum();
    sums.set(Row::CacheBytes, &[], bytes as f64);
}

fn collect_upstreams(shared: &Shared, sums: &mut Sums) {
    let registry = shared.registry.lock();
    for belief in registry.beliefs() {
        let to = &*belief.label;
        sums.set(Row::UpstreamUp, &[to], if belief.is_up() { 1.0 } else { 0.0 });
        sums.set(Row::UpstreamRtt, &[to], belief.srtt().as_secs_f64());
        for (failing, count) in belief.faults() {
            sums.add(Row::UpstreamFaults, &[failing.label(), to], count);
        }
        sums.add(Row::HealthcheckFailures, &["forward", to], belief.healthcheck_failures.get());
        for (protocol, count) in ["udp", "tcp"].iter().zip(&belief.connection_hits) {
            sums.add(Row::ConnectionHits, &[protocol, "forward", to], count.get());
        }
        for (protocol, count) in ["udp", "tcp"].iter().zip(&belief.connection_misses) {
            sums.add(Row::ConnectionMisses, &[protocol, "forward", to], count.get());
        }
        for (rcode, plain) in belief.durations() {
            sums.add_plain(Row::ProxyDuration, &["forward", &rcode_name(rcode, ""), to], &plain, SECONDS);
        }
    }
}
