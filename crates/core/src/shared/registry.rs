//! What lives on over plans, each under the name that stays: caches, beliefs, pools, sites.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Weak};

use super::compile::ForwardLoad;
use crate::budget::Budget;
use crate::cache::ResponseCache;
use crate::forward::upstream::Belief;
use crate::hash::Seed;
use crate::plan::ErrorsPlan;
use crate::plugin::errors::Consolidation;
use crate::step::ListenerId;

/// A place where queries are counted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Site {
    /// The `server` label.
    pub server: String,
    /// The `zone` label.
    pub zone: String,
    /// The `zones` label.
    pub zones: String,
}

/// Grows with plans; caches nobody uses any more go, numbers stay.
pub struct Registry {
    /// Keys all hashes.
    pub seed: Seed,
    /// Bounds all caches.
    pub budget: Arc<Budget>,
    listeners: HashMap<SocketAddr, ListenerId>,
    identities: HashMap<String, u64>,
    caches: HashMap<String, Weak<ResponseCache>>,
    loads: HashMap<u64, Arc<ForwardLoad>>,
    beliefs: HashMap<SocketAddr, Arc<Belief>>,
    consolidations: HashMap<String, (ErrorsPlan, Arc<Consolidation>)>,
    site_numbers: HashMap<Site, usize>,
    sites: Vec<Site>,
}

impl Registry {
    /// Nothing yet.
    pub fn new(seed: Seed, budget: Arc<Budget>) -> Self {
        Self {
            seed,
            budget,
            listeners: HashMap::new(),
            identities: HashMap::new(),
            caches: HashMap::new(),
            loads: HashMap::new(),
            beliefs: HashMap::new(),
            consolidations: HashMap::new(),
            site_numbers: HashMap::new(),
            sites: Vec::new(),
        }
    }

    /// A listener's number.
    pub fn listener_id(&mut self, address: SocketAddr) -> ListenerId {
        let next = ListenerId(u32::try_from(self.listeners.len()).unwrap_or(u32::MAX));
        *self.listeners.entry(address).or_insert(next)
    }

    /// A number for a name.
    pub fn identity(&mut self, name: &str) -> u64 {
        let next = self.identities.len() as u64 + 1;
        *self.identities.entry(name.into()).or_insert(next)
    }

    /// A block's cache: the running one, if there is one.
    pub fn cache(&mut self, block: &str) -> Arc<ResponseCache> {
        if let Some(cache) = self.caches.get(block).and_then(Weak::upgrade) {
            return cache;
        }
        let cache = Arc::new(ResponseCache::new(Arc::clone(&self.budget)));
        self.caches.insert(block.into(), Arc::downgrade(&cache));
        cache
    }

    /// A forward's load.
    pub fn load(&mut self, pool: u64) -> Arc<ForwardLoad> {
        Arc::clone(self.loads.entry(pool).or_default())
    }

    /// What is believed of an upstream.
    pub fn belief(&mut self, address: SocketAddr, label: &str) -> Arc<Belief> {
        Arc::clone(self.beliefs.entry(address).or_insert_with(|| Arc::new(Belief::new(label.into()))))
    }

    /// Look one up without adding it.
    pub fn known_belief(&self, address: &SocketAddr) -> Option<&Arc<Belief>> {
        self.beliefs.get(address)
    }

    /// All beliefs.
    pub fn beliefs(&self) -> impl Iterator<Item = &Arc<Belief>> {
        self.beliefs.values()
    }

    /// A block's `errors` counts: the running ones, if the rules are the same.
    pub fn consolidation(&mut self, block: &str, plan: &ErrorsPlan) -> Result<Arc<Consolidation>, String> {
        if let Some((_, running)) = self.consolidations.get(block).filter(|(old, _)| old == plan) {
            return Ok(Arc::clone(running));
        }
        let new = Arc::new(Consolidation::new(plan)?);
        self.consolidations.insert(block.into(), (plan.clone(), Arc::clone(&new)));
        Ok(new)
    }

    /// A site's number.
    pub fn site(&mut self, server: &str, zone: &str, zones: &str) -> usize {
        let site = Site { server: server.into(), zone: zone.into(), zones: zones.into() };
        let next = self.sites.len();
        let number = *self.site_numbers.entry(site.clone()).or_insert(next);
        if number == next {
            self.sites.push(site);
        }
        number
    }

    /// All sites, by number.
    pub fn sites(&self) -> &[Site] {
        &self.sites
    }
}
