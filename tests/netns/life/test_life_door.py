"""Who knocks at the door of the hand-over, who takes its name, and who only says strange things there."""
# ruff: noqa: T201 - figures are printed, for those who run it with -s

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event

import pytest
from node_life import Load, Program, in_namespace
from small_world import World, inside

from nodens.lifecycle import door, handover

pytestmark = pytest.mark.netns

Start = Callable[..., Program]
Begin = Callable[..., Load]
STEERED = r"^\[INFO\] steering: "
NAME = handover.door_name("169.254.20.10", 53)
NOBODY = ("setpriv", "--reuid=65534", "--clear-groups", "--bounding-set=-all", "--inh-caps=-all")
ROOT_WITHOUT_RIGHTS = ("setpriv", "--bounding-set=-all", "--inh-caps=-all")
HOLDS = """
import socket, sys
held = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
held.bind({name!r})
{more}
print("ready", flush=True)
sys.stdin.read()
"""
LISTENS = "held.listen()"
IS_FULL = """held.listen(0)
guests = [socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) for _ in range(3)]
for guest in guests:
    guest.setblocking(False)
    try:
        guest.connect({name!r})
    except BlockingIOError:
        pass
"""


@contextmanager
def squatter(node: World, around: tuple[str, ...], more: str) -> Iterator[subprocess.Popen[bytes]]:
    """Somebody who has the name of the door."""
    process = in_namespace(
        node.node, *around, sys.executable, "-c", HOLDS.format(name=NAME, more=more.format(name=NAME))
    )
    assert process.stdout
    try:
        assert process.stdout.readline() == b"ready\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def knock(node: World) -> socket.socket:
    """Come to the door."""
    with inside(node.node):
        guest = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    guest.settimeout(10)
    guest.connect(NAME)
    return guest


@pytest.mark.parametrize("flags", [(), ("-takeover",)], ids=["alone", "takeover"])
@pytest.mark.parametrize(
    ("around", "more", "told"),
    [
        pytest.param(NOBODY, LISTENS, "is of user 65534, we are of 0; we go on", id="another user listens"),
        pytest.param(NOBODY, IS_FULL, "it does not open its door; we go on", id="another user's door is full"),
        pytest.param(NOBODY, "", "the name of the hand-over is somebody else's", id="another user holds it shut"),
        pytest.param(ROOT_WITHOUT_RIGHTS, LISTENS, "no word from it in 2 s; we go on", id="uid 0 without rights"),
    ],
)
def test_who_only_has_the_name_keeps_nobody_from_serving(  # noqa: PLR0917 - pytest hands them in by name
    node: World, start: Start, around: tuple[str, ...], more: str, told: str, flags: tuple[str, ...]
) -> None:
    with squatter(node, around, more):
        program = start(node, *flags)
        program.until(STEERED)
        assert told in program.said
        assert "[WARNING] 169.254.20.10:53: " in program.said
    program.until("the name of the hand-over is free")
    successor = start(node, "-takeover")
    successor.until(f"took over from pid {program.pid} in")
    assert program.wait() == 0


def test_another_users_agent_is_not_started_beside(node: World, start: Start) -> None:
    """The name is a hint; the port is the proof."""
    node.on_node("ip", "addr", "add", "169.254.20.10/32", "dev", "lo")
    holder = node.serve(node.node, "169.254.20.10", b"x")
    with squatter(node, NOBODY, LISTENS) as somebody:
        program = start(node, "-takeover")
        assert program.wait() == 1
    node.stop(holder)
    assert f"the process at the other end (pid {somebody.pid}) is of user 65534, we are of 0" in program.said
    assert "169.254.20.10:53/udp: cannot bind: address in use (pid " in program.said


THIEF = """
import json, socket
line = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
line.settimeout(5)
line.connect({name!r})
line.send(json.dumps({{"asks": "who", "said": "x"}}).encode())
_, theirs, _, _ = socket.recv_fds(line, 65536, 8)
proof = {proof}
socket.send_fds(line, [json.dumps({{"asks": "all", "states": [1]}}).encode()], proof)
answer, given, _, _ = socket.recv_fds(line, 65536, 253)
print(len(theirs), json.loads(answer).get("refuses"), len(given))
"""


@pytest.mark.parametrize(
    "proof",
    [
        pytest.param("[]", id="nothing"),
        pytest.param("[socket.create_server(('127.0.0.1', 5354), reuse_port=True).detach()]", id="a port"),
        pytest.param("[socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12).detach()]", id="a netlink socket"),
        pytest.param("theirs", id="our own proof sent back"),
    ],
)
def test_a_thief_of_our_uid_without_rights_gets_nothing(node: World, start: Start, load: Begin, proof: str) -> None:
    first = start(node)
    first.until(STEERED)
    pod = load(node)
    script = THIEF.format(name=NAME, proof=proof)
    process = in_namespace(node.node, *ROOT_WITHOUT_RIGHTS, sys.executable, "-c", script)
    out, _ = process.communicate(timeout=20)
    assert out.decode() == "4 it does not prove that it may steer traffic here 0\n"
    story = pod.end()
    print(f"a thief: {story}")
    assert story.by("node") == len(story.rows)


def borrow(node: World) -> handover.Predecessor:
    """Ask for all, as a successor does, and have it."""
    with inside(node.node):
        before = handover.meet(NAME)
        assert before
        before.borrow()
    assert before.estate, before.refusal
    return before


