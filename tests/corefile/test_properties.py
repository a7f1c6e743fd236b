"""Parse and render are a pair; no text makes either of them stumble."""

from __future__ import annotations

import string
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nodens.corefile import Corefile, Directive, Import, ImportedFile, ServerBlock, Snippet, Word, expand, parse, render
from nodens.problems import Place, Problems

NOWHERE = Place(file="")
EASY = string.ascii_letters + string.digits + ".:/_-$%*"


def bare(tree: Corefile | None) -> object:
    """Give a tree as plain tuples, places left out."""
    assert tree is not None
    return [_bare_item(item) for item in tree.items]


def _bare_item(item: ServerBlock | Snippet | Import) -> object:
    match item:
        case Import():
            return ("import", [_bare_word(word) for word in item.arguments])
        case Snippet():
            return ("snippet", _bare_word(item.name), [_bare_line(line) for line in item.directives])
        case ServerBlock():
            return ("block", [_bare_word(key) for key in item.keys], [_bare_line(line) for line in item.directives])


def _bare_line(line: Directive) -> object:
    body = None if line.body is None else [_bare_line(inner) for inner in line.body]
    return ([_bare_word(word) for word in line.words], body)


def _bare_word(word: Word) -> tuple[str, bool]:
    return (word.text, word.quoted)


def word(text: str, *, quoted: bool = False) -> Word:
    """Make a word that stands nowhere."""
    return Word(text=text, at=NOWHERE, quoted=quoted)


def can_be_quoted(text: str) -> bool:
    """Tell whether a Corefile can say this text: backslashes before a quote and at the end come in pairs."""
    slashes = 0
    for letter in f'{text}"':
        if letter == '"' and slashes % 2:
            return False
        slashes = slashes + 1 if letter == "\\" else 0
    return True


easy_words = st.text(EASY, min_size=1, max_size=12).map(word)
hard_words = (
    st.text(st.characters(codec="utf-8"), max_size=12).filter(can_be_quoted).map(lambda text: word(text, quoted=True))
)
words = st.one_of(easy_words, hard_words)
names = words.filter(lambda name: name.text != "import")
keys = words.filter(
    lambda key: key.text.strip(",") == key.text != "import" and key.text[:1] not in {"", "("} and "," not in key.text
)


def lines(depth: int) -> st.SearchStrategy[tuple[Directive, ...]]:
    """Make lines with bodies up to a depth."""
    body = st.none() | lines(depth - 1) if depth else st.none()
    line = st.builds(Directive, name=names, arguments=st.lists(words, max_size=4).map(tuple), body=body)
    return st.lists(line, max_size=3).map(tuple)


blocks = st.builds(ServerBlock, keys=st.lists(keys, min_size=1, max_size=3).map(tuple), directives=lines(2))
snippets = st.builds(Snippet, name=words.filter(lambda name: bool(name.text)), directives=lines(1))
imports = st.builds(Import, word=st.just(word("import")), arguments=st.lists(words, max_size=2).map(tuple))
trees = st.lists(st.one_of(blocks, snippets, imports), min_size=1, max_size=4).map(
    lambda items: Corefile(file="Corefile", items=tuple(items))
)

# Texts that look enough like a Corefile to get past the first line.
SCRAPS = [
    *(
        "{",
        "}",
        '"',
        "\\",
        "#",
        ",",
        "\n",
        "\n",
        " ",
        "\r",
        "\t",
        "(a)",
        "import",
        "a",
        ".:53",
        "{$A}",
        "{%B%}",
        "{}",
        "}}",
        ".{",
    ),
    *("errors", '"x y"', "\u00a0", "\ufeff", "__PILLAR__LOCAL__DNS__", "*", "?", "\x00", "é", "x#y"),
]
texts = st.one_of(st.text(max_size=200), st.lists(st.sampled_from(SCRAPS), max_size=60).map("".join))


@given(trees)
@settings(max_examples=100, deadline=None)
def test_a_rendered_tree_parses_to_the_same_tree(tree: Corefile) -> None:
    problems = Problems()
    read = parse(render(tree), "Corefile", problems)
    assert not problems.are_fatal, problems.render()
    assert bare(read) == bare(tree)


@given(texts)
@settings(max_examples=200, deadline=None)
def test_any_text_gives_a_tree_or_problems(text: str) -> None:
    problems = Problems()
    tree = parse(text, "Corefile", problems)
    assert tree is not None or problems.are_fatal
    problems.render()
    if tree is not None and not problems.are_fatal:
        again = Problems()
        assert bare(parse(render(tree), "Corefile", again)) == bare(tree), again.render()


@given(texts, texts)
@settings(max_examples=100, deadline=None)
def test_any_tree_expands_to_blocks_or_problems(text: str, imported: str) -> None:
    problems = Problems()
    tree = parse(text, "Corefile", problems)
    if tree is None:
        return
    wide = expand(
        tree,
        environment={"A": imported[:5], "B": "{$A}"},
        read_file=lambda path: [ImportedFile(path=path, text=imported)],
        problems=problems,
        pillars={"__PILLAR__LOCAL__DNS__": "127.0.0.1 ::1"},
    )
    assert problems.are_fatal or (wide is not None and wide.items == wide.blocks)


@pytest.mark.parametrize(
    "scrap",
    [
        pytest.param('"', id="quotes"),
        pytest.param("\\", id="backslashes"),
        pytest.param('"\\', id="quotes and backslashes"),
        pytest.param("{ ", id="opening braces"),
        pytest.param("a {\n", id="bodies in bodies"),
        pytest.param("a { ", id="bodies on one line"),
        pytest.param("a ", id="words on one line"),
        pytest.param("}\n", id="closing braces"),
        pytest.param("{}}", id="a word of braces"),
        pytest.param("\r", id="carriage returns"),
        pytest.param("a, ", id="commas"),
        pytest.param("# ", id="a comment"),
    ],
)
def test_the_time_to_parse_grows_with_the_text_and_not_faster(scrap: str) -> None:
    """Sixteen times the text may take forty times the time: room for noise, none for a square (256 times)."""

    def seconds(count: int) -> float:
        text = ".:53 {\nx " + scrap * count
        best = float("inf")
        for _ in range(3):
            started = time.process_time()
            parse(text, "Corefile", Problems())
            best = min(best, time.process_time() - started)
        return best

    assert seconds(16_000) < 40 * max(seconds(1_000), 0.001)
