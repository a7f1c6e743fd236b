"""values.yaml tells what each value means; the schema's descriptions and the README's table are made of it."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

CHART = Path(__file__).parents[2] / "deploy" / "helm" / "nodens"
VALUES = (CHART / "values.yaml").read_text()
MARKS = ("<!-- made from values.yaml by `make manifests` -->", "<!-- end -->")
Golden = Callable[[str, str], None]


def meanings(text: str) -> dict[str, str]:
    """Give what stands behind `# --` above each key, by the key's path."""
    found: dict[str, str] = {}
    parents: list[tuple[int, str]] = []
    said: list[str] = []
    for line in text.splitlines():
        if remark := re.match(r" *# (-- )?(.*)", line):
            said = [remark[2]] if remark[1] else [*said, remark[2]] if said else []
        elif key := re.match(r"( *)([A-Za-z]\w*):", line):
            depth = len(key[1])
            parents = [each for each in parents if each[0] < depth] + [(depth, key[2])]
            if said:
                found[".".join(name for _, name in parents)] = " ".join(said)
            said = []
        else:
            said = []
    return found


MEANINGS = meanings(VALUES)


def defaults(values: dict[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Give every value that has a meaning of its own, and every leaf."""
    for name, value in values.items():
        path = f"{above}{name}"
        if path not in MEANINGS and isinstance(value, dict) and value:
            yield from defaults(value, f"{path}.")
        else:
            yield path, value


DEFAULTS = dict(defaults(yaml.safe_load(VALUES)))


def described(schema: dict[str, Any], above: str = "") -> dict[str, Any]:
    """Put the meanings into a schema."""
    made = {name: part for name, part in schema.items() if name not in {"description", "properties"}}
    if above.rstrip(".") in MEANINGS:
        made = {"description": MEANINGS[above.rstrip(".")], **made}
    if "properties" in schema:
        inner = schema["properties"]
        made["properties"] = {name: described(part, f"{above}{name}.") for name, part in inner.items()}
    return made


def paths(schema: dict[str, Any], above: str = "") -> Iterator[str]:
    """Give every value that a schema knows."""
    for name, part in schema.get("properties", {}).items():
        if part.get("properties"):
            yield from paths(part, f"{above}{name}.")
        else:
            yield f"{above}{name}"


def test_every_value_is_explained() -> None:
    assert [path for path in DEFAULTS if path not in MEANINGS] == []
    assert [path for path in MEANINGS if path not in DEFAULTS] == []


def test_the_schema_knows_every_value_and_no_other() -> None:
    """`global` is what a parent chart hands down."""
    schema = json.loads((CHART / "values.schema.json").read_text())
    assert set(paths(schema)) == set(DEFAULTS) | {"global"}


def test_the_schema_says_what_values_yaml_says(golden: Golden) -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    text = json.dumps(described(schema), indent=2, ensure_ascii=False) + "\n"
    golden("../../deploy/helm/nodens/values.schema.json", text)


def test_no_part_of_the_schema_is_open_by_mistake() -> None:
    """Where keys are named, no other key is allowed: a slip of the keyboard is refused."""

    def named(part: dict[str, Any], path: str) -> Iterator[str]:
        if part.get("properties") and part.get("additionalProperties") is not False:
            yield path
        for name, inner in part.get("properties", {}).items():
            yield from named(inner, f"{path}.{name}")

    assert list(named(json.loads((CHART / "values.schema.json").read_text()), "")) == []


def test_the_readmes_table_is_made_of_values_yaml(golden: Golden) -> None:
    rows = [f"| `{path}` | `{json.dumps(value)}` | {MEANINGS.get(path, '')} |" for path, value in DEFAULTS.items()]
    table = "\n".join(["| value | default | meaning |", "|---|---|---|", *rows])
    readme = (CHART / "README.md").read_text()
    before, _, rest = readme.partition(MARKS[0])
    after = rest.partition(MARKS[1])[2]
    golden("../../deploy/helm/nodens/README.md", f"{before}{MARKS[0]}\n{table}\n{MARKS[1]}{after}")


@pytest.mark.parametrize("field", ["version", "appVersion"])
def test_the_chart_is_of_the_programs_version(field: str) -> None:
    project = tomllib.loads((CHART.parents[2] / "pyproject.toml").read_text())["project"]["version"]
    assert yaml.safe_load((CHART / "Chart.yaml").read_text())[field] == project


@pytest.mark.parametrize("folder", ["grafana", "prometheus"])
def test_the_chart_brings_along_what_stands_in_deploy(folder: str) -> None:
    """By a link, which helm packs as what it leads to."""
    link = CHART / "files" / folder
    assert link.is_symlink()
    assert link.resolve() == CHART.parents[1] / folder


def test_the_readme_and_the_notes_name_only_values_that_exist() -> None:
    text = (CHART / "README.md").read_text().partition(MARKS[0])[0] + (CHART / "templates" / "NOTES.txt").read_text()
    named = set(re.findall(r"--set[= ](?:\S+,)?([a-zA-Z.]+)=", text))
    assert named
    assert {each for each in named if each not in DEFAULTS} == set()


def test_comments_are_read_with_their_paths() -> None:
    text = "# -- One.\na: 1\nb:\n  # -- Two,\n  # and more.\n  c: {}\n  # no meaning\n  d: 2\n# -- Three.\ne:\n  f: 3\n"
    assert meanings(text) == {"a": "One.", "b.c": "Two, and more.", "e": "Three."}
