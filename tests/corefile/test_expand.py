"""Tree -> tree of blocks: snippets, imports, variables and pillars."""

from __future__ import annotations

import os
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nodens.corefile import ImportedFile, expand, parse, read_from_disk, render
from nodens.problems import Problems

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from nodens.corefile import ReadFile


def files(texts: Mapping[str, str]) -> ReadFile:
    """Make a reader of files that are not there."""

    def read(pattern: str, /) -> Sequence[ImportedFile]:
        if pattern.rstrip("/") == "/etc/d":
            raise IsADirectoryError
        if "*" in pattern or "?" in pattern:
            return [ImportedFile(path=path, text=texts[path]) for path in sorted(texts) if fnmatch(path, pattern)]
        if pattern == "/secret":
            raise PermissionError(13, "Permission denied")
        if pattern not in texts:
            raise FileNotFoundError
        return [ImportedFile(path=pattern, text=texts[pattern])]

    return read


ENVIRONMENT = {
    "UP": "1.1.1.1",
    "ZONE": "b.example",
    "NONE": "",
    "TO_UP": "{$UP}",
    "ME": "x{$ME}",
    "BIG": "{$BIG}{$BIG}",
    "COMMA": "c.example,",
}
PILLARS = {
    "__PILLAR__LOCAL__DNS__": "127.0.0.1 ::1",
    "__PILLAR__CLUSTER__DNS__": "10.96.0.11",
    "__PILLAR__DNS__SERVER__": "",
}
FILES = {
    "/etc/lines": "log\ncache {\n    import more\n}\n",
    "/etc/more": "success 10\n",
    "/etc/blocks": "(theirs) {\n    whoami\n}\nb.example {\n    import theirs\n}\nimport sub/deep\n",
    "/etc/sub/deep": "c.example {\n    import near\n}\n",
    "/etc/sub/near": "debug\n",
    "/etc/empty": "# nothing\n",
    "/etc/d/1.conf": "errors\n",
    "/etc/d/2.conf": "loop\n",
    "/etc/self": "import self\n",
    "/etc/bad": "log\n}\nerrors\n",
    "/etc/unknown": "log {$NOT_SET}\n",
}


def expanded(text: str) -> tuple[str, Problems]:
    """Expand a text in the made-up world; give it rendered."""
    problems = Problems()
    tree = parse(text, "/etc/Corefile", problems)
    assert tree is not None
    wide = expand(tree, environment=ENVIRONMENT, read_file=files(FILES), problems=problems, pillars=PILLARS)
    return (render(wide) if wide is not None else ""), problems


