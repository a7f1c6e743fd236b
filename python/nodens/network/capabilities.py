"""Which of the kernel's capabilities this process lacks."""

from __future__ import annotations

from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class Capability(IntEnum):
    """Those that we may need, by their bit; <linux/capability.h>."""

    NET_BIND_SERVICE = 10  # ports under 1024
    NET_ADMIN = 12  # links, addresses, rules
    NET_RAW = 13  # iptables-legacy speaks through a raw socket


def lacking(wanted: Iterable[Capability], proc: Path = Path("/proc")) -> tuple[Capability, ...]:
    """Give those we do not have; none where it cannot be read: then the kernel's own refusal tells."""
    try:
        lines = (proc / "self/status").read_text().splitlines()
    except OSError:
        return ()
    held = next((int(line.split()[1], 16) for line in lines if line.startswith("CapEff:")), -1)
    return tuple(each for each in wanted if not held >> each & 1)


def first_free_port(proc: Path = Path("/proc")) -> int:
    """The lowest port that needs no capability here."""
    try:
        return int((proc / "sys/net/ipv4/ip_unprivileged_port_start").read_text())
    except (OSError, ValueError):
        return 1024
