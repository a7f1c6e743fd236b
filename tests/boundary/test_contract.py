"""The stub, the plan's fields, the errors and the versions are the same on both sides."""

from __future__ import annotations

import dataclasses
import errno
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import plans
import pytest

import nodens
from nodens import _engine
from nodens.errors import BindError, EngineError, EngineStopped, PlanRejected
from nodens.plan.model import EnginePlan, LogClass, Policy, Transport


def test_the_stub_says_what_was_built() -> None:
    command = [sys.executable, "-m", "mypy.stubtest", "nodens._engine"]
    house = Path(__file__).parents[2]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=house)
    assert done.returncode == 0, done.stdout


def test_the_versions_agree() -> None:
    assert _engine.__version__ == nodens.__version__


def test_the_catalogue_has_one_row_a_family_and_no_surprises() -> None:
    names = [name for name, *_ in _engine.CATALOGUE]
    assert len(set(names)) == len(names)
    for name, kind, told, labels, bounds in _engine.CATALOGUE:
        assert kind in {"counter", "gauge", "histogram"}, name
        assert told.endswith("."), name
        assert list(labels) == sorted(labels), name
        assert bool(bounds) == (kind == "histogram"), name
        assert list(bounds) == sorted(bounds), name


class Nonsense:
    """Fits no field of a plan."""

    def __repr__(self) -> str:
        return "nonsense"


def spoilt(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - any value of a plan
    """Give this part of a plan, once for each field in it, with nonsense in that field's place."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            deeper = f"{path}.{field.name}" if path else field.name
            for where, part in spoilt(getattr(value, field.name), deeper):
                yield where, dataclasses.replace(value, **{field.name: part})
    elif isinstance(value, tuple):
        yield path, Nonsense()
        for number, item in enumerate(value):
            for where, part in spoilt(item, f"{path}[{number}]"):
                yield where, (*value[:number], part, *value[number + 1 :])
    else:
        yield path, Nonsense()


def full() -> EnginePlan:
    plan = plans.whole()
    return dataclasses.replace(plan, blocks=(dataclasses.replace(plan.blocks[0], log=plans.with_log()),))


@pytest.mark.parametrize(
    ("field", "plan"), list(spoilt(full())), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_field_of_a_plan_is_read_and_named_when_it_does_not_fit(field: str, plan: EnginePlan) -> None:
    with pytest.raises(PlanRejected, match="nonsense") as told:
        _engine.Rehearsal(plan)
    assert told.value.field == field


def test_every_choice_of_a_plan_crosses() -> None:
    for transport in Transport:
        _engine.Rehearsal(plans.whole(plans.forward(transport=transport)))
    for policy in Policy:
        _engine.Rehearsal(plans.whole(dataclasses.replace(plans.forward(), policy=policy)))
    block = dataclasses.replace(plans.whole().blocks[0], log=plans.with_log())
    log = dataclasses.replace(block.log[0], classes=tuple(LogClass))
    _engine.Rehearsal(dataclasses.replace(plans.whole(), blocks=(dataclasses.replace(block, log=(log,)),)))


def test_what_may_be_left_out_may_be_left_out() -> None:
    plan = plans.whole(dataclasses.replace(plans.forward(), source_address=""))
    bare = dataclasses.replace(plan.blocks[0], cache=None, errors=None, loop_zone=None)
    _engine.Rehearsal(dataclasses.replace(plan, blocks=(bare,)))
    half = dataclasses.replace(plans.cache(), prefetch=None, stale=None)
    _engine.Rehearsal(dataclasses.replace(plan, blocks=(dataclasses.replace(bare, cache=half),)))


@pytest.mark.parametrize(
    ("field", "change"),
    [
        pytest.param("workers", {"workers": -1}, id="below zero"),
        pytest.param("memory_limit_bytes", {"memory_limit_bytes": 1 << 64}, id="beyond a word"),
        pytest.param("listeners[0].port", {"listeners": (plans.listener(port=65536),)}, id="beyond a port"),
        pytest.param("listeners[0].address", {"listeners": (plans.listener("localhost"),)}, id="a name, no address"),
    ],
)
def test_a_number_out_of_range_is_a_plan_rejected_not_an_overflow(field: str, change: dict[str, Any]) -> None:
    with pytest.raises(PlanRejected) as told:
        _engine.Rehearsal(dataclasses.replace(plans.whole(), **change))
    assert told.value.field == field


def test_an_address_in_use_is_a_bind_error_with_its_errno_and_an_os_error() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(BindError) as told:
            _engine.Engine(plans.whole(listeners=(plans.listener(port=port),)))
    assert (told.value.address, told.value.errno) == (f"127.0.0.1:{port}/udp", errno.EADDRINUSE)
    assert isinstance(told.value, OSError)
    assert isinstance(told.value, EngineError)
    assert str(told.value) == f"127.0.0.1:{port}/udp: cannot bind: address already in use"


def test_after_stop_all_but_the_last_numbers_is_refused() -> None:
    engine = _engine.Engine(plans.whole())
    engine.start()
    engine.stop(1000)
    engine.stop(1000)
    for ask in (engine.start, engine.pulse, engine.addresses, lambda: engine.apply(plans.whole())):
        with pytest.raises(EngineStopped):
            ask()
    assert engine.next_event(10_000) is None
    assert engine.snapshot()