def block(*lines: str, keys: str = ".") -> str:
    """Write a block."""
    return f"{keys} {{\n" + "".join(f"    {line}\n" for line in lines) + "}\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(block("log {$UP} {%UP%}"), block("log 1.1.1.1 1.1.1.1"), id="both spellings of a variable"),
        pytest.param(block("log x{$UP}y"), block("log x1.1.1.1y"), id="a variable inside a word"),
        pytest.param(block('log "{$UP} y"'), block('log "1.1.1.1 y"'), id="a variable inside quotes"),
        pytest.param(block("log {$TO_UP}"), block("log 1.1.1.1"), id="a variable that holds a reference"),
        pytest.param(block("log {$NONE} a"), block('log "" a'), id="an empty variable is an empty argument"),
        pytest.param(block("log {$}{$UP}"), block("log {$}{$UP}"), id="an empty reference ends the search"),
        pytest.param(block("log {$UP"), block("log {$UP"), id="an open reference stays"),
        pytest.param(block("{$UP} a"), block("1.1.1.1 a"), id="a variable as a directive"),
        pytest.param(block("log", keys="{$ZONE}:53 a"), block("log", keys="b.example:53 a"), id="a variable in a key"),
        pytest.param(block("log", keys="a {$NONE}"), block("log", keys="a"), id="an empty key disappears"),
        pytest.param(block("log", keys="{$COMMA} a"), block("log", keys="c.example a"), id="a comma from a variable"),
        pytest.param(
            "(s) {\n    log\n    errors\n}\n" + block("import s", "loop"),
            block("log", "errors", "loop"),
            id="a snippet",
        ),
        pytest.param(
            "(s) {\n    log\n}\n(t) {\n    import s\n}\n" + block("import t"), block("log"), id="a snippet in a snippet"
        ),
        pytest.param(
            "(s) {\n    a 1\n}\n" + block("x {", "import s", "}"),
            block("x {", "    a 1", "}"),
            id="a snippet in a nested body",
        ),
        pytest.param("(UP) {\n    log\n}\n" + block("import {%U%}UP"), block("log"), id="a variable in an import"),
        pytest.param(
            block("import lines"), block("log", "cache {", "    success 10", "}"), id="a file, and one from it"
        ),
        pytest.param(block("import /etc/more"), block("success 10"), id="an absolute path"),
        pytest.param(block("import d/*.conf"), block("errors", "loop"), id="files by pattern in the order of names"),
        pytest.param(block("log", "import empty"), block("log"), id="an empty file is nothing"),
        pytest.param(
            "import blocks\n",
            block("whoami", keys="b.example") + "\n" + block("debug", keys="c.example"),
            id="a file of blocks, paths seen from the file",
        ),
        pytest.param(
            "import blocks\n" + block("import theirs"),
            block("whoami", keys="b.example") + "\n" + block("debug", keys="c.example") + "\n" + block("whoami"),
            id="a snippet from another file",
        ),
        pytest.param(
            "(s) {\n    a,\n    b {\n        log\n    }\n}\nimport s\n",
            block("log", keys="a b"),
            id="a snippet of whole blocks",
        ),
        pytest.param(block("bind __PILLAR__LOCAL__DNS__ x"), block("bind 127.0.0.1 ::1 x"), id="a pillar of two words"),
        pytest.param(block("bind a __PILLAR__DNS__SERVER__"), block("bind a"), id="an empty pillar is no word"),
        pytest.param(
            block("x __PILLAR__LOCAL__DNS__:80"), block("x 127.0.0.1:80 [::1]:80"), id="a port glued to a pillar"
        ),
        pytest.param(block('x "__PILLAR__LOCAL__DNS__!"'), block('x "127.0.0.1 ::1!"'), id="a pillar inside quotes"),
        pytest.param(
            block("a", "x 1", "b", "x 2"), block("a", "x 1", "b", "x 2"), id="one directive twice stays in order"
        ),
    ],
)
def test_what_stands_for_something_else_is_filled_in(text: str, expected: str) -> None:
    result, problems = expanded(text)
    assert not problems.are_fatal, problems.render()
    assert result == expected


DEEP = "".join(f"(s{n}) {{\n    import s{n - 1}\n}}\n" for n in range(1, 60))

BAD = [
    pytest.param(block("import"), id="an import of nothing"),
    pytest.param(block("import a b"), id="an import of two"),
    pytest.param(block('import ""'), id="an import of an empty name"),
    pytest.param(block("import lines {", "x", "}"), id="an import with a body"),
    pytest.param(block("import nowhere"), id="a file that is not there"),
    pytest.param(block("import d/"), id="a directory"),
    pytest.param(block("import /secret"), id="a file that may not be read"),
    pytest.param(block("import a*b*"), id="two wildcards"),
    pytest.param(block("import [ab]"), id="a wildcard with brackets"),
    pytest.param(block("import none/*"), id="a pattern without files"),
    pytest.param(block("import s") + "(s) {\n    log\n}\n", id="a snippet defined later"),
    pytest.param("(common) {\n    log\n}\n" + block("import comon"), id="a snippet misspelt"),
    pytest.param("(s) {\n    log\n}\n(s) {\n    errors\n}\n" + block("log"), id="a snippet defined twice"),
    pytest.param("(s) {\n    import s\n}\n" + block("import s"), id="a snippet that imports itself"),
    pytest.param(
        "(s) {\n    x {\n        import s\n    }\n}\n" + block("log"), id="an unused snippet that imports itself"
    ),
    pytest.param("(s) {\n    import t\n}\n(t) {\n    import s\n}\n" + block("import s"), id="snippets in a circle"),
    pytest.param(block("import self"), id="a file that imports itself"),
    pytest.param(block("import bad"), id="a stray brace in an imported file"),
    pytest.param("(s) {\n    log\n}\nimport s\n", id="a snippet of lines imported among blocks"),
    pytest.param("(s) {\n    log\n}\n", id="snippets alone"),
    pytest.param("import empty\n", id="an empty import alone"),
    pytest.param(block("log {$NOT_SET}"), id="a variable that is not set"),
    pytest.param(block("import unknown", "import unknown"), id="an unset variable in a file imported twice"),
    pytest.param(block("log {$ME}"), id="a variable that holds itself"),
    pytest.param(block("log {$BIG}"), id="a variable that doubles"),
    pytest.param(block("log", keys="{$NONE}"), id="a key of which nothing is left"),
    pytest.param(block("{$NONE} a"), id="a directive of which nothing is left"),
    pytest.param(block("log", keys="__PILLAR__DNS__DOMAIN__:53"), id="a pillar without a value"),
]


