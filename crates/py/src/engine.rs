//! The Engine class that Python sees: the engine's three types behind one door.

use std::net::IpAddr;
use std::os::fd::{IntoRawFd, RawFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nodens_engine as rust;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};

use crate::error::{raise, too_early};
use crate::{entries, plan, snapshot};

/// Python's signal handlers get their turn so often while `next_event` waits.
const SIGNAL_CHECK: Duration = Duration::from_millis(100);

/// A listening socket as it crosses: address, port, protocol, descriptor.
type SocketRow = (String, u16, String, RawFd);

/// Where in its life the engine is.
enum State {
    Bound(rust::Bound),
    Running(Arc<rust::Running>),
    Stopped(Option<rust::Stopped>),
}

/// Sockets, workers, cache and pools.
#[pyclass(frozen, module = "nodens._engine")]
pub(crate) struct Engine {
    state: Mutex<State>,
}

impl Engine {
    /// Held for moments only, and never while waiting for the GIL.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn running(&self, what: &str) -> PyResult<Arc<rust::Running>> {
        match &*self.state() {
            State::Bound(_) => Err(too_early(what)),
            State::Running(running) => Ok(Arc::clone(running)),
            State::Stopped(_) => Err(raise(rust::Error::Stopped)),
        }
    }
}

#[pymethods]
impl Engine {
    #[new]
    #[pyo3(signature = (plan, *, sockets = Vec::new(), is_sharing = false))]
    #[expect(clippy::needless_pass_by_value, reason = "arguments from Python arrive as values")]
    fn new(py: Python<'_>, plan: &Bound<'_, PyAny>, sockets: Vec<SocketRow>, is_sharing: bool) -> PyResult<Self> {
        let plan = plan::read(plan)?;
        let bound = py.detach(|| {
            let handed = sockets.iter().filter_map(duplicate).collect();
            rust::Bound::taking(plan, handed, is_sharing)
        });
        let bound = bound.map_err(raise)?;
        Ok(Self { state: Mutex::new(State::Bound(bound)) })
    }

    fn start(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| {
            let mut state = self.state();
            match std::mem::replace(&mut *state, State::Stopped(None)) {
                State::Bound(bound) => {
                    *state = State::Running(Arc::new(bound.start().map_err(raise)?));
                    Ok(())
                }
                State::Running(running) => {
                    *state = State::Running(running);
                    Ok(())
                }
                State::Stopped(stopped) => {
                    *state = State::Stopped(stopped);
                    Err(raise(rust::Error::Stopped))
                }
            }
        })
    }

    fn apply(&self, py: Python<'_>, plan: &Bound<'_, PyAny>) -> PyResult<()> {
        let running = self.running("apply")?;
        let plan = plan::read(plan)?;
        py.detach(|| running.apply(&plan)).map_err(raise)
    }

    fn snapshot<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let samples = py.detach(|| {
            let running = match &*self.state() {
                State::Bound(bound) => return bound.samples(),
                State::Running(running) => Arc::clone(running),
                State::Stopped(stopped) => return stopped.as_ref().map(rust::Stopped::samples).unwrap_or_default(),
            };
            running.samples()
        });
        snapshot::samples(py, samples)
    }

    fn entries(&self, py: Python<'_>, bookmark: entries::Place) -> PyResult<entries::PageRow> {
        let running = self.running("entries")?;
        Ok(py.detach(|| entries::page(running.page(entries::bookmark(bookmark)))))
    }

    fn next_event(&self, py: Python<'_>, timeout_ms: u64) -> PyResult<Option<(String, String)>> {
        let running = match &*self.state() {
            State::Bound(_) => return Err(too_early("next_event")),
            State::Running(running) => Arc::clone(running),
            State::Stopped(_) => return Ok(None),
        };
        let until = Instant::now() + Duration::from_millis(timeout_ms);
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let told = py.detach(|| running.next_event(left.min(SIGNAL_CHECK)));
            py.check_signals()?;
            if let Some(told) = told {
                return Ok(Some((told.kind, told.message)));
            }
            if left.is_zero() || running.is_ending() {
                return Ok(None);
            }
        }
    }

    fn pulse<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.running("pulse")?.pulse())
    }

    fn addresses<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let addresses = match &*self.state() {
            State::Bound(bound) => bound.addresses(),
            State::Running(running) => running.addresses(),
            State::Stopped(_) => return Err(raise(rust::Error::Stopped)),
        };
        PyTuple::new(
            py,
            addresses.into_iter().map(|address| (address.ip().to_string(), address.port())).collect::<Vec<_>>(),
        )
    }

    fn sockets(&self, py: Python<'_>) -> PyResult<Vec<(String, u16, &'static str, RawFd)>> {
        let handed = py.detach(|| {
            let running = match &*self.state() {
                State::Bound(bound) => return Ok(bound.sockets()),
                State::Running(running) => Arc::clone(running),
                State::Stopped(_) => return Err(raise(rust::Error::Stopped)),
            };
            Ok(running.sockets())
        })?;
        Ok(handed
            .into_iter()
            .map(|handed| {
                let protocol = match handed.protocol {
                    rust::Protocol::Udp => "udp",
                    rust::Protocol::Tcp => "tcp",
                };
                (handed.address.to_string(), handed.port, protocol, handed.socket.into_raw_fd())
            })
            .collect())
    }

    fn release_sockets(&self, py: Python<'_>) -> PyResult<()> {
        let running = self.running("release_sockets")?;
        if py.detach(|| running.release_sockets()) { Ok(()) } else { Err(raise(rust::Error::Hangs)) }
    }

    fn export_cache(&self, py: Python<'_>, fd: RawFd, deadline_ms: u64) -> PyResult<u64> {
        let caches = self.running("export_cache")?.caches();
        py.detach(|| caches.export(fd, Duration::from_millis(deadline_ms))).map_err(raise)
    }

    fn import_cache(&self, py: Python<'_>, fd: RawFd, deadline_ms: u64) -> PyResult<(u64, u64)> {
        let caches = match &*self.state() {
            State::Bound(bound) => bound.caches(),
            State::Running(running) => running.caches(),
            State::Stopped(_) => return Err(raise(rust::Error::Stopped)),
        };
        let imported = py.detach(|| caches.import(fd, Duration::from_millis(deadline_ms))).map_err(raise)?;
        Ok((imported.taken, imported.refused))
    }

    #[pyo3(signature = (deadline_ms, *, handed_over = false))]
    fn stop(&self, py: Python<'_>, deadline_ms: u64, handed_over: bool) {
        py.detach(|| {
            let running = match &*self.state() {
                State::Running(running) => Some(Arc::clone(running)),
                State::Bound(_) | State::Stopped(_) => None,
            };
            let stopped = running.map(|running| running.stop(Duration::from_millis(deadline_ms), handed_over));
            let mut state = self.state();
            if !matches!(*state, State::Stopped(_)) {
                *state = State::Stopped(stopped);
            }
        });
    }
}

/// A row that means no open descriptor, or no address, is as good as none.
fn duplicate((address, port, protocol, descriptor): &SocketRow) -> Option<rust::Handed> {
    let protocol = match protocol.as_str() {
        "udp" => rust::Protocol::Udp,
        "tcp" => rust::Protocol::Tcp,
        _ => return None,
    };
    let address = address.parse::<IpAddr>().ok()?;
    rust::Handed::duplicate(address, *port, protocol, *descriptor).ok()
}
