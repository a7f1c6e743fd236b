//! What a response is, and for how long it may be kept (RFC 2181, 2308, 8767, 9520; `CoreDNS` 1.14.7's classes).

use core::time::Duration;

use super::entry::Kind;
use crate::plan::{CachePlan, LogClass, StorePlan};
use crate::wire::header::TC;
use crate::wire::rcode;
use crate::wire::response::Digest;

/// TTL of what carries none that counts, as `CoreDNS` has it.
const TTL_FLOOR_S: u32 = 5;

/// What to do with a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The store it belongs to, if it may be kept.
    pub kind: Option<Kind>,
    /// For how long it may be kept, and the TTL of its records.
    pub lifetime: Duration,
}

/// Judge a response by the rules of a cache. Zone lists (`disable`) are the caller's. `unix_s`: the wall clock, if known.
pub fn judge(digest: &Digest, rules: &CachePlan, unix_s: Option<u32>) -> Verdict {
    let floor = Duration::from_secs(TTL_FLOOR_S.into());
    let ttl = digest.ttl_min;
    let keep = |kind, lifetime| Verdict { kind: Some(kind), lifetime };
    let pass = Verdict { kind: None, lifetime: floor };
    if digest.flags & TC != 0 || digest.is_scoped || unix_s.is_some_and(|now| digest.is_badly_signed(now)) {
        return pass;
    }
    let denial_ttl = digest.denial_ttl.map(|soa| ttl.map_or(soa, |least| least.min(soa)));
    match digest.rcode {
        rcode::NOERROR if digest.has_final => keep(Kind::Success, clamp(ttl.unwrap_or(TTL_FLOOR_S), &rules.success)),
        rcode::NOERROR => match denial_ttl {
            Some(ttl) => keep(Kind::Denial, clamp(ttl, &rules.denial)), // NODATA, at a chain's end perhaps
            None if digest.has_answer => pass, // a chain that leads nowhere, and nobody vouches for it
            None => keep(Kind::Success, clamp(TTL_FLOOR_S, &rules.success)), // a delegation, or nothing at all
        },
        rcode::NXDOMAIN => match denial_ttl {
            Some(ttl) if !digest.has_answer => keep(Kind::Denial, clamp(ttl, &rules.denial)),
            _ => pass,
        },
        rcode::SERVFAIL | rcode::NOTIMP => keep(Kind::Failure, Duration::from_millis(rules.servfail_ms)),
        _ => pass,
    }
}

/// The larger of TTL and the minimum, but never over the maximum.
fn clamp(ttl: u32, store: &StorePlan) -> Duration {
    Duration::from_secs(ttl.max(store.ttl_min_s).min(store.ttl_max_s).into())
}

/// The class `log` files a response under.
pub fn log_class(rcode: u16, has_answer: bool, has_soa: bool) -> LogClass {
    match rcode {
        rcode::NOERROR if has_answer || !has_soa => LogClass::Success,
        rcode::NOERROR | rcode::NXDOMAIN => LogClass::Denial,
        _ => LogClass::Error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> CachePlan {
        let store = StorePlan { capacity: 10, ttl_max_s: 30, ttl_min_s: 5 };
        CachePlan {
            zones: vec![".".into()],
            success: store.clone(),
            denial: StorePlan { ttl_max_s: 10, ..store },
            prefetch: None,
            stale: None,
            servfail_ms: 5000,
            success_disabled_zones: vec![],
            denial_disabled_zones: vec![],
            keeps_ttl: false,
        }
    }

    #[test]
    fn a_response_is_kept_by_its_class_and_no_longer_than_its_limits() {
        let data = Digest { has_answer: true, has_final: true, ttl_min: Some(12), ..Digest::default() };
        let denial = Digest { ttl_min: Some(300), denial_ttl: Some(7), ..Digest::default() };
        let chain = Digest { has_answer: true, ttl_min: Some(12), ..Digest::default() };
        let table = [
            ("data", data, Some(Kind::Success), 12),
            ("data of a long life", Digest { ttl_min: Some(100), ..data }, Some(Kind::Success), 30),
            ("data of no life", Digest { ttl_min: Some(0), ..data }, Some(Kind::Success), 5),
            ("nodata by the smaller of ttl and minimum", denial, Some(Kind::Denial), 7),
            ("nxdomain", Digest { rcode: 3, ..denial }, Some(Kind::Denial), 7),
            ("nxdomain over the limit", Digest { rcode: 3, denial_ttl: Some(60), ..denial }, Some(Kind::Denial), 10),
            ("nxdomain without soa", Digest { rcode: 3, denial_ttl: None, ..denial }, None, 5),
            ("nxdomain with answers", Digest { rcode: 3, has_answer: true, ..denial }, None, 5),
            ("a chain that leads nowhere", chain, None, 5),
            ("a chain to nodata", Digest { denial_ttl: Some(9), ..chain }, Some(Kind::Denial), 9),
            ("a delegation", Digest { has_ns: true, ttl_min: Some(9), ..Digest::default() }, Some(Kind::Success), 5),
            ("servfail", Digest { rcode: 2, ..Digest::default() }, Some(Kind::Failure), 5),
            ("refused", Digest { rcode: 5, ..Digest::default() }, None, 5),
            ("truncated", Digest { flags: TC, ..data }, None, 5),
            ("signed for now", Digest { is_do: true, signed: Some((999, 1_001)), ..data }, Some(Kind::Success), 12),
            (
                "signed until just now",
                Digest { is_do: true, signed: Some((900, 1_000)), ..data },
                Some(Kind::Success),
                12,
            ),
            ("signed for the past", Digest { is_do: true, signed: Some((900, 999)), ..data }, None, 5),
            ("signed for the future", Digest { is_do: true, signed: Some((1_001, 1_100)), ..data }, None, 5),
            ("signed, but nobody wants to know", Digest { signed: Some((900, 999)), ..data }, Some(Kind::Success), 12),
            ("for one subnet", Digest { is_scoped: true, ..data }, None, 5),
        ];
        for (name, digest, kind, seconds) in table {
            let verdict = judge(&digest, &rules(), Some(1_000));
            assert_eq!((verdict.kind, verdict.lifetime.as_secs()), (kind, seconds), "{name}");
        }
    }
}
