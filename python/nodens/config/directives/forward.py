"""`forward`: whom to ask, how, and what to do when they fail."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nodens.config.addresses import read_source_address, read_upstream
from nodens.config.directives.grammar import Option, Repeat, Row, Uses, read_choice, read_options
from nodens.config.model import ForwardRules
from nodens.config.names import read_name, read_zones
from nodens.config.values import RCODES, read_count, read_duration_ms, read_rcode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nodens.corefile import Directive, Word
    from nodens.problems import Problems

UPSTREAM_LIMIT = 15  # CoreDNS' own
POLICIES = ("random", "round_robin", "sequential")
LINE_WORDS = 2  # FROM and one TO


def read(uses: Uses, problems: Problems) -> tuple[ForwardRules, ...]:
    """Read each use; they are asked in file order."""
    return tuple(rules for use in uses if (rules := _read_one(use, problems)) is not None)


def _read_one(use: Directive, problems: Problems) -> ForwardRules | None:
    """Read one use; its options are looked at even if its first line is wrong."""
    rules = _first_line(use, problems) if len(use.arguments) >= LINE_WORDS else None
    settled = rules or ForwardRules(zone=".", upstreams=(), at=use.name.at)
    for line in read_options(use, ROW, problems):
        settled = _option(settled, line, problems)
    if settled.max_age_ms and settled.max_age_ms < settled.expire_ms:
        problems.warn(use.name.at, "`max_age` is shorter than `expire`; connections never become idle for so long")
    return settled if rules else None


def _first_line(use: Directive, problems: Problems) -> ForwardRules | None:
    """Read `FROM TO...`."""
    word, *targets = use.arguments
    zones = read_zones(word, problems)
    if zones and len(zones) > 1:
        problems.warn(word.at, f"`{word.text}` stands for {len(zones)} zones; only `{zones[0]}` is forwarded")
    if len(targets) > UPSTREAM_LIMIT:
        surplus = targets[UPSTREAM_LIMIT]
        problems.note(surplus.at, f"more than {UPSTREAM_LIMIT} upstreams: {len(targets)}")
    upstreams = [read_upstream(target, problems) for target in targets]
    if zones is None or None in upstreams:
        return None
    return ForwardRules(zone=zones[0], upstreams=tuple(upstream for upstream in upstreams if upstream), at=use.name.at)


def _option(rules: ForwardRules, line: Directive, problems: Problems) -> ForwardRules:
    """Give the rules with one option read; what cannot be read leaves them as they are."""
    name, words = line.name.text, line.arguments
    changes: dict[str, Any]
    if name in _SWITCHES:
        changes = {_SWITCHES[name]: True}
    elif name in _DURATIONS:
        field, least_ms = _DURATIONS[name]
        changes = {field: read_duration_ms(words[0], problems, least_ms=least_ms)}
    elif name in _COUNTS:
        changes = {_COUNTS[name]: read_count(words[0], problems, f"`{name}`")}
    else:
        changes = _other_option(rules, line, problems)
    return replace(rules, **{field: value for field, value in changes.items() if value is not None})


def _other_option(rules: ForwardRules, line: Directive, problems: Problems) -> dict[str, Any]:
    """Give what an option that is neither a switch, nor a duration, nor a number changes."""
    words = line.arguments
    match line.name.text:
        case "except":
            zones = tuple(zone for word in words for zone in read_zones(word, problems) or ())
            return {"except_zones": rules.except_zones + zones}
        case "policy":
            return {"policy": read_choice(words[0], POLICIES, "a policy", problems)}
        case "health_check":
            return _health_check(words, problems)
        case "next":
            return {"next_rcodes": _rcodes(rules.next_rcodes, words, problems)}
        case "failover":
            for word in words:
                if RCODES.get(word.text.upper()) == RCODES["NOERROR"]:
                    problems.note(word.at, "`NOERROR` is not a failure; expected rcodes such as `SERVFAIL`")
            return {"failover_rcodes": _rcodes(rules.failover_rcodes, words, problems)}
        case _:
            return {"source_address": read_source_address(words[0], problems)}


def _rcodes(earlier: tuple[int, ...], words: Sequence[Word], problems: Problems) -> tuple[int, ...]:
    """Read rcodes, each once."""
    rcodes = [read_rcode(word, problems) for word in words]
    return tuple(dict.fromkeys([*earlier, *(rcode for rcode in rcodes if rcode is not None)]))


def _health_check(words: Sequence[Word], problems: Problems) -> dict[str, Any]:
    """Read `DURATION [no_rec] [domain FQDN]`."""
    changes: dict[str, Any] = {
        "health_interval_ms": read_duration_ms(words[0], problems),
        "health_domain": ".",
        "is_health_recursive": True,
    }
    rest = list(words[1:])
    while rest:
        word = rest.pop(0)
        choice = read_choice(word, ["no_rec", "domain"], "an option of `health_check`", problems)
        if choice == "no_rec":
            changes["is_health_recursive"] = False
        elif choice == "domain" and rest:
            changes["health_domain"] = read_name(rest.pop(0), problems)
        elif choice == "domain":
            problems.note(word.at, "`domain` has no name after it; expected one")
    return changes


_SWITCHES = {
    "force_tcp": "forces_tcp",
    "prefer_udp": "prefers_udp",
    "failfast_all_unhealthy_upstreams": "is_failfast",
    "next_on_nodata": "is_next_on_nodata",
}
_DURATIONS = {"expire": ("expire_ms", 0), "read_timeout": ("read_timeout_ms", 1), "max_age": ("max_age_ms", 0)}
_COUNTS = {
    "max_fails": "max_fails",
    "max_connect_attempts": "max_connect_attempts",
    "max_concurrent": "max_concurrent",
    "max_idle_conns": "max_idle_connections",
}


def _one(name: str, arguments: str, default: str, meaning: str) -> Option:
    """Make a row for an option with one argument."""
    return Option(name=name, arguments=arguments, least=1, most=1, default=default, meaning=meaning)


def _later(name: str, arguments: str) -> Option:
    """Make a row for an option that is known, but not served yet."""
    return Option(name=name, arguments=arguments, meaning="Not served yet.", is_served=False)


ROW = Row(
    name="forward",
    summary="Asks other servers, over connections that are kept open.",
    reader=read,
    field="forwards",
    arguments="FROM TO...",
    least=LINE_WORDS,
    most=None,
    default="absent: nobody is asked",
    notes=(
        "FROM is a zone. Each TO is an IP (`1.2.3.4`, `1.2.3.4:5300`, `[2001:db8::1]:53`, `fe80::1%eth0`, "
        "`dns://...`) or the path of a resolv.conf, whose nameservers are taken and watched; at most 15. Several "
        "`forward` may stand in one block: names that one does not match go to the next, in file order."
    ),
    options=(
        Option(
            name="except",
            arguments="NAMES...",
            least=1,
            most=None,
            meaning="Names under these go to the next `forward`; a CIDR stands for its reverse zones.",
            repeat=Repeat.ADDS,
        ),
        Option(name="force_tcp", default="off", meaning="Always TCP towards upstreams; wins over `prefer_udp`."),
        Option(
            name="prefer_udp",
            default="off; without either, as the client asked",
            meaning="UDP towards upstreams first, TCP when the response was truncated.",
        ),
        _one("expire", "DURATION", "10s", "Idle connections are closed after this."),
        _one("max_age", "DURATION", "0 (no limit)", "Connections are replaced after this, idle or not."),
        _one("max_idle_conns", "COUNT", "0 (no limit)", "Idle connections kept for each upstream."),
        _one("max_fails", "COUNT", "2", "Failed probes after which an upstream is down; 0: never probed, never down."),
        _one("max_connect_attempts", "COUNT", "0 (no limit)", "Failed exchanges after which a query is given up."),
        _one("read_timeout", "DURATION", "2s", "How long one upstream may take to answer."),
        Option(
            name="policy",
            arguments="random|round_robin|sequential",
            least=1,
            most=1,
            default="random",
            meaning="Which upstream is asked first.",
        ),
        Option(
            name="health_check",
            arguments="DURATION [no_rec] [domain NAME]",
            least=1,
            most=4,
            default="500ms domain .",
            meaning="How often an upstream that failed is probed, with RD unless `no_rec`, and for which NS.",
        ),
        _one("max_concurrent", "COUNT", "0 (no limit)", "Queries in flight; more are REFUSED."),
        Option(
            name="next",
            arguments="RCODES...",
            least=1,
            most=None,
            meaning="A response with such an rcode makes the next `forward` be asked.",
            repeat=Repeat.ADDS,
        ),
        Option(name="next_on_nodata", default="off", meaning="The same for NODATA."),
        Option(
            name="failover",
            arguments="RCODES...",
            least=1,
            most=None,
            meaning="A response with such an rcode makes the next upstream be asked; the last response counts.",
            repeat=Repeat.ADDS,
        ),
        Option(
            name="failfast_all_unhealthy_upstreams",
            default="off",
            meaning="SERVFAIL at once when all upstreams are down, instead of trying one.",
        ),
        _one("source_address", "IP", "the kernel's choice", "Queries are sent from this address."),
        _later("tls", "[CERT KEY] [CA]"),
        _later("tls_servername", "NAME"),
        _later("doh_method", "GET|POST"),
        _later("resolver", "IP[:PORT]..."),
    ),
    repeat=Repeat.ADDS,
)
