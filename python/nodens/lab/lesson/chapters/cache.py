"""Steps 19 to 21: what the cache counts, and what it holds."""

from __future__ import annotations

from nodens.lab.lesson.chapters.words import METRICS, NONE_YET, in_agent, in_pod, on_node
from nodens.lab.lesson.looks import compare, has, total
from nodens.lab.lesson.model import Check, Command, Output, State, Step

_SHOWN = "'coredns_cache_(hits|misses|requests)_total.*10.96.0.10.*cluster.local'"
_SUCCESS = r'coredns_cache_hits_total\{server="dns://10\.96\.0\.10:53",type="success"[^}]*\} ([\d.e+]+)'
_ENTRIES = r'coredns_cache_entries\{server="dns://10\.96\.0\.10:53",'


def _curl(pattern: str) -> Command:
    """Scrape the cache of the pod's node."""
    return on_node(f"curl -s --max-time 5 {METRICS} | grep -E {pattern}")


def _adds_up(outputs: tuple[Output, ...]) -> bool:
    """Whether requests are hits and misses together."""
    text = outputs[-1].text
    hits, misses, requests = (
        total(text, rf"^coredns_cache_{name}_total\{{[^}}]*\}} ([\d.e+]+)$") for name in ("hits", "misses", "requests")
    )
    return requests > 0 and requests == hits + misses


def steps() -> tuple[Step, ...]:
    """Give them."""
    return (
        Step(
            number=19,
            title="metrics",
            shows="Every node has counters of its own, on :9253, with the names that CoreDNS gives them.\n"
            "The label `server` tells by which address the cache was asked.",
            needs=State.INSTALLED,
            commands=(
                in_pod("nslookup kubernetes.default"),
                in_pod("nslookup kubernetes.default"),
                in_pod("nslookup no-such-service.default; true"),
                in_pod("nslookup no-such-service.default; true"),
                _curl(_SHOWN),
            ),
            checks=(
                has(r'hits_total\{server="dns://10\.96\.0\.10:53",type="success"', "hits of type success", of=4),
                has(
                    r'hits_total\{server="dns://10\.96\.0\.10:53",type="denial"',
                    "hits of type denial: the second NXDOMAIN",
                    of=4,
                ),
                has(r'misses_total\{server="dns://10\.96\.0\.10:53"', "misses", of=4),
                Check(says="requests = hits + misses", holds=_adds_up),
            ),
        ),
        Step(
            number=20,
            title="hits in action",
            shows="The same name twice: the second answer comes out of the cache, and the counter of hits moves.",
            needs=State.INSTALLED,
            commands=(
                in_pod("nslookup kubernetes.default"),
                _curl(f"'cache_hits_total.*10.96.0.10.*success.*cluster.local'{NONE_YET}"),
                in_pod("nslookup kubernetes.default"),
                _curl("'cache_hits_total.*10.96.0.10.*success.*cluster.local'"),
            ),
            checks=(
                compare(
                    "the counter of success hits has moved", lambda one, other: other > one, _SUCCESS, first=1, then=3
                ),
            ),
        ),
        Step(
            number=21,
            title="entries",
            shows="How many answers and denials the cache holds, and the memory they take: in numbers, as ever.\n"
            "`nodens entries` tells the names, too, to root on the node: with what is left of each lifetime.",
            needs=State.INSTALLED,
            commands=(
                _curl("'coredns_cache_entries.*10.96.0.10'"),
                _curl("'^nodens_(cache_bytes|memory_limit_bytes)'"),
                in_pod("nslookup kubernetes.default"),
                in_agent("nodens entries --zone cluster.local --match 'kubernetes.*'"),
            ),
            checks=(
                has(
                    _ENTRIES + r'type="success".*zones="cluster\.local\."\} \d',
                    "entries of type success",
                ),
                has(
                    _ENTRIES + r'type="denial".*zones="cluster\.local\."\} \d',
                    "entries of type denial",
                ),
                has(r"^nodens_cache_bytes \d", "the memory they take", of=1),
                has(
                    r"^kubernetes\.default\.svc\.cluster\.local\. +A +answer +\d+s +\d+s ",
                    "the name that was asked, and what is left of its lifetime",
                    of=3,
                ),
                has(
                    r"^kubernetes\.default\.default\.svc\.cluster\.local\. +\w+ +NXDOMAIN ",
                    "the names that the search list made of it, as denials",
                    of=3,
                ),
            ),
        ),
    )
