"""The objects of a world and the pods that follow from them: what `nodens lab create`, `apply`, `delete` do."""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from nodens.errors import LabError
from nodens.lab.kube import seen
from nodens.lab.kube.environment import cluster_ip, service_variables
from nodens.lab.kube.objects import Body, Key, KubeObject
from nodens.lab.kube.pods import Pod, Site, pods_in, refresh_config_map, start
from nodens.lab.kube.store import Store
from nodens.lab.world import Addresses, Port, Service, World, kube_dns_upstream, wait_until

READY_S: Final = 30.0  # then a roll-out is called stuck
_LETTERS: Final = "bcdfghjklmnpqrstvwxz2456789"  # what Kubernetes makes pod names of
_RESTARTED: Final = "kubectl.kubernetes.io/restartedAt"

Tell = Callable[[str], None]


class Cluster:
    """Does what the API server, the controllers and the kubelets do, within one command."""

    def __init__(self, world: World) -> None:
        """Stand on a world that is up."""
        self.world = world
        self.folder = world.place.scratch / "kube"
        self.store = Store(self.folder)

    # ------------ Objects ------------

    def objects(self, kind: str, namespace: str = "") -> list[tuple[KubeObject, float]]:
        """List objects of a kind: those of the world itself, then those that were created."""
        own = [(found, seen.born_s(self.world.place)) for found in seen.of_world(self.world.topology, kind)]
        made = [(row.found, row.made_s) for row in self.store.all(kind)]
        keys = {found.key for found, _ in made}
        whole = [row for row in own if row[0].key not in keys] + made
        return [row for row in whole if namespace in {"", row[0].key.namespace}]

    def find(self, key: Key) -> KubeObject | None:
        """Find an object."""
        return next((found for found, _ in self.objects(key.kind) if found.key == key), None)

    def create(self, found: KubeObject) -> None:
        """Keep a new object, and do what follows from it."""
        if self.find(found.key):
            raise LabError(f'{seen.plural(found.key)} "{found.key.name}" already exists')
        self._keep(found)
        if found.key.kind == "DaemonSet":
            for node in self.nodes_of(found):
                self._start(found, node)

    def apply(self, found: KubeObject, tell: Tell) -> str:
        """Make an object be so: gives `created`, `configured` or `unchanged`."""
        old = self.find(found.key)
        if old is None:
            self.create(found)
            return "created"
        merged = _with_what_was_given(old, found)
        if merged.body == old.body:
            if found.key.kind == "DaemonSet":
                self._roll(merged, tell)  # one that was given up half-way goes on, as a controller's does
            return "unchanged"
        self._keep(merged)
        if found.key.kind == "ConfigMap":
            self._refresh(merged)
        if found.key.kind == "DaemonSet":
            self._roll(merged, tell)
        return "configured"

    def restart(self, key: Key, tell: Tell, node: str = "") -> None:
        """Roll a DaemonSet over, as `kubectl rollout restart` does: by an annotation that changes its template."""
        old = self.find(key)
        if old is None:
            raise LabError(f'{seen.plural(key)} "{key.name}" not found')
        body: Body = json.loads(json.dumps(old.body))
        body["spec"]["template"]["metadata"].setdefault("annotations", {})[_RESTARTED] = f"{time.time():.3f}"
        changed = KubeObject(key=key, body=body)
        self._keep(changed)
        self._roll(changed, tell, node)

    def delete(self, key: Key) -> None:
        """Forget an object, and end what followed from it."""
        found = self.find(key)
        if found is None:
            raise LabError(f'{seen.plural(key)} "{key.name}" not found')
        if key.kind == "DaemonSet":
            with ThreadPoolExecutor() as together:
                list(together.map(self._end, self.pods(key.name)))
        if key.kind == "Service" and found.spec.get("selector") and cluster_ip(found):
            self.world.remove_service(key.name)
        self.store.remove(key)

    def _keep(self, found: KubeObject) -> None:
        """Write an object down; a Service gets its address and kube-proxy's rules."""
        if found.key.kind == "Service":
            found = _with_address(found)
            if cluster_ip(found) and found.spec.get("selector"):
                self.world.add_service(_service(found))
        self.store.put(found, time.time())

    # ------------ Pods ------------

    def pods(self, owner: str = "") -> list[Pod]:
        """List the pods of DaemonSets."""
        return [pod for pod in pods_in(self.folder / "pods") if owner in {"", pod.owner}]

    def up_to_date(self, daemon_set: KubeObject) -> list[Pod]:
        """List the pods of a DaemonSet that were made from its newest template."""
        return [pod for pod in self.pods(daemon_set.key.name) if pod.template == _digest(daemon_set)]

    def nodes_of(self, daemon_set: KubeObject) -> list[str]:
        """Name the nodes that its nodeSelector chooses."""
        wanted: dict[str, Any] = daemon_set.spec["template"]["spec"].get("nodeSelector") or {}
        return [
            node.key.name
            for node, _ in self.objects("Node")
            if all(node.labels.get(name) == str(value) for name, value in wanted.items())
        ]

    def _start(self, daemon_set: KubeObject, node_name: str) -> Pod:
        """Start a pod on a node."""
        node = self.world.topology.node(node_name)
        name = f"{daemon_set.key.name}-{''.join(secrets.choice(_LETTERS) for _ in range(5))}"
        folder = self.folder / "pods" / name
        folder.mkdir(parents=True)
        services = [found for found, _ in self.objects("Service")]
        namespace = daemon_set.key.namespace
        site = Site(
            node=node.name,
            address=node.address.v4,
            namespace=self.world.place.namespace(node.name),
            host_folder=self.world.room(node.name).folder,
            resolv_conf=self.world.room(node.name).path("/etc/resolv.conf"),
            variables=service_variables(services, namespace),
            config_map=lambda name: self.find(Key(kind="ConfigMap", namespace=namespace, name=name)),
        )
        return start(daemon_set, _digest(daemon_set), site, folder)

    def _end(self, pod: Pod) -> None:
        """End a pod and forget it; its log stays as `previous`."""
        pod.end()
        (self.folder / "ended").mkdir(exist_ok=True)
        pod.folder.rename(self.folder / "ended" / pod.name)

    def _refresh(self, config_map: KubeObject) -> None:
        """Write a changed ConfigMap into every pod that mounts it."""
        for daemon_set, _ in self.objects("DaemonSet", config_map.key.namespace):
            for pod in self.pods(daemon_set.key.name):
                refresh_config_map(pod, daemon_set, config_map)

    def resume(self, tell: Tell) -> None:
        """Go on with roll-outs whose command has ended too soon, as their controller does, and wait for their pods."""
        with self.store.held_if_free() as is_ours:
            for daemon_set, _ in self.objects("DaemonSet") if is_ours else ():
                for node in self.nodes_of(daemon_set):
                    self._roll_on(daemon_set, node, tell, is_patient=True)

    def settle(self) -> None:
        """Let such roll-outs take the step that is due: a new pod that is ready takes the place of others beside it."""
        with self.store.held_if_free() as is_ours:
            for daemon_set, _ in self.objects("DaemonSet") if is_ours else ():
                for node in self.nodes_of(daemon_set):
                    here = self._on(daemon_set, node)
                    fresh = [pod for pod in here if pod.template == _digest(daemon_set)] if len(here) > 1 else []
                    if stays := next((pod for pod in reversed(fresh) if pod.is_ready), None):
                        self._end_all(here, but=[stays])

    def _end_all(self, pods: list[Pod], but: list[Pod]) -> None:
        """End pods, but for some."""
        for pod in pods:
            if pod.name not in {each.name for each in but}:
                self._end(pod)

    def _on(self, daemon_set: KubeObject, node: str) -> list[Pod]:
        """List a DaemonSet's pods on a node, oldest first."""
        return [pod for pod in self.pods(daemon_set.key.name) if pod.node == node]

    def _roll(self, daemon_set: KubeObject, tell: Tell, node: str = "") -> None:
        """Leave one new, ready pod on each node, node by node, in the way that its updateStrategy asks for.

        `node` chooses one alone, as a `maxUnavailable` of one does for as long as its first pod is not ready.
        """
        nodes = self.nodes_of(daemon_set)
        self._end_all(self.pods(daemon_set.key.name), but=[pod for each in nodes for pod in self._on(daemon_set, each)])
        for each in nodes:
            if node in {"", each}:
                self._roll_on(daemon_set, each, tell)

    def _roll_on(self, daemon_set: KubeObject, node: str, tell: Tell, *, is_patient: bool = False) -> None:
        """Roll over one node, whatever an earlier roll-out has left there.

        A new pod that crashes has a back-off of minutes at last; unless we are patient it is replaced at once.
        """
        newest, here = _digest(daemon_set), self._on(daemon_set, node)
        if [pod.template for pod in here] == [newest]:
            return
        rolling = (daemon_set.spec.get("updateStrategy") or {}).get("rollingUpdate") or {}
        surges = str(rolling.get("maxSurge", 0)) not in {"0", "0%"}
        fresh = [pod for pod in here if pod.template == newest and (is_patient or _may_get_ready(pod))][-1:]
        old = [pod for pod in here if pod.template != newest]
        serving = [pod for pod in old if pod.is_ready][-1:] if surges else []
        self._end_all(here, but=[*fresh, *serving])
        new = fresh[0] if fresh else self._start(daemon_set, node)
        wait_until(lambda: new.is_ready, READY_S, f"pod {new.name} on {node} to be ready")
        self._end_all(serving, but=[])
        if old:
            tell(f"{node}: {new.name} {'took over from' if serving else 'came after'} {(serving or old)[-1].name}")


