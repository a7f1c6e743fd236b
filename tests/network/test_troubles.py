"""Errors keep their errno, and are counted under the original's types."""

from __future__ import annotations

import errno
import os
import socket
import struct
import sys
from pathlib import Path

import pytest

from nodens import network
from nodens.errors import NetworkError
from nodens.network import ErrorType, Step, holders, netlink
from nodens.network.iptables import Iptables
from nodens.network.model import gather, refused
from nodens.network.saved import Saved


@pytest.mark.parametrize("step", list(Step))
def test_every_step_is_counted_under_one_of_the_originals_types(step: Step) -> None:
    assert network.error_type(NetworkError(step, "x", "y")) in ErrorType


@pytest.mark.parametrize(
    ("step", "wanted"),
    [
        pytest.param(Step.ADD_LINK, ErrorType.INTERFACE_ADD, id="a link"),
        pytest.param(Step.ADD_ADDRESS, ErrorType.INTERFACE_ADD, id="an address"),
        pytest.param(Step.CHECK_LINK, ErrorType.INTERFACE_CHECK, id="a look"),
        pytest.param(Step.TAKE_LOCK, ErrorType.IPTABLES_LOCK, id="the lock"),
        pytest.param(Step.LOAD_RULES, ErrorType.IPTABLES, id="rules"),
        pytest.param(Step.LOAD_TABLE, ErrorType.IPTABLES, id="a table"),
        pytest.param("something else", ErrorType.IPTABLES, id="a step of another room"),
    ],
)
def test_steps_are_counted_as_the_original_would(step: str, wanted: ErrorType) -> None:
    assert network.error_type(NetworkError(step, "x", "y")) is wanted


def test_a_refusal_keeps_its_errno_and_says_its_name() -> None:
    trouble = refused(Step.ADD_LINK, "nodelocaldns", OSError(errno.EPERM, "Operation not permitted"))
    assert trouble.errno == errno.EPERM
    assert str(trouble) == "nodelocaldns: cannot add the link: operation not permitted (EPERM)"


def test_several_troubles_are_told_in_one_and_one_alone_stays_itself() -> None:
    first = NetworkError(Step.REMOVE_LINK, "a", "why", 5)
    second = NetworkError(Step.LOAD_RULES, "b", "how")
    assert gather(Step.UNSTEER, "nodelocaldns", (first,)) is first
    both = gather(Step.UNSTEER, "nodelocaldns", (first, second))
    assert both.errno == 5
    assert str(both) == (
        "nodelocaldns: cannot unsteer: 2 steps failed: a: cannot remove the link: why;"
        " b: cannot load the iptables rules: how"
    )


def fake_tool(folder: Path, says: str, code: int) -> None:
    for verb in ("save", "restore"):
        path = folder / f"iptables-nft-{verb}"
        path.write_text(f"#!/bin/sh\necho '{says}' >&2\nexit {code}\n")
        path.chmod(0o755)


@pytest.mark.parametrize(
    ("says", "code", "step"),
    [
        pytest.param(
            "Another app is currently holding the xtables lock. Perhaps you want to use the -w option?",
            4,
            Step.TAKE_LOCK,
            id="the lock is held",
        ),
        pytest.param("iptables-restore: line 3 failed", 1, Step.LOAD_RULES, id="a line is refused"),
    ],
)
def test_a_lock_that_others_hold_is_told_from_rules_that_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str, code: int, step: Step
) -> None:
    fake_tool(tmp_path, says, code)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NetworkError) as caught:
        Iptables(flavour="nft").restore(4, "*raw\nCOMMIT\n")
    assert caught.value.step == step
    assert says in str(caught.value)


@pytest.mark.parametrize(
    "interpreter",
    [
        pytest.param(None, id="no such file any more"),
        pytest.param("Fatal Python error: init_fs_encoding: failed", id="its library is gone"),
        pytest.param("Traceback (most recent call last):\nImportError: no `ctypes`", id="half of it is gone"),
    ],
)
def test_a_tool_runs_though_our_own_interpreter_has_gone_from_under_us(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, interpreter: str | None
) -> None:
    """It puts a tool into our grave; without it a node would keep its rules."""
    (tmp_path / "iptables-nft-restore").write_text('#!/bin/sh\ncat > "$0.loaded"\n')
    (tmp_path / "iptables-nft-restore").chmod(0o755)
    python = tmp_path / "python"
    if interpreter is not None:
        python.write_text(f"#!/bin/sh\necho '{interpreter}' >&2\nexit 1\n")
        python.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(sys, "executable", str(python))
    Iptables(flavour="nft").restore(4, "*raw\nCOMMIT\n")
    assert (tmp_path / "iptables-nft-restore.loaded").read_text() == "*raw\nCOMMIT\n"


