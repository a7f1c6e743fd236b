//! What the cache says to a query, ready to be sent.

use core::time::Duration;

use super::asking::MESSAGE_MAX;
use crate::cache::Lookup;
use crate::cache::entry::{Entry, Kind};
use crate::cache::key::Key;
use crate::plan::LogClass;
use crate::shared::compile::{Block, Cached};
use crate::step::{Client, ClientTransport};
use crate::time::Moment;
use crate::wire::edns::Ede;
use crate::wire::query::{Asked, Query};
use crate::wire::rcode;
use crate::wire::reply::{Serving, compose};

/// What the cache did for a query.
pub(super) struct Found {
    pub(super) len: usize,
    pub(super) flags: u16,
    pub(super) plain_len: usize,
    pub(super) kind: Kind,
    pub(super) is_stale: bool,
    pub(super) wants_refresh: bool,
}

/// The largest reply this client can take.
pub(super) fn limit(asked: &Asked, transport: ClientTransport, own_size: u16) -> usize {
    match transport {
        ClientTransport::Tcp => MESSAGE_MAX,
        ClientTransport::Udp => usize::from(asked.udp_size().min(own_size)),
    }
}

/// How `log` files what the cache keeps.
pub(super) fn log_class(kind: Kind) -> LogClass {
    match kind {
        Kind::Success => LogClass::Success,
        Kind::Denial => LogClass::Denial,
        Kind::Failure => LogClass::Error,
    }
}

/// What the cache says to a query.
pub(super) enum Looked {
    Found(Found),
    /// There is a stale answer, but upstream is to be asked first, for so long at most.
    AskFirst(Option<Duration>),
    Absent,
}

/// Ask the cache; what it finds is composed at once.
pub(super) fn look(
    cached: &Cached,
    block: &Block,
    key: &Key<'_>,
    query: &Query<'_>,
    client: &Client,
    now: Moment,
    reply: &mut [u8],
) -> Looked {
    let own_size = block.plan.udp_size_limit;
    let limit = limit(&query.asked, client.transport, own_size);
    let serve = |entry: &Entry, ttl: u32, ede: &[u8], reply: &mut [u8]| {
        let packed = entry.packed();
        let serving = Serving { asked: &query.asked, qname: query.qname, ttl: Some(ttl), limit, own_size, ede };
        let len = compose(packed, &serving, reply);
        let flags = crate::wire::be16(reply, 2).unwrap_or(0);
        Found { len, flags, plain_len: packed.plain_len(), kind: entry.kind(), is_stale: false, wants_refresh: false }
    };
    let plan = &cached.plan;
    cached.store.look_up(key, now, cached.prefers_positive(), |lookup| match lookup {
        Lookup::Fresh(entry) => {
            entry.touch();
            let ttl = if plan.keeps_ttl { entry.lifetime_s() } else { entry.remaining_s(now) };
            let kept_error = Ede::CachedError.data();
            let ede =
                if entry.kind() == Kind::Failure && entry.packed().ede().is_empty() { &kept_error[..] } else { &[] };
            let mut found = serve(entry, ttl, ede, reply);
            found.wants_refresh = plan.prefetch.as_ref().is_some_and(|prefetch| {
                let hits = entry.count_hit(now, Duration::from_millis(prefetch.window_ms));
                let share = (u64::from(entry.lifetime_s()) * u64::from(prefetch.percent)).div_ceil(100);
                entry.kind() != Kind::Failure
                    && prefetch.amount > 0
                    && hits >= prefetch.amount
                    && entry.may_refresh(now)
                    && u64::from(entry.remaining_s(now)) <= share
            });
            Looked::Found(found)
        }
        Lookup::Stale { entry, is_failing } => {
            let Some(stale) = &plan.stale else { return Looked::Absent };
            let may_ask = !is_failing && entry.may_refresh(now);
            if stale.is_verify && may_ask {
                let timeout = (stale.verify_timeout_ms > 0).then(|| Duration::from_millis(stale.verify_timeout_ms));
                return Looked::AskFirst(timeout);
            }
            entry.touch();
            let mut found = serve(entry, stale.response_ttl_s, &stale_ede(entry), reply);
            found.is_stale = true;
            found.wants_refresh = may_ask;
            Looked::Found(found)
        }
        Lookup::Absent => Looked::Absent,
    })
}

/// The extended error of a stale answer.
pub(super) fn stale_ede(entry: &Entry) -> [u8; 2] {
    if entry.packed().rcode() == rcode::NXDOMAIN { Ede::StaleNxdomain.data() } else { Ede::Stale.data() }
}
