"""The compiled module: the data plane behind one door. Only `nodens.engine` imports it.

Written by hand; `mypy.stubtest` compares it with what was built. Nothing here calls back into Python.
"""

from typing import final

from nodens.plan.model import EnginePlan

__version__: str
"""The version of the crates; equal to `nodens.__version__`."""

CATALOGUE: tuple[tuple[str, str, str, tuple[str, ...], tuple[float, ...]], ...]
"""Every metric family of the engine, a row each: name, kind, help, label names, bucket bounds.

`kind` is `counter`, `gauge` or `histogram`. Label names are in alphabetical order. Bounds are empty but for
histograms, where `+Inf` is left out.
"""

@final
class Engine:
    """Sockets, workers, cache and pools. Bound when made, running after `start`, stopped after `stop`."""

    def __new__(cls, plan: EnginePlan) -> Engine:
        """Bind every socket of the plan, or none.

        Raises BindError (address, errno) or PlanRejected (field).
        """

    def start(self) -> None:
        """Start the workers; returns when each of them can answer. Releases the GIL."""

    def apply(self, plan: EnginePlan) -> None:
        """Take up another plan, make before break. Releases the GIL.

        Sockets of unchanged listeners, cache, pools, beliefs and counters live on. On BindError or PlanRejected the
        old plan runs on as if nothing had been asked.
        """

    def snapshot(self) -> list[tuple[int, tuple[str, ...], float | tuple[tuple[int, ...], float, int]]]:
        """All samples of this moment, in no order: row in CATALOGUE, label values, value. Releases the GIL.

        A histogram's value is (counts, sum, count): `counts` has one number for each bound, not cumulative; what lies
        above the last bound is `count` less their sum. A labelled sample appears after its first use.
        """

    def next_event(self, timeout_ms: int) -> tuple[str, str] | None:
        """Wait for a rare event: (kind, message), or None after `timeout_ms`. Releases the GIL, checks signals.

        Kinds are past tense words, such as `upstream down`, `upstream up`, `loop found`, `loop gone`,
        `worker panicked`, `events dropped`. The message is one line, ready for the log, without its level. Returns
        None at once after `stop`.
        """

    def pulse(self) -> tuple[int, ...]:
        """Turns of each worker's loop so far. A worker in good health turns at least once a second, idle or not."""

    def addresses(self) -> tuple[tuple[str, int], ...]:
        """Where the plan's listeners really are, in the plan's order: address and port, with port 0 resolved."""

    def stop(self, deadline_ms: int) -> None:
        """Drain and end: no new connections, queries in flight are answered until the deadline. Releases the GIL.

        Returns when all workers have ended; a second call returns at once. Whatever is asked after it raises
        EngineStopped, but for `snapshot`, which gives the last numbers.
        """
