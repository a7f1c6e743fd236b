"""Markdown read as far as tests need it: fenced blocks with their marks, headings, links.

A block's first line says its language and, behind it, marks:

    sh        commands, checked; `run`: run for real; `root`: in a network namespace, by root
    console   the same behind `$ `, with what they print; `run`: it is compared, `...` stands for any lines
    corefile  goes through `nodens check`; `inside`: directives without their block; `wrong`: must be refused
    yaml json must parse; objects of Kubernetes are validated where a validator is there
    text      is not checked, so it must not look like commands

`as=NAME` on any of them: the block is the file NAME for the runnable commands of its page. A file of the repository is
lent to them by a line `<!-- file NAME: path in the repository -->`.
"""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

HOUSE = Path(__file__).parents[2]
LANGUAGES = {"sh", "console", "corefile", "yaml", "json", "text"}
MARKS = {"run", "root", "inside", "wrong"}
_FENCE = re.compile(r"^( *)(`{3,})(.*)$")
_LENT = re.compile(r"^<!-- file (\S+): (\S+) -->$", re.MULTILINE)
_CODE = re.compile(r"(`+)(.+?)\1", re.DOTALL)
_LINK = re.compile(r"!?\[[^\]]*\]\(([^()\s]+)\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block and where it stands."""

    page: Path
    line: int
    language: str
    marks: tuple[str, ...]
    text: str

    @property
    def place(self) -> str:
        """Where to look."""
        return f"{shown(self.page)}:{self.line}"

    @property
    def file(self) -> str:
        """The file that it is, or nothing."""
        return next((mark.removeprefix("as=") for mark in self.marks if mark.startswith("as=")), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One Markdown file."""

    path: Path
    text: str
    blocks: tuple[Block, ...]
    prose: str

    @property
    def lent(self) -> dict[str, str]:
        """Files of the repository that runnable commands find beside them."""
        return dict(_LENT.findall(self.prose))

    @property
    def links(self) -> list[str]:
        """Every target, in order."""
        return _LINK.findall(_CODE.sub("", self.prose))

    @property
    def code(self) -> list[str]:
        """Every code span of the prose, on one line each."""
        return [" ".join(span.split()) for _, span in _CODE.findall(self.prose)]

    @property
    def anchors(self) -> set[str]:
        """What a link may name behind `#`: headings as GitHub spells them, and anchors set by hand."""
        found: set[str] = set(re.findall(r'<a (?:id|name)="([^"]+)"', self.prose))
        for heading in re.findall(r"^#+ (.+?)\s*$", self.prose, re.MULTILINE):
            anchor, taken = slug(heading), 0
            while (anchor if not taken else f"{anchor}-{taken}") in found:
                taken += 1
            found.add(anchor if not taken else f"{anchor}-{taken}")
        return found


def shown(path: Path) -> str:
    """A path as people know it."""
    return str(path.relative_to(HOUSE)) if path.is_relative_to(HOUSE) else path.name


def slug(heading: str) -> str:
    """The anchor of a heading."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
    return re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", "-")


def read_page(path: Path) -> Page:
    """Read a page; a block that is never closed ends with it."""
    text = path.read_text(encoding="utf-8")
    blocks: list[Block] = []
    prose: list[str] = []
    inside: list[str] | None = None
    fence, indent, words, start = "", 0, [""], 0
    for number, line in enumerate(text.splitlines(), 1):
        found = _FENCE.match(line)
        if inside is None and found:
            fence, indent, words, start, inside = found[2], len(found[1]), found[3].split() or [""], number, []
        elif inside is None:
            prose.append(line)
        elif found and found[2] == fence and not found[3].strip():
            blocks.append(_block(path, start, words, inside))
            inside = None
        else:
            inside.append(line[indent:] if not line[:indent].strip() else line)
    if inside is not None:
        blocks.append(_block(path, start, ["never closed"], inside))
    return Page(path=path, text=text, blocks=tuple(blocks), prose="\n".join(prose))


def _block(path: Path, line: int, words: list[str], inside: list[str]) -> Block:
    """Make a block of its lines."""
    return Block(page=path, line=line, language=words[0], marks=tuple(words[1:]), text="\n".join([*inside, ""]))


def pages() -> list[Page]:
    """Every page of the repository."""
    known = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=HOUSE,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    return [read_page(HOUSE / name) for name in sorted(known) if (HOUSE / name).exists()]


def troubles_of_marks(block: Block) -> list[str]:
    """What is wrong with a block's first line."""
    if not block.language:
        return [f"{block.place}: a block without a language; expected one of {', '.join(sorted(LANGUAGES))}"]
    if block.language not in LANGUAGES:
        return [f"{block.place}: `{block.language}` is not a language of our pages"]
    strange = [mark for mark in block.marks if mark not in MARKS and not mark.startswith("as=")]
    return [f"{block.place}: `{mark}` is not a mark; see tests/docs/doc_pages.py" for mark in strange]
