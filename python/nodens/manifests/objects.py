"""Options -> the five objects, as plain data in the order in which they must be made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from nodens.manifests.corefile import corefile
from nodens.manifests.workload import NAME, SELECTOR, daemon_set, scrape_annotations

if TYPE_CHECKING:
    from nodens.manifests.options import Options

Object: TypeAlias = dict[str, Any]

UPSTREAM_SERVICE: Final = "kube-dns-upstream"
_MANAGED: Final = {"addonmanager.kubernetes.io/mode": "Reconcile"}
_CLUSTER_SERVICE: Final = {"kubernetes.io/cluster-service": "true", **_MANAGED}


def objects(options: Options) -> tuple[Object, ...]:
    """Make them, under the official names and labels: each takes the place of the original."""
    made = (
        _service_account(options),
        _upstream_service(options),
        _config_map(options),
        {**_head("apps/v1", "DaemonSet", options, {**SELECTOR, **_CLUSTER_SERVICE}), "spec": daemon_set(options)},
        _metrics_service(options),
    )
    return made if options.is_on_host else (*made, _redirect_policy(options))


def _head(api: str, kind: str, options: Options, labels: dict[str, str], name: str = NAME) -> Object:
    """Begin an object."""
    metadata = {"name": name, "namespace": options.namespace, "labels": labels}
    return {"apiVersion": api, "kind": kind, "metadata": metadata}


def _service_account(options: Options) -> Object:
    """Whom the pods run as: somebody without rights and without a token."""
    return {**_head("v1", "ServiceAccount", options, dict(_CLUSTER_SERVICE)), "automountServiceAccountToken": False}


def _upstream_service(options: Options) -> Object:
    """The second way to the cluster DNS pods: the address that misses are forwarded to."""
    labels = {"k8s-app": "kube-dns", **_CLUSTER_SERVICE, "kubernetes.io/name": "KubeDNSUpstream"}
    return {
        **_head("v1", "Service", options, labels, UPSTREAM_SERVICE),
        "spec": {
            **_families(options),
            "ports": [
                {"name": "dns", "port": 53, "protocol": "UDP", "targetPort": 53},
                {"name": "dns-tcp", "port": 53, "protocol": "TCP", "targetPort": 53},
            ],
            "selector": dict(options.dns_selector),
        },
    }


def _config_map(options: Options) -> Object:
    """The Corefile."""
    return {
        **_head("v1", "ConfigMap", options, dict(_MANAGED)),
        "data": {"Corefile": options.own_corefile or corefile(options)},
    }


def _metrics_service(options: Options) -> Object:
    """Where Prometheus finds every pod."""
    head = _head("v1", "Service", options, dict(SELECTOR))
    head["metadata"]["annotations"] = scrape_annotations(options)
    port = {"name": "metrics", "port": options.metrics_port, "protocol": "TCP", "targetPort": options.metrics_port}
    return {
        **head,
        "spec": {**_families(options), "clusterIP": "None", "ports": [port], "selector": dict(SELECTOR)},
    }


def _families(options: Options) -> dict[str, str]:
    """Both families where there are two."""
    return {"ipFamilyPolicy": "PreferDualStack"} if options.is_dual_stack else {}


def _redirect_policy(options: Options) -> Object:
    """Cilium's way to us: what is asked of the cluster DNS Service goes to the pod of ours on the same node."""
    return {
        "apiVersion": "cilium.io/v2",
        "kind": "CiliumLocalRedirectPolicy",
        "metadata": {"name": "nodelocaldns", "namespace": options.namespace},
        "spec": {
            "redirectFrontend": {
                "serviceMatcher": {"serviceName": options.dns_service, "namespace": options.namespace}
            },
            "redirectBackend": {
                "localEndpointSelector": {"matchLabels": dict(SELECTOR)},
                "toPorts": [
                    {"port": "53", "name": "dns", "protocol": "UDP"},
                    {"port": "53", "name": "dns-tcp", "protocol": "TCP"},
                ],
            },
        },
    }
