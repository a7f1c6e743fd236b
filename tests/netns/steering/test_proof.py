"""Who may change a namespace's rules can prove it, and nobody else can: each row is somebody who tries."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from contextlib import ExitStack

import pytest
from small_world import PACKAGE, World, inside

from nodens import network

pytestmark = pytest.mark.netns
NUMBERS = (0x1234_5678, 0x1234_567A, 0x1234_567C, 0x1234_567E)
AS_SOMEBODY = """
import socket, sys
sys.path.insert(0, {package!r})
from nodens import network
line = socket.socket(fileno=0)
numbers = {numbers}
try:
    with {proof} as proof:
        socket.send_fds(line, [b"x"], proof if isinstance(proof, list) else 4 * [proof.fileno()])
except OSError as error:
    line.send(error.strerror.encode())
"""
PROVES = "network.prove(numbers)"
A_PORT = "socket.create_server(('127.0.0.1', 53), reuse_port=True)"
A_NETLINK_SOCKET = "(lambda s: s.bind((numbers[0], 0)) or s)(socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12))"
NO_RIGHTS = ("setpriv", "--bounding-set=-all", "--inh-caps=-all")
AS_RUNTIMES_GIVE = ("setpriv", "--bounding-set=-all,+net_raw,+net_bind_service", "--inh-caps=-all")


def sent_by(
    world: World, around: tuple[str, ...], proof: str, numbers: tuple[int, ...] = NUMBERS
) -> tuple[str, list[int]]:
    """Let another process on the node make a proof and send it: what it said, and what came."""
    ours, theirs = socket.socketpair()
    with ours:
        ours.settimeout(10)
        script = AS_SOMEBODY.format(package=str(PACKAGE), numbers=numbers, proof=proof)
        words = ["ip", "netns", "exec", world.node, *around, sys.executable, "-c", script]
        with theirs, subprocess.Popen(words, stdin=theirs) as process:
            raw, descriptors, _, _ = socket.recv_fds(ours, 64, 8)
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
        pytest.param((), "network.prove([n + 1 for n in numbers])", "not a proof", id="for other numbers"),
        pytest.param(
            (), "network.prove((*numbers[:3], 77 << 22))", "not a proof", id="one of four is of another number"
        ),
        pytest.param((), "network.prove(numbers[:3])", "not a proof", id="three of four"),
        pytest.param((), "network.prove(numbers[::-1])", "not a proof", id="in another order"),
        pytest.param((), "network.prove(())", "not a proof", id="nothing"),
        pytest.param((), "open('/dev/null')", "not a proof", id="no socket at all"),
    ],
)
def test_only_who_may_change_the_rules_of_this_namespace_has_a_proof(
    world: World, around: tuple[str, ...], proof: str, said: str
) -> None:
    with inside(world.node):
        told, descriptors = sent_by(world, around, proof)
        try:
            is_agent = network.is_proof(descriptors, NUMBERS)
        finally:
            for each in descriptors:
                os.close(each)
    if said == "x":
        assert (is_agent, len(descriptors)) == (True, 4)
    elif said in {"another namespace", "not a proof"}:
        assert (told, is_agent) == ("x", False)
    else:
        assert (told, descriptors) == (said, [])


def test_a_proof_in_another_namespace_would_count_there(world: World) -> None:
    """It is the namespace alone that makes the difference in the rows above."""
    with ExitStack() as made:
        with inside(world.pod):
            proof = made.enter_context(network.prove(NUMBERS))
            assert network.is_proof(proof, NUMBERS)
        with inside(world.node):
            assert not network.is_proof(proof, NUMBERS)


def test_the_numbers_of_a_proof_tell_who_spoke_with_whom_about_what() -> None:
    """Each has 30 bits, and no two of all are equal: whoever wants another's proof must hit all four at once."""
    numbers = [
        network.numbers_for(name, said, heard, is_answer=is_answer)
        for name in ("169.254.20.10", "169.254.20.11")
        for said in ("a", "b")
        for heard in ("a", "b")
        for is_answer in (False, True)
    ]
    each = [number for row in numbers for number in row]
    assert (len(numbers), len(set(each)), len(each)) == (16, 64, 64)
    assert min(each) > 1 << 22  # above every pid


@pytest.mark.parametrize("is_answer", [False, True])
def test_no_answer_can_be_passed_off_as_a_question(is_answer: bool) -> None:  # noqa: FBT001 - a row
    numbers = {n & 1 for each in range(1000) for n in network.numbers_for(str(each), is_answer=is_answer)}
    assert numbers == {int(is_answer)}


def test_what_is_not_open_or_nothing_is_no_proof() -> None:
    assert not network.is_proof([1_000_000] * 4, NUMBERS)
    assert not network.is_proof([-1] * 4, NUMBERS)
    assert not network.is_proof([], ())
