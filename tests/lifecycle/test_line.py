"""A line between two processes: whatever comes over it ends in a message, or in a HandoverError that says why."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest

from nodens.lifecycle.line import HandoverError, Line

Ends = tuple[Line, socket.socket]


@pytest.fixture
def ends() -> Iterator[Ends]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    line = Line(ours)
    yield line, theirs
    line.close()
    theirs.close()


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        pytest.param(b'{"reads": true}', {"reads": True}, id="a word"),
        pytest.param(b"{}", {}, id="nothing"),
        pytest.param(b"[]", "it says what nobody understands", id="a list"),
        pytest.param(b'{"reads"', "it says what nobody understands", id="half a word"),
        pytest.param(b"\xff", "it says what nobody understands", id="no text"),
        pytest.param(b"[" * 60_000, "it says what nobody understands", id="deeper than Python goes"),
        pytest.param(b"9" * 5_000, "it says what nobody understands", id="a longer number than Python reads"),
        pytest.param(b" " * 65_536 + b"{}", "it says what nobody understands", id="more than we read"),
    ],
)
def test_what_comes_is_a_message_or_an_error(ends: Ends, raw: bytes, told: object) -> None:
    line, theirs = ends
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    theirs.send(raw)
    if isinstance(told, str):
        with pytest.raises(HandoverError, match=told):
            line.hear()
    else:
        assert line.hear() == (told, [])


def test_descriptors_of_what_is_not_understood_are_closed(ends: Ends) -> None:
    line, theirs = ends
    read_end, write_end = os.pipe()
    socket.send_fds(theirs, [b"nonsense"], [write_end])
    os.close(write_end)
    with pytest.raises(HandoverError):
        line.hear()
    assert os.read(read_end, 1) == b""
    os.close(read_end)


def test_silence_and_an_end_are_told_apart(ends: Ends) -> None:
    line, theirs = ends
    with pytest.raises(HandoverError, match=r"no word from it in 0\.01 s"):
        line.hear(0.01)
    assert line.is_open()
    theirs.close()
    assert not line.is_open()
    with pytest.raises(HandoverError, match="it closed the connection"):
        line.hear()
    with pytest.raises(HandoverError, match="cannot reach it: broken pipe"):
        line.say({})


def test_a_word_that_was_not_expected_is_an_error(ends: Ends) -> None:
    line, theirs = ends
    theirs.send(b'{"left": true}')
    assert line.hear_word(("left",)) == "left"
    theirs.send(b'{"left": false}')
    with pytest.raises(HandoverError, match="it says what was not expected"):
        line.hear_word(("left",))


def test_who_hangs_up_with_a_word_unread_has_not_heard_it(ends: Ends) -> None:
    line, theirs = ends
    line.say({"gone": True})
    theirs.close()
    assert not line.was_heard()


def test_who_hangs_up_after_the_last_word_has_heard_it(ends: Ends) -> None:
    line, theirs = ends
    line.say({"gone": True})
    theirs.recv(4096)
    theirs.close()
    assert line.was_heard()


def test_who_says_nothing_more_may_have_heard_it(ends: Ends) -> None:
    line, _ = ends
    line.say({"gone": True})
    assert line.was_heard(0.01)
