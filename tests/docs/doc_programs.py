"""The programs that our pages may run, and what can be checked of a command without running it.

size: half of it is the table of programs, a row each.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from unittest.mock import patch

from doc_kubernetes import HELM_OPTIONS, helm, kubectl
from doc_pages import HOUSE
from doc_scene import Scene, Words
from doc_shell import Command, commands_of

from nodens import cli
from nodens.cli import goflags, node_cache

Check = Callable[[Words, Scene], Iterator[str]]


@dataclass(frozen=True, kw_only=True)
class Program:
    """The options that our pages use of a program, a closer look, and the command that it wraps."""

    options: str = ""
    check: Check | None = None
    wraps: Callable[[Words], Words] | None = None


def troubles_of(command: Command, scene: Scene) -> Iterator[str]:
    """Say what is wrong with a command."""
    words = command.words
    program = PROGRAMS.get(words[0])
    if program is None:
        yield f"`{words[0]}` is not a program that our pages know; tests/docs/doc_programs.py has the table"
        return
    own = words[1:]
    if program.wraps and (inner := program.wraps(own)):
        own = own[: len(own) - len(inner)]
        yield from troubles_of(Command(inner), scene)
    if program.options != "*":
        known = set(program.options.split())
        for word in own:
            option = re.sub(r"^(-[A-Za-z]+)\d+$", r"\1", word.split("=")[0])
            if re.match(r"--?[A-Za-z]", word) and option not in known:
                yield f"`{words[0]}` has no option `{option}` that our pages know"
    if program.check:
        yield from program.check(own, scene)
    scene.made.update(command.writes)


# ------------ our own ------------


class _ParsedError(Exception):
    """A command line was read to its end: nothing more is wanted of it."""


def _nodens(words: Words, scene: Scene) -> Iterator[str]:
    """Read the line with the real parser, and stop before anything is done."""
    del scene
    read = argparse.ArgumentParser.parse_args

    def read_and_stop(*args: object, **named: object) -> None:
        read(*args, **named)  # type: ignore[call-overload] # handed through as they came
        raise _ParsedError

    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        try:
            with patch.object(argparse.ArgumentParser, "parse_args", read_and_stop), patch.object(cli, "call", _call):
                code = cli.main([word.replace("$VALUE", "1") for word in words])
        except _ParsedError:
            return
        except SystemExit as end:
            code = int(end.code or 0)
    if code:
        yield said.getvalue().strip().splitlines()[-1]


def _call(command: Callable[[], int]) -> int:
    """Let the command's own end through; `cli.call` would take ours for a bug."""
    return command()


def _node_cache(words: Words, scene: Scene) -> Iterator[str]:
    """Read the flags."""
    del scene
    try:
        _, rest = goflags.parse(node_cache.FLAGS, list(words))
    except goflags.HelpAskedError:
        return
    except goflags.FlagError as error:
        yield str(error)
        return
    if rest:
        yield f"node-cache takes no words: {' '.join(rest)}"


