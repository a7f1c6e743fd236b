"""`cache`: how many answers are kept, for how long, and what is done around their end."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nodens.config.directives.grammar import Option, Repeat, Row, Uses, read_choice, read_options
from nodens.config.model import CacheRules, PrefetchRules, StaleRules, StoreRules
from nodens.config.names import read_zones
from nodens.config.values import (
    CAPACITY_LIMIT,
    TTL_LIMIT_S,
    is_number,
    read_count,
    read_duration_ms,
    read_percent,
    read_ttl_s,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nodens.corefile import Directive, Word
    from nodens.problems import Problems

CAPACITY = 10_000  # CoreDNS' default, in entries
MIN_TTL_S = 5  # CoreDNS' floor: shorter lifetimes are stretched to it
SUCCESS_TTL_S = 3_600
DENIAL_TTL_S = 1_800
SERVFAIL_MS = 5_000
SERVFAIL_LIMIT_MS = 300_000  # RFC 9520, 3.2: failures are kept for five minutes at most
RECHECK_LIMIT_MS = 300_000  # the same bound: after it an upstream must be asked again
SECOND_MS = 1_000

DEFAULT = CacheRules(
    zones=None,
    success=StoreRules(capacity=CAPACITY, ttl_max_s=SUCCESS_TTL_S, ttl_min_s=MIN_TTL_S),
    denial=StoreRules(capacity=CAPACITY, ttl_max_s=DENIAL_TTL_S, ttl_min_s=MIN_TTL_S),
    prefetch=PrefetchRules(),
    stale=None,
    prefers_positive=False,
    servfail_ms=SERVFAIL_MS,
    success_disabled_zones=(),
    denial_disabled_zones=(),
    keeps_ttl=False,
)


def read(uses: Uses, problems: Problems) -> CacheRules:
    """Read the last use: the TTL and zones of its line first, so that its options may override them."""
    use = uses[-1]
    rules = _first_line(use.arguments, problems)
    for line in read_options(use, ROW, problems):
        rules = _option(rules, line, problems)
    policies = [line for line in use.body or () if line.name.text == "serve_stale_policy"]
    if policies and rules.stale is None:
        problems.warn(policies[0].name.at, "`serve_stale_policy` does nothing without `serve_stale`")
    return rules


def _first_line(words: Sequence[Word], problems: Problems) -> CacheRules:
    """Read `[TTL] [ZONES...]`."""
    rules = DEFAULT
    if words and is_number(words[0].text):
        if ttl_s := read_ttl_s(words[0], problems):
            success = replace(rules.success, ttl_max_s=ttl_s)
            rules = replace(rules, success=success, denial=replace(rules.denial, ttl_max_s=ttl_s))
        words = words[1:]
    for word in words:
        if is_number(word.text):
            hint = "`success CAPACITY TTL` and `denial CAPACITY TTL` in a body set the two sides apart"
            problems.warn(word.at, f"`{word.text}` is read as a zone; `cache` takes one TTL, then zones", hint=hint)
    return replace(rules, zones=_zones(words, problems)) if words else rules


def _zones(words: Sequence[Word], problems: Problems) -> tuple[str, ...]:
    """Read zones, each CIDR as its reverse zones."""
    return tuple(zone for word in words for zone in read_zones(word, problems) or ())


def _option(rules: CacheRules, line: Directive, problems: Problems) -> CacheRules:
    """Give the rules with one option read; what cannot be read leaves them as they are."""
    words = line.arguments
    changes: dict[str, Any] = {}
    match line.name.text:
        case "success" | "denial" as side:
            changes[side] = _store(rules.success if side == "success" else rules.denial, words, problems)
        case "prefetch":
            changes["prefetch"] = _prefetch(words, problems)
        case "serve_stale":
            changes["stale"] = _stale(words, problems)
        case "serve_stale_policy":
            policy = read_choice(words[0], ["prefer_positive"], "a policy of `serve_stale_policy`", problems)
            changes["prefers_positive"] = policy is not None
        case "servfail":
            kept_ms = read_duration_ms(words[0], problems, most_ms=SERVFAIL_LIMIT_MS)
            changes["servfail_ms"] = rules.servfail_ms if kept_ms is None else kept_ms
        case "disable":
            if chosen := read_choice(words[0], ["success", "denial"], "a side of the cache", problems):
                changes[f"{chosen}_disabled_zones"] = _zones(words[1:], problems) if words[1:] else (".",)
        case _:
            changes["keeps_ttl"] = True
    return replace(rules, **changes)


def _store(rules: StoreRules, words: Sequence[Word], problems: Problems) -> StoreRules:
    """Read `CAPACITY [TTL [MINTTL]]`."""
    capacity = read_count(words[0], problems, "a capacity", most=CAPACITY_LIMIT)
    longest_s = read_ttl_s(words[1], problems) if len(words) > 1 else rules.ttl_max_s
    shortest_s = read_ttl_s(words[2], problems, least_s=0) if words[2:] else rules.ttl_min_s
    if capacity is None or longest_s is None or shortest_s is None:
        return rules
    if words[2:] and shortest_s > longest_s:
        problems.warn(words[2].at, f"MINTTL {shortest_s} is over TTL {longest_s}; the TTL wins")
    return StoreRules(capacity=capacity, ttl_max_s=longest_s, ttl_min_s=shortest_s)


def _prefetch(words: Sequence[Word], problems: Problems) -> PrefetchRules:
    """Read `AMOUNT [DURATION [PERCENT%]]`."""
    rules = PrefetchRules()
    amount = read_count(words[0], problems, "a prefetch amount")
    window_ms = read_duration_ms(words[1], problems) if len(words) > 1 else rules.window_ms
    percent = read_percent(words[2], problems, least=10, most=90) if words[2:] else rules.percent
    if amount is None or window_ms is None or percent is None:
        return rules
    return PrefetchRules(amount=amount, window_ms=window_ms, percent=percent)


def _stale(words: Sequence[Word], problems: Problems) -> StaleRules:
    """Read `[DURATION [immediate ... | verify [TIMEOUT ...]]]`; both modes may end in `[RESPONSE_TTL [RECHECK]]`."""
    rules = StaleRules()
    if words and (window_ms := read_duration_ms(words[0], problems)) is not None:
        rules = replace(rules, window_s=-(-window_ms // SECOND_MS))
    if len(words) > 1:
        mode = read_choice(words[1], ["immediate", "verify"], "a refresh mode", problems)
        rules = replace(rules, is_verify=mode == "verify")
    rest = words[2:]
    if rest and rules.is_verify:
        rules = replace(rules, verify_timeout_ms=read_duration_ms(rest[0], problems) or 0)
        rest = rest[1:]
    if rest and (ttl_ms := read_duration_ms(rest[0], problems, most_ms=TTL_LIMIT_S * SECOND_MS)) is not None:
        rules = replace(rules, response_ttl_s=-(-ttl_ms // SECOND_MS))
    if rest[1:] and (recheck_ms := read_duration_ms(rest[1], problems, most_ms=RECHECK_LIMIT_MS)) is not None:
        rules = replace(rules, recheck_ms=recheck_ms)
    if rest[2:]:
        problems.note(rest[2].at, f"`{rest[2].text}` is one argument too many; expected `{_STALE.syntax}`")
    return rules


_STALE = Option(
    name="serve_stale",
    arguments="[DURATION [immediate [RESPONSE_TTL [RECHECK]] | verify [TIMEOUT [RESPONSE_TTL [RECHECK]]]]]",
    most=6,
    default="off; then `1h immediate 0s 0s`",
    meaning=(
        "Gives out answers past their lifetime, for DURATION more: `immediate` at once, with a refresh behind the "
        "scenes; `verify` after upstream was asked in vain, for at most TIMEOUT. They carry RESPONSE_TTL; after a "
        "failed refresh upstream is left alone for RECHECK (at most 5m)."
    ),
)

ROW = Row(
    name="cache",
    summary="Keeps answers and denials, each side with its own capacity and TTL limits.",
    reader=read,
    field="cache",
    arguments="[TTL] [ZONES...]",
    most=None,
    default="absent: nothing is kept; `cache` alone: TTL 3600 for answers, 1800 for denials, the block's zones",
    notes="A first word that is a whole number is the TTL limit of both sides, in seconds.",
    options=(
        Option(
            name="success",
            arguments="CAPACITY [TTL [MINTTL]]",
            least=1,
            most=3,
            default="10000 3600 5",
            meaning="Answers: entries kept, longest and shortest lifetime in seconds.",
        ),
        Option(
            name="denial",
            arguments="CAPACITY [TTL [MINTTL]]",
            least=1,
            most=3,
            default="10000 1800 5",
            meaning="NXDOMAIN and NODATA: the same.",
        ),
        Option(
            name="prefetch",
            arguments="AMOUNT [DURATION [PERCENT%]]",
            least=1,
            most=3,
            default="0 1m 10%",
            meaning=(
                "Refreshes what was asked for AMOUNT times without a pause of DURATION, in the last PERCENT of its "
                "lifetime (10% to 90%); 0 is off."
            ),
        ),
        _STALE,
        Option(
            name="serve_stale_policy",
            arguments="prefer_positive",
            least=1,
            most=1,
            meaning="Inside the stale window a last known answer is preferred to a fresh denial.",
        ),
        Option(
            name="servfail",
            arguments="DURATION",
            least=1,
            most=1,
            default="5s",
            meaning="How long a failure is kept; 0 is off, at most 5m (RFC 9520).",
        ),
        Option(
            name="disable",
            arguments="success|denial [ZONES...]",
            least=1,
            most=None,
            meaning="Does not keep that side for these zones (all, if none is named).",
            repeat=Repeat.ADDS,
        ),
        Option(name="keepttl", meaning="Gives out the TTL as it came, not what is left of it."),
    ),
    repeat=Repeat.WRONG,
)
