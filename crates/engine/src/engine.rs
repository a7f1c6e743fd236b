//! The engine's life as three types: bound, running, stopped.

use std::net::SocketAddr;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nodens_core::plan::EnginePlan;
use nodens_core::shared::entries::{Bookmark, Page};
use nodens_core::{CATALOGUE, Sample, Shared, Value};

use crate::binding::{Bind, Held, bind_new, coming};
use crate::error::Error;
use crate::events::{Events, Told};
use crate::guests::{Guests, Limits, sockets_for_upstreams, workers_of};
use crate::handover::Handed;
use crate::listener::Place;
use crate::logger::Logger;
use crate::orders::{Coming, Latch, Mailbox, Order};
use crate::random;
use crate::sys;
use crate::tcp::Timeouts;
use crate::transfer::Caches;
use crate::worker::{Common, FAREWELL, Worker};

/// Workers take up a plan between two batches; one that does not within this is told of in vain.
const APPLY_LIMIT: Duration = Duration::from_secs(2);
/// Beyond the deadline, workers get so long to notice that they are to end.
const END_LIMIT: Duration = Duration::from_secs(2);

/// Sockets are bound, nothing is answered yet.
pub struct Bound {
    plan: EnginePlan,
    shared: Arc<Shared>,
    binds: Vec<Bind>,
    /// Sockets of a process before us are among them, which may still need them.
    is_heir: bool,
}

impl Bound {
    /// Compile the plan and bind every socket of it, or none.
    pub fn new(plan: EnginePlan) -> Result<Self, Error> {
        Self::taking(plan, Vec::new(), false)
    }

    /// The same, with sockets from the process before us. `is_sharing`: somebody of ours may be on the same ports.
    pub fn taking(plan: EnginePlan, mut handed: Vec<Handed>, is_sharing: bool) -> Result<Self, Error> {
        sys::raise_file_limit();
        let shared = Shared::new(plan.clone(), random::seed(), sys::now())?;
        shared.set_wall_clock(sys::unix_s(), sys::now());
        let is_heir = !handed.is_empty();
        let binds = bind_new(&plan, workers_of(&plan), &Held::default(), &mut handed, is_sharing)?;
        Ok(Self { plan, shared, binds, is_heir })
    }

    /// To hand them over.
    pub fn caches(&self) -> Caches {
        Caches(Arc::clone(&self.shared))
    }

    /// Duplicates of the listening sockets.
    pub fn sockets(&self) -> Vec<Handed> {
        self.binds.iter().flat_map(Bind::lend).collect()
    }

    /// Where the plan's listeners really are, in the plan's order.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.binds.iter().map(|bind| bind.address).collect()
    }

    /// All numbers at this moment.
    pub fn samples(&self) -> Vec<Sample> {
        self.shared.samples()
    }

    /// Start the workers; returns when each of them can answer.
    pub fn start(self) -> Result<Running, Error> {
        let Self { plan, shared, mut binds, is_heir } = self;
        let workers = workers_of(&plan);
        binds.iter_mut().try_for_each(|bind| bind.top_up(workers))?;
        let mailboxes: Result<Vec<_>, _> = (0..workers).map(|_| Mailbox::new()).collect();
        let common = Arc::new(Common {
            events: Events::new(Arc::clone(&shared)),
            shared,
            mailboxes: mailboxes.map_err(Error::Start)?,
            guests: Guests::default(),
        });
        let logger = Logger::start(&common.shared).map_err(Error::Start)?;
        let files = usize::try_from(sys::raise_file_limit()).unwrap_or(usize::MAX);
        let sockets = sockets_for_upstreams(&plan, files);
        let (threads, listening) = (Mutex::default(), Mutex::default());
        let mut running = Running { common, threads, listening, logger, workers, is_heir };
        for number in 0..workers {
            let come = coming(&running.common.shared, &plan, &mut binds, workers - number);
            let thread = start_worker(&running.common, number, sockets, Limits::of(&plan), come)?;
            running.threads.get_mut().unwrap_or_else(PoisonError::into_inner).push(thread);
        }
        running.listening.get_mut().unwrap_or_else(PoisonError::into_inner).replace(binds, sys::now());
        Ok(running)
    }
}

