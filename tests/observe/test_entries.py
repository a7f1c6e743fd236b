"""Entries as they are told: which are wanted, in which order, and how a person reads them."""

from __future__ import annotations

import pytest

from nodens.observe import Entry, EntryFilter, EntryKind, EntryOrder, read_entry, render_entries, sort_entries

ROWS = (
    ("kubernetes.default.svc.cluster.local.", "A", "IN", "success", "NOERROR", False, False, 12, 30, 180),
    ("kubernetes.default.svc.cluster.local.", "AAAA", "IN", "denial", "NOERROR", False, False, 3, 5, 190),
    ("a.example.com.", "A", "IN", "denial", "NXDOMAIN", True, True, -7, 5, 300),
    ("b.example.com.", "TYPE65280", "CH", "failure", "SERVFAIL", False, False, 4, 5, 150),
)
ENTRIES = [read_entry("cluster.local.:53", "cluster.local.,in-addr.arpa.", row) for row in ROWS]


@pytest.mark.parametrize(
    ("wanted", "places"),
    [
        pytest.param(EntryFilter(), (0, 1, 2, 3), id="all"),
        pytest.param(EntryFilter(zone="cluster.local"), (0, 1), id="a zone"),
        pytest.param(EntryFilter(zone="Example.COM."), (2, 3), id="a zone in capitals"),
        pytest.param(EntryFilter(zone="a.example.com"), (2,), id="the zone's own name"),
        pytest.param(EntryFilter(zone="ample.com"), (), id="half a label"),
        pytest.param(EntryFilter(zone="."), (0, 1, 2, 3), id="the root"),
        pytest.param(EntryFilter(qtype="aaaa"), (1,), id="a type"),
        pytest.param(EntryFilter(glob="*.EXAMPLE.com"), (2, 3), id="a glob without the last dot"),
        pytest.param(EntryFilter(glob="*.svc.*"), (0, 1), id="a glob"),
        pytest.param(EntryFilter(kind=EntryKind.FAILURE), (3,), id="a kind"),
        pytest.param(EntryFilter(zone="com", kind=EntryKind.SUCCESS), (), id="both must fit"),
    ],
)
def test_a_filter_wants_what_it_says(wanted: EntryFilter, places: tuple[int, ...]) -> None:
    assert [entry for entry in ENTRIES if wanted.wants(entry)] == [ENTRIES[place] for place in places]


@pytest.mark.parametrize(
    ("order", "places"),
    [
        pytest.param(EntryOrder.NAME, (2, 3, 0, 1), id="by the end of the name"),
        pytest.param(EntryOrder.TTL, (2, 1, 3, 0), id="what ends first"),
        pytest.param(EntryOrder.BYTES, (2, 1, 0, 3), id="the largest first"),
    ],
)
def test_a_table_is_sorted_as_asked(order: EntryOrder, places: tuple[int, ...]) -> None:
    assert sort_entries(reversed(ENTRIES), order) == [ENTRIES[place] for place in places]


def test_a_table_is_read_by_a_person() -> None:
    assert render_entries(ENTRIES).splitlines() == [
        "NAME                                   TYPE          RESULT        LEFT   OF  BYTES  KEY    ZONES",
        "kubernetes.default.svc.cluster.local.  A             answer         12s  30s    180  -      cluster.local. +1",
        "kubernetes.default.svc.cluster.local.  AAAA          NODATA          3s   5s    190  -      cluster.local. +1",
        "a.example.com.                         A             NXDOMAIN  stale 7s   5s    300  do+cd  cluster.local. +1",
        "b.example.com.                         CH/TYPE65280  SERVFAIL        4s   5s    150  -      cluster.local. +1",
    ]


def test_a_program_reads_every_field() -> None:
    assert ENTRIES[2].plain() == {
        "qname": "a.example.com.",
        "qtype": "A",
        "qclass": "IN",
        "zones": "cluster.local.,in-addr.arpa.",
        "block": "cluster.local.:53",
        "kind": "denial",
        "result": "NXDOMAIN",
        "rcode": "NXDOMAIN",
        "do": True,
        "cd": True,
        "stale": True,
        "remaining_s": -7,
        "lifetime_s": 5,
        "bytes": 300,
    }


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(ROWS[0][:9], id="too short"),
        pytest.param((*ROWS[0], 1), id="too long"),
        pytest.param(("\x1b[2J", *ROWS[0][1:]), id="a name that would clear the terminal"),
        pytest.param((7, *ROWS[0][1:]), id="a name that is none"),
        pytest.param((*ROWS[0][:3], "truth", *ROWS[0][4:]), id="an unknown kind"),
        pytest.param((*ROWS[0][:7], "soon", *ROWS[0][8:]), id="a word for a number"),
    ],
)
def test_a_row_that_is_not_ours_is_refused(row: tuple[object, ...]) -> None:
    with pytest.raises((ValueError, TypeError)):
        read_entry("b", "z", row)


def test_an_entry_is_stale_when_nothing_is_left() -> None:
    def left(remaining_s: int) -> Entry:
        return read_entry("b", "z", (*ROWS[0][:7], remaining_s, *ROWS[0][8:]))

    assert [left(seconds).is_stale for seconds in (1, 0, -1)] == [False, True, True]
