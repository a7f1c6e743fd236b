"""`nodens lab get`: tables and fields of what is there, in kubectl's own columns."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from nodens import __version__
from nodens.errors import LabError
from nodens.lab.kube import seen
from nodens.lab.kube.cluster import Cluster
from nodens.lab.kube.editing import spell
from nodens.lab.kube.environment import HEADLESS
from nodens.lab.kube.objects import Key, KubeObject, kind_of, matches
from nodens.lab.kube.tables import render_table, spell_age
from nodens.lab.world import is_alive

_JSONPATH: Final = re.compile(r"jsonpath=\{?((?:\.\w+(?:\[\d+\])?)+)\}?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A `get`: of which kind, which one, where, with which labels, in which form."""

    kind: str
    name: str = ""
    namespace: str = "default"  # empty: all
    selector: str = ""
    form: str = ""  # wide, yaml, json, name, jsonpath=...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """A line of a table: of which namespace, the cells, those of `-o wide`."""

    namespace: str
    cells: tuple[str, ...]
    wide: tuple[str, ...] = ()


_HEADS: Final = {
    "Node": (("NAME", "STATUS", "ROLES", "AGE", "VERSION"), ("INTERNAL-IP", "KERNEL-VERSION", "CONTAINER-RUNTIME")),
    "Pod": (("NAME", "READY", "STATUS", "RESTARTS", "AGE"), ("IP", "NODE")),
    "Service": (("NAME", "TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)", "AGE"), ("SELECTOR",)),
    "DaemonSet": (("NAME", "DESIRED", "CURRENT", "READY", "UP-TO-DATE", "AVAILABLE", "NODE SELECTOR", "AGE"), ()),
    "ConfigMap": (("NAME", "DATA", "AGE"), ()),
    "ServiceAccount": (("NAME", "SECRETS", "AGE"), ()),
}


def render(cluster: Cluster, asked: Asked) -> str:
    """Give what is asked for, as kubectl prints it; LabError says what is not there, in kubectl's words."""
    found = [
        row
        for row in cluster.objects(asked.kind, "" if asked.kind == "Node" else asked.namespace)
        if asked.name in {"", row[0].key.name} and matches(row[0].labels, asked.selector)
    ]
    if asked.name and not found and asked.kind != "Pod":
        key = Key(kind=asked.kind, namespace=asked.namespace, name=asked.name)
        raise LabError(f'Error from server (NotFound): {seen.plural(key)} "{asked.name}" not found')
    if asked.form not in {"", "wide"}:
        return _render_fields([each for each, _ in found], asked)
    rows = list(_rows(cluster, asked, found))
    if asked.name and not rows:
        raise LabError(f'Error from server (NotFound): pods "{asked.name}" not found')
    if not rows:
        return ""
    heads, wide_heads = _HEADS[asked.kind]
    is_wide, is_all = asked.form == "wide", not asked.namespace and asked.kind != "Node"
    titles = (*(("NAMESPACE",) if is_all else ()), *heads, *(wide_heads if is_wide else ()))
    return render_table(
        titles,
        [(*((row.namespace,) if is_all else ()), *row.cells, *(row.wide if is_wide else ())) for row in rows],
    )


def _render_fields(found: list[KubeObject], asked: Asked) -> str:
    """Give bodies, or one field of them."""
    bodies = [each.body for each in found]
    if asked.form == "name":
        return "".join(f"{each.key}\n" for each in found)
    if asked.form in {"yaml", "json"}:
        whole = bodies[0] if asked.name else {"apiVersion": "v1", "kind": "List", "items": bodies}
        return spell(whole) if asked.form == "yaml" else json.dumps(whole, indent=4) + "\n"
    read = _JSONPATH.fullmatch(asked.form)
    if not read:
        raise LabError(f"-o {asked.form}: expected wide, yaml, json, name or such as jsonpath={{.spec.clusterIP}}")
    return " ".join(_field(body, read[1]) for body in bodies)


def _field(body: object, path: str) -> str:
    """Walk along `.spec.ports[0].name`; empty where there is nothing, as kubectl does."""
    for name, number in re.findall(r"\.(\w+)(?:\[(\d+)\])?", path):
        body = body.get(name) if isinstance(body, dict) else None
        if number:
            body = body[int(number)] if isinstance(body, list) and int(number) < len(body) else None
    return "" if body is None else body if isinstance(body, str) else json.dumps(body)


