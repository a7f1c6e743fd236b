//! Rare events for the control plane: what changed in what we believe.

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// An upstream stopped answering its health checks.
    UpstreamDown,
    /// It answers again.
    UpstreamUp,
    /// A query to an upstream came back to us: it is not asked any more.
    LoopFound,
    /// The loop is gone: it is asked again.
    LoopGone,
    /// Too many questions in flight, or no memory for more.
    Overloaded,
}

/// One rare event, told once per change of state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    kind: EventKind,
    message: String,
}

impl Event {
    pub(crate) fn new(kind: EventKind, message: String) -> Self {
        Self { kind, message }
    }

    /// The kind as one snake-case word, as logs and tests name it.
    pub fn kind(&self) -> &'static str {
        match self.kind {
            EventKind::UpstreamDown => "upstream_down",
            EventKind::UpstreamUp => "upstream_up",
            EventKind::LoopFound => "loop_found",
            EventKind::LoopGone => "loop_gone",
            EventKind::Overloaded => "overloaded",
        }
    }

    /// The kind as a value.
    pub fn what(&self) -> EventKind {
        self.kind
    }

    /// One sentence in house style.
    pub fn message(&self) -> &str {
        &self.message
    }
}
