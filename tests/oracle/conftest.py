"""Three programs on loopback: NSD with a zone of every shape, unbound and nodens forwarding to it."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import dns.exception
import dns.message
import dns.query
import pytest

NSD, UNBOUND, NODENS = "127.0.77.1", "127.0.77.2", "127.0.77.3"
PORT = 5301
PATIENCE_S = 10.0

_A_MANY = "\n".join(f"many A 10.0.1.{number}" for number in range(1, 41))
ZONE = f"""$ORIGIN example.
$TTL 300
@ SOA ns hostmaster 1 7200 1800 86400 60
@ NS ns
@ MX 10 mail
@ MX 20 mail2.example.
@ CAA 0 issue "ca.example"
ns A 10.0.0.53
ns AAAA fd00::53
mail A 10.0.0.25
mail2 A 10.0.0.26
www CNAME web
web A 10.0.0.80
web AAAA fd00::80
loop1 CNAME chain1
chain1 CNAME chain2
chain2 CNAME web
dangling CNAME nothing.example.
tonodata CNAME mail
text TXT "one" "two \\"quoted\\" and ; more"
long TXT "{"x" * 250}" "{"y" * 250}" "{"z" * 250}" "{"w" * 250}" "{"v" * 250}" "{"u" * 250}"
_http._tcp SRV 0 5 80 web
_http._tcp SRV 1 5 8080 mail
naptr NAPTR 100 10 "u" "E2U+sip" "!^.*$!sip:a@example!" .
svcb HTTPS 1 . alpn=h2 ipv4hint=10.0.0.80
*.wild A 10.0.0.99
empty.nonterminal A 10.0.0.7
short 1 A 10.0.0.1
zero 0 A 10.0.0.2
sshfp SSHFP 1 1 0123456789abcdef0123456789abcdef01234567
unknown TYPE65280 \\# 4 0a000001
rp RP hostmaster.example. text.example.
dname DNAME other.example.
leaf.other A 10.0.0.44
{_A_MANY}
"""

NSD_CONF = """server:
  ip-address: {address}
  port: {port}
  username: ""
  zonesdir: "{folder}"
  database: ""
  pidfile: "{folder}/nsd.pid"
  xfrdfile: "{folder}/xfrd.state"
  zonelistfile: "{folder}/zone.list"
  server-count: 1
remote-control:
  control-enable: no
zone:
  name: example
  zonefile: example.zone
"""

UNBOUND_CONF = """server:
  directory: "{folder}"
  chroot: ""
  username: ""
  pidfile: "{folder}/unbound.pid"
  use-syslog: no
  interface: {address}@{port}
  access-control: 127.0.0.0/8 allow
  num-threads: 1
  module-config: "iterator"
  do-not-query-localhost: no
  minimal-responses: no
  rrset-roundrobin: no
forward-zone:
  name: "example."
  forward-addr: {upstream}@{port}
remote-control:
  control-enable: no
"""

COREFILE = """.:{port} {{
    bind {address}
    cache 300
    forward . {upstream}:{port}
    errors
}}
"""


def is_up(address: str) -> bool:
    """Whether something answers DNS there."""
    try:
        dns.query.udp(dns.message.make_query("example.", "SOA"), address, port=PORT, timeout=0.2)
    except (OSError, dns.exception.DNSException):
        return False
    return True


@contextmanager
def program(address: str, command: list[str], log: Path) -> Iterator[None]:
    """Run a server until the block ends; wait until it answers."""
    with log.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=out) as process:
        try:
            deadline = time.monotonic() + PATIENCE_S
            while not is_up(address):
                if process.poll() is not None or time.monotonic() > deadline:
                    pytest.fail(f"{command[0]} does not answer on {address}:\n{log.read_text()}")
                time.sleep(0.02)
            yield
        finally:
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()


@pytest.fixture(scope="session")
def three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Start NSD, unbound and nodens."""
    folder = tmp_path_factory.mktemp("oracle")
    path = "/usr/sbin:/sbin:/usr/bin:/bin"
    with socket.socket() as probe:
        if probe.connect_ex((NSD, PORT)) == 0:
            pytest.fail(f"{NSD}:{PORT} is taken")
    (folder / "example.zone").write_text(ZONE)
    (folder / "nsd.conf").write_text(NSD_CONF.format(folder=folder, address=NSD, port=PORT))
    (folder / "unbound.conf").write_text(UNBOUND_CONF.format(folder=folder, address=UNBOUND, port=PORT, upstream=NSD))
    (folder / "Corefile").write_text(COREFILE.format(address=NODENS, port=PORT, upstream=NSD))
    nsd, unbound = shutil.which("nsd", path=path) or "nsd", shutil.which("unbound", path=path) or "unbound"
    nodens = [sys.executable, "-m", "nodens", "run", "--corefile", str(folder / "Corefile")]
    with (
        program(NSD, [nsd, "-d", "-c", str(folder / "nsd.conf")], folder / "nsd.log"),
        program(UNBOUND, [unbound, "-d", "-c", str(folder / "unbound.conf")], folder / "unbound.log"),
        program(NODENS, nodens, folder / "nodens.log"),
    ):
        yield


@pytest.fixture
def beside(needs: Callable[..., None], request: pytest.FixtureRequest) -> None:
    """Check that the programs are there, then that they run."""
    needs(programs=("nsd", "unbound"))
    request.getfixturevalue("three")
