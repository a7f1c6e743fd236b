//! A plan made ready to be worked with: names in wire form, routes, caches and beliefs tied in.

use core::sync::atomic::AtomicUsize;
use std::net::{SocketAddr, SocketAddrV6};
use std::sync::Arc;

use super::PlanError;
use super::registry::Registry;
use crate::cache::ResponseCache;
use crate::cache::entry::Side;
use crate::forward::upstream::Belief;
use crate::plan::{BlockPlan, CachePlan, EnginePlan, ForwardPlan, ListenerPlan, UpstreamPlan};
use crate::plugin::errors::Consolidation;
use crate::plugin::log::LogRule;
use crate::route::Routes;
use crate::step::{Destination, UpstreamTransport};
use crate::time::Moment;
use crate::wire::name::{is_under, parse};

/// A plan, compiled.
pub struct Compiled {
    /// Which one.
    pub generation: u64,
    /// How many workers there are.
    pub workers: usize,
    /// By listener number.
    pub listeners: Vec<Option<Listener>>,
    /// Blocks, as the plan numbers them.
    pub blocks: Vec<Block>,
}

/// A listener: which zones it serves.
pub struct Listener {
    /// Its zones.
    pub routes: Routes<Target>,
    /// Some block forwards: classes other than IN are let through.
    pub is_any_class: bool,
    /// Where queries are counted that no zone takes.
    pub dropped: usize,
}

/// What serves a zone on a listener.
#[derive(Debug)]
pub struct Target {
    /// The block.
    pub block: usize,
    /// Where it is counted.
    pub site: usize,
    /// Every name of the zone may be cached.
    pub is_all_cached: bool,
}

/// What serves some zones.
pub struct Block {
    /// As planned.
    pub plan: BlockPlan,
    /// Its identity over plans, for merging.
    pub identity: u64,
    /// Its cache.
    pub cache: Option<Cached>,
    /// Its forwards, in order.
    pub forwards: Vec<Forward>,
    /// Its `log` rules, in order.
    pub log: Vec<LogRule>,
    /// Its `errors`.
    pub errors: Option<Arc<Consolidation>>,
    /// Its loop probe's zone.
    pub loop_zone: Option<Vec<u8>>,
}

/// A cache and its rules.
pub struct Cached {
    /// The rules.
    pub plan: CachePlan,
    /// The store, which outlives plans.
    pub store: Arc<ResponseCache>,
    zones: Vec<Vec<u8>>,
    disabled: [Vec<Vec<u8>>; 2],
}

impl Cached {
    /// Whether names under `qname`'s zone go through the cache.
    pub fn covers(&self, qname: &[u8]) -> bool {
        self.zones.iter().any(|zone| is_under(qname, zone))
    }

    /// Whether answers of a side may be kept for this name.
    pub fn may_keep(&self, side: Side, qname: &[u8]) -> bool {
        self.disabled.get(side as usize).is_some_and(|zones| !zones.iter().any(|zone| is_under(qname, zone)))
    }

    /// Data is preferred to newer denials.
    pub fn prefers_positive(&self) -> bool {
        self.plan.stale.as_ref().is_some_and(|stale| stale.prefers_positive)
    }
}

/// A forward and whom it asks.
pub struct Forward {
    /// As planned.
    pub plan: ForwardPlan,
    zone: Vec<u8>,
    except: Vec<Vec<u8>>,
    /// Whom it asks.
    pub upstreams: Vec<Upstream>,
    /// Lives on over plans.
    pub load: Arc<ForwardLoad>,
}

/// What a forward keeps over plans.
#[derive(Debug, Default)]
pub struct ForwardLoad {
    /// Questions in flight, all workers together.
    pub active: AtomicUsize,
    /// Turns of `round_robin`.
    pub turn: AtomicUsize,
}

/// An upstream and how to reach it.
pub struct Upstream {
    /// What we believe of it.
    pub belief: Arc<Belief>,
    /// Where it is, over UDP.
    pub udp: Destination,
    /// Where it is, over TCP.
    pub tcp: Destination,
}

impl Forward {
    /// Whether it takes this (lower-case) name.
    pub fn takes(&self, qname: &[u8]) -> bool {
        is_under(qname, &self.zone) && (*qname == *self.zone || !self.except.iter().any(|zone| is_under(qname, zone)))
    }
}

impl Block {
    /// The first forward from number `from` on that takes this name.
    pub fn forward_for(&self, qname: &[u8], from: usize) -> Option<usize> {
        self.forwards.iter().enumerate().skip(from).find(|(_, forward)| forward.takes(qname)).map(|(number, _)| number)
    }
}

fn wrong(field: impl Into<String>, why: impl Into<String>) -> PlanError {
    PlanError { field: field.into(), why: why.into() }
}

fn zone(field: &str, text: &str) -> Result<Vec<u8>, PlanError> {
    parse(text).ok_or_else(|| wrong(field, format!("not a domain name: `{text}`")))
}

fn zones(field: &str, texts: &[String]) -> Result<Vec<Vec<u8>>, PlanError> {
    texts.iter().map(|text| zone(field, text)).collect()
}

/// Where a plan's listener is, as the engine names it.
pub fn listener_address(plan: &ListenerPlan) -> SocketAddr {
    socket_address(plan.address, plan.port, plan.scope_id)
}

fn socket_address(address: std::net::IpAddr, port: u16, scope_id: u32) -> SocketAddr {
    match address {
        std::net::IpAddr::V4(v4) => (v4, port).into(),
        std::net::IpAddr::V6(v6) => SocketAddrV6::new(v6, port, 0, scope_id).into(),
    }
}

