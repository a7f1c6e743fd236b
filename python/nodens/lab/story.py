"""Reads `.story` files: one behaviour each, as a conversation between clients, nodens and upstreams.

    # A denial lives for the smaller of the SOA's TTL and its MINIMUM (RFC 2308, 5).

    serve cluster.local
        cache 3600
        forward . @upstream

    client asks nope.cluster.local A
    upstream hears nope.cluster.local A
    upstream answers NXDOMAIN
        authority cluster.local 3600 SOA ns.cluster.local. host.cluster.local. 1 7200 1800 86400 30
    client gets NXDOMAIN
        authority cluster.local 30 SOA ns.cluster.local. host.cluster.local. 1 7200 1800 86400 30
    time passes 31s
    upstream hears nothing

The opening comment is the scenario. `serve` sections are server blocks; `@name` stands for an upstream's address. Then
comes the conversation; `tests/stories/README.md` lists every line that may stand there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from nodens.errors import LabError
from nodens.lab.words import Options, read_duration_ms, read_options

REAL_TIME_LIMIT_MS = 3_000  # a story that lets more time pass is rehearsed only


@dataclass(frozen=True, slots=True, kw_only=True)
class Serve:
    """A server block: its zones and its directives, as written."""

    zones: tuple[str, ...]
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Where an event stands, and its text."""

    number: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Asks:
    """`client asks NAME TYPE ...`: a query."""

    line: Line
    client: str
    options: Options


@dataclass(frozen=True, slots=True, kw_only=True)
class Sends:
    """`client sends HEX ...`: bytes as they are."""

    line: Line
    client: str
    wire: bytes
    transport: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gets:
    """`client gets RCODE ...` or `client gets nothing`: what must come back."""

    line: Line
    client: str
    rcode: str | None
    options: Options
    details: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hears:
    """`upstream hears NAME TYPE ...` or `upstream hears nothing`."""

    line: Line
    upstream: str
    options: Options | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """`upstream answers RCODE ...` to the oldest query it heard and has not dealt with (or the one `for NAME`)."""

    line: Line
    upstream: str
    rcode: str
    options: Options
    details: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fails:
    """`upstream closes|resets|keeps silent [for NAME]`: no answer, in one way or another."""

    line: Line
    upstream: str
    how: str
    options: Options


@dataclass(frozen=True, slots=True, kw_only=True)
class Becomes:
    """`upstream is down|up|a black hole`."""

    line: Line
    upstream: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WasAsked:
    """`upstream was asked at most N times` or `exactly N times`, counted from the start."""

    line: Line
    upstream: str
    least: int
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Passes:
    """`time passes 31s`."""

    line: Line
    ms: int


Event = Asks | Sends | Gets | Hears | Answers | Fails | Becomes | WasAsked | Passes


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """A whole file."""

    name: str
    scenario: str
    serves: tuple[Serve, ...]
    events: tuple[Event, ...]
    rehearsal_only: str = ""
    program_only: str = ""
    upstreams: tuple[str, ...] = field(default=())

    @property
    def is_for_the_program(self) -> bool:
        """Whether it may be played against the real program: short enough, and not kept from it."""
        passes = sum(event.ms for event in self.events if isinstance(event, Passes))
        return not self.rehearsal_only and passes <= REAL_TIME_LIMIT_MS

    def corefile(self, addresses: dict[str, str], port: int, bind: str) -> str:
        """Write the server blocks, with real addresses for `@names`."""
        blocks = []
        for serve in self.serves:
            keys = " ".join(f"{zone}:{port}" for zone in serve.zones)
            lines = "\n".join(
                "    " + re.sub(r"@(\w+)", lambda found: addresses[found[1]], line) for line in serve.lines
            )
            blocks.append(f"{keys} {{\n    bind {bind}\n{lines}\n}}\n")
        return "".join(blocks)


