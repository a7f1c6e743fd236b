//! The door between Python and the engine. No logic.

mod engine;
mod entries;
mod error;
mod plan;
mod rehearsal;
mod snapshot;

/// The compiled module.
#[pyo3::pymodule(gil_used = false)]
mod _engine {
    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::engine::Engine;
    #[pymodule_export]
    use crate::rehearsal::Rehearsal;

    /// Have this process' log lines be JSON from now on. No lock, no I/O.
    #[pyfunction]
    fn log_as_json() {
        nodens_engine::log_as_json();
    }

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        module.add("CATALOGUE", crate::snapshot::catalogue(module.py())?)
    }
}
