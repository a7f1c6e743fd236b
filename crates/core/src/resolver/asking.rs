//! A client's query, up to the cache's word on it; what the cache cannot answer goes on to `forwarding`.

use std::sync::Arc;

use super::Resolver;
use super::looking::{Found, Looked, log_class, look};
use super::noting::{Finished, Speaker, site};
use crate::cache::key::Key;
use crate::counters::Source;
use crate::plan::LogClass;
use crate::shared::Rejected;
use crate::shared::compile::{Block, Target};
use crate::step::{Answer, Client, ClientTransport, Steps};
use crate::time::Moment;
use crate::wire::edns::Ede;
use crate::wire::header::{CD, Header, QR, RA, RD};
use crate::wire::query::{self, Query, Refusal};
use crate::wire::reply::{compose_own, compose_refusal};
use crate::wire::response::Question;
use crate::wire::{rcode, rtype};

/// The Internet's class.
const IN: u16 = 1;
/// The opcode of a question about a server's state (RFC 1035, 4.1.1).
const STATUS: u16 = 2;
/// The UDP size we say we take where no block has a say.
const OWN_SIZE: u16 = 1232;
/// The site of what is not counted as a query.
const NOWHERE: usize = usize::MAX;
/// Largest message.
pub(super) const MESSAGE_MAX: usize = 65_535;

/// What to ask upstream.
#[derive(Clone, Copy)]
pub(super) struct Ask<'a> {
    pub(super) block: usize,
    pub(super) site: usize,
    pub(super) key: Key<'a>,
    pub(super) rd_cd: u16,
    pub(super) is_tcp: bool,
    pub(super) received: Moment,
    pub(super) stale_at: Option<Moment>,
}

/// Whether the control plane asks if we hear: a STATUS message without a question, sent from the very address that is
/// asked. It is answered like any other of its opcode, and counted nowhere: it tells nothing of clients.
fn is_our_own(message: &[u8], client: &Client) -> bool {
    let is_status = |header: Header| header.opcode() == STATUS && header.counts == [0; 4];
    client.remote.ip() == client.local.ip() && Header::parse(message).is_some_and(is_status)
}

impl Resolver {
    pub(super) fn ask(
        &mut self,
        message: &[u8],
        client: &Client,
        now: Moment,
        reply: &mut [u8],
        steps: &mut Steps,
    ) -> Answer {
        let query = match query::parse(message) {
            Ok(query) => query,
            Err(Refusal::HeaderOnly(Rejected::Opcode, code)) if is_our_own(message, client) => {
                return Answer::Reply(compose_refusal(message, code, &[], reply));
            }
            Err(refusal) => return self.refuse(refusal, message, reply),
        };
        let mut name = self.name.take().unwrap_or_default();
        name.fold_from(query.qname);
        let question = Question { qname: name.as_wire(), qtype: query.qtype, qclass: query.qclass };
        let plan = Arc::clone(&self.plan);
        let answer = match plan.listeners.get(client.listener.0 as usize).and_then(Option::as_ref) {
            None => self.say(None, NOWHERE, &query, question, client, (rcode::REFUSED, None), now, reply),
            Some(listener) => {
                let target = if query.qtype == rtype::DS {
                    listener.routes.find_parent(question.qname)
                } else {
                    listener.routes.find(question.qname)
                };
                let refused = if query.qclass != IN && !listener.is_any_class {
                    Some((Rejected::Class, rcode::REFUSED))
                } else if query.asked.version != 0 {
                    Some((Rejected::Version, rcode::BADVERS))
                } else if target.is_none() {
                    Some((Rejected::Zone, rcode::REFUSED))
                } else {
                    None
                };
                match (refused, target) {
                    (None, Some(target)) => match plan.blocks.get(target.block) {
                        Some(block) => {
                            let key = Key::new(
                                self.shared.seed,
                                &name,
                                query.qtype,
                                query.qclass,
                                query.asked.is_do(),
                                query.asked.is_cd(),
                            );
                            self.ask_block(block, target, &query, key, client, now, reply, steps)
                        }
                        None => Answer::Silence,
                    },
                    (refused, _) => {
                        let (reason, code) = refused.unwrap_or((Rejected::Zone, rcode::REFUSED));
                        self.reject(reason);
                        // A version we do not know is counted as rejected, not as a query (as CoreDNS has it).
                        let site = if reason == Rejected::Version { NOWHERE } else { listener.dropped };
                        self.say(None, site, &query, question, client, (code, None), now, reply)
                    }
                }
            }
        };
        self.name = Some(name);
        answer
    }

    fn reject(&self, reason: Rejected) {
        if let Some(count) = self.shelf.counters.rejected.get(reason as usize) {
            count.one();
        }
    }

    /// A message that is no query for us.
    fn refuse(&self, refusal: Refusal, message: &[u8], reply: &mut [u8]) -> Answer {
        let (reason, code, question) = match refusal {
            Refusal::Silent(reason) => {
                self.reject(reason);
                return Answer::Silence;
            }
            Refusal::HeaderOnly(reason, code) => (reason, code, &[][..]),
            Refusal::WithQuestion(reason, code, end) => {
                (reason, code, message.get(crate::wire::header::HEADER_LEN..end).unwrap_or_default())
            }
        };
        self.reject(reason);
        Answer::Reply(compose_refusal(message, code, question, reply))
    }

