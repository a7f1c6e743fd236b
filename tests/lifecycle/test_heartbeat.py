"""Beats are given while workers turn and addresses hear, from a thread that waits for nobody."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from nodens.errors import NetworkError
from nodens.lifecycle.heart import Heart
from nodens.lifecycle.heartbeat import Heartbeat
from nodens.observe import Log, Numbers, Withheld

LIMIT_S = 10.0


@dataclass
class World:
    """Workers, an address, and a kernel that counts beats."""

    turns: int = 0
    is_stuck: bool = False
    deaf: tuple[str, ...] = ()
    trouble: NetworkError | None = None
    beats: int = 0
    changes: int = 0
    looks: int = 0
    changed: threading.Condition = field(default_factory=threading.Condition)

    def pulse(self) -> tuple[int, ...]:
        with self.changed:
            self.turns += not self.is_stuck
            self.looks += 1
            self.changed.notify_all()
            return (self.turns,)

    def beat(self) -> None:
        with self.changed:
            self.beats += 1
            self.changed.notify_all()
            if self.trouble:
                raise self.trouble

    def change(self) -> None:
        with self.changed:
            self.changes += 1
            self.changed.notify_all()

    def after(self, name: str, more: int = 2) -> None:
        """Wait until a number has grown by so much."""
        with self.changed:
            wanted = getattr(self, name) + more
            assert self.changed.wait_for(lambda: getattr(self, name) >= wanted, LIMIT_S), name


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def heartbeat(world: World) -> Iterator[Heartbeat]:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    made = Heartbeat(world, world.beat, lambda: world.deaf, numbers=Numbers(), log=Log(nowhere))
    made.on_change = world.change
    made.start()
    yield made
    made.stop()
    os.close(nowhere)


def test_no_beat_is_given_for_a_deaf_address_nor_for_a_worker_that_hangs(world: World, heartbeat: Heartbeat) -> None:
    world.after("beats")
    assert heartbeat.why_none() is None
    world.deaf = ("169.254.20.10:53/udp",)
    world.after("looks", 1)
    before = world.beats
    world.after("looks")
    assert world.beats == before
    assert heartbeat.why_none() == (Withheld.DEAF, "169.254.20.10:53/udp: gives no answer to ourselves")
    world.deaf = ()
    world.after("beats")
    world.is_stuck = True
    world.after("changes", 1)
    before = world.beats
    world.after("looks")
    assert world.beats == before
    assert heartbeat.why_none() == (Withheld.WORKERS, "worker 0 hangs")
    world.is_stuck = False
    world.after("changes", 1)
    assert heartbeat.why_none() is None
    world.after("beats")


def test_a_beat_that_the_kernel_refuses_is_told_and_the_next_is_tried(world: World, heartbeat: Heartbeat) -> None:
    world.trouble = NetworkError("refresh the set", "inet nodens-1", "no such file or directory")
    world.after("changes")
    assert heartbeat.troubles.get_nowait() is world.trouble
    world.trouble = None
    world.after("beats")


@dataclass
class Clock:
    """What a heartbeat's turn is told of time; turns are taken by the test, not by a thread."""

    world: World
    heartbeat: Heartbeat
    now_s: float = 100.0
    heart: Heart | None = None

    def turn(self, after_s: float) -> None:
        before_s, self.now_s = self.now_s, self.now_s + after_s
        self.heart = self.heartbeat._turn(self.heart, before_s, self.now_s)


@pytest.fixture
def clock(world: World) -> Iterator[Clock]:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    made = Heartbeat(world, world.beat, lambda: world.deaf, numbers=Numbers(), log=Log(nowhere))
    made.on_change = world.change
    yield Clock(world, made)
    os.close(nowhere)


def test_a_gate_that_ran_out_while_we_slept_is_told_once_and_pulses_do_not_open_it_again(clock: Clock) -> None:
    for _ in range(4):
        clock.turn(0.5)
    assert (clock.heartbeat.lapse(), clock.world.beats) == ("", 3)
    clock.turn(5)  # stopped for a while, once: the next turn in time is enough
    clock.turn(0.5)
    assert clock.heartbeat.lapse().startswith("no beat for 5.5 s: ")
    assert (clock.heartbeat.lapse(), clock.world.beats, clock.heartbeat.why_none()) == ("", 4, None)
    for _ in range(5):
        clock.turn(2.5)
        clock.turn(0.5)
    assert (clock.heartbeat.lapse(), clock.world.beats) == ("", 4)
    why = clock.heartbeat.why_none()
    assert why
    assert why[0] is Withheld.FROZEN
    for _ in range(8):
        clock.turn(0.5)
    assert clock.heartbeat.why_none() is None
    assert clock.world.beats > 4
    assert clock.heartbeat.lapse() == ""


def test_beats_that_are_withheld_for_a_reason_are_no_lapse(clock: Clock) -> None:
    for _ in range(2):
        clock.turn(0.5)
    clock.world.deaf = ("169.254.20.10:53/udp",)
    for _ in range(10):
        clock.turn(0.5)
    clock.world.deaf = ()
    clock.turn(0.5)
    assert clock.heartbeat.lapse() == ""
    assert clock.heartbeat.why_none() is None
