"""How much of the node we take: workers, memory, connections. Each bound with its reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nodens.config import Config
    from nodens.plan.facts import Facts

MIB = 2**20

WORKERS_DEFAULT = 2
"""At most two: one core answers over 150,000 queries a second, more than a node's pods ask; the second is there so
that a long turn of one does not hold up the other. More workers take cores away from the pods."""

MEMORY_DEFAULT_BYTES = 48 * MIB
"""Without a limit to go by: both caches of the stock file's four zones fit, and the process stays under 64 MiB."""
MEMORY_SHARE = (3, 8)  # of the cgroup's limit; the rest is for Python, sockets, and the kernel's share of our buffers
MEMORY_FLOOR_BYTES = 8 * MIB
MEMORY_LIMIT_BYTES = 512 * MIB  # of our own accord; a flag may ask for more

MAX_TCP_CONNECTIONS = 2_048  # a few for each of a full node's 110 pods, and a storm besides
MAX_TCP_SHARE = 4  # a quarter of the descriptors, if that is less: the rest is for upstreams, listeners and the probes
MAX_TCP_CONNECTIONS_FLOOR = 16
MAX_TCP_CLIENT_SHARE = 8  # an eighth of them for one client: one pod cannot take them all


def choose_workers(facts: Facts) -> int:
    """Take the flag, or as many workers as there are cores, at most two."""
    return max(1, min(facts.cores, WORKERS_DEFAULT)) if facts.workers_wish is None else facts.workers_wish


def choose_memory_bytes(facts: Facts) -> int:
    """Take the flag, or a share of the cgroup's limit, or the default."""
    if facts.memory_budget_wish_bytes is not None:
        return facts.memory_budget_wish_bytes
    if facts.memory_limit_bytes is None:
        return MEMORY_DEFAULT_BYTES
    part, whole = MEMORY_SHARE
    share = facts.memory_limit_bytes * part // whole
    return min(max(share, MEMORY_FLOOR_BYTES), MEMORY_LIMIT_BYTES)


def choose_tcp_connections(facts: Facts) -> int:
    """Take the bound, or what the limit on open files leaves room for."""
    if facts.file_limit is None:
        return MAX_TCP_CONNECTIONS
    return min(MAX_TCP_CONNECTIONS, max(MAX_TCP_CONNECTIONS_FLOOR, facts.file_limit // MAX_TCP_SHARE))


def choose_queries_per_connection(config: Config) -> int:
    """Take the smallest `maxtcpqueries` of all blocks; 0 is no limit."""
    limits = [server.timeouts.max_tcp_queries for server in config.servers if server.timeouts]
    return min((limit for limit in limits if limit), default=0)
