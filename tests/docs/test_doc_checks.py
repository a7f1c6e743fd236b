"""What is said of a page that should not pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from doc_checks import (
    dead_links,
    disguised,
    misread,
    refusals,
    strange_commands,
    strange_flags,
    strange_metrics,
    unknown_commands,
    unmarked,
)
from doc_pages import Page, read_page
from doc_run import agrees, make_folder, run

FENCE = "```"


def page_of(folder: Path, text: str) -> Page:
    """Write a page, with ~~~ for the fences."""
    path = folder / "page.md"
    path.write_text(text.replace("~~~", FENCE), encoding="utf-8")
    return read_page(path)


@pytest.mark.parametrize(
    ("check", "text", "expected"),
    [
        pytest.param(unmarked, "a\n~~~\nb\n~~~\n", ["page.md:2: a block without a language"], id="no language"),
        pytest.param(unmarked, "~~~brainf\nb\n~~~\n", ["page.md:1: `brainf` is not a language"], id="no such language"),
        pytest.param(unmarked, "~~~sh ran\nb\n~~~\n", ["page.md:1: `ran` is not a mark"], id="no such mark"),
        pytest.param(unmarked, "~~~sh\nb\n", ["`never closed` is not a language"], id="never closed"),
        pytest.param(unmarked, "~~~text\n~~~\n~~~sh run as=x\n~~~\n", [], id="all is well"),
        pytest.param(disguised, "~~~text\n$ nodens x\n~~~\n", ["looks like a command"], id="a prompt in a text"),
        pytest.param(
            disguised, "~~~text\nsudo nodens lab up\n~~~\n", ["looks like a command"], id="a command in a text"
        ),
        pytest.param(
            disguised,
            "~~~text\n$ is dear\nnodens: a word\n~~~\n",
            ["looks like a command"],
            id="whatever stands behind a prompt",
        ),
        pytest.param(refusals, "~~~corefile\n. {\n  cache 30\n}\n~~~\n", [], id="a Corefile"),
        pytest.param(
            refusals, "~~~corefile\n. {\n  cahce 30\n}\n~~~\n", ["Corefile:2:3: `cahce`"], id="a wrong Corefile"
        ),
        pytest.param(refusals, "~~~corefile wrong\n. {\n  cahce 30\n}\n~~~\n", [], id="a Corefile wrong on purpose"),
        pytest.param(refusals, "~~~corefile wrong\n. {\n  cache 30\n}\n~~~\n", ["can be served"], id="it is not wrong"),
        pytest.param(refusals, "~~~corefile inside\ncache 30\n~~~\n", [], id="directives alone"),
        pytest.param(
            refusals, "~~~corefile\n. {\n  bind __PILLAR__LOCAL__DNS__\n}\n~~~\n", [], id="a template with pillars"
        ),
        pytest.param(misread, "~~~yaml\na: [\n~~~\n", ["while parsing"], id="wrong YAML"),
        pytest.param(misread, "~~~json\n{a}\n~~~\n", ["Expecting property name"], id="wrong JSON"),
        pytest.param(misread, "~~~yaml\na: 1\n---\nb: 2\n~~~\n", [], id="YAML"),
        pytest.param(unknown_commands, "~~~sh\nnodens chek\n~~~\n", ["`chek` is not a command"], id="no such command"),
        pytest.param(unknown_commands, "~~~console\n$ frobnicate\nno\n~~~\n", ["`frobnicate`"], id="no such program"),
        pytest.param(unknown_commands, "~~~console\nno prompt\n~~~\n", ["no command in it"], id="no prompt"),
        pytest.param(unknown_commands, "~~~sh\necho 'a\n~~~\n", ["a quote stays open"], id="an open quote"),
        pytest.param(unknown_commands, "~~~yaml as=a.yaml\n~~~\n~~~sh\ncat a.yaml\n~~~\n", [], id="a file of the page"),
        pytest.param(strange_commands, "say `nodens chek` now", ["nodens has no command `chek`"], id="in passing"),
        pytest.param(strange_commands, "say `sudo nodens\nrelease` now", [], id="in passing, and well"),
        pytest.param(
            strange_metrics, "`nodens_sterred` is 0", ["no metric of ours is called `nodens_sterred`"], id="no metric"
        ),
        pytest.param(
            strange_metrics,
            "`rate(coredns_dns_request_duration_seconds_bucket[5m])`, `nodens_steered 1`",
            [],
            id="metrics",
        ),
        pytest.param(strange_flags, "`-takover`", ["node-cache has no flag `-takover`"], id="no flag"),
        pytest.param(strange_flags, "`-syncinterval=1s`, `-localip 1.2.3.4`, `-t`, `--yes`", [], id="flags"),
        pytest.param(dead_links, "[a](no.md)", ["no.md: no such file"], id="no such file"),
        pytest.param(dead_links, "# The `b` of it\n[a](#the-b-of-it) [c](#c)", ["#c: no such heading"], id="anchors"),
        pytest.param(dead_links, '<a id="x"></a>[a](page.md#x) [w](https://example.org) `[n](o)`', [], id="links"),
    ],
)
def test_a_page_is_looked_at(
    tmp_path: Path, check: Callable[..., Iterator[str]], text: str, expected: list[str]
) -> None:
    page = page_of(tmp_path, text)
    more = {refusals: (tmp_path,), dead_links: ([page],)}.get(check, ())
    said = list(check(page, *more))
    assert len(said) == len(expected), said
    for one, words in zip(said, expected, strict=True):
        assert words in one


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("~~~sh run\ntrue\n~~~\n", 0, id="well"),
        pytest.param("~~~sh run\nfalse\ntrue\n~~~\n", 1, id="a command fails"),
        pytest.param("~~~console run\n$ echo a\na\n$ printf 'b\\nc\\n'\nb\nc\n~~~\n", 0, id="said as promised"),
        pytest.param("~~~console run\n$ echo a\nb\n~~~\n", 1, id="said otherwise"),
        pytest.param("~~~yaml as=x.yaml\na: 1\n~~~\n~~~console run\n$ cat x.yaml\na: 1\n~~~\n", 0, id="a file"),
        pytest.param("<!-- file g: .gitignore -->\n~~~sh run\ntest -s g\n~~~\n", 0, id="a file of the repository"),
    ],
)
def test_what_is_marked_is_run(tmp_path: Path, text: str, expected: int) -> None:
    page = page_of(tmp_path, text)
    (tmp_path / "run").mkdir()
    folder = make_folder(page, tmp_path / "run")
    assert len([trouble for block in page.blocks if "run" in block.marks for trouble in run(block, folder)]) == expected


@pytest.mark.parametrize(
    ("said", "expected", "is_same"),
    [
        pytest.param("took 3.5 ms (pid 7)\n", "took 12 ms (pid 9)", True, id="times and pids differ"),
        pytest.param("a\nb\nc\n", "a\n...\nc\n", True, id="lines left out"),
        pytest.param("a\nb\n", "a\n...\nc\n", False, id="the end is another"),
        pytest.param("a  \n\n", "a\n", True, id="blanks at the end"),
        pytest.param("a\n", "", False, id="nothing was promised"),
    ],
)
def test_outputs_are_compared(said: str, expected: str, is_same: bool) -> None:  # noqa: FBT001 - a row's value
    assert agrees(said, expected) is is_same
