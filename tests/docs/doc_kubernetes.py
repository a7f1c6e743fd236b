"""What can be checked of a line of kubectl or helm without a cluster."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import yaml
from doc_objects import known_objects
from doc_pages import HOUSE
from doc_scene import Scene, Words

KUBECTL = {  # verb -> options, besides those of every verb
    "annotate": "--overwrite -l",
    "apply": "-f -k --server-side --dry-run --force-conflicts",
    "create": "-f --dry-run",
    "delete": "-f -k -l --ignore-not-found --wait --cascade",
    "describe": "-l",
    "diff": "-f -k",
    "edit": "",
    "exec": "-c -it -i -t",
    "explain": "",
    "get": "-l -o -w -A --field-selector --no-headers --all-namespaces -f --watch",
    "kustomize": "",
    "label": "--overwrite -l",
    "logs": "-f -l -c --tail --since --prefix --timestamps",
    "patch": "--type -p --patch-file",
    "port-forward": "",
    "replace": "-f",
    "rollout": "--timeout",
    "run": "--image --rm -it -i --restart",
    "set": "",
    "version": "--client",
    "wait": "--for --timeout -l --all",
}
HELM = {"install", "upgrade", "uninstall", "template", "lint", "test", "rollback", "history"}
HELM_OPTIONS = (
    "-n --namespace --create-namespace --install --set -f --values --dry-run --version --timeout --wait "
    "--reuse-values --take-ownership --set-string --set-file"
)
EVERYWHERE = {"-n", "--namespace", "--kubeconfig", "--context", "--help"}
TAKE_A_VALUE = {"-n", "-l", "-o", "-f", "-k", "-c", "-p", "--namespace", "--kubeconfig", "--context", "--type", "--for"}
TAKE_A_VALUE |= {"--timeout", "--field-selector", "--tail", "--since", "--image", "--patch-file", "--restart"}


def kubectl(words: Words, scene: Scene) -> Iterator[str]:
    """Look verb, options, files and names of objects up."""
    options = [(index, word) for index, word in enumerate(words) if re.match(r"--?[A-Za-z]", word)]
    values = {index + 1 for index, word in options if word in TAKE_A_VALUE}
    plain = [word for index, word in enumerate(words) if not word.startswith("-") and index not in values]
    if not plain or plain[0] not in KUBECTL:
        yield f"`{' '.join(['kubectl', *plain[:1]])}` is not a verb that our pages know"
        return
    verb, *rest = plain
    known = set(KUBECTL[verb].split()) | EVERYWHERE
    for index, word in options:
        option, equals, value = word.partition("=")
        if option not in known:
            yield f"`kubectl {verb}` has no option `{option}` that our pages know"
        value = value if equals else words[index + 1] if index + 1 < len(words) else ""
        names_a_file = option in {"-f", "-k", "--patch-file"} and verb != "logs"
        if names_a_file and not value.startswith("https:") and not scene.has(value):
            yield f"{value}: no such file, and no block above makes it"
    if verb == "rollout":
        rest = rest[1:]
    if verb == "kustomize":
        yield from (f"{folder}: no such folder" for folder in rest if not scene.has(folder))
    elif verb not in {"run", "version", "explain", "set"}:
        yield from _names(verb, rest)


def _names(verb: str, words: list[str]) -> Iterator[str]:
    """Check that objects are of a kind we know, and are ours or the lesson's."""
    known = known_objects()
    kind = "pod"
    for index, word in enumerate(words):
        if "/" in word and not word.startswith(("/", "{")):
            kind, name = word.split("/", 1)
        elif index == 0 and verb not in {"exec", "logs", "port-forward"}:
            kind, name = word, ""
        elif verb in {"exec", "logs", "port-forward"} and index > 0:
            continue  # a port, or the command itself
        elif verb in {"label", "annotate"} and ("=" in word or word.endswith("-")):
            continue
        else:
            name = word
        for each in kind.split(","):
            if each not in known:
                yield f"`{each}` is not a kind of object that our pages know"
            elif name and "$" not in name and name not in known[each]:
                yield f"there is no {each} `{name}`, in our manifests or in the lesson"


def helm(words: Words, scene: Scene) -> Iterator[str]:
    """Check the verb, that the chart is there, and that it has the values that are set."""
    plain = [word for word in words if not word.startswith("-")]
    if not plain or plain[0] not in {
        "install",
        "upgrade",
        "uninstall",
        "template",
        "lint",
        "test",
        "rollback",
        "history",
    }:
        yield f"`{' '.join(['helm', *plain[:1]])}` is not a verb that our pages know"
    for word in plain[1:]:
        if word.startswith(("deploy/", "./", "../")) and not scene.has(word):
            yield f"{word}: no such chart"
    values = HOUSE / "deploy" / "helm" / "nodens" / "values.yaml"
    for index, word in enumerate(words):
        if word == "--set" and index + 1 < len(words) and values.exists():
            yield from _values(words[index + 1], values)
        if word in {"-f", "--values"} and index + 1 < len(words) and not scene.has(words[index + 1]):
            yield f"{words[index + 1]}: no such file, and no block above makes it"


def _values(setting: str, path: Path) -> Iterator[str]:
    """Look a value of the chart up."""
    for pair in re.split(r"(?<!\\),(?=[A-Za-z.]+=)", setting):
        found: object = yaml.safe_load(path.read_text(encoding="utf-8"))
        for part in pair.split("=")[0].split("."):
            name = part.split("[")[0]
            if not isinstance(found, dict) or name not in found:
                yield f"the chart has no value `{pair.split('=')[0]}`"
                break
            found = found[name]
