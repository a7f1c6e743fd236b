"""A bug while something changes is said and counted, and life goes on."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from queue import SimpleQueue

from nodens.lifecycle.intents import Intent, Reload, Stop, Told
from nodens.lifecycle.node import End, _loop
from nodens.observe import Log, Numbers, render


@dataclass
class Broken:
    """A node whose every reload meets a bug."""

    log: Log
    numbers: Numbers = field(default_factory=Numbers)

    def reload(self, intent: Reload) -> None:
        raise ZeroDivisionError(intent.signal)


def test_a_bug_in_a_reload_is_said_counted_and_survived() -> None:
    reading, writing = os.pipe()
    node = Broken(log=Log(writing))
    intents: SimpleQueue[Intent] = SimpleQueue()
    for intent in (
        Reload(signal="SIGHUP"),
        Told(kind="upstream down", message="192.0.2.1:53: down"),
        Told(kind="upstream up", message="192.0.2.1:53: up"),
        Stop(is_hasty=True),
    ):
        intents.put(intent)
    end = _loop(intents, node, None, None)  # type: ignore[arg-type]  # what the loop touches is there
    assert end is End.HASTY
    os.close(writing)
    with os.fdopen(reading) as file:
        said = file.read()
    assert said.startswith("[ERROR] a bug of nodens, please report it; the running plan runs on\nTraceback")
    assert "ZeroDivisionError: SIGHUP\n[WARNING] 192.0.2.1:53: down\n[INFO] 192.0.2.1:53: up\n" in said
    text = render(node.numbers.samples())
    assert 'nodens_control_failures_total{task="reload"} 1\n' in text
    assert 'nodens_events_total{kind="upstream down"} 1\n' in text
