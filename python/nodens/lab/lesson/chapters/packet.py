"""Steps 13 to 18: the way of a packet through the node, table by table."""

from __future__ import annotations

from nodens.lab.lesson.chapters.words import METRICS, NODE, NONE_YET, in_pod, on_node
from nodens.lab.lesson.looks import compare, counts, has
from nodens.lab.lesson.model import Command, Scene, State, Step
from nodens.lab.world.proxy import ProxyMode

_BOTH = r"'169.254.20.10|10.96.0.10'"
_ADDRESSES = (r"169\.254\.20\.10", r"10\.96\.0\.10")
_PICTURE = """\
pod: a query to 10.96.0.10:53
  -> raw PREROUTING    NOTRACK: not tracked, so no entry in conntrack
  -> nat PREROUTING    skipped: translation works on tracked packets only
  -> routing           10.96.0.10 is on link nodelocaldns: local
  -> filter INPUT      ACCEPT
  -> the cache         a hit: answered here.  a miss: asked of kube-dns-upstream over TCP, then kept"""
_QUERIES = r"coredns_dns_requests_total\{[^}]*\} ([\d.e+]+)"


def steps(scene: Scene) -> tuple[Step, ...]:
    """Give them, for a mode of kube-proxy."""
    return (
        _order(),
        Step(
            number=14,
            title="raw table",
            shows="Before anything else, DNS packets to and from both addresses are marked as not to be tracked.\n"
            "What is not tracked is not translated: kube-proxy never sees them.",
            needs=State.INSTALLED,
            commands=(on_node(f"iptables -t raw -S | grep -E {_BOTH}"),),
            checks=tuple(
                has(
                    rf"^-A {chain} -d {address}/32 -p {protocol} .*--dport 53 .*-j (NOTRACK|CT --notrack)$",
                    f"NOTRACK in {chain} for {protocol} to {address.replace(chr(92), '')}",
                )
                for address in _ADDRESSES
                for chain in ("PREROUTING", "OUTPUT")
                for protocol in ("udp", "tcp")
            ),
            note="There are more rules than these eight: answers (--sport 53) and health checks (8080) go untracked, "
            "too. They are the "
            "original's, and stay when the process that wrote them dies (rung 5): with iptables alone, and the two "
            "capabilities "
            "that the manifest asks for, there is no better way. Step 26 shows what that costs, and what nodens does "
            "where it may choose.",
        ),
        _translation(scene),
        Step(
            number=16,
            title="routing",
            shows="The routing table takes 10.96.0.10 for the node's own, because of the address on the link:\n"
            "the packet goes to a program on this node, not to another machine.",
            needs=State.INSTALLED,
            commands=(on_node("ip addr show nodelocaldns"), on_node("ip route get 10.96.0.10")),
            checks=(
                has(r"inet 10\.96\.0\.10/32", "10.96.0.10 is on the link"),
                has(r"^local 10\.96\.0\.10 dev lo .*src 10\.96\.0\.10", "local 10.96.0.10 dev lo src 10.96.0.10", of=1),
            ),
        ),
        Step(
            number=17,
            title="filter",
            shows="Rules of their own let DNS in, whatever a firewall on the node says of the rest.",
            needs=State.INSTALLED,
            commands=(on_node(f"iptables -S INPUT | grep -E {_BOTH}"),),
            checks=tuple(
                has(
                    rf"^-A INPUT -d {address}/32 -p {protocol} .*--dport 53 .*-j ACCEPT$",
                    f"ACCEPT for {protocol} to {address.replace(chr(92), '')}",
                )
                for address in _ADDRESSES
                for protocol in ("udp", "tcp")
            ),
        ),
        Step(
            number=18,
            title="resolve",
            shows="The same question as in step 12. Now we look who answers: the cache on the pod's own node.",
            needs=State.INSTALLED,
            commands=(_requests(NONE_YET), in_pod("nslookup kubernetes.default"), _requests()),
            checks=(
                has(
                    r"^Name:\s+kubernetes\.default\.svc\.cluster\.local\nAddress: 10\.96\.0\.1$",
                    "kubernetes.default.svc.cluster.local is 10.96.0.1",
                    of=1,
                ),
                compare(
                    "the queries that the cache on this node has answered are more by one at least",
                    lambda one, other: other >= one + 1,
                    _QUERIES,
                    first=0,
                    then=2,
                ),
            ),
        ),
    )


def _requests(otherwise: str = "") -> Command:
    """Count what the cache of the pod's node was asked on 10.96.0.10."""
    return on_node(f"curl -s --max-time 5 {METRICS} | grep -E 'coredns_dns_requests_total.*10.96.0.10'{otherwise}")


def _order() -> Step:
    """Step 13: counters of rules, before and after one query."""
    raw = on_node("iptables -t raw -vnxL PREROUTING | grep -E '10.96.0.10 .*udp dpt:53'")
    let_in = on_node("iptables -vnxL INPUT | grep -E '10.96.0.10 .*udp dpt:53'")
    packets = r"^ *(\d+) "
    return Step(
        number=13,
        title="order of operations",
        shows="The way of a query through the node, and the tables that it passes. The counters of the rules before "
        "and\n"
        "after a query tell that it went this way; that of translation stands still (step 15).",
        needs=State.INSTALLED,
        commands=(raw, let_in, in_pod("nslookup kubernetes.default"), raw, let_in),
        checks=(
            compare("NOTRACK has counted the query", lambda one, other: other > one, packets, first=0, then=3),
            compare("ACCEPT has counted the query", lambda one, other: other > one, packets, first=1, then=4),
        ),
        note=_PICTURE,
    )


def _translation(scene: Scene) -> Step:
    """Step 15: kube-proxy's own rules, in its own mode."""
    if scene.proxy is ProxyMode.NFTABLES:
        rules = on_node("nft list table ip kube-proxy | grep 'kube-system/kube-dns/'")
        checks = (
            has(
                r"10\.96\.0\.10 \. udp \. 53 : goto",
                "the service map sends 10.96.0.10 . udp . 53 to the Service's chain",
            ),
        )
        entries = "kube-proxy's nftables rules count nothing; that no entry of conntrack is made tells the same."
    else:
        rules = on_node("iptables -t nat -S | grep 'kube-dns:dns cluster IP'")
        checks = (
            has(
                r"^-A KUBE-SERVICES -d 10\.96\.0\.10/32 -p udp .*-j KUBE-SVC-\w+$",
                "the rule of KUBE-SERVICES for 10.96.0.10, udp",
            ),
        )
        entries = "The counter of that rule counts new connections: see `nodens lab figures`."
    tracked = on_node("conntrack -L -p udp --orig-dst 10.96.0.10 2>/dev/null | wc -l")
    return Step(
        number=15,
        title="DNAT rules still there",
        shows="kube-proxy's rules for 10.96.0.10 stand as before. They do not work on packets that are not tracked -\n"
        "and they are what takes over when the cache is away.",
        needs=State.INSTALLED,
        commands=(
            rules,
            on_node("conntrack -D -p udp --orig-dst 10.96.0.10 >/dev/null 2>&1; true"),
            in_pod("nslookup kubernetes.default"),
            tracked,
        ),
        checks=(*checks, counts(r"^0$", 1, "no entry of conntrack for the query that was just answered", of=3)),
        note=entries,
    )


__all__ = ["NODE", "steps"]
