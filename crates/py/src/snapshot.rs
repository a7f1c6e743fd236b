//! Counters as plain numbers, and the catalogue that names them.

use nodens_core::{CATALOGUE, Kind, Sample, Value};
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};

/// The catalogue: name, kind, help, label names, bucket bounds.
pub(crate) fn catalogue(py: Python<'_>) -> PyResult<Bound<'_, PyTuple>> {
    let rows: PyResult<Vec<_>> = CATALOGUE
        .iter()
        .map(|family| {
            let kind = match family.kind {
                Kind::Counter => "counter",
                Kind::Gauge => "gauge",
                Kind::Histogram => "histogram",
            };
            let labels = PyTuple::new(py, family.labels)?;
            let bounds = PyTuple::new(py, family.buckets)?;
            (family.name, kind, family.help, labels, bounds).into_pyobject(py)
        })
        .collect();
    PyTuple::new(py, rows?)
}

/// All samples: row in the catalogue, label values, value.
pub(crate) fn samples(py: Python<'_>, samples: Vec<Sample>) -> PyResult<Bound<'_, PyList>> {
    let rows: PyResult<Vec<_>> = samples
        .into_iter()
        .map(|sample| {
            let value = match sample.value {
                Value::Number(number) => number.into_pyobject(py)?.into_any(),
                Value::Histogram { buckets, sum, count } => {
                    (PyTuple::new(py, buckets)?, sum, count).into_pyobject(py)?.into_any()
                }
            };
            (sample.family, PyTuple::new(py, sample.labels)?, value).into_pyobject(py)
        })
        .collect();
    PyList::new(py, rows?)
}
