"""Verdicts on an agent that runs: whether it hears, and whose its door is."""

from __future__ import annotations

import pytest

from nodens.doctor import agent_checks
from nodens.doctor.model import Agent, Hearing, Place, Subject, Unseen
from nodens.network import DoorHolder, Occupant

SUBJECT = Subject(own=("169.254.20.10",), borrowed=("10.96.0.10",))
PLACE = Place(address="169.254.20.10")
SERVED = (Occupant(protocol="udp", address="169.254.20.10", port=53, pid=812, program="nodens"),)
EVERYWHERE = (Occupant(protocol="udp", address="0.0.0.0", port=53, pid=812, program="nodens"),)
ELSEWHERE = (Occupant(protocol="udp", address="127.0.0.53", port=53, pid=7, program="systemd-resolve"),)
AGENT = Agent(pid=812, program="nodens")
WELL = Hearing(asked=16, silent=0, is_heard_by_tcp=True)


@pytest.mark.parametrize(
    ("heard", "occupants", "wanted"),
    [
        pytest.param(WELL, SERVED, [("ok", "answers by udp (16 of 16 ports) and tcp")], id="all is heard"),
        pytest.param(WELL, EVERYWHERE, [("ok", "answers by udp (16 of 16 ports) and tcp")], id="on all addresses"),
        pytest.param(WELL, ELSEWHERE, [], id="served by nobody: the port's line says free"),
        pytest.param(
            Hearing(asked=16, silent=16, is_heard_by_tcp=True),
            SERVED,
            [("bad", "udp silent, tcp answers")],
            id="no UDP",
        ),
        pytest.param(
            Hearing(asked=16, silent=0, is_heard_by_tcp=False),
            SERVED,
            [("bad", "udp answers, tcp silent")],
            id="no TCP",
        ),
        pytest.param(
            Hearing(asked=16, silent=16, is_heard_by_tcp=False), SERVED, [("bad", "udp silent, tcp silent")], id="deaf"
        ),
        pytest.param(
            Hearing(asked=16, silent=5, is_heard_by_tcp=True),
            SERVED,
            [("bad", "5 of 16 questions by udp are not answered")],
            id="one of several sockets",
        ),
        pytest.param(Unseen("the address is not on this node"), SERVED, [("skipped", "on this node")], id="not here"),
        pytest.param(Unseen("the address is not on this node"), (), [], id="not here, and nobody serves it"),
        pytest.param(WELL, Unseen("ports: still at it"), [("ok", "and tcp")], id="holders unknown"),
    ],
)
def test_an_address_that_is_served_must_answer(
    heard: Hearing | Unseen, occupants: tuple[Occupant, ...] | Unseen, wanted: list[tuple[str, str]]
) -> None:
    lines = list(agent_checks.judge_hearing({PLACE: heard}, occupants, SUBJECT))
    assert [line.verdict for line in lines] == [verdict for verdict, _ in wanted]
    assert all(line.what.endswith(what) for line, (_, what) in zip(lines, wanted, strict=True))
    assert all(bool(line.hint) is (line.verdict == "bad") for line in lines)


def door(**changes: object) -> DoorHolder:
    values: dict[str, object] = {"address": "169.254.20.10", "port": 53, "is_open": True, "pid": 812}
    return DoorHolder(**(values | {"program": "nodens", "serves": True} | changes))  # type: ignore[arg-type]  # its own


@pytest.mark.parametrize(
    ("found", "agent", "wanted"),
    [
        pytest.param((), None, [], id="no door"),
        pytest.param((door(),), AGENT, [("ok", "kept by pid 812, `nodens`")], id="the agent's"),
        pytest.param(
            (door(pid=7, program="nc", serves=False),),
            AGENT,
            [("warn", "taken by pid 7, `nc`, which does not serve the address")],
            id="a squatter beside an agent",
        ),
        pytest.param(
            (door(pid=7, program="nc", serves=False, is_open=False),),
            None,
            [("warn", "taken by pid 7, `nc`, which lets nobody in")],
            id="a name that is bound and shut",
        ),
        pytest.param(
            (door(pid=None, program="", serves=False),),
            AGENT,
            [("ok", "kept by a process that cannot be seen from here")],
            id="unseen, beside an agent",
        ),
        pytest.param(
            (door(pid=None, program="", serves=False),),
            None,
            [("warn", "kept by a process that cannot be seen from here")],
            id="unseen, and no agent",
        ),
        pytest.param(Unseen("doors: still at it"), None, [("skipped", "doors: still at it")], id="not seen"),
    ],
)
def test_a_door_that_is_not_the_servers_own_is_a_warning(
    found: tuple[DoorHolder, ...] | Unseen, agent: Agent | None, wanted: list[tuple[str, str]]
) -> None:
    assert [(line.verdict, line.what) for line in agent_checks.judge_doors(found, agent)] == wanted
