"""Reads Facts off the node: interfaces, families, cores, memory, resolv.conf. Looks, never touches."""

from __future__ import annotations

import os
import resource
import socket
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Final

from nodens.corefile import open_regular
from nodens.network.cgroup import core_quota, memory_limit_bytes
from nodens.network.interfaces import interfaces
from nodens.plan import Nameserver

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nodens.plan import Facts

_RESOLV_CONF_LIMIT_BYTES: Final = 1 << 20  # a longer one is not a resolv.conf


def survey(wishes: Facts, resolv_conf_paths: Iterable[str], root: Path = Path("/")) -> Facts:
    """Fill in what is true of this node now; what the command line wished for stays as it is."""
    return replace(
        wishes,
        interfaces=interfaces(),
        has_ipv4=_can_bind(socket.AF_INET, "127.0.0.1"),
        has_ipv6=_can_bind(socket.AF_INET6, "::1"),
        cores=_cores(root),
        memory_limit_bytes=memory_limit_bytes(root),
        file_limit=_file_limit(),
        resolv_conf={
            path: read_resolv_conf(root / path.lstrip("/") if path.startswith("/") else Path(path))
            for path in resolv_conf_paths
        },
    )


def read_resolv_conf(path: Path) -> tuple[Nameserver, ...] | None:
    """Read the nameservers of a file; None if it cannot be read."""
    try:
        with open(path, "rb", opener=open_regular) as file:
            text = file.read(_RESOLV_CONF_LIMIT_BYTES).decode(errors="replace")
    except (OSError, ValueError):
        return None
    return parse_resolv_conf(text)


def parse_resolv_conf(text: str) -> tuple[Nameserver, ...]:
    """Take every `nameserver` line in order, without limit; a line that names no IP is passed over, as libc does."""
    found: list[Nameserver] = []
    for line in text.splitlines():
        words = line.split()
        if len(words) < 2 or words[0] != "nameserver":  # noqa: PLR2004 - keyword and address
            continue
        address, _, zone_id = words[1].partition("%")
        try:
            server = Nameserver(address=str(ip_address(address)), zone_id=zone_id)
        except ValueError:
            continue
        if server not in found:
            found.append(server)
    return tuple(found)


def _cores(root: Path) -> int:
    """Cores this process may use: affinity, and the whole cores of its cgroup quota; at least one."""
    allowed = len(os.sched_getaffinity(0))
    quota = core_quota(root)
    return allowed if quota is None else max(1, min(allowed, int(quota)))


def _file_limit() -> int | None:
    """How many files this process may open once the engine has raised the soft limit; None without limit."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return None if hard == resource.RLIM_INFINITY else hard


def _can_bind(family: socket.AddressFamily, address: str) -> bool:
    """Whether the kernel has this family, with its loopback up."""
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((address, 0))
    except OSError:
        return False
    return True
