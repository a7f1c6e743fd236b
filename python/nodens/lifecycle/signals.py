"""Signals -> intents. A thread of its own waits for them, so that no other thread is ever interrupted."""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager
from threading import Thread
from typing import TYPE_CHECKING, Final

from nodens.lifecycle.intents import Reload, Stop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nodens.lifecycle.intents import Intents
    from nodens.observe import Log

_HEARD: Final = {
    signal.SIGTERM,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGHUP,
}
FORCED_EXIT: Final = 2


@contextmanager
def listening(intents: Intents, log: Log, force: Callable[[], None]) -> Iterator[None]:
    """Turn signals into intents. Enter this before any other thread is made: they inherit that signals are not theirs.

    `force` is what must still be done when a second SIGINT ends the process at once.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _HEARD)
    Thread(target=_listen, args=(intents, log, force), name="signals", daemon=True).start()
    try:
        yield
    finally:
        # What still waits must not kill us on the way out, or the exit code would lie.
        while signal.sigtimedwait(_HEARD, 0):
            pass
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _listen(intents: Intents, log: Log, force: Callable[[], None]) -> None:
    """Wait for one signal after the other."""
    interrupts = 0
    while True:
        match signal.sigwait(_HEARD):
            case signal.SIGTERM:
                log.info("SIGTERM: Shutting down servers then terminating")
                intents.put(Stop())
            case signal.SIGINT:
                interrupts += 1
                if interrupts > 1:
                    log.info("SIGINT: Force quit")
                    force()
                    os._exit(FORCED_EXIT)
                log.info("SIGINT: Shutting down")
                intents.put(Stop())
            case signal.SIGQUIT:
                log.info("SIGQUIT: Quitting process immediately")
                intents.put(Stop(is_hasty=True))
            case signal.SIGUSR1:
                log.info("SIGUSR1: Reloading")
                intents.put(Reload(signal="SIGUSR1"))
            case signal.SIGHUP:
                log.info("SIGHUP: Reloading")
                intents.put(Reload(signal="SIGHUP"))
            case other:
                log.warning(f"{signal.Signals(other).name}: nothing is done on this signal")
