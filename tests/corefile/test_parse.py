"""Text -> tree: what is read, and what is said of each thing that is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nodens.corefile import Corefile, Import, Snippet, parse
from nodens.problems import Problems

if TYPE_CHECKING:
    from collections.abc import Callable

    from nodens.corefile import Directive


def shape(tree: Corefile | None) -> list[object]:
    """Give a tree as nested lists of texts."""
    assert tree is not None

    def lines(directives: tuple[Directive, ...]) -> list[object]:
        return [
            [word.text for word in line.words] + ([] if line.body is None else [lines(line.body)])
            for line in directives
        ]

    found: list[object] = []
    for item in tree.items:
        if isinstance(item, Import):
            found.append(("import", [word.text for word in item.arguments]))
        elif isinstance(item, Snippet):
            found.append((f"({item.name.text})", lines(item.directives)))
        else:
            found.append(([key.text for key in item.keys], lines(item.directives)))
    return found


def words(text: str) -> list[str]:
    """Give the arguments of the one directive `x` in a block."""
    problems = Problems()
    tree = parse(f".:53 {{\nx {text}\n}}\n", "Corefile", problems)
    assert not problems.are_fatal, problems.render()
    assert tree is not None
    return [word.text for word in tree.blocks[0].directives[0].arguments]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("a b\tc\u00a0d\u2003e", ["a", "b", "c", "d", "e"], id="any white space parts"),
        pytest.param("a\x1cb", ["a\x1cb"], id="a file separator is no white space"),
        pytest.param("fo\ro b\r", ["foo", "b"], id="a carriage return is nothing"),
        pytest.param('"a b" c', ["a b", "c"], id="quotes hold blanks"),
        pytest.param('"a"b', ["a", "b"], id="a word ends at its closing quote"),
        pytest.param('a"b"', ['a"b"'], id="a quote inside a word is a letter"),
        pytest.param('""', [""], id="empty quotes are an empty word"),
        pytest.param(r'"say \"hi\""', ['say "hi"'], id="an escaped quote"),
        pytest.param(r'"a\b\\n\."', [r"a\b\\n\."], id="other escapes stay two characters"),
        pytest.param(r'"a\\" b', [r"a\\", "b"], id="a pair of backslashes escapes no quote"),
        pytest.param(r"a\"b", [r"a\"b"], id="outside quotes a backslash is a letter"),
        pytest.param('"a\nb" c', ["a\nb", "c"], id="quotes hold line breaks and the line goes on"),
        pytest.param('"a\r\nb"', ["a\r\nb"], id="quotes keep carriage returns"),
        pytest.param("foo#bar baz", ["foo"], id="a glued comment leaks nothing"),
        pytest.param("foo # { } bar", ["foo"], id="a comment hides braces"),
        pytest.param('"a#b"', ["a#b"], id="no comment inside quotes"),
        pytest.param('"a"#b c', ["a"], id="a comment after a quote"),
        pytest.param(
            "{remote} a{b}c {{ .Name }}", ["{remote}", "a{b}c", "{{", ".Name", "}}"], id="braces inside words"
        ),
        pytest.param('"{" "}"', ["{", "}"], id="quoted braces are words"),
    ],
)
def test_words_are_read_as_written(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            ".:53 {\n    errors\n    cache 30\n}\n", [([".:53"], [["errors"], ["cache", "30"]])], id="one block"
        ),
        pytest.param("\ufeff. {\n}", [(["."], [])], id="a byte order mark is dropped"),
        pytest.param(". {\r\n errors\r\n}\r\n", [(["."], [["errors"]])], id="lines that end in CRLF"),
        pytest.param("a, b,\nc d {\n}", [(["a", "b", "c", "d"], [])], id="a comma takes keys to the next line"),
        pytest.param("a , b {\n}", [(["a", "b"], [])], id="a comma alone parts keys"),
        pytest.param("a {\n}\nb {\n}", [(["a"], []), (["b"], [])], id="two blocks"),
        pytest.param("a {\n} b {\n}", [(["a"], []), (["b"], [])], id="a block after a brace on its line"),
        pytest.param(". { errors\n log\n}", [(["."], [["errors"], ["log"]])], id="a directive after the opening brace"),
        pytest.param(". { }", [(["."], [])], id="an empty body on one line"),
        pytest.param(".\nerrors\nlog", [(["."], [["errors"], ["log"]])], id="no braces: the rest of the file"),
        pytest.param(".\nx {\ny\n}\nz", [(["."], [["x", [["y"]]], ["z"]])], id="no braces, but a body inside"),
        pytest.param(".\n{\nx\n}", [(["."], [["x"]])], id="the brace on the next line"),
        pytest.param(
            ". {\nx 1 {\ny 2\n}\nx 3\n}", [(["."], [["x", "1", [["y", "2"]]], ["x", "3"]])], id="a nested body"
        ),
        pytest.param(
            ". {\nx { y 2\nz\n}\n}", [(["."], [["x", [["y", "2"], ["z"]]]])], id="a line after a nested brace"
        ),
        pytest.param(". {\nerrors { }\n}", [(["."], [["errors", []]])], id="an empty nested body"),
        pytest.param(
            "(s) {\nlog\n}\nimport s\n", [("(s)", [["log"]]), ("import", ["s"])], id="a snippet and an import"
        ),
        pytest.param("import a b {\n}", None, id="an import takes its whole line"),
        pytest.param(
            ". {\nimport x\ny {\nimport z\n}\n}",
            [(["."], [["import", "x"], ["y", [["import", "z"]]]])],
            id="imports in bodies",
        ),
        pytest.param("a import {\n}", [(["a", "import"], [])], id="import is a key where it starts no line"),
        pytest.param("# only\n. { # a\n # b\n}", [(["."], [])], id="comments between"),
    ],
)
def test_files_are_read_into_blocks_snippets_and_imports(text: str, expected: list[object] | None) -> None:
    problems = Problems()
    tree = parse(text, "Corefile", problems)
    if expected is None:
        assert problems.are_fatal
        return
    assert not problems.are_fatal, problems.render()
    assert shape(tree) == expected


def test_words_know_their_places() -> None:
    tree = parse('.:53 {\n\tlog  "a b" {\n  class error # c\n  }\n}\n', "dir/Corefile", Problems())
    assert tree is not None
    log = tree.blocks[0].directives[0]
    assert [(str(word.at), word.at.width) for word in log.words] == [("dir/Corefile:2:2", 3), ("dir/Corefile:2:7", 5)]
    assert log.arguments[0].at.source == '\tlog  "a b" {'
    assert log.body is not None
    assert str(log.body[0].arguments[0].at) == "dir/Corefile:3:9"
    assert log.braces is not None
    assert (str(log.braces.opens), str(log.braces.closes)) == ("dir/Corefile:2:13", "dir/Corefile:4:3")


def test_a_place_shows_no_control_characters() -> None:
    problems = Problems()
    parse("a\x1b[31m,b {\n}", "Corefile", problems)
    assert "\x1b" not in problems.render().split("\n")[1]


BAD = [
    pytest.param("", id="an empty file"),
    pytest.param("# nothing\n", id="a file of comments"),
    pytest.param("{\n    errors\n}\n", id="a block without keys"),
    pytest.param(".:53 {\n    errors\n}\n}\n", id="a stray closing brace"),
    pytest.param("}\n.:53 {\n}\n", id="a closing brace first"),
    pytest.param("example.org\n", id="a key without a body"),
    pytest.param(".:53 {\n    errors\n", id="a block never closed"),
    pytest.param(".:53 {\n    forward . 1.1.1.1 {\n        force_tcp\n}\n", id="a nested body never closed"),
    pytest.param(". { whoami }\n", id="a body on one line"),
    pytest.param(". {\n    cache { success 5 }\n}\n", id="a nested body on one line"),
    pytest.param(".:53{\n    errors\n}\n", id="a glued opening brace"),
    pytest.param(". {\n    forward . 1.1.1.1{\n        force_tcp}\n}\n", id="glued braces in a body"),
    pytest.param(". {\n    errors {}\n    log }}\n", id="glued pairs of braces"),
    pytest.param('. {\n    log . "a\n    errors\n}\n', id="a quote never closed"),
    pytest.param('. {\n    log . "a\n    errors "b"\n}\n', id="a quote closed by the next one"),
    pytest.param("a, b, {\n    errors\n}\n", id="a comma before the brace"),
    pytest.param("a, b,\n", id="a comma at the end"),
    pytest.param("a,b {\n    errors\n}\n", id="a comma inside a key"),
    pytest.param("{, import, b {\n}\n", id="a brace and a word of ours among keys"),
    pytest.param('"" a {\n}\n', id="an empty key"),
    pytest.param(". {\n    cache {\n    } 30\n}\n", id="a word after a closing brace"),
    pytest.param(". {\n    errors\n    {\n        x\n    }\n}\n", id="a brace that starts a line"),
    pytest.param("a\n    errors\n}\nb {\n}\n", id="a block without its opening brace"),
    pytest.param("(a) b {\n}\n. {\n}\n", id="a snippet with two names"),
    pytest.param("() {\n}\n. {\n}\n", id="a snippet without a name"),
    pytest.param("(a)\nerrors\n", id="a snippet without braces"),
    pytest.param("a,\nimport b {\n}\n", id="an import among keys"),
    pytest.param(".\n{\n    errors\n}\n", id="a brace on the next line"),
    pytest.param(". {\n" + "x {\n" * 20 + "}\n" * 20 + "}\n", id="bodies too deep"),
    pytest.param("a {\n}\n}\nb\n{ x }\n\n(c) {\n    y }}\n", id="many at once"),
]


@pytest.mark.parametrize("text", BAD)
def test_each_wrong_file_is_told_what_is_wrong_and_where(
    text: str, request: pytest.FixtureRequest, golden: Callable[[str, str], None]
) -> None:
    problems = Problems()
    parse(text, "Corefile", problems)
    assert len(problems)
    name = request.node.callspec.id.replace(" ", "_")
    golden(f"corefile/parse/{name}.txt", f"{text}\n----------------\n{problems.render()}\n")
