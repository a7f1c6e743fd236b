"""What a machine must have for a world: Linux, root with two capabilities, some programs. Each lack by its name."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from nodens.errors import LabError
from nodens.lab.world.errands import SEARCH_PATH

# program -> Debian package
PROGRAMS = {
    "ip": "iproute2",
    "ss": "iproute2",
    "nft": "nftables",
    "iptables": "iptables",
    "iptables-restore": "iptables",
    "ip6tables-restore": "iptables",
    "conntrack": "conntrack",
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "mount": "mount",
    "umount": "mount",
}
_CAPABILITIES = {"CAP_NET_ADMIN": 12, "CAP_SYS_ADMIN": 21}


def require() -> None:
    """LabError that names everything that is missing."""
    if lacks := missing():
        raise LabError("\n".join(lacks))


def missing(
    platform: str = sys.platform,
    user: int | None = None,
    find: Callable[[str], str | None] = lambda name: shutil.which(name, path=SEARCH_PATH),
    capabilities: int | None = None,
) -> list[str]:
    """Say what is missing, a line each, hints after them; empty if nothing is."""
    if platform != "linux":
        return [f"lab: needs Linux, and this is {platform}", "hint: the files under lab/ are the same lesson with Kind"]
    if (os.geteuid() if user is None else user) != 0:
        return ["lab: needs root, to make network namespaces", "hint: sudo $(command -v nodens) lab ..."]
    held = effective_capabilities() if capabilities is None else capabilities
    if lacking := [name for name, bit in _CAPABILITIES.items() if not held >> bit & 1]:
        return [
            f"lab: this root lacks {' and '.join(lacking)}",
            "hint: in a container, start it privileged; nothing outside its namespaces is touched",
        ]
    absent = [name for name in PROGRAMS if not find(name)]
    if not absent:
        return []
    packages = sorted({PROGRAMS[name] for name in absent})
    names = ", ".join(f"`{name}`" for name in absent)
    return [f"lab: programs that are not installed: {names}", f"hint: apt-get install {' '.join(packages)}"]


def effective_capabilities() -> int:
    """Give what this process may do, as the kernel's bits."""
    for line in Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith("CapEff:"):
            return int(line.split()[1], 16)
    return 0
