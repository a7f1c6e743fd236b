"""Kubernetes objects as plain data: read from a manifest, named as kubectl names them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import yaml

from nodens.errors import LabError

Body = dict[str, Any]
DEFAULT_NAMESPACE: Final = "default"
# kind -> (plural, short names, what kubectl prints before the slash); `-` is for what the lab has no use of.
KINDS: Final = {
    "ServiceAccount": ("serviceaccounts", ("serviceaccount", "sa"), "serviceaccount"),
    "Service": ("services", ("service", "svc"), "service"),
    "ConfigMap": ("configmaps", ("configmap", "cm"), "configmap"),
    "DaemonSet": ("daemonsets", ("daemonset", "ds", "daemonset.apps"), "daemonset.apps"),
    "Pod": ("pods", ("pod", "po"), "pod"),
    "Node": ("nodes", ("node", "no"), "node"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """What makes an object itself."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        """Spell it as kubectl does: `daemonset.apps/node-local-dns`."""
        return f"{KINDS[self.kind][2]}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class KubeObject:
    """An object and its body."""

    key: Key
    body: Body

    @property
    def labels(self) -> dict[str, str]:
        """Give its labels."""
        return {str(name): str(value) for name, value in (self.body["metadata"].get("labels") or {}).items()}

    @property
    def spec(self) -> Body:
        """Give its specification."""
        return dict(self.body.get("spec") or {})


def read_manifest(text: str, file: str) -> list[KubeObject]:
    """Read every object of a manifest; LabError says what is wrong and where."""
    try:
        documents = [document for document in yaml.safe_load_all(text) if document is not None]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"{file}:{mark.line + 1}:{mark.column + 1}" if mark else file
        raise LabError(f"{place}: no YAML: {error.problem}") from error
    if not documents:
        raise LabError(f"{file}: no object in it; expected a manifest")
    return [read_object(document, f"{file}: object {number}") for number, document in enumerate(documents, 1)]


def read_object(body: object, place: str) -> KubeObject:
    """Check the few fields by which an object is known."""
    if not isinstance(body, dict) or not isinstance(body.get("metadata"), dict):
        raise LabError(f"{place}: no Kubernetes object; expected `apiVersion`, `kind` and `metadata`")
    kind, metadata = str(body.get("kind")), body["metadata"]
    if kind not in KINDS:
        raise LabError(f"{place}: kind `{kind}` is not known here; expected one of: {', '.join(KINDS)}")
    if not metadata.get("name"):
        raise LabError(f"{place}: a {kind} without a name")
    namespace = "" if kind == "Node" else str(metadata.get("namespace") or DEFAULT_NAMESPACE)
    placed = {**body, "metadata": {**metadata, "namespace": namespace}}
    return KubeObject(key=Key(kind=kind, namespace=namespace, name=str(metadata["name"])), body=placed)


def kind_of(word: str) -> str:
    """Read a kind as kubectl takes it: `svc`, `services`, `daemonset.apps`."""
    folded = word.lower()
    for kind, (plural, short, _) in KINDS.items():
        if folded == plural or folded in short:
            return kind
    known = ", ".join(plural for plural, _, _ in KINDS.values())
    raise LabError(f"`{word}` is not a kind that the lab knows; expected one of: {known}")


def matches(labels: dict[str, str], selector: str) -> bool:
    """Whether labels satisfy `a=b,c=d`."""
    wanted = [pair.partition("=") for pair in selector.replace("==", "=").split(",") if pair]
    return all(name in labels and (not equals or labels[name] == value) for name, equals, value in wanted)
