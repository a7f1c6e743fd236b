"""What is missing on a machine is said by name, with what brings it."""

from __future__ import annotations

import pytest

from nodens.errors import LabError
from nodens.lab.world import lesson, missing
from nodens.lab.world.needs import PROGRAMS

ALL = (1 << 41) - 1


@pytest.mark.parametrize(
    ("machine", "said"),
    [
        pytest.param({}, [], id="everything is there"),
        pytest.param(
            {"platform": "darwin"},
            ["lab: needs Linux, and this is darwin", "hint: the files under lab/ are the same lesson with Kind"],
            id="not Linux",
        ),
        pytest.param(
            {"user": 1000},
            ["lab: needs root, to make network namespaces", "hint: sudo $(command -v nodens) lab ..."],
            id="not root",
        ),
        pytest.param(
            {"capabilities": ALL & ~(1 << 21)},
            [
                "lab: this root lacks CAP_SYS_ADMIN",
                "hint: in a container, start it privileged; nothing outside its namespaces is touched",
            ],
            id="root of a container",
        ),
        pytest.param(
            {"absent": {"conntrack"}},
            ["lab: programs that are not installed: `conntrack`", "hint: apt-get install conntrack"],
            id="one program",
        ),
        pytest.param(
            {"absent": {"ip", "ss", "nft", "iptables-restore"}},
            [
                "lab: programs that are not installed: `ip`, `ss`, `nft`, `iptables-restore`",
                "hint: apt-get install iproute2 iptables nftables",
            ],
            id="four programs of three packages",
        ),
    ],
)
def test_a_machine_is_told_what_it_lacks(machine: dict[str, object], said: list[str]) -> None:
    absent = machine.pop("absent", set())
    assert isinstance(absent, set)
    found = {name: f"/usr/sbin/{name}" for name in PROGRAMS if name not in absent}
    assert missing(**{"platform": "linux", "user": 0, "find": found.get, "capabilities": ALL, **machine}) == said  # type: ignore[arg-type]  # rows of a table


def test_a_name_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(LabError, match="`k02` is not a node here; expected one of: k01-control-plane, k01-worker"):
        lesson().node("k02")
    with pytest.raises(LabError, match="`web` is not a Service here; expected one of: kubernetes, kube-dns"):
        lesson().service("web")


@pytest.mark.parametrize("dual_stack", [False, True])
def test_the_lessons_world_has_the_lessons_addresses(*, dual_stack: bool) -> None:
    world = lesson(dual_stack=dual_stack)
    assert world.pod("dns-test").address.v4 == "192.168.82.65"
    assert world.pod("dns-test").node == "k01-worker"
    assert world.service("kube-dns").address.v4 == "10.96.0.10"
    assert world.endpoints(world.service("kube-dns"), 4) == ("192.168.154.194", "192.168.180.193")
    assert world.endpoints(world.service("kubernetes"), 4) == ("172.18.0.2",)
    assert world.families == ((4, 6) if dual_stack else (4,))
    assert all(bool(pod.address.v6) == dual_stack for pod in world.pods)
