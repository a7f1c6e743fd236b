"""The stage without sockets: core's own Resolver behind `Rehearsal`, and a clock that only the story turns."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from nodens.errors import LabError
from nodens.lab.message import parse
from nodens.lab.stage import Asked

if TYPE_CHECKING:
    from nodens.engine import Rehearsal

SERVER = "127.0.0.1:53"  # where the plan of a rehearsal listens
TURN_LIMIT = 100_000  # refusals in one story; more is a storm
STEP_MS = 1  # the clock's turn while something is awaited or a port is closed
STEPS_LIMIT = 10_000  # longer waits are turned in one go
Thing = TypeVar("Thing")


@dataclass(slots=True)
class _Exchange:
    """One query on its way to an upstream."""

    number: int
    upstream: str
    transport: str
    is_over: bool = False


@dataclass(slots=True)
class RehearsedStage:
    """A stage around one Rehearsal. `upstreams` maps `ip:port` to the story's names."""

    rehearsal: Rehearsal
    upstreams: dict[str, str]
    _states: dict[str, str] = field(default_factory=dict)
    _clients: dict[int, str] = field(default_factory=dict)
    _ports: dict[tuple[str, str], int] = field(default_factory=dict)
    _replies: dict[str, deque[bytes]] = field(default_factory=dict)
    _heard: dict[str, deque[Asked]] = field(default_factory=dict)
    _attempts: dict[str, int] = field(default_factory=dict)
    _exchanges: dict[int, _Exchange] = field(default_factory=dict)
    _refused: deque[_Exchange] = field(default_factory=deque)
    _turns: int = 0

    # ------------ Clients ------------

    def client_sends(self, client: str, wire: bytes, transport: str) -> None:
        """Hand a client's message in; each client has its own port."""
        port = self._ports.setdefault((client, transport), 40_000 + len(self._ports))
        token = self.rehearsal.ask(wire, server=SERVER, client=f"127.0.0.1:{port}", transport=transport)
        self._clients[token] = client
        self._take_steps()

    def client_gets(self, client: str, within_ms: int | None) -> bytes | None:
        """Give the next reply; the clock is turned from wake to wake until it comes or the time is over."""
        return self._until(self._replies.setdefault(client, deque()), within_ms)

    def is_silent_to(self, client: str) -> bool:
        """Whether no reply waits."""
        return not self._replies.get(client)

    # ------------ Upstreams ------------

    def upstream_hears(self, upstream: str, within_ms: int | None) -> Asked | None:
        """Give the next query at an upstream."""
        return self._until(self._heard.setdefault(upstream, deque()), within_ms)

    def upstream_sends(self, asked: Asked, wire: bytes) -> None:
        """Hand a response in, if anybody still waits for it."""
        exchange = self._exchange(asked)
        if exchange.is_over:
            return
        verdict = self.rehearsal.respond(exchange.number, wire)
        exchange.is_over = verdict == "settled" or exchange.transport == "tcp"
        self._take_steps()

    def upstream_fails(self, asked: Asked, how: str) -> None:
        """Close or reset the connection; over UDP there is none."""
        exchange = self._exchange(asked)
        if exchange.transport == "tcp":
            self._fault(exchange, {"closes": "closed", "resets": "reset"}[how])

    def upstream_becomes(self, upstream: str, state: str) -> None:
        """Remember the state for what is sent from now on; a port that closes resets what is open."""
        self._states[upstream] = state
        if state == "down":
            for exchange in list(self._exchanges.values()):
                if exchange.upstream == upstream and exchange.transport == "tcp":
                    self._fault(exchange, "reset")

    def attempts(self, upstream: str) -> int | None:
        """Count every send towards an upstream."""
        return self._attempts.get(upstream, 0)

    # ------------ Time ------------

    def pass_time(self, ms: int) -> None:
        """Turn the clock; in small steps while a port is closed, since refusals are told at once."""
        if "down" in self._states.values() and ms <= STEPS_LIMIT:
            for _ in range(0, ms, STEP_MS):
                self._turn(STEP_MS)
        else:
            self._turn(ms)

    def now_ms(self) -> float:
        """Tell the story's time."""
        return self.rehearsal.now_ms()

    def leftovers(self) -> list[str]:
        """Tell which queries and replies the story did not look at."""
        unheard = [
            f"{name} heard {asked.message.question}" for name, queries in self._heard.items() for asked in queries
        ]
        unread = [f"{name} got {parse(wire).rcode}" for name, replies in self._replies.items() for wire in replies]
        return unheard + unread

    # ------------ Steps ------------

    def _until(self, waiting: deque[Thing], within_ms: int | None) -> Thing | None:
        for _ in range(0, within_ms or 0, STEP_MS):
            if waiting:
                break
            self._turn(STEP_MS)
        return waiting.popleft() if waiting else None

    def _turn(self, ms: int) -> None:
        self.rehearsal.advance(ms)
        self._take_steps()

    def _take_steps(self) -> None:
        """Do the steps; then let closed ports refuse what was sent to them."""
        for step in self.rehearsal.taken_steps():
            match step:
                case ("reply", token, wire):
                    self._replies.setdefault(self._clients[token], deque()).append(wire)
                case ("send", number, address, transport, wire):
                    self._send(_Exchange(number, self.upstreams[address], transport), wire)
                case ("forget", number):
                    self._exchanges[number].is_over = True
                case ("silence", _):
                    pass
        while self._refused:
            self._turns += 1
            if self._turns > TURN_LIMIT:
                raise LabError(f"more than {TURN_LIMIT} refusals: a storm")
            self._fault(self._refused.popleft(), "refused")

    def _send(self, exchange: _Exchange, wire: bytes) -> None:
        self._exchanges[exchange.number] = exchange
        self._attempts[exchange.upstream] = self._attempts.get(exchange.upstream, 0) + 1
        match self._states.get(exchange.upstream, "up"):
            case "up":
                asked = Asked(
                    upstream=exchange.upstream, message=parse(wire), transport=exchange.transport, token=exchange
                )
                self._heard.setdefault(exchange.upstream, deque()).append(asked)
            case "down":
                self._refused.append(exchange)
            case _:
                pass  # a black hole swallows it

    def _fault(self, exchange: _Exchange, fault: str) -> None:
        if not exchange.is_over:
            exchange.is_over = True
            self.rehearsal.fault(exchange.number, fault)
            self._take_steps()

    def _exchange(self, asked: Asked) -> _Exchange:
        if not isinstance(asked.token, _Exchange):
            raise LabError("a query of another stage")
        return asked.token