@pytest.mark.parametrize("text", BAD)
def test_each_wrong_import_or_reference_is_told_where_it_stands(
    text: str, request: pytest.FixtureRequest, golden: Callable[[str, str], None]
) -> None:
    _, problems = expanded(text)
    assert len(problems)
    name = request.node.callspec.id.replace(" ", "_")
    golden(f"corefile/expand/{name}.txt", f"{text}\n----------------\n{problems.render()}\n")


def test_a_variable_never_becomes_a_brace_or_a_line() -> None:
    tree = parse(block("log {$EVIL}"), "Corefile", Problems())
    assert tree is not None
    wide = expand(tree, {"EVIL": "}\n. { whoami\n"}, read_from_disk, Problems())
    assert wide is not None
    assert [word.text for word in wide.blocks[0].directives[0].words] == ["log", "}\n. { whoami\n"]
    assert len(wide.blocks) == 1


def test_snippets_that_double_end_at_a_limit() -> None:
    text = "(s0) {\n    log\n}\n"
    text += "".join(f"(s{n}) {{\n    import s{n - 1}\n    import s{n - 1}\n}}\n" for n in range(1, 40))
    result, problems = expanded(text + block("import s39"))
    assert result == ""
    assert "imports bring in more snippets than the limit of 10000" in problems.render()


def test_lines_end_at_a_limit() -> None:
    text = "(s) {\n" + "    log\n" * 20_000 + "}\n" + block(*["import s"] * 6)
    result, problems = expanded(text)
    assert result == ""
    assert "imports bring in more lines than the limit of 100000" in problems.render()


def test_imports_too_deep_end_at_a_limit() -> None:
    _, problems = expanded("(s0) {\n    log\n}\n" + DEEP + block("import s59"))
    assert "imports within imports are over the limit of 50" in problems.render()


def test_bodies_too_deep_by_imports_end_at_a_limit() -> None:
    text = "(s0) {\n    log\n}\n" + DEEP.replace("import", "x {\n    y {\n    import").replace("\n}\n", "\n}\n}\n}\n")
    _, problems = expanded(text + block("import s40"))
    assert "a body is over the limit of 16 bodies within bodies" in problems.render()


def test_files_are_read_from_the_disk(tmp_path: Path) -> None:
    (tmp_path / "a.conf").write_text("log\n")
    (tmp_path / ".b.conf").write_text("errors\n")
    (tmp_path / "c.conf").mkdir()
    (tmp_path / "latin").write_bytes(b"# caf\xe9\n")
    found = read_from_disk(f"{tmp_path}/*.conf")
    assert [(Path(file.path).name, file.text) for file in found] == [(".b.conf", "errors\n"), ("a.conf", "log\n")]
    assert read_from_disk(f"{tmp_path}/a.conf")[0].text == "log\n"
    assert read_from_disk(f"{tmp_path}/none*") == ()
    with pytest.raises(ValueError, match="not UTF-8 at byte 5"):
        read_from_disk(f"{tmp_path}/latin")
    with pytest.raises(FileNotFoundError):
        read_from_disk(f"{tmp_path}/none")
    with pytest.raises(IsADirectoryError):
        read_from_disk(str(tmp_path))


def test_a_file_over_the_limit_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(b"#" * ((1 << 20) + 1))
    with pytest.raises(ValueError, match="over the limit of 1048576 bytes"):
        read_from_disk(f"{tmp_path}/big")


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match="not a file"):
        read_from_disk(f"{tmp_path}/pipe")
