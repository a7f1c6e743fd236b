"""Facts, read off a node that was made of files, and off this one."""

from __future__ import annotations

from pathlib import Path

import pytest

from nodens.network import parse_resolv_conf, survey
from nodens.network.cgroup import core_quota, memory_limit_bytes
from nodens.plan import Facts, Nameserver


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("nameserver 192.0.2.1\n", (Nameserver(address="192.0.2.1"),), id="one"),
        pytest.param(
            "search a.b\nnameserver 192.0.2.2\noptions ndots:5\n nameserver\t192.0.2.1 # why\n",
            (Nameserver(address="192.0.2.2"), Nameserver(address="192.0.2.1")),
            id="several in order, blanks, words behind",
        ),
        pytest.param(
            "nameserver fe80::1%eth0\nnameserver fe80::1%3",
            (Nameserver(address="fe80::1", zone_id="eth0"), Nameserver(address="fe80::1", zone_id="3")),
            id="zones",
        ),
        pytest.param("nameserver FD00:0::53\n", (Nameserver(address="fd00::53"),), id="canonical"),
        pytest.param("nameserver 192.0.2.1\n" * 3, (Nameserver(address="192.0.2.1"),), id="repeated"),
        pytest.param(
            "\n".join(f"nameserver 192.0.2.{number}" for number in range(1, 21)),
            tuple(Nameserver(address=f"192.0.2.{number}") for number in range(1, 21)),
            id="more than fifteen",
        ),
        pytest.param("# nameserver 192.0.2.1\n; nameserver 192.0.2.2\n", (), id="comments"),
        pytest.param("nameserver dns.example\nnameserver 192.0.2.256\nnameserver\n", (), id="no addresses"),
        pytest.param("", (), id="empty"),
    ],
)
def test_nameservers_are_read_as_libc_reads_them(text: str, expected: tuple[Nameserver, ...]) -> None:
    assert parse_resolv_conf(text) == expected


def lay(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.mark.parametrize(
    ("files", "memory", "cores"),
    [
        pytest.param({}, None, None, id="no cgroups"),
        pytest.param({"proc/self/cgroup": "0::/\n"}, None, None, id="version 2 without limits"),
        pytest.param(
            {
                "proc/self/cgroup": "0::/pod/box\n",
                "sys/fs/cgroup/pod/box/memory.max": "max\n",
                "sys/fs/cgroup/pod/memory.max": "67108864\n",
                "sys/fs/cgroup/pod/box/cpu.max": "150000 100000\n",
                "sys/fs/cgroup/pod/cpu.max": "max 100000\n",
            },
            67_108_864,
            1.5,
            id="version 2, the tightest parent",
        ),
        pytest.param(
            {
                "proc/self/cgroup": "4:memory:/pod\n1:cpu,cpuacct:/pod\n",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
                "sys/fs/cgroup/memory/pod/memory.limit_in_bytes": "33554432\n",
                "sys/fs/cgroup/cpu/pod/cpu.cfs_quota_us": "50000\n",
                "sys/fs/cgroup/cpu/pod/cpu.cfs_period_us": "100000\n",
            },
            33_554_432,
            0.5,
            id="version 1",
        ),
        pytest.param(
            {
                "proc/self/cgroup": "4:memory:/not/visible/here\n1:cpu:/\n",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": "33554432\n",
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            },
            33_554_432,
            None,
            id="version 1 inside a container, no quota",
        ),
        pytest.param(
            {
                "proc/self/cgroup": "garbage\n0::/\n",
                "sys/fs/cgroup/memory.max": "much\n",
                "sys/fs/cgroup/cpu.max": "\n",
            },
            None,
            None,
            id="garbage",
        ),
    ],
)
def test_limits_are_the_tightest_of_all_parents(
    tmp_path: Path, files: dict[str, str], memory: int | None, cores: float | None
) -> None:
    root = lay(tmp_path, files)
    assert memory_limit_bytes(root) == memory
    assert core_quota(root) == cores


def test_a_survey_keeps_the_wishes_and_fills_in_the_rest(tmp_path: Path) -> None:
    wishes = Facts(default_port=5300, own_addresses=("169.254.20.10",), wishes_freebind=True)
    root = lay(tmp_path, {"etc/resolv.conf": "nameserver 192.0.2.1\n"})
    found = survey(wishes, ["/etc/resolv.conf", "/etc/missing"], root)
    assert (found.default_port, found.own_addresses, found.wishes_freebind) == (5300, ("169.254.20.10",), True)
    assert found.resolv_conf == {"/etc/resolv.conf": (Nameserver(address="192.0.2.1"),), "/etc/missing": None}
    assert found.cores >= 1
    assert found.has_ipv4
    loopback = next(each for each in found.interfaces if each.name == "lo")
    assert "127.0.0.1" in loopback.addresses
    assert loopback.index > 0
