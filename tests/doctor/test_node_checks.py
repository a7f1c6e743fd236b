"""Verdicts on rights, kernel, rung, left-overs and connection tracking: findings in, verdict out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nodens import network
from nodens.doctor import node_checks
from nodens.doctor.model import Rights, Subject, Unseen
from nodens.errors import NetworkError
from nodens.network import Conntrack, Found, Iptables, Release
from nodens.plan import SteeringWish

ALL = Rights(lacking=(), first_free_port=1024)
NODE = Subject()
POD = Subject(is_in_pod=True)
BEST = network.Kernel(
    no_tun="",
    no_dummy="",
    has_owned_tables=True,
    has_tables=True,
    iptables=Iptables(flavour="nft"),
    has_ipset=True,
    drops=False,
)
NO_TUN = "/dev/net/tun: no such file or directory"


@pytest.mark.parametrize(
    ("lacking", "subject", "needs_raw", "wanted"),
    [
        pytest.param((), POD, False, "ok", id="all"),
        pytest.param(("NET_ADMIN",), POD, False, "bad", id="no NET_ADMIN in the pod"),
        pytest.param(("NET_ADMIN",), NODE, False, "warn", id="no NET_ADMIN at a shell: the doctor's lack"),
        pytest.param(("NET_ADMIN",), replace(POD, is_steered=False), False, "ok", id="nothing to steer"),
        pytest.param(("NET_BIND_SERVICE",), POD, False, "bad", id="no NET_BIND_SERVICE"),
        pytest.param(("NET_BIND_SERVICE",), replace(POD, port=1053), False, "ok", id="a high port needs none"),
        pytest.param(("NET_RAW",), POD, False, "ok", id="no NET_RAW and nft steers"),
        pytest.param(("NET_RAW",), POD, True, "warn", id="no NET_RAW and iptables steers, or is the legacy one"),
    ],
)
def test_missing_capabilities_matter_where_they_are_needed(
    lacking: tuple[str, ...],
    subject: Subject,
    needs_raw: bool,  # noqa: FBT001 - a row
    wanted: str,
) -> None:
    line = node_checks.judge_rights(replace(ALL, lacking=lacking), subject, needs_raw=needs_raw)
    assert line.verdict == wanted
    assert all(name in line.what for name in lacking)


@pytest.mark.parametrize(
    ("kernel", "steering", "wanted"),
    [
        pytest.param(BEST, "auto", False, id="nft steers"),
        pytest.param(BEST, "iptables", True, id="iptables is asked for"),
        pytest.param(
            replace(BEST, has_ipset=False), "iptables", True, id="asked for, and no set: rung 5 for want of it"
        ),
        pytest.param(replace(BEST, has_owned_tables=False, has_tables=False), "auto", True, id="nothing but iptables"),
        pytest.param(replace(BEST, iptables=Iptables(flavour="legacy")), "auto", True, id="iptables is the legacy one"),
        pytest.param(replace(BEST, iptables=None), "iptables", False, id="no iptables at all"),
        pytest.param(Unseen("later"), "iptables", False, id="not seen"),
    ],
)
def test_a_raw_socket_is_needed_wherever_iptables_steers(
    kernel: network.Kernel | Unseen,
    steering: str,
    wanted: bool,  # noqa: FBT001 - a row
) -> None:
    wishes = network.Wishes(steering=SteeringWish(steering))
    assert node_checks.needs_raw_socket(kernel, wishes) is wanted


def test_what_is_lost_without_net_raw_is_told_for_rung_4_and_for_the_legacy_one() -> None:
    line = node_checks.judge_rights(replace(ALL, lacking=("NET_RAW",)), POD, needs_raw=True)
    assert "no rung 4" in line.what
    assert "iptables-legacy" in line.what


@pytest.mark.parametrize(
    ("kernel", "verdict", "what"),
    [
        pytest.param(BEST, "ok", "rung 1: an nft table that goes with its owner", id="best"),
        pytest.param(replace(BEST, no_tun=NO_TUN), "warn", "rung 2: ", id="no tun"),
        pytest.param(replace(BEST, has_owned_tables=False), "warn", "rung 3: ", id="an old kernel"),
        pytest.param(replace(BEST, has_owned_tables=False, has_tables=False), "warn", "rung 4: ", id="no nft"),
        pytest.param(
            replace(BEST, has_owned_tables=False, has_tables=False, has_ipset=False),
            "warn",
            "rung 5: ",
            id="the old way",
        ),
        pytest.param(
            replace(BEST, has_owned_tables=False, has_tables=False, iptables=None),
            "bad",
            "-steering=auto: cannot steer: not nft",
            id="nothing at all",
        ),
        pytest.param(Unseen("kernel: still at it"), "skipped", "kernel: still at it", id="not seen"),
    ],
)
def test_the_rung_is_the_agents_own_decision(kernel: network.Kernel | Unseen, verdict: str, what: str) -> None:
    line = node_checks.judge_rung(kernel, network.Wishes(), ALL)
    assert line.verdict == verdict
    assert line.what.startswith(what)
    assert bool(line.hint) is (verdict in {"warn", "bad"})


def test_without_net_admin_nothing_is_said_of_kernel_and_rung() -> None:
    powerless = replace(ALL, lacking=("NET_ADMIN",))
    assert node_checks.judge_kernel(BEST, powerless).verdict == "skipped"
    assert node_checks.judge_rung(BEST, network.Wishes(), powerless).verdict == "skipped"


def test_the_kernel_line_says_what_is_missing_and_why() -> None:
    line = node_checks.judge_kernel(replace(BEST, no_tun=NO_TUN, has_ipset=False), ALL)
    assert line.verdict == "warn"
    assert line.what.endswith(f"; missing: ipset (4), tun (1) ({NO_TUN})")


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        pytest.param(Release(), [("ok", "none")], id="nothing"),
        pytest.param(
            Release(found=[Found(what="link nodelocaldns")]),
            [("bad", "link nodelocaldns: no living agent's")],
            id="a dead agent's link",
        ),
        pytest.param(
            Release(found=[Found(what="ipset x", kept="a living process holds or serves 10.96.0.10:53")]),
            [("ok", "ipset x: a living process holds or serves 10.96.0.10:53"), ("ok", "none")],
            id="a living agent's",
        ),
        pytest.param(
            Release(
                found=[Found(what="iptables-nft: -A INPUT", kept="it has our comment, but it is not a rule we set")]
            ),
            [("warn", "iptables-nft: -A INPUT: it has our comment, but it is not a rule we set")],
            id="somebody else's",
        ),
        pytest.param(
            Release(
                found=[Found(what="12 rules", kept="a living process holds or serves 10.96.0.10:53", outlives=True)]
            ),
            [("bad", "12 rules: beside an agent whose own let go when it dies; these do not")],
            id="rules beside an agent that would outlive it",
        ),
        pytest.param(
            Release(found=[Found(what="12 rules", kept="some process serves port 53 of all addresses, perhaps")]),
            [("warn", "12 rules: some process serves port 53 of all addresses, perhaps")],
            id="perhaps a living agent's",
        ),
        pytest.param(
            Release(troubles=[NetworkError("read the ipset", "ipset", "operation not permitted")]),
            [("skipped", "ipset: cannot read the ipset: operation not permitted")],
            id="no right to look",
        ),
    ],
)
def test_left_overs_are_bad_only_when_their_agent_is_dead(found: Release, wanted: list[tuple[str, str]]) -> None:
    assert [(line.verdict, line.what) for line in node_checks.judge_traces(found)] == wanted


@pytest.mark.parametrize(
    ("count", "limit", "wanted"),
    [
        pytest.param(100, 1000, "ok", id="roomy"),
        pytest.param(749, 1000, "ok", id="just roomy"),
        pytest.param(750, 1000, "warn", id="filling"),
        pytest.param(950, 1000, "bad", id="full"),
        pytest.param(5, 0, "ok", id="no limit"),
    ],
)
def test_a_full_connection_tracker_is_bad(count: int, limit: int, wanted: str) -> None:
    assert node_checks.judge_conntrack(Conntrack(count=count, limit=limit)).verdict == wanted
