"""Regular expressions: RE2's, and nothing that RE2 lacks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from nodens.config.patterns import read_pattern
from nodens.corefile import Word
from nodens.problems import Place, Problems


@pytest.mark.parametrize(
    ("pattern", "fault"),
    [
        pytest.param(".* i/o timeout$", None, id="what people write"),
        pytest.param("^(read|dial) (udp|tcp) .*$", None, id="alternatives"),
        pytest.param("(?i)refused", None, id="a flag"),
        pytest.param("(?i:refused) x", None, id="a flag for a group"),
        pytest.param("(?P<who>a)", None, id="a named group"),
        pytest.param("[[:alpha:]]+", None, id="a named class"),
        pytest.param(r"\x{41}\x41", None, id="code points"),
        pytest.param(r"\pL", r"classes such as `\pL` are not served yet", id="a class of Unicode"),
        pytest.param("[a[b]", r"inside brackets `[` is written `\[`", id="a bracket inside brackets"),
        pytest.param(
            r"[\b]",
            r"an escape for a place, such as `\b`, means nothing inside brackets",
            id="a boundary inside brackets",
        ),
        pytest.param("[a&&b]", r"inside brackets `&` is written `\&`", id="a set operation"),
        pytest.param("(a{1000}){1000}", "its repetitions multiply to too much", id="repetitions that multiply"),
        pytest.param("(" * 41 + ")" * 41, "it is nested too deeply", id="deep nesting"),
        pytest.param(r"\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}:53", None, id="an address"),
        pytest.param("[]a^-]", None, id="a bracket in brackets"),
        pytest.param("a{2,1000}?", None, id="a counted, lazy repetition"),
        pytest.param("a{b}", r"a brace that counts nothing is written `\{`", id="a brace that counts nothing"),
        pytest.param("", "it is empty", id="empty"),
        pytest.param("(?=a)", "it has a group that RE2 lacks, such as a look-ahead", id="look-ahead"),
        pytest.param("(?<!a)b", "it has a group that RE2 lacks, such as a look-ahead", id="look-behind"),
        pytest.param("(?>a)", "it has a group that RE2 lacks, such as a look-ahead", id="an atomic group"),
        pytest.param(r"(a)\1", r"RE2 has no back-reference such as `\1`", id="a back-reference"),
        pytest.param(r"a\Z", r"RE2 has no escape `\Z`", id="an escape of Python's"),
        pytest.param("a++", "a repetition follows a repetition", id="possessive"),
        pytest.param("a{2}{3}", "a repetition follows a repetition", id="counted twice"),
        pytest.param("a{1001}", "a repetition is over 1000", id="over RE2's count"),
        pytest.param("*a", "nothing to repeat", id="nothing to repeat"),
        pytest.param("(a", "missing ), unterminated subpattern", id="an open parenthesis"),
        pytest.param("[a", "a bracket is not closed", id="an open bracket"),
        pytest.param("a\\", "it ends in a lone backslash", id="a lone backslash"),
        pytest.param("a" * 1001, "it is over 1000 letters", id="too long"),
    ],
)
def test_a_pattern_is_one_of_re2(pattern: str, fault: str | None) -> None:
    problems = Problems()
    found = read_pattern(Word(text=pattern, at=Place(file="x")), problems)
    assert found == (None if fault else pattern)
    whats = [problem.what for problem in problems]
    assert whats == ([f"`{pattern}` is not a regular expression; {fault}"] if fault else [])


@given(pattern=some.text(max_size=30) | some.text(alphabet=r"ab()[]{}*+?\|^$-:<>=!Pxpz019,i", max_size=15))
def test_no_pattern_makes_the_reader_raise(pattern: str) -> None:
    problems = Problems()
    found = read_pattern(Word(text=pattern, at=Place(file="x")), problems)
    assert (found is None) == problems.are_fatal


def test_deep_nesting_is_refused_not_raised() -> None:
    problems = Problems()
    pattern = "(" * 400 + "a" + ")" * 400
    read_pattern(Word(text=pattern, at=Place(file="x")), problems)
