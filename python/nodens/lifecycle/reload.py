"""One config change, from bytes read to plan running. A bad one changes nothing and says so once."""

from __future__ import annotations

import hashlib
import json
import os
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from nodens import __version__, config, corefile, network, plan
from nodens.errors import ConfigError, NodensError
from nodens.lifecycle import words
from nodens.lifecycle.refuse import refuse_taken_ports
from nodens.observe import (
    BUILD_INFO,
    PLAN_APPLIED,
    PLAN_INFO,
    PLUGIN_ENABLED,
    RELOAD_FAILED,
    RELOAD_REFUSED,
    RELOAD_VERSION,
)
from nodens.problems import Problems

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nodens.engine import Running
    from nodens.lifecycle.intents import Reload
    from nodens.lifecycle.node import Asked
    from nodens.lifecycle.probe import Place
    from nodens.lifecycle.source import Source
    from nodens.observe import Log, Numbers, Sides
    from nodens.plan import Facts, Plan


class RestartNeededError(NodensError):
    """A change that only a new process can take up; the sentence says which setting and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A plan that may be taken up, with what it was made from."""

    plan: Plan
    facts: Facts
    fingerprint: str
    watched: tuple[Path, ...]
    tree: corefile.Corefile
    problems: Problems

    def say_warnings(self, log: Log, before: Prepared | None = None) -> None:
        """Print what is suspicious but served, and was not so in the plan before."""
        known = set(before.problems) if before else set()
        for problem in self.problems:
            if problem not in known:
                log.warning(problem.render(says_level=False))

    @property
    def id(self) -> str:
        """A short name for the plan: equal plans, equal names."""
        decided = (self.plan.engine, self.plan.network, self.plan.observe, self.plan.reload)
        return hashlib.sha256(repr(decided).encode()).hexdigest()[:12]


def prepare(source: Source, wishes: Facts) -> Prepared:
    """Read, parse, expand, survey, compile; touches nothing that runs. Raises ConfigError with every problem."""
    text = source.read()
    problems = Problems()
    problems.take(text.warnings)
    imported: list[Path] = []

    # What an import names is watched, too.
    def read_import(pattern: str, /) -> Sequence[corefile.ImportedFile]:
        files = corefile.read_from_disk(pattern)
        imported.extend(Path(file.path) for file in files)
        return files

    tree = text.tree or corefile.parse(text.content, text.file, problems)
    if tree is not None:
        tree = corefile.expand(tree, os.environ, read_import, problems, beside=text.beside)
    asked = config.read(tree, problems) if tree is not None else None
    if asked is None or tree is None:
        raise ConfigError(problems)
    paths = plan.resolv_conf_paths(asked)
    facts = network.survey(wishes, paths)
    decided = plan.compile_plan(asked, facts, problems)
    if decided is None or problems.are_fatal:
        raise ConfigError(problems)
    return Prepared(
        plan=decided,
        facts=facts,
        fingerprint=_fingerprint(tree),
        watched=(*source.watched(), *imported, *(Path(path) for path in paths)),
        tree=tree,
        problems=problems,
    )


def _fingerprint(tree: corefile.Corefile) -> str:
    """SHA-512 over keys and directives with their places, imports and references put in, as CoreDNS counts it."""

    def spell(directive: corefile.Directive) -> list[object]:
        words_ = [[word.at.file, word.at.line, word.text] for word in directive.words]
        return [*words_, *([[spell(line) for line in directive.body]] if directive.body is not None else ())]

    blocks = [[[key.text for key in block.keys], [spell(each) for each in block.directives]] for block in tree.blocks]
    return hashlib.sha512(json.dumps(blocks).encode()).hexdigest()


def _borrow_nothing(_: tuple[str, ...]) -> None:
    """Steer nothing: there is no keeper."""