def test_stalled_guests_hold_up_neither_the_end_nor_a_reload(node: World, start: Start) -> None:
    program = start(node)
    program.until(STEERED)
    guest = borrow(node)
    silent = [knock(node) for _ in range(door.VISITS_LIMIT - 2)]
    with inside(node.node):
        other = handover.meet(NAME)
        assert other
        other.borrow()
    assert (other.is_agent, other.refusal) == (True, "it is busy handing over to another one")
    more = [knock(node), knock(node)]
    said = [json.loads(each.recv(4096)) for each in more[1:]]
    assert [each["refuses"] for each in said] == ["it is busy with others"]
    at = program.send(signal.SIGTERM)
    assert program.wait() == 0
    print(f"SIGTERM with stalled guests: {time.monotonic() - at:.2f} s")
    assert time.monotonic() - at < door.VISITS_LIMIT  # a guest is waited for ten seconds
    for each in (*silent, *more):
        each.close()
    assert guest.estate
    guest.estate.close()
    for each in (guest, other):
        each.close()


def test_a_reload_waits_until_what_was_lent_is_back(node: World, start: Start) -> None:
    program = start(node)
    program.until(STEERED)
    guest = borrow(node)
    program.template.write_text(program.template.read_text().replace("cache 30", "cache 20"))
    program.send(signal.SIGHUP)
    program.until("SIGHUP: Reloading")
    Event().wait(0.3)
    assert "Reloading complete" not in program.said
    assert guest.estate
    guest.estate.close()
    guest.close()
    program.until("Reloading complete")
    assert program.said.index("nothing was handed over") < program.said.index("Reloading complete")


@pytest.mark.parametrize(
    "words",
    [
        pytest.param([b"[" * 60_000], id="deeper than Python goes"),
        pytest.param([b"\xff\xfe"], id="no text"),
        pytest.param([b"7"], id="a number"),
        pytest.param([b"{}", b"{}"], id="nothing asked"),
        pytest.param([b'{"asks": 7, "said": {"a": 1}, "states": 7}', b'{"asks": "all", "states": 7}'], id="odd types"),
        pytest.param([b'{"said": "x"}', b'{"asks": "all", "states": [1]}'], id="no proof"),
        pytest.param([b"x" * 65_000, b"x"], id="much"),
    ],
)
def test_strange_words_harm_nobody(node: World, start: Start, words: list[bytes]) -> None:
    program = start(node)
    program.until(STEERED)
    with knock(node) as guest:
        for word in words:
            try:
                guest.send(word)
                guest.recv(4096)
            except OSError:
                break
    successor = start(node, "-takeover")
    successor.until("took over from")
    assert program.wait() == 0
    assert "Traceback" not in program.said


def test_a_guest_that_would_not_wait_is_heard_to_live_beside(node: World, start: Start) -> None:
    first = start(node)
    first.until(STEERED)
    first.send(signal.SIGSTOP)
    second = start(node, "-takeover")
    second.until("hands nothing over: no word from it in 2 s; both serve until it is stopped")
    first.send(signal.SIGCONT)  # before it asks itself: one that hangs gets half of what is asked on the ports
    second.until(STEERED)
    first.until(r"nodens 0.1.0 \(pid \d+\) lives beside us now")


FORGES = """
import json, os, socket
for _ in range(200):
    line = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    line.settimeout(5)
    line.connect({name!r})
    try:
        line.send(json.dumps({{"asks": "who", "said": "x", "nodens": "1\\n[ERROR] forged\\x1b[2J"}}).encode())
        _, given, _, _ = socket.recv_fds(line, 65536, 8)
        for each in given:
            os.close(each)
        line.send(json.dumps({{"beside": True}}).encode())
        line.recv(4096)
    except OSError:
        pass
    line.close()
print("done")
"""


def test_who_proves_nothing_has_one_line_a_minute_and_none_of_his_own(node: World, start: Start) -> None:
    program = start(node)
    program.until(STEERED)
    script = FORGES.format(name=NAME)
    process = in_namespace(node.node, *ROOT_WITHOUT_RIGHTS, sys.executable, "-c", script)
    assert process.communicate(timeout=20)[0] == b"done\n"
    second = start(node, "-takeover", "-interfacename=other")  # steers otherwise: it lives beside, and proves itself
    program.until(rf"nodens 0\.1\.0 \(pid {second.pid}\) lives beside us now")
    said = [line for line in program.said.splitlines() if "lives beside us now" in line]
    assert len(said) == 2
    assert said[0].startswith("[INFO] nodens 1?[ERROR] forged?[2J (pid ")
    assert "\x1b" not in program.said


SAYS = """
import socket, sys
held = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
held.bind({name!r})
held.listen()
print("ready", flush=True)
while True:
    line, _ = held.accept()
    line.recv(65536)
    line.send(b'{{"nodens": "1", "refuses": "x\\\\n[ERROR] forged \\\\ud800\\\\u001b[2J"}}')
"""


def test_what_a_squatter_says_is_no_line_of_ours(node: World, start: Start) -> None:
    process = in_namespace(node.node, *ROOT_WITHOUT_RIGHTS, sys.executable, "-c", SAYS.format(name=NAME))
    assert process.stdout
    try:
        assert process.stdout.readline() == b"ready\n"
        program = start(node)
        program.until(STEERED)
    finally:
        process.kill()
        process.communicate()
    assert "does not serve: x?[ERROR] forged ??[2J; we go on\n" in program.said