def _make(words: Words, scene: Scene) -> Iterator[str]:
    """Find the target."""
    del scene
    targets = set(re.findall(r"^([a-z-]+):", (HOUSE / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    yield from (f"the Makefile has no target `{word}`" for word in words if word not in targets and "=" not in word)


def _script(name: str) -> Check:
    """Look an option up in the script's own help."""

    def check(words: Words, scene: Scene) -> Iterator[str]:
        del scene
        source = (HOUSE / "lab" / name).read_text(encoding="utf-8")
        yield from (f"{name} has no option `{word}`" for word in words if word.startswith("--") and word not in source)

    return check


# ------------ everybody's ------------


def _files(words: Words, scene: Scene) -> Iterator[str]:
    """`cp` and `mv`: the first is there, the last is there from now on."""
    names = [word for word in words if not word.startswith("-")]
    yield from (f"{name}: no such file, and no block above makes it" for name in names[:-1] if not scene.has(name))
    if names:
        target = names[-1]
        scene.made.update({target, *(f"{name.rsplit('/', 1)[-1]}" for name in names[:-1] if target in {".", "./"})})


def _cd(words: Words, scene: Scene) -> Iterator[str]:
    """Go there, for the commands that follow on this page."""
    folder = scene.folder / words[0]
    if not folder.is_dir():
        yield f"{words[0]}: no such folder"
    scene.folder = folder


def _read(words: Words, scene: Scene) -> Iterator[str]:
    """`cat` and `sed -i`: what is read must be there."""
    names = [word for word in words if re.fullmatch(r"[\w./-]+\.(ya?ml|json|md|txt|base)", word)]
    yield from (f"{name}: no such file, and no block above makes it" for name in names if not scene.has(name))


def _script_text(words: Words, scene: Scene) -> Iterator[str]:
    """`sh -c TEXT`: the text is commands, too."""
    for command in commands_of(words[words.index("-c") + 1]) if "-c" in words else ():
        yield from troubles_of(command, scene)


def _after(count: int) -> Callable[[Words], Words]:
    """Give what stands behind `count` plain words."""

    def wraps(words: Words) -> Words:
        plain = 0
        for index, word in enumerate(words):
            if not word.startswith("-"):
                plain += 1
            if plain > count:
                return words[index:]
        return ()

    return wraps


def _in_container(words: Words) -> Words:
    """Give what `docker exec NAME` runs."""
    return _after(2)(words) if words[:1] == ("exec",) else ()


def _after_dashes(words: Words) -> Words:
    """Give what stands behind `--`."""
    return words[words.index("--") + 1 :] if "--" in words else ()


PROGRAMS: dict[str, Program] = {
    "./deploy.sh": Program(options="*", check=_script("deploy.sh")),
    "./destroy.sh": Program(options="*", check=_script("destroy.sh")),
    ".ci/run": Program(),
    "apt-get": Program(options="-y -q"),
    "cat": Program(check=_read),
    "cd": Program(check=_cd),
    "bash": Program(options="-c", check=_script_text),
    "chmod": Program(),
    "conntrack": Program(options="-L -C -S -D -p --dport --orig-port-dst --orig-dst -d"),
    "containerlab": Program(options="-t --topo --cleanup"),
    "cp": Program(options="-r -R", check=_files),
    "crictl": Program(options="--timeout -q --name"),
    "curl": Program(options="-s -sm -f -sf -fsS -sS -i -o --max-time"),
    "date": Program(),
    "diff": Program(options="-u", check=_read),
    "dig": Program(options="-p -t -x"),
    "docker": Program(
        options="-t -f -it -i -d --rm --name --network --filter --format -v --cap-add --cap-drop --read-only --user "
        "-q -o",
        wraps=_in_container,
    ),
    "dirname": Program(),
    "echo": Program(),
    "fuzz/run": Program(),
    "git": Program(options="-C"),
    "grep": Program(options="-E -c -v -q -n -i -o -A -B -F -h -m -cE -vE"),
    "head": Program(options="-n"),
    "helm": Program(options=HELM_OPTIONS, check=helm),
    "ip": Program(options="-d -s -o -br -n"),
    "iptables": Program(options="-t -S -L -n -v -nvL -F -D -I -A -p -j -w -d --dport --sport -m -vS -vnxL"),
    "iptables-save": Program(options="-t -c"),
    "jq": Program(options="-r -e -c"),
    "kill": Program(options="-9 -TERM -HUP -USR1 -STOP -CONT -KILL"),
    "kind": Program(options="--name"),
    "kubectl": Program(options="*", check=kubectl, wraps=_after_dashes),
    "make": Program(options="-C", check=_make),
    "mkdir": Program(options="-p"),
    "mv": Program(check=_files),
    "nft": Program(options="-a -j -n"),
    "node-cache": Program(options="*", check=_node_cache),
    "nodens": Program(options="*", check=_nodens),
    "nslookup": Program(options="-type"),
    "pkill": Program(options="-9 -f"),
    "pip": Program(options="-q -r --require-hashes -e"),
    "promtool": Program(),
    "pytest": Program(options="-s -m -q -k"),
    "rm": Program(options="-f -r -rf"),
    "sed": Program(options="-i -n -e -E", check=_read),
    "sh": Program(options="-c", check=_script_text),
    "skopeo": Program(),
    "sleep": Program(),
    "sort": Program(options="-u -n -r -k -t"),
    "ss": Program(options="-l -n -u -p -t -lnup -lntp -lnutp -unlp"),
    "sudo": Program(options="-E -n -s", wraps=_after(0)),
    "systemctl": Program(),
    "tail": Program(options="-n -f"),
    "tcpdump": Program(options="-i -n -c -ni -nn -l"),
    "timeout": Program(wraps=_after(1)),
    "tools/setup": Program(),
    "true": Program(),
    "uniq": Program(options="-c"),
    "unshare": Program(options="-n -r -m", wraps=_after(0)),
    "watch": Program(options="-n -d", wraps=_after(0)),
    "wc": Program(options="-l -c"),
}
for _name in ("nodens", "node-cache"):
    PROGRAMS[f".venv/bin/{_name}"] = PROGRAMS[_name]
