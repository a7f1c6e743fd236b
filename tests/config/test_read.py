"""A whole file: everything wrong in one run, with places, in the house's words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from nodens import config
from nodens.config import DIRECTIVES
from nodens.corefile import Corefile, Directive, ServerBlock, Word
from nodens.problems import Place, Problems

Read = Callable[[str], tuple[config.Config | None, Problems]]
ROOT = Path(__file__).parents[2]

STOCK = """\
cluster.local:53 {
    errors
    cache {
            success 9984 30
            denial 9984 5
    }
    reload
    loop
    bind 169.254.20.10 10.96.0.10
    forward . 10.96.248.93 {
            force_tcp
    }
    prometheus :9253
    health 169.254.20.10:8080
    }
.:53 {
    errors
    cache 30
    reload
    loop
    bind 169.254.20.10 10.96.0.10
    forward . /etc/resolv.conf
    prometheus :9253
    }
"""

WRONG = """\
cluster.local:53 tls://x a..b:53 {
    errors
    cache {
        sucess 9984 30
        denial 9984 5s
        prefetch 1 1m 5%
    }
    reload 1s
    health 169.254.20.10 10.96.0.10:8080
    fowrard . 10.0.0.1
    hosts
}
10.0.0.0/22 {
    forward . 1.1.1.1 tls://9.9.9.9 {
        policy rnd
        helth_check 1s
        tls_servername x
        next NX
        expire 30
    }
    log {
        class sucess
    }
    prometheus foo
    prometheus :9253
    errors {
        consolidate 5m "(?=x)"
    }
    bufsize 100
    health
    health
}
"""


def test_the_stock_file_is_read_without_a_word(read: Read) -> None:
    found, problems = read(STOCK)
    assert problems.render() == ""
    assert found is not None
    first, second = found.servers
    assert [key.zone for key in first.keys] == ["cluster.local."]
    assert first.cache is not None
    assert (first.cache.success.capacity, first.cache.denial.ttl_max_s) == (9984, 5)
    assert first.forwards[0].forces_tcp
    assert second.forwards[0].upstreams[0].path == "/etc/resolv.conf"
    assert second.health is None


def test_every_problem_of_a_file_is_told_at_once_and_in_order(read: Read, golden: Callable[[str, str], None]) -> None:
    found, problems = read(WRONG)
    assert found is None
    places = [problem.at for problem in problems]
    assert places == sorted(places)
    golden("config_problems.txt", problems.render() + "\n")


def test_a_cidr_key_serves_all_its_zones(read: Read) -> None:
    found, _ = read("10.0.0.0/22 {\n  forward . 1.1.1.1\n}\n")
    assert found is not None
    assert [key.zone for key in found.servers[0].keys] == [f"{number}.0.10.in-addr.arpa." for number in range(4)]


def test_a_tree_without_blocks_is_an_error_not_a_default() -> None:
    problems = Problems()
    assert config.read(Corefile(file="Corefile"), problems) is None
    assert [(str(problem.at), problem.what) for problem in problems] == [
        ("Corefile", "no server block; expected at least one")
    ]


def test_a_place_is_kept_for_every_directive_and_option(read: Read) -> None:
    found, _ = read(STOCK)
    assert found is not None
    places = {name: str(place) for name, place in found.servers[0].places}
    assert places["cache"] == "Corefile:3:5"
    assert places["cache.denial"] == "Corefile:5:13"


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        pytest.param("chache", "did you mean `cache`?", id="a letter too many"),
        pytest.param("Forward", "did you mean `forward`?", id="upper case"),
        pytest.param("zzz", None, id="nothing like it"),
    ],
)
def test_an_unknown_directive_is_asked_what_was_meant(word: str, hint: str | None, read: Read) -> None:
    _, problems = read(f".:53 {{\n  {word}\n}}\n")
    assert [problem.hint for problem in problems] == [hint]


# ------------ any tree ------------

TEXTS = some.sampled_from([
    ".", "a.example:53", "10.0.0.0/22", "tls://x", "x:", "1.1.1.1", "/etc/resolv.conf", "[::1]:53", ":9253", "30", "-1",
    "1h", "5%", "5s", "success", "denial", "immediate", "verify", "NXDOMAIN", "stdout", "{common}", "lo",
    "fe80::1%eth0", "(?=x)", "", "\\", "prefer_positive", "no_rec", "domain", "random",
    "x" * 300, "9" * 5000, "\u00fc", "\0",
])  # fmt: skip
OPTIONS = some.sampled_from(sorted({option.name for row in DIRECTIVES.values() for option in row.options}))


@some.composite
def trees(draw: some.DrawFn) -> Corefile:
    """Draw trees that are nearly right: known names more often than not, any number of words."""

    def word(text: str) -> Word:
        return Word(text=text, at=Place(file="any", line=draw(some.integers(1, 9)), column=1))

    def words() -> tuple[Word, ...]:
        return tuple(word(text) for text in draw(some.lists(TEXTS | some.text(max_size=5), max_size=4)))

    def lines(names: some.SearchStrategy[str], depth: int) -> tuple[Directive, ...]:
        return tuple(
            Directive(
                name=word(name),
                arguments=words(),
                body=lines(OPTIONS | TEXTS, depth - 1) if depth and draw(some.booleans()) else None,
            )
            for name in draw(some.lists(names, max_size=4))
        )

    names = some.sampled_from(sorted(DIRECTIVES)) | some.just("import") | TEXTS
    blocks = [ServerBlock(keys=words(), directives=lines(names, 2)) for _ in range(draw(some.integers(0, 3)))]
    return Corefile(file="any", items=tuple(blocks))


@given(tree=trees())
def test_reading_any_tree_gives_a_config_or_problems_and_never_raises(tree: Corefile) -> None:
    problems = Problems()
    found = config.read(tree, problems)
    assert (found is None) == problems.are_fatal
    for problem in problems:
        assert not problem.what.endswith(".")
        assert not problem.what.startswith(("Invalid", "Failed"))


def test_the_page_on_the_corefile_is_made_from_the_table() -> None:
    page = ROOT / "docs" / "corefile.md"
    assert page.read_text(encoding="utf-8") == config.document(), "make it anew: config.document()"
