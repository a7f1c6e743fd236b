"""How much memory a pod asks for, and how much it may take: one formula, printed wherever it is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from nodens.manifests.options import Options

MIB: Final = 1 << 20

ZONES: Final = 4  # blocks of the Corefile: cluster domain, in-addr.arpa, ip6.arpa and the rest
STORES: Final = 2  # a zone keeps answers and denials apart, each with its own capacity
IDLE_BYTES: Final = 26 * MIB  # measured: 25.5 MB with nothing in the cache, Python included
ENTRY_BYTES: Final = 256  # measured: 216 for an answer of one address; names are longer and answers are more, at times
ENTRY_LIMIT_BYTES: Final = 512  # what the limit leaves room for: answers of several records
BUDGET: Final = (3, 8)  # of the limit is what the agent gives itself for cache and queries in flight ...
KEPT: Final = (7, 8)  # ... and of that the cache may take so much; the rest is for queries
REQUEST_STEP: Final = 4 * MIB
LIMIT_STEP: Final = 16 * MIB
LIMIT_LEAST: Final = 64 * MIB

FORMULA: Final = f"""\
entries = {ZONES} zones x {STORES} (answers and denials) x --cache-size
request = {IDLE_BYTES // MIB} MiB (the idle process) + entries x {ENTRY_BYTES} bytes,
          in steps of {REQUEST_STEP // MIB} MiB
limit   = entries x {ENTRY_LIMIT_BYTES} bytes x {BUDGET[1]}/{BUDGET[0]} x {KEPT[1]}/{KEPT[0]},
          in steps of {LIMIT_STEP // MIB} MiB, {LIMIT_LEAST // MIB} MiB at least
          ({BUDGET[0]}/{BUDGET[1]} of it for cache and queries in flight, {KEPT[0]}/{KEPT[1]} of that for the cache)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What a pod asks for and what it may take, in MiB."""

    request_mib: int
    limit_mib: int


def memory(options: Options) -> Memory:
    """Reckon request and limit from the capacity of the caches."""
    entries = ZONES * STORES * options.cache_size
    full = entries * ENTRY_LIMIT_BYTES * BUDGET[1] * KEPT[1] // (BUDGET[0] * KEPT[0])
    return Memory(
        request_mib=_in_steps(IDLE_BYTES + entries * ENTRY_BYTES, REQUEST_STEP) // MIB,
        limit_mib=max(_in_steps(full, LIMIT_STEP), LIMIT_LEAST) // MIB,
    )


def _in_steps(size_bytes: int, step: int) -> int:
    """Round up."""
    return -(-size_bytes // step) * step
