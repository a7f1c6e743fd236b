"""Each scalar and its one reader: good and bad rows in one table."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as some

from nodens.config import parse_duration_ms, render_duration
from nodens.config.values import read_count, read_duration_ms, read_percent, read_rcode, read_ttl_s
from nodens.corefile import Word
from nodens.problems import Place, Problems

MakeWord = Callable[[str], Word]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("300ms", 300, id="milliseconds"),
        pytest.param("1.5h", 5_400_000, id="a fraction of an hour"),
        pytest.param("1m30s", 90_000, id="two units"),
        pytest.param("0", 0, id="a bare zero"),
        pytest.param("0s", 0, id="zero with a unit"),
        pytest.param(".5s", 500, id="a fraction without a whole part"),
        pytest.param("1.s", 1000, id="a dot without a fraction"),
        pytest.param("60ns", 1, id="less than a millisecond is rounded up"),
        pytest.param("1500us", 2, id="what is left over is rounded up"),
        pytest.param("5\u00b5s", 1, id="the micro sign"),
        pytest.param("5\u03bcs", 1, id="the Greek mu"),
        pytest.param("-5s", "`-5s` is too short; expected a duration that is not negative", id="negative"),
        pytest.param("+5s", 5000, id="a plus sign"),
        pytest.param("30", "`30` is not a duration; expected one such as `30s` or `1m30s`", id="no unit"),
        pytest.param("", "`` is not a duration; expected one such as `30s` or `1m30s`", id="empty"),
        pytest.param("s", "`s` is not a duration; expected one such as `30s` or `1m30s`", id="a unit alone"),
        pytest.param("1d", "`1d` is not a duration; expected one such as `30s` or `1m30s`", id="days"),
        pytest.param("1s ", "`1s ` is not a duration; expected one such as `30s` or `1m30s`", id="a space"),
        pytest.param("1,5s", "`1,5s` is not a duration; expected one such as `30s` or `1m30s`", id="a comma"),
        pytest.param(
            "\u0663s", "`\u0663s` is not a duration; expected one such as `30s` or `1m30s`", id="other digits"
        ),
        pytest.param("9999999h", "`9999999h` is too long; expected at most 4294967295s", id="over the limit"),
        pytest.param(
            "9" * 5000 + "h",
            "`" + "9" * 5000 + "h` is not a duration; expected one such as `30s` or `1m30s`",
            id="absurdly long",
        ),
    ],
)
def test_a_duration_is_written_as_in_go(text: str, expected: int | str, word: MakeWord) -> None:
    problems = Problems()
    found = read_duration_ms(word(text), problems)
    assert (found if found is not None else next(iter(problems)).what) == expected


def test_a_number_without_unit_is_asked_whether_seconds_were_meant(word: MakeWord) -> None:
    problems = Problems()
    read_duration_ms(word("30"), problems)
    assert next(iter(problems)).hint == "did you mean `30s`?"


@given(duration_ms=some.integers(min_value=0, max_value=10**12))
def test_a_rendered_duration_reads_as_itself(duration_ms: int) -> None:
    assert parse_duration_ms(render_duration(duration_ms)) == duration_ms


@given(text=some.text(max_size=20))
def test_no_text_makes_a_reader_raise(text: str) -> None:
    problems = Problems()
    word = Word(text=text, at=Place(file="x"))
    for found in (
        read_duration_ms(word, problems),
        read_count(word, problems, "a count"),
        read_ttl_s(word, problems),
        read_percent(word, problems, least=10, most=90),
        read_rcode(word, problems),
    ):
        assert found is None or found >= 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("30", 30, id="seconds"),
        pytest.param("1", 1, id="the least"),
        pytest.param("2147483647", 2147483647, id="the most"),
        pytest.param("30s", "`30s` is not a TTL; expected whole seconds, such as `30`", id="a unit"),
        pytest.param("0", "`0` is too small for a TTL; expected at least 1", id="zero"),
        pytest.param("-5", "`-5` is too small for a TTL; expected at least 1", id="negative"),
        pytest.param("2147483648", "`2147483648` is too large for a TTL; expected at most 2147483647", id="32 bits"),
        pytest.param("x", "`x` is not a TTL; expected a whole number", id="a word"),
        pytest.param(
            "-" + "9" * 5000, "`-" + "9" * 5000 + "` is too small for a TTL; expected at least 1", id="absurdly small"
        ),
    ],
)
def test_a_ttl_is_whole_seconds(text: str, expected: int | str, word: MakeWord) -> None:
    problems = Problems()
    found = read_ttl_s(word(text), problems)
    assert (found if found is not None else next(iter(problems)).what) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("10%", 10, id="the least"),
        pytest.param("90%", 90, id="the most"),
        pytest.param("9%", None, id="under"),
        pytest.param("91%", None, id="over"),
        pytest.param("50", None, id="no sign"),
        pytest.param("%", None, id="a sign alone"),
        pytest.param("5.5%", None, id="a fraction"),
        pytest.param("", None, id="empty"),
    ],
)
def test_a_percentage_carries_its_sign(text: str, expected: int | None, word: MakeWord) -> None:
    problems = Problems()
    assert read_percent(word(text), problems, least=10, most=90) == expected
    assert problems.are_fatal == (expected is None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("NXDOMAIN", 3, id="upper case"),
        pytest.param("servfail", 2, id="lower case"),
        pytest.param("BADCOOKIE", 23, id="an extended one"),
        pytest.param("3", None, id="a number"),
        pytest.param("NX", None, id="cut short"),
    ],
)
def test_an_rcode_is_read_by_its_name(text: str, expected: int | None, word: MakeWord) -> None:
    problems = Problems()
    assert read_rcode(word(text), problems) == expected
    assert problems.are_fatal == (expected is None)
