"""The DaemonSet: how the agent is run, with which rights, and how a new one takes over from the old."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from nodens.manifests.corefile import LAMEDUCK_S
from nodens.manifests.options import DEFAULTS, Mode
from nodens.manifests.sizes import memory
from nodens.plan import LinkWish, SteeringWish

if TYPE_CHECKING:
    from nodens.manifests.options import Options

NAME: Final = "node-local-dns"
SELECTOR: Final = {"k8s-app": NAME}
CONTAINER: Final = "node-cache"
RUN_FOLDER: Final = "/run/nodens"  # in memory: the root file system cannot be written to
PID_FILE: Final = f"{RUN_FOLDER}/node-cache.pid"
USER_OF_A_POD: Final = 65_532  # on the pod network nothing needs root

_DRAIN_S: Final = 5  # what was asked is answered within this time
_SPARE_S: Final = 10  # for the last steps, and for a busy node
_START_LIMIT: Final = 60  # looks, one a second; the agent itself gives up waiting for its Service after 30 s
_Spec = dict[str, Any]


def daemon_set(options: Options) -> _Spec:
    """Write its `spec`."""
    surge = {"maxSurge": 1, "maxUnavailable": 0} if options.has_surge else {"maxSurge": 0, "maxUnavailable": 1}
    return {
        "minReadySeconds": 5,
        "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": surge},
        "selector": {"matchLabels": dict(SELECTOR)},
        "template": {
            "metadata": {"labels": dict(SELECTOR), "annotations": _annotations(options)},
            "spec": _pod(options),
        },
    }


def _annotations(options: Options) -> dict[str, str]:
    """Tell Prometheus where to ask, and Cilium whose packets need no tracking."""
    scrape = scrape_annotations(options)
    return scrape if options.is_on_host else {**scrape, "policy.cilium.io/no-track-port": "53"}


def scrape_annotations(options: Options) -> dict[str, str]:
    """Tell a Prometheus that goes by annotations."""
    return {"prometheus.io/port": str(options.metrics_port), "prometheus.io/scrape": "true"}


def _pod(options: Options) -> _Spec:
    """Write the pod's `spec`."""
    lameduck_s = 0 if options.is_on_host else LAMEDUCK_S
    return {
        "priorityClassName": "system-node-critical",
        "serviceAccountName": NAME,
        "automountServiceAccountToken": False,
        "enableServiceLinks": True,
        "hostNetwork": options.is_on_host,
        "dnsPolicy": "Default",
        **({} if options.is_on_host else {"securityContext": _pod_rights()}),
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "tolerations": [
            {"key": "CriticalAddonsOnly", "operator": "Exists"},
            {"effect": "NoExecute", "operator": "Exists"},
            {"effect": "NoSchedule", "operator": "Exists"},
        ],
        "terminationGracePeriodSeconds": lameduck_s + _DRAIN_S + _SPARE_S,
        "containers": [_container(options)],
        "volumes": _volumes(options),
    }


def _pod_rights() -> _Spec:
    """Let port 53 of the pod's own network need no capability."""
    return {"sysctls": [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "53"}]}


def _container(options: Options) -> _Spec:
    """Write the container."""
    size = memory(options)
    return {
        "name": CONTAINER,
        "image": options.image,
        "imagePullPolicy": "IfNotPresent",
        "resources": {
            "requests": {"cpu": "25m", "memory": f"{size.request_mib}Mi"},
            "limits": {"memory": f"{size.limit_mib}Mi"},
        },
        "args": arguments(options),
        "securityContext": security_context(options),
        **({} if options.is_on_host else {"ports": _ports(options)}),
        **_probes(options),
        "volumeMounts": _mounts(options),
    }


def arguments(options: Options) -> list[str]:
    """Write the arguments: the original's first, in its order."""
    words = ["-localip", ",".join(options.addresses), "-conf", f"{RUN_FOLDER}/Corefile"]
    words += ["-upstreamsvc", "kube-dns-upstream", "-pidfile", PID_FILE]
    if options.is_on_host:
        words.append("-takeover")
        wish = SteeringWish.NFT if options.mode is Mode.NFTABLES else options.steering
        words += [f"-steering={wish}"] if wish is not SteeringWish.AUTO else []
        words += [f"-interfacekind={options.link}"] if options.link is not LinkWish.AUTO else []
    else:
        words += ["-setupinterface=false", "-setupiptables=false"]
    if options.health_port != DEFAULTS.health_port:
        words.append(f"-health-port={options.health_port}")
    if options.setup_metrics_port != DEFAULTS.setup_metrics_port:
        words.append(f"-metrics-listen-address=0.0.0.0:{options.setup_metrics_port}")
    return words


