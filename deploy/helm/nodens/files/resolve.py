"""Resolve a name as any pod would, and see that this node's agent was asked. Run by `helm test`."""

import os
import socket
import sys
import urllib.request

name, port = sys.argv[1:]
agent = os.environ["AGENT"]


def asked() -> float:
    """So many queries this node's agent has answered; and it must be steering."""
    host = f"[{agent}]" if ":" in agent else agent
    with urllib.request.urlopen(f"http://{host}:{port}/metrics", timeout=5) as reply:
        rows = [line.rsplit(" ", 1) for line in reply.read().decode().splitlines() if not line.startswith("#")]
    steered = [float(value) for metric, value in rows if metric == "nodens_steered"]
    if steered and steered[0] != 1:
        sys.exit(f"{agent}: nodens is not steering: pods of this node ask cluster DNS; /ready says why")
    return sum(float(value) for metric, value in rows if metric.startswith("coredns_dns_requests_total"))


before = asked() if agent else 0
try:
    found = sorted({row[4][0] for row in socket.getaddrinfo(name, None)})
except (OSError, UnicodeError) as error:
    sys.exit(f"{name}: is not resolved in a pod: {error}")
print(f"{name}: {', '.join(found)}")
if agent:
    after = asked()
    if after <= before:
        sys.exit(f"{agent}: nodens was not asked: does the pod's resolv.conf name config.dnsServer or config.localDns?")
    print(f"{agent}: nodens answered {after - before:.0f} queries meanwhile")
