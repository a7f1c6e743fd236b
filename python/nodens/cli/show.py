"""nodens show: what would be used, and where each value comes from. Touches nothing."""

from __future__ import annotations

import argparse
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING

from nodens import lifecycle, observe
from nodens.cli.wishes import add_wishes, read_wishes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def main(words: Sequence[str]) -> int:
    """Print one of the things that can be shown."""
    parser = argparse.ArgumentParser(prog="nodens show", description="Print what `nodens run` would use on this node.")
    parser.add_argument("what", choices=("corefile", "plan", "facts", "metrics"), help="what to print")
    parser.add_argument("--corefile", default="Corefile", metavar="FILE", help="the Corefile (default: ./Corefile)")
    add_wishes(parser)
    asked = parser.parse_args(words)
    if asked.what == "metrics":
        from nodens import engine  # noqa: PLC0415 - the other things can be shown without a built engine

        print(observe.document(engine.catalogue()), end="")
        return 0
    prepared = lifecycle.prepare(lifecycle.FileSource(path=asked.corefile), read_wishes(asked))
    if asked.what == "corefile":
        print(prepared.rendered, end="")
        return 0
    shown = prepared.plan if asked.what == "plan" else prepared.facts
    print("\n".join(render_values(shown)))
    if asked.what == "plan":
        print("\n# where it comes from")
        for field, origin in sorted(origins(prepared).items()):
            print(f"{field}: {origin}")
    return 0


def origins(prepared: lifecycle.Prepared) -> dict[str, str]:
    """Where the values that are not in the Corefile come from."""
    facts = prepared.facts
    found = {
        "engine.workers": f"this node: {facts.cores} cores may be used",
        "engine.memory_limit_bytes": "the cgroup's memory limit"
        if facts.memory_limit_bytes
        else "built in: the cgroup has no limit",
        "listeners' port": "the Corefile's keys, else 53",
    }
    wished = {
        "workers_wish": "engine.workers",
        "memory_budget_wish_bytes": "engine.memory_limit_bytes",
        "default_port": "listeners' port",
    }
    found |= {wished[field]: origin for field, origin in facts.source_of.items() if field in wished}
    for path, servers in facts.resolv_conf.items():
        names = "cannot be read" if servers is None else ", ".join(server.address for server in servers) or "names none"
        found[f"upstreams of {path}"] = names
    return found


def render_values(value: object, depth: int = 0, name: str = "") -> Iterator[str]:
    """Write a tree of frozen values, a line each, indented."""
    pad = "  " * depth
    if is_dataclass(value) and not isinstance(value, type):
        yield f"{pad}{name}:" if name else f"{pad}{type(value).__name__}:"
        for field in fields(value):
            yield from render_values(getattr(value, field.name), depth + 1, field.name)
    elif isinstance(value, tuple) and value and is_dataclass(value[0]):
        for number, item in enumerate(value):
            yield from render_values(item, depth, f"{name}[{number}]")
    elif isinstance(value, tuple):
        yield f"{pad}{name}: {' '.join(str(item) for item in value) or '-'}"
    else:
        yield f"{pad}{name}: {'-' if value in (None, '') else value}"
