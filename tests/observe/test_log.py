"""Lines, levels, and a reader that goes away."""

from __future__ import annotations

import os
import signal

from nodens.observe import Log


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


def test_a_closed_stream_is_no_reason_to_stop() -> None:
    assert signal.getsignal(signal.SIGPIPE) == signal.SIG_IGN
    reading, writing = os.pipe()
    os.close(reading)
    Log(writing).info("nobody hears this")
    os.close(writing)
