//! The engine's own resolvers with a hand-turned clock and no sockets, for stories and properties written in Python.
//! size: a stage, and the door to it in Python.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nodens_core::plan::{EnginePlan, ListenerPlan};
use nodens_core::step::{Answer, Client, ClientTransport, ExchangeId, Fault, Heard, Step, Steps, UpstreamTransport};
use nodens_core::time::Moment;
use nodens_core::{Resolver, Shared};
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};

use crate::error::raise;
use crate::{plan, snapshot};

/// The clock begins here, so that "an hour ago" is a moment too.
const BEGIN: Duration = Duration::from_secs(3600);
/// A resolver that wakes more often while the clock is turned once is broken.
const WAKES_LIMIT: usize = 100_000;
/// The longest message.
const MESSAGE: usize = 65_535;
/// The least room that a resolver is promised for a UDP reply.
const DATAGRAM: usize = 4096;

/// What happened, as Python will see it.
enum Taken {
    Reply(u64, Vec<u8>),
    Silence(u64),
    Send(u64, SocketAddr, UpstreamTransport, Vec<u8>),
    Forget(u64),
}

/// An exchange that the script may answer.
struct Open {
    worker: usize,
    exchange: ExchangeId,
    id: u16,
    transport: UpstreamTransport,
}

struct Stage {
    shared: Arc<Shared>,
    resolvers: Vec<Resolver>,
    listeners: Vec<ListenerPlan>,
    steps: Steps,
    now: Moment,
    asked: u64,
    sent: u64,
    open: BTreeMap<u64, Open>,
    taken: Vec<Taken>,
}

impl Stage {
    fn new(plan: EnginePlan, seed: u64) -> PyResult<Self> {
        let now = Moment::START.plus(BEGIN);
        let (workers, listeners) = (plan.workers.max(1), plan.listeners.clone());
        let shared = Shared::new(plan, seed, now).map_err(|error| raise(error.into()))?;
        let resolvers = (0..workers).map(|worker| shared.resolver(worker, now)).collect();
        let (open, taken, steps) = (BTreeMap::new(), Vec::new(), Steps::new());
        Ok(Self { shared, resolvers, listeners, steps, now, asked: 0, sent: 0, open, taken })
    }

    /// Do the steps of a worker; a nudge is carried out at once.
    fn perform(&mut self, worker: usize) {
        let steps = std::mem::take(&mut self.steps);
        let mut nudged = Vec::new();
        for step in steps.iter() {
            match step {
                Step::Reply { client, message } => {
                    self.taken.push(Taken::Reply(client.handle, steps.message(message).to_vec()));
                }
                Step::Send { exchange, to, message } => {
                    self.sent += 1;
                    let id = u16::try_from(self.sent & 0xffff).unwrap_or(0);
                    let mut message = steps.message(message).to_vec();
                    for (place, byte) in message.iter_mut().zip(id.to_be_bytes()) {
                        *place = byte;
                    }
                    self.open.insert(self.sent, Open { worker, exchange, id, transport: to.transport });
                    self.taken.push(Taken::Send(self.sent, to.address, to.transport, message));
                }
                Step::Forget { exchange } => {
                    let is_it = |open: &Open| open.worker == worker && open.exchange == exchange;
                    let number = self.open.iter().find(|(_, open)| is_it(open)).map(|(number, _)| *number);
                    if let Some(number) = number {
                        self.open.remove(&number);
                        self.taken.push(Taken::Forget(number));
                    }
                }
                Step::Nudge { worker } => nudged.push(worker),
            }
        }
        for other in nudged {
            if let Some(resolver) = self.resolvers.get_mut(other) {
                resolver.on_nudge(self.now, &mut self.steps);
                self.perform(other);
            }
        }
    }

