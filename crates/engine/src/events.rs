//! Rare events for the control plane: the resolver's and our own; bounded, drops are counted.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use nodens_core::Shared;

/// Events of our own that may wait; a node's life has a handful.
const QUEUE_LIMIT: usize = 64;

/// One rare event: its kind in past tense, and a line for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Such as `upstream down`.
    pub kind: String,
    /// One sentence.
    pub message: String,
}

/// The queue.
pub struct Events {
    shared: Arc<Shared>,
    own: Mutex<Queue>,
    bell: Condvar,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Told>,
    dropped: u64,
    is_closed: bool,
}

impl Events {
    /// The resolver's events, and ours, of which there are none yet.
    pub fn new(shared: Arc<Shared>) -> Self {
        Self { shared, own: Mutex::default(), bell: Condvar::new() }
    }

    /// Tell an event. Never blocks for long; a full queue counts it as dropped.
    pub fn tell(&self, kind: &str, message: String) {
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        if own.waiting.len() < QUEUE_LIMIT {
            own.waiting.push_back(Told { kind: kind.to_owned(), message });
        } else {
            own.dropped += 1;
        }
        self.bell.notify_all();
    }

    /// No more waiting: the engine is about to stop.
    pub fn close(&self) {
        self.own.lock().unwrap_or_else(PoisonError::into_inner).is_closed = true;
        self.bell.notify_all();
    }

    /// Whether that was said.
    pub fn is_closed(&self) -> bool {
        self.own.lock().unwrap_or_else(PoisonError::into_inner).is_closed
    }

    /// The oldest event, waited for at most so long.
    pub fn next(&self, at_most: Duration) -> Option<Told> {
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        let told = self.take(&mut own);
        if told.is_some() {
            return told;
        }
        let woken = self.bell.wait_timeout_while(own, at_most, |own| own.waiting.is_empty() && !own.is_closed);
        let (mut own, _) = woken.unwrap_or_else(PoisonError::into_inner);
        self.take(&mut own)
    }

    fn take(&self, own: &mut Queue) -> Option<Told> {
        if let Some(event) = self.shared.take_event() {
            return Some(Told { kind: event.kind().replace('_', " "), message: event.message().to_owned() });
        }
        own.waiting.pop_front().or_else(|| {
            let dropped = std::mem::take(&mut own.dropped);
            let message = format!("events dropped: {dropped}");
            (dropped > 0).then(|| Told { kind: "events dropped".to_owned(), message })
        })
    }
}
