"""ipset's own error numbers are told in words; they are those of the kernel's header."""

from __future__ import annotations

import errno
import re
from pathlib import Path

import pytest

from nodens.network import ipset

HEADER = Path("/usr/include/linux/netfilter/ipset/ip_set.h")


def test_the_numbers_are_the_kernels() -> None:
    """They were off by one once: a set in use was an `unknown error 4100`."""
    if not HEADER.exists():
        pytest.skip(f"needs {HEADER}")
    names = re.findall(r"^\s+IPSET_ERR_(\w+)(?: = (\d+))?,$", HEADER.read_text(), re.MULTILINE)
    assert names[0] == ("PRIVATE", "4096")
    numbers = {name: 4096 + at for at, (name, fixed) in enumerate(names) if not fixed}
    assert numbers["BUSY"] == ipset.BUSY
    wanted = ["PROTOCOL", "FIND_TYPE", "MAX_SETS", "BUSY", "EXIST_SETNAME2", "TYPE_MISMATCH", "EXIST"]
    assert [numbers[name] for name in wanted] == list(ipset.TOLD)[: len(wanted)]
    assert set(ipset.TOLD) <= set(numbers.values())


@pytest.mark.parametrize(
    ("number", "told"),
    [
        pytest.param(4098, "the kernel has no set of type hash:ip", id="no such type"),
        pytest.param(4100, "a rule still refers to it", id="in use"),
        pytest.param(4107, "the set was made without a timeout", id="somebody else's set under our name"),
        pytest.param(errno.EPERM, "Operation not permitted", id="a plain errno keeps its words"),
    ],
)
def test_a_number_is_told_in_words(number: int, told: str) -> None:
    assert ipset.in_words(OSError(number, "Operation not permitted")).strerror == told