/// Workers answer.
pub struct Running {
    common: Arc<Common>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    listening: Mutex<Held>,
    logger: Logger,
    workers: usize,
    is_heir: bool,
}

impl Running {
    /// Take up another plan, make before break. On an error everything is as it was.
    pub fn apply(&self, plan: &EnginePlan) -> Result<(), Error> {
        let mut listening = self.listening.lock().unwrap_or_else(PoisonError::into_inner);
        listening.left.retain(|(_, until)| sys::now() < *until);
        let mut binds = bind_new(plan, self.workers, &listening, &mut Vec::new(), false)?;
        self.common.shared.apply(plan.clone(), sys::now())?;
        let stay: Vec<_> = plan.listeners.iter().map(|new| (Place::of(new), Timeouts::of(new))).collect();
        let done = Arc::new(Latch::new(self.workers));
        for (number, mailbox) in self.common.mailboxes.iter().enumerate() {
            let come = coming(&self.common.shared, plan, &mut binds, self.workers - number);
            let (stay, done) = (stay.clone(), Arc::clone(&done));
            mailbox.put(Order::Apply { come, stay, limits: Limits::of(plan), done });
        }
        let until = sys::now().plus(FAREWELL + Duration::from_secs(1));
        listening.replace(binds, until);
        done.wait(APPLY_LIMIT);
        Ok(())
    }

    /// Where the plan's listeners really are, in the plan's order.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        let listening = self.listening.lock().unwrap_or_else(PoisonError::into_inner);
        listening.now.iter().map(|(_, address)| *address).collect()
    }

    /// All numbers at this moment: the resolvers', and what only the engine knows.
    pub fn samples(&self) -> Vec<Sample> {
        let mut samples = self.common.shared.samples();
        let panics = self.common.mailboxes.iter().map(Mailbox::panics).sum();
        add(&mut samples, "coredns_panics_total", panics);
        add(&mut samples, "nodens_log_dropped_total", self.logger.dropped());
        samples
    }

    /// Some of what the caches hold, from a bookmark on.
    pub fn page(&self, from: Bookmark) -> Page {
        self.common.shared.page(from, sys::now())
    }

    /// The oldest rare event, waited for at most so long.
    pub fn next_event(&self, at_most: Duration) -> Option<Told> {
        self.common.events.next(at_most)
    }

    /// Whether it was told to stop.
    pub fn is_ending(&self) -> bool {
        self.common.events.is_closed()
    }

    /// Turns of each worker's loop so far.
    pub fn pulse(&self) -> Vec<u64> {
        self.common.mailboxes.iter().map(Mailbox::turns).collect()
    }

    /// Duplicates of the listening sockets for the process after us. A worker that hangs gives none.
    pub fn sockets(&self) -> Vec<Handed> {
        let (to, lent) = channel();
        for mailbox in &self.common.mailboxes {
            mailbox.put(Order::Lend { to: to.clone() });
        }
        drop(to);
        let until = sys::now().plus(APPLY_LIMIT);
        std::iter::from_fn(|| lent.recv_timeout(until.since(sys::now())).ok()).flatten().collect()
    }

    /// Stop reading from the listening sockets; true when no worker will.
    pub fn release_sockets(&self) -> bool {
        let done = Arc::new(Latch::new(self.workers));
        for mailbox in &self.common.mailboxes {
            mailbox.put(Order::Release { done: Arc::clone(&done) });
        }
        done.wait(APPLY_LIMIT)
    }

    /// To hand them over.
    pub fn caches(&self) -> Caches {
        Caches(Arc::clone(&self.common.shared))
    }

    /// Answer what is queued and in flight until the deadline, then end. A second call waits for the first.
    /// `is_handed_over`: the listening sockets are the next process's; connections go on until they are idle.
    pub fn stop(&self, within: Duration, is_handed_over: bool) -> Stopped {
        self.end(within, is_handed_over);
        Stopped { samples: self.samples() }
    }

    fn end(&self, within: Duration, is_handed_over: bool) {
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        if threads.is_empty() {
            return;
        }
        let deadline = sys::now().plus(within);
        for mailbox in &self.common.mailboxes {
            mailbox.put(Order::Stop { deadline, is_handed_over });
        }
        self.common.events.close();
        let patience = deadline.plus(END_LIMIT);
        for thread in threads.drain(..) {
            while !thread.is_finished() && sys::now() < patience {
                thread::park_timeout(Duration::from_millis(1));
            }
            if thread.is_finished() {
                let _ = thread.join();
            }
        }
        self.logger.stop();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end(Duration::ZERO, self.is_heir); // a start that failed half way must not make the process before us deaf
    }
}

