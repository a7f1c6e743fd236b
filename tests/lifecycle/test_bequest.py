"""A hand-over as the life loop sees it: one heir at a time, and everything is taken back until it has all."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any

import pytest

from nodens.errors import EngineError
from nodens.lifecycle.bequest import Bequest
from nodens.lifecycle.intents import Called, Intent, Reload, Stop
from nodens.lifecycle.visit import Offer, Word
from nodens.observe import Log, Numbers


@dataclass
class Guest:
    """Who knocked; what it was told."""

    told: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return "nodens 9"

    def answer(self, order: Offer | str) -> None:
        if isinstance(order, Offer):
            order.close()
        self.told.append("all" if isinstance(order, Offer) else order)

    def end(self, refusal: str = "") -> None:
        self.told.append(f"no: {refusal}")


@dataclass
class Plan:
    """What was wished."""

    instance: str = "1"
    is_left: bool = False


@dataclass
class World:
    """What a bequest is about: nothing of it is of this test's making but what was done to it."""

    done: list[str] = field(default_factory=list)
    refusal: str = ""
    worker_hangs: bool = False
    descriptor: int | None = 0
    plan: Plan = field(default_factory=Plan)
    is_left: bool = False
    link: None = None
    steered: None = None
    numbers: Numbers = field(default_factory=Numbers)

    @property
    def ground(self) -> World:
        return self

    door = ground

    def refuse(self, why: str) -> None:
        self.done.append(f"refuse: {why}")

    def sockets(self) -> list[Any]:
        if self.refusal:
            raise EngineError(self.refusal)
        return []

    def hand_over(self) -> None:
        self.done.append("hand over")
        if self.worker_hangs:
            raise EngineError("a worker hangs")

    def let_go(self) -> None:
        self.is_left = True
        self.done.append("let go")

    def take_back(self) -> None:
        self.is_left = False
        self.done.append("take back")


@dataclass
class Scene:
    world: World
    bequest: Bequest
    intents: SimpleQueue[Intent]
    out: int

    def say(self, guest: Guest, *words: Word) -> bool:
        return [self.bequest.heard(Called(visit=guest, word=word, why="it fell")) for word in words][-1]  # type: ignore[arg-type]  # a guest is what a visit is here

    def said(self) -> str:
        return os.read(self.out, 65536).decode()


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Scene:
    monkeypatch.setattr("nodens.lifecycle.bequest.spell_steering", lambda _: "so")
    world, intents = World(), SimpleQueue[Intent]()
    out, into = os.pipe()
    bequest = Bequest(world, world, world, intents, Log(into))  # type: ignore[arg-type]  # it is all three
    return Scene(world, bequest, intents, out)


def test_all_is_given_in_three_steps_and_reading_ends_last(scene: Scene) -> None:
    guest = Guest()
    assert not scene.say(guest, Word.ASKS)
    assert not scene.say(guest, Word.READS)
    assert (scene.world.done, scene.world.is_left) == (["let go"], True)
    assert not scene.say(guest, Word.TAKES)
    assert guest.told == ["all", "left", "gone"]
    assert scene.say(guest, Word.HAS)
    assert scene.world.done == ["let go", "hand over"]
    assert "handed over to nodens 9" in scene.said()


@pytest.mark.parametrize(
    ("words", "done"),
    [
        pytest.param([Word.ASKS], [], id="lent"),
        pytest.param([Word.ASKS, Word.READS], ["let go", "take back"], id="left"),
        pytest.param([Word.ASKS, Word.READS, Word.TAKES], ["let go", "take back"], id="gone said"),
    ],
)
def test_what_nobody_took_is_taken_back(scene: Scene, words: list[Word], done: list[str]) -> None:
    guest = Guest()
    scene.say(guest, *words)
    assert scene.bequest.postpones(Reload(signal="SIGHUP"))
    assert not scene.say(guest, Word.IS_GONE)
    assert (scene.world.done, scene.world.is_left) == (done, False)
    assert "nothing was handed over to nodens 9: it fell; we go on" in scene.said()
    assert scene.intents.get_nowait() == Reload(signal="SIGHUP")
    assert not scene.bequest.postpones(Reload())


def test_a_worker_that_hangs_at_the_very_end_does_not_undo_it(scene: Scene) -> None:
    """The heir has all by then; two who steer would be worse than one worker that ends with us."""
    scene.world.worker_hangs = True
    assert scene.say(Guest(), Word.ASKS, Word.READS, Word.TAKES, Word.HAS)
    assert scene.world.is_left
    assert "a worker hangs; it ends with us" in scene.said()


def test_what_cannot_be_lent_is_refused_and_life_goes_on(scene: Scene) -> None:
    scene.world.refusal = "engine: stopped"
    guest = Guest()
    assert not scene.say(guest, Word.ASKS)
    assert guest.told == ["no: engine: stopped"]
    assert not scene.bequest.postpones(Reload())


def test_a_stranger_to_what_was_lent_changes_nothing(scene: Scene) -> None:
    scene.say(Guest(), Word.ASKS)
    for word in (Word.READS, Word.TAKES, Word.HAS, Word.IS_GONE):
        assert not scene.say(Guest(), word)
    assert scene.world.done == []


@pytest.mark.parametrize("words", [[], [Word.ASKS], [Word.ASKS, Word.READS]], ids=["nothing", "lent", "left"])
def test_whoever_stops_leaves_nothing_to_an_heir_that_has_not_taken_it(scene: Scene, words: list[Word]) -> None:
    guest = Guest()
    if words:
        scene.say(guest, *words)
    scene.bequest.stop()
    assert scene.world.done[-1] == "refuse: it is stopping"
    assert not scene.world.is_left
    assert not scene.say(guest, Word.HAS)


@pytest.mark.parametrize("end", [Word.HAS, Word.IS_GONE], ids=["taken", "not taken"])
def test_a_stop_between_gone_and_its_answer_waits_for_the_answer(scene: Scene, end: Word) -> None:
    """Or both would believe that it is theirs: the one tears down what the other was given."""
    guest = Guest()
    scene.say(guest, Word.ASKS, Word.READS)
    assert not scene.bequest.postpones(Stop())
    scene.say(guest, Word.TAKES)
    assert scene.bequest.postpones(Stop(is_hasty=True))
    assert scene.intents.empty()
    assert scene.say(guest, end) == (end is Word.HAS)
    assert scene.intents.get_nowait() == Stop(is_hasty=True)  # who lingers in a pod waits for it, too
    assert not (end is Word.IS_GONE and scene.bequest.postpones(Stop()))
