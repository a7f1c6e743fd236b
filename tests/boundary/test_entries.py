"""What an engine's caches hold, through its Python door: bounded pages, each entry once; no query waits."""

from __future__ import annotations

import dataclasses
import threading

import dns.message
import dns.query
import plans
import pytest

from nodens import _engine
from nodens import engine as engine_room
from nodens.errors import EngineStopped
from nodens.lab.load import Load, apply_load

PAGE = 256
START = (0, 0, 0, 0)


def ask(address: tuple[str, int], name: str) -> None:
    dns.query.udp(dns.message.make_query(name, "A"), address[0], port=address[1], timeout=5)


def names_of(engine: _engine.Engine) -> list[str]:
    """Look at everything, page by page."""
    found: list[str] = []
    bookmark: engine_room.Bookmark | None = START
    while bookmark:
        _, _, rows, bookmark = engine.entries(bookmark)
        assert len(rows) <= PAGE
        found += (row[0] for row in rows)
    return sorted(found)


def test_every_entry_is_told_once_in_bounded_pages_and_by_the_words_of_the_stub(upstream: int) -> None:
    engine = _engine.Engine(plans.quiet(upstream, plans.listener()))
    with pytest.raises(RuntimeError, match="entries comes after start"):
        engine.entries(START)
    engine.start()
    (address,) = engine.addresses()
    asked = sorted(f"n{number}.test." for number in range(600))
    for name in asked:
        ask(address, name.upper())
    assert names_of(engine) == asked
    block, zones, rows, _ = engine.entries(START)
    assert (block, zones) == (plans.quiet(upstream).blocks[0].name, plans.quiet(upstream).blocks[0].zones_label)
    _, qtype, qclass, kind, rcode, is_do, is_cd, remaining_s, lifetime_s, size = rows[0]
    assert (qtype, qclass, kind, rcode, is_do, is_cd) == ("A", "IN", "success", "NOERROR", False, False)
    assert 0 < remaining_s <= lifetime_s
    assert 64 < size < 1024
    engine.stop(100)
    with pytest.raises(EngineStopped):
        engine.entries(START)


@pytest.mark.parametrize("bookmark", [(9, 0, 0, 0), (0, 99, 0, 0), (2**63, 2**63, 2**63, 2**63)])
def test_a_bookmark_that_leads_nowhere_ends_the_look(upstream: int, bookmark: engine_room.Bookmark) -> None:
    engine = _engine.Engine(plans.quiet(upstream, plans.listener()))
    engine.start()
    assert engine.entries(bookmark)[2:] == ([], None)
    engine.stop(100)


def test_while_somebody_looks_without_end_no_query_waits_for_it(upstream: int) -> None:
    plan = dataclasses.replace(plans.quiet(upstream, plans.listener()), workers=2)
    engine = _engine.Engine(plan)
    engine.start()
    (address,) = engine.addresses()
    asked = tuple((f"n{number}.test.", "A") for number in range(500))
    for name, _ in asked:
        ask(address, name)
    is_over = threading.Event()
    looks = 0

    def look() -> None:
        nonlocal looks
        while not is_over.is_set():
            assert len(names_of(engine)) == len(asked)
            looks += 1

    looker = threading.Thread(target=look)
    looker.start()
    load = Load(address=address, questions=asked, rate_per_s=1000, seconds=2)
    outcome = apply_load(load)
    is_over.set()
    looker.join()
    engine.stop(100)
    assert looks > 1
    assert not outcome.lost
