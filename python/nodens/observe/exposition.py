"""Samples -> Prometheus text, as client_golang writes it. Pure."""

from __future__ import annotations

import math
from itertools import groupby
from typing import TYPE_CHECKING

from nodens.observe.catalogue import Distribution, Family, Sample

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_PLAIN_DIGITS = 6  # Go's 'g' format turns to an exponent from here on when it writes the shortest form
_PLAIN_ZEROS = -4  # and below this


def render(samples: Iterable[Sample]) -> str:
    """Write families sorted by name, samples sorted by label values. A family without samples is left out."""
    ordered = sorted(samples, key=lambda sample: (sample.family.name, sample.labels))
    lines: list[str] = []
    for family, group in groupby(ordered, key=lambda sample: sample.family):
        lines.append(f"# HELP {family.name} {_escape_help(family.help)}")
        lines.append(f"# TYPE {family.name} {family.kind.value}")
        for sample in group:
            lines.extend(_lines(sample))
    return "\n".join(lines) + "\n" if lines else ""


def render_number(value: float) -> str:
    """Write a number as Go does: the shortest digits that read back the same, `1e+06` from a million on."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if value == 0:
        return "0"
    sign, digits, exponent = _shortest(float(value))
    if exponent < _PLAIN_ZEROS or exponent >= _PLAIN_DIGITS:
        mantissa = digits[0] + (f".{digits[1:]}" if len(digits) > 1 else "")
        return f"{sign}{mantissa}e{exponent:+03d}"
    if exponent < 0:
        return f"{sign}0.{'0' * (-exponent - 1)}{digits}"
    whole, part = digits[: exponent + 1].ljust(exponent + 1, "0"), digits[exponent + 1 :]
    return f"{sign}{whole}.{part}" if part else f"{sign}{whole}"


def _shortest(value: float) -> tuple[str, str, int]:
    """Take a number apart: sign, shortest significant digits, exponent of the first of them."""
    sign = "-" if value < 0 else ""
    mantissa, _, power = repr(abs(value)).partition("e")
    whole, _, part = mantissa.partition(".")
    digits = (whole + part).lstrip("0")
    exponent = int(power or 0) + (len(whole) - 1 if whole.strip("0") else -1 - len(part) + len(part.lstrip("0")))
    return sign, digits.rstrip("0"), exponent


def _lines(sample: Sample) -> Iterator[str]:
    """Write one sample; a histogram takes a line for each bucket, and two more."""
    family, value = sample.family, sample.value
    if not isinstance(value, Distribution):
        yield f"{family.name}{_labels(family, sample.labels)} {render_number(value)}"
        return
    below = 0
    for bound, count in zip(family.buckets, value.counts, strict=True):
        below += count
        yield f"{family.name}_bucket{_labels(family, sample.labels, render_number(bound))} {render_number(below)}"
    yield f"{family.name}_bucket{_labels(family, sample.labels, '+Inf')} {render_number(value.count)}"
    yield f"{family.name}_sum{_labels(family, sample.labels)} {render_number(value.total)}"
    yield f"{family.name}_count{_labels(family, sample.labels)} {render_number(value.count)}"


def _labels(family: Family, values: tuple[str, ...], bound: str | None = None) -> str:
    """Write label names and values in the family's order, `le` last."""
    pairs = [f'{name}="{_escape_value(value)}"' for name, value in zip(family.labels, values, strict=True)]
    if bound is not None:
        pairs.append(f'le="{bound}"')
    return "{" + ",".join(pairs) + "}" if pairs else ""


def _escape_help(text: str) -> str:
    """Escape what would end the line."""
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _escape_value(text: str) -> str:
    """Escape what would end the value or the line."""
    return _escape_help(text).replace('"', '\\"')
