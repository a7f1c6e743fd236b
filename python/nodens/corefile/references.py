"""What stands for something else inside a word: `{$VAR}`, `{%VAR%}` and `__PILLAR__` names. Word -> words."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nodens.corefile.tree import Word
    from nodens.problems import Problems

PILLAR = re.compile(r"__PILLAR__(?:[A-Z0-9]+__)+")

REPLACED_LIMIT = 100  # references replaced in one word; a value may hold references, and may lead back to itself
TEXT_LIMIT = 65_536  # characters of one word after that; more than any directive reads


def fill_pillars(word: Word, values: Mapping[str, Sequence[str]]) -> tuple[Word, ...]:
    """Replace the pillars that have values. One word may become several, or none where nothing is left of it.

    What is glued to a pillar is glued to each of its values (`__PILLAR__LOCAL__DNS__:8080`), an IPv6 address then
    in brackets. In a quoted word the values stand with blanks between them, and it stays one word.
    """
    if "__PILLAR__" not in word.text:
        return (word,)
    texts = [""]
    done = 0
    for found in PILLAR.finditer(word.text):
        if found[0] not in values:
            continue
        before, after = word.text[done : found.start()], word.text[found.end() :]
        given = values[found[0]]
        if word.quoted:
            given = (" ".join(given),)
        elif re.match(r":\d", after):
            given = [f"[{value}]" if ":" in value else value for value in given]
        texts = [text + before + value for text in texts for value in given or ("",)]
        done = found.end()
    texts = [text + word.text[done:] for text in texts]
    return tuple(replace(word, text=text) for text in texts if text or word.quoted)


def fill_variables(word: Word, environment: Mapping[str, str], problems: Problems) -> Word:
    """Replace references to variables, `{%...%}` before `{$...}`, until none is left; one that is unset is nothing."""
    text = word.text
    for start, end in (("{%", "%}"), ("{$", "}")):
        if start in text:
            text = _fill(replace(word, text=text), start, end, environment, problems)
    return word if text == word.text else replace(word, text=text)


def _fill(word: Word, start: str, end: str, environment: Mapping[str, str], problems: Problems) -> str:
    """Replace the references of one spelling; an empty one (`{$}`) ends the search, as in CoreDNS."""
    text = word.text
    for _ in range(REPLACED_LIMIT):
        opening = text.find(start)
        closing = text.find(end, opening)
        if opening < 0 or closing <= opening + len(start):
            return text
        name = text[opening + len(start) : closing]
        if name not in environment:
            problems.warn(word.at, f"the variable `{name}` is not set; it is read as nothing")
        text = text.replace(f"{start}{name}{end}", environment.get(name, ""))
        if len(text) > TEXT_LIMIT:
            problems.note(word.at, f"`{word.text}` grows over the limit of {TEXT_LIMIT} characters")
            return ""
    problems.note(word.at, f"`{word.text}` is over the limit of {REPLACED_LIMIT} references, one leading to another")
    return ""
