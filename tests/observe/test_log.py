"""Lines, levels, and a reader that goes away."""

from __future__ import annotations

import json
import os
import signal
import time

from nodens.observe import Log, LogForm


def read_all(write: object) -> str:
    reading, writing = os.pipe()
    write(Log(writing))  # type: ignore[operator]  # a callable, named for its role
    os.close(writing)
    with os.fdopen(reading) as file:
        return file.read()


def test_lines_carry_their_level_and_a_bare_line_none() -> None:
    def say(log: Log) -> None:
        log.info("SIGUSR1: Reloading")
        log.warning("w")
        log.error("e")
        log.fatal("f")
        log.debug("not shown")
        log.shows_debug = True
        log.debug("shown")
        log.line("cluster.local.:53 on 10.96.0.10")

    assert read_all(say) == (
        "[INFO] SIGUSR1: Reloading\n[WARNING] w\n[ERROR] e\n[FATAL] f\n[DEBUG] shown\ncluster.local.:53 on 10.96.0.10\n"
    )


def test_in_json_every_line_is_one_object_with_time_level_and_message() -> None:
    reading, writing = os.pipe()
    log = Log(writing, form=LogForm.JSON)
    log.error('Corefile:4: `x` is not\nhint: "y"')
    log.line("\u00e4.:53 on 10.96.0.10")
    log.debug("not shown")
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as file:
        told = [json.loads(line) for line in file]
    assert [(each["level"], each["message"]) for each in told] == [
        ("error", 'Corefile:4: `x` is not\nhint: "y"'),
        ("info", "\u00e4.:53 on 10.96.0.10"),
    ]
    assert all(list(each) == ["ts", "level", "message"] for each in told)
    assert abs(told[0]["ts"] - time.time()) < 60


def test_a_closed_stream_is_no_reason_to_stop() -> None:
    assert signal.getsignal(signal.SIGPIPE) == signal.SIG_IGN
    reading, writing = os.pipe()
    os.close(reading)
    Log(writing).info("nobody hears this")
    os.close(writing)