def parse_story(name: str, text: str) -> Story:
    """Read a story; LabError with its place if a line says nothing we know."""
    lines = text.splitlines()
    scenario = []
    while lines and lines[0].startswith("#"):
        scenario.append(lines.pop(0).lstrip("# "))
    if not scenario:
        raise LabError(f"{name}:1: a story opens with a comment that says its scenario")
    serves: list[Serve] = []
    events: list[Event] = []
    only = {"rehearsal only": "", "program only": ""}
    for line, details in _paragraphs(lines, len(scenario)):
        words = line.text.split()
        try:
            if words[0] == "serve":
                serves.append(Serve(zones=tuple(words[1:]), lines=details))
            elif (key := " ".join(words[:2]).rstrip(":")) in only:
                only[key] = line.text.partition(":")[2].strip() or "it says so"
            else:
                events.append(_event(line, words, tuple(detail.strip() for detail in details)))
        except (ValueError, IndexError, LabError) as error:
            raise LabError(f"{name}:{line.number}: `{line.text}`: {error}") from error
    upstreams = sorted({found for serve in serves for found in re.findall(r"@(\w+)", "\n".join(serve.lines))})
    for event in events:
        upstream = getattr(event, "upstream", None)
        if upstream and upstream not in upstreams:
            raise LabError(f"{name}:{event.line.number}: `{upstream}` stands in no `serve` section as `@{upstream}`")
    return Story(
        name=name,
        scenario=" ".join(scenario),
        serves=tuple(serves),
        events=tuple(events),
        rehearsal_only=only["rehearsal only"],
        program_only=only["program only"],
        upstreams=tuple(upstreams),
    )


def _paragraphs(lines: list[str], skipped: int) -> list[tuple[Line, tuple[str, ...]]]:
    """Join each line at the margin with the indented ones below it; comments and empty lines are dropped."""
    found: list[tuple[Line, list[str]]] = []
    for number, text in enumerate(lines, skipped + 1):
        if not text.strip() or text.lstrip().startswith("#"):
            continue
        if not text[0].isspace():
            found.append((Line(number=number, text=text), []))
        elif found:
            found[-1][1].append(text[4:] if text.startswith("    ") else text.strip())
        else:
            raise LabError(f"line {number}: nothing stands above `{text.strip()}`")
    return [(line, tuple(details)) for line, details in found]


def _event(line: Line, words: list[str], details: tuple[str, ...]) -> Event:  # noqa: C901, PLR0911, PLR0912 - an arm a verb
    """Read one event. The verb says what it is."""
    actor, verb, *rest = words
    if [actor, verb] == ["time", "passes"]:
        return Passes(line=line, ms=read_duration_ms(rest[0]))
    match verb, rest:
        case "asks", _:
            return Asks(line=line, client=actor, options=read_options(rest, has_question=True))
        case "sends", _:
            transport = "tcp" if rest[-2:] == ["over", "tcp"] else "udp"
            digits = [word for word in rest if word not in {"over", "tcp", "udp"}]
            return Sends(line=line, client=actor, wire=bytes.fromhex("".join(digits)), transport=transport)
        case "gets", ["nothing"]:
            return Gets(line=line, client=actor, rcode=None, options=read_options([]), details=())
        case "gets", [rcode, *others]:
            return Gets(line=line, client=actor, rcode=rcode, options=read_options(others), details=details)
        case "hears", ["nothing"]:
            return Hears(line=line, upstream=actor, options=None)
        case "hears", _:
            return Hears(line=line, upstream=actor, options=read_options(rest, has_question=True))
        case "answers", [rcode, *others]:
            return Answers(line=line, upstream=actor, rcode=rcode, options=read_options(others), details=details)
        case "closes" | "resets", _:
            return Fails(line=line, upstream=actor, how=verb, options=read_options(rest))
        case "keeps", ["silent", *others]:
            return Fails(line=line, upstream=actor, how="keeps silent", options=read_options(others))
        case "is", state if " ".join(state) in {"down", "up", "a black hole"}:
            return Becomes(line=line, upstream=actor, state=" ".join(state))
        case "was", ["asked", "at", "most", count, "times"]:
            return WasAsked(line=line, upstream=actor, least=0, most=int(count))
        case "was", ["asked", "exactly", count, "times"]:
            return WasAsked(line=line, upstream=actor, least=int(count), most=int(count))
        case _:
            raise LabError(f"`{verb}` is nothing that anybody does in a story")