def security_context(options: Options) -> _Spec:
    """Write which rights the container has: on the node, to set up links and rules and to serve port 53; else none."""
    capabilities: dict[str, list[str]] = {"drop": ["ALL"]}
    # iptables opens a raw socket for a rule that names a set (rung 4), the legacy one for every rule.
    needs_raw = options.has_legacy_iptables or options.steering is SteeringWish.IPTABLES
    if options.is_on_host:
        capabilities["add"] = ["NET_ADMIN", "NET_BIND_SERVICE"] + ["NET_RAW"] * needs_raw
    user = 0 if options.is_on_host else USER_OF_A_POD
    return {
        "privileged": False,
        "allowPrivilegeEscalation": False,
        "capabilities": capabilities,
        "readOnlyRootFilesystem": True,
        "runAsUser": user,
        "runAsGroup": user,
        **({} if options.is_on_host else {"runAsNonRoot": True}),
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def _ports(options: Options) -> list[_Spec]:
    """Write the ports, by the names that Cilium's policy goes by. On the node's network none may be declared."""
    return [
        {"name": "dns", "containerPort": 53, "protocol": "UDP"},
        {"name": "dns-tcp", "containerPort": 53, "protocol": "TCP"},
        {"name": "metrics", "containerPort": options.metrics_port, "protocol": "TCP"},
    ]


def _probes(options: Options) -> _Spec:
    """Write the probes. On the node's network old and new pod share their ports; the first asks for *this* pod."""
    host = {"host": options.local_ips[0]} if options.is_on_host else {}
    return {
        "startupProbe": {
            "exec": {"command": ["nodens", "started", PID_FILE]},
            "initialDelaySeconds": 0,
            "periodSeconds": 1,
            "timeoutSeconds": 5,
            "failureThreshold": _START_LIMIT,
        },
        "readinessProbe": {
            "httpGet": {**host, "path": "/ready", "port": options.ready_port},
            "initialDelaySeconds": 0,
            "periodSeconds": 2,
            "timeoutSeconds": 2,
            "failureThreshold": 1,
        },
        "livenessProbe": {
            "httpGet": {**host, "path": "/health", "port": options.health_port},
            "initialDelaySeconds": 0,
            "periodSeconds": 10,
            "timeoutSeconds": 5,
            "failureThreshold": 3,
        },
    }


def _mounts(options: Options) -> list[_Spec]:
    """Say where the volumes stand."""
    on_host: list[_Spec] = [
        {"name": "xtables-lock", "mountPath": "/run/xtables.lock", "readOnly": False},
        {"name": "dev-net", "mountPath": "/dev/net", "readOnly": True},
    ]
    return [
        *(on_host if options.is_on_host else []),
        {"name": "config-volume", "mountPath": "/etc/coredns", "readOnly": True},
        {"name": "kube-dns-config", "mountPath": "/etc/kube-dns", "readOnly": True},
        {"name": "run", "mountPath": RUN_FOLDER},
    ]


def _volumes(options: Options) -> list[_Spec]:
    """Write the volumes. A node without /dev/net/tun gets an empty folder, and the agent takes the second rung."""
    on_host: list[_Spec] = [
        {"name": "xtables-lock", "hostPath": {"path": "/run/xtables.lock", "type": "FileOrCreate"}},
        {"name": "dev-net", "hostPath": {"path": "/dev/net", "type": "DirectoryOrCreate"}},
    ]
    return [
        *(on_host if options.is_on_host else []),
        {"name": "kube-dns-config", "configMap": {"name": "kube-dns", "optional": True}},
        {
            "name": "config-volume",
            "configMap": {"name": NAME, "items": [{"key": "Corefile", "path": "Corefile.base"}]},
        },
        {"name": "run", "emptyDir": {"medium": "Memory", "sizeLimit": "4Mi"}},
    ]