/// Nothing is answered any more.
pub struct Stopped {
    samples: Vec<Sample>,
}

impl Stopped {
    /// The last numbers.
    pub fn samples(&self) -> Vec<Sample> {
        self.samples.clone()
    }
}

fn start_worker(
    common: &Arc<Common>,
    number: usize,
    sockets: usize,
    limits: Limits,
    come: Vec<Coming>,
) -> Result<JoinHandle<()>, Error> {
    let (ready, is_ready) = channel();
    let common = Arc::clone(common);
    let work = move || {
        sys::block_signals();
        let made = Worker::new(common, number, sockets, limits).and_then(|mut worker| {
            come.into_iter().try_for_each(|coming| worker.listen(coming))?;
            Ok(worker)
        });
        match made {
            Ok(worker) => {
                let _ = ready.send(Ok(()));
                worker.run();
            }
            Err(error) => drop(ready.send(Err(error))),
        }
    };
    let thread = thread::Builder::new().name(format!("nodens-{number}")).spawn(work).map_err(Error::Start)?;
    match is_ready.recv() {
        Ok(Ok(())) => Ok(thread),
        Ok(Err(error)) => Err(Error::Start(error)),
        Err(_) => Err(Error::Start(std::io::ErrorKind::Other.into())),
    }
}

/// Add to a counter without labels.
fn add(samples: &mut Vec<Sample>, name: &str, by: u64) {
    let Some(family) = CATALOGUE.iter().position(|family| family.name == name) else { return };
    #[expect(clippy::cast_precision_loss, reason = "metrics are floats")]
    let by = by as f64;
    match samples.iter_mut().find(|sample| sample.family == family && sample.labels.is_empty()) {
        Some(Sample { value: Value::Number(number), .. }) => *number += by,
        Some(_) => {}
        None => samples.push(Sample { family, labels: Vec::new(), value: Value::Number(by) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workers_panic_is_told_and_counted_and_the_worker_goes_on() {
        let plan = EnginePlan {
            workers: 1,
            memory_limit_bytes: 1 << 20,
            max_tcp_connections: 1,
            max_tcp_connections_per_client: 1,
            max_queries_per_connection: 1,
            listeners: Vec::new(),
            blocks: Vec::new(),
        };
        let running = Bound::new(plan).and_then(Bound::start).unwrap();
        let panics = |samples: &[Sample]| {
            let found = samples.iter().find(|sample| CATALOGUE[sample.family].name == "coredns_panics_total");
            found.map(|sample| sample.value.clone())
        };
        assert_eq!(panics(&running.samples()), Some(Value::Number(0.0)));
        for count in [1.0, 2.0] {
            running.common.mailboxes[0].put(Order::Panic);
            let told = running.next_event(Duration::from_secs(5)).unwrap();
            assert_eq!((told.kind.as_str(), told.message.as_str()), ("worker panicked", "worker 0: panicked: told to"));
            let turns = running.pulse()[0];
            running.common.mailboxes[0].nudge();
            while running.pulse()[0] == turns {
                thread::yield_now();
            }
            assert_eq!(panics(&running.samples()), Some(Value::Number(count)));
        }
        assert_eq!(panics(&running.stop(Duration::from_millis(100), false).samples()), Some(Value::Number(2.0)));
    }
}
