"""A host is a network namespace with links and a lifetime. Names carry our prefix; whatever happens, they are removed.

    with host("pod") as pod, host("node") as node:
        wire(pod, "eth0", "10.244.0.2/24", node, "cali0", "10.244.0.1/24")
        pod.run("ping", "-c", "1", "10.244.0.1")

Needs root and `ip` (iproute2); `unsupported()` says what is missing.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from nodens.errors import LabError

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX = "nodens-lab-"
PATIENCE_S = 30.0
SEARCH_PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


def unsupported() -> str:
    """Say why no namespace can be made here; empty if one can. Tries it, and takes it away again."""
    if os.geteuid() != 0:
        return "root"
    if not shutil.which("ip", path=SEARCH_PATH):
        return "the program `ip`"
    probe = f"{PREFIX}{os.getpid()}-probe"
    try:
        _ip("netns", "add", probe)
        _ip("netns", "del", probe)
    except LabError as error:
        return str(error)
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """A namespace: what is run here is run inside it."""

    name: str
    namespace: str

    def command(self, *words: str) -> list[str]:
        """Give the command line that runs a program inside."""
        return ["ip", "netns", "exec", self.namespace, *words]

    def run(self, *words: str, patience_s: float = PATIENCE_S) -> str:
        """Run a program to its end, for so long at most; its output, or LabError with what it said."""
        return _run(self.command(*words), patience_s)

    def start(self, *words: str, log: IO[bytes] | None = None) -> subprocess.Popen[bytes]:
        """Start a program; whoever starts it ends it."""
        return subprocess.Popen(self.command(*words), stdout=log, stderr=log)

    def add_address(self, link: str, address: str) -> None:
        """Give a link an address with its prefix length."""
        _ip("-n", self.namespace, "addr", "add", address, "dev", link)

    def add_link(self, link: str, kind: str) -> None:
        """Make a link of a kind (`dummy`, `bridge`) and set it up."""
        _ip("-n", self.namespace, "link", "add", link, "type", kind)
        _ip("-n", self.namespace, "link", "set", link, "up")

    def add_route(self, target: str, via: str) -> None:
        """Send a target (`default`, a prefix) by way of an address."""
        _ip("-n", self.namespace, "route", "add", target, "via", via)


@contextmanager
def host(name: str) -> Iterator[Host]:
    """Make a namespace with its loopback up; at the end end what still runs in it, and remove it."""
    made = Host(name=name, namespace=f"{PREFIX}{os.getpid()}-{name}")
    _ip("netns", "add", made.namespace)
    try:
        _ip("-n", made.namespace, "link", "set", "lo", "up")
        yield made
    finally:
        _end_programs(made.namespace)
        _ip("netns", "del", made.namespace)


def wire(one: Host, link: str, address: str, other: Host, other_link: str, other_address: str) -> None:  # noqa: PLR0913, PLR0917 - two ends, three words each
    """Connect two hosts by a cable (a veth pair), with addresses, up at both ends."""
    _ip(
        "link",
        "add",
        link,
        "netns",
        one.namespace,
        "type",
        "veth",
        "peer",
        "name",
        other_link,
        "netns",
        other.namespace,
    )
    for end, name, its_address in ((one, link, address), (other, other_link, other_address)):
        end.add_address(name, its_address)
        _ip("-n", end.namespace, "link", "set", name, "up")


def leftovers() -> list[str]:
    """List namespaces with our prefix whose process is gone; a run that was killed may have left them."""
    names = [line.split()[0] for line in _ip("netns", "list").splitlines() if line.startswith(PREFIX)]
    # The lesson's world has a word where these have the number of their process.
    owners = {name: name.removeprefix(PREFIX).partition("-")[0] for name in names}
    return [name for name, owner in owners.items() if owner.isdecimal() and not os.path.exists(f"/proc/{owner}")]  # noqa: PTH110 - a process, not a file


def remove_leftovers() -> None:
    """Remove what `leftovers` lists, and end what still runs there."""
    for name in leftovers():
        _end_programs(name)
        _ip("netns", "del", name)


def _end_programs(namespace: str) -> None:
    """End what still runs in a namespace: first politely."""
    for signal in (15, 9):
        pids = _ip("netns", "pids", namespace).split()
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal)


def _ip(*words: str) -> str:
    return _run(["ip", *words])


def _run(words: list[str], patience_s: float = PATIENCE_S) -> str:
    try:
        done = subprocess.run(
            words,
            capture_output=True,
            text=True,
            check=False,
            timeout=patience_s,
            env={**os.environ, "PATH": SEARCH_PATH},
        )
    except subprocess.TimeoutExpired as error:
        raise LabError(f"{' '.join(words)}: no end after {patience_s} s") from error
    if done.returncode:
        raise LabError(f"{' '.join(words)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout
