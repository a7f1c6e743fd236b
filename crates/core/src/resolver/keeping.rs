//! What is kept of an outcome, and for whom.

use super::Resolver;
use super::giving::set_recheck;
use super::noting::site;
use super::settling::key_of;
use crate::cache::entry::{Entry, Kind};
use crate::forward::inflight::Outcome;
use crate::forward::question::Pending;
use crate::shared::compile::Block;
use crate::time::Moment;
use crate::wire::rcode;

impl Resolver {
    /// Keep what may be kept.
    pub(super) fn keep(&mut self, block: &Block, pending: &Pending, outcome: &Outcome, now: Moment) {
        let Some(cached) = block.cache.as_ref().filter(|cached| cached.covers(&pending.qname)) else { return };
        let key = key_of(pending);
        // RD is not in the key: what a resolver says to a query that forbids it to ask on is its own word only if it
        // speaks with authority, or shows a SOA.
        let is_rd = pending.rd_cd & crate::wire::header::RD != 0;
        let is_authoritative = outcome.packed.flags() & crate::wire::header::AA != 0;
        let speaks_for_all = is_rd
            || match outcome.verdict.kind {
                Some(Kind::Success) => is_authoritative,
                Some(Kind::Denial) => true,
                Some(Kind::Failure) | None => false,
            };
        if !speaks_for_all {
            return;
        }
        let Some(kind) = outcome.verdict.kind else {
            if outcome.packed.rcode() == rcode::NXDOMAIN && !cached.prefers_positive() {
                cached.store.forget_data(&key);
            }
            return;
        };
        if kind == Kind::Failure {
            set_recheck(cached, &key, now);
        }
        if outcome.verdict.lifetime.is_zero() || !cached.may_keep(kind.side(), &pending.qname) {
            return;
        }
        let entry = Entry::new(pending.hash, pending.bits, kind, outcome.packed.clone(), now, outcome.verdict.lifetime);
        let inserted = cached.store.insert(&key, entry, now, cached.prefers_positive());
        if self.sweep_at.is_none() {
            self.sweep_at = Some(now.plus(super::SWEEP_EVERY));
        }
        if let Some(counters) = site(&mut self.sites, &self.shelf, pending.site) {
            for (count, evicted) in counters.cache_evictions.iter().zip(inserted.evicted) {
                count.add(evicted as u64);
            }
            if !inserted.is_kept {
                counters.not_kept.one();
            }
        }
    }
}
