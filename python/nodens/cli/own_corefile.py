"""A Corefile of somebody's own for `nodens manifests`: read as `nodens check` reads it, and fitted to the probes."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from nodens import corefile, lifecycle, manifests
from nodens.cli.fillings import add_fillings, read_source
from nodens.cli.wishes import DNS_PORT, add_wishes
from nodens.manifests import Refusal
from nodens.problems import Problems

if TYPE_CHECKING:
    from nodens.lifecycle import Prepared
    from nodens.manifests import Options

_OPTION: Final = "--corefile"
_UPSTREAM_STAND_INS: Final = {False: "10.96.0.11", True: "fd00:96::b"}  # by "is IPv6"; the cluster gives the true one
_ALL: Final = {"", "0.0.0.0", "::"}  # noqa: S104 - compared, never bound


def take_in(file: str, options: Options) -> Options | Refusal:
    """Give the options with this Corefile in them, `ready` and `health` added where they are missing.

    Says on stderr what was added and every warning. Raises ConfigError if it cannot be served.
    """
    parser = argparse.ArgumentParser()
    add_wishes(parser)
    add_fillings(parser)
    cluster_dns = _UPSTREAM_STAND_INS[":" in options.addresses[0]]
    words = ["--localip", ",".join(options.addresses), "--domain", options.domain, "--cluster-dns", cluster_dns]
    source, wishes = read_source(parser.parse_args(words), file)
    prepared = lifecycle.prepare(source, wishes)
    for problem in prepared.problems:
        sys.stderr.write(f"{problem.render()}\n")
    if refusal := _unserved(prepared, options):
        return refusal
    content = source.content
    for name, port in (("health", options.health_port), ("ready", options.ready_port)):
        line = f"{name} {manifests.at_local(options, port)}"
        served = [(each.host, each.port) for each in getattr(prepared.plan.observe, name)]
        if any(at[1] == port and at[0] in _ALL | set(options.local_ips[:1]) for at in served):
            continue
        if served:
            told = ", ".join(f"{host}:{at}" for host, at in served)
            what = f"{file} has `{name}` at {told}; expected `{line}`: the probe asks there"
            return Refusal(option=_OPTION, what=what, hint=f"--{name}-port moves the probe")
        content = _with_line(content, line)
        # Read once more: what a line was put into is not always what it looks like.
        if not getattr(lifecycle.prepare(replace(source, content=content), wishes).plan.observe, name):
            return Refusal(option=_OPTION, what=f"{file} has no `{name}`; expected a line `{line}` in one block")
        sys.stderr.write(f"{file}: no `{name}`, which a probe asks; `{line}` was added to its first block\n")
    return replace(options, own_corefile="\n".join(line.rstrip() for line in content.strip("\n").split("\n")) + "\n")


def _unserved(prepared: Prepared, options: Options) -> Refusal | None:
    """Say which address of ours no block listens on: queries would be steered at silence."""
    served = {each.address for each in prepared.plan.engine.listeners if each.port == DNS_PORT}
    missing = [each for each in options.addresses if each not in served]
    if served & _ALL or not missing:
        return None
    what = f"no block listens on {', '.join(missing)}; expected `bind {' '.join(options.addresses)}`"
    listening = f"it listens on {', '.join(sorted(served)) or 'nothing'}"
    return Refusal(option=_OPTION, what=what, hint=f"{listening}: are --local-ip and --dns-ip those of your cluster?")


def _with_line(content: str, line: str) -> str:
    """Put a line at the top of the first block."""
    lines = content.splitlines()
    tree = corefile.parse(content, "", Problems())
    for block in tree.blocks if tree else ():
        if block.braces:
            lines.insert(block.braces.opens.line, f"    {line}")
            break
    return "\n".join(lines)
