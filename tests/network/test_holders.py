"""Who serves an address, by the sockets of the namespace: exact ones, those on all addresses, ours and strangers'."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from nodens import network
from nodens.errors import NetworkError
from nodens.network import holders, sockets

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
ROW = "   0: {at}:0035 00000000:0000 {state} 00000000:00000000 00:00000000 00000000     0        0 {inode} 1\n"
UNIX = """Num       RefCount Protocol Flags    Type St Inode Path
0000000000000000: 00000002 00000000 00010000 0001 01 6 @nodens/10.96.0.10/53
0000000000000000: 00000002 00000000 00010000 0005 01 7 @nodens/169.254.20.10/53
0000000000000000: 00000002 00000000 00010000 0005 01 8 @nodens/fd00:20::10/5353
0000000000000000: 00000002 00000000 00010000 0001 01 9 /run/nodens/10.0.0.1/53
"""
ALL, ALL6 = "0" * 8, "0" * 32
OURS = ("169.254.20.10", "fd00:20::10")


def proc(folder: Path, *rows: tuple[str, str, str, int]) -> Path:
    """Make a /proc of these sockets, of which 7 is our own."""
    folder.mkdir(exist_ok=True)
    for name in ("tcp", "tcp6", "udp", "udp6"):
        text = "".join(ROW.format(at=at, state=state, inode=inode) for where, at, state, inode in rows if where == name)
        (folder / "net").mkdir(exist_ok=True)
        (folder / "net" / name).write_text(HEAD + text)
    (folder / "self" / "fd").mkdir(parents=True)
    (folder / "self" / "fd" / "3").symlink_to("socket:[7]")
    (folder / "net" / "unix").write_text(UNIX)
    return folder


@pytest.mark.parametrize(
    ("row", "served", "overlapped", "strangers"),
    [
        pytest.param(("udp", "0A14FEA9", "07", 8), OURS[:1], (), OURS[:1], id="a stranger's UDP socket"),
        pytest.param(("udp", "0A14FEA9", "07", 7), OURS[:1], (), (), id="our own"),
        pytest.param(("udp", "0A14FEA9", "01", 8), (), (), (), id="a connected one hears no stranger: it drains"),
        pytest.param(("tcp", "0A14FEA9", "0A", 8), OURS[:1], (), OURS[:1], id="a TCP listener"),
        pytest.param(("tcp", "0A14FEA9", "01", 8), (), (), (), id="a TCP connection"),
        pytest.param(("udp", ALL, "07", 8), (), OURS[:1], OURS[:1], id="all of IPv4"),
        pytest.param(("udp6", ALL6, "07", 8), (), OURS, OURS, id="all of IPv6, perhaps of IPv4, too"),
        pytest.param(("tcp6", ALL6, "0A", 7), (), OURS, (), id="our own on all"),
        pytest.param(
            ("udp6", "0000000000000000FFFF00000A14FEA9", "07", 8), OURS[:1], (), OURS[:1], id="IPv4 by an IPv6 socket"
        ),
    ],
)
def test_a_socket_tells_whom_it_serves(
    tmp_path: Path,
    row: tuple[str, str, str, int],
    served: tuple[str, ...],
    overlapped: tuple[str, ...],
    strangers: tuple[str, ...],
) -> None:
    folder = proc(tmp_path, row)
    assert holders.served(OURS, 53, folder) == served
    assert holders.overlapped(OURS, 53, folder) == overlapped
    assert holders.strangers(OURS, 53, folder) == strangers
    assert holders.strangers(OURS, 54, folder) == ()


def test_the_doors_of_a_port_are_those_of_agents_that_serve_it(tmp_path: Path) -> None:
    assert holders.doors(53, proc(tmp_path)) == ("169.254.20.10",)


def agents_door() -> socket.socket:
    """Make a socket of the type that a door has."""
    return socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def test_a_socket_of_another_type_with_the_name_of_a_door_is_none() -> None:
    """Abstract names are per type: it disturbs nobody, and anybody can make one."""
    name = "\0nodens/127.0.0.79/5399"
    with socket.socket(socket.AF_UNIX) as stream, agents_door() as door:
        stream.bind(name)
        stream.listen()
        assert holders.doors(5399) == ()
        assert network.survey_doors(("127.0.0.79",), 5399) == ()
        door.bind(name)
        door.listen()
        assert holders.doors(5399) == ("127.0.0.79",)
        (found,) = network.survey_doors(("127.0.0.79",), 5399)
        assert found.is_open


def test_what_cannot_be_seen_is_an_error_and_not_nobody(tmp_path: Path) -> None:
    (tmp_path / "self" / "fd").mkdir(parents=True)  # as a procfs with `subset=pid` is
    for ask in (holders.served, holders.overlapped, holders.strangers):
        with pytest.raises(NetworkError, match=r"^port 53: cannot see who serves: .*net/tcp: no such file"):
            ask(OURS, 53, tmp_path)
    with pytest.raises(NetworkError, match=r"^unix sockets: cannot see who serves: "):
        holders.doors(53, tmp_path)
    proc(tmp_path / "whole", ("udp", "0A14FEA9", "07", 8))
    shutil.rmtree(tmp_path / "whole" / "self")
    with pytest.raises(NetworkError, match=r"^sockets of our own: cannot see who serves: "):
        holders.strangers(OURS, 53, tmp_path / "whole")


def test_real_sockets_of_this_process_are_its_own_and_a_childs_are_a_strangers() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mine, agents_door() as door:
        mine.bind(("127.0.0.77", 0))
        port = mine.getsockname()[1]
        assert holders.doors(port) == ()
        door.bind(f"\0nodens/127.0.0.77/{port}")
        door.listen()
        assert holders.strangers(("127.0.0.77",), port) == ()
        assert holders.doors(port) == ("127.0.0.77",)
        words = (
            "import socket, sys; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM);"
            f"s.bind(('127.0.0.78', {port})); print(flush=True); sys.stdin.read()"
        )
        child = subprocess.Popen([sys.executable, "-c", words], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert child.stdout
        assert child.stdout.readline() == b"\n"
        assert holders.strangers(("127.0.0.77", "127.0.0.78"), port) == ("127.0.0.78",)
        child.communicate()


def test_the_kernel_and_proc_tell_the_same_of_sockets_and_doors() -> None:
    """Where one of them is hidden, the other one is asked."""
    everything = Path("/proc")
    with contextlib.ExitStack() as held:
        udp = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        udp.bind(("127.0.0.77", 0))
        port = udp.getsockname()[1]
        for family, host in ((socket.AF_INET6, "::1"), (socket.AF_INET6, "::ffff:127.0.0.78"), (socket.AF_INET, "")):
            tcp = held.enter_context(socket.socket(family, socket.SOCK_STREAM))
            if family == socket.AF_INET6:
                tcp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(host == "::1"))
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            tcp.bind((host, port))
            tcp.listen()
        door = held.enter_context(agents_door())
        door.bind(f"\0nodens/127.0.0.77/{port}")
        door.listen()
        found = sockets.waiting(port)
        assert {str(each.address) for each in found} == {"127.0.0.77", "127.0.0.78", "::1", "0.0.0.0"}
        assert set(found) == set(sockets.waiting(port, everything))
        mine = [each for each in sockets.doors() if each.port == port]
        assert mine == [each for each in sockets.doors(everything) if each.port == port]
        assert [each.is_listening for each in mine] == [True]
