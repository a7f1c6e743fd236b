//! What a finished query leaves behind: counts, a line of the query log, a line of `errors`.

use core::time::Duration;
use std::sync::Arc;

use super::Resolver;
use crate::counters::{RCODES, SiteCounters, Source, TYPES};
use crate::plan::LogClass;
use crate::plugin::log::{LogRecord, LogRule, QueryLine};
use crate::plugin::names::type_name;
use crate::shared::Shelf;
use crate::shared::compile::Block;
use crate::step::{Client, ClientTransport};
use crate::time::Moment;
use crate::wire::header::RCODE_MASK;
use crate::wire::name::render;
use crate::wire::query::Asked;
use crate::wire::response::Question;

/// Who is said to have answered; places in `SiteCounters::responses`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speaker {
    /// The block has a cache (`CoreDNS`' label, also for what was forwarded).
    Cache = 0,
    /// The server itself.
    Server = 1,
    /// The block has none.
    Forward = 2,
}

/// A reply on its way.
#[derive(Clone, Copy)]
pub(super) struct Finished<'a> {
    pub(super) client: &'a Client,
    pub(super) asked: &'a Asked,
    pub(super) question: Question<'a>,
    pub(super) site: usize,
    pub(super) flags: u16,
    pub(super) plain_len: usize,
    pub(super) speaker: Speaker,
    pub(super) source: Source,
    pub(super) class: LogClass,
    pub(super) upstream: Option<&'a Arc<str>>,
}

/// A site's counters, from the worker's own list.
pub(super) fn site<'s>(
    sites: &'s mut Vec<Option<Arc<SiteCounters>>>,
    shelf: &Shelf,
    number: usize,
) -> Option<&'s SiteCounters> {
    if sites.len() <= number {
        sites.resize_with(number + 1, || None);
    }
    sites.get_mut(number).map(|place| &**place.get_or_insert_with(|| shelf.site(number)))
}

impl Resolver {
    /// Count a reply, and log it if a rule says so. `block` is None where no zone took the query.
    pub(super) fn note_reply(&mut self, block: Option<&Block>, finished: &Finished<'_>, now: Moment) {
        let took = now.since(finished.client.received);
        if let Some(histogram) = self.shelf.counters.durations.get(finished.source as usize) {
            histogram.note_time(took, 1_000);
        }
        if block.is_none_or(|block| block.plan.has_metrics)
            && let Some(counters) = site(&mut self.sites, &self.shelf, finished.site)
        {
            count(counters, finished, took);
        }
        let Some(block) = block.filter(|block| !block.log.is_empty()) else { return };
        if let Some(format) = LogRule::choose(&block.log, finished.question.qname, finished.class) {
            let asked = finished.asked;
            let line = QueryLine {
                format,
                remote: finished.client.remote,
                local: finished.client.local,
                is_tcp: finished.client.transport == ClientTransport::Tcp,
                id: asked.id,
                qname: finished.question.qname.into(),
                qtype: finished.question.qtype,
                qclass: finished.question.qclass,
                size: asked.size,
                is_do: asked.is_do(),
                bufsize: asked.udp_size(),
                flags: finished.flags,
                reply_size: finished.plain_len,
                duration: took,
                upstream: finished.upstream.cloned(),
            };
            self.shared.note_log(&self.shelf, LogRecord::query(line));
        }
    }

    /// Leave a line of `errors`, or count it where such lines are consolidated.
    pub(super) fn note_error(&mut self, block: &Block, question: &Question<'_>, rcode: u16, text: &str, now: Moment) {
        let Some(errors) = &block.errors else { return };
        let mut subject = format!("{rcode} ");
        render(question.qname, &mut subject);
        subject.push(' ');
        subject.push_str(&type_name(question.qtype));
        let line = errors.note(&subject, text, now);
        if errors.has_rules() {
            self.errors_at = Some(self.errors_at.map_or(now, |at| at.min(now)));
        }
        if let Some(line) = line {
            self.shared.note_log(&self.shelf, LogRecord::text(line));
        }
    }

    /// Print the counts of periods that are over.
    pub(super) fn print_consolidated(&mut self, now: Moment) {
        let mut next: Option<Moment> = None;
        for errors in self.plan.blocks.iter().filter_map(|block| block.errors.as_ref()) {
            let due = errors.on_time(now, |line| self.shared.note_log(&self.shelf, LogRecord::text(line)));
            next = [next, due].into_iter().flatten().min();
        }
        self.errors_at = next;
    }
}

fn count(counters: &SiteCounters, finished: &Finished<'_>, took: Duration) {
    let client = finished.client;
    let family = usize::from(client.remote.ip().to_canonical().is_ipv6());
    let protocol = usize::from(client.transport == ClientTransport::Tcp);
    let rtype = finished.question.qtype;
    let place = TYPES.iter().position(|(other, _)| *other == rtype).unwrap_or(TYPES.len());
    let by_type = counters.requests.get(family).and_then(|by| by.get(protocol)).and_then(|by| by.get(place));
    if let Some(count) = by_type {
        count.one();
    }
    counters.duration.note_time(took, 250_000);
    if let Some(histogram) = counters.request_size.get(protocol) {
        histogram.note_size(usize::from(finished.asked.size));
    }
    if let Some(histogram) = counters.response_size.get(protocol) {
        histogram.note_size(finished.plain_len);
    }
    if finished.asked.is_do() {
        counters.do_requests.one();
    }
    let rcode = usize::from(finished.flags & RCODE_MASK).min(RCODES - 1);
    if let Some(count) = counters.responses.get(finished.speaker as usize).and_then(|by| by.get(rcode)) {
        count.one();
    }
}
