"""Workers that no longer turn, with a process that is otherwise well: traffic goes away, and comes back."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from threading import Condition

import pytest
from small_world import BORROWED, OWN, World, inside, plan_of, rung

from nodens.lifecycle.ground import Ground
from nodens.lifecycle.keep import Keeper, keeping
from nodens.network import Rung
from nodens.observe import Log, Numbers, Sides, ready

pytestmark = pytest.mark.netns


@dataclass
class Workers:
    """Two workers, of which one may hang."""

    is_one_stuck: bool = False
    turns: list[int] = field(default_factory=lambda: [0, 0])
    asked: Condition = field(default_factory=Condition)

    def pulse(self) -> tuple[int, ...]:
        with self.asked:
            self.turns[0] += 1
            self.turns[1] += not self.is_one_stuck
            self.asked.notify_all()
            return tuple(self.turns)


@pytest.mark.parametrize(
    "wanted",
    [
        pytest.param(rung(), id="rung 1"),
        pytest.param(rung("iptables", "timeout"), id="rung 4"),
        pytest.param(rung("iptables", "nothing"), id="rung 5"),
    ],
)
def test_one_hanging_worker_is_enough_to_point_traffic_away(world: World, wanted: Rung) -> None:
    """Threads are born in the namespace of the thread that makes them."""
    workers, numbers = Workers(), Numbers()
    reading, writing = os.pipe()
    log = Log(writing)
    plan = plan_of(wanted, own_addresses=OWN[:1], borrowed_addresses=BORROWED[:1])
    with inside(world.node):
        world.serve(world.node, BORROWED[0], b"node")
        sides = Sides(numbers, log, lambda _host, _port: "")
        ground = Ground(plan, log, numbers)
        keeper = Keeper(
            ground,
            workers,
            why_not=lambda: "",
            mute=lambda _places: (),
            interval_s=60,
            sides=sides,
            numbers=numbers,
            log=log,
        )
        with ground, keeping(keeper):
            ground.settle()
            world.wait_until(BORROWED[0], "node")
            workers.is_one_stuck = True
            took_s = world.wait_until(BORROWED[0], "cluster")
            assert took_s < 3
            assert ready(sides.steering).code == 503
            workers.is_one_stuck = False
            back_s = world.wait_until(BORROWED[0], "node")
            assert back_s < 4
            print(f"one of two workers hangs: cluster DNS after {took_s:.1f} s, we again after {back_s:.1f} s")  # noqa: T201 - figures
    os.close(writing)
    with os.fdopen(reading) as said:
        lines = said.read()
    assert lines.count("worker 1: no turn for more than a second; traffic goes to cluster DNS") == 1
    assert lines.count("[INFO] steering: ") == 2
    assert ground.troubles == []