/// Compile a plan; nothing of the running one is touched but the registry, which only grows.
pub fn compile(plan: &EnginePlan, generation: u64, registry: &mut Registry) -> Result<Compiled, PlanError> {
    if plan.workers == 0 {
        return Err(wrong("workers", "must be at least 1"));
    }
    let mut blocks = Vec::new();
    for (number, block) in plan.blocks.iter().enumerate() {
        blocks.push(compile_block(block, &format!("blocks[{number}]"), registry)?);
    }
    let mut listeners = Vec::new();
    for (number, listener) in plan.listeners.iter().enumerate() {
        let field = format!("listeners[{number}]");
        let id = registry.listener_id(listener_address(listener)).0 as usize;
        let compiled = compile_listener(listener, &blocks, &field, registry)?;
        if listeners.len() <= id {
            listeners.resize_with(id + 1, || None);
        }
        if let Some(place) = listeners.get_mut(id) {
            *place = Some(compiled);
        }
    }
    Ok(Compiled { generation, workers: plan.workers, listeners, blocks })
}

fn compile_listener(
    plan: &ListenerPlan,
    blocks: &[Block],
    field: &str,
    registry: &mut Registry,
) -> Result<Listener, PlanError> {
    let mut routes = Routes::new(registry.seed);
    let mut is_any_class = false;
    for (number, served) in plan.zones.iter().enumerate() {
        let field = format!("{field}.zones[{number}]");
        let block = blocks.get(served.block).ok_or_else(|| wrong(format!("{field}.block"), "no such block"))?;
        let name = zone(&format!("{field}.name"), &served.name)?;
        is_any_class |= !block.forwards.is_empty();
        let site = registry.site(&plan.label, &served.name, &block.plan.zones_label);
        let is_all_cached = block.cache.as_ref().is_some_and(|cache| cache.covers(&name));
        if !routes.add(&name, Target { block: served.block, site, is_all_cached }) {
            return Err(wrong(format!("{field}.name"), format!("served twice: `{}`", served.name)));
        }
    }
    Ok(Listener { routes, is_any_class, dropped: registry.site(&plan.label, "dropped", "") })
}

fn compile_block(plan: &BlockPlan, field: &str, registry: &mut Registry) -> Result<Block, PlanError> {
    if plan.udp_size_limit < 512 {
        return Err(wrong(format!("{field}.udp_size_limit"), format!("must be at least 512: {}", plan.udp_size_limit)));
    }
    let mut log = Vec::new();
    for rule in &plan.log {
        log.push(LogRule::new(zone(&format!("{field}.log.zone"), &rule.zone)?, rule));
    }
    let mut forwards = Vec::new();
    for (number, forward) in plan.forwards.iter().enumerate() {
        forwards.push(compile_forward(forward, &plan.name, number, &format!("{field}.forwards[{number}]"), registry)?);
    }
    let errors = match &plan.errors {
        Some(errors) => {
            Some(registry.consolidation(&plan.name, errors).map_err(|why| wrong(format!("{field}.errors"), why))?)
        }
        None => None,
    };
    Ok(Block {
        plan: plan.clone(),
        identity: registry.identity(&plan.name),
        cache: plan.cache.as_ref().map(|cache| compile_cache(cache, &plan.name, field, registry)).transpose()?,
        forwards,
        log,
        errors,
        loop_zone: plan.loop_zone.as_ref().map(|name| zone(&format!("{field}.loop_zone"), name)).transpose()?,
    })
}

fn compile_cache(plan: &CachePlan, name: &str, field: &str, registry: &mut Registry) -> Result<Cached, PlanError> {
    Ok(Cached {
        plan: plan.clone(),
        store: registry.cache(name),
        zones: zones(&format!("{field}.cache.zones"), &plan.zones)?,
        disabled: [
            zones(&format!("{field}.cache.success_disabled_zones"), &plan.success_disabled_zones)?,
            zones(&format!("{field}.cache.denial_disabled_zones"), &plan.denial_disabled_zones)?,
        ],
    })
}

fn compile_forward(
    plan: &ForwardPlan,
    block: &str,
    number: usize,
    field: &str,
    registry: &mut Registry,
) -> Result<Forward, PlanError> {
    let pool = registry.identity(&format!("{block} forward {number}"));
    let reach = |upstream: &UpstreamPlan, transport| Destination {
        address: socket_address(upstream.address, upstream.port, upstream.scope_id),
        transport,
        pool,
        source: plan.source_address,
        expire_ms: plan.expire_ms,
        max_age_ms: plan.max_age_ms,
        max_idle: plan.max_idle_connections,
    };
    let mut upstreams = Vec::new();
    for upstream in &plan.upstreams {
        let udp = reach(upstream, UpstreamTransport::Udp);
        upstreams.push(Upstream {
            belief: registry.belief(udp.address, &upstream.label),
            udp,
            tcp: reach(upstream, UpstreamTransport::Tcp),
        });
    }
    Ok(Forward {
        zone: zone(&format!("{field}.zone"), &plan.zone)?,
        except: zones(&format!("{field}.except_zones"), &plan.except_zones)?,
        upstreams,
        load: registry.load(pool),
        plan: plan.clone(),
    })
}

/// Make a compiled plan's limits those of the things that live on.
pub fn take_up(compiled: &Compiled, _now: Moment) {
    for block in &compiled.blocks {
        if let Some(cache) = &block.cache {
            cache.store.set_limits(&cache.plan);
        }
    }
}
