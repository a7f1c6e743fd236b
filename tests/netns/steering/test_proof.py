"""Who may change a namespace's rules can prove it, and nobody else can: each row is somebody who tries."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest
from small_world import PACKAGE, World, inside

from nodens import network

pytestmark = pytest.mark.netns
NUMBER = 0x1234_5678
AS_SOMEBODY = """
import socket, sys
sys.path.insert(0, {package!r})
from nodens import network
line = socket.socket(fileno=0)
number = {number}
try:
    proof = {proof}
    socket.send_fds(line, [b"x"], [proof.fileno()])
except OSError as error:
    line.send(error.strerror.encode())
"""
PROVES = "network.prove(number)"
A_PORT = "socket.create_server(('127.0.0.1', 53), reuse_port=True)"
A_NETLINK_SOCKET = "(lambda s: s.bind((number, 0)) or s)(socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12))"
NO_RIGHTS = ("setpriv", "--bounding-set=-all", "--inh-caps=-all")
AS_RUNTIMES_GIVE = ("setpriv", "--bounding-set=-all,+net_raw,+net_bind_service", "--inh-caps=-all")


def sent_by(world: World, around: tuple[str, ...], proof: str, number: int = NUMBER) -> tuple[str, list[int]]:
    """Let another process on the node make a proof and send it: what it said, and what came."""
    ours, theirs = socket.socketpair()
    with ours:
        ours.settimeout(10)
        script = AS_SOMEBODY.format(package=str(PACKAGE), number=number, proof=proof)
        words = ["ip", "netns", "exec", world.node, *around, sys.executable, "-c", script]
        with theirs, subprocess.Popen(words, stdin=theirs) as process:
            raw, descriptors, _, _ = socket.recv_fds(ours, 64, 4)
            process.wait(10)
    return raw.decode(), list(descriptors)


@pytest.mark.parametrize(
    ("around", "proof", "said"),
    [
        pytest.param((), PROVES, "x", id="an agent"),
        pytest.param(NO_RIGHTS, PROVES, "Operation not permitted", id="uid 0 without capabilities"),
        pytest.param(AS_RUNTIMES_GIVE, PROVES, "Operation not permitted", id="what runtimes give uid 0"),
        pytest.param(("unshare", "-Ur"), PROVES, "Operation not permitted", id="root of a user namespace"),
        pytest.param(("unshare", "-n"), PROVES, "another namespace", id="root of another network namespace"),
        pytest.param(("unshare", "-Urn"), PROVES, "another namespace", id="root of both kinds of namespaces"),
        pytest.param((), A_PORT, "not a proof", id="a socket of port 53"),
        pytest.param(NO_RIGHTS, A_NETLINK_SOCKET, "not a proof", id="a netlink socket that hears nothing"),
        pytest.param((), "network.prove(number + 1)", "not a proof", id="one made for another number"),
        pytest.param((), "open('/dev/null')", "not a proof", id="no socket at all"),
    ],
)
def test_only_who_may_change_the_rules_of_this_namespace_has_a_proof(
    world: World, around: tuple[str, ...], proof: str, said: str
) -> None:
    with inside(world.node):
        told, descriptors = sent_by(world, around, proof)
        try:
            is_agent = [network.is_proof(each, NUMBER) for each in descriptors]
        finally:
            for each in descriptors:
                os.close(each)
    if said == "x":
        assert is_agent == [True]
    elif said in {"another namespace", "not a proof"}:
        assert (told, is_agent) == ("x", [False])
    else:
        assert (told, is_agent) == (said, [])


def test_a_proof_in_another_namespace_would_count_there(world: World) -> None:
    """It is the namespace alone that makes the difference in the rows above."""
    with inside(world.pod):
        proof = network.prove(NUMBER)
        assert network.is_proof(proof.fileno(), NUMBER)
    with proof, inside(world.node):
        assert not network.is_proof(proof.fileno(), NUMBER)


def test_the_number_of_a_proof_tells_who_spoke_with_whom_about_what() -> None:
    numbers = {
        network.number_for(name, said, heard, is_answer=is_answer)
        for name in ("169.254.20.10", "169.254.20.11")
        for said in ("a", "b")
        for heard in ("a", "b")
        for is_answer in (False, True)
    }
    assert len(numbers) == 16
    assert min(numbers) > 1 << 22  # above every pid


@pytest.mark.parametrize("is_answer", [False, True])
def test_no_answer_can_be_passed_off_as_a_question(is_answer: bool) -> None:  # noqa: FBT001 - a row
    assert {network.number_for(str(each), is_answer=is_answer) & 1 for each in range(1000)} == {int(is_answer)}


def test_a_descriptor_that_is_not_open_is_no_proof() -> None:
    assert not network.is_proof(1_000_000, NUMBER)
    assert not network.is_proof(-1, NUMBER)
