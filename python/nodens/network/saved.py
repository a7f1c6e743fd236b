"""What `iptables-save` prints, read as values. Pure.

Rules are compared by what they say, never by `iptables -C`: some versions answer wrongly, and the original then added
duplicates without end.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Final

from nodens.network.model import ALLOW_TRAFFIC, SKIP_CONNTRACK
from nodens.network.rules import SHAPES, Chain, Rule, Side, Table, Target, shape

_COMMENTS: Final = {SKIP_CONNTRACK: Target.NOTRACK, ALLOW_TRAFFIC: Target.ACCEPT}
_POLICY: Final = re.compile(r":(\S+) (\S+)")
_DROPS: Final = frozenset({"DROP", "REJECT"})
_HINTS: Final = re.compile(r"^:(KUBE-IPTABLES-HINT|KUBE-KUBELET-CANARY)\b", re.MULTILINE)
_KUBE_CHAINS: Final = re.compile(r"^:KUBE-", re.MULTILINE)
_RULES: Final = re.compile(r"^-A ", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedRule:
    """One line. `line` is chain and specification as printed; `rule` is what it says, if it is one of the twelve."""

    table: str
    chain: str
    line: str
    rule: Rule | None
    is_commented_as_ours: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """All that was printed: policies of the built-in chains, and the rules in order."""

    policies: dict[tuple[str, str], str]
    rules: tuple[SavedRule, ...]


def parse_saved(text: str) -> Saved:
    """Read what iptables-save printed."""
    table, policies, rules = "", {}, []
    for line in text.splitlines():
        if line.startswith("*"):
            table = line[1:].strip()
        elif line.startswith(":") and (found := _POLICY.match(line)):
            if found[2] != "-":
                policies[table, found[1]] = found[2]
        elif line.startswith("-A "):
            rules.append(_parse_rule(table, line[3:].strip()))
    return Saved(policies=policies, rules=tuple(rules))


def steers_for_ever(line: SavedRule) -> bool:
    """Whether a rule points queries at its address whether or not anybody answers there: one of the twelve, no gate."""
    rule = line.rule
    if rule is None or rule.gate is not None or (rule.target, rule.side) != (Target.NOTRACK, Side.DESTINATION):
        return False
    return rule.chain is Chain.PREROUTING or rule.protocol == "udp"  # the health port's rules are TCP's, in OUTPUT


def _parse_rule(table: str, line: str) -> SavedRule:
    """Read one rule; what is not spelled exactly as one of the twelve is somebody else's."""
    words = _split(line)
    told = _read_options(words[1:])
    comment = told.get("--comment") if told else None
    return SavedRule(
        table=table,
        chain=words[0],
        line=line,
        rule=_as_one_of_ours(table, words[0], told) if told and comment in _COMMENTS else None,
        is_commented_as_ours=any(comment in line for comment in _COMMENTS),
    )


def _split(line: str) -> list[str]:
    """Split into words; a line with quotes that do not close is split at blanks."""
    try:
        return shlex.split(line)
    except ValueError:
        return line.split()


def _read_options(words: list[str]) -> dict[str, str] | None:
    """Read options with their values; None if there is one that the twelve do not use."""
    told: dict[str, str] = {}
    rest = iter(words)
    for word in rest:
        if word == "--notrack":
            told[word] = ""
        elif word == "--match-set":
            told[word] = next(rest, "")
            told["direction"] = next(rest, "")
        elif word in {"-p", "-s", "-d", "-j", "-m", "--dport", "--sport", "--comment"}:
            if word != "-m" and word in told:
                return None
            told[word] = next(rest, "")
        else:
            return None
    return told


def _as_one_of_ours(table: str, chain: str, told: dict[str, str]) -> Rule | None:
    """Make a rule of the options, if they are exactly those of one of the twelve."""
    side = Side.DESTINATION if "-d" in told else Side.SOURCE
    is_notrack = told.get("-j") == "NOTRACK" or (told.get("-j") == "CT" and "--notrack" in told)
    has_both_sides = "-s" in told and "-d" in told
    has_other_port = ("--sport" if side is Side.DESTINATION else "--dport") in told
    if has_both_sides or has_other_port or not (is_notrack or told.get("-j") == "ACCEPT"):
        return None
    try:
        network = ip_network(told[f"-{side}"])
        rule = Rule(
            table=Table(table),
            chain=Chain(chain),
            protocol=told["-p"],
            side=side,
            address=str(network.network_address),
            port=int(told[f"--{side}port"]),
            target=Target.NOTRACK if is_notrack else Target.ACCEPT,
            gate=told.get("--match-set"),
        )
    except (KeyError, ValueError):
        return None
    is_host = network.num_addresses == 1
    return rule if is_host and shape(rule) in SHAPES and rule.comment == told["--comment"] else None


def is_dropping(saved: Saved) -> bool:
    """Whether the node's INPUT or OUTPUT drops anything: by policy, or by a rule that is reached from there.

    kube-proxy's and kubelet's own chains do not count: what they drop is never plain DNS to us (packets to 127/8 from
    outside; new connections to services that have no endpoints, and ours are untracked).
    """
    if any(saved.policies.get(("filter", chain), "ACCEPT") != "ACCEPT" for chain in ("INPUT", "OUTPUT")):
        return True
    targets: dict[str, set[str]] = {}
    for rule in saved.rules:
        if rule.table == "filter":
            found = re.search(r" -[jg] (\S+)", rule.line)
            targets.setdefault(rule.chain, set()).update({found[1]} if found else ())
    seen: set[str] = set()
    waiting = ["INPUT", "OUTPUT"]
    while waiting:
        chain = waiting.pop()
        if chain in seen or chain.startswith("KUBE-"):
            continue
        seen.add(chain)
        if targets.get(chain, set()) & _DROPS:
            return True
        waiting += targets.get(chain, ())
    return False


def is_legacy(nft_text: str, legacy_text: str, *, is_legacy_by_default: bool) -> bool:
    """Say which iptables the node's own tools use, by what they left in each: hints, chains, then any rules."""
    for traces in (_HINTS, _KUBE_CHAINS, _RULES):
        nft, legacy = len(traces.findall(nft_text)), len(traces.findall(legacy_text))
        if nft != legacy:
            return legacy > nft
    return is_legacy_by_default