@dataclass(kw_only=True)
class Node:
    """What runs, and the one way to change it. For the life loop alone; `borrow` and `captured` are the keeper's."""

    asked: Asked
    running: Running
    sides: Sides
    numbers: Numbers
    log: Log
    prepared: Prepared
    lameduck_ms: int = field(default=0, init=False)
    borrow: Callable[[tuple[str, ...]], None] = field(default_factory=lambda: _borrow_nothing, init=False)
    captured: Callable[[], tuple[Place, ...]] = field(default=tuple, init=False)
    _refused: str = field(default="", init=False)

    def publish(self) -> None:
        """Show the running plan to the onlookers."""
        decided = self.prepared.plan
        self.lameduck_ms = decided.observe.lameduck_ms
        self.log.shows_debug = decided.observe.is_debug
        self.sides.source = self.running
        self.sides.apply(decided.observe, self.asked.own_metrics)
        self.numbers.put_all(BUILD_INFO, [("", "", f"nodens-{__version__}")])
        self.numbers.put_all(PLUGIN_ENABLED, [(row.name, row.server, "", row.zone) for row in decided.observe.plugins])
        self.numbers.put_all(PLAN_INFO, [(self.prepared.id,)])
        self.numbers.put(PLAN_APPLIED, value=time.time())

    def serves(self) -> tuple[tuple[str, int], ...]:
        """List the addresses and ports of the running plan, as it spells them."""
        return tuple((each.address, each.port) for each in self.prepared.plan.engine.listeners)

    def reload(self, intent: Reload) -> None:
        """Look at everything again and take up what is new. Whatever goes wrong, the running plan runs on."""
        started_s = time.monotonic()
        # Workers are counted once, at start: a changed quota must not stand in the way of a changed file.
        wishes = replace(self.asked.wishes, workers_wish=self.prepared.plan.engine.workers)
        try:
            wanted = prepare(self.asked.source, wishes)
            change = plan.change(self.prepared.plan, wanted.plan)
            if change.needs_restart:
                raise RestartNeededError("; ".join(change.restart_reasons))
            if change.is_empty and not intent.signal:
                self._keep(wanted)
                return
            refuse_taken_ports(change.new_listeners)
            self.log.info("Reloading")
            self._take_up(wanted)
        except NodensError as error:
            self._refuse(error, intent)
            return
        words.say_running(self.log, wanted)
        took_ms = (time.monotonic() - started_s) * 1000
        self.log.debug(f"plan applied id={wanted.id} changed={','.join(change.parts) or '-'} took_ms={took_ms:.0f}")
        self.log.info("Reloading complete")

    def _take_up(self, wanted: Prepared) -> None:
        """Give the engine the new plan, then the onlookers."""
        before, after = (each.network.borrowed_addresses for each in (self.prepared.plan, wanted.plan))
        self.borrow(tuple(address for address in before if address in after))  # nobody will answer at those that leave
        try:
            if wanted.plan.engine != self.prepared.plan.engine:
                self.running.apply(wanted.plan.engine)
            self.borrow(after)
        except NodensError:
            self._go_back(before)
            raise
        self.asked.source.accept()
        wanted.say_warnings(self.log, self.prepared)
        self._keep(wanted)
        self.publish()
        self.numbers.put_all(RELOAD_VERSION, [("sha512", wanted.fingerprint)])

    def _go_back(self, borrowed: tuple[str, ...]) -> None:
        """Make the running plan true again."""
        try:
            self.running.apply(self.prepared.plan.engine)
            self.borrow(borrowed)
        except NodensError as trouble:
            self.log.error(f"and while going back: {trouble}")  # noqa: TRY400 - not logging's: our lines have no traceback

    def _keep(self, wanted: Prepared) -> None:
        """From now on this is what runs."""
        self.prepared = wanted
        self._refused = ""
        self.numbers.put(RELOAD_REFUSED, value=0)

    def _refuse(self, error: NodensError, intent: Reload) -> None:
        """Say once why not, and count it."""
        said = str(error)
        if said == self._refused and not intent.signal:
            return
        self._refused = said
        self.numbers.put(RELOAD_REFUSED, value=1)
        self.numbers.add(RELOAD_FAILED)
        if intent.signal:
            self.log.error(f"{intent.signal}: {said}")
        else:
            self.log.error(f"Restart failed: {said}")
            self.log.error("plugin/reload: Corefile changed but reload failed: the running configuration stays")