def _rows(cluster: Cluster, asked: Asked, found: list[tuple[KubeObject, float]]) -> Iterator[_Row]:
    """Lay out every object of a kind."""
    now_s = time.time()
    lay_out: Callable[[KubeObject, str], _Row] = {
        "Node": lambda each, age: _node_row(cluster, each, age),
        "Pod": lambda each, age: _pod_row(cluster, each, age),
        "Service": _service_row,
        "DaemonSet": lambda each, age: _daemon_set_row(cluster, each, age),
        "ConfigMap": _config_map_row,
        "ServiceAccount": lambda each, age: _Row(namespace=each.key.namespace, cells=(each.key.name, "0", age)),
    }[asked.kind]
    rows = [lay_out(each, spell_age(now_s - made_s)) for each, made_s in found]
    if asked.kind == "Pod":
        rows += _daemon_rows(cluster, asked, now_s)
    yield from sorted(rows, key=lambda row: (row.namespace, row.cells[0]))


def _node_row(cluster: Cluster, node: KubeObject, age: str) -> _Row:
    """A node is ready if its network is there. No kubelet runs on it: the version is the lab's."""
    is_there = cluster.world.place.namespace(node.key.name) in cluster.world.place.namespaces()
    roles = ",".join(label.rpartition("/")[2] for label in node.labels if label.startswith("node-role")) or "<none>"
    return _Row(
        namespace="",
        cells=(node.key.name, "Ready" if is_there else "NotReady", roles, age, f"lab-{__version__}"),
        wide=(node.body["status"]["addresses"][0]["address"], os.uname().release, "none (network namespaces)"),
    )


def _pod_row(cluster: Cluster, pod: KubeObject, age: str) -> _Row:
    """A pod of the world itself: it runs if its network is there and the programs that it should have live."""
    runs = all(is_alive(program) for program in cluster.world.programs(room=pod.key.name))
    cells = (pod.key.name, "1/1" if runs else "0/1", "Running" if runs else "Error", "0", age)
    return _Row(
        namespace=pod.key.namespace, cells=cells, wide=(pod.body["status"]["podIP"], pod.body["spec"]["nodeName"])
    )


def _daemon_rows(cluster: Cluster, asked: Asked, now_s: float) -> Iterator[_Row]:
    """Pods of DaemonSets, with what their processes and probes say now."""
    for pod in cluster.pods():
        if (
            asked.namespace in {"", pod.namespace}
            and asked.name in {"", pod.name}
            and matches(pod.labels, asked.selector)
        ):
            status = pod.status
            cells = (
                pod.name,
                "1/1" if pod.is_ready else "0/1",
                status.phase,
                str(status.restarts),
                spell_age(now_s - pod.made_s),
            )
            yield _Row(namespace=pod.namespace, cells=cells, wide=(pod.address, pod.node))


def _service_row(service: KubeObject, age: str) -> _Row:
    spec = service.spec
    ports = ",".join(f"{port['port']}/{port.get('protocol', 'TCP')}" for port in spec.get("ports") or [])
    selector = ",".join(f"{name}={value}" for name, value in sorted((spec.get("selector") or {}).items()))
    address = str(spec.get("clusterIP") or HEADLESS)
    return _Row(
        namespace=service.key.namespace,
        cells=(service.key.name, str(spec.get("type", "ClusterIP")), address, "<none>", ports or "<none>", age),
        wide=(selector or "<none>",),
    )


def _daemon_set_row(cluster: Cluster, daemon_set: KubeObject, age: str) -> _Row:
    name = daemon_set.key.name
    mine, fresh = cluster.pods(name), cluster.up_to_date(daemon_set)
    ready = {pod.name for pod in mine if pod.is_ready}
    counts = (len(cluster.nodes_of(daemon_set)), len(mine), len(ready), len(fresh), len(ready))
    return _Row(
        namespace=daemon_set.key.namespace, cells=(name, *(str(each) for each in counts), _selector(daemon_set), age)
    )


def _selector(daemon_set: KubeObject) -> str:
    """Spell the nodeSelector of a DaemonSet."""
    wanted = daemon_set.spec["template"]["spec"].get("nodeSelector") or {}
    return ",".join(f"{name}={value}" for name, value in wanted.items()) or "<none>"


def _config_map_row(config_map: KubeObject, age: str) -> _Row:
    data = config_map.body.get("data") or {}
    return _Row(namespace=config_map.key.namespace, cells=(config_map.key.name, str(len(data)), age))


def read_asked(words: list[str], namespace: str, selector: str, form: str) -> Asked:
    """Read `get pods NAME`, `get svc/NAME`."""
    kind, _, name = words[0].partition("/")
    return Asked(
        kind=kind_of(kind), name=name or "".join(words[1:2]), namespace=namespace, selector=selector, form=form
    )
