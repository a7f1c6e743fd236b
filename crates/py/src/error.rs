//! The only place where a Rust error becomes a Python exception. The sentences are those of `nodens.errors`.

use nodens_engine::Error;
use nodens_engine::transfer::Trouble;
use pyo3::exceptions::PyRuntimeError;
use pyo3::{PyErr, import_exception};

import_exception!(nodens.errors, BindError);
import_exception!(nodens.errors, EngineError);
import_exception!(nodens.errors, EngineStopped);
import_exception!(nodens.errors, PlanRejected);

/// What Python shall see.
pub(crate) fn raise(error: Error) -> PyErr {
    match error {
        Error::Bind { address, protocol, source } => {
            let errno = source.raw_os_error().unwrap_or(0);
            BindError::new_err((format!("{address}/{protocol}"), errno, reason(&source)))
        }
        Error::Plan(error) => rejected(error.field, error.why),
        Error::Start(source) => EngineError::new_err(format!("engine: cannot start: {}", reason(&source))),
        Error::Export { trouble } => EngineError::new_err(format!("cache: cannot be written: {}", blocked(&trouble))),
        Error::Import { trouble: Trouble::Refused(refused), so_far } => {
            EngineError::new_err(format!("cache: refused after {} entries: {refused}", so_far.taken))
        }
        Error::Import { trouble, so_far } => {
            let why = blocked(&trouble);
            EngineError::new_err(format!("cache: cannot be read after {} entries: {why}", so_far.taken))
        }
        Error::Hangs => EngineError::new_err("engine: a worker hangs"),
        Error::Stopped => EngineStopped::new_err("engine: has stopped"),
    }
}

/// Why a cache stands still on its way.
fn blocked(trouble: &Trouble) -> String {
    match trouble {
        Trouble::Io(source) => reason(source),
        Trouble::Late => "the deadline has passed".to_owned(),
        Trouble::Refused(refused) => refused.to_string(),
    }
}

/// A field of the plan is out of range.
pub(crate) fn rejected(field: String, why: String) -> PyErr {
    PlanRejected::new_err((field, why))
}

/// Asked out of turn: the caller's bug.
pub(crate) fn too_early(what: &str) -> PyErr {
    PyRuntimeError::new_err(format!("engine: {what} comes after start"))
}

/// The kernel's sentence in our style: lower case, without the number, which has its own place.
fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut letters = text.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}
