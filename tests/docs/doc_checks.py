"""What can be wrong with a page: each check gives its troubles, with their places."""

from __future__ import annotations

import contextlib
import io
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml
from doc_pages import HOUSE, Block, Page, shown, troubles_of_marks
from doc_programs import troubles_of
from doc_run import steps_of
from doc_scene import Scene
from doc_shell import commands_of

from nodens import cli, engine, observe
from nodens.cli import node_cache


def unmarked(page: Page) -> Iterator[str]:
    """Find blocks whose first line is not one of ours."""
    return (trouble for block in page.blocks for trouble in troubles_of_marks(block))


def disguised(page: Page) -> Iterator[str]:
    """Find commands in blocks that are not checked."""
    for block in page.blocks:
        for line in block.text.splitlines():
            if block.language == "text" and re.match(
                r"(\$|(sudo )?(nodens|node-cache|kubectl|helm|make)) [\w./-]", line
            ):
                yield f"{block.place}: `{line}` looks like a command, in a block that is not checked"


def refusals(page: Page, folder: Path) -> Iterator[str]:
    """Give every Corefile of a page that is not taken, or is taken though it is marked as wrong."""
    for block in page.blocks:
        if block.language != "corefile":
            continue
        text = f". {{\n{block.text}}}\n" if "inside" in block.marks else block.text
        path = folder / "Corefile"
        path.write_text(text, encoding="utf-8")
        said = io.StringIO()
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
            code = cli.main(["check", str(path)])
        if bool(code) is not ("wrong" in block.marks):
            yield f"{block.place}: {said.getvalue()}"


def misread(page: Page) -> Iterator[str]:
    """Give every block of data that does not parse, whatever it is."""
    for block in page.blocks:
        try:
            if block.language == "json":
                json.loads(block.text)
            elif block.language == "yaml":
                list(yaml.safe_load_all(block.text))
        except (ValueError, yaml.YAMLError) as error:
            yield f"{block.place}: {error}"


def objects_of(page: Page) -> Iterator[tuple[Block, dict[str, Any]]]:
    """Give what a page shows of Kubernetes objects."""
    for block in page.blocks:
        if block.language == "yaml":
            for each in yaml.safe_load_all(block.text):
                if isinstance(each, dict) and {"apiVersion", "kind", "metadata"} <= each.keys():
                    yield block, each


def unknown_commands(page: Page) -> Iterator[str]:
    """Walk a page's commands in order, with the files that they make."""
    scene = Scene(folder=page.path.parent if page.path.parent.name == "lab" else HOUSE)
    scene.made.update(page.lent, (block.file for block in page.blocks if block.file))
    for block in page.blocks:
        if block.language not in {"sh", "console"}:
            continue
        try:
            commands = [command for step in steps_of(block) for command in commands_of(step.command)]
        except ValueError as error:
            yield f"{block.place}: {error}"
            continue
        if not commands:
            yield f"{block.place}: no command in it; expected one, behind `$ ` in a block `console`"
        for command in commands:
            for trouble in troubles_of(command, scene):
                yield f"{block.place}: {' '.join(command.words)}: {trouble}"


def dead_links(page: Page, known: Sequence[Page]) -> Iterator[str]:
    """Follow every link inside the repository."""
    for link in page.links:
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.path.parent / name).resolve() if name else page.path
        if not target.exists():
            yield f"{shown(page.path)}: {link}: no such file"
        elif anchor and target.suffix == ".md":
            other = next((each for each in known if each.path == target), page)
            if anchor not in other.anchors:
                yield f"{shown(page.path)}: {link}: no such heading"


def strange_commands(page: Page) -> Iterator[str]:
    """Find `nodens something` in a sentence, where there is no such command."""
    for span in page.code:
        found = re.match(r"(?:sudo )?nodens ([a-z]+)\b", span)
        if found and found[1] not in cli.COMMANDS:
            yield f"{shown(page.path)}: `{span}`: nodens has no command `{found[1]}`"


def strange_metrics(page: Page) -> Iterator[str]:
    """Find metrics that no scrape of ours has."""
    known = set(re.findall(r"^\| `(\w+)`", observe.document(engine.catalogue()), re.MULTILINE))
    for span in page.code:
        for name, star in re.findall(r"\b((?:coredns|nodens)_[a-z0-9_]+)(\*?)", span):
            is_known = any(each.startswith(name) for each in known) if star else _plain(name) in known
            if not is_known:
                yield f"{shown(page.path)}: `{span}`: no metric of ours is called `{name}{star}`"


def _plain(name: str) -> str:
    """A metric's name without what a histogram puts behind it."""
    return re.sub(r"_seconds_(bucket|count|sum)$", "_seconds", name)


def strange_flags(page: Page) -> Iterator[str]:
    """Find `-flags` that node-cache does not have; those of other programs have one letter or two dashes."""
    known = {flag.name for flag in node_cache.FLAGS} | {"help"}
    for span in page.code:
        found = re.match(r"-([a-z][a-z.-]+)(=\S*)?( \S+)?$", span)
        if found and found[1] not in known:
            yield f"{shown(page.path)}: `{span}`: node-cache has no flag `-{found[1]}`"
