"""The compiled module: the data plane behind one door. Only `nodens.engine` imports it.

Written by hand; `mypy.stubtest` compares it with what was built. Nothing here calls back into Python.
"""

from typing import Literal, final

from nodens.plan.model import EnginePlan

__all__ = ["CATALOGUE", "Engine", "Rehearsal", "__version__"]

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

@final
class Rehearsal:
    """The engine's own resolvers with a hand-turned clock and no sockets: for stories and properties.

    What the resolvers want done is collected as steps; the script takes them and plays the network. All numbers count
    from 1. A nudge between workers is carried out at once. Nothing here releases the GIL for long.
    """

    def __new__(cls, plan: EnginePlan, *, seed: int = 1) -> Rehearsal:
        """Make one resolver for each of `plan.workers`; the same seed makes the same choices.

        Raises PlanRejected (field).
        """

    def ask(
        self,
        query: bytes,
        *,
        server: str,
        client: str = "127.0.0.1:40000",
        transport: str = "udp",
        worker: int = 0,
    ) -> int:
        """Hand in a client's message; gives the token that its `reply` (or `silence`) will carry.

        `server` and `client` are `ip:port` (`[ip]:port` for IPv6), `server` one of the plan's listeners, or an address
        that an unspecified one covers; `transport` is `udp` or `tcp`. Raises ValueError.
        """

    def advance(self, ms: int) -> None:
        """Turn the clock, waking the resolvers at each moment they wished for."""

    def now_ms(self) -> int:
        """How far the clock was turned."""

    def taken_steps(
        self,
    ) -> list[
        tuple[Literal["reply"], int, bytes]
        | tuple[Literal["silence"], int]
        | tuple[Literal["send"], int, str, Literal["udp", "tcp"], bytes]
        | tuple[Literal["forget"], int]
    ]:
        """Take the steps since the last call, in order.

        `("reply", token, message)`: a client gets its answer. `("silence", token)`: it gets none.
        `("send", exchange, "ip:port", transport, query)`: an upstream is asked; the message has an ID, as on the wire.
        `("forget", exchange)`: nobody waits for that exchange any more.
        """

    def respond(self, exchange: int, response: bytes) -> Literal["settled", "stranger"]:
        """Let an upstream answer an exchange that was sent.

        A `stranger` (another ID, another question) is what the engine makes of it: over UDP the exchange stays open,
        over TCP it ends with the fault `reset`. Raises ValueError for an exchange that is over or forgotten.
        """

    def fault(self, exchange: int, kind: str) -> None:
        """Let an exchange fail: `refused`, `unreachable`, `closed`, `reset` or `no_room`. Raises ValueError."""

    def apply(self, plan: EnginePlan) -> None:
        """Take up another plan, as `Engine.apply` does. Raises PlanRejected (field)."""

    def snapshot(self) -> list[tuple[int, tuple[str, ...], float | tuple[tuple[int, ...], float, int]]]:
        """All samples of this moment, as `Engine.snapshot` gives them."""

    def log(self) -> list[str]:
        """Take the log lines since the last call."""

    def events(self) -> list[tuple[str, str]]:
        """Take the rare events since the last call: (kind, message)."""
