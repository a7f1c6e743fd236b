"""Asks servers one question each. Every question has its end."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final
from urllib.request import ProxyHandler, build_opener

from nodens import lab
from nodens.doctor.model import Answer
from nodens.errors import LabError

if TYPE_CHECKING:
    from nodens.doctor.model import Place

WAIT_S: Final = 0.8
_TRIES: Final = {"udp": 2, "tcp": 1}  # a datagram may be lost
_PAGE_LIMIT_BYTES: Final = 1 << 20


def ask(place: Place, name: str, qtype: str = "A", transport: str = "udp") -> Answer:
    """Ask once, over UDP once more; whatever happens is an answer."""
    trouble = ""
    for _ in range(_TRIES[transport]):
        start_s = time.monotonic()
        try:
            said = lab.ask((place.address, place.port), lab.query(name, qtype), transport, WAIT_S)
        except (LabError, OSError) as error:
            trouble = _shorten(error, start_s)
            continue
        data = sorted(f"{record.rtype} {record.text}" for record in said.answers)
        plain = tuple(text.removeprefix(f"{qtype} ") for text in data)
        return Answer(rcode=said.rcode, records=plain, took_ms=(time.monotonic() - start_s) * 1000)
    return Answer(trouble=trouble)


def _shorten(error: Exception, start_s: float) -> str:
    """Say shortly why there is no answer."""
    cause = error.__cause__ or error
    if isinstance(cause, TimeoutError) or time.monotonic() - start_s >= WAIT_S:
        return f"silent for {WAIT_S:.1f} s"
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror.lower()
    return str(error).partition(": ")[2] or str(error)


def fetch_metrics(place: Place) -> str:
    """Fetch a page of metrics, past any HTTP proxy; empty if there is none. Raises nothing."""
    try:
        with build_opener(ProxyHandler({})).open(f"http://{place}/metrics", timeout=WAIT_S) as page:
            return str(page.read(_PAGE_LIMIT_BYTES).decode(errors="replace"))
    except (OSError, ValueError):
        return ""
