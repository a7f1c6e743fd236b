"""Tree -> tree of server blocks alone: pillars and variables filled in, snippets and files put where they are imported.

Filling happens before an import is looked up, and line by line: what a variable holds never becomes a brace or a line.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from difflib import get_close_matches
from posixpath import dirname, join  # text alone: this file touches no disk
from typing import TYPE_CHECKING

from nodens.corefile.files import WILDCARDS
from nodens.corefile.parse import DEPTH_LIMIT, EXAMPLE, parse_imported, parse_keys, parse_lines
from nodens.corefile.references import PILLAR, fill_pillars, fill_variables
from nodens.corefile.tree import Corefile, Directive, Import, ServerBlock, Snippet, Word
from nodens.problems import Place

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from nodens.corefile.files import ImportedFile, ReadFile
    from nodens.problems import Problems

SNIPPETS_LIMIT = 10_000  # snippets put in, over one whole expansion; as CoreDNS
FILES_LIMIT = 100_000  # files put in; as CoreDNS
LINES_LIMIT = 100_000  # lines after that; snippets in snippets double with each level, memory does not
TRAIL_LIMIT = 50  # imports within imports; recursion must have an end


def expand(  # noqa: PLR0913 - two of them are seldom given
    tree: Corefile,
    environment: Mapping[str, str],
    read_file: ReadFile,
    problems: Problems,
    pillars: Mapping[str, str] | None = None,
    *,
    beside: str | None = None,
) -> Corefile | None:
    """Fill in and put in all that stands for something else; give nothing where no server block is left.

    `pillars` maps names such as `__PILLAR__LOCAL__DNS__` to their values, blanks between them. A file that the tree's
    own file imports by a relative path is looked for in the folder `beside` first, then in that file's.
    As with `parse`, a tree that comes back beside noted problems is only good for finding more of them.
    """
    values = {name: tuple(value.split()) for name, value in (pillars or {}).items()}
    expander = _Expander(environment, values, read_file, problems)
    expander.also_beside |= {} if beside is None else {tree.file: beside}
    blocks = tuple(expander.blocks(tree.items))
    if not blocks and not problems.are_fatal:
        problems.note(Place(file=tree.file), "the file holds no server block; expected at least one", hint=EXAMPLE)
    return Corefile(file=tree.file, items=blocks) if blocks and not expander.is_over else None


class _Expander:
    """One expansion: the snippets known so far, and what has been put in."""

    def __init__(
        self,
        environment: Mapping[str, str],
        pillars: Mapping[str, Sequence[str]],
        read_file: ReadFile,
        problems: Problems,
    ) -> None:
        """Start with no snippet."""
        self._environment = environment
        self._pillars = pillars
        self._read_file = read_file
        self._problems = problems
        self._snippets: dict[str, Snippet] = {}
        self._ahead: dict[str, Snippet] = {}  # all snippets of the files read, for a hint
        self._files: dict[str, tuple[ImportedFile, ...]] = {}
        self._trail: list[str] = []  # what is being put in, outermost first
        self._depth = 0  # bodies within bodies, over all that is put in
        self._left = {"snippets": SNIPPETS_LIMIT, "files": FILES_LIMIT, "lines": LINES_LIMIT}
        self.is_over, self.also_beside = False, dict[str, str]()  # file -> where its imports are looked for first

    # ------------ the top of a file ------------

    def blocks(self, items: Sequence[ServerBlock | Snippet | Import]) -> Iterator[ServerBlock]:
        """Go through a file in order: a snippet is known from where it stands."""
        self._ahead |= {item.name.text: item for item in items if isinstance(item, Snippet)}
        for item in items:
            match item:
                case Snippet():
                    self._define(item)
                case Import():
                    yield from self._imported_blocks(Directive(name=item.word, arguments=item.arguments))
                case ServerBlock():
                    yield from self._block(item)

    def _define(self, snippet: Snippet) -> None:
        """Remember a snippet; its name may stand once."""
        if earlier := self._snippets.get(snippet.name.text):
            what = f"the snippet `{snippet.name.text}` is already defined at {earlier.name.at}; expected another name"
            self._problems.note(snippet.name.at, what)
            return
        self._snippets[snippet.name.text] = snippet
        for line in _imports_in(snippet.directives):
            if [word.text for word in line.arguments] == [snippet.name.text]:
                self._refuse_circle(line, (snippet.name.text, snippet.name.text))

    def _block(self, block: ServerBlock) -> Iterator[ServerBlock]:
        """Fill in one block; a key of which nothing is left is no key."""
        filled = tuple(word for key in block.keys for word in self._fill(key) if word.text)
        keys = parse_keys(filled)
        if not keys:
            what = f"nothing is left of the block's key `{block.keys[0].text}`; expected a zone"
            self._problems.note(block.keys[0].at, what)
        directives = tuple(self._lines(block.directives))
        if keys:
            yield replace(block, keys=keys, directives=directives)

    def _imported_blocks(self, line: Directive) -> Iterator[ServerBlock]:
        """Put in what stands at the top of other files, or a snippet that holds whole blocks."""
        target = self._target(line)
        if isinstance(target, Snippet):
            with self._inside(target.name.text, line, "snippets") as may_go_on:
                if may_go_on:
                    yield from self.blocks(tuple(self._as_items(target)))
            return
        for file in target:
            with self._inside(file.path, line, "files") as may_go_on:
                if may_go_on:
                    yield from self.blocks(parse_imported(file.text, file.path, self._problems).items)

    def _as_items(self, snippet: Snippet) -> Iterator[ServerBlock | Import]:
        """Read the lines of a snippet as blocks: each line with a body is one, its words the keys."""
        keys: list[Word] = []
        for line in snippet.directives:
            if line.name.text == "import" and not keys and line.body is None:
                yield Import(word=line.name, arguments=line.arguments)
                continue
            keys += line.words
            if line.body is not None:
                yield ServerBlock(keys=tuple(keys), directives=line.body, braces=line.braces)
                keys = []
            elif not keys[-1].text.endswith(","):
                what = f"`{line.name.text}` stands outside a server block; expected a block, since "
                what += f"`{snippet.name.text}` is imported at the top of a file"
                self._problems.note(line.name.at, what)
                keys = []
        if keys:
            self._problems.note(keys[-1].at, f"`{keys[-1].text}` ends in a comma; expected another key after it")

    # ------------ inside a block ------------

    def _lines(self, lines: Sequence[Directive]) -> Iterator[Directive]:
        """Fill in lines, and put in what they import."""
        for line in lines:
            if line.name.text == "import":
                yield from self._imported_lines(line)
                continue
            if not self._spend("lines", line.name):
                return
            words = tuple(word for given in line.words for word in self._fill(given))
            body = None if line.body is None else self._body(line)
            if words and words[0].text:
                yield replace(line, name=words[0], arguments=words[1:], body=body)
            elif words or body:
                self._problems.note(line.name.at, f"nothing is left of `{line.name.text}`; expected a name")

    def _body(self, line: Directive) -> tuple[Directive, ...]:
        """Fill in the body of a line."""
        if self._depth >= DEPTH_LIMIT:
            self._problems.note(line.name.at, f"a body is over the limit of {DEPTH_LIMIT} bodies within bodies")
            return ()
        self._depth += 1
        try:
            return tuple(self._lines(line.body or ()))
        finally:
            self._depth -= 1

    def _imported_lines(self, line: Directive) -> Iterator[Directive]:
        """Put in the lines of a snippet or of files."""
        target = self._target(line)
        if isinstance(target, Snippet):
            with self._inside(target.name.text, line, "snippets") as may_go_on:
                if may_go_on:
                    yield from self._lines(target.directives)
            return
        for file in target:
            with self._inside(file.path, line, "files") as may_go_on:
                if may_go_on:
                    yield from self._lines(parse_lines(file.text, file.path, self._problems))

    # ------------ what an import names ------------

    def _target(self, line: Directive) -> Snippet | tuple[ImportedFile, ...]:
        """Find the snippet of that name, or else the files; nothing, when the line is wrong."""
        words = tuple(word for given in line.arguments for word in self._fill(given))
        if line.body is not None:
            self._problems.note(line.name.at, "`import` has a body; expected none")
        if len(words) != 1:
            what = f"`import` has {len(words) or 'no'} arguments; expected one: a snippet, a file or a pattern"
            self._problems.note(words[1].at if words else line.name.at, what)
            return ()
        name = words[0]
        if not name.text:
            self._problems.note(line.arguments[0].at, "the name to import is empty; expected a snippet or a file")
            return ()
        return self._snippets.get(name.text) or self._files_of(name)

    def _files_of(self, name: Word) -> tuple[ImportedFile, ...]:
        """Read the files that a path or pattern names, seen from the file in which it stands."""
        pattern = join(dirname(name.at.file), name.text)
        if any(name.text.count(letter) > 1 for letter in WILDCARDS) or ("[" in name.text and "]" in name.text):
            what = (
                f"the pattern `{name.text}` is not of a kind that `import` takes; expected at most one `*` and one `?`"
            )
            self._problems.note(name.at, what)
            return ()
        if pattern not in self._files:
            self._files[pattern] = self._read_beside(name, pattern) or self._read(name, pattern)
        return self._files[pattern]

    def _read_beside(self, name: Word, pattern: str) -> tuple[ImportedFile, ...]:
        """Read from the other folder; what is not there may be in the file's own, or is wrong there."""
        other = join(self.also_beside.get(name.at.file, dirname(name.at.file)), name.text)
        try:
            return tuple(self._read_file(other)) if other != pattern else ()
        except (OSError, ValueError) as error:
            return () if isinstance(error, FileNotFoundError) else self._read(name, other)

    def _read(self, name: Word, pattern: str) -> tuple[ImportedFile, ...]:
        """Read files; note why it cannot be done."""
        try:
            found = tuple(self._read_file(pattern))
        except FileNotFoundError:
            what = f"`{name.text}` is no snippet defined above, and there is no file `{pattern}`; expected one of them"
            self._problems.note(name.at, what, hint=self._hint(name.text))
        except IsADirectoryError:
            hint = f"to import all files in it, write `{name.text.rstrip('/')}/*`"
            self._problems.note(name.at, f"`{pattern}` is a directory; expected a file", hint=hint)
        except OSError as error:
            self._problems.note(name.at, f"cannot read `{pattern}`: {(error.strerror or str(error)).lower()}")
        except ValueError as error:
            self._problems.note(name.at, f"cannot read `{pattern}`: {error}")
        else:
            if not found:
                self._problems.warn(name.at, f"no file matches `{pattern}`; nothing is imported")
            return found
        return ()

    def _hint(self, name: str) -> str | None:
        """Point to the snippet that was perhaps meant."""
        if name in self._ahead:
            return f"the snippet `{name}` is defined later, at {self._ahead[name].name.at}; move it up"
        near = get_close_matches(name, self._snippets, n=1)
        return f"did you mean `{near[0]}`?" if near else None

    # ------------ bounds ------------

    @contextmanager
    def _inside(self, name: str, line: Directive, kind: str) -> Iterator[bool]:
        """Hold what is being put in on the trail; refuse circles, and what is too deep or too much."""
        may_go_on = self._spend(kind, line.name)
        if name in self._trail:
            self._refuse_circle(line, (*self._trail[self._trail.index(name) :], name))
            may_go_on = False
        elif len(self._trail) >= TRAIL_LIMIT:
            self._problems.note(line.name.at, f"imports within imports are over the limit of {TRAIL_LIMIT}: `{name}`")
            may_go_on = False
        self._trail.append(name)
        try:
            yield may_go_on
        finally:
            self._trail.pop()

    def _refuse_circle(self, line: Directive, steps: Sequence[str]) -> None:
        """Note an import that leads back to itself."""
        circle = " -> ".join(f"`{step}`" for step in steps)
        self._problems.note(line.name.at, f"the import goes in a circle: {circle}")

    def _spend(self, kind: str, word: Word) -> bool:
        """Count what is put in; say once when it is over the limit, and stop."""
        self._left[kind] -= 1
        if self._left[kind] < 0 and not self.is_over:
            self.is_over = True
            limit = {"snippets": SNIPPETS_LIMIT, "files": FILES_LIMIT, "lines": LINES_LIMIT}[kind]
            self._problems.note(word.at, f"imports bring in more {kind} than the limit of {limit}")
        return not self.is_over

    def _fill(self, word: Word) -> tuple[Word, ...]:
        """Fill in pillars, then variables."""
        words = fill_pillars(word, self._pillars)
        for filled in words:
            if left := PILLAR.search(filled.text):
                hint = "the manifest was applied before this value was put in its place"
                self._problems.warn(word.at, f"`{left[0]}` has no value here; it is read as it stands", hint=hint)
        return tuple(fill_variables(filled, self._environment, self._problems) for filled in words)


def _imports_in(lines: Sequence[Directive]) -> Iterator[Directive]:
    """Go through the imports among lines and in their bodies."""
    for line in lines:
        if line.name.text == "import":
            yield line
        yield from _imports_in(line.body or ())
