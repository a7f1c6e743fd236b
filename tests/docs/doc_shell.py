"""Shell text -> the simple commands in it. Enough of a shell's grammar for what a page shows."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

ENDS = {"|", "||", "&&", ";", "&", "(", ")", ";;", "|&"}
KEYWORDS = {"do", "then", "else", "if", "elif", "while", "until", "!", "{", "}", "done", "fi", "time"}
REDIRECTIONS = {">", ">>", "<", "<<<", "2>", "&>", ">&", ">|"}
_HEREDOC = re.compile(r"<<-?\s*['\"]?(\w+)['\"]?(.*)\n(?:.*\n)*?\s*\1(?:\n|$)")
_ASSIGNMENT = re.compile(r"^\w+\+?=")


@dataclass(frozen=True, slots=True)
class Command:
    """A program with its words, and the files its output is sent to."""

    words: tuple[str, ...]
    writes: tuple[str, ...] = ()


def commands_of(text: str) -> Iterator[Command]:
    """Give every simple command, those inside `$(...)` first."""
    text = re.sub(r"\\\n\s*", " ", text)
    text = _HEREDOC.sub(r"\2\n", text)
    for line in _lines(text):
        inner, outer = _take_substitutions(line)
        for each in inner:
            yield from commands_of(each)
        yield from _simple(outer)


def _lines(text: str) -> Iterator[str]:
    """Give logical lines: a quote that stays open joins the next."""
    held = ""
    for line in text.splitlines():
        held = f"{held}\n{line}" if held else line
        try:
            shlex.split(held, comments=True)
        except ValueError:
            continue
        yield held
        held = ""
    if held:
        raise ValueError(f"a quote stays open: {held!r}")


def _take_substitutions(line: str) -> tuple[list[str], str]:
    """Take `$(...)` out of a line; single quotes hide them."""
    inner: list[str] = []
    while found := re.search(r"^(?:[^'$]|\$(?!\()|'[^']*')*?(\$\()", line):
        start, depth = found.start(1), 0
        for end in range(start + 1, len(line)):
            depth += {"(": 1, ")": -1}.get(line[end], 0)
            if not depth:
                break
        else:
            raise ValueError(f"`$(` is never closed: {line}")
        inner.append(line[start + 2 : end])
        line = f"{line[:start]}$VALUE{line[end + 1 :]}"
    return inner, line


def _simple(line: str) -> Iterator[Command]:
    """Split a line at its operators."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="();<>|&")
    lexer.whitespace_split = True
    lexer.commenters = "#"
    words: list[str] = []
    for token in [*lexer, ";"]:
        if token in ENDS:
            if command := _command(words):
                yield command
            words = []
        else:
            words.append(token)


def _command(tokens: list[str]) -> Command | None:
    """Drop keywords, assignments and redirections; None if nothing is left."""
    words: list[str] = []
    writes: list[str] = []
    rest = iter(tokens)
    for token in rest:
        if token in REDIRECTIONS:
            target = next(rest, "")
            if token in {">", ">>", "&>", ">|"}:
                writes.append(target)
            if words and words[-1].isdigit() and len(words[-1]) == 1:
                words.pop()
        elif not words and (token in KEYWORDS or _ASSIGNMENT.match(token)):
            continue
        else:
            words.append(token)
    if not words or words[0] == "for":
        return None
    if words[0] in {"export", "readonly", "local"}:
        return None if all(_ASSIGNMENT.match(word) for word in words[1:]) else Command(tuple(words))
    return Command(tuple(words), tuple(writes))
