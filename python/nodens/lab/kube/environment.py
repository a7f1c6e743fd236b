"""The environment that the kubelet gives a container: its Services, then what the manifest says. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from nodens.errors import LabError
from nodens.lab.kube.objects import DEFAULT_NAMESPACE, KubeObject

HEADLESS: Final = "None"


def cluster_ip(service: KubeObject) -> str:
    """Give a Service's address; empty for a headless one."""
    address = str(service.spec.get("clusterIP") or "")
    return "" if address == HEADLESS else address


def service_variables(services: Iterable[KubeObject], namespace: str) -> dict[str, str]:
    """Name the Services of a namespace, and `kubernetes` of the default one, as the kubelet does."""
    found: dict[str, str] = {}
    for service in services:
        is_master = service.key.namespace == DEFAULT_NAMESPACE and service.key.name == "kubernetes"
        if cluster_ip(service) and (is_master or service.key.namespace == namespace):
            found |= _variables_of(service)
    return found


def _variables_of(service: KubeObject) -> dict[str, str]:
    """Write the host, the ports and the older `link` variables of one Service."""
    name = service.key.name.upper().replace("-", "_")
    address, ports = cluster_ip(service), list(service.spec.get("ports") or [])
    found = {f"{name}_SERVICE_HOST": address}
    for place, port in enumerate(ports):
        number, protocol = str(port["port"]), str(port.get("protocol", "TCP"))
        url = f"{protocol.lower()}://{address}:{number}"
        if place == 0:
            found |= {f"{name}_SERVICE_PORT": number, f"{name}_PORT": url}
        if port.get("name"):
            found[f"{name}_SERVICE_PORT_{str(port['name']).upper().replace('-', '_')}"] = number
        link = f"{name}_PORT_{number}_{protocol.upper()}"
        found |= {link: url, f"{link}_PROTO": protocol.lower(), f"{link}_PORT": number, f"{link}_ADDR": address}
    return found


def container_variables(container: Mapping[str, Any], fields: Mapping[str, str]) -> dict[str, str]:
    """Read `env` of a container; `fields` are what `fieldRef` may ask for."""
    found: dict[str, str] = {}
    for entry in container.get("env") or []:
        name = str(entry["name"])
        if "valueFrom" not in entry:
            found[name] = str(entry.get("value") or "")
            continue
        path = str((entry["valueFrom"].get("fieldRef") or {}).get("fieldPath") or "")
        if path not in fields:
            raise LabError(
                f"env {name}: the lab cannot give `{path or entry['valueFrom']}`; expected a fieldRef of "
                f"{', '.join(fields)}"
            )
        found[name] = fields[path]
    return found
