"""The world's own nodes, pods and Services, seen as Kubernetes objects; names of kinds in messages."""

from __future__ import annotations

from nodens.lab.kube.objects import KINDS, Key, KubeObject
from nodens.lab.world import Node, Place, Pod, Service, Topology


def plural(key: Key) -> str:
    """Name a kind as kubectl's errors do: `services`, `daemonsets.apps`."""
    group = KINDS[key.kind][2].partition(".")[2]
    return f"{KINDS[key.kind][0]}.{group}" if group else KINDS[key.kind][0]


def born_s(place: Place) -> float:
    """Say when a world was made: when its folder of rooms was."""
    return place.room_folder("").stat().st_mtime


def of_world(topology: Topology, kind: str) -> list[KubeObject]:
    """Give the world's own objects of a kind."""
    match kind:
        case "Node":
            return [_node(each) for each in topology.nodes]
        case "Service":
            return [_service(each) for each in topology.services]
        case "Pod":
            return [_pod(each, topology) for each in topology.pods]
        case _:
            return []


def _node(node: Node) -> KubeObject:
    roles = {f"node-role.kubernetes.io/{node.roles}": ""} if node.roles else {}
    body = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": node.name,
            "namespace": "",
            "labels": {"kubernetes.io/hostname": node.name, "kubernetes.io/os": "linux", **roles},
        },
        "status": {"addresses": [{"type": "InternalIP", "address": address} for address in node.address.all]},
    }
    return KubeObject(key=Key(kind="Node", namespace="", name=node.name), body=body)


def _service(service: Service) -> KubeObject:
    labels = {"k8s-app": service.app} if service.app else {}
    ports = [
        {"name": port.name, "port": port.number, "protocol": port.protocol.upper(), "targetPort": port.at_pod}
        for port in service.ports
    ]
    body = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": service.name, "namespace": service.namespace, "labels": labels},
        "spec": {"type": "ClusterIP", "clusterIP": service.address.v4, "ports": ports, "selector": labels},
    }
    return KubeObject(key=Key(kind="Service", namespace=service.namespace, name=service.name), body=body)


def _pod(pod: Pod, topology: Topology) -> KubeObject:
    body = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": pod.name, "namespace": pod.namespace, "labels": {"k8s-app": pod.app} if pod.app else {}},
        "spec": {"nodeName": topology.node(pod.node).name},
        "status": {"podIP": pod.address.v4},
    }
    return KubeObject(key=Key(kind="Pod", namespace=pod.namespace, name=pod.name), body=body)
