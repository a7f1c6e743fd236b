"""The values of the deliveryhero chart `node-local-dns` (2.9): names and defaults, as facts, by the alphabet."""

from __future__ import annotations

from typing import Any, Final

DEFAULTS: Final[dict[str, Any]] = {
    "affinity": {},
    "config.bindIp": False,
    "config.cacheTTL": 30,
    "config.commProtocol": "force_tcp",
    "config.customConfig": "",
    "config.customUpstreamsvc": "",
    "config.dnsDomain": "cluster.local",
    "config.dnsServer": "172.20.0.10",
    "config.enableLogging": False,
    "config.extraServerBlocks": "",
    "config.healthPort": 8080,
    "config.localDns": "169.254.20.25",
    "config.noIPv6Lookups": False,
    "config.port.number": 53,
    "config.port.tcp": "dns-tcp",
    "config.port.udp": "dns",
    "config.prefetch.amount": 3,
    "config.prefetch.duration": "30s",
    "config.prefetch.enabled": False,
    "config.prefetch.percentage": "20%",
    "config.serveStale.duration": "1h",
    "config.serveStale.enabled": False,
    "config.serveStale.mode": "verify",
    "config.setupInterface": True,
    "config.setupIptables": True,
    "config.skipTeardown": False,
    "config.upstreamForwardConfig": {},
    "config.upstreamServers": "__PILLAR__UPSTREAM__SERVERS__",
    "config.upstreamServiceSelector": {"k8s-app": "kube-dns"},
    "configMapAnnotations": {},
    "configMapLabels": {},
    "daemonsetAnnotations": {},
    "daemonsetLabels": {},
    "dashboard.annotations": {},
    "dashboard.enabled": False,
    "dashboard.label": "grafana_dashboard",
    "dashboard.namespace": "kube-system",
    "fullnameOverride": "",
    "image.repository": "registry.k8s.io/dns/k8s-dns-node-cache",
    "image.tag": "",
    "imagePullSecrets": [],
    "initContainers": [],
    "lifecycle": {},
    "nameOverride": "",
    "podAnnotations": {},
    "podLabels": {},
    "prometheusScraping.enabled": True,
    "resizePolicy": [],
    "resources.limits.memory": "128Mi",
    "resources.requests.cpu": "25m",
    "resources.requests.memory": "128Mi",
    "securityContext.capabilities.add": ["NET_ADMIN"],
    "service.annotations": {},
    "serviceAccount.annotations": {},
    "serviceAccount.create": True,
    "serviceAccount.name": "",
    "serviceMonitor.enabled": False,
    "serviceMonitor.honorLabels": False,
    "serviceMonitor.labels": {},
    "serviceMonitor.metricRelabelings": [],
    "serviceMonitor.namePrefix": "",
    "serviceMonitor.path": "/metrics",
    "serviceMonitor.prometheusNamespace": "kube-system",
    "serviceMonitor.relabelings": [],
    "tolerations": [
        {"key": "CriticalAddonsOnly", "operator": "Exists"},
        {"effect": "NoExecute", "operator": "Exists"},
        {"effect": "NoSchedule", "operator": "Exists"},
    ],
    "updateStrategy.rollingUpdate.maxUnavailable": "10%",
    "updateStrategy.type": "RollingUpdate",
}


def values(**changed: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever a value may be
    """Give a whole values file, as people keep it; `config__bindIp=True` changes one."""
    made: dict[str, Any] = {}
    for path, value in {**DEFAULTS, **{name.replace("__", "."): each for name, each in changed.items()}}.items():
        *above, last = path.split(".")
        place = made
        for name in above:
            place = place.setdefault(name, {})
        place[last] = value
    return made
