"""Every room says what it is for; every file is of a size that a person reads."""

from __future__ import annotations

import ast
import re
from pathlib import Path

HOUSE = Path(__file__).parents[2]
PACKAGE = HOUSE / "python" / "nodens"
BANNED = {"utils", "common", "helpers", "misc", "base", "types", "constants", "util", "helper"}
LIMIT = 300


def python_files() -> list[Path]:
    """List the package's files."""
    return sorted(PACKAGE.rglob("*.py"))


def rust_files() -> list[Path]:
    """List the crates' sources; their tests follow Cargo's names and may be long tables."""
    return sorted(path for path in (HOUSE / "crates").rglob("*.rs") if "src" in path.parts)


def test_every_module_opens_with_a_docstring() -> None:
    silent = [str(path) for path in python_files() if not ast.get_docstring(ast.parse(path.read_text()))]
    assert not silent


def test_every_crate_file_opens_with_a_module_comment() -> None:
    silent = [str(path) for path in rust_files() if not path.read_text().startswith("//!")]
    assert not silent


def test_no_room_or_file_is_named_after_nothing() -> None:
    nameless = [
        str(path) for path in [*python_files(), *rust_files()] if path.stem in BANNED or path.parent.name in BANNED
    ]
    assert not nameless


def test_a_file_over_the_limit_says_why_at_its_top() -> None:
    """Tests at the foot of a Rust file do not count; `size:` in the opening comment is the reason."""
    long = []
    for path in [*python_files(), *rust_files()]:
        text = path.read_text()
        body = re.split(r"^#\[cfg\(test\)\]", text, maxsplit=1, flags=re.MULTILINE)[0]
        if body.count("\n") > LIMIT and "size:" not in text[:1500]:
            long.append(f"{path.relative_to(HOUSE)}: {body.count(chr(10))} lines")
    assert not long


def test_unsafe_stands_in_one_file_alone() -> None:
    rough = [
        str(path.relative_to(HOUSE))
        for path in rust_files()
        if re.search(r"\bunsafe\s*(\{|fn|impl)", path.read_text()) and path.name != "sys.rs"
    ]
    assert not rough


def test_every_lint_exception_carries_its_reason() -> None:
    bare = []
    for path in [*python_files(), *sorted((HOUSE / "tests").rglob("*.py"))]:
        for number, line in enumerate(path.read_text().splitlines(), 1):
            found = re.search(r"# (noqa: [A-Z0-9, ]+|type: ignore\[[^]]+\])(.*)", line)
            if found and len(found[2].strip(" -")) < 5:
                bare.append(f"{path.relative_to(HOUSE)}:{number}")
    assert not bare