def _may_get_ready(pod: Pod) -> bool:
    """Whether a pod is worth waiting for: it runs, or is about to."""
    return pod.status.phase in {"Pending", "Running"}


def _digest(daemon_set: KubeObject) -> str:
    """Tell one pod template from another."""
    text = json.dumps(daemon_set.spec["template"], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def _with_address(found: KubeObject) -> KubeObject:
    """Give a Service its cluster address, if it has none and wants one."""
    if found.spec.get("clusterIP"):
        return found
    number = int.from_bytes(hashlib.sha256(str(found.key).encode()).digest()[:2], "big")
    drawn = (
        kube_dns_upstream().address.v4
        if found.key.name == "kube-dns-upstream"
        else f"10.96.{number >> 8}.{number & 255}"
    )
    return KubeObject(key=found.key, body={**found.body, "spec": {**found.spec, "clusterIP": drawn}})


def _with_what_was_given(old: KubeObject, found: KubeObject) -> KubeObject:
    """Keep what a manifest does not have of its own: a Service's address, the mark of a restart."""
    body: Body = json.loads(json.dumps(found.body))
    if found.key.kind == "Service" and not found.spec.get("clusterIP"):
        body["spec"]["clusterIP"] = old.spec.get("clusterIP")
    if found.key.kind == "DaemonSet":
        marks = old.spec["template"]["metadata"].get("annotations") or {}
        if _RESTARTED in marks:
            body["spec"]["template"]["metadata"].setdefault("annotations", {})[_RESTARTED] = marks[_RESTARTED]
    return KubeObject(key=found.key, body=body)


def _service(found: KubeObject) -> Service:
    """Tell the world of a Service."""
    return Service(
        name=found.key.name,
        namespace=found.key.namespace,
        address=Addresses(v4=cluster_ip(found)),
        ports=tuple(_ports(found)),
        app=str(found.spec["selector"].get("k8s-app", "")),
    )


def _ports(found: KubeObject) -> Iterator[Port]:
    """Read the ports of a Service."""
    for port in found.spec.get("ports") or []:
        target = port.get("targetPort")
        yield Port(
            name=str(port.get("name", "")),
            protocol=str(port.get("protocol", "TCP")).lower(),
            number=int(port["port"]),
            target=target if isinstance(target, int) else 0,
        )
