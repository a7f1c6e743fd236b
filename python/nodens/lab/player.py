"""Plays a story on a stage: does what it says, checks what it says, and looks for what it does not say."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, assert_never

from nodens.errors import LabError
from nodens.lab import faults
from nodens.lab.expect import query_differences, reply_differences
from nodens.lab.message import Edns, Message, compose, parse, read_record
from nodens.lab.story import Answers, Asks, Becomes, Fails, Gets, Hears, Passes, Sends, WasAsked

if TYPE_CHECKING:
    from nodens.lab.faults import Spoiler
    from nodens.lab.stage import Asked, Stage
    from nodens.lab.story import Event, Story

SPOILERS: dict[str, Spoiler] = {
    "wrong id": faults.wrong_id,
    "wrong name": faults.wrong_name,
    "wrong type": faults.wrong_type,
    "wrong class": faults.wrong_class,
    "header only": faults.header_only,
    "garbage": faults.garbage,
    "garbage after id": faults.garbage_after_id,
    "not a response": faults.not_a_response,
    "truncated": faults.truncated,
    "uncompressed": faults.uncompressed,
    "lower case": faults.lower_case,
}
TIMING_SLACK_MS = 600  # what a busy machine may add to a moment in real time


@dataclass(slots=True)
class _Play:
    """How far a play has come: queries without their reply, and queries at upstreams that are not dealt with."""

    story: Story
    stage: Stage
    slack_s: int
    waiting: dict[tuple[str, int], tuple[Message, float]] = field(default_factory=dict)
    raw: dict[str, list[float]] = field(default_factory=dict)
    undealt: dict[str, list[Asked]] = field(default_factory=dict)
    asked: int = 0


def play(story: Story, stage: Stage, *, slack_s: int = 0) -> None:
    """Play a story; LabError names the line that did not come true. `slack_s`: TTLs may be lower where time is real."""
    state = _Play(story, stage, slack_s)
    for event in story.events:
        try:
            _do(state, event)
        except LabError as error:
            raise LabError(f"{story.name}:{event.line.number}: `{event.line.text}`: {error}") from error
    if leftovers := stage.leftovers():
        raise LabError(f"{story.name}: after its end: {'; '.join(leftovers)}")


def _do(state: _Play, event: Event) -> None:  # noqa: C901, PLR0912 - one arm an event
    stage = state.stage
    match event:
        case Asks():
            _ask(state, event)
        case Sends():
            state.raw.setdefault(event.client, []).append(stage.now_ms())
            stage.client_sends(event.client, event.wire, event.transport)
        case Gets():
            for _ in range(event.options.times):
                _get(state, event)
        case Hears():
            _hear(state, event)
        case Answers():
            for _ in range(event.options.times):
                _answer(state, event)
        case Fails():
            for _ in range(event.options.times):
                asked = _take(state, event.upstream, event.options.for_name)
                if event.how != "keeps silent":
                    stage.upstream_fails(asked, event.how)
        case Becomes():
            stage.upstream_becomes(event.upstream, event.state)
        case WasAsked():
            attempts = stage.attempts(event.upstream)
            if attempts is not None and not event.least <= attempts <= event.most:
                raise LabError(f"it was asked {attempts} times")
        case Passes():
            stage.pass_time(event.ms)
        case _:
            assert_never(event)


def _ask(state: _Play, event: Asks) -> None:
    for _ in range(event.options.times):
        state.asked += 1
        message = event.options.query(state.asked)
        state.waiting[event.client, message.id] = (message, state.stage.now_ms())
        state.stage.client_sends(event.client, compose(message), event.options.transport or "udp")


def _get(state: _Play, event: Gets) -> None:  # noqa: C901 - one line a claim
    if event.rcode is None:
        if not state.stage.is_silent_to(event.client):
            raise LabError("something came")
        return
    wire = state.stage.client_gets(event.client, event.options.within_ms)
    if wire is None:
        raise LabError("nothing came")
    reply = parse(wire)
    found = state.waiting.pop((event.client, reply.id), None)
    sent_ms = found[1] if found else (state.raw.get(event.client) or [state.stage.now_ms()]).pop(0)
    differences = list(reply_differences(event.rcode, event.options, event.details, reply, slack_s=state.slack_s))
    if found and reply.questions and reply.questions != found[0].questions:
        differences.append(f"the question is `{reply.question}`, not `{found[0].question}` as asked")
    if event.options.for_name and reply.question.name.lower() != event.options.for_name.lower():
        differences.append(f"the reply is for {reply.question.name}")
    if reply.trailing or "qr" not in reply.flags:
        differences.append("it is not a clean response")
    if event.options.size_most is not None and len(wire) > event.options.size_most:
        differences.append(f"it has {len(wire)} bytes")
    took_ms = state.stage.now_ms() - sent_ms
    slack_ms = TIMING_SLACK_MS * bool(state.slack_s)
    if event.options.within_ms is not None and took_ms > event.options.within_ms + slack_ms:
        differences.append(f"it took {took_ms:.0f} ms")
    if event.options.after_ms is not None and took_ms + slack_ms < event.options.after_ms:
        differences.append(f"it came after {took_ms:.0f} ms already")
    if differences:
        raise LabError("; ".join(differences))


def _hear(state: _Play, event: Hears) -> None:
    if event.options is None:
        if (asked := state.stage.upstream_hears(event.upstream, 0)) is not None:
            raise LabError(f"it hears {asked.message.question}")
        return
    for _ in range(event.options.times):
        asked = state.stage.upstream_hears(event.upstream, event.options.within_ms)
        if asked is None:
            raise LabError("it hears nothing")
        differences = list(query_differences(event.options, asked.message))
        if event.options.transport not in {"", asked.transport}:
            differences.append(f"it came over {asked.transport}")
        if differences:
            raise LabError("; ".join(differences))
        state.undealt.setdefault(event.upstream, []).append(asked)


def _take(state: _Play, upstream: str, name: str, *, keeps: bool = False) -> Asked:
    for asked in state.undealt.get(upstream, []):
        if not name or asked.message.question.name.lower() == name.lower():
            if not keeps:
                state.undealt[upstream].remove(asked)
            return asked
    raise LabError("it has heard nothing that it could answer")


def _answer(state: _Play, event: Answers) -> None:
    options = event.options
    asked = _take(state, event.upstream, options.for_name, keeps=options.is_first)
    query = asked.message
    sections: dict[str, list[str]] = {"answer": [], "authority": [], "additional": []}
    for detail in event.details:
        section, _, text = detail.partition(" ")
        sections[section].append(text)
    response = query.response(
        event.rcode,
        answers=tuple(read_record(text) for text in sections["answer"]),
        authority=tuple(read_record(text) for text in sections["authority"]),
        additional=tuple(read_record(text) for text in sections["additional"]),
    )
    flags = (response.flags | {"ra"} | options.with_flags) - options.without_flags
    edns = None
    if (query.edns and options.has_edns is not False) or options.has_edns:
        is_do = options.is_do or bool(query.edns and query.edns.is_do)
        edns = Edns(size=options.edns_size or 1232, is_do=is_do, options=tuple(options.options))
    wire = compose(replace(response, flags=flags, edns=edns))
    for spoil in options.spoils:
        if spoil != "twice":
            wire = SPOILERS[spoil](wire)
    if options.cut_at is not None:
        wire = wire[: options.cut_at]
    for _ in range(1 + ("twice" in options.spoils)):
        state.stage.upstream_sends(asked, wire)