    fn ask(
        &mut self,
        query: &[u8],
        transport: ClientTransport,
        [client, server]: [SocketAddr; 2],
        worker: usize,
    ) -> PyResult<u64> {
        let exact = |listener: &&ListenerPlan| (listener.address, listener.port) == (server.ip(), server.port());
        let any = |listener: &&ListenerPlan| listener.address.is_unspecified() && listener.port == server.port();
        let found = self.listeners.iter().find(exact).or_else(|| self.listeners.iter().find(any));
        let listener = found.ok_or_else(|| PyValueError::new_err(format!("{server}: no listener of the plan")))?;
        let address = match SocketAddr::new(listener.address, listener.port) {
            SocketAddr::V6(mut address) => {
                address.set_scope_id(listener.scope_id);
                address.into()
            }
            address @ SocketAddr::V4(_) => address,
        };
        let listener = self.shared.listener_id(address);
        self.asked += 1;
        let client = Client {
            remote: client,
            local: server,
            interface: 0,
            transport,
            listener,
            handle: self.asked,
            received: self.now,
        };
        let mut reply = vec![0; if transport == ClientTransport::Udp { DATAGRAM } else { MESSAGE }];
        let token = self.asked;
        let resolver = self.resolvers.get_mut(worker).ok_or_else(|| PyValueError::new_err("no such worker"))?;
        match resolver.on_query(query, &client, self.now, &mut reply, &mut self.steps) {
            Answer::Reply(length) => {
                reply.truncate(length);
                self.taken.push(Taken::Reply(token, reply));
            }
            Answer::Silence => self.taken.push(Taken::Silence(token)),
            Answer::Later => {}
        }
        self.perform(worker);
        Ok(token)
    }

    fn advance(&mut self, by: Duration) -> PyResult<()> {
        let until = self.now.plus(by);
        for _ in 0..WAKES_LIMIT {
            let due = self.resolvers.iter().enumerate().filter_map(|(worker, one)| Some((one.next_wake()?, worker)));
            let Some((when, worker)) = due.min().filter(|(when, _)| *when <= until) else {
                self.now = until;
                return Ok(());
            };
            self.now = self.now.max(when);
            if let Some(resolver) = self.resolvers.get_mut(worker) {
                resolver.on_time(self.now, &mut self.steps);
            }
            self.perform(worker);
        }
        Err(PyRuntimeError::new_err("a resolver wakes without end"))
    }

    fn respond(&mut self, number: u64, response: &[u8]) -> PyResult<&'static str> {
        let Some(Open { worker, exchange, id, transport }) = self.open.remove(&number) else {
            return Err(unknown(number));
        };
        let Some(resolver) = self.resolvers.get_mut(worker) else { return Err(unknown(number)) };
        let has_our_id = response.starts_with(&id.to_be_bytes());
        let is_settled =
            has_our_id && resolver.on_response(exchange, response, self.now, &mut self.steps) == Heard::Settled;
        if !is_settled && transport == UpstreamTransport::Tcp {
            self.perform(worker);
            self.tell(worker, exchange, Fault::Reset);
        } else {
            if !is_settled {
                self.open.insert(number, Open { worker, exchange, id, transport });
            }
            self.perform(worker);
        }
        Ok(if is_settled { "settled" } else { "stranger" })
    }

    fn fault(&mut self, number: u64, fault: Fault) -> PyResult<()> {
        let Open { worker, exchange, .. } = self.open.remove(&number).ok_or_else(|| unknown(number))?;
        self.tell(worker, exchange, fault);
        Ok(())
    }

    fn tell(&mut self, worker: usize, exchange: ExchangeId, fault: Fault) {
        if let Some(resolver) = self.resolvers.get_mut(worker) {
            resolver.on_fault(exchange, fault, self.now, &mut self.steps);
        }
        self.perform(worker);
    }

    fn apply(&mut self, plan: EnginePlan) -> PyResult<()> {
        let listeners = plan.listeners.clone();
        self.shared.apply(plan, self.now).map_err(|error| raise(error.into()))?;
        self.listeners = listeners;
        for worker in 0..self.resolvers.len() {
            if let Some(resolver) = self.resolvers.get_mut(worker) {
                resolver.on_plan(self.now, &mut self.steps);
            }
            self.perform(worker);
        }
        Ok(())
    }
}

