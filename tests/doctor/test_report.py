"""The report as a table and as plain values; errands that fail or take too long."""

from __future__ import annotations

import time
from threading import Event

from nodens.doctor import Line, Verdict, as_plain, is_well, render
from nodens.doctor.errands import Errand, wait_all
from nodens.doctor.model import Unseen
from nodens.errors import NetworkError

LINES = (
    Line(check="capabilities", verdict=Verdict.OK, what="all there that are needed"),
    Line(check="left-overs", verdict=Verdict.BAD, what="link nodelocaldns: no living agent's", hint="`nodens release`"),
    Line(check="rung", verdict=Verdict.WARN, what="a reason that is long " * 8, hint="and advice that is long " * 8),
    Line(check="answer a-name-that-is-rather-long.svc.cluster.local", verdict=Verdict.SKIPPED, what="no agent"),
)


def test_the_table_reads_like_this() -> None:
    assert (
        render(LINES)
        == """\
ok       capabilities                        all there that are needed
bad      left-overs                          link nodelocaldns: no living agent's
                                             hint: `nodens release`
warn     rung                                a reason that is long a reason that is long a reason that is long a reason
                                             that is long a reason that is long a reason that is long a reason that is
                                             long a reason that is long
                                             hint: and advice that is long and advice that is long and advice that is
                                                   long and advice that is long and advice that is long and advice that
                                                   is long and advice that is long and advice that is long
skipped  answer a-name-that-is-rather-long.svc.cluster.local
                                             no agent

1 skipped, 1 bad, 1 warn, 1 ok
"""
    )


def test_a_warning_is_well_and_bad_is_not() -> None:
    assert is_well(line for line in LINES if line.verdict is not Verdict.BAD)
    assert not is_well(LINES)


def test_plain_values_have_every_line() -> None:
    told = as_plain(LINES[:1])
    line = {"check": "capabilities", "verdict": "ok", "what": "all there that are needed", "hint": ""}
    assert told == {"is_well": True, "lines": [line]}


def test_an_errand_that_fails_is_a_finding_with_the_reason() -> None:
    def refuse() -> int:
        raise NetworkError("read the ipset", "ipset", "operation not permitted")

    def break_down() -> int:
        return 1 // 0

    errands = [Errand("sets", refuse), Errand("sums", break_down), Errand("well", lambda: 7)]
    wait_all(errands, 5, lambda _: None)
    assert [errand.found() for errand in errands] == [
        Unseen("ipset: cannot read the ipset: operation not permitted"),
        Unseen("sums: a bug of nodens, please report it: ZeroDivisionError: integer division or modulo by zero"),
        7,
    ]


def test_an_errand_without_end_is_given_up_and_told_of() -> None:
    gate = Event()
    slow = Errand("the slow one", gate.wait)
    told: list[list[str]] = []
    start = time.monotonic()
    wait_all([slow], 0.6, lambda names: told.append(list(names)))
    assert time.monotonic() - start < 2
    assert told[0] == ["the slow one"]
    assert slow.found() == Unseen("the slow one: still at it when time was over")
    gate.set()