    /// Answer with a bare rcode of our own.
    #[expect(clippy::too_many_arguments, reason = "the parts of one reply; a struct for one call would say no more")]
    fn say(
        &mut self,
        block: Option<&Block>,
        site: usize,
        query: &Query<'_>,
        question: Question<'_>,
        client: &Client,
        (code, ede): (u16, Option<Ede>),
        now: Moment,
        reply: &mut [u8],
    ) -> Answer {
        let own_size = block.map_or(OWN_SIZE, |block| block.plan.udp_size_limit);
        let ede = ede.map(Ede::data);
        let mut asked_bytes = [0_u8; 260];
        let len = question_bytes(query, &mut asked_bytes);
        let bytes = asked_bytes.get(..len).unwrap_or_default();
        let len = compose_own(&query.asked, bytes, code, own_size, ede.as_ref().map_or(&[], |data| &data[..]), reply);
        let finished = Finished {
            client,
            asked: &query.asked,
            question,
            site,
            flags: QR | RA | query.asked.flags & (RD | CD) | code & 0xf,
            plain_len: crate::wire::header::HEADER_LEN + bytes.len(),
            speaker: Speaker::Server,
            source: Source::Error,
            class: LogClass::Error,
            upstream: None,
        };
        if site != NOWHERE {
            self.note_reply(block, &finished, now);
        }
        Answer::Reply(len)
    }

    /// A query that a block serves.
    #[expect(clippy::too_many_arguments, reason = "what a query is and where it goes; all of it is needed here")]
    fn ask_block(
        &mut self,
        block: &Block,
        target: &Target,
        query: &Query<'_>,
        key: Key<'_>,
        client: &Client,
        now: Moment,
        reply: &mut [u8],
        steps: &mut Steps,
    ) -> Answer {
        let refusal = match query.qtype {
            rtype::AXFR | rtype::IXFR => Some((rcode::NOTIMP, Some(Ede::NotSupported))),
            rtype::HINFO if query.qclass == IN && self.is_own_probe(&key.question, client) => {
                Some((rcode::REFUSED, None))
            }
            _ if !block.plan.has_handler => Some((rcode::REFUSED, None)),
            _ => None,
        };
        if let Some(refusal) = refusal {
            return self.say(Some(block), target.site, query, key.question, client, refusal, now, reply);
        }
        let mut ask = Ask {
            block: target.block,
            site: target.site,
            key,
            rd_cd: query.asked.flags & (RD | CD),
            is_tcp: client.transport == ClientTransport::Tcp,
            received: client.received,
            stale_at: None,
        };
        let cached = block.cache.as_ref().filter(|cached| target.is_all_cached || cached.covers(key.question.qname));
        if let Some(cached) = cached {
            match look(cached, block, &key, query, client, now, reply) {
                Looked::Found(found) => {
                    self.note_hit(block, target.site, query, key.question, client, &found, now);
                    if found.wants_refresh {
                        ask.received = now;
                        self.refresh(block, ask, now, steps);
                    }
                    return Answer::Reply(found.len);
                }
                Looked::AskFirst(timeout) => ask.stale_at = timeout.map(|timeout| now.plus(timeout)),
                Looked::Absent => {}
            }
            if let Some(counters) = site(&mut self.sites, &self.shelf, target.site) {
                counters.cache_requests.one();
                counters.cache_misses.one();
            }
        }
        self.forward(block, ask, Some((client, &query.asked, query.qname)), now, steps);
        Answer::Later
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one reply; a struct for one call would say no more")]
    fn note_hit(
        &mut self,
        block: &Block,
        number: usize,
        query: &Query<'_>,
        question: Question<'_>,
        client: &Client,
        found: &Found,
        now: Moment,
    ) {
        if let Some(counters) = site(&mut self.sites, &self.shelf, number) {
            counters.cache_requests.one();
            if let Some(hits) = counters.cache_hits.get(found.kind.side() as usize) {
                hits.one();
            }
            if found.is_stale {
                counters.cache_stale.one();
            }
        }
        let finished = Finished {
            client,
            asked: &query.asked,
            question,
            site: number,
            flags: found.flags,
            plain_len: found.plain_len,
            speaker: Speaker::Cache,
            source: if found.is_stale { Source::Stale } else { Source::Hit },
            class: log_class(found.kind),
            upstream: None,
        };
        self.note_reply(Some(block), &finished, now);
    }
}

/// The question as asked, written into `out`.
fn question_bytes(query: &Query<'_>, out: &mut [u8]) -> usize {
    let end = query.qname.len();
    crate::wire::put(out, 0, query.qname);
    crate::wire::put(out, end, &query.qtype.to_be_bytes());
    crate::wire::put(out, end + 2, &query.qclass.to_be_bytes());
    end + 4
}