fn unknown(number: u64) -> PyErr {
    PyValueError::new_err(format!("exchange {number} is over, or never was"))
}

fn address(text: &str) -> PyResult<SocketAddr> {
    text.parse().map_err(|_| PyValueError::new_err(format!("`{text}` is not an address with a port")))
}

/// See `_engine.pyi`.
#[pyclass(frozen, module = "nodens._engine")]
pub(crate) struct Rehearsal {
    stage: Mutex<Stage>,
}

impl Rehearsal {
    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl Rehearsal {
    #[new]
    #[pyo3(signature = (plan, *, seed = 1))]
    fn new(plan: &Bound<'_, PyAny>, seed: u64) -> PyResult<Self> {
        Ok(Self { stage: Mutex::new(Stage::new(plan::read(plan)?, seed)?) })
    }

    #[pyo3(signature = (query, *, server, client = "127.0.0.1:40000", transport = "udp", worker = 0))]
    fn ask(&self, query: &[u8], server: &str, client: &str, transport: &str, worker: usize) -> PyResult<u64> {
        let transport = match transport {
            "udp" => ClientTransport::Udp,
            "tcp" => ClientTransport::Tcp,
            _ => {
                return Err(PyValueError::new_err(format!(
                    "`{transport}` is not a transport; expected `udp` or `tcp`"
                )));
            }
        };
        self.stage().ask(query, transport, [address(client)?, address(server)?], worker)
    }

    fn advance(&self, ms: u64) -> PyResult<()> {
        self.stage().advance(Duration::from_millis(ms))
    }

    fn now_ms(&self) -> u64 {
        let since = self.stage().now.since(Moment::START.plus(BEGIN));
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }

    fn taken_steps<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let taken = std::mem::take(&mut self.stage().taken);
        let rows: PyResult<Vec<_>> = taken
            .into_iter()
            .map(|step| match step {
                Taken::Reply(asked, message) => ("reply", asked, PyBytes::new(py, &message)).into_pyobject(py),
                Taken::Silence(asked) => ("silence", asked).into_pyobject(py),
                Taken::Send(number, to, transport, message) => {
                    let transport = match transport {
                        UpstreamTransport::Udp => "udp",
                        UpstreamTransport::Tcp => "tcp",
                    };
                    ("send", number, to.to_string(), transport, PyBytes::new(py, &message)).into_pyobject(py)
                }
                Taken::Forget(number) => ("forget", number).into_pyobject(py),
            })
            .collect();
        PyList::new(py, rows?)
    }

    fn respond(&self, exchange: u64, response: &[u8]) -> PyResult<&'static str> {
        self.stage().respond(exchange, response)
    }

    fn fault(&self, exchange: u64, kind: &str) -> PyResult<()> {
        let fault = match kind {
            "refused" => Fault::Refused,
            "unreachable" => Fault::Unreachable(113), // EHOSTUNREACH
            "closed" => Fault::Closed,
            "reset" => Fault::Reset,
            "no_room" => Fault::NoRoom,
            _ => return Err(PyValueError::new_err(format!("`{kind}` is not a fault"))),
        };
        self.stage().fault(exchange, fault)
    }

    fn apply(&self, plan: &Bound<'_, PyAny>) -> PyResult<()> {
        let plan = plan::read(plan)?;
        self.stage().apply(plan)
    }

    fn snapshot<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let samples = self.stage().shared.samples();
        snapshot::samples(py, samples)
    }

    fn log(&self) -> Vec<String> {
        let (mut records, mut text) = (Vec::new(), String::new());
        self.stage().shared.take_log(&mut records);
        for record in records {
            record.render(&mut text);
        }
        text.lines().map(str::to_owned).collect()
    }

    fn events(&self) -> Vec<(String, String)> {
        let stage = self.stage();
        let events = std::iter::from_fn(|| stage.shared.take_event());
        events.map(|event| (event.kind().replace('_', " "), event.message().to_owned())).collect()
    }
}
