"""What Prometheus sees of a fleet of three agents over an hour: a calm one, and how each incident changes it.

A fleet maps a series to its values in promtool's notation, one a minute. Upstream `A` is cluster DNS, `B` a resolver.
"""

from __future__ import annotations

import re

NODES = ("n1:9253", "n2:9253", "n3:9253")
A, B = "10.96.0.11:53", "10.0.0.2:53"
STEADY = "x60"
Fleet = dict[str, str]


def series(metric: str, instance: str, **labels: str) -> str:
    """Spell a series."""
    told = {"job": "node-local-dns", "instance": instance, **labels}
    return metric + "{" + ",".join(f'{name}="{value}"' for name, value in told.items()) + "}"


def histogram(metric: str, instance: str, per_minute: int, seconds: float = 0.001, **labels: str) -> Fleet:
    """A histogram into which so many a minute fall, all of them below a bound."""
    bounds = {bound: per_minute if bound >= seconds else 0 for bound in (0.001, 1.024, 2.048, 4.096, 8.192)}
    made = {
        series(f"{metric}_bucket", instance, **labels, le=str(le)): f"0+{count}{STEADY}" for le, count in bounds.items()
    }
    return made | {
        series(f"{metric}_bucket", instance, **labels, le="+Inf"): f"0+{per_minute}{STEADY}",
        series(f"{metric}_count", instance, **labels): f"0+{per_minute}{STEADY}",
    }


def calm(*nodes: str) -> Fleet:
    """Agents that serve, are steered, and have nothing to complain of."""
    fleet: Fleet = {}
    for node in nodes or NODES:
        cache = {"server": "dns://10.96.0.10:53", "type": "success", "view": "", "zones": "cluster.local."}
        still = {"up": 1, "process_start_time_seconds": 1000, "nodens_steered": 1, "nodens_reload_refused": 0,
                 "nodens_steering_stale_rules": 0}  # fmt: skip
        zeros = (
            *("coredns_panics_total", "coredns_forward_healthcheck_broken_total", "nodens_not_kept_total"),
            *("coredns_cache_served_stale_total", "coredns_reload_failed_total"),
        )
        fleet |= {series(name, node): f"{value}{STEADY}" for name, value in (still | dict.fromkeys(zeros, 0)).items()}
        fleet |= {
            series("nodens_control_failures_total", node, task="keeper"): f"0{STEADY}",
            series("coredns_nodecache_setup_errors_total", node, errortype="iptables"): f"0{STEADY}",
            series("coredns_cache_evictions_total", node, **cache): f"0{STEADY}",
            series("coredns_cache_entries", node, **cache): f"100{STEADY}",
            series("nodens_cache_entries_limit", node, **cache): f"9984{STEADY}",
            series("coredns_cache_hits_total", node, **cache): f"0+540{STEADY}",
            series("coredns_cache_requests_total", node): f"0+600{STEADY}",
            series("coredns_dns_requests_total", node): f"0+600{STEADY}",
            series("coredns_dns_responses_total", node, rcode="NOERROR"): f"0+600{STEADY}",
            series("coredns_dns_responses_total", node, rcode="SERVFAIL"): f"0{STEADY}",
        }
        for reason in ("starting", "upstreams", "workers", "deaf", "frozen", "trouble", "stopping"):
            fleet[series("nodens_steering_withheld", node, reason=reason)] = f"0{STEADY}"
        for reason in ("workers", "deaf", "frozen"):
            fleet[series("nodens_steering_let_go_total", node, reason=reason)] = f"0{STEADY}"
        fleet |= histogram("coredns_dns_request_duration_seconds", node, 600)
        for to in (A, B):
            fleet |= histogram("coredns_proxy_request_duration_seconds", node, 60, to=to, rcode="NOERROR")
            fleet |= histogram("coredns_proxy_request_duration_seconds", node, 0, to=to, rcode="SERVFAIL")
            fleet[series("nodens_upstream_up", node, to=to)] = f"1{STEADY}"
            fleet[series("coredns_proxy_healthcheck_failures_total", node, to=to)] = f"0{STEADY}"
            fleet[series("nodens_upstream_faults_total", node, to=to, reason="timeout")] = f"0{STEADY}"
    return fleet


def change(fleet: Fleet, metric: str, values: str, *, node: str = "", **labels: str) -> Fleet:
    """Give the values of those series of a metric that have these labels; at least one must."""
    words = [f'{name}="{value}"' for name, value in (({"instance": node} if node else {}) | labels).items()]
    found = {name: values for name in fleet if re.match(rf"{metric}\{{", name) and all(word in name for word in words)}
    assert found, f"{metric} {labels}"
    return fleet | found


def dead(fleet: Fleet, *nodes: str) -> Fleet:
    """These agents died after ten minutes: their targets are down, and nothing else is told of them."""
    ended = {name: f"{values.removesuffix(STEADY)}x10 stale" for name, values in fleet.items()
             if any(f'"{node}"' in name for node in nodes)}  # fmt: skip
    return fleet | ended | {series("up", node): "1x10 0x50" for node in nodes}


def late(fleet: Fleet, metric: str, per_minute: int, seconds: float, **labels: str) -> Fleet:
    """Everything that a histogram counts takes so long."""
    for node in NODES:
        fleet |= histogram(metric, node, per_minute, seconds, **labels)
    return fleet


def failing(fleet: Fleet, percent: int) -> Fleet:
    """So many answers are SERVFAIL."""
    fleet = change(fleet, "coredns_dns_responses_total", f"0+{600 - 6 * percent}{STEADY}", rcode="NOERROR")
    return change(fleet, "coredns_dns_responses_total", f"0+{6 * percent}{STEADY}", rcode="SERVFAIL")


def refusing(fleet: Fleet, per_minute: int) -> Fleet:
    """Cluster DNS says SERVFAIL to so many of about sixty."""
    for node in NODES:
        fleet |= histogram("coredns_proxy_request_duration_seconds", node, per_minute, to=A, rcode="SERVFAIL")
    return fleet


def stale(fleet: Fleet) -> Fleet:
    """Answers older than their TTL are given."""
    return change(fleet, "coredns_cache_served_stale_total", f"0+60{STEADY}")


def withheld(fleet: Fleet, node: str, reason: str, values: str = f"1{STEADY}") -> Fleet:
    """An agent is not steered, for a reason."""
    fleet = change(fleet, "nodens_steering_withheld", values, node=node, reason=reason)
    return change(fleet, "nodens_steered", f"0{STEADY}", node=node)


def without(fleet: Fleet, pattern: str) -> Fleet:
    """Some series are not told at all."""
    return {name: values for name, values in fleet.items() if not re.match(pattern, name)}


def silent_upstream(fleet: Fleet, *upstreams: str) -> Fleet:
    """Upstreams answer nobody: what every agent and every client sees of it."""
    for to in upstreams:
        fleet = change(fleet, "nodens_upstream_up", "1x5 0x55", to=to)
        fleet = change(fleet, "coredns_proxy_healthcheck_failures_total", f"0+120{STEADY}", to=to)
        fleet = change(fleet, "nodens_upstream_faults_total", f"0+60{STEADY}", to=to)
    fleet = late(fleet, "coredns_dns_request_duration_seconds", 600, 8.192)
    return stale(failing(fleet, 30))
