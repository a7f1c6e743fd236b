//! A resolver with a hand-turned clock, and messages written by hand.
#![allow(unreachable_pub, dead_code, reason = "each test file uses its own part")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::expect_used,
    reason = "helpers of tests"
)]
#![allow(
    clippy::float_cmp,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "small numbers of tests"
)]
#![allow(clippy::type_complexity, clippy::needless_for_each, clippy::wildcard_imports, reason = "tests read better so")]

use std::sync::Arc;
use std::time::Duration;

use nodens_core::plan::{
    BlockPlan, CachePlan, EnginePlan, ErrorsPlan, ForwardPlan, HealthCheckPlan, ListenerPlan, Policy, StorePlan,
    Transport, UpstreamPlan, ZonePlan,
};
use nodens_core::step::{
    Answer, Client, ClientTransport, Destination, ExchangeId, Fault, Heard, ListenerId, Step, Steps,
};
use nodens_core::time::Moment;
use nodens_core::{Resolver, Shared, Value};

pub const CLIENT: &str = "10.0.0.9:4000";

pub fn wire(name: &str) -> Vec<u8> {
    nodens_core::wire::name::parse(name).unwrap()
}

/// A query; `edns` is size and DO.
pub fn query(id: u16, name: &str, qtype: u16, edns: Option<(u16, bool)>) -> Vec<u8> {
    let mut message = vec![(id >> 8) as u8, id as u8, 1, 0, 0, 1, 0, 0, 0, 0, 0, u8::from(edns.is_some())];
    for label in name.trim_end_matches('.').split('.').filter(|label| !label.is_empty()) {
        message.push(label.len() as u8);
        message.extend_from_slice(label.as_bytes());
    }
    message.push(0);
    message.extend_from_slice(&qtype.to_be_bytes());
    message.extend_from_slice(&[0, 1]);
    if let Some((size, is_do)) = edns {
        message.extend_from_slice(&[0, 0, 41]);
        message.extend_from_slice(&size.to_be_bytes());
        message.extend_from_slice(&[0, 0, if is_do { 0x80 } else { 0 }, 0, 0, 0]);
    }
    message
}

/// A record: section (1, 2, 3), owner, type, TTL, RDATA.
pub type Rr<'a> = (usize, &'a str, u16, u32, Vec<u8>);

