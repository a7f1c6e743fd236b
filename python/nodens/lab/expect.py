"""Compares what came with what a story says must come; every difference is one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nodens.lab.message import EDE_OPTION, Edns, Message, Record, read_record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nodens.lab.words import Options

SECTIONS = ("answer", "authority", "additional")


def reply_differences(
    rcode: str, options: Options, details: tuple[str, ...], reply: Message, *, slack_s: int
) -> Iterator[str]:
    """Tell how a client's reply differs. TTLs may be `slack_s` lower where time is real.

    The answer section is always compared in full; the others when a detail names them.
    """
    if reply.rcode != rcode:
        yield f"rcode is {reply.rcode}, not {rcode}"
    yield from _header_differences(options, reply)
    yield from _edns_differences(options, reply)
    said = _records(details)
    is_counted = any(detail.split()[0] == "answers" for detail in details)
    held = {"answer": reply.answers, "authority": reply.authority, "additional": reply.additional}
    for section in SECTIONS:
        if section in said or (section == "answer" and not is_counted):
            yield from _section_differences(section, said.get(section, []), list(held[section]), options, slack_s)
    for detail in details:
        words = detail.split()
        if words[0] in {"answers", "authorities"} and len(words) == 2:  # noqa: PLR2004 - `answers 30`
            count = len(reply.answers if words[0] == "answers" else reply.authority)
            if count != int(words[1]):
                yield f"{words[0]} are {count}, not {words[1]}"
        elif words[0] == "empty" and held[words[1]]:
            yield f"{words[1]} is not empty: {'; '.join(map(str, held[words[1]]))}"


def query_differences(options: Options, heard: Message) -> Iterator[str]:
    """Tell how a query that reached an upstream differs."""
    question = options.question
    if question is not None:
        got = heard.question
        same = got.name == question.name if options.is_spelled else got.name.lower() == question.name.lower()
        if not same or (got.qtype, got.qclass) != (question.qtype, question.qclass):
            yield f"question is `{got}`, not `{question}`"
    yield from _header_differences(options, heard)
    yield from _edns_differences(options, heard)


def _header_differences(options: Options, message: Message) -> Iterator[str]:
    if missing := options.with_flags - message.flags:
        yield f"flags lack {' '.join(sorted(missing))}: {' '.join(sorted(message.flags))}"
    if surplus := options.without_flags & message.flags:
        yield f"flags have {' '.join(sorted(surplus))}"
    if options.opcode and message.opcode != options.opcode:
        yield f"opcode is {message.opcode}, not {options.opcode}"


def _records(details: tuple[str, ...]) -> dict[str, list[Record]]:
    """Sort the records of details into their sections; `answers 30` and the like are no records."""
    said: dict[str, list[Record]] = {}
    for detail in details:
        section, _, rest = detail.partition(" ")
        if section in SECTIONS:
            said.setdefault(section, []).append(read_record(rest))
    return said


def _edns_differences(options: Options, message: Message) -> Iterator[str]:
    edns = message.edns
    yield from _error_differences(options, edns)
    if options.has_edns is False and edns:
        yield f"it has EDNS: {edns}"
    if options.has_edns and not edns:
        yield "it has no EDNS"
    if edns:
        if options.edns_size is not None and edns.size != options.edns_size:
            yield f"EDNS size is {edns.size}, not {options.edns_size}"
        if (options.is_do and not edns.is_do) or (options.lacks_do and edns.is_do):
            yield "DO is set" if edns.is_do else "DO is not set"
        for lacking in set(options.lacks_options) & {code for code, _ in edns.options}:
            yield f"it has EDNS option {lacking}"
        for code, data in options.options:
            if code != EDE_OPTION and (code, data) not in edns.options:  # of extended errors the code alone counts
                yield f"EDNS option {code} {data.hex()} is missing: {edns.options}"


def _error_differences(options: Options, edns: Edns | None) -> Iterator[str]:
    errors = [code for code, _ in edns.errors] if edns else []
    for error in options.errors:
        if not set(error) & set(errors):
            yield f"EDE {'/'.join(map(str, error))} is missing: {errors}"
    if options.has_no_errors and errors:
        yield f"it has EDE {errors}"


def _section_differences(
    section: str, said: list[Record], held: list[Record], options: Options, slack_s: int
) -> Iterator[str]:
    def same(want: Record, have: Record) -> bool:
        names = (want.name, have.name) if options.is_spelled else (want.name.lower(), have.name.lower())
        texts = (want.text, have.text) if options.is_spelled else (want.text.lower(), have.text.lower())
        kinds = (want.rtype, want.rclass) == (have.rtype, have.rclass)
        lowest = max(want.ttl_s - slack_s, min(want.ttl_s, 1))
        return names[0] == names[1] and texts[0] == texts[1] and kinds and lowest <= have.ttl_s <= want.ttl_s

    if len(said) != len(held) or not all(map(same, said, held)):
        want, have = ("; ".join(map(str, records)) or "nothing" for records in (said, held))
        yield f"{section} is `{have}`, not `{want}`"