@pytest.mark.parametrize(
    ("says", "is_refused"),
    [
        pytest.param("*raw\n:PREROUTING ACCEPT\n-A PREROUTING -j A\nCOMMIT", True, id="refused though nothing changed"),
        pytest.param("*raw\n:PREROUTING ACCEPT\nCOMMIT", False, id="a neighbour took it away meanwhile"),
    ],
)
def test_a_transaction_that_a_neighbour_made_needless_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str, *, is_refused: bool
) -> None:
    """Two agents stopped together: the other one takes rules and set away after we have read them."""
    (tmp_path / "saved").write_text("*raw\n:PREROUTING ACCEPT\n-A PREROUTING -j A\nCOMMIT\n")
    (tmp_path / "then").write_text(says + "\n")
    (tmp_path / "iptables-nft-save").write_text(f"#!/bin/sh\ncat {tmp_path}/saved\n")
    (tmp_path / "iptables-nft-restore").write_text(
        f"#!/bin/sh\ncp {tmp_path}/then {tmp_path}/saved\necho Set nodens-4 does not exist >&2\nexit 1\n"
    )
    for verb in ("save", "restore"):
        (tmp_path / f"iptables-nft-{verb}").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    def compose(saved: Saved) -> str:
        return "".join(f"-D {line.line}\n" for line in saved.rules if line.table == "raw")

    tool = Iptables(flavour="nft")
    if is_refused:
        with pytest.raises(NetworkError, match="Set nodens-4 does not exist"):
            tool.edit(4, compose)
    else:
        tool.edit(4, compose)


def test_a_tool_that_is_not_there_is_named() -> None:
    with pytest.raises(NetworkError, match="ip6tables-none-restore: cannot load the iptables rules: no such program"):
        Iptables(flavour="none").restore(6, "")


# ------------ netlink ------------


def test_attributes_are_padded_nested_and_read_back() -> None:
    packed = netlink.text(1, "abc") + netlink.nested(2, netlink.attribute(3, b"12345"), netlink.attribute(4, b""))
    assert len(packed) % 4 == 0
    told = netlink.read_attributes(packed)
    assert netlink.read_text(told[1]) == "abc"
    assert netlink.read_attributes(told[2]) == {3: b"12345", 4: b""}


@pytest.mark.parametrize(
    "junk",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\x01", id="less than a head"),
        pytest.param(b"\x00\x00\x01\x00", id="a length of zero would never end"),
        pytest.param(b"\xff\x00\x01\x00ab", id="longer than there is"),
    ],
)
def test_attributes_that_are_cut_short_end_the_reading(junk: bytes) -> None:
    assert all(len(value) <= len(junk) for value in netlink.read_attributes(junk).values())


def test_an_answer_that_refuses_is_an_oserror_with_the_kernels_words() -> None:
    with netlink.NetlinkSocket(netlink.NETLINK_ROUTE) as kernel, pytest.raises(OSError, match=r".") as caught:
        kernel.get(netlink.Message(18, struct.pack("=BxHiII", 0, 0, 2**30, 0, 0)))
    assert caught.value.errno == errno.ENODEV


# ------------ who serves an address ------------


def test_a_socket_on_the_address_is_seen_and_one_on_all_addresses_is_not() -> None:
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(socket.AF_INET, kind) as exact, socket.socket(socket.AF_INET, kind) as every:
            exact.bind(("127.0.0.77", 0))
            every.bind(("0.0.0.0", 0))
            if kind == socket.SOCK_STREAM:
                exact.listen()
                every.listen()
            assert holders.served(("127.0.0.77", "127.0.0.78"), exact.getsockname()[1]) == ("127.0.0.77",)
            assert holders.served(("127.0.0.77",), every.getsockname()[1]) == ()


def test_a_socket_of_ipv6_is_seen() -> None:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as exact:
        try:
            exact.bind(("::1", 0))
        except OSError:
            pytest.skip("needs IPv6 on the loopback")
        assert holders.served(("::1", "::2"), exact.getsockname()[1]) == ("::1",)