/// What an upstream would say to `query` (a message of ours).
pub fn response(query: &[u8], flags: u16, records: &[Rr<'_>]) -> Vec<u8> {
    let end = nodens_core::wire::name::plain_end(query, 12).unwrap() + 4;
    let mut message = query[..end].to_vec();
    message[2..4].copy_from_slice(&(0x8180 | flags).to_be_bytes());
    message[10..12].copy_from_slice(&[0, 0]);
    for section in 1..=3 {
        for (_, owner, rtype, ttl, rdata) in records.iter().filter(|(at, ..)| *at == section) {
            message.extend_from_slice(&wire(owner));
            message.extend_from_slice(&rtype.to_be_bytes());
            message.extend_from_slice(&[0, 1]);
            message.extend_from_slice(&ttl.to_be_bytes());
            message.extend_from_slice(&(rdata.len() as u16).to_be_bytes());
            message.extend_from_slice(rdata);
            message[4 + 2 * section + 1] += 1;
        }
    }
    message
}

pub fn soa(minimum: u32) -> Vec<u8> {
    let mut rdata = [wire("ns.test."), wire("root.test.")].concat();
    for number in [1, 2, 3, 4, minimum] {
        rdata.extend_from_slice(&u32::to_be_bytes(number));
    }
    rdata
}

pub fn store(capacity: usize, ttl_max_s: u32) -> StorePlan {
    StorePlan { capacity, ttl_max_s, ttl_min_s: 5 }
}

pub fn cache() -> CachePlan {
    CachePlan {
        zones: vec![".".into()],
        success: store(9984, 3600),
        denial: store(9984, 1800),
        prefetch: None,
        stale: None,
        servfail_ms: 5000,
        success_disabled_zones: vec![],
        denial_disabled_zones: vec![],
        keeps_ttl: false,
    }
}

pub fn forward(count: u8) -> ForwardPlan {
    ForwardPlan {
        zone: ".".into(),
        except_zones: vec![],
        upstreams: (1..=count)
            .map(|n| UpstreamPlan {
                address: [10, 1, 1, n].into(),
                scope_id: 0,
                port: 53,
                label: format!("10.1.1.{n}:53"),
            })
            .collect(),
        transport: Transport::Client,
        policy: Policy::Sequential,
        expire_ms: 10_000,
        max_fails: 2,
        max_connect_attempts: 0,
        max_concurrent: 0,
        health_check: HealthCheckPlan { interval_ms: 500, domain: ".".into(), is_recursion_desired: true },
        next_rcodes: vec![],
        is_next_on_nodata: false,
        failover_rcodes: vec![],
        is_failfast: false,
        read_timeout_ms: 2000,
        max_age_ms: 0,
        max_idle_connections: 0,
        source_address: None,
    }
}

pub fn block(cache: Option<CachePlan>, forwards: Vec<ForwardPlan>) -> BlockPlan {
    BlockPlan {
        name: ".:53".into(),
        zones_label: ".".into(),
        has_metrics: true,
        has_handler: true,
        udp_size_limit: 1232,
        cache,
        forwards,
        log: vec![],
        errors: Some(ErrorsPlan { consolidate: vec![] }),
        loop_zone: None,
    }
}

pub fn plan(block: BlockPlan) -> EnginePlan {
    EnginePlan {
        workers: 1,
        memory_limit_bytes: 16 << 20,
        max_tcp_connections: 100,
        max_tcp_connections_per_client: 10,
        max_queries_per_connection: 100,
        listeners: vec![ListenerPlan {
            address: [169, 254, 20, 10].into(),
            scope_id: 0,
            port: 53,
            is_dual_stack: false,
            is_freebind: true,
            label: "dns://169.254.20.10:53".into(),
            zones: vec![ZonePlan { name: ".".into(), block: 0 }],
            tcp_read_timeout_ms: 3000,
            tcp_idle_timeout_ms: 10_000,
            tcp_write_timeout_ms: 5000,
        }],
        blocks: vec![block],
    }
}

/// A resolver and its clock.
pub struct Bench {
    pub shared: Arc<Shared>,
    pub resolver: Resolver,
    pub now: Moment,
    pub steps: Steps,
    pub replies: Vec<(Client, Vec<u8>)>,
    pub sent: Vec<(ExchangeId, Destination, Vec<u8>)>,
    pub forgotten: Vec<ExchangeId>,
    pub nudged: Vec<usize>,
    buffer: Vec<u8>,
}

impl Bench {
    pub fn new(plan: EnginePlan) -> Self {
        let now = Moment::from_nanos(1_000_000_000);
        let shared = Shared::new(plan, 7, now).unwrap();
        Self::of(&shared, 0, now)
    }

    pub fn of(shared: &Arc<Shared>, worker: usize, now: Moment) -> Self {
        Self {
            shared: Arc::clone(shared),
            resolver: shared.resolver(worker, now),
            now,
            steps: Steps::new(),
            replies: vec![],
            sent: vec![],
            forgotten: vec![],
            nudged: vec![],
            buffer: vec![0; 65_535],
        }
    }

    pub fn client(&self, transport: ClientTransport, handle: u64) -> Client {
        Client {
            remote: CLIENT.parse().unwrap(),
            local: "169.254.20.10:53".parse().unwrap(),
            interface: 0,
            transport,
            listener: ListenerId(0),
            handle,
            received: self.now,
        }
    }

    pub fn collect(&mut self) {
        for step in self.steps.iter() {
            match step {
                Step::Reply { client, message } => {
                    assert!(self.now.since(client.received).as_millis() <= 1_900, "in time");
                    self.replies.push((client, self.steps.message(message).to_vec()));
                }
                Step::Send { exchange, to, message } => {
                    self.sent.push((exchange, to, self.steps.message(message).to_vec()));
                }
                Step::Forget { exchange } => self.forgotten.push(exchange),
                Step::Nudge { worker } => self.nudged.push(worker),
            }
        }
        self.steps.clear();
    }

    /// Ask over UDP; an immediate answer is given back.
    pub fn ask(&mut self, message: &[u8]) -> Option<Vec<u8>> {
        self.ask_as(message, ClientTransport::Udp, 1)
    }

    pub fn ask_as(&mut self, message: &[u8], transport: ClientTransport, handle: u64) -> Option<Vec<u8>> {
        self.ask_by(message, self.client(transport, handle))
    }

    pub fn ask_by(&mut self, message: &[u8], client: Client) -> Option<Vec<u8>> {
        let answer = self.resolver.on_query(message, &client, self.now, &mut self.buffer, &mut self.steps);
        self.collect();
        match answer {
            Answer::Reply(len) => Some(self.buffer[..len].to_vec()),
            Answer::Later | Answer::Silence => None,
        }
    }

    /// The query that was sent last.
    pub fn last_sent(&self) -> (ExchangeId, Destination, Vec<u8>) {
        self.sent.last().expect("something was sent").clone()
    }

    pub fn hear(&mut self, exchange: ExchangeId, message: &[u8]) -> Heard {
        let heard = self.resolver.on_response(exchange, message, self.now, &mut self.steps);
        self.collect();
        heard
    }

    /// Answer what was sent last.
    pub fn respond(&mut self, flags: u16, records: &[Rr<'_>]) {
        let (exchange, _, message) = self.last_sent();
        let message = response(&message, flags, records);
        assert_eq!(self.hear(exchange, &message), Heard::Settled);
    }

    pub fn fault(&mut self, exchange: ExchangeId, fault: Fault) {
        self.resolver.on_fault(exchange, fault, self.now, &mut self.steps);
        self.collect();
    }

    /// Turn the clock, waking the resolver whenever it wants to be woken.
    pub fn turn(&mut self, by: Duration) {
        let end = self.now.plus(by);
        while let Some(wake) = self.resolver.next_wake().filter(|wake| *wake <= end) {
            self.now = self.now.max(wake);
            self.resolver.on_time(self.now, &mut self.steps);
            self.collect();
        }
        self.now = end;
    }

    pub fn turn_ms(&mut self, ms: u64) {
        self.turn(Duration::from_millis(ms));
    }

    /// The sum of a family's numbers, with these label values among theirs.
    pub fn number(&self, name: &str, labels: &[&str]) -> f64 {
        let family = nodens_core::CATALOGUE.iter().position(|family| family.name == name).unwrap();
        let samples = self.shared.samples();
        let found =
            samples.iter().filter(|s| s.family == family && labels.iter().all(|l| s.labels.iter().any(|o| o == l)));
        found
            .map(|sample| match &sample.value {
                Value::Number(number) => *number,
                Value::Histogram { count, .. } => *count as f64,
            })
            .sum()
    }

    pub fn log(&self) -> String {
        let mut records = vec![];
        self.shared.take_log(&mut records);
        let mut text = String::new();
        records.iter().for_each(|record| record.render(&mut text));
        text
    }
}

/// What a reply says: rcode, flags, records as (section, owner, type, TTL, RDATA), EDE.
#[derive(Debug, PartialEq, Eq)]
pub struct Read {
    pub id: u16,
    pub flags: u16,
    pub rcode: u16,
    pub question: Vec<u8>,
    pub records: Vec<(usize, Vec<u8>, u16, u32, Vec<u8>)>,
    pub opt: Option<(u16, bool)>,
    pub ede: Option<u16>,
}

impl Read {
    pub fn ttls(&self) -> Vec<u32> {
        self.records.iter().map(|record| record.3).collect()
    }
}

pub fn read(message: &[u8]) -> Read {
    use nodens_core::wire::{edns::Edns, header::Header, name, record};
    let header = Header::parse(message).unwrap();
    let mut at = 12;
    let mut question = vec![];
    if header.counts[0] == 1 {
        at = name::plain_end(message, 12).unwrap() + 4;
        question = message[12..at].to_vec();
    }
    let (mut records, mut opt, mut ede, mut high) = (vec![], None, None, 0);
    let mut unpacked = name::NameBuffer::default();
    for section in 1..=3 {
        for _ in 0..header.counts[section] {
            let record = record::at(message, at).expect("a whole record");
            at = record.end;
            if record.rtype == 41 {
                let edns = Edns::parse(message, &record).unwrap();
                opt = Some((edns.size, edns.is_do));
                high = u16::from(edns.rcode_high);
                let data = edns.extended_error(message);
                ede = (!data.is_empty()).then(|| u16::from_be_bytes([data[0], data[1]]));
                continue;
            }
            unpacked.unpack(message, record.start).unwrap();
            records.push((
                section,
                unpacked.as_wire().to_vec(),
                record.rtype,
                record.ttl,
                message[record.rdata..record.end].to_vec(),
            ));
        }
    }
    assert_eq!(at, message.len(), "nothing follows the last record");
    Read { id: header.id, flags: header.flags, rcode: (header.flags & 15) | high << 4, question, records, opt, ede }
}
