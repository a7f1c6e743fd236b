"""Rules of the cache that need many names or many moments: bounds, eviction, leaving, falling TTLs. Rehearsed."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from nodens import engine
from nodens.lab.message import Message, compose, parse, query, read_record
from nodens.lab.rehearsed import RehearsedStage
from nodens.lab.theatre import compiled

SOA = read_record("example 3600 SOA ns.example host.example 1 7200 1800 86400 3600")


def staged(cache: str) -> RehearsedStage:
    block = f"bind 127.0.0.1\n prometheus\n cache 3600 {{\n{cache}\n}}\n forward . 192.0.2.1 {{\n force_tcp\n}}"
    text = f".:53 {{\n{block}\n}}\n"
    return RehearsedStage(engine.Rehearsal(compiled(text, "Corefile").engine), {"192.0.2.1:53": "upstream"})


def asked(stage: RehearsedStage, name: str, *, ttl_s: int = 3600, rcode: str = "NOERROR") -> tuple[Message, bool]:
    """Ask a name; answer it if upstream is asked; tell whether it was."""
    stage.client_sends("client", compose(query(name, id=7)), "udp")
    heard = stage.upstream_hears("upstream", 0)
    if heard:
        answers = (read_record(f"{name} {ttl_s} A 10.0.0.1"),) if rcode == "NOERROR" else ()
        authority = () if answers else (SOA,)
        stage.upstream_sends(heard, compose(heard.message.response(rcode, answers=answers, authority=authority)))
    wire = stage.client_gets("client", 0)
    assert wire is not None
    return parse(wire), heard is not None


def entries(stage: RehearsedStage, side: str) -> float:
    """Read the `entries` gauge of one side."""
    catalogue = [row[0] for row in engine.catalogue()]
    found = [
        value
        for row, labels, value in stage.rehearsal.snapshot()
        if catalogue[row] == "coredns_cache_entries" and side in labels
    ]
    assert found
    assert isinstance(found[0], (int, float))
    return found[0]


def test_the_capacity_is_a_bound_and_is_used() -> None:
    stage = staged("success 1024")
    for number in range(2500):
        asked(stage, f"n{number}.example")
    assert 1024 * 0.9 <= entries(stage, "success") <= 1024


def test_a_hot_name_outlives_a_flood_of_others() -> None:
    stage = staged("success 1024")
    asked(stage, "hot.example")
    for number in range(3000):
        asked(stage, f"n{number}.example")
        if number % 50 == 0:
            assert not asked(stage, "hot.example")[1], f"hot.example was gone after {number} others"


def test_a_flood_of_denials_leaves_answers_alone() -> None:
    stage = staged("success 1024\n denial 1024")
    for number in range(300):
        asked(stage, f"n{number}.example")
    for number in range(2000):
        asked(stage, f"d{number}.example", rcode="NXDOMAIN")
    assert entries(stage, "denial") <= 1024
    assert not any(asked(stage, f"n{number}.example")[1] for number in range(300))


def test_expired_entries_leave() -> None:
    stage = staged("success 2048")
    for number in range(500):
        asked(stage, f"n{number}.example", ttl_s=10)
    assert entries(stage, "success") == 500
    for _ in range(300):
        stage.pass_time(1000)
    asked(stage, "another.example")
    assert entries(stage, "success") <= 50


@settings(max_examples=25, deadline=None)
@given(ttl_s=st.integers(5, 3600), pauses_ms=st.lists(st.integers(0, 400_000), max_size=12))
def test_ttls_only_fall_and_never_reach_zero(ttl_s: int, pauses_ms: list[int]) -> None:
    stage = staged("")
    last_s, age_ms = ttl_s, 0
    asked(stage, "web.example", ttl_s=ttl_s)
    for pause_ms in pauses_ms:
        stage.pass_time(pause_ms)
        age_ms += pause_ms
        reply, went_upstream = asked(stage, "web.example", ttl_s=ttl_s)
        assert went_upstream == (age_ms >= ttl_s * 1000)
        if went_upstream:
            last_s, age_ms = ttl_s, 0
            continue
        assert 1 <= reply.answers[0].ttl_s <= last_s
        assert reply.answers[0].ttl_s == ttl_s - age_ms // 1000
        last_s = reply.answers[0].ttl_s
