"""The compiled module: the data plane behind one door. Only `nodens.engine` imports it.

Written by hand; `mypy.stubtest` compares it with what was built. Nothing here calls back into Python.
"""

from collections.abc import Sequence
from typing import Literal, final

from nodens.plan.model import EnginePlan

__all__ = ["CATALOGUE", "Engine", "Rehearsal", "__version__", "log_as_json"]

__version__: str
"""The version of the crates; equal to `nodens.__version__`."""

CATALOGUE: tuple[tuple[str, str, str, tuple[str, ...], tuple[float, ...]], ...]
"""Every metric family of the engine, a row each: name, kind, help, label names, bucket bounds.

`kind` is `counter`, `gauge` or `histogram`. Label names are in alphabetical order. Bounds are empty but for
histograms, where `+Inf` is left out.
"""

def log_as_json() -> None:
    """Have this process' log lines be JSON from now on. Takes no time."""

@final
class Engine:
    """Sockets, workers, cache and pools. Bound when made, running after `start`, stopped after `stop`."""

    def __new__(
        cls,
        plan: EnginePlan,
        *,
        sockets: Sequence[tuple[str, int, Literal["udp", "tcp"], int]] = ...,
        is_sharing: bool = False,
    ) -> Engine:
        """Bind every socket of the plan, or none.

        `sockets`: listening sockets of the process before us, as `sockets()` there gave them: address, port, protocol,
        descriptor. The engine works with duplicates; the caller closes what he passed, whatever becomes of this call.
        Each is verified (getsockname, type, protocol, SO_REUSEPORT, listening, not connected); one that is not what it
        claims to be, or of which the plan knows nothing, is left alone. Those that are fewer than the workers are bound
        anew by `start`; those that are more are shared out, since the process before us may still need them.

        `is_sharing`: another process of the same user may hold the same ports (SO_REUSEPORT), as in a surge without
        hand-over; without it, whoever holds a port is a BindError. Ports of which a socket was handed over are shared.
        Sockets that share are bound by `start`, so that no query waits in them while a cache is imported.

        Raises BindError (address, errno) or PlanRejected (field).
        """

    def start(self) -> None:
        """Start the workers; returns when each of them can answer. Releases the GIL.

        Raises BindError for a socket that shares its port and could not be bound; nothing runs then.
        """

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

    def entries(
        self, bookmark: tuple[int, int, int, int]
    ) -> tuple[
        str,
        str,
        list[tuple[str, str, str, Literal["success", "denial", "failure"], str, bool, bool, int, int, int]],
        tuple[int, int, int, int] | None,
    ]:
        """Look at some of what the caches hold, fresh or stale: (block, its zones, rows, bookmark to go on from).

        Begin with `(0, 0, 0, 0)`, and end when there is no bookmark. A page has 256 rows of one block at most, perhaps
        none. A row: qname (presentation form), qtype, qclass, kind, rcode, DO, CD, remaining seconds, lifetime in
        seconds, bytes. Remaining seconds that are not positive: it is stale, since so long. A shard is locked, for
        reading, for 64 of its slots at a time. What comes or leaves meanwhile may be missed or told twice. Releases the
        GIL. Raises EngineStopped.
        """

    def next_event(self, timeout_ms: int) -> tuple[str, str] | None:
        """Wait for a rare event: (kind, message), or None after `timeout_ms`. Releases the GIL, checks signals.

        Kinds are past tense words, such as `upstream down`, `upstream up`, `loop found`, `loop gone`,
        `worker panicked`, `events dropped`. The message is one line, ready for the log, without its level. Returns
        None at once after `stop`.
        """

    def pulse(self) -> tuple[int, ...]:
        """Turns of each worker's loop so far.

        A worker in good health turns at least once a second, idle or not; the count of one that hangs stands still. For
        a heartbeat that the workers earn: beat only while every number is another one than at most 1.5 s ago.
        """

    def addresses(self) -> tuple[tuple[str, int], ...]:
        """Where the plan's listeners really are, in the plan's order: address and port, with port 0 resolved."""

    def sockets(self) -> list[tuple[str, int, Literal["udp", "tcp"], int]]:
        """Duplicate the listening sockets for the process after us: address, port, protocol, descriptor.

        One of each protocol for each listener and worker, sometimes more. The caller closes the descriptors; children
        do not inherit them. No `apply` until the hand-over is done or called off. Raises EngineStopped.
        """

    def release_sockets(self) -> None:
        """Stop reading from the listening sockets; when this returns, no worker will. Releases the GIL.

        To be called when the process after us says that it reads from them: the same kernel sockets, so nothing is
        lost. Before that both may read. Queries taken are answered, connections go on. There is no way back. Raises
        EngineError if a worker hangs; the others have released theirs.
        """

    def export_cache(self, fd: int, deadline_ms: int) -> int:
        """Write all that the caches hold into a pipe or stream socket, beside serving; gives the number of entries.

        The stream ends by itself (the reader needs no end of file). Releases the GIL. Raises EngineError when the
        reader has gone or the deadline has passed, EngineStopped after `stop`.
        """

    def import_cache(self, fd: int, deadline_ms: int) -> tuple[int, int]:
        """Read what `export_cache` wrote into the caches of blocks of the same name: (taken, refused).

        Before `start` or after it. Releases the GIL. The rules are those of our plan; nothing lives longer than it
        would have there, and what we know better stays. Reads up to the stream's own end, perhaps into what follows
        it. Raises EngineError, with one line that says why, when the stream is not ours, of another version,
        malformed, cut short or late; what was taken by then stays. EngineStopped after `stop`.
        """

    def stop(self, deadline_ms: int, *, handed_over: bool = False) -> None:
        """Drain and end: no new connections, queries that came are answered until the deadline. Releases the GIL.

        UDP sockets leave their SO_REUSEPORT group first (new datagrams go to whoever shares the port), then what is
        queued is answered; who waits at a TCP listener is let in. `handed_over`: the listening sockets are somebody
        else's now; they are released as by `release_sockets`, and connections go on until they are idle for the
        listener's time, or the deadline.

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
