"""Real helm, kubectl and API schemas, as `make charts` brings them."""

from __future__ import annotations

import functools
import json
import re
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from referencing import Registry, Resource

HOUSE = Path(__file__).parents[2]
CHARTS = HOUSE / ".venv" / "charts"
CHART = HOUSE / "deploy" / "helm" / "nodens"
Object = dict[str, Any]


def need_charts() -> None:
    """Fail where helm and kubectl were not brought."""
    if not (CHARTS / "installed").exists():
        pytest.fail("needs helm, kubectl and the API's schemas; `make charts` brings them")


def run(program: str, *words: str | Path, folder: Path = HOUSE) -> str:
    """Run helm or kubectl; what it says on stdout."""
    done = attempt(program, *words, folder=folder)
    assert done.returncode == 0, f"{program}: {done.stderr}"
    return done.stdout


def attempt(program: str, *words: str | Path, folder: Path = HOUSE) -> subprocess.CompletedProcess[str]:
    """Run helm or kubectl without a cluster and without this user's configuration."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(CHARTS / "home"), "KUBECONFIG": "/dev/null"}
    command = [str(CHARTS / "bin" / program), *map(str, words)]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=25)


def chart(values: Object | None = None, *, namespace: str = "kube-system", folder: Path = CHART) -> list[Object]:
    """Give the objects that the chart makes of values."""
    return documents(run("helm", *_template(values, namespace, folder)))


def refusal(values: Object) -> str:
    """Give what helm says of values that it refuses."""
    done = attempt("helm", *_template(values, "kube-system", CHART))
    assert done.returncode != 0, "helm refused nothing"
    return done.stderr


def _template(values: Object | None, namespace: str, folder: Path) -> list[str]:
    """Write the words of `helm template`; JSON is a value, too."""
    given = [f"--set-json={name}={json.dumps(value)}" for name, value in (values or {}).items()]
    return ["template", "nodens", str(folder), "--namespace", namespace, *given]


def documents(text: str) -> list[Object]:
    """Read a file of documents."""
    return [each for each in yaml.safe_load_all(text) if each]


def by_name(found: list[Object] | tuple[Object, ...]) -> dict[tuple[str, str], Object]:
    """Give objects by kind and name."""
    named = {(each["kind"], each["metadata"]["name"]): each for each in found}
    assert len(named) == len(found), "an object is there twice"
    return named


@functools.cache
def _schema(version: str, name: str) -> Any:  # noqa: ANN401 - whatever JSON holds
    """Read one file of the schemas' package, as it was fetched."""
    with zipfile.ZipFile(CHARTS / "schemas.whl") as wheel:
        folder = f"kubernetes_validate/kubernetes-json-schema/v{version}.0-local-strict"
        return json.loads(wheel.read(f"{folder}/{name}.json"))


def complaints(made: Object, version: str) -> list[str]:
    """Say what the API of this version would not know, by the strict schemas that kubernetes-validate carries."""
    group = re.sub(r"^([^./]*)(?:\.[^/]*)?/", r"\1-", made["apiVersion"])
    kind, definitions = _schema(version, f"{made['kind'].lower()}-{group}"), _schema(version, "_definitions")
    registry: Registry[Any] = Resource.from_contents(kind) @ Registry()
    validator = jsonschema.Draft202012Validator(kind, registry=Resource.from_contents(definitions) @ registry)
    return [f"{'.'.join(map(str, error.path))}: {error.message}" for error in validator.iter_errors(made)]
