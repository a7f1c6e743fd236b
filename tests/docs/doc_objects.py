"""Which Kubernetes objects a page may name: those of our manifests, and those that the lesson's cluster has anyway."""

from __future__ import annotations

from functools import cache

import yaml
from doc_pages import HOUSE

# kind -> its other spellings.
SPELLINGS = {
    "configmap": ("configmaps", "cm"),
    "crd": ("customresourcedefinition",),
    "daemonset": ("daemonsets", "ds", "daemonset.apps"),
    "deployment": ("deployments", "deploy"),
    "endpointslice": ("endpointslices",),
    "namespace": ("namespaces", "ns"),
    "node": ("nodes",),
    "pod": ("pods", "po"),
    "service": ("services", "svc"),
    "serviceaccount": ("serviceaccounts", "sa"),
    "tigerastatus": (),
    "event": ("events",),
    "all": (),
}
LESSON = {
    "configmap": {"kube-dns", "coredns", "kube-proxy", "kubelet-config"},
    "daemonset": {"kube-proxy", "calico-node"},
    "deployment": {"coredns"},
    "namespace": {"kube-system", "default", "calico-system"},
    "node": {"k01-control-plane", "k01-worker", "k01-worker2"},
    "pod": {"dns-test"},
    "service": {"kube-dns", "kubernetes"},
    "tigerastatus": {"calico"},
}


@cache
def known_objects() -> dict[str, set[str]]:
    """Map every spelling of a kind to the names that there are."""
    named = {kind: set(LESSON.get(kind, ())) for kind in SPELLINGS}
    manifest = HOUSE / "deploy" / "nodelocaldns.yaml"
    if manifest.exists():
        for thing in yaml.safe_load_all(manifest.read_text(encoding="utf-8")):
            if thing:
                named.setdefault(thing["kind"].lower(), set()).add(thing["metadata"]["name"])
    return {spelling: names for kind, names in named.items() for spelling in (kind, *SPELLINGS.get(kind, ()))}
