"""Who is measured: the floor, the peers, and nodens; each as files to write and a command line to run in the node."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from world import BLACK_HOLE, SERVER, UPSTREAM

HERE = Path(__file__).parent

UNBOUND = """server:
  directory: "{d}"
  chroot: ""
  username: ""
  pidfile: "{d}/unbound.pid"
  use-syslog: no
  interface: 10.96.0.10
  interface: 169.254.20.10
  access-control: 0.0.0.0/0 allow
  num-threads: {workers}
  so-reuseport: yes
  msg-cache-size: {megabytes}m
  rrset-cache-size: {megabytes}m
  module-config: "iterator"
  do-not-query-localhost: no
  local-zone: "cluster.local." nodefault
  cache-max-ttl: {ttl}
  minimal-responses: no
  outgoing-num-tcp: 100
forward-zone:
  name: "cluster.local."
  forward-addr: {upstream}
  forward-tcp-upstream: yes
remote-control:
  control-enable: no
"""
DNSDIST = """setLocal("10.96.0.10:53", {{reusePort=true}})
addLocal("169.254.20.10:53")
setACL({{"0.0.0.0/0"}})
newServer({{address="{upstream}:53", tcpOnly=true, healthCheckMode="up"}})
getPool(""):setCache(newPacketCache({capacity}, {{maxTTL={ttl}, minTTL=0}}))
setSecurityPollSuffix("")
"""
COREFILE = """cluster.local:53 {{
    bind 169.254.20.10 10.96.0.10
    cache {{
        success {capacity} {ttl}
        denial {capacity} {ttl}
    }}
    forward . {upstream} {{
        force_tcp
    }}
}}
.:53 {{
    bind 169.254.20.10 10.96.0.10
    cache 30
    forward . {black_hole} {{
        force_tcp
    }}
}}
"""
NODENS = (
    f"{sys.executable} -m nodens run --quiet --corefile {{d}}/Corefile --pidfile {{d}}/nodens.pid --workers {{workers}}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a bench may vary. Every subject keeps answers `ttl` seconds at most."""

    workers: int = 1
    capacity: int = 9984
    ttl: int = 3600
    megabytes: int = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A name for the tables, the files it needs, the command, and whether it is the echo (which knows no answers)."""

    name: str
    command: str
    files: dict[str, str]
    is_echo: bool = False

    def prepare(self, place: Path, settings: Settings) -> list[str]:
        """Write its files; give the words of its command."""
        values = {
            "d": place,
            "upstream": UPSTREAM,
            "black_hole": BLACK_HOLE,
            "server": SERVER,
            "workers": settings.workers,
            "capacity": settings.capacity,
            "ttl": settings.ttl,
            "megabytes": settings.megabytes,
        }
        for file, text in self.files.items():
            (place / file).write_text(text.format(**values))
        return self.command.format(**values).split()


def built(name: str, place: Path) -> Path:
    """Build a program of floor/ and give its path."""
    program = place / name
    if not program.exists():
        subprocess.run(["cc", "-O2", "-Wall", "-o", str(program), str(HERE / "floor" / f"{name}.c")], check=True)
    return program


def floor(place: Path) -> Subject:
    """Give the echo as a subject."""
    program = built("echo", place)
    return Subject(name="floor", command=f"{program} {SERVER} 53", files={}, is_echo=True)


def nodens(command: str = NODENS) -> Subject:
    """Give nodens, run by `command` (`{d}`, `{workers}` are filled in)."""
    return Subject(name="nodens", command=command, files={"Corefile": COREFILE})


UNBOUND_SUBJECT = Subject(name="unbound", command="unbound -d -c {d}/unbound.conf", files={"unbound.conf": UNBOUND})
DNSDIST_SUBJECT = Subject(
    name="dnsdist",
    command="dnsdist --supervised -C {d}/dnsdist.conf --disable-syslog -u root -g root",
    files={"dnsdist.conf": DNSDIST},
)


def by_name(name: str, place: Path, command: str = NODENS) -> Subject:
    """Give a subject by the name of the tables."""
    makers: dict[str, Callable[[], Subject]] = {
        "floor": lambda: floor(place),
        "unbound": lambda: UNBOUND_SUBJECT,
        "dnsdist": lambda: DNSDIST_SUBJECT,
        "nodens": lambda: nodens(command),
    }
    if name not in makers:
        raise SystemExit(f"`{name}` is no subject; expected one of {', '.join(makers)}")
    return makers[name]()
