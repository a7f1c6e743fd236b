"""Reads texts as Corefiles, and words as single values."""

from __future__ import annotations

from collections.abc import Callable
from textwrap import dedent, indent

import pytest

from nodens import config, corefile
from nodens.corefile import Word
from nodens.problems import Place, Problems

Read = Callable[[str], tuple[config.Config | None, Problems]]


def make_word(text: str) -> Word:
    return Word(text=text, at=Place(file="Corefile", line=1, column=1, width=len(text), source=text))


def read_text(text: str) -> tuple[config.Config | None, Problems]:
    problems = Problems()
    tree = corefile.parse(dedent(text), "Corefile", problems)
    return (config.read(tree, problems) if tree else None), problems


def read_block(lines: str) -> tuple[config.Server | None, list[str]]:
    found, problems = read_text(".:53 {\n" + indent(dedent(lines).strip("\n"), "    ") + "\n}\n")
    return (found.servers[0] if found else None), [problem.what for problem in problems]


@pytest.fixture
def word() -> Callable[[str], Word]:
    return make_word


@pytest.fixture
def read() -> Read:
    return read_text


@pytest.fixture
def block() -> Callable[[str], tuple[config.Server | None, list[str]]]:
    """Read the lines of one block; give its server and the texts of its problems."""
    return read_block
